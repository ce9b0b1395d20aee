"""Refreshes that are killed, and refreshes at the same time: readers see whole versions only.

``SOCIALFRAME_STRESS=200`` kills 200 times; with it, two processes refresh and four read for 30 s.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest
from changing import Changing

import socialframe as sf

TIMES = int(os.environ.get("SOCIALFRAME_STRESS", "2"))
LONG = "SOCIALFRAME_STRESS" in os.environ
# They leave by os._exit: Arrow's threads may read ahead while Python ends, which aborts a process
# whose work is done ("terminate called without an active exception"; seen once).
REFRESH = """
import os, sys, time, socialframe as sf
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier=sf.Limit(100_000), cache=False)
dataset = sf.open_dataset("posts", client=api)
dataset.frame()  # imports all modules
until = time.monotonic() + float(sys.argv[3])
done = 0
print("ready", flush=True)
while True:
    dataset.refresh(wait=60)
    done += 1
    if time.monotonic() > until:
        break
print(done, flush=True)
os._exit(0)
"""
READ = """
import os, sys, time, socialframe as sf
dataset = sf.open_dataset("posts")
until = time.monotonic() + float(sys.argv[1])
done = 0
while time.monotonic() < until:
    frame = dataset.frame(columns=["id", "content"])
    assert frame["id"].is_unique and len(frame) == int(sys.argv[2]), len(frame)
    contents = set(frame.loc[frame["id"].isin(sys.argv[3].split(",")), "content"])
    assert len(contents) == 1, contents
    changes = dataset.changes()
    assert not changes.duplicated(["id", "content"]).any()
    done += 1
print(done, flush=True)
os._exit(0)
"""


def made(changing, api):
    """Make a dataset; return it and the posts that change together."""
    # They are on one page, because the world may change between two pages of a walk.
    together = [post["id"] for post in changing.posts()[:100]]
    edit(changing, together, 0)
    dataset = sf.Dataset("posts", api.posts(since="2026-10-01"))
    dataset.refresh()
    return dataset, together


def edit(changing, ids, number):
    """Give all posts the same new content at once."""

    def change(world):
        for name in ids:
            post = {**world.post(world.find(name)), "content": f"version {number}"}
            world = world.with_post(post)
        return world

    changing.box.state.change(change)


def run(code, *arguments):
    """Start a process."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def served():
    """Serve a world whose window of requests is small; return it, its URL and a client of it."""
    world = Changing(window_seconds=0.01)
    with (
        world.box.serve() as url,
        sf.Client(world.box.key, base_url=url, cache=False, tier=sf.Limit(100_000)) as api,
    ):
        yield world, url, api


def check(dataset, together, rows):
    """Assert that the table is readable and whole, and agrees with its history."""
    frame = dataset.frame().set_index("id")
    assert frame.index.is_unique
    assert len(frame) == rows
    assert frame.loc[together, "content"].nunique() == 1
    past = dataset.as_of("2100-01-01").set_index("id")
    assert past["content"].to_dict() == frame["content"].to_dict()


@pytest.mark.processes
@pytest.mark.sockets
def test_a_killed_refresh_leaves_the_table_whole(served):
    """At any moment; the next refresh is right, and needs no repair."""
    world, url, api = served
    dataset, together = made(world, api)
    rows = len(dataset.frame())
    moments = random.Random(17)  # noqa: S311 - any moments are valid
    for number in range(1, TIMES + 1):
        edit(world, together, number)
        process = run(REFRESH, world.box.key, url, 0)
        assert process.stdout.readline() == "ready\n"
        time.sleep(moments.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        check(dataset, together, rows)
    edit(world, together, "last")
    dataset.refresh()
    check(dataset, together, rows)
    assert dataset.frame(where="content = 'version last'")["id"].size == len(together)
    assert not dataset.changes().duplicated(["id", "content"]).any()


@pytest.mark.processes
@pytest.mark.sockets
def test_refreshes_and_readers_at_the_same_time(served):
    """Two processes refresh while others read: no error, no half state."""
    world, url, api = served
    dataset, together = made(world, api)
    rows = len(dataset.frame())
    seconds = 30 if LONG else 1
    stopped = threading.Event()

    def change():
        number = 0
        while not stopped.wait(0.2):
            number += 1
            edit(world, together, number)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        processes = [run(REFRESH, world.box.key, url, seconds) for _ in range(2)]
        readers = 4 if LONG else 1
        processes += [run(READ, seconds, rows, ",".join(together)) for _ in range(readers)]
        results = [(*one.communicate(timeout=100), one.returncode) for one in processes]
    finally:
        stopped.set()
        changer.join()
    for out, errors, code in results:
        assert code == 0, errors
        assert int(out.split()[-1]) >= 1, out
    dataset.refresh(full=True)
    check(dataset, together, rows)


@pytest.mark.processes
def test_a_second_refresh_of_a_folder_waits_or_gives_way(changing):
    """With wait=0 it gives way with a sentence; otherwise it waits for the first one."""
    dataset, together = made(changing, changing.api)
    edit(changing, together, 1)
    with ExitStack() as held:
        held.enter_context(dataset._storage.lock(0, print))
        with pytest.raises(sf.DatasetError, match="Another process") as caught:
            dataset.refresh(wait=0)
        assert caught.value.retryable
        timer = threading.Timer(0.7, held.pop_all().close)
        timer.start()
    assert dataset.refresh(wait=30).updated == len(together)
    timer.join()
