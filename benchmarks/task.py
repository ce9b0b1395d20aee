"""The task of each method."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Task:
    """Server, size and folder of a job.

    Parameters
    ----------
    port : int
        Port of the server on 127.0.0.1.
    pages : int
        Number of pages; only the baseline uses it.
    saved : Path
        Folder with the same pages, for methods that read files.
    out : Path
        Path of the Parquet file.
    """

    port: int
    pages: int
    saved: Path
    out: Path

    @property
    def url(self) -> str:
        """Base URL of the server."""
        return f"http://127.0.0.1:{self.port}"

    @classmethod
    def of(cls, port: int) -> Task:
        """Return a task that reads and writes no files."""
        return cls(port, 0, Path(), Path())
