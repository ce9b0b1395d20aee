"""A button whose click opens a tab, downloads a file or copies a text.

Browsers block a tab that opens later than the click, and a link in a widget's state is saved with
the notebook. So the click opens an empty tab, which navigates to a URL that arrives as a message.
``browser_button.js`` is its code in the browser.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import ipywidgets as w

if TYPE_CHECKING:
    from collections.abc import Callable


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

        _esm = Path(__file__).with_name("browser_button.js").read_text(encoding="utf-8")
        action = t.Unicode("open").tag(sync=True)
        description = t.Unicode().tag(sync=True)
        disabled = t.Bool(default_value=False).tag(sync=True)
        primary = t.Bool(default_value=False).tag(sync=True)
        text = t.Unicode().tag(sync=True)

    return Button
