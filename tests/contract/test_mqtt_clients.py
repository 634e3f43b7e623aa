"""One contract on both MQTT clients, against a real broker: nothing is lost, nothing is acknowledged early."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import aiomqtt
import pytest

from collector.payload.format import Message
from collector.sources.mqtt import inbox
from collector.sources.mqtt.connection import MqttConnection
from collector.sources.mqtt.spec import MqttSource, TopicMapping
from facility.errors import AuthorizationError, UnreachableError
from facility.profile import load_profile
from facility.source import SINCE_LAST_COMMIT, Delivery, GapReport
from servers import Mosquitto, free_port, require
from waiting import LONGEST_S

Client = Literal["mqttium", "aiomqtt"]
TOPIC = "ring/stored_current"
START_NS = 1_795_431_969_000_000_000
PROFILE = load_profile("nanoterasu_sim")


@dataclass(frozen=True)
class Ring:
    """A source at a broker, and somebody who publishes to it."""

    client: Client
    broker: Mosquitto
    topics: tuple[str, ...] = (TOPIC,)
    client_id: str = "kado-contract"
    username: str | None = None
    password: str | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[MqttConnection]:
        """Connect and subscribe, below the reader."""
        source = spec(self.client, self.broker.url, topics=self.topics, client_id=self.client_id)
        endpoint = replace(source._endpoint(PROFILE.id), username=self.username, password=self.password)
        async with source._open(endpoint) as connection:
            subscribing = asyncio.create_task(connection.subscribe())
            # What a test publishes next must find the subscription there, however slow the machine is.
            await asyncio.wait({subscribing}, timeout=LONGEST_S)
            try:
                yield connection
            finally:
                # It fails where the connection is lost at once.
                await asyncio.gather(subscribing, return_exceptions=True)

    async def publish(self, *payloads: bytes, topic: str = TOPIC, qos: int = 1, retain: bool = False) -> None:
        async with aiomqtt.Client(self.broker.host, self.broker.port) as client:
            for payload in payloads:
                await client.publish(topic, payload, qos=qos, retain=retain)


def spec(client: Client, url: str, *, topics: tuple[str, ...] = (TOPIC,), **options: object) -> MqttSource:
    signals = ("stored_current", "stored_current_2", "beam_lifetime")
    mappings = [TopicMapping(topic=t, signal=s) for t, s in zip(topics, signals, strict=False)]
    return MqttSource.model_validate({"id": "ring", "url": url, "client": client, "signal": mappings, **options})


@pytest.fixture(params=["mqttium", "aiomqtt"])
def client(request: pytest.FixtureRequest) -> Client:
    return request.param


@pytest.fixture
def ring(client: Client, mosquitto: Mosquitto) -> Ring:
    return Ring(client, mosquitto)


async def receive(connection: MqttConnection, count: int, *, timeout_s: float = 60.0) -> list[Message]:
    messages: list[Message] = []
    async with asyncio.timeout(timeout_s):
        while len(messages) < count:
            messages += await connection.receive(count - len(messages), 0.01)
    return messages


def payloads(messages: list[Message]) -> list[bytes]:
    return [bytes(m.payload) for m in messages]


def numbered(count: int) -> list[bytes]:
    return [b"%d" % i for i in range(count)]


async def nothing_more(connection: MqttConnection, seconds: float = 0.3) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return not await connection.receive(1, 0)
    except TimeoutError:
        return True


async def test_messages_arrive_in_the_order_in_which_they_were_published(ring: Ring) -> None:
    async with ring.connection() as connection:
        publishing = asyncio.create_task(ring.publish(*numbered(300)))
        messages = await receive(connection, 300)
        await publishing
    assert payloads(messages) == numbered(300)
    assert {m.topic for m in messages} == {TOPIC}


async def test_what_was_not_acknowledged_comes_again_after_a_reconnect_and_nothing_else(ring: Ring) -> None:
    async with ring.connection() as connection:
        assert not connection.session_present
        await ring.publish(*numbered(50))
        messages = await receive(connection, 50)
        await connection.acknowledge(messages[:20])
        # The acknowledgements have left once the broker has answered something that was sent behind them.
        await connection.subscribe()
    async with ring.connection() as connection:
        assert connection.session_present
        again = await receive(connection, 30)
        assert await nothing_more(connection)
        await connection.acknowledge(again)
        await connection.subscribe()
    assert payloads(again) == numbered(50)[20:]
    async with ring.connection() as connection:
        assert await nothing_more(connection)


async def test_what_was_published_while_nobody_was_connected_is_kept(ring: Ring) -> None:
    async with ring.connection():
        pass
    await ring.publish(*numbered(100))
    async with ring.connection() as connection:
        assert payloads(await receive(connection, 100)) == numbered(100)


HANGING = """
import asyncio, sys
sys.path += sys.argv[4:]
from contract_clients import Ring, receive
from servers import Mosquitto

