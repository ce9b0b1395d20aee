"""Connecting on real sockets: the sandbox with each of its switches, a browser of plain httpx."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from browsers import Desk, answering, press, visit
from click.testing import CliRunner
from stand_ins import Clock

import socialframe as sf
from socialframe.cli.main import main
from socialframe.connect.connect import connect
from socialframe.connect.flow import Flow, State
from socialframe.connect.redirects import Loopback, Pasted, Proxied, way_of

pytestmark = pytest.mark.sockets

PLATFORMS = ("instagram", "facebook", "threads", "tiktok", "twitter")


@contextlib.contextmanager
def api_of(**switches):
    """Serve a sandbox and give a client of it."""
    box = sf.Sandbox(**switches)
    with box.serve() as url, sf.Client(box.key, base_url=url, tier="paid") as api:
        yield api


def free_port():
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_allow_connects_and_the_account_is_in_the_next_accounts(platform):
    """The link is shown, followed, and taken away; who it is is said."""
    with api_of() as api, Desk(answering()).leaving() as desk:
        before = set(api.accounts(platform).frame()["account_id"])
        account = api.connect(platform, console=desk.console)
        after = set(api.accounts(platform).frame()["account_id"])

    assert after - before == {account.account_id}
    assert account.platform == platform
    assert f"Connected: {account}" in desk.text
    assert desk.gone == 1
    (answers,) = desk.seen
    assert [one.status_code for one in answers] == [303, 200]
    assert "code" not in str(answers[-1].url)


@pytest.mark.parametrize("deny_state", [True, False])
def test_deny_is_one_sentence_and_connects_nobody(deny_state):
    """With state in the callback or without."""
    with (
        api_of(deny_state=deny_state) as api,
        Desk(answering("deny")).leaving() as desk,
        pytest.raises(sf.ConnectError, match="Nothing was connected") as raised,
    ):
        api.connect("tiktok", console=desk.console)

    assert raised.value.state == "denied"
    assert "Not connected" in desk.seen[0][-1].text
    assert desk.gone == 1


def test_a_service_that_does_not_echo_the_state_is_fine_on_the_secret_path():
    """The path is what nobody can guess."""
    with api_of(echo_state=False) as api, Desk(answering()).leaving() as desk:
        assert api.connect("twitter", console=desk.console).platform == "twitter"


def test_a_slow_exchange_is_waited_for():
    """The browser waits for the result meanwhile."""
    with api_of(exchange_seconds=0.5) as api, Desk(answering()).leaving() as desk:
        assert api.connect("tiktok", console=desk.console)
    assert "Connected" in desk.seen[0][-1].text


def test_an_exchange_that_fails_is_said_on_both_sides():
    """The code is spent: the next attempt is a new one."""
    with (
        api_of(exchange_fails=True) as api,
        Desk(answering()).leaving() as desk,
        pytest.raises(sf.ConnectError, match="good for once: connect again") as raised,
    ):
        api.connect("tiktok", console=desk.console)

    assert raised.value.status_code == 500
    assert isinstance(raised.value.__cause__, sf.ServerError)
    assert "Something went wrong" in desk.seen[0][-1].text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_one_registered_address_is_listened_at_and_the_state_holds_the_nonce(host):
    """A guessed state is refused there, and the flow goes on."""
    exact = f"http://{host}:{free_port()}/cb?app=1"

    def follow(link):
        there = press(link)
        forged = re.sub(r"state=own7%3Atiktok[^&]*", "state=own7%3Atiktok", there)
        assert forged != there
        return [*visit(forged), *visit(there)]

    with api_of(only_redirect=exact) as api, Desk(follow).leaving() as desk:
        assert api.connect("tiktok", redirect_url=exact, console=desk.console)
    assert [one.status_code for one in desk.seen[0]] == [400, 303, 200]


def test_a_registered_address_elsewhere_is_answered_by_paste():
    """Nobody can listen there."""
    exact = "https://shop.example/cb"
    desk = Desk(typed=[None, "https://shop.example/cb?code=x&state=own7%3Atiktok", press])
    with api_of(only_redirect=exact) as api:
        assert api.connect("tiktok", redirect_url=exact, console=desk.console)

    assert "does not carry what this attempt sent along" in desk.text


@pytest.mark.parametrize("callback", ["auto", "loopback", "paste"])
def test_a_refused_redirect_url_leads_to_the_registered_one_and_paste(callback):
    """With a sentence of the API's own; the flow is the same."""
    with api_of(only_redirect="https://shop.example/cb") as api:
        desk = Desk(typed=[press])
        account = api.connect("instagram", callback=callback, console=desk.console)

    assert account.platform == "instagram"
    assert "redirect_url must be exactly the URL that is registered" in desk.text
    assert "paste it here" in desk.text


