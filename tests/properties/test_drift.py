"""Any JSON: all that stands in _extra is told once, and the lines that declare it are true."""

import json
import re
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import column, page_of

import socialframe as sf
from socialframe.frames import Decoder, to_pandas

COLUMNS = (
    column("id", "id"),
    column("count", "int64"),
    column("likes", "int64", "metrics.likes"),
    column("at", "timestamp", "createdAt"),
    column("tags", "list<string>"),
    column(
        "targets",
        "list<struct>",
        "platforms",
        fields=(
            column("views", "int64", "inner.views"),
            column("owner", "struct", fields=(column("name", "string"),)),
        ),
    ),
)
names = st.text(max_size=3) | st.sampled_from(
    [
        "a/b",
        "~",
        "x~1",
        "a.b",
        "",
        "0",
        "*",
        "\ud83d",
        "\x00",
        "ownerId",
        "Id",
        "_extra",
        'q"',
        "q'",
    ]
)
# Without NaN, which is no JSON: _extra keeps its spelling, and nothing tells that from text.
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.sampled_from([0, 1, 2**53 + 1, 2**63, 1.0, 0.5, 1e300])
    | st.text(max_size=4)
    | st.sampled_from(
        ["2026-02-03", "2026-02-03T09:15:00Z", "20260203", "", "\ud83d", "2026-99-01"]
    )
    | st.sampled_from(
        ["2026-02-03T09:15:00.123456789Z", "0001-01-01T00:00:00+05:00", "2026-02-03T9"]
    )
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
plain = st.sampled_from([scalars, st.integers(0, 9), st.floats(-9, 9), st.booleans()])
alike = plain.flatmap(
    lambda one: one | st.lists(one, max_size=2) | st.dictionaries(names, one, max_size=2)
)


def objects(**known):
    """Objects of which some members are known, and others not."""
    some = st.fixed_dictionaries({}, optional=known)
    return st.builds(lambda one, other: other | one, some, st.dictionaries(names, anything))


records = objects(
    id=anything,
    count=st.integers(0, 9) | scalars,
    metrics=objects(likes=alike) | scalars,
    createdAt=scalars,
    tags=st.lists(scalars, max_size=3) | scalars,
    new=alike,
    platforms=st.lists(
        objects(
            inner=objects(views=alike, seenAt=alike),
            owner=objects(name=anything) | scalars,
            new=alike,
        )
        | scalars,
        max_size=3,
    )
    | scalars,
)


def typed(values, columns):
    """Return a frame of records."""
    batch = Decoder(sf.Schema(columns))([page_of(json.dumps(values).encode())])
    return to_pandas(pa.Table.from_batches([batch.rows]))


def pointers(frame):
    """Return the pointers of each row's _extra."""
    return [set(json.loads(text)) if isinstance(text, str) else set() for text in frame["_extra"]]


def seen(pointer):
    """Return a pointer of the frame as drift shows it."""
    shown = re.sub(r"^(/platforms|/tags)/\d+", r"\1/*", pointer)
    steps = ["sk_…" if re.search("(?<![A-Za-z])sk_", one) else one for one in shown.split("/")]
    return "/".join(steps).encode("utf-8", "backslashreplace").decode()


def run(lines):
    """Return the columns that some lines make."""
    made = {"Column": sf.Column}
    exec("\n".join(["columns = [", *lines, "]"]), made)  # noqa: S102 - what is tested
    return made["columns"]


def put(columns, path, new, *, instead):
    """Return the columns with a new one in the column that a path names, or in its place."""
    if not path:
        return (*columns, new)
    if instead and len(path) == 1:
        return tuple(new if one.name == path[0] else one for one in columns)
    return tuple(
        replace(one, fields=put(one.fields, path[1:], new, instead=instead))
        if one.name == path[0]
        else one
        for one in columns
    )


@given(st.lists(records, min_size=1, max_size=5))
def test_each_pointer_of_extra_is_reported_once_with_its_share(values):
    """The entries of a list are one place; no text breaks the table."""
    frame = typed(values, COLUMNS)
    found = sf.drift(frame, columns=COLUMNS)

    drifted = found[found["kind"] != "null"]
    rows = [{seen(pointer) for pointer in row} for row in pointers(frame)]
    expected = {
        pointer: sum(pointer in row for row in rows) / len(rows) for pointer in set().union(*rows)
    }
    assert dict(zip(drifted["pointer"], drifted["share"], strict=True)) == expected
    assert found._repr_html_().encode()
    for name in found.loc[found["kind"] == "null", "column"]:
        if "[" not in name and "." not in name:
            assert frame[name].isna().all()


@given(st.lists(records, min_size=1, max_size=5))
def test_fields_that_the_lines_declare_are_no_longer_in_extra(values):
    """The lines are executed, and the rows decoded again with the new columns."""
    found = sf.drift(typed(values, COLUMNS), columns=COLUMNS)
    assert len(run(found["declare"])) == sum(found["declare"].str.startswith("Column("))

    columns, gone = COLUMNS, []
    for row in found[found["declare"].str.startswith("Column(")].to_dict("records"):
        (new,) = run([row["declare"]])
        path = row["column"].replace("[]", "").split(".") if row["column"] else []
        columns = put(columns, path, new, instead="# replaces" in row["declare"])
        gone.append(row["pointer"])

    left = {seen(pointer) for row in pointers(typed(values, columns)) for pointer in row}
    assert not left & set(gone)


@given(
    st.lists(
        st.none()
        | st.text(max_size=5)
        | st.builds(json.dumps, anything)
        | st.builds(
            json.dumps, st.dictionaries(st.from_regex(r"(/(platforms|[a-z~*]|\d){0,2})*"), anything)
        ),
        max_size=4,
    )
)
def test_any_extra_column_is_reported_or_an_argument_error(texts):
    """With any text."""
    frame = pd.DataFrame({"_extra": pd.Series(texts, dtype="object")})
    ours = all(text is None or _ours(text) for text in texts)
    if ours:
        found = sf.drift(frame, columns=COLUMNS)
        run(found["declare"])
        assert found._repr_html_().encode()
    else:
        with pytest.raises(sf.ArgumentError, match="_extra"):
            sf.drift(frame, columns=COLUMNS)


def _ours(text):
    """Whether a text is a JSON object by JSON Pointer."""
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and all(re.match("/|$", name) for name in found)
