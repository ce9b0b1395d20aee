"""Accounts and posts: from a request to the bytes of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from socialframe.sandbox.api.request import ApiError
from socialframe.sandbox.json_text import dumps
from socialframe.sandbox.paging.families import cut, read_wish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from socialframe.sandbox.api.request import Ask
    from socialframe.sandbox.json_text import Json
    from socialframe.sandbox.paging.families import Headers


Routes = dict[tuple[str, str], "Callable[[Ask], Answer]"]


class Answer(NamedTuple):
    """An answer, whole."""

    body: bytes
    headers: Headers = ()
    status: int = 200
    content_type: str = "application/json"


def refused(error: ApiError, headers: Headers = ()) -> Answer:
    """Word an error of the API."""
    return Answer(dumps(error.body()), headers, error.status)


def accounts(ask: Ask) -> Answer:
    """Answer ``GET /v1/accounts``; an unknown platform has no accounts."""
    platform = ask.text("platform")
    shown = [who for who in ask.world.accounts if platform in (None, who["platform"])]
    return Answer(dumps({"accounts": shown}))


def health(ask: Ask) -> Answer:
    """Answer ``GET /v1/accounts/health``."""
    return Answer(dumps({"accounts": ask.world.health}))


def listing(lines: Iterable[bytes], before: bytes, after: bytes) -> bytes:
    """Join rendered posts to one page."""
    return b"".join((b"{", before, b'"posts":[', b",".join(lines), b"]", after, b"}"))


def members(values: Json) -> bytes:
    """Write members that come after others in the same object."""
    return b"," + dumps(values)[1:-1] if values else b""


def posts(ask: Ask) -> Answer:
    """Answer ``GET /v1/posts``, newest first; a page past the end is empty."""
    wish = read_wish(ask, limit=10)
    places = ask.world.select(
        status=ask.text("status"),
        platform=ask.text("platform"),
        first=ask.day("dateFrom"),
        last=ask.day("dateTo"),
    )
    page = cut(ask, wish, places)
    after = members(page.members)
    return Answer(
        listing((ask.world.line(place) for place in page.places), b"", after), page.headers
    )


def post(ask: Ask) -> Answer:
    """Answer ``GET /v1/posts/{postId}``."""
    place = ask.world.find(ask.path["post_id"])
    if place is None:
        raise ApiError(404, "NOT_FOUND", "Post not found")
    return Answer(ask.world.line(place))


ROUTES: Routes = {
    ("GET", "/v1/accounts"): accounts,
    ("GET", "/v1/accounts/health"): health,
    ("GET", "/v1/posts"): posts,
    ("GET", "/v1/posts/<post_id>"): post,
}
"""What answers where; each part of the sandbox has such a table."""
