"""Every family of paging and every end sign of the sandbox, walked by hand through plain httpx."""

from __future__ import annotations

import base64
import re

import httpx
import pytest

from socialframe.errors import ArgumentError
from socialframe.sandbox import PAGINGS, Sandbox

BASE = "http://sandbox.example:8080"
FILTER = {"dateFrom": "2026-11-12"}
EVERY = [(paging, sign) for paging, signs in PAGINGS.items() for sign in signs]


def ask(sandbox):
    headers = {"Authorization": f"Bearer {sandbox.key}"}
    return httpx.Client(transport=httpx.WSGITransport(app=sandbox), base_url=BASE, headers=headers)


def get(client, path="/v1/posts", **params):
    reply = client.get(path, params={**FILTER, "limit": 20, **params})
    assert reply.status_code == 200, reply.text
    return reply


def ids(reply):
    return [post["id"] for post in reply.json()["posts"]]


@pytest.fixture(scope="module")
def expected():
    """Give the posts of the filter by the default sandbox, in one answer."""
    with ask(Sandbox()) as client:
        reply = get(client, limit=100)
    assert reply.json()["pagination"]["pages"] == 1
    assert 80 < len(ids(reply)) < 100
    return ids(reply)


def by_page(client, goes_on):
    replies = [get(client)]
    while goes_on(replies[-1]):
        replies.append(get(client, page=len(replies) + 1))
    return replies


def by_offset(client, goes_on):
    replies = [get(client)]
    while goes_on(replies[-1]):
        replies.append(get(client, offset=sum(len(ids(reply)) for reply in replies)))
    return replies


def by_cursor(client, goes_on):
    replies = [get(client)]
    while goes_on(replies[-1]):
        replies.append(get(client, cursor=pagination(replies[-1])["nextCursor"]))
    return replies


def by_next_url(client, goes_on):
    replies = [get(client)]
    while goes_on(replies[-1]):
        replies.append(client.get(replies[-1].json()["links"]["next"]))
    return replies


def by_link(client, goes_on):
    replies = [get(client)]
    while goes_on(replies[-1]):
        replies.append(client.get(replies[-1].links["next"]["url"]))
    return replies


def by_id(client, goes_on):
    replies = [get(client)]
    while goes_on(replies[-1]):
        replies.append(get(client, after=ids(replies[-1])[-1]))
    return replies


def pagination(reply):
    return reply.json()["pagination"]


def full(reply):
    return len(ids(reply)) == 20


def rows_left(reply):
    part = pagination(reply)
    return part["offset"] + len(ids(reply)) < part["total"]


WALKS = {
    ("page", "pages"): (by_page, lambda r: pagination(r)["page"] < pagination(r)["pages"]),
    ("page", "hasMore"): (by_page, lambda r: pagination(r)["hasMore"]),
    ("page", "total"): (by_page, lambda r: pagination(r)["page"] * 20 < pagination(r)["total"]),
    ("page", "next_page"): (by_page, lambda r: pagination(r)["nextPage"] is not None),
    ("page", "short"): (by_page, full),
    ("offset", "total"): (by_offset, rows_left),
    ("offset", "hasMore"): (by_offset, lambda r: pagination(r)["hasMore"]),
    ("offset", "short"): (by_offset, full),
    ("cursor", "null"): (by_cursor, lambda r: pagination(r)["nextCursor"] is not None),
    ("cursor", "empty"): (by_cursor, lambda r: pagination(r)["nextCursor"] != ""),
    ("cursor", "absent"): (by_cursor, lambda r: "nextCursor" in pagination(r)),
    ("cursor", "hasMore"): (by_cursor, lambda r: pagination(r)["hasMore"]),
    ("next_url", "null"): (by_next_url, lambda r: r.json()["links"]["next"] is not None),
    ("link", "absent"): (by_link, lambda r: "next" in r.links),
    ("after_id", "short"): (by_id, full),
    ("none", "none"): (by_page, lambda _: False),
}


