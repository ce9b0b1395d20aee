"""The console in a terminal, a pipe, a notebook and a service."""

import getpass
import io
import os
import sys
import types

import pytest

from socialframe.connect.console import default_browser, default_console

LINK = "https://platform.example/?state=made-up"


@pytest.fixture
def terminal(monkeypatch):
    """Replace standard input by a terminal; yield its other end."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, encoding="utf-8") as stdin, os.fdopen(ours, "wb", buffering=0) as keys:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield keys


@pytest.fixture
def kernel(monkeypatch):
    """Imitate a notebook kernel; return what is displayed and updated."""
    shown = []

    def display(bundle, *, raw, display_id):
        shown.append(bundle)
        return types.SimpleNamespace(update=lambda bundle, raw: shown.append(bundle))

    ipython, inner = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    ipython.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    inner.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    return shown


def test_terminal_read_times_out(terminal):
    """So the flow notices a callback that arrives meanwhile."""
    console = default_console()
    nothing = console.read(0)
    terminal.write(b"https://a.example/?code=1\n")

    assert nothing is None
    assert console.read(10) == "https://a.example/?code=1\n"
    assert console.blocks is False
    terminal.write(b"\x04")
    with pytest.raises(EOFError):
        console.read(10)


@pytest.mark.parametrize("pasting", [True, False])
def test_pipe_is_read_only_for_pasting(monkeypatch, pasting):
    """Otherwise the input belongs to another program."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("a line\n"))
    console = default_console(pasting=pasting)

    if not pasting:
        assert console.read is None
        return
    assert (console.read(0), console.blocks) == ("a line\n", True)
    with pytest.raises(EOFError):
        console.read(0)


def test_without_standard_input_there_is_no_read(monkeypatch):
    """As in a service."""
    monkeypatch.setattr(sys, "stdin", None)

    assert default_console(pasting=True).read is None


def test_notebook_link_is_clickable_and_removed(kernel):
    """A saved notebook does not hold the link."""
    gone = default_console().show("Follow this link:", LINK + "&a=<b>")
    gone()

    first, second = kernel
    assert f'<a href="{LINK}&amp;a=&lt;b&gt;" target="_blank" rel="noopener' in first["text/html"]
    assert LINK in first["text/plain"]
    assert second == {"text/plain": "(The link was removed.)"}


def test_notebook_reads_pasted_url_as_a_password(kernel, monkeypatch):
    """Other input is saved in the output. A front end without input ends the input."""
    asked = []
    monkeypatch.setattr(getpass, "getpass", lambda prompt: asked.append(prompt) or "line")
    console = default_console()

    assert (console.read(0), console.blocks) == ("line", True)
    assert "did not load" in asked[0]

    def refuses(_):
        raise RuntimeError

    monkeypatch.setattr(getpass, "getpass", refuses)
    with pytest.raises(EOFError):
        console.read(0)


def test_text_browser_is_used_only_if_browser_is_set(monkeypatch):
    """A text browser would take over the terminal."""
    import webbrowser

    monkeypatch.delenv("BROWSER", raising=False)
    lynx = webbrowser.GenericBrowser("lynx")
    monkeypatch.setattr(webbrowser, "get", lambda: lynx)
    assert default_browser() is None
    monkeypatch.setenv("BROWSER", "lynx")
    assert default_browser() == lynx.open

    def none():
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "get", none)
    assert default_browser() is None
