"""A backup is of one instant, whoever writes meanwhile; what was restored from it is the same to the bit."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

import backing_up_until_killed as killed
import restoring_until_killed as killed_restore
import writing_and_sealing as writer
from collector.ledger import read_ledger, verify_ledger
from facility.batch import Batch, Samples
from facility.errors import ArchiveError, ConfigError, FormatVersionError, LockedError, UsageError
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S, system_clock
from storage.backup import backup as backing_up
from storage.backup.backup import BackedUp, Backup, BackupStep, thin_out
from storage.backup.restore import restore
from storage.backup.snapshots import complete_snapshots, find_snapshot, read_snapshot
from storage.data_dir import DirectoryLock
from storage.databases import verify_databases
from storage.embedded.maintenance.verifying import verify_files
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db import open_reader

DAY = 20_500 * NS_PER_DAY  # 2026-02-16


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three sealed days with everything that a sample can have, rows over them, a journal, and an answer key."""
    data_dir = tmp_path / "data"
    with closing(EmbeddedStore(data_dir, "ring", read_only=False)) as store:
        for day in range(4):
            times = np.arange(DAY + day * NS_PER_DAY, DAY + (day + 1) * NS_PER_DAY, 60 * NS_PER_S)
            store.write(Batch.of_numbers("ring", "current", times, 1e4 * day + np.arange(1440)))
            arrivals = times[:9] + 10**12
            store.write(
                Batch.build(
                    "ring", ["ring_link"], np.zeros(9), times[:9], arrival_ns=arrivals, state=[0, 1, 0] * 3,
                    quality=[0, 1, 0] * 3, reason=[-1, 2, -1] * 3, words=["up", "down", "alarm"],
                )
            )  # fmt: skip
            if day < 3:
                store.seal(DAY + (day + 1) * NS_PER_DAY)
        store.write(Batch.of_numbers("ring", "current", [DAY, DAY + 1], [-1.0, -2.0]))
    with closing(sqlite3.connect(data_dir / "journal.db")) as journal, journal:
        journal.execute("PRAGMA journal_mode = WAL")
        journal.execute("CREATE TABLE said(text TEXT)")
        journal.execute("INSERT INTO said VALUES('up')")
    (data_dir / "answers").mkdir()
    (data_dir / "answers" / "key.json").write_text("{}")
    return data_dir


def back_up(data_dir: Path, folder: Path, **options: Callable[..., None]) -> BackedUp:
    return Backup(data_dir, folder, system_clock, **options).make(simulated=True)


def bring_back(folder: Path, data_dir: Path) -> None:
    restore(read_snapshot(find_snapshot(folder)), data_dir, "ring", "embedded")


def assert_whole(data_dir: Path) -> None:
    with closing(open_reader(data_dir)) as connection:
        assert verify_databases(connection, data_dir, deep=True) == []
        assert verify_files(connection, data_dir, deep=True).findings == ()
    with closing(EmbeddedStore(data_dir, "ring")) as store:
        assert verify_ledger(read_ledger(data_dir), store) == []


def contents(data_dir: Path) -> dict[str, list[bytes]]:
    """Return all columns of all signals, words as text."""
    found: dict[str, list[bytes]] = {}
    with closing(EmbeddedStore(data_dir, "ring")) as store:
        for series in store.series():
            (batch,) = store.read_batches(series.signal, -MAX_NS, MAX_NS)
            words = [[batch.words[code] if code >= 0 else "" for code in c] for c in (batch.state, batch.reason)]
            columns = (batch.time_ns, batch.arrival_ns, batch.value, batch.quality)
            found[series.signal] = [*(column.tobytes() for column in columns), repr(words).encode()]
    return found


