"""Who may ask, and how often."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING

from socialframe.sandbox.answers import refused
from socialframe.sandbox.asked import key_seen
from socialframe.sandbox.asking import ApiError
from socialframe.sandbox.limits import limit_headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from socialframe.sandbox.answers import Answer
    from socialframe.sandbox.families import Headers
    from socialframe.sandbox.limits import Limiter
    from socialframe.sandbox.switches import Switches

CALLS_A_WINDOW = {"free": 60, "paid": 600}


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """A call that is not let in, with its answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


def new_key() -> str:
    """Make a key of the documented form.

    Examples
    --------
    >>> len(new_key()), new_key()[:3]
    (33, 'sk_')
    """
    letters = string.ascii_lowercase + string.digits
    return "sk_" + "".join(secrets.choice(letters) for _ in range(30))


class Gate:
    """Let in calls with the right key, as many as the limit allows.

    Parameters
    ----------
    key
        The only key that is let in.
    limiter
        Judges calls by their arrival.
    switches
        How the limit is told.
    wall
        Unix time, for ``X-RateLimit-Reset``.
    """

    def __init__(
        self, key: str, limiter: Limiter, switches: Switches, wall: Callable[[], float]
    ) -> None:
        self.key = key
        self._limiter = limiter
        self._switches = switches
        self._wall = wall

    def enter(self, request: Request, *, revoked: bool = False) -> Headers:
        """Let a call in, and give the headers that tell of the limit.

        Parameters
        ----------
        request
            The call.
        revoked
            Whether the key is not known any more.

        Raises
        ------
        Refused
            If its key is wrong, or it comes too soon.
        """
        seen = key_seen(request, self.key)
        if seen == "missing":
            raise Refused(refused(ApiError(401, "AUTH_MISSING_KEY", "Missing API key")))
        if seen == "wrong" or revoked:
            raise Refused(refused(ApiError(401, "AUTH_INVALID_KEY", "Invalid API key")))
        verdict = self._limiter.arrive()
        headers = limit_headers(verdict, self._switches, self._wall())
        if not verdict.allowed:
            error = ApiError(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded")
            raise Refused(refused(error, headers))
        return headers
