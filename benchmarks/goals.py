"""The goals, what was measured, and whether each is met."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any

import budget
import cache
import imports
from jobs import FLOOR, HISHEL, NORMALIZE, REQUESTS_CACHE, SLOW, SOCIALFRAME

Measured = dict[str, Any]
Found = dict[str, dict[str, list[Measured]]]
Memory = dict[tuple[str, str, int], Measured]

_AT_ONCE = 4  # early calls of page numbers


@dataclass(frozen=True, slots=True)
class Goal:
    """A value and its bound: at most, or at least if it is a lower one.

    Parameters
    ----------
    text : str
        What is measured, with its unit.
    value, bound : float
        What was measured; what it should be.
    least : bool
        Whether the bound is a lower one.
    """

    text: str
    value: float
    bound: float
    least: bool = False

    @property
    def met(self) -> bool:
        """Whether the value is within the bound."""
        return self.value >= self.bound if self.least else self.value <= self.bound


#: Job, the method to compare with, the bound of the ratio of seconds, whether ours is the divisor.
RATIOS = (
    ("frame", FLOOR, 1.4, False),
    ("frame", NORMALIZE, 4.0, True),
    ("frame, default", FLOOR, 2.0, False),
    ("frame, drift", FLOOR, 3.0, False),
    ("row a target", NORMALIZE, 7.0, True),
    ("parquet", FLOOR, 1.8, False),
    ("parquet", NORMALIZE, 3.4, True),
    ("warm replay", FLOOR, 1.25, False),
    ("warm replay", REQUESTS_CACHE, 4.0, True),
    ("warm replay", HISHEL, 4.0, True),
)


def show(found: Found, memory: Memory, *, quick: bool) -> None:
    """Measure what no job measures, and print the table of goals."""
    goals = [*_ratios(found), *_latencies(found), *_growth(memory)]
    goals += [*_store(), *_budget(quick=quick), *_starts()]
    print("\n### Goals\n\n| goal | bound | measured | met |\n|---|---|---|---|")
    for goal in goals:
        bound = f"{'≥' if goal.least else '≤'} {goal.bound:.4g}"
        print(f"| {goal.text} | {bound} | {goal.value:.3g} | {'yes' if goal.met else '**no**'} |")


def _ratios(found: Found) -> list[Goal]:
    goals = []
    for job, other, bound, least in RATIOS:
        methods = found.get(job, {})
        if other in methods:
            pairs = zip(methods[SOCIALFRAME], methods[other], strict=True)
            value = statistics.median(one["seconds"] / two["seconds"] for one, two in pairs)
            text = f"{job}, times as fast as {other}" if least else f"{job}, of the time of {other}"
            goals.append(Goal(text, 1 / value if least else value, bound, least))
    return goals


def _latencies(found: Found) -> list[Goal]:
    goals = []
    for job, bound in (("latency 50 ms", 0.8), ("latency 150 ms", 0.9), ("cursor, 50 ms", 0.926)):
        measured = found[job][SOCIALFRAME]
        at_once = 1 if job.startswith("cursor") else _AT_ONCE
        calls = min(SLOW[job], measured[0]["posts"]) / 100 / at_once
        best = calls * float(job.split()[-2]) / 1000
        value = best / statistics.median(one["seconds"] for one in measured)
        goals.append(Goal(f"{job}, {at_once} at once, of theory", value, bound, least=True))
    return goals


def _growth(memory: Memory) -> list[Goal]:
    few, less, most = (sorted(posts for job, _, posts in memory if job == "parquet") * 2)[-3:]
    written = {posts: memory["parquet", SOCIALFRAME, posts] for posts in (few, less, most)}
    power = math.log(written[most]["seconds"] / written[few]["seconds"]) / math.log(most / few)
    peaks = {posts: one["peak_rss_mib"] for posts, one in written.items()}
    ours, theirs = (memory["frame", name, most] for name in (SOCIALFRAME, NORMALIZE))
    share = ours["peak_rss_mib"] / theirs["peak_rss_mib"]
    return [
        Goal(f"time by posts, {few:,} to {most:,}, exponent", power, 1.03),
        Goal(f"memory of {most:,} posts to Parquet, MiB", peaks[most], 260),
        Goal(f"the same, more than of {less:,} posts, MiB", peaks[most] - peaks[less], 40),
        Goal(f"memory of {most:,} posts to a frame, of {NORMALIZE}", share, 0.4),
    ]


def _store() -> list[Goal]:
    one = cache.measure(3)
    return [
        Goal("store: CPU of a page beyond bare zstd, ms", one.extra_ms, 0.15),
        Goal("store: a hit, of a plain read", one.hit_us / one.read_us, 2.5),
        Goal("store: bytes, of the bodies", one.share, 0.26),
    ]


def _budget(*, quick: bool) -> list[Goal]:
    shared = budget.share(windows=3, seconds=2.0 if quick else 10.0, processes=4)
    return [
        Goal("budget: a call far from the limit, 4 processes, µs", _cost(10**9), 60),
        Goal("budget: a call of all 600 in 60 s, 4 processes, µs", _cost(600), 60),
        Goal("budget: use of limit × window ÷ (window + guard)", shared.use, 0.99, least=True),
        Goal("budget: fullest window of the server, of its limit", shared.fullest, 1),
        Goal("budget: refused calls", shared.refused, 0),
    ]


def _cost(limit: int) -> float:
    return statistics.median(budget.cost(processes=4, limit=limit) for _ in range(3))


def _starts() -> list[Goal]:
    seconds = imports.measured(5)
    more = 1000 * (seconds["import socialframe"] - seconds[imports.BARE])
    return [
        Goal("import socialframe, over bare Python, ms", more, 50),
        Goal("socialframe --help, ms", 1000 * seconds["socialframe --help"], 150),
    ]
