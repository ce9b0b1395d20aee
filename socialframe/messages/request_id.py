"""Finds the id by which the API can look up a request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from socialframe.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = (
    *("x-request-id", "request-id", "x-correlation-id", "correlation-id", "x-amzn-requestid"),
    *("x-amz-request-id", "x-ms-request-id", "x-github-request-id", "x-trace-id", "x-fb-trace-id"),
)
_MAX_LENGTH = 100


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id of a request from the headers of its reply, redacted and short; or None.

    Examples
    --------
    >>> request_id({"x-request-id": "7f3a"})
    '7f3a'
    """
    for name in _NAMES:
        text = re.sub(r"[^\x21-\x7e]", "", headers.get(name, ""))
        if text:
            return redacted(text)[:_MAX_LENGTH]
    return None
