"""Whole UTC days, in the ways that people write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from socialframe.errors import ArgumentError

#: A day: ``"2026-01-31"``, a date, or a datetime or Timestamp at midnight (UTC).
Day = str | date | datetime

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def days(since: Day | None, until: Day | None) -> tuple[str | None, str | None]:
    """Return first and last day as YYYY-MM-DD.

    Parameters
    ----------
    since, until : str, date, datetime or None
        First and last day (UTC), both included.

    Raises
    ------
    ArgumentError
        If one is no whole UTC day, or they stand in the wrong order.

    Examples
    --------
    >>> days(date(2026, 1, 1), "2026-01-31")
    ('2026-01-01', '2026-01-31')
    """
    try:
        first, last = _day("since", since), _day("until", until)
    except OverflowError:
        raise ArgumentError("since and until are days that exist in UTC, too.") from None
    if first is not None and last is not None and first > last:
        raise ArgumentError(f"since ({first}) is after until ({last}); swap them.")
    return first, last


def _day(name: str, value: object) -> str | None:
    """Return a whole UTC day as YYYY-MM-DD."""
    if value is None:
        return None
    if type(value).__name__ == "datetime64":  # numpy's, without importing it
        value = value.astype("datetime64[us]").item()  # type: ignore[attr-defined]
    if isinstance(value, datetime):
        if value != value:  # noqa: PLR0124 - pandas' NaT
            raise ArgumentError(f"{name} is NaT; give a day, or leave it out.")
        in_utc = value.astimezone(UTC) if value.tzinfo else value
        if in_utc.time() != datetime.min.time():
            raise ArgumentError(
                f"{name} is {value}, which is not a whole UTC day; the API filters by days. "
                f"Give '{in_utc.date()}', and filter the frame by the time of day."
            )
        return in_utc.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise ArgumentError(f"{name} is {value!r}, and there is no such day.") from None
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[T ]", value):
        raise ArgumentError(
            f"{name} is {value!r}, with a time of day; the API filters by whole UTC days. "
            f"Give {value[:10]!r}, and filter the frame by the time of day."
        )
    raise ArgumentError(
        f"{name} takes a day as '2026-01-31', a date, or a Timestamp at midnight, not {value!r}."
    )
