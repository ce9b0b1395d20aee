"""Any JSON of any shape: right rows, or an error, or a walk that is not complete.

The reference knows the rows, because it puts them into the envelope itself.
"""

import warnings

from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import Scripted, client_of, reply_of

import socialframe as sf
from socialframe.messages.call import Call
from socialframe.messages.envelope import split_reply
from socialframe.messages.reply_errors import stated_doubt, stated_error

scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=2)
names = st.sampled_from(
    [
        "id",
        "name",
        "error",
        "errors",
        "status",
        "success",
        "code",
        "message",
        "data",
        "items",
        "posts",
        "post",
        "total",
        "count",
        "next",
        "links",
        "rows",
        "columns",
        "headers",
        "x",
        "7",
    ]
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)

# Rows have fields that would be signs in an envelope.
row = st.fixed_dictionaries(
    {"id": st.integers(0, 99)},
    optional={
        "status": st.sampled_from(["failed", "error", "published"]),
        "error": st.sampled_from([None, "expired"]),
        "success": st.booleans(),
        "has_more": st.booleans(),
        "tags": st.lists(st.sampled_from("ab"), max_size=2),
        "nested": st.fixed_dictionaries({"items": st.lists(st.just({"id": 1}), max_size=2)}),
    },
)
rows = st.lists(row, max_size=3)
other_rows = st.lists(st.fixed_dictionaries({"id": st.just(-1), "url": st.just("u")}), max_size=3)

USUAL = ["data", "items", "results", "records", "rows", "value", "entries", "posts"]
ODD = ["widgets", "things", "stories"]
noise = st.dictionaries(
    st.sampled_from(
        [
            "links",
            "buttons",
            "errors",
            "includes",
            "facets",
            "headers",
            "warnings",
            "failedAccounts",
            "scopes",
            "accounts",
            "people",
        ]
    ),
    other_rows
    | st.lists(st.just("text"), max_size=2)
    | st.fixed_dictionaries({"items": other_rows}),
    max_size=3,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "page": st.just(1),
        "count": st.integers(0, 4),
        "status": st.sampled_from(["ok", "success", 200]),
        "success": st.sampled_from([True]),
        "code": st.sampled_from([0, 200]),
        "message": st.sampled_from(["ok", "3 posts"]),
        "error": st.none(),
        "plan": st.just("free"),
        "meta": st.fixed_dictionaries({"took": st.just(3)}),
    },
)
more = st.sampled_from([{"has_more": True}, {"total": 50}, {"meta": {"next_cursor": "c"}}])
failures = st.sampled_from(
    [
        {"error": "down"},
        {"errors": [{"message": "down"}]},
        {"success": False},
        {"code": 40100, "message": "down"},
        {"meta": {"error": {"code": 7}}},
        {"status": "error"},
    ]
)
wrappers = st.sampled_from([(), ("data",), ("response",), ("result", "data"), ("data", "viewer")])


def wrapped(body, path):
    """Return a body in objects with these names."""
    for name in reversed(path):
        body = {name: body}
    return body


def outcome(body, **options):
    """Return the records of a walk and whether it is complete; None and False for an error."""
    api = client_of(Scripted(body), tier=sf.Limit(10_000))
    query = api.fetch("/v1/posts", **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sf.WalkWarning)
        try:
            found = list(query.records())
            complete = query.frame().attrs["socialframe"]["complete"]
        except sf.SocialFrameError:
            return None, False
    return found, complete


@settings(max_examples=25)
@given(rows, st.sampled_from(USUAL + ODD), wrappers, noise, fields, st.none() | more, st.booleans())
def test_a_list_in_any_envelope_is_right_or_an_error_or_not_complete(
    truth, name, wrapper, lists, scalar, sign, single
):
    """Other lists are beside it, and perhaps a sign that there are more rows."""
    envelope = {**lists, **scalar, **wrapped({name: truth}, wrapper), **(sign or {})}
    options = {"paging": sf.paging.Single()} if single else {}

    found, complete = outcome(envelope, **options)

    if complete is True:
        assert found == truth
        assert not sign
        assert not lists.get("failedAccounts")
        assert lists.get("errors") in (None, [], {"items": []})


@settings(max_examples=25)
@given(failures, st.sampled_from(USUAL + ODD), wrappers, noise, st.sampled_from([[], None, ...]))
def test_an_error_without_rows_is_never_complete(failure, name, wrapper, lists, none):
    """Beside an empty list, null, or nothing."""
    inner = {} if none is ... else {name: none}

    assert outcome({**lists, **wrapped({**inner, **failure}, wrapper)})[1] is not True
    assert outcome({**wrapped(inner, wrapper), **lists, **failure})[1] is not True


@settings(max_examples=25)
@given(
    st.dictionaries(st.sampled_from(["id", "name", "plan", "bio", "likes_count"]), scalars),
    st.dictionaries(st.sampled_from(["tags", "media", "roles"]), other_rows | st.just(["text"])),
    st.sampled_from([(), ("data",), ("post",)]),
    fields,
)
def test_one_object_is_one_row_or_an_error_or_not_complete(scalar, lists, wrapper, envelope):
    """Lists in it stay columns."""
    truth = {**scalar, **lists}
    body = wrapped(truth, wrapper)

    found, complete = outcome({**body, **envelope} if wrapper else body)

    assert complete is not True or found == [truth] or (not scalar and not found)


@settings(max_examples=25)
@given(st.dictionaries(st.sampled_from(["101", "102", "2025-01-01", "x"]), row, min_size=1), fields)
def test_objects_by_key_are_an_error_until_records_says_it(truth, envelope):
    """Then each is a row."""
    expected = [{"_key": key, **value} for key, value in truth.items()]

    assert outcome(truth)[1] is not True
    options = {"records": "stats.*", "paging": sf.paging.Single()}
    assert outcome({"stats": truth, **envelope}, **options)[0] == expected


@given(json_values, st.sampled_from([None, "", "data", "data.", "*", "data.*", "."]), st.booleans())
def test_any_json_is_a_page_or_an_error_of_ours(body, records, first):
    """No other exception, and the records are a list."""
    try:
        page = split_reply(Call("/v1/posts"), reply_of(body), records, first=first)
    except sf.SocialFrameError:
        page = None

    stated_error(body)
    stated_doubt(body)
    assert page is None or isinstance(page.records(), list)
    assert page is None or page.empty == (page.records() == [])
