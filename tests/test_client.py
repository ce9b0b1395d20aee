"""The client, its endpoints, its queries and the reader functions."""

import datetime as dt
import inspect
import json
import os
import pickle
import stat
from collections import Counter
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from stand_ins import KEY, Clock, Scripted, client_of
from stand_ins import column as made

import socialframe as sf
from socialframe.endpoint import endpoint
from socialframe.paging import Single

ENDPOINTS = ["accounts", "health", "posts", "analytics", "followers"]


@pytest.fixture(scope="module")
def api():
    """Return a client of one sandbox for the module."""
    return sf.Client.sandbox()


def test_no_request_is_sent_before_rows_are_requested():
    """Making and showing clients and queries sends nothing."""
    sandbox = sf.Sandbox()
    api = sf.Client.sandbox(sandbox)

    for name in ENDPOINTS:
        query = getattr(api, name)()
        repr(query), query._repr_html_(), query.columns, query.paging, repr(query.columns)
        query.limit(3)
    repr(api)

    assert list(sandbox.requests) == []


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_frame_has_the_declared_columns_and_dtypes(api, name):
    """In the declared order, with _extra last."""
    query = getattr(api, name)()
    frame = query.frame()

    assert frame.columns.tolist() == query.columns.names
    assert len(frame) > 5
    for column in query.columns:
        if not column.is_list:
            assert str(frame.dtypes[column.name]) == column.dtype
    assert frame.attrs["socialframe"]["complete"] is True
    assert not frame.duplicated(list(query.columns.key)).any()


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint_has_generated_documentation(name):
    """All docstring sections, the table of columns, and Query as the return type."""
    method = getattr(sf.Client, name)
    text = inspect.getdoc(method)

    for section in ("Returns\n-------", "Examples\n--------", "Columns\n-------"):
        assert section in text
    for column in method.endpoint.schema:
        assert f"{column.name}  " in text
        assert column.meaning in text
        assert column.origin in {"documented", "example", "sibling", "unknown"}
    assert inspect.signature(method).return_annotation is sf.Query


def test_posts_have_the_values_of_the_sandbox(api):
    """Each post once, in order."""
    frame, records = api.posts().frame(), list(api.posts().records())

    assert frame["id"].tolist() == [record["id"] for record in records]
    assert 5000 <= len(frame) <= 5800
    assert Counter(frame["status"]) == Counter(record["status"] for record in records)
    for row, record in zip(frame.to_dict("records")[::97], records[::97], strict=True):
        assert row["created_at"] == pd.Timestamp(record["createdAt"])
        assert [t["account_id"] for t in row["platforms"]] == [
            t["accountId"] for t in record["platforms"]
        ]
        assert list(row["tags"]) == record["tags"]


def test_both_end_signs_return_each_post_once():
    """A number of pages and a flag."""
    frames = [
        sf.Client.sandbox(sf.Sandbox(end_sign=sign)).posts().frame()
        for sign in ("pages", "hasMore")
    ]

    assert frames[0]["id"].tolist() == frames[1]["id"].tolist()
    assert frames[0]["id"].is_unique
    assert [f.attrs["socialframe"]["stop"] for f in frames] == [
        "pagination.pages",
        "pagination.hasMore",
    ]


def test_explode_returns_one_row_per_target(api):
    """The limit counts posts; the key is post and position."""
    posts = api.posts().limit(100).frame()
    targets = api.posts().explode("platforms").limit(100).frame()

    assert len(targets) == sum(max(1, len(entry)) for entry in posts["platforms"])
    assert targets["id"].nunique() == 100
    assert not targets.duplicated(["id", "target_position"]).any()
    assert targets["target_status"].isin(["pending", "publishing", "published", "failed"]).all()


def test_filters_are_sent_to_the_api(api):
    """Status, platform, days."""
    frame = api.posts(
        status="published", platform="tiktok", since="2026-03-01", until="2026-03-31"
    ).frame()

    assert set(frame["status"]) == {"published"}
    assert all(any(t["platform"] == "tiktok" for t in targets) for targets in frame["platforms"])
    assert frame["created_at"].min() >= pd.Timestamp("2026-03-01", tz="UTC")
    assert frame["created_at"].max() < pd.Timestamp("2026-04-01", tz="UTC")


