"""A disk that is really full while days are sealed: an error that says so, nothing lost, and on it goes with room."""

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from collector.arrival import Arrival
from collector.delivery_policy import DeliveryPolicy
from collector.forwarder import Forwarder
from collector.landing import Landing
from collector.landing_status import LandingLimits, LandingState
from collector.ledger import read_ledger, verify_ledger
from facility.batch import Batch
from facility.errors import ArchiveError, ConfigError, DiskError, UnreachableError
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S, system_clock
from scripted_influxdb import ScriptedInfluxDB
from storage.backup.backup import Backup
from storage.backup.restore import restore
from storage.backup.snapshots import find_snapshot, read_snapshot
from storage.data_dir import DataDir
from storage.databases import verify_databases
from storage.embedded.maintenance.verifying import verify_files
from storage.embedded.store import EmbeddedStore
from storage.influxdb.client import InfluxClient
from storage.telemetry_db import StoreKind, open_reader

DAY = 20_500 * NS_PER_DAY  # 2026-02-16
SIZE = 24 << 20
A_DAY = 20_000
"""Samples whose values do not compress."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of a few megabytes, in memory."""
    mount, folder = shutil.which("mount"), tmp_path / "disk"
    folder.mkdir()
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here: run as root, outside of a restricted container")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def noise(day: int, n: int = A_DAY) -> Batch:
    values = np.random.default_rng(day).random(n)
    times = DAY + day * NS_PER_DAY + np.arange(n) * 4 * NS_PER_S
    return Batch.of_numbers("ring", "current", times, values)


def fill(folder: Path, leave: int) -> Path:
    """Take all the room but `leave` bytes."""
    path = folder / "somebody-else"
    with path.open("wb") as file:
        left = shutil.disk_usage(folder).free - leave
        while left > 0:
            left -= file.write(b"\0" * min(left, 1 << 16))
    return path


def assert_whole(data_dir: Path) -> None:
    with closing(open_reader(data_dir)) as connection:
        assert verify_databases(connection, data_dir, deep=True) == []
        assert verify_files(connection, data_dir, deep=True).findings == ()
    with closing(EmbeddedStore(data_dir, "ring")) as store:
        assert verify_ledger(read_ledger(data_dir), store) == []


@pytest.mark.parametrize("leave", [0, 4096, 40_000, 100_000, 200_000])
def test_a_disk_that_fills_up_while_a_day_is_sealed_loses_nothing(small_disk: Path, leave: int) -> None:
    data = small_disk / "data"
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        for day in range(2):
            store.write(noise(day))
            store.seal(DAY + (day + 1) * NS_PER_DAY)
        store.write(noise(2))
        before = store.read("current", -MAX_NS, MAX_NS)
        # What waits in the log of the database goes into it first, so that what is left is left for sealing.
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other = fill(small_disk, leave)
        with pytest.raises(ArchiveError) as raised:
            store.seal(DAY + 3 * NS_PER_DAY)
        # Without any room at all it is the database that cannot take note of what is sealed.
        first = ["telemetry.db cannot record"] if leave == 0 else ["telemetry.db cannot record", "cannot take"]
        assert any(part in str(raised.value) for part in first)
        for part in ("free space", "nothing "):
            assert part in str(raised.value)
        assert store.read("current", -MAX_NS, MAX_NS).value.tobytes() == before.value.tobytes()
        assert len(store.read("current", DAY, DAY + 2 * NS_PER_DAY)) == 2 * A_DAY
        other.unlink()
        assert store.seal(DAY + 3 * NS_PER_DAY).samples == A_DAY
        assert store.read("current", -MAX_NS, MAX_NS).value.tobytes() == before.value.tobytes()
    assert_whole(data)


def test_months_that_cannot_be_merged_stay_as_they_are(small_disk: Path) -> None:
    data = small_disk / "data"
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        for day in range(3):
            store.write(noise(day))
            store.seal(DAY + (day + 1) * NS_PER_DAY)
        before = store.read("current", -MAX_NS, MAX_NS)
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other = fill(small_disk, 200_000)
        with pytest.raises(ArchiveError, match="free space"):
            store.merge_months(DAY + 60 * NS_PER_DAY)
        assert store.read("current", -MAX_NS, MAX_NS).value.tobytes() == before.value.tobytes()
        other.unlink()
        assert store.merge_months(DAY + 60 * NS_PER_DAY).files == 1
        assert store.read("current", -MAX_NS, MAX_NS).value.tobytes() == before.value.tobytes()
    assert_whole(data)
    assert len(list((data / "archive").rglob("*.parquet"))) == 2


def test_retention_makes_room_on_a_full_disk(small_disk: Path) -> None:
    data = small_disk / "data"
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        for day in range(3):
            store.write(noise(day))
            store.seal(DAY + (day + 1) * NS_PER_DAY)
        store.write(noise(3))
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # The database has to note what it deletes: some pages of its log are left.
        other = fill(small_disk, 60_000)
        (dropped,) = store.retain({"current": 2}.get, DAY + 4 * NS_PER_DAY)
        assert dropped.samples == 2 * A_DAY
        assert shutil.disk_usage(small_disk).free > 2 * A_DAY * 8
        other.unlink()
        assert store.seal(DAY + 4 * NS_PER_DAY).samples == A_DAY
        assert len(store.read("current", -MAX_NS, MAX_NS)) == 2 * A_DAY
    assert_whole(data)


