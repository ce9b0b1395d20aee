"""The panel as a person has it: a real notebook, a real Chromium, the sandbox's consent pages."""

import re

import pandas as pd
import pytest
from browsing import faults
from panels import IMPORT, PANEL, consent, opened, press, says
from playwright.sync_api import expect

import socialframe as sf

pytestmark = pytest.mark.browser


@pytest.fixture
def panel(notebook):
    """Open a notebook with a panel, and wait until it shows who is connected."""

    def panel(cell=PANEL, **options):
        return opened(notebook([cell], **options))

    return panel


@pytest.mark.parametrize("lab", [False, True], ids=["notebook", "lab"])
def test_allow_connects_and_the_panel_says_who(panel, lab):
    """No cell is run by hand; the tab knows nothing of the notebook that opened it."""
    book, card = panel(lab=lab)
    with consent(card) as tab:
        assert tab.evaluate("window.opener") is None
        tab.get_by_role("button", name="Allow").click()
        expect(tab.get_by_role("heading", name=re.compile("onnected"))).to_be_visible()
        expect(tab).to_have_url(re.compile("/socialframe/result$"))

    says(card, "Connected:")
    expect(card.get_by_text("18 accounts connected")).to_be_visible()
    saved = book.save(widgets=True)
    assert "Connected:" in saved
    assert not re.search(r"request=|code=|/callback/|own7(:|%3A)|authUrl", saved)


def test_a_notebook_that_is_saved_while_it_waits_holds_no_link(panel):
    """Cancel ends it."""
    book, card = panel()
    with consent(card) as tab:
        secrets = re.findall(r"(?:request|state)=([^&]+)", tab.url)
        says(card, "Waiting for you")
        saved = book.save(widgets=True)

    assert len(secrets) == 2
    assert "Waiting for you" in saved
    assert not [one for one in (*secrets, "own7:instagram") if one in saved]
    press(card, "Cancel")
    says(card, "cancelled")


def test_deny_is_told_and_another_attempt_is_possible(panel):
    """Nobody was connected."""
    _, card = panel()
    with consent(card) as tab:
        tab.get_by_role("button", name="Deny").click()
        says(card, "Nothing was connected")

    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    with consent(card) as tab:
        tab.get_by_role("button", name="Allow").click()
        says(card, "Connected:")


def test_an_address_is_pasted_where_nobody_listens(panel):
    """The page did not load; its address does not stay in the box."""
    cell = f'{IMPORT}\npanel = sf.Panel(sf.Client.sandbox(), callback="paste")\npanel'
    _, card = panel(cell)
    with consent(card) as tab:
        with tab.expect_request(re.compile("/callback/")) as asked:
            tab.get_by_role("button", name="Allow").click()
        box = card.get_by_label("Address of the page that did not load")
        box.fill(asked.value.url)
        box.press("Enter")
        says(card, "Connected:")
    assert box.input_value() == ""


def test_a_busy_kernel_connects_when_its_cell_has_ended(notebook):
    """The click is not lost, and the tab says meanwhile what it waits for."""
    wait = "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)"
    book = notebook([PANEL, wait])
    book.begin_all()
    card = book.page.locator(".socialframe-panel")
    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    with book.page.expect_popup() as popup:
        press(card, "Connect")
    expect(popup.value.get_by_text("kernel is busy")).to_be_visible()

    (book.path.parent / "go").touch()

    popup.value.get_by_role("button", name="Allow").click()
    says(card, "Connected:")
    (book.path.parent / "go").unlink()
    popup.value.close()


def test_a_cell_that_runs_again_begins_anew(panel):
    """The old attempt is over, and the new panel connects."""
    book, card = panel()
    with consent(card):
        book.run_all()
    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    with consent(card) as tab:
        tab.get_by_role("button", name="Allow").click()
        says(card, "Connected:")


def test_after_a_restart_the_cell_makes_a_new_panel(panel):
    """The old one is dead; what is run again works."""
    book, card = panel()
    book.restart()
    book.run_all()
    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    with consent(card) as tab:
        tab.get_by_role("button", name="Allow").click()
        says(card, "Connected:")


def test_the_answer_comes_back_through_the_notebook_servers_proxy(panel, server):
    """Under the prefix of a hub, where the browser reaches no port of the kernel's machine."""
    make = f"panel = sf.Panel(sf.Client.sandbox(), callback={server.url!r})"
    _, card = panel(f"{IMPORT}\n{make}\npanel")
    with consent(card) as tab:
        with tab.expect_request(re.compile("/user/ada/proxy/.*/callback/")):
            tab.get_by_role("button", name="Allow").click()
        says(card, "Connected:")
        expect(tab.get_by_role("heading", name=re.compile("onnected"))).to_be_visible()


