"""Places of posts, worked out when they are asked for: a list of a million is never made."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from copy import copy
from itertools import accumulate
from typing import TYPE_CHECKING, Self, overload

if TYPE_CHECKING:
    from collections.abc import Iterator


class Places(Sequence[int]):
    """Ascending places; a slice of them is as lazy as they are."""

    def __init__(self, ranks: range) -> None:
        self._all, self._ranks = ranks.stop, ranks

    def _at(self, rank: int) -> int:
        """Give the place of a rank."""
        raise NotImplementedError

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
        some = copy(self)
        some._ranks = self._ranks[index]  # noqa: SLF001 - of the same class
        return some

    def index(self, value: int, start: int = 0, stop: int | None = None) -> int:
        """Give the position of a place, by halving."""
        rank = bisect_left(range(self._all), value, key=self._at)
        if rank in self._ranks and self._at(rank) == value:
            found = self._ranks.index(rank)
            if found in range(len(self))[start:stop]:
                return found
        raise ValueError(value)


class Cycled(Places):
    """The same slots in every cycle."""

    def __init__(self, slots: tuple[int, ...], period: int, low: int, high: int) -> None:
        self._slots, self._period = slots, period
        super().__init__(range(self._before(low), max(self._before(low), self._before(high))))

    def _before(self, place: int) -> int:
        cycles, slot = divmod(place, self._period)
        return cycles * len(self._slots) + bisect_left(self._slots, slot)

    def _at(self, rank: int) -> int:
        cycles, position = divmod(rank, len(self._slots))
        return cycles * self._period + self._slots[position]


class Merged(Places):
    """Ascending places: those of a list, without some, with some; the list is never copied."""

    def __init__(self, base: Sequence[int], own: Sequence[int], gone: Sequence[int]) -> None:
        self._base = base
        # Where in the base something is put in (False sorts first) or left out.
        cuts = [(bisect_left(base, at), False, at) for at in own]
        for at in gone:
            index = bisect_left(base, at)
            if index < len(base) and base[index] == at:
                cuts.append((index, True, at))
        # Pieces of the base between those: where each starts in it, or the place put in.
        pieces: list[tuple[int, int, int | None]] = []
        begin = 0
        for index, left_out, at in sorted(cuts):
            pieces.append((begin, index - begin, None))
            if not left_out:
                pieces.append((0, 1, at))
            begin = index + left_out
        pieces.append((begin, len(base) - begin, None))
        self._pieces = [piece for piece in pieces if piece[1]]
        ends = list(accumulate((length for _, length, _ in self._pieces), initial=0))
        self._starts = ends[:-1]
        super().__init__(range(ends[-1]))

    def _at(self, rank: int) -> int:
        piece = bisect_right(self._starts, rank) - 1
        begin, _, own = self._pieces[piece]
        return self._base[begin + rank - self._starts[piece]] if own is None else own
