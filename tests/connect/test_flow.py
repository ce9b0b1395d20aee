"""The states of a flow, also from several threads, and that it reveals none of its secrets."""

import json
import logging
import pickle
import re
import threading
import traceback
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from stand_ins import Clock, Scripted, client_of

import socialframe as sf
from socialframe.connect.flow import Flow, State
from socialframe.connect.verify import Callback, Verdict
from socialframe.http.transport import Wiring
from socialframe.messages.call import Reply

NONCE, CODE, TOKEN = "n0nce-of-a-made-up-flow", "c0de-of-a-made-up-flow", "t0ken-of-made-up"
BACK = Callback(f"http://127.0.0.1:4711/socialframe/callback/{NONCE}")
LINK = "https://platform.example/dialog?client_id=1&state=own7%3Afacebook"
STARTED = {"authUrl": LINK, "state": "own7:facebook"}
ACCOUNT = {"platform": "facebook", "accountId": "fb_1", "username": "Lantern & Loom"}
PAGES = {"pages": [{"id": "fb_1", "name": "Lantern & Loom"}, {"id": "fb_2", "name": "Šípková"}]}
STEP = {"step": "select_page", "tempToken": TOKEN}


def flow_of(*answers, **more):
    """Return a flow whose API sends these responses in order."""
    app = Scripted(*answers)
    flow = Flow(client_of(app)._send, "facebook", make_nonce=lambda: NONCE, **more)
    return flow, app


def waiting(*answers, **more):
    """Return a started flow."""
    flow, app = flow_of(STARTED, *answers, **more)
    flow.start(BACK)
    return flow, app


def valid_callback(flow, query=f"?code={CODE}&state=own7:facebook"):
    """Send the callback of the platform."""
    return flow.handle_callback(flow.path + query, flow.path)


def test_flow_goes_from_idle_to_waiting_to_connected():
    """The link is requested with the redirect URL, then the code is exchanged."""
    flow, app = flow_of(STARTED, ACCOUNT)
    states = [flow.state]
    flow.start(BACK)
    states.append(flow.state)

    assert valid_callback(flow) is Verdict.OK
    assert [*states, flow.state] == ["idle", "waiting", "connected"]
    assert str(flow.result()) == "Lantern & Loom (facebook, fb_1)"
    assert [seen["method"] for seen in app.seen] == ["GET", "POST"]
    assert parse_qs(app.seen[0]["query"]) == {"redirect_url": [BACK.redirect_url]}


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        ("?code=x&state=own7:instagram", Verdict.WRONG_STATE),
        ("?code=x&code=y", Verdict.INVALID),
        ("", Verdict.INVALID),
    ],
)
def test_forged_callback_leaves_the_flow_open(query, verdict):
    """Otherwise any web page could end it. The valid callback still counts."""
    flow, _ = waiting(ACCOUNT)

    assert valid_callback(flow, query) is verdict
    assert flow.handle_callback("/other?code=x", flow.path) is Verdict.WRONG_PATH
    assert flow.state is State.WAITING
    assert valid_callback(flow) is Verdict.OK
    assert flow.state is State.CONNECTED


def test_only_the_first_valid_callback_counts():
    """Of twenty concurrent ones, too: the code is exchanged once."""
    flow, app = waiting(ACCOUNT)
    verdicts, gate = [], threading.Barrier(20)

    def call_back():
        gate.wait()
        verdicts.append(valid_callback(flow))

    threads = [threading.Thread(target=call_back) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one.name for one in verdicts) == ["LATE"] * 19 + ["OK"]
    assert valid_callback(flow) is Verdict.LATE
    assert len(app.seen) == 2


def test_denial_ends_the_flow():
    """With the state or without."""
    for query in ("?error=access_denied", "?error=server_error&state=own7:facebook"):
        flow, app = waiting()

        assert valid_callback(flow, query) is Verdict.DENIED
        with pytest.raises(sf.ConnectError, match="No account was connected") as raised:
            flow.result()
        assert raised.value.state == "denied"
        assert len(app.seen) == 1


def test_expired_flow_accepts_no_callback():
    """The deadline is checked on every access."""
    clock = Clock()
    flow, app = waiting(timeout=60, clock=clock)
    clock.now += 59.9
    before = flow.state
    clock.now += 0.1

    assert before is State.WAITING
    assert valid_callback(flow) is Verdict.LATE
    assert flow.state is State.EXPIRED
    with pytest.raises(sf.ConnectError, match="Timed out after 60 s"):
        flow.result()
    assert len(app.seen) == 1


def test_cancel_works_once_until_the_flow_has_ended():
    """Before the start, too. A flow cannot be started again."""
    flow, _ = waiting()
    idle, _ = flow_of(STARTED)

    assert [flow.cancel(), flow.cancel(), idle.cancel()] == [True, False, True]
    with pytest.raises(sf.ConnectError, match="Cancelled"):
        idle.start(BACK)
    done, _ = waiting(ACCOUNT)
    valid_callback(done)
    assert done.cancel() is False
    assert done.state is State.CONNECTED
    with pytest.raises(sf.ConnectError, match="can be used only once"):
        done.start(BACK)


