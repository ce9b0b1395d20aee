"""The fourth part: the rows into a file, and the code that does all of it."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as w

from socialframe.panel import styles
from socialframe.panel.background import Work
from socialframe.panel.browser_button import Door
from socialframe.panel.code import code, reads
from socialframe.panel.files import KINDS, has_targets, save
from socialframe.panel.wording import Status, counted, size

if TYPE_CHECKING:
    from socialframe.panel.files import Saved
    from socialframe.panel.panel import Panel

_SUFFIXES = tuple(f".{kind}" for kind in KINDS)
_LARGEST = 50_000_000  # bytes that go to the browser in one message


class Export:
    """The part of exporting; ``box`` is its widget."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._saved: Saved | None = None
        self._named = "posts.parquet"  # by us; what somebody typed stays
        self.work = Work(self._say, self._draw)
        kinds = [(name, kind) for kind, name in KINDS.items()]
        self.kind = styles.field(w.Dropdown(description="Format", options=kinds), "130px")
        self.targets = styles.field(
            w.Dropdown(description="One row a", options=[("post", False), ("target", True)]),
            "110px",
        )
        self.path = styles.field(
            w.Text(description="File", value=self._named, continuous_update=False), "230px"
        )
        self.save_button = w.Button(description="Save", button_style="primary")
        self.download = Door("file", "Download", self._download)
        self.status = w.HTML(styles.status(None))
        self.code = w.HTML()
        self.copy = Door("copy", "Copy as code", lambda: None)
        self.save_button.on_click(lambda _: self.save())
        self.kind.observe(lambda _: self._renamed(), "value")
        for control in (self.targets, self.path):
            control.observe(lambda _: self.write(), "value")
        self.box = styles.part(
            w.HTML(styles.step(4, "Export")),
            styles.row(self.kind, self.targets, self.path, self.save_button, self.download.widget),
            self.status,
            self.code,
            styles.row(self.copy.widget),
        )
        styles.show(self.copy.widget, shown=self.copy.copies)
        self._draw()

    def save(self) -> None:
        """Write the rows that are loaded."""
        if self._panel.df is None:
            self._say(Status("warn", "Nothing is loaded yet."))
        elif not self.work.begin(self._written):
            self._say(Status("warn", "A file is being written already."))

    def draw(self) -> None:
        """Offer what can be written of the rows that are loaded."""
        query = self._panel.query
        record = query._plan.endpoint.name if query is not None else "posts"
        # The names of endpoints are plurals; of health and analytics there is one a row of theirs.
        one = {"posts": "post", "analytics": "post", "accounts": "account"}.get(record, "row")
        targets = query is None or has_targets(query.columns)
        options = [(one, False), ("target", True)] if targets else [(one, False)]
        if list(self.targets.options) != options:
            self.targets.options = options
        if self.path.value == self._named:
            self.path.value = self._named = f"{record}.{self.kind.value}"
        self._saved = None
        self._draw()

    def write(self) -> None:
        """Show the code that does the same."""
        text = code(
            self._panel.wish,
            made_up=self._panel.made_up,
            targets=self.targets.value is True,
            kind=self.kind.value,
            path=self.path.value,
        )
        label = 'role="region" aria-label="The same as code" tabindex="0"'
        self.code.value = f'<pre class="sf-code" {label}>{escape(text)}</pre>'
        self.copy.text(text)

    def _written(self) -> Status:
        frame, query = self._panel.df, self._panel.query
        assert frame is not None  # noqa: S101 - it was looked at
        assert query is not None  # noqa: S101 - they come together
        kind, path = self.kind.value, self.path.value
        self._saved = None
        done = save(frame, query.columns, path, kind, targets=self.targets.value is True)
        self._saved = done
        told = f"{done.path}: {counted(done.rows, 'row')}, {size(done.size)}."
        return Status("good", f"{told} Read it by {reads(kind, path)}")

    def _download(self) -> None:
        done = self._saved
        if done is None:
            return
        if done.size > _LARGEST:
            self._say(Status("warn", f"It is too large for this button; it is at {done.path}."))
            return
        try:
            self.download.give(done.path.name, done.path.read_bytes())
        except OSError as error:
            self._say(Status("bad", f"{done.path} cannot be read: {error.strerror}."))

    def _renamed(self) -> None:
        stem, ours = self.path.value, self.path.value == self._named
        if stem.endswith(_SUFFIXES):
            stem = str(Path(stem).with_suffix(""))
        self.path.value = f"{stem}.{self.kind.value}"
        self._named = self.path.value if ours else self._named
        self.write()

    def _say(self, status: Status) -> None:
        self.status.value = styles.status(status)

    def _draw(self) -> None:
        busy = self.work.busy
        self.save_button.disabled = busy or self._panel.df is None
        ready = self._saved is not None and not busy and self.download.copies
        styles.show(self.download.widget, shown=ready)
        self.write()
