"""Part 1: the connected accounts; connect, reconnect and disconnect."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from socialframe.errors import ConnectError, SocialFrameError
from socialframe.panel import styles
from socialframe.panel.background import BackgroundTask
from socialframe.panel.browser_button import BrowserButton
from socialframe.panel.connect_flow import ConnectFlow
from socialframe.panel.request import PLATFORMS, Profile, platforms_of, profiles_of
from socialframe.panel.wording import Status, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from socialframe.connect.requests import PageOption
    from socialframe.panel.state import PanelState

_BUSY = Status("warn", "Another action is still running here. Wait until it has finished.")
_SYMBOLS = {"good": "●", "warn": "▲", "bad": "■", "quiet": "○"}


class Accounts:
    def __init__(self, state: PanelState) -> None:
        self._state = state
        self._flow: ConnectFlow | None = None
        self.task = BackgroundTask(self._show, self._update_controls)
        self.title = w.HTML(styles.heading(1, "Accounts"))
        self.status = w.HTML(styles.status_line(None))
        self.account_list = w.VBox()
        self.account_list.add_class("sf-accounts")
        self.platform = styles.sized(w.Dropdown(description="Platform", options=PLATFORMS), "150px")
        self.connect_button = BrowserButton(
            "open",
            "Connect",
            lambda: self.connect(self.platform.value, self.connect_button),
            primary=True,
        )
        self.refresh_button = w.Button(description="Refresh")
        self.cancel_button = w.Button(description="Cancel")
        self.paste_box = styles.sized(
            w.Password(
                description="URL of the page that did not load",
                placeholder="paste it, then press Enter",
                continuous_update=False,
            ),
            "340px",
        )
        self.page = styles.sized(w.Dropdown(description="Which Page?"), "240px")
        self.choose_button = w.Button(description="Use this Page", button_style="primary")
        self.refresh_button.on_click(lambda _: self.refresh())
        self.cancel_button.on_click(lambda _: self.cancel())
        self.choose_button.on_click(lambda _: self._choose_page())
        self.paste_box.observe(self._take_pasted, "value")
        self.flow_controls = styles.row(
            self.paste_box, self.page, self.choose_button, self.cancel_button
        )
        self.box = styles.section(
            self.title,
            self.account_list,
            styles.row(self.platform, self.connect_button.widget, self.refresh_button),
            self.flow_controls,
            self.status,
        )
        state.on_accounts.append(self._update_accounts)
        self._update_controls()

    def refresh(self) -> None:
        if self._is_free():
            self._show(Status("busy", "Requesting the accounts …"))
            self.task.start(self._request_accounts)

    def connect(self, platform: str, button: BrowserButton) -> None:
        """Connect an account in the tab that the button opened."""
        if not self._is_free():
            button.close_tab()
            return
        self._flow = flow = ConnectFlow(
            lambda text: self._show(Status("busy", text)),
            button.open_link,
            button.close_tab,
            self._show_pages,
        )
        self._show(Status("busy", f"Requesting the consent page of {platform} …"))
        self.task.start(lambda: self._run_flow(flow, platform, button))

    def cancel(self) -> None:
        if self._flow is not None:
            self._flow.cancel()

    def _is_free(self) -> bool:
        if self.task.busy:
            self._show(_BUSY)
        return not self.task.busy

    def _take_pasted(self, change: dict[str, Any]) -> None:
        text = change["new"]
        if text:
            self.paste_box.value = ""  # first, because the value is saved with the notebook
            if self._flow is not None:
                self._flow.paste(text)

    def _choose_page(self) -> None:
        if self._flow is not None and self.page.value:
            styles.show(self.page, self.choose_button, visible=False)
            self._flow.choose_page(self.page.value)

    def _run_flow(self, flow: ConnectFlow, platform: str, button: BrowserButton) -> Status:
        try:
            account = flow.run(self._state.client, platform, self._state.connect_options)
        except ConnectError as error:
            return Status("bad" if error.state == "failed" else "warn", str(error))
        finally:
            self._flow = None
            button.close_tab()
        return self._refresh_after(f"Connected: {account}.")

    def _disconnect(self, profile: Profile) -> None:
        if self._is_free():
            self._show(Status("busy", f"Disconnecting {profile.name} …"))
            self.task.start(lambda: self._run_disconnect(profile))

    def _run_disconnect(self, profile: Profile) -> Status:
        self._state.client.disconnect(profile.platform, profile.account_id)
        return self._refresh_after(f"Disconnected: {profile.name} ({profile.platform}).")

    def _refresh_after(self, text: str) -> Status:
        """Request the accounts after an action, which succeeded even if this fails."""
        try:
            self._request_accounts()
        except SocialFrameError as error:
            return Status("warn", f"{text} The accounts could not be updated: {error}")
        return Status("good", text)

    def _request_accounts(self) -> Status:
        api = self._state.client
        accounts = api.accounts().frame(refresh=True, progress=False)
        warning = ""
        try:
            health = api.health().frame(refresh=True, progress=False)
        except SocialFrameError as error:  # show the accounts without their health
            health, warning = None, f"The health of the accounts is unknown: {error}"
        self._state.set_accounts(accounts, profiles_of(accounts, health))
        if not len(accounts):
            text = "No account is connected yet. Choose a platform and press Connect."
            return Status("quiet", f"{text} {warning}".strip())
        return Status("warn" if warning else "quiet", warning)

    def _show_pages(self, pages: Sequence[PageOption]) -> None:
        self.page.options = [(page.name, page.id) for page in pages]
        styles.show(self.paste_box, visible=False)
        styles.show(self.page, self.choose_button)
        self._show(Status("busy", "There are several Pages. Choose the one to connect."))

    def _show(self, status: Status) -> None:
        self.status.value = styles.status_line(status)

    def _update_controls(self) -> None:
        busy = self.task.busy
        self.connect_button.set_enabled(not busy)
        self.refresh_button.disabled = self.platform.disabled = busy
        styles.show(self.flow_controls, visible=busy and self._flow is not None)
        styles.show(self.paste_box)
        styles.show(self.page, self.choose_button, visible=False)

    def _update_accounts(self) -> None:
        profiles = self._state.profiles
        more = counted(len(profiles), "account") + " connected" if profiles else ""
        self.title.value = styles.heading(1, "Accounts", more)
        selected = self.platform.value
        self.platform.options = platforms_of(profiles)
        self.platform.value = selected
        old = self.account_list.children
        unhealthy_first = sorted(profiles, key=lambda profile: not profile.needs_reconnect)
        self.account_list.children = tuple(self._account_row(one) for one in unhealthy_first)
        styles.show(self.account_list, visible=bool(profiles))
        for row in old:
            for widget in (*row.children, row):
                widget.close()

    def _account_row(self, profile: Profile) -> w.HBox:
        children: list[Any] = [w.HTML(account_line(profile))]
        if profile.needs_reconnect:
            button = BrowserButton(
                "open", "Reconnect", lambda: self.connect(profile.platform, button)
            )
            children.append(button.widget)
        children += self._disconnect_buttons(profile)
        row = styles.row(*children, small=True)
        row.add_class("sf-account")
        return row

    def _disconnect_buttons(self, profile: Profile) -> list[Any]:
        """Return a button that disconnects at the second click, and one that cancels this."""
        disconnect = w.Button(description="Disconnect", tooltip=f"Disconnect {profile.name}")
        keep = w.Button(description="Keep", tooltip=f"Keep {profile.name}")
        styles.show(keep, visible=False)

        def disconnect_clicked(_: object) -> None:
            if keep.layout.display == "none":
                disconnect.description, disconnect.button_style = "Really disconnect?", "danger"
                styles.show(keep)
            else:
                self._disconnect(profile)

        def keep_clicked(_: object) -> None:
            disconnect.description, disconnect.button_style = "Disconnect", ""
            styles.show(keep, visible=False)

        disconnect.on_click(disconnect_clicked)
        keep.on_click(keep_clicked)
        return [disconnect, keep]


def account_line(profile: Profile) -> str:
    """Return an account as HTML: platform, name, health as colour and word, date, advice."""
    health = f"{_SYMBOLS[profile.level]} {profile.health or 'unknown'}"
    since = f"since {profile.since}" if profile.since else ""
    advice = f'<div class="sf-advice">{escape(profile.advice)}</div>' if profile.advice else ""
    return (
        f'<div class="sf-profile"><span class="sf-soft">{escape(profile.platform)}</span>'
        f'<span class="sf-name" title="{escape(profile.account_id)}">{escape(profile.name)}</span>'
        f'<span class="sf-{profile.level}">{escape(health)}</span>'
        f'<span class="sf-soft">{since}</span></div>{advice}'
    )
