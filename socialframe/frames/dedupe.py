"""Finds duplicate rows by 128-bit hashes of their primary keys, in sorted arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Hashes = npt.NDArray[np.uint64]

_KEYS = ("socialframe-rows", "emarflaicos-swor")  # two SipHash keys of 16 bytes
_GROWTH = 8  # merge a run into the one before, unless that is this many times longer


class KeySet:
    """The primary keys of the rows of a walk, 16 bytes a row."""

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, Hashes]] = []  # (high, low), sorted by high

    def add_new(self, key: list[pa.Array]) -> npt.NDArray[np.bool_]:
        """Add the keys of rows; return for each row whether its key is new.

        ``key`` has the key columns. A row with a null in one of them is always new.
        """
        high, low = (_hashed(key, secret) for secret in _KEYS)
        has_null = np.logical_or.reduce(
            [column.is_null().to_numpy(zero_copy_only=False) for column in key]
        )
        order = np.lexsort((low, high))
        high_sorted, low_sorted = high[order], low[order]
        again = np.zeros(len(high), bool)
        # lexsort is stable, so the first row of equal keys stays
        again[order[1:]] = (high_sorted[1:] == high_sorted[:-1]) & (
            low_sorted[1:] == low_sorted[:-1]
        )
        for run in self._runs:
            again |= _within(high, low, run)
        again &= ~has_null
        kept = ~again[order] & ~has_null[order]
        self._add(high_sorted[kept], low_sorted[kept])
        return ~again

    def _add(self, high: Hashes, low: Hashes) -> None:
        while self._runs and len(self._runs[-1][0]) < _GROWTH * len(high):
            longer, longer_low = self._runs.pop()
            place = np.searchsorted(longer, high)
            high, low = np.insert(longer, place, high), np.insert(longer_low, place, low)
        if len(high):
            self._runs.append((high, low))


def _hashed(key: list[pa.Array], secret: str) -> Hashes:
    total = np.zeros(len(key[0]), np.uint64)
    for column in key:
        values = column.cast("string").to_numpy(zero_copy_only=False)
        values[column.is_null().to_numpy(zero_copy_only=False)] = "\0null"
        hashed = pd.util.hash_array(values, hash_key=secret, categorize=False)
        total = total * np.uint64(0x9E3779B97F4A7C15) + hashed
    return total


def _within(high: Hashes, low: Hashes, run: tuple[Hashes, Hashes]) -> npt.NDArray[np.bool_]:
    runs_high, runs_low = run
    place = np.searchsorted(runs_high, high)
    found = np.zeros(len(high), bool)
    # Keys with the same high half are adjacent: compare the low half of each of them.
    while True:
        place_in = np.minimum(place, len(runs_high) - 1)
        same_high = (place < len(runs_high)) & (runs_high[place_in] == high)
        if not same_high.any():
            return found
        found |= same_high & (runs_low[place_in] == low)
        place = place + same_high
