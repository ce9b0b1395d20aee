"""The sandbox seen from outside, through plain httpx: keys, limits, lists, sockets."""

from __future__ import annotations

import itertools
import json
import re
import socket
import string
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialframe.sandbox import Sandbox

BASE = "http://sandbox.example"
PATHS = (
    *("/v1/accounts", "/v1/accounts/health", "/v1/accounts/follower-stats"),
    *("/v1/posts", "/v1/analytics"),
)


def ask(sandbox, **headers):
    """Open a client that calls a sandbox in process, with its key unless told otherwise."""
    headers = headers or {"Authorization": f"Bearer {sandbox.key}"}
    return httpx.Client(transport=httpx.WSGITransport(app=sandbox), base_url=BASE, headers=headers)


def stranger(sandbox):
    return ask(sandbox, Accept="*/*")


def calls(client, times, path="/v1/accounts"):
    return [client.get(path).status_code for _ in range(times)]


@pytest.fixture
def client():
    """Open a client whose sandbox lives a second a call, so that no test meets the limit."""
    ticks = itertools.count()
    with ask(Sandbox(clock=lambda: float(next(ticks)))) as client:
        yield client


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("header", ["Bearer sk_no", "Bearer", "", "Basic c2s6", "Token {}", "{}"])
def test_a_missing_or_invalid_key_is_a_401(header):
    """No header is a missing key; a malformed header is an invalid key."""
    sandbox = Sandbox()
    missing = stranger(sandbox).get("/v1/posts")
    wrong = ask(sandbox, Authorization=header.format(sandbox.key)).get("/v1/posts")

    assert missing.status_code == wrong.status_code == 401
    assert missing.json() == {"error": "Missing API key", "code": "AUTH_MISSING_KEY"}
    assert wrong.json() == {"error": "Invalid API key", "code": "AUTH_INVALID_KEY"}


def test_each_sandbox_has_its_own_hidden_key():
    """In the documented format; repr does not show it."""
    sandboxes = [Sandbox(tier="free", end_sign="hasMore") for _ in range(20)]

    assert len({sandbox.key for sandbox in sandboxes}) == 20
    assert all(re.fullmatch("sk_[a-z0-9]{30}", sandbox.key) for sandbox in sandboxes)
    assert str(sandboxes[0]) == "Sandbox(tier='free', end_sign='hasMore')"
    with ask(sandboxes[0], Authorization=f"Bearer {sandboxes[1].key}") as client:
        assert client.get("/v1/posts").status_code == 401


def test_every_response_has_the_sandbox_header():
    """All are JSON with X-Sandbox, and errors have exactly two keys."""
    sandbox = Sandbox(tier="free", clock=Clock())
    with ask(sandbox) as client:
        paths = [*PATHS, "/", "/v1/posts/x", "/v1/posts?limit=0", *["/v1/accounts"] * 60]
        replies = [client.get(path) for path in paths]
    replies.append(stranger(sandbox).get("/v1/posts"))

    assert {reply.status_code for reply in replies} == {200, 400, 401, 404, 429}
    for reply in replies:
        assert reply.headers["X-Sandbox"] == "made-up data"
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.headers["Content-Length"] == str(len(reply.content))
        assert reply.is_success or sorted(reply.json()) == ["code", "error"]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path", ["/", "/v2/posts", "/v1/accounts/", "/v1//posts", "/v1/posts/a/b", "/v1/%F0%9F/%FF"]
)
def test_an_unknown_path_is_a_404(client, method, path):
    """By any method."""
    reply = client.request(method, path)

    assert reply.status_code == 404
    assert reply.json() == {"error": "Not found", "code": "NOT_FOUND"}


def test_an_internal_error_is_the_documented_500(caplog):
    """Only the log has the traceback."""
    sandbox = Sandbox()
    sandbox.state.world = None
    reply = ask(sandbox).get("/v1/accounts")

    assert reply.status_code == 500
    assert reply.json() == {"error": "Internal server error", "code": "INTERNAL_ERROR"}
    assert "Traceback" in caplog.text
    assert "NoneType" in caplog.text


