"""Calls that are sent early, while the replies before them are awaited."""

import threading
import time

import pytest
from stand_ins import client_of

import socialframe as sf
from socialframe.paging import Offset, PageNumber

pytestmark = pytest.mark.sockets  # real delays: early calls need slow replies
DELAY = 0.025
PAGES = 10


class SlowServer:
    """A WSGI application of numbered pages; it counts the requests that overlap."""

    def __init__(self, pages=PAGES, *, first_pages=None, refused=None):
        self.pages, self.first_pages = pages, first_pages or pages
        self.refused = dict(refused or {})  # by page: how many times
        self.asked, self.most, self._at_once = [], 0, 0
        self._lock = threading.Lock()

    def __call__(self, environ, start_response):
        query = dict(pair.split("=") for pair in environ["QUERY_STRING"].split("&") if pair)
        page = int(query.get("page") or int(query.get("offset", 0)) // 2 + 1)
        with self._lock:
            self.asked.append(page)
            self._at_once += 1
            self.most = max(self.most, self._at_once)
            refused = self.refused.get(page, 0) > 0
            self.refused[page] = self.refused.get(page, 0) - 1
        time.sleep(DELAY)
        with self._lock:
            self._at_once -= 1
        start_response("400 Bad Request" if refused else "200 OK", [])
        rows = [{"id": 2 * page}, {"id": 2 * page + 1}] if page <= self.pages else []
        total = self.first_pages if page == 1 else self.pages
        body = (
            {"error": "no such page"} if refused else {"data": rows, "page": page, "pages": total}
        )
        return [str(body | {"total": 2 * total}).replace("'", '"').encode()]


def walk(server, *, paging=None, **options):
    paging = paging or PageNumber(total_pages="pages")
    client = client_of(server, tier=sf.Limit(10_000), journal=False, **options)
    return client.fetch("/v1/rows", paging=paging)


@pytest.mark.parametrize(
    "paging",
    [PageNumber(total_pages="pages"), PageNumber(total_rows="total"), Offset(total_rows="total")],
)
def test_four_calls_overlap_and_each_page_is_requested_once(paging):
    """Each scheme whose end is known reads all pages in order."""
    server = SlowServer()
    frame = walk(server, paging=paging).frame()
    assert frame["id"].tolist() == list(range(2, 2 * PAGES + 2))
    assert frame.attrs["socialframe"]["complete"] is True
    assert sorted(server.asked) == list(range(1, PAGES + 1))
    assert server.most == 4
    assert threads() == []


def test_detected_page_numbers_overlap_too():
    """Once the detected scheme is confirmed, calls are sent early."""
    server = SlowServer()
    frame = walk(server, paging=sf.paging.Auto()).frame()
    assert len(frame) == 2 * PAGES
    assert sorted(server.asked) == list(range(1, PAGES + 1))
    assert server.most > 1


@pytest.mark.parametrize(
    ("rows", "requests"),
    [
        (lambda query: query.limit(9).frame(), 5),
        (lambda query: query.frame(max_requests=PAGES), PAGES),
        (lambda query: list(query.pages()), PAGES),
    ],
    ids=["limit", "max_requests", "pages"],
)
def test_limits_and_loops_send_one_call_at_a_time(rows, requests):
    """Early calls could be more than the user asked for."""
    server = SlowServer()
    rows(walk(server))
    assert (server.most, len(server.asked)) == (1, requests)


def test_a_low_rate_limit_sends_no_more_calls_than_it_allows():
    """At ten requests a second, a second request in flight is enough."""
    server = SlowServer()
    client = client_of(server, tier=sf.Limit(600), journal=False)
    client.fetch("/v1/rows", paging=PageNumber(total_pages="pages")).frame()
    assert server.most == 2


def test_pages_that_vanish_cost_at_most_three_calls_and_are_reported():
    """The first reply reports ten pages, later ones five."""
    server = SlowServer(pages=5, first_pages=PAGES)
    with pytest.warns(sf.WalkWarning, match="number of pages"):
        frame = walk(server).frame()
    extra = len(server.asked) - 5
    assert len(frame) == 10
    assert 1 <= extra <= 3
    assert frame.attrs["socialframe"]["unused_requests"] == extra
    assert f"{extra} requests not needed" in sf.provenance(frame)


def test_a_refused_page_is_raised_in_its_turn():
    """The pages before it are read first."""
    server = SlowServer(refused={6: 9})
    with pytest.raises(sf.IncompleteWalk, match="no such page") as caught:
        walk(server).frame()
    assert (caught.value.pages_done, caught.value.rows) == (5, 10)
    assert threads() == []


def test_a_page_that_only_the_early_call_missed_is_requested_again():
    """The error of an early call is dropped."""
    server = SlowServer(refused={6: 1})
    frame = walk(server).frame()
    assert frame["id"].tolist() == list(range(2, 2 * PAGES + 2))
    assert server.asked.count(6) == 2


def test_a_stopped_walk_leaves_no_thread():
    """Ctrl-C comes while calls are under way."""
    server = SlowServer()

    class Stop:
        def __init__(self):
            self.asked = 0

        def asking(self):
            self.asked += 1
            if self.asked == 5:
                raise KeyboardInterrupt

        def advance(self, rows, *, total):
            pass

        note = say = advance

        def close(self):
            pass

    with pytest.raises(KeyboardInterrupt):
        walk(server).frame(progress=Stop())
    assert threads() == []


def threads():
    return [one for one in threading.enumerate() if one.name == "socialframe-prefetch"]
