"""The file of unfinished walks: one row a walk, and one a reply, as it came.

Whatever is wrong with the file costs one warning and the means to resume, never a walk.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from socialframe.errors import JournalWarning, outside
from socialframe.journal.journal import Journal
from socialframe.journal.presence import Presence
from socialframe.journal.rows import ROW, Started, Unfinished, unfinished
from socialframe.transport.forks import closes
from socialframe.transport.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from socialframe.transport.frame import Codec, Kept

T = TypeVar("T")

YOUNG = 3600.0  # seconds; a walk that is older is not picked up unless it is named
_KEPT = 7 * 86400.0  # seconds after which an unfinished walk is thrown away
_SKEW = 60.0  # seconds by which clocks differ
_BUSY = 2.0  # seconds that the file may be locked before we do without it
_FORMAT = 1  # of the file; one of another format is set aside

RUNNING, LOOPED = "running", "looped"  # states; a walk that looped is never gone on with

_TABLES = """
CREATE TABLE walks (
  id TEXT PRIMARY KEY, tenant TEXT, name TEXT, endpoint TEXT, query TEXT, owner TEXT,
  state TEXT, reason TEXT, rows INTEGER, began REAL, changed REAL);
CREATE INDEX walks_by_name ON walks (tenant, name);
CREATE TABLE pages (
  walk TEXT, number INTEGER, call TEXT, reply BLOB, UNIQUE (walk, number));
