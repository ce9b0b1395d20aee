"""What every store of walks must do: replay what is complete, resume what is open."""

from datetime import UTC, datetime
from functools import partial

import pytest

from socialframe.errors import NotFoundError, TornWalk
from socialframe.messages.call import Call, Reply
from socialframe.store.replay import Recorder
from socialframe.store.stored_walk import LOOPED, WalkKey

WEEK = 7 * 86400
QUERY = ("tenant", "name", "posts", {"arguments": {"platform": "threads"}})


class Now:
    """Unix time that a test sets."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


def call(number):
    """Return the call for a page."""
    return Call("/v1/posts", (("page", str(number)),))


class Api:
    """Answers each call, and remembers it."""

    def __init__(self, now, body=b'{"posts": []}', **headers):
        self.now, self.body, self.headers = now, body, {"etag": "1", **headers}
        self.asked = []

    def __call__(self, call, notify=None):
        self.asked.append(call)
        moment = datetime.fromtimestamp(self.now() + len(self.asked) / 1000, UTC)
        return Reply(200, self.headers, self.body, moment, "https://x.example/y")


def refuse(call, notify=None):
    """Refuse each call with 404."""
    raise NotFoundError("gone", method="GET", path=call.path, status_code=404)


def interrupt(monkeypatch, store, step, work):
    """Do some work, and press Ctrl-C in one step of the store."""

    def press_ctrl_c(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, step, press_ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            work()


def send(recorder, pages):
    """Send the calls for some pages; return the replies."""
    return [recorder.send(call(number)) for number in pages]


class ReplayContract:
    """Complete walks. A subclass says which store it is by ``make``."""

    @pytest.fixture
    def now(self):
        """Return the clock."""
        return Now()

    @pytest.fixture
    def store(self, tmp_path, now):
        """Return a store."""
        store = self.make(tmp_path, now)
        yield store
        store.shut()

    @pytest.fixture
    def api(self, now):
        """Return the API."""
        return Api(now)

    def begin(self, store, api, query=QUERY):
        """Return the recorder of a new walk."""
        return Recorder(store, store.begin(*query), api)

    def complete(self, store, api, pages=(1, 2), query=QUERY):
        """Run a walk to its end; return the replies."""
        recorder = self.begin(store, api, query)
        replies = send(recorder, pages)
        recorder.finish(rows=len(pages), replayable=True)
        return replies

    def test_complete_walk_is_replayed_as_it_came(self, store, api):
        """Status, headers, body, moment and URL of each reply; the API is not asked."""
        first = self.complete(store, api)
        walk = store.find_complete("tenant", ["name"])
        again = send(Recorder(store, walk, refuse), [1, 2])

        assert (walk.pages, walk.rows, walk.state) == (2, 2, "complete")
        assert [reply.cached for reply in again] == [True, True]
        for before, after in zip(first, again, strict=True):
            for part in ("status", "headers", "body", "at", "url"):
                assert getattr(before, part) == getattr(after, part)

    def test_complete_walk_replaces_the_older_one(self, store, api):
        """One walk per query."""
        self.complete(store, api, pages=(1, 2, 3))
        self.complete(store, api, pages=(1,))

        assert [walk.pages for walk in store.complete_walks()] == [1]

    def test_other_tenants_and_queries_have_their_own_walks(self, store, api):
        """A key never sees another key's walk."""
        self.complete(store, api)
        self.complete(store, api, query=("tenant", "other", "accounts", {}))

        assert store.find_complete("another", ["name"]) is None
        assert store.find_complete("tenant", ["unknown"]) is None
        assert {walk.endpoint for walk in store.complete_walks()} == {"posts", "accounts"}

    def test_replay_with_another_call_is_torn(self, store, api):
        """Pages of two fetches never mix: nothing is sent."""
        self.complete(store, api)
        recorder = Recorder(store, store.find_complete("tenant", ["name"]), api)
        send(recorder, [1])
        asked = len(api.asked)

        with pytest.raises(TornWalk):
            recorder.send(call(7))
        assert (recorder.torn, len(api.asked)) == (True, asked)

    def test_replay_beyond_the_last_page_is_torn(self, store, api):
        """The walk would need a page of another fetch."""
        self.complete(store, api)
        recorder = Recorder(store, store.find_complete("tenant", ["name"]), api)
        send(recorder, [1, 2])

        with pytest.raises(TornWalk):
            recorder.send(call(3))

    def test_walk_that_is_not_replayable_is_deleted(self, store, api):
        """As with ``cache=False``, or an uncertain end."""
        recorder = self.begin(store, api)
        send(recorder, [1])
        recorder.finish(rows=1, replayable=False)

        assert store.complete_walks() == []
        assert store.open_walks() == []

    @pytest.mark.parametrize(
        "headers", [{"cache-control": "private, No-Store"}, {"cache-control": "no-store"}]
    )
    def test_no_store_is_obeyed(self, store, now, headers):
        """Such a walk is not kept when it ends."""
        self.complete(store, Api(now, **headers))

        assert store.complete_walks() == []

    def test_walk_from_before_the_clock_was_set_back_is_not_preferred(self, store, api, now):
        """Else each run would ask the API, and the rows that it stored would not be found."""
        now.now += 86400
        self.complete(store, api, query=("tenant", "all", "posts", {}))
        now.now -= 86400
        self.complete(store, api)

        assert store.find_complete("tenant", ["name", "all"]).name == "name"

    def test_walk_with_a_refused_call_is_not_replayed(self, store, api):
        """The refusal is not stored, so the walk could not be repeated."""
        recorder = self.begin(store, api)
        send(recorder, [1])
        with pytest.raises(NotFoundError):
            Recorder.send(_with_api(recorder, refuse), call(99))
        send(_with_api(recorder, api), [2])
        recorder.finish(rows=2, replayable=True)

        assert store.complete_walks() == []

    def test_replies_under_connect_are_never_stored(self, store, api):
        """They hold tokens and codes."""
        recorder = self.begin(store, api)
        recorder.send(Call("/v1/Connect/instagram"))
        recorder.finish(rows=0, replayable=True)

        assert store.complete_walks() == []
        assert store.open_walks() == []

    def test_walk_larger_than_max_bytes_is_not_kept(self, store, now):
        """And no other walk is deleted for it."""
        self.complete(store, Api(now), query=("tenant", "small", "posts", {}))
        store.max_bytes = 1000
        self.complete(store, Api(now, body=b"x" * 900), pages=(1, 2))

        assert [walk.name for walk in store.complete_walks()] == ["small"]

    def test_oldest_walks_are_evicted_beyond_max_bytes(self, store, now):
        """By the moment of their first page."""
        store.max_bytes = 3000
        for name in ("a", "b", "c", "d"):
            now.now += 10
            query = ("tenant", name, "posts", {})
            self.complete(store, Api(now, body=b"x" * 1000), pages=(1,), query=query)

        assert [walk.name for walk in store.complete_walks()] == ["d", "c", "b"]

    def test_deleting_a_walk_keeps_a_newer_one_of_the_query(self, store, api):
        """Another process may have replaced it meanwhile."""
        self.complete(store, api)
        old = store.find_complete("tenant", ["name"])
        self.complete(store, api)

        assert store.delete_complete(old)
        assert len(store.complete_walks()) == 1
        assert store.delete_complete(store.complete_walks()[0], shrink=True)
        assert store.complete_walks() == []

    def test_key_of_a_walk_depends_on_tenant_parameters_paging_and_limit(self):
        """And on nothing else."""
        key = WalkKey("posts", "/v1/posts", (("a", "1"),), "PageNumber", 5)
        others = [
            WalkKey("posts", "/v1/posts", (("a", "2"),), "PageNumber", 5),
            WalkKey("posts", "/v1/posts", (("a", "1"),), "Cursor", 5),
            key.without_limit(),
        ]
        names = {one.name("tenant") for one in (key, *others)} | {key.name("another")}
        assert len(names) == 5


