"""One thing asked and one answer, as plain values; and how an answer comes apart.

An answer is an *envelope* (totals, flags, cursors) around a list of *records*. Paging needs the
envelope at once; typing needs the bytes of the records, untouched. ``open_reply`` gives both
without parsing the records, which are all but a few hundred bytes of the answer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, Self

from socialframe.errors import ReplyError
from socialframe.secret import redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

Value = str | int | float | bool | None
Params = Mapping[str, "Value | list[Value] | tuple[Value, ...]"]

_BOM = b"\xef\xbb\xbf"
WRAPPER = "socialframe records"  # no API has a member of this name
_OPEN = b"{" + json.dumps(WRAPPER).encode() + b":"
_EMPTY = re.compile(rb"\[\s*\]")
_CUT = "\0records"  # what stands for the records while the rest is parsed
_CUT_JSON = json.dumps(_CUT).encode()
_DEPTH = 3  # how deep a list of records is looked for
_TRIES = 4  # how many closing brackets, from the end, may be looked at to find the records' own
_COUNTS = re.compile(r"total|count|(total|result)s?_?(rows|results|count|items)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """One thing asked: a path and its parameters, or the address that a reply gave.

    Examples
    --------
    >>> Call("/v1/posts", (("page", "1"),)).with_param("page", 2)
    Call(path='/v1/posts', params=(('page', '2'),), url='')
    """

    path: str
    params: tuple[tuple[str, str], ...] = ()
    url: str = ""  # whole address; where it is set, it is what is asked
    method: str = field(default="GET", repr=False)
    body: bytes = field(default=b"", repr=False)  # JSON, where there is one

    @classmethod
    def of(cls, path: str, params: Params) -> Self:
        """Return the call with the parameters that are not None, as text; lists are repeated."""
        pairs = (
            (name, _text(one))
            for name, value in params.items()
            for one in (value if isinstance(value, list | tuple) else [value])
            if one is not None
        )
        return cls(path, tuple(pairs))

    def param(self, name: str) -> str | None:
        """Return the value of a parameter, None where it is not sent."""
        return dict(self.params).get(name)

    def with_param(self, name: str, value: str | int) -> Self:
        """Return the same call with one parameter set, in its old place where it had one."""
        pairs = [(k, v) for k, v in self.params if k != name]
        place = next((i for i, (k, _) in enumerate(self.params) if k == name), len(pairs))
        return replace(self, params=(*pairs[:place], (name, _text(value)), *pairs[place:]))


@dataclass(frozen=True, slots=True, repr=False)
class Private(Call):
    """A call whose parameters and body are secrets: it shows its path alone, and no cache keeps it.

    Examples
    --------
    >>> Private("/v1/connect/tiktok", method="POST", body=b'{"code": "of nobody"}')
    <POST /v1/connect/tiktok>
    """

    def __repr__(self) -> str:
        return f"<{self.method} {self.path}>"


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: status, headers (lower-case names), body, the UTC moment, the address asked."""

    status: int
    headers: dict[str, str]
    body: bytes
    at: datetime
    url: str = ""
    cached: bool = False  # whether nothing was sent for it
    resumed: bool = False  # whether an earlier run of the walk stored it


class Send(Protocol):
    """One call in, one reply out."""

    def __call__(self, call: Call, notify: Callable[[str], None] | None = None) -> Reply:
        """Send."""


@dataclass(frozen=True, slots=True)
class Page:
    """One reply's worth of rows, not typed yet.

    Parameters
    ----------
    call : Call
        What was asked.
    reply : Reply
        What came.
    envelope : Any
        The body with its records replaced by an empty list.
    items : bytes
        The records: the text of a JSON array (see ``records`` for the one thing that may follow).
    path : str
        Where in the body the records stand, dotted.
    """

    call: Call
    reply: Reply
    envelope: Any
    items: bytes
    path: str

    @property
    def empty(self) -> bool:
        """Whether there are no records."""
        return _EMPTY.match(self.items) is not None

    @property
    def count(self) -> int:
        """How many records there are; they are parsed for it."""
        return 0 if self.empty else len(self.records())

    def records(self, *, exact: bool = False) -> list[Any]:
        """Return the records as Python values, integers exact.

        Parameters
        ----------
        exact : bool
            Return ``Unheld`` for what JSON or a double cannot hold (NaN, 1e400), not a float.

        Raises
        ------
        ReplyError
            If they are not valid JSON.
        """
        # Where a list stands behind the records in the body, the cut may have been too wide: then
        # further members follow, which this reading skips.
        try:
            found = parse(wrapped([self]), exact=exact)[WRAPPER]
        except ReplyError:
            found = value_at(parse(self.reply.body, exact=exact), self.path)
        if not isinstance(found, list):
            raise ReplyError(_not_found(self.call, self.path, found))
        return found


