"""Rows that are here already, into a file; nothing is fetched again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socialframe.errors import ArgumentError
from socialframe.files.atomic import expand_user

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from socialframe.schema.columns import Schema

KINDS = {"parquet": "Parquet", "csv": "CSV", "jsonl": "JSON Lines"}
TARGETS = "platforms"


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that was written."""

    path: Path
    size: int
    rows: int


def has_targets(schema: Schema) -> bool:
    """Whether rows of this have targets.

    Examples
    --------
    >>> import socialframe as sf
    >>> has_targets(sf.Client.sandbox().posts().columns)
    True
    """
    return TARGETS in schema.names


def save(
    frame: pd.DataFrame,
    schema: Schema,
    path: str | os.PathLike[str],
    kind: str,
    *,
    targets: bool = False,
) -> Saved:
    """Write a frame of a declared endpoint, as the query's own ``to_parquet`` … would.

    Parameters
    ----------
    frame : pandas.DataFrame
        As the query gave it.
    schema : Schema
        Its columns.
    path : path
        Where it goes.
    kind : {"parquet", "csv", "jsonl"}
        What it is.
    targets : bool
        One row a target in place of one a post.

    Returns
    -------
    Saved

    Raises
    ------
    ArgumentError
        If the path is empty, or there are no targets.
    FileError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile, socialframe as sf
    >>> query = sf.Client.sandbox().posts().limit(20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(query.frame(), query.columns, f"{folder}/p.csv", "csv").rows
    20
    """
    from socialframe.files.parquet import write_parquet
    from socialframe.files.text import write_csv, write_jsonl

    if not os.fsdecode(path).strip():
        raise ArgumentError("Say where the file goes, as posts.parquet.")
    batch = _batch(frame, schema, targets=targets)
    if kind == "parquet":
        facts: dict[str, Any] = {**frame.attrs.get("socialframe", {}), "rows": batch.num_rows}
        write_parquet(path, [batch], lambda: facts)
    else:
        (write_csv if kind == "csv" else write_jsonl)(path, [batch])
    where = expand_user(path)
    return Saved(where, where.stat().st_size, batch.num_rows)


def _batch(frame: pd.DataFrame, schema: Schema, *, targets: bool) -> pa.RecordBatch:
    import pyarrow as pa

    from socialframe.frames import explode

    table = pa.Table.from_pandas(frame, schema=schema.arrow, preserve_index=False)
    columns = [column.combine_chunks() for column in table.columns]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema.arrow)
    if not targets or schema.exploded:
        return batch
    if not has_targets(schema):
        raise ArgumentError("These rows have no targets; save one row a record.")
    return explode(batch, schema.explode(TARGETS))
