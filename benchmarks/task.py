"""What each way is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Task:
    """One job.

    Parameters
    ----------
    port : int
        Where the pages are served on 127.0.0.1.
    pages : int
        How many there are; the floor alone does not find out for itself.
    saved : Path
        Folder of the same pages, fetched beforehand, for ways that read files.
    out : Path
        Parquet file to write.
    """

    port: int
    pages: int
    saved: Path
    out: Path

    @property
    def url(self) -> str:
        """Base URL of the server."""
        return f"http://127.0.0.1:{self.port}"
