"""Each paging scheme fulfils the paging contract, with each end sign."""

import pytest

from contracts.paging_contract import PagingContract, sent
from socialframe.paging import (
    AfterId,
    Auto,
    Cursor,
    LinkHeader,
    NextURL,
    Offset,
    PageNumber,
    Single,
)


def numbered(rows, size, environ, says):
    """Return a page by its number, with the paging fields of `says`."""
    page = int(sent(environ).get("page", 1))
    cut = rows[(page - 1) * size : page * size]
    return {"rows": cut, **says(page, len(rows), size, page * size < len(rows))}


def skipped(rows, size, environ, says):
    """Return a page by its offset."""
    offset = int(sent(environ).get("offset", 0))
    cut = rows[offset : offset + size]
    return {"rows": cut, **says(offset, len(rows), size, offset + size < len(rows))}


def cursored(rows, size, environ, says, param="cursor"):
    """Return a page by a token, which is the number of its first row."""
    start = int(sent(environ).get(param, "t0")[1:])
    more = start + size < len(rows)
    return {"rows": rows[start : start + size], **says(f"t{start + size}" if more else None, more)}


class TestSingle(PagingContract):
    """One reply."""

    def declared(self):
        return Single()

    def answer(self, rows, size, environ):
        return {"rows": rows}

    def test_a_failure_on_a_later_page_is_an_incomplete_walk(self):
        """There is no later page."""
        assert self.walked([{"id": "a"}])[1].seen


