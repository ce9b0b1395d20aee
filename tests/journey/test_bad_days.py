"""Our own client on each of the sandbox's bad days: it ends as a good client should."""

import traceback
from collections import Counter
from email.utils import formatdate, parsedate_to_datetime

import pytest
from bad_days import OLD, WAYS, client_of, posts, wait_for, walk
from stand_ins import Clock

import socialframe as sf
from socialframe.sandbox import SCENARIOS, Sandbox

EVERY = pytest.mark.parametrize("way", WAYS)
WHOLE = 5400  # posts of the world


@pytest.fixture(scope="module")
def every():
    """Give all posts, read on a good day."""
    return posts(sf.Client.sandbox())


class Watched:
    """A sandbox in this process that notes when each call came, by a clock of both sides."""

    def __init__(self, box, clock) -> None:
        self.box = box
        self.clock = clock
        self.came = []  # (moment, status, moment before which no call may come)

    def __call__(self, environ, start_response):
        now = self.clock()

        def noted(status, headers, *more):
            asked = dict(headers).get("Retry-After", "")
            until = parsedate_to_datetime(asked).timestamp() if "GMT" in asked else now
            self.came.append((now, int(status[:3]), until))
            # A server says what time it is; what it asks to wait for is read against that.
            return start_response(status, [*headers, ("Date", formatdate(now, usegmt=True))], *more)

        return self.box.wsgi(environ, noted)

    @property
    def statuses(self):
        return Counter(status for _, status, _ in self.came)


def a_day(name, way, *, span=None, tier="paid", **choices):
    """Walk all posts on a bad day in this process; tell what came, and what was asked."""
    clock = Clock()
    box = Sandbox.scenario(name, clock=clock, wall=clock, sleep=clock.sleep, **choices)
    app = Watched(box, clock)
    found = walk(client_of(box, clock=clock, app=app, tier=tier).posts(**(span or {})), way)
    assert box.key not in "".join([*traceback.format_exception(found.error), *found.words])
    return found, app


def rows_of(found):
    return [row for frame in found.frames for row in frame.to_dict("records")]


def test_each_day_that_has_a_name_is_walked_here():
    """A new one has to be, too."""
    days = {name.replace("-", "_") for name in SCENARIOS}

    assert {f"test_{day}" for day in days} <= set(globals())


@EVERY
def test_flaky_evening(way, every):
    """Every row once, after some retries."""
    found, app = a_day("flaky-evening", way)

    assert (found.error, found.words) == (None, [])
    assert rows_of(found) == every.to_dict("records")
    assert set(app.statuses) == {200, 429, 500, 502, 503, 504}
    assert app.statuses[200] == 54


@EVERY
def test_moving_list(way, every):
    """No row twice, a word that the list moved, and only the two rows that slipped are missing."""
    found, _ = a_day("moving-list", way)

    assert found.error is None
    assert len(set(found.ids)) == len(found.ids)
    assert len(set(every["id"]) - set(found.ids)) == 2
    assert found.words == [
        "WalkWarning: posts: the API reports 5,400 rows, and 5,398 were received."
    ]
    assert found.complete is (False if way == "pages" else None)  # so far, or at the end


@EVERY
def test_lying_totals(way, every):
    """An error that tells of pages without rows, and how many rows had come; no short list."""
    found, app = a_day("lying-totals", way)

    assert isinstance(found.error, sf.PagingLoop)
    assert (found.error.pages_done, found.error.rows) == (57, WHOLE)
    assert "had no new rows" in str(found.error)
    assert app.statuses == {200: 57}
    if way == "pages":
        assert found.ids == every["id"].tolist()
    else:
        assert not found.frames
        assert found.files == {"posts.parquet": OLD}


@EVERY
@pytest.mark.parametrize("tier", ["free", "paid"])
def test_strict_gatekeeper(way, tier, every):
    """Every row once, some minutes later; no call before the date, also by a too bold client."""
    found, app = a_day("strict-gatekeeper", way, span={"per_page": 30}, tier=tier)

    assert (found.error, found.words) == (None, [])
    assert found.ids == every["id"].tolist()
    assert app.came[-1][0] - app.came[0][0] >= 120
    assert (app.statuses[429] > 0) == (tier == "paid")
    for number, (_, _, until) in enumerate(app.came):
        assert all(moment >= until for moment, _, _ in app.came[number + 1 :])


