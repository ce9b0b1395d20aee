"""The estimate of a query, and ``max_requests``."""

import pickle
from urllib.parse import parse_qs

import pytest
from stand_ins import Clock, Scripted, client_of, posts_page

import socialframe as sf
from socialframe.paging import AfterId, Offset
from socialframe.walk.estimate import Estimate, QueryStats, remember

OUTPUTS = {
    "frame": lambda query, **more: query.frame(**more),
    "arrow": lambda query, **more: query.arrow(**more),
    "pages": lambda query, **more: list(query.pages(**more)),
    "records": lambda query, **more: list(query.records(**more)),
    "to_parquet": lambda query, **more: query.to_parquet("x.parquet", **more),
    "to_csv": lambda query, **more: query.to_csv("x.csv", **more),
    "to_jsonl": lambda query, **more: query.to_jsonl("x.jsonl", **more),
}
each_output = pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)


def new_sandbox(**options):
    """Return a sandbox and a client of it."""
    sandbox = sf.Sandbox()
    return sandbox, sf.Client.sandbox(sandbox, **{"cache": False, **options})


def paged(pages, *, size=2):
    """Return an application with this number of pages of posts."""

    def answer(environ):
        number = int(parse_qs(environ["QUERY_STRING"]).get("page", ["1"])[0])
        ids = [f"p{number}_{place}" for place in range(size)]
        return posts_page(ids, page=number, pages=pages)

    return Scripted(answer)


def test_an_estimate_sends_nothing_and_is_unknown_before_the_first_page():
    """Unknown is None."""
    sandbox, api = new_sandbox()

    cost = api.posts().estimate()

    assert (cost.requests, cost.cached, cost.seconds) == (None, 0, None)
    assert list(sandbox.requests) == []
    assert "Cost" not in api.posts()._repr_html_()


def test_an_endpoint_without_pages_is_one_request():
    """Without sending one."""
    sandbox, api = new_sandbox()

    assert api.accounts().estimate() == Estimate(1, 0, 0.0)
    assert list(sandbox.requests) == []


def test_the_first_page_gives_the_estimate_of_the_whole_walk():
    """For the same query with and without a limit, and for no other."""
    sandbox, api = new_sandbox()
    api.posts().head()
    assert len(sandbox.requests) == 1

    assert api.posts().estimate() == Estimate(54, 0, 0.0)
    assert api.posts().limit(250).estimate().requests == 3
    assert api.posts().limit(10**6).estimate().requests == 54
    assert api.posts(per_page=50).estimate().requests is None
    assert api.posts(status="failed").estimate().requests is None
    assert len(sandbox.requests) == 1


def test_a_walk_stopped_after_one_page_gives_the_estimate():
    """For pages and records."""
    for first in (lambda query: query.pages(), lambda query: query.records()):
        _, api = new_sandbox()
        rows = first(api.posts())
        next(rows)
        rows.close()

        assert api.posts().estimate().requests == 54


def test_a_walk_from_a_later_page_takes_fewer_requests():
    """By page number and by offset."""
    _, api = new_sandbox()
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


def test_the_estimate_equals_the_requests_and_seconds_of_the_walk():
    """For the current state of the budget."""
    clock, app = Clock(), paged(130)
    api = client_of(app, clock=clock, tier=sf.Limit(60, 60.0))
    api.posts().head(1)
    cost, began = api.posts().estimate(), clock.now

    api.posts().frame()

    assert cost.requests == len(app.seen) - 1 == 130
    assert cost.seconds == pytest.approx(clock.now - began)
    assert cost.seconds == pytest.approx(2 * 60.05)


def test_another_client_has_no_estimate():
    """Clients do not share statistics."""
    sandbox, api = new_sandbox()
    api.posts().head()

    assert sf.Client.sandbox(sandbox).posts().estimate().requests is None


def test_a_fresh_cached_walk_costs_nothing():
    """After it expires, the estimate has its requests again."""
    sandbox, now = sf.Sandbox(), [1.7e9]
    options = {"cache": "1 hour", "key": sandbox.key, "now": lambda: now[0]}
    client_of(sandbox.wsgi, **options).posts().frame()
    before = len(sandbox.requests)
    api = client_of(sandbox.wsgi, **options)
    assert api.posts().estimate() == Estimate(54, 54, 0.0)
    assert api.posts().limit(250).estimate() == Estimate(54, 54, 0.0)
    assert "54 requests, 54 cached; no wait" in api.posts()._repr_html_()

    now[0] += 3601

    assert api.posts().estimate().requests == 54
    assert api.posts().estimate().cached == 0
    assert len(sandbox.requests) == before


def test_the_html_of_a_query_shows_its_cost_if_known():
    """Also endpoint, arguments and columns."""
    _, api = new_sandbox()
    query = api.posts(status="failed")
    query.head()

    shown = query._repr_html_()

    assert "posts(status=&#x27;failed&#x27;)" in shown
    assert "GET /v1/posts" in shown
    assert "Cost: 2 requests, 0 cached; no wait for the budget" in shown
    assert "<td>created_at</td>" in shown