def _with_api(recorder, api):
    recorder._send = api
    return recorder


class StoreContract(ReplayContract):
    """Open walks too."""

    def resume(self, store, api, walk_id="", tenant="tenant", name="name"):
        """Return the recorder of an open walk that is taken over; None if there is none."""
        walk = store.claim(tenant, name, walk_id)
        return None if walk is None else Recorder(store, walk, api)

    def broken(self, store, api, pages=(1, 2), state="failed"):
        """Run a walk until it breaks; return its recorder."""
        recorder = self.begin(store, api)
        send(recorder, pages)
        recorder.stop(state, "The line broke.", 200)
        return recorder

    def test_resumed_walk_asks_only_for_what_is_missing(self, store, api, now):
        """Stored replies come back as they were."""
        first = self.broken(store, api)
        rest = Api(now)
        again = self.resume(store, rest)
        replies = send(again, [1, 2, 3])

        assert again.walk.id == first.walk.id
        assert [reply.resumed for reply in replies] == [True, True, False]
        assert rest.asked == [call(3)]

    def test_resumed_walk_that_ends_is_complete(self, store, api, now):
        """With the moment of its first page, and all its pages."""
        self.broken(store, api)
        again = self.resume(store, Api(now))
        send(again, [1, 2, 3])
        again.finish(rows=3, replayable=True)
        walk = store.find_complete("tenant", ["name"])

        assert (walk.pages, store.open_walks()) == (3, [])
        assert len(send(Recorder(store, walk, refuse), [1, 2, 3])) == 3

    def test_no_store_is_obeyed_by_a_resumed_walk(self, store, api, now):
        """Also if only a page that was stored before says so."""
        recorder = self.begin(store, Api(now, **{"cache-control": "no-store"}))
        send(recorder, [1])
        recorder.stop("failed", "", 0)
        again = self.resume(store, api)
        send(again, [1, 2])
        again.finish(rows=2, replayable=True)

        assert store.complete_walks() == []

    def test_first_page_that_is_asked_for_again_is_stored(self, store, api):
        """As after a bad reply; the walk has its lock already."""
        recorder = self.broken(store, api)
        again = self.resume(store, api)
        again.truncate(call(1))
        again.stop("failed", "", 0)
        again = self.resume(store, api, recorder.walk.id)
        send(again, [1, 2])

        assert [walk.pages for walk in store.open_walks()] == [2]

    def test_walk_that_was_resumed_meanwhile_is_read_again(self, store, api, monkeypatch):
        """Else its later pages would follow pages of another fetch."""
        self.broken(store, api)
        listed = store.open_walks()
        other = self.resume(store, api)
        send(other, [1, 2, 3, 4])
        other.stop("failed", "", 0)
        monkeypatch.setattr(store, "open_walks", lambda name: listed)

        assert store.claim("tenant", "name").pages == 4

    def test_walk_that_looped_meanwhile_is_not_resumed(self, store, api, monkeypatch):
        """It stays free for a look at its rows."""
        self.broken(store, api)
        listed = store.open_walks()
        self.resume(store, api).stop(LOOPED, "", 0)
        with monkeypatch.context() as patch:
            patch.setattr(store, "open_walks", lambda name: listed)
            assert store.claim("tenant", "name") is None

        assert [walk.state for walk in store.open_walks()] == [LOOPED]

    def test_discard_leaves_a_walk_that_is_running_again(self, store, api):
        """It was listed before."""
        self.broken(store, api)
        listed = store.open_walks()
        again = self.resume(store, api)

        assert store.discard(listed) == 0
        send(again, [1, 2, 3])
        assert [walk.pages for walk in store.open_walks()] == [3]

    def test_discard_keeps_the_pages_of_a_walk_that_completed_meanwhile(self, store, api):
        """They have the same keys."""
        self.broken(store, api)
        listed = store.open_walks()
        again = self.resume(store, api)
        send(again, [1, 2, 3])
        again.finish(rows=3, replayable=True)
        store.discard(listed)
        walk = store.find_complete("tenant", ["name"])

        assert len(send(Recorder(store, walk, refuse), [1, 2, 3])) == 3

    def test_interrupted_end_leaves_a_walk_that_is_resumed(self, store, api, monkeypatch):
        """As by Ctrl-C during a commit."""
        recorder = self.begin(store, api)
        send(recorder, [1, 2])
        finish = partial(recorder.finish, rows=2, replayable=True)
        interrupt(monkeypatch, store, "_complete_walk", finish)
        interrupt(monkeypatch, store, "_rewrite", lambda: self.resume(store, api))
        again = self.resume(store, api)
        interrupt(monkeypatch, store, "_rewrite", lambda: again.stop("failed", "", 0))

        assert self.resume(store, api).stored == 2

    def test_resumed_walk_that_ends_earlier_leaves_no_page(self, store, api):
        """As after rows were deleted meanwhile."""
        self.broken(store, api, pages=(1, 2, 3))
        again = self.resume(store, api)
        send(again, [1, 2])
        again.finish(rows=2, replayable=True)
        walk = store.find_complete("tenant", ["name"])

        assert len(list(store.pages(walk))) == 2
        assert store.delete_complete(walk)
        assert store._complete.run(lambda storage: storage.keys(), None) == []

    def test_page_is_stored_before_it_is_returned(self, store, api):
        """A process that dies at once has lost nothing."""
        recorder = self.begin(store, api)
        for page in (1, 2, 3):
            recorder.send(call(page))
            assert [walk.pages for walk in store.open_walks()] == [page]

    def test_other_call_than_before_deletes_later_pages(self, store, api):
        """A walk that takes another course gets no page of the old one."""
        self.broken(store, api, pages=(1, 2, 3))
        again = self.resume(store, api)
        replies = send(again, [1, 7, 3])

        assert [reply.resumed for reply in replies] == [True, False, False]
        assert [one for one, _ in store.pages(again.walk)] == [call(1), call(7), call(3)]

    def test_refused_call_costs_no_stored_page(self, store, api, now):
        """A scheme that is tried is refused as before; that is not an expired cursor."""
        self.broken(store, api, pages=(1, 2, 3))
        rest = Api(now)
        again = self.resume(store, rest)
        replies = send(again, [1])
        for page in ([2, 3], [4]):
            with pytest.raises(NotFoundError):
                _with_api(again, refuse).send(call(99))
            replies += send(_with_api(again, rest), page)

        assert [reply.resumed for reply in replies] == [True, True, True, False]
        assert rest.asked == [call(4)]
        assert again.cursor_expired is None

    def test_refusal_right_after_the_stored_pages_is_an_expired_cursor(self, store, api):
        """A later refusal is the walk's own."""
        self.broken(store, api)
        again = self.resume(store, refuse)
        send(again, [1, 2])
        with pytest.raises(NotFoundError):
            again.send(call(3))

        assert again.cursor_expired.status_code == 404

    def test_running_walk_is_not_taken_over(self, store, api):
        """Only when it stopped, and then by one."""
        recorder = self.begin(store, api)
        send(recorder, [1])

        assert self.resume(store, api) is None
        assert store.open_walks()[0].state == "running"
        recorder.stop("interrupted", "Ctrl-C", 100)
        (walk,) = store.open_walks()
        assert (walk.state, walk.reason, walk.rows) == ("interrupted", "Ctrl-C", 100)
        assert self.resume(store, api).walk.id == recorder.walk.id
        assert self.resume(store, api) is None

    @pytest.mark.parametrize(
        ("seconds", "resumed"),
        [(0, True), (3590, True), (3610, False), (-30, True), (-3600, False)],
    )
    def test_only_a_young_walk_is_resumed_by_itself(self, store, api, now, seconds, resumed):
        """If the clock was set back the age is unknown. By its id any walk is resumed."""
        recorder = self.broken(store, api)
        now.now += seconds

        found = self.resume(store, api)
        assert (found is not None) == resumed
        if found:
            found.stop("failed", "", 0)
        assert self.resume(store, api, recorder.walk.id).walk.id == recorder.walk.id

    def test_walk_that_was_left_is_resumed_only_while_it_would_be_fresh(self, store, api, now):
        """As by ``break``: the user did not ask for its rest."""
        self.broken(store, api, state="left")
        now.now += 100

        assert store.claim("tenant", "name", left_for=60.0) is None
        assert store.claim("tenant", "name", left_for=200.0) is not None

    def test_walk_of_another_key_or_query_is_not_resumed(self, store, api):
        """Also by its id."""
        recorder = self.broken(store, api)

        for tenant, name in (("another", "name"), ("tenant", "another")):
            for walk_id in ("", recorder.walk.id):
                assert store.claim(tenant, name, walk_id) is None

    def test_looping_walk_is_never_resumed(self, store, api):
        """Its rows stay readable."""
        recorder = self.broken(store, api, state=LOOPED)

        assert self.resume(store, api) is None
        assert self.resume(store, api, recorder.walk.id) is None
        assert len(list(store.pages(recorder.walk))) == 2

    def test_truncate_deletes_a_bad_reply_and_all_later_ones(self, store, api):
        """They are asked for again. An unknown call means that the last reply led astray."""
        recorder = self.begin(store, api)
        send(recorder, [1, 2, 3, 4])

        recorder.truncate(call(3))
        assert [one for one, _ in store.pages(recorder.walk)] == [call(1), call(2)]
        recorder.truncate(call(9))
        assert [one for one, _ in store.pages(recorder.walk)] == [call(1)]

    def test_finished_walk_deletes_earlier_tries_of_its_query(self, store, api):
        """But none that is running."""
        self.broken(store, api)
        running = self.begin(store, api)
        send(running, [1])
        self.complete(store, api)

        assert [walk.id for walk in store.open_walks()] == [running.walk.id]

    def test_open_walk_is_deleted_after_a_week(self, store, api, now):
        """A running one is not, however old the clock makes it."""
        self.broken(store, api)
        running = self.begin(store, api)
        send(running, [1])
        now.now += WEEK + 86400
        store._evict()

        assert [walk.id for walk in store.open_walks()] == [running.walk.id]

    def test_discarded_walk_is_gone(self, store, api):
        """With all its pages."""
        recorder = self.broken(store, api)

        assert store.discard(store.open_walks()) == 1
        assert store.open_walks() == []
        assert list(store.pages(recorder.walk)) == []
