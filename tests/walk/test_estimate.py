"""What a query would cost, and what it may."""

import pickle
from urllib.parse import parse_qs

import pytest
from stand_ins import Clock, Scripted, client_of, posts_page

import socialframe as sf
from socialframe.paging import AfterId, Offset
from socialframe.walk.estimate import Estimate, QueryStats, remember

WAYS = {
    "frame": lambda query, **more: query.frame(**more),
    "arrow": lambda query, **more: query.arrow(**more),
    "pages": lambda query, **more: list(query.pages(**more)),
    "records": lambda query, **more: list(query.records(**more)),
    "to_parquet": lambda query, **more: query.to_parquet("x.parquet", **more),
    "to_csv": lambda query, **more: query.to_csv("x.csv", **more),
    "to_jsonl": lambda query, **more: query.to_jsonl("x.jsonl", **more),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def sandbox(**options):
    """Return a sandbox and a client of it."""
    box = sf.Sandbox()
    return box, sf.Client.sandbox(box, **{"cache": False, **options})


def paged(pages, *, size=2):
    """Return an application of so many pages of posts, by number."""

    def answer(environ):
        number = int(parse_qs(environ["QUERY_STRING"]).get("page", ["1"])[0])
        ids = [f"p{number}_{place}" for place in range(size)]
        return posts_page(ids, page=number, pages=pages)

    return Scripted(answer)


def test_an_estimate_sends_nothing_and_is_unknown_before_a_page_was_seen():
    """None stands for what is not known."""
    box, api = sandbox()

    cost = api.posts().estimate()

    assert (cost.requests, cost.cached, cost.seconds) == (None, 0, None)
    assert list(box.requests) == []
    assert "Cost" not in api.posts()._repr_html_()


def test_what_comes_in_one_reply_is_one_request():
    """Known without having asked."""
    box, api = sandbox()

    assert api.accounts().estimate() == Estimate(1, 0, 0.0)
    assert list(box.requests) == []


def test_one_page_tells_what_all_take():
    """Of the same query, with a limit or without, and of no other."""
    box, api = sandbox()
    api.posts().head()
    assert len(box.requests) == 1

    assert api.posts().estimate() == Estimate(54, 0, 0.0)
    assert api.posts().limit(250).estimate().requests == 3
    assert api.posts().limit(10**6).estimate().requests == 54
    assert api.posts(per_page=50).estimate().requests is None
    assert api.posts(status="failed").estimate().requests is None
    assert len(box.requests) == 1


def test_a_walk_that_was_left_after_a_page_told_it_too():
    """Of frames and of records."""
    for first in (lambda query: query.pages(), lambda query: query.records()):
        _, api = sandbox()
        rows = first(api.posts())
        next(rows)
        rows.close()

        assert api.posts().estimate().requests == 54


def test_a_walk_that_begins_later_takes_fewer_requests():
    """By number, and by offset."""
    _, api = sandbox()
    late = api.fetch("/v1/posts", params={"page": 50, "limit": 100})
    late.head()
    assert late.estimate().requests == 5

    def answer(environ):
        at = int(parse_qs(environ["QUERY_STRING"])["offset"][0])
        return {"rows": [{"id": n} for n in range(at, min(at + 10, 95))], "total": 95}

    app, paging = Scripted(answer), Offset(total_rows="total")
    late = client_of(app).fetch("/v1/rows", params={"offset": 60, "limit": 10}, paging=paging)
    late.head()
    assert late.estimate().requests == 4
    assert len(late.frame()) == 35
    assert len(app.seen) == 5


def test_the_estimate_is_what_the_walk_then_takes():
    """Requests and seconds, by the budget as it stands."""
    clock, app = Clock(), paged(130)
    api = client_of(app, clock=clock, tier=sf.Limit(60, 60.0))
    api.posts().head(1)
    cost, began = api.posts().estimate(), clock.now

    api.posts().frame()

    assert cost.requests == len(app.seen) - 1 == 130
    assert cost.seconds == pytest.approx(clock.now - began)
    assert cost.seconds == pytest.approx(2 * 60.05)


def test_another_client_does_not_know_what_this_one_met():
    """Nor one of another key."""
    box, api = sandbox()
    api.posts().head()

    assert sf.Client.sandbox(box).posts().estimate().requests is None


def test_a_walk_in_the_cache_costs_nothing_while_it_is_fresh():
    """Afterwards it says how many requests it takes anew."""
    box, now = sf.Sandbox(), [1.7e9]
    options = {"cache": "1 hour", "key": box.key, "now": lambda: now[0]}
    client_of(box.wsgi, **options).posts().frame()
    before = len(box.requests)
    api = client_of(box.wsgi, **options)
    assert api.posts().estimate() == Estimate(54, 54, 0.0)
    assert api.posts().limit(250).estimate() == Estimate(54, 54, 0.0)
    assert "54 requests, 54 cached; no wait" in api.posts()._repr_html_()

    now[0] += 3601

    assert api.posts().estimate().requests == 54
    assert api.posts().estimate().cached == 0
    assert len(box.requests) == before


def test_a_query_in_a_notebook_shows_what_it_costs_where_that_is_known():
    """Endpoint, arguments, cost, columns."""
    _, api = sandbox()
    query = api.posts(status="failed")
    query.head()

    shown = query._repr_html_()

    assert "posts(status=&#x27;failed&#x27;)" in shown
    assert "GET /v1/posts" in shown
    assert "Cost: 2 requests, 0 cached; no wait for the budget" in shown
    assert "<td>created_at</td>" in shown


def test_an_estimate_offline_is_that_of_the_cache_or_a_miss():
    """A query is shown all the same."""
    box = sf.Sandbox()
    options = {"cache": "1 hour", "key": box.key}
    client_of(box.wsgi, **options).posts(status="failed").frame()
    api = client_of(box.wsgi, offline=True, **options)

    assert api.posts(status="failed").estimate().cached == 2
    with pytest.raises(sf.OfflineMiss):
        api.posts().estimate()
    assert "Cost" not in api.posts()._repr_html_()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "no wait"), (12.4, "12 s wait"), (540.0, "9 min wait")],
)
def test_an_estimate_shows_itself(seconds, told):
    """In one line, and in a notebook as a table."""
    cost = Estimate(1200, 0, seconds)

    assert repr(cost) == f"<Estimate: 1,200 requests, 0 cached; {told} for the budget>"
    assert "<tr><th>requests</th><td>1,200</td></tr>" in cost._repr_html_()
    assert f"<td>{told}</td>" in cost._repr_html_()
    assert "unknown" in Estimate(None, 0, None)._repr_html_()


