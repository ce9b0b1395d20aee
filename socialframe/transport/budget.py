"""How many calls are left: a log of reservations that the server can never count above its limit.

A server counts when a call *arrives*, which is some time between our start and its answer. So the
log keeps both moments of each call, and a call occupies its place until one window after its end.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from socialframe.transport.locks import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable

GUARD = 0.05  # seconds between our clock and the server's


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls in so many seconds.

    Examples
    --------
    >>> Limit(60, 60.0)
    Limit(calls=60, seconds=60.0)
    """

    calls: int
    seconds: float = 60.0


TIERS = {"free": Limit(60), "paid": Limit(600)}


@dataclass(slots=True)
class Slot:
    """One booked call: its start, and the end of it, presumed until it is known."""

    start: float
    end: float
    known: bool = field(default=False)


class Budget(Protocol):
    """What a budget store has to offer; the throttle does the waiting."""

    def reserve(self, lasts: float) -> tuple[Slot | None, float]:
        """Book a call that takes at most so many seconds, or say how long to wait and ask again."""

    def end(self, slot: Slot) -> None:
        """Note that the answer, or the failure, of a booked call has come."""

    def pause(self, seconds: float) -> None:
        """Let no call of the tenant start for so many seconds."""


class MemoryBudget:
    """A budget in this process alone.

    Parameters
    ----------
    limit : Limit
        What the server permits.
    clock : callable
        Seconds that only ever grow.

    Examples
    --------
    >>> budget = MemoryBudget(Limit(1, 60.0), clock=lambda: 0.0)
    >>> slot, wait = budget.reserve(lasts=30.0)
    >>> budget.end(slot)
    >>> budget.reserve(lasts=30.0)
    (None, 60.05)
    """

    def __init__(self, limit: Limit, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._lock = ForkLock()
        self._slots: list[Slot] = []
        self._paused_until = -float("inf")

    def reserve(self, lasts: float) -> tuple[Slot | None, float]:
        """Book a call, or say how long to wait.

        Parameters
        ----------
        lasts : float
            Seconds after which an unanswered call counts as ended.

        Returns
        -------
        slot : Slot or None
            The booked call; None if the budget is used or paused.
        wait : float
            Seconds after which to ask again; 0.0 with a slot.
        """
        occupied = self.limit.seconds + GUARD
        with self._lock():
            now = self._clock()
            if now < self._paused_until:
                return None, self._paused_until - now
            if len(self._slots) >= self.limit.calls:
                self._slots = [slot for slot in self._slots if now < slot.end + occupied]
            if len(self._slots) < self.limit.calls:
                slot = Slot(now, now + lasts)
                self._slots.append(slot)
                return slot, 0.0
            return None, min(slot.end for slot in self._slots) + occupied - now

    def end(self, slot: Slot) -> None:
        """Note that the answer, or the failure, of a booked call has come."""
        with self._lock():
            slot.end, slot.known = self._clock(), True

    def pause(self, seconds: float) -> None:
        """Let no call start for so many seconds, as a 429 asks for."""
        with self._lock():
            self._paused_until = max(self._paused_until, self._clock() + seconds)
