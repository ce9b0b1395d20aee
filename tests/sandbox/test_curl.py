"""The documentation's calls as lines of curl, against a served sandbox.

Each line is in our own words after the contract's section that its test names. Collected only
where curl is installed, and in CI in any case.
"""

from __future__ import annotations

import re
import time
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from curl import curl

from socialframe.sandbox import Sandbox

pytestmark = [pytest.mark.processes, pytest.mark.sockets]

WALL = 1_795_000_000.0  # 2026-11-18
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
CALLBACK = "http://127.0.0.1:4711/callback?nonce=n0nce&keep=a%20b"
LIST = 'curl "$API/v1/accounts" -H "Authorization: Bearer $SOCIALAPI_KEY"'
CREATE = """
curl -X POST "$API/v1/posts" \
  -H "Authorization: Bearer $SOCIALAPI_KEY" \
  -H "Content-Type: application/json" \
  -d "$BODY"
"""
RETRY = """
curl -X POST "$API/v1/posts/$POST_ID/retry" -H "Authorization: Bearer $SOCIALAPI_KEY"
"""


def told(sandbox, url):
    """Give a shell the two things that a user of the sandbox has."""
    return partial(curl, API=url, SOCIALAPI_KEY=sandbox.key)


@pytest.fixture
def run():
    sandbox = Sandbox(wall=lambda: WALL)
    with sandbox.serve() as url:
        yield told(sandbox, url)


def test_accounts(run):
    """5.1: all of them in one response, with the four fields."""
    said = run(LIST)
    accounts = said.json["accounts"]

    assert said.status == 200
    assert list(said.json) == ["accounts"]
    assert {one["platform"] for one in accounts} == {
        *("instagram", "facebook", "threads", "tiktok", "twitter")
    }
    for one in accounts:
        assert list(one) == ["platform", "accountId", "username", "connectedAt"]
        assert MOMENT.fullmatch(one["connectedAt"])


def test_accounts_of_a_platform(run):
    """5.1: the parameter keeps one platform."""
    said = run(
        'curl "$API/v1/accounts?platform=instagram" -H "Authorization: Bearer $SOCIALAPI_KEY"'
    )
    every = run(LIST).json["accounts"]

    assert said.status == 200
    assert said.json["accounts"] == [one for one in every if one["platform"] == "instagram"] != []


def test_health(run):
    """5.2: a value, the token, scopes and advice; no connectedAt."""
    said = run('curl "$API/v1/accounts/health" -H "Authorization: Bearer $SOCIALAPI_KEY"')

    assert said.status == 200
    assert list(said.json) == ["accounts"]
    for one in said.json["accounts"]:
        assert list(one) == [
            *("platform", "accountId", "username"),
            *("health", "tokenValid", "permissions", "recommendations"),
        ]
        assert isinstance(one["tokenValid"], bool)
        assert (one["recommendations"] == []) == (one["health"] == "healthy")
    assert {"healthy", "warning"} <= {one["health"] for one in said.json["accounts"]}


