"""What the API sends and the columns do not know, cannot hold, or never saw."""

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


def told(*records, columns=POSTS):
    """Return what drift tells of records."""
    frame, schema = rows_of(*records, columns=columns)
    return sf.drift(frame, columns=schema)


def drifting():
    """Return a client of a sandbox that sends fields which nothing documents."""
    return sf.Client.sandbox(Sandbox(extra_fields=True))


def only(found, pointer):
    """Return the one row of a pointer."""
    rows = found[found["pointer"] == pointer].to_dict("records")
    assert len(rows) == 1, found["pointer"].tolist()
    return rows[0]


def test_a_field_that_nothing_declares_is_unknown():
    """With its JSON types, its share of the rows, an example, and the line that declares it."""
    found = told(WHOLE, WHOLE | {"pinBoard": None}, WHOLE | {"pinBoard": 7}, WHOLE)

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


def test_places_in_a_list_are_one():
    """However long the lists are; a row counts once."""
    two = [{"status": "s", "n": {"views": 1}, "x": value} for value in ("a", None)]
    found = only(told(WHOLE | {"platforms": two}, WHOLE), "/platforms/*/x")

    assert (found["kind"], found["column"], found["share"]) == ("unknown", "platforms", 0.5)
    assert found["types"] == "string, null"
    assert found["declare"] == (
        'Column(name="x", path="x", type="string", meaning=""),  # among the fields of platforms'
    )


