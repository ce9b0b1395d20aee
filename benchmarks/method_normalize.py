"""The usual script: httpx, ``json_normalize``, ``concat``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pyarrow.parquet  # noqa: F401 - pandas imports it when it writes; here, before the measurement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from task import Task

_KEPT: list[str | list[str]] = ["id", "status", "content", "createdAt", "scheduledFor"]
_KEPT += ["publishedAt", "updatedAt", "timezone", "tags", "mediaItems"]


def frame(task: Task) -> pd.DataFrame:
    """Return all posts."""
    return pd.concat([pd.json_normalize(posts) for posts in pages(task)], ignore_index=True)


wide = frame


def targets(task: Task) -> pd.DataFrame:
    """Return one row a target."""
    frames = [
        pd.json_normalize(posts, "platforms", _KEPT, record_prefix="target_")
        for posts in pages(task)
    ]
    return pd.concat(frames, ignore_index=True)


def parquet(task: Task) -> Path:
    """Write all posts."""
    frame(task).to_parquet(task.out)
    return task.out


def pages(task: Task) -> Iterator[list[dict[str, Any]]]:
    """Yield the posts of each page."""
    with httpx.Client(base_url=task.url, trust_env=False) as client:
        number, count = 1, 1
        while number <= count:
            reply = client.get("/v1/posts", params={"page": number, "limit": 100})
            body = reply.raise_for_status().json()
            yield body["posts"]
            count = body["pagination"]["pages"]
            number += 1
