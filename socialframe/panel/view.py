"""The third part: the rows as a table, a chart, or what their columns mean."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from socialframe.errors import ArgumentError
from socialframe.panel import styles
from socialframe.panel.chart import CHARTS, svg
from socialframe.panel.wording import Status, failed, summary

if TYPE_CHECKING:
    import pandas as pd

    from socialframe.panel.panel import Panel
    from socialframe.schema.columns import Schema

_FIRST = 10  # rows of the table
_LONGEST = 80  # letters of a cell
_NOTHING = '<span class="sf-soft">Nothing is loaded yet.</span>'


class Look:
    """The part of looking; ``box`` is its widget."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self.summary = w.HTML()
        self.views = {name: w.Button(description=name) for name in ("Table", "Chart", "Columns")}
        self.view = "Table"
        self.chart = styles.field(w.Dropdown(description="Chart of", options=CHARTS), "220px")
        self.body = w.HTML(_NOTHING)
        for name, button in self.views.items():
            button.on_click(lambda _, name=name: self.show(name))
        self.chart.observe(lambda _: self.draw(), "value")
        self.box = styles.part(
            w.HTML(styles.step(3, "Look")),
            styles.row(*self.views.values()),
            self.summary,
            self.chart,
            self.body,
        )
        self.draw()

    def show(self, view: str) -> None:
        """Turn to the table, the chart or the columns."""
        self.view = view
        self.draw()

    def draw(self) -> None:
        """Show the rows that are loaded."""
        for name, button in self.views.items():
            chosen = name == self.view
            button.tooltip = "shown" if chosen else f"Show {name.lower()}"
            (button.add_class if chosen else button.remove_class)("mod-active")
        styles.show(self.chart, shown=self.view == "Chart")
        frame, query = self._panel.df, self._panel.query
        styles.show(self.summary, shown=frame is not None)
        if frame is None or query is None:
            self.body.value = _NOTHING
            return
        facts = frame.attrs.get("socialframe", {})
        self.summary.value = f'<span class="sf-soft">{escape(summary(*frame.shape, facts))}</span>'
        if self.view == "Table":
            self.body.value = table(frame, query.columns)
        elif self.view == "Columns":
            self.body.value = _scroll("What the columns mean", query.columns._repr_html_())
        else:
            self.body.value = self._drawn(frame)

    def _drawn(self, frame: pd.DataFrame) -> str:
        try:
            return _scroll("The chart", svg(frame, self.chart.value), "sf-plain")
        except ArgumentError as error:
            return styles.status(Status("warn", str(error)))
        except Exception as error:  # noqa: BLE001 - a chart that fails takes nothing with it
            return styles.status(failed(error))


def table(frame: pd.DataFrame, schema: Schema) -> str:
    """Return the first rows, with the type and the meaning of each column.

    Examples
    --------
    >>> import socialframe as sf
    >>> query = sf.Client.sandbox().accounts()
    >>> "When it was connected." in table(query.frame(), query.columns)
    True
    """
    known = {column.name: column for column in schema}
    kinds = {name: str(frame[name].dtype) for name in frame.columns}
    head = "".join(
        f'<th scope="col">{escape(name)}{_type(known, kinds, name)}</th>' for name in frame.columns
    )
    rights = {name for name, kind in kinds.items() if kind in {"Int64", "float64"}}
    body = "".join(
        "<tr>" + "".join(_cell(row[name], right=name in rights) for name in frame.columns) + "</tr>"
        for row in frame.head(_FIRST).to_dict("records")
    )
    made = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return _scroll(f"The first {min(_FIRST, len(frame))} rows", made)


def _type(known: dict[str, Any], kinds: dict[str, str], name: str) -> str:
    column = known.get(name)
    if column is None:
        return f'<span class="sf-soft">{escape(kinds[name])}</span>'
    kind = column.type if "[pyarrow]" in kinds[name] else kinds[name]
    lines = (kind, column.meaning)
    return "".join(
        f'<span class="sf-soft" title="{escape(one)}">{escape(one)}</span>' for one in lines
    )


def _cell(value: Any, *, right: bool) -> str:  # noqa: ANN401 - of any type
    if value is None or (not isinstance(value, list | dict) and value != value):  # noqa: PLR0124
        text = ""
    elif hasattr(value, "strftime"):
        text = f"{value:%Y-%m-%d %H:%M}"
    else:
        text = str(value)
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return f'<td class="sf-right">{escape(text)}</td>' if right else f"<td>{escape(text)}</td>"


def _scroll(name: str, inner: str, look: str = "") -> str:
    # A keyboard must reach what scrolls.
    opening = (
        f'<div class="sf-scroll {look}" role="region" aria-label="{escape(name)}" tabindex="0">'
    )
    return f"{opening}{inner}</div>"
