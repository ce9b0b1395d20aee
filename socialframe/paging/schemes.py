"""The paging schemes: small, frozen, pure.

A scheme reads the fields of a reply and returns a ``Step``. The walk checks for repeated calls and
for new rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from socialframe.errors import ArgumentError, ReplyError
from socialframe.messages.paths import get_path, has_path
from socialframe.paging.end_signs import (
    Step,
    end_by_length,
    flag_at,
    invalid_value,
    rows_on_page,
    step_to_url,
    whole_number_at,
)
from socialframe.paging.hints import link_target, read_hints

if TYPE_CHECKING:
    from socialframe.messages.call import Call
    from socialframe.messages.envelope import Page
    from socialframe.paging.end_signs import Rows


class Paging(Protocol):
    """A paging scheme."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Paths in the body that it reads."""

    @property
    def total(self) -> str | None:
        """Path of the number of all rows, if it is reliable."""

    @property
    def hint(self) -> str:
        """Advice if the detected scheme is wrong; empty if the scheme was declared."""

    @property
    def doubt(self) -> str:
        """Why a walk with this scheme may be incomplete; empty if there is no doubt."""

    @property
    def name(self) -> str:
        """Name for the provenance of a walk."""

    @property
    def counter(self) -> str:
        """Parameter that counts pages or rows; empty if there is none."""

    def first(self, call: Call) -> Call:
        """Return the call for the first page."""

    def resolve(self, page: Page) -> tuple[Paging, ...]:
        """Return the schemes to use after the first page; only itself if it was declared.

        The walk tries them in this order: if one returns no new rows on its first step, the next
        one is tried.
        """

    def next(self, page: Page, rows: Rows) -> Step:
        """Return the next call or the end. ``rows()`` counts the rows up to this page."""

    def requests_needed(self, page: Page, *, guessed: bool = False) -> int | None:
        """Return the number of requests from this page on, including it; None if unknown.

        If the scheme was guessed, any total in the reply counts.
        """


class Scheme:
    """Base of all schemes: the members of ``Paging`` that most of them share."""

    __slots__ = ()

    @property
    def fields(self) -> tuple[str, ...]:
        return ()

    @property
    def total(self) -> str | None:
        return None

    @property
    def hint(self) -> str:
        return ""

    @property
    def doubt(self) -> str:
        return ""

    @property
    def name(self) -> str:
        return type(self).__name__

    @property
    def counter(self) -> str:
        return ""

    def first(self, call: Call) -> Call:
        return call

    def resolve(self, page: Page) -> tuple[Paging, ...]:  # noqa: ARG002 - one interface
        return (self,)  # type: ignore[return-value]  # each subclass has next()

    def requests_needed(self, page: Page, *, guessed: bool = False) -> int | None:
        if not guessed:
            return None
        hints = read_hints(page)
        return _requests_for(hints.value(hints.total), page)


