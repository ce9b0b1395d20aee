"""Refreshes of a dataset of a million posts: calls, seconds and memory.

::

    python benchmarks/dataset.py [rows]

The sandbox answers in the same process. Each refresh runs in a process of its own, whose
peak memory is printed.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

import socialframe as sf
from socialframe.http.transport import Wiring

KEY = "sk_made0up0for0the0benchmark00000000"
RESTATE = "7 days"  # of two years: one per cent


def main() -> None:
    """Run one refresh, or all of them in processes."""
    given, name = (sys.argv[1:] + ["1000000", ""][len(sys.argv) - 1 :])[:2]
    rows = int(given)
    if name:
        step(rows, name)
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first", "changed", "unchanged"):
            subprocess.run(  # noqa: S603 - this file
                [sys.executable, str(Path(__file__).resolve()), str(rows), name],
                cwd=folder,
                check=True,
            )


def step(rows: int, name: str) -> None:
    """Refresh once, and print what it took."""
    sandbox: Any = sf.Sandbox(posts=rows, key=KEY, window_seconds=0.000001)
    if name != "first":
        posts = [sandbox.state.world.post(place) for place in range(0, rows // 100, 2)]
        for post in posts[:: max(1, len(posts) // 50)]:  # each change copies the world's changes
            sandbox.state.change(lambda world, post=post: world.with_post({**post, "content": "x"}))
    wiring = Wiring(lambda: httpx.WSGITransport(app=sandbox))
    limit = sf.Limit(10_000_000)
    api = sf.Client(
        KEY, base_url="https://bench.invalid", wiring=wiring, tier=limit, journal=False, cache=False
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    refresh = sf.Dataset("posts", api.posts(since="2000-01-01"), restate=RESTATE).refresh()
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: {refresh}; {seconds:.1f} s, {before:.0f} MiB before, {peak:.0f} MiB at most")


if __name__ == "__main__":
    main()
