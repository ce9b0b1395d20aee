"""The reference decoder: converts records one value at a time, slowly and correctly.

It defines what a schema means; ``decode`` does the same fast. No value is changed silently: if a
column cannot hold a value, the column is null and ``_extra`` has the value under its JSON Pointer.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from socialframe.errors import ArgumentError
from socialframe.messages.envelope import InexactNumber

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.schema.columns import Column

_NANOSECONDS = re.compile(r"[.,]\d{7}")  # more digits than microseconds have
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# JSON's grammar: a leading zero means that the digits are an id, and commas differ by country.
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,18})(\.0+)?", re.ASCII)
_DIGITS = re.compile(r"-?\d+", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_RFC_822 = re.compile(  # also the order that Twitter uses
    r"((mon|tue|wed|thu|fri|sat|sun)[a-z]*, *)?\d{1,2}[ -][a-z]{3}[ -]\d{4} \d\d:\d\d(:\d\d)? "
    r"([+-]\d{4}|z|utc?|gmt|[ecmp][sd]t)"
    r"|(mon|tue|wed|thu|fri|sat|sun) [a-z]{3} +\d{1,2} \d\d:\d\d:\d\d [+-]\d{4} \d{4}",
    re.IGNORECASE | re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Epoch seconds of 1973 to 2100, milliseconds and microseconds of 2001 to 2100. Digits outside these
# ranges may be a date such as 20260203 or 202602030915.
_EPOCHS = (
    (100_000_000, 4_102_444_800, 1_000_000),
    (1_000_000_000_000, 4_102_444_800_000, 1_000),
    (1_000_000_000_000_000, 4_102_444_800_000_000, 1),
)
_INT64 = 1 << 63
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Extra = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A column; with the tree of its fields if it is a struct or a list of structs."""

    column: Column
    fields: Tree | None


class Tree(dict[str, "Leaf | Tree"]):
    """Columns by the names of the API, nested as in a record."""

    @cached_property
    def flat(self) -> frozenset[str]:
        """Names of the columns without fields."""
        leaves = ((name, node) for name, node in self.items() if isinstance(node, Leaf))
        return frozenset(name for name, leaf in leaves if leaf.fields is None)


def tree(columns: tuple[Column, ...]) -> Tree:
    """Return the columns as a tree; raise ArgumentError if one path leads through another."""
    root = Tree()
    for column in columns:
        *parents, last = column.path.split(".")
        place = root
        for name in parents:
            inner = place.setdefault(name, Tree())
            if isinstance(inner, Leaf):
                raise ArgumentError(f"Column {column.name!r} is inside {inner.column.name!r}.")
            place = inner
        if last in place:
            raise ArgumentError(f"Two columns share the path {column.path!r}, or part of it.")
        place[last] = Leaf(column, tree(column.fields) if column.fields else None)
    return root


def convert_records(
    records: list[Any], columns: Tree
) -> tuple[list[dict[str, Any]], list[str | None]]:
    """Return the row and the ``_extra`` text of each record of ``Page.records(exact=True)``.

    A row has the values by column name; a missing name is null. ``_extra`` is a JSON object from
    JSON Pointer to value, in the order of the record.
    """
    rows, extras = [], []
    for record in records:
        extra: Extra = {}
        row: dict[str, Any] = {}
        if isinstance(record, dict):
            _struct(record, columns, "", extra, row)
        else:
            extra[""] = record
        rows.append(row)
        extras.append(dumps(extra) if extra else None)
    return rows, extras


def unknown_fields(records: list[Any], columns: Tree) -> list[str | None]:
    """Return the ``_extra`` text of records whose declared values fit their columns."""
    extras = []
    for record in records:
        extra: Extra = {}
        _unknown(record, columns, "", extra)
        extras.append(dumps(extra) if extra else None)
    return extras


def dumps(value: Any) -> str:  # noqa: ANN401 - JSON is any value
    """Return a value as JSON text that can be encoded in UTF-8."""
    text = _encode(value)
    return text if text.isascii() or encodable(text) else json.dumps(value, separators=(",", ":"))


def encodable(text: str) -> bool:
    """Whether a text can be encoded in UTF-8; one with a lone surrogate cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def escaped(text: str) -> str:
    """Return a text that can be encoded in UTF-8: a lone surrogate becomes its escape sequence."""
    return text.encode("utf-8", "backslashreplace").decode()


@lru_cache(maxsize=4096)
def step(name: str) -> str:
    """Return the name of a member as one step of a JSON Pointer."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _unknown(value: dict[str, Any], names: Tree, pointer: str, extra: Extra) -> None:
    flat = names.flat
    if value.keys() <= flat:
        return
    for name, inner in value.items():
        if name in flat:
            continue
        node, below = names.get(name), pointer + step(name)
        if node is None:
            extra[below] = inner
        elif not inner:
            continue
        elif isinstance(node, Tree):
            _unknown(inner, node, below, extra)
        elif node.fields is not None:
            entries = enumerate(inner) if node.column.is_list else [(None, inner)]
            for i, entry in entries:
                if entry and not entry.keys() <= node.fields.flat:
                    _unknown(entry, node.fields, below if i is None else f"{below}/{i}", extra)


