"""What each switch changes, seen from outside through plain httpx."""

from __future__ import annotations

import gzip
import itertools
import json
import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import get_args

import httpx
import pytest
from stand_ins import Clock

from socialframe.sandbox import PAGINGS, Fault, Sandbox
from socialframe.sandbox.switches import Timestamps

LISTS = ("/v1/posts", "/v1/analytics")
EVERYTHING = (
    *("/v1/accounts", "/v1/accounts/health", "/v1/accounts/follower-stats"),
    *("/v1/posts?limit=100", "/v1/analytics?limit=100"),
)
EPOCH = 1_795_000_000.25


def client_of(sandbox, **headers):
    return httpx.Client(
        transport=httpx.WSGITransport(app=sandbox),
        base_url="http://sandbox.example",
        headers={"Authorization": f"Bearer {sandbox.key}", **headers},
    )


def opened(**choices):
    """Open a client of a sandbox whose every call comes a second after the one before."""
    ticks = itertools.count()
    return client_of(Sandbox(clock=lambda: float(next(ticks)), **choices))


@pytest.fixture
def plain():
    """Open a client of a sandbox with every switch at its default."""
    with opened() as client:
        yield client


def parts(value, path=""):
    """Yield each value of a body with its path, places left out."""
    yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from parts(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner, f"{path}[]")


def values(client, path, name):
    """Collect what stands at one path of a body, in order."""
    return [value for where, value in parts(client.get(path).json()) if where == name]


def differences(value, other, path=""):
    """Yield the paths at which two bodies of the same shape differ, with both values."""
    if isinstance(value, dict) and isinstance(other, dict):
        assert list(value) == list(other), path
        for name in value:
            yield from differences(value[name], other[name], f"{path}.{name}")
    elif isinstance(value, list) and isinstance(other, list):
        assert len(value) == len(other), path
        for inner, twin in zip(value, other, strict=True):
            yield from differences(inner, twin, f"{path}[]")
    elif value != other:
        yield path, value, other


