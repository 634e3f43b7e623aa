"""What every store of telemetry does, whatever lies behind it."""

import sys

import numpy as np
import pytest

from facility.batch import Batch, Samples
from facility.errors import UsageError
from facility.quality import Quality
from facility.time import NS_PER_S
from storage.store import SeriesCount, TelemetryStore, Written

T0 = 1_790_000_000 * NS_PER_S
DAY_NS = 86_400 * NS_PER_S
FOREVER = (T0 - 10**18, T0 + 10**18)
GOOD, UNCERTAIN, BAD = Quality
Row = tuple[int, float | None, str | None, Quality, str | None]


def batch_of(*rows: Row, signal: str = "current", arrival_ns: list[int] | None = None) -> Batch:
    """Make a batch of rows (time after T0, number, state, quality, reason)."""
    words = tuple(dict.fromkeys(word for row in rows for word in (row[2], row[4]) if word is not None))
    return Batch.build(
        "ring",
        [signal],
        [0] * len(rows),
        [T0 + row[0] for row in rows],
        arrival_ns=arrival_ns,
        value=[np.nan if row[1] is None else row[1] for row in rows],
        state=[-1 if row[2] is None else words.index(row[2]) for row in rows],
        quality=[row[3] for row in rows],
        reason=[-1 if row[4] is None else words.index(row[4]) for row in rows],
        words=words,
    )


def rows_of(samples: Samples) -> list[Row]:
    n = len(samples)
    reasons = [None] * n if samples.reason is None else [None if r < 0 else samples.words[r] for r in samples.reason]
    numbers = [None if np.isnan(v) else v for v in samples.value.tolist()]
    times = (samples.time_ns - T0).tolist()
    qualities = [Quality(q) for q in samples.quality]
    return list(zip(times, numbers, samples.state_words(), qualities, reasons, strict=True))


def numbers(times: list[int], values: list[float], signal: str = "current") -> Batch:
    return Batch.of_numbers("ring", signal, [T0 + t for t in times], values)


def test_an_unknown_signal_has_no_samples(store: TelemetryStore) -> None:
    samples = store.read("current", *FOREVER, hold=True)
    assert (samples.facility, samples.signal, len(samples)) == ("ring", "current", 0)
    assert list(store.read_chunks("current", *FOREVER)) == []
    assert store.last(["current"]) == {}
    assert store.series() == []
    assert store.delete("current", T0) == 0
    assert len(store.buckets("current", T0, T0 + 10, 10).count) == 0


def test_samples_come_back_in_order_of_time_whatever_the_order_of_arrival(store: TelemetryStore) -> None:
    store.write(numbers([30, 10], [3.0, 1.0]))
    store.write(numbers([20], [2.0]))
    assert rows_of(store.read("current", *FOREVER)) == [
        (10, 1.0, None, GOOD, None),
        (20, 2.0, None, GOOD, None),
        (30, 3.0, None, GOOD, None),
    ]


def test_a_range_holds_its_start_and_not_its_end(store: TelemetryStore) -> None:
    store.write(numbers([10, 20, 30], [1.0, 2.0, 3.0]))
    assert store.read("current", T0 + 10, T0 + 30).value.tolist() == [1.0, 2.0]
    assert store.read("current", T0 + 11, T0 + 11).value.tolist() == []
    assert store.read("current", T0 + 30, T0 + 10).value.tolist() == []


def test_the_last_sample_before_the_range_comes_first_when_it_is_to_hold(store: TelemetryStore) -> None:
    store.write(numbers([10, 20, 30], [1.0, 2.0, 3.0]))
    assert store.read("current", T0 + 25, T0 + 40, hold=True).value.tolist() == [2.0, 3.0]
    assert store.read("current", T0 + 20, T0 + 40, hold=True).value.tolist() == [1.0, 2.0, 3.0]
    assert store.read("current", T0 + 5, T0 + 15, hold=True).value.tolist() == [1.0]
    assert store.read("current", T0 + 50, T0 + 60, hold=True).value.tolist() == [3.0]


