"""Rate limits.

The documentation does not say how the API counts (contract, section 4), so there are three kinds.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from werkzeug.http import http_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.sandbox.api.request import Headers
    from socialframe.sandbox.switches import Switches


_NANO = 1_000_000_000


class Verdict(NamedTuple):
    """The result of one request: allowed or not, and seconds until the next slot is free."""

    allowed: bool
    limit: int
    remaining: int
    wait: float

    @property
    def retry_after(self) -> int:
        """Whole seconds to wait, rounded up, at least 1."""
        return max(1, math.ceil(self.wait))


class Limiter(ABC):
    """Counts requests; several threads may call it. A refused request is not counted."""

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()

    def arrive(self, *, count: bool = True) -> Verdict:
        """Check a request that arrives now, and count it if it is allowed."""
        with self._lock:
            # The clock is read inside the lock: arrivals must be in order.
            return self._check(self._clock(), count=count)

    @abstractmethod
    def _check(self, now: float, *, count: bool) -> Verdict: ...


class SlidingWindow(Limiter):
    """At most this many requests in any period of this many seconds."""

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float]) -> None:
        super().__init__(calls, seconds, clock)
        self._arrivals: deque[float] = deque()

    def _check(self, now: float, *, count: bool) -> Verdict:
        while self._arrivals and now - self._arrivals[0] >= self._seconds:
            self._arrivals.popleft()
        allowed = len(self._arrivals) < self._calls
        if allowed and count:
            self._arrivals.append(now)
        wait = (self._arrivals[0] if self._arrivals else now) + self._seconds - now
        return Verdict(allowed, self._calls, self._calls - len(self._arrivals), wait)


class FixedWindow(Limiter):
    """At most this many requests in each of a series of fixed windows.

    The first window begins when the limiter is created. Around the end of a window, twice as many
    requests are allowed.
    """

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float]) -> None:
        super().__init__(calls, seconds, clock)
        self._start = clock()
        self._number = 0  # of the window that was counted last
        self._counted = 0

    def _check(self, now: float, *, count: bool) -> Verdict:
        passed = now - self._start
        number = int(passed / self._seconds)
        if number != self._number:
            self._number, self._counted = number, 0
        allowed = self._counted < self._calls
        self._counted += allowed and count
        wait = (number + 1) * self._seconds - passed
        return Verdict(allowed, self._calls, self._calls - self._counted, wait)


class TokenBucket(Limiter):
    """A bucket of tokens: each request takes one, and time refills it."""

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float]) -> None:
        super().__init__(calls, seconds, clock)
        # In integers, because a tenth of a token added ten times must be one. A nanosecond adds one
        # drop per call of the limit; a token has one drop per nanosecond of the window.
        self._token = max(1, round(seconds * _NANO))
        self._now = round(clock() * _NANO)
        self._drops = self._token * calls

    def _check(self, now: float, *, count: bool) -> Verdict:
        before, self._now = self._now, round(now * _NANO)
        full = self._token * self._calls
        self._drops = min(full, self._drops + (self._now - before) * self._calls)
        allowed = self._drops >= self._token
        self._drops -= self._token * (allowed and count)
        remaining, part = divmod(self._drops, self._token)
        wait = -(-(self._token - part) // self._calls) / _NANO
        return Verdict(allowed, self._calls, remaining, wait)


LIMITERS: dict[str, type[Limiter]] = {
    "sliding": SlidingWindow,
    "fixed": FixedWindow,
    "bucket": TokenBucket,
}
"""The limiters by the switch ``window``."""


def limit_headers(verdict: Verdict, switches: Switches, now: float) -> Headers:
    headers: Headers = ()
    if switches.rate_limit_headers:
        headers = (
            ("X-RateLimit-Limit", str(verdict.limit)),
            ("X-RateLimit-Remaining", str(verdict.remaining)),
            # When more slots come free: at the end of a fixed window all of them, in a sliding one
            # and in a bucket the next. Rounded up, so that a request at that moment is allowed.
            ("X-RateLimit-Reset", str(math.ceil(now + verdict.wait))),
        )
    if verdict.allowed:
        return headers
    return (*headers, *retry_after(verdict.wait, switches, now))


def retry_after(seconds: float, switches: Switches, now: float) -> Headers:
    """Write ``Retry-After`` as the switches say, in whole seconds rounded up, at least 1."""
    if switches.retry_after == "absent":
        return ()
    whole = max(1, math.ceil(seconds))
    date = switches.retry_after == "date"
    return (("Retry-After", http_date(math.ceil(now + seconds)) if date else str(whole)),)
