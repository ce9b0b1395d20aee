"""Reads members of a JSON value by dotted paths."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


def get_path(body: Any, path: str) -> Any:  # noqa: ANN401 - JSON is any value
    """Return the value at a dotted path, None if there is no such member."""
    for name in path.split(".") if path else ():
        if not isinstance(body, dict):
            return None
        body = body.get(name)
    return body


def has_path(envelope: object, path: str) -> bool:
    """Whether there is a member at a dotted path; null counts."""
    parent, _, name = path.rpartition(".")
    holder = get_path(envelope, parent)
    return isinstance(holder, dict) and name in holder


@lru_cache(4096)
def plain_name(name: str) -> str:
    """Return a name in lower case without underscores and hyphens.

    Examples
    --------
    >>> plain_name("next_pageToken")
    'nextpagetoken'
    """
    return name.replace("_", "").replace("-", "").lower()
