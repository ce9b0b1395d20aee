"""Runs queries: fetches pages, enforces max_requests, replays, resumes, falls back."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from socialframe.errors import (
    APIError,
    ArgumentError,
    IncompleteWalk,
    OfflineMiss,
    PagingLoop,
    ReplyError,
    SocialFrameError,
    WalkWarning,
    user_stacklevel,
)
from socialframe.http.request_limit import RequestLimit
from socialframe.paging import Single
from socialframe.store.replay import Recorder
from socialframe.store.stored_walk import KILLED, LEFT, LOOPED, RUNNING, StoredWalk
from socialframe.walk.estimate import Estimate, QueryStats, remember
from socialframe.walk.plan import whole_number
from socialframe.walk.prefetch import Prefetch
from socialframe.walk.provenance import describe_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from socialframe.http.budget import Budget
    from socialframe.http.transport import Transport
    from socialframe.messages.call import Call, Reply, Send
    from socialframe.progress import Shown, Watch
    from socialframe.schema.columns import Nested
    from socialframe.store.cache import CacheSettings
    from socialframe.store.store import WalkStore
    from socialframe.walk.plan import Plan
    from socialframe.walk.walk import Walk

T = TypeVar("T")

_log = logging.getLogger("socialframe")
_ENDS = {KeyboardInterrupt: "Ctrl-C", GeneratorExit: "the loop over its pages was left"}

_FIRST_REFUSAL = 300  # replies from this status on are no pages, and are not stored


@dataclass(frozen=True, slots=True)
class Options:
    """Options of one run; None uses the client's setting. ``make_query`` is for an error."""

    refresh: bool | None = None
    progress: Shown = None
    max_requests: int | None = None
    make_query: Callable[[Plan], Any] | None = None


