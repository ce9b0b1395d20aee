"""The sandbox on a loopback port, with connections that stay open as a real API's do.

Werkzeug's own server closes the connection after every answer; Cheroot does not.
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import threading
from functools import partial
from typing import TYPE_CHECKING

from socialframe.errors import ArgumentError
from socialframe.sandbox.faults.connection import FaultyServer, in_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from wsgiref.types import WSGIApplication

    from socialframe.sandbox.faults.connection import Orders, Words

_TICK = 0.02  # seconds between two tries to take the port back


@contextlib.contextmanager
def serve(
    app: WSGIApplication,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    threads: int = 64,
    refuse: Words = in_json,
    patience: float = 10.0,
) -> Iterator[str]:
    """Serve an application on loopback until the context ends."""
    address = _loopback(host)
    if type(port) is not int or not 0 <= port <= 65535:  # noqa: PLR2004 - the last one
        raise ArgumentError(f"port takes a whole number from 0 to 65535, not {port!r}.")
    orders: Orders = queue.SimpleQueue()
    make = partial(
        FaultyServer,
        app=app,
        orders=orders,
        threads=threads,
        refuse=refuse,
        patience=patience,
    )
    server = make((address, port))
    bound = server.bind_addr
    keeper = threading.Thread(target=_keep_up, args=(server, make, orders), daemon=True)
    keeper.start()
    try:
        yield f"http://{address}:{bound[1]}"
    finally:
        orders.put(None)
        keeper.join()


def _keep_up(
    server: FaultyServer, make: Callable[[tuple[str, int]], FaultyServer], orders: Orders
) -> None:
    """Serve, be down for as long as is ordered, and serve again; until the order is None."""
    address = server.bind_addr
    while True:
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        order = orders.get()
        server.stop()
        thread.join()
        again = None
        while again is None:
            if order is None:
                return
            try:
                # Two requests may have ordered it; then the time begins anew.
                order = orders.get(timeout=order)
            except queue.Empty:
                order = _TICK
                with contextlib.suppress(OSError):  # the port is taken for a moment
                    again = make(address)
        server = again


def _loopback(host: object) -> str:
    address = "127.0.0.1" if host == "localhost" else host
    try:
        # A number is an address, too, but nobody means it so.
        fits = isinstance(address, str) and ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        fits = False
    if not isinstance(address, str) or not fits:
        raise ArgumentError(f"The sandbox is served on loopback only (127.0.0.1), not on {host!r}.")
    return address