# Pages.


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(("asked", "told"), [("", 7), ("&limit=100", 7), ("&limit=3", 3)])
def test_page_cap_limits_the_rows_of_a_page(path, asked, told):
    """The response has the limit that was used."""
    with opened(page_cap=7) as client:
        pages = [client.get(f"{path}?page={page}{asked}").json() for page in (1, 2)]
        refused = client.get(f"{path}?limit=101")

    assert [len(page["posts"]) for page in pages] == [told, told]
    assert [page["pagination"]["limit"] for page in pages] == [told, told]
    assert pages[0]["pagination"]["pages"] == -(-pages[0]["pagination"]["total"] // told)
    assert len({post["id"] for page in pages for post in page["posts"]}) == 2 * told
    assert refused.status_code == 400


@pytest.mark.parametrize("paging", PAGINGS)
def test_page_cap_applies_to_every_paging_family(paging):
    """Except to lists without pages."""
    with opened(paging=paging, page_cap=7) as client:
        rows = len(client.get("/v1/posts?limit=50").json()["posts"])

    assert rows == (5400 if paging == "none" else 7)


# The limit.


def timed(**choices):
    """Give a clock, and a client of a sandbox of 60 calls a minute that lives by it."""
    clock = Clock()
    sandbox = Sandbox(
        tier="free",
        clock=clock,
        wall=lambda: EPOCH + clock.now - 1000.0,
        sleep=clock.sleep,
        **choices,
    )
    return clock, client_of(sandbox)


def let_in(client):
    """Call until one is refused; return how many were answered, and the refusal."""
    for number in range(1000):
        reply = client.get("/v1/accounts")
        if reply.status_code != 200:
            assert reply.status_code == 429
            return number, reply
    raise AssertionError("never refused")


def test_retry_after_can_be_a_date():
    """The first full second of the next free call, as an HTTP date."""
    clock, client = timed(retry_after="date")
    let_in(client)
    clock.sleep(12.5)
    moment = client.get("/v1/accounts").headers["Retry-After"]

    assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", moment)
    at = parsedate_to_datetime(moment).timestamp()
    assert at == EPOCH + 60.75
    clock.sleep(at - EPOCH - 12.5 - 0.875)
    assert client.get("/v1/accounts").status_code == 429
    clock.sleep(0.875)
    assert client.get("/v1/accounts").status_code == 200


def test_retry_after_can_be_absent():
    """A 429 does not say how long to wait."""
    _, refused = let_in(timed(retry_after="absent")[1])

    assert refused.json() == {"error": "Rate limit exceeded", "code": "RATE_LIMIT_EXCEEDED"}
    assert "Retry-After" not in refused.headers


@pytest.mark.parametrize("scale", [1, 0.25, 60])
@pytest.mark.parametrize(
    ("window", "wait", "later"),
    [("sliding", 60, [0, 0, 60]), ("fixed", 45, [0, 60, 0]), ("bucket", 1, [30, 15, 15])],
)
def test_the_window_can_slide_be_fixed_or_a_bucket(window, wait, later, scale):
    """With any length."""
    clock, client = timed(window=window, window_seconds=60.0 * scale, rate_limit_headers=True)
    clock.sleep(15 * scale)
    first, refused = let_in(client)
    freed = []
    for pause in (30, 15, 15):
        clock.sleep(pause * scale)
        freed.append(let_in(client)[0])

    assert first == 60
    assert refused.headers["Retry-After"] == str(math.ceil(wait * scale))
    assert refused.headers["X-RateLimit-Limit"] == "60"
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    reset = math.ceil(EPOCH + (15 + wait) * scale)
    assert refused.headers["X-RateLimit-Reset"] == str(reset)
    assert freed == later


# Bodies.

EXTRAS = {"marks", "revision.no/~1", "origin", "reviewed_by"}
KNOWN = {
    *("draft", "scheduled", "publishing", "published", "failed", "partial", "pending"),
    *("instagram", "facebook", "threads", "tiktok", "twitter"),
    *("image", "video", "gif", "text", "carousel"),
    *("healthy", "warning", "synced", "unavailable"),
}
FORMS = {
    "Z": r"{date}T{time}Z",
    "offset": r"{date}T{time}\+02:00",
    "millis": r"{date}T{time}\.000Z",
    "micros": r"{date}T{time}\.000000Z",
    "naive": r"{date}T{time}",
    "space": r"{date} {time}\+00:00",
}
FORMS = {
    name: form.format(date=r"\d{4}-\d\d-\d\d", time=r"\d\d:\d\d:\d\d")
    for name, form in FORMS.items()
}


def without_extras(value):
    if isinstance(value, dict):
        return {name: without_extras(one) for name, one in value.items() if name not in EXTRAS}
    return [without_extras(one) for one in value] if isinstance(value, list) else value


def test_extra_fields_add_undocumented_fields_to_every_object(plain):
    """All other fields remain."""
    # Members of stats are accounts; dataStaleness is empty; the rest is inside of an extra one.
    ours = re.compile(r"\.stats$|\.dataStaleness$|\.origin\b")
    with opened(extra_fields=True) as client:
        for path in EVERYTHING:
            before, after = plain.get(path).json(), client.get(path).json()
            assert without_extras(after) == before
            assert list(after.get("stats", ())) == list(before.get("stats", ()))
            for where, value in parts(after):
                if isinstance(value, dict) and not ours.search(where):
                    assert set(value) >= EXTRAS, where
        wrong = client.get("/v1/posts?limit=0").json()

    assert wrong["code"] == "VALIDATION_ERROR"
    assert set(wrong) == {"error", "code", *EXTRAS}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/posts?limit=100", ".posts[].status"),
        ("/v1/posts?limit=100", ".posts[].platforms[].status"),
        ("/v1/posts?limit=100", ".posts[].platforms[].platform"),
        ("/v1/posts?limit=100", ".posts[].mediaItems[].type"),
        ("/v1/accounts", ".accounts[].platform"),
        ("/v1/accounts/health", ".accounts[].health"),
        ("/v1/analytics?limit=100", ".posts[].status"),
        ("/v1/analytics?limit=100", ".posts[].mediaType"),
        ("/v1/analytics?limit=100", ".posts[].platforms[].syncStatus"),
    ],
)
def test_unknown_values_replace_some_enumeration_values(plain, path, name):
    """Not all of them."""
    before = values(plain, path, name)
    with opened(unknown_values=True) as client:
        after = values(client, path, name)
        posts = client.get("/v1/posts?limit=100").json()["posts"]
    strange = [word for word in after if word not in KNOWN]
    siblings = [{target["status"] for target in post["platforms"]} for post in posts]

    assert {"published", "archived"} in siblings
    assert set(before) <= KNOWN
    assert 0.02 < len(strange) / len(after) < 0.5
    assert all(word == old for word, old in zip(after, before, strict=True) if word in KNOWN)


