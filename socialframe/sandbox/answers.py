"""Accounts and posts: from a request to the bytes of an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from socialframe.sandbox.asking import ApiError
from socialframe.sandbox.families import cut, read_wish
from socialframe.sandbox.world import select_posts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from socialframe.sandbox.asking import Ask
    from socialframe.sandbox.families import Headers
    from socialframe.sandbox.world import Json


class Answer(NamedTuple):
    """An answer that is the data.

    Parameters
    ----------
    body
        Its bytes.
    headers
        Headers that only this answer has.

    Examples
    --------
    >>> Answer(b"{}").headers
    ()
    """

    body: bytes
    headers: Headers = ()


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
    >>> from socialframe.sandbox.asking import Ask
    >>> from socialframe.sandbox.world import the_world
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
    >>> from socialframe.sandbox.asking import Ask
    >>> from socialframe.sandbox.world import the_world
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
    >>> from socialframe.sandbox.asking import Ask
    >>> from socialframe.sandbox.world import the_world
    >>> posts(Ask(the_world(), {"status": "unheard-of"}, {})).body
    b'{"posts":[],"pagination":{"page":1,"limit":10,"total":0,"pages":0}}'
    """
    wish = read_wish(ask, limit=10)
    places = select_posts(
        ask.world,
        status=ask.text("status"),
        platform=ask.text("platform"),
        first=ask.day("dateFrom"),
        last=ask.day("dateTo"),
    )
    page = cut(ask, wish, places)
    after = members(page.members)
    return Answer(
        listing((ask.world.lines[place] for place in page.places), b"", after), page.headers
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
    >>> from socialframe.sandbox.asking import Ask
    >>> from socialframe.sandbox.world import the_world
    >>> world = the_world()
    >>> post(Ask(world, {}, {"post_id": world.posts[0]["id"]})) == (world.lines[0], ())
    True
    """
    place = ask.world.places.get(ask.path["post_id"])
    if place is None:
        raise ApiError(404, "NOT_FOUND", "Post not found")
    return Answer(ask.world.lines[place])
