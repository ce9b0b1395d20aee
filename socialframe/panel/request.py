"""What is asked for, and what is known of accounts: plain values, no widgets."""

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

#: Each endpoint that can be loaded, and the filters that it takes.
ENDPOINTS: dict[str, tuple[str, ...]] = {
    "posts": ("platform", "since", "until"),
    "analytics": ("platform", "account_id", "since", "until"),
    "followers": ("account_id", "since", "until"),
    "accounts": ("platform",),
    "health": (),
}
_OWN_NAMES = {("followers", "account_id"): "account_ids"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be loaded. A filter that the endpoint does not take is left out.

    Parameters
    ----------
    endpoint : str
        One of ``ENDPOINTS``.
    platform, account_id : str or None
        Only these; None means all.
    since, until : date or None
        First and last day.
    rows : int or None
        Rows at most.

    Examples
    --------
    >>> from datetime import date
    >>> wish = Wish(endpoint="posts", platform="tiktok", since=date(2026, 1, 1), rows=200)
    >>> wish.line
    "api.posts(platform='tiktok', since='2026-01-01').limit(200)"
    """

    endpoint: str = "posts"
    platform: str | None = None
    account_id: str | None = None
    since: date | None = None
    until: date | None = None
    rows: int | None = None

    @property
    def arguments(self) -> dict[str, str]:
        """What the endpoint is called with."""
        found = {}
        for name in ENDPOINTS[self.endpoint]:
            value = getattr(self, name)
            if value is not None:
                found[_OWN_NAMES.get((self.endpoint, name), name)] = str(value)
        return found

    @property
    def line(self) -> str:
        """The same as a line of Python."""
        given = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        limit = "" if self.rows is None else f".limit({self.rows})"
        return f"api.{self.endpoint}({given}){limit}"

    def query(self, api: Client) -> Query:
        """Return the query; nothing is sent yet.

        Raises
        ------
        ArgumentError
            If the days are in the wrong order, or rows are less than 1.
        """
        query: Query = getattr(api, self.endpoint)(**self.arguments)
        return query if self.rows is None else query.limit(self.rows)


def rows_of(text: str) -> int | None:
    """Read how many rows are wanted; nothing, or the word all, means all.

    Raises
    ------
    ArgumentError
        If it is no whole number from 1 on.

    Examples
    --------
    >>> rows_of("2,000"), rows_of(" ")
    (2000, None)
    """
    plain = text.strip().replace(",", "").replace("_", "").replace(" ", "")
    if not plain or plain.lower() == "all":
        return None
    if plain.isascii() and plain.isdigit() and int(plain):
        return int(plain)
    raise ArgumentError(f"Rows at most takes a whole number from 1 on, or nothing, not {text!r}.")


@dataclass(frozen=True, slots=True)
class Profile:
    """One account, with what is known of its health."""

    platform: str
    account_id: str
    name: str
    since: str
    health: str = ""
    advice: str = ""

    @property
    def level(self) -> str:
        """``good``, ``warn``, ``bad`` or ``quiet``, where nothing is known."""
        return {"": "quiet", "healthy": "good", "warning": "warn"}.get(self.health, "bad")

    @property
    def reconnects(self) -> bool:
        """Whether its health says that it should be connected again."""
        return self.level in {"warn", "bad"}


def profiles(accounts: pd.DataFrame, health: pd.DataFrame | None = None) -> list[Profile]:
    """Put accounts and their health together, in the order of the accounts.

    Examples
    --------
    >>> import socialframe as sf
    >>> api = sf.Client.sandbox()
    >>> found = profiles(api.accounts().frame(), api.health().frame())
    >>> [one.name for one in found if one.level == "warn"]
    ['@botonperdido', 'حبر وزعفران', 'mittiaurdhoop']
    """
    known = {} if health is None else {_name(row): row for row in health.to_dict("records")}
    found = []
    for row in accounts.to_dict("records"):
        state = known.get(_name(row), {})
        moment = row["connected_at"]
        found.append(
            Profile(
                platform=_text(row["platform"]),
                account_id=_text(row["account_id"]),
                name=_text(row["username"]) or _text(row["account_id"]),
                since="" if moment is None or moment != moment else f"{moment:%d %b %Y}",  # noqa: PLR0124 - NaT
                health=_text(state.get("health")),
                advice=" ".join(_list(state.get("recommendations"))),
            )
        )
    return found


def platforms(known: list[Profile]) -> list[str]:
    """Return the platforms to offer: the usual ones, and whatever else there is."""
    return list(dict.fromkeys([*PLATFORMS, *(one.platform for one in known)]))


def _name(row: dict[Any, Any]) -> tuple[str, str]:
    return _text(row["platform"]), _text(row["account_id"])


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[str]:  # noqa: ANN401 - a list of Arrow's, or a null of pandas'
    try:
        return [str(one) for one in value]
    except TypeError:
        return []
