"""The receiver on a real port: its responses, its limits, and what it rejects."""

import logging
import re
import socket
import threading
from contextlib import contextmanager, suppress

import httpx
import pytest
from stand_ins import Clock, Scripted, client_of

import socialframe as sf
from socialframe.connect.flow import Flow, State
from socialframe.connect.receiver import MAX_SOCKETS, Receiver
from socialframe.connect.verify import Callback

pytestmark = pytest.mark.sockets

CODE = "c0de-of-a-made-up-flow"
STARTED = {"authUrl": "https://platform.example/?state=own7%3Atiktok", "state": "own7:tiktok"}
ACCOUNT = {"platform": "tiktok", "accountId": "tt_1", "username": "<b>lantern</b>"}
RIGHT = f"?code={CODE}&state=own7:tiktok"


@contextmanager
def receiving(*answers, path=None, exact=False, **more):
    """Open a flow with its receiver; yield both and the callback URL."""
    flow = Flow(client_of(Scripted(STARTED, *(answers or [ACCOUNT])))._send, "tiktok")
    receiver = Receiver(flow, path or flow.path, **more)
    try:
        address = f"http://127.0.0.1:{receiver.port}{path or flow.path}"
        flow.start(Callback(address, exact=exact))
        yield flow, receiver, address
    finally:
        flow.cancel()
        with suppress(httpx.TransportError):  # otherwise close() waits for the result page
            get(f"http://127.0.0.1:{receiver.port}/socialframe/result")
        receiver.close()


def get(address, method="GET", **headers):
    """Send a request without following redirects."""
    with httpx.Client(timeout=10) as browser:
        return browser.request(method, address, headers=headers)


