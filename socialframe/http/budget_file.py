"""The file of the shared budget: opened, and begun anew where it is of no use."""

from __future__ import annotations

import secrets
import sqlite3
from typing import TYPE_CHECKING

from socialframe import sqlite as sqlitefile

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
    sqlitefile.made(path)
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
