"""A walk that breaks goes on where it broke: nothing is lost, asked twice, or silently missing."""

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
def box():
    """Return a sandbox whose 113 posts of some days stand on six pages."""
    clock = Clock()
    return Sandbox(clock=clock, sleep=clock.sleep)


@pytest.fixture(scope="module")
def every():
    """Return these posts, read on a good day."""
    return posts(sf.Client.sandbox(), **SPAN)


def broken(api, **span):
    """Walk until the sandbox breaks it; return the error."""
    with pytest.raises(sf.IncompleteWalk) as caught:
        api.posts(**{**SPAN, **span}).frame()
    return caught.value


def asked(box):
    """Return which pages were asked for, and answered."""
    return [one.query for one in box.requests if one.status == 200]


def facts(frame):
    """Return what a frame says of itself."""
    return frame.attrs["socialframe"]


def test_a_walk_that_broke_goes_on_where_it_broke(box, every):
    """By the error; every row once, in order; no page asked for twice."""
    api = client_of(box)
    box.faults = [DOWN]
    error = broken(api)
    box.faults = ()

    frame = error.resume().frame()

    pd.testing.assert_frame_equal(frame, every)
    assert (facts(frame)["from_journal"], facts(frame)["from_network"]) == (3, 3)
    assert facts(frame)["complete"] is True
    assert len(asked(box)) == 6


def test_the_same_query_goes_on_by_itself_and_says_so(box, every, caplog):
    """In one line, also of another client of the same key."""
    box.faults = [DOWN]
    error = broken(client_of(box))
    box.faults = ()

    with caplog.at_level(logging.INFO, "socialframe"):
        frame = client_of(box).posts(**SPAN).frame()

    pd.testing.assert_frame_equal(frame, every)
    assert len(asked(box)) == 6
    (line,) = [text for text in caplog.messages if "goes on" in text]
    assert line.startswith("posts: goes on after the 3 pages that came ")
    assert f"(walk {error.walk_id})" in line


@pytest.mark.parametrize(
    ("options", "refresh"), [({"resume": False}, None), ({"journal": False}, None), ({}, True)]
)
def test_a_walk_starts_anew_where_it_is_told_to(box, every, options, refresh):
    """By ``resume=False``, ``journal=False``, or ``refresh=True``."""
    box.faults = [DOWN]
    broken(client_of(box))
    box.faults = ()

    frame = client_of(box, **options).posts(**SPAN).frame(refresh=refresh)

    pd.testing.assert_frame_equal(frame, every)
    assert facts(frame)["from_journal"] == 0
    assert len(asked(box)) == 3 + 6


def test_without_a_journal_the_error_says_that_it_starts_anew(box):
    """It has no name to go on by."""
    box.faults = [DOWN]
    error = broken(client_of(box, journal=False))

    assert error.walk_id == ""
    assert str(error).endswith("Run the query again to start over.")


def test_the_rows_so_far_are_in_the_error(box, every):
    """Nothing is sent for them; and the walk can go on after that."""
    api = client_of(box)
    box.faults = [DOWN]
    error = broken(api)
    box.faults = ()
    sent = len(box.requests)

    frame = error.frame()

    pd.testing.assert_frame_equal(frame, every.head(60))
    assert facts(frame)["complete"] is False
    assert (error.pages_done, error.rows, error.position) == (3, 60, {"page": "4"})
    assert len(box.requests) == sent
    pd.testing.assert_frame_equal(error.resume().frame(), every)


def test_a_client_that_asks_anew_goes_on_with_nothing(box, every):
    """Unless a query says otherwise; with a cache and without."""
    for cache in (False, True):
        box.faults = [DOWN]
        broken(client_of(box))
        box.faults = ()
        api = client_of(box, refresh=True, cache=cache)

        assert facts(api.posts(**SPAN).frame(refresh=False))["from_journal"] == 3
        box.faults = [DOWN]
        broken(client_of(box))
        box.faults = ()
        frame = api.posts(**SPAN).frame()
        pd.testing.assert_frame_equal(frame, every)
        assert facts(frame)["from_journal"] == 0


