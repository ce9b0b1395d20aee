"""Compares methods of fetching pages into frames and files, in one table.

    python benchmarks/run.py                      # 100,000 posts, three repetitions
    python benchmarks/run.py --job parquet -n 5
    python benchmarks/run.py --job sandbox        # pages a second of the sandbox
    python benchmarks/run.py --job cache          # the time of a cache hit
    python benchmarks/run.py --memory             # also: 100,000 and 1,000,000 posts to Parquet

Each measurement runs in its own process. Methods alternate, so that a busy minute slows all of
them. A ratio is the median of the ratios of each repetition; it is comparable between machines,
seconds are not. ``cpu s`` is processor time, which other load changes least. All requests go to
this machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cache
import imports
import sandbox
from methods import BASELINE, JOBS, SOCIALFRAME
from pages import Pages
from server import serving

Measured = dict[str, Any]
Ports = dict[bool, int]  # by drift

_HERE = Path(__file__).resolve().parent
_TIMEOUT = 300  # seconds that one measurement may take
_MOST = 1_000_000
SANDBOX, CACHE = "sandbox", "cache"  # jobs without methods


def measure(job: str, method: str, port: int, posts: int, folder: Path) -> Measured:
    """Return the measurement of one method for one job, in a new process."""
    command = [sys.executable, str(_HERE / "methods.py"), job, method, "--port", str(port)]
    command += ["--posts", str(posts), "--folder", str(folder)]
    # The peak memory of a child includes its parent's: this process imports nothing heavy.
    done = subprocess.run(  # noqa: S603 - our own script
        command, check=True, stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT
    )
    found: Measured = json.loads(done.stdout)
    assert found["posts"] == posts, f"{job}, {method}: {found['posts']} posts instead of {posts}"
    return found


def compare(jobs: list[str], repeat: int, posts: int) -> dict[str, dict[str, list[Measured]]]:
    """Return all measurements, by job and method.

    Parameters
    ----------
    jobs : list of str
        Keys of ``JOBS``.
    repeat : int
        Number of repetitions.
    posts : int
        Number of posts.
    """
    found: dict[str, dict[str, list[Measured]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        pages = Pages(posts)
        for number in range(1, pages.count + 1):
            (folder / f"{number:06d}.json").write_bytes(pages.body(number))
        ports = {drift: stack.enter_context(serving(posts, drift=drift)) for drift in (False, True)}
        for turn in range(repeat):
            for job in jobs:
                for method in JOBS[job][1]:
                    print(f"\r{turn + 1}/{repeat} {job}, {method:30}", end="", file=sys.stderr)
                    one = measure(job, method, ports["drift" in job], posts, folder)
                    found.setdefault(job, {}).setdefault(method, []).append(one)
        print(f"\r{'':60}\r", end="", file=sys.stderr)
    for job, methods in found.items():
        rows = {one["rows"] for measured in methods.values() for one in measured}
        assert len(rows) == 1, f"{job}: the methods found different numbers of rows: {rows}"
    return found


def show(found: dict[str, dict[str, list[Measured]]]) -> None:
    """Print the table of all measurements."""
    titles = ("job", "method", "rows", "s", "cpu s", "x baseline", "x socialframe", "peak MiB")
    print("{:14}{:22}{:>9}{:>8}{:>8}{:>12}{:>15}{:>10}".format(*titles))
    for job, methods in found.items():
        for method, measured in methods.items():
            seconds, cpu, peak = (
                statistics.median(one[name] for one in measured)
                for name in ("seconds", "cpu", "peak_rss_mib")
            )
            ratios = [_ratio(measured, methods.get(other)) for other in (BASELINE, SOCIALFRAME)]
            print(
                f"{job:14}{method:22}{measured[0]['rows']:9,}{seconds:8.2f}{cpu:8.2f}"
                f"{ratios[0]:>12}{ratios[1]:>15}{peak:10.0f}"
            )


def _ratio(measured: list[Measured], other: list[Measured] | None) -> str:
    if other is None:
        return ""
    pairs = zip(measured, other, strict=True)
    return f"{statistics.median(one['seconds'] / two['seconds'] for one, two in pairs):.2f}"


def memory(sizes: tuple[int, ...] = (100_000, _MOST)) -> None:
    """Print time and peak memory of ``to_parquet`` by the number of posts.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of posts.
    """
    print(f"\n{'to_parquet':>14}{'s':>8}{'µs a row':>10}{'peak MiB':>10}")
    for posts in sizes:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, serving(posts) as port:
            one = measure("parquet", SOCIALFRAME, port, posts, Path(folder))
        seconds = one["seconds"]
        print(f"{posts:14,}{seconds:8.2f}{1e6 * seconds / posts:10.1f}{one['peak_rss_mib']:10.0f}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description="Compare methods of fetching pages into frames and files."
    )
    parser.add_argument("--posts", type=int, default=100_000, help="a multiple of 100")
    parser.add_argument("-n", "--repeat", type=int, default=3)
    parser.add_argument(
        "--job", action="append", choices=[*JOBS, SANDBOX, CACHE], help="only this job; repeatable"
    )
    parser.add_argument("--memory", action="store_true", help="also 1,000,000 posts to Parquet")
    asked = parser.parse_args()
    if not 100 <= asked.posts <= _MOST or asked.posts % 100:  # noqa: PLR2004 - a page
        parser.error(f"--posts must be a multiple of 100 up to {_MOST:,}")
    if asked.repeat < 1:
        parser.error("--repeat must be 1 or more")
    jobs = asked.job or [*JOBS, SANDBOX, CACHE]
    if methods := [job for job in jobs if job in JOBS]:
        show(compare(methods, asked.repeat, asked.posts))
    if SANDBOX in jobs:
        print()
        sandbox.report(asked.repeat)
    if CACHE in jobs:
        print()
        cache.report(3 * asked.repeat)
    if not asked.job:
        print()
        imports.report(3 * asked.repeat)
    if asked.memory:
        memory()


if __name__ == "__main__":
    main()
