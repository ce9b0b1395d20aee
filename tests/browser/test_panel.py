"""The panel in a real notebook and a real Chromium, with the sandbox's consent pages."""

import re

import pandas as pd
import pytest
from browsing import faults
from panels import IMPORT, PANEL, click, consent, opened, wait_for_status
from playwright.sync_api import expect

import socialframe as sf

pytestmark = pytest.mark.browser


@pytest.fixture
def panel(notebook):
    """Open a notebook with a panel, and wait until it shows the accounts."""

    def panel(cell=PANEL, **options):
        return opened(notebook([cell], **options))

    return panel


@pytest.mark.parametrize("lab", [False, True], ids=["notebook", "lab"])
def test_allow_connects_and_shows_the_account(panel, lab):
    """The tab has no opener, and the saved notebook holds no secret."""
    book, card = panel(lab=lab)
    with consent(card) as tab:
        assert tab.evaluate("window.opener") is None
        tab.get_by_role("button", name="Allow").click()
        expect(tab.get_by_role("heading", name=re.compile("onnected"))).to_be_visible()
        expect(tab).to_have_url(re.compile("/socialframe/result$"))

    wait_for_status(card, "Connected:")
    expect(card.get_by_text("18 accounts connected")).to_be_visible()
    saved = book.save(widgets=True)
    assert "Connected:" in saved
    assert not re.search(r"request=|code=|/callback/|own7(:|%3A)|authUrl", saved)


def test_notebook_saved_while_waiting_holds_no_link(panel):
    """Cancel ends the attempt."""
    book, card = panel()
    with consent(card) as tab:
        secrets = re.findall(r"(?:request|state)=([^&]+)", tab.url)
        wait_for_status(card, "Waiting for your consent")
        saved = book.save(widgets=True)

    assert len(secrets) == 2
    assert "Waiting for your consent" in saved
    assert not [one for one in (*secrets, "own7:instagram") if one in saved]
    click(card, "Cancel")
    wait_for_status(card, "Cancelled")


def test_deny_is_shown_and_another_attempt_works(panel):
    """The accounts stay the same."""
    _, card = panel()
    with consent(card) as tab:
        tab.get_by_role("button", name="Deny").click()
        wait_for_status(card, "No account was connected")

    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    with consent(card) as tab:
        tab.get_by_role("button", name="Allow").click()
        wait_for_status(card, "Connected:")


def test_pasted_url_connects(panel):
    """The URL does not stay in the box."""
    cell = f'{IMPORT}\npanel = sf.Panel(sf.Client.sandbox(), callback="paste")\npanel'
    _, card = panel(cell)
    with consent(card) as tab:
        with tab.expect_request(re.compile("/callback/")) as asked:
            tab.get_by_role("button", name="Allow").click()
        box = card.get_by_label("URL of the page that did not load")
        box.fill(asked.value.url)
        box.press("Enter")
        wait_for_status(card, "Connected:")
    assert box.input_value() == ""


def test_click_with_a_busy_kernel_connects_after_its_cell(notebook):
    """Meanwhile the tab says that the kernel is busy."""
    wait = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)"
    book = notebook([PANEL, wait])
    book.begin_all()
    card = book.page.locator(".socialframe-panel")
    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    with book.page.expect_popup() as popup:
        click(card, "Connect")
    expect(popup.value.get_by_text("kernel is busy")).to_be_visible()

    (book.path.parent / "go").touch()

    popup.value.get_by_role("button", name="Allow").click()
    wait_for_status(card, "Connected:")
    (book.path.parent / "go").unlink()
    popup.value.close()


def test_cell_that_runs_again_makes_a_working_panel(panel):
    """The old attempt is cancelled."""
    book, card = panel()
    with consent(card):
        book.run_all()
    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    with consent(card) as tab:
        tab.get_by_role("button", name="Allow").click()
        wait_for_status(card, "Connected:")


def test_cell_works_after_a_kernel_restart(panel):
    """The old panel has no kernel any more."""
    book, card = panel(new=True)
    book.restart()
    book.run_all()
    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    with consent(card) as tab:
        tab.get_by_role("button", name="Allow").click()
        wait_for_status(card, "Connected:")


def test_callback_arrives_through_the_notebook_server_proxy(panel, server):
    """Under the prefix of a hub, where the browser reaches no port of the kernel."""
    make = f"panel = sf.Panel(sf.Client.sandbox(), callback={server.url!r})"
    _, card = panel(f"{IMPORT}\n{make}\npanel")
    with consent(card) as tab:
        with tab.expect_request(re.compile("/user/ada/proxy/.*/callback/")):
            tab.get_by_role("button", name="Allow").click()
        wait_for_status(card, "Connected:")
        expect(tab.get_by_role("heading", name=re.compile("onnected"))).to_be_visible()


