"""An interrupted walk resumes: no page is lost or requested twice, no row is missing silently."""

import base64
import json
import logging
import os
import pickle
import sqlite3
import subprocess
import sys
import warnings
from pathlib import Path

import httpx
import pandas as pd
import pyarrow.parquet as pq
import pytest
from bad_days import SPAN, client_of, posts
from click.testing import CliRunner
from stand_ins import Clock

import socialframe as sf
from socialframe.cli.main import main
from socialframe.http.transport import Wiring
from socialframe.paging import PageNumber
from socialframe.sandbox import Fault, Sandbox

DOWN = Fault("status", status=503, page=4)


@pytest.fixture
def sandbox():
    """Return a sandbox; the tests read 113 posts on six pages."""
    clock = Clock()
    return Sandbox(clock=clock, sleep=clock.sleep)


@pytest.fixture(scope="module")
def all_posts():
    """Return these posts, read without faults."""
    return posts(sf.Client.sandbox(), **SPAN)


def broken(api, **span):
    """Walk until a fault; return the error."""
    with pytest.raises(sf.IncompleteWalk) as caught:
        api.posts(**{**SPAN, **span}).frame()
    return caught.value


def answered(sandbox):
    """Return the query strings of the successful requests."""
    return [one.query for one in sandbox.requests if one.status == 200]


def facts(frame):
    """Return the provenance of a frame."""
    return frame.attrs["socialframe"]


def test_an_error_resumes_its_walk_at_the_failed_page(sandbox, all_posts):
    """Each row once and in order; no page is requested twice."""
    api = client_of(sandbox)
    sandbox.faults = [DOWN]
    error = broken(api)
    sandbox.faults = ()

    frame = error.resume().frame()

    pd.testing.assert_frame_equal(frame, all_posts)
    assert (facts(frame)["from_journal"], facts(frame)["from_network"]) == (3, 3)
    assert facts(frame)["complete"] is True
    assert len(answered(sandbox)) == 6


def test_the_same_query_resumes_the_walk_and_logs_it(sandbox, all_posts, caplog):
    """In one line; also with another client of the same key."""
    sandbox.faults = [DOWN]
    error = broken(client_of(sandbox))
    sandbox.faults = ()

    with caplog.at_level(logging.INFO, "socialframe"):
        frame = client_of(sandbox).posts(**SPAN).frame()

    pd.testing.assert_frame_equal(frame, all_posts)
    assert len(answered(sandbox)) == 6
    (line,) = [text for text in caplog.messages if "continues after" in text]
    assert line.startswith("posts: continues after 3 pages, received ")
    assert f"(walk {error.walk_id})" in line


@pytest.mark.parametrize(
    ("options", "refresh"), [({"resume": False}, None), ({"journal": False}, None), ({}, True)]
)
def test_resume_or_journal_off_or_refresh_restarts_the_walk(sandbox, all_posts, options, refresh):
    """``resume=False``, ``journal=False`` or ``refresh=True``."""
    sandbox.faults = [DOWN]
    broken(client_of(sandbox))
    sandbox.faults = ()

    frame = client_of(sandbox, **options).posts(**SPAN).frame(refresh=refresh)

    pd.testing.assert_frame_equal(frame, all_posts)
    assert facts(frame)["from_journal"] == 0
    assert len(answered(sandbox)) == 3 + 6


def test_without_a_journal_the_error_says_to_start_over(sandbox):
    """It has no walk id."""
    sandbox.faults = [DOWN]
    error = broken(client_of(sandbox, journal=False))

    assert error.walk_id == ""
    assert str(error).endswith("Run the query again to start over.")


def test_an_error_has_the_rows_so_far(sandbox, all_posts):
    """Reading them sends nothing, and the walk can still be resumed."""
    api = client_of(sandbox)
    sandbox.faults = [DOWN]
    error = broken(api)
    sandbox.faults = ()
    sent = len(sandbox.requests)

    frame = error.frame()

    pd.testing.assert_frame_equal(frame, all_posts.head(60))
    assert facts(frame)["complete"] is False
    assert (error.pages_done, error.rows, error.position) == (3, 60, {"page": "4"})
    assert len(sandbox.requests) == sent
    pd.testing.assert_frame_equal(error.resume().frame(), all_posts)


