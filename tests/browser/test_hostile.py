"""Other pages in the same browser that guess the callback while the panel waits."""

import socket

import pytest
from panels import IMPORT, allow, click, consent, opened, wait_for_status
from playwright.sync_api import Error, expect

from socialframe.sandbox.serve import serve

pytestmark = pytest.mark.browser

EVIL = """<!doctype html><title>cats</title>
<img src="{0}"><iframe src="{0}"></iframe><script src="{0}"></script>
<script>fetch("{0}", {{mode: "no-cors"}}).catch(() => 0)</script><a href="{0}">A prize</a>"""
GUESSED = "state=own7%3Ainstagram"


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
def waiting(notebook):
    """Open a panel with a registered redirect URL, whose path holds no nonce."""

    def waiting(more=""):
        callback = f"http://127.0.0.1:{free_port()}/cb"
        made = f"sf.Panel(sf.Client.sandbox(sf.Sandbox({more})), redirect_url={callback!r})"
        _, card = opened(notebook([f"{IMPORT}\npanel = {made}\npanel"]))
        return callback, card

    return waiting


@pytest.fixture
def hostile_page(context):
    """Open a hostile page in the same browser."""
    page = context.new_page()
    yield page
    page.close()


@pytest.fixture
def other(context):
    """Open a page in another profile, which shares neither cookies nor cache."""
    with context.browser.new_context() as elsewhere:
        yield elsewhere.new_page()


@pytest.mark.parametrize("answer", [f"code=f0rged&{GUESSED}", f"error=access_denied&{GUESSED}"])
def test_hostile_page_that_guesses_path_and_state_changes_nothing(waiting, hostile_page, answer):
    """By image, frame, script, fetch and link. Then a real Allow connects."""
    callback, card = waiting()
    forged = f"{callback}?{answer}"
    answers = []
    hostile_page.on("response", lambda one: one.url == forged and answers.append(one.status))

    def evil(_, start):
        start("200 OK", [("Content-Type", "text/html")])
        return [EVIL.format(forged.replace("&", "&amp;")).encode()]

    with consent(card) as tab, serve(evil) as url:
        wait_for_status(card, "Waiting for your consent")
        hostile_page.goto(url)
        hostile_page.get_by_role("link", name="A prize").click()
        expect(hostile_page.get_by_role("heading", name="400")).to_be_visible()
        assert answers[-1] == 400
        assert answers[:-1]
        assert set(answers[:-1]) == {403}
        wait_for_status(card, "Waiting for your consent")
        expect(card.get_by_text("17 accounts connected")).to_be_visible()

        assert allow(tab).startswith(callback)
        wait_for_status(card, "Connected:")
    expect(card.get_by_text("18 accounts connected")).to_be_visible()


def test_repeated_callback_changes_nothing(waiting, other):
    """It is late during the exchange; after that the port is closed."""
    _, card = waiting("exchange_seconds=3")
    with consent(card) as tab:
        address = allow(tab)
        assert other.goto(address).status == 410
        expect(other.get_by_text("received a callback already")).to_be_visible()
        wait_for_status(card, "Connected:")
        expect(tab.get_by_role("heading", name="Connected")).to_be_visible()
    expect(card.get_by_text("18 accounts connected")).to_be_visible()
    with pytest.raises(Error, match="ERR_CONNECTION_REFUSED"):
        other.goto(address)

    page = other.context.new_page()  # the error page may still be loading in the other one
    with consent(card) as tab:  # for the next attempt, the old callback is a forged one
        wait_for_status(card, "Waiting for your consent")
        assert page.goto(address).status == 400
        wait_for_status(card, "Waiting for your consent")
    click(card, "Cancel")
    wait_for_status(card, "Cancelled")
    expect(card.get_by_text("18 accounts connected")).to_be_visible()
