"""A dataset is kept current by refreshes: rows, history, settings and refusals."""

import json
import sys
from datetime import UTC, datetime, timedelta, timezone

import deltalake
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from stand_ins import KEY, Scripted, client_of, column

import socialframe as sf
from socialframe.endpoint import endpoint
from socialframe.paging import Auto, Cursor, Single

OTHER_KEY = "sk_another0key0for0the0tests0abcdef01"


def made(changing, since="2026-10-01", **options):
    return sf.Dataset("posts", changing.api.posts(since=since), **options)


def test_the_first_refresh_has_the_rows_of_the_query(changing):
    """Same rows, same order, same dtypes."""
    dataset = made(changing)
    refresh = dataset.refresh()
    expected = changing.api.posts(since="2026-10-01").frame()

    assert refresh.inserted == len(expected) > 0
    frame = dataset.frame()
    order = ["created_at", "id"]
    pd.testing.assert_frame_equal(
        frame.sort_values(order, ignore_index=True),
        expected.sort_values(order, ignore_index=True),
        check_flags=False,
    )
    assert frame["created_at"].is_monotonic_decreasing
    assert frame.attrs["socialframe"]["complete"] is True


def test_a_refresh_fetches_the_window_only(changing):
    """New, edited and deleted posts of the window; the calls are its pages and at most two."""
    dataset = made(changing, since="2025-11-20")
    full = dataset.refresh()
    first, second, third = (post["id"] for post in changing.posts()[:3])
    changing.add("post_new", "2026-11-20T23:00:00Z")
    changing.edit(first, content="edited")
    changing.delete(second)
    estimated = dataset.estimate().requests
    refresh = dataset.refresh()

    assert (refresh.inserted, refresh.updated, refresh.deleted) == (1, 1, 1)
    assert str(refresh.from_) == "2026-11-06"
    pages = -(-(refresh.unchanged + 2) // 100)
    assert refresh.calls <= estimated <= pages + 2 < full.calls
    frame = dataset.frame().set_index("id")
    assert frame.loc[first, "content"] == "edited"
    assert second not in frame.index
    assert {"post_new", third} <= set(frame.index)
    assert "inserted" in repr(refresh)
    assert "<th>from</th><td>2026-11-06" in refresh._repr_html_()


def test_rows_outside_the_window_stay_until_a_full_refresh(changing):
    """An old post that was edited or deleted is seen by full=True."""
    dataset = made(changing, since="2026-09-01")
    dataset.refresh()
    september = [post["id"] for post in changing.posts() if post["createdAt"][:7] == "2026-09"]
    old, older = september[:2]
    changing.edit(old, content="edited")
    changing.delete(older)

    assert dataset.refresh().updated == 0
    refresh = dataset.refresh(full=True)
    assert (refresh.updated, refresh.deleted, refresh.from_) == (1, 1, None)


def test_a_row_that_moves_into_the_window_is_not_doubled(changing):
    """Its old version stands outside the window and is replaced in the same commit."""
    dataset = made(changing, since="2026-09-01")
    dataset.refresh()
    old = next(post["id"] for post in changing.posts() if post["createdAt"][:7] == "2026-09")
    changing.add("it's", "2026-09-02T00:00:00Z")
    dataset.refresh(full=True)
    for name in (old, "it's"):
        changing.edit(name, createdAt="2026-11-20T22:00:00Z")
    refresh = dataset.refresh()

    assert (refresh.inserted, refresh.updated, refresh.deleted) == (0, 2, 0)
    ids = dataset.frame()["id"]
    assert ids.is_unique
    assert {old, "it's"} <= set(ids)


def test_deleted_rows_can_be_kept(changing):
    """With deletes="keep" they stay, and no later refresh calls them changed."""
    dataset = made(changing, deletes="keep")
    dataset.refresh()
    gone = changing.posts()[0]["id"]
    changing.delete(gone)

    assert dataset.refresh().deleted == 0
    refresh = dataset.refresh(full=True)
    assert (refresh.inserted, refresh.updated, refresh.deleted) == (0, 0, 0)
    assert gone in set(dataset.frame()["id"])


def test_a_walk_that_breaks_changes_nothing_and_is_continued(changing):
    """The next refresh does not fetch the stored pages again."""
    dataset = made(changing, since="2026-06-01")
    dataset.refresh()
    before = dataset.info()["version"]
    changing.edit(changing.posts()[0]["id"], content="edited")
    changing.box.faults = [sf.sandbox.parse_fault("status:500@page=3")]
    with pytest.raises(sf.IncompleteWalk):
        dataset.refresh(full=True)
    changing.box.faults = []
    assert dataset.info()["version"] == before

    assert dataset.refresh(full=True).updated == 1
    pages = [one.query for one in changing.box.requests if "page=2" in one.query]
    assert len(pages) == 2  # of the first refresh and of the broken one


def test_rows_that_may_be_incomplete_change_nothing(changing):
    """A total that no page reaches is an error, and the table stays as it was."""
    dataset = made(changing)
    dataset.refresh()
    before = dataset.frame()
    body = {"posts": [{"id": "a"}], "pagination": {"page": 0, "pages": 1, "total": 5}}
    poor = client_of(Scripted(body), key=changing.box.key)
    reopened = sf.open_dataset("posts", client=poor)
    with pytest.warns(sf.WalkWarning), pytest.raises(sf.DatasetError, match="not changed"):
        reopened.refresh()

    pd.testing.assert_frame_equal(dataset.frame(), before)


def test_rows_of_the_cache_change_nothing(changing):
    """An offline client replays old rows; a dataset refuses them."""
    api = sf.Client.sandbox(changing.box)
    api.accounts().frame()
    dataset = sf.Dataset("accounts", api.accounts())
    api._session.offline = True
    with pytest.raises(sf.DatasetError, match="cache"):
        dataset.refresh()


def test_an_opened_dataset_knows_its_query_but_no_key(changing):
    """It reads without a client, refreshes with the same key, and refuses another one."""
    made(changing, restate="3 days").refresh()
    opened = sf.open_dataset("posts")
    assert opened.info()["query"] == "posts(since='2026-10-01')"
    assert opened.info()["restate_days"] == 3
    assert len(opened.frame()) == opened.info()["rows"]
    with pytest.raises(sf.MissingKeyError):
        opened.refresh()

    refresh = sf.open_dataset("posts", client=changing.api).refresh()
    assert str(refresh.from_) == "2026-11-17"
    other = client_of(changing.box, key=OTHER_KEY)
    with pytest.raises(sf.ArgumentError, match="another API key"):
        sf.open_dataset("posts", client=other)
    with pytest.raises(sf.ArgumentError, match="another API key"):
        sf.Dataset("posts", other.posts(since="2026-10-01"))
    files = [file for file in opened._storage.folder.rglob("*") if file.is_file()]
    assert not any(KEY.encode() in file.read_bytes() for file in files)


def test_settings_can_be_changed_and_are_stored(changing):
    """An opened dataset follows them; days may be given as dates."""
    zone = timezone(timedelta(hours=-5))
    since = datetime(2026, 9, 30, 19, tzinfo=zone)  # midnight in UTC
    sf.Dataset("posts", changing.api.posts(since=since)).refresh()
    opened = sf.open_dataset("posts", client=changing.api)
    made(changing, restate="2 days", deletes="keep").refresh()

    assert opened.info()["restate_days"] == 2
    assert str(opened.refresh().from_) == "2026-11-18"
    assert sf.open_dataset("posts").info()["deletes"] == "keep"


def test_arguments_that_hold_a_key_are_refused(changing):
    """A table would show them."""
    query = changing.api.fetch("/v1/posts", params={"secret": OTHER_KEY}, key="id")
    with pytest.raises(sf.ArgumentError, match="API key"):
        sf.Dataset("posts", query)


def test_a_path_has_one_query(changing, tmp_path):
    """Other arguments, another kind of history, and other files are refused."""
    made(changing).refresh()
    for query, options in (
        (changing.api.posts(since="2026-09-01"), {}),
        (changing.api.accounts(), {}),
        (changing.api.posts(since="2026-10-01"), {"history": False}),
    ):
        with pytest.raises(sf.ArgumentError):
            sf.Dataset("posts", query, **options)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(sf.FileError, match="notes"):
        sf.Dataset(tmp_path, changing.api.accounts()).refresh()
    deltalake.write_deltalake("foreign", pa.table({"a": [1]}))
    with pytest.raises(sf.FileError, match="not a dataset"):
        sf.open_dataset("foreign")
    with pytest.raises(sf.FileError, match="There is no dataset"):
        sf.open_dataset("nothing")


def test_queries_that_cannot_be_kept_current_are_refused(changing):
    """Limits, explodes, missing keys, and periods that move."""
    api = changing.api
    for query, word in (
        (api.posts().limit(5), "limit"),
        (api.posts().explode("platforms"), "explode"),
        (api.fetch("/v1/posts"), "key"),
        (api.analytics(), "since"),
        (api.followers(), "since"),
    ):
        with pytest.raises(sf.ArgumentError, match=word):
            sf.Dataset("x", query)
    for options in ({"restate": "soon"}, {"history": 1}, {"deletes": "no"}):
        with pytest.raises(sf.ArgumentError):
            sf.Dataset("x", api.accounts(), **options)
    for query in ("posts", None):
        with pytest.raises(sf.ArgumentError, match="query"):
            sf.Dataset("x", query)


def test_without_deltalake_one_sentence_says_what_to_install(changing, monkeypatch):
    """Nothing else of the package needs it."""
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(sf.ArgumentError, match=r"pip install 'socialframe\[dataset\]'"):
        made(changing)


def test_history_has_the_value_of_each_moment(changing):
    """One row for each new value of a number, and as_of gives the rows of each moment."""
    dataset = sf.Dataset("numbers", changing.api.analytics(since="2026-11-01"))
    dataset.refresh()
    frames = [dataset.frame()]
    moments = [datetime.fromtimestamp(changing.now, UTC)]
    post = frames[0]["post_id"][0]
    draft = next(p["id"] for p in changing.posts() if p["id"] == post)
    changing.now += 86_400
    changing.delete(draft)
    dataset.refresh()
    frames.append(dataset.frame())
    moments.append(datetime.fromtimestamp(changing.now, UTC))

    history = dataset.history(post, "likes")
    assert history.columns.tolist() == ["post_id", "fetched_at", "column", "value"]
    assert history["value"].tolist() == [frames[0]["likes"][0]]
    assert set(dataset.history(post)["column"]) >= {"likes", "engagement_rate"}
    for frame, moment in zip(frames, moments, strict=True):
        pd.testing.assert_frame_equal(
            dataset.as_of(moment), frame, check_flags=False, check_exact=True
        )
    changes = dataset.changes(moments[0])
    assert changes[["change", "post_id"]].to_numpy().tolist() == [["delete", post]]
    with pytest.raises(sf.ArgumentError, match="nested"):
        dataset.history(column="platforms")
    with pytest.raises(sf.DatasetError, match="begins at"):
        dataset.as_of("2020-01-01")
    with pytest.raises(sf.ArgumentError, match="no column"):
        dataset.history(column="lieks")


def numbers(*likes):
    """Return one reply for each number: a post with these likes."""
    return [{"rows": [{"id": "a", "likes": one}, {"id": "b", "likes": 1}]} for one in likes]


def test_growing_numbers_are_exact(changing):
    """Also beyond 2^53; a value that stays gets no row."""
    grown = [2**53 + 1, 2**53 + 2, 2**53 + 2, 2**53 + 3]
    api = client_of(Scripted(*numbers(*grown)))
    query = api.fetch("/v1/rows", records="rows", key="id", paging=Single())
    dataset = sf.Dataset("rows", query)
    for _ in grown:
        dataset.refresh()

    history = dataset.history("a", "likes")
    assert history["value"].tolist() == sorted(set(grown))
    assert str(history["value"].dtype) == "Int64"
    assert dataset.frame()["likes"].tolist() == [grown[-1], 1]
    assert len(dataset.history("b")) == 1


def test_without_history_as_of_reads_an_older_version(changing):
    """As long as vacuum has kept it; history() says why it has none."""
    dataset = made(changing, history=False)
    dataset.refresh()
    before = dataset.frame()
    moment = datetime.fromtimestamp(changing.now, UTC)
    changing.now += 60
    changing.delete(before["id"][0])
    dataset.refresh()

    pd.testing.assert_frame_equal(dataset.as_of(moment), before, check_flags=False)
    for ask in (dataset.history, dataset.changes):
        with pytest.raises(sf.ArgumentError, match="history=False"):
            ask()


@pytest.mark.parametrize("version", [1, 2])  # another refresh committed it, or none yet
def test_history_of_a_refresh_that_was_not_committed_is_left_out(changing, version):
    """The commit of the rows names the refresh; readers and the next refresh know the others."""
    dataset = made(changing)
    dataset.refresh()
    changes = dataset.changes()
    log = deltalake.DeltaTable("posts/_history")
    lost = log.to_pyarrow_table().slice(0, 3)
    place = lost.schema.names.index("_refresh")
    lost = lost.set_column(place, "_refresh", pa.array(["lost"] * 3))
    place = lost.schema.names.index("_version")
    lost = lost.set_column(place, "_version", pa.array([version] * 3, pa.int64()))
    facts = json.dumps({"id": "lost", "version": version})
    properties = deltalake.CommitProperties(custom_metadata={"socialframe": facts})
    deltalake.write_deltalake(log, lost, mode="append", commit_properties=properties)

    assert len(dataset.changes()) == len(changes)
    changing.delete(changing.posts()[0]["id"])
    dataset.refresh()
    assert len(dataset.changes()) == len(changes) + 1
    stored = deltalake.DeltaTable("posts/_history").to_pyarrow_table()
    assert "lost" not in stored.column("_refresh").to_pylist()


def test_columns_that_come_and_go_are_united():
    """New columns are added, old ones stay as null, a column of nulls waits for its type."""
    first = {"rows": [{"id": "a", "likes": 1, "note": None}]}
    second = {"rows": [{"id": "a", "likes": 1, "note": "x", "views": 2}, {"id": "b"}]}
    third = {"rows": [{"id": "a", "likes": "many", "views": 2.5}]}
    api = client_of(Scripted(first, second, third))
    query = api.fetch("/v1/rows", records="rows", key="id", paging=Single())
    dataset = sf.Dataset("rows", query)
    dataset.refresh()
    assert "note" not in dataset.frame().columns
    dataset.refresh()
    frame = dataset.frame().set_index("id")
    assert frame.loc["a", "note"] == "x"
    assert frame["views"].tolist() == [2, pd.NA]
    dataset.refresh()
    frame = dataset.frame()
    assert frame["likes"].tolist() == ["many"]
    assert frame["views"].tolist() == [2.5]
    assert frame.columns[-1] == "_extra"
    assert dataset.history("a", "likes")["value"].tolist() == ["1", "many"]


def test_rows_without_a_key_or_with_a_nested_one_are_refused():
    """A row that cannot be found again cannot be kept current."""
    api = client_of(Scripted({"rows": [{"id": None, "likes": 1}]}))
    query = api.fetch("/v1/rows", records="rows", key="id", paging=Single())
    with pytest.warns(sf.WalkWarning), pytest.raises(sf.DatasetError, match="has the key"):
        sf.Dataset("rows", query).refresh()


def test_rows_are_selected_by_sql_filters_and_expressions(changing):
    """All three give the same rows; columns keep their dtypes."""
    dataset = made(changing)
    dataset.refresh()
    wanted = dataset.frame().query("status == 'failed'")["id"].tolist()
    assert wanted
    for where in (
        "status = 'failed'",
        [("status", "==", "failed")],
        pc.field("status") == "failed",
    ):
        frame = dataset.frame(columns=["id", "created_at"], where=where)
        assert frame.columns.tolist() == ["id", "created_at"]
        assert frame["id"].tolist() == wanted
        assert str(frame["created_at"].dtype) == "datetime64[us, UTC]"
        assert sorted(dataset.arrow(where=where)["id"].to_pylist()) == sorted(wanted)
    for columns, where in ((["nothing"], None), ("id", None), (None, 5)):
        with pytest.raises(sf.ArgumentError):
            dataset.frame(columns=columns, where=where)
    with pytest.raises(sf.DatasetError, match="cannot be read"):
        dataset.frame(where="no such thing")
    with pytest.raises(sf.DatasetError, match="cannot be read"):
        dataset.frame(where=[("no such column", "==", 1)])


def test_other_libraries_read_the_same_rows(changing):
    """DuckDB and Polars through scan(), pandas and Polars as a Delta table."""
    dataset = sf.Dataset("numbers", changing.api.analytics(since="2026-11-01"))
    dataset.refresh()
    expected = dataset.arrow().sort_by("post_id")
    connection = duckdb.connect().register("numbers", dataset.scan())
    by_duckdb = connection.sql("select * from numbers order by post_id").to_arrow_table()
    by_polars = pl.scan_delta("numbers").sort("post_id").collect().to_arrow()
    by_pandas = deltalake.DeltaTable("numbers").to_pandas().sort_values("post_id")

    for name in ("post_id", "likes", "published_at", "platforms", "engagement_rate"):
        values = expected[name].to_pylist()
        assert by_duckdb[name].to_pylist() == values, name
        assert by_polars[name].to_pylist() == values, name
    likes = [one for one in expected["likes"].to_pylist() if one is not None]
    assert by_pandas["likes"].dropna().tolist() == likes
    assert expected.schema.field("published_at").type == pa.timestamp("us", "UTC")


def test_many_small_files_become_one():
    """Refreshes compact, and vacuum deletes what no version younger than keep uses."""
    api = client_of(Scripted(*numbers(*range(24))))
    query = api.fetch("/v1/rows", records="rows", key="id", paging=Single())
    dataset = sf.Dataset("rows", query)
    for _ in range(24):
        dataset.refresh()
    assert len(deltalake.DeltaTable("rows/_history").file_uris()) < 20
    assert dataset.history("a")["value"].tolist() == list(range(24))
    assert dataset.vacuum() == 0
    with pytest.raises(sf.ArgumentError, match="keep"):
        dataset.vacuum(keep="for ever")


def test_every_endpoint_can_be_kept_current(changing):
    """By its own clock, or as a whole if it has none."""
    api = changing.api
    clocks = {}
    for query in (
        api.posts(since="2026-11-01"),
        api.analytics(since="2026-10-01"),
        api.followers(since="2026-10-01"),
        api.accounts(),
        api.health(),
        api.posts(since="2026-10-01", until="2026-10-31"),
    ):
        name = f"{query._plan.endpoint.name}{len(clocks)}"
        dataset = sf.Dataset(name, query, restate="5 days")
        dataset.refresh()
        refresh = dataset.refresh()
        clocks[name] = refresh.from_ and str(refresh.from_)
        assert refresh.inserted == refresh.deleted == 0
        assert len(dataset.frame()) == len(query.frame())

    assert clocks["accounts3"] is clocks["health4"] is None
    assert clocks["posts0"] == clocks["followers2"] == "2026-11-15"
    assert clocks["analytics1"] is not None
    assert clocks["posts5"] == "2026-10-26"


def test_a_declared_endpoint_of_a_user_can_have_a_clock(changing):
    """clock= names the column that since compares; it must exist."""
    columns = (column("id", "id"), column("at", "timestamp", "createdAt"))

    def declare(clock):
        @endpoint(
            "/v1/posts", records="posts", columns=columns, key="id", paging=Auto(), clock=clock
        )
        def mine(self, since: str | None = None):
            """Query posts."""
            return {"dateFrom": since, "limit": 100}

        return type("Mine", (sf.Client,), {"mine": mine})

    for clock in ("nope", "id"):
        with pytest.raises(sf.ArgumentError, match=clock):
            declare(clock)
    api = declare("at").sandbox(changing.box)
    dataset = sf.Dataset("mine", api.mine())
    dataset.refresh()
    assert str(dataset.refresh().from_) == "2026-11-06"


def test_a_cursor_that_ends_is_complete(changing):
    """Any paging scheme will do, as long as its walk is complete."""
    pages = [{"rows": [{"id": "a"}], "next": "2"}, {"rows": [{"id": "b"}], "next": None}]
    api = client_of(Scripted(*pages))
    paging = Cursor(field="next", param="cursor")
    query = api.fetch("/v1/rows", records="rows", key="id", paging=paging)
    dataset = sf.Dataset("rows", query)
    assert dataset.refresh().inserted == 2
    assert dataset.estimate().requests is not None
    reopened = sf.open_dataset("rows", client=client_of(Scripted(*pages)))
    assert reopened.refresh().unchanged == 2
