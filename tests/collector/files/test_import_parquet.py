"""Parquet files, with the same columns as CSV."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector.causes import Cause
from collector.files import parquet_file
from collector.files.decode import CAUSES, FINE
from collector.files.layout import Layout
from collector.files.parquet_file import ParquetFile
from collector.files.rejections import rejection_text
from collector.files.rows import Decoder
from facility.errors import DataError, UsageError
from facility.profile import load_profile
from facility.time import from_datetime

PROFILE = load_profile("nanoterasu")
START_NS = 1_735_689_600 * 10**9


def write(folder: Path, columns: dict[str, Any], **options: Any) -> Path:
    path = folder / "f.parquet"
    pq.write_table(pa.table(columns), path, **options)
    return path


def long(rows: int) -> dict[str, Any]:
    return {
        "value": pa.array(np.arange(rows, dtype=np.float64)),
        "time": pa.array(START_NS + np.arange(rows) * 10**9, pa.timestamp("ns", "UTC")),
        "signal": pa.array(["stored_current"] * rows),
    }


def samples(path: Path, layout: Layout = Layout()) -> list[tuple[str, int, float, str | None, int]]:  # noqa: B008 - a frozen default
    decoder = Decoder(PROFILE, layout)
    found: list[tuple[str, int, float, str | None, int]] = []
    for rows in ParquetFile(path, layout).blocks(0, 0):
        batch, causes = decoder.decode(rows, arrival_ns=0)
        assert (causes == FINE).all()
        words = [batch.words[code] if code >= 0 else None for code in batch.state.tolist()]
        signals = [batch.signals[code] for code in batch.signal.tolist()]
        columns = (batch.time_ns.tolist(), batch.value.tolist(), words, batch.quality.tolist())
        found += zip(signals, *columns, strict=True)
    return found


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.int32(), pa.int64(), pa.string()])
def test_numbers_of_any_type_are_read(tmp_path: Path, kind: Any) -> None:
    path = write(tmp_path, long(2) | {"value": pa.array([1, 2]).cast(kind)})
    assert [(s[0], s[2]) for s in samples(path)] == [("stored_current", 1.0), ("stored_current", 2.0)]


@pytest.mark.parametrize("kind", [pa.timestamp("s", "UTC"), pa.timestamp("us", "Asia/Tokyo"), pa.int64(), pa.string()])
def test_times_of_any_type_are_read(tmp_path: Path, kind: Any) -> None:
    path = write(tmp_path, long(1) | {"time": pa.array([START_NS]).cast(pa.timestamp("ns", "UTC")).cast(kind)})
    assert [s[1] for s in samples(path)] == [START_NS]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_words_in_any_encoding_are_read(tmp_path: Path, kind: Any) -> None:
    columns = long(2) | {
        "signal": pa.array(["machine_mode", "stored_current"]).cast(kind),
        "value": pa.array(["user", "200.5"]).cast(kind),
        "quality": pa.array(["uncertain", None]).cast(kind),
    }
    found = samples(write(tmp_path, columns))
    assert found[0][3:] == ("user", 1)
    assert found[1][2:] == (200.5, None, 0)


def test_a_wide_file_gives_one_of_its_columns(tmp_path: Path) -> None:
    path = write(tmp_path, {"t": pa.array([START_NS]), "current": pa.array([200.0]), "lifetime": pa.array([10.0])})
    assert samples(path, Layout("stored_current", "t", "current")) == [("stored_current", START_NS, 200.0, None, 0)]


def test_naive_timestamps_are_an_error_until_their_offset_is_stated(tmp_path: Path) -> None:
    path = write(tmp_path, long(1) | {"time": pa.array([START_NS], pa.timestamp("ns"))})
    with pytest.raises(UsageError) as error:
        ParquetFile(path, Layout())
    assert str(error.value) == (
        f"{path}: column 'time' holds times without a zone: say which offset from UTC they are in with"
        " --assume-offset, such as --assume-offset +09:00, or in which zone with --time-zone"
    )
    assert [s[1] for s in samples(path, Layout(assume_offset="+09:00"))] == [START_NS - 9 * 3600 * 10**9]


@pytest.mark.parametrize(
    ("column", "data", "message"),
    [
        ("time", pa.array([1.5]), "column 'time' is double: it must be a timestamp, an integer (ns) or text"),
        ("value", pa.array([True]), "column 'value' is bool: it must be a number, or text for states"),
        ("signal", pa.array([1]), "column 'signal' is int64: it must be text"),
        ("quality", pa.array([0]), "column 'quality' is int64: it must be text"),
    ],
)
def test_a_column_of_another_type_is_refused(tmp_path: Path, column: str, data: Any, message: str) -> None:
    path = write(tmp_path, long(1) | {column: data})
    with pytest.raises(UsageError) as error:
        ParquetFile(path, Layout())
    assert str(error.value) == f"{path}: {message}"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, {"time": pa.array([START_NS]), "value": pa.array([1.0])})
    with pytest.raises(UsageError, match=r"f\.parquet has no column 'signal'; it has time, value\. Say how to read it"):
        ParquetFile(path, Layout())


@pytest.mark.parametrize("group", [3, 10, 1000])
def test_reading_goes_on_at_any_row_as_if_it_had_not_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: int
) -> None:
    monkeypatch.setattr(parquet_file, "PIECE_ROWS", 7)
    file = ParquetFile(write(tmp_path, long(50), row_group_size=group), Layout())
    for position in [*range(50), 50]:
        rest = list(file.blocks(position, position))
        assert [n for rows in rest for n in rows.number.tolist()] == list(range(position + 1, 51))
        assert [v for rows in rest for v in rows.value.to_pylist()] == list(range(position, 50))
        if rest:
            assert rest[-1].position == rest[-1].done == file.total == 50


def test_a_dead_letter_names_the_columns_of_its_row(tmp_path: Path) -> None:
    (rows,) = ParquetFile(write(tmp_path, long(3)), Layout()).blocks(0, 0)
    assert rows.payload(2) == b"time=2025-01-01 00:00:02.000000000Z,value=2,signal=stored_current"


def test_a_file_that_only_begins_like_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(UsageError, match=r"f\.parquet is not a Parquet file that can be read: "):
        ParquetFile(path, Layout())


def test_damage_is_an_error_that_says_how_far_it_could_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, long(2000), row_group_size=1000, compression="none", write_page_checksum=True)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 + 200
    content[middle : middle + 4000] = b"\xff" * 4000
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"f\.parquet is damaged after row \d+: .*CRC"):
        list(ParquetFile(path, Layout()).blocks(0, 0))


# --- What would wrap around, or take more memory than there is.


def int96(path: Path, *times: datetime) -> Path:
    """Write times as Spark and old Impala do."""
    stamps = pa.array([t.replace(tzinfo=None) for t in times], pa.timestamp("us"))
    n = len(times)
    columns: Any = {"time": stamps, "signal": pa.array(["stored_current"] * n), "value": pa.array(np.arange(n) * 1.0)}
    table = pa.table(columns)
    pq.write_table(table, path, use_deprecated_int96_timestamps=True, row_group_size=2)
    return path


def test_int96_times_outside_nanoseconds_are_rejected_with_their_row_and_others_keep_all_digits(tmp_path: Path) -> None:
    fine = [datetime(2026, 4, 1, 0, 0, 0, i, tzinfo=UTC) for i in range(5)]
    far = [datetime(2400, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), datetime(1600, 1, 1, tzinfo=UTC)]
    path = int96(tmp_path / "f.parquet", fine[0], *far[:2], *fine[1:3], far[2], *fine[3:])
    decoder = Decoder(PROFILE, layout := Layout(assume_offset="Z"))
    stamps: list[int] = []
    rejected: list[int] = []
    said = ""
    for rows in ParquetFile(path, layout).blocks(0, 0):
        batch, causes = decoder.decode(rows, 0)
        stamps += batch.time_ns.tolist()
        out = np.flatnonzero(causes == CAUSES.index(Cause.TIME_OUT_OF_RANGE)).tolist()
        rejected += rows.number[out].tolist()
        said += "".join(rejection_text(rows, row, Cause.TIME_OUT_OF_RANGE) + rows.payload(row).decode() for row in out)
    assert stamps == [from_datetime(t) for t in fine]
    assert rejected == [2, 3, 6]
    assert [said.count(year) for year in ("2400-01-01", "9999-12-31", "1600-01-01")] == [2, 2, 2]


def test_a_text_that_is_there_thousands_of_times_is_in_memory_once_and_refused(tmp_path: Path) -> None:
    rows = 3000
    table = pa.table(
        {
            "time": pa.array([START_NS + i for i in range(rows)]),
            "signal": pa.DictionaryArray.from_arrays(pa.array([0] * rows), pa.array(["x" * 1_000_000])),
            "value": [1.0] * rows,
        }
    )
    path = tmp_path / "f.parquet"
    pq.write_table(table, path)
    before = pa.total_allocated_bytes()
    file = ParquetFile(path, Layout())
    peak = pa.default_memory_pool().max_memory() or 0
    with pytest.raises(DataError, match=r"'signal' holds a text of 1,000,000 bytes before row 3,001, more"):
        list(file.blocks(0, 0))
    assert (pa.default_memory_pool().max_memory() or 0) - max(peak, before) < 200_000_000


def test_texts_longer_than_any_of_kados_are_refused_before_they_are_read(tmp_path: Path) -> None:
    table = pa.table({"time": [1, 2], "signal": ["x" * 1_000_000, "y" * 1_000_000], "value": [1.0, 2.0]})
    path = tmp_path / "f.parquet"
    pq.write_table(table, path, use_dictionary=False, compression="zstd")
    with pytest.raises(DataError, match=r"'signal' holds texts of 1,000,\d+ bytes on average, more than"):
        ParquetFile(path, Layout())


def test_long_rows_come_in_small_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "PIECE_BYTES", 10_000)
    reasons = [f"{i} " + "x" * 1000 for i in range(100)]
    path = write(tmp_path, long(100) | {"reason": reasons})
    pieces = list(ParquetFile(path, Layout()).blocks(0, 0))
    assert max(len(piece) for piece in pieces) < 20
    assert sum(len(piece) for piece in pieces) == 100


@pytest.mark.parametrize("zone", ["Atlantis/Poseidonis", "../../etc/passwd"])
def test_the_zone_of_a_timestamp_is_for_display_and_may_be_unknown(tmp_path: Path, zone: str) -> None:
    times = pa.array([START_NS, 0], pa.timestamp("ns", zone))
    path = write(tmp_path, long(2) | {"time": times, "signal": ["stored_current", "nobody"]})
    rows = next(ParquetFile(path, Layout()).blocks(0, 0))
    batch, causes = Decoder(PROFILE, Layout()).decode(rows, arrival_ns=0)
    assert batch.time_ns.tolist() == [START_NS]
    assert causes.tolist() == [FINE, CAUSES.index(Cause.UNKNOWN_SIGNAL)]
    assert rows.payload(1) == b"time=0,value=1,signal=nobody"
