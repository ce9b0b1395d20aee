"""Parquet files that other libraries read with the same values."""

import json
from datetime import date, time
from decimal import Decimal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from contracts.sink_contract import ROWS, SCHEMA, batch
from pandas.testing import assert_frame_equal
from pyarrow import parquet as pq

import socialframe as sf
from socialframe.files.parquet import write_parquet

BIG = 2**53 + 1


@pytest.fixture
def path(tmp_path):
    """Return the path of a file with the rows of the sink contract."""
    write_parquet(tmp_path / "rows.parquet", [batch()], lambda: {"endpoint": "rows"})
    return tmp_path / "rows.parquet"


def test_four_engines_read_the_same_rows(path):
    """Integers with nulls and beyond 2^53, booleans, timestamps in UTC, nested values."""
    arrow = pq.read_table(path).to_pylist()
    duck = duckdb.sql(f"SET TimeZone='UTC'; SELECT * FROM '{path}'").to_arrow_table().to_pylist()
    polars = pl.read_parquet(path).to_dicts()
    pandas = pd.read_parquet(path)

    assert arrow == pa.RecordBatch.from_pylist(ROWS, schema=SCHEMA).to_pylist()
    for rows in (duck, polars):
        assert [row["n"] for row in rows] == [BIG, None, -1]
        assert [row["on"] for row in rows] == [True, None, False]
        assert [row["at"] and row["at"].timestamp() for row in rows] == [0, None, 1770109200.123456]
        assert rows[0]["targets"] == [{"a": "é", "n": 1}]
    assert pandas["n"].tolist() == [BIG, pd.NA, -1]
    assert str(pandas["on"].dtype) == "boolean"
    assert str(pandas["at"].dtype) == "datetime64[us, UTC]"
    assert pandas["targets"][0][0] == {"a": "é", "n": 1}


def test_read_parquet_keeps_nested_types_and_provenance(path):
    """It can read some columns only."""
    frame = sf.read_parquet(path)

    assert frame.dtypes["targets"] == pd.ArrowDtype(SCHEMA.field("targets").type)
    assert frame.attrs["socialframe"] == {"endpoint": "rows"}
    assert sf.read_parquet(path, columns=["n"]).columns.tolist() == ["n"]


def test_a_filtered_frame_round_trips_by_plain_pandas(tmp_path):
    """Index, integers and time zones; nested values are objects."""
    df = sf.Client.sandbox().posts(since="2026-08-01").frame()
    failed = df[df.status == "failed"]

    sf.to_parquet(failed, tmp_path / "failed.parquet")
    plain = pd.read_parquet(tmp_path / "failed.parquet")
    ours = sf.read_parquet(tmp_path / "failed.parquet")

    assert 0 < len(failed) < len(df)
    flat = [name for name in df if not isinstance(df.dtypes[name], pd.ArrowDtype)]
    assert_frame_equal(plain[flat], failed[flat])
    assert_frame_equal(ours, failed)
    assert [len(value) for value in plain["platforms"]] == [len(v) for v in failed["platforms"]]
    assert ours.attrs["socialframe"]["rows_written"] == len(failed)


def test_a_merged_frame_round_trips_by_plain_pandas(tmp_path):
    """Posts and their analytics."""
    api = sf.Client.sandbox()
    posts, numbers = api.posts(since="2026-10-01").frame(), api.analytics().frame()
    merged = posts.merge(numbers, left_on="id", right_on="post_id", how="left")

    sf.to_parquet(merged, tmp_path / "merged.parquet")
    plain = pd.read_parquet(tmp_path / "merged.parquet")

    flat = [name for name in merged if not isinstance(merged.dtypes[name], pd.ArrowDtype)]
    assert merged["likes"].isna().any()
    assert str(plain["likes"].dtype) == "Int64"
    assert_frame_equal(plain[flat], merged[flat])


def test_indexes_round_trip(tmp_path):
    """A named index, a MultiIndex, and a column of big integers."""
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "n": pd.array([BIG, None], "Int64")})
    for index in (["a"], ["a", "b"]):
        one = frame.set_index(index)
        sf.to_parquet(one, tmp_path / "i.parquet")
        assert_frame_equal(pd.read_parquet(tmp_path / "i.parquet"), one)
        assert_frame_equal(sf.read_parquet(tmp_path / "i.parquet"), one)


