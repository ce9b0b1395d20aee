"""Faults of answers, seen from outside through plain httpx: each kind and each place."""

from __future__ import annotations

import itertools
import json
import re
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialframe.errors import ArgumentError
from socialframe.sandbox import PAGINGS, Fault, Sandbox, parse_fault
from socialframe.sandbox.faults.faults import KINDS

BASE = "http://sandbox.example:8080"
FILTER = {"dateFrom": "2026-11-12", "limit": 20}
EVERY = [(paging, sign) for paging, signs in PAGINGS.items() for sign in signs]
WIRE = [kind for kind in KINDS if KINDS[kind].stage == "wire"]


def ask(sandbox, **more):
    headers = {"Authorization": f"Bearer {sandbox.key}", **more}
    return httpx.Client(transport=httpx.WSGITransport(app=sandbox), base_url=BASE, headers=headers)


def box(*faults, **more):
    """Make a sandbox whose clock runs a second a call, so that no test meets its limit."""
    ticks = itertools.count()
    return Sandbox(faults=faults, clock=lambda: float(next(ticks)), **more)


def rows(reply):
    return [post["id"] for post in reply.json()["posts"]]


def page(client, paging, number, path="/v1/posts"):
    """Ask for a page of 20 rows by the words of a family of paging."""
    params = {**FILTER, "page": number}
    if paging == "offset":
        params["offset"] = 20 * (number - 1)
    if number > 1 and paging in {"cursor", "after_id"}:
        before = page(client, paging, number - 1, path)
        if paging == "cursor":
            params["cursor"] = before.json()["pagination"]["nextCursor"]
        else:
            params["after"] = rows(before)[-1]
    return client.get(path, params=params)


def leads_to(reply, paging):
    """Tell which URL or parameters an answer gives for the next page."""
    if paging == "link":
        return dict(httpx.URL(reply.links["next"]["url"]).params)
    body = reply.json()
    if paging == "next_url":
        return dict(httpx.URL(body["links"]["next"]).params)
    if paging == "cursor":
        return {**FILTER, "cursor": body["pagination"]["nextCursor"]}
    return {**FILTER, "page": body["pagination"]["nextPage"]}


WORDS = {
    429: {"error": "Rate limit exceeded", "code": "RATE_LIMIT_EXCEEDED"},
    500: {"error": "Internal server error", "code": "INTERNAL_ERROR"},
    502: {"error": "Bad gateway", "code": "INTERNAL_ERROR"},
    503: {"error": "Service unavailable", "code": "INTERNAL_ERROR"},
    504: {"error": "Gateway timeout", "code": "INTERNAL_ERROR"},
}


@pytest.mark.parametrize("status", WORDS)
def test_a_status_fault_has_a_json_an_html_or_an_empty_body(status):
    """Each applies once; the fourth call succeeds."""
    faults = [Fault("status", status=status, body=b, at=n) for n, b in enumerate(BODIES, 1)]
    with ask(box(*faults)) as client:
        words, markup, nothing, fine = (client.get("/v1/posts") for _ in range(4))

    assert words.status_code == markup.status_code == nothing.status_code == status
    assert words.json() == WORDS[status]
    assert "<h1>" in markup.text
    assert markup.headers["Content-Type"].startswith("text/html")
    assert nothing.content == b""
    assert fine.status_code == 200


BODIES = ("json", "html", None)


@pytest.mark.parametrize(("switch", "expected"), [("seconds", "60"), ("absent", None)])
def test_a_429_fault_has_the_switchs_retry_after(switch, expected):
    """Whole seconds, or none."""
    with ask(box(Fault("status", status=429), retry_after=switch)) as client:
        assert client.get("/v1/posts").headers.get("Retry-After") == expected


def test_retry_after_of_a_fault_can_be_a_date():
    """Also of a 503 with seconds; without seconds it has none."""
    faults = [Fault("status", status=503, seconds=90, at=1), Fault("status", status=503, at=2)]
    with ask(box(*faults, retry_after="date", wall=lambda: 1795000000.0)) as client:
        named, other = client.get("/v1/posts"), client.get("/v1/posts")

    date = parsedate_to_datetime(named.headers["Retry-After"])
    assert date.timestamp() == 1795000090
    assert "Retry-After" not in other.headers


