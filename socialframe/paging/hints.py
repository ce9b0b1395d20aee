"""What one reply offers: the members of its envelope by what their names say."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socialframe.paging.links import link_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from socialframe.messages.call import Page

# Names, lower-case and without underscores, by what they say.
_NEXT_URL = {"next", "nexturl", "nextlink", "nextpageurl", "nextpage"}
_NEXT_NUMBER = {"nextpage", "nextpagenumber"}
PAGE_NAMES = {"page", "currentpage", "pagenumber", "pageindex", "pageno", "number"}
_PAGES = {"pages", "totalpages", "pagecount", "lastpage", "totalpage"}
OFFSET_NAMES = {"offset", "skip"}
_TOTAL = {
    "total", "totalcount", "totalresults", "totalrows", "totalitems", "totalentries",
    "totalelements",
}  # fmt: skip
_MORE = {"hasmore", "hasnext", "hasnextpage", "more", "next"}
_SURE_TOKEN = re.compile(r"next(page)?(cursor|token)|(cursor|token)next")
_TOKENS = [  # the surest first
    _SURE_TOKEN,
    re.compile(r"endcursor|nextid|nextkey|continuation(token)?|bookmark|scrollid"),
    re.compile(r"after|cursor|(page)?token|marker|next"),
]
_DEPTH = 4

Sign = tuple[str, str, Any]  # dotted path, folded name, value


@dataclass(frozen=True, slots=True)
class Offers:
    """The signs of one reply.

    Parameters
    ----------
    signs : tuple of (str, str, value)
        Path, folded name and value of each member of the envelope, outermost first.
    rows : int
        How many records the page has.
    links : tuple of str
        Relations that its ``Link`` header has, of those that speak of pages.

    Examples
    --------
    >>> from socialframe.messages.call import Call, Page, Reply
    >>> page = Page(Call("/x"), Reply(200, {}, b"", None, ""), {"page": 1, "count": 1}, b"[1]", "")
    >>> offers(page).total is None  # a count of this page's rows
    True
    """

    signs: tuple[Sign, ...]
    rows: int
    links: tuple[str, ...]

    def value(self, path: str | None) -> Any:  # noqa: ANN401 - JSON is any value
        """Return what stands at a path; a number as such, also where it is text."""
        value = next((value for at, _, value in self.signs if at == path), None)
        return int(value) if isinstance(value, str) and value.isdecimal() else value

    @property
    def url(self) -> str | None:
        """The next address."""
        for path, name, value in self.signs:
            under_next = name == "href" and path.split(".")[-2:-1] == ["next"]
            named = name in _NEXT_URL or under_next
            if named and isinstance(value, str) and re.match(r"https?://|/|\?", value):
                return path
        return None

    @property
    def number(self) -> str | None:
        """The next page's number."""
        return next((path for path in self._numbers(_NEXT_NUMBER) if self.value(path) > 0), None)

    @property
    def page(self) -> str | None:
        """The number of this page."""
        return next(self._numbers(PAGE_NAMES), None)

    @property
    def pages(self) -> str | None:
        """How many pages there are."""
        return next(self._numbers(_PAGES), None)

    @property
    def offset(self) -> str | None:
        """How many rows come before this page."""
        return next(self._numbers(OFFSET_NAMES), None)

    @property
    def total(self) -> str | None:
        """How many rows there are: never fewer than stand here, and no count of these alone."""
        sure = (path for path in self._numbers(_TOTAL) if self.value(path) >= self.rows)
        counts = (path for path in self._numbers({"count"}) if self.value(path) > self.rows)
        return next(sure, None) or next(counts, None)

    @property
    def more(self) -> str | None:
        """Whether there are more pages."""
        named = (path for path, name, value in self.signs if name in _MORE and _is_flag(value))
        return next(named, None)

    @property
    def limit(self) -> str | None:
        """The parameter that takes a page's size, by what the reply calls it."""
        return next((p.rpartition(".")[2] for p, name, _ in self.signs if name == "limit"), None)

    @property
    def token(self) -> str | None:
        """A token for the next call."""
        return self._token(_TOKENS, bool)

    @property
    def sure_token(self) -> str | None:
        """A token whose name says that it is for the next call."""
        return self._token([_SURE_TOKEN], bool)

    @property
    def no_token(self) -> str | None:
        """Where a token would stand, if there were a next call; an ``after`` needs a flag."""
        return self._token(_TOKENS if self.more else [_SURE_TOKEN], operator.not_)

    @property
    def no_url(self) -> str | None:
        """Where the next address would stand, if there were one."""
        empty = (path for path, name, value in self.signs if name in _NEXT_URL and value in _EMPTY)
        return next(empty, None)

    @property
    def no_number(self) -> str | None:
        """Where the next page's number would stand, if there were one."""
        named = ((path, value) for path, name, value in self.signs if name in _NEXT_NUMBER)
        return next((path for path, value in named if not value), None)

    @property
    def says_more(self) -> str | None:
        """What says that this page is not all."""
        if self.more and self.value(self.more):
            return self.more
        pages, total = self.pages, self.total
        if pages and self.value(pages) > 1:
            return pages
        return total if total and self.value(total) > self.rows else None

    def _numbers(self, names: set[str]) -> Iterator[str]:
        for path, name, value in self.signs:
            as_text = isinstance(value, str) and value.isdecimal() and len(value) < 19  # noqa: PLR2004 - 64 bits
            if name in names and (type(value) is int or as_text):
                yield path

    def _token(self, patterns: Iterable[re.Pattern[str]], fits: Any) -> str | None:  # noqa: ANN401 - a test of a value
        for pattern in patterns:
            for path, name, value in self.signs:
                plain = isinstance(value, str | int | type(None)) and not isinstance(value, bool)
                if plain and pattern.fullmatch(name) and fits(value):
                    return path
        return None


_EMPTY = (None, "")


def offers(page: Page) -> Offers:
    """Read a page's signs."""
    header = page.reply.headers.get("link", "")
    relations = ("next", "prev", "previous", "first", "last")
    links = tuple(rel for rel in relations if header and link_target(header, rel))
    return Offers(tuple(_members(page.envelope, page.path)), page.count, links)


def _members(value: Any, records: str, path: str = "", depth: int = 0) -> Iterator[Sign]:  # noqa: ANN401
    """Yield what an envelope has, outermost first, without what lies inside of lists."""
    if not isinstance(value, dict) or depth == _DEPTH:
        return
    for name, inner in value.items():
        if "." not in name and f"{path}{name}" != records:
            yield f"{path}{name}", name.replace("_", "").replace("-", "").lower(), inner
    for name, inner in value.items():
        if "." not in name:
            yield from _members(inner, records, f"{path}{name}.", depth + 1)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)
