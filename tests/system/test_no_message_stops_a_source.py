"""Whatever a message holds, what follows it is collected: a real broker, both clients, both stores."""

import asyncio
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import aiomqtt
import pytest

from collector.collector import Collector
from collector.intake import Intake
from collector.landing import Landing
from collector.ledger import read_ledger
from collector.sources.mqtt.spec import MqttSource
from facility.profile import load_profile
from facility.time import system_clock
from payload_corpus import JSON, STATES, T0
from servers import Mosquitto
from storage.telemetry_db import StoreKind
from waiting import until

PROFILE: Final = load_profile("nanoterasu_sim")


@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
@pytest.mark.parametrize("client", ["mqttium", "aiomqtt"])
async def test_after_every_attack_collection_goes_on(
    mosquitto: Mosquitto, tmp_path: Path, client: str, kind: StoreKind
) -> None:
    mapping = [{"topic": f"ring/{s}", "signal": s} for s in ("stored_current", "machine_mode")]
    source = MqttSource.model_validate({"id": "ring", "url": mosquitto.url, "client": client, "signal": mapping})
    attacks = [("ring/stored_current", payload) for payload in JSON.values()]
    attacks += [("ring/machine_mode", payload) for payload in STATES.values()]
    landing = await asyncio.to_thread(Landing.open, tmp_path, PROFILE.id, kind)
    collector = Collector(
        PROFILE, [source], Intake(PROFILE, ["ring"], system_clock), landing, system_clock, random.Random(1)
    )
    task = asyncio.create_task(collector.run())
    try:
        await until(lambda: collector.status()["ring"].connects)
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as publisher:
            for i, (topic, payload) in enumerate(attacks):
                await publisher.publish(topic, payload, qos=1)
                await publisher.publish(
                    "ring/stored_current", b'{"time": %d, "value": %d}' % (T0 + 10**9 + i, i), qos=1
                )
        # Two more of the states stand beside a wrong one.
        await until(lambda: collector.status()["ring"].samples == len(attacks) + 2 or task.done())
        status = collector.status()["ring"]
        assert (status.connects, status.last_error) == (1, "")
    finally:
        task.cancel()
        await asyncio.wait([task])
        await asyncio.to_thread(landing.close)
    rejected = await asyncio.to_thread(_rejected, tmp_path)
    assert "processing_failed" not in rejected
    # Each element of the arrays is counted.
    assert sum(rejected.values()) == len(attacks) - 2 + 2 + 100_000 - 1 + 10_000 - 1


def _rejected(data_dir: Path) -> dict[str, int]:
    rows = read_ledger(data_dir).rows
    return {row.cause: row.count for row in rows if row.entry == "rejected"}


@pytest.mark.parametrize("client", ["mqttium", "aiomqtt"])
async def test_bare_values_that_waited_in_the_session_are_not_stamped_with_now(
    start_mosquitto: Callable[..., Mosquitto], tmp_path: Path, client: str
) -> None:
    broker = start_mosquitto(persistence=True)
    mapping = [{"topic": "ring/stored_current", "signal": "stored_current"}]
    table = {"id": "ring", "url": broker.url, "client": client, "signal": mapping, "format": "value"}
    source = MqttSource.model_validate(table)
    landing = await asyncio.to_thread(Landing.open, tmp_path, PROFILE.id, "embedded")

    def collect() -> Collector:
        intake = Intake(PROFILE, ["ring"], system_clock)
        return Collector(PROFILE, [source], intake, landing, system_clock, random.Random(1))

    async def publish(*payloads: bytes) -> None:
        async with aiomqtt.Client(broker.host, broker.port) as publisher:
            for payload in payloads:
                await publisher.publish("ring/stored_current", payload, qos=1)

    try:
        first = collect()
        task = asyncio.create_task(first.run())
        await until(lambda: first.status()["ring"].connects)
        await publish(b"200.1")
        await until(lambda: first.status()["ring"].samples)
        task.cancel()
        await asyncio.wait([task])
        # A shutdown, while kado is away; the beam is back before kado is.
        await publish(*[b"0.0"] * 600)
        second = collect()
        task = asyncio.create_task(second.run())
        await until(lambda: second.status()["ring"].rejected == 600)
        await asyncio.sleep(1.2)
        await publish(b"200.2")
        await until(lambda: second.status()["ring"].samples)
        task.cancel()
        await asyncio.wait([task])
    finally:
        await asyncio.to_thread(landing.close)
    assert await asyncio.to_thread(_values, tmp_path) == [200.1, 200.2]
    assert await asyncio.to_thread(_rejected, tmp_path) == {"waited": 600}


def _values(data_dir: Path) -> list[Any]:
    with closing(sqlite3.connect(data_dir / "telemetry.db")) as connection:
        query = (
            "SELECT value FROM sample JOIN series ON id = series_id WHERE signal = 'stored_current' ORDER BY time_ns"
        )
        return [value for (value,) in connection.execute(query)]
