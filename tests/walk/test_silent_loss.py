"""Replies whose rows would be lost without a word."""

import warnings

import pytest
from stand_ins import Scripted, client_of

import socialframe as sf
from socialframe.paging import Cursor, Single

CURSOR = Cursor(field="next_cursor", param="cursor")
FIRST = {"data": [{"id": 0}], "next_cursor": "a"}
LAST = {"data": [{"id": 6}], "next_cursor": None}


def outcome(query):
    """Return whether the walk is complete; False for an error of the package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.WalkWarning)
        try:
            return query.frame().attrs["socialframe"]["complete"]
        except sf.SocialFrameError:
            return False


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    "middle",
    [
        {"results": [{"id": 3}], "next_cursor": "b"},
        {"Data": [{"id": 3}], "next_cursor": "b"},
        {"data": None, "results": [{"id": 3}], "next_cursor": "b"},
        {"data": None, "next_cursor": "b"},
        {"message": "Internal", "next_cursor": "b"},
    ],
)
def test_page_without_its_list_is_not_an_empty_page(middle, declared):
    """The rows under another name are not skipped in silence."""
    options = {"records": "data", "paging": CURSOR} if declared else {}
    query = client_of(Scripted(FIRST, middle, LAST)).fetch("/v1/things", **options)

    assert outcome(query) is not True


def test_declared_page_without_its_list_is_an_error():
    """Another list has rows."""
    first = {"posts": [{"id": "a"}], "pagination": {"page": 1, "pages": 2}}
    second = {"data": [{"id": "b"}], "pagination": {"page": 2, "pages": 2}}

    with pytest.raises(sf.IncompleteWalk, match="posts"):
        client_of(Scripted(first, second)).posts().frame()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("posts", {"data": [{"id": "p1"}], "quota": {"count": 0}}),
        ("posts", {"data": [{"id": "p1"}], "count": 0}),
        ("accounts", {"users": [{"id": "p1"}], "total": 0}),
    ],
)
def test_reply_of_another_shape_is_an_error(name, body):
    """It has a count of 0 beside rows."""
    with pytest.raises(sf.ReplyError):
        getattr(client_of(Scripted(body)), name)().frame()


@pytest.mark.parametrize(
    "sign",
    [
        {"status": "unauthorized"},
        {"status": "REQUEST_DENIED", "message": "no"},
        {"object": "error", "code": "x"},
        {"cod": "401", "message": "Invalid API key"},
        {"error_type": "x"},
        {"isOk": False},
        {"success": "N"},
        {"exceptions": ["x"]},
        {"errorMessages": ["x"]},
        {"failureReason": "timed out"},
        {"authorized": False},
    ],
)
def test_error_beside_an_empty_list_is_an_error(sign):
    """In words that are less usual."""
    with pytest.raises(sf.APIError):
        client_of(Scripted({"accounts": [], **sign})).accounts().frame()


@pytest.mark.parametrize(
    "sign",
    [{"truncated": True}, {"timed_out": True}, {"degraded": True}, {"isTruncated": True}],
)
def test_flag_of_missing_rows_is_a_doubt(sign):
    """Beside rows."""
    query = client_of(Scripted({"accounts": [{"accountId": "a"}], **sign})).accounts()

    assert outcome(query) is None


def test_link_to_a_next_page_contradicts_a_single_reply():
    """The scheme of the endpoint knows no pages."""
    headers = {"Link": '</v1/accounts?page=2>; rel="next"'}
    app = Scripted((200, {"accounts": [{"accountId": "a"}]}, headers))

    assert outcome(client_of(app).accounts()) is None
    assert outcome(client_of(app).fetch("/v1/accounts", paging=Single())) is None


def test_fewer_pages_than_before_are_a_doubt():
    """Rows that moved up may be missing."""
    first = {"posts": [{"id": "a"}], "pagination": {"page": 1, "pages": 3}}
    second = {"posts": [{"id": "b"}], "pagination": {"page": 2, "pages": 2}}

    assert outcome(client_of(Scripted(first, second)).posts()) is None


def test_an_empty_name_is_no_path():
    """It is not searched."""
    body = {"accounts": {"": {"x": ["a"]}}}

    assert outcome(client_of(Scripted(body)).fetch("/v1/things")) is not True
