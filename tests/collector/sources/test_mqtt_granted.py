"""What a broker grants less than was asked for is said; what it refuses is said by its name; with both clients."""

import asyncio
import random
from pathlib import Path
from typing import Literal

import pytest

from collector.collector import Collector
from collector.intake import Intake
from collector.landing import Landing
from collector.ledger import read_ledger
from collector.sources.mqtt import aiomqtt_client
from collector.sources.mqtt.reader import MqttReader
from collector.sources.mqtt.spec import MqttSource
from facility.errors import AuthorizationError, UnreachableError
from facility.profile import load_profile
from facility.source import Delivery, Notice
from facility.time import system_clock
from scripted_broker import MAXIMUM_QOS, OLD_CONNACK, SESSION_EXPIRY, ScriptedBroker, connack, publish
from storage.telemetry_db.counters import Entry
from waiting import LONGEST_S, until

PROFILE = load_profile("nanoterasu_sim")
TOPIC = "ring/stored_current"

Client = Literal["mqttium", "aiomqtt"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    # aiomqtt waits for so long also where the broker has hung up.
    monkeypatch.setattr(aiomqtt_client, "CONNECT_TIMEOUT_S", 1.0)


@pytest.fixture(params=["mqttium", "aiomqtt"])
def client(request: pytest.FixtureRequest) -> Client:
    return request.param


def source(client: Client, broker: ScriptedBroker) -> MqttSource:
    signals = [{"topic": TOPIC, "signal": "stored_current"}, {"topic": "ring/two", "signal": "stored_current_2"}]
    return MqttSource.model_validate({"id": "ring", "url": broker.url, "client": client, "signal": signals})


async def notices(client: Client, broker: ScriptedBroker) -> tuple[Notice, ...]:
    async with broker.serving(), source(client, broker).connect(PROFILE, system_clock) as reader:
        return reader.notices


async def test_a_broker_that_grants_what_was_asked_for_needs_no_notice(client: Client) -> None:
    assert await notices(client, ScriptedBroker()) == ()


@pytest.mark.parametrize(
    ("broker", "kind", "text"),
    [
        (ScriptedBroker(granted=(0,)), "qos_not_granted", "grants QoS 0 and not 1 for 2 of 2 topics"),
        (ScriptedBroker(granted=(1, 0)), "qos_not_granted", "for 1 of 2 topics, the first is ring/two"),
        (
            ScriptedBroker(connack(properties=SESSION_EXPIRY + (3600).to_bytes(4))),
            "session_expiry_shortened",
            "keeps the session for 3600 s and not for session_expiry_s = 604800",
        ),
    ],
)
async def test_a_promise_that_is_smaller_is_said(client: Client, broker: ScriptedBroker, kind: str, text: str) -> None:
    (notice,) = await notices(client, broker)
    assert notice.kind == kind
    assert f"source ring: MQTT broker {broker.url}" in notice.text
    assert text in notice.text


async def test_a_broker_whose_maximum_is_qos_0_is_said(client: Client) -> None:
    broker = ScriptedBroker(connack(properties=MAXIMUM_QOS + b"\x00"), granted=(0,))
    (notice,) = await notices(client, broker)
    assert notice.kind == "qos_not_granted"


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (OLD_CONNACK, UnreachableError, "does not speak MQTT 5"),
        (connack(0x84), UnreachableError, "does not speak MQTT 5"),
        (connack(0x85), UnreachableError, "client identifier not valid, code 0x85"),
        (connack(0x86), AuthorizationError, "bad user name or password, code 0x86"),
        (connack(0x87), AuthorizationError, "not authorized, code 0x87"),
        (connack(0x88), UnreachableError, "server unavailable, code 0x88"),
        (connack(0x97), UnreachableError, "quota exceeded, code 0x97"),
        (connack(0x9F), UnreachableError, "connection rate exceeded, code 0x9f"),
        (b"", UnreachableError, "cannot be reached"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", UnreachableError, "cannot be reached"),
    ],
)
async def test_a_refusal_is_said_by_its_name(
    client: Client, answer: bytes, error: type[UnreachableError], text: str
) -> None:
    async with ScriptedBroker(answer).serving() as broker:
        with pytest.raises(UnreachableError, match=text) as raised:
            async with source(client, broker).connect(PROFILE, system_clock):
                pass
    assert type(raised.value) is error
    assert broker.url in str(raised.value)


