"""Sealed files: what is in them, who else can read them, and what happens when they are not what they were."""

import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from collector.ledger import read_ledger, verify_ledger
from facility.batch import Batch, Samples
from facility.errors import ArchiveError, DataError, UsageError
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S
from sealed_days import DAY, numbers, three_days
from sealed_days import FOLDER as SAMPLES
from storage.embedded.archive import swap as swapping
from storage.embedded.archive.provenance import Provenance
from storage.embedded.store import EmbeddedStore
from storage.minutes import MINUTE_NS
from storage.store import Written

FOLDER = f"archive/{SAMPLES}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as opened:
        yield opened


def names(data_dir: Path) -> list[str]:
    return sorted(path.name for path in (data_dir / FOLDER).iterdir())


def test_only_days_that_are_over_are_sealed(store: EmbeddedStore, tmp_path: Path) -> None:
    store.write(numbers(DAY, 3000))
    assert store.seal(DAY + NS_PER_DAY - 1).files == 0
    sealed = store.seal(DAY + 2 * NS_PER_DAY + 5)
    assert (sealed.files, sealed.samples, sealed.rows_deleted) == (1, 2880, 2880)
    assert names(tmp_path) == ["2026-02-16_2026-02-17.r1.parquet"]
    assert [s.samples for s in store.series()] == [3000]
    assert store.read("current", DAY, MAX_NS).value.tolist() == list(range(3000))


def test_late_data_makes_a_new_revision_and_the_old_one_goes(store: EmbeddedStore, tmp_path: Path) -> None:
    three_days(store)
    store.write(Batch.of_numbers("ring", "current", [DAY + NS_PER_DAY, DAY + NS_PER_DAY + 1], [-1.0, -2.0]))
    assert names(tmp_path) == ["2026-02-16.r1.parquet", "2026-02-17.r1.parquet", "2026-02-18.r1.parquet"]
    before = store.read("current", DAY, MAX_NS)
    assert store.seal(DAY + 3 * NS_PER_DAY).samples == 1441
    assert names(tmp_path) == ["2026-02-16.r1.parquet", "2026-02-17.r2.parquet", "2026-02-18.r1.parquet"]
    after = store.read("current", DAY, MAX_NS)
    assert np.array_equal(after.time_ns, before.time_ns)
    assert np.array_equal(after.value, before.value)


def test_a_month_is_merged_when_it_is_over(store: EmbeddedStore, tmp_path: Path) -> None:
    three_days(store)
    before = store.read("current", DAY, MAX_NS)
    assert store.merge_months(DAY + 5 * NS_PER_DAY).files == 0
    assert store.merge_months(DAY + 20 * NS_PER_DAY).files == 1
    assert names(tmp_path) == ["2026-02-16_2026-02-18.r2.parquet"]
    assert pq.ParquetFile(tmp_path / FOLDER / names(tmp_path)[0]).num_row_groups == 3
    assert np.array_equal(store.read("current", DAY, MAX_NS).value, before.value)


def test_the_folder_reads_as_one_table_without_kado(store: EmbeddedStore, tmp_path: Path) -> None:
    three_days(store)
    store.write(Batch.of_states("ring", "mode", [DAY, DAY + NS_PER_S], ["user", "study"]))
    bad = Batch.build("ring", ["current"], [0], [DAY + 3 * NS_PER_DAY], quality=[2], reason=[0], words=["MAJOR alarm"])
    store.write(bad)
    store.seal(DAY + 4 * NS_PER_DAY)
    table = ds.dataset(tmp_path / "archive" / "samples", partitioning="hive").to_table().sort_by("time").to_pylist()
    assert len(table) == 3 * 1440 + 3
    assert {row["signal"] for row in table} == {"current", "mode"}
    assert {row["year"] for row in table} == {2026}
    assert [row["state"] for row in table if row["signal"] == "mode"] == ["user", "study"]
    assert (table[-1]["value"], table[-1]["quality"], table[-1]["reason"]) == (None, 2, "MAJOR alarm")
    minutes = ds.dataset(tmp_path / "archive" / "minutes", partitioning="hive").to_table()
    assert minutes.num_rows == 3 * 1440


