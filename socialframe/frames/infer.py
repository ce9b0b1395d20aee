"""Infers column types from all rows, without changing a value.

Names stay as the API sent them. An integer column becomes floating only if each integer in it is
exact as a double. Values without a common type become JSON text. Text stays text.
"""

from __future__ import annotations

import marshal
import tempfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from socialframe.frames.observed import Limits, ObservedType
from socialframe.frames.reference import Extra, Leaf, convert, dumps, encodable
from socialframe.schema.columns import EXTRA, Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SPOOL = 32 << 20  # bytes of records in memory; more go to a temporary file
_LIMITS = Limits(depth=24, names=None, formats=())  # a deeper value becomes JSON text
VALUE = "value"  # the column of records that are not objects


class Inferred:
    """The inferred columns of the records observed so far.

    ``declared`` has the types of some columns. If there are any, the column ``_extra`` has the
    values that they cannot hold.
    """

    def __init__(self, declared: Mapping[str, str]) -> None:
        self._declared = {
            name: Leaf(Column(name=name, path=name, type=kind, meaning=""), None)
            for name, kind in declared.items()
        }
        self._observed: dict[str, ObservedType] = {}

    def observe(self, records: list[Any]) -> None:
        """Add records."""
        for record in records:
            for name, value in _members(record).items():
                observed = self._observed.get(name)
                if observed is None:
                    if name == EXTRA and self._declared:
                        continue  # the member becomes a value in the column _extra
                    observed = self._observed[name] = ObservedType(_LIMITS)
                observed.observe(value)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema that holds each observed record."""
        declared = {name: leaf.column.arrow for name, leaf in self._declared.items()}
        types = {
            name: declared.get(name, observed.arrow) for name, observed in self._observed.items()
        }
        types |= declared
        if declared:
            types[EXTRA] = pa.string()
        return pa.schema(list(types.items()))

    def batch(self, records: list[Any]) -> pa.RecordBatch:
        """Return observed records as Arrow."""
        schema = self.schema
        if not schema.names:  # records without members are rows, too
            return pa.RecordBatch.from_struct_array(pa.array(records, pa.struct([])))
        values: dict[str, list[Any]] = {name: [] for name in schema.names}
        converters = {
            name: observed.converter()
            for name, observed in self._observed.items()
            if name not in self._declared
        }
        declared = {name: self._declared[name] for name in schema.names if name in self._declared}
        for record in records:
            members = _members(record)
            for name, converter in converters.items():
                values[name].append(converter(members.get(name)))
            if declared:
                _convert_declared(members, declared, values)
        arrays = [pa.array(values[one.name], one.type) for one in schema]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _convert_declared(
    members: dict[str, Any], declared: dict[str, Leaf], values: dict[str, list[Any]]
) -> None:
    extra = Extra()
    for name, leaf in declared.items():
        values[name].append(convert(members.get(name), leaf, f"/{name}", extra))
    if EXTRA in members:
        extra[f"/{EXTRA}"] = members[EXTRA]
    values[EXTRA].append(dumps(extra) if extra else None)


def _members(record: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON is any value
    if not isinstance(record, dict):
        return {VALUE: record}
    if all(name.isascii() or encodable(name) for name in record):
        return record
    return {name if encodable(name) else dumps(name): value for name, value in record.items()}


def infer_all(lists: Iterable[list[Any]], types: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Yield lists of records with the types of all of them.

    Until the last list arrives, the records are kept in memory or, if there are many, in a file.
    """
    inferred = Inferred(types)
    count = 0
    with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
        for count, records in enumerate(lists, 1):  # noqa: B007 - used after the loop
            inferred.observe(records)
            marshal.dump(records, spool)
        yield inferred.batch([])
        spool.seek(0)
        for _ in range(count):
            yield inferred.batch(marshal.load(spool))  # noqa: S302 - written above


def infer_each_page(
    lists: Iterable[list[Any]], types: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    """Yield lists of records, each with its own types."""
    for records in lists:
        inferred = Inferred(types)
        inferred.observe(records)
        yield inferred.batch(records)
