"""Does every job with every method once, and compares the values with the reference decoder.

python benchmarks/check.py --posts 500          # socialframe, the floor and plain httpx
python benchmarks/check.py --posts 500 --all    # also the other packages
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from jobs import JOBS, METHODS, OURS, SOCIALFRAME, Job
from pages import Pages
from server import serving
from task import Task

import socialframe as sf
from socialframe.frames import Decoder, explode
from socialframe.frames.reshape import to_pandas
from socialframe.messages.call import Call, Reply
from socialframe.messages.envelope import split_reply

_SHARED = ["id", "status", "content", "timezone"]  # columns with the same name in each method


def report(posts: int, methods: tuple[str, ...] = OURS) -> None:
    """Print a line for each method of each job; raise AssertionError if a value differs.

    Parameters
    ----------
    posts : int
        Number of posts.
    methods : tuple of str
        Which methods, of those of the jobs.
    """
    for name, job in JOBS.items():
        pages = Pages(posts, job.data)
        with serving(posts, job.data) as port:
            for method in job.methods:
                if method in methods:
                    made = _made(job, method, port, pages)
                    _compare_shared(made, pages, job)
                    if method == SOCIALFRAME and job.function != "wide":
                        pd.testing.assert_frame_equal(made, _reference(pages, job))
                    print(f"{name} / {method}: equal")


def _made(job: Job, method: str, port: int, pages: Pages) -> pd.DataFrame:
    module = importlib.import_module(METHODS[method])
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for number in range(1, pages.count + 1):
            Path(folder, f"{number:06d}.json").write_bytes(pages.body(number))
        task = Task(port, pages.count, Path(folder), Path(folder, "out.parquet"))
        for step in (f"prepare_{job.function}", job.function):
            made: Any = getattr(module, step, lambda _: None)(task)
        return sf.read_parquet(made) if isinstance(made, Path) else made


def _compare_shared(made: pd.DataFrame, pages: Pages, job: Job) -> None:
    bodies = (json.loads(pages.body(number)) for number in range(1, pages.count + 1))
    records = [post for body in bodies for post in body["posts"]]
    if job.function == "targets":
        records = [post for post in records for _ in post["platforms"]]
    values = [
        frame[_SHARED].astype(object).sort_values("id", kind="stable", ignore_index=True)
        for frame in (made, pd.DataFrame(records))
    ]
    ours, expected = (one.where(one.notna(), None) for one in values)
    pd.testing.assert_frame_equal(ours, expected)


def _reference(pages: Pages, job: Job) -> pd.DataFrame:
    """Return the rows as the reference decoder converts them, one value at a time."""
    query = sf.Client.sandbox().posts()
    plan = (query.explode("platforms") if job.function == "targets" else query)._plan
    decoder, rows = Decoder(plan.endpoint.schema), []
    for number in range(1, pages.count + 1):
        reply = Reply(200, {}, pages.body(number), datetime.now(UTC))
        page = split_reply(Call("/v1/posts"), reply, "posts")
        rows.append(explode(decoder._by_reference(page).rows, plan.schema))
    return to_pandas(pa.Table.from_batches(rows))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Compare the values of all methods.")
    parser.add_argument("--posts", type=int, default=500)
    parser.add_argument("--all", action="store_true", help="also the other packages")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        names = ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
        os.environ |= dict.fromkeys(names, home)
        report(asked.posts, tuple(METHODS) if asked.all else OURS)


if __name__ == "__main__":
    main()
