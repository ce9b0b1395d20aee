"""The sandbox's OpenAPI document: true to the contract, to the routes and to the answers."""

import gc
import itertools
import re

import httpx
import pytest
import schemathesis
from contract_facts import FACTS as ALL_FACTS
from contract_facts import ORIGINS, resolved, spots, with_origin
from hypothesis import settings
from schemathesis import checks

from socialframe.sandbox import PAGINGS, Sandbox
from socialframe.sandbox.api.routes import ROUTES

KEY = "sk_demo"
BASE = "http://sandbox.example"
SELECT = "/v1/connect/facebook/select-page"
# The sandbox has no uploads and no webhooks.
FACTS = [fact for fact in ALL_FACTS if fact.section not in {"5.8", "5.9", "5.10", "5.12", "6.5"}]
SIGNS = [(family, sign) for family, signs in PAGINGS.items() for sign in signs]
DRAFT, PARTIAL, WAITING = "post_3cc76d1f17", "post_1b6ed22a2b", "post_c3e5bf6659"
WORDLESS = "post_95184527cf"  # its content is null
ACCOUNTS = {
    "instagram": "ig_40118",
    "facebook": "fb_40217",
    "threads": "th_40131",
    "tiktok": "tt_40311",
    "twitter": "tw_40126",
}
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(scope="module", autouse=True)
def _garbage_of_its_own():
    """Leave what earlier tests left alone.

    Where the collector runs code that parses Python while hypothesis parses some, Python 3.11 may
    end in a SystemError (CPython's gh-106905).
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def a_sandbox(**choices):
    """Make a sandbox that lives a second a call, so that no test meets the limit."""
    return Sandbox(key=KEY, clock=itertools.count().__next__, sleep=lambda _: None, **choices)


def client(sandbox):
    """Open a client that sends the key."""
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.Client(transport=httpx.WSGITransport(app=sandbox), base_url=BASE, headers=headers)


def document(**choices):
    """Ask a new sandbox for its document, without a key."""
    api = httpx.Client(transport=httpx.WSGITransport(app=a_sandbox(**choices)), base_url=BASE)
    return api.get("/openapi.json").json()


def operations(told):
    """List the operations of a document on the API host, by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in told["paths"].items()
        for method, operation in item.items()
    }