def test_an_endpoint_that_is_found_out_by_trying_goes_on_without_asking_twice():
    """The ways that the API refuses are tried again, and no page is asked for again."""
    clock = Clock()
    box = Sandbox(paging="after_id", clock=clock, sleep=clock.sleep)
    api = client_of(box)
    query = api.posts(**SPAN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.WalkWarning)
        whole = query.frame()
    before = {one.query for one in box.requests}
    box.faults = [DOWN]
    with pytest.raises(sf.IncompleteWalk) as caught:
        query.frame()
    box.faults = ()
    asked_by_then = len(box.requests)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.WalkWarning)
        frame = caught.value.resume().frame()

    assert frame["id"].tolist() == whole["id"].tolist()
    again = [one.query for one in box.requests[asked_by_then:]]
    assert {*again} <= before
    assert facts(frame)["from_journal"] + len(again) == facts(whole)["from_network"]


def test_a_walk_that_ended_leaves_no_rest(box):
    """Neither of itself nor of earlier tries."""
    api = client_of(box)
    box.faults = [DOWN]
    for _ in range(2):
        error = broken(api)
    assert len(api.walks()) == 1
    box.faults = ()

    api.posts(**SPAN).frame()

    assert api.walks().empty
    with pytest.raises(sf.ArgumentError, match="Nothing is kept"):
        error.frame()


def test_a_walk_that_ended_takes_the_place_of_earlier_tries(box):
    """Also where it started anew."""
    box.faults = [DOWN]
    broken(client_of(box))
    box.faults = ()

    client_of(box).posts(**SPAN).frame(refresh=True)

    assert sf.walks().empty


def test_a_page_that_led_astray_is_asked_for_again(every):
    """What it led to was never a call."""
    clock = Clock()
    box = Sandbox(paging="next_url", clock=clock, sleep=clock.sleep)
    api = client_of(box)
    box.faults = [Fault("next_host", page=3, times=1)]
    error = broken(api)
    assert "another host" in str(error)

    frame = error.resume().frame()

    assert frame["id"].tolist() == every["id"].tolist()
    assert facts(frame)["from_journal"] == 2


def test_a_walk_that_went_on_is_in_the_cache_like_any_other(box, every, tmp_path):
    """With the age of its first page; nothing is asked again."""
    api = client_of(box, cache=tmp_path / "http.sqlite")
    box.faults = [DOWN]
    error = broken(api)
    box.faults = ()
    error.resume().frame()
    sent = len(box.requests)

    frame = api.posts(**SPAN).frame()

    pd.testing.assert_frame_equal(frame, every)
    assert (facts(frame)["from_cache"], facts(frame)["from_network"]) == (6, 0)
    assert len(box.requests) == sent
    assert api.cache.table()["pages"].tolist() == [6]
    assert api.walks().empty


def test_a_reply_that_was_damaged_in_the_journal_is_asked_for_again(box, every):
    """Its rows are not those that came; that is an error of ours, and to go on cures it."""
    box.faults = [DOWN]
    error = broken(client_of(box))
    box.faults = ()
    file = Path(os.environ["XDG_CACHE_HOME"], "socialframe", "walks.sqlite")
    db = sqlite3.connect(file)
    with db:
        db.execute("UPDATE responses SET value = x'00' WHERE key LIKE 'page:%:000001'")
    db.close()

    with (
        pytest.warns(sf.JournalWarning, match="damaged"),
        pytest.raises(sf.IncompleteWalk, match="lost a reply"),
    ):
        error.frame()
    frame = error.resume().frame()

    pd.testing.assert_frame_equal(frame, every)
    assert facts(frame)["from_journal"] == 1


