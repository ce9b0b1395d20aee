"""What answers where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from socialframe.sandbox import openapi
from socialframe.sandbox.api import analytics as numbers
from socialframe.sandbox.api import answers, connect
from socialframe.sandbox.api.request import ApiError
from socialframe.sandbox.pages import consent
from socialframe.sandbox.pages import status as watch
from socialframe.sandbox.publishing import posts as writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from socialframe.sandbox.api.answers import Answer, Routes
    from socialframe.sandbox.api.request import ApiRequest

#: What needs the key, and counts against the limit.
ROUTES: Routes = {
    **answers.ROUTES,
    **connect.ROUTES,
    **numbers.ROUTES,
    **writing.ROUTES,
}
#: What needs no key: pages for people, and what is no part of the API.
OPEN: Routes = {**consent.OPEN, **openapi.OPEN, **watch.OPEN}

_PATHS = Map(
    [Rule(path, endpoint=(path,), methods=[method]) for method, path in {**ROUTES, **OPEN}],
    merge_slashes=False,
)
# Bound to a fixed name, because the Host header of a request must not decide what is found.
_ADAPTER = _PATHS.bind("sandbox.invalid")


def match_route(request: Request) -> tuple[tuple[str, str], dict[str, str]]:
    """Find the method and the route of a request, and the variable parts of its path.

    HEAD is a GET whose body is left out by whoever sends the answer. Where there is no route the
    both are empty; ``allow`` then tells which methods the path takes, if any.
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
    """Give what answers there."""
    return OPEN.get(way) or ROUTES.get(way, _not_found)


def _not_found(request: ApiRequest) -> Answer:
    """Answer a request that no part of the sandbox knows.

    No page documents a wrong method: the sandbox takes the status that HTTP has for it, with a
    code of its own.
    """
    allow = request.path.get("allow")
    if allow is None:
        raise ApiError(404, "NOT_FOUND", "Not found")
    raise ApiError(405, "METHOD_NOT_ALLOWED", f"This path takes {allow}", (("Allow", allow),))