class Broker:
    url, host, port = sys.argv[2], "127.0.0.1", int(sys.argv[3])

async def main():
    async with Ring(sys.argv[1], Broker()).connection() as connection:
        messages = await receive(connection, 40)
        await connection.acknowledge(messages[:10])
        await connection.subscribe()
        print(len(messages), flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def hanging(tmp_path: Path) -> Path:
    """A program that acknowledges 10 of 40 messages, then hangs."""
    # It imports this very file, which needs a name for that.
    (tmp_path / "contract_clients.py").write_text(Path(__file__).read_text())
    program = tmp_path / "hanging.py"
    program.write_text(HANGING)
    return program


async def test_what_was_not_acknowledged_comes_again_after_kill_9(ring: Ring, hanging: Path) -> None:
    async with ring.connection():
        pass
    await ring.publish(*numbered(40))
    command = [sys.executable, str(hanging), ring.client, ring.broker.url, str(ring.broker.port), *sys.path]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"40\n"
    process.kill()
    await process.wait()
    async with ring.connection() as connection:
        assert connection.session_present
        again = await receive(connection, 30)
    assert payloads(again) == numbered(40)[10:]


async def test_acknowledging_on_a_connection_that_is_gone_does_nothing(ring: Ring) -> None:
    async with ring.connection() as connection:
        await ring.publish(*numbered(5))
        messages = await receive(connection, 5)
    await connection.acknowledge(messages)
    async with ring.connection() as connection:
        assert payloads(await receive(connection, 5)) == numbered(5)


async def test_a_broker_that_forgot_the_session_says_so(ring: Ring) -> None:
    async with ring.connection():
        pass
    async with ring.connection() as connection:
        assert connection.session_present
    await asyncio.to_thread(ring.broker.restart)
    async with ring.connection() as connection:
        assert not connection.session_present


async def test_a_lost_connection_is_told_after_everything_that_came_before(ring: Ring) -> None:
    async with ring.connection() as connection:
        await ring.publish(*numbered(20))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(ring.broker.stop)
        assert payloads(await receive(connection, 20)) == numbered(20)
        with pytest.raises(UnreachableError, match=r"source ring: connection to MQTT broker mqtt://127.0.0.1:\d+ lost"):
            await receive(connection, 1)


async def test_samples_flow_on_after_the_broker_was_restarted_with_its_sessions(
    client: Client, start_mosquitto: Callable[..., Mosquitto]
) -> None:
    ring = Ring(client, start_mosquitto(persistence=True))
    async with ring.connection() as connection:
        await ring.publish(*numbered(10))
        messages = await receive(connection, 10)
        await asyncio.to_thread(ring.broker.restart)
        await connection.acknowledge(messages)
        with pytest.raises(UnreachableError):
            await receive(connection, 1)
    async with ring.connection() as connection:
        assert connection.session_present
        assert payloads(await receive(connection, 10)) == numbered(10)


async def test_a_large_payload_arrives_and_does_not_hold_up_what_follows(ring: Ring) -> None:
    large = b"x" * 10_000_000
    async with ring.connection() as connection:
        await ring.publish(b"before", large, b"after")
        messages = await receive(connection, 3)
        assert payloads(messages) == [b"before", large, b"after"]
        await connection.acknowledge(messages)
        await connection.subscribe()
    async with ring.connection() as connection:
        assert await nothing_more(connection)


async def test_topics_may_be_in_any_script(client: Client, mosquitto: Mosquitto) -> None:
    topic = "ナノテラス/蓄積電流/Überstrom"
    ring = Ring(client, mosquitto, topics=(topic,))
    async with ring.connection() as connection:
        await ring.publish(b"1", topic=topic)
        (message,) = await receive(connection, 1)
    assert message.topic == topic


async def test_a_backlog_far_larger_than_the_inbox_is_received_whole(ring: Ring) -> None:
    count = 11_000
    async with ring.connection():
        pass
    async with aiomqtt.Client(ring.broker.host, ring.broker.port, max_inflight_messages=1000) as publisher:
        publisher.pending_calls_threshold = count
        for first in range(0, count, 1000):
            await asyncio.gather(*(publisher.publish(TOPIC, b"%d" % i, qos=1) for i in range(first, first + 1000)))
    received: list[bytes] = []
    async with ring.connection() as connection, asyncio.timeout(LONGEST_S):
        while len(received) < count:
            messages = await connection.receive(2000, 0.01)
            await connection.acknowledge(messages)
            received += payloads(messages)
    assert received == numbered(count)


async def test_a_retained_message_is_marked(ring: Ring) -> None:
    await ring.publish(b"old", retain=True)
    async with ring.connection() as connection:
        (old,) = await receive(connection, 1)
        await ring.publish(b"new")
        (new,) = await receive(connection, 1)
    assert (old.retain, new.retain) == (True, False)


async def test_qos_0_messages_arrive_and_need_no_acknowledgement(ring: Ring) -> None:
    async with ring.connection() as connection:
        await ring.publish(*numbered(5), qos=0)
        messages = await receive(connection, 5)
        await connection.acknowledge(messages)
    assert payloads(messages) == numbered(5)


async def test_a_wrong_password_is_refused(client: Client, start_mosquitto: Callable[..., Mosquitto]) -> None:
    broker = start_mosquitto(password="right")
    ring = Ring(client, broker, username=broker.username, password="wrong")
    with pytest.raises(AuthorizationError, match=r"mqtt://127.0.0.1:\d+ refuses user 'kado'.*check username"):
        async with ring.connection():
            pass
    async with replace(ring, password="right").connection() as connection:
        assert not connection.session_present


async def test_an_unreachable_broker_is_named_with_what_to_check(client: Client) -> None:
    source = spec(client, f"mqtt://127.0.0.1:{free_port()}")
    with pytest.raises(
        UnreachableError, match=r"source ring: MQTT broker mqtt://127.0.0.1:\d+ cannot be reached .*is it running"
    ):
        async with source.connect(PROFILE, lambda: START_NS):
            pass


@asynccontextmanager
async def made_up_broker(answer: Callable[[bytes], bytes | None]) -> AsyncIterator[str]:
    """Take any connection; answer the request to subscribe, given its two bytes of packet id, or hang up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x20\x03\x00\x00\x00")
        while b"ring/stored_current" not in (packet := await reader.read(1000)):
            pass
        if (reply := answer(packet[packet.index(b"\x82") + 2 :][:2])) is not None:
            writer.write(reply)
            await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"


# Mosquitto 2.0.11 itself says yes, and delivers nothing.
async def test_topics_that_the_broker_does_not_let_us_read_are_named(client: Client) -> None:
    async with (
        made_up_broker(lambda packet_id: b"\x90\x05" + packet_id + b"\x00\x01\x87") as url,
        asyncio.timeout(LONGEST_S),
    ):
        source = spec(client, url, topics=(TOPIC, "ring/secret"))
        with pytest.raises(
            AuthorizationError, match=r"does not let user None subscribe to ring/secret .not authorized"
        ):
            async with source.connect(PROFILE, lambda: START_NS):
                pass


async def test_a_broker_that_goes_away_while_we_subscribe_does_not_hold_us_up(client: Client) -> None:
    async with made_up_broker(lambda packet_id: None) as url, asyncio.timeout(LONGEST_S):
        with pytest.raises(UnreachableError, match=r"connection to MQTT broker .* lost"):
            async with spec(client, url).connect(PROFILE, lambda: START_NS):
                pass


async def test_a_second_kado_with_the_same_client_id_is_named(ring: Ring) -> None:
    async with ring.connection() as first:
        async with ring.connection():
            with pytest.raises(UnreachableError, match="another client connected with our client id 'kado-contract'"):
                await receive(first, 1)


async def test_a_flood_that_nobody_could_repeat_is_dropped_only_with_its_count(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "LIMIT_MESSAGES", 10)
    async with ring.connection() as connection:
        await ring.publish(*numbered(200), qos=0)
        await ring.publish(b"200")
        await asyncio.sleep(0.2)
        received: list[bytes] = []
        async with asyncio.timeout(LONGEST_S):
            while not received or received[-1] != b"200":
                received += payloads(await connection.receive(50, 0.01))
        assert len(received) + connection.take_dropped() == 201
        assert connection.take_dropped() == 0
        # One that can hold the network up drops nothing.
        assert ring.client == "aiomqtt" or received == numbered(201)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate for 127.0.0.1, and its key, in one file."""
    made, key = tmp_path / "broker.pem", tmp_path / "broker.key"
    options = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        [require("openssl"), *options.split(), "-out", made, "-keyout", key], check=True, capture_output=True
    )
    made.write_text(made.read_text() + key.read_text())
    return made


