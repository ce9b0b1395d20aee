"""Columns: what a row is made of, where each value stands in a record, and what it means."""

from __future__ import annotations

import hashlib
import html
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from socialframe.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

Origin = Literal["documented", "example", "sibling", "unknown"]

EXTRA = "_extra"

#: Our words for types, and the pandas dtype a frame has for each.
DTYPES = {
    "id": "str",
    "string": "str",
    "int64": "Int64",
    "float64": "float64",
    "bool": "boolean",
    "timestamp": "datetime64[us, UTC]",
    "date": "date32[day][pyarrow]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of an endpoint, or one field of a nested column.

    Parameters
    ----------
    name : str
        Our name, snake_case.
    path : str
        Where the value stands in a record: the API's names, dotted.
    type : str
        ``id`` (text; an integer is kept as its digits), ``string``, ``int64``, ``float64``,
        ``bool``, ``timestamp`` (UTC, microseconds), ``date``, ``struct``, or a list of one of
        them, as ``list<string>``.
    meaning : str
        One line for people.
    unit : str
        Unit of a number, as ``percent``; empty where there is none.
    origin : {"documented", "example", "sibling", "unknown"}
        How sure the declaration is: stated in the API's documentation, shown in an example of
        it, taken over from its sibling API, or a guess.
    fields : tuple of Column
        The fields of a ``struct`` or ``list<struct>``.
    item : str
        What one entry of a list is called; names the columns of ``Query.explode``.

    Examples
    --------
    >>> Column(name="followers", path="followers", type="int64", meaning="People.").dtype
    'Int64'
    """

    name: str
    path: str
    type: str
    meaning: str
    unit: str = ""
    origin: Origin = "unknown"
    fields: tuple[Column, ...] = ()
    item: str = ""

    def __post_init__(self) -> None:
        texts = (self.name, self.path, self.type)
        if not all(isinstance(text, str) for text in texts):
            raise ArgumentError(f"A column's name, path and type are text, not {texts}.")
        if self.element not in (*DTYPES, "struct"):
            known = ", ".join((*DTYPES, "struct"))
            raise ArgumentError(
                f"Column {self.name!r} has the type {self.type!r}; known types are {known}, "
                "and list<…> of them."
            )

    @property
    def is_list(self) -> bool:
        """Whether a value is a list."""
        return self.type.startswith("list<") and self.type.endswith(">")

    @property
    def element(self) -> str:
        """Type of one entry of a list; of the value itself where it is not a list."""
        return self.type[5:-1] if self.is_list else self.type

    @property
    def dtype(self) -> str:
        """The pandas dtype that a frame has for it, in words."""
        if self.type in DTYPES:
            return DTYPES[self.type]
        return f"{self.type}[pyarrow]"

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of a value, with our names inside."""
        import pyarrow as pa

        if self.element == "struct":
            element = pa.struct([pa.field(field.name, field.arrow) for field in self.fields])
        else:
            element = _arrow_types()[self.element]
        return pa.list_(element) if self.is_list else element


def _arrow_types() -> dict[str, pa.DataType]:
    import pyarrow as pa

    return {
        "id": pa.string(),
        "string": pa.string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us", "UTC"),
        "date": pa.date32(),
    }


def _reading(column: Column) -> list[object]:
    return [column.name, column.path, column.type, [_reading(one) for one in column.fields]]


EXTRA_COLUMN = Column(
    name=EXTRA,
    path="",
    type="string",
    meaning="What the columns do not know or cannot hold: a JSON object, JSON Pointer to value.",
    origin="documented",
)


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a query in their order; ``_extra`` always stands last, unsaid.

    Parameters
    ----------
    columns : tuple of Column
        The declared ones, without ``_extra``.
    key : tuple of str
        Names of the columns that together tell two rows apart; empty where nothing does.
    exploded : str
        Name of the list column that gives one row an entry; empty where rows are records.
    given : tuple of (str, str) or None
        Where columns are not declared but inferred from the rows: the types, in our words, of
        those that are given all the same. None means that columns are declared.

    Examples
    --------
    >>> schema = Schema((Column(name="id", path="id", type="id", meaning="The post."),), ("id",))
    >>> schema.names
    ['id', '_extra']
    >>> schema["id"].meaning
    'The post.'
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    exploded: str = ""
    given: tuple[tuple[str, str], ...] | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if twice := [name for name in names if names.count(name) > 1 or name == EXTRA]:
            raise ArgumentError(f"{twice[0]!r} names two columns; {EXTRA} stands last by itself.")
        for name in () if self.inferred or self.exploded else self.key:
            if self[name].type not in DTYPES:  # refuses a name that is none, too
                raise ArgumentError(f"{name!r} holds lists or objects, which tell no rows apart.")

    @property
    def inferred(self) -> bool:
        """Whether columns are found out from the rows."""
        return self.given is not None

    @property
    def types(self) -> dict[str, str]:
        """Types, in our words, of columns that are given although the others are inferred."""
        return dict(self.given or ())

    def __iter__(self) -> Iterator[Column]:
        yield from self.rows.columns
        yield EXTRA_COLUMN

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> Column:
        for column in self:
            if column.name == name:
                return column
        raise ArgumentError(f"There is no column {name!r}; there are {', '.join(self.names)}.")

    @property
    def names(self) -> list[str]:
        """Names of all columns, ``_extra`` last."""
        return [column.name for column in self]

    @property
    def version(self) -> str | None:
        """Eight hex digits that change when rows would be read otherwise; None where inferred.

        They stand for names, paths and types, fields included: a number that is counted up by hand
        is forgotten, and a corrected meaning changes no row.
        """
        if self.inferred:
            return None
        told = json.dumps([_reading(column) for column in self.columns])
        return hashlib.blake2b(told.encode(), digest_size=4, person=b"socialframe").hexdigest()

    @property
    def rows(self) -> Schema:
        """The schema of the rows that come out: of the targets, say, after an explode."""
        if not self.exploded:
            return self
        listed = next(column for column in self.columns if column.name == self.exploded)
        kept = tuple(column for column in self.columns if column is not listed)
        item = listed.item or listed.name
        position = Column(
            name=f"{item}_position",
            path="",
            type="int64",
            meaning=f"Place in {listed.name}, from 0; null where the list was empty.",
            origin=listed.origin,
        )
        if listed.element == "struct":
            entries = tuple(
                replace(field, name=f"{item}_{field.name}", path="") for field in listed.fields
            )
        else:
            entries = (replace(listed, name=item, path="", type=listed.element),)
        return Schema((*kept, position, *entries), (*self.key, position.name) if self.key else ())

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema of the rows, ``_extra`` last."""
        import pyarrow as pa

        return pa.schema([pa.field(column.name, column.arrow) for column in self])

    def explode(self, name: str) -> Schema:
        """Return the schema with one row an entry of a list column.

        Parameters
        ----------
        name : str
            Name of the list column.

        Returns
        -------
        Schema
            Fields of an entry become ``<item>_<field>``, with ``<item>_position`` before them.

        Raises
        ------
        ArgumentError
            If there is no such list column, or one was exploded already.

        Examples
        --------
        >>> tags = Column(name="tags", path="tags", type="list<string>", meaning="…", item="tag")
        >>> Schema((tags,)).explode("tags").names
        ['tag_position', 'tag', '_extra']
        """
        lists = [column.name for column in self.columns if column.is_list]
        if self.inferred:
            raise ArgumentError("Only declared columns explode; give fetch columns=(Column(…), …).")
        if self.exploded:
            raise ArgumentError(f"{self.exploded!r} is exploded already, and only one can be.")
        if name not in lists:
            which = ", ".join(lists) or "no list columns"
            raise ArgumentError(f"{name!r} cannot be exploded; there are {which}.")
        return replace(self, exploded=name)

    def table(self) -> list[tuple[str, str, str, str, str]]:
        """Return (name, dtype, unit, origin, meaning) of each column and each nested field."""
        lines: list[tuple[str, str, str, str, str]] = []
        for column in self:
            prefix = f"{column.name}[]." if column.is_list else f"{column.name}."
            for name, entry in (
                (column.name, column),
                *((prefix + field.name, field) for field in column.fields),
            ):
                nested = entry.element == "struct" or entry.is_list
                dtype = entry.type if nested else entry.dtype
                lines.append((name, dtype, entry.unit, entry.origin, entry.meaning))
        return lines

    def __repr__(self) -> str:
        if self.inferred:
            return "Columns are inferred from the rows: names as the API sends them."
        rows = [("column", "dtype", "unit", "origin", "meaning"), *self.table()]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        return "\n".join(
            "  ".join((*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[4]))
            for row in rows
        )

    def _repr_html_(self) -> str:
        if self.inferred:
            return f"<p>{self!r}</p>"
        head = "".join(f"<th>{h}</th>" for h in ("column", "dtype", "unit", "origin", "meaning"))
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self.table()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
