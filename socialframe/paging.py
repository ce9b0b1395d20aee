"""Which call comes next: pure, no I/O.

A scheme reads the end signs that an envelope offers and answers with a ``Step``. What no scheme can
know (whether a call was made before, whether rows are new) is the walk's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from socialframe.replies import value_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.replies import Call, Page


@dataclass(frozen=True, slots=True)
class Step:
    """What comes after a page.

    Parameters
    ----------
    call : Call or None
        The next call; None at the end.
    sign : str
        Path of the sign that said so; empty where the reply has none.
    """

    call: Call | None
    sign: str = ""


class Paging(Protocol):
    """A paging scheme: small, frozen, pure."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Paths in the envelope that it reads."""

    @property
    def total(self) -> str | None:
        """Path of the number of all rows, None where no reply says it."""

    def first(self, call: Call) -> Call:
        """Return the call for the first page."""

    def next(self, page: Page, rows: Callable[[], int]) -> Step:
        """Return what comes after a page; ``rows()`` counts those of the walk up to it."""


@dataclass(frozen=True, slots=True)
class Single:
    """Everything comes in one reply.

    Examples
    --------
    >>> from socialframe.replies import Call, Page
    >>> Single().next(Page(Call("/v1/accounts"), None, {}, b"[]", "accounts"), lambda: 0).call
    """

    @property
    def needs(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    @property
    def total(self) -> str | None:
        """Nowhere."""
        return None

    def first(self, call: Call) -> Call:
        """Return the call as it is."""
        return call

    def next(self, page: Page, rows: Callable[[], int]) -> Step:  # noqa: ARG002 - one interface
        """Return the end."""
        return Step(None, "single reply")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNumber:
    """Pages have numbers.

    The end is told by the first of these signs that a reply has: a flag, a number of pages, a
    number of rows; without any of them, by an empty page.

    Parameters
    ----------
    param : str
        Parameter that takes the number.
    start : int
        Number of the first page.
    size_param : str or None
        Parameter that takes the rows a page.
    total_pages, total_rows, more : str or None
        Dotted paths into the body: how many pages, how many rows in all, whether more follow.

    Examples
    --------
    >>> from socialframe.replies import Call, Page
    >>> paging = PageNumber(total_pages="pages")
    >>> page = Page(paging.first(Call("/v1/posts")), None, {"pages": 2}, b"[1]", "posts")
    >>> paging.next(page, lambda: 1)
    Step(call=Call(path='/v1/posts', params=(('page', '2'),)), sign='pages')
    """

    param: str = "page"
    start: int = 1
    size_param: str | None = None
    total_pages: str | None = None
    total_rows: str | None = None
    more: str | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Paths of the end signs."""
        return tuple(path for path in (self.more, self.total_pages, self.total_rows) if path)

    @property
    def total(self) -> str | None:
        """Path of the number of all rows."""
        return self.total_rows

    def first(self, call: Call) -> Call:
        """Return the call for the first page."""
        return call.with_param(self.param, self.start)

    def next(self, page: Page, rows: Callable[[], int]) -> Step:
        """Return the call for the next page, or the end."""
        number = int(page.call.param(self.param) or self.start)
        onward = page.call.with_param(self.param, number + 1)
        more = value_at(page.envelope, self.more) if self.more else None
        if isinstance(more, bool):
            return Step(onward if more else None, self.more or "")
        pages = value_at(page.envelope, self.total_pages) if self.total_pages else None
        if isinstance(pages, int):
            last = number - self.start + 1 >= pages
            return Step(None if last else onward, self.total_pages or "")
        total = value_at(page.envelope, self.total_rows) if self.total_rows else None
        if isinstance(total, int):
            last = page.empty or rows() >= total
            return Step(None if last else onward, self.total_rows or "")
        return Step(None if page.empty else onward)
