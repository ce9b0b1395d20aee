"""The binary form of a stored value: a JSON head and a compressed body, with a checksum.

It is neither pickle, which would run code from a tampered file, nor JSON, which is slow.
"""

from __future__ import annotations

import json
import struct
import zlib
from functools import cache
from typing import Any, Protocol

_MAGIC = b"SFw2"
_HEAD = struct.Struct("<4sIIQ")  # magic, CRC of what follows, bytes of the head, of the body
_CHECKED = 8  # bytes before the part that the CRC covers
_LARGEST = 1 << 30  # bytes; a damaged head must not allocate all memory


class _Codec(Protocol):
    def compress(self, buf: bytes, asbytes: bool) -> bytes: ...

    def decompress(self, buf: memoryview, decompressed_size: int, asbytes: bool) -> bytes: ...


@cache
def _zstd() -> _Codec:
    import pyarrow as pa

    return pa.Codec("zstd", compression_level=1)  # type: ignore[no-any-return]


def encode(head: Any, body: bytes = b"") -> bytes:  # noqa: ANN401 - JSON is any value
    """Return the binary form of a head, which is JSON, and a body.

    Examples
    --------
    >>> decode(encode(["a", 1], b"[]"))
    (['a', 1], b'[]')
    """
    text = json.dumps(head).encode()
    packed = _zstd().compress(body, asbytes=True) if body else b""
    data = _HEAD.pack(_MAGIC, 0, len(text), len(body)) + text + packed
    check = zlib.crc32(memoryview(data)[_CHECKED:])
    return data[:4] + struct.pack("<I", check) + data[_CHECKED:]


def decode(data: bytes) -> tuple[Any, bytes] | None:
    """Return head and body; None if this version did not write the bytes."""
    try:
        view = memoryview(data)
        magic, check, end, size = _HEAD.unpack_from(view)
        end += _HEAD.size
        if magic != _MAGIC or size > _LARGEST or zlib.crc32(view[_CHECKED:]) != check:
            return None
        head = json.loads(bytes(view[_HEAD.size : end]))
        body = _zstd().decompress(view[end:], size, asbytes=True) if size else b""
    except (ValueError, TypeError, OSError, struct.error):
        return None
    return head, body
