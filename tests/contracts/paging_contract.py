"""The contract of paging schemes; the test class of each scheme inherits it.

A test class has an application that pages by the scheme, and the declaration of the scheme.
"""

from __future__ import annotations

import warnings
from urllib.parse import parse_qs

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stand_ins import Scripted, client_of

import socialframe as sf

COUNTS = [0, 1, 9, 10, 11, 20, 35]
SIZE = 10


def sent(environ) -> dict[str, str]:
    """Return the parameters of a request."""
    return {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}


class PagingContract:
    """Each row once and in order for each page size; no more calls than the scheme needs."""

    overrun = 0  # additional calls if no field marks the end

    def declared(self):
        """Return the scheme."""
        raise NotImplementedError

    def answer(self, rows, size, environ):
        """Return the body, or (status, body, headers), of one page."""
        raise NotImplementedError

    def walked(self, rows, size=SIZE, **options):
        """Return the frame of a walk over rows, and the application."""
        app = Scripted(lambda environ: self.answer(rows, size, environ))
        query = client_of(app, tier=sf.Limit(10_000)).fetch(
            "/v1/rows", records="rows", paging=self.declared(), params={"limit": size}, **options
        )
        return query.frame(), app

    @pytest.mark.parametrize("count", COUNTS)
    def test_each_row_is_returned_once_and_in_order(self, count):
        """For no rows, part of a page, exactly a page, several pages."""
        rows = [{"id": f"r{i}"} for i in range(count)]

        frame, app = self.walked(rows)

        assert (frame["id"].tolist() if count else []) == [row["id"] for row in rows]
        assert frame.attrs["socialframe"]["complete"] is True
        assert len(app.seen) <= max(1, -(-count // SIZE)) + self.overrun

    @pytest.mark.parametrize("count", COUNTS)
    def test_the_estimate_of_requests_is_exact_or_unknown(self, count):
        """After one page; after a complete walk, it is exact."""
        rows = [{"id": f"r{i}"} for i in range(count)]
        app = Scripted(lambda environ: self.answer(rows, SIZE, environ))
        query = client_of(app, tier=sf.Limit(10_000)).fetch(
            "/v1/rows", records="rows", paging=self.declared(), params={"limit": SIZE}
        )
        query.head(1)
        guessed = query.estimate().requests
        first = len(app.seen)

        query.frame()

        needed = len(app.seen) - first
        assert guessed in {needed, None}
        assert query.estimate().requests == needed

    @settings(
        max_examples=settings.default.max_examples // 8,
        suppress_health_check=[HealthCheck.differing_executors],
    )
    @given(count=st.integers(0, 40), size=st.integers(1, 12), most=st.none() | st.integers(1, 50))
    def test_each_page_size_returns_the_same_rows(self, count, size, most):
        """With and without a key, with and without a limit."""
        rows = [{"id": f"r{i}", "n": i} for i in range(count)]

        for key in (None, "id"):
            app = Scripted(lambda environ: self.answer(rows, size, environ))
            query = client_of(app, tier=sf.Limit(10_000)).fetch(
                "/v1/rows", records="rows", paging=self.declared(), params={"limit": size}, key=key
            )
            query = query.limit(most) if most else query
            assert query.frame().to_dict("records") == rows[:most]
            assert list(query.records()) == rows[:most]

    def test_declared_columns_return_the_same_rows(self):
        """With a key."""
        rows = [{"id": f"r{i}", "n": i} for i in range(25)]
        columns = (
            sf.Column(name="id", path="id", type="id", meaning="…"),
            sf.Column(name="n", path="n", type="int64", meaning="…"),
        )

        frame, _ = self.walked(rows, columns=columns, key="id")

        assert frame["n"].tolist() == list(range(25))

    def test_a_failure_on_a_later_page_is_an_incomplete_walk(self):
        """The error has the number of pages and rows."""
        rows = [{"id": f"r{i}"} for i in range(35)]
        count = iter(range(10))

        def failing(environ):
            return (403, {"error": "no"}) if next(count) == 2 else self.answer(rows, SIZE, environ)

        query = client_of(Scripted(failing)).fetch(
            "/v1/rows", records="rows", paging=self.declared(), params={"limit": SIZE}
        )
        with pytest.raises(sf.IncompleteWalk) as caught:
            query.frame()

        assert (caught.value.pages_done, caught.value.rows) == (2, 20)

    def test_a_server_that_repeats_a_page_is_a_paging_loop_or_the_end(self):
        """The walk is never endless, and with a key no row is returned twice."""
        rows = [{"id": f"r{i}"} for i in range(35)]
        app = Scripted(lambda environ: self.answer(rows, SIZE, {**environ, "QUERY_STRING": ""}))
        query = client_of(app, tier=sf.Limit(10_000)).fetch(
            "/v1/rows", records="rows", paging=self.declared(), params={"limit": SIZE}, key="id"
        )

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sf.WalkWarning)
            try:
                frame = query.frame()
            except sf.PagingLoop:
                frame = None

        assert len(app.seen) <= 6
        assert frame is None or frame["id"].is_unique
