"""Writes files atomically: to a temporary file that replaces the target when it is complete."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

from socialframe.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

_DESCRIPTORS = Path("/proc/self/fd")


def expand_user(path: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` expanded; symbolic links are not followed."""
    return Path(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH111 - "~x" may be a name


def resolve_path(path: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` expanded and symbolic links followed; raise FileError if invalid."""
    try:
        text = os.path.realpath(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH111 - "~x" is a name
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):  # reported later
            os.stat(text)  # noqa: PTH116 - raises for a long name or a loop of links
    except (OSError, ValueError, TypeError) as error:  # also for NUL, a lone surrogate, no path
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"{path!r} is not a valid path: {reason}.") from None
    return Path(text)


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a binary file that replaces ``path`` when it is complete.

    Until then, and after a failure, ``path`` is unchanged. A symbolic link is followed. Raise
    FileError if it cannot be written.
    """
    target = resolve_path(path)
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "not a regular file"
        raise FileError(f"{path!s} cannot be written: it is {kind}. Pass the path of a file.")
    part = target.with_name(f".{secrets.token_hex(6)}.part")
    try:
        with _open_nameless(target.parent) or part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if not isinstance(file.name, str):
                _give_name(file, part)
        part.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise FileError(_error_message(path, error)) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _open_nameless(folder: Path) -> IO[bytes] | None:
    """Open a new file that has no name, so that it ends with the process, however that ends.

    Return None if the system or the file system has no such files.
    """
    if not hasattr(os, "O_TMPFILE") or not _DESCRIPTORS.exists():
        return None
    try:
        return open(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o666), "wb")  # noqa: PTH123
    except OSError:  # also if the folder does not exist: opening a file there says so
        return None


def _give_name(file: IO[bytes], path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        source = _DESCRIPTORS / str(file.fileno())
        os.link(source, path.name, dst_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def peek_schema(
    batches: Iterable[pa.RecordBatch],
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema of the first batch, and all batches."""
    rest = iter(batches)
    first = next(rest)
    return first.schema, chain([first], rest)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    with suppress(OSError):  # some file systems do not support it
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _error_message(path: str | os.PathLike[str], error: OSError) -> str:
    folder = Path(path).parent
    if isinstance(error, FileNotFoundError):
        reason = f"the folder {folder} does not exist; create it first"
    elif isinstance(error, NotADirectoryError):
        reason = f"{folder} is not a folder"
    elif isinstance(error, PermissionError):
        reason = f"no permission to write in {folder}"
    else:
        reason = (error.strerror or str(error)).rstrip(".")
        reason = reason[:1].lower() + reason[1:]
    return f"{path} cannot be written: {reason}. Nothing was left behind."