def test_a_refused_address_of_ours_is_not_listened_at():
    """Nobody would come there."""
    way, alive = Loopback(), []

    def look(link):
        alive.append(way._receiver._thread.is_alive())
        return press(link)

    with api_of(only_redirect="https://shop.example/cb") as api:
        connect(api._send, "tiktok", way, Desk(typed=[look]).console)
    assert alive == [False]


def test_where_nobody_can_paste_a_refused_redirect_url_ends_the_attempt():
    """Not after five minutes."""
    with api_of(only_redirect="https://shop.example/cb") as api:
        with pytest.raises(sf.ConnectError, match="Nobody can paste"):
            api.connect("instagram", console=Desk(typed=None).console)
        with pytest.raises(sf.ConnectError, match="Nobody can paste"):
            api.connect("instagram", console=Desk(typed=[EOFError]).console)


def test_a_service_without_state_at_a_registered_address_cannot_be_believed():
    """It expires; what is pasted is refused with the reason."""
    clock = Clock()

    def late(_):
        clock.now += 301

    with api_of(only_redirect="https://shop.example/cb", echo_state=False) as api:
        desk = Desk(typed=[press, late])
        way = Pasted(redirect_url="https://shop.example/cb")
        with pytest.raises(sf.ConnectError, match="Nobody answered within 300 s"):
            connect(api._send, "tiktok", way, desk.console, clock=clock)

    assert "anybody could have made it" in desk.text


def test_what_is_pasted_counts_beside_the_receiver():
    """Another flow's address does not, nor does a code alone."""
    with api_of() as api:
        other = Flow(api._send, "tiktok")
        way = Loopback()
        other.start(way.open(other))
        desk = Desk(typed=["abc", lambda _: press(other.link), "", press])
        account = api.connect("tiktok", console=desk.console)
        way.close()

    assert account.platform == "tiktok"
    assert desk.text.count("belongs to something else") == 2
    assert "If the page after it does not load, paste" in desk.text
    assert other.state is State.WAITING


def test_paste_alone_listens_nowhere():
    """The address does not load; the person copies it."""
    sent = []

    def copy(link):
        sent.append(press(link))
        return sent[0]

    with api_of() as api:
        desk = Desk(typed=[copy])
        assert api.connect("threads", callback="paste", console=desk.console)

    place = urlsplit(sent[0])
    assert place.hostname == "127.0.0.1"
    with pytest.raises(httpx.ConnectError):
        visit(f"http://127.0.0.1:{place.port}/")


def test_a_console_that_blocks_is_read_only_where_no_browser_was_opened():
    """In a notebook a line is waited for: not while the answer comes by itself."""
    with api_of() as api, Desk(answering(), typed=["x"], blocks=True).leaving() as desk:
        assert api.connect("tiktok", console=desk.console)
        elsewhere = Desk(typed=[lambda link: visit(press(link)) and "\n"], blocks=True)
        assert api.connect("threads", console=elsewhere.console)

    assert desk.typed == ["x"]
    assert "callback='paste'" in desk.text
    assert elsewhere.typed == []