NUMBERED = {
    "pages": (
        {"total_pages": "p.pages"},
        lambda n, c, s, m: {"p": {"page": n, "pages": -(-c // s)}},
    ),
    "total": ({"total_rows": "p.total"}, lambda n, c, s, m: {"p": {"page": n, "total": c}}),
    "flag": ({"more": "p.hasMore"}, lambda n, c, s, m: {"p": {"page": n, "hasMore": m}}),
    "next": ({"next_page": "next_page"}, lambda n, c, s, m: {"next_page": n + 1 if m else None}),
    "text": ({"total_pages": "pages"}, lambda n, c, s, m: {"page": n, "pages": str(-(-c // s))}),
}


@pytest.mark.parametrize("sign", list(NUMBERED))
class TestPageNumber(PagingContract):
    """With each end sign."""

    @pytest.fixture(autouse=True)
    def _sign(self, sign):
        self.hints, self.says = NUMBERED[sign]

    def declared(self):
        return PageNumber(**self.hints)

    def answer(self, rows, size, environ):
        return numbered(rows, size, environ, self.says)


class TestPageNumberWithoutSign(PagingContract):
    """An empty page is the end, or a short one after a full one."""

    overrun = 1

    def declared(self):
        return PageNumber(size_param="limit")

    def answer(self, rows, size, environ):
        return numbered(rows, size, environ, lambda *_: {})


SKIPPED = {
    "total": ({"total_rows": "total"}, 0, lambda o, c, s, m: {"total": c, "offset": o}),
    "flag": ({"more": "meta.has_more"}, 1, lambda o, c, s, m: {"meta": {"has_more": m}}),
    "nothing": ({}, 1, lambda o, c, s, m: {}),
}


@pytest.mark.parametrize("sign", list(SKIPPED))
class TestOffset(PagingContract):
    """With each end sign."""

    @pytest.fixture(autouse=True)
    def _sign(self, sign):
        self.hints, self.overrun, self.says = SKIPPED[sign]

    def declared(self):
        return Offset(**self.hints)

    def answer(self, rows, size, environ):
        return skipped(rows, size, environ, self.says)


CURSORED = {
    "null": lambda token, more: {"meta": {"next": token}},
    "empty": lambda token, more: {"meta": {"next": token or ""}},
    "absent": lambda token, more: {"meta": {"next": token} if token else {}},
    "zero": lambda token, more: {"meta": {"next": token or 0}},
    "flag": lambda token, more: {"meta": {"next": token or "again", "more": more}},
}


@pytest.mark.parametrize("sign", list(CURSORED))
class TestCursor(PagingContract):
    """With each end sign."""

    @pytest.fixture(autouse=True)
    def _sign(self, sign):
        self.says = CURSORED[sign]

    def declared(self):
        return Cursor(field="meta.next", param="cursor", more="meta.more")

    def answer(self, rows, size, environ):
        return cursored(rows, size, environ, self.says)


class TestCursorWithEndWord(PagingContract):
    """The last token is a word."""

    def declared(self):
        return Cursor(field="mark", param="cursor", end=("-end-", "done"))

    def answer(self, rows, size, environ):
        return cursored(rows, size, environ, lambda token, more: {"mark": token or "-end-"})


class TestCursorInHeader(PagingContract):
    """The token stands in a header of the reply, and goes back in one of the request."""

    def declared(self):
        return Cursor(header="X-Next", request_header="X-Position")

    def answer(self, rows, size, environ):
        start = int(environ.get("HTTP_X_POSITION", "0"))
        if "HTTP_X_POSITION" in environ and not environ["QUERY_STRING"]:
            start = 0  # the server that repeats a page
        more = start + size < len(rows)
        headers = {"X-Next": str(start + size) if more else ""}
        return 200, {"rows": rows[start : start + size]}, headers


class TestCursorOfSeveralParameters(PagingContract):
    """The token is an object, and each member is a parameter."""

    def declared(self):
        return Cursor(field="continue")

    def answer(self, rows, size, environ):
        return cursored(rows, size, environ, continuing)


def continuing(token, more):
    """Return the parameters of the next page as an object."""
    return {"continue": {"cursor": token, "n": 1} if more else None}


class TestNextURL(PagingContract):
    """The URL is absolute and has other parameters."""

    def declared(self):
        return NextURL(field="links.next")

    def address(self, page, size):
        return f"https://api.example/v1/rows?limit={size}&page={page}"

    def answer(self, rows, size, environ):
        def says(page, count, size, more):
            return {"links": {"next": self.address(page + 1, size) if more else None}}

        return numbered(rows, size, environ, says)


class TestNextURLRelative(TestNextURL):
    """The URL has a query only."""

    def address(self, page, size):
        return f"?limit={size}&page={page}"


class TestNextURLAtNameWithDots(PagingContract):
    """The name of the field has a dot."""

    def declared(self):
        return NextURL(field="@odata.nextLink")

    def answer(self, rows, size, environ):
        def says(page, count, size, more):
            return {"@odata.nextLink": f"?limit={size}&page={page + 1}" if more else None}

        return numbered(rows, size, environ, says)


class TestLinkHeader(PagingContract):
    """With other links in the header."""

    def declared(self):
        return LinkHeader()

    def answer(self, rows, size, environ):
        body = numbered(rows, size, environ, lambda n, c, s, m: {"n": n, "m": m})
        link = '</v1/rows>; rel="first"; title="a, b"'
        if body["m"]:
            link += f', <https://api.example/v1/rows?page={body["n"] + 1}>; rel="next"'
        return 200, body, {"Link": link}


class TestAfterId(PagingContract):
    """By the id of the last record."""

    overrun = 1

    def declared(self):
        return AfterId(param="after")

    def answer(self, rows, size, environ):
        after = sent(environ).get("after")
        start = next((i + 1 for i, row in enumerate(rows) if row["id"] == after), 0)
        return {"rows": rows[start : start + size]}


AUTO = {
    "pages": lambda r, s, e: numbered(r, s, e, NUMBERED["pages"][1]),
    "total": lambda r, s, e: numbered(r, s, e, NUMBERED["total"][1]),
    "flag": lambda r, s, e: numbered(r, s, e, NUMBERED["flag"][1]),
    "next-page": lambda r, s, e: numbered(
        r, s, e, lambda n, c, s, m: {"page": n, "next_page": n + 1 if m else None}
    ),
    "link": TestLinkHeader().answer,
    "url": TestNextURL().answer,
    "offset-total": lambda r, s, e: skipped(r, s, e, SKIPPED["total"][2]),
    "offset-flag": lambda r, s, e: skipped(
        r, s, e, lambda o, c, s, m: {"pagination": {"offset": o, "hasMore": m}}
    ),
    "cursor-null": lambda r, s, e: cursored(
        r, s, e, lambda t, m: {"next_cursor": t}, "next_cursor"
    ),
    "cursor-empty": lambda r, s, e: cursored(
        r, s, e, lambda t, m: {"meta": {"next_cursor": t or "", "has_more": m}}, "next_cursor"
    ),
    "cursor-pair": lambda r, s, e: cursored(
        r, s, e, lambda t, m: {"nextPageToken": t}, "pageToken"
    ),
    "continue": lambda r, s, e: cursored(r, s, e, lambda t, m: {"has_more": m, **continuing(t, m)}),
    "dots": TestNextURLAtNameWithDots().answer,
    "after-flag": lambda r, s, e: cursored(
        r, s, e, lambda t, m: {"data": {"after": t or "x", "hasMore": m}}, "after"
    ),
}


@pytest.mark.parametrize("sign", list(AUTO))
class TestAuto(PagingContract):
    """By the fields of the first reply."""

    overrun = 1

    @pytest.fixture(autouse=True)
    def _sign(self, sign):
        self.pages = AUTO[sign]

    def declared(self):
        return Auto()

    def answer(self, rows, size, environ):
        return self.pages(rows, size, environ)
