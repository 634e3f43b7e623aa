"""A journal that is damaged, emptied or another facility's is said, by every way to it."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from collector.landing import Landing
from facility.corrections import Assertion, Correction
from facility.errors import ConfigError, DamagedDataError, FormatVersionError, KadoError
from facility.incidents import Incident
from facility.schedule import Block, Category, ScheduleVersion
from storage.data_dir import DataDir
from storage.databases import verify_databases
from storage.journal.journal import Journal
from storage.telemetry_db import open_reader

VERSION = ScheduleVersion(100, (Block(10, 20, Category.USER), Block(20, 30, Category.STUDY)))
CORRECTION = Correction(0, 10, 20, Assertion.UP, "Sato", "seen on the scope", 0)
INCIDENT = Incident(0, 10, 20, "rf", "klystron 2", "trip of klystron 2", "Sato", 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "journal.db"
    with Journal.open(found, facility="ring") as journal:
        journal.add_schedule_versions([VERSION], "Sato", "plan.csv")
        journal.add_correction(CORRECTION)
        journal.add_incident(INCIDENT)
        journal.withdraw(journal.add_correction(replace(CORRECTION, start_ns=40, end_ns=50)).id, "Sato", "wrong page")
    return found


def read_all(path: Path) -> None:
    with Journal.open(path, facility="ring") as journal:
        journal.schedule_versions()
        journal.corrections()
        journal.withdrawals()
        journal.all_incidents()


def test_a_schema_whose_text_is_not_utf8_is_damage_that_is_named(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    assert b"CREATE TABLE correction" in content
    path.write_bytes(content.replace(b"CREATE TABLE correction", b"CREATE T\xd2BLE correction"))
    with pytest.raises(DamagedDataError, match=r"journal\.db is damaged.*restore the newest backup"):
        read_all(path)
    with Landing.open(tmp_path / "data", "ring", "embedded"):
        pass
    DataDir(tmp_path / "data").journal.write_bytes(path.read_bytes())
    with closing(open_reader(tmp_path / "data")) as connection:
        assert any("journal.db" in finding.file for finding in verify_databases(connection, tmp_path / "data"))


CHANGES = [
    "UPDATE schedule_block SET end_ns = 21 WHERE position = 0",
    "UPDATE schedule_block SET category = 'party' WHERE position = 0",
    "UPDATE schedule_block SET start_ns = 'early' WHERE position = 0",
    "UPDATE schedule_block SET tags = '[' WHERE position = 0",
    "UPDATE schedule_version SET published_at_ns = 101",
    "DELETE FROM schedule_block",
    "DELETE FROM schedule_block WHERE position = 1",
    "UPDATE correction SET start_ns = 11 WHERE id = 1",
    "UPDATE correction SET assertion = 'sideways' WHERE id = 1",
    "UPDATE correction SET end_ns = X'00' WHERE id = 1",
    "UPDATE withdrawal SET author = 'Kato'",
    "UPDATE incident SET title = 'trip of klystron 3'",
    "DROP TABLE correction",
    "DROP TABLE alembic_version",
    "DELETE FROM alembic_version",
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_record_that_has_changed_on_the_disk_is_named_when_it_is_read(path: Path, change: str) -> None:
    read_all(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)
    with pytest.raises(KadoError, match=r"journal") as raised:
        read_all(path)
    assert isinstance(raised.value, DamagedDataError | FormatVersionError)
    assert any(advice in str(raised.value) for advice in ("restore the newest backup", "move it away"))


@pytest.mark.parametrize("region", range(8))
def test_a_region_of_the_file_that_is_overwritten_never_ends_in_an_error_of_the_library(
    path: Path, region: int
) -> None:
    content = bytearray(path.read_bytes())
    size = len(content) // 8
    content[region * size : (region + 1) * size] = b"\xff" * size
    path.write_bytes(content)
    raised = ""
    try:
        read_all(path)
    except KadoError as error:
        raised = str(error)
    # What is not used may be overwritten unseen; what is said names the file.
    assert not raised or "journal" in raised


def test_a_truncated_journal_is_named(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(KadoError, match="journal"):
        read_all(path)


def test_an_emptied_journal_is_said_with_what_it_lacks(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.unlink()
    Journal.open(path, facility="ring").close()
    assert "lacks records that it held: 2 of 2 in correction" in caplog.text
    assert "1 of 1 in schedule_version" in caplog.text
    assert "restore it from a backup" in caplog.text


def test_a_mark_that_cannot_be_read_is_said(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.with_suffix(".mark").write_bytes(b"\xff\x00")
    read_all(path)
    assert "journal.mark is damaged" in caplog.text


def test_the_journal_of_another_facility_is_refused_naming_both(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"belongs to facility 'ring', not to 'linac': .*data_dir of its own"):
        Journal.open(path, facility="linac")
    read_all(path)


def test_a_journal_that_is_nobodys_yet_becomes_the_facilitys_that_opens_it(tmp_path: Path) -> None:
    Journal.open(tmp_path / "journal.db").close()
    Journal.open(tmp_path / "journal.db", facility="linac").close()
    with pytest.raises(ConfigError, match="belongs to facility 'linac'"):
        Journal.open(tmp_path / "journal.db", facility="ring")


def test_only_its_owner_may_read_it(path: Path) -> None:
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "journal.db": 0o600,
        "journal.mark": 0o600,
    }
