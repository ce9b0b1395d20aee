"""Where entries are stored: a dict, a SQLite file, or any backend of requests-cache.

requests-cache's storage for SQLite retries a locked file forever, reads without its lock, builds
SQL from keys and ignores a failed commit. This module works around all of that. Its network code
never runs; the library is imported when a file or a backend is opened.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

_BUSY = 1.5  # seconds that one statement waits for another process
_OPEN_RETRY = 0.4  # seconds in which opening a file is tried again
_FREED_AT_ONCE = 2000  # pages of the file, 8 MB
_TABLES = {"responses", "redirects"}  # of requests-cache
_INCREMENTAL, _VERSION = 2, 2
_MARKS = {"auto_vacuum": _INCREMENTAL, "user_version": _VERSION}  # of a file of this package


class Storage(Protocol):
    """Entries by key. Each method may raise any error of the library."""

    def get(self, key: str) -> bytes | None:
        """Return an entry; None if there is none."""

    def transaction(self) -> AbstractContextManager[None]:
        """Keep other processes from writing meanwhile, where there are transactions."""

    def write(self, entries: Mapping[str, bytes], delete: Iterable[str] = ()) -> None:
        """Write some entries and delete others, in one transaction if possible."""

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that begin with a prefix, sorted."""

    def stored_size(self, prefix: str) -> int:
        """Return the size in bytes of the entries under a prefix."""

    def shrink(self) -> None:
        """Return free space to the file system."""

    def close(self) -> None:
        """Close it."""


class MappingStorage:
    """Entries in a mapping: a dict, or the storage of a backend of requests-cache."""

    def __init__(self, entries: Any) -> None:  # noqa: ANN401 - a dict, or a backend's storage
        self._entries = entries

    def get(self, key: str) -> bytes | None:
        try:
            found: bytes | None = self._entries[key]
        except KeyError:
            return None
        return found

    def transaction(self) -> AbstractContextManager[None]:
        return nullcontext()

    def write(self, entries: Mapping[str, bytes], delete: Iterable[str] = ()) -> None:
        # Write pages before their walk: another process may read in between.
        for key, value in sorted(entries.items()):
            self._entries[key] = value
        for key in delete:
            self._entries.pop(key, None)

    def keys(self, prefix: str = "") -> list[str]:
        return sorted(key for key in map(str, self._entries) if key.startswith(prefix))

    def stored_size(self, prefix: str) -> int:
        return sum(len(memoryview(self._entries[key])) for key in self.keys(prefix))

    def shrink(self) -> None:
        """Do nothing: the library returns free space itself."""

    def close(self) -> None:
        """Do nothing: the backend belongs to the caller, and memory is kept."""


class SQLiteStorage:
    """Entries in a SQLite file, by requests-cache's storage."""

    def __init__(self, table: Any) -> None:  # noqa: ANN401 - a SQLiteDict, imported late
        self._table = table

    def get(self, key: str) -> bytes | None:
        row = self._execute("SELECT value FROM responses WHERE key = ?", key).fetchone()
        return None if row is None else row[0] or b""

    def transaction(self) -> AbstractContextManager[None]:
        manager: AbstractContextManager[None] = self._table.bulk_commit()
        return manager

    def write(self, entries: Mapping[str, bytes], delete: Iterable[str] = ()) -> None:
        deleted = list(delete)
        with self.transaction():
            for key, value in entries.items():
                self._table[key] = value
            if deleted:
                self._table.bulk_delete(deleted)

    def keys(self, prefix: str = "") -> list[str]:
        rows = self._execute(
            "SELECT key FROM responses WHERE key >= ? AND key < ? ORDER BY key",
            *(prefix, f"{prefix}\x7f"),
        )
        return [key for (key,) in rows]

    def stored_size(self, prefix: str) -> int:
        rows = self._execute(
            "SELECT total(length(value)) FROM responses WHERE key >= ? AND key < ?",
            *(prefix, f"{prefix}\x7f"),
        )
        return int(rows.fetchone()[0])

    def shrink(self) -> None:
        # In steps: other processes wait for a transaction no longer than _BUSY.
        with self._table.connection() as connection:
            free, before = self._free_pages(), -1
            while free and free != before:  # a file of another program may not shrink
                # executescript runs to the end; execute would free one page.
                connection.executescript(f"PRAGMA incremental_vacuum({_FREED_AT_ONCE})")
                free, before = self._free_pages(), free

    def _free_pages(self) -> int:
        return int(self._execute("PRAGMA freelist_count").fetchone()[0])

    def close(self) -> None:
        self._table.close()

    def _execute(self, sql: str, *values: str) -> sqlite3.Cursor:
        with self._table.connection() as connection:
            cursor: sqlite3.Cursor = connection.execute(sql, values)
            return cursor


