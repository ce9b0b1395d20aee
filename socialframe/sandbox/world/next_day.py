"""Moves a world on: new posts come out, numbers grow, a draft is edited and one is deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from socialframe.sandbox.world.posts_index import METRICS, Numbers, engagement_rate

if TYPE_CHECKING:
    from socialframe.sandbox.json_text import Json
    from socialframe.sandbox.world.world import World

_GROWING = 20  # days after its publication in which a post gets new numbers
_NEW = 3  # posts a day
#: What a new target gets on its first day; each day it gets six tenths of the day before.
_FIRST_DAY = dict(zip(METRICS, (900, 700, 60, 8, 6, 10, 25, 400), strict=True))
_SYNCED = "T17:00:00Z"


def next_day(world: World) -> World:
    """Return the world one day later. Nothing in it is random."""
    day = world.today + timedelta(days=1)
    recent = world.measured(None, None, (day - timedelta(days=_GROWING), day))
    grown = {place: _grow(world, place, day) for place in recent}
    later = replace(world, today=day, grown={**world.grown, **grown})
    for number, place in enumerate(recent[:_NEW]):
        later = later.with_post(_new_post(world.post(place), day, number))
    drafts = [world.post(place) for place in world.select(status="draft")[:2]]
    for draft in drafts[:1]:
        text = f"{draft['content']} (edited on {day})"
        later = later.with_post({**draft, "content": text, "updatedAt": f"{day}{_SYNCED}"})
    for draft in drafts[1:]:
        later = later.without_post(draft["id"])
    return later


def _grow(world: World, place: int, day: date) -> tuple[Numbers, ...]:
    published = date.fromisoformat(world.post(place)["publishedAt"][:10])
    share = 0.6 ** (day - published).days * (1 + place % 7) / 4
    return tuple(
        one if one.metrics is None else _grown(one.metrics, share, day, is_new=place < 0)
        for one in world.numbers(place) or ()
    )


def _grown(metrics: Json, share: float, day: date, *, is_new: bool) -> Numbers:
    more = {
        # A platform that does not report a metric has 0 for it.
        name: metrics[name] + round(first * share) if metrics[name] or is_new else metrics[name]
        for name, first in _FIRST_DAY.items()
    }
    facts = {"engagementRate": engagement_rate(more) or 0.0, "lastUpdated": f"{day}{_SYNCED}"}
    return Numbers("synced", {**metrics, **more, **facts})


def _new_post(like: Json, day: date, number: int) -> Json:
    hour = 9 + number
    return {
        **like,
        "id": f"post_d{day:%Y%m%d}{number}",
        "scheduledFor": None,
        "publishedAt": f"{day}T{hour:02}:30:00Z",
        "createdAt": f"{day}T{hour:02}:00:00Z",
        "updatedAt": f"{day}T{hour:02}:30:00Z",
    }
