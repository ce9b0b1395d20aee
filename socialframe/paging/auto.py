"""Detects the paging scheme from the first reply; the walk keeps it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from socialframe.messages.paths import plain_name
from socialframe.paging.hints import (
    OFFSET_NAMES,
    PAGE_NAMES,
    Hints,
    header_of_more,
    link_target,
    read_hints,
)
from socialframe.paging.schemes import (
    Cursor,
    LinkHeader,
    NextURL,
    Offset,
    PageNumber,
    Scheme,
    Single,
)
from socialframe.paging.tokens import Assumed, UnknownPaging, token_schemes, was_sent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from socialframe.messages.call import Call
    from socialframe.messages.envelope import Page
    from socialframe.paging.end_signs import Rows, Step
    from socialframe.paging.schemes import Paging

_FLAG_WRAPPERS = {"meta", "metadata", "pagination", "paging", "pageinfo"}
_SIZES = ("limit", "per_page", "perPage", "page_size", "pageSize", "size", "count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Auto(Scheme):
    """Detect the scheme from the first reply.

    Auto uses the first of these that the reply has: a ``Link`` header; the URL of the next page;
    the number of the next page; a page number with a number of pages, a number of rows, or a flag;
    a token (with its flag); an offset with a number of rows or a flag; finally, a page number or an
    offset that the caller sent. The detected scheme is used for the complete walk.

    A token is tried in the parameters that usually belong to its name, such as ``cursor`` for
    ``next_cursor``, ``pageToken`` for ``nextPageToken``, ``after`` for ``endCursor``, and in the
    parameter with its own name. If none returns new rows, the error asks for
    ``Cursor(field=…, param=…)``.

    Parameters
    ----------
    token_param : str or None
        Parameter that sends a token back; None tries the usual ones.
    unsaid : tuple of Paging
        Schemes to try, in this order, if the reply has none of these fields. A declared endpoint
        sets them.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Reply
    >>> from socialframe.messages.envelope import Page
    >>> page = Page(Call("/x"), Reply(200, {}, b"", None, ""), {"page": 1, "pages": 2}, b"[1]", "")
    >>> [scheme.name for scheme in Auto().resolve(page)]
    ['PageNumber']
    """

    token_param: str | None = None
    unsaid: tuple[Paging, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The body itself: the first page is parsed completely."""
        return ("",)

    def resolve(self, page: Page) -> tuple[Paging, ...]:
        """Return the detected scheme; the schemes to try if the reply does not show one."""
        hints, sent = read_hints(page), page.call
        size = next((name for name in _SIZES if sent.param(name) is not None), None)
        scheme = (
            (LinkHeader() if "next" in hints.links else None)
            or (NextURL(field=hints.url) if hints.url else None)
            or (Cursor(field=hints.parameters) if hints.parameters else None)
            or _page_number(hints, sent, size)
        )
        if scheme is not None:
            return (scheme,)
        if found := token_schemes(hints, sent, self.token_param):
            return found
        scheme = (
            _offset(hints, sent, size)
            or (None if hints.says_more else _ended(page, hints, size))
            or _position_only(hints, size)
            or _as_sent(sent, size)
            or _flag_alone(hints)
        )
        if scheme is not None:
            return (scheme,)
        tries = tuple(_with_end_fields(scheme, hints) for scheme in self.unsaid)
        names = tuple(dict.fromkeys(scheme.name for scheme in tries))
        return (*tries, UnknownPaging(_unknown(names, hints.says_more)))

    def next(self, page: Page, rows: Rows) -> Step:
        """Return the next call or the end, by the scheme of this page."""
        return self.resolve(page)[0].next(page, rows)


def contradicting_sign(page: Page, paging: Paging) -> str:
    """Return the path of a field on the last page that shows more pages; empty if there is none."""
    hints = read_hints(page)
    more = hints.value(hints.more)
    if more is not None:  # a flag counts more than a token
        sign = hints.more if more else None
    else:
        token = hints.sure_token
        if page.empty and was_sent(page.call, hints.value(token)):
            token = None  # it leads back to this page
        sign = hints.url or hints.number or token or hints.link_list or hints.unfinished
        sign = sign or header_of_more(page, alone=paging.name == "Single") or None
        if "next" in hints.links and paging.name != "LinkHeader":
            sign = sign or "Link next"
    page_at, pages_at = hints.page, hints.pages
    if sign is None and page_at and pages_at:
        scheme = paging.scheme if isinstance(paging, Assumed) else paging
        number = hints.value(page_at)
        start = scheme.start if isinstance(scheme, PageNumber) else min(1, number)
        sign = pages_at if number - start + 1 < hints.value(pages_at) else None
    return sign or ""


