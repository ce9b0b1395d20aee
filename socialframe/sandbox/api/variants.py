"""What the switches change on an answer that is otherwise done, and on a request before it is read.

Inside, posts have their own ids, words and moments; only here do they get the form that is told.
With all switches at their defaults no body is parsed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from zlib import crc32

from socialframe.sandbox.json_text import dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from socialframe.sandbox.api.answers import Answer
    from socialframe.sandbox.json_text import Json
    from socialframe.sandbox.switches import Switches

# The sandbox's own ids; 15 digits are the most that still give a signed 64-bit number.
_ID = re.compile("post_([0-9a-f]{1,15})")
# Where numbers begin: 1024 of them in a row are one and the same double.
_FIRST = 1 << 62

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_WHEN = re.compile("[A-Za-z]+At|scheduledFor|lastUpdated|lastSync|timestamp")
_EAST = timezone(timedelta(hours=2))
_FORMS: dict[str, Callable[[datetime], str]] = {
    # Not by strftime, which writes the year 1 as "1".
    "Z": lambda at: f"{at.replace(tzinfo=None).isoformat()}Z",
    "offset": lambda at: at.astimezone(_EAST).isoformat(),
    "millis": lambda at: f"{at.replace(tzinfo=None).isoformat()}.000Z",
    "micros": lambda at: f"{at.replace(tzinfo=None).isoformat()}.000000Z",
    "naive": lambda at: at.replace(tzinfo=None).isoformat(),
    "space": lambda at: at.isoformat(sep=" "),
}

# Names as awkward as JSON allows: for who takes paths apart at dots and slashes, for who takes the
# first list for the rows, and for who turns names into snake_case and meets one that is it already.
_EXTRA: Json = {
    "marks": ["made-up", "second"],
    "revision.no/~1": 7,
    "origin": {"app": "sandbox", "path": [{"step": None}, []]},
    "reviewed_by": None,
}
# Members whose names are somebody's data, and members that are echoed as they were sent.
_MAPS = {"stats"}
_ECHOED = {
    *("metadata", "platformSpecificData", "tiktokSettings", "facebookSettings", "dataStaleness"),
}

# A platform is the same word wherever it is told, because with an account's id it is a key.
_PLATFORMS = {"threads": "bluesky"}
_WORDS: dict[str, dict[str, str]] = {
    "status": {
        "draft": "idea",
        "scheduled": "queued",
        "publishing": "processing",
        "published": "archived",
        "partial": "degraded",
        "pending": "waiting",
        "failed": "rejected",
    },
    "syncStatus": {"synced": "cached", "pending": "waiting", "unavailable": "blocked"},
    "health": {"healthy": "unchecked", "warning": "expiring", "error": "suspended"},
    "type": {"image": "sticker", "video": "reel", "gif": "animation"},
    "mediaType": {"image": "sticker", "video": "reel", "gif": "animation", "text": "note"},
}
_ODD = 4  # one in so many has such a word
# What is told, by name and word, turned back into what is meant.
_REAL = {
    name: {told: word for word, told in words.items()}
    for name, words in {**_WORDS, "platform": _PLATFORMS}.items()
    if name in {"platform", "status", "type"}
}


def number_of_id(post_id: str) -> int | str:
    """Give the number that stands for a post's id; a text that is none of ours stays."""
    found = _ID.fullmatch(post_id)
    # The digit in front keeps zeros that the id begins with.
    return _FIRST + int("1" + found[1], 16) if found else post_id


def id_of_number(number: str) -> str:
    """Give the id of the post that a number stands for; any other text stays."""
    if not re.fullmatch("[1-9][0-9]{18}", number) or int(number) <= _FIRST:
        return number
    found = "post_" + f"{int(number) - _FIRST:x}"[1:]
    return found if str(number_of_id(found)) == number else number


