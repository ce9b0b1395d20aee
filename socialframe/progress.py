"""A bar for long walks: in a terminal or a notebook, after two seconds, nothing when piped."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import Any, Protocol, TypeAlias

_log = logging.getLogger("socialframe")

DELAY = 2.0  # seconds that a walk may last without a bar


class Watch(Protocol):
    """Is told how a walk goes; ``progress=`` takes one, whatever it does with it."""

    def asking(self) -> None:
        """Hear that a call is next. A ``SocialFrameError`` out of here ends the walk there."""

    def advance(self, rows: int, *, total: int | None) -> None:
        """Hear that so many rows more have come, of how many."""

    def note(self, text: str) -> None:
        """Hear why nothing comes, once a second. An error ends the walk, as in ``asking``."""

    def say(self, text: str) -> None:
        """Hear something of the walk as a whole."""

    def close(self) -> None:
        """Hear that it is over; another one may begin."""


#: What ``progress=`` takes. None shows a bar in a terminal or a notebook.
Shown: TypeAlias = bool | Watch | None


class Progress:
    """Shows how many rows have come, of how many, and why nothing comes.

    Parameters
    ----------
    label : str
        What is walked.
    shown : bool or None
        None shows it after two seconds where somebody watches: in a terminal or a notebook; True
        at once.

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
        """Note that so many rows more have come.

        It may be called from the thread that types rows, so it touches no bar: a bar that Ctrl-C
        stopped in the middle keeps its lock, and that thread would wait for it for ever.
        """
        self._rows += rows
        self._total = total

    def asking(self) -> None:
        """Show what has come, before the next call is made."""
        if self._bar is not None and (came := self._rows - self._bar.n):
            self._bar.total = self._total
            self._bar.set_postfix_str("", refresh=False)
            self._bar.update(came)

    def note(self, text: str) -> None:
        """Say why nothing comes."""
        if self._bar is not None:
            self._bar.delay = 0  # it is seen from now on, so its line must be ended too
            self._bar.set_postfix_str(text)

    def say(self, text: str) -> None:
        """Say something of the walk, as a line that stays."""
        _log.info(text)
        if self._watched:
            print(text, file=sys.stdout if in_kernel() else sys.stderr)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self.asking()
        if self._bar is not None:
            self._bar.close()


def _watched() -> bool:
    return in_kernel() or (sys.stderr is not None and sys.stderr.isatty())


def in_kernel() -> bool:
    """Whether this process is a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")


def _bar(label: str, delay: float) -> Any:  # noqa: ANN401 - tqdm.auto is one of three classes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a text bar in a notebook without ipywidgets is fine
        from tqdm.auto import tqdm

    class Bar(tqdm):  # type: ignore[type-arg]  # it is no generic class where it runs
        """A bar whose lock is its own, and that no thread of tqdm's waits for at the end."""

        monitor_interval = 0

    Bar.set_lock(threading.RLock())
    return Bar(desc=label, unit=" rows", delay=delay, dynamic_ncols=True, disable=False, miniters=1)
