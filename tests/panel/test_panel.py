"""The panel without a browser: its widgets, pressed by the test, over the sandbox."""

import gc
import json
import re
import sys
import threading
import time
import weakref
from html import unescape

import pandas as pd
import pytest
from browsers import press, visit
from ipywidgets import Widget
from stand_ins import KEY

import socialframe as sf
from socialframe.panel.wording import Status
from socialframe.sandbox import Fault

pytestmark = pytest.mark.sockets


@pytest.fixture
def panel_of():
    """Make panels that are settled, and close them in the end."""
    made = []

    def panel_of(api=None, **options):
        panel = sf.Panel(api or sf.Client.sandbox(), **options)
        made.append(panel)
        assert panel.wait()
        return panel

    yield panel_of
    for panel in made:
        panel.close()
        assert panel.wait(10)
    Widget.close_all()


def until(condition, seconds=20.0):
    """Wait for what a thread brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        threading.Event().wait(0.01)


def said(part):
    """Return what a part's status line says."""
    return part.status.value


def state():
    """Return what is saved with a notebook: the state of every widget."""
    return json.dumps(Widget.get_manager_state(), default=str)


class Tab:
    """The tab that a door opens: hears the address in place of a browser."""

    def __init__(self, panel):
        self.links, self.shut = [], 0
        door = panel._accounts.connect_door
        self.press = door.press
        door.go, door.shut = self.links.append, self._shut

    def _shut(self):
        self.shut += 1

    def opened(self):
        self.press()
        until(lambda: self.links)
        return self.links[-1]


def test_without_a_key_it_offers_the_sandbox():
    """And says how to give a key; nothing is sent, and nothing loaded."""
    panel = sf.Panel()

    assert (panel.api, panel.df, panel.query, panel.accounts) == (None, None, None, None)
    assert repr(panel) == "<Panel without a key>"
    assert "There is no API key" in panel._no_key.value
    with pytest.raises(sf.ArgumentError, match="no key yet"):
        panel.client  # noqa: B018 - the access is the test

    offer = panel.widget.children[-1].children[-1].children[0]
    offer.click()
    assert panel.wait()
    assert panel.made_up
    assert "made-up people" in panel._head.value
    assert len(panel.accounts) == 17


def test_a_key_that_came_meanwhile_is_found(monkeypatch):
    """By the button beside it; and the panel never shows it."""
    panel = sf.Panel()
    with sf.Sandbox(key=KEY).serve() as url:
        monkeypatch.setenv("SOCIALAPI_KEY", KEY)
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
        panel.find_key()
        assert panel.wait()
        panel.client.close()

    assert not panel.made_up
    assert len(panel.accounts) == 17
    assert url in panel._head.value
    assert KEY not in state()
    assert KEY not in repr(panel) + panel._repr_html_() + str(vars(panel))


def test_what_is_no_client_is_refused():
    """With what it takes."""
    with pytest.raises(sf.ArgumentError, match=r"sf\.Panel\(sf\.Client\(\)\)"):
        sf.Panel("sk_made0up")


def test_accounts_show_health_as_a_word_and_offer_to_connect_again(panel_of):
    """Those that need it come first."""
    panel = panel_of()

    lines = [row.children for row in panel._accounts.listed.children]
    assert len(lines) == 17
    assert ["▲ warning" in line[0].value for line in lines[:4]] == [True, True, True, False]
    assert [len(line) for line in lines[:4]] == [4, 4, 4, 3]
    assert "17 accounts connected" in panel._accounts.title.value


def test_accounts_without_health_are_shown_all_the_same(panel_of):
    """And it is said that it was not told."""
    box = sf.Sandbox(faults=[Fault("html", path="/v1/accounts/health")])
    panel = panel_of(sf.Client.sandbox(box))

    assert len(panel.accounts) == 17
    assert "not told" in said(panel._accounts)
    assert "○ not told" in panel._accounts.listed.children[0].children[0].value


def test_an_api_that_refuses_is_told_in_its_words(panel_of):
    """And the panel lives on."""
    box = sf.Sandbox(faults=[Fault("html")])
    panel = panel_of(sf.Client.sandbox(box))
    assert "sf-bad" in said(panel._accounts)

    box.faults = ()
    panel._accounts.refresh_button.click()
    assert panel.wait()
    assert len(panel.accounts) == 17


