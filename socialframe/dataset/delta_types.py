"""Maps Arrow types that Delta does not have, and back; finds the union of two schemas.

Delta has no unsigned integers, times, durations, half floats, wide decimals or empty structs. The
type before the mapping is stored in the metadata of the field, so that readers of the dataset get
it back; other readers get the mapped type. A column that is always null has no type in Delta and is
left out until it has a value.
"""

from __future__ import annotations

import base64
import json
from datetime import time

import pyarrow as pa
import pyarrow.compute as pc

from socialframe.errors import DatasetError
from socialframe.schema.columns import EXTRA

_ORIGINAL = b"socialframe.type"
_WIDE = 38  # digits of the widest decimal of Delta
_SIMPLE = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.null(): pa.string(),
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
}


def delta_type(kind: pa.DataType) -> pa.DataType:
    """Return the type with which Delta stores values of a type.

    Examples
    --------
    >>> delta_type(pa.list_(pa.uint64()))
    ListType(list<item: decimal128(20, 0)>)
    """
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if _is_text_in_delta(kind):
        return pa.string()
    if pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    if pa.types.is_dictionary(kind):
        return delta_type(kind.value_type)
    return _nested_type(kind) if pa.types.is_nested(kind) else kind


def _is_text_in_delta(kind: pa.DataType) -> bool:
    wide = pa.types.is_decimal(kind) and kind.precision > _WIDE
    empty = pa.types.is_struct(kind) and not kind.num_fields
    return wide or empty or pa.types.is_time(kind)


def _nested_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(one.name, delta_type(one.type)) for one in kind])
    if pa.types.is_map(kind):
        return pa.map_(delta_type(kind.key_type), delta_type(kind.item_type))
    return pa.list_(delta_type(kind.value_type))


def to_delta(table: pa.Table) -> pa.Table:
    """Return a table with types that Delta has; columns of type null are left out."""
    arrays, fields = [], []
    for field in table.schema:
        if pa.types.is_null(field.type):
            continue
        kind = delta_type(field.type)
        column = table.column(field.name).combine_chunks()
        arrays.append(_convert(column, kind))
        mapped = pa.field(field.name, kind)
        fields.append(mapped if kind == field.type else mapped.with_metadata(_note(field.type)))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def from_delta(table: pa.Table) -> pa.Table:
    """Return a table of a Delta table with the types before the mapping."""
    arrays, fields = [], []
    for field in table.schema:
        noted = _noted(field)
        kind = _plain(field.type) if noted is None else noted  # an empty struct is false
        column = table.column(field.name)
        arrays.append(column if kind == field.type else _convert(column.combine_chunks(), kind))
        fields.append(pa.field(field.name, kind))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def union(old: pa.Schema, new: pa.Schema, *, retype: bool) -> pa.Schema:
    """Return the columns of both, ``_extra`` last.

    If a column has two types, ``retype`` takes the new one; otherwise the error says so.
    """
    fields = {field.name: field for field in old}
    for field in new:
        before = fields.get(field.name)
        if before is not None and not _same(before.type, field.type) and not retype:
            raise DatasetError(
                f"The column {field.name!r} had the type {before.type} and now has {field.type}. "
                "refresh(full=True) writes all rows with the new type."
            )
        fields[field.name] = field
    extra = fields.pop(EXTRA, None)
    return pa.schema([*fields.values(), *([extra] if extra is not None else [])])


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with the columns of a schema; columns that it lacks are null."""
    arrays = []
    for field in schema:
        if field.name not in table.schema.names:
            arrays.append(pa.nulls(len(table), field.type))
            continue
        column = table.column(field.name)
        if not _same(column.type, field.type):
            arrays.append(_cast(column.combine_chunks(), field.type))
        else:
            arrays.append(column if column.type == field.type else column.cast(field.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def as_text(schema: pa.Schema, new: pa.Schema) -> pa.Schema:
    """Return a schema whose columns are text where another schema has other types for them."""
    kinds = {field.name: field.type for field in new}
    return pa.schema(
        [
            field
            if _same(kinds.get(field.name, field.type), field.type)
            else pa.field(field.name, pa.string())
            for field in schema
        ]
    )


def _same(one: pa.DataType, other: pa.DataType) -> bool:
    return bool(delta_type(one) == delta_type(other))


def _plain(kind: pa.DataType) -> pa.DataType:
    """Return a type of a reader with the names that this package writes in lists."""
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(one.name, _plain(one.type)) for one in kind])
    return delta_type(kind) if kind in _SIMPLE and not pa.types.is_unsigned_integer(kind) else kind


def _note(kind: pa.DataType) -> dict[bytes, bytes]:
    text = pa.schema([pa.field("", kind)]).serialize().to_pybytes()
    return {_ORIGINAL: base64.b64encode(text)}


def _noted(field: pa.Field) -> pa.DataType | None:
    text = (field.metadata or {}).get(_ORIGINAL)
    if text is None:
        return None
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text))).field(0).type


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast to a type that is not the array's; values without a form in it become null."""
    if pa.types.is_string(kind):
        return pa.array([_text(value) for value in array.to_pylist()], kind)
    try:
        return array.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.nulls(len(array), kind)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _convert(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Convert values between a type and the type of Delta for it, in either direction."""
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks == 1 else pa.concat_arrays(array.chunks)
    given = array.type
    if given == kind:
        return array
    if pa.types.is_struct(given) or pa.types.is_struct(kind):
        return _convert_structs(array, kind)
    if pa.types.is_list(given) and pa.types.is_list(kind):
        array = pa.concat_arrays([array])  # without an offset
        values = _convert(array.values, kind.value_type)
        return pa.ListArray.from_arrays(array.offsets, values, type=kind, mask=array.is_null())
    if pa.types.is_string(given) and pa.types.is_time(kind):
        times = [None if text is None else time.fromisoformat(text) for text in array.to_pylist()]
        return pa.array(times, kind)
    if pa.types.is_null(kind):
        return pa.nulls(len(array))
    return array.cast(kind, safe=not pa.types.is_timestamp(kind))


def _convert_structs(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Convert structs; empty ones are the text ``{}`` in Delta."""
    valid = array.is_valid().to_pylist()
    if not pa.types.is_struct(kind):
        return pa.array(["{}" if one else None for one in valid], kind)
    if not kind.num_fields:
        return pa.array([{} if one else None for one in valid], kind)
    return pa.StructArray.from_arrays(
        [_convert(pc.struct_field(array, i), one.type) for i, one in enumerate(kind)],
        fields=list(kind),
        mask=array.is_null(),
    )
