"""Repeated kill -9 at random moments of a long walk; the file is complete at the end.

``SOCIALFRAME_STRESS=100`` kills 100 times, during 300 pages instead of 100.
"""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

import socialframe as sf

TIMES = int(os.environ.get("SOCIALFRAME_STRESS", "3"))
PAGES = 300 if TIMES > 3 else 100
WRITE = """
import sys, socialframe as sf
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier=sf.Limit(100_000), cache=False)
api.posts(per_page=18).to_parquet("posts.parquet")
"""


def command(sandbox, url):
    return [sys.executable, "-c", WRITE, sandbox.key, url]


@pytest.mark.processes
@pytest.mark.sockets
def test_repeated_kills_request_no_page_twice(tmp_path):
    """Except the pages in flight, at most four; the file has each post once."""
    # The latency makes the walk long enough to be killed during it.
    sandbox = sf.Sandbox(posts=18 * PAGES, latency=0.004, window_seconds=0.01)
    moments = random.Random(7)  # noqa: S311 - any moments are valid
    killed = ended = 0
    with sandbox.serve() as url:
        while killed < TIMES:
            process = subprocess.Popen(command(sandbox, url), cwd=tmp_path, stderr=subprocess.PIPE)
            received = len(sandbox.requests)
            deadline = time.monotonic() + 30
            while len(sandbox.requests) == received and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            time.sleep(moments.uniform(0, 2.0 / max(TIMES, 6)))
            process.send_signal(signal.SIGKILL)
            _, errors = process.communicate(timeout=30)
            killed += 1
            assert process.returncode in (0, -signal.SIGKILL), errors
            ended += process.returncode == 0
        subprocess.run(command(sandbox, url), cwd=tmp_path, check=True, timeout=60)

    frame = sf.read_parquet(tmp_path / "posts.parquet")
    answered = [request for request in sandbox.requests if request.status == 200]
    assert frame["id"].is_unique
    assert len(frame) == 18 * PAGES
    assert len(answered) <= (ended + 1) * PAGES + 4 * killed
    assert sf.walks().empty
    file = Path(os.environ["XDG_CACHE_HOME"], "socialframe", "walks.sqlite")
    assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)
