"""The person at the other end: what is said, shown, opened and typed."""

from __future__ import annotations

import getpass
import io
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socialframe.progress import in_kernel
from socialframe.settings import browser

if TYPE_CHECKING:
    from collections.abc import Callable

_GONE = "(The link is used.)"
_ASK = "Address of the page that did not load (or just Enter, where it did): "


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """How a flow talks with a person.

    Parameters
    ----------
    say : callable
        Shows a sentence.
    show : callable
        Shows a sentence and the link below it; returns what takes the link away again.
    opens : callable or None
        Opens a link in a browser on this machine and says whether it did; None where there is none.
    read : callable or None
        Returns a line that was typed within so many seconds, None where there was none, and raises
        ``EOFError`` where nobody types any more. None where nobody can.
    blocks : bool
        Whether ``read`` comes back with a line alone, however long that takes.
    """

    say: Callable[[str], None]
    show: Callable[[str, str], Callable[[], None]]
    opens: Callable[[str], bool] | None = None
    read: Callable[[float], str | None] | None = None
    blocks: bool = False


def here(say: Callable[[str], None] = print, *, pasting: bool = False) -> Console:
    """Return the console of this process.

    Parameters
    ----------
    say : callable
        Prints, in a terminal.
    pasting : bool
        Whether a line is read from standard input also where that is no terminal.

    Examples
    --------
    >>> here().show("Follow this link:", "https://a.example/")()
    Follow this link:
      https://a.example/
    """
    if in_kernel():
        return Console(
            say=print, show=_display, opens=browser(), read=_read_in_notebook, blocks=True
        )

    def show(text: str, link: str) -> Callable[[], None]:
        say(f"{text}\n  {link}")
        return _nothing

    watched = sys.stdin is not None and sys.stdin.isatty()
    read = _read_in_time if _in_time() else _read
    return Console(
        say=say,
        show=show,
        opens=browser(),
        read=read if watched or (pasting and sys.stdin is not None) else None,
        blocks=read is _read,
    )


def _nothing() -> None:
    pass


def _in_time() -> bool:
    """Whether standard input can be waited for: on POSIX, and where it is a file."""
    try:
        return os.name == "posix" and sys.stdin.fileno() >= 0
    except (AttributeError, ValueError, io.UnsupportedOperation):
        return False


def _read_in_time(seconds: float) -> str | None:
    import select

    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return _read(seconds) if ready else None


def _read(_: float) -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _read_in_notebook(_: float) -> str:
    # As a password: what is typed there otherwise stays in the notebook's output.
    try:
        return getpass.getpass(_ASK)
    except RuntimeError:  # a front end that takes no input
        raise EOFError from None


def _display(text: str, link: str) -> Callable[[], None]:
    """Show a link that can be clicked, and later be taken out of the notebook again."""
    from html import escape

    from IPython.display import display  # it is there: this is its kernel

    plain = {"text/plain": f"{text}\n  {link}"}
    where = f'<a href="{escape(link)}" target="_blank" rel="noopener noreferrer">{escape(link)}</a>'
    rich = {"text/html": f"<p>{escape(text)}<br>{where}</p>"}
    show: Callable[..., Any] = display
    shown = show({**plain, **rich}, raw=True, display_id=True)

    def gone() -> None:
        shown.update({"text/plain": _GONE}, raw=True)

    return gone
