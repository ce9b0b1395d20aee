"""The made-up world: its files and the responses of the sandbox."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from socialframe.errors import FileError
from socialframe.sandbox import Sandbox
from socialframe.sandbox.world.world import find_world, load_world, the_world

DATA = Path(__file__).resolve().parents[2] / "data"
METRICS = ("impressions", "reach", "likes", "comments", "shares", "saves", "clicks", "views")
PLATFORMS = {"instagram", "facebook", "threads", "tiktok", "twitter"}
LAST_DAY = datetime(2026, 11, 20, 18, tzinfo=UTC).timestamp()
MOMENT = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module")
def client():
    """Open a client whose sandbox lives a second a call, so that no test meets the limit."""
    ticks = itertools.count()
    sandbox = Sandbox(clock=lambda: float(next(ticks)), wall=lambda: LAST_DAY)
    transport = httpx.WSGITransport(app=sandbox)
    headers = {"Authorization": f"Bearer {sandbox.key}"}
    with httpx.Client(transport=transport, base_url="http://sandbox.example", headers=headers) as c:
        yield c


@pytest.fixture(scope="module")
def posts():
    return the_world().initial.posts


@pytest.fixture(scope="module")
def measured(client):
    """Collect a year of analytics, as the sandbox sends them."""
    url = "/v1/analytics?fromDate=2025-11-20&limit=100"
    pages = client.get(url).json()["pagination"]["pages"]
    replies = [client.get(f"{url}&page={page}").json() for page in range(1, pages + 1)]
    return [post for reply in replies for post in reply["posts"]]


@pytest.mark.processes
def test_the_script_writes_exactly_the_stored_files(tmp_path):
    """Byte for byte."""
    command = [sys.executable, "-B", str(DATA / "make_world.py"), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    names = sorted(path.name for path in (DATA / "world").iterdir())

    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (DATA / "world" / name).read_bytes(), name


def test_the_world_has_a_useful_size():
    """Large enough for paging and small enough for the wheel."""
    assert sum(path.stat().st_size for path in (DATA / "world").iterdir()) < 9_000_000
    assert 5_000 <= len(the_world().initial.posts) <= 5_800
    assert len(the_world().accounts) >= 12
    assert {account["platform"] for account in the_world().accounts} == PLATFORMS


def test_the_world_is_found_beside_the_module(tmp_path):
    """As in a wheel; if it is missing, the error says what to do."""
    with pytest.raises(FileError, match="Reinstall socialframe"):
        find_world(tmp_path / "site" / "socialframe" / "sandbox" / "world")
    shutil.copytree(DATA / "world", tmp_path / "data")

    assert find_world(tmp_path) == tmp_path / "data"
    assert load_world(find_world(tmp_path)).initial.lines == the_world().initial.lines


def test_accounts_have_the_documented_fields(client):
    """Their health too; warnings have advice."""
    reply = client.get("/v1/accounts")
    who = ["platform", "accountId", "username"]
    for account in reply.json()["accounts"]:
        assert list(account) == [*who, "connectedAt"]
    for account in client.get("/v1/accounts/health").json()["accounts"]:
        assert list(account) == [*who, "health", "tokenValid", "permissions", "recommendations"]
        assert (account["health"] == "warning") == bool(account["recommendations"])
    tiktok = client.get("/v1/accounts?platform=tiktok").json()["accounts"]

    assert "حبر وزعفران".encode() in reply.content
    assert {account["platform"] for account in tiktok} == {"tiktok"}
    assert client.get("/v1/accounts?platform=gopher").json() == {"accounts": []}
    assert client.get("/v1/accounts?platform=").json() == reply.json()


def test_posts_have_exactly_the_documented_fields(posts):
    """Times are UTC in whole seconds."""
    for post in posts:
        assert list(post) == [
            *("id", "content", "status", "mediaItems", "platforms", "scheduledFor"),
            *("publishedAt", "timezone", "tags", "createdAt", "updatedAt"),
        ]
        assert re.fullmatch("post_[0-9a-f]{10}", post["id"])
        assert post["content"] or post["mediaItems"]
        for name in ("createdAt", "updatedAt", "scheduledFor", "publishedAt"):
            assert post[name] is None or MOMENT.fullmatch(post[name])
        assert post["createdAt"] <= post["updatedAt"]
        for item in post["mediaItems"]:
            assert list(item) == ["type", "url"]
            assert item["type"] in {"image", "video", "gif"}
            assert item["url"].startswith("https://cdn.example.net/")


def test_targets_are_connected_accounts(posts):
    """Optional fields are present only where they apply."""
    connected = {a["accountId"]: a for a in the_world().accounts}
    extra = {"published": ["platformPostId", "platformPostUrl"], "failed": ["error"]}
    for post in posts:
        assert 1 <= len(post["platforms"]) <= 3
        for target in post["platforms"]:
            account = connected[target["accountId"]]
            assert account["platform"] == target["platform"]
            assert account["connectedAt"] <= post["createdAt"]
            fields = ["platform", "accountId", "status", *extra.get(target["status"], [])]
            assert list(target) == fields
            url = target.get("platformPostUrl", f"https://{target['platform']}.example/")
            assert url.startswith(f"https://{target['platform']}.example/")


def test_each_status_matches_the_targets_and_times_of_its_post(posts):
    """For every post of the world."""
    targets = {
        "draft": [{"pending"}],
        "scheduled": [{"pending"}],
        "publishing": [{"publishing"}, {"publishing", "pending"}, {"publishing", "published"}],
        "published": [{"published"}],
        "failed": [{"failed"}],
        "partial": [{"published", "failed"}],
    }
    for post in posts:
        status = post["status"]
        assert {target["status"] for target in post["platforms"]} in targets[status]
        assert (post["publishedAt"] is not None) == (status in {"published", "partial"})
        assert max(post["updatedAt"], post["publishedAt"] or "") <= "2026-11-20T18:00:00Z"
        assert status != "scheduled" or post["scheduledFor"] > "2026-11-20"
        assert status != "draft" or post["scheduledFor"] is None
    counts = Counter(post["status"] for post in posts)
    assert set(counts) == set(targets)
    assert counts["published"] > 0.8 * len(posts)


def test_posts_span_two_years(posts):
    """They end on the last day of the world, newest first, with unique ids."""
    created = [post["createdAt"] for post in posts]

    assert the_world().today == date(2026, 11, 20)
    assert created == sorted(created, reverse=True)
    assert created[0][:10] == "2026-11-20"
    assert created[-1][:10] in {"2024-11-21", "2024-11-22"}
    assert len({post["id"] for post in posts}) == len(posts)


def test_captions_have_many_scripts(posts):
    """With emoji, hashtags, line breaks, or none."""
    texts = [post["content"] or "" for post in posts]
    for pattern in (
        "[ぁ-ん]",
        "[ب-ي]",
        "[अ-ह]",
        "[äöüß]",
        "[¿¡]",
        "[ãç]",
        "[èêà]",
        "🍵",
        "#",
        "\n",
    ):
        assert sum(bool(re.search(pattern, text)) for text in texts) > 50, pattern
    assert 50 < texts.count("") < 500
    assert len({post["timezone"] for post in posts}) > 5
    for post, text in zip(posts, texts, strict=True):
        assert len(text) <= 280 or "twitter" not in {t["platform"] for t in post["platforms"]}


def test_platforms_and_weekdays_differ(measured):
    """As the description of the world says."""
    rates = defaultdict(list)
    for post in measured:
        weekday = date.fromisoformat(post["publishedAt"][:10]).weekday()
        for target in post["platforms"]:
            if target["analytics"]:
                rate = target["analytics"]["engagementRate"]
                rates[target["platform"]].append(rate)
                rates[target["platform"] == "tiktok", weekday].append(rate)
    mean = {group: sum(values) / len(values) for group, values in rates.items()}

    ranking = sorted(PLATFORMS, key=lambda platform: mean[platform], reverse=True)
    assert ranking == ["tiktok", "instagram", "threads", "facebook", "twitter"]
    assert max(range(7), key=lambda day: mean[True, day]) in {5, 6}
    assert max(range(7), key=lambda day: mean[False, day]) == 3


def test_analytics_are_consistent(measured):
    """A number that a platform lacks is 0, and sums and rates match the targets."""
    reported, syncs = defaultdict(set), set()
    for post in measured:
        syncs |= {target["syncStatus"] for target in post["platforms"]}
        known = {t["platform"]: t["analytics"] for t in post["platforms"] if t["analytics"]}
        assert len(known) == sum(t["syncStatus"] == "synced" for t in post["platforms"])
        for platform, numbers in known.items():
            reported[platform] |= {name for name in METRICS if numbers[name] > 0}
        for name in METRICS:
            values = [n[name] for n in known.values()]
            assert post["analytics"][name] == (sum(values) if values else None)
        for numbers in [*known.values(), post["analytics"]] if known else []:
            keen = sum(numbers[name] for name in ("likes", "comments", "shares", "saves"))
            assert numbers["engagementRate"] == round(100 * keen / numbers["impressions"], 2)

    assert set(METRICS) - reported["tiktok"] == {"clicks"}
    assert set(METRICS) - reported["twitter"] == {"reach", "saves"}
    assert syncs == {"synced", "pending", "unavailable"}


def test_each_account_has_daily_follower_counts():
    """Since it was connected, with a few missing days."""
    for account in the_world().accounts:
        series = the_world().followers[account["accountId"]]
        first = max(date(2024, 11, 21), date.fromisoformat(account["connectedAt"][:10]))
        span = (the_world().today - first) // timedelta(days=1) + 1

        assert list(series.days) == sorted(set(series.days))
        assert series.days[-1] == "2026-11-20"
        assert 0 < span - len(series.days) < 0.03 * span
        assert all(0.9 < b / a < 1.1 for a, b in itertools.pairwise(series.counts))


def test_date_filters_include_both_days(client):
    """Parts add up to the whole; a reversed span is empty."""
    span = {"dateFrom": "2026-03-01", "dateTo": "2026-03-02"}
    spans = [{"dateTo": "2026-02-28"}, span, {"dateFrom": "2026-03-03"}]
    spans.append({"dateFrom": "2026-03-02", "dateTo": "2026-03-01", "platform": "tiktok"})
    replies = [client.get("/v1/posts", params={**s, "limit": 100}).json() for s in spans]

    assert {p["createdAt"][:10] for p in replies[1]["posts"]} == {"2026-03-01", "2026-03-02"}
    assert len(replies[1]["posts"]) == replies[1]["pagination"]["total"]
    assert sum(reply["pagination"]["total"] for reply in replies[:3]) == 5400
    assert replies[3]["posts"] == []


def test_status_and_platform_filters_select_matching_posts(client):
    """Unknown values select none."""
    statuses = ["draft", "scheduled", "publishing", "published", "failed", "partial"]
    totals = []
    for status in statuses:
        reply = client.get("/v1/posts", params={"status": status, "limit": 100}).json()
        totals.append(reply["pagination"]["total"])
        assert {post["status"] for post in reply["posts"]} == {status}
    posts = client.get("/v1/posts?platform=threads&limit=100").json()["posts"]
    platforms = [{target["platform"] for target in post["platforms"]} for post in posts]

    assert sum(totals) == 5400
    assert all("threads" in names for names in platforms)
    assert any(len(names) > 1 for names in platforms)
    assert client.get("/v1/posts?platform=gopher").json()["pagination"]["total"] == 0
    assert client.get("/v1/posts?status=lost").json()["pagination"]["total"] == 0


def test_analytics_have_the_envelope_of_the_sibling_api(client):
    """And posts with sums and targets."""
    reply = client.get("/v1/analytics?platform=tiktok&limit=1").json()
    (post,) = reply["posts"]

    assert list(reply) == ["overview", "posts", "pagination", "accounts", "hasAnalyticsAccess"]
    assert {"totalPosts", "publishedPosts", "scheduledPosts"} < set(reply["overview"])
    assert list(post) == [
        *("id", "content", "status", "scheduledFor", "publishedAt", "analytics", "platforms"),
        *("platform", "platformPostUrl", "isExternal", "mediaType"),
    ]
    assert list(post["analytics"]) == [*METRICS, "engagementRate", "lastUpdated"]
    assert list(post["platforms"][0]) == [
        *("platform", "status", "accountId", "accountUsername", "analytics"),
        *("syncStatus", "platformPostUrl", "error"),
    ]
    assert {account["platform"] for account in reply["accounts"]} == {"tiktok"}


def test_analytics_default_to_the_last_90_days(client):
    """50 per page, latest first."""
    reply = client.get("/v1/analytics").json()
    moments = [post["publishedAt"] for post in reply["posts"]]
    pages = reply["pagination"]["pages"]
    oldest = client.get("/v1/analytics", params={"page": pages}).json()["posts"][-1]

    assert reply["pagination"]["limit"] == len(moments) == 50
    assert moments == sorted(moments, reverse=True)
    assert moments[0].startswith("2026-11-20")
    assert oldest["publishedAt"].startswith("2026-08-22")


def test_analytics_have_every_published_or_partial_post(client, measured):
    """And no other."""
    first = client.get("/v1/analytics?fromDate=2024-11-21&toDate=2025-11-19").json()
    out = [post for post in the_world().initial.posts if post["status"] in {"published", "partial"}]

    assert first["pagination"]["total"] + len(measured) == len(out)
    assert {post["id"] for post in measured} <= {post["id"] for post in out}


@pytest.mark.parametrize(("order", "reverse"), [("desc", True), ("asc", False)])
@pytest.mark.parametrize("sort_by", ["date", "likes", "clicks", "engagement"])
def test_analytics_are_sorted_by_the_requested_number(client, sort_by, order, reverse):
    """Posts without it are last."""
    query = {"sortBy": sort_by, "order": order, "limit": 100}
    first = client.get("/v1/analytics", params=query).json()
    last = client.get("/v1/analytics", params={**query, "page": first["pagination"]["pages"]})
    posts = first["posts"] + last.json()["posts"]
    field = "engagementRate" if sort_by == "engagement" else sort_by
    values = [p["publishedAt"] if sort_by == "date" else p["analytics"][field] for p in posts]
    known = [value for value in values if value is not None]

    assert known == sorted(known, reverse=reverse)
    assert values[: len(known)] == known


def test_analytics_of_a_post_id_are_this_post(client):
    """Of any age."""
    post = client.get("/v1/posts?status=published&dateTo=2024-12-01").json()["posts"][0]
    draft = client.get("/v1/posts?status=draft").json()["posts"][0]
    alone = client.get("/v1/analytics", params={"postId": post["id"]}).json()

    assert alone["id"] == post["id"]
    assert alone["publishedAt"] == post["publishedAt"]
    for unknown in (draft["id"], "post_unknown"):
        reply = client.get("/v1/analytics", params={"postId": unknown})
        assert reply.status_code == 404
        assert reply.json()["error"] == "Post not found"


def test_analytics_of_an_account_have_all_targets_of_its_posts(client):
    """Also targets of other accounts."""
    posts = client.get("/v1/analytics?accountId=tw_40126&limit=100").json()["posts"]
    others = client.get("/v1/analytics?accountId=tw_40126&platform=tiktok").json()

    assert all("tw_40126" in {t["accountId"] for t in post["platforms"]} for post in posts)
    assert any(len(post["platforms"]) > 1 for post in posts)
    assert others["posts"] == []
    assert others["overview"]["totalPosts"] == 0


def test_followers_default_to_all_accounts_and_30_days(client):
    """The last days of the world."""
    reply = client.get("/v1/accounts/follower-stats").json()
    accounts = client.get("/v1/accounts").json()["accounts"]

    assert list(reply) == ["accounts", "stats", "dateRange", "granularity"]
    assert reply["dateRange"] == {"from": "2026-10-21", "to": "2026-11-20"}
    assert reply["granularity"] == "daily"
    assert list(reply["stats"]) == [account["accountId"] for account in accounts]
    for account in reply["accounts"]:
        rows = reply["stats"][account["id"]]
        assert account["dataPoints"] == len(rows)
        assert account["growth"] == rows[-1]["followers"] - rows[0]["followers"]
        assert account["currentFollowers"] == rows[-1]["followers"]
        share = round(100 * account["growth"] / rows[0]["followers"], 2)
        assert account["growthPercentage"] == share


def test_followers_of_named_accounts(client):
    """Each once; one that was not connected yet has no days and no growth."""
    query = {"accountIds": "tt_40515, ig_40118,nobody,ig_40118", "toDate": "2025-01-02"}
    query["fromDate"] = "2025-01-01"
    reply = client.get("/v1/accounts/follower-stats", params=query).json()
    late = next(account for account in reply["accounts"] if account["id"] == "tt_40515")

    assert sorted(reply["stats"]) == ["ig_40118", "tt_40515"]
    assert {row["date"] for row in reply["stats"]["ig_40118"]} == {"2025-01-01", "2025-01-02"}
    assert reply["stats"]["tt_40515"] == []
    assert (late["growth"], late["growthPercentage"], late["dataPoints"]) == (0, 0.0, 0)


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("analytics?fromDate=2025-11-18", "366 days"),
        ("analytics?fromDate=2026-11-21&toDate=2026-11-20", "toDate"),
        ("analytics?sortBy=beauty", "sortBy"),
        ("analytics?order=up", "order"),
        ("accounts/follower-stats?granularity=weekly", "granularity"),
        ("accounts/follower-stats?fromDate=2026-11-21&toDate=2026-11-20", "toDate"),
    ],
)
def test_invalid_spans_and_values_are_refused(client, question, word):
    """The error has the reason."""
    reply = client.get(f"/v1/{question}")

    assert reply.status_code == 400
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert word in reply.json()["error"]
