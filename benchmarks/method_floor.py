"""The practical floor: a socket and Arrow, without checks, retries and deduplication.

Fetching and decoding overlap, as in socialframe.
"""

from __future__ import annotations

import socket
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
import pyarrow as pa
from pyarrow import json as pj
from pyarrow import parquet as pq

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
_ENVELOPE = pa.schema({"posts": pa.list_(_POST)})


def frame(task: Task) -> pd.DataFrame:
    """Return all posts."""
    table = pa.Table.from_batches(list(_overlapped(_decoded, _grouped(fetch(task)))))
    made: pd.DataFrame = table.to_pandas(types_mapper=_dtype, split_blocks=True)
    return made


frame_default = frame


def replay(task: Task) -> pd.DataFrame:
    """Return the posts of pages that are saved on disk."""
    bodies = (memoryview(path.read_bytes()) for path in sorted(task.saved.glob("*.json")))
    table = pa.Table.from_batches(list(_overlapped(_decoded, _grouped(bodies))))
    made: pd.DataFrame = table.to_pandas(types_mapper=_dtype, split_blocks=True)
    return made


def parquet(task: Task) -> Path:
    """Write all posts, each stage in a thread of its own."""
    groups = _row_groups(_overlapped(_decoded, _grouped(fetch(task))))
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


def fetch(task: Task) -> Iterator[memoryview]:
    """Yield each page's body."""
    buffer = bytearray(1 << 12)
    with socket.create_connection(("127.0.0.1", task.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(1, task.pages + 1):
            connection.sendall(
                b"GET /v1/posts?page=%d&limit=100 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % number
            )
            got = connection.recv_into(buffer)
            head, _, start = bytes(buffer[:got]).partition(b"\r\n\r\n")
            length = int(head.rpartition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            body = bytearray(length)
            body[: len(start)] = start
            view, got = memoryview(body), len(start)
            while got < length:
                got += connection.recv_into(view[got:])
            yield view


def _grouped(bodies: Iterable[memoryview]) -> Iterator[list[memoryview]]:
    group: list[memoryview] = []
    for body in bodies:
        group.append(body)
        if len(group) == _GROUP:
            yield group
            group = []
    if group:
        yield group


def _decoded(bodies: list[memoryview]) -> pa.RecordBatch:
    text = b"\n".join(bodies)
    table = pj.read_json(
        pa.BufferReader(text),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(text) + 64),
        parse_options=pj.ParseOptions(
            explicit_schema=_ENVELOPE, newlines_in_values=True, unexpected_field_behavior="ignore"
        ),
    )
    return pa.RecordBatch.from_struct_array(table.column("posts").chunk(0).flatten())


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