def test_every_column_comes_back_as_it_went_in(store: TelemetryStore) -> None:
    rows: list[Row] = [
        (1, 200.0, None, GOOD, None),
        (2, 201.0, None, UNCERTAIN, "clock"),
        (3, None, None, BAD, "MAJOR alarm"),
        (4, 202.0, None, BAD, None),
        (5, 203.0, None, GOOD, "noted"),
    ]
    store.write(batch_of(*rows, arrival_ns=[T0 + 1, T0 + 2, T0 + 3, T0 + 10 * NS_PER_S, T0 + 5]))
    assert rows_of(store.read("current", *FOREVER)) == rows
    assert rows_of(store.read("current", T0 + 1, T0 + 2)) == rows[:1]
    assert rows_of(store.read("current", T0 + 3, T0 + 4)) == rows[2:3]


def test_states_come_back_as_words_whatever_is_written_in_them(store: TelemetryStore) -> None:
    words = ["top_up", 'a "quoted" word', "back\\slash", "蓄積", "with, comma = and space", "top_up"]
    rows: list[Row] = [(i, None, word, GOOD, None) for i, word in enumerate(words)]
    rows.append((9, None, None, BAD, "sensor, lost"))
    store.write(batch_of(*rows, signal="mode"))
    assert rows_of(store.read("mode", *FOREVER)) == rows
    assert store.read("mode", *FOREVER).state_words() == [*words, None]


def test_numbers_and_stamps_keep_every_bit(store: TelemetryStore) -> None:
    values = [0.1, -0.0, 1 / 3, 5e-324, sys.float_info.max, sys.float_info.min, -1.0000000000000002, 0.0]
    times = [-(10**17) + 123_456_789, 0, 1, 2, 999_999_999, 10**9, 10**9 + 1, 10**17 + 987_654_321]
    store.write(numbers(times, values))
    samples = store.read("current", *FOREVER)
    assert (samples.time_ns - T0).tolist() == times
    assert samples.value.tobytes() == np.array(values).tobytes()


def test_minus_zero_is_kept_and_differs_from_zero(store: TelemetryStore) -> None:
    assert store.write(numbers([1, 2], [0.0, -0.0])) == Written(stored=2, rewritten=0, conflicts=0)
    assert store.write(numbers([1, 2], [-0.0, -0.0])) == Written(stored=2, rewritten=2, conflicts=1)
    assert np.signbit(store.read("current", *FOREVER).value).tolist() == [True, True]


def test_minus_zero_is_kept_as_the_newest_value_too(store: TelemetryStore) -> None:
    store.write(numbers([1], [-0.0]))
    assert np.signbit(store.last(["current"])["current"].value)


def test_stamps_before_1970_are_stamps(store: TelemetryStore) -> None:
    store.write(Batch.of_numbers("ring", "current", [-5, 0, 5], [1.0, 2.0, 3.0]))
    assert store.read("current", -5, 5).value.tolist() == [1.0, 2.0]


def test_signals_in_one_batch_are_kept_apart(store: TelemetryStore) -> None:
    times = T0 + np.arange(6)
    store.write(Batch.build("ring", ["a", "unused", "b"], [0, 2, 0, 2, 0, 2], times, value=np.arange(6.0)))
    assert store.read("a", *FOREVER).value.tolist() == [0.0, 2.0, 4.0]
    assert store.read("b", *FOREVER).value.tolist() == [1.0, 3.0, 5.0]
    assert [s.signal for s in store.series()] == ["a", "b"]


def test_an_empty_batch_writes_nothing(store: TelemetryStore) -> None:
    assert store.write(numbers([], [])) == Written(0, 0, 0)
    assert store.series() == []


def test_the_last_of_equal_times_in_a_batch_wins(store: TelemetryStore) -> None:
    assert store.write(numbers([10, 20, 10, 10], [1.0, 2.0, 3.0, 3.0])) == Written(stored=4, rewritten=2, conflicts=1)
    assert store.read("current", *FOREVER).value.tolist() == [3.0, 2.0]


def test_writing_the_same_again_changes_nothing_and_is_counted(store: TelemetryStore) -> None:
    rows: list[Row] = [(1, 200.0, None, GOOD, None), (2, None, None, BAD, "alarm"), (3, 201.5, None, UNCERTAIN, None)]
    assert store.write(batch_of(*rows)) == Written(stored=3, rewritten=0, conflicts=0)
    assert store.write(batch_of(*rows)) == Written(stored=3, rewritten=3, conflicts=0)
    assert rows_of(store.read("current", *FOREVER)) == rows
    assert [s.samples for s in store.series()] == [3]


