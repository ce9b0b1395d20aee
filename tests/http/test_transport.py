"""Sending one request: errors, retries, rate limits, redirects, the key."""

import contextlib
import gzip
import itertools
import json
import logging
import os
import pickle
import signal
import socket
import threading
import time
import traceback
import tracemalloc
import warnings
import zlib

import httpx
import pytest
from stand_ins import KEY, Clock, Scripted, client_of, raw_server, response

import socialframe as sf
from socialframe.http.transport import Wiring
from socialframe.messages.call import Call, SecretCall

OK = {"accounts": []}
LIMITED = {"error": "Rate limit exceeded", "code": "RATE_LIMIT_EXCEEDED"}
CALL = Call("/v1/accounts")


@pytest.mark.parametrize(
    ("status", "body", "cls", "code"),
    [
        (400, {"error": "Bad", "code": "VALIDATION_ERROR"}, sf.ValidationError, "VALIDATION_ERROR"),
        (
            401,
            {"error": "Missing API key", "code": "AUTH_MISSING_KEY"},
            sf.AuthenticationError,
            "AUTH_MISSING_KEY",
        ),
        (
            401,
            {"error": "Invalid API key", "code": "AUTH_INVALID_KEY"},
            sf.AuthenticationError,
            "AUTH_INVALID_KEY",
        ),
        (404, {"error": "Post not found", "code": "NOT_FOUND"}, sf.NotFoundError, "NOT_FOUND"),
        (
            500,
            {"error": "Internal server error", "code": "INTERNAL_ERROR"},
            sf.ServerError,
            "INTERNAL_ERROR",
        ),
        (403, {"error": {"message": "No add-on", "code": "FORBIDDEN"}}, sf.APIError, "FORBIDDEN"),
        (418, {"message": "Teapot"}, sf.APIError, None),
        (502, b"<html>", sf.ServerError, None),
        (400, b"[]", sf.ValidationError, None),
        (400, {"error": ["odd"], "code": 7}, sf.ValidationError, None),
    ],
)
def test_each_error_status_raises_its_error(status, body, cls, code):
    """With the API's text and code, method and path, and no header."""
    with pytest.raises(sf.APIError) as caught:
        client_of(Scripted((status, body, {"X-Hint": "secret-header"})))._send(CALL)

    error = caught.value
    assert type(error) is cls
    assert (error.status_code, error.code, error.path) == (status, code, "/v1/accounts")
    assert "secret-header" not in str(error) + repr(vars(error))
    assert error.retryable == (status >= 500)
    assert pickle.loads(pickle.dumps(error)).message == error.message  # noqa: S301 - made here


def test_a_key_in_an_error_body_is_not_shown():
    """Neither in the message nor in the code."""
    body = {"error": f"Invalid API key {KEY}", "code": KEY}

    with pytest.raises(sf.AuthenticationError) as caught:
        client_of(Scripted((401, body)))._send(CALL)

    assert KEY not in str(caught.value) + repr(vars(caught.value))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_5xx_is_retried_with_growing_random_waits(status):
    """Up to five attempts."""
    app, clock = Scripted(*[(status, b"")] * 4, OK), Clock()

    assert client_of(app, clock=clock)._send(CALL).status == 200
    assert len(app.seen) == 5
    assert len(clock.slept) == 4
    assert all(0 <= slept <= 0.5 * 2**i for i, slept in enumerate(clock.slept))


def test_five_failures_raise_the_error():
    """Of the last response."""
    app = Scripted((503, b""))

    with pytest.raises(sf.ServerError):
        client_of(app)._send(CALL)

    assert len(app.seen) == 5


def test_a_503_with_retry_after_waits_that_long():
    """A longer wait than max_wait raises the error."""
    clock = Clock()
    client_of(Scripted((503, b"", {"Retry-After": "7"}), OK), clock=clock)._send(CALL)
    assert clock.slept == [7.0]

    with pytest.raises(sf.ServerError) as caught:
        client_of(Scripted((503, b"", {"Retry-After": "700"}), OK))._send(CALL)
    assert caught.value.retry_after == 700.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 501])
