"""A sandbox with any number of posts."""

from __future__ import annotations

import gc
import json
import re
import tracemalloc
from datetime import date

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialframe.errors import ArgumentError
from socialframe.sandbox import PAGINGS, Sandbox
from socialframe.sandbox.world.large import MOST, large_world
from socialframe.sandbox.world.places import repeat_places
from socialframe.sandbox.world.world import the_world

MANY = 1_000_000
SOME = 3_000
STATUSES = ["published", "partial", "draft", "failed", "scheduled", "publishing"]
PLATFORMS = ["instagram", "facebook", "threads", "tiktok", "twitter"]


def asking(**choices):
    """Return a client of a new sandbox that never refuses."""
    sandbox = Sandbox(window_seconds=1e-6, **choices)
    return httpx.Client(
        transport=httpx.WSGITransport(app=sandbox),
        base_url="http://sandbox.invalid",
        headers={"Authorization": f"Bearer {sandbox.key}"},
    )


def following(reply, paging):
    """Tell what to add for the next page, or its address; nothing at the end."""
    body = reply.json()
    page, rows = body.get("pagination", {}), body["posts"]
    if paging == "page":
        return {"page": page["page"] + 1} if page["page"] < page["pages"] else None
    if paging == "offset":
        after = page["offset"] + page["limit"]
        return {"offset": after} if after < page["total"] else None
    if paging == "cursor":
        return page["nextCursor"] and {"cursor": page["nextCursor"]}
    if paging == "after_id":
        return {"after": rows[-1]["id"]} if len(rows) == 100 else None
    return body["links"]["next"] if paging == "next_url" else reply.links.get("next", {}).get("url")


def walk(client, path="/v1/posts", paging="page", **params):
    """Read a list to its end."""
    reply = client.get(path, params={"limit": 100, **params}).raise_for_status()
    rows = reply.json()["posts"]
    while more := following(reply, paging):
        if isinstance(more, str):
            reply = client.get(more)
        else:
            reply = client.get(path, params={"limit": 100, **params, **more})
        rows += reply.raise_for_status().json()["posts"]
    return rows


@pytest.fixture(scope="module")
def everything():
    """Return all posts of a world of some, read one by one."""
    posts = large_world(SOME).initial
    return [posts.post(place) for place in range(SOME)]


def test_the_seed_determines_the_posts():
    """At any position; the default is 0."""
    params = {"page": 7_001, "limit": 100}
    bodies = [
        asking(posts=MANY, **seed).get("/v1/posts", params=params).content
        for seed in ({}, {"seed": 0}, {"seed": 1})
    ]

    assert bodies[0] == bodies[1] != bodies[2]


@pytest.mark.parametrize("paging", [name for name in PAGINGS if name != "none"])
def test_every_paging_family_returns_each_post_once(paging, everything):
    """Newest first."""
    assert walk(asking(posts=SOME, paging=paging), paging=paging) == everything


def test_without_paging_one_response_has_all_posts(everything):
    """If they fit into one."""
    assert asking(posts=SOME, paging="none").get("/v1/posts").json()["posts"] == everything
    with pytest.raises(ArgumentError, match=r"posts must be at most 100,000; got 1000000\.$"):
        Sandbox(posts=MANY, paging="none")


@pytest.mark.parametrize(
    "wanted",
    [
        {"status": "failed"},
        {"platform": "tiktok"},
        {"status": "published", "platform": "threads", "dateFrom": "2026-01-15"},
        {"dateFrom": "2025-02-03", "dateTo": "2025-03-01"},
        {"dateTo": "2025-01-01", "status": "scheduled"},
        {"dateFrom": "2025-03-01", "dateTo": "2025-02-01"},
        {"dateFrom": "0001-01-01", "dateTo": "9999-12-31"},
        {"status": "unheard-of"},
    ],
    ids=lambda wanted: "&".join(f"{name}={value}" for name, value in wanted.items()),
)
def test_a_filter_selects_the_matching_posts(wanted, everything):
    """By status, platform and days of creation, both included."""
    expected = [
        post
        for post in everything
        if wanted.get("status") in (None, post["status"])
        and wanted.get("platform") in (None, *(t["platform"] for t in post["platforms"]))
        and wanted.get("dateFrom", "") <= post["createdAt"][:10] <= wanted.get("dateTo", "~")
    ]

    assert walk(asking(posts=SOME, paging="after_id"), paging="after_id", **wanted) == expected


