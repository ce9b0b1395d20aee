"""Collects what the values at one place in the records have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from socialframe.frames.reference import Leaf, convert, dumps, encodable
from socialframe.schema.columns import Column

if TYPE_CHECKING:
    from collections.abc import Callable

_EXACT = 1 << 53  # up to here each integer is exact as a double
_INT64 = 1 << 63
_JSON_TYPES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}
_FLAT = {"boolean": pa.bool_(), "integer": pa.int64(), "number": pa.float64()}
_LEAVES = {
    kind: Leaf(Column(name=kind, path=kind, type=kind, meaning=""), None)
    for kind in ("date", "timestamp", "float64")
}


class Limits(NamedTuple):
    """Limits: nested depth, members of an object, column types to test on text."""

    depth: int
    names: int | None
    formats: tuple[str, ...]


@dataclass(slots=True)
class ObservedType:
    """JSON types, number range, list items and object members of the values at one place.

    ``kind`` is the JSON type that all values share; ``number`` for integers and numbers, ``null``
    if there is no other value, ``json`` if nothing is shared or the values are nested too deeply.
    """

    limits: Limits
    kind: str = "null"
    seen: set[str] = field(default_factory=set)
    low: int = 0
    high: int = 0
    exact: bool = True  # each integer is exact as a double
    encodable: bool = True  # each string and each member name is valid in UTF-8
    formats: tuple[str, ...] = ()  # those that hold each string
    item: ObservedType | None = None
    members: dict[str, ObservedType] = field(default_factory=dict)

    def observe(self, value: Any, depth: int = 0) -> None:  # noqa: ANN401 - JSON is any value
        """Add one value."""
        name = _JSON_TYPES.get(type(value), "string") if depth < self.limits.depth else "json"
        if name not in self.seen:
            self._add_type(name)
        if self.kind == "json" or name == "null":
            return
        if name == "integer":
            self._observe_integer(value)
        elif name == "string":
            self._observe_string(value)
        elif name == "array":
            item = self.item = self.item or ObservedType(self.limits)
            for entry in value:
                item.observe(entry, depth + 1)
        elif name == "object":
            for key, inner in value.items():
                member = self.members.get(key) or self._add_member(key)
                if member is not None:
                    member.observe(inner, depth + 1)

    def _add_type(self, name: str) -> None:
        self.seen.add(name)
        if name == "string":
            self.formats = self.limits.formats
        if self.kind == "null":
            self.kind = name
        elif name not in {"null", self.kind}:
            self.kind = "number" if {self.kind, name} == {"integer", "number"} else "json"

    def _add_member(self, name: str) -> ObservedType | None:
        if self.limits.names is not None and len(self.members) > self.limits.names:
            return None
        if not (name.isascii() or encodable(name)):
            self.encodable = False
        member = self.members[name] = ObservedType(self.limits)
        return member

    def _observe_integer(self, value: int) -> None:
        if value < self.low:
            self.low = value
        elif value > self.high:
            self.high = value
        if not -_EXACT <= value <= _EXACT:
            self.exact = self.exact and _fits("float64", value)

    def _observe_string(self, value: str) -> None:
        if not (value.isascii() or encodable(value)):
            self.encodable = False
        if self.formats:
            self.formats = tuple(kind for kind in self.formats if _fits(kind, value))

    @property
    def types(self) -> str:
        """The JSON types of the values, as text."""
        return ", ".join(name for name in _JSON_TYPES.values() if name in self.seen)

    @property
    def is_int64(self) -> bool:
        """Whether each integer fits 64 bits."""
        return self.low >= -_INT64 and self.high < _INT64

    @property
    def _arrow_kind(self) -> str:
        """The kind that Arrow can hold; ``json`` means JSON text."""
        kind = self.kind
        if kind == "integer":
            holds = self.is_int64
        elif kind == "number":
            holds = self.low >= -_EXACT and self.high <= _EXACT
        elif kind == "object":  # no file format has structs without members
            holds = self.encodable and bool(self.members)
        else:
            holds = self.encodable
        return kind if holds else "json"

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type that holds each value."""
        kind = self._arrow_kind
        if kind == "array":
            return pa.list_(self._items.arrow)
        if kind == "object":
            members = self.members.items()
            return pa.struct([pa.field(name, observed.arrow) for name, observed in members])
        return _FLAT.get(kind, pa.string())

    @property
    def _items(self) -> ObservedType:
        return self.item or ObservedType(self.limits)

    def converter(self) -> Callable[[Any], Any]:
        """Return the function that converts a value for its Arrow type."""
        kind = self._arrow_kind
        if kind == "json":
            return lambda value: None if value is None else dumps(value)
        if kind == "array":
            item = self._items.converter()
            return lambda value: None if value is None else [item(entry) for entry in value]
        if kind == "object":
            members = [(name, observed.converter()) for name, observed in self.members.items()]
            return lambda value: (
                None
                if value is None
                else {name: member(value.get(name)) for name, member in members}
            )
        return lambda value: value


def _fits(kind: str, value: Any) -> bool:  # noqa: ANN401 - JSON is any value
    if kind == "timestamp" and value[4:5] != "-":
        return False  # Python reads 20260203 as a date, and most APIs send it as an id
    extra: dict[str, Any] = {}
    convert(value, _LEAVES[kind], "", extra)
    return not extra
