"""kado's own clock steps: nothing is dropped as too old unless the server says so, or the clock is right."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from collector.arrival import Arrival
from collector.delivery_policy import DeliveryPolicy
from collector.forwarder import Forwarder
from collector.intake import Intake
from collector.landing import Landing
from collector.ledger import read_ledger, verify_ledger
from facility.batch import Batch
from facility.profile import load_profile
from facility.quality import Quality
from facility.source import Delivery
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S, system_clock
from servers import Bucket
from storage.embedded.store import EmbeddedStore
from storage.influxdb.client import InfluxClient
from storage.influxdb.store import InfluxStore
from storage.store import TelemetryStore

PROFILE = load_profile("nanoterasu_sim")
SIGNAL = "stored_current"
QUICK = DeliveryPolicy(chance=lambda: 0.5, retry_base_s=0.01, retry_cap_s=0.1)
RUNS = 4
SAMPLES = 100
STEPS_S = {
    "seconds ahead": 6, "hours ahead": 3 * 3_600, "a day ahead": 90_000, "a year ahead": 366 * 86_400,
    "seconds behind": -6, "hours behind": -3 * 3_600, "a day behind": -90_000, "a year behind": -366 * 86_400,
}  # fmt: skip


@dataclass
class Clock:
    """A clock that somebody steps."""

    off_s: int = 0

    def __call__(self) -> int:
        return system_clock() + self.off_s * NS_PER_S


def samples(now_ns: int, run: int) -> Batch:
    """Return samples of the last half hour, stamped by a source whose clock is right."""
    times = now_ns - (30 * 60 - run * 300) * NS_PER_S + np.arange(SAMPLES) * NS_PER_S
    return Batch.of_numbers(PROFILE.id, SIGNAL, times, run * SAMPLES + np.arange(float(SAMPLES)))


def collect(clock: Clock, step_s: int, land: Callable[[Arrival], None]) -> list[Batch]:
    """Land samples before a step of kado's clock, while it is wrong, and when it is right again."""
    intake = Intake(PROFILE, ["ring"], clock)
    now_ns = system_clock()
    made = [samples(now_ns, run) for run in range(RUNS)]
    for off_s, batch in zip([0, step_s, step_s, 0], made, strict=True):
        clock.off_s = off_s
        land(intake.check("ring", Delivery(batch)))
    return made


def assert_all_there(store: TelemetryStore, data_dir: Path, made: list[Batch]) -> None:
    found = store.read(SIGNAL, -MAX_NS, MAX_NS)
    assert found.time_ns.tolist() == np.concatenate([batch.time_ns for batch in made]).tolist()
    assert found.value.tolist() == list(range(RUNS * SAMPLES))
    # A clock that is behind makes good stamps look like the future: kept, and marked.
    assert set(found.quality.tolist()) <= {Quality.GOOD, Quality.UNCERTAIN}
    ledger = read_ledger(data_dir)
    (totals,) = [one for one in ledger.sources() if one.source == "ring"]
    assert (totals.stored, totals.rejected, totals.dropped, totals.lost, totals.missing) == (RUNS * SAMPLES, 0, 0, 0, 0)
    assert verify_ledger(ledger, store) == []


@pytest.mark.parametrize("step_s", STEPS_S.values(), ids=STEPS_S)
@pytest.mark.parametrize("keep_days", [None, 2], ids=["kept for ever", "kept two days"])
def test_a_step_of_the_clock_drops_nothing_from_the_embedded_store(
    tmp_path: Path, step_s: int, keep_days: int | None
) -> None:
    clock = Clock()
    data_dir = tmp_path / "data"

    def land(arrival: Arrival) -> None:
        with Landing.open(data_dir, PROFILE.id, "embedded", clock) as landing:
            landing.land_now(arrival)
        # What goes on by itself: days that are over by this clock are sealed, and old ones deleted.
        with closing(EmbeddedStore(data_dir, PROFILE.id, read_only=False, clock=clock)) as store:
            store.seal(clock() // NS_PER_DAY * NS_PER_DAY)
            store.retain(lambda _: keep_days, clock())

    made = collect(clock, step_s, land)
    with closing(EmbeddedStore(data_dir, PROFILE.id)) as store:
        assert_all_there(store, data_dir, made)


@pytest.mark.parametrize("step_s", STEPS_S.values(), ids=STEPS_S)
@pytest.mark.parametrize("retention_s", [0, 3_600], ids=["bucket for ever", "bucket of an hour"])
def test_a_step_of_the_clock_drops_nothing_on_the_way_to_influxdb(
    influx_bucket: Bucket, tmp_path: Path, step_s: int, retention_s: int
) -> None:
    clock = Clock()
    bucket = influx_bucket.server.create_bucket(retention_s=retention_s)
    place = (bucket.url, bucket.org, bucket.name, bucket.token)
    # One forwarder from the first sample to the last, as in a service: it has asked for the retention before the step.
    with (
        Landing.open(tmp_path, PROFILE.id, "influxdb", clock) as landing,
        Forwarder(tmp_path, PROFILE.id, InfluxClient(*place), clock, QUICK) as forwarder,
    ):

        def land(arrival: Arrival) -> None:
            landing.land_now(arrival)
            forwarder.drain()

        made = collect(clock, step_s, land)
    with closing(InfluxStore(*place, PROFILE.id)) as store:
        assert_all_there(store, tmp_path, made)


@pytest.mark.parametrize("step_s", [0, 6, 90_000, -90_000])
def test_what_the_server_itself_does_not_keep_is_dropped_and_counted_whatever_the_clock_says(
    influx_bucket: Bucket, tmp_path: Path, step_s: int
) -> None:
    clock = Clock(step_s)
    bucket = influx_bucket.server.create_bucket(retention_s=3_600)
    now_ns = system_clock()
    times = np.concatenate([now_ns - 7_200 * NS_PER_S + np.arange(7), now_ns - 60 * NS_PER_S + np.arange(5)])
    with (
        Landing.open(tmp_path, PROFILE.id, "influxdb", clock) as landing,
        Forwarder(
            tmp_path, PROFILE.id, InfluxClient(bucket.url, bucket.org, bucket.name, bucket.token), clock, QUICK
        ) as forwarder,
    ):
        landing.land_now(Arrival("ring", Batch.of_numbers(PROFILE.id, SIGNAL, times, np.arange(12.0))))
        forwarder.drain()
    ledger = read_ledger(tmp_path)
    assert {row.cause: row.count for row in ledger.rows if row.entry == "dropped"} == {"beyond_retention": 7}
    assert ledger.held() == {SIGNAL: 5}
