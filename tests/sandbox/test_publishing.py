"""Posts that are created, edited, deleted and retried, seen through plain httpx."""

from __future__ import annotations

import itertools
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialframe.sandbox import Sandbox

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
HOUR = 3600
NOT_FOUND = {"error": "Post not found", "code": "NOT_FOUND"}
NO_PLATFORMS = {"error": "Platforms required for non-draft posts", "code": "VALIDATION_ERROR"}

IMAGE = {"type": "image", "url": "https://cdn.example.net/cup.jpg"}
VIDEO = {"type": "video", "url": "https://cdn.example.net/cup.mp4"}
GIF = {"type": "gif", "url": "https://cdn.example.net/cup.gif"}
INSTAGRAM = {"platform": "instagram", "accountId": "ig_40118"}
FACEBOOK = {"platform": "facebook", "accountId": "fb_40217"}
THREADS = {"platform": "threads", "accountId": "th_40131"}
TWITTER = {"platform": "twitter", "accountId": "tw_40126"}
TIKTOK = {"platform": "tiktok", "accountId": "tt_40311"}
REVOKED = {"platform": "tiktok", "accountId": "tt_40816"}  # its token is not valid
CONSENT = {"content_preview_confirmed": True, "express_consent_given": True}


class Desk(httpx.Client):
    """A client of a sandbox whose wall clock is set by hand, no more."""

    def __init__(self, **choices):
        ticks = itertools.count()
        self.now = NOON
        # A second a call, so that no test meets the rate limit.
        self.sandbox = Sandbox(clock=lambda: float(next(ticks)), wall=lambda: self.now, **choices)
        super().__init__(
            transport=httpx.WSGITransport(app=self.sandbox),
            base_url="http://sandbox.example",
            headers={"Authorization": f"Bearer {self.sandbox.key}"},
        )

    def create(self, *targets, **fields):
        body = {"content": "Tea is ready", "platforms": [*targets], **fields}
        reply = self.post("/v1/posts", json=body)
        assert reply.status_code == 201, reply.text
        return reply.json()

    def read(self, post):
        return self.get(f"/v1/posts/{post['id']}").json()

    def edit(self, post, **fields):
        return self.put(f"/v1/posts/{post['id']}", json=fields)

    def retry(self, post):
        return self.post(f"/v1/posts/{post['id']}/retry")

    def list(self, **params):
        return self.get("/v1/posts", params=params).json()


@pytest.fixture
def desk():
    with Desk() as desk:
        yield desk


def error_of(desk, target, **fields):
    """Publish to one account, and give what the target says of it."""
    (shown,) = desk.create(target, publishNow=True, **fields)["platforms"]
    assert shown["status"] == ("failed" if "error" in shown else "published")
    return shown.get("error")


def test_publish_now_returns_the_published_post(desk):
    """Not wrapped, with the result of each platform."""
    post = desk.create(FACEBOOK, THREADS, publishNow=True, tags=["tea"], mediaItems=[IMAGE])

    first, second = post.pop("platforms")
    assert re.fullmatch("post_[0-9a-f]{10}", post.pop("id"))
    assert post == {
        "content": "Tea is ready",
        "status": "published",
        "mediaItems": [IMAGE],
        "scheduledFor": None,
        "publishedAt": "2026-11-21T12:00:00Z",
        "timezone": "UTC",
        "tags": ["tea"],
        "createdAt": "2026-11-21T12:00:00Z",
        "updatedAt": "2026-11-21T12:00:00Z",
    }
    number = first["platformPostId"].removeprefix("40217_")
    assert first == {
        **FACEBOOK,
        "status": "published",
        "platformPostId": f"40217_{number}",
        "platformPostUrl": f"https://facebook.example/40217/posts/{number}",
    }
    assert re.fullmatch("1[0-9]{15}", second["platformPostId"])
    assert second["platformPostUrl"].endswith(f"/40131/posts/{second['platformPostId']}")


@pytest.mark.parametrize("posts", [None, 5400])
def test_urls_of_initial_posts_end_with_the_post_number(posts):
    """On every platform, like those of new posts."""
    with Desk(posts=posts) as desk:
        shown = desk.list(status="published", limit=100)["posts"]
    targets = [target for post in shown for target in post["platforms"]]

    assert {target["platform"] for target in targets} == {
        *("instagram", "facebook", "threads", "tiktok", "twitter")
    }
    for target in targets:
        number = target["platformPostId"].rpartition("_")[2]
        assert target["platformPostUrl"].rpartition("/")[2] == number


def test_a_new_post_has_the_fields_of_initial_posts(desk):
    """In the same order, so no column exists for only one kind."""
    there = desk.list(status="published", limit=1)["posts"][0]
    new = desk.create(TWITTER, publishNow=True)

    assert list(new) == list(there)
    assert list(new["platforms"][0]) == list(there["platforms"][0])


@pytest.mark.parametrize("status", [200, 201])
def test_a_switch_sets_the_status_code_of_create(status):
    """For any result of the targets."""
    with Desk(create_status=status) as desk:
        for content in ("Hi", "[fail]"):
            body = {"content": content, "platforms": [TWITTER], "publishNow": True}
            assert desk.post("/v1/posts", json=body).status_code == status


