"""The routes of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from socialframe.sandbox.api import accounts, analytics, connect, openapi, posts
from socialframe.sandbox.api.request import ApiError, ApiRequest
from socialframe.sandbox.pages import consent, status
from socialframe.sandbox.publishing import posts as publishing

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from socialframe.sandbox.api.answers import Answer, Routes

#: Routes that need the key and count against the rate limit.
ROUTES: Routes = {
    **accounts.ROUTES,
    **posts.ROUTES,
    **connect.ROUTES,
    **analytics.ROUTES,
    **publishing.ROUTES,
}
#: Routes that need no key: HTML pages and the OpenAPI document.
OPEN: Routes = {**consent.OPEN, **openapi.OPEN, **status.OPEN}

_PATHS = Map(
    [Rule(path, endpoint=(path,), methods=[method]) for method, path in {**ROUTES, **OPEN}],
    merge_slashes=False,
)
# Bound to a fixed name, because the Host header of a request must not affect the match.
_ADAPTER = _PATHS.bind("sandbox.invalid")


def match_route(request: Request) -> tuple[tuple[str, str], dict[str, str]]:
    """Return method and route of a request, and the variable parts of its path.

    HEAD is a GET without the body. Without a match the route is empty; ``allow`` then names the
    methods of the path, if any.
    """
    method = "GET" if request.method == "HEAD" else request.method
    try:
        (route,), parts = _ADAPTER.match(request.path, method)
    except MethodNotAllowed as error:
        return ("", ""), {"allow": ", ".join(sorted(error.valid_methods or ()))}
    except HTTPException:
        return ("", ""), {}
    return (method, route), dict(parts)


def find_handler(way: tuple[str, str]) -> Callable[[ApiRequest], Answer]:
    return OPEN.get(way) or ROUTES.get(way, _not_found)


def _not_found(request: ApiRequest) -> Answer:
    """Refuse an unknown path with 404, and a wrong method with 405, which is not documented."""
    allow = request.path.get("allow")
    if allow is None:
        raise ApiError(404, "NOT_FOUND", "Not found")
    raise ApiError(405, "METHOD_NOT_ALLOWED", f"This path takes {allow}", (("Allow", allow),))
