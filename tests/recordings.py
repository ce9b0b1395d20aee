"""Where the recorded answers of other APIs are, if they are; and when a row is its record."""

import json
import os
from pathlib import Path

FOLDER = Path(
    os.environ.get("SOCIALFRAME_SAMPLES") or Path(__file__).parents[2] / "shared" / "samples"
)
THERE = (FOLDER / "index.json").is_file()


def same(typed, value):
    """Whether a typed value is the recorded one; what has no common type is JSON text."""
    if typed == value and isinstance(typed, bool) == isinstance(value, bool):
        return True
    if isinstance(typed, list) and isinstance(value, list) and len(typed) == len(value):
        return all(map(same, typed, value))
    if isinstance(typed, dict) and isinstance(value, dict):
        return all(same(typed.get(k), value.get(k)) for k in {*typed, *value})
    return isinstance(typed, str) and not isinstance(value, str) and json.loads(typed) == value
