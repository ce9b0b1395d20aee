"""Decides which call comes next. Pure: no I/O.

``schemes`` has the schemes to declare, ``auto`` detects one from the first reply, ``hints`` reads
the fields and the ``Link`` header for the detection.
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
