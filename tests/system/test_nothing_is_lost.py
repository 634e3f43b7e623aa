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
from pathlib import Path

import pytest

from facility.schedule_csv import write_schedule
from facility.time import NS_PER_DAY
from servers import Bucket, InfluxDB, Mosquitto
from simulators.load import Load

KILLS = 5
LOAD = Load(signals=20, rate_hz=10.0)
KADO = [str(Path(sys.executable).with_name("kado"))]

CLIENT = "kado-load_sim-ring"
IN_FLIGHT_AT_MOST = 1000
"""Messages that kado lets the broker send before it acknowledges one."""
DELIVERED = f"Sending PUBLISH to {CLIENT}"
REDELIVERED = "(d1, q1"
"""In the broker's log: a message to kado, and a message with QoS 1 that it sent before."""

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
        done = subprocess.run([*KADO, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"kado {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([*KADO, "run"], cwd=self.folder, stdout=log, stderr=log)

    def end(self, how: signal.Signals) -> int:
        assert self._process is not None
        assert self._process.poll() is None, f"kado ended by itself:\n{self.log.read_text()}"
        self._process.send_signal(how)
        code = self._process.wait(120)
        self._process = None
        return code

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait_for_outbox(self) -> None:
        """Wait until samples have landed that nobody has forwarded: the store must be frozen."""
        with closing(sqlite3.connect(self.data / "telemetry.db", timeout=120)) as connection:
            last = outbox_ids(connection)
            wait_for(lambda: outbox_ids(connection) > last, 60, self.log.read_text)

    @contextmanager
    def held(self, broker: Mosquitto) -> Iterator[None]:
        """Hold the file that kado lands in, with a message delivered that cannot be acknowledged any more."""
        with closing(sqlite3.connect(self.data / "telemetry.db", timeout=300, isolation_level=None)) as connection:

            def holds_with_room() -> bool:
                connection.execute("BEGIN IMMEDIATE")
                if len(broker.in_flight(CLIENT)) < IN_FLIGHT_AT_MOST // 2:
                    return True
                connection.execute("ROLLBACK")
                return False

            wait_for(holds_with_room, 60, self.log.read_text)
            delivered = broker.packets(DELIVERED)
            wait_for(lambda: broker.packets(DELIVERED) > delivered, 60, self.log.read_text)
            assert broker.in_flight(CLIENT)
            yield


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Where the publisher writes each sample before it sends it."""
    return tmp_path / "published.csv"


@contextmanager
def publishing(broker: Mosquitto, published: Path, key: Path) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a publisher that goes on until it is asked to end."""
    command = [sys.executable, "-m", "simulators.mqtt_publisher", "--url", broker.url, "--load", str(LOAD.signals)]
    command += ["--rate", str(LOAD.rate_hz), "--written", str(published), "--key", str(key)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as publisher:
        try:
            yield publisher
        finally:
            publisher.kill()


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


def outbox_ids(connection: sqlite3.Connection) -> int:
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM outbox").fetchone()
    return last


def wait_for(what: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.1)


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
        wait_for(lambda: broker.packets("Received SUBSCRIBE") > 0, 60, service.log.read_text)
        with publishing(broker, published, key) as publisher:
            for _ in range(KILLS):
                delivered = broker.packets(DELIVERED)
                wait_for(lambda n=delivered: broker.packets(DELIVERED) > n, 60, service.log.read_text)
                time.sleep(rng.uniform(0.2, 2.0))
                if influxdb is not None:
                    influxdb.freeze()
                    service.wait_for_outbox()
                with service.held(broker):
                    redelivered = broker.packets(REDELIVERED)
                    assert service.end(signal.SIGKILL) == -signal.SIGKILL
                if influxdb is not None:
                    influxdb.thaw()
                service.start()
                wait_for(lambda n=redelivered: broker.packets(REDELIVERED) > n, 60, service.log.read_text)
            assert publisher.poll() is None, "the publisher ended before the last kill"
            publisher.terminate()
            assert publisher.wait(60) == 0
        sent = read_published(published)
        times = {time_ns for _, time_ns in sent}
        assert len(sent) == len(times) * LOAD.signals
        assert max(times) - min(times) == (len(times) - 1) * LOAD.period_ns
        wait_for(lambda: len(stored()) >= len(sent), 60, lambda: f"{len(stored())} of {len(sent)} are stored")
        assert service.end(signal.SIGTERM) == 0
    finally:
        service.close()
    there = stored()
    assert there == sent
    service.kado("ledger", "--verify")
    service.kado("verify", str(key))
