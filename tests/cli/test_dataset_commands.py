"""``socialframe dataset``: init, refresh, info, history, and their exit codes."""

import json

import pytest
from changing import Changing
from click.testing import CliRunner

import socialframe as sf
from socialframe.cli.main import main

OTHER_KEY = "sk_another0key0for0the0tests0abcdef01"


def run(*words):
    """Return the exit code, standard output and standard error of a command."""
    result = CliRunner().invoke(main, ["dataset", *words])
    assert "Traceback" not in result.output
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def world(monkeypatch):
    """Serve a changing world to the commands."""
    world = Changing(window_seconds=0.01)
    with world.box.serve() as url:
        monkeypatch.setenv("SOCIALAPI_KEY", world.box.key)
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
        yield world


@pytest.mark.sockets
def test_a_dataset_is_made_refreshed_and_shown(world):
    """One line each, or one JSON object; the history of one number."""
    code, out, _ = run(
        "init", "numbers", "analytics", "--since", "2026-10-01", "--restate", "9 days"
    )
    assert (code, out.count("\n")) == (0, 1)
    assert "analytics(since='2026-10-01'): 0 rows, not refreshed yet" in out
    code, out, _ = run("refresh", "numbers")
    assert (code, out.count("\n")) == (0, 1)
    assert "inserted, 0 updated" in out
    world.delete(world.posts()[0]["id"])
    code, out, _ = run("refresh", "numbers", "--full", "--json")
    done = json.loads(out)
    assert (code, done["inserted"], done["from"]) == (0, 0, None)

    code, out, _ = run("info", "numbers")
    assert code == 0
    assert "restate_days: 9.0" in out
    info = json.loads(run("info", "numbers", "--json")[1])
    assert info["last_refresh"]["calls"] == done["calls"]
    post = sf.open_dataset("numbers").frame()["post_id"].iloc[-1]
    code, out, _ = run("history", "numbers", "--key", post, "--column", "likes")
    assert code == 0
    assert out.split()[:4] == ["post_id", "fetched_at", "column", "value"]
    code, out, _ = run("history", "numbers", "--key", post, "--json")
    assert {row["column"] for row in json.loads(out)} >= {"likes", "views"}
    assert run("history", "numbers", "--key", "nothing")[0] == 0


@pytest.mark.sockets
def test_what_fails_has_the_exit_codes_of_other_commands(world, monkeypatch):
    """2 for usage, 3 for the key, 4 for a dataset that was not changed."""
    assert run("init", "posts", "posts", "--since", "2026-10-01")[0] == 0
    assert run("refresh", "nothing")[0] == 2
    assert run("info", "nothing")[0] == 2
    assert run("init", "x", "accounts", "--since", "2026-10-01")[0] == 2
    assert run("init", "x", "analytics")[0] == 2
    assert run("init", "posts", "posts")[0] == 2  # it has other rows
    assert run("history", "posts")[0] == 2
    code, _, errors = run("refresh", "posts", "--max-requests", "1")
    assert code in {4, 5}
    assert "max_requests" in errors
    dataset = sf.open_dataset("posts")
    with dataset._storage.lock(0, print):
        code, _, errors = run("refresh", "posts", "--wait", "0")
    assert (code, "Another process" in errors) == (4, True)
    assert run("init", "people", "accounts")[0] == 0
    world.box.key = OTHER_KEY
    assert run("refresh", "people")[0] == 3
    monkeypatch.setenv("SOCIALAPI_KEY", OTHER_KEY)
    assert run("refresh", "posts")[0] == 2
    monkeypatch.delenv("SOCIALAPI_KEY")
    assert run("refresh", "posts")[0] == 3
    assert run("info", "posts")[0] == 0
