"""Responses of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from socialframe.sandbox.json_text import Json, dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from socialframe.sandbox.api.request import ApiError, ApiRequest, Headers


Routes = dict[tuple[str, str], "Callable[[ApiRequest], Answer]"]


class Answer(NamedTuple):
    body: bytes
    headers: Headers = ()
    status: int = 200
    content_type: str = "application/json"


def error_answer(error: ApiError) -> Answer:
    return Answer(dumps(error.body()), error.headers, error.status)


def listing(lines: Iterable[bytes], before: bytes, after: bytes) -> bytes:
    """Join posts that are JSON already into one page."""
    return b"".join((b"{", before, b'"posts":[', b",".join(lines), b"]", after, b"}"))


def members(values: Json) -> bytes:
    """Return JSON members that follow others in the same object."""
    return b"," + dumps(values)[1:-1] if values else b""
