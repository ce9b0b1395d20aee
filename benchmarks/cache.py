"""What an answer costs that comes from the cache, beside a plain read of the same bytes.

    python benchmarks/cache.py

A hit is a request that the cache's layer answers, of a walk that is kept in a file; the plain read
is one of sqlite3, by key, of the uncompressed body. Both read the same pages, page by
page in turns, in one process; the medians are shown, so that a busy machine changes little. It
also says how much smaller what is stored is than the bodies.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from pages import Pages

from socialframe.http.cache import PASSAGE
from socialframe.store.cache import Cached, Choice
from socialframe.store.manifest import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

POSTS = 20_000
MOST_TIMES = 3.0  # a hit, of a plain read
MOST_SHARE = 0.27  # what is stored, of the bodies
_ASKED = Asked("posts", "/v1/posts", (), "PageNumber")


class _Pages(httpx.BaseTransport):
    """Answers with the bodies, by the parameter ``page``."""

    def __init__(self, bodies: list[bytes]) -> None:
        self._bodies = bodies

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {"Content-Type": "application/json", "ETag": '"5f2b"'}
        body = self._bodies[int(request.url.params["page"])]
        return httpx.Response(200, headers=headers, content=body, request=request)


def report(repeat: int, posts: int = POSTS) -> None:
    """Print what a hit and a plain read take, and what is stored.

    Parameters
    ----------
    repeat : int
        How often both read everything.
    posts : int
        How many posts are read, 100 an answer.
    """
    pages = Pages(posts)
    bodies = [pages.body(number) for number in range(1, pages.count + 1)]
    urls = [
        f"https://api.example/v1/posts?limit=100&page={number}" for number in range(len(bodies))
    ]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        cached = Cached(Choice(Path(folder, "http.sqlite")), "a tenant")
        layer = cached.layer(_Pages(bodies))
        passage = cached.passage(_ASKED)
        for url in urls:
            layer.handle_request(_request(url, passage))
        cached.arrived(passage, whole=True)
        replay = cached.passage(_ASKED)
        assert replay.replay
        plain = sqlite3.connect(Path(folder, "plain.sqlite"))
        plain.execute("CREATE TABLE bodies (key TEXT PRIMARY KEY, body BLOB)")
        plain.executemany("INSERT INTO bodies VALUES (?, ?)", zip(urls, bodies, strict=True))
        plain.commit()
        query = "SELECT body FROM bodies WHERE key = ?"

        asked = {url: _request(url, replay) for url in urls}

        def hit(url: str) -> bytes:
            return layer.handle_request(asked[url]).content

        def read(url: str) -> bytes:
            body: bytes = plain.execute(query, (url,)).fetchone()[0]
            return body

        assert [hit(url) for url in urls] == [read(url) for url in urls] == bodies
        times = [(_seconds(hit, url), _seconds(read, url)) for url in urls * repeat]
        cached.store.close()
        with sqlite3.connect(Path(folder, "http.sqlite")) as kept:
            stored = kept.execute("SELECT sum(length(key) + length(value)) FROM responses")
            share = stored.fetchone()[0] / sum(map(len, bodies))
        disk = Path(folder, "http.sqlite").stat().st_size / sum(map(len, bodies))
        kept.close()
        plain.close()
    _print(times, len(urls), sum(map(len, bodies)), share, disk)


def _request(url: str, passage: object) -> httpx.Request:
    return httpx.Request("GET", url, extensions={PASSAGE: passage})


def _seconds(read: Callable[[str], bytes], url: str) -> float:
    began = time.perf_counter()
    read(url)
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
