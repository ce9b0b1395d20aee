"""dlt: its REST client with one ``DataFrame``, and a pipeline that writes Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dlt
import pandas as pd
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from task import Task


def frame(task: Task) -> pd.DataFrame:
    """Return all posts."""
    return pd.DataFrame([post for posts in _pages(task) for post in posts])


def parquet(task: Task) -> Path:
    """Write all posts; dlt puts the lists of each post into tables of their own."""
    folder = task.saved / "dlt"
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(folder / "state"),
        destination=dlt.destinations.filesystem(bucket_url=folder.as_uri()),
        dataset_name="posts",
    )
    pipeline.run(_pages(task), table_name="posts", loader_file_format="parquet")
    (path,) = sorted((folder / "posts" / "posts").glob("*.parquet"))[:1]
    return path


def _pages(task: Task) -> Iterator[list[dict[str, Any]]]:
    paginator = PageNumberPaginator(base_page=1, total_path="pagination.pages")
    client = RESTClient(task.url, paginator=paginator)
    yield from client.paginate("/v1/posts", params={"limit": 100}, data_selector="posts")
