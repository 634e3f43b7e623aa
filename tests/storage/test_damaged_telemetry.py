"""Each table and each region of ``telemetry.db`` damaged: a message of kado's, never an error of the library."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from collector.arrival import Arrival
from collector.landing import Landing
from collector.ledger import read_ledger, verify_ledger
from facility.batch import Batch
from facility.errors import DamagedDataError, KadoError
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S
from storage.data_dir import DataDir
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db import open_reader
from storage.telemetry_db.outbox import next_group
from storage.telemetry_db.schema import expected_columns

DAY = 20_500 * NS_PER_DAY
TABLES = sorted(expected_columns("embedded"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Landing.open(tmp_path, "ring", "embedded") as landing:
        for day in range(2):
            times = DAY + day * NS_PER_DAY + np.arange(2_000) * NS_PER_S
            landing.land_now(Arrival("ring", Batch.of_numbers("ring", "a", times, np.arange(2_000.0))))
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        store.seal(DAY + NS_PER_DAY)
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return tmp_path


def change(data_dir: Path, statement: str) -> None:
    with closing(sqlite3.connect(DataDir(data_dir).telemetry)) as connection, connection:
        connection.execute(statement)


def use(data_dir: Path) -> None:
    """Do all that reads the file."""
    with closing(EmbeddedStore(data_dir, "ring")) as store:
        store.read("a", -MAX_NS, MAX_NS)
        store.last(["a"])
        verify_ledger(read_ledger(data_dir, check_outbox=True), store)


def start(data_dir: Path) -> None:
    Landing.open(data_dir, "ring", "embedded").close()


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("way", [use, start])
def test_a_table_that_is_gone_is_named_and_nothing_starts(data: Path, table: str, way: Callable[[Path], None]) -> None:
    change(data, f"DROP TABLE {table}")
    with pytest.raises(DamagedDataError, match=rf"telemetry\.db is damaged.*{table}.*restore the newest backup"):
        way(data)


@pytest.mark.parametrize("way", [use, start])
def test_a_schema_whose_text_is_not_utf8_is_damage_that_is_named(data: Path, way: Callable[[Path], None]) -> None:
    # SQLite quotes it in its message, which the module cannot decode.
    path = DataDir(data).telemetry
    content = path.read_bytes()
    assert b"CREATE TABLE gap" in content
    path.write_bytes(content.replace(b"CREATE TABLE gap", b"CREATE T\xd2BLE gap"))
    with pytest.raises(KadoError, match=r"telemetry\.db.*is damaged.*restore the newest backup"):
        way(data)


VALUES = {
    "DELETE FROM meta WHERE key = 'facility'": "meta",
    "DELETE FROM meta WHERE key = 'store_kind'": "meta",
    "UPDATE meta SET value = 'tape' WHERE key = 'store_kind'": "meta",
    "UPDATE meta SET value = 'long ago' WHERE key = 'created_ns'": "meta",
    "UPDATE ledger SET entry = 'mislaid' WHERE entry = 'stored'": "ledger",
    "UPDATE ledger SET count = 'many' WHERE entry = 'stored'": "ledger",
    "UPDATE landed SET samples = 'all'": "landed",
}


@pytest.mark.parametrize("statement", VALUES)
@pytest.mark.parametrize("way", [use, start])
def test_a_value_that_kado_never_writes_is_named_with_its_table(
    data: Path, statement: str, way: Callable[[Path], None]
) -> None:
    change(data, statement)
    with pytest.raises(DamagedDataError, match=VALUES[statement]):
        way(data)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE archive_file SET row_groups = X'00'",
        "UPDATE archive_file SET first_day = last_day + 1",
        "UPDATE archive_file SET size = 10",
        "UPDATE archive_file SET revision = -1",
        "UPDATE archive_file SET first_day = 'May'",
    ],
)
def test_garbage_in_the_manifest_is_named(data: Path, statement: str) -> None:
    change(data, statement)
    with pytest.raises(DamagedDataError, match="archive_file"):
        use(data)


@pytest.mark.parametrize("way", [use, start])
@pytest.mark.parametrize("region", range(12))
def test_a_region_that_is_overwritten_ends_in_no_error_of_the_library(
    data: Path, region: int, way: Callable[[Path], None]
) -> None:
    path = DataDir(data).telemetry
    content = bytearray(path.read_bytes())
    size = len(content) // 12
    content[region * size : (region + 1) * size] = b"\xff" * size
    path.write_bytes(content)
    said = ""
    try:
        way(data)
    except KadoError as error:
        said = str(error)
    if said:
        assert "telemetry.db" in said
        return
    # Only pages that hold nothing may be overwritten without a word.
    with closing(EmbeddedStore(data, "ring")) as store:
        assert store.read("a", -MAX_NS, MAX_NS).value.tolist() == [float(i) for _ in range(2) for i in range(2_000)]


@pytest.mark.parametrize("way", [use, start])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_is_refused_with_the_remedy(data: Path, part: float, way: Callable[[Path], None]) -> None:
    path = DataDir(data).telemetry
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(KadoError, match=r"telemetry\.db.*restore the newest backup"):
        way(data)


@pytest.mark.parametrize("name", ["telemetry.db", "telemetry.mark", "lock"])
def test_a_folder_where_a_file_should_be_is_a_message(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(DamagedDataError, match=rf"{name} is a folder, and should be a file"):
        start(tmp_path)


# --- The outbox of InfluxDB.


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    with Landing.open(tmp_path, "ring", "influxdb") as landing:
        for i in range(10):
            times = DAY + i * NS_PER_DAY + np.arange(400) * NS_PER_S
            landing.land_now(Arrival("ring", Batch.of_numbers("ring", "a", times, np.arange(400.0))))
    with closing(sqlite3.connect(DataDir(tmp_path).telemetry)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return tmp_path


def forward(data_dir: Path) -> bytes:
    """Start a service on it, and read what it would forward; return that."""
    Landing.open(data_dir, "ring", "influxdb").close()
    with closing(open_reader(data_dir, "ring", "influxdb")) as connection:
        ledger = read_ledger(data_dir, check_outbox=True)
        found = b"".join(blob.lines for blob in next_group(connection, 10**6))
    if problems := [*ledger.problems, *ledger.damaged]:
        raise DamagedDataError(f"telemetry.db: {problems}")
    return found


@pytest.mark.parametrize("table", sorted(expected_columns("influxdb")))
def test_a_table_of_the_outbox_that_is_gone_is_named_and_nothing_starts(waiting: Path, table: str) -> None:
    change(waiting, f"DROP TABLE {table}")
    with pytest.raises(DamagedDataError, match=rf"telemetry\.db is damaged.*{table}.*restore the newest backup"):
        forward(waiting)


@pytest.mark.parametrize("region", range(12))
def test_a_region_of_the_outbox_that_is_overwritten_is_said_or_held_nothing(waiting: Path, region: int) -> None:
    right = forward(waiting)
    path = DataDir(waiting).telemetry
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    size = len(content) // 12
    content[region * size : (region + 1) * size] = b"\xff" * size
    path.write_bytes(content)
    found, said = b"", ""
    try:
        found = forward(waiting)
    except KadoError as error:
        said = str(error)
    assert "telemetry.db" in said or found == right


@pytest.mark.parametrize("blob", [1, 5, 10])
def test_of_a_changed_blob_the_ledger_names_it_and_the_others_are_as_they_landed(waiting: Path, blob: int) -> None:
    change(waiting, f"UPDATE outbox SET lines = CAST(replace(lines, 'signal=a', 'signal=b') AS BLOB) WHERE id = {blob}")
    (said,) = read_ledger(waiting, check_outbox=True).damaged
    assert said.startswith(f"outbox blob {blob} (400 samples, ")
    with closing(open_reader(waiting, "ring", "influxdb")) as connection:
        group = next_group(connection, 10**6)
    # What was before it can be sent; it comes alone, and is set aside.
    assert [one.id for one in group] == (list(range(1, blob)) or [1])
    assert [one.intact for one in group] == [one.id != blob for one in group]
