"""One run of a query: its walk, within what it may cost, and again where the cache has a way."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

from socialframe import manifest
from socialframe.allowance import Allowance
from socialframe.errors import SocialFrameError
from socialframe.estimate import Estimate, Met, note
from socialframe.paging import Single

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from socialframe.columns import Schema
    from socialframe.declaration import Endpoint
    from socialframe.manifest import Asked, Passage
    from socialframe.replies import Call, Reply
    from socialframe.walk import Walk

T = TypeVar("T")


class Source(manifest.Source, Protocol):
    """What a query is sent through: a client."""

    @property
    def max_requests(self) -> int | None:
        """How many requests a walk may send; None means any number."""

    @property
    def known(self) -> dict[str, Met]:
        """What was met of queries, by their names."""

    def send(
        self,
        call: Call,
        notify: Callable[[str], None] | None = None,
        passage: Passage | None = None,
        allowance: Allowance | None = None,
    ) -> Reply:
        """One call in, one reply out."""

    def takes(self, calls: int) -> float:
        """Seconds until the last of so many calls may start."""


@dataclass(frozen=True)
class Run:
    """One run of a query.

    Parameters
    ----------
    endpoint, call, source, schema, asked
        As of the query.
    refresh : bool or None
        Ask the API anew; None as the client says.
    progress : bool or None
        Whether to show a bar; None as the client says.
    max_requests : int or None
        Requests at most; None as the client says.
    """

    endpoint: Endpoint
    call: Call
    source: Source
    schema: Schema
    asked: Asked
    refresh: bool | None = None
    progress: bool | None = None
    max_requests: int | None = None

    def whole(self, use: Callable[[Walk], T]) -> T:
        """Do with a walk what gives nothing before its end; again where the cache has a way."""
        passage = self._passage()
        while True:
            try:
                with self._walk(passage) as walk:
                    return use(walk)
            except SocialFrameError as error:
                passage = self.source.instead(passage, error)
                if passage is None:
                    raise

    def by_page(self, use: Callable[[Walk], Iterator[T]]) -> Iterator[tuple[Walk, T]]:
        """Do with a walk what hands on each page; again only while none was handed on."""
        passage = self._passage()
        handed = False
        while True:
            try:
                with self._walk(passage) as walk:
                    for one in use(walk):
                        handed = True
                        yield walk, one
                    return
            except SocialFrameError as error:
                instead = self.source.instead(passage, error)
                if instead is None or handed:
                    raise
                passage = instead

    def estimate(self) -> Estimate:
        """Return what it would cost. Nothing is sent.

        Raises
        ------
        OfflineMiss
            If nothing may be sent, and there is no whole walk of this.
        """
        passage = self._passage()
        calls = self._calls(passage)
        if passage is not None and passage.replay:
            return Estimate(calls, calls or 0, 0.0)
        return Estimate(calls, 0, None if calls is None else self.source.takes(calls))

    def _passage(self) -> Passage | None:
        return self.source.passage(self.asked, refresh=self.refresh)

    def _calls(self, passage: Passage | None) -> int | None:
        """Return how many calls it takes, by what was met before; None where that is not known."""
        if isinstance(self.endpoint.paging, Single):
            return 1
        met = self.source.known.get(self._name, Met())
        kept = passage.before if passage is not None else None
        if kept is not None and kept.asked.most == self.asked.most:
            return len(kept.entries)
        if kept is not None and met.calls is None:
            met = Met(len(kept.entries), met.size)
        needed = met.needed(self.asked.most)
        # All that it can take is there, though not how much of it this is.
        return met.calls if needed is None and passage is not None and passage.replay else needed

    @contextmanager
    def _walk(self, passage: Passage | None) -> Iterator[Walk]:
        from socialframe.progress import Progress
        from socialframe.walk import Walk

        shown = self.source.progress if self.progress is None else self.progress
        bar = Progress(self.endpoint.name, shown=shown)
        most, replay = self.asked.most, passage is not None and passage.replay
        before, made = self._calls(passage), 0

        def send(call: Call, notify: Callable[[str], None] | None = None) -> Reply:
            nonlocal made
            if not replay:
                calls = Met(walk.calls, walk.size).needed(most) if made else before
                self._allowance.expect(calls and calls - made)
            made += 1
            return self.source.send(call, notify, passage, self._allowance)

        walk = Walk(self.endpoint, self.call, send, self.schema, most, bar)
        whole = False
        try:
            yield walk
            whole = walk.complete is True
        finally:
            ended = walk.complete is not False and walk.stop != "limit"
            note(self.source.known, self._name, Met(made if ended else walk.calls, walk.size))
            self.source.arrived(passage, whole=whole)
            bar.close()

    @cached_property
    def _allowance(self) -> Allowance:
        own = self.max_requests
        return Allowance(self.source.max_requests if own is None else own)

    @cached_property
    def _name(self) -> str:
        return self.asked.without_limit().name("")
