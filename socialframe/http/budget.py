"""Counts requests so that the server never counts more than its limit, wherever they arrive.

A server counts a request when it arrives, between our start and its response. So the budget records
both moments, and a request occupies its slot until one window after its end.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from socialframe.sqlite import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

GUARD = 0.05  # seconds by which our clock and the server's may differ within a window
_MERGED = 0.001  # of a window; requests that ended within it count as ended with the last of them


def uptime() -> float:
    """Return monotonic seconds that all processes of this machine share.

    ``CLOCK_BOOTTIME`` goes on while the machine sleeps, as the server's clock does. Without it,
    requests wait up to one window too long after a sleep.
    """
    if _BOOTTIME is not None:
        return time.clock_gettime(_BOOTTIME)
    return time.monotonic()


_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # only Linux has it


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate limit: a number of calls in a window of seconds.

    Parameters
    ----------
    calls : int
        Maximum number of calls in any window.
    seconds : float
        Length of the window.

    Examples
    --------
    >>> Limit(60, 60.0)
    Limit(calls=60, seconds=60.0)
    """

    calls: int
    seconds: float = 60.0


TIERS = {"free": Limit(60), "paid": Limit(600)}


def adjusted(limit: Limit, calls: int | None, *, adapts: bool) -> Limit:
    """Return the limit with the server's number of calls; one that does not adapt only falls."""
    if calls is None:
        return limit
    return Limit(calls if adapts else min(calls, limit.calls), limit.seconds)


def same_window(limit: Limit, reset: float | None, window: float | None = None) -> bool:
    """Return whether a server may use this window: it resets in ``reset`` seconds or says its own.

    Servers round to whole seconds.
    """
    if window is not None:
        return abs(window - limit.seconds) <= 2  # noqa: PLR2004
    return reset is None or reset <= limit.seconds + 2


@dataclass(slots=True, eq=False)
class Slot:
    """One booked request: its start, and its end, which is presumed until the request ends.

    Requests that ended at about the same time are one slot with their number, the last start and
    the last end.
    """

    start: float
    end: float
    row: int = 0  # in the file; 0: not there
    count: int = 1


class EndedSlots:
    """Slots of ended requests in the order of their ends, merged if the ends are close."""

    def __init__(self, seconds: float) -> None:
        self._merged = _MERGED * seconds
        self._slots: deque[Slot] = deque()
        self._merge_until = -math.inf
        self.count = 0

    def __iter__(self) -> Iterator[Slot]:
        return iter(self._slots)

    def add(self, start: float, end: float) -> None:
        """Add a request. Requests are added in the order of their ends."""
        self.count += 1
        if end > self._merge_until:
            self._slots.append(Slot(start, end))
            self._merge_until = end + self._merged
        else:
            last = self._slots[-1]
            last.count += 1
            last.start, last.end = max(last.start, start), max(last.end, end)

    def remove_until(self, end: float) -> None:
        """Remove requests that ended at that time or before."""
        slots = self._slots
        while slots and slots[0].end <= end:
            self.count -= slots.popleft().count
        if not slots:
            self._merge_until = -math.inf

    def move(self, seconds: float) -> None:
        """Move all times."""
        self._merge_until += seconds
        for slot in self._slots:
            slot.start += seconds
            slot.end += seconds


def nth_end(slots: Iterable[Slot], number: int) -> float:
    """Return the end of the request with this number, from 0 on; of the last one if it is less."""
    end = 0.0
    for slot in slots:
        end = slot.end
        number -= slot.count
        if number < 0:
            break
    return end