def test_a_redelivery_that_arrives_later_is_no_conflict(store: TelemetryStore) -> None:
    row: Row = (1, 200.0, None, GOOD, None)
    store.write(batch_of(row))
    late = batch_of(row, arrival_ns=[T0 + 3600 * NS_PER_S])
    assert store.write(late) == Written(stored=1, rewritten=1, conflicts=0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((1, 200.0, None, GOOD, None), (1, 201.0, None, GOOD, None)),
        ((1, 200.0, None, GOOD, None), (1, 200.0, None, UNCERTAIN, None)),
        ((1, 200.0, None, GOOD, None), (1, 200.0, None, GOOD, "noted")),
        ((1, 200.0, None, UNCERTAIN, "clock"), (1, 200.0, None, GOOD, None)),
        ((1, 200.0, None, GOOD, None), (1, None, None, BAD, "alarm")),
        ((1, None, None, BAD, "alarm"), (1, 200.0, None, GOOD, None)),
        ((1, None, "up", GOOD, None), (1, None, "down", GOOD, None)),
        ((1, None, "up", GOOD, None), (1, None, None, BAD, "alarm")),
    ],
)
def test_the_last_write_wins_in_all_its_fields_and_is_a_conflict(
    store: TelemetryStore, before: Row, after: Row
) -> None:
    store.write(batch_of(before))
    neighbour: Row = (2, 1.0, None, GOOD, None) if before[2] is None else (2, None, "up", GOOD, None)
    assert store.write(batch_of(neighbour, after)) == Written(stored=2, rewritten=1, conflicts=1)
    assert rows_of(store.read("current", *FOREVER)) == [after, neighbour]
    assert rows_of(store.read("current", T0 + 1, T0 + 2)) == [after]


def test_late_and_new_samples_in_one_batch_are_told_apart(store: TelemetryStore) -> None:
    store.write(numbers([10, 20, 30], [1.0, 2.0, 3.0]))
    written = store.write(numbers([5, 10, 20, 25, 40], [0.5, 1.0, 2.5, 2.0, 4.0]))
    assert written == Written(stored=5, rewritten=2, conflicts=1)
    assert store.read("current", *FOREVER).value.tolist() == [0.5, 1.0, 2.5, 2.0, 3.0, 4.0]


def test_pieces_follow_each_other_and_make_the_whole(store: TelemetryStore) -> None:
    n = 230_000
    times = T0 + np.arange(n) * 1000
    batch = Batch.build("ring", ["current"], np.zeros(n), times, value=np.arange(n) % 977, quality=np.arange(n) % 3)
    store.write(batch)
    pieces = list(store.read_chunks("current", T0 + 1000, T0 + (n - 1) * 1000))
    assert len(pieces) > 1
    assert all(len(piece) for piece in pieces)
    whole = Samples.joined(pieces)
    assert np.array_equal(whole.time_ns, times[1:-1])
    assert np.array_equal(whole.value, batch.value[1:-1])
    assert np.array_equal(whole.quality, batch.quality[1:-1])


def test_a_sample_whose_stamp_cannot_be_true_is_never_the_newest(store: TelemetryStore) -> None:
    t = 1_790_000_000_000_000_000
    times = [t, t + 1, t + 2, t + 10**15, t + 2 * 10**15]
    batch = Batch.build(
        "ring", ["current", "only_wrong"], [0, 0, 0, 0, 1], times, value=[1.0, 2.0, 3.0, 4.0, 5.0],
        quality=[0, 1, 1, 1, 1], reason=[-1, 0, 1, 1, 1], words=["MINOR", "clock"],
    )  # fmt: skip
    store.write(batch)
    newest = store.last(["current", "only_wrong"])
    assert {name: (value.time_ns, value.value) for name, value in newest.items()} == {"current": (t + 1, 2.0)}


