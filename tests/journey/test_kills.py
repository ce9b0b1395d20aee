"""kill -9 at random moments of a long walk, again and again: the file is right at the end.

``SOCIALFRAME_STRESS=200`` kills as often in each test.
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

TIMES = int(os.environ.get("SOCIALFRAME_STRESS", "4"))
PAGES = 300
WRITE = """
import sys, socialframe as sf
api = sf.Client(sys.argv[1], base_url=sys.argv[2], tier=sf.Limit(100_000), cache=False)
api.posts(per_page=18).to_parquet("posts.parquet")
"""


def command(box, url):
    return [sys.executable, "-c", WRITE, box.key, url]


@pytest.mark.processes
@pytest.mark.sockets
def test_kills_and_the_same_command_again_ask_for_no_page_twice(tmp_path):
    """But for the one that was under way; and the file holds every post once."""
    # A few milliseconds an answer, so that the walk lasts long enough to be killed in it.
    box = sf.Sandbox(latency=0.004, window_seconds=0.01)
    moments = random.Random(7)  # noqa: S311 - any moments will do
    killed = ended = 0
    with box.serve() as url:
        while killed < TIMES:
            process = subprocess.Popen(command(box, url), cwd=tmp_path, stderr=subprocess.PIPE)
            asked = len(box.requests)
            deadline = time.monotonic() + 30
            while len(box.requests) == asked and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.002)
            time.sleep(moments.uniform(0, 2.0 / max(TIMES, 4)))
            process.send_signal(signal.SIGKILL)
            _, said = process.communicate(timeout=30)
            killed += 1
            assert process.returncode in (0, -signal.SIGKILL), said
            ended += process.returncode == 0
        subprocess.run(command(box, url), cwd=tmp_path, check=True, timeout=60)

    frame = sf.read_parquet(tmp_path / "posts.parquet")
    whole = [one for one in box.requests if one.status == 200]
    assert frame["id"].is_unique
    assert len(frame) == 5400
    assert len(whole) <= (ended + 1) * PAGES + killed
    assert sf.walks().empty
    file = Path(os.environ["XDG_CACHE_HOME"], "socialframe", "walks.sqlite")
    assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)
