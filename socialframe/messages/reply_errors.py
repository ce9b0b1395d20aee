"""Finds the error that a reply with status 200 states in its body.

The rows themselves are not searched: an envelope has an empty list in place of them. Lists of an
envelope are not searched, so the fields of rows under another name do not count either.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from socialframe.errors import (
    APIError,
    AuthenticationError,
    NotFoundError,
    RateLimitError,
    ServerError,
    ValidationError,
)
from socialframe.messages.paths import plain_name
from socialframe.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from socialframe.messages.call import Call, Reply

_ERRORS = {
    "error", "errors", "err", "fault", "faults", "exception", "usererrors", "errormessage",
    "errormsg", "errmsg", "errordescription", "errordetail", "errordetails", "errormessages",
    "exceptions", "failurereason", "exceptionmessage",
}  # fmt: skip
_SUCCESS = {"success", "ok", "succeeded", "issuccess", "successful", "isok", "authorized"}
_FLAGS = {"haserror", "haserrors", "iserror"}
_INCOMPLETE = {
    "partial", "ispartial", "incomplete", "incompleteresults", "partialresults", "truncated",
    "istruncated", "timedout", "degraded", "exceededtransferlimit",
}  # fmt: skip
_COUNTS = {"errorcount", "errorscount", "numerrors"}
_COMPLETE = {"complete", "iscomplete"}
_PARTLY = {"partial", "partialsuccess", "partiallysucceeded", "incomplete"}
_STATUS = {"status", "state", "result", "outcome", "stat"}
_MAY_BE_PARTIAL = _STATUS | _COMPLETE
_FAILED = {"error", "err", "fail", "failed", "failure", "false", "ko", "nok"}
_CODES = {
    "code", "cod", "errortype", "statuscode", "errorcode", "errcode", "errno", "ret", "retcode",
    "resultcode", "returncode", "httpstatus",
}  # fmt: skip
_ERROR_CODES = {"errorcode", "errcode", "errno", "errortype"}
_FAILURE = re.compile(
    r"unauthori[sz]ed|forbidden|denied|invalid|exceeded|over_query_limit|unavailable|time(d_)?out|"
    r"expired|unauthenticated",
    re.IGNORECASE,
)
# A refusal in a sentence; a sentence such as "No expired posts" is none.
_REFUSAL = re.compile(
    rf"(?!no |0 ).*({_FAILURE.pattern}|rate[ _-]?limit(ed| reached)|too many (requests|calls)|"
    r"throttled|limit reached)",
    re.IGNORECASE | re.DOTALL,
)
_NO = {"false", "no", "n"}
_NO_TEXT = {"", "0", "ok", "success", "none", "null", "false"}
_FINE = re.compile(
    r"(|0+|2\d\d|20000+|null|none|nil|no|false|ok|okay|yes|true|done|no[ _]errors?|"
    r"success(ful(ly)?)?|succeeded|.*\bsuccessful(ly)?|.*成功.*)[.! ]*",
    re.IGNORECASE,
)
_TEXTS = (
    "message", "msg", "errormessage", "errormsg", "errmsg", "errordescription", "detail",
    "description", "title", "reason", "error", "err", "statusmessage", "faultstring",
    "statusmsg", "resultmsg", "resultmessage", "retmsg", "returnmsg",
)  # fmt: skip
_MESSAGES = {
    "message", "msg", "errmsg", "statusmessage", "statusmsg", "resultmsg", "resultmessage",
    "retmsg", "returnmsg",
}  # fmt: skip
_SENTENCES = {*_MESSAGES, "detail"}
_MAY_SAY_FINE = {*_MESSAGES, "status"}
_IDS = {"id", "uuid", "guid", "pk"}
_PARTIAL = re.compile(r"failed\w+|failures?|partial(failures?|errors?)\w*|\w+errors?|failed")
_WRAPPERS = {
    "data", "result", "response", "body", "payload", "meta", "status", "head", "header", "envelope",
}  # fmt: skip
_BESIDE = _SUCCESS | _STATUS | _CODES | set(_TEXTS) | _ERRORS | {
    "requestid", "traceid", "logid", "timestamp", "time", "path", "type", "documentationurl",
    "data", "helplink", "instance",
}  # fmt: skip
_RATE_LIMIT = re.compile(
    r"rate[ _-]?limit|request[ _-]?limit|too[ _-]?many[ _-]?(request|call)|quota|throttl|"
    r"calls? per|slow[ _-]?down|over[ _-]?query[ _-]?limit|"
    r"limit (is |was |has been )?(exceed|reach)|(reach|exceed)(ed)? your( \w+)? limit",
    re.IGNORECASE,
)
_MISSING = re.compile(r"\b(not.?found|could not find|does not exist)\b", re.IGNORECASE)
_MAX_DEPTH = 5
_FEW = 10  # an error has at most this many entries
_SMALL = 5  # an object with a note about a rate limit has at most this many members
_HTTP_ERROR, _SERVER_ERROR, _NO_STATUS = 400, 500, 600
_BY_CODE = {400: ValidationError, 401: AuthenticationError, 404: NotFoundError, 429: RateLimitError}


def stated_error(envelope: object) -> tuple[str, str | None] | None:
    """Return sentence and code of the error that a reply without rows states, or None.

    Parameters
    ----------
    envelope : object
        The body of a reply; the records, if any, replaced by an empty list.

    Returns
    -------
    tuple or None
        The API's sentence, and its code or None.

    Examples
    --------
    >>> stated_error({"code": 40100, "message": "Too many requests.", "data": {}})
    ('Too many requests.', '40100')
    >>> stated_error({"errors": [], "success": True, "code": 0, "rows": []})
    """
    return _find(envelope, weak=not _has_data(envelope))


def _find(envelope: object, *, weak: bool) -> tuple[str, str | None] | None:
    for members, depth in _objects(envelope):
        found = _strong_sign(members, depth) or (_weak_sign(members, depth) if weak else None)
        if found is not None:
            return found
    return None


def says_rate_limit(sentence: str, code: str | None) -> bool:
    """Return whether the sentence or the code of an error names a rate limit.

    Examples
    --------
    >>> says_rate_limit("User request limit reached", "17"), says_rate_limit("No such page", "404")
    (True, False)
    """
    code = code or ""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", code)
    return code == "429" or any(_RATE_LIMIT.search(text) for text in (sentence, code, spaced))


def stated_doubt(envelope: object) -> str:
    """Return why rows may be missing from a reply that has rows, empty if nothing says so.

    Examples
    --------
    >>> stated_doubt({"posts": [], "failedAccounts": [{"id": "a"}]})
    "the reply has 'failedAccounts': 1 entry"
    """
    for given, depth in _objects(envelope):
        members = {name: value for name, value in given.items() if not _tells_of_missing(value)}
        found = _strong_sign(members, depth) or _weak_sign(members, depth, least=_HTTP_ERROR)
        if found is not None:
            return f"the API reports an error beside the rows: {found[0].rstrip('.')}"
        for name, value in members.items():
            plain = plain_name(name)
            if value is True and plain in _INCOMPLETE:
                return f"the reply has {name!r}: true"
            if plain in _MAY_BE_PARTIAL and not depth and _is_partial(plain, value, members):
                return f"the reply has {name!r}: {str(value).lower()}"
            if value and isinstance(value, list | dict) and _PARTIAL.fullmatch(plain):
                many = f"{len(value)} entr{'y' if len(value) == 1 else 'ies'}"
                return f"the reply has {name!r}: {many}"
        if "successful" in members and (_number(members.get("failed")) or 0) > 0:
            return f"the reply has 'failed': {members['failed']}"
    return ""


def _is_partial(plain: str, value: object, members: dict[str, Any]) -> bool:
    if plain in _STATUS:
        return isinstance(value, str) and plain_name(value) in _PARTLY
    if plain not in _COMPLETE or value is not False:
        return False
    # On a page before the last one, "complete": false only announces the next page.
    return not any(
        plain_name(other).startswith(("page", "offset"))
        or (inner and plain_name(other).startswith(("next", "cursor")))
        for other, inner in members.items()
    )


def _tells_of_missing(errors: object) -> bool:
    """Whether each entry says that one resource, by its id, does not exist: no row is missing."""
    return (
        isinstance(errors, list)
        and bool(errors)
        and all(
            isinstance(entry, dict)
            and ("id" in entry or "resource_id" in entry)
            and any(isinstance(text, str) and _MISSING.search(text) for text in entry.values())
            for entry in errors
        )
    )


def refuse_stated_error(
    call: Call,
    reply: Reply,
    envelope: object,
    *,
    weak: bool | None = None,
    row: object = None,
    hint: str = "",
) -> None:
    """Raise the error that a reply without rows states.

    ``weak`` is whether a status or a code alone is an error; None means where there is no data.
    ``row`` is the object that is a row unless it is an error.
    """
    envelope = _without_echoes(call, envelope)
    found = _find(envelope, weak=not _has_data(envelope) if weak is None else weak)
    if found is None and isinstance(row, dict):
        found = _row_sign(row)
    if found is not None:
        _raise_stated(call, reply, found, hint)


def refuse_error_list(call: Call, reply: Reply, entries: list[Any]) -> None:
    """Raise the error of a body that is a list of errors only."""
    if not 0 < len(entries) <= _FEW or not all(map(is_only_error, entries)):
        return
    found = [_strong_sign(entry, 0) or _row_sign(entry) for entry in entries]
    if found[0] is not None and None not in found:
        _raise_stated(call, reply, found[0], "")


def _raise_stated(call: Call, reply: Reply, found: tuple[str, str | None], hint: str) -> None:
    sentence, code = found
    number = int(code) if code and re.fullmatch("[0-9]{3}", code) else 0
    cls = _BY_CODE.get(number, APIError)
    if _SERVER_ERROR <= number < _NO_STATUS:
        cls = ServerError
    if says_rate_limit(sentence, code):
        cls = RateLimitError
    sentence = redacted(" ".join(sentence.split()))[:500]
    raise cls(
        f"{sentence}{hint}",
        method=call.method,
        path=call.path,
        status_code=reply.status,
        code=redacted(code)[:80] if code else None,
    )


def is_only_error(value: object) -> bool:
    """Whether an object has no members but those of an error.

    Examples
    --------
    >>> is_only_error({"message": "Unknown user", "code": 7})
    True
    """
    return isinstance(value, dict) and all(
        plain_name(name) in _BESIDE or plain_name(name).endswith("errorcode") for name in value
    )


def _without_echoes(call: Call, envelope: object) -> object:
    """Return the envelope without members that only repeat a parameter of the call."""
    if not isinstance(envelope, dict):
        return envelope
    sent = dict(call.params)
    return {name: value for name, value in envelope.items() if sent.get(name, "") != str(value)}


def _objects(value: object) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the objects of an envelope, outermost first, with their depth; 0 for wrappers, too."""
    level = [(value, 0)] if isinstance(value, dict) else []
    for _ in range(_MAX_DEPTH):
        yield from level
        level = [
            (inner, depth if plain_name(name) in _WRAPPERS else depth + 1)
            for members, depth in level
            for name, inner in members.items()
            if isinstance(inner, dict) and plain_name(name) not in _ERRORS
        ]


