"""socialframe without store, and with a budget that never waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

# socialframe imports these modules when it uses them; here, before the measurement.
import socialframe.files.parquet
import socialframe.files.text
import socialframe.progress
import socialframe.walk.walk  # noqa: F401
from socialframe import Client
from socialframe.http.budget import Limit

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from task import Task


def frame(task: Task) -> pd.DataFrame:
    """Return all posts."""
    with _client(task) as api:
        return api.posts().frame()


def targets(task: Task) -> pd.DataFrame:
    """Return one row a target."""
    with _client(task) as api:
        return api.posts().explode("platforms").frame()


def parquet(task: Task) -> Path:
    """Write all posts."""
    with _client(task) as api:
        return api.posts().to_parquet(task.out)


def _client(task: Task) -> Client:
    key = "sk_benchmark_0123456789abcdef0123456789abcdef"
    return Client(
        key, base_url=task.url, tier=Limit(10**9), cache=False, journal=False, progress=False
    )