def test_a_value_that_did_not_fit_is_a_misfit_of_its_column():
    """Fields of lists too, and what stands where an object was expected."""
    found = told(
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
    assert only(found, "/id")["declare"] == "# declared as id, which other values fit"
    assert only(found, "/metrics")["declare"].startswith("# columns lie in it")


def test_a_column_that_never_fits_gets_the_line_of_one_that_would():
    """It stands in the place of the one that is declared, meaning kept."""
    found = told(WHOLE | {"metrics": {"likes": 1.5}}, WHOLE | {"metrics": {"likes": 2}, "tags": []})
    assert only(found, "/metrics/likes")["declare"] == "# declared as int64, which other values fit"

    found = told(*[WHOLE | {"metrics": {"likes": value}} for value in (1.5, 2.25)])
    assert found[["kind", "pointer"]].to_numpy().tolist() == [
        ["misfit", "/metrics/likes"],
        ["null", "/metrics/likes"],
    ]
    assert found["declare"][0] == (
        'Column(name="likes", path="metrics.likes", type="float64", meaning="A made-up column."),'
        "  # in the place of likes"
    )


def test_columns_and_fields_that_no_row_has_are_null():
    """Those of an empty list are not: nothing was there to have them."""
    bare = {"id": "a", "tags": [], "owner": {"name": "n"}, "platforms": [{"status": None}]}
    found = told(bare, bare)

    assert set(found["kind"]) == {"null"}
    assert dict(zip(found["column"], found["pointer"], strict=True)) == {
        "likes": "/metrics/likes",
        "owner.age": "/owner/age",
        "platforms[].status": "/platforms/*/status",
        "platforms[].views": "/platforms/*/n/views",
    }
    assert told(WHOLE | {"platforms": []}).empty


def test_rows_of_the_sandbox_tell_what_it_adds(tmp_path):
    """The same as fetched, and as read back from a file."""
    api = drifting()
    fetched = sf.drift(api.posts().limit(300).frame())
    api.posts().limit(300).to_parquet(tmp_path / "posts.parquet")
    read = sf.drift(sf.read_parquet(tmp_path / "posts.parquet"))

    assert "/platforms/*/marks" in fetched["pointer"].tolist()
    pd.testing.assert_frame_equal(fetched, read)
    assert "<td>/platforms/*/marks</td>" in fetched._repr_html_()


def test_a_plain_read_parquet_knows_no_endpoint_and_takes_one(tmp_path):
    """Nested columns are objects there, and their fields are looked at all the same."""
    api = sf.Client.sandbox()
    api.posts(status="draft").to_parquet(tmp_path / "posts.parquet")
    frame = pd.read_parquet(tmp_path / "posts.parquet")

    with pytest.raises(sf.ArgumentError, match="Nothing in the frame says .* endpoint='posts'"):
        sf.drift(frame)
    pd.testing.assert_frame_equal(
        sf.drift(frame, endpoint="posts"), sf.drift(api.posts(status="draft").frame())
    )
    assert "platforms[].error" in sf.drift(frame, endpoint="posts")["column"].tolist()


def test_an_exploded_frame_is_told_of_by_its_records():
    """Fields of the targets stand in columns of their own there."""
    api = drifting()
    whole = sf.drift(api.posts(status="draft").frame())
    exploded = sf.drift(api.posts(status="draft").explode("platforms").frame())

    assert set(exploded["column"]) == set(whole["column"])
    assert set(exploded["pointer"]) == set(whole["pointer"])
    assert "platforms[].error" in exploded.loc[exploded["kind"] == "null", "column"].tolist()


def test_an_exploded_frame_without_entries_says_nothing_of_their_fields():
    """Every list was empty."""
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


def test_a_filtered_frame_tells_of_its_rows():
    """Shares are of those that are left."""
    frame, schema = rows_of(WHOLE, WHOLE | {"x": 1}, WHOLE | {"x": 2})

    assert sf.drift(frame[1:], columns=schema)["share"].tolist() == [1.0]
    assert sf.drift(frame[:1], columns=schema).empty
    assert sf.drift(frame[["id", "_extra"]], columns=schema)["pointer"].tolist() == ["/x"]


def test_no_rows_tell_nothing():
    """A frame without rows, its columns typed."""
    empty = sf.drift(drifting().posts().frame().iloc[:0])

    assert (len(empty), list(empty.columns)) == (0, NAMES)
    assert empty["share"].dtype == "float64"
    assert str(empty["declare"].dtype) == "str"


def test_equal_texts_count_each_row():
    """Also where they stand far from each other."""
    records = [WHOLE | {"x": number % 2} for number in range(20_000)] + [WHOLE] * 5_000
    frame, schema = rows_of(*records)

    assert only(sf.drift(frame, columns=schema), "/x")["share"] == 0.8


def test_nothing_that_looks_like_a_key_is_shown():
    """Neither as a value nor as a name, nor in a line."""
    found = told(WHOLE | {"note": f"my key is {KEY}", KEY: 1, "by_key": {KEY: 1, "n": 2}})

    assert KEY not in found.to_csv()
    assert only(found, "/note")["example"] == '"my key is sk_…"'
    assert only(found, "/sk_…")["declare"].startswith("# no path leads to it")
    assert 'fields=(Column(name="n"' in only(found, "/by_key")["declare"]
    assert only(told(WHOLE | {"risk_score": 1}), "/risk_score")["declare"].startswith("Column(")


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
def test_the_type_is_the_narrowest_that_holds_all(values, kind):
    """Days before moments before text; a whole number that comes with a point is none."""
    found = only(told(*[WHOLE | {"x": value} for value in values]), "/x")

    assert f'type="{kind}"' in found["declare"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([None], "only null was seen"),
        ([1, "a"], "no type holds all that was seen: integer, string"),
        ([2**63 + 1], "no type holds all that was seen: integer"),
        ([2**53 + 1, 0.5], "no type holds all that was seen: integer, number"),
        ([[]], "no type holds all that was seen: array"),
        ([[[1]]], "no type holds all that was seen: array"),
        ([{}], "no type holds all that was seen: object"),
        ([{str(n): n for n in range(60)}], "objects of more than 50 names"),
        (["\ud83d"], "no type holds all that was seen: string"),
    ],
)
def test_what_no_column_could_hold_says_why(values, why):
    """In a comment, so that the lines still run as they stand."""
    found = only(told(*[WHOLE | {"x": value} for value in values]), "/x")

    assert found["declare"] == f"# {why}"


