"""A bar for long walks, where somebody watches."""

import sys
import types

import pytest
from stand_ins import Scripted, client_of, posts_page

import socialframe as sf


def test_nothing_is_shown_when_piped(capfd):
    """Standard error is no terminal here."""
    sf.Client.sandbox().posts().frame()

    assert capfd.readouterr() == ("", "")


def test_a_bar_that_is_asked_for_shows_rows_and_total(capfd):
    """On standard error."""
    sf.Client.sandbox().posts().frame(progress=True)

    out, errors = capfd.readouterr()
    assert out == ""
    assert "posts" in errors
    assert "5400/5400" in errors


def test_a_client_may_ask_for_all_of_its_walks(capfd):
    """And a call may refuse."""
    api = sf.Client.sandbox(progress=True)

    api.accounts().frame(progress=False)
    assert capfd.readouterr().err == ""
    list(api.accounts().records())
    assert "17 rows" in capfd.readouterr().err


def test_the_bar_says_why_nothing_comes(capfd):
    """Waiting for the budget, or for the API."""
    app = Scripted(
        posts_page("a", pages=2),
        (429, {"error": "Rate limit exceeded"}, {"Retry-After": "42"}),
        posts_page("b", page=2, pages=2),
    )
    client_of(app).posts().frame(progress=True)

    assert "the API asks to wait, next call in 42 s" in capfd.readouterr().err


@pytest.mark.parametrize("watched", [True, False])
def test_a_notebook_is_a_place_where_somebody_watches(monkeypatch, watched):
    """Told by IPython's kernel, without importing it."""
    from socialframe.progress import _watched

    shell = types.SimpleNamespace(kernel=object()) if watched else None
    module = types.ModuleType("IPython")
    module.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", module)

    assert _watched() is watched
