"""Refreshes a dataset: fetches its window and replaces it in one commit."""

from __future__ import annotations

import html
import secrets
import time
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from socialframe.dataset import history
from socialframe.dataset.compare import Difference, check_keys, compare, row_keys
from socialframe.dataset.delta_types import conform, to_delta, union
from socialframe.dataset.storage import (
    FILE_BYTES,
    commit_of,
    compact,
    import_delta,
    read_commits,
    write_properties,
    writer,
)
from socialframe.dataset.window import Window, find_strays, find_window
from socialframe.errors import DatasetError
from socialframe.store.stored_walk import LEFT, LOOPED, RUNNING

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from socialframe.dataset.properties import Properties
    from socialframe.dataset.storage import Storage
    from socialframe.query import Query
    from socialframe.walk.plan import Plan
    from socialframe.walk.session import Options, Session
    from socialframe.walk.walk import Walk

_UNCHANGED = "The dataset was not changed."
_RESUME_FOR = 3600.0  # seconds
#: One group of rows of one file at a time: more would only take more memory.
_LEAN: dict[str, Any] = {"use_threads": False, "fragment_readahead": 1, "batch_readahead": 1}


@dataclass(frozen=True, slots=True, repr=False)
class Refresh:
    """What a refresh did.

    Parameters
    ----------
    inserted, updated, deleted, unchanged : int
        Rows of the window.
    calls : int
        Requests, without retries.
    from_ : date or None
        First day of the window; None if all rows were fetched.
    to : datetime
        When the first page was fetched.
    seconds : float
        Duration.

    Examples
    --------
    >>> from datetime import UTC, date, datetime
    >>> Refresh(3, 12, 1, 200, 4, date(2026, 1, 1), datetime(2026, 1, 15, tzinfo=UTC), 0.8)
    <Refresh: 3 inserted, 12 updated, 1 deleted, 200 unchanged; 4 calls, from 2026-01-01, 0.8 s>
    """

    inserted: int
    updated: int
    deleted: int
    unchanged: int
    calls: int
    from_: date | None
    to: datetime
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON values; ``from_`` is named ``from``."""
        found = {name.rstrip("_"): value for name, value in asdict(self).items()}
        found["from"] = None if self.from_ is None else self.from_.isoformat()
        return {**found, "to": self.to.isoformat(), "seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        calls = f"{self.calls:,} call{'s' * (self.calls != 1)}"
        since = "all rows" if self.from_ is None else f"from {self.from_}"
        return (
            f"{self.inserted:,} inserted, {self.updated:,} updated, {self.deleted:,} deleted, "
            f"{self.unchanged:,} unchanged; {calls}, {since}, {self.seconds:.1f} s"
        )

    def __repr__(self) -> str:
        return f"<Refresh: {self}>"

    def _repr_html_(self) -> str:
        cells = {one.name.rstrip("_"): getattr(self, one.name) for one in fields(self)}
        cells["from"] = "all rows" if self.from_ is None else self.from_
        cells["seconds"] = f"{self.seconds:.1f}"
        cells["to"] = f"{self.to:%Y-%m-%d %H:%M:%S} UTC"
        texts = {
            name: f"{cell:,}" if isinstance(cell, int) else html.escape(str(cell))
            for name, cell in cells.items()
        }
        rows = "".join(f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in texts.items())
        return f"<table>{rows}</table>"


def last_refresh(table: DeltaTable) -> dict[str, Any]:
    """Return the facts of the last refresh that the log has; empty if there is none."""
    commits = read_commits(table)
    return next((commits[one] for one in sorted(commits, reverse=True) if "id" in commits[one]), {})


def next_window(table: DeltaTable, properties: Properties, *, full: bool) -> Window:
    """Return the window of the next refresh."""
    moment = last_refresh(table).get("to")
    if full or moment is None:
        return Window()
    return find_window(table, properties, datetime.fromisoformat(moment))


def refresh_table(
    storage: Storage,
    table: DeltaTable,
    properties: Properties,
    query: Query,
    options: Options,
    full: bool,
) -> Refresh:
    """Fetch the window, write the history, then replace the window in one commit."""
    began = time.monotonic()
    log = storage.open_history() if properties.history else None
    if log is not None:
        # If the lock keeps out all others, no other refresh may still commit.
        history.remove(log, history.uncommitted(table, log, pending=storage.locks))
    window = next_window(table, properties, full=full)
    rows, facts = _fetch(query, window, options)
    key = properties.key
    rows = to_delta(rows)
    _check_has_key(rows, key)
    check_keys(rows, key)
    stored = pa.schema(table.to_pyarrow_dataset().schema)
    schema = union(stored, rows.schema, retype=window.start is None)
    rows = conform(rows, schema)
    old, strays = _stored_rows(table, window, rows, schema, key)
    difference = compare(old, rows, key)
    if properties.deletes == "keep":
        rows = pa.concat_tables([rows, difference.deleted])
        difference = replace(difference, deleted=difference.deleted.slice(0, 0))
    found = Refresh(
        inserted=len(difference.inserted),
        updated=len(difference.updated),
        deleted=len(difference.deleted),
        unchanged=difference.unchanged,
        calls=facts["from_network"] + facts["unused_requests"],
        from_=window.start,
        to=datetime.fromisoformat(facts["first_fetch"]),
        seconds=0.0,
    )
    commit = {"id": secrets.token_hex(8), **found.to_json(), "walk": _walk_facts(facts)}
    changed = bool(found.inserted or found.updated or found.deleted or not schema.equals(stored))
    if changed:
        predicate = window.predicate(strays)
        _write(storage, table, properties, difference, rows, predicate, commit)
    else:
        write_properties(table, properties.to_json(), commit)
    compact(storage.open())
    if properties.history and changed:
        compact(storage.open_history())
    return replace(found, seconds=time.monotonic() - began)


def _write(
    storage: Storage,
    table: DeltaTable,
    properties: Properties,
    difference: Difference,
    rows: pa.Table,
    predicate: str | None,
    commit: dict[str, Any],
) -> None:
    """Write the history, then the rows; each in one commit."""
    version = table.version() + 1  # no other commit may come between
    logged = properties.history and bool(
        len(difference.inserted) + len(difference.updated) + len(difference.deleted)
    )
    if logged:
        moment = datetime.fromisoformat(commit["to"])
        changes = history.log_rows(difference, commit["id"], version, moment)
        history.append(storage, changes, commit["id"], version)
    try:
        import_delta().write_deltalake(
            table,
            rows,
            mode="overwrite",
            predicate=predicate,
            schema_mode="overwrite" if predicate is None else "merge",
            target_file_size=FILE_BYTES,
            writer_properties=writer(),
            commit_properties=commit_of(commit),
        )
    except BaseException:
        log = storage.open_history() if logged else None
        current = storage.open()
        if log is not None and current is not None and current.version() >= version:
            history.remove(log, {commit["id"]} & history.uncommitted(current, log, pending=False))
        raise


def _fetch(query: Query, window: Window, options: Options) -> tuple[pa.Table, dict[str, Any]]:
    """Return all rows of the window; raise an error unless they are complete and from the API."""

    def consume(walk: Walk) -> tuple[pa.Table, dict[str, Any]]:
        rows = pa.Table.from_batches(list(walk.batches()))
        return rows, walk.facts()

    session = query._session
    plan = window.narrowed(query._plan)
    plan = replace(plan, walk_id=_open_walk(session, plan))
    rows, facts = session.run(plan, consume, options)
    if facts["from_cache"]:
        raise DatasetError(f"The rows came from the cache, not from the API. {_UNCHANGED}")
    if facts["complete"] is not True:
        raise DatasetError(f"The rows may be incomplete: {facts['stop']}. {_UNCHANGED}")
    return rows, facts


def _open_walk(session: Session, plan: Plan) -> str:
    """Return the id of a walk of the same window that broke in the last hour; empty if none."""
    if session.store is None or not (session.resume and session.journal):
        return ""
    for walk in session.store.open_walks(plan.key.name(session.tenant)):
        young = -60 < session.now() - walk.last < _RESUME_FOR  # noqa: PLR2004 - clocks differ
        if walk.tenant == session.tenant and young and walk.state not in {RUNNING, LEFT, LOOPED}:
            return walk.id
    return ""


def _check_has_key(rows: pa.Table, key: tuple[str, ...]) -> None:
    missing = [name for name in key if name not in rows.schema.names]
    if missing and len(rows):
        raise DatasetError(f"The rows have no column {missing[0]!r}, the key. {_UNCHANGED}")


def _stored_rows(
    table: DeltaTable, window: Window, rows: pa.Table, schema: pa.Schema, key: tuple[str, ...]
) -> tuple[pa.Table, pa.Table]:
    """Return the rows that the commit replaces, and the keys of those outside the window."""
    stored = table.to_pyarrow_dataset()
    old = conform(stored.to_table(filter=window.filter(stored.schema), **_LEAN), schema)
    if window.start is None:
        return old, rows.slice(0, 0).select(list(key))
    strays = find_strays(table, window, rows, key)
    if len(strays):
        others = stored.to_table(
            filter=window.outside(stored.schema)
            & pc.field(key[0]).isin(strays.column(key[0]).combine_chunks())
        )
        wanted = row_keys(strays, key).combine_chunks()
        others = others.filter(pc.is_in(row_keys(others, key), value_set=wanted))
        old = pa.concat_tables([old, conform(others, schema)])
    return old, strays


def _walk_facts(facts: dict[str, Any]) -> dict[str, Any]:
    names = ("path", "rows", "pages", "first_fetch", "last_fetch", "request_id", "version")
    return {name: facts[name] for name in names}
