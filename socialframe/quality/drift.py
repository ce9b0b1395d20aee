"""Reports unknown fields, values of the wrong type, and columns that are always null."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from socialframe.endpoints import Endpoints
from socialframe.errors import ArgumentError
from socialframe.frames.observed import ObservedType
from socialframe.frames.reference import Leaf, Tree, convert, dumps, tree
from socialframe.quality.suggest import (
    LIMITS,
    column_code,
    display_name,
    is_path_name,
    reason_for_no_type,
    suggest_column,
)
from socialframe.redact import redacted
from socialframe.schema.columns import EXTRA, Column, Schema

if TYPE_CHECKING:
    from socialframe.walk.plan import Endpoint

_CHUNK = 8192  # rows of which equal _extra texts are parsed once
_EXAMPLE_LENGTH = 60
_ORDER = ("unknown", "misfit", "null")
_FOREIGN = (
    f"The column {EXTRA} must have JSON objects with JSON Pointers as names, as socialframe "
    "writes them; it has other values."
)
_HOW = "pass endpoint='posts' (or another), or columns=query.columns."


@dataclass(slots=True)
class _Place:
    """One place in the records, and the values observed there."""

    kind: str
    pointer: str
    column: str  # the declared column that it concerns, as Schema.table names it
    path: tuple[str, ...] = ()  # of an unknown field, relative to the column that contains it
    siblings: tuple[Column, ...] = ()  # the columns to which an unknown field would be added
    leaf: Leaf | None = None  # the column of a misfit
    is_entry: bool = False  # the values are entries of a list
    fits: bool = True  # the column holds each value: it was declared after the rows were typed
    rows: int = 0
    last: int = -1  # number of the last _extra text with a value
    example: Any = None
    observed: ObservedType = field(default_factory=lambda: ObservedType(LIMITS))

    def observe(self, value: Any, rows: int, text: int) -> None:  # noqa: ANN401 - JSON is any value
        self.rows += rows if text != self.last else 0
        self.last = text
        self.example = value if self.example is None else self.example
        self.observed.observe(value)
        if self.leaf is None or not self.fits:
            self.fits = False
        else:
            extra: dict[str, Any] = {}
            convert([value] if self.is_entry else value, self.leaf, "", extra)
            self.fits = not extra


def drift(
    frame: pd.DataFrame,
    *,
    endpoint: str | None = None,
    columns: Schema | Sequence[Column] | None = None,
) -> pd.DataFrame:
    """Report unknown fields, values of the wrong type, and columns that are always null.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of a declared endpoint with the column ``_extra``: fetched, exploded, filtered, or
        read from a file.
    endpoint : str or None
        Name of the declared endpoint, such as ``"posts"``. None means the name in
        ``frame.attrs["socialframe"]``.
    columns : Schema, sequence of Column or None
        The declared columns, such as ``query.columns``, for an endpoint of your own or
        ``fetch(columns=…)``.

    Returns
    -------
    pandas.DataFrame
        One row for each place in the records with drift:

        - ``kind``: ``unknown`` (no column is declared), ``misfit`` (the declared column cannot hold
          the value, or not all of it), ``null`` (a column is declared, and no row has a value);
        - ``pointer``: JSON Pointer of the place in a record; the entries of a list are one place,
          written ``*``, as in ``/platforms/*/likes``;
        - ``column``: the declared column that it concerns, ``platforms[].likes`` for a field of a
          list; for an unknown field, the column that contains it;
        - ``types``: the observed JSON types; ``share``: the share of rows that have a value;
          ``example``: one value, shortened, with API keys hidden;
        - ``declare``: a line of Python that declares a column, with a comment if it belongs to the
          fields of another column or replaces one; or a comment that says why there is no line.

        Without drift, the frame has no rows.

    Raises
    ------
    ArgumentError
        If the declared columns are unknown, or the frame has no ``_extra`` of socialframe.

    Examples
    --------
    >>> import socialframe as sf
    >>> from socialframe.sandbox import Sandbox
    >>> api = sf.Client.sandbox(Sandbox(extra_fields=True))
    >>> found = sf.drift(api.accounts().frame())
    >>> found[["kind", "pointer", "types", "share"]].head(1).values.tolist()
    [['unknown', '/marks', 'array', 1.0]]
    >>> found["declare"][0]
    'Column(name="marks", path="marks", type="list<string>", meaning=""),'
    """
    if not isinstance(frame, pd.DataFrame):
        raise ArgumentError(f"frame must be a DataFrame; got {type(frame).__name__}.")
    schema = _schema(frame, endpoint, columns)
    if list(frame.columns).count(EXTRA) != 1:
        raise ArgumentError(
            f"The frame must have exactly one column {EXTRA}, as socialframe wrote it."
        )
    found = _places(frame[EXTRA], tree(schema.columns), schema.columns)
    nulls = dict(_always_null(frame, schema))
    rows = [
        (
            "unknown" if place.fits else place.kind,
            place.pointer,
            place.column,
            place.observed.types,
            place.rows / len(frame),
            _example(place.example),
            declared,
        )
        for place, declared in zip(found, _lines(found, nulls), strict=True)
    ]
    rows += [("null", pointer, name, "", 1.0, "", "") for name, pointer in nulls.items()]
    rows.sort(key=lambda row: (_ORDER.index(row[0]), -row[4]))
    names = ("kind", "pointer", "column", "types", "share", "example", "declare")
    report = pd.DataFrame(rows, columns=list(names))
    return report.astype({name: "float64" if name == "share" else "str" for name in names})


def _schema(
    frame: pd.DataFrame, endpoint: object, columns: Schema | Sequence[Column] | None
) -> Schema:
    """Return the declared columns: passed, named, or those of the endpoint of the frame."""
    if columns is not None and endpoint is not None:
        raise ArgumentError("Pass endpoint or columns, not both.")
    if isinstance(columns, Schema) and not columns.inferred:
        return columns
    if columns is not None:
        listed = isinstance(columns, Sequence) and not isinstance(columns, str)
        if not listed or not all(isinstance(one, Column) for one in columns):
            raise ArgumentError(
                f"columns must be declared columns, such as query.columns; got {columns!r}."
            )
        return Schema(tuple(one for one in columns if one.name != EXTRA))
    known: dict[str, Endpoint] = {
        name: found.endpoint for name, found in vars(Endpoints).items() if name[0] != "_"
    }
    if endpoint is not None:
        if not isinstance(endpoint, str) or endpoint not in known:
            raise ArgumentError(
                f"endpoint must be one of {', '.join(known)}; got {endpoint!r}. "
                "For other endpoints, pass columns=query.columns."
            )
        return known[endpoint].schema
    facts = frame.attrs.get("socialframe")
    if not isinstance(facts, dict) or not isinstance(facts.get("endpoint"), str):
        raise ArgumentError(f"The frame does not name its endpoint; {_HOW}")
    name, version = facts["endpoint"], facts.get("schema")
    if name not in known or facts.get("path") != known[name].path:
        raise ArgumentError(
            f"The rows are from {name} {facts.get('path')}, which socialframe does not "
            "declare; pass columns=query.columns."
        )
    if version not in {None, known[name].schema.version}:
        raise ArgumentError(
            f"The rows were typed with other columns of {name} (schema {version}) than the "
            f"current ones ({known[name].schema.version}). To compare anyway, {_HOW}"
        )
    return known[name].schema


def _places(extras: pd.Series[Any], names: Tree, columns: tuple[Column, ...]) -> list[_Place]:
    places: dict[tuple[str, str], _Place] = {}
    by_pointer: dict[str, _Place] = {}
    for number, (text, rows) in enumerate(_texts(extras)):
        for pointer, value in _members(text).items():
            place = by_pointer.get(pointer)
            if place is None:
                place = _place_at(pointer, names, columns)
                place = places.setdefault((place.kind, place.pointer), place)
                by_pointer[pointer] = place
            place.observe(value, rows, number)
    return list(places.values())


def _texts(extras: pd.Series[Any]) -> Iterator[tuple[object, int]]:
    """Yield each text with the number of its rows; equal texts of a chunk are one."""
    for start in range(0, len(extras), _CHUNK):
        chunk = extras.iloc[start : start + _CHUNK]
        try:
            counts = chunk.value_counts(sort=False)
        except TypeError:  # lists, in a column of another library
            raise ArgumentError(_FOREIGN) from None
        yield from counts.items()


def _members(text: object) -> dict[str, Any]:
    try:
        found = json.loads(text)  # type: ignore[arg-type]
    except RecursionError:
        raise ArgumentError(f"A value in {EXTRA} is nested too deeply to be parsed.") from None
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, dict) or any(name and name[0] != "/" for name in found):
        raise ArgumentError(_FOREIGN)
    return found


def _place_at(pointer: str, names: Tree, columns: tuple[Column, ...]) -> _Place:
    """Return the place of a pointer: up to the declared columns, and beyond them."""
    shown: list[str] = []  # steps as the report has them
    path: list[str] = []  # steps since the last column with fields
    label, within, is_entry = "", "", False
    node: Tree | Leaf | None = names
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(node, Leaf) and node.column.is_list and not is_entry and step.isdecimal():
            is_entry, label = True, f"{label}[]"
            shown.append("*")
            continue
        has_fields = isinstance(node, Leaf) and (is_entry or not node.column.is_list)
        if isinstance(node, Leaf) and has_fields and node.column.element == "struct":
            within, columns, path = label, node.column.fields, []
            node = node.fields or Tree()
        shown.append(display_name(raw))
        path.append(step)
        node, is_entry = node.get(step) if isinstance(node, Tree) else None, False
        if isinstance(node, Leaf):
            label = f"{within}.{node.column.name}" if within else node.column.name
    at = "".join(f"/{step}" for step in shown)
    if node is None:
        return _Place("unknown", at, within.removesuffix("[]"), tuple(path), columns)
    if isinstance(node, Leaf):
        name = label.removesuffix("[]")
        return _Place("misfit", at, name, leaf=node, is_entry=is_entry)
    return _Place("misfit", at, ", ".join(_below(node, within)))


def _below(names: Tree, within: str) -> Iterator[str]:
    """Yield the names of the columns in a tree."""
    for node in names.values():
        if isinstance(node, Leaf):
            yield f"{within}.{node.column.name}" if within else node.column.name
        else:
            yield from _below(node, within)


def _lines(places: list[_Place], nulls: dict[str, str]) -> Iterator[str]:
    """Yield the line that declares each place, or a comment."""
    taken: dict[str, list[str]] = {}
    for place in places:
        if place.kind == "misfit":
            yield _replacement(place, nulls)
            continue
        names = taken.setdefault(place.column, [column.name for column in place.siblings])
        column = _can_declare(place) and suggest_column(place.observed, place.path, names)
        if column:
            names.append(column.name)
            where = f"  # add to the fields of {place.column}" if place.column else ""
            yield f"{column_code(column)},{where}"
        elif not all(map(is_path_name, place.path)):
            yield "# no path: its name has a dot, looks like a key, or is not valid UTF-8"
        else:
            inside = not _can_declare(place)
            yield f"# {'inside another column' if inside else reason_for_no_type(place.observed)}"


def _can_declare(place: _Place) -> bool:
    """Whether no column is declared for a part of its path."""
    node: Tree | Leaf | None = tree(place.siblings)
    for step in place.path:
        node = node.get(step) if isinstance(node, Tree) else None
        if isinstance(node, Leaf):
            return False
    return True


def _replacement(place: _Place, nulls: dict[str, str]) -> str:
    """Return the line of a column that holds the values, if the declared one holds none."""
    if place.leaf is None:
        return "# an object is expected: columns are declared for its members"
    declared = place.leaf.column
    if place.fits:
        return "# declared after these rows were typed; fetch the rows again"
    if place.column not in nulls:
        return f"# declared as {declared.type}, which fits other values"
    observed = place.observed
    if place.is_entry:
        observed = ObservedType(LIMITS, "array", {"array": 1}, item=observed)
    column = suggest_column(observed, declared.path.split("."), ())
    if column is None:
        return f"# declared as {declared.type}; {reason_for_no_type(observed)}"
    made = replace(declared, type=column.type, fields=column.fields)
    return f"{column_code(made)},  # replaces {place.column}"


def _always_null(frame: pd.DataFrame, schema: Schema) -> Iterator[tuple[str, str]]:
    """Yield name and pointer of the columns and fields that are null in each row."""
    names = list(frame.columns)
    shown = {column.name: column.name for column in schema.columns}
    for column in schema.columns:
        if column.is_list and _is_exploded(names, column):
            shown |= schema._names_after_explode(column)
    for column in schema.columns if len(frame) else ():
        pointer = _pointer("", column)
        if names.count(shown[column.name]) == 1:
            yield from _null_column(frame[shown[column.name]], column, column.name, pointer)
        item = column.item or column.name
        if not _is_exploded(names, column) or frame[f"{item}_position"].isna().all():
            continue  # or each list is empty
        for part in column.fields:
            if names.count(f"{item}_{part.name}") == 1:
                yield from _null_column(
                    frame[f"{item}_{part.name}"],
                    part,
                    f"{column.name}[].{part.name}",
                    _pointer(f"{pointer}/*", part),
                )


def _is_exploded(names: list[str], column: Column) -> bool:
    return column.name not in names and names.count(f"{column.item or column.name}_position") == 1


def _null_column(
    values: pd.Series[Any], column: Column, name: str, pointer: str
) -> Iterator[tuple[str, str]]:
    if values.isna().all():
        yield name, pointer
    elif column.element == "struct":
        try:
            kind = None if isinstance(values.dtype, pd.ArrowDtype) else column.arrow
            array = pa.array(values, kind, from_pandas=True)
        except (
            pa.ArrowException,
            TypeError,
            ValueError,
        ):  # not of the declared type
            return
        yield from _null_fields(array, column, name, pointer)


def _null_fields(
    values: pa.Array | pa.ChunkedArray, column: Column, name: str, pointer: str
) -> Iterator[tuple[str, str]]:
    if pa.types.is_list(values.type):
        values, name, pointer = pc.list_flatten(values), f"{name}[]", f"{pointer}/*"
    if not pa.types.is_struct(values.type) or len(values) == values.null_count:
        return  # without entries, nothing is known of their fields
    for part in column.fields:
        if values.type.get_field_index(part.name) < 0:
            continue
        inner = pc.struct_field(values, part.name)
        below = f"{name}.{part.name}", _pointer(pointer, part)
        if inner.null_count == len(inner):
            yield below
        elif part.element == "struct":
            yield from _null_fields(inner, part, *below)


def _pointer(above: str, column: Column) -> str:
    steps = (name.replace("~", "~0").replace("/", "~1") for name in column.path.split("."))
    return above + "".join(f"/{step}" for step in steps)


def _example(value: Any) -> str:  # noqa: ANN401 - JSON is any value
    try:
        text = redacted(dumps(value))
    except RecursionError:
        text = "…"
    return text if len(text) <= _EXAMPLE_LENGTH else f"{text[: _EXAMPLE_LENGTH - 1]}…"
