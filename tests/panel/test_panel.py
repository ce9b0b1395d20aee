"""The panel without a browser: the tests click its widgets, over the sandbox."""

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
    """Create idle panels, and close them at the end."""
    panels = []

    def panel_of(api=None, **options):
        panel = sf.Panel(api or sf.Client.sandbox(), **options)
        panels.append(panel)
        assert panel.wait()
        return panel

    yield panel_of
    for panel in panels:
        panel.close()
        assert panel.wait(10)
    Widget.close_all()


def until(condition, seconds=20.0):
    """Wait for a condition that a thread fulfils."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "condition not met in time"
        threading.Event().wait(0.01)


def status_of(part):
    """Return the status line of a part."""
    return part.status.value


def widget_state():
    """Return the state of every widget, which is saved with a notebook."""
    return json.dumps(Widget.get_manager_state(), default=str)


class Tab:
    """The tab of the Connect button; it records the URLs instead of a browser."""

    def __init__(self, panel):
        self.links, self.closed = [], 0
        button = panel._accounts.connect_button
        self.click = button.click
        button.open_link, button.close_tab = self.links.append, self._close

    def _close(self):
        self.closed += 1

    def opened(self):
        self.click()
        until(lambda: self.links)
        return self.links[-1]


def test_panel_without_a_key_offers_the_sandbox():
    """It also says how to pass a key; no request is sent."""
    panel = sf.Panel()

    assert (panel.api, panel.df, panel.query, panel.accounts) == (None, None, None, None)
    assert repr(panel) == "<Panel without a key>"
    assert "There is no API key" in panel._key_status.value
    with pytest.raises(sf.ArgumentError, match="no API key yet"):
        panel._state.client  # noqa: B018 - the access is the test

    offer = panel.widget.children[-1].children[-1].children[0]
    offer.click()
    assert panel.wait()
    assert panel._state.is_sandbox
    assert "made-up people" in panel._header.value
    assert len(panel.accounts) == 17


def test_key_search_finds_a_key_set_later(monkeypatch):
    """The panel never shows the key."""
    panel = sf.Panel()
    with sf.Sandbox(key=KEY).serve() as url:
        monkeypatch.setenv("SOCIALAPI_KEY", KEY)
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
        panel._find_key()
        assert panel.wait()
        panel.api.close()

    assert not panel._state.is_sandbox
    assert len(panel.accounts) == 17
    assert url in panel._header.value
    assert KEY not in widget_state()
    assert KEY not in repr(panel) + panel._repr_html_() + str(vars(panel)) + str(vars(panel._state))


def test_api_that_is_not_a_client_is_rejected():
    """The error shows how to pass a client."""
    with pytest.raises(sf.ArgumentError, match=r"sf\.Panel\(sf\.Client\(\)\)"):
        sf.Panel("sk_made0up")


def test_tab_completion_shows_only_what_users_call(panel_of):
    """Everything else of a panel is private."""
    names = [name for name in dir(panel_of()) if not name.startswith("_")]

    assert names == ["accounts", "api", "close", "df", "query", "use", "wait", "widget"]


def test_accounts_show_health_and_a_reconnect_button(panel_of):
    """Unhealthy accounts come first."""
    panel = panel_of()

    lines = [row.children for row in panel._accounts.account_list.children]
    assert len(lines) == 17
    assert ["▲ warning" in line[0].value for line in lines[:4]] == [True, True, True, False]
    assert [len(line) for line in lines[:4]] == [4, 4, 4, 3]
    assert "17 accounts connected" in panel._accounts.title.value


def test_accounts_are_shown_when_health_fails(panel_of):
    """With health unknown."""
    box = sf.Sandbox(faults=[Fault("html", path="/v1/accounts/health")])
    panel = panel_of(sf.Client.sandbox(box))

    assert len(panel.accounts) == 17
    assert "is unknown" in status_of(panel._accounts)
    assert "○ unknown" in panel._accounts.account_list.children[0].children[0].value


def test_api_error_is_shown_and_refresh_works_later(panel_of):
    """The panel stays usable."""
    box = sf.Sandbox(faults=[Fault("html")])
    panel = panel_of(sf.Client.sandbox(box))
    assert "sf-bad" in status_of(panel._accounts)

    box.faults = ()
    panel._accounts.refresh_button.click()
    assert panel.wait()
    assert len(panel.accounts) == 17


def test_allow_connects_and_updates_the_accounts(panel_of):
    """The tab shows the consent page."""
    panel = panel_of()
    tab = Tab(panel)
    before = set(panel.accounts["account_id"])

    link = tab.opened()
    assert panel._accounts.flow_controls.layout.display is None
    answers = visit(press(link))
    assert panel.wait()

    (new,) = set(panel.accounts["account_id"]) - before
    assert answers[-1].status_code == 200
    assert "Connected:" in status_of(panel._accounts)
    assert new in status_of(panel._accounts)
    assert "18 accounts connected" in panel._accounts.title.value
    assert panel._accounts.flow_controls.layout.display == "none"
    assert tab.closed


def test_deny_shows_the_reason(panel_of):
    """Another attempt is possible at once."""
    panel = panel_of()
    tab = Tab(panel)

    visit(press(tab.opened(), "deny"))
    assert panel.wait()

    assert "No account was connected" in status_of(panel._accounts)
    assert "sf-warn" in status_of(panel._accounts)
    assert len(panel.accounts) == 17
    assert not panel._accounts.connect_button.button.disabled


def test_pasted_url_connects_and_is_cleared(panel_of):
    """The widget is cleared before the URL is used."""
    panel = panel_of(callback="paste")
    tab = Tab(panel)
    address = press(tab.opened())

    panel._accounts.paste_box.value = "http://127.0.0.1:9/of/somebody/else?code=other"
    until(lambda: "not the callback" in status_of(panel._accounts))
    assert panel._accounts.paste_box.value == ""
    panel._accounts.paste_box.value = address
    assert panel._accounts.paste_box.value == ""
    assert panel.wait()

    assert "Connected:" in status_of(panel._accounts)


def test_refused_redirect_url_is_shown_with_the_paste_hint(panel_of):
    """Both texts are visible while the panel waits."""
    box = sf.Sandbox(only_redirect="https://shop.example/cb")
    panel = panel_of(sf.Client.sandbox(box))
    address = press(Tab(panel).opened())
    until(lambda: "Waiting for your consent" in status_of(panel._accounts))

    assert "redirect_url must be exactly the URL that is registered" in status_of(panel._accounts)
    assert "paste its full URL here" in status_of(panel._accounts)
    panel._accounts.paste_box.value = address
    assert panel.wait()
    assert "Connected:" in status_of(panel._accounts)


def test_widget_state_holds_no_secret(panel_of):
    """At no moment of a flow: no key, code, state, nonce or link."""
    box = sf.Sandbox(key=KEY)
    panel = panel_of(sf.Client.sandbox(box), callback="paste")
    tab = Tab(panel)
    moments = [widget_state()]

    link = tab.opened()
    moments.append(widget_state())
    address = press(link)
    panel._accounts.paste_box.value = address
    moments.append(widget_state())
    assert panel.wait()
    moments += [
        widget_state(),
        panel._repr_html_(),
        repr(panel),
        str(vars(panel)) + str(vars(panel._state)),
    ]

    request = link.partition("request=")[2].partition("&")[0]
    code = address.partition("code=")[2].partition("&")[0]
    nonce = address.partition("/callback/")[2].partition("?")[0]
    assert "sf-account" in moments[0]
    for secret in (KEY, request, code, nonce, "own7:instagram", "own7%3Ainstagram", link):
        assert len(secret) > 8
        assert not [moment for moment in moments if secret in moment]


@pytest.fixture
def _plain(monkeypatch):
    """Hide anywidget."""
    from socialframe.panel import browser_button

    monkeypatch.setitem(sys.modules, "anywidget", None)
    browser_button._button_class.cache_clear()
    yield
    browser_button._button_class.cache_clear()


@pytest.mark.usefixtures("_plain")
def test_without_anywidget_a_plain_link_is_shown(panel_of):
    """The link is removed at the end of the attempt."""
    panel = panel_of()
    button = panel._accounts.connect_button
    button.button.click()
    until(lambda: "href" in button._link.value)
    link = re.search('href="([^"]+)" target="_blank" rel="noopener', button._link.value)[1]
    visit(press(unescape(link)))
    assert panel.wait()

    assert "Connected:" in status_of(panel._accounts)
    assert button._link.value == ""
    assert not panel._export.copy_button.has_browser_access


@pytest.mark.parametrize("callback", ["auto", "loopback", "paste"])
def test_cancel_ends_the_attempt(panel_of, callback):
    """Whether a pasted URL would be read or not."""
    panel = panel_of(callback=callback)
    Tab(panel).opened()
    panel._accounts.cancel_button.click()

    assert panel.wait(10)
    assert "Cancelled. No account was connected." in status_of(panel._accounts)


def test_cancel_and_a_new_panel_end_the_attempt(panel_of):
    """A cell that runs again leaves no listener behind."""
    first = panel_of()
    tab = Tab(first)
    tab.opened()
    first._accounts.cancel_button.click()
    assert first.wait()
    assert "Cancelled" in status_of(first._accounts)

    Tab(first).opened()
    panel_of()
    assert first.wait()
    assert "Cancelled" in status_of(first._accounts)
    names = [one.name for one in threading.enumerate()]
    assert not [name for name in names if name.startswith("socialframe callback")]


def test_timeout_is_shown(panel_of):
    """No account is connected."""
    panel = panel_of(timeout=0.3)
    Tab(panel).opened()
    assert panel.wait()

    assert "Timed out after 0.3 s" in status_of(panel._accounts)


def test_unknown_platform_shows_the_error_of_the_api(panel_of):
    """The panel itself accepts any platform."""
    panel = panel_of()
    accounts = panel._accounts
    accounts.platform.options = [*accounts.platform.options, "gopher"]
    accounts.platform.value = "gopher"
    tab = Tab(panel)
    tab.click()
    assert panel.wait()

    assert "platform must be one of" in status_of(accounts)
    assert tab.closed


def test_second_connect_is_refused_while_one_runs(panel_of):
    """Its tab is closed, and the first attempt continues."""
    panel = panel_of()
    tab = Tab(panel)
    link = tab.opened()

    tab.click()

    assert "still running" in status_of(panel._accounts)
    assert (len(tab.links), tab.closed) == (1, 1)
    visit(press(link))
    assert panel.wait()
    assert "Connected:" in status_of(panel._accounts)


def test_page_is_chosen_in_the_panel(panel_of):
    """The platform lists several Pages."""
    panel = panel_of(sf.Client.sandbox(sf.Sandbox(page_selection=True)))
    accounts = panel._accounts
    accounts.platform.value = "facebook"
    visit(press(Tab(panel).opened()))
    until(lambda: accounts.page.layout.display is None)

    accounts.page.index = len(accounts.page.options) - 1
    chosen = accounts.page.label
    accounts.choose_button.click()
    assert panel.wait()

    assert f"Connected: {chosen}" in status_of(accounts)


def test_disconnect_needs_a_second_click(panel_of):
    """Keep takes the first click back."""
    panel = panel_of()
    *_, leave, keep = panel._accounts.account_list.children[0].children
    leave.click()
    assert leave.description == "Really disconnect?"
    keep.click()
    assert leave.description == "Disconnect"
    assert len(panel.accounts) == 17

    leave.click()
    leave.click()
    assert panel.wait()

    assert len(panel.accounts) == 16
    assert "Disconnected: @botonperdido (twitter)" in status_of(panel._accounts)


def test_load_uses_the_filters(panel_of):
    """The cost is shown before, and only the filters of the endpoint."""
    panel = panel_of()
    load = panel._load
    load.rows.value = "250"
    assert "At most 3 requests" in load.cost.value
    load.platform.value = "tiktok"
    load.load_button.click()
    assert panel.wait()

    want = panel.api.posts(platform="tiktok").limit(250).frame()
    pd.testing.assert_frame_equal(panel.df, want)
    assert panel.query == panel.api.posts(platform="tiktok").limit(250)
    assert "250 rows loaded" in status_of(load)
    assert "250 rows loaded" in repr(panel)
    load.endpoint.value = "followers"
    assert load.platform.layout.display == "none"
    assert load.account.layout.display is None


@pytest.mark.parametrize(("typed", "words"), [("many", "row limit"), ("0", "row limit")])
def test_invalid_row_limit_is_shown(panel_of, typed, words):
    """No request is sent."""
    panel = panel_of()
    before = len(panel.api._sandbox.requests)
    panel._load.rows.value = typed
    panel._load.load()

    assert words in status_of(panel._load)
    assert words in panel._load.cost.value
    assert len(panel.api._sandbox.requests) == before


def test_stop_keeps_the_rows_and_load_resumes(panel_of):
    """Pages are not requested twice."""
    panel = panel_of()
    load, api = panel._load, panel.api
    show_progress = load._show_progress

    def stopping(one):
        if one.rows >= 300:
            load.stop()
        show_progress(one)

    load._show_progress = stopping
    load.load_button.click()
    assert panel.wait()
    assert "Stopped:" in status_of(load)
    assert "Press Load to continue" in status_of(load)
    first = len(panel.df)
    assert 300 <= first < 5400
    assert panel.df.attrs["socialframe"]["complete"] is False
    pages = [one for one in api._sandbox.requests if one.path == "/v1/posts"]

    load._show_progress = show_progress
    load.load_button.click()
    assert panel.wait()

    pd.testing.assert_frame_equal(panel.df, api.posts().frame())
    assert panel.df.attrs["socialframe"]["from_journal"] == len(pages)
    assert "continues after" in status_of(load).lower()


def test_load_resumes_with_a_client_that_does_not(panel_of):
    """For a client with resume=False. Another request starts from the beginning."""
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


def test_broken_walk_keeps_its_rows(panel_of):
    """The reason is shown, and Load resumes."""
    panel = panel_of()
    panel.api._sandbox.faults = [Fault("html", page=4)]
    panel._load.load_button.click()
    assert panel.wait()

    assert "A page could not be fetched" in status_of(panel._load)
    assert len(panel.df) == 300
    panel.api._sandbox.faults = ()
    panel._load.load_button.click()
    assert panel.wait()
    assert len(panel.df) == 5400


def test_second_load_is_refused_while_one_runs(panel_of):
    """Stop before the first page leaves the panel empty."""
    panel = panel_of()
    load = panel._load
    gate = threading.Event()
    show_progress = load._show_progress
    load._show_progress = lambda progress: (gate.wait(10), show_progress(progress))
    load.load_button.click()
    assert load.load_button.disabled

    load.load()
    assert "already" in status_of(load)
    load.stop_button.click()
    gate.set()
    assert panel.wait()

    assert "Stopped before the first page" in status_of(load)
    assert panel.df is None
    assert not load.load_button.disabled


def test_view_shows_table_chart_and_columns(panel_of):
    """The table shows types and meanings."""
    panel = panel_of()
    view = panel._view
    assert "No rows are loaded" in view.body.value
    panel._load.load_button.click()
    assert panel.wait()

    assert "5,400 rows × 12 columns, from the API, complete" in view.summary.value
    assert view.body.value.count("<tr>") == 11
    assert "Time of creation." in view.body.value
    view.buttons["Chart"].click()
    assert 'aria-label="Posts per week' in view.body.value
    view.chart.value = "Engagement by platform"
    assert "load analytics" in view.body.value
    assert "sf-warn" in view.body.value  # nothing failed
    view.buttons["Columns"].click()
    assert "IANA time zone" in view.body.value


def test_chart_without_matplotlib_shows_how_to_install_it(panel_of, monkeypatch):
    """The rest of the panel works."""
    panel = panel_of()
    panel._load.rows.value = "10"
    panel._load.load_button.click()
    assert panel.wait()
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    panel._view.buttons["Chart"].click()

    assert "pip install" in panel._view.body.value


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
@pytest.mark.parametrize("targets", [False, True])
def test_saved_file_equals_the_file_of_the_query(panel_of, kind, targets, tmp_path):
    """No request is sent; the status shows path, size and how to read it."""
    panel = panel_of()
    panel._load.rows.value = "300"
    panel._load.load_button.click()
    assert panel.wait()
    sent = len(panel.api._sandbox.requests)
    export = panel._export
    export.format.value, export.targets.value = kind, targets
    assert export.path.value == f"posts.{kind}"
    export.path.value = str(tmp_path / f"mine.{kind}")
    export.save_button.click()
    assert panel.wait()

    assert len(panel.api._sandbox.requests) == sent
    assert "mine" in status_of(export)
    assert "Read it with" in status_of(export)
    query = panel.query.explode("platforms") if targets else panel.query
    if kind == "parquet":
        pd.testing.assert_frame_equal(sf.read_parquet(export.path.value), query.frame())
    else:
        own = getattr(query, f"to_{kind}")(tmp_path / "own")
        assert own.read_bytes() == (tmp_path / f"mine.{kind}").read_bytes()
    assert f"to_{kind}" in export.code.value
    assert ("explode" in export.code.value) is targets


def test_write_error_is_shown(panel_of):
    """The rows stay loaded."""
    panel = panel_of()
    panel._export.save()
    assert "No rows are loaded" in status_of(panel._export)
    panel._load.endpoint.value = "accounts"
    panel._load.load_button.click()
    assert panel.wait()
    assert panel._export.path.value == "accounts.parquet"
    panel._export.path.value = "no/such/folder/a.parquet"
    panel._export.save_button.click()
    assert panel.wait()

    assert "sf-bad" in status_of(panel._export)
    assert len(panel.df) == 17


def test_download_sends_the_bytes_of_the_file(panel_of):
    """As a message, which is not part of the widget state."""
    panel = panel_of()
    panel._load.rows.value = "10"
    panel._load.load_button.click()
    assert panel.wait()
    given = []
    panel._export.download_button.download = lambda name, content: given.append((name, content))
    panel._export.save_button.click()
    assert panel.wait()
    panel._export.download_button.click()

    ((name, content),) = given
    assert name == "posts.parquet"
    assert content[:4] == b"PAR1"


def test_html_repr_shows_a_summary_and_the_code(panel_of):
    """Escaped, and beside the widget in the same bundle."""
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


def test_unused_panel_is_garbage_collected():
    """The list of open panels keeps none alive."""
    from socialframe.panel.panel import _open_panels

    panel = sf.Panel()
    seen = weakref.ref(panel)
    assert panel in _open_panels
    Widget.close_all()
    del panel
    gc.collect()
    assert seen() is None


def test_texts_of_the_api_are_escaped(panel_of):
    """A name that looks like a tag stays text."""
    from socialframe.panel import styles
    from socialframe.panel.accounts import account_line
    from socialframe.panel.request import Profile

    evil = "<img src=x onerror=alert(1)>"
    shown = account_line(Profile(evil, evil, evil, evil and "", evil, evil))
    shown += styles.status_line(Status("bad", evil)) + styles.header(evil, sandbox=False)

    assert "<img" not in shown


def test_another_client_does_not_resume_a_stopped_load(panel_of):
    """The stopped load belongs to another API."""
    panel = panel_of()
    panel.api._sandbox.faults = [Fault("html", page=4)]
    panel._load.load_button.click()
    assert panel.wait()
    assert len(panel.df) < 5400
    other = sf.Client.sandbox(sf.Sandbox(posts=70))
    panel.use(other)
    assert panel.wait()
    panel._load.load_button.click()
    assert panel.wait()

    assert len(panel.df) == 70
    assert panel.query._session is other._session


def test_suggested_file_name_follows_the_rows(panel_of):
    """A name that the user typed is never replaced."""
    panel = panel_of()
    load, export = panel._load, panel._export
    load.endpoint.value = "accounts"
    load.load_button.click()
    assert panel.wait()
    assert export.path.value == "accounts.parquet"
    export.format.value = "csv"
    assert export.path.value == "accounts.csv"
    export.path.value = "mine.csv"
    load.endpoint.value = "health"
    load.load_button.click()
    assert panel.wait()

    assert export.path.value == "mine.csv"
