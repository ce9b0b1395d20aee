"""Explodes lists into rows, and converts Arrow to pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from socialframe.schema.columns import Schema

_NULLABLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def explode(rows: pa.RecordBatch, schema: Schema) -> pa.RecordBatch:
    """Return one row for each entry of the exploded list; an empty list keeps one row of nulls.

    The rows have the columns before the explode; without an explode they are returned unchanged.
    """
    if not schema.exploded:
        return rows
    lists = rows.column(schema.exploded)
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    repeats = np.maximum(counts, 1)
    parents = np.repeat(np.arange(len(counts)), repeats)
    position = np.arange(len(parents)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    is_empty = np.repeat(counts == 0, repeats)
    entry = np.repeat(np.cumsum(counts) - counts, repeats) + position
    entries = lists.flatten().take(pa.array(entry, pa.int64(), mask=is_empty))
    others = rows.drop_columns([schema.exploded]).take(pa.array(parents))
    arrays = [*others.columns[:-1], pa.array(position, pa.int64(), mask=is_empty)]
    arrays += entries.flatten() if pa.types.is_struct(entries.type) else [entries]
    return pa.RecordBatch.from_arrays([*arrays, others.columns[-1]], schema=schema.arrow)


def to_pandas(table: pa.Table, attrs: dict[str, Any] | None = None) -> pd.DataFrame:
    """Return a table as a DataFrame with the declared dtypes.

    Integers and booleans become nullable pandas dtypes, text ``str``, timestamps
    ``datetime64[us, UTC]``. Lists, structs, dates and decimals keep their Arrow type. If the table
    has pandas metadata, as from a file that pandas wrote, the metadata decides for flat columns.
    ``attrs`` becomes ``df.attrs["socialframe"]``.
    """
    has_metadata = b"pandas" in (table.schema.metadata or {})
    frame: pd.DataFrame = table.to_pandas(
        types_mapper=_arrow_dtype if has_metadata else _dtype,
        split_blocks=True,
        integer_object_nulls=True,  # otherwise integers with nulls become doubles
    )
    if attrs is not None:
        frame.attrs["socialframe"] = attrs
    return frame


def _dtype(kind: pa.DataType) -> pd.api.extensions.ExtensionDtype | None:
    return _NULLABLE.get(kind) or _arrow_dtype(kind)


def _arrow_dtype(kind: pa.DataType) -> pd.ArrowDtype | None:
    kinds = (pa.types.is_nested, pa.types.is_date, pa.types.is_time, pa.types.is_decimal)
    return pd.ArrowDtype(kind) if any(is_kind(kind) for is_kind in kinds) else None