def test_one_failed_target_makes_a_post_partial(desk):
    """Only this target has the error."""
    post = desk.create(FACEBOOK, INSTAGRAM, publishNow=True)

    out, failed = post["platforms"]
    assert post["status"] == "partial"
    assert out["status"] == "published"
    assert failed == {
        **INSTAGRAM,
        "status": "failed",
        "error": "This platform does not take text alone",
    }


def test_failed_targets_make_a_post_failed(desk):
    """It has no publication time."""
    post = desk.create(FACEBOOK, TWITTER, publishNow=True, content="[fail] Tea")

    assert post["status"] == "failed"
    assert post["publishedAt"] is None
    assert [target["status"] for target in post["platforms"]] == ["failed", "failed"]


@pytest.mark.parametrize(
    ("wishes", "status", "moment"),
    [
        ({}, "draft", None),
        ({"publishNow": False, "isDraft": False, "scheduledFor": None}, "draft", None),
        ({"isDraft": True, "publishNow": True}, "draft", None),
        ({"isDraft": True, "scheduledFor": "2026-12-01T07:00Z"}, "draft", "2026-12-01T07:00:00Z"),
        ({"publishNow": True, "scheduledFor": "2026-12-01T07:00:00Z"}, "published", None),
        ({"scheduledFor": "2026-12-01T07:00:00.9Z"}, "scheduled", "2026-12-01T07:00:00Z"),
        ({"scheduledFor": "2026-11-21T12:00:00Z"}, "published", "2026-11-21T12:00:00Z"),
        ({"scheduledFor": "0001-01-01T00:00:00Z"}, "published", "0001-01-01T00:00:00Z"),
    ],
)
def test_draft_wins_over_publish_now_and_publish_now_over_a_time(desk, wishes, status, moment):
    """A past time publishes at once; without any of them it is a draft."""
    post = desk.create(TWITTER, **wishes)

    assert (post["status"], post["scheduledFor"]) == (status, moment)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01T07:00:00", "2026-12-01T06:00:00Z"),
        ("2026-12-01T07:00:00+05:30", "2026-12-01T01:30:00Z"),
        ("2026-12-01T07:00:00-0200", "2026-12-01T09:00:00Z"),
        ("2027-07-01T07:00", "2027-07-01T05:00:00Z"),
    ],
)
def test_a_time_without_offset_is_in_the_posts_timezone(desk, text, moment):
    """With an offset the timezone is ignored."""
    post = desk.create(TWITTER, scheduledFor=text, timezone="Europe/Paris")

    assert post["scheduledFor"] == moment
    assert post["timezone"] == "Europe/Paris"
    assert desk.edit(post, scheduledFor=text).json()["scheduledFor"] == moment


def test_a_scheduled_post_is_published_at_its_time(desk):
    """In the list and by its id, never before."""
    post = desk.create(TWITTER, INSTAGRAM, scheduledFor="2026-11-21T13:00:00Z")
    failing = desk.create(THREADS, scheduledFor="2026-11-21T12:30:00Z", content="[fail]")
    desk.now += HOUR - 1
    assert desk.read(post) == post
    assert desk.read(failing)["status"] == "failed"

    desk.now += 3 * HOUR
    shown = desk.list(limit=2)["posts"]

    assert [one["id"] for one in shown] == [failing["id"], post["id"]]
    assert [one["status"] for one in shown] == ["failed", "partial"]
    assert shown[1]["publishedAt"] == shown[1]["updatedAt"] == "2026-11-21T13:00:00Z"
    out, failed = shown[1]["platforms"]
    assert (out["status"], failed["status"]) == ("published", "failed")


def test_initial_posts_are_published_only_after_rescheduling(desk):
    """Their world ends on its last day."""
    before = desk.list(status="scheduled", limit=100)["posts"]
    moments = sorted({post["scheduledFor"] for post in before})
    assert moments[0] < "2026-11-21T12:00:00Z" < moments[-1]
    for post in before:
        edited = desk.edit(post, tags=["late"])
        assert edited.status_code == 200
        assert edited.json()["status"] == "scheduled"
    desk.now += 400 * 24 * HOUR
    assert {post["status"] for post in map(desk.read, before)} == {"scheduled"}

    first, second, *_ = before
    past = desk.edit(first, scheduledFor="2026-11-22T00:00:00Z").json()
    desk.edit(second, scheduledFor="2028-01-01T00:00:00Z")
    assert past["status"] in {"published", "partial", "failed"}
    assert desk.read(second)["status"] == "scheduled"
    desk.now += 400 * 24 * HOUR
    assert desk.read(second)["status"] in {"published", "partial", "failed"}


def test_initial_posts_in_publishing_cannot_be_changed(desk):
    """Each refused edit, deletion or retry says why."""
    post = desk.list(status="publishing", limit=1)["posts"][0]
    desk.now += 400 * 24 * HOUR
    replies = desk.edit(post, tags=[]), desk.delete(f"/v1/posts/{post['id']}"), desk.retry(post)

    assert [(reply.status_code, reply.json()["error"]) for reply in replies] == [
        (400, "Only draft, scheduled and failed posts can be edited"),
        (400, "A post that is being published cannot be deleted"),
        (400, "The post has no failed target to retry"),
    ]
    assert desk.read(post) == post


