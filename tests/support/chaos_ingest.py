"""Kill -9 of collection again and again: a real broker, a client, a store, and a publisher that goes on.

A process that has everything imported (`multiprocessing` calls it a fork server) makes each collecting process, so
that a hundred kills take less than a minute, and meet each step: connecting, receiving, landing, acknowledging,
forwarding.
"""

import asyncio
import itertools
import logging
import multiprocessing
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path

import aiomqtt

from collector.collector import Collector
from collector.delivery_policy import DeliveryPolicy
from collector.forwarder import Forwarder
from collector.intake import Intake
from collector.landing import Landing
from collector.ledger import read_ledger, verify_ledger
from collector.sources.mqtt.spec import MqttSource
from facility.profile import load_profile
from facility.time import MAX_NS, system_clock
from lying_influxdb import LIES, LyingInfluxDB
from servers import Bucket, InfluxDB, Mosquitto
from storage.embedded.store import EmbeddedStore
from storage.influxdb.client import InfluxClient
from storage.influxdb.store import InfluxStore
from storage.store import TelemetryStore
from storage.telemetry_db import StoreKind
from storage.telemetry_db.counters import Entry

PROFILE = load_profile("nanoterasu_sim")
SIGNALS = ("stored_current", "beam_lifetime", "vacuum_pressure")
START_NS = 1_795_000_000 * 10**9
STEP_NS = 1_000_000
TOGETHER = 20
"""Messages that the publisher has under way."""
# A line for which the answer is 413 becomes a dead letter, and 300 MB take their time.
LIED_ABOUT = tuple(lie for lie in LIES if lie != "413" and "300 MB" not in lie)

FORKS = multiprocessing.get_context("forkserver")
# What is imported on use, too: each collecting process would spend a second on it.
_ON_USE = [
    "collector.sources.mqtt.mqttium_client",
    "collector.sources.mqtt.aiomqtt_client",
    "storage.influxdb.existing_points",
]
_ON_USE += ["storage.influxdb.line_protocol", "influxdb_client.client.influxdb_client", "pandas"]
FORKS.set_forkserver_preload([__name__, "landing_until_killed", "chaos", *_ON_USE])


@dataclass(frozen=True, slots=True)
class Way:
    """From the broker into a store; can be sent to another process."""

    url: str
    client: str
    folder: Path
    kind: StoreKind
    influx: tuple[str, str, str, str] | None = None
    """Address, organisation, bucket and token of the server that is forwarded to."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found after the last kill."""

    published: int
    lost: int
    doubled: int
    silent: int
    again: int
    """Samples that the broker delivered more than once: how often a kill met something in flight."""


def collect(way: Way) -> None:
    """Collect until killed."""
    logging.disable()
    asyncio.run(_collect(way))


async def _collect(way: Way) -> None:
    chance = random.Random()
    mapping = [{"topic": f"ring/{signal}", "signal": signal} for signal in SIGNALS]
    source = MqttSource.model_validate(
        {"id": "ring", "url": way.url, "client": way.client, "signal": mapping, "batch_size": 40}
    )
    async with AsyncExitStack() as opened:
        landing = await asyncio.to_thread(Landing.open, way.folder, PROFILE.id, way.kind)
        opened.callback(landing.close)
        intake = Intake(PROFILE, ["ring"], system_clock)
        collector = Collector(PROFILE, [source], intake, landing, system_clock, chance)
        async with asyncio.TaskGroup() as group:
            group.create_task(collector.run())
            if way.influx is not None:
                client = InfluxClient(*way.influx, timeout_s=0.5)
                policy = DeliveryPolicy(chance.random, retry_base_s=0.001, retry_cap_s=0.02, hold_s=0.02)
                group.create_task(Forwarder(way.folder, PROFILE.id, client, system_clock, policy).run())


class Publisher(threading.Thread):
    """Publishes numbered samples until told to end; each is acknowledged by the broker, or published again."""

    def __init__(self, broker: Mosquitto) -> None:
        super().__init__(name="publisher", daemon=True)
        self._broker = broker
        self._ending = threading.Event()
        self.published: set[tuple[str, int]] = set()
        self.start()

    def run(self) -> None:
        asyncio.run(self._publish())

    def end(self) -> None:
        self._ending.set()
        self.join(60)
        assert not self.is_alive(), "the broker does not take the last messages"

    async def _publish(self) -> None:
        numbers = itertools.count()
        async with aiomqtt.Client(self._broker.host, self._broker.port, identifier="publisher") as client:
            while not self._ending.is_set():
                some = [(SIGNALS[i % 3], START_NS + i * STEP_NS, i) for i in itertools.islice(numbers, TOGETHER)]
                payload = b'{"time": %d, "value": %d}'
                await asyncio.gather(
                    *(client.publish(f"ring/{name}", payload % (time_ns, i), qos=1) for name, time_ns, i in some)
                )
                self.published.update((name, time_ns) for name, time_ns, _ in some)
                await asyncio.sleep(0.05)


