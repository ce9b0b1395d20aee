"""How many calls are left: a log of reservations that the server can never count above its limit.

A server counts when a call *arrives*, which is some time between our start and its answer. So the
log keeps both moments of each call, and a call occupies its place until one window after its end.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from socialframe.sqlite import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GUARD = 0.05  # seconds between our clock and the server's


def uptime() -> float:
    """Return seconds that only ever grow, and that all processes of this machine agree on.

    Where there is ``CLOCK_BOOTTIME`` they go on while the machine sleeps, as the server's do. A
    clock that stands still meanwhile makes calls wait once for up to a window too long. Wall time,
    which jumps, is not used.

    Examples
    --------
    >>> uptime() <= uptime()
    True
    """
    if _BOOTTIME is not None:
        return time.clock_gettime(_BOOTTIME)
    return time.monotonic()


_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux alone has it


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

    def told(self, calls: int | None, *, adapts: bool) -> Limit:
        """Return the limit after the server told its own; one that does not adapt only falls.

        Examples
        --------
        >>> Limit(60).told(600, adapts=True).calls, Limit(60).told(600, adapts=False).calls
        (600, 60)
        """
        if calls is None:
            return self
        return Limit(calls if adapts else min(calls, self.calls), self.seconds)

    def is_of(self, reset: float | None) -> bool:
        """Whether a server that has more calls after so many seconds may count in this window.

        Examples
        --------
        >>> Limit(60).is_of(60.0), Limit(60).is_of(3600.0)
        (True, False)
        """
        return reset is None or reset <= self.seconds + 2  # moments are told in whole seconds


TIERS = {"free": Limit(60), "paid": Limit(600)}


@dataclass(slots=True)
class Slot:
    """One booked call: its start, and the end of it, presumed until it is known."""

    start: float
    end: float
    number: int = 0  # in a store that has numbers


@dataclass(frozen=True, slots=True)
class Usage:
    """A budget at one moment.

    Parameters
    ----------
    limit : Limit
        What the server permits.
    used, left : int
        Places that are occupied, and that are free.
    next_free : float
        Seconds until a call may start; 0.0 means now.
    shared_by : int
        Processes that have a call in the window or wait for one, this one counted.

    Examples
    --------
    >>> Usage(Limit(60), used=60, left=0, next_free=12.4, shared_by=2)
    <Budget of 60 calls in 60 s: 60 used, 0 left, next call in 12 s; 2 processes share it>
    """

    limit: Limit
    used: int
    left: int
    next_free: float
    shared_by: int

    def __str__(self) -> str:
        when = f"in {self.next_free:.0f} s" if self.next_free else "now"
        text = f"{self.limit.calls} calls in {self.limit.seconds:g} s: {self.used} used, "
        return f"{text}{self.left} left, next call {when}{shared(self.shared_by)}"

    def __repr__(self) -> str:
        return f"<Budget of {self}>"

    def _repr_html_(self) -> str:
        when = f"in {self.next_free:.0f} s" if self.next_free else "now"
        cells = {
            "limit": f"{self.limit.calls} calls in {self.limit.seconds:g} s",
            "used": self.used,
            "left": self.left,
            "next call": when,
            "shared by": f"{self.shared_by} process{'es' * (self.shared_by != 1)}",
        }
        rows = "".join(f"<tr><th>{name}</th><td>{cell}</td></tr>" for name, cell in cells.items())
        return f"<table>{rows}</table>"


def shared(processes: int) -> str:
    """Say how many processes share a budget; nothing of one.

    Examples
    --------
    >>> shared(2)
    '; 2 processes share it'
    """
    return f"; {processes} processes share it" if processes > 1 else ""


def until(limit: Limit, frees: Sequence[float], calls: int, paused: float = 0.0) -> float:
    """Return the seconds until the last of so many calls may start, if nobody else calls.

    Parameters
    ----------
    limit : Limit
        What the server permits.
    frees : sequence of float
        Seconds until each occupied place is free, sorted.
    calls : int
        How many calls, each answered at once.
    paused : float
        Seconds in which no call may start.

    Examples
    --------
    >>> until(Limit(2), [10.0, 20.0], 2), until(Limit(2), [10.0], 4)
    (20.0, 70.05)
    """
    over = len(frees) + calls - 1 - limit.calls  # its place, where none before were occupied
    if over < 0:
        return paused
    rounds = max(0, math.ceil((over + 1 - len(frees)) / limit.calls))
    place = over - rounds * limit.calls
    first = max(paused, frees[place]) if place >= 0 else paused
    return first + rounds * (limit.seconds + GUARD)


class Budget(Protocol):
    """What a budget store has to offer; the throttle does the waiting."""

    def reserve(self, lasts: float) -> tuple[Slot | None, float]:
        """Book a call that takes at most so many seconds, or say how long to wait and ask again.

        Who has to wait is in the queue from then on, until a call is booked or ``leave``.
        """

    def leave(self) -> None:
        """Leave the queue without a call."""

    def end(self, slot: Slot) -> None:
        """Note that the answer, or the failure, of a booked call has come."""

    def pause(self, seconds: float) -> None:
        """Let no call of the tenant start for so many seconds."""

    def learn(self, calls: int, reset: float | None) -> None:
        """Take note of how many calls the server says that it permits.

        Unless it has more after a time that is longer than our window: then it counts in another.
        """

    def usage(self) -> Usage:
        """Return how it stands."""

    def takes(self, calls: int) -> float:
        """Return the seconds until the last of so many calls may start, if nobody else calls."""


class MemoryBudget:
    """A budget in this process alone.

    Parameters
    ----------
    limit : Limit
        What the server permits.
    adapts : bool
        Whether the limit follows what the server says; else that can only lower it.
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

    def __init__(
        self, limit: Limit, *, adapts: bool = False, clock: Callable[[], float] = uptime
    ) -> None:
        self._limit = limit
        self._adapts = adapts
        self._told: int | None = None
        self._clock = clock
        self._lock = ForkLock()
        self._slots: list[Slot] = []
        self._paused_until = -float("inf")
        self._latest = -float("inf")

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
            Seconds after which to ask again, the soonest that a place may be free; 0.0 with a slot.
        """
        with self._lock():
            now = self._now()
            wait = self._wait(now)
            if wait:
                return None, wait
            slot = Slot(now, now + lasts)
            self._slots.append(slot)
            return slot, 0.0

    def leave(self) -> None:
        """Do nothing: there is no queue, the threads of a process wait for each other."""

    def end(self, slot: Slot) -> None:
        """Note that the answer, or the failure, of a booked call has come."""
        with self._lock():
            slot.end = self._now()

    def pause(self, seconds: float) -> None:
        """Let no call start for so many seconds, as a 429 asks for."""
        with self._lock():
            self._paused_until = max(self._paused_until, self._now() + seconds)

    def learn(self, calls: int, reset: float | None = None) -> None:
        """Take note of how many calls the server says that it permits in our window."""
        if self._limit.is_of(reset):
            self._told = calls

    def usage(self) -> Usage:
        """Return how it stands."""
        with self._lock():
            now = self._now()
            self._forget(now - self.limit.seconds - GUARD)
            wait = self._wait(now)
            limit, used = self.limit, len(self._slots)
            return Usage(limit, used, max(0, limit.calls - used), wait, 1)

    def takes(self, calls: int) -> float:
        """Return the seconds until the last of so many calls may start, if nobody else calls."""
        with self._lock():
            now, occupied = self._now(), self.limit.seconds + GUARD
            self._forget(now - occupied)
            frees = sorted(min(slot.end, now) + occupied - now for slot in self._slots)
            return until(self.limit, frees, calls, max(0.0, self._paused_until - now))

    @property
    def limit(self) -> Limit:
        """What the server permits, as far as is known."""
        return self._limit.told(self._told, adapts=self._adapts)

    def adopt(self, slot: Slot) -> None:
        """Count a call that was booked elsewhere."""
        with self._lock():
            if len(self._slots) >= self.limit.calls:
                self._forget(self._now() - self.limit.seconds - GUARD)
            self._slots.append(slot)

    def still(self) -> list[Slot]:
        """Return the calls that still count."""
        with self._lock():
            self._forget(self._now() - self.limit.seconds - GUARD)
            return list(self._slots)

    def paused(self) -> float:
        """Return the seconds in which no call may start."""
        with self._lock():
            return max(0.0, self._paused_until - self._now())

    def _now(self) -> float:
        """Return the moment; where the clock went back, all that was noted goes with it."""
        now = self._clock()
        back = self._latest - now
        if back > 0:
            self._paused_until -= back
            for slot in self._slots:
                slot.start -= back
                slot.end -= back
        self._latest = now
        return now

    def _wait(self, now: float) -> float:
        limit = self.limit
        occupied = limit.seconds + GUARD
        if now < self._paused_until:
            return self._paused_until - now
        if len(self._slots) >= limit.calls:
            self._forget(now - occupied)
        over = len(self._slots) - limit.calls
        if over < 0:
            return 0.0
        # A call that is under way may end this moment, whatever it is presumed to take.
        ends = heapq.nsmallest(over + 1, (slot.end for slot in self._slots))
        return min(ends[over], now) + occupied - now

    def _forget(self, moment: float) -> None:
        self._slots = [slot for slot in self._slots if slot.end > moment]
