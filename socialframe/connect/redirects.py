"""The ways in which an answer comes back, behind one interface."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from socialframe.connect.receiver import HOST, Receiver
from socialframe.connect.verify import Callback
from socialframe.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable
    from urllib.parse import SplitResult

    from socialframe.connect.flow import Flow

_PORTS = 49152, 16384  # RFC 6335: nobody's own


class Way(Protocol):
    """A way for the answer to come back. ``open`` says where the browser is to be sent."""

    @property
    def listens(self) -> bool:
        """Whether an answer comes by itself; otherwise somebody pastes it."""

    def open(self, flow: Flow) -> Callback:
        """Begin to take answers for the flow."""

    def close(self) -> None:
        """Take none any more."""


@dataclass(slots=True)
class Loopback:
    """A receiver on this machine, where the browser is, too.

    Parameters
    ----------
    port : int
        0 takes a free one.
    redirect_url : str or None
        A registered address on loopback, with a port, to listen at exactly there.
    clock : callable
        Seconds that only ever grow.

    Examples
    --------
    >>> from socialframe.connect.flow import Flow
    >>> way, flow = Loopback(), Flow(print, "tiktok")
    >>> way.open(flow).redirect.startswith("http://127.0.0.1:")
    True
    >>> way.close()
    """

    port: int = 0
    redirect_url: str | None = None
    clock: Callable[[], float] = time.monotonic
    listens: bool = field(default=True, init=False)
    _receiver: Receiver | None = field(default=None, init=False, repr=False)

    def open(self, flow: Flow) -> Callback:
        """Listen.

        Raises
        ------
        ArgumentError
            If the port cannot be used.
        """
        if self.redirect_url is not None:
            callback = Callback(self.redirect_url, exact=True)
            parts = urlsplit(self.redirect_url)
            self._receiver = Receiver(
                flow, callback.path or "/", port=parts.port or 80, clock=self.clock
            )
            return callback
        self._receiver = Receiver(flow, flow.path, port=self.port, clock=self.clock)
        return Callback(f"http://{HOST}:{self._receiver.port}{flow.path}")

    def close(self) -> None:
        """Stop listening."""
        if self._receiver is not None:
            self._receiver.close()


@dataclass(slots=True)
class Proxied:
    """A receiver on this machine, which the browser reaches through jupyter-server-proxy.

    Parameters
    ----------
    base : str
        The notebook server's address in the world, as ``https://hub.example/user/ada``.
    port : int
        0 takes a free one.
    clock : callable
        Seconds that only ever grow.

    Examples
    --------
    >>> from socialframe.connect.flow import Flow
    >>> way, flow = Proxied("https://hub.example/user/ada/"), Flow(print, "tiktok")
    >>> way.open(flow).redirect.startswith("https://hub.example/user/ada/proxy/")
    True
    >>> way.close()
    """

    base: str
    port: int = 0
    clock: Callable[[], float] = time.monotonic
    listens: bool = field(default=True, init=False)
    _receiver: Receiver | None = field(default=None, init=False, repr=False)

    def open(self, flow: Flow) -> Callback:
        """Listen.

        Raises
        ------
        ArgumentError
            If the port cannot be used.
        """
        # The proxy hands the browser's own Host on, and takes its prefix off the path.
        hosts = (urlsplit(self.base).netloc,)
        self._receiver = Receiver(flow, flow.path, port=self.port, hosts=hosts, clock=self.clock)
        return Callback(f"{self.base.rstrip('/')}/proxy/{self._receiver.port}{flow.path}")

    def close(self) -> None:
        """Stop listening."""
        if self._receiver is not None:
            self._receiver.close()


@dataclass(slots=True)
class Pasted:
    """Nobody listens: the person copies the address of the page that did not load.

    Parameters
    ----------
    port : int
        Of the address that does not load; 0 takes one.
    redirect_url : str or None
        The registered address, to send the browser there.
    registered : bool
        Whether to leave the address out, so that the API takes the registered one.

    Examples
    --------
    >>> from socialframe.connect.flow import Flow
    >>> Pasted(registered=True).open(Flow(print, "tiktok")).redirect is None
    True
    """

    port: int = 0
    redirect_url: str | None = None
    registered: bool = False
    listens: bool = field(default=False, init=False)

    def open(self, flow: Flow) -> Callback:
        """Say where the browser is to be sent."""
        if self.registered or self.redirect_url is not None:
            return Callback(self.redirect_url, exact=True)
        first, many = _PORTS
        port = self.port or first + zlib.crc32(flow.path.encode()) % many
        return Callback(f"http://{HOST}:{port}{flow.path}")

    def close(self) -> None:
        """Do nothing: nothing is open."""


def way_of(
    callback: str,
    redirect_url: str | None = None,
    port: int = 0,
    *,
    public: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Way:
    """Return the way that the arguments of ``connect`` ask for.

    Raises
    ------
    ArgumentError
        If they are invalid.

    Examples
    --------
    >>> way_of("paste").listens
    False
    >>> way_of("auto", "https://shop.example/cb")
    Pasted(port=0, redirect_url='https://shop.example/cb', registered=False, listens=False)
    """
    number: object = port
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 1 << 16:
        raise ArgumentError(f"port takes a whole number from 0 to 65535, not {port!r}.")
    if redirect_url is not None:
        return _exact(callback, redirect_url, port, clock)
    if callback == "auto" and public:
        callback = public
    if callback in {"auto", "loopback"}:
        return Loopback(port, clock=clock)
    if callback == "paste":
        return Pasted(port)
    parts = _address(callback)
    if parts is None or parts.query:
        raise ArgumentError(
            "callback takes 'auto', 'loopback', 'paste' or the notebook server's own address, as "
            f"'https://hub.example/user/ada', not {callback!r}."
        )
    return Proxied(callback, port, clock)


def _exact(callback: str, redirect_url: str, port: int, clock: Callable[[], float]) -> Way:
    if callback not in {"auto", "loopback", "paste"} or port:
        raise ArgumentError("redirect_url says it all: no port, and no address as callback.")
    parts = _address(redirect_url)
    if parts is None:
        raise ArgumentError(
            "redirect_url takes the address that is registered with the API, https or on loopback, "
            f"without a fragment; not {redirect_url!r}."
        )
    local = parts.scheme == "http" and parts.hostname in {HOST, "localhost"}
    if callback == "loopback" and not local:
        raise ArgumentError(
            f"Nobody can listen at {redirect_url} from here; callback='paste' takes its address."
        )
    if callback == "paste" or not local:
        return Pasted(redirect_url=redirect_url)
    return Loopback(redirect_url=redirect_url, clock=clock)


def _address(text: object) -> SplitResult | None:
    try:
        parts = urlsplit(str(text))
        _ = parts.port
    except ValueError:
        return None
    safe = parts.scheme == "https" or parts.hostname in {HOST, "localhost", "::1"}
    whole = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    visible = str(text).isascii() and str(text).isprintable() and " " not in str(text)
    return parts if safe and whole and visible and not parts.fragment else None
