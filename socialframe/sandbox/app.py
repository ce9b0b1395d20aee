"""The sandbox as a WSGI application."""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from werkzeug.wrappers import Request, Response

from socialframe.errors import ArgumentError
from socialframe.sandbox.api.answers import Answer, error_answer
from socialframe.sandbox.api.auth import CALLS_A_WINDOW, Authenticator, check_key, new_key
from socialframe.sandbox.api.rate_limit import LIMITERS
from socialframe.sandbox.api.request import (
    ApiError,
    ApiRequest,
    Headers,
    check_host,
    drain_body,
    invalid,
    read_body,
    repair_wsgi_text,
)
from socialframe.sandbox.api.request_log import Asked, RequestLog, make_record
from socialframe.sandbox.api.routes import OPEN, find_handler, match_route
from socialframe.sandbox.api.variants import apply_variants, undo_variants, undo_variants_in_body
from socialframe.sandbox.faults.apply import answer_instead, change_body, change_page, change_world
from socialframe.sandbox.faults.connection import PLAY, FaultyProxy, Play, write_script
from socialframe.sandbox.faults.latency import response_delay, server_closing, sleep_while_serving
from socialframe.sandbox.faults.plan import ActiveFaults, FaultPlan, find_page
from socialframe.sandbox.faults.scenarios import scenario_arguments
from socialframe.sandbox.pages import status as status_page
from socialframe.sandbox.publishing.publish import publish_due, publish_in_background
from socialframe.sandbox.serve import check_loopback, check_port, serve
from socialframe.sandbox.state import State
from socialframe.sandbox.switches import LISTS, make_switches
from socialframe.sandbox.world.large import large_world
from socialframe.sandbox.world.next_day import next_day
from socialframe.sandbox.world.world import the_world

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from socialframe.sandbox.faults.faults import Fault

log = logging.getLogger(__name__)


