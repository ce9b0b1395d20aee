"""Links to the next page: of another scheme or host, and without the path of the base URL."""

from datetime import UTC, datetime

import pytest
from stand_ins import KEY, Clock, Scripted, client_of

import socialframe as sf
from socialframe.http.transport import Wiring
from socialframe.messages.call import Call, Reply
from socialframe.messages.envelope import Page
from socialframe.paging import LinkHeader, NextURL

FIRST = {"results": [{"id": 1}, {"id": 2}], "count": 3}
LAST = {"results": [{"id": 3}], "count": 3, "next": None}


def fetch(app, **options):
    """Return the ids of a walk over two pages."""
    return client_of(app).fetch("/api/posts/", **options).frame()["id"].tolist()


OTHERS = [
    "http://api.example/api/posts/?page=2",
    "http://inner:8000/api/posts/?page=2",
    "https://inner.local/api/posts/?page=2",
    "//inner.local/api/posts/?page=2",
    "https://api.example:8443/api/posts/?page=2",
]


@pytest.mark.parametrize("link", OTHERS)
def test_link_to_another_origin_says_what_to_do(link):
    """No request is sent there."""
    app = Scripted({**FIRST, "next": link}, LAST)

    with pytest.raises(sf.IncompleteWalk, match="leads to another host") as caught:
        fetch(app)

    text = str(caught.value)
    assert "NextURL(field=…, same_path=True)" in text
    assert "PageNumber()" in text
    assert "Client(base_url=…)" in text
    assert len(app.seen) == 1


@pytest.mark.parametrize("link", OTHERS)
def test_same_path_follows_the_link_on_the_own_origin(link):
    """With its path and its query; the key goes nowhere else."""
    app = Scripted({**FIRST, "next": link}, LAST)

    assert fetch(app, paging=NextURL(field="next", same_path=True)) == [1, 2, 3]
    assert [(call["path"], call["query"]) for call in app.seen] == [
        ("/api/posts/", ""),
        ("/api/posts/", "page=2"),
    ]


def test_same_path_of_a_link_header():
    """The same for the Link header."""
    link = {"Link": '<http://inner/api/posts/?page=2>; rel="next"'}
    app = Scripted((200, FIRST, link), LAST)

    with pytest.raises(sf.IncompleteWalk, match=r"LinkHeader\(same_path=True\)"):
        fetch(app)
    app = Scripted((200, FIRST, link), LAST)

    assert fetch(app, paging=LinkHeader(same_path=True)) == [1, 2, 3]


def test_redirect_to_another_origin_names_base_url():
    """A paging scheme would not help."""
    app = Scripted((302, b"", {"Location": "https://new.example/api/posts/"}))

    with pytest.raises(sf.ReplyError, match=r"Client\(base_url=…\)") as caught:
        fetch(app)

    assert "NextURL" not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "link", "followed"),
    [
        # The base URL is https://h/gate; the path of the call is /v1/posts.
        ("https://h/gate/v1/posts", "/v1/posts?page=2", "https://h/gate/v1/posts?page=2"),
        ("https://h/gate/v1/posts", "https://h/v1/posts?page=2", "https://h/gate/v1/posts?page=2"),
        ("https://h/gate/v1/posts", "/v1/posts/?page=2", "https://h/gate/v1/posts/?page=2"),
        ("https://h/gate/v1/posts", "/v1/posts/2", "https://h/gate/v1/posts/2"),
        ("https://h/gate/v1/posts", "/gate/v1/posts?page=2", "https://h/gate/v1/posts?page=2"),
        ("https://h/gate/v1/posts", "/v1/postscripts", "https://h/v1/postscripts"),
        ("https://h/gate/v1/posts", "/other?page=2", "https://h/other?page=2"),
        ("https://h/gate/v1/posts", "?page=2", "https://h/gate/v1/posts?page=2"),
        ("https://h/gate/v1/posts", "http://in/v1/posts?page=2", "http://in/v1/posts?page=2"),
        ("https://h/v1/posts", "/v1/posts?page=2", "https://h/v1/posts?page=2"),
        ("https://h/redirected", "/v1/posts?page=2", "https://h/v1/posts?page=2"),
        ("https://h/gate/v1/posts", "/v1/posts?", "https://h/gate/v1/posts"),
        ("https://h/v1/posts", "/v1/posts;x?page=2#a", "https://h/v1/posts;x?page=2#a"),
    ],
)
def test_link_without_the_path_of_the_base_url_keeps_it(asked, link, followed):
    """If it leads to the path of the call; other links are resolved as usual."""
    reply = Reply(200, {}, b"", datetime(2026, 1, 1, tzinfo=UTC), asked)
    page = Page(Call("/v1/posts"), reply, {"next": link}, b"[1]", "")

    assert NextURL(field="next").next(page, lambda: 1).call.url == followed


def test_same_path_keeps_the_path_of_the_base_url():
    """An inner host does not know it."""
    asked = "https://h/gate/v1/posts?page=1"
    reply = Reply(200, {}, b"", datetime(2026, 1, 1, tzinfo=UTC), asked)
    page = Page(Call("/v1/posts"), reply, {"next": "http://in:80/v1/posts?page=2"}, b"[1]", "")
    scheme = NextURL(field="next", same_path=True)

    assert scheme.next(page, lambda: 1).call.url == "https://h/gate/v1/posts?page=2"


def test_walk_below_a_base_url_with_a_path():
    """Both pages are asked below it."""
    import httpx

    app = Scripted({**FIRST, "next": "/api/posts/?page=2"}, LAST)
    wiring = Wiring(transport=lambda: httpx.WSGITransport(app=app), sleep=Clock().sleep)
    api = sf.Client(KEY, base_url="https://h.example/gate/", wiring=wiring, cache=False)

    frame = api.fetch("/api/posts/").frame()

    assert frame["id"].tolist() == [1, 2, 3]
    assert [call["path"] for call in app.seen] == ["/gate/api/posts/"] * 2
