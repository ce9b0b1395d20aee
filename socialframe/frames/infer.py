"""Types that nobody declared: found over all rows, never at the price of a value.

Names stay as the API sent them. An integer column becomes floating only while every integer in it
is exact as a double; what fits no common type becomes JSON text; text stays text.
"""

from __future__ import annotations

import marshal
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from socialframe.frames.reference import Extra, Leaf, dumps, encodable, hold
from socialframe.schema.columns import EXTRA, Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SPOOL = 32 << 20  # bytes of records kept in memory before they go to a temporary file
_EXACT = 1 << 53
_INT64 = 1 << 63
_DEPTH = 24  # what lies deeper is JSON text
VALUE = "value"  # the column of records that are no objects


@dataclass(slots=True)
class Kind:
    """What the values of one place have in common so far.

    ``name`` is one of null, bool, int, float, text, list, struct, json.
    """

    name: str = "null"
    low: int = 0
    high: int = 0
    item: Kind | None = None
    fields: dict[str, Kind] = field(default_factory=dict)

    def see(self, value: Any, depth: int = 0) -> None:  # noqa: ANN401 - JSON is any value
        """Take one more value in."""
        name = _name(value) if depth < _DEPTH else "json"
        if name == "null" or self.name == "json":
            return
        self._widen(name)
        if name == "int":
            self.low, self.high = min(self.low, value), max(self.high, value)
        elif self.name == "list":
            self.item = self.item or Kind()
            for entry in value:
                self.item.see(entry, depth + 1)
        elif self.name == "struct":
            for key, inner in value.items():
                self.fields.setdefault(key, Kind()).see(inner, depth + 1)

    def _widen(self, name: str) -> None:
        if self.name == "null":
            self.name = name
        elif self.name != name:
            self.name = "float" if {self.name, name} == {"int", "float"} else "json"

    @property
    def settled(self) -> str:
        """The name, now that every value was seen."""
        if self.name == "int" and not (self.low >= -_INT64 and self.high < _INT64):
            return "json"
        if self.name == "float" and not (self.low >= -_EXACT and self.high <= _EXACT):
            return "json"
        if self.name == "struct" and not self.fields:  # no file format knows empty structs
            return "json"
        return self.name

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type that holds every value."""
        name = self.settled
        if name == "list":
            return pa.list_((self.item or Kind()).arrow)
        if name == "struct":
            return pa.struct([pa.field(key, kind.arrow) for key, kind in self.fields.items()])
        flat = {"bool": pa.bool_(), "int": pa.int64(), "float": pa.float64()}
        return flat.get(name, pa.string())

    def held(self, value: Any) -> Any:  # noqa: ANN401 - JSON is any value
        """Return a value as its Arrow type takes it."""
        name = self.settled
        if value is None:
            return None
        if name == "json":
            return dumps(value)
        if name == "list":
            item = self.item or Kind()
            return [item.held(entry) for entry in value]
        if name == "struct":
            return {key: kind.held(value.get(key)) for key, kind in self.fields.items()}
        return value


_NAMES = {type(None): "null", bool: "bool", int: "int", float: "float", list: "list"}


def _name(value: Any) -> str:  # noqa: ANN401 - JSON is any value, of seven kinds
    name = _NAMES.get(type(value))
    if name:
        return name
    if isinstance(value, str):
        return "text" if value.isascii() or encodable(value) else "json"
    return "struct" if all(name.isascii() or encodable(name) for name in value) else "json"


class Inferred:
    """The columns of records, as far as they were seen.

    Parameters
    ----------
    declared : mapping of str to str
        Types of some top-level columns, in our words; with any, ``_extra`` stands last and keeps
        what they cannot hold.

    Examples
    --------
    >>> inferred = Inferred({})
    >>> inferred.see([{"a": 1, "b": "x"}, {"a": 2.5}])
    >>> inferred.batch([{"a": 1, "b": "x"}, {"a": 2.5}]).to_pylist()
    [{'a': 1.0, 'b': 'x'}, {'a': 2.5, 'b': None}]
    """

    def __init__(self, declared: Mapping[str, str]) -> None:
        self._declared = {
            name: Leaf(Column(name=name, path=name, type=kind, meaning=""), None)
            for name, kind in declared.items()
        }
        self._kinds: dict[str, Kind] = {}

    def see(self, records: list[Any]) -> None:
        """Take more records in."""
        for record in records:
            for name, value in _members(record).items():
                if name == EXTRA and self._declared:
                    continue  # our own column; the member is kept in it
                self._kinds.setdefault(name, Kind()).see(value)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema that holds every record seen."""
        columns = [
            pa.field(
                name, self._declared[name].column.arrow if name in self._declared else kind.arrow
            )
            for name, kind in self._kinds.items()
        ]
        missing = [leaf.column for name, leaf in self._declared.items() if name not in self._kinds]
        columns += [pa.field(column.name, column.arrow) for column in missing]
        if self._declared:
            columns.append(pa.field(EXTRA, pa.string()))
        return pa.schema(columns)

    def batch(self, records: list[Any]) -> pa.RecordBatch:
        """Return records that were all seen, typed."""
        schema = self.schema
        values: dict[str, list[Any]] = {name: [] for name in schema.names}
        for record in records:
            members, extra = _members(record), Extra()
            for name in schema.names:
                value = members.get(name)
                if name in self._declared:
                    value = hold(value, self._declared[name], f"/{name}", extra)
                elif name in self._kinds:
                    value = self._kinds[name].held(value)
                elif name == EXTRA:
                    if EXTRA in members:
                        extra[f"/{EXTRA}"] = members[EXTRA]
                    value = dumps(extra) if extra else None
                values[name].append(value)
        arrays = [pa.array(values[one.name], one.type) for one in schema]
        if not arrays:  # records without any member: rows all the same
            return pa.RecordBatch.from_struct_array(pa.array(records, pa.struct([])))
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _members(record: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON is any value
    if not isinstance(record, dict):
        return {VALUE: record}
    if all(name.isascii() or encodable(name) for name in record):
        return record
    return {name if encodable(name) else dumps(name): value for name, value in record.items()}


def at_once(lists: Iterable[list[Any]], types: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Yield lists of records, typed by all of them; they wait in memory, or in a temporary file.

    Examples
    --------
    >>> [batch.schema.field("a").type for batch in at_once([[{"a": 1}], [{"a": 0.5}]], {})]
    [DataType(double), DataType(double), DataType(double)]
    """
    inferred = Inferred(types)
    kept = 0
    with tempfile.SpooledTemporaryFile(_SPOOL) as spool:
        for kept, records in enumerate(lists, 1):  # noqa: B007 - counted
            inferred.see(records)
            marshal.dump(records, spool)
        yield inferred.batch([])
        spool.seek(0)
        for _ in range(kept):
            yield inferred.batch(marshal.load(spool))  # noqa: S302 - written above


def by_page(lists: Iterable[list[Any]], types: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Yield lists of records, each typed by itself."""
    for records in lists:
        inferred = Inferred(types)
        inferred.see(records)
        yield inferred.batch(records)
