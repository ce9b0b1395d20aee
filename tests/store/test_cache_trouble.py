"""A cache that cannot be used costs one warning and a slower run: no hang, no error, no row."""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest
from cached import rows, server, sources
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import Scripted, client_of, posts_page, press_ctrl_c_while_held

import socialframe as sf
from socialframe.folders import is_network_path
from socialframe.store.cache import open_file
from socialframe.store.codec import decode, encode

TIMES = int(os.environ.get("SOCIALFRAME_STRESS", "1"))
ENTRY = encode(["an entry"], b"[]")


@pytest.fixture
def file(tmp_path):
    """Return a path in a folder that is not there yet."""
    return tmp_path / "cache" / "http.sqlite"


class Entries:
    """The entries of a file of walks, by key."""

    def __init__(self, path, **options):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open_file(lambda: path, **options)
        self.close = self.file.close

    def put(self, key):
        """Write an entry; return whether it is written."""

        def write(storage):
            storage.write({key: ENTRY})
            return True

        return self.file.run(write, otherwise=False)

    def get(self, key):
        """Return an entry."""
        return self.file.run(lambda storage: storage.get(key), None)

    def keys(self):
        """Return all keys."""
        return self.file.run(lambda storage: storage.keys(), [])


@contextmanager
def one_warning(text):
    """Expect exactly one CacheWarning, and nothing else."""
    with pytest.warns(sf.CacheWarning, match=text) as caught:
        yield
    assert len(caught) == 1


@contextmanager
def held(file, *statements):
    """Hold a lock on a database."""
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    try:
        yield
    finally:
        connection.close()


LOCKS = {
    "for writing": ["BEGIN IMMEDIATE"],
    "for all": ["PRAGMA journal_mode=DELETE", "BEGIN EXCLUSIVE"],
}


@pytest.mark.parametrize("how", LOCKS)
def test_a_locked_file_costs_a_warning_and_two_seconds(file, how):
    """All threads together, which wait in one queue; then nobody waits for a minute."""
    with client_of(server(), cache=file) as api:
        api.posts().frame()
    found = []

    def walk(number):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(len(api.posts(status=f"x{number}").frame()))

    with held(file, *LOCKS[how]):
        threads = [threading.Thread(target=walk, args=(number,)) for number in range(8)]
        began = time.monotonic()
        with one_warning("locked"):
            assert len(api.posts(status="x").frame()) == 9
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - began < 3.5  # with nine walks and the opening of all libraries
    assert found == [9] * 8


@pytest.mark.parametrize("how", LOCKS)
def test_one_use_of_a_locked_file_takes_less_than_two_seconds(file, how):
    """And another one within the next minute nothing; after it the file is tried again."""
    now = [0.0]
    store = Entries(file, clock=lambda: now[0])
    store.put("00")
    store.close()
    with held(file, *LOCKS[how]):
        began = time.monotonic()
        with one_warning("locked"):
            assert not store.put("01")
        assert time.monotonic() - began < 2
        began = time.monotonic()
        assert not store.put("02")
        assert store.get("00") is None
        assert time.monotonic() - began < 0.5
        now[0] += 61
        assert not store.put("01")  # and no second warning
    now[0] += 61
    assert store.get("00") == ENTRY
    assert store.put("01")


def test_what_could_not_be_thrown_away_is_not_said_to_be_gone(file):
    """A writer's lock lets others read."""
    api = client_of(server(), cache=file)
    api.posts().frame()
    with held(file, "BEGIN IMMEDIATE"), one_warning("locked"):
        assert api.cache.clear() == 0
    assert rows(file) == 4


@pytest.mark.parametrize("place", ["http.sqlite", "file/http.sqlite"])
def test_a_place_that_cannot_be_a_file_costs_a_warning(tmp_path, place):
    """A folder stands there, or a file in the folder's place."""
    (tmp_path / "file").write_text("")
    (tmp_path / "http.sqlite").mkdir()
    api = client_of(server(), cache=tmp_path / place)
    with one_warning("cannot be used"):
        assert len(api.posts().frame()) == 9
    assert sources(api.posts().frame()) == (0, 3)
    assert api.cache.table().empty
    assert (api.cache.size, api.cache.clear()) == (0, 0)


