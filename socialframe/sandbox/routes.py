"""What answers where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule

from socialframe.sandbox import (
    answers,
    connect,
    consent,
    hooks,
    media,
    numbers,
    watch,
    writing,
)
from socialframe.sandbox.answers import refused
from socialframe.sandbox.api import openapi
from socialframe.sandbox.asking import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from socialframe.sandbox.answers import Answer, Routes
    from socialframe.sandbox.asking import Ask

#: What needs the key, and counts against the limit.
ROUTES: Routes = {
    **answers.ROUTES,
    **connect.ROUTES,
    **media.ROUTES,
    **numbers.ROUTES,
    **writing.ROUTES,
    **hooks.ROUTES,
}
#: What needs no key: pages for people, and what is no part of the API.
OPEN: Routes = {**consent.OPEN, **openapi.OPEN, **watch.OPEN}

_PATHS = Map(
    [Rule(path, endpoint=(path,), methods=[method]) for method, path in {**ROUTES, **OPEN}],
    merge_slashes=False,
)
# Bound to a fixed name, because the Host header of a request must not decide what is found.
_ADAPTER = _PATHS.bind("sandbox.invalid")


def matched(request: Request) -> tuple[tuple[str, str], dict[str, str]]:
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


def handler_of(way: tuple[str, str]) -> Callable[[Ask], Answer]:
    """Give what answers there."""
    return OPEN.get(way) or ROUTES.get(way, _nowhere)


def _nowhere(ask: Ask) -> Answer:
    """Answer a request that no part of the sandbox knows.

    No page documents a wrong method: the sandbox takes the status that HTTP has for it, with a
    code of its own.
    """
    allow = ask.path.get("allow")
    if allow is None:
        raise ApiError(404, "NOT_FOUND", "Not found")
    error = ApiError(405, "METHOD_NOT_ALLOWED", f"This path takes {allow}")
    return refused(error, (("Allow", allow),))
