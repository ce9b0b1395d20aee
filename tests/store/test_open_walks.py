"""Open walks in the user's SQLite file: processes, forks, locks, full disks, damage."""

import os
import random
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from contracts.store_contract import QUERY, Api, Now, call, send
from stand_ins import press_ctrl_c_while_held

import socialframe as sf
from socialframe.errors import JournalWarning
from socialframe.store.cache import open_file
from socialframe.store.replay import Recorder
from socialframe.store.store import WalkStore


@pytest.fixture
def now():
    """Return a clock."""
    return Now()


@pytest.fixture
def folder(tmp_path):
    """Return a folder of the user's own."""
    return tmp_path


def store_in(folder, now, **options):
    """Open the file of a folder, as another process would."""
    file = open_file(lambda: folder / "walks.sqlite", JournalWarning, **options)
    return WalkStore(file, file, now=now)


def begin(store, now, query=QUERY, api=None):
    """Return the recorder of a new walk."""
    return Recorder(store, store.begin(*query), api or Api(now))


def broken(store, now, pages=(1,)):
    """Run a walk until it breaks; return its recorder."""
    recorder = begin(store, now)
    send(recorder, pages)
    recorder.stop("failed", "", 0)
    return recorder


def random_body(now, size):
    """Return an API whose replies do not compress."""
    api = Api(now)
    return lambda one, notify=None: _with_body(api(one), size)


def _with_body(reply, size):
    from dataclasses import replace

    return replace(reply, body=random.Random(size).randbytes(size))  # noqa: S311 - any bytes


CHILD = """
import os, sys, signal
sys.path[:0] = {paths!r}
from pathlib import Path
from test_open_walks import *
store = store_in(Path({folder!r}), Now())
send(begin(store, Now()), [1, 2])
print("ready", flush=True)
signal.pause()
"""


@pytest.mark.processes
def test_walk_of_a_killed_process_is_resumed(folder, now):
    """The system frees the lock of a process, however it ends."""
    paths = [str(Path(__file__).parent), *sys.path]
    code = CHILD.format(paths=paths, folder=str(folder))
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    store = store_in(folder, now)
    assert store.claim("tenant", "name") is None
    assert [walk.state for walk in store.open_walks()] == ["running"]
    child.kill()
    child.communicate()

    assert [walk.state for walk in store.open_walks()] == ["killed"]
    assert store.claim("tenant", "name").pages == 2


