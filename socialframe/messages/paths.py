"""Reads members of a JSON value by dotted paths."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


def get_path(body: Any, path: str) -> Any:  # noqa: ANN401 - JSON is any value
    """Return the value at a dotted path, None if there is no such member.

    A member whose own name has dots, such as ``@odata.nextLink``, wins.
    """
    while path:
        if not isinstance(body, dict):
            return None
        if path in body:
            return body[path]
        name, _, path = path.partition(".")
        body = body.get(name) if path else None
    return body


def has_path(envelope: object, path: str) -> bool:
    """Whether there is a member at a dotted path; null counts."""
    while isinstance(envelope, dict) and path:
        if path in envelope:
            return True
        name, _, path = path.partition(".")
        envelope = envelope.get(name)
    return False


@lru_cache(4096)
@lru_cache(maxsize=4096)  # each page has the same names
def plain_name(name: str) -> str:
    """Return a name in lower case without underscores, hyphens and spaces.

    Examples
    --------
    >>> plain_name("next_pageToken")
    'nextpagetoken'
    """
    return name.replace("_", "").replace("-", "").replace(" ", "").lower()
