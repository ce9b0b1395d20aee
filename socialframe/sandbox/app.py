"""The application: who may ask, how often, and what is answered."""

from __future__ import annotations

import hmac
import logging
import secrets
import string
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import parse_qsl, unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from socialframe.errors import ArgumentError
from socialframe.sandbox import answers, numbers
from socialframe.sandbox.asking import ApiError, Ask
from socialframe.sandbox.families import end_sign_of
from socialframe.sandbox.limits import SlidingWindow
from socialframe.sandbox.serve import serve
from socialframe.sandbox.world import the_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from wsgiref.types import StartResponse, WSGIEnvironment

    from socialframe.sandbox.answers import Answer
    from socialframe.sandbox.asking import EndSign, PagingFamily
    from socialframe.sandbox.limits import Verdict

log = logging.getLogger(__name__)

CALLS_A_MINUTE = {"free": 60, "paid": 600}
KEPT_REQUESTS = 10_000

ROUTES: dict[str, Callable[[Ask], Answer]] = {
    "/v1/accounts": answers.accounts,
    "/v1/accounts/health": answers.health,
    "/v1/accounts/follower-stats": numbers.follower_stats,
    "/v1/posts": answers.posts,
    "/v1/posts/<post_id>": answers.post,
    "/v1/analytics": numbers.analytics,
}
_PATHS = Map([Rule(path, endpoint=path, methods=["GET"]) for path in ROUTES], merge_slashes=False)
# Bound to a fixed name, because the Host header of a request must not decide what is found.
_ADAPTER = _PATHS.bind("sandbox.invalid")


class Asked(NamedTuple):
    """One request that a sandbox saw; nothing of its headers.

    Parameters
    ----------
    method
        Its method.
    path
        Its path, decoded.
    query
        Its query string, as sent.
    status
        The status of the answer.

    Examples
    --------
    >>> Asked("GET", "/v1/posts", "page=2", 200).status
    200
    """

    method: str
    path: str
    query: str
    status: int


