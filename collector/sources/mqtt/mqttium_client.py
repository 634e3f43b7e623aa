"""MQTT by mqttium: acknowledges by hand, and lets the network wait where we cannot keep up."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, cast

from mqttium import (
    ConnectRefusedError,
    MalformedPacketError,
    MQTTError,
    MQTTProtocolVersion,
    NotConnectedError,
    ProtocolError,
    SubscribeError,
)
from mqttium.api import AsyncClient, Properties
from mqttium.api import Message as MqttiumMessage

from collector.payload.format import Message
from collector.sources.mqtt.connection import CONNECT_TIMEOUT_S, KEEPALIVE_S, SUBSCRIBE_TIMEOUT_S, Endpoint
from collector.sources.mqtt.granted import SAYS_311, Granted, notices_of
from collector.sources.mqtt.inbox import Inbox
from facility.errors import UnreachableError

_LOG: Final = logging.getLogger(__name__)

# After these mqttium ends a connection by itself, as MQTT asks; the packet comes again with each new connection.
_UNREADABLE: Final = (MalformedPacketError, ProtocolError)
_LARGEST_PACKET: Final = 268_435_460
"""The protocol's own limit. A smaller one would make the broker drop larger messages without a word."""
# Beyond these the socket is not read, which makes the broker wait. The queue hands on to the inbox.
_QUEUED_MESSAGES: Final = 1024
_QUEUED_BYTES: Final = _LARGEST_PACKET
# Mosquitto 2.0.11 sends more than a lower Receive Maximum allows, and then mqttium ends the connection.
_RECEIVE_MAXIMUM: Final = 65_535


@asynccontextmanager
async def connect_mqttium(endpoint: Endpoint) -> AsyncGenerator["MqttiumConnection"]:
    """Open a connection; leaving the context closes it, the session stays.

    Raises
    ------
    UnreachableError
        If the broker does not answer or refuses us.
    """
    client = AsyncClient(
        endpoint.client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        clean_start=False,
        keepalive=KEEPALIVE_S,
        username=endpoint.username,
        password=endpoint.password,
        connect_properties=Properties({"session_expiry_interval": endpoint.session_expiry_s}),
        maximum_packet_size=_LARGEST_PACKET,
        max_inbound_inflight=_RECEIVE_MAXIMUM,
        manual_ack=True,
        max_iterator_messages=_QUEUED_MESSAGES,
        max_iterator_bytes=_QUEUED_BYTES,
        connect_timeout=CONNECT_TIMEOUT_S,
        subscribe_timeout=SUBSCRIBE_TIMEOUT_S,
    )
    async with client:
        try:
            answer = await client.connect(endpoint.host, endpoint.port, ssl=endpoint.tls)
        except ConnectRefusedError as error:
            raise endpoint.refused(error.reason_code) from error
        except MalformedPacketError as error:
            # What a broker of MQTT 3.1.1 answers is no CONNACK of MQTT 5.
            if "CONNACK" in str(error) and "reason code 0x01" in str(error):
                raise endpoint.refused(SAYS_311) from error
            raise endpoint.unreachable(f"it does not answer as an MQTT broker does: {error}") from error
        except (MQTTError, OSError) as error:
            raise endpoint.unreachable(error) from error
        properties = answer.properties
        granted = Granted(
            None if properties is None else cast("int | None", properties.get("session_expiry_interval")),
            2 if properties is None else cast("int", properties.get("maximum_qos", 2)),
        )
        connection = MqttiumConnection(client, endpoint, answer.session_present, granted)
        pump = asyncio.create_task(connection.pump(), name=f"{endpoint.source_id}: mqttium")
        try:
            yield connection
        finally:
            pump.cancel()
            with suppress(asyncio.CancelledError):
                await pump


class MqttiumConnection:
    """`collector.sources.mqtt.connection.MqttConnection` by mqttium."""

    def __init__(self, client: AsyncClient, endpoint: Endpoint, session_present: bool, granted: Granted) -> None:
        self.session_present = session_present
        self.unreadable = False
        self.notices = notices_of(endpoint.where, endpoint.session_expiry_s, granted, endpoint.topics, ())
        self._granted = granted
        self._client = client
        self._endpoint = endpoint
        self._inbox = Inbox()

    async def pump(self) -> None:
        """Move messages into the inbox until the connection ends; while that is full, the network waits."""
        inbox = self._inbox
        try:
            async for message in self._client.messages():
                inbox.put(message)
                if inbox.full:
                    await inbox.room()
        except Exception as error:
            # Not only its own errors: whatever the library cannot go on with ends this connection, not kado.
            inbox.close(self._ended(repr(error) if not isinstance(error, MQTTError) else error))
        else:
            inbox.close(self._ended("closed"))

    def _ended(self, why: object) -> UnreachableError:
        """Return the error of a connection that ended; by the library's word for it, if it has one."""
        last = self._client.stats().last_disconnect_error
        if last is not None and last.startswith(tuple(f"{kind.__name__}:" for kind in _UNREADABLE)):
            self.unreadable = True
            return self._endpoint.unreadable(last)
        return self._endpoint.lost(why if last is None else last)

    async def subscribe(self) -> None:
        """Subscribe to the endpoint's topics."""
        try:
            answer = await self._client.subscribe(self._endpoint.topics, qos=1)
        except SubscribeError as error:
            raise self._endpoint.not_subscribed(error.result.reason_codes) from error
        except (MQTTError, OSError) as error:
            raise self._ended(error) from error
        endpoint = self._endpoint
        self.notices = notices_of(
            endpoint.where, endpoint.session_expiry_s, self._granted, endpoint.topics, answer.reason_codes
        )

    async def receive(self, at_most: int, linger_s: float) -> list[Message]:
        """Return the next messages."""
        return await self._inbox.take(at_most, linger_s)

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages in order."""
        ack = self._client.ack
        for message in cast("Sequence[MqttiumMessage]", messages):
            try:
                await ack(message)
            except NotConnectedError:
                return
            except ProtocolError:
                # The broker sent it twice with one packet id: the first acknowledgement was for both.
                _LOG.debug("source %s: message %s is acknowledged already", self._endpoint.source_id, message.mid)
            except MQTTError as error:
                raise self._endpoint.lost(error) from error

    def end(self, error: BaseException) -> None:
        """Let `receive` raise an error once all that came has been returned."""
        self._inbox.close(error)

    def take_dropped(self) -> int:
        """Return 0: nothing is dropped, the network waits."""
        return 0