def test_an_unknown_platform_is_sent_to_the_api():
    """The API may know more platforms than the client."""
    app = Scripted({"accounts": []})

    client_of(app).accounts(platform="newthing").frame()

    assert app.seen[0]["query"] == "platform=newthing"


@pytest.mark.parametrize(
    "day",
    [
        "2026-01-31",
        dt.date(2026, 1, 31),
        dt.datetime(2026, 1, 31),  # noqa: DTZ001 - naive midnight is a day
        dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
        pd.Timestamp("2026-01-31"),
        pd.Timestamp("2026-01-31", tz="UTC"),
        np.datetime64("2026-01-31"),
        pd.Timestamp("2026-01-31 01:00", tz="Europe/Berlin"),
    ],
)
def test_a_day_may_be_a_string_a_date_or_a_timestamp(api, day):
    """It is sent as YYYY-MM-DD."""
    query = api.posts(since=day, until=day)

    assert query._plan.call.param("dateFrom") == query._plan.call.param("dateTo") == "2026-01-31"
    json.dumps(query.limit(1).frame().attrs["socialframe"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"since": "2026-02-01", "until": "2026-01-01"}, "since .* is after until"),
        ({"since": "2026-01-01T10:00"}, "must be a whole UTC day"),
        ({"since": "2026-01-01 00:00"}, "must be a whole UTC day"),
        ({"until": pd.Timestamp("2026-01-01 10:00")}, "must be a whole UTC day"),
        ({"until": pd.Timestamp("2026-01-01", tz="Asia/Tokyo")}, "must be a whole UTC day"),
        ({"since": pd.NaT}, "is NaT"),
        ({"since": "yesterday"}, "must be a day like"),
        ({"since": "2026-02-30"}, "must be an existing day"),
        ({"since": 20260101}, "must be a day like"),
        ({"per_page": 0}, "per_page must be an integer from 1; got 0"),
        ({"per_page": 1.5}, "per_page must be"),
        ({"per_page": True}, "per_page must be"),
        ({"until": pd.Timestamp("2026-01-31 20:00", tz="America/New_York")}, "Pass '2026-02-01'"),
        ({"since": pd.Timestamp("2026-01-01", tz="Europe/Berlin")}, "Pass '2025-12-31'"),
        ({"status": ["failed", "draft"]}, "status must be a single string"),
        ({"platform": 7}, "platform must be a single string"),
        ({"status": pd.NA}, "status must be a single string"),
    ],
)
def test_invalid_arguments_are_an_argument_error(api, arguments, message):
    """In one sentence, before a request is sent; ArgumentError is a ValueError."""
    with pytest.raises(sf.ArgumentError, match=message) as caught:
        api.posts(**arguments)

    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tier": "gold"}, "tier must be"),
        ({"cache": "1 fortnight"}, "cache must be"),
        ({"cache": "posts.parquet"}, "cache must be"),
        ({"cache": 0}, "cache must be"),
        ({"offline": True, "cache": False}, "need the cache"),
        ({"timeout": 0}, "timeout must be"),
        ({"timeout": (1, -1)}, "timeout must be"),
        ({"timeout": float("nan")}, "timeout must be"),
        ({"max_wait": -1}, "max_wait must be"),
        ({"max_wait": "long"}, "max_wait must be"),
    ],
)
def test_invalid_settings_are_an_argument_error(options, message):
    """When the client is made."""
    with pytest.raises(sf.ArgumentError, match=message):
        sf.Client(KEY, **options)


@pytest.mark.parametrize("rows", [0, -1, 1.5, True, "3"])
def test_an_invalid_row_limit_is_refused(api, rows):
    """It must be a whole number from 1 on."""
    with pytest.raises(sf.ArgumentError, match="rows must be"):
        api.posts().limit(rows)


def test_queries_are_immutable_and_comparable(api):
    """A method returns a new query and leaves the old one unchanged."""
    query = api.posts(status="failed")

    assert query == api.posts(status="failed")
    assert query.limit(3).limit(10)._plan.limit == 3
    assert query._plan.limit is None
    with pytest.raises(AttributeError):
        query._plan = None


