"""Polars reads pages that are saved on disk: the time without fetching."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from task import Task


def frame(task: Task) -> pd.DataFrame:
    """Return all posts."""
    made: pd.DataFrame = _posts(task).to_pandas(use_pyarrow_extension_array=True)
    return made


def parquet(task: Task) -> Path:
    """Write all posts."""
    _posts(task).write_parquet(task.out, compression="zstd", compression_level=1)
    return task.out


def _posts(task: Task) -> pl.DataFrame:
    bodies = (path.read_bytes() for path in sorted(task.saved.glob("*.json")))
    lines = pl.read_ndjson(b"\n".join(bodies))
    return lines.select(pl.col("posts").explode()).unnest("posts")
