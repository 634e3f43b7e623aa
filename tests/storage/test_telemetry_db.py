"""``telemetry.db``: made whole, refused when it is not ours, and migrated only by its writer."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest

from facility.errors import ConfigError, DamagedDataError, DiskError, FormatVersionError, LockedError
from storage.data_dir import DataDir, DirectoryLock
from storage.telemetry_db import VERSION, StoreKind, open_reader, open_writer, snapshot, transaction


def make(folder: Path) -> Path:
    open_writer(folder, "ring", "embedded", 17).close()
    return DataDir(folder).telemetry


def set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")


def test_a_new_file_says_whose_it_is_and_is_safe_against_power_cuts(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path, "ring", "embedded", 17)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
        meta = dict(connection.execute("SELECT key, value FROM meta"))
    assert meta == {"facility": "ring", "store_kind": "embedded", "created_ns": "17"}


def test_each_kind_of_store_has_its_own_table(tmp_path: Path) -> None:
    only = {"sample", "outbox"}
    for kind in get_args(StoreKind):
        folder = tmp_path / kind
        folder.mkdir()
        with closing(open_writer(folder, "ring", kind, 0)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        assert tables & only == {"sample" if kind == "embedded" else "outbox"}


def test_a_newer_file_is_refused_with_the_remedy_and_left_as_it_is(tmp_path: Path) -> None:
    path = make(tmp_path)
    set_version(path, 7)
    before = path.read_bytes()
    with pytest.raises(
        FormatVersionError, match=rf"telemetry\.db has format version 7, this kado knows {VERSION}: update kado"
    ):
        open_writer(tmp_path, "ring", "embedded", 0)
    with pytest.raises(FormatVersionError, match=f"has format version 7, this kado reads {VERSION}: update kado"):
        open_reader(tmp_path, "ring", "embedded")
    assert path.read_bytes() == before


def test_an_empty_file_is_refused_with_where_its_content_may_be(tmp_path: Path) -> None:
    with closing(sqlite3.connect(DataDir(tmp_path).telemetry)):
        pass
    DataDir(tmp_path).telemetry.touch()
    with pytest.raises(DamagedDataError, match=r"telemetry.db is empty: .* in telemetry.db-wal; copy both"):
        open_reader(tmp_path)


def test_another_facilitys_directory_is_refused_naming_both(tmp_path: Path) -> None:
    make(tmp_path)
    message = r"telemetry\.db belongs to facility 'ring', not to 'linac': each facility needs a data_dir of its own"
    with pytest.raises(ConfigError, match=message):
        open_writer(tmp_path, "linac", "embedded", 0)
    with pytest.raises(ConfigError, match=message):
        open_reader(tmp_path, "linac")


def test_another_store_kinds_directory_is_refused_naming_both(tmp_path: Path) -> None:
    make(tmp_path)
    message = r"telemetry\.db was made for the store 'embedded', and store\.kind says 'influxdb'"
    with pytest.raises(ConfigError, match=message):
        open_writer(tmp_path, "ring", "influxdb", 0)
    with pytest.raises(ConfigError, match=message):
        open_reader(tmp_path, "ring", "influxdb")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    DataDir(tmp_path).telemetry.write_text("time,signal,value\n" * 1000)
    with pytest.raises(FormatVersionError, match=r"is not a telemetry file of kado's .*: move it away"):
        open_writer(tmp_path, "ring", "embedded", 0)


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(DataDir(tmp_path).telemetry)) as connection:
        connection.execute("CREATE TABLE music(title)")
    with pytest.raises(FormatVersionError, match="is a database, but not kado's"):
        open_writer(tmp_path, "ring", "embedded", 0)


def test_nothing_to_read_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no .*telemetry\.db: nothing was collected there yet"):
        open_reader(tmp_path)


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    make(tmp_path)
    with (
        closing(open_reader(tmp_path)) as connection,
        pytest.raises(DiskError, match=r"telemetry.db cannot be read or written .*readonly"),
    ):
        connection.execute("DELETE FROM meta")


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path, "ring", "embedded", 0)) as connection:

        def fail() -> None:
            with transaction(connection):
                connection.execute("INSERT INTO word(text) VALUES('up')")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert connection.execute("SELECT count(*) FROM word").fetchone() == (0,)


def test_a_reader_sees_one_state_while_another_writes(tmp_path: Path) -> None:
    with (
        closing(open_writer(tmp_path, "ring", "embedded", 0)) as writer,
        closing(open_reader(tmp_path)) as reader,
    ):
        with snapshot(reader):
            assert reader.execute("SELECT count(*) FROM word").fetchone() == (0,)
            writer.execute("INSERT INTO word(text) VALUES('up')")
            assert reader.execute("SELECT count(*) FROM word").fetchone() == (0,)
        assert reader.execute("SELECT count(*) FROM word").fetchone() == (1,)


def test_a_reader_sees_what_a_killed_writer_had_committed(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from storage.telemetry_db import open_writer\n"
        "writer = open_writer(Path(sys.argv[1]), 'ring', 'embedded', 0)\n"
        "writer.execute(\"INSERT INTO word(text) VALUES('up')\")\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    with closing(open_reader(tmp_path)) as reader:
        assert reader.execute("SELECT text FROM word").fetchall() == [("up",)]


def test_a_command_that_ends_leaves_the_log_of_a_process_with_several_writers(tmp_path: Path) -> None:
    """What SQLite locks belongs to the process: to close the file by hand would give all locks back."""
    path = DataDir(tmp_path).telemetry
    command = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM word').fetchall(); c.close()"
    )
    with (
        closing(open_writer(tmp_path, "ring", "embedded", 0)) as landing,
        closing(open_writer(tmp_path, "ring", "embedded", 0)) as alarms,
    ):
        landing.execute("INSERT INTO word(text) VALUES('up')")
        log = path.with_name("telemetry.db-wal").stat().st_ino
        subprocess.run([sys.executable, "-c", command, str(path)], check=True)
        assert path.with_name("telemetry.db-wal").stat().st_ino == log, "the command removed the log that is in use"
        alarms.execute("INSERT INTO word(text) VALUES('down')")
    with closing(open_reader(tmp_path)) as reader:
        assert reader.execute("SELECT count(*) FROM word").fetchone() == (2,)


def test_a_locked_directory_names_who_holds_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from storage.data_dir import DirectoryLock\n"
        "lock = DirectoryLock(Path(sys.argv[1])); print('locked', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "data")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(LockedError, match=f"is in use by the process with pid {holder.pid}: stop that one first"):
            DirectoryLock(tmp_path / "data")
        holder.kill()
        holder.wait()
    with DirectoryLock(tmp_path / "data"):
        assert DataDir(tmp_path / "data").lock.read_text() == f"{os.getpid()}\n"


def test_a_lock_is_given_back(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(LockedError, match=f"pid {os.getpid()}"):
        DirectoryLock(tmp_path)
    lock.release()
    lock.release()
    DirectoryLock(tmp_path).release()


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"data directory .*file.data cannot be written: .*choose another data_dir"):
        DirectoryLock(tmp_path / "file" / "data")