@pytest.mark.parametrize(("tier", "limit"), [("free", 60), ("paid", 600)])
def test_a_call_above_the_limit_is_a_429(tier, limit):
    """With the wait in whole seconds."""
    clock = Clock()
    with ask(Sandbox(tier=tier, clock=clock)) as client:
        assert calls(client, limit) == [200] * limit
        clock.now = 12.3
        refused = client.get("/v1/accounts")

    assert refused.status_code == 429
    assert refused.json() == {"error": "Rate limit exceeded", "code": "RATE_LIMIT_EXCEEDED"}
    assert refused.headers["Retry-After"] == "48"
    assert "X-RateLimit-Limit" not in refused.headers


def test_the_window_slides():
    """A call counts for exactly a minute; Retry-After is never 0."""
    clock = Clock()
    with ask(Sandbox(tier="free", clock=clock)) as client:
        for clock.now in range(60):
            client.get("/v1/accounts")
        clock.now = 59.999
        refused = client.get("/v1/accounts")
        clock.now = 60.0
        assert refused.headers["Retry-After"] == "1"
        assert calls(client, 2) == [200, 429]


def test_requests_with_an_invalid_key_do_not_count():
    """Neither do refused calls; errors with a valid key count."""
    clock = Clock()
    sandbox = Sandbox(tier="free", clock=clock)
    with ask(sandbox) as client:
        assert calls(stranger(sandbox), 70) == [401] * 70
        assert calls(client, 60, "/nowhere") == [404] * 60
        assert calls(client, 30) == [429] * 30
        clock.now = 60.0
        assert calls(client, 1) == [200]


def test_the_rate_limit_headers_are_sent_on_request():
    """Limit, remaining calls and the second of the next free call."""
    clock = Clock()
    sandbox = Sandbox(tier="free", rate_limit_headers=True, clock=clock, wall=lambda: 1000.9)
    with ask(sandbox) as client:
        replies = [client.get("/v1/accounts")]
        clock.now = 30.0
        replies += [client.get("/v1/accounts") for _ in range(60)]

    names = [f"X-RateLimit-{name}" for name in ("Limit", "Remaining", "Reset")]
    told = [[reply.headers[name] for name in names] for reply in replies]
    assert told[0] == ["60", "59", "1061"]
    assert told[-2:] == [["60", "0", "1031"]] * 2
    assert [reply.status_code for reply in replies[-2:]] == [200, 429]


def test_concurrent_calls_stay_within_the_limit():
    """Each is recorded."""
    sandbox = Sandbox(tier="free", clock=Clock())
    gate = threading.Barrier(8)

    def hurry(_number):
        gate.wait()
        return calls(ask(sandbox), 20)

    with ThreadPoolExecutor(8) as pool:
        statuses = list(itertools.chain.from_iterable(pool.map(hurry, range(8))))

    assert statuses.count(200) == 60
    assert statuses.count(429) == 100
    assert len(sandbox.requests) == 160


def test_all_pages_have_each_post_once(client):
    """Newest first; the page after the last is empty."""
    posts = []
    for page in range(1, 55):
        reply = client.get("/v1/posts", params={"page": page, "limit": 100}).json()
        posts += reply["posts"]
    after = client.get("/v1/posts?page=2147483647&limit=100").json()
    created = [post["createdAt"] for post in posts]

    assert reply["pagination"] == {"page": 54, "limit": 100, "total": 5400, "pages": 54}
    assert len({post["id"] for post in posts}) == len(posts) == 5400
    assert created == sorted(created, reverse=True)
    assert after["posts"] == []
    assert after["pagination"]["total"] == 5400


def test_the_has_more_sign_replaces_totals():
    """It is false on the last page."""
    with ask(Sandbox(end_sign="hasMore")) as client:
        pages = [client.get(f"/v1/posts?limit=100&page={page}").json() for page in (53, 54, 55)]
        analytics = client.get("/v1/analytics").json()

    assert pages[0]["pagination"] == {"page": 53, "limit": 100, "hasMore": True}
    assert pages[1]["pagination"] == {"page": 54, "limit": 100, "hasMore": False}
    assert pages[2] == {"posts": [], "pagination": {"page": 55, "limit": 100, "hasMore": False}}
    assert analytics["pagination"] == {"page": 1, "limit": 50, "hasMore": True}


