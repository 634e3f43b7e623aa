"""The servers that other tests rely on do what those tests need of them."""

import asyncio
from collections.abc import Callable

import aiomqtt
import pytest

from servers import Bucket, InfluxDB, Mosquitto
from waiting import LONGEST_S

LINE = "telemetry,facility=ring,signal=stored_current value={value} {time_ns}"


async def test_a_message_published_to_mosquitto_reaches_its_subscriber(mosquitto: Mosquitto) -> None:
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
        await client.subscribe("ring/#", qos=1)
        await client.publish("ring/stored_current", b"200.1", qos=1)
        async with asyncio.timeout(LONGEST_S):
            message = await anext(aiter(client.messages))
    assert (str(message.topic), message.payload) == ("ring/stored_current", b"200.1")


async def test_a_persistent_mosquitto_keeps_queued_messages_over_a_restart(
    start_mosquitto: Callable[..., Mosquitto],
) -> None:
    broker = start_mosquitto(persistence=True)
    session = {"identifier": "collector", "clean_session": False}
    async with aiomqtt.Client(broker.host, broker.port, **session) as client:
        await client.subscribe("ring/#", qos=1)
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.publish("ring/stored_current", b"200.1", qos=1)
    await asyncio.to_thread(broker.restart)
    async with aiomqtt.Client(broker.host, broker.port, **session) as client, asyncio.timeout(LONGEST_S):
        message = await anext(aiter(client.messages))
    assert message.payload == b"200.1"


async def test_a_mosquitto_with_a_password_refuses_strangers(
    start_mosquitto: Callable[..., Mosquitto],
) -> None:
    broker = start_mosquitto(password="correct horse")
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client(broker.host, broker.port):
            pass
    async with aiomqtt.Client(broker.host, broker.port, username=broker.username, password=broker.password) as client:
        await client.publish("ring/stored_current", b"200.1", qos=1)


def test_a_point_written_over_http_is_read_back(influx_bucket: Bucket) -> None:
    influx_bucket.write(LINE.format(value=200.1, time_ns=1_795_000_000_123_456_789))
    rows = influx_bucket.query("select value from telemetry where signal = 'stored_current'")
    assert rows == [{"time": 1_795_000_000_123_456_789, "value": 200.1}]


def test_each_test_gets_an_empty_bucket(influx_bucket: Bucket) -> None:
    assert influx_bucket.query("select value from telemetry") == []


def test_influxdb_keeps_what_it_acknowledged_over_a_kill(influxdb: InfluxDB) -> None:
    bucket = influxdb.create_bucket()
    bucket.write(LINE.format(value=200.1, time_ns=1))
    influxdb.kill()
    assert not influxdb.running
    influxdb.start()
    assert bucket.query("select value from telemetry") == [{"time": 1, "value": 200.1}]


def test_a_narrow_token_cannot_read(influxdb: InfluxDB) -> None:
    bucket = influxdb.create_bucket()
    influxdb.token = influxdb.create_token(bucket, actions=("write",))
    bucket.write(LINE.format(value=200.1, time_ns=1))
    with pytest.raises(AssertionError, match="not found"):
        bucket.query("select value from telemetry")