def test_connect(run):
    """5.4 and 5.5: start, consent as a browser without scripts would send it, finish."""
    started = run(
        """
        curl -G "$API/v1/connect/instagram" \
          --data-urlencode "redirect_url=$CALLBACK" \
          -H "Authorization: Bearer $SOCIALAPI_KEY"
        """,
        CALLBACK=CALLBACK,
    )
    auth_url = started.json["authUrl"]
    page = run('curl "$AUTH_URL"', AUTH_URL=auth_url).body.decode()
    token = re.search('name="token" value="([^"]+)"', page)[1]
    account = re.search('name="account" value="([^"]+)"', page)[1]
    allowed = run(
        """
        curl "$AUTH_URL" --data-urlencode "token=$TOKEN" -d "account=$ACCOUNT" -d decision=allow
        """,
        AUTH_URL=auth_url,
        TOKEN=token,
        ACCOUNT=account,
    )
    place = urlsplit(allowed.headers["location"])
    came = parse_qs(place.query)
    finish = partial(
        run,
        """
        curl -X POST "$API/v1/connect/instagram" \
          -H "Authorization: Bearer $SOCIALAPI_KEY" \
          -H "Content-Type: application/json" \
          -d "{\\"code\\": \\"$CODE\\", \\"redirect_url\\": \\"$CALLBACK\\"}"
        """,
        CALLBACK=CALLBACK,
        CODE=came["code"][0],
    )
    before = run(LIST).json["accounts"]
    finished, again = finish(), finish()
    after = run(LIST).json["accounts"]

    assert started.status == 200
    assert list(started.json) == ["authUrl", "state"]
    assert re.fullmatch("[^:]+:instagram", started.json["state"])
    assert allowed.status == 303
    assert allowed.headers["location"].startswith(CALLBACK + "&")
    assert came["state"] == [started.json["state"]]
    assert finished.status == 200
    shown = {name: finished.json[name] for name in ("platform", "username", "accountId")}
    assert (shown["platform"], shown["accountId"]) == ("instagram", account)
    assert [one for one in after if one not in before] == [
        {**shown, "connectedAt": finished.json["connectedAt"]}
    ]
    assert (again.status, again.json["code"]) == (400, "VALIDATION_ERROR")


def test_scheduled_post(run):
    """5.6: the post itself, not wrapped, is scheduled."""
    said = run(
        """
        curl -X POST "$API/v1/posts" \
          -H "Authorization: Bearer $SOCIALAPI_KEY" \
          -H "Content-Type: application/json" \
          -d '{
            "content": "Winter opening hours",
            "mediaItems": [{ "type": "image", "url": "https://cdn.example.net/hours.png" }],
            "platforms": [
              { "platform": "facebook", "accountId": "fb_40217" },
              { "platform": "twitter", "accountId": "tw_40126", "customContent": "New hours." }
            ],
            "scheduledFor": "2026-12-20T07:00:00Z", "timezone": "Europe/Paris",
            "publishNow": false, "isDraft": false, "tags": ["hours"]
          }'
        """
    )

    assert said.status == 201
    assert said.json["id"].startswith("post_")
    assert said.json["status"] == "scheduled"
    assert said.json["scheduledFor"] == "2026-12-20T07:00:00Z"
    targets = said.json["platforms"]
    assert [one["platform"] for one in targets] == ["facebook", "twitter"]
    assert {one["status"] for one in targets} == {"pending"}


def test_published_post(run):
    """5.6: each target has its platform's id and URL."""
    said = run(
        CREATE,
        BODY="""{
          "content": "The tea is ready", "publishNow": true,
          "platforms": [{ "platform": "facebook", "accountId": "fb_40217" }]
        }""",
    )
    (target,) = said.json["platforms"]

    assert said.status == 201
    assert said.json["status"] == target["status"] == "published"
    assert target["platformPostId"]
    assert target["platformPostUrl"].startswith("https://")
    assert "error" not in target


def test_draft(run):
    """5.6: a draft needs no platforms."""
    said = run(CREATE, BODY='{"content": "Not yet", "isDraft": true}')

    assert (said.status, said.json["status"]) == (201, "draft")
    assert said.json["platforms"] == []


def test_partial_post_and_retry(run):
    """5.6 and 5.7: the failed target has the error, and only it is retried."""
    made = run(
        CREATE,
        BODY="""{
          "content": "The tea is ready [fail-once:twitter]", "publishNow": true,
          "platforms": [
            { "platform": "facebook", "accountId": "fb_40217" },
            { "platform": "twitter", "accountId": "tw_40126" }
          ]
        }""",
    )
    out, failed = made.json["platforms"]
    tried = run(RETRY, POST_ID=made.json["id"])
    again = run(RETRY, POST_ID=made.json["id"])

    assert (made.status, made.json["status"]) == (201, "partial")
    assert (out["status"], failed["status"]) == ("published", "failed")
    assert isinstance(failed["error"], str)
    assert "platformPostId" not in failed
    assert (tried.status, tried.json["status"]) == (200, "published")
    assert tried.json["platforms"][0] == out
    assert tried.json["platforms"][1]["platformPostId"]
    assert (again.status, again.json["code"]) == (400, "VALIDATION_ERROR")


