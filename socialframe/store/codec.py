"""One answer as one piece of bytes: what lies in a cache, whatever holds it."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_MAGIC = b"SFa1"
_HEAD = struct.Struct("<4sIIQ")  # magic, CRC of all that follows, bytes of the head, of the body
_CHECKED = 8  # bytes before what the CRC is of
_LARGEST = 1 << 30  # bytes; a damaged head must not ask for all memory


class Codec(Protocol):
    """Compresses and decompresses; ``pyarrow.Codec`` is one."""

    def compress(self, buf: bytes, asbytes: bool) -> bytes:
        """Compress."""

    def decompress(self, buf: memoryview, decompressed_size: int, asbytes: bool) -> bytes:
        """Decompress."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that is kept: status, headers, body, and when it came in seconds of Unix time."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: float


class Frame:
    """Turns an answer into bytes and back: a serializer for any requests-cache backend.

    It is neither pickle, with which a tampered file would run code, nor JSON, which is slow.

    Parameters
    ----------
    codec : Codec
        Compresses.
    wrap, unwrap : callable
        To and from what the backend calls an answer.

    Examples
    --------
    >>> import pyarrow as pa
    >>> frame = Frame(pa.Codec("zstd"))
    >>> kept = Kept(200, (("etag", "x"),), b"[]", 0.0)
    >>> frame.loads(frame.dumps(kept)) == kept
    True
    """

    def __init__(
        self,
        codec: Codec,
        *,
        wrap: Callable[[Kept], Any] = lambda kept: kept,
        unwrap: Callable[[Any], Kept] = lambda kept: kept,
    ) -> None:
        self._codec = codec
        self._wrap = wrap
        self._unwrap = unwrap
        self.strange = False  # whether it met what it did not write

    def dumps(self, value: Any) -> bytes:  # noqa: ANN401 - what the backend calls an answer
        """Return the bytes of an answer."""
        kept = self._unwrap(value)
        text = json.dumps([kept.status, kept.headers, kept.at]).encode()
        packed = self._codec.compress(kept.body, asbytes=True)
        data = _HEAD.pack(_MAGIC, 0, len(text), len(kept.body)) + text + packed
        check = zlib.crc32(memoryview(data)[_CHECKED:])
        return data[:4] + struct.pack("<I", check) + data[_CHECKED:]

    def loads(self, data: object) -> Any:  # noqa: ANN401 - what the backend calls an answer
        """Return the answer; None where the bytes are not one's that this version wrote."""
        try:
            view = memoryview(data)  # type: ignore[arg-type]
            magic, check, end, size = _HEAD.unpack_from(view)
            end += _HEAD.size
            if magic != _MAGIC or size > _LARGEST or zlib.crc32(view[_CHECKED:]) != check:
                raise ValueError(magic)  # noqa: TRY301 - one end for all that is wrong
            status, headers, at = json.loads(bytes(view[_HEAD.size : end]))
            body = self._codec.decompress(view[end:], size, asbytes=True)
        except (ValueError, TypeError, OSError, struct.error):
            self.strange = True
            return None
        pairs = tuple((name, value) for name, value in headers)
        return self._wrap(Kept(status, pairs, body, at))

    def copy(self) -> Frame:
        """Return itself: backends ask for a copy, and what it met must be seen."""
        return self