# paho leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
async def test_a_broker_that_speaks_tls_must_have_a_certificate_that_we_trust(
    client: Client, tmp_path: Path, certificate: Path
) -> None:
    broker = Mosquitto(tmp_path / "tls")
    lines = broker._configuration.read_text().splitlines()
    lines[1:1] = [f"certfile {certificate}", f"keyfile {certificate}"]
    broker._configuration.write_text("\n".join(lines) + "\n")
    await asyncio.to_thread(broker.start)
    try:
        url = broker.url.replace("mqtt://", "mqtts://")
        async with spec(client, url, ca_file=str(certificate)).connect(PROFILE, lambda: START_NS) as reader:
            assert isinstance(await anext(reader.items()), GapReport)
        # What is not trusted.
        with pytest.raises(UnreachableError, match="certificate verify failed"):
            async with spec(client, url).connect(PROFILE, lambda: START_NS):
                pass
    finally:
        await asyncio.to_thread(broker.stop)


# --- The same, one floor up: the reader of a source.


def sample(i: int) -> bytes:
    return b'{"time": %d, "value": %d}' % (START_NS + i, i)


async def test_the_reader_reports_a_lost_session_and_delivers_until_it_is_acknowledged(ring: Ring) -> None:
    source = spec(ring.client, ring.broker.url, batch_size=10, batch_delay_s=1.0)
    async with source.connect(PROFILE, lambda: START_NS) as reader:
        items = reader.items()
        assert await anext(items) == GapReport(SINCE_LAST_COMMIT, START_NS, "session_lost")
        await ring.publish(*(sample(i) for i in range(10)))
        first = await delivery(items, 10)
    async with source.connect(PROFILE, lambda: START_NS) as reader:
        await delivery(reader.items(), 10)
        # The token of a connection that is gone acknowledges nothing on this one.
        await reader.acknowledge(first.token)
        await reader._connection.subscribe()
    async with source.connect(PROFILE, lambda: START_NS) as reader:
        again = await delivery(reader.items(), 10)
        await reader.acknowledge(again.token)
        await reader._connection.subscribe()
    async with source.connect(PROFILE, lambda: START_NS) as reader:
        assert await silent(reader.items())


