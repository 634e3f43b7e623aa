"""Minutes beside the samples: used where they hold, never where they do not; on a real server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from collector.arrival import Arrival
from collector.delivery_policy import DeliveryPolicy
from collector.forwarder import Forwarder
from collector.landing import Landing
from facility.batch import Batch
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S
from servers import Bucket
from storage.influxdb.client import MissingBucketError
from storage.influxdb.downsampling import Downsampled, Downsampler
from storage.influxdb.store import InfluxStore
from storage.influxdb.touching import days_of_lines, touches
from storage.store import Buckets

DAY = 20_600 * NS_PER_DAY
MARKS = "SELECT token FROM minutes_touched WHERE time > 0 GROUP BY signal"
LATER = DAY + 100 * NS_PER_DAY
RANGE = (DAY, DAY + 4 * NS_PER_DAY)


class Rig:
    """A store, its bucket of minutes, and what sums up; the clock stands still until it is moved."""

    def __init__(self, bucket: Bucket, *, minutes: bool = True) -> None:
        self.bucket = bucket
        if minutes:
            bucket.server.create_bucket(name=f"{bucket.name}_1m")
        self.of_minutes = Bucket(bucket.server, f"{bucket.name}_1m")
        self.now_ns = LATER
        self.store = InfluxStore(bucket.url, bucket.org, bucket.name, bucket.token, "ring", clock=self.clock)
        self.clients = self.store._client, self.store._of_minutes  # pyright: ignore[reportPrivateUsage]  # its two clients are replaced

    def clock(self) -> int:
        return self.now_ns

    def write(self, times: Any, values: Any) -> None:
        self.store.write(Batch.of_numbers("ring", "current", times, values))

    def downsample(self, *, wait_ns: int = NS_PER_H, rebuild: bool = False) -> Downsampled:
        self.now_ns += wait_ns
        return Downsampler(*self.clients, "ring", self.clock).run(["current"], rebuild=rebuild)

    def buckets(self) -> Buckets:
        return self.store.buckets("current", *RANGE, 96)

    def poison(self, minute: int) -> None:
        """Write into a minute what its samples never said, behind everybody's back."""
        line = f"minutes,facility=ring,signal=current last=1,mean=1,min=1,max=777,known=60000000000i {minute}"
        self.of_minutes.write(line)


@pytest.fixture
def rig(influx_bucket: Bucket) -> Iterator[Rig]:
    made = Rig(influx_bucket)
    times = DAY + np.arange(4 * 8640) * 10 * NS_PER_S
    made.write(times, 200 + np.sin(np.arange(len(times))))
    yield made
    made.store.close()


def same(one: Buckets, other: Buckets) -> bool:
    exact = all(np.array_equal(getattr(one, c), getattr(other, c)) for c in ("start_ns", "count", "min", "max", "last"))
    return exact and bool(np.allclose(one.mean, other.mean, rtol=1e-12, atol=0))


def test_days_that_are_over_are_summed_up_once_and_then_used(rig: Rig) -> None:
    from_samples = rig.buckets()
    assert rig.downsample() == Downsampled(signals=1, days=4, minutes=4 * 1440, waiting=0)
    assert same(rig.buckets(), from_samples)
    assert rig.downsample() == Downsampled(signals=1, days=0, minutes=0, waiting=0)
    rig.poison(DAY + NS_PER_DAY)
    assert rig.buckets().max.max() == 777, "the minutes were read, not the samples"


@pytest.mark.parametrize(("step_s", "from_minutes"), [(1, True), (20, False)])
def test_minutes_that_an_edge_cuts_are_read_from_samples_where_that_pays(
    influx_bucket: Bucket, monkeypatch: pytest.MonkeyPatch, step_s: int, from_minutes: bool
) -> None:
    rig = Rig(influx_bucket)
    times = DAY + np.arange(0, 3 * 86_400, step_s) * NS_PER_S
    rig.write(times, np.random.default_rng(3).normal(200.0, 20.0, len(times)))
    monkeypatch.setattr("storage.influxdb.summing.SAMPLE_COSTS_S", 1.0)
    asked = ("current", DAY + 17 * NS_PER_S, DAY + 3 * NS_PER_DAY - 7, 101)
    from_samples = rig.store.buckets(*asked)
    assert from_samples.width_ns % (60 * NS_PER_S), "edges cut minutes"
    assert rig.downsample().days == 3
    assert same(rig.store.buckets(*asked), from_samples)
    rig.poison(DAY + NS_PER_DAY)
    assert (rig.store.buckets(*asked).max.max() == 777) == from_minutes
    rig.store.close()


