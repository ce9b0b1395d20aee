"""Who is next, where several processes share one budget: pure.

Among processes that have not had their share whoever came first is served first, and before those
that have. While one of the former is at work, the latter go on more slowly, and never stand still:
a place that nobody else takes must not be lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from socialframe.http.budget import Limit

_AT_WORK = 1.0  # seconds after a call during which another one is expected
_EASE = 0.8  # of the time that each place would have if they came evenly; 1 would lose places


class Held(NamedTuple):
    """The places of one process: how many, when its last call started, and when one last ended."""

    places: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Shares:
    """What several processes hold of one budget, and who waits.

    Parameters
    ----------
    limit : Limit
        What they share.
    held : mapping of str to Held
        Places by process, if it has any.
    queue : sequence of str
        Processes that wait, first come first.
    now : float
        The moment.

    Examples
    --------
    >>> from socialframe.http.budget import Limit
    >>> shares = Shares(Limit(4), {"a": Held(2, 8.0, 9.5), "b": Held(1, 9.0, 9.2)}, ["b"], 10.0)
    >>> shares.used, shares.ahead("a"), shares.ahead("b")
    (3, 1, 0)
    """

    limit: Limit
    held: Mapping[str, Held]
    queue: Sequence[str]
    now: float

    @property
    def used(self) -> int:
        """How many places are occupied."""
        return sum(one.places for one in self.held.values())

    def ahead(self, me: str) -> int:
        """Return how many of the others that wait are served before a process."""
        share = self._share(me)
        behind = self.queue.index(me) if me in self.queue else len(self.queue)
        mine = (self._places(me) >= share, behind)
        return sum(
            (self._places(one) >= share, place) < mine
            for place, one in enumerate(self.queue)
            if one != me
        )

    def ease(self, me: str) -> float:
        """Return the seconds that a process leaves to the others, though a place is free."""
        share = self._share(me)
        if self._places(me) < share:
            return 0.0
        if all(self._places(one) >= share for one in self._at_work(me)):
            return 0.0
        step = _EASE * self.limit.seconds / self.limit.calls
        return max(0.0, self.held[me].start + step - self.now)

    def _places(self, process: str) -> int:
        return self.held[process].places if process in self.held else 0

    def _share(self, me: str) -> float:
        return self.limit.calls / len(self._at_work(me))

    def _at_work(self, me: str) -> set[str]:
        calling = {p for p, held in self.held.items() if held.end > self.now - _AT_WORK}
        return calling | {me, *self.queue}
