"""Faults of the connection itself, where the sandbox is served: no WSGI answer can be so wrong.

A fault is a script: bytes to send and seconds to wait, and then the connection is closed or reset.
The connection is taken from Cheroot for it and played on by a thread of its own, so that however
many stall, the workers stay free.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, NamedTuple

from cheroot.wsgi import Gateway_10, Server

from socialframe.sandbox.api.answers import refused
from socialframe.sandbox.api.request import ApiError, invalid
from socialframe.sandbox.faults.hearing import LARGEST_HEAD, Chunks, Connection
from socialframe.sandbox.faults.latency import over

if TYPE_CHECKING:
    import queue
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from werkzeug.wrappers import Response

    from socialframe.sandbox.api.answers import Answer
    from socialframe.sandbox.faults.faults import Fault

    Words = Callable[[int, str], Answer]
    Orders = queue.SimpleQueue[float | None]

LINE = "socialframe.line"
"""Where the environment of a request holds its `Line`."""

_QUEUE = 128  # connections that may wait to be accepted
_TICK = 0.02  # seconds that an idle server sleeps at most, and so how long its end takes
_PATIENCE = 1  # seconds that workers have to finish at the end; then their sockets are shut
_EXTRA = 100  # bytes that are promised and never come
# l_onoff, l_linger; Windows has shorts there.
_AT_ONCE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Script(NamedTuple):
    """What happens on a connection."""

    steps: tuple[bytes | float, ...] = ()
    reset: bool = False


def script(fault: Fault, head: bytes, body: bytes) -> Script:
    """Write the script of a fault."""
    half = len(body) // 2
    length = len(body)
    if fault.kind == "truncate":
        length = {"right": length, "short": half, "long": length + _EXTRA}[fault.option("length")]
        if fault.option("length") != "long":
            body = body[:half]
    head += b"Content-Length: %d\r\n\r\n" % length
    resets = {
        "reset_before": b"",
        "refuse": b"",
        "reset_mid_headers": head[: len(head) // 2],
        "reset_after_headers": head,
        "reset_mid_body": head + body[:half],
    }
    if fault.kind in resets:
        return Script((resets[fault.kind],), reset=True)
    if fault.kind == "stall_before":
        return Script((fault.option("seconds"), head + body))
    if fault.kind == "stall_mid_body":
        return Script((head + body[:half], fault.option("seconds"), body[half:]))
    return Script((head + body,))


def needs_socket(fault: Fault) -> Answer:
    """Refuse a fault where there is no connection to play it on."""
    text = f"The fault {fault.kind!r} needs a connection: serve this sandbox to see it"
    return refused(invalid(text))


class Line:
    """The connection of one request, to be taken from the server."""

    def __init__(self, request: Any) -> None:  # noqa: ANN401 - Cheroot has no types
        self._request = request

    def play(self, fault: Fault, response: Response, environ: WSGIEnvironment) -> Iterable[bytes]:
        """Play a fault; the server has nothing more to do with the connection."""
        server: FaultyServer = self._request.server
        told = response.get_wsgi_headers(environ).to_wsgi_list()
        lines = [f"HTTP/1.1 {response.status}", f"Date: {formatdate(usegmt=True)}"]
        if "Date" in response.headers:
            lines.pop()
        lines += [f"{name}: {text}" for name, text in told if name != "Content-Length"]
        # After a fault nothing more comes here.
        head = "".join(f"{line}\r\n" for line in (*lines, "Connection: close")).encode("latin-1")
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else response.get_data()
        if fault.kind == "refuse":
            server.go_down(fault.option("seconds"))
        self.take(script(fault, head, body))
        return []

    def take(self, script: Script) -> None:
        """Take the connection from the server for good, and play a script on it."""
        connection = self._request.conn
        self._request.sent_headers = self._request.close_connection = connection.taken = True
        self._request.server.play(connection, script)


def in_json(status: int, text: str) -> Answer:
    """Word what the server of the API refuses by itself; no page documents any of it."""
    code = "VALIDATION_ERROR" if status < 500 else "INTERNAL_ERROR"  # noqa: PLR2004 - of a server
    return refused(ApiError(status, code, text))


class _Gateway(Gateway_10):
    """The way from a request to the application, with the connection."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]  # Cheroot's types say None
        if self.req.chunked_read:
            self.req.rfile = Chunks(self.req.conn.rfile)
        known = super().get_environ()  # type: ignore[no-untyped-call]
        # Whoever names no host is told addresses of this one.
        return {**known, "SERVER_NAME": self.req.server.bind_addr[0], LINE: Line(self.req)}

    def respond(self) -> None:
        if self.req.server.down:
            # Until Cheroot has stopped it would still answer on connections that are open.
            Line(self.req).take(Script(reset=True))
        else:
            over.set(self.req.server.over)
            super().respond()


