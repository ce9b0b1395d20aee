"""Numbers of the made-up world: what posts reached, and how many people follow.

Only ``Random.random`` and plain arithmetic are used, no ``exp`` or ``pow``, so that every machine
comes to the same digits.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Json = dict[str, Any]

METRICS = ("impressions", "reach", "likes", "comments", "shares", "saves", "clicks", "views")
HEADER = ("post_id", "position", "sync_status", *METRICS, "engagement_rate", "last_updated")

# Impressions per follower, and engagement in percent of impressions, on an ordinary day.
REACH = {"instagram": 0.46, "facebook": 0.13, "threads": 0.6, "tiktok": 1.3, "twitter": 0.24}
RATE = {"instagram": 4.4, "facebook": 1.6, "threads": 3.0, "tiktok": 6.6, "twitter": 1.1}
# How engagement splits into likes, comments, shares, saves.
SPLIT = {
    "instagram": (0.78, 0.06, 0.06, 0.10),
    "facebook": (0.72, 0.15, 0.13, 0.0),
    "threads": (0.76, 0.16, 0.08, 0.0),
    "tiktok": (0.80, 0.05, 0.08, 0.07),
    "twitter": (0.70, 0.10, 0.20, 0.0),
}
NOT_REPORTED = {
    "instagram": {"clicks"},
    "facebook": {"saves"},
    "threads": {"reach", "saves", "clicks"},
    "tiktok": {"clicks"},
    "twitter": {"reach", "saves"},
}
# Monday to Sunday: Thursday is the good day everywhere but on TikTok, which lives on weekends.
WEEKDAY = (0.91, 1.0, 1.04, 1.27, 1.02, 0.84, 0.8)
WEEKDAY_TIKTOK = (0.86, 0.88, 0.92, 0.98, 1.06, 1.34, 1.26)
MEDIA = {"video": 1.3, "gif": 1.08, "image": 1.0, "none": 0.8}
TAG = {"event": 1.22, "behind-the-scenes": 1.15, "opening-hours": 0.7, "sale": 0.9}


# Since when the numbers of an account can no longer be read (see its health in accounts.json).
UNREADABLE_SINCE = {"fb_40712": datetime(2026, 11, 8, tzinfo=UTC)}


def chance(rng: random.Random, share: float) -> bool:
    """Say yes in a share of the cases."""
    return rng.random() < share


def followers_by_day(account: Json, first: date, last: date) -> dict[date, int]:
    """Follow one account day by day from its connection on, with the gaps a collector has."""
    rng = random.Random(f"socialframe: followers of {account['accountId']}")
    start = max(first, date.fromisoformat(account["connectedAt"][:10]))
    gap = start + timedelta(days=40 + int(rng.random() * 300))
    value, counts = float(account["followers"]), {}
    for number in range((last - start).days + 1):
        day = start + timedelta(days=number)
        value += value * account["yearly"] / 365 * (0.1 + 1.8 * rng.random())
        value -= value * 0.0008 * rng.random()
        if chance(rng, 0.004):
            value *= 1.01 + 0.03 * rng.random()
        missing = chance(rng, 0.006) or gap <= day < gap + timedelta(days=3)
        if not missing or day == last:
            counts[day] = round(value)
    return counts


def noise(rng: random.Random) -> float:
    """Draw a factor around 1, skewed as attention is: now and then a post runs away."""
    factor = 1.0
    for _ in range(4):
        factor *= 0.66 + 0.7 * rng.random()
    if chance(rng, 0.012):
        factor *= 3 + 6 * rng.random()
    return factor


def audience(counts: dict[date, int], day: date) -> int:
    """Take the follower count of a day, or of the nearest earlier day that has one."""
    while day not in counts:
        day -= timedelta(days=1)
        if day < min(counts):
            return counts[min(counts)]
    return counts[day]


def measure(rng: random.Random, post: Json, target: Json, followers: int, age: float) -> Json:
    """Measure one published target; ``age`` is its share of a full-grown post, 0 to 1."""
    platform = target["platform"]
    kinds = {item["type"] for item in post["mediaItems"]} or {"none"}
    moment = datetime.fromisoformat(post["publishedAt"])
    day = (WEEKDAY_TIKTOK if platform == "tiktok" else WEEKDAY)[moment.weekday()]
    pull = day * max(MEDIA[kind] for kind in kinds)
    for tag in post["tags"]:
        pull *= TAG.get(tag, 1.0)
    impressions = 5 + round(followers * REACH[platform] * pull * noise(rng) * age)
    # Good days bring more viewers and, a little, keener ones.
    engaged = impressions * RATE[platform] / 100 * (0.6 + 0.4 * day) * (0.7 + 0.6 * rng.random())
    parts = [round(engaged * part * (0.6 + 0.8 * rng.random())) for part in SPLIT[platform]]
    likes, comments, shares, saves = parts
    filmed = platform == "tiktok" or "video" in kinds
    numbers: Json = {
        "impressions": impressions,
        "reach": round(impressions * (0.68 + 0.24 * rng.random())),
        "likes": likes,
        "comments": comments,
        "shares": shares,
        "saves": saves,
        "clicks": round(impressions * 0.011 * (0.3 + 1.4 * rng.random())),
        "views": round(impressions * (0.7 + 0.28 * rng.random())) if filmed else None,
    }
    for name in NOT_REPORTED[platform]:
        numbers[name] = None
    return numbers


def metric_rows(
    posts: Iterable[Json], followers: dict[str, dict[date, int]], now: datetime
) -> Iterator[list[str]]:
    """Yield one row a target of every post that is out, in the order of the posts."""
    rng = random.Random("socialframe: metrics")
    synced = now - timedelta(hours=1)
    for post in posts:
        if post["publishedAt"] is None:
            continue
        out = datetime.fromisoformat(post["publishedAt"]).astimezone(UTC)
        for position, target in enumerate(post["platforms"]):
            head = [post["id"], str(position)]
            unreadable = out > UNREADABLE_SINCE.get(target["accountId"], now)
            if target["status"] != "published" or unreadable or chance(rng, 0.009):
                yield [*head, "unavailable", *[""] * 10]
            elif out > synced - timedelta(hours=30 * rng.random()):
                yield [*head, "pending", *[""] * 10]
            else:
                fans = audience(followers[target["accountId"]], out.date())
                age = min(1.0, 0.15 + 0.85 * (synced - out).total_seconds() / (7 * 86_400))
                numbers = measure(rng, post, target, fans, age)
                keen = sum(numbers[n] or 0 for n in ("likes", "comments", "shares", "saves"))
                seen = min(synced, out + timedelta(days=30))
                values = ["" if numbers[n] is None else str(numbers[n]) for n in METRICS]
                rate = round(100 * keen / numbers["impressions"], 2)
                yield [*head, "synced", *values, str(rate), f"{seen:%Y-%m-%dT%H:%M:%SZ}"]


def write_metrics(path: Path, rows: Iterable[list[str]]) -> None:
    """Write the metrics; an empty cell is a number that the platform does not report."""
    path.write_bytes("".join(",".join(row) + "\n" for row in [list(HEADER), *rows]).encode())


def write_followers(path: Path, followers: dict[str, dict[date, int]]) -> None:
    """Write one row an account and day."""
    rows = [
        f"{account},{day},{count}\n"
        for account, counts in followers.items()
        for day, count in counts.items()
    ]
    path.write_bytes("".join(["account_id,date,followers\n", *rows]).encode())
