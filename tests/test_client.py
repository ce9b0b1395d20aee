"""The client, its endpoints, its queries and the helpers."""

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


def test_nothing_is_sent_before_rows_are_asked_for():
    """Neither by the client, nor by a query, nor by showing it."""
    box = sf.Sandbox()
    api = sf.Client.sandbox(box)

    for name in ENDPOINTS:
        query = getattr(api, name)()
        repr(query), query._repr_html_(), query.columns, query.paging, repr(query.columns)
        query.limit(3)
    repr(api)

    assert list(box.requests) == []


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_frame_has_the_declared_columns_and_dtypes(api, name):
    """In their order; _extra last."""
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
def test_an_endpoint_documents_itself(name):
    """Docstring with every section and the table of its columns; signature with a Query."""
    method = getattr(sf.Client, name)
    text = inspect.getdoc(method)

    for section in ("Returns\n-------", "Examples\n--------", "Columns\n-------"):
        assert section in text
    for column in method.endpoint.schema:
        assert f"{column.name}  " in text
        assert column.meaning in text
        assert column.origin in {"documented", "example", "sibling", "unknown"}
    assert inspect.signature(method).return_annotation is sf.Query


def test_posts_are_as_the_sandbox_lists_them(api):
    """Every post once; every value of every record is in the frame."""
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


def test_both_end_signs_give_every_post_once():
    """By a number of pages and by a flag."""
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


def test_explode_gives_one_row_a_target(api):
    """Limit counts posts; the key is post and position."""
    posts = api.posts().limit(100).frame()
    targets = api.posts().explode("platforms").limit(100).frame()

    assert len(targets) == sum(max(1, len(entry)) for entry in posts["platforms"])
    assert targets["id"].nunique() == 100
    assert not targets.duplicated(["id", "target_position"]).any()
    assert targets["target_status"].isin(["pending", "publishing", "published", "failed"]).all()


def test_filters_reach_the_api(api):
    """Status, platform, days."""
    frame = api.posts(
        status="published", platform="tiktok", since="2026-03-01", until="2026-03-31"
    ).frame()

    assert set(frame["status"]) == {"published"}
    assert all(any(t["platform"] == "tiktok" for t in targets) for targets in frame["platforms"])
    assert frame["created_at"].min() >= pd.Timestamp("2026-03-01", tz="UTC")
    assert frame["created_at"].max() < pd.Timestamp("2026-04-01", tz="UTC")


def test_a_platform_that_we_do_not_know_is_passed_on():
    """The API's word counts."""
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
def test_days_are_taken_in_each_common_form(api, day):
    """And sent as the sibling API takes them."""
    query = api.posts(since=day, until=day)

    assert query._plan.call.param("dateFrom") == query._plan.call.param("dateTo") == "2026-01-31"
    json.dumps(query.limit(1).frame().attrs["socialframe"])