def test_an_offline_estimate_is_cached_or_an_offline_miss():
    """The HTML of the query is shown in both cases."""
    sandbox = sf.Sandbox()
    options = {"cache": "1 hour", "key": sandbox.key}
    client_of(sandbox.wsgi, **options).posts(status="failed").frame()
    api = client_of(sandbox.wsgi, offline=True, **options)

    assert api.posts(status="failed").estimate().cached == 2
    with pytest.raises(sf.OfflineMiss):
        api.posts().estimate()
    assert "Cost" not in api.posts()._repr_html_()


@pytest.mark.parametrize(
    ("seconds", "waiting"),
    [(0.0, "no wait"), (12.4, "12 s wait"), (540.0, "9 min wait")],
)
def test_an_estimate_has_a_repr_and_html(seconds, waiting):
    """One line, and a table in a notebook."""
    cost = Estimate(1200, 0, seconds)

    assert repr(cost) == f"<Estimate: 1,200 requests, 0 cached; {waiting} for the budget>"
    assert "<tr><th>requests</th><td>1,200</td></tr>" in cost._repr_html_()
    assert f"<td>{waiting}</td>" in cost._repr_html_()
    assert "unknown" in Estimate(None, 0, None)._repr_html_()


def test_query_statistics_are_limited():
    """The oldest are removed first."""
    known = {}
    for number in range(1500):
        remember(known, str(number), QueryStats(number))

    assert len(known) == 1000
    assert "1499" in known


@each_output
def test_a_walk_estimated_above_max_requests_sends_nothing(output):
    """The error has the estimate and is no IncompleteWalk."""
    sandbox, api = new_sandbox()
    api.posts().head()

    with pytest.raises(sf.MaxRequestsError, match="needs 54 requests.*allows 53") as caught:
        output(api.posts(), max_requests=53)

    assert (caught.value.requests, caught.value.max_requests) == (54, 53)
    assert len(sandbox.requests) == 1


@each_output
def test_a_walk_stops_after_a_first_page_that_announces_too_many(output):
    """It does not use up max_requests first."""
    sandbox, api = new_sandbox()

    with pytest.raises(sf.IncompleteWalk) as caught:
        output(api.posts(), max_requests=10)

    assert isinstance(caught.value.__cause__, sf.MaxRequestsError)
    assert caught.value.__cause__.requests == 54
    assert len(sandbox.requests) == 1


@each_output
def test_a_walk_of_unknown_length_stops_at_max_requests(output):
    """It sends no further request; the pages so far are counted."""
    app = Scripted(lambda environ: {"rows": [{"id": environ["QUERY_STRING"]}]})
    paging = AfterId(param="after")
    query = client_of(app).fetch("/v1/rows", records="rows", paging=paging)

    with pytest.raises(sf.IncompleteWalk, match="max_requests allows 3") as caught:
        output(query, max_requests=3)

    assert len(app.seen) == caught.value.pages_done == 3
    assert caught.value.__cause__.requests is None


@each_output
def test_a_walk_that_needs_exactly_max_requests_is_complete(output):
    """Also with a limit that shortens it."""
    sandbox, api = new_sandbox()
    output(api.posts(), max_requests=54)
    output(api.posts().limit(250), max_requests=3)

    assert len(sandbox.requests) == 57


def test_max_requests_of_a_walk_overrides_that_of_the_client():
    """Each walk is counted separately."""
    sandbox, api = new_sandbox(max_requests=2)
    api.posts(status="failed").frame()
    api.posts(status="failed").frame()
    assert len(sandbox.requests) == 4
    with pytest.raises(sf.IncompleteWalk, match="max_requests allows 2"):
        api.posts().frame()

    assert len(api.posts().frame(max_requests=54)) == 5400
    assert len(api.posts().head(max_requests=1)) == 5


def test_cached_pages_do_not_count_toward_max_requests():
    """Even if there are more than max_requests."""
    sandbox, api = new_sandbox(cache="1 hour")
    api.posts().frame()

    assert len(api.posts().frame(max_requests=1)) == 5400
    with pytest.raises(sf.MaxRequestsError):
        api.posts().frame(max_requests=1, refresh=True)
    assert len(sandbox.requests) == 54


def test_retries_count_toward_max_requests():
    """The server receives no more than max_requests; the error is the one of the last attempt."""
    app = Scripted((503, {}))
    api = client_of(app)

    with pytest.raises(sf.ServerError, match="503"):
        api.accounts().frame(max_requests=3)

    assert len(app.seen) == 3


def test_the_error_of_max_requests_pickles():
    """Workers hand errors to their parent."""
    error = sf.MaxRequestsError(3, 7)

    assert pickle.loads(pickle.dumps(error)).max_requests == 3  # noqa: S301 - our own


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "10", True])
def test_invalid_max_requests_is_refused(wrong):
    """Before a request is sent."""
    sandbox, api = new_sandbox()

    with pytest.raises(sf.ArgumentError, match="max_requests must be an integer"):
        api.accounts().frame(max_requests=wrong)
    with pytest.raises(sf.ArgumentError, match="max_requests must be an integer"):
        sf.Client.sandbox(max_requests=wrong)
    assert list(sandbox.requests) == []
