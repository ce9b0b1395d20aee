"""Reads the response headers about rate limits."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime

import httpx

_MAX_SECONDS = 1e7  # a longer wait is an error of the server
_MIN_UNIX_TIME = 1e9  # X-RateLimit-Reset is a Unix time from here on, and seconds below
_MAX_DIGITS = 9  # of a rate limit


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, given as seconds or as a date.

    A date is compared with the response's own ``Date``, so a wrong clock does not matter. A 429
    without ``Retry-After`` uses ``X-RateLimit-Reset``.
    """
    text = response.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _MAX_SECONDS)
    date = _parse_date(text)
    if date is not None:
        return _seconds_until(date.timestamp(), response)
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return rate_limit_reset(response)
    return None


def rate_limit_reset(response: httpx.Response) -> float | None:
    """Return the seconds until ``X-RateLimit-Reset``, given as seconds or as a Unix time."""
    text = response.headers.get("x-ratelimit-reset", "").strip()
    if not (text.isascii() and text.isdigit()):
        return None
    number = float(text)
    if number >= _MIN_UNIX_TIME:
        return _seconds_until(number, response)
    return min(number, _MAX_SECONDS)


def rate_limit(response: httpx.Response) -> int | None:
    """Return the requests per window that ``X-RateLimit-Limit`` permits."""
    text = response.headers.get("x-ratelimit-limit", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        return None
    return int(text) or None


def _seconds_until(unix_time: float, response: httpx.Response) -> float:
    now = _parse_date(response.headers.get("date", "")) or datetime.now(UTC)
    return min(max(0.0, unix_time - now.timestamp()), _MAX_SECONDS)


def _parse_date(text: str) -> datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