def undo_variants(
    args: dict[str, str], parts: dict[str, str], switches: Switches
) -> tuple[dict[str, str], dict[str, str]]:
    """Turn what was told with strange ids and words back, in a query and in a path."""
    known: dict[str, Callable[[str], str]] = {}
    if switches.big_ids:
        known |= dict.fromkeys(("post_id", "postId", "after"), id_of_number)
    if switches.unknown_values:
        known["status"] = lambda text: _REAL["status"].get(text, text)
        known["platform"] = lambda text: _REAL["platform"].get(text, text)
    if not known:
        return args, parts

    def turned(texts: dict[str, str]) -> dict[str, str]:
        return {name: known.get(name, str)(text) for name, text in texts.items()}

    return turned(args), turned(parts)


def undo_variants_in_body(body: bytes, switches: Switches) -> bytes:
    """Turn words that nothing documents back in a body, so that what was read can be sent."""
    if not (body and switches.unknown_values):
        return body

    try:
        return dumps(_undo(json.loads(body)))
    except (ValueError, RecursionError):
        return body  # whoever reads it says what is wrong with it


def _undo(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [_undo(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _REAL.get(name, {}).get(inner, inner)
        if isinstance(inner, str)
        else inner
        if name in _ECHOED
        else _undo(inner)
        for name, inner in value.items()
    }


def apply_variants(answer: Answer, request: Request, switches: Switches) -> Answer:
    """Give an answer the form that the switches say."""
    body, status = answer.body, answer.status
    headers: list[tuple[str, str]] = []
    reshapes = (
        switches.extra_fields
        or switches.unknown_values
        or switches.big_ids
        or switches.timestamps != "Z"
    )
    if reshapes and body and answer.content_type == "application/json":
        body = dumps(_vary(json.loads(body), switches))
    if switches.cache_control is not None:
        headers.append(("Cache-Control", switches.cache_control))
    if switches.gzip:
        headers.append(("Vary", "Accept-Encoding"))
        if body and request.accept_encodings["gzip"] > 0:
            # Without the time, so that the same body has the same bytes and so the same ETag.
            body = gzip.compress(body, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
    if switches.etag and request.method == "GET" and status == 200:  # noqa: PLR2004 - OK
        # Of the bytes that are sent: a strong tag must tell the compressed form from the plain.
        tag = hashlib.blake2b(body, digest_size=16).hexdigest()
        headers.append(("ETag", f'"{tag}"'))
        if request.if_none_match.contains_weak(tag):
            body, status = b"", 304
    return answer._replace(body=body, headers=(*answer.headers, *headers), status=status)


def _vary(value: Any, switches: Switches, spot: str = "", *, bare: bool = False) -> Any:  # noqa: ANN401 - any JSON
    """Give a part of a body its form; ``spot`` says which part, by ids rather than by places.

    So a post is told alike in a list, however it is cut, and by its id.
    """
    if isinstance(value, list):
        return [_vary(one, switches, f"{spot}/{at}") for at, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if "/platforms/" in spot and "platform" in value:
        spot = f"{spot.rpartition('/')[0]}/{value['platform']}"
    spot = str(value.get("id") or (value.get("accountId") if "health" in value else spot))
    told: Json = {**_EXTRA} if switches.extra_fields and not bare else {}
    for name, inner in value.items():
        if isinstance(inner, str):
            told[name] = _vary_text(name, inner, switches, f"{spot}/{name}")
        elif name in _ECHOED:
            told[name] = inner
        else:
            told[name] = _vary(inner, switches, f"{spot}/{name}", bare=name in _MAPS)
    return told


def _vary_text(name: str, text: str, switches: Switches, spot: str) -> str | int:
    if switches.big_ids and name == "id":
        return number_of_id(text)
    if switches.timestamps != "Z" and _WHEN.fullmatch(name) and _MOMENT.fullmatch(text):
        # Mixed by the moment itself: the same one is always spelled the same.
        mixed = tuple(_FORMS.values())[crc32(text.encode()) % len(_FORMS)]
        return _FORMS.get(switches.timestamps, mixed)(datetime.fromisoformat(text))
    if switches.unknown_values:
        if name == "platform":
            return _PLATFORMS.get(text, text)
        if name in _WORDS and crc32(spot.encode()) % _ODD == 0:
            return _WORDS[name].get(text, text)
    return text
