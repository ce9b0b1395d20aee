"""Each sink fulfils the sink contract."""

import csv
import os
from pathlib import Path

import polars as pl
import pytest

from contracts.sink_contract import SCHEMA, SinkContract, batch, read_lines
from socialframe.files.parquet import write_parquet
from socialframe.files.text import write_csv, write_jsonl


class TestParquet(SinkContract):
    """Read back by Polars."""

    def write(self, path, batches):
        write_parquet(path, batches, dict)

    def read_ids(self, path):
        return pl.read_parquet(path)["id"].to_list()


class TestCSV(SinkContract):
    """Read back by the standard library."""

    def write(self, path, batches):
        write_csv(path, batches)

    def read_ids(self, path):
        with Path(path).open(encoding="utf-8", newline="") as file:
            return [row["id"] for row in csv.DictReader(file)]

    def test_nested_values_are_json_and_numbers_are_exact(self, tmp_path):
        """Null is an empty field, an empty list is []."""
        self.write(tmp_path / "rows.csv", [batch()])

        with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows[0]["n"] == str(2**53 + 1)
        assert rows[0]["targets"] == '[{"a": "é", "n": 1}]'
        assert [row["tags"] for row in rows] == ['["x", null]', "[]", ""]
        assert rows[2]["at"].startswith("2026-02-03 09:00:00.123456")


class TestJSONLines(SinkContract):
    """Read back by the standard library."""

    def write(self, path, batches):
        write_jsonl(path, batches)

    def read_ids(self, path):
        return [row["id"] for row in read_lines(path)]

    def test_nested_values_and_time_zones_are_kept(self, tmp_path):
        """One object a line, with all columns."""
        self.write(tmp_path / "rows.jsonl", [batch()])

        first, second, third = read_lines(tmp_path / "rows.jsonl")
        assert first["targets"] == [{"a": "é", "n": 1}]
        assert first["n"] == 2**53 + 1
        assert second["n"] is None
        assert third["at"] == "2026-02-03T09:00:00.123456Z"
        assert list(first) == SCHEMA.names


class TestWithoutNamelessFiles(TestJSONLines):
    """On a system where each file has a name from the start."""

    @pytest.fixture(autouse=True)
    def _no_nameless_files(self, monkeypatch):
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
