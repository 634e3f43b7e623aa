"""Streams of bytes that are made while they are read: forward only, positions counted in what comes out."""

import codecs
from collections.abc import Iterable, Iterator
from typing import BinaryIO

_READ_BYTES = 1 << 20
MAX_LINE_BYTES = 1 << 20


class MadeStream:
    """Reads pieces as a file; `seek` goes forward by reading."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = b""
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return `size` bytes; fewer only at the end."""
        parts, length = [self._left], len(self._left)
        while length < size:
            piece = next(self._pieces, None)
            if piece is None:
                break
            parts.append(piece)
            length += len(piece)
        whole = b"".join(parts)
        self._left = whole[size:]
        self._position += min(size, len(whole))
        return whole[:size]

    def readline(self, limit: int) -> bytes:
        """Return up to the end of the line, `limit` bytes at the most."""
        parts: list[bytes] = []
        length = 0
        while b"\n" not in self._left and length + len(self._left) < limit:
            parts.append(self._left)
            length += len(self._left)
            piece = next(self._pieces, None)
            self._left = piece or b""
            if piece is None:
                break
        end = self._left.find(b"\n") + 1 or len(self._left)
        end = min(end, limit - length)
        parts.append(self._left[:end])
        self._left = self._left[end:]
        line = b"".join(parts)
        self._position += len(line)
        return line

    def seek(self, position: int) -> None:
        """Go forward to a position."""
        while self._position < position and self.read(min(_READ_BYTES, position - self._position)):
            pass


def decoded(raw: BinaryIO, encoding: str) -> Iterator[bytes]:
    """Yield a file in another encoding as UTF-8; what is not of that encoding becomes U+FFFD, and fits nothing."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    while piece := raw.read(_READ_BYTES):
        yield decoder.decode(piece).encode(errors="replace")
    yield decoder.decode(b"", final=True).encode(errors="replace")


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of pieces, each with its end; a longer one than can be one is cut into several."""
    left = b""
    for piece in pieces:
        *whole, left = (left + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
        while len(left) > MAX_LINE_BYTES:
            yield left[:MAX_LINE_BYTES] + b"\n"
            left = left[MAX_LINE_BYTES:]
    if left:
        yield left


def pieces_of(raw: BinaryIO) -> Iterator[bytes]:
    """Yield a file in pieces."""
    while piece := raw.read(_READ_BYTES):
        yield piece
