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
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pages import Pages

from socialframe.messages.call import Call, Reply
from socialframe.store.cache import open_file
from socialframe.store.replay import Recorder
from socialframe.store.store import WalkStore

if TYPE_CHECKING:
    from collections.abc import Callable

POSTS = 20_000
MOST_TIMES = 3.0  # a hit, of a plain read
MOST_SHARE = 0.32  # what is stored, of the bodies


def report(repeat: int, posts: int = POSTS) -> None:
    """Print what a hit and a plain read take, and what is stored.

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
        for call in calls:
            recorder.send(call)
        recorder.finish(rows=posts, replayable=True)
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
    _print(times, len(calls), sum(map(len, bodies)), share, disk)


def _seconds(read: Callable[[int], bytes], number: int) -> float:
    began = time.perf_counter()
    read(number)
    return time.perf_counter() - began


def _print(
    times: list[tuple[float, float]], count: int, size: int, share: float, disk: float
) -> None:
    hit, read = (1e6 * statistics.median(one) for one in zip(*times, strict=True))
    print(f"{'cache':28}{'µs an answer':>14}{'x plain read':>14}")
    print(f"{'plain sqlite3 read':28}{read:14.0f}{1:14.2f}")
    print(f"{'hit':28}{hit:14.0f}{hit / read:14.2f}   (at most {MOST_TIMES})")
    print(f"{count} answers of {size / count / 1e3:.1f} kB; stored are {share:.3f} of the bodies")
    print(f"(at most {MOST_SHARE}), and the file is {disk:.3f} of them.")


if __name__ == "__main__":
    report(9)
