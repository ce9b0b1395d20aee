"""``socialframe cache``: list, measure and clear."""

import json
import re
import sqlite3
import time
import warnings

import pytest
from cached import server
from click.testing import CliRunner
from stand_ins import KEY, client_of

import socialframe as sf
from socialframe.cli.main import main
from socialframe.store.cache import default_path

OTHER = "sk_made0up0for0somebody0else0000001"


def run(*words):
    """Return the exit code and the output of a command."""
    result = CliRunner().invoke(main, ["cache", *words])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


@pytest.fixture
def stored_walks(monkeypatch):
    """Store two walks of the key in the environment, one of them old, and one of another key."""
    monkeypatch.setenv("SOCIALAPI_KEY", KEY)
    monkeypatch.setenv("SOCIALAPI_BASE_URL", "https://api.example")
    old = time.time() - 90_000
    client_of(server(), cache=True, now=lambda: old).posts(status="failed").frame()
    client_of(server(), cache=True).posts().frame()
    client_of(server(), cache=True, key=OTHER).posts().frame()


@pytest.mark.usefixtures("stored_walks")
def test_ls_lists_the_walks_of_the_key():
    """Newest first, with their arguments and without the key."""
    code, output = run("ls")
    assert code == 0
    lines = output.splitlines()
    assert len(lines) == 3
    assert lines[0].split()[:4] == ["endpoint", "arguments", "pages", "size"]
    assert '{"status": "failed"}' in lines[2]
    assert KEY not in output
    assert len(run("ls", "--all")[1].splitlines()) == 4


@pytest.mark.usefixtures("stored_walks")
def test_ls_prints_json():
    """With --all the walks of every tenant."""
    code, output = run("ls", "--all", "--json")
    found = json.loads(output)
    assert (code, len(found), len({one["tenant"] for one in found})) == (0, 3, 2)
    assert 90_000 <= max(one["age"] for one in found) < 90_600
    assert [one["fresh"] for one in found] == [True, True, False]


@pytest.mark.usefixtures("stored_walks")
def test_size_prints_bytes_walks_and_the_limit():
    """Bytes of response bodies."""
    size = client_of(server(), cache=True).cache.size
    assert run("size")[1].startswith(f"{size:,} bytes in 2 walks; the limit is 1,073,741,824 bytes")
    assert " in 3 walks" in run("size", "--all")[1]


@pytest.mark.usefixtures("stored_walks")
@pytest.mark.parametrize(
    ("words", "gone"),
    [
        ([], 2),
        (["--all"], 3),
        (["--older-than", "1 day"], 1),
        (["--older-than", "2 days"], 0),
        (["--endpoint", "posts"], 2),
        (["--endpoint", "accounts", "--all"], 0),
    ],
)
def test_clear_removes_the_selected_walks(words, gone):
    """It prints how many."""
    assert run("clear", *words) == (0, f"Removed {gone} walk{'s' * (gone != 1)}.\n")
    assert len(json.loads(run("ls", "--all", "--json")[1])) == 3 - gone


@pytest.mark.usefixtures("stored_walks")
def test_without_a_key_the_commands_need_all(monkeypatch):
    """A forgotten key must not clear the walks of other keys."""
    monkeypatch.delenv("SOCIALAPI_KEY")
    for words in (["ls"], ["size"], ["clear"]):
        code, output = run(*words)
        assert (code, "--all" in output) == (3, True)
    assert run("clear", "--all") == (0, "Removed 3 walks.\n")


@pytest.mark.parametrize("words", [["ls"], ["size"], ["clear"], ["ls", "--json"]])
def test_the_commands_create_no_cache_file(words):
    """The cache is empty."""
    assert run(*words, "--all")[0] == 0
    assert not default_path().exists()


@pytest.mark.sockets
def test_commands_use_the_cache(monkeypatch):
    """--refresh and --no-cache send requests, --offline does not."""
    box = sf.Sandbox()
    monkeypatch.setenv("SOCIALAPI_KEY", box.key)

    def run_accounts(*words):
        result = CliRunner().invoke(main, ["accounts", *words])
        return result.stderr.splitlines()[-1], len(box.requests)

    with box.serve() as url:
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
        missed, asked = run_accounts("--offline")
        assert (missed.startswith("Error: GET /v1/accounts is not in the cache"), asked) == (
            True,
            0,
        )
        assert run_accounts() == ("17 rows, 5 columns, 1 request, complete", 1)
        summary, asked = run_accounts()
        assert (re.sub(r"\d{4}-.*:\d\d", "then", summary), asked) == (
            "17 rows, 5 columns, 1 request from the cache, fetched then, complete",
            1,
        )
        assert run_accounts("--refresh")[1] == 2
        assert run_accounts("--no-cache")[1] == 3
    assert "from the cache" in run_accounts("--offline")[0]


def test_an_invalid_duration_is_a_usage_error():
    """One line."""
    code, output = run("clear", "--all", "--older-than", "long ago")
    assert (code, output.count("\n")) == (2, 1)
    assert "as '1 day'" in output


def test_an_unusable_cache_file_is_a_warning():
    """No walk is reported as removed."""
    default_path().mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("default", sf.CacheWarning)  # as it is outside of tests
        code, output = run("clear", "--all")
    assert (code, output.splitlines()[1:]) == (0, ["Removed 0 walks."])
    assert "cannot be used" in output.splitlines()[0]


@pytest.mark.usefixtures("stored_walks")
def test_clear_shrinks_the_file():
    """The free space goes back to the disk."""
    client_of(server(pages=300), cache=True, tier=sf.Limit(1000)).posts(status="x").frame()
    with sqlite3.connect(default_path()) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        run("clear", "--all")
        assert connection.execute("PRAGMA page_count").fetchone()[0] < pages / 5
    connection.close()
