"""Faults as values, and which requests they hit.

`plan` counts them, `apply` changes responses, `connection` plays those of the connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, fields
from fnmatch import fnmatchcase
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

from socialframe.errors import ArgumentError

Stage = Literal["front", "key", "world", "list", "body", "wire"]
Numbers: TypeAlias = int | Iterable[int] | None

STATUSES = (429, 500, 502, 503, 504)


class Kind(NamedTuple):
    """One kind of fault: its stage, what happens, its options, and the paging that it needs."""

    stage: Stage
    says: str
    options: Mapping[str, Any] = MappingProxyType({})
    needs: Callable[[str, str], bool] | None = None


_ROWS = {"rows": 1}


def _leads_on(family: str, sign: str) -> bool:
    """Return whether responses name the next page."""
    return family in {"cursor", "next_url", "link"} or sign == "next_page"


#: Every kind of fault. Faults in front of the API do not count against the rate limit; others do.
KINDS: dict[str, Kind] = {
    "status": Kind(
        "front",
        "Responds with this status. seconds is its Retry-After; a 429 always has one.",
        {"status": 503, "body": "json", "seconds": None},
    ),
    "html": Kind("front", "Responds with an HTML page and status 200."),
    "redirect": Kind(
        "front", "Redirects to another host with a 302.", {"host": "elsewhere.invalid"}
    ),
    "revoke": Kind("key", "The key is invalid from now on."),
    "insert": Kind(
        "world", "Adds new rows at the start of the list, right before it is read.", _ROWS
    ),
    "delete": Kind(
        "world", "Deletes the last rows before this page, right before it is read.", _ROWS
    ),
    "edit": Kind("world", "Edits the last rows before this page, right before it is read.", _ROWS),
    "expire": Kind(
        "list", "Refuses the cursor as expired: 400.", needs=lambda family, _: family == "cursor"
    ),
    "repeat": Kind("list", "Names this page as the next one.", needs=_leads_on),
    "back": Kind("list", "Names the previous page as the next one.", needs=_leads_on),
    "next_host": Kind(
        "list",
        "Names a next page on another host.",
        {"host": "elsewhere.invalid"},
        lambda family, _: family in {"next_url", "link"},
    ),
    "duplicate": Kind("list", "Repeats the first rows of the page at its end.", _ROWS),
    "total": Kind(
        "list",
        "The total is wrong by this many rows.",
        {"by": 7},
        lambda _, sign: sign in {"pages", "total"},
    ),
    "empty": Kind("body", "The body is empty."),
    "cut": Kind("body", "The body is half of its JSON, with a matching Content-Length."),
    "utf8": Kind("body", "A string in the body is not UTF-8."),
    "date": Kind("body", "The Date header is wrong by this many seconds.", {"by": 3600}),
    "refuse": Kind(
        "wire", "The server goes down and refuses connections for this long.", {"seconds": 1.0}
    ),
    "reset_before": Kind("wire", "Resets the connection before any byte."),
    "reset_mid_headers": Kind("wire", "Resets the connection within the headers."),
    "reset_after_headers": Kind("wire", "Resets the connection right after the headers."),
    "reset_mid_body": Kind("wire", "Resets the connection within the body."),
    "stall_before": Kind(
        "wire", "Sends nothing for this long, then the response.", {"seconds": 30.0}
    ),
    "stall_mid_body": Kind(
        "wire", "Sends half of the response, and the rest after this long.", {"seconds": 30.0}
    ),
    "truncate": Kind(
        "wire",
        "The body ends early. Content-Length is the full length (right) or the "
        "sent length (short). With long, the full body is sent and Content-Length "
        "is larger.",
        {"length": "right"},
    ),
}


@dataclass(frozen=True, slots=True, repr=False)
class Fault:
    """A fault and the requests that it hits; by default every request.

    Parameters
    ----------
    kind
        One of `KINDS`.
    at
        Numbers of requests: one, several, or a range. The first request after the faults are set is
        1. HTML pages have no number; only a fault with their ``path`` hits them.
    page
        Numbers of pages of a list, in any paging family.
    path
        A path, or a pattern with ``*``.
    share
        The share of requests that are hit, chosen by the sandbox's seed and the request number.
    times
        Maximum number of hits.
    status, body, seconds, host, by, length, rows
        Options of the kind, as in `KINDS`; None is the default. ``body`` is ``"json"``, ``"html"``
        or None for no body.

    Raises
    ------
    ArgumentError
        If it is invalid.

    Examples
    --------
    >>> Fault("status", status=502, body=None, at=3)
    Fault('status:502,body=none@3')
    """

    kind: str
    _: KW_ONLY
    at: Numbers = None
    page: Numbers = None
    path: str | None = None
    share: float | None = None
    times: int | None = None
    status: int | None = None
    body: str | None = "json"
    seconds: float | None = None
    host: str | None = None
    by: int | None = None
    length: str | None = None
    rows: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in tuple(KINDS):
            raise ArgumentError(f"Unknown fault {self.kind!r}; the kinds are {', '.join(KINDS)}.")
        takes = KINDS[self.kind].options
        for name in self._given():
            if name not in (*takes, *_WHERE):
                others = " and ".join(takes) or "no option"
                raise ArgumentError(f"The fault {self.kind!r} takes {others}, not {name!r}.")
            value = getattr(self, name)
            allowed, says = _CHECKS[name]
            if not allowed(value):
                raise ArgumentError(f"{name} of a fault must be {says}; got {value!r}.")
        for name in ("at", "page"):
            # One form, so that equal faults are equal; a long range stays a range.
            value = getattr(self, name)
            if value is not None and not isinstance(value, range):
                numbers = (value,) if isinstance(value, int) else tuple(sorted(set(value)))
                object.__setattr__(self, name, numbers)

    def __repr__(self) -> str:
        return f"Fault({str(self)!r})"

    def __str__(self) -> str:
        given, takes = self._given(), tuple(KINDS[self.kind].options)

        def write(names: tuple[str, ...], unnamed: str) -> list[str]:
            return [
                ("" if name == unnamed else f"{name}=") + _write_value(getattr(self, name))
                for name in names
                if name in given
            ]

        options = ",".join(write(takes, takes[0])) if takes else ""
        what = f"{self.kind}:{options}" if options else self.kind
        return "@".join([what, *write(_WHERE, "at")])

    @property
    def stage(self) -> Stage:
        return KINDS[self.kind].stage

    def _given(self) -> tuple[str, ...]:
        return tuple(name for name in _CHECKS if getattr(self, name) != _DEFAULTS[name])

    def option(self, name: str) -> Any:  # noqa: ANN401 - each is of its own type
        """Return an option, or the kind's default."""
        value = getattr(self, name)
        return KINDS[self.kind].options[name] if value == _DEFAULTS[name] else value

    def chosen(self, index: int, number: int, path: str, seed: int) -> bool:
        """Return whether it hits a request, before its page is checked."""
        return (
            is_in(self.at, number)
            and (self.path is None or fnmatchcase(path, self.path))
            and (self.share is None or _hash_to_unit(f"{seed}/{index}/{number}") < self.share)
        )


