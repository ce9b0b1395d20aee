"""Requests and replies as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

Value = str | int | float | bool | None
Params = Mapping[str, "Value | list[Value] | tuple[Value, ...]"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request: a path with parameters, or the URL of the next page that a reply gave.

    Examples
    --------
    >>> Call("/v1/posts", (("page", "1"),)).with_param("page", 2)
    Call(path='/v1/posts', params=(('page', '2'),), url='')
    """

    path: str
    params: tuple[tuple[str, str], ...] = ()
    url: str = ""  # replaces path and params if it is set
    method: str = field(default="GET", repr=False)
    body: bytes = field(default=b"", repr=False)  # JSON, or empty

    @classmethod
    def of(cls, path: str, params: Params) -> Self:
        """Return a call with the parameters as text: None is left out, a list is repeated."""
        pairs = (
            (name, _text(one))
            for name, value in params.items()
            for one in (value if isinstance(value, list | tuple) else [value])
            if one is not None
        )
        return cls(path, tuple(pairs))

    def param(self, name: str) -> str | None:
        """Return the value of a parameter, None if the call does not send it."""
        return dict(self.params).get(name)

    def with_param(self, name: str, value: str | int) -> Self:
        """Return the same call with one parameter set; a parameter keeps its position."""
        pairs = [(k, v) for k, v in self.params if k != name]
        place = next((i for i, (k, _) in enumerate(self.params) if k == name), len(pairs))
        return replace(self, params=(*pairs[:place], (name, _text(value)), *pairs[place:]))


@dataclass(frozen=True, slots=True, repr=False)
class SecretCall(Call):
    """A call with secret parameters or a secret body: its repr has the path only.

    The cache does not store it.
    """

    def __repr__(self) -> str:
        return f"<{self.method} {self.path}>"


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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