@pytest.mark.parametrize(
    ("arguments", "words"),
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
def test_bad_arguments_are_one_sentence(api, arguments, words):
    """Before anything is sent; a ValueError too, for those who catch that."""
    with pytest.raises(sf.ArgumentError, match=words) as caught:
        api.posts(**arguments)

    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
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
def test_bad_settings_are_one_sentence(options, words):
    """At once."""
    with pytest.raises(sf.ArgumentError, match=words):
        sf.Client(KEY, **options)


@pytest.mark.parametrize("rows", [0, -1, 1.5, True, "3"])
def test_a_limit_is_a_whole_number(api, rows):
    """From 1 on."""
    with pytest.raises(sf.ArgumentError, match="rows must be"):
        api.posts().limit(rows)


def test_queries_are_values(api):
    """Immutable, equal by what they ask; a filtered one does not change the one it came from."""
    query = api.posts(status="failed")

    assert query == api.posts(status="failed")
    assert query.limit(3).limit(10)._plan.limit == 3
    assert query._plan.limit is None
    with pytest.raises(AttributeError):
        query._plan = None


def test_a_query_shows_what_it_is(api):
    """As text and as HTML; what a user typed is escaped."""
    query = api.posts(status="<b>", since=dt.date(2026, 1, 1)).explode("tags").limit(7)

    assert "posts(status='<b>', since=datetime.date(2026, 1, 1)).limit(7).explode('tags')" in repr(
        query
    )
    assert "nothing sent yet" in repr(query)
    assert "<b>" not in query._repr_html_()
    assert "<td>id</td>" in query._repr_html_()


def test_a_client_shows_no_key():
    """Where it came from, and the budget."""
    client = sf.Client(KEY, tier="paid")

    assert (
        repr(client)
        == "<Client of https://api.socialsyncerapi.com: key from the argument, 600 calls in 60 s>"
    )
    assert KEY not in repr(vars(client))


def test_followers_are_one_row_an_account_and_day(api):
    """What the reply says of the account stands on each row."""
    frame = api.followers(since="2026-10-01", until="2026-10-31").frame()

    assert frame["date"].min() == pd.Timestamp("2026-10-01", tz="UTC")
    assert frame["date"].max() == pd.Timestamp("2026-10-31", tz="UTC")
    assert len(frame.set_index("date").resample("W")["followers"].mean()) == 5
    assert "/account/currentFollowers" in json.loads(frame["_extra"][0])
    some = frame["account_id"].unique()[:2]
    assert set(api.followers(account_ids=some).frame()["account_id"]) == set(some)
    assert set(api.followers(account_ids=some[0]).frame()["account_id"]) == {some[0]}


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ({"accounts": [], "stats": {}}, 0),
        ({"stats": []}, 0),
        ({"stats": {"a": [{"date": "2026-01-01", "followers": 5}]}}, 1),
        ({"accounts": [{"id": 7}, 3], "stats": {"a": [5], "b": None}}, 2),
    ],
)
def test_follower_stats_of_odd_shapes_are_rows_all_the_same(body, rows):
    """Nothing is dropped."""
    assert len(client_of(Scripted(body)).followers().frame()) == rows


@pytest.mark.parametrize("body", [{"accounts": []}, {"stats": 5}, []])
def test_follower_stats_without_stats_are_an_error(body):
    """That names what is there."""
    with pytest.raises(sf.ReplyError, match="no list 'stats'"):
        client_of(Scripted(body)).followers().frame()


def test_analytics_have_nulls_where_a_platform_reports_nothing(api):
    """And what is no column is kept."""
    frame = api.analytics().explode("platforms").frame()

    assert frame["target_saves"].isna().any()
    assert (frame["target_likes"].dropna() >= 0).all()
    assert {"/content", "/status"} <= set(json.loads(frame["_extra"][0]))


def test_a_free_sandbox_keeps_to_sixty_calls_and_the_client_waits():
    """By its own budget, so that no 429 comes."""
    clock = Clock()
    box = sf.Sandbox(tier="free", clock=clock)
    api = client_of_sandbox(box, clock)

    api.posts(per_page=50).limit(3500).frame()

    assert len(box.requests) == 70
    assert all(asked.status == 200 for asked in box.requests)
    assert clock.now >= 1060


def client_of_sandbox(box, clock):
    import httpx

    from socialframe.http.transport import Wiring

    wiring = Wiring(
        transport=lambda: httpx.WSGITransport(app=box.wsgi), sleep=clock.sleep, clock=clock
    )
    return sf.Client(box.key, base_url="https://sandbox.invalid", wiring=wiring)


def test_a_budget_wait_beyond_max_wait_is_an_error():
    """Said before anything is sent."""
    clock = Clock()
    api = client_of(Scripted({"accounts": []}), clock=clock, tier=sf.Limit(1, 60.0), max_wait=10)
    api.accounts().frame()

    with pytest.raises(sf.RateLimitError, match="max_wait") as caught:
        api.accounts().frame()

    assert caught.value.status_code is None
    assert 50 < caught.value.retry_after < 61


