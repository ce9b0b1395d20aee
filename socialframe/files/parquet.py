"""Writes and reads Parquet, streamed and atomically, with the provenance in the footer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet as pq

from socialframe.errors import ArgumentError, FileError, SocialFrameError
from socialframe.files.atomic import atomic_write, peek_schema, resolve_path
from socialframe.frames import to_pandas
from socialframe.frames.reshape import CREATOR
from socialframe.version import VERSION

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

FOOTER = b"socialframe"
_ROW_GROUP = (
    16 << 20
)  # bytes of Arrow data: larger groups take more memory, smaller ones compress less


def write_parquet(
    path: str | os.PathLike[str],
    batches: Iterable[pa.RecordBatch],
    facts: Callable[[], dict[str, Any]],
) -> None:
    """Write rows as they arrive; the file appears when it is complete.

    There must be at least one batch. Iteration starts after the file is open. ``facts`` is called
    after the last row and returns the provenance as JSON values.
    """
    with atomic_write(path) as file:
        schema, batches = peek_schema(batches)
        pandas = json.dumps(_pandas_metadata(schema)).encode()
        schema = schema.with_metadata({b"pandas": pandas})
        with (
            pq.ParquetWriter(file, schema, compression="zstd", compression_level=1) as writer,
            ThreadPoolExecutor(1, thread_name_prefix="socialframe") as encoder,
        ):
            # One row group is encoded while the rows of the next one arrive.
            pending: Future[None] | None = None
            for table in _row_groups(batches, schema):
                if pending is not None:
                    pending.result()
                size = max(1, table.num_rows)
                pending = encoder.submit(writer.write_table, table, row_group_size=size)
            if pending is not None:
                pending.result()
            footer = json.dumps(facts(), ensure_ascii=False).encode()
            writer.add_key_value_metadata({FOOTER: footer})


def to_parquet(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write any DataFrame so that ``pd.read_parquet`` reads it back.

    ``frame.to_parquet(path)`` writes nested Arrow columns with a footer that pandas cannot read.
    This function writes the same rows as queries do: atomically, and with
    ``df.attrs["socialframe"]`` in the footer.

    Parameters
    ----------
    frame : pandas.DataFrame
        Any frame. Its index is written as pandas does it.
    path : path
        Path of the file.

    Raises
    ------
    ArgumentError
        If a column has no Arrow type, such as a column of mixed objects.
    FileError
        If the file cannot be written. Nothing is left behind.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_parquet(pd.DataFrame({"likes": [1, 2]}), f"{folder}/likes.parquet")
    ...     pd.read_parquet(f"{folder}/likes.parquet")["likes"].tolist()
    [1, 2]
    """
    if not isinstance(frame, pd.DataFrame):
        raise ArgumentError(f"frame must be a DataFrame; got {type(frame).__name__}.")
    try:
        if frame.attrs:  # pandas drops all attrs if one is not a JSON value
            frame = frame.copy(deep=False)
            frame.attrs = json.loads(json.dumps(frame.attrs, default=str))
        table = pa.Table.from_pandas(frame)
        metadata = dict(table.schema.metadata or {})
        pandas = json.loads(metadata[b"pandas"])
        pandas["columns"] = [c for c in pandas["columns"] if _pandas_can_read(c["numpy_type"])]
        metadata[b"pandas"] = json.dumps(pandas).encode()
        facts = frame.attrs.get("socialframe")
        if isinstance(facts, dict):
            metadata[FOOTER] = json.dumps({**facts, "rows_written": len(frame)}).encode()
        table = table.replace_schema_metadata(metadata)
        with atomic_write(path) as file:
            pq.write_table(table, file, compression="zstd", compression_level=1)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise ArgumentError(f"The frame cannot be written as Parquet: {error}") from error


def read_parquet(path: str | os.PathLike[str], columns: list[str] | None = None) -> pd.DataFrame:
    """Read a Parquet file with the dtypes of queries.

    Parameters
    ----------
    path : path
        Path of the file.
    columns : list of str or None
        Columns to read; None means all.

    Returns
    -------
    pandas.DataFrame
        Nested columns keep their Arrow type; ``pd.read_parquet`` converts them to objects.
        ``df.attrs["socialframe"]`` has the provenance, if the file has it.

    Raises
    ------
    FileError
        If the file does not exist, or is not a Parquet file.
    ArgumentError
        If there is no such column.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_parquet(pd.DataFrame({"likes": [1, None]}, dtype="Int64"), f"{folder}/l.parquet")
    ...     read_parquet(f"{folder}/l.parquet")["likes"].dtype
    Int64Dtype()
    """
    names = _names(columns)
    with open_parquet(path) as file:
        has = file.schema_arrow.names
        missing = ", ".join(sorted(set(names or ()) - set(has)))
        if missing:
            raise ArgumentError(f"{path!s} has no column {missing}; it has {', '.join(has)}.")
        table = file.read(columns=names, use_pandas_metadata=True)
        footer = (file.metadata.metadata or {}).get(FOOTER)
        return to_pandas(table, json.loads(footer) if footer else None)


@contextmanager
def open_parquet(path: str | os.PathLike[str]) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file to read; raise FileError if it is missing, invalid or damaged."""
    source = resolve_path(path)
    if source.is_dir():
        raise FileError(f"{path!s} is a folder; pass the path of a Parquet file.")
    try:
        with source.open("rb") as data, pq.ParquetFile(data) as file:
            yield file
    except SocialFrameError:
        raise
    except FileNotFoundError as error:
        raise FileError(f"There is no file {path!s}.") from error
    except OSError as error:
        raise FileError(f"{path!s} cannot be read: {error}") from error
    except Exception as error:  # a damaged file raises any of a dozen exceptions
        text = f"{path!s} is not a Parquet file, or is damaged: {error}"
        raise FileError(text) from error


def _names(columns: object) -> list[str] | None:
    if columns is None:
        return None
    listed = isinstance(columns, Iterable) and not isinstance(columns, str)
    given: list[object] = list(columns) if listed else [columns]  # type: ignore[call-overload]
    names = [name for name in given if isinstance(name, str)]
    if not listed or len(names) < len(given):
        raise ArgumentError(f"columns must be a list of names; got {columns!r}.")
    return names


def _row_groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size >= _ROW_GROUP:
            yield pa.Table.from_batches(held).replace_schema_metadata(schema.metadata)
            held, size = [], 0
    if held:
        yield pa.Table.from_batches(held).replace_schema_metadata(schema.metadata)


def _pandas_can_read(name: str) -> bool:
    """Whether pandas can read the dtype name that it wrote; it cannot for nested types."""
    if not name.endswith("[pyarrow]"):
        return True
    try:
        pd.api.types.pandas_dtype(name)
    except (TypeError, NotImplementedError):
        return False
    return True


def _pandas_metadata(schema: pa.Schema) -> dict[str, Any]:
    """Return the footer with which ``pd.read_parquet`` keeps integers, booleans and dates.

    It leaves out nested columns: pandas cannot read its own names for them.
    """
    kinds = {
        pa.int64(): ("int64", "Int64"),
        pa.bool_(): ("bool", "boolean"),
        pa.date32(): ("date", "date32[day][pyarrow]"),
    }
    columns = [
        {
            "name": field.name,
            "field_name": field.name,
            "pandas_type": kinds[field.type][0],
            "numpy_type": kinds[field.type][1],
            "metadata": None,
        }
        for field in schema
        if field.type in kinds
    ]
    return {
        "index_columns": [],
        "column_indexes": [],
        "columns": columns,
        "creator": {"library": CREATOR, "version": VERSION},
        "pandas_version": pd.__version__,
    }
