"""How many calls a walk takes, as far as one of its pages says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from socialframe.paging.end_signs import whole
from socialframe.paging.hints import offers
from socialframe.paging.schemes import Offset, PageNumber, Single

if TYPE_CHECKING:
    from socialframe.messages.call import Page
    from socialframe.paging.schemes import Paging


def calls(paging: Paging, page: Page, *, guessed: bool = False) -> int | None:
    """Return how many calls a walk takes from a page on, that one counted; None if nothing says.

    Parameters
    ----------
    paging : Paging
        How pages follow each other.
    page : Page
        What came.
    guessed : bool
        Whether the scheme was found out; then a number of rows counts wherever it stands.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Page
    >>> page = Page(Call("/v1/posts"), None, {"pages": 7}, b"[1]", "posts")
    >>> calls(PageNumber(total_pages="pages"), page)
    7
    """
    if isinstance(paging, Single):
        return 1
    before, total = 0, None
    if isinstance(paging, PageNumber):
        before = _number(page, paging.param, paging.start) - paging.start
        pages = whole(page, paging.total_pages)
        if pages is not None:
            return max(1, pages - before)
        total = whole(page, paging.total_rows)
    elif isinstance(paging, Offset):
        total = whole(page, paging.total_rows)
    elif guessed:
        found = offers(page)
        total = found.value(found.total)
    if total is None:
        return None
    size = page.count
    if isinstance(paging, Offset):
        total -= _number(page, paging.param, 0)
    return max(1, -(-total // size) - before) if size else 1


def _number(page: Page, param: str, default: int) -> int:
    sent = page.call.param(param) or ""
    return int(sent) if re.fullmatch(r"-?[0-9]{1,18}", sent) else default
