"""What CONTRIBUTING.md and SECURITY.md say is still so."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOLD = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DIFFS = re.findall(r"^```diff\n(.*?)^```$", TOLD, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("number", range(3), ids=["endpoint", "paging", "sink"])
@pytest.mark.processes
def test_each_example_applies_to_this_tree(number):
    """By git apply, as it stands on the page; and there are three."""
    assert len(DIFFS) == 3
    done = subprocess.run(
        ["git", "apply", "--check", "-"],
        cwd=ROOT,
        input=DIFFS[number],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_every_test_that_is_named_is_there():
    """In the file beside which it is named."""
    told = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(tests/\S+\.py)` \| (.*) \|$", told, re.MULTILINE)
    assert len(rows) >= 4
    for path, names in rows:
        source = (ROOT / path).read_text(encoding="utf-8")
        for name in re.findall(r"test_\w+", names):
            assert f"def {name}(" in source, (path, name)
