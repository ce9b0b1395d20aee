"""Processes that share one cache file lose, damage and mix no entries.

``SOCIALFRAME_STRESS=10`` reads and writes for 20 s in four processes instead of 1 s in two, kills
50 times and races 50 times.
"""

import base64
import json
import os
import random
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from cached import server
from stand_ins import KEY, Scripted, client_of, posts_page

import socialframe as sf
from socialframe.store.codec import decode

TIMES = int(os.environ.get("SOCIALFRAME_STRESS", "1"))
SECONDS = 2 * TIMES if TIMES > 1 else 1
PROCESSES = 4 if TIMES > 1 else 2
KILLS = 50 if TIMES > 1 else 3
RACES = 50 if TIMES > 1 else 2
TESTS = Path(__file__).parents[1]


@contextmanager
def started(code, *args):
    """Run code in a Python process in which warnings are errors; kill it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def assert_opens(file):
    """Assert that the file is an intact database that never was replaced."""
    connection = sqlite3.connect(file)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()
    assert not list(file.parent.glob("*.damaged-*"))


def assert_whole(file):
    """Assert that the database and all of its entries are intact."""
    assert_opens(file)
    with closing(sqlite3.connect(file)) as connection:
        values = connection.execute("SELECT value FROM responses").fetchall()
    assert all(decode(value) for (value,) in values)


WORK = """
import random, sys, threading, time
from urllib.parse import parse_qsl
from stand_ins import Scripted, client_of, posts_page

file, number, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])

def answer(environ):
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    page = int(query.get("page", 1))
    return posts_page([f"{query['status']}-{page}-{n}" for n in range(20)], page=page, pages=2)

def rows(status):
    return [f"{status}-{page}-{n}" for page in (1, 2) for n in range(20)]

api = client_of(Scripted(answer), cache=file, tier="paid", max_wait=1e8)
errors_found, done = [], [0] * 16

def ask(status, *, refresh=False, cached=False):
    frame = api.posts(status=status).frame(refresh=refresh)
    if frame["id"].tolist() != rows(status):
        errors_found.append(("body", status))
    if cached and frame.attrs["socialframe"]["from_network"]:
        errors_found.append(("lost", status))

def work(mine):
    chance = random.Random(f"{number} {mine}")
    try:
        while time.monotonic() < until:
            done[mine] += 1
            own = f"own-{number}-{mine}-{chance.randrange(8)}"
            ask(own, refresh=True)
            ask(own, cached=True)                         # its own entry is cached
            ask("all", cached=True)                       # so is an entry that is only read
            ask(f"torn-{chance.randrange(3)}", refresh=chance.random() < 0.3)
    except BaseException as error:
        errors_found.append(repr(error))
        raise

ask("all")
print("ready", flush=True)
sys.stdin.readline()
until = time.monotonic() + seconds
threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(min(done), sum(done), errors_found[:5])
"""


@pytest.mark.processes
def test_threads_and_processes_share_one_cache(tmp_path):
    """No lost entry, no wrong body, no exception, no warning."""
    file = tmp_path / "http.sqlite"
    with ExitStack() as stack:
        workers = [stack.enter_context(started(WORK, file, n, SECONDS)) for n in range(PROCESSES)]
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        found = [worker.communicate(timeout=SECONDS + 120) for worker in workers]

    for out, errors in found:
        least, _, errors_found = out.split(maxsplit=2)
        assert (errors_found.strip(), errors) == ("[]", "")
        assert int(least) > 0
    assert_whole(file)


WALK = """
import sys, socialframe as sf
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier=sf.Limit(10_000), cache=sys.argv[3])
print("ready", flush=True)
while True:
    api.posts(per_page=100).frame(refresh=True)