def test_what_is_remembered_of_queries_does_not_grow_for_ever():
    """The oldest go first."""
    known = {}
    for number in range(1500):
        remember(known, str(number), QueryStats(number))

    assert len(known) == 1000
    assert "1499" in known


@every_way
def test_a_walk_that_is_known_to_take_more_does_not_start(way):
    """It says what it would have cost, and is no incomplete walk."""
    box, api = sandbox()
    api.posts().head()

    with pytest.raises(sf.MaxRequestsError, match="needs 54 requests.*allows 53") as caught:
        way(api.posts(), max_requests=53)

    assert (caught.value.requests, caught.value.max_requests) == (54, 53)
    assert len(box.requests) == 1


@every_way
def test_a_walk_stops_when_its_first_page_says_that_it_takes_more(way):
    """Not only when it has sent all that it may."""
    box, api = sandbox()

    with pytest.raises(sf.IncompleteWalk) as caught:
        way(api.posts(), max_requests=10)

    assert isinstance(caught.value.__cause__, sf.MaxRequestsError)
    assert caught.value.__cause__.requests == 54
    assert len(box.requests) == 1


@every_way
def test_a_walk_of_which_nobody_knows_the_end_stops_when_it_has_sent_what_it_may(way):
    """No request more; the pages before have come."""
    app = Scripted(lambda environ: {"rows": [{"id": environ["QUERY_STRING"]}]})
    paging = AfterId(param="after")
    query = client_of(app).fetch("/v1/rows", records="rows", paging=paging)

    with pytest.raises(sf.IncompleteWalk, match="max_requests allows 3") as caught:
        way(query, max_requests=3)

    assert len(app.seen) == caught.value.pages_done == 3
    assert caught.value.__cause__.requests is None


@every_way
def test_a_walk_that_needs_just_what_it_may_send_comes_whole(way):
    """As does one with a limit that makes it shorter."""
    box, api = sandbox()
    way(api.posts(), max_requests=54)
    way(api.posts().limit(250), max_requests=3)

    assert len(box.requests) == 57


def test_a_client_bounds_every_walk_and_a_walk_may_say_otherwise():
    """Each walk by itself."""
    box, api = sandbox(max_requests=2)
    api.posts(status="failed").frame()
    api.posts(status="failed").frame()
    assert len(box.requests) == 4
    with pytest.raises(sf.IncompleteWalk, match="max_requests allows 2"):
        api.posts().frame()

    assert len(api.posts().frame(max_requests=54)) == 5400
    assert len(api.posts().head(max_requests=1)) == 5


def test_what_the_cache_answers_is_free():
    """Also a walk of which more is there than may be sent."""
    box, api = sandbox(cache="1 hour")
    api.posts().frame()

    assert len(api.posts().frame(max_requests=1)) == 5400
    with pytest.raises(sf.MaxRequestsError):
        api.posts().frame(max_requests=1, refresh=True)
    assert len(box.requests) == 54


def test_a_repetition_is_a_request():
    """The server sees no more than it was bound to."""
    app = Scripted((503, {}))
    api = client_of(app)

    with pytest.raises(sf.MaxRequestsError, match="allows 3") as caught:
        api.accounts().frame(max_requests=3)

    assert len(app.seen) == 3
    assert pickle.loads(pickle.dumps(caught.value)).max_requests == 3  # noqa: S301 - our own


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "10", True])
def test_max_requests_is_a_whole_number_from_1_on(wrong):
    """Said before anything is sent."""
    box, api = sandbox()

    with pytest.raises(sf.ArgumentError, match="max_requests must be an integer"):
        api.accounts().frame(max_requests=wrong)
    with pytest.raises(sf.ArgumentError, match="max_requests must be an integer"):
        sf.Client.sandbox(max_requests=wrong)
    assert list(box.requests) == []
