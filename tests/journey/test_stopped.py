"""A stopped walk resumes: each row once and in order, and no page is requested twice."""

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

#: The command. Its first argument limits the size of a file; 0 is no limit.
COMMAND = """
import logging, resource, sys
import socialframe as sf

logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
_, max_size, output, key, url = sys.argv
if int(max_size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(max_size),) * 2)
api = sf.Client(key, base_url=url, tier=sf.Limit(100_000), cache=False)
query = api.posts(per_page=20)
frame = query.frame() if output == "frame" else sf.read_parquet(query.to_parquet("posts.parquet"))
print(*frame["id"])
"""


def command(sandbox, url, output="frame", max_size=0):
    """Return the arguments of the process."""
    return [sys.executable, "-c", COMMAND, str(max_size), output, sandbox.key, url]


def run(sandbox, url, folder, output="frame", max_size=0):
    """Run the command to its end; return the process."""
    given = {"cwd": folder, "capture_output": True, "text": True, "timeout": 30}
    return subprocess.run(command(sandbox, url, output, max_size), check=False, **given)


def slow(**more):
    """Return a sandbox of 30 pages that responds slowly enough to stop the process in between."""
    return Sandbox(posts=PAGES * ROWS, latency=0.03, window_seconds=0.01, **more)


def quick(**more):
    """Return a sandbox of 30 pages that never sleeps."""
    clock = Clock()
    return Sandbox(posts=PAGES * ROWS, clock=clock, sleep=clock.sleep, **more)


def undisturbed(sandbox):
    """Return the rows of an undisturbed walk over a sandbox with the same posts."""
    other = Sandbox(posts=PAGES * ROWS)
    whole = client_of(other, journal=False).posts(per_page=ROWS).frame()
    assert len(other.requests) == PAGES
    assert len(whole) == whole["id"].nunique() == PAGES * ROWS
    assert len(sandbox.requests) == 0
    return whole


def wait_for_requests(sandbox, number, process=None):
    """Wait until the sandbox has received this number of requests."""
    deadline = time.monotonic() + 30
    while len(sandbox.requests) < number:
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.002)


def repeated_requests(sandbox):
    """Return the number of requests for a page that was requested before."""
    queries = [request.query for request in sandbox.requests]
    assert len({*queries}) == PAGES
    return len(queries) - PAGES


def resume_line(log):
    """Return the one log line about resuming a walk."""
    (line,) = [line for line in log.splitlines() if "continues after" in line]
    return line


def is_a_sentence(text):
    """Return whether a text is one sentence, or two if the second says what to do."""
    return text[0].isupper() and text.endswith(".") and "\n" not in text and text.count(". ") < 2


def broken(query):
    """Walk until a fault; return the error, whose reason is one sentence."""
    with pytest.raises(sf.IncompleteWalk) as caught:
        query.frame()
    assert is_a_sentence(caught.value.reason), caught.value.reason
    return caught.value


@pytest.mark.processes
@pytest.mark.sockets
@pytest.mark.parametrize(
    ("number", "output"), [(signal.SIGINT, "parquet"), (signal.SIGTERM, "frame")]
)
def test_the_same_command_after_a_signal_requests_only_missing_pages(tmp_path, number, output):
    """One log line says that it resumes; before that, the list of walks has the reason."""
    sandbox = slow()
    rows = undisturbed(sandbox)
    with sandbox.serve() as url:
        process = subprocess.Popen(
            command(sandbox, url, output),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_for_requests(sandbox, 10, process)
        process.send_signal(number)
        process.communicate(timeout=30)
        assert process.returncode == -number
        assert not (tmp_path / "posts.parquet").exists()
        (left,) = sf.walks().itertuples()
        before = len(sandbox.requests)
        assert before - 4 <= left.pages <= before < PAGES

        again = run(sandbox, url, tmp_path, output)

    assert again.stdout.split() == rows["id"].tolist(), again.stderr
    assert repeated_requests(sandbox) <= 4  # those under way
    assert f"(walk {left.walk_id})" in resume_line(again.stderr)
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
    """Start a kernel; yield it and its client."""
    kernel = KernelManager(kernel_name="python3")
    kernel.start_kernel(cwd=str(folder), env=dict(os.environ))
    client = kernel.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=30)
        yield kernel, client
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
        kernel.cleanup_resources()


