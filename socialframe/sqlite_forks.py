"""Nothing of SQLite's is open while a process forks.

SQLite would believe in the child that it holds the locks of its parent's connections, also for new
connections of the child's own, and would lose what they write.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakValueDictionary


class Closing(Protocol):
    """What closes its file for a fork, and opens it again when it is used."""

    def hold(self) -> None:
        """Take the lock, and close the file."""

    def free(self) -> None:
        """Give the lock back."""


_all: WeakValueDictionary[int, Closing] = WeakValueDictionary()
_held: list[Closing] = []


def closes(thing: Closing) -> None:
    """Let something close its file before each fork, as long as it lives."""
    _all[id(thing)] = thing


def _before() -> None:
    for thing in [reference() for reference in _all.valuerefs()]:
        if thing is not None:
            thing.hold()
            _held.append(thing)


def _after() -> None:
    while _held:
        _held.pop().free()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