def test_faults_before_the_api_do_not_count_against_the_rate_limit():
    """Sixty calls remain."""
    sandbox = Sandbox(tier="free", clock=lambda: 0.0, faults=[Fault("html", at=range(1, 31))])
    with ask(sandbox) as client:
        replies = [client.get("/v1/accounts") for _ in range(91)]

    assert [reply.status_code for reply in replies] == [200] * 90 + [429]


def test_a_call_with_a_broken_body_counts():
    """The API handled the call."""
    sandbox = Sandbox(tier="free", clock=lambda: 0.0, faults=[Fault("empty")])
    with ask(sandbox) as client:
        assert [client.get("/v1/accounts").status_code for _ in range(61)] == [200] * 60 + [429]


def test_html_with_status_200():
    """A page instead of JSON, even without a key."""
    with ask(box(Fault("html"))) as client:
        reply = client.get("/v1/posts", headers={"Authorization": "Bearer sk_wrong"})

    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.text.startswith("<!doctype html>")


@pytest.mark.parametrize("packed", ["gzip", "identity"])
@pytest.mark.parametrize("kind", ["empty", "cut", "utf8"])
def test_body_faults_have_status_200_and_invalid_json(kind, packed):
    """Within the compression, if there is one."""
    sandbox = box(Fault(kind), gzip=True)
    with ask(sandbox, **{"Accept-Encoding": packed}) as client:
        broken = client.get("/v1/posts")
        sandbox.faults = ()
        whole = client.get("/v1/posts")

    assert broken.status_code == 200
    assert broken.headers["Content-Type"] == "application/json"
    with pytest.raises(ValueError, match=r"."):
        json.loads(broken.content)
    if kind == "cut":
        assert whole.content.startswith(broken.content)
        assert 0 < len(broken.content) < len(whole.content)
    if kind == "utf8":
        assert json.loads(broken.content.replace(b"caf\xe9 ", b"")) == whole.json()
        with pytest.raises(UnicodeDecodeError):
            broken.content.decode()


def test_the_date_is_skewed():
    """By the requested number of seconds."""
    with ask(box(Fault("date", by=-7200), wall=lambda: 1795000000.0)) as client:
        reply = client.get("/v1/accounts")

    assert parsedate_to_datetime(reply.headers["Date"]).timestamp() == 1795000000 - 7200


def test_a_redirect_leads_to_another_host():
    """With path and query; to a reserved name or the configured host."""
    faults = [Fault("redirect", at=1), Fault("redirect", host="127.0.0.1:9", at=2)]
    with ask(box(*faults)) as client:
        first, second = (client.get("/v1/posts", params={"page": 2}) for _ in range(2))

    assert first.status_code == second.status_code == 302
    assert first.headers["Location"] == "http://elsewhere.invalid/v1/posts?page=2"
    assert second.headers["Location"] == "http://127.0.0.1:9/v1/posts?page=2"


def test_a_revoked_key_stays_revoked_until_the_faults_are_set_again():
    """Each later call is a 401, as with an unknown key."""
    sandbox = box(Fault("revoke", at=3))
    with ask(sandbox) as client:
        before = [client.get("/v1/accounts").status_code for _ in range(2)]
        after = [client.get("/v1/posts") for _ in range(3)]
        sandbox.faults = []
        again = client.get("/v1/posts")

    assert before == [200, 200]
    for reply in after:
        assert reply.status_code == 401
        assert reply.json() == {"error": "Invalid API key", "code": "AUTH_INVALID_KEY"}
    assert again.status_code == 200


@pytest.mark.parametrize("path", ["/v1/posts", "/v1/analytics"])
@pytest.mark.parametrize("paging", [paging for paging in PAGINGS if paging != "none"])
def test_a_page_fault_applies_with_every_paging_family(paging, path):
    """To page 3 of every list, and to no page before it."""
    sandbox = box(Fault("html", page=3), paging=paging)
    with ask(sandbox) as client:
        first, second = page(client, paging, 1, path), page(client, paging, 2, path)
        third = page(client, paging, 3, path)
        elsewhere = client.get("/v1/accounts", params={"page": 3})

    assert first.json()["posts"] != second.json()["posts"]
    assert third.text.startswith("<!doctype html>")
    assert elsewhere.json()["accounts"]


