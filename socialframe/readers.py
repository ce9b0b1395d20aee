"""``read_accounts``, ``read_posts`` etc.: DataFrames from the default client.

The default client reads its key and base URL from the environment at the first call.
"""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, NamedTuple

from socialframe.client import Client, walks_table
from socialframe.secret import tenant
from socialframe.settings import read_settings
from socialframe.sqlite import ForkLock
from socialframe.store.cache import open_existing_store

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from socialframe.endpoints import Day
    from socialframe.query import Query
    from socialframe.schema.columns import Nested

_COUNTS = ("impressions", "reach", "likes", "comments", "shares", "saves", "clicks", "views")
_TARGET = {"target_platform": "platform", "target_account_id": "account_id"}
_clients: dict[str, Client] = {}  # by tenant: another key in the environment needs another client
_lock = ForkLock()


def default_client() -> Client:
    """Return the client of the key in the environment."""
    settings = read_settings()
    name = tenant(settings.base_url, settings.secret)
    with _lock():
        if name not in _clients:
            _clients[name] = Client(settings.secret, base_url=settings.base_url)
            atexit.register(_clients[name].close)
        return _clients[name]


def walks(*, client: Client | None = None) -> pd.DataFrame:
    """Return the unfinished walks of this user, newest first. No request is sent.

    Columns are those of ``Client.walks``. Without ``client``, no key is needed. The client of a
    sandbox has its own walks, in memory.

    Examples
    --------
    >>> walks().columns.tolist()[:4]
    ['walk_id', 'query', 'pages', 'rows']
    """
    if client is not None:
        return client.walks()
    store = open_existing_store()
    return walks_table(store.open_walks(), store.now())


def resume(walk_id: str, *, client: Client | None = None) -> Query:
    """Return the query of an unfinished walk, to continue it; see ``Client.resume``.

    Raises
    ------
    MissingKeyError
        If there is no client and no key.
    ArgumentError
        If this key has no such walk, a process is writing it, or its query cannot be rebuilt.

    Examples
    --------
    >>> import socialframe as sf
    >>> sf.resume("0000", client=sf.Client.sandbox())
    Traceback (most recent call last):
    ...
    socialframe.errors.ArgumentError: There is no unfinished walk '0000'; sf.walks() lists them.
    """
    return (client or default_client()).resume(walk_id)


def read_accounts(platform: str | None = None, *, client: Client | None = None) -> pd.DataFrame:
    """Return the connected accounts, one row per account; see ``Client.accounts``.

    Raises
    ------
    SocialFrameError
        If there is no key or the request fails.

    Examples
    --------
    >>> import socialframe as sf
    >>> sf.read_accounts(client=sf.Client.sandbox()).columns.tolist()
    ['platform', 'account_id', 'username', 'connected_at', '_extra']
    """
    return (client or default_client()).accounts(platform).frame()


def read_health(*, nested: Nested | None = None, client: Client | None = None) -> pd.DataFrame:
    """Return the token and permission status, one row per account; see ``Client.health``.

    ``nested="json"`` makes lists JSON text, for ``to_sql`` and for methods that compare or hash
    rows; see ``Query.frame``.

    Raises
    ------
    SocialFrameError
        If there is no key or the request fails.

    Examples
    --------
    >>> import socialframe as sf
    >>> str(sf.read_health(client=sf.Client.sandbox())["token_valid"].dtype)
    'boolean'
    """
    return (client or default_client()).health().frame(nested=nested)


def read_posts(
    status: str | None = None,
    platform: str | None = None,
    since: Day | None = None,
    until: Day | None = None,
    per_page: int = 100,
    *,
    nested: Nested | None = None,
    client: Client | None = None,
) -> pd.DataFrame:
    """Return posts, one row per post; see ``Client.posts``.

    ``nested="json"`` makes lists JSON text, for ``to_sql`` and for methods that compare or hash
    rows; see ``Query.frame``.

    Raises
    ------
    SocialFrameError
        If there is no key or a request fails. A partial result is never returned.

    Examples
    --------
    >>> import socialframe as sf
    >>> df = sf.read_posts("published", since="2026-10-01", client=sf.Client.sandbox())
    >>> str(df["published_at"].dtype)
    'datetime64[us, UTC]'
    """
    return (
        (client or default_client())
        .posts(status, platform, since, until, per_page)
        .frame(nested=nested)
    )


