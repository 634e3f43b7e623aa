"""From the outbox into a real InfluxDB, through kills, redelivery and retention; read by plain HTTP."""

import asyncio
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

from collector.arrival import Arrival
from collector.delivery_policy import DeliveryPolicy
from collector.forwarder import Forwarder
from collector.landing import Landing
from collector.ledger import SourceTotals, read_ledger, verify_ledger
from facility.batch import Batch
from facility.errors import UnreachableError
from facility.time import NS_PER_S, system_clock
from lying_influxdb import LIES, LyingInfluxDB
from servers import Bucket, InfluxDB
from storage.influxdb.client import InfluxClient, WriteAnswer
from storage.influxdb.store import InfluxStore

T = 1_790_000_000 * NS_PER_S
QUICK = DeliveryPolicy(chance=lambda: 0.5, retry_base_s=0.01, retry_cap_s=0.1)


def client_of(bucket: Bucket, kind: type[InfluxClient] = InfluxClient, timeout_s: float = 10.0) -> InfluxClient:
    return kind(bucket.url, bucket.org, bucket.name, bucket.token, timeout_s=timeout_s)


def forwarder(data_dir: Path, client: InfluxClient, *, max_lines: int = 20_000) -> Forwarder:
    return Forwarder(data_dir, "ring", client, system_clock, QUICK, max_lines=max_lines)


def land(data_dir: Path, *batches: Batch, source: str = "mqtt") -> None:
    with Landing.open(data_dir, "ring", "influxdb") as landing:
        for batch in batches:
            landing.land_now(Arrival(source, batch))


def drain(data_dir: Path, client: InfluxClient) -> None:
    with forwarder(data_dir, client) as forwarding:
        forwarding.drain()


def numbers(first: int, count: int, offset: float = 0.0) -> Batch:
    steps = np.arange(first, first + count)
    return Batch.of_numbers("ring", "stored_current", T + steps * NS_PER_S, steps + offset)


def totals(data_dir: Path) -> dict[str, SourceTotals]:
    return {t.source: t for t in read_ledger(data_dir).sources()}


def differences(data_dir: Path, bucket: Bucket) -> list[str]:
    with closing(InfluxStore(bucket.url, bucket.org, bucket.name, bucket.token, "ring")) as store:
        return verify_ledger(read_ledger(data_dir, check_outbox=True), store)


class Forgetful(InfluxClient):
    """Writes, and hears nothing of it the first time."""

    deaf = True

    def write(self, lines: bytes) -> WriteAnswer:
        answer = super().write(lines)
        if self.deaf:
            self.deaf = False
            return WriteAnswer(None, "timed out")
        return answer


