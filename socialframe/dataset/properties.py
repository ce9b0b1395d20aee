"""The properties of a dataset, which its table holds: what it has rows of, and how it is kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from socialframe.errors import ArgumentError, DatasetError
from socialframe.redact import redacted
from socialframe.store.cache import parse_duration
from socialframe.walk.plan import describe_query

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from socialframe.query import Query

Deletes = Literal["remove", "keep"]
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Properties:
    """What a dataset has rows of, and how it is kept current. It never holds a key.

    Parameters
    ----------
    endpoint : str
        Name of the endpoint.
    arguments : dict
        Arguments of the query, as JSON values.
    key : tuple of str
        Columns of the primary key.
    clock : str
        The column that ``since`` compares; empty if each refresh fetches all rows.
    restate : float
        Seconds before the newest row that are fetched again.
    history, deletes
        As ``Dataset`` takes them.
    tenant : str
        The tenant of the client.
    """

    endpoint: str
    arguments: dict[str, Any]
    key: tuple[str, ...]
    clock: str
    restate: float
    history: bool
    deletes: Deletes
    tenant: str
    format: int = _FORMAT

    @classmethod
    def of(
        cls, query: Query, restate: str | float | timedelta, *, history: bool, deletes: Deletes
    ) -> Self:
        """Return the properties of a dataset of a query.

        Raises
        ------
        ArgumentError
            If a table of the query could not be kept current.
        """
        plan = query._plan
        seconds = parse_duration(restate)
        if seconds is None:
            raise ArgumentError(f"restate must be a duration, such as '14 days'; got {restate!r}.")
        if not isinstance(history, bool):
            raise ArgumentError(f"history must be True or False; got {history!r}.")
        if deletes not in ("remove", "keep"):
            raise ArgumentError(f"deletes must be 'remove' or 'keep'; got {deletes!r}.")
        if plan.limit is not None or plan.schema.exploded:
            raise ArgumentError(
                f"A dataset cannot be kept of {plan}: remove limit() and explode(), and use them "
                "on the rows of the dataset."
            )
        if not plan.schema.key:
            raise ArgumentError(f"{plan} has no key; pass key=… to fetch().")
        if plan.period:
            days = plan.endpoint.default_days
            raise ArgumentError(
                f"{plan} has rows of the last {days} days only, so a dataset of it would lose "
                "older ones. Pass since=…, the first day that the dataset shall have."
            )
        clock = "" if plan.method is None else plan.endpoint.clock
        given = {**plan.given, **_days(plan.arguments)} if clock else plan.given
        if redacted(json.dumps(given)) != json.dumps(given):
            raise ArgumentError(
                "The arguments of the query, which the table would hold, have an API key."
            )
        tenant = query._session.tenant
        key = tuple(plan.schema.key)
        return cls(plan.endpoint.name, given, key, clock, seconds, history, deletes, tenant)

    @classmethod
    def read(cls, found: dict[str, Any], uri: str) -> Self:
        """Return the properties of a table.

        Raises
        ------
        DatasetError
            If a newer version wrote them.
        """
        if found.get("format") != _FORMAT:
            raise DatasetError(f"{uri} was written by a newer version of socialframe. Upgrade it.")
        return cls(**{**found, "key": tuple(found["key"])})

    def to_json(self) -> str:
        """Return the properties as JSON."""
        return json.dumps(asdict(self))

    def check_same(self, stored: Properties, uri: str) -> None:
        """Refuse another query, another key or another kind of history than the table has."""
        if stored.tenant != self.tenant:
            raise other_key(uri)
        if (stored.endpoint, stored.arguments) != (self.endpoint, self.arguments):
            raise ArgumentError(
                f"{uri} has the rows of {stored}, not of {self}. Use another path for each query."
            )
        if stored.history != self.history:
            raise ArgumentError(
                f"{uri} was made with history={stored.history}, which cannot be changed."
            )

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return describe_query(self.endpoint, arguments, None, "")


def _days(arguments: Iterable[tuple[str, object]]) -> dict[str, str]:
    """Return since and until as days in UTC, from which the query can be made again."""
    days = {}
    for name, value in arguments:
        if name in {"since", "until"} and isinstance(value, date):
            moment = (
                value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value
            )
            days[name] = f"{moment:%Y-%m-%d}"
    return days


def other_key(uri: str) -> ArgumentError:
    """Return the error of a client whose key or base URL differs from that of the dataset."""
    return ArgumentError(
        f"{uri} was made with another API key or base URL; refresh it with a client of that key."
    )
