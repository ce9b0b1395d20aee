"""Types are inferred from all rows, and no value changes."""

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import Scripted, client_of

import socialframe as sf
from socialframe.frames import Inferred
from socialframe.paging import PageNumber, Single

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.sampled_from(["\ud83d", "2026-01-01", "1"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
names = st.sampled_from(["id", "n", "text", "inner", "list"])
records = st.dictionaries(names, values, max_size=4)


def same(typed, value, pointer, extra):
    """Whether a typed value equals the recorded one, or is JSON text, or _extra has it."""
    if pointer in extra:
        return json.dumps(extra[pointer]) == json.dumps(value)
    if isinstance(typed, str) and typed != value:
        return value is not None and json.loads(typed) == value
    if isinstance(typed, list) and isinstance(value, list):
        inner = [(*pair, f"{pointer}/{i}", extra) for i, pair in enumerate(zip(typed, value))]  # noqa: B905
        return len(typed) == len(value) and all(same(*one) for one in inner)
    if isinstance(typed, dict) and isinstance(value, dict):
        return all(
            same(typed.get(name), value.get(name), f"{pointer}/{name}", extra)
            for name in {*typed, *value}
        )
    return typed == value and isinstance(typed, bool) == isinstance(value, bool)


@given(st.lists(st.lists(records, max_size=4), max_size=4))
def test_each_value_of_each_record_is_kept(pages):
    """No value is rounded or dropped: it is in its column, as JSON text, or in _extra."""
    inferred = Inferred({})
    for page in pages:
        inferred.observe(page)

    for page in pages:
        rows = inferred.batch(page).to_pylist()
        assert len(rows) == len(page)
        for row, record in zip(rows, page, strict=True):
            extra = json.loads(row.pop("_extra", None) or "{}")
            for name in {*row, *record}:
                found = row.get(name), record.get(name)
                assert same(*found, f"/{name}", extra), (name, row, record)


def frame_of(rows, **options):
    """Return the frame of a fetch of some rows."""
    api = client_of(Scripted({"rows": rows}))
    return api.fetch("/v1/rows", records="rows", paging=Single(), **options).frame()


@pytest.mark.parametrize(
    ("found", "dtype", "expected"),
    [
        ([1, 2], "Int64", [1, 2]),
        ([1, 2.5], "float64", [1.0, 2.5]),
        ([6.0, 6.0], "float64", [6.0, 6.0]),
        ([2**53 + 1, 2.5], "str", ["9007199254740993", "2.5"]),
        ([2**63, 1], "str", ["9223372036854775808", "1"]),
        ([True, None], "boolean", [True, pd.NA]),
        (["2026-01-01T00:00:00Z"], "str", ["2026-01-01T00:00:00Z"]),
        ([1, "a"], "str", ["1", '"a"']),
        ([{}, {}], "str", ["{}", "{}"]),
    ],
)
def test_inferred_types(found, dtype, expected):
    """Integers become floats only if each of them is exact; strings stay strings."""
    frame = frame_of([{"x": value} for value in found])

    assert str(frame["x"].dtype) == dtype
    assert frame["x"].tolist() == expected


def test_names_are_those_of_the_api_and_missing_members_are_null():
    """Columns are in the order of their first appearance."""
    frame = frame_of([{"createdAt": "x"}, {"camelCase": 1, "createdAt": None}])

    assert frame.columns.tolist() == ["createdAt", "camelCase"]
    assert frame["camelCase"].tolist() == [pd.NA, 1]


def test_some_columns_can_be_declared():
    """The column _extra has the values that they cannot hold."""
    rows = [{"createdAt": "2026-01-01T00:00:00Z", "n": 1}, {"createdAt": "soon", "n": 2}]

    frame = frame_of(rows, columns={"createdAt": "timestamp"})

    assert str(frame["createdAt"].dtype) == "datetime64[us, UTC]"
    assert frame["_extra"].tolist()[1] == '{"/createdAt":"soon"}'
    assert frame["n"].tolist() == [1, 2]


def test_types_in_a_file_are_those_of_all_pages(tmp_path):
    """A float on the last page makes the integers of the first page floats."""
    pages = [{"rows": [{"x": i}], "pages": 3} for i in (1, 2)] + [
        {"rows": [{"x": 0.5}], "pages": 3}
    ]
    api = client_of(Scripted(*pages, *pages))
    query = api.fetch("/v1/rows", records="rows", paging=PageNumber(total_pages="pages"))

    assert pd.read_parquet(query.to_parquet(tmp_path / "x.parquet"))["x"].tolist() == [1, 2, 0.5]
    assert [str(page["x"].dtype) for page in query.pages()] == ["Int64", "Int64", "float64"]


def test_records_that_are_not_objects_are_in_the_column_value():
    """It is the only column."""
    assert frame_of([1, 2])["value"].tolist() == [1, 2]
    assert len(frame_of([{}, {}])) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "https://elsewhere.example/v1"}, "path must start with"),
        ({"path": "/v1/x?a=b"}, "path must start with"),
        ({"paging": "pages"}, "paging must be a scheme"),
        ({"columns": {"a": "varchar"}}, "must be one of id, string"),
        (
            {"columns": (sf.Column(name="a", path="a", type="id", meaning="…"),), "key": "b"},
            "no column",
        ),
    ],
)
def test_invalid_arguments_of_fetch_are_errors(options, words):
    """No request is sent."""
    with pytest.raises(sf.ArgumentError, match=words):
        sf.Client.sandbox().fetch(**{"path": "/v1/x", **options})


def test_rows_without_a_key_are_all_kept():
    """With null as key, or if the record is not an object; other rows are deduplicated."""
    rows = [{"a": 1}, {"a": 2}, {"id": None}, {"id": "x"}, {"id": "x"}]

    frame = frame_of(rows, key="id")

    assert len(frame) == 4
    assert frame.attrs["socialframe"]["duplicates"] == 1


def test_a_list_as_parameter_is_sent_repeatedly():
    """Once for each entry."""
    app = Scripted({"rows": []})

    client_of(app).fetch("/v1/rows", params={"p": ["a", "b"], "q": None}, paging=Single()).frame()

    assert app.seen[0]["query"] == "p=a&p=b"


def test_a_reply_without_paging_fields_is_one_warning_that_names_paging():
    """In attrs, complete is None."""
    api = client_of(Scripted({"rows": [{"a": 1}]}))

    with pytest.warns(sf.WalkWarning, match="paging=") as caught:
        frame = api.fetch("/v1/rows").frame()

    assert len(caught) == 1
    assert frame.attrs["socialframe"]["complete"] is None


def test_a_next_url_on_another_host_is_refused_and_gets_no_key():
    """No request is sent to it."""
    app = Scripted({"rows": [{"a": 1}], "next": "https://evil.example/v1/rows?page=2"})

    with pytest.raises(sf.IncompleteWalk, match="leads to another host"):
        client_of(app).fetch("/v1/rows").frame()

    assert len(app.seen) == 1


@pytest.mark.parametrize(
    "second",
    [
        (400, {"error": "unknown parameter"}),
        (404, {}),
        (422, {}),
        {"rows": [{"a": 1}], "data": {"after": "t1"}},
    ],
)
def test_a_wrong_guess_of_the_token_parameter_is_an_error_that_names_cursor(second):
    """If the server refuses it, or returns the same page; the error names the field."""
    app = Scripted({"rows": [{"a": 1}], "data": {"after": "t1"}}, second)

    with pytest.raises(sf.IncompleteWalk, match=r"paging=Cursor\(field='data.after', param=…\)"):
        client_of(app).fetch("/v1/rows", records="rows").frame()