def test_a_client_with_refresh_resumes_only_with_refresh_false(sandbox, all_posts):
    """With and without a cache."""
    for cache in (False, True):
        sandbox.faults = [DOWN]
        broken(client_of(sandbox))
        sandbox.faults = ()
        api = client_of(sandbox, refresh=True, cache=cache)

        assert facts(api.posts(**SPAN).frame(refresh=False))["from_journal"] == 3
        sandbox.faults = [DOWN]
        broken(client_of(sandbox))
        sandbox.faults = ()
        frame = api.posts(**SPAN).frame()
        pd.testing.assert_frame_equal(frame, all_posts)
        assert facts(frame)["from_journal"] == 0


def test_a_walk_with_undeclared_paging_resumes_without_repeated_pages():
    """Only the refused attempts at paging are repeated."""
    clock = Clock()
    sandbox = Sandbox(paging="after_id", clock=clock, sleep=clock.sleep)
    api = client_of(sandbox)
    query = api.posts(**SPAN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.WalkWarning)
        whole = query.frame()
    before = {one.query for one in sandbox.requests}
    sandbox.faults = [DOWN]
    with pytest.raises(sf.IncompleteWalk) as caught:
        query.frame()
    sandbox.faults = ()
    sent_before = len(sandbox.requests)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.WalkWarning)
        frame = caught.value.resume().frame()

    assert frame["id"].tolist() == whole["id"].tolist()
    again = [one.query for one in sandbox.requests[sent_before:]]
    assert {*again} <= before
    assert facts(frame)["from_journal"] + len(again) == facts(whole)["from_network"]


def test_a_complete_walk_leaves_no_open_walk(sandbox):
    """Earlier attempts of the query are removed too."""
    api = client_of(sandbox)
    sandbox.faults = [DOWN]
    for _ in range(2):
        error = broken(api)
    assert len(api.walks()) == 1
    sandbox.faults = ()

    api.posts(**SPAN).frame()

    assert api.walks().empty
    with pytest.raises(sf.ArgumentError, match="is not stored any more"):
        error.frame()


def test_a_complete_refresh_removes_earlier_attempts(sandbox):
    """Although it did not resume them."""
    sandbox.faults = [DOWN]
    broken(client_of(sandbox))
    sandbox.faults = ()

    client_of(sandbox).posts(**SPAN).frame(refresh=True)

    assert sf.walks().empty


def test_a_page_with_a_foreign_next_url_is_requested_again(all_posts):
    """The foreign URL is not stored."""
    clock = Clock()
    sandbox = Sandbox(paging="next_url", clock=clock, sleep=clock.sleep)
    api = client_of(sandbox)
    sandbox.faults = [Fault("next_host", page=3, times=1)]
    error = broken(api)
    assert "another host" in str(error)

    frame = error.resume().frame()

    assert frame["id"].tolist() == all_posts["id"].tolist()
    assert facts(frame)["from_journal"] == 2


def test_a_resumed_walk_is_cached(sandbox, all_posts, tmp_path):
    """Repeating the query sends nothing."""
    api = client_of(sandbox, cache=tmp_path / "http.sqlite")
    sandbox.faults = [DOWN]
    error = broken(api)
    sandbox.faults = ()
    error.resume().frame()
    sent = len(sandbox.requests)

    frame = api.posts(**SPAN).frame()

    pd.testing.assert_frame_equal(frame, all_posts)
    assert (facts(frame)["from_cache"], facts(frame)["from_network"]) == (6, 0)
    assert len(sandbox.requests) == sent
    assert api.cache.table()["pages"].tolist() == [6]
    assert api.walks().empty


def test_a_damaged_stored_page_is_requested_again(sandbox, all_posts):
    """The rows so far are incomplete, which is an error until the walk is resumed."""
    sandbox.faults = [DOWN]
    error = broken(client_of(sandbox))
    sandbox.faults = ()
    file = Path(os.environ["XDG_CACHE_HOME"], "socialframe", "walks.sqlite")
    db = sqlite3.connect(file)
    with db:
        db.execute("UPDATE responses SET value = x'00' WHERE key LIKE 'page:%:000001'")
    db.close()

    with (
        pytest.warns(sf.JournalWarning, match="damaged"),
        pytest.raises(sf.IncompleteWalk, match="A stored page"),
    ):
        error.frame()
    frame = error.resume().frame()

    pd.testing.assert_frame_equal(frame, all_posts)
    assert facts(frame)["from_journal"] == 1