def test_a_page_fault_applies_to_overlapping_offsets():
    """A client may request pages with one row in common."""
    with ask(box(Fault("html", page=3), paging="offset")) as client:
        replies = [client.get("/v1/posts", params={**FILTER, "offset": n}) for n in (0, 19, 38, 57)]

    kinds = [reply.headers["Content-Type"].partition(";")[0] for reply in replies]
    assert kinds == ["application/json", "application/json", "text/html", "application/json"]


def test_without_paging_the_only_page_is_the_first():
    """Page 1 is hit, page 2 never."""
    sandbox = box(Fault("html", page=1, times=1), Fault("empty", page=2), paging="none")
    with ask(sandbox) as client:
        assert "<html" in client.get("/v1/posts", params=FILTER).text
        assert rows(client.get("/v1/posts", params={**FILTER, "page": 2}))


LEADING = [way for way in EVERY if way[0] in {"cursor", "next_url", "link"} or "next_page" in way]


@pytest.mark.parametrize(("paging", "sign"), LEADING)
def test_a_repeated_page_names_itself_as_the_next(paging, sign):
    """A client that follows it gets the same page endlessly."""
    sandbox = box(Fault("repeat", page=2), paging=paging, end_sign=sign)
    with ask(sandbox) as client:
        second = page(client, paging, 2)
        third = client.get("/v1/posts", params=leads_to(second, paging))
        fourth = client.get("/v1/posts", params=leads_to(third, paging))

    assert rows(second) == rows(third) == rows(fourth)
    if sign == "hasMore":
        assert second.json()["pagination"]["hasMore"] is True


@pytest.mark.parametrize(("paging", "sign"), LEADING)
def test_a_back_fault_names_the_previous_page_as_the_next(paging, sign):
    """The pages form a loop of two."""
    sandbox = box(Fault("back", page=2), paging=paging, end_sign=sign)
    with ask(sandbox) as client:
        a, b = page(client, paging, 1), page(client, paging, 2)
        again = client.get("/v1/posts", params=leads_to(b, paging))
        then = client.get("/v1/posts", params=leads_to(again, paging))

    assert rows(again) == rows(a) != rows(b)
    assert rows(then) == rows(b)


@pytest.mark.parametrize("sign", PAGINGS["cursor"])
def test_the_last_page_can_name_a_next_page(sign):
    """It has a cursor that should be absent."""
    sandbox = box(Fault("repeat", page=5), paging="cursor", end_sign=sign)
    with ask(sandbox) as client:
        last = page(client, "cursor", 5)
        again = client.get("/v1/posts", params=leads_to(last, "cursor"))

    assert 0 < len(rows(last)) < 20
    assert rows(again) == rows(last)


@pytest.mark.parametrize("sign", PAGINGS["cursor"])
def test_an_expired_cursor_is_a_400(sign):
    """The first page needs none."""
    sandbox = box(Fault("expire"), paging="cursor", end_sign=sign)
    with ask(sandbox) as client:
        first, second = page(client, "cursor", 1), page(client, "cursor", 2)

    assert first.status_code == 200
    assert second.status_code == 400
    assert second.json() == {"error": "cursor has expired", "code": "VALIDATION_ERROR"}


