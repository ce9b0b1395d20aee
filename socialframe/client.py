"""The client: settings, transport and endpoints together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self

from socialframe.arguments import budget_of, limit_of, most_requests, seconds, timeouts
from socialframe.connect.methods import Connecting
from socialframe.endpoint import undeclared
from socialframe.endpoints import Endpoints
from socialframe.errors import ArgumentError
from socialframe.http.transport import Transport, Wiring
from socialframe.secret import Secret, tenant
from socialframe.settings import read_settings
from socialframe.store.cache import Cached, chosen
from socialframe.store.resumption import made_again, resumption, table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from socialframe.arguments import Tier
    from socialframe.errors import SocialFrameError
    from socialframe.http.budget import Limit, Usage
    from socialframe.http.request_limit import Allowance
    from socialframe.messages.call import Call, Params, Reply
    from socialframe.paging import Paging
    from socialframe.query import Query
    from socialframe.sandbox import Sandbox
    from socialframe.schema.columns import Column
    from socialframe.store.cache import Wanted
    from socialframe.store.manifest import Asked, Passage
    from socialframe.store.recorder import Journal
    from socialframe.store.resumption import Resume
    from socialframe.walk.estimate import Met

_SANDBOX_URL = "https://sandbox.invalid"  # never looked up: the sandbox answers in this process


class Client(Connecting, Endpoints):
    """The SocialSyncer API for one key: each method gives a ``Query``. No network until its rows.

    May be used from threads and as a context manager.

    Parameters
    ----------
    key : str or None
        The API key. None looks in ``SOCIALAPI_KEY``, ``.env``, the keyring, in this order.
    base_url : str or None
        None looks in ``SOCIALAPI_BASE_URL``, else it is the service's own.
    tier : {"auto", "free", "paid"} or Limit
        How many calls a minute: free 60, paid 600; auto is 60 until the server says otherwise.
        All processes of a user share them.
    cache : bool, str, float, timedelta, path or backend
        Keeps the answers of walks that ended whole, and replays them while they are fresh. A
        duration (``"1 hour"``, seconds, a timedelta) says how long; True means 1 hour for posts,
        analytics and followers, 5 minutes for the rest. The path of a ``.sqlite`` file, or a
        backend of requests-cache, says where; else it is a file in the user's cache folder, which
        nobody else may read. False keeps nothing.
    offline : bool
        Send nothing: only whole walks of the cache serve, also stale ones.
    refresh : bool
        Ask anew, whatever the cache has.
    stale_if_error : bool
        Where the API fails, a whole walk of the cache serves, also a stale one.
    timeout : float or (float, float)
        Seconds to connect and to wait for data; one number is for data, with 5 s to connect.
    max_wait : float
        Seconds that one call may wait, for the budget and for the API's ``Retry-After`` together,
        before ``RateLimitError``.
    max_requests : int or None
        Requests that one walk may send, repetitions counted, before ``MaxRequestsError``; None
        means any number. What the cache answers is free.
    journal : bool
        Whether what an unfinished walk has fetched is kept on disk, so that it can be resumed.
    resume : "auto" or False
        Whether a query that was interrupted less than an hour ago goes on where it stopped.
    progress : bool or None
        Whether long walks show a bar; None means in a terminal or a notebook.
    wiring : Wiring or None
        Clock, sleep and innermost transport, for tests and for the sandbox.

    Raises
    ------
    MissingKeyError
        If there is no key anywhere.
    InvalidKeyError
        If it cannot be a key. It is not repeated.
    ArgumentError
        If another argument is invalid.

    Examples
    --------
    >>> with Client.sandbox() as api:
    ...     api.accounts().frame().columns.tolist()
    ['platform', 'account_id', 'username', 'connected_at', '_extra']
    """

    box: Sandbox | None = None  # what answers in place of the API

    def __init__(
        self,
        key: str | Secret | None = None,
        *,
        base_url: str | None = None,
        tier: Tier | Limit = "auto",
        cache: Wanted = True,
        offline: bool = False,
        refresh: bool = False,
        stale_if_error: bool = False,
        timeout: float | tuple[float, float] = (5.0, 30.0),
        max_wait: float = 120.0,
        max_requests: int | None = None,
        journal: bool = True,
        resume: Resume = "auto",
        progress: bool | None = None,
        wiring: Wiring | None = None,
    ) -> None:
        try:
            secret = key if key is None or isinstance(key, Secret) else Secret(key)
        finally:
            del key  # no traceback that shows local variables repeats it
        settings = read_settings(secret, base_url)
        wiring = wiring or Wiring()
        memory = settings.base_url == _SANDBOX_URL
        choice = chosen(cache, memory=memory)
        if choice is None and (offline or stale_if_error):
            raise ArgumentError("offline and stale_if_error need a cache: leave cache=False out.")
        owner = tenant(settings.base_url + wiring.name, settings.secret)
        self.cache = choice and Cached(
            choice,
            owner,
            wiring.now,
            refresh=bool(refresh),
            offline=bool(offline),
            stale_if_error=bool(stale_if_error),
        )
        self.base_url, self.progress = settings.base_url, progress
        self.max_requests = most_requests(max_requests)
        self._unfinished = resumption(
            journal, resume, owner, refresh=bool(refresh), memory=memory, now=wiring.now
        )
        self.known: dict[str, Met] = {}
        self._key_source, self._limit = settings.source, limit_of(tier)
        self._budget = budget_of(owner, self._limit, wiring, adapts=tier == "auto")
        connect, read = timeouts(timeout)
        self._transport = Transport(
            settings.base_url,
            settings.secret,
            self._budget,
            connect=connect,
            read=read,
            max_wait=seconds("max_wait", max_wait, least=0),
            proxy=settings.proxy,
            wiring=wiring,
            cached=None if self.cache is None else self.cache.layer,
        )

    @classmethod
    def sandbox(
        cls,
        sandbox: Sandbox | None = None,
        *,
        tier: Literal["free", "paid"] = "paid",
        cache: Wanted = True,
        max_wait: float = 120.0,
        max_requests: int | None = None,
        progress: bool | None = None,
    ) -> Self:
        """Return a client of a sandbox in this process: made-up people, no key, no network.

        Parameters
        ----------
        sandbox : Sandbox or None
            None makes a new one, of the tier.
        tier : {"free", "paid"}
            Tier of the new sandbox's key; with ``sandbox`` given, its own counts.
        cache : bool, str, float, timedelta, path or backend
            As for ``Client``, but in this client's memory unless a place is named. False where the
            sandbox changes, or goes wrong, between two walks of the same.
        max_wait, max_requests, progress
            As for ``Client``.

        Returns
        -------
        Client

        Examples
        --------
        >>> len(Client.sandbox().accounts().frame()) >= 12
        True
        """
        import httpx

        from socialframe.sandbox import Sandbox

        if not isinstance(sandbox, Sandbox | None):
            raise ArgumentError(f"sandbox takes a Sandbox, not {sandbox!r}; tier= names a tier.")
        box = sandbox or Sandbox(tier=tier)
        client = cls(
            box.key,
            base_url=_SANDBOX_URL,
            tier=box.tier,
            cache=cache,
            max_wait=max_wait,
            max_requests=max_requests,
            progress=progress,
            wiring=Wiring(lambda: httpx.WSGITransport(app=box.wsgi), name=box.name),
        )
        client._key_source, client.box = "the sandbox", box
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
    ) -> Query:
        """Any endpoint that is not declared.

        Parameters
        ----------
        path : str
            Path on the API, as ``/v1/posts``.
        records : str or None
            Where the records stand in a reply, dotted; ``""`` where the body itself is the list;
            None for the one list of objects in it.
        params : mapping or None
            Parameters by the API's names; a list is sent as one parameter each.
        paging : Paging or None
            How pages follow each other; None finds it out (``socialframe.paging.Auto``).
        columns : mapping, sequence of Column or None
            None infers names and types from all rows. A mapping gives some of them a type, in our
            words (``{"createdAt": "timestamp"}``). Columns declare everything.
        key : str, sequence of str or None
            What tells two rows apart: paths in a record, or names of declared columns. None tells
            none apart.

        Returns
        -------
        Query
            Nothing is sent before its rows are asked for. Inferred types are those of all rows, so
            ``to_parquet`` writes after the last page; ``pages`` types each page by itself.

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
        )

    def send(
        self,
        call: Call,
        notify: Callable[[str], None] | None = None,
        passage: Passage | None = None,
        allowance: Allowance | None = None,
    ) -> Reply:
        """Send one call and return its reply; queries do this for you.

        Parameters
        ----------
        call : Call
            What to ask.
        notify : callable or None
            Told, in words, why and how long the call waits.
        passage : Passage or None
            How the walk that it belongs to goes through the cache; a call of its own goes past it.
        allowance : Allowance or None
            How many requests its walk may still send.

        Returns
        -------
        Reply

        Raises
        ------
        APIError, NetworkError, ReplyError
            If the API refused, no whole answer came, or it leads elsewhere.
        """
        return self._transport.send(call, notify, passage, allowance)

    def passage(self, asked: Asked, *, refresh: bool | None = None) -> Passage | None:
        """Return how a walk goes through the cache; queries ask."""
        return None if self.cache is None else self.cache.passage(asked, refresh=refresh)

    def instead(self, passage: Passage | None, error: SocialFrameError) -> Passage | None:
        """Return how it goes on after a failure; None where it failed for good."""
        return None if self.cache is None else self.cache.instead(passage, error)

    def journal(
        self, asked: Asked, recipe: dict[str, Any], *, walk: str, refresh: bool | None
    ) -> Journal | None:
        """Return the journal of a walk that is about to begin or to go on; queries ask."""
        if self._unfinished is None:
            return None
        fresh = 0.0 if self.cache is None else self.cache.choice.seconds(asked.endpoint)
        found: Journal = self._unfinished.journal(
            asked, recipe, walk=walk, refresh=refresh, fresh=fresh
        )
        return found

    def journal_of(self, asked: Asked, walk: str) -> Journal | None:
        """Return the journal of an unfinished walk, to be read; queries ask."""
        return None if self._unfinished is None else self._unfinished.journal_of(asked, walk)

    def walks(self) -> pd.DataFrame:
        """Return the unfinished walks of this machine's user, newest first; nothing is sent.

        Returns
        -------
        pandas.DataFrame
            One row a walk: walk_id, query, pages, rows, state (interrupted, left, failed, looped,
            killed, running), reason, changed, age, size (bytes on disk).
        """
        return table(None if self._unfinished is None else self._unfinished.walks)

    def resume(self, walk_id: str) -> Query:
        """Return the query of an unfinished walk, to go on where it stopped; nothing is sent yet.

        Parameters
        ----------
        walk_id : str
            As ``walks()`` or an ``IncompleteWalk`` tells.

        Raises
        ------
        ArgumentError
            If there is no such walk of this key, it is at work, or its query cannot be made again.
        """
        if self._unfinished is None:
            raise ArgumentError("This client keeps no journal (journal=False).")
        query: Query = made_again(self, self._unfinished.find(walk_id))
        return query

    def keep(self, passage: Passage, call: Call, reply: Reply) -> None:
        """Give the cache what came in an earlier run of a walk; queries do."""
        self._transport.keep(call, reply, passage)

    def arrived(self, passage: Passage | None, *, whole: bool) -> None:
        """Note the end of a walk."""
        if self.cache is not None:
            self.cache.arrived(passage, whole=whole)

    def takes(self, calls: int) -> float:
        """Return the seconds until the last of so many calls may start; queries ask."""
        return self._budget.takes(calls)

    @property
    def budget(self) -> Usage:
        """How the budget of calls stands: limit, used, left, next free moment, who shares it.

        Examples
        --------
        >>> Client.sandbox().budget
        <Budget of 600 calls in 60 s: 0 used, 600 left, next call now>
        """
        return self._budget.usage()

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        msg = "A Client does not pickle: it holds a key and connections. Make one in each process."
        raise TypeError(msg)

    def __repr__(self) -> str:
        if "_transport" not in vars(self):  # shown by a traceback out of __init__
            return "<Client, not made>"
        return (
            f"<Client of {self.base_url}: key from {self._key_source}, "
            f"{self._limit.calls} calls in {self._limit.seconds:g} s>"
        )
