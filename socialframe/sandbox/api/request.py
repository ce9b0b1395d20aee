"""A request to the API: parameters and body are checked, or ApiError is raised."""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from wsgiref.types import WSGIEnvironment

    from werkzeug.wrappers import Request

    from socialframe.sandbox.state import State
    from socialframe.sandbox.switches import Switches
    from socialframe.sandbox.world.world import World

Headers = tuple[tuple[str, str], ...]
PagingFamily = Literal["page", "offset", "cursor", "next_url", "link", "after_id", "none"]
EndSign = Literal[
    "pages", "hasMore", "total", "next_page", "short", "null", "empty", "absent", "none"
]

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?")

LARGEST_BODY = 1 << 20  # bytes
PIECE = 1 << 16  # bytes in memory at a time

LAST_PAGE = 2**31 - 1
"""Maximum page number; a real server has a maximum too."""


class ApiError(Exception):
    def __init__(self, status: int, code: str, error: str, headers: Headers = ()) -> None:
        super().__init__(error)
        self.status = status
        self.code = code
        self.error = error
        self.headers = headers

    def body(self) -> dict[str, str]:
        """Return the error in the documented format."""
        return {"error": self.error, "code": self.code}


def invalid(error: str) -> ApiError:
    """Return the error for an invalid request: a 400."""
    return ApiError(400, "VALIDATION_ERROR", error)


class RequestedPage(Exception):  # noqa: N818 - an answer, not a fault
    """The page that a request asks for; raised instead of answering when only that is needed."""

    def __init__(
        self,
        start: int,
        limit: int,
        places: Sequence[int],
        family: PagingFamily = "page",
        sign: EndSign = "pages",
    ) -> None:
        super().__init__(start, limit)
        self.family = family
        self.sign = sign
        self.start = start
        self.limit = limit
        self.places = places

    @property
    def page(self) -> int:
        """The page number; the nearest one, because pages by offset may overlap."""
        return (2 * self.start + self.limit) // (2 * self.limit) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    state: State
    switches: Switches
    world: World  # the state's world when the request arrived
    args: Mapping[str, str]  # query parameters; of a repeated one the first
    path: Mapping[str, str]  # variable parts of the path
    end_sign: EndSign
    paging: PagingFamily
    address: str  # URL without its query
    body: bytes
    key: str = field(repr=False)
    is_list: bool
    is_local: bool  # no page of another site can have sent it
    page_only: bool = False  # raise RequestedPage instead of answering

    @property
    def root(self) -> str:
        """The base URL of the request: scheme and host."""
        return "/".join(self.address.split("/", 3)[:3])

    def json(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise invalid("The body must be a JSON object")
        if not _is_json_safe(found):
            raise invalid("The body holds a value that cannot be sent back as JSON")
        return found

    def text(self, name: str) -> str | None:
        """Return a parameter, or None if it is absent or empty."""
        return self.args.get(name) or None

    def whole(self, name: str, *, default: int, top: int, least: int = 1) -> int:
        text = self.text(name)
        if text is None:
            return default
        # ASCII digits only, and few enough of them for int() to take.
        if re.fullmatch("[0-9]{1,20}", text) and least <= int(text) <= top:
            return int(text)
        raise invalid(f"{name} must be an integer from {least} to {top}")

    def day(self, name: str) -> date | None:
        text = self.text(name)
        if text is None:
            return None
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            try:
                return date.fromisoformat(text)
            except ValueError:
                pass
        raise invalid(f"{name} must be a day written YYYY-MM-DD")

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """Read one of these words; the first is the default."""
        text = self.text(name) or allowed[0]
        if text not in allowed:
            raise invalid(f"{name} must be one of: {', '.join(allowed)}")
        return text


def _is_json_safe(value: object, levels: int = 50) -> bool:
    """Return whether a value can be written as JSON again: Unicode, finite, not too deep."""
    match value:
        case str():
            return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)
        case float():
            return math.isfinite(value)
        case dict():
            return _is_json_safe(list(value), levels) and _is_json_safe(
                list(value.values()), levels
            )
        case list():
            return levels > 0 and all(_is_json_safe(one, levels - 1) for one in value)
    return True


def check_host(environ: WSGIEnvironment) -> None:
    """Refuse an invalid Host header, as RFC 9112 (3.2) requires."""
    host = _HOST.fullmatch(environ.get("HTTP_HOST", "unnamed"))
    if host is None or int(host[1] or 0) > 65535:  # noqa: PLR2004 - the last port
        raise invalid("The Host header must be a host, or a host and a port")


def repair_wsgi_text(environ: WSGIEnvironment) -> WSGIEnvironment:
    """Encode text as Latin-1 as PEP 3333 requires.

    ``httpx.WSGITransport`` passes the path as plain text, which Werkzeug refuses to read.
    """
    repaired = {
        name: environ.get(name, "").encode().decode("latin-1")
        for name in ("PATH_INFO", "QUERY_STRING")
        if max(environ.get(name, ""), default="") > "\xff"
    }
    return {**environ, **repaired}


def read_body(request: Request) -> bytes:
    """Read the body of a request to the API.

    The documentation names no limit. A larger body gets a 413 with the documented code of an
    invalid request.
    """
    environ = request.environ
    if not _has_valid_length(environ):
        raise invalid("Content-Length must be an integer")
    promised = int(environ.get("CONTENT_LENGTH") or 0)
    body = b"" if promised > LARGEST_BODY else _read(environ)
    if max(promised, len(body)) > LARGEST_BODY:
        text = f"The body must have at most {LARGEST_BODY:,} bytes"
        raise ApiError(413, "VALIDATION_ERROR", text)
    if len(body) < promised:
        raise invalid("The body breaks off")
    environ["wsgi.input"] = io.BytesIO(body)  # to be read again
    return body


def _read(environ: WSGIEnvironment) -> bytes:
    """Read a body up to its end, or slightly beyond the limit."""
    from werkzeug.exceptions import HTTPException
    from werkzeug.wsgi import get_input_stream

    body = bytearray()
    try:
        stream = get_input_stream(environ)
        while len(body) <= LARGEST_BODY and (piece := stream.read(PIECE)):
            body += piece
    except (HTTPException, OSError, ValueError):
        raise invalid("The body breaks off") from None
    return bytes(body)


def drain_body(environ: WSGIEnvironment) -> None:
    """Discard the rest of a body; Cheroot would read it into memory to reuse the connection."""
    there = environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ
    if not (there and _has_valid_length(environ)):
        return  # there is no body, or its end is unknown
    from werkzeug.exceptions import HTTPException
    from werkzeug.wsgi import get_input_stream

    with contextlib.suppress(HTTPException, OSError, ValueError):
        stream = get_input_stream(environ)
        while stream.read(PIECE):
            pass


def _has_valid_length(environ: WSGIEnvironment) -> bool:
    length = environ.get("CONTENT_LENGTH") or "0"
    return length.isascii() and length.isdigit() and len(length) < 20  # noqa: PLR2004 - of digits