def test_refused_start_leaves_the_flow_idle():
    """So another redirect URL can be tried."""
    refusal = (400, {"error": "redirect_url must be registered", "code": "VALIDATION_ERROR"})
    flow, app = flow_of(refusal, STARTED)

    with pytest.raises(sf.ValidationError, match="must be registered"):
        flow.start(BACK)
    flow.start(Callback(None, exact=True))
    assert flow.state is State.WAITING
    assert app.seen[1]["query"] == ""
    assert flow.link == f"{LINK}.{NONCE}"


@pytest.mark.parametrize(
    ("answer", "words", "status"),
    [
        ((500, {"error": "Internal server error"}), "works only once: connect again", 500),
        ((400, {"error": "code is not valid"}), "code is not valid", 400),
        ([1, 2], "may be connected nevertheless", None),
        ({}, "has no accountId", None),
        (b"<html>", "may be connected nevertheless", None),
        ({"accountId": 5}, "has no accountId", None),
        ((200, {**STEP, "tempToken": TOKEN}), "lists none", None),
    ],
)
def test_failed_exchange_is_not_retried(answer, words, status):
    """The API may have connected the account."""
    flow, app = waiting(answer, {"pages": []})

    assert valid_callback(flow) is Verdict.OK
    with pytest.raises(sf.ConnectError, match=words) as raised:
        flow.result()
    assert raised.value.state == "failed"
    assert raised.value.status_code == status
    assert sum(seen["method"] == "POST" for seen in app.seen) == 1


def test_unexpected_error_in_the_exchange_ends_the_flow():
    """No other thread waits forever."""

    def broken(call):
        if call.method == "POST":
            raise ZeroDivisionError
        return Reply(200, {}, json.dumps(STARTED).encode(), datetime.now(UTC))

    flow = Flow(broken, "facebook", make_nonce=lambda: NONCE)
    flow.start(BACK)
    valid_callback(flow)

    with pytest.raises(sf.ConnectError, match="ZeroDivisionError interrupted the exchange"):
        flow.result()


@pytest.mark.parametrize(
    "body",
    [{}, {"authUrl": 5}, {"authUrl": "javascript:alert(1)"}, {"authUrl": "https://[x"}, [], b"no"]
    + [{"authUrl": f"https://a.example/{letter}"} for letter in '"<> \n\x1b'],
)
def test_unsafe_consent_link_is_refused(body):
    """The link is shown in terminals and pages."""
    flow, _ = flow_of(body)

    with pytest.raises(sf.ReplyError):
        flow.start(BACK)


def test_page_is_chosen_before_the_account_is_connected():
    """An unknown id leaves the choice open."""
    flow, app = waiting(STEP, PAGES, {"account": ACCOUNT})
    valid_callback(flow)

    assert flow.state is State.CHOOSING
    assert [one.name for one in flow.options] == ["Lantern & Loom", "Šípková"]
    with pytest.raises(sf.ConnectError, match=r"no Page 'fb_3'. Choose one of: fb_1 \(L"):
        flow.choose("fb_3")
    flow.choose(flow.options[0])
    assert flow.result().account_id == "fb_1"
    assert flow.state is State.CONNECTED
    with pytest.raises(sf.ConnectError, match="no Page to choose"):
        flow.choose("fb_1")
    assert [seen["path"][-11:] for seen in app.seen[2:]] == ["select-page"] * 2


@pytest.mark.parametrize("decided", ["expires", "is cancelled"])
def test_missing_page_choice_expires_or_is_cancelled(decided):
    """Like the wait for the callback."""
    clock = Clock()
    flow, _ = waiting(STEP, PAGES, clock=clock)
    valid_callback(flow)
    if decided == "expires":
        clock.now += 301
    else:
        flow.cancel()

    assert flow.state in {State.EXPIRED, State.CANCELLED}


def test_pasted_url_passes_the_same_check():
    """Line breaks and brackets are removed; the URL of another flow is refused."""
    flow, _ = waiting(ACCOUNT)
    address = f"{BACK.redirect_url}?code={CODE}&state=own7%3Afacebook"

    assert flow.handle_pasted(CODE) is Verdict.WRONG_PATH
    assert flow.handle_pasted(address.replace(NONCE, "another")) is Verdict.WRONG_PATH
    assert flow.handle_pasted(address.replace("facebook", "tiktok")) is Verdict.WRONG_STATE
    assert flow.handle_pasted(f" <{address[:50]}\n{address[50:]}>\n") is Verdict.OK
    assert flow.state is State.CONNECTED


def test_wait_returns_at_the_next_change_of_state():
    """Once the flow has ended, it returns at once."""
    flow, _ = waiting(ACCOUNT)
    thread = threading.Thread(target=lambda: valid_callback(flow))
    thread.start()
    while flow.wait(30) is not State.CONNECTED:
        pass
    thread.join()

    assert flow.wait(1e6) is State.CONNECTED


