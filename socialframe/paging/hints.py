"""Reads the fields and the ``Link`` header that show how a reply's pages follow each other."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from socialframe.messages.envelope import Page

# Names, in lower case and without underscores, by their meaning.
_NEXT_URL = {
    "next",
    "nexturl",
    "nextlink",
    "nextpageurl",
    "nextpage",
    "nextresults",
    "nextrecordsurl",
}
_NEXT_NUMBER = {"nextpage", "nextpagenumber"}
PAGE_NAMES = {"page", "currentpage", "pagenumber", "pageindex", "pageno", "number"}
_PAGES = {"pages", "totalpages", "pagecount", "lastpage", "totalpage"}
OFFSET_NAMES = {"offset", "skip"}
_TOTAL = {
    "total", "totalcount", "totalresults", "totalrows", "totalitems", "totalentries",
    "totalelements",
}  # fmt: skip
_SIZE = {
    "limit", "perpage", "pagesize", "resultsperpage", "itemsperpage", "maxresults", "maxrecords",
}  # fmt: skip
_SIZE_SENT = _SIZE | {"size", "count", "first", "top", "rows", "take", "num"}
_MORE = {"hasmore", "hasnext", "hasnextpage", "more", "next"}
_SURE_TOKEN = re.compile(r"next(page)?(cursor|token)|(cursor|token)next")
_TOKENS = [  # the most certain first
    _SURE_TOKEN,
    re.compile(
        r"endcursor|aftercursor|cursormark|next(id|key|maxid|offset|marker|cursormark|continuation)"
        r"|continuation(token)?|bookmark|scrollid"
    ),
    re.compile(r"after|cursor|(page)?token|marker|next|nextpage"),
    re.compile(r"offset"),  # a text that is no number
]
_DONE = {"done", "complete", "iscomplete"}
_TOTAL_HEADERS = ("x-total-count", "x-total")
_RANGE = re.compile(r"(?!bytes)[\w-]*\s*\d{1,18}-(\d{1,18})/(\d{1,18})", re.IGNORECASE)
_CONTINUE = {"continue", "continuation"}
_HEADER = re.compile(
    r"x-next-page|(?:[\w-]+-)?(?:next-?(?:page-)?(?:token|cursor)|continuation(?:-token)?|search-after)"
)
_EMPTY = (None, "")
_MAX_DEPTH = 8  # of objects in an envelope
_MAX_DIGITS = 18  # of an integer that is sent as text: it fits 64 bits
_PAGE_RELATIONS = ("next", "prev", "previous", "first", "last")

# RFC 8288: a target in angle brackets, then parameters up to the comma before the next link.
# Quoted values may have commas and semicolons. No part is tried twice: it takes linear time.
_LINK = re.compile(
    r"""<([^<>]*+)>"""
    r"""((?:\s*+;\s*+[^\s=;,"]++(?:\s*+=\s*+(?:"(?:[^"\\]|\\.)*+"|[^\s;,"]*+))?)*+)"""
)
_PARAMETER = re.compile(
    r""";\s*+([^\s=;,"]++)(?:\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s;,"]*+)))?"""
)

Member = tuple[str, str, Any]  # dotted path, name in lower case without underscores, value


def link_target(header: str, rel: str) -> str | None:
    """Return the target of the first link with a relation, None if there is none."""
    for target, parameters in _LINK.findall(header):
        for name, quoted, plain in _PARAMETER.findall(parameters):
            if name.lower() == "rel" and rel in (quoted or plain).lower().split():
                return str(target)
    return None


@dataclass(frozen=True, slots=True)
class Hints:
    """The paging fields of one reply. Each property is the path of a field, or None."""

    members: tuple[Member, ...]  # of the envelope, outermost first
    rows: int  # on the page
    links: tuple[str, ...]  # relations of its Link header that concern pages
    header: str = ""  # its header with a token

    def value(self, path: str | None) -> Any:  # noqa: ANN401 - JSON is any value
        """Return the value at a path; a number that is sent as text is converted."""
        value = next((value for at, _, value in self.members if at == path), None)
        return int(value) if isinstance(value, str) and value.isdecimal() else value

    @property
    def url(self) -> str | None:
        """URL of the next page."""
        for path, name, value in self.members:
            under_next = name == "href" and path.split(".")[-2:-1] == ["next"]
            is_named = name in _NEXT_URL or under_next
            if is_named and isinstance(value, str) and re.match(r"https?://|/|\?", value):
                return path
        return None

    @property
    def number(self) -> str | None:
        """Number of the next page."""
        return next((path for path in self._numbers(_NEXT_NUMBER) if self.value(path) > 0), None)

    @property
    def page(self) -> str | None:
        """Number of this page."""
        return next(self._numbers(PAGE_NAMES), None)

    @property
    def pages(self) -> str | None:
        """Number of all pages."""
        return next(self._numbers(_PAGES), None)

    @property
    def offset(self) -> str | None:
        """Number of rows before this page."""
        return next(self._numbers(OFFSET_NAMES), None)

    @property
    def total(self) -> str | None:
        """Number of all rows; not a number below the rows of this page, nor their count."""
        sure = (path for path in self._numbers(_TOTAL) if self.value(path) >= self.rows)
        counts = (path for path in self._numbers({"count"}) if self.value(path) > self.rows)
        return next(sure, None) or next(counts, None)

    @property
    def more(self) -> str | None:
        """Flag that more pages follow."""
        flags = (
            path for path, name, value in self.members if name in _MORE and isinstance(value, bool)
        )
        return next(flags, None)

    @property
    def unfinished(self) -> str | None:
        """Flag of the envelope that these are not all rows."""
        flags = (path for path, name, value in self.members if name in _DONE and value is False)
        return next((path for path in flags if "." not in path), None)

    @property
    def link_list(self) -> str | None:
        """List of links that has one to the next page."""
        for path, name, value in self.members:
            if name in {"link", "links"} and isinstance(value, list):
                for link in value:
                    if isinstance(link, dict) and "next" in (link.get("rel"), link.get("relation")):
                        return path
        return None

    @property
    def limit(self) -> str | None:
        """Name of the parameter for the page size, as the reply names it."""
        return next((p.rpartition(".")[2] for p, name, _ in self.members if name == "limit"), None)

    @property
    def token(self) -> str | None:
        """Token for the next call."""
        return self._token(_TOKENS, bool)

    @property
    def parameters(self) -> str | None:
        """Object of the parameters for the next call."""
        for path, name, value in self.members:
            flat = isinstance(value, dict) and all(isinstance(v, str | int) for v in value.values())
            if name in _CONTINUE and value and flat:
                return path
        return None

    @property
    def empty_parameters(self) -> str | None:
        """Object of the parameters for the next call, empty on the last page."""
        empty = (path for path, name, value in self.members if name in _CONTINUE and not value)
        return next(empty, None)

    @property
    def sure_token(self) -> str | None:
        """Token with a name that can only mean the next call."""
        return self._token([_SURE_TOKEN], bool)

    @property
    def empty_token(self) -> str | None:
        """Token for the next call, empty on the last page; less certain names need a flag too."""
        return self._token(_TOKENS if self.more else [_SURE_TOKEN], operator.not_)

    @property
    def empty_url(self) -> str | None:
        """URL of the next page, empty on the last page."""
        empty = (
            path for path, name, value in self.members if name in _NEXT_URL and value in _EMPTY
        )
        return next(empty, None)

    @property
    def empty_number(self) -> str | None:
        """Number of the next page, empty on the last page."""
        named = ((path, value) for path, name, value in self.members if name in _NEXT_NUMBER)
        return next((path for path, value in named if not value), None)

    @property
    def says_more(self) -> str | None:
        """Field that shows that more pages follow."""
        if self.more and self.value(self.more):
            return self.more
        pages, total = self.pages, self.total
        if pages and self.value(pages) > 1:
            return pages
        return total if total and self.value(total) > self.rows else None

    def _numbers(self, names: set[str]) -> Iterator[str]:
        for path, name, value in self.members:
            as_text = isinstance(value, str) and value.isdecimal() and len(value) <= _MAX_DIGITS
            if name in names and (type(value) is int or as_text):
                yield path

    def _token(self, patterns: Iterable[re.Pattern[str]], fits: Any) -> str | None:  # noqa: ANN401 - a test of a value
        for pattern in patterns:
            for path, name, value in self.members:
                scalar = isinstance(value, str | int | type(None)) and not isinstance(value, bool)
                if name in OFFSET_NAMES and (not isinstance(value, str) or value.isdecimal()):
                    continue  # counts rows
                if scalar and pattern.fullmatch(name) and fits(value):
                    return path
        return None


def read_hints(page: Page) -> Hints:
    """Return the paging fields of a page."""
    headers = page.reply.headers
    header = headers.get("link", "")
    links = tuple(rel for rel in _PAGE_RELATIONS if header and link_target(header, rel))
    token = next((name for name in headers if headers[name] and _HEADER.fullmatch(name)), "")
    return Hints(tuple(_members(page.envelope, page.path)), page.count, links, token)


def header_of_more(page: Page, *, alone: bool) -> str:
    """Return the header that shows rows after this page; empty if there is none.

    ``alone`` says that the page should have all rows.
    """
    headers = page.reply.headers
    found = _RANGE.fullmatch(headers.get("content-range", "").strip())
    if found and int(found[1]) + 1 < int(found[2]):
        return "header content-range"
    for name in _TOTAL_HEADERS if alone else ():
        text = headers.get(name, "")
        if text.isdecimal() and len(text) <= _MAX_DIGITS and int(text) > page.count:
            return f"header {name}"
    return ""


def page_size(page: Page) -> int | None:
    """Return the number of rows that a page may have: as the reply reports it, else as sent."""
    reported = [v for _, name, v in _members(page.envelope, page.path) if name in _SIZE]
    sent = [value for name, value in page.call.params if _is_size(_plain(name))]
    for value in (*reported, *sent):
        text = str(value)
        if not isinstance(value, bool) and text.isdecimal() and 0 < len(text) <= _MAX_DIGITS:
            return int(text)
    return None


def _is_size(name: str) -> bool:
    """Whether a parameter is a page size; some have a prefix, such as ``cmlimit``."""
    return name in _SIZE_SENT or name.endswith("limit")


def _plain(name: str) -> str:
    """Return a name in lower case without separators; of a name with dots, the last part."""
    last = name.rpartition(".")[2].lstrip("@$")
    return last.replace("_", "").replace("-", "").lower()


def _members(value: Any, records: str, path: str = "", depth: int = 0) -> Iterator[Member]:  # noqa: ANN401
    """Yield the members of an envelope, outermost first; lists are not searched.

    Deep down there is only the ``pageInfo`` of GraphQL; of several, the one beside the records.
    """
    if not isinstance(value, dict):
        return
    if depth == _MAX_DEPTH:
        yield from _deep_page_info(value, records, path)
        return
    for name, inner in value.items():
        if f"{path}{name}" != records:
            yield f"{path}{name}", _plain(name), inner
    for name, inner in value.items():
        if _plain(name) != "pageinfo":
            yield from _members(inner, records, f"{path}{name}.", depth + 1)
        elif _is_beside(f"{path}{name}", records):
            yield from _members(inner, records, f"{path}{name}.", min(depth + 1, _MAX_DEPTH - 1))


def _deep_page_info(value: dict[str, Any], records: str, path: str) -> Iterator[Member]:
    """Yield the members of the ``pageInfo`` on the path of the records."""
    for name, inner in value.items():
        if not isinstance(inner, dict):
            continue
        if _plain(name) == "pageinfo" and _is_beside(f"{path}{name}", records):
            yield from ((f"{path}{name}.{key}", _plain(key), one) for key, one in inner.items())
        elif records.startswith(f"{path}{name}."):
            yield from _deep_page_info(inner, records, f"{path}{name}.")


def _is_beside(path: str, records: str) -> bool:
    """Whether the object of a field holds the records, too."""
    parent = path.rpartition(".")[0]
    return not parent or records.startswith(f"{parent}.")
