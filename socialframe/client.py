"""The client: settings, session and endpoints of one key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self

from socialframe.endpoint import undeclared
from socialframe.endpoints import Endpoints
from socialframe.errors import ArgumentError
from socialframe.http.budget import TIERS, Limit
from socialframe.http.shared_budget import budget_for
from socialframe.http.transport import Transport, Wiring, sandbox_wiring
from socialframe.paging.parse import parse_scheme
from socialframe.schema.columns import check_nested
from socialframe.secret import Secret, tenant
from socialframe.settings import read_settings
from socialframe.store.cache import Cache, open_store, parse_cache_argument
from socialframe.store.stored_walk import RUNNING
from socialframe.walk.plan import describe_query, whole_number
from socialframe.walk.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from socialframe.connect.connect import Choose
    from socialframe.connect.console import Console
    from socialframe.connect.requests import Account
    from socialframe.http.budget import Usage
    from socialframe.messages.call import Call, Params, Reply
    from socialframe.paging import Paging
    from socialframe.query import Query
    from socialframe.sandbox import Sandbox
    from socialframe.schema.columns import Column, Nested
    from socialframe.store.cache import CacheArgument
    from socialframe.store.stored_walk import StoredWalk

Tier = Literal["auto", "free", "paid"]
Resume = Literal["auto", False]

_SANDBOX_URL = "https://sandbox.invalid"  # never resolved: the sandbox answers in this process


class Client(Endpoints):
    """A client of the SocialSyncer API for one key. Each endpoint method returns a lazy ``Query``.

    No request is sent until you ask a query for rows. Threads may share a client. It is a context
    manager.

    Parameters
    ----------
    key : str or None
        The API key. None looks in ``SOCIALAPI_KEY``, ``.env`` and the keyring, in this order.
    base_url : str or None
        None looks in ``SOCIALAPI_BASE_URL``; the default is the service's own URL.
    tier : {"auto", "free", "paid"} or Limit
        Rate limit: free is 60 requests a minute, paid 600; auto starts with 60 and follows the
        limit that the server reports. All processes of a user share it.
    cache : bool, str, float, timedelta, path or backend
        How long complete walks are replayed: a duration (``"1 hour"``, seconds, a timedelta), or
        True for 1 hour (posts, analytics, followers) and 5 minutes (the rest). Or where they are
        stored: the path of a ``.sqlite`` file, or a backend of requests-cache; the default is a
        private file in the user's cache folder. False stores no complete walk.
    offline : bool
        Send no request: replay complete walks only, of any age.
    refresh : bool
        Ask the API even if the cache is fresh.
    stale_if_error : bool
        If the API fails, replay a complete walk of any age.
    timeout : float or (float, float)
        Seconds to connect and to wait for data. One number is the wait for data; connecting then
        times out after at most 5 s.
    max_wait : float
        Seconds that one request may wait for the rate limit and ``Retry-After`` together before
        ``RateLimitError``.
    max_requests : int or None
        Maximum number of requests of one walk, retries included; beyond it, ``MaxRequestsError`` is
        raised. None is no limit. Replayed pages do not count.
    max_empty_pages : int
        Number of empty pages in a row, each of which leads to another page, that is an error
        (``IncompleteWalk``). The rows are kept: a client with a larger number can resume the walk.
    journal : bool
        Store the pages of a walk that breaks, so that it can be resumed.
    resume : "auto" or False
        Resume a walk of the same query that broke less than an hour ago.
    progress : bool or None
        Show a progress bar for long walks; None shows it in a terminal or a notebook.
    nested : {"arrow", "json", "drop"}
        Default of ``nested`` for ``Query.frame``, ``pages``, ``head`` and ``to_parquet``: lists and
        structs stay Arrow columns, become JSON text, or are left out.
    wiring : Wiring or None
        Clock, sleep and innermost transport, for tests and for the sandbox.

    Raises
    ------
    MissingKeyError
        If there is no key.
    InvalidKeyError
        If the key is invalid. The error does not show it.
    ArgumentError
        If another argument is invalid.

    Examples
    --------
    >>> with Client.sandbox() as api:
    ...     api.accounts().frame().columns.tolist()
    ['platform', 'account_id', 'username', 'connected_at', '_extra']
    """

    _sandbox: Sandbox | None = None  # answers in place of the API

    def __init__(
        self,
        key: str | Secret | None = None,
        *,
        base_url: str | None = None,
        tier: Tier | Limit = "auto",
        cache: CacheArgument = True,
        offline: bool = False,
        refresh: bool = False,
        stale_if_error: bool = False,
        timeout: float | tuple[float, float] = (5.0, 30.0),
        max_wait: float = 120.0,
        max_requests: int | None = None,
        max_empty_pages: int = 50,
        journal: bool = True,
        resume: Resume = "auto",
        progress: bool | None = None,
        nested: Nested = "arrow",
        wiring: Wiring | None = None,
    ) -> None:
        try:
            secret = key if key is None or isinstance(key, Secret) else Secret(key)
        finally:
            del key  # a traceback that shows local variables must not show it
        settings = read_settings(secret, base_url)
        wiring = wiring or Wiring()
        cache_settings = parse_cache_argument(cache)
        if cache_settings is None and (offline or stale_if_error):
            raise ArgumentError("offline and stale_if_error need the cache; remove cache=False.")
        _check_resume(journal, resume)
        limit = _parse_tier(tier)
        owner = tenant(settings.base_url + wiring.name, settings.secret)
        budget = budget_for(owner, limit, wiring, adapts=tier == "auto")
        max_wait = _parse_seconds("max_wait", max_wait, least=0)
        times = (*_parse_timeouts(timeout), max_wait)
        transport = Transport(settings, budget, times, wiring, offline=bool(offline))
        memory = settings.base_url == _SANDBOX_URL
        stores = journal or cache_settings is not None
        store = open_store(cache_settings, memory=memory, now=wiring.now) if stores else None
        self.base_url = settings.base_url
        self.cache = store and cache_settings and Cache(store, cache_settings, owner)
        self._key_source, self._limit = settings.source, limit
        most = None if max_requests is None else whole_number("max_requests", max_requests)
        self._session = Session(
            transport,
            budget,
            store,
            owner,
            cache_settings,
            journal=journal,
            resume=resume == "auto",
            offline=bool(offline),
            refresh=bool(refresh),
            stale_if_error=bool(stale_if_error),
            progress=progress,
            max_requests=most,
            max_empty_pages=whole_number("max_empty_pages", max_empty_pages),
            nested=check_nested(nested),
        )

    @classmethod
    def sandbox(
        cls,
        sandbox: Sandbox | None = None,
        *,
        tier: Literal["free", "paid"] = "paid",
        cache: CacheArgument = True,
        max_wait: float = 120.0,
        max_requests: int | None = None,
        progress: bool | None = None,
        nested: Nested = "arrow",
    ) -> Self:
        """Return a client of a sandbox in this process: made-up people, no key, no network.

        Parameters
        ----------
        sandbox : Sandbox or None
            None creates a new one.
        tier : {"free", "paid"}
            Tier of the new sandbox's key. A sandbox that you pass has its own.
        cache : bool, str, float, timedelta, path or backend
            As for ``Client``, but stored in memory by default. Pass False if the sandbox
            changes or fails between two walks of the same query.
        max_wait, max_requests, progress, nested
            As for ``Client``.

        Returns
        -------
        Client

        Examples
        --------
        >>> len(Client.sandbox().accounts().frame()) >= 12
        True
        """
        from socialframe.sandbox import Sandbox

        if not isinstance(sandbox, Sandbox | None):
            raise ArgumentError(
                f"sandbox must be a Sandbox; got {sandbox!r}. To set a tier, use tier=…."
            )
        box = sandbox or Sandbox(tier=tier)
        client = cls(
            box.key,
            base_url=_SANDBOX_URL,
            tier=box.tier,
            cache=cache,
            max_wait=max_wait,
            max_requests=max_requests,
            progress=progress,
            nested=nested,
            wiring=sandbox_wiring(box.wsgi, box.name),
        )
        client._key_source, client._sandbox = "the sandbox", box
        return client

    def fetch(
        self,
        path: str,
        *,
        records: str | None = None,
        params: Params | None = None,
        paging: Paging | None = None,
        columns: Mapping[str, str] | Sequence[Column] | None = None,
        key: str | Sequence[str] | None = None,
        method: Literal["GET", "POST"] = "GET",
        json: Mapping[str, object] | None = None,
    ) -> Query:
        """Query any endpoint, declared or not.

        Parameters
        ----------
        path : str
            Path on the API, such as ``/v1/posts``.
        records : str or None
            Dotted path of the list of records in a reply; ``""`` if the body is the list. A path
            that ends in ``.`` names an object that is one row (``"."`` is the body); one that ends
            in ``*`` an object whose members are rows, with their keys in the column ``_key``. None
            finds the rows by names and shape.
        params : mapping or None
            Parameters by the API's names. A list is sent as repeated parameters; a dict, and a list
            with dicts, as JSON text. Dates and times are sent as ISO 8601.
        paging : Paging or None
            The paging scheme; None detects it (``socialframe.paging.Auto``).
        columns : mapping, sequence of Column or None
            None infers names and types from all rows. A mapping sets some types
            (``{"createdAt": "timestamp"}``). A sequence of Column declares all columns.
        key : str, sequence of str or None
            Primary key: paths in a record, or names of declared columns. None does not deduplicate
            rows.
        method : {"GET", "POST"}
            Pass ``"POST"`` only if the request reads and changes nothing, such as a search or a
            GraphQL query: it is repeated after a failure, and its replies are cached.
        json : mapping or None
            JSON body of a POST. The parameters of the paging scheme go into it, by dotted path:
            ``Cursor(field="data.posts.pageInfo.endCursor", param="variables.after")``.

        Returns
        -------
        Query
            Types are inferred from all rows, so ``to_parquet`` writes after the last page;
            ``pages`` types each page by itself.

        Raises
        ------
        ArgumentError
            If an argument is invalid.

        Examples
        --------
        >>> api = Client.sandbox()
        >>> posts = api.fetch("/v1/posts", params={"limit": 100, "status": "failed"}).frame()
        >>> posts["status"].unique().tolist()
        ['failed']
        """
        return undeclared(
            self,
            path,
            records=records,
            params=params,
            paging=paging,
            columns=columns,
            key=key,
            method=method,
            json=json,
        )

    def connect(
        self,
        platform: str,
        *,
        callback: str = "auto",
        redirect_url: str | None = None,
        port: int = 0,
        timeout: float = 300.0,
        choose: Choose = None,
        console: Console | None = None,
    ) -> Account:
        """Connect an account: show the consent link and wait until the user has followed it.

        Parameters
        ----------
        platform : str
            The platform, such as ``instagram``. The API decides which ones exist.
        callback : str
            How the OAuth callback reaches this process. ``"loopback"`` listens on a port of this
            machine, where the browser must run too. ``"paste"`` lets the user paste its URL. The
            notebook server's public URL, such as ``"https://hub.example/user/ada"``, uses
            jupyter-server-proxy. ``"auto"`` listens on loopback and also accepts a pasted URL. On a
            hub that sets ``JUPYTERHUB_PUBLIC_URL``, it uses that URL.
        redirect_url : str or None
            The redirect URL that is registered with the API, if the API accepts no other.
        port : int
            The port to listen on; 0 selects a free port.
        timeout : float
            Seconds to wait for the user.
        choose : str, callable or None
            The id of the Facebook Page to connect, or a function that receives all Pages and
            returns one; None asks the user if there are several.
        console : Console or None
            How to communicate with the user; None uses this terminal or notebook.

        Returns
        -------
        Account
            Its ``platform``, ``account_id`` and ``username``.

        Raises
        ------
        ConnectError
            If no account was connected; ``state`` is ``denied``, ``expired``, ``cancelled`` or
            ``failed``.
        ArgumentError
            If an argument is invalid.
        APIError, NetworkError, ReplyError
            If the consent link could not be requested.

        Examples
        --------
        >>> Client.sandbox().connect("gopher")
        Traceback (most recent call last):
        socialframe.errors.ValidationError: GET /v1/connect/gopher: 400 platform must be one of: ...
        """
        from socialframe.connect.connect import connect_account

        try:
            return connect_account(
                self._send,
                platform,
                callback=callback,
                redirect_url=redirect_url,
                port=port,
                timeout=timeout,
                choose=choose,
                console=console,
            )
        finally:
            self._forget_accounts()

    def disconnect(self, platform: str, account_id: str) -> None:
        """Remove the connection of an account. Its posts stay.

        Parameters
        ----------
        platform, account_id : str
            Platform and id of the account, as in ``accounts()``.

        Raises
        ------
        APIError, NetworkError
            If the request fails, for example because the account does not exist.
        ArgumentError
            If an argument is invalid.

        Examples
        --------
        >>> api = Client.sandbox()
        >>> api.disconnect("tiktok", "tt_40311")
        >>> "tt_40311" in set(api.accounts("tiktok").frame()["account_id"])
        False
        """
        from socialframe.connect.requests import disconnect

        try:
            disconnect(self._send, platform, account_id)
        finally:
            self._forget_accounts()

    def walks(self) -> pd.DataFrame:
        """Return the unfinished walks of this user, newest first. No request is sent.

        Returns
        -------
        pandas.DataFrame
            One row a walk: walk_id, query, pages, rows, state (interrupted, left, failed, looped,
            killed, running), reason, changed (UTC), age, size (bytes on disk).
        """
        store = self._session.store
        return walks_table([] if store is None else store.open_walks(), self._session.now())

    def resume(self, walk_id: str) -> Query:
        """Return the query of an unfinished walk. It continues after the stored pages.

        Parameters
        ----------
        walk_id : str
            As in ``walks()`` or an ``IncompleteWalk``.

        Raises
        ------
        ArgumentError
            If this key has no such walk, a process is writing it, or its query cannot be rebuilt.
        """
        store = self._session.store
        if store is None:
            raise ArgumentError("This client stores no walks (cache=False, journal=False).")
        found = next((walk for walk in store.open_walks() if walk.id == walk_id), None)
        if found is None:
            raise ArgumentError(f"There is no unfinished walk {walk_id!r}; sf.walks() lists them.")
        if found.tenant != self._session.tenant:
            raise ArgumentError(f"The walk {walk_id!r} belongs to another key or base URL.")
        if found.state == RUNNING:
            raise ArgumentError(
                f"The walk {walk_id!r} is being written, here or in another process."
            )
        return _rebuild_query(self, found)

    @property
    def budget(self) -> Usage:
        """The rate-limit window: its limit, the used and the remaining requests.

        Examples
        --------
        >>> Client.sandbox().budget
        <Budget of 600 calls in 60 s: 0 used, 600 left, next call now>
        """
        return self._session.budget.usage()

    def close(self) -> None:
        """Close connections and files; a later call opens them again."""
        self._session.close()

    def _send(self, call: Call, notify: Callable[[str], None] | None = None) -> Reply:
        return self._session.transport.send(call, notify)

    def _forget_accounts(self) -> None:
        """Delete stored walks of accounts, so that the next ``accounts()`` asks the API."""
        for endpoint in ("accounts", "health"):
            self._session.forget(endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        msg = "A Client does not pickle: it holds a key and connections. Make one in each process."
        raise TypeError(msg)

    def __repr__(self) -> str:
        if "_session" not in vars(self):  # a traceback out of __init__ shows it
            return "<Client, not made>"
        return (
            f"<Client of {self.base_url}: key from {self._key_source}, "
            f"{self._limit.calls} calls in {self._limit.seconds:g} s>"
        )


def walks_table(walks: Sequence[StoredWalk], now: float) -> pd.DataFrame:
    """Return unfinished walks as a table, one row a walk."""
    import pandas as pd

    rows = [
        {
            "walk_id": walk.id,
            "query": describe_stored(walk),
            "pages": walk.pages,
            "rows": walk.rows,
            "state": walk.state,
            "reason": walk.reason,
            "changed": datetime.fromtimestamp(walk.last, UTC),
            "age": timedelta(seconds=now - walk.last),
            "size": walk.size,
        }
        for walk in walks
    ]
    types = {"walk_id": "str", "query": "str", "pages": "int64", "rows": "int64", "state": "str"}
    types |= {"reason": "str", "changed": "datetime64[us, UTC]", "age": "timedelta64[us]"}
    types |= {"size": "int64"}
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def describe_stored(walk: StoredWalk) -> str:
    """Return the query of a stored walk as Python code."""
    given = walk.query.get("arguments", {})
    arguments = ", ".join(f"{name}={value!r}" for name, value in given.items())
    return describe_query(walk.endpoint, arguments, walk.query.get("limit"), exploded(walk.query))


def exploded(values: Mapping[str, Any]) -> list[str]:
    """Return the columns that a stored query explodes."""
    stored = values.get("explode") or []
    return [stored] if isinstance(stored, str) else stored  # of an older version


def query_of(client: Client, endpoint: str, values: Mapping[str, Any]) -> Query | None:
    """Return the query of a plan's ``query``; None if it cannot be rebuilt."""
    given = dict(values.get("arguments", {}))
    method: Callable[..., Any] = getattr(client, endpoint, str)  # it may be gone
    try:
        if "paging" in given and endpoint == "fetch":
            given["paging"] = parse_scheme(given["paging"])
        query: Any = method(**given)
        if values.get("limit"):
            query = query.limit(values["limit"])
        for name in exploded(values):
            query = query.explode(name)
    except (ArgumentError, ValueError, TypeError):
        return None
    return query if hasattr(query, "_plan") else None


