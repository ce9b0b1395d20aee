"""Measures the processor time of each stage of a job: which part of the package takes how much.

Once a millisecond, a thread looks at the processor time and at the stack of each other thread. The
time since the last look belongs to the innermost function that has a stage. So a library's time
belongs to the stage that calls it. Threads that wait cost nothing.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import FrameType

#: Part of a path, and its stage; the first that matches counts.
STAGES = (
    ("/httpx/", "HTTP library"),
    ("/httpcore/", "HTTP library"),
    ("/h11/", "HTTP library"),
    ("/http/budget", "budget"),
    ("/http/shared_budget", "budget"),
    ("/http/fair_share", "budget"),
    ("/http/throttle", "budget"),
    ("/socialframe/http/", "our transport"),
    ("/socialframe/store/", "store"),
    ("/socialframe/messages/", "read the envelope"),
    ("/socialframe/paging/", "read the envelope"),
    ("/walk/checks", "checks and duplicates"),
    ("/frames/dedupe", "checks and duplicates"),
    ("/frames/reshape", "explode and to pandas"),
    ("/socialframe/frames/", "decode"),
    ("/socialframe/files/", "write the file"),
    ("/pyarrow/parquet/", "write the file"),  # in a thread that only does this
    ("/socialframe/", "walk and threads"),
)
OTHER = "imports and the rest"
_EVERY = 0.001  # seconds between two looks
_SWITCH = 0.0002  # seconds until the thread that looks gets its turn


class Stages:
    """Processor seconds by stage of what runs within a ``with`` statement.

    Attributes
    ----------
    seconds : dict
        Processor seconds by stage.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._spent: dict[int, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH)
        for thread in threading.enumerate():
            self._spent[thread.ident or 0] = _seconds_of(thread.ident or 0)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        sys.setswitchinterval(self._interval)

    def _look(self) -> None:
        own = threading.get_ident()
        while not self._ended.wait(_EVERY):
            for thread, frame in sys._current_frames().items():
                if thread != own:
                    now = _seconds_of(thread)
                    self.seconds[_stage(frame)] += now - self._spent.get(thread, 0.0)
                    self._spent[thread] = now


def _stage(frame: FrameType | None) -> str:
    while frame is not None:
        path = frame.f_code.co_filename.replace(os.sep, "/")
        for part, stage in STAGES:
            if part in path:
                return stage
        frame = frame.f_back
    return OTHER


def _seconds_of(thread: int) -> float:
    """Return the processor seconds of a thread so far; of one that just ended, none."""
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread))
    except OSError:
        return 0.0


def shares(seconds: dict[str, float]) -> list[tuple[str, float]]:
    """Return the share of each stage in the whole time, the largest first."""
    whole = sum(seconds.values()) or 1.0
    found = [(stage, spent / whole) for stage, spent in seconds.items()]
    return sorted(found, key=lambda one: -one[1])
