"""Numbers and moments as text, odd values, objects whose names are data, always-null columns."""

import json
import resource
import tempfile
import time
from datetime import UTC, date, datetime

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from stand_ins import Scripted, client_of, column, page_of

import socialframe as sf
from socialframe.errors import FileError
from socialframe.frames import Decoder, infer_all
from socialframe.paging import Single
from socialframe.schema.columns import Schema

NINE = datetime(2026, 2, 3, 9, tzinfo=UTC)


def query_of(rows, **options):
    """Return a fetch of some rows."""
    api = client_of(Scripted({"rows": rows}))
    return api.fetch("/v1/rows", records="rows", paging=Single(), **options)


def inferred(rows, types=None):
    """Return rows with the types of all of them, and the Arrow schema."""
    *_, batch = infer_all([rows], types or {})
    return batch.to_pylist(), batch.schema


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int64", "1203", 1203),
        ("int64", "-5", -5),
        ("int64", "9007199254740993", 2**53 + 1),
        ("int64", "12.0", 12),
        ("float64", "12.50", 12.5),
        ("float64", "3", 3.0),
        ("float64", "1e3", 1000.0),
        ("bool", "true", True),
        ("bool", "False", False),
        ("timestamp", 1770109200, NINE),
        ("timestamp", "1770109200", NINE),
        ("timestamp", 1770109200000, NINE),
        ("timestamp", "1770109200000", NINE),
        ("timestamp", 1770109200.5, NINE.replace(microsecond=500_000)),
        ("timestamp", 1712012900000, datetime(2024, 4, 1, 23, 8, 20, tzinfo=UTC)),
        ("timestamp", "1712012900000", datetime(2024, 4, 1, 23, 8, 20, tzinfo=UTC)),
        ("timestamp", "Wed, 02 Oct 2002 13:00:00 GMT", datetime(2002, 10, 2, 13, tzinfo=UTC)),
        ("timestamp", "2 Oct 2002 15:00 +0200", datetime(2002, 10, 2, 13, tzinfo=UTC)),
        ("timestamp", "Wed Oct 02 13:00:00 +0000 2002", datetime(2002, 10, 2, 13, tzinfo=UTC)),
        ("timestamp", "Wed, 02 Oct 2002 08:00:00 EST", datetime(2002, 10, 2, 13, tzinfo=UTC)),
        ("date", "2026-02-03T00:00:00Z", date(2026, 2, 3)),
        ("list<int64>", ["1", 2], [1, 2]),
    ],
)
def test_text_becomes_a_value_of_the_declared_type(kind, value, expected):
    """In a declared column and in a column of fetch; nothing is in _extra."""
    decoded = Decoder(Schema((column("x", kind),)))([page_of([{"x": value}])]).rows.to_pylist()
    fetched, _ = inferred([{"x": value}], {"x": kind})

    assert decoded == fetched == [{"x": expected, "_extra": None}]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int64", "007"),
        ("int64", "1,203"),
        ("int64", "12.5"),
        ("int64", "9223372036854775808"),
        ("int64", "\u0663"),
        ("int64", ""),
        ("float64", "NaN"),
        ("float64", "1e400"),
        ("float64", "9007199254740993"),
        ("float64", "12,5"),
        ("bool", "yes"),
        ("bool", 1),
        ("timestamp", 20260203),
        ("timestamp", 20260203091500),
        ("timestamp", "202602030915"),
        ("timestamp", 0),
        ("timestamp", True),
        ("timestamp", "Wed, 02 Oct 2002 13:00:00 CET"),
        ("timestamp", "Wed, 42 Oct 2002 13:00:00 GMT"),
        ("date", "2026-02-03T09:15:00Z"),
        ("date", "2026-02-03T00:00:00-03:00"),
        ("date", 1770076800),
    ],
)
def test_an_ambiguous_value_is_null_and_in_extra(kind, value):
    """It is not guessed: 007 is an id, 1,203 differs by country, 20260203 is a day."""
    decoded = Decoder(Schema((column("x", kind),)))([page_of([{"x": value}])]).rows.to_pylist()
    fetched, _ = inferred([{"x": value}], {"x": kind})

    assert decoded == fetched
    assert decoded[0]["x"] is None
    assert json.loads(decoded[0]["_extra"]) == {"/x": value}


