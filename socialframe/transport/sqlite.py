"""requests-cache's storage in a SQLite file, so that it neither hangs nor loses a failure.

This module loads requests-cache, and with it requests, whose network code never runs: import it
where a cache is opened, not before.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from requests.structures import CaseInsensitiveDict
from requests_cache import BaseCache, CachedResponse, SQLiteCache, SQLiteDict
from requests_cache.serializers import SerializerPipeline, Stage

from socialframe.transport.frame import Codec, Frame, Kept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BUSY = 1.5  # seconds that one statement waits for another process
_AGAIN = 0.4  # seconds in which opening a file is tried again
_OURS = {"responses", "redirects"}  # tables


def to_response(kept: Kept) -> CachedResponse:
    """Return an answer as requests-cache knows it."""
    return CachedResponse(
        content=kept.body,
        created_at=datetime.fromtimestamp(kept.at, UTC),
        headers=CaseInsensitiveDict(kept.headers),
        status_code=kept.status,
    )


def from_response(response: CachedResponse) -> Kept:
    """Return an answer from what requests-cache knows."""
    headers = tuple((str(name), str(value)) for name, value in response.headers.items())
    at = response.created_at.timestamp()
    return Kept(response.status_code, headers, response.content or b"", at)


def frame_of(codec: Codec) -> Frame:
    """Return the serializer of a requests-cache backend."""
    return Frame(codec, wrap=to_response, unwrap=from_response)


def pipeline(frame: Frame) -> SerializerPipeline:
    """Return the serializer as requests-cache takes it."""
    return SerializerPipeline([Stage(frame)], name="socialframe", is_binary=True)


class _Table(SQLiteDict):
    """A table whose writes fail after a while, and say so.

    The original tries for ever, on a read-only file too, and forgets a commit that failed.
    """

    @contextmanager
    def _acquire_sqlite_lock(self) -> Iterator[None]:
        with self._lock:
            connection = self._connection
            assert connection is not None  # noqa: S101 - connection() made it
            connection.execute("BEGIN IMMEDIATE")
            self._active_transaction = True
            try:
                yield
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
            finally:
                self._active_transaction = False


class Sqlite(SQLiteCache):
    """The backend for a file.

    Parameters
    ----------
    path : Path
        The file, which is there.
    frame : Frame
        Turns answers into bytes.
    """

    def __init__(self, path: Path, frame: Frame) -> None:
        BaseCache.__init__(self, cache_name=str(path))
        options: dict[str, Any] = {
            "wal": True,
            "timeout": _BUSY,
            "busy_timeout": int(1000 * _BUSY),
            "lock": threading.RLock(),
        }
        self.responses = _Table(path, table_name="responses", serializer=pipeline(frame), **options)
        self.redirects = _Table(path, table_name="redirects", serializer=None, **options)


def open_file(path: Path, frame: Frame) -> Sqlite:
    """Open, or make, the file of a cache: it and its folder are its owner's alone.

    Raises
    ------
    OSError, sqlite3.Error
        If it cannot be used.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    until = time.monotonic() + _AGAIN
    while True:  # several processes that make one file at once refuse each other without waiting
        try:
            _check(path)
            return Sqlite(path, frame)
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _check(path: Path) -> None:
    """Refuse a database that is something else: it is somebody's, and not to be written to."""
    connection = sqlite3.connect(path, timeout=_BUSY)
    try:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    finally:
        connection.close()
    if {name for (name,) in rows} - _OURS:
        raise OSError("it is another program's database")


def is_corrupt(error: BaseException) -> bool:
    """Whether the error says that the file is damaged, or no database."""
    return isinstance(error, sqlite3.DatabaseError) and type(error) is sqlite3.DatabaseError


def set_aside(path: Path) -> Path:
    """Rename a damaged file, so that it is not in the way and not lost."""
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    path.rename(aside)
    for end in ("-wal", "-shm"):
        journal = path.with_name(path.name + end)
        if journal.exists():
            journal.rename(aside.with_name(aside.name + end))
    return aside


def adopted(backend: BaseCache, frame: Frame) -> BaseCache:
    """Give a backend that was passed in our serializer, where it has one at all."""
    if backend.responses.serializer is not None:
        backend.responses.serializer = pipeline(frame)
        if hasattr(backend.responses, "is_binary"):  # it opens its files by this
            backend.responses.is_binary = True
    return backend


def in_memory() -> BaseCache:
    """Return a backend that keeps everything in this process."""
    return BaseCache()
