"""hishel's httpx client, with its SQLite file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hishel
import pandas as pd
from hishel.httpx import CacheClient

if TYPE_CHECKING:
    from task import Task


def frame_default(task: Task) -> pd.DataFrame:
    """Return all posts, and store all responses."""
    storage = hishel.SqliteStorage(database_path=task.saved / "hishel.sqlite", default_ttl=3600)
    frames = []
    # Without rfc it stores each response; the server sends no header about caching.
    with CacheClient(storage=storage, base_url=task.url) as client:
        number, count = 1, 1
        while number <= count:
            body = client.get("/v1/posts", params={"page": number, "limit": 100}).json()
            frames.append(pd.json_normalize(body["posts"]))
            count, number = body["pagination"]["pages"], number + 1
    return pd.concat(frames, ignore_index=True)


prepare_replay = frame_default
replay = frame_default
