"""What the embedded store does beyond the contract of every store."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facility.batch import Batch
from facility.errors import DataError, LockedError, UsageError
from storage.data_dir import DataDir
from storage.embedded.store import EmbeddedStore
from storage.store import Written

T0 = 1_790_000_000_000_000_000
Key = tuple[str, int]
Fields = tuple[float | None, str | None, int, str | None]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as opened:
        yield opened


def test_reading_goes_on_beside_the_writer_and_sees_whole_batches(store: EmbeddedStore, tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path, "ring")) as reader:
        for n in (1, 2):
            store.write(Batch.of_numbers("ring", "current", T0 + np.arange(1000 * n), np.ones(1000 * n)))
            assert len(reader.read("current", T0, T0 + 10_000)) == 1000 * n


def test_a_store_opened_for_reading_refuses_to_write(store: EmbeddedStore, tmp_path: Path) -> None:
    batch = Batch.of_numbers("ring", "current", [T0], [1.0])
    with closing(EmbeddedStore(tmp_path, "ring")) as reader:
        with pytest.raises(UsageError, match="was opened for reading: open it with read_only=False"):
            reader.write(batch)
        with pytest.raises(UsageError, match="was opened for reading"):
            reader.delete("current", T0)


def test_only_one_can_open_it_for_writing(store: EmbeddedStore, tmp_path: Path) -> None:
    with pytest.raises(LockedError, match="is in use by the process with pid"):
        EmbeddedStore(tmp_path, "ring", read_only=False)


def test_another_facilitys_batch_is_refused(store: EmbeddedStore) -> None:
    with pytest.raises(DataError, match="a batch of 'linac' was written to the store of 'ring'"):
        store.write(Batch.of_numbers("linac", "current", [T0], [1.0]))


def test_what_is_written_and_deleted_around_the_collector_is_in_the_ledger(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    batch = Batch.of_numbers("ring", "current", T0 + np.arange(10), np.ones(10))
    store.write(batch)
    store.write(batch)
    store.delete("current", T0 + 4)
    with closing(sqlite3.connect(DataDir(tmp_path).telemetry)) as plain:
        counts = dict(plain.execute("SELECT entry, count FROM ledger WHERE signal = 'current'"))
        assert plain.execute("SELECT count(*) FROM sample").fetchone() == (6,)
    assert counts == {"received": 20, "stored": 20, "rewritten": 10, "deleted": 4}


def test_deleting_much_takes_several_pieces(store: EmbeddedStore) -> None:
    n = 120_000
    store.write(Batch.of_numbers("ring", "current", T0 + np.arange(n), np.ones(n)))
    assert store.delete("current", T0 + n - 1) == n - 1
    assert [s.samples for s in store.series()] == [1]


def test_an_arrival_is_kept_where_it_says_more_than_the_stamp(store: EmbeddedStore, tmp_path: Path) -> None:
    late = T0 + 5_000_000_000
    batch = Batch.build("ring", ["current"], [0, 0], [T0, T0 + 1], arrival_ns=[T0 + 1_000_000, late], value=[1.0, 2.0])
    store.write(batch)
    with closing(sqlite3.connect(DataDir(tmp_path).telemetry)) as plain:
        assert plain.execute("SELECT arrival_ns FROM sample ORDER BY time_ns").fetchall() == [(None,), (late,)]
        store.write(batch.take(np.array([1, 0])))
        store.write(Batch.of_numbers("ring", "current", [T0 + 1], [2.0]))
        assert plain.execute("SELECT arrival_ns FROM sample ORDER BY time_ns").fetchall() == [(None,), (None,)]


samples = st.tuples(
    st.sampled_from(["a", "b"]),
    st.integers(0, 12),
    st.sampled_from([1.0, 2.0, None]),
    st.sampled_from([None, "up", "down"]),
    st.integers(0, 2),
    st.sampled_from([None, "clock", "up"]),
)
batches = st.lists(st.lists(samples, max_size=25), max_size=6)


def build(rows: list[tuple[str, int, float | None, str | None, int, str | None]]) -> Batch:
    words = ("down", "clock", "up")
    return Batch.build(
        "ring",
        ["b", "a"],
        [("b", "a").index(row[0]) for row in rows],
        [T0 + row[1] for row in rows],
        value=[np.nan if row[2] is None else row[2] for row in rows],
        state=[-1 if row[3] is None else words.index(row[3]) for row in rows],
        quality=[row[4] for row in rows],
        reason=[-1 if row[5] is None else words.index(row[5]) for row in rows],
        words=words,
    )


@settings(max_examples=60, deadline=None)
@given(batches)
def test_any_batches_read_back_and_count_as_a_dictionary_does(
    written: list[list[tuple[str, int, float | None, str | None, int, str | None]]],
) -> None:
    model: dict[Key, Fields] = {}
    with TemporaryDirectory() as folder, closing(EmbeddedStore(Path(folder), "ring", read_only=False)) as store:
        for rows in written:
            rewritten = conflicts = 0
            for signal, time, value, state, quality, reason in rows:
                before, now = model.get((signal, time)), (value, state, quality, reason)
                rewritten += before is not None
                conflicts += before is not None and before != now
                model[signal, time] = now
            assert store.write(build(rows)) == Written(len(rows), rewritten, conflicts)
        for signal in ("a", "b"):
            for start, end in ((0, 13), (3, 9)):
                got = store.read(signal, T0 + start, T0 + end)
                want = sorted((t, fields) for (s, t), fields in model.items() if s == signal and start <= t < end)
                assert (got.time_ns - T0).tolist() == [t for t, _ in want]
                assert [None if np.isnan(v) else v for v in got.value.tolist()] == [f[0] for _, f in want]
                assert got.state_words() == [f[1] for _, f in want]
                assert got.quality.tolist() == [f[2] for _, f in want]
                reasons = [-1] * len(got) if got.reason is None else got.reason.tolist()
                assert [None if r < 0 else got.words[r] for r in reasons] == [f[3] for _, f in want]
