"""Serving a WSGI application on loopback, with connections that stay open.

Werkzeug's own server closes the connection after every response; Cheroot does not.
"""

from __future__ import annotations

import contextlib
import ipaddress
import threading
from typing import TYPE_CHECKING

from cheroot.wsgi import Server

from socialframe.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIApplication

_QUEUE = 128  # connections that may wait to be accepted
_TICK = 0.02  # maximum sleep of an idle server in seconds, and so its time to stop
_TIMEOUT = 10  # seconds that a worker waits for a slow client
_PATIENCE = 1  # seconds that workers have to finish when the server stops
_IDLE = 1000  # maximum number of open connections
_LARGEST_HEAD = 1 << 16


@contextlib.contextmanager
def serve(app: WSGIApplication, *, host: str = "127.0.0.1", threads: int = 64) -> Iterator[str]:
    """Serve an application on a free port of loopback until the context ends; yield its URL."""
    server = Server(
        (check_loopback(host), 0),
        app,
        numthreads=threads,
        server_name="socialframe-sandbox",
        request_queue_size=_QUEUE,
        timeout=_TIMEOUT,
        shutdown_timeout=_PATIENCE,
    )
    server.expiration_interval = _TICK
    server.keep_alive_conn_limit = _IDLE
    server.max_request_header_size = _LARGEST_HEAD
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield f"http://{server.bind_addr[0]}:{server.bind_addr[1]}"
    finally:
        server.stop()
        thread.join()


def check_loopback(host: object) -> str:
    address = "127.0.0.1" if host == "localhost" else host
    try:
        # IPv4Address accepts a number, which is no host.
        fits = isinstance(address, str) and ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        fits = False
    if not isinstance(address, str) or not fits:
        raise ArgumentError(f"host must be a loopback address such as 127.0.0.1; got {host!r}.")
    return address


def check_port(port: object) -> int:
    if type(port) is not int or not 0 <= port <= 65535:  # noqa: PLR2004 - the last one
        raise ArgumentError(f"port must be an integer from 0 to 65535; got {port!r}.")
    return port