def _is_fine(value: object) -> bool:
    return _FINE.fullmatch(str(value).strip()) is not None


def _strong_sign(members: dict[str, Any], depth: int) -> tuple[str, str | None] | None:
    for name, value in members.items():
        if not value and value is not False:
            continue  # an empty member is no sign
        plain = plain_name(name)
        if plain in _ERRORS and _states_error(value, depth):
            return _sentence(members, name, value)
        failed = value is False or (isinstance(value, str) and value.lower() in _NO)
        if plain in {"object", "type"} and value == "error":
            return _sentence(members, name, None)
        if (plain in _SUCCESS and failed) or (plain in _FLAGS and value is True):
            return _sentence(members, name, None)
        if plain.endswith("errorcode") and _is_error_code(value, 1, text=False):
            if _IDS.isdisjoint(map(plain_name, members)):
                return _sentence(members, name, None)
        elif plain in _COUNTS and not depth and (_number(value) or 0) > 0:
            return _sentence(members, name, None)
    return None


def _row_sign(members: dict[str, Any]) -> tuple[str, str | None] | None:
    """Return the error that an object without an id states; its other members do not matter."""
    plain = {plain_name(name): value for name, value in members.items()}
    texts = {name for name in _TEXTS if isinstance(plain.get(name), str) and plain[name].strip()}
    if not _IDS.isdisjoint(plain) or any(_is_fine(plain[name]) for name in texts & _MESSAGES):
        return None
    told = texts & {*_SENTENCES, "title"}
    for name, value in members.items():
        key, number = plain_name(name), _number(value)
        status = key in _STATUS | _CODES and _HTTP_ERROR <= (number or 0) < _NO_STATUS
        failed = key in _STATUS and isinstance(value, str) and value.lower() in _FAILED
        named = key.endswith("errorcode") and bool(value) and not _is_fine(value)
        # A product may have a title and a code.
        code = key in _CODES and texts & _MESSAGES and _is_error_code(value, 1, text=True)
        if told and (status or failed or named or code):
            return _sentence(members, name, None)
        limits = key in {*_SENTENCES, "note", "information"} and len(members) <= _SMALL
        if limits and isinstance(value, str) and says_rate_limit(value, None):
            return _sentence(members, name, value)
    return None


