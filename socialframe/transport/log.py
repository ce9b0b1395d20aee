"""The file of the shared budget: opened, begun anew where it is of no use, set aside if damaged."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BUSY = 2.0  # seconds that a file may be locked before we do without it

_TABLES = """
DROP TABLE IF EXISTS calls;
DROP TABLE IF EXISTS queue;
DROP TABLE IF EXISTS tenants;
CREATE TABLE calls (
  number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT, process TEXT, start REAL, end REAL);
CREATE INDEX calls_by_end ON calls (tenant, end);
CREATE TABLE queue (
  number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT, process TEXT, back REAL,
  UNIQUE (tenant, process));
CREATE TABLE tenants (
  tenant TEXT PRIMARY KEY, told INTEGER, paused REAL DEFAULT 0, until REAL DEFAULT 0);
"""


def opened(path: Path, made: int) -> sqlite3.Connection:
    """Return a connection to the file.

    Parameters
    ----------
    path : Path
        The file; it is made if it is not there.
    made : int
        What tells its format and this start of the machine: a file of another one is begun anew.

    Raises
    ------
    sqlite3.Error, OSError
        If it cannot be used.
    """
    with suppress(FileExistsError):
        # Only where nothing is: closing a file drops the locks that this process has on it.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    db = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    try:
        # It outlives a process that dies at any moment; a machine that does may forget it.
        db.execute("PRAGMA synchronous = OFF")
        db.execute("PRAGMA journal_mode = TRUNCATE")
        if _made(db) != made:
            _begin_anew(db, made)
    except BaseException:
        db.close()
        raise
    return db


def _made(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _begin_anew(db: sqlite3.Connection, made: int) -> None:
    """Forget what another format or an earlier start wrote, unless somebody was faster."""
    db.execute("BEGIN IMMEDIATE")
    if _made(db) != made:
        for statement in _TABLES.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {secrets.randbits(31)}")
        db.execute(f"PRAGMA user_version = {made}")
    db.execute("COMMIT")


def name_of(db: sqlite3.Connection) -> int:
    """Return what tells a file from one that is begun in its place."""
    return int(db.execute("PRAGMA application_id").fetchone()[0])


def is_damaged(error: Exception) -> bool:
    """Whether an error says that the file is no database, or holds what cannot be.

    Examples
    --------
    >>> is_damaged(sqlite3.DatabaseError("file is not a database"))
    True
    >>> is_damaged(sqlite3.OperationalError("database is locked"))
    False
    """
    return type(error) is sqlite3.DatabaseError or isinstance(error, TypeError | ValueError)


def set_aside(path: Path) -> Path:
    """Rename a damaged file, and return where it is now; one that was set aside before is kept.

    Raises
    ------
    OSError
        If it cannot be renamed.
    """
    aside = path.with_name(f"{path.name}.damaged-{secrets.token_hex(4)}")
    path.rename(aside)
    # What SQLite would undo in the new file with it.
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    return aside