@pytest.mark.parametrize("path", ["/v1/posts", "/v1/analytics"])
@pytest.mark.parametrize("name", ["page", "limit"])
@pytest.mark.parametrize("value", ["0", "-1", "1.0", "ten", " 1", "٣", "²", "9" * 20, "9" * 5000])
def test_invalid_numbers_get_a_400(client, path, name, value):
    """What is not a whole number in range is refused in a sentence that names the parameter."""
    reply = client.get(path, params={name: value})

    assert reply.status_code == 400
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert reply.json()["error"].startswith(f"{name} must be an integer from 1 to ")


def test_page_parameters_have_defaults_and_bounds(client):
    """Ten posts by default, at most 100; blank is absent; the first of repeated values counts."""
    blank = client.get("/v1/posts?page=&limit=&status=&platform=&dateFrom=&dateTo=&other").json()

    assert blank == client.get("/v1/posts").json()
    assert len(blank["posts"]) == 10
    assert len(client.get("/v1/posts?limit=100").json()["posts"]) == 100
    assert client.get("/v1/posts?limit=101").status_code == 400
    assert client.get("/v1/posts?limit=2&limit=zero").json()["pagination"]["limit"] == 2


@pytest.mark.parametrize(
    "value", ["2026-02-30", "2026-3-1", "20260301", "٣٣٣٣-03-03", "0000-01-01"]
)
@pytest.mark.parametrize(
    ("path", "name"),
    [
        *(("/v1/posts", "dateFrom"), ("/v1/posts", "dateTo")),
        *(("/v1/analytics", "fromDate"), ("/v1/accounts/follower-stats", "toDate")),
    ],
)
def test_invalid_dates_get_a_400(client, path, name, value):
    """What is not a day of the calendar is refused."""
    reply = client.get(path, params={name: value})

    assert reply.status_code == 400
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert reply.json()["error"] == f"{name} must be a day written YYYY-MM-DD"


def test_a_post_by_its_id_equals_the_post_in_the_list(client):
    """It is not wrapped; an unknown id is a 404."""
    post = client.get("/v1/posts?status=partial").json()["posts"][0]

    assert client.get(f"/v1/posts/{post['id']}").json() == post
    for name in ("post_unknown", "%F0%9F%8D%B5", "%00", "..%5C..", "post_ "):
        reply = client.get(f"/v1/posts/{name}")
        assert reply.status_code == 404
        assert reply.json() == {"error": "Post not found", "code": "NOT_FOUND"}


NAMES = (
    *("page", "limit", "status", "platform", "dateFrom", "dateTo", "fromDate", "toDate"),
    *("postId", "accountId", "accountIds", "granularity", "sortBy", "order"),
)
WORDS = ("published", "tiktok", "asc", "likes", "engagement", "daily", "ig_40118")
VALUES = (
    st.text(max_size=30) | st.integers().map(str) | st.dates().map(str) | st.sampled_from(WORDS)
)
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES) | st.text(max_size=9), VALUES), max_size=8)


@settings(deadline=None)
@given(path=st.sampled_from(PATHS), pairs=PAIRS, tail=st.text(max_size=20))
def test_any_parameters_get_data_or_an_error(path, pairs, tail):
    """Never an internal error."""
    with ask(Sandbox()) as client:
        assert client.get(path, params=pairs).status_code in (200, 400, 404)
        assert client.get("/v1/posts/" + quote(tail, safe="/")).status_code in (200, 404)


@settings(deadline=None)
@given(path=st.sampled_from(PATHS), query=st.text(alphabet=string.printable + "%&=+;é\xff"))
def test_any_query_string_or_host_gets_data_or_an_error(path, query):
    """Even ones that no client would send."""
    sandbox = Sandbox()
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query}
    environ |= {"HTTP_AUTHORIZATION": f"Bearer {sandbox.key}", "HTTP_HOST": "a b:c"}
    statuses = []
    body = b"".join(sandbox.wsgi(environ, lambda status, _headers: statuses.append(status)))

    assert statuses[0][:3] in ("200", "400", "404")
    assert json.loads(body)