def is_in(numbers: Numbers, number: int) -> bool:
    """Return whether a number is one of these; None means all."""
    return numbers is None or (isinstance(numbers, Container) and number in numbers)


_DEFAULTS = {one.name: one.default for one in fields(Fault)}
_WHERE = ("at", "page", "path", "share", "times")


def _hash_to_unit(text: str) -> float:
    """Return a number from 0 to 1 that depends on the text alone."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) / 2**64


def _whole(least: int, top: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and least <= value <= top


def _numbers(value: object) -> bool:
    if isinstance(value, range):
        return bool(value) and value.step == 1 and value.start > 0
    several = value if isinstance(value, tuple | list | set | frozenset) else (value,)
    return bool(several) and all(type(one) is int and one > 0 for one in several)


def _is_host(text: str) -> bool:
    found = re.fullmatch(_HOST, text)
    return found is not None and int(found[1] or 0) <= 65535  # noqa: PLR2004 - the last port


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_MANY = (_numbers, "an integer from 1, several of them, or a range")
_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "at": _MANY,
    "page": _MANY,
    "path": (
        lambda value: isinstance(value, str) and re.fullmatch(r"/[^@\s]*", value) is not None,
        "a path that starts with / and has no @",
    ),
    "share": (lambda value: _number(value) and 0 < value <= 1, "a number above 0 and up to 1"),
    "times": (_whole(1, 10**9), "an integer from 1"),
    "status": (lambda value: value in STATUSES, "429, 500, 502, 503 or 504"),
    "body": (lambda value: value in ("html", None), "'json', 'html' or None"),
    "seconds": (lambda value: _number(value) and 0 <= value <= _DAY, "seconds, up to a day"),
    "host": (
        lambda value: isinstance(value, str) and _is_host(value),
        "a host such as elsewhere.invalid or 127.0.0.1:8080",
    ),
    "by": (lambda value: _whole(-(10**9), 10**9)(value) and value != 0, "an integer other than 0"),
    "length": (lambda value: value in ("right", "short", "long"), "'right', 'short' or 'long'"),
    "rows": (_whole(1, 100), "an integer from 1 to 100"),
}
_DAY = 86_400
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::([0-9]{1,5}))?"


def _write_value(value: object) -> str:
    if isinstance(value, range):
        return f"{value.start}-{value.stop - 1}"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)


def parse_fault(text: str) -> Fault:
    """Parse a fault from a command line: ``kind:options@where@where``.

    =============================== ==========================================================
    ``html``                        a kind of `KINDS`, at every request
    ``status:502``                  with its first option
    ``status:502,body=none``        with other options by name, after a comma
    ``html@3`` ``html@3,7``         at these requests
    ``html@3-9``                    at a range of them
    ``html@page=2``                 also ``path=``, ``share=`` and ``times=``
    ``html@path=/v1/posts@times=2`` if all conditions hold
    =============================== ==========================================================

    Raises
    ------
    ArgumentError
        If it is invalid.

    Examples
    --------
    >>> parse_fault("status:503@3") == Fault("status", status=503, at=3)
    True
    """
    what, *where = text.split("@")
    kind, colon, options = what.partition(":")
    first = next(iter(KINDS[kind].options), "") if kind in KINDS else ""
    given: dict[str, Any] = {}
    pairs = [(part, first) for part in options.split(",") if colon]
    for part, bare in (*pairs, *((part, "at") for part in where)):
        name, equals, value = part.partition("=")
        name, value = (name, value) if equals else (bare, name)
        if name not in _CHECKS or name in given:
            raise ArgumentError(f"A fault must be like status:503@3; got {part!r} in {text!r}.")
        given[name] = _READ[name](value)
    return Fault(kind, **given)


def _read_number(text: str) -> object:
    try:
        return int(text) if re.fullmatch("-?[0-9]{1,12}", text) else float(text)
    except ValueError:
        return text  # not a number: Fault refuses it


def _read_numbers(text: str) -> object:
    low, dash, high = text.partition("-")
    if dash and low.isdecimal() and high.isdecimal() and len(text) < 20:  # noqa: PLR2004 - sane
        return range(int(low), int(high) + 1)
    return tuple(map(_read_number, text.split(",")))


_READ: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("at", "page"), _read_numbers),
    **dict.fromkeys(("share", "times", "status", "seconds", "by", "rows"), _read_number),
    **dict.fromkeys(("path", "host", "length"), str),
    "body": lambda text: None if text == "none" else text,
}