@pytest.mark.processes
@pytest.mark.sockets
def test_the_same_cell_after_a_kernel_restart_requests_only_missing_pages(tmp_path):
    """The kernel may stop at any point."""
    sandbox = slow()
    rows = undisturbed(sandbox)
    output = {"stdout": "", "stderr": ""}

    def listen(message):
        if message["msg_type"] == "stream":
            output[message["content"]["name"]] += message["content"]["text"]

    with sandbox.serve() as url, notebook(tmp_path) as (kernel, client):
        cell = CELL.format(key=sandbox.key, url=url)
        client.execute(cell)
        wait_for_requests(sandbox, 10)
        kernel.restart_kernel(now=True)
        client.wait_for_ready(timeout=30)
        before = len(sandbox.requests)
        reply = client.execute_interactive(cell, output_hook=listen, timeout=30)

    assert reply["content"]["status"] == "ok", reply["content"]
    assert before < PAGES
    assert output["stdout"].splitlines()[-1].split() == rows["id"].tolist()
    assert repeated_requests(sandbox) <= 4  # those under way
    resume_line(output["stderr"])
    assert sf.walks().empty


@pytest.mark.sockets
def test_a_walk_resumes_when_the_server_listens_again():
    """Until then the error says that it cannot connect."""
    clock = Clock()
    sandbox = quick(faults=[Fault("refuse", seconds=600, page=12)])
    rows = undisturbed(sandbox)
    with contextlib.ExitStack() as stack:
        with sandbox.serve() as url:
            api = stack.enter_context(client_of(sandbox, url=url, clock=clock))
            error = broken(api.posts(per_page=ROWS))
        assert (error.pages_done, error.position) == (11, {"page": "12"})
        assert "connect" in error.reason
        sandbox.faults = ()
        seen = len(sandbox.requests)

        assert "connect" in broken(error.resume()).reason, "the server is still down"
        assert len(sandbox.requests) == seen
        with sandbox.serve(port=urlsplit(url).port):
            frame = error.resume().frame()

    pd.testing.assert_frame_equal(frame, rows)
    assert frame.attrs["socialframe"]["from_journal"] == 11
    assert repeated_requests(sandbox) <= 1


def test_a_walk_resumes_when_its_revoked_key_works_again(caplog):
    """From the error and from the same query, which logs it in one line."""
    for resumed_by in ("the error", "the same query"):
        sandbox = quick(faults=[Fault("revoke", page=9)])
        rows = undisturbed(sandbox)
        api = client_of(sandbox)
        error = broken(api.posts(per_page=ROWS))
        assert (error.status_code, error.pages_done, error.retryable) == (401, 8, False)
        assert "key" in error.reason
        assert len(sandbox.requests) == 9, "401 is not retried"
        sandbox.faults = ()
        caplog.clear()

        with caplog.at_level(logging.INFO, "socialframe"):
            query = error.resume() if resumed_by == "the error" else api.posts(per_page=ROWS)
            frame = query.frame()

        pd.testing.assert_frame_equal(frame, rows)
        assert frame.attrs["socialframe"]["from_journal"] == 8
        assert len(sandbox.requests) == PAGES + 1
        assert repeated_requests(sandbox) == 1
        resume_line(caplog.text)


@pytest.mark.processes
@pytest.mark.sockets
@pytest.mark.parametrize("max_size", [40_000, 120_000])
def test_a_walk_is_complete_with_a_warning_if_the_journal_is_full(tmp_path, max_size):
    """From the first page or a later one; no incomplete walk is left behind."""
    sandbox = slow()
    rows = undisturbed(sandbox)
    with sandbox.serve() as url:
        limited = run(sandbox, url, tmp_path, max_size=max_size)
        assert limited.stdout.split() == rows["id"].tolist(), limited.stderr
        assert "Traceback" not in limited.stderr
        (line,) = [line for line in limited.stderr.splitlines() if "JournalWarning" in line]
        assert is_a_sentence(line.split("JournalWarning: ")[1])
        assert len(sandbox.requests) == PAGES
        assert len(sf.walks()) <= 1

        with client_of(sandbox, url=url) as api:
            again = api.posts(per_page=ROWS).frame()

    pd.testing.assert_frame_equal(again, rows)
    assert sf.walks().empty


