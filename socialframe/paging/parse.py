"""A paging scheme from its Python spelling."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from socialframe.paging.auto import Auto
from socialframe.paging.schemes import (
    AfterId,
    Cursor,
    LinkHeader,
    NextURL,
    Offset,
    PageNumber,
    Single,
)

if TYPE_CHECKING:
    from socialframe.paging.schemes import Paging

SCHEMES = {
    one.__name__: one
    for one in (AfterId, Auto, Cursor, LinkHeader, NextURL, Offset, PageNumber, Single)
}


def spelled(text: str) -> Paging:
    """Return a paging scheme from its Python spelling; nothing of it is run.

    Raises
    ------
    ValueError
        If it is no scheme with keyword arguments that are plain values.

    Examples
    --------
    >>> spelled("Cursor(field='meta.next', param='cursor')").param
    'cursor'
    """
    try:
        call = ast.parse(text if "(" in text else f"{text}()", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or not isinstance(call.func, ast.Name):
            raise ValueError(text)  # noqa: TRY301 - one sentence for all that is wrong
        given = {word.arg or "": ast.literal_eval(word.value) for word in call.keywords}
        made: Paging = SCHEMES[call.func.id](**given)
    except (SyntaxError, ValueError, KeyError, TypeError):
        raise ValueError(f"{', '.join(SCHEMES)} are the schemes; {text!r} is none.") from None
    return made
