"""What every kind of archive gives to back-filling, from a real server where one can be had."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive_benches import ARCHIVES, SECRET_ENV, ArchiveBench, WatchedArchive
from collector.arrival import Arrival
from collector.landing import Landing
from collector.ledger import read_ledger
from collector.sources.archiver.archive import Archive
from collector.sources.archiver.backfill import BackfillProgress, SignalFilled, backfill
from collector.sources.archiver.spec import ArchiverSource
from facility.errors import AuthorizationError, UnreachableError
from facility.interval import Intervals
from facility.profile import Profile, load_profile
from facility.source import GapReport
from facility.time import MAX_NS, MIN_NS, NS_PER_H, NS_PER_S, parse_time, system_clock
from made_up_profile import many_signals
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db.gaps import read_gaps

PROFILE = load_profile("nanoterasu_sim")
T0 = parse_time("2025-05-13T00:00:00+09:00")
MINUTE = 60 * NS_PER_S


@pytest.fixture(scope="module", params=ARCHIVES)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArchiveBench]:
    kind: str = request.param
    if kind == "postgresql":
        pytest.importorskip("psycopg", reason='no psycopg: pip install "kado[archiver]"')
    bench = ARCHIVES[kind](tmp_path_factory.mktemp(kind))
    bench.start()
    yield bench
    bench.close()


@pytest.fixture
def bench(running: ArchiveBench, monkeypatch: pytest.MonkeyPatch) -> ArchiveBench:
    monkeypatch.setenv(SECRET_ENV, running.secret)
    return running


@pytest.fixture
def channel(request: pytest.FixtureRequest) -> str:
    """Return a channel of the test's own."""
    return "C_" + "".join(c for c in request.node.name if c.isalnum())[:80]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Note what archives are asked: channel, start, end."""
    asked: list[tuple[str, int, int]] = []
    opened = ArchiverSource.open

    def watched(source: ArchiverSource, profile: Profile) -> Archive:
        return WatchedArchive(opened(source, profile), asked)

    monkeypatch.setattr(ArchiverSource, "open", watched)
    return asked


class Held:
    """A landing that makes nothing durable until it is let go."""

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        self.free = threading.Event()

    def land_now(self, arrival: Arrival) -> None:
        assert self.free.wait(120)
        self._landing.land_now(arrival)


class Store:
    """A data directory that is filled."""

    def __init__(self, folder: Path, profile: Profile = PROFILE) -> None:
        self.data_dir = folder / "data"
        self.profile = profile
        self.progress: list[BackfillProgress] = []

    def fill(
        self, source: ArchiverSource, *ranges: tuple[int, int], hold: Held | None = None, **options: Any
    ) -> tuple[SignalFilled, ...]:
        options.setdefault("progress", self.progress.append)
        with Landing.open(self.data_dir, self.profile.id, "embedded") as landing:
            return backfill(source, self.profile, Intervals.of(ranges), landing, self.data_dir, system_clock, **options)

    def rows(self, signal: str = "stored_current") -> list[tuple[int, Any, int, str | None]]:
        """Return (time_ns, value, quality, reason)."""
        store = EmbeddedStore(self.data_dir, self.profile.id, read_only=True)
        try:
            samples = store.read(signal, MIN_NS, MAX_NS)
        finally:
            store.close()
        words = samples.state_words()
        reasons = [None] * len(samples) if samples.reason is None else samples.reason.tolist()
        return [
            (
                int(samples.time_ns[i]),
                words[i] or (None if np.isnan(samples.value[i]) else float(samples.value[i])),
                int(samples.quality[i]),
                None if (code := reasons[i]) is None or code < 0 else samples.words[code],
            )
            for i in range(len(samples))
        ]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_just_the_range_is_filled_at_the_stamps_that_were_recorded(
    bench: ArchiveBench, store: Store, channel: str
) -> None:
    bench.put([(channel, T0 + i * NS_PER_S + 123_456_789, 200.0 + i, "good") for i in range(-5, 60)])
    source = bench.source(bench.mapping(channel, "stored_current"))
    (done,) = store.fill(source, (T0, T0 + 10 * NS_PER_S), (T0 + 30 * NS_PER_S, T0 + 31 * NS_PER_S))
    expected = [(T0 + i * NS_PER_S + 123_456_789, 200.0 + i, 0, None) for i in (*range(10), 30)]
    assert store.rows() == expected
    assert (done.samples, done.rejected, done.problem) == (11, 0, "")
    assert (done.first_ns, done.last_ns) == (expected[0][0], expected[-1][0])


def test_a_recorded_severity_is_quality_and_reason(bench: ArchiveBench, store: Store, channel: str) -> None:
    bench.put([(channel, T0 + i, 1.5 + i, quality) for i, quality in enumerate(bench.reasons)])
    store.fill(bench.source(bench.mapping(channel, "stored_current")), (T0, T0 + NS_PER_S))
    assert [row[2:] for row in store.rows()] == list(bench.reasons.values())


def test_units_and_words_are_converted_as_the_mapping_says(bench: ArchiveBench, store: Store, channel: str) -> None:
    current, mode = f"{channel}_i", f"{channel}_m"
    bench.put([(current, T0, 0.2, "good"), (mode, T0 + 5, "Nutzer", "good"), (mode, T0 + 6, "Studie", "good")])
    source = bench.source(
        bench.mapping(current, "stored_current", scale=1000.0, offset=1.0),
        bench.mapping(mode, "machine_mode", words={"Nutzer": "user", "Studie": "study"}),
    )
    store.fill(source, (T0, T0 + NS_PER_S))
    assert [row[1] for row in store.rows()] == [pytest.approx(201.0)]
    assert [row[:2] for row in store.rows("machine_mode")] == [(T0 + 5, "user"), (T0 + 6, "study")]


def test_a_word_that_the_profile_does_not_have_is_rejected_counted_and_no_other_is_lost(
    bench: ArchiveBench, store: Store, channel: str
) -> None:
    bench.put([(channel, T0 + 1, "party", "good"), (channel, T0 + 2, "user", "good")])
    (done,) = store.fill(bench.source(bench.mapping(channel, "machine_mode")), (T0, T0 + NS_PER_S))
    assert (done.samples, done.rejected) == (1, 1)
    assert [row[1] for row in store.rows("machine_mode")] == ["user"]
    ledger = read_ledger(store.data_dir)
    assert ledger.problems == ()
    assert [(t.received, t.stored, t.rejected) for t in ledger.sources() if t.source == "archive"] == [(2, 1, 1)]


def test_filled_twice_and_asked_for_again_it_is_the_same_and_the_ledger_closes(
    bench: ArchiveBench, store: Store, channel: str, asked: list[tuple[str, int, int]]
) -> None:
    bench.put([(channel, T0 + i * NS_PER_S, float(i), "good") for i in range(50)])
    source = bench.source(bench.mapping(channel, "stored_current"))
    whole = (T0, T0 + MINUTE)
    store.fill(source, whole)
    rows, once = store.rows(), len(asked)
    assert store.fill(source, whole)[0].samples == 0
    assert len(asked) == once
    assert store.fill(source, whole, again=True)[0].samples == 50
    assert store.rows() == rows
    ledger = read_ledger(store.data_dir)
    assert ledger.problems == ()
    assert ledger.held()["stored_current"] == 50


def test_a_server_that_is_killed_in_between_loses_nothing_and_filling_goes_on_there(
    bench: ArchiveBench, store: Store, channel: str, asked: list[tuple[str, int, int]]
) -> None:
    bench.put([(channel, T0 + i * MINUTE, float(i), "good") for i in range(12 * 60)])
    source = bench.source(bench.mapping(channel, "stored_current"), chunk_h=1.0)

    def kill(progress: BackfillProgress) -> None:
        if progress.samples == 300:
            bench.kill()

    whole = (T0, T0 + 12 * NS_PER_H)
    with pytest.raises(UnreachableError):
        store.fill(source, whole, progress=kill)
    assert len(store.rows()) == 300
    with pytest.raises(UnreachableError):
        store.fill(source, whole)
    bench.start()
    asked.clear()
    (done,) = store.fill(source, whole)
    assert [start for _, start, _ in asked] == [T0 + hour * NS_PER_H for hour in range(5, 12)]
    assert done.samples == 420
    assert [row[1] for row in store.rows()] == list(map(float, range(12 * 60)))


def test_what_the_archive_does_not_have_stays_missing_and_no_gap_is_made_up_or_taken_back(
    bench: ArchiveBench, store: Store, channel: str
) -> None:
    bench.put([(channel, T0 + i * NS_PER_S, 1.0, "good") for i in (*range(20), *range(40, 60))])
    gap = GapReport(T0, T0 + MINUTE, "not_replayable")
    with Landing.open(store.data_dir, PROFILE.id, "embedded") as landing:
        landing.land_now(Arrival("ring", None, gaps=(gap,)))
    store.fill(bench.source(bench.mapping(channel, "stored_current")), (T0, T0 + MINUTE))
    times = [row[0] for row in store.rows()]
    assert [t for t in times if T0 + 20 * NS_PER_S <= t < T0 + 40 * NS_PER_S] == []
    assert len(times) == 40
    # What the live source missed is on record for ever; the samples say what is known of it.
    assert [(source, found.reason) for source, found in read_gaps(store.data_dir)] == [("ring", "not_replayable")]


def test_a_channel_that_is_not_archived_keeps_no_other_from_being_filled(
    bench: ArchiveBench, store: Store, channel: str
) -> None:
    bench.put([(channel, T0 + 1, 2.0, "good")])
    source = bench.source(bench.mapping("NoSuchChannel", "rf_voltage"), bench.mapping(channel, "stored_current"))
    missing, found = store.fill(source, (T0, T0 + NS_PER_S))
    assert (missing.samples, found.samples) == (0, 1)
    if bench.kind.startswith("appliance"):
        assert "NoSuchChannel" in missing.problem


def test_a_wrong_secret_is_refused_by_name_and_nothing_is_stored(
    bench: ArchiveBench, store: Store, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET_ENV, "wrong")
    with pytest.raises(AuthorizationError, match="archive"):
        store.fill(bench.source(bench.mapping(channel, "stored_current")), (T0, T0 + NS_PER_S))
    assert store.rows() == []


def test_while_nothing_becomes_durable_the_archive_is_asked_for_no_more(
    bench: ArchiveBench, store: Store, channel: str, asked: list[tuple[str, int, int]]
) -> None:
    bench.put([(channel, T0 + i * MINUTE, float(i), "good") for i in range(360)])
    source = bench.source(bench.mapping(channel, "stored_current"), chunk_h=1.0)
    with Landing.open(store.data_dir, PROFILE.id, "embedded") as landing:
        held: Any = Held(landing)
        whole = Intervals.of([(T0, T0 + 6 * NS_PER_H)])
        filling = threading.Thread(target=backfill, args=(source, PROFILE, whole, held, store.data_dir, system_clock))
        filling.start()
        deadline = time.monotonic() + 120
        while not asked and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        assert len(asked) == 1
        held.free.set()
        filling.join(120)
    assert len(asked) == 6
    assert len(store.rows()) == 360


def test_the_archive_is_asked_no_faster_than_allowed(bench: ArchiveBench, store: Store, channel: str) -> None:
    bench.put([(channel, T0 + i * NS_PER_S, float(i), "good") for i in range(7200)])
    slept: list[float] = []
    source = bench.source(bench.mapping(channel, "stored_current"), chunk_h=1.0, max_samples_per_s=1000.0)
    store.fill(source, (T0, T0 + 2 * NS_PER_H), sleep=slept.append)
    assert sum(slept) >= 3.5


def test_a_hundred_channels_in_one_line_of_configuration_are_filled(
    bench: ArchiveBench, tmp_path: Path, channel: str
) -> None:
    fill_many(bench, tmp_path, channel, 100)


@pytest.mark.soak
def test_two_thousand_channels_in_one_line_of_configuration_are_filled(
    bench: ArchiveBench, tmp_path: Path, channel: str
) -> None:
    fill_many(bench, tmp_path, channel, 2000)


def fill_many(bench: ArchiveBench, folder: Path, channel: str, count: int) -> None:
    profile = load_profile(many_signals(folder, count))
    bench.put([(f"{channel}_{n:04}", T0 + i, float(n), "good") for n in range(count) for i in range(3)])
    mapping = bench.mapping(f"{channel}_{{port}}", "n_{port}", ports=[f"0000..{count - 1:04}"])
    store = Store(folder, profile)
    done = store.fill(bench.source(mapping), (T0, T0 + NS_PER_S))
    assert [one.samples for one in done] == [3] * count
    assert store.rows(f"n_{count - 1:04}") == [(T0 + i, float(count - 1), 0, None) for i in range(3)]
