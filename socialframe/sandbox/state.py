"""The mutable state of a sandbox."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.sandbox.world.world import World

T = TypeVar("T")


class State:
    """The current world and the state of each module; sandboxes share none of it."""

    def __init__(
        self,
        world: World,
        *,
        wall: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.world = world
        self.sleep = sleep
        self.lock = threading.RLock()
        self._wall = wall
        self._parts: dict[type[Any], Any] = {}

    def change(self, make: Callable[[World], World]) -> None:
        """Replace the world by the result of ``make``, under the lock."""
        with self.lock:
            self.world = make(self.world)

    def part(self, kind: type[T]) -> T:
        """Return the state of a module; created on first use."""
        with self.lock:
            if kind not in self._parts:
                self._parts[kind] = kind()
            return self._parts[kind]  # type: ignore[no-any-return]  # of this kind

    @property
    def now(self) -> datetime:
        """The current moment, in UTC and whole seconds."""
        return datetime.fromtimestamp(int(self._wall()), UTC)


def format_time(moment: datetime) -> str:
    """Write a timestamp as the API does."""
    # Not by strftime, which writes the year 1 as "1".
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
