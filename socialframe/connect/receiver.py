"""A small HTTP server on 127.0.0.1 that receives the callback of one flow.

Every page in the user's browser and every program on the machine can send requests to it. A request
that is not the flow's own callback therefore changes nothing, is not echoed, and costs a bounded
number of sockets and threads for five seconds at most.
"""

from __future__ import annotations

import base64
import hashlib
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

from socialframe.connect.flow import ENDED, Flow, State
from socialframe.connect.flow_secrets import SecretText
from socialframe.connect.verify import Verdict, constant_time_equals
from socialframe.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable


HOST = "127.0.0.1"  # never localhost: RFC 8252 8.3
RESULT_PATH = "/socialframe/result"
_RELATIVE_RESULT = "../result"  # from the callback, behind any prefix of a proxy
MAX_SOCKETS = 32  # open at the same time, each with a thread
_REQUEST_TIMEOUT = 5.0  # seconds
_LINGER = 3.0  # seconds in which the browser may still request the result page
_POLL_INTERVAL = 0.1  # seconds
_MAX_HEAD = 32 << 10  # bytes of request line and headers

_STYLE = (
    "body{max-width:36rem;margin:3rem auto;padding:0 1rem;line-height:1.5;"
    "font-family:system-ui,sans-serif;color-scheme:light dark}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", _POLICY),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Connection", "close"),
)
# The pages are fixed texts; no part of a request appears on them.
_RESULT_TEXTS = {
    State.CONNECTED: ("Connected", "You can close this page and return to your program."),
    State.CHOOSING: ("One more step", "Return to your program and choose a Page."),
    State.DENIED: ("Not connected", "Access was denied, so no account was connected."),
    State.FAILED: ("Not connected", "The connection failed. Your program shows the reason."),
}
_DEFAULT_RESULT = ("Not connected", "This attempt has ended.")
_REJECTIONS = {
    HTTPStatus.BAD_REQUEST: "This is not a valid callback. Start again from the link.",
    HTTPStatus.GONE: "This attempt has received a callback already, or has ended.",
}

_log = logging.getLogger("socialframe")


def _result_page(state: State) -> bytes:
    return _page(*_RESULT_TEXTS.get(state, _DEFAULT_RESULT))


def _rejection_page(status: HTTPStatus) -> bytes:
    return _page(f"{status.value} {status.phrase}", _REJECTIONS.get(status, "Nothing is here."))


def _page(title: str, text: str) -> bytes:
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n<p>{text}</p>\n</main>\n</body>\n</html>\n"
    ).encode()


class Receiver:
    """Listens for the callback of one flow. Port 0 selects a free port.

    It closes three seconds after the flow ends. ``hosts`` are also accepted as ``Host``, for
    requests that a proxy forwards.
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
        self._closing = threading.Event()
        self._server = _Server(flow, path, port, hosts, clock)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._serve, name=f"socialframe callback {self.port}", daemon=True
        )
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Receiver on {HOST}, {'open' if self._thread.is_alive() else 'closed'}>"

    def close(self) -> None:
        """Stop listening. A browser that was redirected to the result page has 3 s to load it."""
        self._closing.set()
        self._thread.join()

    def _serve(self) -> None:
        with self._server as server:
            idle_since: float | None = None
            while True:
                state = self._flow.state
                needed = state not in ENDED and state is not State.CHOOSING
                if needed and not self._closing.is_set():
                    idle_since = None
                else:
                    idle_since = self._clock() if idle_since is None else idle_since
                    unwanted = self._closing.is_set() and server.pending_responses <= 0
                    if unwanted or self._clock() - idle_since >= _LINGER:
                        break
                server.handle_request()
                server.drop_slow()
            server.drop_oldest(0)


class _Server(ThreadingHTTPServer):
    """Limits sockets and threads: at the limit, the connection that is slow longest is closed."""

    daemon_threads = True
    block_on_close = False
    timeout = _POLL_INTERVAL
    request_queue_size = 256
    # On POSIX this only skips the wait after an old connection. On Windows it would let another
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
        self.path = SecretText(path)
        self.pending_responses = 0  # callbacks in progress, and redirects to the result page
        self._clock = clock
        self._slots = threading.BoundedSemaphore(MAX_SOCKETS)
        self._lock = threading.Lock()
        self._reading: dict[socket.socket, float] = {}  # incomplete requests, oldest first
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            text = (
                f"Cannot listen on port {port}: {error.strerror or error}. port=0 takes a free one."
            )
            raise ArgumentError(text) from None
        bound = self.server_address[1]
        self.proxied = bool(hosts)
        names = {f"{host}:{bound}" for host in (HOST, "localhost")}
        self.hosts = names | {host.lower() for host in hosts}
        if bound == 80:  # noqa: PLR2004 - browsers omit it
            self.hosts |= {HOST, "localhost"}

    def server_bind(self) -> None:
        """Bind exclusively, without the name lookup of the standard library."""
        exclusive = getattr(socket, "SO_EXCLUSIVEADDRUSE", None)
        if exclusive is not None:  # pragma: no cover - Windows
            self.socket.setsockopt(socket.SOL_SOCKET, exclusive, 1)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as in the base
        self.drop_oldest(MAX_SOCKETS - 1)
        if not self._slots.acquire(timeout=1):
            self.shutdown_request(request)
            return
        with self._lock:
            self._reading[request] = self._clock()
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def add_pending(self, number: int) -> None:
        """Count responses that must be sent before the server closes."""
        with self._lock:
            self.pending_responses += number

    def request_complete(self, request: socket.socket) -> None:
        """Exempt a connection from the time limit: its request is complete."""
        with self._lock:
            self._reading.pop(request, None)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as in the base
        self.request_complete(request)
        super().shutdown_request(request)

    def drop_slow(self) -> None:
        """Close connections over the time limit, even if they still send bytes."""
        with self._lock:
            limit = self._clock() - _REQUEST_TIMEOUT
            late = sum(began <= limit for began in self._reading.values())
            keep = len(self._reading) - late
        self.drop_oldest(keep)

    def drop_oldest(self, keep: int) -> None:
        """Close the connections with the oldest incomplete requests, except for ``keep``."""
        with self._lock:
            for request in list(self._reading)[: max(0, len(self._reading) - keep)]:
                del self._reading[request]
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)  # wakes its thread, which closes it

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Ignore errors of single connections."""


