"""The person at the other end: a terminal, a pipe, a notebook, or nobody."""

import getpass
import io
import os
import sys
import types

import pytest

from socialframe.connect.console import here
from socialframe.settings import browser

LINK = "https://platform.example/?state=of-nobody"


@pytest.fixture
def terminal(monkeypatch):
    """Put a terminal in the place of standard input; give its other end."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, encoding="utf-8") as stdin, os.fdopen(ours, "wb", buffering=0) as keys:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield keys


@pytest.fixture
def kernel(monkeypatch):
    """Be a notebook's kernel; give what is displayed and later put in its place."""
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


def test_in_a_terminal_a_line_is_waited_for_no_longer_than_it_is_told(terminal):
    """So an answer that comes by itself is seen."""
    desk = here()
    nothing = desk.read(0)
    terminal.write(b"https://a.example/?code=1\n")

    assert nothing is None
    assert desk.read(10) == "https://a.example/?code=1\n"
    assert desk.blocks is False
    terminal.write(b"\x04")
    with pytest.raises(EOFError):
        desk.read(10)


@pytest.mark.parametrize("pasting", [True, False])
def test_a_pipe_is_read_only_where_an_address_is_to_be_pasted(monkeypatch, pasting):
    """Else it belongs to somebody else."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("a line\n"))
    desk = here(pasting=pasting)

    if not pasting:
        assert desk.read is None
        return
    assert (desk.read(0), desk.blocks) == ("a line\n", True)
    with pytest.raises(EOFError):
        desk.read(0)


def test_without_standard_input_nobody_types(monkeypatch):
    """As in a service."""
    monkeypatch.setattr(sys, "stdin", None)

    assert here(pasting=True).read is None


def test_in_a_notebook_the_link_can_be_clicked_and_is_taken_out_again(kernel):
    """A saved notebook does not hold it."""
    gone = here().show("Follow this link:", LINK + "&a=<b>")
    gone()

    first, second = kernel
    assert f'<a href="{LINK}&amp;a=&lt;b&gt;" target="_blank" rel="noopener' in first["text/html"]
    assert LINK in first["text/plain"]
    assert second == {"text/plain": "(The link is used.)"}


def test_in_a_notebook_what_is_pasted_is_typed_as_a_password(kernel, monkeypatch):
    """Else it stays in the output; a front end without input is nobody."""
    asked = []
    monkeypatch.setattr(getpass, "getpass", lambda prompt: asked.append(prompt) or "line")
    desk = here()

    assert (desk.read(0), desk.blocks) == ("line", True)
    assert "did not load" in asked[0]

    def refuses(_):
        raise RuntimeError

    monkeypatch.setattr(getpass, "getpass", refuses)
    with pytest.raises(EOFError):
        desk.read(0)


def test_a_browser_is_one_that_leaves_the_terminal_alone(monkeypatch):
    """Unless it was asked for."""
    import webbrowser

    monkeypatch.delenv("BROWSER", raising=False)
    lynx = webbrowser.GenericBrowser("lynx")
    monkeypatch.setattr(webbrowser, "get", lambda: lynx)
    assert browser() is None
    monkeypatch.setenv("BROWSER", "lynx")
    assert browser() == lynx.open

    def none():
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "get", none)
    assert browser() is None
