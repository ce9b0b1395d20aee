"""Whether one more call is allowed.

A limiter is any object with a thread-safe ``arrive() -> Verdict``; the application asks it once
for each call that carries the right key.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.sandbox.switches import Switches


class Verdict(NamedTuple):
    """What a limiter says to one call.

    Parameters
    ----------
    allowed
        Whether the call may be answered.
    limit
        Calls allowed in the window.
    remaining
        Calls still free right after this one.
    wait
        Seconds until the next slot comes free; a refused call is let in after that.

    Examples
    --------
    >>> Verdict(allowed=False, limit=60, remaining=0, wait=12.4).retry_after
    13
    """

    allowed: bool
    limit: int
    remaining: int
    wait: float

    @property
    def retry_after(self) -> int:
        """Whole seconds to wait, rounded up, at least 1."""
        return max(1, math.ceil(self.wait))


class SlidingWindow:
    """At most so many calls in any stretch of so many seconds, by their arrival.

    A refused call is not counted, so whoever keeps knocking is not locked out for longer.

    Parameters
    ----------
    calls
        Calls allowed in the window.
    seconds
        Length of the window.
    clock
        Seconds that never run backwards.

    Examples
    --------
    >>> window = SlidingWindow(1, 60.0, clock=lambda: 100.0)
    >>> window.arrive().allowed, window.arrive().allowed
    (True, False)
    """

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._seconds = seconds
        self._clock = clock
        self._arrivals: deque[float] = deque()
        self._lock = threading.Lock()

    def arrive(self) -> Verdict:
        """Judge a call that arrives now, and count it if it is let in.

        Returns
        -------
        Verdict
            Allowed or not, and how long until a slot comes free.

        Examples
        --------
        >>> SlidingWindow(60, 60.0, clock=lambda: 0.0).arrive()
        Verdict(allowed=True, limit=60, remaining=59, wait=60.0)
        """
        with self._lock:
            # The clock is read inside the lock: arrivals must be in order.
            now = self._clock()
            while self._arrivals and now - self._arrivals[0] >= self._seconds:
                self._arrivals.popleft()
            allowed = len(self._arrivals) < self._calls
            if allowed:
                self._arrivals.append(now)
            remaining = self._calls - len(self._arrivals)
            wait = self._arrivals[0] + self._seconds - now
        return Verdict(allowed=allowed, limit=self._calls, remaining=remaining, wait=wait)


def limiter(switches: Switches, calls: int, clock: Callable[[], float]) -> SlidingWindow:
    """Make the limiter that the switches say.

    Examples
    --------
    >>> from socialframe.sandbox.switches import Switches
    >>> limiter(Switches(), 60, lambda: 0.0).arrive().limit
    60
    """
    return SlidingWindow(calls, switches.window_seconds, clock)
