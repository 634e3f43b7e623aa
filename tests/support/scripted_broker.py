"""An MQTT 5 broker that says what a test wants: refusals, small promises, packets that no good broker sends."""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SESSION_EXPIRY = b"\x11"
MAXIMUM_QOS = b"\x24"
OLD_CONNACK = bytes([0x20, 2, 0, 1])
"""What a broker of MQTT 3.1.1 answers to a CONNECT of version 5: unacceptable protocol version."""


def packet(kind: int, body: bytes) -> bytes:
    """Return a packet with its length."""
    length, rest = b"", len(body)
    while True:
        rest, digit = divmod(rest, 128)[0], rest % 128
        length += bytes([digit | (0x80 if rest else 0)])
        if not rest:
            return bytes([kind]) + length + body


def connack(code: int = 0, *, session_present: bool = False, properties: bytes = b"") -> bytes:
    """Return the answer to a CONNECT."""
    return packet(0x20, bytes([session_present, code, len(properties)]) + properties)


def publish(topic: bytes, payload: bytes, mid: int = 0, *, dup: bool = False) -> bytes:
    """Return a message; QoS 1 if it has a packet identifier."""
    flags = (0x08 if dup else 0) | (0x02 if mid else 0)
    number = struct.pack("!H", mid) if mid else b""
    return packet(0x30 | flags, struct.pack("!H", len(topic)) + topic + number + b"\x00" + payload)


@dataclass
class ScriptedBroker:
    """Answers every connection alike.

    Parameters
    ----------
    connack
        The answer to a CONNECT; empty: it hangs up.
    granted
        Codes of the answer to a SUBSCRIBE, the last repeated.
    packets
        What it sends after that answer.
    """

    connack: bytes = field(default_factory=connack)
    granted: Sequence[int] = (1,)
    packets: Sequence[bytes] = ()
    acknowledged: list[int] = field(default_factory=list[int])
    """Packet identifiers of the PUBACKs that came, in their order."""
    connections: int = 0
    url: str = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ScriptedBroker"]:
        """Listen until the end of the context."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                kind, body = await _read(reader)
                writer.write(self._answer(kind, body))
                await writer.drain()
                if kind == 0x10 and (len(self.connack) < 4 or self.connack[3]):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _answer(self, kind: int, body: bytes) -> bytes:
        if kind == 0x10:
            return self.connack
        if kind == 0x82:
            count = _filters(body[3:])
            codes = [*self.granted, *[self.granted[-1]] * count][:count]
            return packet(0x90, body[:2] + b"\x00" + bytes(codes)) + b"".join(self.packets)
        if kind == 0x40:
            self.acknowledged.append(struct.unpack("!H", body[:2])[0])
        return packet(0xD0, b"") if kind == 0xC0 else b""


def _filters(body: bytes) -> int:
    count, at = 0, 0
    while at < len(body):
        at += 2 + struct.unpack("!H", body[at : at + 2])[0] + 1
        count += 1
    return count


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    (kind,) = await reader.readexactly(1)
    length, shift = 0, 0
    while True:
        (digit,) = await reader.readexactly(1)
        length |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return kind, await reader.readexactly(length)
