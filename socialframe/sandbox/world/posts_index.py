"""The posts of the small world, with an index of their searchable values."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from socialframe.sandbox.json_text import Json

Cells = tuple[str, ...]
Words = frozenset[Any]
Days = tuple[date | None, date | None]
"""The first and the last day; None is no bound."""

METRICS = ("impressions", "reach", "likes", "comments", "shares", "saves", "clicks", "views")
ENGAGEMENT = ("likes", "comments", "shares", "saves")


class Numbers(NamedTuple):
    """The numbers of one target, and whether they were read."""

    sync: str
    metrics: Json | None


class FilePosts:
    """The posts of the files in ``data/world``. `World` describes the methods."""

    small = True

    def __init__(
        self,
        posts: tuple[Json, ...],
        lines: tuple[bytes, ...],
        rows: Mapping[str, tuple[Cells, ...]],
    ) -> None:
        self.posts, self.lines, self.rows = posts, lines, rows
        days = (date.fromisoformat(post["createdAt"][:10]).toordinal() for post in posts)
        self._ages = tuple(-day for day in days)  # negated, so that newest first is ascending
        self._places = {post["id"]: place for place, post in enumerate(posts)}
        self._words = tuple(map(_words, posts))  # status, platforms and accounts of each post
        self._known: Words = frozenset().union(*self._words)

    def __len__(self) -> int:
        return len(self.posts)

    def post(self, place: int) -> Json:
        return self.posts[place]

    def line(self, place: int) -> bytes:
        return self.lines[place]

    def find(self, post_id: str) -> int | None:
        return self._places.get(post_id)

    def select(
        self, status: str | None, platform: str | None, account: str | None, span: Days
    ) -> Sequence[int]:
        # Unknown values do not reach the cache, so that they cannot fill it.
        wanted = frozenset({status, *_target(platform, account)} - {None})
        if not wanted <= self._known:
            return ()
        places = _matching(self, wanted)
        first, last = span
        low = 0 if last is None else bisect_left(self._ages, -last.toordinal())
        high = len(self) if first is None else bisect_right(self._ages, -first.toordinal())
        return places[bisect_left(places, low) : bisect_left(places, high)]

    def numbers(self, place: int) -> tuple[Numbers, ...] | None:
        rows = self.rows.get(self.posts[place]["id"])
        return None if rows is None else tuple(map(_numbers, rows))

    def measured(
        self, platform: str | None, account: str | None, span: Days, status: str | None = None
    ) -> Sequence[int]:
        return _measured(self, platform, account, span, status)


def _numbers(cells: Cells) -> Numbers:
    sync, *counts, rate, updated = cells
    if sync != "synced":
        return Numbers(sync, None)
    metrics: Json = {name: int(count or 0) for name, count in zip(METRICS, counts, strict=True)}
    return Numbers(sync, {**metrics, "engagementRate": float(rate), "lastUpdated": updated})


def new_numbers(moment: str) -> Numbers:
    """Return the numbers of a target that was just published."""
    counts = dict.fromkeys(METRICS, 0)
    return Numbers("synced", {**counts, "engagementRate": 0.0, "lastUpdated": moment})


def engagement_rate(metrics: Json) -> float | None:
    """Return the share of impressions that led to an engagement, in percent."""
    seen = metrics["impressions"]
    keen = sum([metrics[name] or 0 for name in ENGAGEMENT])
    return round(100 * keen / seen, 2) if seen else None


def sum_numbers(numbers: Sequence[Numbers]) -> Json:
    """Add up the numbers of targets; all are null if none is known."""
    known = [metrics for _, metrics in numbers if metrics is not None]
    if len(known) == 1:
        return known[0]
    total: Json = {}
    for name in METRICS:
        counts = [metrics[name] for metrics in known if metrics[name] is not None]
        total[name] = sum(counts) if counts else None
    total["engagementRate"] = engagement_rate(total)
    total["lastUpdated"] = max((metrics["lastUpdated"] for metrics in known), default=None)
    return total


def involves(post: Json, platform: str | None, account: str | None = None) -> bool:
    """Return whether a post has a target on a platform or account."""
    return any(
        platform in (None, target["platform"]) and account in (None, target["accountId"])
        for target in post["platforms"]
    )


def _target(*pair: str | None) -> Words:
    # Both must be of the same target.
    return frozenset(pair if None in pair else {pair})


def _words(post: Json) -> Words:
    pairs = {(target["platform"], target["accountId"]) for target in post["platforms"]}
    return frozenset({post["status"], *pairs, *itertools.chain(*pairs)})


@lru_cache(maxsize=128)
def _matching(posts: FilePosts, wanted: Words) -> tuple[int, ...]:
    return tuple(place for place, words in enumerate(posts._words) if wanted <= words)


# A walk requests the same selection page after page.
@lru_cache(maxsize=64)
def _measured(
    posts: FilePosts,
    platform: str | None,
    account: str | None,
    span: Days,
    status: str | None,
) -> tuple[int, ...]:
    first, last = (day.isoformat() if day else edge for day, edge in zip(span, "0~", strict=True))
    chosen = [
        place
        for place, post in enumerate(posts.posts)
        if post["id"] in posts.rows
        and status in (None, post["status"])
        and first <= post["publishedAt"][:10] <= last
        and involves(post, platform, account)
    ]

    def when(place: int) -> tuple[str, str]:
        return posts.posts[place]["publishedAt"], posts.posts[place]["id"]

    return tuple(sorted(chosen, key=when, reverse=True))
