"""What an unfinished walk has fetched is kept and given back; the file is never in the way."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from stand_ins import press_ctrl_c_while_held

import socialframe as sf
from socialframe.errors import JournalWarning, NotFoundError
from socialframe.messages.call import Call, Reply
from socialframe.store.store import LOOPED, Walks
from socialframe.store.stored_walk import Started

STARTED = Started("tenant", "name", "posts", {"arguments": {"platform": "threads"}})


class Now:
    """Unix time that passes when it is told to."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def now():
    """Return a clock."""
    return Now()


@pytest.fixture
def folder(tmp_path):
    """Return a folder of the user's own."""
    return tmp_path


def walks_in(folder, now):
    """Open the file of a folder, as another process would."""
    return Walks(lambda: folder, lambda: pa.Codec("zstd"), now=now)


def a_call(number):
    """Return the call for a page."""
    return Call("/v1/posts", (("page", str(number)),))


class Api:
    """Answers each call, and notes it."""

    def __init__(self):
        self.asked = []

    def __call__(self, call, notify=None):
        self.asked.append(call)
        moment = datetime(2026, 11, 24, 12, 0, len(self.asked), 123457, tzinfo=UTC)
        return Reply(200, {"etag": f"{len(self.asked)}"}, b'{"posts": []}', moment, "https://x/y")


def walked(journal, pages, api=None):
    """Send the calls for some pages by a journal; return what came."""
    send = journal.through(api or Api())
    return [send(a_call(number)) for number in pages]


def test_replies_come_back_as_they_were_and_the_api_is_asked_for_the_rest(folder, now):
    """By another process, whose calls are the same."""
    journal = walks_in(folder, now).begin(STARTED)
    first = walked(journal, [1, 2])
    journal.left("failed", "The line broke.", 200)
    api = Api()

    again = walked(walks_in(folder, now).pick("tenant", "name"), [1, 2, 3], api)

    assert [reply.journalled for reply in again] == [True, True, False]
    for before, after in zip(first, again, strict=False):
        assert (after.status, after.headers, after.body, after.at, after.url) == (
            before.status,
            before.headers,
            before.body,
            before.at,
            before.url,
        )
    assert api.asked == [a_call(3)]


def test_a_reply_is_kept_before_it_is_handed_on(folder, now):
    """So a process that dies at once has lost nothing."""
    journal = walks_in(folder, now).begin(STARTED)
    send = journal.through(Api())
    for page in [1, 2, 3]:
        send(a_call(page))
        assert [one.pages for one in walks_in(folder, now).all()] == [page]


def test_another_call_than_was_made_forgets_what_lies_behind(folder, now):
    """A walk that takes another way gets no page of the old one."""
    journal = walks_in(folder, now).begin(STARTED)
    walked(journal, [1, 2, 3])
    journal.left("failed", "", 0)
    api = Api()

    again = walks_in(folder, now).pick("tenant", "name")
    came = walked(again, [1, 7, 3], api)

    assert [reply.journalled for reply in came] == [True, False, False]
    assert [call for call, _ in again.replies()] == [a_call(1), a_call(7), a_call(3)]


def test_a_way_that_is_tried_and_refused_costs_nothing_of_what_is_kept(folder, now):
    """The walk was refused it before, and goes on as it did then; and it is no lost cursor."""
    journal = walks_in(folder, now).begin(STARTED)
    walked(journal, [1, 2, 3])
    journal.left("failed", "", 0)
    again = walks_in(folder, now).pick("tenant", "name")
    api = Api()

    def picky(call, notify=None):
        if call == a_call(99):
            raise NotFoundError("no", method="GET", path=call.path, status_code=404)
        return api(call)

    send = again.through(picky)
    came = [send(a_call(1))]
    with pytest.raises(NotFoundError):
        send(a_call(99))
    came += [send(a_call(2)), send(a_call(3))]
    with pytest.raises(NotFoundError):
        send(a_call(99))
    came.append(send(a_call(4)))

    assert [reply.journalled for reply in came] == [True, True, True, False]
    assert api.asked == [a_call(4)]
    assert again.outdated is None


def test_a_walk_at_work_is_not_taken_over(folder, now):
    """Not by another walk of this process; only when it is left."""
    walks = walks_in(folder, now)
    journal = walks.begin(STARTED)
    walked(journal, [1])

    assert walks.pick("tenant", "name") is None
    assert walks_in(folder, now).pick("tenant", "name") is None
    assert walks.all()[0].state == "running"
    journal.left("interrupted", "Ctrl-C", 100)
    assert walks.all()[0].state == "interrupted"
    other = walks_in(folder, now)
    assert other.pick("tenant", "name").id == journal.id
    assert walks.pick("tenant", "name") is None, "it was taken over"


