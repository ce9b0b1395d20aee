"""Which rows were there before: 128-bit hashes of primary keys, in sorted arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    Hashes = npt.NDArray[np.uint64]

_KEYS = ("socialframe-rows", "emarflaicos-swor")  # two keys of SipHash, 16 bytes each
_GROWTH = 8  # a run is merged into the one before when that is not this much longer


class Seen:
    """The primary keys of a walk's rows so far, 16 bytes a row.

    Examples
    --------
    >>> import pyarrow as pa
    >>> seen = Seen()
    >>> seen.fresh([pa.array(["a", "b", "a"])]).tolist()
    [True, True, False]
    >>> seen.fresh([pa.array(["b", "c"])]).tolist()
    [False, True]
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, Hashes]] = []  # (high, low), sorted by high

    def fresh(self, key: list[pa.Array]) -> npt.NDArray[np.bool_]:
        """Return which rows are new, and remember them.

        Parameters
        ----------
        key : list of pyarrow.Array
            The key columns of some rows. A row with a null in them is always new.

        Returns
        -------
        numpy.ndarray of bool
            One value a row.
        """
        high, low = (_hashed(key, secret) for secret in _KEYS)
        nameless = np.logical_or.reduce(
            [column.is_null().to_numpy(zero_copy_only=False) for column in key]
        )
        order = np.lexsort((low, high))
        high_sorted, low_sorted = high[order], low[order]
        again = np.zeros(len(high), bool)
        # lexsort is stable: of equal keys the first row stays
        again[order[1:]] = (high_sorted[1:] == high_sorted[:-1]) & (
            low_sorted[1:] == low_sorted[:-1]
        )
        for run in self._runs:
            again |= _within(high, low, run)
        again &= ~nameless
        kept = ~again[order] & ~nameless[order]
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
    # Two keys that share 64 bits stand side by side: look on while the high half is the same.
    while True:
        place_in = np.minimum(place, len(runs_high) - 1)
        same_high = (place < len(runs_high)) & (runs_high[place_in] == high)
        if not same_high.any():
            return found
        found |= same_high & (runs_low[place_in] == low)
        place = place + same_high