def test_the_newest_sample_of_each_signal_is_told(store: TelemetryStore) -> None:
    store.write(numbers([10, 30, 20], [1.0, 3.0, 2.0]))
    store.write(batch_of((10, None, "up", GOOD, None), (20, None, "down", UNCERTAIN, None), signal="ring_link"))
    store.write(batch_of((10, 1.0, None, GOOD, None), (20, None, None, BAD, "alarm"), signal="lifetime"))
    last = store.last(["current", "ring_link", "lifetime", "missing"])
    assert set(last) == {"current", "ring_link", "lifetime"}
    assert (last["current"].time_ns, last["current"].value, last["current"].state) == (T0 + 30, 3.0, None)
    assert (last["ring_link"].state, last["ring_link"].quality) == ("down", UNCERTAIN)
    assert np.isnan(last["ring_link"].value)
    assert (last["lifetime"].time_ns, last["lifetime"].quality) == (T0 + 20, BAD)
    assert np.isnan(last["lifetime"].value)


def test_series_counts_what_is_there(store: TelemetryStore) -> None:
    store.write(numbers([10, 20, 20, 30], [1.0, 2.0, 2.5, 3.0], signal="b"))
    store.write(batch_of((5, None, None, BAD, None), (6, 1.0, None, GOOD, None), signal="a"))
    store.write(batch_of((7, None, "up", GOOD, None), signal="c"))
    assert store.series() == [
        SeriesCount("a", 2, T0 + 5, T0 + 6),
        SeriesCount("b", 3, T0 + 10, T0 + 30),
        SeriesCount("c", 1, T0 + 7, T0 + 7),
    ]


def test_batches_hold_all_that_is_kept_of_a_signal(store: TelemetryStore) -> None:
    late = T0 + 3600 * NS_PER_S
    rows: list[Row] = [
        (1, 200.0, None, GOOD, None),
        (2, None, None, BAD, "alarm"),
        (3, None, "up", UNCERTAIN, "clock"),
        (4, 201.5, None, GOOD, None),
    ]
    store.write(batch_of(*rows, arrival_ns=[T0 + 1, late, T0 + 3, late + 1]))
    store.write(numbers([1], [5.0], signal="other"))
    (got,) = store.read_batches("current", *FOREVER)
    assert got.signals == ("current",)
    assert rows_of(next(got.by_signal())[1]) == rows
    assert got.arrival_ns.tolist() == [T0 + 1, late, T0 + 3, late + 1]
    assert list(store.read_batches("current", T0 + 5, T0 + 9)) == []
    assert list(store.read_batches("unheard_of", *FOREVER)) == []


def test_the_extent_of_a_signal_reaches_from_its_first_to_its_last_sample(store: TelemetryStore) -> None:
    assert store.extent("current") is None
    store.write(numbers([30, 10], [3.0, 1.0]))
    assert store.extent("current") == (T0 + 10, T0 + 30)
    store.write(batch_of((5, None, None, BAD, None), (40, None, "up", GOOD, None)))
    store.write(numbers([1, 99], [0.0, 0.0], signal="other"))
    assert store.extent("current") == (T0 + 5, T0 + 40)
    store.delete("current", T0 + 30)
    assert store.extent("current") == (T0 + 30, T0 + 40)
    store.delete("current", T0 + 41)
    assert store.extent("current") is None


def test_deleting_takes_what_is_before_an_instant_of_one_signal(store: TelemetryStore) -> None:
    store.write(numbers([10, 20, 30], [1.0, 2.0, 3.0]))
    store.write(numbers([10], [1.0], signal="other"))
    assert store.delete("current", T0 + 20) == 1
    assert store.delete("current", T0 + 20) == 0
    assert store.read("current", *FOREVER).value.tolist() == [2.0, 3.0]
    assert store.read("other", *FOREVER).value.tolist() == [1.0]
    assert store.write(numbers([10], [9.0])) == Written(stored=1, rewritten=0, conflicts=0)