def test_a_dotted_name_declares_the_type_of_an_inner_member():
    """The object keeps the value as the API sent it."""
    rows, _ = inferred([{"a": {"n": "12"}}, {"a": {"n": "x"}}], {"a.n": "int64"})

    assert rows == [
        {"a": {"n": "12"}, "a.n": 12, "_extra": None},
        {"a": {"n": "x"}, "a.n": None, "_extra": '{"/a/n":"x"}'},
    ]


@pytest.mark.parametrize(
    ("values", "kind", "expected", "odd"),
    [
        ([1, 2, "n/a"], pa.int64(), [1, 2, None], [None, None, "n/a"]),
        (["n/a", 1.5, 2], pa.float64(), [None, 1.5, 2.0], ["n/a", None, None]),
        (["a", "b", 5], pa.string(), ["a", "b", None], [None, None, 5]),
        ([True, "", False], pa.bool_(), [True, None, False], [None, "", None]),
        ([1, 2, 2**63], pa.int64(), [1, 2, None], [None, None, 2**63]),
        ([0.5, 2**53 + 2], pa.float64(), [0.5, 2.0**53 + 2], [None, None]),
        ([0.5, 2, 2**53 + 1], pa.float64(), [0.5, 2.0, None], [None, None, 2**53 + 1]),
        ([{"a": 1}, [], []], pa.struct({"a": pa.int64()}), [{"a": 1}, None, None], [None, [], []]),
        ([[1], {}, {}], pa.list_(pa.int64()), [[1], None, None], [None, {}, {}]),
        (["a", "\ud83d b"], pa.string(), ["a", "\\ud83d b"], [None, "\ud83d b"]),
        ([1, "", []], pa.int64(), [1, None, None], [None, "", []]),
        ([1, "a"], pa.string(), ["1", '"a"'], [None, None]),
        (["", []], pa.string(), ['""', "[]"], [None, None]),
    ],
)
def test_an_odd_value_does_not_change_the_type_of_the_others(values, kind, expected, odd):
    """In any order; it is null, or escaped, and _extra has it."""
    for order in (1, -1):
        rows, schema = inferred([{"x": value} for value in values[::order]])

        assert schema.field("x").type == kind
        assert [row["x"] for row in rows] == expected[::order]
        extras = [json.loads(row.get("_extra") or "{}") for row in rows]
        assert [extra.get("/x") for extra in extras] == odd[::order]


def test_an_odd_value_inside_a_list_and_an_object_is_in_extra_by_its_pointer():
    """Other values of its record stay typed."""
    rows = [{"x": [{"n": 1}, {"n": 2}], "a/b": {"t": "t"}} for _ in range(3)]
    rows[1] = {"x": [{"n": 1}, {"n": "-"}], "a/b": {"t": "\ud83d", "\ud83d": 1}}

    found, _ = inferred(rows)

    assert found[0] == {"x": [{"n": 1}, {"n": 2}], "a/b": {"t": "t"}, "_extra": None}
    assert found[1]["x"] == [{"n": 1}, {"n": None}]
    assert json.loads(found[1]["_extra"]) == {
        "/x/1/n": "-",
        "/a~1b/t": "\ud83d",
        "/a~1b/\ud83d": 1,
    }


def test_extra_is_the_last_column():
    """If the API has a member of that name, too."""
    rows = [{"_extra": "a", "n": 1}, {"n": 2}, {"n": "-", "m": 1}]

    assert inferred(rows[:2])[1].names == ["n", "_extra"]
    found, schema = inferred(rows)
    assert schema.names == ["n", "m", "_extra"]
    assert json.loads(found[0]["_extra"]) == {"/_extra": "a"}


