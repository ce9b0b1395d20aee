"""What answers where."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from socialframe.sandbox import (
    answers,
    connect,
    consent,
    hooks,
    media,
    numbers,
    openapi,
    watch,
    writing,
)
from socialframe.sandbox.asking import ApiError

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from socialframe.sandbox.answers import Routes
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


def matched(request: Request) -> tuple[str, dict[str, str]]:
    """Find the route of a request, empty where there is none."""
    try:
        (route,), parts = _ADAPTER.match(request.path, request.method)
    except HTTPException:
        # Neither the path nor, on a known path, the method: the API documents no 405.
        return "", {}
    return route, dict(parts)


def nowhere(_ask: Ask) -> NoReturn:
    """Answer a request that no part of the sandbox knows."""
    raise ApiError(404, "NOT_FOUND", "Not found")
