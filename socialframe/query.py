"""A query: an endpoint with its arguments; a promise of rows, nothing sent yet."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from socialframe.errors import SocialFrameError
from socialframe.store.manifest import Asked
from socialframe.walk.estimate import Estimate
from socialframe.walk.plan import plain, whole_number
from socialframe.walk.session import Run
from socialframe.ways import Ways

if TYPE_CHECKING:
    import pandas as pd

    from socialframe.messages.call import Call
    from socialframe.paging import Paging
    from socialframe.progress import Shown
    from socialframe.schema.columns import Schema
    from socialframe.walk.plan import Endpoint
    from socialframe.walk.session import Source
    from socialframe.walk.walk import Walk


@dataclass(frozen=True, repr=False)
class Query(Ways):
    """A promise of rows: immutable, lazy, typed. Only its methods that return rows send anything.

    ``frame``, ``arrow``, ``head``, ``pages``, ``records`` return rows; ``to_parquet``, ``to_csv``,
    ``to_jsonl`` write them; ``limit`` and ``explode`` return another query; ``columns`` and
    ``paging`` say what is declared, ``estimate`` what it would cost. A client's
    methods make queries.

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
    walk : str
        Name of an unfinished walk to go on with.

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
    walk: str = ""

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

    def estimate(self) -> Estimate:
        """Return what all rows would cost now. Nothing is sent.

        It is known where the cache has the walk, where this client walked it before, or saw a page
        (``head()``) that says how many there are, and where all comes in one reply.

        Returns
        -------
        Estimate
            ``requests``, of which ``cached``, and the ``seconds`` that the others wait for the
            budget; None stands for what is not known.

        Raises
        ------
        OfflineMiss
            If the client is offline, and the cache has no such walk.

        Examples
        --------
        >>> import socialframe as sf
        >>> query = sf.Client.sandbox().posts()
        >>> query.estimate()
        <Estimate: not known before a page was seen>
        >>> rows = query.head()
        >>> query.estimate()
        <Estimate: 54 requests, of which cached: 0; no waiting for the budget as it stands>
        """
        return self._run().estimate()

    def kept(self) -> pd.DataFrame:
        """Return the rows that an unfinished walk has brought so far; nothing is sent.

        Only of a query that ``IncompleteWalk.resume()`` or ``sf.resume()`` gave.

        Raises
        ------
        ArgumentError
            If nothing of the walk is kept.
        """
        from socialframe.frames import to_pandas

        return self._run().kept(lambda walk: to_pandas(self._table(walk), self._facts(walk)))

    def _run(
        self,
        refresh: bool | None = None,
        progress: Shown = None,
        max_requests: int | None = None,
    ) -> Run:
        if max_requests is not None:
            max_requests = whole_number("max_requests", max_requests)
        return Run(
            self.endpoint,
            self.call,
            self.source,
            self.schema,
            self._asked,
            refresh,
            progress,
            max_requests,
            self._recipe(),
            lambda walk: replace(self, walk=walk),
            self.walk,
        )

    def _recipe(self) -> dict[str, Any]:
        """Return what makes the query again in another process, as JSON values."""
        return {
            "arguments": self._given(),
            "most": self.most,
            "explode": self.schema.exploded,
        }

    @property
    def _asked(self) -> Asked:
        endpoint = self.endpoint
        how = f"{endpoint.paging!r} {endpoint.records!r} {self.schema.key!r}"
        name = json.dumps(self._given(), ensure_ascii=False)
        return Asked(endpoint.name, self.call.path, self.call.params, how, self.most, name)

    def _given(self) -> dict[str, object]:
        return {name: plain(value) for name, value in self.arguments if value is not None}

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
        try:
            cost = self.estimate()
        except SocialFrameError:  # it cannot be had offline
            cost = Estimate(None, 0, None)
        told = f" Cost: {cost}." if cost.requests is not None else ""
        last = self._run().last()
        sent = f". Last time: {html.escape(last)}." if last else ", nothing sent yet."
        return (
            f"<p><code>{html.escape(self._words())}</code>: GET {html.escape(self.endpoint.path)}"
            f"{sent}{told} <code>.frame()</code> fetches these columns:</p>"
            f"{self.schema._repr_html_()}"
        )
