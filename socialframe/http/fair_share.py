"""Decides which process may send next when several share one budget. Pure.

Processes below their share go first, in the order of their arrival; processes at or above it
follow. While a process below its share is active, the others slow down but never stop, because an
unused slot would be lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from socialframe.http.budget import Limit

_ACTIVE = 1.0  # seconds that a process counts as active after a request
_SPACING = 0.8  # of the even distance between slots; at 1, slots would stay unused
_RESERVED = 1 / 4  # of the free slots that all active processes together may reserve


class ProcessUsage(NamedTuple):
    """The occupied slots of one process: how many, the last start and the last end."""

    slots: int
    last_start: float
    last_end: float


@dataclass(frozen=True, slots=True)
class FairShare:
    """What each process uses of one limit, and which processes wait, in the order of arrival."""

    limit: Limit
    usage: Mapping[str, ProcessUsage]
    queue: Sequence[str]
    now: float

    @property
    def used(self) -> int:
        """Number of occupied slots."""
        return sum(one.slots for one in self.usage.values())

    def queued_before(self, process: str) -> int:
        """Return how many of the other waiting processes go before this one."""
        share = self._share(process)
        in_queue = process in self.queue
        position = self.queue.index(process) if in_queue else len(self.queue)
        rank = (self._slots(process) >= share, position)
        return sum(
            (self._slots(other) >= share, place) < rank
            for place, other in enumerate(self.queue)
            if other != process
        )

    def delay(self, process: str) -> float:
        """Return the seconds that a process must leave to the others though a slot is free."""
        share = self._share(process)
        if self._slots(process) < share:
            return 0.0
        if all(self._slots(other) >= share for other in self._active(process)):
            return 0.0
        spacing = _SPACING * self.limit.seconds / self.limit.calls
        return max(0.0, self.usage[process].last_start + spacing - self.now)

    def block(self, process: str) -> int:
        """Return how many of the free slots a process may reserve at once: at least one.

        It reserves only one if others wait or if the free slots are few.
        """
        if any(other != process for other in self.queue):
            return 1
        active = len(self._active(process))
        size = int(_RESERVED * (self.limit.calls - self.used) / active)
        if active > 1:
            size = min(size, int(self._share(process)) - self._slots(process))
        return max(1, size)

    def _slots(self, process: str) -> int:
        return self.usage[process].slots if process in self.usage else 0

    def _share(self, process: str) -> float:
        return self.limit.calls / len(self._active(process))

    def _active(self, process: str) -> set[str]:
        """Return the processes that wait or sent a request lately, and this one."""
        sending = {name for name, one in self.usage.items() if one.last_end > self.now - _ACTIVE}
        return sending | {process, *self.queue}
