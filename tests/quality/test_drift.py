"""Unknown fields, values of the wrong type, and columns that are always null."""

import json

import pandas as pd
import pytest
from stand_ins import KEY, column, page_of

import socialframe as sf
from socialframe.endpoint import endpoint
from socialframe.frames import Decoder, to_pandas
from socialframe.paging import Single
from socialframe.sandbox import Sandbox

NAMES = ["kind", "pointer", "column", "types", "share", "example", "declare"]
POSTS = (
    column("id", "id"),
    column("likes", "int64", "metrics.likes"),
    column("tags", "list<string>", item="tag"),
    column("owner", "struct", fields=(column("name", "string"), column("age", "int64"))),
    column(
        "platforms",
        "list<struct>",
        item="target",
        fields=(column("status", "string"), column("views", "int64", "n.views")),
    ),
)
WHOLE = {
    "id": "a",
    "metrics": {"likes": 1},
    "tags": ["x"],
    "owner": {"name": "n", "age": 4},
    "platforms": [{"status": "s", "n": {"views": 1}}],
}


def rows_of(*records, columns=POSTS):
    """Return a frame of records, and the schema of its columns."""
    import pyarrow as pa

    schema = sf.Schema(columns)
    batch = Decoder(schema)([page_of(list(records))])
    return to_pandas(pa.Table.from_batches([batch.rows])), schema


def drift_of(*records, columns=POSTS):
    """Return the drift of records."""
    frame, schema = rows_of(*records, columns=columns)
    return sf.drift(frame, columns=schema)


def drifting():
    """Return a client of a sandbox with undocumented fields."""
    return sf.Client.sandbox(Sandbox(extra_fields=True))


def only(found, pointer):
    """Return the one row of a pointer."""
    rows = found[found["pointer"] == pointer].to_dict("records")
    assert len(rows) == 1, found["pointer"].tolist()
    return rows[0]


def test_an_undeclared_field_is_unknown():
    """With its JSON types, its share of the rows, an example, and the line that declares it."""
    found = drift_of(WHOLE, WHOLE | {"pinBoard": None}, WHOLE | {"pinBoard": 7}, WHOLE)

    assert list(found.columns) == NAMES
    assert found.to_dict("records") == [
        {
            "kind": "unknown",
            "pointer": "/pinBoard",
            "column": "",
            "types": "integer, null",
            "share": 0.5,
            "example": "7",
            "declare": 'Column(name="pin_board", path="pinBoard", type="int64", meaning=""),',
        }
    ]


def test_the_entries_of_a_list_are_one_place():
    """A row counts once, with any number of entries."""
    two = [{"status": "s", "n": {"views": 1}, "x": value} for value in ("a", None)]
    found = only(drift_of(WHOLE | {"platforms": two}, WHOLE), "/platforms/*/x")

    assert (found["kind"], found["column"], found["share"]) == ("unknown", "platforms", 0.5)
    assert found["types"] == "string, null"
    assert found["declare"] == (
        'Column(name="x", path="x", type="string", meaning=""),  # add to the fields of platforms'
    )


def test_a_value_of_the_wrong_type_is_a_misfit_of_its_column():
    """In fields of lists, and in place of an object, too."""
    found = drift_of(
        WHOLE,
        WHOLE | {"id": 17},
        WHOLE | {"metrics": "none"},
        WHOLE | {"tags": ["x", 5]},
        WHOLE | {"platforms": [{"status": "s", "n": {"views": 1.5}}]},
        WHOLE | {"owner": [1]},
    )

    assert set(found["kind"]) == {"misfit"}
    assert dict(zip(found["pointer"], found["column"], strict=True)) == {
        "/id": "id",
        "/metrics": "likes",
        "/tags/*": "tags",
        "/platforms/*/n/views": "platforms[].views",
        "/owner": "owner",
    }
    assert only(found, "/id")["declare"] == "# declared as id, which fits other values"
    assert only(found, "/metrics")["declare"].startswith("# an object is expected")


