"""Made-up pages of posts: realistic bytes, rendered once, with different ids on each page.

Text, targets and media of a page come from one of 48 templates; only the post ids differ. So ten
thousand pages take the memory of 48, and repetitions are too far apart to improve compression.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from words import caption

Json = dict[str, Any]

SIZE = 100  # posts a page
KINDS = ("plain", "drift", "wide", "cursor")
METRICS = [f"metric{number:03}" for number in range(289)]  # with the others, 300 columns
_TEMPLATES = 48
_PREFIX = "@@@@@@@@@@@@@@@@"  # placeholder for the first 16 digits of a post id
_EPOCH = datetime(2025, 3, 1, tzinfo=UTC)

_LENGTHS = (80, 150, 220, 300, 400, 520, 800)  # characters of a caption
_TAGS = (
    "campaign",
    "spring",
    "launch",
    "evergreen",
    "Ünterwegs",
    "客户",
    "behind-the-scenes",
    "ugc",
)
_PLATFORMS = ("instagram", "facebook", "tiktok", "threads", "twitter", "linkedin", "youtube")
_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC", "America/Sao_Paulo")
_ERRORS = ("Upload rejected: codec not supported", "The access token ran out; reconnect it")


class Pages:
    """All pages of one made-up list of posts.

    Parameters
    ----------
    posts : int
        Number of posts, a multiple of 100.
    kind : str
        "plain"; "drift": each post and each target has an undeclared field; "wide": each post has
        289 numbers and a caption of 2 kB; "cursor": a page has a cursor in place of a number.

    Examples
    --------
    >>> pages = Pages(200)
    >>> json.loads(pages.body(2))["pagination"]
    {'page': 2, 'limit': 100, 'total': 200, 'pages': 2}
    """

    def __init__(self, posts: int, kind: str = "plain") -> None:
        if posts < SIZE or posts % SIZE:
            raise ValueError(f"posts must be a multiple of {SIZE}; got {posts}.")
        self.posts = posts
        self.count = posts // SIZE
        self._kind = kind
        draw = random.Random(20261124)
        templates = min(_TEMPLATES if kind != "wide" else 8, self.count)
        self._templates = [_rendered(_page(draw, kind)) for _ in range(templates)]

    def body(self, number: int) -> bytes:
        """Return one page as the API sends it; after the last page, an empty one."""
        tail = b',"pagination":{"page":%d,"limit":%d,"total":%d,"pages":%d}}'
        tail %= (number, SIZE, self.posts, self.count)
        if self._kind == "cursor":
            following = b'"%d"' % (number + 1) if number < self.count else b"null"
            tail = b',"pagination":{"nextCursor":%s}}' % following
        if not 1 <= number <= self.count:
            return b'{"posts":[]' + tail
        # An odd factor maps each number to a different one.
        prefix = b"%08x%08x" % (0x67C2A000 + number, number * 0x9E3779B1 & 0xFFFFFFFF)
        parts = self._templates[(number - 1) % len(self._templates)]
        return b"".join((b'{"posts":', prefix.join(parts), tail))


def _rendered(posts: list[Json]) -> list[bytes]:
    text = json.dumps(posts, ensure_ascii=False, separators=(",", ":")).encode()
    return text.split(_PREFIX.encode())


def _page(draw: random.Random, kind: str) -> list[Json]:
    suffixes = draw.sample(range(1 << 32), SIZE)
    return [_post(draw, f"{_PREFIX}{suffix:08x}", kind) for suffix in suffixes]


def _post(draw: random.Random, name: str, kind: str) -> Json:
    drift = kind == "drift"
    made = _EPOCH + timedelta(seconds=draw.randrange(50_000_000))
    planned = made + timedelta(minutes=draw.randrange(20_000))
    published = planned + timedelta(milliseconds=draw.randrange(90_000))
    status = draw.choices(("published", "scheduled", "failed", "partial"), (88, 6, 3, 3))[0]
    went_out = status in {"published", "partial"}
    post: Json = {
        "id": name,
        "status": status,
        "content": caption(draw, draw.choice(_LENGTHS)) if _happens(draw, percent=97) else None,
        "createdAt": _moment(made),
        "scheduledFor": _moment(planned),
        "publishedAt": _moment(published) if went_out else None,
        "updatedAt": _moment(published),
        "timezone": draw.choice(_ZONES),
        "tags": draw.sample(_TAGS, draw.randrange(4)),
        "mediaItems": [_media(draw) for _ in range(draw.choice((0, 1, 1, 1, 2, 4)))],
        "platforms": [
            _target(draw, platform, status, drift=drift)
            for platform in draw.sample(_PLATFORMS, draw.choice((1, 1, 2, 2, 3)))
        ],
    }
    if drift:
        post["reviewState"] = draw.choice(("approved", "open", None))
    if kind == "wide":
        post["content"] = caption(draw, 2000)
        post |= {name: draw.randrange(10**6) for name in METRICS}
    return post


def _target(draw: random.Random, platform: str, status: str, *, drift: bool) -> Json:
    failed = status == "failed" or (status == "partial" and _happens(draw, percent=50))
    sent = status != "scheduled" and not failed
    number = draw.randrange(10**16, 10**17)
    target: Json = {
        "platform": platform,
        "accountId": f"67c1{draw.randrange(40):020x}",
        "status": "failed" if failed else "published" if sent else "pending",
        "platformPostId": str(number) if sent else None,
        "platformPostUrl": f"https://www.{platform}.example/p/{number}/" if sent else None,
    }
    if failed:
        target["error"] = draw.choice(_ERRORS)
    if drift:
        target["boosted"] = _happens(draw, percent=10)
    return target


def _media(draw: random.Random) -> Json:
    kind, ending = draw.choice((("image", "jpg"), ("image", "webp"), ("video", "mp4")))
    url = f"https://media.example/u/{draw.getrandbits(96):024x}/{draw.getrandbits(64):016x}"
    return {"type": kind, "url": f"{url}.{ending}"}


def _happens(draw: random.Random, *, percent: int) -> bool:
    return draw.randrange(100) < percent


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"