def _requests_for(rows: int | None, page: Page, pages_before: int = 0) -> int | None:
    if rows is None:
        return None
    size = page.count
    return max(1, -(-rows // size) - pages_before) if size else 1


def _number_sent(page: Page, param: str, default: int) -> int:
    sent = page.call.param(param) or ""
    return int(sent) if re.fullmatch(r"-?[0-9]{1,18}", sent) else default


@dataclass(frozen=True, slots=True)
class Single(Scheme):
    """One reply has all rows.

    Examples
    --------
    >>> from socialframe.messages.call import Call
    >>> from socialframe.messages.envelope import Page
    >>> Single().next(Page(Call("/v1/accounts"), None, {}, b"[]", "accounts"), lambda: 0).call
    """

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the end."""
        return Step(None, "single reply")

    def requests_needed(self, page: Page, *, guessed: bool = False) -> int | None:  # noqa: ARG002 - one interface
        """Return 1."""
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNumber(Scheme):
    """A parameter takes the number of the page.

    The last page is marked by the first of these fields that a reply has: the number of the next
    page, a flag, the number of pages, the number of rows. Without any of them, an empty page is
    the end, or a short page if all pages before it were full.

    Parameters
    ----------
    param : str
        Parameter for the number.
    start : int
        Number of the first page.
    size_param : str or None
        Parameter for the number of rows on a page.
    total_pages, total_rows, more, next_page : str or None
        Dotted paths in the body: the number of pages, the number of all rows, a flag that more
        pages follow, the number of the next page.

    Examples
    --------
    >>> from socialframe.messages.call import Call
    >>> from socialframe.messages.envelope import Page
    >>> paging = PageNumber(total_pages="pages")
    >>> page = Page(paging.first(Call("/v1/posts")), None, {"pages": 2}, b"[1]", "posts")
    >>> paging.next(page, lambda: 1)
    Step(call=Call(path='/v1/posts', params=(('page', '2'),), url=''), reason='pages')
    """

    param: str = "page"
    start: int = 1
    size_param: str | None = None
    total_pages: str | None = None
    total_rows: str | None = None
    more: str | None = None
    next_page: str | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Paths of the fields that mark the last page."""
        signs = (self.next_page, self.more, self.total_pages, self.total_rows)
        return tuple(path for path in signs if path)

    @property
    def total(self) -> str | None:
        """Path of the number of all rows, unless the number of the next page is declared."""
        return None if self.next_page else self.total_rows

    @property
    def counter(self) -> str:
        """The parameter for the number."""
        return self.param

    def first(self, call: Call) -> Call:
        """Return the call with the number of the first page, unless it has a number."""
        return call if call.param(self.param) else call.with_param(self.param, self.start)

    def next(self, page: Page, rows: Rows) -> Step:
        """Return the call for the next page, or the end."""
        number = _number_sent(page, self.param, self.start)
        following = page.call.with_param(self.param, number + 1)
        if self.next_page and has_path(page.envelope, self.next_page):
            sent = whole_number_at(page, self.next_page)
            call = page.call.with_param(self.param, sent) if sent else None
            return Step(call, self.next_page)
        more = flag_at(page, self.more)
        if more is not None:
            return Step(following if more else None, self.more or "")
        pages = whole_number_at(page, self.total_pages)
        if pages is not None and (pages or page.empty):  # with rows, 0 has another meaning
            last = number - self.start + 1 >= pages
            return Step(None if last else following, self.total_pages or "")
        so_far = rows()  # called for each page, because it adds them up
        total = whole_number_at(page, self.total_rows)
        if total is not None and (total or page.empty):
            last = page.empty or so_far >= total
            return Step(None if last else following, self.total_rows or "")
        return end_by_length(page, following, self.size_param, so_far, before=number - self.start)

    def requests_needed(self, page: Page, *, guessed: bool = False) -> int | None:  # noqa: ARG002 - one interface
        """Return the number of requests by the number of pages, else by the number of rows."""
        before = _number_sent(page, self.param, self.start) - self.start
        pages = whole_number_at(page, self.total_pages)
        if pages is not None:
            return max(1, pages - before)
        return _requests_for(whole_number_at(page, self.total_rows), page, before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset(Scheme):
    """A parameter takes the number of rows to skip.

    The last page is marked by the first of these fields that a reply has: a flag, the number of
    rows. Without any of them, an empty page is the end. A short page is not: a server may return
    fewer rows than requested, and an offset does not show it.

    Parameters
    ----------
    param : str
        Parameter for the number of rows to skip.
    limit_param : str
        Parameter for the number of rows on a page.
    total_rows, more : str or None
        Dotted paths in the body: the number of all rows, a flag that more pages follow.

    Examples
    --------
    >>> from socialframe.messages.call import Call
    >>> from socialframe.messages.envelope import Page
    >>> paging = Offset(total_rows="total")
    >>> page = Page(Call("/v1/posts"), None, {"total": 9}, b"[1, 2]", "posts")
    >>> paging.next(page, lambda: 2)
    Step(call=Call(path='/v1/posts', params=(('offset', '2'),), url=''), reason='total')
    """

    param: str = "offset"
    limit_param: str = "limit"
    total_rows: str | None = None
    more: str | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Paths of the fields that mark the last page."""
        return tuple(path for path in (self.more, self.total_rows) if path)

    @property
    def total(self) -> str | None:
        """Path of the number of all rows."""
        return self.total_rows

    @property
    def counter(self) -> str:
        """The parameter for the number of rows to skip."""
        return self.param

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the call for the next page, or the end."""
        sent, size = page.call.param(self.param) or "", page.call.param(self.limit_param) or ""
        skipped = int(sent) if re.fullmatch("[0-9]{1,18}", sent) else 0
        requested = int(size) if re.fullmatch("[0-9]{1,9}", size) else 0
        count = rows_on_page(page, requested)
        # The server may filter after slicing, so an empty page advances by the requested size.
        following = page.call.with_param(self.param, skipped + (count or requested))
        more = flag_at(page, self.more)
        if more is not None:
            return Step(following if more else None, self.more or "")
        if page.empty:
            return Step(None, "empty page")
        total = whole_number_at(page, self.total_rows)
        if total:
            return Step(None if skipped + count >= total else following, self.total_rows or "")
        return Step(following)

    def requests_needed(self, page: Page, *, guessed: bool = False) -> int | None:  # noqa: ARG002 - one interface
        """Return the number of requests by the number of rows."""
        total = whole_number_at(page, self.total_rows)
        skipped = _number_sent(page, self.param, 0)
        return _requests_for(None if total is None else total - skipped, page)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor(Scheme):
    """Each reply has a token for the next call; a reply without one is the end.

    The token stands in the body (``field``) or in a header (``header``). It is sent back as a
    parameter (``param``) or as a header (``request_header``). Without both, the token is an object,
    and each of its members is sent as a parameter.

    An empty page whose token is the one that was sent is the end, too.

    Parameters
    ----------
    field : str or None
        Dotted path of the token in the body. Null, empty, missing and 0 are the end. If no reply
        of a walk has it, that is an error, unless the only page is short or has all rows.
    param : str or None
        Parameter that sends the token back. In a POST with a JSON body, it is a dotted path in the
        body, such as ``variables.after``.
    more : str or None
        Dotted path of a flag; false is the end, even with a token.
    end : str, tuple of str
        Tokens that mark the end, such as ``"-end-"``.
    header, request_header : str or None
        Header of the reply that has the token; header of the request that sends it back.

    Raises
    ------
    ArgumentError
        If the arguments do not say where the token stands, or say it twice.

    Examples
    --------
    >>> from socialframe.messages.call import Call
    >>> from socialframe.messages.envelope import Page
    >>> paging = Cursor(field="meta.next", param="cursor")
    >>> page = Page(Call("/v1/posts"), None, {"meta": {"next": "abc"}}, b"[1]", "posts")
    >>> paging.next(page, lambda: 1).call.params
    (('cursor', 'abc'),)
    >>> Cursor(header="X-Next-Token", request_header="X-Token").header
    'X-Next-Token'
    """

    field: str | None = None
    param: str | None = None
    more: str | None = None
    end: str | tuple[str, ...] = ()
    header: str | None = None
    request_header: str | None = None

    def __post_init__(self) -> None:
        if bool(self.field) == bool(self.header):
            raise ArgumentError("Cursor needs field= (in the body) or header=, and not both.")
        if self.param and self.request_header:
            raise ArgumentError("Cursor sends the token as param= or as request_header=, not both.")
        if self.header and not (self.param or self.request_header):
            raise ArgumentError("Cursor(header=…) needs param= or request_header=.")

    @property
    def fields(self) -> tuple[str, ...]:
        """Paths of the token and the flag."""
        return tuple(path for path in (self.field, self.more) if path)

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the call with the token, or the end."""
        reason = self.field or f"header {self.header}"
        if self.field:
            token = get_path(page.envelope, self.field)
        else:
            token = page.reply.headers.get((self.header or "").lower())
        ends = (self.end,) if isinstance(self.end, str) else self.end
        if (
            not token
            or token in ends
            or (self.more and get_path(page.envelope, self.more) is False)
        ):
            return Step(None, reason)
        following = self._following(page.call, token, reason)
        return Step(None if page.empty and following == page.call else following, reason)

    def _following(self, call: Call, token: Any, reason: str) -> Call:  # noqa: ANN401 - JSON
        if isinstance(token, dict) and not (self.param or self.request_header):
            if not all(isinstance(value, str | int) for value in token.values()):
                raise ReplyError(invalid_value(reason, token, "flat object"))
            return call.continued(token)
        if not isinstance(token, str | int) or isinstance(token, bool):
            raise ReplyError(invalid_value(reason, token, "token"))
        if self.request_header:
            return call.with_header(self.request_header, str(token))
        if not self.param:
            raise ReplyError(f"The reply has a token at {reason!r}; Cursor needs param= for it.")
        return call.with_param(self.param, token)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextURL(Scheme):
    """Each reply has the URL of the next page; a reply without one is the end.

    Parameters
    ----------
    field : str
        Dotted path of the URL in the body. If no reply of a walk has it, that is an error, unless
        the only page is short or has all rows.
    same_path : bool
        Use the path and the query of the URL on the host of the client. Pass it if the API gives
        URLs of an inner host, or http for https. The key is never sent to another host.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Reply
    >>> from socialframe.messages.envelope import Page
    >>> reply = Reply(200, {}, b"", None, "https://api.example/v1/posts")
    >>> page = Page(Call("/v1/posts"), reply, {"next": "?page=2"}, b"[1]", "posts")
    >>> NextURL(field="next").next(page, lambda: 1).call.url
    'https://api.example/v1/posts?page=2'
    """

    field: str
    same_path: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """Path of the URL."""
        return (self.field,)

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the call to the URL, or the end."""
        target = get_path(page.envelope, self.field)
        if target and not isinstance(target, str):
            raise ReplyError(invalid_value(self.field, target, "URL"))
        return step_to_url(page, target, self.field, same_path=self.same_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkHeader(Scheme):
    """The ``Link`` header of each reply has the URL of the next page; without it, the walk ends.

    Parameters
    ----------
    rel : str
        Relation of the link.
    same_path : bool
        Use the path and the query of the URL on the host of the client, as ``NextURL`` does.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Reply
    >>> from socialframe.messages.envelope import Page
    >>> headers = {"link": '</v1/posts?page=2>; rel="next"'}
    >>> reply = Reply(200, headers, b"", None, "https://api.example/v1/posts")
    >>> page = Page(Call("/v1/posts"), reply, {}, b"[1]", "posts")
    >>> LinkHeader().next(page, lambda: 1).call.url
    'https://api.example/v1/posts?page=2'
    """

    rel: str = "next"
    same_path: bool = False

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the call to the URL, or the end."""
        target = link_target(page.reply.headers.get("link", ""), self.rel)
        return step_to_url(page, target, f"Link {self.rel}", same_path=self.same_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterId(Scheme):
    """A parameter takes the id of the last record; an empty page is the end.

    If the API returns the record of that id again, as the first one, the record is dropped. If it
    returns nothing else, that is the end.

    Parameters
    ----------
    param : str
        Parameter for the id of the last record.
    key : str
        Dotted path of the id in a record.

    Examples
    --------
    >>> from socialframe.messages.call import Call
    >>> from socialframe.messages.envelope import Page
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
        last = get_path(page.records()[-1], self.key)
        if not isinstance(last, str | int):
            return Step(None)
        return Step(page.call.with_param(self.param, last), f"last {self.key}")