class Sandbox:
    """The API over made-up people: a WSGI application that can also be served on loopback.

    Parameters
    ----------
    tier
        ``"free"`` answers 60 calls a minute, ``"paid"`` 600.
    paging
        How a list is walked, one of `PAGINGS`: by ``"page"``, ``"offset"`` or ``"cursor"``, by the
        address in ``"next_url"`` or in the ``"link"`` header, by ``"after_id"``, or with
        ``"none"`` not at all. Parameters of other families are ignored.
    end_sign
        How lists say that they end, one of ``PAGINGS[paging]``, as ``"pages"`` (with ``total`` and
        ``pages``) or ``"hasMore"``; None takes the first of them.
    key
        The only key that is let in; by default a new random one.
    rate_limit_headers
        Whether answers carry ``X-RateLimit-Limit``, ``-Remaining`` and ``-Reset``.
    clock
        Seconds that never run backwards, for the limit.
    wall
        Unix time, for ``X-RateLimit-Reset``.

    Raises
    ------
    ArgumentError
        If ``tier`` or ``paging`` is another word, or ``end_sign`` does not go with ``paging``.
    FileError
        If the package came without its data.

    Examples
    --------
    >>> from werkzeug.test import Client
    >>> sandbox = Sandbox(key="sk_demo")
    >>> headers = {"Authorization": f"Bearer {sandbox.key}"}
    >>> reply = Client(sandbox).get("/v1/posts?limit=3", headers=headers)
    >>> reply.status_code, len(reply.json["posts"]), reply.json["pagination"]["total"]
    (200, 3, 5400)
    >>> sandbox.requests
    [Asked(method='GET', path='/v1/posts', query='limit=3', status=200)]
    """

    def __init__(
        self,
        *,
        tier: Literal["free", "paid"] = "paid",
        paging: PagingFamily = "page",
        end_sign: EndSign | None = None,
        key: str | None = None,
        rate_limit_headers: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        if tier not in CALLS_A_MINUTE:
            raise ArgumentError(f"tier takes 'free' or 'paid', not {tier!r}.")
        self.key = key or _new_key()
        self.tier = tier
        self.paging: PagingFamily = paging
        self.end_sign: EndSign = end_sign_of(paging, end_sign)
        self._show_limit = rate_limit_headers
        self._wall = wall
        self._window = SlidingWindow(CALLS_A_MINUTE[tier], 60.0, clock)
        self._world = the_world()
        self._asked: deque[Asked] = deque(maxlen=KEPT_REQUESTS)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        paging = "" if self.paging == "page" else f"paging={self.paging!r}, "
        return f"Sandbox(tier={self.tier!r}, {paging}end_sign={self.end_sign!r})"

    @property
    def requests(self) -> list[Asked]:
        """The last 10,000 requests, oldest first; a new list each time.

        Returns
        -------
        list of Asked
            Method, path, query and status of each.

        Examples
        --------
        >>> Sandbox().requests
        []
        """
        with self._lock:
            return list(self._asked)

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request.

        Parameters
        ----------
        environ, start_response
            As WSGI has them.

        Returns
        -------
        iterable of bytes
            The body.

        Examples
        --------
        >>> from werkzeug.test import Client
        >>> Client(Sandbox().wsgi).get("/v1/posts").json
        {'error': 'Missing API key', 'code': 'AUTH_MISSING_KEY'}
        """
        request = Request(_as_wsgi_has_it(environ))
        headers = {"X-Sandbox": "made-up data"}
        try:
            self._check_key(request)
            self._count(headers)
            answer = self._route(request)
            status, body = 200, answer.body
            headers.update(answer.headers)
        except ApiError as error:
            status, body = error.status, answers.dumps(error.body())
        except Exception:
            # Whatever went wrong is for the log; the asker learns what the real service tells.
            log.exception("The sandbox could not answer")
            fault = ApiError(500, "INTERNAL_ERROR", "Internal server error")
            status, body = fault.status, answers.dumps(fault.body())
        self._remember(request, status)
        response = Response(body, status, headers, content_type="application/json")
        return response(environ, start_response)

    __call__ = wsgi

    def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> AbstractContextManager[str]:
        """Serve on loopback until the context ends.

        Parameters
        ----------
        host
            A loopback address.
        port
            A port, or 0 for a free one.

        Returns
        -------
        context manager
            Yields the base URL, such as ``http://127.0.0.1:49152``.

        Raises
        ------
        ArgumentError
            On entering, if the host is not loopback.
        OSError
            On entering, if the port is taken.

        Examples
        --------
        >>> with Sandbox().serve() as base_url:
        ...     base_url.startswith("http://127.0.0.1:")
        True
        """
        return serve(self.wsgi, host=host, port=port)

    def _check_key(self, request: Request) -> None:
        sent = request.environ.get("HTTP_AUTHORIZATION")
        if sent is None:
            raise ApiError(401, "AUTH_MISSING_KEY", "Missing API key")
        scheme, _, key = sent.partition(" ")
        # WSGI hands over header bytes as Latin-1 text. The comparison takes the same time for
        # every wrong key.
        same = hmac.compare_digest(key.encode("latin-1", "replace"), self.key.encode())
        if scheme.lower() != "bearer" or not same:
            raise ApiError(401, "AUTH_INVALID_KEY", "Invalid API key")

    def _count(self, headers: dict[str, str]) -> None:
        verdict = self._window.arrive()
        if self._show_limit:
            headers.update(self._limit_headers(verdict))
        if not verdict.allowed:
            headers["Retry-After"] = str(verdict.retry_after)
            raise ApiError(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded")

    def _limit_headers(self, verdict: Verdict) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(verdict.limit),
            "X-RateLimit-Remaining": str(verdict.remaining),
            # When the next slot comes free: a sliding window has no other moment to name.
            "X-RateLimit-Reset": str(int(self._wall()) + verdict.retry_after),
        }

    def _route(self, request: Request) -> Answer:
        try:
            rule, parts = _ADAPTER.match(request.path, request.method)
        except HTTPException:
            # Neither the path nor, on a known path, the method: the API documents no 405.
            raise ApiError(404, "NOT_FOUND", "Not found") from None
        # Werkzeug's own parser refuses bytes that are not UTF-8; a query is not worth a 500.
        pairs = parse_qsl(request.query_string.decode(errors="replace"), keep_blank_values=True)
        args: dict[str, str] = {}
        for name, value in pairs:
            args.setdefault(name, value)
        address = request.base_url
        return ROUTES[rule](Ask(self._world, args, parts, self.end_sign, self.paging, address))

    def _remember(self, request: Request, status: int) -> None:
        path, query = request.path, request.query_string.decode("ascii", "replace")
        # Somebody may have put the key where it does not belong.
        if self.key in path:
            path = "[withheld]"
        if self.key in unquote(query):
            query = "[withheld]"
        with self._lock:
            self._asked.append(Asked(request.method, path, query, status))


def _as_wsgi_has_it(environ: WSGIEnvironment) -> WSGIEnvironment:
    """Repair text that is not bytes in Latin-1 clothes, as PEP 3333 wants it.

    ``httpx.WSGITransport`` hands over the path as plain text, which Werkzeug refuses to read.
    """
    repaired = {
        name: environ.get(name, "").encode().decode("latin-1")
        for name in ("PATH_INFO", "QUERY_STRING")
        if max(environ.get(name, ""), default="") > "\xff"
    }
    return {**environ, **repaired}


def _new_key() -> str:
    letters = string.ascii_lowercase + string.digits
    return "sk_" + "".join(secrets.choice(letters) for _ in range(30))
