"""What a stored reply costs, beside a plain read of the same bytes.

    python benchmarks/cache.py

A hit is a call that the recorder of a replayed walk answers from a file; the plain read is one of
sqlite3, by key, of the uncompressed body. Both read the same pages, page by page in turns, in one
process; the medians are shown, so that a busy machine changes little. It also says how much smaller
what is stored is than the bodies.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pages import Pages

from socialframe.messages.call import Call, Reply
from socialframe.store.cache import open_file
from socialframe.store.replay import Recorder
from socialframe.store.store import WalkStore

if TYPE_CHECKING:
    from collections.abc import Callable

POSTS = 20_000


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing and reading a page costs.

    Parameters
    ----------
    read_us, hit_us : float
        Microseconds of a plain read and of a hit.
    extra_ms : float
        Processor milliseconds of storing a page, beyond those of compressing it.
    share, disk : float
        Stored bytes and size of the file, of the bodies.
    size : float
        Bytes of a body.
    """

    read_us: float
    hit_us: float
    extra_ms: float
    share: float
    disk: float
    size: float


def report(repeat: int, posts: int = POSTS) -> None:
    """Print what a hit and a plain read take, and what is stored.

    Parameters
    ----------
    repeat, posts : int
        As ``measure`` takes them.
    """
    one = measure(repeat, posts)
    print("| cache | µs an answer | × plain read |\n|---|---|---|")
    print(f"| plain sqlite3 read | {one.read_us:.0f} | 1 |")
    print(f"| hit | {one.hit_us:.0f} | {one.hit_us / one.read_us:.2f} |")
    print(
        f"\nAnswers of {one.size / 1e3:.1f} kB; storing one takes {one.extra_ms:.2f} ms more than"
    )
    print(f"zstd. Stored are {one.share:.3f} of the bodies; the file is {one.disk:.3f} of them.")


def measure(repeat: int, posts: int = POSTS) -> Stored:
    """Return what storing and reading a page costs.

    Parameters
    ----------
    repeat : int
        How often both read everything.
    posts : int
        How many posts are read, 100 a reply.
    """
    pages = Pages(posts)
    bodies = [pages.body(number) for number in range(1, pages.count + 1)]
    calls = [Call("/v1/posts", (("page", str(number)),)) for number in range(len(bodies))]

    def send(call: Call, _notify: object = None) -> Reply:
        body = bodies[int(call.params[0][1])]
        headers = {"content-type": "application/json", "etag": '"5f2b"'}
        return Reply(200, headers, body, datetime.now(UTC), "https://api.example/v1/posts")

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder, "walks.sqlite")
        file = open_file(lambda: path)
        store = WalkStore(file, file)
        recorder = Recorder(store, store.begin("a tenant", "a query", "posts", {}), send)
        began = time.process_time()
        for call in calls:
            recorder.send(call)
        recorder.finish(rows=posts, replayable=True)
        extra = time.process_time() - began - _compressing(bodies)
        (complete,) = store.complete_walks()
        plain = sqlite3.connect(Path(folder, "plain.sqlite"))
        plain.execute("CREATE TABLE bodies (key TEXT PRIMARY KEY, body BLOB)")
        keys = [str(call) for call in calls]
        plain.executemany("INSERT INTO bodies VALUES (?, ?)", zip(keys, bodies, strict=True))
        plain.commit()
        query = "SELECT body FROM bodies WHERE key = ?"

        def read(number: int) -> bytes:
            body: bytes = plain.execute(query, (keys[number],)).fetchone()[0]
            return body

        times = []
        for _ in range(repeat):
            replay = Recorder(store, complete, send)

            def hit(number: int, replay: Recorder = replay) -> bytes:
                return replay.send(calls[number]).body

            for number, body in enumerate(bodies):
                assert read(number) == body
                times.append((_seconds(hit, number), _seconds(read, number)))
        store.shut()
        with sqlite3.connect(path) as kept:
            stored = kept.execute("SELECT sum(length(key) + length(value)) FROM responses")
            share = stored.fetchone()[0] / sum(map(len, bodies))
        disk = path.stat().st_size / sum(map(len, bodies))
        kept.close()
        plain.close()
    hit_us, read_us = (1e6 * statistics.median(one) for one in zip(*times, strict=True))
    size = sum(map(len, bodies)) / len(bodies)
    return Stored(read_us, hit_us, 1000 * extra / len(bodies), share, disk, size)


def _compressing(bodies: list[bytes]) -> float:
    """Return the processor seconds that compressing the bodies takes."""
    codec = pa.Codec("zstd", compression_level=1)
    began = time.process_time()
    for body in bodies:
        codec.compress(body, asbytes=True)
    return time.process_time() - began


def _seconds(read: Callable[[int], bytes], number: int) -> float:
    began = time.perf_counter()
    read(number)
    return time.perf_counter() - began


if __name__ == "__main__":
    report(9)
