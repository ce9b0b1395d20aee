"""Pages → Arrow, many at once, without a Python object for each value.

``pyarrow.json`` reads the records of a group of pages in one call, strictly typed. It refuses most
of what it cannot hold; the rest of what it would get wrong is looked for here. Whatever is refused
or suspicious goes, page by page, the careful way.
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
from socialframe.frames.reference import Leaf, Tree, tree, typed, unknown
from socialframe.messages.call import WRAPPER, wrapped
from socialframe.schema.columns import EXTRA, Column, Schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from socialframe.messages.call import Page

_EXACT = float(1 << 53)  # from here on a double may stand for more than one integer
# Arrow holds moments that Python's datetime does not; both paths refuse them alike.
_MOMENTS = (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999))  # noqa: DTZ001 - as UTC
_DAYS = (date(1, 1, 1), date(9999, 12, 31))


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """The fast way does not dare to read these pages."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The typed rows of a group of pages.

    Parameters
    ----------
    rows : pyarrow.RecordBatch
        Columns of the schema, not exploded, ``_extra`` last.
    counts : list of int
        How many rows each page has.
    """

    rows: pa.RecordBatch
    counts: list[int]


class Decoder:
    """Types the pages of one walk.

    Parameters
    ----------
    schema : Schema
        The columns; an explode is not its business.

    Examples
    --------
    >>> from socialframe.schema.columns import Column, Schema
    >>> from socialframe.messages.call import Call, Page, Reply
    >>> columns = (Column(name="id", path="id", type="id", meaning="The post."),)
    >>> page = Page(Call("/v1/posts"), None, {}, b'[{"id": "a"}, {"id": 7, "x": null}]', "posts")
    >>> Decoder(Schema(columns))([page]).rows.to_pylist()
    [{'id': 'a', '_extra': None}, {'id': '7', '_extra': '{"/id":7,"/x":null}'}]
    """

    def __init__(self, schema: Schema) -> None:
        self._columns = schema.columns
        self._tree = tree(schema.columns)
        self._arrow = pa.schema(
            [
                *(pa.field(column.name, column.arrow) for column in schema.columns),
                pa.field(EXTRA, pa.string()),
            ]
        )
        self._wire = pa.schema([(WRAPPER, pa.list_(_wire(self._tree)))])
        self._drifting = False  # whether the last group held unknown fields

    def __call__(self, pages: Sequence[Page]) -> Batch:
        """Return the rows of some pages.

        Raises
        ------
        ReplyError
            If the records of a page are not valid JSON.
        """
        batch = self._fast(pages)
        if batch is not None:
            return batch
        if len(pages) == 1:
            return self._careful(pages[0])
        half = len(pages) // 2
        one, other = self(pages[:half]), self(pages[half:])
        rows = pa.concat_batches([one.rows, other.rows])
        return Batch(rows, one.counts + other.counts)

    def _fast(self, pages: Sequence[Page]) -> Batch | None:
        text = wrapped(pages)
        drifting = self._drifting
        lists = self._read(text, "ignore" if drifting else "error")
        if lists is None and not drifting:
            drifting, lists = True, self._read(text, "ignore")
        # Fewer or more lists than pages: one of them was not exactly one JSON text.
        if lists is None or len(lists) != len(pages) or lists.null_count:
            return None
        counts = lists.value_lengths().to_pylist()
        try:
            arrays = self._arrays(lists.flatten())
            extras = self._extras(pages, counts) if drifting else [None] * sum(counts)
        except (_Refused, ReplyError, pa.ArrowException):
            return None
        self._drifting = any(extra is not None for extra in extras)
        arrays.append(pa.array(extras, pa.string()))
        return Batch(pa.RecordBatch.from_arrays(arrays, schema=self._arrow), counts)

    def _arrays(self, records: pa.StructArray) -> list[pa.Array]:
        if records.null_count:
            raise _Refused
        arrays = [_pick(records, column) for column in self._columns]
        if not all(_sound(array) for array in arrays):
            raise _Refused
        return arrays

    def _extras(self, pages: Sequence[Page], counts: list[int]) -> list[str | None]:
        extras: list[str | None] = []
        for page, count in zip(pages, counts, strict=True):
            found = unknown(page.records(exact=True), self._tree)
            if len(found) != count:
                raise _Refused
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
            lists = table.column(WRAPPER).combine_chunks()
            lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
            lists.validate(full=True)  # invalid UTF-8 passes the reader in silence
        except pa.ArrowException:
            return None
        return lists

    def _careful(self, page: Page) -> Batch:
        records = page.records(exact=True)
        rows, extras = typed(records, self._tree)
        arrays = [
            pa.array([row.get(column.name) for row in rows], column.arrow)
            for column in self._columns
        ]
        arrays.append(pa.array(extras, pa.string()))
        return Batch(pa.RecordBatch.from_arrays(arrays, schema=self._arrow), [len(records)])


def _wire(names: Tree) -> pa.StructType:
    """Return the type of a record as the API nests and names it."""
    fields = []
    for name, node in names.items():
        if not isinstance(node, Leaf):
            fields.append(pa.field(name, _wire(node)))
            continue
        inner = _wire(node.fields) if node.fields is not None else None
        column = node.column
        if inner is not None:
            fields.append(pa.field(name, pa.list_(inner) if column.is_list else inner))
        elif column.element == "date":  # Arrow's reader would take a number for a day since 1970
            fields.append(pa.field(name, pa.list_(pa.string()) if column.is_list else pa.string()))
        else:
            fields.append(pa.field(name, column.arrow))
    return pa.struct(fields)


def _pick(records: pa.StructArray, column: Column) -> pa.Array:
    """Return a column out of the records, with our names inside."""
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


def _sound(array: pa.Array) -> bool:
    """Whether the array holds nothing that Arrow read otherwise than the careful path would."""
    kind = array.type
    if pa.types.is_list(kind):
        return _sound(array.flatten())
    if pa.types.is_struct(kind):
        return all(_sound(child) for child in array.flatten())
    if pa.types.is_floating(kind):  # also false for NaN, which JSON does not have
        return pc.all(pc.less(pc.abs(array), _EXACT)).as_py() is not False
    if pa.types.is_timestamp(kind):
        low, high = (pa.scalar(moment, pa.timestamp("us")).cast(kind) for moment in _MOMENTS)
    elif pa.types.is_date(kind):
        low, high = (pa.scalar(day, kind) for day in _DAYS)
    else:
        return True
    within = pc.and_(pc.greater_equal(array, low), pc.less_equal(array, high))
    return pc.all(within).as_py() is not False
