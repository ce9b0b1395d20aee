"""Delays of responses."""

from __future__ import annotations

import time
from contextvars import ContextVar
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Event

    from socialframe.sandbox.switches import Switches

server_closing: ContextVar[Event | None] = ContextVar("over", default=None)
"""Set when the server that this thread works for ends."""

_TAIL = 50  # one response in this many is slow


def response_delay(switches: Switches, seed: int, number: int) -> float:
    """Return the seconds that the response to a request takes; the same for the same seed."""
    seconds = switches.latency
    if number == 0:
        seconds += switches.slow_first
    # Drawn from the number alone, so that the order of threads does not matter.
    if switches.jitter:
        seconds += switches.jitter * Random(f"jitter {seed} {number}").random()  # noqa: S311
    if switches.long_tail:
        # Exactly one in every fifty, at a random position.
        block, place = divmod(number, _TAIL)
        if Random(f"tail {seed} {block}").randrange(_TAIL) == place:  # noqa: S311
            seconds += switches.long_tail
    return seconds


def sleep_while_serving(seconds: float) -> None:
    """Sleep, but not beyond the end of the server that this thread works for."""
    end = server_closing.get()
    if end is None:
        time.sleep(seconds)
    else:
        end.wait(seconds)
