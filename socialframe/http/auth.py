"""The key, added at the last moment and to one origin only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from socialframe.errors import ReplyError
from socialframe.secret import redacted

if TYPE_CHECKING:
    from socialframe.secret import Secret


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two URLs share scheme, host and port.

    Examples
    --------
    >>> same_origin(httpx.URL("https://api.example/a"), httpx.URL("https://API.example:443/b"))
    True
    """
    return (one.scheme, one.host, _port(one)) == (other.scheme, other.host, _port(other))


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)


class Auth(httpx.BaseTransport):
    """Adds the key to a copy of each call, so that nothing above ever holds it.

    Parameters
    ----------
    inner : httpx.BaseTransport
        Where calls go.
    secret : Secret
        The key.
    origin : httpx.URL
        The only place it goes to.
    """

    def __init__(self, inner: httpx.BaseTransport, secret: Secret, origin: httpx.URL) -> None:
        self._inner = inner
        self._secret = secret
        self._origin = origin

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the call with the key.

        Raises
        ------
        ReplyError
            If it leads anywhere but to the origin. Nothing was sent.
        """
        if not same_origin(request.url, self._origin):
            elsewhere = redacted(str(request.url.copy_with(query=None)))
            raise ReplyError(
                f"The API leads to another host ({elsewhere}), which is not followed: the key "
                f"goes to {self._origin} only."
            )
        authorized = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content,
            extensions=request.extensions,
        )
        authorized.headers["Authorization"] = f"Bearer {self._secret.reveal()}"
        response = self._inner.handle_request(authorized)
        response.request = request
        return response

    def close(self) -> None:
        """Close what is below."""
        self._inner.close()
