"""``read_accounts``, ``read_posts`` …: frames at once, by the default client.

The default client is made at the first call, from the environment; ``client=`` takes another.
"""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING

from socialframe.client import Client
from socialframe.secret import tenant
from socialframe.settings import read_settings
from socialframe.sqlite_locks import ForkLock
from socialframe.store.resumption import shared_walks, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from socialframe.endpoints import Day
    from socialframe.query import Query

_clients: dict[str, Client] = {}  # by tenant: another key in the environment is another client
_making = ForkLock()


def _default() -> Client:
    settings = read_settings()
    name = tenant(settings.base_url, settings.secret)
    with _making():
        if name not in _clients:
            _clients[name] = Client(settings.secret, base_url=settings.base_url)
            atexit.register(_clients[name].close)
        return _clients[name]


def walks(*, client: Client | None = None) -> pd.DataFrame:
    """Return the unfinished walks of this machine's user, newest first; nothing is sent.

    Parameters
    ----------
    client : Client or None
        None lists the file that all clients share, and needs no key; a client of a sandbox keeps
        its own in memory.

    Returns
    -------
    pandas.DataFrame
        As ``Client.walks``.

    Examples
    --------
    >>> walks().columns.tolist()[:4]
    ['walk_id', 'query', 'pages', 'rows']
    """
    return table(shared_walks()) if client is None else client.walks()


def resume(walk_id: str, *, client: Client | None = None) -> Query:
    """Return the query of an unfinished walk, to go on where it stopped; nothing is sent yet.

    Parameters
    ----------
    walk_id : str
        As ``walks()`` or an ``IncompleteWalk`` tells.
    client : Client or None
        None means the default client.

    Returns
    -------
    Query
        Any of its ways out goes on, ``frame()`` as well as ``to_parquet(...)``.

    Raises
    ------
    MissingKeyError
        If there is no key anywhere.
    ArgumentError
        If there is no such walk of this key, it is at work, or its query cannot be made again.

    Examples
    --------
    >>> import socialframe as sf
    >>> sf.resume("0000", client=sf.Client.sandbox())
    Traceback (most recent call last):
    ...
    socialframe.errors.ArgumentError: There is no unfinished walk '0000': sf.walks() lists them.
    """
    return (client or _default()).resume(walk_id)


def read_accounts(platform: str | None = None, *, client: Client | None = None) -> pd.DataFrame:
    """Return the connected accounts.

    Parameters
    ----------
    platform : str or None
        Only this platform.
    client : Client or None
        None means the default client.

    Returns
    -------
    pandas.DataFrame
        One row an account; columns as ``Client.accounts`` tells.

    Raises
    ------
    MissingKeyError
        If there is no key anywhere.
    SocialFrameError
        If the call fails.

    Examples
    --------
    >>> import socialframe as sf
    >>> sf.read_accounts(client=sf.Client.sandbox()).columns.tolist()
    ['platform', 'account_id', 'username', 'connected_at', '_extra']
    """
    return (client or _default()).accounts(platform).frame()


def read_health(*, client: Client | None = None) -> pd.DataFrame:
    """Return the state of each account's token and permissions.

    Parameters
    ----------
    client : Client or None
        None means the default client.

    Returns
    -------
    pandas.DataFrame
        One row an account; columns as ``Client.health`` tells.

    Raises
    ------
    MissingKeyError
        If there is no key anywhere.
    SocialFrameError
        If the call fails.

    Examples
    --------
    >>> import socialframe as sf
    >>> str(sf.read_health(client=sf.Client.sandbox())["token_valid"].dtype)
    'boolean'
    """
    return (client or _default()).health().frame()


def read_posts(
    status: str | None = None,
    platform: str | None = None,
    since: Day | None = None,
    until: Day | None = None,
    per_page: int = 100,
    *,
    client: Client | None = None,
) -> pd.DataFrame:
    """Return posts.

    Parameters
    ----------
    status, platform : str or None
        Only this status; only posts with a target on this platform.
    since, until : str, date, datetime or None
        First and last day (UTC), both included.
    per_page : int
        Rows a call.
    client : Client or None
        None means the default client.

    Returns
    -------
    pandas.DataFrame
        One row a post; columns as ``Client.posts`` tells.

    Raises
    ------
    MissingKeyError
        If there is no key anywhere.
    IncompleteWalk
        If a page after the first one failed; a short frame is never returned.
    SocialFrameError
        If the first call fails.

    Examples
    --------
    >>> import socialframe as sf
    >>> df = sf.read_posts("published", since="2026-10-01", client=sf.Client.sandbox())
    >>> str(df["published_at"].dtype)
    'datetime64[us, UTC]'
    """
    return (client or _default()).posts(status, platform, since, until, per_page).frame()


def read_analytics(
    platform: str | None = None,
    account_id: str | None = None,
    since: Day | None = None,
    until: Day | None = None,
    per_page: int = 100,
    *,
    client: Client | None = None,
) -> pd.DataFrame:
    """Return the numbers of published posts; of the last 90 days without ``since``.

    Parameters
    ----------
    platform, account_id : str or None
        Only posts with a target there.
    since, until : str, date, datetime or None
        First and last day (UTC) of publication, both included; 366 days at most.
    per_page : int
        Rows a call.
    client : Client or None
        None means the default client.

    Returns
    -------
    pandas.DataFrame
        One row a post; columns as ``Client.analytics`` tells.

    Raises
    ------
    MissingKeyError
        If there is no key anywhere.
    IncompleteWalk
        If a page after the first one failed; a short frame is never returned.
    SocialFrameError
        If the first call fails.

    Examples
    --------
    >>> import socialframe as sf
    >>> str(sf.read_analytics(client=sf.Client.sandbox())["impressions"].dtype)
    'Int64'
    """
    query = (client or _default()).analytics(platform, account_id, since, until, per_page)
    return query.frame()


def read_followers(
    account_ids: str | Iterable[str] | None = None,
    since: Day | None = None,
    until: Day | None = None,
    *,
    client: Client | None = None,
) -> pd.DataFrame:
    """Return the followers of each account, day by day; of the last 30 days without ``since``.

    Parameters
    ----------
    account_ids : str, iterable of str or None
        Only these accounts.
    since, until : str, date, datetime or None
        First and last day (UTC), both included.
    client : Client or None
        None means the default client.

    Returns
    -------
    pandas.DataFrame
        One row an account and day; columns as ``Client.followers`` tells.

    Raises
    ------
    MissingKeyError
        If there is no key anywhere.
    SocialFrameError
        If the call fails.

    Examples
    --------
    >>> import socialframe as sf
    >>> sf.read_followers(client=sf.Client.sandbox()).columns.tolist()
    ['account_id', 'platform', 'username', 'date', 'followers', '_extra']
    """
    return (client or _default()).followers(account_ids, since, until).frame()
