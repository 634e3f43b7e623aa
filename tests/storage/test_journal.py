"""The journal: append-only, several writers, versions refused with the remedy."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from facility.errors import ConfigError, DamagedDataError, FormatVersionError
from facility.schedule import Block, Category, ScheduleVersion
from storage.journal.connection import Database
from storage.journal.journal import Journal
from storage.journal.schema import METADATA, REVISIONS

DAY = 86_400 * 10**9


def version(published_ns: int, *starts: int, note: str = "") -> ScheduleVersion:
    blocks = [Block(s, s + DAY, Category.USER, ("shared", "BL02U"), "2025A", note) for s in starts]
    return ScheduleVersion.of(published_ns, blocks)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "50 % beam?" / "journal.db"


def test_versions_come_back_as_they_were_in_the_order_they_were_recorded(path: Path) -> None:
    later = version(200, 10 * DAY, 20 * DAY, note="利用 運転")
    bare = ScheduleVersion.of(-5, [Block(-DAY, DAY, Category.SHUTDOWN)])
    with Journal.open(path, lambda: 7) as journal:
        assert journal.schedule_versions() == ()
        assert journal.add_schedule_versions([later], "Sato", "plan.csv") == 1
        assert journal.add_schedule_versions([bare], "Kato", "old.csv") == 1
    with Journal.open(path) as journal:
        assert journal.schedule_versions() == (later, bare)
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT published_at_ns, recorded_at_ns, author, origin FROM schedule_version")
        assert rows.fetchall() == [(200, 7, "Sato", "plan.csv"), (-5, 7, "Kato", "old.csv")]


def test_a_version_that_is_known_already_is_recorded_once(path: Path) -> None:
    with Journal.open(path) as journal:
        assert journal.add_schedule_versions([version(1, 0), version(1, 0), version(2, 0)], "Sato", "a.csv") == 2
        assert journal.add_schedule_versions([version(2, 0), version(2, DAY)], "Kato", "b.csv") == 1
        assert journal.schedule_versions() == (version(1, 0), version(2, 0), version(2, DAY))


def test_versions_are_recorded_all_or_none(path: Path) -> None:
    broken = ScheduleVersion(2, (Block(0, None, Category.USER),))  # type: ignore[arg-type]  # a wrong value: this is tested
    with Journal.open(path) as journal:
        with pytest.raises(IntegrityError):
            journal.add_schedule_versions([version(1, 0), broken], "Sato", "a.csv")
        assert journal.schedule_versions() == ()


WRITER = """
import sys
from facility.schedule import Block, Category, ScheduleVersion
from storage.journal.journal import Journal

path, name, go = sys.argv[1:]
sys.stdin.readline()
with Journal.open(path) as journal:
    for n in range(20):
        mine = ScheduleVersion.of(n, [Block(n, n + 1, Category.USER, note=name)])
        common = ScheduleVersion.of(n, [Block(n, n + 1, Category.STUDY)])
        journal.add_schedule_versions([mine, common], name, go)
"""


def test_processes_that_open_and_write_at_once_lose_nothing(path: Path) -> None:
    names = ["one", "two", "three"]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, path, name, "test"], stdin=subprocess.PIPE) for name in names
    ]
    for writer in writers:
        writer.communicate(b"go\n", timeout=300)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    with Journal.open(path) as journal:
        found = journal.schedule_versions()
    assert len(found) == 20 * 3 + 20
    for name in names:
        assert [v.published_at_ns for v in found if v.blocks[0].note == name] == list(range(20))


def test_a_journal_opened_twice_by_one_process_stays_locked_while_it_is_written(path: Path) -> None:
    """What SQLite locks belongs to the process: to close the file by hand would give the locks of all back."""
    Journal.open(path).close()
    command = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    with closing(Database(path)) as first, first.writing():
        Database(path).close()
        done = subprocess.run([sys.executable, "-c", command, str(path)], capture_output=True, text=True, check=False)
        assert "database is locked" in done.stderr


def test_a_journal_of_a_newer_kado_is_refused_with_the_remedy(path: Path) -> None:
    Journal.open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(FormatVersionError, match=r"journal\.db has revision 9999, this kado knows up to .*update kado"):
        Journal.open(path)


def test_a_database_of_somebody_else_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipe(id)")
    with pytest.raises(FormatVersionError, match="not kado's journal: move it away"):
        Journal.open(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"start,end,category\n" * 100)
    with pytest.raises(FormatVersionError, match="not a journal"):
        Journal.open(path)


def test_a_path_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(DamagedDataError, match=f"journal {tmp_path} is a folder, and should be a file"):
        Journal.open(tmp_path)


def test_a_url_of_no_known_database_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="neither a path nor the URL of a database"):
        Journal.open("nosuch://host/kado")


def test_a_journal_may_be_given_by_url(path: Path) -> None:
    other = path.parent.parent / "other.db"
    with Journal.open(f"sqlite:///{other}") as journal:
        assert journal.add_schedule_versions([version(1, 0)], "Sato", "a.csv") == 1
    assert other.is_file()


def test_the_migrations_lead_to_the_tables_that_the_code_knows(path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    database = Database(path)
    with database.reading() as connection:
        context = MigrationContext.configure(connection)
        assert context.get_current_revision() == REVISIONS[-1]
        assert compare_metadata(context, METADATA) == []
    database.close()


def test_the_migrations_are_the_known_revisions_in_order() -> None:
    from alembic.script import ScriptDirectory

    import storage.journal

    scripts = ScriptDirectory(str(Path(storage.journal.__path__[0]) / "migrations"))
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(REVISIONS)


def test_the_first_schema_can_be_read_for_ever(path: Path) -> None:
    """The file as the first revision made it, written down here so that nobody changes that by mistake."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            CREATE TABLE alembic_version(version_num VARCHAR(32) NOT NULL PRIMARY KEY);
            INSERT INTO alembic_version VALUES('0001');
            CREATE TABLE schedule_version(
                id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, published_at_ns BIGINT NOT NULL,
                recorded_at_ns BIGINT NOT NULL, author TEXT NOT NULL, origin TEXT NOT NULL,
                fingerprint TEXT NOT NULL UNIQUE);
            CREATE TABLE schedule_block(
                version_id INTEGER NOT NULL REFERENCES schedule_version(id), position INTEGER NOT NULL,
                start_ns BIGINT NOT NULL, end_ns BIGINT NOT NULL, category TEXT NOT NULL, tags JSON NOT NULL,
                run TEXT, note TEXT NOT NULL, PRIMARY KEY(version_id, position));
            INSERT INTO schedule_version VALUES(1, 100, 200, 'Sato', 'plan.csv',
                '8078d733942ae4c71d5fa347c9e6affeec2d9f3aa8cbc5197b135b82b998bbae');
            INSERT INTO schedule_block VALUES(1, 0, 10, 20, 'user', '["shared"]', '2025A', 'first');
            INSERT INTO schedule_block VALUES(1, 1, 20, 30, 'study', '[]', NULL, '');
        """)
    with Journal.open(path) as journal:
        assert journal.schedule_versions() == (
            ScheduleVersion(
                100,
                (
                    Block(10, 20, Category.USER, ("shared",), "2025A", "first"),
                    Block(20, 30, Category.STUDY),
                ),
            ),
        )