@dataclass(slots=True, repr=False)
class Session:
    """Runs the queries of one client.

    Parameters
    ----------
    transport : Transport
        Sends calls.
    budget : Budget
        Counts them.
    store : WalkStore or None
        The store of walks; None stores no walk.
    tenant : str
        The tenant of the walks.
    cache : CacheSettings or None
        How long walks are fresh; None stores no complete walk.
    journal, resume : bool
        Whether broken walks are stored, and whether the same query resumes them.
    offline, refresh, stale_if_error : bool
        As ``Client`` takes them.
    progress, max_requests, max_empty_pages, nested
        As ``Client`` takes them.
    stats : dict
        Statistics of earlier runs, by query.
    """

    transport: Transport
    budget: Budget
    store: WalkStore | None
    tenant: str
    cache: CacheSettings | None
    journal: bool = True
    resume: bool = True
    offline: bool = False
    refresh: bool = False
    stale_if_error: bool = False
    progress: bool | None = None
    max_requests: int | None = None
    max_empty_pages: int = 50
    nested: Nested = "arrow"
    stats: dict[str, QueryStats] = field(default_factory=dict)

    def run(self, plan: Plan, consume: Callable[[Walk], T], options: Options) -> T:
        """Return the result of a consumer of the walk; run it again if there is a fallback."""
        run = _Run(self, plan, options)
        while True:
            try:
                with run.walk() as walk:
                    return consume(walk)
            except SocialFrameError as error:
                if not run.fall_back(error):
                    raise

    def stream(
        self, plan: Plan, produce: Callable[[Walk], Iterator[T]], options: Options
    ) -> Iterator[tuple[Walk, T]]:
        """Yield the results of a producer for each page; there is no fallback after the first."""
        run = _Run(self, plan, options)
        handed = False
        while True:
            try:
                with run.walk() as walk:
                    for item in produce(walk):
                        handed = True
                        yield walk, item
                    return
            except SocialFrameError as error:
                if handed or not run.fall_back(error):
                    raise

    def stored_rows(self, plan: Plan, consume: Callable[[Walk], T]) -> T:
        """Return the result of a consumer of a walk's stored pages. No request is sent.

        Raises
        ------
        ArgumentError
            If the walk is not stored.
        """
        from socialframe.progress import Progress
        from socialframe.walk.parts import open_walk

        stored = self._open_walk(plan) if plan.walk_id else None
        if stored is None or self.store is None:
            raise ArgumentError(
                f"The walk {plan.walk_id!r} is not stored any more: it completed or was deleted."
            )
        pages = self.store.pages(stored)

        def send(call: Call, notify: object = None) -> Reply:  # noqa: ARG001 - as Send
            for _, reply in pages:
                return reply
            raise ReplyError(f"A stored page of the walk {plan.walk_id!r} is missing.")

        bar = Progress(plan.endpoint.name, shown=False)
        return consume(open_walk(plan, send, bar, until=stored.pages))

    def estimate(self, plan: Plan) -> Estimate:
        """Return the number of requests of a run. No request is sent.

        Raises
        ------
        OfflineMiss
            If the client is offline and has no complete walk.
        """
        complete = self.complete_walk(plan)
        replayed = complete is not None and self.may_replay(complete, None)
        if self.offline and not replayed:
            raise missing(plan)
        calls = self.expected_calls(plan, complete, replayed=replayed)
        if replayed:
            return Estimate(calls, calls or 0, 0.0)
        return Estimate(calls, 0, None if calls is None else self.budget.seconds_until(calls))

    def last_run(self, plan: Plan) -> str:
        """Return the provenance of the last run that ended; empty if there is none."""
        return self.stats.get(_stats_key(plan), QueryStats()).description

    def found_records(self, plan: Plan) -> str | None:
        """Return the path of the records that the last run found; None if it is declared."""
        return self.stats.get(_stats_key(plan), QueryStats()).records

    def complete_walk(self, plan: Plan) -> StoredWalk | None:
        """Return the newest complete walk with the rows: with the same limit or without one."""
        if self.store is None or self.cache is None:
            return None
        names = (plan.key.name(self.tenant), plan.key.without_limit().name(self.tenant))
        return self.store.find_complete(self.tenant, names)

    def refreshes(self, refresh: bool | None) -> bool:
        """Return whether a run asks the API even if the cache is fresh."""
        return self.refresh if refresh is None else refresh

    def may_replay(self, complete: StoredWalk, refresh: bool | None) -> bool:
        """Return whether a run would replay a complete walk now."""
        if self.offline:
            return True
        if self.refreshes(refresh):
            return False
        if self.cache is None or self.store is None:
            return False
        return complete.fresh(self.store.now(), self.cache.fresh_for(complete.endpoint))

    def recorder(self, plan: Plan, refresh: bool | None, send: Send) -> Recorder:
        """Return the recorder of a run: of a replayed, a resumed or a new walk.

        Raises
        ------
        OfflineMiss
            If the client is offline and has no complete walk.
        """
        complete = self.complete_walk(plan)
        # If the id of a walk is given, no other walk is used.
        asked_for = complete is not None and plan.walk_id in {"", complete.id}
        if complete is not None and asked_for and self.may_replay(complete, refresh):
            assert self.store is not None  # noqa: S101 - it has the walk
            return Recorder(self.store, complete, send)
        if self.offline:
            raise missing(plan)
        name = plan.key.name(self.tenant)
        if self.store is None:
            return Recorder(None, StoredWalk("", self.tenant, name, plan.endpoint.name), send)
        walk = None
        if plan.walk_id or (self.resume and self.journal and not self.refreshes(refresh)):
            fresh = 0.0 if self.cache is None else self.cache.fresh_for(plan.endpoint.name)
            walk = self.store.claim(self.tenant, name, plan.walk_id, left_for=fresh)
        walk = walk or self.store.begin(self.tenant, name, plan.endpoint.name, plan.query)
        return Recorder(self.store, walk, send)

    def expected_calls(
        self, plan: Plan, complete: StoredWalk | None, *, replayed: bool
    ) -> int | None:
        """Return the number of calls of a run; None if unknown."""
        if isinstance(plan.endpoint.paging, Single):
            return 1
        stats = self.stats.get(_stats_key(plan), QueryStats())
        if complete is not None and complete.name == plan.key.name(self.tenant):
            return complete.pages
        if complete is not None and stats.calls is None:
            stats = QueryStats(complete.pages, stats.size)
        needed = stats.needed(plan.limit)
        # A replay has all pages, but the number of pages that are needed may be unknown.
        return stats.calls if needed is None and replayed else needed

    def __reduce__(self) -> NoReturn:
        msg = "A Client does not pickle: it holds a key and connections. Make one in each process."
        raise TypeError(msg)

    def rate(self) -> float:
        """Return the requests a second that the rate limit allows."""
        limit = self.budget.usage().limit
        return limit.calls / limit.seconds

    def now(self) -> float:
        """Return the Unix time of the store."""
        return 0.0 if self.store is None else self.store.now()

    def forget(self, endpoint: str) -> None:
        """Delete the stored walks of an endpoint, except those that are being written."""
        if self.store is None:
            return
        for complete in self.store.complete_walks():
            if (complete.tenant, complete.endpoint) == (self.tenant, endpoint):
                self.store.delete_complete(complete)
        self.store.discard(
            walk
            for walk in self.store.open_walks()
            if (walk.tenant, walk.endpoint) == (self.tenant, endpoint) and walk.state != RUNNING
        )

    def close(self) -> None:
        """Close connections and files; a later use opens them again."""
        self.transport.close()
        if self.store is not None:
            self.store.shut()

    def remember(self, plan: Plan, stats: QueryStats) -> None:
        """Store the statistics of a run."""
        remember(self.stats, _stats_key(plan), stats)

    def _open_walk(self, plan: Plan) -> StoredWalk | None:
        name = plan.key.name(self.tenant)
        walks = [] if self.store is None else self.store.open_walks(name)
        return next(
            (one for one in walks if (one.id, one.tenant) == (plan.walk_id, self.tenant)), None
        )


