"""A walk: all pages of one query, first to last; whole, or an error."""

from __future__ import annotations

import json
import time
import warnings
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pyarrow as pa

from socialframe.errors import IncompleteWalk, PagingLoop, ReplyError, SocialFrameError, WalkWarning
from socialframe.frames import Decoder, Seen, explode
from socialframe.replies import value_at
from socialframe.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from socialframe.columns import Schema
    from socialframe.declaration import Endpoint
    from socialframe.progress import Progress
    from socialframe.replies import Call, Page, Reply

T = TypeVar("T")
R = TypeVar("R")

_GROUP = 16  # pages typed at once, where they come fast
_SLOW = 0.02  # seconds for a page after which what has come is typed without waiting for more
_STALE_PAGES = 3  # so many pages in a row without a new row are a loop


class Send(Protocol):
    """One call in, one reply out."""

    def __call__(self, call: Call, notify: Callable[[str], None] | None = None) -> Reply:
        """Send."""


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
    progress : Progress
        Told of every step.
    """

    endpoint: Endpoint
    call: Call
    send: Send
    schema: Schema
    limit: int | None
    progress: Progress
    pages: int = 0
    records: int = 0  # told apart by primary key
    rows: int = 0  # after an explode
    duplicates: int = 0
    stop: str = ""
    complete: bool | None = False
    _totals: list[int] = field(default_factory=list)  # what each reply says of all rows
    _typed_pages: int = 0
    _moments: list[str] = field(default_factory=list)  # first and last fetch
    _counted: int = 0
    _known: set[str] = field(default_factory=set)
    _stale: int = 0
    _decoder: Decoder = field(init=False)
    _seen: Seen = field(default_factory=Seen)

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
                raise self._incomplete(
                    "The API leads to a page that was read already.", call, loop=True
                )
            asked.add(call)
            try:
                reply = self.send(call, self.progress.note)
                page = self.endpoint.open(call, reply, first=not self.pages)
            except SocialFrameError as error:
                if not self.pages:
                    raise
                raise self._broken(error, call) from error
            self._note(page)
            step = self.endpoint.paging.next(page, partial(self._count, page))
            yield page
            call, self.stop = step.call, step.sign
            if not step.sign and call is not None and not self._brings_news(page):
                call = None  # without any sign, a page without anything new is the end
        self._finish()

    def batches(self, *, eager: bool = True) -> Iterator[pa.RecordBatch]:
        """Yield the rows, typed, each once.

        Parameters
        ----------
        eager : bool
            Type pages while the next ones are fetched, several at once where they come fast;
            otherwise no page is fetched before the one before it has been used.

        Raises
        ------
        SocialFrameError, IncompleteWalk
            As ``fetch``.
        """
        if eager and self.limit is None:
            yield from overlapped(self._typed, grouped(self.fetch()))
        else:
            yield from (self._typed([page]) for page in self.fetch())
        self._verify()

    def raw(self) -> Iterator[Any]:
        """Yield the records as the replies hold them.

        Raises
        ------
        SocialFrameError, IncompleteWalk
            As ``fetch``.
        """
        for page in self.fetch():
            try:
                records = page.records()
            except ReplyError as error:
                self.pages -= 1
                if not self.pages:
                    raise
                raise self._broken(error, page.call) from error
            records = records[: self.limit and self.limit - self.records]
            self.records += len(records)
            self.progress.advance(len(records), total=self._expected)
            yield from records
        self._verify()

    def facts(self) -> dict[str, Any]:
        """Return where the rows came from, as JSON values."""
        return {
            "endpoint": self.endpoint.name,
            "path": self.endpoint.path,
            "parameters": dict(self.call.params),
            "paging": type(self.endpoint.paging).__name__,
            "pages": self.pages,
            "rows": self.rows,
            "duplicates": self.duplicates,
            "first_fetch": self._moments[0] if self._moments else None,
            "last_fetch": self._moments[-1] if self._moments else None,
            "complete": self.complete,
            "stop": self.stop,
            "version": VERSION,
        }

    @property
    def _full(self) -> bool:
        return self.limit is not None and self.records >= self.limit

    def _note(self, page: Page) -> None:
        self.pages += 1
        self._moments[1:] = [page.reply.at.isoformat()]
        path = self.endpoint.paging.total
        total = value_at(page.envelope, path) if path else None
        if isinstance(total, int) and not isinstance(total, bool):
            self._totals.append(total)

    def _count(self, page: Page) -> int:
        self._counted += len(page.records())
        return self._counted

    def _brings_news(self, page: Page) -> bool:
        paths = [self.endpoint.schema[name].path for name in self.endpoint.schema.key]
        before = len(self._known)
        for record in page.records():
            key = [value_at(record, path) for path in paths] or record
            self._known.add(json.dumps(key, sort_keys=True))
        return len(self._known) > before

    def _typed(self, pages: list[Page]) -> pa.RecordBatch:
        try:
            batch = self._decoder(pages)
        except ReplyError:
            if self._typed_pages == 0 and len(pages) == 1:
                raise
            self._find_bad(pages)
            raise
        self._typed_pages += len(pages)
        rows = batch.rows
        if self.endpoint.schema.key:
            fresh = self._seen.fresh([rows.column(name) for name in self.endpoint.schema.key])
            self._watch(pages, batch.counts, fresh)
            if not fresh.all():
                self.duplicates += int(len(fresh) - fresh.sum())
                rows = rows.filter(pa.array(fresh))
        if self.limit is not None:
            rows = rows.slice(0, self.limit - self.records)
        self.records += rows.num_rows
        rows = explode(rows, self.schema)
        self.rows += rows.num_rows
        self.progress.advance(rows.num_rows, total=None if self.schema.exploded else self._expected)
        return rows

    def _find_bad(self, pages: list[Page]) -> None:
        """Raise the failure of the first page that cannot be typed, which one of them is."""
        for page in pages:
            try:
                self._decoder([page])
            except ReplyError as error:
                if self._typed_pages == 0:
                    raise
                self.pages = self._typed_pages
                raise self._broken(error, page.call) from error
            self._typed_pages += 1

    def _watch(self, pages: list[Page], counts: list[int], fresh: Any) -> None:  # noqa: ANN401
        start = 0
        for page, count in zip(pages, counts, strict=True):
            self._stale = 0 if fresh[start : start + count].any() else self._stale + 1
            start += count
            if self._stale >= _STALE_PAGES:
                text = f"{_STALE_PAGES} pages in a row held no new row."
                raise self._incomplete(text, page.call, loop=True)

    @property
    def _expected(self) -> int | None:
        total = self._totals[-1] if self._totals else None
        return total if self.limit is None or total is None else min(total, self.limit)

    def _finish(self) -> None:
        self.complete = True
        if self._full:
            self.stop = "limit"
        elif not self.stop:
            self.stop, self.complete = "no sign", None
        elif self._totals and (gone := self._totals[0] - min(self._totals)):
            self._doubt(
                f"{gone:,} rows disappeared on the server while they "
                "were read, page by page: a row that moved up meanwhile may be missing"
            )

    def _verify(self) -> None:
        came, counted = self.records + self.duplicates, min(self._totals, default=0)
        if self.complete and self.stop != "limit" and came < counted:
            self._doubt(f"the server counts {counted:,} rows, and {came:,} came")

    def _doubt(self, why: str) -> None:
        self.complete = None
        self.stop = why
        warnings.warn(f"{self.endpoint.name}: {why}.", WalkWarning, stacklevel=2)

    def _broken(self, error: SocialFrameError, call: Call) -> IncompleteWalk:
        return self._incomplete(f"A page did not come: {error}", call, cause=error)

    def _incomplete(
        self,
        reason: str,
        call: Call,
        *,
        cause: SocialFrameError | None = None,
        loop: bool = False,
    ) -> IncompleteWalk:
        self.complete = False
        own = dict(self.call.params)
        position = {name: value for name, value in call.params if own.get(name) != value}
        cls = PagingLoop if loop else IncompleteWalk
        return cls(reason, pages=self.pages, rows=self.rows, position=position, cause=cause)


def grouped(
    pages: Iterable[Page], *, clock: Callable[[], float] = time.perf_counter
) -> Iterator[list[Page]]:
    """Yield pages in groups: large ones where they come fast, one by one where they are slow."""
    group: list[Page] = []
    asked = clock()
    for page in pages:
        group.append(page)
        if len(group) == _GROUP or clock() - asked > _SLOW:
            yield group
            group = []
        asked = clock()
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
        finally:
            for future in pending:
                future.cancel()