def test_through_a_proxy_the_redirect_url_has_its_prefix_and_the_result_too():
    """As jupyter-server-proxy does it: the prefix off the path, the browser's Host handed on."""
    base = "https://hub.example/user/ada/"

    def follow(link):
        there = urlsplit(press(link))
        prefix, port, path = re.match(r"(/user/ada/proxy/(\d+))(/.*)", there.path).groups()
        assert there.netloc == "hub.example"
        assert prefix.count("proxy") == 1
        inside = f"http://127.0.0.1:{port}"
        (reply,) = visit(f"{inside}{path}?{there.query}", Host="hub.example")
        place = reply.headers["refresh"].partition("url=")[2]
        result = urljoin(there.path, place)
        return prefix, result, visit(inside + result.removeprefix(prefix), Host="hub.example")

    with api_of() as api, Desk(follow).leaving() as desk:
        assert api.connect("tiktok", callback=base, console=desk.console)
        pasted = Desk(typed=[press])
        assert api.connect("threads", callback=base, console=pasted.console)
    prefix, result, answers = desk.seen[0]
    assert result == f"{prefix}/socialframe/result"
    assert "<h1>Connected</h1>" in answers[0].text


def test_a_hub_that_tells_its_address_is_gone_through(monkeypatch):
    """It is never guessed."""
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", "https://hub.example/user/ada/")
    addresses = []

    def copy(link):
        addresses.append(press(link))
        return addresses[0]

    with api_of() as api:
        assert api.connect("tiktok", console=Desk(typed=[copy]).console)
    assert addresses[0].startswith("https://hub.example/user/ada/proxy/")


CHOICES = [
    ({"choose": "fb_41011"}, [], "fb_41011"),
    ({"choose": lambda options: options[1]}, [], "fb_41011"),
    ({}, [None, "9", "nonsense", "2\n"], "fb_41011"),
    ({}, ["fb_40921"], "fb_40921"),
]


@pytest.mark.parametrize(("more", "typed", "chosen"), CHOICES)
def test_a_facebook_page_is_chosen_by_argument_by_function_or_by_who_is_asked(more, typed, chosen):
    """The browser says that there is one more step."""
    seen = []
    typed = [lambda link: seen.extend(visit(press(link, account=""))), *typed]
    with api_of(page_selection=True) as api:
        desk = Desk(typed=typed)
        account = api.connect("facebook", console=desk.console, **more)
        known = set(api.accounts("facebook").frame()["account_id"])

    assert account.account_id == chosen
    assert chosen in known
    assert "One more step" in seen[-1].text
    if not more:
        assert "  2  Šípková čajovna (fb_41011)" in desk.text


@pytest.mark.parametrize("typed", [None, [EOFError]])
def test_a_page_that_nobody_chooses_is_a_sentence_with_their_ids(typed):
    """And another id says which there are."""
    with api_of(page_selection=True) as api, Desk(answering(account="")).leaving() as desk:
        with pytest.raises(sf.ConnectError, match=r"as choose=…; there are: 'fb_40921' \(Lantern"):
            api.connect("facebook", console=desk.console)
        with pytest.raises(sf.ConnectError, match="'fb_9' is none of the Pages"):
            api.connect("facebook", choose="fb_9", console=desk.console)


def test_nobody_who_answers_is_an_error_when_the_time_is_over():
    """The link is taken away, the port is closed."""
    ticks = Clock()

    def impatient(_):
        ticks.now += 100

    desk, way = Desk(typed=[impatient] * 9), Loopback(clock=ticks)
    with api_of() as api, pytest.raises(sf.ConnectError, match="within 300 s") as raised:
        connect(api._send, "tiktok", way, desk.console, clock=ticks)

    assert raised.value.state == "expired"
    assert desk.gone == 1
    assert not way._receiver._thread.is_alive()


