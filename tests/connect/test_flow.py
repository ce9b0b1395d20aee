"""A flow's states, from threads too, and that it shows none of its secrets."""

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
    """Return a flow whose API gives these answers, one after the other."""
    app = Scripted(*answers)
    flow = Flow(client_of(app).send, "facebook", token=lambda: NONCE, **more)
    return flow, app


def waiting(*answers, **more):
    """Return a flow that was started."""
    flow, app = flow_of(STARTED, *answers, **more)
    flow.start(BACK)
    return flow, app


def right(flow, query=f"?code={CODE}&state=own7:facebook"):
    """Answer as the platform does."""
    return flow.answer(flow.path + query, flow.path)


def test_a_flow_goes_from_idle_to_connected_and_tells_each_step():
    """In order."""
    told = []
    flow, app = flow_of(STARTED, ACCOUNT, observer=told.append)
    states = [flow.state]
    flow.start(BACK)
    states.append(flow.state)

    assert right(flow) is Verdict.OK
    assert states == [State.IDLE, State.WAITING]
    assert told == ["waiting", "exchanging", "connected"]
    assert str(flow.result()) == "Lantern & Loom (facebook, fb_1)"
    assert [seen["method"] for seen in app.seen] == ["GET", "POST"]
    assert parse_qs(app.seen[0]["query"]) == {"redirect_url": [BACK.redirect]}


@pytest.mark.parametrize(
    ("query", "verdict"),
    [
        ("?code=x&state=own7:instagram", Verdict.WRONG_STATE),
        ("?code=x&code=y", Verdict.BAD),
        ("", Verdict.BAD),
    ],
)
def test_a_forged_answer_leaves_the_flow_open(query, verdict):
    """Else any page could end it; the right one still counts."""
    flow, _ = waiting(ACCOUNT)

    assert right(flow, query) is verdict
    assert flow.answer("/other?code=x", flow.path) is Verdict.ELSEWHERE
    assert flow.state is State.WAITING
    assert right(flow) is Verdict.OK
    assert flow.state is State.CONNECTED


def test_only_the_first_answer_counts():
    """Of two that are right, and of twenty at once: the code is exchanged once."""
    flow, app = waiting(ACCOUNT)
    verdicts, gate = [], threading.Barrier(20)

    def knock():
        gate.wait()
        verdicts.append(right(flow))

    threads = [threading.Thread(target=knock) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one.name for one in verdicts) == ["LATE"] * 19 + ["OK"]
    assert right(flow) is Verdict.LATE
    assert len(app.seen) == 2


def test_a_denial_ends_it_with_a_sentence():
    """With state or without."""
    for query in ("?error=access_denied", "?error=server_error&state=own7:facebook"):
        flow, app = waiting()

        assert right(flow, query) is Verdict.DENIED
        with pytest.raises(sf.ConnectError, match="Nothing was connected") as raised:
            flow.result()
        assert raised.value.state == "denied"
        assert len(app.seen) == 1


def test_it_expires_and_takes_no_answer_after_that():
    """By the clock alone, whoever looks."""
    clock, told = Clock(), []
    flow, app = waiting(timeout=60, clock=clock, observer=told.append)
    clock.now += 59.9
    before = flow.state
    clock.now += 0.1

    assert before is State.WAITING
    assert right(flow) is Verdict.LATE
    assert told == ["waiting", "expired"]
    with pytest.raises(sf.ConnectError, match="Nobody answered within 60 s"):
        flow.result()
    assert len(app.seen) == 1


def test_it_can_be_cancelled_until_it_is_over():
    """Once; before it starts, too."""
    flow, _ = waiting()
    idle, _ = flow_of(STARTED)

    assert [flow.cancel(), flow.cancel(), idle.cancel()] == [True, False, True]
    with pytest.raises(sf.ConnectError, match="cancelled"):
        idle.start(BACK)
    done, _ = waiting(ACCOUNT)
    right(done)
    assert done.cancel() is False
    assert done.state is State.CONNECTED
    with pytest.raises(sf.ConnectError, match="good for once"):
        done.start(BACK)


def test_a_refused_start_leaves_it_as_it_was():
    """So another address can be tried."""
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
        ((500, {"error": "Internal server error"}), "good for once: connect again", 500),
        ((400, {"error": "code is not valid"}), "code is not valid", 400),
        ([1, 2], "Perhaps the account is connected", None),
        ({}, "The reply names no account", None),
        (b"<html>", "Perhaps the account is connected", None),
        ({"accountId": 5}, "The reply names no account", None),
        ((200, {**STEP, "tempToken": TOKEN}), "lists none", None),
    ],
)
def test_an_exchange_that_fails_says_why_and_is_not_repeated(answer, words, status):
    """It may have been done."""
    flow, app = waiting(answer, {"pages": []})

    assert right(flow) is Verdict.OK
    with pytest.raises(sf.ConnectError, match=words) as raised:
        flow.result()
    assert raised.value.state == "failed"
    assert raised.value.status_code == status
    assert sum(seen["method"] == "POST" for seen in app.seen) == 1


