"""``provenance`` says in one line where rows came from."""

import logging
from dataclasses import replace

import pandas as pd
import pytest
from stand_ins import KEY, column

import socialframe as sf
from socialframe.paging import Single
from socialframe.panel.wording import describe_rows
from socialframe.progress import Progress
from socialframe.sandbox import Fault, Sandbox
from socialframe.schema.columns import Schema
from socialframe.walk.provenance import describe_facts


def test_the_line_has_all_known_facts():
    """Endpoint, arguments, rows, pages, source, duplicates, times, end sign, versions."""
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


def test_the_line_counts_cached_pages_and_removed_rows():
    """A filtered frame is not shown as the complete result."""
    api = sf.Client.sandbox(cache=True)
    api.accounts().frame()
    frame = api.accounts().frame()

    assert "1 from the cache, 0 duplicates" in sf.provenance(frame)
    assert ": 2 rows here, of 17 received in 1 pages, " in sf.provenance(frame[:2])


def test_the_line_says_why_a_walk_may_be_incomplete():
    """The reason is in parentheses."""
    api = sf.Client.sandbox(Sandbox(paging="page", end_sign="short"))
    with pytest.warns(sf.WalkWarning):
        frame = api.fetch("/v1/posts", params={"limit": 100}).frame()

    assert "may be incomplete (the reply does not mention" in sf.provenance(frame)
    assert "schema" not in sf.provenance(frame)


def test_the_line_shows_no_key():
    """Even if it was passed as an argument."""
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
def test_unknown_facts_are_shown_as_far_as_possible(facts, line):
    """A file may have anything in our metadata."""
    assert line in describe_facts(facts, 5)


def test_a_frame_without_facts_says_so_and_a_list_is_an_error():
    """For example, a frame that pandas made."""
    assert sf.provenance(pd.DataFrame()) == "The frame has no provenance."
    with pytest.raises(sf.ArgumentError, match="frame must be a DataFrame; got a list"):
        sf.provenance([])


def test_the_schema_version_changes_with_names_paths_types_and_order():
    """Meaning and origin do not change it."""
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


def test_frames_and_files_have_the_schema_version(tmp_path):
    """That of the endpoint, exploded or not."""
    api = sf.Client.sandbox()
    version = api.posts().columns.version
    api.posts(status="failed").explode("platforms").to_parquet(tmp_path / "a.parquet")

    assert sf.read_parquet(tmp_path / "a.parquet").attrs["socialframe"]["schema"] == version
    assert api.posts(status="failed").frame().attrs["socialframe"]["schema"] == version


def test_without_since_the_default_period_of_the_api_is_in_the_provenance():
    """In attrs, the line, the repr and the panel's text; a query with since has none."""
    api = sf.Client.sandbox()
    words = "no since: the API starts 90 days ago"

    frame = api.analytics(until="2026-11-30").limit(5).frame()

    assert frame.attrs["socialframe"]["period"] == words
    assert words in sf.provenance(frame)
    assert words in describe_rows(*frame.shape, frame.attrs["socialframe"])
    assert words in repr(api.analytics())
    assert words in api.analytics()._repr_html_()
    assert "30 days ago" in repr(api.followers())
    given = api.analytics(since="2026-11-01").limit(5).frame()
    assert "period" not in given.attrs["socialframe"]
    assert "period" not in api.posts().head().attrs["socialframe"]


class Impatient(Progress):
    """Presses Ctrl-C before the first request."""

    def asking(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize("end", ["whole", "limit", "failed", "left", "Ctrl-C"])
def test_the_log_says_how_a_walk_ended(caplog, end):
    """One line of level INFO."""
    caplog.set_level(logging.INFO, "socialframe")
    faults = [Fault("revoke", page=3)] if end == "failed" else []
    api = sf.Client.sandbox(Sandbox(posts=500, faults=faults), cache=False)
    query = api.posts(per_page=100)
    query = query.limit(150) if end == "limit" else query
    if end == "left":
        pages = query.pages()
        next(pages)
        pages.close()
    elif end == "Ctrl-C":
        with pytest.raises(KeyboardInterrupt):
            query.frame(progress=Impatient("posts", shown=False))
    elif end == "failed":
        with pytest.raises(sf.IncompleteWalk):
            query.frame()
    else:
        query.frame()

    (line,) = [one for one in caplog.messages if one.startswith("posts")]
    assert {
        "whole": ": 500 rows in 5 pages, 5 from the network",
        "limit": "complete up to the limit",
        "failed": "posts: stopped after 200 rows: A page could not be fetched: ",
        "left": "posts: stopped after 100 rows: the loop over its pages was left",
        "Ctrl-C": "posts: stopped after 0 rows: Ctrl-C",
    }[end] in line
