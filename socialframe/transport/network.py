"""The one place where a call leaves the process."""

from __future__ import annotations

import os
import threading
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import httpx

from socialframe.errors import NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable


class Network(httpx.BaseTransport):
    """Sends a call and reads its answer whole; every failure comes out as ``NetworkError``.

    The connection pool opens with the first call, and anew in a forked child.

    Parameters
    ----------
    transport : callable or None
        Makes a transport to use in place of a socket, as for the sandbox in this process.
    proxies : bool
        Whether the environment's proxies are used. Never for a plain-http loopback address: the
        key would pass through the proxy in clear.
    """

    def __init__(
        self, *, transport: Callable[[], httpx.BaseTransport] | None, proxies: bool
    ) -> None:
        self._transport = transport
        self._proxies = proxies
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._pid = os.getpid()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a call.

        Raises
        ------
        NetworkError
            If no whole answer came.
        """
        try:
            return self._open().send(request)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise NetworkError(_sentence(request, error)) from _bare(error)

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        with self._lock:
            if self._client is not None and self._pid == os.getpid():
                self._client.close()
            self._client = None

    def _open(self) -> httpx.Client:
        if self._pid != os.getpid():  # the parent's sockets, and perhaps a lock held at the fork
            self._lock, self._client, self._pid = threading.Lock(), None, os.getpid()
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    transport=self._transport() if self._transport else None,
                    trust_env=self._proxies,
                    follow_redirects=False,
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                )
            return self._client


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
