"""How many requests a walk may send: a bound that is kept where they go out."""

from __future__ import annotations

from dataclasses import dataclass

from socialframe.errors import MaxRequestsError


@dataclass(slots=True)
class Allowance:
    """What one walk may still send.

    Parameters
    ----------
    most : int or None
        Requests at most, repetitions and redirects counted; None means any number.
    sent : int
        Requests so far.

    Examples
    --------
    >>> allowance = Allowance(2)
    >>> allowance.spend()
    >>> allowance.expect(2)
    Traceback (most recent call last):
    ...
    socialframe.errors.MaxRequestsError: The walk takes 3 requests; max_requests permits 2. ...
    """

    most: int | None = None
    sent: int = 0

    def expect(self, more: int | None) -> None:
        """Refuse what is known to take so many requests more, if that is too many.

        Raises
        ------
        MaxRequestsError
            If it is.
        """
        if self.most is not None and more is not None and self.sent + more > self.most:
            raise MaxRequestsError(self.most, self.sent + more)

    def spend(self) -> None:
        """Count a request that is about to be sent.

        Raises
        ------
        MaxRequestsError
            If it would be one too many.
        """
        if self.most is not None and self.sent >= self.most:
            raise MaxRequestsError(self.most, None)
        self.sent += 1
