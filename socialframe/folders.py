"""Folders for cache, data and runtime files, and whether a path is on a network file system."""

from __future__ import annotations

import os
import stat
import tempfile
import warnings
from pathlib import Path

from socialframe.errors import FileError

#: Prefixes of file system types that several machines share, or where locks are unreliable.
_NETWORK_TYPES = (
    *("nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "beegfs", "gpfs", "ocfs", "gfs"),
    *("fuse.sshfs", "fuse.gluster", "fuse.ceph", "fuse.s3", "fuse.rclone", "fuse.gcs"),
)


def cache_folder() -> Path:
    """Return the user's cache folder; it need not exist.

    Raises
    ------
    OSError
        If the user has no home directory, as in some containers.
    """
    return _user_folder("cache")


def old_files() -> list[Path]:
    """Return where older versions stored walks; the files need not exist."""
    return [cache_folder() / "http.sqlite", _user_folder("data") / "walks.sqlite"]


def _user_folder(kind: str) -> Path:
    import platformdirs

    find = {"cache": platformdirs.user_cache_path, "data": platformdirs.user_data_path}[kind]
    try:
        return Path(find("socialframe", appauthor=False))
    except RuntimeError:
        text = f"the user has no home directory; set HOME or XDG_{kind.upper()}_HOME"
        raise OSError(text) from None


def runtime_folder() -> Path:
    """Return the folder for files that the user's processes share until the next boot.

    Falls back to the folder for temporary files. Creates it if needed; only the user can read it.

    Raises
    ------
    OSError
        If another user could replace it.
    """
    import platformdirs

    try:
        with warnings.catch_warnings():  # platformdirs warns if the system has no runtime folder
            warnings.simplefilter("ignore")
            system = Path(platformdirs.user_runtime_path(appauthor=False))
        if _own_folder(system) & 0o022:
            raise PermissionError(f"others can write in {system}")
        return _private(system / "socialframe")
    except (OSError, RuntimeError):
        owner = os.geteuid() if hasattr(os, "geteuid") else "own"
        return _private(Path(tempfile.gettempdir(), f"socialframe-{owner}"))


def temporary_folder_error(error: OSError) -> FileError:
    """Return the error of a temporary file that cannot be created or written."""
    where = tempfile.tempdir or "folder"  # None if no folder can be used
    reason = (error.strerror or str(error)).rstrip(".")
    return FileError(
        f"The rows do not fit into the temporary {where}: {reason}. Free space there, or set "
        "TMPDIR to another folder."
    )


def _private(path: Path) -> Path:
    if _own_folder(path) & 0o077:
        path.chmod(0o700)
    return path


def _own_folder(path: Path) -> int:
    """Create a folder if needed; return its mode, or raise OSError if it is a link or of others."""
    path.mkdir(mode=0o700, exist_ok=True)  # without parents, whose modes would follow the umask
    if not hasattr(os, "geteuid"):
        return 0o700
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{path} is not a folder owned by this user")
    return stat.S_IMODE(found.st_mode)


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
