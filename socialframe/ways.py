"""The ways out of a query: frames, tables, pages, records, files."""

from __future__ import annotations

import json
import warnings
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from socialframe.errors import IncompleteWalk, WalkWarning, outside
from socialframe.files.atomic import expand_user

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from socialframe.progress import Shown
    from socialframe.walk.session import Run
    from socialframe.walk.walk import Walk


class Ways(ABC):
    """What a query can do with its rows; the query says how it runs."""

    @abstractmethod
    def limit(self, rows: int) -> Self:
        """Return the same of the first rows alone."""

    @abstractmethod
    def _run(
        self,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> Run: ...

    @abstractmethod
    def _facts(self, walk: Walk) -> dict[str, Any]: ...

    def frame(
        self,
        *,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> pd.DataFrame:
        """Fetch all rows as one DataFrame.

        Parameters
        ----------
        refresh : bool or None
            Ask the API anew, whatever the cache has; None as the client says.
        progress : bool, Watch or None
            Whether to show a bar; None as the client says. Any object with the methods of
            ``socialframe.progress.Watch`` is told instead.
        max_requests : int or None
            Requests that it may send at most; None as the client says.

        Returns
        -------
        pandas.DataFrame
            The declared columns and dtypes, ``_extra`` last, one row a record; an empty result
            has them all. ``df.attrs["socialframe"]`` says where the rows came from.

        Raises
        ------
        SocialFrameError
            If the first page failed: what went wrong.
        MaxRequestsError
            If it is known to take more requests than it may send.
        IncompleteWalk
            If a later page failed, or would be a request too many. A short frame is never returned.
        """
        from socialframe.frames import to_pandas

        return self._run(refresh, progress, max_requests).whole(
            lambda walk: to_pandas(self._table(walk), self._facts(walk))
        )

    def arrow(
        self,
        *,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> pa.Table:
        """Fetch all rows as one Arrow table; otherwise as ``frame``.

        Where the rows came from stands as JSON in the schema's metadata, under ``socialframe``.
        """

        def table(walk: Walk) -> pa.Table:
            rows = self._table(walk)
            return rows.replace_schema_metadata({"socialframe": json.dumps(self._facts(walk))})

        return self._run(refresh, progress, max_requests).whole(table)

    def head(
        self,
        n: int = 5,
        *,
        refresh: bool | None = None,
        progress: Shown = False,
        max_requests: int | None = None,
    ) -> pd.DataFrame:
        """Fetch the first rows; one call, unless they are more than a page holds."""
        first = self.limit(n)
        return first.frame(refresh=refresh, progress=progress, max_requests=max_requests).head(n)

    def pages(
        self,
        *,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Yield one DataFrame a page; no page is fetched before the one before it was used.

        Parameters
        ----------
        refresh : bool or None
            Ask the API anew, whatever the cache has; None as the client says.
        progress : bool, Watch or None
            Whether to show a bar; None as the client says. Any object with the methods of
            ``socialframe.progress.Watch`` is told instead.
        max_requests : int or None
            Requests that it may send at most; None as the client says.

        Yields
        ------
        pandas.DataFrame
            As ``frame``; the index goes on over the pages, ``attrs`` tell what has come so far.

        Raises
        ------
        SocialFrameError, IncompleteWalk
            As ``frame``; the pages before stay good.
        """
        import pyarrow as pa

        from socialframe.frames import to_pandas

        start = 0
        run = self._run(refresh, progress, max_requests)
        for walk, rows in run.by_page(lambda walk: walk.batches(eager=False)):
            frame = to_pandas(pa.Table.from_batches([rows]), self._facts(walk))
            frame.index = frame.index + start  # goes on over the pages
            start += len(frame)
            yield frame

    def records(
        self,
        *,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield each record as the dict that the reply held.

        The API's names, nesting, nulls, exact integers, in the order sent; nothing renamed, typed,
        dropped or told apart. An explode does not change them.

        Parameters
        ----------
        refresh : bool or None
            Ask the API anew, whatever the cache has; None as the client says.
        progress : bool, Watch or None
            Whether to show a bar; None as the client says. Any object with the methods of
            ``socialframe.progress.Watch`` is told instead.
        max_requests : int or None
            Requests that it may send at most; None as the client says.

        Yields
        ------
        dict

        Raises
        ------
        SocialFrameError, IncompleteWalk
            As ``frame``; the records before stay good.
        """
        run = self._run(refresh, progress, max_requests)
        for _, record in run.by_page(lambda walk: walk.raw()):
            yield record

    def to_parquet(
        self,
        path: str | os.PathLike[str],
        *,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
        partial: bool = False,
    ) -> Path:
        """Fetch all rows into a Parquet file, row group by row group, in flat memory.

        Parameters
        ----------
        path : path
            Where it goes. It appears when it is whole; until then, and after a failure or Ctrl-C,
            what stood there before stands there still.
        refresh : bool or None
            Ask the API anew, whatever the cache has; None as the client says.
        progress : bool, Watch or None
            Whether to show a bar; None as the client says. Any object with the methods of
            ``socialframe.progress.Watch`` is told instead.
        max_requests : int or None
            Requests that it may send at most; None as the client says.
        partial : bool
            Whether a walk that breaks writes the rows that came, with a ``WalkWarning``; its footer
            says that it is not complete. It needs the journal.

        Returns
        -------
        pathlib.Path
            Where the file is.

        Raises
        ------
        FileError
            If the file cannot be written.
        SocialFrameError, IncompleteWalk
            As ``frame``.

        Examples
        --------
        >>> import tempfile, pandas as pd, socialframe as sf
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = sf.Client.sandbox().accounts().to_parquet(f"{folder}/accounts.parquet")
        ...     pd.read_parquet(path).columns.tolist()
        ['platform', 'account_id', 'username', 'connected_at', '_extra']
        """
        from socialframe.files.parquet import write_parquet

        def write(walk: Walk) -> None:
            write_parquet(path, walk.batches(), lambda: self._facts(walk))

        run = self._run(refresh, progress, max_requests)
        try:
            run.whole(write)
        except IncompleteWalk as error:
            if not (partial and error.walk_id):
                raise
            replace(run, walk=error.walk_id).kept(write)
            text = f"{error} With partial=True, the file has the rows that came."
            warnings.warn(text, WalkWarning, stacklevel=outside())
        return expand_user(path)

    def to_csv(
        self,
        path: str | os.PathLike[str],
        *,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> Path:
        """Fetch all rows into a CSV file, nested values as JSON text; else as ``to_parquet``."""
        from socialframe.files.text import write_csv

        run = self._run(refresh, progress, max_requests)
        run.whole(lambda walk: write_csv(path, walk.batches()))
        return expand_user(path)

    def to_jsonl(
        self,
        path: str | os.PathLike[str],
        *,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> Path:
        """Fetch all rows into a JSON Lines file, one object a row; otherwise as ``to_parquet``."""
        from socialframe.files.text import write_jsonl

        run = self._run(refresh, progress, max_requests)
        run.whole(lambda walk: write_jsonl(path, walk.batches()))
        return expand_user(path)

    def _table(self, walk: Walk) -> pa.Table:
        import pyarrow as pa

        return pa.Table.from_batches(list(walk.batches()))
