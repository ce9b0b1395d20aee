"""Finds the error that a reply states in its envelope, whatever its status is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from socialframe.secret import redacted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_MAX_SENTENCE = 500
_MAX_CODE = 80
_MAX_LISTED = 3  # errors of a list that the sentence has
_HTTP_ERRORS = range(400, 600)

# Names of members, in lower case, without "_" and "-".
_ERRORS = ("error", "errors", "usererrors", "fault", "faults", "exception")
_ERROR_TEXTS = ("errormessage", "errordescription", "errormsg", "errmsg")
_ERROR_CODES = ("errorcode", "errcode", "errno")
_SUCCESSES = ("success", "ok", "succeeded", "successful", "issuccess")
_STATES = ("status", "result", "state", "object", "type", "stat")
_STATUS_CODES = ("status", "statuscode", "httpstatus", "httpcode")
_SENTENCES = ("message", "msg", "detail", "description", "reason", "title", "text", "info")
_CODES = ("code", "errortype", "type", "reason", "status", "kind")
_HOLDERS = ("meta", "header", "head", "status", "responsestatus", "response", "result", "data")
_IDS = ("id", "uuid", "guid")
_KNOWN = {
    *(*_ERRORS, *_ERROR_TEXTS, *_ERROR_CODES, *_SUCCESSES, *_STATES, *_STATUS_CODES, *_SENTENCES),
    *(*_CODES, *_HOLDERS, "subcode", "errorsubcode", "instance", "timestamp", "path"),
    *("requestid", "traceid", "logid", "correlationid", "fbtraceid", "documentationurl", "help"),
    *("retryafter", "version", "jsonrpc", "apiversion", "time", "date", "warnings", "method"),
}

_ERROR_STATES = {"error", "fail", "failed", "failure", "ko", "nok"}
_NOTHING = re.compile(
    r"(|0+|2\d\d|20000+|null|none|nil|no|false|ok|okay|yes|true|done|no[ _]errors?|"
    r"success(ful(ly)?)?|.*\bsuccessful(ly)?|.*成功.*)[.! ]*",
    re.IGNORECASE,
)
_FAILURE = re.compile(
    r"error|fail|invalid|denied|refused|unauthor|forbidden|not (found|allowed)|expired|exceed|"
    r"limit|too many|throttl|quota|unavailable|missing|unsupported|retry|try again",
    re.IGNORECASE,
)
_RATE_LIMIT = re.compile(
    r"rate[ _-]?limit|request[ _-]?limit|too[ _-]?many[ _-]?(request|call)|quota|throttl|"
    r"calls? per|slow[ _-]?down|over[ _-]?query[ _-]?limit|"
    r"limit (is |was |has been )?(exceed|reach)|(reach|exceed)(ed)? your( \w+)? limit",
    re.IGNORECASE,
)


def stated_error(envelope: object, *, sent: Collection[str] = ()) -> tuple[str, str] | None:
    """Return the sentence and the code of the error that an envelope states; None without one.

    The code is empty if there is none. Both are redacted and short. The envelope may have the
    records or an empty list in their place; the records themselves are never read.

    Parameters
    ----------
    envelope : object
        The parsed body.
    sent : collection of str
        Values of the parameters of the request. A ``status`` that repeats one of them is no error.

    Examples
    --------
    >>> stated_error({"code": 40100, "message": "Too many requests", "data": {}})
    ('Too many requests', '40100')
    >>> stated_error({"code": 0, "message": "OK", "errors": [], "data": []})
    """
    if not isinstance(envelope, dict):
        return None
    levels = [envelope, *_inner(envelope)]
    for level in levels:
        members = {_plain(name): value for name, value in level.items()}
        found = _error_of(members, {value.lower() for value in sent})
        if found is None:
            continue
        sentence, code = found
        if not sentence:  # {"data": {"error_code": 7}, "message": "Rate limit"}
            sentence = _sentence({_plain(name): value for name, value in envelope.items()})
        sentence = sentence or code or "the reply states an error without a message"
        return redacted(sentence)[:_MAX_SENTENCE], redacted(code)[:_MAX_CODE]
    return None


def says_rate_limit(sentence: str, code: str) -> bool:
    """Return whether the sentence or the code of an error names a rate limit.

    Examples
    --------
    >>> says_rate_limit("User request limit reached", "17"), says_rate_limit("No such page", "404")
    (True, False)
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", code)
    return code == "429" or any(_RATE_LIMIT.search(text) for text in (sentence, code, spaced))