class _Run:
    """One run of a plan: a replay, a resumed walk or a new walk, or one after another."""

    def __init__(self, session: Session, plan: Plan, options: Options) -> None:
        self._session = session
        self._plan = plan
        self._refresh = options.refresh
        self._make_query = options.make_query
        self._shown = session.progress if options.progress is None else options.progress
        most = options.max_requests
        if most is not None:
            most = whole_number("max_requests", most)
        limit = RequestLimit(session.max_requests if most is None else most, self._remaining)
        self._send: Send = partial(session.transport.send, limit=limit)
        self._prefetch: Prefetch | None = None
        if limit.limit is None:
            self._prefetch = Prefetch(self._send, session.rate)
            self._send = self._prefetch.send
        self._recorder: Recorder | None = None
        self._next: Recorder | None = None  # the fallback
        self._walk: Walk | None = None
        self._expected: int | None = None  # calls of the run, before its first page

    def fall_back(self, error: SocialFrameError) -> bool:
        """Choose a fallback after a failure; return whether there is one."""
        session, recorder = self._session, self._recorder
        self._recorder = self._next = None  # one fallback for a failure
        if recorder is None:
            return False
        if recorder.torn:
            self._refresh = False
            return True
        if recorder.cursor_expired is not None:
            return True
        stale = session.stale_if_error and error.retryable
        if stale and not recorder.replays and not self._plan.walk_id:
            complete = session.complete_walk(self._plan)
            if complete is not None:
                self._next = Recorder(session.store, complete, self._send)
        return self._next is not None

    @contextmanager
    def walk(self) -> Iterator[Walk]:
        """Open the walk, and store how it ends."""
        from socialframe.walk.parts import open_walk

        session, plan = self._session, self._plan
        bar = self._bar()
        recorder = self._next or session.recorder(plan, self._refresh, self._send)
        walk = open_walk(
            plan,
            recorder.send,
            bar,
            max_empty_pages=session.max_empty_pages,
            prefetch=self._prefetch,
        )
        self._recorder, self._walk = recorder, walk
        try:
            complete = recorder.walk if recorder.replays else None
            if complete is None and not session.refreshes(self._refresh):
                complete = session.complete_walk(plan)
            self._expected = session.expected_calls(plan, complete, replayed=recorder.replays)
            self._announce(recorder, bar)
            yield walk
        except BaseException as error:
            self._stopped(recorder, walk, bar, error)
            reason = _ENDS.get(type(error)) or str(error)
            _log.info("%s: stopped after %d rows: %s", plan.endpoint.name, walk.rows, reason)
            raise
        else:
            self._ended(recorder, walk)
        finally:
            if self._prefetch is not None:
                self._prefetch.close()
            ended = walk.complete is not False and walk.stop != "limit"
            facts = {"arguments": plan.given} | walk.facts()
            text = "" if walk.complete is False else describe_facts(facts, walk.rows)
            if text:
                _log.info(text)
            calls = recorder.replies if ended else walk.calls
            records = walk.endpoint.records if plan.endpoint.records is None else None
            session.remember(plan, QueryStats(calls, walk.size, text, records))
            bar.close()

    def _remaining(self) -> int | None:
        """Return the number of calls that the walk still needs; None if unknown."""
        walk, recorder, calls = self._walk, self._recorder, self._expected
        if walk is None or recorder is None:
            return calls
        if recorder.replies:
            calls = QueryStats(walk.calls, walk.size).needed(self._plan.limit)
        return calls and calls - recorder.replies

    def _bar(self) -> Watch:
        from socialframe.progress import Progress

        if self._shown is None or isinstance(self._shown, bool):
            return Progress(self._plan.endpoint.name, shown=self._shown)
        if hasattr(self._shown, "asking"):
            return self._shown
        raise ArgumentError(f"progress must be True, False, None or a Watch; got {self._shown!r}.")

    def _announce(self, recorder: Recorder, bar: Watch) -> None:
        name = self._plan.endpoint.name
        if recorder.replays:
            return
        if recorder.stored:
            age = max(0.0, self._session.now() - recorder.walk.last)
            found = recorder.describe(age)
            bar.say(f"{name}: {found}")
            if recorder.walk.state == KILLED and not self._plan.walk_id:
                found = found.removeprefix("continues after ")
                text = f"{name}: the rows begin with {found}, whose end was not stored"
                advice = "Its process was killed, or its disk was full; refresh=True starts over."
                warnings.warn(f"{text}. {advice}", WalkWarning, stacklevel=user_stacklevel())
        elif self._plan.walk_id:
            bar.say(
                f"{name}: the walk {self._plan.walk_id} is not stored, or another process is "
                "writing it. Starting over."
            )

    def _ended(self, recorder: Recorder, walk: Walk) -> None:
        """Store that the walk is complete."""
        if walk.complete is not False:
            whole = walk.complete is True and self._session.cache is not None
            recorder.finish(rows=walk.rows, replayable=whole)
        elif not recorder.replays:
            self._stop(recorder, LEFT, "stopped before its last row", walk)

    def _stopped(self, recorder: Recorder, walk: Walk, bar: Watch, error: BaseException) -> None:
        """Store why the walk stopped, and add its id to the error, to resume it."""
        expired = recorder.cursor_expired
        if isinstance(error, IncompleteWalk):
            resumable = recorder.has_pages and self._session.journal and not recorder.replays
            error.walk_id = recorder.walk.id if resumable and not expired else ""
            if self._make_query is not None:
                error._query = self._make_query(replace(self._plan, walk_id=error.walk_id))
        invalid = _is_invalid_reply(error.__cause__ or error)
        if recorder.replays:
            # An older version may have stored a reply that states an error.
            if recorder.torn or (invalid and isinstance(error.__cause__ or error, APIError)):
                recorder.discard()
        elif expired is not None:
            bar.say(
                f"{self._plan.endpoint.name}: the API no longer accepts the cursor of the walk "
                f"({expired}). The next run starts over."
            )
            recorder.discard()
        elif isinstance(error, PagingLoop):
            self._stop(recorder, LOOPED, error.reason, walk)
        elif isinstance(error, SocialFrameError):
            if invalid:
                recorder.truncate(walk.due)
            self._stop(recorder, "failed", str(error), walk)
        elif isinstance(error, GeneratorExit):  # a loop over its pages was left
            self._stop(recorder, LEFT, "stopped before its last page", walk)
        else:
            ctrl_c = isinstance(error, KeyboardInterrupt)
            reason = "Ctrl-C" if ctrl_c else type(error).__name__
            self._stop(recorder, "interrupted", reason, walk)

    def _stop(self, recorder: Recorder, state: str, reason: str, walk: Walk) -> None:
        if self._session.journal:
            recorder.stop(state, reason, walk.rows)
        else:
            recorder.discard()


def missing(plan: Plan) -> OfflineMiss:
    """Return the error of an offline client that has no complete walk."""
    params = "&".join(f"{name}={value}" for name, value in plan.call.params)
    call = f"{plan.call.path}?{params}" if params else plan.call.path
    return OfflineMiss(
        f"GET {call} is not in the cache as a complete walk, and offline=True sends no "
        "request. Run the query once without offline."
    )


def _is_invalid_reply(error: BaseException) -> bool:
    """Whether a reply that was received is no page: it has another shape, or states an error."""
    if isinstance(error, APIError):
        return error.status_code is not None and error.status_code < _FIRST_REFUSAL
    return isinstance(error, ReplyError)


def _stats_key(plan: Plan) -> str:
    return plan.key.without_limit().name("")
