"""MQTT by aiomqtt, which drives paho-mqtt.

aiomqtt by itself acknowledges on arrival, hides whether the session was present, and makes a task for each message.
So paho's own switches are used below it; what aiomqtt adds is the connection on the event loop.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from collector.payload.format import Message
from collector.sources.mqtt.connection import CONNECT_TIMEOUT_S, KEEPALIVE_S, SUBSCRIBE_TIMEOUT_S, Endpoint
from collector.sources.mqtt.granted import Granted, notices_of
from collector.sources.mqtt.inbox import Inbox
from facility.errors import UnreachableError

_RECEIVE_MAXIMUM: Final = 1000
"""Unacknowledged QoS 1 messages that the broker may send: paho reads on whether or not we keep up."""


@asynccontextmanager
async def connect_aiomqtt(endpoint: Endpoint) -> AsyncGenerator["AiomqttConnection"]:
    """Open a connection; leaving the context closes it, the session stays.

    Raises
    ------
    UnreachableError
        If the broker does not answer or refuses us.
    """
    connection = AiomqttConnection(endpoint)
    try:
        await connection.open()
    except MqttConnectError as error:
        raise endpoint.refused(_code(error.rc) or 0) from error
    except aiomqtt.MqttError as error:
        raise endpoint.unreachable(error) from error
    try:
        yield connection
    finally:
        await connection.close()


class AiomqttConnection:
    """`collector.sources.mqtt.connection.MqttConnection` by aiomqtt."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.session_present = False
        self.unreadable = False
        self._granted = Granted()
        self._endpoint = endpoint
        self._inbox = Inbox()
        self._dropped = 0
        self._look_at(())
        self._ended: asyncio.Future[None]
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = endpoint.session_expiry_s
        properties.ReceiveMaximum = _RECEIVE_MAXIMUM
        self._client = aiomqtt.Client(
            endpoint.host,
            endpoint.port,
            username=endpoint.username,
            password=endpoint.password,
            identifier=endpoint.client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            keepalive=KEEPALIVE_S,
            properties=properties,
            tls_context=endpoint.tls,
            timeout=CONNECT_TIMEOUT_S,
        )
        # The only way to paho's switches.
        self._paho: paho.Client = self._client._client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # aiomqtt has no public name for it
        self._paho.manual_ack_set(True)
        self._paho.on_message = self._on_message
        self._connected = self._paho.on_connect
        self._paho.on_connect = self._on_connect

    async def open(self) -> None:
        """Connect; raises what aiomqtt raises."""
        await self._client.__aenter__()
        # The only word of a connection that ends without anything being asked of it.
        self._ended = self._client._disconnected  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # aiomqtt has no public name for it
        self._ended.add_done_callback(self._on_end)

    async def close(self) -> None:
        """Disconnect, if that is still to be done."""
        try:
            await self._client.__aexit__(None, None, None)
        except aiomqtt.MqttError:
            # It is gone either way.
            pass

    async def subscribe(self) -> None:
        """Subscribe to the endpoint's topics."""
        topics = [(topic, 1) for topic in self._endpoint.topics]
        asking = asyncio.ensure_future(self._client.subscribe(topics, timeout=SUBSCRIBE_TIMEOUT_S))
        try:
            # aiomqtt would wait on for its answer after the connection is lost.
            await asyncio.wait([asking, self._ended], return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise self._lost()
            codes = [_code(code) or 0 for code in await asking]
        except aiomqtt.MqttError as error:
            raise self._endpoint.lost(error) from error
        finally:
            asking.cancel()
        if any(code >= 0x80 for code in codes):
            raise self._endpoint.not_subscribed(codes)
        self._look_at(codes)

    async def receive(self, at_most: int, linger_s: float) -> list[Message]:
        """Return the next messages."""
        return await self._inbox.take(at_most, linger_s)

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages in order."""
        if not self._paho.is_connected():
            return
        for message in cast("Sequence[paho.MQTTMessage]", messages):
            if message.qos:
                self._paho.ack(message.mid, message.qos)

    def end(self, error: BaseException) -> None:
        """Let `receive` raise an error once all that came has been returned."""
        self._inbox.close(error)

    def take_dropped(self) -> int:
        """Return how many QoS 0 messages found the inbox full."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _on_message(self, client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        # What is not acknowledged is bounded by the broker; QoS 0 has no bound.
        if message.qos == 0 and self._inbox.full:
            self._dropped += 1
        else:
            message.payload = bytes(message.payload)
            _make_topic_readable(message)
            self._inbox.put(cast("Message", message))

    def _on_connect(
        self, client: paho.Client, userdata: object, flags: paho.ConnectFlags, code: ReasonCode, properties: Any
    ) -> None:
        self.session_present = flags.session_present
        self._granted = Granted(
            getattr(properties, "SessionExpiryInterval", None), int(getattr(properties, "MaximumQoS", 2))
        )
        self._look_at(())
        if self._connected is not None:
            cast("Any", self._connected)(client, userdata, flags, code, properties)

    def _look_at(self, qos: Sequence[int]) -> None:
        endpoint = self._endpoint
        self.notices = notices_of(endpoint.where, endpoint.session_expiry_s, self._granted, endpoint.topics, qos)

    def _on_end(self, ended: asyncio.Future[None]) -> None:
        self._inbox.close(self._lost())

    def _lost(self) -> UnreachableError:
        cancelled = self._ended.cancelled()
        return self._endpoint.lost("closed" if cancelled else self._ended.exception() or "closed")


def _make_topic_readable(message: paho.MQTTMessage) -> None:
    """Escape what is not UTF-8 in a topic: paho decodes it on each access, and nobody has mapped such a topic."""
    try:
        _ = message.topic
    except UnicodeDecodeError as error:
        message.topic = bytes(error.object).decode(errors="backslashreplace").encode()


def _code(reason: object) -> int | None:
    """Return a reason code as the number that the protocol gives it."""
    if isinstance(reason, ReasonCode):
        return int(reason.value)
    return reason if isinstance(reason, int) else None
