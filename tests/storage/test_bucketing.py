"""How wide buckets are, and that wide ones need no samples."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from facility.batch import Samples
from facility.time import NS_PER_DAY, NS_PER_S
from storage.bucketing import bucket_edges, bucketise
from storage.embedded.store import EmbeddedStore

DAY = 20_454 * NS_PER_DAY  # 2026-01-01


@pytest.mark.parametrize(
    ("length_s", "count", "width_s", "found"),
    [
        (36_000, 10, 3_600, 10),  # an hour is whole
        (36_010, 10, 3_660, 10),  # a second more is a minute more, and the last bucket is shorter
        (600_010, 100, 6_060, 100),  # 6,000.1 s
        (400_000, 100, 4_020, 100),
        (366_000, 101, 3_660, 100),  # 3,623.8 s: one bucket less than was asked for
        (35_990, 10, 3_599, 10),  # below an hour nothing is rounded
    ],
)
def test_buckets_of_an_hour_and_more_are_whole_minutes_wide(
    length_s: int, count: int, width_s: int, found: int
) -> None:
    end = DAY + length_s * NS_PER_S
    times = np.arange(DAY, end, 7 * NS_PER_S)
    samples = Samples.sorted("ring", "current", times, np.arange(len(times)) * 0.25)
    got = bucketise("current", [samples], DAY, end, count)
    starts = DAY + np.arange(found) * width_s * NS_PER_S
    assert got.width_ns == width_s * NS_PER_S
    assert np.array_equal(got.start_ns, starts)
    assert np.array_equal(bucket_edges(DAY, end, count), np.append(starts, end))
    assert int(got.count.sum()) == len(times)
    # The last sample holds to the end of the range, not to where a whole bucket would end.
    last = samples.between(int(starts[-1]), end)
    held = np.diff(np.append(last.time_ns, end)).astype(float)
    assert got.mean[-1] == pytest.approx(float(np.sum(held * last.value) / np.sum(held)), rel=1e-12)


def test_a_sealed_month_is_drawn_in_wide_buckets_without_reading_its_samples(tmp_path: Path) -> None:
    end = DAY + 31 * NS_PER_DAY
    times = np.arange(DAY + 5, end, 11 * NS_PER_S)
    samples = Samples.sorted("ring", "current", times, np.sin(np.arange(len(times))))
    # 31 days in 500: 89.28 minutes each, which are rounded to 90.
    want = bucketise("current", [samples], DAY, end, 500)
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        store.load(samples, before_ns=end)
        for path in (tmp_path / "archive" / "samples").rglob("*.parquet"):
            path.write_bytes(b"")
        got = store.buckets("current", DAY, end, 500)
    assert want.width_ns == 90 * 60 * NS_PER_S
    for name in ("start_ns", "count", "min", "max", "last"):
        assert np.array_equal(getattr(got, name), getattr(want, name)), name
    assert got.mean == pytest.approx(want.mean, rel=1e-9, abs=1e-12)
