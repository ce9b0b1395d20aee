"""A private SQLite file that survives damage, locks, full disks and forks."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import time
import warnings
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from weakref import WeakSet

from socialframe.errors import user_stacklevel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

_SCHEMA_ERROR = re.compile("no such (table|column)|has no column|unsupported file format")
RETRY_AFTER = 60.0  # seconds during which a file that failed is not used


class ForkLock:
    """A lock that is new in a forked child.

    Use it as ``with lock():``. That enters the interpreter's own lock. A lock written in Python
    would stay locked if Ctrl-C came between its acquisition and the body.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def __call__(self) -> threading.Lock:
        """Return the lock of this process."""
        if self._pid != os.getpid():
            self._pid, self._lock = os.getpid(), threading.Lock()
        return self._lock


class _Thread(threading.local):
    """What the current thread does: whether it has or awaits a lock, and what it deferred."""

    busy = False

    def __init__(self) -> None:
        self.deferred: deque[Callable[[], object]] = deque()


_thread = _Thread()


class DeferringLock:
    """A lock that defers work which a thread asks for while it holds or awaits such a lock.

    An abandoned generator may be collected at any moment, also while this thread holds the lock.
    Its cleanup would wait for the lock forever; or for the lock of another file, whose thread
    waits for this one.

    Examples
    --------
    >>> lock, done = DeferringLock(), []
    >>> lock.run(lambda: lock.run(lambda: done.append("later"), "deferred"), None)
    'deferred'
    >>> done
    ['later']
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def run(self, work: Callable[[], T], otherwise: T) -> T:
        """Return the result of the work; defer it and return ``otherwise`` if nested."""
        if _thread.busy:
            _thread.deferred.append(lambda: self._locked(work))
            return otherwise
        try:
            return self._locked(work)
        finally:
            while _thread.deferred:
                _thread.deferred.popleft()()

    def _locked(self, work: Callable[[], T]) -> T:
        try:
            _thread.busy = True  # before the wait: a collection may come right after it
            with self._lock:
                return work()
        finally:
            _thread.busy = False

    def acquire(self) -> None:
        """Take the lock before a fork."""
        self._lock.acquire()

    def release(self) -> None:
        """Release the lock after a fork."""
        self._lock.release()


def is_deferring() -> bool:
    """Return whether work of this thread is deferred, because it works on a file already."""
    return _thread.busy


class Handle(Protocol):
    """An open file: a connection, or a storage of requests-cache."""

    def close(self) -> None:
        """Close it."""


H = TypeVar("H", bound=Handle)


class SQLiteFile(Generic[H]):
    """Runs work on a file that other threads and processes use, and never raises.

    - A damaged file is renamed, and the work runs once more on a new file.
    - After any other failure the file is not used for a minute. The work's fallback is returned.
    - The first failure is a warning.
    - The file is closed before a fork: in a child SQLite would believe that it holds its parent's
      locks, and would lose what it writes.

    Parameters
    ----------
    find : callable or None
        Returns the path; called at each opening. None means that there is no file.
    open_handle : callable
        Opens the path, which exists then and is private to its owner.
    category : type of Warning
        Category of the warning.
    label, consequence : str
        Name of the file and effect of its failure, for the warning.
    follows_path : bool
        Whether the path is looked up before each run, and opened again if the file was deleted or
        replaced.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        find: Callable[[], Path] | None,
        open_handle: Callable[[Path | None], H],
        *,
        category: type[Warning],
        label: str,
        consequence: str,
        follows_path: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._open_handle = open_handle
        self._category = category
        self._label = label
        self._consequence = consequence
        self._follows_path = follows_path
        self._clock = clock
        self._lock = DeferringLock()
        self._handle: H | None = None
        self._inode = 0  # of the file that was opened
        self._off_until = self._aside_until = -float("inf")
        self._warned = False
        self.path: Path | None = None
        self.notice = ""  # a warning from ``open_handle``
        _files.add(self)

    def run(self, work: Callable[[H], T], otherwise: T) -> T:
        """Return the result of the work, or ``otherwise`` if the file cannot be used."""
        result, problem = self._lock.run(lambda: self._run(work, otherwise), (otherwise, ""))
        if problem:
            self.warn(problem)
        return result

    def warn(self, text: str) -> None:
        """Warn, once for this file."""
        if not self._warned:
            self._warned = True
            warnings.warn(text, self._category, stacklevel=user_stacklevel())

    def close(self) -> None:
        """Close the file. The next run opens it again."""
        if self._find is not None:
            self._lock.run(self._drop, None)

    def before_fork(self) -> None:
        """Take the lock and close the file."""
        self._lock.acquire()
        if self._find is not None:
            self._drop()

    def after_fork(self) -> None:
        """Release the lock."""
        self._lock.release()

    def _run(self, work: Callable[[H], T], otherwise: T) -> tuple[T, str]:
        problem = ""
        for _ in range(2):  # the second time on a new file, after a damaged one was renamed
            if self._clock() < self._off_until:
                break
            try:
                result = work(self._opened())
            except Exception as error:  # noqa: BLE001 - the caller must not fail
                problem = self._failed(error) or problem
            else:
                return result, problem or self.notice
        return otherwise, problem

    def _opened(self) -> H:
        if self._follows_path and self._handle is not None and self._was_replaced():
            self._drop()
        if self._handle is None:
            if self._find is not None:
                self.path = self._find()  # its folder may be deleted, or of another user now
                create_private_file(self.path)
                self._inode = self.path.stat().st_ino
            self._handle = self._open_handle(self.path)
        return self._handle

    def _was_replaced(self) -> bool:
        try:
            return self.path is None or self.path.stat().st_ino != self._inode
        except OSError:
            return True

    def _failed(self, error: Exception) -> str:
        """Close the file, rename it if it is damaged, and describe the failure."""
        self._drop()
        now = self._clock()
        if is_damaged(error) and self.path is not None and now >= self._aside_until:
            with suppress(OSError):
                self._aside_until = now + RETRY_AFTER  # a bad disk must not fill with copies
                if self.path.stat().st_ino != self._inode:
                    return ""  # another process has renamed it
                aside = set_aside(self.path)
                return (
                    f"{self._label} {self.path} was damaged ({error}). It was renamed to "
                    f"{aside.name}, and a new file was created."
                )
        self._off_until = now + RETRY_AFTER
        where = "" if self.path is None else f" {self.path}"
        return f"{self._label}{where} cannot be used ({error}), so {self._consequence}."

    def _drop(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(Exception):
                handle.close()


_files: WeakSet[SQLiteFile[Any]] = WeakSet()
_locked: list[SQLiteFile[Any]] = []
_forking = threading.RLock()  # two threads that fork at once would take the locks crosswise


def _before_fork() -> None:
    _forking.acquire()
    _thread.busy = True  # a cleanup meanwhile must not open a file again
    for file in list(_files):
        file.before_fork()
        _locked.append(file)


def _after_fork() -> None:
    while _locked:
        _locked.pop().after_fork()
    _thread.busy = False
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork
    )