def test_a_file_says_where_it_comes_from(store: EmbeddedStore, tmp_path: Path) -> None:
    store.write(numbers(DAY, 10))
    store.provenance = Provenance(simulated=True, units={"current": "mA"})
    store.seal(DAY + NS_PER_DAY)
    metadata = pq.ParquetFile(tmp_path / FOLDER / names(tmp_path)[0]).schema_arrow.metadata
    said = {key.decode(): value.decode() for key, value in metadata.items()}
    assert said["kado_format"] == "1"
    assert (said["kado_facility"], said["kado_signal"], said["kado_unit"]) == ("ring", "current", "mA")
    assert (said["kado_simulated"], said["kado_revision"], said["kado_samples"]) == ("true", "1", "10")
    assert len(said["kado_checksum"]) == 8
    assert said["kado_version"]


def test_minutes_are_what_one_sample_after_the_other_gives(store: EmbeddedStore, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    times = DAY + np.unique(random.integers(0, 4 * 3600 * 10, 2000)) * NS_PER_S // 10
    values = random.normal(200.0, 5.0, len(times))
    quality = random.choice([0, 0, 1, 2], len(times))
    store.write(Batch.of_numbers("ring", "current", times, values, quality))
    store.seal(DAY + NS_PER_DAY)
    (path,) = (tmp_path / "archive" / "minutes").rglob("*.parquet")
    for row in pq.ParquetFile(path).read().to_pylist():
        start = row["time"].value if hasattr(row["time"], "value") else int(row["time"].timestamp()) * NS_PER_S
        inside = [
            (t, v) for t, v, q in zip(times.tolist(), values, quality, strict=True)
            if start <= t < start + MINUTE_NS and q < 2
        ]  # fmt: skip
        ends = [t for t, _ in inside[1:]] + [start + MINUTE_NS]
        area = sum(v * (end - t) for (t, v), end in zip(inside, ends, strict=True))
        known = start + MINUTE_NS - inside[0][0]
        assert row["count"] == len(inside)
        assert row["mean"] == pytest.approx(area / known, rel=1e-12)
        assert (row["min"], row["max"]) == (min(v for _, v in inside), max(v for _, v in inside))
        assert (row["last"], row["known_s"]) == (inside[-1][1], known / NS_PER_S)


@pytest.mark.parametrize(("start_s", "length_s", "count"), [
    (0, 3 * 86_400, 72), (0, 3 * 86_400, 7), (60, 7200, 60), (30, 100_000, 100), (0, 86_400 * 2 + 17, 12), (61, 9, 3),
])  # fmt: skip
def test_buckets_by_minutes_are_those_by_samples(tmp_path: Path, start_s: int, length_s: int, count: int) -> None:
    random = np.random.default_rng(5)
    times = DAY + np.sort(random.choice(3 * 86_400, 9000, replace=False)) * NS_PER_S + 17
    values = random.normal(200.0, 5.0, len(times))
    values[random.random(len(times)) < 0.1] = np.nan
    quality = np.where(np.isnan(values), 2, random.choice([0, 1, 2], len(times)))
    batch = Batch.of_numbers("ring", "current", times, values, quality)
    start, end = DAY + start_s * NS_PER_S, DAY + (start_s + length_s) * NS_PER_S
    with closing(EmbeddedStore(tmp_path / "rows", "ring", read_only=False)) as rows:
        rows.write(batch)
        want = rows.buckets("current", start, end, count)
    with closing(EmbeddedStore(tmp_path / "sealed", "ring", read_only=False)) as sealed:
        sealed.write(batch)
        sealed.seal(DAY + 2 * NS_PER_DAY)
        sealed.write(batch.take(np.array([4000])))
        got = sealed.buckets("current", start, end, count)
    assert got.start_ns.tolist() == want.start_ns.tolist()
    assert got.count.tolist() == want.count.tolist()
    assert got.mean == pytest.approx(want.mean, rel=1e-12)
    for name in ("min", "max", "last"):
        assert np.array_equal(getattr(got, name), getattr(want, name))


def test_whole_days_are_drawn_without_reading_their_samples(store: EmbeddedStore, tmp_path: Path) -> None:
    three_days(store)
    want = store.buckets("current", DAY, DAY + 3 * NS_PER_DAY, 36)
    for path in (tmp_path / FOLDER).iterdir():
        path.write_bytes(b"")
    got = store.buckets("current", DAY, DAY + 3 * NS_PER_DAY, 36)
    assert got.mean.tolist() == want.mean.tolist()
    with pytest.raises(ArchiveError, match="is damaged"):
        store.buckets("current", DAY, DAY + 3 * NS_PER_DAY, 100)  # 43.2 minutes each


def test_what_comes_in_while_a_day_is_sealed_stays_and_wins(tmp_path: Path) -> None:
    late = Batch.of_numbers("ring", "current", [DAY, DAY + 1], [-5.0, -6.0])

    def write_late(step: swapping.Step) -> None:
        if step == swapping.Step.WRITTEN and len(writes) < 1:
            writes.append(store.write(late))

    writes: list[Written] = []
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False, at_step=write_late)) as store:
        store.write(numbers(DAY, 1440))
        assert store.seal(DAY + NS_PER_DAY).rows_deleted == 1439
        assert writes == [Written(2, 1, 1)]
        assert store.read("current", DAY, DAY + 2).value.tolist() == [-5.0, -6.0]
        assert [s.samples for s in store.series()] == [1441]
        assert store.seal(DAY + NS_PER_DAY).rows_deleted == 2
        assert store.read("current", DAY, DAY + 2).value.tolist() == [-5.0, -6.0]


