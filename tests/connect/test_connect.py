"""Connecting over real sockets, with the sandbox's switches and httpx as the browser."""

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
from browsers import ConsoleUser, follow_link, press, visit
from click.testing import CliRunner
from stand_ins import Clock

import socialframe as sf
from socialframe.cli.main import main
from socialframe.connect.connect import connect
from socialframe.connect.flow import Flow, State
from socialframe.connect.redirects import (
    LoopbackRedirect,
    PastedRedirect,
    ProxyRedirect,
    choose_redirect,
)

pytestmark = pytest.mark.sockets

PLATFORMS = ("instagram", "facebook", "threads", "tiktok", "twitter")


@contextlib.contextmanager
def api_of(**switches):
    """Serve a sandbox; yield a client for it."""
    box = sf.Sandbox(**switches)
    with box.serve() as url, sf.Client(box.key, base_url=url, tier="paid") as api:
        yield api


def free_port():
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_allow_connects_and_accounts_lists_the_new_account(platform):
    """The link is shown, opened and removed; the account is printed."""
    with api_of() as api, ConsoleUser(follow_link()).finishing() as user:
        before = set(api.accounts(platform).frame()["account_id"])
        account = api.connect(platform, console=user.console)
        after = set(api.accounts(platform).frame()["account_id"])

    assert after - before == {account.account_id}
    assert account.platform == platform
    assert f"Connected: {account}" in user.text
    assert user.links_removed == 1
    (answers,) = user.seen
    assert [one.status_code for one in answers] == [303, 200]
    assert "code" not in str(answers[-1].url)


@pytest.mark.parametrize("deny_state", [True, False])
def test_deny_raises_connect_error(deny_state):
    """Whether the callback carries the state or not."""
    with (
        api_of(deny_state=deny_state) as api,
        ConsoleUser(follow_link("deny")).finishing() as user,
        pytest.raises(sf.ConnectError, match="No account was connected") as raised,
    ):
        api.connect("tiktok", console=user.console)

    assert raised.value.state == "denied"
    assert "Not connected" in user.seen[0][-1].text
    assert user.links_removed == 1


def test_missing_state_is_accepted_on_the_secret_path():
    """The path holds the nonce, so the state is not needed."""
    with api_of(echo_state=False) as api, ConsoleUser(follow_link()).finishing() as user:
        assert api.connect("twitter", console=user.console).platform == "twitter"


def test_slow_exchange_still_shows_the_result_page():
    """The browser waits for the result."""
    with api_of(exchange_seconds=0.5) as api, ConsoleUser(follow_link()).finishing() as user:
        assert api.connect("tiktok", console=user.console)
    assert "Connected" in user.seen[0][-1].text


def test_failed_exchange_is_reported_in_error_and_browser():
    """The error says to connect again, because a code works only once."""
    with (
        api_of(exchange_fails=True) as api,
        ConsoleUser(follow_link()).finishing() as user,
        pytest.raises(sf.ConnectError, match="works only once: connect again") as raised,
    ):
        api.connect("tiktok", console=user.console)

    assert raised.value.status_code == 500
    assert isinstance(raised.value.__cause__, sf.ServerError)
    assert "The connection failed" in user.seen[0][-1].text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_registered_loopback_url_is_protected_by_the_nonce_in_the_state(host):
    """A callback with the guessable state is rejected, and the flow stays open."""
    exact = f"http://{host}:{free_port()}/cb?app=1"

    def follow(link):
        there = press(link)
        forged = re.sub(r"state=own7%3Atiktok[^&]*", "state=own7%3Atiktok", there)
        assert forged != there
        return [*visit(forged), *visit(there)]

    with api_of(only_redirect=exact) as api, ConsoleUser(follow).finishing() as user:
        assert api.connect("tiktok", redirect_url=exact, console=user.console)
    assert [one.status_code for one in user.seen[0]] == [400, 303, 200]


def test_registered_url_on_another_host_is_pasted():
    """No receiver can listen there. A pasted URL with the guessable state is refused."""
    exact = "https://shop.example/cb"
    user = ConsoleUser(typed=[None, "https://shop.example/cb?code=x&state=own7%3Atiktok", press])
    with api_of(only_redirect=exact) as api:
        assert api.connect("tiktok", redirect_url=exact, console=user.console)

    assert "does not carry the state of this attempt" in user.text


@pytest.mark.parametrize("callback", ["auto", "loopback", "paste"])
def test_refused_redirect_url_falls_back_to_the_registered_one(callback):
    """The console shows the API's message and asks for the pasted URL."""
    with api_of(only_redirect="https://shop.example/cb") as api:
        user = ConsoleUser(typed=[press])
        account = api.connect("instagram", callback=callback, console=user.console)

    assert account.platform == "instagram"
    assert "redirect_url must be exactly the URL that is registered" in user.text
    assert "paste it here" in user.text