def test_every_output_resumes(sandbox, all_posts, tmp_path):
    """Pages, records, Arrow and files."""
    api = client_of(sandbox)
    outputs = {
        "pages": lambda query: [name for page in query.pages() for name in page["id"]],
        "records": lambda query: [record["id"] for record in query.records()],
        "arrow": lambda query: query.arrow()["id"].to_pylist(),
        "parquet": lambda query: pd.read_parquet(query.to_parquet(tmp_path / "x.parquet"))["id"],
        "csv": lambda query: pd.read_csv(query.to_csv(tmp_path / "x.csv"))["id"],
        "jsonl": lambda query: pd.read_json(query.to_jsonl(tmp_path / "x.jsonl"), lines=True)["id"],
    }
    for name, output in outputs.items():
        sandbox.faults = [DOWN]
        broken(api)
        sandbox.faults = ()
        before = len(answered(sandbox))

        assert list(output(api.posts(**SPAN))) == all_posts["id"].tolist(), name
        assert len(answered(sandbox)) == before + 3, name


def test_each_query_resumes_only_its_own_walk(sandbox):
    """Exploded, limited and undeclared ones."""
    api = client_of(sandbox)
    path = {"path": "/v1/posts", "params": {"limit": 20}, "key": "id"}
    queries = [
        api.posts(**SPAN).explode("platforms"),
        api.posts(**SPAN).limit(90),
        api.fetch(**path).limit(90),
        api.fetch(**path, paging=PageNumber(more="pagination.hasMore")).limit(90),
        api.fetch(**path, columns={"createdAt": "timestamp"}).limit(80),
    ]
    expected = [query.frame() for query in queries]
    sandbox.faults = [DOWN]
    errors = []
    for query in queries:
        with pytest.raises(sf.IncompleteWalk) as caught:
            query.frame()
        errors.append(caught.value)
    sandbox.faults = ()

    assert len({error.walk_id for error in errors}) == len(queries)
    for error, query, frame in zip(errors, queries, expected, strict=True):
        assert len(error.frame()) == error.rows > 0
        again = api.resume(error.walk_id)
        assert repr(again) == repr(query)
        pd.testing.assert_frame_equal(again.frame(), frame)
        assert facts(again.frame())["from_journal"] == 0, "the walk is complete"


@pytest.mark.sockets
@pytest.mark.processes
def test_a_pickled_error_resumes_in_another_process(sandbox, all_posts, tmp_path):
    """With the default client, by its walk id."""
    with sandbox.serve() as url:
        with (
            sf.Client(sandbox.key, base_url=url, tier="paid", cache=False) as api,
            pytest.raises(sf.IncompleteWalk) as caught,
        ):
            api.posts(**SPAN).frame(max_requests=3)  # the first page announces more
        file = tmp_path / "error.pickle"
        file.write_bytes(pickle.dumps(caught.value))
        code = (
            "import pickle, sys\n"
            "error = pickle.loads(open(sys.argv[1], 'rb').read())\n"
            "print(len(error.frame()), len(error.resume().frame()))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(file)],
            env={**os.environ, "SOCIALAPI_KEY": sandbox.key, "SOCIALAPI_BASE_URL": url},
            capture_output=True,
            text=True,
            check=True,
        )

    assert done.stdout.split() == ["20", str(len(all_posts))]
    assert sandbox.key[3:] not in repr(file.read_bytes())


def test_a_walk_resumes_after_its_key_was_revoked_and_restored(sandbox, all_posts):
    """The cause is an AuthenticationError."""
    api = client_of(sandbox)
    sandbox.faults = [Fault("revoke", page=4)]
    error = broken(api)
    sandbox.faults = ()

    assert isinstance(error.__cause__, sf.AuthenticationError)
    pd.testing.assert_frame_equal(error.resume().frame(), all_posts)


@pytest.mark.parametrize("kind", ["html", "cut", "utf8"])
def test_an_invalid_page_is_requested_again(sandbox, all_posts, kind):
    """It is not stored."""
    api = client_of(sandbox)
    sandbox.faults = [Fault(kind, page=4)]
    error = broken(api)
    sandbox.faults = ()

    assert len(error.frame()) == 60
    pd.testing.assert_frame_equal(error.resume().frame(), all_posts)
    assert len(answered(sandbox)) <= 6 + 3, "only later pages are requested again"