def test_targets_override_text_media_and_options(desk):
    """Platform settings apply only to their targets."""
    settings = {**CONSENT, "privacy_level": "SELF_ONLY"}
    own = {"privacy_level": "PUBLIC_TO_EVERYONE"}
    post = desk.create(
        {**TIKTOK, "customMedia": [VIDEO], "platformSpecificData": own},
        {**TWITTER, "customContent": "Short"},
        {**FACEBOOK, "customContent": "Long"},
        content="x" * 1000,
        tiktokSettings=settings,
        facebookSettings={"firstComment": "Hello"},
        publishNow=True,
    )

    tiktok, twitter, facebook = post["platforms"]
    assert post["status"] == "published"
    assert post["mediaItems"] == []
    assert tiktok["customMedia"] == [VIDEO]
    assert tiktok["platformSpecificData"] == {**settings, **own}
    assert twitter["customContent"] == "Short"
    assert "platformSpecificData" not in twitter
    assert facebook["platformSpecificData"] == {"firstComment": "Hello"}


CAT = "\N{CAT FACE}"
LIMITS = [
    (TWITTER, {"content": "x" * 280}, None),
    (TWITTER, {"content": "x" * 281}, "Caption is longer than this platform allows"),
    (TWITTER, {"content": CAT * 140}, None),
    (TWITTER, {"content": CAT * 141}, "Caption is longer than this platform allows"),
    (TWITTER, {"content": "https://shop.example/" + "x" * 300 + " " + "x" * 256}, None),
    (TWITTER, {"mediaItems": [IMAGE] * 5}, "At most 4 images per post are allowed"),
    (TWITTER, {"mediaItems": [GIF]}, None),
    (TWITTER, {"mediaItems": [GIF, IMAGE]}, "A GIF must be alone"),
    (TWITTER, {"mediaItems": [GIF, GIF]}, "A GIF must be alone"),
    (THREADS, {"content": "x" * 500}, None),
    (THREADS, {"content": "x" * 501}, "Caption is longer than this platform allows"),
    (FACEBOOK, {"content": "x" * 63_206}, None),
    (FACEBOOK, {"content": "x" * 63_207}, "Caption is longer than this platform allows"),
    (FACEBOOK, {"mediaItems": [VIDEO] * 2}, "At most 1 video per post is allowed"),
    (FACEBOOK, {"mediaItems": [IMAGE] * 9 + [GIF]}, None),
    (FACEBOOK, {"mediaItems": [IMAGE] * 10 + [GIF]}, "At most 10 images per post are allowed"),
    (INSTAGRAM, {}, "This platform does not take text alone"),
    (INSTAGRAM, {"mediaItems": [IMAGE] * 10, "content": "x" * 2200}, None),
    (INSTAGRAM, {"mediaItems": [IMAGE] * 11}, "At most 10 images per post are allowed"),
    (INSTAGRAM, {"mediaItems": [GIF]}, "This platform does not take GIFs"),
    (
        INSTAGRAM,
        {"mediaItems": [{"type": "image", "url": "https://cdn.example.net/cup.WebP?size=1"}]},
        "Upload rejected: file format not supported",
    ),
    (
        INSTAGRAM,
        {"mediaItems": [{"type": "image", "url": "https://www.dropbox.com/s/cup.jpg"}]},
        "The media link leads to a page, not to a file",
    ),
    (INSTAGRAM, {"mediaItems": [{"type": "image", "url": "https://cdn.example.net/cup"}]}, None),
    (TIKTOK, {"tiktokSettings": CONSENT}, "This platform does not take text alone"),
    (TIKTOK, {"tiktokSettings": CONSENT, "mediaItems": [IMAGE] * 35, "content": "x" * 4000}, None),
    (
        TIKTOK,
        {"tiktokSettings": CONSENT, "mediaItems": [VIDEO], "content": "x" * 2201},
        "Caption is longer than this platform allows",
    ),
    (
        TIKTOK,
        {"mediaItems": [VIDEO]},
        "Consent is missing: content_preview_confirmed and express_consent_given must be true",
    ),
    (
        TIKTOK,
        {"mediaItems": [VIDEO], "tiktokSettings": {**CONSENT, "express_consent_given": 1}},
        "Consent is missing: content_preview_confirmed and express_consent_given must be true",
    ),
    (
        REVOKED,
        {"mediaItems": [VIDEO], "tiktokSettings": CONSENT},
        "The access token ran out; reconnect the account",
    ),
    ({**TWITTER, "customContent": ""}, {}, "There is nothing to post"),
    ({**INSTAGRAM, "customMedia": []}, {"mediaItems": [IMAGE]}, "This platform does not take text"),
]


@pytest.mark.parametrize(("target", "fields", "error"), LIMITS)
def test_a_post_above_a_platform_limit_fails_on_this_target(desk, target, fields, error):
    """The post itself is accepted."""
    found = error_of(desk, target, **fields)

    assert found is None if error is None else found.startswith(error)


@pytest.mark.parametrize(
    ("target", "other", "cap"), [(INSTAGRAM, "ig_40204", 100), (THREADS, "th_40506", 250)]
)
def test_daily_caps_count_published_posts_per_account(desk, target, other, cap):
    """Of the last 24 hours; failures do not count."""
    media = {"mediaItems": [IMAGE]}
    assert error_of(desk, target, **media) is None
    assert error_of(desk, target, **media, content="[fail]") is not None
    desk.now += 12 * HOUR
    for _ in range(cap - 1):
        assert error_of(desk, target, **media) is None
    assert error_of(desk, target, **media) == "Daily posting limit of the platform reached"
    assert error_of(desk, {**target, "accountId": other}, **media) is None

    desk.now += 12 * HOUR

    assert error_of(desk, target, **media) is None
    assert error_of(desk, target, **media) == "Daily posting limit of the platform reached"


