"""Files that somebody has crafted: no path in them leads kado out of its folders, and nothing is deleted there."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facility.batch import Batch
from facility.errors import ArchiveError, DamagedDataError, KadoError
from facility.time import NS_PER_DAY, NS_PER_S
from storage.backup.backup import Backup
from storage.backup.restore import restore
from storage.backup.snapshots import LIST, Snapshot, list_text, read_snapshot
from storage.data_dir import DataDir
from storage.embedded.store import EmbeddedStore

DAY = 20_500 * NS_PER_DAY


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with closing(EmbeddedStore(tmp_path / "data", "ring", read_only=False)) as store:
        for day in range(2):
            times = DAY + day * NS_PER_DAY + np.arange(100) * NS_PER_S
            store.write(Batch.of_numbers("ring", "current", times, np.arange(100.0)))
        store.seal(DAY + NS_PER_DAY)
    return tmp_path / "data"


@pytest.fixture
def backup(data: Path, tmp_path: Path) -> Path:
    return Backup(data, tmp_path / "backups", lambda: DAY).make(simulated=True).path


def craft(backup: Path, change: Callable[[dict[str, Any]], None]) -> Snapshot:
    """Change the list of a backup, with its checksum."""
    says = json.loads((backup / LIST).read_text())
    del says["checksum"]
    change(says)
    (backup / LIST).write_text(list_text(says))
    return read_snapshot(backup)


def everything_outside(tmp_path: Path) -> set[str]:
    return {str(path) for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "again")}


PATHS = [
    "../outside", "/etc/passwd", "archive/../../outside", "answers/../../outside", "answers/a/b", "archive/outside",
    "archive/samples/../../../x.parquet", "kado.toml", "", ".", "telemetry.db/", "archive//samples/x.parquet",
    "telemetry.mark", "lock", "archive/samples/signal=a/year=2026/x.sh", "answers/\0",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_backup_whose_list_names_another_path_is_refused_and_writes_nothing(
    backup: Path, tmp_path: Path, path: str
) -> None:
    (tmp_path / "outside").write_text("untouched")
    before = everything_outside(tmp_path)

    def name_another(says: dict[str, Any]) -> None:
        says["files"][-1]["path"] = path

    with pytest.raises(ArchiveError, match=r"backup\.json is not a list that kado wrote .*nothing was read or written"):
        restore(craft(backup, name_another), tmp_path / "again", "ring", "embedded")
    assert everything_outside(tmp_path) == before
    assert (tmp_path / "outside").read_text() == "untouched"
    assert not (tmp_path / "again").exists()


FORMS = ["[]", "{}", "null", '{"format": 1, "checksum": ""}', "\xff", '{"format": "x"}', "[" * 100_000]
FORMS.append('{"format": 1e999, "checksum": ""}')


@pytest.mark.parametrize("says", FORMS, ids=range(len(FORMS)))
def test_a_list_of_another_form_is_refused(backup: Path, says: str) -> None:
    (backup / LIST).write_text(says, encoding="latin-1")
    with pytest.raises(ArchiveError, match="take another backup"):
        read_snapshot(backup)


@pytest.mark.parametrize("key", ["facility", "store", "made", "files", "problems"])
@pytest.mark.parametrize("value", [None, 7, [7], {"a": 1}])
def test_a_list_with_a_value_of_another_kind_is_refused_or_reads_as_it_stands(
    backup: Path, key: str, value: object
) -> None:
    def put(says: dict[str, Any]) -> None:
        says[key] = value

    try:
        found = craft(backup, put)
    except ArchiveError:
        return
    with pytest.raises(KadoError):
        restore(found, backup.parent / "again", "ring", "embedded")


def test_a_backup_in_which_a_file_is_a_link_is_refused(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    (backup / "telemetry.db").unlink()
    (backup / "telemetry.db").symlink_to(tmp_path / "outside")
    with pytest.raises(ArchiveError, match="is a link"):
        read_snapshot(backup)


@pytest.mark.parametrize(
    "path",
    ["archive/../../victim", "/victim", "../victim", "archive/samples/../../../victim", "victim.parquet",
     "archive/samples/../../../victim.parquet", "archive/samples//victim.parquet", 7, None],
)  # fmt: skip
def test_a_leftover_that_leads_out_of_the_archive_is_never_removed(data: Path, path: object) -> None:
    victims = [data.parent / "victim", data.parent / "victim.parquet", data / "victim", Path("/victim")]
    for victim in victims[:3]:
        victim.write_text("untouched")
    with closing(sqlite3.connect(DataDir(data).telemetry)) as connection, connection:
        connection.execute("DROP TABLE archive_leftover")
        connection.execute("CREATE TABLE archive_leftover(path)")
        connection.execute("INSERT INTO archive_leftover VALUES(?)", (path,))
    # Twice: the first does not keep the directory locked.
    for _ in range(2):
        with pytest.raises(DamagedDataError, match="archive_leftover"):
            EmbeddedStore(data, "ring", read_only=False)
    assert all(victim.read_text() == "untouched" for victim in victims[:3])


def test_a_signal_whose_name_is_a_path_is_refused_before_a_file_is_opened(data: Path) -> None:
    with closing(sqlite3.connect(DataDir(data).telemetry)) as connection, connection:
        connection.execute("UPDATE series SET signal = '../../../../victim'")
    with closing(EmbeddedStore(data, "ring")) as store, pytest.raises(DamagedDataError, match="archive_file"):
        store.read("../../../../victim", DAY, DAY + NS_PER_DAY)


def test_a_folder_of_the_archive_that_is_a_link_is_not_followed_out_of_it(data: Path, tmp_path: Path) -> None:
    year = next((data / "archive" / "samples" / "signal=current").iterdir())
    year.rename(tmp_path / "elsewhere")
    year.symlink_to(tmp_path / "elsewhere")
    with closing(EmbeddedStore(data, "ring")) as store, pytest.raises(ArchiveError, match="a link that leads out"):
        store.read("current", DAY, DAY + NS_PER_DAY)


def test_what_kado_writes_is_for_its_owner_alone(data: Path, backup: Path, tmp_path: Path) -> None:
    restore(read_snapshot(backup), tmp_path / "again", "ring", "embedded")
    for folder in (data, backup, tmp_path / "again"):
        files = [path for path in folder.rglob("*") if path.is_file() and path.name != LIST]
        assert files
        assert {str(path): oct(path.stat().st_mode & 0o777) for path in files if path.stat().st_mode & 0o077} == {}
    assert os.stat(data / "lock").st_mode & 0o777 == 0o600
