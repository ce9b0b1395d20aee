"""Asking again where that is safe: what failed on the way, and what the API said to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import tenacity

from socialframe.errors import NetworkError
from socialframe.http.headers import retry_after
from socialframe.http.throttle import WAIT_LIMIT, WaitLimit

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS = 5
READS = "socialframe.reads"  # extension of a request: whether a POST only reads
_TOO_MANY = httpx.codes.TOO_MANY_REQUESTS
_PASSING = frozenset({500, 502, 503, 504})
_BACKOFF = tenacity.wait_random_exponential(multiplier=0.5, max=20)  # "full jitter"


class Retry(httpx.BaseTransport):
    """Repeats a GET that failed on the way or met a 5xx, and any call that met a 429.

    A POST is never repeated but after a 429: whatever else came of it, it may have been done. If
    the caller said that it only reads, it is repeated like a GET.

    Parameters
    ----------
    inner : httpx.BaseTransport
        Where calls go; each repetition spends budget there.
    sleep : callable
        Waits so many seconds.
    """

    def __init__(self, inner: httpx.BaseTransport, *, sleep: Callable[[float], None]) -> None:
        self._inner = inner
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and again while it helps; the last answer or failure comes out as it is."""
        wait_limit: WaitLimit = request.extensions[WAIT_LIMIT]
        get = request.method == "GET" or bool(request.extensions.get(READS))

        def again(state: tenacity.RetryCallState) -> bool:
            outcome = _outcome(state)
            if isinstance(outcome, BaseException):
                return get and isinstance(outcome, NetworkError)
            return outcome.status_code == _TOO_MANY or (get and outcome.status_code in _PASSING)

        def stop(state: tenacity.RetryCallState) -> bool:
            outcome = _outcome(state)
            limited = isinstance(outcome, httpx.Response) and outcome.status_code == _TOO_MANY
            if state.attempt_number >= ATTEMPTS and not limited:
                return True
            why = "the API asks to wait" if limited else "the API has trouble"
            return not wait_limit.take(state.upcoming_sleep, why)

        retrying = tenacity.Retrying(
            retry=again,
            wait=_wait,
            stop=stop,
            sleep=lambda seconds: wait_limit.sleep(seconds, self._sleep),
            retry_error_callback=_last,
        )
        response: httpx.Response = retrying(self._inner.handle_request, request)
        return response

    def close(self) -> None:
        """Close what is below."""
        self._inner.close()


def _outcome(state: tenacity.RetryCallState) -> httpx.Response | BaseException:
    assert state.outcome is not None  # noqa: S101 - tenacity asks only after an attempt
    failure = state.outcome.exception()
    response: httpx.Response | BaseException = failure or state.outcome.result()
    return response


def _wait(state: tenacity.RetryCallState) -> float:
    outcome = _outcome(state)
    asked = retry_after(outcome) if isinstance(outcome, httpx.Response) else None
    # A Retry-After of 0 with a 429 again and again would otherwise spin.
    return asked or _BACKOFF(state)


def _last(state: tenacity.RetryCallState) -> httpx.Response:
    assert state.outcome is not None  # noqa: S101 - tenacity calls this after an attempt
    response: httpx.Response = state.outcome.result()
    return response
