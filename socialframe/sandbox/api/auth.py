"""Who may ask, and how often."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING

from socialframe.errors import ArgumentError
from socialframe.sandbox.api.rate_limit import limit_headers
from socialframe.sandbox.api.request import ApiError
from socialframe.sandbox.api.request_log import check_authorization

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from socialframe.sandbox.api.rate_limit import Limiter
    from socialframe.sandbox.api.request import Headers
    from socialframe.sandbox.switches import Switches

CALLS_A_WINDOW = {"free": 60, "paid": 600}


def new_key() -> str:
    """Make a key of the documented form."""
    letters = string.ascii_lowercase + string.digits
    return "sk_" + "".join(secrets.choice(letters) for _ in range(30))


def check_key(key: object) -> str:
    """Give a key that can be sent, or refuse it by a sentence that does not show it."""
    if not isinstance(key, str):
        raise ArgumentError(f"key takes a text such as sk_demo, not a {type(key).__name__}.")
    if not (key and key == key.strip() and key.isprintable()):
        raise ArgumentError(
            "key takes a text in one line that neither begins nor ends with a space."
        )
    return key


class Authenticator:
    """Let in calls with the right key, as many as the limit allows."""

    def __init__(
        self, key: str, limiter: Limiter, switches: Switches, wall: Callable[[], float]
    ) -> None:
        self.key = key
        self._revoked: str | None = None
        self._limiter = limiter
        self._switches = switches
        self._wall = wall

    def revoke(self, *, ends: bool = False) -> None:
        """Know the key of this moment no more; or know it again."""
        self._revoked = None if ends else self.key

    def enter(self, request: Request) -> Headers:
        """Let a call in, and give the headers that tell of the limit."""
        seen = check_authorization(request, self.key)
        if seen == "missing":
            raise ApiError(401, "AUTH_MISSING_KEY", "Missing API key")
        if seen == "wrong" or self.key == self._revoked:
            raise ApiError(401, "AUTH_INVALID_KEY", "Invalid API key")
        verdict = self._limiter.arrive()
        headers = limit_headers(verdict, self._switches, self._wall())
        if not verdict.allowed:
            raise ApiError(429, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded", headers)
        return headers