def _inner(envelope: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, value in envelope.items():
        if isinstance(value, dict) and _plain(name) in _HOLDERS:
            yield value


def _error_of(members: dict[str, Any], sent: Collection[str]) -> tuple[str, str] | None:
    """Return sentence and code of the error among the members of one object."""
    refused = any(_false(members[name]) for name in _SUCCESSES if name in members)
    # A record, such as a post with status "failed", has an id; an envelope has none.
    record = any(members.get(name) for name in _IDS) and "jsonrpc" not in members
    if record and not refused:
        return None
    for name in (*_ERRORS, *_ERROR_TEXTS):
        if name in members and _is_error(members[name], counter=name == "errors"):
            return _describe(members[name], members)
    number = next((str(members[name]) for name in _ERROR_CODES if members.get(name)), "")
    if not _NOTHING.fullmatch(number):
        return _sentence(members), number
    if refused or _error_state(members, sent) or _error_code(members):
        return _sentence(members), _code(members)
    return None


def _is_error(value: object, *, counter: bool) -> bool:
    if isinstance(value, int | float):
        # {"errors": 2} counts rows that failed.
        return bool(value) and (value is True or not counter)
    if isinstance(value, str):
        return _NOTHING.fullmatch(value.strip()) is None
    if isinstance(value, list):
        return any(_is_error(entry, counter=False) for entry in value)
    if not isinstance(value, dict):
        return False
    members = {_plain(name): inner for name, inner in value.items()}
    texts = [str(members[name]) for name in (*_SENTENCES, "code") if members.get(name)]
    if texts:  # {"code": "ok", "message": "", "log_id": "…"} is no error
        return not all(_NOTHING.fullmatch(text.strip()) for text in texts)
    return any(_is_error(inner, counter=False) for inner in value.values())


def _error_state(members: dict[str, Any], sent: Collection[str]) -> bool:
    for name in _STATES:
        value = members.get(name)
        if isinstance(value, str) and value.lower() in _ERROR_STATES and value.lower() not in sent:
            return True
    return _false(members.get("status"))


def _error_code(members: dict[str, Any]) -> bool:
    """Return whether a code, beside a sentence and without any content, states an error."""
    sentence = _sentence(members)
    if sentence and _NOTHING.fullmatch(sentence.strip()):
        return False
    content = any(value for name, value in members.items() if name not in _KNOWN)
    filled = content or bool(members.get("data") or members.get("result"))
    lists = any(isinstance(value, list) for value in members.values())
    for name in ("code", *_STATUS_CODES):
        value = members.get(name)
        if isinstance(value, bool) or not isinstance(value, int | str):
            continue
        text = str(value).strip()
        if _NOTHING.fullmatch(text):
            continue
        if text.isdigit():
            http = int(text[:3]) in _HTTP_ERRORS and len(text) >= len("400")
            if http and (sentence or not filled) and not content:
                return True
            if name == "code" and sentence and not filled:
                return not lists or _FAILURE.search(sentence) is not None
        elif name == "code" and sentence and not filled:
            return not lists or _FAILURE.search(f"{text} {sentence}") is not None
    return False


def _describe(error: object, members: dict[str, Any]) -> tuple[str, str]:
    """Return sentence and code of the value of an error member."""
    if isinstance(error, list):
        found = [_describe(entry, {}) for entry in error if _is_error(entry, counter=False)]
        more = f" (and {len(found) - _MAX_LISTED} more)" if len(found) > _MAX_LISTED else ""
        sentence = "; ".join(dict.fromkeys(text for text, _ in found[:_MAX_LISTED] if text))
        return sentence + more, next((code for _, code in found if code), "")
    if isinstance(error, dict):
        inner = {_plain(name): value for name, value in error.items()}
        sentence = _sentence(inner) or _sentence(members)
        code = _code(inner) or _code(members)
        return sentence or json.dumps(error, ensure_ascii=False)[:_MAX_SENTENCE], code
    if isinstance(error, str):
        beside = _sentence(members)
        if (
            beside not in ("", error) and " " not in error
        ):  # {"error": "RateLimitExceeded", "message": "…"}
            return beside, error
        return error, _code(members)
    number = "" if isinstance(error, bool) else str(error)
    return _sentence(members), number or _code(members)


def _sentence(members: dict[str, Any]) -> str:
    for name in (*_ERROR_TEXTS, *_SENTENCES):
        value = members.get(name)
        if isinstance(value, dict):
            value = value.get("value") or value.get("message")  # OData: {"lang": …, "value": …}
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _code(members: dict[str, Any]) -> str:
    extensions = members.get("extensions")  # of GraphQL
    if isinstance(extensions, dict) and isinstance(extensions.get("code"), str):
        return str(extensions["code"])
    for name in (*_ERROR_CODES, *_CODES):
        value = members.get(name)
        usable = isinstance(value, int | str) and not isinstance(value, bool)
        if usable and not _NOTHING.fullmatch(str(value)):
            return str(value)
    return ""


def _false(value: object) -> bool:
    return value is False or (isinstance(value, str) and value.lower() == "false")


def _plain(name: object) -> str:
    return str(name).replace("_", "").replace("-", "").lower()
