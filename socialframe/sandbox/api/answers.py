"""Accounts and posts: from a request to the bytes of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from socialframe.sandbox.api.request import ApiError
from socialframe.sandbox.paging.families import cut, read_wish
from socialframe.sandbox.world.world import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from socialframe.sandbox.api.request import Ask
    from socialframe.sandbox.paging.families import Headers
    from socialframe.sandbox.world.world import Json


Routes = dict[tuple[str, str], "Callable[[Ask], Answer]"]


class Answer(NamedTuple):
    """An answer, whole.

    Parameters
    ----------
    body
        Its bytes.
    headers
        Headers that only this answer has.
    status
        HTTP status.
    content_type
        Media type of the body.

    Examples
    --------
    >>> Answer(b"{}").status
    200
    """

    body: bytes
    headers: Headers = ()
    status: int = 200
    content_type: str = "application/json"


def refused(error: ApiError, headers: Headers = ()) -> Answer:
    """Word an error of the API.

    Examples
    --------
    >>> refused(ApiError(404, "NOT_FOUND", "Post not found")).body
    b'{"error":"Post not found","code":"NOT_FOUND"}'
    """
    return Answer(dumps(error.body()), headers, error.status)


def accounts(ask: Ask) -> Answer:
    """Answer ``GET /v1/accounts``; an unknown platform has no accounts.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    Answer
        The body.

    Examples
    --------
    >>> from socialframe.sandbox.api.request import Ask
    >>> from socialframe.sandbox.world.world import the_world
    >>> accounts(Ask(the_world(), {"platform": "gopher"}, {})).body
    b'{"accounts":[]}'
    """
    platform = ask.text("platform")
    shown = [who for who in ask.world.accounts if platform in (None, who["platform"])]
    return Answer(dumps({"accounts": shown}))


def health(ask: Ask) -> Answer:
    """Answer ``GET /v1/accounts/health``.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    Answer
        The body.

    Examples
    --------
    >>> from socialframe.sandbox.api.request import Ask
    >>> from socialframe.sandbox.world.world import the_world
    >>> b'"health":"warning"' in health(Ask(the_world(), {}, {})).body
    True
    """
    return Answer(dumps({"accounts": ask.world.health}))


def listing(lines: Iterable[bytes], before: bytes, after: bytes) -> bytes:
    """Join rendered posts to one page.

    Parameters
    ----------
    lines
        The posts of the page.
    before, after
        Members of the same object around them.

    Returns
    -------
    bytes
        The body.

    Examples
    --------
    >>> listing([b"1", b"2"], b"", b',"a":3')
    b'{"posts":[1,2],"a":3}'
    """
    return b"".join((b"{", before, b'"posts":[', b",".join(lines), b"]", after, b"}"))


def members(values: Json) -> bytes:
    """Write members that come after others in the same object.

    Parameters
    ----------
    values
        The members, possibly none.

    Returns
    -------
    bytes
        Their JSON, without the braces of the object.

    Examples
    --------
    >>> members({"a": 3}), members({})
    (b',"a":3', b'')
    """
    return b"," + dumps(values)[1:-1] if values else b""


def posts(ask: Ask) -> Answer:
    """Answer ``GET /v1/posts``, newest first; a page past the end is empty.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    Answer
        The body.

    Raises
    ------
    ApiError
        400, if a parameter cannot be read.

    Examples
    --------
    >>> from socialframe.sandbox.api.request import Ask
    >>> from socialframe.sandbox.world.world import the_world
    >>> posts(Ask(the_world(), {"status": "unheard-of"}, {})).body
    b'{"posts":[],"pagination":{"page":1,"limit":10,"total":0,"pages":0}}'
    """
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
    """Answer ``GET /v1/posts/{postId}``.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    Answer
        The body: the post itself, not wrapped.

    Raises
    ------
    ApiError
        404, if there is no such post.

    Examples
    --------
    >>> from socialframe.sandbox.api.request import Ask
    >>> from socialframe.sandbox.world.world import the_world
    >>> world = the_world()
    >>> post(Ask(world, {}, {"post_id": world.post(0)["id"]})).body == world.line(0)
    True
    """
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
