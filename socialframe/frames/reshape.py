"""Explodes lists into rows, and converts Arrow to pandas."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from socialframe.frames.reference import dumps, step

if TYPE_CHECKING:
    from socialframe.schema.columns import Column, Schema

CREATOR = "socialframe"  # in the pandas metadata of files that queries write
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
    """Return one row for each entry of the exploded lists; an empty list keeps one row of nulls.

    The rows have the columns before the first explode; without an explode they are returned
    unchanged.
    """
    before = replace(schema, exploded=())
    for name in schema.exploded:
        after = before._after_explode(name)
        rows = _explode(rows, before[name], after)
        before = after
    return rows


def _explode(rows: pa.RecordBatch, listed: Column, after: Schema) -> pa.RecordBatch:
    lists = rows.column(listed.name)
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    repeats = np.maximum(counts, 1)
    parents = np.repeat(np.arange(len(counts)), repeats)
    position = np.arange(len(parents)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    is_empty = np.repeat(counts == 0, repeats)
    entry = np.repeat(np.cumsum(counts) - counts, repeats) + position
    entries = lists.flatten().take(pa.array(entry, pa.int64(), mask=is_empty))
    others = rows.drop_columns([listed.name]).take(pa.array(parents))
    arrays = [*others.columns[:-1], pa.array(position, pa.int64(), mask=is_empty)]
    arrays += entries.flatten() if pa.types.is_struct(entries.type) else [entries]
    extras = _own_extras(others, arrays[len(others.columns) - 1], listed.path.split("."))
    return pa.RecordBatch.from_arrays([*arrays, extras], schema=after.arrow)


def _own_extras(others: pa.RecordBatch, position: pa.Int64Array, path: list[str]) -> pa.StringArray:
    """Return the ``_extra`` of exploded rows without the values of other entries of the list.

    ``others`` has the columns before the explode, with the positions in earlier lists; ``path``
    leads to the list.
    """
    extras = others.columns[-1]
    if extras.null_count == len(extras):
        return extras
    start = "".join(map(step, takewhile(lambda name: name[:1] != "\0", path))) + "/"
    has_others = pc.and_kleene(pc.match_substring(extras, f'"{start}'), position.is_valid())
    rows = pc.indices_nonzero(pc.fill_null(has_others, fill_value=False)).to_pylist()
    if not rows:
        return extras
    texts = extras.to_pylist()
    for row in rows:
        places = (
            f"/{others.column(name[1:])[row]}" if name[:1] == "\0" else step(name) for name in path
        )
        above = "".join(places) + "/"
        own = f"{above}{position[row].as_py()}"
        found = json.loads(texts[row])
        kept = {
            pointer: value
            for pointer, value in found.items()
            if not pointer.startswith(above) or f"{pointer}/".startswith(f"{own}/")
        }
        texts[row] = dumps(kept) if kept else None
    return pa.array(texts, pa.string())


def to_pandas(table: pa.Table, attrs: dict[str, Any] | None = None) -> pd.DataFrame:
    """Return a table as a DataFrame with the declared dtypes.

    Integers and booleans become nullable pandas dtypes, text ``str``, timestamps
    ``datetime64[us, UTC]``, days their midnight without a time zone. Lists, structs and decimals
    keep their Arrow type. If the table has the metadata of a file that pandas wrote, the metadata
    decides for flat columns. ``attrs`` becomes ``df.attrs["socialframe"]``.
    """
    metadata = json.loads((table.schema.metadata or {}).get(b"pandas", "{}"))
    by_pandas = bool(metadata) and metadata.get("creator", {}).get("library") != CREATOR
    if metadata and not by_pandas:
        table = table.replace_schema_metadata(None)
    if not by_pandas:
        for i, field in enumerate(table.schema):
            if pa.types.is_date(field.type):
                moment = field.with_type(pa.timestamp("us"))
                table = table.set_column(i, moment, table.column(i).cast(moment.type))
    frame: pd.DataFrame = table.to_pandas(
        types_mapper=_arrow_dtype if by_pandas else _dtype,
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
