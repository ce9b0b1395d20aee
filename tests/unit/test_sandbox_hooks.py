"""Webhooks seen from outside: their settings, and what arrives at a receiver."""

from __future__ import annotations

import hmac
import json
import threading
import time
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import raw_server

from socialframe.sandbox import Sandbox
from socialframe.sandbox.delivery import send
from socialframe.sandbox.hooks import Hooks

SETTINGS = "/v1/webhooks/settings"
SECRET = "whsec_demo_1"
SIGNATURE = "X-SocialSyncerAPI-Signature"
EVENTS = [
    *("post.published", "post.failed", "post.scheduled"),
    *("account.connected", "account.disconnected"),
]
FAILED = {"postId": "post_7f3a", "platform": "tiktok", "status": "failed"}
SPRING = 1_772_440_200.0  # 2026-03-02T08:30:00Z


class Box:
    """A sandbox whose clock and pauses a test sees, and a client with its key."""

    def __init__(self, sleep=None, **choices) -> None:
        self.now = SPRING
        self.slept: list[float] = []
        self.sandbox = Sandbox(
            clock=lambda: 0.0,
            wall=lambda: self.now,
            sleep=sleep or self.slept.append,
            window_seconds=0.001,
            **choices,
        )
        self.client = httpx.Client(
            transport=httpx.WSGITransport(app=self.sandbox),
            base_url="http://sandbox.example",
            headers={"Authorization": f"Bearer {self.sandbox.key}"},
        )

    def register(self, url="http://127.0.0.1:9/in", events=EVENTS, **more):
        reply = self.client.post(SETTINGS, json={"url": url, "events": events, **more})
        assert reply.status_code == 200, reply.text
        return reply.json()["webhook"]

    def tell(self, event="post.failed", data=None, *, times=1):
        """Let something happen, and wait until it is delivered or given up."""
        for _ in range(times):
            self.sandbox.state.announce(event, data or FAILED)
        self.flush()

    def flush(self):
        self.sandbox.state.part(Hooks).flush()

    def logs(self, **params):
        return self.client.get("/v1/webhooks/logs", params=params).json()["logs"]

    def settings(self):
        return self.client.get(SETTINGS).json()["webhooks"]


class Receiver(ThreadingHTTPServer):
    """A receiver on loopback: keeps raw bodies and headers, answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []
        self.heads: list[list[tuple[str, str]]] = []
        self.paths: list[str] = []
        self.answers: list[int] = []  # the next ones; then 200 for ever
        self.location = "/"
        self.open = threading.Event()  # while it is not set, nobody is answered
        self.open.set()
        self.arrived = threading.Semaphore(0)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/in?from=sandbox"


class Handler(BaseHTTPRequestHandler):
    """Take one delivery."""

    def do_POST(self):
        server = self.server
        server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        server.heads.append(self.headers.items())
        server.paths.append(self.path)
        server.arrived.release()
        server.open.wait(10)
        status = server.answers.pop(0) if server.answers else 200
        self.send_response(status)
        if status // 100 == 3:
            self.send_header("Location", server.location)
        self.send_header("Content-Length", "11")
        self.end_headers()
        self.wfile.write(b'{"ok":true}')

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def receiving():
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.open.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver():
    """Open a receiver."""
    with receiving() as server:
        yield server


@pytest.mark.sockets
def test_the_test_vector_arrives_to_the_byte(receiver):
    """The contract's own: section 5.12."""
    box = Box()
    box.register(receiver.url, secret=SECRET)
    box.tell()

    (body,) = receiver.bodies
    assert body == (
        b'{"event":"post.failed","timestamp":"2026-03-02T08:30:00Z",'
        b'"data":{"postId":"post_7f3a","platform":"tiktok","status":"failed"}}'
    )
    assert len(body) == 126
    head = receiver.heads[0]
    vector = "4cef7e9a4c04a7417a062336fc9f18cdc9dd9fc9b5a04f77e8c8cc8a53fbd154"
    assert (SIGNATURE, vector) in head
    assert ("Content-Type", "application/json") in head
    assert ("X-Sandbox", "made-up data") in head
    assert receiver.paths == ["/in?from=sandbox"]


