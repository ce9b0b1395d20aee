"""CSV and JSON Lines: streamed, whole or not there."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv

from socialframe.files.atomic import first_schema, replacing

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable


def write_csv(path: str | os.PathLike[str], batches: Iterable[pa.RecordBatch]) -> None:
    """Write rows as CSV in UTF-8, with a header; nested values as JSON text.

    Parameters
    ----------
    path : path
        Where it goes.
    batches : iterable of pyarrow.RecordBatch
        The rows, in at least one batch. It is begun when the file is open.

    Raises
    ------
    FileError
        If the file cannot be written. Nothing is left behind.
    """
    with replacing(path) as file:
        schema, batches = first_schema(batches)
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
    """Write rows as JSON Lines in UTF-8: one object a line, nested values nested.

    Parameters
    ----------
    path : path
        Where it goes.
    batches : iterable of pyarrow.RecordBatch
        The rows.

    Raises
    ------
    FileError
        If the file cannot be written. Nothing is left behind.
    """
    with replacing(path) as file:
        for batch in batches:
            file.writelines(dumps(row).encode() + b"\n" for row in batch.to_pylist())


def _text(array: pa.Array) -> pa.Array:
    if not pa.types.is_nested(array.type):
        return array
    texts = [None if value is None else dumps(value) for value in array.to_pylist()]
    return pa.array(texts, pa.string())


def dumps(value: Any) -> str:  # noqa: ANN401 - JSON is any value
    """Return a value as JSON text, moments as ISO 8601, and null where JSON has no number."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_moment, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=_moment)


def _finite(value: Any) -> Any:  # noqa: ANN401 - JSON is any value
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
