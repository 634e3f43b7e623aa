"""``kado store export`` and ``import``: there and back, to the bit."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from collector.ledger import read_ledger, verify_ledger
from command_line import Kado
from facility.batch import Batch
from facility.quality import Quality
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S, parse_time
from storage.embedded.store import EmbeddedStore

DATA = Path("data")
FACILITY = "nanoterasu_sim"
OCTOBER = parse_time("2025-10-01T00:00:00Z")
GOOD, UNCERTAIN, BAD = Quality


def store_everything() -> None:
    """Store what samples can be: odd numbers, words, qualities, reasons, late arrivals; sealed, as rows, and both."""
    rng = np.random.default_rng(5)
    n = 5000
    times = OCTOBER + np.sort(rng.choice(3 * 86_400, n, replace=False)) * NS_PER_S + rng.integers(0, NS_PER_S, n)
    times = np.unique(times)
    n = len(times)
    value = rng.normal(400, 1e-3, n)
    value[:6] = [0.1 + 0.2, 1e-320, 1.7976931348623157e308, 5e-324, 123456789.123456789, -1 / 3]
    quality = rng.choice([GOOD, GOOD, UNCERTAIN, BAD], n).astype(np.uint8)
    value[(quality == BAD) & (rng.random(n) < 0.5)] = np.nan
    arrival = np.where(rng.random(n) < 0.2, times + rng.integers(3, 10**6, n) * NS_PER_S, times)
    words = ("clock", 'said "no", twice', "アラーム", " padded ")
    reason = np.where(rng.random(n) < 0.1, rng.integers(0, len(words), n), -1)
    current = Batch.build(
        FACILITY, ["stored_current"], np.zeros(n), times, arrival_ns=arrival, value=value, quality=quality,
        reason=reason, words=words,
    )  # fmt: skip
    modes = Batch.build(
        FACILITY, ["machine_mode"], np.zeros(4), OCTOBER + np.arange(4) * NS_PER_S, state=[0, 1, -1, 0],
        quality=[GOOD, UNCERTAIN, BAD, GOOD], reason=[-1, 2, -1, -1], words=["user", "study", "timeout"],
    )  # fmt: skip
    link = Batch.of_states(FACILITY, "ring_link", [OCTOBER, OCTOBER + 7 * NS_PER_S], ["up", "down"])
    with closing(EmbeddedStore(DATA, FACILITY, read_only=False)) as store:
        for batch in (current, modes, link):
            store.write(batch)
        store.seal(OCTOBER + 2 * NS_PER_DAY)
        store.write(Batch.of_numbers(FACILITY, "stored_current", [int(times[9]), OCTOBER - 5], [1.5, 2.5]))


def contents() -> dict[str, list[object]]:
    """Return all columns of all signals, to the bit, words as text."""
    found: dict[str, list[object]] = {}
    with closing(EmbeddedStore(DATA, FACILITY)) as store:
        assert verify_ledger(read_ledger(DATA), store) == []
        for series in store.series():
            batch = Batch.concat(list(store.read_batches(series.signal, -MAX_NS, MAX_NS)))
            words = [[batch.words[code] if code >= 0 else None for code in c] for c in (batch.state, batch.reason)]
            columns = (batch.time_ns, batch.arrival_ns, batch.value, batch.quality)
            found[series.signal] = [*(column.tobytes() for column in columns), *words]
    return found


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_what_is_exported_and_imported_is_the_same_to_the_bit(kado: Kado, kind: str) -> None:
    kado("init")
    store_everything()
    before = contents()
    assert set(before) == {"stored_current", "machine_mode", "ring_link"}
    answer = kado("store", "export", "all", "--out", "everything", "--as", kind, "--format", "json")
    assert answer.exit_code == 0, answer.err
    assert {file["signal"]: file["samples"] for file in answer.document["files"]} == {
        name: len(columns[4]) for name, columns in before.items()  # type: ignore[arg-type]  # a list in this place
    }  # fmt: skip
    DATA.rename("lost")
    answer = kado("store", "import", "everything", "--format", "json")
    assert answer.exit_code == 0, answer.err
    assert contents() == before
    # The same door as kado import: it knows the files again.
    assert all(one["finished_before"] for one in kado("store", "import", "everything", "--format", "json").document)
    assert kado("import", f"everything/stored_current.{kind}").out.count("already imported") == 1


def test_a_part_of_one_signal_goes_into_one_file(kado: Kado) -> None:
    kado("init")
    store_everything()
    words = ("store", "export", "stored_current", "--from", "2025-10-02T00:00:00Z", "--to", "2025-10-03T00:00:00Z")
    assert kado(*words, "--out", "day.csv").exit_code == 0
    lines = Path("day.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].replace('"', "") == "time,signal,value,quality,reason,arrival"
    with closing(EmbeddedStore(DATA, FACILITY)) as store:
        inside = store.read("stored_current", OCTOBER + NS_PER_DAY, OCTOBER + 2 * NS_PER_DAY)
    assert len(lines) - 1 == len(inside) > 0
    assert lines[1].startswith("2025-10-02 00:0")
    assert not [path for path in Path().iterdir() if path.name.endswith(".partial")]


def test_a_file_says_where_its_samples_come_from(kado: Kado) -> None:
    kado("init")
    store_everything()
    kado("store", "export", "stored_current", "--out", "current.parquet")
    metadata = pq.read_schema("current.parquet").metadata
    assert (metadata[b"kado_facility"], metadata[b"kado_simulated"], metadata[b"kado_unit"]) == (
        FACILITY.encode(), b"true", b"mA",
    )  # fmt: skip


def test_a_long_signal_is_written_piece_by_piece(kado: Kado) -> None:
    kado("init")
    with closing(EmbeddedStore(DATA, FACILITY, read_only=False)) as store:
        times = OCTOBER + np.arange(450_000) * NS_PER_S // 10
        store.write(Batch.of_numbers(FACILITY, "stored_current", times, np.arange(450_000.0)))
    kado("store", "export", "stored_current", "--out", "current.parquet")
    with pq.ParquetFile("current.parquet") as file:
        assert file.num_row_groups == 3
        assert file.metadata.num_rows == 450_000


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("stored_curent", "--out", "x"), "the store holds no samples of stored_curent; see: kado store status"),
        (("all", "--out", "x.csv"), "--out x.csv is one file, and there are 3 signals"),
        (("stored_current", "--out", "x.csv", "--as", "parquet"), "ends in .csv, and --as says parquet"),
        (("stored_current", "--out", "there.csv"), "there.csv exists already and is left as it is"),
        (("all", "--out", "x", "--from", "2025-10-02T00:00:00Z", "--to", "2025-10-01T00:00:00Z"), "is not before --to"),
        (("all", "--out", "x", "--from", "yesterday"), "'yesterday' is not an ISO 8601 time"),
        (("all", "--out", "there.csv/x"), "cannot be written: Not a directory"),
    ],
)
def test_what_cannot_be_exported_is_refused(kado: Kado, words: tuple[str, ...], expected: str) -> None:
    kado("init")
    store_everything()
    Path("there.csv").write_text("mine")
    answer = kado("store", "export", *words)
    assert (answer.exit_code, expected in answer.err) == (2, True), answer.err
    assert Path("there.csv").read_text() == "mine"
    assert not Path("x.csv").exists()


def test_numbers_and_states_under_one_name_are_not_mixed_up(kado: Kado) -> None:
    kado("init")
    with closing(EmbeddedStore(DATA, FACILITY, read_only=False)) as store:
        store.write(Batch.of_numbers(FACILITY, "old_signal", [OCTOBER], [1.0]))
        store.write(Batch.of_states(FACILITY, "old_signal", [OCTOBER + 1], ["up"]))
    answer = kado("store", "export", "old_signal", "--out", "x.parquet")
    assert answer.exit_code == 1
    assert "old_signal holds a" in answer.err
    assert not Path("x.parquet").exists()


def test_a_word_of_two_lines_is_exported_to_parquet_only_and_rejected_by_an_import(kado: Kado) -> None:
    kado("init")
    batch = Batch.build(
        FACILITY, ["stored_current"], [0], [OCTOBER], value=[1.0], quality=[UNCERTAIN], reason=[0], words=["two\nlines"]
    )
    with closing(EmbeddedStore(DATA, FACILITY, read_only=False)) as store:
        store.write(batch)
    answer = kado("store", "export", "stored_current", "--out", "x.csv")
    assert (answer.exit_code, "export as Parquet" in answer.err) == (1, True)
    assert kado("store", "export", "stored_current", "--out", "x.parquet").exit_code == 0
    DATA.rename("lost")
    answer = kado("store", "import", "x.parquet", "--format", "json")
    (imported,) = answer.document
    (rejected,) = imported["rejected"]
    assert (answer.exit_code, imported["read"], imported["stored"]) == (1, 1, 0)
    assert (rejected["cause"], rejected["count"]) == ("unstorable", 1)


def test_an_empty_span_writes_no_file(kado: Kado) -> None:
    kado("init")
    store_everything()
    answer = kado("store", "export", "all", "--from", "2030-01-01T00:00:00Z", "--out", "x")
    assert (answer.exit_code, "no file was written" in answer.out) == (0, True)


def test_a_link_of_a_source_that_is_not_configured_is_rejected_and_named(kado: Kado) -> None:
    kado("init")
    with closing(EmbeddedStore(DATA, FACILITY, read_only=False)) as store:
        store.write(Batch.of_states(FACILITY, "gone_link", [OCTOBER], ["up"]))
    assert kado("store", "export", "all", "--out", "everything").exit_code == 0
    DATA.rename("lost")
    answer = kado("store", "import", "everything")
    assert answer.exit_code == 1
    assert "rows rejected: 1 of 1" in answer.err


def test_an_arrival_that_cannot_be_read_is_rejected(kado: Kado) -> None:
    kado("init")
    Path("x.csv").write_text(
        "time,signal,value,arrival\n"
        "2025-10-01T00:00:00Z,stored_current,1,\n"
        "2025-10-01T00:00:01Z,stored_current,2,2025-10-01T00:00:09Z\n"
        "2025-10-01T00:00:02Z,stored_current,3,tomorrow\n"
    )
    answer = kado("import", "x.csv", "--format", "json")
    assert (answer.exit_code, answer.document["stored"]) == (1, 2)
    (rejected,) = answer.document["rejected"]
    assert (rejected["cause"], rejected["count"], rejected["first"]) == ("bad_time", 1, [4])
    with closing(EmbeddedStore(DATA, FACILITY)) as store:
        (batch,) = store.read_batches("stored_current", -MAX_NS, MAX_NS)
    assert (batch.arrival_ns - OCTOBER).tolist() == [0, 9 * NS_PER_S]