def test_a_paging_loop_is_restarted_and_not_resumed(all_posts):
    """Resuming would repeat the loop; its rows can be read."""
    clock = Clock()
    sandbox = Sandbox(paging="cursor", clock=clock, sleep=clock.sleep)
    api = client_of(sandbox)
    sandbox.faults = [Fault("repeat", page=4)]
    with pytest.raises(sf.PagingLoop) as caught:
        api.posts(**SPAN).frame()
    sandbox.faults = ()

    assert 60 <= len(caught.value.frame()) <= 80
    frame = caught.value.resume().frame()
    assert frame["id"].tolist() == all_posts["id"].tolist()
    assert facts(frame)["from_journal"] == 0


def test_an_expired_cursor_restarts_the_walk_and_logs_it(all_posts, caplog):
    """If no rows were returned yet; otherwise in the next run."""
    for output in ("frame", "pages"):
        clock = Clock()
        sandbox = Sandbox(paging="cursor", clock=clock, sleep=clock.sleep)
        api = client_of(sandbox)
        sandbox.faults = [DOWN]
        broken(api)
        sandbox.faults = [Fault("expire", page=4, times=1)]
        caplog.clear()
        with caplog.at_level(logging.INFO, "socialframe"):
            if output == "frame":
                frame = api.posts(**SPAN).frame()
            else:
                with pytest.raises(sf.IncompleteWalk):
                    list(api.posts(**SPAN).pages())
                frame = pd.concat(api.posts(**SPAN).pages())
                frame.attrs = {"socialframe": {"from_journal": 0}}

        assert frame["id"].tolist() == all_posts["id"].tolist()
        assert facts(frame)["from_journal"] == 0
        assert [text for text in caplog.messages if "no longer accepts the cursor" in text]


def test_rows_moved_before_resuming_are_dropped_or_a_warning(sandbox, all_posts):
    """Inserted rows cause duplicates; deleted rows cause a gap."""
    api = client_of(sandbox)
    sandbox.faults = [DOWN]
    broken(api)
    sandbox.faults = [Fault("insert", rows=3, page=4, times=1)]

    frame = api.posts(**SPAN).frame()

    assert frame["id"].is_unique
    assert set(all_posts["id"]) <= set(frame["id"])
    assert facts(frame)["duplicates"] == 3

    sandbox.faults = [DOWN]
    broken(api)
    sandbox.faults = [Fault("delete", rows=5, page=4, times=1)]
    with pytest.warns(sf.WalkWarning, match="were deleted on the server"):
        frame = api.posts(**SPAN).frame()
    assert facts(frame)["complete"] is None


def test_a_partial_file_is_marked_incomplete(sandbox, all_posts, tmp_path):
    """With a warning; without ``partial=True`` no file is written."""
    api = client_of(sandbox)
    path = tmp_path / "posts.parquet"
    sandbox.faults = [DOWN]
    with pytest.raises(sf.IncompleteWalk):
        api.posts(**SPAN).to_parquet(path)
    assert not path.exists()

    with pytest.warns(sf.WalkWarning, match="contains the rows received"):
        api.posts(**SPAN).to_parquet(path, partial=True)

    pd.testing.assert_frame_equal(sf.read_parquet(path), all_posts.head(60))
    assert facts(sf.read_parquet(path))["complete"] is False
    assert b'"complete": false' in pq.read_metadata(path).metadata[b"socialframe"]
    sandbox.faults = ()
    api.posts(**SPAN).to_parquet(path, partial=True)
    assert facts(sf.read_parquet(path))["complete"] is True


def test_a_failed_write_loses_no_page(sandbox, all_posts, tmp_path):
    """The received pages are stored for the next attempt."""
    api = client_of(sandbox)
    (tmp_path / "in_the_way").write_text("")
    with pytest.raises(sf.FileError):
        api.posts(**SPAN).to_parquet(tmp_path / "in_the_way" / "posts.parquet")
    sent = len(answered(sandbox))

    path = api.posts(**SPAN).to_parquet(tmp_path / "posts.parquet")

    pd.testing.assert_frame_equal(sf.read_parquet(path), all_posts)
    assert len(answered(sandbox)) == max(sent, 6)


def test_a_walk_of_another_key_is_not_resumed(sandbox):
    """Even for the same query."""
    sandbox.faults = [DOWN]
    error = broken(client_of(sandbox))
    other = Sandbox()
    api = client_of(other)

    frame = api.posts(**SPAN).frame()

    assert facts(frame)["from_journal"] == 0
    with pytest.raises(sf.ArgumentError, match="another key"):
        api.resume(error.walk_id)


