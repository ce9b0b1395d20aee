"""Folders of the user: for the cache, for data of older versions, for what processes share."""

from __future__ import annotations

from pathlib import Path

from socialframe.settings import boot_name, mounts, on_network, runtime_folder

__all__ = ["boot_name", "cache_folder", "is_network_path", "old_files", "runtime_folder"]


def cache_folder() -> Path:
    """Return the folder of the cache; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_cache_path("socialframe", appauthor=False))


def old_files() -> list[Path]:
    """Return where versions before 0.2 kept walks; the files need not exist."""
    import platformdirs

    data = Path(platformdirs.user_data_path("socialframe", appauthor=False))
    return [cache_folder() / "http.sqlite", data / "walks.sqlite"]


def is_network_path(path: Path) -> bool:
    """Return whether a path is on a file system that other machines share."""
    return on_network(path, mounts())
