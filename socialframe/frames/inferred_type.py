"""Chooses the Arrow type of the values observed at one place, and converts them.

The JSON type of nearly all values decides. A value of another type is odd: its row has null there,
and ``_extra`` has the value. Without such a type, each value becomes JSON text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from socialframe.frames.observed import JSON_TYPES, ObservedType
from socialframe.frames.reference import dumps, encodable, escaped, fits_float64, fits_int64, step

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.frames.reference import Extra

_MAX_ODD = 1 / 3  # of the values that are not empty; with more, there is no common type
_MAX_WIDTH = 1000  # fields in a struct, inner ones included; with more, it is a map
_FLAT = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
}


@dataclass(frozen=True, slots=True)
class InferredType:
    """The Arrow type of the values at one place, and the functions that convert them.

    ``careful`` takes a value, its JSON Pointer, and the ``_extra`` that receives odd values. If
    there are none, ``convert`` does the same faster.
    """

    arrow: pa.DataType
    has_odd: bool
    width: int  # fields of a struct, inner ones included
    convert: Callable[[Any], Any]
    careful: Callable[[Any, str, Extra], Any]


def infer_type(observed: ObservedType) -> InferredType:
    """Return the type of the observed values."""
    kind = _common_type(observed)
    has_odd = not observed.seen.keys() <= {kind, "null"}
    if kind == "array":
        return _list_type(infer_type(observed.item or ObservedType(observed.limits)), has_odd)
    if kind == "object" and observed.members and not observed.is_map:
        members = {name: infer_type(member) for name, member in observed.members.items()}
        if sum(member.width for member in members.values()) <= _MAX_WIDTH:
            return _struct_type(members, has_odd or not observed.encodable_names)
    if kind in _FLAT:
        if kind == "number":
            has_odd = not observed.seen.keys() <= {"integer", "number", "null"}
            has_odd = has_odd or observed.inexact > 0
        elif kind == "integer":
            has_odd = has_odd or observed.wide > 0
        elif kind == "string":
            has_odd = has_odd or not observed.encodable
        convert = _float if kind == "number" else same
        return InferredType(_FLAT[kind], has_odd, 1, convert, _CAREFUL[kind])
    return InferredType(
        arrow=pa.string(),
        has_odd=False,
        width=1,
        convert=_json_text,
        careful=lambda value, *_: _json_text(value),
    )


def _common_type(observed: ObservedType) -> str:
    """Return the JSON type of nearly all values; ``json`` if there is none.

    Empty strings, lists and objects do not count beside other values: APIs send each of them for
    "nothing", whatever the type.
    """
    counts = {name: n for name, n in observed.seen.items() if name != "null"}
    filled = {name: n - observed.empty.get(name, 0) for name, n in counts.items()}
    if not any(filled.values()):
        return "json" if len(counts) > 1 else next(iter(counts), "null")
    total = sum(filled.values())
    if "number" in filled:
        filled["number"] += filled.pop("integer", 0) - observed.inexact
    elif "integer" in filled:
        filled["integer"] -= observed.wide
    kind = max(filled, key=lambda name: filled[name])
    return kind if total - filled[kind] <= _MAX_ODD * total else "json"


def _list_type(item: InferredType, has_odd: bool) -> InferredType:
    convert, careful = item.convert, item.careful

    def convert_list(value: list[Any] | None) -> list[Any] | None:
        return None if value is None else [convert(entry) for entry in value]

    def careful_list(value: Any, pointer: str, extra: Extra) -> Any:  # noqa: ANN401
        if isinstance(value, list):
            return [careful(entry, f"{pointer}/{i}", extra) for i, entry in enumerate(value)]
        return _odd(value, pointer, extra)

    arrow = pa.list_(item.arrow)
    return InferredType(arrow, has_odd or item.has_odd, item.width, convert_list, careful_list)


def _struct_type(members: dict[str, InferredType], has_odd: bool) -> InferredType:
    converters = [(name, member.convert) for name, member in members.items()]

    def convert_struct(value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is None:
            return None
        return {name: convert(value.get(name)) for name, convert in converters}

    def careful_struct(value: Any, pointer: str, extra: Extra) -> Any:  # noqa: ANN401
        if not isinstance(value, dict):
            return _odd(value, pointer, extra)
        row = {}
        for name, inner in value.items():
            below = pointer + step(name)
            member = members.get(name)
            if member is None:  # its name is not valid UTF-8
                extra[below] = inner
            else:
                row[name] = member.careful(inner, below, extra)
        return row

    arrow = pa.struct([pa.field(name, member.arrow) for name, member in members.items()])
    has_odd = has_odd or any(member.has_odd for member in members.values())
    width = sum(member.width for member in members.values())
    return InferredType(arrow, has_odd, width, convert_struct, careful_struct)


def same(value: Any) -> Any:  # noqa: ANN401 - JSON is any value
    """Return the value: Arrow converts it."""
    return value


def _float(value: float | None) -> float | None:
    # Arrow refuses an integer above 2**53 as a double, also one that is exact.
    return None if value is None else float(value)


def _json_text(value: Any) -> str | None:  # noqa: ANN401 - JSON is any value
    return None if value is None else dumps(value)


def _odd(value: Any, pointer: str, extra: Extra) -> Any:  # noqa: ANN401 - JSON is any value
    """Add a value that is not null to _extra; return null."""
    if value is not None:
        extra[pointer] = value
    return None


def _careful(*names: str) -> Callable[[Any, str, Extra], Any]:
    """Return the function that keeps values of some JSON types."""

    def careful(value: Any, pointer: str, extra: Extra) -> Any:  # noqa: ANN401
        if value is not None and JSON_TYPES.get(type(value)) in names:
            return value
        return _odd(value, pointer, extra)

    return careful


def _careful_integer(value: Any, pointer: str, extra: Extra) -> Any:  # noqa: ANN401
    return value if fits_int64(value) else _odd(value, pointer, extra)


def _careful_number(value: Any, pointer: str, extra: Extra) -> Any:  # noqa: ANN401
    return float(value) if fits_float64(value) else _odd(value, pointer, extra)


def _careful_string(value: Any, pointer: str, extra: Extra) -> Any:  # noqa: ANN401
    if not isinstance(value, str):
        return _odd(value, pointer, extra)
    if encodable(value):
        return value
    extra[pointer] = value
    return escaped(value)


_CAREFUL: dict[str, Callable[[Any, str, Extra], Any]] = {
    "null": _careful(),
    "boolean": _careful("boolean"),
    "integer": _careful_integer,
    "number": _careful_number,
    "string": _careful_string,
}
