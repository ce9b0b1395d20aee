"""A lock that a forked child never finds held by a thread that it does not have."""

from __future__ import annotations

import os
import threading


class ForkLock:
    """A lock that is new in a forked child.

    Examples
    --------
    >>> lock = ForkLock()
    >>> with lock:
    ...     "held"
    'held'
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if self._pid != os.getpid():
            self._pid, self._lock = os.getpid(), threading.Lock()
        self._lock.acquire()

    def __exit__(self, *exc: object) -> None:
        self._lock.release()
