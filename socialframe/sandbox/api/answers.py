"""Responses of the sandbox, and the endpoints of accounts and posts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from socialframe.sandbox.api.request import ApiError
from socialframe.sandbox.json_text import dumps
from socialframe.sandbox.paging.families import cut_page, read_page_range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from socialframe.sandbox.api.request import ApiRequest, Headers
    from socialframe.sandbox.json_text import Json


Routes = dict[tuple[str, str], "Callable[[ApiRequest], Answer]"]


class Answer(NamedTuple):
    """A complete response."""

    body: bytes
    headers: Headers = ()
    status: int = 200
    content_type: str = "application/json"


def error_answer(error: ApiError) -> Answer:
    """Return the response for an error of the API."""
    return Answer(dumps(error.body()), error.headers, error.status)


def accounts(request: ApiRequest) -> Answer:
    """Answer ``GET /v1/accounts``; an unknown platform has no accounts."""
    platform = request.text("platform")
    shown = [who for who in request.world.accounts if platform in (None, who["platform"])]
    return Answer(dumps({"accounts": shown}))


def health(request: ApiRequest) -> Answer:
    """Answer ``GET /v1/accounts/health``."""
    return Answer(dumps({"accounts": request.world.health}))


def listing(lines: Iterable[bytes], before: bytes, after: bytes) -> bytes:
    """Join posts that are JSON already into one page."""
    return b"".join((b"{", before, b'"posts":[', b",".join(lines), b"]", after, b"}"))


def members(values: Json) -> bytes:
    """Return JSON members that follow others in the same object."""
    return b"," + dumps(values)[1:-1] if values else b""


def posts(request: ApiRequest) -> Answer:
    """Answer ``GET /v1/posts``, newest first; a page past the end is empty."""
    wish = read_page_range(request, limit=10)
    places = request.world.select(
        status=request.text("status"),
        platform=request.text("platform"),
        first=request.day("dateFrom"),
        last=request.day("dateTo"),
    )
    page = cut_page(request, wish, places)
    after = members(page.members)
    return Answer(
        listing((request.world.line(place) for place in page.places), b"", after), page.headers
    )


def post(request: ApiRequest) -> Answer:
    """Answer ``GET /v1/posts/{postId}``."""
    place = request.world.find(request.path["post_id"])
    if place is None:
        raise ApiError(404, "NOT_FOUND", "Post not found")
    return Answer(request.world.line(place))


ROUTES: Routes = {
    ("GET", "/v1/accounts"): accounts,
    ("GET", "/v1/accounts/health"): health,
    ("GET", "/v1/posts"): posts,
    ("GET", "/v1/posts/<post_id>"): post,
}
"""What answers where; each part of the sandbox has such a table."""
