"""Paging schemes: the next call, or the end."""

import pytest
from stand_ins import opened

import socialframe as sf
from socialframe.errors import ReplyError
from socialframe.messages.call import Call
from socialframe.paging import Cursor, NextURL, Offset, PageNumber, Single
from socialframe.sandbox import PAGINGS, Fault, Sandbox

HINTS = PageNumber(total_pages="p.pages", total_rows="p.total", more="p.hasMore")


def step(paging, body, number=1, rows=0):
    page = opened({"rows": [1], **body}, fields=paging.fields)
    page = type(page)(paging.first(Call("/x")).with_param("page", number), *page_parts(page))
    return paging.next(page, lambda: rows)


def page_parts(page):
    return page.reply, page.envelope, page.items, page.path


@pytest.mark.parametrize(
    ("body", "number", "rows", "following", "reason"),
    [
        ({"p": {"pages": 3}}, 1, 1, "2", "p.pages"),
        ({"p": {"pages": 3}}, 3, 3, None, "p.pages"),
        ({"p": {"pages": 0}, "rows": []}, 1, 0, None, "p.pages"),
        ({"p": {"pages": 0}}, 1, 1, "2", ""),
        ({"p": {"pages": -1}}, 1, 1, "2", ""),
        ({"p": {"pages": True, "total": True}}, 1, 1, "2", ""),
        ({"p": {"total": 0}}, 1, 1, "2", ""),
        ({"p": {"hasMore": True}}, 7, 7, "8", "p.hasMore"),
        ({"p": {"hasMore": False, "pages": 99}}, 7, 7, None, "p.hasMore"),
        ({"p": {"total": 5}}, 1, 4, "2", "p.total"),
        ({"p": {"total": 5}}, 1, 5, None, "p.total"),
        ({"p": {"total": 5}, "rows": []}, 2, 4, None, "p.total"),
        ({"p": {"hasMore": "yes", "pages": "3"}}, 1, 1, "2", "p.pages"),
        ({"p": {"hasMore": "yes", "pages": "x"}}, 1, 1, "2", ""),
        ({}, 4, 1, "5", ""),
        ({"rows": []}, 4, 1, None, "empty page"),
    ],
)
def test_page_numbers_end_by_the_most_reliable_field(body, number, rows, following, reason):
    """A flag, the number of pages, the number of rows; without them, an empty page."""
    result = step(HINTS, body, number, rows)

    assert (result.call and result.call.param("page")) == following
    assert result.reason == reason


def test_page_numbers_can_start_at_zero():
    """The number of pages counts from the first page."""
    paging = PageNumber(start=0, total_pages="pages")

    assert paging.first(Call("/x")).param("page") == "0"
    assert step(paging, {"pages": 2}, 0).call is not None
    assert step(paging, {"pages": 2}, 1).call is None


def test_single_ends_after_one_reply():
    """A number of pages in the reply does not matter."""
    assert step(Single(), {"pages": 9}).call is None


def test_rows_are_not_counted_if_the_number_of_pages_is_known():
    """Counting would parse the page."""

    def never():
        raise AssertionError

    page = opened({"rows": [1], "p": {"pages": 2, "total": 9}}, fields=HINTS.fields)
    assert HINTS.next(page, never).call is not None


@pytest.mark.parametrize(
    ("paging", "body"),
    [
        (Cursor(field="next", param="c"), {"next": {"id": "a"}}),
        (Cursor(field="next", param="c"), {"next": 1.5}),
        (NextURL(field="next"), {"next": {"href": "?p=2"}}),
        (NextURL(field="next"), {"next": 7}),
    ],
)
def test_an_invalid_token_or_url_is_an_error(paging, body):
    """Taking it for the end would return incomplete rows silently."""
    with pytest.raises(ReplyError, match="at 'next', which is not a .*; pass another paging="):
        step(paging, body)


def test_an_empty_page_with_a_flag_advances_the_offset_by_the_requested_size():
    """The server may filter after slicing."""
    page = opened({"rows": [], "more": True}, fields=("more",))
    page = type(page)(Call("/x", (("offset", "40"), ("limit", "20"))), *page_parts(page))

    following = Offset(more="more").next(page, lambda: 40).call

    assert following.param("offset") == "60"


@pytest.mark.parametrize(
    ("rows", "following"),
    [([1, 2, 3, 1], "43"), ([1, 2, 3, 4], "44"), ([1, 1, 1, 1], "43"), ([1, 1], "42")],
)
def test_duplicate_rows_on_a_page_advance_the_offset_once(rows, following):
    """A page of three was requested; different rows all count."""
    page = opened({"rows": rows, "more": True}, fields=("more",))
    page = type(page)(Call("/x", (("offset", "40"), ("limit", "3"))), *page_parts(page))

    assert Offset(more="more").next(page, lambda: 40).call.param("offset") == following


@pytest.mark.parametrize("sign", PAGINGS["offset"])
def test_a_duplicate_row_on_a_page_loses_no_other_row(sign):
    """A page of 20 posts has 21 rows, and paging is by offset."""
    twice = Fault("duplicate", page=2)
    asked = {"since": "2026-09-01", "until": "2026-09-12", "per_page": 20}
    walks = [
        sf.Client.sandbox(Sandbox(paging="offset", end_sign=sign, faults=faults)).posts(**asked)
        for faults in ((), (twice,))
    ]

    whole, bent = (walk.frame() for walk in walks)

    assert bent["id"].tolist() == whole["id"].tolist()
    assert bent.attrs["socialframe"]["complete"] is True
