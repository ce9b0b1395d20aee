"""Each store of walks: a SQLite file, memory, and backends of requests-cache."""

import requests_cache

from contracts.store_contract import ReplayContract, StoreContract
from socialframe.store.cache import CacheSettings, open_file, open_store
from socialframe.store.store import WalkStore


class TestSQLite(StoreContract):
    """The user's file."""

    def make(self, folder, now):
        """Return a store."""
        file = open_file(lambda: folder / "walks.sqlite")
        return WalkStore(file, file, now=now)


class TestMemory(StoreContract):
    """A sandbox in this process."""

    def make(self, folder, now):
        """Return a store."""
        return open_store(CacheSettings(), memory=True, now=now)


class TestNamedFile(StoreContract):
    """``cache=PATH``: complete walks are moved there."""

    def make(self, folder, now):
        """Return a store."""
        return open_store(CacheSettings(folder / "named.sqlite"), now=now)


class TestFiles(ReplayContract):
    """A file per entry."""

    def make(self, folder, now):
        """Return a store."""
        return open_store(CacheSettings(requests_cache.FileCache(folder / "files")), now=now)


class TestMappings(ReplayContract):
    """requests-cache's own memory."""

    def make(self, folder, now):
        """Return a store."""
        return open_store(CacheSettings(requests_cache.BaseCache()), now=now)
