"""Hearing requests: the server waits for the head of one without a worker, and for nobody for ever.

Cheroot gives a connection to a worker as soon as anything comes, or before; a few clients that are
slow to say what they want would then hold up all others.
"""

from __future__ import annotations

import contextlib
import io
import re
import socket
import time
from typing import TYPE_CHECKING, Any

from cheroot.makefile import StreamReader
from cheroot.server import HTTPConnection, HTTPRequest

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_HEAD = 1 << 16  # bytes of a request before its body

_RATE = 10_000  # bytes of a request that make a worker wait for the rest a second longer
_ENDS = (b"\r\n\r\n", b"\n\n")  # of a head; the second is wrong, and need not be waited for
_LINE_END = b"\r\n"
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(;.*)?\r\n", re.DOTALL)
_PIECE = 1 << 16
_MOST_PASSED_OVER = 1 << 23  # bytes of what comes all the same, after it was refused,
_LINGERS = 1.0  # and seconds to wait for them


class Ear:
    """The reading side of a socket; bytes read before a worker took over come first."""

    def __init__(self, line: socket.socket, patience: float) -> None:
        self.heard = bytearray()
        self._line = line
        self._most = self._left = patience

    def hear(self) -> bool:
        """Take what has come, and tell whether it is a head, or will never be one."""
        piece = self._line.recv(LARGEST_HEAD + 1 - len(self.heard))
        self.heard += piece
        if not self.heard:
            raise ConnectionAbortedError
        whole = len(self.heard) > LARGEST_HEAD or any(end in self.heard for end in _ENDS)
        return whole or not piece

    def be_patient(self, seconds: float | None = None) -> None:
        """Begin to count anew how long somebody waits, or will wait from now on."""
        self._left = self._most if seconds is None else seconds

    def recv_into(self, buffer: bytearray | memoryview) -> int:
        """Read, as a socket does, but wait only as long as patience lasts."""
        if self.heard:
            size = min(len(buffer), len(self.heard))
            buffer[:size] = self.heard[:size]
            del self.heard[:size]
            return size
        if self._left <= 0:
            text = "timed out"  # the text that Cheroot knows
            raise TimeoutError(text)
        began = time.monotonic()
        self._line.settimeout(min(self._left, self._most))
        try:
            size = self._line.recv_into(buffer)
        finally:
            self._line.settimeout(self._most)
        self._left += size / _RATE - (time.monotonic() - began)
        return size

    def _decref_socketios(self) -> None:
        """Let go of the socket: whoever wraps one calls this."""


class Chunks(io.RawIOBase):
    """A body in chunks, read as it comes: no chunk need fit into memory."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401 - Cheroot has no types
        self._file = file
        self._left = 0
        #: As Cheroot counts: 0 at the end, and any other number before it.
        self.remaining = -1

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - of bytes
        """Read some bytes of a chunk; none at the end of all."""
        if not self._left and self.remaining:
            self._begin()
        piece = self._file.read(min(len(buffer), self._left))
        buffer[: len(piece)] = piece
        self._left -= len(piece)
        if piece and not self._left:
            self._check(self._file.read(len(_LINE_END)) == _LINE_END)
        self._check(bool(piece) or not self.remaining)
        return len(piece)

    def _begin(self) -> None:
        size = _SIZE.fullmatch(self._file.readline(LARGEST_HEAD))
        self._check(size is not None)
        self._left = int(size[1], 16) if size else 0
        if not self._left:
            left = LARGEST_HEAD
            # What is told after the last chunk is nobody's business.
            while (line := self._file.readline(left)) != _LINE_END:
                left -= len(line)
                self._check(line.endswith(_LINE_END) and left > 0)
            self.remaining = 0

    def _check(self, right: bool) -> None:
        if not right:
            text = "not well-formed chunks"
            raise ValueError(text)


class Request(HTTPRequest):
    """One that is refused in the words of who is served."""

    def simple_response(self, status: str, msg: str = "") -> None:
        """Refuse."""
        number, _, reason = status.partition(" ")
        answer = self.server.refuse(int(number), msg or reason)
        lines = (
            f"{self.server.protocol} {status}",
            f"Content-Length: {len(answer.body)}",
            f"Content-Type: {answer.content_type}",
            "X-Sandbox: made-up data",
            "Connection: close",
        )
        self.close_connection = True
        head = "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")
        with contextlib.suppress(OSError):  # whoever asked may be gone
            self.conn.wfile.write(head + answer.body)
            self.conn.unread = True

    def send_headers(self) -> None:
        """Send them; where the body was not read to its end, nobody knows what comes next."""
        if self.rfile.remaining:
            self.close_connection = self.conn.unread = True
        super().send_headers()


class Connection(HTTPConnection):
    """One that is heard without a worker, and that Cheroot does not close once it was taken."""

    RequestHandlerClass = Request
    taken = unread = False
    _since: float | None = None

    def __init__(self, server: Any, sock: socket.socket, makefile: Callable[..., Any]) -> None:  # noqa: ANN401 - Cheroot has no types
        self.ear = Ear(sock, server.timeout)
        super().__init__(server, sock, makefile)
        # With room for all that the ear holds, so that only one of them holds something.
        self.rfile = StreamReader(self.ear, "rb", LARGEST_HEAD + 1)

    @property
    def last_used(self) -> float | None:
        """When it was idle last; nobody wins time by sending a head bit by bit."""
        return self._since

    @last_used.setter
    def last_used(self, moment: float) -> None:
        if not self.ear.heard:
            self._since = moment

    def hear(self) -> bool:
        """Take what has come, and tell whether a worker can do something with it."""
        if self.rfile.has_data():  # sent along with the request before
            return True
        self.last_used = time.time()
        return self.ear.hear()

    def communicate(self) -> bool:
        """Answer a request, unless the server goes down; tell whether the connection stays."""
        self.ear.be_patient()
        return self.server.ready and bool(super().communicate())  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Close it, and say so to whom nobody waits for any more."""
        if self.taken:
            return
        if self.ear.heard and self.server.ready:
            self.RequestHandlerClass(self.server, self).simple_response("408 Request Timeout")
        elif self.unread:
            self._pass_over()
        super().close()

    def _pass_over(self) -> None:
        """Read what comes; else whoever sends it is told of a reset, and not what was answered."""
        self.ear.be_patient(_LINGERS)
        buffer, left = bytearray(_PIECE), _MOST_PASSED_OVER
        with contextlib.suppress(OSError):  # whoever asked may be gone
            self.socket.shutdown(socket.SHUT_WR)
            while left > 0 and (size := self.ear.recv_into(buffer)):
                left -= size
