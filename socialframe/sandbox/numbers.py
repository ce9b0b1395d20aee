"""Analytics and followers: the shapes of the sibling API, over the made-up world."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from socialframe.sandbox.answers import Answer, listing, members
from socialframe.sandbox.asking import ApiError, invalid
from socialframe.sandbox.families import cut, read_wish
from socialframe.sandbox.shelf import involves
from socialframe.sandbox.world import Series, dumps, the_world

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from socialframe.sandbox.answers import Routes
    from socialframe.sandbox.asking import Ask
    from socialframe.sandbox.shelf import Shelf
    from socialframe.sandbox.world import Json, World

METRICS = ("impressions", "reach", "likes", "comments", "shares", "saves", "clicks", "views")
ENGAGEMENT = ("likes", "comments", "shares", "saves")
SORTS = ("date", "engagement", *METRICS)
LONGEST_SPAN = 366
LAST_SYNC = "T17:00:00Z"
_NOBODY = Series((), ())  # of an account that was connected today


def _target_metrics(cells: tuple[str, ...]) -> Json | None:
    sync, *numbers, rate, updated = cells
    if sync != "synced":
        return None
    metrics: Json = {
        name: int(number) if number else None for name, number in zip(METRICS, numbers, strict=True)
    }
    return {**metrics, "engagementRate": float(rate), "lastUpdated": updated}


def _sum_metrics(targets: list[Json]) -> Json:
    """Add up targets; what no target reports stays null, and so does everything without targets."""
    total: Json = {}
    for name in METRICS:
        known = [target[name] for target in targets if target[name] is not None]
        total[name] = sum(known) if known else None
    seen = total["impressions"]
    keen = sum(total[name] or 0 for name in ENGAGEMENT)
    total["engagementRate"] = round(100 * keen / seen, 2) if seen else None
    total["lastUpdated"] = max((target["lastUpdated"] for target in targets), default=None)
    return total


def _media_type(post: Json) -> str:
    kinds = [item["type"] for item in post["mediaItems"]]
    if not kinds:
        return "text"
    return str(kinds[0]) if len(kinds) == 1 else "carousel"


@lru_cache(maxsize=8192)
def _measured(shelf: Shelf, place: int) -> tuple[Json, bytes]:
    """Give one post's summed metrics, and the post as analytics show it."""
    post = shelf.post(place)
    names = {account["accountId"]: account["username"] for account in the_world().accounts}
    targets = []
    for target, cells in zip(post["platforms"], shelf.metrics(place) or (), strict=True):
        targets.append(
            {
                "platform": target["platform"],
                "status": target["status"],
                "accountId": target["accountId"],
                "accountUsername": names[target["accountId"]],
                "analytics": _target_metrics(cells),
                "syncStatus": cells[0],
                "platformPostUrl": target.get("platformPostUrl"),
                "error": target.get("error"),
            }
        )
    total = _sum_metrics([t["analytics"] for t in targets if t["analytics"] is not None])
    shown = {
        **{key: post[key] for key in ("id", "content", "status", "scheduledFor", "publishedAt")},
        "analytics": total,
        "platforms": targets,
        "platform": targets[0]["platform"],
        "platformPostUrl": next((u for t in targets if (u := t["platformPostUrl"])), None),
        "isExternal": False,
        "mediaType": _media_type(post),
    }
    return total, dumps(shown)


# A walk asks for the same selection page after page; a few of them are worth keeping.
@lru_cache(maxsize=32)
def _selected(
    world: World,
    platform: str | None,
    account: str | None,
    span: tuple[date, date],
    sorting: tuple[str, bool],
) -> Sequence[int]:
    """Find the measured posts of a span of days, in the order asked for."""
    places = world.measured(platform, account, span)
    sort_by, descending = sorting
    if sort_by == "date":
        return places if descending else places[::-1]

    def rank(place: int) -> tuple[bool, float, str]:
        total, _ = _measured(world.shelf, place)
        value = total["engagementRate" if sort_by == "engagement" else sort_by]
        # Posts without this number come last, in either order.
        return (value is not None) == descending, value or 0, world.post(place)["id"]

    return tuple(sorted(places, key=rank, reverse=descending))


@lru_cache(maxsize=32)
def _counts(
    world: World, platform: str | None, account: str | None, span: tuple[date, date]
) -> tuple[int, int]:
    """Count the measured posts that are published, and all that are scheduled."""
    places = world.measured(platform, account, span)
    published = sum(world.post(place)["status"] == "published" for place in places)
    waiting = (world.post(place) for place in world.select(status="scheduled"))
    return published, sum(involves(post, platform, account) for post in waiting)


