"""Publishing: when posts are due, and what happens to each target.

The documentation says only that a platform's error is on its target (section 5.6). Here a target
fails if

- its account is not connected, or its token is invalid,
- the post breaks a limit of the platform (`platform_limits`) or the daily limit of the account,
- its text contains ``[fail]``, or ``[fail-once]`` for the first attempt only; ``[fail:tiktok]`` and
  ``[fail-once:tiktok]`` mean that platform only.

Initial posts stay as they are until they are retried, published or rescheduled: their story ends on
the world's last day.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
from collections import defaultdict, deque
from contextlib import contextmanager
from datetime import datetime, timedelta
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from socialframe.sandbox.publishing.platform_limits import (
    CONSENT,
    PLATFORMS,
    file_of,
    find_violation,
)
from socialframe.sandbox.state import State, format_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from socialframe.sandbox.json_text import Json

log = logging.getLogger(__name__)

_TICK = 0.25  # seconds between two checks
_SAYS_FAIL = re.compile(r"\[fail(-once)?(?::([a-z]+))?\]")
_DAY = timedelta(hours=24)
_ASKED_FOR = ("platform", "accountId", "customContent", "customMedia", "platformSpecificData")


class PublishQueue:
    def __init__(self) -> None:
        #: A heap of moments and post ids; posts that were rescheduled are skipped.
        self.due: list[tuple[datetime, str]] = []
        #: When each account published in the last 24 hours.
        self.out: defaultdict[tuple[str, str], deque[datetime]] = defaultdict(deque)
        #: Targets that failed because of [fail-once].
        self.failed_once: set[tuple[str, str, str]] = set()


def publish_due(box: State) -> None:
    """Publish all posts that are due, in order, each at its own moment."""
    due, now = box.part(PublishQueue).due, box.now
    with box.lock:
        while due and due[0][0] <= now:
            moment, post_id = heappop(due)
            place = box.world.find(post_id)
            post = None if place is None else box.world.post(place)
            if (
                post
                and post["status"] == "scheduled"
                and post["scheduledFor"] == format_time(moment)
            ):
                _save(box, _published(box, post, moment))


@contextmanager
def publish_in_background(box: State) -> Iterator[None]:
    """Publish due posts in a thread until the context ends."""
    stopping = threading.Event()

    def look() -> None:
        while not stopping.wait(_TICK):
            try:
                publish_due(box)
            except Exception:
                log.exception("The sandbox could not publish the due posts")

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def save_post(box: State, post: Json) -> Json:
    """Store a post and publish or schedule it as its status says."""
    if post["status"] == "scheduled" and _has_new_moment(box, post):
        moment = datetime.fromisoformat(post["scheduledFor"])
        if moment <= box.now:
            post = {**post, "status": "publishing"}
        else:
            heappush(box.part(PublishQueue).due, (moment, post["id"]))
    if post["status"] == "publishing":
        post = _published(box, post, box.now)
    _save(box, post)
    return post


def pending(target: Json) -> Json:
    """Return a target as requested, not tried yet."""
    return {**{name: target[name] for name in _ASKED_FOR if name in target}, "status": "pending"}


def _save(box: State, post: Json) -> None:
    box.change(lambda world: world.with_post(post))


def _has_new_moment(box: State, post: Json) -> bool:
    """Return whether a post must be scheduled; initial posts never are."""
    place = box.world.find(post["id"])
    old = {} if place is None else box.world.post(place)
    return any(old.get(name) != post[name] for name in ("status", "scheduledFor"))


def _published(box: State, post: Json, moment: datetime) -> Json:
    """Try every target that is not published."""
    targets = []
    for target in post["platforms"]:
        if target["status"] == "published":
            targets.append(target)
            continue
        error = _find_error(box, post, target, moment)
        outcome = {"status": "failed", "error": error} if error else _platform_ids(target)
        targets.append({**pending(target), **outcome})
    ends = {target["status"] for target in targets}
    out = "published" in ends
    return {
        **post,
        "status": "partial" if len(ends) > 1 else "published" if out else "failed",
        "platforms": targets,
        "publishedAt": post["publishedAt"] or (format_time(moment) if out else None),
        "updatedAt": format_time(moment),
    }


def _platform_ids(target: Json) -> Json:
    """Make up the ids that a platform gives to a post."""
    on_facebook = target["platform"] == "facebook"
    number = 10**14 + secrets.randbelow(9 * 10**14) + 10**15 * (not on_facebook)
    owner = target["accountId"].partition("_")[2]
    return {
        "status": "published",
        "platformPostId": f"{owner}_{number}" if on_facebook else str(number),
        "platformPostUrl": f"https://{target['platform']}.example/{owner}/posts/{number}",
    }


def _find_error(box: State, post: Json, target: Json, moment: datetime) -> str | None:
    """Return why a target fails, or None after counting it as published."""
    platform, account = who = target["platform"], target["accountId"]
    health = [one for one in box.world.health if (one["platform"], one["accountId"]) == who]
    if not health:
        return "The account is not connected any more"
    if not health[0]["tokenValid"]:
        return "The access token ran out; reconnect the account"
    options = target.get("platformSpecificData") or {}
    if box.world.initial.find(post["id"]) is not None:
        # Initial posts do not show their consent.
        options = {**dict.fromkeys(CONSENT, True), **options}
    text = str(target.get("customContent", post["content"]))
    items = target["customMedia"] if "customMedia" in target else post["mediaItems"]
    media = [file_of(item) for item in items]
    if error := find_violation(platform, text, media, options):
        return error
    diary = box.part(PublishQueue)
    out, most = diary.out[who], PLATFORMS[platform].a_day
    while out and moment - out[0] >= _DAY:
        out.popleft()
    if most is not None and len(out) >= most:
        return "Daily posting limit of the platform reached"
    if _says_fail(diary, text, (post["id"], platform, account)):
        return 'Platform answered "temporarily unavailable" three times'
    out.append(moment)
    return None


def _says_fail(diary: PublishQueue, text: str, target: tuple[str, str, str]) -> bool:
    says = {once for once, where in _SAYS_FAIL.findall(text) if where in {"", target[1]}}
    fails = "" in says or ("-once" in says and target not in diary.failed_once)
    if "-once" in says:
        diary.failed_once.add(target)
    return fails
