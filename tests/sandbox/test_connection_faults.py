"""Faults of the connection, seen from outside by raw sockets and plain httpx."""

from __future__ import annotations

import contextlib
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from socialframe.sandbox import Fault, Sandbox, parse_fault

pytestmark = pytest.mark.sockets

LONG = 600  # seconds that no test can wait


def client(sandbox, url, timeout=10.0):
    return httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {sandbox.key}"}, timeout=timeout
    )


def dial(url):
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


def request(sandbox, path="/v1/accounts", method="GET"):
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {sandbox.key}"]
    return "\r\n".join([*lines, "", ""]).encode()


def received(line):
    """Read to the end; tell what came, and whether the end was a reset."""
    found = b""
    while True:
        try:
            piece = line.recv(65536)
        except ConnectionResetError:
            return found, True
        if not piece:
            return found, False
        found += piece


def seen(fault, path="/v1/accounts", method="GET"):
    """Ask once over a raw socket, then once more over another one; the second is answered."""
    sandbox = Sandbox(faults=[fault])
    with sandbox.serve() as url:
        with dial(url) as line:
            line.sendall(request(sandbox, path, method))
            found = received(line)
        with client(sandbox, url) as later:
            sandbox.faults = ()
            whole = later.get(path)
            assert whole.status_code == 200
    return *found, whole.content


def test_a_reset_before_the_headers():
    """No byte, and a reset instead of a normal end."""
    assert seen(Fault("reset_before"))[:2] == (b"", True)


def test_a_reset_within_the_headers():
    """A status line, and no end of the headers."""
    found, reset, _ = seen(Fault("reset_mid_headers"))

    assert found.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in found
    assert reset


def test_a_reset_after_the_headers():
    """All headers with a length, and no byte of the body."""
    found, reset, whole = seen(Fault("reset_after_headers"))

    assert found.endswith(b"Content-Length: %d\r\n\r\n" % len(whole))
    assert b"X-Sandbox: made-up data\r\n" in found
    assert reset


