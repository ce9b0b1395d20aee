"""Checks the pages of a walk for loops, repetitions, counts and contradictions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from socialframe.errors import ReplyError
from socialframe.frames import KeySet
from socialframe.messages.envelope import parse, reports_zero_rows
from socialframe.messages.paths import get_path, has_path
from socialframe.messages.reply_errors import stated_doubt
from socialframe.messages.row_shape import other_lists, without_rows
from socialframe.paging.auto import contradicting_sign
from socialframe.paging.end_signs import flag_at, whole_number_at
from socialframe.paging.hints import read_hints
from socialframe.paging.missing import missing_field, shows_declared

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from socialframe.messages.envelope import Page
    from socialframe.paging import Paging, Step

_STALE = 3  # this many pages in a row without a new row are a loop
_LED = {"Cursor", "NextURL", "LinkHeader"}  # schemes whose replies lead to the next page
_SILENT = (
    "no reply shows how to get the next page, and the last request returned no new rows; "
    "pass paging=… to fetch() if there are more"
)


@dataclass(slots=True)
class WalkChecks:
    """Facts of the pages so far that show whether a walk is complete.

    Parameters
    ----------
    totals : list of int
        The number of all rows, as each reply reports it.
    duplicates : int
        Number of duplicate rows.
    reason : str
        The first field that led to a next page.
    unsure_path : bool
        Whether the path of the records was found by a usual name, such as ``items``.
    """

    totals: list[int] = field(default_factory=list)
    duplicates: int = 0
    reason: str = ""
    unsure_path: bool = False
    _others: set[str] = field(default_factory=set)  # lists of objects beside the first rows
    _doubts: list[str] = field(default_factory=list)
    _new: int = 0  # rows with a new key
    _keyed: bool = False  # whether any record had a key
    _most_pages: int = 0  # the largest number of pages that a reply reports
    _stale: int = 0  # pages in a row without a new row
    _repeated: int = 0  # pages with rows, none of them new
    _empty: int = 0  # empty pages in a row
    _declared: bool = False  # whether a reply had a field that the scheme declares
    _same: int = 0  # pages in a row with the bytes of an earlier page
    _twins: int = 0  # of them, those with rows
    _names: set[str] = field(default_factory=set)  # fields of the envelopes
    _odd: bool = False  # whether the last envelope has fields that earlier ones lack
    _pages: set[tuple[int, int]] = field(default_factory=set)  # length and hash
    _seen: KeySet = field(default_factory=KeySet)
    _known: set[str] = field(default_factory=set)  # records of pages that were compared
    _top: str = ""  # the key of the first one

    def add_doubt(self, text: str) -> None:
        """Add a reason why the walk may be incomplete."""
        self._doubts.append(text)

    def check_page(self, page: Page, step: Step, paging: Paging, *, guessed: bool) -> str:
        """Check a page; return why it is a loop, or an empty string."""
        if doubt := stated_doubt(page.envelope):
            self._doubts.append(doubt)
        leads_on = step.call is not None
        if page.path and (page.empty or not self._names):
            self._check_other_lists(page, leads_on=leads_on)
        number = whole_number_at(page, getattr(paging, "total_pages", None))
        if number is not None:
            if number < self._most_pages:
                self._doubts.append("the number of pages decreased during the walk")
            self._most_pages = max(self._most_pages, number)
        total = whole_number_at(page, paging.total)
        if total is not None:
            self.totals.append(total)
        names = set(page.envelope) if isinstance(page.envelope, dict) else set()
        self._odd = not names or bool(names - self._names)
        self._names |= names
        shown = step.reason if _is_read(step, paging) else ""
        if self.reason and step.call is None and step.reason != self.reason:
            self._doubts.append(f"the last reply lacks {self.reason!r}, which earlier ones had")
        self.reason = self.reason or shown
        self._declared = self._declared or shows_declared(page, paging)
        self._empty = self._empty + 1 if page.empty else 0
        flag = guessed and step.reason == getattr(paging, "more", None)
        if page.empty and not flag:
            return ""  # a new token, URL or number leads on; a detected flag alone may mean nothing
        # Without keys, pages are compared by their bytes.
        items = page.reply.body if page.empty else page.items
        name = (len(items), hash(items))  # a quarter of the time of a cryptographic hash
        known = name in self._pages
        self._same = self._same + 1 if known else 0
        self._twins += known and not page.empty
        self._pages.add(name)
        if step.call is not None and self._same >= _STALE - 1:
            return f"{_STALE} pages in a row repeated earlier pages."
        return ""

    def _check_other_lists(self, page: Page, *, leads_on: bool) -> None:
        """Add a doubt if an empty page may have its rows in a list that the first page lacks."""
        others = set(other_lists(page.call, page.whole_envelope, page.path))
        if not page.empty:
            self._others = others
        elif new := (others - self._others if self._names or self.unsure_path else set()):
            self._doubts.append(
                f"the list {page.path!r} has no rows, but {min(new)!r} has; pass "
                f"records={min(new)!r} to fetch() if they are the rows"
            )
        elif leads_on and _has_no_list(page):
            self._doubts.append(f"a reply before the last one has no list {page.path!r}")

    @property
    def _has_all(self) -> bool:
        """Whether the rows so far are as many as the last reply reports."""
        return bool(self.totals) and self._new >= self.totals[-1] > 0

    def empty_pages(self, most: int) -> str:
        """Return why there are too many empty pages in a row; empty if there are not."""
        if self._empty < most:
            return ""
        return (
            f"{most} pages in a row were empty, and each led to another one. If rows may follow, "
            "set max_empty_pages=… of the Client to a larger number and resume the walk."
        )

    def is_hollow(self, records: int, *, key: tuple[str, ...], whole: bool) -> bool:
        """Return whether the walk ended with empty pages although the API reports more rows."""
        records = self._new if key else records
        return whole and bool(self.totals) and self._empty >= _STALE and records < self.totals[-1]

    def missing_field(self, page: Page, paging: Paging, *, alone: bool) -> str:
        """Return the error of a declared field that no reply has; empty if there is none."""
        return "" if self._declared else missing_field(page, paging, alone=alone)

    def use_scheme(self, step: Step, paging: Paging) -> None:
        """Reset the checks for a scheme that was tried and works."""
        self.reason = step.reason if _is_read(step, paging) else ""
        self._same = self._twins = 0

    def find_new(self, counts: list[int], key: list[pa.Array]) -> tuple[npt.NDArray[np.bool_], int]:
        """Return which rows of some pages are new, and the index of a looping page or -1."""
        fresh = self._seen.add_new(key)
        self._keyed = self._keyed or any(len(column) > column.null_count for column in key)
        self._new += int(fresh.sum())
        self.duplicates += int(len(fresh) - fresh.sum())
        start, loop = 0, -1
        for place, count in enumerate(counts):
            has_new = fresh[start : start + count].any()
            if count or self._has_all:  # other empty pages have their own limit
                self._stale = 0 if has_new else self._stale + 1
            self._repeated += bool(count and not has_new)
            start += count
            if self._stale >= _STALE and loop < 0:
                loop = place
        return fresh, loop

    def has_new_records(self, page: Page, paths: list[str]) -> bool:
        """Return whether a page has records that no compared page had.

        A page with the very first record and mostly known ones is page 1 again, even if new rows
        precede it. Otherwise a growing list would never end. ``paths`` lead to the key of a record;
        a record without one is compared completely.
        """
        names = []
        for record in page.records():
            key = [get_path(record, path) for path in paths]
            keyed = bool(key) and None not in key
            names.append(json.dumps(key if keyed else record, sort_keys=True))
            self._top = self._top or (names[0] if keyed else "no key")
        old = self._known.intersection(names)
        again = self._top in old and 2 * len(old) > len(names)
        self._known.update(names)
        return len(old) < len(set(names)) and not again

    def check_last_page(self, page: Page, step: Step, paging: Paging, *, guessed: bool) -> None:
        """Check whether a field of the last page shows that there are more.

        A declared scheme is trusted if its own field is in the reply.
        """
        stated = step.reason in paging.fields and has_path(page.envelope, step.reason)
        if page.empty and get_path(page.envelope, step.reason):  # a repeated token
            stated = False
        if not guessed and flag_at(page, getattr(paging, "more", None)):
            stated = False
        if paging.doubt or (stated and not guessed):
            return
        try:
            envelope = parse(page.reply.body)
        except ReplyError:  # raised again when its rows are decoded
            return
        if isinstance(envelope, dict) and page.path:
            page = replace(page, envelope=without_rows(envelope, page.path))
            listless = page.empty and not has_path(envelope, page.path.rstrip(".*"))
            if listless and self._odd and not reports_zero_rows(envelope):
                text = f"the last reply has no list {page.path!r} and other fields than before"
                self._doubts.append(text)
                return
        if field_path := contradicting_sign(page, paging):
            self._doubts.append(f"{field_path!r} in the last reply shows that there are more")
        elif paging.name not in _LED and not self.totals:
            # Beside a token or a URL, many APIs send a total that is an estimate.
            hints = read_hints(page)
            total = hints.value(hints.total)
            self.totals += [total] if total else []

    def unconfirmed_end(self) -> None:
        """Add that the walk ended only because a page repeated."""
        self._doubts.append(_SILENT)

    def doubts(self, records: int, *, key: tuple[str, ...], whole: bool) -> list[str]:
        """Return why a walk that ended may be incomplete.

        Parameters
        ----------
        records : int
            Number of received records; with a key, of different ones.
        key : tuple of str
            The primary key.
        whole : bool
            Whether the walk requested all rows, from the first one.
        """
        doubts = list(dict.fromkeys(self._doubts))
        if whole and self.totals:
            least = min(self.totals)
            records = self._new if key else records
            if deleted := self.totals[0] - least:
                doubts.append(
                    f"{deleted:,} rows were deleted on the server during the walk; a row that "
                    "moved up may be missing"
                )
            counted = least if records < least else max(self.totals)
            # If more rows were received than reported, a wrong total may have ended the walk early.
            # A total of 0 with rows has another meaning.
            if records < least or records > counted > 0:
                doubts.append(f"the API reports {counted:,} rows, and {records:,} were received")
        if repeated := self._repeated or (0 if key else self._twins):
            doubts.append(f"{repeated} pages had no new rows")
        if key and records and not self._keyed:
            doubts.append(f"no record has the key {', '.join(key)}, so duplicates were kept")
        return doubts


def _has_no_list(page: Page) -> bool:
    return get_path(page.envelope, page.path.rstrip(".*")) is None


def _is_read(step: Step, paging: Paging) -> bool:
    """Whether a field, or a header other than ``Link``, decided a step."""
    return step.reason in paging.fields or step.reason.startswith("header ")
