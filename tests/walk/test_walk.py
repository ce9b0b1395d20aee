"""A walk is whole, or it is an error."""

import json
import threading
import warnings
from dataclasses import replace
from urllib.parse import parse_qs

import pytest
from bad_days import WAYS, walk
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import Clock, Scripted, client_of, posts_page

import socialframe as sf
from socialframe.paging import Cursor, LinkHeader, PageNumber, Single, Step
from socialframe.sandbox import Fault, Sandbox
from socialframe.walk.overlap import map_batches


class Shelf:
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


def test_every_row_comes_once_and_in_order():
    """Also where pages are typed together."""
    shelf = Shelf([f"p{i}" for i in range(973)])

    assert ids_of(shelf.app, per_page=10) == shelf.ids
    assert shelf.calls == 98


def test_a_failure_on_the_first_page_is_raised_as_itself():
    """Nothing had come."""
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
@pytest.mark.parametrize("way", ["frame", "arrow", "pages", "records", "to_parquet", "to_csv"])
def test_a_failure_later_is_an_incomplete_walk(answer, way, tmp_path):
    """With the failure as its cause, how far it came and where it was; no file stays."""
    app = Scripted(posts_page("ab", pages=3), posts_page("cd", page=2, pages=3), answer)
    walk = getattr(client_of(app).posts(), way)

    with pytest.raises(sf.IncompleteWalk) as caught:
        list(walk(tmp_path / "x") if way.startswith("to_") else walk())

    assert caught.value.pages_done == 2
    assert caught.value.rows == 4
    assert "The walk had 2 pages" in str(caught.value)
    assert caught.value.position == {"page": "3"}
    assert isinstance(caught.value.__cause__, sf.SocialFrameError)
    assert list(tmp_path.iterdir()) == []


def test_pages_before_a_failure_are_handed_on():
    """One by one, each before the next is fetched."""
    app = Scripted(posts_page("ab", pages=3), posts_page("cd", page=2, pages=3), b"<html>")
    seen = []

    with pytest.raises(sf.IncompleteWalk):
        seen.extend(page["id"].tolist() for page in client_of(app).posts().pages())

    assert seen == [["a", "b"], ["c", "d"]]


def test_pages_and_records_fetch_no_page_ahead():
    """A user who stops pays for what was used."""
    for way in ("pages", "records"):
        app = Scripted(*(posts_page("ab", page=i, pages=9) for i in range(1, 10)))
        next(getattr(client_of(app, resume=False).posts(), way)())

        assert len(app.seen) == 1


def test_the_same_rows_again_and_again_are_a_loop():
    """A server that does not know the page parameter, but a number of pages."""
    with pytest.raises(sf.PagingLoop, match="no new rows|repeated earlier"):
        ids_of(Scripted(posts_page("ab", pages=1000)))


@pytest.mark.parametrize("way", WAYS)
def test_a_list_that_grows_at_every_call_is_not_walked_for_ever(way):
    """A server that takes the last id has a new row first each time that it is asked by number."""
    grows = Fault("insert")
    api = sf.Client.sandbox(Sandbox(paging="after_id", faults=[grows]))
    query = api.posts(since="2026-09-01", until="2026-09-12", per_page=20)

    found = walk(query, way)

    assert (found.error, found.words) == (None, [])
    assert len(set(found.ids)) == len(found.ids) == 114


def test_a_row_that_stands_on_every_page_does_not_end_a_walk():
    """As a pinned one does, where no reply says how pages follow each other."""

    def answer(environ):
        page = int(parse_qs(environ["QUERY_STRING"]).get("page", ["1"])[0])
        ids = [f"p{i}" for i in range((page - 1) * 3, min(page * 3, 8))]
        return {"posts": [{"id": name} for name in ["pinned", *ids] if ids]}

    frame = client_of(Scripted(answer)).posts(per_page=4).frame()

    assert frame["id"].tolist() == ["pinned", *(f"p{i}" for i in range(8))]


def test_the_same_rows_without_any_sign_are_the_end_and_a_warning():
    """Perhaps the first reply held everything; perhaps the server pages in a way not tried."""
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


def test_records_hold_no_page_that_only_repeats_what_had_come():
    """Records are never told apart by key, yet a try that failed is none of them."""
    app = Scripted({"posts": [{"id": "a"}, {"id": "b"}]})

    with pytest.warns(sf.WalkWarning, match="paging="):
        records = list(client_of(app).posts().records())

    assert records == [{"id": "a"}, {"id": "b"}]


def test_a_flag_alone_is_read_whichever_scheme_turns_out_right():
    """Pages by id, whose end only a flag says; page numbers, tried first, repeat the first page."""
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


