"""The paging schemes: small, frozen, pure.

A scheme reads the signs that a reply offers and answers with a ``Step``. What no scheme can know
(whether a call was made before, whether rows are new) is the walk's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from socialframe.errors import ReplyError
from socialframe.messages.call import stands, value_at
from socialframe.paging.end_signs import (
    Step,
    by_length,
    flag,
    passed,
    to_address,
    unreadable,
    whole,
)
from socialframe.paging.links import link_target

if TYPE_CHECKING:
    from socialframe.messages.call import Call, Page
    from socialframe.paging.end_signs import Rows


class Paging(Protocol):
    """A paging scheme."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Paths in the body that it reads."""

    @property
    def total(self) -> str | None:
        """Path of the number of all rows, where the reply says it and it can be trusted."""

    @property
    def hint(self) -> str:
        """What to say where a guess of this scheme was wrong; empty where nothing is guessed."""

    @property
    def doubt(self) -> str:
        """What is uncertain of every walk by this scheme, as a sentence; empty where nothing is."""

    @property
    def name(self) -> str:
        """What it is called where a walk says how it went."""

    def first(self, call: Call) -> Call:
        """Return the call for the first page."""

    def met(self, page: Page) -> tuple[Paging, ...]:
        """Return the scheme that the first page turns out to have; itself where it is declared.

        Several, the likeliest first, are tried one after the other: one that brings nothing new on
        its first step gives way to the next.
        """

    def next(self, page: Page, rows: Rows) -> Step:
        """Return what comes after a page; ``rows()`` counts those of the walk up to it."""


