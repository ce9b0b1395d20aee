"""Converts JSON pages to Arrow and DataFrames. Pure: no I/O.

``decode`` converts pages fast and leaves difficult ones to ``reference``, which converts one value
at a time. ``infer`` finds the types of undeclared columns, ``dedupe`` finds duplicate rows,
``reshape`` explodes lists and converts Arrow to pandas, and ``nested`` makes flat rows.
"""

from __future__ import annotations

from socialframe.frames.decode import Batch, Decoder
from socialframe.frames.dedupe import KeySet
from socialframe.frames.infer import Inferred, infer_all, infer_each_page
from socialframe.frames.nested import flatten
from socialframe.frames.reshape import explode, to_pandas

__all__ = [
    "Batch",
    "Decoder",
    "Inferred",
    "KeySet",
    "explode",
    "flatten",
    "infer_all",
    "infer_each_page",
    "to_pandas",
]
