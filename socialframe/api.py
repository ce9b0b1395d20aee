"""The endpoints of this API, one short method each; above each, the page that it implements.

What a page does not say is taken over from the API's sibling and marked so, column by column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from socialframe.columns import Column, Origin
from socialframe.days import Day, days
from socialframe.endpoint import endpoint
from socialframe.paging import PageNumber
from socialframe.query import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from socialframe.replies import Params

#: The strongest guess for lists that the documentation does not reach; either end sign is read.
_PAGES = PageNumber(
    size_param="limit",
    total_pages="pagination.pages",
    total_rows="pagination.total",
    more="pagination.hasMore",
)


def _column(
    name: str,
    path: str,
    kind: str,
    origin: Origin,
    meaning: str,
    unit: str = "",
    *,
    fields: tuple[Column, ...] = (),
    item: str = "",
) -> Column:
    return Column(
        name=name,
        path=path,
        type=kind,
        meaning=meaning,
        unit=unit,
        origin=origin,
        fields=fields,
        item=item,
    )


_PLATFORM = _column("platform", "platform", "string", "example", "Platform, as instagram.")
_ACCOUNT = _column("account_id", "accountId", "id", "example", "Account; unique per platform.")
_USERNAME = _column("username", "username", "string", "example", "Handle or display name.")

ACCOUNTS = (
    _PLATFORM,
    _ACCOUNT,
    _USERNAME,
    _column("connected_at", "connectedAt", "timestamp", "example", "When it was connected."),
)

HEALTH = (
    _PLATFORM,
    _ACCOUNT,
    _USERNAME,
    _column("health", "health", "string", "example", "healthy, warning, or worse."),
    _column("token_valid", "tokenValid", "bool", "example", "Whether its token still works."),
    _column("permissions", "permissions", "list<string>", "example", "Scopes held.", item="scope"),
    _column(
        "recommendations", "recommendations", "list<string>", "example", "Advice.", item="advice"
    ),
)

TARGETS = (
    _PLATFORM,
    _column("account_id", "accountId", "id", "sibling", "Account that it goes to."),
    _column("status", "status", "string", "example", "published, failed, pending, publishing."),
    _column("platform_post_id", "platformPostId", "id", "example", "Its id on the platform."),
    _column("platform_post_url", "platformPostUrl", "string", "example", "Its address there."),
    _column("error", "error", "string", "example", "Why it failed."),
)

MEDIA = (
    _column("type", "type", "string", "sibling", "image, video or gif."),
    _column("url", "url", "string", "sibling", "Where the file is."),
)

POSTS = (
    _column("id", "id", "id", "example", "The post."),
    _column("status", "status", "string", "example", "draft, scheduled, published, partial, …"),
    _column("content", "content", "string", "sibling", "Its text; null for media alone."),
    _column("created_at", "createdAt", "timestamp", "sibling", "When it was made."),
    _column("scheduled_for", "scheduledFor", "timestamp", "sibling", "When it is to go out."),
    _column("published_at", "publishedAt", "timestamp", "sibling", "When it went out."),
    _column("updated_at", "updatedAt", "timestamp", "sibling", "When it last changed."),
    _column("timezone", "timezone", "string", "sibling", "IANA zone that it was planned in."),
    _column("tags", "tags", "list<string>", "sibling", "Your own labels.", item="tag"),
    _column(
        "media_items",
        "mediaItems",
        "list<struct>",
        "sibling",
        "Images and videos.",
        fields=MEDIA,
        item="media",
    ),
    _column(
        "platforms",
        "platforms",
        "list<struct>",
        "example",
        "Its targets.",
        fields=TARGETS,
        item="target",
    ),
)


def _metrics(parent: str) -> tuple[Column, ...]:
    counted = {
        "impressions": "Times shown.",
        "reach": "People who saw it.",
        "likes": "Likes.",
        "comments": "Comments.",
        "shares": "Shares.",
        "saves": "Saves.",
        "clicks": "Clicks.",
        "views": "Video views.",
    }
    return (
        *(
            _column(name, f"{parent}.{name}", "int64", "sibling", meaning, "count")
            for name, meaning in counted.items()
        ),
        _column(
            "engagement_rate",
            f"{parent}.engagementRate",
            "float64",
            "sibling",
            "Share of viewers who reacted.",
            "percent",
        ),
        _column(
            "last_updated", f"{parent}.lastUpdated", "timestamp", "sibling", "Age of the numbers."
        ),
    )


ANALYTICS = (
    _column("post_id", "id", "id", "sibling", "The post."),
    _column("published_at", "publishedAt", "timestamp", "sibling", "When it went out."),
    *_metrics("analytics"),
    _column(
        "platforms",
        "platforms",
        "list<struct>",
        "sibling",
        "The same for each target.",
        fields=(
            _column("platform", "platform", "string", "sibling", "Platform, as instagram."),
            _column("account_id", "accountId", "id", "sibling", "Account that it went to."),
            *_metrics("analytics"),
        ),
        item="target",
    ),
)

FOLLOWERS = (
    _column("account_id", "accountId", "id", "sibling", "Account; unique per platform."),
    _column("platform", "platform", "string", "sibling", "Platform, as instagram."),
    _column("username", "username", "string", "sibling", "Handle or display name."),
    _column("date", "date", "date", "sibling", "Day (UTC)."),
    _column("followers", "followers", "int64", "sibling", "Followers on that day.", "people"),
)


def _follower_points(body: Any) -> list[Any] | None:  # noqa: ANN401 - JSON is any value
    """Return one record a point of ``stats``, with the account's own members on each."""
    stats = body.get("stats") if isinstance(body, dict) else None
    if not isinstance(stats, dict):
        return None
    listed = body.get("accounts")
    known = {
        account["id"]: {name: value for name, value in account.items() if name != "id"}
        for account in (listed if isinstance(listed, list) else [])
        if isinstance(account, dict) and isinstance(account.get("id"), str)
    }
    return [
        {"accountId": account, **known.get(account, {}), **point}
        if isinstance(point, dict)
        else point
        for account, points in stats.items()
        for point in (points if isinstance(points, list) else [points])
    ]


