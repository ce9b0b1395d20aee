"""Finding the rows of a body by names and shape."""

import json

import pytest
from stand_ins import reply_of

from socialframe.errors import APIError, ReplyError
from socialframe.messages.call import Call
from socialframe.messages.envelope import split_reply

A, B = {"id": 1, "text": "a"}, {"id": 2, "text": "b"}
HEADERS = [{"name": "day"}, {"name": "views"}]


def rows_of(body, path="/v1/posts", records=None, **params):
    """Return path and records of the first page."""
    page = split_reply(Call.of(path, params), reply_of(body), records)
    return page.path, page.records()


FOUND = [
    # envelopes: links, buttons, errors, includes, facets, headers, failed accounts
    ({"data": [], "links": [A], "meta": {"links": [A, B]}}, "data", []),
    ({"data": [A], "includes": {"users": [B]}, "errors": [B]}, "data", [A]),
    ({"items": [A], "facets": {"values": [B]}, "warnings": [B]}, "items", [A]),
    ({"results": [], "failedAccounts": [A], "headers": [A]}, "results", []),
    ({"posts": [], "accounts": [A]}, "posts", []),
    ({"posts": [A], "accounts": []}, "posts", [A]),
    ({"page": 1, "things": [A]}, "things", [A]),
    ({"page": 1, "things": []}, "things", []),
    ({"account": "x", "count": 2, "things": [A, B]}, "things", [A, B]),
    ({"data": {"viewer": {"posts": {"nodes": [A], "pageInfo": {}}}}},
     "data.viewer.posts.nodes", [A]),
    ({"data": {"account": {"unit": {"posts": {"edges": [A], "pageInfo": {}}}}}},
     "data.account.unit.posts.edges", [A]),
    ({"ok": True, "things": [A], "response_metadata": {"next_cursor": ""}}, "things", [A]),
    ({"response": {"list": [A], "total": 1}, "code": 0}, "response.list", [A]),
    # no rows
    ({"items": None, "page": 1}, "items", []),
    ({"data": None, "next_cursor": ""}, "data", []),
    ({"totalCount": 0, "things": None}, "things", []),
    (None, "", []),
    # one object
    ({"id": 7, "name": "x", "bio": None}, ".", [{"id": 7, "name": "x", "bio": None}]),
    ({"id": 7, "name": "x", "tags": [], "media": [A]}, ".",
     [{"id": 7, "name": "x", "tags": [], "media": [A]}]),
    ({"plan": "free", "platforms": ["x"]}, ".", [{"plan": "free", "platforms": ["x"]}]),
    ({"data": {"id": 7, "name": "x"}}, "data.", [{"id": 7, "name": "x"}]),
    ({"post": {"text": "x", "media": [A]}}, "post.", [{"text": "x", "media": [A]}]),
    # tables
    ({"columnHeaders": HEADERS, "rows": [["d", 3]]}, "rows", [{"day": "d", "views": 3}]),
    ({"columnHeaders": HEADERS, "rows": []}, "rows", []),
    ({"columnHeaders": HEADERS}, "rows", []),
    ({"columns": ["day", "views"], "data": [["d", 3]]}, "data", [{"day": "d", "views": 3}]),
    ({"fields": HEADERS, "values": [["d", 3]]}, "values", [{"day": "d", "views": 3}]),
    ({"dimensions": ["day"], "metrics": ["views"], "rows": [["d", 3]]}, "rows",
     [{"day": "d", "views": 3}]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "path", "records"), FOUND)
def test_rows_are_found_by_names_and_shape(body, path, records):
    """The endpoint is /v1/posts."""
    assert rows_of(body) == (path, records)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"things": [A], "others": [B]}, ["'things'", "'others'"]),
        ({"things": [A], "others": []}, ["'things'", "'others'"]),
        ({"things": [], "others": []}, ["'things'", "'others'"]),
        ({"data": [A], "results": [B]}, ["'data'", "'results'"]),
        ({"data": [], "posts": [B]}, ["'data'", "'posts'"]),
        ({"plan": "x", "things": [A]}, ["'things'", "records='.'"]),
        ({"id": 5, "media": {"data": [A]}, "name": "x"}, ["'media.data'", "records='.'"]),
        ({"p1": {"items": [A]}, "p2": {"items": [B]}}, ["'p1.items'", "'p2.items'"]),
        ({"101": {"items": [A]}}, ["'101.items'"]),
        ({"101": A, "102": B}, ["records='*'"]),
        ({"stats": {"a1": A, "a2": B}, "tags": ["x"]}, ["'tags'", "records='stats.*'"]),
        ({"links": [A], "plan": "free"}, ["'links'"]),
        ({"page": 1, "pages": 3}, ["no list"]),
        ({"message": "hello"}, ["no list"]),
        ({}, ["no list"]),
    ],
)
def test_unclear_rows_are_an_error_that_names_what_to_pass(body, named):
    """Whether or not a list has entries."""
    with pytest.raises(ReplyError, match="records=") as caught:
        rows_of(body)

    assert all(name in str(caught.value) for name in named)