def test_a_reset_within_the_body():
    """Half of it came."""
    found, reset, whole = seen(Fault("reset_mid_body"))

    assert found.partition(b"\r\n\r\n")[2] == whole[: len(whole) // 2]
    assert reset


@pytest.mark.parametrize(
    ("length", "promised", "came"),
    [
        ("right", lambda n: n, lambda n: n // 2),
        ("short", lambda n: n // 2, lambda n: n // 2),
        ("long", lambda n: n + 100, lambda n: n),
    ],
)
def test_a_truncated_body(length, promised, came):
    """Ends early by the right length, by a short one that hides it, or by one that is too long."""
    found, reset, whole = seen(Fault("truncate", length=length))
    head, _, body = found.partition(b"\r\n\r\n")

    assert b"Content-Length: %d" % promised(len(whole)) in head.split(b"\r\n")
    assert body == whole[: came(len(whole))]
    assert not reset


def test_httpx_reports_each_fault_as_a_transport_error():
    """An error of the transport, but where the length hides that the body is cut."""
    errors = {}
    for fault in [
        Fault("reset_before"),
        Fault("reset_mid_headers"),
        Fault("reset_after_headers"),
        Fault("reset_mid_body"),
        Fault("truncate"),
        Fault("truncate", length="short"),
        Fault("truncate", length="long"),
        Fault("stall_before", seconds=LONG),
        Fault("stall_mid_body", seconds=LONG),
    ]:
        sandbox = Sandbox(faults=[fault])
        with sandbox.serve() as url, client(sandbox, url, timeout=0.2) as api:
            try:
                api.get("/v1/posts").json()
                errors[str(fault)] = None
            except (httpx.TransportError, ValueError) as error:
                errors[str(fault)] = type(error)

    json_error = errors.pop("truncate:short")
    assert issubclass(json_error, ValueError)
    assert errors == {
        "reset_before": httpx.ReadError,
        "reset_mid_headers": httpx.ReadError,
        "reset_after_headers": httpx.ReadError,
        "reset_mid_body": httpx.ReadError,
        "truncate": httpx.RemoteProtocolError,
        "truncate:long": httpx.RemoteProtocolError,
        f"stall_before:{LONG}": httpx.ReadTimeout,
        f"stall_mid_body:{LONG}": httpx.ReadTimeout,
    }


@pytest.mark.parametrize("kind", ["stall_before", "stall_mid_body"])
def test_a_stalled_response_is_complete_in_the_end(kind):
    """It is only late."""
    sandbox = Sandbox(faults=[Fault(kind, seconds=0.3, at=1)])
    with sandbox.serve() as url, client(sandbox, url) as api:
        began = time.monotonic()
        late = api.get("/v1/posts")
        took = time.monotonic() - began
        assert late.json() == api.get("/v1/posts").json()
    assert took >= 0.3


def test_a_stall_within_the_body_sends_half_first():
    """And nothing more for as long."""
    sandbox = Sandbox(faults=[Fault("stall_mid_body", seconds=LONG)])
    with sandbox.serve() as url, dial(url) as line:
        line.sendall(request(sandbox))
        found = b""
        while b'{"accounts":[' not in found:
            found += line.recv(65536)
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(65536)
    assert not found.endswith(b"]}")


def test_stalled_requests_do_not_block_others_or_the_shutdown():
    """Even more than the server has workers; at the end their connections are closed."""
    sandbox = Sandbox(faults=[Fault("stall_before", seconds=LONG, path="/v1/posts")])
    with contextlib.ExitStack() as stack:
        with sandbox.serve() as url:
            lines = [stack.enter_context(dial(url)) for _ in range(20)]
            for line in lines:
                line.sendall(request(sandbox, "/v1/posts"))
            with client(sandbox, url) as api:
                assert api.get("/v1/accounts").status_code == 200
            while len(sandbox.requests) < 21:
                time.sleep(0.01)
            began = time.monotonic()
        took = time.monotonic() - began
        assert [received(line)[0] for line in lines] == [b""] * 20
    assert took < 2


def test_a_client_that_does_not_read_does_not_delay_the_shutdown():
    """It requested megabytes."""
    sandbox = Sandbox(paging="none", faults=[Fault("truncate", length="long")])
    with socket.socket() as line:
        with sandbox.serve() as url:
            parts = urlsplit(url)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect((parts.hostname, parts.port))
            line.sendall(request(sandbox, "/v1/posts"))
            while not sandbox.requests:
                time.sleep(0.01)
            assert line.recv(9) == b"HTTP/1.1 "  # it is being sent
            began = time.monotonic()
        took = time.monotonic() - began
    assert took < 2


def test_a_server_that_is_down_refuses_and_comes_back():
    """On the same port; the requesting connection is reset, others are closed."""
    sandbox = Sandbox(faults=[Fault("refuse", seconds=0.5, at=3)])
    with sandbox.serve() as url, client(sandbox, url) as other, client(sandbox, url) as api:
        assert other.get("/v1/accounts").status_code == 200
        assert api.get("/v1/accounts").status_code == 200
        with pytest.raises(httpx.ReadError):
            api.get("/v1/accounts")
        down = time.monotonic()
        with pytest.raises(httpx.ConnectError):
            api.get("/v1/accounts")
        with pytest.raises(httpx.TransportError):
            other.get("/v1/accounts")
        replies = []
        while not replies:
            with contextlib.suppress(httpx.TransportError):
                replies.append(other.get("/v1/accounts"))
        took = time.monotonic() - down
        assert replies[0].status_code == api.get("/v1/accounts").status_code == 200

    assert took >= 0.4
    assert [asked.status for asked in sandbox.requests] == [200] * 5


@pytest.mark.parametrize(
    "before",
    ["truncate:right", "truncate:long", "stall_before:0", "stall_mid_body:0", "truncate:short"],
)
def test_a_server_comes_back_despite_connections_in_time_wait(before):
    """Connections that the server closed first still occupy the port."""
    sandbox = Sandbox(faults=[parse_fault(f"{before}@1"), Fault("refuse", seconds=0.1, at=2)])
    with sandbox.serve() as url:
        for _ in range(2):
            with dial(url) as line:
                line.sendall(request(sandbox))
                received(line)
        with client(sandbox, url) as api:
            for _ in range(200):
                with contextlib.suppress(httpx.TransportError):
                    assert api.get("/v1/accounts").status_code == 200
                    break
                time.sleep(0.01)
            else:
                pytest.fail("it did not come back")


def test_a_server_that_is_down_stops_promptly():
    """The context does not wait for its return; stalls end with it."""
    stall = Fault("stall_before", seconds=LONG, at=1)
    sandbox = Sandbox(faults=[stall, Fault("refuse", seconds=LONG, at=2)])
    with sandbox.serve() as url:
        with dial(url) as stalled, dial(url) as line:
            stalled.sendall(request(sandbox))
            while not sandbox.requests:
                time.sleep(0.01)
            line.sendall(request(sandbox))
            assert received(line) == (b"", True)
            assert received(stalled)[0] == b""
        with pytest.raises(ConnectionRefusedError):
            dial(url)
        began = time.monotonic()
    assert time.monotonic() - began < 2


def test_two_requests_can_stop_the_server_at_once():
    """It still comes back."""
    sandbox = Sandbox(faults=[Fault("refuse", seconds=0.1, at=(1, 2))])
    with sandbox.serve() as url:
        with dial(url) as one, dial(url) as two:
            for line in (one, two):
                with contextlib.suppress(ConnectionError):  # the first may have stopped it
                    line.sendall(request(sandbox))
            for line in (one, two):
                with contextlib.suppress(ConnectionError):
                    received(line)
        sandbox.faults = ()
        with client(sandbox, url) as api:
            for _ in range(500):
                with contextlib.suppress(httpx.TransportError):
                    assert api.get("/v1/accounts").status_code == 200
                    break
                time.sleep(0.01)
            else:
                pytest.fail("it did not come back")


def test_a_call_with_a_lost_response_counts():
    """It is recorded and counts against the limit."""
    sandbox = Sandbox(tier="free", clock=lambda: 0.0, faults=[Fault("reset_before", at=1)])
    with sandbox.serve() as url, client(sandbox, url) as api:
        with pytest.raises(httpx.ReadError):
            api.get("/v1/accounts")
        statuses = [api.get("/v1/accounts").status_code for _ in range(60)]

    assert statuses == [200] * 59 + [429]
    assert sandbox.requests[0].status == 200


def test_a_connection_fault_applies_to_a_page():
    """By its number, like every fault."""
    sandbox = Sandbox(paging="offset", faults=[Fault("reset_mid_body", page=3)])
    with sandbox.serve() as url, client(sandbox, url) as api:
        for offset in (0, 10):
            assert api.get("/v1/posts", params={"offset": offset}).status_code == 200
        with pytest.raises(httpx.ReadError):
            api.get("/v1/posts", params={"offset": 20})


def test_other_faults_are_the_same_when_served():
    """There is only one Date header, and an empty body has a length."""
    sandbox = Sandbox(faults=[Fault("date", by=-86400), Fault("empty", at=2)], wall=lambda: 1e9)
    with sandbox.serve() as url, client(sandbox, url) as api:
        first, second = api.get("/v1/accounts"), api.get("/v1/accounts")

    assert first.headers.get_list("Date") == ["Sat, 08 Sep 2001 01:46:40 GMT"]
    assert second.headers["Content-Length"] == "0"


def test_a_broken_response_has_only_the_skewed_date():
    """Faults of several kinds are combined."""
    skewed = Fault("date", by=-86400)
    sandbox = Sandbox(faults=[skewed, Fault("truncate")], wall=lambda: 1e9)
    with sandbox.serve() as url, dial(url) as line:
        line.sendall(request(sandbox))
        head = received(line)[0].partition(b"\r\n\r\n")[0]

    dates = [text for text in head.split(b"\r\n") if text.lower().startswith(b"date:")]
    assert dates == [b"Date: Sat, 08 Sep 2001 01:46:40 GMT"]


def test_a_head_request_is_unaffected_by_body_faults():
    """Only the headers are sent."""
    sandbox = Sandbox(faults=[Fault("stall_mid_body", seconds=0)])
    with sandbox.serve() as url, dial(url) as line:
        line.sendall(request(sandbox, method="HEAD"))
        assert received(line)[0].endswith(b"\r\n\r\n")
