"""What is noted of a walk, as plain values."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

#: What reads walks; their fields are those of ``Unfinished``, in order.
ROW = (
    "SELECT id, tenant, name, query, endpoint, owner, state, reason, rows, began, changed,"
    " (SELECT count(*) FROM pages WHERE walk = id),"
    " (SELECT total(length(reply)) FROM pages WHERE walk = id) FROM walks"
)


@dataclass(frozen=True, slots=True)
class Started:
    """What a walk is of, as plain values.

    Parameters
    ----------
    tenant, name : str
        Whose it is, and what tells its query from others.
    endpoint : str
        Name of the endpoint.
    query : dict
        What makes the query again: JSON values.

    Examples
    --------
    >>> Started("tenant", "name", "posts", {"arguments": {}}).endpoint
    'posts'
    """

    tenant: str
    name: str
    endpoint: str
    query: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An unfinished walk, as the file tells of it; ``size`` in bytes, as it lies there."""

    id: str
    tenant: str
    name: str
    query: dict[str, Any]
    endpoint: str
    owner: str
    state: str
    reason: str
    rows: int
    began: float
    changed: float
    pages: int
    size: int


def unfinished(row: tuple[Any, ...]) -> Unfinished:
    """Return a walk from its row."""
    values = list(row)
    try:
        values[3], values[-1] = json.loads(row[3]), int(row[-1])
    except (ValueError, TypeError) as error:
        raise sqlite3.DatabaseError("a row of it makes no sense") from error
    return Unfinished(*values)
