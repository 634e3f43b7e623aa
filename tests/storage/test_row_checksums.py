"""A row that has changed on the disk is noticed, named with signal and day, and never sealed as if it were right."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facility.batch import Batch
from facility.errors import ArchiveError
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S
from storage.data_dir import DataDir
from storage.databases import verify_databases
from storage.embedded.row_checksums import accept_rows, changed_days, expected_sums
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db import open_reader, open_writer, snapshot, transaction

DAY = 20_500 * NS_PER_DAY
N = 100


def numbers(day: int, n: int = N, signal: str = "current") -> Batch:
    return Batch.of_numbers("ring", signal, DAY + day * NS_PER_DAY + np.arange(n) * NS_PER_S, np.arange(n) + 200.25)


def states(day: int) -> Batch:
    times = DAY + day * NS_PER_DAY + np.arange(4) * NS_PER_S
    return Batch.build("ring", ["mode"], [0] * 4, times, state=[0, 1, 0, 1], reason=[-1, 2, -1, -1],
                       arrival_ns=times + 10 * NS_PER_S, words=["open", "closed", "MAJOR"])  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        for day in range(3):
            store.write(numbers(day))
            store.write(states(day))
    return tmp_path


def change(data_dir: Path, statement: str) -> None:
    with closing(sqlite3.connect(DataDir(data_dir).telemetry)) as connection, connection:
        assert connection.execute(statement).rowcount == 1


def changed(data_dir: Path) -> list[tuple[str, int]]:
    with closing(open_reader(data_dir)) as connection, snapshot(connection):
        return [(one.signal, one.day - DAY // NS_PER_DAY) for one in changed_days(connection)]


AT = f"WHERE series_id = 1 AND time_ns = {DAY + NS_PER_DAY + 50 * NS_PER_S}"
OF_MODE = f"WHERE series_id = 2 AND time_ns = {DAY + NS_PER_DAY + NS_PER_S}"
CHANGES = {
    "a value": ("UPDATE sample SET value = 250.5 " + AT, "current"),
    "the last bit of a value": ("UPDATE sample SET value = 250.25000000000003 " + AT, "current"),
    "the sign of zero": ("UPDATE sample SET quality = 4 " + AT, "current"),
    "a value that is gone": ("UPDATE sample SET value = NULL " + AT, "current"),
    "a value of another type": ("UPDATE sample SET value = X'00' " + AT, "current"),
    "a text in place of a quality": ("UPDATE sample SET quality = 'good' " + AT, "current"),
    "a quality": ("UPDATE sample SET quality = 1 " + AT, "current"),
    "a stamp": ("UPDATE sample SET time_ns = time_ns + 1 " + AT, "current"),
    "a row that is gone": ("DELETE FROM sample " + AT, "current"),
    "a row that never landed": (f"INSERT INTO sample VALUES(1, {DAY + NS_PER_DAY - 1}, 1, NULL, 0, NULL, NULL)", "-"),
    "a state": ("UPDATE sample SET state_id = 1 " + OF_MODE, "mode"),
    "a reason": ("UPDATE sample SET reason_id = 1 " + OF_MODE, "mode"),
    "an arrival": ("UPDATE sample SET arrival_ns = arrival_ns + 1 " + OF_MODE, "mode"),
    "the sum itself": (
        "UPDATE row_checksum SET checksum = checksum + 1"
        f" WHERE series_id = 1 AND day = {DAY // NS_PER_DAY + 1}",
        "current",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_a_row_that_has_changed_on_the_disk_is_found_with_signal_and_day(data: Path, what: str) -> None:
    assert changed(data) == []
    with closing(open_writer(data, "ring", "embedded", 0)) as connection, transaction(connection):
        # Both places in which sums are kept are met: the log, and what it was added up to.
        from storage.embedded.row_checksums import fold

        fold(connection)
    statement, signal = CHANGES[what]
    change(data, statement)
    assert changed(data) == ([("current", 0)] if signal == "-" else [(signal, 1)])
    with closing(open_reader(data)) as connection:
        (finding,) = verify_databases(connection, data)
    assert "(UTC) are" in finding.what
    assert "--accept-rows" in finding.remedy


def test_a_day_with_a_changed_row_is_not_sealed_and_the_others_are(data: Path) -> None:
    change(data, "UPDATE sample SET value = 250.5 " + AT)
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        with pytest.raises(ArchiveError, match=r"of current of 2026-02-17 \(UTC\) are not what landed.* not sealed"):
            store.seal(DAY + 3 * NS_PER_DAY)
        rows = store._connection.execute("SELECT DISTINCT series_id, time_ns / 86400000000000 FROM sample").fetchall()
        assert rows == [(1, DAY // NS_PER_DAY + 1)]
        assert len(store.read("current", -MAX_NS, MAX_NS)) == 3 * N
        with transaction(store._connection):
            accept_rows(store._connection, changed_days(store._connection))
        assert store.seal(DAY + 3 * NS_PER_DAY).rows_deleted == N
        assert store.read("current", -MAX_NS, MAX_NS).value[N + 50] == 250.5


def test_when_all_is_sealed_or_deleted_no_sum_is_left(data: Path) -> None:
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        store.delete("mode", DAY + 2 * NS_PER_DAY + 2 * NS_PER_S)
        store.delete("current", DAY + NS_PER_DAY + 7 * NS_PER_S)
    assert changed(data) == []
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        store.seal(DAY + 3 * NS_PER_DAY)
        assert {n for n, _ in expected_sums(store._connection).values()} == {0}
        assert {checksum for _, checksum in expected_sums(store._connection).values()} == {0}
    assert changed(data) == []


def test_late_samples_of_a_sealed_day_and_their_deletion_keep_the_sums_right(data: Path) -> None:
    with closing(EmbeddedStore(data, "ring", read_only=False)) as store:
        store.seal(DAY + 3 * NS_PER_DAY)
        store.write(Batch.of_numbers("ring", "current", [DAY + 5 * NS_PER_S, DAY + 500 * NS_PER_S], [1.0, -0.0]))
        assert changed_days(store._connection) == []
        store.seal(DAY + 3 * NS_PER_DAY)
        assert np.signbit(store.read("current", DAY + 500 * NS_PER_S, DAY + 501 * NS_PER_S).value).tolist() == [True]
        store.write(Batch.of_numbers("ring", "current", [DAY + 5 * NS_PER_S], [2.0]))
        store.delete("current", DAY + NS_PER_DAY)
        assert changed_days(store._connection) == []


Written = list[tuple[int, float, int, int, int]]
row = st.tuples(
    st.integers(0, 12), st.sampled_from([0.0, -0.0, 1.5, float("nan"), -3.0]), st.integers(0, 2), st.integers(-1, 1),
    st.integers(0, 1),
)  # fmt: skip


def batch(rows: Written) -> Batch:
    times = np.array([DAY + t * (NS_PER_DAY // 4) for t, *_ in rows], np.int64)
    return Batch.build(
        "ring", ["a", "b"], [s for *_, s in rows], times, arrival_ns=times + np.array([t for t, *_ in rows]) * NS_PER_S,
        value=[v for _, v, *_ in rows], quality=[q for _, _, q, _, _ in rows], reason=[r for *_, r, _ in rows],
        words=["x", "y"],
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(row, min_size=1, max_size=8), min_size=1, max_size=8), st.integers(1, 4))
def test_whatever_is_written_again_and_in_which_order_the_sums_are_those_of_the_rows(
    tmp_path_factory: pytest.TempPathFactory, batches: list[Written], seal_each: int
) -> None:
    folder = tmp_path_factory.mktemp("sums")
    with closing(EmbeddedStore(folder, "ring", read_only=False)) as store:
        for i, rows in enumerate(batches):
            store.write(batch(rows))
            if i % seal_each == 0:
                store.seal(DAY + 2 * NS_PER_DAY)
            assert changed_days(store._connection) == []


def test_a_log_that_grows_is_added_up(tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        store._connection.execute("PRAGMA synchronous = OFF")
        for i in range(300):
            store.write(Batch.of_numbers("ring", "current", [DAY + i * NS_PER_S], [float(i)]))
        (logged,) = store._connection.execute("SELECT count(*) FROM row_checksum_log").fetchone()
        assert logged < 256
        assert changed_days(store._connection) == []
        assert sum(n for n, _ in expected_sums(store._connection).values()) == 300
