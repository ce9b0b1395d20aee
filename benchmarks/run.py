"""Every way of every job, side by side on this machine, in one table.

    python benchmarks/run.py                      # 100,000 posts, three repetitions
    python benchmarks/run.py --job parquet -n 5
    python benchmarks/run.py --job sandbox        # how fast the sandbox serves
    python benchmarks/run.py --job cache          # what an answer costs that is kept
    python benchmarks/run.py --memory             # also: 100,000 and 1,000,000 posts to Parquet

Each measurement is a process of its own; ways alternate, so that a slow minute of the machine
meets all of them. A ratio is the median of those within each repetition: it holds elsewhere, the
seconds do not. ``cpu s`` is work alone, which a busy machine changes least. Everything is served
and saved on this machine; no other host is asked.
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
from pages import Pages
from server import serving
from ways import FLOOR, JOBS, SOCIALFRAME

Measured = dict[str, Any]
Ports = dict[bool, int]  # by drift

_HERE = Path(__file__).resolve().parent
_TIMEOUT = 300  # seconds that one measurement may take
_MOST = 1_000_000
SANDBOX, CACHE = "sandbox", "cache"  # jobs of their own shape: not how pages are read


def measure(job: str, way: str, port: int, posts: int, folder: Path) -> Measured:
    """Return what one way took for one job, in a fresh process."""
    command = [sys.executable, str(_HERE / "ways.py"), job, way, "--port", str(port)]
    command += ["--posts", str(posts), "--folder", str(folder)]
    # A child's peak memory begins with its parent's; so nothing heavy is imported in here.
    done = subprocess.run(  # noqa: S603 - our own script
        command, check=True, stdout=subprocess.PIPE, text=True, timeout=_TIMEOUT
    )
    found: Measured = json.loads(done.stdout)
    assert found["posts"] == posts, f"{job}, {way}: {found['posts']} posts instead of {posts}"
    return found


def compare(jobs: list[str], repeat: int, posts: int) -> dict[str, dict[str, list[Measured]]]:
    """Return all measurements, by job and way.

    Parameters
    ----------
    jobs : list of str
        Keys of ``JOBS``.
    repeat : int
        How often each way does each job.
    posts : int
        How many posts there are.
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
                for way in JOBS[job][1]:
                    print(f"\r{turn + 1}/{repeat} {job}, {way:30}", end="", file=sys.stderr)
                    one = measure(job, way, ports["drift" in job], posts, folder)
                    found.setdefault(job, {}).setdefault(way, []).append(one)
        print(f"\r{'':60}\r", end="", file=sys.stderr)
    for job, ways in found.items():
        rows = {one["rows"] for measured in ways.values() for one in measured}
        assert len(rows) == 1, f"{job}: not all ways found as many rows: {rows}"
    return found


def show(found: dict[str, dict[str, list[Measured]]]) -> None:
    """Print the table of all measurements."""
    titles = ("job", "way", "rows", "s", "cpu s", "x floor", "x socialframe", "peak MiB")
    print("{:14}{:22}{:>9}{:>8}{:>8}{:>9}{:>15}{:>10}".format(*titles))
    for job, ways in found.items():
        for way, measured in ways.items():
            seconds, cpu, peak = (
                statistics.median(one[name] for one in measured)
                for name in ("seconds", "cpu", "peak_rss_mib")
            )
            ratios = [_ratio(measured, ways.get(other)) for other in (FLOOR, SOCIALFRAME)]
            print(
                f"{job:14}{way:22}{measured[0]['rows']:9,}{seconds:8.2f}{cpu:8.2f}"
                f"{ratios[0]:>9}{ratios[1]:>15}{peak:10.0f}"
            )


def _ratio(measured: list[Measured], other: list[Measured] | None) -> str:
    if other is None:
        return ""
    pairs = zip(measured, other, strict=True)
    return f"{statistics.median(one['seconds'] / two['seconds'] for one, two in pairs):.2f}"


def memory(sizes: tuple[int, ...] = (100_000, _MOST)) -> None:
    """Print how time and peak memory of socialframe's Parquet grow.

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
    """Measure what the command line says."""
    parser = argparse.ArgumentParser(description="Compare ways from pages to frames and files.")
    parser.add_argument("--posts", type=int, default=100_000, help="a multiple of 100")
    parser.add_argument("-n", "--repeat", type=int, default=3)
    parser.add_argument(
        "--job", action="append", choices=[*JOBS, SANDBOX, CACHE], help="only this; repeatable"
    )
    parser.add_argument("--memory", action="store_true", help="growth up to 1,000,000 posts too")
    asked = parser.parse_args()
    if not 100 <= asked.posts <= _MOST or asked.posts % 100:  # noqa: PLR2004 - a page
        parser.error(f"--posts takes a multiple of 100 up to {_MOST:,}")
    if asked.repeat < 1:
        parser.error("--repeat takes a number from 1 on")
    jobs = asked.job or [*JOBS, SANDBOX, CACHE]
    if ways := [job for job in jobs if job in JOBS]:
        show(compare(ways, asked.repeat, asked.posts))
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
