"""dlt's REST client walks every paging family of the sandbox."""

from __future__ import annotations

import contextlib
from pathlib import Path

import dlt
import pytest
from dlt.sources.helpers.requests import HTTPError
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import (
    HeaderLinkPaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)

from socialframe.sandbox import PAGINGS, Sandbox
from socialframe.sandbox.world.world import the_world

pytestmark = pytest.mark.sockets

DAY = "2026-09-01"  # the walks start here
EVERY = [(paging, sign) for paging, signs in PAGINGS.items() for sign in signs]


def by_page(**how):
    return PageNumberPaginator(base_page=1, **{"total_path": None, **how})


def by_offset(**how):
    return OffsetPaginator(limit=100, **{"total_path": None, **how})


def by_cursor(path="pagination.nextCursor", **how):
    return JSONResponseCursorPaginator(path, **how)


# What a reader of the answers would tell dlt; made anew for each walk, because they remember.
WAYS = [
    ("page", "pages", lambda: by_page(total_path="pagination.pages")),
    ("page", "hasMore", lambda: by_page(has_more_path="pagination.hasMore")),
    # dlt takes a total of pages only, so this one ends by the empty page.
    ("page", "total", by_page),
    ("page", "next_page", lambda: by_cursor("pagination.nextPage", cursor_param="page")),
    ("page", "short", by_page),
    ("page", "short", lambda: by_page(maximum_page=page_count() + 1, stop_after_empty_page=False)),
    ("offset", "total", lambda: by_offset(total_path="pagination.total")),
    ("offset", "hasMore", lambda: by_offset(has_more_path="pagination.hasMore")),
    ("offset", "short", by_offset),
    (
        "offset",
        "short",
        lambda: by_offset(maximum_offset=100 * page_count(), stop_after_empty_page=False),
    ),
    ("cursor", "null", by_cursor),
    ("cursor", "empty", by_cursor),
    ("cursor", "absent", by_cursor),
    # The token stays at the end, so that the flag has to be looked at.
    ("cursor", "hasMore", lambda: by_cursor(has_more_path="pagination.hasMore")),
    ("next_url", "null", lambda: JSONLinkPaginator("links.next")),
    ("link", "absent", HeaderLinkPaginator),
    ("after_id", "short", lambda: by_cursor("posts[-1].id", cursor_param="after")),
    ("none", "none", SinglePagePaginator),
]

# Where dlt finds out by itself. It sees page numbers with a total, too, but takes them to begin
# at 0; and a cursor beside a flag, but not the flag, so that it walks for ever.
SEEN = [
    ("cursor", "null", JSONResponseCursorPaginator),
    ("cursor", "empty", JSONResponseCursorPaginator),
    ("cursor", "absent", JSONResponseCursorPaginator),
    ("next_url", "null", JSONLinkPaginator),
    ("link", "absent", HeaderLinkPaginator),
    ("none", "none", SinglePagePaginator),
]


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """Keep dlt from telling its makers, and from the developer's or root's own settings."""
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path))
    return tmp_path


@contextlib.contextmanager
def client_of(sandbox):
    with sandbox.serve() as url:
        client = RESTClient(url, auth=BearerTokenAuth(sandbox.key))
        with client.session:
            yield client


def walk(sandbox, path="/v1/posts", *, params=None, **how):
    """Return the pages of a list, each as dlt gives it."""
    with client_of(sandbox) as client:
        return list(client.paginate(path, params=params, **how))


def ids(pages):
    return [post["id"] for page in pages for post in page]


def page_count():
    return -(-len(ids_since(DAY)) // 100)


def ids_since(day):
    return [post["id"] for post in the_world().initial.posts if post["createdAt"] >= day]


def test_every_paging_family_is_tested():
    """With each end sign."""
    assert list(dict.fromkeys((paging, sign) for paging, sign, _ in WAYS)) == EVERY


@pytest.mark.parametrize(("paging", "sign", "paginator"), WAYS)
def test_dlt_returns_each_post_once(paging, sign, paginator):
    """In order; no call is repeated."""
    sandbox = Sandbox(paging=paging, end_sign=sign)
    params = {"limit": 100, "dateFrom": DAY}
    pages = walk(sandbox, params=params, paginator=paginator(), data_selector="posts")

    assert ids(pages) == ids_since(DAY)
    assert len(set(sandbox.requests)) == len(sandbox.requests) == len(pages)


@pytest.mark.parametrize(("paging", "sign", "paginator"), SEEN)
def test_dlt_detects_the_paging(paging, sign, paginator):
    """It gets only the path."""
    asked = {"limit": 20, "dateFrom": "2026-11-12"}
    pages = walk(Sandbox(paging=paging, end_sign=sign), params=asked)

    assert ids(pages) == ids_since("2026-11-12")
    assert len(pages) == (1 if paging == "none" else 5)
    assert type(pages[0].paginator) is paginator


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/accounts/health"])
def test_accounts_are_one_page(path):
    """As documented; dlt detects it too."""
    sandbox = Sandbox()
    pages = walk(sandbox, path)
    with client_of(sandbox) as client:
        whole = client.get(path).json()["accounts"]

    assert [list(page) for page in pages] == [whole] != [[]]
    assert isinstance(pages[0].paginator, SinglePagePaginator)


def test_an_invalid_key_is_an_error_of_dlt():
    """With the status and the message."""
    sandbox = Sandbox()
    with sandbox.serve() as url:
        client = RESTClient(url, auth=BearerTokenAuth("sk_of_somebody_else"))
        with client.session, pytest.raises(HTTPError, match="401 Client Error: ") as caught:
            next(client.paginate("/v1/posts"))

    assert caught.value.response.json() == {
        "error": "Invalid API key",
        "code": "AUTH_INVALID_KEY",
    }


def test_dlt_sends_no_telemetry_and_writes_no_file(folder):
    """With the settings of these tests."""
    walk(Sandbox(), "/v1/accounts")

    assert dlt.current.run_context().runtime_config.dlthub_telemetry is False
    assert [*folder.rglob("*"), *Path.home().rglob("*"), *Path.cwd().rglob("*")] == []