def test_timeout_is_shown(panel):
    """The accounts stay the same."""
    cell = f"{IMPORT}\npanel = sf.Panel(sf.Client.sandbox(), timeout=2)\npanel"
    _, card = panel(cell)
    with consent(card):
        wait_for_status(card, "Timed out after 2 s")
    expect(card.get_by_text("17 accounts connected")).to_be_visible()


def test_rows_are_loaded_with_a_stop_viewed_and_exported(panel):
    """The file equals the frame of the query."""
    cell = (
        f"{IMPORT}\nbox = sf.Sandbox(latency=0.15)\npanel = sf.Panel(sf.Client.sandbox(box))\npanel"
    )
    book, card = panel(cell)
    card.get_by_label("Row limit").fill("2000")
    card.get_by_label("Row limit").press("Enter")
    wait_for_status(card, "At most 20 requests")
    click(card, "Load")
    wait_for_status(card, re.compile(r"of 2,000 rows, \d+ pages, about \d+ s left"))
    click(card, "Stop")
    wait_for_status(card, re.compile(r"Stopped: [\d,]+ rows loaded"))
    expect(card.get_by_text("not complete")).to_be_visible()
    click(card, "Load")
    wait_for_status(card, "2,000 rows loaded")

    expect(card.get_by_role("columnheader", name=re.compile("created_at"))).to_be_visible()
    click(card, "Chart")
    expect(card.get_by_role("img", name=re.compile("Posts per week"))).to_be_visible()
    click(card, "Save")
    wait_for_status(card, "Read it with sf.read_parquet")
    with book.page.expect_download() as download:
        click(card, "Download")

    want = sf.Client.sandbox().posts().limit(2000).frame()
    for path in (book.path.parent / "posts.parquet", download.value.path()):
        pd.testing.assert_frame_equal(sf.read_parquet(path), want)
    expect(card.get_by_role("region", name="The same as code")).to_contain_text("limit(2000)")


def test_panel_has_no_serious_accessibility_fault(panel):
    """While it waits, and with a table, a chart and a file."""
    book, card = panel()
    with consent(card):
        wait_for_status(card, "Waiting for your consent")
        assert faults(book.page, ".socialframe-panel") == []
    click(card, "Cancel")
    card.get_by_label("Row limit").fill("300")
    click(card, "Load")
    wait_for_status(card, "300 rows loaded")
    click(card, "Save")
    wait_for_status(card, "Read it with")
    for view in ("Table", "Chart", "Columns"):
        click(card, view)
        assert faults(book.page, ".socialframe-panel") == []


@pytest.mark.parametrize("width", [1100, 480])
def test_accounts_are_aligned_in_columns(panel, width):
    """Whatever their names and buttons are."""
    book, card = panel()
    book.page.set_viewport_size({"width": width, "height": 900})
    expect(card.locator(".sf-profile").last).to_be_visible()
    lefts = card.locator(".sf-profile").evaluate_all(
        "all => all.map(line => [...line.children].map(cell => cell.getBoundingClientRect().left))"
    )
    assert len(lefts) == 17
    assert [max(column) - min(column) < 1 for column in zip(*lefts, strict=True)] == [True] * 4


def tab_to(page, role, name, inside=".socialframe-panel"):
    """Press Tab until the element has the focus."""
    found = page.locator(inside).get_by_role(role, name=name, exact=True).first
    expect(found).to_be_enabled()
    for _ in range(120):
        page.keyboard.press("Tab")
        if found.evaluate("one => one === document.activeElement"):
            return
    pytest.fail(f"no Tab reaches {name}")


def test_panel_works_with_the_keyboard_alone(notebook):
    """Without a key: open the sandbox, connect, load, save and download."""
    book = notebook([f"{IMPORT}\nsf.Panel()"])
    book.run_all()
    page, card = book.page, book.page.locator(".socialframe-panel")
    wait_for_status(card, "There is no API key")
    assert faults(page, ".socialframe-panel") == []
    tab_to(page, "button", "Try the sandbox")
    page.keyboard.press("Enter")
    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    with page.expect_popup() as popup:
        tab_to(page, "button", "Connect")
        page.keyboard.press("Enter")
    tab_to(popup.value, "button", "Allow", "body")
    popup.value.keyboard.press("Enter")
    wait_for_status(card, "Connected:")
    popup.value.close()
    tab_to(page, "textbox", "Row limit")
    page.keyboard.type("300")
    tab_to(page, "button", "Load")
    page.keyboard.press("Enter")
    wait_for_status(card, "300 rows loaded")
    tab_to(page, "button", "Save")
    page.keyboard.press("Enter")
    wait_for_status(card, "Read it with")
    tab_to(page, "button", "Download")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert len(sf.read_parquet(download.value.path())) == 300
    expect(card.get_by_text("made-up people")).to_have_count(2)
