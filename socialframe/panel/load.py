"""The second part: what to load, what it costs, Load, Stop, how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as w

from socialframe.errors import ArgumentError, IncompleteWalk, SocialFrameError
from socialframe.panel import styles
from socialframe.panel.background import Stopped, Watcher, Work
from socialframe.panel.request import ENDPOINTS, PLATFORMS, Wish, platforms, rows_of
from socialframe.panel.wording import Status, Told, cost, counted, failed

if TYPE_CHECKING:
    import pandas as pd

    from socialframe.panel.panel import Panel
    from socialframe.query import Query

_ALL = "all"


class Load:
    """The part of loading; ``box`` is its widget."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._unfinished: tuple[Wish, IncompleteWalk] | None = None
        self.work = Work(self._say, self._draw)
        self.endpoint = styles.field(
            w.Dropdown(description="What", options=list(ENDPOINTS)), "110px"
        )
        self.platform = styles.field(
            w.Dropdown(description="Platform", options=self._platforms()), "116px"
        )
        self.account = styles.field(
            w.Dropdown(description="Account", options=[(_ALL, "")]), "170px"
        )
        self.since = styles.field(w.DatePicker(description="From"), "132px")
        self.until = styles.field(w.DatePicker(description="To"), "132px")
        self.rows = styles.field(
            w.Text(description="Rows at most", placeholder=_ALL, continuous_update=False), "96px"
        )
        self.cost = w.HTML()
        self.load_button = w.Button(description="Load", button_style="primary")
        self.stop_button = w.Button(description="Stop")
        self.bar = w.IntProgress(min=0, max=1000)
        self.status = w.HTML(styles.status(None))
        self.load_button.on_click(lambda _: self.load())
        self.stop_button.on_click(lambda _: self.stop())
        controls = (
            self.endpoint, self.platform, self.account, self.since, self.until, self.rows
        )  # fmt: skip
        for control in controls:
            control.observe(lambda _: self.price(), "value")
        self.box = styles.part(
            w.HTML(styles.step(2, "Load")),
            styles.row(*controls),
            styles.row(self.load_button, self.stop_button, self.cost),
            self.bar,
            self.status,
        )
        styles.show(self.bar, shown=False)
        self._draw()

    def wish(self) -> Wish:
        """Return what the form asks for.

        Raises
        ------
        ArgumentError
            If the rows at most are no number.
        """
        return Wish(
            endpoint=self.endpoint.value,
            platform=self.platform.value or None,
            account_id=self.account.value or None,
            since=self.since.value,
            until=self.until.value,
            rows=rows_of(self.rows.value),
        )

    def price(self) -> None:
        """Say what it would cost; nothing is sent."""
        takes = ENDPOINTS[self.endpoint.value]
        styles.show(self.platform, shown="platform" in takes)
        styles.show(self.account, shown="account_id" in takes)
        styles.show(self.since, shown="since" in takes)
        styles.show(self.until, shown="until" in takes)
        api = self._panel.api
        if api is None:
            return
        try:
            wish = self.wish()
            told = Status("quiet", cost(wish.query(api).estimate(), wish.rows, api.budget))
        except SocialFrameError as error:
            told = failed(error)
        self.cost.value = styles.status(told)

    def load(self) -> None:
        """Load, or go on where it was stopped."""
        try:
            wish = self.wish()
            query = wish.query(self._panel.client)
        except ArgumentError as error:
            self._say(failed(error))
            return
        if not self.work.begin(lambda: self._loaded(wish, query)):
            self._say(Status("warn", "Something is being loaded already; Stop ends it."))

    def forget(self) -> None:
        """Go on with nothing: another client is asked from now on."""
        self._unfinished = None

    def stop(self) -> None:
        """Stop before the next page; what came stays."""
        if self.work.busy:
            self.work.stop.set()
            self._say(Status("busy", "Stopping after the page that is on its way …"))

    def _loaded(self, wish: Wish, query: Query) -> Status:
        self._tell(Told())
        watcher = Watcher(self._tell, self.work.stop)
        try:
            frame = self._going_on(wish, query).frame(progress=watcher)
        except Stopped:
            return Status("warn", "Stopped before the first page came.")
        except IncompleteWalk as error:
            return self._kept(wish, query, error)
        self._unfinished = None
        self._panel.loaded(frame, query, wish)
        self.bar.value = self.bar.max
        said = f" {watcher.said[0].upper()}{watcher.said[1:]}." if watcher.said else ""
        return Status("good", f"{counted(len(frame), 'row')} are here.{said}")

    def _going_on(self, wish: Wish, query: Query) -> Query:
        """Return the query, to go on where it stopped if it is the same."""
        before, self._unfinished = self._unfinished, None
        if before is not None and before[0] == wish and before[1].walk_id:
            try:
                again: Query = before[1].resume()
            except ArgumentError:  # nothing of it is kept any more
                return query
            return again
        return query

    def _kept(self, wish: Wish, query: Query, error: IncompleteWalk) -> Status:
        """Show the rows that came before it ended."""
        self._unfinished = wish, error
        stopped = isinstance(error.__cause__, Stopped)
        if not error.walk_id:  # a client without a journal
            return Status("warn", "Stopped; nothing was kept.") if stopped else failed(error)
        frame: pd.DataFrame = error.frame()
        self._panel.loaded(frame, query, wish)
        here = f"{counted(len(frame), 'row')} are here, and Load goes on from there."
        if stopped:
            return Status("warn", f"Stopped: {here}")
        return Status("bad", f"{error.reason} {here}")

    def _tell(self, told: Told) -> None:
        if told.share is not None:
            self.bar.value = int(told.share * self.bar.max)
        if not self.work.stop.is_set():
            text = str(told) if told.pages or told.reason else "Asking for the first page …"
            self._say(Status("warn" if told.reason else "busy", text))

    def _say(self, status: Status) -> None:
        self.status.value = styles.status(status)

    def _draw(self) -> None:
        busy = self.work.busy
        self.load_button.disabled, self.stop_button.disabled = busy, not busy
        if busy:
            self.bar.value = 0
            styles.show(self.bar, shown=True)
        else:
            self.price()

    def draw(self) -> None:
        """Offer the platforms and accounts that there are."""
        platform, account = self.platform.value, self.account.value
        known = [(f"{one.name} ({one.platform})", one.account_id) for one in self._panel.profiles]
        self.platform.options = self._platforms()
        self.account.options = [(_ALL, ""), *known]
        self.platform.value = platform
        self.account.value = account if account in [one for _, one in known] else ""
        self.price()

    def _platforms(self) -> list[tuple[str, str]]:
        names = platforms(self._panel.profiles) if self._panel.profiles else list(PLATFORMS)
        return [(_ALL, ""), *((name, name) for name in names)]
