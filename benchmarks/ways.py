"""One job, one way, in a fresh process; prints what it took, as JSON.

    python benchmarks/ways.py parquet socialframe --port 8000 --posts 100000 --folder /tmp/somewhere

``seconds`` and ``cpu`` (seconds too) are those of the job alone, imports excluded;
``peak_rss_mib`` is that of the whole process.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from task import Task

if TYPE_CHECKING:
    import pandas as pd

SOCIALFRAME, FLOOR = "socialframe", "floor"
#: Module of each way; each has a function for each of its jobs.
WAYS = {
    FLOOR: "way_floor",
    SOCIALFRAME: "way_socialframe",
    "json_normalize": "way_normalize",
    "duckdb, saved pages": "way_duckdb",
}
#: Function of each job, and the ways that do it.
JOBS = {
    "frame": ("frame", tuple(WAYS)),
    "frame, drift": ("frame", (FLOOR, SOCIALFRAME)),
    "row a target": ("targets", (SOCIALFRAME, "json_normalize")),
    "parquet": ("parquet", tuple(WAYS)),
}


def run(job: str, way: str, task: Task) -> dict[str, Any]:
    """Do a job and measure it.

    Parameters
    ----------
    job, way : str
        Keys of ``JOBS`` and ``WAYS``.
    task : Task
        Where from and where to.

    Returns
    -------
    dict
        ``seconds``, ``cpu``, ``rows``, ``posts`` (distinct ids among them), ``peak_rss_mib``.
    """
    function = getattr(importlib.import_module(WAYS[way]), JOBS[job][0])
    started, spent = time.perf_counter(), time.process_time()
    made = function(task)
    seconds, cpu = time.perf_counter() - started, time.process_time() - spent
    # Linux counts KiB. Taken here: counting the rows must not count.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows, posts = _counted(made)
    return {"seconds": seconds, "cpu": cpu, "rows": rows, "posts": posts, "peak_rss_mib": peak}


def _counted(made: pd.DataFrame | Path) -> tuple[int, int]:
    if isinstance(made, Path):
        from pyarrow import parquet as pq

        ids = pq.read_table(made, columns=["id"]).column("id")
        return len(ids), len(ids.unique())
    return len(made), made["id"].nunique()


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Do one job one way, and measure it.")
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--posts", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="saved pages; output goes there")
    asked = parser.parse_args()
    task = Task(asked.port, asked.posts // 100, asked.folder, asked.folder / "out.parquet")
    print(json.dumps(run(asked.job, asked.way, task)))


if __name__ == "__main__":
    main()