def closed(schema):
    """Make of a document the same one whose objects may have no further fields."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(one) for name, one in schema.items()}
    return (
        {"additionalProperties": False, **inner}
        if "required" in inner and "properties" in inner
        else inner
    )


DOCUMENT = document()


def test_the_document_needs_no_key_and_costs_no_call():
    """It is read before anything else is, and again and again; it is the same each time."""
    sandbox = Sandbox(tier="free", rate_limit_headers=True, clock=lambda: 0.0)
    api = httpx.Client(transport=httpx.WSGITransport(app=sandbox), base_url=BASE)
    replies = [api.get("/openapi.json") for _ in range(70)]
    after = api.get("/v1/accounts", headers={"Authorization": f"Bearer {sandbox.key}"})

    assert {(reply.status_code, reply.text) for reply in replies} == {(200, replies[0].text)}
    assert replies[0].headers["Content-Type"] == "application/json"
    assert replies[0].headers["X-Sandbox"] == "made-up data"
    assert replies[0].json()["openapi"] == "3.1.0"
    assert after.headers["X-RateLimit-Remaining"] == "59"
    assert sandbox.key not in replies[0].text


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: " ".join(filter(None, fact[:5])))
def test_what_is_documented_is_in_the_document(fact):
    """With its origin and its section of the contract."""
    found = spots(DOCUMENT, fact)

    assert found
    assert {one["x-origin"] for one in found} == {ORIGINS[fact.mark]}
    assert all(re.fullmatch(r"§\d+(\.\d+)?", one["x-contract"]) for one in found)


def test_nothing_else_is_said_to_be_documented():
    """Neither in prose nor by an example: all of that is in the table of facts."""
    known = {id(spot) for fact in FACTS for spot in spots(DOCUMENT, fact)}
    claims = [one for one in with_origin(DOCUMENT) if one["x-origin"] in ORIGINS.values()]

    assert [one for one in claims if id(one) not in known] == []
    assert len(claims) >= 60


def test_every_route_is_in_the_document_and_no_other():
    """Under the names that the contract has for the parts of a path."""

    def camel(found):
        first, *more = found[1].split("_")
        return "{" + first + "".join(map(str.title, more)) + "}"

    routes = {(method, re.sub("<([a-z_]+)>", camel, path)) for method, path in ROUTES}

    assert set(operations(DOCUMENT)) == routes


def test_everything_says_where_it_is_known_from():
    """Operations, parameters, answers, headers, and every field of every object."""

    def children(value):
        """Yield what must say so, with its path."""
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if name in {"properties", "headers", "securitySchemes", "responses"}:
                yield from inner.values()
            if name == "parameters":
                yield from inner
            if isinstance(inner, dict | list) and name not in {"examples", "enum"}:
                yield from children(inner)

    parts = [
        *operations(DOCUMENT).values(),
        *children(DOCUMENT),
    ]
    # Of an allOf, whose other half says it.
    silent = [
        one for one in parts if "x-origin" not in one and list(one) not in (["$ref"], ["enum"])
    ]

    assert silent == []
    assert len(parts) > 300
    assert {one["x-origin"] for one in with_origin(DOCUMENT)} == {
        "documented",
        "example",
        "sibling",
        "invented",
    }
    assert all(one["x-contract"].startswith("§") for one in with_origin(DOCUMENT))


@pytest.mark.parametrize(("paging", "sign"), SIGNS)
def test_the_document_has_the_pages_of_its_sandbox(paging, sign):
    """Parameters and what is told of other pages, in the middle of a list and at its end."""
    sandbox = a_sandbox(paging=paging, end_sign=sign)
    told = schemathesis.openapi.from_dict(closed(document(paging=paging, end_sign=sign)))
    for path in ("/v1/posts", "/v1/analytics"):
        few = {"fromDate": "2026-11-19"} if "analytics" in path else {"dateFrom": "2026-11-19"}
        names = [one["name"] for one in told.raw_schema["paths"][path]["get"]["parameters"]]
        steps = {"page", "offset", "cursor", "after", "limit"} & set(names)
        with client(sandbox) as api:
            replies = [api.get(path, params={**few, "limit": limit}) for limit in (2, 100)]

        assert (
            steps
            == {
                "page": {"page", "limit"},
                "offset": {"offset", "limit"},
                "cursor": {"cursor", "limit"},
                "next_url": {"page", "limit"},
                "link": {"page", "limit"},
                "after_id": {"after", "limit"},
                "none": set(),
            }[paging]
        )
        for reply in replies:
            assert reply.json()["posts"]
            told[path]["GET"].validate_response(reply)
            headers = told.raw_schema["paths"][path]["get"]["responses"]["200"]["headers"]
            assert ("Link" in reply.headers) == ("Link" in headers)


class Walk:
    """Asks for every operation, and keeps each answer with the operation's name."""

    def __init__(self, sandbox):
        self.sandbox, self.api = sandbox, client(sandbox)
        self.said = []

    def ask(self, method, path, body=None, query=None, **parts):
        """Ask, by the path as the document has it."""
        with_body = {} if body is None else {"json": body}
        reply = self.api.request(method, path.format(**parts), params=query, **with_body)
        self.said.append((method, path, reply))
        return reply.json() if reply.content else {}

    def accounts(self):
        """Connect, look at, and disconnect accounts."""
        at = "/v1/connect/{platform}"
        self.ask("GET", "/v1/accounts", query={"platform": "tiktok"})
        self.ask("GET", "/v1/accounts/health")
        self.ask("GET", "/v1/accounts/follower-stats", query={"fromDate": "2026-11-18"})
        account = self.connected("tiktok", account="tt_40946")
        pair = {"platform": "tiktok", "accountId": account["accountId"]}
        self.ask("DELETE", "/v1/accounts/{platform}/{accountId}", **pair)
        self.ask("DELETE", "/v1/accounts/{platform}/{accountId}", **pair)
        self.ask("GET", at, platform="gopher")
        if self.sandbox.switches.page_selection:
            token = {"tempToken": self.connected("facebook", account="")["tempToken"]}
            page = self.ask("GET", SELECT, query=token)["pages"][0]["id"]
            self.ask("POST", SELECT, {**token, "pageId": page})

    def connected(self, platform, account):
        """Go through the consent page as a browser does."""
        at = "/v1/connect/{platform}"
        url = self.ask("GET", at, query={"redirect_url": f"{BASE}/back"}, platform=platform)
        page = self.api.get(url["authUrl"])
        token = re.search('name="token" value="([^"]+)"', page.text)[1]
        form = {"token": token, "account": account, "decision": "allow"}
        back = httpx.URL(self.api.post(url["authUrl"], data=form).headers["Location"])
        body = {"code": back.params["code"], "redirect_url": f"{BASE}/back"}
        return self.ask("POST", at, body, platform=platform)

    def posts(self):
        """Write posts of every kind, and read them."""
        one = "/v1/posts/{postId}"
        media = [{"type": "image", "url": "https://cdn.example.net/hours.png"}]
        targets = [
            {"platform": "threads", "accountId": ACCOUNTS["threads"], "customMedia": media},
            {
                "platform": "twitter",
                "accountId": ACCOUNTS["twitter"],
                "customContent": "Hi [fail-once]",
                "platformSpecificData": {"threadItems": []},
            },
        ]
        new = {"content": "Tea", "platforms": targets, "mediaItems": media, "tags": ["tea"]}
        mixed = self.ask("POST", "/v1/posts", {**new, "publishNow": True})
        for status in ("published", "partial", "failed", "draft", "scheduled", "publishing"):
            self.ask("GET", "/v1/posts", query={"status": status, "limit": 100})
        late = self.ask("POST", "/v1/posts", {**new, "scheduledFor": "2036-03-20T07:00:00Z"})
        self.ask("POST", "/v1/posts", {"content": "Tea"})
        self.ask("GET", one, postId=mixed["id"])
        self.ask("GET", one, postId="post_none")
        self.ask("POST", one + "/retry", postId=mixed["id"])
        self.ask("POST", one + "/retry", postId=mixed["id"])
        self.ask("PUT", one, {"tags": ["late"]}, postId=late["id"])
        self.ask("DELETE", one, postId=late["id"])
        self.ask("DELETE", one, postId=mixed["id"])
        rows = self.ask("GET", "/v1/analytics", query={"limit": 100})["posts"]
        self.ask("GET", "/v1/analytics", query={"postId": rows[0]["id"]})

    def all(self):
        """Ask for everything."""
        self.accounts()
        self.posts()
        self.api.headers["Authorization"] = "Bearer sk_wrong"
        self.ask("GET", "/v1/posts")