def test_a_server_that_says_more_and_repeats_itself_to_every_try_is_a_loop():
    """A flag is a promise; what had come is not all."""
    app = Scripted({"posts": [{"id": "a"}], "hasMore": True})

    with pytest.raises(sf.PagingLoop, match="'hasMore' shows that there are more"):
        ids_of(app)


def test_a_server_that_repeats_its_last_page_for_ever_ends_with_a_warning():
    """Page numbers were right, so nothing else is tried in the middle."""
    app = Scripted(*({"posts": [{"id": name}]} for name in "aabc"))

    with pytest.warns(sf.WalkWarning, match="returned no new rows"):
        frame = client_of(app).posts().frame()

    assert frame["id"].tolist() == ["a", "b", "c"]
    assert [call["query"] for call in app.seen][1:] == [f"limit=100&page={n}" for n in range(1, 5)]


def test_an_empty_page_without_any_sign_is_the_end():
    """Each page before it is there."""
    app = Scripted({"posts": [{"id": "a"}]}, {"posts": [{"id": "b"}]}, {"posts": []})

    assert ids_of(app) == ["a", "b"]


@pytest.mark.parametrize("way", ["frame", "pages"])
def test_a_loop_says_how_many_rows_had_come(way):
    """Also those of pages that are typed together with it."""
    shelf = Shelf([f"p{i}" for i in range(30)], pages=6)
    query = client_of(shelf.app).posts(per_page=10)

    with pytest.raises(sf.PagingLoop) as caught:
        list(query.pages()) if way == "pages" else query.frame()

    assert (caught.value.pages_done, caught.value.rows) == (6, 30)


def test_rows_that_shift_are_told_apart_and_counted():
    """An insert at the top moves a row onto the next page."""
    shelf = Shelf([f"p{i}" for i in range(30)], between=lambda s: s.ids.insert(0, f"new{s.calls}"))

    frame = client_of(shelf.app).posts(per_page=10).frame()

    assert sorted(frame["id"]) == sorted(f"p{i}" for i in range(30))
    facts = frame.attrs["socialframe"]
    assert facts["duplicates"] > 0
    assert facts["complete"]


def test_rows_that_disappear_meanwhile_are_a_warning():
    """A row that moved up may have been missed; a frame says so."""
    shelf = Shelf([f"p{i}" for i in range(30)], between=lambda s: s.ids.pop(0))

    with pytest.warns(sf.WalkWarning, match="were deleted on the server"):
        frame = client_of(shelf.app).posts(per_page=10).frame()

    assert frame.attrs["socialframe"]["complete"] is None


def test_a_total_that_is_not_reached_is_a_warning():
    """The server counts more than came."""
    app = Scripted(posts_page("ab", pages=1, total=5))

    with pytest.warns(sf.WalkWarning, match="reports 5 rows, and 2 were received"):
        frame = client_of(app).posts().frame()

    assert frame.attrs["socialframe"]["complete"] is None


def test_a_total_that_is_too_small_is_a_warning():
    """It ended the walk, and a page of more than it says shows that it is wrong."""
    shelf = Shelf([f"p{i}" for i in range(30)], pages=2, total=15)

    with pytest.warns(sf.WalkWarning, match="reports 15 rows, and 20 were received"):
        frame = client_of(shelf.app).posts(per_page=10).frame()

    assert frame.attrs["socialframe"]["complete"] is None


def test_a_total_that_repeated_rows_make_up_for_is_a_warning_of_records_too():
    """They are handed on twice, and counted once."""
    app = Scripted(
        *(posts_page(ids, page=n, pages=2, total=4) for n, ids in [(1, "ab"), (2, "bc")])
    )

    with pytest.warns(sf.WalkWarning, match="reports 4 rows, and 3 were received"):
        assert [record["id"] for record in client_of(app).posts().records()] == list("abbc")


