"""How long an answer takes, where a switch makes it slow."""

from __future__ import annotations

import time
from contextvars import ContextVar
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Event

    from socialframe.sandbox.switches import Switches

server_closing: ContextVar[Event | None] = ContextVar("over", default=None)
"""What tells the end of the server that this thread works for, if it does for one."""

_TAIL = 50  # answers of which one is the slow one


def response_delay(switches: Switches, seed: int, number: int) -> float:
    """Tell how long the answer to a request takes; the same for the same seed."""
    seconds = switches.latency
    if number == 0:
        seconds += switches.slow_first
    # Each number is drawn for itself, so threads that arrive in another order change nothing.
    if switches.jitter:
        seconds += switches.jitter * Random(f"jitter {seed} {number}").random()  # noqa: S311
    if switches.long_tail:
        # In every fifty there is exactly one, at a place that cannot be foreseen.
        block, place = divmod(number, _TAIL)
        if Random(f"tail {seed} {block}").randrange(_TAIL) == place:  # noqa: S311
            seconds += switches.long_tail
    return seconds


def sleep_while_serving(seconds: float) -> None:
    """Wait so many seconds; where it is for a server, at most until that ends."""
    end = server_closing.get()
    if end is None:
        time.sleep(seconds)
    else:
        end.wait(seconds)
