"""The goals, what was measured, whether each is met, and what takes the time where it is not."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import budget
import cache
import imports
import tables
from budget import PYRATE
from jobs import COMPARED, JOBS, NORMALIZE, SOCIALFRAME
from measure import median, memory, ratio, stages_of, version_of
from stages import shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from measure import Found, Measured, Size

_AT_ONCE = 4  # early calls of page numbers
_NAMED = 4  # stages that a reason names
_STORED = 20_000  # posts


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
    reason : str
        What takes the time.
    """

    text: str
    value: float
    bound: float
    least: bool = False
    reason: str = ""

    @property
    def met(self) -> bool:
        """Whether the value is within the bound."""
        return self.value >= self.bound if self.least else self.value <= self.bound


#: Job, and the least share of calls × latency that it reaches.
LATENCIES = (("latency 50 ms", 0.8), ("latency 150 ms", 0.9), ("cursor, 50 ms", 1 / 1.08))


def show(goals: list[Goal]) -> None:
    """Print the table of goals."""
    print("\n### Goals\n\n| goal | bound | measured | met | what takes the time |")
    print("|---|---|---|---|---|")
    for goal in goals:
        bound = f"{'≥' if goal.least else '≤'} {goal.bound:.3g}"
        met, reason = ("yes", "") if goal.met else ("**no**", goal.reason)
        print(f"| {goal.text} | {bound} | {goal.value:.3g} | {met} | {reason} |")


def of_jobs(found: Found, size: Size) -> list[Goal]:
    """Return the goals of the jobs that were measured."""
    goals, reasons = [], dict[str, str]()
    for (job, other), most in COMPARED.items():
        methods = found.get(job, {})
        if other in methods:
            value = ratio(methods[SOCIALFRAME], methods[other])
            if value > most and job not in reasons:
                reasons[job] = _stages(stages_of(job, size))
            least = most < 1
            goals.append(
                Goal(
                    f"{job}: {'times as fast as' if least else 'of the time of'} {other}",
                    1 / value if least else value,
                    1 / most if least else most,
                    least,
                    reasons.get(job, ""),
                )
            )
    for job, bound in LATENCIES:
        if job in found:
            goals.append(_latency(job, found[job][SOCIALFRAME], bound))
    return goals


def _stages(one: Measured) -> str:
    """Return the stages that take most of the processor time."""
    named = shares(one["stages"])[:_NAMED]
    return ", ".join(f"{stage} {share:.0%}" for stage, share in named)


def _latency(job: str, measured: list[Measured], bound: float) -> Goal:
    at_once = 1 if JOBS[job].data == "cursor" else _AT_ONCE
    calls = measured[0]["posts"] / 100
    value = calls / at_once * JOBS[job].latency / 1000 / median(measured, "seconds")
    own = f"CPU of a page {1000 * median(measured, 'cpu') / calls:.1f} ms"
    return Goal(
        f"{job}: {at_once} at once, of the best possible",
        value,
        bound,
        least=True,
        reason=own if at_once == 1 else f"{own}; the first pages are sent alone",
    )


def of_memory(size: Size) -> list[Goal]:
    """Measure memory and growth, print their table and return their goals."""
    found = memory(size.memory)
    tables.memory(found)
    sizes = sorted(posts for job, _, posts in found if job == "parquet")
    few, less, most = sizes[0], sizes[-2], sizes[-1]
    written = {posts: found["parquet", SOCIALFRAME, posts] for posts in {few, less, most}}
    growth = written[most]["seconds"] / written[few]["seconds"]
    peaks = {posts: one["peak_rss_mib"] for posts, one in written.items()}
    ours, theirs = (found["frame", name, most] for name in (SOCIALFRAME, NORMALIZE))
    share = ours["peak_rss_mib"] / theirs["peak_rss_mib"]
    exponent = math.log(growth) / math.log(most / few)
    before = f"{ours['before_mib']:.0f} MiB of it before the job"
    return [
        Goal(f"memory of {most:,} posts to Parquet, MiB", peaks[most], 260, reason=before),
        Goal(f"the same, more than of {less:,} posts, MiB", peaks[most] - peaks[less], 40),
        Goal(f"memory of {most:,} posts to a frame, of {NORMALIZE}", share, 0.4, reason=before),
        Goal(f"growth: time by posts, {few:,} to {most:,}, exponent", exponent, 1.03),
    ]


