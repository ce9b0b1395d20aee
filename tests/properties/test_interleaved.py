"""Posts change between the pages of a walk that is interrupted and resumed."""

import warnings
from contextlib import suppress
from datetime import date

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

import socialframe as sf
from socialframe.sandbox import Sandbox

PAGE = 7
SINCE = "2026-09-01"


class Interleaved(RuleBasedStateMachine):
    """Adds, deletes and edits draft posts on five pages during a walk."""

    def __init__(self, **choices):
        super().__init__()
        self.sandbox = Sandbox(sleep=lambda _: None, **choices)
        headers = {"Authorization": f"Bearer {self.sandbox.key}"}
        transport = httpx.WSGITransport(app=self.sandbox.wsgi)
        self.http = httpx.Client(
            transport=transport, base_url="http://sandbox.example", headers=headers
        )
        self.api = sf.Client.sandbox(self.sandbox, cache=False)
        self.query = self.api.posts(status="draft", per_page=PAGE, since=SINCE)
        self.pages = None
        self.before = self.ids()
        self.moved = False

    def ids(self):
        """Return the ids of all posts on the server."""
        world = self.sandbox.state.world
        places = world.select(status="draft", first=date.fromisoformat(SINCE))
        return [world.post(place)["id"] for place in places]

    @rule(count=st.integers(1, 9))
    def add(self, count):
        """Add posts before the first one."""
        for _ in range(count):
            body = {"content": "New.", "isDraft": True}
            assert self.http.post("/v1/posts", json=body).status_code in (200, 201)
        self.moved = True

    @rule(place=st.integers(0, 99), count=st.integers(1, 4))
    def delete(self, place, count):
        """Delete posts, read or not."""
        ids = self.ids()
        for name in ids[place % len(ids) :][:count] if len(ids) > 12 else []:
            assert self.http.delete(f"/v1/posts/{name}").is_success
            self.moved = True

    @rule(place=st.integers(0, 99))
    def edit(self, place):
        """Edit a post; no post moves."""
        ids = self.ids()
        answer = self.http.put(f"/v1/posts/{ids[place % len(ids)]}", json={"content": "Other."})
        assert answer.is_success

    @rule(count=st.integers(1, 3))
    def read(self, count):
        """Read some pages, up to the last one or an error."""
        if self.pages is None:
            self.pages = self.query.pages()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sf.WalkWarning)
            try:
                if any(next(self.pages, None) is None for _ in range(count)):
                    self.end()
            except sf.IncompleteWalk as error:
                # The server refuses the id of a deleted post, or all rows of some pages are known.
                expected = isinstance(error, sf.PagingLoop) or error.status_code == 400
                if not (self.moved and expected):
                    raise
                self.pages = None

    @rule()
    def interrupt(self):
        """Press Ctrl-C; the next read resumes the walk."""
        if self.pages is not None:
            with suppress(KeyboardInterrupt):
                self.pages.throw(KeyboardInterrupt)
        self.pages = None

    @rule()
    def finish(self):
        """Read all rows: they are complete, or there is a warning."""
        self.interrupt()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            frame = self.query.frame()
        complete = frame.attrs["socialframe"]["complete"]
        now = self.ids()
        unchanged = set(self.before) & set(now)

        assert frame["id"].is_unique
        assert set(frame["id"]) <= self.seen_ids
        assert complete is (None if caught else True)
        if complete:
            assert unchanged <= set(frame["id"])
        if not self.moved:
            assert complete is True
            assert frame["id"].tolist() == self.before
        assert self.api.walks().empty
        self.end()

    @invariant()
    def all_posts(self):
        """Remember each post that the server had."""
        self.seen_ids = getattr(self, "seen_ids", set()) | set(self.ids())

    def end(self):
        """Start a new walk."""
        self.pages, self.before, self.moved = None, self.ids(), False

    def teardown(self):
        """Close the clients."""
        self.interrupt()
        self.http.close()
        self.api.close()


def test_a_list_that_changes_between_numbered_pages_is_complete_or_a_warning():
    """Rows move between pages."""
    steps = settings(
        max_examples=settings.default.max_examples // 8,
        stateful_step_count=20,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(Interleaved, settings=steps)


def test_a_list_that_changes_between_pages_by_id_is_complete_or_a_warning():
    """Rows do not move between pages."""

    class AfterIds(Interleaved):
        def __init__(self):
            super().__init__(paging="after_id")

    steps = settings(
        max_examples=settings.default.max_examples // 8,
        stateful_step_count=20,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(AfterIds, settings=steps)