def test_allow_connects_and_shows_who(panel_of):
    """The tab is sent to the consent page; afterwards the accounts are asked for anew."""
    panel = panel_of()
    tab = Tab(panel)
    before = set(panel.accounts["account_id"])

    link = tab.opened()
    assert panel._accounts.waiting.layout.display is None
    answers = visit(press(link))
    assert panel.wait()

    (new,) = set(panel.accounts["account_id"]) - before
    assert answers[-1].status_code == 200
    assert "Connected:" in said(panel._accounts)
    assert new in said(panel._accounts)
    assert "18 accounts connected" in panel._accounts.title.value
    assert panel._accounts.waiting.layout.display == "none"
    assert tab.shut


def test_deny_is_told_and_connects_nobody(panel_of):
    """The next attempt is possible at once."""
    panel = panel_of()
    tab = Tab(panel)

    visit(press(tab.opened(), "deny"))
    assert panel.wait()

    assert "Nothing was connected" in said(panel._accounts)
    assert "sf-warn" in said(panel._accounts)
    assert len(panel.accounts) == 17
    assert not panel._accounts.connect_door.button.disabled


def test_a_pasted_address_connects_and_does_not_stay(panel_of):
    """What was pasted is out of the widget before anything is done with it."""
    panel = panel_of(callback="paste")
    tab = Tab(panel)
    address = press(tab.opened())

    panel._accounts.pasted.value = "http://127.0.0.1:9/of/somebody/else?code=other"
    until(lambda: "something else" in said(panel._accounts))
    assert panel._accounts.pasted.value == ""
    panel._accounts.pasted.value = address
    assert panel._accounts.pasted.value == ""
    assert panel.wait()

    assert "Connected:" in said(panel._accounts)


def test_a_refused_redirect_url_is_told_beside_what_to_do_now(panel_of):
    """Both can be read while it waits: what the API said, and where to paste."""
    box = sf.Sandbox(only_redirect="https://shop.example/cb")
    panel = panel_of(sf.Client.sandbox(box))
    address = press(Tab(panel).opened())
    until(lambda: "Waiting for you" in said(panel._accounts))

    assert "redirect_url must be exactly the URL that is registered" in said(panel._accounts)
    assert "paste its whole address here" in said(panel._accounts)
    panel._accounts.pasted.value = address
    assert panel.wait()
    assert "Connected:" in said(panel._accounts)


def test_nothing_secret_is_in_the_state_of_a_widget(panel_of):
    """Neither key, code, state, nonce nor the link, at any moment of a flow."""
    box = sf.Sandbox(key=KEY)
    panel = panel_of(sf.Client.sandbox(box), callback="paste")
    tab = Tab(panel)
    moments = [state()]

    link = tab.opened()
    moments.append(state())
    address = press(link)
    panel._accounts.pasted.value = address
    moments.append(state())
    assert panel.wait()
    moments += [state(), panel._repr_html_(), repr(panel), str(vars(panel))]

    request = link.partition("request=")[2].partition("&")[0]
    code = address.partition("code=")[2].partition("&")[0]
    nonce = address.partition("/callback/")[2].partition("?")[0]
    assert "sf-account" in moments[0]
    for secret in (KEY, request, code, nonce, "own7:instagram", "own7%3Ainstagram", link):
        assert len(secret) > 8
        assert not [moment for moment in moments if secret in moment]


@pytest.fixture
def _plain(monkeypatch):
    """Nobody installed anywidget."""
    from socialframe.panel import browser_button as door

    monkeypatch.setitem(sys.modules, "anywidget", None)
    door._made.cache_clear()
    yield
    door._made.cache_clear()


@pytest.mark.usefixtures("_plain")
def test_without_anywidget_a_plain_link_is_there_while_it_waits(panel_of):
    """It leads to the same page, and is taken away when the attempt is over."""
    panel = panel_of()
    door = panel._accounts.connect_door
    door.button.click()
    until(lambda: "href" in door._link.value)
    link = re.search('href="([^"]+)" target="_blank" rel="noopener', door._link.value)[1]
    visit(press(unescape(link)))
    assert panel.wait()

    assert "Connected:" in said(panel._accounts)
    assert door._link.value == ""
    assert not panel._export.copy.copies


