"""Ctrl-C, SIGTERM and kill -9 while a file is written leave the old file or the complete new one.

``SOCIALFRAME_STRESS=20`` repeats each kill twenty times.
"""

import os
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

import socialframe as sf

TIMES = int(os.environ.get("SOCIALFRAME_STRESS", "1"))
WRITE = """
import sys, socialframe as sf
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier="paid")
api.posts(per_page=25).to_parquet("posts.parquet")
"""


@pytest.fixture(scope="module")
def served():
    """Serve one sandbox whose rate limit is never reached."""
    sandbox = sf.Sandbox(window_seconds=0.01)
    with sandbox.serve() as url:
        yield sandbox, url


@pytest.mark.processes
@pytest.mark.sockets
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("attempt", range(TIMES))
def test_a_stopped_process_leaves_the_old_or_the_complete_file(served, tmp_path, number, attempt):
    """At a random moment after the first byte was written."""
    sandbox, url = served
    target = tmp_path / "posts.parquet"
    old = pd.DataFrame({"id": ["old"]})
    old.to_parquet(target)
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE, sandbox.key, url], cwd=tmp_path, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".*.part")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    time.sleep(random.Random(attempt).uniform(0, 0.15))  # noqa: S311 - any moment is valid
    process.send_signal(number)
    process.communicate(timeout=30)

    ids = pd.read_parquet(target)["id"]
    assert ids.tolist() == ["old"] or ids.nunique() == len(ids) == 5400
    if number == signal.SIGINT:
        assert list(tmp_path.glob(".*")) == []
        assert process.returncode in {0, -signal.SIGINT, 1}


WAIT = """
import sys, socialframe as sf
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier=sf.Limit(2, 60.0), progress=True)
print("started", flush=True)
api.posts(per_page=100).to_parquet("posts.parquet")
"""


@pytest.mark.processes
@pytest.mark.sockets
def test_ctrl_c_while_waiting_for_the_budget_returns_at_once(served, tmp_path):
    """The progress line shows the wait."""
    sandbox, url = served
    process = subprocess.Popen(
        [sys.executable, "-c", WAIT, sandbox.key, url],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    process.stdout.readline()
    shown, deadline = b"", time.monotonic() + 30
    while b"budget used, next call in" not in shown:
        assert time.monotonic() < deadline
        shown += process.stderr.read(64)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.communicate(timeout=30)

    assert time.monotonic() - began < 5
    assert list(tmp_path.iterdir()) == []


COMMAND = """
import sys
from socialframe.cli.main import main
main(["posts", "--tier", "paid", "-o", "posts.parquet"])
"""


@pytest.mark.processes
@pytest.mark.sockets
def test_ctrl_c_in_a_shell_says_that_pages_are_kept(served, tmp_path):
    """Exit code 130; no file is written."""
    sandbox, url = served
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        cwd=tmp_path,
        env={**os.environ, "SOCIALAPI_KEY": sandbox.key, "SOCIALAPI_BASE_URL": url},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not list(tmp_path.glob(".*.part")):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)

    assert process.returncode == 130
    assert errors.strip().endswith(
        "Interrupted. The received pages are kept; to list them: socialframe walks ls"
    )
    assert list(tmp_path.iterdir()) == []


STUCK = """
import sys, time
import socialframe as sf


class Terminal:
    encoding = "utf-8"

    def write(self, text):
        sys.__stderr__.write(text)
        if "next call in" in text:
            time.sleep(1)  # meanwhile the rows of page 1 are converted
            raise KeyboardInterrupt

    def flush(self):
        pass

    def isatty(self):
        return True


sys.stderr = Terminal()
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier=sf.Limit(1, 60.0), progress=True)
api.posts(per_page=100).frame()
"""


@pytest.mark.processes
@pytest.mark.sockets
def test_ctrl_c_while_the_progress_bar_is_drawn_ends_the_process(tmp_path):
    """No thread keeps waiting for the bar."""
    sandbox = sf.Sandbox(latency=0.05)
    with sandbox.serve() as url:
        result = subprocess.run(
            [sys.executable, "-c", STUCK, sandbox.key, url],
            cwd=tmp_path,
            capture_output=True,
            timeout=30,
            check=False,
        )

    assert result.returncode == -signal.SIGINT
    assert b"KeyboardInterrupt" in result.stderr
