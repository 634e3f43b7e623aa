"""Retention deletes what its rule covers, whole files at a time, and never more."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from collector.ledger import read_ledger, verify_ledger
from facility.batch import Batch
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S
from storage.embedded.archive.swap import Step
from storage.embedded.maintenance.retention import Dropped
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db.counters import Entry

DAY = 20_500 * NS_PER_DAY  # 2026-02-16
NOW = DAY + 10 * NS_PER_DAY
HOURLY = 3600 * NS_PER_S


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as opened:
        yield opened


def write_days(store: EmbeddedStore, first: int, last: int, signal: str = "current") -> None:
    """Write a sample an hour of days after `DAY`, the last one included."""
    times = np.arange(DAY + first * NS_PER_DAY, DAY + (last + 1) * NS_PER_DAY, HOURLY)
    store.write(Batch.of_numbers("ring", signal, times, np.arange(len(times), dtype=float)))


def held(store: EmbeddedStore, signal: str = "current") -> list[int]:
    """Return which hours after `DAY` are there."""
    return ((store.read(signal, -MAX_NS, MAX_NS).time_ns - DAY) // HOURLY).tolist()


def assert_ledger_agrees(store: EmbeddedStore, data_dir: Path, deleted: int) -> None:
    ledger = read_ledger(data_dir)
    assert ledger.total(Entry.DELETED) == deleted
    assert verify_ledger(ledger, store) == []


def test_without_a_rule_everything_is_kept_for_ever(store: EmbeddedStore) -> None:
    write_days(store, 0, 9)
    store.seal(NOW)
    assert store.retain(lambda _: None, NOW + 10_000 * NS_PER_DAY) == []
    assert len(held(store)) == 240


def test_a_rule_deletes_whole_files_and_rows_of_its_signal_and_counts_them(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    for day in range(3):
        write_days(store, day, day)
        store.seal(DAY + (day + 1) * NS_PER_DAY)
    write_days(store, 3, 9)
    write_days(store, 0, 9, signal="lifetime")
    files = sorted((tmp_path / "archive").rglob("signal=current/**/*.parquet"))
    # Seven days are kept: days 3 to 9 of the ten.
    dropped = store.retain({"current": 7}.get, NOW)
    assert dropped == [Dropped("current", DAY + 3 * NS_PER_DAY, 72)]
    assert held(store) == list(range(72, 240))
    assert len(held(store, "lifetime")) == 240
    assert len(files) == 6
    assert not any(path.exists() for path in files)
    assert_ledger_agrees(store, tmp_path, 72)
    assert store.retain({"current": 7}.get, NOW) == []


def test_a_file_of_several_days_goes_when_all_of_it_is_old_enough(store: EmbeddedStore, tmp_path: Path) -> None:
    write_days(store, 0, 4)
    store.seal(DAY + 5 * NS_PER_DAY)
    write_days(store, 5, 9)
    (file,) = (tmp_path / "archive" / "samples").rglob("*.parquet")
    before = file.stat().st_mtime_ns
    # The file reaches from day 0 to day 4: at seven days one day of it is too young, at six none.
    for days in (9, 7, 6):
        assert store.retain({"current": days}.get, NOW) == []
    assert file.stat().st_mtime_ns == before
    assert store.retain({"current": 5}.get, NOW) == [Dropped("current", DAY + 5 * NS_PER_DAY, 120)]
    assert held(store) == list(range(120, 240))
    assert_ledger_agrees(store, tmp_path, 120)


def test_a_late_row_stays_over_the_sealed_sample_that_it_replaces(store: EmbeddedStore, tmp_path: Path) -> None:
    write_days(store, 0, 4)
    store.seal(DAY + 5 * NS_PER_DAY)
    write_days(store, 5, 9)
    store.write(Batch.of_numbers("ring", "current", [DAY], [-1.0]))
    assert store.retain({"current": 7}.get, NOW) == []
    assert store.read("current", DAY, DAY + 1).value.tolist() == [-1.0]
    store.retain({"current": 5}.get, NOW)
    assert held(store) == list(range(120, 240))
    assert_ledger_agrees(store, tmp_path, 120)


def test_late_data_for_a_time_that_is_gone_goes_too(store: EmbeddedStore, tmp_path: Path) -> None:
    write_days(store, 9, 9)
    store.write(Batch.of_numbers("ring", "current", [DAY, DAY + 1], [1.0, 2.0]))
    assert store.retain({"current": 3}.get, NOW) == [Dropped("current", DAY + 7 * NS_PER_DAY, 2)]
    assert_ledger_agrees(store, tmp_path, 2)


def test_a_clock_that_runs_ahead_deletes_nothing(store: EmbeddedStore) -> None:
    write_days(store, 0, 9)
    store.seal(NOW)
    in_ten_years = NOW + 3650 * NS_PER_DAY
    # Its own link is stamped by the same clock.
    store.write(Batch.of_states("ring", "ring_link", [in_ten_years], ["up"]))
    assert store.retain(lambda _: 30, in_ten_years) == []
    assert len(held(store)) == 240


def test_a_damaged_file_is_named_and_does_not_keep_others_from_going(store: EmbeddedStore, tmp_path: Path) -> None:
    for signal in ("current", "lifetime"):
        write_days(store, 0, 0, signal)
    store.seal(DAY + NS_PER_DAY)
    for signal in ("current", "lifetime"):
        write_days(store, 9, 9, signal)
        # A row over a sealed sample is only known by looking into the file.
        store.write(Batch.of_numbers("ring", signal, [DAY], [-1.0]))
    (file,) = (tmp_path / "archive" / "samples" / "signal=current").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(Exception, match=r"signal=current.* is damaged"):
        store.retain(lambda _: 3, NOW)
    assert file.exists()
    assert held(store, "lifetime") == list(range(216, 240))


@pytest.mark.parametrize("step", [Step.COMMITTED, Step.REMOVED, Step.FORGOTTEN])
def test_retention_that_is_interrupted_goes_on_and_counts_once(tmp_path: Path, step: Step) -> None:
    class StopHereError(Exception):
        pass

    def interrupt(done: Step) -> None:
        if done == step and armed:
            raise StopHereError

    armed: list[bool] = []
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False, at_step=interrupt)) as store:
        write_days(store, 0, 4)
        store.seal(DAY + 5 * NS_PER_DAY)
        write_days(store, 5, 9)
        armed.append(True)
        with pytest.raises(StopHereError):
            store.retain({"current": 5}.get, NOW)
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        store.retain({"current": 5}.get, NOW)
        assert held(store) == list(range(120, 240))
        assert not list((tmp_path / "archive").rglob("*.parquet"))
        assert_ledger_agrees(store, tmp_path, 120)