def read_analytics(
    platform: str | None = None,
    account_id: str | None = None,
    since: Day | None = None,
    until: Day | None = None,
    per_page: int = 100,
    *,
    nested: Nested | None = None,
    client: Client | None = None,
) -> pd.DataFrame:
    """Return metrics of published posts, one row per post; see ``Client.analytics``.

    ``nested="json"`` makes lists JSON text, for ``to_sql`` and for methods that compare or hash
    rows; see ``Query.frame``.

    Raises
    ------
    SocialFrameError
        If there is no key or a request fails. A partial result is never returned.

    Examples
    --------
    >>> import socialframe as sf
    >>> str(sf.read_analytics(client=sf.Client.sandbox())["impressions"].dtype)
    'Int64'
    """
    query = (client or default_client()).analytics(platform, account_id, since, until, per_page)
    return query.frame(nested=nested)


def read_followers(
    account_ids: str | Iterable[str] | None = None,
    since: Day | None = None,
    until: Day | None = None,
    *,
    client: Client | None = None,
) -> pd.DataFrame:
    """Return followers, one row per account and day; see ``Client.followers``.

    Raises
    ------
    SocialFrameError
        If there is no key or the request fails.

    Examples
    --------
    >>> import socialframe as sf
    >>> sf.read_followers(client=sf.Client.sandbox()).columns.tolist()[:5]
    ['account_id', 'platform', 'username', 'date', 'followers']
    """
    return (client or default_client()).followers(account_ids, since, until).frame()


class Tables(NamedTuple):
    """Three DataFrames that join by ``post_id``, ``platform`` and ``account_id``.

    Parameters
    ----------
    targets : pandas.DataFrame
        One row per post and target: status, times, text, URL.
    numbers : pandas.DataFrame
        One row per published post and target: its metrics.
    followers : pandas.DataFrame
        One row per account and day.
    """

    targets: pd.DataFrame
    numbers: pd.DataFrame
    followers: pd.DataFrame


def tables(
    client: Client | None = None, *, since: Day | None = None, until: Day | None = None
) -> Tables:
    """Return targets, numbers by target, and followers by day, with the same names for keys.

    Parameters
    ----------
    client : Client or None
        None uses the default client.
    since, until : str, date, datetime or None
        First and last day (UTC), both included: of creation for targets, of publication for
        numbers. Without ``since``, numbers start 90 and followers 30 days ago, as the API decides.

    Returns
    -------
    Tables
        ``targets`` and ``numbers`` have the key ``post_id``, ``platform``, ``account_id``;
        ``followers`` has ``platform``, ``account_id``, ``date``.

    Raises
    ------
    SocialFrameError
        If there is no key or a request fails. A partial result is never returned.

    Examples
    --------
    >>> import socialframe as sf
    >>> targets, numbers, followers = tables(sf.Client.sandbox(), since="2026-11-01")
    >>> key = ["post_id", "platform", "account_id"]
    >>> joined = targets.merge(numbers, on=key, how="left", validate="1:1")
    >>> len(joined) == len(targets)
    True
    """
    api = client or default_client()
    posts = api.posts(since=since, until=until).explode("platforms").frame()
    numbers = api.analytics(since=since, until=until).explode("platforms").frame()
    followers = api.followers(since=since, until=until).frame()
    facts = ("status", "platform_post_id", "platform_post_url", "error")
    own = ("content", "created_at", "scheduled_for", "published_at")
    counts = ("sync_status", *_COUNTS, "engagement_rate", "last_updated")
    return Tables(
        _targets(posts.rename(columns={"id": "post_id"}), facts, own),
        _targets(numbers, counts, ()),
        followers[["platform", "account_id", "date", "followers"]],
    )


def _targets(frame: pd.DataFrame, facts: Iterable[str], own: Iterable[str]) -> pd.DataFrame:
    """Return the rows of targets; a post without targets has none."""
    names = {**_TARGET, **{f"target_{name}": name for name in facts}}
    chosen = frame.loc[frame["target_position"].notna(), ["post_id", *names, *own]]
    return chosen.rename(columns=names).reset_index(drop=True)
