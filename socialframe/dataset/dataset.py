"""``Dataset``: a table that a refresh keeps current, and its history."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from socialframe.client import query_of
from socialframe.dataset import history as log
from socialframe.dataset.delta_types import conform, from_delta, to_delta
from socialframe.dataset.properties import Deletes, Properties, other_key
from socialframe.dataset.refresh import Refresh, last_refresh, next_window, refresh_table
from socialframe.dataset.storage import (
    Storage,
    delta_errors,
    import_delta,
    read_commits,
    read_properties,
    write_properties,
)
from socialframe.dataset.window import count_rows
from socialframe.errors import ArgumentError, DatasetError, FileError
from socialframe.paging import Single
from socialframe.progress import Progress
from socialframe.readers import default_client
from socialframe.schema.columns import EXTRA
from socialframe.store.cache import parse_duration
from socialframe.walk.estimate import Estimate

if TYPE_CHECKING:
    import os
    from datetime import timedelta

    import pandas as pd
    from deltalake import DeltaTable
    from pyarrow import dataset as pads

    from socialframe.client import Client
    from socialframe.progress import Shown
    from socialframe.query import Query

#: A moment: ISO 8601 text, a date (its midnight), or a datetime; UTC if it has no time zone.
Moment = str | date | datetime
#: A condition on rows: SQL text, an expression of pyarrow, or filters as ``pd.read_parquet``.
Where = Any


class Dataset:
    """A Delta table of the rows of a query, which ``refresh`` keeps current.

    Parameters
    ----------
    path : str or path
        A folder, or a URL that delta-rs takes, such as ``s3://bucket/posts``, with the usual
        environment variables for its credentials.
    query : Query
        The query whose rows the dataset has, without ``limit`` and ``explode``.
    restate : str, float or timedelta
        How long rows may change: a refresh fetches new rows, and again the rows that are at most
        this much older than the newest one, by the endpoint's own clock.
    history : bool
        Keep each version of each row, for ``history``, ``changes`` and ``as_of``.
    deletes : {"remove", "keep"}
        Whether a row that the API no longer has is removed from the table.

    Raises
    ------
    ArgumentError
        If deltalake is not installed, an argument is invalid, or the path has rows of another query
        or API key.
    FileError, DatasetError
        If the path has other files, or cannot be read.

    Examples
    --------
    >>> import tempfile, socialframe as sf
    >>> folder = tempfile.TemporaryDirectory()
    >>> posts = sf.Client.sandbox().posts(since="2026-09-01")
    >>> dataset = sf.Dataset(f"{folder.name}/posts", posts)
    >>> refresh = dataset.refresh()
    >>> len(dataset.frame()) == refresh.inserted > 0
    True
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        query: Query,
        *,
        restate: str | float | timedelta = "14 days",
        history: bool = True,
        deletes: Deletes = "remove",
    ) -> None:
        if not hasattr(query, "_plan"):
            raise ArgumentError(f"query must be a Query, such as api.posts(); got {query!r}.")
        self._storage = Storage(path)
        self._given = Properties.of(query, restate, history=history, deletes=deletes)
        self._made = True  # its settings are those of the arguments, not those of the table
        self._query: Query | None = query
        self._client: Client | None = None
        table = self._storage.open()
        if table is not None:
            self._given.check_same(_properties(table, self._storage.uri), self._storage.uri)

    @classmethod
    def _open(cls, path: str | os.PathLike[str], client: Client | None) -> Self:
        dataset = cls.__new__(cls)
        dataset._storage = storage = Storage(path)
        table = storage.open()
        if table is None:
            raise FileError(f"There is no dataset at {storage.uri}.")
        dataset._given = _properties(table, storage.uri)
        dataset._made, dataset._query, dataset._client = False, None, client
        if client is not None and client._session.tenant != dataset._given.tenant:
            raise other_key(storage.uri)
        return dataset

    def create(self) -> Self:
        """Create the empty table if there is none. No request is sent; ``refresh`` does it, too.

        Returns
        -------
        Dataset
        """
        self._created()
        return self

    def refresh(
        self,
        *,
        full: bool = False,
        wait: float = 60.0,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> Refresh:
        """Fetch new rows and those that may have changed, and write them in one commit.

        A failure or Ctrl-C changes nothing. Within an hour, the next refresh continues after the
        pages that were received.

        Parameters
        ----------
        full : bool
            Fetch and replace all rows.
        wait : float
            Seconds to wait for another process that refreshes the same folder.
        progress, max_requests
            As for ``Query.frame``.

        Returns
        -------
        Refresh
            Rows inserted, updated, deleted and unchanged; calls, first day, moment and duration.

        Raises
        ------
        DatasetError
            If the rows may be incomplete, or another process refreshed the dataset meanwhile.
        SocialFrameError, IncompleteWalk
            As for ``Query.frame``.
        """
        query = self._current_query()
        options = query._options(True, progress, max_requests)  # noqa: FBT003 - never from the cache
        say = Progress(self._given.endpoint, shown=None).say
        with self._storage.lock(float(wait), say), delta_errors(self._storage.uri):
            table = self._created()
            stored = _properties(table, self._storage.uri)
            self._given.check_same(stored, self._storage.uri)
            if not self._made:
                self._given = stored
            elif stored != self._given:
                write_properties(table, self._given.to_json(), {})
                table = self._created()
            return refresh_table(self._storage, table, self._given, query, options, bool(full))

    def estimate(self, *, full: bool = False) -> Estimate:
        """Return the requests of the next refresh. No request is sent.

        At most: the pages of the window, as many as the table has now, and two for new rows and the
        end. None if unknown, as before the first refresh.
        """
        query = self._current_query()
        table = self._storage.open()
        if isinstance(query.paging, Single):
            count: int | None = 1
        elif table is None or not last_refresh(table):
            count = None
        else:
            window = next_window(table, self._given, full=full)
            plan = window.narrowed(query._plan)
            size = int(dict(plan.call.params).get("limit", 100))
            count = -(-count_rows(table, window) // size) + 2 * len(plan.parts)
        budget = query._session.budget
        return Estimate(count, 0, None if count is None else budget.seconds_until(count))

    def frame(self, *, columns: Sequence[str] | None = None, where: Where = None) -> pd.DataFrame:
        """Return rows as a DataFrame, newest first, with the dtypes of a query.

        Parameters
        ----------
        columns : sequence of str or None
            Only these columns; None means all.
        where : str, pyarrow expression, list of tuples, or None
            Only rows that satisfy it: SQL (``"likes > 100"``), ``pyarrow.compute.field(...) > 100``
            or ``[("likes", ">", 100)]``.
        """
        from socialframe.frames import to_pandas

        table = self._opened()
        facts = last_refresh(table)
        attrs: dict[str, Any] = {
            "endpoint": self._given.endpoint,
            "arguments": self._given.arguments,
        }
        attrs |= {"dataset": self._storage.uri, "dataset_version": table.version()}
        attrs |= {**facts.get("walk", {}), "complete": True if facts else None}
        return to_pandas(self._read(table, columns, where, ordered=True), attrs)

    def arrow(self, *, columns: Sequence[str] | None = None, where: Where = None) -> pa.Table:
        """Return rows as an Arrow table, in no particular order. Parameters as for ``frame``."""
        return self._read(self._opened(), columns, where, ordered=False)

    def scan(self) -> pads.Dataset:
        """Return the rows as a lazy pyarrow dataset, for DuckDB, Polars and Dask.

        Types are those of Delta. The version is that of now; later refreshes do not change it.
        """
        return self._opened().to_pyarrow_dataset()

    def as_of(self, when: Moment) -> pd.DataFrame:
        """Return the rows as they were at a moment.

        Parameters
        ----------
        when : str, date or datetime
            A moment; UTC if it has no time zone.

        Raises
        ------
        DatasetError
            If there was no refresh before, or vacuum has removed the rows.
        """
        from socialframe.frames import to_pandas

        moment, table = _moment(when), self._opened()
        done = [facts["to"] for facts in read_commits(table).values() if "to" in facts]
        if not done or moment < datetime.fromisoformat(min(done)):
            begin = f"begins at {min(done)}" if done else "has no refresh yet"
            raise DatasetError(f"The dataset {begin}, so there are no rows of {moment}.")
        schema = pa.schema(table.to_pyarrow_dataset().schema)
        with delta_errors(self._storage.uri):
            if self._given.history:
                rows = log.read_log(self._storage, table, until=moment)
                rows = log.latest(rows, self._given.key, schema)
            else:
                version = max(
                    version
                    for version, facts in read_commits(table).items()
                    if "to" in facts and datetime.fromisoformat(facts["to"]) <= moment
                )
                old = import_delta().DeltaTable(self._storage.uri, version=version)
                rows = conform(old.to_pyarrow_table(), schema)
        return to_pandas(_newest_first(from_delta(rows), self._given.clock, self._given.key))

    def history(
        self,
        key: object = None,
        column: str | Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Return the values that numbers had, each with the moment of the refresh that saw it.

        Parameters
        ----------
        key : str, sequence or None
            The row with this key; a sequence if the key has several columns. None means all rows.
        column : str, sequence of str or None
            Only these columns; None means all with numbers.

        Returns
        -------
        pandas.DataFrame
            The columns of the key, ``fetched_at``, ``column`` and ``value``; one row for each new
            value. For a chart: ``history(column="likes").pivot(...)``.

        Raises
        ------
        ArgumentError
            If there is no such column, or the dataset has no history.
        """
        table = self._with_history()
        schema = pa.schema(table.to_pyarrow_dataset().schema)
        if column is None:
            numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
            names = [one.name for one in schema if any(is_(one.type) for is_ in numbers)]
            names = [name for name in names if name not in self._given.key]
        else:
            names = [column] if isinstance(column, str) else list(column)
        _check_columns(names, schema)
        if nested := [name for name in names if pa.types.is_nested(schema.field(name).type)]:
            raise ArgumentError(f"{nested[0]!r} is nested; changes() has the rows with it.")
        with delta_errors(self._storage.uri):
            rows = log.read_log(self._storage, table, columns=[*self._given.key, *names])
        if key is not None:
            rows = rows.filter(_key_filter(key, self._given.key, rows.schema))
        return log.tidy(from_delta(rows), self._given.key, names)

    def changes(self, since: Moment | None = None) -> pd.DataFrame:
        """Return the rows that refreshes inserted, updated or deleted, in their order.

        Parameters
        ----------
        since : str, date, datetime or None
            Only refreshes after this moment.

        Returns
        -------
        pandas.DataFrame
            ``change`` (insert, update, delete), ``fetched_at``, and the row after the change; the
            last one before it if it was deleted.

        Raises
        ------
        ArgumentError
            If the dataset has no history.
        """
        from socialframe.frames import to_pandas

        table = self._with_history()
        moment = None if since is None else _moment(since)
        with delta_errors(self._storage.uri):
            rows = log.read_log(self._storage, table, since=moment)
        return to_pandas(from_delta(log.described(rows)))

    def vacuum(self, keep: str | float | timedelta = "30 days") -> int:
        """Delete files that the table no longer uses, and return their number.

        Parameters
        ----------
        keep : str, float or timedelta
            Keep files that a version younger than this uses, because a reader may read it.
        """
        seconds = parse_duration(keep)
        if seconds is None:
            raise ArgumentError(f"keep must be a duration, such as '30 days'; got {keep!r}.")
        hours = max(1, round(seconds / 3600))
        found = 0
        with delta_errors(self._storage.uri):
            for table in (self._opened(), self._storage.open_history()):
                if table is not None:
                    files = table.vacuum(hours, dry_run=False, enforce_retention_duration=False)
                    found += len(files)
        return found

    def info(self) -> dict[str, Any]:
        """Return what the dataset has, as JSON values: query, settings, rows, last refresh."""
        table = self._opened()
        properties = _properties(table, self._storage.uri)
        facts = last_refresh(table)
        names = ("to", "inserted", "updated", "deleted", "unchanged", "calls")
        return {
            "path": self._storage.uri,
            "query": str(properties),
            "rows": table.to_pyarrow_dataset().count_rows(),
            "files": len(table.file_uris()),
            "version": table.version(),
            "restate_days": properties.restate / 86400,
            "history": properties.history,
            "deletes": properties.deletes,
            "refreshed": facts.get("to"),
            "last_refresh": {name: facts[name] for name in names if name in facts} or None,
        }

    def _created(self) -> DeltaTable:
        table = self._storage.open()
        if table is not None:
            return table
        schema = self._current_query()._plan.schema
        if schema.inferred:
            names = [*self._given.key, EXTRA]
            arrow = pa.schema([pa.field(name, pa.string()) for name in names])
        else:
            arrow = to_delta(schema.arrow.empty_table()).schema
        return self._storage.create(arrow, self._given.to_json())

    def _current_query(self) -> Query:
        if self._query is None:
            client = self._client or default_client()
            if client._session.tenant != self._given.tenant:
                raise other_key(self._storage.uri)
            values = {"arguments": self._given.arguments}
            query = query_of(client, self._given.endpoint, values)
            if query is None:
                raise DatasetError(
                    f"The query {self._given} cannot be rebuilt; pass it: sf.Dataset(path, query)."
                )
            self._query = query
        return self._query

    def _opened(self) -> DeltaTable:
        table = self._storage.open()
        if table is None:
            raise FileError(f"There is no dataset at {self._storage.uri}; call refresh() first.")
        return table

    def _with_history(self) -> DeltaTable:
        if not self._given.history:
            raise ArgumentError("The dataset was made with history=False.")
        return self._opened()

    def _read(
        self, table: DeltaTable, columns: Sequence[str] | None, where: Where, *, ordered: bool
    ) -> pa.Table:
        rows = table.to_pyarrow_dataset()
        schema = pa.schema(rows.schema)
        if isinstance(columns, str) or not isinstance(columns, Sequence | None):
            raise ArgumentError(f"columns must be a list of names; got {columns!r}.")
        names = list(columns) if columns is not None else schema.names
        _check_columns(names, schema)
        order = [self._given.clock] * bool(self._given.clock) + list(self._given.key)
        read = list(dict.fromkeys([*names, *(order if ordered else ())]))
        with delta_errors(self._storage.uri):
            if isinstance(where, str):
                found = pa.table(table.scan(columns=read, predicate=where))
                kept = pa.schema([schema.field(name) for name in read])
                found = conform(found, kept)
            else:
                found = rows.to_table(columns=read, filter=_expression(where))
        found = from_delta(found)
        if ordered:
            found = _newest_first(found, self._given.clock, self._given.key)
        return found.select(names)

    def __repr__(self) -> str:
        table = self._storage.open()
        if table is None:
            return f"<Dataset {self._storage.uri!r} of {self._given}: not made yet>"
        rows = table.to_pyarrow_dataset().count_rows()
        moment = last_refresh(table).get("to")
        when = f"refreshed {moment[:16]}" if moment else "not refreshed yet"
        return f"<Dataset {self._storage.uri!r} of {self._given}: {rows:,} rows, {when}>"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>"


def open_dataset(path: str | os.PathLike[str], *, client: Client | None = None) -> Dataset:
    """Open a dataset. Its table knows the query, the key and the settings, but never the API key.

    Parameters
    ----------
    path : str or path
        As for ``Dataset``.
    client : Client or None
        The client for ``refresh``; None makes the default one when it is needed. Reading needs
        none.

    Returns
    -------
    Dataset

    Raises
    ------
    FileError
        If there is no dataset.
    ArgumentError
        If the dataset was made with another API key than the client's.

    Examples
    --------
    >>> open_dataset("nothing")
    Traceback (most recent call last):
    socialframe.errors.FileError: There is no dataset at ...
    """
    return Dataset._open(path, client)


def _properties(table: DeltaTable, uri: str) -> Properties:
    found = read_properties(table)
    if found is None:
        raise FileError(f"{uri} is a Delta table, but not a dataset of socialframe.")
    return Properties.read(found, uri)


def _moment(value: Moment) -> datetime:
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    except (ValueError, AttributeError):
        text = f"A moment must be like '2026-01-31' or '2026-01-31T12:00Z'; got {value!r}."
        raise ArgumentError(text) from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _check_columns(names: Sequence[object], schema: pa.Schema) -> None:
    for name in names:
        if name not in schema.names:
            raise ArgumentError(
                f"There is no column {name!r}; the columns are {', '.join(schema.names)}."
            )


def _expression(where: Where) -> pc.Expression | None:
    if where is None or isinstance(where, pc.Expression):
        return where
    from pyarrow import parquet as pq

    try:
        return pq.filters_to_expression(where)
    except (ValueError, TypeError, pa.ArrowException):
        raise ArgumentError(
            f"where must be SQL, a pyarrow expression, or a list of tuples; got {where!r}."
        ) from None


def _key_filter(value: object, key: Sequence[str], schema: pa.Schema) -> pc.Expression:
    given = list(value) if isinstance(value, tuple | list) else [value]
    if len(given) != len(key):
        raise ArgumentError(f"key must have {len(key)} values ({', '.join(key)}); got {value!r}.")
    chosen = pc.scalar(True)  # noqa: FBT003 - a value
    for name, one in zip(key, given, strict=True):
        try:
            scalar = pa.scalar(str(one)).cast(schema.field(name).type)
        except pa.ArrowInvalid:
            raise ArgumentError(f"{one!r} is no value of the column {name!r}.") from None
        chosen &= pc.field(name) == scalar
    return chosen


def _newest_first(rows: pa.Table, clock: str, key: Sequence[str]) -> pa.Table:
    order = [(clock, "descending")] if clock else []
    return rows.sort_by([*order, *((name, "ascending") for name in key if name != clock)])
