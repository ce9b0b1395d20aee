"""Analytics and followers, in the format of the sibling API."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from socialframe.sandbox.api.answers import Answer, Routes, listing, members
from socialframe.sandbox.api.request import ApiError, ApiRequest, invalid
from socialframe.sandbox.json_text import Json, dumps
from socialframe.sandbox.paging.families import cut_page, read_page_range
from socialframe.sandbox.world.posts_index import METRICS, Numbers, sum_numbers
from socialframe.sandbox.world.world import InitialPosts, Series, World, the_world

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


SORTS = ("date", "engagement", *METRICS)
LONGEST_SPAN = 366
LAST_SYNC = "T17:00:00Z"
_NOBODY = Series((), ())  # for accounts connected since the start


def _media_type(post: Json) -> str:
    kinds = [item["type"] for item in post["mediaItems"]]
    if not kinds:
        return "text"
    return str(kinds[0]) if len(kinds) == 1 else "carousel"


@cache
def _usernames() -> dict[str, str]:
    return {account["accountId"]: account["username"] for account in the_world().accounts}


def _show_post(
    post: Json, numbers: Sequence[Numbers], total: Json, accounts: Iterable[Json] = ()
) -> Json:
    """Return a post in the format of analytics."""
    names = {**_usernames(), **{who["accountId"]: who["username"] for who in accounts}}
    targets = [
        {
            "platform": target["platform"],
            "status": target["status"],
            "accountId": target["accountId"],
            "accountUsername": names.get(target["accountId"]),
            "analytics": metrics,
            "syncStatus": sync,
            "platformPostUrl": target.get("platformPostUrl"),
            "error": target.get("error"),
        }
        for target, (sync, metrics) in zip(post["platforms"], numbers, strict=True)
    ]
    return {
        **{key: post[key] for key in ("id", "content", "status", "scheduledFor", "publishedAt")},
        "analytics": total,
        "platforms": targets,
        "platform": targets[0]["platform"],
        "platformPostUrl": next((u for t in targets if (u := t["platformPostUrl"])), None),
        "isExternal": False,
        "mediaType": _media_type(post),
    }


def _line(world: World, place: int) -> bytes:
    """Return a post as JSON in the format of analytics."""
    if place not in world.own and place not in world.grown:
        return _initial_line(world.initial, place)
    numbers = world.numbers(place) or ()
    return dumps(_show_post(world.post(place), numbers, sum_numbers(numbers), world.accounts))


@lru_cache(maxsize=8192)
def _initial_line(initial: InitialPosts, place: int) -> bytes:
    numbers = initial.numbers(place) or ()
    return dumps(_show_post(initial.post(place), numbers, sum_numbers(numbers)))


@lru_cache(maxsize=8192)
def _total(initial: InitialPosts, place: int) -> Json:
    return sum_numbers(initial.numbers(place) or ())


# A walk requests the same selection page after page.
@lru_cache(maxsize=32)
def _selected(
    world: World,
    platform: str | None,
    account: str | None,
    span: tuple[date, date],
    sorting: tuple[str, bool],
) -> Sequence[int]:
    """Return the published posts of a date span in the requested order."""
    places = world.measured(platform, account, span)
    sort_by, descending = sorting
    if sort_by == "date":
        return places if descending else places[::-1]
    if not world.initial.small:
        raise invalid("sortBy must be date: generated posts have no other order")

    def rank(place: int) -> tuple[bool, float, str]:
        own = place in world.own or place in world.grown
        total = sum_numbers(world.numbers(place) or ()) if own else _total(world.initial, place)
        value = total["engagementRate" if sort_by == "engagement" else sort_by]
        # Posts without this number come last, in either order.
        return (value is not None) == descending, value or 0, world.post(place)["id"]

    return tuple(sorted(places, key=rank, reverse=descending))


@lru_cache(maxsize=32)
def _counts(
    world: World, platform: str | None, account: str | None, span: tuple[date, date]
) -> tuple[int, int]:
    """Count the published posts of a date span, and all scheduled ones."""
    published = world.measured(platform, account, span, "published")
    return len(published), len(world.select(status="scheduled", platform=platform, account=account))


def _last_sync(world: World) -> str:
    out = (post.get("publishedAt") or "" for post in world.own.values())
    return max(f"{world.today}{LAST_SYNC}", *out, "")


def _span(request: ApiRequest, days: int) -> tuple[date, date]:
    """Read ``fromDate`` and ``toDate``.

    By default the span starts this many days before the world's last day and ends today, so that
    posts published since then are in it.
    """
    today = request.state.now.date()
    first = request.day("fromDate") or request.world.today - timedelta(days=days)
    last = request.day("toDate") or max(request.world.today, today)
    if first > last:
        raise invalid("fromDate must not lie after toDate")
    return first, last


def analytics(request: ApiRequest) -> Answer:
    """Answer ``GET /v1/analytics``.

    A platform or an account selects posts; a selected post is shown with all of its targets.
    """
    world = request.world
    post_id = request.text("postId")
    if post_id is not None:
        place = world.find(post_id)
        if place is None or world.numbers(place) is None:
            raise ApiError(404, "NOT_FOUND", "Post not found")
        return Answer(_line(world, place))
    wish = read_page_range(request, limit=50)
    first, last = _span(request, 90)
    # Without toDate the days since the world's last day do not count.
    if ((request.day("toDate") or world.today) - first).days > LONGEST_SPAN:
        raise invalid(f"fromDate and toDate must lie at most {LONGEST_SPAN} days apart")
    sorting = (request.choice("sortBy", SORTS), request.choice("order", ("desc", "asc")) == "desc")
    platform, account = request.text("platform"), request.text("accountId")
    places = _selected(world, platform, account, (first, last), sorting)
    published, scheduled = _counts(world, platform, account, (first, last))
    overview = {
        "totalPosts": len(places),
        "publishedPosts": published,
        "scheduledPosts": scheduled,
        "lastSync": _last_sync(world),
        "dataStaleness": {},
    }
    page = cut_page(request, wish, places)
    lines = (_line(world, place) for place in page.places)
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


def follower_stats(request: ApiRequest) -> Answer:
    """Answer ``GET /v1/accounts/follower-stats``; unknown accounts are ignored."""
    granularity = request.choice("granularity", ("daily",))
    first, last = (day.isoformat() for day in _span(request, 30))
    ids = request.text("accountIds")
    wanted = None if ids is None else {part.strip() for part in ids.split(",")}
    accounts, stats = [], {}
    for who in request.world.accounts:
        account = who["accountId"]
        if wanted is not None and account not in wanted:
            continue
        series = request.world.followers.get(account, _NOBODY)
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