@pytest.mark.parametrize(
    "path",
    ["/v1/accounts", "/v1/posts?limit=3", "/v1/posts/post_x", "/openapi.json", "/_sandbox/"],
)
def test_head_is_get_without_the_body(client, path):
    """The same status and headers, the length of the body that is left out among them."""
    whole, head = client.get(path), client.head(path)

    assert head.status_code == whole.status_code
    assert head.content == b""
    for name in ("Content-Type", "Content-Length", "X-Sandbox"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v1/accounts", "GET, HEAD"),
        ("PATCH", "/v1/posts/post_x", "DELETE, GET, HEAD, PUT"),
        ("GET", "/v1/posts/post_x/retry", "POST"),
        ("HEAD", "/v1/posts/post_x/retry", "POST"),
        ("BREW", "/v1/posts", "GET, HEAD, POST"),
    ],
)
def test_a_wrong_method_gets_a_405_with_allow(client, method, path, allowed):
    """After the key is checked; an unknown path is a 404 with any method."""
    reply = client.request(method, path)
    stranger = client.request(method, path, headers={"Authorization": ""})
    nowhere = client.request(method, f"/v1/no/where{path}")

    assert (reply.status_code, stranger.status_code, nowhere.status_code) == (405, 401, 404)
    assert reply.headers["Allow"] == allowed
    if method != "HEAD":
        assert reply.json() == {"error": f"This path takes {allowed}", "code": "METHOD_NOT_ALLOWED"}
        assert nowhere.json() == {"error": "Not found", "code": "NOT_FOUND"}


def test_requests_record_method_path_query_and_status():
    """Never the key."""
    sandbox = Sandbox()
    stranger(sandbox).get("/v1/posts?page=2")
    with ask(sandbox) as client:
        client.get("/v1/posts?page=2&limit=5")
        client.post("/nowhere")
        client.get(f"/v1/posts/{sandbox.key}?api_key=%73{sandbox.key[1:]}")

    assert [one[:4] for one in sandbox.requests] == [
        ("GET", "/v1/posts", "page=2", 401),
        ("GET", "/v1/posts", "page=2&limit=5", 200),
        ("POST", "/nowhere", "", 404),
        ("GET", "[withheld]", "[withheld]", 404),
    ]


@pytest.mark.sockets
def test_a_served_sandbox_gives_the_same_responses():
    """Connections are kept alive, and the port closes at the end."""
    sandbox = Sandbox()
    threads = threading.active_count()
    with ask(sandbox) as client:
        expected = client.get("/v1/posts?limit=100").content
    with httpx.Client(headers=client.headers) as client:
        with sandbox.serve() as base_url:
            replies = [client.get(f"{base_url}/v1/posts?limit=100") for _ in range(5)]
            posted = client.post(f"{base_url}/v1/accounts", json={"content": "x"})
            replies.append(client.get(f"{base_url}/v1/posts?limit=100"))
        with pytest.raises(httpx.TransportError):
            client.get(f"{base_url}/v1/accounts")
    streams = [reply.extensions["network_stream"] for reply in replies]

    assert {reply.content for reply in replies} == {expected}
    assert {reply.http_version for reply in replies} == {"HTTP/1.1"}
    assert len({id(stream) for stream in streams}) == 1
    assert posted.status_code == 405
    assert threading.active_count() <= threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(base_url.rpartition(":")[2])), timeout=5)


@pytest.mark.sockets
def test_concurrent_clients_are_served_in_parallel():
    """Invalid bytes in a key or a query are no internal error."""
    sandbox = Sandbox()
    headers = {"Authorization": f"Bearer {sandbox.key}"}
    with sandbox.serve(host="localhost") as base_url, ThreadPoolExecutor(8) as pool:
        urls = [f"{base_url}/v1/posts?page={page}" for page in range(1, 25)]
        replies = list(pool.map(lambda url: httpx.get(url, headers=headers), urls))
        odd_query = httpx.get(f"{base_url}/v1/posts?status=%ff", headers=headers)
        odd_key = httpx.get(urls[0], headers={"Authorization": b"Bearer sk_\xff"})

    assert len({post["id"] for reply in replies for post in reply.json()["posts"]}) == 240
    assert odd_query.json()["posts"] == []
    assert odd_key.json()["code"] == "AUTH_INVALID_KEY"


@pytest.mark.parametrize("host", ["198.51.100.1", "sandbox.example", "::", ""])
def test_public_addresses_and_unknown_options_are_refused(host):
    """The sandbox listens on loopback only."""
    with pytest.raises(ValueError, match="loopback"), Sandbox().serve(host=host):
        pass
    for wrong in ({"tier": "gold"}, {"end_sign": "cursor"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Sandbox(**wrong)
