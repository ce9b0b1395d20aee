"""A walk: all pages of one query, first to last; whole, or an error."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from socialframe.errors import (
    IncompleteWalk,
    MaxRequestsError,
    NotFoundError,
    PagingLoop,
    ReplyError,
    SocialFrameError,
    WalkWarning,
    user_stacklevel,
)
from socialframe.frames import Decoder, explode, infer_all, infer_each_page
from socialframe.messages.envelope import get_path
from socialframe.paging import Auto
from socialframe.version import VERSION
from socialframe.walk.checks import Notice
from socialframe.walk.overlap import grouped, overlapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from socialframe.messages.call import Call, Send
    from socialframe.messages.envelope import Page
    from socialframe.paging import Paging, Step
    from socialframe.progress import Watch
    from socialframe.schema.columns import Schema
    from socialframe.walk.plan import Endpoint

_NOT_SO = {400, 404, 405, 422}  # how an API refuses a parameter that was only tried


@dataclass(slots=True, repr=False)
class Walk:
    """All pages of one query, first to last. Good for one pass.

    Parameters
    ----------
    endpoint : Endpoint
        What is walked.
    call : Call
        The first call, without its paging parameters.
    send : callable
        One call in, one reply out.
    schema : Schema
        The endpoint's, perhaps exploded.
    limit : int or None
        Records at most.
    progress : Watch
        Told of every step.
    """

    endpoint: Endpoint
    call: Call
    send: Send
    schema: Schema
    limit: int | None
    progress: Watch
    pages: int = 0
    records: int = 0  # told apart by primary key
    rows: int = 0  # after an explode
    cached: int = 0  # replies from the cache
    resumed: int = 0  # replies that an earlier run stored
    due: Call | None = None  # what was asked last, or failed
    until: int | None = None  # replies after which it stops, as a walk that is not whole
    calls: int | None = None  # of the whole walk, as far as its first page says
    size: int = 0  # records of its fullest page
    stop: str = ""
    complete: bool | None = False
    notice: Notice = field(default_factory=Notice)
    _replies: int = 0
    _typed_pages: int = 0
    _moments: list[str] = field(default_factory=list)  # first and last fetch
    _counted: int = 0
    _guessed: bool = False  # how pages follow each other was found out
    _tries: list[Paging] = field(default_factory=list)  # schemes, if the one at hand is not it
    _first: Page | None = None  # the first page, while that is not known
    _ended: tuple[Endpoint, Step] | None = None  # a scheme whose try was an empty page
    _decoder: Decoder = field(init=False)

    def __post_init__(self) -> None:
        self._decoder = Decoder(self.endpoint.schema)

    def fetch(self) -> Iterator[Page]:
        """Yield the pages as they come, not typed.

        Raises
        ------
        SocialFrameError
            What went wrong with the first page, as itself.
        IncompleteWalk
            What went wrong later, with the failure as its cause.
        """
        call: Call | None = self.endpoint.paging.first(self.call)
        asked: set[Call] = set()
        while call is not None and not self._full:
            if call in asked:
                text = "The API leads to a page that was read already."
                raise self._incomplete(text, call, loop=True)
            asked.add(call)
            try:
                page = self._page(call)
                step = self.endpoint.paging.next(page, partial(self._count, page))
            except SocialFrameError as error:
                call = self._refused(error, call)
                continue
            self._note(page, step)
            trial = self._first is not None and self.pages > 1
            onward, self.stop = step.call, step.reason
            if trial and onward is None and page.empty:
                self._ended = self._ended or (self.endpoint, step)
                call = self._instead(call)
                continue
            # Without any sign, and while a scheme is tried, a page without news is a repetition.
            doubtful = self._first is not None or (onward is not None and not step.reason)
            if doubtful and not page.empty and not self.notice.news(page, self._key_paths):
                call = self._instead(call)
                continue
            if trial and self._first is not None:  # the scheme is the right one
                self.calls = self.endpoint.paging.requests_needed(self._first, guessed=True)
                self._first = None
                self.notice.settled(step, self.endpoint.paging)
            if onward is None:
                self.notice.ending(page, step, self.endpoint.paging, guessed=self._guessed)
            call = onward
            yield page
        self._finish()

    def _instead(self, call: Call) -> Call | None:
        """Return the second call by the next scheme to try; None where a repetition is the end."""
        while self._first is not None and len(self._tries) > bool(self._ended):
            paging, *self._tries = self._tries
            self.endpoint = replace(self.endpoint, paging=paging)
            self._counted = 0
            step = paging.next(self._first, partial(self._count, self._first))
            if step.call is not None:
                return step.call
        if self._ended:  # by a scheme that brought nothing and led nowhere else
            self.endpoint, self.stop = self._ended[0], self._ended[1].reason
        elif self._first is not None and self.notice.sign:
            sign = self.notice.sign
            text = f"{sign!r} says that there is more, and every way led to the same rows."
            raise self._incomplete(text, call, loop=True)
        return None

    def _refused(self, error: SocialFrameError, call: Call) -> Call | None:
        """Return what to ask in place of a call that a guess led to; raise what is no guess."""
        if not self.pages:
            raise error
        status = error.status_code or 0
        if self._first is not None and status in _NOT_SO:
            return self._instead(call)
        counted = bool(self.endpoint.paging.counter) and not self.stop
        if counted and isinstance(error, NotFoundError):
            self.stop = "a page that is not there"
            self.notice.doubts.append(f"no reply says where pages end, but by a refusal ({error})")
            return None
        raise self._broken(error, call) from error

    def _page(self, call: Call) -> Page:
        self.due = call
        self.progress.asking()
        reply = self.send(call, self.progress.note)
        self._replies += 1
        self.cached += reply.cached
        self.resumed += reply.resumed
        page = self.endpoint.open(call, reply, first=not self.pages)
        if not self.pages:  # what is met on the first page stays for the walk
            self._guessed = isinstance(self.endpoint.paging, Auto)
            met, *self._tries = self.endpoint.paging.resolve(page)
            self._first = page if self._tries else None
            self.endpoint = replace(self.endpoint, paging=met, records=page.path)
            self.calls = met.requests_needed(page, guessed=self._guessed)
        return page

    def batches(self, *, eager: bool = True) -> Iterator[pa.RecordBatch]:
        """Yield the rows, typed, each once; at least one batch, which may be empty.

        Parameters
        ----------
        eager : bool
            Type pages while the next ones are fetched, several at once where they come fast;
            otherwise no page is fetched before the one before it has been used. Rows whose types
            are inferred come after the last page, or each page typed by itself.

        Raises
        ------
        SocialFrameError, IncompleteWalk
            As ``fetch``.
        """
        try:
            if (schema := self.endpoint.schema).inferred:
                yield from (infer_all if eager else infer_each_page)(self._values(), schema.types)
            elif eager and self.limit is None:
                yield from overlapped(self._typed, grouped(self.fetch()))
            else:
                yield from (self._typed([page]) for page in self.fetch())
        except IncompleteWalk as error:
            error.rows = self.rows  # with those that were typed while it happened
            raise
        self._verify()

    def raw(self) -> Iterator[Any]:
        """Yield the records as the replies hold them, also one that had come before.

        Raises
        ------
        SocialFrameError, IncompleteWalk
            As ``fetch``.
        """
        for records in self._values(each=True):
            yield from records
        self._verify()

    def _parsed(self, page: Page) -> list[Any]:
        try:
            return page.records()
        except ReplyError as error:
            self.pages -= 1
            self.due = page.call
            if not self.pages:
                raise
            raise self._broken(error, page.call) from error

    def _values(self, *, each: bool = False) -> Iterator[list[Any]]:
        """Yield the records of each page; once, where there is a key, or each that came."""
        paths = self._key_paths
        for page in self.fetch():
            records = self._parsed(page)
            self.size = max(self.size, len(records))
            if paths:
                found = [[get_path(record, path) for path in paths] for record in records]
                names = [None if None in values else json.dumps(values) for values in found]
                fresh = self._new([page], [len(records)], [pa.array(names, pa.string())])
                if not each:
                    records = [record for record, new in zip(records, fresh, strict=True) if new]
            records = records[: self.limit and self.limit - self.records]
            self.records += len(records)
            self.rows = self.records
            self.progress.advance(len(records), total=self._expected)
            yield records

    def facts(self) -> dict[str, Any]:
        """Return where the rows came from, as JSON values."""
        return {
            "endpoint": self.endpoint.name,
            "path": self.endpoint.path,
            "parameters": dict(self.call.params),
            "paging": self.endpoint.paging.name,
            "pages": self.pages,
            "from_cache": self.cached,
            "from_journal": self.resumed,
            "from_network": self._replies - self.cached - self.resumed,
            "rows": self.rows,
            "duplicates": self.notice.duplicates,
            "first_fetch": self._moments[0] if self._moments else None,
            "last_fetch": self._moments[-1] if self._moments else None,
            "complete": self.complete,
            "stop": self.stop,
            "schema": self.endpoint.schema.version,
            "version": VERSION,
        }

    @property
    def _full(self) -> bool:
        if self.until is not None and self._replies >= self.until:
            return True
        return self.limit is not None and self.records >= self.limit

    def _note(self, page: Page, step: Step) -> None:
        self.pages += 1
        self._moments[1:] = [page.reply.at.isoformat()]
        loop = self.notice.page(page, step, self.endpoint.paging)
        if loop and step.call is not None and self._first is None and self.until is None:
            raise self._incomplete(loop, step.call, loop=True)

    def _count(self, page: Page) -> int:
        self._counted += len(page.records())
        return self._counted

    @property
    def _key_paths(self) -> list[str]:
        schema = self.endpoint.schema
        if schema.inferred:
            return list(schema.key)
        return [schema[name].path for name in schema.key]

    def _typed(self, pages: list[Page]) -> pa.RecordBatch:
        try:
            batch = self._decoder(pages)
        except ReplyError as error:
            for page in pages if len(pages) > 1 else ():
                self._typed([page])  # those before the bad one have come all the same
            self.due = pages[0].call
            if not self._typed_pages:
                raise
            self.pages = self._typed_pages
            raise self._broken(error, pages[0].call) from error
        self._typed_pages += len(pages)
        self.size = max(self.size, *batch.counts)
        rows = batch.rows
        if self.endpoint.schema.key:
            key = [rows.column(name) for name in self.endpoint.schema.key]
            fresh = self._new(pages, batch.counts, key)
            rows = rows if fresh.all() else rows.filter(pa.array(fresh))
        if self.limit is not None:
            rows = rows.slice(0, self.limit - self.records)
        self.records += rows.num_rows
        rows = explode(rows, self.schema)
        self.rows += rows.num_rows
        self.progress.advance(rows.num_rows, total=None if self.schema.exploded else self._expected)
        return rows

    def _new(
        self, pages: list[Page], counts: list[int], key: list[pa.Array]
    ) -> npt.NDArray[np.bool_]:
        """Return which rows of some pages are new; none on several pages in a row are a loop."""
        fresh, loop = self.notice.fresh(counts, key)
        if loop >= 0 and self.until is None:
            self.rows += int(fresh.sum())  # of the pages before it, which came all the same
            text = "Several pages in a row held no new row."
            raise self._incomplete(text, pages[loop].call, loop=True)
        return fresh

    @property
    def _expected(self) -> int | None:
        totals = self.notice.totals
        total = totals[-1] if totals else None
        return total if self.limit is None or total is None else min(total, self.limit)

    def _finish(self) -> None:
        self.complete = self.until is None
        if self._full:
            self.stop = "limit" if self.complete else "unfinished"
        elif self.endpoint.paging.doubt:
            self.notice.doubts.append(self.endpoint.paging.doubt)
        elif not self.stop:
            self.notice.silence()

    def _verify(self) -> None:
        """Say what is uncertain of a walk that came to its end."""
        if self.until is not None:
            return
        paging = self.endpoint.paging
        begun = paging.counter and self.call.param(paging.counter)
        doubts = self.notice.verdict(
            self.records,
            key=self.endpoint.schema.key,
            whole=self.stop != "limit" and not begun,
        )
        if doubts:
            self.complete, self.stop = None, "; ".join(doubts)
            name = self.endpoint.name
            where = f"{name} {self.endpoint.path}" if name == "fetch" else name
            warnings.warn(f"{where}: {self.stop}.", WalkWarning, stacklevel=user_stacklevel())

    def _broken(self, error: SocialFrameError, call: Call) -> IncompleteWalk:
        text = str(error).rstrip(".")
        if not isinstance(error, MaxRequestsError):
            text = f"A page did not come: {text}"
        return self._incomplete(f"{text}.", call, cause=error)

    def _incomplete(
        self,
        reason: str,
        call: Call,
        *,
        cause: SocialFrameError | None = None,
        loop: bool = False,
    ) -> IncompleteWalk:
        self.complete, self.due = False, call
        paging = self.endpoint.paging
        hint = paging.hint
        if loop and self._guessed and not hint:
            hint = f"Paging was found out to be {paging!r}: say paging=… to fetch() if it is not."
        reason = f"{reason} {hint}".strip()
        own = dict(self.call.params)
        position = {name: value for name, value in call.params if own.get(name) != value}
        cls = PagingLoop if loop else IncompleteWalk
        return cls(reason, pages=self.pages, rows=self.rows, position=position, cause=cause)
