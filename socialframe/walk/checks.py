"""What a walk notices of its pages, beside their rows: loops, totals, repetitions, doubts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from socialframe.errors import ReplyError
from socialframe.frames import KeySet
from socialframe.messages.envelope import get_path, has_path, parse, reports_zero_rows
from socialframe.paging.auto import contradicting_sign
from socialframe.paging.end_signs import whole_number_at

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from socialframe.messages.envelope import Page
    from socialframe.paging import Paging, Step

_STALE = 3  # so many pages in a row without anything new are a loop
_SILENT = (
    "no reply says how pages follow each other, and the last call brought nothing new: "
    "if there should be more, say so to fetch() with paging=…"
)


@dataclass(slots=True)
class Notice:
    """What was noticed so far.

    Parameters
    ----------
    doubts : list of str
        What makes it uncertain that the walk is whole.
    totals : list of int
        What each reply says of all rows.
    duplicates : int
        Rows that had come before.
    new : int
        Rows that had not, of those that were looked at for their key.
    keyed : bool
        Whether any record had a key.
    """

    doubts: list[str] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    duplicates: int = 0
    new: int = 0
    keyed: bool = False
    sign: str = ""  # the first sign that a reply had
    _stale: int = 0  # pages in a row without a new row
    _repeated: int = 0  # pages with rows of which none was new
    _same: int = 0  # pages in a row that had come before, byte by byte
    _twins: int = 0  # of them, those with rows
    _names: set[str] = field(default_factory=set)  # members that replies had
    _strange: bool = False  # whether the last reply is of another shape than those before
    _pages: set[bytes] = field(default_factory=set)
    _seen: KeySet = field(default_factory=KeySet)
    _known: set[str] = field(default_factory=set)  # records of pages that were looked at for news
    _top: str = ""  # the first of them, by its key

    def page(self, page: Page, step: Step, paging: Paging) -> str:
        """Look at a page, and return why it is a loop; empty where it is none."""
        total = whole_number_at(page, paging.total)
        if total is not None:
            self.totals.append(total)
        names = set(page.envelope) if isinstance(page.envelope, dict) else set()
        self._strange = not names or bool(names - self._names)
        self._names |= names
        shown = step.reason if step.reason in paging.fields else ""
        if self.sign and step.call is None and step.reason != self.sign:
            self.doubts.append(f"the replies no longer said what {self.sign!r} had said before")
        self.sign = self.sign or shown
        # Without keys a page is known by its bytes alone.
        items = b"" if page.empty else page.items
        name = hashlib.blake2b(items, digest_size=16).digest()
        known = name in self._pages
        self._same = self._same + 1 if known else 0
        self._twins += known and not page.empty
        self._pages.add(name)
        if step.call is not None and self._same >= _STALE - 1:
            return f"{_STALE} pages in a row were the same or had come before."
        return ""

    def settled(self, step: Step, paging: Paging) -> None:
        """Begin anew with the signs of a scheme that was tried and is the right one."""
        self.sign = step.reason if step.reason in paging.fields else ""
        self._same = self._twins = 0

    def fresh(self, counts: list[int], key: list[pa.Array]) -> tuple[npt.NDArray[np.bool_], int]:
        """Return which rows of some pages are new, and the place of a page that is a loop.

        The place is -1 where there is no loop.
        """
        fresh = self._seen.add_new(key)
        self.keyed = self.keyed or any(len(column) > column.null_count for column in key)
        self.new += int(fresh.sum())
        self.duplicates += int(len(fresh) - fresh.sum())
        start, loop = 0, -1
        for place, count in enumerate(counts):
            news = fresh[start : start + count].any()
            self._stale = 0 if news else self._stale + 1
            self._repeated += bool(count and not news)
            start += count
            if self._stale >= _STALE and loop < 0:
                loop = place
        return fresh, loop

    def news(self, page: Page, paths: list[str]) -> bool:
        """Return whether a page has records that those looked at before had not.

        With the first record of all, and mostly known ones, it is the first page again, whatever
        was put before that: of a list that grows such pages would come for ever.

        Parameters
        ----------
        page : Page
            What came.
        paths : list of str
            Where a record has its key; where it has none, it is known as a whole.
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

    def ending(self, page: Page, step: Step, paging: Paging, *, guessed: bool) -> None:
        """Look whether the last page says, beside its end, that there is more.

        A declared scheme is believed where its own sign stands in the reply.
        """
        told = step.reason in paging.fields and has_path(page.envelope, step.reason)
        if paging.doubt or (told and not guessed):
            return
        try:
            envelope = parse(page.reply.body)
        except ReplyError:  # which is raised when its rows are read
            return
        if isinstance(envelope, dict) and page.path:
            page = replace(page, envelope=envelope)
            listless = page.empty and get_path(envelope, page.path) is None
            if listless and self._strange and not reports_zero_rows(envelope):
                text = f"the last reply has no list {page.path!r} and is of another shape"
                self.doubts.append(text)
                return
        if said := contradicting_sign(page, paging):
            self.doubts.append(f"the last reply says at {said!r} that there is more")

    def silence(self) -> None:
        """Note an end of which nothing but a repetition told."""
        self.doubts.append(_SILENT)

    def verdict(self, records: int, *, key: tuple[str, ...], whole: bool) -> list[str]:
        """Return what is uncertain of a walk that came to its end.

        Parameters
        ----------
        records : int
            How many came; where there is a key, those that differ are counted.
        key : tuple of str
            What tells two of them apart.
        whole : bool
            Whether all were asked for, from the first on.
        """
        doubts = list(dict.fromkeys(self.doubts))
        if whole and self.totals:
            least = min(self.totals)
            records = self.new if key else records
            if gone := self.totals[0] - least:
                doubts.append(
                    f"{gone:,} rows disappeared on the server while they were read, page by page: "
                    "a row that moved up meanwhile may be missing"
                )
            counted = least if records < least else max(self.totals)
            # More than were counted: a number that is too small may have ended the walk. But 0
            # beside rows means something else.
            if records < least or records > counted > 0:
                doubts.append(f"the server counts {counted:,} rows, and {records:,} came")
        if repeated := self._repeated or (0 if key else self._twins):
            doubts.append(f"{repeated} pages held no row that had not come before")
        if key and records and not self.keyed:
            doubts.append(f"no record has the key {', '.join(key)}, so none was told apart")
        return doubts
