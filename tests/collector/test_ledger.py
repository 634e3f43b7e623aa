"""The ledger balances, agrees with the store, and names whatever does not."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.arrival import Arrival
from collector.ledger import read_ledger, verify_ledger
from collector.telemetry_writer import TelemetryWriter
from facility.batch import Batch
from facility.errors import ConfigError
from facility.source import GapReport, Rejection
from storage.data_dir import DataDir
from storage.embedded.store import EmbeddedStore
from storage.store import Counted, SeriesCount
from storage.telemetry_db import StoreKind, open_writer, outbox, transaction
from storage.telemetry_db.counters import CountKey, Entry, count
from storage.telemetry_db.dead_letters import DeadLetterLimits

T0 = 1_790_000_000_000_000_000
SOURCES = ("x", "y")
SIGNALS = ("a", "b", "c")


def open_file(folder: Path, kind: StoreKind = "embedded") -> closing[TelemetryWriter]:
    return closing(TelemetryWriter(folder, "ring", kind, lambda: 17, DeadLetterLimits()))


def land(folder: Path, *arrivals: Arrival, kind: StoreKind = "embedded") -> None:
    with open_file(folder, kind) as file:
        file.commit(arrivals)
        file.confirm()


def arrival(n: int = 10, source: str = "x", signal: str = "a", value: float = 1.0) -> Arrival:
    return Arrival(source, Batch.of_numbers("ring", signal, T0 + np.arange(n), np.full(n, value)))


def differences(folder: Path) -> list[str]:
    with closing(EmbeddedStore(folder, "ring")) as store:
        return verify_ledger(read_ledger(folder, check_outbox=True), store)


def by_hand(folder: Path, statement: str, *parameters: object) -> None:
    with closing(sqlite3.connect(DataDir(folder).telemetry)) as plain, plain:
        plain.execute(statement, parameters)


def test_a_directory_without_data_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing was collected there yet"):
        read_ledger(tmp_path)


def test_an_empty_ledger_agrees_with_an_empty_store(tmp_path: Path) -> None:
    with open_file(tmp_path):
        pass
    assert read_ledger(tmp_path).sources() == ()
    assert differences(tmp_path) == []


def test_rewritten_and_deleted_samples_are_not_missed(tmp_path: Path) -> None:
    land(tmp_path, arrival(), arrival(source="y"), arrival(4, value=2.0))
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        store.delete("a", T0 + 3)
    ledger = read_ledger(tmp_path)
    assert ledger.held() == {"a": 7}
    assert [(t.source, t.received, t.rewritten, t.conflict) for t in ledger.sources()] == [
        ("", 0, 0, 0),
        ("x", 14, 4, 4),
        ("y", 10, 10, 0),
    ]
    assert differences(tmp_path) == []


def test_rows_missing_from_the_store_are_named(tmp_path: Path) -> None:
    land(tmp_path, arrival(), arrival(signal="b"))
    by_hand(tmp_path, "DELETE FROM sample WHERE time_ns >= ?", T0 + 8)
    assert [one for one in differences(tmp_path) if "(UTC) are" not in one] == [
        "signal a: the ledger says 10 samples, the embedded store holds 8",
        "signal b: the ledger says 10 samples, the embedded store holds 8",
    ]


def test_rows_that_nobody_counted_are_named(tmp_path: Path) -> None:
    land(tmp_path, arrival())
    by_hand(tmp_path, "INSERT INTO series(signal) VALUES('z')")
    by_hand(tmp_path, "INSERT INTO sample(series_id, time_ns, value) SELECT id, 1, 1.0 FROM series WHERE signal = 'z'")
    assert [one for one in differences(tmp_path) if "(UTC) are" not in one] == [
        "signal z: the ledger says 0 samples, the embedded store holds 1"
    ]


def test_a_source_that_does_not_balance_is_named(tmp_path: Path) -> None:
    land(tmp_path, arrival())
    by_hand(tmp_path, "UPDATE ledger SET count = 12 WHERE entry = 'received'")
    assert differences(tmp_path) == [
        "source x: 12 received, but 10 stored + 0 waiting + 0 rejected + 0 dropped + 0 lost make 10"
    ]


def test_what_lands_while_the_store_is_counted_is_no_difference(tmp_path: Path) -> None:
    land(tmp_path, arrival())
    before = read_ledger(tmp_path)
    land(tmp_path, Arrival("x", Batch.of_numbers("ring", "a", T0 + np.arange(100, 105), np.ones(5))))
    with closing(EmbeddedStore(tmp_path, "ring")) as store:
        assert verify_ledger(before, store) == []


class ServerHolding:
    """Stands for a server whose count is known; `verify_ledger` asks for nothing else."""

    kind = "influxdb"

    def __init__(self, samples: int) -> None:
        self._samples = samples

    def counted(self) -> Counted:
        return Counted([SeriesCount("a", self._samples, T0, T0 + self._samples)], [])


@pytest.mark.parametrize(
    ("held", "difference"),
    [
        (0, []),
        (10, []),
        (11, ["signal a: the ledger says 0 to 10 samples, the influxdb store holds 11"]),
    ],
)
def test_a_blob_that_the_server_may_have_already_is_no_difference(
    tmp_path: Path, held: int, difference: list[str]
) -> None:
    land(tmp_path, arrival(), kind="influxdb")
    assert verify_ledger(read_ledger(tmp_path), ServerHolding(held)) == difference  # type: ignore[arg-type]  # a stand-in with what is asked of it


def test_a_damaged_blob_is_found_named_and_kept(tmp_path: Path) -> None:
    land(tmp_path, arrival(), kind="influxdb")
    land(tmp_path, arrival(signal="b"), kind="influxdb")
    with closing(sqlite3.connect(DataDir(tmp_path).telemetry)) as plain, plain:
        (lines,) = plain.execute("SELECT lines FROM outbox WHERE id = 2").fetchone()
        plain.execute("UPDATE outbox SET lines = ? WHERE id = 2", (lines.replace(b"value=1,", b"value=9,", 1),))
    assert read_ledger(tmp_path).damaged == ()
    ledger = read_ledger(tmp_path, check_outbox=True)
    span = "2026-09-21T14:13:20Z to 2026-09-21T14:13:20.000000009Z"
    assert ledger.damaged == (f"outbox blob 2 (10 samples, {span})",)
    assert verify_ledger(ledger, ServerHolding(0)) == [  # type: ignore[arg-type]  # a stand-in with what is asked of it
        f"outbox blob 2 (10 samples, {span}) is damaged: its lines do not match its checksum; it is kept"
    ]
    with closing(sqlite3.connect(DataDir(tmp_path).telemetry)) as plain:
        assert plain.execute("SELECT count(*) FROM outbox").fetchone() == (2,)


# --- What waits in the outbox.


def blobs(folder: Path) -> list[outbox.Blob]:
    with closing(open_writer(folder, "ring", "influxdb", 0)) as connection:
        return outbox.next_group(connection, 10**9)


def test_one_transaction_is_one_blob_with_the_last_of_equal_times(tmp_path: Path) -> None:
    land(tmp_path, arrival(3), arrival(2, source="y", value=2.0), arrival(2, signal="b"), kind="influxdb")
    (blob,) = blobs(tmp_path)
    assert (blob.samples, blob.may_rewrite, blob.rewritten, blob.intact) == (5, False, None, True)
    assert (blob.first_ns, blob.last_ns, blob.committed_ns) == (T0, T0 + 2, 17)
    assert sorted(blob.counts) == [("x", "a", 1), ("x", "b", 2), ("y", "a", 2)]
    values = [line.split(b" ")[1].split(b",")[0] for line in blob.lines.splitlines()]
    assert values == [b"value=2", b"value=2", b"value=1", b"value=1", b"value=1"]
    ledger = read_ledger(tmp_path)
    assert [(t.source, t.received, t.stored, t.waiting, t.rewritten, t.conflict) for t in ledger.sources()] == [
        ("x", 5, 2, 3, 2, 2),
        ("y", 2, 0, 2, 0, 0),
    ]


def test_a_blob_says_whether_the_server_may_hold_some_of_it(tmp_path: Path) -> None:
    newer = Arrival("x", Batch.of_numbers("ring", "a", [T0 + 10, T0 + 11], [1.0, 1.0]))
    late = Arrival("x", Batch.of_numbers("ring", "a", [T0 + 5, T0 + 12], [1.0, 1.0]))
    land(tmp_path, arrival(), kind="influxdb")
    land(tmp_path, newer, kind="influxdb")
    land(tmp_path, arrival(1, signal="b"), late, kind="influxdb")
    with closing(sqlite3.connect(DataDir(tmp_path).telemetry)) as plain:
        assert plain.execute("SELECT may_rewrite FROM outbox ORDER BY id").fetchall() == [(0,), (0,), (1,)]


def test_a_large_arrival_waits_in_several_blobs_of_one_transaction(tmp_path: Path) -> None:
    n = 2 * outbox.MAX_BLOB_SAMPLES + 1
    land(tmp_path, arrival(n), kind="influxdb")
    assert [(b.samples, b.counts) for b in blobs(tmp_path)] == [
        (outbox.MAX_BLOB_SAMPLES, (("x", "a", outbox.MAX_BLOB_SAMPLES),)),
        (outbox.MAX_BLOB_SAMPLES, (("x", "a", outbox.MAX_BLOB_SAMPLES),)),
        (1, (("x", "a", 1),)),
    ]
    with closing(sqlite3.connect(DataDir(tmp_path).telemetry)) as plain:
        assert plain.execute("SELECT id, samples FROM landed").fetchall() == [(1, n)]


# --- Whatever arrives.

sample = st.tuples(st.sampled_from(SIGNALS), st.integers(0, 15), st.sampled_from([1.0, 2.0]))
arrivals = st.builds(
    lambda source, rows, rejected, dropped: (source, rows, rejected, dropped),
    st.sampled_from(SOURCES),
    st.lists(sample, max_size=12),
    st.integers(0, 3),
    st.integers(0, 3),
)
transactions = st.lists(st.lists(arrivals, min_size=1, max_size=4), max_size=5)
Transactions = list[list[tuple[str, list[tuple[str, int, float]], int, int]]]


def to_arrival(source: str, rows: list[tuple[str, int, float]], rejected: int, dropped: int) -> Arrival:
    batch = Batch.build(
        "ring", SIGNALS, [SIGNALS.index(r[0]) for r in rows], [T0 + r[1] for r in rows], value=[r[2] for r in rows]
    )
    rejection = Rejection("bad_json", "topic", b"?", "?", T0, rejected)
    gap = GapReport(T0, T0 + 1, "queue_full", dropped)
    return Arrival(source, batch if rows else None, (rejection,) if rejected else (), (gap,) if dropped else ())


@pytest.mark.parametrize("kind", ["embedded", "influxdb"])
@settings(max_examples=40, deadline=None)
@given(landed=transactions)
def test_whatever_arrives_the_ledger_balances_and_the_store_agrees(kind: StoreKind, landed: Transactions) -> None:
    model: dict[tuple[str, int], float] = {}
    received: Counter[str] = Counter()
    rewritten = conflicts = 0
    with TemporaryDirectory() as name:
        folder = Path(name)
        with open_file(folder, kind) as file:
            for transaction_ in landed:
                for source, rows, rejected, dropped in transaction_:
                    received[source] += len(rows) + rejected + dropped
                    for signal, time, value in rows:
                        rewritten += (signal, time) in model
                        conflicts += model.get((signal, time), value) != value
                        model[signal, time] = value
                file.commit([to_arrival(*one) for one in transaction_])
                file.confirm()
        ledger = read_ledger(folder, check_outbox=True)
        assert {t.source: t.received for t in ledger.sources()} == {s: n for s, n in received.items() if n}
        assert [t.missing for t in ledger.sources()] == [0] * len(ledger.sources())
        assert ledger.damaged == ()
        if kind == "embedded":
            assert differences(folder) == []
            assert (ledger.total(Entry.REWRITTEN), ledger.total(Entry.CONFLICT)) == (rewritten, conflicts)
            assert ledger.held() == Counter(signal for signal, _ in model)
        else:
            sent: dict[tuple[str, int], float] = {}
            for blob in sorted(blobs_one_by_one(folder), key=lambda b: b.id):
                points = [point(line) for line in blob.lines.splitlines()]
                assert len({key for key, _ in points}) == len(points) == blob.samples == sum(n for *_, n in blob.counts)
                assert blob.may_rewrite or not any(key in sent for key, _ in points)
                sent.update(points)
            assert sent == model


def blobs_one_by_one(folder: Path) -> list[outbox.Blob]:
    found: list[outbox.Blob] = []
    with closing(open_writer(folder, "ring", "influxdb", 0)) as connection:
        while group := outbox.next_group(connection, 1):
            found += group
            with transaction(connection):
                connection.execute("DELETE FROM outbox WHERE id = ?", (group[0].id,))
    return found


def point(line: bytes) -> tuple[tuple[str, int], float]:
    head, fields, time_ns = line.decode().split(" ")
    value = fields.removeprefix("value=").partition(",")[0]
    return (head.rpartition("signal=")[2], int(time_ns) - T0), float(value)


def test_counts_add_up_and_nothing_is_written_for_nothing(tmp_path: Path) -> None:
    key: CountKey = ("x", "a", Entry.STORED, "")
    with closing(open_writer(tmp_path, "ring", "embedded", 0)) as connection:
        with transaction(connection):
            count(connection, {key: 2, ("x", "a", Entry.REWRITTEN, ""): 0})
            count(connection, {key: 3})
        assert connection.execute("SELECT * FROM ledger").fetchall() == [("x", "a", "stored", "", 5)]