def of_store(size: Size) -> list[Goal]:
    """Measure the store, print its table and return its goals."""
    one = cache.measure(size.repeat, min(size.posts, _STORED))
    tables.store(one)
    whole = one.bare_ms + one.extra_ms
    return [
        Goal(
            "store: CPU of a page beyond bare zstd, ms",
            one.extra_ms,
            0.15,
            reason=f"{whole:.2f} ms, {one.bare_ms:.2f} of it for zstd",
        ),
        Goal(
            "store: a hit, of a plain read",
            one.hit_us / one.read_us,
            2.5,
            reason=f"{one.hit_us:.0f} µs, {one.unpack_us:.0f} of it for zstd",
        ),
        Goal(
            "store: bytes, of the bodies",
            one.share,
            0.26,
            reason=f"zstd at level 1 alone: {one.bare_share:.3f}",
        ),
    ]


def of_budget(size: Size) -> list[Goal]:
    """Measure the budget of four processes, print its table and return its goals."""
    methods = [SOCIALFRAME, *([PYRATE] if version_of("filelock") else [])]
    costs = {name: _cost(10**9, name, size.repeat) for name in methods}
    shared = {
        name: budget.share(windows=3, seconds=size.window, processes=4, method=name)
        for name in methods
    }
    tables.budgets(costs, shared)
    one, (wait, cpu) = shared[SOCIALFRAME], costs[SOCIALFRAME]
    all_wait, all_cpu = _cost(600, SOCIALFRAME, size.repeat)
    rest = "the rest waits for a core or the file"
    few, all_ = f"CPU {cpu:.0f} µs; {rest}", f"CPU {all_cpu:.0f} µs; {rest}"
    return [
        Goal("budget: a call far from the limit, 4 processes, µs", wait, 60, reason=few),
        Goal("budget: a call of all 600 in 60 s, 4 processes, µs", all_wait, 60, reason=all_),
        Goal("budget: use of limit × window ÷ (window + guard)", one.use, 0.99, least=True),
        Goal("budget: fullest window of the server, of its limit", one.fullest, 1),
        Goal("budget: refused calls (429)", one.refused, 0),
    ]


def _cost(limit: int, method: str, repeat: int) -> tuple[float, float]:
    found = [budget.cost(processes=4, limit=limit, method=method) for _ in range(repeat)]
    wait, cpu = (statistics.median(column) for column in zip(*found, strict=True))
    return wait, cpu


def of_start(size: Size) -> list[Goal]:
    """Measure imports and help, print their table and return their goals."""
    seconds, verbs = imports.measured(2 * size.repeat - 1), imports.help_of_verbs(size.repeat)
    tables.starts(seconds | verbs, seconds[imports.BARE])
    more = 1000 * (seconds["import socialframe"] - seconds[imports.BARE])
    slowest = max(verbs, key=lambda verb: verbs[verb])
    return [
        Goal(
            "import socialframe: over bare Python, ms",
            more,
            50,
            reason=imports.slowest("import socialframe"),
        ),
        Goal(
            f"{slowest}, the slowest verb, ms",
            1000 * verbs[slowest],
            150,
            reason=imports.slowest(slowest),
        ),
    ]


#: What is measured besides the jobs.
PARTS: dict[str, Callable[[Size], list[Goal]]] = {
    "memory": of_memory,
    "store": of_store,
    "budget": of_budget,
    "start": of_start,
}
