"""What was asked before is not asked again, by whole walks; and a cache is never in the way."""

import base64
import os
import pickle
import sqlite3
import stat
import threading
import time
from urllib.parse import parse_qsl

import pandas as pd
import pytest
import requests_cache
from cached import rows, server, sources
from requests_cache import SQLiteCache
from stand_ins import KEY, Scripted, client_of, posts_page

import socialframe as sf
from socialframe.paging import NextURL, Single

OTHER = "sk_made0up0for0somebody0else0000001"


@pytest.fixture
def file(tmp_path):
    """Return a path in a folder that is not there yet."""
    return tmp_path / "cache" / "http.sqlite"


class Now:
    """Unix time that passes when it is told to."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


def test_a_whole_walk_is_replayed_and_asks_nothing(file):
    """By another client, too; rows, dtypes and moments are the same."""
    app = server()
    first = client_of(app, cache=file).posts().frame()
    again = client_of(app, cache=file).posts().frame()
    assert len(app.seen) == 3
    assert (sources(first), sources(again)) == ((0, 3), (3, 0))
    pd.testing.assert_frame_equal(first, again)
    moments = ("first_fetch", "last_fetch")
    assert [first.attrs["socialframe"][m] for m in moments] == [
        again.attrs["socialframe"][m] for m in moments
    ]


def test_a_long_warm_replay_asks_nothing(file):
    """A thousand pages, all from the cache."""
    app = server(pages=1000)
    query = client_of(app, cache=file, tier=sf.Limit(100_000)).posts()
    assert sources(query.frame()) == (0, 1000)
    assert sources(query.frame()) == (1000, 0)
    assert len(app.seen) == 1000


def test_freshness_is_judged_once_by_the_first_page(file):
    """Fresh at the start is fresh to the end; stale at the start is all new."""
    app, now = server(), Now()
    api = client_of(app, cache=file, now=now)
    api.posts().frame()
    now.now += 3599
    pages = api.posts().pages()
    assert next(pages)["id"][0] == "1-1-0"
    now.now += 100
    assert [page["id"].iloc[0] for page in pages] == ["1-2-0", "1-3-0"]
    assert api.posts().frame()["id"].str.startswith("2-").all()
    now.now -= 10_000
    assert sources(api.posts().frame()) == (0, 3)


@pytest.mark.parametrize(
    ("cache", "seconds"), [("2 hours", 7200), (90, 90), (pd.Timedelta("1 day"), 86400)]
)
def test_a_duration_says_how_long_answers_are_fresh(cache, seconds):
    """In words, seconds or a timedelta."""
    app, now = server(), Now()
    api = client_of(app, cache=cache, now=now)
    api.posts().frame()
    now.now += seconds - 1
    assert sources(api.posts().frame()) == (3, 0)
    now.now += 1
    assert sources(api.posts().frame()) == (0, 3)


def test_a_walk_that_stopped_or_broke_leaves_nothing(file):
    """Only whole walks are replayed."""
    app = Scripted(posts_page(["a"], pages=2), (400, {"error": "no"}), posts_page(["b"]))
    api = client_of(app, cache=file, journal=False)
    with pytest.raises(sf.IncompleteWalk):
        api.posts().frame()
    assert api.cache.table().empty
    assert api.posts().frame()["id"].tolist() == ["b"]
    pages = client_of(server(), cache=file).analytics().pages()
    next(pages, None)
    pages.close()


def test_a_limit_is_served_by_the_whole(file):
    """Or by a walk of the same limit."""
    app = server()
    api = client_of(app, cache=file)
    assert sources(api.posts().head()) == (0, 2)
    assert sources(api.posts().head()) == (2, 0)
    assert sources(api.posts().frame()) == (0, 3)
    assert sources(api.posts().limit(2).frame()) == (1, 0)


def test_refresh_asks_anew(file):
    """By query and by client; what came is kept, and the older is gone."""
    app = server()
    api = client_of(app, cache=file)
    api.posts().frame()
    assert sources(api.posts().frame(refresh=True)) == (0, 3)
    assert api.posts().frame()["id"][0] == "2-1-0"
    assert sources(client_of(app, cache=file, refresh=True).posts().frame()) == (0, 3)
    assert len(api.cache.table()) == 1
    assert rows(file) == 4


def tear(file, place):
    """Delete one answer of the one walk, as another process may."""
    with sqlite3.connect(file) as connection:
        sql = "SELECT key FROM responses WHERE key LIKE 'page:%' ORDER BY key"
        key = connection.execute(sql).fetchall()[place][0]
        connection.execute("DELETE FROM responses WHERE key = ?", (key,))
    connection.close()


@pytest.mark.parametrize("place", [0, 2])
def test_a_torn_generation_is_never_shown(file, place, tmp_path):
    """Frames and files start again from the network."""
    app = server()
    api = client_of(app, cache=file)
    api.posts().frame()
    tear(file, place)
    assert api.posts().frame()["id"].str.startswith("2-").all()
    tear(file, place)
    api.posts().to_parquet(tmp_path / "x.parquet")
    assert pd.read_parquet(tmp_path / "x.parquet")["id"].str.startswith("3-").all()


def test_pages_that_were_handed_on_are_not_begun_again(file):
    """Iterators break; the next run asks the API."""
    api = client_of(server(), cache=file)
    api.posts().frame()
    tear(file, 2)
    with pytest.raises(sf.IncompleteWalk) as caught:
        list(api.posts().records())
    assert isinstance(caught.value.__cause__, sf.TornWalk)
    assert sources(api.posts().frame()) == (0, 3)


def test_two_keys_ask_the_same_and_share_nothing(file):
    """By the log of each key's server: all calls of both came; by the table: each sees its own."""
    boxes = {f"Bearer {box.key}": box for box in (sf.Sandbox(), sf.Sandbox())}

    def app(environ, start_response):
        return boxes[environ["HTTP_AUTHORIZATION"]].wsgi(environ, start_response)

    apis = [client_of(app, cache=file, key=b.key, tier="paid") for b in boxes.values()]
    for api in apis:
        api.posts().limit(300).frame()
        api.accounts().frame()
    for box in boxes.values():
        assert [one.path for one in box.requests] == ["/v1/posts"] * 3 + ["/v1/accounts"]
    for api in apis:
        assert api.cache.table()["endpoint"].tolist() == ["accounts", "posts"]
        assert api.cache.table()["pages"].tolist() == [1, 3]
    assert rows(file) == 2 * (4 + 2)  # an answer a call and a manifest a walk
    assert apis[0].cache.clear() == 2
    assert sources(apis[1].posts().limit(300).frame()) == (3, 0)


