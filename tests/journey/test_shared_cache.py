"""Real processes that share one cache file: nothing lost, nothing torn, nothing mixed.

``SOCIALFRAME_STRESS=10`` reads and writes for 20 s, kills 50 times and races 50 times.
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
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from cached import server
from stand_ins import KEY, Scripted, client_of, posts_page

import socialframe as sf
from socialframe.store.cache import open_file
from socialframe.store.codec import decode

TIMES = int(os.environ.get("SOCIALFRAME_STRESS", "1"))
SECONDS = 2 * TIMES
OFTEN = 50 if TIMES > 1 else 3
TESTS = Path(__file__).parents[1]


@contextmanager
def started(code, *args):
    """Start a Python that runs some code, any warning an error; it is gone afterwards."""
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
    """Look that it is a database, and that none was set aside in its place."""
    connection = sqlite3.connect(file)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()
    assert not list(file.parent.glob("*.damaged-*"))


def assert_whole(file):
    """Look that the file opens, and that each entry in it is what was written."""
    assert_opens(file)
    opened = open_file(lambda: file)
    keys = opened.run(lambda storage: storage.keys(), [])
    entries = [opened.run(lambda storage, key=key: storage.get(key), b"") for key in keys]
    opened.close()
    assert all(decode(entry) is not None for entry in entries)


WORK = """
import random, sys, threading, time
from urllib.parse import parse_qsl
from stand_ins import Scripted, client_of, posts_page

file, number, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])

def answer(environ):
    asked = dict(parse_qsl(environ["QUERY_STRING"]))
    page = int(asked.get("page", 1))
    return posts_page([f"{asked['status']}-{page}-{n}" for n in range(20)], page=page, pages=2)

def rows(status):
    return [f"{status}-{page}-{n}" for page in (1, 2) for n in range(20)]

api = client_of(Scripted(answer), cache=file, tier="paid", max_wait=1e8)
wrong, done = [], [0] * 16

def ask(status, *, refresh=False, cached=False):
    frame = api.posts(status=status).frame(refresh=refresh)
    if frame["id"].tolist() != rows(status):
        wrong.append(("body", status))
    if cached and frame.attrs["socialframe"]["from_network"]:
        wrong.append(("lost", status))

def work(mine):
    chance = random.Random(f"{number} {mine}")
    try:
        while time.monotonic() < until:
            done[mine] += 1
            own = f"own-{number}-{mine}-{chance.randrange(8)}"
            ask(own, refresh=True)
            ask(own, cached=True)                         # what I wrote is there
            ask("all", cached=True)                       # what is only read is there
            ask(f"torn-{chance.randrange(3)}", refresh=chance.random() < 0.3)
    except BaseException as error:
        wrong.append(repr(error))
        raise

ask("all")
print("ready", flush=True)
sys.stdin.readline()
until = time.monotonic() + seconds
threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(min(done), sum(done), wrong[:5])
"""


@pytest.mark.processes
def test_sixteen_threads_and_four_processes_share_one_cache(tmp_path):
    """No lost entry, no wrong body, no exception, no warning."""
    file = tmp_path / "http.sqlite"
    with ExitStack() as stack:
        workers = [stack.enter_context(started(WORK, file, n, SECONDS)) for n in range(4)]
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        found = [worker.communicate(timeout=SECONDS + 120) for worker in workers]

    for out, errors in found:
        least, _, wrong = out.split(maxsplit=2)
        assert (wrong.strip(), errors) == ("[]", "")
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
def test_a_walk_that_is_killed_leaves_files_that_open(tmp_path):
    """At any moment: of cache and budget, no entry is torn, and the next walk is right."""
    file = tmp_path / "http.sqlite"
    budget = Path(os.environ["XDG_RUNTIME_DIR"], "socialframe", "budget.sqlite")
    box = sf.Sandbox(posts=1000)
    chance = random.Random(5)  # noqa: S311 - any moment will do
    with box.serve() as url, sf.Client(box.key, base_url=url, cache=file, tier="paid") as api:
        right = api.posts().frame()
        for attempt in range(OFTEN):
            if attempt % 2:
                api.cache.clear()  # and no whole walk is there
            with started(WALK, box.key, url, file) as process:
                assert process.stdout.readline() == "ready\n"
                time.sleep(chance.uniform(0.05, 0.6))
                process.kill()
                process.wait(timeout=30)
            if attempt % 4 > 1:
                api.close()  # the killed process was the last one that had the file open
            assert_whole(file)
            assert_opens(budget)
            again = api.posts().frame()
            assert again["id"].tolist() == right["id"].tolist()
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
def test_a_second_client_takes_no_lock_away_from_the_first(tmp_path):
    """Else another process that ends would delete the log that both still write to."""
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

def answer(environ):  # each reply shifts the rows, and says which walk of which process it was for
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
    told = []
    for _ in range(20):
        frame = api.posts().frame(refresh=random.random() < 0.3)
        facts = frame.attrs["socialframe"]
        told.append([*map(str.split, frame["id"])] + [[facts["from_cache"], facts["pages"]]])
    print(json.dumps(told), flush=True)
"""


@pytest.mark.processes
def test_two_processes_that_walk_at_once_never_mix_generations():
    """Each frame's rows came for one walk of one process, in order, while the rows shift."""
    seen, replayed = set(), 0
    with started(RACE) as one, started(RACE) as two:
        for process in (one, two):
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for _ in range(OFTEN):
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

    assert len(seen) > 2 * OFTEN
    assert replayed > 0


@pytest.mark.sockets
def test_no_folder_of_ours_holds_the_key_or_lets_others_in():
    """Cache, runtime and data, while they are in use and afterwards; whatever the umask is."""
    box = sf.Sandbox()
    before = os.umask(0)
    try:
        with box.serve() as url:
            api = sf.Client(box.key, base_url=url, cache=True)
            api.posts().limit(200).frame()
            api.accounts().frame()
            assert_private(box.key, least=5)  # with the logs of two databases
            api.close()
            assert_private(box.key, least=2)
    finally:
        os.umask(before)


def assert_private(key, *, least):
    """Look into every file that a run may leave."""
    secrets = (key.encode(), key[3:].encode(), base64.b64encode(key.encode()).rstrip(b"="))
    places = [os.environ[name] for name in ("XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "HOME")]
    found = [path for place in places for path in Path(place).rglob("*")]
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
    raise AssertionError("a socket was wanted")
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
    """Where sockets are forbidden whole walks serve, and a miss names its call."""
    client_of(server(), cache=True).posts().frame()
    with started(OFFLINE, KEY) as process:
        out, errors = process.communicate(timeout=60)
    assert errors == ""
    *served, posts, accounts, forbidden = out.splitlines()
    assert served == ["9 3 9", "2 posts.parquet", "0 0"]
    assert "GET /v1/posts?limit=100&status=failed is not in the cache" in posts
    assert "GET /v1/accounts is not in the cache" in accounts
    assert forbidden == "a socket was wanted"


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
api.close()  # as the last one that has it open, by what SQLite knows here
os.write(go[1], b".")
assert os.wait()[1] == 0
print(sorted(api.cache.table()["arguments"]))
"""


@pytest.mark.processes
def test_a_fork_while_the_cache_is_open_loses_nothing(tmp_path):
    """SQLite's own state is good for one process; a child that had it would write into nothing."""
    file = tmp_path / "http.sqlite"
    with started(FORK, file) as process:
        out, errors = process.communicate(timeout=60)
    assert errors == ""
    assert all(f'"{status}"' in out for status in ("one", "parent", "two"))
    assert_whole(file)