@pytest.mark.parametrize("order", ["desc", "asc"])
@pytest.mark.parametrize("target", [{}, {"platform": "instagram"}, {"accountId": "tt_40311"}])
def test_analytics_list_published_posts(order, target, everything):
    """By day of publication; the overview counts the same posts."""
    days = {"fromDate": "2026-03-01", "toDate": "2026-08-31"}
    pairs = {"platform": "platform", "accountId": "accountId"}

    def aimed(post):
        return any(
            all(one[pairs[name]] == value for name, value in target.items())
            for one in post["platforms"]
        )

    out = [
        post
        for post in everything
        if aimed(post) and days["fromDate"] <= (post["publishedAt"] or "")[:10] <= days["toDate"]
    ]
    client = asking(posts=SOME)

    rows = walk(client, "/v1/analytics", order=order, **days, **target)

    out.sort(key=lambda post: post["publishedAt"], reverse=order == "desc")
    assert [row["id"] for row in rows] == [post["id"] for post in out]
    overview = client.get("/v1/analytics", params={**days, **target}).json()["overview"]
    assert overview["totalPosts"] == len(out)
    assert overview["publishedPosts"] == sum(post["status"] == "published" for post in out)
    assert overview["scheduledPosts"] == sum(
        post["status"] == "scheduled" and aimed(post) for post in everything
    )


def test_analytics_of_a_large_world_sort_only_by_date():
    """Any other order would have to generate a million posts; the error says so."""
    reply = asking(posts=MANY).get("/v1/analytics", params={"sortBy": "likes"})

    assert reply.status_code == 400
    assert reply.json() == {
        "error": "sortBy must be date: generated posts have no other order",
        "code": "VALIDATION_ERROR",
    }


def test_numbers_of_a_post_agree_with_each_other():
    """The sum is that of the targets, the rate follows from the counts, none is too early."""
    params = {"limit": 100, "fromDate": "2026-10-20"}
    rows = walk(asking(posts=20_000), "/v1/analytics", **params)
    states = set()
    for row in rows:
        known = [target["analytics"] for target in row["platforms"] if target["analytics"]]
        states |= {target["syncStatus"] for target in row["platforms"]}
        for name in ("impressions", "likes", "saves"):
            counts = [metrics[name] for metrics in known if metrics[name] is not None]
            assert row["analytics"][name] == (sum(counts) if counts else None)
        for metrics in [*known, *[row["analytics"]] * bool(known)]:
            assert row["publishedAt"] <= metrics["lastUpdated"] <= "2026-11-20T17:00:00Z"
            keen = sum(metrics[name] or 0 for name in ("likes", "comments", "shares", "saves"))
            assert metrics["engagementRate"] == round(100 * keen / metrics["impressions"], 2)
    assert len(rows) > 50
    assert states >= {"synced", "unavailable"}


def test_a_post_is_found_by_its_id_among_a_million():
    """Also in analytics; an unknown id is a 404."""
    client = asking(posts=MANY)
    listed = client.get(
        "/v1/posts", params={"page": 8_765, "limit": 100, "status": "published"}
    ).json()["posts"][50]

    assert client.get(f"/v1/posts/{listed['id']}").json() == listed
    shown = client.get("/v1/analytics", params={"postId": listed["id"]}).json()
    assert (shown["id"], shown["content"]) == (listed["id"], listed["content"])
    for unknown in ("post_0000000000", "post_00", listed["id"].upper(), listed["id"] + "0"):
        assert client.get(f"/v1/posts/{unknown}").status_code == 404


@given(place=st.integers(0, MOST - 1), seed=st.integers(0, 5))
def test_positions_and_ids_are_converted_both_ways(place, seed):
    """Even in the largest world; created, published and updated times are in order."""
    world = large_world(MOST, seed).initial
    post = world.post(place)

    assert world.find(post["id"]) == place
    assert "2024-11-2" < post["createdAt"] <= post["updatedAt"] <= "2026-11-20T18:00:00Z"
    assert post["createdAt"] < (post["publishedAt"] or "~")
    assert post["createdAt"] < (post["scheduledFor"] or "~")


@given(posts=st.integers(1, MOST), part=st.floats(0, 1), seed=st.integers(0, 3))
def test_each_post_is_older_than_the_one_before(posts, part, seed):
    """In any world, at any place: strictly, by creation and by publication."""
    world = large_world(posts, seed).initial
    first = int(part * max(posts - 20, 0))
    nearby = [world.post(place) for place in range(first, min(first + 20, posts))]

    for moments in (
        [post["createdAt"] for post in nearby],
        [post["publishedAt"] for post in nearby if post["publishedAt"]],
    ):
        assert moments == sorted(set(moments), reverse=True)


