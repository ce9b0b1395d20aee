"""``to_parquet(folder, partition_by=…)`` writes a Hive folder, whole or not at all."""

import json
from pathlib import Path

import duckdb
import pyarrow.dataset as pads
import pytest
from stand_ins import Scripted, client_of

import socialframe as sf
from socialframe.paging import Single


def everything():
    """Return the names in this folder, hidden ones too."""
    return sorted(path.name for path in Path().iterdir())


def test_a_folder_has_each_row_once():
    """By a column and a period of the clock; DuckDB and pyarrow read it with its partitions."""
    query = sf.Client.sandbox().analytics(since="2026-10-01")
    frame = query.frame()
    path = query.to_parquet("numbers", partition_by=["platform", "month"])

    assert path == Path("numbers")
    rows = duckdb.sql(
        "select post_id, platform, month, likes from "
        "read_parquet('numbers/**/*.parquet', hive_partitioning=true)"
    ).df()
    assert sorted(rows["post_id"]) == sorted(frame["post_id"])
    expected = frame.set_index("post_id")
    assert rows["platform"].tolist() == expected.loc[rows["post_id"], "platform"].tolist()
    months = expected.loc[rows["post_id"], "published_at"].dt.strftime("%Y-%m")
    assert rows["month"].astype(str).str[:7].tolist() == months.tolist()
    assert pads.dataset("numbers", partitioning="hive").count_rows() == len(frame)
    facts = json.loads(Path("numbers/_socialframe.json").read_text(encoding="utf-8"))
    assert facts["rows"] == len(frame)
    assert everything() == ["numbers"]


def test_an_older_folder_is_replaced_and_another_one_is_not():
    """A failure leaves the older folder; files of users are never removed."""
    box = sf.Sandbox()
    api = sf.Client.sandbox(box, cache=False)
    api.posts(since="2026-10-01").to_parquet("posts", partition_by=["status"])
    api.posts("failed", since="2026-10-01").to_parquet("posts", partition_by=["status", "day"])
    assert [one.name for one in Path("posts").iterdir() if one.is_dir()] == ["status=failed"]
    box.faults = [sf.sandbox.parse_fault("status:500@page=3")]
    before = sorted(Path("posts").rglob("*"))
    with pytest.raises(sf.IncompleteWalk):
        api.posts().to_parquet("posts", partition_by=["status"])
    assert sorted(Path("posts").rglob("*")) == before
    assert everything() == ["posts"]

    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine", encoding="utf-8")
    for name in ("mine", "mine/notes.txt"):
        with pytest.raises(sf.FileError, match="exists"):
            api.accounts().to_parquet(name, partition_by=["platform"])
    with pytest.raises(sf.FileError, match="no such file"):
        api.accounts().to_parquet("no/such/folder", partition_by=["platform"])


def test_values_that_are_no_names_of_folders_are_escaped():
    """Nulls, slashes, dots and non-ASCII letters come back."""
    values = ["a/b", "..", None, "é=ü", "%2F", ""]
    rows = [{"id": str(number), "name": value} for number, value in enumerate(values)]
    api = client_of(Scripted({"rows": rows}))
    query = api.fetch("/v1/rows", records="rows", key="id", paging=Single())
    query.to_parquet("rows", partition_by=["name"])

    found = pads.dataset("rows", partitioning=pads.HivePartitioning.discover()).to_table()
    assert dict(zip(found["id"].to_pylist(), found["name"].to_pylist(), strict=True)) == {
        row["id"]: row["name"] for row in rows
    }
    assert all(path.resolve().is_relative_to(Path("rows").resolve()) for path in Path().rglob("*"))


def test_invalid_partitions_and_append_are_refused_before_any_request():
    """The sentence about append names Dataset."""
    box = sf.Sandbox()
    api = sf.Client.sandbox(box)
    for query, by in (
        (api.posts(), ["nothing"]),
        (api.accounts(), ["month"]),
        (api.posts(), []),
        (api.posts(), [1]),
    ):
        with pytest.raises(sf.ArgumentError, match="partition_by"):
            query.to_parquet("x", partition_by=by)
    with pytest.raises(sf.ArgumentError, match="Dataset"):
        api.posts().to_parquet("x", append=True)
    assert not box.requests
    with pytest.raises(sf.ArgumentError, match="nested"):
        api.posts().limit(1).to_parquet("x", partition_by=["platforms"])
    assert everything() == []
