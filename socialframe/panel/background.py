"""Threads that end in words whatever happens, and what tells a walk to stop."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from socialframe.errors import SocialFrameError
from socialframe.panel.wording import Told, failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.panel.wording import Status

_OFTEN = 0.1  # seconds between two words on how it goes


class Stopped(SocialFrameError):  # noqa: N818 - what happened; nothing is wrong
    """Somebody pressed Stop."""


class Work:
    """One thing at a time, in a thread of its own.

    What such a thread prints or raises is lost in a notebook, so its end is a status, always.

    Parameters
    ----------
    say : callable
        Shows a status.
    changed : callable
        Called when something begins and when it has ended.

    Examples
    --------
    >>> from socialframe.panel.wording import Status
    >>> work = Work(print, lambda: None)
    >>> work.begin(lambda: Status("good", "Done.")), work.wait(5)
    Status(mood='good', text='Done.')
    (True, True)
    """

    def __init__(self, say: Callable[[Status], None], changed: Callable[[], None]) -> None:
        self._say = say
        self._changed = changed
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._busy = False
        self.stop = threading.Event()

    @property
    def busy(self) -> bool:
        """Whether something is at work."""
        with self._lock:
            return self._busy

    def begin(self, body: Callable[[], Status]) -> bool:
        """Begin, unless something is at work; say whether it did."""
        with self._lock:
            if self._busy:
                return False
            self._busy = True
            self.stop.clear()
            name = "socialframe panel"
            self._thread = threading.Thread(target=self._run, args=(body,), name=name, daemon=True)
            self._changed()
            self._thread.start()
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; say whether it has."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)
        return not self.busy

    def _run(self, body: Callable[[], Status]) -> None:
        try:
            status = body()
        except BaseException as error:  # noqa: BLE001 - nobody else would hear of it
            status = failed(error)
        try:
            self._say(status)
        finally:
            with self._lock:
                self._busy = False
            self._changed()


class Watcher:
    """Hears how a walk goes, tells it now and then, and ends it where Stop was pressed.

    Parameters
    ----------
    tell : callable
        Takes a ``Told``.
    stop : threading.Event
        Set by Stop.
    clock : callable
        Seconds that only ever grow.

    Examples
    --------
    >>> heard = []
    >>> watcher = Watcher(heard.append, threading.Event())
    >>> watcher.advance(100, total=200)
    >>> print(heard[-1])
    100 of 200 rows, 1 page, about 1 s left
    """

    def __init__(
        self,
        tell: Callable[[Told], None],
        stop: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tell, self._stop, self._clock = tell, stop, clock
        self._began = self._spoke = clock()
        self._rows = self._pages = 0
        self._total: int | None = None
        self._spoke -= _OFTEN
        self.said = ""

    def asking(self) -> None:
        """End the walk where Stop was pressed."""
        if self._stop.is_set():
            raise Stopped("It was stopped")

    def advance(self, rows: int, *, total: int | None) -> None:
        """Count, and tell it if the last word was a while ago."""
        self._rows += rows
        self._pages += 1
        self._total = total
        now = self._clock()
        if now - self._spoke >= _OFTEN:
            self._spoke = now
            self._tell(self._told())

    def note(self, text: str) -> None:
        """Tell why nothing comes."""
        self.asking()
        self._tell(self._told(text))

    def say(self, text: str) -> None:
        """Remember what is said of the walk as a whole."""
        self.said = text

    def close(self) -> None:
        """Count from nothing: if another walk begins, it is anew."""
        self._rows = self._pages = 0

    def _told(self, reason: str = "") -> Told:
        left = None
        if self._total and self._rows:
            took = self._clock() - self._began
            left = took * max(0, self._total - self._rows) / self._rows
        return Told(self._rows, self._total, self._pages, left, reason)
