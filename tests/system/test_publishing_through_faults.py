"""Publishing while InfluxDB is away or fails half-way: nothing is lost, and in the end it is as if nothing had been."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from collector.changes import Changes
from facility.definition import load_definition
from facility.errors import UnreachableError
from facility.schema import DERIVED_SUFFIX
from facility.time import parse_time
from kado.config import Configuration, load_configuration
from kado.queries.evidence import extent_of
from kado.queries.findings_by_day import Days
from kado.queries.record import load_record
from kado.service.current_figures import CurrentFigures
from kado.service.newest import NewestValues
from kado.service.publishing.publisher import MEASUREMENTS, Counted, Publisher
from kado.stores import open_store
from seeded_ring import seed, time_of_day
from servers import Bucket, InfluxDB
from storage.derived import DerivedSeries, Point, Scope
from waiting import until

NOW = parse_time(time_of_day("01:00", "2025-05-14"))


def table(server: InfluxDB, bucket: str) -> str:
    return (
        f'[store]\nkind = "influxdb"\nurl = "{server.url}"\norg = "kado"\nbucket = "{bucket}"\n'
        'token_file = "influxdb.token"\n[publish]\n'
    )


@pytest.fixture
def ring(tmp_path: Path, influx_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """A day of the seeded ring in a bucket."""
    server = influx_bucket.server
    server.create_bucket(name=influx_bucket.name + DERIVED_SUFFIX)
    (tmp_path / "influxdb.token").write_text(server.token)
    seed(tmp_path, store=table(server, influx_bucket.name))
    monkeypatch.chdir(tmp_path)
    return load_configuration(tmp_path / "kado.toml")


class Failing:
    """Breaks off at each replacement twice: before it and after it was made."""

    def __init__(self, series: DerivedSeries) -> None:
        self._series = series
        self._failed: set[tuple[Scope, str]] = set()

    def clear(self, measurement: str, facility: str) -> None:
        self._series.clear(measurement, facility)

    def close(self) -> None:
        self._series.close()

    def replace(self, scope: Scope, wanted: Sequence[Point]) -> int:
        self._break_off(scope, "before")
        changed = self._series.replace(scope, wanted)
        self._break_off(scope, "after")
        return changed

    def _break_off(self, scope: Scope, when: str) -> None:
        if (scope, when) not in self._failed:
            self._failed.add((scope, when))
            raise UnreachableError(f"the line broke {when} {scope.measurement}")


def publish(configuration: Configuration, bucket: DerivedSeries) -> tuple[int, int]:
    """Publish until nothing is left; return failures, and points that a further step writes."""
    record, profile = load_record(configuration), configuration.profile
    failures = 0
    with open_store(configuration) as store:
        extent = extent_of(store, profile)
        definition = load_definition(profile.definition, configuration.folder)
        days = Days(configuration, store, definition, extent)
        days.learn(record)
        publisher = Publisher(profile, [Counted(definition, days)], bucket, extent[0])
        publisher.learn(record.incidents)
        while True:
            try:
                if not publisher.step(NOW, 20.0).left:
                    publisher.step(NOW, 20.0)
                    return failures, publisher.step(NOW, 20.0).points
            except UnreachableError:
                failures += 1
                assert failures < 200


def published(bucket: Bucket) -> dict[str, list[dict[str, Any]]]:
    derived = Bucket(bucket.server, bucket.name + DERIVED_SUFFIX)
    return {name: derived.query(f'SELECT * FROM "{name}"') for name in MEASUREMENTS}


def test_a_publisher_that_fails_at_every_step_publishes_in_the_end_what_an_undisturbed_one_does(
    ring: Configuration, influx_bucket: Bucket
) -> None:
    bucket = ring.backend.open_derived()
    assert bucket is not None
    with closing(bucket):
        assert publish(ring, bucket) == (0, 0)
        wanted = published(influx_bucket)
        assert all(wanted[name] for name in ("figures", "events", "beam_state", "plan"))
        for name in MEASUREMENTS:
            bucket.clear(name, ring.profile.id)
        assert not any(published(influx_bucket).values())
        failures, further = publish(ring, Failing(bucket))
    assert failures >= 10
    assert further == 0
    assert published(influx_bucket) == wanted


@pytest.fixture
def alone(tmp_path: Path, influxdb: InfluxDB, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """The same in an InfluxDB of the test's own."""
    for name in ("ring", "ring" + DERIVED_SUFFIX):
        influxdb.create_bucket(name=name)
    (tmp_path / "influxdb.token").write_text(influxdb.token)
    seed(tmp_path, store=table(influxdb, "ring"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kado.service.current_figures.EVERY_S", 0.1)
    monkeypatch.setattr("kado.service.current_figures.PUBLISH_EVERY_NS", 0)
    return load_configuration(tmp_path / "kado.toml")


async def test_a_service_whose_influxdb_is_away_says_so_and_publishes_again_when_it_is_back(
    alone: Configuration, influxdb: InfluxDB
) -> None:
    begun = time.monotonic()

    def clock() -> int:
        return NOW + int((time.monotonic() - begun) * 1e9)

    figures = await asyncio.to_thread(CurrentFigures, alone, Changes(), NewestValues(alone.profile), clock)
    running = asyncio.create_task(figures.run(), name="figures")
    try:
        await until(lambda: figures.current and figures.current.published_ns and not figures.current.unpublished)
        assert figures.problems == {}
        await asyncio.to_thread(influxdb.kill)
        await until(lambda: figures.problems)
        assert "does not answer" in next(iter(figures.problems.values()))
        # What was found last stays there to be asked for, with the time at which it was found.
        assert figures.current is not None
        away_ns = figures.current.figures.now_ns
        assert not running.done()
        await asyncio.to_thread(influxdb.start)
        await until(lambda: not figures.problems)
        await until(lambda: figures.current and figures.current.published_ns and figures.current.published_ns > away_ns)
    finally:
        running.cancel()
        await asyncio.wait([running])
