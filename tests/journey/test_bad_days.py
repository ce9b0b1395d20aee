"""Walks of our client in each scenario of the sandbox: complete, or the right error or warning."""

import traceback
from collections import Counter
from email.utils import formatdate, parsedate_to_datetime

import pandas as pd
import pytest
from bad_days import OLD, OUTPUTS, client_of, posts, wait_for, walk
from stand_ins import Clock

import socialframe as sf
from socialframe.sandbox import SCENARIOS, Sandbox

each_output = pytest.mark.parametrize("output", OUTPUTS)
ALL_ROWS = 5400  # posts of the world


@pytest.fixture(scope="module")
def all_posts():
    """Return all posts, read without faults."""
    return posts(sf.Client.sandbox())


class RecordedSandbox:
    """A sandbox in this process that records the time of each call on the shared clock."""

    def __init__(self, sandbox, clock) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self.calls = []  # (time, status, time before which no call is allowed)

    def __call__(self, environ, start_response):
        now = self.clock()

        def record(status, headers, *more):
            retry_after = dict(headers).get("Retry-After", "")
            until = parsedate_to_datetime(retry_after).timestamp() if "GMT" in retry_after else now
            self.calls.append((now, int(status[:3]), until))
            # The client compares Retry-After with the Date header.
            return start_response(status, [*headers, ("Date", formatdate(now, usegmt=True))], *more)

        return self.sandbox.wsgi(environ, record)

    @property
    def statuses(self):
        return Counter(status for _, status, _ in self.calls)


def walk_scenario(name, output, *, span=None, tier="paid", **choices):
    """Walk all posts of a scenario in this process; return the result and the recorded calls."""
    clock = Clock()
    sandbox = Sandbox.scenario(name, clock=clock, wall=clock, sleep=clock.sleep, **choices)
    app = RecordedSandbox(sandbox, clock)
    found = walk(client_of(sandbox, clock=clock, app=app, tier=tier).posts(**(span or {})), output)
    assert sandbox.key not in "".join([*traceback.format_exception(found.error), *found.warnings])
    return found, app


def test_each_scenario_has_a_test():
    """A new scenario is not forgotten."""
    days = {name.replace("-", "_") for name in SCENARIOS}

    assert {f"test_{day}" for day in days} <= set(globals())


@each_output
def test_flaky_evening(output, all_posts):
    """Each row once, after some retries."""
    found, app = walk_scenario("flaky-evening", output)

    assert (found.error, found.warnings) == (None, [])
    pd.testing.assert_frame_equal(pd.concat(found.frames, ignore_index=True), all_posts)
    assert set(app.statuses) == {200, 429, 500, 502, 503, 504}
    assert app.statuses[200] == 54


@each_output
def test_moving_list(output, all_posts):
    """No row twice; two rows are missing with a warning."""
    found, _ = walk_scenario("moving-list", output)

    assert found.error is None
    assert len(set(found.ids)) == len(found.ids)
    assert len(set(all_posts["id"]) - set(found.ids)) == 2
    assert found.warnings == [
        "WalkWarning: posts: the API reports 5,400 rows, and 5,398 were received."
    ]
    assert found.complete is (False if output == "pages" else None)  # more pages may follow


@each_output
def test_lying_totals(output, all_posts):
    """An error reports pages without rows and the number of rows so far."""
    found, app = walk_scenario("lying-totals", output)

    assert isinstance(found.error, sf.PagingLoop)
    assert (found.error.pages_done, found.error.rows) == (57, ALL_ROWS)
    assert "had no new rows" in str(found.error)
    assert app.statuses == {200: 57}
    if output == "pages":
        assert found.ids == all_posts["id"].tolist()
    else:
        assert not found.frames
        assert found.files == {"posts.parquet": OLD}


@pytest.mark.parametrize(("tier", "output"), [("free", "frame"), *(("paid", o) for o in OUTPUTS)])
def test_strict_gatekeeper(output, tier, all_posts):
    """Each row once after some minutes; no request before the Retry-After date."""
    found, app = walk_scenario("strict-gatekeeper", output, span={"per_page": 30}, tier=tier)

    assert (found.error, found.warnings) == (None, [])
    assert found.ids == all_posts["id"].tolist()
    assert app.calls[-1][0] - app.calls[0][0] >= 120
    assert (app.statuses[429] > 0) == (tier == "paid")
    for number, (_, _, until) in enumerate(app.calls):
        assert all(moment >= until for moment, _, _ in app.calls[number + 1 :])