def wrapped(pages: Iterable[Page]) -> bytes:
    r"""Return JSON Lines, an object a page whose only member is the page's records.

    Examples
    --------
    >>> wrapped([Page(Call("/v1/posts"), None, {}, b"[1]", "posts")])
    b'{"socialframe records":[1]}\n'
    """
    return b"".join(part for page in pages for part in (_OPEN, page.items, b"}\n"))


class Unheld(str):
    """The spelling of a number that no double can hold, as ``NaN`` or ``1e400``."""

    __slots__ = ()


def _exact_float(text: str) -> float | Unheld:
    value = float(text)
    return value if math.isfinite(value) else Unheld(text)


def parse(body: bytes, *, exact: bool = False) -> Any:  # noqa: ANN401 - JSON is any value
    """Return the value of a JSON text in UTF-8.

    Raises
    ------
    ReplyError
        If it is not JSON, not UTF-8, or nested deeper than can be read.

    Examples
    --------
    >>> parse(b'{"total": 12345678901234567890}')
    {'total': 12345678901234567890}
    """
    hooks: dict[str, Any] = {"parse_constant": Unheld, "parse_float": _exact_float} if exact else {}
    try:
        return json.loads(body.removeprefix(_BOM).decode(), **hooks)
    except RecursionError:
        raise ReplyError("The reply is nested too deeply to be read.") from None
    except ValueError as error:  # not JSON, not UTF-8, or an integer of thousands of digits
        shown = redacted(body[:200].decode("utf-8", "replace"))[:60]
        raise ReplyError(f"The reply is not JSON ({error}); it begins {shown!r}.") from None


def value_at(body: Any, path: str) -> Any:  # noqa: ANN401 - JSON is any value
    """Return what stands at a dotted path, None where there is nothing.

    Examples
    --------
    >>> value_at({"pagination": {"pages": 3}}, "pagination.pages")
    3
    """
    for name in path.split(".") if path else ():
        if not isinstance(body, dict):
            return None
        body = body.get(name)
    return body


def open_reply(
    call: Call, reply: Reply, path: str | None, *, needs: tuple[str, ...] = (), first: bool = True
) -> Page:
    """Take an answer apart into its envelope and its records.

    Parameters
    ----------
    call, reply : Call, Reply
        What was asked and what came.
    path : str or None
        Where the records stand in the body, dotted; empty where the body itself is the list; None
        for the one list of objects in it.
    needs : tuple of str
        Paths that the paging reads; an empty path stands for all of the envelope. A reply that
        seems to lack one of them is parsed whole before that is believed.
    first : bool
        Whether it is the first page of its walk: on a later one an absent list means no rows.

    Returns
    -------
    Page

    Raises
    ------
    ReplyError
        If the body is not JSON, or the records are not found; it names the keys that are there.
    """
    body = reply.body.removeprefix(_BOM)
    if path:
        for envelope, start, stop in _cuts(body, path):
            if all(need and stands(envelope, need) for need in needs):
                return Page(call, reply, envelope, body[start:stop], path)
    envelope = parse(body)
    if path is None:
        path = records_path(call, envelope)
    records = value_at(envelope, path)
    told = isinstance(envelope, dict) and envelope.get("error") and records is None
    may_lack = isinstance(envelope, dict) and (not first or counts_none(envelope)) and not told
    if records is None and may_lack:
        return Page(call, reply, envelope, b"[]", path)
    if not isinstance(records, list):
        raise ReplyError(_not_found(call, path, envelope))
    if not path:
        return Page(call, reply, {}, body.strip(), path)
    envelope = _emptied(envelope, path)
    for cut, start, stop in _cuts(body, path):
        if cut == envelope:
            return Page(call, reply, envelope, body[start:stop], path)
    items = json.dumps(records, separators=(",", ":")).encode() if records else b"[]"
    return Page(call, reply, envelope, items, path)


