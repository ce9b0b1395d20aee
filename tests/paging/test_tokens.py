"""Tokens: their usual parameters, headers, several parameters, JSON bodies, GraphQL."""

import json
import warnings

import pytest
from contracts.paging_contract import sent
from stand_ins import Scripted, client_of, page_of

import socialframe as sf
from socialframe.errors import ReplyError
from socialframe.paging import Cursor, NextURL, Offset, PageNumber, Single

NAMES = [f"r{i}" for i in range(5)]


def rows_from(start):
    """Return a page of two rows."""
    return [{"id": name} for name in NAMES[start : start + 2]]


def by_token(field, param, *, unknown="ignored", last=None, flag=False, text=str):
    """Serve rows by a token at a dotted path, which is the number of its first row."""

    def answer(environ):
        asked = sent(environ)
        if unknown == "refused" and set(asked) - {param, "limit"}:
            return 400, {"error": "unknown parameter"}
        start = int(asked.get(param, "0").removeprefix("t"))
        more = start + 2 < len(NAMES)
        value = text(start + 2) if more or flag else last
        names = field.split(".")
        members = {} if value is None and last is None else {names[-1]: value}
        for name in reversed(names[:-1]):
            members = {name: members}
        return {"rows": rows_from(start), **members, **({"has_more": more} if flag else {})}

    return Scripted(answer)


