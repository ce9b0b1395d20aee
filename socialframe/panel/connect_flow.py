"""One attempt to connect an account: what stands between its thread and the widgets."""

from __future__ import annotations

import queue
from contextlib import ExitStack
from typing import TYPE_CHECKING

from socialframe.connect.console import Console
from socialframe.errors import ConnectError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from socialframe.client import Client
    from socialframe.connect.requests import Account, PageOption

_TICK = 0.2  # seconds between two looks at whether it was cancelled


class Attempt:
    """One attempt, good for once.

    Parameters
    ----------
    say : callable
        Shows a sentence.
    show : callable
        Sends a tab to a link.
    gone : callable
        Takes the link away.
    ask : callable
        Shows the Facebook Pages to choose from.

    Examples
    --------
    >>> import socialframe as sf
    >>> attempt = Attempt(print, lambda link: attempt.cancel(), lambda: None, print)
    >>> attempt.run(sf.Client.sandbox(), "tiktok", timeout=5)
    Traceback (most recent call last):
    socialframe.errors.ConnectError: It was cancelled. Nothing was connected.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        show: Callable[[str], None],
        gone: Callable[[], None],
        ask: Callable[[Sequence[PageOption]], None],
    ) -> None:
        self._say, self._show, self._gone, self._ask = say, show, gone, ask
        self._typed: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._chosen: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._cancelled = False
        self._served = ("", "")

    def run(
        self,
        api: Client,
        platform: str,
        *,
        callback: str = "auto",
        redirect_url: str | None = None,
        port: int = 0,
        timeout: float = 300.0,
    ) -> Account:
        """Connect, and say who was connected; as ``api.connect``, which it calls.

        Raises
        ------
        ConnectError
            If none was connected.
        SocialFrameError
            If it could not begin.
        """
        console = Console(say=self._say, show=self._shown, read=self._read)
        with ExitStack() as stack:
            if api.box is not None:  # no browser reaches what is in this process
                self._served = (api.base_url, stack.enter_context(api.box.serve()))
            return api.connect(
                platform,
                callback=callback,
                redirect_url=redirect_url,
                port=port,
                timeout=timeout,
                choose=lambda options: self._choose(options, timeout),
                console=console,
            )

    def paste(self, text: str) -> None:
        """Take the address of a page that did not load."""
        self._typed.put(text)

    def choose(self, option: str) -> None:
        """Say which Page is meant."""
        self._chosen.put(option)

    def cancel(self) -> None:
        """End it soon, without an account."""
        self._cancelled = True

    def _shown(self, _: str, link: str) -> Callable[[], None]:
        inside, outside = self._served
        if inside and link.startswith(inside):
            link = outside + link.removeprefix(inside)
        self._show(link)
        return self._gone

    def _read(self, seconds: float) -> str | None:
        self._go_on()
        try:
            return self._typed.get(timeout=seconds)
        except queue.Empty:
            return None

    def _choose(self, options: Sequence[PageOption], timeout: float) -> str:
        self._ask(options)
        for _ in range(int(timeout / _TICK) + 1):
            self._go_on()
            try:
                return self._chosen.get(timeout=_TICK)
            except queue.Empty:
                continue
        raise ConnectError("No Page was chosen in time. Nothing was connected.", state="expired")

    def _go_on(self) -> None:
        if self._cancelled:
            raise ConnectError("It was cancelled. Nothing was connected.", state="cancelled")
