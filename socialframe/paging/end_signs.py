"""What replies say of the pages after them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from socialframe.errors import ReplyError
from socialframe.messages.call import Call, value_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from socialframe.messages.call import Page

    Rows = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Step:
    """What comes after a page.

    Parameters
    ----------
    call : Call or None
        The next call; None at the end.
    sign : str
        What said so, as the path of a field; empty where nothing in the reply did.
    """

    call: Call | None
    sign: str = ""


def whole(page: Page, path: str | None) -> int | None:
    """Return a whole number in the envelope, which some APIs write as text."""
    value = value_at(page.envelope, path) if path else None
    if isinstance(value, str) and value.isdecimal() and len(value) < 19:  # noqa: PLR2004 - 64 bits
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def flag(page: Page, path: str | None) -> bool | None:
    """Return a flag in the envelope, None where there is none."""
    value = value_at(page.envelope, path) if path else None
    return value if isinstance(value, bool) else None


def passed(page: Page, asked: int) -> int:
    """Return how many rows of the list lie on a page.

    Where more came than were asked for (0 is not known), a row that came twice is one: whoever
    skips it twice skips another row.
    """
    count = page.count
    if not 0 < asked < count:
        return count
    return max(asked, len({json.dumps(record, sort_keys=True) for record in page.records()}))


def by_length(page: Page, onward: Call, size_param: str | None, so_far: int, before: int) -> Step:
    """Return the end of pages that say nothing of it.

    A short page alone is no end: a server may give fewer rows than were asked for. It is one where
    all pages before it were full, which shows that this server gives what is asked for.
    """
    if page.empty:
        return Step(None, "empty page")
    size = page.call.param(size_param) if size_param else None
    if size and size.isdecimal() and before:
        count = page.count
        if count < int(size) and so_far - count == before * int(size):
            return Step(None, "short page")
    return Step(onward)


def to_address(page: Page, target: object, sign: str) -> Step:
    """Return the call to an address, seen from the one that was asked; none is the end."""
    if not isinstance(target, str) or not target.strip():
        return Step(None, sign)
    try:
        address = urljoin(page.reply.url, target.strip())
    except ValueError:
        raise ReplyError(unreadable(sign, target, "address")) from None
    return Step(Call(page.call.path, page.call.params, url=address), sign)


def unreadable(field: str, value: object, meant: str) -> str:
    """Return the sentence for a next sign that is there and cannot be one."""
    shown = str(value)[:60]
    return f"The reply has {shown!r} at {field!r}, which is no {meant}: say paging=… otherwise."
