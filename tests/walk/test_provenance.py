"""Where rows came from, in one line."""

from dataclasses import replace

import pandas as pd
import pytest
from stand_ins import KEY, column

import socialframe as sf
from socialframe.paging import Single
from socialframe.sandbox import Sandbox
from socialframe.schema.columns import Schema
from socialframe.walk.provenance import describe_facts


def test_the_line_says_all_that_is_known():
    """Endpoint, arguments, rows, pages, whence, duplicates, moments, end, versions."""
    api = sf.Client.sandbox()
    line = sf.provenance(api.posts(status="failed", per_page=100).frame())

    for words in (
        "posts(status='failed', per_page=100), GET /v1/posts: ",
        " rows in ",
        " from the network, 0 duplicates dropped, fetched 20",
        "Z, complete (pagination.pages), schema ",
        f", socialframe {sf.__version__}",
    ):
        assert words in line
    assert "\n" not in line


def test_rows_from_the_cache_and_rows_that_were_left_out_are_told():
    """A filtered frame is not shown as all that came."""
    api = sf.Client.sandbox(cache=True)
    api.accounts().frame()
    frame = api.accounts().frame()

    assert "1 from the cache, 0 duplicates" in sf.provenance(frame)
    assert ": 2 rows here, of 17 received in 1 pages, " in sf.provenance(frame[:2])


def test_a_walk_that_is_uncertain_says_why():
    """The reason stands behind it."""
    api = sf.Client.sandbox(Sandbox(paging="page", end_sign="short"))
    with pytest.warns(sf.WalkWarning):
        frame = api.fetch("/v1/posts", params={"limit": 100}).frame()

    assert "may be incomplete (the reply does not mention" in sf.provenance(frame)
    assert "schema" not in sf.provenance(frame)


def test_the_line_shows_no_key():
    """Not even one that was given as an argument."""
    api = sf.Client.sandbox()
    frame = api.fetch("/v1/accounts", params={"note": KEY}, paging=Single()).frame()

    assert KEY not in sf.provenance(frame)
    assert "sk_…" in sf.provenance(frame)


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (None, "The frame has no provenance."),
        ([], "The frame has no provenance."),
        ({}, "The frame has no provenance."),
        (
            {"endpoint": "posts", "rows": 5, "complete": None, "stop": "a\nb", "arguments": 7},
            "posts(): 5 rows, may be incomplete (a b)",
        ),
        ({"rows": 5, "complete": "?", "first_fetch": 1}, "None(): 5 rows, fetched 1 to None, "),
        ({"endpoint": "x", "pages": None, "from_journal": 3}, "in None pages, 3 from the journal"),
    ],
)
def test_what_another_version_wrote_is_said_as_far_as_it_goes(facts, line):
    """A file may hold anything under our name."""
    assert line in describe_facts(facts, 5)


def test_a_frame_without_facts_says_so_and_no_frame_is_an_error():
    """In a sentence, both."""
    assert sf.provenance(pd.DataFrame()) == "The frame has no provenance."
    with pytest.raises(sf.ArgumentError, match="frame must be a DataFrame; got a list"):
        sf.provenance([])


def test_the_version_of_a_schema_changes_when_rows_would_be_read_otherwise():
    """By a name, a path, a type, a field, an order; not by what people read."""
    field = column("b", "string")
    one = column("a", "list<struct>", fields=(field,))
    other = column("c", "int64")
    version = Schema((one, other)).version

    assert len(version) == 8
    assert Schema((one, other), ("c",)).version == version
    assert Schema((replace(one, meaning="Else.", origin="example"), other)).version == version
    changed = [
        (one,),
        (other, one),
        (one, replace(other, name="d")),
        (one, replace(other, path="d")),
        (one, replace(other, type="string")),
        (replace(one, fields=(replace(field, type="id"),)), other),
    ]
    versions = {version, *(Schema(columns).version for columns in changed)}
    assert len(versions) == len(changed) + 1
    assert Schema((), given=()).version is None


def test_frames_and_files_tell_the_version_of_their_columns(tmp_path):
    """The endpoint's, exploded or not."""
    api = sf.Client.sandbox()
    version = api.posts().columns.version
    api.posts(status="failed").explode("platforms").to_parquet(tmp_path / "a.parquet")

    assert sf.read_parquet(tmp_path / "a.parquet").attrs["socialframe"]["schema"] == version
    assert api.posts(status="failed").frame().attrs["socialframe"]["schema"] == version
