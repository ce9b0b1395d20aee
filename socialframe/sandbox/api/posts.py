"""Reading posts; ``publishing.posts`` writes them."""

from __future__ import annotations

from socialframe.sandbox.api.answers import Answer, Routes, listing, members
from socialframe.sandbox.api.request import ApiError, ApiRequest
from socialframe.sandbox.paging.families import cut_page, read_page_range


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
    ("GET", "/v1/posts"): posts,
    ("GET", "/v1/posts/<post_id>"): post,
}