def test_what_is_restored_is_the_same_to_the_bit(data: Path, tmp_path: Path) -> None:
    made = back_up(data, tmp_path / "backups")
    assert (made.files, made.copied, made.problems) == (12, 12, ())
    bring_back(tmp_path / "backups", tmp_path / "again")
    assert contents(tmp_path / "again") == contents(data)
    assert_whole(tmp_path / "again")
    with closing(sqlite3.connect(tmp_path / "again" / "journal.db")) as journal:
        assert journal.execute("SELECT text FROM said").fetchall() == [("up",)]
    assert (tmp_path / "again" / "answers" / "key.json").read_text() == "{}"
    with closing(EmbeddedStore(tmp_path / "again", "ring", read_only=False)) as store:
        store.seal(DAY + 4 * NS_PER_DAY)
        store.merge_months(DAY + 60 * NS_PER_DAY)
    assert_whole(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(data)


@contextmanager
def written_by_another(data_dir: Path) -> Iterator[Callable[[], int]]:
    """Let a process write and seal; gives how many samples it says it has written."""
    arguments = [sys.executable, writer.__file__, str(data_dir)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said: list[int] = []
        enough = threading.Event()

        def listen() -> None:
            for line in process.stdout or ():
                said.append(int(line))
                if len(said) > 12:
                    enough.set()

        listening = threading.Thread(target=listen)
        listening.start()
        assert enough.wait(60)
        try:
            yield lambda: said[-1]
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            listening.join()


def test_a_backup_beside_a_writer_that_seals_is_of_one_instant(tmp_path: Path) -> None:
    made: list[tuple[int, BackedUp, int]] = []
    with written_by_another(tmp_path / "data") as written:
        for _ in range(3):
            before = written()
            backup = back_up(tmp_path / "data", tmp_path / "backups")
            made.append((before, backup, written()))
    for i, (before, backup, after) in enumerate(made):
        assert backup.problems == ()
        again = tmp_path / f"again{i}"
        bring_back(backup.path, again)
        assert_whole(again)
        with closing(EmbeddedStore(again, "ring")) as store:
            values = store.read("current", -MAX_NS, MAX_NS).value
        assert values.tolist() == list(range(len(values)))
        # One more batch may have been durable than was told of.
        assert before <= len(values) <= after + writer.A_BATCH
        assert len(values) % writer.A_BATCH == 0


def test_a_database_that_is_written_to_is_copied_in_one_state(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        times = DAY + 5 * NS_PER_DAY + np.arange(20_000) * NS_PER_S
        store.write(Batch.of_numbers("ring", "current", times, np.ones(20_000)))
    monkeypatch.setattr(backing_up, "_PAGES_AT_ONCE", 1)
    before = contents(data)["current"]
    stop = threading.Event()

    def write() -> None:
        with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
            n = 0
            while not stop.is_set():
                n += 1
                store.write(Batch.of_numbers("ring", "lifetime", [DAY + n], [1.0]))

    writing = threading.Thread(target=write)
    writing.start()
    try:
        back_up(data, tmp_path / "backups")
    finally:
        stop.set()
        writing.join()
    bring_back(tmp_path / "backups", tmp_path / "again")
    assert_whole(tmp_path / "again")
    assert contents(tmp_path / "again")["current"] == before


def test_files_that_are_replaced_while_they_are_copied_are_copied_as_they_are_then(data: Path, tmp_path: Path) -> None:
    done: list[int] = []

    def merge(step: BackupStep) -> None:
        if step == BackupStep.FILE and not done:
            done.append(1)
            with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
                store.merge_months(DAY + 60 * NS_PER_DAY)

    made = back_up(data, tmp_path / "backups", at_step=merge)
    assert made.problems == ()
    bring_back(tmp_path / "backups", tmp_path / "again")
    assert_whole(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(data)
    kept = sorted(path.name for path in (tmp_path / "backups").rglob("*.parquet"))
    assert kept == ["2026-02-16_2026-02-18.r2.parquet"] * 3


def test_sealed_files_that_did_not_change_are_not_copied_again(data: Path, tmp_path: Path) -> None:
    first = back_up(data, tmp_path / "backups")
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        store.seal(DAY + 3 * NS_PER_DAY)
    second = back_up(data, tmp_path / "backups")
    assert first.path != second.path
    # Both databases and the key, and of the first day, which late rows changed, samples and minutes.
    assert second.copied == 5
    shared = "archive/samples/signal=current/year=2026/2026-02-17.r1.parquet"
    assert (first.path / shared).stat().st_ino == (second.path / shared).stat().st_ino
    for made, again in ((first, tmp_path / "one"), (second, tmp_path / "two")):
        bring_back(made.path, again)
        assert_whole(again)
        assert contents(again) == contents(data)


def test_without_hard_links_files_are_copied(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    back_up(data, tmp_path / "backups")

    def refuse(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(backing_up.os, "link", refuse)
    second = back_up(data, tmp_path / "backups")
    bring_back(second.path, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(data)


@pytest.mark.parametrize(("step", "times"), [*((step, 1) for step in BackupStep), (BackupStep.FILE, 3)])
def test_a_backup_that_was_killed_is_recognised_and_gone_on_with(
    data: Path, tmp_path: Path, step: BackupStep, times: int
) -> None:
    folder = tmp_path / "backups"
    arguments = [sys.executable, killed.__file__, str(data), str(folder), step, str(times)]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    if step == BackupStep.PUBLISHED:
        assert len(complete_snapshots(folder)) == 1
    else:
        with pytest.raises(ConfigError, match=r"holds no complete backup.*interrupted: make it again"):
            bring_back(folder, tmp_path / "again")
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        store.write(Batch.of_numbers("ring", "current", [DAY + 30], [3.0]))
        store.seal(DAY + 4 * NS_PER_DAY)
    back_up(data, folder)
    assert not (folder / ".partial").exists()
    bring_back(folder, tmp_path / "again")
    assert_whole(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(data)


def test_a_file_that_is_damaged_is_named_and_its_good_copy_is_kept(data: Path, tmp_path: Path) -> None:
    good = contents(data)
    back_up(data, tmp_path / "backups")
    path = data / "archive/samples/signal=current/year=2026/2026-02-17.r1.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])
    made = back_up(data, tmp_path / "backups")
    assert made.problems == ()
    bring_back(tmp_path / "backups", tmp_path / "again")
    assert contents(tmp_path / "again") == good
    fresh = back_up(data, tmp_path / "elsewhere")
    assert len(fresh.problems) == 1
    assert str(path) in fresh.problems[0]
    bring_back(tmp_path / "elsewhere", tmp_path / "rest")
    with closing(open_reader(tmp_path / "rest")) as connection:
        (finding,) = verify_files(connection, tmp_path / "rest").findings
    assert finding.what == "it is missing"


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped bit in the database": lambda path: flip(path / "telemetry.db"),
    "a flipped bit in a sealed file": lambda path: flip(next(path.rglob("*.parquet"))),
    "a file that is missing": lambda path: next(path.rglob("*.parquet")).unlink(),
    "a list that was changed": lambda path: flip(path / "backup.json"),
    "half a list": lambda path: (path / "backup.json").write_bytes((path / "backup.json").read_bytes()[:200]),
}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_backup_is_not_restored(data: Path, tmp_path: Path, damage: str) -> None:
    made = back_up(data, tmp_path / "backups")
    DAMAGES[damage](made.path)
    with pytest.raises(
        ArchiveError, match=r"are not what was copied there; nothing was restored|backup\.json is damaged"
    ):
        bring_back(made.path, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_what_is_damaged_in_a_backup_is_copied_anew_once_it_is_removed_there(data: Path, tmp_path: Path) -> None:
    good = contents(data)
    made = back_up(data, tmp_path / "backups")
    damaged = next(made.path.rglob("*.parquet"))
    flip(damaged)
    with pytest.raises(ArchiveError, match="Remove them there and take another backup") as refused:
        bring_back(made.path, tmp_path / "again")
    assert str(damaged) in str(refused.value)
    damaged.unlink()
    back_up(data, tmp_path / "backups")
    bring_back(tmp_path / "backups", tmp_path / "again")
    assert contents(tmp_path / "again") == good


def test_a_backup_of_a_newer_kado_is_refused(data: Path, tmp_path: Path) -> None:
    made = back_up(data, tmp_path / "backups")
    says = json.loads((made.path / "backup.json").read_text())
    (made.path / "backup.json").write_text(json.dumps({**says, "format": 9}))
    with pytest.raises(FormatVersionError, match="has format 9, this kado reads 1: update kado"):
        bring_back(made.path, tmp_path / "again")


def test_a_data_directory_that_holds_something_stays_as_it_is(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "backups")
    before = sorted(path.name for path in data.iterdir())
    with pytest.raises(ConfigError, match=r"data is not empty \(answers, archive, journal\.db"):
        bring_back(tmp_path / "backups", data)
    assert sorted(path.name for path in data.iterdir()) == before
    assert_whole(data)


def test_a_backup_of_another_facility_or_store_is_refused(data: Path, tmp_path: Path) -> None:
    made = back_up(data, tmp_path / "backups")
    for facility, store in (("other", "embedded"), ("ring", "influxdb")):
        with pytest.raises(ConfigError, match="is a backup of facility 'ring' with store 'embedded'"):
            restore(read_snapshot(made.path), tmp_path / "again", facility, store)


def test_a_restore_that_was_interrupted_is_begun_again(data: Path, tmp_path: Path) -> None:
    made = back_up(data, tmp_path / "backups")
    again = tmp_path / "again"
    # While it copies: nothing has its name yet.
    shutil.copytree(made.path / "archive", again / ".restoring" / "archive")
    bring_back(tmp_path / "backups", again)
    assert contents(again) == contents(data)
    assert not (again / ".restoring").exists()
    # While it gives names: the database comes last, so nothing takes the folder for data.
    half = tmp_path / "half"
    shutil.copytree(made.path / "archive", half / "archive")
    (half / ".restoring").mkdir()
    with pytest.raises(ConfigError, match="holds a restore that was interrupted"):
        bring_back(tmp_path / "backups", half)


@pytest.mark.parametrize("at", [3, 14, 24])
def test_a_restore_that_was_killed_is_no_store_and_can_be_done_again(data: Path, tmp_path: Path, at: int) -> None:
    made = back_up(data, tmp_path / "backups")
    again = tmp_path / "again"
    # Each of the twelve files is checked, then copied.
    arguments = [sys.executable, killed_restore.__file__, str(made.path), str(again), str(at)]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    assert not (again / "telemetry.db").exists()
    bring_back(tmp_path / "backups", again)
    assert contents(again) == contents(data)
    assert_whole(again)


def test_a_restore_into_a_directory_that_is_in_use_is_refused(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "backups")
    with DirectoryLock(tmp_path / "again"), pytest.raises(LockedError):
        bring_back(tmp_path / "backups", tmp_path / "again")


def test_two_backups_into_one_folder_do_not_meet(data: Path, tmp_path: Path) -> None:
    def another(step: BackupStep) -> None:
        if step == BackupStep.DATABASE:
            with pytest.raises(LockedError, match="another backup is being made"):
                back_up(data, tmp_path / "backups")

    back_up(data, tmp_path / "backups", at_step=another)


def test_a_backup_into_the_data_directory_is_refused(data: Path) -> None:
    with pytest.raises(UsageError, match="a backup belongs on another disk"):
        back_up(data, data / "backups")


def test_a_backup_that_comes_into_the_data_directory_by_a_link_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").symlink_to(data)
    with pytest.raises(UsageError, match="a backup belongs on another disk"):
        back_up(data, tmp_path / "disk" / "backups")


def test_the_newest_of_many_in_one_second_is_the_last(data: Path, tmp_path: Path) -> None:
    made = [Backup(data, tmp_path / "backups", lambda: DAY).make(simulated=True).path for _ in range(12)]
    assert complete_snapshots(tmp_path / "backups") == made
    assert find_snapshot(tmp_path / "backups") == made[-1]


def test_old_backups_go_and_what_others_share_with_them_stays(data: Path, tmp_path: Path) -> None:
    made = [back_up(data, tmp_path / "backups") for _ in range(3)]
    removed = thin_out(tmp_path / "backups", 1)
    assert removed == [made[0].path, made[1].path]
    assert complete_snapshots(tmp_path / "backups") == [made[2].path]
    bring_back(tmp_path / "backups", tmp_path / "again")
    assert contents(tmp_path / "again") == contents(data)


def same(one: Samples, other: Samples) -> bool:
    return one.time_ns.tobytes() == other.time_ns.tobytes() and one.value.tobytes() == other.value.tobytes()


def test_sealed_files_that_lay_elsewhere_are_restored_below_the_data_directory(tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path / "data", "ring", read_only=False, archive=str(tmp_path / "shared"))) as store:
        store.write(Batch.of_numbers("ring", "current", DAY + np.arange(100), np.arange(100.0)))
        store.seal(DAY + NS_PER_DAY)
        before = store.read("current", -MAX_NS, MAX_NS)
    back_up(tmp_path / "data", tmp_path / "backups")
    bring_back(tmp_path / "backups", tmp_path / "again")
    shutil.rmtree(tmp_path / "shared")
    assert_whole(tmp_path / "again")
    with closing(EmbeddedStore(tmp_path / "again", "ring")) as store:
        assert same(store.read("current", -MAX_NS, MAX_NS), before)


def test_what_was_restored_goes_back_to_its_old_place_when_the_mark_there_is_removed(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    with closing(EmbeddedStore(tmp_path / "data", "ring", read_only=False, archive=str(shared))) as store:
        store.write(Batch.of_numbers("ring", "current", DAY + np.arange(100), np.arange(100.0)))
        store.seal(DAY + NS_PER_DAY)
    back_up(tmp_path / "data", tmp_path / "backups")
    bring_back(tmp_path / "backups", tmp_path / "again")
    with closing(EmbeddedStore(tmp_path / "again", "ring", read_only=False, archive=str(shared))) as store:
        store.write(Batch.of_numbers("ring", "current", [DAY + 200], [7.0]))
        # The one that it was copied from may still live.
        with pytest.raises(ConfigError, match="belongs to another store"):
            store.seal(DAY + NS_PER_DAY)
        (shared / "_kado_archive.json").unlink()
        assert store.seal(DAY + NS_PER_DAY).samples == 101
        assert len(store.read("current", -MAX_NS, MAX_NS)) == 101
    assert list(shared.rglob("*.r2.parquet"))
