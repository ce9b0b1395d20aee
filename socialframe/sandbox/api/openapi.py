"""Serves the OpenAPI document: ``openapi.json``, changed where the sandbox's switches say so.

``openapi.json`` describes a sandbox with default switches.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from socialframe.sandbox.api.answers import Answer, Routes
from socialframe.sandbox.json_text import Json, dumps
from socialframe.sandbox.paging.families import pagination_members
from socialframe.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from socialframe.sandbox.switches import Switches

_FILE = Path(__file__).with_name("openapi.json")

# The origins of parts that depend on switches.
_SIBLING = {"x-origin": "sibling", "x-contract": "§9.2"}
_OTHER_APIS = {"x-origin": "invented", "x-contract": "§10"}

# The path of each list and the schema of its pages.
_LISTS = {"posts": ("/v1/posts", "PostsPage"), "analytics": ("/v1/analytics", "AnalyticsPage")}

_OFFSET = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "default": 0}
_CURSOR = {"type": "string", "description": "`nextCursor` of the previous page."}
_AFTER = {"type": "string", "description": "Id of the last post of the previous page."}
# The parameters that replace `page` in other families.
_PARAMETERS: dict[str, Json] = {
    "offset": {"name": "offset", "schema": _OFFSET, **_SIBLING},
    "cursor": {"name": "cursor", "schema": _CURSOR, **_SIBLING},
    "after_id": {"name": "after", "schema": _AFTER, **_OTHER_APIS},
}

_NULL_AT_END = {"description": "Null at the end."}
# The fields of `pagination` that the default family, and so `openapi.json`, does not have.
_FIELDS: dict[str, Json] = {
    "offset": {"type": "integer", "minimum": 0, **_SIBLING},
    "hasMore": {"type": "boolean", **_SIBLING},
    "nextPage": {"type": ["integer", "null"], "minimum": 1, **_NULL_AT_END, **_OTHER_APIS},
    "nextCursor": {"type": "string", "description": "For `cursor`.", **_SIBLING},
}
_NEXT = {"type": ["string", "null"], "description": "URL of the next page; null at the end."}
_LINKS = {
    "type": "object",
    "required": ["next"],
    "properties": {"next": {**_NEXT, **_OTHER_APIS}},
    **_OTHER_APIS,
}
_LINK_HEADER = {
    "description": 'URLs of other pages; the last page has no `rel="next"`.',
    "required": True,
    "schema": {"type": "string"},
    **_OTHER_APIS,
}

_RATE_LIMIT_HEADERS: dict[str, Json] = {
    name: {
        "required": True,
        "schema": {"type": "integer", "minimum": 0, "description": description},
        "x-origin": "sibling",
        "x-contract": "§4",
    }
    for name, description in {
        "X-RateLimit-Limit": "Requests per window.",
        "X-RateLimit-Remaining": "Remaining requests.",
        "X-RateLimit-Reset": "Unix time in seconds when another request is free.",
    }.items()
}
_ETAG = {"required": True, "schema": {"type": "string"}, "x-origin": "invented", "x-contract": "§2"}
_NOT_MODIFIED = {
    "description": "The response still has the ETag of `If-None-Match`.",
    "x-origin": "invented",
    "x-contract": "§2",
    "headers": {"ETag": _ETAG},
}

# The fields whose enumerations get further values with `unknown_values`.
_ENUMERATIONS = {"platform", "status", "health", "type", "mediaType", "syncStatus"}
# Spellings of moments that RFC 3339 does not allow.
_NOT_RFC_3339 = {"naive", "space", "mixed"}


def document(switches: Switches) -> Json:
    """Return the OpenAPI 3.1 document of a sandbox with these switches."""
    changed: Json = json.loads(_FILE.read_bytes())
    changed["info"]["version"] = VERSION
    for name in _LISTS:
        _set_paging(changed, name, switches)
    _set_statuses(changed["paths"], switches)
    _set_headers(changed, switches)
    _set_schemas(changed["components"]["schemas"], switches)
    return changed


def _set_paging(changed: Json, name: str, switches: Switches) -> None:
    family, sign = switches.paging_for(name), switches.end_sign_for(name)
    path, schema = _LISTS[name]
    operation, page = changed["paths"][path]["get"], changed["components"]["schemas"][schema]
    # `openapi.json` lists `page` and `limit` first.
    if family == "none":
        del operation["parameters"][:2]
    elif family in _PARAMETERS:
        operation["parameters"][0] |= _PARAMETERS[family]
    if family == "link":
        operation["responses"]["200"]["headers"]["Link"] = _LINK_HEADER
    if names := pagination_members(family, sign):
        pagination = page["properties"]["pagination"]
        fields = {**pagination["properties"], **_FIELDS}
        if sign == "null":
            fields["nextCursor"] = {**fields["nextCursor"], "type": ["string", "null"]}
        if sign == "absent":
            absent = {"description": "For `cursor`; absent at the end."}
            fields["nextCursor"] = {**fields["nextCursor"], **absent}
        pagination["properties"] = {one: fields[one] for one in names}
        pagination["required"] = [one for one in names if (one, sign) != ("nextCursor", "absent")]
    else:
        del page["properties"]["pagination"]
        page["required"].remove("pagination")
    if family == "next_url":
        page["properties"]["links"] = _LINKS
        page["required"].insert(1, "links")


def _set_statuses(paths: Json, switches: Switches) -> None:
    if switches.create_status != 201:  # noqa: PLR2004 - Created, as in `openapi.json`
        responses = paths["/v1/posts"]["post"]["responses"]
        created = {**responses.pop("201"), "x-origin": "invented"}
        responses[str(switches.create_status)] = created
    if switches.delete_status == 204:  # noqa: PLR2004 - No Content
        for operation in _operations(paths, "delete"):
            done = operation["responses"].pop("200")
            del done["content"]
            operation["responses"]["204"] = {**done, "x-origin": "invented"}
    if switches.page_selection:
        finish = paths["/v1/connect/{platform}"]["post"]["responses"]["200"]
        content = finish["content"]["application/json"]
        choice = {"$ref": "#/components/schemas/SelectPageNext"}
        content["schema"] = {"anyOf": [content["schema"], choice]}


def _set_headers(changed: Json, switches: Switches) -> None:
    errors = changed["components"]["responses"]
    if switches.rate_limit_headers:
        # A request without a valid key is not counted, so its 401 lacks these headers.
        responses = [error for name, error in errors.items() if name != "Error401"]
        for operation in _operations(changed["paths"]):
            responses += operation["responses"].values()
        for response in responses:
            if "headers" in response:
                response["headers"] |= _RATE_LIMIT_HEADERS
    too_many = errors["Error429"]["headers"]
    if switches.retry_after == "absent":
        del too_many["Retry-After"]
    elif switches.retry_after == "date":
        date = {"type": "string", "description": "An HTTP date."}
        too_many["Retry-After"] |= {"schema": date, "x-origin": "invented"}
    if switches.etag:
        for operation in _operations(changed["paths"], "get"):
            operation["responses"]["200"]["headers"]["ETag"] = _ETAG
            operation["responses"]["304"] = _NOT_MODIFIED


def _set_schemas(schemas: Json, switches: Switches) -> None:
    if switches.big_ids:
        for name in ("Post", "MeasuredPost"):
            schemas[name]["properties"]["id"] |= {"type": "integer", "examples": [2**62 + 1]}
    for name, schema in _named(schemas):
        if switches.unknown_values and name in _ENUMERATIONS:
            schema.pop("enum", None)
        if switches.timestamps in _NOT_RFC_3339 and schema.get("format") == "date-time":
            del schema["format"]


def _operations(paths: Json, *methods: str) -> Iterator[Json]:
    """Yield the operations with these methods, or all."""
    for item in paths.values():
        for method, operation in item.items():
            if not methods or method in methods:
                yield operation


def _named(schemas: Json) -> Iterator[tuple[str, Json]]:
    """Yield every schema with its name, those of fields included."""
    for name, schema in schemas.items():
        if isinstance(schema, dict):
            yield name, schema
            yield from _named(schema)


OPEN: Routes = {("GET", "/openapi.json"): lambda request: Answer(dumps(document(request.switches)))}
"""The endpoint of the document; it needs no key."""
