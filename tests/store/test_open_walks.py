"""Open walks in the user's SQLite file: processes, forks, locks, full disks, damage."""

import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from contracts.store_contract import QUERY, Api, Now, call, send
from stand_ins import Scripted, client_of, posts_page, press_ctrl_c_while_held

import socialframe as sf
from socialframe.errors import JournalWarning
from socialframe.store.cache import CacheSettings, default_path, open_file, open_store
from socialframe.store.lock import WalkLock
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


def _fork(work):
    """Run work in a forked child, whose exit tells whether it returned true."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, which a test run may have
        child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.processes
def test_forked_child_does_not_write_the_walk_of_its_parent(folder, now):
    """Neither a page, which would mix with those of the parent, nor a deletion."""
    store = store_in(folder, now)
    recorder = begin(store, now)
    send(recorder, [1, 2])

    def work():
        send(recorder, [7, 8, 9])
        recorder.truncate(call(1))
        recorder.discard()
        return True

    _fork(work)
    send(recorder, [3])

    assert [one for one, _ in store.pages(recorder.walk)] == [call(1), call(2), call(3)]
    recorder.finish(rows=3, replayable=True)
    assert [walk.pages for walk in store.complete_walks()] == [3]


@pytest.mark.processes
def test_walk_without_a_page_is_stored_by_the_process_that_sends_first(folder, now):
    """The other one goes on without a warning, and can store other walks."""
    store = store_in(folder, now)
    recorder = begin(store, now)
    inside, done = os.pipe(), os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
    if not child:
        send(recorder, [1])
        os.write(inside[1], b"1")
        os.read(done[0], 1)
        os._exit(0)
    os.read(inside[0], 1)
    send(recorder, [1, 2])  # a warning would be an error
    recorder.finish(rows=2, replayable=True)
    send(begin(store, now, ("tenant", "other", "posts", {})), [1])
    assert {walk.state for walk in store.open_walks()} == {"running"}
    assert len(store.open_walks()) == 2
    os.write(done[1], b"1")
    os.waitpid(child, 0)

    assert store.claim("tenant", "name").pages == 1


def test_look_at_a_lock_does_not_keep_others_from_the_walk(folder, now):
    """A look takes less than a millisecond, and others may look meanwhile."""
    walk = broken(store_in(folder, now), now).walk
    store = store_in(folder, now)
    looking = sqlite3.connect(folder / f"walk-{walk.id}.lock", check_same_thread=False)
    looking.execute("BEGIN")
    looking.execute("SELECT count(*) FROM sqlite_master").fetchone()

    assert [one.state for one in store.open_walks()] == ["failed"]
    threading.Timer(0.1, looking.close).start()
    assert store.claim("tenant", "name").id == walk.id


def test_failure_while_a_walk_is_read_does_not_resume_it_without_pages(folder, now, monkeypatch):
    """Else its old pages would follow the new ones."""
    walk = broken(store_in(folder, now), now, [1, 2, 3]).walk
    store = store_in(folder, now)
    rows = store._row

    def read(file, key):
        found = rows(file, key)
        file._off_until = float("inf")  # as if another process had locked it
        return found

    monkeypatch.setattr(store, "_row", read)
    assert store.claim("tenant", "name", walk.id) is None


def test_cleanup_while_a_lock_file_is_made_does_not_hang(folder, now, monkeypatch):
    """An abandoned generator may be collected at any moment."""
    store = store_in(folder, now)
    abandoned = begin(store, now, ("tenant", "other", "posts", {}))
    send(abandoned, [1])
    create = WalkLock.create

    def collect(path):
        abandoned.stop("left", "collected", 100)
        return create(path)

    monkeypatch.setattr(WalkLock, "create", collect)
    thread = threading.Thread(target=lambda: send(begin(store, now), [1]), daemon=True)
    thread.start()
    thread.join(10)

    assert not thread.is_alive()
    assert {walk.state for walk in store.open_walks()} == {"left", "running"}


def test_cleanup_during_the_work_of_another_file_is_deferred(folder):
    """Two threads would wait for each other: each has the lock that the other one awaits."""
    files = [open_file(lambda n=n: folder / f"{n}.sqlite", JournalWarning) for n in range(2)]
    barrier, done = threading.Barrier(2), []

    def run(own, other):
        def collect(_):
            barrier.wait(10)
            other.run(lambda _: done.append("cleanup"), None)

        own.run(collect, None)

    threads = [
        threading.Thread(target=run, args=pair, daemon=True) for pair in (files, files[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert done == ["cleanup", "cleanup"]
    for file in files:
        file.close()


def test_first_page_that_is_not_stored_leaves_no_lock_file(folder, now):
    """They would pile up."""
    broken(store_in(folder, now), now)
    holder = sqlite3.connect(folder / "walks.sqlite", isolation_level=None)
    store = store_in(folder, now)
    store.open_walks()
    holder.execute("BEGIN IMMEDIATE")
    recorder = begin(store, now)
    with pytest.warns(JournalWarning, match="locked"):
        send(recorder, [1])
    holder.close()
    recorder.stop("failed", "", 0)

    assert len(list(folder.glob("*.lock"))) == 1


def test_lock_files_without_a_walk_are_removed(folder, now):
    """As those of a file that was damaged; but not those of this hour, nor one that is held."""
    store = store_in(folder, now)
    kept = begin(store, now)
    send(kept, [1])
    others = [folder / f"walk-{number}.lock" for number in range(3)]
    for path in others:
        path.touch()
    for path in [*others[:2], *folder.glob(f"walk-{kept.walk.id}.lock")]:
        os.utime(path, (0, 0))
    held = WalkLock.take(others[1])
    store._evict()

    names = {path.stem.partition("-")[2] for path in folder.glob("*.lock")}
    assert names == {kept.walk.id, "1", "2"}
    held.free()


def test_lock_file_that_cannot_be_removed_is_no_error(folder, now):
    """As in a folder that became read-only."""
    store = store_in(folder, now)
    walk = begin(store, now).walk
    (folder / f"walk-{walk.id}.lock").mkdir()
    store.open_walks()
    store._unlock(walk, ended=True)

    assert (folder / f"walk-{walk.id}.lock").exists()


def test_store_whose_folder_was_deleted_is_made_again(folder, now):
    """As by a user who deletes the cache folder while a notebook is open."""

    def find():
        (folder / "cache").mkdir(exist_ok=True)
        return folder / "cache" / "walks.sqlite"

    seconds = [0.0]
    file = open_file(find, JournalWarning, clock=lambda: seconds[0])
    store = WalkStore(file, file, now=now)
    broken(store, now)
    shutil.rmtree(folder / "cache")
    with pytest.warns(JournalWarning, match="cannot be used"):
        send(begin(store, now), [1])
    seconds[0] = 61.0
    send(begin(store, now), [1])

    assert [walk.state for walk in store.open_walks()] == ["running"]


def test_pages_that_a_killed_process_half_moved_are_deleted(folder, now):
    """After a day, but not while they are being moved."""
    place = CacheSettings(folder / "named.sqlite")
    store = open_store(place, now=now)
    recorder = begin(store, now)
    send(recorder, [1, 2])
    assert store._move_pages(replace(recorder.walk, pages=2))
    store._evict()
    assert len(_entries(folder / "named.sqlite")) == 3
    now.now += 90000
    store._evict()

    assert _entries(folder / "named.sqlite") == []
    recorder.finish(rows=2, replayable=True)
    assert len(_entries(folder / "named.sqlite")) == 3
    store.shut()


def test_pages_of_a_walk_that_could_not_be_moved_are_deleted(folder, now):
    """One that is lost in between leaves nothing in the named file."""
    store = open_store(CacheSettings(folder / "named.sqlite"), now=now)
    recorder = begin(store, now)
    send(recorder, range(20))
    gone = recorder.walk.page_key(18)
    store._open.run(lambda storage: storage.write({}, [gone]), None)
    recorder.finish(rows=20, replayable=True)

    assert _entries(folder / "named.sqlite") == []
    assert store.open_walks() == []
    store.shut()


def _entries(path):
    db = sqlite3.connect(path)
    try:
        return db.execute("SELECT key FROM responses").fetchall()
    finally:
        db.close()


def test_cache_path_of_the_users_own_file_keeps_its_pages(now):
    """The walk is moved nowhere."""
    store = open_store(CacheSettings(default_path()), now=now)
    recorder = begin(store, now)
    send(recorder, [1, 2])
    recorder.finish(rows=2, replayable=True)
    walk = store.find_complete("tenant", ["name"])

    assert len(list(store.pages(walk))) == 2
    store.shut()


def test_file_of_another_program_need_not_shrink(folder, now):
    """One that requests-cache made keeps its free space."""
    path = folder / "walks.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE responses (key TEXT PRIMARY KEY, value BLOB, expires INTEGER)")
    db.close()
    store = store_in(folder, now)
    recorder = begin(store, now, api=random_body(now, 100_000))
    send(recorder, range(3))
    recorder.finish(rows=0, replayable=False)

    assert store.open_walks() == []


def test_walks_that_complete_at_once_leave_no_page_without_a_walk(folder, now):
    """Each deletes the one before it, and no other process comes in between."""

    def run():
        own = store_in(folder, now)
        for _ in range(30):
            recorder = begin(own, now)
            send(recorder, [1])
            recorder.finish(rows=1, replayable=True)
        own.shut()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(_entries(folder / "walks.sqlite")) == 2


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


def test_a_store_remains_if_cache_and_data_have_one_folder(tmp_path, monkeypatch):
    """The file of an older version had the same name in the folder for data."""
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    app = Scripted(posts_page("a"))
    for _ in range(2):
        client_of(app, cache=True).posts().frame()

    assert len(app.seen) == 1
