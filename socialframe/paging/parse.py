"""Parses a paging scheme from its Python spelling."""

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


def parse_scheme(text: str) -> Paging:
    """Return the scheme of ``"Cursor(field='next', param='cursor')"``; the text is not executed.

    Raise ValueError if it is not a scheme with literal keyword arguments.
    """
    try:
        call = ast.parse(text if "(" in text else f"{text}()", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or not isinstance(call.func, ast.Name):
            raise ValueError(text)  # noqa: TRY301 - one sentence for all errors
        given = {word.arg or "": ast.literal_eval(word.value) for word in call.keywords}
        made: Paging = SCHEMES[call.func.id](**given)
    except (SyntaxError, ValueError, KeyError, TypeError):
        raise ValueError(f"The schemes are {', '.join(SCHEMES)}; got {text!r}.") from None
    return made