def records_path(call: Call, body: object) -> str:
    """Return where the one list of objects in a body stands.

    Raises
    ------
    ReplyError
        If there is none, or more than one; it names the keys that are there.

    Examples
    --------
    >>> records_path(Call("/v1/x"), {"data": {"rows": [{"a": 1}]}, "total": 1})
    'data.rows'
    """
    if isinstance(body, list):
        return ""
    lists = list(_lists(body))
    own = [path for path, value in lists if path == call.path.rpartition("/")[2] and not value]
    if own:  # none of what was asked for, beside a list of something else
        return own[0]
    found = [path for path, value in lists if any(isinstance(entry, dict) for entry in value)]
    found = found or [path for path, _ in lists]
    if len(found) == 1:
        return found[0]
    names = ", ".join(repr(name) for name in body) if isinstance(body, dict) else "no keys"
    what = f"lists at {', '.join(map(repr, found))}" if found else "no list"
    raise ReplyError(
        f"The reply to GET {call.path} has {what}, so it is not plain where the records are; its "
        f"keys are {names}. Say records=… with the dotted path of the list."
    )


def _lists(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, list[Any]]]:
    if not isinstance(value, dict) or depth == _DEPTH:
        return
    for name, inner in value.items():
        if isinstance(inner, list) and "." not in name:
            yield f"{path}{name}", inner
        elif "." not in name:
            yield from _lists(inner, f"{path}{name}.", depth + 1)


def stands(envelope: object, path: str) -> bool:
    """Whether a path leads to a member, be it null.

    Examples
    --------
    >>> stands({"meta": {"next": None}}, "meta.next")
    True
    """
    parent, _, name = path.rpartition(".")
    holder = value_at(envelope, parent)
    return isinstance(holder, dict) and name in holder


@cache
def _opening(path: str) -> re.Pattern[bytes]:
    name = json.dumps(path.rpartition(".")[2]).encode()
    return re.compile(re.escape(name) + rb"\s*:\s*(?=\[)")


def _cuts(body: bytes, path: str) -> Iterator[tuple[Any, int, int]]:
    """Yield the ways to cut the records out such that the rest is JSON without them.

    In a valid body, a text before an opening and behind a closing bracket that parses around a mark
    proves that both brackets stand at the depth of the records: quotes inside of strings are
    escaped, so neither part can begin or end within one. What it cannot prove is that only one
    array lies between; so the shortest cut comes first, and readers know that more may follow.
    """
    for opening in list(_opening(path).finditer(body, 0, 4096))[:2]:
        start, closing, found = opening.end(), len(body), []
        for _ in range(_TRIES):
            closing = body.rfind(b"]", start, closing)
            if closing < 0:
                break
            try:
                envelope = json.loads(body[:start] + _CUT_JSON + body[closing + 1 :])
            except (ValueError, RecursionError):
                continue
            if value_at(envelope, path) == _CUT:
                found.append((_emptied(envelope, path), start, closing + 1))
        yield from reversed(found)


def _emptied(envelope: dict[str, Any], path: str) -> dict[str, Any]:
    parent, _, last = path.rpartition(".")
    value_at(envelope, parent)[last] = []
    return envelope


def counts_none(envelope: dict[str, Any]) -> bool:
    """Whether a reply counts no rows.

    Examples
    --------
    >>> counts_none({"meta": {"result_count": 0}})
    True
    """
    inner = [value for value in envelope.values() if isinstance(value, dict)]
    return any(
        _COUNTS.fullmatch(name) is not None and value == 0 and not isinstance(value, bool)
        for members in (envelope, *inner)
        for name, value in members.items()
    )


def _not_found(call: Call, path: str, body: object) -> str:
    if isinstance(body, dict):
        names = ", ".join(repr(name) for name in list(body)[:20]) or "no keys"
        what = f"it has {names}"
    else:
        what = f"its body is a {'list' if isinstance(body, list) else type(body).__name__}"
    where = f"list {path!r}" if path else "list as its body"
    return f"The reply to GET {call.path} has no {where}; {what}."
