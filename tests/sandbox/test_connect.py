"""Connecting and disconnecting through plain httpx and submitted forms."""

from __future__ import annotations

import itertools
import json
import re
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from socialframe.errors import ArgumentError
from socialframe.sandbox import Sandbox
from socialframe.sandbox.api.oauth_state import OAuthState

BASE = "http://sandbox.example"
BACK = "http://127.0.0.1:4711/callback/n0nce?keep=a%20b&keep=%7e"
PLATFORMS = ("instagram", "facebook", "threads", "tiktok", "twitter")
REFUSED = {
    "error": "code is not valid for this platform and redirect_url; start the connection again",
    "code": "VALIDATION_ERROR",
}
TOO_LATE = {
    "error": "tempToken is not valid; start the connection again",
    "code": "VALIDATION_ERROR",
}


class Wall:
    """Unix time that a test sets."""

    now = 1_795_000_000.0

    def __call__(self):
        return self.now


class Page(HTMLParser):
    """What a page is made of, read by the stdlib."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.heard = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.heard.append(tag)

    def handle_data(self, data):
        self.texts.append((self.heard[-1] if self.heard else "", data))

    def all(self, tag, **wanted):
        found = [attrs for name, attrs in self.tags if name == tag]
        return [one for one in found if wanted.items() <= one.items()]

    @property
    def text(self):
        return " ".join("".join(data for tag, data in self.texts if tag != "style").split())

    @property
    def accounts(self):
        return [one["value"] for one in self.all("input", type="radio")]

    @property
    def token(self):
        (field,) = self.all("input", type="hidden")
        return field["value"]


class Person:
    """One user of one sandbox: an app with the key, and a browser without it."""

    def __init__(self, sandbox):
        transport = httpx.WSGITransport(app=sandbox)
        bearer = {"Authorization": f"Bearer {sandbox.key}"}
        self.sandbox = sandbox
        self.app = httpx.Client(transport=transport, base_url=BASE, headers=bearer)
        self.browser = httpx.Client(transport=transport, base_url=BASE)

    def start(self, platform="tiktok", redirect=BACK):
        asked = {"redirect_url": redirect} if redirect else {}
        reply = self.app.get(f"/v1/connect/{platform}", params=asked)
        assert reply.status_code == 200
        return reply.json()["authUrl"]

    def press(self, auth_url, decision="allow", **fields):
        page = Page(self.browser.get(auth_url).text)
        fields = {"token": page.token, "account": page.accounts[0], **fields}
        return self.browser.post(auth_url, data={**fields, "decision": decision})

    def code(self, platform="tiktok", redirect=BACK, **fields):
        return dict(told(self.press(self.start(platform, redirect), **fields)))["code"]

    def finish(self, code, platform="tiktok", **more):
        body = {"code": code, "redirect_url": BACK, **more}
        return self.app.post(f"/v1/connect/{platform}", json=body)

    def accounts(self, path="/v1/accounts"):
        listed = self.app.get(path).json()["accounts"]
        return {(one["platform"], one["accountId"]): one for one in listed}


def told(reply):
    """Read what a redirect carries, as pairs."""
    assert reply.status_code == 303
    return told_at(reply.headers["Location"])


def told_at(url):
    """Read the parameters of a URL, as pairs."""
    return parse_qsl(urlsplit(url).query)


def person(**choices):
    """Open a sandbox that lives a second a call, so that no test meets the limit."""
    ticks = itertools.count()
    return Person(Sandbox(clock=lambda: float(next(ticks)), **choices))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_an_account_is_connected(platform):
    """Start, consent, callback, finish: the account is there and healthy."""
    wall = Wall()
    user = person(wall=wall)
    before = user.accounts()
    started = user.app.get(f"/v1/connect/{platform}", params={"redirect_url": BACK}).json()
    callback = user.press(started["authUrl"])
    wall.now += 59
    reply = user.finish(dict(told(callback))["code"], platform)
    account = reply.json()
    pair = (platform, account["accountId"])
    health = user.accounts("/v1/accounts/health")

    assert sorted(started) == ["authUrl", "state"]
    assert started["state"] == f"own7:{platform}"
    assert started["authUrl"].startswith(f"{BASE}/_sandbox/consent?")
    assert reply.status_code == 200
    assert list(account) == ["platform", "username", "accountId", "connectedAt"]
    assert account["platform"] == platform
    assert account["connectedAt"] == "2026-11-18T11:07:39Z"
    assert set(user.accounts()) - set(before) == {pair}
    assert user.accounts()[pair] == account
    assert health[pair]["health"] == "healthy"
    assert health[pair]["tokenValid"] is True
    assert health[pair]["recommendations"] == []
    held = {len(one["permissions"]) for (name, _), one in health.items() if name == platform}
    assert len(health[pair]["permissions"]) == max(held)
    assert "connectedAt" not in health[pair]


@pytest.mark.parametrize("echo_state", [True, False])
def test_allow_redirects_with_a_code(echo_state):
    """The callback keeps its own parameters; a switch adds the state."""
    user = person(echo_state=echo_state)
    callback = user.press(user.start()).headers["Location"]
    code = dict(parse_qsl(urlsplit(callback).query))["code"]
    echoed = "&state=own7%3Atiktok" if echo_state else ""

    assert callback == f"{BACK}&code={code}{echoed}"
    assert re.fullmatch("[A-Za-z0-9_-]{43}", code)
    assert code != user.code()


@pytest.mark.parametrize("deny_state", [True, False])
def test_deny_redirects_with_an_error(deny_state):
    """A switch adds the state; no account is connected."""
    user = person(deny_state=deny_state)
    before = user.accounts()
    callback = user.press(user.start(), "deny")
    echoed = {"state": "own7:tiktok"} if deny_state else {}

    assert dict(told(callback)) == {"keep": "~", "error": "access_denied", **echoed}
    assert user.accounts() == before


@pytest.mark.parametrize("decision", ["allow", "deny"])
@pytest.mark.parametrize("behind", [".n0nce&<>é", None])
def test_the_state_of_the_consent_url_is_returned(behind, decision):
    """None is added if there was none."""
    user = person()
    url = urlsplit(user.start())
    asked = dict(parse_qsl(url.query))
    state = asked.pop("state") + behind if behind else asked.pop("state")
    query = urlencode({**asked, "state": state} if behind else asked)
    callback = dict(told(user.press(url._replace(query=query).geturl(), decision)))

    assert callback.get("state") == (state if behind else None)


@pytest.mark.parametrize("redirect", ["http://a.example", "http://a.example/?", "https://a.b?x="])
def test_the_code_is_a_separate_parameter(redirect):
    """For any end of the redirect URL."""
    user = person()
    callback = user.press(user.start(redirect=redirect))

    assert [name for name, _ in told(callback) if name != "state"] == ["code"]
    assert callback.headers["Location"].startswith(redirect)


def test_the_consent_page_is_accessible():
    """It names platform, app, scopes and redirect; controls have labels; there is no script."""
    user = person()
    reply = user.browser.get(user.start("instagram"))
    page = Page(reply.text)
    buttons = [data.strip() for tag, data in page.texts if tag == "button" and data.strip()]

    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["X-Sandbox"] == "made-up data"
    assert page.all("html", lang="en")
    assert ("title", "Connect Instagram (made-up)") in page.texts
    assert len(page.all("h1")) == len(page.all("form", method="post")) == 1
    assert len(page.all("legend")) == len(page.all("fieldset")) == len(page.all("main")) == 1
    assert len(page.all("label")) == len(page.accounts) == 8
    assert len(page.all("input", type="radio", checked=None)) == 1
    assert buttons == ["Allow", "Deny"]
    for word in ("own7", "Instagram", "publish posts", "instagram_basic", "This page is made-up"):
        assert word in page.text
    assert "http://127.0.0.1:4711" in page.text
    assert not page.all("script") + page.all("img")
    assert page.all("link") == [{"rel": "icon", "href": "data:,"}]
    assert "n0nce" not in reply.text
    assert user.sandbox.key not in reply.text


def test_all_pages_have_security_headers():
    """And the redirect: no frames, referrer, caching or scripts."""
    user = person()
    url = user.start()
    replies = [
        user.browser.get(url),
        user.browser.post(url),
        user.press(url),
        user.browser.get(url),
        user.browser.get("/_sandbox/callback?code=x"),
        user.browser.get("/_sandbox/callback"),
    ]

    assert [reply.status_code for reply in replies] == [200, 400, 303, 410, 200, 400]
    for reply in replies:
        policy = reply.headers["Content-Security-Policy"].split("; ")
        assert policy[:2] == ["default-src 'none'", "style-src 'unsafe-inline'"]
        assert "form-action http: https:" in policy
        assert "frame-ancestors 'none'" in policy
        assert reply.headers["X-Frame-Options"] == "DENY"
        assert reply.headers["Referrer-Policy"] == "no-referrer"
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Content-Type"].startswith("text/html")


def test_names_and_parameters_are_escaped():
    """For any text."""
    user = person()
    shown = user.browser.get(user.start("facebook")).text
    back = user.browser.get("/_sandbox/callback", params={"code": "<b>&'\"", "error": "<i>"}).text

    assert "Lantern &amp; Loom &lt;Weavers&gt;" in shown
    assert "Bäckerei Krümel &amp; Kern" in shown
    assert not Page(back).all("b") + Page(back).all("i")
    assert ("dd", "<b>&'\"") in Page(back).texts


def test_only_the_chosen_account_is_connected():
    """The others can be connected later."""
    user = person()
    page = Page(user.browser.get(user.start()).text)
    account = user.finish(user.code(account="tt_41020")).json()
    after = Page(user.browser.get(user.start()).text)

    assert page.accounts[:2] == ["tt_40946", "tt_41020"]
    assert account["accountId"] == "tt_41020"
    assert after.accounts[0] == "tt_40946"
    assert sorted(after.accounts) == sorted(page.accounts)
    assert after.text.count("to reconnect") == page.text.count("to reconnect") + 1 == 4


def test_reconnecting_an_account_keeps_its_id():
    """Its health is good again and its time is new."""
    user = person(wall=Wall())
    pair = ("tiktok", "tt_40816")
    before, ill = user.accounts(), user.accounts("/v1/accounts/health")
    user.finish(user.code(account="tt_40816"))
    after, well = user.accounts(), user.accounts("/v1/accounts/health")

    assert ill[pair]["tokenValid"] is False
    assert well[pair] == {
        **ill[pair],
        "health": "healthy",
        "tokenValid": True,
        "recommendations": [],
    }
    assert list(after) == list(before)
    assert after[pair] == {**before[pair], "connectedAt": "2026-11-18T11:06:40Z"}


def test_concurrent_connections_are_independent():
    """Each has its own consent page, code and account, although they share the guessable state."""
    user = person()
    urls = [user.start() for _ in range(2)]
    late = user.press(urls[0], account="tt_40946")
    early = user.press(urls[1], account="tt_41020")
    names = [user.finish(dict(told(one))["code"]).json()["accountId"] for one in (early, late)]

    assert urls[0] != urls[1]
    assert urls[0].partition("state=")[2] == urls[1].partition("state=")[2]
    assert names == ["tt_41020", "tt_40946"]


def test_a_consent_page_accepts_one_answer():
    """A second answer, or one after ten minutes, gets an error page."""
    wall = Wall()
    user = person(wall=wall)
    used, slow = user.start(), user.start()
    page = Page(user.browser.get(slow).text)
    form = {"token": page.token, "account": page.accounts[0], "decision": "allow"}
    user.press(used, "deny")
    wall.now += 599
    assert user.browser.get(slow).status_code == 200
    wall.now += 1
    replies = [
        *(user.browser.get(url) for url in (used, slow, "/_sandbox/consent")),
        *(user.browser.post(url, data=form) for url in (used, slow, "/_sandbox/consent")),
    ]

    assert {reply.status_code for reply in replies} == {410}
    assert all("This consent page is over" in Page(reply.text).text for reply in replies)


@pytest.mark.parametrize(
    "forged",
    [
        {"token": "x"},
        {"token": "é"},
        {"token": ""},
        {"account": "tt_99999"},
        {"account": "ig_40118"},
        {"account": ""},
        {"decision": "maybe"},
        {"decision": ""},
    ],
)
def test_a_forged_answer_is_refused(forged):
    """The page still accepts the valid one."""
    user = person()
    url = user.start()
    page = Page(user.browser.get(url).text)
    form = {"token": page.token, "account": page.accounts[0], "decision": "allow"}

    assert user.browser.post(url, data={**form, **forged}).status_code == 400
    assert user.browser.post(url, data=form).status_code == 303


def test_one_of_several_concurrent_answers_gets_a_code():
    """And one of several exchanges gets an account."""
    user = Person(Sandbox())
    url = user.start()
    page = Page(user.browser.get(url).text)
    form = {"token": page.token, "account": page.accounts[0], "decision": "allow"}
    with ThreadPoolExecutor(8) as pool:
        presses = list(pool.map(lambda _: user.browser.post(url, data=form), range(8)))
        codes = [dict(told(one))["code"] for one in presses if one.status_code == 303]
        finished = list(pool.map(lambda _: user.finish(codes[0]).status_code, range(8)))

    assert sorted(one.status_code for one in presses) == [303] + [410] * 7
    assert sorted(finished) == [200] + [400] * 7


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "unknown"},
        {"redirect_url": BACK + "&"},
        {"redirect_url": BACK.replace("%7e", "~")},
        {"redirect_url": BACK.replace("127.0.0.1", "localhost")},
        {"redirect_url": None},
        {"redirect_url": ""},
        {"platform": "threads"},
    ],
)
def test_a_code_is_bound_to_platform_and_redirect_url(wrong):
    """Byte for byte; a refusal reveals nothing and does not use up the code."""
    user = person()
    code = user.code()
    reply = user.finish(**{"code": code, **wrong})

    assert reply.status_code == 400
    assert reply.json() == REFUSED
    assert user.finish(code).status_code == 200


def test_a_code_is_bound_to_the_key():
    """It stays valid for the key that requested it."""
    user = person()
    code, key = user.code(), user.sandbox.key
    user.sandbox.key = "sk_other"
    other = Person(user.sandbox).finish(code)
    user.sandbox.key = key

    assert (other.status_code, other.json()) == (400, REFUSED)
    assert user.finish(code).status_code == 200


def test_a_code_is_valid_once_for_60_seconds():
    """A used code and an expired code get the same error."""
    wall = Wall()
    user = person(wall=wall)
    used, slow = user.code(), user.code()
    assert user.finish(used).status_code == 200
    connected = user.accounts()
    wall.now += 60
    replies = [user.finish(code) for code in (used, slow)]

    assert [reply.json() for reply in replies] == [REFUSED, REFUSED]
    assert user.accounts() == connected


def test_without_a_redirect_url_a_page_shows_the_code():
    """The exchange needs no URL either."""
    user = person()
    came = user.press(user.start(redirect=None)).headers["Location"]
    page = Page(user.browser.get(came).text)
    shown = [data for tag, data in page.texts if tag == "dd" and data.strip()]
    no = Page(
        user.browser.get(user.press(user.start(redirect=""), "deny").headers["Location"]).text
    )

    assert came.startswith(f"{BASE}/_sandbox/callback?")
    assert shown == [dict(parse_qsl(urlsplit(came).query))["code"], "own7:tiktok"]
    assert ("dd", "access_denied") in no.texts
    assert user.app.post("/v1/connect/tiktok", json={"code": shown[0]}).status_code == 200
    named = user.code(redirect=None)
    assert user.finish(named).json() == REFUSED
    assert user.finish(named, redirect_url=f"{BASE}/_sandbox/callback").status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        *("nowhere", "/callback", "//a.example/cb", "ftp://a.example/", "javascript:alert(1)"),
        *("http:///cb", "http://", "http://:80/", "https:a.example", "http://a..b/", "http://.a/"),
        *("http://a.example/#", "http://a.example/cb#part", "http://u@a.example/", "http://@a/"),
        *("http://u:p@a.example/", "http://a.example:65536/", "http://a.example:0/"),
        *("http://a.example:x/", "http://a b/", "http://a.example/a b", "http://a.example\\@b/"),
        *("http://[::1/", "http://[:::::]/", "http://[v1.x]/", "http://exämple.com/", "http://a/é"),
        *("http://a/\r\nSet-Cookie: x", "http://a/<b>", f"http://{'a' * 64}.example/"),
        "http://a/" + "b" * 2000,
    ],
)
def test_invalid_redirect_urls_are_refused(url):
    """It must be an absolute http or https URL with a host."""
    reply = person().app.get("/v1/connect/tiktok", params={"redirect_url": url})

    assert reply.status_code == 400
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert reply.json()["error"].startswith("redirect_url must be an absolute http or https URL")


@pytest.mark.parametrize(
    "url",
    ["http://[::1]:8000/cb", "HTTPS://App.Example/cb?a[b]=c", "http://localhost", "http://a_b.c./"],
)
def test_valid_redirect_urls_are_accepted(url):
    """The browser is redirected there."""
    user = person()
    callback = user.press(user.start(redirect=url)).headers["Location"]

    assert httpx.URL(callback).host == httpx.URL(url).host
    assert user.finish(dict(told_at(callback))["code"], redirect_url=url).status_code == 200


def test_a_registered_redirect_url_excludes_others():
    """It is also the default."""
    user = person(only_redirect=BACK)
    other = user.app.get("/v1/connect/tiktok", params={"redirect_url": BACK + "x"})
    callback = user.press(user.start(redirect=None)).headers["Location"]

    assert other.status_code == 400
    assert other.json() == {
        "error": "redirect_url must be exactly the URL that is registered for this app",
        "code": "VALIDATION_ERROR",
    }
    assert callback.startswith(BACK + "&code=")
    assert user.finish(dict(told_at(callback))["code"]).status_code == 200
    assert user.finish(user.code()).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("platform", ["gopher", "Instagram", "%F0%9F%8D%B5", "_"])
def test_an_unknown_platform_is_refused(method, platform):
    """The error names the valid ones."""
    reply = person().app.request(method, f"/v1/connect/{platform}")

    assert reply.status_code == 400
    assert reply.json() == {
        "error": "platform must be one of: instagram, facebook, threads, tiktok, twitter",
        "code": "VALIDATION_ERROR",
    }


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "The body must be a JSON object"),
        (b"[]", "The body must be a JSON object"),
        (b"{}", "code is required and must be a text"),
        (b'{"code": ""}', "code is required and must be a text"),
        (b'{"code": 7}', "code is required and must be a text"),
        (b'{"code": "x", "redirect_url": 7}', "redirect_url must be a text"),
    ],
)
def test_invalid_bodies_are_refused(body, error):
    """The sentence says which field is missing or wrong."""
    reply = person().app.post("/v1/connect/tiktok", content=body)

    assert reply.status_code == 400
    assert reply.json() == {"error": error, "code": "VALIDATION_ERROR"}


def test_a_valid_exchange_takes_the_configured_time():
    """Only for a valid code."""
    waits = []
    user = person(exchange_seconds=2.5, sleep=waits.append)
    assert user.finish("unknown").status_code == 400
    code = user.code()
    assert waits == []
    assert user.finish(code).status_code == 200
    assert waits == [2.5]


def test_a_failed_exchange_is_the_documented_error():
    """No account is connected, and the code is used up."""
    user = person(exchange_fails=True)
    before, code = user.accounts(), user.code()
    replies = [user.finish(code) for _ in range(2)]

    assert [reply.status_code for reply in replies] == [500, 400]
    assert replies[0].json() == {"error": "Internal server error", "code": "INTERNAL_ERROR"}
    assert user.accounts() == before


def test_a_page_can_be_selected_after_the_exchange():
    """A token lists the Pages and connects one of them."""
    user = person(page_selection=True, wall=Wall())
    before = user.accounts()
    page = Page(user.browser.get(user.start("facebook")).text)
    first = user.finish(user.code("facebook"), "facebook")
    token = first.json()["tempToken"]
    path = "/v1/connect/facebook/select-page"
    pages = user.app.get(path, params={"tempToken": token}).json()["pages"]
    assert user.accounts() == before
    nobody = user.app.post(path, json={"tempToken": token, "pageId": "ig_40918"})
    replies = [
        user.app.post(path, json={"tempToken": token, "pageId": pages[1]["id"]}) for _ in range(2)
    ]
    account = {"platform": "facebook", "username": "Šípková čajovna", "accountId": "fb_41011"}

    assert page.accounts[0] == ""
    assert first.status_code == 200
    assert first.json() == {"platform": "facebook", "step": "select_page", "tempToken": token}
    assert [one["id"] for one in pages] == page.accounts[1:]
    assert pages[1] == {"id": "fb_41011", "name": "Šípková čajovna"}
    assert nobody.json()["error"] == "pageId is none of the Pages of this connection"
    assert replies[0].json() == {
        "message": "Facebook Page connected",
        "account": {**account, "connectedAt": "2026-11-18T11:06:40Z"},
    }
    assert (replies[1].status_code, replies[1].json()) == (400, TOO_LATE)
    assert set(user.accounts()) - set(before) == {("facebook", "fb_41011")}


def test_a_page_can_be_selected_on_the_consent_page():
    """Other platforms have no Pages."""
    user = person(page_selection=True)
    facebook = user.finish(user.code("facebook", account="fb_40921"), "facebook").json()
    page = Page(user.browser.get(user.start()).text)

    assert facebook["accountId"] == "fb_40921"
    assert "" not in page.accounts


def test_invalid_tokens_are_refused():
    """An unknown, late, or foreign token is refused in one sentence, a missing one by its name."""
    wall = Wall()
    user = person(page_selection=True, wall=wall)
    path = "/v1/connect/facebook/select-page"
    token = user.finish(user.code("facebook"), "facebook").json()["tempToken"]
    key, user.sandbox.key = user.sandbox.key, "sk_other"
    foreign = Person(user.sandbox).app.get(path, params={"tempToken": token})
    user.sandbox.key = key
    wall.now += 599
    assert user.app.get(path, params={"tempToken": token}).status_code == 200
    wall.now += 1
    replies = [
        foreign,
        user.app.get(path),
        user.app.get(path, params={"tempToken": token}),
        user.app.post(path, json={"tempToken": token, "pageId": "fb_40921"}),
    ]

    assert [(reply.status_code, reply.json()) for reply in replies] == [(400, TOO_LATE)] * 4
    for body, name in (({}, "tempToken"), ({"tempToken": "x"}, "pageId")):
        error = user.app.post(path, json=body).json()["error"]
        assert error == f"{name} is required and must be a text"


@pytest.mark.parametrize("status", [200, 204])
def test_a_disconnected_account_is_absent_from_both_lists(status):
    """Its posts stay, and it can be connected again."""
    user = person(delete_status=status)
    pair = ("tiktok", "tt_40311")
    posts = user.app.get("/v1/posts?platform=tiktok").json()
    reply = user.app.delete("/v1/accounts/tiktok/tt_40311")
    again = user.app.delete("/v1/accounts/tiktok/tt_40311")

    assert reply.status_code == status
    assert reply.content == (b'{"message":"Account disconnected"}' if status == 200 else b"")
    assert (again.status_code, again.json()) == (
        404,
        {"error": "Account not found", "code": "NOT_FOUND"},
    )
    assert pair not in user.accounts()
    assert pair not in user.accounts("/v1/accounts/health")
    assert user.app.get("/v1/posts?platform=tiktok").json() == posts
    assert user.finish(user.code(account="tt_40311")).json()["username"] == "velo.pistache"
    assert pair in user.accounts()


@pytest.mark.parametrize(
    "path",
    [
        *("instagram/tt_40311", "gopher/tt_40311", "tiktok/TT_40311", "tiktok/%00"),
        *("health", "follower-stats", "health/", "tiktok/", "tiktok/tt_40311/x"),
    ],
)
def test_disconnecting_an_unknown_account_gets_a_404(path):
    """Only the pair of platform and id names an account; the literal routes are none."""
    user = person()
    before = user.accounts()
    reply = user.app.delete(f"/v1/accounts/{path}")

    known = path in {"health", "follower-stats"}  # by another method
    assert reply.status_code == (405 if known else 404)
    assert reply.json()["code"] == ("METHOD_NOT_ALLOWED" if known else "NOT_FOUND")
    assert user.accounts() == before
    assert user.app.get("/v1/accounts/follower-stats").status_code == 200


def test_one_of_several_concurrent_disconnections_succeeds():
    """One of several that arrive together finds the account."""
    user = Person(Sandbox())
    with ThreadPoolExecutor(8) as pool:
        replies = pool.map(lambda _: user.app.delete("/v1/accounts/tiktok/tt_40311"), range(8))

    assert sorted(reply.status_code for reply in replies) == [200] + [404] * 7


def test_the_api_needs_the_key_and_the_pages_do_not():
    """The API does; the pages for people do not."""
    user = person()
    paths = [("GET", "connect/tiktok"), ("POST", "connect/tiktok"), ("DELETE", "accounts/a/b")]
    paths += [(method, "connect/facebook/select-page") for method in ("GET", "POST")]

    for method, path in paths:
        assert user.browser.request(method, f"/v1/{path}").status_code == 401
    assert user.browser.get(user.start()).status_code == 200


def test_recorded_requests_have_no_secrets():
    """Codes, states, consents and tokens are removed, in any spelling."""
    user = person(page_selection=True)
    url = user.start("facebook", None)
    page = Page(user.browser.get(url).text)
    user.start()
    user.code()
    came = user.press(url).headers["Location"]
    code = dict(told_at(came))["code"]
    user.browser.get(came)
    user.browser.get(came.replace("code=", "c%6Fde="))
    token = user.app.post("/v1/connect/facebook", json={"code": code}).json()["tempToken"]
    user.app.get(f"/v1/connect/facebook/select-page?x=1&tempToken={token}&page=2")
    kept = repr(user.sandbox.requests)
    flows = user.sandbox.state.part(OAuthState)
    inside = repr([slips._held for slips in (flows.consents, flows.codes, flows.picks)])
    request = dict(told_at(url))["request"]

    for secret in (code, token, request, page.token, "own7"):
        assert secret not in kept
    assert user.sandbox.key not in kept + inside
    assert inside.count("Consent object") == 1
    assert inside.count("Grant object") == 2
    assert user.sandbox.requests[-1].query == "x=1&tempToken=[withheld]&page=2"
    assert "path='/_sandbox/callback', query='[withheld]'" in kept
    assert "request=[withheld]&state=[withheld]" in kept


def test_pending_consents_are_limited():
    """To a thousand; the oldest and the expired ones are removed."""
    wall = Wall()
    user = person(wall=wall)
    urls = [user.start() for _ in range(1001)]
    consents = user.sandbox.state.part(OAuthState).consents

    assert [user.browser.get(urls[at]).status_code for at in (0, 1, -1)] == [410, 200, 200]
    assert len(consents._held) == 1000
    wall.now += 600
    user.start()
    assert len(consents._held) == 1


def test_two_sandboxes_share_no_connection_state():
    """Neither consents nor codes nor accounts."""
    one, other = person(), person()
    url, code = one.start(), one.code()
    one.app.delete("/v1/accounts/tiktok/tt_40311")

    assert other.browser.get(url).status_code == 410
    assert other.finish(code).json() == REFUSED
    assert ("tiktok", "tt_40311") in other.accounts()


@pytest.mark.sockets
def test_a_connection_works_over_sockets():
    """With a client that follows the redirect."""
    sandbox = Sandbox()
    bearer = {"Authorization": f"Bearer {sandbox.key}"}
    with sandbox.serve() as base, httpx.Client(base_url=base, follow_redirects=True) as browser:
        url = browser.get("/v1/connect/threads", headers=bearer).json()["authUrl"]
        page = Page(browser.get(url).text)
        form = {"token": page.token, "account": page.accounts[1], "decision": "allow"}
        back = browser.post(url, data=form)
        body = {"code": dict(told_at(str(back.url)))["code"]}
        account = browser.post("/v1/connect/threads", json=body, headers=bearer).json()
        path = f"/v1/accounts/threads/{account['accountId']}"
        gone = browser.delete(path, headers=bearer)

    assert url.startswith(f"{base}/_sandbox/consent?")
    assert back.status_code == gone.status_code == 200
    assert body["code"] in back.text
    assert account["accountId"] == "th_41015"


TEXTS = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["code", "redirect_url", "tempToken", "pageId", "state"])
BODIES = st.dictionaries(NAMES | TEXTS, JSON, max_size=5)
FIELDS = st.sampled_from(["token", "account", "decision"])
BYTES = st.binary(max_size=40)
URL_TEXTS = st.text(alphabet="ab01.:/?#[]@%&=~-_; <\\é", max_size=12)
TAILS = st.sampled_from([*PLATFORMS, "facebook/select-page"]) | TEXTS


@settings(deadline=None)
@given(tail=TAILS, body=BODIES, raw=BYTES, args=st.dictionaries(NAMES, TEXTS))
def test_any_call_gets_data_or_an_error(tail, body, raw, args):
    """Never an internal error."""
    user = person()
    path = "/v1/connect/" + quote(tail, safe="/")
    replies = [
        user.app.get(path, params=args),
        user.app.post(path, content=raw, params=args),
        user.app.post(path, content=json.dumps(body)),
        user.app.delete("/v1/accounts/" + quote(tail, safe="/")),
    ]

    for reply in replies:
        assert reply.status_code in (200, 400, 404, 405)
        assert reply.status_code == 200 or sorted(reply.json()) == ["code", "error"]


@settings(deadline=None)
@given(fields=st.dictionaries(FIELDS, TEXTS), args=st.dictionaries(NAMES, TEXTS), raw=BYTES)
def test_any_form_gets_a_page_or_an_error(fields, args, raw):
    """Even a form that no consent page has."""
    user = person()
    url = user.start()
    token = Page(user.browser.get(url).text).token
    replies = [
        user.browser.post(url, content=raw),
        user.browser.get("/_sandbox/callback", params=args),
        user.browser.get("/_sandbox/consent", params=args),
        user.browser.post(url + "&" + urlencode(args), data={"token": token, **fields}),
    ]

    assert {reply.status_code for reply in replies} <= {200, 303, 400, 410}
    assert all(reply.headers["Content-Type"].startswith("text/html") for reply in replies)


@given(start=st.sampled_from(["http://", "https://", "http://a", ""]), rest=URL_TEXTS)
def test_any_redirect_url_is_refused_or_used(start, rest):
    """Never an internal error."""
    user = person()
    reply = user.app.get("/v1/connect/tiktok", params={"redirect_url": start + rest})
    if reply.status_code != 200:
        assert reply.status_code == 400
        return
    callback = user.press(reply.json()["authUrl"])

    assert callback.status_code == 303
    if start + rest:
        assert httpx.URL(callback.headers["Location"]).host == httpx.URL(start + rest).host


@pytest.mark.parametrize("url", ["http\u017f://a.example/", "http://\u212aelvin.example/"])
def test_letters_that_fold_to_ascii_are_refused(url):
    """A long s and a Kelvin sign are the same as s and k where case does not matter."""
    app = person().app
    reply = app.get("/v1/connect/tiktok", params={"redirect_url": url})

    assert reply.status_code == 400
    with pytest.raises(ArgumentError):
        Sandbox(only_redirect=url)


def test_the_callback_page_marks_invisible_characters():
    """Control characters and marks that turn the text around are replaced."""
    page = person().app.get("/_sandbox/callback", params={"code": "a\x00b\u202ec\x1b"}).text

    assert "<dd>a\ufffdb\ufffdc\ufffd</dd>" in page