@pytest.mark.parametrize(("paging", "sign"), EVERY)
def test_every_end_sign_returns_each_post_once(paging, sign, expected):
    """In the order of the default sandbox."""
    walk, goes_on = WALKS[paging, sign]
    sandbox = Sandbox(paging=paging, end_sign=sign)
    with ask(sandbox) as client:
        replies = walk(client, goes_on)

    assert [name for reply in replies for name in ids(reply)] == expected
    assert len(replies) == (1 if paging == "none" else 5)
    assert sandbox.switches.paging_for("posts") == paging
    assert sandbox.switches.end_sign_for("analytics") == sign


@pytest.mark.parametrize(
    ("paging", "sign", "first", "last"),
    [
        ("page", "pages", *({"page": p, "limit": 20, "total": 0, "pages": 5} for p in (1, 5))),
        ("page", "hasMore", *({"page": p, "limit": 20, "hasMore": p < 5} for p in (1, 5))),
        ("page", "total", *({"page": p, "limit": 20, "total": 0} for p in (1, 5))),
        (
            "page",
            "next_page",
            *({"page": p, "limit": 20, "nextPage": n} for p, n in [(1, 2), (5, None)]),
        ),
        ("page", "short", None, None),
        ("offset", "total", *({"offset": o, "limit": 20, "total": 0} for o in (0, 80))),
        ("offset", "hasMore", *({"offset": o, "limit": 20, "hasMore": o < 80} for o in (0, 80))),
        ("offset", "short", *({"limit": 20, "offset": o} for o in (0, 80))),
        ("cursor", "null", {"limit": 20, "nextCursor": "…"}, {"limit": 20, "nextCursor": None}),
        ("cursor", "empty", {"limit": 20, "nextCursor": "…"}, {"limit": 20, "nextCursor": ""}),
        ("cursor", "absent", {"limit": 20, "nextCursor": "…"}, {"limit": 20}),
        (
            "cursor",
            "hasMore",
            *({"limit": 20, "hasMore": m, "nextCursor": "…"} for m in (True, False)),
        ),
        ("link", "absent", None, None),
        ("after_id", "short", None, None),
        ("none", "none", None, None),
    ],
)
def test_the_first_and_last_page_have_exactly_the_documented_fields(
    paging, sign, first, last, expected
):
    """In order."""
    with ask(Sandbox(paging=paging, end_sign=sign)) as client:
        replies = WALKS[paging, sign][0](client, WALKS[paging, sign][1])
    for reply, promised in ((replies[0], first), (replies[-1], last)):
        body = reply.json()
        shown = body.pop("pagination", None)
        assert list(body) == ["posts"]
        if promised is None:
            assert shown is None
            continue
        exact = dict(promised)
        if exact.get("nextCursor"):
            assert re.fullmatch("[A-Za-z0-9_-]+", shown["nextCursor"])
            exact["nextCursor"] = shown["nextCursor"]
        if "total" in exact:
            exact["total"] = len(expected)
        assert list(shown.items()) == list(exact.items())


@pytest.mark.parametrize(
    ("paging", "sign", "param", "value"),
    [
        *(("page", "short", "page", "6"), ("page", "next_page", "page", "2147483647")),
        *(("offset", "short", "offset", "100"), ("offset", "hasMore", "offset", "2147483647")),
        *(("next_url", "null", "page", "6"), ("link", "absent", "page", "6")),
    ],
)
def test_a_page_past_the_end_is_empty(paging, sign, param, value):
    """It has no next page."""
    with ask(Sandbox(paging=paging, end_sign=sign)) as client:
        reply = get(client, **{param: value})

    assert ids(reply) == []
    assert "next" not in reply.links
    assert reply.json().get("links") in (None, {"next": None})
    assert not pagination_or_nothing(reply).get("hasMore")
    assert pagination_or_nothing(reply).get("nextPage") is None


def pagination_or_nothing(reply):
    return reply.json().get("pagination", {})


