"""Check OAuth callbacks. One pure function decides, however the callback arrived."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hmac import compare_digest
from urllib.parse import parse_qsl, urlsplit

_MAX_CODE_LENGTH = 4096
_MAX_PARAMETERS = 100
#: Error codes of RFC 6749 4.1.2.1, beside access_denied. No other text of a callback is shown.
_ERROR_CODES = {
    "invalid_request",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
}


class Verdict(Enum):
    """How a callback relates to a flow."""

    OK = "a code for this flow"
    DENIED = "the user or the platform denied access"
    WRONG_PATH = "not the callback path of this flow"
    WRONG_STATE = "not the state of this flow"
    INVALID = "invalid parameters"
    LATE = "the flow is not waiting for a callback"


@dataclass(frozen=True, slots=True, repr=False)
class CallbackResult:
    """The verdict, with the code or the error code. It has no repr because the code is secret."""

    verdict: Verdict
    code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Callback:
    """Where the platform redirects the browser. It has no repr because the path is secret.

    ``redirect_url`` None leaves the choice to the API, which uses the registered URL. ``exact``
    marks a registered URL: its path cannot hold the nonce, so the state does.
    """

    redirect_url: str | None
    exact: bool = False

    @property
    def path(self) -> str | None:
        """The path of the callback; None if it is unknown."""
        return None if self.redirect_url is None else urlsplit(self.redirect_url).path or "/"


def check_callback(target: str, path: str | None, state: str, *, bound: bool) -> CallbackResult:
    """Check the target of a request, or a pasted URL, against the path and state of a flow.

    The path is secret unless ``bound``; None accepts any, for a registered URL that is unknown.
    With ``bound`` the state holds the nonce and is required. Otherwise it may be missing, because
    real providers deny without state, but must not differ.
    """
    try:
        parts = urlsplit(target)
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return CallbackResult(Verdict.INVALID)
    if path is not None and not constant_time_equals(parts.path or "/", path):
        return CallbackResult(Verdict.WRONG_PATH)
    known = [(name, value) for name, value in pairs if name in {"code", "state", "error"}]
    values = dict(known)
    if len(values) != len(known) or ("code" in values) == ("error" in values):
        return CallbackResult(Verdict.INVALID)
    if (bound or "state" in values) and not constant_time_equals(values.get("state", ""), state):
        return CallbackResult(Verdict.WRONG_STATE)
    if "error" in values:
        error = values["error"]
        return CallbackResult(Verdict.DENIED, error=error if error in _ERROR_CODES else "")
    code = values["code"]
    valid = 0 < len(code) <= _MAX_CODE_LENGTH and code.isprintable()
    return CallbackResult(Verdict.OK, code) if valid else CallbackResult(Verdict.INVALID)


def constant_time_equals(one: str, other: str) -> bool:
    """Compare in constant time, so that timing reveals nothing about a secret."""
    encoded = (text.encode("utf-8", "surrogatepass") for text in (one, other))
    return compare_digest(*encoded)
