"""Applying faults to responses and to the world."""

from __future__ import annotations

import gzip
import html
import json
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from werkzeug.http import http_date

from socialframe.sandbox.api.answers import Answer
from socialframe.sandbox.api.rate_limit import retry_after
from socialframe.sandbox.api.request import ApiError, ApiRequest, RequestedPage, invalid
from socialframe.sandbox.json_text import Json, dumps
from socialframe.sandbox.paging.families import cursor_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from socialframe.sandbox.faults.faults import Fault
    from socialframe.sandbox.faults.plan import ActiveFaults
    from socialframe.sandbox.state import State
    from socialframe.sandbox.switches import Switches

_MARKUP = "text/html; charset=utf-8"
# The documentation shows this Retry-After for a 429 (§4).
_RETRY_AFTER = 60


def answer_instead(
    active: ActiveFaults, request: Request, switches: Switches, now: float
) -> Answer | None:
    """Return the response of a proxy in front of the API, which does not check the key."""
    fault = active.first("front")
    if fault is None:
        return None
    if fault.kind == "html":
        return _page("We will be back soon", 200)
    if fault.kind == "redirect":
        return Answer(b"", (("Location", _on_other_host(request.url, fault)),), 302, _MARKUP)
    status = fault.option("status")
    seconds = fault.option("seconds")
    headers = retry_after(_RETRY_AFTER if seconds is None else seconds, switches, now)
    if seconds is None and status != HTTPStatus.TOO_MANY_REQUESTS:
        headers = ()
    if fault.body is None:
        return Answer(b"", headers, status, _MARKUP)
    if fault.body == "html":
        return _page(HTTPStatus(status).phrase, status)._replace(headers=headers)
    return Answer(dumps(_WORDS[status].body()), headers, status)