def test_a_walk_at_work_stays_so_when_its_file_is_closed_and_opened_again(folder, now):
    """As before a fork, and after trouble."""
    walks = walks_in(folder, now)
    journal = walks.begin(STARTED)
    walked(journal, [1])
    walks.close()

    assert walks.pick("tenant", "name") is None
    assert walks_in(folder, now).pick("tenant", "name") is None
    assert walked(journal, [2])[0].status == 200


@pytest.mark.processes
def test_a_walk_whose_process_was_killed_is_taken_over(folder, now):
    """The system frees the lock of a process, however it ends."""
    code = f"""
import os, sys, signal
sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}
from pathlib import Path
from test_journal import *
walks = walks_in(Path({str(folder)!r}), Now())
walked(walks.begin(STARTED), [1, 2])
print("ready", flush=True)
signal.pause()
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    walks = walks_in(folder, now)
    assert walks.pick("tenant", "name") is None
    assert len(list(folder.glob("process-*.lock"))) == 1
    child.kill()
    child.communicate()

    assert walks.all()[0].state == "killed"
    assert walks.pick("tenant", "name").pages == 2


@pytest.mark.processes
def test_a_forked_child_neither_holds_nor_frees_the_walk_of_its_parent(folder, now):
    """It opens the file anew, and its end leaves the parent's walk at work."""
    walks = walks_in(folder, now)
    walked(walks.begin(STARTED), [1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of threads, which a test run may have
        child = os.fork()
    if not child:
        other = Started("tenant", "other", "posts", {})
        walked(walks.begin(other), range(40))
        found = walks.pick("tenant", "name")
        os._exit(0 if found is None else 7)
    walked(walks.begin(Started("tenant", "third", "posts", {})), range(40))
    assert os.waitpid(child, 0)[1] == 0

    assert walks.pick("tenant", "name") is None
    fresh = walks_in(folder, now)
    assert fresh.pick("tenant", "other").pages == 40
    assert {one.pages for one in fresh.all()} == {1, 40}


@pytest.mark.parametrize(
    ("seconds", "picked"), [(0, True), (3599, True), (3601, False), (-30, True), (-3600, False)]
)
def test_only_a_young_walk_is_picked_up_unless_it_is_named(folder, now, seconds, picked):
    """Also where the clock was set back: nobody knows how old it is."""
    walks = walks_in(folder, now)
    journal = walks.begin(STARTED)
    walked(journal, [1])
    journal.left("failed", "", 0)
    now.now += seconds

    found = walks.pick("tenant", "name")

    assert (found is not None) == picked
    if found:
        found.left("failed", "", 0)
    assert walks.pick("tenant", "name", walk=journal.id).id == journal.id


def test_nobody_elses_and_no_other_querys_walk_is_picked_up(folder, now):
    """Two keys share the file, and nothing in it."""
    walks = walks_in(folder, now)
    journal = walks.begin(STARTED)
    walked(journal, [1])
    journal.left("failed", "", 0)

    for tenant, name in [("another", "name"), ("tenant", "another")]:
        assert walks.pick(tenant, name) is None
        assert walks.pick(tenant, name, walk=journal.id) is None


def test_a_walk_that_looped_is_kept_for_its_rows_alone(folder, now):
    """To go on would lead into the same circle."""
    walks = walks_in(folder, now)
    journal = walks.begin(STARTED)
    walked(journal, [1, 2])
    journal.left(LOOPED, "in a circle", 0)

    assert walks.pick("tenant", "name") is None
    assert walks.pick("tenant", "name", walk=journal.id) is None
    assert len(list(journal.replies())) == 2


def test_a_reply_that_was_not_what_it_should_be_is_forgotten(folder, now):
    """With all that came after it, so that it is asked for again."""
    walks = walks_in(folder, now)
    journal = walks.begin(STARTED)
    walked(journal, [1, 2, 3, 4])

    journal.cut(a_call(3))
    assert [call for call, _ in journal.replies()] == [a_call(1), a_call(2)]
    journal.cut(a_call(9))
    assert [call for call, _ in journal.replies()] == [a_call(1)], "2 led to what is no call"


def test_a_cursor_that_the_api_no_longer_knows_is_noticed(folder, now):
    """Only with the first call after what was kept; a refusal later is the walk's own."""
    walks = walks_in(folder, now)
    journal = walks.begin(STARTED)
    walked(journal, [1, 2])
    journal.left("failed", "", 0)
    again = walks.pick("tenant", "name")

    def refused(call, notify=None):
        raise NotFoundError("gone", method="GET", path=call.path, status_code=404)

    send = again.through(refused)
    send(a_call(1))
    send(a_call(2))
    with pytest.raises(NotFoundError):
        send(a_call(3))

    assert again.outdated.status_code == 404


def test_a_walk_that_ends_leaves_nothing(folder, now):
    """The file gets its space back."""
    walks = walks_in(folder, now)
    journal = walks.begin(STARTED)
    send = journal.through(
        lambda call, _=None: Reply(
            200, {}, os.urandom(100_000), datetime.fromtimestamp(now(), UTC), ""
        )
    )
    for page in range(30):
        send(a_call(page))

    journal.done()
    walks.close()

    assert walks_in(folder, now).all() == []
    assert (folder / "walks.sqlite").stat().st_size < 100_000


def test_a_walk_is_thrown_away_after_a_week(folder, now):
    """When another one begins."""
    walks = walks_in(folder, now)
    old = walks.begin(STARTED)
    walked(old, [1])
    old.left("failed", "", 0)
    now.now += 8 * 86400

    walked(walks.begin(STARTED), [1])

    assert old.id not in [one.id for one in walks.all()]
    assert list(old.replies()) == []


def test_replies_that_hold_codes_are_not_kept(folder, now):
    """Those under connect."""
    journal = walks_in(folder, now).begin(STARTED)

    journal.through(Api())(Call("/v1/Connect/instagram"))

    assert list(journal.replies()) == []


def test_the_files_are_for_their_owner_alone(folder, now):
    """Whatever the umask says."""
    before = os.umask(0)
    try:
        walks = walks_in(folder, now)
        walked(walks.begin(STARTED), [1])
    finally:
        os.umask(before)

    assert {path.name.partition("-")[0] for path in folder.iterdir()} >= {"walks.sqlite", "process"}
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    walks.close()


def test_a_damaged_file_is_set_aside(folder, now):
    """One warning; then a new one is begun, and works."""
    (folder / "walks.sqlite").write_bytes(b"no database " * 1000)
    walks = walks_in(folder, now)

    with pytest.warns(JournalWarning, match="was damaged .* a new one begun"):
        assert walks.pick("tenant", "name") is None
    walked(walks.begin(STARTED), [1])

    assert [one.pages for one in walks.all()] == [1]
    (aside,) = folder.glob("walks.sqlite.damaged-*")
    assert aside.read_bytes().startswith(b"no database")


def test_a_damaged_file_is_set_aside_once(folder, now):
    """By whom finds it; another process that had it open leaves the new one alone."""
    one, other = walks_in(folder, now), walks_in(folder, now)
    walked(one.begin(STARTED), [1])
    other.all()
    file = folder / "walks.sqlite"
    for walks in (one, other):
        walks._drop()
    file.with_name("walks.sqlite-wal").unlink(missing_ok=True)
    file.write_bytes(b"no database " * 1000)
    for walks in (one, other):
        walks._db = sqlite3.connect(file, isolation_level=None)
    with pytest.warns(JournalWarning, match="was damaged"):
        one.all()
    walked(one.begin(STARTED), [1, 2])
    other.all()

    assert len(list(folder.glob("walks.sqlite.damaged-*[0-9]"))) == 1
    assert [one.pages for one in walks_in(folder, now).all()] == [2]


def test_a_file_that_is_locked_is_left_alone_for_a_minute(folder, now):
    """So that no walk waits for it again and again; then it is tried anew."""
    walked(walks_in(folder, now).begin(STARTED), [1])
    holder = sqlite3.connect(folder / "walks.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    seconds = [0.0]
    walks = Walks(lambda: folder, lambda: pa.Codec("zstd"), now=now, clock=lambda: seconds[0])
    with pytest.warns(JournalWarning, match="locked"):
        assert walks.all() == []
    holder.close()

    assert walks.all() == []
    seconds[0] = 61.0
    assert len(walks.all()) == 1


def test_on_a_network_file_system_no_log_is_shared_by_mapping_it(folder, now):
    """A rollback journal works there too."""
    walks = Walks(lambda: folder, lambda: pa.Codec("zstd"), now=now, remote=lambda _: True)
    journal = walks.begin(STARTED)
    walked(journal, [1, 2])

    db = sqlite3.connect(folder / "walks.sqlite")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    db.close()
    assert len(list(journal.replies())) == 2


def test_a_file_of_another_version_is_set_aside(folder, now):
    """Nobody can know what its columns mean."""
    db = sqlite3.connect(folder / "walks.sqlite")
    db.execute("PRAGMA user_version = 99")
    db.close()

    with pytest.warns(JournalWarning, match="another version"):
        walks_in(folder, now).all()

    assert len(list(folder.glob("walks.sqlite.damaged-*"))) == 1


def test_a_folder_that_cannot_be_made_costs_one_warning(folder, now):
    """And the walk goes on."""
    (folder / "file").write_text("in the way")

    def find():
        (folder / "file" / "inner").mkdir()

    walks = Walks(find, lambda: pa.Codec("zstd"), now=now)

    with pytest.warns(JournalWarning, match="in the way|not a directory|Not a directory"):
        assert walks.pick("tenant", "name") is None
    journal = walks.begin(STARTED)  # from here on, any further warning is an error
    came = walked(journal, [1, 2, 3])
    journal.done()

    assert [reply.status for reply in came] == [200] * 3


def test_a_file_that_is_full_keeps_what_it_has(folder, now):
    """The walk goes on; what was kept can be resumed."""
    walks = walks_in(folder, now)
    journal = walks.begin(STARTED)
    walked(journal, [1])
    size = (folder / "walks.sqlite").stat().st_size
    walks._opened().execute(f"PRAGMA max_page_count = {size // 4096 + 4}")
    send = journal.through(
        lambda call, _=None: Reply(200, {}, os.urandom(9_000), datetime.now(UTC), "")
    )

    with pytest.warns(JournalWarning, match="full"):
        [send(a_call(page)) for page in range(2, 9)]
    journal.left("failed", "", 0)

    kept = [call for call, _ in journal.replies()]
    assert kept == [a_call(page) for page in range(1, len(kept) + 1)]
    assert 1 <= len(kept) < 8


def test_a_locked_file_costs_two_seconds_once(folder, now):
    """And no reply."""
    walked(walks_in(folder, now).begin(STARTED), [1])
    holder = sqlite3.connect(folder / "walks.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    journal = walks_in(folder, now).begin(STARTED)

    with pytest.warns(JournalWarning, match="locked"):
        came = walked(journal, [1, 2, 3, 4])

    assert len(came) == 4
    holder.close()


def test_the_warning_is_a_public_name():
    """It can be filtered by it."""
    assert sf.JournalWarning is JournalWarning


def within(seconds, work):
    """Do something in a thread that may wait for ever; whether it came to its end."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def test_what_is_collected_in_the_middle_of_its_own_thread_s_turn_waits_for_its_end(folder, now):
    """As a generator that was left: its end is noted, and nothing waits for itself."""
    ends = []

    def find():
        for end in ends:
            end()
        return folder

    walks = Walks(find, lambda: pa.Codec("zstd"), now=now)
    journal = walks.begin(STARTED)
    journal.through(Api())(a_call(1))
    walks.close()
    ends.append(lambda: journal.left("left", "collected", 100))

    assert within(10, walks.all)
    ends.clear()
    assert [(one.state, one.rows) for one in walks.all()] == [("left", 100)]


@pytest.mark.processes
def test_ctrl_c_while_it_waits_for_the_file_gives_the_lock_back(folder, now):
    """It is heard when the wait is over, and then the transaction has begun."""
    walks = walks_in(folder, now)
    send = walks.begin(STARTED).through(Api())
    send(a_call(1))
    press_ctrl_c_while_held(folder / "walks.sqlite", lambda: send(a_call(2)))

    send(a_call(2))
    assert [one.pages for one in walks.all()] == [2]


def test_a_walk_at_work_is_never_thrown_away(folder, now):
    """However old the clock makes it; one that nobody is at work on is, after a week."""
    walks = walks_in(folder, now)
    old, left = walks.begin(STARTED), walks.begin(STARTED)
    for journal in (old, left):
        journal.through(Api())(a_call(1))
    left.left("failed", "", 0)
    now.now += 8 * 86400
    new = walks.begin(STARTED)
    new.through(Api())(a_call(1))

    assert {one.id for one in walks.all()} == {old.id, new.id}


def test_another_process_does_not_end_a_walk(folder, now):
    """As a forked child, in which a generator of its parent's is collected."""
    walks, child = walks_in(folder, now), walks_in(folder, now)
    journal = walks.begin(STARTED)
    journal.through(Api())(a_call(1))
    child.all()
    child.note(journal.id, "left", "", 0)

    assert [one.state for one in walks.all()] == ["running"]


@pytest.mark.parametrize("damage", ["UPDATE walks SET query = '{'", "UPDATE pages SET call = '['"])
def test_a_row_that_makes_no_sense_is_as_good_as_gone(folder, now, damage):
    """With a warning where a whole walk is lost; never with an error."""
    walks = walks_in(folder, now)
    journal = walks.begin(STARTED)
    journal.through(Api())(a_call(1))
    journal.left("failed", "", 0)
    walks.close()
    with sqlite3.connect(folder / "walks.sqlite") as db:
        db.execute(damage)
    db.close()
    api = Api()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JournalWarning)
        again = walks.pick("tenant", "name") or walks.begin(STARTED)
        again.cut(a_call(2))
        again.through(api)(a_call(1))

    assert len(api.asked) == 1
