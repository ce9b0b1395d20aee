"""A lazy query, and its methods that return or write rows."""

from __future__ import annotations

import html
import json
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from socialframe.errors import (
    ArgumentError,
    IncompleteWalk,
    SocialFrameError,
    WalkWarning,
    user_stacklevel,
)
from socialframe.files.atomic import expand_user
from socialframe.schema.columns import check_nested
from socialframe.walk.estimate import Estimate
from socialframe.walk.session import Options

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from socialframe.paging import Paging
    from socialframe.progress import Shown
    from socialframe.schema.columns import Nested, Schema
    from socialframe.walk.plan import Plan
    from socialframe.walk.session import Session
    from socialframe.walk.walk import Walk


@dataclass(frozen=True, repr=False)
class Query:
    """A lazy query. No request is sent until you ask for rows.

    A client's methods make queries. ``frame``, ``arrow``, ``head``, ``pages`` and ``records``
    return rows; ``to_parquet``, ``to_csv`` and ``to_jsonl`` write them; ``limit`` and ``explode``
    return another query; ``estimate`` returns the number of requests.

    Parameters
    ----------
    _plan : Plan
        The endpoint and its arguments.
    _session : Session
        The client's session.

    Examples
    --------
    >>> import socialframe as sf
    >>> query = sf.Client.sandbox().posts(status="published")
    >>> len(query.head())
    5
    >>> query.limit(250).frame().shape
    (250, 12)
    """

    _plan: Plan
    _session: Session

    @property
    def columns(self) -> Schema:
        """The columns of the rows: name, dtype, unit, origin, meaning. A table when displayed."""
        return self._plan.schema

    @property
    def paging(self) -> Paging:
        """The declared paging scheme."""
        return self._plan.endpoint.paging

    def limit(self, rows: int) -> Query:
        """Return a query of the first rows only. Further pages are not fetched.

        Parameters
        ----------
        rows : int
            Maximum number of records, counted before an explode.

        Raises
        ------
        ArgumentError
            If ``rows`` is less than 1.
        """
        return replace(self, _plan=self._plan.limited(rows))

    def explode(self, column: str) -> Query:
        """Return a query with one row per entry of a list column.

        Other columns repeat. Fields of an entry become ``<item>_<field>`` (``target_status``),
        after ``<item>_position``. An empty list keeps one row of nulls. A number of the record that
        its entries have, too, is renamed (``likes`` to ``post_likes``), because a sum over the rows
        would count it several times.

        A second explode gives one row per pair of entries of both lists, and repeats the numbers of
        each. The other list may be one in the entries of the first (``target_errors``).

        Parameters
        ----------
        column : str
            Name of the list column, such as ``platforms``.

        Raises
        ------
        ArgumentError
            If there is no such list column.

        Examples
        --------
        >>> import socialframe as sf
        >>> sf.Client.sandbox().posts().explode("platforms").columns.names[-3:]
        ['target_platform_post_url', 'target_error', '_extra']
        """
        return replace(self, _plan=replace(self._plan, schema=self.columns.explode(column)))

    def estimate(self) -> Estimate:
        """Return the requests that all rows need now. No request is sent.

        The number is known if the cache has the walk, if this client has fetched its first page
        (``head()``), or if one reply has all rows.

        Returns
        -------
        Estimate
            The number of ``requests``, the number of ``cached`` ones, and the ``seconds`` that the
            others wait for the rate limit. None if unknown.

        Raises
        ------
        OfflineMiss
            If the client is offline and the cache has no such walk.

        Examples
        --------
        >>> import socialframe as sf
        >>> query = sf.Client.sandbox().posts()
        >>> query.estimate()
        <Estimate: unknown before the first page>
        >>> rows = query.head()
        >>> query.estimate()
        <Estimate: 54 requests, 0 cached; no wait for the budget>
        """
        return self._session.estimate(self._plan)

    def kept(self) -> pd.DataFrame:
        """Return the stored rows of an unfinished walk. No request is sent.

        This works only for a query from ``IncompleteWalk.resume()`` or ``sf.resume()``.

        Raises
        ------
        ArgumentError
            If the walk is not stored.
        """
        nested = self._nested(None)
        return self._session.stored_rows(self._plan, lambda walk: self._to_pandas(walk, nested))

    def frame(
        self,
        *,
        nested: Nested | None = None,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> pd.DataFrame:
        """Return all rows as one DataFrame.

        Parameters
        ----------
        nested : {"arrow", "json", "drop"} or None
            What lists and structs become. ``"arrow"`` keeps them as Arrow columns, which
            ``explode`` and Arrow's functions read. ``"json"`` makes them JSON text: take it for
            ``to_sql``, and for methods that compare or hash rows, such as ``drop_duplicates``,
            ``nunique``, ``value_counts`` and ``describe``, which fail for Arrow lists (``to_sql``
            into SQLite would store addresses in memory). ``"drop"`` leaves the columns out. None
            uses the client's setting, ``"arrow"`` by default.
        refresh : bool or None
            Ask the API even if the cache is fresh; None uses the client's setting.
        progress : bool, Watch or None
            Show a progress bar, or report to an object with the methods of
            ``socialframe.progress.Watch``; None uses the client's setting.
        max_requests : int or None
            Maximum number of requests; None uses the client's setting.

        Returns
        -------
        pandas.DataFrame
            One row per record, with the declared columns and dtypes, ``_extra`` last; an empty
            result has the same columns. ``df.attrs["socialframe"]`` has the provenance.

        Raises
        ------
        SocialFrameError
            If the first page fails.
        MaxRequestsError
            If the query is known to need more requests than ``max_requests``.
        IncompleteWalk
            If a later page fails, or would exceed ``max_requests``. A partial result is never
            returned.
        """
        nested = self._nested(nested)
        options = self._options(refresh, progress, max_requests)
        return self._session.run(self._plan, lambda walk: self._to_pandas(walk, nested), options)

    def arrow(
        self,
        *,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> pa.Table:
        """Return all rows as one Arrow table. Parameters and errors as for ``frame``.

        The schema's metadata has the provenance as JSON under ``socialframe``.
        """
        import pyarrow as pa

        def table(walk: Walk) -> pa.Table:
            rows = pa.Table.from_batches(list(walk.batches()))
            return rows.replace_schema_metadata({"socialframe": json.dumps(self._facts(walk))})

        return self._session.run(self._plan, table, self._options(refresh, progress, max_requests))

    def head(
        self,
        n: int = 5,
        *,
        nested: Nested | None = None,
        refresh: bool | None = None,
        progress: Shown = False,
        max_requests: int | None = None,
    ) -> pd.DataFrame:
        """Return the first rows. This takes one request, unless a page has fewer rows."""
        first = self.limit(n).frame(
            nested=nested, refresh=refresh, progress=progress, max_requests=max_requests
        )
        return first.head(n)

    def pages(
        self,
        *,
        nested: Nested | None = None,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Yield one DataFrame per page. A page is fetched when the loop asks for it.

        Parameters and errors as for ``frame``; pages that were yielded before an error stay valid.

        Yields
        ------
        pandas.DataFrame
            As ``frame``. The index continues over the pages; ``attrs`` describe the rows so far.
        """
        import pyarrow as pa

        from socialframe.frames import flatten, to_pandas

        nested = self._nested(nested)

        def produce(walk: Walk) -> Iterator[pa.RecordBatch]:
            return walk.batches(eager=False)

        start = 0
        options = self._options(refresh, progress, max_requests)
        for walk, rows in self._session.stream(self._plan, produce, options):
            frame = to_pandas(pa.Table.from_batches([flatten(rows, nested)]), self._facts(walk))
            frame.index = frame.index + start
            start += len(frame)
            yield frame

    def records(
        self,
        *,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield each record as the API sent it.

        Nothing is renamed, typed, dropped or deduplicated, and ``explode`` has no effect.
        Parameters and errors as for ``frame``.
        """
        options = self._options(refresh, progress, max_requests)
        for _, record in self._session.stream(self._plan, lambda walk: walk.raw(), options):
            yield record

    def to_parquet(
        self,
        path: str | os.PathLike[str],
        *,
        nested: Nested | None = None,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
        partial: bool = False,
        partition_by: str | Sequence[str] | None = None,
        append: bool = False,
    ) -> Path:
        """Write all rows to a Parquet file, row group by row group, in constant memory.

        Parameters
        ----------
        path : path
            Path of the file. The file is replaced when all rows are written; a failure or Ctrl-C
            leaves the old file unchanged.
        nested : {"arrow", "json", "drop"} or None
            As for ``frame``. Take ``"json"`` or ``"drop"`` for tools that read flat files only.
        refresh, progress, max_requests
            As for ``frame``.
        partial : bool
            If the walk breaks, write the rows received so far and warn with ``WalkWarning``. The
            footer marks the file as incomplete.
        partition_by : str, sequence of str or None
            Write a folder of files, such as ``platform=tiktok/month=2026-01/part-00000.parquet``,
            partitioned by these columns. ``year``, ``month`` and ``day`` are those of the column
            that ``since`` compares. An older folder of this method is replaced.
        append : bool
            Always refused: a ``Dataset`` keeps a table current.

        Returns
        -------
        pathlib.Path
            Path of the file.

        Raises
        ------
        ArgumentError
            If a partition column is invalid, or ``append`` is True.
        FileError
            If the file cannot be written.
        SocialFrameError, IncompleteWalk
            As for ``frame``.

        Examples
        --------
        >>> import tempfile, pandas as pd, socialframe as sf
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = sf.Client.sandbox().accounts().to_parquet(f"{folder}/accounts.parquet")
        ...     pd.read_parquet(path).columns.tolist()
        ['platform', 'account_id', 'username', 'connected_at', '_extra']
        """
        if append:
            raise ArgumentError(
                "Rows cannot be appended to a file: they would repeat, and changed ones would "
                "stay. A Dataset keeps a table current: sf.Dataset(path, query).refresh()."
            )
        write = self._parquet_writer(path, partition_by, self._nested(nested))

        try:
            self._session.run(self._plan, write, self._options(refresh, progress, max_requests))
        except IncompleteWalk as error:
            if not (partial and error.walk_id):
                raise
            self._session.stored_rows(replace(self._plan, walk_id=error.walk_id), write)
            text = f"{error} The file contains the rows received so far (partial=True)."
            warnings.warn(text, WalkWarning, stacklevel=user_stacklevel())
        return expand_user(path)

    def _parquet_writer(
        self,
        path: str | os.PathLike[str],
        partition_by: str | Sequence[str] | None,
        nested: Nested,
    ) -> Callable[[Walk], None]:
        """Return the function that writes the rows of a walk to a file, or to a folder."""
        from socialframe.frames import flatten

        def flat(walk: Walk) -> Iterator[pa.RecordBatch]:
            return (flatten(batch, nested) for batch in walk.batches())

        if partition_by is None:
            from socialframe.files.parquet import write_parquet

            return lambda walk: write_parquet(path, flat(walk), lambda: self._facts(walk))
        from socialframe.files.hive import check_partitions, write_hive

        clock = self._plan.endpoint.clock
        columns = self.columns
        by = check_partitions(partition_by, None if columns.inferred else columns.names, clock)
        return lambda walk: write_hive(path, flat(walk), by, clock, lambda: self._facts(walk))

    def to_csv(
        self,
        path: str | os.PathLike[str],
        *,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> Path:
        """Write all rows to a CSV file, nested values as JSON text. Otherwise as ``to_parquet``."""
        from socialframe.files.text import write_csv

        options = self._options(refresh, progress, max_requests)
        self._session.run(self._plan, lambda walk: write_csv(path, walk.batches()), options)
        return expand_user(path)

    def to_jsonl(
        self,
        path: str | os.PathLike[str],
        *,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> Path:
        """Write all rows to a JSON Lines file, one object per row. Otherwise as ``to_parquet``."""
        from socialframe.files.text import write_jsonl

        options = self._options(refresh, progress, max_requests)
        self._session.run(self._plan, lambda walk: write_jsonl(path, walk.batches()), options)
        return expand_user(path)

    def _options(self, refresh: bool | None, progress: Shown, max_requests: int | None) -> Options:
        return Options(refresh, progress, max_requests, lambda plan: replace(self, _plan=plan))

    def _nested(self, nested: Nested | None) -> Nested:
        return self._session.nested if nested is None else check_nested(nested)

    def _to_pandas(self, walk: Walk, nested: Nested) -> pd.DataFrame:
        import pyarrow as pa

        from socialframe.frames import flatten, to_pandas

        rows = [flatten(batch, nested) for batch in walk.batches()]
        return to_pandas(pa.Table.from_batches(rows), self._facts(walk))

    def _facts(self, walk: Walk) -> dict[str, Any]:
        period = {"period": self._plan.period} if self._plan.period else {}
        return {"arguments": self._plan.given} | period | walk.facts()

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if name not in self.__dataclass_fields__]

    def __repr__(self) -> str:
        columns = self.columns
        what = "columns inferred" if columns.inferred else f"{len(columns)} columns"
        period = f", {self._plan.period}" if self._plan.period else ""
        path = self._plan.endpoint.path
        records = self._session.found_records(self._plan)
        sent = "nothing sent yet" if records is None else f"records={records!r} in the last run"
        method = self._plan.call.method
        return f"<Query {self._plan}: {method} {path}, {what}{period}, {sent}>"

    def _repr_html_(self) -> str:
        try:
            cost = self.estimate()
        except SocialFrameError:  # offline
            cost = Estimate(None, 0, None)
        text = f" Cost: {cost}." if cost.requests is not None else ""
        last = self._session.last_run(self._plan)
        period = f", {self._plan.period}" if self._plan.period else ""
        sent = f". Last time: {html.escape(last)}." if last else ", nothing sent yet."
        return (
            f"<p><code>{html.escape(str(self._plan))}</code>: "
            f"{self._plan.call.method} {html.escape(self._plan.endpoint.path)}{period}{sent}{text} "
            f"<code>.frame()</code> fetches these columns:</p>{self.columns._repr_html_()}"
        )