def test_a_query_has_a_repr_and_html(api):
    """The HTML escapes the user's text."""
    query = api.posts(status="<b>", since=dt.date(2026, 1, 1)).explode("tags").limit(7)

    assert "posts(status='<b>', since=datetime.date(2026, 1, 1)).limit(7).explode('tags')" in repr(
        query
    )
    assert "nothing sent yet" in repr(query)
    assert "<b>" not in query._repr_html_()
    assert "<td>id</td>" in query._repr_html_()


def test_the_repr_of_a_client_has_no_key():
    """It has the source of the key and the budget."""
    client = sf.Client(KEY, tier="paid")

    assert (
        repr(client)
        == "<Client of https://api.socialsyncerapi.com: key from the argument, 600 calls in 60 s>"
    )
    assert KEY not in repr(vars(client))


def test_followers_are_one_row_per_account_and_day(api):
    """Fields of the account are in each row; a date is a day without a time zone."""
    frame = api.followers(since="2026-10-01", until="2026-10-31").frame()

    assert str(frame["date"].dtype) == "datetime64[us]"
    assert frame["date"].min() == pd.Timestamp("2026-10-01")
    assert frame["date"].max() == pd.Timestamp("2026-10-31")
    assert (frame["date"] >= "2026-10-31").sum() == frame["account_id"].nunique()
    assert len(frame.set_index("date").resample("W")["followers"].mean()) == 5
    accounts = frame.drop_duplicates(["account_id", "current_followers"])
    assert len(accounts) == frame["account_id"].nunique()
    some = frame["account_id"].unique()[:2]
    assert set(api.followers(account_ids=some).frame()["account_id"]) == set(some)
    assert set(api.followers(account_ids=some[0]).frame()["account_id"]) == {some[0]}


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ({"accounts": [], "stats": {}}, 0),
        ({"stats": []}, 0),
        ({"stats": {"a": [{"date": "2026-01-01", "followers": 5}]}}, 1),
        ({"accounts": [{"id": 7}, 3], "stats": {"a": [{"followers": 5}, {}], "b": []}}, 2),
    ],
)
def test_follower_stats_of_unexpected_types_become_rows(body, rows):
    """No entry is dropped."""
    assert len(client_of(Scripted(body)).followers().frame()) == rows


@pytest.mark.parametrize("body", [{"accounts": []}, {"stats": 5}, []])
def test_follower_stats_without_stats_are_a_reply_error(body):
    """The error says that there is no list 'stats'."""
    with pytest.raises(sf.ReplyError, match="no list 'stats'"):
        client_of(Scripted(body)).followers().frame()


def test_targets_of_analytics_have_a_status_and_their_own_numbers(api):
    """A target without a synced status has no numbers; those of the post have other names."""
    frame = api.analytics().explode("platforms").frame()

    assert frame["target_likes"].isna().equals(frame["target_sync_status"] != "synced")
    assert {"published", "failed"} <= set(frame["target_status"])
    failed = frame[frame["target_status"] == "failed"]
    assert failed["target_error"].notna().all()
    assert failed["target_likes"].isna().all()
    assert {"post_likes", "post_engagement_rate", "target_likes"} <= set(frame.columns)
    assert not {"likes", "engagement_rate"} & set(frame.columns)
    posts = api.analytics().frame()
    assert frame["target_likes"].sum() == posts["likes"].sum() < frame["post_likes"].sum()
    assert {"content", "media_type", "is_external"} <= set(posts.columns)


def test_the_plain_sandbox_has_no_drift(api):
    """Each field that it sends has a column."""
    for query in (api.accounts(), api.health(), api.posts(), api.analytics(), api.followers()):
        frame = query.frame()

        assert frame.columns[-1] == "_extra"
        assert frame["_extra"].isna().all()
        assert sf.drift(frame).empty
        if "platforms" in frame.columns:
            assert sf.drift(query.explode("platforms").frame()).empty


def test_a_client_of_a_free_sandbox_waits_before_the_61st_call():
    """Its own budget avoids every 429."""
    clock = Clock()
    sandbox = sf.Sandbox(tier="free", clock=clock)
    api = client_of_sandbox(sandbox, clock)

    api.posts(per_page=50).limit(3500).frame()

    assert len(sandbox.requests) == 70
    assert all(request.status == 200 for request in sandbox.requests)
    assert clock.now >= 1060


