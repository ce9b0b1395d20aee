"""Tests of the sandbox's OpenAPI document against the contract, the routes and the responses."""

import gc
import itertools
import re

import httpx
import pytest
import schemathesis
from contract_facts import FACTS, ORIGINS, resolved, spots, with_origin
from hypothesis import settings
from schemathesis import checks

from socialframe.sandbox import PAGINGS, Sandbox
from socialframe.sandbox.api.routes import ROUTES

KEY = "sk_demo"
BASE = "http://sandbox.example"
SELECT = "/v1/connect/facebook/select-page"
# The sandbox has neither uploads nor webhooks, which the contract documents.
LEFT_OUT = ("/v1/media/", "/v1/webhooks/")
FACTS_HERE = [
    fact
    for fact in FACTS
    if not fact.path.startswith((*LEFT_OUT, "{uploadUrl}")) and not fact.place.startswith("event")
]
SIGNS = [(family, sign) for family, signs in PAGINGS.items() for sign in signs]
DRAFT, PARTIAL, WAITING = "post_3cc76d1f17", "post_1b6ed22a2b", "post_c3e5bf6659"
NO_CONTENT = "post_95184527cf"
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
def _no_garbage_collection_of_earlier_objects():
    """Freeze the objects of earlier tests.

    Python 3.11 may raise SystemError (CPython's gh-106905) if the garbage collector runs code that
    parses Python while hypothesis parses some.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def a_sandbox(**choices):
    """Return a sandbox whose clock advances by a second a call, so no test meets the rate limit."""
    return Sandbox(key=KEY, clock=itertools.count().__next__, sleep=lambda _: None, **choices)


def client(sandbox):
    """Return a client that sends the key."""
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.Client(transport=httpx.WSGITransport(app=sandbox), base_url=BASE, headers=headers)


def document(**choices):
    """Request the document of a new sandbox, without a key."""
    api = httpx.Client(transport=httpx.WSGITransport(app=a_sandbox(**choices)), base_url=BASE)
    return api.get("/openapi.json").json()


def operations(spec):
    """Return the operations of a document by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in spec["paths"].items()
        for method, operation in item.items()
    }


def closed(schema):
    """Return the document with no further fields allowed in its objects."""
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


def test_the_document_needs_no_key_and_does_not_count_against_the_rate_limit():
    """Seventy requests return the same document and leave the limit of 60 calls alone."""
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


@pytest.mark.parametrize("fact", FACTS_HERE, ids=lambda fact: " ".join(filter(None, fact[:5])))
def test_document_has_every_documented_fact_with_its_origin_and_section(fact):
    """The facts are those of the contract's table."""
    found = spots(DOCUMENT, fact)

    assert found
    assert {one["x-origin"] for one in found} == {ORIGINS[fact.mark]}
    assert all(re.fullmatch(r"§\d+(\.\d+)?", one["x-contract"]) for one in found)


def test_document_marks_nothing_else_as_documented():
    """Neither by prose nor by an example."""
    known = {id(spot) for fact in FACTS_HERE for spot in spots(DOCUMENT, fact)}
    claims = [one for one in with_origin(DOCUMENT) if one["x-origin"] in ORIGINS.values()]

    assert [one for one in claims if id(one) not in known] == []
    assert len(claims) >= 80


def test_document_has_exactly_the_routes_of_the_sandbox():
    """Path parameters have the contract's names."""

    def camel(found):
        first, *more = found[1].split("_")
        return "{" + first + "".join(map(str.title, more)) + "}"

    routes = {(method, re.sub("<([a-z_]+)>", camel, path)) for method, path in ROUTES}

    assert set(operations(DOCUMENT)) == routes


def test_every_part_has_an_origin_and_a_section():
    """Operations, parameters, responses, headers, and every field of every object."""

    def children(value):
        """Yield the parts that must have an origin."""
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if name in {"properties", "headers", "securitySchemes", "responses"}:
                yield from inner.values()
            if name == "parameters":
                yield from inner
            if isinstance(inner, dict | list) and name not in {"examples", "enum"}:
                yield from children(inner)

    parts = [*operations(DOCUMENT).values(), *children(DOCUMENT)]

    assert [one for one in parts if "x-origin" not in one and list(one) != ["$ref"]] == []
    assert len(parts) > 250
    assert {one["x-origin"] for one in with_origin(DOCUMENT)} == {
        "documented",
        "example",
        "sibling",
        "invented",
    }
    assert all(one["x-contract"].startswith("§") for one in with_origin(DOCUMENT))