@dataclass(frozen=True, slots=True)
class Usage:
    """A budget at one moment.

    Parameters
    ----------
    limit : Limit
        The rate limit.
    used, left : int
        Occupied slots and free slots.
    next_free : float
        Seconds until a request may start; 0.0 means now.
    shared_by : int
        Processes with a request in the window or waiting, including this one.

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
        text = f"{self.limit.calls} calls in {self.limit.seconds:g} s: {self.used} used, "
        return f"{text}{self.left} left, next call {self._when}{describe_sharing(self.shared_by)}"

    def __repr__(self) -> str:
        return f"<Budget of {self}>"

    def _repr_html_(self) -> str:
        cells = {
            "limit": f"{self.limit.calls} calls in {self.limit.seconds:g} s",
            "used": self.used,
            "left": self.left,
            "next call": self._when,
            "shared by": f"{self.shared_by} process{'es' * (self.shared_by != 1)}",
        }
        rows = "".join(f"<tr><th>{name}</th><td>{cell}</td></tr>" for name, cell in cells.items())
        return f"<table>{rows}</table>"

    @property
    def _when(self) -> str:
        return f"in {self.next_free:.0f} s" if self.next_free else "now"


def describe_sharing(processes: int) -> str:
    """Return how many processes share a budget, as the end of a sentence; empty for one."""
    return f"; {processes} processes share it" if processes > 1 else ""


def wait_for(limit: Limit, free_in: Sequence[float], calls: int, paused: float = 0.0) -> float:
    """Return the seconds until the last of so many requests may start, if no other process sends.

    ``free_in`` has the sorted seconds until each occupied slot is free. Requests are presumed to
    end at once. None may start while the budget is ``paused``.

    Examples
    --------
    >>> wait_for(Limit(2), [10.0, 20.0], 2), wait_for(Limit(2), [10.0], 4)
    (20.0, 70.05)
    """
    over = len(free_in) + calls - 1 - limit.calls  # the slot it follows; negative: a free one
    if over < 0:
        return paused
    windows = max(0, math.ceil((over + 1 - len(free_in)) / limit.calls))
    slot = over - windows * limit.calls
    first = max(paused, free_in[slot]) if slot >= 0 else paused
    return first + windows * (limit.seconds + GUARD)


class Budget(Protocol):
    """Books requests. The throttle does the waiting."""

    def reserve(self, timeout: float) -> tuple[Slot | None, float]:
        """Book a request, or return the seconds to wait before asking again, and join the queue.

        A request that does not end within ``timeout`` counts as ended then.
        """

    def leave(self) -> None:
        """Leave the queue without a request."""

    def end(self, slot: Slot) -> None:
        """Record that a booked request got its response or failed."""

    def pause(self, seconds: float) -> None:
        """Pause: no request of the tenant starts for so many seconds."""

    def update_limit(self, calls: int, reset: float | None, window: float | None = None) -> None:
        """Use the server's limit, unless reset or window show that it counts in another one."""

    def usage(self) -> Usage:
        """Return the usage of this moment."""

    def seconds_until(self, calls: int) -> float:
        """Return the seconds until the last of so many requests may start."""

    def give_back(self) -> None:
        """Give back the slots that are reserved for later requests of this process."""