def test_disconnect(run):
    """5.3: the account is no longer listed, and a second call is a 404."""
    line = """
    curl -X DELETE "$API/v1/accounts/facebook/fb_40217" -H "Authorization: Bearer $SOCIALAPI_KEY"
    """
    gone, again = run(line), run(line)

    assert gone.status == 200
    assert "fb_40217" not in {one["accountId"] for one in run(LIST).json["accounts"]}
    assert (again.status, again.json["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("line", "status", "error", "code"),
    [
        ('curl "$API/v1/accounts"', 401, "Missing API key", "AUTH_MISSING_KEY"),
        (
            'curl "$API/v1/accounts" -H "Authorization: Bearer sk_of_somebody_else"',
            *(401, "Invalid API key", "AUTH_INVALID_KEY"),
        ),
        (
            'curl "$API/v1/accounts" --oauth2-bearer "${SOCIALAPI_KEY}x"',
            *(401, "Invalid API key", "AUTH_INVALID_KEY"),
        ),
        (
            """
            curl -X POST "$API/v1/posts" \
              -H "Authorization: Bearer $SOCIALAPI_KEY" \
              -H "Content-Type: application/json" \
              -d '{"content": "For whom?", "publishNow": true}'
            """,
            *(400, "Platforms required for non-draft posts", "VALIDATION_ERROR"),
        ),
        (
            """
            curl -X POST "$API/v1/posts/post_unknown/retry" \
              -H "Authorization: Bearer $SOCIALAPI_KEY"
            """,
            *(404, "Post not found", "NOT_FOUND"),
        ),
    ],
)
def test_errors(run, line, status, error, code):
    """Section 3: each has its status and exactly two fields with the documented texts."""
    said = run(line)

    assert said.status == status
    assert said.json == {"error": error, "code": code}


def test_the_61st_call_of_a_free_key_is_a_429():
    """Section 4: with the wait in whole seconds."""
    now = 0.0
    sandbox = Sandbox(tier="free", clock=lambda: now)
    with sandbox.serve() as url:
        run = told(sandbox, url)
        sixty = run(
            """
            curl -o /dev/null -w '%{http_code} ' "$API/v1/accounts?call=[1-60]" \
              -H "Authorization: Bearer $SOCIALAPI_KEY"
            """
        )
        refused = run(LIST)
        now = float(refused.headers["retry-after"])
        let_in = run(LIST)

    assert sixty.body.split() == [b"200"] * 60
    assert refused.status == 429
    assert refused.json == {"error": "Rate limit exceeded", "code": "RATE_LIMIT_EXCEEDED"}
    assert refused.headers["retry-after"] == "60"
    assert let_in.status == 200


def test_curl_waits_for_retry_after():
    """Section 4: with --retry it reads Retry-After and then succeeds."""
    # By the sandbox's watch, the second goes by after the refusal and before the next try.
    boxes = []
    clock = lambda: float(any(len(box.requests) > 60 for box in boxes))  # noqa: E731 - a clock
    sandbox = Sandbox(tier="free", window_seconds=1.0, clock=clock)
    boxes.append(sandbox)
    with sandbox.serve() as url:
        run = told(sandbox, url)
        run(
            """
            curl -o /dev/null "$API/v1/accounts?call=[1-60]" \
              -H "Authorization: Bearer $SOCIALAPI_KEY"
            """
        )
        began = time.monotonic()
        said = run(LIST + " --retry 1")
        took = time.monotonic() - began

    assert said.status == 200
    assert [one.status for one in sandbox.requests[60:]] == [429, 200]
    assert took >= 1
