"""One run of a query: its walk, within what it may cost, and again where the cache has a way."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from socialframe.errors import (
    ArgumentError,
    IncompleteWalk,
    PagingLoop,
    ReplyError,
    SocialFrameError,
)
from socialframe.http.request_limit import Allowance
from socialframe.paging import Single
from socialframe.store.store import LEFT, LOOPED
from socialframe.walk.estimate import Estimate, Met, note
from socialframe.walk.provenance import worded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from socialframe.messages.call import Call, Reply
    from socialframe.progress import Shown, Watch
    from socialframe.schema.columns import Schema
    from socialframe.store.manifest import Asked, Passage
    from socialframe.store.recorder import Journal
    from socialframe.walk.plan import Endpoint
    from socialframe.walk.walk import Walk

T = TypeVar("T")


class Source(Protocol):
    """What a query is sent through: a client."""

    @property
    def progress(self) -> bool | None:
        """Whether walks show a bar; None means where somebody watches."""

    def passage(self, asked: Asked, *, refresh: bool | None) -> Passage | None:
        """How a walk goes through the cache; None where there is none."""

    def journal(
        self, asked: Asked, recipe: dict[str, Any], *, walk: str, refresh: bool | None
    ) -> Journal | None:
        """Open the journal of a walk that begins or goes on; None where none is kept."""

    def journal_of(self, asked: Asked, walk: str) -> Journal | None:
        """Open that of an unfinished walk, to be read; None where nothing is kept."""

    def keep(self, passage: Passage, call: Call, reply: Reply) -> None:
        """Give the cache what came in an earlier run of a walk."""

    def instead(self, passage: Passage | None, error: SocialFrameError) -> Passage | None:
        """How it goes after that failed; None where it failed for good."""

    def arrived(self, passage: Passage | None, *, whole: bool) -> None:
        """Note the end of a walk."""

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
    progress : bool, Watch or None
        Whether to show a bar, or who is told instead; None as the client says.
    max_requests : int or None
        Requests at most; None as the client says.
    recipe : dict
        What makes the query again in another process, as JSON values.
    again : callable or None
        Makes the query again in this process, of an unfinished walk.
    walk : str
        The unfinished walk to go on with; empty for a young one of the same query.
    """

    endpoint: Endpoint
    call: Call
    source: Source
    schema: Schema
    asked: Asked
    refresh: bool | None = None
    progress: Shown = None
    max_requests: int | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    again: Callable[[str], Any] | None = None
    walk: str = ""

    def whole(self, use: Callable[[Walk], T]) -> T:
        """Do with a walk what gives nothing before its end; again where the cache has a way."""
        passage = self._passage()
        while True:
            journal = self._journal(passage)
            try:
                with self._walk(passage, journal) as walk:
                    return use(walk)
            except SocialFrameError as error:
                if journal is None or journal.outdated is None:
                    passage = self.source.instead(passage, error)
                    if passage is None:
                        raise

    def by_page(self, use: Callable[[Walk], Iterator[T]]) -> Iterator[tuple[Walk, T]]:
        """Do with a walk what hands on each page; again only while none was handed on."""
        passage = self._passage()
        handed = False
        while True:
            journal = self._journal(passage)
            try:
                with self._walk(passage, journal) as walk:
                    for one in use(walk):
                        handed = True
                        yield walk, one
                    return
            except SocialFrameError as error:
                if journal is None or journal.outdated is None or handed:
                    passage = self.source.instead(passage, error)
                    if passage is None or handed:
                        raise

    def kept(self, use: Callable[[Walk], T]) -> T:
        """Do something with the rows that came before a walk broke; nothing is sent.

        Raises
        ------
        ArgumentError
            If nothing of it is kept any more.
        """
        from socialframe.progress import Progress
        from socialframe.walk.walk import Walk

        journal = self.source.journal_of(self.asked, self.walk)
        if journal is None or not journal.pages:
            raise ArgumentError(
                f"Nothing is kept of a walk {self.walk!r}; it ended, or was removed."
            )
        replies = journal.replies()
        walk = Walk(
            self.endpoint,
            self.call,
            lambda *_: _next_of(replies, self.walk),
            self.schema,
            self.asked.most,
            Progress(self.endpoint.name, shown=False),
            until=journal.pages,
        )
        return use(walk)

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

    def _journal(self, passage: Passage | None) -> Journal | None:
        if passage is not None and passage.replay:
            return None
        return self.source.journal(self.asked, self.recipe, walk=self.walk, refresh=self.refresh)

    @contextmanager
    def _walk(self, passage: Passage | None, journal: Journal | None) -> Iterator[Walk]:
        from socialframe.progress import Progress
        from socialframe.walk.walk import Walk

        shown = self.source.progress if self.progress is None else self.progress
        bar: Watch
        if shown is None or isinstance(shown, bool):
            bar = Progress(self.endpoint.name, shown=shown)
        elif hasattr(shown, "asking"):
            bar = shown
        else:
            raise ArgumentError(f"progress takes True, False, None or a Watch, not {shown!r}.")
        if journal is not None and journal.pages:
            bar.say(f"{self.endpoint.name}: {journal.told()}")
        elif self.walk:
            bar.say(
                f"{self.endpoint.name}: nothing is kept of the walk {self.walk}, or somebody else "
                "goes on with it; this one starts anew."
            )
        most, replay = self.asked.most, passage is not None and passage.replay
        before, made = self._calls(passage), 0

        def to_api(call: Call, notify: Callable[[str], None] | None = None) -> Reply:
            if not replay:
                calls = Met(walk.calls, walk.size).needed(most) if made else before
                self._allowance.expect(calls and calls - made)
            return self.source.send(call, notify, passage, self._allowance)

        through = to_api if journal is None else journal.through(to_api)

        def send(call: Call, notify: Callable[[str], None] | None = None) -> Reply:
            nonlocal made
            reply = through(call, notify)
            made += 1
            if reply.journalled and passage is not None:
                self.source.keep(passage, call, reply)
            return reply

        walk = Walk(self.endpoint, self.call, send, self.schema, most, bar)
        whole = False
        try:
            with self._noted(walk, journal, bar):
                yield walk
            whole = walk.complete is True
        finally:
            ended = walk.complete is not False and walk.stop != "limit"
            told = self._told(walk) if walk.complete is not False else ""
            note(self.source.known, self._name, Met(made if ended else walk.calls, walk.size, told))
            self.source.arrived(passage, whole=whole)
            bar.close()

    @contextmanager
    def _noted(self, walk: Walk, journal: Journal | None, bar: Watch) -> Iterator[None]:
        """Note in the journal how the walk ends."""
        if journal is None:
            yield
            return
        try:
            yield
        except BaseException as error:
            if journal.outdated is not None:
                bar.say(
                    f"{self.endpoint.name}: the API no longer knows where the walk stopped "
                    f"({journal.outdated}); the next try starts anew."
                )
                journal.dropped()
            elif isinstance(error, PagingLoop):
                journal.left(LOOPED, error.reason, walk.rows)
            elif isinstance(error, SocialFrameError):
                if isinstance(error.__cause__ or error, ReplyError):
                    journal.cut(walk.due)
                journal.left("failed", str(error), walk.rows)
            elif isinstance(error, GeneratorExit):  # a loop over its pages that was left
                journal.left(LEFT, "not all of its pages were taken", walk.rows)
            else:  # Ctrl-C
                journal.left(
                    "interrupted",
                    "Ctrl-C" if isinstance(error, KeyboardInterrupt) else type(error).__name__,
                    walk.rows,
                )
            if isinstance(error, IncompleteWalk) and journal.outdated is None:
                error.walk_id, error._again = journal.id, self.again  # noqa: SLF001 - of our own
            raise
        if walk.complete is False:
            journal.left(LEFT, "not all of its rows were taken", walk.rows)
        else:
            journal.done()

    def _told(self, walk: Walk) -> str:
        facts = {"arguments": self.recipe.get("arguments")} | walk.facts()
        return worded(facts, walk.rows)

    def last(self) -> str:
        """Say where the rows of this client's last walk of this came from; empty if none ended."""
        return self.source.known.get(self._name, Met()).told

    @cached_property
    def _allowance(self) -> Allowance:
        own = self.max_requests
        return Allowance(self.source.max_requests if own is None else own)

    @cached_property
    def _name(self) -> str:
        return self.asked.without_limit().name("")


def _next_of(replies: Iterator[tuple[Call, Reply]], walk: str) -> Reply:
    """Return the next reply of a walk; a damaged one is as good as gone."""
    for _, reply in replies:
        return reply
    raise ReplyError(f"The journal lost a reply of the walk {walk!r}.")