@pytest.mark.processes
@pytest.mark.sockets
def test_a_walk_that_failed_after_its_journal_was_full_can_be_repeated(tmp_path):
    """It resumes with the stored pages or restarts."""
    sandbox = slow(faults=[Fault("revoke", page=20)])
    rows = undisturbed(sandbox)
    with sandbox.serve() as url:
        limited = run(sandbox, url, tmp_path, max_size=120_000)
        assert limited.returncode == 1
        assert "JournalWarning" in limited.stderr
        assert limited.stderr.splitlines()[-1].startswith("socialframe.errors.IncompleteWalk: ")
        sandbox.faults = ()
        stored = sf.walks()["pages"].sum()
        assert 0 < stored < 19, "the journal was full in the middle"
        seen = len(sandbox.requests)

        with client_of(sandbox, url=url) as api, pytest.warns(sf.WalkWarning, match="not stored"):
            again = api.posts(per_page=ROWS).frame()

    pd.testing.assert_frame_equal(again, rows)
    assert len(sandbox.requests) == seen + PAGES - stored
    assert sf.walks().empty


def timed(sandbox, wall):
    """Return a client of a sandbox that reads the time of day from ``wall``."""
    clock = Clock()
    wiring = Wiring(
        transport=lambda: httpx.WSGITransport(app=sandbox.wsgi),
        clock=clock,
        sleep=clock.sleep,
        now=wall,
    )
    return sf.Client(
        sandbox.key, base_url="https://sandbox.example", tier="paid", cache=False, wiring=wiring
    )


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_a_walk_resumes_by_id_after_the_clock_jumped(jump):
    """A day forward or back."""
    sandbox, wall = quick(faults=[Fault("status", page=10)]), Clock()
    rows = undisturbed(sandbox)
    api = timed(sandbox, wall)
    error = broken(api.posts(per_page=ROWS))
    sandbox.faults = ()
    seen = len(sandbox.requests)
    wall.now += jump

    assert api.walks()["walk_id"].tolist() == [error.walk_id]
    frame = timed(sandbox, wall).resume(error.walk_id).frame()

    pd.testing.assert_frame_equal(frame, rows)
    assert len(sandbox.requests) == seen + PAGES - 9
    assert api.walks().empty


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_the_same_query_restarts_after_the_clock_jumped(jump):
    """The age of a walk from the future is unknown."""
    sandbox, wall = quick(faults=[Fault("status", page=10)]), Clock()
    rows = undisturbed(sandbox)
    broken(timed(sandbox, wall).posts(per_page=ROWS))
    sandbox.faults = ()
    seen = len(sandbox.requests)
    wall.now += jump

    frame = timed(sandbox, wall).posts(per_page=ROWS).frame()

    pd.testing.assert_frame_equal(frame, rows)
    assert frame.attrs["socialframe"]["from_journal"] == 0
    assert len(sandbox.requests) == seen + PAGES
    assert sf.walks().empty, "the earlier attempt is removed"


@pytest.mark.parametrize("jump", [DAY, -DAY])
def test_the_same_query_resumes_after_the_clock_jumped_and_returned(jump):
    """During the walk and before it is repeated."""
    sandbox, wall = quick(faults=[Fault("status", page=10)]), Clock()
    rows = undisturbed(sandbox)
    api = timed(sandbox, wall)

    def walk():
        for number, _ in enumerate(api.posts(per_page=ROWS).pages(), 1):
            wall.now += {4: jump, 8: -jump}.get(number, 0)

    with pytest.raises(sf.IncompleteWalk):
        walk()
    sandbox.faults = ()
    seen = len(sandbox.requests)
    wall.now += jump
    assert len(api.walks()) == 1
    wall.now -= jump

    frame = api.posts(per_page=ROWS).frame()

    pd.testing.assert_frame_equal(frame, rows)
    assert frame.attrs["socialframe"]["from_journal"] == 9
    assert len(sandbox.requests) == seen + PAGES - 9


@pytest.mark.parametrize("days", [8, -8])
def test_a_running_walk_is_stored_although_it_seems_old(days):
    """Starting another walk removes only old walks that no client is running."""
    sandbox, wall = quick(faults=[Fault("status", page=10)]), Clock()
    rows = undisturbed(sandbox)
    api = timed(sandbox, wall)
    pages = api.posts(per_page=ROWS).pages()
    for _ in range(5):
        next(pages)
    wall.now += days * DAY
    assert len(api.accounts().frame())
    assert len(api.posts(per_page=10).limit(20).frame()) == 20

    with pytest.raises(sf.IncompleteWalk) as caught:
        list(pages)
    sandbox.faults = ()
    assert api.walks()["walk_id"].tolist() == [caught.value.walk_id]
    frame = caught.value.resume().frame()

    pd.testing.assert_frame_equal(frame, rows)
    assert frame.attrs["socialframe"]["from_journal"] == 9
