"""What the panel knows and says, without a widget."""

import threading
from datetime import date

import pandas as pd
import pytest
from stand_ins import Clock

import socialframe as sf
from socialframe.panel.background import Stopped, Watcher, Work
from socialframe.panel.chart import CHARTS, svg
from socialframe.panel.code import code
from socialframe.panel.files import save
from socialframe.panel.request import ENDPOINTS, Wish, platforms, profiles, rows_of
from socialframe.panel.wording import Status, Told, cost, failed, size, summary
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
def test_a_wish_is_the_line_that_it_shows(api, endpoint):
    """The query that is made is the one that the copied line makes, filter by filter."""
    wish = Wish(endpoint=endpoint, rows=7, **ALL)

    by_line = eval(wish.line, {"api": api})  # noqa: S307 - our own line

    assert wish.query(api) == by_line
    assert len(wish.query(api).frame()) <= 7


def test_a_wish_without_filters_asks_for_all(api):
    """No argument is made up."""
    assert Wish().line == "api.posts()"
    assert Wish().query(api) == api.posts()


def test_days_in_the_wrong_order_are_refused(api):
    """By the endpoint itself, before anything is sent."""
    with pytest.raises(sf.ArgumentError, match="after"):
        Wish(since=date(2026, 11, 1), until=date(2026, 10, 1)).query(api)


@pytest.mark.parametrize(
    ("typed", "rows"), [("", None), (" all ", None), ("2,000", 2000), ("1 000", 1000), ("1", 1)]
)
def test_rows_are_read_as_people_write_them(typed, rows):
    """Nothing means all."""
    assert rows_of(typed) == rows


@pytest.mark.parametrize("typed", ["0", "-3", "1.5", "many", "²", "٣"])
def test_rows_that_are_no_number_are_refused(typed):
    """In one sentence that shows what was typed."""
    with pytest.raises(sf.ArgumentError, match="whole number"):
        rows_of(typed)


def test_health_stands_beside_its_account(api):
    """Where it is not good, the account can be connected again; with the advice."""
    found = profiles(api.accounts().frame(), api.health().frame())

    worse = [one for one in found if one.reconnects]
    assert len(found) == 17
    assert {one.level for one in found} == {"good", "warn"}
    assert all(one.advice for one in worse)
    assert found[0].since == "02 Sep 2024"


def test_an_account_whose_health_nobody_told_is_not_called_ill(api):
    """It is not known, so nothing is offered."""
    found = profiles(api.accounts().frame())

    assert {one.level for one in found} == {"quiet"}
    assert not any(one.reconnects for one in found)


def test_health_of_an_unknown_word_is_the_worst():
    """An API that says 'expired' means nothing good."""
    accounts = pd.DataFrame(
        {"platform": ["x"], "account_id": ["1"], "username": [None], "connected_at": [pd.NaT]}
    )
    health = accounts.assign(health="expired", recommendations=None)

    (one,) = profiles(accounts, health)

    assert (one.level, one.reconnects, one.name, one.since, one.advice) == (
        "bad",
        True,
        "1",
        "",
        "",
    )
    assert platforms([one])[-1] == "x"


@pytest.mark.parametrize(
    ("estimate", "rows", "words"),
    [
        (Estimate(None, 0, None), None, "known after the first page"),
        (Estimate(None, 0, None), 101, "At most 2 calls"),
        (Estimate(1, 0, 0.0), None, "1 call;"),
        (Estimate(90, 0, 60.0), None, "90 calls, with 60 s of waiting"),
        (Estimate(900, 0, 5400.0), None, "900 calls, with 90 min of waiting"),
        (Estimate(1, 1, 0.0), None, "No calls: the page is in the cache"),
    ],
)
def test_the_cost_is_told_in_words(api, estimate, rows, words):
    """As far as it is known, with what is left to pay it."""
    assert words in cost(estimate, rows, api.budget)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"complete": True, "from_network": 2, "stop": "end"}, "from the API, complete"),
        ({"complete": True, "from_cache": 2}, "from cache, complete"),
        ({"complete": False, "from_journal": 2}, "from an earlier try, not complete"),
        ({"complete": None, "stop": "a doubt"}, "uncertain: a doubt"),
        ({}, "not complete"),
    ],
)
def test_a_frame_says_where_it_is_from_and_whether_it_is_whole(facts, words):
    """Nothing that is not known to be whole is called so."""
    assert summary(3, 12, facts).startswith("3 rows ")
    assert summary(3, 12, facts).endswith(words)


def test_a_size_is_for_people():
    """Bytes, kB, MB."""
    assert [size(1), size(999_500), size(2_500_000)] == ["1 byte", "1000 kB", "2.5 MB"]


def test_progress_is_told_with_the_time_that_is_left():
    """By the pace so far; not more often than ten times a second, but at once when it waits."""
    clock, heard = Clock(), []
    watcher = Watcher(heard.append, threading.Event(), clock)
    for _ in range(4):
        clock.sleep(0.06)
        watcher.advance(100, total=1000)
    watcher.note("budget used, next call in 9 s")

    assert [one.rows for one in heard] == [100, 300, 400]
    assert heard[-1].left == pytest.approx(0.36)
    assert str(heard[-1]) == "400 of 1,000 rows, 4 pages. Waiting: budget used, next call in 9 s"
    assert str(Told(5, None, 1)) == "5 rows, 1 page"
    assert (Told(5, 10).share, Told(5).share, Told(20, 10).share) == (0.5, None, 1.0)


