"""The cache for users: how long walks are fresh, their list, their size and their deletion."""

from __future__ import annotations

import logging
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from socialframe.errors import ArgumentError, CacheWarning, JournalWarning
from socialframe.folders import cache_folder, is_network_path, old_files
from socialframe.sqlite import SQLiteFile, set_aside
from socialframe.store.backends import MappingStorage, Storage, adopt, open_sqlite
from socialframe.store.store import WalkStore

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from socialframe.store.stored_walk import StoredWalk

_log = logging.getLogger("socialframe")

MAX_BYTES = 1 << 30  # of bodies in a file
_MAX_BYTES_IN_MEMORY = 1 << 26
_SHORT, _LONG = 300.0, 3600.0
_FRESH_FOR = {"posts": _LONG, "analytics": _LONG, "followers": _LONG}  # seconds; else _SHORT
_UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
_UNITS |= {"d": 86400, "day": 86400, "w": 604800, "week": 604800}
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+?)s?\s*", re.IGNORECASE)
_SUFFIXES = {".sqlite", ".sqlite3", ".db"}
_LONGEST = 1e10  # seconds; 300 years
_FILE = "walks.sqlite"


class Backend(Protocol):
    """A backend of requests-cache; the library is not imported before it is used."""

    responses: Any


#: The type of ``cache=``.
CacheArgument = bool | float | str | timedelta | os.PathLike[str] | Backend


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """The parsed ``cache=``: where complete walks are stored, and how long they are fresh.

    Parameters
    ----------
    place : Path, backend or None
        None is the file of the open walks.
    seconds : float or None
        None uses the default of each endpoint.
    """

    place: Any = None
    seconds: float | None = None

    def fresh_for(self, endpoint: str) -> float:
        """Return how many seconds a walk of an endpoint is fresh."""
        return _FRESH_FOR.get(endpoint, _SHORT) if self.seconds is None else self.seconds


def parse_cache_argument(cache: object) -> CacheSettings | None:
    """Parse ``cache=``; return None if there is no cache.

    Raises
    ------
    ArgumentError
        If it is invalid.

    Examples
    --------
    >>> parse_cache_argument("2 hours").seconds
    7200.0
    >>> parse_cache_argument(False) is None
    True
    """
    if cache is False:
        return None
    if cache is True:
        return CacheSettings()
    seconds = parse_duration(cache)
    if seconds is not None:
        return CacheSettings(seconds=seconds)
    if isinstance(cache, str | os.PathLike):
        path = Path(os.path.expanduser(os.fsdecode(cache)))  # noqa: PTH111 - expanduser raises without a home
        if path.suffix in _SUFFIXES:  # a typo must not turn another file into a database
            return CacheSettings(path.absolute())
    elif hasattr(cache, "responses") and hasattr(cache, "get_response"):
        return CacheSettings(_file_of(cache))
    raise ArgumentError(
        "cache must be True, False, a duration ('1 hour', seconds, a timedelta), the path of a "
        f".sqlite file, or a backend of requests-cache; got {cache!r}."
    )


def parse_duration(value: object) -> float | None:
    """Return a duration, such as ``"14 days"``, in seconds; None if it is none."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, str):
        found = _DURATION.fullmatch(value)
        unit = _UNITS.get(found[2].lower()) if found else None
        return float(found[1]) * unit if found and unit else None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _LONGEST:
        return float(value)
    return None


def _file_of(backend: Any) -> Any:  # noqa: ANN401 - a backend of a library that is imported late
    """Return the path of a SQLite backend, which this package opens itself; else the backend."""
    path = getattr(backend.responses, "db_path", "")
    if type(backend).__name__ == "SQLiteCache" and isinstance(path, Path):
        backend.close()
        return path
    return backend


def open_store(
    settings: CacheSettings | None,
    *,
    memory: bool = False,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
) -> WalkStore:
    """Return the store of walks.

    Parameters
    ----------
    settings : CacheSettings or None
        Where complete walks are stored; None if there is no cache.
    memory : bool
        Keep walks in memory unless ``settings`` has a place for them.
    now, clock : callable
        Unix time; monotonic seconds.
    """
    category = JournalWarning if settings is None else CacheWarning
    place = None if settings is None else settings.place
    shared = _open_memory(category) if memory else open_file(_default_path, category, clock=clock)
    complete = shared
    if isinstance(place, Path) and (memory or not _is_default(place)):
        complete = open_file(lambda: _made(place), category, clock=clock)
    elif place is not None and not isinstance(place, Path):
        complete = SQLiteFile(
            None,
            lambda _: adopt(place),
            category=category,
            label=f"The cache in {type(place).__name__}",
            consequence="requests go to the API",
            clock=clock,
        )
    most = _MAX_BYTES_IN_MEMORY if memory and complete is shared else MAX_BYTES
    return WalkStore(shared, complete, now=now, max_bytes=most)


def open_existing_store(settings: CacheSettings | None = None) -> WalkStore:
    """Return the user's store, without creating its file."""
    path = default_path()
    return open_store(settings, memory=path is None or not path.exists())


