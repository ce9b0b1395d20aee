"""The OpenAPI document of a sandbox: what it answers, and where each part of it is known from.

It is built from values and follows the switches, so that it says what this very sandbox does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialframe.sandbox.api.answers import Answer
from socialframe.sandbox.json_text import dumps
from socialframe.sandbox.openapi_fields import CODES, marked, ref, text, whole
from socialframe.sandbox.openapi_paging import page
from socialframe.sandbox.openapi_paths import operations
from socialframe.sandbox.openapi_schemas import SCHEMAS
from socialframe.sandbox.switches import Switches  # noqa: TC001 - for the doctest
from socialframe.version import VERSION

if TYPE_CHECKING:
    from socialframe.sandbox.api.answers import Routes
    from socialframe.sandbox.api.request import ApiRequest
    from socialframe.sandbox.json_text import Json

_ABOUT = """A sandbox: made-up people, and no platform behind them.

`x-origin` says of every operation, parameter, field, header and answer where it is known from:
`documented` in prose, shown by an `example` of the documentation only, done so by a `sibling` API
and so a guess, or `invented` here because something had to be answered. `x-contract` names the
section of the contract that says so. Whatever is not documented may be otherwise in the real
service, and much of it is a switch of the sandbox.
"""

_SAYS = {
    400: "The request is invalid.",
    401: "No key, or a wrong one.",
    404: "There is no such thing.",
    429: "More calls than the plan has in a minute.",
    500: "A fault of the server.",
}
# Forms of a moment that RFC 3339 does not know.
_NO_MOMENTS = {"naive", "space", "mixed"}
# Fields whose words a switch replaces.
_WORDS = {"platform", "status", "health", "type", "mediaType", "syncStatus"}

_TAG = marked("invented", "§2", {"ETag": {"required": True, "schema": text()}})
_NOT_CHANGED: Json = {
    "description": "What `If-None-Match` names is still so.",
    "headers": _TAG,
    "x-origin": "invented",
    "x-contract": "§2",
}


class _Kept:
    """The document of one sandbox, once it was asked for."""

    body = b""


def tell(ask: ApiRequest) -> Answer:
    """Answer ``GET /openapi.json``.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    Answer
        The document.

    Examples
    --------
    >>> from werkzeug.test import Client
    >>> from socialframe.sandbox import Sandbox
    >>> Client(Sandbox()).get("/openapi.json").json["openapi"]
    '3.1.0'
    """
    kept = ask.state.part(_Kept)
    if not kept.body:
        kept.body = dumps(document(ask.switches))
    return Answer(kept.body)


def document(switches: Switches) -> Json:
    """Write the document of a sandbox with these switches.

    Parameters
    ----------
    switches
        How it decides what is not documented.

    Returns
    -------
    dict
        An OpenAPI 3.1 document.

    Examples
    --------
    >>> paths = document(Switches(paging="cursor"))["paths"]
    >>> [one["name"] for one in paths["/v1/posts"]["get"]["parameters"]][:2]
    ['cursor', 'limit']
    """
    paths: Json = {}
    for (method, path), operation in operations(switches).items():
        for answer in operation["responses"].values():
            if "$ref" not in answer:
                answer["headers"] = {**_headers(switches), **answer.get("headers", {})}
        if switches.etag and method == "GET":
            operation["responses"]["200"]["headers"] |= _TAG
            operation["responses"]["304"] = _NOT_CHANGED
        paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SocialSyncer API in a sandbox",
            "version": VERSION,
            "description": _ABOUT,
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": _told(_schemas(switches), switches),
            "responses": {f"Error{status}": _error(status, switches) for status in CODES},
            "securitySchemes": marked(
                "documented",
                "§2",
                {"key": {"type": "http", "scheme": "bearer", "description": "`sk_` and more."}},
            ),
        },
    }


def _schemas(switches: Switches) -> Json:
    more = {
        "overview": ref("Overview"),
        "accounts": {"type": "array", "items": ref("Account")},
        "hasAnalyticsAccess": {"type": "boolean"},
    }
    return {
        **SCHEMAS,
        "PostsPage": page(switches, "posts", "Post", {}),
        "AnalyticsPage": page(switches, "analytics", "MeasuredPost", more),
    }


def _told(schema: Json, switches: Switches) -> Json:
    """Take out of schemas what does not hold with these switches."""
    told: Json = {}
    for name, inner in schema.items():
        one = inner
        if isinstance(one, dict):
            if name in _WORDS and switches.unknown_values:
                one = {key: value for key, value in one.items() if key != "enum"}
            if one.get("format") == "date-time" and switches.timestamps in _NO_MOMENTS:
                one = {key: value for key, value in one.items() if key != "format"}
            if name in {"Post", "MeasuredPost"} and switches.big_ids:
                number = {**one["properties"]["id"], "type": "integer", "examples": [2**62 + 1]}
                one = {**one, "properties": {**one["properties"], "id": number}}
            one = _told(one, switches)
        told[name] = one
    return told


def _headers(switches: Switches) -> Json:
    """Describe the headers of every answer to a request with the right key."""
    limits = {
        "X-RateLimit-Limit": whole("Calls in a minute."),
        "X-RateLimit-Remaining": whole("Calls that are left."),
        "X-RateLimit-Reset": whole("Unix seconds when the next call comes free."),
    }
    counted = {name: {"required": True, "schema": schema} for name, schema in limits.items()}
    return {
        **marked("invented", "§11", {"X-Sandbox": {"required": True, "schema": text()}}),
        **(marked("sibling", "§4", counted) if switches.rate_limit_headers else {}),
    }


def _error(status: int, switches: Switches) -> Json:
    headers = _headers(switches)
    if status == 401:  # noqa: PLR2004 - nothing is counted without a key
        headers = {"X-Sandbox": headers["X-Sandbox"]}
    if status == 429 and switches.retry_after != "absent":  # noqa: PLR2004 - Too Many Requests
        # That there is one is documented; whole seconds are, by the example of section 4.
        seconds = switches.retry_after == "seconds"
        schema = whole("Seconds.") if seconds else text("An HTTP date.")
        after = {"Retry-After": {"required": True, "schema": schema}}
        headers |= marked("documented" if seconds else "invented", "§3", after)
    return {
        "description": _SAYS[status],
        "headers": headers,
        "content": {"application/json": {"schema": ref(f"Error{status}")}},
        "x-origin": "documented",
        "x-contract": "§3",
    }


OPEN: Routes = {("GET", "/openapi.json"): tell}
"""What answers where, without a key."""
