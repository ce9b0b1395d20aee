"""The values and texts of the panel, without widgets."""

import threading
from datetime import date

import pandas as pd
import pytest
from stand_ins import Clock

import socialframe as sf
from socialframe.panel.background import BackgroundTask, ProgressWatcher, Stopped
from socialframe.panel.chart import CHARTS, draw_chart
from socialframe.panel.export import python_code, save_rows
from socialframe.panel.request import (
    ENDPOINTS,
    LoadRequest,
    parse_row_limit,
    platforms_of,
    profiles_of,
)
from socialframe.panel.wording import (
    LoadProgress,
    Status,
    describe_cost,
    describe_rows,
    error_status,
    format_size,
)
from socialframe.walk.estimate import Estimate

ALL = {
    "platform": "tiktok",
    "account_id": "tt_40311",
    "since": date(2026, 10, 1),
    "until": date(2026, 11, 1),
}


@pytest.fixture(scope="module")
def api():
    return sf.Client.sandbox()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_code_of_a_request_is_its_query(api, endpoint):
    """With every filter."""
    request = LoadRequest(endpoint=endpoint, rows=7, **ALL)

    by_line = eval(request.code, {"api": api})  # noqa: S307 - our own line

    assert request.query(api) == by_line
    assert len(request.query(api).frame()) <= 7


def test_request_without_filters_has_no_arguments(api):
    """It loads all posts."""
    assert LoadRequest().code == "api.posts()"
    assert LoadRequest().query(api) == api.posts()


def test_days_in_the_wrong_order_are_rejected(api):
    """By the endpoint, before any request is sent."""
    with pytest.raises(sf.ArgumentError, match="after"):
        LoadRequest(since=date(2026, 11, 1), until=date(2026, 10, 1)).query(api)


@pytest.mark.parametrize(
    ("typed", "rows"), [("", None), (" all ", None), ("2,000", 2000), ("1 000", 1000), ("1", 1)]
)
def test_row_limit_is_parsed(typed, rows):
    """Empty means all rows."""
    assert parse_row_limit(typed) == rows


@pytest.mark.parametrize("typed", ["0", "-3", "1.5", "many", "²", "٣"])
def test_invalid_row_limit_is_rejected(typed):
    """The error shows the value."""
    with pytest.raises(sf.ArgumentError, match="row limit"):
        parse_row_limit(typed)


def test_profiles_join_accounts_with_health(api):
    """Unhealthy accounts need a reconnect and carry the advice."""
    found = profiles_of(api.accounts().frame(), api.health().frame())

    worse = [one for one in found if one.needs_reconnect]
    assert len(found) == 17
    assert {one.level for one in found} == {"good", "warn"}
    assert all(one.advice for one in worse)
    assert found[0].since == "02 Sep 2024"


def test_account_without_health_needs_no_reconnect(api):
    """Its health is unknown."""
    found = profiles_of(api.accounts().frame())

    assert {one.level for one in found} == {"quiet"}
    assert not any(one.needs_reconnect for one in found)


def test_unknown_health_value_counts_as_bad():
    """A new value such as 'expired' is more likely bad than good."""
    accounts = pd.DataFrame(
        {"platform": ["x"], "account_id": ["1"], "username": [None], "connected_at": [pd.NaT]}
    )
    health = accounts.assign(health="expired", recommendations=None)

    (one,) = profiles_of(accounts, health)

    assert (one.level, one.needs_reconnect, one.name, one.since, one.advice) == (
        "bad",
        True,
        "1",
        "",
        "",
    )
    assert platforms_of([one])[-1] == "x"


