"""How the OpenAPI document tells of pages: as the switches of a sandbox make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialframe.sandbox.api.request import LAST_PAGE
from socialframe.sandbox.openapi_fields import (
    listed,
    marked,
    or_null,
    queries,
    record,
    ref,
    text,
    whole,
)

if TYPE_CHECKING:
    from socialframe.sandbox.json_text import Json
    from socialframe.sandbox.openapi_fields import Origin
    from socialframe.sandbox.switches import Switches

# What `pagination` holds by family and end sign (families); ``?`` where it may be absent.
_PAGINATION = {
    ("page", "pages"): ("page", "limit", "total", "pages"),
    ("page", "hasMore"): ("page", "limit", "hasMore"),
    ("page", "total"): ("page", "limit", "total"),
    ("page", "next_page"): ("page", "limit", "nextPage"),
    ("offset", "total"): ("offset", "limit", "total"),
    ("offset", "hasMore"): ("offset", "limit", "hasMore"),
    ("offset", "short"): ("offset", "limit"),
    ("cursor", "null"): ("limit", "nextCursor"),
    ("cursor", "empty"): ("limit", "nextCursor"),
    ("cursor", "absent"): ("limit", "nextCursor?"),
    ("cursor", "hasMore"): ("limit", "hasMore", "nextCursor"),
}
_MEMBERS: Json = {
    "page": whole(least=1),
    "offset": whole(),
    "limit": whole(least=1),
    "total": whole("Of all pages together."),
    "pages": whole(),
    "hasMore": {"type": "boolean"},
    "nextPage": or_null(whole("Null at the end.", least=1)),
    "nextCursor": text("For `cursor`."),
    "nextCursor?": text("For `cursor`; absent at the end."),
}
_PAGE = whole(least=1, maximum=LAST_PAGE, default=1)
_STEPS: dict[str, Json] = {
    "page": {"page": _PAGE},
    "offset": {"offset": whole(maximum=LAST_PAGE, default=0)},
    "cursor": {"cursor": text("From the page before; the first page has none.")},
    "next_url": {"page": _PAGE},
    "link": {"page": _PAGE},
    "after_id": {"after": text("Id of the last post of the page before.")},
    "none": {},
}
# What the sibling's lists do not have; other APIs have it (section 10).
_INVENTED = {"after", "nextPage"}


def paging_parameters(switches: Switches, name: str, limit: int) -> list[Json]:
    """Describe the parameters that choose a page of a list; ``limit`` is the rows by default.

    Examples
    --------
    >>> from socialframe.sandbox.switches import Switches
    >>> [one["name"] for one in paging_parameters(Switches(paging="cursor"), "posts", 10)]
    ['cursor', 'limit']
    """
    family = switches.paging_for(name)
    found = {**_STEPS[family]}
    if family != "none":
        found["limit"] = whole(least=1, maximum=100, default=limit)
    return [one for step in found for one in queries(*_known(step), {step: found[step]})]


def page(switches: Switches, name: str, rows: str, fields: Json) -> Json:
    """Describe a page of a list: its rows, what is told of other pages, and more fields.

    Examples
    --------
    >>> from socialframe.sandbox.switches import Switches
    >>> page(Switches(paging="link"), "posts", "Post", {})["required"]
    ['posts']
    """
    family, sign = switches.paging_for(name), switches.end_sign_for(name)
    told: Json = {}
    if members := _PAGINATION.get((family, sign)):
        schemas = [marked(*_known(one), {one: _member(one, sign)}) for one in members]
        told = marked("sibling", "§9.2", {"pagination": record(*schemas)})
    elif family == "next_url":
        following = or_null(text("Address of the next page; null at the end."))
        links = record(marked("invented", "§10", {"next": following}))
        told = marked("invented", "§10", {"links": links})
    posts = marked("sibling", "§9.2", {"posts": listed(ref(rows))})
    return record(posts, told, marked("sibling", "§9.2", fields))


def paging_headers(switches: Switches, name: str) -> Json:
    """Describe the headers that tell of other pages.

    Examples
    --------
    >>> from socialframe.sandbox.switches import Switches
    >>> list(paging_headers(Switches(paging="link"), "posts"))
    ['Link']
    """
    if switches.paging_for(name) != "link":
        return {}
    says = 'Addresses of other pages; without `rel="next"` at the end.'
    header = {"description": says, "required": True, "schema": text()}
    return marked("invented", "§10", {"Link": header})


def _known(name: str) -> tuple[Origin, str]:
    return ("invented", "§10") if name in _INVENTED else ("sibling", "§9.2")


def _member(name: str, sign: str) -> Json:
    return or_null(_MEMBERS[name]) if (name, sign) == ("nextCursor", "null") else _MEMBERS[name]