def test_unknown_values_change_no_other_field(plain):
    """No text and no number."""
    enumeration = re.compile(r"\.(status|platform|type|health|mediaType|syncStatus)$")
    with opened(unknown_values=True) as client:
        for path in EVERYTHING:
            for where, _, _ in differences(plain.get(path).json(), client.get(path).json()):
                assert enumeration.search(where)


def test_an_object_has_the_same_unknown_value_in_every_list():
    """On any page and by its id, for posts and accounts."""
    with opened(unknown_values=True) as client:
        posts = client.get("/v1/posts?limit=30").json()["posts"]
        halves = [client.get(f"/v1/posts?limit=15&page={page}").json() for page in (1, 2)]
        single = [client.get(f"/v1/posts/{post['id']}").json() for post in posts]
        pairs = {
            (one["platform"], one.get("accountId", one.get("id")))
            for path in EVERYTHING
            for where, one in parts(client.get(path).json())
            if re.search(r"^\.accounts\[\]$|\.platforms\[\]$", where)
        }

    assert [post for half in halves for post in half["posts"]] == single == posts
    assert len({account for _, account in pairs}) == len(pairs) == 17


def test_unknown_values_are_valid_filters(plain):
    """They select the objects that have them."""
    with opened(unknown_values=True) as client:
        told = values(client, "/v1/accounts", ".accounts[].platform")
        strange = next(word for word in told if word not in KNOWN)
        chosen = client.get(f"/v1/accounts?platform={strange}").json()["accounts"]
        totals = [
            one.get(f"/v1/posts?status={word}").json()["pagination"]["total"]
            for one, word in ((plain, "scheduled"), (client, "scheduled"), (client, "queued"))
        ]

    assert [one["platform"] for one in chosen] == [strange] * told.count(strange)
    assert len(set(totals)) == 1
    assert totals[0] > 0


def test_big_ids_are_integers_beyond_a_double(plain):
    """Only post ids change."""
    with opened(big_ids=True) as client:
        for path in ("/v1/posts?limit=100", "/v1/analytics?limit=100", "/v1/accounts"):
            before, after = plain.get(path).json(), client.get(path).json()
            changed = list(differences(before, after))
            numbers = [number for _, _, number in changed]
            assert {where for where, _, _ in changed} <= {".posts[].id"}
            assert len(numbers) == len(before.get("posts", ()))
            assert all(2**53 < number < 2**63 for number in numbers)
            assert all(int(float(number)) != number for number in numbers)
            assert len(set(numbers)) == len(numbers)


def test_big_ids_are_valid_in_paths_and_parameters(plain):
    """An unknown one is a 404."""
    with opened(big_ids=True) as client:
        number = client.get("/v1/analytics").json()["posts"][0]["id"]
        post = client.get(f"/v1/posts/{number}")
        measured = client.get("/v1/analytics", params={"postId": number})
        other = plain.get("/v1/analytics").json()["posts"][0]["id"]
        assert post.json() == {**plain.get(f"/v1/posts/{other}").json(), "id": number}
        assert measured.json()["id"] == number
        for wrong in (number + 1, float(number), f"0{number}", -number, 2**62, 2**62 + 1, 7):
            assert client.get(f"/v1/posts/{wrong}").status_code == 404
            assert client.get(f"/v1/analytics?postId={wrong}").status_code == 404