"""


@pytest.mark.processes
@pytest.mark.sockets
@pytest.mark.filterwarnings("ignore:.*whose end was not stored")
def test_a_killed_walk_leaves_valid_files(tmp_path):
    """Killed at any moment; all cache entries are intact, and the next walk is complete."""
    file = tmp_path / "http.sqlite"
    budget = Path(os.environ["XDG_RUNTIME_DIR"], "socialframe", "budget.sqlite")
    sandbox = sf.Sandbox(posts=1000)
    chance = random.Random(5)  # noqa: S311 - any moment is valid
    with (
        sandbox.serve() as url,
        sf.Client(sandbox.key, base_url=url, cache=file, tier="paid") as api,
    ):
        expected = api.posts().frame()
        for attempt in range(KILLS):
            if attempt % 2:
                api.cache.clear()  # so there is no complete walk
            with started(WALK, sandbox.key, url, file) as process:
                assert process.stdout.readline() == "ready\n"
                time.sleep(chance.uniform(0.05, 0.6))
                process.kill()
                process.wait(timeout=30)
            if attempt % 4 > 1:
                api.close()  # so the killed process was the last one with the file open
            assert_whole(file)
            assert_opens(budget)
            again = api.posts().frame()
            assert again["id"].tolist() == expected["id"].tolist()
            facts = again.attrs["socialframe"]
            assert facts["from_cache"] in ({0, 10} if attempt % 2 else {10})
        assert len(api.cache.table()) == 1


OTHER = """
import sys
from stand_ins import Scripted, client_of, posts_page
api = client_of(Scripted(posts_page(["a"])), cache=sys.argv[1])
api.posts(status="other").frame()
api.close()
"""


@pytest.mark.processes
def test_closing_a_second_client_keeps_the_locks_of_the_first(tmp_path):
    """Otherwise another process could delete the log that both still write to."""
    file = tmp_path / "http.sqlite"
    app = Scripted(posts_page(["a"]))
    with client_of(app, cache=file) as first, client_of(app, cache=file) as second:
        first.posts(status="first").frame()
        second.posts(status="second").frame()
        with started(OTHER, file) as process:
            assert process.communicate(timeout=60) == ("", "")
        first.posts(status="later").frame()
        with client_of(app, cache=file) as third:
            kept = "".join(third.cache.table()["arguments"])
    assert all(status in kept for status in ("first", "second", "other", "later"))
    assert_whole(file)


RACE = """
import itertools, json, os, random, sys, time
from urllib.parse import parse_qsl
from stand_ins import Scripted, client_of, posts_page
import socialframe as sf

walks = itertools.count()
walk = 0

def answer(environ):  # each row names the process and walk that requested it
    global walk
    page = int(dict(parse_qsl(environ["QUERY_STRING"])).get("page", 1))
    if page == 1:
        walk = next(walks)
    time.sleep(random.uniform(0, 0.003))
    return posts_page([f"{os.getpid()}.{walk} {page} {n}" for n in range(5)], page=page, pages=6)

api = client_of(Scripted(answer), cache=True, tier="paid", max_wait=1e8)
api.posts().frame()
print("ready", flush=True)
for _ in sys.stdin:
    frames = []
    for _ in range(20):
        frame = api.posts().frame(refresh=random.random() < 0.3)
        facts = frame.attrs["socialframe"]
        frames.append([*map(str.split, frame["id"])] + [[facts["from_cache"], facts["pages"]]])
    print(json.dumps(frames), flush=True)
