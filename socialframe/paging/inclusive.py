"""Drops the record of the requested id, which some APIs return again on the next page."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from socialframe.messages.paths import get_path
from socialframe.paging.hints import page_size

if TYPE_CHECKING:
    from socialframe.messages.envelope import Page
    from socialframe.paging.schemes import AfterId

_DECODER = json.JSONDecoder()
_SPACE = " \t\n\r"


def drop_repeated(page: Page, before: Page, paging: AfterId) -> tuple[Page, str]:
    """Return a page without the record of the requested id, and a doubt about its end or "".

    ``before`` is the page before, as it arrived. Only the first record is parsed. If several
    records of the page before have the requested value, as many are dropped.
    """
    asked = page.call.param(paging.param)
    first, rest = _split_first(page.items)
    if first is None or str(get_path(first, paging.key)) != asked:
        return page, ""
    values = [str(get_path(record, paging.key)) for record in before.records()]
    known = 0
    while known < len(values) and values[-1 - known] == asked:
        known += 1
    items = page.items
    for _ in range(known):
        if first is None or str(get_path(first, paging.key)) != asked:
            break
        items = rest
        first, rest = _split_first(items)
    left = replace(page, items=items)
    if not left.empty:
        return left, ""
    if known > 1:  # other records with this value may be hidden behind these
        return page, ""
    full = max(len(values), page_size(page) or 0) <= 1
    return left, _ONE_ROW if full else ""


_ONE_ROW = (
    "the API returned the record of the requested id again and nothing else; if a page has one "
    "record only, other records may follow, so request larger pages"
)


def _split_first(items: bytes) -> tuple[Any, bytes]:
    """Return the first record of a JSON array, and the array without it; None if it is empty."""
    try:
        text = items.decode()
        start = _skip(text, _skip(text, 0) + 1)
        if text[start] == "]":
            return None, items
        first, end = _DECODER.raw_decode(text, start)
        end = _skip(text, end)
        rest = text[end + 1 :] if text[end] == "," else text[end:]
    except (ValueError, IndexError, RecursionError):  # raised again when the rows are decoded
        return None, items
    return first, b"[" + rest.encode()


def _skip(text: str, start: int) -> int:
    while text[start] in _SPACE:
        start += 1
    return start