def test_pages_by_big_ids_return_each_post_once(plain):
    """The last id of a page requests the next one."""
    month = "dateFrom=2026-09-01"
    with (
        opened(paging="none") as whole,
        opened(big_ids=True, paging="after_id", end_sign="short") as client,
    ):
        expected = [post["content"] for post in whole.get(f"/v1/posts?{month}").json()["posts"]]
        posts, after = [], ""
        while page := client.get(f"/v1/posts?{month}&limit=20{after}").json()["posts"]:
            posts += page
            after = f"&after={page[-1]['id']}"
        wrong = client.get(f"/v1/posts?after={posts[0]['id'] + 1}")

    assert [post["content"] for post in posts] == expected
    assert len({post["id"] for post in posts}) == len(expected) > 100
    assert wrong.status_code == 400


def instant(text):
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@pytest.mark.parametrize("form", get_args(Timestamps))
def test_timestamps_have_the_chosen_format(plain, form):
    """And the same time."""
    spelled = set()
    with opened(timestamps=form) as client:
        for path in EVERYTHING:
            before, after = plain.get(path).json(), client.get(path).json()
            for where, old, new in differences(before, after):
                assert re.search(r"(At|scheduledFor|lastUpdated|lastSync)$", where)
                assert instant(new) == instant(old)
            spelled |= {
                next(name for name in FORMS if re.fullmatch(FORMS[name], value))
                for where, value in parts(after)
                if value and re.search(r"(At|scheduledFor|lastUpdated|lastSync)$", where)
            }

    assert spelled == ({form} if form != "mixed" else set(FORMS))


def test_a_mixed_timestamp_has_one_format_everywhere():
    """In the list and by the id of the post."""
    with opened(timestamps="mixed") as client:
        for post in client.get("/v1/posts?limit=20").json()["posts"]:
            assert client.get(f"/v1/posts/{post['id']}").json() == post


def test_settings_and_metadata_are_returned_unchanged():
    """Even if they look like timestamps or enumerations."""
    own = {"id": "post_ab12", "status": "draft", "createdAt": "2026-01-01T00:00:00Z", "in": {}}
    echoed = {"metadata": own, "tiktokSettings": own, "facebookSettings": own}
    target = {"platform": "tiktok", "accountId": "tt_40311", "platformSpecificData": own}
    post = {"id": "post_ab34", "status": "draft", "platforms": [target], **echoed}
    sandbox = Sandbox(extra_fields=True, unknown_values=True, big_ids=True, timestamps="space")
    sandbox.state.change(lambda world: world.with_post(post))
    told = client_of(sandbox).get("/v1/posts").json()["posts"][0]

    assert {name: told[name] for name in echoed} == echoed
    assert told["platforms"][0]["platformSpecificData"] == own
    assert told["id"] != post["id"]


def test_switches_can_be_combined(plain):
    """A repeated request gets the same body."""
    with opened(extra_fields=True, unknown_values=True, big_ids=True, timestamps="mixed") as client:
        for path in EVERYTHING:
            body = client.get(path).content
            changed = differences(plain.get(path).json(), without_extras(json.loads(body)))
            assert list(changed)
            assert client.get(path).content == body