def test_magic_words_make_a_target_fail(desk):
    """In the target's own text; for one platform, if one is named."""
    post = desk.create(
        {**FACEBOOK, "customContent": "Fine"},
        *(THREADS, TWITTER),
        content="Tea [fail:threads] and [fail-once:tiktok]",
        publishNow=True,
    )

    assert [target["status"] for target in post["platforms"]] == [
        "published",
        "failed",
        "published",
    ]
    assert desk.retry(post).json()["status"] == "partial"


def test_retry_publishes_only_failed_targets(desk):
    """Published ones are unchanged."""
    post = desk.create({**THREADS, "customContent": "[fail-once]"}, TWITTER, publishNow=True)
    desk.now += HOUR

    reply = desk.retry(post)

    again = reply.json()
    assert reply.status_code == 200
    assert (post["status"], again["status"]) == ("partial", "published")
    assert again["platforms"][1] == post["platforms"][1]
    assert again["platforms"][0]["status"] == "published"
    assert "error" not in again["platforms"][0]
    assert again["publishedAt"] == post["publishedAt"]
    assert again["updatedAt"] == "2026-11-21T13:00:00Z"
    assert desk.read(post) == again


def test_a_retried_initial_post_keeps_its_position(desk):
    """In the list."""
    failed = [post["id"] for post in desk.list(status="failed", limit=100)["posts"]]
    before = [post["id"] for post in desk.list(limit=100)["posts"]]
    tried = [desk.post(f"/v1/posts/{post_id}/retry").json() for post_id in failed[:5]]

    assert {post["status"] for post in tried} <= {"published", "partial", "failed"}
    assert {post["publishedAt"] for post in tried} & {"2026-11-21T12:00:00Z"}
    assert [post["id"] for post in desk.list(limit=100)["posts"]] == before


def test_initial_posts_have_the_tiktok_consent(desk):
    """Although no response has it, unless an update changes it."""
    post = desk.list(status="partial", platform="tiktok", limit=1)["posts"][0]
    measured = desk.get("/v1/analytics", params={"platform": "tiktok"}).json()["pagination"]
    assert desk.retry(post).json()["status"] == "published"
    # Its numbers are still there.
    again = desk.get("/v1/analytics", params={"platform": "tiktok"}).json()["pagination"]
    assert again == measured

    draft = desk.list(status="draft", platform="tiktok", limit=1)["posts"][0]
    refused = desk.edit(draft, tiktokSettings={"express_consent_given": False}, publishNow=True)

    errors = {one["platform"]: one.get("error", "") for one in refused.json()["platforms"]}
    assert errors["tiktok"].startswith("Consent is missing: ")


def test_unknown_fields_are_ignored(desk):
    """In the body, in targets and in media."""
    item = {**IMAGE, "alt": "A cup"}
    target = {**TWITTER, "customMedia": [item], "status": "published", "error": "x"}
    post = desk.create(target, mediaItems=[item], id="post_x", status="published")

    assert post["id"] != "post_x"
    assert post["status"] == "draft"
    assert post["mediaItems"] == [IMAGE]
    assert post["platforms"] == [{**TWITTER, "customMedia": [IMAGE], "status": "pending"}]


@pytest.mark.parametrize("fields", [{"isDraft": True}, {"publishNow": True}])
def test_retry_without_a_failed_target_is_refused(desk, fields):
    """For a draft and for a published post."""
    post = desk.create(TWITTER, **fields)
    reply = desk.retry(post)

    assert reply.status_code == 400
    assert reply.json() == {
        "error": "The post has no failed target to retry",
        "code": "VALIDATION_ERROR",
    }
    assert desk.read(post) == post


def test_posts_of_disconnected_accounts_stay_but_cannot_be_published(desk):
    """New ones are refused, and scheduled ones fail."""
    post = desk.create(THREADS, scheduledFor="2026-11-21T13:00:00Z")
    desk.sandbox.state.change(lambda world: world.without_account("threads", "th_40131"))
    assert desk.read(post) == post

    desk.now += HOUR

    (target,) = desk.read(post)["platforms"]
    assert target == {
        **THREADS,
        "status": "failed",
        "error": "The account is not connected any more",
    }
    reply = desk.post("/v1/posts", json={"content": "x", "platforms": [THREADS]})
    assert reply.status_code == 400


def test_an_unknown_post_is_a_404(desk):
    """By any method, with any body."""
    for method, path in (("PUT", ""), ("DELETE", ""), ("POST", "/retry"), ("GET", "")):
        reply = desk.request(method, f"/v1/posts/post_unknown{path}", content=b"{")
        assert reply.status_code == 404
        assert reply.json() == NOT_FOUND


