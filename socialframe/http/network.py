"""Sends requests over the network. No other module does."""

from __future__ import annotations

import math
import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import httpcore
import httpx

from socialframe.errors import NetworkError, ReplyError
from socialframe.http.decompress import decompress
from socialframe.redact import redacted
from socialframe.sqlite import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_MAX_BYTES = 256 << 20  # of a decompressed response
_ENCODING_HEADERS = {b"content-encoding", b"content-length", b"transfer-encoding"}


class Network(httpx.BaseTransport):
    """Sends a request and reads the whole response; connection failures raise ``NetworkError``.

    This uses httpx's transport and not its ``Client``, which would keep cookies, use the proxies of
    the environment, and take twice the time.

    The connection pool opens with the first request, and again in a forked child. ``transport``
    makes a transport to use in place of sockets. Without ``encrypted``, no certificates are loaded.
    ``deadline`` is the maximum of seconds for a whole response with its head, even if data keeps
    coming.
    """

    def __init__(
        self,
        *,
        transport: Callable[[], httpx.BaseTransport] | None,
        proxy: str | None,
        encrypted: bool,
        deadline: float,
        clock: Callable[[], float],
    ) -> None:
        self._until = _Until(clock)
        self._make = transport or partial(_sockets, encrypted, proxy, self._until)
        self._deadline = deadline
        self._lock = ForkLock()
        self._inner: httpx.BaseTransport | None = None
        self._pid = os.getpid()
        self._used: WeakSet[Any] = WeakSet()  # connections that had an answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises NetworkError if the response is incomplete, and ReplyError if it is too large.
        """
        inner = self._open()
        self._until.moment = self._until.clock() + self._deadline
        try:
            response = inner.handle_request(request)
            if "network_stream" in response.extensions:
                response.stream = _Body(response, self._used)
            try:
                body = self._body(request, response)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError, UnicodeError) as error:
            late = isinstance(error, httpx.TimeoutException) and self._until.left() <= 0
            text = self._too_late(request) if late else _describe(request, error)
            raise NetworkError(text) from _without_key(error)
        headers = [(k, v) for k, v in response.headers.raw if k.lower() not in _ENCODING_HEADERS]
        return httpx.Response(
            response.status_code, headers=headers, content=body, extensions=response.extensions
        )

    def _body(self, request: httpx.Request, response: httpx.Response) -> bytes:
        def check(size: int) -> None:
            if size > _MAX_BYTES:
                text = f"The response from {_origin(request)} is larger than {_MAX_BYTES >> 20} MiB"
                raise ReplyError(f"{text}. Request fewer rows per page.")
            if self._until.left() <= 0:
                raise NetworkError(self._too_late(request))

        encoding = response.headers.get("content-encoding", "")
        return b"".join(decompress(response.iter_raw(), encoding, check))

    def _too_late(self, request: httpx.Request) -> str:
        return f"The response from {_origin(request)} did not end within {self._deadline:g} s."

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        with self._lock():
            if self._inner is not None and self._pid == os.getpid():
                self._inner.close()
            self._inner = None

    def _open(self) -> httpx.BaseTransport:
        with self._lock():
            if self._pid != os.getpid():  # the sockets belong to the parent
                self._inner, self._pid = None, os.getpid()
            if self._inner is None:
                try:
                    self._inner = self._make()
                except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
                    # Missing certificates, or a proxy of an unknown kind.
                    text = redacted(str(error))
                    raise NetworkError(f"The connection cannot be set up: {text}.") from None
            return self._inner


class _Until(threading.local):
    """The moment at which the request of this thread ends, whatever the server sends."""

    moment = math.inf

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.moment - self.clock()


def _sockets(encrypted: bool, proxy: str | None, until: _Until) -> httpx.HTTPTransport:
    transport = httpx.HTTPTransport(verify=encrypted, proxy=proxy)
    transport._pool._network_backend = _Backend(until)
    return transport


class _Backend(httpcore.SyncBackend):
    """Opens sockets whose reads and writes end with the request.

    A time-out of httpx begins anew with each byte that a server sends.
    """

    def __init__(self, until: _Until) -> None:
        super().__init__()
        self._until = until

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:  # noqa: ANN401
        return _Stream(super().connect_tcp(*args, **kwargs), self._until)


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, until: _Until) -> None:
        self._inner = inner
        self._until = until
        self.close = inner.close  # type: ignore[method-assign]
        self.get_extra_info = inner.get_extra_info  # type: ignore[method-assign]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._limited(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._limited(timeout, httpcore.WriteTimeout))

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:  # noqa: ANN401
        return _Stream(self._inner.start_tls(*args, **kwargs), self._until)

    def _limited(self, timeout: float | None, error: type[Exception]) -> float:
        left = self._until.left()
        if left <= 0:
            raise error
        return left if timeout is None else min(timeout, left)


class _Body(httpx.SyncByteStream):
    """The body of a response. If bytes follow it, the connection is closed.

    They would be read as the answer to the next request. Bytes that come later, while the
    connection idles, end it too: httpcore drops an idle connection that has data.

    Raise RemoteProtocolError if ``used`` shows that the connection had an answer before: this one
    may be a late copy of it.
    """

    def __init__(self, response: httpx.Response, used: WeakSet[Any]) -> None:
        self._stream: Any = response.stream
        self._connection = response.extensions["network_stream"]
        self._used = used

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream
        if self._has_more():
            self._connection.close()
            if self._connection in self._used:
                raise httpx.RemoteProtocolError("it is not clear which request it answers")
        self._used.add(self._connection)

    def _has_more(self) -> bool:
        try:
            state = self._stream._httpcore_stream._stream._connection._h11_state
            return bool(state.trailing_data[0])
        except AttributeError:  # another version of httpcore does not show the bytes
            return True

    def close(self) -> None:
        self._stream.close()


def _origin(request: httpx.Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc.decode()}"


def _describe(request: httpx.Request, error: Exception) -> str:
    origin, text = _origin(request), redacted(str(error))
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError | UnicodeError):
        return f"No connection to {origin}: {text or 'timeout'}. Check the network and base_url."
    if isinstance(error, httpx.TimeoutException):
        return f"No response from {origin} within the timeout. Pass a larger timeout to Client."
    return f"The response from {origin} was cut off or damaged: {text or type(error).__name__}."


def _without_key(error: Exception) -> Exception:
    """Return the error without stack frames and requests, which could show the key.

    The chained errors keep their types and messages.
    """
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link.args = tuple(redacted(str(arg)) for arg in link.args)
        if isinstance(link, httpx.RequestError):
            link._request = None
        link = link.__cause__ or link.__context__
    return error
