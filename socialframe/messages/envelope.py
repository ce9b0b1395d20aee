"""Splits a reply into its envelope and its records.

The envelope holds totals, flags and cursors; the records are the list of objects in it. Paging
needs the envelope at once, and typing needs the bytes of the records unchanged. ``split_reply``
returns both and does not parse the records, which are nearly all of the reply.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from socialframe.errors import ReplyError
from socialframe.messages.paths import get_path, has_path, plain_name
from socialframe.messages.reply_errors import (
    is_only_error,
    refuse_error_list,
    refuse_stated_error,
)
from socialframe.messages.row_shape import (
    TABLE_HEADERS,
    find_rows,
    other_lists,
    take_rows,
    without_rows,
)
from socialframe.redact import redacted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from socialframe.messages.call import Call, Reply

RECORDS_KEY = "socialframe records"  # no API uses this name

_BOM = b"\xef\xbb\xbf"
_LINE_START = b"{" + json.dumps(RECORDS_KEY).encode() + b":"
_EMPTY_ARRAY = re.compile(rb"\[\s*\]")
_TABLE = re.compile(rb"\[\s*\[")  # the rows are lists, whose names are in the envelope
_PLACEHOLDER = "\0records"  # replaces the records while the rest of the body is parsed
_PLACEHOLDER_JSON = json.dumps(_PLACEHOLDER).encode()
_MAX_BRACKETS = 4  # closing brackets that are tried, from the end, as the end of the records
_COUNT_WRAPPERS = {
    "meta", "metadata", "pagination", "paging", "pageinfo", "page", "data", "result", "response",
}  # fmt: skip
_COUNT_NAME = re.compile(r"total|count|(total|result)s?_?(rows|results|count|items)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """One reply, split into envelope and records. The records are not parsed."""

    call: Call
    reply: Reply
    envelope: Any  # the body, with an empty list in place of the records
    items: bytes  # JSON array of the records; further members may follow, see ``records``
    path: str  # dotted path of the records in the body

    @property
    def empty(self) -> bool:
        """Whether there are no records."""
        return _EMPTY_ARRAY.match(self.items) is not None

    @property
    def count(self) -> int:
        """Number of records. Counting parses them."""
        return 0 if self.empty else len(self.records())

    @property
    def whole_envelope(self) -> Any:  # noqa: ANN401 - JSON is any value
        """The envelope of an empty page, with the members after the records."""
        # Other lists after the records may hide members of the envelope; see ``records``.
        if _EMPTY_ARRAY.fullmatch(self.items) is not None:
            return self.envelope
        return without_rows(parse(self.reply.body), self.path)

    def records(self, *, exact: bool = False) -> list[Any]:
        """Return the records as Python values; integers are exact.

        With ``exact``, a number that no double can represent is an ``InexactNumber``.
        """
        return self.records_and_rest(exact=exact)[0]

    def records_and_rest(self, *, exact: bool = False) -> tuple[list[Any], Any]:
        """Return the records, and the members of the envelope that were parsed with them."""
        # If another list follows the records in the body, items may extend to its end. Then the
        # object has further members.
        try:
            rest = parse(to_json_lines([self]), exact=exact)
            found = rest.pop(RECORDS_KEY)
        except ReplyError:
            body = parse(self.reply.body, exact=exact)
            found, rest = get_path(body, self.path), without_rows(body, self.path)
        if not isinstance(found, list):
            raise ReplyError(_missing_list(self.call, self.path, found))
        return found, rest


def to_json_lines(pages: Iterable[Page]) -> bytes:
    """Return one JSON object a page, whose only member is the list of its records."""
    return b"".join(part for page in pages for part in (_LINE_START, page.items, b"}\n"))


class InexactNumber(str):
    """The text of a number that no double can represent, such as ``NaN`` or ``1e400``."""

    __slots__ = ()


def _exact_float(text: str) -> float | InexactNumber:
    value = float(text)
    return value if math.isfinite(value) else InexactNumber(text)


def parse(body: bytes, *, exact: bool = False) -> Any:  # noqa: ANN401 - JSON is any value
    """Parse a JSON text in UTF-8; raise ReplyError if it is invalid."""
    hooks: dict[str, Any] = (
        {"parse_constant": InexactNumber, "parse_float": _exact_float} if exact else {}
    )
    try:
        return json.loads(body.removeprefix(_BOM).decode(), **hooks)
    except RecursionError:
        raise ReplyError("The reply is nested too deeply to be parsed.") from None
    except ValueError as error:  # not JSON, not UTF-8, or an integer of thousands of digits
        shown = redacted(body[:200].decode("utf-8", "replace"))[:60]
        raise ReplyError(f"The reply is not JSON ({error}); it begins {shown!r}.") from None


def split_reply(
    call: Call, reply: Reply, path: str | None, *, fields: tuple[str, ...] = (), first: bool = True
) -> Page:
    """Split a reply into its envelope and its records.

    Parameters
    ----------
    call, reply : Call, Reply
        Request and reply.
    path : str or None
        Path of the records, as ``row_shape`` describes it; empty if the body is the list; None to
        find them by names and shape.
    fields : tuple of str
        Paths that the paging scheme reads; an empty path means the whole envelope. If one of
        them seems to be missing, the whole body is parsed to make sure.
    first : bool
        Whether this is the first page. On a later page a missing list means no records.

    Raises
    ------
    ReplyError
        If the body is not JSON, or has no such list.
    APIError
        If the body states an error and has no records.
    """
    page = _split(call, reply, path, fields, first=first)
    if page.empty:
        refuse_stated_error(call, reply, without_rows(page.whole_envelope, page.path), weak=True)
    return page


def _split(  # noqa: C901 - the ways of a reply, from the usual to the odd one
    call: Call, reply: Reply, path: str | None, fields: tuple[str, ...], *, first: bool
) -> Page:
    body = reply.body.removeprefix(_BOM)
    if path is not None and path[-1:] not in {"", ".", "*"}:
        for envelope, start, stop in _splits(body, path):
            if _TABLE.match(body, start):
                break
            if all(field and has_path(envelope, field) for field in fields):
                return Page(call, reply, envelope, body[start:stop], path)
    envelope = parse(body)
    if path is None:
        path = _find(call, reply, envelope)
    records, emptied = take_rows(call, envelope, path)
    if records is None:
        if _may_lack_records(call, envelope, path, first=first):
            return Page(call, reply, envelope, b"[]", path)
        refuse_stated_error(call, reply, envelope, weak=True)
        raise ReplyError(_missing_list(call, path, envelope))
    if records is envelope:
        refuse_error_list(call, reply, records)
        return Page(call, reply, {}, body.strip(), path)
    if records is get_path(envelope, path):
        for split, start, stop in _splits(body, path):
            if split == emptied:
                return Page(call, reply, emptied, body[start:stop], path)
    items = json.dumps(records, separators=(",", ":")).encode() if records else b"[]"
    return Page(call, reply, emptied, items, path)


def _find(call: Call, reply: Reply, body: object) -> str:
    """Return the path of the rows; raise the error that the body states instead of rows."""
    try:
        path = find_rows(call, body)
    except ReplyError:
        refuse_stated_error(call, reply, body)
        raise
    if path.endswith("."):
        row = get_path(body, path.rstrip("."))
        hint = f" (If this object is a row, pass records={path!r}.)"
        refuse_stated_error(call, reply, body, weak=False, row=row, hint=hint)
    return path


def _may_lack_records(call: Call, envelope: object, path: str, *, first: bool) -> bool:
    if envelope is None:
        return not path
    if not isinstance(envelope, dict) or is_only_error(get_path(envelope, path.rstrip(".*"))):
        return False
    if other_lists(call, envelope, path):
        return False  # it may have the rows
    if has_path(envelope, path):
        return get_path(envelope, path) is None
    return not first or reports_zero_rows(envelope) or _is_table(envelope)


def _is_table(envelope: dict[str, Any]) -> bool:
    return any(plain_name(name) in TABLE_HEADERS for name in envelope)


@cache
def _array_start(path: str) -> re.Pattern[bytes]:
    name = json.dumps(path.rpartition(".")[2]).encode()
    return re.compile(re.escape(name) + rb"\s*:\s*(?=\[)")


def _splits(body: bytes, path: str) -> Iterator[tuple[Any, int, int]]:
    """Yield envelope, start and end of the records for each split whose envelope is valid JSON.

    The text before an opening bracket and after a closing bracket is parsed with a placeholder
    between them. If it is valid and has the placeholder at the path, both brackets are at the
    depth of the records: quotes in strings are escaped, so neither part starts or ends in a
    string. It does not prove that only one array is between the brackets. So the shortest split
    comes first, and readers of the records expect that more may follow.
    """
    for opening in list(_array_start(path).finditer(body, 0, 4096))[:2]:
        start, closing, found = opening.end(), len(body), []
        for _ in range(_MAX_BRACKETS):
            closing = body.rfind(b"]", start, closing)
            if closing < 0:
                break
            try:
                envelope = json.loads(body[:start] + _PLACEHOLDER_JSON + body[closing + 1 :])
            except (ValueError, RecursionError):
                continue
            if get_path(envelope, path) == _PLACEHOLDER:
                found.append((_without_records(envelope, path), start, closing + 1))
        yield from reversed(found)


def _without_records(envelope: dict[str, Any], path: str) -> dict[str, Any]:
    parent, _, last = path.rpartition(".")
    get_path(envelope, parent)[last] = []
    return envelope


def reports_zero_rows(envelope: object) -> bool:
    """Whether the total or count of the rows in the envelope is 0."""
    if not isinstance(envelope, dict):
        return False
    wrapped = (name for name in envelope if plain_name(name) in _COUNT_WRAPPERS)
    inner = [envelope[name] for name in wrapped if isinstance(envelope[name], dict)]
    return any(
        _COUNT_NAME.fullmatch(name) is not None and value == 0 and not isinstance(value, bool)
        for members in (envelope, *inner)
        for name, value in members.items()
    )


def _missing_list(call: Call, path: str, body: object) -> str:
    if isinstance(body, dict):
        names = ", ".join(repr(name) for name in list(body)[:20]) or "no keys"
        what = f"it has {names}"
    else:
        what = f"its body is a {'list' if isinstance(body, list) else type(body).__name__}"
    where = f"list {path!r}" if path else "list as its body"
    return f"The reply to GET {call.path} has no {where}; {what}."
