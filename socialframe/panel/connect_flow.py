"""Connects an account in a thread, with input from the panel's widgets."""

from __future__ import annotations

import queue
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from socialframe.connect.connect import PASTE_POSSIBLE, PASTE_REQUIRED
from socialframe.connect.console import Console
from socialframe.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from socialframe.client import Client
    from socialframe.connect.requests import Account, PageOption
    from socialframe.panel.state import ConnectOptions

_PASTE_HINT = (
    "Waiting for your consent in the tab that opened. If the page after that does not load, paste "
    "its full URL here."
)


class ConnectFlow:
    """Connects one account once. The other methods are called while ``run`` runs in a thread."""

    def __init__(
        self,
        say: Callable[[str], None],
        open_link: Callable[[str], None],
        remove_link: Callable[[], None],
        show_pages: Callable[[Sequence[PageOption]], None],
    ) -> None:
        self._show_text, self._open_link = say, open_link
        self._remove_link, self._show_pages = remove_link, show_pages
        self._texts = ""
        self._pasted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._chosen: queue.SimpleQueue[str | None] = queue.SimpleQueue()  # None cancels
        self._cancelled = threading.Event()
        self._sandbox_urls = ("", "")

    def run(self, api: Client, platform: str, options: ConnectOptions) -> Account:
        console = Console(
            say=self._say,
            show=self._show_link,
            read=self._read_pasted,
            cancelled=self._cancelled.is_set,
        )
        with ExitStack() as stack:
            if api._sandbox is not None:  # a browser can reach it only if it serves
                self._sandbox_urls = (api.base_url, stack.enter_context(api._sandbox.serve()))
            return api.connect(
                platform,
                **options,
                choose=lambda pages: self._wait_for_page(pages, options["timeout"]),
                console=console,
            )

    def paste(self, text: str) -> None:
        self._pasted.put(text)

    def choose_page(self, page_id: str) -> None:
        self._chosen.put(page_id)

    def cancel(self) -> None:
        self._cancelled.set()
        self._chosen.put(None)

    def _say(self, text: str) -> None:
        if text in {PASTE_REQUIRED, PASTE_POSSIBLE}:  # the panel has a box, which is below the text
            text = f"{self._texts} {_PASTE_HINT}".strip()
        self._texts = text
        self._show_text(text)

    def _show_link(self, _: str, link: str) -> Callable[[], None]:
        inside, served = self._sandbox_urls
        if inside and link.startswith(inside):
            link = served + link.removeprefix(inside)
        self._open_link(link)
        return self._remove_link

    def _read_pasted(self, seconds: float) -> str | None:
        try:
            return self._pasted.get(timeout=seconds)
        except queue.Empty:
            return None

    def _wait_for_page(self, pages: Sequence[PageOption], timeout: float) -> str:
        self._show_pages(pages)
        try:
            page_id = self._chosen.get(timeout=timeout)
        except queue.Empty:
            text = "No Page was chosen in time. No account was connected."
            raise ConnectError(text, state="expired") from None
        if page_id is None:
            raise ConnectError("Cancelled. No account was connected.", state="cancelled")
        return page_id