def test_a_frame_that_arrow_cannot_hold_is_an_argument_error(tmp_path):
    """No file is left."""
    with pytest.raises(sf.ArgumentError, match="cannot be written as Parquet"):
        sf.to_parquet(pd.DataFrame({"x": [1, "a", {}]}), tmp_path / "x.parquet")

    assert list(tmp_path.iterdir()) == []


def test_invalid_arguments_and_files_raise_errors(tmp_path, path):
    """A missing file, a folder, an invalid file, a truncated file, a missing column."""
    (tmp_path / "text.parquet").write_text("id,n\n")
    (tmp_path / "cut.parquet").write_bytes(path.read_bytes()[:-20])
    (tmp_path / "empty.parquet").write_bytes(b"")

    for name, words in {
        "nothing.parquet": "There is no file",
        "": "is a folder",
        "text.parquet": "is not a Parquet file",
        "cut.parquet": "is not a Parquet file",
        "empty.parquet": "is not a Parquet file",
    }.items():
        with pytest.raises(sf.FileError, match=words):
            sf.read_parquet(tmp_path / name)
    with pytest.raises(sf.ArgumentError, match="columns must be a list of names"):
        sf.read_parquet(path, columns="id")
    with pytest.raises(sf.ArgumentError, match="frame must be a DataFrame; got Series"):
        sf.to_parquet(pd.Series([1]), tmp_path / "s.parquet")
    with pytest.raises(sf.ArgumentError, match="has no column x; it has id"):
        sf.read_parquet(path, columns=["x"])


def test_files_of_other_writers_can_be_read(tmp_path):
    """They have no provenance."""
    pl.DataFrame({"n": [1, None]}).write_parquet(tmp_path / "p.parquet")

    frame = sf.read_parquet(tmp_path / "p.parquet")

    assert frame["n"].tolist() == [1, pd.NA]
    assert "socialframe" not in frame.attrs


def test_the_footer_does_not_name_nested_columns(path):
    """Pandas cannot read its own names for them."""
    footer = json.loads(pq.read_schema(path).metadata[b"pandas"])

    assert {c["name"] for c in footer["columns"]} == {"n", "on"}


def test_arrow_dtypes_round_trip(tmp_path):
    """Plain pandas keeps dates and times; read_parquet keeps nested types and decimals, too."""
    values = {
        pa.date32(): date(2026, 1, 1),
        pa.time64("us"): time(1, 2),
        pa.decimal128(5, 2): Decimal("1.25"),
        pa.list_(pa.int64()): [1],
        pa.struct([("a", pa.int64())]): {"a": 1},
        pa.dictionary(pa.int32(), pa.string()): "a",
    }
    frame = pd.DataFrame(
        {
            str(kind): pd.array([value, None], dtype=pd.ArrowDtype(kind))
            for kind, value in values.items()
        }
    )

    sf.to_parquet(frame, tmp_path / "f.parquet")

    plain = pd.read_parquet(tmp_path / "f.parquet").dtypes.astype(str)
    assert plain["date32[day]"] == "date32[day][pyarrow]"
    assert plain["time64[us]"] == "time64[us][pyarrow]"
    ours = sf.read_parquet(tmp_path / "f.parquet").dtypes
    for kind in list(values)[:-1]:
        assert ours[str(kind)] == pd.ArrowDtype(kind)


def test_dates_of_followers_are_days_in_each_reader(tmp_path):
    """Plain pandas, read_parquet, Polars, and DuckDB west of Greenwich."""
    api = sf.Client.sandbox()
    frame = api.followers().frame()
    file = str(api.followers().to_parquet(tmp_path / "f.parquet"))

    assert pq.read_schema(file).field("date").type == pa.date32()
    assert str(pd.read_parquet(file)["date"].dtype) == "date32[day][pyarrow]"
    assert_frame_equal(sf.read_parquet(file), frame)
    assert pl.read_parquet(file)["date"].to_list() == frame["date"].dt.date.tolist()
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'America/Sao_Paulo'")
        days = database.sql(f"SELECT date::date FROM '{file}'").fetchall()
    assert [day for (day,) in days] == frame["date"].dt.date.tolist()


def test_a_frame_with_days_can_be_saved_and_read_again(tmp_path):
    """With to_parquet."""
    frame = sf.Client.sandbox().followers().frame()

    sf.to_parquet(frame, tmp_path / "f.parquet")

    assert_frame_equal(sf.read_parquet(tmp_path / "f.parquet"), frame)
