"""``ledger --verify`` counts what lies on the disk: not the manifest, and not what the rows were."""

import shutil
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
from facility.time import NS_PER_DAY, NS_PER_S
from storage.data_dir import DataDir
from storage.embedded.store import EmbeddedStore

DAY = 20_500 * NS_PER_DAY


def numbers(day: int) -> Batch:
    times = DAY + day * NS_PER_DAY + np.arange(100) * NS_PER_S
    return Batch.build("ring", ["a", "b"], np.arange(100) % 2, times, value=np.arange(100.0))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with Landing.open(tmp_path, "ring", "embedded") as landing:
        for day in range(3):
            landing.land_now(Arrival("ring", numbers(day)))
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        store.seal(DAY + 2 * NS_PER_DAY)
        store.write(Batch.of_numbers("ring", "a", [DAY], [5.0]))
    return tmp_path


def differences(data_dir: Path) -> list[str]:
    with closing(EmbeddedStore(data_dir, "ring")) as store:
        return verify_ledger(read_ledger(data_dir, check_outbox=True), store)


def files_of(data_dir: Path) -> list[Path]:
    return sorted((data_dir / "archive" / "samples").rglob("*.parquet"))


def remove_content(data_dir: Path) -> None:
    shutil.rmtree(data_dir / "archive" / "samples")
    (data_dir / "archive" / "samples").mkdir()


def remove_one(data_dir: Path) -> None:
    files_of(data_dir)[0].unlink()


def cut_one(data_dir: Path) -> None:
    files_of(data_dir)[0].write_bytes(files_of(data_dir)[0].read_bytes()[:-100])


def flip_a_bit_of_the_contents(data_dir: Path) -> None:
    content = bytearray(files_of(data_dir)[0].read_bytes())
    content[-20] ^= 1
    files_of(data_dir)[0].write_bytes(content)


def change_a_row(data_dir: Path) -> None:
    with closing(sqlite3.connect(DataDir(data_dir).telemetry)) as connection, connection:
        connection.execute("UPDATE sample SET value = 7.5 WHERE time_ns > ?", (DAY + 2 * NS_PER_DAY + 98 * NS_PER_S,))


def put_an_older_database_in_place(data_dir: Path) -> None:
    with closing(sqlite3.connect(DataDir(data_dir).telemetry)) as connection, connection:
        connection.execute("UPDATE landed SET id = 1, samples = 100")


def remove_the_mark(data_dir: Path) -> None:
    DataDir(data_dir).mark.unlink()


DAMAGE: dict[Callable[[Path], None], str] = {
    remove_content: "is missing, and kado's manifest names it",
    remove_one: "is missing, and kado's manifest names it",
    cut_one: "bytes, and was sealed with",
    flip_a_bit_of_the_contents: "table of contents is not what was sealed",
    change_a_row: "rows of b of 2026-02-18 (UTC) are not what landed",
    put_an_older_database_in_place: "but commit 3 was acknowledged: 200 acknowledged samples are lost",
    remove_the_mark: "telemetry.mark is missing: kado cannot check whether the end of telemetry.db was lost",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_what_is_not_on_the_disk_is_a_difference_that_is_named(data: Path, damage: Callable[[Path], None]) -> None:
    assert differences(data) == []
    damage(data)
    assert any(DAMAGE[damage] in difference for difference in differences(data))


def test_a_signal_whose_files_are_gone_lacks_its_samples_in_the_count(data: Path) -> None:
    remove_content(data)
    # One late sample lies over a sealed one, and counts once.
    assert "signal b: the ledger says 150 samples, the embedded store holds 50" in differences(data)
    assert "signal a: the ledger says 150 samples, the embedded store holds 51" in differences(data)


def test_what_retention_deleted_is_a_term_of_the_ledger_and_no_difference(data: Path) -> None:
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        assert sum(one.samples for one in store.retain({"a": 1, "b": 1}.get, DAY + 3 * NS_PER_DAY))
    assert differences(data) == []


def test_changed_rows_that_were_accepted_are_no_difference_any_more(data: Path) -> None:
    change_a_row(data)
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        assert store.accept_rows() == 1
    assert differences(data) == []


def test_the_loss_is_said_by_every_one_who_opens_the_directory(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    put_an_older_database_in_place(data)
    EmbeddedStore(data, "ring").close()
    assert "200 acknowledged samples are lost" in caplog.text
