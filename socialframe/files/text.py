"""Writes CSV and JSON Lines, streamed and atomically."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyarrow import csv

from socialframe.files.atomic import atomic_write, peek_schema
from socialframe.frames.nested import dumps, flatten

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    import pyarrow as pa


def write_csv(path: str | os.PathLike[str], batches: Iterable[pa.RecordBatch]) -> None:
    """Write rows as CSV in UTF-8 with a header; nested values are JSON text.

    There must be at least one batch. Iteration starts after the file is open.
    """
    with atomic_write(path) as file:
        schema, flat = peek_schema(flatten(batch, "json") for batch in batches)
        with csv.CSVWriter(file, schema) as writer:
            for batch in flat:
                writer.write_batch(batch)


def write_jsonl(path: str | os.PathLike[str], batches: Iterable[pa.RecordBatch]) -> None:
    """Write rows as JSON Lines in UTF-8: one object a line."""
    with atomic_write(path) as file:
        for batch in batches:
            file.writelines(dumps(row).encode() + b"\n" for row in batch.to_pylist())