def test_other_error_statuses_are_not_retried(status):
    """A retry would not help."""
    app = Scripted((status, b""))

    with pytest.raises(sf.APIError):
        client_of(app)._send(CALL)

    assert len(app.seen) == 1


def test_a_429_is_retried_after_its_retry_after():
    """Given in seconds."""
    app, clock = Scripted((429, LIMITED, {"Retry-After": "60"}), OK), Clock()

    client_of(app, clock=clock)._send(CALL)

    assert sum(clock.slept) == 60.0


def test_a_429_without_retry_after_backs_off():
    """Up to max_wait."""
    app, clock = Scripted((429, LIMITED)), Clock()

    with pytest.raises(sf.RateLimitError):
        client_of(app, clock=clock, max_wait=30)._send(CALL)

    assert 2 < len(app.seen) < 40
    assert sum(clock.slept) <= 30


def test_a_429_with_retry_after_zero_backs_off():
    """As without Retry-After."""
    app, clock = Scripted((429, LIMITED, {"Retry-After": "0"})), Clock()

    with pytest.raises(sf.RateLimitError):
        client_of(app, clock=clock, max_wait=60)._send(CALL)

    assert len(app.seen) < 60


def test_a_retry_after_above_max_wait_raises_at_once():
    """Without any sleep."""
    clock = Clock()
    app = Scripted((429, LIMITED, {"Retry-After": "121"}), OK)

    with pytest.raises(sf.RateLimitError) as caught:
        client_of(app, clock=clock)._send(CALL)

    assert clock.slept == []
    assert caught.value.retry_after == 121.0
    assert caught.value.retryable


def test_max_wait_bounds_budget_and_retry_after_together():
    """Two waits of 50 s exceed 90 s."""
    clock = Clock()
    app = Scripted((429, LIMITED, {"Retry-After": "50"}), (429, LIMITED, {"Retry-After": "50"}), OK)

    with pytest.raises(sf.RateLimitError):
        client_of(app, clock=clock, max_wait=90)._send(CALL)

    assert sum(clock.slept) == 50


def test_notify_gets_the_seconds_left_once_a_second():
    """The sleeps add up to the wait."""
    clock, texts = Clock(), []
    app = Scripted((429, LIMITED, {"Retry-After": "3"}), OK)

    client_of(app, clock=clock)._send(CALL, texts.append)

    assert texts == [f"the API asks to wait, next call in {left} s" for left in (3, 2, 1)]
    assert sum(clock.slept) == 3.0


def test_the_key_is_sent_in_the_authorization_header_only():
    """As a Bearer token, and not in the URL."""
    app = Scripted(OK)

    client_of(app).accounts(platform="instagram").frame()

    assert app.seen[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in app.seen[0]["query"]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/v1/accounts",
        "http://api.example/v1/accounts",
        "//evil.example/x",
        "https://api.example:8443/v1/accounts",
        "https://api.example.evil.example/",
        "https://user@evil.example/",
    ],
)
def test_a_redirect_to_another_origin_is_not_followed(elsewhere):
    """No request is sent there."""
    app = Scripted((302, b"", {"Location": elsewhere}), OK)

    with pytest.raises(sf.ReplyError, match="leads to another host"):
        client_of(app)._send(CALL)

    assert len(app.seen) == 1


@pytest.mark.sockets
def test_a_redirect_to_another_server_sends_it_no_request():
    """A request there would show it the key."""
    with raw_server([response(b"{}")]) as (other, asked):
        redirect = response(
            b"", status="307 Temporary Redirect", headers=f"Location: {other}/x\r\n"
        )
        with raw_server([redirect]) as (url, seen), sf.Client(KEY, base_url=url) as api:
            with pytest.raises(sf.ReplyError, match="leads to another host"):
                api.accounts().frame()
            assert KEY.encode() in seen[0]
        assert asked == []


