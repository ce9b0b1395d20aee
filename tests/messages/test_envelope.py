"""Splitting a reply into envelope and records."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stand_ins import KEY, opened

from socialframe.errors import ReplyError
from socialframe.messages.call import Call
from socialframe.messages.envelope import parse
from socialframe.messages.paths import get_path
from socialframe.messages.reply_errors import stated_error

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
names = st.sampled_from(["rows", "page", "total", "next", "accounts", "x"]) | st.text(max_size=4)


@given(
    before=st.dictionaries(names, json_values, max_size=3),
    rows=st.lists(st.dictionaries(names, json_values, max_size=3) | json_values, max_size=5),
    after=st.dictionaries(names, json_values, max_size=4),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
def test_records_equal_those_of_a_json_parser(before, rows, after, indent, ascii_only):
    """With any members before and after the records; no field of the envelope is needed."""
    body = {**before, "rows": rows, **{k: v for k, v in after.items() if k != "rows"}}
    try:
        text = json.dumps(body, indent=indent, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        text = json.dumps(body, indent=indent).encode()

    page = opened(text)

    assert page.records() == rows
    assert page.empty == (rows == [])


@given(
    rows=st.lists(st.dictionaries(names, json_values, max_size=3), max_size=5),
    after=st.lists(
        st.tuples(names.filter(lambda n: n not in {"rows", "meta"}), json_values), max_size=3
    ),
    meta=st.dictionaries(names, json_values, min_size=1, max_size=3),
    first=st.booleans(),
)
def test_paging_fields_are_found_before_and_after_the_records(rows, after, meta, first):
    """With other lists around them."""
    meta = {**meta, "pages": 7}
    parts = [("rows", rows), ("meta", meta)] if first else [("meta", meta), ("rows", rows)]
    body = dict([*parts[:1], *after, *parts[1:], *after])
    assume(stated_error({**body, "rows": []}) is None)

    page = opened(json.dumps(body).encode(), fields=("meta.pages",))

    assert get_path(page.envelope, "meta") == meta
    assert page.records() == rows


def test_many_lists_after_the_records_do_not_hide_paging_fields():
    """The body has more closing brackets than are tried."""
    body = {"rows": [{"a": 1}], "meta": {"pages": 3}, "accounts": [{"l": [i]} for i in range(30)]}

    page = opened(json.dumps(body).encode(), fields=("meta.pages",))

    assert get_path(page.envelope, "meta.pages") == 3
    assert page.records() == [{"a": 1}]


def test_records_can_be_nested():
    """The path is dotted."""
    page = opened(b'{"data": {"rows": [{"a": [1]}], "rows2": [3]}, "total": 1}', "data.rows")

    assert page.records() == [{"a": [1]}]
    assert page.envelope["data"]["rows"] == []
    assert page.envelope["total"] == 1


def test_another_list_with_the_name_of_the_records_is_ignored():
    """In a string or in another object."""
    body = {"other": {"rows": [9]}, "text": '"rows": [1],', "rows": [{"a": 1}], "end": True}

    page = opened(json.dumps(body).encode())

    assert page.records() == [{"a": 1}]
    assert page.envelope["other"] == {"rows": [9]}


@pytest.mark.parametrize("absent", [{}, {"total": 3}, {"rows": {}}, {"rows": "x"}])
def test_missing_records_on_the_first_page_are_an_error_that_names_the_keys(absent):
    """If no field reports zero rows."""
    with pytest.raises(ReplyError, match="no list 'rows'") as caught:
        opened({**absent, "error_page": 1})

    assert "'error_page'" in str(caught.value)


@pytest.mark.parametrize(
    "counts", [{"total": 0}, {"meta": {"result_count": 0}}, {"pagination": {"totalResults": 0}}]
)
def test_missing_records_are_no_rows_if_the_reply_reports_zero(counts):
    """Some APIs leave out an empty list."""
    assert opened(counts).records() == []


def test_missing_records_on_a_later_page_are_no_rows():
    """Some APIs leave them out after the last page."""
    assert opened({"page": 3}, first=False).records() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad gateway</html>",
        b'{"rows": [',
        b"\xff\xfe",
        b"[1, 2",
        b"nonsense",
        b'{"rows": [' + b"1" * 5000 + b"]",
        b"[" * 100_000,
    ],
)
def test_a_body_that_is_not_json_is_a_reply_error(body):
    """The error quotes the beginning of the body."""
    with pytest.raises(ReplyError, match="not JSON|nested too deeply"):
        opened(body)


def test_a_list_as_body_is_an_error_if_a_path_is_declared():
    """The error says that the body is a list."""
    with pytest.raises(ReplyError, match="its body is a list"):
        opened(b"[1]")


def test_a_key_in_an_invalid_reply_is_redacted():
    """A server may return the key that it received."""
    with pytest.raises(ReplyError) as caught:
        opened(f"key {KEY} is odd".encode())

    assert KEY not in str(caught.value)


def test_a_byte_order_mark_is_ignored():
    """It is not valid JSON, but some servers send it."""
    assert opened(b'\xef\xbb\xbf{"rows": [1]}').records() == [1]


def test_integers_are_exact():
    """Beyond 64 bits."""
    assert parse(b'{"n": 123456789012345678901234567890}') == {"n": 123456789012345678901234567890}


def test_calls_have_no_parameters_that_are_none():
    """Booleans are sent as in JSON, and the order stays."""
    call = Call.of("/v1/x", {"b": 1, "a": None, "c": True})

    assert call.params == (("b", "1"), ("c", "true"))
    assert call.with_param("b", 2).params == (("b", "2"), ("c", "true"))
    assert call.with_param("z", "ü").param("z") == "ü"
    assert call.param("nothing") is None
