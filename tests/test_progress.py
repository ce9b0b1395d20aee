"""The progress bar of walks."""

import sys
import types

import pytest
from stand_ins import Scripted, client_of, posts_page

import socialframe as sf


def test_a_pipe_gets_no_bar(capfd):
    """Standard error is not a terminal here."""
    sf.Client.sandbox().posts().frame()

    assert capfd.readouterr() == ("", "")


def test_progress_true_shows_a_bar_with_rows_and_total(capfd):
    """On standard error."""
    sf.Client.sandbox().posts().frame(progress=True)

    out, errors = capfd.readouterr()
    assert out == ""
    assert "posts" in errors
    assert "5400/5400" in errors


def test_progress_of_the_client_is_the_default_of_its_queries(capfd):
    """A query can override it."""
    api = sf.Client.sandbox(progress=True)

    api.accounts().frame(progress=False)
    assert capfd.readouterr().err == ""
    list(api.accounts().records())
    assert "17 rows" in capfd.readouterr().err


def test_the_bar_shows_the_reason_of_a_wait(capfd):
    """The API sent Retry-After."""
    app = Scripted(
        posts_page("a", pages=2),
        (429, {"error": "Rate limit exceeded"}, {"Retry-After": "42"}),
        posts_page("b", page=2, pages=2),
    )
    client_of(app).posts().frame(progress=True)

    assert "the API asks to wait, next call in 42 s" in capfd.readouterr().err


@pytest.mark.parametrize("watched", [True, False])
def test_a_notebook_gets_a_bar(monkeypatch, watched):
    """The kernel is detected without importing IPython."""
    from socialframe.progress import _watched

    shell = types.SimpleNamespace(kernel=object()) if watched else None
    module = types.ModuleType("IPython")
    module.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", module)

    assert _watched() is watched