def test_receiver_is_closed_when_the_api_refuses_its_url():
    """No callback can arrive there."""
    redirect, alive = LoopbackRedirect(), []

    def check_thread(link):
        alive.append(redirect._receiver._thread.is_alive())
        return press(link)

    with api_of(only_redirect="https://shop.example/cb") as api:
        connect(api._send, "tiktok", redirect, ConsoleUser(typed=[check_thread]).console)
    assert alive == [False]


def test_refused_redirect_url_without_input_ends_the_attempt():
    """At once, not after the timeout."""
    with api_of(only_redirect="https://shop.example/cb") as api:
        with pytest.raises(sf.ConnectError, match="no input to read it from"):
            api.connect("instagram", console=ConsoleUser(typed=None).console)
        with pytest.raises(sf.ConnectError, match="no input to read it from"):
            api.connect("instagram", console=ConsoleUser(typed=[EOFError]).console)


def test_missing_state_on_a_registered_url_is_refused():
    """The pasted URL is refused with the reason, and the flow expires."""
    clock = Clock()

    def late(_):
        clock.now += 301

    with api_of(only_redirect="https://shop.example/cb", echo_state=False) as api:
        user = ConsoleUser(typed=[press, late])
        redirect = PastedRedirect(redirect_url="https://shop.example/cb")
        with pytest.raises(sf.ConnectError, match="Timed out after 300 s"):
            connect(api._send, "tiktok", redirect, user.console, clock=clock)

    assert "it may be forged" in user.text


def test_pasted_url_is_accepted_while_the_receiver_listens():
    """A bare code and the URL of another flow are refused."""
    with api_of() as api:
        other = Flow(api._send, "tiktok")
        redirect = LoopbackRedirect()
        other.start(redirect.open(other))
        user = ConsoleUser(typed=["abc", lambda _: press(other.link), "", press])
        account = api.connect("tiktok", console=user.console)
        redirect.close()

    assert account.platform == "tiktok"
    assert user.text.count("is not the callback of this attempt") == 2
    assert "If the page after that does not load, paste" in user.text
    assert other.state is State.WAITING


def test_callback_paste_does_not_listen():
    """The redirect URL does not load; the user copies it."""
    sent = []

    def copy(link):
        sent.append(press(link))
        return sent[0]

    with api_of() as api:
        user = ConsoleUser(typed=[copy])
        assert api.connect("threads", callback="paste", console=user.console)

    place = urlsplit(sent[0])
    assert place.hostname == "127.0.0.1"
    with pytest.raises(httpx.ConnectError):
        visit(f"http://127.0.0.1:{place.port}/")


def test_blocking_console_is_read_only_without_a_browser():
    """A blocking read would delay a callback that arrives by itself."""
    with api_of() as api, ConsoleUser(follow_link(), typed=["x"], blocks=True).finishing() as user:
        assert api.connect("tiktok", console=user.console)
        elsewhere = ConsoleUser(typed=[lambda link: visit(press(link)) and "\n"], blocks=True)
        assert api.connect("threads", console=elsewhere.console)

    assert user.typed == ["x"]
    assert "callback='paste'" in user.text
    assert elsewhere.typed == []


def test_proxy_prefix_is_in_redirect_url_and_result_url():
    """Like jupyter-server-proxy, the test strips the prefix and forwards the browser's Host."""
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

    with api_of() as api, ConsoleUser(follow).finishing() as user:
        assert api.connect("tiktok", callback=base, console=user.console)
        pasted = ConsoleUser(typed=[press])
        assert api.connect("threads", callback=base, console=pasted.console)
    prefix, result, answers = user.seen[0]
    assert result == f"{prefix}/socialframe/result"
    assert "<h1>Connected</h1>" in answers[0].text


def test_hub_url_from_the_environment_is_used(monkeypatch):
    """JUPYTERHUB_PUBLIC_URL is the base of the redirect URL."""
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", "https://hub.example/user/ada/")
    addresses = []

    def copy(link):
        addresses.append(press(link))
        return addresses[0]

    with api_of() as api:
        assert api.connect("tiktok", console=ConsoleUser(typed=[copy]).console)
    assert addresses[0].startswith("https://hub.example/user/ada/proxy/")


CHOICES = [
    ({"choose": "fb_41011"}, [], "fb_41011"),
    ({"choose": lambda options: options[1]}, [], "fb_41011"),
    ({}, [None, "9", "nonsense", "2\n"], "fb_41011"),
    ({}, ["fb_40921"], "fb_40921"),
]


