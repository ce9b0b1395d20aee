"""The cache as users see it: how long answers last, what is in it, and what is thrown away."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from socialframe.errors import ArgumentError
from socialframe.files.atomic import expand_user
from socialframe.http.cache import Cache, missed
from socialframe.settings import cache_file, mounts, on_network
from socialframe.store.backends import Store
from socialframe.store.codec import Kept
from socialframe.store.manifest import Manifest, Passage, began, generation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd
    from httpx import BaseTransport

    from socialframe.errors import SocialFrameError
    from socialframe.store.codec import Codec
    from socialframe.store.manifest import Asked

MOST = 1 << 30  # bytes of bodies that a file keeps, unless told otherwise
MOST_IN_MEMORY = 1 << 26
_BRIEF, _LONG = 300.0, 3600.0
_LASTS = {"posts": _LONG, "analytics": _LONG, "followers": _LONG}  # seconds; all else is brief
_UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
_UNITS |= {"d": 86400, "day": 86400, "w": 604800, "week": 604800}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+?)s?\s*", re.IGNORECASE)
_FILES = {".sqlite", ".sqlite3", ".db"}
_MANIFEST = 24  # hex digits of a manifest's key
_ANSWER = re.compile("[0-9a-f]{64}")  # an answer's
_SLACK = 50  # walks that came since may hold one part in so many before the oldest go
_ORPHANED = 86400.0  # seconds after which an answer without a manifest is of no walk any more


class Backend(Protocol):
    """A backend of requests-cache, whose library is not loaded before it is used."""

    responses: Any


#: What ``cache=`` takes.
Wanted = bool | float | str | timedelta | os.PathLike[str] | Backend


@dataclass(frozen=True, slots=True)
class Choice:
    """What ``cache=`` was told.

    Parameters
    ----------
    place : Path, backend or None
        Where answers are kept; None is this process's memory.
    lasts : float or None
        Seconds that they are fresh; None is by endpoint.
    """

    place: Any
    lasts: float | None = None

    def seconds(self, endpoint: str) -> float:
        """Return how long a walk of an endpoint is fresh."""
        return _LASTS.get(endpoint, _BRIEF) if self.lasts is None else self.lasts


def chosen(cache: object, *, memory: bool = False) -> Choice | None:
    """Return what ``cache=`` means; None where there is no cache.

    Parameters
    ----------
    cache : object
        As ``Client`` takes it.
    memory : bool
        Keep answers in memory where no place is named.

    Raises
    ------
    ArgumentError
        If it cannot be meant.

    Examples
    --------
    >>> chosen("2 hours").lasts
    7200.0
    >>> chosen(False) is None
    True
    """
    place = None if memory else cache_file()
    if cache is False:
        return None
    if cache is True:
        return Choice(place)
    seconds = _seconds(cache)
    if seconds is not None:
        return Choice(place, seconds)
    if isinstance(cache, str | os.PathLike):
        path = expand_user(cache)
        # A slip of the pen must not make a database of somebody's file.
        if path.suffix in _FILES:
            return Choice(path.absolute())
    elif hasattr(cache, "responses") and hasattr(cache, "get_response"):
        return Choice(_own_file(cache))
    raise ArgumentError(
        "cache takes True, False, a duration ('1 hour', seconds, a timedelta), the path of a "
        f".sqlite file, or a backend of requests-cache, not {cache!r}."
    )


def _seconds(value: object) -> float | None:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, str):
        found = _DURATION.fullmatch(value)
        unit = _UNITS.get(found[2].lower()) if found else None
        return float(found[1]) * unit if found and unit else None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e10:  # noqa: PLR2004 - 300 years
        return float(value)
    return None


def _own_file(backend: Any) -> Any:  # noqa: ANN401 - a backend, whose library is not loaded here
    """Return the file of a backend of requests-cache that has one: we open it in our own way."""
    path = getattr(backend.responses, "db_path", "")
    if type(backend).__name__ == "SQLiteCache" and isinstance(path, Path):
        backend.close()
        return path
    return backend


@dataclass(slots=True, repr=False)
class Cached:
    """The cache of a client: ``api.cache``. It holds whole walks of this client's key.

    Parameters
    ----------
    choice : Choice
        What ``cache=`` was told.
    tenant : str
        Whose walks these are; none means everybody's, to look and to throw away.
    now : callable
        Seconds of Unix time.
    refresh, offline, stale_if_error : bool
        As ``Client`` takes them.

    Attributes
    ----------
    max_bytes : int
        Bytes of bodies that are kept, 1 GiB in a file and 64 MiB in memory; beyond it, the oldest
        walks go first. It may be set.

    Examples
    --------
    >>> import socialframe as sf
    >>> api = sf.Client.sandbox(cache=True)
    >>> api.accounts().frame().attrs["socialframe"]["from_network"]
    1
    >>> api.accounts().frame().attrs["socialframe"]["from_network"]
    0
    >>> api.cache.table()[["endpoint", "pages", "fresh"]].values.tolist()
    [['accounts', 1, True]]
    """

    choice: Choice
    tenant: str
    now: Callable[[], float] = time.time
    refresh: bool = False
    offline: bool = False
    stale_if_error: bool = False
    max_bytes: int = field(init=False)
    store: Store = field(init=False)
    _tidied: float = 0.0
    _grown: int = 0

    def __post_init__(self) -> None:
        place = self.choice.place
        self.max_bytes = MOST_IN_MEMORY if place is None else MOST
        network = isinstance(place, Path) and on_network(place, mounts())
        self.store = Store(place, codec, network=network)

    def layer(self, inner: BaseTransport) -> Cache:
        """Return the transport that stands in front of another one."""
        return Cache(inner, self.store, self.tenant, offline=self.offline, now=self.now)

    def passage(self, asked: Asked, *, refresh: bool | None = None) -> Passage:
        """Return how a walk goes through the cache.

        Parameters
        ----------
        asked : Asked
            What it asks for.
        refresh : bool or None
            Ask anew, whatever is kept; None as the client says.

        Raises
        ------
        OfflineMiss
            If nothing may be sent, and there is no whole walk of this.
        """
        refresh = self.refresh if refresh is None else refresh
        found = self._find(asked)
        if self.offline:
            if found is None:
                raise missed(_call(asked))
            return self._replay(asked, found)
        fresh = found and found.fresh(self.now(), self.choice.seconds(asked.endpoint))
        if found and fresh and not refresh:
            return self._replay(asked, found)
        # What was asked for anew is not to be told that it is as it was.
        before = None if refresh else found
        return Passage(asked, generation(self.now()), before=before, most=self.max_bytes)

    def instead(self, passage: Passage | None, error: SocialFrameError) -> Passage | None:
        """Return how a walk goes on after a failure: anew, by another one, or not at all."""
        if passage is None:
            return None
        if passage.torn and passage.before:
            self._forget(passage.before)
            return self.passage(passage.asked, refresh=False)
        if self.stale_if_error and error.retryable and not passage.replay:
            found = self._find(passage.asked)
            return self._replay(passage.asked, found) if found else None
        return None

    def arrived(self, passage: Passage | None, *, whole: bool) -> None:
        """Write the manifest of a walk that ended whole; throw away what others stored."""
        if passage is None or passage.replay:
            return
        if not (whole and passage.storable and passage.entries):
            self.store.delete(passage.generation + entry for entry in passage.entries)
            return
        manifest = Manifest(
            passage.asked,
            self.tenant,
            passage.generation,
            tuple(dict.fromkeys(passage.entries)),
            passage.first,
            passage.last,
            passage.size,
        )
        name = passage.asked.name(self.tenant)
        older = self._read(name)
        if self.store.put(name, Kept(200, (), manifest.written(), passage.first)):
            self.store.delete(older.keys() if older else [])
            self._grown += passage.size
            if self._grown * _SLACK > self.max_bytes or not self._tidied:
                self._tidy()

    def table(self) -> pd.DataFrame:
        """Return what is kept, newest first: one row a walk."""
        import pandas as pd

        names = (
            "tenant",
            "endpoint",
            "arguments",
            "pages",
            "size",
            "fetched",
            "age",
            "fresh",
            "whole",
        )
        now = self.now()
        rows = [
            (
                one.tenant[:8],
                one.asked.endpoint,
                one.asked.arguments,
                len(one.entries),
                one.size,
                datetime.fromtimestamp(one.first, UTC),
                timedelta(seconds=now - one.first),
                one.fresh(now, self.choice.seconds(one.asked.endpoint)),
                True,  # no other walk is ever kept
            )
            for one in sorted(self._mine(), key=lambda one: -one.first)
        ]
        table = pd.DataFrame(rows, columns=list(names))
        kinds = {"pages": "int64", "size": "int64", "age": "timedelta64[us]"}
        kinds |= {"fetched": "datetime64[us, UTC]", "fresh": "bool", "whole": "bool"}
        return table.drop(columns=["tenant"] * bool(self.tenant)).astype(kinds)

    @property
    def size(self) -> int:
        """Bytes of all bodies that are kept, before compression."""
        return sum(one.size for one in self._mine())

    def clear(self, *, endpoint: str | None = None, older_than: object = None) -> int:
        """Throw walks away.

        Parameters
        ----------
        endpoint : str or None
            Only of this endpoint, as ``posts``.
        older_than : str, float, timedelta or None
            Only those that are older, as ``"1 day"``.

        Returns
        -------
        int
            How many walks are gone. Where the cache cannot be used, a warning says so.

        Raises
        ------
        ArgumentError
            If ``older_than`` is no duration.
        """
        seconds = _seconds(older_than)
        if older_than is not None and seconds is None:
            raise ArgumentError(f"older_than takes a duration, as '1 day', not {older_than!r}.")
        gone = [
            one
            for one in self._mine()
            if (endpoint is None or one.asked.endpoint == endpoint)
            and (seconds is None or self.now() - one.first > seconds)
        ]
        count = sum(map(self._forget, gone))
        if count:
            self.store.shrink()
        return count

    def _replay(self, asked: Asked, found: Manifest) -> Passage:
        return Passage(asked, found.generation, replay=True, before=found)

    def _find(self, asked: Asked) -> Manifest | None:
        """Return the newest walk that answers this: of the same rows, or of all of them."""
        names = {asked.name(self.tenant), asked.without_limit().name(self.tenant)}
        found = [one for one in map(self._read, names) if one is not None]
        return max(found, key=lambda one: one.first, default=None)

    def _read(self, name: str) -> Manifest | None:
        kept = self.store.get(name)
        found = Manifest.read(kept.body) if kept else None
        return found if found and found.tenant == self.tenant else None

    def _mine(self) -> list[Manifest]:
        return [one for one in self._all(self.store.keys()) if self.tenant in {one.tenant, ""}]

    def _all(self, keys: Iterable[str]) -> list[Manifest]:
        kept = [self.store.get(key) for key in keys if len(key) == _MANIFEST]
        read = [Manifest.read(one.body) for one in kept if one]
        return [one for one in read if one]

    def _forget(self, gone: Manifest) -> bool:
        """Throw a walk away, but no newer one of the same; whether it is gone."""
        name = gone.asked.name(gone.tenant)
        kept = self.store.get(name)
        now = Manifest.read(kept.body) if kept else None
        names = [] if now and now.generation != gone.generation else [name]
        return self.store.delete([*names, *gone.keys()])

    def _tidy(self) -> None:
        """Keep within ``max_bytes``; now and then throw away what walks that died have left."""
        keys = self.store.keys()
        found = sorted(self._all(keys), key=lambda one: one.first)
        self._grown = 0
        size = sum(one.size for one in found)
        while found and size > self.max_bytes:
            size -= found[0].size
            self._forget(found.pop(0))
        now = self.now()
        if now - self._tidied > _ORPHANED:
            self._tidied = now
            living = {one.generation for one in found}
            self.store.delete(
                key
                for key in keys
                if _ANSWER.fullmatch(key)
                and key[: len(generation(now))] not in living
                and now - began(key) > _ORPHANED
            )

    def __repr__(self) -> str:
        place = self.choice.place
        where = place if isinstance(place, Path) else type(place).__name__ if place else "memory"
        lasts = "by endpoint" if self.choice.lasts is None else f"{self.choice.lasts:g} s"
        return f"<Cache in {where}, fresh {lasts}: .table(), .size, .clear()>"


def codec() -> Codec:
    """Return what compresses: pyarrow's, which the transport does not know."""
    import pyarrow as pa

    return pa.Codec("zstd", compression_level=3)  # type: ignore[no-any-return]


def _call(asked: Asked) -> str:
    params = "&".join(f"{name}={value}" for name, value in asked.params)
    return f"{asked.path}?{params}" if params else asked.path
