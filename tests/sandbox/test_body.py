"""Request bodies that are too large, without a valid length or cut, and invalid HTTP."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from socialframe.sandbox import Sandbox

LIMIT = 1_048_576
TOO_LARGE = {"error": "The body must have at most 1,048,576 bytes", "code": "VALIDATION_ERROR"}


def key(sandbox):
    return {"Authorization": f"Bearer {sandbox.key}", "Content-Type": "application/json"}


def body(size):
    """Make a draft of exactly so many bytes."""
    frame = b'{"isDraft": true, "content": "%b"}'
    return frame % (b"x" * (size - len(frame) + 2))


def raw(url, *lines, data=b""):
    """Send a request as it is written, and read the answer to its end."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
        line.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + data)
        found = b""
        while piece := line.recv(65536):
            found += piece
    head, _, rest = found.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), rest


def test_a_body_above_the_maximum_is_refused_in_process():
    """Without a change; the largest permitted body is accepted."""
    sandbox = Sandbox()
    transport = httpx.WSGITransport(app=sandbox)
    with httpx.Client(
        transport=transport, base_url="http://a.example", headers=key(sandbox)
    ) as api:
        taken, refused = (api.post("/v1/posts", content=body(LIMIT + more)) for more in (0, 1))
        total = api.get("/v1/posts").json()["pagination"]["total"]

    assert taken.status_code == 201
    assert (refused.status_code, refused.json()) == (413, TOO_LARGE)
    assert total == 5401


@pytest.mark.sockets
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_above_the_maximum_is_refused_on_loopback(chunked):
    """With a length or chunks; the connection stays usable; an invalid key is reported first."""
    sandbox = Sandbox()

    def content(size):
        whole = body(size)
        return (whole[at : at + 9999] for at in range(0, size, 9999)) if chunked else whole

    with sandbox.serve() as url, httpx.Client(base_url=url, headers=key(sandbox)) as api:
        taken = api.post("/v1/posts", content=content(LIMIT))
        refused = api.post("/v1/posts", content=content(20 * LIMIT))
        again = api.get("/v1/accounts")
        stranger = {"Authorization": "Bearer sk_wrong"}
        unknown = api.post("/v1/posts", content=content(2 * LIMIT), headers=stranger)

    assert taken.status_code == 201
    assert (refused.status_code, refused.json()) == (413, TOO_LARGE)
    assert refused.headers["Content-Type"] == "application/json"
    assert refused.headers["X-Sandbox"] == "made-up data"
    assert again.status_code == 200
    assert unknown.json()["code"] == "AUTH_INVALID_KEY"
    assert [asked.status for asked in sandbox.requests] == [201, 413, 200, 401]


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("lines", "data", "status"),
    [
        (["POST {} HTTP/1.1", "Host: a", "Content-Length: many"], b"", 400),
        (["POST {} HTTP/1.1", "Host: a", "Content-Length: -5"], b"", 400),
        (
            ["POST {} HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"],
            b"zz\r\n{}\r\n0\r\n\r\n",
            400,
        ),
        (["POST {} HTTP/1.1", "Host: a", "Transfer-Encoding: magic"], b"", 501),
        (["POST {} HTTP/9.9", "Host: a"], b"", 505),
        (["hello"], b"", 400),
    ],
)
def test_invalid_http_is_refused(lines, data, status):
    """With the status that HTTP defines for it."""
    sandbox = Sandbox()
    first, *rest = lines
    with sandbox.serve() as url:
        bearer = f"Authorization: Bearer {sandbox.key}"
        head, _ = raw(url, first.format("/v1/posts"), *rest, bearer, data=data)

    assert head[0].split()[1] == str(status)


@pytest.mark.sockets
def test_a_truncated_request_body_is_a_400():
    """Fewer bytes than announced."""
    sandbox = Sandbox()
    with sandbox.serve() as url:
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
            head = f"POST /v1/posts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {sandbox.key}\r\n"
            line.sendall(head.encode() + b"Content-Length: 99\r\n\r\n{}")
            line.shutdown(socket.SHUT_WR)
            found = b""
            while piece := line.recv(65536):
                found += piece

    assert found.startswith(b"HTTP/1.1 400 ")
    assert b'"error":"The body breaks off"' in found
    assert [asked.status for asked in sandbox.requests] == [400]


CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("header", "data", "status"),
    [
        (CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n", 400),
        (CHUNKED, b"2\r\n{}junk\r\n0\r\n\r\n", 400),
        (CHUNKED, b"20\r\n{}", 400),
        (CHUNKED, b"200000\r\n" + b"x" * (2 << 20) + b"\r\n0\r\n\r\n", 413),
        ("Content-Length: -1", b"x" * 5_000_000, 400),
        (CHUNKED, b'A\r\n{"content"\r\n1a\r\n: "x", "isDraft": true}   \r\n0\r\n\r\n', 201),
    ],
)
def test_invalid_body_framing_is_refused(header, data, status, caplog, capfd):
    """By a status of the client's error, without a traceback; other clients are still served."""
    sandbox = Sandbox()
    head = ["POST /v1/posts HTTP/1.1", "Host: a", f"Authorization: Bearer {sandbox.key}", header]
    with sandbox.serve() as url:
        parts = urlsplit(url)
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
            line.sendall("\r\n".join([*head, "", ""]).encode())
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
            found = line.recv(65536)
        still = httpx.get(url + "/v1/accounts").status_code

    assert [asked.status for asked in sandbox.requests] == [status, 401]
    assert still == 401
    assert found.startswith(b"HTTP/1.1 %d " % status)
    assert not caplog.records
    assert "Traceback" not in capfd.readouterr().err