@pytest.mark.parametrize("name", ["posts", "Posts", "post_list"])
def test_rows_of_an_endpoint_with_another_case_or_an_id(name):
    """The last name of the path counts, in the singular or the plural."""
    path = f"/v1/accounts/{name.replace('_', '-')}/12345"

    assert rows_of({name: [A], "accounts": [B]}, path) == (name, [A])


@pytest.mark.parametrize(
    ("body", "records", "rows"),
    [
        ({"101": A, "102": B}, "*", [{"_key": "101", **A}, {"_key": "102", **B}]),
        ({"m": {"x": {"n": 1}, "y": {"n": 2}}}, "m.*",
         [{"_key": "x", "n": 1}, {"_key": "y", "n": 2}]),
        ({"m": {"x": [{"n": 1}, {"n": 2}], "y": []}}, "m.*",
         [{"_key": "x", "n": 1}, {"_key": "x", "n": 2}]),
        ({"m": {"x": None}}, "m.*", [{"_key": "x"}]),
        ({"m": []}, "m.*", []),
        ({"m": {}}, "m.*", []),
        ({"status": "ok", "x": {"n": 1}}, "*", [{"_key": "x", "n": 1}]),
        ({"page": 1, "tags": []}, ".", [{"page": 1, "tags": []}]),
        ({"data": {"items": [A]}}, "data.", [{"items": [A]}]),
        ({"data": A}, "data", [A]),
        ({"data": None}, "data", []),
        ({"rows": [["d", 3]]}, "rows", [["d", 3]]),
    ],
)  # fmt: skip
def test_records_names_one_object_or_objects_by_key(body, records, rows):
    """The key of an entry is its column _key."""
    assert rows_of(body, records=records) == (records, rows)


@pytest.mark.parametrize(
    ("body", "records"),
    [
        ({"data": {"101": A, "102": B}}, "data"),
        ({"data": {"items": [A], "name": "x"}}, "data"),
        ({"data": {"total": 3}}, "data"),
        ({"m": {"x": 1}}, "m.*"),
        ({"m": {"x": {"_key": 1}}}, "m.*"),
        ({"m": "x"}, "m.*"),
        ({"columns": ["a"], "rows": [[1, 2]]}, "rows"),
        ({"columns": ["a", "a"], "rows": [[1, 2]]}, "rows"),
    ],
)
def test_an_object_that_may_be_something_else_is_an_error(body, records):
    """It is not taken for one row."""
    with pytest.raises(ReplyError):
        rows_of(body, records=records)


def test_an_error_wins_over_an_unclear_shape():
    """The user reads the sentence of the API."""
    for body in (
        {"error": "down"},
        {"id": 1, "name": "x", "error": "down"},
        {"101": {}, "ok": False},
    ):
        with pytest.raises(APIError):
            rows_of(body)

    body = {"id": 1, "name": "x", "error": "down"}
    assert rows_of(body, records=".") == (".", [body])


def test_a_parameter_that_the_reply_repeats_is_no_error():
    """The status is that of the posts that were requested."""
    body = {"status": "failed", "posts": []}

    assert rows_of(body, status="failed") == ("posts", [])
    with pytest.raises(APIError):
        rows_of(body)


def test_the_number_of_entries_does_not_change_the_path():
    """The same call gives rows or an error whatever the lists have today."""
    for body in ({"data": [A], "links": [B]}, {"posts": [A], "x": [B]}, {"x": [A], "y": [B]}):
        ways = set()
        for empty in ((), ("data", "posts", "x"), ("links", "y"), tuple(body)):
            today = {name: [] if name in empty else value for name, value in body.items()}
            try:
                ways.add(rows_of(today)[0])
            except ReplyError:
                ways.add(None)
        assert len(ways) == 1, json.dumps(body)


def test_an_error_behind_other_lists_is_found():
    """The fast split ends the envelope at the last lists."""
    lists = ",".join(f'"x{number}":[[1],[2]]' for number in range(4))
    body = f'{{"posts":[],"error":"down",{lists}}}'.encode()

    with pytest.raises(APIError, match="down"):
        rows_of(body, records="posts")