def test_a_bug_while_exchanging_ends_the_flow_too():
    """Nobody waits for ever for a thread that died."""

    def broken(call):
        if call.method == "POST":
            raise ZeroDivisionError
        return Reply(200, {}, json.dumps(STARTED).encode(), datetime.now(UTC))

    flow = Flow(broken, "facebook", token=lambda: NONCE)
    flow.start(BACK)
    right(flow)

    with pytest.raises(sf.ConnectError, match="ZeroDivisionError came in between"):
        flow.result()


@pytest.mark.parametrize(
    "body",
    [{}, {"authUrl": 5}, {"authUrl": "javascript:alert(1)"}, {"authUrl": "https://[x"}, [], b"no"]
    + [{"authUrl": f"https://a.example/{letter}"} for letter in '"<> \n\x1b'],
)
def test_a_link_that_no_browser_should_open_is_refused(body):
    """A terminal and a page show it."""
    flow, _ = flow_of(body)

    with pytest.raises(sf.ReplyError):
        flow.start(BACK)


def test_a_page_is_chosen_before_the_account_is_connected():
    """By id; another id changes nothing."""
    told = []
    flow, app = waiting(STEP, PAGES, {"account": ACCOUNT}, observer=told.append)
    right(flow)

    assert flow.state is State.CHOOSING
    assert [one.name for one in flow.options] == ["Lantern & Loom", "Šípková"]
    with pytest.raises(sf.ConnectError, match=r"'fb_3' is none of the Pages; there are: fb_1 \(L"):
        flow.choose("fb_3")
    flow.choose(flow.options[0])
    assert flow.result().account_id == "fb_1"
    assert told == ["waiting", "exchanging", "choosing", "exchanging", "connected"]
    with pytest.raises(sf.ConnectError, match="no Page to choose"):
        flow.choose("fb_1")
    assert [seen["path"][-11:] for seen in app.seen[2:]] == ["select-page"] * 2


@pytest.mark.parametrize("decided", ["expires", "is cancelled"])
def test_a_choice_that_nobody_makes_ends(decided):
    """As the waiting does."""
    clock = Clock()
    flow, _ = waiting(STEP, PAGES, clock=clock)
    right(flow)
    if decided == "expires":
        clock.now += 301
    else:
        flow.cancel()

    assert flow.state in {State.EXPIRED, State.CANCELLED}


def test_what_is_pasted_goes_before_the_same_judge():
    """Broken into lines, in brackets; of another flow it is refused."""
    flow, _ = waiting(ACCOUNT)
    address = f"{BACK.redirect}?code={CODE}&state=own7%3Afacebook"

    assert flow.paste(CODE) is Verdict.ELSEWHERE
    assert flow.paste(address.replace(NONCE, "another")) is Verdict.ELSEWHERE
    assert flow.paste(address.replace("facebook", "tiktok")) is Verdict.WRONG_STATE
    assert flow.paste(f" <{address[:50]}\n{address[50:]}>\n") is Verdict.OK
    assert flow.state is State.CONNECTED


def test_waiting_returns_at_the_next_change_and_at_once_where_all_is_over():
    """The one who waits is woken."""
    flow, _ = waiting(ACCOUNT)
    thread = threading.Thread(target=lambda: right(flow))
    thread.start()
    while flow.wait(30) is not State.CONNECTED:
        pass
    thread.join()

    assert flow.wait(1e6) is State.CONNECTED


def test_an_observer_may_ask_and_change_the_flow_and_may_fail():
    """No lock is held while it is told, and nobody else pays for its mistakes."""
    told = []

    def observe(state):
        told.append((state, flow.state))
        flow.cancel()
        raise ZeroDivisionError

    flow, _ = flow_of(STARTED, observer=observe)
    flow.start(BACK)

    assert told == [("waiting", "waiting"), ("cancelled", "cancelled")]


