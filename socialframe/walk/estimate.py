"""What a query would cost, as far as it is known without asking: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_KEPT = 1000  # queries that are remembered
_MINUTES = 120  # seconds from which on minutes are told


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a query would cost now. None stands for what is not known.

    Parameters
    ----------
    requests : int or None
        Requests in all, repetitions after a failure left out.
    cached : int
        Those of them that the cache answers.
    seconds : float or None
        Until the last of the others may start by the budget as it stands, if no other process
        calls meanwhile; what the answers themselves take comes on top.

    Examples
    --------
    >>> Estimate(90, 0, 60.05)
    <Estimate: 90 requests, of which cached: 0; 60 s of waiting for the budget as it stands>
    >>> Estimate(None, 0, None)
    <Estimate: not known before a page was seen>
    """

    requests: int | None
    cached: int
    seconds: float | None

    def __str__(self) -> str:
        if self.requests is None or self.seconds is None:
            return "not known before a page was seen"
        count = f"{self.requests:,} request{'s' * (self.requests != 1)}"
        return (
            f"{count}, of which cached: {self.cached:,}; {self._wait} for the budget as it stands"
        )

    @property
    def _wait(self) -> str:
        seconds = self.seconds
        if not seconds:
            return "no waiting"
        told = f"{seconds:.0f} s" if seconds < _MINUTES else f"{seconds / 60:.0f} min"
        return f"{told} of waiting"

    def __repr__(self) -> str:
        return f"<Estimate: {self}>"

    def _repr_html_(self) -> str:
        if self.requests is None or self.seconds is None:
            return f"<p>{self}</p>"
        cells = {"requests": f"{self.requests:,}", "of which cached": f"{self.cached:,}"}
        cells |= {"budget": self._wait}
        rows = "".join(f"<tr><th>{name}</th><td>{cell}</td></tr>" for name, cell in cells.items())
        return f"<table>{rows}</table>"


@dataclass(frozen=True, slots=True)
class Met:
    """What a client remembers of a query that it walked, or began to.

    Parameters
    ----------
    calls : int or None
        Calls of the whole walk.
    size : int
        Records of a full page; 0 is not known.
    told : str
        Where the rows of the last walk came from, in one line; empty where none came to an end.

    Examples
    --------
    >>> Met(54, 100).needed(250), Met(None, 100).needed(None)
    (3, None)
    """

    calls: int | None = None
    size: int = 0
    told: str = ""

    def needed(self, most: int | None) -> int | None:
        """Return the calls that so many records at most take; None where that is not known."""
        if most is None or self.calls == 1:
            return self.calls
        if not self.size:
            return None
        few = -(-most // self.size)
        return few if self.calls is None else min(few, self.calls)


def note(known: MutableMapping[str, Met], name: str, met: Met) -> None:
    """Remember what was met; what is not known now stays as it was.

    Examples
    --------
    >>> known = {}
    >>> note(known, "posts", Met(54, 100))
    >>> note(known, "posts", Met(None, 0))
    >>> known
    {'posts': Met(calls=54, size=100, told='')}
    """
    old = known.pop(name, Met())
    calls = old.calls if met.calls is None else met.calls
    known[name] = Met(calls, met.size or old.size, met.told or old.told)
    for oldest in list(known)[:-_KEPT]:
        known.pop(oldest, None)
