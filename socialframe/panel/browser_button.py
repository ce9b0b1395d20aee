"""A button whose click opens a tab, hands over a file or copies a text.

A tab that is opened later than in the click is blocked, and a link in a widget's state is saved
with the notebook. So the click itself opens an empty tab, which is then sent to an address that
comes as a message: nothing is blocked, and nothing saved.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as w

if TYPE_CHECKING:
    from collections.abc import Callable

_SCRIPT = """
function render({ model, el }) {
  el.classList.add("sf-door");
  const button = document.createElement("button");
  button.type = "button";
  const aside = document.createElement("span");
  aside.className = "sf-aside";
  aside.setAttribute("role", "status");
  el.append(button, aside);
  let tab = null;
  const draw = () => {
    button.textContent = model.get("description");
    button.disabled = model.get("disabled");
    button.title = model.get("tooltip");
    const look = model.get("look") === "primary" ? " mod-primary" : "";
    button.className = "jupyter-widgets jupyter-button widget-button" + look;
  };
  const link = (address, words, name) => {
    const anchor = document.createElement("a");
    anchor.href = address;
    anchor.textContent = words;
    if (name) anchor.download = name;
    else { anchor.target = "_blank"; anchor.rel = "noopener noreferrer"; }
    return anchor;
  };
  button.addEventListener("click", () => {
    const what = model.get("what");
    aside.replaceChildren();
    if (what === "open") {
      tab = window.open("about:blank", "_blank");
      if (tab) {
        tab.opener = null;
        tab.document.title = "One moment";
        tab.document.body.textContent = "The notebook is fetching the address. If its kernel is "
          + "busy with a cell, that comes first.";
      }
    }
    if (what === "copy") {
      const told = (text) => { aside.textContent = text; };
      navigator.clipboard?.writeText(model.get("text")).then(
        () => told("Copied."), () => told("The browser does not permit it: select the text."));
    } else model.send({ pressed: true });
  });
  const heard = (message, buffers) => {
    if (message.go) {
      if (tab && !tab.closed) tab.location.replace(message.go);
      aside.replaceChildren(link(message.go, "Open the page by this link, if no tab did"));
      tab = null;
    }
    if (message.shut) {
      if (tab && !tab.closed) tab.close();
      tab = null;
      aside.replaceChildren();
    }
    if (message.file) {
      const address = URL.createObjectURL(new Blob([buffers[0]]));
      const anchor = link(address, message.file, message.file);
      anchor.click();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
    }
  };
  const names = ["description", "disabled", "tooltip", "look"];
  names.forEach((name) => model.on(`change:${name}`, draw));
  model.on("msg:custom", heard);
  draw();
  return () => {
    names.forEach((name) => model.off(`change:${name}`, draw));
    model.off("msg:custom", heard);
  };
}
export default { render };
"""


class Door:
    """The button, or, without anywidget, a plain one with a plain link beside it.

    Parameters
    ----------
    what : {"open", "file", "copy"}
        What its click is for.
    description : str
        What stands on it.
    pressed : callable
        Called by a click, in the kernel's main thread; not by one that copies.
    primary : bool
        Whether it is the first thing to press.

    Examples
    --------
    >>> door = Door("open", "Connect", lambda: print("pressed"))
    >>> door.press()
    pressed
    """

    def __init__(
        self,
        what: str,
        description: str,
        pressed: Callable[[], None],
        *,
        primary: bool = False,
    ) -> None:
        self._pressed = pressed
        made = _made()
        self._plain = made is None
        self._link = w.HTML()
        if made is None:
            look = "primary" if primary else ""
            self.button: Any = w.Button(description=description, button_style=look)
            self.button.on_click(lambda _: self.press())
            self.widget: Any = w.HBox([self.button, self._link])
        else:
            look = "primary" if primary else ""
            self.button = made(what=what, description=description, look=look)
            self.button.on_msg(lambda *_: self.press())
            self.widget = self.button

    @property
    def copies(self) -> bool:
        """Whether it can copy, and hand over files."""
        return not self._plain

    def press(self) -> None:
        """Do what a click does."""
        self._pressed()

    def able(self, able: bool) -> None:
        """Let it be pressed, or not."""
        self.button.disabled = not able

    def go(self, link: str) -> None:
        """Send the tab there. The plain link stands in the widget until ``shut`` is called."""
        if self._plain:
            where = escape(link)
            self._link.value = (
                f'<a href="{where}" target="_blank" rel="noopener noreferrer">Open the page</a>'
            )
        else:
            self._send({"go": link})

    def shut(self) -> None:
        """Take the link away, and close a tab that was not sent anywhere."""
        self._link.value = ""
        if not self._plain:
            self._send({"shut": True})

    def give(self, name: str, content: bytes) -> None:
        """Hand a file over to the browser."""
        if not self._plain:
            self._send({"file": name}, [content])

    def text(self, text: str) -> None:
        """Say what a click copies."""
        if not self._plain:
            self.button.text = text

    def _send(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        with suppress(RuntimeError):  # the page went away
            self.button.send(message, buffers)


@cache
def _made() -> Any:  # noqa: ANN401 - a class, or None without anywidget
    try:
        import anywidget
        import traitlets as t
    except ImportError:
        return None

    class Pressed(anywidget.AnyWidget):
        """The button; no trait of it ever holds an address."""

        _esm = _SCRIPT
        what = t.Unicode("open").tag(sync=True)
        description = t.Unicode().tag(sync=True)
        disabled = t.Bool(default_value=False).tag(sync=True)
        tooltip = t.Unicode().tag(sync=True)
        look = t.Unicode().tag(sync=True)
        text = t.Unicode().tag(sync=True)

    return Pressed
