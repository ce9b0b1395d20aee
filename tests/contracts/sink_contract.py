"""What every sink has to do; each implementation inherits the class."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pyarrow as pa
import pytest

from socialframe.errors import FileError, NetworkError

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("n", pa.int64()),
        ("on", pa.bool_()),
        ("at", pa.timestamp("us", "UTC")),
        ("tags", pa.list_(pa.string())),
        ("targets", pa.list_(pa.struct([("a", pa.string()), ("n", pa.int64())]))),
        ("_extra", pa.string()),
    ]
)
ROWS = [
    {
        "id": "a",
        "n": 2**53 + 1,
        "on": True,
        "at": 0,
        "tags": ["x", None],
        "targets": [{"a": "é", "n": 1}],
    },
    {
        "id": 'b,"\n',
        "n": None,
        "on": None,
        "at": None,
        "tags": [],
        "targets": None,
        "_extra": '{"/q":1}',
    },
    {"id": "", "n": -1, "on": False, "at": 1_770_109_200_123_456, "tags": None, "targets": []},
]


def batch(rows=ROWS):
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


class SinkContract:
    """Files appear complete or not at all; each row is in them once, in order."""

    def write(self, path, batches):
        """Write batches of SCHEMA to the path."""
        raise NotImplementedError

    def read_ids(self, path) -> list[str]:
        """Return the ids, read by another library than the one that wrote them."""
        raise NotImplementedError

    def test_the_file_has_each_row_once_and_in_order(self, tmp_path):
        """Of several batches; one of them is empty."""
        path = tmp_path / "rows.out"

        self.write(path, [batch(), batch([]), batch(ROWS[:1])])

        assert self.read_ids(path) == ["a", 'b,"\n', "", "a"]
        assert list(tmp_path.iterdir()) == [path]

    def test_no_other_file_shows_before_the_rows_are_complete(self, tmp_path):
        """A process that is killed leaves nothing behind."""
        before = []

        def watched():
            yield batch()
            before.extend(tmp_path.iterdir())

        self.write(tmp_path / "rows.out", watched())

        assert before == [] or not hasattr(os, "O_TMPFILE")

    def test_no_rows_make_a_file_without_rows(self, tmp_path):
        """An empty result is a result."""
        path = tmp_path / "rows.out"

        self.write(path, [batch([])])

        assert self.read_ids(path) == []

    @pytest.mark.parametrize("failure", [NetworkError("gone"), KeyboardInterrupt(), OSError("odd")])
    def test_a_failure_leaves_the_old_file_unchanged(self, tmp_path, failure):
        """No other file is left."""
        path = tmp_path / "rows.out"
        path.write_text("old")

        def broken():
            yield batch()
            raise failure

        with pytest.raises((NetworkError, KeyboardInterrupt, FileError)):
            self.write(path, broken())

        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_new_file_replaces_the_target_of_a_symbolic_link(self, tmp_path):
        """The link stays a link."""
        path, link = tmp_path / "rows.out", tmp_path / "link"
        path.write_text("old")
        link.symlink_to(path)

        self.write(link, [batch()])

        assert link.is_symlink()
        assert len(self.read_ids(path)) == 3

    def test_a_folder_as_path_is_an_error(self, tmp_path):
        """The error says that it is a folder."""
        with pytest.raises(FileError, match="it is a folder"):
            self.write(tmp_path, [batch()])

    def test_a_missing_folder_is_an_error(self, tmp_path):
        """It is not created."""
        with pytest.raises(FileError, match="does not exist; create it first"):
            self.write(tmp_path / "no" / "rows.out", [batch()])

        assert list(tmp_path.iterdir()) == []

    def test_a_file_in_place_of_a_folder_is_an_error(self, tmp_path):
        """The error says that it is not a folder."""
        (tmp_path / "file").write_text("x")

        with pytest.raises(FileError, match="is not a folder"):
            self.write(tmp_path / "file" / "rows.out", [batch()])

    def test_a_file_size_limit_is_an_error(self, tmp_path):
        """The old file is unchanged, and no partial file is left."""
        path = tmp_path / "rows.out"
        path.write_text("old")
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        noise = (batch([{"id": str(hash((i, j)))} for j in range(5000)]) for i in range(40))
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        try:
            with pytest.raises(FileError, match="too large") as caught:
                self.write(path, noise)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

        assert "Nothing was left behind" in str(caught.value)
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_device_as_path_is_an_error(self):
        """A file cannot replace a device."""
        with pytest.raises(FileError, match="not a regular file"):
            self.write("/dev/null", [batch()])

    def test_a_tilde_is_the_home_folder(self, monkeypatch, tmp_path):
        """As in pandas."""
        monkeypatch.setenv("HOME", str(tmp_path))

        self.write("~/rows.out", [batch()])

        assert len(self.read_ids(tmp_path / "rows.out")) == 3


def read_lines(path) -> list[dict]:
    """Return the objects of a JSON Lines file."""
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