@pytest.mark.parametrize("body", [{}, {"content": "x"}, {"content": "x", "platforms": []}])
def test_platforms_are_required(desk, body):
    """With the documented error, on create and when a draft without any is published."""
    reply = desk.post("/v1/posts", json=body)
    assert reply.status_code == 400
    assert reply.json() == NO_PLATFORMS

    draft = desk.create(isDraft=True)
    assert desk.edit(draft, tags=["tea"]).status_code == 200
    moment = {"scheduledFor": "2026-12-01T07:00Z"}
    for wish in ({"publishNow": True}, {"isDraft": False}, moment, {"isDraft": False, **moment}):
        assert desk.edit(draft, **wish).json() == NO_PLATFORMS
        assert desk.read(draft)["status"] == "draft"
    planned = desk.edit(draft, isDraft=True, **moment).json()
    assert desk.edit(planned, **planned).json() == planned  # sent back as it was read
    assert desk.edit(planned, scheduledFor=None).status_code == 200
    assert desk.edit(
        desk.create(TWITTER, scheduledFor="2026-12-01T07:00Z"), platforms=[]
    ).json() == (NO_PLATFORMS)


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_content_is_required_without_media_or_custom_content(desk, content):
    """Custom content must be in every target."""
    bare = {"content": content, "publishNow": True}
    own = {**TWITTER, "customContent": "Tea"}

    refused = [
        desk.post("/v1/posts", json={**bare, "platforms": [own, FACEBOOK]}),
        desk.post("/v1/posts", json={"isDraft": True}),
    ]
    assert [reply.status_code for reply in refused] == [400, 400]
    assert refused[0].json()["error"].startswith("content is required unless media is attached")
    assert desk.create(own, **bare)["status"] == "published"
    assert desk.create(own, FACEBOOK, **bare, mediaItems=[IMAGE])["content"] == (content or "")


WRONG = [
    ({"content": 5}, "content must be a text"),
    ({"mediaItems": {}}, "mediaItems must be a list"),
    ({"mediaItems": ["x"]}, "mediaItems[0] must be an object"),
    (
        {"mediaItems": [IMAGE, {**IMAGE, "type": "audio"}]},
        "mediaItems[1].type must be one of: image, video, gif",
    ),
    ({"mediaItems": [{"url": IMAGE["url"]}]}, "mediaItems[0].type must be one of"),
    ({"mediaItems": [{"type": "image"}]}, "mediaItems[0].url must be an address"),
    ({"mediaItems": [{"type": "image", "url": "cup.png"}]}, "mediaItems[0].url must be an address"),
    ({"mediaItems": [{"type": "image", "url": "http://["}]}, "mediaItems[0].url must be an"),
    ({"mediaItems": [{"type": "image", "url": 7}]}, "mediaItems[0].url must be a text"),
    ({"platforms": "twitter"}, "platforms must be a list"),
    ({"platforms": [[]]}, "platforms[0] must be an object"),
    (
        {"platforms": [TWITTER, {**TWITTER, "platform": "gopher"}]},
        "platforms[1].platform must be one of: instagram, facebook, threads, tiktok, twitter",
    ),
    (
        {"platforms": [{**TWITTER, "accountId": "tw_1"}]},
        "platforms[0].accountId is not a connected account of this platform",
    ),
    ({"platforms": [{"platform": "twitter"}]}, "platforms[0].accountId is not a connected account"),
    (
        {"platforms": [{**TWITTER, "platform": "threads"}]},
        "platforms[0].accountId is not a connected account",
    ),
    ({"platforms": [TWITTER, TWITTER]}, "platforms[1] is the same account as another target"),
    (
        {"platforms": [{**TWITTER, "customContent": []}]},
        "platforms[0].customContent must be a text",
    ),
    (
        {"platforms": [{**TWITTER, "customMedia": [{**IMAGE, "type": "pdf"}]}]},
        "platforms[0].customMedia[0].type must be one of",
    ),
    (
        {"platforms": [{**TWITTER, "platformSpecificData": []}]},
        "platforms[0].platformSpecificData must be an object",
    ),
    ({"publishNow": "yes"}, "publishNow must be true or false"),
    ({"isDraft": 1}, "isDraft must be true or false"),
    ({"scheduledFor": 1795000000}, "scheduledFor must be a text"),
    ({"timezone": "Mars/Olympus"}, "timezone must be the name of an IANA time zone"),
    ({"timezone": "../UTC"}, "timezone must be the name of an IANA time zone"),
    ({"timezone": "Europe"}, "timezone must be the name of an IANA time zone"),
    ({"tags": "tea"}, "tags must be a list"),
    ({"tags": ["tea", 1]}, "tags must be a list of texts"),
    ({"tiktokSettings": []}, "tiktokSettings must be an object"),
    ({"facebookSettings": "x"}, "facebookSettings must be an object"),
    *(
        ({"scheduledFor": text}, "scheduledFor must be an ISO 8601 moment")
        for text in (
            *("soon", "2026-12-01", "2026-12-01 07:00", "2026-13-01T07:00Z", "2026-12-01T25:00Z"),
            *("2026-W49-2T07:00Z", "2026-12-01T07:00+25:00", "9999-12-31T23:59-23:00", ""),
        )
    ),
]


