"""Types that Delta does not have go into a Delta table and come back."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import deltalake
import pyarrow as pa
import pytest

from socialframe.dataset.compare import compare
from socialframe.dataset.delta_types import from_delta, to_delta

WIDE = Decimal("1234567890123456789012345678901234567890.5")
VALUES = {
    "uint8": (pa.uint8(), [255, None]),
    "uint16": (pa.uint16(), [65535, None]),
    "uint32": (pa.uint32(), [2**32 - 1, None]),
    "uint64": (pa.uint64(), [2**64 - 1, None]),
    "int64": (pa.int64(), [2**53 + 1, None]),
    "time": (pa.time64("us"), [time(1, 2, 3, 4), None]),
    "duration": (pa.duration("us"), [timedelta(days=1, microseconds=1), None]),
    "empty struct": (pa.struct([]), [{}, None]),
    "half float": (pa.float16(), [1.5, None]),
    "wide decimal": (pa.decimal256(50, 1), [WIDE, None]),
    "date": (pa.date32(), [datetime(2026, 1, 1).date(), None]),  # noqa: DTZ001
    "moment": (pa.timestamp("us", "UTC"), [datetime(2026, 1, 1, tzinfo=UTC), None]),
    "local time": (pa.timestamp("us"), [datetime(2026, 1, 1), None]),  # noqa: DTZ001
    "another zone": (pa.timestamp("us", "Europe/Vienna"), [datetime(2026, 1, 1, tzinfo=UTC), None]),
    "list of uint64": (pa.list_(pa.uint64()), [[2**64 - 1, None], None]),
    "list of empty structs": (pa.list_(pa.struct([])), [[{}, None], None]),
    "list of nulls": (pa.list_(pa.null()), [[None], None]),
    "struct of times": (
        pa.struct([("at", pa.time64("us")), ("n", pa.uint64())]),
        [{"at": time(1), "n": 2**64 - 1}, None],
    ),
    "list of structs": (
        pa.list_(pa.struct([("a", pa.list_(pa.string()))])),
        [[{"a": ["x", None]}, None], None],
    ),
    "map": (pa.map_(pa.string(), pa.int64()), [[("a", 1)], None]),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), ["a", None]),
    "large text": (pa.large_string(), ["a", None]),
    "bytes": (pa.binary(), [b"\x00", None]),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_type_comes_back_from_a_delta_table(name, tmp_path):
    """With its values and nulls, after an append, too."""
    kind, values = VALUES[name]
    table = pa.table({"id": ["a", "b"], "value": pa.array(values, kind)})
    deltalake.write_deltalake(tmp_path, to_delta(table))
    deltalake.write_deltalake(tmp_path, to_delta(table.slice(1)), mode="append")
    stored = deltalake.DeltaTable(tmp_path).to_pyarrow_dataset().to_table()
    found = from_delta(stored).sort_by("id")

    assert found.schema.field("value").type == kind
    assert found.column("value").to_pylist() == [*values, None]


@pytest.mark.parametrize("name", VALUES)
def test_equal_values_are_unchanged_and_others_are_updates(name):
    """For each type, nested ones too; a null differs from a value."""
    kind, values = VALUES[name]
    one = to_delta(pa.table({"id": ["a", "b"], "value": pa.array(values, kind)}))
    other = to_delta(pa.table({"id": ["b", "a"], "value": pa.array(values, kind)}))

    assert compare(one, one, ("id",)).unchanged == 2
    assert compare(one, one.take([1, 0]), ("id",)).unchanged == 2
    assert len(compare(one, other, ("id",)).updated) == 2


def test_a_column_of_nulls_is_left_out():
    """Delta has no type for it that other readers understand."""
    assert to_delta(pa.table({"id": ["a"], "value": pa.nulls(1)})).schema.names == ["id"]


def test_nan_is_equal_to_nan():
    """A number that stays NaN is not an update."""
    rows = pa.table({"id": ["a", "b"], "value": [float("nan"), 1.0]})
    assert compare(rows, rows, ("id",)).unchanged == 2
    changed = pa.table({"id": ["a", "b"], "value": [1.0, float("nan")]})
    assert len(compare(rows, changed, ("id",)).updated) == 2