def test_where_the_server_is_slow_with_single_minutes_all_samples_are_read(
    influx_bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(influx_bucket)
    times = DAY + np.arange(2 * 86_400) * NS_PER_S
    rig.write(times, np.random.default_rng(3).normal(200.0, 20.0, len(times)))
    asked = ("current", DAY + 17 * NS_PER_S, DAY + 2 * NS_PER_DAY + 17 * NS_PER_S, 71)
    from_samples = rig.store.buckets(*asked)
    rig.downsample()
    rig.poison(DAY + NS_PER_DAY)
    monkeypatch.setattr("storage.influxdb.summing.SAMPLE_COSTS_S", 0.0)
    assert same(rig.store.buckets(*asked), from_samples)
    rig.store.close()


def test_a_day_that_is_not_over_is_read_sample_by_sample(influx_bucket: Bucket) -> None:
    rig = Rig(influx_bucket)
    rig.now_ns = DAY
    rig.write(DAY + np.arange(4 * 1440) * 60 * NS_PER_S, np.full(4 * 1440, 200.0))
    rig.now_ns = DAY + 3 * NS_PER_DAY - NS_PER_H
    assert rig.downsample(wait_ns=0).days == 2
    rig.poison(DAY + 2 * NS_PER_DAY)
    assert rig.buckets().max.max() < 777
    rig.now_ns = DAY + 3 * NS_PER_DAY + NS_PER_H - 1
    assert rig.downsample(wait_ns=0).days == 0, "clocks may differ by an hour"
    assert rig.downsample(wait_ns=1).days == 1
    rig.store.close()


@pytest.mark.parametrize("stamp", [DAY + 5 * NS_PER_S, DAY + 10 * NS_PER_S], ids=["late", "overwritten"])
def test_a_day_that_is_written_to_is_not_believed_until_it_is_summed_up_anew(rig: Rig, stamp: int) -> None:
    rig.downsample()
    rig.write([stamp], [999.0])
    assert rig.buckets().max[0] == 999
    rig.poison(DAY)
    assert rig.buckets().max[0] == 999
    assert rig.downsample(wait_ns=299 * NS_PER_S) == Downsampled(1, days=0, minutes=0, waiting=1)
    assert rig.downsample(wait_ns=2 * NS_PER_S) == Downsampled(1, days=1, minutes=1440, waiting=0)
    assert rig.buckets().max[0] == 999
    rig.poison(DAY + NS_PER_H)
    assert rig.buckets().max[1] == 777, "minutes are believed again"


def test_what_was_written_while_a_day_was_summed_up_is_not_overlooked(rig: Rig) -> None:
    written = False

    def meanwhile() -> None:
        nonlocal written
        # The downsampler has seen the marks, and is about to read samples.
        if not written:
            written = True
            rig.write([DAY + 5 * NS_PER_S], [999.0])

    rig.now_ns += NS_PER_H
    Downsampler(*rig.clients, "ring", rig.clock, meanwhile).run(["current"])
    marked = rig.bucket.query("SELECT token FROM minutes_touched")
    assert marked, "the late sample left a mark"
    rig.poison(DAY)
    assert rig.buckets().max[0] == 999


def test_a_sum_that_was_interrupted_is_not_believed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from storage.influxdb.minutes import MinutesBucket

    from_samples = rig.buckets()
    rig.downsample()
    rig.write([DAY + NS_PER_S], [1.0])

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(MinutesBucket, "mark_done", killed)
        with pytest.raises(KeyboardInterrupt):
            rig.downsample()
    rig.poison(DAY)
    assert rig.buckets().max[0] < 777
    assert rig.buckets().count[0] == from_samples.count[0] + 1
    assert rig.downsample().days == 1


def test_minutes_are_rebuilt_when_asked(rig: Rig) -> None:
    from_samples = rig.buckets()
    rig.downsample()
    rig.poison(DAY)
    rig.of_minutes.write(f"minutes,facility=ring,signal=current last=1,mean=1,min=1,max=777,known=1i {DAY - 1}")
    assert rig.downsample(rebuild=True).days == 4
    assert same(rig.buckets(), from_samples)


def test_minutes_whose_samples_are_gone_go_with_them(rig: Rig) -> None:
    rig.downsample()
    assert rig.store.delete("current", DAY + NS_PER_DAY + 12 * NS_PER_H) == 12_960
    found = rig.buckets()
    assert found.start_ns[0] == DAY + NS_PER_DAY + 12 * NS_PER_H
    assert int(found.count.sum()) == 4 * 8640 - 12_960
    rig.downsample()
    assert int(rig.buckets().count.sum()) == 4 * 8640 - 12_960


def test_without_a_bucket_of_minutes_samples_are_read(influx_bucket: Bucket) -> None:
    rig = Rig(influx_bucket, minutes=False)
    rig.write(DAY + np.arange(400) * NS_PER_H // 4, np.arange(400.0))
    assert rig.buckets().count.sum() == 384
    with pytest.raises(MissingBucketError, match="_1m' that the token may see; create it with: kado store init"):
        rig.downsample()
    rig.store.close()


def test_with_a_token_that_does_not_see_the_bucket_of_minutes_samples_are_read(rig: Rig) -> None:
    from_samples = rig.buckets()
    rig.downsample()
    token = rig.bucket.server.create_token(rig.bucket)
    store = InfluxStore(rig.bucket.url, rig.bucket.org, rig.bucket.name, token, "ring")
    rig.poison(DAY)
    assert same(store.buckets("current", *RANGE, 96), from_samples)
    store.close()


def test_minutes_that_change_while_they_are_read_are_read_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from storage.influxdb.minutes import MinutesBucket

    rig.downsample()
    read = MinutesBucket.read
    times = 0

    def interrupted(self: MinutesBucket, *where: Any) -> Any:
        nonlocal times
        times += 1
        yield from read(self, *where)
        if times == 1:
            rig.write([DAY + NS_PER_S], [999.0])

    monkeypatch.setattr(MinutesBucket, "read", interrupted)
    assert rig.buckets().max[0] == 999
    assert times == 2


@pytest.mark.parametrize("with_live", [True, False], ids=["a blob of two days", "a blob of one day"])
def test_the_forwarder_marks_days_that_are_over_and_no_others(rig: Rig, tmp_path: Path, with_live: bool) -> None:
    rig.downsample()
    before = len(rig.bucket.query(MARKS))
    rig.now_ns = DAY + 4 * NS_PER_DAY + 12 * NS_PER_H
    times = [DAY + 5 * NS_PER_S, *([rig.now_ns] if with_live else [])]
    with Landing.open(tmp_path / "data", "ring", "influxdb", rig.clock) as landing:
        for signal in ("current", "lifetime"):
            landing.land_now(Arrival("mqtt", Batch.of_numbers("ring", signal, times, np.full(len(times), 999.0))))
        client = type(rig.clients[0])(rig.bucket.url, rig.bucket.org, rig.bucket.name, rig.bucket.token)
        with Forwarder(tmp_path / "data", "ring", client, rig.clock, DeliveryPolicy(lambda: 0.5)) as forwarder:
            forwarder.drain()
    marks = rig.bucket.query(MARKS)
    assert len(marks) == before + 1, "that of the other signal is new, that of this one was there"
    assert {(mark["signal"], mark["time"]) for mark in marks if mark["time"] < DAY + NS_PER_DAY} == {
        ("current", DAY + NS_PER_DAY - 1),
        ("lifetime", DAY + NS_PER_DAY - 1),
    }
    assert max(mark["time"] for mark in marks) < rig.now_ns
    assert rig.buckets().max[0] == 999


def test_the_days_of_lines_are_those_of_their_stamps() -> None:
    lines = [
        b'telemetry,facility=ring,signal=mode state="a = b c 5",quality="good" 86400000000000\n',
        b'telemetry,facility=ring,signal=current value=1,quality="good" 86399999999999\n',
        b'telemetry,facility=ring,signal=current value=1,quality="good" -1\n',
    ]
    assert days_of_lines(lines) == {("mode", 1), ("current", 0), ("current", -1)}
    marks = touches("ring", {("current", 0), ("current", 1)}, NS_PER_DAY + 5)
    assert marks.startswith(b"minutes_touched,facility=ring,signal=current token=")
    assert marks.endswith(b"i,at=86400000000005i 86399999999999\n")
    assert marks.count(b"\n") == 1, "the second day is not over"
