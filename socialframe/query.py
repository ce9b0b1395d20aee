"""A query: an endpoint with its arguments; a promise of rows, nothing sent yet."""

from __future__ import annotations

import html
import json
import operator
import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from socialframe.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    import pyarrow as pa

    from socialframe.columns import Schema
    from socialframe.declaration import Endpoint
    from socialframe.paging import Paging
    from socialframe.replies import Call, Reply
    from socialframe.walk import Walk


class Source(Protocol):
    """What a query is sent through: a client."""

    @property
    def progress(self) -> bool | None:
        """Whether walks show a bar; None means where somebody watches."""

    def send(self, call: Call, notify: Callable[[str], None] | None = None) -> Reply:
        """One call in, one reply out."""


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

    def frame(self, *, progress: bool | None = None) -> pd.DataFrame:
        """Fetch all rows as one DataFrame.

        Parameters
        ----------
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

        with self._walk(progress) as walk:
            table = self._table(walk)
        return to_pandas(table, self._facts(walk))

    def arrow(self, *, progress: bool | None = None) -> pa.Table:
        """Fetch all rows as one Arrow table; otherwise as ``frame``.

        Where the rows came from stands as JSON in the schema's metadata, under ``socialframe``.
        """
        with self._walk(progress) as walk:
            table = self._table(walk)
        return table.replace_schema_metadata({"socialframe": json.dumps(self._facts(walk))})

    def head(self, n: int = 5) -> pd.DataFrame:
        """Fetch the first rows; one call, unless they are more than a page holds."""
        return self.limit(n).frame(progress=False).head(n)

    def pages(self, *, progress: bool | None = None) -> Iterator[pd.DataFrame]:
        """Yield one DataFrame a page; no page is fetched before the one before it was used.

        Parameters
        ----------
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

        with self._walk(progress) as walk:
            start = 0
            for rows in walk.batches(eager=False):
                frame = to_pandas(pa.Table.from_batches([rows]), self._facts(walk))
                frame.index = frame.index + start  # goes on over the pages
                start += len(frame)
                yield frame

    def records(self, *, progress: bool | None = None) -> Iterator[dict[str, Any]]:
        """Yield each record as the dict that the reply held.

        The API's names, nesting, nulls, exact integers, in the order sent; nothing renamed, typed,
        dropped or told apart. An explode does not change them.

        Parameters
        ----------
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
        with self._walk(progress) as walk:
            yield from walk.raw()

    def to_parquet(self, path: str | os.PathLike[str], *, progress: bool | None = None) -> Path:
        """Fetch all rows into a Parquet file, row group by row group, in flat memory.

        Parameters
        ----------
        path : path
            Where it goes. It appears when it is whole; until then, and after a failure or Ctrl-C,
            what stood there before stands there still.
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

        with self._walk(progress) as walk:
            write_parquet(path, walk.batches(), lambda: self._facts(walk))
        return Path(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH111 - "~x" may be a name

    def to_csv(self, path: str | os.PathLike[str], *, progress: bool | None = None) -> Path:
        """Fetch all rows into a CSV file, nested values as JSON text; else as ``to_parquet``."""
        from socialframe.text import write_csv

        with self._walk(progress) as walk:
            write_csv(path, walk.batches())
        return Path(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH111 - "~x" may be a name

    def to_jsonl(self, path: str | os.PathLike[str], *, progress: bool | None = None) -> Path:
        """Fetch all rows into a JSON Lines file, one object a row; otherwise as ``to_parquet``."""
        from socialframe.text import write_jsonl

        with self._walk(progress) as walk:
            write_jsonl(path, walk.batches())
        return Path(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH111 - "~x" may be a name

    @contextmanager
    def _walk(self, progress: bool | None) -> Iterator[Walk]:
        from socialframe.progress import Progress
        from socialframe.walk import Walk

        shown = self.source.progress if progress is None else progress
        bar = Progress(self.endpoint.name, shown=shown)
        try:
            yield Walk(self.endpoint, self.call, self.source.send, self.schema, self.most, bar)
        finally:
            bar.close()

    def _table(self, walk: Walk) -> pa.Table:
        import pyarrow as pa

        return pa.Table.from_batches(list(walk.batches()))

    def _facts(self, walk: Walk) -> dict[str, Any]:
        given = {name: _plain(value) for name, value in self.arguments if value is not None}
        return {"arguments": given} | walk.facts()

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


def whole_number(name: str, value: object) -> int:
    """Return the value, which must be a whole number from 1 on.

    Raises
    ------
    ArgumentError
        If it is not.

    Examples
    --------
    >>> whole_number("per_page", 100)
    100
    """
    try:
        whole = 0 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        whole = 0
    if not 1 <= whole < 1 << 62:
        raise ArgumentError(f"{name} takes a whole number from 1 on, not {value!r}.")
    return whole


def _plain(value: object) -> object:
    """Return a value that JSON holds."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    return str(value)
