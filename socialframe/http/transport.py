"""Sends one call and returns its reply.

From the outside in: retry, throttle, auth, network. Each is an ``httpx.BaseTransport`` around the
next.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import httpx

from socialframe.errors import (
    APIError,
    ArgumentError,
    AuthenticationError,
    NotFoundError,
    OfflineMiss,
    RateLimitError,
    ReplyError,
    ServerError,
    ValidationError,
    add_request_id,
)
from socialframe.http.auth import REDIRECTED, Auth
from socialframe.http.budget import Budget, uptime
from socialframe.http.headers import is_limited, retry_after
from socialframe.http.limits import error_text
from socialframe.http.network import Network
from socialframe.http.request_limit import REQUEST_LIMIT
from socialframe.http.retry import NOT_READY, READS, Retry
from socialframe.http.throttle import WAIT_LIMIT, Throttle, WaitLimit
from socialframe.messages.call import Call, Reply, SecretCall
from socialframe.messages.envelope import parse
from socialframe.messages.request_id import request_id
from socialframe.redact import redacted
from socialframe.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.http.request_limit import RequestLimit
    from socialframe.settings import Settings

_log = logging.getLogger("socialframe")
_DEADLINE = 10  # a whole reply may take so many read time-outs
_REDIRECTS = 5  # within the API's own host
_BY_STATUS: dict[int, type[APIError]] = {
    400: ValidationError,
    401: AuthenticationError,
    404: NotFoundError,
}
_NO_CONTENT = {204, 205}  # an answer without rows


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a transport takes from outside, so that tests neither wait nor open sockets.

    Parameters
    ----------
    transport : callable or None
        Makes the innermost transport; None: sockets. Without sockets the budget is in this process.
    sleep, clock, now : callable
        Sleep for so many seconds; monotonic seconds; Unix time.
    name : str
        Distinguishes it from others with the same base URL.
    """

    transport: Callable[[], httpx.BaseTransport] | None = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = uptime
    now: Callable[[], float] = time.time
    name: str = ""


def sandbox_wiring(app: Any, name: str) -> Wiring:  # noqa: ANN401 - a WSGI application
    """Return the wiring that answers by a WSGI application in this process."""
    return Wiring(lambda: httpx.WSGITransport(app=app), name=name)