def test_cancel_ends_the_attempt(panel_of):
    """So does a new panel: a cell that runs again leaves no listener behind."""
    first = panel_of()
    tab = Tab(first)
    tab.opened()
    first._accounts.cancel_button.click()
    assert first.wait()
    assert "cancelled" in said(first._accounts)

    Tab(first).opened()
    panel_of()
    assert first.wait()
    assert "cancelled" in said(first._accounts)
    names = [one.name for one in threading.enumerate()]
    assert not [name for name in names if name.startswith("socialframe callback")]


def test_nobody_answers_in_time(panel_of):
    """It is told, and nothing was connected."""
    panel = panel_of(timeout=0.3)
    Tab(panel).opened()
    assert panel.wait()

    assert "Nobody answered within 0.3 s" in said(panel._accounts)


def test_a_platform_that_the_api_refuses_is_told_in_its_words(panel_of):
    """No platform is refused by the panel."""
    panel = panel_of()
    accounts = panel._accounts
    accounts.platform.options = [*accounts.platform.options, "gopher"]
    accounts.platform.value = "gopher"
    tab = Tab(panel)
    tab.press()
    assert panel.wait()

    assert "platform must be one of" in said(accounts)
    assert tab.shut


def test_a_second_connect_waits_for_the_first(panel_of):
    """Its tab is closed, and the first goes on."""
    panel = panel_of()
    tab = Tab(panel)
    link = tab.opened()

    tab.press()

    assert "at work" in said(panel._accounts)
    assert (len(tab.links), tab.shut) == (1, 1)
    visit(press(link))
    assert panel.wait()
    assert "Connected:" in said(panel._accounts)


def test_a_page_is_chosen_where_there_are_several(panel_of):
    """Facebook asks which one is meant."""
    panel = panel_of(sf.Client.sandbox(sf.Sandbox(page_selection=True)))
    accounts = panel._accounts
    accounts.platform.value = "facebook"
    visit(press(Tab(panel).opened()))
    until(lambda: accounts.page.layout.display is None)

    accounts.page.index = len(accounts.page.options) - 1
    chosen = accounts.page.label
    accounts.choose_button.click()
    assert panel.wait()

    assert f"Connected: {chosen}" in said(accounts)


def test_disconnect_asks_once(panel_of):
    """Keep takes it back; the second press does it."""
    panel = panel_of()
    *_, leave, keep = panel._accounts.listed.children[0].children
    leave.click()
    assert leave.description == "Really disconnect?"
    keep.click()
    assert leave.description == "Disconnect"
    assert len(panel.accounts) == 17

    leave.click()
    leave.click()
    assert panel.wait()

    assert len(panel.accounts) == 16
    assert "Disconnected: @botonperdido (twitter)" in said(panel._accounts)


def test_load_brings_the_rows_that_the_form_asks_for(panel_of):
    """What it costs is told before; the filters are those of the endpoint."""
    panel = panel_of()
    load = panel._load
    load.rows.value = "250"
    assert "At most 3 calls" in load.cost.value
    load.platform.value = "tiktok"
    load.load_button.click()
    assert panel.wait()

    want = panel.api.posts(platform="tiktok").limit(250).frame()
    pd.testing.assert_frame_equal(panel.df, want)
    assert panel.query == panel.api.posts(platform="tiktok").limit(250)
    assert "250 rows are here" in said(load)
    assert "250 rows loaded" in repr(panel)
    load.endpoint.value = "followers"
    assert load.platform.layout.display == "none"
    assert load.account.layout.display is None


@pytest.mark.parametrize(("typed", "words"), [("many", "whole number"), ("0", "whole number")])
def test_a_form_that_cannot_be_meant_is_told(panel_of, typed, words):
    """Nothing is sent."""
    panel = panel_of()
    before = len(panel.api.box.requests)
    panel._load.rows.value = typed
    panel._load.load()

    assert words in said(panel._load)
    assert words in panel._load.cost.value
    assert len(panel.api.box.requests) == before