@pytest.mark.sockets
def test_a_made_secret_verifies_as_the_documentation_says(receiver):
    """Over the raw bytes, as its Python sample does; text beyond ASCII included."""
    box = Box()
    secret = box.register(receiver.url)["secret"]
    box.tell("account.connected", {"platform": "facebook", "username": "Tee für Zwei ☕"})

    (raw,), (head,) = receiver.bodies, receiver.heads
    expected = hmac.new(secret.encode(), raw, sha256).hexdigest()
    assert hmac.compare_digest(expected, dict(head)[SIGNATURE])
    assert "Tee für Zwei ☕".encode() in raw
    assert list(json.loads(raw)) == ["event", "timestamp", "data"]


THREADS = {"platform": "threads", "accountId": "th_40131"}
SOON = {"content": "Hi", "platforms": [THREADS], "scheduledFor": "2026-03-02T09:00:00Z"}


@pytest.mark.sockets
def test_a_served_sandbox_publishes_at_the_moment_by_itself(receiver):
    """Nobody asks for anything; the receiver hears of it, and of the moment that it had."""
    box = Box()
    box.register(receiver.url, ["post.published"])
    with box.sandbox.serve() as url, httpx.Client(headers=box.client.headers) as client:
        post = client.post(f"{url}/v1/posts", json=SOON).json()
        asked = len(box.sandbox.requests)
        box.now = SPRING + 1799
        assert not receiver.arrived.acquire(timeout=0.6)
        box.now = SPRING + 1801
        assert receiver.arrived.acquire(timeout=10)
        assert len(box.sandbox.requests) == asked
        shown = client.get(f"{url}/v1/posts/{post['id']}").json()
    box.flush()

    assert shown["status"] == "published"
    assert shown["publishedAt"] == "2026-03-02T09:00:00Z"
    assert json.loads(receiver.bodies[0])["timestamp"] == shown["publishedAt"]


@pytest.mark.sockets
def test_a_sandbox_that_is_not_served_publishes_when_it_is_asked(receiver):
    """Long after the moment; the post and the event agree on when that was."""
    box = Box()
    box.register(receiver.url, ["post.published"])
    with box.sandbox.serve():
        pass  # what served it is over
    post = box.client.post("/v1/posts", json=SOON).json()
    box.now = SPRING + 7200
    assert not receiver.arrived.acquire(timeout=0.6)
    shown = box.client.get(f"/v1/posts/{post['id']}").json()
    box.flush()

    assert shown["publishedAt"] == "2026-03-02T09:00:00Z"
    assert json.loads(receiver.bodies[0])["timestamp"] == shown["publishedAt"]


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("documented", {SIGNATURE}),
        ("sample", {"x-socialapi-signature"}),
        ("both", {SIGNATURE, "x-socialapi-signature"}),
    ],
)
def test_the_header_of_the_signature_can_be_chosen(receiver, choice, names):
    """The documentation contradicts itself: section 8.1."""
    box = Box(signature_header=choice)
    box.register(receiver.url)
    box.tell()

    assert {name for name, _ in receiver.heads[0] if "signature" in name.lower()} == names


@pytest.mark.sockets
def test_only_what_was_asked_for_is_sent_and_only_while_on(receiver):
    """Each in the order in which it happened."""
    box = Box()
    hook = box.register(receiver.url, ["post.published", "post.failed", "post.failed"])
    for event in (*EVENTS, "post.unheard"):
        box.tell(event, {"n": 1})
    sent = [json.loads(body)["event"] for body in receiver.bodies]
    off = box.client.put(SETTINGS, json={"id": hook["id"], "isActive": False}).json()
    box.tell()

    assert hook["events"] == ["post.published", "post.failed"]
    assert sent == ["post.published", "post.failed"]
    assert off["webhook"]["isActive"] is False
    assert len(receiver.bodies) == 2