@pytest.mark.parametrize("paging", ["page", "offset"])
def test_errors_name_the_values_that_the_document_allows(paging):
    """A parameter of a few words or a range of numbers refuses ``gopher`` with a 400."""
    seen = set()
    for (method, path), operation in operations(document(paging=paging)).items():
        for parameter in operation.get("parameters", ()):
            name, schema = parameter["name"], parameter["schema"]
            if "enum" in schema:
                expected = f"{name} must be one of: {', '.join(schema['enum'])}"
            elif "maximum" in schema:
                bounds = f"from {schema['minimum']} to {schema['maximum']}"
                expected = f"{name} must be an integer {bounds}"
            else:
                continue
            with client(a_sandbox(paging=paging)) as api:
                query = {name: "gopher"} if parameter["in"] == "query" else {}
                reply = api.request(method, path.format(platform="gopher"), params=query)
            assert (reply.status_code, reply.json()["error"]) == (400, expected)
            seen.add(name)

    assert seen == {paging, "limit", "sortBy", "order", "granularity", "platform"}


@pytest.mark.parametrize(
    ("field", "item", "schema", "name"),
    [
        ("platforms", "platforms[0].platform", "NewTarget", "platform"),
        ("mediaItems", "mediaItems[0].type", "NewMedia", "type"),
    ],
)
def test_errors_of_a_new_post_name_the_values_that_the_document_allows(field, item, schema, name):
    """An unknown platform or media type is a 400."""
    allowed = DOCUMENT["components"]["schemas"][schema]["properties"][name]["enum"]
    with client(a_sandbox()) as api:
        reply = api.post("/v1/posts", json={field: [{name: "gopher"}]})

    assert reply.status_code == 400
    assert reply.json()["error"] == f"{item} must be one of: {', '.join(allowed)}"


@pytest.mark.parametrize(("paging", "sign"), SIGNS)
def test_document_has_the_parameters_and_pages_of_the_paging_family(paging, sign):
    """Pages in the middle of a list and at its end are valid."""
    sandbox = a_sandbox(paging=paging, end_sign=sign)
    spec = schemathesis.openapi.from_dict(closed(document(paging=paging, end_sign=sign)))
    for path in ("/v1/posts", "/v1/analytics"):
        few = {"fromDate": "2026-11-19"} if "analytics" in path else {"dateFrom": "2026-11-19"}
        names = [one["name"] for one in spec.raw_schema["paths"][path]["get"]["parameters"]]
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
            spec[path]["GET"].validate_response(reply)
            headers = spec.raw_schema["paths"][path]["get"]["responses"]["200"]["headers"]
            assert ("Link" in reply.headers) == ("Link" in headers)


class Walk:
    """Sends requests to every operation and keeps the responses."""

    def __init__(self, sandbox):
        self.sandbox, self.api = sandbox, client(sandbox)
        self.responses = []

    def send(self, method, path, body=None, query=None, **parts):
        """Send a request to a path of the document."""
        with_body = {} if body is None else {"json": body}
        reply = self.api.request(method, path.format(**parts), params=query, **with_body)
        self.responses.append((method, path, reply))
        return reply.json() if reply.content else {}

    def accounts(self):
        """Connect, read and disconnect accounts."""
        at = "/v1/connect/{platform}"
        self.send("GET", "/v1/accounts", query={"platform": "tiktok"})
        self.send("GET", "/v1/accounts/health")
        self.send("GET", "/v1/accounts/follower-stats", query={"fromDate": "2026-11-18"})
        account = self.connected("tiktok", account="tt_40946")
        pair = {"platform": "tiktok", "accountId": account["accountId"]}
        self.send("DELETE", "/v1/accounts/{platform}/{accountId}", **pair)
        self.send("DELETE", "/v1/accounts/{platform}/{accountId}", **pair)
        self.send("GET", at, platform="gopher")
        if self.sandbox.switches.page_selection:
            token = {"tempToken": self.connected("facebook", account="")["tempToken"]}
            page = self.send("GET", SELECT, query=token)["pages"][0]["id"]
            self.send("POST", SELECT, {**token, "pageId": page})

    def connected(self, platform, account):
        """Connect an account by the consent page, as a browser does."""
        at = "/v1/connect/{platform}"
        url = self.send("GET", at, query={"redirect_url": f"{BASE}/back"}, platform=platform)
        page = self.api.get(url["authUrl"])
        token = re.search('name="token" value="([^"]+)"', page.text)[1]
        form = {"token": token, "account": account, "decision": "allow"}
        back = httpx.URL(self.api.post(url["authUrl"], data=form).headers["Location"])
        body = {"code": back.params["code"], "redirect_url": f"{BASE}/back"}
        return self.send("POST", at, body, platform=platform)

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
        mixed = self.send("POST", "/v1/posts", {**new, "publishNow": True})
        for status in ("published", "partial", "failed", "draft", "scheduled", "publishing"):
            self.send("GET", "/v1/posts", query={"status": status, "limit": 100})
        late = self.send("POST", "/v1/posts", {**new, "scheduledFor": "2036-03-20T07:00:00Z"})
        self.send("POST", "/v1/posts", {"content": "Tea"})
        self.send("GET", one, postId=mixed["id"])
        self.send("GET", one, postId="post_none")
        self.send("POST", one + "/retry", postId=mixed["id"])
        self.send("POST", one + "/retry", postId=mixed["id"])
        self.send("PUT", one, {"tags": ["late"]}, postId=late["id"])
        self.send("DELETE", one, postId=late["id"])
        self.send("DELETE", one, postId=mixed["id"])
        rows = self.send("GET", "/v1/analytics", query={"limit": 100})["posts"]
        self.send("GET", "/v1/analytics", query={"postId": rows[0]["id"]})

    def all(self):
        """Send all requests."""
        self.accounts()
        self.posts()
        self.api.headers["Authorization"] = "Bearer sk_wrong"
        self.send("GET", "/v1/posts")