def test_a_client_says_how_its_budget_stands():
    """In one line, and in a notebook as a table."""
    clock = Clock()
    api = client_of(Scripted({"accounts": []}), clock=clock, tier=sf.Limit(2, 60.0))
    api.accounts().frame()
    assert str(api.budget) == "2 calls in 60 s: 1 used, 1 left, next call now"

    api.accounts().frame()

    assert repr(api.budget) == "<Budget of 2 calls in 60 s: 2 used, 0 left, next call in 60 s>"
    shown = api.budget._repr_html_()
    assert "<tr><th>left</th><td>0</td></tr>" in shown
    assert "<tr><th>shared by</th><td>1 process</td></tr>" in shown


def test_processes_of_one_key_share_a_budget_and_a_sandbox_has_its_own():
    """By a file in the user's runtime folder, made when it is first used."""
    run = Path(os.environ["XDG_RUNTIME_DIR"])
    sf.Client.sandbox().accounts().frame()
    api = sf.Client("sk_that_no_other_test_has")
    assert list(run.iterdir()) == []

    assert api.budget.used == 0
    assert [path.name for path in run.rglob("*.sqlite")] == ["budget.sqlite"]
    assert stat.S_IMODE((run / "socialframe").stat().st_mode) == 0o700


def test_a_client_learns_the_limit_that_the_server_tells():
    """Unless it was given one that is lower."""
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
def test_a_limit_that_cannot_be_meant_for_our_window_is_not_learnt(headers):
    """Odd text, none at all, an hour's."""
    api = client_of(Scripted((200, {"accounts": []}, headers)))
    api.accounts().frame()

    assert api.budget.limit == sf.Limit(60, 60.0)


def test_the_default_client_follows_the_environment(monkeypatch):
    """One a tenant; without a key an error that helps."""
    from socialframe import readers

    with pytest.raises(sf.MissingKeyError):
        sf.read_posts()
    box = sf.Sandbox()
    with box.serve() as url:
        monkeypatch.setenv("SOCIALAPI_KEY", box.key)
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
def test_no_accounts_are_not_all_accounts(api, ids):
    """An empty filter is a mistake, as is one with holes."""
    with pytest.raises(sf.ArgumentError, match="account_ids must be one or more"):
        api.followers(ids)


def test_a_client_does_not_pickle_and_says_why(api):
    """It holds a key; nor does a query, which holds a client."""
    for value in (api, api.posts()):
        with pytest.raises(TypeError, match="Make one in each process"):
            pickle.dumps(value)


def test_pages_have_one_index_over_all_of_them(api):
    """So that they concatenate as chunks of read_csv do."""
    query = api.posts(per_page=40).limit(100)

    pages = pd.concat(query.pages())

    assert pages.index.tolist() == list(range(100))
    pd.testing.assert_frame_equal(pages.reset_index(drop=True), query.frame())


def test_head_gives_as_many_rows_as_asked(api):
    """Of an explode too."""
    assert len(api.posts().explode("platforms").head(7)) == 7


