"""A walk returns all rows, or it raises or warns."""

import json
import threading
import warnings
from dataclasses import replace
from urllib.parse import parse_qs

import pytest
from bad_days import OUTPUTS, walk
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import Clock, Scripted, client_of, posts_page

import socialframe as sf
from socialframe.paging import Cursor, LinkHeader, PageNumber, Single, Step
from socialframe.sandbox import Fault, Sandbox
from socialframe.walk.overlap import map_batches


class PostList:
    """A WSGI application that serves a list of post ids by page number; the list may change."""

    def __init__(self, ids, *, between=None, **pagination) -> None:
        self.ids = list(ids)
        self.between = between
        self.pagination = pagination
        self.calls = 0
        self.app = Scripted(self.answer)

    def answer(self, environ):
        query = parse_qs(environ["QUERY_STRING"])
        page, limit = int(query.get("page", ["1"])[0]), int(query["limit"][0])
        self.calls += 1
        rows = self.ids[(page - 1) * limit : page * limit]
        pages = -(-len(self.ids) // limit)
        body = {
            "posts": [{"id": name} for name in rows],
            "pagination": {"page": page, "pages": pages, "total": len(self.ids), **self.pagination},
        }
        if self.between:
            self.between(self)
        return body


def ids_of(app, **query):
    return client_of(app).posts(**query).frame()["id"].tolist()


def test_each_row_is_returned_once_and_in_order():
    """Even if several pages are converted together."""
    post_list = PostList([f"p{i}" for i in range(973)])

    assert ids_of(post_list.app, per_page=10) == post_list.ids
    assert post_list.calls == 98


def test_an_error_on_the_first_page_is_raised_unchanged():
    """No rows were received, so it is no IncompleteWalk."""
    with pytest.raises(sf.NotFoundError):
        ids_of(Scripted((404, {"error": "Not found", "code": "NOT_FOUND"})))
    with pytest.raises(sf.ReplyError, match="not JSON"):
        ids_of(Scripted(b"<html>"))
    with pytest.raises(sf.ReplyError, match="not JSON"):
        ids_of(Scripted(b'{"posts": [{"id": }], "pagination": {"pages": 3}}'))


@pytest.mark.parametrize(
    "answer",
    [
        (401, {"error": "Invalid API key", "code": "AUTH_INVALID_KEY"}),
        (500, {"error": "Internal server error", "code": "INTERNAL_ERROR"}),
        b"<html>",
        b'{"posts": [{"id": nope}], "pagination": {"pages": 3}}',
    ],
)
@pytest.mark.parametrize("output", ["frame", "arrow", "pages", "records", "to_parquet", "to_csv"])
def test_an_error_on_a_later_page_is_an_incomplete_walk(answer, output, tmp_path):
    """It has the cause, the pages and rows so far and the position; no file is left."""
    app = Scripted(posts_page("ab", pages=3), posts_page("cd", page=2, pages=3), answer)
    walk = getattr(client_of(app).posts(), output)

    with pytest.raises(sf.IncompleteWalk) as caught:
        list(walk(tmp_path / "x") if output.startswith("to_") else walk())

    assert caught.value.pages_done == 2
    assert caught.value.rows == 4
    assert "The walk had 2 pages" in str(caught.value)
    assert caught.value.position == {"page": "3"}
    assert isinstance(caught.value.__cause__, sf.SocialFrameError)
    assert list(tmp_path.iterdir()) == []


def test_pages_before_an_error_are_returned():
    """Each page is returned before the next request."""
    app = Scripted(posts_page("ab", pages=3), posts_page("cd", page=2, pages=3), b"<html>")
    seen = []

    with pytest.raises(sf.IncompleteWalk):
        seen.extend(page["id"].tolist() for page in client_of(app).posts().pages())

    assert seen == [["a", "b"], ["c", "d"]]


def test_pages_and_records_fetch_no_page_ahead():
    """A user who stops early pays only for the pages used."""
    for output in ("pages", "records"):
        app = Scripted(*(posts_page("ab", page=i, pages=9) for i in range(1, 10)))
        next(getattr(client_of(app, resume=False).posts(), output)())

        assert len(app.seen) == 1


def test_pages_with_the_same_rows_are_a_paging_loop():
    """The server ignores the page parameter and reports a number of pages."""
    with pytest.raises(sf.PagingLoop, match="no new rows|repeated earlier"):
        ids_of(Scripted(posts_page("ab", pages=1000)))


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_list_that_grows_with_every_request_ends(output):
    """The server pages by id and inserts a row before each response."""
    grows = Fault("insert")
    api = sf.Client.sandbox(Sandbox(paging="after_id", faults=[grows]))
    query = api.posts(since="2026-09-01", until="2026-09-12", per_page=20)

    found = walk(query, output)

    assert (found.error, found.warnings) == (None, [])
    assert len(set(found.ids)) == len(found.ids) == 114


def test_a_pinned_row_on_every_page_does_not_end_the_walk():
    """No response says how to get the next page."""

    def answer(environ):
        page = int(parse_qs(environ["QUERY_STRING"]).get("page", ["1"])[0])
        ids = [f"p{i}" for i in range((page - 1) * 3, min(page * 3, 8))]
        return {"posts": [{"id": name} for name in ["pinned", *ids] if ids]}

    frame = client_of(Scripted(answer)).posts(per_page=4).frame()

    assert frame["id"].tolist() == ["pinned", *(f"p{i}" for i in range(8))]


def test_repeated_rows_without_an_end_sign_end_the_walk_with_a_warning():
    """The first response may have all rows, or the server pages in a output that was not tried."""
    app = Scripted({"posts": [{"id": "a"}, {"id": "b"}]})

    with pytest.warns(
        sf.WalkWarning, match="PageNumber or AfterId returned no new .* paging="
    ) as caught:
        frame = client_of(app).posts().frame()

    assert frame["id"].tolist() == ["a", "b"]
    assert len(caught) == 1
    assert frame.attrs["socialframe"]["complete"] is None
    assert frame.attrs["socialframe"]["duplicates"] == 0
    assert [call["query"] for call in app.seen] == [
        "limit=100", "limit=100&page=1", "limit=100&page=2", "limit=100&after=b"
    ]  # fmt: skip


def test_records_omit_a_page_without_new_rows():
    """Records are not deduplicated by key, but a failed attempt at paging adds no rows."""
    app = Scripted({"posts": [{"id": "a"}, {"id": "b"}]})

    with pytest.warns(sf.WalkWarning, match="paging="):
        records = list(client_of(app).posts().records())

    assert records == [{"id": "a"}, {"id": "b"}]


def test_a_has_more_flag_is_read_with_every_paging_scheme():
    """The server pages by id and returns only a flag; page numbers, tried first, repeat page 1."""
    ids = [f"p{i}" for i in range(7)]

    def answer(environ):
        query = parse_qs(environ["QUERY_STRING"])
        start = ids.index(query["after"][0]) + 1 if "after" in query else 0
        rows = ids[start : start + 3]
        return {"posts": [{"id": name} for name in rows], "hasMore": start + 3 < len(ids)}

    app = Scripted(answer)

    assert ids_of(app) == ids
    assert [call["query"] for call in app.seen][:4] == [
        "limit=100", "limit=100&page=1", "limit=100&page=2", "limit=100&after=p2"
    ]  # fmt: skip


def test_repeated_rows_with_a_has_more_flag_are_a_paging_loop():
    """The flag says that rows are missing."""
    app = Scripted({"posts": [{"id": "a"}], "hasMore": True})

    with pytest.raises(sf.PagingLoop, match="'hasMore' shows that there are more"):
        ids_of(app)


def test_a_repeated_last_page_ends_the_walk_with_a_warning():
    """Page numbers worked before, so no other scheme is tried."""
    app = Scripted(*({"posts": [{"id": name}]} for name in "aabc"))

    with pytest.warns(sf.WalkWarning, match="returned no new rows"):
        frame = client_of(app).posts().frame()

    assert frame["id"].tolist() == ["a", "b", "c"]
    assert [call["query"] for call in app.seen][1:] == [f"limit=100&page={n}" for n in range(1, 5)]


def test_an_empty_page_without_an_end_sign_ends_the_walk():
    """All rows of the pages before it are returned."""
    app = Scripted({"posts": [{"id": "a"}]}, {"posts": [{"id": "b"}]}, {"posts": []})

    assert ids_of(app) == ["a", "b"]


@pytest.mark.parametrize("output", ["frame", "pages"])
def test_a_paging_loop_reports_the_rows_so_far(output):
    """Including rows of pages that are converted together with the repeated one."""
    post_list = PostList([f"p{i}" for i in range(30)], pages=6)
    query = client_of(post_list.app).posts(per_page=10)

    with pytest.raises(sf.PagingLoop) as caught:
        list(query.pages()) if output == "pages" else query.frame()

    assert (caught.value.pages_done, caught.value.rows) == (6, 30)


def test_rows_that_shift_to_the_next_page_are_dropped_as_duplicates():
    """A row inserted at the top moves another row to the next page."""
    post_list = PostList(
        [f"p{i}" for i in range(30)], between=lambda s: s.ids.insert(0, f"new{s.calls}")
    )

    frame = client_of(post_list.app).posts(per_page=10).frame()

    assert sorted(frame["id"]) == sorted(f"p{i}" for i in range(30))
    facts = frame.attrs["socialframe"]
    assert facts["duplicates"] > 0
    assert facts["complete"]


def test_rows_deleted_during_the_walk_are_a_warning():
    """A row that moved to an earlier page may be missing."""
    post_list = PostList([f"p{i}" for i in range(30)], between=lambda s: s.ids.pop(0))

    with pytest.warns(sf.WalkWarning, match="were deleted on the server"):
        frame = client_of(post_list.app).posts(per_page=10).frame()

    assert frame.attrs["socialframe"]["complete"] is None


def test_fewer_rows_than_the_total_are_a_warning():
    """The server reports more rows than it returned."""
    app = Scripted(posts_page("ab", pages=1, total=5))

    with pytest.warns(sf.WalkWarning, match="reports 5 rows, and 2 were received"):
        frame = client_of(app).posts().frame()

    assert frame.attrs["socialframe"]["complete"] is None


def test_more_rows_than_the_total_are_a_warning():
    """The total ended the walk, and the last page showed that it is wrong."""
    post_list = PostList([f"p{i}" for i in range(30)], pages=2, total=15)

    with pytest.warns(sf.WalkWarning, match="reports 15 rows, and 20 were received"):
        frame = client_of(post_list.app).posts(per_page=10).frame()

    assert frame.attrs["socialframe"]["complete"] is None


def test_records_with_duplicates_in_place_of_missing_rows_are_a_warning():
    """Duplicates are returned but counted once."""
    app = Scripted(
        *(posts_page(ids, page=n, pages=2, total=4) for n, ids in [(1, "ab"), (2, "bc")])
    )

    with pytest.warns(sf.WalkWarning, match="reports 4 rows, and 3 were received"):
        assert [record["id"] for record in client_of(app).posts().records()] == list("abbc")


@settings(max_examples=settings.default.max_examples // 8)
@given(
    count=st.integers(0, 60),
    size=st.integers(1, 20),
    most=st.none() | st.integers(1, 80),
    sign=st.sampled_from(["pages", "more", "total", "nothing"]),
)
def test_any_page_size_gives_the_same_frame(count, size, most, sign):
    """With every end sign of page numbers, with and without a limit."""
    names = [f"p{i}" for i in range(count)]

    def answer(environ):
        number = int(parse_qs(environ["QUERY_STRING"]).get("page", ["1"])[0])
        rows = names[(number - 1) * size : number * size]
        signs = {
            "pages": {"pages": -(-count // size)},
            "more": {"hasMore": number * size < count},
            "total": {"total": count},
            "nothing": {},
        }
        return {"posts": [{"id": name} for name in rows], "pagination": signs[sign]}

    query = client_of(Scripted(answer)).posts(per_page=size)
    query = query.limit(most) if most else query

    assert query.frame()["id"].tolist() == names[:most]
    assert [record["id"] for record in query.records()] == names[:most]
    assert [name for page in query.pages() for name in page["id"]] == names[:most]


def test_a_limit_fetches_only_the_pages_it_needs():
    """head() is one request; duplicates do not count toward the limit."""
    post_list = PostList([f"p{i}" for i in range(300)])
    query = client_of(post_list.app).posts(per_page=100)

    assert query.head()["id"].tolist() == post_list.ids[:5]
    assert post_list.calls == 1
    assert query.limit(150).frame().attrs["socialframe"]["stop"] == "limit"
    assert post_list.calls == 3

    repeating = Scripted(posts_page("abc", pages=9), posts_page("bcd", page=2, pages=9))
    assert client_of(repeating).posts().limit(4).frame()["id"].tolist() == list("abcd")


def test_attrs_are_json_with_arguments_and_provenance():
    """Arguments as typed, parameters as sent."""
    post_list = PostList("abc")
    frame = client_of(post_list.app).posts(since="2026-01-01", per_page=2).frame()

    facts = json.loads(json.dumps(frame.attrs["socialframe"]))
    assert facts["arguments"] == {"since": "2026-01-01", "per_page": 2}
    assert facts["parameters"] == {"limit": "2", "dateFrom": "2026-01-01"}
    assert (facts["pages"], facts["rows"], facts["complete"]) == (2, 3, True)
    assert facts["first_fetch"] <= facts["last_fetch"]


def test_rows_without_key_values_are_not_dropped_as_duplicates():
    """They may be different rows."""
    with pytest.warns(sf.WalkWarning, match="no record has the key id"):
        frame = client_of(Scripted({"posts": [{}, {}]}, {"posts": []})).posts().frame()

    assert len(frame) == 2


def test_fast_pages_are_grouped_and_slow_pages_are_not():
    """Converting 16 pages at once is faster unless it has to wait for them."""
    clock = Clock()

    def slowly():
        for i in range(3):
            clock.sleep(1.0)
            yield i

    assert list(map_batches(list, iter(range(40)), clock=clock)) == [
        list(range(16)),
        list(range(16, 32)),
        list(range(32, 40)),
    ]
    assert list(map_batches(list, slowly(), clock=clock)) == [[0], [1], [2]]


def test_overlapping_keeps_order_and_raises_errors():
    """It leaves no thread running."""
    before = threading.active_count()

    def fail_at_twenty(numbers):
        if 20 in numbers:
            raise KeyError(20)
        return sum(numbers)

    def breaks():
        yield from range(20)
        raise KeyError(20)

    done = []
    assert sum(map_batches(sum, range(50))) == sum(range(50))
    with pytest.raises(KeyError):
        list(map_batches(fail_at_twenty, range(50)))
    with pytest.raises(KeyError):
        list(map_batches(done.extend, breaks()))
    assert done == list(range(20)), "what arrived is computed before the error"
    half = map_batches(sum, range(500))
    next(half)
    half.close()

    assert threading.active_count() == before


def test_a_warning_filter_of_error_raises_walk_warning():
    """Test suites often set this filter."""
    app = Scripted(posts_page("ab", pages=1, total=5))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(sf.WalkWarning):
            client_of(app).posts().frame()


class Circle(Single):
    """A paging scheme whose third call is its first one."""

    def first(self, call):
        return call.with_param("at", "A")

    def next(self, page, rows):
        return Step(page.call.with_param("at", {"A": "B", "B": "A"}[page.call.param("at")]), "sign")


def test_a_repeated_request_is_a_paging_loop():
    """Also A, B, A, even if all rows are new."""
    count = iter(range(1000))
    app = Scripted(lambda _: {"posts": [{"id": next(count)}]})
    query = client_of(app).posts()
    plan = query._plan
    plan = replace(plan, endpoint=replace(plan.endpoint, paging=Circle()))
    query = replace(query, _plan=plan)

    with pytest.raises(sf.PagingLoop, match="already read") as caught:
        query.frame()

    assert caught.value.pages_done == 2
    assert len(app.seen) == 2


def test_rows_with_a_null_in_the_key_are_all_kept():
    """The id has another name, or the day is invalid."""
    app = Scripted({"accounts": [{"platform": "x", "_id": "a"}, {"platform": "x", "_id": "b"}]})
    assert len(client_of(app).accounts().frame()) == 2

    points = [{"date": f"the {day}th", "followers": day} for day in range(1, 6)]
    stats = Scripted({"accounts": [], "stats": {"a": points}})
    assert len(client_of(stats).followers().frame()) == 5


def test_an_error_body_with_status_200_is_an_incomplete_walk():
    """It is not an empty page."""
    pages = [posts_page(f"{i}ab", page=i, pages=10, total=30) for i in (1, 2)]
    app = Scripted(*pages, {"error": "temporarily unavailable"})

    with pytest.raises(sf.IncompleteWalk, match="temporarily unavailable"):
        client_of(app).posts().frame()


def test_a_missing_page_count_on_a_later_page_is_a_warning():
    """An empty body is not the end when more pages were announced."""
    pages = [posts_page(f"{i}ab"[:2], page=i, pages=10) for i in (1, 2)]

    with pytest.warns(sf.WalkWarning, match="the last reply lacks 'pagination.pages'"):
        frame = client_of(Scripted(*pages, {})).posts().frame()

    assert frame["id"].tolist() == ["1", "a", "2"]
    assert frame.attrs["socialframe"]["complete"] is None


def test_a_repeated_last_page_is_not_complete():
    """The server reports two pages and returns the first one twice."""
    app = Scripted(posts_page("ab", pages=2), posts_page("ab", page=2, pages=2))

    with pytest.warns(sf.WalkWarning, match="1 pages had no new rows"):
        frame = client_of(app).posts().frame()

    assert frame["id"].tolist() == ["a", "b"]
    assert frame.attrs["socialframe"]["complete"] is None


def test_pages_without_end_sign_and_id_continue_while_rows_are_new():
    """Whole records are compared because the id has another name."""
    pages = [{"posts": [{"_id": f"{i}{j}"} for j in range(3)]} for i in range(5)]

    with pytest.warns(sf.WalkWarning, match="no record has the key id"):
        frame = client_of(Scripted(*pages, {"posts": []})).posts().frame()

    assert len(frame) == 15


@pytest.mark.parametrize("output", ["records", "frame", "pages"])
@pytest.mark.parametrize("rows", [[], [{"name": "no id"}]])
def test_an_endlessly_repeated_page_is_a_paging_loop(output, rows):
    """Even without keys or rows."""
    app = Scripted({"posts": rows, "pagination": {"hasMore": True}})

    with pytest.raises(sf.PagingLoop):
        list(getattr(client_of(app).posts(), output)())

    assert len(app.seen) <= 4


def test_an_empty_first_page_with_more_rows_is_a_paging_loop():
    """The offset cannot advance, and the response says that there is more."""
    app = Scripted({"rows": [], "offset": 0, "hasMore": True})

    with pytest.raises(sf.PagingLoop):
        client_of(app).fetch("/v1/rows", records="rows").frame()


def test_a_total_in_a_string_is_compared():
    """Like a number."""
    app = Scripted({"rows": [{"a": 1}], "total": "9"}, {"rows": [], "total": "9"})

    with pytest.warns(sf.WalkWarning, match="reports 9 rows, and 1 were received"):
        client_of(app).fetch("/v1/rows", paging=PageNumber(total_rows="total")).frame()


def test_400_after_counted_pages_asks_for_an_end_sign():
    """No response says where the list ends."""
    app = Scripted({"rows": [{"a": 1}]}, (400, {"error": "No such page"}))

    with pytest.raises(sf.IncompleteWalk, match=r"paging=PageNumber\(param='page', …\)"):
        client_of(app).fetch("/v1/rows", params={"page": 1}).frame()


def test_a_has_more_flag_without_a_next_page_is_a_warning():
    """The flag is the only hint."""
    app = Scripted({"rows": [{"a": 1}], "has_more": True})

    with pytest.warns(sf.WalkWarning, match="'has_more' that more pages follow"):
        client_of(app).fetch("/v1/rows").frame()


def test_404_after_counted_pages_ends_the_walk_with_a_warning():
    """The rows so far are kept."""
    app = Scripted({"rows": [{"a": 1}]}, (404, {"error": "No such page", "code": "NOT_FOUND"}))

    with pytest.warns(sf.WalkWarning, match="no field marks the last page; the API refused"):
        frame = client_of(app).fetch("/v1/rows", params={"page": 1}).frame()

    assert len(frame) == 1


@pytest.mark.parametrize("status", [400, 404, 422])
def test_refused_attempts_at_paging_end_the_walk_with_a_warning(status):
    """A refused attempt is no failure, but there may be more rows."""

    def answer(environ):
        if "page" in environ["QUERY_STRING"] or "after" in environ["QUERY_STRING"]:
            return status, {"error": "unknown parameter"}
        return {"posts": [{"id": "a"}]}

    with pytest.warns(sf.WalkWarning, match="paging="):
        assert ids_of(Scripted(answer)) == ["a"]


def numbered(start, says, rows=35):
    """Serve rows by page number, ten a page, with the end signs that a function returns."""
    names = [f"r{i}" for i in range(rows)]

    def answer(environ):
        query = parse_qs(environ["QUERY_STRING"])
        number = int(query.get("page", [str(start)])[0])
        first = (number - start) * 10
        here = [{"id": name} for name in names[first : first + 10]]
        return {"posts": here, **says(number, first + 10 < rows)}

    return Scripted(answer), names


@pytest.mark.parametrize(
    ("start", "says"),
    [
        (1, lambda n, more: {"page": n, "count": 10, "total": 35}),
        (1, lambda n, more: {"info": {"page": n, "per_page": 10, "count": 10, "total_count": 35}}),
        (1, lambda n, more: {"page": n, "summary": {"total": 3}, "hasMore": more}),
        (1, lambda n, more: {"nextCursor": None, "total": 35}),
        (1, lambda n, more: {"next": None, "hasMore": more}),
        (1, lambda n, more: {"page": n, "pages": 4, "nextPage": None}),
        (1, lambda n, more: {"page": str(n), "pages": "4"}),
        (0, lambda n, more: {"hasMore": more}),
        (0, lambda n, more: {"page": str(n), "pages": "4"}),
        (0, lambda n, more: {"number": n, "totalPages": 4}),
        (0, lambda n, more: {}),
        (1, lambda n, more: {}),
    ],
    ids=map(str, range(12)),
)
def test_misleading_end_signs_lose_no_row(start, says):
    """A count of one page's rows, an unrelated total, an empty sign beside one of more pages."""
    app, names = numbered(start, says)

    assert ids_of(app) == names


@pytest.mark.parametrize(
    "replies",
    [
        ({"posts": [{"id": "a"}], "page": 1, "pages": 4, "hasMore": False},),
        ({"posts": [{"id": "a"}], "nextCursor": "c"}, {"message": "try later"}),
        ({"posts": [{"id": "a"}], "nextCursor": "c"}, {}),
        (
            {"posts": [{"id": "a"}], "nextCursor": "c", "hasMore": True},
            {"posts": [{"id": "b"}], "hasMore": True},
        ),
        (
            {"posts": [{"id": "a"}], "nextCursor": "c"},
            {"posts": [{"id": "b"}], "next_cursor": "d"},
        ),
        (
            {"posts": [{"id": "a"}], "next": "/v1/posts?page=2"},
            {"posts": [{"id": "b"}], "next": None, "hasMore": True},
        ),
    ],
)
def test_an_end_contradicted_by_the_reply_is_a_warning(replies):
    """The paging scheme says that it is the end; another field says that there is more."""
    with pytest.warns(sf.WalkWarning, match="shows that there are more|no list|lacks"):
        frame = client_of(Scripted(*replies)).posts().frame()

    assert frame.attrs["socialframe"]["complete"] is None


@pytest.mark.parametrize("paging", [Single(), LinkHeader()])
def test_a_declared_end_contradicted_by_the_only_reply_is_a_warning(paging):
    """A scheme without fields would return too few rows."""
    app = Scripted({"rows": [{"a": 1}], "pagination": {"page": 1, "pages": 54}})

    with pytest.warns(
        sf.WalkWarning, match="'pagination.pages' in the last reply shows that there are more"
    ):
        client_of(app).fetch("/v1/rows", paging=paging).frame()


@pytest.mark.parametrize("output", ["frame", "pages", "records"])
@pytest.mark.parametrize("key", ["id", None])
def test_alternating_pages_are_a_paging_loop(output, key):
    """A, B, A, B with a new cursor each time, for every kind of output."""
    count = iter(range(10_000))

    def answer(environ):
        number = next(count)
        return {"rows": [{"id": number % 2}], "nextCursor": f"c{number}"}

    paging = Cursor(field="nextCursor", param="cursor")
    query = client_of(Scripted(answer), tier=sf.Limit(10_000)).fetch(
        "/v1/rows", paging=paging, key=key
    )

    with pytest.raises(sf.PagingLoop):
        list(getattr(query, output)())


def test_repeated_keys_in_changing_records_are_a_paging_loop():
    """For example, each response has newly signed URLs."""
    count = iter(range(10_000))
    app = Scripted(lambda environ: {"posts": [{"id": 1, "u": next(count)}], "hasMore": True})

    with pytest.raises(sf.PagingLoop):
        list(client_of(app, tier=sf.Limit(10_000)).posts().records())


def test_two_equal_pages_without_a_key_are_a_warning():
    """The server may ignore the page."""
    app = Scripted({"rows": [{"a": 1}], "page": 1, "pages": 2})

    with pytest.warns(sf.WalkWarning, match="1 pages had no new rows"):
        client_of(app).fetch("/v1/rows").frame()


def test_a_key_missing_from_all_records_is_a_warning():
    """It finds no duplicates."""
    app = Scripted({"rows": [{"a": 1}]})

    with pytest.warns(sf.WalkWarning, match="no record has the key nope"):
        client_of(app).fetch("/v1/rows", key="nope", paging=Single()).frame()


def test_a_walk_from_a_later_page_is_not_compared_with_the_total():
    """The caller asked for the remaining pages."""
    app = Scripted({"rows": [{"a": 1}], "page": 4, "pages": 4, "total": 31})

    frame = client_of(app).fetch("/v1/rows", params={"page": 4}).frame()

    assert frame.attrs["socialframe"]["complete"] is True


def test_warnings_point_to_the_users_line_and_name_the_endpoint():
    """Python shows the same text only once per line."""
    api = client_of(Scripted({"rows": [{"a": 1}]}))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        api.fetch("/v1/one").frame()
        api.fetch("/v1/two").frame()

    assert [str(one.message)[:13] for one in caught] == ["fetch /v1/one", "fetch /v1/two"]
    assert {one.filename for one in caught} == {__file__}


@pytest.mark.parametrize("header", [{}, {"Link": '<http://[x>; rel="next"'}])
def test_an_invalid_next_url_is_a_reply_error(header):
    """In the body or in the header."""
    body = {"rows": [{"a": 1}], **({} if header else {"next": "http://[x"})}

    with pytest.raises(sf.ReplyError, match="is not a URL"):
        client_of(Scripted((200, body, header))).fetch("/v1/rows").frame()


def test_lists_after_the_records_do_not_hide_the_cursor():
    """On later pages, which are parsed only as far as paging needs."""

    def answer(environ):
        first = int(parse_qs(environ["QUERY_STRING"]).get("cursor", ["0"])[0])
        more = first + 10 < 35
        rows = json.dumps([{"id": f"r{i}"} for i in range(first, min(first + 10, 35))])
        token = json.dumps(str(first + 10) if more else None)
        tail = f'"nextCursor":{token},"facets":[[1],[2],[3],[4]],"hasMore":{json.dumps(more)}'
        return f'{{"posts":{rows},{tail}}}'.encode()

    assert ids_of(Scripted(answer)) == [f"r{i}" for i in range(35)]


def test_an_empty_list_named_like_the_path_wins_over_other_lists():
    """The frame has no rows."""
    app = Scripted({"posts": [], "nextCursor": None, "platforms": [{"id": "ig"}]})

    assert len(client_of(app).fetch("/v1/posts").frame()) == 0
