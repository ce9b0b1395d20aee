"""Suggests the line of Python that declares a column for observed values.

A suggested type is tested with the reference decoder, so the column holds each observed value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from socialframe.frames.observed import Limits, ObservedType
from socialframe.frames.reference import encodable
from socialframe.schema.columns import EXTRA, Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MAX_NAMES = 50  # an object with more names is a mapping: its names are values
LIMITS = Limits(depth=9, names=_MAX_NAMES, formats=("date", "timestamp"))
_KEY = re.compile(r"(?<![A-Za-z])sk_")


def column_type(observed: ObservedType) -> str:
    """Return the type of a column that holds each observed value; empty if there is none."""
    kind = observed.kind
    if kind == "array" and observed.item is not None:
        item = "" if observed.item.kind == "array" else column_type(observed.item)
        return f"list<{item}>" if item else ""
    if kind == "object":
        return "struct" if not observed.is_map and _fields(observed) else ""
    if kind == "string":
        return next(iter(observed.formats), "string" if observed.encodable else "")
    if kind == "integer" and not observed.wide:
        return "int64"
    if kind in {"integer", "number"}:
        return "float64" if not observed.inexact else ""
    return "bool" if kind == "boolean" else ""


def reason_for_no_type(observed: ObservedType) -> str:
    """Return why no type holds each observed value."""
    if observed.kind == "null":
        return "only null was observed"
    if observed.kind == "object" and observed.is_map:
        return f"objects with more than {_MAX_NAMES} names"
    return f"no type holds each observed value: {observed.types}"


def suggest_column(
    observed: ObservedType, path: Sequence[str], taken: Iterable[str]
) -> Column | None:
    """Return the column at a path that holds each observed value, None if there is none.

    ``taken`` has the names of other columns.
    """
    kind = column_type(observed)
    if not kind or not all(map(is_path_name, path)):
        return None
    name = column_name(path, taken)
    if kind == "string" and (name == "id" or name.endswith("_id")):
        kind = "id"
    holder = observed.item if kind.startswith("list<") else observed
    fields = _fields(holder) if holder is not None and "struct" in kind else ()
    return Column(name=name, path=".".join(path), type=kind, meaning="", fields=fields)


def _fields(observed: ObservedType) -> tuple[Column, ...]:
    """Return the columns of the members of an object; a member without a type is left out."""
    found: list[Column] = []
    for name, member in observed.members.items():
        column = suggest_column(member, [name], [one.name for one in found])
        found += [column] if column else []
    return tuple(found)


def is_path_name(name: str) -> bool:
    """Whether a column's path can have a name: it has no dot and does not look like a key."""
    return "." not in name and encodable(name) and not _KEY.search(name)


def display_name(name: str) -> str:
    """Return a name in valid UTF-8, with API keys hidden."""
    if _KEY.search(name):
        return "sk_…"
    return name if encodable(name) else name.encode("utf-8", "backslashreplace").decode()


def column_name(path: Sequence[str], taken: Iterable[str]) -> str:
    """Return the shortest free name for the value at a path, in snake_case."""
    refused = {EXTRA, *taken}
    short, whole = _snake(path[-1]), _snake("_".join(path))
    names = [short, whole, *(f"{whole}_{n}" for n in range(2, len(refused) + 4))]
    return next(name for name in names if name not in refused)


def _snake(name: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"\W+", "_", parted).strip("_").lower() or "field"


def column_code(column: Column) -> str:
    """Return the Python code of a column."""
    members = {name: getattr(column, name) for name in ("name", "path", "type", "meaning")}
    words = [f"{name}={_quoted(text)}" for name, text in members.items()]
    if column.fields:
        words.append(f"fields=({', '.join(map(column_code, column.fields))},)")
    return f"Column({', '.join(words)})"


def _quoted(text: str) -> str:
    return repr(text) if '"' in text else f'"{repr(text)[1:-1]}"'
