"""Lists of places of posts that are computed on access, so that a million of them cost nothing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Self, overload


class LazyPlaces(Sequence[int]):
    """Ascending places, given by a function from rank to place; slices are as lazy."""

    def __init__(self, size: int, at: Callable[[int], int], ranks: range | None = None) -> None:
        self._size, self._at = size, at
        self._ranks = range(size) if ranks is None else ranks

    def __len__(self) -> int:
        return len(self._ranks)

    def __iter__(self) -> Iterator[int]:
        return map(self._at, self._ranks)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: int | slice) -> int | Self:
        if isinstance(index, int):
            return self._at(self._ranks[index])
        return type(self)(self._size, self._at, self._ranks[index])

    def index(self, value: int, start: int = 0, stop: int | None = None) -> int:
        """Return the position of a place, by bisection."""
        rank = bisect_left(range(self._size), value, key=self._at)
        if rank in self._ranks and self._at(rank) == value:
            found = self._ranks.index(rank)
            if found in range(len(self))[start:stop]:
                return found
        raise ValueError(value)


def repeat_places(slots: Sequence[int], period: int, low: int, high: int) -> LazyPlaces:
    """Return the places from low to high that have one of these slots in their cycle."""

    def rank_of(place: int) -> int:
        cycles, slot = divmod(place, period)
        return cycles * len(slots) + bisect_left(slots, slot)

    first = rank_of(low)

    def at(rank: int) -> int:
        cycles, position = divmod(first + rank, len(slots))
        return cycles * period + slots[position]

    return LazyPlaces(max(0, rank_of(high) - first), at)


def merge_places(base: Sequence[int], own: Sequence[int], gone: Sequence[int]) -> LazyPlaces:
    """Return base without the places in gone and with those in own; base is never copied."""
    # Where in base a place is inserted (False sorts first) or left out.
    cuts = [(bisect_left(base, place), False, place) for place in own]
    for place in gone:
        index = bisect_left(base, place)
        if index < len(base) and base[index] == place:
            cuts.append((index, True, place))
    # Pieces: the start in base and the length, or an inserted place.
    pieces: list[tuple[int, int, int | None]] = []
    begin = 0
    for index, left_out, place in sorted(cuts):
        pieces.append((begin, index - begin, None))
        if not left_out:
            pieces.append((0, 1, place))
        begin = index + left_out
    pieces.append((begin, len(base) - begin, None))
    pieces = [piece for piece in pieces if piece[1]]
    *starts, size = accumulate((length for _, length, _ in pieces), initial=0)

    def at(rank: int) -> int:
        piece = bisect_right(starts, rank) - 1
        begin, _, own_place = pieces[piece]
        return base[begin + rank - starts[piece]] if own_place is None else own_place

    return LazyPlaces(size, at)
