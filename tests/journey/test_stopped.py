"""A walk that anything stops goes on: every row once, in order, and no page is asked for twice."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import httpx
import pandas as pd
import pytest
from bad_days import client_of
from jupyter_client import KernelManager
from stand_ins import Clock

import socialframe as sf
from socialframe.http.transport import Wiring
from socialframe.sandbox import Fault, Sandbox

PAGES, ROWS = 30, 20
DAY = 86_400

#: The whole command. Its first argument is a limit on the size of a file, 0 for none.
COMMAND = """
import logging, resource, sys
import socialframe as sf

logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
_, most, way, key, url = sys.argv
if int(most):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(most),) * 2)
api = sf.Client(key, base_url=url, tier=sf.Limit(100_000), cache=False)
query = api.posts(per_page=20)
frame = query.frame() if way == "frame" else sf.read_parquet(query.to_parquet("posts.parquet"))
print(*frame["id"])
"""


def command(box, url, way="frame", most=0):
    """Return the command as a process is given it."""
    return [sys.executable, "-c", COMMAND, str(most), way, box.key, url]


def run(box, url, folder, way="frame", most=0):
    """Run the command to its end; return the process."""
    given = {"cwd": folder, "capture_output": True, "text": True, "timeout": 30}
    return subprocess.run(command(box, url, way, most), check=False, **given)


def slow(**more):
    """Return a sandbox of 30 pages, whose answers take long enough to be stopped between them."""
    return Sandbox(posts=PAGES * ROWS, latency=0.03, window_seconds=0.01, **more)


def quick(**more):
    """Return a sandbox of 30 pages in which no time passes."""
    clock = Clock()
    return Sandbox(posts=PAGES * ROWS, clock=clock, sleep=clock.sleep, **more)


def every(box):
    """Return the rows of a walk that nobody stopped, in a sandbox of the same posts."""
    other = Sandbox(posts=PAGES * ROWS)
    whole = client_of(other, journal=False).posts(per_page=ROWS).frame()
    assert len(other.requests) == PAGES
    assert len(whole) == whole["id"].nunique() == PAGES * ROWS
    assert len(box.requests) == 0
    return whole


def until_asked(box, number, process=None):
    """Return when so many requests have come."""
    deadline = time.monotonic() + 30
    while len(box.requests) < number:
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.002)


def asked_twice(box):
    """Return how many requests were for a page that had been asked for."""
    asked = [one.query for one in box.requests]
    assert len({*asked}) == PAGES
    return len(asked) - PAGES


def goes_on(said):
    """Return the one line that says that a walk goes on."""
    (line,) = [line for line in said.splitlines() if "continues after" in line]
    return line


def is_a_sentence(text):
    """Tell whether a text is one sentence for people, with at most one more of what to do."""
    return text[0].isupper() and text.endswith(".") and "\n" not in text and text.count(". ") < 2


def broken(query):
    """Walk until something breaks it; return the error, which says what in one sentence."""
    with pytest.raises(sf.IncompleteWalk) as caught:
        query.frame()
    assert is_a_sentence(caught.value.reason), caught.value.reason
    return caught.value


@pytest.mark.processes
@pytest.mark.sockets
@pytest.mark.parametrize(("number", "way"), [(signal.SIGINT, "parquet"), (signal.SIGTERM, "frame")])
def test_the_same_command_after_a_signal_asks_only_for_what_had_not_come(tmp_path, number, way):
    """It says in one line that it goes on; and until then the list of walks says what stopped."""
    box = slow()
    rows = every(box)
    with box.serve() as url:
        process = subprocess.Popen(
            command(box, url, way), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        until_asked(box, 10, process)
        process.send_signal(number)
        process.communicate(timeout=30)
        assert process.returncode == -number
        assert not (tmp_path / "posts.parquet").exists()
        (left,) = sf.walks().itertuples()
        before = len(box.requests)
        assert before - 1 <= left.pages <= before < PAGES

        again = run(box, url, tmp_path, way)

    assert again.stdout.split() == rows["id"].tolist(), again.stderr
    assert asked_twice(box) <= 1
    assert f"(walk {left.walk_id})" in goes_on(again.stderr)
    assert left.state == {signal.SIGINT: "interrupted", signal.SIGTERM: "killed"}[number]
    assert left.reason
    assert "\n" not in left.reason
    assert sf.walks().empty


CELL = """
import logging, sys
import socialframe as sf