def start_fork_server() -> None:
    """Let it import what collection needs; it is a new process, which has to find that."""
    before = os.environ.get("PYTHONPATH")
    here = Path(__file__).parent
    os.environ["PYTHONPATH"] = os.pathsep.join([str(here.parents[1]), str(here), before or ""])
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def kill_collection(
    folder: Path, kind: StoreKind, client: str, times: int, chance: random.Random, influxdb: InfluxDB | None
) -> Found:
    """Kill collection again and again while samples come in, let it end its work, and count in the store itself."""
    with ExitStack() as opened:
        broker = Mosquitto(folder / "mosquitto")
        broker.start()
        opened.callback(broker.stop)
        bucket = liar = None
        if influxdb is not None:
            bucket = influxdb.create_bucket()
            liar = LyingInfluxDB(influxdb.port, LIED_ABOUT, share=0.3, seed=chance.randrange(10**9), silence_s=1.0)
            opened.callback(liar.close)
        where = None if bucket is None or liar is None else (liar.url, bucket.org, bucket.name, bucket.token)
        way = Way(broker.url, client, folder / "data", kind, where)
        publisher = _kill(way, broker, times, chance, liar)
        if bucket is None:
            store: TelemetryStore = EmbeddedStore(way.folder, PROFILE.id)
        else:
            store = InfluxStore(*_place(bucket), PROFILE.id)
        with closing(store):
            return _found(way, store, publisher.published)


def _kill(way: Way, broker: Mosquitto, times: int, chance: random.Random, liar: LyingInfluxDB | None) -> Publisher:
    # Before there is a session the broker keeps nothing.
    with _collecting(way):
        _until(lambda: _landed(way) > 0, "collection does not connect")
        publisher = Publisher(broker)
    for _ in range(times):
        before = _landed(way)
        with _collecting(way):
            # Some kills come before it is connected, the others in the middle of its work.
            if chance.random() < 0.8:
                _until(lambda before=before: _landed(way) > before, "nothing lands any more")
            time.sleep(chance.uniform(0.0, 0.2))
    publisher.end()
    if liar is not None:
        liar.honest = True
    with _collecting(way):
        _until(lambda: _rests(way, len(publisher.published)), "what was published does not arrive")
    return publisher


@contextmanager
def _collecting(way: Way) -> Generator[None]:
    """Run collection in a process of its own; kill it at the end."""
    process = FORKS.Process(target=collect, args=(way,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()
        process.close()


def _landed(way: Way) -> int:
    """Return how many samples have landed or are stored, those of the link too."""
    if not (way.folder / "telemetry.mark").exists():
        return 0
    ledger = read_ledger(way.folder)
    return sum(ledger.held().values()) + sum(ledger.waiting_by_signal().values())


def _rests(way: Way, published: int) -> bool:
    ledger = read_ledger(way.folder)
    held = sum(n for signal, n in ledger.held().items() if signal in SIGNALS)
    return held >= published and not ledger.waiting


def _until(what: Callable[[], bool], otherwise: str, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise)
        time.sleep(0.03)


def _place(bucket: Bucket) -> tuple[str, str, str, str]:
    return bucket.url, bucket.org, bucket.name, bucket.token


def _found(way: Way, store: TelemetryStore, published: set[tuple[str, int]]) -> Found:
    stored = Counter(
        (signal, time_ns)
        for signal in SIGNALS
        for samples in store.read_chunks(signal, -MAX_NS, MAX_NS)
        for time_ns in samples.time_ns.tolist()
    )
    ledger = read_ledger(way.folder, check_outbox=True)
    held = sum(n for signal, n in ledger.held().items() if signal in SIGNALS)
    return Found(
        published=len(published),
        lost=sum(1 for key in published if key not in stored),
        doubled=max(stored.total() - len(published), 0) + max(held - stored.total(), 0),
        silent=len(verify_ledger(ledger, store)),
        again=ledger.total(Entry.REWRITTEN),
    )
