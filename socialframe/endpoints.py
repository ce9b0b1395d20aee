"""The endpoints of this API, one short method each; above each, the page that it implements.

What a page does not say is taken over from the API's sibling and marked so, column by column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from socialframe.days import Day, days
from socialframe.endpoint import endpoint
from socialframe.errors import ArgumentError
from socialframe.paging import AfterId, Auto, PageNumber
from socialframe.schema.tables import ACCOUNTS, ANALYTICS, FOLLOWERS, HEALTH, POSTS
from socialframe.walk.plan import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from socialframe.messages.call import Params

#: The documentation does not reach these lists: the replies say how they are paged, and where they
#: say nothing, page numbers are the strongest guess. Page 1 is asked for after the first page: if
#: that is the same one, pages count from 1.
_PAGES = Auto(
    token_param="cursor",  # noqa: S106 - the sibling takes its nextCursor back as this
    unsaid=(
        PageNumber(start=0, size_param="limit"),
        PageNumber(size_param="limit"),
        AfterId(param="after"),
    ),
)


def _follower_points(body: Any) -> list[Any] | None:  # noqa: ANN401 - JSON is any value
    """Return one record a point of ``stats``, with what the reply says of its account beside it."""
    stats = body.get("stats") if isinstance(body, dict) else None
    if not isinstance(stats, dict):
        return None
    listed = body.get("accounts")
    known = {
        str(account.get("id")): account
        for account in (listed if isinstance(listed, list) else [])
        if isinstance(account, dict)
    }
    return [
        {"accountId": account, "account": known.get(account)}
        | (point if isinstance(point, dict) else {"point": point})
        for account, points in stats.items()
        for point in (points if isinstance(points, list) else [points])
    ]


def _text(name: str, value: object) -> str | None:
    """Return a filter as it is, which must be one text."""
    if value is None or isinstance(value, str):
        return value
    raise ArgumentError(
        f"{name} takes one text, not {value!r}; ask once for each value, and concat the frames."
    )


def _ids(account_ids: object) -> str | None:
    if account_ids is None:
        return None
    given = [account_ids] if isinstance(account_ids, str) else list(account_ids)  # type: ignore[call-overload]
    wrong = [value for value in given if not isinstance(value, str) or not value]
    if wrong or not given:
        what = repr(wrong[0]) if wrong else "nothing"
        raise ArgumentError(
            f"account_ids takes one id or some of them, and holds {what}; leave it out for all."
        )
    return ",".join(given)


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
        return {"platform": _text("platform", platform)}

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
            First and last day (UTC) of creation, both included.
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
            "status": _text("status", status),
            "platform": _text("platform", platform),
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

        Without ``since`` the sibling API begins 90 days ago, whatever ``until`` says; it refuses
        more than 366 days at once.

        Parameters
        ----------
        platform, account_id : str or None
            Only posts with a target there. Their numbers still cover all of their targets.
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
            "platform": _text("platform", platform),
            "accountId": _text("account_id", account_id),
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

        Without ``since`` the sibling API begins 30 days ago, whatever ``until`` says.

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
        return {"accountIds": _ids(account_ids), "fromDate": first, "toDate": last}
