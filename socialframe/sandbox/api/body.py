"""Reading the body of a request, up to a maximum size."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException
from werkzeug.wsgi import get_input_stream

from socialframe.sandbox.api.request import ApiError, invalid

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from werkzeug.wrappers import Request

LARGEST_BODY = 1 << 20  # bytes
PIECE = 1 << 16  # bytes in memory at a time


def read_body(request: Request) -> bytes:
    """Read the body of a request to the API.

    The documentation names no limit. A larger body gets a 413 with the documented code of an
    invalid request.
    """
    environ = request.environ
    if not _has_valid_length(environ):
        raise invalid("Content-Length must be a whole number of bytes")
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
    with contextlib.suppress(HTTPException, OSError, ValueError):
        stream = get_input_stream(environ)
        while stream.read(PIECE):
            pass


def _has_valid_length(environ: WSGIEnvironment) -> bool:
    length = environ.get("CONTENT_LENGTH") or "0"
    return length.isascii() and length.isdigit() and len(length) < 20  # noqa: PLR2004 - of digits