async def test_every_sample_is_there_once_although_influxdb_is_killed_again_and_again(
    influxdb: InfluxDB, tmp_path: Path
) -> None:
    bucket, data_dir, rng = influxdb.create_bucket(), tmp_path / "data", random.Random(1)
    landing = await asyncio.to_thread(Landing.open, data_dir, "ring", "influxdb")
    with forwarder(data_dir, client_of(bucket, timeout_s=2.0), max_lines=500) as forwarding:
        running = asyncio.create_task(forwarding.run())

        async def publish() -> None:
            for n in range(0, 30_000, 100):
                # Every tenth is delivered once more, some of it when it was forwarded already.
                again = max(0, n - rng.choice([100, 2000])) if n % 1000 == 0 else n
                for first in {again, n}:
                    await landing.land(Arrival("mqtt", numbers(first, 100)))
                await asyncio.sleep(0.005)

        publishing = asyncio.create_task(publish())
        # On a busy machine the first samples take their time.
        while not landing.status().commits:
            await asyncio.sleep(0.01)
        waiting = 0
        for _ in range(3):
            await asyncio.sleep(rng.uniform(0.2, 0.6))
            await asyncio.to_thread(influxdb.kill)
            waiting += (await asyncio.to_thread(read_ledger, data_dir)).sources()[0].waiting
            await asyncio.sleep(rng.uniform(0.0, 0.3))
            await asyncio.to_thread(influxdb.start)
        await publishing
        while (await asyncio.to_thread(read_ledger, data_dir)).waiting:
            await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await asyncio.to_thread(landing.close)
    assert waiting > 0
    rows = await asyncio.to_thread(bucket.query, "SELECT value, quality FROM telemetry")
    assert [(row["time"] - T) // NS_PER_S for row in rows] == list(range(30_000))
    assert [row["value"] for row in rows] == list(range(30_000))
    counted = (await asyncio.to_thread(totals, data_dir))["mqtt"]
    assert counted.missing == 0
    assert counted.received > 30_000
    assert counted.stored - counted.rewritten == 30_000
    assert counted.conflict == 0
    assert await asyncio.to_thread(differences, data_dir, bucket) == []


def test_a_redelivery_is_rewritten_and_counted_once_although_its_answer_is_lost(
    influx_bucket: Bucket, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    land(data_dir, numbers(0, 100))
    drain(data_dir, client_of(influx_bucket))
    # 50 again, 20 of them with another value, and 50 new ones.
    land(data_dir, Batch.concat([numbers(50, 30), numbers(80, 20, offset=0.5), numbers(100, 50)]))
    drain(data_dir, client_of(influx_bucket, Forgetful))
    counted = totals(data_dir)["mqtt"]
    assert (counted.received, counted.stored, counted.rewritten, counted.conflict) == (200, 200, 50, 20)
    assert differences(data_dir, influx_bucket) == []
    values = [row["value"] for row in influx_bucket.query("SELECT value FROM telemetry")]
    assert values == [*range(80), *(n + 0.5 for n in range(80, 100)), *range(100, 150)]


def test_what_an_attempt_without_answer_has_written_is_not_taken_for_somebody_elses(
    influx_bucket: Bucket, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    land(data_dir, numbers(1000, 1))
    drain(data_dir, client_of(influx_bucket))
    # Late data: it may rewrite something, and does not.
    land(data_dir, numbers(0, 100))
    forgetful = client_of(influx_bucket, Forgetful)
    with forwarder(data_dir, forgetful) as forwarding:
        forwarding._step()
        assert len(influx_bucket.query("SELECT value FROM telemetry")) == 101
    # As after a crash: another process goes on with it.
    drain(data_dir, client_of(influx_bucket))
    counted = totals(data_dir)["mqtt"]
    assert (counted.stored, counted.rewritten, counted.conflict) == (101, 0, 0)
    assert differences(data_dir, influx_bucket) == []


def test_a_rewrite_leaves_no_field_of_what_it_replaces(influx_bucket: Bucket, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    land(data_dir, numbers(0, 3))
    drain(data_dir, client_of(influx_bucket))
    bad = Batch.of_numbers("ring", "stored_current", [T + NS_PER_S], [np.nan], quality=[2])
    land(data_dir, bad, source="import")
    drain(data_dir, client_of(influx_bucket))
    rows = influx_bucket.query("SELECT value, quality FROM telemetry")
    assert [(row["value"], row["quality"]) for row in rows] == [(0, "good"), (None, "bad"), (2, "good")]
    counted = totals(data_dir)["import"]
    assert (counted.stored, counted.rewritten, counted.conflict) == (1, 1, 1)
    assert differences(data_dir, influx_bucket) == []


def test_of_two_sources_in_one_blob_each_gets_its_own_counts(influx_bucket: Bucket, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with Landing.open(data_dir, "ring", "influxdb") as landing:
        landing.land_now(Arrival("ring", numbers(0, 30)))
        landing.land_now(Arrival("backup", Batch.of_numbers("ring", "beam_lifetime", [T], [10.0])))
    drain(data_dir, client_of(influx_bucket))
    assert {source: t.stored for source, t in totals(data_dir).items()} == {"ring": 30, "backup": 1}
    assert differences(data_dir, influx_bucket) == []


def test_points_beyond_retention_are_dropped_and_counted_and_the_others_stay(
    influxdb: InfluxDB, tmp_path: Path
) -> None:
    bucket, data_dir = influxdb.create_bucket(retention_s=3600), tmp_path / "data"
    now = system_clock()
    times = np.concatenate([now - 7200 * NS_PER_S + np.arange(3000), now - 60 * NS_PER_S + np.arange(500)])
    land(data_dir, Batch.of_numbers("ring", "stored_current", times, np.zeros(3500)))
    drain(data_dir, client_of(bucket))
    counted = totals(data_dir)["mqtt"]
    assert (counted.stored, counted.dropped, counted.missing) == (500, 3000, 0)
    causes = Counter({row.cause: row.count for row in read_ledger(data_dir).rows if row.entry == "dropped"})
    assert causes == {"beyond_retention": 3000}
    assert differences(data_dir, bucket) == []


@pytest.mark.parametrize("ahead_s", [-86_400, 86_400, 10 * 86_400])
def test_a_clock_that_is_wrong_drops_nothing_that_the_server_would_keep(
    influxdb: InfluxDB, tmp_path: Path, ahead_s: int, caplog: pytest.LogCaptureFixture
) -> None:
    bucket, data_dir = influxdb.create_bucket(retention_s=3600), tmp_path / "data"
    now = system_clock()
    times = np.concatenate([now - 7200 * NS_PER_S + np.arange(300), now - 1800 * NS_PER_S + np.arange(700)])
    land(data_dir, Batch.of_numbers("ring", "stored_current", times, np.zeros(1000)))
    wrong = Forwarder(data_dir, "ring", client_of(bucket), lambda: system_clock() + ahead_s * NS_PER_S, QUICK)
    with wrong as forwarding:
        forwarding.drain()
    counted = totals(data_dir)["mqtt"]
    # Those 300 are what the server itself does not take.
    assert (counted.stored, counted.dropped, counted.missing) == (700, 300, 0)
    assert "s apart: what is too old for bucket" in caplog.text
    assert differences(data_dir, bucket) == []


def test_many_refused_points_among_good_ones_become_dead_letters_and_all_others_arrive(
    influx_bucket: Bucket, tmp_path: Path
) -> None:
    other = T - 30 * 86_400 * NS_PER_S
    influx_bucket.write(f'telemetry,facility=other,signal=x value="text" {other}')
    data_dir = tmp_path / "data"
    # Two hundred of five thousand, all over the place, fall into the time where somebody wrote a string.
    times = np.where(np.arange(5000) % 25 == 7, other + 1 + np.arange(5000), T + np.arange(5000))
    land(data_dir, Batch.of_numbers("ring", "stored_current", times, np.zeros(5000)))
    drain(data_dir, client_of(influx_bucket))
    counted = totals(data_dir)["mqtt"]
    assert (counted.stored, counted.rejected, counted.missing) == (4800, 200, 0)
    with closing(sqlite3.connect(data_dir / "telemetry.db")) as connection:
        assert connection.execute("SELECT count(*) FROM dead_letter").fetchone() == (200,)


@pytest.mark.parametrize("seed", range(2))
def test_every_sample_arrives_once_through_a_server_that_lies(influx_bucket: Bucket, tmp_path: Path, seed: int) -> None:
    data_dir = tmp_path / "data"
    # What asks a person to act ends a drain; a running service waits.
    lies = tuple(lie for lie in LIES if lie not in ("401", "404 of a proxy", "413", "silence", "a byte at a time"))
    lies = tuple(lie for lie in lies if "300 MB" not in lie)
    liar = LyingInfluxDB(influx_bucket.server.port, lies, share=0.25, seed=seed)
    with Landing.open(data_dir, "ring", "influxdb") as landing:
        for i in range(20):
            landing.land_now(Arrival("mqtt", numbers(i * 100, 100)))
            landing.land_now(Arrival("mqtt", numbers(i * 100 + 50, 50)))
    client = InfluxClient(liar.url, influx_bucket.org, influx_bucket.name, influx_bucket.token, timeout_s=1.0)
    with closing(liar), forwarder(data_dir, client, max_lines=100) as forwarding:
        deadline, done = time.monotonic() + 120, False
        while not done:
            assert time.monotonic() < deadline
            with suppress(UnreachableError):
                forwarding.drain()
                done = True
    assert len(set(liar.told)) > 10
    counted = totals(data_dir)["mqtt"]
    assert (counted.stored, counted.missing, counted.rejected) == (3000, 0, 0)
    assert differences(data_dir, influx_bucket) == []


def test_where_retention_cannot_be_looked_up_the_servers_words_are_understood(
    influxdb: InfluxDB, tmp_path: Path
) -> None:
    bucket, data_dir = influxdb.create_bucket(retention_s=3600), tmp_path / "data"
    token = influxdb.create_token(bucket, actions=("write",))
    now = system_clock()
    times = np.concatenate([now - 7200 * NS_PER_S + np.arange(3), now - 60 * NS_PER_S + np.arange(500)])
    land(data_dir, Batch.of_numbers("ring", "stored_current", times, np.zeros(503)))
    drain(data_dir, InfluxClient(bucket.url, bucket.org, bucket.name, token))
    counted = totals(data_dir)["mqtt"]
    assert (counted.stored, counted.dropped, counted.rejected) == (500, 3, 0)


def test_a_point_whose_field_has_another_type_is_the_only_one_refused(influx_bucket: Bucket, tmp_path: Path) -> None:
    # Somebody else wrote a string where numbers belong, into the time of one of our shards.
    other = T - 30 * 86_400 * NS_PER_S
    influx_bucket.write(f'telemetry,facility=other,signal=x value="text" {other}')
    data_dir = tmp_path / "data"
    batch = Batch.of_numbers("ring", "stored_current", [other + 1, *range(T, T + 100)], np.zeros(101))
    land(data_dir, batch)
    drain(data_dir, client_of(influx_bucket))
    counted = totals(data_dir)["mqtt"]
    assert (counted.stored, counted.rejected, counted.missing) == (100, 1, 0)
    with closing(sqlite3.connect(data_dir / "telemetry.db")) as connection:
        ((cause, detail),) = connection.execute("SELECT cause, detail FROM dead_letter")
    assert cause == "refused_by_store"
    assert "field type conflict" in detail


@pytest.mark.parametrize("actions", [("read",)])
def test_a_token_that_may_not_write_holds(influxdb: InfluxDB, tmp_path: Path, actions: tuple[str, ...]) -> None:
    bucket, data_dir = influxdb.create_bucket(), tmp_path / "data"
    token = influxdb.create_token(bucket, actions=actions)
    land(data_dir, numbers(0, 10))
    with (
        forwarder(data_dir, InfluxClient(bucket.url, bucket.org, bucket.name, token)) as forwarding,
        pytest.raises(Exception, match="read and write bucket"),
    ):
        forwarding.drain()
    assert totals(data_dir)["mqtt"].waiting == 10