def test_values_of_responses_are_valid_in_requests_with_every_switch():
    """They have the same meaning."""
    ticks = itertools.count()
    choices = {"extra_fields": True, "unknown_values": True, "big_ids": True}
    sandbox = Sandbox(clock=lambda: float(next(ticks)), timestamps="offset", **choices)
    with client_of(sandbox) as client:
        accounts = client.get("/v1/accounts?platform=bluesky").json()["accounts"]
        target = {name: accounts[0][name] for name in ("platform", "accountId")}
        # Enough of them that one has a word for its picture that nothing documents.
        item = {"type": "image", "url": "https://cdn.example.net/one.png"}
        sent = {"content": "Hi", "platforms": [target], "mediaItems": [item] * 9, "isDraft": True}
        told = [client.post("/v1/posts", json=sent).json() for _ in range(9)]
        post = next(one for one in told if {item["type"] for item in one["mediaItems"]} - KNOWN)
        again = client.put(f"/v1/posts/{post['id']}", json={**post, "content": "Ho"})
        wrong = client.post("/v1/posts", content=b'{"platforms": [{"platform": "bluesky"')
        gone = [client.delete(f"/v1/posts/{post['id']}").status_code for _ in range(2)]

    assert post["id"] > 2**53
    assert post["platforms"][0]["platform"] == "bluesky"
    assert again.status_code == 200
    kept = ("id", "mediaItems", "createdAt", "status")
    assert {name: again.json()[name] for name in kept} == {name: post[name] for name in kept}
    assert again.json()["content"] == "Ho"
    assert wrong.status_code == 400
    assert gone == [200, 404]


# Heads.


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("*, gzip;q=0", False),
        ("", False),
        ("gzipped", False),
    ],
)
@pytest.mark.parametrize("path", ["/v1/posts?limit=100", "/v1/posts/nobody"])
def test_gzip_compresses_on_request(plain, path, accepted, compressed):
    """Errors too; Vary is sent."""
    expected = plain.get(path).content
    with (
        opened(gzip=True) as client,
        client.stream("GET", path, headers={"Accept-Encoding": accepted}) as reply,
    ):
        raw = b"".join(reply.iter_raw())

    assert reply.headers["Vary"] == "Accept-Encoding"
    assert reply.headers.get("Content-Encoding") == ("gzip" if compressed else None)
    assert reply.headers["Content-Length"] == str(len(raw))
    assert not compressed or raw[4:8] == bytes(4)  # no time, so the same body has the same bytes
    assert (gzip.decompress(raw) if compressed else raw) == expected
    assert not compressed or len(raw) < len(expected) or len(expected) < 100


def test_gzip_is_off_by_default(plain):
    """Even if the client accepts it."""
    reply = plain.get("/v1/posts", headers={"Accept-Encoding": "gzip"})

    assert not {"Content-Encoding", "Vary", "ETag", "Cache-Control"} & {*reply.headers}


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', 'W/"x",{} , "y"', "*"])
@pytest.mark.parametrize("path", ["/v1/posts", "/v1/accounts", "/v1/analytics"])
def test_a_matching_etag_is_a_304(path, form):
    """Alone, weak, in a list, or a star."""
    with opened(etag=True, rate_limit_headers=True, cache_control="no-cache") as client:
        full = client.get(path)
        reply = client.get(path, headers={"If-None-Match": form.format(full.headers["ETag"])})

    assert full.status_code == 200
    assert re.fullmatch('"[^"]+"', full.headers["ETag"])
    assert reply.status_code == 304
    assert reply.content == b""
    assert reply.headers["ETag"] == full.headers["ETag"]
    assert reply.headers["Cache-Control"] == "no-cache"
    assert not {"content-type", "content-length"} & {*reply.headers}
    left = [int(one.headers["X-RateLimit-Remaining"]) for one in (full, reply)]
    assert left == [599, 598]


@pytest.mark.parametrize("sent", ['"other"', '"{tag}x"', "", ",", '"', 'W/"', "{tag}y"])
def test_another_etag_is_a_full_response(sent):
    """An invalid one too."""
    with opened(etag=True) as client:
        full = client.get("/v1/posts")
        sent = sent.format(tag=full.headers["ETag"].strip('"'))
        reply = client.get("/v1/posts", headers={"If-None-Match": sent})

    assert reply.status_code == 200
    assert reply.content == full.content


