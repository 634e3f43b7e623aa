"""The whole import: from a file into the store, each row accounted for."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector.causes import Cause
from collector.files import csv_file, rejections
from collector.files.importer import import_file
from collector.files.layout import Layout
from collector.files.summary import ImportProgress, ImportSummary, RejectedRows
from collector.ledger import read_ledger, verify_ledger
from facility.errors import DataError, LockedError, UsageError
from facility.profile import load_profile
from facility.quality import Quality
from facility.time import MAX_NS, format_time, parse_time
from storage.data_dir import DirectoryLock
from storage.embedded.store import EmbeddedStore
from storage.telemetry_db import open_reader

PROFILE = load_profile("nanoterasu")
NOW_NS = parse_time("2025-06-01T00:00:00Z")
START_NS = parse_time("2025-01-01T00:00:00Z")
RAGGED = "it has 2 columns, the header 3"
NOT_A_NUMBER = "value 'x': a value of another type than the signal's"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(path: Path, data_dir: Path, layout: Layout = Layout(), **options: object) -> ImportSummary:  # noqa: B008 - a frozen default
    return import_file(path, layout, PROFILE, data_dir, "embedded", clock=lambda: NOW_NS, **options)  # type: ignore[arg-type]  # options of any kind


def write(folder: Path, *lines: str, header: str = "time,signal,value", name: str = "f.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def row(second: int, value: str = "200.5", signal: str = "stored_current") -> str:
    return f"{format_time(START_NS + second * 10**9)},{signal},{value}"


def check_ledger(data_dir: Path) -> None:
    store = EmbeddedStore(data_dir, PROFILE.id)
    try:
        assert verify_ledger(read_ledger(data_dir), store) == []
    finally:
        store.close()


def stored(data_dir: Path, signal: str = "stored_current") -> list[tuple[int, float]]:
    store = EmbeddedStore(data_dir, PROFILE.id)
    try:
        samples = store.read(signal, -MAX_NS, MAX_NS)
        return list(zip(samples.time_ns.tolist(), samples.value.tolist(), strict=True))
    finally:
        store.close()


def test_the_stored_current_of_petra3_is_imported_row_by_row(petra3_csv: Path, data_dir: Path) -> None:
    layout = Layout("stored_current", "time_utc", "beam_current_mA", unit="mA")
    summary = run(petra3_csv, data_dir, layout)
    lines = [line.split(",") for line in petra3_csv.read_text().splitlines()[1:]]
    assert stored(data_dir) == [(parse_time(time), float(value)) for time, _, value in lines]
    assert (summary.read, summary.stored, summary.rewritten, summary.rejected) == (5912, 5912, 0, ())
    assert summary.first_ns == parse_time("2017-09-15T09:39:36.486Z")
    assert summary.last_ns == parse_time(lines[-1][0])
    check_ledger(data_dir)


def test_every_rejected_row_is_counted_by_cause_with_its_line_and_kept(tmp_path: Path, data_dir: Path) -> None:
    path = write(
        tmp_path,
        row(0),
        row(1, "nan"),
        row(2, "on"),
        row(3, "1", "beam"),
        "2025-01-01T00:00:04,stored_current,1",
        "",
        row(5, ""),
        "2025-01-01T00:00:06Z,stored_current",
        row(7, "nan"),
        row(8),
    )
    summary = run(path, data_dir)
    assert summary == ImportSummary(
        file=str(path),
        row_word="line",
        read=9,
        stored=2,
        rewritten=0,
        conflicts=0,
        doubted=0,
        rejected=(
            RejectedRows(Cause.NOT_FINITE, 2, (3, 10), "value 'nan': NaN or infinite"),
            RejectedRows(Cause.BAD_ROW, 1, (9,), f"{RAGGED}: '2025-01-01T00:00:06Z,stored_current'"),
            RejectedRows(Cause.UNKNOWN_SIGNAL, 1, (5,), "signal 'beam': a signal that the facility does not have"),
            RejectedRows(Cause.NAIVE_TIME, 1, (6,), "time '2025-01-01T00:00:04': a time without offset from UTC"),
            RejectedRows(Cause.MISSING_VALUE, 1, (8,), "value : no value, and not marked bad"),
            RejectedRows(Cause.WRONG_TYPE, 1, (4,), "value 'on': a value of another type than the signal's"),
        ),
        first_ns=START_NS,
        last_ns=START_NS + 8 * 10**9,
        form="CSV",
    )
    assert summary.rejected_rows == 7
    connection = open_reader(data_dir)
    letters = connection.execute(
        "SELECT source, address, cause, payload, detail FROM dead_letter ORDER BY id"
    ).fetchall()
    connection.close()
    assert (
        "import",
        "f.csv:4",
        "wrong_type",
        row(2, "on").encode(),
        "value 'on': a value of another type than the signal's",
    ) in letters
    assert (
        "import",
        "f.csv:9",
        "bad_row",
        b"2025-01-01T00:00:06Z,stored_current",
        f"{RAGGED}: '2025-01-01T00:00:06Z,stored_current'",
    ) in letters
    assert len(letters) == 7
    check_ledger(data_dir)


def test_of_very_many_rejected_rows_the_first_are_kept_and_all_are_counted(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejections, "MAX_DEAD_LETTERS", 5)
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 200)
    path = write(tmp_path, *[row(second, "x") for second in range(50)], row(50))
    summary = run(path, data_dir)
    assert summary.rejected == (RejectedRows(Cause.WRONG_TYPE, 50, tuple(range(2, 12)), NOT_A_NUMBER),)
    (source,) = (s for s in read_ledger(data_dir).sources() if s.source == "import")
    assert (source.received, source.stored, source.rejected, source.missing) == (51, 1, 50, 0)
    connection = open_reader(data_dir)
    (letters,) = connection.execute("SELECT count(*) FROM dead_letter").fetchone()
    connection.close()
    assert 5 < letters < 20


def test_a_finished_file_is_not_read_again_unless_asked_for(tmp_path: Path, data_dir: Path) -> None:
    path = write(tmp_path, row(0), row(1), row(2, "x"))
    first = run(path, data_dir)
    seen: list[ImportProgress] = []
    second = run(path.rename(tmp_path / "renamed.csv"), data_dir, progress=seen.append)
    assert second.finished_before_ns == NOW_NS
    assert (second.read, second.stored, second.rejected, seen) == (first.read, first.stored, first.rejected, [])
    again = run(tmp_path / "renamed.csv", data_dir, again=True)
    assert again.finished_before_ns is None
    assert (again.stored, again.rewritten, again.conflicts) == (2, 2, 0)
    assert len(stored(data_dir)) == 2
    check_ledger(data_dir)


def test_the_same_content_read_otherwise_is_another_import(tmp_path: Path, data_dir: Path) -> None:
    path = write(tmp_path, "2025-01-01T00:00:00,stored_current,1")
    assert run(path, data_dir).stored == 0
    summary = run(path, data_dir, Layout(assume_offset="+09:00"))
    assert (summary.finished_before_ns, summary.stored) == (None, 1)
    assert stored(data_dir) == [(START_NS - 9 * 3600 * 10**9, 1.0)]


def test_a_mended_profile_reads_a_file_anew(tmp_path: Path, data_dir: Path) -> None:
    path = write(tmp_path, row(0, "1", "beam"), row(0))
    assert run(path, data_dir).stored == 1
    beam = PROFILE.signal("beam_lifetime").model_copy(update={"id": "beam"})
    mended = PROFILE.model_copy(update={"signals": (*PROFILE.signals, beam)})
    summary = import_file(path, Layout(), mended, data_dir, "embedded", clock=lambda: NOW_NS)
    assert (summary.stored, summary.rewritten) == (2, 1)


def test_a_row_that_says_something_different_is_a_conflict_and_the_last_one_wins(
    tmp_path: Path, data_dir: Path
) -> None:
    run(write(tmp_path, row(0, "1"), row(1, "1"), row(2, "1")), data_dir)
    summary = run(write(tmp_path, row(0, "1"), row(1, "2"), row(1, "3")), data_dir)
    assert (summary.stored, summary.rewritten, summary.conflicts) == (3, 3, 2)
    assert [value for _, value in stored(data_dir)] == [1.0, 3.0, 1.0]
    check_ledger(data_dir)


def test_progress_counts_up_to_the_size_of_the_file(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 500)
    path = write(tmp_path, *[row(second, "x" if second % 10 == 0 else "1") for second in range(100)])
    seen: list[ImportProgress] = []
    run(path, data_dir, progress=seen.append)
    assert len(seen) > 5
    assert all(a.done < b.done and a.rows < b.rows for a, b in pairwise(seen))
    size = path.stat().st_size
    assert seen[-1] == ImportProgress(done=size, total=size, rows=100, rejected=10, last_number=101)


def test_an_import_that_was_stopped_goes_on_behind_what_it_has_stored(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 500)
    path = write(tmp_path, *[row(second, "x" if second % 10 == 0 else "1") for second in range(100)])

    def stop(progress: ImportProgress) -> None:
        if progress.rows > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(path, data_dir, progress=stop)
    before = len(stored(data_dir))
    assert 20 < before < 90
    summary = run(path, data_dir)
    assert summary.resumed_after is not None
    assert 30 < summary.resumed_after < 101
    assert (summary.read, summary.stored, summary.rewritten) == (100, 90, 0)
    assert summary.rejected == (RejectedRows(Cause.WRONG_TYPE, 10, tuple(range(2, 101, 10)), NOT_A_NUMBER),)
    assert len(stored(data_dir)) == 90
    check_ledger(data_dir)


def test_a_stamp_in_the_future_is_kept_as_uncertain(tmp_path: Path, data_dir: Path) -> None:
    path = write(tmp_path, f"{format_time(NOW_NS + 10**12)},stored_current,1")
    assert run(path, data_dir).stored == 1
    store = EmbeddedStore(data_dir, PROFILE.id)
    samples = store.read("stored_current", NOW_NS, MAX_NS)
    store.close()
    assert samples.quality.tolist() == [Quality.UNCERTAIN]


def test_parquet_says_the_same_as_csv(tmp_path: Path, data_dir: Path) -> None:
    n = 1000
    times = START_NS + np.arange(n) * 10**9
    values = np.sin(np.arange(n))
    path = tmp_path / "f.parquet"
    columns = {"time": times, "signal": ["stored_current"] * n, "value": values, "quality": ["good"] * n}
    pq.write_table(pa.table(columns), path, row_group_size=300)
    summary = run(path, data_dir)
    assert (summary.row_word, summary.read, summary.stored) == ("row", n, n)
    lines = [f"{t},stored_current,{v!r},good" for t, v in zip(times.tolist(), values.tolist(), strict=True)]
    summary = run(write(tmp_path, *lines, header="time,signal,value,quality"), data_dir)
    assert (summary.stored, summary.rewritten, summary.conflicts) == (n, n, 0)


# --- What goes wrong as a whole.


@pytest.mark.parametrize(
    ("lines", "advice"),
    [
        (
            ["2025-01-01T00:00:00,stored_current,1"],
            "say which offset from UTC the times are in with --assume-offset, such as --assume-offset +09:00, or in"
            " which zone with --time-zone, such as --time-zone Asia/Tokyo",
        ),
        (
            ["yesterday,stored_current,1", "today,stored_current,1", "x"],
            "say how the times are written with --time-format (iso, s, ms, us, ns, excel, or a pattern such as"
            " '%d.%m.%Y %H:%M:%S'), or name another column with --time-column",
        ),
        (
            [row(0, "1", "beam")],
            "say which signals of facility nanoterasu (stored_current, stored_current_2, machine_mode, beam_lifetime)"
            " they are with --map NAME=SIGNAL, or describe yours in its profile",
        ),
        (
            [row(0, "on")],
            "see with --dry-run how the values are understood; --value-column names another column, --decimal ',' a"
            " decimal comma, and values with another unit than the signal's have to be converted",
        ),
        (
            [row(0, "1,2")],
            "make the rows have the columns that the header names, or say with --delimiter what separates them",
        ),
        ([row(0, "nan")], None),
    ],
)
def test_a_file_of_which_nothing_could_be_stored_says_what_to_do(
    tmp_path: Path, data_dir: Path, lines: list[str], advice: str | None
) -> None:
    summary = run(write(tmp_path, *lines), data_dir)
    assert (summary.stored, summary.advice) == (0, advice)


def test_one_row_that_is_stored_needs_no_advice(tmp_path: Path, data_dir: Path) -> None:
    assert run(write(tmp_path, row(0), *[row(n, "x") for n in range(9)]), data_dir).advice is None


@pytest.mark.parametrize("content", ["time,signal,value\n", "time,signal,value", "time,signal,value\n\n\n"])
def test_a_file_without_rows_is_an_error(tmp_path: Path, data_dir: Path, content: str) -> None:
    path = tmp_path / "f.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match=r"f\.csv has no rows$"):
        run(path, data_dir)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "{path} cannot be read: No such file or directory"),
        (
            b"PK\x03\x04...",
            "{path} is a ZIP archive or an Excel workbook: save its table as CSV (UTF-8) and import that",
        ),
        (b"", "{path} is empty"),
    ],
)
def test_a_file_that_cannot_be_imported_changes_nothing(
    tmp_path: Path, data_dir: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "f.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as error:
        run(path, data_dir)
    assert str(error.value) == message.format(path=path)
    assert not data_dir.exists()


def test_a_folder_is_not_a_file(tmp_path: Path, data_dir: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        run(tmp_path, data_dir)


def test_a_file_that_grows_meanwhile_is_not_taken_for_complete(tmp_path: Path, data_dir: Path) -> None:
    path = write(tmp_path, row(0))

    def grow(progress: ImportProgress) -> None:
        if progress.rows == 1:
            with path.open("a") as file:
                file.write(row(1) + "\n")

    with pytest.raises(DataError, match=r"f\.csv was changed while it was read: import it again when it is complete"):
        run(path, data_dir, progress=grow)
    summary = run(path, data_dir)
    assert (summary.finished_before_ns, summary.resumed_after, summary.stored) == (None, None, 2)
    assert len(stored(data_dir)) == 2


def test_an_import_does_not_write_beside_the_service(tmp_path: Path, data_dir: Path) -> None:
    path = write(tmp_path, row(0))
    with DirectoryLock(data_dir), pytest.raises(LockedError):
        run(path, data_dir)


def test_with_influxdb_what_is_imported_waits_to_be_forwarded(tmp_path: Path, data_dir: Path) -> None:
    path = write(tmp_path, row(0), row(1), row(2, "x"))
    summary = import_file(path, Layout(), PROFILE, data_dir, "influxdb", clock=lambda: NOW_NS)
    assert (summary.stored, summary.rejected_rows) == (2, 1)
    (source,) = read_ledger(data_dir).sources()
    assert (source.received, source.waiting, source.rejected, source.missing) == (3, 2, 1, 0)
