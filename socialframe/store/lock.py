"""Which processes are still there: each holds a lock that the system frees when it ends."""

from __future__ import annotations

import os
import sqlite3
import uuid
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Presence:
    """Says of this process that it is there, and tells whether others are.

    The lock is SQLite's on a file of the process's own: it works on every system, a child that is
    forked does not hold it, and no process id is mistaken for an older one.

    Parameters
    ----------
    folder : Path or None
        Where the files are; None knows this process alone.

    Examples
    --------
    >>> here = Presence(None)
    >>> here.alive(here.name()), here.alive("another")
    (True, False)
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._name = ""

    def name(self) -> str:
        """Return the name of this process; from then on others see that it is there."""
        if not self._name:
            name = uuid.uuid4().hex
            if self._folder is not None:
                path = self._path(self._folder, name)
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
                weakref.finalize(self, _leave, _locked(path), path, os.getpid())
            self._name = name
        return self._name

    def alive(self, name: str) -> bool:
        """Whether the process of this name is there; the file of one that is not goes away."""
        if name == self._name or self._folder is None:
            return bool(name) and name == self._name
        path = self._path(self._folder, name)
        if not path.exists():
            return False
        try:
            _locked(path).close()
        except sqlite3.OperationalError:
            return True
        with suppress(OSError):
            path.unlink()
        return False

    def _path(self, folder: Path, name: str) -> Path:
        return folder / f"process-{name}.lock"


def _locked(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("BEGIN EXCLUSIVE")
    except BaseException:
        db.close()
        raise
    return db


def _leave(db: sqlite3.Connection, path: Path, process: int) -> None:
    if process == os.getpid():  # else it is a forked child that ends
        with suppress(OSError):
            path.unlink()
        db.close()