def test_two_keys_share_nothing(file):
    """Neither answers nor the table."""
    app = server()
    one, two = client_of(app, cache=file), client_of(app, cache=file, key=OTHER)
    one.posts().frame()
    assert two.cache.table().empty
    assert sources(two.posts().frame()) == (0, 3)
    assert two.cache.clear() == 1
    assert sources(one.posts().frame()) == (3, 0)


def test_headers_that_tell_secrets_are_not_kept(file):
    """A proxy may echo what it was sent."""
    headers = {"Authorization": f"Bearer {KEY}", "Set-Cookie": "s=made0up", "X-Kept": "yes"}
    api = client_of(Scripted((200, posts_page(["a"]), headers)), cache=file)
    api.posts().frame()
    store = api._session.store
    (walk,) = store.complete_walks()
    names = {name for _, reply in store.pages(walk) for name in reply.headers}
    assert "x-kept" in names
    assert not names & {"authorization", "set-cookie"}


def test_what_is_cached_spends_no_budget(file):
    """The cache stands above the budget."""
    api = client_of(server(), cache=file)
    api.posts().frame()
    assert api.budget.used == 3
    api.posts().frame()
    assert api.budget.used == 3


def test_the_key_is_in_no_file_and_files_are_their_owners(file):
    """Nor its base64; and nothing is pickled."""
    api = client_of(server(), cache=file)
    api.posts().frame()
    for path in file.parent.iterdir():
        data = path.read_bytes()
        assert KEY.encode() not in data
        assert base64.b64encode(KEY.encode()).rstrip(b"=") not in data
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    with sqlite3.connect(file) as connection:
        found = connection.execute("SELECT key, value FROM responses").fetchall()
    connection.close()
    assert all(key.startswith(("page:", "walk:")) for key, _ in found)
    assert all(value.startswith(b"SFw2") for _, value in found)


