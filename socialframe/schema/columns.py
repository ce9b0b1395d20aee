"""Columns: name, path in a record, type, unit and meaning of each value of a row."""

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

#: What lists and structs become: they stay Arrow columns, become JSON text, or are left out.
Nested = Literal["arrow", "json", "drop"]

EXTRA = "_extra"

#: Column types, and the pandas dtype of each.
DTYPES = {
    "id": "str",
    "string": "str",
    "int64": "Int64",
    "float64": "float64",
    "bool": "boolean",
    "timestamp": "datetime64[us, UTC]",
    "date": "datetime64[us]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of an endpoint, or one field of a nested column.

    Parameters
    ----------
    name : str
        Name of the column, in snake_case.
    path : str
        Dotted path of the value in a record, with the names of the API.
    type : str
        ``id`` (text; an integer becomes its digits), ``string``, ``int64``, ``float64``,
        ``bool``, ``timestamp`` (UTC, microseconds), ``date`` (a day without a time zone; in a
        DataFrame its midnight), ``struct``, or a list of one of them, such as ``list<string>``.
    meaning : str
        Description, one line.
    unit : str
        Unit of a number, such as ``percent``; empty if there is none.
    origin : {"documented", "example", "sibling", "unknown"}
        Source of the declaration: stated in the documentation of the API, shown in an example of
        it, copied from a sibling API, or a guess.
    fields : tuple of Column
        The fields of a ``struct`` or ``list<struct>``.
    item : str
        Name of one entry of a list, for the columns of ``Query.explode``.

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
            raise ArgumentError(f"name, path and type of a column must be strings; got {texts}.")
        if self.element not in (*DTYPES, "struct"):
            known = ", ".join((*DTYPES, "struct"))
            raise ArgumentError(
                f"The type of column {self.name!r} must be one of {known}, or list<…> of one; "
                f"got {self.type!r}."
            )
        if self.element == "struct" and not self.fields:
            raise ArgumentError(
                f"Column {self.name!r} of type {self.type!r} needs fields=(Column(…), …); "
                "without a type, fetch() infers its fields."
            )

    @property
    def is_list(self) -> bool:
        """Whether a value is a list."""
        return self.type.startswith("list<") and self.type.endswith(">")

    @property
    def element(self) -> str:
        """Type of one entry of a list; of the value if it is not a list."""
        return self.type[5:-1] if self.is_list else self.type

    @property
    def dtype(self) -> str:
        """Name of the pandas dtype in a frame."""
        if self.type in DTYPES:
            return DTYPES[self.type]
        return f"{self.type}[pyarrow]"

    @property
    def arrow(self) -> pa.DataType:
        """Arrow type of a value, with the names of the schema inside."""
        import pyarrow as pa

        if self.element == "struct":
            element = pa.struct([pa.field(field.name, field.arrow) for field in self.fields])
        else:
            element = _arrow_types()[self.element]
        return pa.list_(element) if self.is_list else element


def check_nested(value: object) -> Nested:
    """Return the value; raise ArgumentError if it is invalid."""
    if value not in ("arrow", "json", "drop"):
        raise ArgumentError(f"nested must be 'arrow', 'json' or 'drop'; got {value!r}.")
    return value


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


def _version_parts(column: Column) -> list[object]:
    return [column.name, column.path, column.type, [_version_parts(one) for one in column.fields]]


EXTRA_COLUMN = Column(
    name=EXTRA,
    path="",
    type="string",
    meaning="Unknown fields and values that do not fit: a JSON object, JSON Pointer to value.",
    origin="documented",
)


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a query in their order; ``_extra`` is added as the last one.

    Parameters
    ----------
    columns : tuple of Column
        The declared columns, without ``_extra``.
    key : tuple of str
        Names of the columns of the primary key; empty if there is none.
    exploded : tuple of str
        Names of the list columns that are exploded, in this order; empty if rows are records.
    given : tuple of (str, str) or None
        Types of some columns, if the others are inferred. None means that all columns are declared.

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
    exploded: tuple[str, ...] = ()
    given: tuple[tuple[str, str], ...] | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if EXTRA in names:
            raise ArgumentError(f"No column may have the name {EXTRA!r}; socialframe adds it.")
        if twice := [name for name in names if names.count(name) > 1]:
            raise ArgumentError(f"Column names must be unique; got {twice[0]!r} twice.")
        for name in () if self.inferred or self.exploded else self.key:
            if self[name].type not in DTYPES:  # raises for an unknown name, too
                raise ArgumentError(f"{name!r} is nested and cannot be part of the key.")

    @property
    def inferred(self) -> bool:
        """Whether columns are inferred from the rows."""
        return self.given is not None

    @property
    def types(self) -> dict[str, str]:
        """Types of the declared columns, if the others are inferred."""
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
        raise ArgumentError(
            f"There is no column {name!r}; the columns are {', '.join(self.names)}."
        )

    @property
    def names(self) -> list[str]:
        """Names of all columns, ``_extra`` last."""
        return [column.name for column in self]

    @property
    def version(self) -> str | None:
        """A hash of the columns, eight hex digits; None if columns are inferred.

        It covers names, paths and types, fields included, so it changes if rows would be typed
        differently. A corrected meaning does not change it.
        """
        if self.inferred:
            return None
        text = json.dumps([_version_parts(column) for column in self.columns])
        return hashlib.blake2b(text.encode(), digest_size=4, person=b"socialframe").hexdigest()

    @property
    def rows(self) -> Schema:
        """The schema after all explodes."""
        schema = replace(self, exploded=()) if self.exploded else self
        for name in self.exploded:
            schema = schema._after_explode(name)
        return schema

    def _after_explode(self, name: str) -> Schema:
        """Return the schema of the rows after the explode of one list column.

        The path of a field of an entry has a step for the position of the entry: a NUL character
        and the name of the column that has the position.
        """
        listed = next(column for column in self.columns if column.name == name)
        names = self._names_after_explode(listed)
        kept = tuple(
            replace(column, name=names[column.name]) for column in self.columns if column != listed
        )
        item = listed.item or listed.name
        position = Column(
            name=f"{item}_position",
            path="",
            type="int64",
            meaning=f"Position in {listed.name}, from 0; null if the list is empty.",
            origin=listed.origin,
        )
        if listed.element == "struct":
            entry = f"{listed.path}.\0{position.name}"
            entries = tuple(
                replace(field, name=f"{item}_{field.name}", path=f"{entry}.{field.path}")
                for field in listed.fields
            )
        else:
            entries = (replace(listed, name=item, path="", type=listed.element),)
        return Schema((*kept, position, *entries), (*self.key, position.name) if self.key else ())

    def _names_after_explode(self, listed: Column) -> dict[str, str]:
        """Return the new name of each other column after the explode of a list column.

        A number that the entries have, too, is repeated for each entry, so its name says whose
        it is: ``post_likes``, after the key ``post_id``; ``record_likes`` if the key has no such
        name.
        """
        owner = self.key[0].removesuffix("_id") if self.key else ""
        owner = owner if owner and owner != self.key[0] else "record"
        repeated = {field.name for field in listed.fields}
        return {
            column.name: f"{owner}_{column.name}"
            if column.type in {"int64", "float64"} and column.name in repeated
            else column.name
            for column in self.columns
            if column != listed
        }

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema of the rows, ``_extra`` last."""
        import pyarrow as pa

        return pa.schema([pa.field(column.name, column.arrow) for column in self])

    def explode(self, name: str) -> Schema:
        """Return the schema with one row for each entry of a list column.

        Parameters
        ----------
        name : str
            Name of the list column.

        Returns
        -------
        Schema
            The fields of an entry are ``<item>_<field>``, after ``<item>_position``. A number of
            the record that its entries have, too, is renamed, such as ``likes`` to ``post_likes``.

        Raises
        ------
        ArgumentError
            If there is no such list column, or an entry has the name of another column.

        Examples
        --------
        >>> tags = Column(name="tags", path="tags", type="list<string>", meaning="…", item="tag")
        >>> Schema((tags,)).explode("tags").names
        ['tag_position', 'tag', '_extra']
        """
        lists = [column.name for column in self.rows.columns if column.is_list]
        if self.inferred:
            raise ArgumentError(
                "Only declared columns can be exploded; pass columns=(Column(…), …) to fetch()."
            )
        if name not in lists:
            which = ", ".join(lists) or "none"
            raise ArgumentError(f"{name!r} cannot be exploded; the list columns are {which}.")
        schema = replace(self, exploded=(*self.exploded, name))
        _ = schema.rows  # refuses two columns of the same name
        return schema

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