@pytest.mark.parametrize(
    ("estimate", "rows", "words"),
    [
        (Estimate(None, 0, None), None, "known after the first page"),
        (Estimate(None, 0, None), 101, "At most 2 requests"),
        (Estimate(1, 0, 0.0), None, "1 request;"),
        (Estimate(90, 0, 60.0), None, "90 requests and 60 s of waiting"),
        (Estimate(900, 0, 5400.0), None, "900 requests and 90 min of waiting"),
        (Estimate(1, 1, 0.0), None, "No requests: the page is in the cache"),
    ],
)
def test_cost_is_described(api, estimate, rows, words):
    """As far as it is known, with the requests that are left."""
    assert words in describe_cost(estimate, rows, api.budget)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"complete": True, "from_network": 2, "stop": "end"}, "from the API, complete"),
        ({"complete": True, "from_cache": 2}, "from the cache, complete"),
        ({"complete": False, "from_journal": 2}, "from an earlier run, not complete"),
        ({"complete": None, "stop": "a doubt"}, "uncertain: a doubt"),
        ({}, "not complete"),
    ],
)
def test_rows_are_described_with_source_and_completeness(facts, words):
    """Only a known complete frame is called complete."""
    assert describe_rows(3, 12, facts).startswith("3 rows ")
    assert describe_rows(3, 12, facts).endswith(words)


def test_size_is_formatted():
    """As bytes, kB or MB."""
    assert [format_size(1), format_size(999_500), format_size(2_500_000)] == [
        "1 byte",
        "1000 kB",
        "2.5 MB",
    ]


def test_progress_is_reported_with_the_remaining_time():
    """At most ten times a second, and at once when the walk waits."""
    clock, reports = Clock(), []
    watcher = ProgressWatcher(reports.append, threading.Event(), clock)
    for _ in range(4):
        clock.sleep(0.06)
        watcher.advance(100, total=1000)
    watcher.note("budget used, next call in 9 s")

    assert [one.rows for one in reports] == [100, 300, 400]
    assert reports[-1].remaining == pytest.approx(0.36)
    assert str(reports[-1]) == "400 of 1,000 rows, 4 pages. Waiting: budget used, next call in 9 s"
    assert str(LoadProgress(5, None, 1)) == "5 rows, 1 page"
    assert (LoadProgress(5, 10).share, LoadProgress(5).share, LoadProgress(20, 10).share) == (
        0.5,
        None,
        1.0,
    )


def test_restarted_walk_counts_from_zero():
    """Rows of the first try are not counted twice."""
    reports = []
    clock = Clock()
    watcher = ProgressWatcher(reports.append, threading.Event(), clock)
    watcher.advance(100, total=200)
    watcher.close()
    clock.sleep(1)
    watcher.advance(100, total=200)

    assert reports[-1].rows == 100


@pytest.mark.parametrize("waiting", [False, True])
def test_stop_ends_a_walk_and_keeps_its_rows(api, waiting):
    """Before the next request, and while it waits for the budget. The walk can be resumed."""
    stop = threading.Event()
    clock = Clock()
    box = sf.Sandbox(tier="free", clock=clock, sleep=clock.sleep)
    client = sf.Client.sandbox(box)
    watcher = ProgressWatcher(
        lambda progress: progress.rows >= 300 and not waiting and stop.set(), stop
    )
    if waiting:  # 60 calls are free, and the second walk needs the 61st
        client.posts().limit(5400).frame()
        watcher = ProgressWatcher(lambda progress: progress.waiting_for and stop.set(), stop)

    with pytest.raises(sf.IncompleteWalk) as caught:
        client.posts(status="published").frame(progress=watcher)

    assert isinstance(caught.value.__cause__, Stopped)
    kept = caught.value.frame()
    assert 0 < len(kept) == caught.value.rows
    if not waiting:
        whole = caught.value.resume().frame(progress=False)
        pd.testing.assert_frame_equal(kept, whole.head(len(kept)))
        assert whole.attrs["socialframe"]["from_journal"] >= 3


def test_error_in_a_task_becomes_a_status():
    """The next task can start."""
    shown, changes = [], []
    task = BackgroundTask(shown.append, lambda: changes.append(task.busy))

    assert task.start(lambda: {}["nothing"])
    assert task.wait(5)

    assert shown == [Status("bad", "KeyError: 'nothing'")]
    assert changes == [True, False]
    assert task.start(lambda: Status("good", "again"))
    assert task.wait(5)


