"""A query: an endpoint with its arguments; a promise of rows, nothing sent yet."""

from __future__ import annotations

import html
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from socialframe.declaration import plain, whole_number
from socialframe.errors import SocialFrameError
from socialframe.manifest import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    import pyarrow as pa

    from socialframe.columns import Schema
    from socialframe.declaration import Endpoint
    from socialframe.manifest import Passage, Source
    from socialframe.paging import Paging
    from socialframe.replies import Call
    from socialframe.walk import Walk

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Query:
    """A promise of rows: immutable, lazy, typed. Only its methods that return rows send anything.

    ``frame``, ``arrow``, ``head``, ``pages``, ``records`` return rows; ``to_parquet``, ``to_csv``,
    ``to_jsonl`` write them; ``limit`` and ``explode`` return another query; ``columns`` and
    ``paging`` say what is declared. A client's methods make queries.

    Parameters
    ----------
    endpoint : Endpoint
        What is asked.
    arguments : tuple of (str, object)
        As they were typed.
    call : Call
        The same, as the API takes them.
    source : Source
        The client it is sent through.
    schema : Schema
        Columns of the rows.
    most : int or None
        Records at most.

    Examples
    --------
    >>> import socialframe as sf
    >>> query = sf.Client.sandbox().posts(status="published")
    >>> len(query.head())
    5
    >>> query.limit(250).frame().shape
    (250, 12)
    """

    endpoint: Endpoint
    arguments: tuple[tuple[str, object], ...]
    call: Call
    source: Source
    schema: Schema
    most: int | None = None

    @property
    def columns(self) -> Schema:
        """The columns of the rows: name, dtype, unit, origin, meaning. A table where shown."""
        return self.schema

    @property
    def paging(self) -> Paging:
        """How the pages follow each other, as declared."""
        return self.endpoint.paging

    def limit(self, rows: int) -> Query:
        """Return the query of the first rows alone; no page more is fetched than they need.

        Parameters
        ----------
        rows : int
            Records at most, counted before an explode.

        Raises
        ------
        ArgumentError
            If it is less than 1.
        """
        rows = whole_number("rows", rows)
        return replace(self, most=rows if self.most is None else min(rows, self.most))

    def explode(self, column: str) -> Query:
        """Return the query with one row an entry of a list column.

        Other columns repeat; fields of an entry become ``<item>_<field>`` (``target_status``),
        with ``<item>_position`` before them; an empty list keeps one row of nulls.

        Parameters
        ----------
        column : str
            Name of the list column, as ``platforms``.

        Raises
        ------
        ArgumentError
            If there is no such list column, or one was exploded already.

        Examples
        --------
        >>> import socialframe as sf
        >>> sf.Client.sandbox().posts().explode("platforms").columns.names[-3:]
        ['target_platform_post_url', 'target_error', '_extra']
        """
        return replace(self, schema=self.schema.explode(column))

    def frame(self, *, refresh: bool | None = None, progress: bool | None = None) -> pd.DataFrame:
        """Fetch all rows as one DataFrame.

        Parameters
        ----------
        refresh : bool or None
            Ask the API anew, whatever the cache has; None as the client says.
        progress : bool or None
            Whether to show a bar; None as the client says.

        Returns
        -------
        pandas.DataFrame
            The declared columns and dtypes, ``_extra`` last, one row a record; an empty result
            has them all. ``df.attrs["socialframe"]`` says where the rows came from.

        Raises
        ------
        SocialFrameError
            If the first page failed: what went wrong.
        IncompleteWalk
            If a later page failed. A short frame is never returned.
        """
        from socialframe.frames import to_pandas

        return self._whole(
            lambda walk: to_pandas(self._table(walk), self._facts(walk)), refresh, progress
        )

    def arrow(self, *, refresh: bool | None = None, progress: bool | None = None) -> pa.Table:
        """Fetch all rows as one Arrow table; otherwise as ``frame``.

        Where the rows came from stands as JSON in the schema's metadata, under ``socialframe``.
        """

        def table(walk: Walk) -> pa.Table:
            rows = self._table(walk)
            return rows.replace_schema_metadata({"socialframe": json.dumps(self._facts(walk))})

        return self._whole(table, refresh, progress)

    def head(self, n: int = 5, *, refresh: bool | None = None) -> pd.DataFrame:
        """Fetch the first rows; one call, unless they are more than a page holds."""
        return self.limit(n).frame(refresh=refresh, progress=False).head(n)

    def pages(
        self, *, refresh: bool | None = None, progress: bool | None = None
    ) -> Iterator[pd.DataFrame]:
        """Yield one DataFrame a page; no page is fetched before the one before it was used.

        Parameters
        ----------
        refresh : bool or None
            Ask the API anew, whatever the cache has; None as the client says.
        progress : bool or None
            Whether to show a bar; None as the client says.

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
        for walk, rows in self._by_page(lambda walk: walk.batches(eager=False), refresh, progress):
            frame = to_pandas(pa.Table.from_batches([rows]), self._facts(walk))
            frame.index = frame.index + start  # goes on over the pages
            start += len(frame)
            yield frame

    def records(
        self, *, refresh: bool | None = None, progress: bool | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield each record as the dict that the reply held.

        The API's names, nesting, nulls, exact integers, in the order sent; nothing renamed, typed,
        dropped or told apart. An explode does not change them.

        Parameters
        ----------
        refresh : bool or None
            Ask the API anew, whatever the cache has; None as the client says.
        progress : bool or None
            Whether to show a bar; None as the client says.

        Yields
        ------
        dict

        Raises
        ------
        SocialFrameError, IncompleteWalk
            As ``frame``; the records before stay good.
        """
        for _, record in self._by_page(lambda walk: walk.raw(), refresh, progress):
            yield record

    def to_parquet(
        self,
        path: str | os.PathLike[str],
        *,
        refresh: bool | None = None,
        progress: bool | None = None,
    ) -> Path:
        """Fetch all rows into a Parquet file, row group by row group, in flat memory.

        Parameters
        ----------
        path : path
            Where it goes. It appears when it is whole; until then, and after a failure or Ctrl-C,
            what stood there before stands there still.
        refresh : bool or None
            Ask the API anew, whatever the cache has; None as the client says.
        progress : bool or None
            Whether to show a bar; None as the client says.

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
        from socialframe.parquet import write_parquet

        self._whole(
            lambda walk: write_parquet(path, walk.batches(), lambda: self._facts(walk)),
            refresh,
            progress,
        )
        return Path(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH111 - "~x" may be a name

    def to_csv(
        self,
        path: str | os.PathLike[str],
        *,
        refresh: bool | None = None,
        progress: bool | None = None,
    ) -> Path:
        """Fetch all rows into a CSV file, nested values as JSON text; else as ``to_parquet``."""
        from socialframe.text import write_csv

        self._whole(lambda walk: write_csv(path, walk.batches()), refresh, progress)
        return Path(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH111 - "~x" may be a name

    def to_jsonl(
        self,
        path: str | os.PathLike[str],
        *,
        refresh: bool | None = None,
        progress: bool | None = None,
    ) -> Path:
        """Fetch all rows into a JSON Lines file, one object a row; otherwise as ``to_parquet``."""
        from socialframe.text import write_jsonl

        self._whole(lambda walk: write_jsonl(path, walk.batches()), refresh, progress)
        return Path(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH111 - "~x" may be a name

    def _whole(self, use: Callable[[Walk], T], refresh: bool | None, progress: bool | None) -> T:
        """Do with a walk what gives nothing before its end; again where the cache has a way."""
        passage = self.source.passage(self._asked, refresh=refresh)
        while True:
            try:
                with self._walk(passage, progress) as walk:
                    return use(walk)
            except SocialFrameError as error:
                passage = self.source.instead(passage, error)
                if passage is None:
                    raise

    def _by_page(
        self,
        use: Callable[[Walk], Iterator[T]],
        refresh: bool | None,
        progress: bool | None,
    ) -> Iterator[tuple[Walk, T]]:
        """Do with a walk what hands on each page; again only while none was handed on."""
        passage = self.source.passage(self._asked, refresh=refresh)
        handed = False
        while True:
            try:
                with self._walk(passage, progress) as walk:
                    for one in use(walk):
                        handed = True
                        yield walk, one
                    return
            except SocialFrameError as error:
                instead = self.source.instead(passage, error)
                if instead is None or handed:
                    raise
                passage = instead

    @contextmanager
    def _walk(self, passage: Passage | None, progress: bool | None) -> Iterator[Walk]:
        from socialframe.progress import Progress
        from socialframe.walk import Walk

        shown = self.source.progress if progress is None else progress
        bar = Progress(self.endpoint.name, shown=shown)
        send = self.source.send if passage is None else partial(self.source.send, passage=passage)
        whole = False
        try:
            walk = Walk(self.endpoint, self.call, send, self.schema, self.most, bar)
            yield walk
            whole = walk.complete is True
        finally:
            self.source.arrived(passage, whole=whole)
            bar.close()

    @property
    def _asked(self) -> Asked:
        endpoint = self.endpoint
        how = f"{endpoint.paging!r} {endpoint.records!r} {self.schema.key!r}"
        name = json.dumps(self._given(), ensure_ascii=False)
        return Asked(endpoint.name, self.call.path, self.call.params, how, self.most, name)

    def _given(self) -> dict[str, object]:
        return {name: plain(value) for name, value in self.arguments if value is not None}

    def _table(self, walk: Walk) -> pa.Table:
        import pyarrow as pa

        return pa.Table.from_batches(list(walk.batches()))

    def _facts(self, walk: Walk) -> dict[str, Any]:
        return {"arguments": self._given()} | walk.facts()

    def _words(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments)
        words = f"{self.endpoint.name}({arguments})"
        if self.most is not None:
            words += f".limit({self.most})"
        if self.schema.exploded:
            words += f".explode({self.schema.exploded!r})"
        return words

    def _columns_in_words(self) -> str:
        return "columns inferred" if self.schema.inferred else f"{len(self.schema)} columns"

    def __dir__(self) -> list[str]:
        fields = self.__dataclass_fields__
        return [name for name in super().__dir__() if name not in fields]

    def __repr__(self) -> str:
        return (
            f"<Query {self._words()}: GET {self.endpoint.path}, {self._columns_in_words()}, "
            "nothing sent yet>"
        )

    def _repr_html_(self) -> str:
        return (
            f"<p><code>{html.escape(self._words())}</code>: GET {html.escape(self.endpoint.path)}, "
            f"nothing sent yet. <code>.frame()</code> fetches these columns:</p>"
            f"{self.schema._repr_html_()}"
        )
