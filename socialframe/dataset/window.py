"""The window of a refresh: the rows that are fetched again and replaced."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from socialframe.dataset.compare import row_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deltalake import DeltaTable

    from socialframe.dataset.properties import Properties
    from socialframe.walk.plan import Plan


@dataclass(frozen=True, slots=True)
class Window:
    """The rows from a day on; without a day all rows."""

    clock: str = ""
    start: date | None = None

    def narrowed(self, plan: Plan) -> Plan:
        """Return the plan that fetches the rows of the window."""
        if self.start is None or plan.method is None:
            return plan
        given = dict(plan.arguments)
        narrow: Plan = plan.method(**{**given, "since": self.start.isoformat()})._plan
        return replace(narrow, schema=plan.schema)

    def filter(self, schema: pa.Schema) -> pc.Expression | None:
        """Return the filter of the rows in the window; None for all rows."""
        if self.start is None:
            return None
        return pc.field(self.clock) >= self._bound(schema)

    def outside(self, schema: pa.Schema) -> pc.Expression:
        """Return the filter of the rows outside the window."""
        clock = pc.field(self.clock)
        return (clock < self._bound(schema)) | clock.is_null()

    def predicate(self, strays: pa.Table) -> str | None:
        """Return the rows to replace as SQL: those of the window, and those with some keys."""
        if self.start is None:
            return None
        since = f"{_name(self.clock)} >= '{self.start.isoformat()}'"
        names = strays.schema.names
        rows = strays.to_pylist()
        if not rows:
            return since
        if len(names) == 1:
            values = ", ".join(_value(row[names[0]]) for row in rows)
            return f"({since} OR {_name(names[0])} IN ({values}))"
        each = (
            " AND ".join(f"{_name(name)} = {_value(row[name])}" for name in names) for row in rows
        )
        return f"({' OR '.join([since, *(f'({one})' for one in each)])})"

    def _bound(self, schema: pa.Schema) -> pa.Scalar:
        kind = schema.field(self.clock).type
        assert self.start is not None  # noqa: S101 - only windows with a day have a bound
        if pa.types.is_date(kind):
            return pa.scalar(self.start, kind)
        return pa.scalar(
            datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC), kind
        )


def find_window(table: DeltaTable, properties: Properties, last: datetime | None) -> Window:
    """Return the window of the next refresh.

    It starts ``restate`` before the newest row, by the endpoint's own clock; before the last
    refresh if rows lie in the future of it.
    """
    if not properties.clock:
        return Window()
    newest = _newest(table, properties.clock)
    if newest is None:
        return Window()
    if last is not None:
        newest = min(newest, last)
    start = (newest - timedelta(seconds=properties.restate)).date()
    if until := properties.arguments.get("until"):
        start = min(start, date.fromisoformat(until[:10]))
    since = properties.arguments.get("since")
    if since and start <= date.fromisoformat(since[:10]):
        return Window()
    return Window(properties.clock, start)


def find_strays(table: DeltaTable, window: Window, rows: pa.Table, key: Sequence[str]) -> pa.Table:
    """Return the keys of the fetched rows that are outside the window, here or in the table."""
    schema = rows.schema
    late = rows.filter(window.outside(schema)).select(list(key))
    if window.clock in key:
        return late  # a row with the same key is at the same time
    fetched = row_keys(rows, key).combine_chunks()
    found = [late]
    scanner = table.to_pyarrow_dataset().scanner(
        columns=list(key), filter=window.outside(schema), use_threads=False
    )
    for batch in scanner.to_batches():
        stored = pa.Table.from_batches([batch])
        found.append(stored.filter(pc.is_in(row_keys(stored, key), value_set=fetched)))
    strays = pa.concat_tables([one.cast(late.schema) for one in found])
    return strays.group_by(list(key)).aggregate([])


def count_rows(table: DeltaTable, window: Window) -> int:
    """Return the number of rows of the table in the window."""
    rows = table.to_pyarrow_dataset()
    return int(rows.count_rows(filter=window.filter(rows.schema)))


def _newest(table: DeltaTable, clock: str) -> datetime | None:
    scanner = table.to_pyarrow_dataset().scanner(columns=[clock])
    found: Iterable[Any] = (pc.max(batch.column(0)).as_py() for batch in scanner.to_batches())
    newest = max((one for one in found if one is not None), default=None)
    if newest is None or isinstance(newest, datetime):
        return newest
    return _midnight(newest)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _value(value: object) -> str:
    if isinstance(value, bool | int | float):
        return str(value)
    text = value.isoformat() if isinstance(value, date) else str(value)
    return "'" + text.replace("'", "''") + "'"
