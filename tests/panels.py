"""Helpers to open the panel in a real notebook, click it and read it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from browsing import Notebook
    from playwright.sync_api import Locator, Page

IMPORT = "import socialframe as sf"
PANEL = f"{IMPORT}\npanel = sf.Panel(sf.Client.sandbox())\npanel"


def opened(book: Notebook) -> tuple[Notebook, Locator]:
    """Run a notebook with a panel, and wait until it shows the accounts."""
    book.run_all()
    card = book.page.locator(".socialframe-panel")
    expect(card.get_by_text("17 accounts connected")).to_be_visible()
    return book, card


@contextmanager
def consent(card: Locator, button: str = "Connect") -> Iterator[Page]:
    """Click Connect; yield the tab with the consent page."""
    with card.page.expect_popup() as popup:
        card.get_by_role("button", name=button, exact=True).first.click()
    tab = popup.value
    try:
        expect(tab.get_by_role("button", name="Allow")).to_be_visible()
        yield tab
    finally:
        tab.close()


def allow(tab: Page) -> str:
    """Click Allow; return the URL of the callback."""
    with tab.expect_request(re.compile("[?&]code=")) as request:
        tab.get_by_role("button", name="Allow").click(no_wait_after=True)
    return str(request.value.url)


def click(card: Locator, name: str) -> None:
    """Click a button."""
    card.get_by_role("button", name=name, exact=True).click()


def wait_for_status(card: Locator, text: str | re.Pattern[str]) -> None:
    """Wait until a status line shows the text."""
    expect(card.get_by_role("status").filter(has_text=text).first).to_be_visible()