def test_time_runs_out(panel):
    """It is told, and nobody was connected."""
    cell = f"{IMPORT}\npanel = sf.Panel(sf.Client.sandbox(), timeout=2)\npanel"
    _, card = panel(cell)
    with consent(card):
        says(card, "Nobody answered within 2 s")
    expect(card.get_by_text("17 accounts connected")).to_be_visible()


def test_rows_are_loaded_with_a_stop_in_the_middle_looked_at_and_exported(panel):
    """The file is what the query itself gives."""
    slow = (
        f"{IMPORT}\nbox = sf.Sandbox(latency=0.15)\npanel = sf.Panel(sf.Client.sandbox(box))\npanel"
    )
    book, card = panel(slow)
    card.get_by_label("Rows at most").fill("2000")
    card.get_by_label("Rows at most").press("Enter")
    says(card, "At most 20 calls")
    press(card, "Load")
    says(card, re.compile(r"of 2,000 rows, \d+ pages, about \d+ s left"))
    press(card, "Stop")
    says(card, re.compile(r"Stopped: [\d,]+ rows are here"))
    expect(card.get_by_text("not complete")).to_be_visible()
    press(card, "Load")
    says(card, "2,000 rows are here")

    expect(card.get_by_role("columnheader", name=re.compile("created_at"))).to_be_visible()
    press(card, "Chart")
    expect(card.get_by_role("img", name=re.compile("Posts per week"))).to_be_visible()
    press(card, "Save")
    says(card, "Read it by sf.read_parquet")
    with book.page.expect_download() as download:
        press(card, "Download")

    want = sf.Client.sandbox().posts().limit(2000).frame()
    for path in (book.path.parent / "posts.parquet", download.value.path()):
        pd.testing.assert_frame_equal(sf.read_parquet(path), want)
    expect(card.get_by_role("region", name="The same as code")).to_contain_text("limit(2000)")


def test_the_panel_has_no_serious_fault(panel):
    """While it waits, and with a table, a chart and a file; and before there is a key."""
    book, card = panel()
    with consent(card):
        says(card, "Waiting for you")
        assert faults(book.page, ".socialframe-panel") == []
    press(card, "Cancel")
    card.get_by_label("Rows at most").fill("300")
    press(card, "Load")
    says(card, "300 rows are here")
    press(card, "Save")
    says(card, "Read it by")
    for view in ("Table", "Chart", "Columns"):
        press(card, view)
        assert faults(book.page, ".socialframe-panel") == []


@pytest.mark.parametrize("width", [1100, 480])
def test_platform_health_and_date_stand_in_columns(panel, page, width):
    """Of all accounts, whatever their names are and whichever buttons they have."""
    page.set_viewport_size({"width": width, "height": 900})
    _, card = panel()
    expect(card.locator(".sf-who").last).to_be_visible()
    lefts = card.locator(".sf-who").evaluate_all(
        "all => all.map(who => [...who.children].map(one => one.getBoundingClientRect().left))"
    )
    assert len(lefts) == 17
    assert [max(column) - min(column) < 1 for column in zip(*lefts, strict=True)] == [True] * 4


def tab_to(page, role, name, inside=".socialframe-panel"):
    """Press Tab until it has the focus, as who has no mouse does."""
    found = page.locator(inside).get_by_role(role, name=name, exact=True).first
    expect(found).to_be_enabled()
    for _ in range(120):
        page.keyboard.press("Tab")
        if found.evaluate("one => one === document.activeElement"):
            return
    pytest.fail(f"no Tab reaches {name}")


def test_without_a_key_a_keyboard_alone_does_it_all_on_the_sandbox(notebook):
    """Try the sandbox, connect, say how many rows, load, save, download: by keys, nothing else."""
    book = notebook([f"{IMPORT}\nsf.Panel()"])
    book.run_all()
    page, card = book.page, book.page.locator(".socialframe-panel")
    says(card, "There is no API key")
    assert faults(page, ".socialframe-panel") == []
    tab_to(page, "button", "Try the sandbox")
    page.keyboard.press("Enter")
    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    with page.expect_popup() as popup:
        tab_to(page, "button", "Connect")
        page.keyboard.press("Enter")
    tab_to(popup.value, "button", "Allow", "body")
    popup.value.keyboard.press("Enter")
    says(card, "Connected:")
    popup.value.close()
    tab_to(page, "textbox", "Rows at most")
    page.keyboard.type("300")
    tab_to(page, "button", "Load")
    page.keyboard.press("Enter")
    says(card, "300 rows are here")
    tab_to(page, "button", "Save")
    page.keyboard.press("Enter")
    says(card, "Read it by")
    tab_to(page, "button", "Download")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert len(sf.read_parquet(download.value.path())) == 300
    expect(card.get_by_text("made-up people")).to_have_count(2)
