"""The one place where a call leaves the process."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import TYPE_CHECKING

import httpx

from socialframe.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable


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
    """

    def __init__(
        self,
        *,
        transport: Callable[[], httpx.BaseTransport] | None,
        proxy: str | None,
        encrypted: bool,
    ) -> None:
        self._make = transport or partial(httpx.HTTPTransport, verify=encrypted, proxy=proxy)
        self._lock = threading.Lock()
        self._inner: httpx.BaseTransport | None = None
        self._pid = os.getpid()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a call.

        Raises
        ------
        NetworkError
            If no whole answer came.
        """
        try:
            response = self._open().handle_request(request)
            try:
                response.read()
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise NetworkError(_sentence(request, error)) from _bare(error)
        return response

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        with self._lock:
            if self._inner is not None and self._pid == os.getpid():
                self._inner.close()
            self._inner = None

    def _open(self) -> httpx.BaseTransport:
        if self._pid != os.getpid():  # the parent's sockets, and perhaps a lock held at the fork
            self._lock, self._inner, self._pid = threading.Lock(), None, os.getpid()
        with self._lock:
            if self._inner is None:
                try:
                    self._inner = self._make()
                except (ImportError, ValueError) as error:  # a proxy of a kind that is not there
                    raise NetworkError(f"The proxy cannot be used: {error}") from None
            return self._inner


def _sentence(request: httpx.Request, error: Exception) -> str:
    where = f"{request.url.scheme}://{request.url.netloc.decode()}"
    if isinstance(error, httpx.ConnectTimeout | httpx.ConnectError):
        return (
            f"No connection to {where}: {str(error) or 'time-out'}. Check the network and base_url."
        )
    if isinstance(error, httpx.TimeoutException):
        return f"No answer from {where} within the time-out; give Client a larger timeout."
    return f"The answer from {where} was cut off or damaged: {str(error) or type(error).__name__}."


def _bare(error: Exception) -> Exception:
    """Return the error without what could show the key: frames, whose variables hold headers.

    The chain keeps its types and messages, which is what a reader needs of it.
    """
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        if isinstance(link, httpx.RequestError):
            link._request = None  # noqa: SLF001 - there is no public way to forget it
        link = link.__cause__ or link.__context__
    return error