READ_ONLY = """
import os, sys, warnings
from pathlib import Path
from cached import server, sources
from stand_ins import client_of
file = Path(sys.argv[1], "http.sqlite")
api = client_of(server(), cache=file)
api.posts().frame()
api.close()
for path in Path(sys.argv[1]).iterdir():
    path.chmod(0o444)
Path(sys.argv[1]).chmod(0o555)
if os.geteuid() == 0:
    os.setuid(65534)  # whom modes bind
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    api = client_of(server(), cache=file)
    frames = [api.posts(status="x").frame() for _ in range(2)]
    gone = api.cache.clear()
words = sorted({w.category.__name__ for w in caught if "Cache" in w.category.__name__})
print([len(f) for f in frames], gone, words)
"""


def ran(code, *args):
    """Return what some code printed in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.processes
def test_a_read_only_file_costs_a_warning():
    """For root, too, who is somebody else in there; nothing is said to be gone that is there."""
    folder = Path(tempfile.mkdtemp())  # others may go there
    try:
        folder.chmod(0o755)
        assert ran(READ_ONLY, folder) == "[9, 9] 0 ['CacheWarning']\n"
    finally:
        shutil.rmtree(folder)


def test_a_database_that_becomes_read_only_costs_a_warning(file):
    """What was kept is read still, after a while."""
    now = [0.0]
    store = Entries(file, clock=lambda: now[0])
    store.put("00")
    store.file.run(lambda storage: storage._execute("PRAGMA query_only=1"), None)
    with one_warning("readonly"):
        assert not store.put("01")
    now[0] += 61
    assert store.get("00") == ENTRY


FULL = """
import resource, sys, warnings
import socialframe as sf
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
for size in sys.argv[2:]:
    api = sf.Client.sandbox(cache=f"{sys.argv[1]}/{size}.sqlite")
    kept = api.accounts().frame()
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), most))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rows = len(api.posts().frame())
    print(rows, [w.category.__name__ for w in caught])
    api.close()
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
"""


@pytest.mark.processes
def test_a_full_disk_costs_a_warning(tmp_path):
    """No row is lost, the file stays whole, and what was kept before is there."""
    sizes = ["1000", "40000", "90000"]
    assert ran(FULL, tmp_path, *sizes) == "5400 ['CacheWarning']\n" * len(sizes)
    for size in sizes:
        kept = tmp_path / f"{size}.sqlite"
        with sqlite3.connect(kept) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
        assert rows(kept) >= 2


def test_a_damaged_file_is_set_aside(file):
    """One warning; the next walk is kept again."""
    file.parent.mkdir()
    file.write_bytes(b"no database" * 1000)
    api = client_of(server(), cache=file)
    with one_warning("damaged"):
        api.posts().frame()
    aside = list(file.parent.glob("*.damaged-*"))
    assert [path.read_bytes()[:11] for path in aside] == [b"no database"]
    assert sources(api.posts().frame()) == (3, 0)


def test_a_damaged_file_is_set_aside_once(file):
    """What another client began anew meanwhile stays."""
    clients = [client_of(server(), cache=file) for _ in range(2)]
    for api in clients:
        api.posts(status="x").frame()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    file.write_bytes(data)
    with pytest.warns(sf.CacheWarning, match="damaged"):
        clients[0].posts().frame()
    clients[0].posts().frame()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.CacheWarning)
        clients[1].posts().frame()
    assert len(list(file.parent.glob("*.damaged-*[0-9]"))) == 1
    assert sources(clients[1].posts().frame()) == (3, 0)


def test_a_changed_byte_makes_no_other_entry():
    """The checksum covers head and body."""
    right = (["GET", 200, 5.0], b'{"a": 1}')
    written = encode(*right)
    for place in range(len(written)):
        changed = bytearray(written)
        changed[place] ^= 1
        assert decode(bytes(changed)) in (None, right)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Return the bytes of a cache with some walks."""
    path = tmp_path_factory.mktemp("good") / "http.sqlite"
    api = client_of(Scripted(posts_page([str(n) for n in range(300)])), cache=path)
    for number in range(8):
        api.posts(status=str(number)).frame()
    api.close()
    return path.read_bytes()


