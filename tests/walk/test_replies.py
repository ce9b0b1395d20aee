"""Replies that state an error with status 200, and rows that are not one list, in whole walks."""

from dataclasses import replace

import pytest
from stand_ins import Scripted, client_of, reply_of

import socialframe as sf
from socialframe.paging import Cursor, Single

A, B, C = ({"id": name} for name in "abc")
SINGLE = {"paging": Single()}
ERRORS = [
    {"error": "down", "accounts": []},
    {"error": {"message": "down", "code": "E7"}, "rows": []},
    {"success": False, "message": "down", "rows": []},
    {"data": None, "errors": [{"message": "down"}]},
    {"code": 40100, "message": "down", "data": {}},
    {"status": "error", "message": "down", "rows": [], "next": None},
    {"result": {"meta": {"fault": "down"}, "rows": []}},
]


def complete(frame):
    """Return whether the rows of a frame are known to be complete."""
    return frame.attrs["socialframe"]["complete"]


@pytest.mark.parametrize("body", ERRORS)
@pytest.mark.parametrize("records", [None, "rows"])
def test_an_error_with_status_200_reaches_the_user(body, records):
    """With the sentence of the API."""
    query = client_of(Scripted(body)).fetch("/v1/rows", records=records, **SINGLE)

    with pytest.raises(sf.APIError, match="down") as caught:
        query.frame()

    assert caught.value.status_code == 200
    assert caught.value.code in {None, "E7", "40100"}


@pytest.mark.parametrize("name", ["accounts", "posts", "followers"])
def test_an_error_with_status_200_reaches_the_user_of_a_declared_endpoint(name):
    """Beside an empty list."""
    body = {"error": "down", "accounts": [], "posts": [], "stats": {}}

    with pytest.raises(sf.APIError, match="down"):
        getattr(client_of(Scripted(body)), name)().frame()


@pytest.mark.parametrize("body", ERRORS)
@pytest.mark.parametrize("output", ["frame", "records", "pages"])
def test_an_error_on_page_2_is_an_incomplete_walk(body, output):
    """The error is its cause; the rows of page 1 are in it."""
    app = Scripted({"rows": [A], "nextCursor": "c"}, body)
    query = client_of(app).fetch("/v1/rows")

    with pytest.raises(sf.IncompleteWalk, match="down") as caught:
        list(getattr(query, output)())

    assert isinstance(caught.value.__cause__, sf.APIError)
    assert (caught.value.pages_done, caught.value.rows) == (1, 1)


@pytest.mark.parametrize("body", ERRORS)
def test_a_reply_with_an_error_is_not_kept(body, tmp_path):
    """The next run asks again, and gets the rows."""
    app = Scripted(body, {"rows": [A], "nextCursor": "c"}, body, {"rows": [B], "nextCursor": ""})
    paging = Cursor(field="nextCursor", param="cursor")
    query = client_of(app, cache=tmp_path / "walks.sqlite").fetch("/v1/rows", paging=paging)

    with pytest.raises(sf.APIError):
        query.frame()
    with pytest.raises(sf.IncompleteWalk):
        query.frame()
    frame = query.frame()

    assert frame["id"].tolist() == ["a", "b"]
    assert complete(frame) is True
    assert len(app.seen) == 4


def test_known_rate_limit_words_are_a_rate_limit_error():
    """The same call may succeed later."""
    body = {"code": 40100, "message": "Too many requests.", "data": {}}

    with pytest.raises(sf.RateLimitError) as caught:
        client_of(Scripted(body)).fetch("/v1/rows", **SINGLE).frame()

    assert caught.value.retryable


@pytest.mark.parametrize(
    ("beside", "match"),
    [
        ({"errors": [{"message": "b is locked"}]}, "b is locked"),
        ({"failedAccounts": ["b"]}, "'failedAccounts': 1 entry"),
        ({"success": False, "message": "partial"}, "partial"),
        (
            {"x": [[1], [2]], "y": [[1], [2]], "errors": ["b is locked"], "z": [[1]] * 6},
            "b is locked",
        ),
    ],
)
def test_an_error_beside_rows_is_a_warning(beside, match):
    """The rows are returned."""
    body = {"rows": [A], "nextCursor": None, **beside}
    query = client_of(Scripted(body)).fetch("/v1/rows", records="rows")

    with pytest.warns(sf.WalkWarning, match=match):
        frame = query.frame()

    assert frame["id"].tolist() == ["a"]
    assert complete(frame) is None


