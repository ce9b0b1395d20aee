"""duckdb reads pages that are saved on disk: the time without fetching."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

    from task import Task


def frame(task: Task) -> pd.DataFrame:
    """Return all posts; Arrow avoids Python objects for nested columns."""
    relation: Any = duckdb.sql(_query(task))
    table = relation.to_arrow_table()
    made: pd.DataFrame = table.to_pandas(types_mapper=_dtype, split_blocks=True)
    return made


wide = frame


def parquet(task: Task) -> Path:
    """Write all posts."""
    duckdb.execute(
        f"COPY ({_query(task)}) TO '{task.out}' "
        "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
    )
    return task.out


def _query(task: Task) -> str:
    # It infers the types; it is eight times slower if they are declared.
    pages = f"read_json('{task.saved}/*.json')"
    return f"SELECT unnest(posts, max_depth := 2) FROM {pages}"  # noqa: S608 - our own folder


def _dtype(kind: pa.DataType) -> pd.ArrowDtype | None:
    return pd.ArrowDtype(kind) if pa.types.is_nested(kind) else None