@each_output
def test_revoked_midway(output):
    """An error after one 401; the old file is unchanged."""
    found, app = walk_scenario("revoked-midway", output)

    assert isinstance(found.error, sf.IncompleteWalk)
    assert isinstance(found.error.__cause__, sf.AuthenticationError)
    assert "401 Invalid API key" in str(found.error)
    assert app.statuses == {200: 19, 401: 1}
    assert found.files == {"posts.parquet": OLD}
    assert len(found.frames) == (19 if output == "pages" else 0)


@each_output
def test_circle_line(output):
    """An error after the four pages of the loop."""
    found, app = walk_scenario("circle-line", output)

    assert isinstance(found.error, sf.PagingLoop)
    assert "a page that was already read" in str(found.error)
    assert len(app.calls) == 4
    assert found.files == {"posts.parquet": OLD}


@each_output
def test_elsewhere(output):
    """A link or redirect to another host is an error, and nothing is sent there."""
    linked, app = walk_scenario("elsewhere", output)
    redirect = [fault for fault in SCENARIOS["elsewhere"].faults if fault.kind == "redirect"]
    redirected, other = walk_scenario("elsewhere", output, faults=redirect)

    for found, pages in [(linked, 3), (redirected, 9)]:
        assert isinstance(found.error, sf.IncompleteWalk)
        assert "leads to another host (https://elsewhere.invalid/v1/posts)" in str(found.error)
        assert found.error.pages_done == pages
        assert found.files == {"posts.parquet": OLD}
    assert (app.statuses, other.statuses) == ({200: 3}, {200: 9, 302: 1})


def walk_served_scenario(name, output, *, timeout=5.0, **choices):
    """Walk all posts of a served scenario; instead of sleeping, the client waits for the server."""
    clock = Clock()
    sandbox = Sandbox.scenario(name, **{"clock": clock, "sleep": clock.sleep, **choices})
    with sandbox.serve() as url:

        def sleep_until_up(seconds):
            clock.sleep(seconds)
            wait_for(url)

        with client_of(sandbox, url=url, clock=clock, sleep=sleep_until_up, timeout=timeout) as api:
            found = walk(api.posts(), output)
    assert sandbox.key not in "".join([*traceback.format_exception(found.error), *found.warnings])
    return found, sandbox


@pytest.mark.sockets
@each_output
def test_old_proxy(output):
    """An error shows the start of the body; no rows are missing silently."""
    found, _ = walk_served_scenario("old-proxy", output)

    assert isinstance(found.error, sf.ReplyError | sf.IncompleteWalk)
    assert "The reply is not JSON" in str(found.error)
    assert "it begins" in str(found.error)
    assert found.files == {"posts.parquet": OLD}


@pytest.mark.sockets
@each_output
def test_old_proxy_that_only_cuts(output, all_posts):
    """Each row once after retries, if the length shows that the body is cut."""
    cuts = [fault for fault in SCENARIOS["old-proxy"].faults if fault.length == "right"]
    found, sandbox = walk_served_scenario("old-proxy", output, faults=cuts)

    assert (found.error, found.warnings) == (None, [])
    assert found.ids == all_posts["id"].tolist()
    assert len(sandbox.requests) > 54


@pytest.mark.sockets
@each_output
def test_slow_train(output, all_posts):
    """Each row once after two timeouts."""
    found, sandbox = walk_served_scenario("slow-train", output, timeout=0.3)

    assert (found.error, found.warnings) == (None, [])
    assert found.ids == all_posts["id"].tolist()
    assert len(sandbox.requests) >= 54 + 2


@pytest.mark.sockets
@each_output
def test_restart(output, all_posts):
    """Each row once after some retries, as soon as the server is back."""
    found, sandbox = walk_served_scenario("restart", output)

    assert (found.error, found.warnings) == (None, [])
    assert found.ids == all_posts["id"].tolist()
    assert len(sandbox.requests) == 54 + 3
