"""Converts lists and structs to JSON text, or leaves them out."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from socialframe.schema.columns import Nested


def flatten(rows: pa.RecordBatch, nested: Nested) -> pa.RecordBatch:
    """Return rows with their lists and structs as ``nested`` says."""
    places = [i for i, field in enumerate(rows.schema) if pa.types.is_nested(field.type)]
    if nested == "arrow" or not places:
        return rows
    if nested == "drop":
        return rows.drop_columns([rows.schema.field(i).name for i in places])
    for i in places:
        field = rows.schema.field(i).with_type(pa.string())
        rows = rows.set_column(i, field, _json_text(rows.column(i)))
    return rows


def _json_text(array: pa.Array) -> pa.StringArray:
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