def test_a_column_that_fits_no_value_gets_a_line_that_replaces_it():
    """The meaning is kept."""
    found = drift_of(
        WHOLE | {"metrics": {"likes": 1.5}}, WHOLE | {"metrics": {"likes": 2}, "tags": []}
    )
    assert (
        only(found, "/metrics/likes")["declare"] == "# declared as int64, which fits other values"
    )

    found = drift_of(*[WHOLE | {"metrics": {"likes": value}} for value in (1.5, 2.25)])
    assert found[["kind", "pointer"]].to_numpy().tolist() == [
        ["misfit", "/metrics/likes"],
        ["null", "/metrics/likes"],
    ]
    assert found["declare"][0] == (
        'Column(name="likes", path="metrics.likes", type="float64", meaning="A made-up column."),'
        "  # replaces likes"
    )


def test_columns_and_fields_without_a_value_are_null():
    """The fields of a list without entries are not."""
    bare = {"id": "a", "tags": [], "owner": {"name": "n"}, "platforms": [{"status": None}]}
    found = drift_of(bare, bare)

    assert set(found["kind"]) == {"null"}
    assert dict(zip(found["column"], found["pointer"], strict=True)) == {
        "likes": "/metrics/likes",
        "owner.age": "/owner/age",
        "platforms[].status": "/platforms/*/status",
        "platforms[].views": "/platforms/*/n/views",
    }
    assert drift_of(WHOLE | {"platforms": []}).empty


def test_drift_of_a_file_equals_drift_of_the_fetched_frame(tmp_path):
    """With the undocumented fields of the sandbox."""
    api = drifting()
    fetched = sf.drift(api.posts().limit(300).frame())
    api.posts().limit(300).to_parquet(tmp_path / "posts.parquet")
    read = sf.drift(sf.read_parquet(tmp_path / "posts.parquet"))

    assert "/platforms/*/marks" in fetched["pointer"].tolist()
    pd.testing.assert_frame_equal(fetched, read)
    assert "<td>/platforms/*/marks</td>" in fetched._repr_html_()


def test_a_frame_of_plain_pandas_needs_the_endpoint(tmp_path):
    """Its nested columns are objects, and their fields are reported all the same."""
    api = sf.Client.sandbox()
    api.posts(status="draft").to_parquet(tmp_path / "posts.parquet")
    frame = pd.read_parquet(tmp_path / "posts.parquet")

    with pytest.raises(sf.ArgumentError, match="does not name its endpoint; .* endpoint='posts'"):
        sf.drift(frame)
    pd.testing.assert_frame_equal(
        sf.drift(frame, endpoint="posts"), sf.drift(api.posts(status="draft").frame())
    )
    assert "platforms[].error" in sf.drift(frame, endpoint="posts")["column"].tolist()


def test_drift_of_an_exploded_frame_concerns_its_records():
    """The fields of the targets have their own columns."""
    api = drifting()
    whole = sf.drift(api.posts(status="draft").frame())
    exploded = sf.drift(api.posts(status="draft").explode("platforms").frame())

    assert set(exploded["column"]) == set(whole["column"])
    assert set(exploded["pointer"]) == set(whole["pointer"])
    assert "platforms[].error" in exploded.loc[exploded["kind"] == "null", "column"].tolist()


def test_an_exploded_frame_without_entries_reports_no_fields():
    """Each list is empty."""
    frame, schema = rows_of(WHOLE)
    frame = frame.drop(columns="platforms")
    for name in ("position", "status", "views"):
        frame[f"target_{name}"] = pd.Series([None], dtype="str")

    assert sf.drift(frame, columns=schema).empty
    frame["target_position"] = [0]
    assert sf.drift(frame, columns=schema)["column"].tolist() == [
        "platforms[].status",
        "platforms[].views",
    ]


def test_drift_of_a_filtered_frame_concerns_its_rows():
    """The share is relative to them."""
    frame, schema = rows_of(WHOLE, WHOLE | {"x": 1}, WHOLE | {"x": 2})

    assert sf.drift(frame[1:], columns=schema)["share"].tolist() == [1.0]
    assert sf.drift(frame[:1], columns=schema).empty
    assert sf.drift(frame[["id", "_extra"]], columns=schema)["pointer"].tolist() == ["/x"]


