"""Decodes pages in a thread while the next one downloads."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")

_BATCH = 16  # pages decoded at once if they arrive fast
_SLOW = 0.02  # seconds; after a slower page everything so far is decoded
_AHEAD = 2  # batches that may wait for the thread


def map_batches(
    function: Callable[[list[T]], R],
    items: Iterable[T],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[R]:
    """Yield ``function(batch)`` in order, computed in a thread while the next items arrive.

    A batch is large if items arrive fast, and one item if they are slow. If the items fail, those
    that arrived are computed first.

    Examples
    --------
    >>> list(map_batches(sum, [1, 2, 3]))
    [6]
    """
    pending: deque[Future[R]] = deque()
    iterator = iter(items)
    batch: list[T] = []
    end: Exception | None = None
    with ThreadPoolExecutor(1, thread_name_prefix="socialframe") as pool:
        try:
            while end is None:
                started = clock()
                try:
                    batch.append(next(iterator))
                except Exception as error:  # noqa: BLE001 - raised again below
                    end = error
                if batch and (end or len(batch) == _BATCH or clock() - started > _SLOW):
                    pending.append(pool.submit(function, batch))
                    batch = []
                if len(pending) > _AHEAD or (pending and end is None and pending[0].done()):
                    yield pending.popleft().result()
            if not isinstance(end, StopIteration):
                wait(pending)  # so that the error has the number of all rows
                raise end
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