@pytest.mark.parametrize(("fields", "error"), WRONG)
def test_invalid_fields_are_refused_by_name(desk, fields, error):
    """On create and on update; nothing changes."""
    draft = desk.create(TWITTER, isDraft=True)
    total = desk.list()["pagination"]["total"]
    body = {"content": "Tea", "platforms": [TWITTER], **fields}
    replies = [desk.post("/v1/posts", json=body), desk.edit(draft, **fields)]

    for reply in replies:
        assert reply.status_code == 400
        assert reply.json()["code"] == "VALIDATION_ERROR"
        assert reply.json()["error"].startswith(error)
    assert desk.list()["pagination"]["total"] == total
    assert desk.read(draft) == draft


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b'"x"', b"\xff", b'{"content": "\\ud800"}', b'{"\\udfff": 1}'),
        *(b'{"tiktokSettings": {"a": NaN}}', b'{"tiktokSettings": {"a": 1e999}}'),
        b'{"tiktokSettings": {"a": ' + b"[" * 60 + b"]" * 60 + b"}}",
        *(b"[" * 200_000, b'{"a": ' + b"9" * 5000 + b"}"),
    ],
)
def test_unreadable_bodies_are_refused(desk, body):
    """Before any other check."""
    draft = desk.create(TWITTER, isDraft=True)
    for method, path in (("POST", "/v1/posts"), ("PUT", f"/v1/posts/{draft['id']}")):
        reply = desk.request(method, path, content=body)
        assert reply.status_code == 400
        assert reply.json()["error"].startswith("The body ")


def test_update_changes_only_the_given_fields(desk):
    """And the time of the update."""
    post = desk.create(
        *({**THREADS, "customContent": "Own"}, TWITTER),
        scheduledFor="2026-11-21T18:00:00Z",
        timezone="Asia/Tokyo",
        tags=["tea"],
    )
    desk.now += HOUR
    changes = {"content": "New", "tags": [], "mediaItems": [IMAGE], "timezone": "Europe/Paris"}

    reply = desk.edit(post, **changes, id="post_x", status="published", publishedAt="now", other=1)

    assert reply.status_code == 200
    assert reply.json() == {**post, **changes, "updatedAt": "2026-11-21T13:00:00Z"}
    assert desk.read(post) == reply.json()


def test_update_of_the_time_reschedules_the_post(desk):
    """Without a time the post becomes a draft."""
    post = desk.create(THREADS, scheduledFor="2026-11-21T13:00:00Z")
    later = desk.edit(post, scheduledFor="2026-11-21T15:00:00Z").json()
    desk.now += 2 * HOUR
    assert desk.read(post) == later

    dropped = desk.edit(post, scheduledFor=None).json()
    desk.now += 2 * HOUR

    assert (dropped["status"], dropped["scheduledFor"]) == ("draft", None)
    assert desk.read(post)["status"] == "draft"
    assert desk.edit(post, publishNow=True).json()["publishedAt"] == "2026-11-21T16:00:00Z"


def test_a_draft_stays_a_draft_until_is_draft_is_false(desk):
    """Even if it is sent back unchanged or with another time."""
    post = desk.create(THREADS, isDraft=True, scheduledFor="2026-11-20T00:00:00Z")
    same = {**post, "scheduledFor": "2026-11-22T00:00:00Z"}

    assert desk.edit(post, **same).json() == same
    assert desk.edit(post, isDraft=False).json()["status"] == "scheduled"
    assert desk.edit(post, isDraft=True).json()["status"] == "draft"
    desk.now += 48 * HOUR
    assert desk.read(post)["status"] == "draft"
    assert desk.edit(post, isDraft=False).json()["status"] == "published"


def test_a_failed_post_stays_failed_until_it_is_retried_or_rescheduled(desk):
    """Other targets reset it too."""
    post = desk.create(TIKTOK, mediaItems=[VIDEO], publishNow=True)
    mended = desk.edit(post, tiktokSettings={**CONSENT, "allow_duet": True}).json()
    assert mended["status"] == mended["platforms"][0]["status"] == "failed"
    mended = desk.edit(post, tiktokSettings={"allow_duet": False}).json()
    assert mended["platforms"][0]["platformSpecificData"] == {**CONSENT, "allow_duet": False}
    assert desk.retry(post).json()["status"] == "published"

    post = desk.create(TWITTER, content="[fail]", publishNow=True)
    assert desk.edit(post, platforms=[THREADS]).json()["status"] == "draft"
    post = desk.create(TWITTER, content="[fail]", publishNow=True)
    moved = desk.edit(post, content="Fine", scheduledFor="2026-11-21T13:00:00Z").json()
    assert moved["status"] == "scheduled"
    assert moved["platforms"] == [{**TWITTER, "status": "pending"}]
    desk.now += HOUR
    assert desk.read(post)["status"] == "published"


def test_published_posts_cannot_be_edited_or_deleted(desk):
    """Neither a published nor a partial post can be edited or deleted."""
    for targets, status, said in (
        ([TWITTER], "published", "published"),
        ([TWITTER, INSTAGRAM], "partial", "published in part"),
    ):
        post = desk.create(*targets, publishNow=True)
        edited, deleted = desk.edit(post, tags=["x"]), desk.delete(f"/v1/posts/{post['id']}")
        assert post["status"] == status
        assert edited.status_code == deleted.status_code == 400
        assert edited.json()["error"] == "Only draft, scheduled and failed posts can be edited"
        assert deleted.json()["error"] == f"A post that is {said} cannot be deleted"
        assert desk.read(post) == post


