"""The application: who may ask, how often, and what is answered."""

from __future__ import annotations

import contextlib
import hmac
import itertools
import logging
import secrets
import string
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Literal, NamedTuple, Unpack
from urllib.parse import parse_qsl, unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from socialframe.errors import ArgumentError
from socialframe.sandbox import answers, connect, consent, hooks, media, numbers, writing
from socialframe.sandbox.answers import Answer, refused
from socialframe.sandbox.asking import ApiError, Ask
from socialframe.sandbox.dress import dressed, heard, heard_body
from socialframe.sandbox.flows import withheld
from socialframe.sandbox.grown import grown_world
from socialframe.sandbox.limits import limit_headers, limiter
from socialframe.sandbox.pace import pause
from socialframe.sandbox.publishing import settle
from socialframe.sandbox.serve import serve
from socialframe.sandbox.state import State
from socialframe.sandbox.switches import LISTS, Switches
from socialframe.sandbox.world import the_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from socialframe.sandbox.answers import Routes
    from socialframe.sandbox.families import Headers
    from socialframe.sandbox.switches import Choices

log = logging.getLogger(__name__)

CALLS_A_WINDOW = {"free": 60, "paid": 600}
KEPT_REQUESTS = 10_000
MOST_AT_ONCE = 100_000

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
OPEN: Routes = {**consent.OPEN}