def test_the_etag_depends_only_on_the_body(plain):
    """It is the same in any sandbox; errors have none."""
    paths = [f"/v1/posts?page={page}" for page in (1, 2, 3, 1)]
    with opened(etag=True) as client, opened(etag=True) as other:
        tags = [client.get(path).headers["ETag"] for path in paths]
        assert other.get(paths[0]).headers["ETag"] == tags[0]
        for path in ("/v1/posts/nobody", "/v1/posts?limit=0"):
            wrong = client.get(path, headers={"If-None-Match": "*"})
            assert wrong.status_code in (400, 404)
            assert "ETag" not in wrong.headers

    assert len(set(tags)) == 3
    assert tags[0] == tags[3]


def test_a_compressed_body_has_its_own_etag():
    """A strong ETag is for the bytes that are sent."""
    with opened(etag=True, gzip=True) as client:
        tags = [
            client.get("/v1/posts", headers={"Accept-Encoding": coding}).headers["ETag"]
            for coding in ("gzip", "identity", "gzip")
        ]
        headers = {"Accept-Encoding": "identity", "If-None-Match": tags[0]}
        other = client.get("/v1/posts", headers=headers)
        same = client.get("/v1/posts", headers={**headers, "Accept-Encoding": "gzip"})

    assert tags[0] == tags[2] != tags[1]
    assert (other.status_code, same.status_code) == (200, 304)
    assert same.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in same.headers


def test_a_304_counts_against_the_limit():
    """Like any other response."""
    _, client = timed(etag=True)
    client.headers["If-None-Match"] = "*"
    statuses = [client.get("/v1/accounts").status_code for _ in range(61)]

    assert statuses == [304] * 60 + [429]


def test_cache_control_is_in_every_response():
    """Errors too."""
    _, client = timed(cache_control="private, max-age=5")
    replies = [client.get(path) for path in ("/v1/posts", "/nowhere", *["/v1/accounts"] * 60)]
    replies.append(client.get("/v1/posts", headers={"Authorization": "Bearer sk_no"}))

    assert {reply.status_code for reply in replies} == {200, 401, 404, 429}
    assert {reply.headers["Cache-Control"] for reply in replies} == {"private, max-age=5"}


# Pace.


def waits(calls, **choices):
    """Give how long each of so many calls took."""
    clock, client = timed(**choices)
    for _ in range(calls):
        before = len(clock.slept)
        client.get("/v1/accounts", headers={"Authorization": "Bearer sk_no"})
        assert len(clock.slept) <= before + 1
        yield sum(clock.slept[before:])


def test_latency_delays_each_response_and_slow_first_the_first():
    """The delays add up."""
    assert list(waits(4)) == [0, 0, 0, 0]
    assert list(waits(4, latency=0.25)) == [0.25] * 4
    assert list(waits(4, slow_first=2.0)) == [2.0, 0, 0, 0]
    assert list(waits(4, latency=0.25, slow_first=2)) == [2.25, 0.25, 0.25, 0.25]


def test_jitter_varies_the_delay_by_the_seed():
    """Between zero and the maximum."""
    found = list(waits(200, jitter=0.5, seed=1))

    assert min(found) < 0.05
    assert max(found) > 0.45
    assert all(0 <= wait < 0.5 for wait in found)
    assert len(set(found)) == 200
    assert found == list(waits(200, jitter=0.5, seed=1)) != list(waits(200, jitter=0.5, seed=2))
    together = list(waits(200, jitter=0.5, seed=1, latency=1.0))
    assert together == [1.0 + wait for wait in found]


def test_long_tail_delays_one_response_in_fifty():
    """The seed determines which one."""
    found = list(waits(250, long_tail=3.0, seed=1))
    blocks = [found[at : at + 50] for at in range(0, 250, 50)]

    assert all(sorted(block) == [0.0] * 49 + [3.0] for block in blocks)
    assert len({block.index(3.0) for block in blocks}) > 2
    assert found == list(waits(250, long_tail=3.0, seed=1)) != list(waits(250, long_tail=3.0))


def test_errors_are_delayed_too():
    """A refused call and an unknown path."""
    clock, client = timed(latency=0.125)
    statuses = [client.get(path).status_code for path in ["/nowhere", *["/v1/accounts"] * 60]]

    assert {*statuses} == {200, 404, 429}
    assert clock.slept == [0.125] * 61


