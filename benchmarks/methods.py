"""Runs one job with one method, and prints the measurement as JSON.

    python benchmarks/methods.py parquet socialframe --port 8000 --posts 100 --folder /tmp/bench

``seconds`` and ``cpu`` (processor seconds) are those of the job without imports; ``peak_rss_mib``
is that of the process.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs import JOBS, METHODS
from stages import Stages
from task import Task

if TYPE_CHECKING:
    import pandas as pd


def run(job: str, method: str, task: Task, *, by_stage: bool = False) -> dict[str, Any]:
    """Do a job and measure it.

    Parameters
    ----------
    job, method : str
        Keys of ``JOBS`` and ``METHODS``.
    task : Task
        Server and folder.
    by_stage : bool
        Whether to measure the stages too, which slows the job.

    Returns
    -------
    dict
        ``seconds``, ``cpu``, ``rows``, ``posts`` (distinct ids among them), ``peak_rss_mib``,
        ``before_mib`` (its part before the job), ``stages`` (processor seconds of each).
    """
    module = importlib.import_module(METHODS[method])
    function = getattr(module, JOBS[job].function)
    prepare = getattr(module, f"prepare_{JOBS[job].function}", None)
    if prepare is not None:
        prepare(task)
    stages, before = Stages(), _peak()
    started, spent = time.perf_counter(), time.process_time()
    with stages if by_stage else nullcontext():
        made = function(task)
    seconds, cpu = time.perf_counter() - started, time.process_time() - spent
    peak = _peak()  # before the rows are counted, which takes memory
    rows, posts = _counted(made)
    return {
        "seconds": seconds,
        "cpu": cpu,
        "rows": rows,
        "posts": posts,
        "peak_rss_mib": peak,
        "before_mib": before,
        "stages": stages.seconds,
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # in KiB on Linux


def _counted(made: pd.DataFrame | Path) -> tuple[int, int]:
    if isinstance(made, Path):
        from pyarrow import parquet as pq

        ids = pq.read_table(made, columns=["id"]).column("id")
        return len(ids), len(ids.unique())
    return len(made), made["id"].nunique()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Run one job with one method.")
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--posts", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="saved pages; output goes there")
    parser.add_argument("--stages", action="store_true", help="measure the stages too")
    asked = parser.parse_args()
    task = Task(asked.port, asked.posts // 100, asked.folder, asked.folder / "out.parquet")
    print(json.dumps(run(asked.job, asked.method, task, by_stage=asked.stages)))


if __name__ == "__main__":
    main()