_creating = ForkLock()


def create_private_file(path: Path) -> None:
    """Create an empty file of mode 0600 if there is none.

    Closing a file drops all POSIX locks that this process holds on it, and then another process
    that closes the database would delete the log that this one still writes. So an existing file
    is never opened here, and only one thread creates one.
    """
    with _creating(), suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def is_damaged(error: BaseException) -> bool:
    """Return whether an error means that a file is damaged or no database.

    SQLite raises plain ``DatabaseError`` for that; damaged text and numbers raise ``ValueError``
    or ``TypeError`` where they are read. A damaged schema lacks a table or a column.
    """
    if isinstance(error, sqlite3.OperationalError):
        return _SCHEMA_ERROR.search(str(error)) is not None
    return type(error) is sqlite3.DatabaseError or isinstance(error, TypeError | ValueError)


def set_aside(path: Path, why: str = "damaged") -> Path:
    """Rename a file and its journals; return the new path.

    SQLite would apply a journal that is left behind to the new file.
    """
    aside = path.with_name(f"{path.name}.{why}-{time.time_ns()}")
    path.rename(aside)
    for end in ("-journal", "-wal", "-shm"):
        journal = path.with_name(path.name + end)
        with suppress(FileNotFoundError):
            if journal.stat().st_size:
                journal.rename(aside.with_name(aside.name + end))
            else:
                journal.unlink()
    return aside
