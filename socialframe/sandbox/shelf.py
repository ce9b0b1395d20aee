"""The posts that a sandbox has from the start."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

Json = dict[str, Any]
Cells = tuple[str, ...]


class Shelf(Protocol):
    """Posts that never change, each at its place: the newest at 0."""

    def __len__(self) -> int:
        """Tell how many there are."""

    def __hash__(self) -> int:
        """Compare by identity."""

    def post(self, place: int) -> Json:
        """Give a post as a value; nobody may change it."""

    def line(self, place: int) -> bytes:
        """Give a post as the JSON that is sent."""

    def find(self, post_id: str) -> int | None:
        """Give the place of a post by its id."""

    def select(
        self, status: str | None, platform: str | None, first: date | None, last: date | None
    ) -> Sequence[int]:
        """Give the places of posts by status, platform and day of creation, ascending."""

    def metrics(self, place: int) -> tuple[Cells, ...] | None:
        """Give the raw numbers of a post that is out, a row a target."""

    def measured(
        self, platform: str | None, account: str | None, span: tuple[date, date]
    ) -> Sequence[int]:
        """Give the places of posts that are out, the one that was published last first."""


# Compared by identity: hashing five thousand posts would be slow.
@dataclass(frozen=True, slots=True, eq=False)
class FileShelf:
    """The posts of the files in ``data/world``.

    Parameters
    ----------
    posts
        Posts as parsed values, newest first.
    lines
        The same posts as the JSON that is sent.
    rows
        For each post that is out, one row of raw cells a target.

    Examples
    --------
    >>> from socialframe.sandbox.world import the_world
    >>> shelf = the_world().shelf
    >>> shelf.find(shelf.post(7)["id"])
    7
    """

    posts: tuple[Json, ...]
    lines: tuple[bytes, ...]
    rows: Mapping[str, tuple[Cells, ...]]
    _ages: tuple[int, ...] = field(init=False)  # negated days, so that newest first is ascending
    _places: Mapping[str, int] = field(init=False)
    _known: frozenset[str] = field(init=False)  # statuses and platforms that occur

    def __post_init__(self) -> None:
        from datetime import date

        days = (date.fromisoformat(post["createdAt"][:10]).toordinal() for post in self.posts)
        object.__setattr__(self, "_ages", tuple(-day for day in days))
        places = {post["id"]: place for place, post in enumerate(self.posts)}
        object.__setattr__(self, "_places", places)
        words = {post["status"] for post in self.posts}
        words |= {target["platform"] for post in self.posts for target in post["platforms"]}
        object.__setattr__(self, "_known", frozenset(words))

    def __len__(self) -> int:
        return len(self.posts)

    def post(self, place: int) -> Json:
        """Give a post as a value."""
        return self.posts[place]

    def line(self, place: int) -> bytes:
        """Give a post as the JSON that is sent."""
        return self.lines[place]

    def find(self, post_id: str) -> int | None:
        """Give the place of a post by its id."""
        return self._places.get(post_id)

    def select(
        self, status: str | None, platform: str | None, first: date | None, last: date | None
    ) -> Sequence[int]:
        """Give the places of posts by status, platform and day of creation, ascending."""
        # Only values that occur reach the cache, so nobody can fill it with inventions.
        if not {status, platform} - {None} <= self._known:
            return ()
        places = _matching(self, status, platform)
        low = 0 if last is None else bisect_left(self._ages, -last.toordinal())
        high = len(self) if first is None else bisect_right(self._ages, -first.toordinal())
        return places[bisect_left(places, low) : bisect_left(places, high)]

    def metrics(self, place: int) -> tuple[Cells, ...] | None:
        """Give the raw numbers of a post that is out, a row a target."""
        return self.rows.get(self.posts[place]["id"])

    def measured(
        self, platform: str | None, account: str | None, span: tuple[date, date]
    ) -> Sequence[int]:
        """Give the places of posts that are out, the one that was published last first."""
        return _measured(self, platform, account, span)


def involves(post: Json, platform: str | None, account: str | None = None) -> bool:
    """Tell whether a post has a target there.

    Examples
    --------
    >>> involves({"platforms": [{"platform": "tiktok", "accountId": "tt_1"}]}, "tiktok", "tt_2")
    False
    """
    return any(
        platform in (None, target["platform"]) and account in (None, target["accountId"])
        for target in post["platforms"]
    )


@lru_cache(maxsize=128)
def _matching(shelf: FileShelf, status: str | None, platform: str | None) -> tuple[int, ...]:
    return tuple(
        place
        for place, post in enumerate(shelf.posts)
        if status in (None, post["status"]) and (platform is None or involves(post, platform))
    )


# A walk asks for the same selection page after page; a few of them are worth keeping.
@lru_cache(maxsize=32)
def _measured(
    shelf: FileShelf, platform: str | None, account: str | None, span: tuple[date, date]
) -> tuple[int, ...]:
    first, last = (day.isoformat() for day in span)
    chosen = [
        place
        for place, post in enumerate(shelf.posts)
        if post["id"] in shelf.rows
        and first <= post["publishedAt"][:10] <= last
        and involves(post, platform, account)
    ]

    def when(place: int) -> tuple[str, str]:
        return shelf.posts[place]["publishedAt"], shelf.posts[place]["id"]

    return tuple(sorted(chosen, key=when, reverse=True))