def raw(port, data, *, wait=True):
    """Send bytes; return the response."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        if not wait:
            return b""
        parts = []
        try:
            while part := connection.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            pass
        return b"".join(parts)


def closed(port):
    """Whether the port is closed."""
    with socket.socket() as connection:
        connection.settimeout(5)
        return connection.connect_ex(("127.0.0.1", port)) != 0


def receiver_threads():
    """Return the names of receiver threads."""
    return [one.name for one in threading.enumerate() if "socialframe callback" in one.name]


def test_callback_redirects_to_a_fixed_page():
    """The 303 removes the code from the address bar; the page echoes nothing."""
    with receiving() as (flow, receiver, address):
        first = get(address + RIGHT)
        second = get(httpx.URL(address).join(first.headers["location"]))

    assert (first.status_code, first.headers["location"]) == (303, "/socialframe/result")
    assert first.content == b""
    assert second.status_code == 200
    assert "<h1>Connected</h1>" in second.text
    for word in (CODE, "lantern", "tt_1", flow.path):
        assert word not in second.text + repr(second.headers) + repr(first.headers)
    assert flow.result().account_id == "tt_1"
    assert closed(receiver.port)


@pytest.mark.parametrize("path", ["", "/socialframe/result", "/"])
def test_every_response_has_the_security_headers(path):
    """Rejections too: no scripts, frames, storing or referrer."""
    with receiving() as (_, receiver, address):
        reply = get(
            address + "?code=x&code=y" if not path else f"http://127.0.0.1:{receiver.port}{path}"
        )

    assert reply.status_code in {400, 404}
    assert reply.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha")
    assert reply.headers["x-frame-options"] == "DENY"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["server"] == "socialframe"


REFUSED = [
    ({"Host": "evil.example"}, "", RIGHT, 421),  # DNS rebinding
    ({"Host": "127.0.0.1"}, "", RIGHT, 421),
    ({"Host": "127.0.0.1:1"}, "", RIGHT, 421),
    ({"Sec-Fetch-Dest": "image"}, "", RIGHT, 403),
    ({"Sec-Fetch-Dest": "iframe"}, "", RIGHT, 403),
    ({"Sec-Fetch-Dest": "empty"}, "", RIGHT, 403),  # fetch()
    ({"Sec-Fetch-Dest": "script"}, "", RIGHT, 403),
    ({}, "x", RIGHT, 404),
    ({}, "/", RIGHT, 404),
    ({}, "/../x", RIGHT, 404),
    ({}, "", "", 400),
    ({}, "", "?code=", 400),
    ({}, "", "?code=a&code=a", 400),
    ({}, "", "?code=a&state=own7:instagram", 400),
    ({}, "", "?code=a&error=b", 400),
]


@pytest.mark.parametrize(("headers", "more", "query", "status"), REFUSED)
def test_rejected_request_leaves_the_flow_open(headers, more, query, status):
    """The valid callback still counts."""
    with receiving() as (flow, _, address):
        refused = get(address + more + query, **headers)
        state = flow.state
        right = get(address + RIGHT, **{"Sec-Fetch-Dest": "document"})

    assert refused.status_code == status
    assert state is State.WAITING
    assert right.status_code == 303
    assert flow.state is State.CONNECTED


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_other_methods_are_rejected(method):
    """A form on another page could send them."""
    with receiving() as (flow, _, address):
        reply = get(address + RIGHT, method=method)

        assert (reply.status_code, reply.headers["allow"]) == (405, "GET")
        assert flow.state is State.WAITING


def test_malformed_requests_are_rejected_without_echo():
    """Two hosts, no host, an absolute URL, endless lines and heads, random bytes."""
    with receiving() as (flow, receiver, _):
        good, port = f"GET {flow.path}{RIGHT} HTTP/1.1\r\n".encode(), receiver.port
        host = f"Host: 127.0.0.1:{port}\r\n".encode()
        answers = [
            raw(port, good + host + host + b"\r\n"),
            raw(port, good + b"\r\n"),
            raw(port, good.replace(b"GET /", b"GET http://evil.example/") + host + b"\r\n"),
            raw(port, b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n"),
            raw(port, good + host + b"X: y\r\n" * 10_000 + b"\r\n"),
            raw(port, b"<script>alert(1)</script>\r\n\r\n"),
            raw(port, b"\x00\xff\r\n\r\n"),
            raw(port, good + host + (b"X: " + b"y" * 1000 + b"\r\n") * 50 + b"\r\n"),
            raw(port, b"GET <b> HTTP/9.9\r\n\r\n"),
        ]
        state = flow.state

    codes = [
        int(found[1]) if (found := re.match(rb"HTTP/1.0 (\d+)", one)) else 0 for one in answers
    ]
    assert codes[:3] == [421, 421, 404]
    assert set(codes[3:]) <= {0, 400, 404, 414, 421, 431, 505}
    assert not any(b"script>" in one or b"<b>" in one for one in answers)
    assert codes[-2] == 0
    assert state is State.WAITING


def test_second_callback_is_410():
    """As long as the receiver listens."""
    with receiving() as (_, _, address):
        codes = [
            get(address + query).status_code for query in (RIGHT, RIGHT, "?error=access_denied")
        ]

    assert codes == [303, 410, 410]


def test_denial_without_state_counts_on_the_secret_path():
    """Real providers deny without the state."""
    with receiving() as (flow, _, address):
        first = get(address + "?error=access_denied")
        page = get(httpx.URL(address).join(first.headers["location"]))

    assert flow.state is State.DENIED
    assert "<h1>Not connected</h1>" in page.text


def test_guessed_state_is_rejected_on_a_registered_url():
    """The path is public there, and the state holds the nonce."""
    with receiving(path="/cb", exact=True) as (flow, _, address):
        guessed = [get(address + RIGHT), get(address + f"?code={CODE}"), get(address + "?error=x")]
        state = httpx.URL(flow.link).params["state"]
        right = get(address + f"?code={CODE}&state={state}")

    assert [one.status_code for one in guessed] == [400, 400, 400]
    assert right.status_code == 303
    assert flow.state is State.CONNECTED


def test_receiver_closes_three_seconds_after_the_flow():
    """Until then, a late callback is rejected with 410."""
    clock = Clock()
    with receiving(clock=clock) as (flow, receiver, address):
        get(address + RIGHT)
        late = get(address + RIGHT).status_code
        clock.now += 2.9
        still = get(address + RIGHT).status_code
        clock.now += 0.2
        receiver._thread.join(10)

        assert (late, still) == (410, 410)
        assert closed(receiver.port)
        assert repr(receiver) == "<Receiver on 127.0.0.1, closed>"
        assert flow.state is State.CONNECTED


def test_close_ends_slow_connections_and_leaves_no_thread():
    """At once, because no browser waits for the result page."""
    with receiving() as (flow, receiver, _):
        slow = [socket.create_connection(("127.0.0.1", receiver.port)) for _ in range(5)]
        get(f"http://127.0.0.1:{receiver.port}/")
        flow.cancel()
        receiver.close()
        for one in slow:
            one.settimeout(5)
            assert one.recv(100) == b""
            one.close()

        assert receiver_threads() == []
        assert closed(receiver.port)


def test_slow_connection_is_closed_after_five_seconds():
    """Even if it keeps sending bytes."""
    clock = Clock()
    with receiving(clock=clock) as (_, receiver, _):
        with socket.create_connection(("127.0.0.1", receiver.port)) as slow:
            slow.settimeout(3)  # less than the limit for each single byte
            slow.sendall(b"GET / HTTP/1.1\r\n")
            while not receiver._server._reading:
                pass
            clock.now += 4.9
            get(f"http://127.0.0.1:{receiver.port}/")
            before = len(receiver._server._reading)
            slow.sendall(b"X: y\r\n")
            clock.now += 0.2
            slow.recv(100)

        assert before == 1


def test_slow_sockets_do_not_block_the_callback():
    """The oldest of them are closed, with twice as many sockets as allowed."""
    with receiving() as (flow, receiver, address):
        slow = [
            socket.create_connection(("127.0.0.1", receiver.port)) for _ in range(2 * MAX_SOCKETS)
        ]
        threads = threading.active_count()
        reply = get(address + RIGHT)
        for one in slow:
            one.close()

    assert reply.status_code == 303
    assert flow.state is State.CONNECTED
    assert threads < 2 * MAX_SOCKETS


def test_port_in_use_raises_argument_error():
    """Two receivers never share a port."""
    with receiving() as (_, receiver, _):
        other = Flow(print, "tiktok")
        with pytest.raises(sf.ArgumentError, match=f"Cannot listen on port {receiver.port}"):
            Receiver(other, other.path, port=receiver.port)


def test_port_can_be_reused_at_once():
    """A user who passes a port may run the same line twice."""
    with receiving() as (_, receiver, address):
        get(address + RIGHT)
    with receiving(port=receiver.port) as (_flow, _, address):
        assert get(address + RIGHT).status_code == 303


def test_proxy_host_is_accepted():
    """The proxy forwards the browser's Host; other hosts are still rejected."""
    with receiving(hosts=("Hub.example",)) as (_, _, address):
        answers = [get(address + RIGHT, Host=host) for host in ("evil.example", "hub.example")]

    assert "<h1>421 Misdirected Request</h1>" in answers[0].text
    assert "<h1>Connected</h1>" in answers[1].text