@pytest.mark.sockets
def test_what_the_api_does_is_told(receiver):
    """A disconnected account, to who asked for it."""
    box = Box()
    box.register(receiver.url, ["account.disconnected"])
    account = box.client.get("/v1/accounts").json()["accounts"][0]
    box.client.delete(f"/v1/accounts/{account['platform']}/{account['accountId']}")
    box.flush()

    (body,) = map(json.loads, receiver.bodies)
    assert body["event"] == "account.disconnected"
    assert body["data"]["accountId"] == account["accountId"]


@pytest.mark.sockets
def test_what_is_not_taken_comes_again(receiver):
    """The same bytes, after pauses that grow; success makes the count of failures 0 again."""
    box = Box()
    box.register(receiver.url, name="first")
    receiver.answers = [500, 404, 500, 500, 401, 204]
    box.tell()
    failed = box.settings()[0]
    first_pauses, box.slept[:] = list(box.slept), []
    box.now += 60
    box.tell()

    assert first_pauses == [1.0, 2.0, 4.0]
    assert box.slept == [1.0]
    assert len(set(receiver.bodies[:4])) == 1
    assert len(set(receiver.bodies)) == 2
    assert (failed["failureCount"], failed["lastFiredAt"]) == (1, "2026-03-02T08:30:00Z")
    assert box.settings()[0]["failureCount"] == 0
    rows = box.logs()
    assert [row["attemptNumber"] for row in rows] == [2, 1, 4, 3, 2, 1]
    assert [row["statusCode"] for row in rows] == [204, 401, 500, 500, 404, 500]
    assert rows[-1] == {
        "id": "whlog_1",
        "webhookId": failed["id"],
        "webhookName": "first",
        "event": "post.failed",
        "url": receiver.url,
        "status": "failed",
        "statusCode": 500,
        "error": "the receiver answered 500",
        "attemptNumber": 1,
        "createdAt": "2026-03-02T08:30:00Z",
    }


def test_ten_failures_in_a_row_turn_a_webhook_off():
    """Nobody listens there. Turned on again it starts from 0."""
    box = Box()
    hook = box.register("http://127.0.0.1:1/in")
    box.tell(times=9)
    before = box.settings()[0]
    box.tell(times=3)
    after = box.settings()[0]
    again = box.client.put(SETTINGS, json={"id": hook["id"], "isActive": True}).json()["webhook"]

    assert (before["failureCount"], before["isActive"]) == (9, True)
    assert (after["failureCount"], after["isActive"]) == (10, False)
    assert len(box.logs(limit=100)) == 40
    assert box.logs()[0]["error"] == "no answer (ConnectionRefusedError)"
    assert box.logs()[0]["statusCode"] is None
    assert (again["failureCount"], again["isActive"]) == (0, True)


@pytest.mark.sockets
def test_no_redirect_is_followed(receiver):
    """Whatever a receiver answers, nothing goes to another one."""
    box = Box()
    with receiving() as other:
        receiver.location = other.url
        receiver.answers = [302, 307, 308, 301]
        box.register(receiver.url)
        box.tell()

    assert (len(receiver.bodies), other.bodies) == (4, [])
    assert [row["statusCode"] for row in box.logs()] == [301, 308, 307, 302]


@pytest.mark.sockets
@pytest.mark.parametrize(("anywhere", "sent"), [(False, 0), (True, 1)])
def test_only_receivers_on_this_machine_are_sent_to(receiver, anywhere, sent):
    """By the text of the URL: '127.1' leads here, too, but only who resolves it knows that."""
    box = Box(deliver_anywhere=anywhere)
    hook = box.register(receiver.url.replace("127.0.0.1", "127.1"))
    box.tell()
    (row,) = box.logs()

    assert len(receiver.bodies) == sent
    assert box.settings()[0]["failureCount"] == 0
    assert row["webhookId"] == hook["id"]
    if not anywhere:
        assert (row["status"], row["error"]) == ("failed", "not sent: only loopback")
        assert (row["statusCode"], box.slept) == (None, [])


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/in",
        "https://192.0.2.7:8443",
        "http://[2001:db8::1]/in",
        "http://127.0.0.1.example/in",
        "http://localhost.example/in",
        "http://0.0.0.0/in",
    ],
)
def test_a_receiver_elsewhere_is_registered_and_left_alone(url):
    """Its deliveries say in the log why."""
    box = Box()
    assert box.register(url)["url"] == url
    box.tell()

    assert [row["error"] for row in box.logs()] == ["not sent: only loopback"]


