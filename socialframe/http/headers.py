"""Reads the response headers about rate limits, in each spelling that APIs use."""

from __future__ import annotations

import email.utils
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Key of the response's extensions: whether the response refuses because of a rate limit.
LIMITED = "socialframe.limited"
#: Key of the response's extensions: the seconds to wait that its body states.
BODY_WAIT = "socialframe.body_wait"

_MAX_SECONDS = 1e7  # a longer wait is an error of the server
_MIN_UNIX_TIME = 1e9  # a number is a Unix time from here on, and seconds below
_MIN_UNIX_MILLISECONDS = 1e11
_MAX_DIGITS = 9  # of a rate limit
_NUMBER = re.compile(r"([0-9]{1,400}(?:\.[0-9]{0,20})?)\s*(ms|milliseconds|s|sec|seconds)?")
_RESET = re.compile(r"(?:.*-)?rate-?limit-(?:reset|retry-after)(?:-(after|in|seconds|ms|at))?")
_POLICY = re.compile(r'("[^"]*"|[^,"])+')  # an item of a list: "default";q=60;w=60
_PAIR = re.compile(r"[;,\s]*([a-z]+)\s*=\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)", re.IGNORECASE)
_ISO = re.compile(r"\d{4}-\d\d-\d\dT.*")


def is_limited(response: httpx.Response) -> bool:
    """Return whether the response refuses the request because of a rate limit."""
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return True
    return bool(response.extensions.get(LIMITED))


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that the response asks to wait, as ``Retry-After`` or as a reset.

    A moment is compared with the response's own ``Date``, so a wrong clock does not matter. The
    headers that tell when the rate limit resets count only if the response refuses because of it.
    """
    headers = response.headers
    for name, unit in (("retry-after", ""), ("retry-after-ms", "ms"), ("x-retry-after", "")):
        seconds = _seconds(headers.get(name, ""), response, unit)
        if seconds is not None:
            return seconds
    if not is_limited(response):
        return None
    seconds = rate_limit_reset(response)
    return response.extensions.get(BODY_WAIT) if seconds is None else seconds


def rate_limit_reset(response: httpx.Response) -> float | None:
    """Return the seconds until the rate limit resets, given as seconds or as a moment."""
    found = [(items.get("r"), items["t"]) for items in _limit_items(response) if "t" in items]
    if found:  # the IETF's RateLimit: of several limits, those that are used up
        used_up = [seconds for left, seconds in found if not left]
        return min(max(used_up) if used_up else min(one for _, one in found), _MAX_SECONDS)
    resets = {}
    for name, text in response.headers.items():
        match = _RESET.fullmatch(name) if "limit" in name else None
        if match is not None:
            seconds = _seconds(text, response, "ms" if match[1] == "ms" else "")
            if seconds is not None:
                resets[name] = seconds
    # "…-Reset-After" is more exact than "…-Reset", which is often a whole Unix time.
    names = sorted(resets, key=lambda name: (not name.endswith(("after", "ms")), len(name)))
    return resets[names[0]] if names else None


def rate_limit(response: httpx.Response) -> int | None:
    """Return the requests per window that the response permits."""
    headers = response.headers
    if not any(b"imit" in name for name, _ in headers.raw):  # each look-up by name takes longer
        return None
    for name in ("x-ratelimit-limit", "x-rate-limit-limit", "ratelimit-limit"):
        text = headers.get(name, "").partition(",")[0].partition(";")[0].strip()
        if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
            return int(text) or None
    for items in (*_limit_items(response), *_policies(response)):
        number = items.get("q", 0.0)
        if 1 <= number < 10**_MAX_DIGITS:
            return int(number)
    return None


def rate_limit_window(response: httpx.Response) -> float | None:
    """Return the seconds of the window that the rate limit counts in, if the response says so."""
    return next((items["w"] for items in _policies(response) if "w" in items), None)


def _limit_items(response: httpx.Response) -> Iterator[dict[str, float]]:
    """Yield the limits of ``RateLimit``: of each, ``r`` remaining, ``t`` seconds, ``q`` quota."""
    text = response.headers.get("ratelimit", "")
    if not text:
        return
    if "limit=" in text.lower().replace(" ", "") or "reset=" in text.lower():
        long = {"remaining": "r", "reset": "t", "limit": "q"}  # limit=9, remaining=0, reset=30
        pairs = {name.lower(): float(value) for name, value in _PAIR.findall(text)}
        yield {short: pairs[name] for name, short in long.items() if name in pairs}
        return
    for item in _POLICY.finditer(text):
        yield {name.lower(): float(value) for name, value in _PAIR.findall(_unquoted(item[0]))}


def _policies(response: httpx.Response) -> Iterator[dict[str, float]]:
    """Yield the policies of ``RateLimit-Policy``: of each, ``q`` quota and ``w`` window."""
    headers = response.headers
    policy = headers.get("ratelimit-policy", "") or headers.get("ratelimit-limit", "")
    for item in _POLICY.finditer(policy):
        text = _unquoted(item[0])
        number = text.partition(";")[0].strip()  # 60;w=60
        found = {name.lower(): float(value) for name, value in _PAIR.findall(text)}
        if number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS:
            found.setdefault("q", float(number))
        if "w" in found:
            yield found


def _unquoted(text: str) -> str:
    return re.sub(r'"[^"]*"', "", text)


def _seconds(text: str, response: httpx.Response, unit: str = "") -> float | None:
    """Return the seconds of a number of seconds, of a Unix time, or until a date."""
    text = text.strip()
    match = _NUMBER.fullmatch(text.lower())
    if match is not None:
        number, unit = float(match[1]), unit or match[2] or ""
        if number >= _MIN_UNIX_MILLISECONDS and len(match[1]) <= len("1767225612000.000000"):
            return _seconds_until(number / 1000, response)
        if _MIN_UNIX_TIME <= number < _MIN_UNIX_MILLISECONDS:
            return _seconds_until(number, response)
        return min(number / 1000 if unit.startswith("m") else number, _MAX_SECONDS)
    date = _parse_date(text)
    return None if date is None else _seconds_until(date.timestamp(), response)


def _seconds_until(unix_time: float, response: httpx.Response) -> float:
    now = _parse_date(response.headers.get("date", "")) or datetime.now(UTC)
    return min(max(0.0, unix_time - now.timestamp()), _MAX_SECONDS)


def _parse_date(text: str) -> datetime | None:
    try:
        if _ISO.fullmatch(text):
            date = datetime.fromisoformat(text)
        else:
            date = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
