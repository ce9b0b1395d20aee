"""The layout that the sandbox's pages share: plain HTML, no scripts, no other files."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from socialframe.sandbox.api.answers import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

# HTML must not hold these characters, and some of them reverse the text around them.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_LONGEST = 160  # characters of a table cell

_PAGE = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))


def page(title: str, content: str, *, forms: str, status: int = 200, head: str = "") -> Answer:
    """Return a page that loads nothing, cannot be framed and sends forms only where allowed."""
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; form-action {forms}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    headers = (
        ("Content-Security-Policy", policy),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    )
    text = _PAGE.substitute(title=escape(title), content=content, head=head)
    return Answer(text.encode(), headers, status, "text/html; charset=utf-8")


def readable(text: str) -> str:
    """Escape any text as HTML; characters that HTML must not hold are replaced."""
    return escape(_UNSAFE.sub("\ufffd", text))


def table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of plain texts; the first cell of a row is its header."""
    lines = []
    for first, *others in rows:
        cells = "".join(f"<td><bdi>{_cell(cell)}</bdi></td>" for cell in others)
        lines.append(f'<tr><th scope="row"><bdi>{_cell(first)}</bdi></th>{cells}</tr>\n')
    top = "".join(f'<th scope="col">{head}</th>' for head in heads)
    # With a tabindex the keyboard can scroll a table that is wider than the page.
    return (
        f'<div class="wide" role="group" aria-label="{caption}" tabindex="0">\n<table>\n'
        f"<caption>{caption}</caption>\n<thead><tr>{top}</tr></thead>\n"
        f"<tbody>\n{''.join(lines)}</tbody>\n</table>\n</div>\n"
    )


def _cell(text: str) -> str:
    text = " ".join(text.split())
    return readable(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