def _states_error(value: object, depth: int) -> bool:
    if isinstance(value, str):
        return not _is_fine(value)
    if isinstance(value, list):
        return any(_states_error(one, 0) for one in value)
    if isinstance(value, dict):
        signs = {plain_name(name): one for name, one in value.items()}
        code = next((signs[name] for name in _CODES if name in signs), None)
        if code is not None and _is_fine(code):
            return False  # {"code": 0, "message": "ok"}
        return any(one not in (None, "", [], {}, False, 0) for one in value.values())
    if isinstance(value, bool):
        return value
    # A number below the first level is a count of errors.
    return isinstance(value, int | float) and bool(value) and not depth


def _weak_sign(
    members: dict[str, Any], depth: int, least: int = 1
) -> tuple[str, str | None] | None:
    """Return the error of a status or a code; these names have other meanings, too."""
    if depth:
        return None
    content = any(
        value not in (None, "", [], {}) and plain_name(name) not in _BESIDE
        for name, value in members.items()
    )
    says_fine = any(
        isinstance(value, str) and value.strip() and _is_fine(value)
        for name, value in members.items()
        if plain_name(name) in _MAY_SAY_FINE
    )
    told = any(plain_name(name) in _TEXTS for name in members)
    for name, value in members.items():
        plain = plain_name(name)
        word = least == 1 and isinstance(value, str) and not says_fine
        if word and plain in _CODES and _is_refusal(value):
            failed = True
        elif word and plain in _SENTENCES and not content:
            failed = _REFUSAL.match(value.strip()) is not None
        elif plain in _CODES and plain not in _ERROR_CODES and content:
            failed = False  # {"code": 840, "name": "US dollar"} is a record
        elif plain in _CODES and not says_fine:
            failed = _is_error_code(value, least, text=told or plain in _ERROR_CODES)
        else:
            failed = _is_failure(plain, value, least)
        if failed:
            return _sentence(members, name, None)
    return None


