"""Paging that is not declared: what the first reply offers decides, and stays for the walk."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from socialframe.paging.links import link_target
from socialframe.paging.schemes import (
    Cursor,
    Declared,
    LinkHeader,
    NextURL,
    Offset,
    PageNumber,
)
from socialframe.paging.signs import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from socialframe.paging.schemes import Paging
    from socialframe.paging.signs import Rows
    from socialframe.replies import Call, Page

# Names, lower-case and without underscores, by what they say.
_NEXT_URL = {"next", "nexturl", "nextlink", "nextpageurl", "nextpage", "@odata.nextlink", "href"}
_NEXT_NUMBER = {"nextpage", "nextpagenumber"}
_PAGE = {"page", "currentpage", "pagenumber"}
_PAGES = {"pages", "totalpages", "pagecount", "lastpage", "totalpage"}
_OFFSET = {"offset", "skip"}
_TOTAL = {
    "total", "totalcount", "totalresults", "totalrows", "totalitems", "totalentries",
    "totalelements", "count",
}  # fmt: skip
_MORE = {"hasmore", "hasnext", "hasnextpage", "more", "next"}
_TOKENS = [  # the surest first
    re.compile(r"next(page)?(cursor|token)|(cursor|token)next"),
    re.compile(r"endcursor|nextid|nextkey|continuation(token)?|bookmark|scrollid"),
    re.compile(r"after|cursor|(page)?token|marker|next"),
]
_SIZES = ("limit", "per_page", "perPage", "page_size", "pageSize", "size", "count")
_DEPTH = 4
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
    >>> from socialframe.replies import Call, Page, Reply
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
        signs = list(_members(page.envelope, page.path))
        sent = page.call
        size = next((name for name in _SIZES if sent.param(name) is not None), None)
        found = (
            _link_header(page)
            or _next_url(signs)
            or _page_number(signs, sent, size)
            or _token(signs, self.token_param)
            or _offset(signs, sent, size)
            or _null_next(signs)
            or _echoed(signs, size)
            or _as_sent(sent, size)
        )
        if found is not None:
            return (found,)
        tries = tuple(_with_signs(scheme, signs) for scheme in self.unsaid)
        names = tuple(scheme.name for scheme in tries)
        more = next((path for path, name, value in signs if name in _MORE and value is True), None)
        return (*tries, Unsigned(tried=names, more=more))

    def next(self, page: Page, rows: Rows) -> Step:
        """Return what comes after a page by the scheme that it has itself."""
        return self.met(page)[0].next(page, rows)


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


Sign = tuple[str, str, Any]  # dotted path, folded name, value


def _members(value: Any, records: str, path: str = "", depth: int = 0) -> Iterator[Sign]:  # noqa: ANN401
    """Yield what an envelope has, outermost first, without what lies inside of lists."""
    if not isinstance(value, dict) or depth == _DEPTH:
        return
    for name, inner in value.items():
        if "." not in name and f"{path}{name}" != records:
            yield f"{path}{name}", name.replace("_", "").replace("-", "").lower(), inner
    for name, inner in value.items():
        if "." not in name:
            yield from _members(inner, records, f"{path}{name}.", depth + 1)


def _link_header(page: Page) -> Paging | None:
    header = page.reply.headers.get("link", "")
    known = [
        rel for rel in ("next", "prev", "previous", "first", "last") if link_target(header, rel)
    ]
    return LinkHeader() if known else None


def _next_url(signs: list[Sign]) -> Paging | None:
    for path, name, value in signs:
        under_next = name == "href" and path.split(".")[-2:-1] == ["next"]
        named = name in _NEXT_URL and (name != "href" or under_next)
        if named and isinstance(value, str) and re.match(r"https?://|/|\?", value):
            return NextURL(field=path)
    return None


def _null_next(signs: list[Sign]) -> Paging | None:
    """Return the scheme of a reply that says of the next one only that there is none."""
    for path, name, value in signs:
        if name in _NEXT_URL and name != "href" and (value is None or value == ""):
            return NextURL(field=path)
    return None


def _page_number(signs: list[Sign], sent: Call, size: str | None) -> Paging | None:
    following = _find(signs, _NEXT_NUMBER, int) or _find(signs, _NEXT_NUMBER, type(None))
    page, pages = _find(signs, _PAGE, int), _find(signs, _PAGES, int)
    more, total = _find(signs, _MORE, bool), _find(signs, _TOTAL, int)
    param = "page" if page is None else page.rpartition(".")[2]
    param = "page" if param not in {"page", "p"} and sent.param(param) is None else param
    start = 0 if page is not None and _number(signs, page) == 0 else 1
    if following is not None and (_number(signs, following) or page or pages):
        return PageNumber(param=param, start=start, size_param=size, next_page=following)
    if page is None or not (pages or more or total):
        return None
    return PageNumber(
        param=param,
        start=start,
        size_param=size,
        total_pages=pages,
        total_rows=total,
        more=more,
    )


def _token(signs: list[Sign], param: str | None) -> Paging | None:
    more = _find(signs, _MORE, bool)
    for pattern in _TOKENS:
        for path, name, value in signs:
            fits = isinstance(value, str | int | type(None)) and not isinstance(value, bool)
            if not fits or not pattern.fullmatch(name):
                continue
            if value in {None, "", 0} and pattern is not _TOKENS[0] and more is None:
                continue  # an empty "after" alone says nothing
            if param is not None:
                return Cursor(field=path, param=param, more=more)
            return Guessed(field=path, param=path.rpartition(".")[2], more=more)
    return None


def _offset(signs: list[Sign], sent: Call, size: str | None) -> Paging | None:
    offset = _find(signs, _OFFSET, int)
    more, total = _find(signs, _MORE, bool), _find(signs, _TOTAL, int)
    param = offset.rpartition(".")[2] if offset else next(_sent(sent, _OFFSET), None)
    if param is None:
        return None
    limit = size or next((p.rpartition(".")[2] for p, n, _ in signs if n == "limit"), "limit")
    if offset is None and not (more or total):
        return None
    return Offset(param=param, limit_param=limit, total_rows=total, more=more)


def _echoed(signs: list[Sign], size: str | None) -> Paging | None:
    """Return the scheme of a reply that says where it begins, and nothing of an end."""
    page, offset = _find(signs, _PAGE, int), _find(signs, _OFFSET, int)
    if page is not None and _number(signs, page) in {0, 1}:
        return PageNumber(param="page", start=_number(signs, page), size_param=size)
    if offset is not None and _number(signs, offset) == 0:
        return Offset(param=offset.rpartition(".")[2], limit_param=size or "limit")
    return None


def _with_signs(scheme: Paging, signs: list[Sign]) -> Paging:
    """Return a scheme that reads an end where the reply has a sign of one."""
    more, total = _find(signs, _MORE, bool), _find(signs, _TOTAL, int)
    if isinstance(scheme, PageNumber):
        pages = _find(signs, _PAGES, int)
        return replace(scheme, total_pages=pages, total_rows=total, more=more)
    if isinstance(scheme, Offset):
        return replace(scheme, total_rows=total, more=more)
    return scheme


def _as_sent(sent: Call, size: str | None) -> Paging | None:
    for name in _sent(sent, _PAGE):
        return SentNumber(param=name, size_param=size)
    for name in _sent(sent, _OFFSET):
        return SentOffset(param=name, limit_param=size or "limit")
    return None


def _sent(sent: Call, names: set[str]) -> Iterator[str]:
    return (name for name, _ in sent.params if name.replace("_", "").lower() in names)


def _find(signs: list[Sign], names: set[str], kind: type) -> str | None:
    for path, name, value in signs:
        as_text = kind is int and isinstance(value, str) and value.isdecimal()
        if name in names and (type(value) is kind or as_text):
            return path
    return None


def _number(signs: list[Sign], path: str) -> int:
    return next(int(value or 0) for at, _, value in signs if at == path)