@pytest.mark.parametrize(
    "fields", [{"isDraft": True}, {"scheduledFor": "2026-11-21T13:00Z"}, {"publishNow": True}]
)
def test_a_deleted_post_is_absent_and_never_published(desk, fields):
    """In the list and by its id."""
    total = desk.list()["pagination"]["total"]
    post = desk.create(TWITTER, content="[fail]", **fields)

    reply = desk.delete(f"/v1/posts/{post['id']}")

    assert reply.status_code == 200
    assert reply.json() == {"message": "Post deleted"}
    desk.now += 2 * HOUR
    assert desk.list()["pagination"]["total"] == total
    assert desk.read(post) == NOT_FOUND
    assert desk.delete(f"/v1/posts/{post['id']}").status_code == 404


def test_a_switch_sets_the_status_code_of_delete():
    """With 204 there is no body."""
    with Desk(delete_status=204) as desk:
        reply = desk.delete(f"/v1/posts/{desk.create(TWITTER)['id']}")

    assert reply.status_code == 204
    assert reply.content == b""


def test_a_created_post_is_first_in_the_list(desk):
    """With matching status, platform and day filters, and in the totals."""
    before = desk.list(limit=3)
    posts = [desk.create(TWITTER, isDraft=True), desk.create(THREADS, publishNow=True)]
    after = desk.list(limit=5)
    total = before["pagination"]["total"]

    assert after["posts"] == [*reversed(posts), *before["posts"]]
    assert after["pagination"] == {"page": 1, "limit": 5, "total": total + 2, "pages": 1081}
    assert desk.list(dateFrom="2026-11-21")["posts"] == [*reversed(posts)]
    assert desk.list(platform="twitter", status="draft", limit=1)["posts"] == posts[:1]
    assert (
        desk.list(limit=100, page=55)["posts"]
        == desk.list(limit=1, page=5401)["posts"] + (desk.list(limit=1, page=5402)["posts"])
    )


def numbers_of(desk, post):
    return desk.get("/v1/analytics", params={"postId": post["id"]}).json()


@pytest.mark.parametrize("posts", [None, 5400])
def test_a_published_post_is_in_analytics_at_once(posts):
    """First in the list, by its id and in the counts; with zeros."""
    with Desk(posts=posts) as desk:
        before = desk.get("/v1/analytics").json()
        post = desk.create(TWITTER, INSTAGRAM, publishNow=True)
        after = desk.get("/v1/analytics").json()
        alone = numbers_of(desk, post)
        draft = numbers_of(desk, desk.create(TWITTER, isDraft=True))

    for name in ("totalPosts", "publishedPosts", "scheduledPosts"):
        more = name == "totalPosts"  # it is partial, and never was scheduled
        assert after["overview"][name] == before["overview"][name] + more
    assert after["pagination"]["total"] == before["pagination"]["total"] + 1
    assert after["posts"][0] == alone
    assert after["posts"][1:] == before["posts"][:-1]
    assert list(alone) == list(before["posts"][0])
    assert alone["content"] == post["content"]
    out, failed = alone["platforms"]
    assert (out["syncStatus"], failed["syncStatus"]) == ("synced", "unavailable")
    assert out["analytics"] == alone["analytics"]
    assert failed["analytics"] is None
    assert alone["analytics"].pop("lastUpdated") == post["publishedAt"]
    assert after["overview"]["lastSync"] == post["publishedAt"]
    assert set(alone["analytics"].values()) == {0}
    assert draft == NOT_FOUND


def test_analytics_count_new_posts_like_initial_posts(desk):
    """By status, day and target."""

    def counts(**params):
        overview = desk.get("/v1/analytics", params=params).json()["overview"]
        return [overview[name] for name in ("totalPosts", "publishedPosts", "scheduledPosts")]

    assert counts(fromDate="2026-11-21")[:2] == [0, 0]
    waiting = counts()[2]
    desk.create(TWITTER, publishNow=True)
    desk.create(THREADS, scheduledFor="2026-11-22T09:00:00Z")
    assert counts(fromDate="2026-11-21") == [1, 1, waiting + 1]
    desk.now += 24 * HOUR
    assert counts(fromDate="2026-11-21") == [2, 2, waiting]
    assert counts(fromDate="2026-11-22")[:2] == [1, 1]
    assert counts(fromDate="2026-11-21", toDate="2026-11-21")[:2] == [1, 1]
    assert counts(fromDate="2026-11-21", platform="tiktok")[:2] == [0, 0]
    assert counts(fromDate="2026-11-21", accountId=THREADS["accountId"])[:2] == [1, 1]
    by_likes = desk.get("/v1/analytics", params={"sortBy": "likes", "order": "asc"}).json()
    assert {post["publishedAt"][:10] for post in by_likes["posts"][:2]} <= {
        *("2026-11-21", "2026-11-22")
    }


def test_a_post_of_a_new_account_has_a_username_in_analytics(desk):
    """The initial world does not have the account."""
    ask = desk.get("/v1/connect/threads", params={"redirect_url": "http://app.example/"}).json()
    page = desk.get(ask["authUrl"]).text
    fields = {
        name: re.search(f'name="{name}" value="([^"]+)"', page)[1] for name in ("token", "account")
    }
    back = desk.post(ask["authUrl"], data={**fields, "decision": "allow"})
    code = httpx.URL(back.headers["Location"]).params["code"]
    body = {"code": code, "redirect_url": "http://app.example/"}
    account = desk.post("/v1/connect/threads", json=body).json()
    post = desk.create({**THREADS, "accountId": account["accountId"]}, publishNow=True)

    (target,) = numbers_of(desk, post)["platforms"]
    assert target["accountUsername"] == account["username"]


