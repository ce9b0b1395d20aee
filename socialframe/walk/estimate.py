"""The number of requests of a query, and statistics of earlier runs: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_REMEMBERED = 1000  # queries
_MINUTES = 120  # seconds; longer times are shown in minutes


@dataclass(frozen=True, slots=True)
class Estimate:
    """The requests that a query needs now. None means unknown.

    Parameters
    ----------
    requests : int or None
        All requests, without retries.
    cached : int
        Requests that the cache replays.
    seconds : float or None
        Seconds that the other requests wait for the rate limit, if no other process sends requests.
        The time for the replies is not included.

    Examples
    --------
    >>> Estimate(90, 0, 60.05)
    <Estimate: 90 requests, 0 cached; 60 s wait for the budget>
    >>> Estimate(None, 0, None)
    <Estimate: unknown before the first page>
    """

    requests: int | None
    cached: int
    seconds: float | None

    def __str__(self) -> str:
        if self.requests is None or self.seconds is None:
            return "unknown before the first page"
        count = f"{self.requests:,} request{'s' * (self.requests != 1)}"
        return f"{count}, {self.cached:,} cached; {self._wait} for the budget"

    @property
    def _wait(self) -> str:
        seconds = self.seconds
        if not seconds:
            return "no wait"
        time = f"{seconds:.0f} s" if seconds < _MINUTES else f"{seconds / 60:.0f} min"
        return f"{time} wait"

    def __repr__(self) -> str:
        return f"<Estimate: {self}>"

    def _repr_html_(self) -> str:
        if self.requests is None or self.seconds is None:
            return f"<p>{self}</p>"
        cells = {"requests": f"{self.requests:,}", "cached": f"{self.cached:,}"}
        cells |= {"budget": self._wait}
        rows = "".join(f"<tr><th>{name}</th><td>{cell}</td></tr>" for name, cell in cells.items())
        return f"<table>{rows}</table>"


@dataclass(frozen=True, slots=True)
class QueryStats:
    """Statistics of a query from earlier runs of a client.

    Parameters
    ----------
    calls : int or None
        Calls of the complete walk.
    size : int
        Records of a full page; 0 if unknown.
    description : str
        Provenance of the last run that ended, in one line; empty if there is none.
    records : str or None
        Path of the records that the last run found; None if the query declares it.

    Examples
    --------
    >>> QueryStats(54, 100).needed(250), QueryStats(None, 100).needed(None)
    (3, None)
    """

    calls: int | None = None
    size: int = 0
    description: str = ""
    records: str | None = None

    def needed(self, limit: int | None) -> int | None:
        """Return the number of calls for ``limit`` records; None if unknown."""
        if limit is None or self.calls == 1:
            return self.calls
        if not self.size:
            return None
        few = -(-limit // self.size)
        return few if self.calls is None else min(few, self.calls)


def remember(known: MutableMapping[str, QueryStats], key: str, stats: QueryStats) -> None:
    """Store the statistics of a run; unknown ones keep their earlier value.

    Examples
    --------
    >>> known = {}
    >>> remember(known, "posts", QueryStats(54, 100))
    >>> remember(known, "posts", QueryStats(None, 0))
    >>> known
    {'posts': QueryStats(calls=54, size=100, description='', records=None)}
    """
    old = known.pop(key, QueryStats())
    calls = old.calls if stats.calls is None else stats.calls
    description = stats.description or old.description
    records = old.records if stats.records is None else stats.records
    known[key] = QueryStats(calls, stats.size or old.size, description, records)
    for oldest in list(known)[:-_REMEMBERED]:
        known.pop(oldest, None)