def test_an_interrupt_goes_through_and_leaves_nothing_open():
    """Ctrl-C while it waits."""

    def interrupt(_):
        raise KeyboardInterrupt

    desk, way = Desk(typed=[interrupt]), Loopback()
    with api_of() as api, pytest.raises(KeyboardInterrupt):
        connect(api._send, "tiktok", way, desk.console)

    assert desk.gone == 1
    assert not way._receiver._thread.is_alive()


def test_a_browser_that_does_not_start_is_none():
    """The link stands there."""

    def broken(_):
        raise OSError

    desk = Desk(typed=[press])
    console = type(desk.console)(say=desk.console.say, show=desk.show, opens=broken, read=desk.read)
    with api_of() as api:
        assert api.connect("tiktok", console=console)


def test_a_platform_is_the_apis_to_judge_and_its_message_counts():
    """Also where our address was refused first."""
    with api_of() as api, pytest.raises(sf.ValidationError, match="platform must be one of"):
        api.connect("gopher", console=Desk().console)
    with pytest.raises(sf.NetworkError):
        sf.Client("sk_made0up0key", base_url="http://127.0.0.1:9", max_wait=0).connect("tiktok")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"callback": "nonsense"}, "callback takes 'auto'"),
        ({"callback": "http://hub.example/"}, "callback takes"),
        ({"callback": "https://hub.example/?a=1"}, "callback takes"),
        ({"callback": "https://[hub/"}, "callback takes"),
        ({"callback": None}, "callback takes"),
        ({"port": 65536}, "port takes a whole number"),
        ({"port": True}, "port takes a whole number"),
        ({"timeout": 0}, "timeout takes a number of seconds"),
        ({"timeout": "5"}, "timeout takes a number of seconds"),
        ({"redirect_url": "nonsense"}, "redirect_url takes the address"),
        ({"redirect_url": "https://a.example/#x"}, "redirect_url takes the address"),
        ({"redirect_url": "http://a.example/"}, "redirect_url takes the address"),
        ({"redirect_url": "https://a.example/", "port": 5}, "redirect_url says it all"),
        ({"redirect_url": "https://a.example/", "callback": "https://b.example"}, "says it all"),
        ({"redirect_url": "https://a.example/", "callback": "loopback"}, "Nobody can listen at"),
    ],
)
def test_arguments_that_cannot_be_meant_are_one_sentence(arguments, words):
    """Before anything is sent."""
    with pytest.raises(sf.ArgumentError, match=words):
        sf.Client.sandbox().connect("tiktok", **arguments)


def test_ways_show_no_secret():
    """And say what they are."""
    flow, way = Flow(print, "tiktok"), Proxied("https://hub.example/")
    callback = way.open(flow)
    shown = repr([way, way_of("paste"), callback])
    way.close()

    assert flow.path.rpartition("/")[2] not in shown


def test_disconnecting_takes_the_account_out_of_the_next_accounts():
    """Twice is an error of the API's own; its posts stay."""
    with api_of(delete_status=204) as api:
        assert "tt_40311" in set(api.accounts().frame()["account_id"]), "and now in the cache"
        api.disconnect("tiktok", "tt_40311")
        assert "tt_40311" not in set(api.accounts().frame()["account_id"])
        with pytest.raises(sf.NotFoundError, match="DELETE /v1/accounts/tiktok/tt_40311: 404"):
            api.disconnect("tiktok", "tt_40311")
        with pytest.raises(sf.ArgumentError, match="account_id takes a text"):
            api.disconnect("tiktok", "a/../b")


def test_the_commands_say_what_they_did_on_standard_error(monkeypatch):
    """And end with the codes of the other commands."""
    box = sf.Sandbox()
    with box.serve() as url:
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
        monkeypatch.setenv("SOCIALAPI_KEY", box.key)
        gone = CliRunner().invoke(main, ["disconnect", "tiktok", "tt_40311"])
        refused = CliRunner().invoke(main, ["connect", "gopher"])
        unpasted = CliRunner().invoke(main, ["connect", "tiktok", "--paste"], input="")

    assert (gone.exit_code, gone.stdout) == (0, "")
    assert gone.stderr == "Disconnected: tiktok, tt_40311.\n"
    assert (refused.exit_code, unpasted.exit_code) == (5, 5)
    assert "platform must be one of" in refused.stderr
    assert "Nobody can paste the address here" in unpasted.stderr