# 502 to 504 are not documented (§3): own texts with a documented code.
_WORDS = {
    429: ApiError(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded"),
    500: ApiError(500, "INTERNAL_ERROR", "Internal server error"),
    502: ApiError(502, "INTERNAL_ERROR", "Bad gateway"),
    503: ApiError(503, "INTERNAL_ERROR", "Service unavailable"),
    504: ApiError(504, "INTERNAL_ERROR", "Gateway timeout"),
}


def _page(text: str, status: int) -> Answer:
    text = html.escape(text)
    body = (
        f'<!doctype html>\n<html lang="en"><head><title>{text}</title></head>'
        f"<body><h1>{text}</h1><p>Made-up page of a sandbox.</p></body></html>\n"
    )
    return Answer(body.encode(), (), status, _MARKUP)


def _on_other_host(url: str, fault: Fault) -> str:
    return urlsplit(url)._replace(netloc=fault.option("host")).geturl()


def change_world(active: ActiveFaults, state: State) -> None:
    """Change the world before a page is read, or refuse its cursor."""
    if active.page is None:
        return
    for fault in active.of("world"):
        _CHANGES[fault.kind](state, active.page, fault.option("rows"))
    if any(fault.kind == "expire" for fault in active.of("list")):
        raise invalid("cursor has expired")


def _read_already(state: State, requested: RequestedPage, rows: int) -> list[Json]:
    """Return the rows right before a page; for the first page its own."""
    start = max(requested.start - rows, 0)
    return [state.world.post(place) for place in requested.places[start : start + rows]]


def _insert(state: State, requested: RequestedPage, rows: int) -> None:
    # A copy of the first row passes every filter of the list.
    for place in requested.places[:1]:
        first = state.world.post(place)
        for _ in range(rows):
            with state.lock:
                number = len(state.world.own) + 1
                while state.world.find(post_id := f"post_f{number:09x}") is not None:
                    number += 1
                new = {**first, "id": post_id}
                state.change(lambda world, new=new: world.with_post(new))  # type: ignore[misc]


def _delete(state: State, requested: RequestedPage, rows: int) -> None:
    for post in _read_already(state, requested, rows):
        state.change(lambda world, post=post: world.without_post(post["id"]))  # type: ignore[misc]


def _edit(state: State, requested: RequestedPage, rows: int) -> None:
    for post in _read_already(state, requested, rows):
        new = {**post, "content": f"{post['content'] or ''} (edited)"}
        state.change(lambda world, new=new: world.with_post(new))  # type: ignore[misc]


_CHANGES: dict[str, Callable[[State, RequestedPage, int], None]] = {
    "insert": _insert,
    "delete": _delete,
    "edit": _edit,
}


def change_page(answer: Answer, request: ApiRequest, active: ActiveFaults) -> Answer:
    faults = [fault for fault in active.of("list") if fault.kind in _PAGE_CHANGES]
    if active.page is None or not faults:
        return answer
    body = json.loads(answer.body)
    headers = dict(answer.headers)
    for fault in faults:
        _PAGE_CHANGES[fault.kind](body, headers, request, active.page, fault)
    return answer._replace(body=dumps(body), headers=tuple(headers.items()))


def _repeat(
    body: Json, headers: dict[str, str], request: ApiRequest, requested: RequestedPage, fault: Fault
) -> None:
    """Name this page or the previous one as the next page, even on the last page."""
    start = max(requested.start - requested.limit, 0) if fault.kind == "back" else requested.start
    page = start // requested.limit + 1
    address = f"{request.address}?{urlencode({**request.args, 'page': page})}"
    if request.paging == "cursor":
        body["pagination"]["nextCursor"] = cursor_at(start)
        if "hasMore" in body["pagination"]:
            body["pagination"]["hasMore"] = True
    elif request.paging == "next_url":
        body["links"]["next"] = address
    elif request.paging == "link":
        headers["Link"] = f'<{address}>; rel="next"'
    elif request.end_sign == "next_page":
        body["pagination"]["nextPage"] = page


def _next_host(
    body: Json, headers: dict[str, str], request: ApiRequest, _: RequestedPage, fault: Fault
) -> None:
    there = _on_other_host(request.root, fault)
    if request.paging == "next_url" and body["links"]["next"]:
        body["links"]["next"] = body["links"]["next"].replace(request.root, there, 1)
    elif request.paging == "link":
        headers["Link"] = headers["Link"].replace(f"<{request.root}/", f"<{there}/")


def _duplicate(
    body: Json, _h: dict[str, str], _a: ApiRequest, _s: RequestedPage, fault: Fault
) -> None:
    body["posts"] += body["posts"][: fault.option("rows")]


def _total(
    body: Json, _h: dict[str, str], _a: ApiRequest, requested: RequestedPage, fault: Fault
) -> None:
    page = body.get("pagination", {})
    if "total" in page:
        page["total"] = max(page["total"] + fault.option("by"), 0)
    if "pages" in page:
        page["pages"] = -(-page["total"] // requested.limit)


_PAGE_CHANGES: dict[
    str, Callable[[Json, dict[str, str], ApiRequest, RequestedPage, Fault], None]
] = {
    "repeat": _repeat,
    "back": _repeat,
    "next_host": _next_host,
    "duplicate": _duplicate,
    "total": _total,
}


def change_body(answer: Answer, active: ActiveFaults, now: float) -> Answer:
    """Break the bytes of a complete response, or its date."""
    for fault in active.of("body"):
        if fault.kind == "date":
            date = http_date(now + fault.option("by"))
            answer = answer._replace(headers=(*answer.headers, ("Date", date)))
        else:
            answer = _change_bytes(answer, _BODY_CHANGES[fault.kind])
    return answer


def _change_bytes(answer: Answer, change: Callable[[bytes], bytes]) -> Answer:
    """Change the JSON inside the compression."""
    if not answer.body:
        return answer  # a 304 has no body
    if ("Content-Encoding", "gzip") in answer.headers:
        return answer._replace(body=gzip.compress(change(gzip.decompress(answer.body)), mtime=0))
    return answer._replace(body=change(answer.body))


def _break_utf8(body: bytes) -> bytes:
    # Change the first string value; without one, the first name.
    quote = b':"' if b':"' in body else b'"'
    return body.replace(quote, quote + b"caf\xe9 ", 1)


_BODY_CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda body: body[: len(body) // 2],
    "utf8": _break_utf8,
}
