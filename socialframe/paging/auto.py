"""Paging that is not declared: what the first reply offers decides, and stays for the walk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from socialframe.paging.end_signs import Step
from socialframe.paging.hints import OFFSET_NAMES, PAGE_NAMES, Offers, offers
from socialframe.paging.schemes import Cursor, Declared, LinkHeader, NextURL, Offset, PageNumber

if TYPE_CHECKING:
    from collections.abc import Iterator

    from socialframe.messages.call import Call, Page
    from socialframe.paging.end_signs import Rows
    from socialframe.paging.schemes import Paging

_SIZES = ("limit", "per_page", "perPage", "page_size", "pageSize", "size", "count")
_SENT = (
    "no reply says how pages follow each other, so {0!r}, which was sent, was counted up until "
    "nothing new came: say paging={1} if that is right"
)

_LED = "No reply says where {0!r} ends: say paging={1} with the path of a sign that does."


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto(Declared):
    """Paging as the first reply offers it.

    It trusts, in this order: a ``Link`` header; the next address; the next page's number; a page
    with a number of pages, of rows, or a flag; a token (with its flag); an offset with a number of
    rows or a flag; last, a page or an offset that the caller sent. What is met on the first page
    stays for the walk.

    Parameters
    ----------
    token_param : str or None
        Parameter that takes a token back; None means that it has the token's own name.
    unsaid : tuple of Paging
        Schemes to try, one after the other, where the reply says nothing at all: the hints of an
        endpoint that is declared.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Page, Reply
    >>> page = Page(Call("/x"), Reply(200, {}, b"", None, ""), {"page": 1, "pages": 2}, b"[1]", "")
    >>> [scheme.name for scheme in Auto().met(page)]
    ['PageNumber']
    """

    token_param: str | None = None
    unsaid: tuple[Paging, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """Everything: a first page is always parsed whole."""
        return ("",)

    def met(self, page: Page) -> tuple[Paging, ...]:
        """Return the scheme that the first page has, or those to try where it says nothing."""
        found, sent = offers(page), page.call
        size = next((name for name in _SIZES if sent.param(name) is not None), None)
        scheme = (
            (LinkHeader() if "next" in found.links else None)
            or (NextURL(field=found.url) if found.url else None)
            or _page_number(found, sent, size)
            or _token(found, self.token_param)
            or _offset(found, sent, size)
            or (None if found.says_more else _ended(found, size))
            or _echoed(found, size)
            or _as_sent(sent, size)
        )
        if scheme is not None:
            return (scheme,)
        tries = tuple(_with_signs(scheme, found) for scheme in self.unsaid)
        names = tuple(dict.fromkeys(scheme.name for scheme in tries))
        return (*tries, Unsigned(tried=names, more=found.says_more))

    def next(self, page: Page, rows: Rows) -> Step:
        """Return what comes after a page by the scheme that it has itself."""
        return self.met(page)[0].next(page, rows)


def unheard(page: Page, met: Paging) -> str:
    """Return what on the last page of a walk says that there is more; empty where nothing does.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Page, Reply
    >>> from socialframe.paging import Single
    >>> page = Page(Call("/x"), Reply(200, {}, b"", None, ""), {"hasMore": True}, b"[1]", "")
    >>> unheard(page, Single())
    'hasMore'
    """
    found = offers(page)
    more = found.value(found.more)
    if more is not None:  # a flag ends a walk, whatever the token
        said = found.more if more else None
    else:
        said = found.url or found.number or found.sure_token
    page_at, pages_at = found.page, found.pages
    if said is None and page_at and pages_at:
        start = met.start if isinstance(met, PageNumber) else min(1, found.value(page_at))
        said = pages_at if found.value(page_at) - start + 1 < found.value(pages_at) else None
    return said or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned(Declared):
    """A reply that says nothing of others; schemes that were tried brought nothing new."""

    tried: tuple[str, ...] = ()
    more: str | None = None

    @property
    def name(self) -> str:
        """Nobody knows."""
        return "unknown"

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        """Return the end, of which nothing is known."""
        return Step(None)

    @property
    def doubt(self) -> str:
        """What to declare."""
        if self.more:
            return (
                f"the reply says at {self.more!r} that more follows, and not how to ask for it: "
                "say paging=… to fetch()"
            )
        tried = f", and nothing new came by {' or '.join(self.tried)}" if self.tried else ""
        return (
            f"the reply says nothing of further pages{tried}: say paging=… to fetch() if there are "
            "some, paging=Single() if there are none"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SentNumber(PageNumber):
    """A page number that the caller sent and no reply speaks of."""

    @property
    def name(self) -> str:
        """What can be declared."""
        return "PageNumber"

    @property
    def doubt(self) -> str:
        """What to declare."""
        return _SENT.format(self.param, f"PageNumber(param={self.param!r})")

    @property
    def hint(self) -> str:
        """What to declare, where the count led to an error."""
        return _LED.format(self.param, f"PageNumber(param={self.param!r}, …)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentOffset(Offset):
    """An offset that the caller sent and no reply speaks of."""

    @property
    def name(self) -> str:
        """What can be declared."""
        return "Offset"

    @property
    def doubt(self) -> str:
        """What to declare."""
        return _SENT.format(self.param, f"Offset(param={self.param!r})")

    @property
    def hint(self) -> str:
        """What to declare, where the count led to an error."""
        return _LED.format(self.param, f"Offset(param={self.param!r}, …)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guessed(Cursor):
    """A cursor whose parameter is a guess."""

    @property
    def name(self) -> str:
        """What can be declared."""
        return "Cursor"

    @property
    def hint(self) -> str:
        """What to declare in its place."""
        more = f", more={self.more!r}" if self.more else ""
        return (
            f"The token at {self.field!r} was sent back as {self.param!r}, which is a guess: say "
            f"paging=Cursor(field={self.field!r}, param=…{more}) with the API's own parameter."
        )


def _ended(found: Offers, size: str | None) -> Paging | None:
    """Return the scheme of a reply that says of the next one only that there is none."""
    if found.links:
        return LinkHeader()
    if found.no_url:
        return NextURL(field=found.no_url)
    if found.no_number:
        return PageNumber(size_param=size, next_page=found.no_number)
    if found.no_token:
        return Cursor(field=found.no_token, param=found.no_token.rpartition(".")[2])
    return None


def _page_number(found: Offers, sent: Call, size: str | None) -> Paging | None:
    page = found.page
    param = "page" if page is None else page.rpartition(".")[2]
    param = "page" if param not in {"page", "p"} and sent.param(param) is None else param
    start = 0 if page is not None and found.value(page) == 0 else 1
    if found.number is not None:
        return PageNumber(param=param, start=start, size_param=size, next_page=found.number)
    if page is None or not (found.pages or found.more or found.total):
        return None
    return PageNumber(
        param=param,
        start=start,
        size_param=size,
        total_pages=found.pages,
        total_rows=found.total,
        more=found.more,
    )


def _token(found: Offers, param: str | None) -> Paging | None:
    token = found.token
    if token is None:
        return None
    if param is not None:
        return Cursor(field=token, param=param, more=found.more)
    return Guessed(field=token, param=token.rpartition(".")[2], more=found.more)


def _offset(found: Offers, sent: Call, size: str | None) -> Paging | None:
    name = (
        found.offset.rpartition(".")[2] if found.offset else next(_sent(sent, OFFSET_NAMES), None)
    )
    if name is None or not (found.more or found.total):
        return None
    limit = size or found.limit or "limit"
    return Offset(param=name, limit_param=limit, total_rows=found.total, more=found.more)


def _echoed(found: Offers, size: str | None) -> Paging | None:
    """Return the scheme of a reply that says where it begins, and nothing of an end."""
    if found.page is not None and found.value(found.page) in {0, 1}:
        return PageNumber(param="page", start=found.value(found.page), size_param=size)
    if found.offset is not None and found.value(found.offset) == 0:
        return Offset(param=found.offset.rpartition(".")[2], limit_param=size or "limit")
    return None


def _with_signs(scheme: Paging, found: Offers) -> Paging:
    """Return a scheme that reads an end where the reply has a sign of one."""
    if isinstance(scheme, PageNumber):
        return replace(scheme, total_pages=found.pages, total_rows=found.total, more=found.more)
    if isinstance(scheme, Offset):
        return replace(scheme, total_rows=found.total, more=found.more)
    return scheme


def _as_sent(sent: Call, size: str | None) -> Paging | None:
    for name in _sent(sent, PAGE_NAMES):
        return SentNumber(param=name, size_param=size)
    for name in _sent(sent, OFFSET_NAMES):
        return SentOffset(param=name, limit_param=size or "limit")
    return None


def _sent(sent: Call, names: set[str]) -> Iterator[str]:
    return (name for name, _ in sent.params if name.replace("_", "").lower() in names)
