"""Records become typed rows; values that do not fit are kept in _extra."""

import json
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import column, page_of

from socialframe.errors import ArgumentError, ReplyError
from socialframe.frames import Decoder, KeySet, explode, to_pandas
from socialframe.schema.columns import Schema

ROW = Schema(
    (
        column("id", "id"),
        column("n", "int64"),
        column("f", "float64"),
        column("at", "timestamp"),
        column("day", "date"),
        column("tags", "list<string>", item="tag"),
        column(
            "ts",
            "list<struct>",
            item="target",
            fields=(column("a", "string"), column("n", "int64")),
        ),
    ),
    ("id",),
)


def row_of(text, schema=ROW):
    """Return the one row of a page with one record, and its _extra as a value."""
    row = Decoder(schema)([page_of(b"[" + text.encode() + b"]")]).rows.to_pylist()[0]
    return row, json.loads(row["_extra"] or "{}")


@pytest.mark.parametrize(
    ("text", "name", "value", "extra"),
    [
        ('{"n": 1.0}', "n", 1, None),
        ('{"n": 1e3}', "n", 1000, None),
        ('{"n": 5.5}', "n", None, 5.5),
        ('{"n": "1"}', "n", 1, None),
        ('{"n": "one"}', "n", None, "one"),
        ('{"n": true}', "n", None, True),
        ('{"n": 9223372036854775807}', "n", 2**63 - 1, None),
        ('{"n": 9223372036854775808}', "n", None, 2**63),
        ('{"f": 5}', "f", 5.0, None),
        ('{"f": 9007199254740993}', "f", None, 2**53 + 1),
        ('{"f": NaN}', "f", None, "NaN"),
        ('{"f": 1e400}', "f", None, "1e400"),
        ('{"f": -Infinity}', "f", None, "-Infinity"),
        ('{"id": 12345678901234567890}', "id", "12345678901234567890", 12345678901234567890),
        ('{"id": "a", "id": "b"}', "id", "b", None),
        ('{"id": {"x": 1}}', "id", None, {"x": 1}),
        ('{"id": "\\ud83d"}', "id", "\\ud83d", "\ud83d"),
        ('{"at": "2026-02-03T09:15:00Z"}', "at", datetime(2026, 2, 3, 9, 15, tzinfo=UTC), None),
        (
            '{"at": "2026-02-03T09:15:00+02:00"}',
            "at",
            datetime(2026, 2, 3, 7, 15, tzinfo=UTC),
            None,
        ),
        ('{"at": "2026-02-03T09:15:00"}', "at", datetime(2026, 2, 3, 9, 15, tzinfo=UTC), None),
        (
            '{"at": "2026-02-03T09:15:00.123456789Z"}',
            "at",
            datetime(2026, 2, 3, 9, 15, 0, 123456, tzinfo=UTC),
            "2026-02-03T09:15:00.123456789Z",
        ),
        ('{"at": ""}', "at", None, ""),
        ('{"at": 1770109200}', "at", datetime(2026, 2, 3, 9, tzinfo=UTC), None),
        ('{"at": 20260203}', "at", None, 20260203),
        ('{"day": "2026-02-03"}', "day", date(2026, 2, 3), None),
        ('{"day": 0}', "day", None, 0),
        ('{"day": "2026-02-30"}', "day", None, "2026-02-30"),
        ('{"tags": "x"}', "tags", None, "x"),
        ('{"tags": []}', "tags", [], None),
        ('{"ts": {}}', "ts", None, {}),
    ],
)
def test_a_value_is_in_its_column_or_in_extra(text, name, value, extra):
    """An approximate value may be in the column, too."""
    row, found = row_of(text)

    assert row[name] == value
    assert found.get(f"/{name}") == extra
    assert len(found) == (extra is not None)


def test_extra_has_json_pointers():
    """Escaped, in the order of the record, with nulls and exact integers."""
    _, extra = row_of(
        '{"z": null, "a/b": 1, "ts": [{"a": "x", "m~n": {"k": [1]}}, {"a": 5}], '
        '"n": "many", "big": 123456789012345678901234567890}'
    )

    assert list(extra.items()) == [
        ("/z", None),
        ("/a~1b", 1),
        ("/ts/0/m~0n", {"k": [1]}),
        ("/ts/1/a", 5),
        ("/n", "many"),
        ("/big", 123456789012345678901234567890),
    ]


