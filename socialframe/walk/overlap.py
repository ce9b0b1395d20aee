"""Work that goes on while the next page comes."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")

_GROUP = 16  # pages typed at once, where they come fast
_SLOW = 0.02  # seconds for a page after which what has come is typed without waiting for more


def grouped(
    pages: Iterable[T], *, clock: Callable[[], float] = time.perf_counter
) -> Iterator[list[T]]:
    """Yield pages in groups: large ones where they come fast, one by one where they are slow."""
    group: list[T] = []
    asked = clock()
    try:
        for page in pages:
            group.append(page)
            if len(group) == _GROUP or clock() - asked > _SLOW:
                yield group
                group = []
            asked = clock()
    except Exception:
        if group:  # what came is typed before the failure goes on
            yield group
        raise
    if group:
        yield group


def overlapped(function: Callable[[T], R], items: Iterable[T], *, ahead: int = 2) -> Iterator[R]:
    """Yield ``function(item)`` in order, each computed in a thread while the next items come.

    Examples
    --------
    >>> list(overlapped(str.upper, ["a", "b"]))
    ['A', 'B']
    """
    pending: deque[Future[R]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="socialframe") as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > ahead or pending[0].done():
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except Exception:
            wait(pending)  # so that what has come is counted when the failure is told
            raise
        finally:
            for future in pending:
                future.cancel()