def test_open_walks_are_listed(sandbox):
    """With the text of their query."""
    sandbox.faults = [DOWN]
    error = broken(client_of(sandbox))

    table = sf.walks()

    (row,) = table.to_dict("records")
    assert row["walk_id"] == error.walk_id
    assert row["query"] == "posts(since='2026-09-01', until='2026-09-12', per_page=20)"
    assert (row["pages"], row["rows"], row["state"]) == (3, 60, "failed")
    assert "503" in row["reason"]
    assert row["size"] > 1000


def test_stored_walks_are_private_files_without_the_key(sandbox):
    """Nor with its base64."""
    sandbox.faults = [DOWN]
    broken(client_of(sandbox))
    home = Path(os.environ["XDG_CACHE_HOME"])

    files = [path for path in home.rglob("*") if path.is_file()]

    assert {path.name for path in files} >= {"walks.sqlite"}
    key = sandbox.key.encode()
    for path in files:
        assert path.stat().st_mode & 0o077 == 0
        for text in (key, key[3:], base64.b64encode(key)):
            assert text not in path.read_bytes()
    assert (home / "socialframe").stat().st_mode & 0o077 == 0


@pytest.mark.sockets
def test_cli_lists_resumes_and_removes_walks(sandbox, all_posts, tmp_path, monkeypatch):
    """By walk id; a file is complete or absent."""

    def run(*words):
        return CliRunner().invoke(main, ["walks", *words])

    path = tmp_path / "posts.parquet"
    assert run("ls").exit_code == 0
    with sandbox.serve() as url:
        monkeypatch.setenv("SOCIALAPI_KEY", sandbox.key)
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
        names = []
        for per_page in (20, 25):
            with sf.Client(tier="paid", cache=False) as api, pytest.raises(sf.IncompleteWalk) as e:
                api.posts(**{**SPAN, "per_page": per_page}).frame(max_requests=2)
            names.append(e.value.walk_id)
        listed = json.loads(run("ls", "--json").stdout)
        assert [row["walk_id"] for row in listed] == names[::-1]
        assert names[0] in run("ls").stdout

        assert run("resume", names[0], "-o", "x.txt").exit_code == 2
        done = run("resume", names[0], "-o", str(path))
        assert done.exit_code == 0, done.output
    pd.testing.assert_frame_equal(sf.read_parquet(path), all_posts)

    assert "no unfinished walk" in run("rm", "0000").output
    assert run("rm").exit_code == 2
    assert run("rm", names[1]).output == "Removed 1 walk.\n"
    assert run("rm", "--all").output == "Removed 0 walks.\n"
    assert "There are no unfinished walks" in run("ls").output
    assert json.loads(run("ls", "--json").stdout) == []


def test_a_walk_left_by_break_resumes_only_while_the_cache_is_fresh(all_posts):
    """Without a cache it restarts, unless it is resumed by walk id."""
    clock, now = Clock(), Clock()
    sandbox = Sandbox(clock=clock, sleep=clock.sleep)
    api = sf.Client.sandbox(sandbox, cache=False)
    next(iter(api.posts(**SPAN).pages()))
    assert facts(api.posts(**SPAN).frame())["from_journal"] == 0
    next(iter(api.posts(**SPAN).pages()))
    named = api.resume(api.walks()["walk_id"][0]).frame()
    assert (facts(named)["from_journal"], len(named)) == (1, len(all_posts))

    for seconds, stored in ((10, 1), (70, 0)):
        wiring = Wiring(lambda: httpx.WSGITransport(app=sandbox.wsgi), clock=clock, now=now)
        api = sf.Client(sandbox.key, tier="paid", cache="1 min", wiring=wiring)
        next(iter(api.posts(**SPAN).pages()))
        now.now += seconds
        assert facts(api.posts(**SPAN).frame())["from_journal"] == stored
        api.cache.clear()


def test_disconnecting_an_account_discards_open_walks():
    """The account is absent from the next frame."""
    api = sf.Client.sandbox(cache=True)
    pages = api.accounts().pages()
    next(pages)
    pages.close()
    api.disconnect("tiktok", "tt_40311")

    assert "tt_40311" not in set(api.accounts().frame()["account_id"])


