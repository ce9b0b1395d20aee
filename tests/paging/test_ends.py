"""How a walk ends: empty pages, repeated tokens and ids, end words, missing fields."""

import warnings

import pytest
from contracts.paging_contract import sent
from stand_ins import Scripted, client_of

import socialframe as sf
from socialframe.paging import AfterId, Auto, Cursor, NextURL, Offset, PageNumber, Single

TOKENS = Cursor(field="next", param="t")


def facts(frame):
    """Return the provenance of a frame."""
    return frame.attrs["socialframe"]


def walked(app, paging, *, params=None, key=None, **options):
    """Return the frame of a walk; a warning is an error."""
    api = client_of(Scripted(app), tier=sf.Limit(10_000), **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error", sf.WalkWarning)
        return api.fetch("/v1/rows", records="rows", params=params, paging=paging, key=key).frame()


def gap(environ, says):
    """Serve eight pages of one row by number; pages 3 to 6 are empty."""
    number = int(sent(environ).get("t") or sent(environ).get("page") or 1)
    rows = [] if 3 <= number <= 6 else [{"id": f"r{number}"}]
    return {"rows": rows, **says(number)}


@pytest.mark.parametrize("key", [None, "id"])
@pytest.mark.parametrize(
    ("paging", "says"),
    [
        (TOKENS, lambda n: {"next": str(n + 1) if n < 8 else None}),
        (NextURL(field="next"), lambda n: {"next": f"?page={n + 1}" if n < 8 else None}),
        (PageNumber(total_pages="pages"), lambda n: {"pages": 8}),
        (PageNumber(next_page="next"), lambda n: {"next": n + 1 if n < 8 else None}),
        (PageNumber(more="more"), lambda n: {"more": n < 8}),
        (Auto(), lambda n: {"has_more": n < 8, "page": n}),
        (None, lambda n: {"page": n, "pages": 8}),
    ],
)
def test_empty_pages_in_the_middle_do_not_end_the_walk(paging, says, key):
    """Each of them has a new sign that more pages follow."""
    frame = walked(lambda environ: gap(environ, says), paging, key=key)

    assert frame["id"].tolist() == ["r1", "r2", "r7", "r8"]
    assert facts(frame)["complete"] is True


def test_empty_pages_of_a_declared_endpoint_do_not_end_the_walk():
    """The replies have numbers of pages."""

    def answer(environ):
        page = gap(environ, lambda n: {})
        number = int(sent(environ).get("page", 1))
        return {"posts": page["rows"], "pagination": {"page": number, "pages": 8}}

    frame = client_of(Scripted(answer)).posts().frame()

    assert frame["id"].tolist() == ["r1", "r2", "r7", "r8"]


def endless(environ):
    """Serve one row and then empty pages, each with a new token; page 70 has the last row."""
    number = int(sent(environ).get("t", 0))
    rows = [{"id": number}] if number in (0, 70) else []
    return {"rows": rows, "next": str(number + 1) if number < 70 else None}


@pytest.mark.parametrize("most", [50, 4])
def test_too_many_empty_pages_are_an_error_that_names_the_setting(most):
    """The rows are kept, and a client with a larger number resumes the walk."""
    app = Scripted(endless)
    api = client_of(app, tier=sf.Limit(10_000), **({} if most == 50 else {"max_empty_pages": 4}))
    query = api.fetch("/v1/rows", records="rows", paging=TOKENS)

    with pytest.raises(sf.IncompleteWalk, match="max_empty_pages") as caught:
        query.frame()

    assert not isinstance(caught.value, sf.PagingLoop)
    assert (caught.value.pages_done, caught.value.rows, len(app.seen)) == (most + 1, 1, most + 1)
    assert caught.value.frame()["id"].tolist() == [0]
    patient = client_of(app, tier=sf.Limit(10_000), max_empty_pages=100)
    frame = patient.resume(caught.value.walk_id).frame()
    assert frame["id"].tolist() == [0, 70]
    assert len(app.seen) == 71


@pytest.mark.parametrize("most", [0, True, "many"])
def test_an_invalid_number_of_empty_pages_is_refused(most):
    """When the client is made."""
    with pytest.raises(sf.ArgumentError, match="max_empty_pages"):
        client_of(Scripted({}), max_empty_pages=most)


def repeats(last):
    """Serve a page, and then for its token an empty page with the same token."""

    def answer(environ):
        first = {"rows": [{"id": 1}], "next_token": "a"}
        return first if "t" not in sent(environ) else {"rows": [], "next_token": "a", **last}

    return answer


def test_an_empty_page_that_repeats_its_token_is_the_end():
    """It leads back to itself."""
    frame = walked(repeats({}), Cursor(field="next_token", param="t"))

    assert (frame["id"].tolist(), facts(frame)["complete"]) == ([1], True)


@pytest.mark.parametrize("more", [None, "more"])
def test_a_repeated_token_that_a_flag_contradicts_is_not_complete(more):
    """The flag says that more rows follow."""
    app = Scripted(repeats({"more": True}))
    paging = Cursor(field="next_token", param="t", more=more)

    with pytest.warns(sf.WalkWarning, match="'more' in the last reply"):
        frame = client_of(app).fetch("/v1/rows", records="rows", paging=paging).frame()

    assert facts(frame)["complete"] is None
    assert len(app.seen) == 2


def test_a_missing_token_that_the_declared_flag_contradicts_is_not_complete():
    """The flag is true, and the token is null."""
    app = Scripted({"rows": [{"id": 1}], "next": None, "more": True})
    paging = Cursor(field="next", param="t", more="more")

    with pytest.warns(sf.WalkWarning, match="'more' in the last reply"):
        frame = client_of(app).fetch("/v1/rows", records="rows", paging=paging).frame()

    assert facts(frame)["complete"] is None


def by_id(ids, size, key="id", inclusive=True):
    """Serve rows by descending id, from the requested id on; it is included."""

    def answer(environ):
        most = int(sent(environ).get("max_id", 1 << 62))
        left = [i for i in ids if i < most or (inclusive and i == most)]
        return {"rows": [{"id": i, "n": 1.10} for i in left[:size]]}

    return answer


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("key", [None, "id"])
@pytest.mark.parametrize("count", [0, 2, 3, 7, 8])
def test_the_record_of_the_requested_id_is_returned_once(count, key, inclusive):
    """Whether the API returns it again or not; ids do not fit a double."""
    ids = [1432100000000000000 - 7 * i for i in range(count)]
    app = by_id(ids, 3, inclusive=inclusive)

    frame = walked(app, AfterId(param="max_id"), params={"count": 3}, key=key)

    assert (frame["id"].tolist() if count else []) == ids
    assert facts(frame)["complete"] is True
    app = Scripted(app)
    query = client_of(app).fetch("/v1/rows", records="rows", paging=AfterId(param="max_id"))
    assert [record["id"] for record in query.records()] == ids if count else True


def test_pages_of_one_repeated_record_are_not_complete():
    """The server returns one record a page, so the id never advances."""
    with pytest.raises(sf.WalkWarning, match="request larger pages"):
        walked(by_id([9, 8, 7], 1), AfterId(param="max_id"))


def test_many_records_of_one_value_are_an_error_and_not_the_end():
    """A page has no place for records behind those that have the requested value."""
    rows = [{"id": i, "at": 5} for i in range(4)]

    def answer(environ):
        return {"rows": rows[:2]}

    with pytest.raises(sf.PagingLoop):
        walked(answer, AfterId(param="until", key="at"))


@pytest.mark.parametrize("end", ["-end-", ("done", "-end-")])
def test_a_declared_end_word_is_the_end(end):
    """It is not sent."""
    app = Scripted({"rows": [{"id": 1}], "bookmark": "a"}, {"rows": [], "bookmark": "-end-"})
    paging = Cursor(field="bookmark", param="bookmark", end=end)

    frame = client_of(app).fetch("/v1/rows", records="rows", paging=paging).frame()

    assert (len(app.seen), facts(frame)["complete"]) == (2, True)


MISSPELT = [
    Cursor(field="nxt", param="t"),
    Cursor(field="meta.nxt", param="t"),
    Cursor(header="X-Nxt", param="t"),
    NextURL(field="@odata.nextlnk"),
    PageNumber(total_pages="pags"),
    PageNumber(total_rows="totl", size_param="limit"),
    PageNumber(more="mor"),
    PageNumber(next_page="nxt"),
    Offset(more="mor"),
    Offset(total_rows="totl"),
]


@pytest.mark.parametrize(
    ("paging", "output"),
    [*((one, "frame") for one in MISSPELT), (MISSPELT[0], "records"), (MISSPELT[0], "pages")],
)
def test_a_declared_field_that_no_reply_has_is_an_error(paging, output):
    """A misspelt path must not end the walk; the error names it."""
    names = [f"r{i}" for i in range(5)]

    def answer(environ):
        asked = sent(environ)
        start = int(asked.get("offset", 2 * int(asked.get("page", 1)) - 2))
        rows = [{"id": name} for name in names[start : start + 2]]
        return {"rows": rows, "meta": {"cont": "a" * (start < 4)}}

    query = client_of(Scripted(answer)).fetch("/v1/rows", records="rows", paging=paging)

    path = (paging.fields or (paging.header if isinstance(paging, Cursor) else "",))[0]
    with pytest.raises(sf.IncompleteWalk, match=f"No reply has .*{path}.* declares"):
        list(getattr(query, output)())


@pytest.mark.parametrize("paging", [Cursor(field="nope", param="t"), NextURL(field="a.b")])
@pytest.mark.parametrize(
    "more",
    [{"next_cursor": "x"}, {"next": "/v1/rows?p=2"}, {"has_more": True}, {"page": 1, "pages": 2}],
)
def test_another_sign_of_more_rows_is_in_the_error(paging, more):
    """Even if the page is short."""
    app = Scripted({"rows": [{"id": 1}], **more})
    query = client_of(app).fetch("/v1/rows", records="rows", paging=paging, params={"limit": 9})

    with pytest.raises(sf.IncompleteWalk, match=f"'{list(more)[-1]}' shows that there are more"):
        query.frame()


@pytest.mark.parametrize(
    ("body", "params"),
    [
        ({"rows": [{"id": 1}]}, {"limit": 2}),
        ({"rows": [{"id": 1}]}, {"maxResults": 50}),
        ({"rows": [{"id": 1}], "page_size": 2}, {}),
        ({"rows": [{"id": 1}], "total": 1}, {}),
        ({"rows": [{"id": 1}], "meta": {"result_count": 1}}, {}),
        ({"rows": [{"id": 1}], "meta": {"previous": "/v1/rows", "cursors": {"x": "y"}}}, {}),
        ({"rows": []}, {}),
    ],
)
def test_the_only_page_may_lack_the_field_if_something_else_shows_the_end(body, params):
    """A page size that it does not reach, a total, the object without the field, no rows."""
    frame = walked(lambda _: body, Cursor(field="meta.next", param="t"), params=params)

    assert facts(frame)["complete"] is True


def test_the_first_rows_are_returned_without_the_field():
    """A limit needs no end."""
    query = client_of(Scripted({"rows": [{"id": 1}, {"id": 2}]})).fetch("/v1/rows", paging=TOKENS)

    assert query.limit(2).frame()["id"].tolist() == [1, 2]
    assert len(query.head(1)) == 1


def odata(environ):
    """Serve five rows, with the URL of the next page at a name with dots."""
    skip = int(sent(environ).get("$skip", 0))
    more = {"@odata.nextLink": f"/v1/rows?$top=2&$skip={skip + 2}"} if skip < 4 else {}
    rows = [{"id": i, "from@odata.type": "#x"} for i in range(skip, min(skip + 2, 5))]
    return {"@odata.context": "/v1/$metadata", **more, "rows": rows}


@pytest.mark.parametrize("paging", [None, NextURL(field="@odata.nextLink")])
def test_a_name_with_dots_is_found_and_can_be_declared(paging):
    """As OData has them."""
    frame = walked(odata, paging)

    assert (frame["id"].tolist(), facts(frame)["complete"]) == (list(range(5)), True)
    assert facts(frame)["paging"] == "NextURL"


def test_single_is_not_asked_for_a_field():
    """It declares none."""
    assert len(walked(lambda _: {"rows": [{"id": 1}]}, Single())) == 1


def test_a_flag_without_any_other_sign_ends_a_walk():
    """Stripe's lists have ``has_more`` alone."""
    body = {"object": "list", "has_more": False, "data": [{"id": "a"}]}
    frame = client_of(Scripted(body)).fetch("/v1/charges").frame()

    assert frame.attrs["socialframe"]["complete"] is True


def test_a_flag_that_says_more_without_a_way_on_is_a_doubt():
    """The warning names the flag."""
    body = {"object": "list", "has_more": True, "data": [{"id": "a"}]}
    with pytest.warns(sf.WalkWarning, match="has_more"):
        frame = client_of(Scripted(body)).fetch("/v1/charges").frame()

    assert frame.attrs["socialframe"]["complete"] is None