def test_every_way_out_goes_on(box, every, tmp_path):
    """Pages, records, Arrow, and files."""
    api = client_of(box)
    ways = {
        "pages": lambda query: [name for page in query.pages() for name in page["id"]],
        "records": lambda query: [record["id"] for record in query.records()],
        "arrow": lambda query: query.arrow()["id"].to_pylist(),
        "parquet": lambda query: pd.read_parquet(query.to_parquet(tmp_path / "x.parquet"))["id"],
        "csv": lambda query: pd.read_csv(query.to_csv(tmp_path / "x.csv"))["id"],
        "jsonl": lambda query: pd.read_json(query.to_jsonl(tmp_path / "x.jsonl"), lines=True)["id"],
    }
    for way, use in ways.items():
        box.faults = [DOWN]
        broken(api)
        box.faults = ()
        before = len(asked(box))

        assert list(use(api.posts(**SPAN))) == every["id"].tolist(), way
        assert len(asked(box)) == before + 3, way


def test_explode_limit_and_undeclared_endpoints_go_on(box):
    """Each as itself: a query goes on with its own walk alone."""
    api = client_of(box)
    path = {"path": "/v1/posts", "params": {"limit": 20}, "key": "id"}
    queries = [
        api.posts(**SPAN).explode("platforms"),
        api.posts(**SPAN).limit(90),
        api.fetch(**path).limit(90),
        api.fetch(**path, paging=PageNumber(more="pagination.hasMore")).limit(90),
        api.fetch(**path, columns={"createdAt": "timestamp"}).limit(80),
    ]
    good = [query.frame() for query in queries]
    box.faults = [DOWN]
    errors = []
    for query in queries:
        with pytest.raises(sf.IncompleteWalk) as caught:
            query.frame()
        errors.append(caught.value)
    box.faults = ()

    assert len({error.walk_id for error in errors}) == len(queries)
    for error, query, frame in zip(errors, queries, good, strict=True):
        assert len(error.frame()) == error.rows > 0
        again = api.resume(error.walk_id)
        assert repr(again) == repr(query)
        pd.testing.assert_frame_equal(again.frame(), frame)
        assert facts(again.frame())["from_journal"] == 0, "it came to its end before"


@pytest.mark.sockets
@pytest.mark.processes
def test_an_error_that_was_pickled_is_looked_up_by_its_name(box, every, tmp_path):
    """In another process, by the default client."""
    with box.serve() as url:
        with (
            sf.Client(box.key, base_url=url, tier="paid", cache=False) as api,
            pytest.raises(sf.IncompleteWalk) as caught,
        ):
            api.posts(**SPAN).frame(max_requests=3)  # known to be too few after the first page
        file = tmp_path / "error.pickle"
        file.write_bytes(pickle.dumps(caught.value))
        code = (
            "import pickle, sys\n"
            "error = pickle.loads(open(sys.argv[1], 'rb').read())\n"
            "print(len(error.frame()), len(error.resume().frame()))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(file)],
            env={**os.environ, "SOCIALAPI_KEY": box.key, "SOCIALAPI_BASE_URL": url},
            capture_output=True,
            text=True,
            check=True,
        )

    assert done.stdout.split() == ["20", str(len(every))]
    assert box.key[3:] not in repr(file.read_bytes())


def test_a_key_that_was_revoked_is_explained_and_the_walk_goes_on_with_it(box, every):
    """On page 4; when it is known again."""
    api = client_of(box)
    box.faults = [Fault("revoke", page=4)]
    error = broken(api)
    box.faults = ()

    assert isinstance(error.__cause__, sf.AuthenticationError)
    pd.testing.assert_frame_equal(error.resume().frame(), every)


@pytest.mark.parametrize("kind", ["html", "cut", "utf8"])
def test_a_page_that_was_none_is_asked_for_again(box, every, kind):
    """What the API sent in its place is not kept."""
    api = client_of(box)
    box.faults = [Fault(kind, page=4)]
    error = broken(api)
    box.faults = ()

    assert len(error.frame()) == 60
    pd.testing.assert_frame_equal(error.resume().frame(), every)
    assert len(asked(box)) <= 6 + 3, "those that came behind it are asked for again"