def test_a_frame_without_rows_has_no_drift():
    """The report has no rows, and its columns have their types."""
    empty = sf.drift(drifting().posts().frame().iloc[:0])

    assert (len(empty), list(empty.columns)) == (0, NAMES)
    assert empty["share"].dtype == "float64"
    assert str(empty["declare"].dtype) == "str"


def test_equal_extra_texts_count_for_each_row():
    """If they are in different chunks, too."""
    records = [WHOLE | {"x": number % 2} for number in range(20_000)] + [WHOLE] * 5_000
    frame, schema = rows_of(*records)

    assert only(sf.drift(frame, columns=schema), "/x")["share"] == 0.8


def test_keys_are_redacted():
    """In values, names and lines."""
    found = drift_of(WHOLE | {"note": f"my key is {KEY}", KEY: 1, "by_key": {KEY: 1, "n": 2}})

    assert KEY not in found.to_csv()
    assert only(found, "/note")["example"] == '"my key is sk_…"'
    assert only(found, "/sk_…")["declare"].startswith("# no path")
    assert 'fields=(Column(name="n"' in only(found, "/by_key")["declare"]
    assert only(drift_of(WHOLE | {"risk_score": 1}), "/risk_score")["declare"].startswith("Column(")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, None], "bool"),
        ([1, -(2**63)], "int64"),
        ([5.0], "float64"),
        ([1, 2.5], "float64"),
        (["2026-01-31"], "date"),
        (["2026-01-31", "2026-01-31T10:00:00Z"], "timestamp"),
        (["20260131"], "string"),
        (["2026-01-31", ""], "string"),
        ([["a"], [None], []], "list<string>"),
        ([{"a": 1}, {"b": None}], "struct"),
        ([[{"a": 1}], [None]], "list<struct>"),
    ],
)
def test_the_suggested_type_is_the_narrowest_that_holds_all_values(values, kind):
    """Date before timestamp before text; 5.0 is not an integer."""
    found = only(drift_of(*[WHOLE | {"x": value} for value in values]), "/x")

    assert f'type="{kind}"' in found["declare"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([None], "only null was observed"),
        ([1, "a"], "no type holds each observed value: integer, string"),
        ([2**63 + 1], "no type holds each observed value: integer"),
        ([2**53 + 1, 0.5], "no type holds each observed value: integer, number"),
        ([[]], "no type holds each observed value: array"),
        ([[[1]]], "no type holds each observed value: array"),
        ([{}], "no type holds each observed value: object"),
        ([{str(n): n for n in range(60)}], "objects with more than 50 names"),
        (["\ud83d"], "no type holds each observed value: string"),
    ],
)
def test_values_without_a_type_have_a_comment_with_the_reason(values, why):
    """A comment can be pasted as code."""
    found = only(drift_of(*[WHOLE | {"x": value} for value in values]), "/x")

    assert found["declare"] == f"# {why}"


def test_text_with_a_name_that_ends_in_id_has_the_type_id():
    """The name of the column includes the parent if it is needed."""
    found = drift_of(WHOLE | {"ownerId": "a", "metrics": {"likes": 1, "id": "b"}})

    assert 'name="owner_id", path="ownerId", type="id"' in only(found, "/ownerId")["declare"]
    assert 'name="metrics_id", path="metrics.id"' in only(found, "/metrics/id")["declare"]


def test_an_example_is_shortened():
    """To 60 characters."""
    example = only(drift_of(WHOLE | {"x": "long " * 100}), "/x")["example"]

    assert len(example) == 60
    assert example.endswith("…")


def test_a_record_that_is_not_an_object_is_a_misfit_of_all_columns():
    """It is in _extra."""
    found = only(drift_of(WHOLE, 5), "")

    assert (found["kind"], found["types"], found["share"]) == ("misfit", "integer", 0.5)
    assert found["column"] == "id, likes, tags, owner, platforms"


class Own(sf.Client):
    """A client with endpoints of its own."""

    @endpoint("/v1/accounts", records="accounts", columns=(column("who", "string", "username"),))
    def names(self) -> dict:
        """Names."""
        return {}

    @endpoint("/v1/accounts", records="accounts", columns=(column("who", "string", "username"),))
    def accounts(self) -> dict:
        """Accounts, with other columns than those of socialframe."""
        return {}