@pytest.mark.parametrize("platform", ["", ".", "..", "a/b", "a\nb", None, 5])
def test_platform_that_is_not_a_path_segment_is_refused(platform):
    """The API decides about any other name."""
    with pytest.raises(sf.ArgumentError, match="platform must be a string without a slash"):
        Flow(print, platform)


def shown(error):
    """Return the error's pickle, and its traceback with the local variables of our frames."""
    texts = [repr(pickle.dumps(error)), repr(vars(error)), *map(str, error.args)]
    link = error
    while link is not None:
        texts += traceback.format_exception(link)
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if "test_" not in frame.f_code.co_filename:
                texts += [repr(value) for value in frame.f_locals.values()]
        link = link.__cause__ or link.__context__
    return "\n".join(texts)


def leaks(text):
    """Return the secrets in a text, also URL-encoded."""
    secrets = [NONCE, CODE, TOKEN, LINK, quote(LINK, safe=""), "own7:facebook", "own7%3Afacebook"]
    return [secret for secret in secrets if secret in text]


ECHO = {"error": f"{NONCE} {CODE} {TOKEN} {LINK} own7:facebook", "code": CODE}


@pytest.mark.parametrize(
    "answers",
    [
        [(400, ECHO)],
        [(401, ECHO)],
        [b"<" + LINK.encode()],
        [{"state": "own7:facebook", "authUrl": LINK + " "}],
        [STARTED, (500, ECHO)],
        [STARTED, (400, ECHO)],
        [STARTED, (302, {}, {"Location": f"https://a.example/{CODE}"})],
        [STARTED, b"<" + CODE.encode()],
        [STARTED, {"code": CODE}],
        [STARTED, STEP, (400, ECHO)],
        [STARTED, STEP, {"pages": [TOKEN]}],
        [STARTED, STEP, PAGES, (400, ECHO)],
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_failures_reveal_no_secret(answers, exact, caplog):
    """Not in text, frames, causes, pickle or debug log, even if the server echoes the request."""
    caplog.set_level(logging.DEBUG)
    flow, _ = flow_of(*answers)
    callback = Callback(BACK.redirect_url, exact=exact)
    state = "own7:facebook" + f".{NONCE}" * exact
    errors = []
    for step in (
        lambda: flow.start(callback),
        lambda: flow.handle_callback(f"{flow.path}?code={CODE}&state={state}", flow.path),
        lambda: flow.choose("fb_1"),
        flow.result,
    ):
        try:
            step()
        except sf.SocialFrameError as error:
            errors.append(error)

    # A flow cannot recognise a code or token that it has not received yet.
    known = {
        NONCE,
        *([LINK, CODE] if len(answers) > 1 else []),
        *([TOKEN] if len(answers) > 3 else []),
    }
    text = "\n".join([*map(shown, errors), repr(flow), repr(vars(flow)), caplog.text])
    assert errors
    assert not known & set(leaks(text)), text


def test_repr_and_pickle_of_a_flow_reveal_no_secret(caplog):
    """In none of its states."""
    caplog.set_level(logging.DEBUG)
    flow, _ = flow_of(STARTED, STEP, PAGES, {"account": ACCOUNT})
    texts = [repr(flow), repr(vars(flow))]
    for step in (
        lambda: flow.start(BACK),
        lambda: valid_callback(flow),
        lambda: flow.choose("fb_1"),
    ):
        step()
        texts += [repr(flow), repr(vars(flow))]

    assert leaks("\n".join([*texts, caplog.text])) == []
    assert re.search(r"POST /v1/connect/facebook: 200", caplog.text)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(flow)


def test_network_error_reveals_no_secret():
    """The frames of httpx hold URLs and are removed."""

    class Broken(httpx.BaseTransport):
        def handle_request(self, request):
            message = f"cut off at {request.url}"
            raise httpx.ReadError(message, request=request)

    clock = Clock()
    wiring = Wiring(transport=Broken, sleep=clock.sleep, clock=clock)
    api = sf.Client("sk_made0up0key", base_url="https://api.example", wiring=wiring)
    flow = Flow(api._send, "facebook", make_nonce=lambda: NONCE)
    with pytest.raises(sf.NetworkError) as raised:
        flow.start(BACK)

    assert leaks(shown(raised.value)) == []


def test_interrupted_exchange_reveals_no_secret():
    """The interrupt reaches the caller, and the flow has ended."""

    def interrupted(call):
        if call.method == "POST":
            body = call.body
            raise KeyboardInterrupt(str(len(body)))
        return Reply(200, {}, json.dumps(STARTED).encode(), datetime.now(UTC))

    flow = Flow(interrupted, "facebook", make_nonce=lambda: NONCE)
    flow.start(BACK)
    with pytest.raises(KeyboardInterrupt) as raised:
        valid_callback(flow)

    frames = [dict(frame.f_locals) for frame, _ in traceback.walk_tb(raised.tb)][2:]
    assert leaks(repr(frames)) == []
    assert flow.state is State.FAILED
    assert urlsplit(BACK.redirect_url).path == flow.path