def test_a_removed_or_locked_walk_is_restarted_and_logs_it(sandbox, all_posts, caplog):
    """Somebody removed it or resumes it at the same time."""
    api = client_of(sandbox)
    sandbox.faults = [DOWN]
    error, other = broken(api), broken(api, until="2026-11-19")
    sandbox.faults = ()
    CliRunner().invoke(main, ["walks", "rm", error.walk_id])
    other_walk = client_of(sandbox).resume(other.walk_id).pages()
    next(other_walk)

    for one in (error, other):
        caplog.clear()
        with caplog.at_level(logging.INFO, "socialframe"):
            frame = one.resume().frame()
        assert facts(frame)["from_journal"] == 0
        assert facts(frame)["complete"] is True
        assert f"the walk {one.walk_id} is not stored" in caplog.text
    other_walk.close()


@pytest.mark.parametrize("way", ["error", "client", "reader"])
def test_resume_of_a_broken_refresh_is_not_answered_by_the_older_complete_walk(
    sandbox, all_posts, tmp_path, way
):
    """Three posts are new; the stale walk in the cache does not have them."""
    api = client_of(sandbox, cache=True)
    old = api.posts(**SPAN).frame()
    sandbox.faults = [Fault("insert", rows=3, page=1, times=1), DOWN]
    with pytest.raises(sf.IncompleteWalk) as caught:
        api.posts(**SPAN).frame(refresh=True)
    error = caught.value
    sandbox.faults = ()
    sent = len(sandbox.requests)

    if way == "error":
        query = error.resume()
    elif way == "client":
        query = client_of(sandbox, cache=True).resume(error.walk_id)
    else:
        query = sf.resume(error.walk_id, client=api)
    frame = query.frame()

    assert (facts(frame)["from_cache"], facts(frame)["from_journal"]) == (0, 3)
    assert len(frame) == len(old) + 3
    assert len(sandbox.requests) > sent
    again = api.posts(**SPAN).frame()
    assert (len(again), facts(again)["from_network"]) == (len(frame), 0), "it replaced the old one"


@pytest.mark.sockets
def test_resume_from_a_shell_is_not_answered_by_an_older_complete_walk(
    sandbox, tmp_path, monkeypatch
):
    """``socialframe walks resume`` goes on with the walk of that id."""
    path = tmp_path / "posts.parquet"
    with sandbox.serve() as url:
        monkeypatch.setenv("SOCIALAPI_KEY", sandbox.key)
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
        with sf.Client(tier="paid") as api:
            old = api.posts(**SPAN).frame()
        sandbox.faults = [Fault("insert", rows=3, page=1, times=1)]
        with sf.Client(tier="paid") as api, pytest.raises(sf.IncompleteWalk) as caught:
            api.posts(**SPAN).frame(refresh=True, max_requests=3)
        words = ["walks", "resume", caught.value.walk_id, "-o", str(path)]
        done = CliRunner().invoke(main, words)

    assert done.exit_code == 0, done.output
    frame = sf.read_parquet(path)
    assert len(frame) == len(old) + 3
    assert facts(frame)["from_cache"] == 0


def test_resume_that_fails_again_is_not_answered_by_the_older_complete_walk(sandbox):
    """Also with ``stale_if_error``: the user asked for the rows of this walk."""
    api = client_of(sandbox, cache=True)
    api.posts(**SPAN).frame()
    sandbox.faults = [DOWN]
    with pytest.raises(sf.IncompleteWalk) as caught:
        api.posts(**SPAN).frame(refresh=True)
    api = client_of(sandbox, cache=True, stale_if_error=True)

    assert facts(api.posts(**SPAN).frame(refresh=True))["from_network"] == 0
    with pytest.raises(sf.IncompleteWalk) as again:
        api.resume(caught.value.walk_id).frame()
    assert again.value.walk_id == caught.value.walk_id


def test_progress_that_raises_leaves_a_walk_that_is_resumed(sandbox, all_posts):
    """Its ``say`` is called after the walk was claimed."""
    sandbox.faults = [DOWN]
    error = broken(client_of(sandbox))
    sandbox.faults = ()
    api = client_of(sandbox)

    class Broken(sf.progress.Progress):
        def say(self, text):
            raise RuntimeError(text)

    with pytest.raises(RuntimeError, match="continues after"):
        api.posts(**SPAN).frame(progress=Broken("posts", shown=False))
    frame = api.resume(error.walk_id).frame()

    assert (len(frame), facts(frame)["from_journal"]) == (len(all_posts), 3)
