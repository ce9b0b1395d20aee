"""What every SQLite file of ours needs: to be its owner's alone, and out of the way if damaged."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from socialframe.sqlite_locks import ForkLock

if TYPE_CHECKING:
    from pathlib import Path

_making = ForkLock()


def made(path: Path) -> None:
    """Make an empty file that its owner alone may read, where nothing is.

    Only there, and by one thread at a time: closing a file drops all locks that this process has
    on it. Then another process that closes it takes itself for the last one, and takes the log away
    that this one still writes to.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    with _making(), suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def is_damaged(error: BaseException) -> bool:
    """Whether an error says that a file is damaged, or no database.

    Examples
    --------
    >>> is_damaged(sqlite3.DatabaseError("file is not a database"))
    True
    >>> is_damaged(sqlite3.OperationalError("database is locked"))
    False
    """
    return type(error) is sqlite3.DatabaseError


def set_aside(path: Path) -> Path:
    """Rename a damaged file, so that it is not in the way and not lost; return where it is now.

    Its journals go along: SQLite would bring them into the new file.

    Raises
    ------
    OSError
        If it cannot be renamed.
    """
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    path.rename(aside)
    for end in ("-journal", "-wal", "-shm"):
        journal = path.with_name(path.name + end)
        with suppress(FileNotFoundError):
            if journal.stat().st_size:
                journal.rename(aside.with_name(aside.name + end))
            else:
                journal.unlink()
    return aside
