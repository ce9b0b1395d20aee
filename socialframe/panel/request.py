"""The load request of the panel, and its accounts: values without widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socialframe.errors import ArgumentError

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from socialframe.client import Client
    from socialframe.query import Query

PLATFORMS = ("instagram", "facebook", "threads", "tiktok", "twitter")

#: The endpoints that can be loaded, with their filters.
ENDPOINTS: dict[str, tuple[str, ...]] = {
    "posts": ("platform", "since", "until"),
    "analytics": ("platform", "account_id", "since", "until"),
    "followers": ("account_id", "since", "until"),
    "accounts": ("platform",),
    "health": (),
}
_PARAMETER_NAMES = {("followers", "account_id"): "account_ids"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRequest:
    """The endpoint, filters and row limit. Filters that the endpoint does not have are ignored."""

    endpoint: str = "posts"
    platform: str | None = None
    account_id: str | None = None
    since: date | None = None
    until: date | None = None
    rows: int | None = None

    @property
    def arguments(self) -> dict[str, str]:
        found = {}
        for name in ENDPOINTS[self.endpoint]:
            value = getattr(self, name)
            if value is not None:
                found[_PARAMETER_NAMES.get((self.endpoint, name), name)] = str(value)
        return found

    @property
    def code(self) -> str:
        """The query as a Python expression."""
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        limit = "" if self.rows is None else f".limit({self.rows})"
        return f"api.{self.endpoint}({arguments}){limit}"

    def query(self, api: Client) -> Query:
        """Return the query; raise ArgumentError if a filter is invalid. No request is sent."""
        query: Query = getattr(api, self.endpoint)(**self.arguments)
        return query if self.rows is None else query.limit(self.rows)


def parse_row_limit(text: str) -> int | None:
    """Return the row limit that the user typed; None for an empty text or ``all``."""
    digits = text.strip().replace(",", "").replace("_", "").replace(" ", "")
    if not digits or digits.lower() == "all":
        return None
    if digits.isascii() and digits.isdigit() and int(digits):
        return int(digits)
    raise ArgumentError(f"The row limit must be empty or an integer from 1; got {text!r}.")


@dataclass(frozen=True, slots=True)
class Profile:
    platform: str
    account_id: str
    name: str
    since: str
    health: str = ""
    advice: str = ""

    @property
    def level(self) -> str:
        """The health as a level; ``quiet`` if it is unknown, ``bad`` for any other value."""
        return {"": "quiet", "healthy": "good", "warning": "warn"}.get(self.health, "bad")

    @property
    def needs_reconnect(self) -> bool:
        return self.level in {"warn", "bad"}


def profiles_of(accounts: pd.DataFrame, health: pd.DataFrame | None = None) -> list[Profile]:
    """Join accounts with their health, in the order of the accounts."""
    known = {} if health is None else {_key(row): row for row in health.to_dict("records")}
    found = []
    for row in accounts.to_dict("records"):
        state = known.get(_key(row), {})
        connected_at = row["connected_at"]
        missing = connected_at is None or connected_at != connected_at  # noqa: PLR0124 - NaT
        found.append(
            Profile(
                platform=_text(row["platform"]),
                account_id=_text(row["account_id"]),
                name=_text(row["username"]) or _text(row["account_id"]),
                since="" if missing else f"{connected_at:%d %b %Y}",
                health=_text(state.get("health")),
                advice=" ".join(_list(state.get("recommendations"))),
            )
        )
    return found


def platforms_of(profiles: list[Profile]) -> list[str]:
    """Return the platforms to offer: the documented ones, then others with an account."""
    return list(dict.fromkeys([*PLATFORMS, *(profile.platform for profile in profiles)]))


def _key(row: dict[Any, Any]) -> tuple[str, str]:
    return _text(row["platform"]), _text(row["account_id"])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[str]:  # noqa: ANN401 - a list of Arrow's, or a null of pandas'
    try:
        return [str(entry) for entry in value]
    except TypeError:
        return []