CHOICES = [
    {},
    {"create_status": 200, "delete_status": 204, "page_selection": True},
    {"rate_limit_headers": True, "etag": True, "retry_after": "date"},
    {"unknown_values": True, "big_ids": True},
    *({"timestamps": form} for form in ("offset", "millis", "micros", "naive", "space", "mixed")),
]


@pytest.mark.sockets
@pytest.mark.parametrize("choices", CHOICES, ids=str)
def test_every_answer_is_as_the_document_of_its_sandbox_says(choices):
    """Every operation that goes well and some that do not, field by field; with no other field."""
    told = document(**choices)
    schema = schemathesis.openapi.from_dict(closed(told))
    walk = Walk(a_sandbox(**choices))
    walk.all()

    schema.validate()
    asked = {(method, path) for method, path, reply in walk.said if reply.is_success}
    assert set(operations(told)) - asked == (
        set() if choices.get("page_selection") else {("GET", SELECT), ("POST", SELECT)}
    )
    for method, path, reply in walk.said:
        answers = told["paths"][path][method.lower()]["responses"]
        answer = resolved(told, answers[str(reply.status_code)])
        schema[path][method].validate_response(reply)
        plain = {"content-type", "content-length"}
        assert {*reply.headers} - plain == {name.lower() for name in answer["headers"]}
        if not reply.content:
            assert "content" not in answer


def test_extra_fields_are_no_contradiction_to_the_document():
    """It does not say that there can be none."""
    choices = {"extra_fields": True}
    told = document(**choices)
    schema = schemathesis.openapi.from_dict(told)
    walk = Walk(a_sandbox(**choices))
    walk.all()

    for method, path, reply in walk.said:
        schema[path][method].validate_response(reply)


@pytest.mark.parametrize("named", ["seconds", "date", "absent"])
def test_a_refusal_above_the_limit_has_the_header_that_the_document_says(named):
    """As whole seconds, as a date, or none."""
    sandbox = Sandbox(key=KEY, tier="free", clock=lambda: 0.0, retry_after=named)
    told = document(retry_after=named)["components"]["responses"]["Error429"]["headers"]
    with client(sandbox) as api:
        reply = [api.get("/v1/accounts") for _ in range(61)][-1]

    assert reply.status_code == 429
    assert set(told) == {"X-Sandbox"} | ({"Retry-After"} if named != "absent" else set())
    assert ("Retry-After" in told) == ("Retry-After" in reply.headers)
    if named != "absent":
        whole = told["Retry-After"]["schema"]["type"] == "integer"
        assert whole == reply.headers["Retry-After"].isdigit()


API = schemathesis.openapi.from_wsgi("/openapi.json", a_sandbox())


@API.hook
def map_path_parameters(context, path_parameters):
    """Name posts that there are, in most paths: others are not found, and that is soon seen."""
    named = str((path_parameters or {}).get("postId", ""))
    if len(named) % 4:
        return {
            **path_parameters,
            "postId": (DRAFT, PARTIAL, WAITING, WORDLESS)[len(named) // 4 % 4],
        }
    return path_parameters


@API.hook
def map_body(context, body):
    """Say most texts as they can be meant, so that what comes after them is read, too."""
    if isinstance(body, list):
        return [map_body(context, one) for one in body]
    if not isinstance(body, dict):
        return body
    meant = {
        "accountId": ACCOUNTS.get(str(body.get("platform"))),
        "url": "http://127.0.0.1:9/hours.png",
        "timezone": "Europe/Paris",
        "scheduledFor": "2026-12-20T07:00:00",
    }
    return {
        name: (meant.get(name) or value)
        if isinstance(value, str) and len(value) % 4
        else map_body(context, value)
        for name, value in body.items()
    }


@API.parametrize()
# A fraction of the profile's, because there are two dozen operations.
@settings(max_examples=settings.default.max_examples // 10)
def test_whatever_is_asked_is_answered_as_the_document_says(case):
    """A documented status, type, head and body; never a server error."""
    case.call_and_validate(headers={"Authorization": f"Bearer {KEY}"}, checks=CHECKS)
