"""The made-up world as an immutable value; each change makes a new one."""

from __future__ import annotations

import csv
import json
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

from socialframe.errors import FileError
from socialframe.sandbox.json_text import Json, dumps
from socialframe.sandbox.world.places import merge_places
from socialframe.sandbox.world.posts_index import Cells, FilePosts, Numbers, involves, new_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from socialframe.sandbox.world.large import LargePosts

InitialPosts: TypeAlias = "FilePosts | LargePosts"


@dataclass(frozen=True, slots=True)
class Series:
    """The followers of one account, oldest day first."""

    days: tuple[str, ...]
    counts: tuple[int, ...]


# Compared by identity, because hashing all posts would be slow.
@dataclass(frozen=True, slots=True, eq=False)
class World:
    """The complete data of the sandbox at one moment; an immutable value.

    A post has a place: the initial posts count from 0, newest first; a new post is at -1, the next
    one at -2. So ascending places are always newest first.
    """

    today: date
    accounts: tuple[Json, ...]
    health: tuple[Json, ...]
    followers: Mapping[str, Series]
    initial: InitialPosts
    own: Mapping[int, Json] = field(default_factory=dict)
    gone: tuple[int, ...] = ()
    grown: Mapping[int, tuple[Numbers, ...]] = field(default_factory=dict)

    def post(self, place: int) -> Json:
        """Return a post as a value, which must not be changed."""
        return self.own[place] if place in self.own else self.initial.post(place)

    def line(self, place: int) -> bytes:
        return dumps(self.own[place]) if place in self.own else self.initial.line(place)

    def find(self, post_id: str) -> int | None:
        """Return the place of a post by its id, or None."""
        for own, post in self.own.items():
            if post["id"] == post_id:
                return own
        place = self.initial.find(post_id)
        return None if place is None or self._is_gone(place) else place

    def select(
        self,
        *,
        status: str | None = None,
        platform: str | None = None,
        account: str | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> Sequence[int]:
        """Return the places of posts by status, target and day of creation."""
        places = self.initial.select(status, platform, account, (first, last))
        if not self.own and not self.gone:
            return places
        days = tuple(day and day.isoformat() for day in (first, last))
        kept = sorted(
            place
            for place, post in self.own.items()
            if status in (None, post["status"])
            and (platform is account is None or involves(post, platform, account))
            and (days[0] or "") <= post.get("createdAt", "")[:10] <= (days[1] or "~")
        )
        return merge_places(places, kept, self.gone)

    def measured(
        self,
        platform: str | None,
        account: str | None,
        span: tuple[date, date],
        status: str | None = None,
    ) -> Sequence[int]:
        """Return the places of published posts by target and day, newest first."""
        places = self.initial.measured(platform, account, span, status)
        if not self.own and not self.gone:
            return places
        first, last = (day.isoformat() for day in span)
        kept = [
            place
            for place, post in sorted(self.own.items())
            if self.numbers(place) is not None
            and status in (None, post["status"])
            and involves(post, platform, account)
            and first <= post["publishedAt"][:10] <= last
        ]
        if not self.initial.small:
            return merge_places(places, kept, self.gone)  # new ones come first
        left = [place for place in places if not self._is_gone(place)]
        # Do not sort by id, so that a new post comes first among equal moments.
        return sorted(
            [*kept, *left], key=lambda place: str(self.post(place)["publishedAt"]), reverse=True
        )

    def numbers(self, place: int) -> tuple[Numbers, ...] | None:
        """Return the numbers of each target of a published post, or None.

        Targets published since the start have zeros.
        """
        post = self.own.get(place)
        if place in self.grown:
            return self.grown[place]
        if post is None:
            return self.initial.numbers(place)
        if post["status"] not in {"published", "partial"}:
            return None
        blank = (Numbers("unavailable", None),) * len(post["platforms"])
        before = self.initial.numbers(place) if place >= 0 else None
        return tuple(
            new_numbers(post["publishedAt"])
            if target["status"] == "published" and then.sync == "unavailable"
            else then
            for target, then in zip(post["platforms"], before or blank, strict=True)
        )

    def with_post(self, post: Json) -> Self:
        """Return a world with this post, in place of one with the same id."""
        place = self.find(post["id"])
        if place is None:
            place = min([0, *self.own]) - 1
        return replace(self, own={**self.own, place: post}, gone=self._gone_with(place))

    def without_post(self, post_id: str) -> Self:
        place = self.find(post_id)
        if place is None:
            return self
        own = {at: post for at, post in self.own.items() if at != place}
        return replace(self, own=own, gone=self._gone_with(place))

    def with_account(self, account: Json, health: Json) -> Self:
        """Return a world with this account, in place of the same one."""
        same = (account["platform"], account["accountId"])
        known = [_pair(one) for one in self.accounts]
        if same not in known:
            return replace(self, accounts=(*self.accounts, account), health=(*self.health, health))
        at = known.index(same)
        accounts, states = list(self.accounts), list(self.health)
        accounts[at], states[at] = account, health
        return replace(self, accounts=tuple(accounts), health=tuple(states))

    def without_account(self, platform: str, account_id: str) -> Self:
        """Return a world without this account; its posts stay."""
        gone = (platform, account_id)
        return replace(
            self,
            accounts=tuple(one for one in self.accounts if _pair(one) != gone),
            health=tuple(one for one in self.health if _pair(one) != gone),
        )

    def _is_gone(self, place: int) -> bool:
        at = bisect_left(self.gone, place)
        return self.gone[at : at + 1] == (place,)

    def _gone_with(self, place: int) -> tuple[int, ...]:
        if place < 0 or self._is_gone(place):
            return self.gone
        return tuple(sorted((*self.gone, place)))


def _pair(account: Json) -> tuple[str, str]:
    return account["platform"], account["accountId"]


def find_world(beside: Path | None = None) -> Path:
    """Return the data folder: next to this module in a wheel, ``data/world`` in a checkout."""
    here = beside or Path(__file__).resolve().parent
    for folder in (here / "data", here.parents[2] / "data" / "world"):
        if (folder / "accounts.json").is_file():
            return folder
    raise FileError(
        "The sandbox's data is missing: there is no 'data' folder in socialframe/sandbox/world "
        "and no 'data/world' at the root of a checkout. Reinstall socialframe, "
        "or run 'python data/make_world.py' in the checkout."
    )


def load_world(folder: Path) -> World:
    book = json.loads((folder / "accounts.json").read_bytes())
    lines: list[bytes] = []
    # Names carry the year and each file starts with its newest post.
    for path in sorted(folder.glob("posts-*.jsonl"), reverse=True):
        lines += path.read_bytes().splitlines()
    posts = tuple(json.loads(line) for line in lines)
    return World(
        today=date.fromisoformat(book["today"]),
        accounts=tuple(book["accounts"]),
        health=tuple(book["health"]),
        followers=_read_followers(folder / "followers.csv"),
        initial=FilePosts(posts, tuple(lines), _read_metrics(folder / "metrics.csv")),
    )


def _read_csv(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))[1:]


def _read_metrics(path: Path) -> dict[str, tuple[Cells, ...]]:
    rows: dict[str, list[Cells]] = {}
    for post_id, _position, *cells in _read_csv(path):
        rows.setdefault(post_id, []).append(tuple(cells))
    return {post_id: tuple(targets) for post_id, targets in rows.items()}


def _read_followers(path: Path) -> dict[str, Series]:
    days: dict[str, list[str]] = {}
    counts: dict[str, list[int]] = {}
    for account, day, count in _read_csv(path):
        days.setdefault(account, []).append(day)
        counts.setdefault(account, []).append(int(count))
    return {account: Series(tuple(days[account]), tuple(counts[account])) for account in days}


@cache
def the_world() -> World:
    """Load the world that comes with the package, once per process."""
    return load_world(find_world())