def test_a_retried_target_has_zeros_in_analytics(desk):
    """The other targets keep their numbers."""
    post = desk.list(status="partial", platform="tiktok", limit=1)["posts"][0]
    before = numbers_of(desk, post)["platforms"]
    desk.retry(post)
    after = numbers_of(desk, post)["platforms"]

    for then, now in zip(before, after, strict=True):
        if then["status"] == "published":
            assert now == then
        else:
            assert now["analytics"]["likes"] == 0


def test_to_date_defaults_to_today(desk):
    """Of the sandbox's clock, but at least the last day of the world."""
    until = []
    for now in (NOON, NOON + 48 * HOUR, NOON - 9999 * HOUR):
        desk.now = now
        until.append(desk.get("/v1/accounts/follower-stats").json()["dateRange"])
        assert desk.get("/v1/analytics").json()["overview"]["totalPosts"] == 732
    future = desk.get("/v1/analytics", params={"fromDate": "2026-11-24"})
    desk.now = NOON + 9999 * HOUR

    start = "2026-10-21"
    assert until == [
        {"from": start, "to": day} for day in ("2026-11-21", "2026-11-23", "2026-11-20")
    ]
    assert future.status_code == 400
    assert desk.get("/v1/analytics").status_code == 200
    assert desk.get("/v1/analytics", params={"fromDate": "2025-11-18"}).status_code == 400


def test_two_sandboxes_share_no_posts(desk):
    """A post in one is unknown to the other."""
    post = desk.create(TWITTER, publishNow=True)
    with Desk() as other:
        assert other.read(post) == NOT_FOUND


def test_concurrent_requests_create_and_publish_each_post_once(desk):
    """From many threads."""
    gate = threading.Barrier(8)

    def work(number):
        gate.wait()
        made = [desk.create(THREADS, scheduledFor=f"2026-11-21T13:0{number}Z") for _ in range(5)]
        gate.wait()
        desk.now = NOON + 2 * HOUR
        return [desk.read(post)["id"] for post in made]

    with ThreadPoolExecutor(8) as pool:
        ids = set(itertools.chain.from_iterable(pool.map(work, range(8))))

    assert len(ids) == 40
    assert {desk.read({"id": one})["status"] for one in ids} == {"published"}
    assert desk.list()["pagination"]["total"] == 5440


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TARGETS = st.sampled_from([INSTAGRAM, FACEBOOK, THREADS, TWITTER, TIKTOK, REVOKED])
TARGET = st.fixed_dictionaries(
    {},
    optional={
        "customContent": JSON,
        "customMedia": JSON | st.lists(st.sampled_from([IMAGE, VIDEO, GIF])),
        "platformSpecificData": JSON | st.dictionaries(st.text(), JSON),
    },
)
BOTH = st.builds(lambda one, other: {**one, **other}, TARGETS, TARGET)
ADDRESS = st.text(max_size=9).map("http://".__add__)
MEDIA = st.fixed_dictionaries({}, optional={"type": JSON | st.just("gif"), "url": JSON | ADDRESS})
BODY = st.fixed_dictionaries(
    {},
    optional={
        "content": JSON | st.text(min_size=1),
        "mediaItems": JSON | st.lists(JSON | MEDIA, max_size=3),
        "platforms": JSON | st.lists(BOTH, max_size=3) | st.lists(JSON | BOTH, max_size=3),
        "publishNow": JSON | st.booleans(),
        "scheduledFor": JSON | st.datetimes().map(datetime.isoformat),
        "isDraft": JSON | st.booleans(),
        "timezone": JSON | st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York"]),
        "tags": JSON | st.lists(st.text(), max_size=3),
        "tiktokSettings": JSON | st.dictionaries(st.text(), JSON),
        "facebookSettings": JSON | st.dictionaries(st.text(), JSON),
    },
)


@given(bodies=st.lists(BODY | JSON, min_size=2, max_size=4))
def test_any_body_is_accepted_or_refused(bodies):
    """An accepted post can be read as JSON."""
    with Desk() as desk:
        draft = desk.create(THREADS, isDraft=True)
        for body in bodies:
            text = json.dumps(body).encode()
            created = desk.post("/v1/posts", content=text)
            edited = desk.put(f"/v1/posts/{draft['id']}", content=text)
            assert created.status_code in {201, 400}
            assert edited.status_code in {200, 400}
            for reply in (created, edited):
                assert reply.is_success or sorted(reply.json()) == ["code", "error"]
                assert json.loads(reply.content, parse_constant=pytest.fail)
        desk.now = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
        shown = json.loads(desk.get("/v1/posts").content, parse_constant=pytest.fail)
        new = shown["posts"][: shown["pagination"]["total"] - 5400]
        assert "scheduled" not in {post["status"] for post in new}


def test_every_initial_post_can_be_edited_or_the_error_says_why():
    """Even posts without text."""
    with Desk() as desk:
        for post in desk.sandbox.state.world.initial.posts:
            if post["status"] not in {"published", "partial"}:
                assert desk.edit(post, tags=["x"]).status_code in {200, 400}, post["id"]
