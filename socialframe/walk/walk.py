"""Fetches all pages of a plan, from first to last, or raises an error."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from socialframe.errors import (
    APIError,
    IncompleteWalk,
    MaxRequestsError,
    NotFoundError,
    PagingLoop,
    ReplyError,
    SocialFrameError,
    WalkWarning,
    add_request_id,
    user_stacklevel,
)
from socialframe.frames import Decoder, explode, infer_all, infer_each_page
from socialframe.messages.envelope import reports_zero_rows
from socialframe.messages.paths import get_path
from socialframe.messages.reply_errors import stated_doubt
from socialframe.messages.request_id import request_id
from socialframe.messages.row_shape import is_named_like
from socialframe.paging import AfterId, Auto, Single
from socialframe.paging.inclusive import drop_repeated
from socialframe.version import VERSION
from socialframe.walk.checks import WalkChecks
from socialframe.walk.overlap import map_batches
from socialframe.walk.plan import has_no_content

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from socialframe.messages.call import Call, Reply, Send
    from socialframe.messages.envelope import Page
    from socialframe.paging import Paging, Step
    from socialframe.progress import Watch
    from socialframe.walk.plan import Endpoint, Plan
    from socialframe.walk.prefetch import Prefetch

_OK = 200
_PARAMETER_REFUSED = {400, 404, 405, 422}  # statuses by which an API refuses a tried parameter


MAX_EMPTY_PAGES = 50
_NO_NEW_ROWS = "Several pages in a row had no new rows."


@dataclass(slots=True, repr=False)
class Walk:
    """All pages of a plan, from first to last. Use it once.

    Parameters
    ----------
    plan : Plan
        The query.
    send : callable
        Returns the reply of a call.
    progress : Watch
        Receives the progress.
    until : int or None
        Number of replies after which the walk stops, incomplete; None means no limit.
    max_empty_pages : int
        Number of empty pages in a row that is an error.
    prefetch : Prefetch or None
        Sends the calls that are known to follow while all rows are fetched; None sends each call
        after the reply before it.
    """

    plan: Plan
    send: Send
    progress: Watch
    until: int | None = None
    max_empty_pages: int = MAX_EMPTY_PAGES
    prefetch: Prefetch | None = None
    replies: int = 0
    pages: int = 0
    records: int = 0  # deduplicated by primary key
    rows: int = 0  # after an explode
    cached: int = 0  # replies of a replayed walk
    resumed: int = 0  # replies that an earlier run stored
    due: Call | None = None  # the last call, or the one that failed
    calls: int | None = None  # of the complete walk, according to its first page
    size: int = 0  # records of its fullest page
    stop: str = ""
    complete: bool | None = False
    request_id: str | None = None  # of the last reply, or of the one that failed
    endpoint: Endpoint = field(init=False)  # its paging becomes known with the first page
    checks: WalkChecks = field(default_factory=WalkChecks)
    _all: bool = False  # whether all rows will be fetched, without a pause
    _decoded: int = 0  # pages
    _moments: list[str] = field(default_factory=list)  # of the first and the last reply
    _counted: int = 0
    _detected: bool = False  # whether the paging scheme was detected
    _schemes: list[Paging] = field(default_factory=list)  # to try if the current one fails
    _first: Page | None = None  # the first page, while schemes are tried
    _before: Page | None = None  # the page before, if its last id leads to the next one
    _missing: str = ""  # the error of a declared field that no reply has
    _ended: tuple[Endpoint, Step] | None = None  # a scheme whose first try was an empty page
    _decoder: Decoder = field(init=False)

    def __post_init__(self) -> None:
        self.endpoint = self.plan.endpoint
        self._decoder = Decoder(self.endpoint.schema)

    def fetch(self) -> Iterator[Page]:
        """Yield the pages as they arrive, not decoded.

        Raises
        ------
        SocialFrameError
            If the first page fails.
        IncompleteWalk
            If a later page fails; the failure is its cause.
        """
        call: Call | None = self.endpoint.paging.first(self.plan.call)
        sent: set[Call] = set()
        while call is not None and not self._full:
            if call in sent:
                text = "The API leads to a page that was already read."
                raise self._incomplete(text, call, loop=True)
            sent.add(call)
            self.due = call
            try:
                self.progress.asking()
                page = self._open(call, self.send(call, self.progress.note))
                step = self.endpoint.paging.next(page, partial(self._count, page))
            except SocialFrameError as error:
                call = self._after_refusal(error, call)
                continue
            self._check(page, step)
            trial = self._first is not None and self.pages > 1
            onward, self.stop = step.call, step.reason
            if trial and onward is None and page.empty:
                self._ended = self._ended or (self.endpoint, step)
                call = self._next_scheme(call)
                continue
            # While schemes are tried, or if no field marks the last page, a page without a new
            # record is a repetition.
            doubtful = self._first is not None or (onward is not None and not step.reason)
            if doubtful and not page.empty and not self._has_new_records(page):
                call = self._next_scheme(call)
                continue
            if trial and self._first is not None:  # the scheme works
                self.calls = self.endpoint.paging.requests_needed(self._first, guessed=True)
                self._first = None
                self.checks.use_scheme(step, self.endpoint.paging)
            if onward is None:
                paging = self.endpoint.paging
                self.checks.check_last_page(page, step, paging, guessed=self._detected)
                if not self._detected and self.until is None:
                    alone = self.pages == 1
                    self._missing = self.checks.missing_field(page, paging, alone=alone)
            else:
                self._expect(page.call, onward)
            call = onward
            yield page
        self._finish()

    def _expect(self, sent: Call, following: Call) -> None:
        """Let calls be sent early whose page or row number follows from the known end."""
        counter = self.endpoint.paging.counter
        if self._all and counter and self.calls and self._first is None and self.prefetch:
            self.prefetch.expect(sent, following, counter, self.calls - self.pages - 1)

    def _open(self, call: Call, reply: Reply) -> Page:
        """Split a reply; detect the paging scheme from the first one."""
        self.replies += 1
        self.cached += reply.cached
        self.resumed += reply.resumed
        self.request_id = request_id(reply.headers)
        try:
            page = self.endpoint.open(call, reply, first=not self.pages)
        except ReplyError as error:
            add_request_id(error, self.request_id)
            raise
        if not self.pages and has_no_content(reply):
            self.endpoint = replace(self.endpoint, paging=Single())
        elif not self.pages:
            self._detected = isinstance(self.endpoint.paging, Auto)
            found = self.endpoint.records is None
            self.checks.unsure_path = found and not is_named_like(call, page.path)
            schemes = self.endpoint.paging.resolve(page)
            alone = page.path.endswith(".") or (page.empty and reports_zero_rows(page.envelope))
            if self._detected and alone and schemes[-1].name == "unknown":
                schemes = (Single(),)  # one object, or no rows at all, has no other pages
            scheme, *self._schemes = schemes
            self._first = page if self._schemes else None
            self.endpoint = replace(self.endpoint, paging=scheme, records=page.path)
            self.calls = scheme.requests_needed(page, guessed=self._detected)
        if isinstance(self.endpoint.paging, AfterId) and not self._detected:
            page, self._before = self._without_repeated(page, self.endpoint.paging), page
        return page

    def _without_repeated(self, page: Page, paging: AfterId) -> Page:
        if self._before is None:
            return page
        page, doubt = drop_repeated(page, self._before, paging)
        if doubt:
            self.checks.add_doubt(doubt)
        return page

    def _has_new_records(self, page: Page) -> bool:
        return self.checks.has_new_records(page, self._key_paths)

    def _next_scheme(self, call: Call, error: SocialFrameError | None = None) -> Call | None:
        """Return the second call of the next scheme to try; None if a repetition is the end.

        ``error`` is the refusal of the last scheme.
        """
        while self._first is not None and len(self._schemes) > bool(self._ended):
            paging, *self._schemes = self._schemes
            self.endpoint = replace(self.endpoint, paging=paging)
            self._counted = 0
            step = paging.next(self._first, partial(self._count, self._first))
            if step.call is not None:
                return step.call
        if self._ended:  # by a scheme whose next page was empty
            self.endpoint, self.stop = self._ended[0], self._ended[1].reason
            if self.checks.reason and (hint := self.endpoint.paging.hint):
                self.checks.add_doubt(f"the page after the first one was empty. {hint.rstrip('.')}")
        elif self._first is not None and self.checks.reason:
            reason = self.checks.reason
            if error is not None and self.endpoint.paging.hint:
                raise self.broken(error, call) from error
            text = (
                f"{reason!r} shows that there are more rows, but every scheme led to the same rows."
            )
            raise self._incomplete(text, call, loop=True)
        return None

    def _after_refusal(self, error: SocialFrameError, call: Call) -> Call | None:
        """Return the next call to try if the refused one was only tried; else raise the error."""
        self.request_id = error.request_id
        if not self.pages:
            raise error
        stated = isinstance(error, APIError) and error.status_code == _OK
        refused = stated or error.status_code in _PARAMETER_REFUSED
        if self._first is not None and refused and not error.retryable:
            return self._next_scheme(call, error)
        counted = bool(self.endpoint.paging.counter) and not self.stop
        if counted and isinstance(error, NotFoundError):
            self.stop = "404 after the last counted page"
            self.checks.add_doubt(
                f"no field marks the last page; the API refused the next one ({error})"
            )
            return None
        raise self.broken(error, call) from error

    def batches(self, *, eager: bool = True) -> Iterator[pa.RecordBatch]:
        """Yield the rows, decoded and deduplicated, in one or more batches, which may be empty.

        Parameters
        ----------
        eager : bool
            Decode pages in a thread while the next ones download. Otherwise a page is fetched after
            the one before it was consumed. If types are inferred, eager infers them from all rows,
            otherwise from each page.

        Raises
        ------
        SocialFrameError, IncompleteWalk
            As ``fetch``.
        """
        self._all = eager and self.plan.limit is None and self.until is None
        try:
            if (schema := self.endpoint.schema).inferred:
                yield from (infer_all if eager else infer_each_page)(self._values(), schema.types)
            elif eager and self.plan.limit is None:
                yield from map_batches(self._decode, self.fetch())
            else:
                yield from (self._decode([page]) for page in self.fetch())
        except IncompleteWalk as error:
            error.rows = self.rows  # including the rows decoded meanwhile
            raise
        self._verify()

    def raw(self) -> Iterator[Any]:
        """Yield the records as the API sent them, duplicates included.

        Raises
        ------
        SocialFrameError, IncompleteWalk
            As ``fetch``.
        """
        for records in self._values(each=True):
            yield from records
        self._verify()

    def facts(self) -> dict[str, Any]:
        """Return the provenance as JSON values."""
        return {
            "endpoint": self.endpoint.name,
            "path": self.endpoint.path,
            "parameters": dict(self.plan.call.params),
            "records": self.endpoint.records,
            "paging": self.endpoint.paging.name,
            "pages": self.pages,
            "from_cache": self.cached,
            "from_journal": self.resumed,
            "from_network": self.replies - self.cached - self.resumed,
            "unused_requests": self.prefetch.unused if self.prefetch is not None else 0,
            "rows": self.rows,
            "duplicates": self.checks.duplicates,
            "first_fetch": self._moments[0] if self._moments else None,
            "last_fetch": self._moments[-1] if self._moments else None,
            "complete": self.complete,
            "stop": self.stop,
            "request_id": self.request_id,
            "schema": self.endpoint.schema.version,
            "version": VERSION,
        }

    def _parsed(self, page: Page) -> list[Any]:
        try:
            records, rest = page.records_and_rest()
        except ReplyError as error:
            self.pages -= 1
            self.due = page.call
            if not self.pages:
                raise
            raise self.broken(error, page.call) from error
        if doubt := stated_doubt(rest):
            self.checks.add_doubt(doubt)
        return records

    def _values(self, *, each: bool = False) -> Iterator[list[Any]]:
        """Yield the records of each page, deduplicated by the key unless ``each``."""
        paths = self._key_paths
        for page in self.fetch():
            records = self._parsed(page)
            self.size = max(self.size, len(records))
            if paths:
                found = [[get_path(record, path) for path in paths] for record in records]
                names = [None if None in values else json.dumps(values) for values in found]
                fresh = self._find_new([page], [len(records)], [pa.array(names, pa.string())])
                if not each:
                    records = [record for record, new in zip(records, fresh, strict=True) if new]
            records = records[: self.plan.limit and self.plan.limit - self.records]
            self.records += len(records)
            self.rows = self.records
            self.progress.advance(len(records), total=self._expected)
            yield records

    def _decode(self, pages: list[Page]) -> pa.RecordBatch:
        try:
            batch = self._decoder(pages)
        except ReplyError as error:
            for page in pages if len(pages) > 1 else ():
                self._decode([page])  # count the pages before the invalid one
            self.due = pages[0].call
            if not self._decoded:
                raise
            self.pages = self._decoded
            raise self.broken(error, pages[0].call) from error
        if batch.others:
            self.checks.add_doubt(f"{batch.others:,} entries of the list are no objects")
        self._decoded += len(pages)
        self.size = max(self.size, *batch.counts)
        rows, schema = batch.rows, self.plan.schema
        if self.endpoint.schema.key:
            key = [rows.column(name) for name in self.endpoint.schema.key]
            fresh = self._find_new(pages, batch.counts, key)
            rows = rows if fresh.all() else rows.filter(pa.array(fresh))
        if self.plan.limit is not None:
            rows = rows.slice(0, self.plan.limit - self.records)
        self.records += rows.num_rows
        rows = explode(rows, schema)
        self.rows += rows.num_rows
        self.progress.advance(rows.num_rows, total=None if schema.exploded else self._expected)
        return rows

    def _find_new(
        self, pages: list[Page], counts: list[int], key: list[pa.Array]
    ) -> npt.NDArray[np.bool_]:
        """Return which rows of some pages are new; several pages without new rows are a loop."""
        fresh, loop = self.checks.find_new(counts, key)
        if loop >= 0 and self.until is None:
            self.rows += int(fresh.sum())  # of the pages before it
            raise self._incomplete(_NO_NEW_ROWS, pages[loop].call, loop=True)
        return fresh

    def _check(self, page: Page, step: Step) -> None:
        self.pages += 1
        self._moments[1:] = [page.reply.at.isoformat()]
        paging = self.endpoint.paging
        loop = self.checks.check_page(page, step, paging, guessed=self._detected)
        if loop and step.call is not None and self._first is None and self.until is None:
            raise self._incomplete(loop, step.call, loop=True)
        empty = self.checks.empty_pages(self.max_empty_pages)
        if empty and step.call is not None and self.until is None:
            raise self._incomplete(empty, step.call)

    def _count(self, page: Page) -> int:
        self._counted += len(page.records())
        return self._counted

    @property
    def _full(self) -> bool:
        if self.until is not None and self.replies >= self.until:
            return True
        return self.plan.limit is not None and self.records >= self.plan.limit

    @property
    def _key_paths(self) -> list[str]:
        schema = self.endpoint.schema
        if schema.inferred:
            return list(schema.key)
        return [schema[name].path for name in schema.key]

    @property
    def _expected(self) -> int | None:
        totals, limit = self.checks.totals, self.plan.limit
        total = totals[-1] if totals else None
        return total if limit is None or total is None else min(total, limit)

    def _finish(self) -> None:
        self.complete = self.until is None
        if self._full:
            self.stop = "limit" if self.complete else "unfinished"
        elif self._missing and self.due is not None:
            raise self._incomplete(self._missing, self.due)
        elif self.endpoint.paging.doubt:
            self.checks.add_doubt(self.endpoint.paging.doubt)
        elif not self.stop:
            self.checks.unconfirmed_end()

    def _verify(self) -> None:
        """Warn if a walk that ended may be incomplete."""
        if self.until is not None:
            return
        paging = self.endpoint.paging
        begun = paging.counter and self.plan.call.param(paging.counter)
        key, whole = self.endpoint.schema.key, self.stop != "limit" and not begun
        if self.checks.is_hollow(self.records, key=key, whole=whole) and self.due is not None:
            raise self._incomplete(_NO_NEW_ROWS, self.due, loop=True)
        doubts = self.checks.doubts(self.records, key=key, whole=whole)
        if doubts:
            self.complete, self.stop = None, "; ".join(doubts)
            name = self.endpoint.name
            where = f"{name} {self.endpoint.path}" if name == "fetch" else name
            warnings.warn(f"{where}: {self.stop}.", WalkWarning, stacklevel=user_stacklevel())

    def broken(self, error: SocialFrameError, call: Call) -> IncompleteWalk:
        """Return the error of a walk that a request ended."""
        text = str(error).rstrip(".")
        if not isinstance(error, MaxRequestsError):
            text = f"A page could not be fetched: {text}"
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
        if loop and self._detected and not hint:
            hint = f"Paging was detected as {paging!r}; if that is wrong, pass paging=… to fetch()."
        reason = f"{reason} {hint}".strip()
        own = dict(self.plan.call.params)
        position = {name: value for name, value in call.params if own.get(name) != value}
        cls = PagingLoop if loop else IncompleteWalk
        return cls(reason, pages=self.pages, rows=self.rows, position=position, cause=cause)