@pytest.mark.sockets
def test_localhost_and_six_are_this_machine(receiver):
    """As a name, and as the other loopback address, where nobody listens."""
    box = Box()
    box.register(receiver.url.replace("127.0.0.1", "LOCALHOST"))
    box.register("http://[::1]:1/in")
    box.tell()

    assert len(receiver.bodies) == 1
    assert all("only loopback" not in (row["error"] or "") for row in box.logs())


@pytest.mark.sockets
def test_a_receiver_that_hangs_holds_up_nobody(receiver):
    """Neither answers of the API nor another receiver; too much that waits is given up."""
    box = Box()
    receiver.open.clear()
    slow = box.register(receiver.url)
    with receiving() as quick:
        box.register(quick.url)
        for _ in range(1005):
            box.sandbox.state.announce("post.failed", FAILED)
        assert receiver.arrived.acquire(timeout=10)
        assert quick.arrived.acquire(timeout=10)
        lost = box.logs(webhookId=slow["id"], limit=100)
        gone = box.client.delete(SETTINGS, params={"id": slow["id"]})
        receiver.open.set()
        box.flush()

    assert 4 <= len(lost) <= 5
    assert {row["error"] for row in lost} == {"not sent: too many deliveries wait"}
    assert gone.json() == {"success": True}
    assert len(receiver.bodies) == 1
    assert len(quick.bodies) >= 1000


