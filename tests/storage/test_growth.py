"""How the store grows is measured from the last days, and looked ahead by hand-computed numbers."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from facility.batch import Batch
from facility.time import NS_PER_DAY, NS_PER_H, NS_PER_S
from storage.embedded.maintenance.census import take_census, take_space
from storage.embedded.maintenance.growth import forecast, measure_growth
from storage.embedded.store import EmbeddedStore
from storage.inventory import Growth
from storage.telemetry_db import open_reader

DAY = 20_500 * NS_PER_DAY  # 2026-02-16
NOW = DAY + 10 * NS_PER_DAY + NS_PER_H


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as opened:
        yield opened


def write(store: EmbeddedStore, first_day: float, last_day: float, signal: str = "current", step_s: int = 60) -> None:
    times = np.arange(DAY + int(first_day * NS_PER_DAY), DAY + int(last_day * NS_PER_DAY), step_s * NS_PER_S)
    store.write(Batch.of_numbers("ring", signal, times, np.arange(len(times)) % 7.0))


def growth_of(data_dir: Path, now_ns: int = NOW) -> Growth | None:
    with closing(open_reader(data_dir)) as connection:
        return measure_growth(connection, now_ns)


def test_sealed_days_of_the_last_week_say_how_the_store_grows(store: EmbeddedStore, tmp_path: Path) -> None:
    write(store, 0, 8)
    write(store, 6, 8, signal="lifetime", step_s=600)
    store.seal(DAY + 8 * NS_PER_DAY)
    write(store, 8, 10)
    growth = growth_of(tmp_path)
    assert growth is not None
    # Seven days before 26 February begin with the 19th, day 3; the last sealed one is day 7.
    assert growth.days == 5
    assert growth.samples == {"current": 1440.0, "lifetime": 2 * 144 / 5}
    with closing(open_reader(tmp_path)) as connection:
        by_signal = {one.signal: one for one in take_census(connection)}
    size = by_signal["current"].bytes + by_signal["current"].minute_bytes
    assert growth.bytes["current"] == pytest.approx(size / 8)


def test_days_before_the_first_sample_do_not_slow_growth_down(store: EmbeddedStore, tmp_path: Path) -> None:
    write(store, 7, 9)
    store.seal(DAY + 9 * NS_PER_DAY)
    growth = growth_of(tmp_path)
    assert growth is not None
    assert (growth.days, growth.samples) == (2, {"current": 1440.0})


def test_a_young_store_is_measured_by_its_rows(store: EmbeddedStore, tmp_path: Path) -> None:
    write(store, 9.5, 10 + 1 / 24)
    growth = growth_of(tmp_path)
    assert growth is not None
    assert growth.samples == {"current": pytest.approx(1440.0)}
    assert growth.days == pytest.approx(13 / 24)
    # Nobody knows how large samples of this machine become once they are sealed.
    assert growth.bytes_a_day is None
    assert forecast({}, growth, lambda _: None, 10**9) is None


def test_many_rows_are_not_all_counted(store: EmbeddedStore, tmp_path: Path) -> None:
    # One each 2.4 s, and twenty times as many in the last hour: of that there is enough to tell.
    times = np.append(
        np.arange(NOW - 20 * NS_PER_H, NOW - NS_PER_H, 2_400_000_000), np.arange(NOW - NS_PER_H, NOW, 120_000_000)
    )
    store.write(Batch.of_numbers("ring", "current", times, np.ones(len(times))))
    growth = growth_of(tmp_path)
    assert growth is not None
    assert growth.days == pytest.approx(1 / 24)
    assert growth.samples_a_day == pytest.approx(30_000 * 24)


def test_what_was_imported_of_long_ago_is_no_growth(store: EmbeddedStore, tmp_path: Path) -> None:
    write(store, -400, -390)
    store.seal(DAY)
    assert growth_of(tmp_path) is None
    write(store, 9.5, 10)
    growth = growth_of(tmp_path)
    assert growth is not None
    assert growth.bytes_a_day is not None
    assert growth.samples_a_day == pytest.approx(720 * 24 / 13)


def test_nothing_at_all_is_no_growth(store: EmbeddedStore, tmp_path: Path) -> None:
    assert growth_of(tmp_path) is None
    write(store, 10 + 0.5 / 24, 10 + 1 / 24)
    assert growth_of(tmp_path) is None, "half an hour is too short to speak of days"


def test_a_forecast_adds_up_by_hand() -> None:
    growth = Growth({"a": 86_400.0, "b": 10.0}, {"a": 100.0, "b": 10.0}, 7)
    ahead = forecast({"a": 1000, "old": 500}, growth, lambda _: None, 110 * 30)
    assert ahead is not None
    assert ahead.bytes_in_a_year == 1000 + 500 + 365 * 110
    # After 30 days the disk is full to the last byte, on the 31st it is over.
    assert ahead.full_in_days == 31


def test_a_signal_that_is_not_kept_for_ever_stops_growing() -> None:
    growth = Growth({"a": 1.0, "b": 1.0}, {"a": 100.0, "b": 10.0}, 7)
    ahead = forecast({"a": 1000}, growth, {"a": 60}.get, 100_000_000)
    assert ahead is not None
    # 60 days and up to a month more, since whole files go.
    assert ahead.bytes_in_a_year == 91 * 100 + 3650
    assert ahead.full_in_days is None
    forever = forecast({"a": 1000}, growth, lambda _: 60, 10**6)
    assert forever is not None
    assert (forever.bytes_in_a_year, forever.full_in_days) == (91 * 110, None)


def test_a_census_counts_rows_and_sealed_samples(store: EmbeddedStore, tmp_path: Path) -> None:
    write(store, 0, 2)
    store.seal(DAY + NS_PER_DAY)
    store.write(Batch.of_states("ring", "ring_link", [DAY], ["up"]))
    with closing(open_reader(tmp_path)) as connection:
        census = {one.signal: one for one in take_census(connection)}
        space = take_space(connection, tmp_path)
    current, link = census["current"], census["ring_link"]
    assert (current.rows, current.sealed, current.files, current.minute_files) == (1440, 1440, 1, 1)
    assert (current.first_ns, current.last_ns) == (DAY, DAY + 2 * NS_PER_DAY - 60 * NS_PER_S)
    assert (link.rows, link.sealed, link.bytes) == (1, 0, 0)
    on_disk = {kind: next((tmp_path / "archive" / kind).rglob("*.parquet")).stat().st_size for kind in
               ("samples", "minutes")}  # fmt: skip
    assert (current.bytes, current.minute_bytes) == (on_disk["samples"], on_disk["minutes"])
    assert space.archive == sum(on_disk.values())
    assert space.database == (tmp_path / "telemetry.db").stat().st_size
    assert space.leftovers == 0
