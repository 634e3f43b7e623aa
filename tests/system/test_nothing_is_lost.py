"""Signal to figure on real servers, while the service is killed over and over.

Whatever kado says of itself is held against what the publisher wrote and what the stores hold.
"""

import csv
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest

from facility.schedule_csv import write_schedule
from facility.time import NS_PER_DAY
from servers import Bucket, InfluxDB, Mosquitto
from simulators.load import Load

SECONDS = 30
KILLS = 5
LOAD = Load(signals=20, rate_hz=10.0)
KADO = [str(Path(sys.executable).with_name("kado"))]

REDELIVERED = "(d1, q1"
"""In the broker's log: a message with QoS 1 that it sent before."""

Stored = dict[tuple[str, int], float]


class Service:
    """One facility's folder, and ``kado run`` in it."""

    def __init__(self, folder: Path, broker: Mosquitto, bucket: Bucket | None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "kado.log"
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "load.toml").write_text(LOAD.profile_toml)
        lines = ['facility = "load.toml"', 'data_dir = "data"', "[store]"]
        if bucket is None:
            lines.append('kind = "embedded"')
        else:
            (folder / "token").write_text(bucket.token)
            lines += ['kind = "influxdb"', f'url = "{bucket.url}"', f'org = "{bucket.org}"']
            lines += [f'bucket = "{bucket.name}"', 'token_file = "token"', "timeout_s = 2.0"]
        lines += ["[[source]]", 'id = "ring"', 'kind = "mqtt"', f'url = "{broker.url}"']
        for name in LOAD.names:
            lines += ["  [[source.signal]]", f'  topic = "load_sim/ring/{name}"', f'  signal = "{name}"']
        (folder / "kado.toml").write_text("\n".join(lines) + "\n")
        now = time.time_ns()
        (folder / "schedule.csv").write_text(write_schedule(LOAD.schedule(now, now + NS_PER_DAY)))
        self.kado("schedule", "import", "schedule.csv")

    def kado(self, *arguments: str) -> str:
        """Run a command to its end, which must be a good one, and return what it printed."""
        done = subprocess.run([*KADO, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"kado {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([*KADO, "run"], cwd=self.folder, stdout=log, stderr=log)

    def end(self, how: signal.Signals) -> int:
        assert self._process is not None
        assert self._process.poll() is None, f"kado ended by itself:\n{self.log.read_text()}"
        self._process.send_signal(how)
        code = self._process.wait(30)
        self._process = None
        return code

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def held(self) -> Iterator[sqlite3.Connection]:
        """Hold the file that kado lands in, so that what arrives has to wait."""
        with closing(sqlite3.connect(self.data / "telemetry.db", timeout=10, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Where the publisher writes each sample before it sends it."""
    return tmp_path / "published.csv"


def publish(broker: Mosquitto, published: Path, key: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "simulators.mqtt_publisher", "--url", broker.url, "--load", str(LOAD.signals)]
    command += ["--rate", str(LOAD.rate_hz), "--seconds", str(SECONDS), "--written", str(published), "--key", str(key)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2])


def read_published(path: Path) -> Stored:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    samples = {(row["signal"], int(row["time"])): float(row["value"]) for row in rows}
    assert len(samples) == len(rows)
    return samples


def in_sqlite(service: Service) -> Stored:
    """Read the rows with SQLite itself."""
    query = "SELECT signal, time_ns, value FROM sample JOIN series ON series.id = series_id WHERE state_id IS NULL"
    with closing(sqlite3.connect(service.data / "telemetry.db")) as connection:
        return {(name, time_ns): value for name, time_ns, value in connection.execute(query)}


def in_influxdb(bucket: Bucket) -> Stored:
    """Read the points by HTTP."""
    rows = bucket.query("SELECT value FROM telemetry WHERE facility = 'load_sim' GROUP BY \"signal\"")
    samples = {(row["signal"], row["time"]): row["value"] for row in rows}
    assert len(samples) == len(rows)
    return samples


def redelivers_more_than(broker: Mosquitto, count: int) -> bool:
    return broker.packets(REDELIVERED) > count


def wait_for(what: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
def test_each_published_sample_is_stored_exactly_once_although_kado_is_killed_five_times(
    kind: str,
    tmp_path: Path,
    published: Path,
    start_mosquitto: Callable[..., Mosquitto],
    request: pytest.FixtureRequest,
) -> None:
    influxdb: InfluxDB | None = request.getfixturevalue("influxdb") if kind == "influxdb" else None
    bucket = None if influxdb is None else influxdb.create_bucket()
    broker = start_mosquitto(log_packets=True)
    service = Service(tmp_path, broker, bucket)
    rng = random.Random(20261123)
    key = tmp_path / "key.json"
    stored: Callable[[], Stored] = (lambda: in_sqlite(service)) if bucket is None else (lambda: in_influxdb(bucket))
    try:
        service.start()
        wait_for(lambda: broker.packets("Received SUBSCRIBE") > 0, 20, service.log.read_text)
        publisher = publish(broker, published, key)
        started = time.monotonic()
        instants = [SECONDS * (k + rng.uniform(0.3, 0.9)) / (KILLS + 1) for k in range(1, KILLS + 1)]
        for instant in instants:
            time.sleep(max(0.0, started + instant - time.monotonic()))
            if influxdb is not None:
                influxdb.freeze()
                time.sleep(0.5)
            with service.held() as connection:
                time.sleep(0.5)
                waiting = len(read_published(published))
                if influxdb is None:
                    (landed,) = connection.execute("SELECT count(*) FROM sample WHERE state_id IS NULL").fetchone()
                    waiting -= landed
                else:
                    (waiting,) = connection.execute("SELECT sum(samples) FROM outbox").fetchone()
                assert waiting > 0, "nothing was waiting when kado was killed"
                redelivered = broker.packets(REDELIVERED)
                assert service.end(signal.SIGKILL) == -signal.SIGKILL
            if influxdb is not None:
                influxdb.thaw()
            service.start()
            wait_for(partial(redelivers_more_than, broker, redelivered), 20, service.log.read_text)
        assert publisher.wait(60) == 0
        sent = read_published(published)
        assert len(sent) == SECONDS * LOAD.signals * LOAD.rate_hz
        wait_for(lambda: len(stored()) >= len(sent), 30, lambda: f"{len(stored())} of {len(sent)} are stored")
        assert service.end(signal.SIGTERM) == 0
    finally:
        service.close()
    there = stored()
    assert there == sent
    service.kado("ledger", "--verify")
    service.kado("verify", str(key))
