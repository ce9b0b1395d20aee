"""The shortest script: httpx, a list of all records, one ``DataFrame``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from method_normalize import pages

if TYPE_CHECKING:
    from task import Task


def frame(task: Task) -> pd.DataFrame:
    """Return all posts."""
    return pd.DataFrame([post for posts in pages(task) for post in posts])


wide = frame