@settings(max_examples=15 * TIMES)
@given(
    where=st.lists(st.floats(0, 0.9999), min_size=1, max_size=20),
    seed=st.integers(0, 2**32),
    length=st.sampled_from([1, 16, 500]),
    cut=st.one_of(st.none(), st.floats(0, 1)),
)
def test_whatever_is_damaged_the_rows_are_right(good, where, seed, length, cut):
    """At most one warning, and the file can be used again with the next client."""
    data, chance = bytearray(good), random.Random(seed)  # noqa: S311 - any bytes will do
    for place in where:
        start = int(place * len(data))
        data[start : start + length] = chance.randbytes(length)
    data = data if cut is None else data[: int(cut * len(data))]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "http.sqlite")
        path.write_bytes(data)
        right = [str(n) for n in range(300)]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            api = client_of(Scripted(posts_page(right)), cache=path)
            for number in range(5, 10):
                assert api.posts(status=str(number)).frame()["id"].tolist() == right
            api.cache.clear()
            api.close()
        assert {one.category for one in caught} <= {sf.CacheWarning}
        assert len(caught) <= 1


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        (b"tableresponsesresponses", b"table\xffesponsesresponses"),
        (b"tableresponsesresponses", b"tablerespansesrespanses"),
        (b"CREATE TABLE responses", b"CREATE TABLE re\xffponses"),
        (b"CREATE TABLE", b"CREATE TXBLE"),
        (b"key TEXT", b"kex TEXT"),
        (b"value BLOB", b"valve BLOB"),
        (b"SQLite format 3", b"SQLite format 4"),
        (b"\0\0\0\4\0\0\0\0", b"\0\0\0\x09\0\0\0\0"),  # the format's number
    ],
)
def test_damage_in_the_schema_sets_the_file_aside(good, file, was, is_now):
    """One warning of two clients; the second one replays the rows that the first one got."""
    assert was in good[:8192]
    file.parent.mkdir()
    file.write_bytes(good.replace(was, is_now, 1))
    app = server()
    with one_warning("was damaged"):
        client_of(app, cache=file).posts().frame()
        assert sources(client_of(app, cache=file).posts().frame()) == (3, 0)
    assert len(list(file.parent.glob("*.damaged-*"))) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE responses SET value = x'80049500'",  # pickle
        "UPDATE responses SET value = 'text'",
        "UPDATE responses SET value = NULL",
        "UPDATE responses SET value = CAST(x'53467731' || substr(value, 5) AS BLOB)",
    ],
)
def test_entries_of_another_version_are_not_used(file, change):
    """One warning, the API is asked, and new entries take their place."""
    app = server()
    client_of(app, cache=file).posts().frame()
    with sqlite3.connect(file) as connection:
        connection.execute(change)
    connection.close()
    api = client_of(app, cache=file)
    with one_warning("another version"):
        assert sources(api.posts().frame()) == (0, 3)
    assert sources(api.posts().frame()) == (3, 0)


def test_entries_of_requests_cache_itself_are_left_alone(file):
    """Old tables get the columns that they lack; the entries are never read."""
    file.parent.mkdir()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE responses (key TEXT PRIMARY KEY, value BLOB)")
        connection.execute("CREATE TABLE redirects (key TEXT PRIMARY KEY, value BLOB)")
        connection.execute("INSERT INTO responses VALUES ('a', x'80')")
        connection.execute("INSERT INTO responses VALUES (?, x'80')", ("z" * 64,))
    connection.close()
    api = client_of(server(), cache=file)
    api.posts().frame()
    assert sources(api.posts().frame()) == (3, 0)
    assert api.cache.clear() == 1
    assert rows(file) == 2


