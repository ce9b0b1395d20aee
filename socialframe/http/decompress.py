"""Decompresses the body of a response in small pieces, so that its size can be checked early."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_PIECE = 1 << 20  # bytes
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS


def decompress(
    parts: Iterable[bytes], encoding: str, check: Callable[[int], None]
) -> Iterator[bytes]:
    """Yield the decompressed parts of a body.

    Parameters
    ----------
    parts : iterable of bytes
        The parts as they arrive.
    encoding : str
        ``Content-Encoding``: the names of the encodings in the order in which they were applied.
        Names other than gzip and deflate, which are not requested, are ignored.
    check : callable
        Called with the size of the body so far, before and after each encoding.

    Raises
    ------
    httpx.DecodingError
        If the body is damaged.
    """
    parts = _checked(parts, check)
    for name in reversed(encoding.lower().split(",")):
        if name.strip() in {"gzip", "x-gzip"}:
            parts = _checked(_inflate(parts, _GZIP), check)
        elif name.strip() == "deflate":
            parts = _checked(_inflate(parts, _ZLIB), check)
    yield from parts


def _checked(parts: Iterable[bytes], check: Callable[[int], None]) -> Iterator[bytes]:
    size = 0
    for part in parts:
        size += len(part)
        check(size)
        yield part


def _inflate(parts: Iterable[bytes], bits: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(bits)
    is_first = True
    try:
        for part in parts:
            try:
                piece = stream.decompress(part, _PIECE)
            except zlib.error:
                if not is_first or bits != _ZLIB:
                    raise
                stream = zlib.decompressobj(_RAW)  # some servers leave out the head of "deflate"
                piece = stream.decompress(part, _PIECE)
            is_first = False
            while piece:
                yield piece
                full = len(piece) == _PIECE
                rest = stream.unconsumed_tail
                piece = stream.decompress(rest, _PIECE) if full or rest else b""
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from error
