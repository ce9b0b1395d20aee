"""As many posts as are wanted, each made when it is asked for.

A post of the small world serves as the pattern of many: in another order, at other moments, with
other ids, numbers and addresses. All of that follows from the seed and the place, so nothing is
kept of a post, and any page is as near as the first one.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any

from socialframe.errors import ArgumentError
from socialframe.sandbox.world.places import Cycled
from socialframe.sandbox.world.posts_index import METRICS, Numbers, dumps, engagement_rate, summed
from socialframe.sandbox.world.world import the_world

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from socialframe.sandbox.world.posts_index import Days, Shelf, Show
    from socialframe.sandbox.world.world import Json, World

MOST = 10_000_000
_DAY = 86_400  # seconds
_STORY = 729 * _DAY  # seconds that the posts fill
_NOW = _DAY * 18 // 24  # seconds of the last day after which the world's clock stands still
_SYNCED = _DAY // 24  # seconds before that, numbers were read last
_EPOCH = date(1970, 1, 1).toordinal()
_HALF = 20  # bits; an id has twice as many
_ALL = (1 << 2 * _HALF) - 1
_SHIFT = 8  # bits between what decides on two moments of a post
_TOO_EARLY = Numbers("pending", None)


class Grown:
    """Posts made from the pattern of others."""

    small = False

    def __init__(self, source: Shelf, posts: int, today: date, seed: int = 0) -> None:
        # Only ``random`` is drawn from: its sequence is the one that Python promises to keep.
        rng = Random(f"socialframe: grown {seed}")  # noqa: S311 - made-up data
        self._source, self._posts = source, posts
        self._order = sorted(range(len(source)), key=lambda _: rng.random())
        self._shift, *odd = (int(rng.random() * _ALL) for _ in range(3))
        self._by = [number | 1 for number in odd]  # odd numbers can be divided by again
        self._back = [pow(number, -1, _ALL + 1) for number in self._by]
        self._end = (today.toordinal() - _EPOCH) * _DAY + _NOW
        # A post is made in the one half of its own stretch of time, and out in the other.
        self._half = min(_STORY // max(posts, 1) // 2, _DAY // 4)
        self._patterns = _patterns(source)
        self._slots = lru_cache(maxsize=64)(self._find_slots)

    def __len__(self) -> int:
        return self._posts

    def post(self, place: int) -> Json:
        """Give a post as a value."""
        post: Json = json.loads(self.line(place))
        return post

    def line(self, place: int) -> bytes:
        """Give a post as the JSON that is sent."""
        return self._pattern(place).form % self._holes(place)

    def _pattern(self, place: int) -> _Pattern:
        return self._patterns[self._order[place % len(self._order)]]

    def _holes(self, place: int) -> dict[bytes, bytes]:
        """Give what is filled in to a form."""
        code = self._code(place)
        # As `_created` and `_out`, in one go.
        start, half = self._end - _STORY * place // self._posts, self._half
        created = _stamp(start - half - (code >> _SHIFT) % half)
        made = b"%010x" % code
        return {
            b"id": made,
            b"number": b"%d" % (self._posts - place),
            b"digits": b"%013d" % code,
            b"file": b"%b/%b/%b" % (created[:4], created[5:7], made),
            b"created": created,
            b"out": _stamp(start - code % half),
        }

    def find(self, post_id: str) -> int | None:
        """Give the place of a post by its id."""
        if not re.fullmatch("post_[0-9a-f]{10}", post_id):
            return None
        code = int(post_id[5:], 16)
        for number in reversed(self._back):
            code = (code ^ code >> _HALF) * number & _ALL
        place = ((code ^ code >> _HALF) - self._shift) & _ALL
        return place if place < self._posts else None

    def select(
        self, status: str | None, platform: str | None, account: str | None, span: Days
    ) -> Sequence[int]:
        """Give the places of posts by status, target and day of creation, ascending."""
        slots = self._slots(status, platform, account, out=False)
        return self._within(span, self._created, slots)

    def numbers(self, place: int) -> tuple[Numbers, ...] | None:
        """Give the numbers of each target of a post that is out; None if it is not."""
        pattern = self._pattern(place).numbers
        if pattern is None:
            return None
        out, read = self._out(place), self._end - _SYNCED
        percent = 40 + (self._code(place) >> _HALF) % 121
        updated = _stamp(min(read, out + 30 * _DAY)).decode()
        return tuple(
            target
            if target.metrics is None
            else Numbers(target.sync, _scaled(target.metrics, percent, updated))
            if out <= read
            else _TOO_EARLY
            for target in pattern
        )

    def view(self, place: int, show: Show) -> bytes:
        """Give the JSON of what is made of a post that is out, its numbers and their sum."""
        numbers = self.numbers(place) or ()
        if _TOO_EARLY in numbers:
            return dumps(show(self.post(place), numbers, summed(numbers)))
        holes = self._holes(place)
        total = summed(numbers)
        holes[b"sum"] = text = dumps(total)
        for position, (_, metrics) in enumerate(numbers):
            # The sum of a single target is that target's own.
            holes[b"%d" % position] = text if metrics is total else dumps(metrics)
        return _view(self._pattern(place), show) % holes

    def measured(
        self, platform: str | None, account: str | None, span: Days, status: str | None = None
    ) -> Sequence[int]:
        """Give the places of posts that are out, the one that was published last first."""
        slots = self._slots(status, platform, account, out=True)
        return self._within(span, self._out, slots)

    def _code(self, place: int) -> int:
        """Scramble a place, so that each has another code and each code at most one place."""
        code = place + self._shift & _ALL
        one, two = self._by
        code = (code ^ code >> _HALF) * one & _ALL
        code = (code ^ code >> _HALF) * two & _ALL
        return code ^ code >> _HALF

    def _created(self, place: int) -> int:
        """Give the moment in which a post was made, in Unix time."""
        start = self._end - _STORY * place // self._posts
        return start - self._half - (self._code(place) >> _SHIFT) % self._half

    def _out(self, place: int) -> int:
        """Give the moment in which a post went out, in Unix time: after it was made."""
        return self._end - _STORY * place // self._posts - self._code(place) % self._half

    def _within(
        self, days: Days, moment: Callable[[int], int], slots: tuple[int, ...]
    ) -> Sequence[int]:
        """Give the places with certain slots, between two days."""

        def before(day: int) -> int:
            """Find the first place that is older than a day; moments run backwards."""
            start = (day - _EPOCH) * _DAY
            return bisect_right(range(self._posts), -start, key=lambda place: -moment(place))

        first, last = days
        low = 0 if last is None else before(last.toordinal() + 1)
        high = self._posts if first is None else before(first.toordinal())
        if len(slots) == len(self._order):
            return range(low, high)
        return Cycled(slots, len(self._order), low, high)

    def _find_slots(
        self, status: str | None, platform: str | None, account: str | None, *, out: bool
    ) -> tuple[int, ...]:
        """Find where in a cycle there are such posts."""
        found = set(self._source.select(status, platform, account, (None, None)))
        if out:
            found = {place for place in found if self._patterns[place].numbers is not None}
        return tuple(slot for slot, pattern in enumerate(self._order) if pattern in found)


def grown_world(posts: int, seed: int = 0) -> World:
    """Make a world of the same accounts with so many posts."""
    said: object = posts
    if not isinstance(said, int) or isinstance(said, bool) or not 0 <= said <= MOST:
        raise ArgumentError(f"posts takes a whole number from 0 to {MOST:,}, not {posts!r}.")
    world = the_world()
    return replace(world, shelf=Grown(world.shelf, posts, world.today, seed))


@dataclass(frozen=True, slots=True, eq=False)
class _Pattern:
    """A post of the small world as a form to be filled in, and its numbers."""

    form: bytes
    numbers: tuple[Numbers, ...] | None


@lru_cache(maxsize=2)
def _patterns(source: Shelf) -> tuple[_Pattern, ...]:
    found = []
    for place in range(len(source)):
        # What is not to be filled in has its percent signs doubled.
        post = json.loads(source.line(place).replace(b"%", b"%%"))
        found.append(_Pattern(dumps(_form(post)), source.numbers(place)))
    return tuple(found)


@lru_cache(maxsize=8192)
def _view(pattern: _Pattern, show: Show) -> bytes:
    """Make the form of a view; numbers are filled in as the JSON that they are."""
    holes: list[Any] = [f"%({position})b" for position in range(len(pattern.numbers or ()))]
    numbers = [
        Numbers(sync, metrics and hole)
        for (sync, metrics), hole in zip(pattern.numbers or (), holes, strict=True)
    ]
    total: Any = "%(sum)b"
    form = dumps(show(json.loads(pattern.form), numbers, total))
    return re.sub(rb'"(%\((?:sum|\d+)\)b)"', rb"\1", form)


def _form(post: Json) -> Json:
    moved = dict.fromkeys(("scheduledFor", "publishedAt", "updatedAt"), "%(out)b")
    if post["status"] in {"scheduled", "publishing"}:
        # These look ahead from the world's last moment, whenever they were made.
        del moved["scheduledFor"]
    if post["status"] == "publishing":
        del moved["updatedAt"]
    return {
        **post,
        **{name: moment for name, moment in moved.items() if post[name] is not None},
        "id": "post_%(id)b",
        "content": post["content"] and f"{post['content']} №%(number)b",
        "mediaItems": [
            {**item, "url": re.sub(r"\d{4}/\d\d/", "%(file)b", item["url"])}
            for item in post["mediaItems"]
        ],
        "platforms": [
            {
                name: re.sub(r"\d{15}$", f"%(digits)b{position:02}", value)
                for name, value in target.items()
            }
            for position, target in enumerate(post["platforms"])
        ],
        "createdAt": "%(created)b",
    }


def _scaled(metrics: Json, percent: int, updated: str) -> Json:
    """Make other counts, and the rate that follows from them."""
    counts = {name: metrics[name] and metrics[name] * percent // 100 for name in METRICS}
    return {**counts, "engagementRate": engagement_rate(counts), "lastUpdated": updated}


@lru_cache(maxsize=4096)
def _day(number: int) -> bytes:
    return date.fromordinal(_EPOCH + number).isoformat().encode()


# A whole post takes few microseconds, so these do not go through a datetime.
_MINUTES = tuple(b"T%02d:%02d:" % divmod(minute, 60) for minute in range(_DAY // 60))
_SECONDS = tuple(b"%02dZ" % second for second in range(60))


def _stamp(moment: int) -> bytes:
    """Spell a moment in Unix time as the API does."""
    day, second = divmod(moment, _DAY)
    minute, second = divmod(second, 60)
    return _day(day) + _MINUTES[minute] + _SECONDS[second]
