"""Compares methods of fetching pages into frames and files, and prints tables in Markdown.

    sh scripts/bench                # everything, in about 20 minutes
    sh scripts/bench --quick        # fewer posts and repetitions, in about 3 minutes
    sh scripts/bench --job parquet -n 5
    sh scripts/bench --profile      # the processor time of each stage of our jobs

Each measurement runs in its own process. Methods alternate, so that a busy minute slows all of
them. A ratio is the median of the ratios of each repetition; it is comparable between machines,
seconds are not. All requests go to this machine.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import goals
import tables
from jobs import JOBS
from measure import FULL, QUICK, TINY, compare, stages_of

_MOST = 1_000_000
_PROFILED = ("frame", "frame, default", "frame, drift", "parquet", "warm replay")


def main() -> None:
    """Run the command line."""
    names = [*JOBS, *goals.PARTS]
    parser = argparse.ArgumentParser(description="Compare methods of fetching pages.")
    parser.add_argument("--quick", action="store_true", help="fewer posts and repetitions")
    parser.add_argument("--tiny", action="store_true", help="only to see that everything runs")
    parser.add_argument("--posts", type=int, help="a multiple of 100")
    parser.add_argument("-n", "--repeat", type=int)
    parser.add_argument("--job", action="append", choices=names, help="only this; repeatable")
    parser.add_argument("--profile", action="store_true", help="only the stages of our jobs")
    asked = parser.parse_args()
    size = TINY if asked.tiny else QUICK if asked.quick else FULL
    size = replace(size, posts=asked.posts or size.posts, repeat=asked.repeat or size.repeat)
    if not 100 <= size.posts <= _MOST or size.posts % 100:  # noqa: PLR2004 - a page
        parser.error(f"--posts must be a multiple of 100 up to {_MOST:,}")
    if size.repeat < 1:
        parser.error("--repeat must be 1 or more")
    tables.heading()
    if asked.profile:
        for job in asked.job or _PROFILED:
            tables.stages(job, stages_of(job, size))
        return
    tables.server()
    wanted = asked.job or names
    found = compare([name for name in wanted if name in JOBS], size)
    tables.jobs(found)
    measured = goals.of_jobs(found, size)
    for part in wanted:
        if part in goals.PARTS:
            measured += goals.PARTS[part](size)
    goals.show(measured)
    print(f"\nEnd: {tables.machine()}.")


if __name__ == "__main__":
    main()
