"""Walks whose replies have no content."""

import warnings

import pytest
from stand_ins import Scripted, client_of

import socialframe as sf
from socialframe.paging import Cursor, NextURL, PageNumber

ROWS = [{"id": "a"}, {"id": "b"}]


def facts_of(*answers, **options):
    """Return the ids and the facts of a walk; any warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = client_of(Scripted(*answers)).fetch("/v1/rows", **options).frame()
    return [] if frame.empty else frame["id"].tolist(), frame.attrs["socialframe"]


@pytest.mark.parametrize("status", [204, 205])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"records": "rows"},
        {"paging": PageNumber()},
        {"paging": Cursor(field="next", param="cursor")},
        {"paging": NextURL(field="next")},
    ],
    ids=["auto", "records", "pages", "cursor", "links"],
)
def test_first_reply_without_content_is_no_rows(status, options):
    """And the walk is complete."""
    ids, facts = facts_of((status, b""), **options)

    assert ids == []
    assert (facts["complete"], facts["rows"], facts["pages"]) == (True, 0, 1)


@pytest.mark.parametrize("method", ["accounts", "posts", "analytics"])
def test_declared_endpoint_without_content_has_no_rows(method):
    """With its columns."""
    frame = getattr(client_of(Scripted((204, b""))), method)().frame()

    assert len(frame) == 0
    assert len(frame.columns) > 3
    assert frame.attrs["socialframe"]["complete"] is True


def test_204_after_the_last_page_ends_page_numbers():
    """Like an empty page."""
    ids, facts = facts_of({"rows": ROWS}, (204, b""), paging=PageNumber())
    assert (ids, facts["complete"]) == (["a", "b"], True)

    ids, facts = facts_of(ROWS, (204, b""), paging=PageNumber())
    assert (ids, facts["complete"]) == (["a", "b"], True)


def test_204_ends_a_walk_of_tokens():
    """An empty page without a token does too."""
    first = {"rows": ROWS, "next": "x"}
    ids, facts = facts_of(first, (204, b""), paging=Cursor(field="next", param="cursor"))

    assert (ids, facts["complete"]) == (["a", "b"], True)


@pytest.mark.parametrize(
    ("fields", "paging", "words"),
    [
        ({"total": 4}, PageNumber(total_rows="total"), "the API reports 4 rows"),
        ({"pages": 3}, PageNumber(total_pages="pages"), "lacks 'pages'"),
    ],
)
def test_204_before_the_end_is_not_complete(fields, paging, words):
    """The page before it said that more rows follow."""
    app = Scripted({"rows": ROWS, **fields}, (204, b""))

    with pytest.warns(sf.WalkWarning, match=words):
        frame = client_of(app).fetch("/v1/rows", paging=paging).frame()

    assert frame.attrs["socialframe"]["complete"] is None