def client_of_sandbox(sandbox, clock):
    import httpx

    from socialframe.http.transport import Wiring

    wiring = Wiring(
        transport=lambda: httpx.WSGITransport(app=sandbox.wsgi), sleep=clock.sleep, clock=clock
    )
    return sf.Client(sandbox.key, base_url="https://sandbox.invalid", wiring=wiring)


def test_a_budget_wait_longer_than_max_wait_is_an_error():
    """Before the request is sent."""
    clock = Clock()
    api = client_of(Scripted({"accounts": []}), clock=clock, tier=sf.Limit(1, 60.0), max_wait=10)
    api.accounts().frame()

    with pytest.raises(sf.RateLimitError, match="max_wait") as caught:
        api.accounts().frame()

    assert caught.value.status_code is None
    assert 50 < caught.value.retry_after < 61


def test_a_budget_has_a_repr_and_html():
    """One line, and a table in a notebook."""
    clock = Clock()
    api = client_of(Scripted({"accounts": []}), clock=clock, tier=sf.Limit(2, 60.0))
    api.accounts().frame()
    assert str(api.budget) == "2 calls in 60 s: 1 used, 1 left, next call now"

    api.accounts().frame()

    assert repr(api.budget) == "<Budget of 2 calls in 60 s: 2 used, 0 left, next call in 60 s>"
    shown = api.budget._repr_html_()
    assert "<tr><th>left</th><td>0</td></tr>" in shown
    assert "<tr><th>shared by</th><td>1 process</td></tr>" in shown


def test_a_budget_is_a_shared_file_except_for_a_sandbox():
    """A private file in the user's runtime folder, made at the first use."""
    run = Path(os.environ["XDG_RUNTIME_DIR"])
    sf.Client.sandbox().accounts().frame()
    api = sf.Client("sk_that_no_other_test_has")
    assert list(run.iterdir()) == []

    assert api.budget.used == 0
    assert [path.name for path in run.rglob("*.sqlite")] == ["budget.sqlite"]
    assert stat.S_IMODE((run / "socialframe").stat().st_mode) == 0o700


def test_a_client_adopts_the_servers_limit():
    """Unless the user passed a lower one."""
    headers = {"X-RateLimit-Limit": "600"}
    for tier, calls in [("auto", 600), ("free", 60), (sf.Limit(5), 5)]:
        api = client_of(Scripted((200, {"accounts": []}, headers)), tier=tier)
        api.accounts().frame()
        assert api.budget.limit.calls == calls

    api = client_of(Scripted((200, {"accounts": []}, {"X-RateLimit-Limit": "30"})), tier="paid")
    api.accounts().frame()
    assert api.budget.limit.calls == 30


@pytest.mark.parametrize(
    "headers",
    [
        {"X-RateLimit-Limit": "many"},
        {"X-RateLimit-Limit": "0"},
        {"X-RateLimit-Limit": "9" * 30},
        {"X-RateLimit-Limit": "1000", "X-RateLimit-Reset": "3600"},
    ],
)
def test_an_invalid_limit_header_is_ignored(headers):
    """Text, zero, a huge number, the limit of an hour."""
    api = client_of(Scripted((200, {"accounts": []}, headers)))
    api.accounts().frame()

    assert api.budget.limit == sf.Limit(60, 60.0)


def test_the_default_client_follows_the_environment(monkeypatch):
    """One client per tenant; MissingKeyError without a key."""
    from socialframe import readers

    with pytest.raises(sf.MissingKeyError):
        sf.read_posts()
    sandbox = sf.Sandbox()
    with sandbox.serve() as url:
        monkeypatch.setenv("SOCIALAPI_KEY", sandbox.key)
        monkeypatch.setenv("SOCIALAPI_BASE_URL", url)

        assert len(sf.read_accounts()) >= 12
        assert len(sf.read_posts(status="failed", since="2026-01-01")) > 0

        monkeypatch.setenv("SOCIALAPI_KEY", KEY)
        with pytest.raises(sf.AuthenticationError) as caught:
            sf.read_health()
    assert caught.value.code == "AUTH_INVALID_KEY"
    for client in readers._clients.values():
        client.close()


@pytest.mark.parametrize("ids", [[], pd.Series(dtype="str"), ["a", None], "", ["a", ""], [7]])
def test_empty_account_ids_are_refused(api, ids):
    """An empty filter or a missing id is a mistake, not a request for all accounts."""
    with pytest.raises(sf.ArgumentError, match="account_ids must be one or more"):
        api.followers(ids)


