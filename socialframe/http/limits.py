"""Finds out whether a response refuses a request because of a rate limit, and reads error bodies.

Some APIs answer 400, 403 or even 200 and say so only in the body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from socialframe.errors import ReplyError
from socialframe.http.headers import BODY_WAIT, LIMITED
from socialframe.messages.envelope import parse
from socialframe.messages.reply_errors import says_rate_limit, stated_error
from socialframe.redact import redacted

if TYPE_CHECKING:
    import httpx

_SMALL = 4096  # bytes; a larger body is no error message
_ALWAYS = {420, 429}
_SOMETIMES = {400, 403}
_WORDS = (b"limit", b"many", b"quota", b"throttl", b"slow")  # in all that says_rate_limit knows
_IDS = {"id", "uuid", "guid"}
_TEXTS = ("error", "message", "msg", "detail", "title", "description")
_WAITS = {"retryafter": 1.0, "retryafterseconds": 1.0, "retryafterms": 0.001}
_MAX_WAIT = 1e7  # a larger number is no number of seconds
_MAX_DEPTH = 3  # of a wait in an error body


def mark_limited(response: httpx.Response) -> bool:
    """Return whether a response refuses because of a rate limit, and note it in the response."""
    limited = _is_limited(response)
    if limited:
        response.extensions[LIMITED] = True
        if len(response.content) <= _SMALL:
            response.extensions[BODY_WAIT] = _wait_in(_body(response))
    return limited


def _is_limited(response: httpx.Response) -> bool:
    status = response.status_code
    if status in _ALWAYS:
        return True
    if status in _SOMETIMES and "retry-after" in response.headers:
        return True
    content = response.content
    if len(content) > _SMALL or not (response.is_success or status in _SOMETIMES):
        return False
    lowered = content.lower()
    if not any(word in lowered for word in _WORDS):
        return False
    if response.is_success:  # only an envelope that states an error; never the text of a row
        body = _body(response)
        stated = None if _has_record(body) else stated_error(body)
    else:
        stated = error_text(response)
    return stated is not None and says_rate_limit(*stated)


def _has_record(body: object) -> bool:
    """Whether a body is a record or has one, such as a post that failed: an envelope has no id."""
    objects = [body, *body.values()] if isinstance(body, dict) else []
    found = any(isinstance(one, dict) and not _IDS.isdisjoint(one) for one in objects)
    return not objects or (found and "jsonrpc" not in objects[0])


def error_text(response: httpx.Response) -> tuple[str, str]:
    """Return the sentence and the code of a response that is an error; the code may be empty."""
    body = _body(response)
    stated = stated_error(body)
    if stated is not None:
        sentence, number = stated
        return redacted(sentence)[:500], redacted(number or "")[:80]
    members = body if isinstance(body, dict) else {}
    texts = [members.get(name) for name in _TEXTS]
    text = next((str(text) for text in texts if text and isinstance(text, str)), "")
    if body is None and response.headers.get("content-type", "").startswith("text/plain"):
        text = response.text.strip()
    code = members.get("code")
    text = text or response.reason_phrase or "no reason given"
    return redacted(text)[:500], redacted(code)[:80] if isinstance(code, str) else ""


def _body(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON is any value
    try:
        return parse(response.content)
    except ReplyError:
        return None


def _wait_in(value: object, depth: int = 0) -> float | None:
    """Return the seconds to wait that an error body states, such as ``{"retry_after": 1.5}``."""
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return None
    for name, inner in value.items():
        unit = _WAITS.get(str(name).replace("_", "").replace("-", "").lower())
        if unit is not None and type(inner) in (int, float) and 0 <= inner < _MAX_WAIT:
            return float(inner * unit)
        found = _wait_in(inner, depth + 1)
        if found is not None:
            return found
    return None
