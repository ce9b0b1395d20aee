"""JSON pages → Arrow → DataFrame: pure, no I/O.

``decode`` reads pages at the speed of Arrow and knows what Arrow would get wrong; ``careful`` reads
what is left, value by value; ``inferred`` types what nobody declared; ``shape`` explodes and hands
over to pandas; ``seen`` tells which rows were there before.
"""

from __future__ import annotations

from socialframe.frames.decode import Batch, Decoder
from socialframe.frames.dedupe import Seen
from socialframe.frames.infer import Inferred, at_once, by_page
from socialframe.frames.reshape import explode, to_pandas

__all__ = ["Batch", "Decoder", "Inferred", "Seen", "at_once", "by_page", "explode", "to_pandas"]