@pytest.mark.parametrize(("more", "typed", "chosen"), CHOICES)
def test_page_is_chosen_by_id_function_or_input(more, typed, chosen):
    """The browser shows that one more step follows."""
    seen = []
    typed = [lambda link: seen.extend(visit(press(link, account=""))), *typed]
    with api_of(page_selection=True) as api:
        user = ConsoleUser(typed=typed)
        account = api.connect("facebook", console=user.console, **more)
        known = set(api.accounts("facebook").frame()["account_id"])

    assert account.account_id == chosen
    assert chosen in known
    assert "One more step" in seen[-1].text
    if not more:
        assert "  2  Šípková čajovna (fb_41011)" in user.text


@pytest.mark.parametrize("typed", [None, [EOFError]])
def test_missing_or_unknown_page_choice_lists_the_ids(typed):
    """Without input, and with an unknown id."""
    with (
        api_of(page_selection=True) as api,
        ConsoleUser(follow_link(account="")).finishing() as user,
    ):
        with pytest.raises(sf.ConnectError, match=r"choose=…, one of: 'fb_40921' \(Lantern"):
            api.connect("facebook", console=user.console)
        with pytest.raises(sf.ConnectError, match="There is no Page 'fb_9'"):
            api.connect("facebook", choose="fb_9", console=user.console)


def test_timeout_raises_and_closes_the_port():
    """The link is removed."""
    ticks = Clock()

    def impatient(_):
        ticks.now += 100

    user, redirect = ConsoleUser(typed=[impatient] * 9), LoopbackRedirect(clock=ticks)
    with api_of() as api, pytest.raises(sf.ConnectError, match="Timed out after 300 s") as raised:
        connect(api._send, "tiktok", redirect, user.console, clock=ticks)

    assert raised.value.state == "expired"
    assert user.links_removed == 1
    assert not redirect._receiver._thread.is_alive()


def test_keyboard_interrupt_closes_everything():
    """The link is removed and the receiver closed."""

    def interrupt(_):
        raise KeyboardInterrupt

    user, redirect = ConsoleUser(typed=[interrupt]), LoopbackRedirect()
    with api_of() as api, pytest.raises(KeyboardInterrupt):
        connect(api._send, "tiktok", redirect, user.console)

    assert user.links_removed == 1
    assert not redirect._receiver._thread.is_alive()


def test_browser_that_fails_to_start_is_ignored():
    """The link is shown and can be opened by hand."""

    def broken(_):
        raise OSError

    user = ConsoleUser(typed=[press])
    console = type(user.console)(
        say=user.console.say, show=user.show, open_browser=broken, read=user.read
    )
    with api_of() as api:
        assert api.connect("tiktok", console=console)


def test_unknown_platform_raises_the_error_of_the_api():
    """Connection errors are raised as well."""
    with api_of() as api, pytest.raises(sf.ValidationError, match="platform must be one of"):
        api.connect("gopher", console=ConsoleUser().console)
    with pytest.raises(sf.NetworkError):
        sf.Client("sk_made0up0key", base_url="http://127.0.0.1:9", max_wait=0).connect("tiktok")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"callback": "nonsense"}, "callback must be 'auto'"),
        ({"callback": "http://hub.example/"}, "callback must be"),
        ({"callback": "https://hub.example/?a=1"}, "callback must be"),
        ({"callback": "https://[hub/"}, "callback must be"),
        ({"callback": None}, "callback must be"),
        ({"port": 65536}, "port must be an integer"),
        ({"port": True}, "port must be an integer"),
        ({"timeout": 0}, "timeout must be a positive number"),
        ({"timeout": "5"}, "timeout must be a positive number"),
        ({"redirect_url": "nonsense"}, "redirect_url must be the URL"),
        ({"redirect_url": "https://a.example/#x"}, "redirect_url must be the URL"),
        ({"redirect_url": "http://a.example/"}, "redirect_url must be the URL"),
        ({"redirect_url": "https://a.example/", "port": 5}, "Pass redirect_url alone"),
        (
            {"redirect_url": "https://a.example/", "callback": "https://b.example"},
            "Pass redirect_url alone",
        ),
        ({"redirect_url": "https://a.example/", "callback": "loopback"}, "cannot listen at"),
    ],
)
def test_invalid_arguments_are_rejected(arguments, words):
    """Before any request is sent."""
    with pytest.raises(sf.ArgumentError, match=words):
        sf.Client.sandbox().connect("tiktok", **arguments)


def test_reprs_of_redirects_show_no_secret():
    """Nor does the repr of a callback."""
    flow, redirect = Flow(print, "tiktok"), ProxyRedirect("https://hub.example/")
    callback = redirect.open(flow)
    shown = repr([redirect, choose_redirect("paste"), callback])
    redirect.close()

    assert flow.path.rpartition("/")[2] not in shown