@EVERY
def test_revoked_midway(way):
    """An error that says so after one try, and the file of yesterday."""
    found, app = a_day("revoked-midway", way)

    assert isinstance(found.error, sf.IncompleteWalk)
    assert isinstance(found.error.__cause__, sf.AuthenticationError)
    assert "401 Invalid API key" in str(found.error)
    assert app.statuses == {200: 19, 401: 1}
    assert found.files == {"posts.parquet": OLD}
    assert len(found.frames) == (19 if way == "pages" else 0)


@EVERY
def test_circle_line(way):
    """An error that the API leads in a circle, after the four pages of which it is made."""
    found, app = a_day("circle-line", way)

    assert isinstance(found.error, sf.PagingLoop)
    assert "a page that was already read" in str(found.error)
    assert len(app.came) == 4
    assert found.files == {"posts.parquet": OLD}


@EVERY
def test_elsewhere(way):
    """An error, by the link and by the redirect; nothing is sent to the other host."""
    linked, app = a_day("elsewhere", way)
    redirect = [fault for fault in SCENARIOS["elsewhere"].faults if fault.kind == "redirect"]
    redirected, other = a_day("elsewhere", way, faults=redirect)

    for found, pages in [(linked, 3), (redirected, 9)]:
        assert isinstance(found.error, sf.IncompleteWalk)
        assert "leads to another host (https://elsewhere.invalid/v1/posts)" in str(found.error)
        assert found.error.pages_done == pages
        assert found.files == {"posts.parquet": OLD}
    assert (app.statuses, other.statuses) == ({200: 3}, {200: 9, 302: 1})


def a_day_on_loopback(name, way, *, timeout=5.0, **choices):
    """Walk all posts on a bad day of a served sandbox; a wait of the client is for the server."""
    clock = Clock()
    box = Sandbox.scenario(name, **{"clock": clock, "sleep": clock.sleep, **choices})
    with box.serve() as url:

        def until_up(seconds):
            clock.sleep(seconds)
            wait_for(url)

        with client_of(box, url=url, clock=clock, sleep=until_up, timeout=timeout) as api:
            found = walk(api.posts(), way)
    assert box.key not in "".join([*traceback.format_exception(found.error), *found.words])
    return found, box


@pytest.mark.sockets
@EVERY
def test_old_proxy(way):
    """An error that says what came; no short list."""
    found, _ = a_day_on_loopback("old-proxy", way)

    assert isinstance(found.error, sf.ReplyError | sf.IncompleteWalk)
    assert "The reply is not JSON" in str(found.error)
    assert "it begins" in str(found.error)
    assert found.files == {"posts.parquet": OLD}


@pytest.mark.sockets
@EVERY
def test_old_proxy_that_only_cuts(way, every):
    """Every row once after retries, where the length shows that the body is cut."""
    cuts = [fault for fault in SCENARIOS["old-proxy"].faults if fault.length == "right"]
    found, box = a_day_on_loopback("old-proxy", way, faults=cuts)

    assert (found.error, found.words) == (None, [])
    assert found.ids == every["id"].tolist()
    assert len(box.requests) > 54


@pytest.mark.sockets
@EVERY
def test_slow_train(way, every):
    """Every row once after two time-outs."""
    found, box = a_day_on_loopback("slow-train", way, timeout=0.3)

    assert (found.error, found.words) == (None, [])
    assert found.ids == every["id"].tolist()
    assert len(box.requests) >= 54 + 2


@pytest.mark.sockets
@EVERY
def test_restart(way, every):
    """Every row once after some retries, as soon as the server is back."""
    found, box = a_day_on_loopback("restart", way)

    assert (found.error, found.words) == (None, [])
    assert found.ids == every["id"].tolist()
    assert len(box.requests) == 54 + 3