def test_a_load_is_counted_under_its_source_as_landing_counts(store: EmbeddedStore, tmp_path: Path) -> None:
    samples = Samples.sorted("ring", "current", DAY + np.arange(3000) * 60 * NS_PER_S, np.arange(3000.0))
    before = DAY + 2 * NS_PER_DAY
    assert store.load(samples, before_ns=before, source="history") == Written(3000, 0, 0)
    assert names(tmp_path) == ["2026-02-16_2026-02-17.r1.parquet"]
    assert store.load(samples, before_ns=before, source="history") == Written(3000, 3000, 0)
    assert names(tmp_path) == ["2026-02-16_2026-02-17.r1.parquet"]
    changed = Samples.sorted("ring", "current", [DAY, DAY + 1], [0.5, 7.0])
    assert store.load(changed, before_ns=before, source="history") == Written(2, 1, 1)
    assert store.read("current", DAY, DAY + 2).value.tolist() == [0.5, 7.0]
    (totals,) = read_ledger(tmp_path).sources()
    assert (totals.source, totals.received, totals.stored, totals.rewritten, totals.conflict) == (
        "history", 6002, 6002, 3001, 1,
    )  # fmt: skip
    assert verify_ledger(read_ledger(tmp_path), store) == []


def test_a_load_lies_over_rows_that_were_there(store: EmbeddedStore) -> None:
    store.write(numbers(DAY, 10))
    samples = Samples.sorted("ring", "current", DAY + np.arange(1440) * 60 * NS_PER_S, np.full(1440, 7.0))
    assert store.load(samples, before_ns=MAX_NS) == Written(1440, 10, 9)
    assert set(store.read("current", DAY, MAX_NS).value.tolist()) == {7.0}


def test_a_load_that_rows_overtake_becomes_rows(tmp_path: Path) -> None:
    samples = Samples.sorted("ring", "current", DAY + np.arange(1440) * 60 * NS_PER_S, np.full(1440, 7.0))

    def overtake(step: swapping.Step) -> None:
        if step == swapping.Step.FOLDER_SYNCED:
            store.write(numbers(DAY, 10))

    with closing(EmbeddedStore(tmp_path, "ring", read_only=False, at_step=overtake)) as store:
        assert store.load(samples, before_ns=MAX_NS) == Written(1440, 10, 9)
        assert set(store.read("current", DAY, MAX_NS).value.tolist()) == {7.0}
        assert names(tmp_path) == []
        assert verify_ledger(read_ledger(tmp_path), store) == []


def test_loads_are_refused_where_they_do_not_belong(store: EmbeddedStore, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="samples of 'linac' were loaded into the store of 'ring'"):
        store.load(Samples.empty("linac", "current"), before_ns=DAY)
    with (
        closing(EmbeddedStore(tmp_path, "ring")) as reader,
        pytest.raises(UsageError, match="was opened for reading"),
    ):
        reader.seal(DAY)


