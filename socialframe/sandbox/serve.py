"""The sandbox on a loopback port, with connections that stay open as a real API's do.

Werkzeug's own server closes the connection after every answer; Waitress does not.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from typing import TYPE_CHECKING

import waitress
from waitress import wasyncore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIApplication

_THREADS = 8
_LARGEST_BODY = 1 << 20  # bytes


@contextlib.contextmanager
def serve(app: WSGIApplication, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve an application on loopback until the context ends.

    Parameters
    ----------
    app : callable
        A WSGI application; it is called from several threads.
    host : str
        ``localhost`` or an IPv4 loopback address.
    port : int
        A port, or 0 for a free one.

    Yields
    ------
    str
        The base URL.

    Raises
    ------
    ValueError
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
    # Bound here, since Waitress leaves a socket behind when a port is taken.
    listener = socket.create_server((address, port))
    server = waitress.create_server(
        app,
        sockets=[listener],
        threads=_THREADS,
        ident="socialframe-sandbox",
        max_request_body_size=_LARGEST_BODY,
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://{address}:{listener.getsockname()[1]}"
    finally:
        # First those who answer, then, in the server's own thread, the sockets that it waits on.
        server.task_dispatcher.shutdown()
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))  # noqa: SLF001 - no public way
        thread.join()


def _loopback(host: str) -> str:
    address = "127.0.0.1" if host == "localhost" else host
    try:
        fits = ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(f"the sandbox is served on loopback only (127.0.0.1), not on {host!r}")
    return address
