"""Writes a folder of Parquet files with Hive partitions: ``platform=tiktok/month=2026-01``."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from socialframe.errors import ArgumentError, FileError
from socialframe.files.atomic import peek_schema, resolve_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

_NOTE = "_socialframe.json"  # readers leave out names with _
_FORMATS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}
_NULL = "__HIVE_DEFAULT_PARTITION__"
_AT_ONCE = 64 << 20  # bytes of Arrow data


def check_partitions(by: object, schema: Iterable[str] | None, clock: str) -> list[str]:
    """Return the partition columns: columns of the rows, or year, month, day of the clock."""
    listed = not isinstance(by, str) and hasattr(by, "__iter__")
    names: list[object] = list(by) if listed else [by]  # type: ignore[call-overload]
    if not names or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"partition_by must be a list of columns; got {by!r}.")
    known = None if schema is None else set(schema)
    for name in names:
        derived = bool(clock) and name in _FORMATS
        if known is not None and name not in known and not derived:
            periods = f", or {', '.join(_FORMATS)} of {clock}" if clock else ""
            raise ArgumentError(f"partition_by must name columns{periods}; got {name!r}.")
    return [str(name) for name in names]


def write_hive(
    path: str | os.PathLike[str],
    batches: Iterable[pa.RecordBatch],
    by: Sequence[str],
    clock: str,
    facts: Callable[[], dict[str, Any]],
) -> None:
    """Write rows as they arrive; the folder appears when it is complete.

    An older folder that this function wrote is replaced; between the two, there is none. Any other
    folder is left as it is, with a FileError.
    """
    target = resolve_path(path)
    if target.exists() and not _may_replace(target):
        raise FileError(
            f"{path!s} cannot be written: it exists, and is not a folder of to_parquet(). Remove "
            "it, or pass another one."
        )
    part = target.with_name(f".{secrets.token_hex(6)}.part")
    try:
        part.mkdir()
        schema, batches = peek_schema(batches)
        for number, table in enumerate(_groups(batches, schema)):
            for values, rows in _partitions(_with_periods(table, by, clock), by):
                names = [f"{name}={_text(value)}" for name, value in zip(by, values, strict=True)]
                folder = part.joinpath(*names)
                folder.mkdir(parents=True, exist_ok=True)
                _write(folder / f"part-{number:05}.parquet", rows)
        with (part / _NOTE).open("x", encoding="utf-8") as file:
            json.dump(facts(), file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            old = target.with_name(f".{secrets.token_hex(6)}.old")
            target.rename(old)
            part.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            part.rename(target)
    except OSError as error:
        reason = (error.strerror or str(error)).rstrip(".").lower()
        text = f"{path!s} cannot be written: {reason}. Nothing was left behind."
        raise FileError(text) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _may_replace(target: Path) -> bool:
    return target.is_dir() and ((target / _NOTE).is_file() or not any(target.iterdir()))


def _groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.nbytes for one in held) >= _AT_ONCE:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held, schema=schema)


def _with_periods(table: pa.Table, by: Sequence[str], clock: str) -> pa.Table:
    for name in by:
        if name not in table.schema.names:
            text = pc.strftime(table.column(clock), format=_FORMATS[name])
            table = table.append_column(name, text)
    return table


def _partitions(
    table: pa.Table, by: Sequence[str]
) -> Iterator[tuple[tuple[object, ...], pa.Table]]:
    """Yield the values of the partition columns and the rows that have them, in their order."""
    for name in by:
        if pa.types.is_nested(table.schema.field(name).type):
            raise ArgumentError(f"partition_by must not name the nested column {name!r}.")
    if not len(table):
        return
    keys = list(zip(*(table.column(name).to_pylist() for name in by), strict=True))
    rows: dict[tuple[object, ...], list[int]] = {}
    for row, values in enumerate(keys):
        rows.setdefault(values, []).append(row)
    data = table.drop_columns(list(by))
    for values, places in rows.items():
        yield values, data.take(pa.array(places))


def _text(value: object) -> str:
    return _NULL if value is None else quote(str(value), safe=" -_.:")


def _write(path: Path, rows: pa.Table) -> None:
    with path.open("xb") as file:
        pq.write_table(rows, file, compression="zstd", compression_level=1)
        file.flush()
        os.fsync(file.fileno())