def test_an_observer_is_told_one_thing_at_a_time_and_in_order():
    """While one thread is busy telling, another one that has news does not wait for it."""
    told, busy, go_on = [], threading.Event(), threading.Event()

    def observe(state):
        told.append(f"{state} begins")
        busy.set()
        assert go_on.wait(10)
        told.append(f"{state} ends")

    flow, _ = flow_of(STARTED, ACCOUNT, observer=observe)
    thread = threading.Thread(target=lambda: flow.start(BACK))
    thread.start()
    assert busy.wait(10)
    right(flow)
    state = flow.state
    go_on.set()
    thread.join()

    assert state is State.CONNECTED
    names = ["waiting", "exchanging", "connected"]
    assert told == [f"{name} {end}" for name in names for end in ("begins", "ends")]


@pytest.mark.parametrize("platform", ["", ".", "..", "a/b", "a\nb", None, 5])
def test_a_platform_that_would_be_another_path_is_refused(platform):
    """Any other name is the API's to judge."""
    with pytest.raises(sf.ArgumentError, match="platform takes a text without a slash"):
        Flow(print, platform)


def shown(error):
    """Return all that a traceback with local variables shows of our frames, and the pickle."""
    told = [repr(pickle.dumps(error)), repr(vars(error)), *map(str, error.args)]
    link = error
    while link is not None:
        told += traceback.format_exception(link)
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if "test_" not in frame.f_code.co_filename:
                told += [repr(value) for value in frame.f_locals.values()]
        link = link.__cause__ or link.__context__
    return "\n".join(told)


def leaks(text):
    """Return which secrets stand in a text, also as in an address."""
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
def test_no_failure_shows_a_secret(answers, exact, caplog):
    """Not in its text, its frames, its causes, its pickle, nor a log at DEBUG; a server repeats."""
    caplog.set_level(logging.DEBUG)
    flow, _ = flow_of(*answers)
    callback = Callback(BACK.redirect, exact=exact)
    state = "own7:facebook" + f".{NONCE}" * exact
    errors = []
    for step in (
        lambda: flow.start(callback),
        lambda: flow.answer(f"{flow.path}?code={CODE}&state={state}", flow.path),
        lambda: flow.choose("fb_1"),
        flow.result,
    ):
        try:
            step()
        except sf.SocialFrameError as error:
            errors.append(error)

    # What a server says before it was told a code or a token cannot be known to be one.
    known = {
        NONCE,
        *([LINK, CODE] if len(answers) > 1 else []),
        *([TOKEN] if len(answers) > 3 else []),
    }
    text = "\n".join([*map(shown, errors), repr(flow), repr(vars(flow)), caplog.text])
    assert errors
    assert not known & set(leaks(text)), text


def test_a_flow_shows_and_pickles_nothing_of_itself(caplog):
    """In any of its states."""
    caplog.set_level(logging.DEBUG)
    flow, _ = flow_of(STARTED, STEP, PAGES, {"account": ACCOUNT})
    texts = [repr(flow), repr(vars(flow))]
    for step in (lambda: flow.start(BACK), lambda: right(flow), lambda: flow.choose("fb_1")):
        step()
        texts += [repr(flow), repr(vars(flow))]

    assert leaks("\n".join([*texts, caplog.text])) == []
    assert re.search(r"POST /v1/connect/facebook: 200", caplog.text)
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(flow)


def test_what_the_network_fails_at_shows_no_secret():
    """Frames of the libraries below hold addresses; none is left."""

    class Broken(httpx.BaseTransport):
        def handle_request(self, request):
            message = f"cut off at {request.url}"
            raise httpx.ReadError(message, request=request)

    clock = Clock()
    wiring = Wiring(transport=Broken, sleep=clock.sleep, clock=clock)
    api = sf.Client("sk_made0up0key", base_url="https://api.example", wiring=wiring)
    flow = Flow(api._send, "facebook", token=lambda: NONCE)
    with pytest.raises(sf.NetworkError) as raised:
        flow.start(BACK)

    assert leaks(shown(raised.value)) == []


def test_an_interrupt_while_exchanging_shows_no_secret():
    """It goes on to whoever waits, and the flow is over."""

    def interrupted(call):
        if call.method == "POST":
            body = call.body
            raise KeyboardInterrupt(str(len(body)))
        return Reply(200, {}, json.dumps(STARTED).encode(), datetime.now(UTC))

    flow = Flow(interrupted, "facebook", token=lambda: NONCE)
    flow.start(BACK)
    with pytest.raises(KeyboardInterrupt) as raised:
        right(flow)

    frames = [dict(frame.f_locals) for frame, _ in traceback.walk_tb(raised.tb)][2:]
    assert leaks(repr(frames)) == []
    assert flow.state is State.FAILED
    assert urlsplit(BACK.redirect).path == flow.path
