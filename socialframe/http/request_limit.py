"""Enforces ``max_requests``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from socialframe.errors import MaxRequestsError

if TYPE_CHECKING:
    from collections.abc import Callable

#: Key of a walk's RequestLimit in the extensions of its requests.
REQUEST_LIMIT = "socialframe.request_limit"


@dataclass(slots=True)
class RequestLimit:
    """Enforces ``max_requests`` of one walk.

    Parameters
    ----------
    limit : int or None
        Maximum number of requests, retries and redirects counted; None: any number.
    remaining : callable
        Returns how many calls the walk still needs; None if that is unknown.

    Examples
    --------
    >>> limit = RequestLimit(2, remaining=lambda: 2)
    >>> limit.count()
    >>> limit.check()
    Traceback (most recent call last):
    ...
    socialframe.errors.MaxRequestsError: The query needs 3 requests; max_requests allows 2. ...
    """

    limit: int | None = None
    remaining: Callable[[], int | None] = lambda: None
    sent: int = 0

    def check(self) -> None:
        """Raise MaxRequestsError if the walk is known to need more requests than it may send."""
        more = self.remaining() if self.limit is not None else None
        if self.limit is not None and more is not None and self.sent + more > self.limit:
            raise MaxRequestsError(self.limit, self.sent + more)

    def count(self) -> None:
        """Count a request that is about to be sent; raise MaxRequestsError at the limit."""
        if self.limit is not None and self.sent >= self.limit:
            raise MaxRequestsError(self.limit, None)
        self.sent += 1