def test_only_one_function_runs_at_a_time():
    """A second one is refused."""
    go_on, shown = threading.Event(), []
    task = BackgroundTask(shown.append, lambda: None)
    task.start(lambda: go_on.wait(5) and Status("good", "first"))

    assert not task.start(lambda: Status("good", "second"))

    go_on.set()
    assert task.wait(5)
    assert [one.text for one in shown] == ["first"]


def test_only_foreign_errors_show_their_class():
    """Errors of socialframe are sentences already."""
    assert error_status(sf.ArgumentError("Say it.")).text == "Say it."
    assert error_status(OSError("disk")).text == "OSError: disk"


@pytest.mark.parametrize("kind", ["", "parquet", "csv", "jsonl"])
@pytest.mark.parametrize("targets", [False, True])
def test_copied_code_loads_the_same_rows(api, kind, targets, tmp_path):
    """It also writes the same file."""
    request = LoadRequest(platform="tiktok", since=date(2026, 11, 1))
    path = str(tmp_path / f"copied.{kind}")
    text = python_code(request, sandbox=True, targets=targets, kind=kind, path=path)
    known = {}
    exec(text, known)  # noqa: S102 - our own text

    query = request.query(api)
    want = query.explode("platforms").frame() if targets else query.frame()
    pd.testing.assert_frame_equal(known["df"], want)
    if kind:
        own = tmp_path / f"own.{kind}"
        done = save_rows(query.frame(), query.columns, own, kind, targets=targets)
        assert done.rows == len(want)
        assert done.size == own.stat().st_size
        if kind == "parquet":
            pd.testing.assert_frame_equal(sf.read_parquet(own), sf.read_parquet(path))
        else:
            assert own.read_bytes() == (tmp_path / f"copied.{kind}").read_bytes()


def test_copied_code_holds_no_key():
    """The client finds the key again."""
    assert "sf.Client()\n" in python_code(LoadRequest(), sandbox=False)


def test_empty_frame_is_saved_with_all_columns(api, tmp_path):
    """As its query would write it."""
    query = api.posts(until="2001-01-01")

    save_rows(query.frame(), query.columns, tmp_path / "none.parquet", "parquet")

    frame = sf.read_parquet(tmp_path / "none.parquet")
    pd.testing.assert_frame_equal(frame, query.frame())


@pytest.mark.parametrize(
    ("path", "targets", "words"),
    [(" ", False, "file name is empty"), ("a.csv", True, "no targets")],
)
def test_invalid_save_is_rejected(api, path, targets, words):
    """Nothing is written."""
    query = api.accounts()
    with pytest.raises(sf.ArgumentError, match=words):
        save_rows(query.frame(), query.columns, path, "csv", targets=targets)


@pytest.mark.parametrize("chart", CHARTS)
def test_chart_has_a_label_and_the_page_colours(api, chart):
    """It contains no style element, which would apply to the whole page."""
    drawn = draw_chart(api.analytics(since="2026-01-01").frame(), chart)

    assert 'role="img" aria-label="' in drawn[:40]
    assert "currentColor" in drawn
    assert "var(--sf-accent" in drawn
    assert "<style" not in drawn
    assert "#010203" not in drawn
    assert "<text" in drawn


@pytest.mark.parametrize(
    ("load", "chart", "words"),
    [
        ("accounts", CHARTS[0], "needs posts or analytics"),
        ("posts", CHARTS[1], "load analytics"),
        ("posts", "a pie", "chart must be one of"),
    ],
)
def test_chart_of_unsuitable_rows_is_rejected(api, load, chart, words):
    """The error says which data it needs."""
    with pytest.raises(sf.ArgumentError, match=words):
        draw_chart(getattr(api, load)().limit(5).frame(), chart)


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("load", ["posts", "analytics"])
def test_chart_of_no_rows_is_rejected(api, load, chart):
    """With a sentence instead of an error of matplotlib."""
    frame = getattr(api, load)(since="2001-01-01", until="2001-02-01").frame()
    with pytest.raises(sf.ArgumentError, match="None of these rows|load analytics"):
        draw_chart(frame, chart)
