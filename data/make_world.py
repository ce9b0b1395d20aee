"""Write the made-up world that the sandbox answers from.

Everybody in it is invented: shops, people, handles, numbers. The same bytes come out at every run:
randomness is seeded and drawn through ``Random.random`` alone, the one method whose sequence Python
promises to keep.

    python data/make_world.py            # writes data/world
    python data/make_world.py elsewhere  # writes another folder
"""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from world_numbers import followers_by_day, metric_rows, write_followers, write_metrics

Json = dict[str, Any]
T = TypeVar("T")

HERE = Path(__file__).resolve().parent
POSTS = 5_400
START = datetime(2024, 11, 21, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
PUBLISHING = 7

ERRORS = (
    "Upload rejected: codec not supported",
    "The access token ran out; reconnect the account",
    "Caption is longer than this platform allows",
    "Media could not be fetched (HTTP 404)",
    "Aspect ratio must lie between 4:5 and 1.91:1",
    "The same text was posted less than a day ago",
    "Daily posting limit of the platform reached",
    'Platform answered "temporarily unavailable" three times',
)
PERMISSIONS = {
    "instagram": ["instagram_basic", "instagram_content_publish", "instagram_manage_insights"],
    "facebook": ["pages_show_list", "pages_manage_posts", "pages_read_engagement"],
    "threads": ["threads_basic", "threads_content_publish"],
    "tiktok": ["user.info.basic", "video.publish", "video.upload"],
    "twitter": ["tweet.read", "tweet.write", "users.read", "offline.access"],
}
# Accounts that are not well, and what the API would advise.
WARNINGS = {
    "tw_40409": (True, 4, ["Reconnect before the token runs out in 5 days."]),
    "fb_40712": (True, 2, ["Grant pages_read_engagement again to see numbers for new posts."]),
    "tt_40816": (
        False,
        3,
        ["The token was revoked on the platform.", "Reconnect, then retry the failed posts."],
    ),
}


def stamp(moment: datetime) -> str:
    """Write a moment as the API does: UTC, whole seconds, ``Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def pick(rng: random.Random, items: list[T] | tuple[T, ...]) -> T:
    """Draw one item with a single call of ``random``."""
    return items[int(rng.random() * len(items))]


def between(rng: random.Random, low: int, high: int) -> int:
    """Draw a whole number from ``low`` to ``high``, both included."""
    return low + int(rng.random() * (high - low + 1))


def chance(rng: random.Random, share: float) -> bool:
    """Say yes in a share of the cases."""
    return rng.random() < share


def hex_id(rng: random.Random, digits: int) -> str:
    """Draw an identifier of hexadecimal digits."""
    return "".join(pick(rng, tuple("0123456789abcdef")) for _ in range(digits))


def text_of(rng: random.Random, shop: Json, *, short: bool) -> str:
    """Compose a caption from the shop's phrases; short ones fit into 280 characters."""
    wide = shop["language"] == "ja"
    gap = "" if wide else " "
    numbers = {"n": between(rng, 3, 48), "h": between(rng, 9, 19)}
    count = 1 if short else pick(rng, (1, 1, 2, 2, 3, 5))
    sentences = [
        pick(rng, shop["sentences"]).format(p=pick(rng, shop["products"]), **numbers)
        for _ in range(count)
    ]
    parts = [pick(rng, shop["openers"])] if chance(rng, 0.6) else []
    body = gap.join([*parts, *sentences])
    if not short and count > 1 and chance(rng, 0.35):
        marks = [f"{pick(rng, shop['emoji'])} {sentence}" for sentence in sentences]
        body = "\n".join([*parts, "", *marks])
    if chance(rng, 0.62):
        body += gap + pick(rng, shop["emoji"]) * pick(rng, (1, 1, 1, 2, 3))
    if chance(rng, 0.5):
        body += ("\n\n" if chance(rng, 0.4) else gap) + pick(rng, shop["closers"])
    if chance(rng, 0.7):
        tags = dict.fromkeys(pick(rng, shop["hashtags"]) for _ in range(between(rng, 1, 4)))
        body += ("\n" if chance(rng, 0.5) else " ") + " ".join(tags)
    return body


def media_of(rng: random.Random, shop: Json, created: datetime, platforms: set[str]) -> list[Json]:
    """Choose the media of a post: TikTok wants video, Instagram wants something to show."""
    if "tiktok" in platforms:
        kinds = ["video"] if chance(rng, 0.86) else ["image"] * between(rng, 2, 5)
    elif "instagram" in platforms:
        kinds = ["video"] if chance(rng, 0.27) else ["image"] * pick(rng, (1, 1, 1, 1, 2, 3, 4))
        if chance(rng, 0.04):
            kinds = ["image", "video"]
    elif chance(rng, 0.4):
        kinds = []
    else:
        kinds = ["gif"] if chance(rng, 0.2) else ["image"] * pick(rng, (1, 1, 1, 2, 4))
    endings = {"image": ("jpg", "jpg", "jpg", "png", "webp"), "video": ("mp4",), "gif": ("gif",)}
    folder = f"https://cdn.example.net/{shop['slug']}/{created:%Y/%m}"
    return [
        {"type": kind, "url": f"{folder}/{hex_id(rng, 8)}.{pick(rng, endings[kind])}"}
        for kind in kinds
    ]


def accounts_of(rng: random.Random, shop: Json, created: datetime) -> list[Json]:
    """Choose whom a post goes to, among the accounts connected by then."""
    known = [a for a in shop["accounts"] if a["connectedAt"] <= stamp(created)]
    if len(known) == 1 or chance(rng, 0.46):
        return known
    chosen = [a for a in known if chance(rng, 0.6)]
    return chosen or [pick(rng, known)]


def publish(rng: random.Random, target: Json) -> None:
    """Make a target look published."""
    platform, account = target["platform"], target["accountId"]
    number = "".join(pick(rng, tuple("0123456789")) for _ in range(15))
    target["status"] = "published"
    own = number if platform == "facebook" else f"1{number}"
    target["platformPostId"] = f"{account[3:]}_{own}" if platform == "facebook" else own
    target["platformPostUrl"] = f"https://{platform}.example/{account[3:]}/posts/{own}"


def settle(rng: random.Random, post: Json, created: datetime, due: datetime | None) -> None:
    """Decide what became of a post that was meant to go out, and when."""
    out = (due or created) + timedelta(seconds=between(rng, 2, 95))
    if out > NOW:
        post["status"] = "scheduled"
        post["updatedAt"] = stamp(min(NOW, created + timedelta(minutes=between(rng, 0, 90))))
        return
    post["updatedAt"] = stamp(out)
    targets = post["platforms"]
    failing = set(range(len(targets))) if chance(rng, 0.022) else set()
    if not failing and len(targets) > 1 and chance(rng, 0.055):
        failing = {between(rng, 0, len(targets) - 1)}
    for position, target in enumerate(targets):
        if position in failing:
            target["status"] = "failed"
            target["error"] = pick(rng, ERRORS)
        else:
            publish(rng, target)
    if len(failing) == len(targets):
        post["status"] = "failed"
    else:
        post["status"] = "partial" if failing else "published"
        post["publishedAt"] = stamp(out)


def post_of(rng: random.Random, shop: Json, created: datetime) -> Json:
    """Make one post, from its caption to what became of it."""
    accounts = accounts_of(rng, shop, created)
    platforms = {account["platform"] for account in accounts}
    media = media_of(rng, shop, created, platforms)
    silent = media and chance(rng, 0.045)
    post: Json = {
        "id": f"post_{hex_id(rng, 10)}",
        "content": None if silent else text_of(rng, shop, short="twitter" in platforms),
        "status": "draft",
        "mediaItems": media,
        "platforms": [
            {"platform": a["platform"], "accountId": a["accountId"], "status": "pending"}
            for a in accounts
        ],
        "scheduledFor": None,
        "publishedAt": None,
        "timezone": "UTC" if chance(rng, 0.64) else shop["zone"],
        "tags": list(dict.fromkeys(pick(rng, shop["tags"]) for _ in range(between(rng, 0, 3)))),
        "createdAt": stamp(created),
        "updatedAt": stamp(created),
    }
    recent = created > NOW - timedelta(days=30)
    if chance(rng, 0.16 if recent else 0.022):
        later = created + timedelta(minutes=between(rng, 0, 60 * 24 * 6))
        post["updatedAt"] = stamp(min(NOW, later))
        return post
    due = None
    if chance(rng, 0.63):
        # The coming weeks are planned ahead more than the past ever was.
        far = chance(rng, 0.45 if recent else 0.1)
        days = between(rng, 10, 60) if far else between(rng, 0, 9)
        due = created.replace(minute=pick(rng, (0, 0, 15, 30, 45)), second=0)
        due += timedelta(days=days, hours=between(rng, 1, 7))
        post["scheduledFor"] = stamp(due)
    settle(rng, post, created, due)
    return post


def all_posts(shops: list[Json]) -> list[Json]:
    """Make every post, newest first, ids unique."""
    rng = random.Random("socialframe: posts")
    seconds = (NOW - START).total_seconds()
    by_weight = [shop for shop in shops for _ in range(shop["weight"])]
    posts: dict[str, Json] = {}
    while len(posts) < POSTS:
        shop = pick(rng, by_weight)
        # The shops write a little more from month to month: 0.75 u + 0.25 (1 - (1 - u)^2).
        draw = rng.random()
        share = 0.75 * draw + 0.25 * (1 - (1 - draw) * (1 - draw))
        day = START + timedelta(days=int(share * seconds / 86_400))
        offset = shop["hour"] * 3_600 + int((rng.random() + rng.random()) * 18_000)
        created = day + timedelta(seconds=offset)
        if created > NOW:
            created -= timedelta(days=1)
        post = post_of(rng, shop, created)
        posts.setdefault(post["id"], post)
    newest_first = sorted(posts.values(), key=lambda p: (p["createdAt"], p["id"]), reverse=True)
    go_out_now([p for p in newest_first if p["status"] == "scheduled"])
    return newest_first


def go_out_now(scheduled: list[Json]) -> None:
    """Let some scheduled posts be on their way out at the world's last moment."""
    rng = random.Random("socialframe: publishing")
    for post in scheduled[5 : 5 + 3 * PUBLISHING : 3]:
        post["status"] = "publishing"
        post["scheduledFor"] = post["updatedAt"] = stamp(NOW)
        post["platforms"][0]["status"] = "publishing"
        if len(post["platforms"]) > 1 and chance(rng, 0.5):
            publish(rng, post["platforms"][1])


def account_book(shops: list[Json]) -> Json:
    """Collect the accounts as two endpoints of the API show them, and the world's date."""
    accounts, health = [], []
    for shop in shops:
        for account in shop["accounts"]:
            who = {key: account[key] for key in ("platform", "accountId", "username")}
            accounts.append({**who, "connectedAt": account["connectedAt"]})
            scopes = PERMISSIONS[account["platform"]]
            valid, kept, advice = WARNINGS.get(account["accountId"], (True, len(scopes), []))
            health.append(
                {
                    **who,
                    "health": "warning" if advice else "healthy",
                    "tokenValid": valid,
                    "permissions": scopes[:kept],
                    "recommendations": advice,
                }
            )
    note = "Everybody in this world is made up: shops, people, handles, numbers."
    return {"note": note, "today": f"{NOW:%Y-%m-%d}", "accounts": accounts, "health": health}


def main(folder: Path) -> None:
    """Write the whole world into a folder."""
    shops: list[Json] = json.loads((HERE / "shops.json").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    book = json.dumps(account_book(shops), ensure_ascii=False, indent=2)
    (folder / "accounts.json").write_bytes(book.encode() + b"\n")
    posts = all_posts(shops)
    for year in range(START.year, NOW.year + 1):
        lines = [
            json.dumps(post, ensure_ascii=False, separators=(",", ":")) + "\n"
            for post in posts
            if post["createdAt"].startswith(str(year))
        ]
        (folder / f"posts-{year}.jsonl").write_bytes("".join(lines).encode())
    accounts = [account for shop in shops for account in shop["accounts"]]
    followers = {a["accountId"]: followers_by_day(a, START.date(), NOW.date()) for a in accounts}
    write_metrics(folder / "metrics.csv", metric_rows(posts, followers, NOW))
    write_followers(folder / "followers.csv", followers)
    print(f"{len(posts)} posts, {len(accounts)} accounts")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "world")