@pytest.mark.parametrize(
    ("query", "headers", "says"),
    [
        (RIGHT, {}, "<h1>Connected</h1>"),
        ("?error=access_denied", {}, "<h1>Not connected</h1>"),
        ("?code=a&code=b", {}, "<h1>400 Bad Request</h1>"),
        (RIGHT, {"Sec-Fetch-Dest": "image"}, "<h1>403 Forbidden</h1>"),
    ],
)
def test_responses_behind_a_proxy_are_200_on_the_secret_path(query, headers, says):
    """A notebook server logs the path of other responses, and it holds the nonce."""
    with receiving(hosts=("hub.example",)) as (_, _, address):
        reply = get(address + query, Host="hub.example", **headers)

    assert reply.status_code == 200
    assert says in reply.text
    over = "Connected" in says or "Not connected" in says
    assert ("refresh" in reply.headers) is over
    if over:  # the refresh removes the code from the address bar
        seconds, _, place = reply.headers["refresh"].partition("; url=")
        assert seconds == "0"
        assert httpx.URL(address).join(place).path == "/socialframe/result"


def test_logs_and_output_hold_nothing_of_a_request(caplog, capfd):
    """At DEBUG, for valid, rejected and malformed requests."""
    caplog.set_level(logging.DEBUG, "socialframe")
    with receiving() as (flow, receiver, address):
        get(address + "?code=a&code=" + CODE)
        get(address + RIGHT)
        raw(receiver.port, f"GET {flow.path}{RIGHT}\r\n".encode(), wait=False)

    shown = caplog.text + "".join(capfd.readouterr()) + repr(vars(receiver)) + repr(flow)
    shown += repr(vars(receiver._server))
    assert "callback: 303" in caplog.text
    for secret in (CODE, flow.path, flow.path.rpartition("/")[2], "own7:tiktok"):
        assert secret not in shown
