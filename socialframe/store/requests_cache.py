"""requests-cache's storage in a SQLite file, so that it neither hangs nor loses a failure.

This module loads requests-cache, and with it requests, whose network code never runs: import it
where a cache is opened, not before.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from requests.structures import CaseInsensitiveDict
from requests_cache import BaseCache, CachedResponse, SQLiteCache, SQLiteDict
from requests_cache.serializers import SerializerPipeline, Stage

from socialframe.store.codec import Codec, Frame, Kept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BUSY = 1.5  # seconds that one statement waits for another process
_AGAIN = 0.4  # seconds in which opening a file is tried again
_SELECT = "SELECT value FROM responses WHERE key = ?"
_OURS = {"responses", "redirects"}  # tables of requests-cache


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

    def __getitem__(self, key: str) -> Kept | None:
        """Return an entry; the original makes SQL of the key, and writes it into the entry."""
        with self.connection() as connection:
            row = connection.execute(_SELECT, (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        found: Kept | None = self.serializer.loads(row[0])
        return found

    @contextmanager
    def _acquire_sqlite_lock(self) -> Iterator[None]:
        with self._lock:
            connection = self._connection
            assert connection is not None  # noqa: S101 - connection() made it
            self._active_transaction = True
            try:  # from here on, since Ctrl-C comes when the waiting for others is over
                connection.execute("BEGIN IMMEDIATE")
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
    wal : bool
        Whether writers append to a log, and so never block a reader.
    """

    def __init__(self, path: Path, frame: Frame, *, wal: bool = True) -> None:
        BaseCache.__init__(self, cache_name=str(path))
        self.responses = _Table(
            path,
            table_name="responses",
            serializer=pipeline(frame),
            wal=wal,
            timeout=_BUSY,
            busy_timeout=int(1000 * _BUSY),
        )


def open_file(path: Path, frame: Frame, *, wal: bool = True) -> Sqlite:
    """Open the file of a cache.

    Raises
    ------
    OSError, sqlite3.Error
        If it cannot be used.
    """
    until = time.monotonic() + _AGAIN
    while True:  # several processes that make one file at once refuse each other without waiting
        try:
            _check(path, wal=wal)
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
            return Sqlite(path, frame, wal=wal)
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _check(path: Path, *, wal: bool) -> None:
    """Refuse a database that is something else: it is somebody's, and not to be written to."""
    connection = sqlite3.connect(path, timeout=_BUSY)
    try:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if {name for (name,) in rows} - _OURS:
            raise OSError("it is another program's database")
        if not wal:  # it may have had a log elsewhere
            connection.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()


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
