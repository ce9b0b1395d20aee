"""Accounts and posts: from a request to the bytes of an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from socialframe.sandbox.asking import LAST_PAGE, ApiError
from socialframe.sandbox.world import select_posts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from socialframe.sandbox.asking import Ask


def dumps(value: object) -> bytes:
    """Write JSON as the API does: compact, UTF-8.

    Parameters
    ----------
    value
        What to write.

    Returns
    -------
    bytes
        The JSON.

    Examples
    --------
    >>> dumps({"a": [1, None]})
    b'{"a":[1,null]}'
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def accounts(ask: Ask) -> bytes:
    """Answer ``GET /v1/accounts``; an unknown platform has no accounts.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    bytes
        The body.

    Examples
    --------
    >>> from socialframe.sandbox.asking import Ask
    >>> from socialframe.sandbox.world import the_world
    >>> accounts(Ask(the_world(), {"platform": "gopher"}, {}))
    b'{"accounts":[]}'
    """
    platform = ask.text("platform")
    return dumps({"accounts": [a for a in ask.world.accounts if platform in (None, a["platform"])]})


def health(ask: Ask) -> bytes:
    """Answer ``GET /v1/accounts/health``.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    bytes
        The body.

    Examples
    --------
    >>> from socialframe.sandbox.asking import Ask
    >>> from socialframe.sandbox.world import the_world
    >>> b'"health":"warning"' in health(Ask(the_world(), {}, {}))
    True
    """
    return dumps({"accounts": ask.world.health})


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


def posts(ask: Ask) -> bytes:
    """Answer ``GET /v1/posts``, newest first; a page past the end is empty.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    bytes
        The body.

    Raises
    ------
    ApiError
        400, if a number or a day cannot be read.

    Examples
    --------
    >>> from socialframe.sandbox.asking import Ask
    >>> from socialframe.sandbox.world import the_world
    >>> posts(Ask(the_world(), {"status": "unheard-of"}, {}))
    b'{"posts":[],"pagination":{"page":1,"limit":10,"total":0,"pages":0}}'
    """
    page = ask.whole("page", default=1, top=LAST_PAGE)
    limit = ask.whole("limit", default=10, top=100)
    places = select_posts(
        ask.world,
        status=ask.text("status"),
        platform=ask.text("platform"),
        first=ask.day("dateFrom"),
        last=ask.day("dateTo"),
    )
    start = (page - 1) * limit
    shown = places[start : start + limit]
    pagination = dumps(ask.pagination(page, limit, len(places)))
    return listing((ask.world.lines[place] for place in shown), b"", b',"pagination":' + pagination)


def post(ask: Ask) -> bytes:
    """Answer ``GET /v1/posts/{postId}``.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    bytes
        The body: the post itself, not wrapped.

    Raises
    ------
    ApiError
        404, if there is no such post.

    Examples
    --------
    >>> from socialframe.sandbox.asking import Ask
    >>> from socialframe.sandbox.world import the_world
    >>> world = the_world()
    >>> post(Ask(world, {}, {"post_id": world.posts[0]["id"]})) == world.lines[0]
    True
    """
    place = ask.world.places.get(ask.path["post_id"])
    if place is None:
        raise ApiError(404, "NOT_FOUND", "Post not found")
    return ask.world.lines[place]