@pytest.mark.parametrize(("code", "text"), [(0x87, "not authorized"), (0x8F, "topic filter invalid"), (0x97, "quota")])
async def test_a_topic_that_is_refused_is_named_with_the_reason(client: Client, code: int, text: str) -> None:
    async with ScriptedBroker(granted=(1, code)).serving() as broker:
        with pytest.raises(AuthorizationError, match=f"subscribe to ring/two .{text}"):
            async with source(client, broker).connect(PROFILE, system_clock):
                pass


def sample(i: int) -> bytes:
    return b'{"time": %d, "value": %d}' % (1_795_431_969_000_000_000 + i, i)


async def read(reader: MqttReader, messages: int) -> list[Delivery]:
    found: list[Delivery] = []
    async with asyncio.timeout(LONGEST_S):
        async for item in reader.items():
            if isinstance(item, Delivery):
                found.append(item)
                await reader.acknowledge(item.token)
                samples = sum(len(d.batch or ()) for d in found) + sum(r.count for d in found for r in d.rejected)
                if samples >= messages:
                    break
    return found


async def test_a_packet_identifier_that_comes_twice_unacknowledged_stops_nothing(client: Client) -> None:
    topic = TOPIC.encode()
    packets = [publish(topic, sample(0), 7), publish(topic, sample(0), 7, dup=True), publish(topic, sample(1), 8)]
    async with ScriptedBroker(packets=packets).serving() as broker:
        async with source(client, broker).connect(PROFILE, system_clock) as reader:
            found = await read(reader, 3)
            async with asyncio.timeout(LONGEST_S):
                while 8 not in broker.acknowledged:
                    await asyncio.sleep(0.01)
    assert [v for d in found if d.batch is not None for v in d.batch.value.tolist()] == [0.0, 0.0, 1.0]
    assert set(broker.acknowledged) == {7, 8}


class Hasty(random.Random):
    """Waits next to nothing between connections."""

    def uniform(self, a: float, b: float) -> float:
        return 0.001


async def test_a_topic_that_mqtt_does_not_allow_stops_no_source(client: Client, tmp_path: Path) -> None:
    topics = [b"ring/\xff\xfe", b"ring/\x00", b"ring/#", b""]
    packets = [publish(topic, sample(i), 7 + i) for i, topic in enumerate(topics)]
    packets.append(publish(TOPIC.encode(), sample(9), 16))
    async with ScriptedBroker(connack(session_present=True), packets=packets).serving() as broker:
        landing = await asyncio.to_thread(Landing.open, tmp_path, PROFILE.id, "embedded")
        intake = Intake(PROFILE, ["ring"], system_clock)
        collector = Collector(PROFILE, [source(client, broker)], intake, landing, system_clock, Hasty(1))
        task = asyncio.create_task(collector.run())
        await until(lambda: 16 in broker.acknowledged)
        status = collector.status()["ring"]
        task.cancel()
        await asyncio.wait([task])
        await asyncio.to_thread(landing.close)
    assert broker.acknowledged == [7, 8, 9, 10, 16]
    # mqttium ends its connection, as MQTT asks; the next one is held by aiomqtt.
    assert status.connects == (2 if client == "mqttium" else 1)
    assert status.last_error == "" or "find who publishes it" in status.last_error
    ledger = await asyncio.to_thread(read_ledger, tmp_path)
    assert {row.cause: row.count for row in ledger.rows if row.entry == Entry.REJECTED} == {"unknown_topic": 4}
    assert ledger.held()["stored_current"] == 1


async def test_after_a_connection_by_aiomqtt_the_client_that_was_chosen_is_tried_again() -> None:
    async with ScriptedBroker(packets=[publish(b"ring/\xff", sample(0), 7)]).serving() as broker:
        ring = source("mqttium", broker)
        with pytest.raises(UnreachableError, match="the next one is held by aiomqtt"):
            async with ring.connect(PROFILE, system_clock) as reader:
                await read(reader, 1)
        async with ring.connect(PROFILE, system_clock) as reader:
            (found,) = await read(reader, 1)
        assert [r.address for r in found.rejected] == ["ring/\\xff"]
        with pytest.raises(UnreachableError, match="mqttium ends the connection"):
            async with ring.connect(PROFILE, system_clock) as reader:
                await read(reader, 1)
