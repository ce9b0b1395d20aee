"""A small server on 127.0.0.1 that waits for one callback, while anybody may knock.

Every page that the person has open can send requests to it, and so can every program on the
machine. So a request that is not the flow's own callback changes nothing, echoes nothing, costs a
bounded number of sockets and threads, and five seconds at most.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any

from socialframe.connect.flow import OVER, State
from socialframe.connect.pages import HEADERS, page, result
from socialframe.connect.verify import Verdict, same
from socialframe.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.connect.flow import Flow

HOST = "127.0.0.1"  # never localhost: RFC 8252 8.3
RESULT = "/socialframe/result"
_UP = "../result"  # the same as seen from the callback, whatever a proxy puts before it
SOCKETS = 32  # open at a time, and as many threads
_PER_SOCKET = 5.0  # seconds until a request has come whole
_LINGER = 3.0  # seconds in which the browser may still fetch the result
_TICK = 0.1  # seconds between two looks at the clock
_LARGEST_HEAD = 32 << 10  # bytes of a request's head

_log = logging.getLogger("socialframe")


class Receiver:
    """Listens for the callback of one flow, from when it is made.

    It ends by itself three seconds after it is no longer needed, and at once when it is closed, but
    for a browser that is on its way to the result page.

    Parameters
    ----------
    flow : Flow
        Whose answer it takes; it asks nothing else of it.
    path : str
        The callback's path.
    port : int
        0 takes a free one.
    hosts : tuple of str
        What ``Host`` may say beside loopback, behind a proxy.
    clock : callable
        Seconds that only ever grow.

    Raises
    ------
    ArgumentError
        If the port cannot be used.

    Examples
    --------
    >>> from socialframe.connect.flow import Flow
    >>> flow = Flow(print, "tiktok")
    >>> receiver = Receiver(flow, flow.path)
    >>> receiver
    <Receiver on 127.0.0.1, open>
    >>> receiver.close()
    """

    def __init__(
        self,
        flow: Flow,
        path: str,
        *,
        port: int = 0,
        hosts: tuple[str, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._flow = flow
        self._clock = clock
        self._closed = threading.Event()
        self._server = _Server(flow, path, port, hosts, clock)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._serve, name=f"socialframe callback {self.port}", daemon=True
        )
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Receiver on {HOST}, {'open' if self._thread.is_alive() else 'closed'}>"

    def close(self) -> None:
        """Stop listening. A browser that was sent to the result page gets it first, or 3 s."""
        self._closed.set()
        self._thread.join()

    def _serve(self) -> None:
        with self._server as server:
            ended: float | None = None
            while True:
                state = self._flow.state
                needed = state not in OVER and state is not State.CHOOSING
                if needed and not self._closed.is_set():
                    ended = None
                else:
                    ended = self._clock() if ended is None else ended
                    promptly = self._closed.is_set() and server.owed <= 0
                    if promptly or self._clock() - ended >= _LINGER:
                        break
                server.handle_request()
                server.sweep()
            server.drop(0)


class _Server(ThreadingHTTPServer):
    """Bounded in sockets and threads: where all are taken, the one that waits longest goes."""

    daemon_threads = True
    block_on_close = False
    timeout = _TICK
    request_queue_size = 256  # the system's, until one is looked at
    # Elsewhere it only spares the minute after an old connection; on Windows it would let another
    # program listen on the same port.
    allow_reuse_address = os.name == "posix"

    def __init__(
        self,
        flow: Flow,
        path: str,
        port: int,
        hosts: tuple[str, ...],
        clock: Callable[[], float],
    ) -> None:
        self.flow = flow
        self.path = _Hush(path)
        self.owed = 0  # browsers that are being answered, or on their way to the result
        self._clock = clock
        self._places = threading.BoundedSemaphore(SOCKETS)
        self._lock = threading.Lock()
        self._reading: dict[socket.socket, float] = {}  # who has not sent all yet, oldest first
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            text = (
                f"Port {port} cannot be used: {error.strerror or error}. port=0 takes a free one."
            )
            raise ArgumentError(text) from None
        bound = self.server_address[1]
        self.proxied = bool(hosts)
        names = {f"{host}:{bound}" for host in (HOST, "localhost")}
        self.hosts = names | {host.lower() for host in hosts}
        if bound == 80:  # noqa: PLR2004 - browsers leave it out
            self.hosts |= {HOST, "localhost"}

    def server_bind(self) -> None:
        """Bind, alone; and ask no name server, as the stdlib's does."""
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
        if exclusive is not None:  # pragma: no cover - Windows
            self.socket.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as above it
        """Give a connection a thread."""
        self.drop(SOCKETS - 1)
        if not self._places.acquire(timeout=1):
            self.shutdown_request(request)
            return
        with self._lock:
            self._reading[request] = self._clock()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Answer, and give the place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def owe(self, browsers: int) -> None:
        """Count a browser that must not find the door closed."""
        with self._lock:
            self.owed += browsers

    def came(self, request: socket.socket) -> None:
        """Note that a request has come whole: nobody hurries its answer."""
        with self._lock:
            self._reading.pop(request, None)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as above it
        """Forget a connection and close it."""
        self.came(request)
        super().shutdown_request(request)

    def sweep(self) -> None:
        """End the connections that took their time; a drip a second helps nobody."""
        with self._lock:
            until = self._clock() - _PER_SOCKET
            late = sum(began <= until for began in self._reading.values())
            keep = len(self._reading) - late
        self.drop(keep)

    def drop(self, keep: int) -> None:
        """End the connections that have waited longest, but for so many."""
        with self._lock:
            for request in list(self._reading)[: max(0, len(self._reading) - keep)]:
                del self._reading[request]
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)  # its thread wakes up, and closes it

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Say nothing: whoever knocks and goes is no event."""


class _Hush(str):
    """A text without a repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'…'"


