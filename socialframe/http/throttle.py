"""Waits for the budget before each request, and enforces ``max_wait``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import httpx

from socialframe.errors import RateLimitError
from socialframe.http.budget import describe_sharing
from socialframe.http.headers import (
    rate_limit,
    rate_limit_reset,
    rate_limit_window,
    retry_after,
)
from socialframe.http.limits import mark_limited
from socialframe.http.request_limit import REQUEST_LIMIT
from socialframe.sqlite import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.http.budget import Budget, Slot
    from socialframe.http.request_limit import RequestLimit

_log = logging.getLogger("socialframe")

WAIT_LIMIT = "socialframe.wait_limit"  # key of the WaitLimit in a request's extensions


class WaitLimit:
    """Enforces ``max_wait`` of one call: its waits for the budget and for ``Retry-After``.

    ``notify`` gets the reason and the seconds left, once a second.
    """

    def __init__(self, seconds: float, notify: Callable[[str], None] | None = None) -> None:
        self.left = seconds
        self._notify = notify
        self._reason = ("", "")

    def take(self, seconds: float, reason: str, detail: str = "") -> bool:
        """Subtract a wait from the seconds left; return False if it is longer than they are."""
        if seconds > self.left:
            return False
        self.left -= seconds
        self._reason = (reason, detail)
        if seconds >= 1:
            _log.info(self._text(seconds))
        return True

    def sleep(self, seconds: float, sleep: Callable[[float], None]) -> None:
        """Sleep for a wait that was taken; notify once a second."""
        while self._notify is not None and seconds >= 1:
            self._notify(self._text(seconds))
            sleep(1.0)
            seconds -= 1
        sleep(seconds)

    def _text(self, seconds: float) -> str:
        reason, detail = self._reason
        return f"{reason}, next call in {seconds:.0f} s{detail}"


class Throttle(httpx.BaseTransport):
    """Sends each request once the budget has a free slot for it.

    ``timeout`` is the seconds after which a request without a response counts as ended.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        budget: Budget,
        *,
        sleep: Callable[[float], None],
        timeout: float,
    ) -> None:
        self._inner = inner
        self._budget = budget
        self._sleep = sleep
        self._timeout = timeout
        self._turn = ForkLock()  # one thread waits for the budget, the others for this lock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for a slot and send the request. A rate limit of a GET pauses the whole tenant.

        Raises RateLimitError, without sending, if the wait exceeds ``max_wait``, and
        MaxRequestsError if the walk has sent ``max_requests`` requests.
        """
        wait_limit: WaitLimit = request.extensions[WAIT_LIMIT]
        request_limit: RequestLimit | None = request.extensions.get(REQUEST_LIMIT)
        if request_limit is not None:
            request_limit.count()
        with self._turn():
            slot = self._reserve(request, wait_limit)
        try:
            response = self._inner.handle_request(request)
        finally:
            self._budget.end(slot)
        if mark_limited(response) and request.method == "GET":
            self._budget.pause(retry_after(response) or 0.0)
        if calls := rate_limit(response):
            reset, window = rate_limit_reset(response), rate_limit_window(response)
            self._budget.update_limit(calls, reset, window)
        return response

    def _reserve(self, request: httpx.Request, wait_limit: WaitLimit) -> Slot:
        slot = None
        try:
            slot, wait = self._budget.reserve(self._timeout)
            while slot is None:
                sharing = describe_sharing(self._budget.usage().shared_by)
                if not wait_limit.take(wait, "budget used", sharing):
                    raise _wait_error(request, wait)
                wait_limit.sleep(wait, self._sleep)
                slot, wait = self._budget.reserve(self._timeout)
        finally:
            if slot is None:  # Ctrl-C, or the wait was too long
                self._budget.leave()
        return slot

    def close(self) -> None:
        """Close the connections, and give back slots that are reserved."""
        self._budget.give_back()
        self._inner.close()


def _wait_error(request: httpx.Request, wait: float) -> RateLimitError:
    return RateLimitError(
        f"the budget is used up; the next request may start in {wait:.0f} s, which is longer than "
        "max_wait permits. Wait, or pass a larger max_wait to Client",
        method=request.method,
        path=request.url.path,
        retry_after=wait,
    )