def test_a_query_offers_what_a_user_wants(api):
    """Completion shows methods, not the fields it is made of."""
    offered = [name for name in dir(api.posts()) if not name.startswith("_")]

    assert offered == [
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


def test_arrow_says_where_rows_came_from(api):
    """In the schema's metadata."""
    facts = json.loads(api.accounts().arrow().schema.metadata[b"socialframe"])

    assert facts["endpoint"] == "accounts"


@pytest.mark.parametrize("wrong", ["free", sf.Client])
def test_a_sandbox_that_is_none_is_one_sentence(wrong):
    """A tier goes by keyword."""
    with pytest.raises(sf.ArgumentError, match="must be a Sandbox"):
        sf.Client.sandbox(wrong)
    with pytest.raises(sf.ArgumentError, match="tier must be"):
        sf.Client.sandbox(tier="gold")


def test_helpers_give_what_queries_give(api):
    """At once, by any client."""
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


def test_arrow_and_csv_and_jsonl_hold_the_same_rows(api, tmp_path):
    """As the frame."""
    query = api.posts(since="2026-10-01")
    names = query.frame()["id"].tolist()

    assert query.arrow().schema.equals(query.columns.arrow)
    assert query.arrow()["id"].to_pylist() == names
    assert pd.read_csv(query.to_csv(tmp_path / "p.csv"))["id"].tolist() == names
    lines = (query.to_jsonl(tmp_path / "p.jsonl")).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == names


def test_an_endpoint_can_be_declared_outside_the_package():
    """In ten lines: then it has columns, help, types, frame."""

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


def test_numpy_values_are_taken_as_arguments(api):
    """As they come out of a frame."""
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
def test_what_fetch_cannot_mean_is_one_sentence(wrong):
    """Before anything is sent."""
    with pytest.raises(sf.ArgumentError):
        sf.Client.sandbox().fetch(**{"path": "/v1/posts", **wrong})


def test_a_declaration_takes_a_key_as_text_and_refuses_one_that_is_no_column():
    """When it is declared, not when it is walked."""

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
def test_strange_members_are_kept_and_written(body, tmp_path):
    """Names that no UTF-8 holds, a member of our own column's name, numbers that JSON lacks."""
    for columns in (None, {"a": "string"}):
        query = client_of(Scripted(body)).fetch("/v1/x", columns=columns, paging=Single())

        frame = query.frame()
        query.to_parquet(tmp_path / "x.parquet")
        query.to_jsonl(tmp_path / "x.jsonl")

        assert len(frame) == len(pd.read_parquet(tmp_path / "x.parquet")) > 0
        for line in (tmp_path / "x.jsonl").read_text(encoding="utf-8").splitlines():
            json.loads(line, parse_constant=pytest.fail)


def test_a_query_that_was_walked_shows_where_its_rows_came_from():
    """In the line of ``provenance``, also as another query of the same; no key in it."""
    api = sf.Client.sandbox()
    query = api.accounts("tiktok")
    assert "nothing sent yet" in query._repr_html_()
    frame = query.frame()

    for same in (query, api.accounts("tiktok")):
        shown = unescape(same._repr_html_())
        assert f"Last time: {sf.provenance(frame)}." in shown
        assert api._sandbox.key not in shown
    assert "nothing sent yet" in api.accounts("threads")._repr_html_()


def test_two_sandboxes_share_no_rows(tmp_path):
    """Also where both have one key, and one file for what is kept."""
    for posts in (100, 250):
        box = sf.Sandbox(posts=posts, key=KEY)
        assert len(sf.Client.sandbox(box, cache=tmp_path / "c.sqlite").posts().frame()) == posts


@pytest.mark.parametrize(
    "limit", [("60",), (None,), (60, "x"), (1.5,), (True,), (60, float("inf"))]
)
def test_a_limit_that_cannot_be_meant_is_refused(limit):
    """In a sentence."""
    with pytest.raises(sf.ArgumentError, match="allow 1 call or more"):
        sf.Client(KEY, tier=sf.Limit(*limit))


@pytest.mark.parametrize(
    "day",
    [
        dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5))),
        dt.datetime(9999, 12, 31, 23, tzinfo=dt.timezone(dt.timedelta(hours=-5))),
    ],
)
def test_a_day_beyond_all_days_is_refused(api, day):
    """In a sentence."""
    with pytest.raises(sf.ArgumentError, match="days that exist in UTC"):
        api.posts(since=day)


@pytest.mark.parametrize("progress", [1, "yes", []])
def test_progress_that_cannot_be_meant_is_refused(progress):
    """Before anything is sent."""
    api = sf.Client.sandbox()
    with pytest.raises(sf.ArgumentError, match="progress must be"):
        api.accounts().frame(progress=progress)

    assert api._sandbox.requests == []
