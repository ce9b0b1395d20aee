"""The CSS of the panel, which uses the page's colours, and small pieces of HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as w

if TYPE_CHECKING:
    from socialframe.panel.wording import Status

CSS_CLASS = "socialframe-panel"

CSS = """
.socialframe-panel {
  --sf-ink: var(--jp-ui-font-color1, #1f2328); --sf-soft: var(--jp-ui-font-color2, #57606a);
  --sf-line: var(--jp-border-color2, #d0d7de); --sf-ground: var(--jp-layout-color1, #fff);
  --sf-shade: var(--jp-layout-color2, #f5f6f8);
  --sf-accent: #2f66d0; --sf-accent-pale: rgba(63, 118, 224, .14);
  --sf-good: #1a7f37; --sf-warn: #8a5a00; --sf-bad: #c2272d;
  max-width: 860px; width: 100%; box-sizing: border-box; overflow: hidden;
  border: 1px solid var(--sf-line); border-radius: 10px; background: var(--sf-ground);
  color: var(--sf-ink); font-family: var(--jp-ui-font-family, system-ui, sans-serif);
  font-size: 13px; margin: 2px 0;
}
[data-jp-theme-light="false"] .socialframe-panel, .vscode-dark .socialframe-panel {
  --sf-accent: #7aa7ff; --sf-accent-pale: rgba(122, 167, 255, .18);
  color-scheme: dark; --sf-good: #56d364; --sf-warn: #e3b341; --sf-bad: #ff8a82;
}
.socialframe-panel .sf-style { display: none; }
.socialframe-panel > * { margin: 0; }
.socialframe-panel .widget-html, .socialframe-panel .widget-html-content {
  margin: 0; line-height: 1.45; height: auto !important; min-height: 0;
  color: var(--sf-ink); width: 100%; min-width: 0;
  overflow: visible; font-size: 13px; }
.socialframe-panel .sf-part { padding: 12px 18px 14px; border-top: 1px solid var(--sf-line);
  gap: 10px; overflow: hidden; }
.socialframe-panel .sf-row { gap: 8px 10px; align-items: flex-end; overflow: visible; }
.socialframe-panel .sf-row > * { margin: 0; }
.socialframe-panel .sf-row > .widget-html { align-self: center; width: auto; flex: 0 1 auto; }
.sf-head { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px;
  padding: 12px 18px; background: var(--sf-shade); }
.sf-head .sf-title { font-size: 16px; font-weight: 650; letter-spacing: -.01em; }
.sf-head .sf-base-url { color: var(--sf-soft); }
.sf-chip { border-radius: 99px; padding: 1px 10px; font-size: 12px; font-weight: 600;
  background: rgba(212, 153, 20, .17); color: var(--sf-warn); }
.sf-heading { display: flex; align-items: baseline; gap: 8px; margin: 0; font-size: 14px;
  font-weight: 650; }
.sf-heading .sf-number { color: var(--sf-accent); font-variant-numeric: tabular-nums; }
.sf-heading .sf-more { font-weight: 400; font-size: 12.5px; color: var(--sf-soft); }
.sf-status { display: flex; gap: 8px; align-items: baseline; overflow-wrap: anywhere; }
.sf-status::before { content: ""; flex: none; width: 8px; height: 8px; border-radius: 50%;
  background: currentColor; transform: translateY(-1px); }
.sf-status > span { color: var(--sf-ink); }
.sf-status:empty::before, .sf-quiet.sf-status::before { display: none; }
.sf-good { color: var(--sf-good); } .sf-warn { color: var(--sf-warn); }
.sf-bad { color: var(--sf-bad); } .sf-busy { color: var(--sf-accent); }
.sf-quiet, .sf-quiet > span { color: var(--sf-soft); }
.sf-busy.sf-status::before { animation: sf-pulse 1.2s ease-in-out infinite; }
@keyframes sf-pulse { 50% { opacity: .25; } }
@media (prefers-reduced-motion: reduce) { .sf-busy.sf-status::before { animation: none; } }
.socialframe-panel .sf-accounts { max-height: 262px; overflow-y: auto; overflow-x: hidden;
  border: 1px solid var(--sf-line); border-radius: 8px; display: block; }
.socialframe-panel .sf-account { align-items: center; padding: 4px 6px 4px 12px; margin: 0;
  gap: 6px; overflow: hidden; width: 100%; box-sizing: border-box; flex-wrap: wrap;
  justify-content: flex-end; }
.socialframe-panel .sf-account + .sf-account { border-top: 1px solid var(--sf-line); }
.socialframe-panel .sf-account > .widget-html { flex: 0 0 calc(100% - 204px);
  margin-right: auto; } /* the same width beside one or two buttons, so that columns align */
.sf-profile { display: grid; grid-template-columns: 82px minmax(0, 1fr) 84px 132px; gap: 10px;
  align-items: baseline; }
.sf-profile .sf-name { font-weight: 600; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; }
.sf-profile .sf-soft, .sf-soft { color: var(--sf-soft); }
.sf-advice { color: var(--sf-soft); font-size: 12px; }
.socialframe-panel .widget-inline-hbox { flex-direction: column; align-items: stretch; height: auto;
  width: auto; margin: 0; }
.socialframe-panel .widget-inline-hbox .widget-label { width: auto; text-align: left;
  font-size: 12px; line-height: 18px; height: 18px; color: var(--sf-soft); margin: 0; }
.socialframe-panel .widget-inline-hbox > :not(.widget-label, .widget-html-content) {
  flex: none; height: 30px; width: 100%; min-width: 0; box-sizing: border-box; }
.socialframe-panel select, .socialframe-panel input:not([type=checkbox]) { height: 30px !important;
  border: 1px solid var(--sf-line) !important; border-radius: 6px; box-sizing: border-box;
  background-color: var(--sf-ground); color: var(--sf-ink); padding: 0 8px; font-size: 13px; }
.socialframe-panel select { padding-right: 22px; appearance: none;
  background-image: url("data:image\
/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='10' height='6' fill='none' stroke=\
'%23888' stroke-width='1.6'%3E%3Cpath d='M1 1l4 4 4-4'/%3E%3C/svg%3E") !important;
  background-repeat: no-repeat; background-position: right 9px center; background-size: 10px 6px; }
.socialframe-panel .jupyter-button { height: 30px; line-height: 28px; border-radius: 6px;
  padding: 0 13px; width: auto; margin: 0; font-size: 13px; box-shadow: none;
  background: var(--sf-ground); color: var(--sf-ink); border: 1px solid var(--sf-line);
  overflow: visible; cursor: pointer; }
.socialframe-panel .jupyter-button:hover:enabled { border-color: var(--sf-accent);
  box-shadow: none; }
.socialframe-panel .jupyter-button:disabled { opacity: .5; cursor: default; }
.socialframe-panel .jupyter-button.mod-primary { background: var(--sf-accent); color: #fff;
  border-color: var(--sf-accent); font-weight: 600; }
[data-jp-theme-light="false"] .socialframe-panel .jupyter-button.mod-primary { color: #10131a; }
.socialframe-panel .jupyter-button.mod-danger { background: var(--sf-ground);
  color: var(--sf-bad); border-color: var(--sf-bad); }
.socialframe-panel .jupyter-button.mod-active { background: var(--sf-accent-pale);
  border-color: var(--sf-accent); color: var(--sf-ink); font-weight: 600; }
.socialframe-panel .sf-small .jupyter-button, .socialframe-panel .sf-small.jupyter-button {
  height: 26px; line-height: 24px; padding: 0 10px; font-size: 12px; }
.socialframe-panel :is(button, select, input, a, [tabindex]):focus-visible {
  outline: 2px solid var(--sf-accent) !important; outline-offset: 1px; }
.sf-browser-button { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px;
  width: auto; }
.sf-browser-button a, .socialframe-panel .widget-html a { color: var(--sf-accent);
  text-decoration: underline; }
.sf-message { color: var(--sf-soft); font-size: 12.5px; }
.socialframe-panel .widget-hprogress.widget-hprogress { height: 6px; min-height: 6px;
  width: 100%; margin: 0; }
.socialframe-panel .widget-hprogress > .progress.progress { height: 6px; border-radius: 3px;
  background: var(--sf-shade); }
.socialframe-panel .progress-bar { height: 6px; background: var(--sf-accent); }
.sf-scroll { overflow: auto; max-height: 330px; border: 1px solid var(--sf-line);
  border-radius: 8px; }
.socialframe-panel .sf-scroll table { border-collapse: collapse; margin: 0; width: 100%;
  font-size: 12px; border: 0; color: var(--sf-ink); }
.socialframe-panel .sf-scroll :is(th, td) { padding: 5px 10px; text-align: left;
  white-space: nowrap; border: 0; border-bottom: 1px solid var(--sf-line); max-width: 300px;
  overflow: hidden; text-overflow: ellipsis; background: none; vertical-align: top; }
.socialframe-panel .sf-scroll tbody tr:last-child td { border-bottom: 0; }
.socialframe-panel .sf-scroll thead th { position: sticky; top: 0; background: var(--sf-shade);
  font-weight: 600; }
.sf-scroll th .sf-soft { display: block; font-weight: 400; font-size: 11px;
  max-width: 230px; overflow: hidden; text-overflow: ellipsis; }
.sf-scroll td.sf-right { text-align: right !important; font-variant-numeric: tabular-nums; }
.sf-scroll.sf-plain { border: 0; max-height: none; border-radius: 0; }
.sf-chart { width: 100%; min-width: 360px; height: auto; display: block; }
.socialframe-panel pre.sf-code { margin: 0; padding: 10px 12px; border-radius: 8px;
  background: var(--sf-shade); color: var(--sf-ink); overflow-x: auto; font-size: 12px;
  line-height: 1.5; font-family: var(--jp-code-font-family, monospace); }
@media (max-width: 560px) {
  .socialframe-panel .sf-part, .sf-head { padding-left: 12px; padding-right: 12px; }
  .sf-profile { grid-template-columns: minmax(0, 1fr) 132px; gap: 0 10px; }
  .sf-profile .sf-name { grid-area: 1 / 1; }
  .socialframe-panel .sf-account { padding: 6px 12px; }
  .socialframe-panel .sf-account > .widget-html { flex: 1 1 100%; }
}
"""


def style_widget() -> w.HTML:
    """Return a widget that holds the CSS."""
    return _with_classes(w.HTML(f"<style>{CSS}</style>"), "sf-style")


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
