"""Slow and silent clients, by raw sockets."""

from __future__ import annotations

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from socialframe.sandbox import Sandbox

pytestmark = pytest.mark.sockets


def dial(url):
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


def key(sandbox):
    return {"Authorization": f"Bearer {sandbox.key}"}


def test_silent_connections_do_not_block_other_clients():
    """A hundred of them use no worker, and the server stops at once."""
    sandbox = Sandbox()
    with contextlib.ExitStack() as lines:
        with sandbox.serve() as url, httpx.Client(base_url=url, headers=key(sandbox)) as api:
            for _ in range(100):
                lines.enter_context(dial(url))
            began = time.monotonic()
            answers = [api.get("/v1/accounts").status_code for _ in range(3)]
            took = time.monotonic() - began
            began = time.monotonic()
        stopped = time.monotonic() - began

    assert answers == [200] * 3
    assert took < 3
    assert stopped < 3


def test_slow_responses_run_in_parallel():
    """Two dozen requests take as long as one."""
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


def test_stopping_the_server_ends_slow_responses():
    """Each client gets a response or a closed connection."""
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


def test_pipelined_requests_are_all_answered():
    """Five requests in two packets on one connection."""
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


def test_too_large_request_headers_are_refused():
    """Before they are read completely."""
    sandbox = Sandbox()
    with sandbox.serve() as url, httpx.Client(base_url=url, headers=key(sandbox)) as api:
        with dial(url) as line:
            line.sendall(b"GET /v1/posts?q=" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            long = line.recv(65536)
        headers = api.get("/v1/posts", headers={"X-Long": "x" * 1_000_000})
        fits = api.get("/v1/posts?q=" + "x" * 60_000)

    assert long.startswith(b"HTTP/1.1 414 ")
    assert headers.status_code == 413
    assert fits.status_code == 200