class Declared:
    """What all schemes share that say themselves how pages follow each other."""

    __slots__ = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Paths in the body that it reads."""
        return ()

    @property
    def total(self) -> str | None:
        """Nothing that could end or fail a walk."""
        return None

    @property
    def hint(self) -> str:
        """Nothing is guessed."""
        return ""

    @property
    def doubt(self) -> str:
        """Nothing is uncertain."""
        return ""

    @property
    def name(self) -> str:
        """Its own name."""
        return type(self).__name__

    def first(self, call: Call) -> Call:
        """Return the call as it is."""
        return call

    def met(self, page: Page) -> tuple[Paging, ...]:  # noqa: ARG002 - one interface
        """Return itself."""
        return (self,)  # type: ignore[return-value]  # each subclass has next()


@dataclass(frozen=True, slots=True)
class Single(Declared):
    """Everything comes in one reply.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Page
    >>> Single().next(Page(Call("/v1/accounts"), None, {}, b"[]", "accounts"), lambda: 0).call
    """

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the end."""
        return Step(None, "single reply")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNumber(Declared):
    """Pages have numbers.

    The end is told by the first of these signs that a reply has: the next page's number, a flag, a
    number of pages, a number of rows; without any of them, by an empty page, or by a short one
    where every page before it was full.

    Parameters
    ----------
    param : str
        Parameter that takes the number.
    start : int
        Number of the first page.
    size_param : str or None
        Parameter that takes the rows a page.
    total_pages, total_rows, more, next_page : str or None
        Dotted paths into the body: how many pages, how many rows in all, whether more follow, the
        number of the next page.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Page
    >>> paging = PageNumber(total_pages="pages")
    >>> page = Page(paging.first(Call("/v1/posts")), None, {"pages": 2}, b"[1]", "posts")
    >>> paging.next(page, lambda: 1)
    Step(call=Call(path='/v1/posts', params=(('page', '2'),), url=''), sign='pages')
    """

    param: str = "page"
    start: int = 1
    size_param: str | None = None
    total_pages: str | None = None
    total_rows: str | None = None
    more: str | None = None
    next_page: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Paths of the end signs."""
        signs = (self.next_page, self.more, self.total_pages, self.total_rows)
        return tuple(path for path in signs if path)

    @property
    def total(self) -> str | None:
        """Path of the number of all rows, where no better sign is declared."""
        return None if self.next_page else self.total_rows

    def first(self, call: Call) -> Call:
        """Return the call for the first page: the caller's own, or the first number."""
        return call if call.param(self.param) else call.with_param(self.param, self.start)

    def next(self, page: Page, rows: Rows) -> Step:
        """Return the call for the next page, or the end."""
        sent = page.call.param(self.param) or ""
        number = int(sent) if re.fullmatch(r"-?[0-9]{1,18}", sent) else self.start
        onward = page.call.with_param(self.param, number + 1)
        if self.next_page and stands(page.envelope, self.next_page):
            following = whole(page, self.next_page)
            call = page.call.with_param(self.param, following) if following else None
            return Step(call, self.next_page)
        more = flag(page, self.more)
        if more is not None:
            return Step(onward if more else None, self.more or "")
        pages = whole(page, self.total_pages)
        if pages is not None and (pages or page.empty):  # 0 beside rows means something else
            last = number - self.start + 1 >= pages
            return Step(None if last else onward, self.total_pages or "")
        so_far = rows()  # of each page, since it adds them up
        total = whole(page, self.total_rows)
        if total is not None and (total or page.empty):
            last = page.empty or so_far >= total
            return Step(None if last else onward, self.total_rows or "")
        return by_length(page, onward, self.size_param, so_far, before=number - self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset(Declared):
    """Pages begin at a row.

    The end is told by the first of these signs that a reply has: a flag, a number of rows; without
    any of them, by an empty page. A short page is none: where a server gives fewer rows than were
    asked for, an offset does not show it.

    Parameters
    ----------
    param : str
        Parameter that takes the number of rows to skip.
    limit_param : str
        Parameter that takes the rows a page.
    total_rows, more : str or None
        Dotted paths into the body: how many rows in all, whether more follow.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Page
    >>> paging = Offset(total_rows="total")
    >>> page = Page(Call("/v1/posts"), None, {"total": 9}, b"[1, 2]", "posts")
    >>> paging.next(page, lambda: 2)
    Step(call=Call(path='/v1/posts', params=(('offset', '2'),), url=''), sign='total')
    """

    param: str = "offset"
    limit_param: str = "limit"
    total_rows: str | None = None
    more: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Paths of the end signs."""
        return tuple(path for path in (self.more, self.total_rows) if path)

    @property
    def total(self) -> str | None:
        """Path of the number of all rows."""
        return self.total_rows

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the call for the next page, or the end."""
        sent, size = page.call.param(self.param) or "", page.call.param(self.limit_param) or ""
        skipped = int(sent) if re.fullmatch("[0-9]{1,18}", sent) else 0
        asked = int(size) if re.fullmatch("[0-9]{1,9}", size) else 0
        count = passed(page, asked)
        # Rows may be filtered out after the page was cut: what was asked for was passed over.
        onward = page.call.with_param(self.param, skipped + (count or asked))
        more = flag(page, self.more)
        if more is not None:
            return Step(onward if more else None, self.more or "")
        if page.empty:
            return Step(None, "empty page")
        total = whole(page, self.total_rows)
        if total:
            return Step(None if skipped + count >= total else onward, self.total_rows or "")
        return Step(onward)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor(Declared):
    """Each reply holds a token for the next call; none is the end.

    Parameters
    ----------
    field : str
        Dotted path of the token in the body. Null, empty, absent and zero are the end.
    param : str
        Parameter that takes it back.
    more : str or None
        Dotted path of a flag; false is the end, whatever the token.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Page
    >>> paging = Cursor(field="meta.next", param="cursor")
    >>> page = Page(Call("/v1/posts"), None, {"meta": {"next": "abc"}}, b"[1]", "posts")
    >>> paging.next(page, lambda: 1).call.params
    (('cursor', 'abc'),)
    """

    field: str
    param: str
    more: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Paths of the token and the flag."""
        return (self.field, self.more) if self.more else (self.field,)

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the call with the token, or the end."""
        token = value_at(page.envelope, self.field)
        if not token or (self.more and value_at(page.envelope, self.more) is False):
            return Step(None, self.field)
        if not isinstance(token, str | int):
            raise ReplyError(unreadable(self.field, token, "token"))
        return Step(page.call.with_param(self.param, token), self.field)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextURL(Declared):
    """Each reply holds the address of the next one; none is the end.

    Parameters
    ----------
    field : str
        Dotted path of the address in the body.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Page, Reply
    >>> reply = Reply(200, {}, b"", None, "https://api.example/v1/posts")
    >>> page = Page(Call("/v1/posts"), reply, {"next": "?page=2"}, b"[1]", "posts")
    >>> NextURL(field="next").next(page, lambda: 1).call.url
    'https://api.example/v1/posts?page=2'
    """

    field: str

    @property
    def needs(self) -> tuple[str, ...]:
        """Path of the address."""
        return (self.field,)

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the call to the address, or the end."""
        target = value_at(page.envelope, self.field)
        if target and not isinstance(target, str):
            raise ReplyError(unreadable(self.field, target, "address"))
        return to_address(page, target, self.field)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHeader(Declared):
    """The ``Link`` header of each reply holds the address of the next one; none is the end.

    Parameters
    ----------
    rel : str
        Which link.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Page, Reply
    >>> headers = {"link": '</v1/posts?page=2>; rel="next"'}
    >>> reply = Reply(200, headers, b"", None, "https://api.example/v1/posts")
    >>> page = Page(Call("/v1/posts"), reply, {}, b"[1]", "posts")
    >>> LinkHeader().next(page, lambda: 1).call.url
    'https://api.example/v1/posts?page=2'
    """

    rel: str = "next"

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the call to the address, or the end."""
        target = link_target(page.reply.headers.get("link", ""), self.rel)
        return to_address(page, target, f"Link {self.rel}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterId(Declared):
    """The next page begins after the last record; an empty page is the end.

    Parameters
    ----------
    param : str
        Parameter that takes the last record's id.
    key : str
        Dotted path of the id in a record.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Page
    >>> page = Page(Call("/v1/posts"), None, {}, b'[{"id": 1}, {"id": 2}]', "posts")
    >>> AfterId(param="after").next(page, lambda: 2).call.params
    (('after', '2'),)
    """

    param: str
    key: str = "id"

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the call with the last record's id, or the end."""
        if page.empty:
            return Step(None, "empty page")
        last = value_at(page.records()[-1], self.key)
        if not isinstance(last, str | int):
            return Step(None)
        return Step(page.call.with_param(self.param, last), f"last {self.key}")
