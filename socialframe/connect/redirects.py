"""Redirects: how the OAuth callback reaches this process."""

from __future__ import annotations

import time
import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import SplitResult, urlsplit

from socialframe.connect.receiver import HOST, Receiver
from socialframe.connect.verify import Callback
from socialframe.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.connect.flow import Flow

_PRIVATE_PORTS = 49152, 16384  # the first and their number: RFC 6335


@dataclass(slots=True, kw_only=True)
class Redirect(ABC):
    """How the callback of a flow reaches this process. Port 0 selects a free port.

    ``listens`` is False if the user pastes the URL of the callback.
    """

    listens: ClassVar[bool] = True
    port: int = 0
    clock: Callable[[], float] = time.monotonic
    _receiver: Receiver | None = field(default=None, init=False, repr=False)

    @abstractmethod
    def open(self, flow: Flow) -> Callback:
        """Accept callbacks of the flow; return where the platform must redirect the browser."""

    def close(self) -> None:
        if self._receiver is not None:
            self._receiver.close()


@dataclass(slots=True, kw_only=True)
class LoopbackRedirect(Redirect):
    """Listens on this machine, where the browser runs too.

    ``redirect_url`` is a registered loopback URL; without it, the redirect uses a free port and a
    secret path.
    """

    redirect_url: str | None = None

    def open(self, flow: Flow) -> Callback:
        if self.redirect_url is not None:
            callback = Callback(self.redirect_url, exact=True)
            port = urlsplit(self.redirect_url).port or 80
            self._receiver = Receiver(flow, callback.path or "/", port=port, clock=self.clock)
            return callback
        self._receiver = Receiver(flow, flow.path, port=self.port, clock=self.clock)
        return Callback(f"http://{HOST}:{self._receiver.port}{flow.path}")


@dataclass(slots=True)
class ProxyRedirect(Redirect):
    """Listens on this machine; the browser connects through jupyter-server-proxy.

    ``base`` is the notebook server's public URL, such as ``https://hub.example/user/ada``.
    """

    base: str

    def open(self, flow: Flow) -> Callback:
        # The proxy forwards the browser's Host and removes its own prefix from the path.
        hosts = (urlsplit(self.base).netloc,)
        self._receiver = Receiver(flow, flow.path, port=self.port, hosts=hosts, clock=self.clock)
        return Callback(f"{self.base.rstrip('/')}/proxy/{self._receiver.port}{flow.path}")


@dataclass(slots=True, kw_only=True)
class PastedRedirect(Redirect):
    """Does not listen: the user pastes the URL of the page that did not load.

    ``port`` is the port in that URL; 0 selects one. ``redirect_url`` is a registered URL.
    ``registered`` sends no URL, so that the API uses the registered one.
    """

    listens: ClassVar[bool] = False
    redirect_url: str | None = None
    registered: bool = False

    def open(self, flow: Flow) -> Callback:
        if self.registered or self.redirect_url is not None:
            return Callback(self.redirect_url, exact=True)
        first, number = _PRIVATE_PORTS
        port = self.port or first + zlib.crc32(flow.path.encode()) % number
        return Callback(f"http://{HOST}:{port}{flow.path}")


def choose_redirect(
    callback: str,
    redirect_url: str | None = None,
    port: int = 0,
    *,
    public_url: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Redirect:
    """Return the redirect for the arguments of ``connect``; raise ArgumentError if invalid."""
    number: object = port
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << 16:
        raise ArgumentError(f"port must be an integer from 0 to 65535; got {port!r}.")
    if redirect_url is not None:
        return _registered_redirect(callback, redirect_url, port, clock)
    if callback == "auto" and public_url:
        callback = public_url
    if callback in {"auto", "loopback"}:
        return LoopbackRedirect(port=port, clock=clock)
    if callback == "paste":
        return PastedRedirect(port=port)
    parts = _safe_url(callback)
    if parts is None or parts.query:
        raise ArgumentError(
            "callback must be 'auto', 'loopback', 'paste' or the public URL of the notebook "
            f"server, such as 'https://hub.example/user/ada'; got {callback!r}."
        )
    return ProxyRedirect(callback, port=port, clock=clock)


def _registered_redirect(
    callback: str, redirect_url: str, port: int, clock: Callable[[], float]
) -> Redirect:
    if callback not in {"auto", "loopback", "paste"} or port:
        raise ArgumentError("Pass redirect_url alone, without port or a URL as callback.")
    parts = _safe_url(redirect_url)
    if parts is None:
        raise ArgumentError(
            "redirect_url must be the URL that is registered with the API: https or loopback, "
            f"without a fragment; got {redirect_url!r}."
        )
    local = parts.scheme == "http" and parts.hostname in {HOST, "localhost"}
    if callback == "loopback" and not local:
        raise ArgumentError(
            f"This process cannot listen at {redirect_url}. Use callback='paste' instead."
        )
    if callback == "paste" or not local:
        return PastedRedirect(redirect_url=redirect_url)
    return LoopbackRedirect(redirect_url=redirect_url, clock=clock)


def _safe_url(text: object) -> SplitResult | None:
    """Return the parts of a complete https or loopback URL, else None."""
    try:
        parts = urlsplit(str(text))
        _ = parts.port
    except ValueError:
        return None
    safe = parts.scheme == "https" or parts.hostname in {HOST, "localhost", "::1"}
    complete = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    plain = str(text).isascii() and str(text).isprintable() and " " not in str(text)
    return parts if safe and complete and plain and not parts.fragment else None
