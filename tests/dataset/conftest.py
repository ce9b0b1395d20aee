"""A sandbox whose world changes."""

import pytest
from changing import Changing


@pytest.fixture
def changing():
    return Changing()