def test_buckets_are_what_a_slow_calculation_gives(store: TelemetryStore) -> None:
    random = np.random.default_rng(7)
    n = 400
    times = np.unique(random.integers(0, 1000, n)) * NS_PER_S + random.integers(0, NS_PER_S)
    values = random.normal(200.0, 20.0, len(times))
    quality = random.choice([0, 0, 0, 1, 2], len(times))
    missing = (quality == 2) & (random.random(len(times)) < 0.5)
    values[missing] = np.nan
    store.write(Batch.of_numbers("ring", "current", T0 + times, values, quality))
    start, end, count = T0 + 100 * NS_PER_S + 17, T0 + 900 * NS_PER_S, 123
    got = store.buckets("current", start, end, count)
    want = slow_buckets(list(zip((T0 + times).tolist(), values, quality, strict=True)), start, end, got.width_ns)
    assert got.width_ns == -(-(end - start) // count)
    assert got.start_ns.tolist() == [row[0] for row in want]
    assert got.count.tolist() == [row[1] for row in want]
    for column, i in ((got.mean, 2), (got.min, 3), (got.max, 4), (got.last, 5)):
        assert column == pytest.approx([row[i] for row in want], rel=1e-12)
    assert bool(np.all((got.min <= got.mean) & (got.mean <= got.max)))


def test_wide_buckets_are_what_a_slow_calculation_gives_also_after_late_and_corrected_samples(
    store: TelemetryStore,
) -> None:
    random = np.random.default_rng(11)
    midnight = T0 // DAY_NS * DAY_NS
    seconds = np.unique(random.integers(0, 4 * 86_400, 9000))
    # A stretch without samples, minutes with one, minutes with several, bad ones, some without a number.
    seconds = seconds[(seconds < 100_000) | (seconds > 130_000)]
    times = midnight + seconds * NS_PER_S + random.integers(0, NS_PER_S, len(seconds))
    values = random.normal(200.0, 20.0, len(times))
    quality = random.choice([0, 0, 0, 1, 2], len(times))
    values[(quality == 2) & (random.random(len(times)) < 0.5)] = np.nan
    late = random.random(len(times)) < 0.1
    store.write(Batch.of_numbers("ring", "current", times[~late], values[~late], quality[~late]))
    start, end, count = midnight + 3600 * NS_PER_S + 17, midnight + 4 * DAY_NS - 10**9, 150
    for change in (late, random.random(len(times)) < 0.01):
        values = np.where(change & ~late, np.where(np.isnan(values), 1.0, -values), values)
        quality = np.where(change & ~late, Quality.GOOD, quality)
        store.write(Batch.of_numbers("ring", "current", times[change], values[change], quality[change]))
        late = np.zeros(len(times), np.bool_)
    got = store.buckets("current", start, end, count)
    want = slow_buckets(list(zip(times.tolist(), values, quality, strict=True)), start, end, got.width_ns)
    assert got.start_ns.tolist() == [row[0] for row in want]
    for column, i in ((got.count, 1), (got.min, 3), (got.max, 4), (got.last, 5)):
        assert column.tolist() == [row[i] for row in want]
    assert got.mean == pytest.approx([row[2] for row in want], rel=1e-12)


def slow_buckets(samples: list[tuple[int, float, int]], start: int, end: int, width: int) -> list[tuple[float, ...]]:
    """Return start, count, mean, min, max, last of each bucket, one sample at a time."""
    good = [(t, v) for t, v, quality in samples if quality < BAD and not np.isnan(v) and start <= t < end]
    found: list[tuple[float, ...]] = []
    for left in range(start, end, width):
        right = min(left + width, end)
        inside = [(t, v) for t, v in good if left <= t < right]
        if not inside:
            continue
        ends = [t for t, _ in inside[1:]] + [right]
        area = sum(v * (until - t) for (t, v), until in zip(inside, ends, strict=True))
        values = [v for _, v in inside]
        mean = area / (right - inside[0][0])
        found.append((left, len(inside), mean, min(values), max(values), values[-1]))
    return found


def test_buckets_of_states_are_empty(store: TelemetryStore) -> None:
    store.write(batch_of((1, None, "up", GOOD, None), signal="ring_link"))
    assert len(store.buckets("ring_link", T0, T0 + 10, 10).count) == 0


@pytest.mark.parametrize("count", [0, -1, 2001])
def test_more_buckets_than_can_be_drawn_are_refused(store: TelemetryStore, count: int) -> None:
    with pytest.raises(UsageError, match=f"{count} buckets of current were asked for: 1 to 2000 are possible"):
        store.buckets("current", T0, T0 + 10**6, count)


def test_two_thousand_buckets_are_possible(store: TelemetryStore) -> None:
    store.write(numbers([0, 1], [1.0, 2.0]))
    assert store.buckets("current", T0, T0 + 2000, 2000).start_ns.tolist() == [T0, T0 + 1]
