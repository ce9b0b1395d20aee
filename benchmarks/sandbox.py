"""Measures how many pages a second the sandbox serves from one core.

    python benchmarks/sandbox.py --pages 1000 -n 3

The server is one process, bound to one core if the system supports it; each reader is another
process on the other cores. ``server`` is the processor time of the sandbox for a page, ``reader``
that of the reader. A page has 100 posts, and the connection stays open.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KEY = "sk_benchmark_0123456789abcdef0123456789abcdef"
GOAL = 800  # pages a second
#: Posts of each world; 0 means the small one.
WORLDS = {"small world": 0, "grown, 1,000,000": 1_000_000}
_SMALL = 5400
_TIMEOUT = 300  # seconds that one measurement may take
_HERE = str(Path(__file__).resolve())


def hold_to(*, server: bool) -> None:
    """Bind this process to the last core if it is the server, else to the other cores."""
    if not hasattr(os, "sched_setaffinity"):  # not on each system
        return
    *others, last = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {last} if server or not others else set(others))


def serve(posts: int) -> None:
    """Serve until standard input ends; print the port, and at the end the processor seconds."""
    from socialframe.sandbox import Sandbox

    hold_to(server=True)
    # The window is so short that no request is refused.
    with Sandbox(key=KEY, posts=posts or None, window_seconds=1e-6).serve() as url:
        print(url.rpartition(":")[2], flush=True)
        before = time.process_time()
        sys.stdin.read()
        print(time.process_time() - before, flush=True)


@contextmanager
def serving(posts: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a server in another process; yield it and its port."""
    command = [sys.executable, _HERE, "--serve", "--posts", str(posts)]
    with subprocess.Popen(  # noqa: S603 - this file
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())


def bare(port: int, pages: int, last: int) -> None:
    """Read pages from all parts of the list with the standard library."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in range(pages):
        page = number * 7919 % last + 1
        connection.request(
            "GET", f"/v1/posts?page={page}&limit=100", headers={"Authorization": f"Bearer {KEY}"}
        )
        body = connection.getresponse().read()
        assert body.count(b'"createdAt"') == 100, body[:200]  # noqa: PLR2004
    connection.close()


def two(port: int, pages: int, last: int) -> None:
    """Read with two connections, so that the server never waits for its reader."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(bare, (port, port), (pages // 2, pages - pages // 2), (last, last)))


def frames(port: int, pages: int, last: int) -> None:
    """Read pages as frames; start again at the end of a short list."""
    # socialframe imports heavy modules when it uses them; `read` calls this once before.
    from socialframe import Client
    from socialframe.http.budget import Limit

    url = f"http://127.0.0.1:{port}"
    with Client(KEY, base_url=url, tier=Limit(10**9), cache=False, progress=False) as api:
        while pages:
            some = min(pages, last)
            assert len(api.posts().limit(100 * some).frame()) == 100 * some
            pages -= some


READERS = {"http.client": bare, "http.client, two": two, "socialframe frame": frames}


def read(reader: str, port: int, pages: int, last: int) -> None:
    """Measure one reader, and print the result as JSON."""
    hold_to(server=False)
    READERS[reader](port, 1, last)
    started, spent = time.perf_counter(), time.process_time()
    READERS[reader](port, pages, last)
    seconds, cpu = time.perf_counter() - started, time.process_time() - spent
    print(json.dumps({"seconds": seconds, "cpu": cpu}))


def measure(reader: str, posts: int, pages: int) -> dict[str, float]:
    """Return pages a second, and processor milliseconds a page of server and reader."""
    with serving(posts) as (server, port):
        command = [sys.executable, _HERE, "--read", reader, "--port", str(port)]
        command += ["--posts", str(posts), "--pages", str(pages)]
        done = subprocess.run(  # noqa: S603 - this file
            command, check=True, stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT
        )
        spent, _ = server.communicate()
    found = json.loads(done.stdout)
    return {
        "rate": pages / found["seconds"],
        "server": 1000 * float(spent) / (pages + 1),
        "reader": 1000 * found["cpu"] / pages,
    }


def report(repeat: int, pages: int = 1000, worlds: Iterable[str] = WORLDS) -> None:
    """Print the table.

    Parameters
    ----------
    repeat : int
        Number of repetitions; medians are printed.
    pages : int
        Number of pages for each reader.
    worlds : iterable of str
        Keys of ``WORLDS``.
    """
    print(f"{'sandbox':22}{'reader':20}{'pages/s':>9}{'server ms':>11}{'reader ms':>11}")
    for world in worlds:
        for reader in READERS:
            found = [measure(reader, WORLDS[world], pages) for _ in range(repeat)]
            rate, server, own = (
                statistics.median(one[name] for one in found)
                for name in ("rate", "server", "reader")
            )
            print(f"{world:22}{reader:20}{rate:9.0f}{server:11.2f}{own:11.2f}", flush=True)
    print(f"goal: {GOAL} pages/s, which is {1000 / GOAL:.2f} server ms a page")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Time the sandbox on one core.")
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("-n", "--repeat", type=int, default=3)
    parser.add_argument(
        "--world", action="append", choices=WORLDS, help="only this world; repeatable"
    )
    inner = parser.add_argument_group("for the processes of a run")
    inner.add_argument("--serve", action="store_true")
    inner.add_argument("--read", choices=READERS)
    inner.add_argument("--port", type=int)
    inner.add_argument("--posts", type=int, default=0)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.posts)
    elif asked.read:
        read(asked.read, asked.port, asked.pages, (asked.posts or _SMALL) // 100)
    else:
        report(asked.repeat, asked.pages, asked.world or WORLDS)


if __name__ == "__main__":
    main()
