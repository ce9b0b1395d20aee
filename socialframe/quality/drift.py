"""What replies hold and the declared columns do not know, cannot hold, or never saw."""

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
from socialframe.frames.reference import Leaf, Tree, dumps, hold, tree
from socialframe.quality.suggest import Shape, leads, line, shown
from socialframe.schema.columns import EXTRA, Column, Schema
from socialframe.secret import redacted

if TYPE_CHECKING:
    from socialframe.walk.plan import Endpoint

_CHUNK = 8192  # rows whose texts are looked at together: equal ones are parsed once
_LONGEST = 60  # letters of an example
_ORDER = ("unknown", "misfit", "null")
_FOREIGN = (
    f"The column {EXTRA} holds something else than JSON objects by JSON Pointer: "
    "it is not one that socialframe made."
)
_HOW = "give endpoint='posts' (or another), or columns=query.columns."


@dataclass(slots=True)
class _Place:
    """One place in the records: where it is, what was seen there."""

    kind: str
    pointer: str
    column: str  # the declared one that it concerns, as Schema.table names it
    path: tuple[str, ...] = ()  # of an unknown field, from the column that holds it
    siblings: tuple[Column, ...] = ()  # columns beside which an unknown field would be declared
    leaf: Leaf | None = None  # of a misfit
    entry: bool = False  # whether it is one of a list
    held: bool = True  # whether the column would hold all of it: these rows did not have it yet
    rows: int = 0
    last: int = -1  # the text that it was last seen in
    example: Any = None
    shape: Shape = field(default_factory=Shape)

    def see(self, value: Any, rows: int, text: int) -> None:  # noqa: ANN401 - JSON is any value
        self.rows += rows if text != self.last else 0
        self.last = text
        self.example = value if self.example is None else self.example
        self.shape.see(value)
        if self.leaf is None or not self.held:
            self.held = False
        else:
            extra: dict[str, Any] = {}
            hold([value] if self.entry else value, self.leaf, "", extra)
            self.held = not extra


