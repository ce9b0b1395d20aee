"""Replies whose rows would be lost or wrong without a warning."""

import warnings

import pytest
from stand_ins import Scripted, client_of, posts_page

import socialframe as sf


def run(query):
    """Return the rows of a query, whether they are complete, and its warnings as one text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame = query.frame()
    state = frame.attrs["socialframe"]["complete"]
    return frame, state, " ".join(str(one.message) for one in caught)


def walk_of(*pages):
    """Return a query of pages that are bodies."""
    return client_of(Scripted(*pages), journal=False).fetch("/v1/rows")


def middle(page):
    """Return a query of three pages, of which this one is the second."""
    first = {"data": [{"id": 0}], "next_cursor": "a"}
    return walk_of(first, {**page, "next_cursor": "b"}, {"data": [{"id": 6}], "next_cursor": None})


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ({"results": [{"id": 3}]}, "results"),
        ({"Data": [{"id": 3}]}, "Data"),
        ({"data": None, "results": [{"id": 3}]}, "results"),
    ],
)
def test_a_middle_page_with_rows_under_another_name_is_an_error(page, name):
    """The error has the rows before it."""
    with pytest.raises(sf.IncompleteWalk, match=f"no list 'data'.*'{name}'") as caught:
        middle(page).frame()

    assert (caught.value.pages_done, caught.value.rows) == (1, 1)


def test_an_empty_middle_page_with_another_list_is_a_doubt():
    """The warning names both lists."""
    frame, state, text = run(middle({"data": [], "results": [{"id": 3}]}))

    assert frame["id"].tolist() == [0, 6]
    assert state is None
    assert "'data'" in text
    assert "records='results'" in text


@pytest.mark.parametrize("page", [{"data": None}, {"message": "Internal"}])
def test_a_middle_page_without_a_list_is_a_doubt(page):
    """Its rows may be missing."""
    frame, state, text = run(middle(page))

    assert frame["id"].tolist() == [0, 6]
    assert state is None
    assert "no list 'data'" in text


@pytest.mark.parametrize("more", [{}, {"links": [{"rel": "self"}]}, {"includes": [{"id": 1}]}])
def test_an_empty_middle_page_is_complete(more):
    """Also beside a list that never has rows."""
    assert run(middle({"data": [], **more}))[1:] == (True, "")


def test_a_list_that_each_page_has_beside_the_rows_is_no_list_of_rows():
    """So an empty page with it is complete."""
    users = {"users": [{"id": 1}]}
    query = walk_of(
        {"data": [{"id": 0}], **users, "next_cursor": "a"},
        {"data": [], **users, "next_cursor": "b"},
        {"data": [{"id": 6}], **users, "next_cursor": None},
    )

    assert run(query)[1:] == (True, "")


def test_a_middle_page_of_posts_under_another_name_is_an_error():
    """The first page has the declared name."""
    other = {"data": [{"id": "b"}], "pagination": {"page": 2, "pages": 3}}
    app = Scripted(posts_page("a", pages=3), other, posts_page("c", page=3, pages=3))

    with pytest.raises(sf.IncompleteWalk, match="no list 'posts'.*'data'"):
        client_of(app, journal=False).posts().frame()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("posts", {"data": [{"id": "p1"}], "quota": {"count": 0}}),
        ("posts", {"data": [{"id": "p1"}], "count": 0}),
        ("posts", {"quota": {"count": 0}}),
        ("followers", {"data": {"stats": {"a": [{"date": "2026-01-01"}]}}, "meta": {"count": 0}}),
    ],
)
def test_a_count_of_zero_does_not_hide_rows_under_another_name(name, body):
    """The reply has no list of the declared name."""
    with pytest.raises(sf.ReplyError, match="has no list"):
        getattr(client_of(Scripted(body), journal=False), name)().frame()


def test_an_empty_member_name_is_no_path():
    """The error says that the path of the rows is unclear."""
    with pytest.raises(sf.ReplyError, match="path of the records"):
        walk_of({"accounts": {"": {"x": ["a"]}}}).frame()


GOOD = [{"date": "2026-01-01", "followers": 3}]


@pytest.mark.parametrize(
    "body",
    [
        {"stats": {"a1": GOOD, "a2": {"error": "no access"}}},
        {"stats": {"a1": GOOD, "a2": None}},
        {"stats": {"a1": GOOD, "a2": "error"}},
        {"stats": {"a1": GOOD, "a2": [None]}},
        {"stats": {"a1": GOOD}, "accounts": [{"id": "a2", "error": "no access"}]},
    ],
)
def test_an_account_without_points_is_a_doubt(body):
    """The rows of the other account remain; the warning has the name of the account."""
    frame, state, text = run(client_of(Scripted(body), journal=False).followers())

    assert frame["account_id"].tolist() == ["a1"]
    assert state is None
    assert "'a2'" in text


@pytest.mark.parametrize("stats", [{"error": "x"}, {"a1": {"error": "x"}}, {"x": [5], "b": None}])
def test_stats_without_any_points_are_an_error(stats):
    """No account has rows."""
    with pytest.raises(sf.APIError, match="x"):
        client_of(Scripted({"stats": stats}), journal=False).followers().frame()


def test_an_empty_list_of_a_usual_name_beside_a_filled_one_is_a_doubt():
    """No error, because the same list may have rows tomorrow."""
    frame, state, text = run(walk_of({"items": [], "videos": [{"id": 1}], "next": None}))

    assert (len(frame), state) == (0, None)
    assert "'items'" in text
    assert "'videos'" in text


def test_an_empty_declared_list_beside_another_one_is_complete():
    """Analytics without posts may have a list of accounts."""
    body = {"posts": [], "accounts": [{"id": "a"}], "pagination": {"page": 1, "pages": 1}}

    assert run(client_of(Scripted(body), journal=False).analytics())[1:] == (True, "")


def test_an_entry_that_is_no_object_is_a_doubt():
    """A declared endpoint has rows that are objects."""
    body = {"accounts": [{"platform": "x", "accountId": "1"}, None]}

    _, state, text = run(client_of(Scripted(body), journal=False).accounts())

    assert state is None
    assert "no object" in text


@pytest.mark.parametrize("pages", [2, 1])
def test_fewer_pages_than_reported_before_are_a_doubt(pages):
    """Rows may have moved to a page that was already read."""
    app = Scripted(posts_page("a", pages=3), posts_page("b", page=2, pages=pages))

    frame, state, text = run(client_of(app, journal=False).posts())

    assert (len(frame), state) == (2, None)
    assert "number of pages decreased" in text