async def delivery(items: AsyncIterator[object], samples: int) -> Delivery:
    """Return one delivery that holds the samples 0, 1, ..."""
    async with asyncio.timeout(LONGEST_S):
        item = await anext(items)
    assert isinstance(item, Delivery)
    assert item.batch is not None
    assert item.batch.value.tolist() == list(range(samples))
    return item


async def silent(items: AsyncIterator[object]) -> bool:
    try:
        async with asyncio.timeout(0.3):
            await anext(items)
    except TimeoutError:
        return True
    return False


async def test_a_payload_over_the_limit_is_rejected_and_acknowledged_like_any_other(ring: Ring) -> None:
    source = spec(ring.client, ring.broker.url)
    async with source.connect(PROFILE, lambda: START_NS) as reader:
        items = reader.items()
        await anext(items)
        await ring.publish(b"x" * 10_000_000, sample(1))
        rejected: list[str] = []
        values: list[float] = []
        async with asyncio.timeout(LONGEST_S):
            while not values:
                item = await anext(items)
                assert isinstance(item, Delivery)
                rejected += [r.detail for r in item.rejected]
                assert all(len(r.payload) < 100_000 for r in item.rejected)
                values += [] if item.batch is None else item.batch.value.tolist()
                await reader.acknowledge(item.token)
        await reader._connection.subscribe()
    assert rejected == ["10000000 bytes, and max_payload_bytes = 1048576: raise that, or send less at once"]
    async with source.connect(PROFILE, lambda: START_NS) as reader:
        assert await silent(reader.items())
