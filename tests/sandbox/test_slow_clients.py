"""Clients that are slow, many or gone, seen from outside by raw sockets and plain httpx."""

from __future__ import annotations

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from socialframe.sandbox import Sandbox
from socialframe.sandbox.serve import serve

pytestmark = pytest.mark.sockets


def dial(url):
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


def key(sandbox):
    return {"Authorization": f"Bearer {sandbox.key}"}


def answered(line):
    """Read one answer of the API to its end."""
    found = b""
    while not found.endswith(b"}"):
        found += line.recv(65536)
    return found


def bodies(environ, start_response):
    """Answer with the body that came, or say that it did not."""
    try:
        body = environ["wsgi.input"].read()
    except TimeoutError:
        body = b"too slow"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def drip(line, data):
    """Send something byte by byte until nobody listens any more; tell what came, and how long."""
    began = time.monotonic()
    line.settimeout(0.05)
    found = b""
    for at in range(len(data)):
        with contextlib.suppress(OSError):
            line.sendall(data[at : at + 1])
        try:
            piece = line.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            break
        if not piece:
            break
        found += piece
    return found, time.monotonic() - began


@pytest.mark.parametrize("sent", [b"", b"GET /v1/acc", b"GET /v1/accounts HTTP/1.1\r\nHost: x\r\n"])
def test_requests_that_never_end_hold_up_nobody(sent):
    """A hundred of them, and others are answered; then the server stops at once."""
    sandbox = Sandbox()
    with contextlib.ExitStack() as lines:
        with sandbox.serve() as url, httpx.Client(base_url=url, headers=key(sandbox)) as api:
            for _ in range(100):
                lines.enter_context(dial(url)).sendall(sent)
            began = time.monotonic()
            answers = [api.get("/v1/accounts").status_code for _ in range(3)]
            took = time.monotonic() - began
            began = time.monotonic()
        stopped = time.monotonic() - began

    assert answers == [200] * 3
    assert took < 3
    assert stopped < 3


def test_a_head_that_comes_bit_by_bit_is_given_up():
    """By 408, as a whole and not by its single bytes."""
    with serve(bodies, patience=0.4) as url, dial(url) as line:
        found, took = drip(line, b"GET /" + b"x" * 200)

    assert found.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b'"code":"VALIDATION_ERROR"' in found
    assert took < 5


def test_a_body_that_comes_bit_by_bit_is_given_up():
    """As a whole, too; a fast one may take as long as it needs."""
    with serve(bodies, patience=0.4) as url:
        with dial(url) as line:
            line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n")
            found, took = drip(line, b"x" * 200)

        def pieces():
            for _ in range(6):
                time.sleep(0.15)
                yield b"x" * 5000

        fast = httpx.post(url, content=pieces(), headers={"Content-Length": "30000"})

    assert found.endswith(b"too slow")
    assert took < 5
    assert fast.content == b"x" * 30000


def test_slow_answers_wait_side_by_side():
    """Two dozen calls take as long as one."""
    sandbox = Sandbox(latency=1)
    with sandbox.serve() as url, ThreadPoolExecutor(24) as pool:
        began = time.monotonic()
        lines = [dial(url) for _ in range(24)]
        for line in lines:
            line.sendall(b"GET /v1/accounts HTTP/1.1\r\nHost: x\r\n\r\n")
        got = list(pool.map(lambda line: line.recv(65536), lines))
        took = time.monotonic() - began
        for line in lines:
            line.close()

    assert {end[:12] for end in got} == {b"HTTP/1.1 401"}
    assert took < 2.5


def test_the_end_of_the_server_ends_slow_answers():
    """Whatever their latency: who waits is answered, or sees the connection end."""
    sandbox = Sandbox(latency=60)
    with ThreadPoolExecutor(100) as pool:
        with sandbox.serve() as url:
            lines = [dial(url) for _ in range(100)]
            for line in lines:
                line.sendall(b"GET /v1/accounts HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.3)
            began = time.monotonic()
        took = time.monotonic() - began
        ends = list(pool.map(lambda line: line.recv(65536), lines))
        for line in lines:
            line.close()

    assert took < 4
    assert len(ends) == 100
    assert {end[:12] for end in ends} <= {b"", b"HTTP/1.1 401"}


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\n\n", b"GET /"])
def test_what_will_never_be_a_head_is_answered_at_once(head):
    """Lines that end wrongly, and a request that ends early."""
    sandbox = Sandbox()
    began = time.monotonic()
    with sandbox.serve() as url, dial(url) as line:
        line.sendall(head)
        if not head.endswith(b"\n"):
            line.shutdown(socket.SHUT_WR)
        found = line.recv(65536)

    assert found.startswith(b"HTTP/1.1 400 ")
    assert time.monotonic() - began < 4


def test_requests_that_come_together_are_all_answered():
    """Three in one packet, the last of them in two; each on the same connection."""
    sandbox = Sandbox()
    lines = ["GET /v1/accounts HTTP/1.1", "Host: x", f"Authorization: Bearer {sandbox.key}"]
    request = "\r\n".join([*lines, "", ""]).encode()
    with sandbox.serve() as url, dial(url) as line:
        line.sendall(request * 3 + request[:40])
        time.sleep(0.2)
        line.sendall(request[40:] + request.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        found = b""
        while piece := line.recv(65536):
            found += piece

    assert found.count(b"HTTP/1.1 200 OK") == 5


def test_a_connection_that_is_idle_after_chunks_holds_up_nobody():
    """A hundred of them; and each can be used again."""
    sandbox = Sandbox()
    head = b"POST /v1/media/presign HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with (
        contextlib.ExitStack() as lines,
        sandbox.serve() as url,
        httpx.Client(base_url=url, headers=key(sandbox)) as api,
    ):
        dialled = [lines.enter_context(dial(url)) for _ in range(100)]
        for line in dialled:
            line.sendall(head + b"2\r\n{}\r\n0\r\n\r\n")
            assert answered(line).startswith(b"HTTP/1.1 401 ")
        began = time.monotonic()
        status = api.get("/v1/accounts").status_code
        took = time.monotonic() - began
        dialled[0].sendall(head + b"0\r\n\r\n")
        again = answered(dialled[0])

    assert status == 200
    assert took < 3
    assert again.startswith(b"HTTP/1.1 401 ")


def test_a_head_that_is_too_large_is_refused():
    """Before it is read whole, and in the words of the API."""
    sandbox = Sandbox()
    with sandbox.serve() as url, httpx.Client(base_url=url, headers=key(sandbox)) as api:
        with dial(url) as line:
            line.sendall(b"GET /v1/posts?q=" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            long = line.recv(65536)
        headers = api.get("/v1/posts", headers={"X-Long": "x" * 1_000_000})
        fits = api.get("/v1/posts?q=" + "x" * 60_000)

    assert long.startswith(b"HTTP/1.1 414 ")
    assert b'"code":"VALIDATION_ERROR"' in long
    assert (headers.status_code, headers.json()["code"]) == (413, "VALIDATION_ERROR")
    assert fits.status_code == 200
