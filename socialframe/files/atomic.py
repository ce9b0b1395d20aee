"""Files that are whole or not there: written beside their place, moved into it at the end."""

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


def named(path: str | os.PathLike[str]) -> Path:
    """Return a path as it was named: ``~`` followed, links not.

    Examples
    --------
    >>> named("posts.parquet").as_posix()
    'posts.parquet'
    """
    return Path(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH111 - "~x" may be a name


def whereabouts(path: str | os.PathLike[str]) -> Path:
    """Return where a path leads: ``~`` and symbolic links followed.

    Raises
    ------
    FileError
        If it is no path, or one that no file can have.

    Examples
    --------
    >>> whereabouts("/nowhere/./a.txt").as_posix()
    '/nowhere/a.txt'
    """
    try:
        text = os.path.realpath(os.path.expanduser(os.fsdecode(path)))  # noqa: PTH111 - "~x" is a name
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):  # told later, better
            os.stat(text)  # noqa: PTH116 - finds a name too long, a loop of links
    except (OSError, ValueError, TypeError) as error:  # also a NUL, a lone surrogate, no path
        said = getattr(error, "strerror", None) or error
        raise FileError(f"{path!r} is no path that a file can have: {said}.") from None
    return Path(text)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of ``path`` when it is whole.

    Until then, and after any failure, what stood there before stands there still.

    Parameters
    ----------
    path : path
        Where it goes. A symbolic link is followed.

    Yields
    ------
    file
        Binary, to write to.

    Raises
    ------
    FileError
        If it cannot be written. Nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/a.txt") as file:
    ...         _ = file.write(b"whole")
    ...     Path(folder, "a.txt").read_text()
    'whole'
    """
    target = whereabouts(path)
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "not a regular file"
        raise FileError(f"{path!s} cannot be written: it is {kind}. Give the path of a file.")
    part = target.with_name(f".{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        raise FileError(_sentence(path, error)) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def first_schema(
    batches: Iterable[pa.RecordBatch],
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema of the first of some batches, and all of them again.

    Examples
    --------
    >>> import pyarrow as pa
    >>> schema, batches = first_schema([pa.record_batch({"a": [1]})])
    >>> schema.names, len(list(batches))
    (['a'], 1)
    """
    rest = iter(batches)
    first = next(rest)
    return first.schema, chain([first], rest)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    with suppress(OSError):  # not every file system knows it
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sentence(path: str | os.PathLike[str], error: OSError) -> str:
    folder = Path(path).parent
    if isinstance(error, FileNotFoundError):
        reason = f"the folder {folder} does not exist; make it first"
    elif isinstance(error, NotADirectoryError):
        reason = f"{folder} is not a folder"
    elif isinstance(error, PermissionError):
        reason = f"no permission to write in {folder}"
    else:
        reason = (error.strerror or str(error)).rstrip(".")
        reason = reason[:1].lower() + reason[1:]
    return f"{path} cannot be written: {reason}. Nothing was left behind."
