"""Verification names every file that is not what was sealed, and deletes nothing."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from facility.batch import Batch
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S
from storage.databases import verify_databases
from storage.embedded.archive.swap import Step
from storage.embedded.maintenance.verifying import verify_files
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db import open_reader
from storage.upkeep import Finding, Verified

DAY = 20_500 * NS_PER_DAY  # 2026-02-16
SAMPLES = Path("archive/samples/signal=current/year=2026")
MINUTES = Path("archive/minutes/signal=current/year=2026")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    """Three sealed days, each a file; a fourth as rows, and states that have no minutes."""
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as opened:
        for day in range(4):
            times = np.arange(DAY + day * NS_PER_DAY, DAY + (day + 1) * NS_PER_DAY, 60 * NS_PER_S)
            opened.write(Batch.of_numbers("ring", "current", times, 1e4 * day + np.arange(1440)))
            opened.write(Batch.of_states("ring", "ring_link", times[:10], ["up"] * 10))
            if day < 3:
                opened.seal(DAY + (day + 1) * NS_PER_DAY)
        yield opened


def verify(data_dir: Path, *, deep: bool = False) -> Verified:
    with closing(open_reader(data_dir)) as connection:
        assert verify_databases(connection, data_dir, deep=deep) == []
        return verify_files(connection, data_dir, deep=deep)


def files(data_dir: Path) -> dict[str, bytes]:
    return {str(path.relative_to(data_dir)): path.read_bytes() for path in data_dir.rglob("*.parquet")}


@pytest.mark.parametrize("deep", [False, True])
def test_a_store_that_is_whole_has_no_findings(store: EmbeddedStore, tmp_path: Path, *, deep: bool) -> None:
    verified = verify(tmp_path, deep=deep)
    assert verified.findings == ()
    assert (verified.files, verified.samples) == (6, 3 * 1450)
    assert verified.bytes == sum(map(len, files(tmp_path).values()))


def flip(at: float) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(at * (len(content) - 1))] ^= 1
        path.write_bytes(content)

    return change


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit in the samples": (flip(0.2), "it is damaged: its samples of 2026-02-17 are not what was sealed"),
    "a flipped bit in the footer": (flip(1), "it is damaged: its table of contents is not what was sealed"),
    "a byte less": (cut, "it is damaged: it has "),
    "nothing left of it": (lambda path: path.write_bytes(b""), "it is damaged: it has 0 bytes"),
    "another day under its name": (
        lambda path: shutil.copy(path.with_name("2026-02-18.r1.parquet"), path),
        "it is damaged: ",
    ),
    "not there": (Path.unlink, "it is missing"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_with_what_to_do_and_others_are_not(
    store: EmbeddedStore, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / SAMPLES / "2026-02-17.r1.parquet"
    change, expected = DAMAGES[damage]
    change(path)
    after = files(tmp_path)
    for deep in (False, True):
        (finding,) = verify(tmp_path, deep=deep).findings
        assert finding.file == str(path)
        assert finding.what.startswith(expected)
        assert "bring it back from a backup" in finding.remedy
        assert finding.rollup_of is None
    assert files(tmp_path) == after, "nothing is deleted or changed"
    assert len(store.read("current", DAY, DAY + NS_PER_DAY)) == 1440


@pytest.mark.parametrize("damage", [flip(0.5), cut, Path.unlink])
def test_minutes_that_are_wrong_are_made_anew_from_the_samples(
    store: EmbeddedStore, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    before = store.read("current", DAY, MAX_NS)
    damage(tmp_path / MINUTES / "2026-02-17.r1.parquet")
    (finding,) = verify(tmp_path).findings
    assert finding.file == str(tmp_path / MINUTES / "2026-02-17.r1.parquet")
    assert "--repair-rollup" in finding.remedy
    assert store.rebuild_minutes([finding]) == 1
    assert verify(tmp_path, deep=True).findings == ()
    assert np.array_equal(store.read("current", DAY, MAX_NS).value, before.value)
    assert (tmp_path / MINUTES / "2026-02-17.r2.parquet").exists()


def test_minutes_that_are_whole_and_say_something_else_are_found_deep(store: EmbeddedStore, tmp_path: Path) -> None:
    # As a kado with a mistake in it would have sealed them: those of another day, with their own checksum.
    shutil.copy(tmp_path / MINUTES / "2026-02-18.r1.parquet", tmp_path / MINUTES / "2026-02-17.r1.parquet")
    store._connection.execute(
        "UPDATE archive_file SET (minutes_size, minutes_checksum) ="
        " (SELECT minutes_size, minutes_checksum FROM archive_file WHERE first_day = 20502 AND minutes_size > 0)"
        " WHERE first_day = 20501 AND minutes_size > 0"
    )
    assert verify(tmp_path).findings == ()
    (finding,) = verify(tmp_path, deep=True).findings
    assert finding.what == "its minutes are not what its samples come to"
    store.rebuild_minutes([finding])
    assert verify(tmp_path, deep=True).findings == ()


def test_minutes_that_are_lacking_are_found_deep(store: EmbeddedStore, tmp_path: Path) -> None:
    (tmp_path / MINUTES / "2026-02-17.r1.parquet").unlink()
    store._connection.execute("UPDATE archive_file SET minutes_size = 0 WHERE first_day = 20501")
    assert verify(tmp_path).findings == ()
    (finding,) = verify(tmp_path, deep=True).findings
    assert finding.what == "there are no minutes of samples that are numbers"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("samples = samples + 1", "it holds 1440 samples, and the manifest says 1441"),
        ("first_ns = first_ns + 1", "the manifest says"),
        ("last_ns = last_ns - 1", "the manifest says"),
    ],
)
def test_a_manifest_that_says_something_else_than_a_file_is_a_finding(
    store: EmbeddedStore, tmp_path: Path, change: str, expected: str
) -> None:
    store._connection.execute(f"UPDATE archive_file SET {change} WHERE first_day = 20501 AND minutes_size > 0")
    (finding,) = verify(tmp_path).findings
    assert expected in finding.what


def test_files_that_claim_the_same_days_are_a_finding(store: EmbeddedStore, tmp_path: Path) -> None:
    store._connection.execute("UPDATE archive_file SET last_day = 20502 WHERE first_day = 20501 AND minutes_size > 0")
    whats = [finding.what for finding in verify(tmp_path).findings]
    assert any("hold the same days" in what for what in whats)


def test_a_file_that_the_manifest_does_not_know_is_told_and_left(store: EmbeddedStore, tmp_path: Path) -> None:
    strays = [tmp_path / SAMPLES / "2026-03-01.r1.parquet", tmp_path / "archive" / "notes.txt"]
    for stray in strays:
        stray.write_bytes(b"from a restored backup")
    found = verify(tmp_path).findings
    assert [finding.file for finding in found] == sorted(map(str, strays))
    assert {finding.what for finding in found} == {"the manifest does not know this file"}
    assert all(stray.exists() for stray in strays)


def test_what_a_crash_has_left_over_is_no_finding(tmp_path: Path) -> None:
    class StopHereError(Exception):
        pass

    def stop(step: Step) -> None:
        if step == Step.COMMITTED and armed:
            raise StopHereError

    armed: list[bool] = []
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False, at_step=stop)) as store:
        for day in range(2):
            times = DAY + day * NS_PER_DAY + np.arange(100) * NS_PER_S
            store.write(Batch.of_numbers("ring", "current", times, np.ones(100)))
            store.seal(DAY + (day + 1) * NS_PER_DAY)
        armed.append(True)
        with pytest.raises(StopHereError):
            store.merge_months(DAY + 60 * NS_PER_DAY)
    assert len(files(tmp_path)) == 6
    assert verify(tmp_path).findings == ()


def test_a_file_that_is_replaced_while_it_is_checked_is_no_finding(store: EmbeddedStore, tmp_path: Path) -> None:
    done: list[int] = []

    def merge(_: int, __: int) -> None:
        if not done:
            done.append(1)
            store.merge_months(DAY + 60 * NS_PER_DAY)

    with closing(open_reader(tmp_path)) as connection:
        assert verify_files(connection, tmp_path, progress=merge).findings == ()
    assert len(files(tmp_path)) == 3


def test_numbers_alone_need_no_words(tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        store.write(Batch.of_numbers("ring", "current", [DAY], [1.0]))
    assert verify(tmp_path, deep=True).findings == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("INSERT INTO sample(series_id, time_ns, value) VALUES(99, 1, 1.0)", "samples of a signal that it does not"),
        ("UPDATE sample SET state_id = 99 WHERE value = 30000", "samples with a word that it does not know: 1"),
        ("UPDATE sample SET quality = 9 WHERE value >= 31438", "samples of a quality that does not exist: 2"),
        ("UPDATE series SET newest_ns = 5 WHERE signal = 'current'", "samples that are newer than the newest that it"),
    ],
)
def test_rows_that_cannot_be_are_found_deep(store: EmbeddedStore, tmp_path: Path, change: str, expected: str) -> None:
    store._connection.execute(change)
    with closing(open_reader(tmp_path)) as connection:
        # A change of a row is noticed by its checksum in any case; what is wrong with it is looked for only deep.
        shallow = verify_databases(connection, tmp_path)
        assert all("(UTC) are" in finding.what for finding in shallow)
        finding, *others = verify_databases(connection, tmp_path, deep=True)
    assert expected in finding.what
    assert finding.file == str(tmp_path / "telemetry.db")
    assert others == shallow
    assert bool(shallow) == change.endswith(("1.0)", "30000", "31438"))


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        store.write(Batch.of_numbers("ring", "current", DAY + np.arange(20_000), np.arange(20_000.0)))
    with closing(sqlite3.connect(tmp_path / "journal.db")) as journal, journal:
        journal.execute("CREATE TABLE block(text TEXT)")
        journal.executemany("INSERT INTO block VALUES(?)", [("x" * 3000,)] * 50)
    for name in ("telemetry.db", "journal.db"):
        content = bytearray((tmp_path / name).read_bytes())
        middle = len(content) // 2 // 4096 * 4096
        content[middle : middle + 4096] = b"\xff" * 4096
        (tmp_path / name).write_bytes(content)
    with closing(open_reader(tmp_path)) as connection:
        found: list[Finding] = verify_databases(connection, tmp_path)
    assert {Path(finding.file).name for finding in found} == {"telemetry.db", "journal.db"}
    assert all("restore the newest backup" in finding.remedy for finding in found)
