"""Reading the response headers about rate limits."""

import email.utils
from datetime import UTC, datetime, timedelta

import httpx
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import Clock, Scripted, client_of

from socialframe.http.headers import rate_limit, rate_limit_reset, retry_after
from socialframe.messages.call import Call


def test_retry_after_is_seconds_or_a_date():
    """A date is compared with the response's own Date, even if that is wrong."""
    skewed = datetime(2001, 1, 1, tzinfo=UTC)
    headers = {
        "Date": email.utils.format_datetime(skewed, usegmt=True),
        "Retry-After": email.utils.format_datetime(skewed + timedelta(seconds=42), usegmt=True),
    }

    assert retry_after(httpx.Response(429, headers=headers)) == 42.0
    assert retry_after(httpx.Response(429, headers={"Retry-After": "7"})) == 7.0
    past = {"Retry-After": "Mon, 01 Jan 2001 00:00:00 GMT"}
    assert retry_after(httpx.Response(429, headers=past)) == 0.0
    assert retry_after(httpx.Response(429)) is None


def test_a_429_without_retry_after_waits_for_x_ratelimit_reset():
    """Given as a Unix time or as seconds; other statuses ignore it."""
    date = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}

    def seconds_of(status, **headers):
        return retry_after(httpx.Response(status, headers={**date, **headers}))

    unix, seconds = {"X-RateLimit-Reset": "1767225612"}, {"X-RateLimit-Reset": "12"}
    assert (seconds_of(429, **unix), seconds_of(429, **seconds)) == (12.0, 12.0)
    assert seconds_of(429, **unix, **{"Retry-After": "7"}) == 7.0
    assert seconds_of(503, **unix) is None
    assert seconds_of(429, **{"X-RateLimit-Reset": "2026-01-01"}) is None
    assert seconds_of(429, **{"X-RateLimit-Reset": "1767225000"}) == 0.0

    clock, app = Clock(), Scripted((429, {}, seconds), {"accounts": []})
    client_of(app, clock=clock)._send(Call("/v1/accounts"))
    assert sum(clock.slept) == 12.0


@given(st.text(st.characters(codec="latin-1", exclude_categories=["C"]), max_size=30))
def test_any_text_in_retry_after_is_seconds_or_ignored(text):
    """It is never an error and never negative."""
    seconds = retry_after(httpx.Response(429, headers=[(b"Retry-After", text.encode("latin-1"))]))

    assert seconds is None or seconds >= 0


def test_an_absurd_retry_after_is_bounded_or_ignored():
    """A huge number, and a date outside the calendar."""
    assert retry_after(httpx.Response(429, headers={"Retry-After": "9" * 400})) == 1e7
    odd = {"Retry-After": "Mon, 01 Jan 2026 00:00:00 +99999999999999999999"}
    assert retry_after(httpx.Response(429, headers=odd)) is None


def test_rate_limit_is_a_positive_number_or_none():
    """Other texts are ignored."""

    def limit_of(text):
        return rate_limit(httpx.Response(200, headers={"X-RateLimit-Limit": text}))

    assert limit_of("600") == 600
    assert [limit_of(text) for text in ("", "0", "-1", "many", "9" * 30)] == [None] * 5
    assert rate_limit(httpx.Response(200)) is None


def test_rate_limit_reset_is_seconds_or_a_unix_time():
    """A Unix time is compared with the response's own Date."""
    date = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}

    def seconds_of(text):
        return rate_limit_reset(httpx.Response(200, headers={**date, "X-RateLimit-Reset": text}))

    assert [seconds_of(text) for text in ("12", "1767225642", "soon")] == [12.0, 42.0, None]