@pytest.mark.parametrize(
    "sign",
    [
        {"has_more": True},
        {"total": 9},
        {"next_cursor": "c"},
        {"links": {"next": "/v1/rows?page=2"}},
    ],
)
@pytest.mark.parametrize("depth", [0, 2, 6])
def test_a_sign_of_more_rows_is_found_at_any_depth(sign, depth):
    """The walk declares that there is one page."""
    for level in range(depth):
        sign = {f"l{level}": sign}

    with pytest.warns(sf.WalkWarning, match="there are more|reports 9 rows"):
        frame = client_of(Scripted({"rows": [A], **sign})).fetch("/v1/rows", **SINGLE).frame()

    assert complete(frame) is None


def test_rows_of_later_pages_are_at_the_path_of_the_first():
    """Also if another list has entries then, and the rows none."""
    app = Scripted(
        {"things": [A], "links": [], "nextCursor": "c"},
        {"things": [], "links": [C], "nextCursor": "d"},
        {"things": B, "links": [C], "nextCursor": None},
    )
    query = client_of(app).fetch("/v1/rows")

    frame = query.frame()

    assert frame["id"].tolist() == ["a", "b"]
    assert complete(frame) is True
    assert frame.attrs["socialframe"]["records"] == "things"
    assert "records='things'" in repr(query)


def test_one_object_is_one_row():
    """No page can follow."""
    me = {"id": 7, "name": "x", "links": [], "roles": ["a"]}

    frame = client_of(Scripted(me)).fetch("/me").frame()

    assert frame["name"].tolist() == ["x"]
    assert list(frame["roles"][0]) == ["a"]
    assert complete(frame) is True


def test_null_is_no_rows():
    """A total of 0 says that there are no other pages."""
    body = {"total": 0, "things": None}

    frame = client_of(Scripted(body)).fetch("/v1/things").frame()

    assert len(frame) == 0
    assert complete(frame) is True


def test_objects_by_name_are_rows_on_every_page():
    """Their key is a column."""
    app = Scripted(
        {"metrics": {"x": {"n": 1}}, "nextCursor": "c"},
        {"metrics": {"y": {"n": 2}}, "nextCursor": None},
    )

    frame = client_of(app).fetch("/v1/stats", records="metrics.*").frame()

    assert frame.to_dict("list") == {"_key": ["x", "y"], "n": [1, 2]}
    assert complete(frame) is True


def test_tables_have_the_names_of_their_headers_on_every_page():
    """Without rows, there are none."""
    headers = [{"name": "day"}, {"name": "views"}]
    app = Scripted(
        {"columnHeaders": headers, "rows": [["mon", 1]], "nextCursor": "c"},
        {"columnHeaders": headers, "rows": [["tue", 2]], "nextCursor": "d"},
        {"columnHeaders": headers, "nextCursor": None},
    )

    frame = client_of(app).fetch("/v1/reports").frame()

    assert frame.to_dict("list") == {"day": ["mon", "tue"], "views": [1, 2]}


@pytest.mark.parametrize("body", [b'{"a": 1}\n{"a": 2}\n', b"a,b\n1,2\n", b'"text"', b"7"])
def test_other_replies_are_a_clear_error(body):
    """JSON lines, CSV, a text, a number."""
    with pytest.raises(sf.ReplyError, match="not JSON|has no list"):
        client_of(Scripted(body)).fetch("/v1/rows").frame()


def test_an_error_that_an_older_version_kept_is_deleted(tmp_path):
    """The first run reads it, and the next one asks the API."""
    api = client_of(Scripted({"rows": [A]}), cache=tmp_path / "walks.sqlite")
    query = api.fetch("/v1/rows", **SINGLE)
    session, plan = api._session, query._plan
    store, name = session.store, plan.key.name(session.tenant)
    walk = store.begin(session.tenant, name, "fetch", plan.query)
    store.append(walk, 0, plan.call, reply_of({"error": "down", "rows": []}))
    ended = replace(walk, pages=1, first=store.now(), last=store.now())
    store.finish(ended, replayable=True)

    with pytest.raises(sf.APIError, match="down"):
        query.frame()

    assert query.frame()["id"].tolist() == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        {"object": "error", "status": 401, "code": "unauthorized", "message": "bad"},
        {"status": "error", "message": "bad", "correlationId": "c", "category": "AUTH"},
        {"serviceErrorCode": 65600, "message": "bad", "status": 401},
        {"code": -404, "message": "bad", "ttl": 1},
        {"code": "40004", "msg": "bad", "sub_code": "x", "sub_msg": "y"},
        {"cod": "401", "message": "bad"},
        {"type": "t", "title": "t", "status": 403, "detail": "bad", "balance": 30},
        {"message": "error", "data": {"captcha": "", "description": "bad", "error_code": 2}},
        {"result": "error", "error-type": "bad"},
        {"Error Message": "bad"},
        {"Message": "m", "ExceptionMessage": "bad", "ExceptionType": "t", "StackTrace": "s"},
        [{"message": "bad", "errorCode": "INVALID_SESSION_ID"}],
    ],
)
def test_an_error_with_other_members_is_no_row(body):
    """The object has no id."""
    query = client_of(Scripted(body), journal=False).fetch("/v1/rows", **SINGLE)

    with pytest.raises(sf.APIError, match="bad"):
        query.frame()


