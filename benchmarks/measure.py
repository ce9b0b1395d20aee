"""Measures jobs, each in a new process with an empty home; methods take turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs import COMPARED, FLOOR, JOBS, METHODS, NORMALIZE, SLOW, SOCIALFRAME, WIDE
from pages import Pages
from server import servers, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

Measured = dict[str, Any]
Found = dict[str, dict[str, list[Measured]]]  # by job and method
Memory = dict[tuple[str, str, int], Measured]  # by job, method and posts

_HERE = Path(__file__).resolve().parent
_TIMEOUT = 600  # seconds that one measurement may take
_MOST = 1_000_000
_SAVED = {"plain", "wide"}  # data that a method reads from files
_NEEDS = {"method_hishel": "hishel", "method_dlt": "dlt", "method_polars": "polars"}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Parameters
    ----------
    posts, repeat : int
        Number of posts of the fast jobs, and of repetitions.
    memory : tuple of int
        Numbers of posts whose peak memory is compared.
    window : float
        Seconds of the rate limit's window that processes share.
    others : int or None
        Number of repetitions of methods that no goal names; None is ``repeat``.
    """

    posts: int
    repeat: int
    memory: tuple[int, ...]
    window: float
    others: int | None = None

    def posts_of(self, job: str) -> int:
        """Return the number of posts of a job."""
        posts = min(SLOW.get(job, self.posts), self.posts)
        return max(100, posts // WIDE // 100 * 100) if JOBS[job].data == "wide" else posts


FULL = Size(100_000, 3, (10_000, 100_000, _MOST), window=10.0)
QUICK = Size(20_000, 2, (20_000, 100_000), window=2.0, others=1)
TINY = Size(500, 1, (100, 500), window=0.2)  # to see that everything runs


def compare(jobs: list[str], size: Size) -> Found:
    """Return all measurements, by job and method."""
    found: Found = {}
    posts = {job: size.posts_of(job) for job in jobs}
    with servers(posts) as ports, _saved(posts) as saved:
        for turn in range(size.repeat):
            for job in jobs:
                for method in available(job):
                    if turn >= _repeats(job, method, size):
                        continue
                    _progress(f"{turn + 1}/{size.repeat} {job}, {method}")
                    one = measure(job, method, ports[job], posts[job], saved[job])
                    found.setdefault(job, {}).setdefault(method, []).append(one)
    _progress("")
    return found


def _repeats(job: str, method: str, size: Size) -> int:
    named = method in {FLOOR, SOCIALFRAME} or (job, method) in COMPARED
    return size.repeat if named or size.others is None else size.others


def stages_of(job: str, size: Size) -> Measured:
    """Return a measurement of ours with the processor seconds of each stage."""
    posts = size.posts_of(job)
    with servers({job: posts}) as ports, _saved({}) as none:
        return measure(job, SOCIALFRAME, ports[job], posts, none[job], "--stages")


def memory(sizes: tuple[int, ...]) -> Memory:
    """Return measurements by the number of posts."""
    wanted = [("parquet", SOCIALFRAME, posts) for posts in sizes]
    wanted += [("frame", method, sizes[-1]) for method in (SOCIALFRAME, NORMALIZE)]
    found = {}
    for job, method, posts in wanted:
        _progress(f"{job}, {method}, {posts:,} posts")
        with serving(posts) as port:
            found[job, method, posts] = measure(job, method, port, posts, None)
    _progress("")
    return found


def server_rate(pages: int) -> float:
    """Return the pages a second that one socket reads from the server."""
    with serving(100 * pages) as port:
        command = [
            sys.executable,
            str(_HERE / "raw_pages.py"),
            f"--port={port}",
            f"--pages={pages}",
        ]
        done = subprocess.run(  # noqa: S603 - our own script
            command, check=True, stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT
        )
    return float(done.stdout)


def measure(
    job: str, method: str, port: int, posts: int, pages: Path | None, *options: str
) -> Measured:
    """Return the measurement of one method for one job, in a new process with an empty home."""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        folder = Path(home, "work")
        folder.mkdir()
        for page in pages.glob("*.json") if pages else ():
            (folder / page.name).symlink_to(page)
        command = [sys.executable, "-W", "ignore", str(_HERE / "methods.py"), job, method]
        command += ["--port", str(port), "--posts", str(posts), "--folder", str(folder), *options]
        # The peak memory of a child includes its parent's: this process imports nothing heavy.
        done = subprocess.run(  # noqa: S603 - our own script
            command,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=_TIMEOUT,
            env=_environment(home),
        )
    found: Measured = json.loads(done.stdout.splitlines()[-1])
    assert found["posts"] == posts, f"{job}, {method}: {found['posts']} posts instead of {posts}"
    return found


def available(job: str) -> list[str]:
    """Return the methods of a job whose packages are installed."""
    return [one for one in JOBS[job].methods if version_of(_NEEDS.get(METHODS[one], "pandas"))]


def version_of(package: str) -> str:
    """Return the version of a package; empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def ratio(measured: list[Measured], other: list[Measured]) -> float:
    """Return the median of the ratios of the seconds, repetition by repetition."""
    pairs = zip(measured, other, strict=False)  # one may have fewer
    return float(statistics.median(one["seconds"] / two["seconds"] for one, two in pairs))


def median(measured: list[Measured], name: str) -> float:
    """Return the median of one number of the repetitions."""
    return float(statistics.median(one[name] for one in measured))


@contextmanager
def _saved(posts: dict[str, int]) -> Iterator[dict[str, Path | None]]:
    """Save the pages of jobs with a method that reads files; yield their folders."""
    with tempfile.TemporaryDirectory(prefix="bench-") as root:
        found: dict[str, Path | None] = defaultdict(lambda: None)
        for job, count in posts.items():
            folder = Path(root, f"{JOBS[job].data}-{count}")
            if JOBS[job].data in _SAVED and not JOBS[job].latency:
                found[job] = folder
                if not folder.exists():
                    folder.mkdir()
                    pages = Pages(count, JOBS[job].data)
                    for number in range(1, pages.count + 1):
                        (folder / f"{number:06d}.json").write_bytes(pages.body(number))
        yield found


def _environment(home: str) -> dict[str, str]:
    """Return an environment whose user has no files yet."""
    Path(home, "run").mkdir(mode=0o700)
    names = ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
    own = {name: str(Path(home, name.lower())) for name in names}
    return os.environ | own | {"HOME": home, "XDG_RUNTIME_DIR": str(Path(home, "run"))}


def _progress(text: str) -> None:
    print(f"\r{text:70}" if text else f"\r{'':70}\r", end="", file=sys.stderr, flush=True)
