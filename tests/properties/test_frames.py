"""For any JSON, the fast decoder equals the reference decoder, and no value is lost."""

import json
import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import column, page_of

from socialframe.frames import Decoder
from socialframe.frames.reference import convert_records, tree
from socialframe.schema.columns import Schema

SCHEMA = Schema(
    (
        column("id", "id"),
        column("text", "string"),
        column("count", "int64"),
        column("rate", "float64", "metrics.rate"),
        column("likes", "int64", "metrics.likes"),
        column("on", "bool"),
        column("at", "timestamp", "createdAt"),
        column("day", "date"),
        column("tags", "list<string>"),
        column("numbers", "list<float64>"),
        column(
            "targets",
            "list<struct>",
            "platforms",
            fields=(
                column("platform", "string"),
                column("account_id", "id", "accountId"),
                column("seen_at", "timestamp", "inner.seenAt"),
            ),
        ),
        column("owner", "struct", fields=(column("name", "string"),)),
    )
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0, 1, -1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1.0, 1e3, -0.0, 5.5, 1e300, 2.0**53, 2.0**63])
    | st.text(st.characters(codec="utf-8"), max_size=6)
    | st.sampled_from(["", "1", "true", "\ud83d", "\x00", "a\ud83d", "NaN"])
    | st.sampled_from(["12.50", "1e3", "1.0", "007", "-1", "1e400", 1770109200, "1770109200000"])
)
moments = st.sampled_from(
    [
        "2026-02-03T09:15:00Z",
        "2026-02-03T09:15:00",
        "2026-02-03",
        "2026-02-03 09:15",
        "",
        "2026-02-03T09:15:00.123456+02:00",
        "2026-02-03T09:15:00.123456789Z",
        "2026-02-03T09Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-01:00",
        "2026-02-03T24:00:00Z",
        "2026-02-03T09:15:00+0200",
        "2026-13-03T09:15:00Z",
        "2026-02-03T23:59:60Z",
        "20260203T091500Z",
        "2026-W05-1",
        "2026-02-03T09:15:00.1Z",
        "2026-02-03T09:15:00,5Z",
        "1969-12-31T23:59:59.999999Z",
        " 2026-02-03",
        "2026-2-3",
        "0000-01-01",
        "9999-12-31",
        "Wed, 02 Oct 2002 13:00:00 GMT",
        "1770109200",
        "1712012900000",
    ]
)
anything = st.recursive(
    scalars | moments,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
unknown_names = st.text(max_size=3) | st.sampled_from(["a/b", "~", "x~1", "id2", "metrics2", ""])


def usually(good):
    """Most values fit, so that the fast decoder is used; some do not."""
    return st.integers(0, 39).flatmap(
        lambda n: anything if n == 39 else st.none() if n > 36 else good
    )


targets = st.fixed_dictionaries(
    {},
    optional={
        "platform": usually(st.text(st.characters(codec="utf-8"), max_size=4)),
        "accountId": usually(st.text(st.characters(codec="utf-8"), max_size=4)),
        "inner": usually(st.fixed_dictionaries({}, optional={"seenAt": usually(moments)})),
        "strange": anything,
    },
)
known = st.fixed_dictionaries(
    {},
    optional={
        "id": usually(st.text(st.characters(codec="utf-8"), max_size=4)),
        "text": usually(st.text(st.characters(codec="utf-8"), max_size=8)),
        "count": usually(st.integers(-(2**63), 2**63 - 1)),
        "metrics": usually(
            st.fixed_dictionaries(
                {},
                optional={
                    "rate": usually(st.floats(-1e9, 1e9) | st.integers(2**53 - 2, 2**53 + 2)),
                    "likes": usually(st.integers(0, 99)),
                },
            )
        ),
        "on": usually(st.booleans()),
        "createdAt": usually(moments),
        "day": usually(st.dates().map(str) | moments),
        "tags": usually(
            st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=3), max_size=3)
        ),
        "numbers": usually(st.lists(st.none() | st.floats(-1e9, 1e9), max_size=3)),
        "platforms": usually(st.lists(st.none() | targets, max_size=3)),
        "owner": usually(st.fixed_dictionaries({}, optional={"name": st.none() | st.just("n")})),
    },
)
drifting = st.builds(
    lambda one, other: {**other, **one}, known, st.dictionaries(unknown_names, anything, max_size=2)
)
records = st.one_of(known, known, known, drifting, drifting, anything)


def rows_by_reference(values):
    rows, extras = convert_records(values, tree(SCHEMA.columns))
    return [
        {name: row.get(name) for name in SCHEMA.names[:-1]} | {"_extra": extra}
        for row, extra in zip(rows, extras, strict=True)
    ]


