"""Social posts and their metrics as typed pandas DataFrames and Parquet files.

::

    import socialframe as sf

    posts = sf.read_posts(status="published", since="2026-01-01")  # a DataFrame
    api = sf.Client()  # key from SOCIALAPI_KEY, .env or the keyring
    api = sf.Client.sandbox()  # made-up data: no key, no network
    query = api.posts(platform="instagram")  # lazy: no request is sent
    df = query.frame()  # all rows
    query.to_parquet("posts.parquet")  # page by page; the file appears when it is complete

Each name is imported when it is first used, so ``import socialframe`` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socialframe.client import Client
    from socialframe.dataset import Dataset, Refresh, open_dataset
    from socialframe.errors import (
        APIError,
        ArgumentError,
        AuthenticationError,
        BudgetWarning,
        CacheWarning,
        ConnectError,
        DatasetError,
        FileError,
        IncompleteWalk,
        InvalidKeyError,
        JournalWarning,
        MaxRequestsError,
        MissingKeyError,
        NetworkError,
        NotFoundError,
        OfflineMiss,
        PagingLoop,
        RateLimitError,
        ReplyError,
        ServerError,
        SocialFrameError,
        TornWalk,
        ValidationError,
        WalkWarning,
    )
    from socialframe.files.excel import for_excel
    from socialframe.files.parquet import read_parquet, to_parquet
    from socialframe.http.budget import Limit
    from socialframe.panel import Panel
    from socialframe.quality.drift import drift
    from socialframe.query import Query
    from socialframe.readers import (
        read_accounts,
        read_analytics,
        read_followers,
        read_health,
        read_posts,
        resume,
        tables,
        walks,
    )
    from socialframe.sandbox import Sandbox
    from socialframe.schema.columns import Column, Schema
    from socialframe.walk.provenance import provenance

    __version__: str

__all__ = [
    "APIError",
    "ArgumentError",
    "AuthenticationError",
    "BudgetWarning",
    "CacheWarning",
    "Client",
    "Column",
    "ConnectError",
    "Dataset",
    "DatasetError",
    "FileError",
    "IncompleteWalk",
    "InvalidKeyError",
    "JournalWarning",
    "Limit",
    "MaxRequestsError",
    "MissingKeyError",
    "NetworkError",
    "NotFoundError",
    "OfflineMiss",
    "PagingLoop",
    "Panel",
    "Query",
    "RateLimitError",
    "Refresh",
    "ReplyError",
    "Sandbox",
    "Schema",
    "ServerError",
    "SocialFrameError",
    "TornWalk",
    "ValidationError",
    "WalkWarning",
    "drift",
    "for_excel",
    "open_dataset",
    "provenance",
    "read_accounts",
    "read_analytics",
    "read_followers",
    "read_health",
    "read_parquet",
    "read_posts",
    "resume",
    "tables",
    "to_parquet",
    "walks",
]

# A module must not have the name of a public function, or importing it would hide the function.
_MODULES = {
    "client": ("Client",),
    "dataset": ("Dataset", "Refresh", "open_dataset"),
    "files.excel": ("for_excel",),
    "files.parquet": ("read_parquet", "to_parquet"),
    "http.budget": ("Limit",),
    "panel": ("Panel",),
    "quality.drift": ("drift",),
    "query": ("Query",),
    "readers": (
        "read_accounts",
        "read_analytics",
        "read_followers",
        "read_health",
        "read_posts",
        "resume",
        "tables",
        "walks",
    ),
    "sandbox": ("Sandbox",),
    "schema.columns": ("Column", "Schema"),
    "walk.provenance": ("provenance",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


if not TYPE_CHECKING:  # a type checker would accept every name of a module with __getattr__

    def __getattr__(name: str) -> Any:  # noqa: ANN401 - names have any type
        if name == "__version__":
            from socialframe.version import VERSION

            return VERSION
        if name not in __all__:
            msg = f"module 'socialframe' has no attribute {name!r}"
            raise AttributeError(msg)
        value = getattr(import_module(f"socialframe.{_MODULE_OF.get(name, 'errors')}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return [*__all__, "__version__"]
