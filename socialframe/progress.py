"""Progress of walks: a bar in a terminal or notebook after two seconds, none in a pipe."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import Any, Protocol, TypeAlias

from socialframe.redact import printable

_log = logging.getLogger("socialframe")

DELAY = 2.0  # seconds before the bar appears


class Watch(Protocol):
    """Receives the progress of a walk; pass one as ``progress=``."""

    def asking(self) -> None:
        """Prepare for a request. A ``SocialFrameError`` raised here stops the walk."""

    def advance(self, rows: int, *, total: int | None) -> None:
        """Add new rows; ``total`` is the expected number of rows, if known."""

    def note(self, text: str) -> None:
        """Show the reason of a wait, each second. An error stops the walk, as in ``asking``."""

    def say(self, text: str) -> None:
        """Show a message about the walk."""

    def close(self) -> None:
        """Finish the walk; another walk may follow."""


#: Values of ``progress=``. None shows a bar in a terminal or notebook.
Shown: TypeAlias = bool | Watch | None


class Progress:
    """A bar with the rows received, the total, and the reason of a wait.

    Parameters
    ----------
    label : str
        Name of the walk.
    shown : bool or None
        True shows the bar at once; None after two seconds, in a terminal or notebook.

    Examples
    --------
    >>> progress = Progress("posts", shown=False)
    >>> progress.advance(100, total=5400)
    >>> progress.close()
    """

    def __init__(self, label: str, *, shown: bool | None) -> None:
        self._watched = _watched() if shown is None else shown
        self._bar = _bar(label, 0.0 if shown else DELAY) if self._watched else None
        self._rows = 0
        self._total: int | None = None

    def advance(self, rows: int, *, total: int | None) -> None:
        """Count new rows, without drawing.

        The thread that decodes rows calls this. If Ctrl-C interrupts the drawing of the bar, its
        lock stays locked, and this thread would wait for it forever.
        """
        self._rows += rows
        self._total = total

    def asking(self) -> None:
        """Draw the rows received so far, before the next request."""
        if self._bar is not None and (came := self._rows - self._bar.n):
            self._bar.total = self._total
            self._bar.set_postfix_str("", refresh=False)
            self._bar.update(came)

    def note(self, text: str) -> None:
        """Show the reason of a wait."""
        if self._bar is not None:
            self._bar.delay = 0  # the bar is visible now, so close() must end its line
            self._bar.set_postfix_str(text)

    def say(self, text: str) -> None:
        """Print a message about the walk on its own line."""
        text = printable(text)
        _log.info(text)
        if self._watched:
            print(text, file=sys.stdout if in_kernel() else sys.stderr)

    def close(self) -> None:
        """Draw the last rows and end the bar."""
        self.asking()
        if self._bar is not None:
            self._bar.close()


def _watched() -> bool:
    return in_kernel() or (sys.stderr is not None and sys.stderr.isatty())


def in_kernel() -> bool:
    """Return whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")


def _bar(label: str, delay: float) -> Any:  # noqa: ANN401 - tqdm.auto is one of three classes
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # tqdm warns if a notebook lacks ipywidgets; a text bar is fine
        from tqdm.auto import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]  # generic only in the stubs
        """A bar with its own lock and without the monitor thread of tqdm."""

        monitor_interval = 0

    Bar.set_lock(threading.RLock())
    return Bar(desc=label, unit=" rows", delay=delay, dynamic_ncols=True, disable=False, miniters=1)
