"""Reading the response headers about rate limits."""

import email.utils
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import Clock, Scripted, client_of

from socialframe.http.headers import rate_limit, rate_limit_reset, rate_limit_window, retry_after
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


DATE = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}  # Unix time 1767225600


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3.9"}, 3.9),
        ({"Retry-After": "3.9s"}, 3.9),
        ({"Retry-After": "1767225612"}, 12.0),
        ({"Retry-After": "Thu, 01 Jan 2026 00:00:12 GMT"}, 12.0),
        ({"Retry-After": "2026-01-01T00:00:12.5Z"}, 12.5),
        ({"Retry-After-Ms": "1500"}, 1.5),
        ({"RateLimit-Reset": "12"}, 12.0),
        ({"RateLimit-Reset": "1767225612"}, 12.0),
        ({"RateLimit": "limit=60, remaining=0, reset=12"}, 12.0),
        ({"RateLimit": "limit = 60,remaining = 0,reset = 12"}, 12.0),
        ({"RateLimit": '"default";r=0;t=30'}, 30.0),
        ({"RateLimit": '"burst;t=9";r=4;t=1, "day";r=0;t=30', "RateLimit-Policy": "9;w=60"}, 30.0),
        ({"RateLimit": '"burst";r=4;t=1, "day";r=2;t=30'}, 1.0),
        ({"x-rate-limit-reset": "1767225612"}, 12.0),
        ({"X-RateLimit-Reset": "1767225612500"}, 12.5),
        ({"X-RateLimit-Reset": "1767225612.25"}, 12.25),
        ({"X-RateLimit-Reset": "2026-01-01T00:00:12+00:00"}, 12.0),
        ({"X-RateLimit-Reset-After": "1.25", "X-RateLimit-Reset": "1767225602"}, 1.25),
        ({"X-Rate-Limit-Reset-After": "4"}, 4.0),
        ({"X-RateLimit-Reset-Ms": "2500"}, 2.5),
        ({"X-Rate-Limit-Retry-After-Seconds": "7"}, 7.0),
        ({"X-App-Rate-Limit-Reset": "7"}, 7.0),
        ({"RateLimit": "soon"}, None),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({"X-RateLimit-Remaining": "0"}, None),
    ],
)
def test_429_waits_as_its_headers_say(headers, seconds):
    """In each spelling; the client sleeps exactly that long and asks once more."""
    assert retry_after(httpx.Response(429, headers={**DATE, **headers})) == seconds

    if seconds is not None:
        clock, app = Clock(), Scripted((429, {}, {**DATE, **headers}), {"accounts": []})
        client_of(app, clock=clock)._send(Call("/v1/accounts"))
        assert sum(clock.slept) == pytest.approx(seconds)
        assert len(app.seen) == 2


@pytest.mark.parametrize(
    ("headers", "limit", "window"),
    [
        ({"RateLimit-Limit": "60"}, 60, None),
        ({"RateLimit-Limit": "60, 60;w=60"}, 60, 60.0),
        ({"X-Rate-Limit-Limit": "60"}, 60, None),
        ({"RateLimit": "limit=60, remaining=3, reset=9"}, 60, None),
        ({"RateLimit": '"default";r=9;t=3', "RateLimit-Policy": '"default";q=60;w=60'}, 60, 60.0),
        ({"RateLimit-Policy": "3000;w=300"}, 3000, 300.0),
        ({"RateLimit-Policy": '"a,b;w=1";q=60;w=60;pk=:abc:'}, 60, 60.0),
        ({"RateLimit-Policy": "0;w=60"}, None, 60.0),
        ({"RateLimit-Policy": "many"}, None, None),
    ],
)
def test_rate_limit_of_the_ietf_headers(headers, limit, window):
    """With the window of the policy."""
    response = httpx.Response(200, headers=headers)

    assert (rate_limit(response), rate_limit_window(response)) == (limit, window)


def test_budget_learns_only_a_limit_of_its_own_window():
    """3,000 requests in 300 s are not 3,000 in 60 s."""

    def limit_after(**headers):
        api = client_of(Scripted((200, {"accounts": []}, headers)))
        api._send(Call("/v1/accounts"))
        return api.budget.limit.calls

    assert limit_after(**{"RateLimit-Policy": "30;w=60"}) == 30
    before = limit_after()
    assert limit_after(**{"RateLimit-Policy": "30;w=300"}) == before
    assert limit_after(**{"RateLimit-Policy": "1;w=1", "RateLimit-Reset": "1"}) == before