"""


@pytest.mark.processes
def test_processes_walking_at_once_never_mix_their_pages():
    """All rows of a frame belong to one walk of one process while rows shift."""
    seen, replayed = set(), 0
    with started(RACE) as one, started(RACE) as two:
        for process in (one, two):
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for _ in range(RACES):
            for process in (one, two):
                process.stdin.write("go\n")
                process.stdin.flush()
            for process in (one, two):
                for *rows, (cached, pages) in json.loads(process.stdout.readline()):
                    assert len({walk for walk, _, _ in rows}) == 1
                    assert [(int(p), int(n)) for _, p, n in rows] == [
                        (page, n) for page in range(1, 7) for n in range(5)
                    ]
                    assert cached in {0, pages}
                    of_other = rows[0][0].split(".")[0] != str(process.pid)
                    replayed += of_other
                    seen.add(rows[0][0])
        for process in (one, two):
            assert process.communicate(timeout=60) == ("", "")

    assert len(seen) > 2 * RACES
    assert replayed > 0


@pytest.mark.sockets
def test_folders_are_private_and_have_no_key():
    """Cache, runtime and home, during use and afterwards, with any umask."""
    sandbox = sf.Sandbox()
    before = os.umask(0)
    try:
        with sandbox.serve() as url:
            api = sf.Client(sandbox.key, base_url=url, cache=True)
            api.posts().limit(200).frame()
            api.accounts().frame()
            assert_private(sandbox.key, least=5)  # with the WAL files of two databases
            api.close()
            assert_private(sandbox.key, least=2)
    finally:
        os.umask(before)


def assert_private(key, *, least):
    """Assert that all files of a run are private and have no key."""
    secrets = (key.encode(), key[3:].encode(), base64.b64encode(key.encode()).rstrip(b"="))
    folders = [os.environ[name] for name in ("XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "HOME")]
    found = [path for folder in folders for path in Path(folder).rglob("*")]
    files = [path for path in found if path.is_file()]
    assert len(files) >= least, files
    for path in files:
        data = path.read_bytes()
        assert not any(secret in data for secret in secrets), path
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700, path


OFFLINE = """
import socket, sys
def forbidden(*args, **kwargs):
    raise AssertionError("a socket was opened")
socket.socket.__init__ = socket.getaddrinfo = socket.create_connection = forbidden
import socialframe as sf
api = sf.Client(sys.argv[1], base_url="https://api.example", cache=True, offline=True)
frame = api.posts().frame()
print(len(frame), len(list(api.posts().pages())), len(list(api.posts().records())))
print(len(api.posts().head(2)), api.posts().to_parquet("posts.parquet").name)
print(frame.attrs["socialframe"]["from_network"], api.budget.used)
for query in (api.posts(status="failed"), api.accounts()):
    try:
        query.frame()
    except sf.OfflineMiss as error:
        print(error)
try:
    sf.Client(sys.argv[1], base_url="https://api.example", cache=True).accounts().frame()
except AssertionError as error:
    print(error)
"""


@pytest.mark.processes
def test_offline_opens_no_socket():
    """Cached walks are returned, and a miss names its request."""
    client_of(server(), cache=True).posts().frame()
    with started(OFFLINE, KEY) as process:
        out, errors = process.communicate(timeout=60)
    assert errors == ""
    *served, posts, accounts, forbidden = out.splitlines()
    assert served == ["9 3 9", "2 posts.parquet", "0 0"]
    assert "GET /v1/posts?limit=100&status=failed is not in the cache" in posts
    assert "GET /v1/accounts is not in the cache" in accounts
    assert forbidden == "a socket was opened"


FORK = """
import os, sys
from stand_ins import Scripted, client_of, posts_page
api = client_of(Scripted(posts_page(["a"])), cache=sys.argv[1])
api.posts(status="parent").frame()
ready, go = os.pipe(), os.pipe()
if os.fork() == 0:
    assert api.posts(status="parent").frame().attrs["socialframe"]["from_cache"] == 1
    api.posts(status="one").frame()
    os.write(ready[1], b".")
    os.read(go[0], 1)
    api.posts(status="two").frame()
    os._exit(0)
os.read(ready[0], 1)
api.close()  # for SQLite, this process is the last one with the file open
os.write(go[1], b".")
assert os.wait()[1] == 0
print(sorted(api.cache.table()["arguments"]))
"""


@pytest.mark.processes
def test_a_fork_while_the_cache_is_open_loses_no_entry(tmp_path):
    """A child process must not use the parent's SQLite connection."""
    file = tmp_path / "http.sqlite"
    with started(FORK, file) as process:
        out, errors = process.communicate(timeout=60)
    assert errors == ""
    assert all(f'"{status}"' in out for status in ("one", "parent", "two"))
    assert_whole(file)