def open_file(
    find: Callable[[], Path],
    category: type[Warning] = CacheWarning,
    *,
    clock: Callable[[], float] = time.monotonic,
    is_network: Callable[[Path], bool] = is_network_path,
) -> SQLiteFile[Storage]:
    """Return a file of walks, which is opened when it is used."""

    def open_handle(path: Path | None) -> Storage:
        assert path is not None  # noqa: S101 - there is a path where there is a file
        network = is_network(path)
        if network:
            file.notice = (
                f"The store of walks {path} is on a network file system, which is slower. "
                "cache=PATH stores complete walks in another place."
            )
        # WAL needs shared memory, so it does not work across machines.
        return open_sqlite(path, wal=not network)

    file: SQLiteFile[Storage] = SQLiteFile(
        find,
        open_handle,
        category=category,
        label="The store of walks",
        consequence="requests go to the API, and a walk that breaks starts over",
        clock=clock,
    )
    return file


def _is_default(place: Path) -> bool:
    default = default_path()
    # Path.resolve may raise
    return default is not None and os.path.realpath(place) == os.path.realpath(default)


def _open_memory(category: type[Warning]) -> SQLiteFile[Storage]:
    storage = MappingStorage({})
    return SQLiteFile(
        None, lambda _: storage, category=category, label="The cache in memory", consequence=""
    )


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def default_path() -> Path | None:
    """Return the file of walks in the user's cache folder, which need not exist.

    None if the user has no home directory.
    """
    with suppress(OSError):
        return cache_folder() / _FILE
    return None


def _default_path() -> Path:
    """Return the file of walks and create its folder; rename the files of older versions."""
    path = cache_folder() / _FILE
    for old in old_files():
        if old != path and old.exists():  # both folders may be the same
            _log.warning(
                "%s is from an older version; it was renamed to %s.", old, set_aside(old, "old")
            )
    return _made(path)


class Cache:
    """The complete walks of a key: ``api.cache``.

    Parameters
    ----------
    store : WalkStore
        The store of the walks.
    settings : CacheSettings
        The parsed ``cache=``.
    tenant : str
        The tenant of the walks; empty for all keys.

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

    def __init__(self, store: WalkStore, settings: CacheSettings, tenant: str) -> None:
        self._store = store
        self._settings = settings
        self._tenant = tenant

    @property
    def max_bytes(self) -> int:
        """Maximum size of stored bodies in bytes: 1 GiB in a file, 64 MiB in memory.

        Beyond it, the oldest walks are deleted. Can be set.
        """
        return self._store.max_bytes

    @max_bytes.setter
    def max_bytes(self, value: int) -> None:
        self._store.max_bytes = value

    @property
    def size(self) -> int:
        """Size of all stored bodies in bytes, before compression."""
        return sum(walk.size for walk in self._walks())

    def table(self) -> pd.DataFrame:
        """Return the complete walks, newest first, one row per walk.

        Returns
        -------
        pandas.DataFrame
            endpoint, arguments (JSON), pages, size (bytes), fetched (UTC), age, fresh, whole.
        """
        import json

        import pandas as pd

        now = self._store.now()
        rows = [
            {
                "tenant": walk.tenant[:8],
                "endpoint": walk.endpoint,
                "arguments": json.dumps(walk.query.get("arguments", {}), ensure_ascii=False),
                "pages": walk.pages,
                "size": walk.size,
                "fetched": datetime.fromtimestamp(walk.first, UTC),
                "age": timedelta(seconds=now - walk.first),
                "fresh": walk.fresh(now, self._settings.fresh_for(walk.endpoint)),
                "whole": True,  # other walks are not in the cache
            }
            for walk in self._walks()
        ]
        types = {"tenant": "str", "endpoint": "str", "arguments": "str", "pages": "int64"}
        types |= {"size": "int64", "fetched": "datetime64[us, UTC]", "age": "timedelta64[us]"}
        types |= {"fresh": "bool", "whole": "bool"}
        table = pd.DataFrame(rows, columns=list(types)).astype(types)
        return table.drop(columns=["tenant"] * bool(self._tenant))

    def clear(self, *, endpoint: str | None = None, older_than: object = None) -> int:
        """Delete walks.

        Parameters
        ----------
        endpoint : str or None
            Only walks of this endpoint, such as ``posts``.
        older_than : str, float, timedelta or None
            Only older walks, such as ``"1 day"``.

        Returns
        -------
        int
            Number of deleted walks. If the cache cannot be used, there is a warning.

        Raises
        ------
        ArgumentError
            If ``older_than`` is not a duration.
        """
        seconds = parse_duration(older_than)
        if older_than is not None and seconds is None:
            raise ArgumentError(
                f"older_than must be a duration, such as '1 day'; got {older_than!r}."
            )
        gone = [
            walk
            for walk in self._walks()
            if (endpoint is None or walk.endpoint == endpoint)
            and (seconds is None or self._store.now() - walk.first > seconds)
        ]
        last = len(gone) - 1
        return sum(
            self._store.delete_complete(walk, shrink=number == last)
            for number, walk in enumerate(gone)
        )

    def _walks(self) -> list[StoredWalk]:
        walks = self._store.complete_walks()
        return [walk for walk in walks if self._tenant in {walk.tenant, ""}]

    def __repr__(self) -> str:
        place, seconds = self._settings.place, self._settings.seconds
        where = str(place) if isinstance(place, Path) else type(place).__name__
        where = "the store of walks" if place is None else where
        fresh = "by endpoint" if seconds is None else f"{seconds:g} s"
        return f"<Cache in {where}, fresh {fresh}: .table(), .size, .clear()>"
