"""socialframe, with a rate limit that never waits; the budget is shared as usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


_LIMIT = Limit(10**9)
_KEY = "sk_benchmark_0123456789abcdef0123456789abcdef"


def frame(task: Task) -> pd.DataFrame:
    """Return all posts; nothing is stored."""
    with client_of(task, cache=False, journal=False) as api:
        return api.posts().frame()


def frame_default(task: Task) -> pd.DataFrame:
    """Return all posts, and store them."""
    with client_of(task) as api:
        return api.posts().frame()


def wide(task: Task) -> pd.DataFrame:
    """Return all rows of an undeclared endpoint."""
    with client_of(task, cache=False, journal=False) as api:
        return api.fetch("/v1/posts", params={"page": 1, "limit": 100}).frame()


def targets(task: Task) -> pd.DataFrame:
    """Return one row a target; nothing is stored."""
    with client_of(task, cache=False, journal=False) as api:
        return api.posts().explode("platforms").frame()


def parquet(task: Task) -> Path:
    """Write all posts, and store them."""
    with client_of(task) as api:
        return api.posts().to_parquet(task.out)


prepare_replay = frame_default


def replay(task: Task) -> pd.DataFrame:
    """Return all posts from the store."""
    with client_of(task, offline=True) as api:
        return api.posts().frame()


def client_of(task: Task, **options: Any) -> Client:  # noqa: ANN401 - as Client takes them
    """Return a client of the server."""
    return Client(_KEY, base_url=task.url, tier=_LIMIT, progress=False, **options)
