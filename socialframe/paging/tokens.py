"""Finds the parameters that may send the token of a reply back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from socialframe.paging.end_signs import Step
from socialframe.paging.schemes import Cursor, PageNumber, Scheme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from socialframe.messages.call import Call
    from socialframe.messages.envelope import Page
    from socialframe.paging.end_signs import Rows
    from socialframe.paging.hints import Hints
    from socialframe.paging.schemes import Paging

# By the name of a token, in lower case and without separators: the parameters in their order.
# "=" is the token's own name, "-" the name without "next".
_PAIRS = {
    "endcursor": ("after", "="),
    "aftercursor": ("after", "page[after]", "="),
    "nextcursor": ("=", "-", "start_cursor"),
    "nextpagetoken": ("-", "="),
    "nexttoken": ("=", "-", "pagination_token"),
    "nextmaxid": ("-", "="),
    "nextoffset": ("-", "="),
    "nextmarker": ("-", "="),
    "nextcursormark": ("-", "="),
    "nextcontinuation": ("-", "="),
    "continuation": ("=", "continuationToken"),
    "continuationtoken": ("=", "continuation"),
    "next": ("=", "cursor"),
}
_NEXT = re.compile(r"next[_-]?", re.IGNORECASE)
_GRAPHQL_AFTER = re.compile(r"\bafter\s*:\s*\$(\w+)")


@dataclass(frozen=True, slots=True)
class Assumed(Scheme):
    """A scheme that no field of the reply confirms: it acts as ``scheme`` does."""

    scheme: Paging
    doubt: str = ""
    hint: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        return self.scheme.fields

    @property
    def total(self) -> str | None:
        return self.scheme.total

    @property
    def name(self) -> str:
        return self.scheme.name

    @property
    def counter(self) -> str:
        return self.scheme.counter

    def first(self, call: Call) -> Call:
        return self.scheme.first(call)

    def next(self, page: Page, rows: Rows) -> Step:
        return self.scheme.next(page, rows)

    def requests_needed(self, page: Page, *, guessed: bool = False) -> int | None:
        return self.scheme.requests_needed(page, guessed=guessed)


@dataclass(frozen=True, slots=True)
class UnknownPaging(Scheme):
    """The reply does not mention other pages, or no scheme that was tried returned new rows."""

    doubt: str = ""
    hint: str = ""

    @property
    def name(self) -> str:
        return "unknown"

    def next(self, page: Page, rows: Rows) -> Step:  # noqa: ARG002 - one interface
        return Step(None)


def was_sent(call: Call, value: object) -> bool:
    """Return whether a call sends a token."""
    sent = {text for _, text in (*call.params, *call.headers)}
    return value is not None and (
        str(value) in sent or (bool(call.body) and json.dumps(value).encode() in call.body)
    )


def token_schemes(hints: Hints, sent: Call, param: str | None) -> tuple[Paging, ...]:
    """Return the schemes to try for the token of a reply; none if it has no token."""
    token = hints.token
    if token is None:
        return _header_schemes(hints)
    if param is not None:
        return (Cursor(field=token, param=param, more=hints.more),)
    if counted := _counted(hints, sent, token):
        return (counted,)
    params = _params(sent, _last_name(token))
    if not params and hints.value(hints.more) is False:  # it is the only page
        params = (_last_name(token),)
    more = f", more={hints.more!r}" if hints.more else ""
    names = " and ".join(map(repr, params))
    guess = "are guesses" if len(params) > 1 else "is a guess"
    tried = f"was sent back as {names}, which {guess}" if params else "has no known parameter"
    hint = (
        f"The token at {token!r} {tried}; pass paging=Cursor(field={token!r}, param=…{more}) with "
        "the parameter of the API."
    )
    schemes = tuple(
        Assumed(Cursor(field=token, param=name, more=hints.more), hint=hint) for name in params
    )
    if len(schemes) == 1:
        return schemes
    return (*schemes, UnknownPaging("" if schemes else hint.rstrip("."), hint))


def _header_schemes(hints: Hints) -> tuple[Paging, ...]:
    """Return the schemes to try for a token in a header of the reply."""
    name = hints.header
    if not name:
        return ()
    hint = (
        f"The header {name!r} of the reply seems to lead to the next page; pass "
        f"paging=Cursor(header={name!r}, param=…) or request_header=… with the name of the API."
    )
    if name == "x-next-page":
        return (Assumed(Cursor(header=name, param="page"), hint=hint),)
    param = re.sub(r"^x-|next-|-", lambda found: "_" if found[0] == "-" else "", name)
    spelt = "-".join(part.upper() if len(part) < 4 else part.title() for part in name.split("-"))  # noqa: PLR2004 - CMR, X
    tries = (Cursor(header=name, request_header=spelt), Cursor(header=name, param=param))
    return (*(Assumed(scheme, hint=hint) for scheme in tries), UnknownPaging(hint=hint))


def _counted(hints: Hints, sent: Call, token: str) -> Paging | None:
    """Return the scheme of a number that is the next page or the next offset."""
    value = hints.value(token)
    if not isinstance(value, int):
        return None
    page = hints.value(hints.page)
    if hints.page and value == page + 1:
        name = _last_name(hints.page)
        return PageNumber(param=name, start=min(1, page), next_page=token)
    name = _last_name(hints.offset) if hints.offset else "offset"
    asked = sent.param(name) or ""
    skipped = (
        hints.value(hints.offset) if hints.offset else int(asked) if asked.isdecimal() else None
    )
    if skipped is not None and value == skipped + hints.rows:
        return Cursor(field=token, param=name, more=hints.more)
    return None


def _params(sent: Call, name: str) -> tuple[str, ...]:
    """Return the parameters that may send a token back, the usual one first."""
    plain = name.replace("_", "").replace("-", "").lower()
    short = _NEXT.sub("", name, count=1) if plain.startswith("next") else name
    short = short[:1].lower() + short[1:] if name[:1].islower() else short
    spelt = {"=": name, "-": short}
    names = tuple(dict.fromkeys(spelt.get(one, one) for one in _PAIRS.get(plain, ("=",))))
    if sent.body:
        return _body_params(json.loads(sent.body), names)
    return tuple(sorted(names, key=lambda one: sent.param(one) is None))


def _body_params(body: Any, names: tuple[str, ...]) -> tuple[str, ...]:  # noqa: ANN401 - JSON
    """Return the dotted paths in a JSON body that may send a token back."""
    query = body.get("query") if isinstance(body, dict) else None
    if isinstance(query, str):  # GraphQL: the variable that its text passes as ``after``
        variables = set(_GRAPHQL_AFTER.findall(query))
        if len(variables) == 1:
            return (f"variables.{variables.pop()}",)
        held = body.get("variables")
        return ("variables.after",) if isinstance(held, dict) and "after" in held else ()
    own = tuple(path for path in _paths(body) if _last_name(path) in names)
    return own or (names if isinstance(body, dict) else ())


def _paths(value: object, path: str = "") -> Iterator[str]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield f"{path}{name}"
        yield from _paths(inner, f"{path}{name}.")


def _last_name(path: str) -> str:
    return path.rpartition(".")[2]
