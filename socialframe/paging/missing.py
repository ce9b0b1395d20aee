"""Finds a declared field that no reply of a walk has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from socialframe.messages.paths import get_path, has_path
from socialframe.paging.auto import contradicting_sign
from socialframe.paging.hints import page_size, read_hints
from socialframe.paging.schemes import Cursor, NextURL, Offset, PageNumber

if TYPE_CHECKING:
    from socialframe.messages.envelope import Page
    from socialframe.paging.schemes import Paging

# Texts beside a missing field that lead to no next page.
_BESIDE = ("prev", "self", "first", "last", "current", "base", "before", "context", "start")


def shows_declared(page: Page, paging: Paging) -> bool:
    """Return whether a reply has a field or header that the scheme declares to lead onwards."""
    if not isinstance(paging, Cursor | NextURL | Offset | PageNumber):
        return True
    if isinstance(paging, Cursor) and paging.header:
        return paging.header.lower() in page.reply.headers
    fields = paging.fields
    return not fields or any(has_path(page.envelope, path) for path in fields)


def missing_field(page: Page, paging: Paging, *, alone: bool) -> str:
    """Return why a walk without the declared fields may be incomplete; empty if it is not.

    ``page`` is the last page, and ``alone`` says that it is the only one. The only page may lack
    them if it is empty, is shorter than the page size, has as many rows as the reply reports, or
    has the object in which the field would be, without another text in it.
    """
    sign = contradicting_sign(page, paging)
    if alone and not sign and _is_end(page, paging):
        return ""
    header = getattr(paging, "header", None)
    names = [f"the header {header!r}"] if header else [repr(path) for path in paging.fields]
    shown = f" {sign!r} shows that there are more." if sign else ""
    return (
        f"No reply has {' or '.join(names)}, which {paging.name} declares, so the walk may have "
        f"ended early.{shown} Correct the path. If the rows are all rows, pass a page size that "
        "they do not reach, or paging=Single()."
    )


def _is_end(page: Page, paging: Paging) -> bool:
    if page.empty or has_path(page.envelope, "batchcomplete"):  # of MediaWiki
        return True
    hints, count, size = read_hints(page), page.count, page_size(page)
    if hints.total is not None:
        return bool(hints.value(hints.total) <= count)
    if size is not None and count < size:
        return True
    return any(_holder_is_bare(page, path) for path in paging.fields)


def _holder_is_bare(page: Page, path: str) -> bool:
    """Whether the object of a missing field is there, and has no text that may be the field."""
    parent = path.rpartition(".")[0]
    holder = get_path(page.envelope, parent) if parent else None
    return isinstance(holder, dict) and not any(
        isinstance(value, str) and value and not name.lower().lstrip("_").startswith(_BESIDE)
        for name, value in holder.items()
    )