def test_columns_of_other_endpoints_are_passed():
    """Of an own endpoint, of fetch, of an exploded query."""
    api = Own.sandbox()
    found = sf.drift(api.names().frame(), columns=api.names().columns)
    assert "/platform" in found["pointer"].tolist()

    given = (column("who", "string", "username"),)
    fetched = api.fetch("/v1/accounts", columns=given, paging=Single()).frame()
    pd.testing.assert_frame_equal(sf.drift(fetched, columns=given), found)
    query = api.posts(status="draft").explode("platforms")
    pd.testing.assert_frame_equal(
        sf.drift(query.frame(), columns=query.columns),
        sf.drift(query.frame(), columns=list(api.posts().columns)),
    )


@pytest.mark.parametrize(
    ("frame", "arguments", "words"),
    [
        (
            lambda api: api.names().frame(),
            {},
            "The rows are from names /v1/accounts, which socialframe does not declare",
        ),
        (lambda api: api.accounts().frame(), {}, "typed with other columns of accounts"),
        (
            lambda api: api.fetch("/v1/accounts", paging=Single()).frame(),
            {},
            "from fetch /v1/accounts, which socialframe does not declare",
        ),
        (
            lambda api: api.health().frame(),
            {"endpoint": "likes"},
            "must be one of accounts, health, p",
        ),
        (lambda api: api.health().frame(), {"endpoint": ["posts"]}, "endpoint must be one of"),
        (lambda api: api.health().frame(), {"columns": "id"}, "columns must be declared columns"),
        (lambda api: api.health().frame(), {"columns": ["id"]}, "columns must be declared columns"),
        (
            lambda api: api.health().frame(),
            {"columns": sf.Client.sandbox().fetch("/v1/posts").columns},
            "columns must be declared columns",
        ),
        (lambda api: api.health().frame(), {"endpoint": "posts", "columns": POSTS}, "not both"),
        (lambda api: api.health().frame().drop(columns="_extra"), {}, "exactly one column _extra"),
        (lambda api: pd.DataFrame({"_extra": ["{}"]}), {}, "does not name its endpoint"),
        (lambda api: [], {}, "frame must be a DataFrame; got list"),
    ],
)
def test_unknown_columns_are_an_argument_error(frame, arguments, words):
    """The error says what to pass."""
    with pytest.raises(sf.ArgumentError, match=words):
        sf.drift(frame(Own.sandbox()), **arguments)


def test_rows_of_other_columns_can_be_compared_with_the_current_ones():
    """By the name of the endpoint."""
    frame = Own.sandbox().accounts().frame()

    found = sf.drift(frame, endpoint="accounts")
    assert found[["kind", "pointer"]].to_numpy().tolist() == [
        ["unknown", "/platform"],
        ["unknown", "/accountId"],
        ["unknown", "/connectedAt"],
    ]
    assert set(found["declare"]) == {"# declared after these rows were typed; fetch the rows again"}


@pytest.mark.parametrize(
    "extra", ["", "[]", "7", "no", '{"a": 1}', 8.5, ["a"], "[" * 100_000, "1" * 5000]
)
def test_an_extra_column_of_another_library_is_an_argument_error(extra):
    """With any values."""
    frame = pd.DataFrame({"_extra": pd.Series([None, extra], dtype="object")})

    with pytest.raises(sf.ArgumentError, match="_extra"):
        sf.drift(frame, endpoint="posts")


def test_deeply_nested_values_are_reported():
    """As deep as a reply can be parsed."""
    deep = json.loads("[" * 300 + "]" * 300)

    assert only(drift_of(WHOLE | {"x": deep}), "/x")["types"] == "array"


def test_nan_is_reported_as_text():
    """As _extra has it."""
    found = only(drift_of(WHOLE, WHOLE | {"metrics": {"likes": float("nan")}}), "/metrics/likes")

    assert (found["kind"], found["types"], found["example"]) == ("misfit", "string", '"NaN"')
