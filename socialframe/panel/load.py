"""Part 2: the filters, their cost, Load, Stop and the progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as w

from socialframe.errors import ArgumentError, IncompleteWalk, SocialFrameError
from socialframe.panel import styles
from socialframe.panel.background import BackgroundTask, ProgressWatcher, Stopped
from socialframe.panel.request import (
    ENDPOINTS,
    PLATFORMS,
    LoadRequest,
    parse_row_limit,
    platforms_of,
)
from socialframe.panel.wording import LoadProgress, Status, counted, describe_cost, error_status

if TYPE_CHECKING:
    import pandas as pd

    from socialframe.panel.state import PanelState
    from socialframe.query import Query

_ALL = "all"


class Load:
    def __init__(self, state: PanelState) -> None:
        self._state = state
        self._stopped: tuple[LoadRequest, IncompleteWalk] | None = None  # can be resumed
        self.task = BackgroundTask(self._show, self._update_controls)
        self.endpoint = styles.sized(
            w.Dropdown(description="Data", options=list(ENDPOINTS)), "110px"
        )
        self.platform = styles.sized(
            w.Dropdown(description="Platform", options=self._platform_options()), "116px"
        )
        self.account = styles.sized(
            w.Dropdown(description="Account", options=[(_ALL, "")]), "170px"
        )
        self.since = styles.sized(w.DatePicker(description="From"), "132px")
        self.until = styles.sized(w.DatePicker(description="To"), "132px")
        self.rows = styles.sized(
            w.Text(description="Row limit", placeholder=_ALL, continuous_update=False), "96px"
        )
        self.cost = w.HTML()
        self.load_button = w.Button(description="Load", button_style="primary")
        self.stop_button = w.Button(description="Stop")
        self.bar = w.IntProgress(min=0, max=1000)
        self.status = w.HTML(styles.status_line(None))
        self.load_button.on_click(lambda _: self.load())
        self.stop_button.on_click(lambda _: self.stop())
        self.filters = {
            "platform": self.platform,
            "account_id": self.account,
            "since": self.since,
            "until": self.until,
        }
        controls = (self.endpoint, *self.filters.values(), self.rows)
        for control in controls:
            control.observe(lambda _: self.show_cost(), "value")
        self.box = styles.section(
            w.HTML(styles.heading(2, "Load")),
            styles.row(*controls),
            styles.row(self.load_button, self.stop_button, self.cost),
            self.bar,
            self.status,
        )
        styles.show(self.bar, visible=False)
        state.on_accounts.append(self._update_accounts)
        self._update_controls()

    def load(self) -> None:
        """Load rows, or resume a stopped load of the same request."""
        try:
            request = self._request()
            query = request.query(self._state.client)
        except ArgumentError as error:
            self._show(error_status(error))
            return
        if not self.task.start(lambda: self._run(request, query)):
            self._show(Status("warn", "A load is already running. Press Stop to end it."))

    def stop(self) -> None:
        """Stop before the next page. The rows so far are kept."""
        if self.task.busy:
            self.task.stop_requested.set()
            self._show(Status("busy", "Stopping after the current page …"))

    def discard_stopped(self) -> None:
        """Do not resume a stopped load: it belongs to another client."""
        self._stopped = None

    def show_cost(self) -> None:
        """Show the filters of the endpoint and the cost of the request, without sending it."""
        for name, control in self.filters.items():
            styles.show(control, visible=name in ENDPOINTS[self.endpoint.value])
        api = self._state.api
        if api is None:
            return
        try:
            request = self._request()
            estimate = request.query(api).estimate()
            status = Status("quiet", describe_cost(estimate, request.rows, api.budget))
        except SocialFrameError as error:
            status = error_status(error)
        self.cost.value = styles.status_line(status)

    def _request(self) -> LoadRequest:
        return LoadRequest(
            endpoint=self.endpoint.value,
            platform=self.platform.value or None,
            account_id=self.account.value or None,
            since=self.since.value,
            until=self.until.value,
            rows=parse_row_limit(self.rows.value),
        )

    def _run(self, request: LoadRequest, query: Query) -> Status:
        self._show_progress(LoadProgress())
        watcher = ProgressWatcher(self._show_progress, self.task.stop_requested)
        try:
            frame = self._resumed(request, query).frame(progress=watcher)
        except Stopped:
            return Status("warn", "Stopped before the first page arrived.")
        except IncompleteWalk as error:
            return self._keep_rows(request, query, error)
        self._stopped = None
        self._state.set_rows(frame, query, request)
        self.bar.value = self.bar.max
        message = watcher.message
        message = f" {message[0].upper()}{message[1:]}." if message else ""
        return Status("good", f"{counted(len(frame), 'row')} loaded.{message}")

    def _resumed(self, request: LoadRequest, query: Query) -> Query:
        """Return the query, resumed if the last load stopped at the same request."""
        stopped, self._stopped = self._stopped, None
        if stopped is not None and stopped[0] == request and stopped[1].walk_id:
            try:
                resumed: Query = stopped[1].resume()
            except ArgumentError:  # its pages were deleted
                return query
            return resumed
        return query

    def _keep_rows(self, request: LoadRequest, query: Query, error: IncompleteWalk) -> Status:
        """Show the rows that arrived before the load ended."""
        self._stopped = request, error
        by_user = isinstance(error.__cause__, Stopped)
        if not error.walk_id:  # the client stores no walks
            return Status("warn", "Stopped. No rows were kept.") if by_user else error_status(error)
        frame: pd.DataFrame = error.frame()
        self._state.set_rows(frame, query, request)
        kept = f"{counted(len(frame), 'row')} loaded. Press Load to continue."
        if by_user:
            return Status("warn", f"Stopped: {kept}")
        return Status("bad", f"{error.reason} {kept}")

    def _show_progress(self, progress: LoadProgress) -> None:
        if progress.share is not None:
            self.bar.value = int(progress.share * self.bar.max)
        if not self.task.stop_requested.is_set():
            started = progress.pages or progress.waiting_for
            text = str(progress) if started else "Requesting the first page …"
            self._show(Status("warn" if progress.waiting_for else "busy", text))

    def _show(self, status: Status) -> None:
        self.status.value = styles.status_line(status)

    def _update_controls(self) -> None:
        busy = self.task.busy
        self.load_button.disabled, self.stop_button.disabled = busy, not busy
        if busy:
            self.bar.value = 0
            styles.show(self.bar)
        else:
            self.show_cost()

    def _update_accounts(self) -> None:
        platform, account = self.platform.value, self.account.value
        profiles = self._state.profiles
        known = [(f"{one.name} ({one.platform})", one.account_id) for one in profiles]
        self.platform.options = self._platform_options()
        self.account.options = [(_ALL, ""), *known]
        self.platform.value = platform
        self.account.value = account if account in [one for _, one in known] else ""
        self.show_cost()

    def _platform_options(self) -> list[tuple[str, str]]:
        profiles = self._state.profiles
        names = platforms_of(profiles) if profiles else list(PLATFORMS)
        return [(_ALL, ""), *((name, name) for name in names)]
