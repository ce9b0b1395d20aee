"""Collects what the values at one place in the records have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from socialframe.frames.reference import Leaf, convert, encodable, fits_float64, fits_int64
from socialframe.schema.columns import Column

_EXACT = 1 << 53  # up to here each integer is exact as a double
_DAY_LENGTH = 10
JSON_TYPES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}
_LEAVES = {
    kind: Leaf(Column(name=kind, path=kind, type=kind, meaning=""), None)
    for kind in ("date", "timestamp")
}


class Limits(NamedTuple):
    """Limits: nested depth, members of an object, column types to test on text."""

    depth: int
    names: int
    formats: tuple[str, ...]


@dataclass(slots=True)
class ObservedType:
    """JSON types, list items and object members of the values at one place.

    ``kind`` is the JSON type that all values share; ``number`` for integers and numbers, ``null``
    if there is no other value, ``json`` if nothing is shared or the values are nested too deeply.
    """

    limits: Limits
    kind: str = "null"
    seen: dict[str, int] = field(default_factory=dict)  # values of each JSON type
    empty: dict[str, int] = field(default_factory=dict)  # empty strings, lists and objects
    inexact: int = 0  # integers that are not exact as a double
    wide: int = 0  # integers that do not fit 64 bits
    encodable: bool = True  # each string is valid in UTF-8
    encodable_names: bool = True  # each member name is
    formats: tuple[str, ...] = ()  # those that hold each string
    item: ObservedType | None = None
    members: dict[str, ObservedType] = field(default_factory=dict)

    def observe_all(self, values: list[Any]) -> None:
        """Add values; fast if all are numbers, booleans, null or usual text."""
        types = {*map(type, values)}
        name = JSON_TYPES.get(types.pop(), "") if len(types) == 1 else ""
        if name == "string" and (self.limits.formats or not all(values)):
            name = ""
        if name in {"", "array", "object"} or (name == "string" and not "".join(values).isascii()):
            for value in values:
                self.observe(value)
            return
        if not self.seen.get(name):
            self._add_type(name)
        self.seen[name] = self.seen.get(name, 0) + len(values)
        if name == "integer" and not -_EXACT <= min(values) <= max(values) <= _EXACT:
            for value in values:
                self._observe_integer(value)

    def observe(self, value: Any, depth: int = 0) -> None:  # noqa: ANN401 - JSON is any value
        """Add one value."""
        name = JSON_TYPES.get(type(value), "string") if depth < self.limits.depth else "json"
        count = self.seen.get(name, 0)
        if not count:
            self._add_type(name)
        self.seen[name] = count + 1
        if name == "integer":
            self._observe_integer(value)
        elif name in {"string", "array", "object"}:
            if not value:
                self.empty[name] = self.empty.get(name, 0) + 1
            if name == "string":
                self._observe_string(value)
            elif name == "array":
                item = self.item = self.item or ObservedType(self.limits)
                for entry in value:
                    item.observe(entry, depth + 1)
            elif not self.is_map:
                self._observe_object(value, depth + 1)

    def _add_type(self, name: str) -> None:
        if name == "string":
            self.formats = self.limits.formats
        if self.kind == "null":
            self.kind = name
        elif name not in {"null", self.kind}:
            self.kind = "number" if {self.kind, name} == {"integer", "number"} else "json"

    def _observe_object(self, value: dict[str, Any], depth: int) -> None:
        for name, inner in value.items():
            member = self.members.get(name)
            if member is None:
                if self.is_map:
                    return
                if not (name.isascii() or encodable(name)):
                    self.encodable_names = False
                    continue
                member = self.members[name] = ObservedType(self.limits)
            member.observe(inner, depth)

    @property
    def is_map(self) -> bool:
        """Whether there are so many names that they are data."""
        return len(self.members) > self.limits.names

    def _observe_integer(self, value: int) -> None:
        if not -_EXACT <= value <= _EXACT:
            self.inexact += not fits_float64(value)
            self.wide += not fits_int64(value)

    def _observe_string(self, value: str) -> None:
        if not (value.isascii() or encodable(value)):
            self.encodable = False
        if self.formats:
            self.formats = tuple(kind for kind in self.formats if _fits(kind, value))

    @property
    def types(self) -> str:
        """The JSON types of the values, as text."""
        return ", ".join(name for name in JSON_TYPES.values() if name in self.seen)


def _fits(kind: str, value: Any) -> bool:  # noqa: ANN401 - JSON is any value
    if value[4:5] != "-" or (kind == "date" and len(value) > _DAY_LENGTH):
        return False  # most APIs send text such as 20260203 as an id, not as a moment
    extra: dict[str, Any] = {}
    convert(value, _LEAVES[kind], "", extra)
    return not extra