def test_stop_keeps_the_rows_and_load_goes_on(panel_of):
    """What came is not asked for again; together it is what one load brings."""
    panel = panel_of()
    load, api = panel._load, panel.api
    told, tell = [], load._tell

    def stopping(one):
        told.append(one)
        if one.rows >= 300:
            load.stop()
        tell(one)

    load._tell = stopping
    load.load_button.click()
    assert panel.wait()
    assert "Stopped:" in said(load)
    assert "goes on from there" in said(load)
    first = len(panel.df)
    assert 300 <= first < 5400
    assert panel.df.attrs["socialframe"]["complete"] is False
    pages = [one for one in api.box.requests if one.path == "/v1/posts"]

    load._tell = tell
    load.load_button.click()
    assert panel.wait()

    pd.testing.assert_frame_equal(panel.df, api.posts().frame())
    assert panel.df.attrs["socialframe"]["from_journal"] == len(pages)
    assert "goes on after" in said(load).lower()


def test_load_goes_on_also_where_nothing_goes_on_by_itself(panel_of):
    """As of a client with resume=False, or after more than an hour; another wish begins anew."""
    box = sf.Sandbox()
    options = {"tier": "paid", "resume": False, "cache": False}
    with box.serve() as url, sf.Client(box.key, base_url=url, **options) as api:
        panel = panel_of(api)
        load = panel._load
        for wanted, pages in (("", 0), ("", 1), ("800", 0)):
            load.rows.value = wanted
            box.faults = [] if pages else [Fault("html", page=2)]
            load.load_button.click()
            assert panel.wait()
            assert panel.df.attrs["socialframe"]["from_journal"] >= pages
            assert (len(panel.df) > 100) is bool(pages)


def test_a_walk_that_breaks_keeps_its_rows_too(panel_of):
    """With the reason."""
    panel = panel_of()
    panel.api.box.faults = [Fault("html", page=4)]
    panel._load.load_button.click()
    assert panel.wait()

    assert "A page did not come" in said(panel._load)
    assert len(panel.df) == 300
    panel.api.box.faults = ()
    panel._load.load_button.click()
    assert panel.wait()
    assert len(panel.df) == 5400


def test_a_second_load_is_refused_while_one_is_at_work(panel_of):
    """And Stop before the first page keeps what was loaded before."""
    panel = panel_of()
    load = panel._load
    gate = threading.Event()
    tell = load._tell
    load._tell = lambda told: (gate.wait(10), tell(told))
    load.load_button.click()
    assert load.load_button.disabled

    load.load()
    assert "already" in said(load)
    load.stop_button.click()
    gate.set()
    assert panel.wait()

    assert "Stopped before the first page" in said(load)
    assert panel.df is None
    assert not load.load_button.disabled


def test_what_is_loaded_can_be_looked_at(panel_of):
    """As a table with types and meanings, as a chart, and as columns."""
    panel = panel_of()
    look = panel._look
    assert "Nothing is loaded" in look.body.value
    panel._load.load_button.click()
    assert panel.wait()

    assert "5,400 rows × 12 columns, from the API, complete" in look.summary.value
    assert look.body.value.count("<tr>") == 11
    assert "Time of creation." in look.body.value
    look.views["Chart"].click()
    assert 'aria-label="Posts per week' in look.body.value
    look.chart.value = "Engagement by platform"
    assert "load analytics" in look.body.value
    assert "sf-warn" in look.body.value  # nothing failed
    look.views["Columns"].click()
    assert "IANA time zone" in look.body.value


def test_without_matplotlib_the_chart_says_how_to_get_it(panel_of, monkeypatch):
    """Everything else works."""
    panel = panel_of()
    panel._load.rows.value = "10"
    panel._load.load_button.click()
    assert panel.wait()
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    panel._look.views["Chart"].click()

    assert "pip install" in panel._look.body.value


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("targets", [False, True])
def test_a_saved_file_is_what_the_query_itself_writes(panel_of, kind, targets, tmp_path):
    """Nothing is asked again; where it is, how large, and how it is read, is told."""
    panel = panel_of()
    panel._load.rows.value = "300"
    panel._load.load_button.click()
    assert panel.wait()
    sent = len(panel.api.box.requests)
    export = panel._export
    export.kind.value, export.targets.value = kind, targets
    assert export.path.value == f"posts.{kind}"
    export.path.value = str(tmp_path / f"mine.{kind}")
    export.save_button.click()
    assert panel.wait()

    assert len(panel.api.box.requests) == sent
    assert "mine" in said(export)
    assert "Read it by" in said(export)
    query = panel.query.explode("platforms") if targets else panel.query
    if kind == "parquet":
        pd.testing.assert_frame_equal(sf.read_parquet(export.path.value), query.frame())
    else:
        own = getattr(query, f"to_{kind}")(tmp_path / "own")
        assert own.read_bytes() == (tmp_path / f"mine.{kind}").read_bytes()
    assert f"to_{kind}" in export.code.value
    assert ("explode" in export.code.value) is targets


