"""Locks the open walks that are being written; a lock ends with its process."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from socialframe.sqlite import create_private_file

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_STRAY_AFTER = 3600.0  # seconds
_ENDED = 0o400  # mode of the lock file of a walk that ended, if it cannot be removed
_WAIT = 0.5  # seconds; ``is_locked`` shares the lock for less than a millisecond


class WalkLock:
    """A lock on a file of one walk, which the system frees when the process ends.

    The lock is SQLite's own: it works on every system, and a forked child does not hold it. While
    the file exists and may be written, its walk may be resumed. Removing it needs neither free
    space nor the database, so a walk that ended is never resumed, even if its row could not be
    deleted. A file that cannot be removed is made read-only.

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
        self._db = _connect(path, timeout=_WAIT)
        try:
            self._db.execute("PRAGMA journal_mode = OFF")
            self._db.execute("BEGIN EXCLUSIVE")
        except BaseException:
            self._db.close()
            raise

    @classmethod
    def create(cls, path: Path) -> WalkLock | None:
        """Return the lock of a new walk; None if a forked process that shares it was first.

        Raises
        ------
        OSError, sqlite3.Error
            If the file cannot be made or locked.
        """
        create_private_file(path)
        try:
            return cls(path)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                return None
            raise

    @classmethod
    def take(cls, path: Path) -> WalkLock | None:
        """Return the lock of an open walk; None if a process holds it, or the walk has ended."""
        try:
            lock = cls(path)
        except sqlite3.Error:
            return None
        if has_ended(path):  # the file was removed between open and lock
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
        removed = not self.mine or _unlink(self._path)
        self._db.close()
        if not removed and not _unlink(self._path):  # some systems keep an open file
            with suppress(OSError):
                self._path.chmod(_ENDED)


class MemoryLock:
    """The lock of a walk in memory, which no other process sees."""

    mine = True

    def free(self) -> None:
        """Do nothing."""

    remove = free


def _unlink(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def has_ended(path: Path) -> bool:
    """Return whether a walk has ended: its lock file is gone, or could only be made read-only."""
    try:
        return not path.stat().st_mode & stat.S_IWUSR
    except OSError:
        return True


def is_locked(path: Path) -> bool:
    """Return whether a process is writing the walk.

    Others may look at the same time, and one that takes the lock waits until they have looked.
    """
    if not path.exists():
        return False
    try:
        with closing(_connect(path, timeout=0)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        return True
    return False


def lock_path(folder: Path, walk_id: str) -> Path:
    """Return the lock file of a walk."""
    return folder / f"walk-{walk_id}.lock"


def remove_stray_locks(folder: Path, known: Collection[str]) -> None:
    """Remove lock files of walks that are not known, as those of a file that was damaged."""
    for path in folder.glob(lock_path(folder, "*").name):
        with suppress(OSError):
            stray = path.stem.partition("-")[2] not in known
            # A new walk is stored right after its lock file was made.
            if stray and time.time() - path.stat().st_mtime > _STRAY_AFTER:
                if has_ended(path):
                    path.unlink()
                lock = WalkLock.take(path)
                if lock is not None:
                    lock.remove()


def _connect(path: Path, *, timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",  # fails if the file is not there
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