def _rebuild_query(client: Client, walk: StoredWalk) -> Query:
    """Return the query of a stored walk."""
    query = query_of(client, walk.endpoint, walk.query)
    if query is None or query._plan.key.name(walk.tenant) != walk.name:
        raise ArgumentError(
            f"The query of the walk {walk.id!r} cannot be rebuilt. Run {describe_stored(walk)} "
            "again; it resumes the walk if it broke less than an hour ago."
        )
    return replace(query, _plan=replace(query._plan, walk_id=walk.id))


def _check_resume(journal: object, resume: object) -> None:
    if not isinstance(journal, bool):
        raise ArgumentError(f"journal must be True or False; got {journal!r}.")
    if resume != "auto" and resume is not False:
        raise ArgumentError(f"resume must be 'auto' or False; got {resume!r}.")


def _parse_tier(tier: object) -> Limit:
    if isinstance(tier, Limit):
        try:
            whole_number("calls", tier.calls)
            _parse_seconds("seconds", tier.seconds)
        except ArgumentError:
            text = f"A Limit must allow 1 call or more in a positive number of seconds; got {tier}."
            raise ArgumentError(text) from None
        return tier
    if tier == "auto":
        return TIERS["free"]
    if isinstance(tier, str) and tier in TIERS:
        return TIERS[tier]
    raise ArgumentError(f"tier must be 'auto', 'free', 'paid' or a Limit; got {tier!r}.")


def _parse_timeouts(timeout: object) -> tuple[float, float]:
    if isinstance(timeout, tuple) and len(timeout) == 2:  # noqa: PLR2004 - connect and read
        return _parse_seconds("timeout", timeout[0]), _parse_seconds("timeout", timeout[1])
    read = _parse_seconds("timeout", timeout)
    return min(5.0, read), read


def _parse_seconds(name: str, value: object, *, least: float = 1e-3) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value < 1e9:  # noqa: PLR2004
        return float(value)
    raise ArgumentError(f"{name} must be a number of seconds; got {value!r}.")