def _is_refusal(code: str) -> bool:
    """Whether a code in words names a failure, so that it needs no sentence beside it."""
    known = code.lower() in _FAILED or _FAILURE.search(code) is not None
    return known or says_rate_limit("", code)


def _is_failure(plain: str, value: object, least: int) -> bool:
    number = _number(value)
    if plain in _SUCCESS:
        return number == 0 and least == 1
    if plain not in _STATUS:
        return False
    if number is not None:
        return _HTTP_ERROR <= number < _NO_STATUS
    if not isinstance(value, str):
        return False
    return value.lower() in _FAILED or (least == 1 and _FAILURE.search(value) is not None)


def _is_error_code(value: object, least: int, *, text: bool) -> bool:
    """Whether a code is one of an error; ``text`` says that a code in words counts."""
    number = _number(value)
    if number is not None:
        fine = number == 0 or 200 <= number < 300  # noqa: PLR2004 - HTTP's success
        return not fine and (number >= least or number < 0)
    return isinstance(value, str) and not _is_fine(value) and least == 1 and text


def _number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    short = isinstance(value, str) and re.fullmatch("-?[0-9]{1,18}", value)
    return int(value) if short else None  # type: ignore[call-overload]


def _has_data(value: object, depth: int = 0) -> bool:
    """Whether a body has a list with entries, or an object of data in a wrapper."""
    if not isinstance(value, dict) or depth == _MAX_DEPTH:
        return False
    for name, inner in value.items():
        plain = plain_name(name)
        if plain in _ERRORS or _PARTIAL.fullmatch(plain):
            continue
        rows = isinstance(inner, list) and any(isinstance(one, dict) for one in inner)
        if rows and plain not in {"links", "warnings", "columnheaders", "headers"}:
            return True
        if isinstance(inner, dict) and plain in _WRAPPERS:
            lists = [one for one in inner.values() if isinstance(one, list)]
            is_object = inner and not lists and not is_only_error(inner)
            if any(lists) or (is_object and plain in {"data", "result", "payload"}):
                return True
            if _has_data(inner, depth + 1):
                return True
    return False