@pytest.mark.parametrize("paging", PAGINGS)
def test_inserted_rows_shift_the_next_page(paging):
    """The list changes: page 2 begins with the last row of page 1."""
    sandbox = box(Fault("insert", rows=2, page=1 if paging == "none" else 2), paging=paging)
    with ask(sandbox) as client:
        sandbox.faults, faults = (), sandbox.faults
        first = page(client, paging, 1)
        params = {"page": 2, "offset": 20, "after": rows(first)[19], **FILTER}
        if paging == "cursor":
            params["cursor"] = first.json()["pagination"]["nextCursor"]
        sandbox.faults = faults
        second = client.get("/v1/posts", params=params)
        sandbox.faults = ()
        new = rows(page(client, paging, 1))[:2]
        told = [client.get(f"/v1/posts/{post_id}").status_code for post_id in new]

    assert told == [200, 200]
    assert not set(new) & set(rows(first))
    assert len(set(new)) == 2
    if paging == "none":
        assert rows(second) == [*new, *rows(first)]
    elif paging == "after_id":
        assert not set(rows(second)) & set(rows(first))  # who names a row sees no shift
    else:
        assert rows(second)[:2] == rows(first)[-2:]


@pytest.mark.parametrize("path", ["/v1/posts", "/v1/analytics"])
@pytest.mark.parametrize("paging", ["page", "offset", "cursor", "next_url", "link", "after_id"])
def test_deleted_rows_shift_the_next_page(paging, path):
    """The last row that was read is deleted, so a row is skipped or its id is refused."""
    sandbox = box(paging=paging)
    with ask(sandbox) as client:
        first, second = page(client, paging, 1, path), page(client, paging, 2, path)
        gone = rows(first)[-1]
        sandbox.faults = [Fault("delete", page=2)]
        after = page(client, paging, 2, path)
        lookup = client.get(f"/v1/posts/{gone}")

    assert lookup.status_code == 404
    if paging == "after_id":
        assert after.status_code == 400
    else:
        assert rows(after)[:19] == rows(second)[1:]


@pytest.mark.parametrize("paging", ["page", "offset", "cursor", "next_url", "link", "after_id"])
def test_edited_rows_differ_from_the_page_before(paging):
    """The last row of page 1 is outdated."""
    sandbox = box(paging=paging)
    with ask(sandbox) as client:
        old = page(client, paging, 1).json()["posts"][-1]
        sandbox.faults = [Fault("edit", page=2)]
        page(client, paging, 2)
        new = client.get(f"/v1/posts/{old['id']}").json()

    assert new == {**old, "content": f"{old['content'] or ''} (edited)"}


@pytest.mark.parametrize(("paging", "sign"), EVERY)
def test_duplicated_rows_are_at_the_end_of_the_page(paging, sign):
    """The first ones again; the rest is unchanged."""
    sandbox = box(Fault("duplicate", rows=3, at=1), paging=paging, end_sign=sign)
    with ask(sandbox) as client:
        double, plain = page(client, paging, 1), page(client, paging, 1)

    assert rows(double) == [*rows(plain), *rows(plain)[:3]]
    assert {**double.json(), "posts": 0} == {**plain.json(), "posts": 0}


TOTALS = [way for way in EVERY if way[1] in {"total", "pages"}]