def test_vary_by_the_key_is_no_miss(file):
    """The key's layer is below the cache: it could never match."""
    app = Scripted((200, posts_page(["a"]), {"Vary": "Authorization, Cookie"}))
    api = client_of(app, cache=file)
    api.posts().frame()
    assert sources(api.posts().frame()) == (1, 0)


@pytest.mark.parametrize("control", ["no-store", "private, No-Store"])
def test_no_store_wins(file, control):
    """Whatever durations we were told."""
    app = Scripted((200, posts_page(["a"]), {"Cache-Control": control}))
    api = client_of(app, cache=file)
    api.posts().frame()
    assert sources(api.posts().frame()) == (0, 1)
    assert rows(file) == 0


def test_our_durations_win_over_max_age(file):
    """The user's word counts."""
    app = Scripted((200, posts_page(["a"]), {"Cache-Control": "max-age=0, no-cache"}))
    api = client_of(app, cache=file)
    api.posts().frame()
    assert sources(api.posts().frame()) == (1, 0)


def test_connect_is_never_kept(file):
    """Its answers hold tokens."""
    app = Scripted({"items": [{"token": "t"}]})
    api = client_of(app, cache=file)
    for path in ("/v1/connect/twitter", "/v1//Connect/x"):
        api.fetch(path, records="items", paging=Single()).frame()
    assert rows(file) == 0


def test_a_walk_that_is_larger_than_the_cache_is_not_kept(file):
    """Nor is anything else thrown away for it."""
    client_of(server(), cache=file).posts(status="few").frame()
    api = client_of(server(pages=50), cache=file)
    api.cache.max_bytes = 1000
    assert len(api.posts().frame()) == 150
    assert api.cache.table()["arguments"].tolist() == ['{"status": "few"}']
    assert rows(file) == 4


def test_errors_are_never_kept(file):
    """Nor what is no 200."""
    app = Scripted((503, b""), (203, posts_page(["a"])), posts_page(["b"]))
    api = client_of(app, cache=file)
    assert api.posts().frame()["id"].tolist() == ["a"]
    assert api.posts().frame()["id"].tolist() == ["b"]


def test_a_blank_value_is_another_question(file):
    """So is a name that requests-cache would leave out."""
    app = Scripted({"items": [{"id": 1}]})
    api = client_of(app, cache=file)
    for params in ({}, {"q": ""}, {"api_key": "a"}, {"api_key": "b"}):
        frame = api.fetch("/v1/x", params=params, records="items", paging=Single()).frame()
        assert sources(frame)[1] >= 1


@pytest.mark.parametrize("queries", [("", "q="), ("api_key=a", "api_key=b"), ("q=&r=1", "r=1")])
def test_pages_that_differ_in_a_blank_value_are_two(file, queries):
    """Trap 8: requests-cache has one key for both; the second would replace the first."""
    first, second = queries
    app = Scripted(
        lambda environ: (
            {"items": [{"id": 1}], "next": f"/v1/x?{second}"}
            if environ["QUERY_STRING"] == first
            else {"items": [{"id": 2}], "next": None}
        )
    )
    api = client_of(app, cache=file)
    params = dict(parse_qsl(first, keep_blank_values=True))
    query = api.fetch("/v1/x", params=params, records="items", paging=NextURL(field="next"))
    assert query.frame()["id"].tolist() == [1, 2]
    again = query.frame()
    assert (again["id"].tolist(), sources(again)) == ([1, 2], (2, 0))


