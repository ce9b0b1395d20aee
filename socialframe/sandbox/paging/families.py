"""The paging families: how a list is cut into pages, and how each marks the last page.

A family reads the page from its own parameters and ignores others; its end sign is the part of the
response that marks the last page.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from socialframe.errors import ArgumentError
from socialframe.sandbox.api.request import (
    LAST_PAGE,
    ApiRequest,
    EndSign,
    Headers,
    PagingFamily,
    RequestedPage,
    invalid,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from socialframe.sandbox.json_text import Json
    from socialframe.sandbox.world.world import World

_LONGEST_TOKEN = 64  # far above any issued one


class PageRange(NamedTuple):
    """The rows that a request asks for."""

    limit: int
    start: int
    after: str | None = None


class _Position(NamedTuple):
    request: ApiRequest
    start: int
    limit: int
    total: int

    @property
    def page(self) -> int:
        return self.start // self.limit + 1

    @property
    def pages(self) -> int:
        return -(-self.total // self.limit)

    @property
    def more(self) -> bool:
        return self.start + self.limit < self.total

    def address(self, page: int) -> str:
        return f"{self.request.address}?{urlencode({**self.request.args, 'page': page})}"


class ListPage(NamedTuple):
    places: Sequence[int]
    members: Json
    headers: Headers = ()


class _Family(NamedTuple):
    read: Callable[[ApiRequest, int], PageRange]
    signs: Mapping[str, tuple[str, ...]]  # the members of ``pagination`` by end sign


def _limit(request: ApiRequest, default: int) -> int:
    limit = request.whole("limit", default=default, top=100)
    # The response shows the limit that was used. The family "none" reads no limit.
    cap = request.switches.page_cap
    return min(limit, cap or limit)


def _by_page(request: ApiRequest, default: int) -> PageRange:
    page = request.whole("page", default=1, top=LAST_PAGE)
    limit = _limit(request, default)
    return PageRange(limit, (page - 1) * limit)


def _by_offset(request: ApiRequest, default: int) -> PageRange:
    return PageRange(
        _limit(request, default), request.whole("offset", default=0, top=LAST_PAGE, least=0)
    )


def _by_cursor(request: ApiRequest, default: int) -> PageRange:
    token = request.text("cursor")
    return PageRange(_limit(request, default), 0 if token is None else _position(token))


def _by_id(request: ApiRequest, default: int) -> PageRange:
    return PageRange(_limit(request, default), 0, request.text("after"))


def _at_once(_ask: ApiRequest, _default: int) -> PageRange:
    return PageRange(LAST_PAGE, 0)


def cursor_at(position: int) -> str:
    """Return the cursor of a position; it is the same in every sandbox."""
    check = hashlib.blake2s(str(position).encode(), key=b"cursor", digest_size=6).hexdigest()
    return base64.urlsafe_b64encode(f"{position}.{check}".encode()).decode().rstrip("=")


def _position(token: str) -> int:
    try:
        padding = "=" * (-len(token) % 4)
        text = base64.urlsafe_b64decode(token[:_LONGEST_TOKEN] + padding).decode()
        position = int(text.partition(".")[0])
    except ValueError:
        position = -1
    # Several texts decode to the same bytes; only the issued one is valid.
    if position < 0 or cursor_at(position) != token:
        raise invalid("cursor was not issued by this list")
    return position


def _row_after(world: World, places: Sequence[int], post_id: str) -> int:
    place = world.find(post_id)
    with suppress(ValueError):
        if place is not None:
            return places.index(place) + 1
    raise invalid("after must be the id of a post in this list")


def _next_cursor(spot: _Position) -> str | None:
    sign = spot.request.end_sign
    # With "hasMore" the cursor stays on the last page: a client that checks only it never ends.
    if spot.more or sign == "hasMore":
        # A page past the end must not lead back into the list.
        return cursor_at(max(spot.start, min(spot.start + spot.limit, spot.total)))
    return "" if sign == "empty" else None


def _members(spot: _Position, names: tuple[str, ...]) -> Json:
    """Return the members of the response that describe its page."""
    if spot.request.paging == "next_url":
        return {"links": {"next": spot.address(spot.page + 1) if spot.more else None}}
    shown = {name: _MEMBERS[name](spot) for name in names}
    if spot.request.end_sign == "absent" and not spot.more:
        shown.pop("nextCursor", None)
    return {"pagination": shown} if shown else {}


def _link_header(spot: _Position) -> Headers:
    last = max(spot.pages, 1)
    pages = {"first": 1, "last": last}
    if spot.page > 1:
        pages["prev"] = min(spot.page - 1, last)
    if spot.more:
        pages["next"] = spot.page + 1
    links = (f'<{spot.address(page)}>; rel="{rel}"' for rel, page in pages.items())
    return (("Link", ", ".join(links)),)


_MEMBERS: dict[str, Callable[[_Position], int | bool | str | None]] = {
    "page": lambda spot: spot.page,
    "offset": lambda spot: spot.start,
    "limit": lambda spot: spot.limit,
    "total": lambda spot: spot.total,
    "pages": lambda spot: spot.pages,
    "hasMore": lambda spot: spot.more,
    "nextPage": lambda spot: spot.page + 1 if spot.more else None,
    "nextCursor": _next_cursor,
}

# The first end sign of a family is its default.
_FAMILIES: dict[str, _Family] = {
    "page": _Family(
        _by_page,
        {
            "pages": ("page", "limit", "total", "pages"),
            "hasMore": ("page", "limit", "hasMore"),
            "total": ("page", "limit", "total"),
            "next_page": ("page", "limit", "nextPage"),
            "short": (),
        },
    ),
    "offset": _Family(
        _by_offset,
        {
            "total": ("offset", "limit", "total"),
            "hasMore": ("offset", "limit", "hasMore"),
            "short": ("limit", "offset"),
        },
    ),
    "cursor": _Family(
        _by_cursor,
        {
            "null": ("limit", "nextCursor"),
            "empty": ("limit", "nextCursor"),
            "absent": ("limit", "nextCursor"),
            "hasMore": ("limit", "hasMore", "nextCursor"),
        },
    ),
    "next_url": _Family(_by_page, {"null": ()}),
    "link": _Family(_by_page, {"absent": ()}),
    "after_id": _Family(_by_id, {"short": ()}),
    "none": _Family(_at_once, {"none": ()}),
}

PAGINGS: dict[str, tuple[str, ...]] = {
    name: tuple(family.signs) for name, family in _FAMILIES.items()
}
"""The families of paging and the end signs that each can have, its default first."""


def end_sign_of(paging: PagingFamily, end_sign: EndSign | None) -> EndSign:
    """Return a valid end sign of a family, by default its first, or raise ArgumentError."""
    if paging not in tuple(PAGINGS):
        raise ArgumentError(f"paging must be {_either(tuple(PAGINGS))}; got {paging!r}.")
    possible = PAGINGS[paging]
    if end_sign is None:
        return possible[0]  # type: ignore[return-value]  # the table holds no other words
    if end_sign not in possible:
        raise ArgumentError(
            f"end_sign must be {_either(possible)} with paging={paging!r}; got {end_sign!r}."
        )
    return end_sign


def pagination_members(paging: PagingFamily, end_sign: EndSign) -> tuple[str, ...]:
    """Return the names of the members of ``pagination``; a family may have none."""
    return _FAMILIES[paging].signs[end_sign]


def _either(words: tuple[str, ...]) -> str:
    *others, last = map(repr, words)
    return f"{', '.join(others)} or {last}" if others else last


def read_page_range(request: ApiRequest, *, limit: int) -> PageRange:
    """Read which rows are requested, from the parameters of the request's family."""
    return _FAMILIES[request.paging].read(request, limit)


def cut_page(request: ApiRequest, wish: PageRange, places: Sequence[int]) -> ListPage:
    start = wish.start if wish.after is None else _row_after(request.world, places, wish.after)
    if request.page_only:
        raise RequestedPage(start, wish.limit, places, request.paging, request.end_sign)
    spot = _Position(request, start, wish.limit, len(places))
    names = pagination_members(request.paging, request.end_sign)
    headers = _link_header(spot) if request.paging == "link" else ()
    return ListPage(places[start : start + wish.limit], _members(spot, names), headers)
