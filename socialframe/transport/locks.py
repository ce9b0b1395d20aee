"""A lock that a forked child never finds held by a thread that it does not have."""

from __future__ import annotations

import os
import threading


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
