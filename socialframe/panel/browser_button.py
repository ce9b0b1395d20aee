"""A button whose click opens a tab, downloads a file or copies a text.

Browsers block a tab that opens later than the click, and a link in a widget's state is saved with
the notebook. So the click opens an empty tab, which navigates to a URL that arrives as a message.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import ipywidgets as w

if TYPE_CHECKING:
    from collections.abc import Callable

_SCRIPT = """
function render({ model, el }) {
  el.classList.add("sf-browser-button");
  const button = document.createElement("button");
  button.type = "button";
  const message = document.createElement("span");
  message.className = "sf-message";
  message.setAttribute("role", "status");
  el.append(button, message);
  let tab = null;
  const draw = () => {
    button.textContent = model.get("description");
    button.disabled = model.get("disabled");
    const style = model.get("primary") ? " mod-primary" : "";
    button.className = "jupyter-widgets jupyter-button widget-button" + style;
  };
  const makeLink = (url, text, fileName) => {
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.textContent = text;
    if (fileName) anchor.download = fileName;
    else { anchor.target = "_blank"; anchor.rel = "noopener noreferrer"; }
    return anchor;
  };
  button.addEventListener("click", () => {
    const action = model.get("action");
    message.replaceChildren();
    if (action === "open") {
      tab = window.open("about:blank", "_blank");
      if (tab) {
        tab.opener = null;
        tab.document.title = "Please wait";
        tab.document.body.textContent = "The notebook is requesting the page. If its kernel is "
          + "busy with a cell, the cell must finish first.";
      }
    }
    if (action === "copy") {
      const show = (text) => { message.textContent = text; };
      navigator.clipboard?.writeText(model.get("text")).then(
        () => show("Copied."), () => show("The browser does not allow this. Select the text."));
    } else model.send({ clicked: true });
  });
  const receive = (command, buffers) => {
    if (command.navigate) {
      if (tab && !tab.closed) tab.location.replace(command.navigate);
      message.replaceChildren(makeLink(command.navigate, "Open the page, if no tab opened"));
      tab = null;
    }
    if (command.close) {
      if (tab && !tab.closed) tab.close();
      tab = null;
      message.replaceChildren();
    }
    if (command.download) {
      const url = URL.createObjectURL(new Blob([buffers[0]]));
      makeLink(url, command.download, command.download).click();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
    }
  };
  const names = ["description", "disabled", "primary"];
  names.forEach((name) => model.on(`change:${name}`, draw));
  model.on("msg:custom", receive);
  draw();
  return () => {
    names.forEach((name) => model.off(`change:${name}`, draw));
    model.off("msg:custom", receive);
  };
}
export default { render };
"""


class BrowserButton:
    """The button; without anywidget, a plain button with a plain link beside it.

    ``clicked`` is called in the kernel's main thread, except by a button that copies.
    """

    def __init__(
        self,
        action: Literal["open", "download", "copy"],
        description: str,
        clicked: Callable[[], None],
        *,
        primary: bool = False,
    ) -> None:
        self._clicked = clicked
        self._link = w.HTML()
        button_class = _button_class()
        self.has_browser_access = button_class is not None  # to copy and to download
        if button_class is None:
            style = "primary" if primary else ""
            self.button: Any = w.Button(description=description, button_style=style)
            self.button.on_click(lambda _: self.click())
            self.widget: Any = w.HBox([self.button, self._link])
        else:
            self.button = button_class(action=action, description=description, primary=primary)
            self.button.on_msg(lambda *_: self.click())
            self.widget = self.button

    def click(self) -> None:
        self._clicked()

    def set_enabled(self, enabled: bool) -> None:
        self.button.disabled = not enabled

    def open_link(self, url: str) -> None:
        """Navigate the tab to the URL. A plain link stays until ``close_tab`` is called."""
        if self.has_browser_access:
            self._send({"navigate": url})
        else:
            self._link.value = (
                f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">'
                "Open the page</a>"
            )

    def close_tab(self) -> None:
        """Remove the link, and close the tab if it is still empty."""
        self._link.value = ""
        self._send({"close": True})

    def download(self, name: str, content: bytes) -> None:
        self._send({"download": name}, [content])

    def set_copied_text(self, text: str) -> None:
        if self.has_browser_access:
            self.button.text = text

    def _send(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if self.has_browser_access:
            with suppress(RuntimeError):  # the page was closed
                self.button.send(message, buffers)


@cache
def _button_class() -> Any:  # noqa: ANN401 - a class, or None without anywidget
    try:
        import anywidget
        import traitlets as t
    except ImportError:
        return None

    class Button(anywidget.AnyWidget):
        """The widget; none of its traits ever holds a URL."""

        _esm = _SCRIPT
        action = t.Unicode("open").tag(sync=True)
        description = t.Unicode().tag(sync=True)
        disabled = t.Bool(default_value=False).tag(sync=True)
        primary = t.Bool(default_value=False).tag(sync=True)
        text = t.Unicode().tag(sync=True)

    return Button