class FaultyServer(Server):
    """Cheroot, whose connections can be taken."""

    ConnectionClass = Connection
    keep_alive_conn_limit = 1000
    max_request_header_size = LARGEST_HEAD

    def __init__(
        self,
        address: tuple[str, int],
        app: WSGIApplication,
        orders: queue.SimpleQueue[float | None],
        threads: int,
        refuse: Words,
        patience: float,
    ) -> None:
        super().__init__(
            address,
            app,
            numthreads=threads,
            server_name="socialframe-sandbox",
            request_queue_size=_QUEUE,
            timeout=patience,  # type: ignore[arg-type]  # Cheroot's types say int
            shutdown_timeout=_PATIENCE,
        )
        self.gateway = _Gateway
        self.refuse = refuse
        self.expiration_interval = _TICK
        self.down = False
        self._orders = orders
        self.over = threading.Event()
        self._playing: dict[threading.Thread, socket.socket] = {}
        self._playing_lock = threading.Lock()
        # Cheroot leaves a socket open when a port is taken; this one says so first.
        socket.create_server(address).close()
        self.prepare()
        if os.name != "nt":  # where it would let others take the port
            # Cheroot says so only of a port that was named. Connections inherit it, and those that
            # this side closed linger for a minute, in which nobody could take the port back.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def go_down(self, seconds: float) -> None:
        """Close the listener at once, so that whoever is reset now is refused next."""
        self.down = True
        listener = self.socket
        if listener is not None:
            listener.close()
        self._orders.put(seconds)

    def process_conn(self, conn: Connection) -> None:
        """Give a connection to a worker once there is something to do."""
        try:
            # Of one that was never idle nothing was awaited yet.
            if conn.last_used is not None and conn.hear():
                super().process_conn(conn)
            else:
                self.put_conn(conn)
        except OSError:  # whoever asked is gone
            conn.close()

    def play(self, connection: Any, script: Script) -> None:  # noqa: ANN401 - Cheroot has no types
        """Play a script in a thread of its own."""
        thread = threading.Thread(target=self._play, args=(connection, script), daemon=True)
        with self._playing_lock:
            self._playing[thread] = connection.socket
            thread.start()

    def _play(self, connection: Any, script: Script) -> None:  # noqa: ANN401 - Cheroot has no types
        line: socket.socket = connection.socket
        with contextlib.suppress(OSError):  # whoever asked may be gone
            for step in script.steps:
                if isinstance(step, bytes):
                    line.sendall(step)
                elif self.over.wait(step):
                    break
            if script.reset:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        with self._playing_lock:
            del self._playing[threading.current_thread()]
            connection.rfile.close()
            line.close()

    def stop(self) -> None:
        """End at once, whatever stalls."""
        self.over.set()
        super().stop()
        with self._playing_lock:
            playing = list(self._playing.items())
            for _, line in playing:
                # Whoever does not read would hold up the thread that sends.
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
        for thread, _ in playing:
            thread.join()
