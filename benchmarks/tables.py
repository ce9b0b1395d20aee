"""Prints what was measured, in Markdown."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobs import FLOOR, SOCIALFRAME
from measure import median, ratio, server_rate, version_of
from stages import shares

if TYPE_CHECKING:
    from budget import Shared
    from cache import Stored
    from measure import Found, Measured, Memory

_PACKAGES = ["socialframe", "pandas", "pyarrow", "httpx", "requests-cache", "hishel", "dlt"]
_PACKAGES += ["duckdb", "polars", "pyrate-limiter"]
_SERVED = 2000  # pages, to show how fast the server is


def machine() -> str:
    """Return the time, the cores and their load."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load}"


def heading() -> None:
    """Print the machine and the versions."""
    versions = [f"{name} {found}" for name in _PACKAGES if (found := version_of(name))]
    python = ".".join(map(str, sys.version_info[:3]))
    print(f"{machine()}; Python {python}, {', '.join(versions)}.", flush=True)


def server() -> None:
    """Print how fast the server is without a client that does anything."""
    rate = server_rate(_SERVED)
    print(f"\nThe server alone: {rate:,.0f} pages/s, {1000 / rate:.2f} ms a page of 120 kB.")


def jobs(found: Found) -> None:
    """Print the table of each job."""
    for job, methods in found.items():
        rows = max(one["rows"] for measured in methods.values() for one in measured)
        print(f"\n### {job}, {rows:,} rows\n")
        print("| method | s | min to max | CPU s | peak MiB | × floor | × socialframe |")
        print("|---|---|---|---|---|---|---|")
        for method, measured in methods.items():
            seconds = [one["seconds"] for one in measured]
            others = [methods.get(other) for other in (FLOOR, SOCIALFRAME)]
            ratios = ["" if other is None else f"{ratio(measured, other):.2f}" for other in others]
            print(
                f"| {method} | {median(measured, 'seconds'):.2f} "
                f"| {min(seconds):.2f} to {max(seconds):.2f} | {median(measured, 'cpu'):.2f} "
                f"| {median(measured, 'peak_rss_mib'):.0f} | {ratios[0]} | {ratios[1]} |"
            )


def memory(found: Memory) -> None:
    """Print time and peak memory by the number of posts."""
    print("\n### Memory and growth\n\n| job | method | posts | s | µs a row | peak MiB |")
    print("|---|---|---|---|---|---|")
    for (job, method, posts), one in found.items():
        seconds, peak = one["seconds"], one["peak_rss_mib"]
        each = 1e6 * seconds / posts
        print(f"| {job} | {method} | {posts:,} | {seconds:.2f} | {each:.1f} | {peak:.0f} |")


def store(one: Stored) -> None:
    """Print what storing a page and reading it again costs."""
    print(
        f"\n### Store, pages of {one.size / 1e3:.0f} kB\n\n| | measured | beside |\n|---|---|---|"
    )
    print(f"| µs of a page from the store | {one.hit_us:.0f} | plain SQLite {one.read_us:.0f} |")
    print(f"| CPU ms to store a page | {one.bare_ms + one.extra_ms:.2f} | zstd {one.bare_ms:.2f} |")
    print(f"| stored bytes, of the bodies | {one.share:.3f} | zstd {one.bare_share:.3f} |")
    print(f"| the file, of the bodies | {one.disk:.3f} | |")


def starts(seconds: dict[str, float], bare: float) -> None:
    """Print the time of imports and of the help of each verb."""
    print("\n### Start\n\n| command | ms | over bare Python |\n|---|---|---|")
    for name, value in seconds.items():
        print(f"| {name} | {1000 * value:.0f} | {1000 * (value - bare):.0f} |")


def budgets(costs: dict[str, tuple[float, float]], shared: dict[str, Shared]) -> None:
    """Print how four processes share a rate limit."""
    print("\n### Budget, 4 processes\n")
    print("| method | µs a call | CPU µs a call | use of the limit | fullest window | refused |")
    print("|---|---|---|---|---|---|")
    for method, (wait, cpu) in costs.items():
        one = shared[method]
        print(
            f"| {method} | {wait:.0f} | {cpu:.0f} | {one.use:.3f} | {one.fullest:.2f} of it "
            f"| {one.refused} |"
        )


def stages(job: str, one: Measured) -> None:
    """Print the processor time of each stage of a job."""
    print(f"\n### Stages of {job}\n\n| stage | CPU ms a page | share |\n|---|---|---|")
    pages = one["posts"] / 100
    for stage, share in shares(one["stages"]):
        print(f"| {stage} | {1000 * one['stages'][stage] / pages:.2f} | {share:.0%} |")
    whole = sum(one["stages"].values())
    print(f"| all | {1000 * whole / pages:.2f} | 100% |")