def test_an_object_whose_names_are_data_is_json_text():
    """With more than 200 names in all rows; time grows with the rows."""

    def seconds(rows):
        records = [
            {"value": {f"Town {i + 7 * j}": j for j in range(300)}, "n": i} for i in range(rows)
        ]
        start = time.process_time()
        *_, batch = infer_all([records], {})
        assert batch.schema.field("value").type == pa.string()
        assert json.loads(batch.column("value")[1].as_py()) == records[1]["value"]
        return time.process_time() - start

    seconds(10)
    assert seconds(800) < 12 * max(seconds(200), 0.01)


def test_nested_objects_with_many_fields_are_json_text():
    """Each has few names, but all together have more than 1,000."""
    record = {"x": {f"a{i}": {f"b{j}": j for j in range(100)} for i in range(100)}}

    *_, batch = infer_all([[record]], {})

    assert json.loads(batch.column("x")[0].as_py()) == record["x"]


def test_files_of_two_days_are_read_together(tmp_path):
    """A column that is null on the first day fits any type of the second day."""
    days = [
        [{"id": "a", "error": None, "m": {"likes": 3, "x": None}, "media": [], "tags": None}],
        [
            {
                "id": "b",
                "error": {"code": 190},
                "m": {"likes": 4, "x": "y"},
                "media": [{"url": "u"}],
                "tags": ["t"],
            }
        ],
    ]
    files = [str(tmp_path / f"{i}.parquet") for i in range(2)]
    for rows, file in zip(days, files, strict=True):
        query_of(rows).to_parquet(file)
    expected = days[0] + days[1]

    tables = [pq.read_table(file) for file in files]
    joined = pa.concat_tables(tables, promote_options="permissive")
    schema = pa.unify_schemas([table.schema for table in tables], promote_options="permissive")
    assert joined.to_pylist() == expected
    assert ds.dataset(files, schema=schema).to_table().to_pylist() == expected
    assert pd.concat([sf.read_parquet(file) for file in files])["error"].tolist() == [
        None,
        {"code": 190},
    ]
    polars = pl.concat([pl.read_parquet(file) for file in files], how="diagonal_relaxed")
    assert polars.to_dicts() == expected
    found = duckdb.sql(f"select * from read_parquet({files}, union_by_name=true)")
    assert found.to_arrow_table().to_pylist() == expected


def test_an_always_null_column_is_written_as_text_files(tmp_path):
    """As nothing in CSV and null in JSON Lines."""
    rows = [{"a": 1, "b": None}]

    assert query_of(rows).to_csv(tmp_path / "x.csv").read_text() == '"a","b"\n1,\n'
    assert query_of(rows).to_jsonl(tmp_path / "x.jsonl").read_text() == '{"a": 1, "b": null}\n'


@pytest.mark.parametrize("kind", ["struct", "list<struct>"])
def test_a_struct_without_fields_is_refused_at_the_call(kind):
    """In fetch and in Column."""
    with pytest.raises(sf.ArgumentError, match="'x' of type .* needs fields="):
        query_of([], columns={"x": kind})


@pytest.mark.parametrize("harm", ["missing", "full"])
def test_a_temporary_folder_that_cannot_hold_the_records_is_named(monkeypatch, tmp_path, harm):
    """A file that the rows go to is not blamed."""
    folder = tmp_path / "temporary"
    if harm == "full":
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    rows = [
        {"id": str(number), "text": "x" * 2_000_000} for number in range(20)
    ]  # more than memory
    api = client_of(Scripted({"rows": rows}), journal=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if harm == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(FileError, match=f"temporary {folder}.*TMPDIR") as caught:
            api.fetch("/v1/rows", paging=Single()).to_csv(tmp_path / "rows.csv")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert "rows.csv" not in str(caught.value)
    assert not (tmp_path / "rows.csv").exists()