class Transport:
    """Sends calls to one base URL with one key, within one budget. Safe to use from threads.

    Parameters
    ----------
    settings : Settings
        Base URL, key and proxy.
    budget : Budget
        Counts requests.
    times : (float, float, float)
        Seconds to connect, to wait for data, and that one call may wait for the rate limit and
        ``Retry-After`` together.
    wiring : Wiring
        Clock, sleep, innermost transport.
    offline : bool
        Refuse to send.
    """

    def __init__(
        self,
        settings: Settings,
        budget: Budget,
        times: tuple[float, float, float],
        wiring: Wiring,
        *,
        offline: bool = False,
    ) -> None:
        connect, read, self._max_wait = times
        self._now = wiring.now
        self._base_text = settings.base_url
        self._base = httpx.URL(settings.base_url)
        self._timeout = httpx.Timeout(read, connect=connect, pool=None).as_dict()
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"socialframe/{VERSION}",
        }
        encrypted = self._base.scheme == "https"
        network = Network(
            transport=wiring.transport,
            proxy=settings.proxy,
            encrypted=encrypted,
            deadline=_DEADLINE * read,
            clock=wiring.clock,
        )
        throttle = Throttle(
            Auth(network, settings.secret, self._base),
            budget,
            sleep=wiring.sleep,
            timeout=connect + read,
        )
        self._offline = offline
        self._chain = Retry(throttle, sleep=wiring.sleep)

    def send(
        self,
        call: Call,
        notify: Callable[[str], None] | None = None,
        limit: RequestLimit | None = None,
    ) -> Reply:
        """Send a call and return its reply, which has a status of 2xx and is no rate limit.

        A GET follows redirects.

        Parameters
        ----------
        call : Call
            What to send.
        notify : callable or None
            Called with a text while the call waits.
        limit : RequestLimit or None
            How many requests the walk may still send.

        Raises
        ------
        APIError
            If the API refuses it.
        NetworkError
            If no whole reply arrives, after all retries.
        ReplyError
            If the reply leads to another host.
        MaxRequestsError
            If the walk may send no more requests.
        OfflineMiss
            If the client is offline.
        """
        if self._offline:
            raise OfflineMiss(f"{call.method} {call.path} was not sent: the client is offline.")
        if limit is not None:
            limit.check()
        url = self._address(call)
        limits: dict[str, Any] = {
            WAIT_LIMIT: WaitLimit(self._max_wait, notify),
            REQUEST_LIMIT: limit,
        }
        for _ in range(_REDIRECTS):
            started = time.perf_counter()
            response = self._chain.handle_request(self._request(call, url, limits))
            took = 1000 * (time.perf_counter() - started)
            status = response.status_code
            _log.debug("%s %s: %d in %.0f ms", call.method, call.path, status, took)
            if call.method != "GET" or not response.has_redirect_location:
                break
            try:
                url = _checked(url.join(response.headers["location"]))
                limits[REDIRECTED] = True
            except (httpx.InvalidURL, UnicodeError):
                break
        if response.is_success and not _is_refusal(call, response):
            if status != httpx.codes.OK:
                _check_body(call, response)
            headers = {k: v for k, v in response.headers.items() if k != "set-cookie"}
            moment = datetime.fromtimestamp(self._now(), UTC)
            return Reply(response.status_code, headers, response.content, moment, str(url))
        raise _refused(call, response)

    def close(self) -> None:
        """Close the connections. A later call opens new ones."""
        self._chain.close()

    def _address(self, call: Call) -> httpx.URL:
        try:
            return _checked(httpx.URL(call.url or self._base_text + _target(call)))
        except (httpx.InvalidURL, UnicodeError) as error:
            if call.url:
                text = f"The API leads to an invalid URL ({redacted(str(error))})."
                raise ReplyError(text) from None
            raise ArgumentError(f"A parameter cannot be part of a URL: {error}.") from None

    def _request(self, call: Call, url: httpx.URL, limits: dict[str, Any]) -> httpx.Request:
        content = call.body or None
        own = {"Content-Type": "application/json"} if content else {}
        headers = {**dict(call.headers), **self._headers, **own}
        extensions = {"timeout": self._timeout, READS: call.reads, **limits}
        return httpx.Request(
            call.method, url, headers=headers, content=content, extensions=extensions
        )


def _checked(url: httpx.URL) -> httpx.URL:
    """Return the URL; raise UnicodeError if its host is invalid."""
    _ = url.host
    return url


def _target(call: Call) -> str:
    path = quote(call.path, safe="/:@!$&'()*+,;=~")
    return f"{path}?{urlencode(call.params, quote_via=quote)}" if call.params else path


def _is_refusal(call: Call, response: httpx.Response) -> bool:
    """Return whether a response of 2xx states a rate limit, or that its answer is not ready."""
    reads = not isinstance(call, SecretCall)
    return is_limited(response) or (reads and response.status_code == NOT_READY)


def _check_body(call: Call, response: httpx.Response) -> None:
    """Raise ReplyError if the body is not JSON, unless the status says that there is none."""
    status, content = response.status_code, response.content
    if status in _NO_CONTENT or isinstance(call, SecretCall):
        return
    try:
        parse(content)
    except ReplyError as error:
        reason = str(error) if content.strip() else "Its body is empty."
        text = f"{call.method} {call.path} got status {status} without a JSON body. {reason}"
        raise _with_id(ReplyError(text), response) from None


def _refused(call: Call, response: httpx.Response) -> APIError | ReplyError:
    status = response.status_code
    limited = is_limited(response)
    if status < 400 and not limited and status != NOT_READY:  # noqa: PLR2004 - 1xx, 3xx
        text = f"{call.method} {call.path} got status {status} without a usable redirect."
        return _with_id(ReplyError(text), response)
    message, code = error_text(response)
    cls = ServerError if status >= 500 else _BY_STATUS.get(status, APIError)  # noqa: PLR2004
    if status == NOT_READY and not limited:
        message, code = "the answer is not ready yet. Run the query again later", ""
    error = (RateLimitError if limited else cls)(
        message,
        method=call.method,
        path=call.path,
        status_code=status,
        code=code if code and not code.isdigit() else None,
        retry_after=retry_after(response),
        request_id=request_id(response.headers),
    )
    error.retryable = error.retryable or status == NOT_READY
    return error


def _with_id(error: ReplyError, response: httpx.Response) -> ReplyError:
    error.status_code = response.status_code
    add_request_id(error, request_id(response.headers))
    return error