def test_pickling_a_client_or_query_is_a_type_error(api):
    """A client holds the key, and a query holds its client."""
    for value in (api, api.posts()):
        with pytest.raises(TypeError, match="Make one in each process"):
            pickle.dumps(value)


def test_pages_have_one_continuous_index(api):
    """They concatenate like the chunks of read_csv."""
    query = api.posts(per_page=40).limit(100)

    pages = pd.concat(query.pages())

    assert pages.index.tolist() == list(range(100))
    pd.testing.assert_frame_equal(pages.reset_index(drop=True), query.frame())


def test_head_of_an_exploded_query_counts_rows(api):
    """Not posts."""
    assert len(api.posts().explode("platforms").head(7)) == 7


def test_completion_of_a_query_lists_its_public_methods(api):
    """No internal fields."""
    names = [name for name in dir(api.posts()) if not name.startswith("_")]

    assert names == [
        "arrow",
        "columns",
        "estimate",
        "explode",
        "frame",
        "head",
        "kept",
        "limit",
        "pages",
        "paging",
        "records",
        "to_csv",
        "to_jsonl",
        "to_parquet",
    ]


def test_an_arrow_table_has_provenance(api):
    """In the metadata of its schema."""
    facts = json.loads(api.accounts().arrow().schema.metadata[b"socialframe"])

    assert facts["endpoint"] == "accounts"


@pytest.mark.parametrize("wrong", ["free", sf.Client])
def test_an_invalid_sandbox_is_refused(wrong):
    """The tier is a keyword argument."""
    with pytest.raises(sf.ArgumentError, match="must be a Sandbox"):
        sf.Client.sandbox(wrong)
    with pytest.raises(sf.ArgumentError, match="tier must be"):
        sf.Client.sandbox(tier="gold")


def test_reader_functions_return_the_frames_of_queries(api):
    """With any client."""
    for helper, query in {
        sf.read_accounts: api.accounts(),
        sf.read_health: api.health(),
        sf.read_analytics: api.analytics(),
        sf.read_followers: api.followers(),
    }.items():
        pd.testing.assert_frame_equal(helper(client=api), query.frame())
    pd.testing.assert_frame_equal(
        sf.read_posts("failed", "tiktok", "2026-01-01", "2026-06-30", 50, client=api),
        api.posts("failed", "tiktok", "2026-01-01", "2026-06-30", 50).frame(),
    )


def test_arrow_csv_and_jsonl_have_the_rows_of_the_frame(api, tmp_path):
    """In the same order."""
    query = api.posts(since="2026-10-01")
    names = query.frame()["id"].tolist()

    assert query.arrow().schema.equals(query.columns.arrow)
    assert query.arrow()["id"].to_pylist() == names
    assert pd.read_csv(query.to_csv(tmp_path / "p.csv"))["id"].tolist() == names
    lines = (query.to_jsonl(tmp_path / "p.jsonl")).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == names


def test_an_endpoint_can_be_declared_outside_the_package():
    """It has columns, help, types and frames."""

    class Mine(sf.Client):
        @endpoint(
            "/v1/accounts",
            records="accounts",
            columns=(sf.Column(name="who", path="username", type="string", meaning="Who it is."),),
            key=("who",),
        )
        def names(self, platform: str | None = None):
            """Names of accounts."""
            return {"platform": platform}

    query = Mine.sandbox().names(platform="instagram")

    assert query.frame()["who"].notna().all()
    assert "Who it is." in inspect.getdoc(Mine.names)
    assert inspect.signature(Mine.names).parameters["platform"].default is None
    with pytest.raises(TypeError, match="nonsense"):
        Mine.sandbox().names(nonsense=1)


def test_numpy_values_are_valid_arguments(api):
    """For example, taken from a frame."""
    assert (
        api.posts(per_page=50, status=np.str_("failed")).limit(1).frame()["status"][0] == "failed"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": 5},
        {"path": "v1/posts"},
        {"records": 5},
        {"params": [("a", 1)]},
        {"params": "limit=3"},
        {"params": {5: 6}},
        {"columns": 5},
        {"columns": [1]},
        {"columns": "abc"},
        {"columns": {"a": 5}},
        {"columns": {"_extra": "string"}},
        {"key": 5},
        {"key": [5]},
        {"columns": [made("a", "list<string>")], "key": "a"},
        {"columns": [made("a", "id"), made("a", "id")]},
        {"columns": [made("a", "id")], "key": "b"},
    ],
    ids=str,
)
def test_invalid_arguments_of_fetch_are_refused(wrong):
    """Before a request is sent."""
    with pytest.raises(sf.ArgumentError):
        sf.Client.sandbox().fetch(**{"path": "/v1/posts", **wrong})


