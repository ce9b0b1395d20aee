"""The switches: how a sandbox decides what the documentation leaves open."""

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


def _help(says: str, *choices: object) -> dict[str, Any]:
    return {"help": says, "choices": choices}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """How a sandbox decides what the documentation leaves open."""

    paging: PagingFamily | Mapping[str, PagingFamily] = field(
        default="page", metadata=_help("How lists are paged.", *PAGINGS)
    )
    end_sign: EndSign | Mapping[str, EndSign] | None = field(
        default=None,
        metadata=_help("How lists mark the last page; by default the first in the table."),
    )
    page_cap: int | None = field(default=None, metadata=_help("Maximum number of rows on a page."))
    create_status: Literal[200, 201] = field(
        default=201, metadata=_help("Status of a created post.", 200, 201)
    )
    delete_status: Literal[200, 204] = field(
        default=200, metadata=_help("Status of a deletion.", 200, 204)
    )
    retry_after: RetryAfter = field(
        default="seconds", metadata=_help("Retry-After of a 429.", *get_args(RetryAfter))
    )
    window: Window = field(
        default="sliding", metadata=_help("How requests are counted.", *get_args(Window))
    )
    window_seconds: float = field(
        default=60.0, metadata=_help("Seconds over which requests are counted.")
    )
    rate_limit_headers: bool = field(default=False, metadata=_help("Send X-RateLimit-* headers."))
    extra_fields: bool = field(default=False, metadata=_help("Add undocumented fields."))
    unknown_values: bool = field(default=False, metadata=_help("Use undocumented values."))
    big_ids: bool = field(default=False, metadata=_help("Post ids are numbers above 2^53."))
    timestamps: Timestamps = field(
        default="Z", metadata=_help("How timestamps are written.", *get_args(Timestamps))
    )
    gzip: bool = field(default=False, metadata=_help("Compress bodies for clients that accept it."))
    etag: bool = field(
        default=False, metadata=_help("Send ETags, and 304 where If-None-Match has one.")
    )
    cache_control: str | None = field(
        default=None, metadata=_help("Cache-Control of every response of the API.")
    )
    latency: float = field(default=0.0, metadata=_help("Delay of every response in seconds."))
    jitter: float = field(default=0.0, metadata=_help("Maximum random extra delay in seconds."))
    slow_first: float = field(
        default=0.0, metadata=_help("Extra delay of the first response in seconds.")
    )
    long_tail: float = field(
        default=0.0, metadata=_help("Extra delay of one response in fifty, in seconds.")
    )
    echo_state: bool = field(
        default=True, metadata=_help("The callback carries state after Allow.")
    )
    only_redirect: str | None = field(
        default=None, metadata=_help("The one redirect URL that is registered.")
    )
    deny_state: bool = field(default=True, metadata=_help("The callback carries state after Deny."))
    exchange_seconds: float = field(
        default=0.0, metadata=_help("Delay of the exchange of a code in seconds.")
    )
    exchange_fails: bool = field(default=False, metadata=_help("The exchange of a code fails."))
    page_selection: bool = field(default=False, metadata=_help("Facebook asks for a Page."))

    def __post_init__(self) -> None:
        for name in LISTS:
            self.end_sign_for(name)
        for one in fields(self):
            if one.name not in {"paging", "end_sign"}:
                _check(one, getattr(self, one.name))

    def paging_for(self, name: str) -> PagingFamily:
        """Return the paging family of a list."""
        family: PagingFamily = _for(self.paging, name, "page")
        return family

    def end_sign_for(self, name: str) -> EndSign:
        """Return the end sign of a list."""
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