_PATHS = Map(
    [Rule(path, endpoint=(path,), methods=[method]) for method, path in {**ROUTES, **OPEN}],
    merge_slashes=False,
)
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
    key
        The only key that is let in; by default a new random one.
    clock
        Seconds that never run backwards, for the limit.
    wall
        Unix time, for whatever happens from now on.
    sleep
        Waits so many seconds, where a switch makes answers slow.
    posts
        How many posts there are, made when they are asked for; by default the small world's own.
    seed
        What is made or happens at random follows from it, and is the same for the same seed.
    **choices
        What the documentation leaves open, as the fields of ``Switches``: ``paging="cursor"``,
        ``end_sign="empty"``, ``rate_limit_headers=True``, and so on.

    Raises
    ------
    ArgumentError
        If an argument cannot be meant.
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
        key: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        posts: int | None = None,
        seed: int = 0,
        **choices: Unpack[Choices],
    ) -> None:
        if tier not in CALLS_A_WINDOW:
            raise ArgumentError(f"tier takes 'free' or 'paid', not {tier!r}.")
        self.key = key or _new_key()
        self.tier = tier
        self.seed = seed
        self.switches = Switches(**_known(choices))
        self._size = {} if posts is None else {"posts": posts}
        world = the_world() if posts is None else grown_world(posts, seed)
        at_once = "none" in {self.switches.paging_for(name) for name in LISTS}
        if at_once and len(world.shelf) > MOST_AT_ONCE:
            raise ArgumentError(
                f"paging='none' sends all posts in one answer: posts takes at most "
                f"{MOST_AT_ONCE:,} with it, not {posts!r}."
            )
        self.state = State(world, wall=wall, sleep=sleep)
        self.state.part(hooks.Hooks).listen(self.state, self.switches)
        self._wall = wall
        self._sleep = sleep
        self._window = limiter(self.switches, CALLS_A_WINDOW[tier], clock)
        self._arrivals = itertools.count()
        self._asked: deque[Asked] = deque(maxlen=KEPT_REQUESTS)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        changed = {"tier": self.tier, **self._size, **self.switches.changed()}
        return f"Sandbox({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

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
        answer = self._answer(request)
        self._remember(request, answer.status)
        headers = {"X-Sandbox": "made-up data", **dict(answer.headers)}
        response = Response(answer.body, answer.status, headers, content_type=answer.content_type)
        return response(environ, start_response)

    __call__ = wsgi

    def uploads(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request to the store of uploaded bytes, which has no key.

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
        Without `serve`, upload URLs name a host that only this process can reach::

            mounts = {UPLOADS: httpx.WSGITransport(app=sandbox.uploads)}

        >>> from werkzeug.test import Client
        >>> Client(Sandbox().uploads).put("/up/nothing.png").status
        '403 FORBIDDEN'
        """
        return media.store(self.state, environ)(environ, start_response)

    @contextlib.contextmanager
    def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
        """Serve on loopback until the context ends; uploads on another free port.

        Parameters
        ----------
        host
            A loopback address.
        port
            A port, or 0 for a free one.

        Yields
        ------
        str
            The base URL, such as ``http://127.0.0.1:49152``.

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
        with (
            serve(self.uploads, host=host, threads=4, largest_body=0) as uploads,
            self.state.part(media.Media).at(uploads),
            serve(self.wsgi, host=host, port=port) as base_url,
        ):
            yield base_url

    def _answer(self, request: Request) -> Answer:
        """Find what is answered; never an exception."""
        limits: Headers = ()
        try:
            settle(self.state)
            route, parts = _matched(request)
            if (request.method, route) in OPEN:
                return OPEN[request.method, route](self._ask(request, route, parts))
            self._check_key(request)
            limits = self._count()
            answer = ROUTES.get((request.method, route), _nowhere)(self._ask(request, route, parts))
        except ApiError as error:
            answer = refused(error, limits)
        except _Limited as error:
            answer = refused(error.error, error.headers)
        except Exception:
            # Whatever went wrong is for the log; the asker learns what the real service tells.
            log.exception("The sandbox could not answer")
            answer = refused(ApiError(500, "INTERNAL_ERROR", "Internal server error"), limits)
        else:
            answer = answer._replace(headers=(*limits, *answer.headers))
        if seconds := pause(self.switches, self.seed, next(self._arrivals)):
            self._sleep(seconds)
        return dressed(answer, request, self.switches)

    def _ask(self, request: Request, route: str, parts: dict[str, str]) -> Ask:
        # Werkzeug's own parser refuses bytes that are not UTF-8; a query is not worth a 500.
        pairs = parse_qsl(request.query_string.decode(errors="replace"), keep_blank_values=True)
        args: dict[str, str] = {}
        for name, value in pairs:
            args.setdefault(name, value)
        args, parts = heard(args, parts, self.switches)
        part = route.rpartition("/")[2]
        listed = part if part in LISTS else LISTS[0]
        return Ask(
            self.state.world,
            args,
            parts,
            end_sign=self.switches.end_sign_for(listed),
            paging=self.switches.paging_for(listed),
            address=request.base_url,
            state=self.state,
            switches=self.switches,
            body=b""
            if request.method in {"GET", "HEAD"}
            else heard_body(request.get_data(), self.switches),
            content_type=request.mimetype,
            key=self.key,
        )

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

    def _count(self) -> Headers:
        """Count a call against the limit, and give the headers that tell of it."""
        verdict = self._window.arrive()
        headers = limit_headers(verdict, self.switches, self._wall())
        if not verdict.allowed:
            raise _Limited(ApiError(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded"), headers)
        return headers

    def _remember(self, request: Request, status: int) -> None:
        path, query = request.path, request.query_string.decode("ascii", "replace")
        # Somebody may have put the key where it does not belong.
        if self.key in path:
            path = "[withheld]"
        if self.key in unquote(query):
            query = "[withheld]"
        query = withheld(query)
        with self._lock:
            self._asked.append(Asked(request.method, path, query, status))


class _Limited(Exception):  # noqa: N818 - an answer, not a fault
    """A call above the limit, with the headers of its answer."""

    def __init__(self, error: ApiError, headers: Headers) -> None:
        super().__init__(str(error))
        self.error = error
        self.headers = headers


def _matched(request: Request) -> tuple[str, dict[str, str]]:
    """Find the route of a request, empty where there is none."""
    try:
        (route,), parts = _ADAPTER.match(request.path, request.method)
    except HTTPException:
        # Neither the path nor, on a known path, the method: the API documents no 405.
        return "", {}
    return route, dict(parts)


def _nowhere(_ask: Ask) -> Answer:
    raise ApiError(404, "NOT_FOUND", "Not found")


def _known(choices: Choices) -> Choices:
    """Refuse an argument that is none, by a sentence as of any other argument."""
    if unknown := set(choices) - set(Switches.__dataclass_fields__):
        names = ", ".join(Switches.__dataclass_fields__)
        raise ArgumentError(f"{unknown.pop()!r} is no switch of the sandbox; there are: {names}.")
    return choices


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