@pytest.mark.parametrize("path", ["/v1/posts", "/v1/analytics"])
def test_a_list_without_end_sign_ends_with_an_empty_page(path):
    """A remaining token leads to it again."""
    with ask(Sandbox(paging="cursor", end_sign="hasMore")) as client:
        page, tokens = client.get(path, params={"limit": 100}), []
        while page.json()["pagination"]["hasMore"]:
            tokens.append(page.json()["pagination"]["nextCursor"])
            page = client.get(path, params={"limit": 100, "cursor": tokens[-1]})
        beyond = client.get(path, params={"cursor": pagination(page)["nextCursor"]})
    with ask(Sandbox(paging="after_id")) as client:
        after = client.get(path, params={"after": ids(page)[-1]})

    assert len(set(tokens)) == len(tokens) > 3
    assert ids(beyond) == ids(after) == []
    assert pagination(beyond)["nextCursor"] == pagination(page)["nextCursor"]
    assert pagination(beyond)["hasMore"] is False


def test_next_urls_are_absolute_and_keep_the_parameters():
    """With the host of the request."""
    query = "?status=published&status=failed&platform=%C3%A9%26&limit=1&note="
    with ask(Sandbox(paging="next_url")) as client:
        found = client.get("/v1/posts?status=published&status=failed&limit=1&note=%C3%A9%26")
        empty = client.get(f"/v1/posts{query}")
    elsewhere = Sandbox(paging="next_url")
    with ask(elsewhere) as client:
        other = client.get("/v1/posts?page=2", headers={"Host": "other.example"})

    assert found.json()["links"] == {
        "next": f"{BASE}/v1/posts?status=published&limit=1&note=%C3%A9%26&page=2"
    }
    assert empty.json() == {"posts": [], "links": {"next": None}}
    assert other.json()["links"] == {"next": "http://other.example/v1/posts?page=3"}


def test_the_link_header_has_first_and_last_pages():
    """And the previous and next one, if they exist."""
    with ask(Sandbox(paging="link")) as client:
        replies = [get(client, page=page) for page in (1, 3, 5, 9)]
        empty = get(client, status="unheard-of")
    told = [
        {rel: link["url"].rpartition("page=")[2] for rel, link in reply.links.items()}
        for reply in replies
    ]

    assert told == [
        {"first": "1", "last": "5", "next": "2"},
        {"first": "1", "last": "5", "prev": "2", "next": "4"},
        {"first": "1", "last": "5", "prev": "4"},
        {"first": "1", "last": "5", "prev": "5"},
    ]
    address = f"{BASE}/v1/posts?dateFrom=2026-11-12&limit=20&status=unheard-of&page=1"
    assert empty.headers["Link"] == f'<{address}>; rel="first", <{address}>; rel="last"'


@pytest.mark.sockets
def test_a_next_url_over_a_socket_has_the_servers_port(expected):
    """And loopback as its host."""
    sandbox = Sandbox(paging="next_url")
    headers = {"Authorization": f"Bearer {sandbox.key}"}
    with sandbox.serve() as base_url, httpx.Client(base_url=base_url, headers=headers) as client:
        replies = by_next_url(client, lambda reply: reply.json()["links"]["next"])

    assert all(reply.url.host == "127.0.0.1" for reply in replies)
    assert [name for reply in replies for name in ids(reply)] == expected


def tampered(token):
    text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    position, _, check = text.partition(".")
    for other in (f"{int(position) + 1}.{check}", f"0{text}", f"{text} ", position, f"-{text}"):
        yield base64.urlsafe_b64encode(other.encode()).decode().rstrip("=")
    for place in range(len(token)):
        yield token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    # The last letter has bits that decoding ignores.
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    yield from (token[:-1] + letter for letter in letters if letter != token[-1])
    yield from (
        token + "=",
        token + "A",
        token[:-1],
        token * 9,
        "2",
        "zzz",
        "é",
        "\x00",
        "9" * 5000,
    )


def test_a_cursor_of_another_list_is_refused():
    """Also a changed or invented one."""
    sandbox = Sandbox(paging="cursor", clock=iter(range(10**6)).__next__)
    with ask(sandbox) as client:
        token = pagination(get(client))["nextCursor"]
        replies = [client.get("/v1/posts", params={"cursor": text}) for text in tampered(token)]

    assert len(replies) > 90
    assert {reply.status_code for reply in replies} == {400}
    assert {reply.json()["code"] for reply in replies} == {"VALIDATION_ERROR"}
    assert {reply.json()["error"].partition(" ")[0] for reply in replies} == {"cursor"}


