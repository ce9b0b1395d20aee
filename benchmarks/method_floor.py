"""The practical floor: a socket and Arrow, without checks, retries and deduplication.

Fetching and decoding overlap, as in socialframe.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
import pyarrow as pa
from pages import METRICS
from pyarrow import compute as pc
from pyarrow import json as pj
from pyarrow import parquet as pq
from raw_pages import read_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from task import Task

T = TypeVar("T")
R = TypeVar("R")

_GROUP = 16  # bodies a call; one a call costs 1.3 to 1.5 times the time
_ROW_GROUP = 32 << 20  # bytes of Arrow data
_REPEATING = ["status", "timezone", "tags.list.element", "media_items.list.element.type"]
_REPEATING += [f"platforms.list.element.{name}" for name in ("platform", "account_id", "status")]
_MOMENT = pa.timestamp("us", "UTC")
_MEDIA = pa.struct({"type": pa.string(), "url": pa.string()})
_TARGET = pa.struct(
    dict.fromkeys(
        ("platform", "accountId", "status", "platformPostId", "platformPostUrl", "error"),
        pa.string(),
    )
)
_POST = pa.struct(
    {
        "id": pa.string(),
        "status": pa.string(),
        "content": pa.string(),
        "createdAt": _MOMENT,
        "scheduledFor": _MOMENT,
        "publishedAt": _MOMENT,
        "updatedAt": _MOMENT,
        "timezone": pa.string(),
        "tags": pa.list_(pa.string()),
        "mediaItems": pa.list_(_MEDIA),
        "platforms": pa.list_(_TARGET),
    }
)
_WIDE = pa.struct([*_POST, *(pa.field(name, pa.int64()) for name in METRICS)])


def frame(task: Task) -> pd.DataFrame:
    """Return all posts."""
    return _frame(read_pages(task.port, task.pages), _decoded)


frame_default = frame


def wide(task: Task) -> pd.DataFrame:
    """Return all posts with their many numbers."""
    return _frame(read_pages(task.port, task.pages), partial(_decoded, post=_WIDE))


def targets(task: Task) -> pd.DataFrame:
    """Return one row a target; each post has one or more."""
    return _frame(read_pages(task.port, task.pages), _targets)


def replay(task: Task) -> pd.DataFrame:
    """Return the posts of pages that are saved on disk."""
    bodies = (memoryview(path.read_bytes()) for path in sorted(task.saved.glob("*.json")))
    return _frame(bodies, _decoded)


def parquet(task: Task) -> Path:
    """Write all posts, each stage in a thread of its own."""
    groups = _row_groups(_overlapped(_decoded, _grouped(read_pages(task.port, task.pages))))
    first = next(groups)
    dictionary = [name for name in _REPEATING if name.partition(".")[0] in first.schema.names]
    with pq.ParquetWriter(
        task.out,
        first.schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=dictionary,
    ) as writer:

        def write(table: pa.Table) -> None:
            writer.write_table(table, row_group_size=table.num_rows)

        deque(_overlapped(write, _chain(first, groups)), maxlen=0)
    return task.out


def _frame(
    bodies: Iterable[memoryview], decode: Callable[[list[memoryview]], pa.RecordBatch]
) -> pd.DataFrame:
    table = pa.Table.from_batches(list(_overlapped(decode, _grouped(bodies))))
    made: pd.DataFrame = table.to_pandas(types_mapper=_dtype, split_blocks=True)
    return made


def _grouped(bodies: Iterable[memoryview]) -> Iterator[list[memoryview]]:
    group: list[memoryview] = []
    for body in bodies:
        group.append(body)
        if len(group) == _GROUP:
            yield group
            group = []
    if group:
        yield group


def _decoded(bodies: list[memoryview], post: pa.StructType = _POST) -> pa.RecordBatch:
    text = b"\n".join(bodies)
    table = pj.read_json(
        pa.BufferReader(text),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(text) + 64),
        parse_options=pj.ParseOptions(
            explicit_schema=pa.schema({"posts": pa.list_(post)}),
            newlines_in_values=True,
            unexpected_field_behavior="ignore",
        ),
    )
    return pa.RecordBatch.from_struct_array(table.column("posts").chunk(0).flatten())


def _targets(bodies: list[memoryview]) -> pa.RecordBatch:
    posts = _decoded(bodies)
    lists = posts.column("platforms")
    others = posts.drop_columns(["platforms"]).take(pc.list_parent_indices(lists))
    names = [*others.schema.names, *(f"target_{field.name}" for field in _TARGET)]
    return pa.RecordBatch.from_arrays([*others.columns, *lists.flatten().flatten()], names)


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(each.nbytes for each in held) >= _ROW_GROUP:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _chain(first: T, rest: Iterable[T]) -> Iterator[T]:
    yield first
    yield from rest


def _overlapped(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    pending: deque[Future[R]] = deque()
    with ThreadPoolExecutor(1) as pool:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > 2:  # noqa: PLR2004 - one at work, one waiting
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _dtype(kind: Any) -> pd.ArrowDtype | None:  # noqa: ANN401 - pyarrow is not typed
    return pd.ArrowDtype(kind) if pa.types.is_nested(kind) else None
