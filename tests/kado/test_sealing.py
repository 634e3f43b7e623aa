"""The service turns days that are over into sealed files, beside its landing."""

import asyncio
import logging
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from collector.arrival import Arrival
from collector.landing import Landing
from collector.ledger import read_ledger, verify_ledger
from command_line import Kado
from facility.batch import Batch
from facility.errors import ArchiveError
from facility.time import NS_PER_DAY, NS_PER_S, parse_time
from kado.config import Configuration, load_configuration
from kado.service.upkeep import Upkeep
from kado.store_settings import EmbeddedSettings, RetentionSettings
from servers import ObjectStore
from storage.embedded.archive import objects
from storage.embedded.store import EmbeddedStore
from waiting import LONGEST_S

NOW = parse_time("2026-11-20T12:00:00Z")
DAYS = 5


def configuration(kado: Kado) -> Configuration:
    assert kado("init").exit_code == 0
    return load_configuration(Path("kado.toml"))


def with_store(configuration: Configuration, store: EmbeddedSettings) -> Configuration:
    return replace(configuration, settings=configuration.settings.model_copy(update={"store": store}))


def land_days(configuration: Configuration) -> Landing:
    """Land a sample a minute of the last days, up to now; the landing stays open."""
    landing = Landing.open(configuration.data_dir, configuration.profile.id, "embedded", lambda: NOW)
    times = np.arange(NOW - DAYS * NS_PER_DAY, NOW, 60 * NS_PER_S)
    batch = Batch.of_numbers(configuration.profile.id, "stored_current", times, np.full(len(times), 400.0))
    landing.land_now(Arrival("ring", batch))
    return landing


def rows(configuration: Configuration) -> int:
    with closing(sqlite3.connect(configuration.data_dir / "telemetry.db")) as connection:
        return connection.execute("SELECT count(*) FROM sample").fetchone()[0]


async def test_days_older_than_asked_for_are_sealed_and_everything_is_still_there(kado: Kado) -> None:
    here = await asyncio.to_thread(configuration, kado)
    landing = await asyncio.to_thread(land_days, here)
    sealing = Upkeep(with_store(here, EmbeddedSettings(seal_after_days=2)), lambda: NOW)
    await asyncio.to_thread(sealing.maintain)
    await asyncio.to_thread(landing.close)
    # The days that end by 2026-11-18T12:00Z are over; two and a half are left as rows.
    assert await asyncio.to_thread(rows, here) == 3600

    def check() -> None:
        with closing(EmbeddedStore(here.data_dir, here.profile.id)) as store:
            assert len(store.read("stored_current", 0, NOW)) == DAYS * 1440
            assert verify_ledger(read_ledger(here.data_dir), store) == []

    await asyncio.to_thread(check)


async def test_a_service_that_ends_while_it_seals_leaves_nothing_half_done(kado: Kado) -> None:
    here = await asyncio.to_thread(configuration, kado)
    landing = await asyncio.to_thread(land_days, here)
    sealing = Upkeep(with_store(here, EmbeddedSettings(seal_after_days=1)), lambda: NOW)
    task = asyncio.create_task(sealing.run(), name="sealing")
    await asyncio.sleep(0)
    task.cancel()
    (ended,) = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError)
    await asyncio.to_thread(landing.close)

    def check() -> None:
        with closing(EmbeddedStore(here.data_dir, here.profile.id, read_only=False)) as store:
            assert len(store.read("stored_current", 0, NOW)) == DAYS * 1440
            assert verify_ledger(read_ledger(here.data_dir), store) == []

    await asyncio.to_thread(check)


