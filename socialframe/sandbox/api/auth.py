"""Authentication: checks the key and the rate limit of a request."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING

from socialframe.errors import ArgumentError
from socialframe.sandbox.api.rate_limit import Limiter, limit_headers
from socialframe.sandbox.api.request import ApiError, Headers
from socialframe.sandbox.api.request_log import check_authorization

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.wrappers import Request

    from socialframe.sandbox.switches import Switches

CALLS_A_WINDOW = {"free": 60, "paid": 600}


def new_key() -> str:
    """Return a random key in the documented format."""
    letters = string.ascii_lowercase + string.digits
    return "sk_" + "".join(secrets.choice(letters) for _ in range(30))


def check_key(key: object) -> str:
    """Return a valid key, or raise ArgumentError without showing the key."""
    if not isinstance(key, str):
        raise ArgumentError(f"key must be text; got {type(key).__name__}.")
    if not (key and key == key.strip() and key.isprintable()):
        raise ArgumentError("key must be one line of text without spaces at either end.")
    return key


class Authenticator:
    """Accepts requests with the right key, within the rate limit."""

    def __init__(
        self, key: str, limiter: Limiter, switches: Switches, wall: Callable[[], float]
    ) -> None:
        self.key = key
        self._revoked: str | None = None
        self._limiter = limiter
        self._switches = switches
        self._wall = wall

    def revoke(self, *, ends: bool = False) -> None:
        """Refuse the current key from now on; with ``ends=True`` accept it again."""
        self._revoked = None if ends else self.key

    def enter(self, request: Request) -> Headers:
        """Count a request and return its rate-limit headers, or raise ApiError."""
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
