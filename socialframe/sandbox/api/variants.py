"""Applies switches to responses, and reverses them in requests.

Inside the sandbox posts have plain ids, values and timestamps. With all switches at their defaults
no body is parsed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from zlib import crc32

from socialframe.sandbox.json_text import Json, dumps

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from socialframe.sandbox.api.answers import Answer
    from socialframe.sandbox.switches import Switches

# The sandbox's own ids; 15 digits are the most that still give a signed 64-bit number.
_ID = re.compile("post_([0-9a-f]{1,15})")
# The smallest number; 1024 consecutive numbers here are the same double.
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

# Awkward names: with dots and slashes, a list that is not the rows, and a name in snake_case.
_EXTRA: Json = {
    "marks": ["made-up", "second"],
    "revision.no/~1": 7,
    "origin": {"app": "sandbox", "path": [{"step": None}, []]},
    "reviewed_by": None,
}
# Members whose names are data, and members that are echoed as they were sent.
_MAPS = {"stats"}
_ECHOED = {
    *("metadata", "platformSpecificData", "tiktokSettings", "facebookSettings", "dataStaleness"),
}

# A platform has the same name everywhere, because with an account id it is a key.
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
_ODD = 4  # one value in this many is undocumented
# The reverse of the tables above.
_REAL = {
    name: {shown: value for value, shown in words.items()}
    for name, words in {**_WORDS, "platform": _PLATFORMS}.items()
    if name in {"platform", "status", "type"}
}


def number_of_id(post_id: str) -> int | str:
    """Return the number for a post id; other text is unchanged."""
    found = _ID.fullmatch(post_id)
    # The digit in front keeps zeros that the id begins with.
    return _FIRST + int("1" + found[1], 16) if found else post_id


def id_of_number(number: str) -> str:
    """Return the post id for a number; other text is unchanged."""
    if not re.fullmatch("[1-9][0-9]{18}", number) or int(number) <= _FIRST:
        return number
    found = "post_" + f"{int(number) - _FIRST:x}"[1:]
    return found if str(number_of_id(found)) == number else number


def undo_variants(
    args: dict[str, str], parts: dict[str, str], switches: Switches
) -> tuple[dict[str, str], dict[str, str]]:
    """Translate ids and values in query and path back to plain ones."""
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
    """Translate values in a body back, so that a client can send what it read."""
    if not (body and switches.unknown_values):
        return body

    try:
        return dumps(_undo(json.loads(body)))
    except (ValueError, RecursionError):
        return body  # the handler reports the error


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
            # Without a timestamp, so that the same body has the same ETag.
            body = gzip.compress(body, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
    if switches.etag and request.method == "GET" and status == 200:  # noqa: PLR2004 - OK
        # A strong ETag must differ between the compressed and the plain body.
        tag = hashlib.blake2b(body, digest_size=16).hexdigest()
        headers.append(("ETag", f'"{tag}"'))
        if request.if_none_match.contains_weak(tag):
            body, status = b"", 304
    return answer._replace(body=body, headers=(*answer.headers, *headers), status=status)


def _vary(value: Any, switches: Switches, where: str = "", *, bare: bool = False) -> Any:  # noqa: ANN401 - any JSON
    """Apply the switches to a part of a body.

    ``where`` names the part by ids and not by positions, so that a post is the same in every list.
    """
    if isinstance(value, list):
        return [_vary(one, switches, f"{where}/{at}") for at, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if "/platforms/" in where and "platform" in value:
        where = f"{where.rpartition('/')[0]}/{value['platform']}"
    where = str(value.get("id") or (value.get("accountId") if "health" in value else where))
    varied: Json = {**_EXTRA} if switches.extra_fields and not bare else {}
    for name, inner in value.items():
        if isinstance(inner, str):
            varied[name] = _vary_text(name, inner, switches, f"{where}/{name}")
        elif name in _ECHOED:
            varied[name] = inner
        else:
            varied[name] = _vary(inner, switches, f"{where}/{name}", bare=name in _MAPS)
    return varied


def _vary_text(name: str, text: str, switches: Switches, where: str) -> str | int:
    if switches.big_ids and name == "id":
        return number_of_id(text)
    if switches.timestamps != "Z" and _WHEN.fullmatch(name) and _MOMENT.fullmatch(text):
        # Chosen by the moment, so that the same moment always has the same format.
        mixed = tuple(_FORMS.values())[crc32(text.encode()) % len(_FORMS)]
        return _FORMS.get(switches.timestamps, mixed)(datetime.fromisoformat(text))
    if switches.unknown_values:
        if name == "platform":
            return _PLATFORMS.get(text, text)
        if name in _WORDS and crc32(where.encode()) % _ODD == 0:
            return _WORDS[name].get(text, text)
    return text