def test_a_walk_in_a_circle_starts_anew(every):
    """Its rows are there; to go on would lead into the same circle."""
    clock = Clock()
    box = Sandbox(paging="cursor", clock=clock, sleep=clock.sleep)
    api = client_of(box)
    box.faults = [Fault("repeat", page=4)]
    with pytest.raises(sf.PagingLoop) as caught:
        api.posts(**SPAN).frame()
    box.faults = ()

    assert 60 <= len(caught.value.frame()) <= 80
    frame = caught.value.resume().frame()
    assert frame["id"].tolist() == every["id"].tolist()
    assert facts(frame)["from_journal"] == 0


def test_a_cursor_that_is_no_longer_known_starts_anew_and_says_so(every, caplog):
    """Where the rows have not been handed on; and else with the next run."""
    for way in ("frame", "pages"):
        clock = Clock()
        box = Sandbox(paging="cursor", clock=clock, sleep=clock.sleep)
        api = client_of(box)
        box.faults = [DOWN]
        broken(api)
        box.faults = [Fault("expire", page=4, times=1)]
        caplog.clear()
        with caplog.at_level(logging.INFO, "socialframe"):
            if way == "frame":
                frame = api.posts(**SPAN).frame()
            else:
                with pytest.raises(sf.IncompleteWalk):
                    list(api.posts(**SPAN).pages())
                frame = pd.concat(api.posts(**SPAN).pages())
                frame.attrs = {"socialframe": {"from_journal": 0}}

        assert frame["id"].tolist() == every["id"].tolist()
        assert facts(frame)["from_journal"] == 0
        assert [text for text in caplog.messages if "no longer knows where" in text]


def test_rows_that_moved_meanwhile_come_once_and_a_gap_is_told(box, every):
    """New ones in front push known ones onto the next page; deleted ones pull others past it."""
    api = client_of(box)
    box.faults = [DOWN]
    broken(api)
    box.faults = [Fault("insert", rows=3, page=4, times=1)]

    frame = api.posts(**SPAN).frame()

    assert frame["id"].is_unique
    assert set(every["id"]) <= set(frame["id"])
    assert facts(frame)["duplicates"] == 3

    box.faults = [DOWN]
    broken(api)
    box.faults = [Fault("delete", rows=5, page=4, times=1)]
    with pytest.warns(sf.WalkWarning, match="disappeared on the server"):
        frame = api.posts(**SPAN).frame()
    assert facts(frame)["complete"] is None


def test_a_partial_file_says_that_it_is_partial(box, every, tmp_path):
    """With a warning; without ``partial=True`` there is no file."""
    api = client_of(box)
    path = tmp_path / "posts.parquet"
    box.faults = [DOWN]
    with pytest.raises(sf.IncompleteWalk):
        api.posts(**SPAN).to_parquet(path)
    assert not path.exists()

    with pytest.warns(sf.WalkWarning, match="has the rows that came"):
        api.posts(**SPAN).to_parquet(path, partial=True)

    pd.testing.assert_frame_equal(sf.read_parquet(path), every.head(60))
    assert facts(sf.read_parquet(path))["complete"] is False
    assert b'"complete": false' in pq.read_metadata(path).metadata[b"socialframe"]
    box.faults = ()
    api.posts(**SPAN).to_parquet(path, partial=True)
    assert facts(sf.read_parquet(path))["complete"] is True


def test_a_disk_that_is_full_loses_no_page(box, every, tmp_path):
    """The file cannot be written, and what came is there for the next try."""
    api = client_of(box)
    (tmp_path / "in_the_way").write_text("")
    with pytest.raises(sf.FileError):
        api.posts(**SPAN).to_parquet(tmp_path / "in_the_way" / "posts.parquet")
    sent = len(asked(box))

    path = api.posts(**SPAN).to_parquet(tmp_path / "posts.parquet")

    pd.testing.assert_frame_equal(sf.read_parquet(path), every)
    assert len(asked(box)) == max(sent, 6)