def drift(
    frame: pd.DataFrame,
    *,
    endpoint: str | None = None,
    columns: Schema | Sequence[Column] | None = None,
) -> pd.DataFrame:
    """Tell what the API sends and the columns do not know, cannot hold, or never saw.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of a declared endpoint with their column ``_extra``: as fetched, exploded, filtered, or
        read from a file.
    endpoint : str or None
        Name of the declared endpoint, as ``"posts"``. None means the one that
        ``frame.attrs["socialframe"]`` names.
    columns : Schema, sequence of Column or None
        The declared columns themselves, as ``query.columns``, for an endpoint of your own or
        ``fetch(columns=…)``.

    Returns
    -------
    pandas.DataFrame
        One row a place in the records, where something is to be told:

        - ``kind``: ``unknown`` (no column is declared for it), ``misfit`` (a column is, and could
          not hold the value, or not all of it), ``null`` (a column is, and no row has a value);
        - ``pointer``: where it stands in a record, as a JSON Pointer; places in a list are one,
          written ``*``, as in ``/platforms/*/likes``;
        - ``column``: the declared column that it concerns, ``platforms[].likes`` for a field of a
          list; of an unknown field, the column that it lies in;
        - ``types``: JSON types that were seen; ``share``: the share of rows that have it;
          ``example``: one value, cut, without what looks like a key;
        - ``declare``: a line of Python that declares it, to stand among the columns or, as it says,
          among the fields of one or in the place of one; or a comment that says why none would.

        Nothing to tell is a frame without rows.

    Raises
    ------
    ArgumentError
        If nothing says which columns were declared, or the frame has no ``_extra`` of ours.

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
        raise ArgumentError(f"drift takes a DataFrame, not a {type(frame).__name__}.")
    schema = _schema(frame, endpoint, columns)
    if list(frame.columns).count(EXTRA) != 1:
        raise ArgumentError(
            f"The frame has no column {EXTRA}, or several; it holds what the columns do not know. "
            "Keep the one that came."
        )
    found = _places(frame[EXTRA], tree(schema.columns), schema.columns)
    nulls = dict(_nulls(frame, schema.columns))
    rows = [
        (
            "unknown" if place.held else place.kind,
            place.pointer,
            place.column,
            place.shape.types,
            place.rows / len(frame),
            _shortened(place.example),
            declared,
        )
        for place, declared in zip(found, _lines(found, nulls), strict=True)
    ]
    rows += [("null", pointer, name, "", 1.0, "", "") for name, pointer in nulls.items()]
    rows.sort(key=lambda row: (_ORDER.index(row[0]), -row[4]))
    names = ("kind", "pointer", "column", "types", "share", "example", "declare")
    told = pd.DataFrame(rows, columns=list(names))
    return told.astype({name: "float64" if name == "share" else "str" for name in names})


def _schema(
    frame: pd.DataFrame, endpoint: object, columns: Schema | Sequence[Column] | None
) -> Schema:
    """Return the declared columns: given, named, or told by the frame."""
    if columns is not None and endpoint is not None:
        raise ArgumentError("endpoint names declared columns and columns gives them: one of them.")
    if isinstance(columns, Schema) and not columns.inferred:
        return columns
    if columns is not None:
        listed = isinstance(columns, Sequence) and not isinstance(columns, str)
        if not listed or not all(isinstance(one, Column) for one in columns):
            raise ArgumentError(
                f"columns takes declared columns, as query.columns, not {columns!r}."
            )
        return Schema(tuple(one for one in columns if one.name != EXTRA))
    known: dict[str, Endpoint] = {
        name: found.endpoint for name, found in vars(Endpoints).items() if name[0] != "_"
    }
    if endpoint is not None:
        if not isinstance(endpoint, str) or endpoint not in known:
            raise ArgumentError(
                f"There is no declared endpoint {endpoint!r}; there are {', '.join(known)}. "
                "For others give columns=query.columns."
            )
        return known[endpoint].schema
    facts = frame.attrs.get("socialframe")
    if not isinstance(facts, dict) or not isinstance(facts.get("endpoint"), str):
        raise ArgumentError(f"Nothing in the frame says which columns were declared: {_HOW}")
    name, version = facts["endpoint"], facts.get("schema")
    if name not in known or facts.get("path") != known[name].path:
        why = "which declares none by itself" if name == "fetch" else "which is not one of these"
        raise ArgumentError(
            f"The rows came by {name} {facts.get('path')}, {why}: give columns=query.columns."
        )
    if version not in {None, known[name].schema.version}:
        raise ArgumentError(
            f"The rows were typed by other columns of {name} (schema {version}) than those of "
            f"today ({known[name].schema.version}). To hold them against today's, {_HOW}"
        )
    return known[name].schema


def _places(extras: pd.Series[Any], names: Tree, columns: tuple[Column, ...]) -> list[_Place]:
    places: dict[tuple[str, str], _Place] = {}
    by_pointer: dict[str, _Place] = {}
    for number, (text, rows) in enumerate(_texts(extras)):
        for pointer, value in _members(text).items():
            place = by_pointer.get(pointer)
            if place is None:
                place = _located(pointer, names, columns)
                place = places.setdefault((place.kind, place.pointer), place)
                by_pointer[pointer] = place
            place.see(value, rows, number)
    return list(places.values())


def _texts(extras: pd.Series[Any]) -> Iterator[tuple[object, int]]:
    """Yield each text with the number of rows that have it; equal ones that stand near as one."""
    for start in range(0, len(extras), _CHUNK):
        chunk = extras.iloc[start : start + _CHUNK]
        try:
            counts = chunk.value_counts(sort=False)
        except TypeError:  # lists, as another library's column of this name may hold
            raise ArgumentError(_FOREIGN) from None
        yield from counts.items()


def _members(text: object) -> dict[str, Any]:
    try:
        found = json.loads(text)  # type: ignore[arg-type]
    except RecursionError:
        raise ArgumentError(f"A value in {EXTRA} is nested too deeply to be read.") from None
    except (ValueError, TypeError):
        found = None
    if not isinstance(found, dict) or any(name and name[0] != "/" for name in found):
        raise ArgumentError(_FOREIGN)
    return found


def _located(pointer: str, names: Tree, columns: tuple[Column, ...]) -> _Place:
    """Return the place that a pointer leads to: as far as columns are declared, and from there."""
    shape: list[str] = []  # the steps as they are shown
    path: list[str] = []  # since the last column that has fields
    label, within, entry = "", "", False
    node: Tree | Leaf | None = names
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(node, Leaf) and node.column.is_list and not entry and step.isdecimal():
            entry, label = True, f"{label}[]"
            shape.append("*")
            continue
        opened = isinstance(node, Leaf) and (entry or not node.column.is_list)
        if isinstance(node, Leaf) and opened and node.column.element == "struct":
            within, columns, path = label, node.column.fields, []
            node = node.fields or Tree()
        shape.append(shown(raw))
        path.append(step)
        node, entry = node.get(step) if isinstance(node, Tree) else None, False
        if isinstance(node, Leaf):
            label = f"{within}.{node.column.name}" if within else node.column.name
    shown_at = "".join(f"/{step}" for step in shape)
    if node is None:
        return _Place("unknown", shown_at, within.removesuffix("[]"), tuple(path), columns)
    if isinstance(node, Leaf):
        name = label.removesuffix("[]")
        return _Place("misfit", shown_at, name, leaf=node, entry=entry)
    return _Place("misfit", shown_at, ", ".join(_below(node, within)))


def _below(names: Tree, within: str) -> Iterator[str]:
    """Yield the columns whose path leads through a place."""
    for node in names.values():
        if isinstance(node, Leaf):
            yield f"{within}.{node.column.name}" if within else node.column.name
        else:
            yield from _below(node, within)


def _lines(places: list[_Place], nulls: dict[str, str]) -> Iterator[str]:
    """Yield what each place would be declared by: a line, or a comment."""
    taken: dict[str, list[str]] = {}
    for place in places:
        if place.kind == "misfit":
            yield _instead(place, nulls)
            continue
        names = taken.setdefault(place.column, [column.name for column in place.siblings])
        column = _free(place) and place.shape.column(place.path, names)
        if column:
            names.append(column.name)
            where = f"  # among the fields of {place.column}" if place.column else ""
            yield f"{line(column)},{where}"
        elif not all(map(leads, place.path)):
            yield "# no path leads to it: its name has a dot, looks like a key, or is no text"
        else:
            yield f"# {place.shape.why_not}" if _free(place) else "# lies inside of another column"


def _free(place: _Place) -> bool:
    """Whether a column could be declared there: none is above it."""
    node: Tree | Leaf | None = tree(place.siblings)
    for step in place.path:
        node = node.get(step) if isinstance(node, Tree) else None
        if isinstance(node, Leaf):
            return False
    return True


def _instead(place: _Place, nulls: dict[str, str]) -> str:
    """Return the column that would hold what did not fit, where nothing fits it as it is."""
    if place.leaf is None:
        return "# columns lie in it, which expect an object"
    declared = place.leaf.column
    if place.held:
        return "# declared by now; these rows were typed before: fetch them again"
    if place.column not in nulls:
        return f"# declared as {declared.type}, which other values fit"
    shape = Shape({"array"}, item=place.shape) if place.entry else place.shape
    column = shape.column(declared.path.split("."), ())
    if column is None:
        return f"# declared as {declared.type}; {shape.why_not}"
    made = replace(declared, type=column.type, fields=column.fields)
    return f"{line(made)},  # in the place of {place.column}"


def _nulls(frame: pd.DataFrame, columns: tuple[Column, ...]) -> Iterator[tuple[str, str]]:
    """Yield name and pointer of the columns and fields that no row of the frame has."""
    names = list(frame.columns)
    for column in columns if len(frame) else ():
        pointer = _pointer("", column)
        if names.count(column.name) == 1:
            yield from _null(frame[column.name], column, column.name, pointer)
        item = column.item or column.name
        if column.name in names or names.count(f"{item}_position") != 1:
            continue
        if frame[f"{item}_position"].isna().all():  # every list was empty
            continue
        for part in column.fields:
            if names.count(f"{item}_{part.name}") == 1:
                yield from _null(
                    frame[f"{item}_{part.name}"],
                    part,
                    f"{column.name}[].{part.name}",
                    _pointer(f"{pointer}/*", part),
                )


def _null(
    values: pd.Series[Any], column: Column, name: str, pointer: str
) -> Iterator[tuple[str, str]]:
    if values.isna().all():
        yield name, pointer
    elif column.element == "struct":
        try:
            kind = None if isinstance(values.dtype, pd.ArrowDtype) else column.arrow
            array = pa.array(values, kind, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError):  # not what the column declares
            return
        yield from _null_fields(array, column, name, pointer)


def _null_fields(
    values: pa.Array | pa.ChunkedArray, column: Column, name: str, pointer: str
) -> Iterator[tuple[str, str]]:
    if pa.types.is_list(values.type):
        values, name, pointer = pc.list_flatten(values), f"{name}[]", f"{pointer}/*"
    if not pa.types.is_struct(values.type) or len(values) == values.null_count:
        return  # no entry at all says nothing of its fields
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


def _shortened(value: Any) -> str:  # noqa: ANN401 - JSON is any value
    try:
        text = redacted(dumps(value))
    except RecursionError:
        text = "…"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