class MemoryBudget:
    """A budget of this process alone.

    ``adapts`` says whether the limit follows the server's; otherwise the server's can only lower
    it. ``clock`` returns monotonic seconds.

    Examples
    --------
    >>> budget = MemoryBudget(Limit(1, 60.0), clock=lambda: 0.0)
    >>> slot, wait = budget.reserve(timeout=30.0)
    >>> budget.end(slot)
    >>> budget.reserve(timeout=30.0)
    (None, 60.05)
    """

    def __init__(
        self, limit: Limit, *, adapts: bool = False, clock: Callable[[], float] = uptime
    ) -> None:
        self._limit = limit
        self._adapts = adapts
        self._server_calls: int | None = None
        self._clock = clock
        self._lock = ForkLock()
        self._under_way: dict[Slot, None] = {}  # in the order of their starts
        self._ended = EndedSlots(limit.seconds)
        self._paused_until = -math.inf
        self._last_now = -math.inf

    def reserve(self, timeout: float) -> tuple[Slot | None, float]:
        """Book a request, or return the seconds until a slot may be free."""
        with self._lock():
            now = self._now()
            wait = self._wait(now)
            if wait:
                return None, wait
            slot = Slot(now, now + timeout)
            self._under_way[slot] = None
            return slot, 0.0

    def leave(self) -> None:
        """Do nothing: there is no queue within one process."""

    def give_back(self) -> None:
        """Do nothing: no slots are reserved."""

    def end(self, slot: Slot) -> None:
        """Record that a booked request got its response or failed."""
        with self._lock():
            slot.end = self._now()
            if slot in self._under_way:  # it leaves one window after its timeout
                del self._under_way[slot]
                self._ended.remove_until(slot.end - self._limit.seconds - GUARD)
                self._ended.add(slot.start, slot.end)

    def pause(self, seconds: float) -> None:
        """Pause: no request starts for so many seconds."""
        with self._lock():
            self._paused_until = max(self._paused_until, self._now() + seconds)

    def update_limit(
        self, calls: int, reset: float | None = None, window: float | None = None
    ) -> None:
        """Use the server's limit, unless reset or window show that it counts in another one."""
        if same_window(self._limit, reset, window):
            self._server_calls = calls

    def usage(self) -> Usage:
        """Return the usage of this moment."""
        with self._lock():
            now = self._now()
            self._remove_expired(now)
            wait = self._wait(now)
            limit, used = self.limit, self._used
            return Usage(limit, used, max(0, limit.calls - used), wait, 1)

    def seconds_until(self, calls: int) -> float:
        """Return the seconds until the last of so many requests may start."""
        with self._lock():
            now, occupied = self._now(), self.limit.seconds + GUARD
            self._remove_expired(now)
            free_in = [
                slot.end + occupied - now for slot in self._ends(now) for _ in range(slot.count)
            ]
            return wait_for(self.limit, free_in, calls, max(0.0, self._paused_until - now))

    @property
    def limit(self) -> Limit:
        """The limit, adjusted to the server's."""
        return adjusted(self._limit, self._server_calls, adapts=self._adapts)

    def add(self, slot: Slot) -> None:
        """Count a request that was booked in a file."""
        with self._lock():
            self._under_way[slot] = None
            if self._used > self.limit.calls:
                self._remove_expired(self._now())

    def under_way(self) -> list[Slot]:
        """Return the requests that have not ended."""
        with self._lock():
            return list(self._under_way)

    def ended(self) -> list[Slot]:
        """Return the ended requests that still occupy slots, merged."""
        with self._lock():
            self._remove_expired(self._now())
            return [Slot(one.start, one.end, count=one.count) for one in self._ended]

    def paused_for(self) -> float:
        """Return the seconds for which no request may start."""
        with self._lock():
            return max(0.0, self._paused_until - self._now())

    @property
    def _used(self) -> int:
        return len(self._under_way) + self._ended.count

    def _now(self) -> float:
        """Return the time. If the clock went back, move all recorded times back with it."""
        now = self._clock()
        back = self._last_now - now
        if back > 0:
            self._paused_until -= back
            self._ended.move(-back)
            for slot in self._under_way:
                slot.start -= back
                slot.end -= back
        self._last_now = now
        return now

    def _wait(self, now: float) -> float:
        limit = self.limit
        if now < self._paused_until:
            return self._paused_until - now
        if self._used >= limit.calls:
            self._remove_expired(now)
        over = self._used - limit.calls
        if over < 0:
            return 0.0
        return nth_end(self._ends(now), over) + limit.seconds + GUARD - now

    def _ends(self, now: float) -> list[Slot]:
        """Return the occupied slots, sorted by their ends.

        A request under way may end at this moment, before its presumed end.
        """
        under_way = (Slot(one.start, min(one.end, now)) for one in self._under_way)
        return sorted((*self._ended, *under_way), key=lambda one: one.end)

    def _remove_expired(self, now: float) -> None:
        expired = now - self.limit.seconds - GUARD
        self._ended.remove_until(expired)
        if self._under_way:
            self._under_way = dict.fromkeys(one for one in self._under_way if one.end > expired)
