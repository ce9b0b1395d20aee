"""The first part: who is connected, connecting, connecting again, disconnecting."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from socialframe.errors import ConnectError, SocialFrameError
from socialframe.panel import styles
from socialframe.panel.background import Work
from socialframe.panel.browser_button import Door
from socialframe.panel.connect_flow import Attempt
from socialframe.panel.request import PLATFORMS, platforms, profiles
from socialframe.panel.wording import Status, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from socialframe.connect.requests import PageOption
    from socialframe.panel.panel import Panel
    from socialframe.panel.request import Profile

_WAITS = (
    "Waiting for you: allow the access in the tab that opened. If the page after it does not load, "
    "paste its whole address here."
)
_BUSY = Status("warn", "Something is at work here already; let it end first.")
_WORDS = {"good": "●", "warn": "▲", "bad": "■", "quiet": "○"}


class Accounts:
    """The part of the accounts; ``box`` is its widget."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._attempt: Attempt | None = None
        self._heard = ""  # of this attempt
        self.work = Work(self._say, self._draw)
        self.title = w.HTML(styles.step(1, "Accounts"))
        self.status = w.HTML(styles.status(None))
        self.listed = w.VBox()
        self.listed.add_class("sf-accounts")
        self.platform = styles.field(w.Dropdown(description="Platform", options=PLATFORMS), "150px")
        self.connect_door = Door("open", "Connect", self._connect, primary=True)
        self.refresh_button = w.Button(description="Refresh")
        self.cancel_button = w.Button(description="Cancel")
        self.pasted = styles.field(
            w.Password(
                description="Address of the page that did not load",
                placeholder="paste it, then press Enter",
                continuous_update=False,
            ),
            "340px",
        )
        self.page = styles.field(w.Dropdown(description="Which Page?"), "240px")
        self.choose_button = w.Button(description="Use this Page", button_style="primary")
        self.refresh_button.on_click(lambda _: self.refresh())
        self.cancel_button.on_click(lambda _: self.cancel())
        self.choose_button.on_click(lambda _: self._choose())
        self.pasted.observe(self._paste, "value")
        self.waiting = styles.row(self.pasted, self.page, self.choose_button, self.cancel_button)
        self.box = styles.part(
            self.title,
            self.listed,
            styles.row(self.platform, self.connect_door.widget, self.refresh_button),
            self.waiting,
            self.status,
        )
        self._draw()

    def refresh(self) -> None:
        """Ask who is connected, past the cache."""
        if self._free():
            self._say(Status("busy", "Asking who is connected …"))
            self.work.begin(self._ask)

    def connect(self, platform: str, door: Door) -> None:
        """Begin to connect an account, in a tab that the door opened."""
        if not self._free():
            door.shut()
            return
        attempt = Attempt(self._hear, door.go, door.shut, self._pages)
        self._attempt, self._heard = attempt, ""
        self._say(Status("busy", f"Asking {platform} for the address …"))
        self.work.begin(lambda: self._connected(attempt, platform, door))

    def disconnect(self, profile: Profile) -> None:
        """Remove a connection."""
        if self._free():
            self._say(Status("busy", f"Disconnecting {profile.name} …"))
            self.work.begin(lambda: self._disconnected(profile))

    def paste(self, text: str) -> None:
        """Take an address, as the paste box does."""
        if self._attempt is not None:
            self._attempt.paste(text)

    def cancel(self) -> None:
        """End the attempt that waits."""
        if self._attempt is not None:
            self._attempt.cancel()

    def _free(self) -> bool:
        if self.work.busy:
            self._say(_BUSY)
        return not self.work.busy

    def _connect(self) -> None:
        self.connect(self.platform.value, self.connect_door)

    def _paste(self, change: dict[str, Any]) -> None:
        text = change["new"]
        if text:
            self.pasted.value = ""  # first: what stands in a trait is saved with the notebook
            self.paste(text)

    def _choose(self) -> None:
        if self._attempt is not None and self.page.value:
            styles.show(self.page, shown=False)
            styles.show(self.choose_button, shown=False)
            self._attempt.choose(self.page.value)

    def _connected(self, attempt: Attempt, platform: str, door: Door) -> Status:
        try:
            account = attempt.run(self._panel.client, platform, **self._panel.connecting)
        except ConnectError as error:
            mood = "bad" if error.state == "failed" else "warn"
            return Status("warn" if mood == "warn" else "bad", str(error))
        finally:
            self._attempt = None
            door.shut()
        return self._then(f"Connected: {account}.")

    def _disconnected(self, profile: Profile) -> Status:
        self._panel.client.disconnect(profile.platform, profile.account_id)
        return self._then(f"Disconnected: {profile.name} ({profile.platform}).")

    def _then(self, text: str) -> Status:
        """Ask anew who is connected after something was done, which stays done in any case."""
        try:
            self._ask()
        except SocialFrameError as error:
            return Status("warn", f"{text} Who is connected now was not told: {error}")
        return Status("good", text)

    def _ask(self) -> Status:
        api = self._panel.client
        accounts = api.accounts().frame(refresh=True, progress=False)
        told = ""
        try:
            health = api.health().frame(refresh=True, progress=False)
        except SocialFrameError as error:  # who is connected is known all the same
            health, told = None, f" Their health was not told: {error}"
        self._panel.known(accounts, profiles(accounts, health))
        if not len(accounts):
            return Status("quiet", f"Nobody is connected yet: pick a platform, and Connect.{told}")
        return Status("warn" if told else "quiet", told.strip())

    def _hear(self, text: str) -> None:
        if text.endswith("here:"):  # a line to type in: here it is a box, below what was said
            text = f"{self._heard} {_WAITS}".strip()
        self._heard = text
        self._say(Status("busy", text))

    def _pages(self, options: Sequence[PageOption]) -> None:
        self.page.options = [(one.name, one.id) for one in options]
        styles.show(self.pasted, shown=False)
        styles.show(self.page, shown=True)
        styles.show(self.choose_button, shown=True)
        self._say(Status("busy", "There are several Pages: say which one is meant."))

    def _say(self, status: Status) -> None:
        self.status.value = styles.status(status)

    def _draw(self) -> None:
        """Show what can be done now."""
        busy, waits = self.work.busy, self._attempt is not None
        self.connect_door.able(not busy)
        self.refresh_button.disabled = self.platform.disabled = busy
        styles.show(self.waiting, shown=busy and waits)
        styles.show(self.pasted, shown=True)
        styles.show(self.page, shown=False)
        styles.show(self.choose_button, shown=False)

    def draw(self) -> None:
        """Show who is connected."""
        found = self._panel.profiles
        more = counted(len(found), "account") + " connected" if found else ""
        self.title.value = styles.step(1, "Accounts", more)
        chosen = self.platform.value
        self.platform.options = platforms(found)
        self.platform.value = chosen
        old = self.listed.children
        worst = sorted(found, key=lambda one: not one.reconnects)  # the others stay in their order
        self.listed.children = tuple(self._line(one) for one in worst)
        styles.show(self.listed, shown=bool(found))
        for row in old:
            for widget in (*row.children, row):
                widget.close()

    def _line(self, one: Profile) -> w.HBox:
        children: list[Any] = [w.HTML(line(one))]
        if one.reconnects:
            door = Door("open", "Reconnect", lambda: self.connect(one.platform, door))
            children.append(door.widget)
        children += self._leaving(one)
        box = styles.row(*children, small=True)
        box.add_class("sf-account")
        return box

    def _leaving(self, one: Profile) -> list[Any]:
        """Return the button that disconnects, which asks once, and the one that takes it back."""
        leave = w.Button(description="Disconnect", tooltip=f"Disconnect {one.name}")
        keep = w.Button(description="Keep", tooltip=f"Keep {one.name}")
        styles.show(keep, shown=False)

        def pressed(_: object) -> None:
            if keep.layout.display == "none":
                leave.description, leave.button_style = "Really disconnect?", "danger"
                styles.show(keep, shown=True)
            else:
                self.disconnect(one)

        def kept(_: object) -> None:
            leave.description, leave.button_style = "Disconnect", ""
            styles.show(keep, shown=False)

        leave.on_click(pressed)
        keep.on_click(kept)
        return [leave, keep]


def line(one: Profile) -> str:
    """Return an account as one line: platform, name, health as colour and word, since when.

    Examples
    --------
    >>> from socialframe.panel.request import Profile
    >>> "▲ warning" in line(Profile("tiktok", "tt_1", "lantern", "", "warning"))
    True
    """
    health = f"{_WORDS[one.level]} {one.health or 'not told'}"
    since = f"since {one.since}" if one.since else ""
    advice = f'<div class="sf-advice">{escape(one.advice)}</div>' if one.advice else ""
    return (
        f'<div class="sf-who"><span class="sf-soft">{escape(one.platform)}</span>'
        f'<span class="sf-name" title="{escape(one.account_id)}">{escape(one.name)}</span>'
        f'<span class="sf-{one.level}">{escape(health)}</span>'
        f'<span class="sf-soft">{since}</span></div>{advice}'
    )
