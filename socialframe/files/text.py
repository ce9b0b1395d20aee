"""Writes CSV and JSON Lines, streamed and atomically."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv

from socialframe.files.atomic import atomic_write, peek_schema

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable


def write_csv(path: str | os.PathLike[str], batches: Iterable[pa.RecordBatch]) -> None:
    """Write rows as CSV in UTF-8 with a header; nested values are JSON text.

    There must be at least one batch. Iteration starts after the file is open.
    """
    with atomic_write(path) as file:
        schema, batches = peek_schema(batches)
        flat = pa.schema(
            [
                pa.field(field.name, pa.string()) if pa.types.is_nested(field.type) else field
                for field in schema
            ]
        )
        with csv.CSVWriter(file, flat) as writer:
            for batch in batches:
                arrays = [_text(array) for array in batch.columns]
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=flat))


def write_jsonl(path: str | os.PathLike[str], batches: Iterable[pa.RecordBatch]) -> None:
    """Write rows as JSON Lines in UTF-8: one object a line."""
    with atomic_write(path) as file:
        for batch in batches:
            file.writelines(dumps(row).encode() + b"\n" for row in batch.to_pylist())


def _text(array: pa.Array) -> pa.Array:
    if not pa.types.is_nested(array.type):
        return array
    texts = [None if value is None else dumps(value) for value in array.to_pylist()]
    return pa.array(texts, pa.string())


def dumps(value: Any) -> str:  # noqa: ANN401 - JSON is any value
    """Return a value as JSON text: timestamps as ISO 8601, NaN and infinities as null."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_isoformat, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=_isoformat)


def _finite(value: Any) -> Any:  # noqa: ANN401 - JSON is any value
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _isoformat(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
