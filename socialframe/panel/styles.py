"""Small pieces of HTML, and the CSS of the panel: ``styles.css``, which uses the page's colours."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w

if TYPE_CHECKING:
    from socialframe.panel.wording import Status

CSS_CLASS = "socialframe-panel"


def style_widget() -> w.HTML:
    css = Path(__file__).with_name("styles.css").read_text(encoding="utf-8")
    return _with_classes(w.HTML(f"<style>\n{css}</style>"), "sf-style")


def header(base_url: str, *, sandbox: bool) -> str:
    chip = '<span class="sf-chip">sandbox · made-up people</span>' if sandbox else ""
    return (
        '<div class="sf-head"><span class="sf-title">socialframe</span>'
        f'{chip}<span class="sf-base-url">{escape(base_url)}</span></div>'
    )


def heading(number: int, name: str, more: str = "") -> str:
    return (
        f'<h3 class="sf-heading"><span class="sf-number">{number}</span> {escape(name)} '
        f'<span class="sf-more">{escape(more)}</span></h3>'
    )


def status_line(status: Status | None) -> str:
    """Return a line that screen readers announce when it changes."""
    if status is None or not status.text:
        return '<div role="status"></div>'
    return (
        f'<div role="status" class="sf-status sf-{status.mood}">'
        f"<span>{escape(status.text)}</span></div>"
    )


def section(*children: Any) -> w.VBox:  # noqa: ANN401 - widgets
    return _with_classes(w.VBox(children), "sf-part")


def row(*children: Any, small: bool = False) -> w.HBox:  # noqa: ANN401 - widgets
    """Return widgets in a row that wraps."""
    box = w.HBox(children, layout=w.Layout(flex_flow="row wrap"))
    return _with_classes(box, "sf-row", *(["sf-small"] if small else []))


def sized(widget: Any, width: str) -> Any:  # noqa: ANN401 - a widget
    widget.layout = w.Layout(width=width, flex="0 1 auto")
    return widget


def show(*widgets: Any, visible: bool = True) -> None:  # noqa: ANN401 - widgets
    """Show or hide widgets, for screen readers too."""
    for widget in widgets:
        widget.layout.display = None if visible else "none"


def _with_classes(widget: Any, *names: str) -> Any:  # noqa: ANN401 - a widget
    for name in names:
        widget.add_class(name)
    return widget
