"""Values that nobody declared → the line of Python that would declare them.

Each type is tried on each value by the careful path itself (``careful.hold``): a column that is
made by such a line holds every value that was seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from socialframe.frames.reference import Leaf, encodable, hold
from socialframe.schema.columns import EXTRA, Column

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_KINDS = ("bool", "int64", "float64", "date", "timestamp", "string")  # the first that fits
_LEAVES = {kind: Leaf(Column(name=kind, path=kind, type=kind, meaning=""), None) for kind in _KINDS}
_MANY = 50  # an object of more names than that is a mapping, whose names are values
_DEEP = 8
_JSON = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}
_KEY = re.compile(r"(?<![A-Za-z])sk_")


@dataclass(slots=True)
class Shape:
    """What the values of one place have in common so far.

    Examples
    --------
    >>> shape = Shape()
    >>> for value in (1, None, 2.5):
    ...     shape.see(value)
    >>> shape.types, shape.type
    ('integer, number, null', 'float64')
    """

    seen: set[str] = field(default_factory=set)
    kinds: tuple[str, ...] = _KINDS  # those that hold every plain value
    item: Shape | None = None
    fields: dict[str, Shape] = field(default_factory=dict)

    def see(self, value: Any, depth: int = 0) -> None:  # noqa: ANN401 - JSON is any value
        """Take one more value in."""
        name = _JSON[type(value)]
        self.seen.add(name)
        if name == "array":
            self.item = self.item or Shape()
            for entry in value if depth < _DEEP else ():
                self.item.see(entry, depth + 1)
        elif name == "object":
            for key, inner in value.items() if depth < _DEEP else ():
                if key in self.fields or len(self.fields) <= _MANY:
                    self.fields.setdefault(key, Shape()).see(inner, depth + 1)
        elif name != "null" and not (self.kinds == ("string",) and name == "string" and value):
            self.kinds = tuple(kind for kind in self.kinds if _holds(kind, value))
        elif name == "string" and not (value.isascii() or encodable(value)):
            self.kinds = ()

    @property
    def types(self) -> str:
        """The JSON types that were seen; an integer is told apart from a number."""
        return ", ".join(name for name in _JSON.values() if name in self.seen)

    @property
    def type(self) -> str:
        """The type of a column that holds every value, in our words; empty where there is none."""
        seen = self.seen - {"null"}
        if seen == {"array"} and self.item is not None:
            kind = "" if self.item.seen & {"array"} else self.item.type
            return f"list<{kind}>" if kind else ""
        if seen == {"object"}:
            return "struct" if len(self.fields) <= _MANY and self.columns() else ""
        if not seen or seen & {"array", "object"}:
            return ""
        return self.kinds[0] if self.kinds else ""

    @property
    def why_not(self) -> str:
        """Why there is no such type."""
        if self.seen <= {"null"}:
            return "only null was seen"
        if len(self.fields) > _MANY:
            return f"objects of more than {_MANY} names"
        return f"no type holds all that was seen: {self.types}"

    def column(self, path: Sequence[str], taken: Iterable[str]) -> Column | None:
        """Return the column that holds every value, None where there is none.

        Parameters
        ----------
        path : sequence of str
            The API's names that lead to it.
        taken : iterable of str
            Names that it cannot have.
        """
        kind = self.type
        if not kind or not all(map(leads, path)):
            return None
        name = named(path, taken)
        if kind == "string" and (name == "id" or name.endswith("_id")):
            kind = "id"
        held = self.item if kind.startswith("list<") else self
        fields = held.columns() if held is not None and "struct" in kind else ()
        return Column(name=name, path=".".join(path), type=kind, meaning="", fields=fields)

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of an object's members, of those that a column can hold."""
        found: list[Column] = []
        for name, shape in self.fields.items():
            column = shape.column([name], [one.name for one in found])
            found += [column] if column else []
        return tuple(found)


def _holds(kind: str, value: Any) -> bool:  # noqa: ANN401 - JSON is any value
    if kind == "int64" and isinstance(value, float):
        return False  # 5.0 fits, but who sends it will send 5.5
    if kind == "timestamp" and (not isinstance(value, str) or value[4:5] != "-"):
        return False  # 20260203 is one for Python, and an id for most others
    extra: dict[str, Any] = {}
    hold(value, _LEAVES[kind], "", extra)
    return not extra


def leads(name: str) -> bool:
    """Whether a column's path can lead through a name; not one with a dot, nor one like a key."""
    return "." not in name and encodable(name) and not _KEY.search(name)


def shown(name: str) -> str:
    """Return a name as it can be shown to anybody."""
    if _KEY.search(name):
        return "sk_…"
    return name if encodable(name) else name.encode("utf-8", "backslashreplace").decode()


def named(path: Sequence[str], taken: Iterable[str]) -> str:
    """Return our name for what stands at a path: snake_case, as short as is free.

    Examples
    --------
    >>> named(["account", "dataPoints"], []), named(["account", "id"], ["id"])
    ('data_points', 'account_id')
    """
    refused = {EXTRA, *taken}
    short, whole = _snake(path[-1]), _snake("_".join(path))
    names = [short, whole, *(f"{whole}_{n}" for n in range(2, len(refused) + 4))]
    return next(name for name in names if name not in refused)


def _snake(name: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"\W+", "_", parted).strip("_").lower() or "field"


def line(column: Column) -> str:
    """Return the Python that makes a column.

    Examples
    --------
    >>> line(Column(name="likes", path="metrics.likes", type="int64", meaning=""))
    'Column(name="likes", path="metrics.likes", type="int64", meaning="")'
    """
    told = {name: getattr(column, name) for name in ("name", "path", "type", "meaning")}
    words = [f"{name}={_quoted(text)}" for name, text in told.items()]
    if column.fields:
        words.append(f"fields=({', '.join(map(line, column.fields))},)")
    return f"Column({', '.join(words)})"


def _quoted(text: str) -> str:
    return repr(text) if '"' in text else f'"{repr(text)[1:-1]}"'
