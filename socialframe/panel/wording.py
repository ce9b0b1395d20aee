"""What rows, costs and progress are in words: plain values, no widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from socialframe.errors import SocialFrameError

if TYPE_CHECKING:
    from socialframe.http.budget import Usage
    from socialframe.walk.estimate import Estimate

Mood = Literal["quiet", "busy", "good", "warn", "bad"]

_A_PAGE = 100  # rows of a full page
_MINUTE = 90  # seconds from which on minutes are told


@dataclass(frozen=True, slots=True)
class Status:
    """How something stands, as one sentence and a mood."""

    mood: Mood
    text: str


def failed(error: BaseException) -> Status:
    """Return what went wrong, as a status.

    Examples
    --------
    >>> failed(ValueError("no"))
    Status(mood='bad', text='ValueError: no')
    """
    own = isinstance(error, SocialFrameError)
    text = str(error) if own else f"{type(error).__name__}: {error}"
    return Status("bad", text)


@dataclass(frozen=True, slots=True)
class Told:
    """How far a walk is.

    Examples
    --------
    >>> print(Told(rows=800, total=2000, pages=8, left=6.2))
    800 of 2,000 rows, 8 pages, about 6 s left
    """

    rows: int = 0
    total: int | None = None
    pages: int = 0
    left: float | None = None
    reason: str = ""

    @property
    def share(self) -> float | None:
        """How much of it is done, from 0 to 1; None where that is not known."""
        return min(1.0, self.rows / self.total) if self.total else None

    def __str__(self) -> str:
        of = f" of {self.total:,}" if self.total else ""
        text = f"{self.rows:,}{of} rows, {counted(self.pages, 'page')}"
        if self.reason:
            return f"{text}. Waiting: {self.reason}"
        return text if self.left is None else f"{text}, about {_span(self.left)} left"


def cost(estimate: Estimate, rows: int | None, usage: Usage) -> str:
    """Say what a query would cost, and what there is to pay it with.

    Examples
    --------
    >>> import socialframe as sf
    >>> from socialframe.walk.estimate import Estimate
    >>> usage = sf.Client.sandbox().budget
    >>> cost(Estimate(None, 0, None), 250, usage)
    'At most 3 calls; 600 of 600 are left this minute.'
    >>> cost(Estimate(54, 54, 0.0), None, usage)
    'No calls: all 54 pages are in the cache.'
    """
    left = f"{usage.left:,} of {usage.limit.calls:,} are left this minute."
    if estimate.requests is None:
        if rows is None:
            return f"How many calls it takes is known after the first page; {left}"
        return f"At most {counted(-(-rows // _A_PAGE), 'call')}; {left}"
    if estimate.requests and estimate.cached == estimate.requests:
        pages = "the page is" if estimate.requests == 1 else f"all {estimate.requests:,} pages are"
        return f"No calls: {pages} in the cache."
    waits = f", with {_span(estimate.seconds)} of waiting" if estimate.seconds else ""
    return f"{counted(estimate.requests, 'call')}{waits}; {left}"


def summary(rows: int, columns: int, facts: dict[str, Any]) -> str:
    """Say how large a frame is, where it is from, and whether it is whole.

    Examples
    --------
    >>> summary(250, 12, {"from_network": 3, "complete": True, "stop": "limit"})
    '250 rows × 12 columns, from the API, complete up to the rows at most'
    """
    ways = {"from_cache": "cache", "from_journal": "an earlier try", "from_network": "the API"}
    sources = [words for name, words in ways.items() if facts.get(name)]
    where = f", from {' and '.join(sources)}" if sources else ""
    complete, stop = facts.get("complete", False), str(facts.get("stop", ""))
    if complete is None:
        whole = f"uncertain: {stop}"
    elif not complete:
        whole = "not complete"
    else:
        whole = "complete up to the rows at most" if stop == "limit" else "complete"
    return f"{counted(rows, 'row')} × {counted(columns, 'column')}{where}, {whole}"


def counted(number: int, what: str) -> str:
    """Return a number of things.

    Examples
    --------
    >>> counted(1, "page"), counted(2000, "row")
    ('1 page', '2,000 rows')
    """
    return f"{number:,} {what}{'s' * (number != 1)}"


def size(count: int) -> str:
    """Return a number of bytes for people.

    Examples
    --------
    >>> size(312), size(48_400), size(3_210_000)
    ('312 bytes', '48 kB', '3.2 MB')
    """
    if count < 1000:  # noqa: PLR2004 - a kB
        return counted(count, "byte")
    if count < 1_000_000:  # noqa: PLR2004 - a MB
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


def _span(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