def test_an_id_is_called_one():
    """Text under a name that ends in id."""
    found = told(WHOLE | {"ownerId": "a", "metrics": {"likes": 1, "id": "b"}})

    assert 'name="owner_id", path="ownerId", type="id"' in only(found, "/ownerId")["declare"]
    assert 'name="metrics_id", path="metrics.id"' in only(found, "/metrics/id")["declare"]


def test_an_example_is_short():
    """One line's worth."""
    example = only(told(WHOLE | {"x": "long " * 100}), "/x")["example"]

    assert len(example) == 60
    assert example.endswith("…")


def test_a_record_that_is_no_object_concerns_every_column():
    """It stands in _extra whole."""
    found = only(told(WHOLE, 5), "")

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
        """Accounts, by other columns than ours."""
        return {}


def test_columns_of_other_endpoints_are_given():
    """Of one's own, or of fetch; also those of an exploded query."""
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
        (lambda api: api.names().frame(), {}, "The rows came by names /v1/accounts, which is not"),
        (lambda api: api.accounts().frame(), {}, "typed by other columns of accounts"),
        (
            lambda api: api.fetch("/v1/accounts", paging=Single()).frame(),
            {},
            "by fetch /v1/accounts, which declares none",
        ),
        (lambda api: api.health().frame(), {"endpoint": "likes"}, "there are accounts, health, p"),
        (lambda api: api.health().frame(), {"endpoint": ["posts"]}, "no declared endpoint"),
        (lambda api: api.health().frame(), {"columns": "id"}, "columns takes declared columns"),
        (lambda api: api.health().frame(), {"columns": ["id"]}, "columns takes declared columns"),
        (
            lambda api: api.health().frame(),
            {"columns": sf.Client.sandbox().fetch("/v1/posts").columns},
            "columns takes declared columns",
        ),
        (lambda api: api.health().frame(), {"endpoint": "posts", "columns": POSTS}, "one of them"),
        (lambda api: api.health().frame().drop(columns="_extra"), {}, "has no column _extra"),
        (lambda api: pd.DataFrame({"_extra": ["{}"]}), {}, "Nothing in the frame says"),
        (lambda api: [], {}, "drift takes a DataFrame, not a list"),
    ],
)
def test_what_cannot_be_known_is_one_sentence(frame, arguments, words):
    """That says what to give."""
    with pytest.raises(sf.ArgumentError, match=words):
        sf.drift(frame(Own.sandbox()), **arguments)


def test_rows_of_other_columns_are_held_against_todays_on_demand():
    """By the endpoint's name."""
    frame = Own.sandbox().accounts().frame()

    found = sf.drift(frame, endpoint="accounts")
    assert found[["kind", "pointer"]].to_numpy().tolist() == [
        ["unknown", "/platform"],
        ["unknown", "/accountId"],
        ["unknown", "/connectedAt"],
    ]
    assert set(found["declare"]) == {
        "# declared by now; these rows were typed before: fetch them again"
    }


@pytest.mark.parametrize(
    "extra", ["", "[]", "7", "no", '{"a": 1}', 8.5, ["a"], "[" * 100_000, "1" * 5000]
)
def test_an_extra_that_is_not_ours_is_one_sentence(extra):
    """Whatever a column of that name holds."""
    frame = pd.DataFrame({"_extra": pd.Series([None, extra], dtype="object")})

    with pytest.raises(sf.ArgumentError, match="_extra"):
        sf.drift(frame, endpoint="posts")


def test_what_lies_deep_is_told():
    """As deep as a reply can be read."""
    deep = json.loads("[" * 300 + "]" * 300)

    assert only(told(WHOLE | {"x": deep}), "/x")["types"] == "array"


def test_a_number_that_json_has_not_is_told_by_its_spelling():
    """As _extra keeps it."""
    found = only(told(WHOLE, WHOLE | {"metrics": {"likes": float("nan")}}), "/metrics/likes")

    assert (found["kind"], found["types"], found["example"]) == ("misfit", "string", '"NaN"')
