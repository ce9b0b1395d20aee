"""Waiting for the budget before a call goes out, and for everybody when the API says stop."""

from __future__ import annotations

import email.utils
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from socialframe.errors import MaxRequestsError, RateLimitError
from socialframe.http.budget import shared
from socialframe.sqlite import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.http.budget import Budget, Slot

_log = logging.getLogger("socialframe")

_LONGEST = 1e7  # seconds; a server that asks for more has something else in mind
_UNIX = 1e9  # a Reset from here on is a moment
_DIGITS = 10  # no limit is so long
PATIENCE = "socialframe.patience"  # key of a call's Patience in its request's extensions
REQUEST_LIMIT = "socialframe.request_limit"  # key of its walk's RequestLimit there


@dataclass(slots=True)
class RequestLimit:
    """Enforces ``max_requests`` of one walk.

    Parameters
    ----------
    limit : int or None
        Maximum number of requests, retries and redirects counted; None: any number.
    remaining : callable
        Returns how many calls the walk still needs; None if that is unknown.

    Examples
    --------
    >>> limit = RequestLimit(2, remaining=lambda: 2)
    >>> limit.count()
    >>> limit.check()
    Traceback (most recent call last):
    ...
    socialframe.errors.MaxRequestsError: The query needs 3 requests; max_requests allows 2. ...
    """

    limit: int | None = None
    remaining: Callable[[], int | None] = lambda: None
    sent: int = 0

    def check(self) -> None:
        """Raise MaxRequestsError if the walk is known to need more requests than it may send."""
        more = self.remaining() if self.limit is not None else None
        if self.limit is not None and more is not None and self.sent + more > self.limit:
            raise MaxRequestsError(self.limit, self.sent + more)

    def count(self) -> None:
        """Count a request that is about to be sent; raise MaxRequestsError if it is too many."""
        if self.limit is not None and self.sent >= self.limit:
            raise MaxRequestsError(self.limit, None)
        self.sent += 1


class Patience:
    """How long one call may still wait, for the budget and for ``Retry-After`` together.

    Parameters
    ----------
    seconds : float
        ``max_wait``.
    notify : callable or None
        Told, in words, why and how long a call waits: once a second.
    """

    def __init__(self, seconds: float, notify: Callable[[str], None] | None = None) -> None:
        self.left = seconds
        self._notify = notify
        self._words = ("", "")

    def spend(self, seconds: float, why: str, more: str = "") -> bool:
        """Take so many seconds off, unless they are more than are left."""
        if seconds > self.left:
            return False
        self.left -= seconds
        self._words = (why, more)
        if seconds >= 1:
            _log.info(self._text(seconds))
        return True

    def rest(self, seconds: float, sleep: Callable[[float], None]) -> None:
        """Wait for what was spent, and count down where somebody is told."""
        while self._notify is not None and seconds >= 1:
            self._notify(self._text(seconds))
            sleep(1.0)
            seconds -= 1
        sleep(seconds)

    def _text(self, seconds: float) -> str:
        why, more = self._words
        return f"{why}, next call in {seconds:.0f} s{more}"


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that a ``Retry-After`` asks for, from either of its two forms.

    A date is read against the answer's own ``Date``, so that a skewed clock does not matter. Where
    a 429 has none, ``X-RateLimit-Reset`` stands for it.

    Examples
    --------
    >>> retry_after(httpx.Response(429, headers={"Retry-After": "60"}))
    60.0
    >>> retry_after(httpx.Response(429, headers={"X-RateLimit-Reset": "12"}))
    12.0
    """
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST)
    moment = _date(text)
    if moment is not None:
        return _until(moment.timestamp(), response)
    return reset(response) if response.status_code == httpx.codes.TOO_MANY_REQUESTS else None


def reset(response: httpx.Response) -> float | None:
    """Return the seconds after which ``X-RateLimit-Reset`` says that there are more calls.

    It is seconds, or a Unix time where it is larger than any number of seconds could be.

    Examples
    --------
    >>> headers = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "X-RateLimit-Reset": "1767225642"}
    >>> reset(httpx.Response(200, headers=headers))
    42.0
    """
    text = response.headers.get("x-ratelimit-reset", "").strip()
    if not (text.isascii() and text.isdigit()):
        return None
    number = float(text)
    return _until(number, response) if number >= _UNIX else min(number, _LONGEST)


def _until(moment: float, response: httpx.Response) -> float:
    now = _date(response.headers.get("date", "")) or datetime.now(UTC)
    return min(max(0.0, moment - now.timestamp()), _LONGEST)


def told(response: httpx.Response) -> int | None:
    """Return how many calls a window has, as ``X-RateLimit-Limit`` says.

    Examples
    --------
    >>> told(httpx.Response(200, headers={"X-RateLimit-Limit": "600"}))
    600
    """
    text = response.headers.get("x-ratelimit-limit", "").strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else 0
    return number or None


def _date(text: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Throttle(httpx.BaseTransport):
    """Lets a call out when the budget has a place for it.

    Parameters
    ----------
    inner : httpx.BaseTransport
        Where calls go.
    budget : Budget
        Books and counts.
    sleep : callable
        Waits so many seconds.
    lasts : float
        Seconds after which an unanswered call counts as ended.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        budget: Budget,
        *,
        sleep: Callable[[float], None],
        lasts: float,
    ) -> None:
        self._inner = inner
        self._budget = budget
        self._sleep = sleep
        self._lasts = lasts
        self._turn = ForkLock()  # one waits for the budget, the other threads for their turn

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for a place, send, note the end; a 429 to a GET pauses the whole tenant.

        Raises
        ------
        RateLimitError
            If the wait would be longer than the call has patience for. Nothing was sent.
        MaxRequestsError
            If its walk has sent as many requests as it may.
        """
        patience: Patience = request.extensions[PATIENCE]
        limit: RequestLimit | None = request.extensions.get(REQUEST_LIMIT)
        if limit is not None:
            limit.count()
        with self._turn():
            slot = self._slot(request, patience)
        try:
            response = self._inner.handle_request(request)
        finally:
            self._budget.end(slot)
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS and request.method == "GET":
            self._budget.pause(retry_after(response) or 0.0)
        if calls := told(response):
            self._budget.learn(calls, reset(response))
        return response

    def _slot(self, request: httpx.Request, patience: Patience) -> Slot:
        slot = None
        try:
            slot, wait = self._budget.reserve(self._lasts)
            while slot is None:
                more = shared(self._budget.usage().shared_by)
                if not patience.spend(wait, "budget used", more):
                    raise _out_of_patience(request, wait)
                patience.rest(wait, self._sleep)
                slot, wait = self._budget.reserve(self._lasts)
        finally:
            if slot is None:  # Ctrl-C, or no patience
                self._budget.leave()
        return slot

    def close(self) -> None:
        """Close what is below."""
        self._inner.close()


def _out_of_patience(request: httpx.Request, wait: float) -> RateLimitError:
    return RateLimitError(
        f"the budget of calls is used, and the next may start in {wait:.0f} s, which is longer "
        "than max_wait permits; wait, or give Client a larger max_wait",
        method=request.method,
        path=request.url.path,
        retry_after=wait,
    )