class _LimitedReader:
    """Limits the size of a request's head."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401 - a socket's file
        self._file = file
        self._left = _MAX_HEAD

    def readline(self, size: int) -> bytes:
        line: bytes = self._file.readline(min(size, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise OSError
        return line

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of any type
        return getattr(self._file, name)


class _Handler(BaseHTTPRequestHandler):
    """Handles one request: the callback, the result page, or a rejection."""

    server: _Server
    timeout = _REQUEST_TIMEOUT

    def setup(self) -> None:
        super().setup()
        self.rfile: Any = _LimitedReader(self.rfile)

    def do_GET(self) -> None:
        self.server.request_complete(self.connection)
        status = self._rejection() or self._handle()
        if status == HTTPStatus.OK:
            self._send(status, _result_page(self.server.flow.state))
            self.server.add_pending(-1)
        elif status != HTTPStatus.SEE_OTHER:
            self._send(HTTPStatus.OK if self._must_send_200() else status, _rejection_page(status))
        # The redirect removes the code from the address bar and the history.
        elif self._must_send_200():
            refresh = ("Refresh", f"0; url={_RELATIVE_RESULT}")
            self._send(HTTPStatus.OK, _result_page(self.server.flow.state), refresh)
        else:
            self._send(status, b"", ("Location", RESULT_PATH))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the base looks up do_POST and so on
        if name.startswith("do_"):
            return self.do_GET
        raise AttributeError(name)

    def _rejection(self) -> HTTPStatus | None:
        if [host.lower() for host in self.headers.get_all("Host", [])] not in (
            [host] for host in self.server.hosts
        ):
            return HTTPStatus.MISDIRECTED_REQUEST  # stops DNS rebinding
        if self.command != "GET":
            return HTTPStatus.METHOD_NOT_ALLOWED
        is_result = self.path.partition("?")[0] == RESULT_PATH and self._has_result()
        if not self._is_callback() and not is_result:
            return HTTPStatus.NOT_FOUND
        if self.headers.get_all("Sec-Fetch-Dest", ["document"]) != ["document"]:
            return HTTPStatus.FORBIDDEN  # an image, frame or script of another page
        return None

    def _is_callback(self) -> bool:
        return constant_time_equals(self.path.partition("?")[0], self.server.path)

    def _must_send_200(self) -> bool:
        """Whether the secret path is requested through a notebook server.

        A notebook server logs the path of every request that is not answered with 200.
        """
        return self.server.proxied and self._is_callback()

    def _has_result(self) -> bool:
        return self.server.flow.state not in {State.IDLE, State.WAITING, State.EXCHANGING}

    def _handle(self) -> HTTPStatus:
        if not self._is_callback():
            return HTTPStatus.OK
        self.server.add_pending(1)  # first, because the end of the flow closes the server
        verdict = self.server.flow.handle_callback(self.path, self.server.path)
        if verdict in {Verdict.OK, Verdict.DENIED}:
            return HTTPStatus.SEE_OTHER
        self.server.add_pending(-1)
        return HTTPStatus.GONE if verdict is Verdict.LATE else HTTPStatus.BAD_REQUEST

    def _send(self, status: HTTPStatus, body: bytes, *more: tuple[str, str]) -> None:
        _log.debug("callback: %d", status)
        self.send_response(status)
        for name, value in (*_HEADERS, *more, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Reject a malformed request; the page of the standard library would echo it."""
        del message, explain
        self._send(HTTPStatus(code), _rejection_page(HTTPStatus(code)))

    def version_string(self) -> str:
        """Return the Server header, without versions."""
        return "socialframe"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base
        """Log nothing: the request line holds the code."""
