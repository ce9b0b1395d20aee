"""Texts of the panel about rows, costs and progress, without widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from socialframe.errors import SocialFrameError

if TYPE_CHECKING:
    from socialframe.http.budget import Usage
    from socialframe.walk.estimate import Estimate

Mood = Literal["quiet", "busy", "good", "warn", "bad"]

_PAGE_SIZE = 100  # rows of a full page
_MINUTES_FROM = 90  # seconds from which durations are shown in minutes


@dataclass(frozen=True, slots=True)
class Status:
    """A status line: one or two sentences, and a mood that selects the colour."""

    mood: Mood
    text: str


def error_status(error: BaseException) -> Status:
    """Return an error as a status. Errors of socialframe are sentences already."""
    ours = isinstance(error, SocialFrameError)
    return Status("bad", str(error) if ours else f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """The progress of a load; ``str`` gives it as text."""

    rows: int = 0
    total: int | None = None
    pages: int = 0
    remaining: float | None = None  # seconds
    waiting_for: str = ""

    @property
    def share(self) -> float | None:
        """The loaded share, from 0 to 1; None if the total is unknown."""
        return min(1.0, self.rows / self.total) if self.total else None

    def __str__(self) -> str:
        total = f" of {self.total:,}" if self.total else ""
        text = f"{self.rows:,}{total} rows, {counted(self.pages, 'page')}"
        if self.waiting_for:
            return f"{text}. Waiting: {self.waiting_for}"
        return text if self.remaining is None else f"{text}, about {_duration(self.remaining)} left"


def describe_cost(estimate: Estimate, rows: int | None, usage: Usage) -> str:
    """Describe the cost of a query, and the requests that are left."""
    left = f"{usage.left:,} of {usage.limit.calls:,} requests are left this minute."
    if estimate.requests is None:
        if rows is None:
            return f"The number of requests is known after the first page; {left}"
        return f"At most {counted(-(-rows // _PAGE_SIZE), 'request')}; {left}"
    if estimate.requests and estimate.cached == estimate.requests:
        pages = "the page is" if estimate.requests == 1 else f"all {estimate.requests:,} pages are"
        return f"No requests: {pages} in the cache."
    waits = f" and {_duration(estimate.seconds)} of waiting" if estimate.seconds else ""
    return f"{counted(estimate.requests, 'request')}{waits}; {left}"


def describe_rows(rows: int, columns: int, metadata: dict[str, Any]) -> str:
    """Describe the size of a frame, its sources, and whether it is complete."""
    names = {"from_cache": "the cache", "from_journal": "an earlier run", "from_network": "the API"}
    sources = [text for name, text in names.items() if metadata.get(name)]
    source = f", from {' and '.join(sources)}" if sources else ""
    complete, stop = metadata.get("complete", False), str(metadata.get("stop", ""))
    if complete is None:
        end = f"uncertain: {stop}"
    elif not complete:
        end = "not complete"
    else:
        end = "complete up to the row limit" if stop == "limit" else "complete"
    period = f", {metadata['period']}" if metadata.get("period") else ""
    return f"{counted(rows, 'row')} × {counted(columns, 'column')}{source}, {end}{period}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 page``, ``2,000 rows``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def format_size(size: int) -> str:
    """Return a number of bytes as bytes, kB or MB."""
    if size < 1000:  # noqa: PLR2004 - a kB
        return counted(size, "byte")
    if size < 1_000_000:  # noqa: PLR2004 - a MB
        return f"{size / 1000:.0f} kB"
    return f"{size / 1_000_000:.1f} MB"


def _duration(seconds: float) -> str:
    if seconds < _MINUTES_FROM:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