def _struct(
    value: dict[str, Any], names: Tree, pointer: str, extra: Extra, row: dict[str, Any]
) -> dict[str, Any]:
    for name, inner in value.items():
        node, below = names.get(name), pointer + step(name)
        if node is None:
            extra[below] = inner
        elif inner is None:
            continue
        elif isinstance(node, Leaf):
            row[node.column.name] = convert(inner, node, below, extra)
        elif isinstance(inner, dict):
            _struct(inner, node, below, extra, row)
        else:
            extra[below] = inner
    return row


def convert(value: Any, leaf: Leaf, pointer: str, extra: Extra) -> Any:  # noqa: ANN401 - JSON
    """Return a value converted for its column; values that do not fit go into ``extra``."""
    if value is None:
        return None
    if not leaf.column.is_list:
        return _element(value, leaf, pointer, extra)
    if isinstance(value, list):
        return [_element(entry, leaf, f"{pointer}/{i}", extra) for i, entry in enumerate(value)]
    extra[pointer] = value
    return None


def _element(value: Any, leaf: Leaf, pointer: str, extra: Extra) -> Any:  # noqa: ANN401 - JSON
    if value is None:
        return None
    if leaf.column.element == "struct":
        if isinstance(value, dict):
            return _struct(value, leaf.fields or Tree(), pointer, extra, {})
        converted, exact = None, False
    else:
        converted, exact = _CONVERTERS[leaf.column.element](value)
    if not exact:
        extra[pointer] = value
    return converted


def fits_int64(value: object) -> bool:
    """Whether a value is an integer of 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64


def fits_float64(value: object) -> bool:
    """Whether a value is a double, or an integer that is exact as one."""
    if isinstance(value, float):
        return True
    try:
        return isinstance(value, int) and not isinstance(value, bool) and float(value) == value
    except OverflowError:
        return False


def _string(value: object) -> tuple[str | None, bool]:
    if not isinstance(value, str) or isinstance(value, InexactNumber):
        return None, False
    return (value, True) if encodable(value) else (escaped(value), False)


def _id(value: object) -> tuple[str | None, bool]:
    # If an integer id were null, rows could not be joined on it. So the column has its digits, and
    # _extra has the number.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value), False
    return _string(value)


def _int64(value: object) -> tuple[int | None, bool]:
    if isinstance(value, float) and value.is_integer():  # 1.0 and 1e3 are integers in JSON
        value = int(value)
    elif isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value.partition(".")[0])
    return (value, True) if fits_int64(value) else (None, False)  # type: ignore[return-value]


def _float64(value: object) -> tuple[float | None, bool]:
    if isinstance(value, str) and not isinstance(value, InexactNumber) and _NUMBER.fullmatch(value):
        number = float(value)
        exact = math.isfinite(number) and (not _DIGITS.fullmatch(value) or int(value) == number)
        return (number, True) if exact else (None, False)
    return (float(value), True) if fits_float64(value) else (None, False)  # type: ignore[arg-type]


def _bool(value: object) -> tuple[bool | None, bool]:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true", True
    return (value, True) if isinstance(value, bool) else (None, False)


def _timestamp(value: object) -> tuple[datetime | None, bool]:
    """Return the timestamp; without an offset it is UTC, as the API documents."""
    if isinstance(value, str) and not isinstance(value, InexactNumber):
        if not _NUMBER.fullmatch(value):
            return _parse_timestamp(value)
        moment, exact = _from_epoch(_float64(value)[0])
        return moment, exact and _NANOSECONDS.search(value) is None
    return (None, False) if isinstance(value, bool) else _from_epoch(value)


def _parse_timestamp(text: str) -> tuple[datetime | None, bool]:
    try:
        if _RFC_822.fullmatch(text):
            moment = parsedate_to_datetime(text)
        else:
            moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None, False
    return moment, _NANOSECONDS.search(text) is None


def _from_epoch(value: object) -> tuple[datetime | None, bool]:
    for low, high, microseconds in _EPOCHS if isinstance(value, int | float) else ():
        if low <= value < high:  # type: ignore[operator]
            since = timedelta(microseconds=round(value * microseconds))  # type: ignore[operator]
            return _EPOCH + since, since / timedelta(microseconds=microseconds) == value
    return None, False


def _date(value: object) -> tuple[date | None, bool]:
    """Return the day; a timestamp is a day if it is midnight in UTC."""
    if not isinstance(value, str) or not _DAY.match(value):
        return None, False
    moment, exact = _timestamp(value)
    is_day = exact and moment is not None and moment.isoformat() == f"{value[:10]}T00:00:00+00:00"
    return (moment.date(), True) if moment is not None and is_day else (None, False)


_CONVERTERS: dict[str, Callable[[Any], tuple[Any, bool]]] = {
    "id": _id,
    "string": _string,
    "int64": _int64,
    "float64": _float64,
    "bool": _bool,
    "timestamp": _timestamp,
    "date": _date,
}