def shell(url, key, *words, browser=""):
    """Start the command with a browser that is a script."""
    environ = {
        **os.environ,
        "SOCIALAPI_BASE_URL": url,
        "SOCIALAPI_KEY": key,
        "BROWSER": browser,
        "PYTHONPATH": os.path.dirname(__file__) + "/..",  # noqa: PTH120
    }
    return subprocess.Popen(
        [sys.executable, "-m", "socialframe", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
        bufsize=1,
    )


def link_of(process):
    """Read standard error up to the link."""
    for line in process.stderr:
        if line.startswith("  http"):
            return line.strip()
    return None


@pytest.mark.processes
def test_from_a_shell_a_browser_is_opened_and_the_account_comes_out():
    """On standard output the account alone; then it is disconnected."""
    box = sf.Sandbox()
    code = "import sys, browsers; browsers.visit(browsers.press(sys.argv[1]))"
    browser = f"{sys.executable} -c '{code}' %s &"
    with box.serve() as url:
        done = shell(url, box.key, "connect", "instagram", browser=browser)
        out, errors = done.communicate(timeout=60)
        gone = shell(url, box.key, "disconnect", *out.split()[:2])
        told = gone.communicate(timeout=60)
        twice = shell(url, box.key, "disconnect", *out.split()[:2])
        refused = twice.communicate(timeout=60)

    assert (done.returncode, out) == (0, "instagram ig_40918 lantern.and.loom\n"), errors
    assert (gone.returncode, told[0]) == (0, "")
    assert told[1] == "Disconnected: instagram, ig_40918.\n"
    assert twice.returncode == 5
    assert "404 Account not found" in refused[1]


@pytest.mark.processes
@pytest.mark.parametrize(("decision", "code"), [("allow", 0), ("deny", 5)])
def test_from_a_shell_an_address_is_pasted(decision, code):
    """Through standard input, whatever that is."""
    box = sf.Sandbox()
    with box.serve() as url:
        process = shell(url, box.key, "connect", "tiktok", "--paste")
        address = press(link_of(process), decision)
        out, errors = process.communicate(f"nonsense\n{address}\n", timeout=60)

    assert process.returncode == code, errors
    assert out == ("tiktok tt_40946 lanternandloom\n" if code == 0 else "")
    assert "belongs to something else" in errors
    assert "Traceback" not in errors


@pytest.mark.processes
@pytest.mark.parametrize("words", [[], ["--paste"]])
def test_ctrl_c_ends_the_waiting_at_once(words):
    """No traceback, nothing listens."""
    box = sf.Sandbox()
    with box.serve() as url:
        process = shell(url, box.key, "connect", "tiktok", *words)
        assert link_of(process)
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=20)

    assert (process.returncode, out) == (1, "")
    assert errors.strip() == "Aborted!"


@pytest.mark.processes
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["gopher"], 5, "platform must be one of"),
        (["tiktok", "--timeout", "0.2"], 5, "Nobody answered within 0.2 s"),
        (["tiktok", "--timeout", "0"], 2, "timeout takes a number of seconds"),
        (["tiktok", "--redirect-url", "x"], 2, "redirect_url takes the address"),
    ],
)
def test_what_goes_wrong_in_a_shell_is_a_sentence_and_an_exit_code(words, code, said):
    """As for the other commands."""
    box = sf.Sandbox()
    with box.serve() as url:
        process = shell(url, box.key, "connect", *words)
        out, errors = process.communicate(timeout=60)

    assert (process.returncode, out) == (code, ""), errors
    assert said in errors