def test_a_walk_that_begins_anew_counts_anew():
    """Rows of the first try are not counted twice."""
    heard = []
    clock = Clock()
    watcher = Watcher(heard.append, threading.Event(), clock)
    watcher.advance(100, total=200)
    watcher.close()
    clock.sleep(1)
    watcher.advance(100, total=200)

    assert heard[-1].rows == 100


@pytest.mark.parametrize("waiting", [False, True])
def test_stop_ends_a_walk_and_keeps_its_rows(api, waiting):
    """Before the next call, and also while it waits for the budget; it goes on afterwards."""
    stop = threading.Event()
    clock = Clock()
    box = sf.Sandbox(tier="free", clock=clock, sleep=clock.sleep)
    client = sf.Client.sandbox(box)
    watcher = Watcher(lambda told: told.rows >= 300 and not waiting and stop.set(), stop)
    if waiting:  # 60 calls are free, and the second walk needs the 61st
        client.posts().limit(5400).frame()
        told = Watcher(lambda told: told.reason and stop.set(), stop)
        watcher = told

    with pytest.raises(sf.IncompleteWalk) as caught:
        client.posts(status="published").frame(progress=watcher)

    assert isinstance(caught.value.__cause__, Stopped)
    kept = caught.value.frame()
    assert 0 < len(kept) == caught.value.rows
    if not waiting:
        whole = caught.value.resume().frame(progress=False)
        pd.testing.assert_frame_equal(kept, whole.head(len(kept)))
        assert whole.attrs["socialframe"]["from_journal"] >= 3


def test_what_a_thread_raises_is_told():
    """Nobody else would hear of it; the next work can begin."""
    said, changes = [], []
    work = Work(said.append, lambda: changes.append(work.busy))

    assert work.begin(lambda: {}["nothing"])
    assert work.wait(5)

    assert said == [Status("bad", "KeyError: 'nothing'")]
    assert changes == [True, False]
    assert work.begin(lambda: Status("good", "again"))
    assert work.wait(5)


def test_one_thing_is_done_at_a_time():
    """A second one is refused while the first is at work."""
    go_on, said = threading.Event(), []
    work = Work(said.append, lambda: None)
    work.begin(lambda: go_on.wait(5) and Status("good", "first"))

    assert not work.begin(lambda: Status("good", "second"))

    go_on.set()
    assert work.wait(5)
    assert [one.text for one in said] == ["first"]


def test_an_error_of_ours_is_told_as_it_is():
    """Its sentence is made for people; others get their name."""
    assert failed(sf.ArgumentError("Say it.")).text == "Say it."
    assert failed(OSError("disk")).text == "OSError: disk"


@pytest.mark.parametrize("kind", ["", "parquet", "csv", "jsonl"])
@pytest.mark.parametrize("targets", [False, True])
def test_copied_code_runs_and_loads_the_same(api, kind, targets, tmp_path):
    """It writes the same file, too."""
    wish = Wish(platform="tiktok", since=date(2026, 11, 1))
    path = str(tmp_path / f"copied.{kind}")
    text = code(wish, made_up=True, targets=targets, kind=kind, path=path)
    known = {}
    exec(text, known)  # noqa: S102 - our own text

    query = wish.query(api)
    want = query.explode("platforms").frame() if targets else query.frame()
    pd.testing.assert_frame_equal(known["df"], want)
    if kind:
        own = tmp_path / f"own.{kind}"
        done = save(query.frame(), query.columns, own, kind, targets=targets)
        assert done.rows == len(want)
        assert done.size == own.stat().st_size
        if kind == "parquet":
            pd.testing.assert_frame_equal(sf.read_parquet(own), sf.read_parquet(path))
        else:
            assert own.read_bytes() == (tmp_path / f"copied.{kind}").read_bytes()


def test_the_code_of_a_key_holds_no_key():
    """It is looked for where keys are kept."""
    assert "sf.Client()\n" in code(Wish(), made_up=False)


def test_no_rows_are_saved_as_a_file_with_all_columns(api, tmp_path):
    """As a query would."""
    query = api.posts(until="2001-01-01")

    save(query.frame(), query.columns, tmp_path / "none.parquet", "parquet")

    frame = sf.read_parquet(tmp_path / "none.parquet")
    pd.testing.assert_frame_equal(frame, query.frame())


@pytest.mark.parametrize(
    ("path", "targets", "words"), [(" ", False, "Say where"), ("a.csv", True, "no targets")]
)
def test_what_cannot_be_saved_is_refused(api, path, targets, words):
    """In one sentence; nothing is written."""
    query = api.accounts()
    with pytest.raises(sf.ArgumentError, match=words):
        save(query.frame(), query.columns, path, "csv", targets=targets)


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_has_a_name_and_the_colours_of_the_page(api, chart):
    """Who does not see it hears what it shows; nothing in it touches the page around it."""
    drawn = svg(api.analytics(since="2026-01-01").frame(), chart)

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
        ("posts", "a pie", "There is no chart"),
    ],
)
def test_a_chart_that_the_rows_cannot_give_says_what_is_needed(api, load, chart, words):
    """As an error with a sentence."""
    with pytest.raises(sf.ArgumentError, match=words):
        svg(getattr(api, load)().limit(5).frame(), chart)


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("load", ["posts", "analytics"])
def test_no_rows_give_no_chart_but_a_sentence(api, load, chart):
    """Nothing fails below."""
    frame = getattr(api, load)(since="2001-01-01", until="2001-02-01").frame()
    with pytest.raises(sf.ArgumentError, match="None of these rows|load analytics"):
        svg(frame, chart)
