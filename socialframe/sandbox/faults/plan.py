"""Selects the faults that hit a request, and counts their hits."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from socialframe.errors import ArgumentError
from socialframe.sandbox.api.request import ApiError, ApiRequest, RequestedPage
from socialframe.sandbox.faults.faults import KINDS, Fault, Stage, is_in
from socialframe.sandbox.paging.families import PAGINGS
from socialframe.sandbox.switches import LISTS, Switches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from socialframe.sandbox.api.answers import Answer

_OF_A_LIST = ("world", "list")


class ActiveFaults(NamedTuple):
    """The faults that hit one request, and the page that it asks for."""

    faults: tuple[Fault, ...] = ()
    page: RequestedPage | None = None

    def first(self, stage: Stage) -> Fault | None:
        return next(iter(self.of(stage)), None)

    def of(self, stage: Stage) -> list[Fault]:
        return [fault for fault in self.faults if fault.stage == stage]


class FaultPlan:
    """Faults, and how often each has hit."""

    def __init__(self, faults: Iterable[Fault], seed: int, switches: Switches) -> None:
        try:
            self.faults = tuple(faults)
        except TypeError:
            raise ArgumentError(f"faults must be a list of faults; got {faults!r}.") from None
        self._seed = seed
        self._number = 0
        self._hits = [0] * len(self.faults)
        self._lock = threading.Lock()
        ways = {(switches.paging_for(name), switches.end_sign_for(name)) for name in LISTS}
        for fault in self.faults:
            if not isinstance(fault, Fault):
                raise ArgumentError(
                    f"faults must hold values such as Fault('html'); got {fault!r}."
                )
            needs = KINDS[fault.kind].needs
            if needs and not any(needs(*way) for way in ways):
                raise ArgumentError(
                    f"The fault {fault.kind!r} has no effect with this paging. It needs "
                    f"{', '.join(_paging_for(needs))}."
                )

    def activate(
        self, path: str, find_page: Callable[[], RequestedPage | None], *, numbered: bool = True
    ) -> ActiveFaults:
        """Return the faults that hit a request which arrives now."""
        if not self.faults:
            return ActiveFaults()
        with self._lock:
            self._number += numbered
            number = self._number
        chosen = [
            (index, fault)
            for index, fault in enumerate(self.faults)
            if (numbered or fault.path) and fault.chosen(index, number, path, self._seed)
        ]
        needy = any(fault.page or fault.stage in _OF_A_LIST for _, fault in chosen)
        page = find_page() if needy else None
        with self._lock:
            hits = tuple(fault for index, fault in chosen if self._count_hit(index, page))
            return ActiveFaults(hits, page)

    def _count_hit(self, index: int, page: RequestedPage | None) -> bool:
        fault = self.faults[index]
        if fault.stage in _OF_A_LIST and not (page and _has_effect(fault, page)):
            return False
        if fault.page and not (page and is_in(fault.page, page.page)):
            return False
        if fault.times is not None and self._hits[index] >= fault.times:
            return False
        self._hits[index] += 1
        return True


def _has_effect(fault: Fault, page: RequestedPage) -> bool:
    """Return whether a fault changes this page of a list."""
    needs, rows = KINDS[fault.kind].needs, len(page.places)
    if needs and not needs(page.family, page.sign):
        return False
    if fault.kind == "expire":
        return page.start > 0  # the first page needs no cursor
    if fault.kind == "next_host":
        return page.start + page.limit < rows
    if fault.kind == "insert":
        return rows > 0  # to be copied
    if fault.kind == "duplicate":
        return page.start < rows
    # delete and edit change rows before the page.
    return fault.stage == "list" or max(page.start - int(fault.option("rows")), 0) < rows


def _paging_for(needs: Callable[[str, str], bool]) -> list[str]:
    ways = [(paging, sign) for paging, signs in PAGINGS.items() for sign in signs]
    return [f"{paging} ({sign})" for paging, sign in ways if needs(paging, sign)]


def find_page(handler: Callable[[ApiRequest], Answer], request: ApiRequest) -> RequestedPage | None:
    """Return the page of a list that a request asks for, or None."""
    if not request.is_list:
        return None  # other handlers may change state when called
    try:
        handler(replace(request, page_only=True))
    except RequestedPage as found:
        return found
    except ApiError:
        pass  # the response reports the error
    return None
