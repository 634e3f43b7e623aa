"""Signals in, with nothing replaced: a real broker, both clients, the real landing, rows read with sqlite3."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from itertools import groupby
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from collector.collector import Collector
from collector.intake import Intake
from collector.landing import Landing
from collector.sources.mqtt.spec import MqttSource
from facility.profile import load_profile
from facility.time import system_clock
from servers import Mosquitto
from waiting import until

PROFILE = load_profile("nanoterasu_sim")
T0 = 1_795_000_000_000_000_000


class Site:
    """A broker, a data directory, and kado's way in between."""

    def __init__(self, broker: Mosquitto, landing: Landing, data_dir: Path, client: str) -> None:
        self.broker = broker
        self.landing = landing
        mapping = [{"topic": f"ring/{s}", "signal": s} for s in ("stored_current", "machine_mode")]
        self.source = MqttSource.model_validate(
            {"id": "ring", "url": broker.url, "client": client, "signal": mapping, "batch_size": 50}
        )
        self._data_dir = data_dir

    @asynccontextmanager
    async def collecting(self) -> AsyncIterator[Collector]:
        intake = Intake(PROFILE, ["ring"], system_clock)
        collector = Collector(PROFILE, [self.source], intake, self.landing, system_clock, random.Random(1))
        task = asyncio.create_task(collector.run())
        try:
            # Subscribed, or there is no session to keep anything.
            await until(lambda: collector.status()["ring"].connects)
            yield collector
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def publish(self, *payloads: bytes, topic: str = "ring/stored_current") -> None:
        async with aiomqtt.Client(self.broker.host, self.broker.port) as client:
            for payload in payloads:
                await client.publish(topic, payload, qos=1)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._data_dir / "telemetry.db")) as connection:
            return connection.execute(query).fetchall()

    def values(self) -> list[float]:
        query = (
            "SELECT value FROM sample JOIN series ON id = series_id WHERE signal = 'stored_current' ORDER BY time_ns"
        )
        return [value for (value,) in self.rows(query)]


@pytest.fixture(params=["mqttium", "aiomqtt"])
def site(request: pytest.FixtureRequest, start_mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Iterator[Site]:
    with Landing.open(tmp_path / "data", PROFILE.id, "embedded") as landing:
        yield Site(start_mosquitto(), landing, tmp_path / "data", request.param)


def sample(i: int) -> bytes:
    return b'{"time": %d, "value": %d}' % (T0 + i, i)


async def test_samples_land_and_nothing_of_them_comes_again(site: Site) -> None:
    async with site.collecting() as collector:
        await site.publish(*(sample(i) for i in range(300)))
        await site.publish(b'{"time": %d, "value": "user"}' % T0, topic="ring/machine_mode")
        await until(lambda: collector.status()["ring"].samples == 301)
        # Acknowledged, and that has left us.
        await until(lambda: collector.status()["ring"].in_flight == 0)
        await asyncio.sleep(0.1)
    assert site.values() == list(range(300))
    async with site.collecting() as collector:
        await site.publish(sample(300))
        await until(lambda: collector.status()["ring"].samples)
        assert collector.status()["ring"].samples == 1
    query = "SELECT signal, entry, sum(count) FROM ledger WHERE source = 'ring' GROUP BY signal, entry"
    counts = {(signal, entry): n for signal, entry, n in site.rows(query)}
    assert counts["stored_current", "stored"] == counts["stored_current", "received"] == 301
    assert counts["machine_mode", "stored"] == 1
    assert ("stored_current", "rewritten") not in counts
    words = "SELECT text FROM sample JOIN series s ON s.id = series_id JOIN word w ON w.id = state_id"
    links = [word for (word,) in site.rows(f"{words} WHERE signal = 'ring_link' ORDER BY time_ns")]
    # A link that is up may say so again in between: its heartbeats follow the clock, not the connection.
    assert [word for word, _ in groupby(links)] == ["up", "down", "up", "down"]


async def test_a_session_that_the_broker_lost_is_a_gap_and_the_first_connection_is_none(site: Site) -> None:
    async with site.collecting() as collector:
        await site.publish(sample(1))
        await until(lambda: collector.status()["ring"].samples == 1)
    assert site.rows("SELECT * FROM gap") == []
    ((landed_ns,),) = site.rows("SELECT committed_ns FROM source WHERE id = 'ring'")
    await asyncio.to_thread(site.broker.restart)
    async with site.collecting() as collector:
        await site.publish(sample(2))
        await until(lambda: collector.status()["ring"].samples == 1)
    ((source, start_ns, end_ns, reason, dropped),) = site.rows(
        "SELECT source, start_ns, end_ns, reason, dropped FROM gap"
    )
    assert (source, start_ns, reason, dropped) == ("ring", landed_ns, "session_lost", 0)
    assert start_ns < end_ns <= system_clock()
    assert site.values() == [1, 2]


async def test_a_broker_that_goes_away_is_waited_for(site: Site) -> None:
    async with site.collecting() as collector:
        await site.publish(sample(1))
        await until(lambda: site.values() == [1])
        await asyncio.to_thread(site.broker.stop)
        await until(lambda: collector.status()["ring"].last_error)
        assert "connection to MQTT broker" in collector.status()["ring"].last_error
        await asyncio.to_thread(site.broker.start)
        await until(lambda: collector.status()["ring"].connects == 2)
        await site.publish(sample(2))
        await until(lambda: site.values() == [1, 2])


async def test_what_is_wrong_becomes_a_dead_letter_and_does_not_hold_up_the_rest(site: Site) -> None:
    wrong = {
        b"x" * 10_000_000: "oversized",
        b'{"time": "2026-11-23T03:00:00", "value": 1}': "naive_time",
        b'{"time": %d, "value": true}' % T0: "wrong_type",
        b'{"time": %d, "value": "1"}' % T0: "wrong_type",
        b'{"time": %d, "value": NaN}' % T0: "not_finite",
    }
    async with site.collecting() as collector:
        await site.publish(*wrong, sample(1))
        await site.publish(b'{"time": %d, "value": "User"}' % T0, topic="ring/machine_mode")
        await until(lambda: (s := collector.status()["ring"]).samples == 1 and s.rejected == 6)
    letters = site.rows("SELECT cause, size, length(payload) FROM dead_letter ORDER BY id")
    assert sorted(cause for cause, _, _ in letters) == sorted([*wrong.values(), "unknown_state"])
    assert all(kept <= 64 * 1024 for _, _, kept in letters)
    async with site.collecting() as collector:
        await site.publish(sample(2))
        await until(lambda: site.values() == [1, 2])
        assert collector.status()["ring"].rejected == 0
