"""Callbacks: where a browser is sent, and the one judge of what it brings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hmac import compare_digest
from urllib.parse import parse_qsl, urlsplit

_LONGEST_CODE = 4096
_MOST_FIELDS = 100
#: RFC 6749 4.1.2.1, beside access_denied. No other word of a callback is ever repeated.
_REFUSALS = {
    "invalid_request",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
}


class Verdict(Enum):
    """What a callback is to a flow."""

    OK = "the code of this flow"
    DENIED = "the person, or the platform, said no"
    ELSEWHERE = "an address that is not this flow's callback"
    WRONG_STATE = "the callback, without the state of this flow"
    BAD = "the callback, with invalid parameters"
    LATE = "a callback to a flow that does not wait for one"


@dataclass(frozen=True, slots=True, repr=False)
class Checked:
    """A verdict, with the code or the word of refusal; without a repr, as the code is secret."""

    verdict: Verdict
    code: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Callback:
    """Where the platform sends the browser; without a repr, because the path is secret.

    Parameters
    ----------
    redirect : str or None
        The whole address; None leaves it to the one that is registered with the API.
    exact : bool
        Whether it is a registered address, which has no place for a nonce: then the state has.
    """

    redirect: str | None
    exact: bool = False

    @property
    def path(self) -> str | None:
        """The path of a callback; None where that is not known."""
        return None if self.redirect is None else urlsplit(self.redirect).path or "/"


def check_callback(target: str, path: str | None, state: str, *, bound: bool) -> Checked:
    """Judge what came back. Nothing else decides, however it came.

    Parameters
    ----------
    target : str
        A request's target, or a whole address.
    path : str or None
        The path of the flow's callback, secret unless ``bound``; None takes any, for a registered
        address that is not known.
    state : str
        What the link carried.
    bound : bool
        Whether the state holds the nonce, so that it has to be there. Otherwise it may be absent
        (on the secret path a denial without state is a denial), but not another.

    Returns
    -------
    Checked

    Examples
    --------
    >>> check_callback("/cb/n0nce?code=abc", "/cb/n0nce", "own7:tiktok", bound=False).verdict.name
    'OK'
    >>> check_callback("/cb?code=abc", "/cb", "own7:tiktok.n0nce", bound=True).verdict.name
    'WRONG_STATE'
    """
    try:
        parts = urlsplit(target)
        pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return Checked(Verdict.BAD)
    if path is not None and not same(parts.path or "/", path):
        return Checked(Verdict.ELSEWHERE)
    given = [(name, value) for name, value in pairs if name in {"code", "state", "error"}]
    found = dict(given)
    if len(found) != len(given) or ("code" in found) == ("error" in found):
        return Checked(Verdict.BAD)
    if (bound or "state" in found) and not same(found.get("state", ""), state):
        return Checked(Verdict.WRONG_STATE)
    if "error" in found:
        word = found["error"]
        return Checked(Verdict.DENIED, refusal=word if word in _REFUSALS else "")
    code = found["code"]
    usual = 0 < len(code) <= _LONGEST_CODE and code.isprintable()
    return Checked(Verdict.OK, code) if usual else Checked(Verdict.BAD)


def same(one: str, other: str) -> bool:
    """Compare two texts in a time that tells nothing of them.

    Examples
    --------
    >>> same("n0nce", "n0nce")
    True
    """
    encoded = (text.encode("utf-8", "surrogatepass") for text in (one, other))
    return compare_digest(*encoded)