def test_two_keys_never_go_on_with_each_others_walks(box):
    """Though they ask for the same."""
    box.faults = [DOWN]
    error = broken(client_of(box))
    other = Sandbox()
    api = client_of(other)

    frame = api.posts(**SPAN).frame()

    assert facts(frame)["from_journal"] == 0
    with pytest.raises(sf.ArgumentError, match="another key"):
        api.resume(error.walk_id)


def test_unfinished_walks_are_listed(box):
    """Of all clients of this user; what they hold can be read as their query."""
    box.faults = [DOWN]
    error = broken(client_of(box))

    table = sf.walks()

    (row,) = table.to_dict("records")
    assert row["walk_id"] == error.walk_id
    assert row["query"] == "posts(since='2026-09-01', until='2026-09-12', per_page=20)"
    assert (row["pages"], row["rows"], row["state"]) == (3, 60, "failed")
    assert "503" in row["reason"]
    assert row["size"] > 1000


def test_neither_the_key_nor_its_base64_is_in_the_files(box):
    """And nobody else may read them."""
    box.faults = [DOWN]
    broken(client_of(box))
    home = Path(os.environ["XDG_CACHE_HOME"])

    files = [path for path in home.rglob("*") if path.is_file()]

    assert {path.name for path in files} >= {"walks.sqlite"}
    key = box.key.encode()
    for path in files:
        assert path.stat().st_mode & 0o077 == 0
        for text in (key, key[3:], base64.b64encode(key)):
            assert text not in path.read_bytes()
    assert (home / "socialframe").stat().st_mode & 0o077 == 0


@pytest.mark.sockets
def test_walks_are_listed_resumed_and_removed_from_a_shell(box, every, tmp_path, monkeypatch):
    """By their names; a file is whole or not there."""

    def run(*words):
        return CliRunner().invoke(main, ["walks", *words])

    path = tmp_path / "posts.parquet"
    assert run("ls").exit_code == 0
    with box.serve() as url:
        monkeypatch.setenv("SOCIALAPI_KEY", box.key)
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
    pd.testing.assert_frame_equal(sf.read_parquet(path), every)

    assert "no unfinished walk" in run("rm", "0000").output
    assert run("rm").exit_code == 2
    assert run("rm", names[1]).output == "Removed 1 walk.\n"
    assert run("rm", "--all").output == "Removed 0 walks.\n"
    assert "There are no unfinished walks" in run("ls").output


def test_a_loop_that_was_left_goes_on_only_while_the_cache_would_answer(every):
    """Without a cache it asks anew at once, else when its last page is too old; unless named."""
    clock, now = Clock(), Clock()
    box = Sandbox(clock=clock, sleep=clock.sleep)
    api = sf.Client.sandbox(box, cache=False)
    next(iter(api.posts(**SPAN).pages()))
    assert facts(api.posts(**SPAN).frame())["from_journal"] == 0
    next(iter(api.posts(**SPAN).pages()))
    named = api.resume(api.walks()["walk_id"][0]).frame()
    assert (facts(named)["from_journal"], len(named)) == (1, len(every))

    for passed, kept in ((10, 1), (70, 0)):
        wiring = Wiring(lambda: httpx.WSGITransport(app=box.wsgi), clock=clock, now=now)
        api = sf.Client(box.key, tier="paid", cache="1 min", wiring=wiring)
        next(iter(api.posts(**SPAN).pages()))
        now.now += passed
        assert facts(api.posts(**SPAN).frame())["from_journal"] == kept
        api.cache.clear()


def test_who_was_disconnected_is_in_no_journal():
    """Nor is an account that was connected missing."""
    api = sf.Client.sandbox(cache=True)
    pages = api.accounts().pages()
    next(pages)
    pages.close()
    api.disconnect("tiktok", "tt_40311")

    assert "tt_40311" not in set(api.accounts().frame()["account_id"])


