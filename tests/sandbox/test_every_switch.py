"""Walks of our client with every paging family and end sign of the sandbox."""

import json
import warnings

import pyarrow.parquet as pq
import pytest

import socialframe as sf
from socialframe.paging import AfterId, PageNumber, Single
from socialframe.sandbox import PAGINGS, Sandbox
from socialframe.sandbox.world.world import the_world

SWITCHES = [(paging, sign) for paging, signs in PAGINGS.items() for sign in signs]
SPAN = {"dateFrom": "2026-09-01", "dateTo": "2026-09-30", "limit": 20}

#: What Auto cannot detect in a sandbox, and the hint that its message names.
HINTS = {
    "after_id": ("paging=…", AfterId(param="after")),
    "none": ("paging=…", Single()),
    ("page", "short"): ("paging=…", PageNumber(size_param="limit")),
}


@pytest.fixture(scope="module")
def some_posts():
    """Return the posts of a month from the default sandbox."""
    query = sf.Client.sandbox().posts(since="2026-09-01", until="2026-09-30")
    records = list(query.records())
    assert 100 < len(records) < 1000
    return records


@pytest.mark.sockets
@pytest.mark.parametrize(("paging", "sign"), SWITCHES)
def test_a_declared_walk_over_a_socket_returns_each_post_once(paging, sign, tmp_path):
    """With a warning if the server does not mention other pages; one case walks the whole world."""
    posts = the_world().initial.posts
    since = None if (paging, sign) == ("page", "pages") else "2026-10-01"
    every_post = [post["id"] for post in posts if post["createdAt"] >= (since or "")]
    box = Sandbox(paging=paging, end_sign=sign)
    with box.serve() as url, sf.Client(box.key, base_url=url, tier="paid") as api:
        query = api.posts(since=since)
        if paging == "none":
            with pytest.warns(sf.WalkWarning, match="does not mention other pages"):
                query.to_parquet(tmp_path / "posts.parquet")
        else:
            query.to_parquet(tmp_path / "posts.parquet")

    assert pq.read_table(tmp_path / "posts.parquet")["id"].to_pylist() == every_post


@pytest.mark.parametrize(
    ("paging", "sign", "way"),
    [
        *((*one, "frame") for one in SWITCHES),
        ("cursor", "null", "pages"),
        ("link", "absent", "records"),
    ],
)
def test_analytics_are_the_same_with_every_paging_and_end_sign(paging, sign, way):
    """Rows and order, for each output."""
    queries = [
        sf.Client.sandbox(Sandbox(paging=p, end_sign=s)).analytics(since="2026-10-28", per_page=25)
        for p, s in [("page", "pages"), (paging, sign)]
    ]
    if paging == "none":
        expected = list(queries[0].records())
        with pytest.warns(sf.WalkWarning, match="does not mention other pages"):
            found = _ids(queries[1], way)
    else:
        expected, found = list(queries[0].records()), _ids(queries[1], way)

    assert len(expected) > 100
    assert found == [record["id"] for record in expected]


def _ids(query, way):
    if way == "records":
        return [record["id"] for record in query.records()]
    frames = [query.frame()] if way == "frame" else query.pages()
    return [name for frame in frames for name in frame["post_id"]]


@pytest.mark.parametrize(
    ("paging", "sign", "key"),
    [
        *((*one, None) for one in SWITCHES),
        *((paging, PAGINGS[paging][0], "id") for paging in PAGINGS),
    ],
)
def test_auto_paging_is_correct_or_names_the_hint_it_needs(paging, sign, key, some_posts):
    """No rows are missing silently, and with the hint the walk is complete."""
    api = sf.Client.sandbox(Sandbox(paging=paging, end_sign=sign))
    asked = {"params": SPAN, "key": key}
    need = HINTS.get((paging, sign)) or HINTS.get(paging)

    if need is None:
        frame = api.fetch("/v1/posts", **asked).frame()
        assert frame.attrs["socialframe"]["complete"] is True
    else:
        sentence, hint = need
        if paging == "cursor":
            with pytest.raises(sf.IncompleteWalk, match=sentence):
                api.fetch("/v1/posts", **asked).frame()
        else:
            with pytest.warns(sf.WalkWarning, match=sentence):
                short = api.fetch("/v1/posts", **asked).frame()
            assert short.attrs["socialframe"]["complete"] is None
        frame = api.fetch("/v1/posts", **asked, paging=hint).frame()

    assert frame["id"].tolist() == [post["id"] for post in some_posts]
    assert frame["content"].fillna("").tolist() == [post["content"] or "" for post in some_posts]


@pytest.mark.parametrize("sign", PAGINGS["cursor"])
def test_auto_paging_with_token_param_walks_every_cursor(sign, some_posts):
    """The flag ends the walk if the last page has a token."""
    api = sf.Client.sandbox(Sandbox(paging="cursor", end_sign=sign))
    query = api.fetch("/v1/posts", params=SPAN, paging=sf.paging.Auto(token_param="cursor"))

    assert list(query.records()) == json.loads(json.dumps(some_posts))


@pytest.mark.parametrize(("paging", "sign"), SWITCHES)
def test_a_page_cap_below_the_limit_loses_no_row(paging, sign, some_posts):
    """A short page is not the end then."""
    api = sf.Client.sandbox(Sandbox(paging=paging, end_sign=sign, page_cap=7))
    query = api.posts(since="2026-09-01", until="2026-09-30")
    with warnings.catch_warnings():
        if paging == "none":
            warnings.simplefilter("ignore", sf.WalkWarning)
        assert list(query.records()) == some_posts
