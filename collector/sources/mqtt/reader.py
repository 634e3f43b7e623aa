"""A live connection to an MQTT broker, as a source reader."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from collector.payload.format import Message, PayloadFormat
from collector.payload.guard import decode_each
from collector.payload.pace import Pace
from collector.sources.mqtt.connection import MqttConnection
from facility.source import SINCE_LAST_COMMIT, Delivery, GapReport, LinkReport, Notice
from facility.time import Clock

SESSION_LOST = "session_lost"
"""Reason of the gap when the broker has no session of ours: what it kept for us is gone."""
OVERFLOW = "overflow"
"""Reason of the gap when QoS 0 messages came faster than they could be taken."""


@dataclass(frozen=True, slots=True)
class _Token:
    connection: MqttConnection
    messages: list[Message]


class MqttReader:
    """Reads one connection until it is lost; see `facility.source.Reader`."""

    def __init__(
        self,
        connection: MqttConnection,
        payload: PayloadFormat,
        clock: Clock,
        batch_size: int,
        batch_delay_s: float,
        pace: Pace,
    ) -> None:
        self.replayable = True
        self._connection = connection
        self._payload = payload
        self._pace = pace
        self._unacknowledged = 0
        self._quiet_since_s = 0.0
        self._clock = clock
        self._batch_size = batch_size
        self._batch_delay_s = batch_delay_s

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the broker grants less than was asked for."""
        return self._connection.notices

    async def items(self) -> AsyncIterator[Delivery | LinkReport | GapReport]:
        """Yield a gap if the session was lost, then deliveries until the connection is."""
        now = self._clock()
        if not self._connection.session_present:
            yield GapReport(SINCE_LAST_COMMIT, now, SESSION_LOST)
        while True:
            loop = asyncio.get_running_loop()
            self._quiet_since_s = loop.time()
            messages = await self._connection.receive(self._batch_size, self._batch_delay_s)
            if not self._unacknowledged:
                self._pace.quiet(loop.time() - self._quiet_since_s)
            self._unacknowledged += 1
            before, now = now, self._clock()
            if dropped := self._connection.take_dropped():
                yield GapReport(before, now, OVERFLOW, dropped)
            batch, rejected = decode_each(self._payload, messages, now)
            yield Delivery(batch, rejected, _Token(self._connection, messages))

    async def acknowledge(self, token: object) -> None:
        """Acknowledge the messages of a delivery."""
        if isinstance(token, _Token) and token.connection is self._connection:
            await self._connection.acknowledge(token.messages)
            self._unacknowledged -= 1
            # Silence counts from here on: before, messages could wait for this acknowledgement.
            self._quiet_since_s = asyncio.get_running_loop().time()