def _sentence(members: dict[str, Any], name: str, value: object) -> tuple[str, str | None]:
    """Return text and code of an error from its value, or else from the members beside it."""
    entries = value if isinstance(value, list) else [value]
    first = next((one for one in entries if one), None)
    texts: list[object] = []
    codes: list[object] = []
    if isinstance(first, dict):
        texts.append(_text(first))
        codes.append(_code(first))
    elif isinstance(first, str):
        texts.append(first)
    texts.append(_text(members))
    codes.append(_code(members))
    texts += [_text(one) for one in members.values() if is_only_error(one)]
    shown = members[name]
    texts.append(f"The reply has {name!r}: {str(shown)[:200]}")
    text = next(str(one) for one in texts if one)
    code = next((str(one) for one in codes if one not in (None, "", 0, "0")), None)
    return text, code


def _text(members: dict[str, Any]) -> str:
    plain = {plain_name(name): value for name, value in members.items()}
    for name in _TEXTS:
        value = plain.get(name)
        if isinstance(value, str) and value.strip().lower() not in _NO_TEXT:
            return value
        if isinstance(value, dict) and (inner := _text(value)):
            return inner
    return ""


def _code(members: dict[str, Any]) -> object:
    plain = {plain_name(name): value for name, value in members.items()}
    for name in ("code", *sorted(_CODES - {"code"}), "status", "type"):
        value = plain.get(name)
        usable = isinstance(value, str | int) and not isinstance(value, bool)
        if usable and not _is_fine(value) and str(value).lower() not in _FAILED:
            return value
    extensions = plain.get("extensions")
    return _code(extensions) if isinstance(extensions, dict) else None
