"""The switches: how a sandbox decides what the documentation leaves open."""

# ruff: noqa: RUF009 - _switch returns a field

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from socialframe.errors import ArgumentError
from socialframe.sandbox.api.oauth_state import is_redirect_url
from socialframe.sandbox.paging.families import PAGINGS, end_sign_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from socialframe.sandbox.api.request import EndSign, PagingFamily

RetryAfter = Literal["seconds", "date", "absent"]
Window = Literal["sliding", "fixed", "bucket"]
Timestamps = Literal["Z", "offset", "millis", "micros", "naive", "space", "mixed"]

_SHORTEST = 1e-6  # seconds of a window
_LONGEST = 86_400  # seconds of any switch
MOST_AT_ONCE = 100_000
"""Maximum number of posts in one response."""

LISTS = ("posts", "analytics")
"""The list endpoints that are paged, by the last part of their path."""


def _switch(says: str, *choices: object, default: object) -> Any:  # noqa: ANN401 - of any type
    return field(default=default, metadata={"help": says, "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """How a sandbox decides what the documentation leaves open."""

    paging: PagingFamily | Mapping[str, PagingFamily] = _switch(
        "How lists are paged.", *PAGINGS, default="page"
    )
    end_sign: EndSign | Mapping[str, EndSign] | None = _switch(
        "How lists mark the last page; by default the first in the table.", default=None
    )
    page_cap: int | None = _switch("Maximum number of rows on a page.", default=None)
    create_status: Literal[200, 201] = _switch("Status of a created post.", 200, 201, default=201)
    delete_status: Literal[200, 204] = _switch("Status of a deletion.", 200, 204, default=200)
    retry_after: RetryAfter = _switch(
        "Retry-After of a 429.", *get_args(RetryAfter), default="seconds"
    )
    window: Window = _switch("How requests are counted.", *get_args(Window), default="sliding")
    window_seconds: float = _switch("Seconds over which requests are counted.", default=60.0)
    rate_limit_headers: bool = _switch("Send X-RateLimit-* headers.", default=False)
    extra_fields: bool = _switch("Add undocumented fields.", default=False)
    unknown_values: bool = _switch("Use undocumented values.", default=False)
    big_ids: bool = _switch("Post ids are numbers above 2^53.", default=False)
    timestamps: Timestamps = _switch(
        "How timestamps are written.", *get_args(Timestamps), default="Z"
    )
    gzip: bool = _switch("Compress bodies for clients that accept it.", default=False)
    etag: bool = _switch("Send ETags, and 304 where If-None-Match has one.", default=False)
    cache_control: str | None = _switch("Cache-Control of every response of the API.", default=None)
    latency: float = _switch("Delay of every response in seconds.", default=0.0)
    jitter: float = _switch("Maximum random extra delay in seconds.", default=0.0)
    slow_first: float = _switch("Extra delay of the first response in seconds.", default=0.0)
    long_tail: float = _switch("Extra delay of one response in fifty, in seconds.", default=0.0)
    echo_state: bool = _switch("The callback carries state after Allow.", default=True)
    only_redirect: str | None = _switch("The one redirect URL that is registered.", default=None)
    deny_state: bool = _switch("The callback carries state after Deny.", default=True)
    exchange_seconds: float = _switch("Delay of the exchange of a code in seconds.", default=0.0)
    exchange_fails: bool = _switch("The exchange of a code fails.", default=False)
    page_selection: bool = _switch("Facebook asks for a Page.", default=False)

    def __post_init__(self) -> None:
        for name in LISTS:
            self.end_sign_for(name)
        for one in fields(self):
            if one.name not in {"paging", "end_sign"}:
                _check(one, getattr(self, one.name))

    def paging_for(self, name: str) -> PagingFamily:
        family: PagingFamily = _for(self.paging, name, "page")
        return family

    def end_sign_for(self, name: str) -> EndSign:
        return end_sign_of(self.paging_for(name), _for(self.end_sign, name, None))

    def check_size(self, posts: int) -> None:
        """Raise ArgumentError if one response would hold too many posts."""
        at_once = "none" in {self.paging_for(name) for name in LISTS}
        if at_once and posts > MOST_AT_ONCE:
            raise ArgumentError(
                "paging='none' sends all posts in one response, so posts must be at most "
                f"{MOST_AT_ONCE:,}; got {posts!r}."
            )

    def changed(self) -> dict[str, Any]:
        """Return the switches that differ from their defaults, by name."""
        return {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if getattr(self, one.name) != one.default
        }


Switches.__doc__ = (
    f"{Switches.__doc__}\n\nParameters\n----------\n"
    + "".join(f"{one.name}\n    {one.metadata['help']}\n" for one in fields(Switches))
    + "\nRaises\n------\nArgumentError\n    If a value is invalid.\n"
)


def make_switches(choices: dict[str, Any]) -> Switches:
    """Return the switches of these keyword arguments, or raise ArgumentError."""
    if unknown := set(choices) - set(Switches.__dataclass_fields__):
        names = ", ".join(Switches.__dataclass_fields__)
        raise ArgumentError(f"Unknown switch {unknown.pop()!r}; the switches are {names}.")
    return Switches(**choices)


def _check(one: Field[Any], value: object) -> None:
    default: object = one.default
    kind, choices = type(default), one.metadata["choices"]
    if choices:
        *others, last = map(repr, choices)
        wanted, valid = f"{', '.join(others)} or {last}", value in choices
    elif kind is bool:
        wanted, valid = "True or False", isinstance(value, bool)
    elif kind is float:
        least = _SHORTEST if one.name == "window_seconds" else 0
        wanted, valid = f"a number of seconds from {least:g}", _is_seconds(value, least)
    elif value is None:
        return
    elif one.name == "page_cap":
        wanted, valid = "an integer from 1", type(value) is int and value >= 1
    elif one.name == "cache_control":
        wanted = "ASCII text in one line"
        valid = isinstance(value, str) and value.isascii() and value.isprintable()
    else:
        wanted = "a URL such as http://localhost:8000/callback"
        valid = isinstance(value, str) and is_redirect_url(value)
    if not valid:
        raise ArgumentError(f"{one.name} must be {wanted}; got {value!r}.")


def _is_seconds(value: object, least: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and least <= value <= _LONGEST  # type: ignore[operator]  # a number


def _for(choice: object, name: str, default: object) -> Any:  # noqa: ANN401 - of either switch
    if not isinstance(choice, dict):
        return choice
    if unknown := set(choice) - set(LISTS):
        raise ArgumentError(f"A list must be {' or '.join(LISTS)}; got {unknown.pop()!r}.")
    return choice.get(name, default)
