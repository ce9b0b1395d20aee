"""Connection faults, played by a small TCP proxy in front of the server.

A WSGI application cannot reset a connection or send half a response. The proxy copies bytes
between client and server. If the application requests a fault for a connection, the proxy drops the
server's response and plays the fault's script instead. A stalled connection uses no worker of the
server.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from werkzeug.wrappers import Response

    from socialframe.sandbox.faults.faults import Fault

PLAY = "socialframe.play"
"""Key in the WSGI environment of a function that plays a script in place of the response."""

_PIECE = 1 << 16
_TICK = 0.02  # seconds between two attempts to listen again
_LINGER = 1.0  # seconds that a client gets to read the response before its connection is closed
_EXTRA = 100  # bytes that a wrong Content-Length promises
# l_onoff, l_linger; Windows has shorts there.
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Script(NamedTuple):
    """Bytes to send and seconds to wait, and how the connection ends."""

    steps: tuple[bytes | float, ...]
    reset: bool = False
    down: float | None = None  # seconds for which the server then refuses connections


Play = Callable[[Script], None]


def write_script(fault: Fault, response: Response, environ: WSGIEnvironment) -> Script:
    """Turn a connection fault and the complete response into a script."""
    body = b"" if environ["REQUEST_METHOD"] == "HEAD" else response.get_data()
    length, half = len(body), len(body) // 2
    if fault.kind == "truncate":
        length = {"right": length, "short": half, "long": length + _EXTRA}[fault.option("length")]
        if fault.option("length") != "long":
            body = body[:half]
    head = _write_head(response, environ, length)
    if fault.kind == "refuse":
        return Script((), reset=True, down=fault.option("seconds"))
    if fault.kind.startswith("stall"):
        cut = 0 if fault.kind == "stall_before" else len(head) + half
        whole = head + body
        return Script((whole[:cut], fault.option("seconds"), whole[cut:]))
    resets = {
        "reset_before": b"",
        "reset_mid_headers": head[: len(head) // 2],
        "reset_after_headers": head,
        "reset_mid_body": head + body[:half],
    }
    reset = fault.kind in resets
    return Script((resets.get(fault.kind, head + body),), reset=reset)


def _write_head(response: Response, environ: WSGIEnvironment, length: int) -> bytes:
    pairs = [
        (name, text)
        for name, text in response.get_wsgi_headers(environ).to_wsgi_list()
        if name != "Content-Length"
    ]
    if "Date" not in response.headers:
        pairs.insert(0, ("Date", formatdate(usegmt=True)))
    pairs += [("Connection", "close"), ("Content-Length", str(length))]
    lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {text}" for name, text in pairs), "", ""]
    return "\r\n".join(lines).encode("latin-1")


class FaultyProxy:
    """Accepts connections on one port and copies them to a server, or plays faults on them."""

    def __init__(self, address: tuple[str, int], server: tuple[str, int]) -> None:
        self.server = server
        self.closing = threading.Event()
        self._listener = _listen(address)
        self.address: tuple[str, int] = self._listener.getsockname()
        self._up_at = 0.0
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        with self._lock:
            _close_listener(self._listener)
        self._thread.join()
        for connection in self._open_connections():
            connection.shut()
            connection.thread.join()

    def player(self, port: int) -> Play:
        """Return what plays a script on the connection that reaches the server from this port."""

        def play(script: Script) -> None:
            if script.down is not None:
                self._go_down(script.down, port)
            for connection in self._open_connections():
                if connection.port == port:
                    connection.script = script

        return play

    def forget(self, connection: _Connection) -> None:
        with self._lock:
            self._connections.discard(connection)

    def _open_connections(self) -> list[_Connection]:
        with self._lock:
            return list(self._connections)

    def _go_down(self, seconds: float, asking: int) -> None:
        """Refuse connections from now on, and close the others that are open."""
        with self._lock:
            self._up_at = time.monotonic() + seconds
            _close_listener(self._listener)
        for connection in self._open_connections():
            if connection.port != asking:
                connection.shut()

    def _accept(self) -> None:
        while not self.closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # closed by _go_down or at the end
                self._listen_again()
                continue
            client.settimeout(None)
            connection = _Connection(self, client)
            with self._lock:
                self._connections.add(connection)
            connection.thread.start()

    def _listen_again(self) -> None:
        while not self.closing.wait(_TICK):
            with self._lock, contextlib.suppress(OSError):  # the port may be taken for a moment
                if time.monotonic() >= self._up_at and not self.closing.is_set():
                    self._listener.close()
                    self._listener = _listen(self.address)
                    return


class _Connection:
    """One connection of a client; the server is dialled when the client's first bytes arrive."""

    def __init__(self, proxy: FaultyProxy, client: socket.socket) -> None:
        self.script: Script | None = None
        self.port = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self._proxy = proxy
        self._client = client
        self._server = socket.socket()

    def shut(self) -> None:
        """Wake both threads, so that they end."""
        for one in (self._client, self._server):
            _shut(one, socket.SHUT_RDWR)

    def _run(self) -> None:
        reset = False
        with self._client, self._server, contextlib.suppress(OSError):
            if first := self._client.recv(_PIECE):
                self._server.connect(self._proxy.server)
                self.port = self._server.getsockname()[1]
                reader = threading.Thread(target=self._copy_requests, args=(first,), daemon=True)
                reader.start()
                with contextlib.suppress(OSError):  # one of the two is closed
                    reset = self._copy_responses()
                if not reset:
                    _shut(self._client, socket.SHUT_WR)
                    reader.join(0 if self._proxy.closing.is_set() else _LINGER)
                _shut(self._server, socket.SHUT_RDWR)
                # The reader must not hold the socket when it is closed, or no reset is sent.
                _shut(self._client, socket.SHUT_RD)
                reader.join()
            if reset:
                self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._proxy.forget(self)

    def _copy_requests(self, piece: bytes) -> None:
        with contextlib.suppress(OSError):
            while piece:
                with contextlib.suppress(OSError):  # the server closed: discard further bytes
                    self._server.sendall(piece)
                piece = self._client.recv(_PIECE)
            self._server.shutdown(socket.SHUT_WR)

    def _copy_responses(self) -> bool:
        """Copy until the server closes, or play the script; return whether to reset the client."""
        while piece := self._server.recv(_PIECE):
            if self.script is not None:
                return self._play(self.script)
            self._client.sendall(piece)
        return False

    def _play(self, script: Script) -> bool:
        for step in script.steps:
            if isinstance(step, bytes):
                self._client.sendall(step)
            elif self._proxy.closing.wait(step):
                return False
        return script.reset


def _listen(address: tuple[str, int]) -> socket.socket:
    listener = socket.create_server(address, backlog=128)
    listener.settimeout(0.5)  # where shutdown() does not wake accept()
    return listener


def _close_listener(listener: socket.socket) -> None:
    _shut(listener, socket.SHUT_RDWR)  # on Linux, close() alone would leave it listening
    listener.close()


def _shut(one: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # not connected, or closed already
        one.shutdown(how)
