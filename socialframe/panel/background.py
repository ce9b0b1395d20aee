"""Background threads with a visible result, and the progress of a load that can be stopped."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from socialframe.errors import SocialFrameError
from socialframe.panel.wording import LoadProgress, Status, error_status

if TYPE_CHECKING:
    from collections.abc import Callable


_REPORT_INTERVAL = 0.1  # seconds


class Stopped(SocialFrameError):  # noqa: N818 - the user pressed Stop; nothing is wrong
    """The user stopped a load."""


class BackgroundTask:
    """Runs one function at a time in a thread and shows the status that it returns.

    A notebook loses what such a thread prints or raises, so an error becomes a status too.
    """

    def __init__(self, show: Callable[[Status], None], changed: Callable[[], None]) -> None:
        self._show = show
        self._changed = changed  # called at start and end
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._busy = False
        self.stop_requested = threading.Event()

    @property
    def busy(self) -> bool:
        with self._lock:
            return self._busy

    def start(self, function: Callable[[], Status]) -> bool:
        """Start the function unless another one is running; return whether it started."""
        with self._lock:
            if self._busy:
                return False
            self._busy = True
            self.stop_requested.clear()
            self._thread = threading.Thread(
                target=self._run, args=(function,), name="socialframe panel", daemon=True
            )
            self._changed()
            self._thread.start()
        return True

    def wait(self, seconds: float) -> bool:
        """Wait until the function ends; return whether it has ended."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)
        return not self.busy

    def _run(self, function: Callable[[], Status]) -> None:
        try:
            status = function()
        except BaseException as error:  # noqa: BLE001 - the thread would lose it
            status = error_status(error)
        try:
            self._show(status)
        finally:
            with self._lock:
                self._busy = False
            self._changed()


class ProgressWatcher:
    """Reports the progress of a walk at intervals, and ends the walk when a stop is requested.

    Its methods are those of ``socialframe.progress.Watch``.
    """

    def __init__(
        self,
        report: Callable[[LoadProgress], None],
        stop_requested: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report, self._stop_requested, self._clock = report, stop_requested, clock
        self._began = clock()
        self._reported = self._began - _REPORT_INTERVAL
        self._rows = self._pages = 0
        self._total: int | None = None
        self.message = ""  # about the walk

    def asking(self) -> None:
        """End the walk if a stop is requested."""
        if self._stop_requested.is_set():
            raise Stopped("It was stopped")

    def advance(self, rows: int, *, total: int | None) -> None:
        """Count a page, and report if the last report is old enough."""
        self._rows += rows
        self._pages += 1
        self._total = total
        now = self._clock()
        if now - self._reported >= _REPORT_INTERVAL:
            self._reported = now
            self._report(self._progress())

    def note(self, text: str) -> None:
        """Report why the walk waits."""
        self.asking()
        self._report(self._progress(text))

    def say(self, text: str) -> None:
        self.message = text

    def close(self) -> None:
        """Reset the counts: another walk may follow."""
        self._rows = self._pages = 0

    def _progress(self, waiting_for: str = "") -> LoadProgress:
        remaining = None
        if self._total and self._rows:
            elapsed = self._clock() - self._began
            remaining = elapsed * max(0, self._total - self._rows) / self._rows
        return LoadProgress(self._rows, self._total, self._pages, remaining, waiting_for)