@pytest.mark.sockets
def test_a_connection_stays_usable_after_a_304_and_a_compressed_body():
    """Over a socket."""
    sandbox = Sandbox(etag=True, gzip=True)
    with sandbox.serve() as url, httpx.Client(headers=client_of(sandbox).headers) as client:
        replies = [client.get(f"{url}/v1/posts")]
        headers = {"If-None-Match": replies[0].headers["ETag"]}
        replies += [client.get(f"{url}/v1/posts", headers=headers) for _ in range(2)]
        replies += [client.get(f"{url}/v1/posts")]
    streams = {id(reply.extensions["network_stream"]) for reply in replies}

    assert [reply.status_code for reply in replies] == [200, 304, 304, 200]
    assert replies[0].headers["Content-Encoding"] == "gzip"
    assert replies[3].json() == replies[0].json()
    assert len(streams) == 1


@pytest.mark.parametrize("stamps", get_args(Timestamps))
def test_timestamps_outside_a_format_are_refused(stamps):
    """The list remains readable."""
    firsts = ("0001-01-01T00:00:00Z", "0999-12-31T23:59:59Z", "9998-12-31T23:59:59Z")
    too_late = ("9999-12-31T22:00:00Z", "9999-01-01T00:00:00Z", "9998-12-31T23:59:00-01:00")
    with opened(timestamps=stamps) as client:
        made = [
            client.post("/v1/posts", json={"content": "x", "isDraft": True, "scheduledFor": moment})
            for moment in firsts + too_late
        ]
        listed = client.get("/v1/posts?limit=3").json()["posts"]

    assert [reply.status_code for reply in made] == [201] * 3 + [400] * 3
    assert {reply.json()["code"] for reply in made[3:]} == {"VALIDATION_ERROR"}
    told = [post["scheduledFor"] for post in listed]
    assert told == [reply.json()["scheduledFor"] for reply in made[2::-1]]
    for moment, text in zip(firsts[::-1], told, strict=True):
        read = datetime.fromisoformat(text)
        meant = datetime.fromisoformat(moment)
        assert read == (meant if read.tzinfo else meant.replace(tzinfo=None))


def test_an_error_after_the_response_is_the_documented_500():
    """Here sleep fails."""

    def sleep(_seconds):
        raise RuntimeError

    with client_of(Sandbox(latency=1, sleep=sleep)) as client:
        reply = client.get("/v1/accounts")

    assert reply.status_code == 500
    assert reply.json() == {"error": "Internal server error", "code": "INTERNAL_ERROR"}


def test_latency_delays_responses_of_faults_too():
    """Even those before the API."""
    clock = Clock()
    faults = [Fault("status", status=503, at=1), Fault("html", at=2)]
    box = Sandbox(latency=2, slow_first=3, sleep=clock.sleep, faults=faults)
    with client_of(box) as client:
        for _ in range(3):
            client.get("/v1/accounts")

    assert clock.slept == [5, 2, 2]


@pytest.mark.parametrize("paging", ["page", "cursor"])
def test_platform_settings_are_returned_unchanged(paging):
    """Even if they have words that switches would change."""
    data = {"type": "reel", "status": "queued", "nested": [{"platform": "bluesky"}]}
    switches = {"unknown_values": True, "big_ids": True, "timestamps": "offset", "paging": paging}
    with opened(**switches, extra_fields=True) as client:
        who = next(
            one
            for one in client.get("/v1/accounts").json()["accounts"]
            if one["platform"] == "bluesky"
        )
        target = {"platform": "bluesky", "accountId": who["accountId"]}
        body = {
            "content": "x",
            "isDraft": True,
            "platforms": [{**target, "platformSpecificData": data}],
        }
        made = client.post("/v1/posts", json=body)

    assert made.status_code == 201
    assert made.json()["platforms"][0]["platformSpecificData"] == data
