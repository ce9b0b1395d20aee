"""A walk that ended, or whose end could not be stored, is never resumed; a killed one says so."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from contracts.store_contract import QUERY, Api, Now, send
from stand_ins import Scripted, client_of, posts_page

import socialframe as sf
from socialframe.errors import JournalWarning
from socialframe.store.cache import default_path, open_file
from socialframe.store.lock import WalkLock
from socialframe.store.replay import Recorder
from socialframe.store.store import WalkStore


@pytest.fixture
def now():
    """Return a clock."""
    return Now()


def store_in(folder, now):
    """Open the file of a folder, as another process would."""
    file = open_file(lambda: folder / "walks.sqlite", JournalWarning)
    return WalkStore(file, file, now=now)


def begin(store, now, pages=(1, 2)):
    """Return the recorder of a new walk with some pages."""
    recorder = Recorder(store, store.begin(*QUERY), Api(now))
    send(recorder, pages)
    return recorder


def refuse_writes(store):
    """Let each write to the file fail at once, as on a full disk."""
    store._open.run(lambda storage: storage._execute("PRAGMA query_only = ON"), None)
    return pytest.warns(JournalWarning, match="readonly")


def test_lock_file_that_is_open_cannot_be_removed_on_some_systems(tmp_path, now, monkeypatch):
    """It is removed after it was closed."""
    unlink, tries = Path.unlink, []

    def refuse_first(path, **options):
        tries.append(path)
        if len(tries) == 1:
            raise PermissionError("the file is open")
        unlink(path, **options)

    store = store_in(tmp_path, now)
    recorder = begin(store, now)
    monkeypatch.setattr(Path, "unlink", refuse_first)
    with refuse_writes(store):
        recorder.finish(rows=2, replayable=True)

    assert list(tmp_path.glob("*.lock")) == []
    assert store_in(tmp_path, now).claim("tenant", "name") is None


@pytest.mark.parametrize("end", ["finish", "discard"])
def test_ended_walk_is_not_resumed_if_neither_row_nor_lock_can_go(tmp_path, now, monkeypatch, end):
    """As in a folder that became read-only."""

    def refuse(path, **_):
        raise PermissionError("the folder is read-only")

    store = store_in(tmp_path, now)
    recorder = begin(store, now)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with refuse_writes(store):
            recorder.finish(rows=2, replayable=True) if end == "finish" else recorder.discard()
    other = store_in(tmp_path, now)

    assert len(list(tmp_path.glob("*.lock"))) == 1
    assert other.open_walks() == []
    assert other.claim("tenant", "name") is None
    assert other.claim("tenant", "name", recorder.walk.id) is None
    (path,) = tmp_path.glob("*.lock")
    os.utime(path, (0, 0))
    other._evict()
    assert list(tmp_path.glob("*.lock")) == []
    assert other._open.run(lambda storage: storage.keys("walk:"), None) == []


@pytest.mark.parametrize("state", ["left", "looped"])
def test_state_that_cannot_be_stored_ends_a_walk(tmp_path, now, state):
    """It would count as killed, and be resumed although this state is not."""
    store = store_in(tmp_path, now)
    recorder = begin(store, now)
    with refuse_writes(store):
        recorder.stop(state, "stopped", 2)

    assert store_in(tmp_path, now).claim("tenant", "name") is None


def test_failed_walk_is_resumed_although_its_state_could_not_be_stored(tmp_path, now):
    """Its rows are wanted: the error says that the query can be run again."""
    store = store_in(tmp_path, now)
    recorder = begin(store, now)
    with refuse_writes(store):
        recorder.stop("failed", "stopped", 2)

    assert store_in(tmp_path, now).claim("tenant", "name").pages == 2


def pages():
    """Return a server of three pages whose second page fails once."""
    return Scripted(
        posts_page(["a"], pages=3),
        (501, b""),
        posts_page(["b"], page=2, pages=3),
        posts_page(["c"], page=3, pages=3),
    )


def mark_as_running():
    """Store the state that a killed process leaves."""
    file = default_path()
    store = store_in(file.parent, Now())
    (walk,) = store.open_walks()
    lock = WalkLock.take(store._lock_path(walk))
    store._rewrite(replace(walk, state="running"))
    lock.free()
    store.shut()
    return walk.id


def test_killed_walk_that_is_picked_up_is_a_warning():
    """With the pages that it had, and how to start over."""
    app = pages()
    api = client_of(app)
    with pytest.raises(sf.IncompleteWalk):
        api.posts().frame()
    walk_id = mark_as_running()

    words = rf"posts: .* 1 page, .*{walk_id}.*killed.*refresh=True"
    with pytest.warns(sf.WalkWarning, match=words) as found:
        frame = api.posts().frame()

    assert found[0].filename == __file__
    assert frame["id"].tolist() == ["a", "b", "c"]
    assert frame.attrs["socialframe"]["from_journal"] == 1


def test_failed_walk_that_is_picked_up_is_no_warning():
    """Its error said that the next run continues."""
    api = client_of(pages())
    with pytest.raises(sf.IncompleteWalk):
        api.posts().frame()

    assert api.posts().frame().attrs["socialframe"]["from_journal"] == 1


def test_killed_walk_that_is_asked_for_by_its_id_is_no_warning():
    """The caller knows it."""
    api = client_of(pages())
    with pytest.raises(sf.IncompleteWalk) as caught:
        api.posts().frame()
    mark_as_running()

    assert caught.value.resume().frame().attrs["socialframe"]["from_journal"] == 1
