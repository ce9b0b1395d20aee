"""Compares methods of fetching pages into frames and files, and prints tables in Markdown.

    sh scripts/bench                # everything, in about 20 minutes
    sh scripts/bench --quick        # fewer posts and repetitions, in about 3 minutes
    sh scripts/bench --job parquet -n 5
    sh scripts/bench --profile      # the time of each stage of the main job

Each measurement runs in its own process. Methods alternate, so that a busy minute slows all of
them. A ratio is the median of the ratios of each repetition; it is comparable between machines,
seconds are not. All requests go to this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import goals
import profile_stages
from jobs import FLOOR, JOBS, METHODS, SLOW, SOCIALFRAME, Job
from pages import Pages
from server import serving

Measured = dict[str, Any]
Found = dict[str, dict[str, list[Measured]]]  # by job and method

_HERE = Path(__file__).resolve().parent
_TIMEOUT = 600  # seconds that one measurement may take
_MOST = 1_000_000
_PACKAGES = ("pandas", "pyarrow", "httpx", "requests-cache", "hishel", "dlt", "duckdb", "polars")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Parameters
    ----------
    posts, repeat : int
        Number of posts of the fast jobs, and of repetitions.
    memory : tuple of int
        Numbers of posts whose peak memory is compared.
    """

    posts: int
    repeat: int
    memory: tuple[int, ...]


QUICK, FULL = Size(20_000, 2, (20_000, 100_000)), Size(100_000, 3, (10_000, 100_000, _MOST))


def measure(job: str, method: str, port: int, posts: int, pages: Path) -> Measured:
    """Return the measurement of one method for one job, in a new process with an empty home."""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        folder = Path(home, "work")
        folder.mkdir()
        for page in pages.glob("*.json"):
            (folder / page.name).symlink_to(page)
        command = [sys.executable, "-W", "ignore", str(_HERE / "methods.py"), job, method]
        command += ["--port", str(port), "--posts", str(posts), "--folder", str(folder)]
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


def _environment(home: str) -> dict[str, str]:
    """Return an environment whose user has no files yet."""
    Path(home, "run").mkdir(mode=0o700)
    names = ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
    own = {name: str(Path(home, name.lower())) for name in names}
    return os.environ | own | {"HOME": home, "XDG_RUNTIME_DIR": str(Path(home, "run"))}


def compare(jobs: list[str], size: Size) -> Found:
    """Return all measurements, by job and method."""
    found: Found = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        ports, saved = {}, {}
        for name in jobs:
            job, posts = JOBS[name], _posts(name, size)
            ports[name] = stack.enter_context(serving(posts, job.data, latency_ms=job.latency))
            saved[name] = folder if posts == size.posts and job.data == "plain" else folder / "none"
        pages = Pages(size.posts)
        for number in range(1, pages.count + 1):
            (folder / f"{number:06d}.json").write_bytes(pages.body(number))
        for turn in range(size.repeat):
            for name in jobs:
                for method in _available(JOBS[name]):
                    print(
                        f"\r{turn + 1}/{size.repeat} {name}, {method:40}", end="", file=sys.stderr
                    )
                    one = measure(name, method, ports[name], _posts(name, size), saved[name])
                    found.setdefault(name, {}).setdefault(method, []).append(one)
        print(f"\r{'':70}\r", end="", file=sys.stderr)
    return found


def _posts(job: str, size: Size) -> int:
    return min(SLOW.get(job, size.posts), size.posts)


def _available(job: Job) -> list[str]:
    """Return the methods whose packages are installed."""
    modules = {"method_hishel": "hishel", "method_dlt": "dlt", "method_polars": "polars"}
    return [one for one in job.methods if _version(modules.get(METHODS[one], "pandas"))]


def show(found: Found) -> None:
    """Print the table of each job."""
    for job, methods in found.items():
        rows = max(one["rows"] for measured in methods.values() for one in measured)
        print(f"\n### {job}, {rows:,} rows\n")
        print("| method | s | min to max | CPU s | × floor | × socialframe | peak MiB |")
        print("|---|---|---|---|---|---|---|")
        for method, measured in methods.items():
            seconds = [one["seconds"] for one in measured]
            cpu, peak = (
                statistics.median(one[name] for one in measured) for name in ("cpu", "peak_rss_mib")
            )
            ratios = [ratio(measured, methods.get(other)) for other in (FLOOR, SOCIALFRAME)]
            shown = ["" if one is None else f"{one:.2f}" for one in ratios]
            span = f"{min(seconds):.2f} to {max(seconds):.2f}"
            print(
                f"| {method} | {statistics.median(seconds):.2f} | {span} | {cpu:.2f} | "
                f"{shown[0]} | {shown[1]} | {peak:.0f} |"
            )


def ratio(measured: list[Measured], other: list[Measured] | None) -> float | None:
    """Return the median of the ratios of the seconds, repetition by repetition."""
    if other is None:
        return None
    pairs = zip(measured, other, strict=True)
    return float(statistics.median(one["seconds"] / two["seconds"] for one, two in pairs))


def memory(sizes: tuple[int, ...]) -> dict[tuple[str, str, int], Measured]:
    """Print and return time and peak memory by the number of posts."""
    ways = [("parquet", SOCIALFRAME, sizes), ("frame", SOCIALFRAME, sizes[-1:])]
    ways += [("frame", "httpx + json_normalize", sizes[-1:])]
    print("\n### Memory and growth\n\n| job | method | posts | s | µs a row | peak MiB |")
    print("|---|---|---|---|---|---|")
    found = {}
    for job, method, counts in ways:
        for posts in counts:
            with serving(posts) as port:
                one = measure(job, method, port, posts, _HERE / "none")
            found[job, method, posts] = one
            seconds, peak = one["seconds"], one["peak_rss_mib"]
            each = 1e6 * seconds / posts
            print(f"| {job} | {method} | {posts:,} | {seconds:.2f} | {each:.1f} | {peak:.0f} |")
    return found


def describe() -> None:
    """Print the machine and the versions."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    versions = [f"{name} {found}" for name in _PACKAGES if (found := _version(name))]
    python = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {python}, {os.cpu_count()} cores, load {load:.1f}; {', '.join(versions)}.")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Compare methods of fetching pages.")
    parser.add_argument("--quick", action="store_true", help="fewer posts and repetitions")
    parser.add_argument("--posts", type=int, help="a multiple of 100")
    parser.add_argument("-n", "--repeat", type=int)
    parser.add_argument("--job", action="append", choices=JOBS, help="only this job; repeatable")
    parser.add_argument("--profile", action="store_true", help="the stages of the main job")
    asked = parser.parse_args()
    size = QUICK if asked.quick else FULL
    posts, repeat = asked.posts or size.posts, asked.repeat or size.repeat
    if not 100 <= posts <= _MOST or posts % 100:  # noqa: PLR2004 - a page
        parser.error(f"--posts must be a multiple of 100 up to {_MOST:,}")
    if repeat < 1:
        parser.error("--repeat must be 1 or more")
    describe()
    if asked.profile:
        profile_stages.report(posts)
        return
    found = compare(asked.job or list(JOBS), Size(posts, repeat, size.memory))
    show(found)
    if not asked.job:
        goals.show(found, memory(size.memory), quick=asked.quick)


if __name__ == "__main__":
    main()
