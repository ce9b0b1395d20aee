"""Locks the open walks that are being written; a lock ends with its process."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from typing import TYPE_CHECKING

from socialframe.sqlite import create_private_file

if TYPE_CHECKING:
    from pathlib import Path


class WalkLock:
    """A lock on a file of one walk, which the system frees when the process ends.

    The lock is SQLite's own: it works on every system, and a forked child does not hold it. While
    the file exists, its walk may be resumed. Removing it needs neither free space nor the database,
    so a walk that ended is never resumed, even if its row could not be deleted.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "walk-1f3a.lock")
    >>> lock = WalkLock.create(path)
    >>> WalkLock.take(path) is None, is_locked(path)
    (True, True)
    >>> lock.free()
    >>> is_locked(path), path.exists()
    (False, True)
    >>> WalkLock.take(path).remove()
    >>> path.exists()
    False
    >>> folder.cleanup()
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pid = os.getpid()
        self._db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",  # fails if the file is not there
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
        try:
            self._db.execute("PRAGMA journal_mode = OFF")
            self._db.execute("BEGIN EXCLUSIVE")
        except BaseException:
            self._db.close()
            raise

    @classmethod
    def create(cls, path: Path) -> WalkLock:
        """Return the lock of a new walk."""
        create_private_file(path)
        return cls(path)

    @classmethod
    def take(cls, path: Path) -> WalkLock | None:
        """Return the lock of an open walk; None if a process holds it, or the walk has ended."""
        try:
            lock = cls(path)
        except sqlite3.Error:
            return None
        if not path.exists():  # the file was removed between open and lock
            lock.free()
            return None
        return lock

    @property
    def mine(self) -> bool:
        """Whether this process holds the lock; a forked child does not hold its parent's lock."""
        return self._pid == os.getpid()

    def free(self) -> None:
        """Free the lock; the walk may be resumed."""
        self._db.close()

    def remove(self) -> None:
        """Free the lock and remove its file; the walk is never resumed."""
        if self.mine:
            with suppress(OSError):
                self._path.unlink()
        self._db.close()


def is_locked(path: Path) -> bool:
    """Return whether a process is writing the walk."""
    if not path.exists():
        return False
    try:
        WalkLock(path).free()
    except sqlite3.Error:
        return True
    return False