def open_sqlite(path: Path, *, wal: bool) -> SQLiteStorage:
    """Open a SQLite file.

    Raises
    ------
    OSError, sqlite3.Error
        If the file cannot be used, or is another program's database.
    """
    until = time.monotonic() + _OPEN_RETRY
    while True:  # processes that create one file at once get errors without a wait
        try:
            _prepare(path, wal=wal)
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
            return SQLiteStorage(_table(path, wal=wal))
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _prepare(path: Path, *, wal: bool) -> None:
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
    try:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = {name for (name,) in rows}
        if not tables:
            connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
            connection.execute(f"PRAGMA user_version = {_VERSION}")  # writes the file's head
        elif tables - _TABLES or not _has_columns(connection):
            marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _MARKS]
            if marks == [*_MARKS.values()]:
                raise sqlite3.DatabaseError("the names of its tables are damaged")
            raise OSError("it is another program's database")
        if not wal:  # another machine may have left a log
            connection.execute("PRAGMA journal_mode = DELETE")
    finally:
        connection.close()


def _has_columns(connection: sqlite3.Connection) -> bool:
    columns = connection.execute("SELECT name FROM pragma_table_info('responses')").fetchall()
    return not columns or {("key",), ("value",)} <= {*columns}


def _table(path: Path, *, wal: bool) -> Any:  # noqa: ANN401 - of a library that is imported late
    from requests_cache import SQLiteDict

    class Table(SQLiteDict):  # type: ignore[misc]
        """A storage whose writes time out and raise an error."""

        _active_transaction: bool

        @contextmanager
        def _acquire_sqlite_lock(self) -> Iterator[None]:
            with self._lock:
                if self._active_transaction:  # a write within a transaction
                    yield
                    return
                connection = self._connection
                self._active_transaction = True
                try:  # Ctrl-C may arrive as soon as BEGIN returns
                    connection.execute("BEGIN IMMEDIATE")
                    yield
                    _commit(connection)
                except BaseException:
                    connection.rollback()
                    raise
                finally:
                    self._active_transaction = False

    return Table(
        path,
        table_name="responses",
        serializer=_bytes_serializer(),
        wal=wal,
        timeout=_BUSY,
        busy_timeout=int(1000 * _BUSY),
    )


def _commit(connection: sqlite3.Connection) -> None:
    if not connection.in_transaction:  # a full disk may end a transaction without an error
        raise sqlite3.OperationalError("the transaction was rolled back")
    connection.commit()


def adopt(backend: Any) -> MappingStorage:  # noqa: ANN401 - a backend of requests-cache
    """Return the storage of a backend that the user passed, with our serializer.

    The default serializer is pickle, which would run code from a tampered entry.
    """
    entries = backend.responses
    if getattr(entries, "serializer", None) is not None:
        entries.serializer = _bytes_serializer()
        if hasattr(entries, "is_binary"):  # FileDict opens its files by this
            entries.is_binary = True
    return MappingStorage(entries)


class _Bytes:
    """Writes bytes as they are."""

    dumps = staticmethod(bytes)
    loads = staticmethod(bytes)


def _bytes_serializer() -> Any:  # noqa: ANN401 - of a library that is imported late
    from requests_cache.serializers import SerializerPipeline, Stage

    return SerializerPipeline([Stage(_Bytes())], name="bytes", is_binary=True)