def same(one, other):
    """Whether two values and their types are equal; NaN equals NaN, and 0.0 equals -0.0."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    return one == other and type(one) is type(other)


def with_nulls(value, kind):
    """Return a nested value with the nulls that Arrow has for missing members."""
    if value is None:
        return None
    if pa.types.is_list(kind):
        return [with_nulls(entry, kind.value_type) for entry in value]
    if pa.types.is_struct(kind):
        return {field.name: with_nulls(value.get(field.name), field.type) for field in kind}
    return value


def pages_of(one):
    return st.lists(st.lists(one, max_size=4), min_size=1, max_size=4)


@given(st.one_of(pages_of(known), pages_of(known | drifting), pages_of(records)), st.booleans())
def test_the_fast_decoder_equals_the_reference_decoder(pages, ascii_only):
    """One page at a time or several, with and without unknown fields, for any values."""
    texts = []
    for page in pages:
        try:
            texts.append(json.dumps(page, ensure_ascii=ascii_only).encode())
        except UnicodeEncodeError:
            texts.append(json.dumps(page).encode())

    decoder = Decoder(SCHEMA)
    batch = decoder([page_of(text) for text in texts])

    assert batch.counts == [len(page) for page in pages]
    kinds = {field.name: field.type for field in SCHEMA.arrow}
    expected = [
        {name: with_nulls(value, kinds[name]) for name, value in row.items()}
        for text in texts
        for row in rows_by_reference(page_of(text).records(exact=True))
    ]
    found = batch.rows.to_pylist()
    assert len(expected) == len(found)
    for one, other in zip(expected, found, strict=True):
        assert same(one, other), (one, other)


def at(record, pointer):
    for name in pointer.split("/")[1:]:
        name = name.replace("~1", "/").replace("~0", "~")  # noqa: PLW2901
        record = record[int(name)] if isinstance(record, list) else record[name]
    return record


def check_object(row, extra, value, columns, pointer):
    """Check that each value of a record is in its row or in _extra."""
    if pointer in extra:
        assert same(extra[pointer], value)
        return
    assert isinstance(value, dict)
    for name, inner in value.items():
        below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        node = columns.get(name)
        if below in extra:
            assert same(extra[below], inner)
        elif isinstance(node, dict):
            if inner is not None:
                check_object(row, extra, inner, node, below)
        else:
            assert node is not None, f"{below} is lost"
            check_member(row[node.column.name], extra, inner, node, below)


def check_member(got, extra, value, node, pointer):
    if pointer in extra:
        assert same(extra[pointer], value)
    elif node.column.is_list and value is not None:
        for i, (entry, inner) in enumerate(zip(got, value, strict=True)):
            check_value(entry, extra, inner, node, f"{pointer}/{i}")
    else:
        check_value(got, extra, value, node, pointer)


def moment_of(value):
    """Return the moment of a text or a number."""
    if isinstance(value, str) and "GMT" in value:
        return parsedate_to_datetime(value)
    if not isinstance(value, str) or value.isdecimal():
        return datetime.fromtimestamp(float(value) / (1000 if float(value) > 1e11 else 1), UTC)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def check_value(got, extra, value, node, pointer):
    if pointer in extra:
        assert same(extra[pointer], value)
    elif value is None:
        assert got is None
    elif node.column.element == "struct":
        check_object(got, extra, value, node.fields, pointer)
    elif node.column.element == "timestamp":
        assert got == moment_of(value)
        assert not re.search(r"\.\d{7}", str(value))
    elif node.column.element == "date":
        assert str(got) in {value, value.removesuffix("T00:00:00Z")}
    elif node.column.element in {"int64", "float64", "bool"} and isinstance(value, str):
        assert got == json.loads(value.lower())
    else:
        assert got == value
        assert isinstance(got, bool) == isinstance(value, bool)


@given(st.lists(records, max_size=4))
def test_each_value_of_each_record_is_in_a_column_or_in_extra(values):
    """Timestamps and doubles are equal; other values are unchanged."""
    text = json.dumps(values).encode()
    values = json.loads(text)

    rows = Decoder(SCHEMA)([page_of(text)]).rows.to_pylist()

    for value, row in zip(values, rows, strict=True):
        extra = json.loads(row["_extra"] or "{}")
        check_object(row, extra, value, tree(SCHEMA.columns), "")


@given(st.lists(records, max_size=8), st.integers(1, 8), st.data())
def test_any_page_size_gives_the_same_rows(values, size, data):
    """With any groups of pages."""
    pages = [page_of(values[i : i + size]) for i in range(0, len(values), size)] or [page_of([])]
    cut = data.draw(st.integers(1, len(pages)))

    whole = Decoder(SCHEMA)([page_of(values)]).rows.to_pylist()
    decoder = Decoder(SCHEMA)
    parts = []
    for i in range(0, len(pages), cut):
        parts += decoder(pages[i : i + cut]).rows.to_pylist()

    assert len(whole) == len(parts)
    assert all(map(same, whole, parts))