def _ended(page: Page, hints: Hints, size: str | None) -> Paging | None:
    """Return the scheme of a reply whose field for the next page is empty."""
    last = link_target(page.reply.headers.get("link", ""), "last") if hints.links else None
    is_last = last is not None and urljoin(page.reply.url, last) == page.reply.url
    if is_last or {"prev", "previous", "first"}.intersection(hints.links):
        return LinkHeader()
    if hints.empty_url:
        return NextURL(field=hints.empty_url)
    if hints.empty_number:
        return PageNumber(size_param=size, next_page=hints.empty_number)
    if hints.empty_token:
        return Cursor(field=hints.empty_token, param=_last_name(hints.empty_token))
    if hints.empty_parameters:
        return Cursor(field=hints.empty_parameters)
    return None


def _page_number(hints: Hints, sent: Call, size: str | None) -> Paging | None:
    page = hints.page
    param = "page" if page is None else _last_name(page)
    param = "page" if param not in {"page", "p"} and sent.param(param) is None else param
    start = 0 if page is not None and hints.value(page) == 0 else 1
    if hints.number is not None:
        return PageNumber(param=param, start=start, size_param=size, next_page=hints.number)
    if page is None or not (hints.pages or hints.more or hints.total):
        return None
    return PageNumber(
        param=param,
        start=start,
        size_param=size,
        total_pages=hints.pages,
        total_rows=hints.total,
        more=hints.more,
    )


def _offset(hints: Hints, sent: Call, size: str | None) -> Paging | None:
    name = _last_name(hints.offset) if hints.offset else next(_sent(sent, OFFSET_NAMES), None)
    if name is None or not (hints.more or hints.total):
        return None
    limit = size or hints.limit or "limit"
    return Offset(param=name, limit_param=limit, total_rows=hints.total, more=hints.more)


def _flag_alone(hints: Hints) -> Paging | None:
    """Return the scheme of a reply whose flag, beside the rows, says that no more pages follow."""
    parent = plain_name((hints.more or "").rpartition(".")[0])
    says = hints.more is not None and (not parent or parent in _FLAG_WRAPPERS)
    return Single() if says and not hints.value(hints.more) else None


def _position_only(hints: Hints, size: str | None) -> Paging | None:
    """Return the scheme of a reply that has its page number or offset, and no end."""
    if hints.page is not None and hints.value(hints.page) in {0, 1}:
        return PageNumber(param="page", start=hints.value(hints.page), size_param=size)
    if hints.offset is not None and hints.value(hints.offset) == 0:
        return Offset(param=_last_name(hints.offset), limit_param=size or "limit")
    return None


def _with_end_fields(scheme: Paging, hints: Hints) -> Paging:
    """Return the scheme with the fields of the reply that mark the last page."""
    if isinstance(scheme, PageNumber):
        return replace(scheme, total_pages=hints.pages, total_rows=hints.total, more=hints.more)
    if isinstance(scheme, Offset):
        return replace(scheme, total_rows=hints.total, more=hints.more)
    return scheme


def _as_sent(sent: Call, size: str | None) -> Paging | None:
    for name in _sent(sent, PAGE_NAMES):
        return _counted(PageNumber(param=name, size_param=size))
    for name in _sent(sent, OFFSET_NAMES):
        return _counted(Offset(param=name, limit_param=size or "limit"))
    return None


def _counted(scheme: PageNumber | Offset) -> Assumed:
    name, param = scheme.name, scheme.param
    return Assumed(
        scheme,
        doubt=f"no reply shows how to get the next page, so the walk increased {param!r} "
        f"until it received no new rows; pass paging={name}(param={param!r}) if "
        "that is correct",
        hint=f"Cannot tell where paging by {param!r} ends; pass paging={name}(param={param!r}, …) "
        "with the field that marks the last page.",
    )


def _unknown(tried: tuple[str, ...], more: str | None) -> str:
    if more:
        return (
            f"the reply shows at {more!r} that more pages follow, but not how to get them; pass "
            "paging=… to fetch()"
        )
    without = f", and paging by {' or '.join(tried)} returned no new rows" if tried else ""
    return (
        f"the reply does not mention other pages{without}; pass paging=… to fetch() if there are "
        "other pages, or paging=Single() if there are none"
    )


def _last_name(path: str) -> str:
    return path.rpartition(".")[2]


def _sent(sent: Call, names: set[str]) -> Iterator[str]:
    return (name for name, _ in sent.params if name.replace("_", "").lower() in names)
