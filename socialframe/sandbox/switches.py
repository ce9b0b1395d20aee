"""Everything that the documentation leaves open, as one value: how this sandbox decides it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

from socialframe.errors import ArgumentError
from socialframe.sandbox.api.oauth_state import is_redirect_url
from socialframe.sandbox.paging.families import PAGINGS, end_sign_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from socialframe.sandbox.api.request import EndSign, PagingFamily

RetryAfter = Literal["seconds", "date", "absent"]
Window = Literal["sliding", "fixed", "bucket"]
Stamps = Literal["Z", "offset", "millis", "micros", "naive", "space", "mixed"]

_SHORTEST = 1e-6  # seconds of a window
MOST_AT_ONCE = 100_000
"""Posts that may go into one answer."""

LISTS = ("posts", "analytics")
"""The list endpoints that are paged, by the last part of their path."""


class Choices(TypedDict, total=False):
    """The fields of ``Switches``, as keyword arguments of ``Sandbox``."""

    paging: PagingFamily | Mapping[str, PagingFamily]
    end_sign: EndSign | Mapping[str, EndSign] | None
    page_cap: int | None
    create_status: Literal[200, 201]
    delete_status: Literal[200, 204]
    retry_after: RetryAfter
    window: Window
    window_seconds: float
    rate_limit_headers: bool
    extra_fields: bool
    unknown_values: bool
    big_ids: bool
    timestamps: Stamps
    gzip: bool
    etag: bool
    cache_control: str | None
    latency: float
    jitter: float
    slow_first: float
    long_tail: float
    echo_state: bool
    only_redirect: str | None
    deny_state: bool
    exchange_seconds: float
    exchange_fails: bool
    page_selection: bool


def _switch(default: Any, says: str, *choices: object) -> Any:  # noqa: ANN401 - of any type
    return field(default=default, metadata={"help": says, "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """How a sandbox decides what the documentation leaves open.

    Parameters
    ----------
    paging
        How lists are walked, one of `PAGINGS`: by ``"page"``, ``"offset"`` or ``"cursor"``, by the
        address in ``"next_url"`` or in the ``"link"`` header, by ``"after_id"``, or with
        ``"none"`` not at all. Parameters of other families are ignored. A mapping says it for
        each of `LISTS`.
    end_sign
        How lists say that they end, one of ``PAGINGS[paging]``; None takes the first of them. A
        mapping says it for each of `LISTS`.
    page_cap
        Rows on a page at most, whatever was asked for; a list without pages stays whole.
    create_status, delete_status
        Status of a post that was created (200, 201) or deleted (200, 204).
    retry_after
        ``Retry-After`` of a 429 as ``"seconds"``, as an HTTP ``"date"``, or ``"absent"``.
    window, window_seconds
        How calls are counted: in a ``"sliding"`` window, in ``"fixed"`` ones that follow each
        other from the start of the sandbox, or by a token ``"bucket"`` that holds as many as a
        window allows; and over how many seconds.
    rate_limit_headers
        Whether answers carry ``X-RateLimit-Limit``, ``-Remaining`` and ``-Reset``.
    extra_fields, unknown_values
        Whether objects have fields, and some enumerations values, that nothing documents. Errors
        have such fields, too. An object has the same such value whichever list it is in.
    big_ids
        Whether ids of posts are numbers above 2^53.
    timestamps
        How moments are spelled, all in whole seconds: in UTC with ``"Z"``, with an ``"offset"`` of
        +02:00, with ``"millis"`` or ``"micros"``, ``"naive"`` without a zone, with a ``"space"``
        for the T, or ``"mixed"``.
    gzip, etag
        Whether bodies are compressed for who takes it, and carry an ``ETag`` that is answered
        with 304 when it comes back.
    cache_control
        ``Cache-Control`` of every answer of the API; a fault that answers in front has none.
    latency, jitter, slow_first, long_tail
        Seconds that an answer takes: always, up to so many on top at random, on top of the first
        one, and on top of one in every fifty. What is at random follows from the sandbox's seed.
    echo_state, deny_state
        Whether the callback carries ``state`` after Allow, and after Deny.
    only_redirect
        The one redirect URL that is registered; None takes any.
    exchange_seconds, exchange_fails
        How long the exchange of a code takes, and whether it fails.
    page_selection
        Whether a Facebook connection needs the choice of a Page.

    Raises
    ------
    ArgumentError
        If a value cannot be meant.

    Examples
    --------
    >>> Switches(paging="cursor").end_sign_for("posts")
    'null'
    """

    paging: PagingFamily | Mapping[str, PagingFamily] = _switch(  # noqa: RUF009
        "page", "How lists are paged.", *PAGINGS
    )
    end_sign: EndSign | Mapping[str, EndSign] | None = _switch(  # noqa: RUF009
        None, "How lists say that they end; by default the first of its row."
    )
    page_cap: int | None = _switch(None, "Rows on a page at most, whatever was asked for.")
    create_status: Literal[200, 201] = _switch(201, "Status of a created post.", 200, 201)
    delete_status: Literal[200, 204] = _switch(200, "Status of a deletion.", 200, 204)
    retry_after: RetryAfter = _switch("seconds", "Retry-After of a 429.", *get_args(RetryAfter))  # noqa: RUF009
    window: Window = _switch("sliding", "How calls are counted.", *get_args(Window))  # noqa: RUF009
    window_seconds: float = _switch(60.0, "Seconds over which calls are counted.")
    rate_limit_headers: bool = _switch(False, "Send X-RateLimit-* headers.")  # noqa: FBT003
    extra_fields: bool = _switch(False, "Add fields that nothing documents.")  # noqa: FBT003
    unknown_values: bool = _switch(False, "Use values that nothing documents.")  # noqa: FBT003
    big_ids: bool = _switch(False, "Ids of posts are numbers above 2^53.")  # noqa: FBT003
    timestamps: Stamps = _switch("Z", "How moments are spelled.", *get_args(Stamps))  # noqa: RUF009
    gzip: bool = _switch(False, "Compress bodies for who takes it.")  # noqa: FBT003
    etag: bool = _switch(False, "Send ETags, and 304 where one comes back.")  # noqa: FBT003
    cache_control: str | None = _switch(None, "Cache-Control of every answer.")
    latency: float = _switch(0.0, "Seconds that every answer takes.")
    jitter: float = _switch(0.0, "Up to so many seconds more, at random.")
    slow_first: float = _switch(0.0, "Seconds more for the first answer.")
    long_tail: float = _switch(0.0, "Seconds more for one answer in fifty.")
    echo_state: bool = _switch(True, "The callback carries state after Allow.")  # noqa: FBT003
    only_redirect: str | None = _switch(None, "The one redirect URL that is registered.")
    deny_state: bool = _switch(True, "The callback carries state after Deny.")  # noqa: FBT003
    exchange_seconds: float = _switch(0.0, "Seconds that the exchange of a code takes.")
    exchange_fails: bool = _switch(False, "The exchange of a code fails.")  # noqa: FBT003
    page_selection: bool = _switch(False, "Facebook asks which Page is meant.")  # noqa: FBT003

    def __post_init__(self) -> None:
        for name in LISTS:
            self.end_sign_for(name)
        for one in fields(self):
            value, kind = getattr(self, one.name), type(one.default)
            choices = one.metadata["choices"]
            if choices and one.name != "paging" and value not in choices:
                *others, last = map(repr, choices)
                raise ArgumentError(
                    f"{one.name} takes {', '.join(others)} or {last}, not {value!r}."
                )
            if kind is bool and not isinstance(value, bool):
                raise ArgumentError(f"{one.name} takes True or False, not {value!r}.")
            if kind is float and not _seconds(value):
                raise ArgumentError(f"{one.name} takes a number of seconds, not {value!r}.")
        if self.window_seconds < _SHORTEST:
            raise ArgumentError(
                f"window_seconds takes a number of seconds from {_SHORTEST:f}, "
                f"not {self.window_seconds!r}."
            )
        cap: object = self.page_cap
        if cap is not None and (not isinstance(cap, int) or isinstance(cap, bool) or cap < 1):
            raise ArgumentError(f"page_cap takes a whole number from 1, not {cap!r}.")
        text: object = self.cache_control
        if text is not None and not (
            isinstance(text, str) and text.isascii() and text.isprintable()
        ):
            raise ArgumentError(f"cache_control takes ASCII text in one line, not {text!r}.")
        url: object = self.only_redirect
        if url is not None and not (isinstance(url, str) and is_redirect_url(url)):
            raise ArgumentError(
                f"only_redirect takes a URL like http://localhost:8000/callback, not {url!r}."
            )

    def paging_for(self, name: str) -> PagingFamily:
        """Tell how one of `LISTS` is paged."""
        family: PagingFamily = _for(self.paging, name, "page")
        return family

    def end_sign_for(self, name: str) -> EndSign:
        """Tell how one of `LISTS` says that it ends."""
        return end_sign_of(self.paging_for(name), _for(self.end_sign, name, None))

    def check_size(self, posts: int) -> None:
        """Refuse a world whose posts would all go into one answer."""
        at_once = "none" in {self.paging_for(name) for name in LISTS}
        if at_once and posts > MOST_AT_ONCE:
            raise ArgumentError(
                "paging='none' sends all posts in one answer: posts takes at most "
                f"{MOST_AT_ONCE:,} with it, not {posts!r}."
            )

    def changed(self) -> dict[str, Any]:
        """Tell what differs from the default, by name."""
        return {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if getattr(self, one.name) != one.default
        }


def switched(choices: Choices) -> Switches:
    """Make switches of keyword arguments, and refuse one that is none by a sentence."""
    if unknown := set(choices) - set(Switches.__dataclass_fields__):
        names = ", ".join(Switches.__dataclass_fields__)
        raise ArgumentError(f"{unknown.pop()!r} is no switch of the sandbox; there are: {names}.")
    return Switches(**choices)


def _seconds(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 86_400  # noqa: PLR2004 - a day
    )


def _for(choice: object, name: str, default: object) -> Any:  # noqa: ANN401 - of either switch
    if not isinstance(choice, dict):
        return choice
    if unknown := set(choice) - set(LISTS):
        raise ArgumentError(f"A list is one of {', '.join(LISTS)}, not {unknown.pop()!r}.")
    return choice.get(name, default)