def test_a_file_that_cannot_be_written_is_told(panel_of):
    """And the rows are still there."""
    panel = panel_of()
    panel._export.save()
    assert "Nothing is loaded" in said(panel._export)
    panel._load.endpoint.value = "accounts"
    panel._load.load_button.click()
    assert panel.wait()
    assert panel._export.path.value == "accounts.parquet"
    panel._export.path.value = "no/such/folder/a.parquet"
    panel._export.save_button.click()
    assert panel.wait()

    assert "sf-bad" in said(panel._export)
    assert len(panel.df) == 17


def test_a_download_is_the_file(panel_of):
    """Its bytes go to the browser as a message; nothing of it stays in a widget."""
    panel = panel_of()
    panel._load.rows.value = "10"
    panel._load.load_button.click()
    assert panel.wait()
    given = []
    panel._export.download.give = lambda name, content: given.append((name, content))
    panel._export.save_button.click()
    assert panel.wait()
    panel._export.download.press()

    ((name, content),) = given
    assert name == "posts.parquet"
    assert content[:4] == b"PAR1"


def test_where_widgets_are_not_shown_it_says_how_it_stands(panel_of):
    """As plain HTML with the code to run, escaped; beside the widget for who shows one."""
    panel = panel_of()
    panel._load.platform.value = "tiktok"
    panel._load.rows.value = "20"
    panel._load.load_button.click()
    assert panel.wait()

    bundle = panel._repr_mimebundle_()
    assert "made-up people" in bundle["text/html"]
    assert "20 rows" in bundle["text/html"]
    assert "api.posts(platform=&#x27;tiktok&#x27;).limit(20)" in bundle["text/html"]
    assert bundle["text/plain"] == "<Panel of the sandbox: 17 accounts, 20 rows loaded>"
    assert any("widget-view" in kind for kind in bundle)


def test_a_panel_that_nobody_holds_goes_away():
    """The list of live panels keeps none alive."""
    from socialframe.panel.panel import _live

    panel = sf.Panel()
    seen = weakref.ref(panel)
    assert panel in _live
    Widget.close_all()
    del panel
    gc.collect()
    assert seen() is None


def test_words_of_others_are_never_markup(panel_of):
    """A name with a tag in it stays a name."""
    from socialframe.panel import styles
    from socialframe.panel.accounts import line
    from socialframe.panel.request import Profile

    evil = "<img src=x onerror=alert(1)>"
    shown = line(Profile(evil, evil, evil, evil and "", evil, evil))
    shown += styles.status(Status("bad", evil)) + styles.head(evil, made_up=False)

    assert "<img" not in shown


def test_another_client_goes_on_with_nothing(panel_of):
    """What was stopped was of other people."""
    panel = panel_of()
    panel.api.box.faults = [Fault("html", page=4)]
    panel._load.load_button.click()
    assert panel.wait()
    assert len(panel.df) < 5400
    other = sf.Client.sandbox(sf.Sandbox(posts=70))
    panel.use(other)
    assert panel.wait()
    panel._load.load_button.click()
    assert panel.wait()

    assert len(panel.df) == 70
    assert panel.query.source is other


def test_a_name_that_was_typed_stays_and_ours_follows_what_is_loaded(panel_of):
    """Or Save would write over another file than the one that was meant."""
    panel = panel_of()
    load, export = panel._load, panel._export
    load.endpoint.value = "accounts"
    load.load_button.click()
    assert panel.wait()
    assert export.path.value == "accounts.parquet"
    export.kind.value = "csv"
    assert export.path.value == "accounts.csv"
    export.path.value = "mine.csv"
    load.endpoint.value = "health"
    load.load_button.click()
    assert panel.wait()

    assert export.path.value == "mine.csv"
