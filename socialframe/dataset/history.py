"""The history of a dataset: each inserted, updated or deleted row, with the refresh that saw it.

The history is written before the rows. A refresh that fails in between leaves history that the
table of the rows has not committed; readers leave it out, and a later refresh removes it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from socialframe.dataset.compare import row_keys
from socialframe.dataset.delta_types import as_text, conform, union
from socialframe.dataset.storage import (
    FILE_BYTES,
    KEPT_LOG,
    commit_of,
    import_delta,
    read_commits,
    writer,
)
from socialframe.schema.columns import EXTRA

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd
    from deltalake import DeltaTable

    from socialframe.dataset.compare import Difference
    from socialframe.dataset.storage import Storage

CHANGE, FETCHED, REFRESH, VERSION = "_change", "_fetched_at", "_refresh", "_version"
_OWN = (CHANGE, FETCHED, REFRESH, VERSION)
_MOMENT = pa.timestamp("us", "UTC")


def log_rows(difference: Difference, refresh: str, version: int, moment: datetime) -> pa.Table:
    """Return the rows of the history of a refresh."""
    parts = []
    kinds = {
        "insert": difference.inserted,
        "update": difference.updated,
        "delete": difference.deleted,
    }
    for kind, rows in kinds.items():
        own = [kind, moment, refresh, version]
        types = [pa.string(), _MOMENT, pa.string(), pa.int64()]
        for name, value, type_ in zip(_OWN, own, types, strict=True):
            repeated = pa.repeat(pa.scalar(value, type_), len(rows))
            rows = rows.append_column(name, repeated)  # noqa: PLW2901
        parts.append(rows)
    return pa.concat_tables(parts)


def append(storage: Storage, rows: pa.Table, refresh: str, version: int) -> None:
    """Append rows to the history; a column whose type changed becomes text."""
    write = import_delta().write_deltalake
    facts = {"id": refresh, "version": version}
    table = storage.open_history()
    schema = rows.schema
    if table is not None:
        stored = pa.schema(table.to_pyarrow_dataset().schema)
        kept = as_text(stored, schema)
        if kept != stored:
            # Written as one commit, so that readers see the one or the other.
            write(
                table,
                conform(table.to_pyarrow_table(), kept),
                mode="overwrite",
                schema_mode="overwrite",
                target_file_size=FILE_BYTES,
                writer_properties=writer(),
                commit_properties=commit_of({}),
            )
            table = storage.open_history()
        schema = union(as_text(schema, kept), kept, retype=True)
    write(
        storage.log_uri if table is None else table,
        conform(rows, schema),
        mode="append",
        schema_mode="merge",
        target_file_size=FILE_BYTES,
        writer_properties=writer(),
        commit_properties=commit_of(facts),
        configuration=KEPT_LOG if table is None else None,
    )


def uncommitted(main: DeltaTable, log: DeltaTable, *, pending: bool) -> set[str]:
    """Return the refreshes in the history that the rows have not committed.

    Without ``pending`` those that may still commit are left out.
    """
    done = read_commits(main)
    first, last = min(done), main.version()
    found: set[str] = set()
    removed: set[str] = set()
    for facts in read_commits(log).values():
        removed.update(facts.get("removed", ()))
        version = facts.get("version")
        if version is None or version < first:
            continue
        if (version > last and pending) or (
            version <= last and done.get(version, {}).get("id") != facts["id"]
        ):
            found.add(facts["id"])
    return found - removed


def remove(log: DeltaTable, refreshes: set[str]) -> None:
    """Delete the history of refreshes that were not committed."""
    if not refreshes:
        return
    ids = sorted(refreshes)
    listed = ", ".join(f"'{one}'" for one in ids)
    with suppress(import_delta().exceptions.DeltaError):  # readers leave them out anyway
        log.delete(f"{REFRESH} IN ({listed})", commit_properties=commit_of({"removed": ids}))


def read_log(
    storage: Storage,
    main: DeltaTable,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Return the committed history up to the version of the rows, in the order of the refreshes."""
    log = storage.open_history()
    if log is None:
        own = {CHANGE: pa.string(), FETCHED: _MOMENT, REFRESH: pa.string(), VERSION: pa.int64()}
        rows = pa.schema(main.to_pyarrow_dataset().schema)
        wanted = [rows.field(name) for name in columns] if columns is not None else list(rows)
        return pa.schema([*wanted, *(pa.field(n, t) for n, t in own.items())]).empty_table()
    chosen = pc.field(VERSION) <= main.version()
    bad = uncommitted(main, log, pending=True)
    if bad:
        chosen &= ~pc.field(REFRESH).isin(pa.array(sorted(bad), pa.string()))
    if since is not None:
        chosen &= pc.field(FETCHED) > pa.scalar(since, _MOMENT)
    if until is not None:
        chosen &= pc.field(FETCHED) <= pa.scalar(until, _MOMENT)
    names = None if columns is None else [*columns, *_OWN]
    return log.to_pyarrow_dataset().to_table(columns=names, filter=chosen).sort_by(VERSION)


def latest(rows: pa.Table, key: Sequence[str], schema: pa.Schema) -> pa.Table:
    """Return the rows that the history says exist at its end."""
    keys = row_keys(rows, key).to_pandas()
    last = rows.filter(pa.array(~keys.duplicated(keep="last").to_numpy()))
    return conform(last.filter(pc.not_equal(last.column(CHANGE), "delete")), schema)


def tidy(rows: pa.Table, key: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Return one row for each value that a column got: key, moment, column, value."""
    import pandas as pd

    from socialframe.frames import to_pandas

    frame = to_pandas(rows)
    parts = []
    for name in columns:
        kept = [*key, FETCHED, name]
        part = frame.loc[frame[CHANGE] != "delete", kept].rename(columns={name: "value"})
        before = part.groupby(list(key), sort=False)["value"].shift()
        seen = part.duplicated(list(key))
        same = (part["value"] == before).fillna(value=False) | (
            part["value"].isna() & before.isna()
        )
        part = part[~(seen & same.astype(bool))]
        part.insert(len(key) + 1, "column", name)
        parts.append(part.sort_values([*key, FETCHED], kind="stable"))
    named = {FETCHED: "fetched_at"}
    names = [*key, "fetched_at", "column", "value"]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)
    return found.rename(columns=named)


def described(rows: pa.Table) -> pa.Table:
    """Return history with the names that users see: what happened and when come first."""
    names = [name for name in rows.schema.names if name not in (*_OWN, EXTRA)]
    extra = [EXTRA] if EXTRA in rows.schema.names else []
    shown = rows.select([CHANGE, FETCHED, *names, *extra])
    return shown.rename_columns(["change", "fetched_at", *names, *extra])
