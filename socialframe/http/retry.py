"""Retries requests that failed, if a repetition is safe."""

from __future__ import annotations

import random
from itertools import count
from typing import TYPE_CHECKING

import httpx

from socialframe.errors import MaxRequestsError, NetworkError
from socialframe.http.headers import is_limited, retry_after
from socialframe.http.throttle import WAIT_LIMIT, WaitLimit

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS = 5
READS = "socialframe.reads"  # extension of a request: whether a POST only reads
NOT_READY = httpx.codes.ACCEPTED
_PASSING = frozenset({500, 502, 503, 504})
_FIRST_BACKOFF, _MAX_BACKOFF = 0.5, 20.0  # seconds, before a random factor ("full jitter")


class Retry(httpx.BaseTransport):
    """Retries a GET after a network error or a 5xx, and any call after a rate limit.

    A GET is also retried after a 202, which means "not ready yet". A POST is retried only after
    a rate limit, because any other failure may follow its effect. A POST that only reads, as the
    caller says, is retried like a GET.

    Parameters
    ----------
    inner : httpx.BaseTransport
        Sends each attempt.
    sleep : callable
        Sleeps for so many seconds.
    """

    def __init__(self, inner: httpx.BaseTransport, *, sleep: Callable[[float], None]) -> None:
        self._inner = inner
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, retry, and return the last response or raise the last error."""
        wait_limit: WaitLimit = request.extensions[WAIT_LIMIT]
        get = request.method == "GET" or bool(request.extensions.get(READS))
        for attempt in count(1):
            try:
                outcome = self._attempt(request)
            except MaxRequestsError:
                if attempt == 1:
                    raise
                break  # the failure says more than the end of its retries
            if not _may_retry(outcome, get=get):
                break
            reason, wait = _asks_to_wait(outcome), _wait(outcome, attempt)
            if attempt >= ATTEMPTS and not reason:
                break
            if not wait_limit.take(wait, reason or "the API has trouble"):
                break
            wait_limit.sleep(wait, self._sleep)
        if isinstance(outcome, NetworkError):
            raise outcome
        return outcome

    def _attempt(self, request: httpx.Request) -> httpx.Response | NetworkError:
        try:
            return self._inner.handle_request(request)
        except NetworkError as error:
            return error

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()


def _again(outcome: httpx.Response | BaseException, *, get: bool) -> bool:
    if isinstance(outcome, BaseException):
        return get and isinstance(outcome, NetworkError)
    status = outcome.status_code
    return is_limited(outcome) or (get and (status == NOT_READY or status in _PASSING))


def _may_retry(outcome: httpx.Response | NetworkError, *, get: bool) -> bool:
    if isinstance(outcome, NetworkError):
        return get
    status = outcome.status_code
    return is_limited(outcome) or (get and (status == NOT_READY or status in _PASSING))


def _asks_to_wait(outcome: httpx.Response | NetworkError) -> str:
    """Return why the API asks to wait; empty if it does not."""
    if isinstance(outcome, NetworkError):
        return ""
    if is_limited(outcome):
        return "the API asks to wait"
    return "the answer is not ready yet" if outcome.status_code == NOT_READY else ""


def _wait(outcome: httpx.Response | NetworkError, attempt: int) -> float:
    """Return the seconds until the next attempt: what the API asks for, or a random back-off."""
    asked = retry_after(outcome) if isinstance(outcome, httpx.Response) else None
    most = min(_MAX_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(attempt - 1, 10))
    # A Retry-After of 0 with a 429 again and again would otherwise spin.
    return asked or random.uniform(0, most)  # noqa: S311 - no secret
