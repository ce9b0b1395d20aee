"""Part 4: save the loaded rows to a file, and show the code that does the same."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from socialframe.errors import ArgumentError
from socialframe.files.atomic import expand_user
from socialframe.panel import styles
from socialframe.panel.background import BackgroundTask
from socialframe.panel.browser_button import BrowserButton
from socialframe.panel.wording import Status, counted, format_size

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from socialframe.panel.request import LoadRequest
    from socialframe.panel.state import PanelState
    from socialframe.schema.columns import Schema

FORMATS = {"parquet": "Parquet", "csv": "CSV", "jsonl": "JSON Lines"}
TARGETS = "platforms"
_SUFFIXES = tuple(f".{kind}" for kind in FORMATS)
_READ_CODE = {
    "parquet": "sf.read_parquet({path!r})",
    "csv": "pd.read_csv({path!r})",
    "jsonl": "pd.read_json({path!r}, lines=True)",
}
_MAX_DOWNLOAD = 50_000_000  # bytes that go to the browser in one message


@dataclass(frozen=True, slots=True)
class SavedFile:
    path: Path
    size: int
    rows: int


class Export:
    def __init__(self, state: PanelState) -> None:
        self._state = state
        self._saved: SavedFile | None = None
        self._suggested = "posts.parquet"  # a name that the user typed is never replaced
        self.task = BackgroundTask(self._show, self._update_controls)
        formats = [(name, kind) for kind, name in FORMATS.items()]
        self.format = styles.sized(w.Dropdown(description="Format", options=formats), "130px")
        self.targets = styles.sized(
            w.Dropdown(description="One row per", options=[("post", False), ("target", True)]),
            "110px",
        )
        self.path = styles.sized(
            w.Text(description="File", value=self._suggested, continuous_update=False), "230px"
        )
        self.save_button = w.Button(description="Save", button_style="primary")
        self.download_button = BrowserButton("download", "Download", self._download)
        self.status = w.HTML(styles.status_line(None))
        self.code = w.HTML()
        self.copy_button = BrowserButton("copy", "Copy as code", lambda: None)
        self.save_button.on_click(lambda _: self.save())
        self.format.observe(lambda _: self._change_suffix(), "value")
        for control in (self.targets, self.path):
            control.observe(lambda _: self.show_code(), "value")
        self.box = styles.section(
            w.HTML(styles.heading(4, "Export")),
            styles.row(
                self.format,
                self.targets,
                self.path,
                self.save_button,
                self.download_button.widget,
            ),
            self.status,
            self.code,
            styles.row(self.copy_button.widget),
        )
        styles.show(self.copy_button.widget, visible=self.copy_button.has_browser_access)
        state.on_rows.append(self._update_rows)
        self._update_controls()

    def save(self) -> None:
        if self._state.df is None:
            self._show(Status("warn", "No rows are loaded yet."))
        elif not self.task.start(self._run):
            self._show(Status("warn", "A file is already being written."))

    def show_code(self) -> None:
        """Show the code that loads and saves the same rows."""
        text = python_code(
            self._state.request,
            sandbox=self._state.is_sandbox,
            targets=self.targets.value is True,
            kind=self.format.value,
            path=self.path.value,
        )
        label = 'role="region" aria-label="The same as code" tabindex="0"'
        self.code.value = f'<pre class="sf-code" {label}>{escape(text)}</pre>'
        self.copy_button.set_copied_text(text)

    def _run(self) -> Status:
        frame, query = self._state.df, self._state.query
        assert frame is not None  # noqa: S101 - checked by the caller
        assert query is not None  # noqa: S101 - set together with the frame
        kind, targets = self.format.value, self.targets.value is True
        self._saved = None
        saved = save_rows(frame, query.columns, self.path.value, kind, targets=targets)
        self._saved = saved
        text = f"{saved.path}: {counted(saved.rows, 'row')}, {format_size(saved.size)}."
        return Status(
            "good", f"{text} Read it with {_READ_CODE[kind].format(path=str(saved.path))}"
        )

    def _download(self) -> None:
        saved = self._saved
        if saved is None:
            return
        if saved.size > _MAX_DOWNLOAD:
            self._show(Status("warn", f"The file is too large for this button: {saved.path}."))
            return
        try:
            self.download_button.download(saved.path.name, saved.path.read_bytes())
        except OSError as error:
            self._show(Status("bad", f"Cannot read {saved.path}: {error.strerror}."))

    def _change_suffix(self) -> None:
        stem, is_suggested = self.path.value, self.path.value == self._suggested
        if stem.endswith(_SUFFIXES):
            stem = str(Path(stem).with_suffix(""))
        self.path.value = f"{stem}.{self.format.value}"
        self._suggested = self.path.value if is_suggested else self._suggested
        self.show_code()

    def _show(self, status: Status) -> None:
        self.status.value = styles.status_line(status)

    def _update_rows(self) -> None:
        query = self._state.query
        name = query._plan.endpoint.name if query is not None else "posts"
        noun = {"posts": "post", "analytics": "post", "accounts": "account"}.get(name, "row")
        options = [(noun, False)]
        if query is None or TARGETS in query.columns.names:
            options.append(("target", True))
        if list(self.targets.options) != options:
            self.targets.options = options
        if self.path.value == self._suggested:
            self.path.value = self._suggested = f"{name}.{self.format.value}"
        self._saved = None
        self._update_controls()

    def _update_controls(self) -> None:
        busy = self.task.busy
        self.save_button.disabled = busy or self._state.df is None
        ready = self._saved is not None and not busy and self.download_button.has_browser_access
        styles.show(self.download_button.widget, visible=ready)
        self.show_code()


def python_code(
    request: LoadRequest, *, sandbox: bool, targets: bool = False, kind: str = "", path: str = ""
) -> str:
    """Return Python code that loads the same rows and, with a kind, writes the same file."""
    explode = f'.explode("{TARGETS}")' if targets else ""
    client = "sf.Client.sandbox()  # made-up people" if sandbox else "sf.Client()"
    lines = ["import socialframe as sf", "", f"api = {client}", f"query = {request.code}{explode}"]
    if kind == "parquet":
        lines += [f"path = query.to_parquet({path!r})", "df = sf.read_parquet(path)"]
    else:
        lines.append("df = query.frame()")
    if kind in {"csv", "jsonl"}:
        lines.append(f"path = query.to_{kind}({path!r})  # requests the rows again")
    return "\n".join(lines)


def save_rows(
    frame: pd.DataFrame,
    schema: Schema,
    path: str | os.PathLike[str],
    kind: str,
    *,
    targets: bool = False,
) -> SavedFile:
    """Write the frame of a declared endpoint as its query would, without sending requests."""
    from socialframe.files.parquet import write_parquet
    from socialframe.files.text import write_csv, write_jsonl

    if not os.fsdecode(path).strip():
        raise ArgumentError("The file name is empty. Enter one, such as posts.parquet.")
    batch = _record_batch(frame, schema, targets=targets)
    if kind == "parquet":
        metadata: dict[str, Any] = {**frame.attrs.get("socialframe", {}), "rows": batch.num_rows}
        write_parquet(path, [batch], lambda: metadata)
    else:
        (write_csv if kind == "csv" else write_jsonl)(path, [batch])
    written = expand_user(path)
    return SavedFile(written, written.stat().st_size, batch.num_rows)


def _record_batch(frame: pd.DataFrame, schema: Schema, *, targets: bool) -> pa.RecordBatch:
    import pyarrow as pa

    from socialframe.frames import explode

    table = pa.Table.from_pandas(frame, schema=schema.arrow, preserve_index=False)
    columns = [column.combine_chunks() for column in table.columns]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema.arrow)
    if not targets or schema.exploded:
        return batch
    if TARGETS not in schema.names:
        raise ArgumentError("These rows have no targets. Save one row per record.")
    return explode(batch, schema.explode(TARGETS))
