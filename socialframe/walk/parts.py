"""Walks of the parts of one period, one after the other, that act as one walk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from socialframe.errors import IncompleteWalk, SocialFrameError
from socialframe.walk.walk import MAX_EMPTY_PAGES, Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from socialframe.messages.call import Call, Send
    from socialframe.progress import Watch
    from socialframe.walk.plan import Endpoint, Plan
    from socialframe.walk.prefetch import Prefetch


def open_walk(
    plan: Plan,
    send: Send,
    progress: Watch,
    *,
    until: int | None = None,
    max_empty_pages: int = MAX_EMPTY_PAGES,
    prefetch: Prefetch | None = None,
) -> Walk:
    """Return the walk of a plan; see ``Walk`` for the parameters."""
    options: dict[str, Any] = {"max_empty_pages": max_empty_pages, "prefetch": prefetch}
    if not plan.later:
        return Walk(plan, send, progress, until=until, **options)
    watch = WithoutTotal(progress)

    def make_walk(part: Plan, until: int | None) -> Walk:
        return Walk(part, send, watch, until=until, **options)

    return cast("Walk", WalkOfParts(plan, make_walk, until))  # it has all members that are used


class WalkOfParts:
    """The walks of all parts of a plan, in their order. Use it once.

    It has the members of ``Walk`` that its users need. Each part is checked by itself.

    Parameters
    ----------
    plan : Plan
        The query.
    make_walk : callable
        Returns the walk of one part: of its plan, and of the number of replies after which it stops
        or None.
    until : int or None
        Number of replies after which the walk stops, incomplete; None means no limit.
    """

    def __init__(
        self, plan: Plan, make_walk: Callable[[Plan, int | None], Walk], until: int | None = None
    ) -> None:
        self.plan = plan
        self._until = until
        self._make_walk = make_walk
        first = plan.parts[0] if plan.limit is None else plan.parts[0].limited(plan.limit)
        self._walks = [make_walk(first, until)]

    def batches(self, *, eager: bool = True) -> Iterator[pa.RecordBatch]:
        """Yield the rows of all parts; see ``Walk.batches``."""
        return self._each(lambda walk: walk.batches(eager=eager))

    def raw(self) -> Iterator[Any]:
        """Yield the records of all parts; see ``Walk.raw``."""
        return self._each(lambda walk: walk.raw())

    def facts(self) -> dict[str, Any]:
        """Return the provenance as JSON values; a parameter that differs has a list of values."""
        found = [walk.facts() for walk in self._walks]
        sums = ("pages", "from_cache", "from_journal", "from_network", "rows", "duplicates")
        parameters: dict[str, Any] = {}
        for part in self.plan.parts:
            for name, value in part.call.params:
                parameters.setdefault(name, []).append(value)
        return {
            **found[-1],
            **{name: sum(one[name] for one in found) for name in sums},
            "parameters": {
                name: values[0] if len(set(values)) == 1 else values
                for name, values in parameters.items()
            },
            "first_fetch": found[0]["first_fetch"],
            "complete": self.complete,
            "stop": self.stop,
        }

    @property
    def complete(self) -> bool | None:
        """Whether all parts are complete; None if one of them may be incomplete."""
        ended = [walk.complete for walk in self._walks]
        if False in ended or not self._is_last:
            return False
        return None if None in ended else True

    @property
    def stop(self) -> str:
        """Why the last part ended; if parts may be incomplete, why."""
        doubts = [walk.stop for walk in self._walks if walk.complete is None]
        return "; ".join(dict.fromkeys(doubts)) or self._walks[-1].stop

    @property
    def calls(self) -> int | None:
        """Number of calls, according to the first page of the last part; None before it."""
        *earlier, last = self._walks
        if last.calls is None or len(self._walks) < len(self.plan.parts):
            return None
        return last.calls + sum(walk.replies for walk in earlier)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(walk.rows for walk in self._walks)

    @property
    def size(self) -> int:
        """Number of records of the fullest page."""
        return max(walk.size for walk in self._walks)

    @property
    def due(self) -> Call | None:
        """The last call, or the one that failed."""
        return self._walks[-1].due

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint with the paging of the last part."""
        return self._walks[-1].endpoint

    @property
    def _is_last(self) -> bool:
        return len(self._walks) == len(self.plan.parts) or self._walks[-1].stop == "limit"

    def _each(self, rows_of: Callable[[Walk], Iterator[Any]]) -> Iterator[Any]:
        yield from rows_of(self._walks[0])
        for part in self.plan.parts[1:]:
            pages, rows = sum(walk.pages for walk in self._walks), self.rows
            until = self._until
            if until is not None:
                until -= sum(walk.replies for walk in self._walks)
            if until == 0 or self._walks[-1].stop == "limit":
                return
            if self.plan.limit is not None:
                left = self.plan.limit - sum(walk.records for walk in self._walks)
                part = part.limited(left)  # noqa: PLW2901 - the same part
            walk = self._make_walk(part, until)
            self._walks.append(walk)
            try:
                yield from rows_of(walk)
            except IncompleteWalk as error:
                error.pages_done += pages
                error.rows += rows
                raise
            except SocialFrameError as error:
                if walk.due is None:
                    raise
                broken = walk.broken(error, walk.due)  # the first page of a later part
                broken.pages_done += pages
                broken.rows += rows
                raise broken from error


class WithoutTotal:
    """The progress of a walk that is a part of another: the number of all rows is unknown."""

    def __init__(self, progress: Watch) -> None:
        self.asking = progress.asking
        self.note = progress.note
        self.say = progress.say
        self.close = progress.close
        self._advance = progress.advance

    def advance(self, rows: int, *, total: int | None) -> None:  # noqa: ARG002 - one interface
        """Add new rows."""
        self._advance(rows, total=None)