class Sandbox:
    """The API with made-up people, as a WSGI application.

    Parameters
    ----------
    tier
        ``"free"`` allows 60 requests a minute, ``"paid"`` 600.
    key
        The only valid key; by default a random one.
    clock
        Monotonic seconds, for the rate limit.
    wall
        Unix time, for timestamps of new posts and connections.
    sleep
        Function that sleeps; by default, a sleep ends when `serve` ends.
    posts
        Number of generated posts; by default the built-in 5,400.
    faults
        Faults to inject; they can be set again at any time.
    log
        A file to which each request is appended as a line of JSON, with the fields of `requests`.
    seed
        Seed of everything random.
    **choices
        The fields of ``Switches``: ``paging="cursor"``, ``end_sign="empty"``, and so on.

    Raises
    ------
    ArgumentError
        If an argument is invalid.
    FileError
        If the data is missing, or the log cannot be written.

    Examples
    --------
    >>> from werkzeug.test import Client
    >>> sandbox = Sandbox(key="sk_demo")
    >>> headers = {"Authorization": f"Bearer {sandbox.key}"}
    >>> reply = Client(sandbox).get("/v1/posts?limit=3", headers=headers)
    >>> reply.status_code, len(reply.json["posts"]), reply.json["pagination"]["total"]
    (200, 3, 5400)
    >>> sandbox.requests[-1].path, sandbox.requests[-1].query, sandbox.requests[-1].key
    ('/v1/posts', 'limit=3', 'right')
    """

    def __init__(
        self,
        *,
        tier: Literal["free", "paid"] = "paid",
        key: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = sleep_while_serving,
        posts: int | None = None,
        faults: Iterable[Fault] = (),
        log: str | os.PathLike[str] | None = None,
        seed: int = 0,
        **choices: Any,  # noqa: ANN401 - the fields of Switches
    ) -> None:
        if tier not in tuple(CALLS_A_WINDOW):
            raise ArgumentError(f"tier must be 'free' or 'paid'; got {tier!r}.")
        self.tier, self.name = tier, secrets.token_hex(4)  # name is unique among sandboxes
        self.seed = seed
        self.switches = make_switches(choices)
        self._size = {} if posts is None else {"posts": posts}
        world = the_world() if posts is None else large_world(posts, seed)
        self.switches.check_size(len(world.initial))
        self.state = State(world, wall=wall, sleep=sleep)
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        make_limiter = LIMITERS[self.switches.window]
        limiter = make_limiter(CALLS_A_WINDOW[tier], self.switches.window_seconds, clock)
        self._auth = Authenticator(
            new_key() if key is None else check_key(key), limiter, self.switches, wall
        )
        self._arrivals = itertools.count()
        self._requests = self.state.part(RequestLog)
        if log is not None:
            self._requests.write_to(log)
        source = self.state.part(status_page.StatusSource)
        source.tier, source.peek = tier, functools.partial(limiter.arrive, count=False)
        self.faults = faults

    @classmethod
    def scenario(cls, name: str, **more: Any) -> Self:  # noqa: ANN401 - arguments of the class
        """Return a sandbox that plays one of `SCENARIOS`; more arguments override its own.

        Examples
        --------
        >>> Sandbox.scenario("flaky-evening").faults[0]
        Fault('status:503,body=html@share=0.08')
        """
        return cls(**{**scenario_arguments(name), **more})

    @property
    def key(self) -> str:
        """The only valid key. Setting it makes the previous key invalid."""
        return self._auth.key

    @key.setter
    def key(self, key: str) -> None:
        self._auth.key = check_key(key)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults to inject. Setting them restarts the request count and ends a revocation."""
        return self._plan.faults

    @faults.setter
    def faults(self, faults: Iterable[Fault]) -> None:
        self._plan = FaultPlan(faults, self.seed, self.switches)
        self._auth.revoke(ends=True)

    def __repr__(self) -> str:
        changed = {"tier": self.tier, **self._size, **self.switches.changed()}
        return f"Sandbox({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    @property
    def requests(self) -> list[Asked]:
        """The last 10,000 requests, oldest first; a new list each time.

        Returns
        -------
        list of Asked
            The records.

        Examples
        --------
        >>> Sandbox().requests
        []
        """
        return self._requests.last()

    def move_on(self, days: int = 1) -> None:
        """Let days pass in the world: posts come out, numbers grow, drafts change and vanish.

        Parameters
        ----------
        days
            Number of days.

        Raises
        ------
        ArgumentError
            If it is not an integer from 1.

        Examples
        --------
        >>> sandbox = Sandbox()
        >>> sandbox.move_on(days=2)
        """
        if type(days) is not int or days < 1:
            raise ArgumentError(f"days must be an integer from 1; got {days!r}.")
        for _ in range(days):
            self.state.change(next_day)

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(repair_wsgi_text(environ))
        began, came = self._clock(), self._wall()
        answer, active = self._answer(request)
        drain_body(request.environ)
        fault = active.first("wire")
        play: Play | None = environ.get(PLAY)
        if fault and not play:
            text = f"The fault {fault.kind!r} needs a connection. Use Sandbox.serve()."
            answer = error_answer(invalid(text))
        self._requests.add(
            make_record(request, self.key, came)._replace(
                status=answer.status,
                seconds=round(self._clock() - began, 6),
                bytes=0 if request.method == "HEAD" else len(answer.body),
                fault=", ".join(map(str, active.faults)) or None,
            )
        )
        headers = {"X-Sandbox": "made-up data", **dict(answer.headers)}
        response = Response(answer.body, answer.status, headers, content_type=answer.content_type)
        if fault and play:
            play(write_script(fault, response, environ))
            start_response("200 OK", [("Content-Length", "0")])  # dropped by the proxy
            return []
        return response(environ, start_response)

    __call__ = wsgi

    @contextlib.contextmanager
    def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
        """Serve on loopback until the context ends.

        While it serves, scheduled posts are published on time; otherwise at the next request.

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
        at = check_loopback(host), check_port(port)

        def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            server_closing.set(proxy.closing)
            seen = {
                "SERVER_NAME": proxy.address[0],
                "SERVER_PORT": str(proxy.address[1]),
                PLAY: proxy.player(int(environ["REMOTE_PORT"])),
            }
            return self.wsgi({**environ, **seen}, start_response)

        with serve(app, host=host) as inner:
            parts = urlsplit(inner)
            server = parts.hostname or "", parts.port or 0
            with FaultyProxy(at, server) as proxy, publish_in_background(self.state):
                yield f"http://{proxy.address[0]}:{proxy.address[1]}"

    def _answer(self, request: Request) -> tuple[Answer, ActiveFaults]:
        """Return the response and the faults that hit the request; never raises."""
        active = ActiveFaults()
        try:
            publish_due(self.state)
            route, parts = match_route(request)
            active = self._plan.activate(
                request.path,
                lambda: find_page(find_handler(route), self._read(request, route, parts)),
                numbered=route not in OPEN,
            )
            if any(fault.kind == "revoke" for fault in active.faults):
                self._auth.revoke()
            replaced = answer_instead(active, request, self.switches, self._wall())
            answer = replaced or self._call_api(request, route, parts, active)
            if route not in OPEN:
                if seconds := response_delay(self.switches, self.seed, next(self._arrivals)):
                    self._sleep(seconds)
                answer = replaced or apply_variants(answer, request, self.switches)
            return replaced or change_body(answer, active, self._wall()), active
        except Exception:
            # The details are for the log; the client gets the documented error.
            log.exception("The sandbox could not answer")
            return error_answer(ApiError(500, "INTERNAL_ERROR", "Internal server error")), active

    def _call_api(
        self, request: Request, route: tuple[str, str], parts: dict[str, str], active: ActiveFaults
    ) -> Answer:
        """Return the response of the API, or an HTML page."""
        limits: Headers = ()
        try:
            if route not in status_page.OPEN:  # which checks the host itself
                check_host(request.environ)
            if route not in OPEN:
                limits = self._auth.enter(request)
            change_world(active, self.state)
            api_request = self._read(request, route, parts)
            answer = find_handler(route)(api_request)
            answer = change_page(answer, api_request, active)
        except ApiError as error:
            answer = error_answer(error)
        return answer._replace(headers=(*limits, *answer.headers))

    def _read(self, request: Request, route: tuple[str, str], parts: dict[str, str]) -> ApiRequest:
        # Werkzeug's own parser raises on bytes that are not UTF-8.
        pairs = parse_qsl(request.query_string.decode(errors="replace"), keep_blank_values=True)
        args: dict[str, str] = {}
        for name, value in pairs:
            args.setdefault(name, value)
        args, parts = undo_variants(args, parts, self.switches)
        method, path = route
        part = path.rpartition("/")[2]
        list_name = part if part in LISTS else LISTS[0]
        return ApiRequest(
            state=self.state,
            switches=self.switches,
            world=self.state.world,
            args=args,
            path=parts,
            end_sign=self.switches.end_sign_for(list_name),
            paging=self.switches.paging_for(list_name),
            address=request.base_url,
            body=b""
            if method == "GET"
            else undo_variants_in_body(read_body(request), self.switches),
            key=self.key,
            is_list=method == "GET" and part in LISTS,
            is_local=status_page.is_local(request.environ),
        )
