"""Finds inserted, updated and deleted rows by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from socialframe.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_BETWEEN = "\x1f"  # parts of a key


@dataclass(frozen=True, slots=True)
class Difference:
    """The rows of two tables with the same columns, by what happened to them."""

    inserted: pa.Table
    updated: pa.Table  # as they are now
    deleted: pa.Table  # as they were
    unchanged: int


def row_keys(table: pa.Table, key: Sequence[str]) -> pa.ChunkedArray:
    """Return the key of each row as text; null if a part is null."""
    parts = [pc.cast(table.column(name), pa.string()) for name in key]
    return parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, _BETWEEN)


def check_keys(table: pa.Table, key: Sequence[str]) -> None:
    """Raise DatasetError if a row has no key, or two rows have the same one."""
    keys = row_keys(table, key)
    names = ", ".join(key)
    if keys.null_count:
        raise DatasetError(
            f"{keys.null_count:,} rows have no {names}, the key, so they cannot be kept current. "
            "The dataset was not changed."
        )
    if pc.count_distinct(keys).as_py() < len(keys):
        raise DatasetError(f"Two rows have the same {names}. The dataset was not changed.")


def compare(old: pa.Table, new: pa.Table, key: Sequence[str]) -> Difference:
    """Compare two tables with the same schema and unique keys."""
    before, after = row_keys(old, key), row_keys(new, key)
    places = pc.index_in(after, value_set=before.combine_chunks())
    is_new = pc.is_null(places)
    rest = new.filter(pc.invert(is_new))
    was = old.take(places.drop_null())
    changed = np.zeros(len(rest), bool)
    for name in new.schema.names:
        changed |= _differs(_array(was.column(name)), _array(rest.column(name)))
    gone = pc.invert(pc.is_in(before, value_set=after.combine_chunks()))
    return Difference(
        inserted=new.filter(is_new),
        updated=rest.filter(pa.array(changed)),
        deleted=old.filter(gone),
        unchanged=int(len(rest) - changed.sum()),
    )


def _array(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _differs(one: pa.Array, other: pa.Array) -> npt.NDArray[np.bool_]:
    """Return for each pair of values whether they differ; NaN is equal to NaN."""
    nulls, others = _booleans(one.is_null()), _booleans(other.is_null())
    changed: npt.NDArray[np.bool_] = nulls != others
    if pa.types.is_struct(one.type):
        for i in range(one.type.num_fields):
            changed |= _differs(pc.struct_field(one, i), pc.struct_field(other, i)) & ~nulls
        return changed
    if pa.types.is_map(one.type):
        return np.array(
            [a != b for a, b in zip(one.to_pylist(), other.to_pylist(), strict=True)], bool
        )
    if pa.types.is_list(one.type):
        sizes, those = (
            pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
            for array in (one, other)
        )
        changed |= sizes != those
        alike = np.flatnonzero(~changed)
        entries = _differs(
            one.take(pa.array(alike)).flatten(), other.take(pa.array(alike)).flatten()
        )
        rows = np.repeat(alike, sizes[alike])
        changed[rows[entries]] = True
        return changed
    equal = pc.fill_null(pc.equal(one, other), fill_value=False)
    if pa.types.is_floating(one.type):
        both = pc.and_(pc.is_nan(one), pc.is_nan(other))
        equal = pc.or_(equal, pc.fill_null(both, fill_value=False))
    changed |= ~_booleans(equal) & ~nulls
    return changed


def _booleans(array: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(array.to_numpy(zero_copy_only=False), bool)
