"""Folders for cache, data and runtime files, and whether a path is on a network file system."""

from __future__ import annotations

import os
import stat
import tempfile
import warnings
from pathlib import Path

#: Prefixes of file system types that several machines share, or where locks are unreliable.
_NETWORK_TYPES = (
    *("nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "beegfs", "gpfs", "ocfs", "gfs"),
    *("fuse.sshfs", "fuse.gluster", "fuse.ceph", "fuse.s3", "fuse.rclone", "fuse.gcs"),
)


def cache_folder() -> Path:
    """Return the user's cache folder; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_cache_path("socialframe", appauthor=False))


def old_files() -> list[Path]:
    """Return where older versions stored walks; the files need not exist."""
    import platformdirs

    data = Path(platformdirs.user_data_path("socialframe", appauthor=False))
    return [cache_folder() / "http.sqlite", data / "walks.sqlite"]


def runtime_folder() -> Path:
    """Return the folder for files that the user's processes share until the next boot.

    Falls back to the folder for temporary files. Create it if needed; only the user can read it.
    """
    import platformdirs

    try:
        with warnings.catch_warnings():  # platformdirs warns if the system has no runtime folder
            warnings.simplefilter("ignore")
            return _private(platformdirs.user_runtime_path("socialframe", appauthor=False))
    except OSError:
        owner = os.geteuid() if hasattr(os, "geteuid") else "own"
        return _private(Path(tempfile.gettempdir(), f"socialframe-{owner}"))


def _private(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if hasattr(os, "geteuid"):
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"{path} is not a folder owned by this user")
        if found.st_mode & 0o077:
            path.chmod(0o700)
    return path


def boot_id() -> str:
    """Return an id of the current boot; empty if the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def is_network_path(path: Path, mounts: str | None = None) -> bool:
    """Return whether a path, which need not exist, is on a network file system.

    ``mounts`` has the format of ``/proc/mounts``, which is read by default. Without such a file
    (not Linux) the result is False.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
    real = Path(os.path.realpath(path))
    longest, type_ = -1, ""
    for line in mounts.splitlines():
        _, folder, found, *_ = [*line.split(), "", "", ""]
        for code in (" ", "\t", "\n", "\\"):  # the file has them as octal escapes
            folder = folder.replace(f"\\{ord(code):03o}", code)
        if folder and real.is_relative_to(folder) and len(folder) >= longest:
            longest, type_ = len(folder), found  # a later mount hides an earlier one
    return type_.startswith(_NETWORK_TYPES)
