"""Real processes that share one budget file, against a sandbox that counts.

``SOCIALFRAME_STRESS=20`` lets them run for twenty windows.
"""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

import socialframe as sf
from socialframe.sandbox.serve import serve

WINDOW = 2.0
WINDOWS = int(os.environ.get("SOCIALFRAME_STRESS", "3"))
LONG = "SOCIALFRAME_STRESS" in os.environ  # and then on a machine that has nothing else to do
LIMIT = 60

WORK = """
import sys, time, socialframe as sf
from socialframe.messages.call import Call
key, url, seconds = sys.argv[1:]
api = sf.Client(key, base_url=url, tier=sf.Limit(60, 2.0))
print("ready", flush=True)
sys.stdin.readline()
calls, until = 0, time.monotonic() + float(seconds)
while time.monotonic() < until:
    api._send(Call("/v1/accounts"))
    calls += 1
print(calls, flush=True)
"""


@contextmanager
def started(code, *args):
    """Start a Python that runs some code; it is gone afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def moments(box):
    """Return when each call came, in seconds."""
    return sorted(datetime.fromisoformat(one.moment).timestamp() for one in box.requests)


def assert_never_above_the_limit(box):
    """No call was refused, and no window held more than the limit; moments are in milliseconds."""
    assert {one.status for one in box.requests} == {200}
    came = moments(box)
    for first, last in zip(came, came[LIMIT:], strict=False):
        assert last - first > WINDOW - 0.002


@pytest.mark.processes
@pytest.mark.sockets
def test_four_processes_share_one_budget_fairly():
    """Each gets at least 80 % of its share, and the server refuses nothing."""
    box = sf.Sandbox(tier="free", window_seconds=WINDOW)
    seconds = WINDOWS * (WINDOW + 0.05) - 0.5  # its last places come free in the last window
    with (
        box.serve() as url,
        started(WORK, box.key, url, seconds) as one,
        started(WORK, box.key, url, seconds) as two,
        started(WORK, box.key, url, seconds) as three,
        started(WORK, box.key, url, seconds) as four,
    ):
        for process in (one, two, three, four):
            assert process.stdout.readline() == "ready\n"
        for process in (one, two, three, four):
            process.stdin.write("go\n")
            process.stdin.flush()
        found = [process.communicate(timeout=120) for process in (one, two, three, four)]

    counts = [int(out.split()[-1]) for out, _ in found]
    assert [errors for _, errors in found] == [""] * 4
    assert_never_above_the_limit(box)
    # A busy machine gives processes less than they could take; where they run for long, it is even.
    used, share = (0.95, 0.8) if LONG else (0.5, 0.4)
    assert sum(counts) == len(box.requests) >= used * WINDOWS * LIMIT
    assert min(counts) >= share * sum(counts) / 4, counts


class SlowDoor:
    """A WSGI application that lets calls in late: the first by 350 ms, one in fifty by a second.

    So they are counted long after their start, as over a slow line.
    """

    def __init__(self, app):
        self.app = app
        self.numbers = itertools.count()

    def __call__(self, environ, start_response):
        number = next(self.numbers)
        time.sleep(0.35 if number == 0 else 1.0 if number % 50 == 7 else 0)
        return self.app(environ, start_response)


@pytest.mark.parametrize("window", ["sliding", "fixed", "bucket"])
@pytest.mark.processes
@pytest.mark.sockets
def test_no_limiter_refuses_a_call_that_came_late(window):
    """However it counts, and though calls came in another order than they were sent."""
    box = sf.Sandbox(tier="free", window_seconds=WINDOW, window=window)
    seconds = WINDOWS * (WINDOW + 0.05) - 0.5
    with (
        serve(SlowDoor(box.wsgi)) as url,
        started(WORK, box.key, url, seconds) as one,
        started(WORK, box.key, url, seconds) as two,
    ):
        for process in (one, two):
            assert process.stdout.readline() == "ready\n"
        for process in (one, two):
            process.stdin.write("go\n")
            process.stdin.flush()
        found = [process.communicate(timeout=120) for process in (one, two)]

    assert [errors for _, errors in found] == [""] * 2
    assert_never_above_the_limit(box)
    # A late call holds its place for longer.
    assert len(box.requests) >= (0.7 if LONG else 0.3) * WINDOWS * LIMIT


WAIT = """
import sys, time, socialframe as sf
from socialframe.messages.call import Call
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier=sf.Limit(1, float(sys.argv[3])))
told = []
def say(text):
    if not told:
        print(text, flush=True)
    told.append(text)
try:
    for _ in range(2):
        api._send(Call("/v1/accounts"), say)
    print("done", len(told), flush=True)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.mark.processes
@pytest.mark.sockets
def test_ctrl_c_while_waiting_ends_it_at_once_and_gives_the_place_to_who_is_next():
    """Not a second later, as where somebody died; and the line said why nothing came."""
    box, window = sf.Sandbox(), 5.0
    with (
        box.serve() as url,
        sf.Client(box.key, base_url=url, tier=sf.Limit(1, window)) as api,
    ):
        api.accounts().frame()
        with started(WAIT, box.key, url, window) as stopped:
            assert re.match("budget used, next call in [1-5] s; 2 proc", stopped.stdout.readline())
            with started(WAIT, box.key, url, window) as other:
                assert "budget used" in other.stdout.readline()
                assert api.budget.shared_by == 3
                began = time.monotonic()
                stopped.send_signal(signal.SIGINT)
                assert stopped.stdout.readline() == "stopped\n"
                assert time.monotonic() - began < 1
                assert api.budget.shared_by == 2
                while len(box.requests) < 2 and time.monotonic() - began < 10:
                    time.sleep(0.02)

    first, second = moments(box)[:2]
    assert window < second - first < window + 5


