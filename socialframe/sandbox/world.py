"""The made-up world, loaded once a process and never changed."""

from __future__ import annotations

import csv
import json
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from socialframe.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Series:
    """The followers of one account, oldest day first."""

    days: tuple[str, ...]
    counts: tuple[int, ...]


# Compared by identity: a world is loaded once, and hashing five thousand posts would be slow.
@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Everything that the sandbox knows.

    Parameters
    ----------
    today
        The day on which the world's clock stands still.
    accounts, health
        Accounts as the two endpoints list them.
    posts
        Posts as parsed values, newest first.
    lines
        The same posts as the JSON that is sent.
    ages
        For each post the negated day of its creation, so that newest first is ascending.
    places
        The position of a post by its id.
    metrics
        For each post that is out, one row of raw cells a target.
    followers
        Daily follower counts by account.
    """

    today: date
    accounts: tuple[Json, ...]
    health: tuple[Json, ...]
    posts: tuple[Json, ...]
    lines: tuple[bytes, ...]
    ages: tuple[int, ...]
    places: Mapping[str, int]
    metrics: Mapping[str, tuple[tuple[str, ...], ...]]
    followers: Mapping[str, Series]


def find_world(beside: Path | None = None) -> Path:
    """Find the folder of the world: beside this module in a wheel, in ``data`` in a checkout.

    Parameters
    ----------
    beside
        The folder of this module, or another one to look from.

    Returns
    -------
    Path
        A folder that holds ``accounts.json``.

    Raises
    ------
    FileError
        If neither place has it.

    Examples
    --------
    >>> find_world().name
    'world'
    """
    here = beside or Path(__file__).resolve().parent
    for folder in (here / "world", here.parent.parent / "data" / "world"):
        if (folder / "accounts.json").is_file():
            return folder
    raise FileError(
        "The sandbox's data is missing: there is no 'world' folder beside socialframe.sandbox "
        "and no 'data/world' at the root of a checkout. Reinstall socialframe, "
        "or run 'python data/make_world.py' in the checkout."
    )


def load_world(folder: Path) -> World:
    """Read a world from its files.

    Parameters
    ----------
    folder
        Where ``accounts.json``, ``posts-*.jsonl``, ``metrics.csv`` and ``followers.csv`` lie.

    Returns
    -------
    World
        Ready to be asked.

    Raises
    ------
    FileError
        If a file is missing.

    Examples
    --------
    >>> load_world(find_world()).today
    datetime.date(2026, 11, 20)
    """
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
        posts=posts,
        lines=tuple(lines),
        ages=tuple(-date.fromisoformat(post["createdAt"][:10]).toordinal() for post in posts),
        places={post["id"]: place for place, post in enumerate(posts)},
        metrics=_read_metrics(folder / "metrics.csv"),
        followers=_read_followers(folder / "followers.csv"),
    )


def _read_metrics(path: Path) -> dict[str, tuple[tuple[str, ...], ...]]:
    rows: dict[str, list[tuple[str, ...]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for post_id, _position, *cells in reader:
            rows.setdefault(post_id, []).append(tuple(cells))
    return {post_id: tuple(targets) for post_id, targets in rows.items()}


def _read_followers(path: Path) -> dict[str, Series]:
    days: dict[str, list[str]] = {}
    counts: dict[str, list[int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        for account, day, count in reader:
            days.setdefault(account, []).append(day)
            counts.setdefault(account, []).append(int(count))
    return {account: Series(tuple(days[account]), tuple(counts[account])) for account in days}


@cache
def the_world() -> World:
    """Load the world that comes with the package, once a process.

    Returns
    -------
    World
        The same object at every call, shared by all sandboxes.

    Raises
    ------
    FileError
        If the package came without its data.

    Examples
    --------
    >>> the_world() is the_world()
    True
    """
    return load_world(find_world())


@cache
def _matching(world: World, status: str | None, platform: str | None) -> tuple[int, ...]:
    return tuple(
        place
        for place, post in enumerate(world.posts)
        if status in (None, post["status"])
        and (platform is None or any(t["platform"] == platform for t in post["platforms"]))
    )


def select_posts(
    world: World,
    *,
    status: str | None = None,
    platform: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> Sequence[int]:
    """Find posts by status, platform and day of creation.

    Parameters
    ----------
    world
        Where to look.
    status, platform
        Keep only posts with this status, or with a target on this platform.
    first, last
        First and last day (UTC) of creation, both included.

    Returns
    -------
    Sequence of int
        Positions in ``world.posts``, newest first.

    Examples
    --------
    >>> len(select_posts(the_world())) == len(the_world().posts)
    True
    """
    # Only values that occur reach the cache, so nobody can fill it with inventions.
    if status is not None and status not in _statuses(world):
        return ()
    if platform is not None and platform not in {a["platform"] for a in world.accounts}:
        return ()
    places = _matching(world, status, platform)
    low = 0 if last is None else bisect_left(world.ages, -last.toordinal())
    high = len(world.ages) if first is None else bisect_right(world.ages, -first.toordinal())
    return places[bisect_left(places, low) : bisect_left(places, high)]


@cache
def _statuses(world: World) -> frozenset[str]:
    return frozenset(post["status"] for post in world.posts)