CHOICES = [
    {},
    {"create_status": 200, "delete_status": 204, "page_selection": True},
    {"rate_limit_headers": True, "etag": True, "retry_after": "date"},
    {"unknown_values": True, "big_ids": True},
    {"extra_fields": True},
    *({"timestamps": form} for form in ("offset", "millis", "micros", "naive", "space", "mixed")),
]


@pytest.mark.parametrize("choices", CHOICES, ids=str)
def test_every_response_is_valid_by_the_document_of_its_sandbox(choices):
    """Successes and errors of every operation; further fields occur only with ``extra_fields``."""
    spec = document(**choices)
    schema = schemathesis.openapi.from_dict(spec if "extra_fields" in choices else closed(spec))
    walk = Walk(a_sandbox(**choices))
    walk.all()

    schema.validate()
    asked = {(method, path) for method, path, reply in walk.responses if reply.is_success}
    assert set(operations(spec)) - asked == (
        set() if choices.get("page_selection") else {("GET", SELECT), ("POST", SELECT)}
    )
    for method, path, reply in walk.responses:
        answers = spec["paths"][path][method.lower()]["responses"]
        answer = resolved(spec, answers[str(reply.status_code)])
        schema[path][method].validate_response(reply)
        plain = {"content-type", "content-length"}
        assert {*reply.headers} - plain == {name.lower() for name in answer["headers"]}
        if not reply.content:
            assert "content" not in answer


@pytest.mark.parametrize("form", ["seconds", "date", "absent"])
def test_429_has_the_retry_after_header_of_the_document(form):
    """As whole seconds, as a date, or none."""
    sandbox = Sandbox(key=KEY, tier="free", clock=lambda: 0.0, retry_after=form)
    spec = document(retry_after=form)["components"]["responses"]["Error429"]["headers"]
    with client(sandbox) as api:
        reply = [api.get("/v1/accounts") for _ in range(61)][-1]

    assert reply.status_code == 429
    assert set(spec) == {"X-Sandbox"} | ({"Retry-After"} if form != "absent" else set())
    assert ("Retry-After" in spec) == ("Retry-After" in reply.headers)
    if form != "absent":
        whole = spec["Retry-After"]["schema"]["type"] == "integer"
        assert whole == reply.headers["Retry-After"].isdigit()


API = schemathesis.openapi.from_wsgi("/openapi.json", a_sandbox())


@API.hook
def map_path_parameters(context, path_parameters):
    """Use ids of existing posts in three of four paths, because a 404 tests little."""
    post_id = str((path_parameters or {}).get("postId", ""))
    if len(post_id) % 4:
        return {
            **path_parameters,
            "postId": (DRAFT, PARTIAL, WAITING, NO_CONTENT)[len(post_id) // 4 % 4],
        }
    return path_parameters


@API.hook
def map_body(context, body):
    """Make three of four texts valid, so that the sandbox reads the fields after them, too."""
    if isinstance(body, list):
        return [map_body(context, one) for one in body]
    if not isinstance(body, dict):
        return body
    valid = {
        "accountId": ACCOUNTS.get(str(body.get("platform"))),
        "url": "http://127.0.0.1:9/hours.png",
        "timezone": "Europe/Paris",
        "scheduledFor": "2026-12-20T07:00:00",
    }
    return {
        name: (valid.get(name) or value)
        if isinstance(value, str) and len(value) % 4
        else map_body(context, value)
        for name, value in body.items()
    }


@API.parametrize()
# A tenth of the profile's examples, because there are 15 operations.
@settings(max_examples=settings.default.max_examples // 10)
def test_generated_requests_get_valid_responses(case):
    """The document has their status, type, headers and body; none is a server error."""
    case.call_and_validate(headers={"Authorization": f"Bearer {KEY}"}, checks=CHECKS)
