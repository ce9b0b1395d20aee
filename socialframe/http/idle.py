"""Gives back the slots that budgets reserved, once their process sends no more requests."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import Protocol

from socialframe.errors import BudgetWarning
from socialframe.sqlite import ForkLock

_PAUSE = 0.03  # seconds without a request after which slots go back


class Reserving(Protocol):
    """A budget that reserves slots."""

    def give_back_if_idle(self, *, ends: bool) -> bool:
        """Give slots back if none was taken since the last call, or if the process ends.

        Return whether no slots are reserved.
        """


_lock = ForkLock()
_watched: dict[int, set[Reserving]] = {}  # by process: a forked child has none


def watch(budget: Reserving) -> None:
    """Give the budget's slots back after a pause. One thread does so, while slots are reserved."""
    with _lock():
        is_first = os.getpid() not in _watched
        budgets = _watched.setdefault(os.getpid(), set())
        budgets.add(budget)
    if is_first:
        try:
            # Not a daemon: slots go back when the process ends.
            threading.Thread(target=_give_back, args=[budgets], name="socialframe budget").start()
        except RuntimeError:  # the interpreter ends, or has no threads
            while not _is_done(budgets, ends=True):
                pass


def _give_back(budgets: set[Reserving]) -> None:
    while not _is_done(budgets, ends=not threading.main_thread().is_alive()):
        time.sleep(_PAUSE)


def _is_done(budgets: set[Reserving], *, ends: bool) -> bool:
    """Give back idle slots; return whether no budget has slots any more."""
    for budget in list(budgets):
        with _lock():
            budgets.discard(budget)  # before the look: another thread may reserve slots after it
        is_empty = True
        with suppress(BudgetWarning):  # which may be an error; a thread cannot raise it
            is_empty = budget.give_back_if_idle(ends=ends)
        if not is_empty:
            with _lock():
                budgets.add(budget)
    with _lock():
        if not budgets:
            del _watched[os.getpid()]
        return not budgets
