"""Large worlds: the small world, repeated by number.

A post is made on access from a post of the small world, so that no post is kept in memory.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING

from socialframe.errors import ArgumentError
from socialframe.sandbox.json_text import Json, dumps
from socialframe.sandbox.world.places import repeat_places
from socialframe.sandbox.world.posts_index import Days, Numbers
from socialframe.sandbox.world.world import InitialPosts, World, the_world

if TYPE_CHECKING:
    from collections.abc import Sequence


MOST = 10_000_000
_DAY = 86_400  # seconds
_STORY = 729 * _DAY  # seconds between the oldest post and the newest
_SYNCED = 17 * 3600  # seconds of the last day at which numbers were read and the last post came out
_WRITTEN = 1800  # seconds from a post's creation to its publication
_EPOCH = date(1970, 1, 1).toordinal()


class LargePosts:
    """Posts copied from the small world under other ids, at other moments, in a seeded order.

    `World` describes the methods.
    """

    small = False

    def __init__(self, source: InitialPosts, posts: int, today: date, seed: int = 0) -> None:
        # Python guarantees only the sequence of ``random``.
        rng = Random(f"socialframe: grown {seed}")  # noqa: S311 - made-up data
        self._source, self._posts = source, posts
        self._order = sorted(range(len(source)), key=lambda _: rng.random())
        self._end = (today.toordinal() - _EPOCH) * _DAY + _SYNCED
        self._slots = lru_cache(maxsize=64)(self._find_slots)

    def __len__(self) -> int:
        return self._posts

    def post(self, place: int) -> Json:
        post: Json = json.loads(self.line(place))
        return post

    def line(self, place: int) -> bytes:
        out, number = self._published_at(place), self._posts - place
        return _template(self._source, self._pattern(place)) % {
            b"id": b"%010x" % number,
            b"number": b"%d" % number,
            b"digits": b"%013d" % (number + 10**12),
            b"created": _timestamp(out - _WRITTEN),
            b"out": _timestamp(out),
        }

    def find(self, post_id: str) -> int | None:
        if not re.fullmatch("post_[0-9a-f]{10}", post_id):
            return None
        number = int(post_id[5:], 16)
        return self._posts - number if 1 <= number <= self._posts else None

    def select(
        self, status: str | None, platform: str | None, account: str | None, span: Days
    ) -> Sequence[int]:
        return self._within(span, _WRITTEN, self._slots(status, platform, account, out=False))

    def measured(
        self, platform: str | None, account: str | None, span: Days, status: str | None = None
    ) -> Sequence[int]:
        return self._within(span, 0, self._slots(status, platform, account, out=True))

    def numbers(self, place: int) -> tuple[Numbers, ...] | None:
        numbers = self._source.numbers(self._pattern(place))
        if numbers is None:
            return None
        read = min(self._end, self._published_at(place) + 30 * _DAY)
        updated = _timestamp(read).decode()
        return tuple(
            Numbers(sync, metrics and {**metrics, "lastUpdated": updated})
            for sync, metrics in numbers
        )

    def _pattern(self, place: int) -> int:
        return self._order[place % len(self._order)]

    def _published_at(self, place: int) -> int:
        return self._end - _STORY * place // self._posts

    def _within(self, days: Days, earlier: int, slots: tuple[int, ...]) -> Sequence[int]:
        """Return the places with these slots whose moment, shifted back, is in a span."""

        def before(day: int) -> int:
            start = (day - _EPOCH) * _DAY + earlier
            places = range(self._posts)
            return bisect_right(places, -start, key=lambda place: -self._published_at(place))

        first, last = days
        low = 0 if last is None else before(last.toordinal() + 1)
        high = self._posts if first is None else before(first.toordinal())
        return repeat_places(slots, len(self._order), low, high)

    def _find_slots(
        self, status: str | None, platform: str | None, account: str | None, *, out: bool
    ) -> tuple[int, ...]:
        """Return the positions in a cycle that hold such posts."""
        found = set(self._source.select(status, platform, account, (None, None)))
        return tuple(
            slot
            for slot, pattern in enumerate(self._order)
            if pattern in found and not (out and self._source.numbers(pattern) is None)
        )


@lru_cache(maxsize=8192)
def _template(source: InitialPosts, pattern: int) -> bytes:
    """Return the JSON of a post with %(name)b for values that differ between its copies."""
    post: Json = json.loads(source.line(pattern).replace(b"%", b"%%"))
    moved = dict.fromkeys(("scheduledFor", "publishedAt", "updatedAt"), "%(out)b")
    if post["status"] in {"scheduled", "publishing"}:
        del moved["scheduledFor"]  # it lies after the world's last day
    return dumps(
        {
            **post,
            **{name: moment for name, moment in moved.items() if post[name] is not None},
            "id": "post_%(id)b",
            "content": post["content"] and f"{post['content']} №%(number)b",
            "platforms": [
                {
                    name: re.sub(r"\d{15}$", f"%(digits)b{position:02}", value)
                    for name, value in target.items()
                }
                for position, target in enumerate(post["platforms"])
            ],
            "createdAt": "%(created)b",
        }
    )


def _timestamp(seconds: int) -> bytes:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return moment.isoformat().replace("+00:00", "Z").encode()


def large_world(posts: int, seed: int = 0) -> World:
    """Return a world of the same accounts with this many posts, or raise ArgumentError."""
    said: object = posts
    if not isinstance(said, int) or isinstance(said, bool) or not 0 <= said <= MOST:
        raise ArgumentError(f"posts must be an integer from 0 to {MOST:,}; got {posts!r}.")
    world = the_world()
    return replace(world, initial=LargePosts(world.initial, posts, world.today, seed))