async def test_the_service_deletes_what_its_rules_cover_and_logs_and_counts_it(
    kado: Kado, caplog: pytest.LogCaptureFixture
) -> None:
    here = await asyncio.to_thread(configuration, kado)
    landing = await asyncio.to_thread(land_days, here)
    for days, expected in ((None, DAYS * 1440), (400, DAYS * 1440), (1, 1440 + 720)):
        settings = EmbeddedSettings(seal_after_days=1, retention=RetentionSettings(keep_days=days))
        with caplog.at_level(logging.INFO, "storage.embedded.maintenance.retention"):
            await asyncio.to_thread(Upkeep(with_store(here, settings), lambda: NOW).maintain)

        def held() -> int:
            with closing(EmbeddedStore(here.data_dir, here.profile.id)) as store:
                assert verify_ledger(read_ledger(here.data_dir), store) == []
                return len(store.read("stored_current", 0, NOW))

        # The days up to 18 November are one file: at 400 days it is young enough, at one day all of it is too old.
        assert await asyncio.to_thread(held) == expected
    assert "deleted 5040 samples of stored_current from before 2026-11-19T00:00:00Z" in caplog.text
    await asyncio.to_thread(landing.close)


async def test_a_rule_that_cannot_be_applied_does_not_keep_days_from_being_sealed(kado: Kado) -> None:
    here = await asyncio.to_thread(configuration, kado)
    landing = await asyncio.to_thread(land_days, here)

    def seal(after_days: int, **rules: int) -> None:
        settings = EmbeddedSettings(seal_after_days=after_days, retention=RetentionSettings(signals={**rules}))
        Upkeep(with_store(here, settings), lambda: NOW).maintain()

    def damage() -> None:
        facility, day = here.profile.id, NOW - 4 * NS_PER_DAY
        # What lies over a sealed sample can only be counted by looking into the file.
        landing.land_now(Arrival("ring", Batch.of_numbers(facility, "stored_current", [day], [-1.0])))
        landing.land_now(Arrival("ring", Batch.of_numbers(facility, "stored_current_2", [day], [1.0])))
        (file,) = (here.data_dir / "archive" / "samples").rglob("*.parquet")
        file.write_bytes(file.read_bytes()[:-1])

    await asyncio.to_thread(seal, 3)
    await asyncio.to_thread(damage)
    with pytest.raises(ArchiveError, match="is damaged"):
        await asyncio.to_thread(seal, 1, stored_current=1)
    await asyncio.to_thread(landing.close)
    folders = await asyncio.to_thread(lambda: sorted(os.listdir(here.data_dir / "archive" / "samples")))
    assert folders == ["signal=stored_current", "signal=stored_current_2"]


async def test_the_service_seals_into_an_object_store_and_tries_again_when_that_is_back(
    kado: Kado, object_store: ObjectStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_REST_S", 0.0)
    bucket = object_store.create_bucket()

    def configured() -> Configuration:
        assert kado("init").exit_code == 0
        path = Path("kado.toml")
        text = path.read_text().replace('# archive = "s3://bucket/kado"', f'archive = "{bucket.uri()}"')
        path.write_text(text)
        return load_configuration(path)

    here = await asyncio.to_thread(configured)
    assert isinstance(here.store, EmbeddedSettings)
    assert here.store.archive == bucket.uri()
    landing = await asyncio.to_thread(land_days, here)
    sealing = Upkeep(here, lambda: NOW)
    await asyncio.to_thread(object_store.stop)
    task = asyncio.create_task(sealing.run(), name="sealing")
    async with asyncio.timeout(LONGEST_S):
        while "could not be sealed" not in caplog.text:
            await asyncio.sleep(0.05)
    assert "see that the store answers" in caplog.text
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.to_thread(rows, here) == DAYS * 1440
    check = await asyncio.to_thread(kado, "check")
    assert "see that the store answers" in " ".join(check.out.split())
    await asyncio.to_thread(object_store.start)
    await asyncio.to_thread(sealing.maintain)
    await asyncio.to_thread(landing.close)
    assert await asyncio.to_thread(rows, here) == 3600
    assert not (here.data_dir / "archive").exists()
    check = await asyncio.to_thread(kado, "check")
    said = " ".join(check.out.split())
    assert f"sealed files in s3://{bucket.name}/kado" in said
    assert "none there yet" not in said
