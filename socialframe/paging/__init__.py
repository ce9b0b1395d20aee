"""Which call comes next: pure, no I/O.

``schemes`` has what can be declared, ``auto`` what is found out, ``links`` reads the ``Link``
header.
"""

from __future__ import annotations

from socialframe.paging.auto import Auto
from socialframe.paging.schemes import (
    AfterId,
    Cursor,
    LinkHeader,
    NextURL,
    Offset,
    PageNumber,
    Paging,
    Single,
)
from socialframe.paging.signs import Step

__all__ = [
    "AfterId",
    "Auto",
    "Cursor",
    "LinkHeader",
    "NextURL",
    "Offset",
    "PageNumber",
    "Paging",
    "Single",
    "Step",
]
