"""Does every job with every method once, and compares each value with the reference decoder.

python benchmarks/check.py --posts 500          # socialframe, the floor and plain httpx
python benchmarks/check.py --posts 500 --all    # also the other packages
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import re
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from jobs import DLT_PIPELINE, JOBS, METHODS, OURS, SOCIALFRAME, Job
from pages import Pages
from pyarrow import parquet as pq
from server import servers
from task import Task

import socialframe as sf
from socialframe.frames import Decoder, explode
from socialframe.frames.reshape import to_pandas
from socialframe.messages.call import Call, Reply
from socialframe.messages.envelope import split_reply

Row = dict[str, Any]

#: Columns that only socialframe has.
_OWN = {"_extra", "target_position"}
#: dlt puts lists into tables of their own.
_LISTS = {"tags", "media_items", "platforms"}


def report(posts: int, methods: tuple[str, ...] = OURS) -> None:
    """Print a line for each method of each job; raise AssertionError if a value differs.

    Parameters
    ----------
    posts : int
        Number of posts.
    methods : tuple of str
        Which methods, of those of the jobs.
    """
    with servers(dict.fromkeys(JOBS, posts)) as ports:
        for name, job in JOBS.items():
            table = _reference(posts, job.data, by_target=job.function == "targets")
            pages = _pages(posts, job.data)
            expected = _sorted(_records(pages) if job.data == "wide" else table.to_pylist())
            for method in job.methods:
                if method in methods:
                    made = _made(job, method, ports[name], pages)
                    if method == SOCIALFRAME and job.data != "wide":
                        pd.testing.assert_frame_equal(made, to_pandas(table))
                    _compare(made, expected, without=_LISTS if method == DLT_PIPELINE else set())
                    print(f"{name} / {method}: {len(expected)} rows are equal")


def _made(job: Job, method: str, port: int, pages: Pages) -> pd.DataFrame:
    module = importlib.import_module(METHODS[method])
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for number in range(1, pages.count + 1):
            Path(folder, f"{number:06d}.json").write_bytes(pages.body(number))
        task = Task(port, pages.count, Path(folder), Path(folder, "out.parquet"))
        for step in (f"prepare_{job.function}", job.function):
            made: Any = getattr(module, step, lambda _: None)(task)
        if method == SOCIALFRAME and isinstance(made, Path):
            return sf.read_parquet(made)
        if isinstance(made, Path):
            made = pq.read_table(made).to_pandas(types_mapper=pd.ArrowDtype)
        assert isinstance(made, pd.DataFrame)
        return made


def _records(pages: Pages) -> list[Row]:
    bodies = (json.loads(pages.body(number)) for number in range(1, pages.count + 1))
    return [_plain(post) for body in bodies for post in body["posts"]]


@cache
def _pages(posts: int, data: str) -> Pages:
    return Pages(posts, data)


@cache
def _reference(posts: int, data: str, *, by_target: bool) -> pa.Table:
    """Return the rows as the reference decoder converts them, one value at a time."""
    pages = _pages(posts, data)
    query = sf.Client.sandbox().posts()
    plan = (query.explode("platforms") if by_target else query)._plan
    decoder, rows = Decoder(plan.endpoint.schema), []
    for number in range(1, pages.count + 1):
        reply = Reply(200, {}, pages.body(number), datetime.now(UTC))
        page = split_reply(Call("/v1/posts"), reply, "posts")
        rows.append(explode(decoder._by_reference(page).rows, plan.schema))
    return pa.Table.from_batches(rows)


def _compare(made: pd.DataFrame, expected: list[Row], *, without: set[str]) -> None:
    """Compare each value of the expected rows; the made ones may have more columns."""
    rows = _sorted([_plain(row) for row in made.to_dict("records")])
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        for name in wanted.keys() - without - (_OWN - row.keys()):
            value = row.get(name)
            assert _same(value, wanted[name]), f"{name}: {value!r} instead of {wanted[name]!r}"


def _sorted(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: str(row["id"]))  # stable: the targets keep their order


def _plain(value: Any) -> Any:  # noqa: ANN401 - a cell of any method
    """Return a cell as Python's own types, with the column names of socialframe."""
    if isinstance(value, dict):
        return {_snake(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(each) for each in value]
    if isinstance(value, str | int):
        return value
    if pd.isna(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _same(value: Any, wanted: Any) -> bool:  # noqa: ANN401 - cells
    if value == wanted:
        return True
    if isinstance(value, dict) and isinstance(wanted, dict):
        return all(_same(value.get(name), each) for name, each in wanted.items())
    if isinstance(value, list) and isinstance(wanted, list):
        return len(value) == len(wanted) and all(map(_same, value, wanted))
    if isinstance(value, datetime) != isinstance(wanted, datetime):  # one of them is text
        return value is not None and wanted is not None and _moment(value) == _moment(wanted)
    return False


def _moment(value: str | datetime) -> datetime:
    return _parsed(value) if isinstance(value, str) else value


_parsed = cache(datetime.fromisoformat)


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Compare the values of all methods.")
    parser.add_argument("--posts", type=int, default=500)
    parser.add_argument("--all", action="store_true", help="also the other packages")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        names = ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")
        os.environ |= dict.fromkeys(names, home)
        report(asked.posts, tuple(METHODS) if asked.all else OURS)


if __name__ == "__main__":
    main()
