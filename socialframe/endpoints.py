"""The declared endpoints of the API, one short method each.

The comment above a method names the documentation page it implements. Where the documentation is
silent, a method follows the sibling API, and each column says so.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from socialframe.endpoint import endpoint
from socialframe.errors import ArgumentError
from socialframe.messages.reply_errors import is_only_error, stated_doubt
from socialframe.paging import AfterId, Auto, PageNumber
from socialframe.schema.tables import ACCOUNTS, ANALYTICS, FOLLOWERS, HEALTH, POSTS
from socialframe.walk.plan import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from socialframe.messages.call import Params

#: A day: ``"2026-01-31"``, a date, or a datetime or Timestamp at midnight (UTC).
Day = str | date | datetime

_LONGEST = 366  # days of analytics in one request
_DAY = re.compile(r"\d{4}-\d\d-\d\d")

#: The documentation does not describe these lists, so the scheme is detected from the first reply.
#: If that has no paging fields, page numbers are the best guess. Page 1 is requested after the
#: first page: if both are the same, pages count from 1.
_PAGES = Auto(
    token_param="cursor",  # noqa: S106 - the sibling API's parameter for nextCursor
    unsaid=(
        PageNumber(start=0, size_param="limit"),
        PageNumber(size_param="limit"),
        AfterId(param="after"),
    ),
)


def _follower_points(body: Any) -> list[Any] | None:  # noqa: ANN401 - JSON is any value
    """Return one record for each point of ``stats``, with the account of the point added.

    The id of the account is the name of its points in ``stats``; it is not repeated. A text says
    which account has an error, or an entry that is no day.
    """
    stats = body.get("stats") if isinstance(body, dict) else None
    if not isinstance(stats, dict):
        return None
    listed = body.get("accounts")
    known = {
        str(account.get("id")): {name: value for name, value in account.items() if name != "id"}
        for account in (listed if isinstance(listed, list) else [])
        if isinstance(account, dict)
    }
    records: list[Any] = []
    for account, points in stats.items():
        days = points if isinstance(points, list) else [points]
        good = [day for day in days if isinstance(points, list) and _is_day(day)]
        records += [{"accountId": account, "account": known.get(account), **day} for day in good]
        if len(good) < len(days):
            bad = next(day for day in days if day not in good)
            records.append(f"account {account!r}: {json.dumps(bad)[:100]}")
    doubts = {account: stated_doubt(members) for account, members in known.items()}
    return records + [f"account {account!r}: {doubt}" for account, doubt in doubts.items() if doubt]


def _is_day(value: object) -> bool:
    return isinstance(value, dict) and not (value and is_only_error(value))


def _string(name: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ArgumentError(
        f"{name} must be a single string; got {value!r}. For several values, run a query for each "
        "and concatenate the DataFrames."
    )


def _ids(account_ids: object) -> str | None:
    if account_ids is None:
        return None
    given = [account_ids] if isinstance(account_ids, str) else list(account_ids)  # type: ignore[call-overload]
    wrong = [value for value in given if not isinstance(value, str) or not value]
    if wrong or not given:
        shown = repr(wrong[0]) if wrong else "an empty list"
        raise ArgumentError(
            f"account_ids must be one or more account ids; got {shown}. Omit it for all accounts."
        )
    return ",".join(given)


def _day_range(since: Day | None, until: Day | None) -> tuple[str | None, str | None]:
    """Return both days as YYYY-MM-DD."""
    try:
        first, last = _day("since", since), _day("until", until)
    except OverflowError:
        raise ArgumentError("since and until must be days that exist in UTC.") from None
    if first is not None and last is not None and first > last:
        raise ArgumentError(f"since ({first}) is after until ({last}); swap them.")
    return first, last


def _parts(first: str | None, last: str | None) -> list[tuple[str | None, str | None]]:
    """Split a period into parts of at most 366 days, the newest first."""
    parts: list[tuple[str | None, str | None]] = []
    if first is not None:
        start = date.fromisoformat(first)
        end = date.fromisoformat(last) if last else datetime.now(UTC).date()
        while (end - start).days >= _LONGEST:
            since = end - timedelta(days=_LONGEST - 1)
            parts.append((since.isoformat(), end.isoformat() if parts else last))
            end = since - timedelta(days=1)
        last = end.isoformat() if parts else last
    return [*parts, (first, last)]


def _day(name: str, value: object) -> str | None:
    if value is None:
        return None
    if type(value).__name__ == "datetime64":  # of numpy, without importing it
        value = value.astype("datetime64[us]").item()  # type: ignore[attr-defined]
    if isinstance(value, datetime):
        if value != value:  # noqa: PLR0124 - NaT of pandas
            raise ArgumentError(f"{name} is NaT; pass a day, or leave it out.")
        in_utc = value.astimezone(UTC) if value.tzinfo else value
        if in_utc.time() != datetime.min.time():
            raise _not_a_whole_day(name, value, in_utc.date().isoformat())
        return in_utc.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise ArgumentError(f"{name} must be an existing day; got {value!r}.") from None
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[T ]", value):
        raise _not_a_whole_day(name, value, value[:10])
    raise ArgumentError(
        f"{name} must be a day like '2026-01-31', a date or a Timestamp at midnight; got {value!r}."
    )


def _not_a_whole_day(name: str, value: object, day: str) -> ArgumentError:
    return ArgumentError(
        f"{name} must be a whole UTC day, because the API filters by day; got {str(value)!r}. Pass "
        f"{day!r}, then filter the DataFrame by time."
    )


class Endpoints:
    """The declared endpoints, as methods of ``Client``."""

    # docs/api/accounts, "list connected accounts": documented, not paged.
    @endpoint("/v1/accounts", records="accounts", columns=ACCOUNTS, key=("platform", "account_id"))
    def accounts(self, platform: str | None = None) -> Params:
        """Query the accounts that are connected to the key, one row per account.

        Parameters
        ----------
        platform : str or None
            Only this platform, such as ``instagram``; None means all.

        Returns
        -------
        Query
            No request is sent until you ask for rows.

        Examples
        --------
        >>> import socialframe as sf
        >>> sf.Client.sandbox().accounts(platform="tiktok").frame()["platform"].unique().tolist()
        ['tiktok']
        """
        return {"platform": _string("platform", platform)}

    # docs/api/accounts, "health": documented by an example only.
    @endpoint(
        "/v1/accounts/health", records="accounts", columns=HEALTH, key=("platform", "account_id")
    )
    def health(self) -> Params:
        """Query the token and permission status, one row per account.

        Returns
        -------
        Query
            No request is sent until you ask for rows.

        Examples
        --------
        >>> import socialframe as sf
        >>> "healthy" in set(sf.Client.sandbox().health().frame()["health"])
        True
        """
        return {}

    # Not documented; follows GET /v1/posts of the sibling API.
    @endpoint(
        "/v1/posts", records="posts", columns=POSTS, key=("id",), paging=_PAGES, clock="created_at"
    )
    def posts(
        self,
        status: str | None = None,
        platform: str | None = None,
        since: Day | None = None,
        until: Day | None = None,
        per_page: int = 100,
    ) -> Params:
        """Query posts, one row per post; ``explode("platforms")`` gives one row per target.

        Parameters
        ----------
        status : str or None
            Only this status, such as ``published``.
        platform : str or None
            Only posts with a target on this platform.
        since, until : str, date, datetime or None
            First and last day (UTC) of creation, both included.
        per_page : int
            Rows per request; the sibling API sends at most 100.

        Returns
        -------
        Query
            No request is sent until you ask for rows.

        Raises
        ------
        ArgumentError
            If an argument is invalid, such as a time instead of a whole day.

        Examples
        --------
        >>> import socialframe as sf
        >>> api = sf.Client.sandbox()
        >>> failed = api.posts(status="failed", since="2026-01-01").frame()
        >>> failed["status"].unique().tolist()
        ['failed']
        """
        first, last = _day_range(since, until)
        size = whole_number("per_page", per_page)
        return {
            "limit": size,
            "status": _string("status", status),
            "platform": _string("platform", platform),
            "dateFrom": first,
            "dateTo": last,
        }

    # Not documented; follows GET /v1/analytics of the sibling API.
    @endpoint(
        "/v1/analytics",
        records="posts",
        columns=ANALYTICS,
        key=("post_id",),
        paging=_PAGES,
        default_days=90,
        clock="published_at",
    )
    def analytics(
        self,
        platform: str | None = None,
        account_id: str | None = None,
        since: Day | None = None,
        until: Day | None = None,
        per_page: int = 100,
    ) -> list[Params]:
        """Query metrics of published posts, one row per post, summed over its targets.

        ``explode("platforms")`` gives one row per target. The metrics of the target are
        ``target_likes`` and so on; those of the post repeat in the rows of all its targets, so they
        are ``post_likes`` and so on: do not add them up. A failed target is a row without metrics;
        see ``target_status`` and ``target_sync_status``.

        Without ``since`` the sibling API starts 90 days ago, whatever ``until`` is; ``attrs`` and
        ``repr`` say so. It refuses more than 366 days, so a longer period is requested in parts,
        the newest first.

        Parameters
        ----------
        platform, account_id : str or None
            Only posts with a target there. The metrics still cover all targets of a post.
        since, until : str, date, datetime or None
            First and last day (UTC) of publication, both included.
        per_page : int
            Rows per request; the sibling API sends at most 100.

        Returns
        -------
        Query
            No request is sent until you ask for rows.

        Raises
        ------
        ArgumentError
            If an argument is invalid, such as a time instead of a whole day.

        Examples
        --------
        >>> import socialframe as sf
        >>> numbers = sf.Client.sandbox().analytics(platform="instagram").head()
        >>> str(numbers["likes"].dtype)
        'Int64'
        """
        first, last = _day_range(since, until)
        size = whole_number("per_page", per_page)
        params = {
            "limit": size,
            "platform": _string("platform", platform),
            "accountId": _string("account_id", account_id),
        }
        return [{**params, "fromDate": a, "toDate": b} for a, b in _parts(first, last)]

    # Not documented; follows GET /v1/accounts/follower-stats of the sibling API.
    @endpoint(
        "/v1/accounts/follower-stats",
        records="stats",
        columns=FOLLOWERS,
        key=("account_id", "date"),
        reshape=_follower_points,
        default_days=30,
        clock="date",
    )
    def followers(
        self,
        account_ids: str | Iterable[str] | None = None,
        since: Day | None = None,
        until: Day | None = None,
    ) -> Params:
        """Query the followers of each account, one row per account and day.

        ``date`` is a day, not a moment: ``datetime64`` without a time zone in a DataFrame, and
        ``date32`` in Arrow and Parquet. Without ``since`` the sibling API starts 30 days ago,
        whatever ``until`` is; ``attrs`` and ``repr`` say so.

        Parameters
        ----------
        account_ids : str, iterable of str or None
            Only these accounts; None means all.
        since, until : str, date, datetime or None
            First and last day (UTC), both included.

        Returns
        -------
        Query
            No request is sent until you ask for rows.

        Raises
        ------
        ArgumentError
            If an argument is invalid, such as a time instead of a whole day.

        Examples
        --------
        >>> import socialframe as sf
        >>> sf.Client.sandbox().followers().frame()["followers"].min() > 0
        np.True_
        """
        first, last = _day_range(since, until)
        return {"accountIds": _ids(account_ids), "fromDate": first, "toDate": last}