@pytest.mark.parametrize("by", [50, -50, -5000])
@pytest.mark.parametrize(("paging", "sign"), TOTALS)
def test_a_total_fault_changes_total_and_pages(paging, sign, by):
    """The rows are unchanged."""
    sandbox = box(Fault("total", by=by, at=1), paging=paging, end_sign=sign)
    with ask(sandbox) as client:
        lie, truth = page(client, paging, 1), page(client, paging, 1)

    said = max(truth.json()["pagination"]["total"] + by, 0)
    assert lie.json()["pagination"]["total"] == said
    assert rows(lie) == rows(truth)
    if sign == "pages":
        assert lie.json()["pagination"]["pages"] == -(-said // 20)


@pytest.mark.parametrize("host", ["elsewhere.invalid", "127.0.0.1:9"])
@pytest.mark.parametrize("paging", ["next_url", "link"])
def test_a_next_url_can_lead_to_another_host(paging, host):
    """With the path and the parameters of the next page; the last page has none."""
    sandbox = box(Fault("next_host", host=host), paging=paging)
    with ask(sandbox) as client:
        first, last = page(client, paging, 1), page(client, paging, 5)

    if paging == "link":
        link, end = first.links["next"]["url"], last.links.get("next")
    else:
        link, end = first.json()["links"]["next"], last.json()["links"]["next"]
    assert link.startswith(f"http://{host}/v1/posts?")
    assert httpx.URL(link).params["page"] == "2"
    assert end is None


def test_faults_can_be_removed_and_set_again():
    """Counting restarts at 1."""
    sandbox = box(Fault("html", at=2))
    with ask(sandbox) as client:

        def kinds():
            return ["html" in client.get("/v1/accounts").headers["Content-Type"] for _ in range(3)]

        first = kinds()
        sandbox.faults = ()
        off = kinds()
        sandbox.faults = [Fault("html", at=(1, 3))]
        on = kinds()

    assert (first, off, on) == ([False, True, False], [False] * 3, [True, False, True])


def test_a_fault_is_limited_by_path_and_times():
    """The path is a pattern."""
    sandbox = box(Fault("html", path="/v1/accounts*", times=2))
    paths = ["/v1/posts", "/v1/accounts", "/v1/accounts/health", "/v1/accounts"]
    with ask(sandbox) as client:
        hit = ["html" in client.get(path).headers["Content-Type"] for path in paths]

    assert hit == [False, True, True, False]


def test_a_share_is_random_but_reproducible():
    """Another seed gives other calls."""

    def hits(seed):
        with ask(box(Fault("html", share=0.25), seed=seed)) as client:
            return [
                "html" in client.get("/v1/accounts").headers["Content-Type"] for _ in range(200)
            ]

    assert hits(7) == hits(7) != hits(8)
    assert 30 < sum(hits(7)) < 70


@pytest.mark.parametrize("kind", WIRE)
def test_a_connection_fault_is_refused_in_process(kind):
    """The error says what it needs."""
    with ask(box(Fault(kind))) as client:
        reply = client.get("/v1/posts")

    assert reply.status_code == 400
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert "Use Sandbox.serve()" in reply.json()["error"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (("nothing", {}), "Unknown fault 'nothing'; the kinds are status, html"),
        ((["html"], {}), "Unknown fault"),
        (("html", {"status": 500}), "The fault 'html' takes no option, not 'status'"),
        (
            ("status", {"status": 404}),
            "status of a fault must be 429, 500, 502, 503 or 504",
        ),
        (("status", {"body": "xml"}), "body of a fault must be"),
        (("status", {"seconds": -1}), "seconds of a fault must be"),
        (("redirect", {"host": "a/b"}), "host of a fault must be"),
        (("total", {"by": 0}), "by of a fault must be an integer other than 0"),
        (("truncate", {"length": "wrong"}), "length of a fault must be"),
        (("insert", {"rows": 0}), "rows of a fault must be"),
        (("html", {"at": 0}), "at of a fault must be"),
        (("html", {"at": []}), "at of a fault must be"),
        (("html", {"at": True}), "at of a fault must be"),
        (("html", {"page": range(3, 3)}), "page of a fault must be"),
        (("html", {"path": "v1"}), "path of a fault must be"),
        (("html", {"share": 1.5}), "share of a fault must be"),
        (("html", {"times": 0}), "times of a fault must be"),
    ],
)
def test_an_invalid_fault_is_refused(wrong, sentence):
    """By one sentence."""
    kind, options = wrong
    with pytest.raises(ArgumentError, match=re.escape(sentence)):
        Fault(kind, **options)


def test_a_fault_without_effect_is_refused():
    """For example, because no list has pages; a value that is no fault, too."""
    with pytest.raises(ArgumentError, match=r"'expire' has no effect .* cursor \(null\)"):
        Sandbox(faults=[Fault("expire")])
    with pytest.raises(ArgumentError, match="'next_host' has no effect"):
        Sandbox(faults=[Fault("next_host")], paging="offset")
    with pytest.raises(ArgumentError, match="faults must hold values such as"):
        Sandbox().faults = ["html"]


