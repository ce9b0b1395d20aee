"""Reads the fields of a reply that mark the last page or lead to the next one."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from socialframe.errors import ReplyError
from socialframe.messages.paths import get_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.messages.call import Call
    from socialframe.messages.envelope import Page

    Rows = Callable[[], int]

_MAX_DIGITS = 18  # of an integer that is sent as text: it fits 64 bits


@dataclass(frozen=True, slots=True)
class Step:
    """The next call after a page, or the end.

    Parameters
    ----------
    call : Call or None
        The next call; None at the end.
    reason : str
        Path of the field that decided it; empty if no field in the reply did.
    """

    call: Call | None
    reason: str = ""


def whole_number_at(page: Page, path: str | None) -> int | None:
    """Return an integer from 0 in the envelope; some APIs send it as text."""
    value = get_path(page.envelope, path) if path else None
    if isinstance(value, str) and value.isdecimal() and len(value) <= _MAX_DIGITS:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def flag_at(page: Page, path: str | None) -> bool | None:
    """Return a boolean in the envelope, None if there is none."""
    value = get_path(page.envelope, path) if path else None
    return value if isinstance(value, bool) else None


def rows_on_page(page: Page, requested: int) -> int:
    """Return the number of rows by which the page advances the list.

    If the page has more rows than requested (0: unknown), equal rows count once: counting a
    duplicate twice would skip another row.
    """
    count = page.count
    if not 0 < requested < count:
        return count
    return max(requested, len({json.dumps(record, sort_keys=True) for record in page.records()}))


def end_by_length(
    page: Page, following: Call, size_param: str | None, so_far: int, before: int
) -> Step:
    """Return the next step if no field marks the last page.

    A server may return fewer rows than requested, so a short page ends the walk only if all pages
    before it were full.
    """
    if page.empty:
        return Step(None, "empty page")
    size = page.call.param(size_param) if size_param else None
    if size and size.isdecimal() and before:
        count = page.count
        if count < int(size) and so_far - count == before * int(size):
            return Step(None, "short page")
    return Step(following)


def step_to_url(page: Page, target: object, reason: str, *, same_path: bool = False) -> Step:
    """Return the call to a URL, relative to the URL of the page; without a URL, the end.

    With ``same_path``, the path and the query of the URL are used on the host of the page.
    """
    if not isinstance(target, str) or not target.strip():
        return Step(None, reason)
    try:
        url = urljoin(page.reply.url, target.strip())
        asked, parts = urlsplit(page.reply.url), urlsplit(url)
        own = parts._replace(scheme=asked.scheme, netloc=asked.netloc) if same_path else parts
        if own.netloc == asked.netloc:
            called = quote(page.call.path, safe="/:@!$&'()*+,;=~")
            own = own._replace(path=_below_base(own.path, asked.path, called))
        url = url if own == parts else urlunsplit(own)
    except ValueError:
        raise ReplyError(invalid_value(reason, target, "URL")) from None
    return Step(replace(page.call, url=url), reason)


def _below_base(path: str, asked: str, called: str) -> str:
    """Return the path of a link below the path of the base URL.

    A server behind a gateway does not know the path that the gateway removes. So a link to the path
    of the call gets what precedes it in the URL that was asked.
    """
    asked, called = asked.rstrip("/"), called.rstrip("/")
    base = asked.removesuffix(called)
    lacks_base = bool(called) and base not in ("", asked) and not f"{path}/".startswith(f"{base}/")
    return base + path if lacks_base and f"{path}/".startswith(f"{called}/") else path


def invalid_value(field: str, value: object, expected: str) -> str:
    """Return the error sentence for a field that should lead to the next page and cannot."""
    return (
        f"The reply has {str(value)[:60]!r} at {field!r}, which is not a {expected}; "
        "pass another paging=…."
    )
