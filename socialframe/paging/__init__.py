"""Which call comes next: pure, no I/O.

``schemes`` has what can be declared, ``auto`` what is found out, ``links`` reads the ``Link``
header.
"""

from __future__ import annotations

from socialframe.paging.auto import Auto
from socialframe.paging.end_signs import Step
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
