"""Webhook deliveries: signing, sending once, and a line of them for each receiver."""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import logging
import socket
import threading
import time
from collections import deque
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

TIMEOUT = 5.0  # seconds that a receiver may be silent
LONGEST = 10.0  # seconds that a delivery may take in all
WAITING = 1000  # deliveries that may wait for one receiver

_READ = 1 << 16  # bytes of a receiver's answer that are read, and thrown away


def sign(secret: str, body: bytes) -> str:
    """Sign the bytes of a delivery: lower-case hex of HMAC-SHA256 (5.12).

    Parameters
    ----------
    secret
        The secret of the webhook.
    body
        What is sent, to the byte.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> sign("whsec_demo_1", b"{}")[:8]
    '6687253b'
    """
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def is_loopback(url: str) -> bool:
    """Tell whether a URL stays on this machine, by its text: no name is looked up.

    Examples
    --------
    >>> is_loopback("http://localhost:8000/in"), is_loopback("http://127.0.0.1.example/in")
    (True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Receipt(NamedTuple):
    """How one attempt ended.

    Parameters
    ----------
    status
        What the receiver answered; None if it did not.
    error
        What went wrong, for a person; None if nothing did.

    Examples
    --------
    >>> Receipt(204).error is None
    True
    """

    status: int | None
    error: str | None = None


def send(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = LONGEST) -> Receipt:
    """Post a body once, straight to the receiver: through no proxy, after no redirect.

    Parameters
    ----------
    url
        Of the receiver; http or https.
    body
        What is sent.
    headers
        What is said about it.
    seconds
        How long that may take.

    Returns
    -------
    Receipt
        The status, or why there is none.

    Examples
    --------
    >>> send("http://127.0.0.1:1/in", b"{}", {})
    Receipt(status=None, error='no answer (ConnectionRefusedError)')
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = kind(parts.hostname or "", parts.port, timeout=min(TIMEOUT, seconds))
    # Whoever answers byte by byte is never silent.
    alarm = threading.Timer(seconds, _hang_up, (connection,))
    began = time.monotonic()
    try:
        with contextlib.closing(connection):
            alarm.start()
            connection.request("POST", target, body, dict(headers))
            response = connection.getresponse()
            response.read(_READ)
            if time.monotonic() - began >= seconds:
                raise TimeoutError
    except (OSError, HTTPException, ValueError) as error:
        return Receipt(None, f"no answer ({type(error).__name__})")
    finally:
        alarm.cancel()
    if response.status // 100 == 2:  # noqa: PLR2004 - the successes
        return Receipt(response.status)
    return Receipt(response.status, f"the receiver answered {response.status}")


def _hang_up(connection: HTTPConnection) -> None:
    # Not closed: that would not wake whoever reads.
    with contextlib.suppress(OSError, AttributeError):  # it ended by itself
        connection.sock.shutdown(socket.SHUT_RDWR)


class Line:
    """Work that waits for one receiver: done in order, on a thread that lives while there is some.

    So a receiver that hangs holds up no other one, and a sandbox with nothing to send has no
    thread.

    Examples
    --------
    >>> line = Line()
    >>> line.put(lambda: print("sent"))
    True
    >>> line.flush()
    sent
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, work: Callable[[], None]) -> bool:
        """Let something be done soon, or tell that too much waits already."""
        with self._lock:
            if len(self._waiting) >= WAITING:
                return False
            self._waiting.append(work)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
        return True

    def flush(self) -> None:
        """Wait until nothing waits."""
        while thread := self._working():
            thread.join()

    def _working(self) -> threading.Thread | None:
        # With the lock, so that it is not one that is yet to start.
        with self._lock:
            return self._thread

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                work = self._waiting.popleft()
            try:
                work()
            except Exception:
                log.exception("The sandbox could not deliver an event")
