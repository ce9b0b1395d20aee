"""What a stored reply costs, beside a plain read of the same bytes.

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


@dataclass(frozen=True, slots=True)
class Stored:
    """What storing and reading a page costs.

    Parameters
    ----------
    read_us, hit_us, unpack_us : float
        Microseconds of a plain read, of a hit, and of zstd for a page.
    bare_ms, extra_ms : float
        Processor milliseconds of compressing a page, and those of storing it beyond these.
    share, disk, bare_share : float
        Stored bytes, size of the file, and bytes that zstd makes of them, of the bodies.
    size : float
        Bytes of a body.
    """

    read_us: float
    hit_us: float
    unpack_us: float
    bare_ms: float
    extra_ms: float
    share: float
    disk: float
    bare_share: float
    size: float


def measure(repeat: int, posts: int) -> Stored:
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
        spent = time.process_time() - began
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
    count, size = len(bodies), sum(map(len, bodies))
    codec, began = pa.Codec("zstd", compression_level=1), time.process_time()
    packed = [codec.compress(body, asbytes=True) for body in bodies]
    bare, began = time.process_time() - began, time.process_time()
    for one, body in zip(packed, bodies, strict=True):
        codec.decompress(one, len(body))
    unpack = time.process_time() - began
    return Stored(
        read_us,
        hit_us,
        1e6 * unpack / count,
        1000 * bare / count,
        1000 * (spent - bare) / count,
        share,
        disk,
        sum(map(len, packed)) / size,
        size / count,
    )


def _seconds(read: Callable[[int], bytes], number: int) -> float:
    began = time.perf_counter()
    read(number)
    return time.perf_counter() - began
