"""A walk in the store, and the key that two runs of one query share: plain values."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

#: States. A walk is complete (it can be replayed) or open (it can be resumed); an open one is
#: running, or has the reason why it stopped. A looping walk is never resumed; one that was left,
#: for example by ``break``, is resumed only while the cache would be fresh.
COMPLETE, RUNNING, LOOPED, LEFT, KILLED = "complete", "running", "looped", "left", "killed"

SKEW = 60.0  # seconds by which two clocks may differ


@dataclass(frozen=True, slots=True)
class WalkKey:
    """The values that determine the requests of a walk.

    Parameters
    ----------
    endpoint, path : str
        Name and path of the endpoint.
    params : tuple of (str, str)
        Parameters of the first call, in order.
    paging : str
        The paging scheme, and the path of the records.
    limit : int or None
        Maximum number of records.
    """

    endpoint: str
    path: str
    params: tuple[tuple[str, str], ...]
    paging: str
    limit: int | None = None

    def name(self, tenant: str) -> str:
        """Return the key as text, for a tenant.

        Examples
        --------
        >>> key = WalkKey("posts", "/v1/posts", (("page", "1"),), "PageNumber")
        >>> key.name("one tenant") == key.name("another")
        False
        """
        parts = [tenant, self.endpoint, self.path, self.params, self.paging, self.limit]
        return hashlib.blake2b(json.dumps(parts).encode(), digest_size=12).hexdigest()

    def without_limit(self) -> WalkKey:
        """Return the key of the same walk without a limit."""
        return replace(self, limit=None)


@dataclass(frozen=True, slots=True)
class StoredWalk:
    """A walk in the store.

    Parameters
    ----------
    id : str
        Id that users see.
    tenant, name : str
        Its tenant, and the name of its query's key.
    endpoint : str
        Name of the endpoint.
    query : dict
        Arguments, limit and explode of the query, as JSON values.
    state, reason : str
        Its state, see ``COMPLETE``; why it stopped.
    rows : int
        Rows so far.
    pages : int
        Number of stored replies.
    first, last : float
        Unix time of the first and the last reply.
    size : int
        Bytes of the bodies; for an open walk, bytes on disk.
    """

    id: str
    tenant: str
    name: str
    endpoint: str
    query: dict[str, Any] = field(default_factory=dict)
    state: str = RUNNING
    reason: str = ""
    rows: int = 0
    pages: int = 0
    first: float = 0.0
    last: float = 0.0
    size: int = 0

    @property
    def key(self) -> str:
        """Its key in the store: a query has one complete walk, and any number of open ones."""
        return f"walk:{self.name}" if self.state == COMPLETE else f"walk:{self.name}:{self.id}"

    def page_key(self, number: int) -> str:
        """Return the key of a page."""
        return f"page:{self.id}:{number:06d}"

    def page_keys(self) -> list[str]:
        """Return the keys of all its pages."""
        return [self.page_key(number) for number in range(self.pages)]

    def fresh(self, now: float, seconds: float) -> bool:
        """Return whether the first page is younger than this many seconds.

        If its time is in the future by more than clocks differ, the clock was set back. Then the
        age is unknown, and the walk is not fresh.
        """
        return -SKEW < now - self.first < seconds

    def to_json(self) -> dict[str, Any]:
        """Return the walk as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: object) -> StoredWalk | None:
        """Return the walk; None if the values are not one's."""
        if not isinstance(values, dict) or values.keys() != _KINDS.keys():
            return None
        sound = all(isinstance(values[name], kind) for name, kind in _KINDS.items())
        return cls(**values) if sound else None


_TYPES: dict[object, Any] = {"str": str, "int": int, "float": (int, float)}
_KINDS = {one.name: _TYPES.get(one.type, dict) for one in fields(StoredWalk)}
