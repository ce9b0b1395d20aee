"""Retries requests that failed, if a repetition is safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import tenacity

from socialframe.errors import NetworkError
from socialframe.http.headers import is_limited, retry_after
from socialframe.http.throttle import WAIT_LIMIT, WaitLimit

if TYPE_CHECKING:
    from collections.abc import Callable

ATTEMPTS = 5
READS = "socialframe.reads"  # extension of a request: whether a POST only reads
NOT_READY = httpx.codes.ACCEPTED
_PASSING = frozenset({500, 502, 503, 504})
_BACKOFF = tenacity.wait_random_exponential(multiplier=0.5, max=20)  # "full jitter"


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

        def again(state: tenacity.RetryCallState) -> bool:
            outcome = _outcome(state)
            if isinstance(outcome, BaseException):
                return get and isinstance(outcome, NetworkError)
            status = outcome.status_code
            return is_limited(outcome) or (get and (status == NOT_READY or status in _PASSING))

        def stop(state: tenacity.RetryCallState) -> bool:
            outcome = _outcome(state)
            asks = "" if isinstance(outcome, BaseException) else _asks_to_wait(outcome)
            if state.attempt_number >= ATTEMPTS and not asks:
                return True
            return not wait_limit.take(state.upcoming_sleep, asks or "the API has trouble")

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
        """Close the inner transport."""
        self._inner.close()


def _asks_to_wait(response: httpx.Response) -> str:
    """Return why the API asks to wait; empty if it does not."""
    if is_limited(response):
        return "the API asks to wait"
    return "the answer is not ready yet" if response.status_code == NOT_READY else ""


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