def _span(ask: Ask, days: int) -> tuple[date, date]:
    """Read ``fromDate`` and ``toDate``; by default the last so many days of the world."""
    first = ask.day("fromDate") or ask.world.today - timedelta(days=days)
    last = ask.day("toDate") or ask.world.today
    if first > last:
        raise invalid("fromDate must not lie after toDate")
    return first, last


def analytics(ask: Ask) -> Answer:
    """Answer ``GET /v1/analytics``.

    A platform or an account chooses posts; a chosen post is shown whole, with all of its targets.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    Answer
        The body: a page of measured posts, or with ``postId`` the one post.

    Raises
    ------
    ApiError
        400, if a parameter cannot be read or the span is longer than 366 days; 404, if ``postId``
        names no post that is out.

    Examples
    --------
    >>> import json
    >>> from socialframe.sandbox.asking import Ask
    >>> from socialframe.sandbox.world import the_world
    >>> page = json.loads(analytics(Ask(the_world(), {"limit": "2"}, {})).body)
    >>> list(page), len(page["posts"])
    (['overview', 'posts', 'pagination', 'accounts', 'hasAnalyticsAccess'], 2)
    """
    world = ask.world
    post_id = ask.text("postId")
    if post_id is not None:
        place = world.find(post_id)
        if place is None or place in world.own or world.shelf.metrics(place) is None:
            raise ApiError(404, "NOT_FOUND", "Post not found")
        return Answer(_measured(world.shelf, place)[1])
    wish = read_wish(ask, limit=50)
    first, last = _span(ask, 90)
    if (last - first).days > LONGEST_SPAN:
        raise invalid(f"fromDate and toDate must lie at most {LONGEST_SPAN} days apart")
    sorting = (ask.choice("sortBy", SORTS), ask.choice("order", ("desc", "asc")) == "desc")
    platform, account = ask.text("platform"), ask.text("accountId")
    places = _selected(world, platform, account, (first, last), sorting)
    published, scheduled = _counts(world, platform, account, (first, last))
    overview = {
        "totalPosts": len(places),
        "publishedPosts": published,
        "scheduledPosts": scheduled,
        "lastSync": f"{world.today}{LAST_SYNC}",
        "dataStaleness": {},
    }
    page = cut(ask, wish, places)
    lines = (_measured(world.shelf, place)[1] for place in page.places)
    after = {
        **page.members,
        "accounts": [
            who
            for who in world.accounts
            if platform in (None, who["platform"]) and account in (None, who["accountId"])
        ],
        "hasAnalyticsAccess": True,
    }
    before = b'"overview":' + dumps(overview) + b","
    return Answer(listing(lines, before, members(after)), page.headers)


def follower_stats(ask: Ask) -> Answer:
    """Answer ``GET /v1/accounts/follower-stats``; unknown accounts are left out.

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
        400, if a day or the granularity cannot be read.

    Examples
    --------
    >>> import json
    >>> from socialframe.sandbox.asking import Ask
    >>> from socialframe.sandbox.world import the_world
    >>> reply = json.loads(follower_stats(Ask(the_world(), {"accountIds": "nobody"}, {})).body)
    >>> reply["stats"], reply["dateRange"]
    ({}, {'from': '2026-10-21', 'to': '2026-11-20'})
    """
    granularity = ask.choice("granularity", ("daily",))
    first, last = (day.isoformat() for day in _span(ask, 30))
    ids = ask.text("accountIds")
    wanted = None if ids is None else {part.strip() for part in ids.split(",")}
    accounts, stats = [], {}
    for who in ask.world.accounts:
        account = who["accountId"]
        if wanted is not None and account not in wanted:
            continue
        series = ask.world.followers.get(account, _NOBODY)
        low, high = bisect_left(series.days, first), bisect_right(series.days, last)
        days, counts = series.days[low:high], series.counts[low:high]
        growth = counts[-1] - counts[0] if counts else 0
        accounts.append(
            {
                "id": account,
                "platform": who["platform"],
                "username": who["username"],
                "currentFollowers": series.counts[-1] if series.counts else 0,
                "growth": growth,
                "growthPercentage": round(100 * growth / counts[0], 2) if counts else 0.0,
                "dataPoints": len(counts),
            }
        )
        stats[account] = [
            {"date": day, "followers": count} for day, count in zip(days, counts, strict=True)
        ]
    reply = {"accounts": accounts, "stats": stats, "dateRange": {"from": first, "to": last}}
    return Answer(dumps({**reply, "granularity": granularity}))


ROUTES: Routes = {
    ("GET", "/v1/accounts/follower-stats"): follower_stats,
    ("GET", "/v1/analytics"): analytics,
}
"""What answers where."""