class Endpoints:
    """The declared endpoints; ``Client`` is the one to use."""

    # docs/api/accounts, "list connected accounts": documented, never paged.
    @endpoint("/v1/accounts", records="accounts", columns=ACCOUNTS, key=("platform", "account_id"))
    def accounts(self, platform: str | None = None) -> Params:
        """Accounts that are connected to the key, one row an account.

        Parameters
        ----------
        platform : str or None
            Only this platform, as ``instagram``; None means all.

        Returns
        -------
        Query
            Nothing is sent before its rows are asked for.

        Examples
        --------
        >>> import socialframe as sf
        >>> sf.Client.sandbox().accounts(platform="tiktok").frame()["platform"].unique().tolist()
        ['tiktok']
        """
        return {"platform": platform}

    # docs/api/accounts, "health": documented by an example.
    @endpoint(
        "/v1/accounts/health", records="accounts", columns=HEALTH, key=("platform", "account_id")
    )
    def health(self) -> Params:
        """State of each account's token and permissions, one row an account.

        Returns
        -------
        Query
            Nothing is sent before its rows are asked for.

        Examples
        --------
        >>> import socialframe as sf
        >>> "healthy" in set(sf.Client.sandbox().health().frame()["health"])
        True
        """
        return {}

    # No page of the documentation reaches the list; the sibling's GET /v1/posts is followed.
    @endpoint("/v1/posts", records="posts", columns=POSTS, key=("id",), paging=_PAGES)
    def posts(
        self,
        status: str | None = None,
        platform: str | None = None,
        since: Day | None = None,
        until: Day | None = None,
        per_page: int = 100,
    ) -> Params:
        """All posts, one row a post; ``explode("platforms")`` gives one row a target.

        Parameters
        ----------
        status : str or None
            Only this status, as ``published``.
        platform : str or None
            Only posts with a target on this platform.
        since, until : str, date, datetime or None
            First and last day (UTC), both included.
        per_page : int
            Rows a call; the sibling API gives 100 at most.

        Returns
        -------
        Query
            Nothing is sent before its rows are asked for.

        Raises
        ------
        ArgumentError
            If a day has a time of day, ``since`` is after ``until``, or ``per_page`` is below 1.

        Examples
        --------
        >>> import socialframe as sf
        >>> api = sf.Client.sandbox()
        >>> failed = api.posts(status="failed", since="2026-01-01").frame()
        >>> failed["status"].unique().tolist()
        ['failed']
        """
        first, last = days(since, until)
        size = whole_number("per_page", per_page)
        return {
            "limit": size,
            "status": status,
            "platform": platform,
            "dateFrom": first,
            "dateTo": last,
        }

    # Not documented; the sibling's GET /v1/analytics is followed.
    @endpoint("/v1/analytics", records="posts", columns=ANALYTICS, key=("post_id",), paging=_PAGES)
    def analytics(
        self,
        platform: str | None = None,
        account_id: str | None = None,
        since: Day | None = None,
        until: Day | None = None,
        per_page: int = 100,
    ) -> Params:
        """Numbers of published posts, one row a post, summed over its targets.

        Without ``since`` the sibling API gives the last 90 days; it refuses more than 366 at once.

        Parameters
        ----------
        platform, account_id : str or None
            Only posts with a target there.
        since, until : str, date, datetime or None
            First and last day (UTC) of publication, both included.
        per_page : int
            Rows a call; the sibling API gives 100 at most.

        Returns
        -------
        Query
            Nothing is sent before its rows are asked for.

        Raises
        ------
        ArgumentError
            If a day has a time of day, ``since`` is after ``until``, or ``per_page`` is below 1.

        Examples
        --------
        >>> import socialframe as sf
        >>> numbers = sf.Client.sandbox().analytics(platform="instagram").head()
        >>> str(numbers["likes"].dtype)
        'Int64'
        """
        first, last = days(since, until)
        size = whole_number("per_page", per_page)
        return {
            "limit": size,
            "platform": platform,
            "accountId": account_id,
            "fromDate": first,
            "toDate": last,
        }

    # Not documented; the sibling's GET /v1/accounts/follower-stats is followed.
    @endpoint(
        "/v1/accounts/follower-stats",
        records="stats",
        columns=FOLLOWERS,
        key=("account_id", "date"),
        reshape=_follower_points,
    )
    def followers(
        self,
        account_ids: str | Iterable[str] | None = None,
        since: Day | None = None,
        until: Day | None = None,
    ) -> Params:
        """Followers of each account, one row an account and day.

        Without ``since`` the sibling API gives the last 30 days.

        Parameters
        ----------
        account_ids : str, iterable of str or None
            Only these accounts; None means all.
        since, until : str, date, datetime or None
            First and last day (UTC), both included.

        Returns
        -------
        Query
            Nothing is sent before its rows are asked for. A record is a day of an account with
            what the reply says of the account; what of that is no column stands in ``_extra``.

        Raises
        ------
        ArgumentError
            If a day has a time of day, or ``since`` is after ``until``.

        Examples
        --------
        >>> import socialframe as sf
        >>> sf.Client.sandbox().followers().frame()["followers"].min() > 0
        np.True_
        """
        first, last = days(since, until)
        if account_ids is not None and not isinstance(account_ids, str):
            account_ids = ",".join(account_ids)
        return {"accountIds": account_ids, "fromDate": first, "toDate": last}
