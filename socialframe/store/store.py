"""The file of unfinished walks: one row a walk, and one a reply, as it came.

Whatever is wrong with the file costs one warning and the means to resume, never a walk.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from socialframe.errors import JournalWarning, user_stacklevel
from socialframe.sqlite import is_damaged, made, set_aside
from socialframe.sqlite_forks import closes
from socialframe.sqlite_locks import Turns
from socialframe.store.codec import Frame
from socialframe.store.lock import Presence
from socialframe.store.recorder import Journal
from socialframe.store.stored_walk import ROW, Started, Unfinished, unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from socialframe.store.codec import Codec, Kept

T = TypeVar("T")

YOUNG = 3600.0  # seconds; a walk that is older is not picked up unless it is named
_KEPT = 7 * 86400.0  # seconds after which an unfinished walk is thrown away
_SKEW = 60.0  # seconds by which clocks differ
_BUSY = 2.0  # seconds that the file may be locked before we do without it
_REST = 60.0  # seconds for which a file that is locked is left alone
_FORMAT = 1  # of the file; one of another format is set aside

# States. A walk that looped is never gone on with; one that was left, as by break, not for long.
RUNNING, LOOPED, LEFT = "running", "looped", "left"

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
    now, clock : callable
        Seconds of Unix time; seconds that only ever grow.
    remote : callable
        Whether a folder is on a file system that several machines share.

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
        clock: Callable[[], float] = time.monotonic,
        remote: Callable[[Path], bool] = lambda _: False,
    ) -> None:
        self._find = find
        self._codec = codec
        self.now = now
        self._clock = clock
        self._remote = remote
        self._path: Path | None = None
        self._file = 0  # what tells the file that was opened from one that stands there now
        self._off_until = -float("inf")
        self._turns = Turns()
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

    def pick(
        self, tenant: str, name: str, *, walk: str = "", take: bool = True, left: float = YOUNG
    ) -> Journal | None:
        """Return the journal of a walk that nobody is at work on, and take it over.

        Parameters
        ----------
        tenant, name : str
            Whose walk, of which query.
        walk : str
            Which one, however old it is; empty for the newest one that is young.
        take : bool
            Whether it goes on; else it is only read, whatever became of it.
        left : float
            Seconds from which on one that nobody interrupted, but that was left, is too old.
        """

        def look(db: sqlite3.Connection) -> Journal | None:
            now = self.now()
            found = db.execute(
                f"{ROW} WHERE tenant = ? AND name = ? AND (id = ? OR ? = '') ORDER BY changed DESC",
                (tenant, name, walk, walk),
            )
            for one in map(unfinished, found.fetchall()):
                age = now - one.changed
                young = -_SKEW < age < (left if one.state == LEFT else YOUNG)
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
            row = (walk, number, call, self._framed().dumps(kept))
            db.execute("INSERT INTO pages VALUES (?, ?, ?, ?)", row)
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

    def calls(self, walk: str) -> list[str]:
        """Return the calls of a walk whose replies are kept, in order."""
        rows = "SELECT call FROM pages WHERE walk = ? ORDER BY number"
        return self._do(lambda db: [call for (call,) in db.execute(rows, (walk,))], [])

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
                    "UPDATE walks SET owner = '', state = ?, reason = ?, rows = ?"
                    " WHERE id = ? AND owner = ?",  # a forked child leaves its parent's alone
                    (state, reason, rows, walk, self._me()),
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
        self._turns.hold()
        if self._find is not None:
            self._drop()

    def free(self) -> None:
        """Give the lock back, after it."""
        self._turns.free()

    def _start(self, db: sqlite3.Connection, walk: str, started: Started, now: float) -> None:
        old = db.execute(f"{ROW} WHERE changed < ?", (now - _KEPT,)).fetchall()
        for one in map(unfinished, old):
            if not self._at_work(one):  # the clock may have been set
                _delete(db, one.id)
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

    def _do(
        self, work: Callable[[sqlite3.Connection], T], otherwise: T, *, plain: bool = False
    ) -> T:
        """Do some work in one transaction; say once what is wrong with the file."""

        def turn() -> tuple[T, str]:
            if self._clock() < self._off_until:
                return otherwise, ""
            try:
                db = self._opened()
                if plain:
                    return work(db), ""
                try:  # from here on, since Ctrl-C comes when the waiting for others is over
                    db.execute("BEGIN IMMEDIATE")
                    result = work(db)
                    db.execute("COMMIT")
                except BaseException:
                    with suppress(sqlite3.Error):
                        db.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, OSError) as error:
                return otherwise, self._troubled(error)
            return result, ""

        result, trouble = self._turns.take(turn, (otherwise, ""))
        if trouble and not self._warned:
            self._warned = True
            warnings.warn(trouble, JournalWarning, stacklevel=user_stacklevel())
        return result

    def _troubled(self, error: Exception) -> str:
        """Close the file, put it aside if it is damaged, and say what is wrong with it."""
        self._drop()
        if is_damaged(error) and self._path is not None:
            with suppress(OSError):  # then it is left alone as any other that cannot be used
                if self._path.stat().st_ino != self._file:
                    return ""  # somebody else has put it aside
                aside = set_aside(self._path)
                return (
                    f"The journal of unfinished walks was damaged ({error}); it is now "
                    f"{aside.name}, and a new one begun."
                )
        if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            self._off_until = self._clock() + _REST  # so that not every use waits for it
        return (
            f"The journal of unfinished walks cannot be used ({error}), so a walk that breaks now "
            "starts anew."
        )

    def _opened(self) -> sqlite3.Connection:
        if self._pid != os.getpid():  # a child is another process, whose walks are its own
            self._presence, self._pid = None, os.getpid()
        if self._db is None:
            folder = None if self._find is None else self._find()
            self._presence = self._presence or Presence(folder)
            if folder is None:
                self._db = _connected(":memory:", "MEMORY")
            else:
                self._path = folder / "walks.sqlite"
                made(self._path)
                self._file = self._path.stat().st_ino
                # A log that all processes map into memory is none across machines.
                self._db = _connected(self._path, "DELETE" if self._remote(folder) else "WAL")
        return self._db

    def _drop(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()


def _connected(path: Path | str, mode: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    try:
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, _FORMAT):
            raise sqlite3.DatabaseError("it is of another version")  # noqa: TRY301 - as damaged
        if not found:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before there is anything
        db.execute(f"PRAGMA journal_mode = {mode}")
        if not found:
            _make(db)
        # It outlives a process that dies at any moment; a machine that does may lose the last page.
        db.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        db.close()
        raise
    return db


def _make(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    if db.execute("PRAGMA user_version").fetchone()[0] != _FORMAT:  # nobody was faster
        for statement in _TABLES.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_FORMAT}")
    db.execute("COMMIT")


def _delete(db: sqlite3.Connection, walk: str) -> None:
    db.execute("DELETE FROM pages WHERE walk = ?", (walk,))
    db.execute("DELETE FROM walks WHERE id = ?", (walk,))