@pytest.mark.processes
@pytest.mark.sockets
def test_a_process_that_is_killed_while_waiting_stops_nobody():
    """The other has its turn when it would have had it."""
    box, window = sf.Sandbox(), 4.0  # the other one starts within it
    with (
        box.serve() as url,
        started(WAIT, box.key, url, window) as dying,
    ):
        dying.stdout.readline()
        with started(WAIT, box.key, url, window) as other:
            said = other.stdout.readline()
            dying.kill()
            out, errors = other.communicate(timeout=30)

    assert "2 processes share it" in said
    assert (out.split()[0], errors) == ("done", "")
    came = moments(box)
    assert [later - earlier > window for earlier, later in pairwise(came)] == [True, True]
    assert came[-1] - came[0] < 2 * window + 3


MANY = """
import sys, threading, socialframe as sf
from socialframe.messages.call import Call
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier=sf.Limit(10, 5.0), timeout=2)
for _ in range(3):
    api._send(Call("/v1/accounts"))
for _ in range(2):
    threading.Thread(target=api._send, args=[Call("/v1/accounts/health")]).start()
"""


@pytest.mark.processes
@pytest.mark.sockets
def test_a_process_that_is_killed_in_its_calls_costs_these_alone():
    """They count until their time-out and a window are over; the others go on meanwhile."""
    box, window = sf.Sandbox(), 5.0
    arrived, hung = threading.Semaphore(0), threading.Event()

    def app(environ, start_response):
        if environ["PATH_INFO"].endswith("health"):
            arrived.release()
            hung.wait(30)
        return box.wsgi(environ, start_response)

    with (
        serve(app) as url,
        started(MANY, box.key, url) as dying,
        sf.Client(box.key, base_url=url, tier=sf.Limit(10, window)) as api,
    ):
        assert arrived.acquire(timeout=30)
        assert arrived.acquire(timeout=30)
        dying.kill()
        dying.wait()
        killed = time.monotonic()
        assert api.budget.used == 5
        for _ in range(5):
            api.accounts().frame()
        assert time.monotonic() - killed < window  # nobody waited for them
        hung.set()

        used = []
        while time.monotonic() - killed < 2 + 2 + window + 0.3:  # to connect, to read, a window
            used.append(api.budget.used)
            time.sleep(0.05)

    assert 2 in used  # all others are over, and these two still count
    assert used[-1] == 0


TRICKED = """
import sys, warnings, socialframe as sf
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier=sf.Limit(60, 60.0), cache=False)
    for _ in range(3):
        api.accounts().frame()
    print(api.budget.used, [one.category.__name__ for one in caught])
"""


@pytest.mark.processes
@pytest.mark.sockets
def test_where_no_folder_can_be_made_it_is_one_warning(monkeypatch, tmp_path):
    """Files are in the place of both, so it is so for an administrator too."""
    box = sf.Sandbox()
    Path(os.environ["XDG_RUNTIME_DIR"], "socialframe").write_text("")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with box.serve() as url:
        with started(TRICKED, box.key, url) as process:
            assert process.communicate(timeout=30) == ("3 []\n", "")
        for path in tmp_path.glob("socialframe-*"):
            shutil.rmtree(path)
            path.write_text("")
        with started(TRICKED, box.key, url) as process:
            assert process.communicate(timeout=30) == ("3 ['BudgetWarning']\n", "")


FORK = """
import os, sys, socialframe as sf
from socialframe.messages.call import Call
api = sf.Client(sys.argv[1], base_url=sys.argv[2])
api._send(Call("/v1/accounts"))
if os.fork() == 0:
    api._send(Call("/v1/accounts"))
    os._exit(0)
assert os.wait()[1] == 0
print(api.budget.used, api.budget.shared_by)
"""


@pytest.mark.processes
@pytest.mark.sockets
def test_a_forked_child_is_a_process_of_its_own():
    """It shares the budget, and its calls are counted."""
    box = sf.Sandbox()
    with box.serve() as url, started(FORK, box.key, url) as process:
        out, errors = process.communicate(timeout=60)

    assert (out, errors) == ("2 2\n", "")


FORKS = """
import os, sys, threading, warnings, socialframe as sf
warnings.simplefilter("error", sf.BudgetWarning)
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads, which this is of
api = sf.Client("sk_of_nobody_at_all", base_url="http://127.0.0.1:9")
over = threading.Event()

def look():
    while not over.is_set():
        api.budget

threads = [threading.Thread(target=look) for _ in range(3)]
for thread in threads:
    thread.start()
ends = []
for _ in range(20):
    child = os.fork()
    if child == 0:
        try:
            for _ in range(3):
                api.budget
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    ends.append(os.waitpid(child, 0)[1])
over.set()
for thread in threads:
    thread.join()
print(sum(map(bool, ends)))
"""


@pytest.mark.processes
def test_a_fork_finds_the_file_closed_whatever_other_threads_do():
    """SQLite would believe in the child that it holds the locks of its parent's connections."""
    with started(FORKS) as process:
        out, errors = process.communicate(timeout=60)

    assert (out, errors) == ("0\n", "")