@given(
    count=st.integers(0, 60),
    size=st.integers(1, 20),
    most=st.none() | st.integers(1, 80),
    sign=st.sampled_from(["pages", "more", "total", "nothing"]),
)
def test_any_cut_into_pages_gives_the_same_frame(count, size, most, sign):
    """By every end sign that page numbers have, with and without a limit."""
    names = [f"p{i}" for i in range(count)]

    def answer(environ):
        number = int(parse_qs(environ["QUERY_STRING"]).get("page", ["1"])[0])
        rows = names[(number - 1) * size : number * size]
        says = {
            "pages": {"pages": -(-count // size)},
            "more": {"hasMore": number * size < count},
            "total": {"total": count},
            "nothing": {},
        }
        return {"posts": [{"id": name} for name in rows], "pagination": says[sign]}

    query = client_of(Scripted(answer)).posts(per_page=size)
    query = query.limit(most) if most else query

    assert query.frame()["id"].tolist() == names[:most]
    assert [record["id"] for record in query.records()] == names[:most]
    assert [name for page in query.pages() for name in page["id"]] == names[:most]


def test_a_limit_fetches_no_page_more_than_it_needs():
    """head() is one call; duplicates do not make it short."""
    shelf = Shelf([f"p{i}" for i in range(300)])
    query = client_of(shelf.app).posts(per_page=100)

    assert query.head()["id"].tolist() == shelf.ids[:5]
    assert shelf.calls == 1
    assert query.limit(150).frame().attrs["socialframe"]["stop"] == "limit"
    assert shelf.calls == 3

    repeating = Scripted(posts_page("abc", pages=9), posts_page("bcd", page=2, pages=9))
    assert client_of(repeating).posts().limit(4).frame()["id"].tolist() == list("abcd")


def test_facts_are_json_and_say_where_rows_came_from():
    """Arguments as typed, parameters as sent."""
    shelf = Shelf("abc")
    frame = client_of(shelf.app).posts(since="2026-01-01", per_page=2).frame()

    facts = json.loads(json.dumps(frame.attrs["socialframe"]))
    assert facts["arguments"] == {"since": "2026-01-01", "per_page": 2}
    assert facts["parameters"] == {"limit": "2", "dateFrom": "2026-01-01"}
    assert (facts["pages"], facts["rows"], facts["complete"]) == (2, 3, True)
    assert facts["first_fetch"] <= facts["last_fetch"]


def test_rows_without_a_key_are_never_told_apart():
    """Nothing says that they are the same."""
    with pytest.warns(sf.WalkWarning, match="no record has the key id"):
        frame = client_of(Scripted({"posts": [{}, {}]}, {"posts": []})).posts().frame()

    assert len(frame) == 2


def test_groups_are_large_where_pages_come_fast_and_single_where_they_are_slow():
    """Typing sixteen at once is cheaper; waiting for them would be dearer."""
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


def test_overlapping_keeps_order_and_passes_failures_on():
    """And leaves no thread behind."""
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


def test_warnings_as_errors_still_come_as_our_warning():
    """As a test suite would have it."""
    app = Scripted(posts_page("ab", pages=1, total=5))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(sf.WalkWarning):
            client_of(app).posts().frame()


class Circle(Single):
    """A paging scheme that leads back to the page before the last."""

    def first(self, call):
        return call.with_param("at", "A")

    def next(self, page, rows):
        return Step(page.call.with_param("at", {"A": "B", "B": "A"}[page.call.param("at")]), "sign")


def test_the_same_call_twice_is_a_loop():
    """Also A, B, A; whatever the rows are."""
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


def test_rows_without_a_whole_key_are_all_kept():
    """A null in a key tells nothing apart: the sibling's name for an id, a day that is none."""
    app = Scripted({"accounts": [{"platform": "x", "_id": "a"}, {"platform": "x", "_id": "b"}]})
    assert len(client_of(app).accounts().frame()) == 2

    points = [{"date": f"the {day}th", "followers": day} for day in range(1, 6)]
    stats = Scripted({"accounts": [], "stats": {"a": points}})
    assert len(client_of(stats).followers().frame()) == 5


def test_an_error_body_with_status_200_does_not_end_a_walk():
    """It is no page without rows."""
    pages = [posts_page(f"{i}ab", page=i, pages=10, total=30) for i in (1, 2)]
    app = Scripted(*pages, {"error": "temporarily unavailable"})

    with pytest.raises(sf.IncompleteWalk, match="it has 'error'"):
        client_of(app).posts().frame()


def test_a_sign_that_disappears_is_a_warning():
    """An empty body later on says nothing of the pages that were promised."""
    pages = [posts_page(f"{i}ab"[:2], page=i, pages=10) for i in (1, 2)]

    with pytest.warns(sf.WalkWarning, match="the last reply lacks 'pagination.pages'"):
        frame = client_of(Scripted(*pages, {})).posts().frame()

    assert frame["id"].tolist() == ["1", "a", "2"]
    assert frame.attrs["socialframe"]["complete"] is None


def test_a_server_that_ignores_the_page_is_not_whole():
    """Two pages promised, the first one sent twice."""
    app = Scripted(posts_page("ab", pages=2), posts_page("ab", page=2, pages=2))

    with pytest.warns(sf.WalkWarning, match="1 pages had no new rows"):
        frame = client_of(app).posts().frame()

    assert frame["id"].tolist() == ["a", "b"]
    assert frame.attrs["socialframe"]["complete"] is None


def test_pages_without_sign_and_id_go_on_while_they_are_new():
    """Under another name for the id, the record itself is looked at."""
    pages = [{"posts": [{"_id": f"{i}{j}"} for j in range(3)]} for i in range(5)]

    with pytest.warns(sf.WalkWarning, match="no record has the key id"):
        frame = client_of(Scripted(*pages, {"posts": []})).posts().frame()

    assert len(frame) == 15


@pytest.mark.parametrize("way", ["records", "frame", "pages"])
@pytest.mark.parametrize("rows", [[], [{"name": "no id"}]])
def test_the_same_page_for_ever_ends_every_walk(way, rows):
    """Also without keys and without rows."""
    app = Scripted({"posts": rows, "pagination": {"hasMore": True}})

    with pytest.raises(sf.PagingLoop):
        list(getattr(client_of(app).posts(), way)())

    assert len(app.seen) <= 4


def test_an_empty_first_page_whose_offset_cannot_move_is_no_empty_frame():
    """It says that there is more."""
    app = Scripted({"rows": [], "offset": 0, "hasMore": True})

    with pytest.raises(sf.PagingLoop):
        client_of(app).fetch("/v1/rows", records="rows").frame()


def test_a_total_that_is_text_is_compared_too():
    """As one that is a number."""
    app = Scripted({"rows": [{"a": 1}], "total": "9"}, {"rows": [], "total": "9"})

    with pytest.warns(sf.WalkWarning, match="reports 9 rows, and 1 were received"):
        client_of(app).fetch("/v1/rows", paging=PageNumber(total_rows="total")).frame()


def test_a_count_that_leads_to_an_error_asks_for_a_sign():
    """No reply said where it ends."""
    app = Scripted({"rows": [{"a": 1}]}, (400, {"error": "No such page"}))

    with pytest.raises(sf.IncompleteWalk, match=r"paging=PageNumber\(param='page', …\)"):
        client_of(app).fetch("/v1/rows", params={"page": 1}).frame()


def test_a_promise_of_more_without_a_way_to_it_is_said():
    """A flag alone."""
    app = Scripted({"rows": [{"a": 1}], "has_more": True})

    with pytest.warns(sf.WalkWarning, match="'has_more' that more pages follow"):
        client_of(app).fetch("/v1/rows").frame()


def test_a_page_that_is_not_there_is_the_end_of_a_count_that_nothing_ended():
    """With a word; the rows that had come are kept."""
    app = Scripted({"rows": [{"a": 1}]}, (404, {"error": "No such page", "code": "NOT_FOUND"}))

    with pytest.warns(sf.WalkWarning, match="no field marks the last page; the API refused"):
        frame = client_of(app).fetch("/v1/rows", params={"page": 1}).frame()

    assert len(frame) == 1


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_server_that_refuses_parameters_it_does_not_know_is_walked(status):
    """What was only tried is no failure; nobody knows whether there is more."""

    def answer(environ):
        if "page" in environ["QUERY_STRING"] or "after" in environ["QUERY_STRING"]:
            return status, {"error": "unknown parameter"}
        return {"posts": [{"id": "a"}]}

    with pytest.warns(sf.WalkWarning, match="paging="):
        assert ids_of(Scripted(answer)) == ["a"]


def numbered(start, says, rows=35):
    """Serve rows by page number, ten a page, with what a function says of page and rest."""
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
def test_misleading_signs_lose_no_row(start, says):
    """A count of one page's rows, a total of something else, an empty sign beside one of more."""
    app, names = numbered(start, says)

    assert ids_of(app) == names


@pytest.mark.parametrize(
    "replies",
    [
        ({"posts": [{"id": "a"}], "page": 1, "pages": 4, "hasMore": False},),
        ({"posts": [{"id": "a"}], "nextCursor": "c"}, {"message": "try later"}),
        ({"posts": [{"id": "a"}], "nextCursor": "c"}, {}),
        ({"posts": [{"id": "a"}], "nextCursor": "c"}, {"items": [{"id": 1}], "nextCursor": None}),
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
def test_an_end_that_the_reply_itself_disputes_is_a_warning(replies):
    """The scheme met says that it is the end, something else that there is more."""
    with pytest.warns(sf.WalkWarning, match="shows that there are more|no list|lacks"):
        frame = client_of(Scripted(*replies)).posts().frame()

    assert frame.attrs["socialframe"]["complete"] is None


@pytest.mark.parametrize("paging", [Single(), Cursor(field="next", param="c"), LinkHeader()])
def test_a_declared_field_that_never_stood_beside_a_sign_of_more_is_a_warning(paging):
    """A path that is misspelt would be a short frame."""
    app = Scripted({"rows": [{"a": 1}], "pagination": {"page": 1, "pages": 54}})

    with pytest.warns(
        sf.WalkWarning, match="'pagination.pages' in the last reply shows that there are more"
    ):
        client_of(app).fetch("/v1/rows", paging=paging).frame()


@pytest.mark.parametrize("way", ["frame", "pages", "records"])
@pytest.mark.parametrize("key", ["id", None])
def test_pages_that_come_again_in_turn_are_a_loop(way, key):
    """A, B, A, B under fresh cursors, in every way to ask."""
    count = iter(range(10_000))

    def answer(environ):
        number = next(count)
        return {"rows": [{"id": number % 2}], "nextCursor": f"c{number}"}

    paging = Cursor(field="nextCursor", param="cursor")
    query = client_of(Scripted(answer), tier=sf.Limit(10_000)).fetch(
        "/v1/rows", paging=paging, key=key
    )

    with pytest.raises(sf.PagingLoop):
        list(getattr(query, way)())


def test_records_with_a_key_see_a_loop_that_changes_its_bytes():
    """Addresses that are signed anew each time."""
    count = iter(range(10_000))
    app = Scripted(lambda environ: {"posts": [{"id": 1, "u": next(count)}], "hasMore": True})

    with pytest.raises(sf.PagingLoop):
        list(client_of(app, tier=sf.Limit(10_000)).posts().records())


def test_two_pages_that_are_the_same_are_a_doubt_where_nothing_tells_rows_apart():
    """A server that ignores the page."""
    app = Scripted({"rows": [{"a": 1}], "page": 1, "pages": 2})

    with pytest.warns(sf.WalkWarning, match="1 pages had no new rows"):
        client_of(app).fetch("/v1/rows").frame()


def test_a_key_that_no_record_has_is_a_warning():
    """It tells nothing apart."""
    app = Scripted({"rows": [{"a": 1}]})

    with pytest.warns(sf.WalkWarning, match="no record has the key nope"):
        client_of(app).fetch("/v1/rows", key="nope", paging=Single()).frame()


def test_a_walk_that_begins_in_the_middle_is_not_compared_with_the_total():
    """The caller asked for the rest."""
    app = Scripted({"rows": [{"a": 1}], "page": 4, "pages": 4, "total": 31})

    frame = client_of(app).fetch("/v1/rows", params={"page": 4}).frame()

    assert frame.attrs["socialframe"]["complete"] is True


def test_warnings_show_the_line_that_asked_and_each_walk_its_own():
    """Python shows a text once a line."""
    api = client_of(Scripted({"rows": [{"a": 1}]}))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        api.fetch("/v1/one").frame()
        api.fetch("/v1/two").frame()

    assert [str(one.message)[:13] for one in caught] == ["fetch /v1/one", "fetch /v1/two"]
    assert {one.filename for one in caught} == {__file__}


@pytest.mark.parametrize("header", [{}, {"Link": '<http://[x>; rel="next"'}])
def test_an_address_that_is_none_is_our_own_error(header):
    """In the body or in the header."""
    body = {"rows": [{"a": 1}], **({} if header else {"next": "http://[x"})}

    with pytest.raises(sf.ReplyError, match="is not a URL"):
        client_of(Scripted((200, body, header))).fetch("/v1/rows").frame()


def test_lists_behind_the_records_do_not_hide_a_token():
    """On later pages, where only what paging needs is looked for."""

    def answer(environ):
        first = int(parse_qs(environ["QUERY_STRING"]).get("cursor", ["0"])[0])
        more = first + 10 < 35
        rows = json.dumps([{"id": f"r{i}"} for i in range(first, min(first + 10, 35))])
        token = json.dumps(str(first + 10) if more else None)
        tail = f'"nextCursor":{token},"facets":[[1],[2],[3],[4]],"hasMore":{json.dumps(more)}'
        return f'{{"posts":{rows},{tail}}}'.encode()

    assert ids_of(Scripted(answer)) == [f"r{i}" for i in range(35)]


def test_no_row_of_what_was_asked_for_beside_a_list_of_something_else_is_no_row():
    """The list is named as the path."""
    app = Scripted({"posts": [], "nextCursor": None, "platforms": [{"id": "ig"}]})

    assert len(client_of(app).fetch("/v1/posts").frame()) == 0