logging.basicConfig(level=logging.INFO, stream=sys.stderr)
api = sf.Client({key!r}, base_url={url!r}, tier=sf.Limit(100_000), cache=False)
print(*api.posts(per_page=20).frame()["id"])
"""


@contextlib.contextmanager
def notebook(folder):
    """Start a kernel; yield it and what talks to it."""
    kernel = KernelManager(kernel_name="python3")
    kernel.start_kernel(cwd=str(folder), env=dict(os.environ))
    talk = kernel.blocking_client()
    talk.start_channels()
    try:
        talk.wait_for_ready(timeout=30)
        yield kernel, talk
    finally:
        talk.stop_channels()
        kernel.shutdown_kernel(now=True)
        kernel.cleanup_resources()


@pytest.mark.processes
@pytest.mark.sockets
def test_the_same_cell_after_a_kernel_restart_asks_only_for_what_had_not_come(tmp_path):
    """Whatever the old kernel was at when it went."""
    box = slow()
    rows = every(box)
    said = {"stdout": "", "stderr": ""}

    def listen(message):
        if message["msg_type"] == "stream":
            said[message["content"]["name"]] += message["content"]["text"]

    with box.serve() as url, notebook(tmp_path) as (kernel, talk):
        cell = CELL.format(key=box.key, url=url)
        talk.execute(cell)
        until_asked(box, 10)
        kernel.restart_kernel(now=True)
        talk.wait_for_ready(timeout=30)
        before = len(box.requests)
        reply = talk.execute_interactive(cell, output_hook=listen, timeout=30)

    assert reply["content"]["status"] == "ok", reply["content"]
    assert before < PAGES
    assert said["stdout"].splitlines()[-1].split() == rows["id"].tolist()
    assert asked_twice(box) <= 1
    goes_on(said["stderr"])
    assert sf.walks().empty


@pytest.mark.sockets
def test_a_walk_goes_on_when_the_network_is_there_again():
    """Nobody listens in between; the error says so in one sentence."""
    clock = Clock()
    box = quick(faults=[Fault("refuse", seconds=600, page=12)])
    rows = every(box)
    with contextlib.ExitStack() as stack:
        with box.serve() as url:
            api = stack.enter_context(client_of(box, url=url, clock=clock))
            error = broken(api.posts(per_page=ROWS))
        assert (error.pages_done, error.position) == (11, {"page": "12"})
        assert "connect" in error.reason
        box.faults = ()
        seen = len(box.requests)

        assert "connect" in broken(error.resume()).reason, "still gone: as before"
        assert len(box.requests) == seen
        with box.serve(port=urlsplit(url).port):
            frame = error.resume().frame()

    pd.testing.assert_frame_equal(frame, rows)
    assert frame.attrs["socialframe"]["from_journal"] == 11
    assert asked_twice(box) <= 1


def test_a_walk_goes_on_when_a_key_that_was_revoked_on_page_nine_is_known_again(caplog):
    """By the error, and by the same query, which says so in one line."""
    for way in ("the error", "the same query"):
        box = quick(faults=[Fault("revoke", page=9)])
        rows = every(box)
        api = client_of(box)
        error = broken(api.posts(per_page=ROWS))
        assert (error.status_code, error.pages_done, error.retryable) == (401, 8, False)
        assert "key" in error.reason
        assert len(box.requests) == 9, "a key that is not known is not tried again"
        box.faults = ()
        caplog.clear()

        with caplog.at_level(logging.INFO, "socialframe"):
            query = error.resume() if way == "the error" else api.posts(per_page=ROWS)
            frame = query.frame()

        pd.testing.assert_frame_equal(frame, rows)
        assert frame.attrs["socialframe"]["from_journal"] == 8
        assert len(box.requests) == PAGES + 1
        assert asked_twice(box) == 1
        goes_on(caplog.text)


@pytest.mark.processes
@pytest.mark.sockets
@pytest.mark.parametrize("most", [40_000, 120_000])
def test_a_walk_whose_journal_may_not_grow_is_whole_and_says_so(tmp_path, most):
    """From its first page on, or from the middle of it; nothing is left that could mislead."""
    box = slow()
    rows = every(box)
    with box.serve() as url:
        limited = run(box, url, tmp_path, most=most)
        assert limited.stdout.split() == rows["id"].tolist(), limited.stderr
        assert "Traceback" not in limited.stderr
        (line,) = [line for line in limited.stderr.splitlines() if "JournalWarning" in line]
        assert is_a_sentence(line.split("JournalWarning: ")[1])
        assert len(box.requests) == PAGES
        assert len(sf.walks()) <= 1

        again = run(box, url, tmp_path, "parquet")

    assert again.stdout.split() == rows["id"].tolist(), again.stderr
    assert "Warning" not in again.stderr
    assert sf.walks().empty


@pytest.mark.processes
@pytest.mark.sockets
def test_a_walk_that_broke_after_its_journal_was_full_gives_all_rows_when_it_is_run_again(
    tmp_path,
):
    """It goes on with what had been kept, or starts anew."""
    box = slow(faults=[Fault("revoke", page=20)])
    rows = every(box)
    with box.serve() as url:
        limited = run(box, url, tmp_path, most=120_000)
        assert limited.returncode == 1
        assert "JournalWarning" in limited.stderr
        assert limited.stderr.splitlines()[-1].startswith("socialframe.errors.IncompleteWalk: ")
        box.faults = ()
        kept = sf.walks()["pages"].sum()
        assert 0 < kept < 19, "it was full in the middle"
        seen = len(box.requests)

        again = run(box, url, tmp_path)

    assert again.stdout.split() == rows["id"].tolist(), again.stderr
    assert len(box.requests) == seen + PAGES - kept
    assert sf.walks().empty


def timed(box, wall):
    """Return a client of a sandbox that reads a clock on the wall, which anybody may set."""
    clock = Clock()
    wiring = Wiring(
        transport=lambda: httpx.WSGITransport(app=box.wsgi),
        clock=clock,
        sleep=clock.sleep,
        now=wall,
    )
    return sf.Client(
        box.key, base_url="https://sandbox.example", tier="paid", cache=False, wiring=wiring
    )


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_walk_goes_on_by_its_name_whatever_the_clock_says(jump):
    """Set forward or back by a day while the walk is stopped."""
    box, wall = quick(faults=[Fault("status", page=10)]), Clock()
    rows = every(box)
    api = timed(box, wall)
    error = broken(api.posts(per_page=ROWS))
    box.faults = ()
    seen = len(box.requests)
    wall.now += jump

    assert api.walks()["walk_id"].tolist() == [error.walk_id]
    frame = timed(box, wall).resume(error.walk_id).frame()

    pd.testing.assert_frame_equal(frame, rows)
    assert len(box.requests) == seen + PAGES - 9
    assert api.walks().empty


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_the_same_query_starts_anew_when_the_clock_says_that_the_walk_is_not_young(jump):
    """Also where it is of the future: nobody knows how old it is."""
    box, wall = quick(faults=[Fault("status", page=10)]), Clock()
    rows = every(box)
    broken(timed(box, wall).posts(per_page=ROWS))
    box.faults = ()
    seen = len(box.requests)
    wall.now += jump

    frame = timed(box, wall).posts(per_page=ROWS).frame()

    pd.testing.assert_frame_equal(frame, rows)
    assert frame.attrs["socialframe"]["from_journal"] == 0
    assert len(box.requests) == seen + PAGES
    assert sf.walks().empty, "the earlier try is gone with it"


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_the_same_query_goes_on_when_the_clock_was_set_and_set_back(jump):
    """Between two pages and again before it is run."""
    box, wall = quick(faults=[Fault("status", page=10)]), Clock()
    rows = every(box)
    api = timed(box, wall)

    def walk():
        for number, _ in enumerate(api.posts(per_page=ROWS).pages(), 1):
            wall.now += {4: jump, 8: -jump}.get(number, 0)

    with pytest.raises(sf.IncompleteWalk):
        walk()
    box.faults = ()
    seen = len(box.requests)
    wall.now += jump
    assert len(api.walks()) == 1
    wall.now -= jump

    frame = api.posts(per_page=ROWS).frame()

    pd.testing.assert_frame_equal(frame, rows)
    assert frame.attrs["socialframe"]["from_journal"] == 9
    assert len(box.requests) == seen + PAGES - 9


@pytest.mark.parametrize("days", [8, -8])
def test_a_walk_at_work_is_kept_when_the_clock_says_that_it_is_old(days):
    """Another walk that begins then throws away only what nobody is at work on."""
    box, wall = quick(faults=[Fault("status", page=10)]), Clock()
    rows = every(box)
    api = timed(box, wall)
    pages = api.posts(per_page=ROWS).pages()
    for _ in range(5):
        next(pages)
    wall.now += days * DAY
    assert len(api.accounts().frame())
    assert len(api.posts(per_page=10).limit(20).frame()) == 20

    with pytest.raises(sf.IncompleteWalk) as caught:
        list(pages)
    box.faults = ()
    assert api.walks()["walk_id"].tolist() == [caught.value.walk_id]
    frame = caught.value.resume().frame()

    pd.testing.assert_frame_equal(frame, rows)
    assert frame.attrs["socialframe"]["from_journal"] == 9