def test_offline_sends_nothing(file):
    """Stale whole walks serve; a miss names the call."""
    app, now = server(), Now()
    client_of(app, cache=file, now=now).posts().frame()
    now.now += 1e6
    api = client_of(app, cache=file, now=now, offline=True)
    assert sources(api.posts().frame()) == (3, 0)
    with pytest.raises(sf.OfflineMiss, match="/v1/posts.*status=failed"):
        api.posts(status="failed").frame()
    with pytest.raises(sf.OfflineMiss, match="/v1/connect/tiktok"):
        api.connect("tiktok")
    tear(file, 1)
    with pytest.raises(sf.OfflineMiss):
        api.posts().frame()
    assert len(app.seen) == 3


def test_stale_rows_serve_an_error_only_when_asked_for(file):
    """The API is down, and the user said that old is better than nothing."""
    app, now = server(), Now()
    client_of(app, cache=file, now=now).posts().frame()
    now.now += 4000
    down = Scripted((500, b""))
    with pytest.raises(sf.ServerError):
        client_of(down, cache=file, now=now).posts().frame()
    api = client_of(down, cache=file, now=now, stale_if_error=True)
    assert sources(api.posts().frame()) == (3, 0)


def test_the_table_and_what_is_thrown_away(file):
    """By endpoint, by age, by size: the oldest whole walks go first."""
    app, now = server(), Now()
    api = client_of(app, cache=file, now=now)
    api.posts().frame()
    now.now += 4000
    api.posts(status="failed").frame()
    table = api.cache.table()
    assert table["arguments"].tolist() == ['{"status": "failed"}', "{}"]
    assert table["fresh"].tolist() == [True, False]
    assert api.cache.size == table["size"].sum() > 0
    assert api.cache.clear(older_than="1 hour") == 1
    assert api.cache.clear(endpoint="accounts") == 0
    api.cache.max_bytes = int(api.cache.size * 1.5)
    now.now += 1
    api.posts(status="published").frame()
    assert api.cache.table()["arguments"].tolist() == ['{"status": "published"}']
    assert api.cache.clear() == 1
    assert rows(file) == 0


@pytest.mark.parametrize("kind", ["memory", "sqlite", "files"])
def test_any_backend_of_requests_cache_serves(kind, tmp_path):
    """Its serializer becomes ours."""
    backend = {
        "memory": requests_cache.BaseCache,
        "sqlite": lambda: SQLiteCache(tmp_path / "own.sqlite"),
        "files": lambda: requests_cache.FileCache(tmp_path / "files"),
    }[kind]()
    api = client_of(server(), cache=backend)
    api.posts().frame()
    assert sources(api.posts().frame()) == (3, 0)
    api.close()
    backend.close()
    kept = [path for path in tmp_path.glob("files/*") if path.name[:5] in {"page:", "walk:"}]
    assert len(kept) == 4 * (kind == "files")
    assert all(path.read_bytes().startswith(b"SFw2") for path in kept)


class Tamper:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_tampered_entry_runs_no_code(file, tmp_path):
    """Trap 6: the default serializer is pickle."""
    client_of(server(), cache=file).posts().frame()
    trap = pickle.dumps(Tamper(tmp_path / "ran"))
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE responses SET value = ?", (trap,))
    connection.close()
    api = client_of(server(), cache=file)
    with pytest.warns(sf.CacheWarning):
        assert sources(api.posts().frame()) == (0, 3)
    assert not (tmp_path / "ran").exists()


def test_threads_read_and_write_one_cache(file):
    """No lost entry, no wrong body."""
    api = client_of(Scripted(posts_page(["a", "b"])), cache=file, tier="paid")
    wrong, until = [], time.monotonic() + 1.5

    def work(number):
        while time.monotonic() < until:
            query = api.posts(status=f"s{number % 3}")
            if query.frame(refresh=number == 0)["id"].tolist() != ["a", "b"]:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_file_opens_with_a_write_ahead_log(file):
    """Writers do not block readers."""
    client_of(server(), cache=file).posts().frame()
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
