"""Infers column types from all rows, without losing a value.

Names stay as the API sent them, and text stays text. Few values of another type do not change the
type of the others: they are in ``_extra``.
"""

from __future__ import annotations

import marshal
import tempfile
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from socialframe.folders import temporary_folder_error
from socialframe.frames.inferred_type import infer_type, same
from socialframe.frames.observed import Limits, ObservedType
from socialframe.frames.reference import Leaf, convert, dumps, encodable, step
from socialframe.schema.columns import EXTRA, Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from socialframe.frames.reference import Extra

_SPOOL = 32 << 20  # bytes of records in memory; more go to a temporary file
# A deeper value becomes JSON text, and so does an object with more names: they are data.
_LIMITS = Limits(depth=24, names=200, formats=())
VALUE = "value"  # the column of records that are not objects


class Inferred:
    """The inferred columns of the records observed so far.

    ``declared`` has the types of some columns. The column ``_extra`` has the values that the
    columns cannot hold; it exists if there are declared types or such values.
    """

    def __init__(self, declared: Mapping[str, str]) -> None:
        self._declared = {
            name: Leaf(Column(name=name, path=name, type=kind, meaning=""), None)
            for name, kind in declared.items()
        }
        self._observed: dict[str, ObservedType] = {}
        self._columns: _Columns | None = None

    def observe(self, records: list[Any]) -> None:
        """Add records."""
        self._columns = None
        rows = self._members(records)
        for name in dict.fromkeys(chain.from_iterable(rows)):
            observed = self._observed.get(name)
            if observed is None:
                observed = self._observed[name] = ObservedType(_LIMITS)
            observed.observe_all([row[name] for row in rows if name in row])

    def _members(self, records: list[Any]) -> list[dict[str, Any]]:
        """Return the members of each record; the names can be encoded in UTF-8."""
        return [
            record
            if isinstance(record, dict) and record.keys() <= self._observed.keys()
            else _members(record)
            for record in records
        ]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema that holds each observed record."""
        return self._typed.schema

    @property
    def _typed(self) -> _Columns:
        if self._columns is None:
            self._columns = _columns(self._observed, self._declared)
        return self._columns

    def batch(self, records: list[Any]) -> pa.RecordBatch:
        """Return observed records as Arrow."""
        columns = self._typed
        schema = columns.schema
        if not schema.names:  # records without members are rows, too
            return pa.RecordBatch.from_struct_array(pa.array(records, pa.struct([])))
        values: dict[str, list[Any]] = {name: [] for name in schema.names}
        rows = self._members(records)
        for name, convert_value in columns.fast:
            column = [row.get(name) for row in rows]
            values[name] = column if convert_value is same else [*map(convert_value, column)]
        if columns.has_extra:
            for record, members in zip(records, rows, strict=True):
                extra: Extra = {}
                for name, (steps, pointer, careful) in columns.careful.items():
                    below = pointer if isinstance(record, dict) else ""
                    values[name].append(careful(_inner(members, steps), below, extra))
                if EXTRA in members:
                    extra[f"/{EXTRA}"] = members[EXTRA]
                values[EXTRA].append(dumps(extra) if extra else None)
        arrays = [pa.array(values[one.name], one.type) for one in schema]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


@dataclass(frozen=True, slots=True)
class _Columns:
    """The schema of the rows, and the functions that convert the values of each column."""

    schema: pa.Schema
    has_extra: bool
    fast: list[tuple[str, Callable[[Any], Any]]]
    # Columns with odd values: the names on the way to a value, its JSON Pointer, the function.
    careful: dict[str, tuple[list[str], str, Callable[[Any, str, Extra], Any]]]


def _columns(observed: dict[str, ObservedType], declared: dict[str, Leaf]) -> _Columns:
    types = {name: infer_type(one) for name, one in observed.items() if name not in declared}
    has_extra = bool(declared) or any(one.has_odd for one in types.values())
    extra = types.pop(EXTRA, None)  # a member of the API, not the column of socialframe
    careful = {
        name: ([name], step(name), one.careful) for name, one in types.items() if one.has_odd
    }
    for name, leaf in declared.items():
        steps = [name] if name in observed else name.split(".")
        careful[name] = (steps, "".join(map(step, steps)), partial(_convert, leaf))
    arrows = {name: one.arrow for name, one in types.items()}
    arrows |= {name: leaf.column.arrow for name, leaf in declared.items()}
    order = dict.fromkeys([*observed, *declared])
    arrows = {name: arrows[name] for name in order if name in arrows}
    fast = [(name, one.convert) for name, one in types.items() if not one.has_odd]
    if has_extra:
        arrows[EXTRA] = pa.string()
    elif extra is not None:
        arrows[EXTRA] = extra.arrow
        fast.append((EXTRA, extra.convert))
    return _Columns(pa.schema(list(arrows.items())), has_extra, fast, careful)


def _convert(leaf: Leaf, value: Any, pointer: str, extra: Extra) -> Any:  # noqa: ANN401
    return convert(value, leaf, pointer, extra)


def _inner(value: Any, steps: list[str]) -> Any:  # noqa: ANN401 - JSON is any value
    for name in steps:
        value = value.get(name) if isinstance(value, dict) else None
    return value


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
    sizes = []
    with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
        for records in lists:
            inferred.observe(records)
            try:
                sizes.append(spool.write(marshal.dumps(records)))
            except OSError as error:
                raise temporary_folder_error(error) from error
        yield inferred.batch([])
        spool.seek(0)
        for size in sizes:  # marshal.load reads a file in very small parts
            yield inferred.batch(marshal.loads(spool.read(size)))  # noqa: S302 - written above


def infer_each_page(
    lists: Iterable[list[Any]], types: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    """Yield lists of records, each with its own types."""
    for records in lists:
        inferred = Inferred(types)
        inferred.observe(records)
        yield inferred.batch(records)