def test_a_declared_key_may_be_a_string_but_must_be_a_column():
    """It is checked in the declaration, before any walk."""

    def declared(**more):
        return endpoint("/v1/posts", records="posts", columns=[made("id", "id")], **more)

    class Mine(sf.Client):
        @declared(key="id")
        def ids(self):
            return {"limit": 3}

        @declared()
        def nothing(self):
            return None

    with pytest.warns(sf.WalkWarning, match="there are more"):  # it is declared as one reply
        assert len(Mine.sandbox().ids().frame()) == 3
    with pytest.raises(sf.ArgumentError, match="no column 'nope'"):
        declared(key="nope")(lambda client: {})
    with pytest.raises(sf.ArgumentError, match="must return a mapping"):
        Mine.sandbox().nothing()


@pytest.mark.parametrize(
    "body",
    [
        b'{"rows":[{"\\ud800":1,"b":{"\\udfff":2}}]}',
        b'{"rows":[{"_extra":1,"a":"x"},{"_extra":{"b":1}}]}',
        b'{"rows":[{"a":NaN},{"a":1e999}]}',
    ],
)
def test_unusual_names_and_numbers_are_kept_and_written(body, tmp_path):
    """Names that are not valid UTF-8, a field named _extra, NaN and infinity."""
    for columns in (None, {"a": "string"}):
        query = client_of(Scripted(body)).fetch("/v1/x", columns=columns, paging=Single())

        frame = query.frame()
        query.to_parquet(tmp_path / "x.parquet")
        query.to_jsonl(tmp_path / "x.jsonl")

        assert len(frame) == len(pd.read_parquet(tmp_path / "x.parquet")) > 0
        for line in (tmp_path / "x.jsonl").read_text(encoding="utf-8").splitlines():
            json.loads(line, parse_constant=pytest.fail)


def test_the_html_of_a_query_shows_the_provenance_of_its_last_walk():
    """Also for an equal query; without the key."""
    api = sf.Client.sandbox()
    query = api.accounts("tiktok")
    assert "nothing sent yet" in query._repr_html_()
    frame = query.frame()

    for same in (query, api.accounts("tiktok")):
        shown = unescape(same._repr_html_())
        assert f"Last time: {sf.provenance(frame)}." in shown
        assert api._sandbox.key not in shown
    assert "nothing sent yet" in api.accounts("threads")._repr_html_()


def test_two_sandboxes_share_no_cache_entries(tmp_path):
    """Even with the same key and cache file."""
    for posts in (100, 250):
        sandbox = sf.Sandbox(posts=posts, key=KEY)
        assert len(sf.Client.sandbox(sandbox, cache=tmp_path / "c.sqlite").posts().frame()) == posts


@pytest.mark.parametrize(
    "limit", [("60",), (None,), (60, "x"), (1.5,), (True,), (60, float("inf"))]
)
def test_an_invalid_rate_limit_is_refused(limit):
    """When the client is made."""
    with pytest.raises(sf.ArgumentError, match="allow 1 call or more"):
        sf.Client(KEY, tier=sf.Limit(*limit))


@pytest.mark.parametrize(
    "day",
    [
        dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5))),
        dt.datetime(9999, 12, 31, 23, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
    ],
)
def test_a_day_outside_the_supported_years_is_refused(api, day):
    """For example, its UTC day is in year 0."""
    with pytest.raises(sf.ArgumentError, match="days that exist in UTC"):
        api.posts(since=day)


@pytest.mark.parametrize("progress", [1, "yes", []])
def test_an_invalid_progress_argument_is_refused(progress):
    """Before a request is sent."""
    api = sf.Client.sandbox()
    with pytest.raises(sf.ArgumentError, match="progress must be"):
        api.accounts().frame(progress=progress)

    assert api._sandbox.requests == []
