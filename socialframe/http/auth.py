"""Adds the key to requests to one origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from socialframe.errors import ReplyError
from socialframe.redact import redacted

if TYPE_CHECKING:
    from socialframe.secret import Secret


#: Key of a request's extensions: whether a redirect leads to it, and no link.
REDIRECTED = "socialframe.redirected"

_AFTER_LINK = (
    "If only its scheme or host differs, pass paging=NextURL(field=…, same_path=True) or "
    "LinkHeader(same_path=True), which use its path on this host, or paging=PageNumber() if the "
    "API takes page numbers. If the API has moved there, use Client(base_url=…)."
)
_AFTER_REDIRECT = "If the API has moved there, use Client(base_url=…)."


def _same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Return whether two URLs share scheme, host and port, or the default port."""
    return (one.scheme, one.host, _port(one)) == (other.scheme, other.host, _port(other))


def _port(url: httpx.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)


class Auth(httpx.BaseTransport):
    """Adds the key to a copy of each request, so that no outer layer holds it."""

    def __init__(self, inner: httpx.BaseTransport, secret: Secret, origin: httpx.URL) -> None:
        self._inner = inner
        self._secret = secret
        self._origin = origin

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request with the key; raise ReplyError for a URL of another origin."""
        if not _same_origin(request.url, self._origin):
            url = redacted(str(request.url.copy_with(query=None)))
            advice = _AFTER_REDIRECT if request.extensions.get(REDIRECTED) else _AFTER_LINK
            raise ReplyError(
                f"The API leads to another host ({url}). It is not followed, because the key is "
                f"sent to {self._origin} only. {advice}"
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
        """Close the connections."""
        self._inner.close()