WHOLE = st.integers(1, 10**6)
NUMBERS = st.one_of(
    WHOLE, st.lists(WHOLE, min_size=1), st.builds(lambda a, n: range(a, a + n), WHOLE, WHOLE)
)
OPTIONS = {
    "status": st.sampled_from(sorted(WORDS)),
    "body": st.sampled_from(BODIES),
    "seconds": st.floats(0, 86400, allow_nan=False),
    "host": st.sampled_from(["elsewhere.invalid", "127.0.0.1:8080"]),
    "by": st.integers(-9999, 9999).filter(bool),
    "length": st.sampled_from(["right", "short", "long"]),
    "rows": st.integers(1, 100),
}
WHERE = {
    "at": NUMBERS,
    "page": NUMBERS,
    "path": st.from_regex(r"/[a-z0-9/*]{0,9}", fullmatch=True),
    "share": st.floats(0, 1, exclude_min=True),
    "times": WHOLE,
}


@st.composite
def faults(draw, kinds=tuple(KINDS)):
    kind = draw(st.sampled_from(kinds))
    options = {name: OPTIONS[name] for name in KINDS[kind].options}
    return Fault(kind, **draw(st.fixed_dictionaries({}, optional={**options, **WHERE})))


@given(faults())
def test_a_fault_round_trips_through_its_text(fault):
    """As on the command line."""
    assert parse_fault(str(fault)) == fault
    assert repr(fault) == f"Fault({str(fault)!r})"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("html", Fault("html")),
        ("status:502", Fault("status", status=502)),
        ("status:502,body=none", Fault("status", status=502, body=None)),
        ("html@3,7", Fault("html", at=[7, 3])),
        ("html@3-9@page=2", Fault("html", at=range(3, 10), page=2)),
        ("html@path=/v1/posts@times=2", Fault("html", path="/v1/posts", times=2)),
    ],
)
def test_the_text_of_a_fault_is_parsed(text, fault):
    """Kind, options and place."""
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text", ["", "nothing", "html:5", "status:x", "html@", "html@x", "html@3@4", "html@no=1", "@3"]
)
def test_invalid_fault_text_is_refused(text):
    """By a sentence, not by a traceback."""
    with pytest.raises(ArgumentError, match="fault"):
        parse_fault(text)


@given(st.text(max_size=30))
def test_any_text_is_a_fault_or_refused(text):
    """Never another error."""
    try:
        fault = parse_fault(text)
    except ArgumentError:
        return
    assert parse_fault(str(fault)) == fault


REQUESTS = st.tuples(
    st.sampled_from(["GET", "HEAD", "POST", "DELETE"]),
    st.sampled_from(["/v1/posts", "/v1/analytics", "/v1/accounts", "/v1/posts/post_x", "/nowhere"]),
    st.dictionaries(
        st.sampled_from(["page", "limit", "offset", "cursor", "after", "postId", "dateFrom"]),
        st.one_of(st.integers(-1, 200).map(str), st.text(max_size=5)),
    ),
)
FITTING = {
    paging: tuple(
        kind
        for kind, one in KINDS.items()
        if not one.needs or one.needs(paging, PAGINGS[paging][0])
    )
    for paging in PAGINGS
}


@given(
    st.sampled_from(list(PAGINGS)).flatmap(
        lambda paging: st.tuples(st.just(paging), st.lists(faults(FITTING[paging]), max_size=5))
    ),
    st.lists(REQUESTS, min_size=1, max_size=6),
)
def test_any_fault_and_request_get_an_expected_status(chosen, requests):
    """Never a traceback."""
    paging, listed = chosen
    wanted = {fault.option("status") for fault in listed if fault.kind == "status"}
    sandbox = box(*listed, paging=paging)
    with ask(sandbox) as client:
        for method, path, params in requests:
            reply = client.request(method, path, params=params)
            assert reply.status_code in {200, 302, 400, 401, 404, 405} | wanted
            assert b"Traceback" not in reply.content
            assert sandbox.key.encode() not in reply.content
    assert len(sandbox.requests) == len(requests)


def test_html_pages_are_unaffected_by_faults():
    """Unless a fault names their path; viewing them changes nothing."""
    sandbox = box(Fault("html", at=2), Fault("status", status=502, path="/_sandbox/*", times=1))
    page = "/_sandbox/consent"
    paths = ["/v1/accounts", page, page, "/v1/accounts", "/v1/accounts"]
    with ask(sandbox) as client:
        replies = [client.get(path) for path in paths]

    assert replies[1].status_code == 502
    assert "We will be back" not in replies[2].text
    assert ["We will be back" in reply.text for reply in replies[3:]] == [True, False]


