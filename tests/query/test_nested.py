"""Frames and files without nested columns, for pandas, databases and BI tools."""

import json
import sqlite3

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

import socialframe as sf

METHODS = {
    "describe": lambda frame: frame.describe(include="all"),
    "nunique": lambda frame: frame.nunique(),
    "drop_duplicates": lambda frame: frame.drop_duplicates(),
    "convert_dtypes": lambda frame: frame.convert_dtypes(),
    "value_counts": lambda frame: frame.value_counts(dropna=False),
    "groupby": lambda frame: frame.groupby(frame.columns.tolist(), dropna=False).size(),
    "hash": pd.util.hash_pandas_object,
    "merge": lambda frame: frame.merge(frame),
}
NESTED = ["tags", "media_items", "platforms"]


@pytest.fixture(scope="module")
def api():
    """Return a client of one sandbox for the module."""
    return sf.Client.sandbox()


@pytest.fixture(scope="module")
def query(api):
    return api.posts(status="failed")


@pytest.mark.parametrize("nested", ["json", "drop"])
@pytest.mark.parametrize("name", METHODS)
def test_pandas_accepts_a_frame_without_nested_columns(query, nested, name):
    """These methods fail for a list or a struct, or make no use of it."""
    assert len(METHODS[name](query.frame(nested=nested)))


def test_json_text_has_the_values_of_the_lists(query):
    """An empty list is [], a missing one is null; other columns do not change."""
    plain, text = query.frame(), query.frame(nested="json")

    assert text.columns.tolist() == plain.columns.tolist()
    assert {str(text.dtypes[name]) for name in NESTED} == {"str"}
    pd.testing.assert_frame_equal(text.drop(columns=NESTED), plain.drop(columns=NESTED))
    for name in NESTED:
        want = pa.array(plain[name].array).to_pylist()
        assert [None if pd.isna(one) else json.loads(one) for one in text[name]] == want


def test_drop_leaves_the_other_columns(query):
    """Nothing else differs."""
    plain = query.frame()

    pd.testing.assert_frame_equal(query.frame(nested="drop"), plain.drop(columns=NESTED))


@pytest.mark.parametrize("nested", ["json", "drop"])
def test_sqlite_stores_the_values_of_a_flat_frame(query, nested):
    """With lists, ``to_sql`` would store addresses in memory."""
    frame = query.frame(nested=nested)
    with sqlite3.connect(":memory:") as database:
        frame.to_sql("posts", database, index=False)
        back = pd.read_sql("SELECT * FROM posts", database)
        kinds = {kind for (kind,) in database.execute("SELECT DISTINCT typeof(id) FROM posts")}
    database.close()

    assert kinds == {"text"}
    assert back["id"].tolist() == frame["id"].tolist()
    if nested == "json":
        assert json.loads(back["platforms"][0]) == json.loads(frame["platforms"][0])


@pytest.mark.parametrize("nested", ["json", "drop"])
def test_a_parquet_file_can_be_flat(query, nested, tmp_path):
    """For BI tools; it has the rows of the frame."""
    path = query.to_parquet(tmp_path / "flat.parquet", nested=nested)

    assert not any(pa.types.is_nested(field.type) for field in pq.read_schema(path))
    pd.testing.assert_frame_equal(sf.read_parquet(path), query.frame(nested=nested))
    assert pl.read_parquet(path).height == len(query.frame())


def test_pages_and_head_can_be_flat(query):
    """As ``frame``."""
    assert str(query.head(nested="json").dtypes["tags"]) == "str"
    page = next(query.pages(nested="drop"))
    assert page.columns.tolist() == query.frame(nested="drop").columns.tolist()


def test_a_client_has_a_default(tmp_path):
    """An argument of the method wins; ``arrow`` keeps the lists."""
    api = sf.Client.sandbox(nested="json")
    query = api.posts(status="failed")

    assert str(query.frame().dtypes["tags"]) == "str"
    assert "tags" not in query.frame(nested="drop")
    assert str(query.frame(nested="arrow").dtypes["tags"]) == "list<item: string>[pyarrow]"
    assert str(sf.read_posts("failed", client=api).dtypes["tags"]) == "str"
    assert str(sf.read_posts("failed", nested="arrow", client=api).dtypes["tags"]) != "str"
    assert (
        pq.read_schema(query.to_parquet(tmp_path / "a.parquet")).field("tags").type == pa.string()
    )
    assert pa.types.is_list(query.arrow().schema.field("tags").type)


def test_inferred_columns_can_be_flat(api):
    """Of ``fetch``."""
    query = api.fetch("/v1/posts", params={"status": "failed", "limit": 100})

    assert len(query.frame(nested="json").drop_duplicates()) == len(query.frame())
    assert "platforms" not in query.frame(nested="drop")


def test_an_invalid_value_is_refused(query):
    """Before any request, and by a client, too."""
    for call in (
        lambda: query.frame(nested="text"),
        lambda: query.to_parquet("x.parquet", nested=True),
        lambda: next(query.pages(nested="no")),
        lambda: sf.Client.sandbox(nested=None),
    ):
        with pytest.raises(sf.ArgumentError, match="nested must be 'arrow', 'json' or 'drop'"):
            call()
