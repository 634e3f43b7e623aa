"""A bucket whose own retention deletes: a term of the ledger, and no difference from it."""

import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest

from collector.arrival import Arrival
from collector.delivery_policy import DeliveryPolicy
from collector.forwarder import Forwarder
from collector.landing import Landing
from collector.ledger import read_ledger, verify_ledger
from facility.batch import Batch
from facility.time import NS_PER_DAY, NS_PER_S, system_clock
from servers import Bucket, InfluxDB, Server
from storage.data_dir import DataDir
from storage.influxdb.client import InfluxClient
from storage.influxdb.store import InfluxStore
from storage.telemetry_db.counters import Entry

QUICK = DeliveryPolicy(chance=random.Random(1).random, retry_base_s=0.01, retry_cap_s=0.1)
SIGNALS = ("stored_current", "lifetime")


class ImpatientInfluxDB(InfluxDB):
    """Looks every second for what is too old, not every half hour."""

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {"INFLUXD_STORAGE_RETENTION_CHECK_INTERVAL": "1s"}


@pytest.fixture
def impatient(tmp_path: Path, servers: list[Server]) -> Iterator[InfluxDB]:
    server = ImpatientInfluxDB(tmp_path / "influxdb")
    servers.append(server)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def keep_for(bucket: Bucket, days: int) -> None:
    found = json.loads(bucket.server.call("GET", f"/api/v2/buckets?{urlencode({'name': bucket.name})}"))
    rules = [{"type": "expire", "everySeconds": days * 86_400, "shardGroupDurationSeconds": 3_600}]
    bucket.server.call("PATCH", f"/api/v2/buckets/{found['buckets'][0]['id']}", {"retentionRules": rules})


def deliver(data_dir: Path, bucket: Bucket, *batches: Batch) -> None:
    with Landing.open(data_dir, "ring", "influxdb") as landing:
        for batch in batches:
            landing.land_now(Arrival("mqtt", batch))
        client = InfluxClient(bucket.url, bucket.org, bucket.name, bucket.token)
        with Forwarder(data_dir, "ring", client, system_clock, QUICK) as forwarder:
            forwarder.drain()


def differences(data_dir: Path, bucket: Bucket) -> list[str]:
    with closing(InfluxStore(bucket.url, bucket.org, bucket.name, bucket.token, "ring")) as store:
        return verify_ledger(read_ledger(data_dir, check_outbox=True), store)


def on_server(bucket: Bucket) -> Counter[tuple[str, int]]:
    rows = bucket.query('SELECT quality FROM telemetry WHERE time > 0 GROUP BY "signal"')
    return Counter((row["signal"], row["time"] // NS_PER_DAY) for row in rows)


def by_day(data_dir: Path) -> dict[tuple[str, int], int]:
    with closing(sqlite3.connect(DataDir(data_dir).telemetry)) as connection:
        rows = connection.execute("SELECT signal, day, samples FROM delivered WHERE samples <> 0")
        return {(signal, day): n for signal, day, n in rows}


def test_what_the_bucket_deletes_by_itself_is_counted_and_no_difference(impatient: InfluxDB, tmp_path: Path) -> None:
    bucket, data_dir = impatient.create_bucket(retention_s=30 * 86_400), tmp_path / "data"
    now = system_clock()
    of_days = {
        age: Batch.of_numbers("ring", "stored_current", now - age * NS_PER_DAY - np.arange(n) * NS_PER_S, np.arange(n))
        for age, n in ((10, 300), (3, 200), (0, 50))
    }
    deliver(data_dir, bucket, *of_days.values())
    assert differences(data_dir, bucket) == []
    keep_for(bucket, 1)
    deadline = time.monotonic() + 120
    while on_server(bucket).total() > 100:
        assert time.monotonic() < deadline, on_server(bucket)
        time.sleep(0.2)

    assert differences(data_dir, bucket) == []
    deliver(data_dir, bucket, Batch.of_numbers("ring", "stored_current", [now + 1], [1.0]))
    ledger = read_ledger(data_dir)
    assert ledger.total(Entry.DELETED) == 500
    assert ledger.held() == {"stored_current": 51}
    assert ledger.problems == ()
    assert differences(data_dir, bucket) == []


def test_what_is_missing_of_days_that_the_bucket_keeps_is_a_difference(influx_bucket: Bucket, tmp_path: Path) -> None:
    keep_for(influx_bucket, 5)
    now = system_clock()
    times = now - 2 * NS_PER_DAY + np.arange(100) * NS_PER_S
    deliver(tmp_path, influx_bucket, Batch.of_numbers("ring", "stored_current", times, np.arange(100)))
    client = InfluxClient(influx_bucket.url, influx_bucket.org, influx_bucket.name, influx_bucket.token)
    with closing(client):
        client.delete({"facility": "ring", "signal": "stored_current"}, int(times[10]), int(times[19]))
    (said,) = differences(tmp_path, influx_bucket)
    assert said.startswith("signal stored_current: the ledger says 100 samples from ")
    assert said.endswith("the influxdb store holds 90")


def test_days_are_counted_right_whatever_is_late_or_comes_again(influx_bucket: Bucket, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    today = system_clock() // NS_PER_DAY
    batches: list[Batch] = []
    for _ in range(12):
        n = int(rng.integers(1, 60))
        # Few stamps, so that many come again; half of the batches span days.
        days = today - rng.integers(0, 4, n) if rng.random() < 0.5 else np.full(n, today - rng.integers(0, 4))
        times = days * NS_PER_DAY + rng.integers(0, 50, n) * NS_PER_S
        batches.append(Batch.build("ring", SIGNALS, rng.integers(0, 2, n), times, value=rng.random(n)))
    for batch in batches:
        deliver(tmp_path, influx_bucket, batch)
    assert by_day(tmp_path) == on_server(influx_bucket)
    assert differences(tmp_path, influx_bucket) == []