def test_a_new_key_after_a_revocation_is_valid():
    """Only the old key is revoked."""
    sandbox = box(Fault("revoke", at=1))
    with ask(sandbox) as old:
        old.get("/v1/accounts")
        sandbox.key = "sk_new"
        with ask(sandbox) as new:
            statuses = [one.get("/v1/accounts").status_code for one in (old, new, new)]
        sandbox.key = old.headers["Authorization"].removeprefix("Bearer ")
        back = old.get("/v1/accounts").status_code

    assert statuses == [401, 200, 200]
    assert back == 401


@pytest.mark.parametrize(
    ("kind", "switches", "means_nothing", "means_something"),
    [
        ("expire", {}, "/v1/posts?page=2", "/v1/analytics?limit=50&cursor={}"),
        ("repeat", {}, "/v1/posts", "/v1/analytics"),
        ("back", {}, "/v1/posts?page=2", "/v1/analytics"),
        ("total", {"posts": "page"}, "/v1/analytics", "/v1/posts"),
        ("duplicate", {}, "/v1/posts?page=9999", "/v1/posts?page=2"),
        ("insert", {}, "/v1/posts?status=unheard-of", "/v1/posts"),
        ("delete", {}, "/v1/posts?status=unheard-of", "/v1/posts"),
        ("edit", {}, "/v1/posts?status=unheard-of", "/v1/posts"),
        ("next_host", {"posts": "next_url"}, "/v1/posts?page=9999", "/v1/posts"),
        ("next_host", {"posts": "next_url"}, "/v1/analytics", "/v1/posts"),
    ],
)
def test_a_fault_applies_only_where_it_has_an_effect(
    kind, switches, means_nothing, means_something
):
    """Otherwise the response is unchanged, and neither the log nor ``times`` counts it."""
    paging = {"analytics": "cursor", **switches}
    fault = Fault(kind, times=1)
    with ask(box(paging=paging)) as client:
        cursor = client.get("/v1/analytics").json()["pagination"]["nextCursor"]
        plain = client.get(means_nothing)
    sandbox = box(fault, paging=paging)
    with ask(sandbox) as client:
        same = client.get(means_nothing)
        client.get(means_something.format(cursor))

    assert (same.status_code, same.content) == (plain.status_code, plain.content)
    assert [asked.fault for asked in sandbox.requests] == [None, str(fault)]


@pytest.mark.parametrize("kind", ["insert", "edit", "delete"])
@pytest.mark.parametrize("paging", ["page", "cursor"])
def test_analytics_change_between_pages(kind, paging):
    """Rows of published posts are inserted, edited or deleted."""
    found = {}
    for faults in [(), (Fault(kind, rows=3, page=2),)]:
        sandbox = box(*faults, paging=paging)
        with ask(sandbox) as client:
            first, second = (page(client, paging, number, "/v1/analytics") for number in (1, 2))
            found[faults] = first.json()["posts"], second.json()["posts"]
            texts = [
                post["content"] or ""
                for post in client.get("/v1/analytics?limit=40&" + urlencode(FILTER)).json()[
                    "posts"
                ]
            ]
    plain, moved = found.values()
    ids, shifted = ([post["id"] for post in posts] for posts in (plain[1], moved[1]))

    if kind == "insert":
        assert shifted == [post["id"] for post in plain[0]][-3:] + ids[:17]
    elif kind == "delete":
        assert shifted[:17] == ids[3:]
    else:
        assert shifted == ids
        assert sum(text.endswith(" (edited)") for text in texts) == 3


def test_paging_after_a_deleted_row_gets_a_400():
    """As docs/scenarios.md says: 400, and not another page."""
    with ask(box(Fault("delete", page=2, times=1), paging="after_id")) as client:
        last = rows(page(client, "after_id", 1))[-1]
        gone = client.get("/v1/posts", params={**FILTER, "after": last})

    assert gone.status_code == 400
    assert gone.json()["error"] == "after must be the id of a post in this list"