def test_no_page_follows_an_unknown_id():
    """Nor one that the filter excludes."""
    with ask(Sandbox(paging="after_id")) as client:
        outside = client.get("/v1/posts?dateTo=2026-11-11&limit=1").json()["posts"][0]["id"]
        replies = [
            client.get("/v1/posts", params={**FILTER, "after": name})
            for name in ("post_unknown", outside)
        ]

    for reply in replies:
        assert reply.status_code == 400
        assert reply.json() == {
            "error": "after must be the id of a post in this list",
            "code": "VALIDATION_ERROR",
        }


@pytest.mark.parametrize("value", ["-1", "1.5", "ten", "²", "9" * 20])
def test_invalid_offsets_get_a_400(value):
    """It must be a whole number from 0 on."""
    with ask(Sandbox(paging="offset")) as client:
        reply = client.get("/v1/posts", params={"offset": value})

    assert reply.status_code == 400
    assert reply.json()["error"].startswith("offset must be an integer from 0 to ")


OWN = {
    **dict.fromkeys(("page", "next_url", "link"), "page"),
    "offset": "offset",
    "cursor": "cursor",
    "after_id": "after",
    "none": None,
}


@pytest.mark.parametrize("path", ["/v1/posts", "/v1/analytics"])
@pytest.mark.parametrize(("paging", "sign"), EVERY)
def test_parameters_of_other_families_are_ignored(path, paging, sign):
    """Even invalid ones."""
    others = {"page": "x", "offset": "-1", "cursor": "y", "after": "z"}
    others.pop(OWN[paging], None)
    if paging == "none":
        others["limit"] = "3"
    with ask(Sandbox(paging=paging, end_sign=sign)) as client:
        plain, odd = client.get(path), client.get(path, params=others)

    assert odd.status_code == 200
    assert ids(odd) == ids(plain)
    assert pagination_or_nothing(odd) == pagination_or_nothing(plain)
    assert paging != "none" or len(ids(odd)) > 80


def test_analytics_have_the_same_paging(expected):
    """Beside their own fields."""
    with ask(Sandbox(paging="offset", end_sign="short")) as client:
        body = client.get("/v1/analytics?limit=3&offset=6").json()
    with ask(Sandbox(paging="link")) as client:
        linked = client.get("/v1/analytics?limit=3&page=3")

    assert list(body) == ["overview", "posts", "pagination", "accounts", "hasAnalyticsAccess"]
    assert body["pagination"] == {"limit": 3, "offset": 6}
    assert list(linked.json()) == ["overview", "posts", "accounts", "hasAnalyticsAccess"]
    assert linked.json()["posts"] == body["posts"]
    assert {"prev", "next"} < set(linked.links)


def test_the_default_paging_is_unchanged():
    """Each family has its own default end sign."""
    assert PAGINGS == {
        "page": ("pages", "hasMore", "total", "next_page", "short"),
        "offset": ("total", "hasMore", "short"),
        "cursor": ("null", "empty", "absent", "hasMore"),
        "next_url": ("null",),
        "link": ("absent",),
        "after_id": ("short",),
        "none": ("none",),
    }
    assert repr(Sandbox()) == "Sandbox(tier='paid')"
    assert repr(Sandbox(paging="link")) == "Sandbox(tier='paid', paging='link')"
    for paging, signs in PAGINGS.items():
        assert Sandbox(paging=paging).switches.end_sign_for("posts") == signs[0]


@pytest.mark.parametrize("paging", PAGINGS)
def test_an_end_sign_of_another_family_is_refused(paging):
    """The error names the valid ones."""
    for sign in {sign for _, sign in EVERY} - set(PAGINGS[paging]) | {"Pages", ""}:
        with pytest.raises(ArgumentError, match="^end_sign must be ") as caught:
            Sandbox(paging=paging, end_sign=sign)
        said = re.findall("'([^']*)'", str(caught.value))
        assert said == [*PAGINGS[paging], paging, sign]


@pytest.mark.parametrize("paging", ["Page", "", None, 1, ["page"]])
def test_an_unknown_family_is_refused(paging):
    """The error names the valid ones."""
    with pytest.raises(ArgumentError, match="^paging must be 'page', 'offset', .* or 'none'; got "):
        Sandbox(paging=paging)
