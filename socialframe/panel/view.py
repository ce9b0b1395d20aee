"""Part 3: the rows as a table or a chart, and the meaning of their columns."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from socialframe.errors import ArgumentError
from socialframe.panel import styles
from socialframe.panel.chart import CHARTS, draw_chart
from socialframe.panel.wording import Status, describe_rows, error_status

if TYPE_CHECKING:
    import pandas as pd

    from socialframe.panel.state import PanelState
    from socialframe.schema.columns import Schema

_TABLE_ROWS = 10
_MAX_CELL_LENGTH = 80
_NO_ROWS = '<span class="sf-soft">No rows are loaded yet.</span>'


class View:
    def __init__(self, state: PanelState) -> None:
        self._state = state
        self._shown = "Table"
        self.summary = w.HTML()
        self.buttons = {name: w.Button(description=name) for name in ("Table", "Chart", "Columns")}
        self.chart = styles.sized(w.Dropdown(description="Chart of", options=CHARTS), "220px")
        self.body = w.HTML(_NO_ROWS)
        for name, button in self.buttons.items():
            button.on_click(lambda _, name=name: self._select(name))
        self.chart.observe(lambda _: self._update(), "value")
        self.box = styles.section(
            w.HTML(styles.heading(3, "View")),
            styles.row(*self.buttons.values()),
            self.summary,
            self.chart,
            self.body,
        )
        state.on_rows.append(self._update)
        self._update()

    def _select(self, name: str) -> None:
        self._shown = name
        self._update()

    def _update(self) -> None:
        for name, button in self.buttons.items():
            selected = name == self._shown
            button.tooltip = "shown" if selected else f"Show {name.lower()}"
            (button.add_class if selected else button.remove_class)("mod-active")
        styles.show(self.chart, visible=self._shown == "Chart")
        frame, query = self._state.df, self._state.query
        styles.show(self.summary, visible=frame is not None)
        if frame is None or query is None:
            self.body.value = _NO_ROWS
            return
        text = describe_rows(*frame.shape, frame.attrs.get("socialframe", {}))
        self.summary.value = f'<span class="sf-soft">{escape(text)}</span>'
        if self._shown == "Table":
            self.body.value = _table(frame, query.columns)
        elif self._shown == "Columns":
            self.body.value = _scroll("Meaning of the columns", query.columns._repr_html_())
        else:
            self.body.value = self._chart_html(frame)

    def _chart_html(self, frame: pd.DataFrame) -> str:
        try:
            return _scroll("Chart", draw_chart(frame, self.chart.value), "sf-plain")
        except ArgumentError as error:
            return styles.status_line(Status("warn", str(error)))
        except Exception as error:  # noqa: BLE001 - a broken chart must not break the panel
            return styles.status_line(error_status(error))


def _table(frame: pd.DataFrame, schema: Schema) -> str:
    """Return the first rows, with the type and meaning of each column."""
    known = {column.name: column for column in schema}
    dtypes = {name: str(frame[name].dtype) for name in frame.columns}
    head = "".join(
        f'<th scope="col">{escape(name)}{_type(known, dtypes, name)}</th>' for name in frame.columns
    )
    numeric = {name for name, dtype in dtypes.items() if dtype in {"Int64", "float64"}}
    body = "".join(
        "<tr>"
        + "".join(_cell(row[name], right=name in numeric) for name in frame.columns)
        + "</tr>"
        for row in frame.head(_TABLE_ROWS).to_dict("records")
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return _scroll(f"The first {min(_TABLE_ROWS, len(frame))} rows", table)


def _type(known: dict[str, Any], dtypes: dict[str, str], name: str) -> str:
    column = known.get(name)
    if column is None:
        return f'<span class="sf-soft">{escape(dtypes[name])}</span>'
    dtype = column.type if "[pyarrow]" in dtypes[name] else dtypes[name]
    return "".join(
        f'<span class="sf-soft" title="{escape(line)}">{escape(line)}</span>'
        for line in (dtype, column.meaning)
    )


def _cell(value: Any, *, right: bool) -> str:  # noqa: ANN401 - of any type
    if value is None or (not isinstance(value, list | dict) and value != value):  # noqa: PLR0124
        text = ""
    elif hasattr(value, "strftime"):
        text = f"{value:%Y-%m-%d %H:%M}"
    else:
        text = str(value)
    text = text if len(text) <= _MAX_CELL_LENGTH else text[: _MAX_CELL_LENGTH - 1] + "…"
    return f'<td class="sf-right">{escape(text)}</td>' if right else f"<td>{escape(text)}</td>"


def _scroll(label: str, inner: str, css_class: str = "") -> str:
    # The tabindex makes the region reachable by keyboard.
    return (
        f'<div class="sf-scroll {css_class}" role="region" aria-label="{escape(label)}" '
        f'tabindex="0">{inner}</div>'
    )
