"""Requests and replies as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

from socialframe.errors import ArgumentError
from socialframe.messages.param_text import param_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

Params = Mapping[str, object]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One request: a path with parameters, or the URL of the next page that a reply gave.

    Examples
    --------
    >>> Call("/v1/posts", (("page", "1"),)).with_param("page", 2)
    Call(path='/v1/posts', params=(('page', '2'),), url='')
    """

    path: str
    params: Pairs = ()
    url: str = ""  # replaces path and params if it is set
    method: str = field(default="GET", repr=False)
    body: bytes = field(default=b"", repr=False)  # JSON, or empty
    headers: Pairs = field(default=(), repr=False)  # in addition to those of every request
    reads: bool = field(default=False, repr=False, compare=False)  # a POST that may be repeated
    own: Pairs | None = field(default=None, repr=False, compare=False)  # before ``continued``

    @classmethod
    def of(cls, path: str, params: Params) -> Self:
        """Return a call with the parameters as text: None is left out, a list is repeated."""
        pairs = (
            (name, param_text(name, one))
            for name, value in params.items()
            for one in _each(value)
            if one is not None
        )
        return cls(path, tuple(pairs))

    def param(self, name: str) -> str | None:
        """Return the value of a parameter, None if the call does not send it.

        In a call with a JSON body, a name that is no parameter is a dotted path in the body.
        """
        found = dict(self.params).get(name)
        if found is None and self.body:
            value = _get(json.loads(self.body), name)
            found = None if value is None or isinstance(value, dict | list) else _text(value)
        return found

    def with_param(self, name: str, value: str | int) -> Self:
        """Return the same call with one parameter set; a parameter keeps its position.

        In a call with a JSON body, a name that is no parameter is a dotted path in the body.
        """
        if self.body and name not in dict(self.params):
            body = _with_value(json.loads(self.body), name, value)
            return replace(self, body=to_json_body(body))
        pairs = [(k, v) for k, v in self.params if k != name]
        place = next((i for i, (k, _) in enumerate(self.params) if k == name), len(pairs))
        return replace(self, params=(*pairs[:place], (name, _text(value)), *pairs[place:]))

    def with_header(self, name: str, value: str) -> Self:
        """Return the same call with one header set."""
        others = (pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=(*others, (name, value)))

    def continued(self, given: Mapping[str, str | int]) -> Self:
        """Return the caller's own call with these parameters, without those of the page before."""
        own = self.params if self.own is None else self.own
        call = replace(self, params=own, own=own)
        for name, value in given.items():
            call = call.with_param(name, value)
        return call


@dataclass(frozen=True, slots=True, repr=False)
class SecretCall(Call):
    """A call with secret parameters or a secret body: its repr has the path only.

    The cache does not store it.
    """

    def __repr__(self) -> str:
        return f"<{self.method} {self.path}>"


def to_json_body(body: object) -> bytes:
    """Return a JSON body; raise ArgumentError if it is not made of JSON values."""
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ArgumentError(f"json must be made of JSON values: {error}.") from None


def _each(value: object) -> Sequence[object]:
    """Return the values of a repeated parameter; a list with objects or lists is JSON text."""
    if not isinstance(value, list | tuple):
        return (value,)
    nested = any(isinstance(one, Mapping | list | tuple) for one in value)
    return (value,) if nested else value


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _get(body: object, path: str) -> Any:  # noqa: ANN401 - JSON is any value
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def _with_value(body: object, path: str, value: str | int) -> dict[str, Any]:
    """Return an object with a value at a dotted path; null and missing objects are created."""
    name, _, rest = path.partition(".")
    if not isinstance(body, dict | None):
        raise ArgumentError(f"The JSON body has no object for {path!r}.")
    members: dict[str, Any] = body or {}
    return {**members, name: _with_value(members.get(name), rest, value) if rest else value}


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: status, headers (lower-case names), body, UTC time, requested URL."""

    status: int
    headers: dict[str, str]
    body: bytes
    at: datetime
    url: str = ""
    cached: bool = False  # no request was sent
    resumed: bool = False  # whether an earlier run of the walk stored it


class Send(Protocol):
    """Sends one call and returns the reply."""

    def __call__(self, call: Call, notify: Callable[[str], None] | None = None) -> Reply:
        """Send."""