def test_days_of_many_samples_have_several_row_groups(store: EmbeddedStore, tmp_path: Path) -> None:
    n = 300_000
    samples = Samples.sorted("ring", "current", DAY + np.arange(n) * NS_PER_S // 5, np.arange(n) / 7)
    store.load(samples, before_ns=MAX_NS)
    assert pq.ParquetFile(tmp_path / FOLDER / names(tmp_path)[0]).num_row_groups == 3
    assert [len(p) for p in store.read_chunks("current", DAY, MAX_NS)] == [131_072, 168_928]
    assert store.read("current", DAY, MAX_NS).value.tobytes() == samples.value.tobytes()


def test_who_touches_no_sealed_file_does_not_wait_for_arrow(tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        three_days(store)
        store.write(numbers(DAY + 5 * NS_PER_DAY, 10))
    code = (
        "import sys; from pathlib import Path; from storage.embedded.store import EmbeddedStore\n"
        "store = EmbeddedStore(Path(sys.argv[1]), 'ring'); store.last(['current']); store.series()\n"
        "assert len(store.read('current', int(sys.argv[2]), 2**62)) == 10\n"
        "store.close(); assert 'pyarrow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path), str(DAY + 4 * NS_PER_DAY)], check=True)


_WRITE_TO_THE_STORE = (
    "store = EmbeddedStore(path, 'ring', read_only=False)\n"
    "vars(store)['_connection'].set_trace_callback(note)\n"
    "store.write(late)\n"
)
_LAND = (
    "from collector.arrival import Arrival; from collector.telemetry_writer import TelemetryWriter\n"
    "from storage.telemetry_db.dead_letters import DeadLetterLimits\n"
    "file = TelemetryWriter(path, 'ring', 'embedded', lambda: 17, DeadLetterLimits())\n"
    "vars(file)['_connection'].set_trace_callback(note)\n"
    "file.commit([Arrival('ring', late)])\n"
)


@pytest.mark.parametrize("write", [_WRITE_TO_THE_STORE, _LAND], ids=["store", "landing"])
@pytest.mark.parametrize(("days_later", "arrow"), [(1, True), (5, False)], ids=["late", "new"])
def test_a_transaction_of_late_samples_does_not_wait_for_arrow(
    tmp_path: Path, write: str, days_later: int, arrow: bool
) -> None:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        three_days(store)
    code = (
        "import sys; from pathlib import Path; from facility.batch import Batch\n"
        "from storage.embedded.store import EmbeddedStore\n"
        "path, at = Path(sys.argv[1]), int(sys.argv[2]); late = Batch.of_numbers('ring', 'current', [at], [1.5])\n"
        "loaded = {}\n"
        "def note(statement): loaded.setdefault(statement.split()[0], set(sys.modules))\n"
        f"{write}"
        "print(*sorted(loaded['COMMIT'] - loaded['BEGIN']), 'pyarrow' in loaded['BEGIN'])\n"
    )
    at_ns = DAY + days_later * NS_PER_DAY
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(at_ns)], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{arrow}\n"
    with closing(EmbeddedStore(tmp_path, "ring")) as store:
        assert store.read("current", at_ns, at_ns + 1).value.tolist() == [1.5]


def test_who_reads_sealed_samples_does_not_wait_for_pandas(tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        three_days(store)
    code = (
        "import sys; from pathlib import Path; from storage.embedded.store import EmbeddedStore\n"
        "store = EmbeddedStore(Path(sys.argv[1]), 'ring'); assert len(store.read('current', 0, 2**62))\n"
        "assert 'pyarrow' in sys.modules; assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_zeros_and_extremes_keep_every_bit(store: EmbeddedStore) -> None:
    values = np.array([0.0, -0.0, 5e-324, -np.inf, np.inf, 1.7e308])
    store.load(Samples.sorted("ring", "current", DAY + np.arange(6), values), before_ns=MAX_NS)
    assert store.read("current", DAY, DAY + 6).value.tobytes() == values.tobytes()


def test_sealing_says_nothing_in_the_log(store: EmbeddedStore, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        three_days(store)
    assert caplog.records == []


def test_samples_are_counted_without_a_look_at_row_groups(tmp_path: Path) -> None:
    with closing(EmbeddedStore(tmp_path, "ring", read_only=False)) as store:
        three_days(store)
        expected = store.series()
        assert [count.samples for count in expected] == [4320]
    with closing(sqlite3.connect(tmp_path / "telemetry.db")) as connection, connection:
        connection.execute("UPDATE archive_file SET row_groups = x'00'")
    with closing(EmbeddedStore(tmp_path, "ring", read_only=True)) as store:
        assert store.series() == expected