@pytest.mark.parametrize(
    "body",
    [
        {"message": "You are being rate limited.", "retry_after": 0.3, "global": False},
        {"Note": "Our limit is 5 calls per minute"},
    ],
)
def test_a_note_about_a_rate_limit_is_a_rate_limit_error(body):
    """It has no code."""
    with pytest.raises(sf.RateLimitError):
        client_of(Scripted(body), journal=False).fetch("/v1/rows").frame()


@pytest.mark.parametrize(
    ("body", "records"),
    [
        ({"id": 1, "status": "failed", "error": "x"}, "."),
        ({"message": "Fix the rate limit", "sha": "a"}, "."),
        ({"id": 3, "status": 404, "title": "t"}, None),
        ({"id": 3, "last_error_code": 5, "url": "u"}, None),
        ({"code": 840, "name": "US dollar", "description": "A currency"}, None),
        ({"title": "Lamp", "code": 1234, "price": 3}, None),
        ([{"code": 1, "title": "Lamp"}], None),
        ([{"message": "Hello", "time": 3}], None),
    ],
)
def test_a_record_with_the_names_of_an_error_is_a_row(body, records):
    """It has an id, or its code has no sentence."""
    query = client_of(Scripted(body), journal=False).fetch("/v1/rows", records=records, **SINGLE)

    assert len(query.frame()) == 1


def test_a_list_of_errors_on_page_2_is_an_incomplete_walk():
    """Its entries are no rows."""
    first = (200, [A], {"Link": '</v1/rows?page=2>; rel="next"'})
    app = Scripted(first, [{"message": "expired", "errorCode": "INVALID_SESSION_ID"}])

    with pytest.raises(sf.IncompleteWalk, match="expired"):
        client_of(app, journal=False).fetch("/v1/rows").frame()


@pytest.mark.parametrize(
    ("beside", "headers"),
    [
        ({}, {"Link": '</v1/rows?page=2>; rel="next"'}),
        ({}, {"X-Total-Count": "9"}),
        ({}, {"X-Total": "9"}),
        ({}, {"Content-Range": "items 0-2/7"}),
        ({"links": [{"rel": "next", "href": "/v1/rows?page=2"}]}, {}),
        ({"next_results": "?max_id=3"}, {}),
        ({"nextRecordsUrl": "/v1/rows?q=1"}, {}),
        ({"done": False}, {}),
        ({"complete": False, "page": 1}, {}),
    ],
)
def test_a_sign_of_more_rows_contradicts_a_single_reply(beside, headers):
    """Also in a header or in a list of links."""
    app = Scripted((200, {"rows": [A], **beside}, headers))

    with pytest.warns(sf.WalkWarning, match="there are more"):
        frame = client_of(app, journal=False).fetch("/v1/rows", **SINGLE).frame()

    assert complete(frame) is None


@pytest.mark.parametrize(
    ("beside", "headers"),
    [
        ({}, {"X-Total-Count": "1"}),
        ({}, {"Content-Range": "items 0-0/1"}),
        ({}, {"Content-Range": "bytes 0-0/99"}),
        ({"links": [{"rel": "self", "href": "/v1/rows"}], "done": True}, {}),
    ],
)
def test_other_headers_and_links_do_not_contradict_a_single_reply(beside, headers):
    """They show that these are all rows."""
    app = Scripted((200, {"rows": [A], **beside}, headers))

    frame = client_of(app, journal=False).fetch("/v1/rows", **SINGLE).frame()

    assert complete(frame) is True


@pytest.mark.parametrize(("page", "known"), [("", True), ("?page=9", None)])
@pytest.mark.filterwarnings("ignore::socialframe.WalkWarning")
def test_a_link_to_the_last_page_is_the_end_only_on_that_page(page, known):
    """Without a link to the next one."""
    app = Scripted((200, [A], {"Link": f'</v1/rows{page}>; rel="last"'}))

    frame = client_of(app, journal=False).fetch("/v1/rows").frame()

    assert complete(frame) is known