@pytest.mark.processes
def test_forked_child_neither_holds_nor_frees_the_walk_of_its_parent(folder, now):
    """It opens the file again, and its end leaves the parent's walk running."""
    store = store_in(folder, now)
    recorder = begin(store, now)
    send(recorder, [1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, which a test run may have
        child = os.fork()
    if not child:
        recorder.stop("left", "collected in the child", 0)
        send(begin(store, now, ("tenant", "other", "posts", {})), range(40))
        found = store.claim("tenant", "name")
        os._exit(0 if found is None else 7)
    send(begin(store, now, ("tenant", "third", "posts", {})), range(40))
    assert os.waitpid(child, 0)[1] == 0

    assert store.claim("tenant", "name") is None
    fresh = store_in(folder, now)
    assert fresh.claim("tenant", "other").pages == 40
    assert {walk.pages for walk in fresh.open_walks()} == {1, 40}


def test_running_walk_stays_locked_when_its_file_is_reopened(folder, now):
    """As before a fork, and after a failure."""
    store = store_in(folder, now)
    recorder = begin(store, now)
    send(recorder, [1])
    store.shut()

    assert store.claim("tenant", "name") is None
    assert store_in(folder, now).claim("tenant", "name") is None
    assert send(recorder, [2])[0].status == 200


def test_ended_walk_whose_row_could_not_be_deleted_is_never_resumed(folder, now):
    """Its lock file is gone, which needs neither free space nor the database."""
    store = store_in(folder, now)
    recorder = begin(store, now)
    send(recorder, [1, 2])
    holder = sqlite3.connect(folder / "walks.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.warns(JournalWarning, match="locked"):
        recorder.finish(rows=2, replayable=True)
    holder.close()
    other = store_in(folder, now)

    assert other.complete_walks() == []
    assert other.open_walks() == []
    assert other.claim("tenant", "name") is None
    other._evict()
    with sqlite3.connect(folder / "walks.sqlite") as db:
        assert db.execute("SELECT count(*) FROM responses").fetchone() == (0,)
    db.close()


def test_ended_walk_gives_its_space_back(folder, now):
    """A walk that is not kept leaves a small file."""
    store = store_in(folder, now)
    recorder = begin(store, now, api=random_body(now, 100_000))
    send(recorder, range(30))
    recorder.finish(rows=0, replayable=False)
    store.shut()

    assert (folder / "walks.sqlite").stat().st_size < 100_000
    assert [path.name for path in folder.iterdir()] == ["walks.sqlite"]


def test_files_are_private(folder, now):
    """Whatever the umask is."""
    before = os.umask(0)
    try:
        store = store_in(folder, now)
        send(begin(store, now), [1])
    finally:
        os.umask(before)

    assert {path.name.partition("-")[0] for path in folder.iterdir()} >= {"walks.sqlite", "walk"}
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    store.shut()


def test_damaged_file_is_set_aside(folder, now):
    """One warning; a new file is used at once."""
    (folder / "walks.sqlite").write_bytes(b"no database " * 1000)
    store = store_in(folder, now)

    with pytest.warns(JournalWarning, match=r"was damaged .* a new file was created"):
        assert store.claim("tenant", "name") is None
    send(begin(store, now), [1])

    assert [walk.pages for walk in store.open_walks()] == [1]
    (aside,) = folder.glob("walks.sqlite.damaged-*")
    assert aside.read_bytes().startswith(b"no database")


def test_walk_whose_file_was_set_aside_gets_no_further_page(folder, now):
    """Its first pages are gone, so the rest is of no use."""
    store = store_in(folder, now)
    recorder = begin(store, now)
    send(recorder, [1])
    store.shut()
    (folder / "walks.sqlite").write_bytes(b"no database " * 1000)
    with pytest.warns(JournalWarning, match="was damaged"):
        send(recorder, [2, 3])
    recorder.stop("failed", "", 0)

    assert store.open_walks() == []


def test_locked_file_is_not_used_for_a_minute(folder, now):
    """So that no walk waits for it again and again."""
    broken(store_in(folder, now), now)
    holder = sqlite3.connect(folder / "walks.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    seconds = [0.0]
    store = store_in(folder, now, clock=lambda: seconds[0])
    began = time.monotonic()
    with pytest.warns(JournalWarning, match="locked"):
        replies = send(begin(store, now), [1, 2, 3, 4])
    assert len(replies) == 4
    assert time.monotonic() - began < 4
    holder.close()

    assert store.open_walks() == []
    seconds[0] = 61.0
    assert len(store.open_walks()) == 1


def test_network_file_system_costs_the_write_ahead_log(folder, now):
    """A rollback journal works there too."""
    store = store_in(folder, now, is_network=lambda _: True)
    with pytest.warns(JournalWarning, match="network file system"):
        recorder = broken(store, now, [1, 2])

    db = sqlite3.connect(folder / "walks.sqlite")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    db.close()
    assert len(list(store.pages(recorder.walk))) == 2


def test_folder_that_cannot_be_made_is_one_warning(folder, now):
    """And the walk goes on."""
    (folder / "file").write_text("in the way")

    def find():
        (folder / "file" / "inner").mkdir()

    file = open_file(find, JournalWarning)
    store = WalkStore(file, file, now=now)
    with pytest.warns(JournalWarning, match=r"Not a directory|not a directory"):
        assert store.claim("tenant", "name") is None
    recorder = begin(store, now)  # from here on, any further warning is an error
    replies = send(recorder, [1, 2, 3])
    recorder.finish(rows=3, replayable=True)

    assert [reply.status for reply in replies] == [200] * 3


def test_full_disk_keeps_the_pages_so_far(folder, now):
    """The walk goes on; what was stored can be resumed."""
    store = store_in(folder, now)
    recorder = begin(store, now, api=random_body(now, 9_000))
    send(recorder, [1])
    size = (folder / "walks.sqlite").stat().st_size
    most = f"PRAGMA max_page_count = {size // 4096 + 12}"
    store._open.run(lambda storage: storage._execute(most), None)

    with pytest.warns(JournalWarning, match="full"):
        send(recorder, range(2, 19))
    recorder.stop("failed", "", 0)

    stored = [one for one, _ in store_in(folder, now).pages(recorder.walk)]
    assert stored == [call(page) for page in range(1, len(stored) + 1)]
    assert 1 <= len(stored) < 18


@pytest.mark.processes
def test_ctrl_c_during_the_wait_for_a_locked_file_loses_no_page(folder, now):
    """Python raises it when the wait is over, and then the transaction has begun."""
    store = store_in(folder, now)
    recorder = begin(store, now)
    send(recorder, [1])
    press_ctrl_c_while_held(folder / "walks.sqlite", lambda: send(recorder, [2]))

    send(recorder, [2])
    assert [walk.pages for walk in store.open_walks()] == [2]


def test_cleanup_of_a_generator_that_is_collected_meanwhile_is_deferred(folder, now):
    """It would wait for its own thread forever."""
    cleanups = []

    def is_network(_):
        for cleanup in cleanups:
            cleanup()
        return False

    store = store_in(folder, now, is_network=is_network)
    recorder = begin(store, now)
    send(recorder, [1])
    store.shut()
    cleanups.append(lambda: recorder.stop("left", "collected", 100))
    thread = threading.Thread(target=store.open_walks, daemon=True)
    thread.start()
    thread.join(10)

    assert not thread.is_alive()
    cleanups.clear()
    assert [(walk.state, walk.rows) for walk in store.open_walks()] == [("left", 100)]


@pytest.mark.parametrize("what", ["walk:%", "page:%"])
def test_entry_that_makes_no_sense_is_skipped(folder, now, what):
    """With a warning; the API is asked again."""
    store = store_in(folder, now)
    broken(store, now)
    store.shut()
    with sqlite3.connect(folder / "walks.sqlite") as db:
        db.execute("UPDATE responses SET value = x'00' WHERE key LIKE ?", (what,))
    db.close()
    api = Api(now)

    def run():
        walk = store.claim("tenant", "name") or store.begin(*QUERY)
        Recorder(store, walk, api).send(call(1))

    with pytest.warns(JournalWarning, match="damaged or of another version"):
        run()

    assert len(api.asked) == 1


def test_files_of_older_versions_are_set_aside(caplog):
    """With one line each; they are never read."""
    old = [
        Path(os.environ["XDG_CACHE_HOME"], "socialframe", "http.sqlite"),
        Path(os.environ["XDG_DATA_HOME"], "socialframe", "walks.sqlite"),
    ]
    for path in old:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"an older format")
    walks = sf.walks()
    assert walks.empty
    assert all(path.exists() for path in old), "looking changes nothing"
    from socialframe.store.cache import CacheSettings, open_store

    store = open_store(CacheSettings())
    assert store.open_walks() == []

    assert not any(path.exists() for path in old)
    for path in old:
        assert len(list(path.parent.glob(f"{path.name}.old-*"))) == 1
    assert len([text for text in caplog.messages if "from an older version" in text]) == 2
    store.shut()


def test_warning_is_a_public_name():
    """Users filter by it."""
    assert sf.JournalWarning is JournalWarning