def test_a_record_that_is_not_an_object_is_in_extra():
    """Its columns are null."""
    rows = Decoder(ROW)([page_of(b'[null, 5, {"id": "a"}]')]).rows.to_pylist()

    assert [row["_extra"] for row in rows] == ['{"":null}', '{"":5}', None]
    assert [row["id"] for row in rows] == [None, None, "a"]


def test_an_empty_result_has_all_columns_and_types():
    """Without any page."""
    frame = to_pandas(pa.Table.from_batches([], ROW.arrow))

    assert frame.columns.tolist() == ROW.names
    assert str(frame.dtypes["n"]) == "Int64"
    assert str(frame.dtypes["at"]) == "datetime64[us, UTC]"


def test_dtypes_are_as_declared():
    """Nullable integers, native text, timestamps with time zone, Arrow for nested values."""
    rows = Decoder(ROW)([page_of([{"id": "a", "n": 2**60, "at": "2026-02-03T09:15:00Z"}, {}])]).rows
    frame = to_pandas(pa.Table.from_batches([rows]))

    dtypes = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    for declared in ROW:
        if declared.element != "struct" and not declared.is_list:
            assert dtypes[declared.name] == declared.dtype
    assert frame["n"].tolist() == [2**60, pd.NA]
    assert len(frame.set_index("at").sort_index().loc["2026-02"]) == 1


@pytest.mark.parametrize("bad", [b'{"id": "a"', b"nonsense", b'{"id": "a"},', b'{"id": "\xff"}'])
@pytest.mark.parametrize("unknown", [b"", b'{"strange": 1}, '])
def test_an_invalid_page_among_valid_ones_is_an_error(bad, unknown):
    """Not JSON or not UTF-8, with and without unknown fields on the page."""
    good = page_of(b'[{"id": "a"}]')

    with pytest.raises(ReplyError):
        Decoder(ROW)([good, page_of(b"[" + unknown + bad + b"]"), good])


def test_invalid_utf8_in_an_unknown_field_is_an_error():
    """Arrow skips it; the reference decoder does not."""
    with pytest.raises(ReplyError):
        Decoder(ROW)([page_of(b'[{"strange": "\xff"}]')])


def test_deep_nesting_does_not_crash():
    """If Arrow infers the type of 100,000 brackets in an unknown field, the process crashes."""
    deep = b'[{"id": "a", "strange": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]"

    with pytest.raises(ReplyError, match="nested too deeply"):
        Decoder(ROW)([page_of(deep)])


def test_a_page_with_a_misfit_does_not_change_other_pages():
    """Groups are halved until that page is alone."""
    pages = [page_of([{"id": f"p{i}", "n": i}]) for i in range(15)]
    pages[7] = page_of(b'[{"id": "p7", "n": "seven"}]')

    rows = Decoder(ROW)(pages).rows.to_pylist()

    assert [row["id"] for row in rows] == [f"p{i}" for i in range(15)]
    assert [row["n"] for row in rows] == [None if i == 7 else i for i in range(15)]


def test_contradicting_columns_are_an_error():
    """One column inside another, two columns with one path, an unknown type."""
    with pytest.raises(ArgumentError, match="is inside"):
        Decoder(Schema((column("a", "string"), column("b", "string", "a.b"))))
    with pytest.raises(ArgumentError, match="share the path"):
        Decoder(Schema((column("a", "string"), column("b", "string", "a"))))
    with pytest.raises(ArgumentError, match="must be one of id, string"):
        column("a", "varchar")


def test_explode_returns_one_row_for_each_entry():
    """An empty list and null keep one row of nulls; _extra stays last."""
    schema = ROW.explode("ts")
    page = page_of(
        [
            {"id": "a", "ts": [{"a": "x", "n": 1}, None, {"a": "y"}]},
            {"id": "b", "ts": []},
            {"id": "c", "q": 1},
        ]
    )
    rows = explode(Decoder(ROW)([page]).rows, schema).to_pylist()

    assert schema.names[-4:] == ["target_position", "target_a", "target_n", "_extra"]
    assert [(r["id"], r["target_position"], r["target_a"], r["target_n"]) for r in rows] == [
        ("a", 0, "x", 1),
        ("a", 1, None, None),
        ("a", 2, "y", None),
        ("b", None, None, None),
        ("c", None, None, None),
    ]
    assert rows[-1]["_extra"] == '{"/q":1}'