def test_a_redirect_within_the_origin_is_followed():
    """A loop of redirects is an error."""
    app = Scripted((301, b"", {"Location": "/v2/accounts?x=1"}), OK)
    client_of(app)._send(CALL)
    assert (app.seen[1]["path"], app.seen[1]["query"]) == ("/v2/accounts", "x=1")

    with pytest.raises(sf.ReplyError, match="got status 301"):
        client_of(Scripted((301, b"", {"Location": "/v1/accounts"})))._send(CALL)
    with pytest.raises(sf.ReplyError, match="got status 304"):
        client_of(Scripted((304, b"")))._send(CALL)


def test_cookies_are_not_kept():
    """The API sets none, but a proxy may."""

    def answer(environ):
        return (200, {"accounts": [], "cookie": environ.get("HTTP_COOKIE")}, {"Set-Cookie": "a=b"})

    api = client_of(Scripted(answer))
    api._send(CALL)

    assert b"null" in api._send(CALL).body


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("scripts", "words"),
    [
        ([None], "cut off"),
        ([[b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"acc']], "cut off"),
        (
            [[b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"]],
            "damaged",
        ),
        ([[b"nonsense\r\n\r\n"]], "damaged"),
    ],
)
def test_a_broken_connection_is_retried_and_then_raises_network_error(scripts, words, local_client):
    """The chained httpx error has nothing that could show the key."""
    with raw_server(*scripts) as (url, seen):
        api = local_client(url)
        with pytest.raises(sf.NetworkError, match=words) as caught:
            api.accounts().frame()

    assert len(seen) == 5
    assert isinstance(caught.value.__cause__, httpx.HTTPError)
    assert KEY not in shown_with_locals(caught.value)
    assert caught.value.retryable


@pytest.mark.sockets
def test_a_cut_off_response_is_fetched_again(local_client):
    """The rows are complete."""
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"
    with raw_server([cut], [response(b'{"accounts": [{"accountId": "a"}]}')]) as (url, _):
        assert local_client(url).accounts().frame()["account_id"].tolist() == ["a"]


@pytest.mark.sockets
def test_a_refused_connection_raises_network_error_with_the_url(local_client):
    """So that the user can check it."""
    with raw_server([b""]) as (url, _):
        pass
    with pytest.raises(sf.NetworkError, match="No connection to http://127.0.0.1"):
        local_client(url).accounts().frame()


@pytest.mark.sockets
def test_a_silent_server_raises_a_timeout(local_client):
    """As a NetworkError."""
    with silent() as url, pytest.raises(sf.NetworkError, match="within the timeout"):
        local_client(url, timeout=0.2).accounts().frame()


def shown_with_locals(error):
    """Return the traceback with local variables, without the frames of this file."""
    shown, texts = traceback.TracebackException.from_exception(error, capture_locals=True), []
    while shown is not None:
        frames = [frame for frame in shown.stack if frame.filename != __file__]
        texts += [str(shown), *(f"{frame.name} {frame.locals}" for frame in frames)]
        shown = shown.__cause__ or shown.__context__
    return "\n".join(texts)


@contextlib.contextmanager
def silent():
    """Accept connections and never respond."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def local_client():
    """Return a function that makes clients over real sockets with simulated sleep."""
    with contextlib.ExitStack() as stack:

        def make(url, **options):
            wiring = Wiring(sleep=Clock().sleep)
            return stack.enter_context(sf.Client(KEY, base_url=url, wiring=wiring, **options))

        yield make


@pytest.mark.sockets
def test_requests_to_loopback_bypass_the_proxy_of_the_environment(monkeypatch, local_client):
    """Plain HTTP through a proxy would show it the key."""
    with raw_server([response(b"{}")]) as (proxy, seen):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        with raw_server([response(b'{"accounts": []}')]) as (url, _):
            local_client(url).accounts().frame()
        assert seen == []


@pytest.mark.processes
@pytest.mark.sockets
def test_a_forked_child_opens_its_own_connections(local_client):
    """It must not use the parent's."""
    app = response(b'{"accounts": [{"accountId": "a"}]}')
    with raw_server([app]) as (url, _):
        api = local_client(url)
        api.accounts().frame()
        child = os.fork()
        if child == 0:
            os._exit(0 if len(api.accounts().frame()) == 1 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert len(api.accounts().frame()) == 1


def test_a_closed_client_opens_new_connections():
    """close() closes only connections."""
    api = client_of(Scripted(OK))
    api._send(CALL)
    api.close()

    assert api._send(CALL).status == 200


def test_threads_may_share_a_client():
    """Each gets its own response."""
    api = client_of(
        Scripted(lambda environ: {"accounts": [{"accountId": environ["QUERY_STRING"]}]}),
        tier="paid",
    )
    found = {}

    def ask(name):
        found[name] = api.accounts(platform=name).frame()["account_id"].tolist()

    threads = [threading.Thread(target=ask, args=(f"p{i}",)) for i in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == {f"p{i}": [f"platform=p{i}"] for i in range(40)}


def test_requests_are_logged_without_the_key(caplog):
    """At DEBUG, also by the libraries below."""
    caplog.set_level(logging.DEBUG)

    client_of(Scripted(OK))._send(CALL)

    assert "GET /v1/accounts: 200" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("path", ["/v1/posts/a b", "/v1/posts/ü", "/v1/posts/a?b#c"])
def test_paths_and_parameters_are_escaped(path):
    """The server gets them as they were given."""
    app = Scripted(OK)

    client_of(app)._send(Call(path, (("q", "ü&=#"),)))

    assert app.seen[0]["path"] == path
    assert app.seen[0]["query"] == "q=%C3%BC%26%3D%23"


def chain(*answers, clock):
    """Return retry and throttle around a WSGI application, and the application."""
    from socialframe.http.budget import MemoryBudget
    from socialframe.http.network import Network
    from socialframe.http.retry import Retry
    from socialframe.http.throttle import Throttle

    app = Scripted(*answers)
    network = Network(
        transport=lambda: httpx.WSGITransport(app=app),
        proxy=None,
        encrypted=False,
        deadline=300,
        clock=clock,
    )
    budget = MemoryBudget(sf.Limit(60), clock=clock)
    return Retry(Throttle(network, budget, sleep=clock.sleep, timeout=35), sleep=clock.sleep), app


def post() -> httpx.Request:
    """Return a POST request as the transport builds it."""
    from socialframe.http.throttle import WAIT_LIMIT, WaitLimit

    return httpx.Request(
        "POST", "https://api.example/v1/posts", json={}, extensions={WAIT_LIMIT: WaitLimit(120)}
    )


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_post_is_not_retried_after_a_5xx(status):
    """The server may have done it."""
    layers, app = chain((status, b""), OK, clock=Clock())

    assert layers.handle_request(post()).status_code == status
    assert len(app.seen) == 1


def test_a_post_is_retried_after_a_429_without_pausing_other_requests():
    """The server did not do it."""
    clock = Clock()
    layers, app = chain((429, LIMITED, {"Retry-After": "9"}), OK, clock=clock)

    assert layers.handle_request(post()).status_code == 200
    assert len(app.seen) == 2
    assert clock.slept == [9.0]


def sent(api, **more):
    """Send a secret call."""
    return api._send(SecretCall("/v1/connect/tiktok", method="POST", body=b'{"code":"x"}', **more))


def test_a_post_sends_its_body_as_json_with_the_key():
    """As the server receives them."""
    seen = []

    def look(environ):
        length = int(environ["CONTENT_LENGTH"])
        seen.append((environ["CONTENT_TYPE"], environ["wsgi.input"].read(length)))
        return {"ok": True}

    app = Scripted(look)
    assert sent(client_of(app)).body == b'{"ok": true}'
    assert seen == [("application/json", b'{"code":"x"}')]
    assert app.seen[0]["method"] == "POST"
    assert app.seen[0]["authorization"] == f"Bearer {KEY}"


def test_a_redirected_post_is_not_followed():
    """Not even within the origin: the server might do it twice."""
    app = Scripted((307, {}, {"Location": "/v1/other"}))

    with pytest.raises(sf.ReplyError, match="POST /v1/connect/tiktok got status 307"):
        sent(client_of(app))
    assert len(app.seen) == 1


def test_a_post_with_a_5xx_raises_after_one_request():
    """The server may have done it."""
    app = Scripted((502, {"error": "Bad gateway"}))

    with pytest.raises(sf.ServerError, match="POST /v1/connect/tiktok: 502 Bad gateway"):
        sent(client_of(app))
    assert len(app.seen) == 1


def test_a_secret_call_shows_only_its_path(caplog):
    """In its repr, also after a change, and in the log."""
    caplog.set_level(logging.DEBUG, "socialframe")
    call = SecretCall.of("/v1/connect/tiktok", {"redirect_url": "n0nce"}).with_param("a", "n0nce")
    client_of(Scripted({}))._send(call)

    assert repr(call) == "<GET /v1/connect/tiktok>"
    assert "GET /v1/connect/tiktok: 200" in caplog.text
    assert "n0nce" not in caplog.text


def test_a_429_to_a_get_pauses_all_requests():
    """For its Retry-After, also requests that start later."""
    clock = Clock()
    app = Scripted((429, LIMITED, {"Retry-After": "100"}), OK)
    api = client_of(app, clock=clock, max_wait=50)
    with pytest.raises(sf.RateLimitError):
        api._send(CALL)

    with pytest.raises(sf.RateLimitError, match="may start in 100 s") as caught:
        api._send(CALL)

    assert len(app.seen) == 1
    assert caught.value.retry_after == 100


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks9://127.0.0.1:9"])
def test_a_broken_proxy_raises_network_error(monkeypatch, proxy):
    """The proxy comes from the environment."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("NO_PROXY", "")

    with pytest.raises(sf.NetworkError) as caught:
        sf.Client(KEY, wiring=Wiring(sleep=Clock().sleep)).accounts().frame()

    assert "proxy" in str(caught.value) or "No connection" in str(caught.value)


def test_max_wait_bounds_retries_of_a_503():
    """A Retry-After of 100 s fits once into 120 s."""
    clock = Clock()
    with pytest.raises(sf.ServerError):
        client_of(Scripted((503, b"", {"Retry-After": "100"})), clock=clock)._send(CALL)

    assert clock.slept == [100.0]


@pytest.mark.parametrize("times", [1, 2])
def test_a_decompression_bomb_raises_reply_error(times):
    """Compressed twice, 6 kB would become 4 GB at once. The bound holds for each layer."""
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(stream.compress(bytes(64 << 20)) for _ in range(5)), stream.flush()])
    for _ in range(times - 1):
        bomb = gzip.compress(bomb, 9)
    tracemalloc.start()
    try:
        app = Scripted((200, bomb, {"Content-Encoding": ", ".join(["gzip"] * times)}))
        with pytest.raises(sf.ReplyError, match="larger than 256 MiB"):
            client_of(app)._send(CALL)
        assert tracemalloc.get_traced_memory()[1] < 300 << 20
        assert len(app.seen) == 1
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "encoding", ["gzip", "x-gzip", "deflate", "raw", "gzip, deflate", "GZIP,gzip"]
)
def test_each_encoding_of_http_is_decompressed(encoding):
    """Some servers send deflate without its head."""
    body = json.dumps({"accounts": [{"accountId": str(n)} for n in range(200_000)]}).encode()
    sent = body
    for name in encoding.lower().split(", " if ", " in encoding else ","):
        if name == "raw":
            stream = zlib.compressobj(9, zlib.DEFLATED, -15)
            sent = stream.compress(sent) + stream.flush()
        else:
            sent = zlib.compress(sent) if name == "deflate" else gzip.compress(sent)
    header = {"Content-Encoding": "deflate" if encoding == "raw" else encoding}

    assert client_of(Scripted((200, sent, header)))._send(CALL).body == body


@pytest.mark.sockets
@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 100 Continue\r\n\r\n", b"X-Drip: 1\r\n", b"HTTP/1.1 103 Hints\r\n\r\n"]
)
def test_a_head_that_never_ends_raises_a_timeout(head):
    """Also if the server sends something again and again."""
    drips = itertools.chain([b"HTTP/1.1 200 OK\r\n"] * head.startswith(b"X"), slowly(head))
    with raw_server(drips) as (url, _):
        wiring = Wiring(sleep=Clock().sleep)
        api = sf.Client(KEY, base_url=url, wiring=wiring, timeout=0.05, max_wait=0)
        started = time.monotonic()
        with pytest.raises(sf.NetworkError, match="did not end within 0.5 s"):
            api._send(CALL)
        assert time.monotonic() - started < 3


def slowly(part):
    """Yield a part every 10 ms, for 5 s."""
    for _ in range(500):
        time.sleep(0.01)
        yield part


def test_a_response_that_never_ends_raises_a_timeout():
    """Even if data keeps coming."""
    clock = Clock()

    def dripping(_environ, start_response):
        start_response("200 OK", [])
        while True:
            clock.now += 5
            yield b" "

    with pytest.raises(sf.NetworkError, match="did not end within 300 s"):
        client_of(dripping, clock=clock)._send(CALL)


@pytest.mark.sockets
def test_a_key_in_a_protocol_error_is_not_shown(local_client):
    """Neither in the message nor in the chained error."""
    echo = f"HTTP/1.1 99x {KEY}\r\n\r\n".encode()
    with raw_server([echo]) as (url, _), pytest.raises(sf.NetworkError) as caught:
        local_client(url).accounts().frame()

    assert KEY not in shown_with_locals(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSL_CERT_FILE", "/nowhere"),
        ("SSLKEYLOGFILE", "/nowhere/x"),
        ("HTTPS_PROXY", "http://[::1"),
    ],
)
def test_an_invalid_environment_raises_network_error(monkeypatch, name, value):
    """Missing certificates, an invalid proxy URL."""
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("no_proxy", "")

    with pytest.raises(sf.NetworkError):
        sf.Client(KEY, wiring=Wiring(sleep=Clock().sleep)).accounts().frame()


@pytest.mark.parametrize(
    "location", ["http://xn--zzzzzzzz--/", "https://a..b/", "http://[::", "https://\x7f/"]
)
def test_an_invalid_redirect_url_raises_our_error(location):
    """And not one of httpx."""
    app = Scripted((302, b"", {"Location": location}))

    with pytest.raises(sf.SocialFrameError):
        client_of(app)._send(CALL)


def test_text_that_no_url_can_hold_raises_argument_error():
    """A lone surrogate."""
    with pytest.raises(sf.ArgumentError, match="part of a URL"):
        client_of(Scripted(OK)).accounts(platform="\ud800").frame()


def test_clients_of_one_key_share_one_budget():
    """Within one process."""
    clock = Clock()
    options = {"tier": sf.Limit(2, 60.0), "clock": clock}
    one, other = client_of(Scripted(OK), **options), client_of(Scripted(OK), **options)

    for api in (one, other, one):
        api._send(CALL)

    assert sum(clock.slept) == pytest.approx(60.05)


@pytest.mark.processes
def test_a_fork_while_a_thread_waits_for_the_budget_does_not_block_the_child():
    """The child has new locks."""
    app, clock = Scripted(OK), Clock()
    entered, leave = threading.Event(), threading.Event()

    def sleep(seconds):
        if os.getpid() == parent:
            entered.set()
            leave.wait(20)
        clock.sleep(seconds)

    parent = os.getpid()
    wiring = Wiring(transport=lambda: httpx.WSGITransport(app=app), sleep=sleep, clock=clock)
    api = sf.Client(KEY, base_url="https://api.example", tier=sf.Limit(1, 5.0), wiring=wiring)
    api._send(CALL)
    waiting = threading.Thread(target=api._send, args=(CALL,))
    waiting.start()
    assert entered.wait(20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads
        child = os.fork()
    if child == 0:
        os._exit(0 if api._send(CALL).status == 200 else 1)
    deadline = time.monotonic() + 20
    while (done := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    leave.set()
    waiting.join()
    if done[0] == 0:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

    assert done == (child, 0)