class _Head:
    """A request as a file that ends: nobody sends head lines for ever."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401 - a socket's file
        self._file = file
        self._left = _LARGEST_HEAD

    def readline(self, size: int) -> bytes:
        line: bytes = self._file.readline(min(size, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise OSError
        return line

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as of the file
        return getattr(self._file, name)


class _Handler(BaseHTTPRequestHandler):
    """One request: refused, or the callback, or the result page."""

    server: _Server
    timeout = _PER_SOCKET

    def setup(self) -> None:
        super().setup()
        self.rfile: Any = _Head(self.rfile)

    def do_GET(self) -> None:
        """Answer."""
        self.server.came(self.connection)
        status = self._refusal() or self._answered()
        if status == HTTPStatus.OK:
            self._send(status, result(self.server.flow.state))
            self.server.owe(-1)
        elif status != HTTPStatus.SEE_OTHER:
            self._send(HTTPStatus.OK if self._hushed() else status, page(status))
        # So that the code leaves the address bar and the history.
        elif self._hushed():
            self._send(HTTPStatus.OK, result(self.server.flow.state), ("Refresh", f"0; url={_UP}"))
        else:
            self._send(status, b"", ("Location", RESULT))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the stdlib looks for do_POST and so on
        if name.startswith("do_"):
            return self.do_GET
        raise AttributeError(name)

    def _refusal(self) -> HTTPStatus | None:
        if [host.lower() for host in self.headers.get_all("Host", [])] not in (
            [host] for host in self.server.hosts
        ):
            return HTTPStatus.MISDIRECTED_REQUEST  # a name that was bound to loopback
        if self.command != "GET":
            return HTTPStatus.METHOD_NOT_ALLOWED
        place = self.path.partition("?")[0]
        if not same(place, self.server.path) and not (place == RESULT and self._over()):
            return HTTPStatus.NOT_FOUND
        if self.headers.get_all("Sec-Fetch-Dest", ["document"]) != ["document"]:
            return HTTPStatus.FORBIDDEN  # an image, a frame, a script: no person is there
        return None

    def _hushed(self) -> bool:
        """Whether it came to the secret path by a notebook server.

        That writes the path of each request into its log, but for those that are answered with 200.
        """
        return self.server.proxied and same(self.path.partition("?")[0], self.server.path)

    def _over(self) -> bool:
        return self.server.flow.state not in {State.IDLE, State.WAITING, State.EXCHANGING}

    def _answered(self) -> HTTPStatus:
        if not same(self.path.partition("?")[0], self.server.path):
            return HTTPStatus.OK
        self.server.owe(1)  # before whoever waits for the flow may close
        verdict = self.server.flow.answer(self.path, self.server.path)
        if verdict in {Verdict.OK, Verdict.DENIED}:
            return HTTPStatus.SEE_OTHER
        self.server.owe(-1)
        return HTTPStatus.GONE if verdict is Verdict.LATE else HTTPStatus.BAD_REQUEST

    def _send(self, status: HTTPStatus, body: bytes, *more: tuple[str, str]) -> None:
        _log.debug("callback: %d", status)
        self.send_response(status)
        for name, value in (*HEADERS, *more, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no request at all; the stdlib's would repeat it."""
        del message, explain
        self._send(HTTPStatus(code), page(HTTPStatus(code)))

    def version_string(self) -> str:
        """Say no more than the name."""
        return "socialframe"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the stdlib's name
        """Say nothing: the line holds the code."""
