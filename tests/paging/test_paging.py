"""Which call comes next."""

import pytest
from stand_ins import opened

import socialframe as sf
from socialframe.errors import ReplyError
from socialframe.messages.call import Call
from socialframe.paging import Cursor, NextURL, Offset, PageNumber, Single
from socialframe.sandbox import PAGINGS, Fault, Sandbox

HINTS = PageNumber(total_pages="p.pages", total_rows="p.total", more="p.hasMore")


def step(paging, body, number=1, rows=0):
    page = opened({"rows": [1], **body}, needs=paging.needs)
    page = type(page)(paging.first(Call("/x")).with_param("page", number), *page_parts(page))
    return paging.next(page, lambda: rows)


def page_parts(page):
    return page.reply, page.envelope, page.items, page.path


@pytest.mark.parametrize(
    ("body", "number", "rows", "onward", "sign"),
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
def test_page_numbers_end_by_the_best_sign_there_is(body, number, rows, onward, sign):
    """A flag, a number of pages, a number of rows; else an empty page."""
    result = step(HINTS, body, number, rows)

    assert (result.call and result.call.param("page")) == onward
    assert result.sign == sign


def test_pages_may_start_at_zero():
    """The number of pages counts from the first."""
    paging = PageNumber(start=0, total_pages="pages")

    assert paging.first(Call("/x")).param("page") == "0"
    assert step(paging, {"pages": 2}, 0).call is not None
    assert step(paging, {"pages": 2}, 1).call is None


def test_a_single_reply_is_the_end():
    """Whatever it says."""
    assert step(Single(), {"pages": 9}).call is None


def test_rows_are_counted_only_where_it_matters():
    """Counting parses the page."""

    def never():
        raise AssertionError

    page = opened({"rows": [1], "p": {"pages": 2, "total": 9}}, needs=HINTS.needs)
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
def test_a_next_sign_that_cannot_be_one_is_no_end(paging, body):
    """A short frame in silence would be the end."""
    with pytest.raises(ReplyError, match="at 'next', which is no .*: say paging="):
        step(paging, body)


def test_an_empty_page_with_a_flag_goes_on_by_what_was_asked_for():
    """Rows that a filter took away after the page was cut were passed over all the same."""
    page = opened({"rows": [], "more": True}, needs=("more",))
    page = type(page)(Call("/x", (("offset", "40"), ("limit", "20"))), *page_parts(page))

    onward = Offset(more="more").next(page, lambda: 40).call

    assert onward.param("offset") == "60"


@pytest.mark.parametrize(
    ("rows", "onward"),
    [([1, 2, 3, 1], "43"), ([1, 2, 3, 4], "44"), ([1, 1, 1, 1], "43"), ([1, 1], "42")],
)
def test_an_offset_skips_a_row_that_came_twice_once(rows, onward):
    """Of a page of three; a page that is larger than asked, or shorter, is skipped whole."""
    page = opened({"rows": rows, "more": True}, needs=("more",))
    page = type(page)(Call("/x", (("offset", "40"), ("limit", "3"))), *page_parts(page))

    assert Offset(more="more").next(page, lambda: 40).call.param("offset") == onward


@pytest.mark.parametrize("sign", PAGINGS["offset"])
def test_a_page_that_has_a_row_twice_costs_no_other_row(sign):
    """By offsets, where a page of 20 posts is 21 rows long."""
    twice = Fault("duplicate", page=2)
    asked = {"since": "2026-09-01", "until": "2026-09-12", "per_page": 20}
    walks = [
        sf.Client.sandbox(Sandbox(paging="offset", end_sign=sign, faults=faults)).posts(**asked)
        for faults in ((), (twice,))
    ]

    whole, bent = (walk.frame() for walk in walks)

    assert bent["id"].tolist() == whole["id"].tolist()
    assert bent.attrs["socialframe"]["complete"] is True