@pytest.mark.parametrize("table", ["mine (x)", "responses (question TEXT, answer TEXT)"])
def test_another_programs_database_is_left_alone(file, table):
    """It is somebody's, also if it has a table of the same name."""
    file.parent.mkdir()
    with sqlite3.connect(file) as connection:
        connection.execute(f"CREATE TABLE {table}")
    connection.close()
    file.chmod(0o640)
    before = file.read_bytes()
    with one_warning("another program"):
        assert len(client_of(server(), cache=file).posts().frame()) == 9
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (before, 0o640)


def test_a_cache_that_others_could_read_is_closed_to_them(file):
    """Before anything is written to it."""
    file.parent.mkdir()
    file.touch(0o644)
    client_of(server(), cache=file).posts().frame()
    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o600}


def test_a_network_file_system_costs_the_log_and_a_warning(file):
    """A rollback journal is safe where locks are; a log needs shared memory."""
    store = Entries(file)
    store.put("00")
    store.close()
    store = Entries(file, is_network=lambda _: True)
    with one_warning("network file system"):
        assert store.get("00") == ENTRY
    assert store.put("01")
    assert [path.name for path in file.parent.iterdir()] == ["http.sqlite"]
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/x /net nfs4 rw 0 0
tmpfs /net/local tmpfs rw 0 0
//nas/disk /mnt/my\\040disk cifs rw 0 0
me@host: /far fuse.sshfs rw 0 0
/dev/sdb1 /over nfs rw 0 0
/dev/sdb1 /over ext4 rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/var/x.sqlite", False),
        ("/net/ada/.cache/x.sqlite", True),
        ("/net/local/x.sqlite", False),
        ("/nether/x.sqlite", False),
        ("/mnt/my disk/x.sqlite", True),
        ("/far/x.sqlite", True),
        ("/over/x.sqlite", False),
    ],
)
def test_the_table_of_mounts_tells_a_network_file_system(path, network):
    """The deepest mount counts, and of two in one place the later one."""
    assert is_network_path(Path(path), MOUNTS) is network
    assert is_network_path(Path(path), "") is False


def test_work_that_a_collected_generator_asks_for_is_deferred(tmp_path):
    """It would wait for its own thread forever."""
    ends = []
    path = tmp_path / "walks.sqlite"

    def is_network(_):
        for end in ends:
            end()
        return False

    file = open_file(lambda: path, is_network=is_network)
    file.run(lambda storage: storage.write({"00": ENTRY}), None)
    file.close()
    ends.append(lambda: file.run(lambda storage: storage.write({}, ["00"]), None))
    thread = threading.Thread(target=lambda: file.run(lambda s: s.keys(), []), daemon=True)
    thread.start()
    thread.join(10)

    assert not thread.is_alive()
    ends.clear()
    assert file.run(lambda storage: storage.keys(), None) == []
    file.close()


@pytest.mark.processes
def test_ctrl_c_during_the_wait_for_a_locked_file_frees_the_lock(tmp_path):
    """Python raises it when the wait is over, and then the transaction has begun."""
    path = tmp_path / "walks.sqlite"
    store = Entries(path)
    store.put("00")
    press_ctrl_c_while_held(path, lambda: store.put("01"))

    assert store.put("02")
    assert {"00", "02"} <= set(store.keys())
    store.close()


def test_nothing_is_read_while_another_thread_writes(tmp_path):
    """requests-cache reads without its lock, and then some readers find nothing."""
    store = Entries(tmp_path / "walks.sqlite")
    inside, order = threading.Event(), []

    def write(storage):
        inside.set()
        time.sleep(0.1)
        order.append("written")
        storage.write({"00": ENTRY})

    writer = threading.Thread(target=store.file.run, args=(write, None))
    writer.start()
    assert inside.wait(20)
    store.file.run(lambda _: order.append("read"), None)
    writer.join()
    assert order == ["written", "read"]
    store.close()


def test_a_failed_write_is_a_warning_and_not_forgotten(tmp_path):
    """requests-cache catches the error of a statement and commits nothing."""
    store = Entries(tmp_path / "walks.sqlite")
    store.put("00")
    with one_warning("no such table"):
        assert not store.file.run(
            lambda storage: bool(storage._execute("INSERT INTO absent VALUES (1)")), otherwise=False
        )
    store.close()
