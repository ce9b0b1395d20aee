"""The one place where a call leaves the process."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import httpx

from socialframe.errors import NetworkError, ReplyError
from socialframe.secret import redacted
from socialframe.sqlite import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable


_LARGEST = 256 << 20  # bytes of an answer, decompressed
_SPENT = {b"content-encoding", b"content-length", b"transfer-encoding"}  # true of the wire alone


class Network(httpx.BaseTransport):
    """Sends a call and reads its answer whole; every failure comes out as ``NetworkError``.

    This is httpx's own transport and not its ``Client``: that would keep cookies, follow the
    environment's proxies past the layers above, and cost twice the time.

    The connection pool opens with the first call, and anew in a forked child.

    Parameters
    ----------
    transport : callable or None
        Makes a transport to use in place of sockets, as for the sandbox in this process.
    proxy : str or None
        Address of the proxy that sockets go through.
    encrypted : bool
        Whether calls go over TLS; without it no certificates are loaded.
    deadline : float
        Seconds that an answer may take as a whole, however steadily it drips.
    clock : callable
        Seconds that only ever grow.
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
        self._make = transport or partial(httpx.HTTPTransport, verify=encrypted, proxy=proxy)
        self._deadline = deadline
        self._clock = clock
        self._lock = ForkLock()
        self._inner: httpx.BaseTransport | None = None
        self._pid = os.getpid()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a call.

        Raises
        ------
        NetworkError
            If no whole answer came.
        ReplyError
            If it is too large.
        """
        inner = self._open()
        try:
            response = inner.handle_request(request)
            try:
                body = self._body(request, response)
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError, UnicodeError) as error:
            raise NetworkError(_sentence(request, error)) from _bare(error)
        headers = [(k, v) for k, v in response.headers.raw if k.lower() not in _SPENT]
        return httpx.Response(
            response.status_code, headers=headers, content=body, extensions=response.extensions
        )

    def _body(self, request: httpx.Request, response: httpx.Response) -> bytes:
        parts, size, until = [], 0, self._clock() + self._deadline
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > _LARGEST:
                text = f"The answer from {_where(request)} is larger than {_LARGEST >> 20} MiB"
                raise ReplyError(f"{text}; ask for fewer rows a page.")
            if self._clock() > until:
                text = f"The answer from {_where(request)} did not end within"
                raise NetworkError(f"{text} {self._deadline:.0f} s.")
        return b"".join(parts)

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        with self._lock():
            if self._inner is not None and self._pid == os.getpid():
                self._inner.close()
            self._inner = None

    def _open(self) -> httpx.BaseTransport:
        with self._lock():
            if self._pid != os.getpid():  # the sockets are the parent's
                self._inner, self._pid = None, os.getpid()
            if self._inner is None:
                try:
                    self._inner = self._make()
                except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
                    # Certificates that are not there, a proxy of a kind that is not.
                    text = redacted(str(error))
                    raise NetworkError(f"No connection can be set up: {text}.") from None
            return self._inner


def _where(request: httpx.Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc.decode()}"


def _sentence(request: httpx.Request, error: Exception) -> str:
    where, said = _where(request), redacted(str(error))
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError | UnicodeError):
        return f"No connection to {where}: {said or 'time-out'}. Check the network and base_url."
    if isinstance(error, httpx.TimeoutException):
        return f"No answer from {where} within the time-out; give Client a larger timeout."
    return f"The answer from {where} was cut off or damaged: {said or type(error).__name__}."


def _bare(error: Exception) -> Exception:
    """Return the error without what could show the key: frames, whose variables hold headers.

    The chain keeps its types and messages, which is what a reader needs of it.
    """
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link.args = tuple(redacted(str(arg)) for arg in link.args)
        if isinstance(link, httpx.RequestError):
            link._request = None
        link = link.__cause__ or link.__context__
    return error