@settings(max_examples=settings.default.max_examples // 5)
@given(
    posts=st.integers(0, 9_000),
    status=st.sampled_from([None, *STATUSES]),
    platform=st.sampled_from([None, *PLATFORMS]),
    span=st.tuples(*[st.none() | st.dates(date(2024, 11, 1), date(2026, 12, 1))] * 2),
)
def test_a_selection_equals_a_filter_over_all_posts(posts, status, platform, span):
    """With its length, its slices from either end, and the position of each."""
    world = large_world(posts)
    first, last = (day and day.isoformat() for day in span)
    expected = []
    for place in range(posts):
        post = world.post(place)
        if (
            status in (None, post["status"])
            and platform in (None, *(target["platform"] for target in post["platforms"]))
            and (first or "") <= post["createdAt"][:10] <= (last or "~")
        ):
            expected.append(place)

    places = world.select(status=status, platform=platform, first=span[0], last=span[1])

    assert [*places] == expected
    assert [*places[::-1][3:30:2]] == expected[::-1][3:30:2]
    assert [places.index(place) for place in expected[::97]] == [*range(0, len(expected), 97)]


@given(
    slots=st.sets(st.integers(0, 9), min_size=1),
    bounds=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    cut=st.slices(40),
)
def test_places_of_a_cycle_are_those_of_a_list(slots, bounds, cut):
    """Length, items, slices and positions."""
    expected = [place for place in range(*bounds) if place % 10 in slots]

    places = repeat_places(tuple(sorted(slots)), 10, *bounds)

    assert [*places] == expected
    assert [*places[cut]] == expected[cut]
    assert [places[cut].index(place) for place in expected[cut]] == [*range(len(expected[cut]))]
    for strange in {*range(-1, 61)} - {*expected[cut]}:
        with pytest.raises(ValueError, match=str(strange)):
            places[cut].index(strange)


def test_a_walk_of_a_million_posts_uses_constant_memory():
    """After each pattern was generated once."""
    client = asking(posts=MANY)
    for page in range(1, 56):
        client.get("/v1/posts", params={"page": page, "limit": 100})
    tracemalloc.start()
    try:
        client.get("/v1/posts", params={"page": 1, "limit": 100})
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for turn in range(25):
            body = client.get("/v1/posts", params={"page": turn * 400 + 1, "limit": 100}).json()
            assert len(body["posts"]) == 100
        del body
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert grown < 250_000  # 25 pages are 2.2 MB; the request log grows a little


def test_a_large_world_can_be_changed():
    """A new post is first, an edited one keeps its position, a deleted one is absent."""
    sandbox = Sandbox(posts=MANY)
    world = sandbox.state.world
    places = world.measured(None, None, (date(2026, 9, 1), date(2026, 9, 30)))
    edited, deleted = (world.post(place) for place in places[500:502])
    new = {**edited, "id": "post_new", "createdAt": "2026-11-21T00:00:00Z"}
    changed = world.with_post(new).with_post({**edited, "content": "other"})
    changed = changed.without_post(deleted["id"])

    every = changed.select(platform=edited["platforms"][0]["platform"])
    at = every.index(places[500])

    assert len(changed.select()) == MANY
    assert changed.post(every[0]) == new
    assert changed.post(every[at])["content"] == "other"
    assert places[501] not in every[at : at + 9]
    assert [*every[::-1][-1:]] == [every[0]] == [-1]
    left = changed.measured(None, None, (date(2026, 9, 1), date(2026, 9, 30)))
    assert [*left[499:503]] == [*places[498:501], places[502]]  # an edited one keeps its numbers
    assert [*left[::-1][:2]] == [*places[::-1][:2]]
    assert left[0] == -1  # the new one was published in that month, too


def test_a_large_world_resembles_the_small_one():
    """The same accounts, a similar mixture and similar sizes."""
    client, small = asking(posts=5_400), the_world()
    posts = walk(client)
    size = sum(len(json.dumps(post, ensure_ascii=False).encode()) for post in posts)
    same = sum(len(json.dumps(post, ensure_ascii=False).encode()) for post in small.initial.posts)
    pairs = {(account["platform"], account["accountId"]) for account in small.accounts}

    assert 0.95 < size / same < 1.1
    for status in STATUSES:
        assert len(small.select(status=status)) == sum(post["status"] == status for post in posts)
    assert pairs >= {(t["platform"], t["accountId"]) for p in posts for t in p["platforms"]}
    assert len({p["content"] for p in posts}) > 5_000
    ids = [t["platformPostId"] for p in posts for t in p["platforms"] if "platformPostId" in t]
    assert len(set(ids)) == len(ids)
    assert not [post for post in posts if re.search(r"%[(%]", json.dumps(post))]


@pytest.mark.parametrize("wrong", [-1, MOST + 1, 1.5, "9", True])
def test_an_invalid_number_of_posts_is_refused(wrong):
    """The error names the bounds."""
    with pytest.raises(ArgumentError, match=r"^posts must be an integer from 0 to 10,000,000; got"):
        Sandbox(posts=wrong)


def test_a_world_may_be_empty():
    """All lists are empty."""
    client = asking(posts=0)
    empty = client.get("/v1/posts").json()

    assert empty == {"posts": [], "pagination": {"page": 1, "limit": 10, "total": 0, "pages": 0}}
    assert client.get("/v1/analytics").json()["overview"]["totalPosts"] == 0
    assert repr(Sandbox(posts=0)) == "Sandbox(tier='paid', posts=0)"