def test_a_pause_that_fails_ends_one_delivery_only(caplog):
    """The sleep that a sandbox was given may raise; what waits behind is tried all the same."""
    box = Box(sleep=lambda seconds: 1 // 0)
    box.register("http://127.0.0.1:1/in")
    box.tell(times=2)

    assert [row["attemptNumber"] for row in box.logs()] == [1, 1]
    assert caplog.text.count("could not deliver an event") == 2


def test_no_thread_without_a_webhook():
    """Whatever happens."""
    before = threading.active_count()
    box = Box()
    for event in EVENTS:
        box.sandbox.state.announce(event, FAILED)

    assert threading.active_count() == before


@pytest.mark.sockets
def test_a_secret_is_told_once_at_most(receiver, caplog):
    """One that the sandbox made in the answer that registers it, any other never."""
    caplog.set_level("DEBUG")
    box = Box()
    given, made = box.register(receiver.url, secret=SECRET), box.register(receiver.url)
    secret = made["secret"]
    new = box.client.put(SETTINGS, json={"id": given["id"], "secret": "whsec_demo_2"})
    wrong = box.client.put(SETTINGS, json={"id": "wh_none", "secret": SECRET})
    box.tell()

    assert "secret" not in given
    assert secret.startswith("whsec_")
    assert secret != box.register(receiver.url)["secret"]
    hooks = box.sandbox.state.part(Hooks)
    shown = [new.text, wrong.text, str(box.settings()), str(box.logs()), caplog.text]
    shown += [repr(hooks.listed()), repr(hooks), repr(box.sandbox.requests), repr(box.sandbox)]
    assert not [text for text in shown if secret in text or "whsec_demo" in text]
    right = hmac.new(b"whsec_demo_2", receiver.bodies[0], sha256).hexdigest()
    assert right in {dict(head)[SIGNATURE] for head in receiver.heads}


@pytest.mark.sockets
def test_a_test_is_one_attempt_of_an_event_of_its_own(receiver):
    """To one webhook, whatever it asked for; the answer does not wait for it."""
    box = Box()
    hook = box.register(receiver.url, ["post.failed"])
    box.register(receiver.url, ["post.failed"])
    receiver.answers = [500]
    reply = box.client.post("/v1/webhooks/test", json={"webhookId": hook["id"]})
    box.flush()
    box.client.put(SETTINGS, json={"id": hook["id"], "isActive": False})
    off = box.client.post("/v1/webhooks/test", json={"webhookId": hook["id"]})

    assert reply.status_code == 200
    assert reply.json()["success"] is True
    (body,) = map(json.loads, receiver.bodies)
    assert body["event"] == "webhook.test"
    assert list(body) == ["event", "timestamp", "data"]
    assert [row["webhookId"] for row in box.logs()] == [hook["id"]]
    assert off.json() == {
        "error": "The webhook is off; set isActive first",
        "code": "VALIDATION_ERROR",
    }


def test_logs_can_be_chosen_and_go_after_a_week():
    """By webhook, event and status, 50 unless told otherwise, at most 100."""
    box = Box()
    hooks = [box.register("http://a.example/in"), box.register("http://b.example/in")]
    box.tell("post.published", times=30)
    box.now += 5 * 86_400
    box.tell("post.failed", times=30)

    assert [len(box.logs()), len(box.logs(limit=100)), len(box.logs(limit=7))] == [50, 100, 7]
    assert {row["webhookId"] for row in box.logs(webhookId=hooks[1]["id"])} == {hooks[1]["id"]}
    assert {row["event"] for row in box.logs(event="post.published")} == {"post.published"}
    assert box.logs(status="success") == []
    assert box.logs(limit=1)[0]["createdAt"] == "2026-03-07T08:30:00Z"
    assert box.client.get("/v1/webhooks/logs?limit=101").status_code == 400
    box.now += 3 * 86_400
    assert {row["event"] for row in box.logs(limit=100)} == {"post.failed"}


def test_settings_are_kept_changed_and_removed():
    """In the order in which they came; each sandbox has its own."""
    box = Box()
    assert box.client.get(SETTINGS).json() == {"webhooks": []}
    first, second = box.register(name="one", isActive=False), box.register()
    changed = box.client.put(SETTINGS, json={"id": first["id"], "events": ["post.failed"]}).json()
    removed = box.client.delete(SETTINGS, params={"id": second["id"]})

    assert {name: first[name] for name in list(first)[1:]} == {
        "name": "one",
        "url": "http://127.0.0.1:9/in",
        "events": EVENTS,
        "isActive": False,
        "lastFiredAt": None,
        "failureCount": 0,
        "secret": first["secret"],
    }
    del first["secret"]
    assert changed == {"success": True, "webhook": {**first, "events": ["post.failed"]}}
    assert (removed.status_code, removed.json()) == (200, {"success": True})
    assert box.settings() == [changed["webhook"]]
    assert Box().settings() == []


def test_there_are_ten_webhooks_at_most():
    """The eleventh is refused until one goes."""
    box = Box()
    hooks = [box.register() for _ in range(10)]
    body = {"url": "http://127.0.0.1:9/in", "events": EVENTS}
    full = box.client.post(SETTINGS, json=body)
    box.client.delete(SETTINGS, params={"id": hooks[3]["id"]})

    assert full.status_code == 400
    assert full.json()["error"] == "There may be at most 10 webhooks"
    assert box.client.post(SETTINGS, json=body).status_code == 200


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"url": None}, "url is required"),
        ({"events": None}, "events is required"),
        *(({"events": bad}, "events must be a list of one or more of: post.published") for bad in
          ([], "post.failed", ["post.partial"], ["post.failed", 7], [["post.failed"]], {})),
        *(({"url": bad}, "url must be an http or https URL") for bad in
          ("receiver.example", "ftp://a.example", "http://", "http://a:b@c.example/", "http://[",
           "http://a.example:99999/", "http://a.example/a b", "http://bücher.example/",
           "http://a.example:0/")),
        ({"url": 7}, "url must be a text of 1 to 2048 characters"),
        ({"url": "http://a.example/\r\nX: y"}, "url must be a text of 1 to 2048 characters"),
        ({"name": "a" * 51}, "name must be a text of 1 to 50 characters"),
        ({"name": "\ud800"}, "The body holds a value that cannot"),
        ({"secret": ""}, "secret must be a text of 1 to 256 characters"),
        ({"secret": "\udfff"}, "The body holds a value that cannot"),
        ({"isActive": "yes"}, "isActive must be true or false"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(body, error):
    """By 400 and a sentence that names the field; nothing is registered."""
    box = Box()
    whole = {"url": "http://127.0.0.1:9/in", "events": ["post.failed"], **body}
    reply = box.client.post(SETTINGS, content=json.dumps(whole))

    assert reply.status_code == 400
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert reply.json()["error"].startswith(error)
    assert box.settings() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("PUT", SETTINGS, {}, 400, "id is required"),
        ("PUT", SETTINGS, {"id": "wh_none"}, 404, "Webhook not found"),
        ("DELETE", SETTINGS, None, 400, "id is required"),
        ("DELETE", f"{SETTINGS}?id=wh_none", None, 404, "Webhook not found"),
        ("POST", "/v1/webhooks/test", {}, 400, "webhookId is required"),
        ("POST", "/v1/webhooks/test", {"webhookId": "wh_none"}, 404, "Webhook not found"),
    ],
)
def test_a_webhook_that_is_not_there(method, path, body, status, error):
    """Is not found; one that is not named is asked for."""
    reply = Box().client.request(method, path, json=body)

    assert (reply.status_code, reply.json()["error"]) == (status, error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(EVENTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ANY = Box()


@given(
    method=st.sampled_from(["POST", "PUT"]),
    body=st.dictionaries(
        st.sampled_from(["url", "events", "name", "secret", "isActive", "id"]),
        JSON | st.text().map(lambda text: f"http://{text}"),
    ),
)
def test_no_body_is_a_fault_of_the_sandbox(method, body):
    """Whatever its fields hold."""
    reply = ANY.client.request(method, SETTINGS, content=json.dumps(body))
    for hook in ANY.settings():
        ANY.client.delete(SETTINGS, params={"id": hook["id"]})

    assert reply.status_code in {200, 400, 404}


@pytest.mark.sockets
def test_events_are_told_as_answers_are(receiver):
    """By the same ids, words and forms of moments, so that the two can be joined."""
    box = Box(big_ids=True, unknown_values=True, timestamps="offset", extra_fields=True)
    box.register(receiver.url)
    accounts = {
        one["platform"]: one["accountId"]
        for one in box.client.get("/v1/accounts").json()["accounts"]
    }
    posts = {}
    for number in range(12):
        target = {"platform": "bluesky", "accountId": accounts["bluesky"]}
        other = {"platform": "facebook", "accountId": accounts["facebook"]}
        body = {"content": f"{number}", "platforms": [other, target], "publishNow": True}
        made = box.client.post("/v1/posts", json=body).json()
        posts[made["id"]] = {one["platform"]: one["status"] for one in made["platforms"]}
    box.flush()
    events = [json.loads(body) for body in receiver.bodies]
    told: dict[int, dict[str, str]] = {}
    for event in events:
        told.setdefault(event["data"]["postId"], {})[event["data"]["platform"]] = event["data"][
            "status"
        ]

    assert told == posts
    assert len({status for one in posts.values() for status in one.values()}) > 1
    assert all(isinstance(post, int) and post > 2**53 for post in told)
    assert {event["timestamp"] for event in events} == {"2026-03-02T10:30:00+02:00"}
    assert all("marks" in event["data"] for event in events)


@pytest.mark.sockets
def test_a_receiver_that_answers_byte_by_byte_is_given_up():
    """It is never silent for long; but all of it takes too long."""

    def drip():
        yield b"HTTP/1.1 200 OK\r\n"
        for _ in range(100):
            time.sleep(0.1)
            yield b"X: y\r\n"

    began = time.monotonic()
    with raw_server(drip()) as (url, _):
        receipt = send(url, b"{}", {}, seconds=0.3)

    assert receipt.status is None
    assert time.monotonic() - began < 4