def test_a_walk_of_which_nothing_is_kept_starts_anew_and_says_so(box, every, caplog):
    """Somebody removed it, or goes on with it at this moment."""
    api = client_of(box)
    box.faults = [DOWN]
    error, other = broken(api), broken(api, until="2026-11-19")
    box.faults = ()
    CliRunner().invoke(main, ["walks", "rm", error.walk_id])
    elsewhere = client_of(box).resume(other.walk_id).pages()
    next(elsewhere)

    for one in (error, other):
        caplog.clear()
        with caplog.at_level(logging.INFO, "socialframe"):
            frame = one.resume().frame()
        assert facts(frame)["from_journal"] == 0
        assert facts(frame)["complete"] is True
        assert f"nothing is kept of the walk {one.walk_id}" in caplog.text
    elsewhere.close()


@pytest.mark.parametrize("way", ["error", "client", "reader"])
def test_resume_of_a_broken_refresh_is_not_answered_by_the_older_complete_walk(
    box, every, tmp_path, way
):
    """Three posts are new; the stale walk in the cache does not have them."""
    api = client_of(box, cache=True)
    old = api.posts(**SPAN).frame()
    box.faults = [Fault("insert", rows=3, page=1, times=1), DOWN]
    with pytest.raises(sf.IncompleteWalk) as caught:
        api.posts(**SPAN).frame(refresh=True)
    error = caught.value
    box.faults = ()
    sent = len(box.requests)

    if way == "error":
        query = error.resume()
    elif way == "client":
        query = client_of(box, cache=True).resume(error.walk_id)
    else:
        query = sf.resume(error.walk_id, client=api)
    frame = query.frame()

    assert (facts(frame)["from_cache"], facts(frame)["from_journal"]) == (0, 3)
    assert len(frame) == len(old) + 3
    assert len(box.requests) > sent
    again = api.posts(**SPAN).frame()
    assert (len(again), facts(again)["from_network"]) == (len(frame), 0), "it replaced the old one"


@pytest.mark.sockets
def test_resume_from_a_shell_is_not_answered_by_an_older_complete_walk(box, tmp_path, monkeypatch):
    """``socialframe walks resume`` goes on with the walk of that id."""
    path = tmp_path / "posts.parquet"
    with box.serve() as url:
        monkeypatch.setenv("SOCIALAPI_KEY", box.key)
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)
        with sf.Client(tier="paid") as api:
            old = api.posts(**SPAN).frame()
        box.faults = [Fault("insert", rows=3, page=1, times=1)]
        with sf.Client(tier="paid") as api, pytest.raises(sf.IncompleteWalk) as caught:
            api.posts(**SPAN).frame(refresh=True, max_requests=3)
        words = ["walks", "resume", caught.value.walk_id, "-o", str(path)]
        done = CliRunner().invoke(main, words)

    assert done.exit_code == 0, done.output
    frame = sf.read_parquet(path)
    assert len(frame) == len(old) + 3
    assert facts(frame)["from_cache"] == 0


def test_resume_that_fails_again_is_not_answered_by_the_older_complete_walk(box):
    """Also with ``stale_if_error``: the user asked for the rows of this walk."""
    api = client_of(box, cache=True)
    api.posts(**SPAN).frame()
    box.faults = [DOWN]
    with pytest.raises(sf.IncompleteWalk) as caught:
        api.posts(**SPAN).frame(refresh=True)
    api = client_of(box, cache=True, stale_if_error=True)

    assert facts(api.posts(**SPAN).frame(refresh=True))["from_network"] == 0
    with pytest.raises(sf.IncompleteWalk) as again:
        api.resume(caught.value.walk_id).frame()
    assert again.value.walk_id == caught.value.walk_id


def test_progress_that_raises_leaves_a_walk_that_is_resumed(box, every):
    """Its ``say`` is called after the walk was claimed."""
    box.faults = [DOWN]
    error = broken(client_of(box))
    box.faults = ()
    api = client_of(box)

    class Broken(sf.progress.Progress):
        def say(self, text):
            raise RuntimeError(text)

    with pytest.raises(RuntimeError, match="goes on after"):
        api.posts(**SPAN).frame(progress=Broken("posts", shown=False))
    frame = api.resume(error.walk_id).frame()

    assert (len(frame), facts(frame)["from_journal"]) == (len(every), 3)
