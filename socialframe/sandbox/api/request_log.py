"""The request log: the last requests in memory, and all of them in a file if one is given.

No headers, bodies or secrets of the URL are stored.
"""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections import deque
from datetime import UTC, datetime
from hmac import compare_digest
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import unquote

from socialframe.errors import FileError
from socialframe.sandbox.api.oauth_state import CALLBACK, redact_query

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

log = logging.getLogger(__name__)

KEPT_REQUESTS = 10_000
KEPT_CHARACTERS = 2000
"""Maximum length of a path or query; a longer one is cut and marked."""

KeyState = Literal["right", "wrong", "missing"]

# A user may send a real key by mistake, in the wrong place.
_LIKE_A_KEY = re.compile(r"(?<![A-Za-z0-9])sk_[A-Za-z0-9_-]{20,}")
# Non-blocking: a pipe without a reader must not block a response.
_APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC


class Asked(NamedTuple):
    """One request that a sandbox received, without headers and secrets.

    Parameters
    ----------
    method
        Its method.
    path
        Its path, decoded.
    query
        Its query string, as sent, without secrets.
    status
        The status of the response.
    number
        Counted from 1, in the order of the responses.
    moment
        When it arrived, in UTC.
    seconds
        How long the response took.
    bytes
        Length of the response's body.
    fault
        The faults that hit it, or None.
    key
        Whether its key was ``"right"``, ``"wrong"`` or ``"missing"``.

    Examples
    --------
    >>> Asked("GET", "/v1/posts", "page=2", 200).status
    200
    """

    method: str
    path: str
    query: str
    status: int
    number: int = 0
    moment: str = ""
    seconds: float = 0.0
    bytes: int = 0
    fault: str | None = None
    key: KeyState = "missing"


def check_authorization(request: Request, key: str) -> KeyState:
    """Return whether the key of a request is right, wrong or missing."""
    sent = request.environ.get("HTTP_AUTHORIZATION")
    if sent is None:
        return "missing"
    scheme, _, given = sent.partition(" ")
    # WSGI hands over header bytes as Latin-1 text. The comparison takes the same time for every
    # wrong key.
    same = compare_digest(given.encode("latin-1", "replace"), key.encode())
    return "right" if scheme.lower() == "bearer" and same else "wrong"


def make_record(request: Request, key: str, wall: float) -> Asked:
    """Return the record of a request whose response is not known yet."""
    path, query = request.path, request.query_string.decode("ascii", "replace")
    moment = datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")
    return Asked(
        request.method,
        "[withheld]" if _holds_a_key(path, key) else _short(path),
        # The query of a callback may hold a secret of the app.
        "[withheld]"
        if query and (path == CALLBACK or _holds_a_key(unquote(query), key))
        else _short(redact_query(query)),
        status=0,
        moment=moment.replace("+00:00", "Z"),
        key=check_authorization(request, key),
    )


class RequestLog:
    """The last requests of one sandbox, and the file that they are appended to."""

    def __init__(self) -> None:
        self._kept: deque[Asked] = deque(maxlen=KEPT_REQUESTS)
        self._count = 0
        self._file: str | None = None
        self._torn = self._failing = False
        self._lock = threading.Lock()

    def write_to(self, path: str | os.PathLike[str]) -> None:
        """Append each request to this file from now on, as a line of JSON."""
        try:
            # An absolute path, in case the process changes its directory.
            self._file = os.path.abspath(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH100, PTH111 - "~x" is a name
            os.close(os.open(self._file, _APPENDING, 0o600))
        except (OSError, ValueError, TypeError) as error:
            said = getattr(error, "strerror", None) or error
            raise FileError(f"The request log cannot be written to {path!r}: {said}.") from None

    def add(self, one: Asked) -> None:
        with self._lock:
            self._count += 1
            one = one._replace(number=self._count)
            self._kept.append(one)
            if self._file is not None:
                self._write(self._file, one)

    def last(self) -> list[Asked]:
        """Return the stored requests, oldest first."""
        with self._lock:
            return list(self._kept)

    def _write(self, path: str, one: Asked) -> None:
        # ASCII without line breaks, so that each record is one line.
        line = json.dumps(one._asdict()).encode() + b"\n"
        # Do not append to a partial line that a full disk left.
        line = b"\n" + line if self._torn else line
        try:
            # Opened each time, so that the file can be rotated; one write, because several
            # processes may share it.
            file = os.open(path, _APPENDING, 0o600)
            try:
                written = os.write(file, line)
            finally:
                os.close(file)
        except OSError as error:
            # A full disk must not break a response.
            if not self._failing:
                log.warning("The request log cannot be written: %s.", error.strerror)
            self._failing = True
        else:
            self._failing = False
            self._torn = written < len(line) and (self._torn or written > 0)


def _short(text: str) -> str:
    return text if len(text) <= KEPT_CHARACTERS else text[:KEPT_CHARACTERS] + "[cut]"


def _holds_a_key(text: str, key: str) -> bool:
    return key in text or _LIKE_A_KEY.search(text) is not None