def detected(app, path="/v1/rows", records="rows", **options):
    """Return the frame of a walk whose paging is detected; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", sf.WalkWarning)
        return client_of(app).fetch(path, records=records, **options).frame()


PAIRS = [
    ("next_cursor", "cursor"),
    ("meta.nextCursor", "cursor"),
    ("next_cursor", "next_cursor"),
    ("next_cursor", "start_cursor"),
    ("nextPageToken", "pageToken"),
    ("page.next_page_token", "page_token"),
    ("next-page-token", "page-token"),
    ("nextToken", "nextToken"),
    ("next_token", "token"),
    ("meta.next_token", "pagination_token"),
    ("page_info.end_cursor", "after"),
    ("endCursor", "after"),
    ("meta.after_cursor", "page[after]"),
    ("continuation", "continuation"),
    ("continuationToken", "continuationToken"),
    ("next_max_id", "max_id"),
    ("next_marker", "marker"),
    ("nextCursorMark", "cursorMark"),
    ("next_offset", "offset"),
    ("offset", "offset"),
    ("paging.cursors.after", "after"),
    ("next", "cursor"),
]


@pytest.mark.parametrize("unknown", ["ignored", "refused"])
@pytest.mark.parametrize(("field", "param"), PAIRS)
def test_a_well_known_token_goes_into_its_parameter(field, param, unknown):
    """Whether the server ignores the parameters that are tried before, or refuses them."""
    app = by_token(field, param, unknown=unknown, text="t{}".format)

    frame = detected(app, params={"limit": 2})

    assert frame["id"].tolist() == NAMES
    assert frame.attrs["socialframe"]["complete"] is True
    assert len(app.seen) <= 3 + 2


@pytest.mark.parametrize("unknown", ["ignored", "refused"])
@pytest.mark.parametrize("field", ["next_cursor", "endCursor", "nextPageToken", "bookmark"])
def test_an_unknown_parameter_is_an_error_that_asks_for_it(field, unknown):
    """Rows are never lost silently."""
    app = by_token(field, "somewhere", unknown=unknown, text="t{}".format)

    with pytest.raises(sf.IncompleteWalk, match=rf"Cursor\(field='{field}', param=…"):
        detected(app)


def test_an_empty_page_for_a_guessed_parameter_is_not_complete():
    """The parameter may have another meaning: the server wants ``before``."""
    app = Scripted(
        lambda environ: (
            {"rows": [], "end_cursor": None}
            if "after" in sent(environ)
            else {"rows": rows_from(0), "end_cursor": "t2"}
        )
    )

    with pytest.raises(sf.WalkWarning, match=r"Cursor\(field='end_cursor', param=…"):
        detected(app)


def test_a_number_that_is_the_next_offset_or_page_is_recognised():
    """By its value, and the position that the reply or the caller has."""

    def offset(environ):
        start = int(sent(environ).get("offset", 0))
        more = {"next": start + 2} if start < 4 else {}
        return {"rows": rows_from(start), "offset": start, **more}

    def page(environ):
        number = int(sent(environ).get("page", 1))
        following = number + 1 if number < 3 else None
        return {"rows": rows_from(2 * number - 2), "page": number, "next": following}

    for answer in (offset, page):
        app = Scripted(answer)
        assert detected(app)["id"].tolist() == NAMES
        assert len(app.seen) == 3


def in_header(name, spelt, param=None):
    """Serve rows by a token in a header of the reply, which comes back in one of the request."""

    def answer(environ):
        key = f"HTTP_{(spelt or '').upper().replace('-', '_')}"
        token = sent(environ).get(param) if param else environ.get(key)
        start = json.loads(token)[1] if token else 0
        headers = {name: json.dumps(["a", start + 2])} if start < 4 else {}
        return 200, {"rows": rows_from(start)}, headers

    return Scripted(answer)


@pytest.mark.parametrize(
    ("app", "paging"),
    [
        (in_header("X-Found", "X-Send"), Cursor(header="X-Found", request_header="X-Send")),
        (in_header("X-Found", None, "after"), Cursor(header="x-found", param="after")),
        (in_header("CMR-Search-After", "CMR-Search-After"), None),
        (in_header("x-ms-continuation", "x-ms-continuation"), None),
        (in_header("X-Next-Token", None, "token"), None),
    ],
)
def test_a_token_in_a_header_is_followed(app, paging):
    """It goes back in a header or a parameter; well-known headers are detected."""
    frame = detected(app, paging=paging)

    assert frame["id"].tolist() == NAMES
    assert frame.attrs["socialframe"]["complete"] is True


def test_a_header_that_leads_nowhere_is_an_error():
    """It shows that there are more rows."""
    app = Scripted((200, {"rows": rows_from(0)}, {"X-Next-Token": "a"}))

    with pytest.raises(sf.PagingLoop, match=r"Cursor\(header='x-next-token', param=…"):
        detected(app)


def test_a_walk_by_header_is_replayed_and_resumed():
    """The stored call has its headers."""
    api = client_of(in_header("X-A", "X-B"), cache=True)
    query = api.fetch(
        "/v1/header-rows", records="rows", paging=Cursor(header="X-A", request_header="X-B")
    )

    assert query.frame()["id"].tolist() == NAMES
    again = query.frame()

    assert again["id"].tolist() == NAMES
    assert again.attrs["socialframe"]["from_cache"] == 3


@pytest.mark.parametrize("paging", [None, Cursor(field="continue")])
def test_all_members_of_a_continue_object_are_sent(paging):
    """And none of the object before: a stale parameter would skip rows."""
    replies = {
        "": ({"rv": "r1", "continue": "||"}, 0),
        "r1": ({"cm": "c|2", "continue": "-||"}, 2),
        "c|2": (None, 4),
    }

    def answer(environ):
        asked = sent(environ)
        assert not {"rv", "cm"} <= set(asked)
        assert asked["action"] == "query"
        following, start = replies[asked.get("rv") or asked.get("cm") or ""]
        return {"rows": rows_from(start), **({"continue": following} if following else {})}

    frame = detected(Scripted(answer), params={"action": "query"}, paging=paging)

    assert frame["id"].tolist() == NAMES


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"field": "a", "header": "b", "param": "c"},
        {"header": "b"},
        {"field": "a", "param": "b", "request_header": "c"},
    ],
)
def test_an_unclear_cursor_is_refused(arguments):
    """A token has one place in the reply and one in the request."""
    with pytest.raises(sf.ArgumentError, match="Cursor"):
        Cursor(**arguments)


@pytest.mark.parametrize("token", [{"a": {}}, {"a": [1]}, "text", [1], True])
def test_a_token_of_another_shape_is_an_error(token):
    """Without param, the token is a flat object."""
    page = page_of([{"id": 1}])
    page = type(page)(page.call, page.reply, {"continue": token}, page.items, page.path)

    with pytest.raises(ReplyError, match="'continue'"):
        Cursor(field="continue").next(page, lambda: 1)


QUERY = "query($c: String) { me { posts(first: 2, after: $c) { nodes pageInfo } } }"


def graphql(path, variable="c"):
    """Serve a relay connection at a dotted path to a POST."""

    def answer(environ):
        assert environ["REQUEST_METHOD"] == "POST"
        assert environ["CONTENT_TYPE"] == "application/json"
        asked = json.loads(environ["wsgi.input"].read())
        start = int((asked["variables"] or {}).get(variable) or 0)
        info = {"hasNextPage": start < 4, "endCursor": str(start + 2)}
        body = {"nodes": rows_from(start), "pageInfo": info}
        for name in reversed(path.split(".")):
            body = {name: body}
        return {"extensions": {"cost": 1}, **body}

    return Scripted(answer)


@pytest.mark.parametrize("path", ["data.posts", "data.me.posts", "data.a.b.c.d.e.posts"])
@pytest.mark.parametrize(
    "body",
    [{"query": QUERY, "variables": {}}, {"query": "…", "variables": {"after": None, "n": 1}}],
)
@pytest.mark.parametrize("declared", [True, False])
def test_graphql_pages_are_followed(path, body, declared):
    """The cursor goes into the variable that the query passes as after."""
    variable = "after" if "after" in body["variables"] else "c"
    info = f"{path}.pageInfo"
    paging = Cursor(
        field=f"{info}.endCursor", param=f"variables.{variable}", more=f"{info}.hasNextPage"
    )

    frame = detected(
        graphql(path, variable),
        "/graphql",
        records=f"{path}.nodes",
        method="POST",
        json=body,
        paging=paging if declared else None,
    )

    assert frame["id"].tolist() == NAMES
    assert frame.attrs["socialframe"]["complete"] is True


def test_graphql_without_a_variable_asks_for_it():
    """There is no parameter to guess."""
    with pytest.raises(sf.WalkWarning, match=r"Cursor\(field='data.posts.pageInfo.endCursor'"):
        detected(
            graphql("data.posts"),
            "/graphql",
            records="data.posts.nodes",
            method="POST",
            json={"query": "{ posts }", "variables": None},
        )


def test_the_page_info_beside_the_records_counts():
    """Another connection in the reply has its own."""
    info = {"hasNextPage": False, "endCursor": "x"}
    other = {"nodes": 3, "pageInfo": {"hasNextPage": True, "endCursor": "y"}}
    app = Scripted({"data": {"tags": other, "posts": {"nodes": rows_from(0), "pageInfo": info}}})

    frame = detected(app, records="data.posts.nodes")

    assert (len(frame), frame.attrs["socialframe"]["complete"]) == (2, True)


def posted(environ):
    """Serve a search that pages by members of its body."""
    asked = json.loads(environ["wsgi.input"].read())
    start = asked.get("from", 2 * asked.get("page", 1) - 2)
    assert asked["filter"] == {"a": [1, None]}
    return {"rows": rows_from(start), "total": len(NAMES), "pages": 3}


@pytest.mark.parametrize(
    "paging",
    [
        PageNumber(total_pages="pages"),
        Offset(param="from", limit_param="size", total_rows="total"),
    ],
)
def test_each_scheme_pages_in_the_body_of_a_post(paging):
    """A number stays a number there."""
    frame = detected(
        Scripted(posted), method="POST", json={"filter": {"a": [1, None]}}, paging=paging
    )

    assert frame["id"].tolist() == NAMES


def test_two_bodies_are_two_walks():
    """The cache and the journal tell them apart, and replay each."""
    app = Scripted(lambda environ: {"rows": [{"id": environ["wsgi.input"].read().decode()}]})
    api = client_of(app, cache=True)

    def ask(json, **more):
        query = api.fetch(
            "/v1/two-bodies", records="rows", paging=Single(), json=json, method="POST", **more
        )
        return query.frame()["id"].tolist()

    assert ask({"q": 1}) == ['{"q":1}']
    assert ask({"q": 2}) == ['{"q":2}']
    assert ask({"q": 1}) == ['{"q":1}']
    assert len(app.seen) == 2


def test_a_broken_walk_of_posts_is_resumed_by_its_id():
    """Its query is rebuilt with method and body."""
    answers = iter(
        [{"rows": [{"id": 1}], "next": "a"}, (403, {}), {"rows": [{"id": 2}], "next": None}]
    )
    app = Scripted(lambda _: next(answers))
    api = client_of(app)
    query = api.fetch(
        "/v1/posted",
        records="rows",
        method="POST",
        json={"q": "x"},
        paging=Cursor(field="next", param="after"),
    )
    with pytest.raises(sf.IncompleteWalk) as caught:
        query.frame()

    frame = client_of(app).resume(caught.value.walk_id).frame()

    assert frame["id"].tolist() == [1, 2]
    assert "POST /v1/posted" in repr(query)


def test_a_post_that_reads_is_repeated_like_a_get():
    """After a 503."""
    app = Scripted((503, {}), {"rows": [{"id": 1}]})

    frame = detected(app, method="POST", json={}, paging=Single())

    assert (len(frame), len(app.seen)) == (1, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "PUT"},
        {"method": "post"},
        {"method": ["POST"]},
        {"json": {"a": 1}},
        {"method": "POST", "json": [1]},
        {"method": "POST", "json": {"a": {1}}},
        {"method": "POST", "json": {"a": float("nan")}},
    ],
)
def test_an_invalid_method_or_body_is_refused_at_the_call(arguments):
    """No request is sent."""
    app = Scripted({})

    with pytest.raises(sf.ArgumentError, match="method|json"):
        client_of(app).fetch("/v1/rows", **arguments)

    assert app.seen == []


def test_the_next_url_of_a_post_is_posted_to():
    """With the same body."""

    def answer(environ):
        assert json.loads(environ["wsgi.input"].read()) == {"q": 1}
        start = int(sent(environ).get("at", 0))
        return {"rows": rows_from(start), "next": f"?at={start + 2}" if start < 4 else None}

    frame = detected(Scripted(answer), method="POST", json={"q": 1}, paging=NextURL(field="next"))

    assert frame["id"].tolist() == NAMES
