"""Reading a post from a request body: section 5.6 of the contract.

Unknown fields are ignored, and null means absent. The error texts are not documented.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from socialframe.sandbox.api.request import invalid
from socialframe.sandbox.publishing.platform_limits import MEDIA_TYPES, PLATFORMS
from socialframe.sandbox.state import format_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from socialframe.sandbox.json_text import Json
    from socialframe.sandbox.world.world import World

_WORDS: dict[type, str] = {
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}
_POST: dict[str, type] = {
    "content": str,
    "mediaItems": list,
    "platforms": list,
    "publishNow": bool,
    "scheduledFor": str,
    "isDraft": bool,
    "timezone": str,
    "tags": list,
    "tiktokSettings": dict,
    "facebookSettings": dict,
}
_TARGET: dict[str, type] = {
    "platform": str,
    "accountId": str,
    "customContent": str,
    "customMedia": list,
    "platformSpecificData": dict,
}
_MEDIA: dict[str, type] = {"type": str, "url": str}
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_LAST_YEAR = 9998


def read_post(world: World, old: Json, body: Json) -> Json:
    """Return the valid fields of a body, or raise ApiError."""
    given = _fields(body, _POST, "")
    if "mediaItems" in given:
        given["mediaItems"] = _read_media(given["mediaItems"], "mediaItems")
    if not all(isinstance(tag, str) for tag in given.get("tags", ())):
        raise invalid("tags must be a list of texts")
    if given.get("timezone", "UTC") not in _zones():
        raise invalid("timezone must be the name of an IANA time zone, such as Europe/Paris")
    if "scheduledFor" in given:
        zone = given.get("timezone") or old["timezone"]
        given["scheduledFor"] = _read_moment(given["scheduledFor"], zone)
    elif "scheduledFor" in body:
        given["scheduledFor"] = None
    if "platforms" in given:
        given["platforms"] = _read_targets(world, given["platforms"])
    return given


def _read_targets(world: World, found: list[object]) -> list[Json]:
    targets: list[Json] = []
    for number, one in enumerate(found):
        where = f"platforms[{number}]"
        target = _fields(one, _TARGET, where)
        if target.get("platform") not in PLATFORMS:
            raise invalid(f"{where}.platform must be one of: {', '.join(PLATFORMS)}")
        who = target["platform"], target.get("accountId")
        if who not in {(one["platform"], one["accountId"]) for one in world.accounts}:
            raise invalid(f"{where}.accountId is not a connected account of this platform")
        # The response could not tell two targets of one account apart.
        if who in {(other["platform"], other["accountId"]) for other in targets}:
            raise invalid(f"{where} is the same account as another target")
        if "customMedia" in target:
            target["customMedia"] = _read_media(target["customMedia"], f"{where}.customMedia")
        targets.append(target)
    return targets


def _read_media(found: list[object], name: str) -> list[Json]:
    items: list[Json] = []
    for number, one in enumerate(found):
        where = f"{name}[{number}]"
        item = _fields(one, _MEDIA, where)
        if item.get("type") not in MEDIA_TYPES:
            raise invalid(f"{where}.type must be one of: {', '.join(MEDIA_TYPES)}")
        if not _is_address(item.get("url", "")):
            raise invalid(f"{where}.url must be an address that starts with https:// or http://")
        items.append(item)
    return items


def _fields(found: object, kinds: Mapping[str, type], where: str) -> Json:
    """Return the known fields that have the right type; null means absent."""
    if not isinstance(found, dict):
        raise invalid(f"{where} must be an object")
    given = {name: found[name] for name in kinds if found.get(name) is not None}
    for name, value in given.items():
        if not isinstance(value, kinds[name]):
            path = f"{where}.{name}" if where else name
            raise invalid(f"{path} must be {_WORDS[kinds[name]]}")
    return given


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"https", "http"} and bool(parts.hostname)


def _read_moment(text: str, zone: str) -> str:
    """Return a timestamp in UTC; without an offset it is in the time zone (not documented)."""
    try:
        moment = datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
        if moment is not None:
            near = UTC if zone == "UTC" else ZoneInfo(zone)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=near)).astimezone(UTC)
            # In UTC the last day may be in a year that cannot be written.
            if moment.year <= _LAST_YEAR:
                return format_time(moment)
    except (ValueError, OverflowError):
        pass
    raise invalid("scheduledFor must be an ISO 8601 moment, such as 2026-03-20T07:00:00Z")


@cache
def _zones() -> frozenset[str]:
    # Also without time zone data.
    return frozenset({"UTC", *available_timezones()})
