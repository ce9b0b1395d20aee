"""A period that the API does not accept in one request: analytics over 366 days."""

from datetime import date, timedelta
from itertools import pairwise
from urllib.parse import parse_qs

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import Scripted, client_of

import socialframe as sf
from socialframe.sandbox import Fault

SINCE, UNTIL = "2024-10-01", "2026-11-25"
WINDOWS = [("2025-11-25", UNTIL), ("2024-11-24", "2025-11-24"), (SINCE, "2024-11-23")]
DAYS = st.dates(date(2000, 1, 1), date(2030, 1, 1))


@pytest.fixture(scope="module")
def expected():
    """Return the rows of each part, requested by itself."""
    api = sf.Client.sandbox()
    return [api.analytics(since=a, until=b).frame() for a, b in WINDOWS]


def test_rows_are_those_of_all_parts(expected):
    """The newest first; the provenance is of all parts."""
    query = sf.Client.sandbox().analytics(since=SINCE, until=UNTIL)
    frame = query.frame()

    want = pd.concat(expected, ignore_index=True)
    pd.testing.assert_frame_equal(frame, want)
    facts = frame.attrs["socialframe"]
    assert (facts["complete"], facts["rows"]) == (True, len(want))
    assert facts["pages"] == sum(one.attrs["socialframe"]["pages"] for one in expected)
    assert facts["parameters"]["fromDate"] == [a for a, _ in WINDOWS]
    assert min(map(len, expected)) > 0

    again = query.frame()
    pd.testing.assert_frame_equal(again, frame)
    assert again.attrs["socialframe"]["from_network"] == 0
    assert query.estimate().cached == facts["pages"]


def test_each_output_has_all_parts(expected, tmp_path):
    """Records, pages and files."""
    query = sf.Client.sandbox().analytics(since=SINCE, until=UNTIL)
    ids = pd.concat(expected)["post_id"].tolist()

    assert [record["id"] for record in query.records()] == ids
    assert [one for page in query.pages() for one in page["post_id"]] == ids
    query.to_parquet(tmp_path / "rows.parquet")
    assert sf.read_parquet(tmp_path / "rows.parquet")["post_id"].tolist() == ids


def test_limit_counts_the_rows_of_all_parts(expected):
    """Later parts are not requested if it is reached."""
    first = len(expected[0])
    for limit in (first - 1, first, first + 1):
        frame = sf.Client.sandbox().analytics(since=SINCE, until=UNTIL).limit(limit).frame()

        ids = pd.concat(expected)["post_id"].tolist()[:limit]
        assert frame["post_id"].tolist() == ids


def test_failure_of_a_later_part_is_resumed(expected):
    """Its first page is not the first page of the walk."""
    pages = expected[0].attrs["socialframe"]["pages"]
    sandbox = sf.Sandbox(faults=[Fault("revoke", at=pages + 1)])
    api = sf.Client.sandbox(sandbox)

    with pytest.raises(sf.IncompleteWalk) as caught:
        api.analytics(since=SINCE, until=UNTIL).frame()
    assert caught.value.pages_done == pages
    assert caught.value.rows == len(expected[0])
    seen = len(sandbox.requests)
    sandbox.faults = ()
    partial = caught.value.frame()
    rest = caught.value.resume().frame()

    assert partial["post_id"].tolist() == expected[0]["post_id"].tolist()
    assert partial.attrs["socialframe"]["complete"] is False
    pd.testing.assert_frame_equal(rest, pd.concat(expected, ignore_index=True))
    total = sum(one.attrs["socialframe"]["pages"] for one in expected)
    assert len(sandbox.requests) - seen == total - pages


def test_query_of_the_first_part_alone_is_another_walk(expected):
    """Its first request is the same."""
    api = sf.Client.sandbox()
    api.analytics(since=SINCE, until=UNTIL).frame()

    newest = api.analytics(since=WINDOWS[0][0], until=UNTIL).frame()

    assert newest["post_id"].tolist() == expected[0]["post_id"].tolist()


def test_part_that_may_be_incomplete_makes_the_walk_so():
    """Whichever part it is."""
    for wrong in (0, 1, 2):
        total = [0, 0, 0]
        total[wrong] = 5
        bodies = [
            {"posts": [], "pagination": {"page": 1, "pages": 1, "total": number}}
            for number in total
        ]
        api = client_of(Scripted(*bodies))
        with pytest.warns(sf.WalkWarning, match="reports 5 rows"):
            frame = api.analytics(since=SINCE, until=UNTIL).frame()

        assert frame.attrs["socialframe"]["complete"] is None


@given(DAYS, st.integers(0, 1500))
def test_parts_have_each_day_once(start, days):
    """None is longer than 366 days."""
    app = Scripted({"posts": [], "pagination": {"page": 1, "pages": 1, "total": 0}})
    end = start + timedelta(days=days)
    client_of(app).analytics(since=start, until=end).frame()

    asked = [parse_qs(one["query"]) for one in app.seen]
    parts = [
        (date.fromisoformat(one["fromDate"][0]), date.fromisoformat(one["toDate"][0]))
        for one in asked
    ]
    assert (parts[0][1], parts[-1][0]) == (end, start)
    assert all(0 <= (b - a).days < 366 for a, b in parts)
    assert all(newer[0] - timedelta(days=1) == older[1] for newer, older in pairwise(parts))
