"""The publisher brings every sample to a real broker, over lost connections too."""

import asyncio
import csv
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from facility.batch import Batch
from facility.errors import ConfigError
from facility.profile import load_profile
from facility.time import NS_PER_S, parse_time, system_clock
from servers import Mosquitto
from simulators.answer_key import AnswerKey
from simulators.feed import Feed
from simulators.load import Load
from simulators.machine import Machine
from simulators.mqtt_publisher import Publisher, ring_topics
from simulators.outlets.sample import samples_of
from simulators.scenario import load_scenario
from waiting import until

PROFILE = load_profile("nanoterasu_sim")
QUIET = load_scenario("quiet_week")
START = parse_time("2026-11-10T09:55:00+09:00")
END = START + 60 * NS_PER_S


@asynccontextmanager
async def subscribed(broker: Mosquitto, received: list[tuple[str, Any]]) -> AsyncIterator[None]:
    """Collect (topic, document) of everything that the broker passes on."""
    async with aiomqtt.Client(broker.host, broker.port, max_queued_incoming_messages=0) as client:
        await client.subscribe("#", qos=1)

        async def collect() -> None:
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                received.append((message.topic.value, json.loads(message.payload)))

        task = asyncio.create_task(collect())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_every_sample_arrives_once_as_json_under_its_topic(mosquitto: Mosquitto, tmp_path: Path) -> None:
    machine = Machine(PROFILE, QUIET)
    written = tmp_path / "written.csv"
    received: list[tuple[str, Any]] = []
    topics = ring_topics(PROFILE.id, machine.signals)
    publisher = Publisher(mosquitto.url, topics, written=written)
    expected = samples_of(Batch.concat(list(machine.history(START, END))))
    async with subscribed(mosquitto, received):
        feed = Feed(machine, lambda: END, start_ns=START, end_ns=END)
        published = await publisher.run(feed.items())
        await until(lambda: len(received) >= len(expected))
    assert published.samples == len(expected)
    assert (published.resent, published.connections, published.first_ns) == (0, 1, START)
    assert received == [(topics[s.signal], json.loads(s.payload())) for s in expected]
    tuning = {"time": "2026-11-10T00:55:00Z", "value": "tuning", "quality": "good"}
    assert ("nanoterasu_sim/ring/machine_mode", tuning) in received
    rows = list(csv.DictReader(written.read_text().splitlines()))
    assert [(int(r["time"]), r["signal"], r["value"], r["quality"]) for r in rows] == [
        (s.time_ns, s.signal, str(s.value), s.quality) for s in expected
    ]


async def test_what_was_not_acknowledged_is_sent_again_once_the_broker_is_back(
    start_mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    broker = start_mosquitto(persistence=True)
    load = Load(20, 10.0)
    start = system_clock() // NS_PER_S * NS_PER_S
    end = start + 4 * NS_PER_S
    written = tmp_path / "written.csv"
    received: list[tuple[str, Any]] = []
    publisher = Publisher(broker.url, ring_topics(load.facility, load.names), written=written)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(publisher.run(Feed(load, system_clock, start_ns=start, end_ns=end).items()))
        await until(lambda: publisher.published.samples > 200)
        await asyncio.to_thread(broker.restart)
        async with subscribed(broker, received):
            await asyncio.wait_for(running, 120)
            await until(lambda: any(t == "load_sim/ring/load_19" for t, _ in received[-1:]))
    published = running.result()
    assert published.samples == 20 * 40
    assert published.connections >= 2
    assert len(written.read_text().splitlines()) == 1 + 20 * 40
    newest = {topic: document["time"] for topic, document in received}
    assert len(newest) == 20


async def test_without_a_broker_the_publisher_waits_and_takes_nothing() -> None:
    taken: list[Batch] = []

    async def items() -> AsyncIterator[Batch]:
        for batch in Load().history(START, END):
            taken.append(batch)
            yield batch

    publisher = Publisher("mqtt://127.0.0.1:1", {})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await publisher.run(items())
    assert taken == []


@pytest.mark.parametrize("url", ["localhost:1883", "http://localhost:1883", "mqtt://"])
def test_an_address_that_is_no_broker_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="write mqtt://HOST:1883"):
        Publisher(url, {})


def test_by_hand_it_publishes_a_load_and_writes_the_answers(mosquitto: Mosquitto, tmp_path: Path) -> None:
    written, key = tmp_path / "written.csv", tmp_path / "key.json"
    options = ["--load", "3", "--rate", "5", "--seconds", "2", "--written", str(written), "--key", str(key)]
    command = [sys.executable, "-m", "simulators.mqtt_publisher", "--url", mosquitto.url, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "SIMULATED: 30 samples published, 0 sent again\n"
    assert len(written.read_text().splitlines()) == 31
    assert AnswerKey.read(key).accounts_s.user_time == 2
