"""Locks for what a fork and a collected generator may meet at any moment."""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class ForkLock:
    """A lock that is new in a forked child.

    It is taken as ``with lock():``, so that it is the interpreter's own lock that is entered: one
    entered in Python would stay held if Ctrl-C came between its taking and the body.

    Examples
    --------
    >>> lock = ForkLock()
    >>> with lock():
    ...     "held"
    'held'
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def __call__(self) -> threading.Lock:
        """Return the lock of this process."""
        if self._pid != os.getpid():
            self._pid, self._lock = os.getpid(), threading.Lock()
        return self._lock


class Turns:
    """One thread at a time. What a thread wants in the middle of its own turn waits for its end.

    A generator that was left is collected at any moment, in the middle of this thread's own turn
    too: to wait for the lock there would be to wait for ever.

    Examples
    --------
    >>> turns, done = Turns(), []
    >>> turns.take(lambda: turns.take(lambda: done.append("later"), "not yet"), None)
    'not yet'
    >>> done
    ['later']
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread = 0  # that has the turn
        self._later: deque[Callable[[], object]] = deque()

    def take(self, work: Callable[[], T], otherwise: T) -> T:
        """Do some work; ``otherwise`` is returned where it has to wait for this thread itself."""
        if self._lock.locked() and self._thread == threading.get_ident():
            self._later.append(work)
            return otherwise
        result = self._done(work)
        with suppress(IndexError):
            while True:
                self._done(self._later.popleft())
        return result

    def _done(self, work: Callable[[], T]) -> T:
        with self._lock:
            self._thread = threading.get_ident()
            try:
                return work()
            finally:
                self._thread = 0

    def hold(self) -> None:
        """Take the turn before a fork."""
        self._lock.acquire()
        self._thread = threading.get_ident()

    def free(self) -> None:
        """Give it back, after it."""
        self._thread = 0
        self._lock.release()
