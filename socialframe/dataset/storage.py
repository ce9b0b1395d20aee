"""Opens the two Delta tables of a dataset: the rows, and beside them the history of the rows."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from socialframe.errors import ArgumentError, DatasetError, FileError, SocialFrameError
from socialframe.files.atomic import resolve_path
from socialframe.folders import is_network_path
from socialframe.redact import redacted
from socialframe.sqlite import create_private_file
from socialframe.store.lock import WalkLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from deltalake import CommitProperties, DeltaTable

_NEEDS_DELTA = "A dataset needs deltalake: pip install 'socialframe[dataset]'."
_FACTS = "socialframe"  # key of our JSON in the properties of a commit
_PROPERTIES = "socialframe.dataset"  # key of our JSON in the properties of the table
_MANY_FILES = 20
_ROW_GROUP = 8_192  # rows
#: A commit rewrites the files that have rows of its window, so small ones need less memory.
FILE_BYTES = 8 << 20
KEPT_LOG = {"delta.logRetentionDuration": "interval 365 days"}


class Storage:
    """The place of a dataset: a local folder, or a URL that delta-rs takes."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import_delta()
        text = os.fspath(path)
        self.folder: Path | None = None
        if not text:
            raise ArgumentError(f"path must be a folder or a URL; got {path!r}.")
        if text.startswith("file://"):
            text = unquote(urlsplit(text).path)
        if "://" in text:
            self.uri = text.rstrip("/")
        else:
            self.folder = resolve_path(text)
            self.uri = str(self.folder)
        self.log_uri = f"{self.uri}/_history"  # readers of Delta leave out names with _

    @property
    def locks(self) -> bool:
        """Whether the lock keeps out every other refresh: it does in a folder of this machine."""
        return self.folder is not None and not is_network_path(self.folder)

    def open(self) -> DeltaTable | None:
        """Return the table of the rows at its newest version; None if there is none."""
        return _open(self.uri)

    def open_history(self) -> DeltaTable | None:
        """Return the table of the history at its newest version; None if there is none."""
        return _open(self.log_uri)

    def create(self, schema: pa.Schema, properties: str) -> DeltaTable:
        """Create an empty table of the rows; return the one that another process just made."""
        deltalake = import_delta()
        if self.folder is not None and self.folder.is_dir():
            others = [one.name for one in self.folder.iterdir() if one.name[0] not in "._"]
            if others:
                raise FileError(
                    f"{self.uri} contains other files, such as {others[0]!r}. Pass a new folder."
                )
        with delta_errors(self.uri):
            with suppress(deltalake.exceptions.CommitFailedError):
                deltalake.DeltaTable.create(
                    self.uri,
                    schema,
                    mode="ignore",
                    configuration={_PROPERTIES: properties, **KEPT_LOG},
                    raise_if_key_not_exists=False,
                )
            return deltalake.DeltaTable(self.uri)  # type: ignore[no-any-return]

    @contextmanager
    def lock(self, wait: float, say: Callable[[str], None]) -> Iterator[None]:
        """Let one process of this machine refresh at a time; the lock ends with its process.

        Object storage has no lock: there the second commit fails, and its refresh changes nothing.
        """
        if self.folder is None:
            yield
            return
        file = self.folder / "_refresh.lock"
        until = time.monotonic() + wait
        waits = False
        while True:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                create_private_file(file)
                lock = WalkLock(file)
                break
            except (OSError, sqlite3.Error) as error:
                if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                    raise FileError(f"{self.uri} cannot be written: {error}.") from error
                if time.monotonic() >= until:
                    raise busy(self.uri) from None
                if not waits:
                    say(f"{self.uri}: another process is refreshing it; waiting")
                waits = True
        try:
            yield
        finally:
            lock.free()


def import_delta() -> Any:  # noqa: ANN401 - a module
    """Return deltalake; raise ArgumentError if it is not installed."""
    try:
        import deltalake
        import deltalake.exceptions
    except ImportError:
        raise ArgumentError(_NEEDS_DELTA) from None
    return deltalake


def busy(uri: str) -> DatasetError:
    """Return the error of a refresh that gave way to another one."""
    error = DatasetError(
        f"Another process is refreshing {uri}. This refresh changed nothing; run it again."
    )
    error.retryable = True
    return error


@contextmanager
def delta_errors(uri: str) -> Iterator[None]:
    """Raise errors of delta-rs as DatasetError, and a commit that came second as one to retry."""
    exceptions = import_delta().exceptions
    try:
        yield
    except SocialFrameError:
        raise
    except exceptions.CommitFailedError as error:
        raise busy(uri) from error
    except (exceptions.DeltaError, pa.ArrowException, OSError) as error:
        text = redacted(str(error).strip().partition("\n")[0]).rstrip(".")
        raise DatasetError(f"{uri} cannot be read or written: {text}.") from error


def read_properties(table: DeltaTable) -> dict[str, Any] | None:
    """Return our properties of a table; None if it is not a dataset."""
    text = table.metadata().configuration.get(_PROPERTIES)
    found = json.loads(text) if text else None
    return found if isinstance(found, dict) else None


def write_properties(table: DeltaTable, properties: str, facts: Mapping[str, Any]) -> None:
    """Commit properties, without a change of rows."""
    table.alter.set_table_properties(
        {_PROPERTIES: properties}, raise_if_not_exists=False, commit_properties=commit_of(facts)
    )


def commit_of(facts: Mapping[str, Any]) -> CommitProperties:
    """Return the properties of a commit that fails if another one came first."""
    return import_delta().CommitProperties(  # type: ignore[no-any-return]
        custom_metadata={_FACTS: json.dumps(facts)}, max_commit_retries=0
    )


def read_commits(table: DeltaTable) -> dict[int, dict[str, Any]]:
    """Return our facts of each commit that the log has, by version."""
    found = {}
    for commit in table.history():
        text = commit.get(_FACTS)
        facts = json.loads(text) if isinstance(text, str) else text
        found[int(commit["version"])] = facts if isinstance(facts, dict) else {}
    return found


def compact(table: DeltaTable | None) -> None:
    """Merge small files if there are many; readers and other writers are not disturbed."""
    deltalake = import_delta()
    if table is None:
        return
    sizes = pa.table(table.get_add_actions()).column("size_bytes").to_pylist()
    if sum(size < FILE_BYTES // 8 for size in sizes) <= _MANY_FILES:
        return
    with suppress(deltalake.exceptions.CommitFailedError):
        table.optimize.compact(
            target_size=FILE_BYTES, writer_properties=writer(), commit_properties=commit_of({})
        )


def writer() -> Any:  # noqa: ANN401 - a class of a library that is imported late
    """Return how Parquet files are compressed."""
    # A group of rows is read as a whole, so small ones make reading a window cheap.
    return import_delta().WriterProperties(
        compression="ZSTD", compression_level=1, max_row_group_size=_ROW_GROUP
    )


def _open(uri: str) -> DeltaTable | None:
    deltalake = import_delta()
    with delta_errors(uri):
        try:
            return deltalake.DeltaTable(uri)  # type: ignore[no-any-return]
        except deltalake.exceptions.TableNotFoundError:
            return None
