"""The unfinished walks of a client: which of them a query goes on with, and how they are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from socialframe.errors import ArgumentError
from socialframe.paging.parse import parse_scheme
from socialframe.settings import data_folder, mounts, on_network
from socialframe.store.cache import codec
from socialframe.store.store import RUNNING, Walks
from socialframe.store.stored_walk import Started, Unfinished

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from socialframe.store.manifest import Asked
    from socialframe.store.recorder import Journal

#: What ``resume=`` takes; True is none of it.
Resume = Literal["auto", False]


@dataclass(slots=True, repr=False)
class Resumption:
    """What a client does with unfinished walks.

    Parameters
    ----------
    walks : Walks
        Where they are.
    tenant : str
        Whose walks these are.
    auto : bool
        Whether a query goes on with a young one by itself.
    refresh : bool
        Whether it asks anew instead, unless it says otherwise.
    """

    walks: Walks
    tenant: str
    auto: bool = True
    refresh: bool = False

    def journal(
        self,
        asked: Asked,
        recipe: dict[str, Any],
        *,
        walk: str,
        refresh: bool | None,
        fresh: float,
    ) -> Journal:
        """Return the journal of a walk that is about to begin, or to go on.

        One that nobody interrupted, but that was left, as by ``break``, goes on by itself only
        while the cache would call it ``fresh``.
        """
        name = asked.name(self.tenant)
        found = None
        anew = self.refresh if refresh is None else refresh
        if walk or (self.auto and not anew):
            found = self.walks.pick(self.tenant, name, walk=walk, left=fresh)
        return found or self.walks.begin(Started(self.tenant, name, asked.endpoint, recipe))

    def journal_of(self, asked: Asked, walk: str) -> Journal | None:
        """Return the journal of an unfinished walk, to be read."""
        name = asked.name(self.tenant)
        return self.walks.pick(self.tenant, name, walk=walk, take=False) if walk else None

    def forget(self, *endpoints: str) -> None:
        """Forget the unfinished walks of some endpoints that nobody is at work on."""
        self.walks.remove(
            one.id
            for one in self.walks.all()
            if (one.tenant, one.state == RUNNING) == (self.tenant, False)
            and one.endpoint in endpoints
        )

    def find(self, walk: object) -> Unfinished:
        """Return an unfinished walk.

        Raises
        ------
        ArgumentError
            If there is none of this name and key, or it is at work.
        """
        found = next((one for one in self.walks.all() if one.id == walk), None)
        if found is None:
            raise ArgumentError(f"There is no unfinished walk {walk!r}: sf.walks() lists them.")
        if found.tenant != self.tenant:
            raise ArgumentError(f"The walk {walk!r} was made with another key or base URL.")
        if found.state == RUNNING:
            raise ArgumentError(f"The walk {walk!r} is at work, here or in another process.")
        return found


def table(walks: Walks | None) -> pd.DataFrame:
    """Return unfinished walks as a table, newest first: one row a walk."""
    import pandas as pd

    found, now = ([], 0.0) if walks is None else (walks.all(), walks.now())
    rows = [
        (
            one.id,
            words(one),
            one.pages,
            one.rows,
            one.state,
            one.reason,
            datetime.fromtimestamp(one.changed, UTC),
            timedelta(seconds=now - one.changed),
            one.size,
        )
        for one in found
    ]
    names = ["walk_id", "query", "pages", "rows", "state", "reason", "changed", "age", "size"]
    made = pd.DataFrame(rows, columns=names)
    return made.astype({"pages": "int64", "rows": "int64", "size": "int64"})


def shared_walks() -> Walks:
    """Return the walks that all clients of this machine's user share."""
    return Walks(data_folder, codec, remote=_remote)


def _remote(folder: Path) -> bool:
    return on_network(folder, mounts())


def words(one: Unfinished) -> str:
    """Return the query of an unfinished walk as one would type it."""
    query = one.query
    given = query.get("arguments", {})
    arguments = ", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)
    text = f"{one.endpoint}({arguments})"
    text += f".limit({query['most']})" if query.get("most") else ""
    return text + (f".explode({query['explode']!r})" if query.get("explode") else "")


def resumption(
    journal: object,
    resume: object,
    tenant: str,
    *,
    refresh: bool,
    memory: bool,
    now: Callable[[], float],
) -> Resumption | None:
    """Return what ``journal=`` and ``resume=`` mean; None where no journal is kept.

    Raises
    ------
    ArgumentError
        If they cannot be meant.
    """
    if not isinstance(journal, bool):
        raise ArgumentError(f"journal takes True or False, not {journal!r}.")
    if resume != "auto" and resume is not False:
        raise ArgumentError(f"resume takes 'auto' or False, not {resume!r}.")
    if not journal:
        return None
    walks = Walks(None if memory else data_folder, codec, now=now, remote=_remote)
    return Resumption(walks, tenant, bool(resume), refresh)


def made_again(client: Any, found: Unfinished) -> Any:  # noqa: ANN401 - a Client and a Query, above
    """Return the query of an unfinished walk.

    Raises
    ------
    ArgumentError
        If it cannot be made again from what was noted.
    """
    given = dict(found.query["arguments"])
    method: Callable[..., Any] = getattr(client, found.endpoint, str)  # it may be gone
    try:
        if "paging" in given and found.endpoint == "fetch":
            given["paging"] = parse_scheme(given["paging"])
        query: Any = method(**given)
        if found.query["most"]:
            query = query.limit(found.query["most"])
        if found.query["explode"]:
            query = query.explode(found.query["explode"])
    except (ArgumentError, ValueError, TypeError):
        query = None
    if query is None or query._asked.name(found.tenant) != found.name:  # noqa: SLF001 - a Query's
        raise ArgumentError(
            f"The query of the walk {found.id!r} cannot be made again from its name: run "
            f"{words(found)} as it was run, and it goes on by itself."
        )
    return replace(query, walk=found.id)
