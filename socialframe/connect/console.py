"""The user's console: how a flow prints, shows its link, opens a browser and reads input."""

from __future__ import annotations

import getpass
import io
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socialframe.progress import in_kernel

if TYPE_CHECKING:
    from collections.abc import Callable

_LINK_REMOVED = "(The link was removed.)"
_INPUT_PROMPT = "URL of the page that did not load (press Enter if it loaded): "
_TEXT_BROWSERS = {"www-browser", "links", "elinks", "lynx", "w3m"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """How a flow communicates with the user. None means that there is no browser or no input."""

    say: Callable[[str], None]
    show: Callable[[str, str], Callable[[], None]]  # shows a text and a link; returns its removal
    open_browser: Callable[[str], bool] | None = None  # returns whether it opened the link
    read: Callable[[float], str | None] | None = None  # a line typed in time; EOFError at the end
    blocks: bool = False  # whether read waits for a line, however long
    cancelled: Callable[[], bool] = lambda: False


def default_console(say: Callable[[str], None] = print, *, pasting: bool = False) -> Console:
    """Return the console of this notebook or terminal. ``pasting`` reads piped input too."""
    if in_kernel():
        return Console(
            say=print,
            show=_display,
            open_browser=default_browser(),
            read=_read_in_notebook,
            blocks=True,
        )

    def show(text: str, link: str) -> Callable[[], None]:
        say(f"{text}\n  {link}")
        return lambda: None

    interactive = sys.stdin is not None and sys.stdin.isatty()
    read = _read_with_timeout if _supports_timeout() else _read
    return Console(
        say=say,
        show=show,
        open_browser=default_browser(),
        read=read if interactive or (pasting and sys.stdin is not None) else None,
        blocks=read is _read,
    )


def default_browser() -> Callable[[str], bool] | None:
    """Return a function that opens a URL in the default browser; None if there is none.

    A text browser would take over the terminal, so it is used only if ``BROWSER`` names it.
    """
    import webbrowser

    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return None
    usable = os.environ.get("BROWSER") or getattr(found, "name", "") not in _TEXT_BROWSERS
    return found.open if usable else None


def _supports_timeout() -> bool:
    """Whether ``select`` works on standard input: on POSIX, if it is a file."""
    try:
        return os.name == "posix" and sys.stdin.fileno() >= 0
    except (AttributeError, ValueError, io.UnsupportedOperation):
        return False


def _read_with_timeout(seconds: float) -> str | None:
    import select

    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return _read(seconds) if ready else None


def _read(_: float) -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _read_in_notebook(_: float) -> str:
    # As a password, because other input is saved in the notebook's output.
    try:
        return getpass.getpass(_INPUT_PROMPT)
    except RuntimeError:  # the front end has no input
        raise EOFError from None


def _display(text: str, link: str) -> Callable[[], None]:
    """Display a clickable link; return a function that removes it from the notebook."""
    from html import escape

    from IPython.display import display  # installed, because this runs in its kernel

    plain = {"text/plain": f"{text}\n  {link}"}
    href = escape(link)
    anchor = f'<a href="{href}" target="_blank" rel="noopener noreferrer">{href}</a>'
    rich = {"text/html": f"<p>{escape(text)}<br>{anchor}</p>"}
    untyped: Callable[..., Any] = display
    handle = untyped({**plain, **rich}, raw=True, display_id=True)
    return lambda: handle.update({"text/plain": _LINK_REMOVED}, raw=True)
