"""Looking after sealed files that lie in a folder or in an object store: the same findings, the same backup."""

from contextlib import closing

from facility.time import MAX_NS, NS_PER_DAY
from sealed_days import DAY, FOLDER, Archive, flip, numbers, three_days
from storage.backup.backup import Backup
from storage.backup.restore import restore
from storage.backup.snapshots import find_snapshot, read_snapshot
from storage.databases import verify_databases
from storage.embedded.maintenance.census import take_census, take_space
from storage.embedded.maintenance.verifying import verify_files
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db import open_reader
from storage.upkeep import Verified


def verify(archive: Archive) -> Verified:
    with closing(open_reader(archive.data_dir)) as connection:
        assert verify_databases(connection, archive.data_dir, deep=True) == []
        return verify_files(connection, archive.data_dir, deep=True)


def test_a_place_that_is_whole_has_no_findings(archive: Archive, sealing_store: EmbeddedStore) -> None:
    three_days(sealing_store)
    sealing_store.write(numbers(DAY + 3 * NS_PER_DAY, 10))
    verified = verify(archive)
    assert (verified.findings, verified.files, verified.samples) == ((), 3, 4320)
    with closing(open_reader(archive.data_dir)) as connection:
        (current,) = take_census(connection)
        space = take_space(connection, archive.data_dir)
    assert (current.files, current.sealed, current.rows) == (3, 4320, 10)
    assert space.archive == verified.bytes
    assert (space.archive_free is None) == (archive.address is not None)


def test_what_is_wrong_is_named_wherever_it_lies(archive: Archive, sealing_store: EmbeddedStore) -> None:
    three_days(sealing_store)
    flip(archive.root / FOLDER / "2026-02-16.r1.parquet", 60)
    (archive.root / FOLDER / "2026-02-17.r1.parquet").unlink()
    minutes = archive.root / FOLDER.replace("samples", "minutes") / "2026-02-18.r1.parquet"
    flip(minutes, 60)
    (archive.root / FOLDER / "2026-03-01.r1.parquet").write_bytes(b"stray")
    found = verify(archive).findings
    assert [(finding.file.rpartition("/")[2], finding.what.split(":")[0]) for finding in found] == [
        ("2026-02-16.r1.parquet", "it is damaged"),
        ("2026-02-17.r1.parquet", "it is missing"),
        ("2026-02-18.r1.parquet", "it is damaged"),
        ("2026-03-01.r1.parquet", "the manifest does not know this file"),
    ]
    assert [finding.rollup_of is not None for finding in found] == [False, False, True, False]
    assert sealing_store.rebuild_minutes(found) == 1
    assert len(verify(archive).findings) == 3


def test_a_backup_holds_sealed_files_from_wherever_they_lie(archive: Archive, sealing_store: EmbeddedStore) -> None:
    three_days(sealing_store)
    sealing_store.write(numbers(DAY, 5, offset=7.0))
    before = sealing_store.read("current", -MAX_NS, MAX_NS)
    folder = archive.data_dir.parent / "backups"
    first = Backup(archive.data_dir, folder, lambda: DAY).make(simulated=True)
    second = Backup(archive.data_dir, folder, lambda: DAY + NS_PER_DAY).make(simulated=True)
    assert (first.copied, second.copied) == (7, 1)
    again = archive.data_dir.parent / "again"
    restore(read_snapshot(find_snapshot(folder)), again, "ring", "embedded")
    with closing(EmbeddedStore(again, "ring")) as store:
        assert store.read("current", -MAX_NS, MAX_NS).value.tobytes() == before.value.tobytes()
    assert len(list((again / "archive").rglob("*.parquet"))) == 6


def test_retention_takes_files_from_wherever_they_lie(archive: Archive, sealing_store: EmbeddedStore) -> None:
    three_days(sealing_store)
    (dropped,) = sealing_store.retain({"current": 2}.get, DAY + 3 * NS_PER_DAY + 1)
    assert dropped.samples == 1440
    assert archive.names() == ["2026-02-17.r1.parquet", "2026-02-18.r1.parquet"]
    assert verify(archive).findings == ()
