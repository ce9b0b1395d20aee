"""The status page of a sandbox, seen through plain httpx."""

from __future__ import annotations

import re

import httpx
import pytest

from socialframe.sandbox import Sandbox

BASE = "http://sandbox.example"
PAGE = "/_sandbox/"
HOSTILE = "<script>alert(1)</script>\"'&amp;\x00\x1b[2J\u202e"


def stranger(sandbox, base=BASE, **headers):
    """Open a client without a key."""
    transport = httpx.WSGITransport(app=sandbox)
    return httpx.Client(transport=transport, base_url=base, headers=headers)


def friend(sandbox):
    return stranger(sandbox, Authorization=f"Bearer {sandbox.key}")


def page(sandbox, path=PAGE):
    """Return the HTML of the page."""
    with stranger(sandbox) as client:
        reply = client.get(path)
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "made-up" in reply.text
    return reply.text


def cells(text, caption):
    """Return the rows of a table by its caption."""
    body = text.partition(f"<caption>{caption}</caption>")[2].partition("</table>")[0]
    rows = body.partition("<tbody>")[2].split("</tr>")[:-1]
    return [re.findall("<bdi>(.*?)</bdi>", row) for row in rows]


@pytest.mark.parametrize("path", [PAGE, PAGE[:-1]])
def test_the_page_needs_no_key_and_does_not_count_against_the_limit(path):
    """It shows how much of the budget is used."""
    sandbox = Sandbox(tier="free", clock=lambda: 7.0)
    for _ in range(70):
        before = page(sandbox, path)
    with friend(sandbox) as client:
        statuses = [client.get("/v1/accounts").status_code for _ in range(61)]

    assert statuses == [200] * 60 + [429]
    assert "Tier: free. 0 of 60 requests used (sliding window of 60 s)." in before
    assert "60 of 60 requests used" in page(sandbox)
    assert "The next request is allowed in 60 s." in page(sandbox)


def test_headers_forbid_scripts_frames_and_copies():
    """Also where a switch sets Cache-Control for the API."""
    with stranger(Sandbox(cache_control="public, max-age=60")) as client:
        headers = client.get(PAGE).headers

    assert headers["X-Sandbox"] == "made-up data"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_refreshes_only_on_request():
    """By a parameter; links switch it on and off."""
    assert "http-equiv" not in page(Sandbox())
    assert 'href="?every=5"' in page(Sandbox())
    assert '<meta http-equiv="refresh" content="5">' in page(Sandbox(), f"{PAGE}?every=5")
    assert "http-equiv" not in page(Sandbox(), f"{PAGE}?every=0")


def test_the_page_explains_connecting_without_showing_the_key():
    """Even if a request had the key."""
    sandbox = Sandbox()
    with friend(sandbox) as client:
        client.get(f"/v1/posts/{sandbox.key}?x={sandbox.key}")
    text = page(sandbox)

    assert f"export SOCIALAPI_BASE_URL={BASE}\n" in text
    assert "export SOCIALAPI_KEY=&#x27;paste the key here&#x27;" in text
    assert sandbox.key[-4:] not in text


def test_the_page_shows_the_current_state():
    """Accounts, posts by status, the switches that differ, and requests, newest first."""
    sandbox = Sandbox(etag=True, page_cap=3)
    with friend(sandbox) as client:
        drafts = client.get("/v1/posts?status=draft").json()["pagination"]["total"]
        health = client.get("/v1/accounts/health").json()["accounts"]
        before = page(sandbox)
        client.delete("/v1/accounts/tiktok/tt_40311")
        client.post("/v1/posts", json={"content": "Tea", "isDraft": True})
    text = page(sandbox)
    requests = cells(text, "The last 20, newest first")

    assert len(cells(before, "Connected accounts")) == len(health)
    assert len(cells(text, "Connected accounts")) == len(health) - 1
    assert ["draft", f"{drafts:,}"] in cells(before, "Posts by status")
    assert ["draft", f"{drafts + 1:,}"] in cells(text, "Posts by status")
    assert cells(text, "Switches that differ from the default") == [
        ["page_cap", "3"],
        ["etag", "True"],
    ]
    assert [row[1:4] for row in requests] == [
        ["POST", "/v1/posts", "201"],
        ["DELETE", "/v1/accounts/tiktok/tt_40311", "200"],
        ["GET", "/v1/accounts/health", "200"],
        ["GET", "/v1/posts?status=draft", "200"],
    ]


def test_hostile_texts_are_escaped_and_truncated():
    """In requests and in accounts."""
    sandbox = Sandbox()
    account = {"platform": HOSTILE, "accountId": HOSTILE, "username": "\ud800" + HOSTILE * 500}
    sandbox.state.change(
        lambda world: world.with_account({**account, "connectedAt": ""}, {**account, "health": ""})
    )
    with friend(sandbox) as client:
        client.get("/<script>alert(1)</script>")
    text = page(sandbox)

    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert not re.search("[\x00\x1b\u202e\ud800]", text)
    assert len(text) < 20_000


@pytest.mark.parametrize(
    ("base", "host", "status"),
    [
        ("http://127.0.0.1:8080", None, 200),
        ("http://localhost", None, 200),
        ("http://[::1]:8080", None, 200),
        ("https://api.example:8443", None, 200),
        ("http://127.0.0.1:8080", "LOCALHOST:1", 200),
        ("http://127.0.0.1:8080", "127.8.9.10:1", 200),
        ("http://127.0.0.1:8080", "rebound.example:8080", 403),
        ("http://127.0.0.1:8080", "127.0.0.1.rebound.example:8080", 403),
        ("http://127.0.0.1:8080", "localhost.rebound.example", 403),
        ("http://127.0.0.1:8080", "localhost@rebound.example", 403),
        ("http://127.0.0.1:8080", "rebound.example, localhost", 403),
        ("http://127.0.0.1:8080", "localhost\t", 403),
        ("http://127.0.0.1:8080", "", 403),
        ("http://api.example", "rebound.example", 403),
    ],
)
def test_the_page_refuses_other_host_names(base, host, status):
    """DNS rebinding gives 127.0.0.1 the name of another site."""
    headers = {} if host is None else {"Host": host}
    sandbox = Sandbox()
    with stranger(sandbox, base, **headers) as client:
        reply = client.get(PAGE)

    assert reply.status_code == status
    if status == 403:
        assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert reply.text == (
            "This page is for the machine that it runs on: open it as 127.0.0.1 or localhost.\n"
        )


@pytest.mark.sockets
def test_over_a_socket_other_hosts_are_refused():
    """Also the server's own invented name, and a missing name."""
    with Sandbox().serve() as url, httpx.Client(base_url=url) as client:
        port = client.base_url.port
        hosts = (f"127.0.0.1:{port}", f"localhost:{port}", "rebound.example", "socialframe-sandbox")
        hosts = (*hosts, f"socialframe-sandbox:{port}")
        replies = [client.get(PAGE, headers={"Host": host}) for host in hosts]

    assert [reply.status_code for reply in replies] == [200, 200, 403, 403, 403]
    assert f"export SOCIALAPI_BASE_URL=http://localhost:{port}\n" in replies[1].text