def test_a_backup_that_finds_no_room_is_gone_on_with_when_there_is_some(small_disk: Path, tmp_path: Path) -> None:
    data, folder = tmp_path / "data", small_disk / "backups"
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        for day in range(3):
            store.write(noise(day))
            store.seal(DAY + (day + 1) * NS_PER_DAY)
        before = store.read("current", -MAX_NS, MAX_NS)
    size = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
    for leave in (0, 10_000, size // 2, size - 50_000):
        other = fill(small_disk, leave)
        with pytest.raises(ConfigError, match=r"does not take the backup|cannot be written"):
            Backup(data, folder, lambda: DAY).make(simulated=True)
        other.unlink()
        with pytest.raises(ConfigError, match="holds no complete backup"):
            find_snapshot(folder)
    Backup(data, folder, lambda: DAY).make(simulated=True)
    restore(read_snapshot(find_snapshot(folder)), tmp_path / "again", "ring", "embedded")
    assert_whole(tmp_path / "again")
    with closing(EmbeddedStore(tmp_path / "again", "ring")) as store:
        assert store.read("current", -MAX_NS, MAX_NS).value.tobytes() == before.value.tobytes()


def test_a_restore_that_finds_no_room_leaves_no_store_and_can_be_done_again(small_disk: Path, tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path / "data", "ring", read_only=False)) as store:
        store.write(noise(0))
        store.seal(DAY + NS_PER_DAY)
        before = store.read("current", -MAX_NS, MAX_NS)
    snapshot = read_snapshot(Backup(tmp_path / "data", tmp_path / "backups", lambda: DAY).make(simulated=True).path)
    data = small_disk / "data"
    other = fill(small_disk, snapshot.bytes // 2)
    with pytest.raises(ConfigError, match="does not take the backup"):
        restore(snapshot, data, "ring", "embedded")
    with pytest.raises(ConfigError, match="nothing was collected there yet"):
        EmbeddedStore(data, "ring")
    other.unlink()
    restore(snapshot, data, "ring", "embedded")
    assert_whole(data)
    with closing(EmbeddedStore(data, "ring")) as store:
        assert store.read("current", -MAX_NS, MAX_NS).value.tobytes() == before.value.tobytes()


def test_landing_waits_on_a_full_disk_and_lands_when_there_is_room(small_disk: Path) -> None:
    data = small_disk / "data"
    limits = LandingLimits(retry_s=0.05)
    with Landing.open(data, "ring", "embedded", limits=limits) as landing:
        landing.land_now(Arrival("ring", noise(0)))
        other = fill(small_disk, 0)
        with pytest.raises(UnreachableError, match="not landed"):
            close_when_failing(landing, noise(1))
    other.unlink()
    with Landing.open(data, "ring", "embedded", limits=limits) as landing:
        landing.land_now(Arrival("ring", noise(1)))
    assert_whole(data)
    with closing(EmbeddedStore(data, "ring")) as store:
        assert len(store.read("current", -MAX_NS, MAX_NS)) == 2 * A_DAY


def close_when_failing(landing: Landing, batch: Batch) -> None:
    """Land a batch, and close the landing as soon as it says that the disk does not take it."""

    def close() -> None:
        while landing.status().state is not LandingState.FAILING:
            time.sleep(0.01)
        landing.close()

    closing_it = threading.Thread(target=close)
    closing_it.start()
    try:
        landing.land_now(Arrival("ring", batch))
    finally:
        closing_it.join()


@pytest.mark.parametrize("restart", [False, True])
def test_the_outbox_drains_with_no_byte_free_and_new_samples_wait_until_there_is_space(
    small_disk: Path, *, restart: bool
) -> None:
    data = small_disk / "data"
    server = ScriptedInfluxDB()
    limits = LandingLimits(retry_s=0.05)
    landing = Landing.open(data, "ring", "influxdb", limits=limits)
    for day in range(2):
        landing.land_now(Arrival("ring", noise(day)))
    other = fill(small_disk, 0)
    assert shutil.disk_usage(small_disk).free == 0
    if restart:
        landing.close()
        landing = Landing.open(data, "ring", "influxdb", limits=limits)
    client = InfluxClient(server.url, "kado", "kado", "secret", token_source="KADO_TOKEN", timeout_s=5.0)
    policy = DeliveryPolicy(chance=lambda: 0.5, retry_base_s=0.01, retry_cap_s=0.02, hold_s=0.05)
    try:
        with Forwarder(data, "ring", client, system_clock, policy) as forwarder:
            forwarder.drain(patience_s=10.0)
        # What was sent before the disk was found to be full is sent again: the same points.
        assert len(set(server.lines)) == 2 * A_DAY
        (totals,) = read_ledger(data).sources()
        assert (totals.stored, totals.waiting, totals.lost) == (2 * A_DAY, 0, 0)
        # The space that was made is kado's own; a new sample takes none of the reserve before there is some again.
        with pytest.raises(UnreachableError, match="not landed"):
            close_when_failing(landing, noise(5))
    finally:
        landing.close()
        server.close()
    other.unlink()
    with Landing.open(data, "ring", "influxdb", limits=limits) as landing:
        landing.land_now(Arrival("ring", noise(5)))
    assert DataDir(data).reserve.stat().st_size > 0
    (totals,) = read_ledger(data).sources()
    assert (totals.stored, totals.waiting, totals.lost) == (2 * A_DAY, A_DAY, 0)


@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
def test_a_start_on_a_full_disk_is_a_message(small_disk: Path, kind: StoreKind) -> None:
    fill(small_disk, 0)
    with pytest.raises(DiskError, match=r"the disk is full.*(free|make) space"):
        Landing.open(small_disk / "data", "ring", kind)
