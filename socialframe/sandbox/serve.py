"""The sandbox on a loopback port, with connections that stay open as a real API's do.

Werkzeug's own server closes the connection after every answer; Cheroot does not.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from typing import TYPE_CHECKING

from cheroot.wsgi import Server

from socialframe.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIApplication

_QUEUE = 128  # connections that may wait to be accepted
_TICK = 0.02  # seconds that an idle server sleeps at most, and so how long its end takes


@contextlib.contextmanager
def serve(
    app: WSGIApplication,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    threads: int = 8,
    largest_body: int = 1 << 20,
) -> Iterator[str]:
    """Serve an application on loopback until the context ends.

    Parameters
    ----------
    app : callable
        A WSGI application; it is called from several threads.
    host : str
        ``localhost`` or an IPv4 loopback address.
    port : int
        A port, or 0 for a free one.
    threads : int
        How many requests are answered at a time.
    largest_body : int
        Bytes of a body that are taken, or 0 where the application sees to it.

    Yields
    ------
    str
        The base URL.

    Raises
    ------
    ArgumentError
        If the host is not loopback.
    OSError
        If the port is taken.

    Examples
    --------
    >>> with serve(lambda environ, start_response: [], port=0) as base_url:
    ...     base_url.rpartition(":")[0]
    'http://127.0.0.1'
    """
    address = _loopback(host)
    server = Server(
        (address, port),
        app,
        numthreads=threads,
        server_name="socialframe-sandbox",
        request_queue_size=_QUEUE,
    )
    server.max_request_body_size = largest_body
    server.expiration_interval = _TICK
    # Cheroot leaves a socket open when a port is taken; this one says so first.
    socket.create_server((address, port)).close()
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield f"http://{address}:{server.bind_addr[1]}"
    finally:
        server.stop()
        thread.join()


def _loopback(host: str) -> str:
    address = "127.0.0.1" if host == "localhost" else host
    try:
        fits = ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        fits = False
    if not fits:
        raise ArgumentError(f"The sandbox is served on loopback only (127.0.0.1), not on {host!r}.")
    return address
