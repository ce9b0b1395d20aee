"""The fast decoder: converts pages to Arrow without a Python object for each value.

``pyarrow.json`` parses the records of several pages in one call, with strict types. It rejects most
values that it cannot hold; this module checks for the values that it would convert wrongly. Pages
that are rejected or fail the check go to the reference decoder, one page at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as pj

from socialframe.errors import ReplyError
from socialframe.frames.reference import Leaf, Tree, convert_records, tree, unknown_fields
from socialframe.messages.envelope import RECORDS_KEY, to_json_lines
from socialframe.schema.columns import EXTRA, Column, Schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from socialframe.messages.envelope import Page

# The first conversion imports pandas. In the thread that decodes, Ctrl-C could leave it waiting.
pa.array([])

_EXACT = float(1 << 53)  # a larger double may be the nearest of several integers
# Arrow has timestamps and dates outside the range of Python; both decoders reject them.
_TIMESTAMPS = (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999))  # noqa: DTZ001 - as UTC
_DATES = (date(1, 1, 1), date(9999, 12, 31))


class _RejectedError(Exception):
    """The fast decoder cannot decode these pages exactly."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of a group of pages."""

    rows: pa.RecordBatch  # columns of the schema, not exploded, and _extra
    counts: list[int]  # rows of each page
    others: int = 0  # records that are no objects


class Decoder:
    """Decodes the pages of one walk; it does not explode them."""

    def __init__(self, schema: Schema) -> None:
        self._columns = schema.columns
        self._tree = tree(schema.columns)
        self._arrow = pa.schema(
            [
                *(pa.field(column.name, column.arrow) for column in schema.columns),
                pa.field(EXTRA, pa.string()),
            ]
        )
        self._wire = pa.schema([(RECORDS_KEY, pa.list_(_wire_type(self._tree)))])
        self._drifting = False  # whether the last group had unknown fields

    def __call__(self, pages: Sequence[Page]) -> Batch:
        """Return the rows of pages; raise ReplyError if the records are not valid JSON."""
        batch = self._fast(pages)
        if batch is not None:
            return batch
        if len(pages) == 1:
            return self._by_reference(pages[0])
        half = len(pages) // 2
        one, other = self(pages[:half]), self(pages[half:])
        rows = pa.concat_batches([one.rows, other.rows])
        return Batch(rows, one.counts + other.counts, one.others + other.others)

    def _fast(self, pages: Sequence[Page]) -> Batch | None:
        text = to_json_lines(pages)
        drifting = self._drifting
        lists = self._read(text, "ignore" if drifting else "error")
        if lists is None and not drifting:
            drifting, lists = True, self._read(text, "ignore")
        # With fewer or more lists than pages, the records of a page were not one JSON text.
        if lists is None or len(lists) != len(pages) or lists.null_count:
            return None
        counts = lists.value_lengths().to_pylist()
        try:
            arrays = self._arrays(lists.flatten())
            extras = self._extras(pages, counts) if drifting else [None] * sum(counts)
        except (_RejectedError, ReplyError, pa.ArrowException):
            return None
        self._drifting = any(extra is not None for extra in extras)
        arrays.append(pa.array(extras, pa.string()))
        return Batch(pa.RecordBatch.from_arrays(arrays, schema=self._arrow), counts)

    def _arrays(self, records: pa.StructArray) -> list[pa.Array]:
        if records.null_count:
            raise _RejectedError
        arrays = [_pick(records, column) for column in self._columns]
        if not all(_is_exact(array) for array in arrays):
            raise _RejectedError
        return arrays

    def _extras(self, pages: Sequence[Page], counts: list[int]) -> list[str | None]:
        extras: list[str | None] = []
        for page, count in zip(pages, counts, strict=True):
            found = unknown_fields(page.records(exact=True), self._tree)
            if len(found) != count:
                raise _RejectedError
            extras += found
        return extras

    def _read(self, text: bytes, unexpected: str) -> pa.ListArray | None:
        try:
            table = pj.read_json(
                BytesIO(text),
                read_options=pj.ReadOptions(use_threads=False, block_size=len(text) + 64),
                parse_options=pj.ParseOptions(
                    explicit_schema=self._wire,
                    newlines_in_values=True,
                    unexpected_field_behavior=unexpected,
                ),
            )
            lists = table.column(RECORDS_KEY).combine_chunks()
            lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
            lists.validate(full=True)  # the reader accepts invalid UTF-8
        except pa.ArrowException:
            return None
        return lists

    def _by_reference(self, page: Page) -> Batch:
        records = page.records(exact=True)
        rows, extras = convert_records(records, self._tree)
        arrays = [
            pa.array([row.get(column.name) for row in rows], column.arrow)
            for column in self._columns
        ]
        arrays.append(pa.array(extras, pa.string()))
        others = sum(not isinstance(record, dict) for record in records)
        return Batch(pa.RecordBatch.from_arrays(arrays, schema=self._arrow), [len(records)], others)


def _wire_type(names: Tree) -> pa.StructType:
    """Return the Arrow type of a record with the names and the nesting of the API."""
    fields = []
    for name, node in names.items():
        if not isinstance(node, Leaf):
            fields.append(pa.field(name, _wire_type(node)))
            continue
        inner = _wire_type(node.fields) if node.fields is not None else None
        column = node.column
        if inner is not None:
            fields.append(pa.field(name, pa.list_(inner) if column.is_list else inner))
        elif column.element == "date":  # Arrow would read a number as days since 1970
            fields.append(pa.field(name, pa.list_(pa.string()) if column.is_list else pa.string()))
        else:
            fields.append(pa.field(name, column.arrow))
    return pa.struct(fields)


def _pick(records: pa.StructArray, column: Column) -> pa.Array:
    """Return a column of the records, with the names of the schema inside."""
    return _renamed(pc.struct_field(records, column.path.split(".")), column)


def _renamed(array: pa.Array, column: Column) -> pa.Array:
    if column.element == "date":
        return array.cast(column.arrow)
    if not column.fields:
        return array
    if column.is_list:
        entries = _entries(array.values, column)
        mask = array.is_null() if array.null_count else None
        return pa.ListArray.from_arrays(array.offsets, entries, mask=mask)
    return _entries(array, column)


def _entries(structs: pa.StructArray, column: Column) -> pa.StructArray:
    return pa.StructArray.from_arrays(
        [_pick(structs, field) for field in column.fields],
        fields=[pa.field(field.name, field.arrow) for field in column.fields],
        mask=structs.is_null() if structs.null_count else None,
    )


def _is_exact(array: pa.Array) -> bool:
    """Whether the reference decoder would return the same values."""
    kind = array.type
    if pa.types.is_list(kind):
        return _is_exact(array.flatten())
    if pa.types.is_struct(kind):
        return all(_is_exact(child) for child in array.flatten())
    if pa.types.is_floating(kind):  # false for NaN, too
        return pc.all(pc.less(pc.abs(array), _EXACT)).as_py() is not False
    if pa.types.is_timestamp(kind):
        low, high = (pa.scalar(one, pa.timestamp("us")).cast(kind) for one in _TIMESTAMPS)
    elif pa.types.is_date(kind):
        low, high = (pa.scalar(one, kind) for one in _DATES)
    else:
        return True
    within = pc.and_(pc.greater_equal(array, low), pc.less_equal(array, high))
    return pc.all(within).as_py() is not False