"""


class Walks:
    """The unfinished walks of a user, in a SQLite file that all processes share.

    Parameters
    ----------
    find : callable or None
        Returns the file's folder, made if need be and the user's own; None keeps everything in
        memory. It is called when the file is first used.
    codec : callable
        Makes what compresses.
    now : callable
        Seconds of Unix time.

    Examples
    --------
    >>> import pyarrow as pa
    >>> Walks(None, lambda: pa.Codec("zstd")).all()
    []
    """

    def __init__(
        self,
        find: Callable[[], Path] | None,
        codec: Callable[[], Codec],
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._find = find
        self._codec = codec
        self.now = now
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._db: sqlite3.Connection | None = None
        self._frame: Frame | None = None
        self._presence: Presence | None = None
        self._begun: dict[str, Started] = {}  # walks whose first reply has not come yet
        self._lost: set[str] = set()  # walks that are no longer written
        self._warned = False
        closes(self)

    def begin(self, started: Started) -> Journal:
        """Return the journal of a new walk; nothing is written before its first reply."""
        name = secrets.token_hex(4)
        self._begun[name] = started
        return Journal(self, name)

    def pick(self, tenant: str, name: str, *, walk: str = "", take: bool = True) -> Journal | None:
        """Return the journal of a walk that nobody is at work on, and take it over.

        Parameters
        ----------
        tenant, name : str
            Whose walk, of which query.
        walk : str
            Which one, however old it is; empty for the newest one that is young.
        take : bool
            Whether it goes on; else it is only read, whatever became of it.
        """

        def look(db: sqlite3.Connection) -> Journal | None:
            now = self.now()
            found = db.execute(
                f"{ROW} WHERE tenant = ? AND name = ? AND (id = ? OR ? = '') ORDER BY changed DESC",
                (tenant, name, walk, walk),
            )
            for one in map(unfinished, found.fetchall()):
                age = now - one.changed
                young = -_SKEW < age < YOUNG
                if take:
                    if one.state == LOOPED or not (walk or young) or self._at_work(one):
                        continue
                    owner = (self._me(), RUNNING, one.id)
                    db.execute("UPDATE walks SET owner = ?, state = ? WHERE id = ?", owner)
                return Journal(self, one.id, one.pages, max(0.0, age))
            return None

        return self._do(look, None)

    def all(self) -> list[Unfinished]:
        """Return all unfinished walks, newest first; one whose process died counts as killed."""

        def look(db: sqlite3.Connection) -> list[Unfinished]:
            rows = db.execute(f"{ROW} ORDER BY changed DESC").fetchall()
            return [self._seen(unfinished(row)) for row in rows]

        return self._do(look, [])

    def add(self, walk: str, number: int, call: str, kept: Kept) -> None:
        """Keep a reply of a walk, and the walk with its first one."""
        if walk in self._lost:
            return

        def write(db: sqlite3.Connection) -> bool:
            now = self.now()
            if walk in self._begun:
                self._start(db, walk, self._begun.pop(walk), now)
            packed = self._packed(kept)
            db.execute("INSERT INTO pages VALUES (?, ?, ?, ?)", (walk, number, call, packed))
            db.execute("UPDATE walks SET changed = ? WHERE id = ?", (now, walk))
            return True

        if not self._do(write, otherwise=False):
            self._lost.add(walk)

    def page(self, walk: str, number: int) -> tuple[str, Kept] | None:
        """Return a call of a walk and its reply; None where there is none that can be read."""

        def read(db: sqlite3.Connection) -> tuple[str, Kept] | None:
            found = db.execute(
                "SELECT call, reply FROM pages WHERE walk = ? AND number = ?", (walk, number)
            ).fetchone()
            kept = None if found is None else self._framed().loads(found[1])
            return None if kept is None else (found[0], kept)

        return None if walk in self._begun else self._do(read, None)

    def cut(self, walk: str, number: int) -> None:
        """Forget a reply of a walk and all that came after it."""
        self._do(
            lambda db: db.execute(
                "DELETE FROM pages WHERE walk = ? AND number >= ?", (walk, number)
            ),
            None,
        )

    def note(self, walk: str, state: str, reason: str, rows: int) -> None:
        """Note why nobody is at work on a walk."""
        if self._begun.pop(walk, None) is None:
            self._do(
                lambda db: db.execute(
                    "UPDATE walks SET owner = '', state = ?, reason = ?, rows = ? WHERE id = ?",
                    (state, reason, rows, walk),
                ),
                None,
            )

    def ended(self, walk: str) -> None:
        """Forget a walk that came to its end, and what is left of earlier ones of its query."""
        if self._begun.pop(walk, None) is not None:
            return

        def look(db: sqlite3.Connection) -> list[str]:
            same = "WHERE (tenant, name) IN (SELECT tenant, name FROM walks WHERE id = ?)"
            found = map(unfinished, db.execute(f"{ROW} {same}", (walk,)).fetchall())
            return [one.id for one in found if one.id == walk or not self._at_work(one)]

        self.remove(self._do(look, []))

    def remove(self, walks: Iterable[str]) -> None:
        """Forget some walks, and give the space back."""
        gone = list(walks)

        def delete(db: sqlite3.Connection) -> bool:
            for walk in gone:
                _delete(db, walk)
            return True

        deleted = self._do(delete, otherwise=False) if gone else False
        if deleted:
            # executescript steps until it is done; execute would give one page back.
            self._do(lambda db: db.executescript("PRAGMA incremental_vacuum"), None, plain=True)

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self.hold()
        self.free()

    def hold(self) -> None:
        """Take the lock and close the file, before a fork."""
        self._lock.acquire()
        if self._find is not None:
            self._drop()

    def free(self) -> None:
        """Give the lock back, after it."""
        self._lock.release()

    def _start(self, db: sqlite3.Connection, walk: str, started: Started, now: float) -> None:
        old = db.execute("SELECT id FROM walks WHERE changed < ?", (now - _KEPT,)).fetchall()
        for (one,) in old:
            _delete(db, one)
        query = json.dumps(started.query)
        row = (walk, started.tenant, started.name, started.endpoint, query, self._me())
        db.execute(
            "INSERT INTO walks VALUES (?, ?, ?, ?, ?, ?, ?, '', 0, ?, ?)", (*row, RUNNING, now, now)
        )

    def _me(self) -> str:
        return "" if self._presence is None else self._presence.name()

    def _at_work(self, one: Unfinished) -> bool:
        if one.state != RUNNING or not one.owner:
            return False
        return self._presence is not None and self._presence.alive(one.owner)

    def _seen(self, one: Unfinished) -> Unfinished:
        if one.state != RUNNING or self._at_work(one):
            return one
        return replace(one, state="killed", reason="its process ended")

    def _framed(self) -> Frame:
        if self._frame is None:
            self._frame = Frame(self._codec())
        return self._frame

    def _packed(self, kept: Kept) -> bytes:
        return self._framed().dumps(kept)

    def _do(
        self, work: Callable[[sqlite3.Connection], T], otherwise: T, *, plain: bool = False
    ) -> T:
        """Do some work in one transaction; say once what is wrong with the file."""
        trouble: Exception | None = None
        with self._lock:
            try:
                db = self._opened()
                if plain:
                    return work(db)
                db.execute("BEGIN IMMEDIATE")
                try:
                    result = work(db)
                    db.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):
                        db.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, OSError) as error:
                trouble = error
                self._drop()
                if _damaged(error):
                    self._set_aside()
            else:
                return result
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"The journal of unfinished walks cannot be used ({trouble}), so a walk that "
                "breaks now starts anew.",
                JournalWarning,
                stacklevel=outside(),
            )
        return otherwise

    def _opened(self) -> sqlite3.Connection:
        if self._pid != os.getpid():  # a child is another process, whose walks are its own
            self._presence, self._pid = None, os.getpid()
        if self._db is None:
            folder = None if self._find is None else self._find()
            self._presence = self._presence or Presence(folder)
            self._db = _connected(":memory:" if folder is None else folder / "walks.sqlite")
        return self._db

    def _drop(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()

    def _set_aside(self) -> None:
        with suppress(OSError):
            if self._find is not None:
                path = self._find() / "walks.sqlite"
                path.replace(path.with_suffix(f".damaged-{int(self.now())}"))
                for end in ("-wal", "-shm"):
                    path.with_name(path.name + end).unlink(missing_ok=True)


def _damaged(error: Exception) -> bool:
    return isinstance(error, sqlite3.DatabaseError) and type(error) is sqlite3.DatabaseError


def _connected(path: Path | str) -> sqlite3.Connection:
    if path != ":memory:":
        with suppress(FileExistsError):
            # Only where nothing is: closing a file drops the locks that this process has on it.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    db = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    try:
        made = db.execute("PRAGMA user_version").fetchone()[0]
        if made != _FORMAT:
            if made:
                raise sqlite3.DatabaseError("it is of another version")  # noqa: TRY301 - as damaged
            _make(db)
        # It outlives a process that dies at any moment; a machine that does may lose the last page.
        db.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        db.close()
        raise
    return db


def _make(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    if db.execute("PRAGMA user_version").fetchone()[0] != _FORMAT:  # nobody was faster
        for statement in _TABLES.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_FORMAT}")
    db.execute("COMMIT")


def _delete(db: sqlite3.Connection, walk: str) -> None:
    db.execute("DELETE FROM pages WHERE walk = ?", (walk,))
    db.execute("DELETE FROM walks WHERE id = ?", (walk,))
