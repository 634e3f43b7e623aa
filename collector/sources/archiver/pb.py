r"""The binary form of the EPICS Archiver Appliance: chunks of a header and samples, one protobuf message a line.

References
----------
EPICS Archiver Appliance documentation, "The .pb file format and the .pbraw binary protocol": in a line 0x1B is written
0x1B 0x01, newline 0x1B 0x02, carriage return 0x1B 0x03; chunks are apart by an empty line. ``EPICSEvent.proto`` there
names the fields: in each sample 1 seconds into the year, 2 nanoseconds, 3 the value, 4 severity, 5 status; in the
header 1 type, 2 PV, 3 year. Protocol Buffers, "Encoding": a key is the field's number times 8 plus the wire type.
"""

import re
import struct
from calendar import timegm
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from facility.errors import DataError
from facility.sentence import Sentence
from facility.time import NS_PER_S

_ESCAPED: Final = re.compile(rb"\x1b(.)", re.DOTALL)
_PLAIN: Final = {b"\x01": b"\x1b", b"\x02": b"\n", b"\x03": b"\r"}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(slots=True)
class Chunk:
    """The samples of one year, or of a part of it."""

    pv: str
    time_ns: list[int] = field(default_factory=list[int])
    values: list[Any] = field(default_factory=list[Any])
    severity: list[int] = field(default_factory=list[int])
    status: list[int] = field(default_factory=list[int])


def read_chunks(body: bytes) -> Iterator[Chunk]:
    """Yield the chunks of an answer.

    Raises
    ------
    DataError
        If it is not of this form.
    """
    for part in re.split(rb"\n{2,}", body.strip(b"\n")):
        if not part:
            continue
        head, *lines = part.split(b"\n")
        try:
            header = dict(_fields(_unescape(head)))
            kind, pv, year = int(header[1]), _bytes(header[2]).decode(), int(header[3])
            start_ns = timegm((year, 1, 1, 0, 0, 0)) * NS_PER_S
            chunk = Chunk(pv)
            for line in lines:
                _add(chunk, kind, start_ns, dict(_fields(_unescape(line))))
        except (KeyError, IndexError, ValueError, struct.error, TypeError) as error:
            raise DataError(
                Sentence(
                    "the archive's answer is not of its binary form: {name} {error}; is the url that of the retrieval?",
                    name=type(error).__name__,
                    error=error,
                )
            ) from error
        yield chunk


def _add(chunk: Chunk, kind: int, start_ns: int, sample: dict[int, Any]) -> None:
    # An absent severity is 0: protobuf leaves out what has its default.
    chunk.time_ns.append(start_ns + int(sample[1]) * NS_PER_S + int(sample.get(2, 0)))
    chunk.values.append(_value(kind, sample.get(3)))
    chunk.severity.append(_signed(sample.get(4, 0)))
    chunk.status.append(_signed(sample.get(5, 0)))


def _value(kind: int, raw: Any) -> float | int | str | None:
    """Return the value of a sample; `kind` is PayloadType of EPICSEvent.proto, scalars from 0 to 6."""
    match kind:
        case _ if raw is None:
            return None
        case 0:
            return _bytes(raw).decode("utf-8", "replace")
        case 1 | 3:
            return (raw >> 1) ^ -(raw & 1)
        case 2:
            return struct.unpack("<f", raw)[0]
        case 4:
            return int.from_bytes(raw[:1], "little", signed=True)
        case 5:
            return struct.unpack("<i", raw)[0]
        case 6:
            return struct.unpack("<d", raw)[0]
        case _:
            return f"an array or structure (type {kind})"


def _bytes(raw: Any) -> bytes:
    # Of a number it would make as many zeros.
    if not isinstance(raw, bytes):
        raise TypeError("a number where a text belongs")
    return raw


def _signed(raw: int) -> int:
    """Return an int32, which protobuf writes as 64 bits where it is negative."""
    return raw - 2**64 if raw >= 2**63 else raw


def _unescape(line: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: _PLAIN[found[1]], line) if b"\x1b" in line else line


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield number and raw content of each field."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            content, at = _varint(message, at)
            yield number, content
            continue
        if wire == _BYTES:
            size, at = _varint(message, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if at + size > end:
            raise ValueError("a message that ends in the middle of a field")
        yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
