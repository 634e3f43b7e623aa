"""The service turns days that are over into sealed files, beside its landing."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from collector.arrival import Arrival
from collector.landing import Landing
from collector.ledger import read_ledger, verify_ledger
from command_line import Kado
from console.config import Configuration, EmbeddedSettings, load_configuration
from console.sealing import Sealing
from facility.batch import Batch
from facility.time import NS_PER_DAY, NS_PER_S, parse_time
from storage.embedded.store import EmbeddedStore

NOW = parse_time("2026-11-20T12:00:00Z")
DAYS = 5


def configuration(kado: Kado) -> Configuration:
    assert kado("init").exit_code == 0
    return load_configuration(Path("kado.toml"))


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
    sealing = Sealing(here, EmbeddedSettings(seal_after_days=2), lambda: NOW)
    await asyncio.to_thread(sealing.seal)
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
    sealing = Sealing(here, EmbeddedSettings(seal_after_days=1), lambda: NOW)
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