def test_extra_of_an_exploded_row_has_the_fields_of_its_own_entry():
    """And those of the record; a list that does not fit stays."""
    schema = ROW.explode("ts")
    page = page_of(
        [
            {"id": "a", "q": 1, "ts": [{"a": "x", "b": 0}, {"a": 5}, *[{"a": "y"}] * 9, {"b": 2}]},
            {"id": "b", "ts": [{"b": 3}, {"a": "z"}]},
            {"id": "c", "ts": {"0": 1}},
        ]
    )
    rows = explode(Decoder(ROW)([page]).rows, schema).to_pylist()

    found = [row["_extra"] for row in rows]
    assert found[:3] == ['{"/q":1,"/ts/0/b":0}', '{"/q":1,"/ts/1/a":5}', '{"/q":1}']
    assert found[10:] == [
        '{"/q":1}',
        '{"/q":1,"/ts/11/b":2}',
        '{"/ts/0/b":3}',
        None,
        '{"/ts":{"0":1}}',
    ]


@pytest.mark.parametrize(
    ("key", "name"), [(("post_id",), "post_n"), (("id",), "record_n"), ((), "record_n")]
)
def test_a_number_that_entries_have_too_is_renamed_by_an_explode(key, name):
    """After the key. Text and other numbers keep their names."""
    entry = (column("n", "int64"), column("s", "string"))
    columns = [column(key[0] if key else "id", "id"), column("n", "int64"), column("m", "int64")]
    columns += [column("s", "string"), column("ts", "list<struct>", item="t", fields=entry)]

    names = Schema(tuple(columns), key).explode("ts").names

    assert names[1:] == [name, "m", "s", "t_position", "t_n", "t_s", "_extra"]


def test_explode_of_a_list_of_values():
    """The column has the name of the item."""
    schema = ROW.explode("tags")
    rows = explode(Decoder(ROW)([page_of([{"id": "a", "tags": ["x", "y"]}, {}])]).rows, schema)

    assert rows.column("tag").to_pylist() == ["x", "y", None]


@pytest.mark.parametrize("name", ["id", "nothing", "_extra"])
def test_only_a_list_can_be_exploded_and_only_once(name):
    """The error names the list columns."""
    with pytest.raises(ArgumentError, match="tags, ts"):
        ROW.explode(name)
    with pytest.raises(ArgumentError, match="'ts' cannot be exploded"):
        ROW.explode("ts").explode("ts")


@given(st.lists(st.lists(st.integers(0, 60).map(str) | st.none(), max_size=30), max_size=20))
def test_key_set_finds_the_new_keys_as_a_set_does(batches):
    """A row with a null key is always new."""
    keys, known = KeySet(), set()
    for batch in batches:
        expected = []
        for value in batch:
            expected.append(value is None or value not in known)
            known.add(value)

        assert keys.add_new([pa.array(batch, pa.string())]).tolist() == expected


def test_key_set_separates_the_columns_of_a_key():
    """("ab", "c") is not ("a", "bc"); a key can have dates and text."""
    keys = KeySet()
    key = [pa.array(["ab", "a", "ab"]), pa.array(["c", "bc", "c"])]

    assert keys.add_new(key).tolist() == [True, True, False]
    days = [pa.array(["a", "a"]), pa.array([date(2026, 1, 1), date(2026, 1, 2)])]
    assert keys.add_new(days).tolist() == [True, True]


def test_key_set_needs_16_bytes_a_row():
    """It finds each of many keys again."""
    keys = KeySet()
    for start in range(0, 200_000, 10_000):
        assert keys.add_new([pa.array([f"post_{i}" for i in range(start, start + 10_000)])]).all()

    again = keys.add_new([pa.array([f"post_{i}" for i in range(0, 200_000, 17)])])
    assert not again.any()
    assert sum(high.nbytes + low.nbytes for high, low in keys._runs) == 200_000 * 16


def test_the_repr_of_a_schema_is_a_table():
    """As text and as HTML, with nested fields; a column can be found by its name."""
    assert "ts[].a" in repr(ROW)
    assert "<td>ts[].a</td>" in ROW._repr_html_()
    assert ROW["n"].dtype == "Int64"
    assert len(ROW) == 8
    with pytest.raises(ArgumentError, match="the columns are id, n"):
        ROW["nothing"]