def test_disconnect_removes_the_account_from_the_next_accounts():
    """A second disconnect raises the API's 404."""
    with api_of(delete_status=204) as api:
        assert "tt_40311" in set(api.accounts().frame()["account_id"]), "this also fills the cache"
        api.disconnect("tiktok", "tt_40311")
        assert "tt_40311" not in set(api.accounts().frame()["account_id"])
        with pytest.raises(sf.NotFoundError, match="DELETE /v1/accounts/tiktok/tt_40311: 404"):
            api.disconnect("tiktok", "tt_40311")
        with pytest.raises(sf.ArgumentError, match="account_id must be a string"):
            api.disconnect("tiktok", "a/../b")


def test_commands_report_on_standard_error(monkeypatch):
    """Their exit codes are those of the other commands."""
    box = sf.Sandbox()
    with box.serve() as url:
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
        monkeypatch.setenv("SOCIALAPI_KEY", box.key)
        gone = CliRunner().invoke(main, ["disconnect", "tiktok", "tt_40311"])
        refused = CliRunner().invoke(main, ["connect", "gopher"])
        unpasted = CliRunner().invoke(main, ["connect", "tiktok", "--paste"], input="")

    assert (gone.exit_code, gone.stdout) == (0, "")
    assert gone.stderr == "Disconnected: tiktok, tt_40311.\n"
    assert (refused.exit_code, unpasted.exit_code) == (8, 5)
    assert "platform must be one of" in refused.stderr
    assert "no input to read it from" in unpasted.stderr


def shell(url, key, *words, browser=""):
    """Start the command, with a script as the browser."""
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


def run(url, key, *words):
    """Run the command in this process."""
    return CliRunner(env={"SOCIALAPI_BASE_URL": url, "SOCIALAPI_KEY": key}).invoke(main, words)


def link_of(process):
    """Read standard error until the link."""
    for line in process.stderr:
        if line.startswith("  http"):
            return line.strip()
    return None


@pytest.mark.processes
def test_connect_command_opens_a_browser_and_prints_the_account():
    """Standard output holds the account alone, which disconnect then takes."""
    box = sf.Sandbox()
    code = "import sys, browsers; browsers.visit(browsers.press(sys.argv[1]))"
    browser = f"{sys.executable} -c '{code}' %s &"
    with box.serve() as url:
        done = shell(url, box.key, "connect", "instagram", browser=browser)
        out, errors = done.communicate(timeout=60)
        gone, twice = (run(url, box.key, "disconnect", *out.split()[:2]) for _ in range(2))

    assert (done.returncode, out) == (0, "instagram ig_40918 lantern.and.loom\n"), errors
    assert (gone.exit_code, gone.stdout) == (0, "")
    assert gone.stderr == "Disconnected: instagram, ig_40918.\n"
    assert twice.exit_code == 7
    assert "404 Account not found" in twice.stderr


@pytest.mark.processes
@pytest.mark.parametrize(("decision", "code"), [("allow", 0), ("deny", 5)])
def test_connect_command_reads_a_pasted_url(decision, code):
    """From standard input, which is a pipe here."""
    box = sf.Sandbox()
    with box.serve() as url:
        process = shell(url, box.key, "connect", "tiktok", "--paste")
        address = press(link_of(process), decision)
        out, errors = process.communicate(f"nonsense\n{address}\n", timeout=60)

    assert process.returncode == code, errors
    assert out == ("tiktok tt_40946 lanternandloom\n" if code == 0 else "")
    assert "is not the callback of this attempt" in errors
    assert "Traceback" not in errors


@pytest.mark.processes
@pytest.mark.parametrize("words", [[], ["--paste"]])
def test_ctrl_c_aborts_the_command(words):
    """Without a traceback."""
    box = sf.Sandbox()
    with box.serve() as url:
        process = shell(url, box.key, "connect", "tiktok", *words)
        assert link_of(process)
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=20)

    assert (process.returncode, out) == (130, "")
    assert errors.strip() == "Interrupted."


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["gopher"], 8, "platform must be one of"),
        (["tiktok", "--timeout", "0.2"], 5, "Timed out after 0.2 s"),
        (["tiktok", "--timeout", "0"], 2, "timeout must be a positive number"),
        (["tiktok", "--redirect-url", "x"], 2, "redirect_url must be the URL"),
    ],
)
def test_command_failures_print_one_sentence(words, code, said):
    """The exit code tells the kind of failure."""
    box = sf.Sandbox()
    with box.serve() as url:
        done = run(url, box.key, "connect", *words)

    assert (done.exit_code, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr
