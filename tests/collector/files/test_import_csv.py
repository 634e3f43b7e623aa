"""CSV files: whole lines, every one accounted for under its own number, wherever reading begins."""

import gzip
from pathlib import Path

import pytest

from collector.files import csv_file
from collector.files.csv_file import CsvFile
from collector.files.layout import Layout
from collector.files.rows import Rows
from facility.errors import DataError, UsageError

LONG = Layout()
HEADER = "time,signal,value\n"


def write(folder: Path, text: str | bytes, name: str = "f.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def values(blocks: list[Rows]) -> dict[int, str | None]:
    """Return the value of each line."""
    return {
        number: value
        for rows in blocks
        for number, value in zip(rows.number.tolist(), rows.value.to_pylist(), strict=True)
    }


def bad(blocks: list[Rows]) -> dict[int, str]:
    return {row.number: row.detail for rows in blocks for row in rows.bad}


def test_lines_keep_their_numbers_around_blank_and_ragged_ones(tmp_path: Path) -> None:
    lines = ["a,b,2", "", "a,b,4", "a,b", "a,b,6,x", '"a","b","7"', "  ", 'a,b,"9', "a,b,10"]
    blocks = list(CsvFile(write(tmp_path, HEADER + "\n".join(lines) + "\n"), LONG).blocks(0, 0))
    assert values(blocks) == {2: "2", 4: "4", 7: "7", 10: "10"}
    assert bad(blocks) == {
        5: "it has 2 columns, the header 3",
        6: "it has 4 columns, the header 3",
        9: "it is not CSV: a quote is not closed",
    }


def test_a_quote_that_is_not_closed_swallows_no_other_line(tmp_path: Path) -> None:
    lines = ["a,b,2", 'a,"b,3', "a,b,4", 'a,b",5', "a,b,6"]
    blocks = list(CsvFile(write(tmp_path, HEADER + "\n".join(lines) + "\n"), LONG).blocks(0, 0))
    assert values(blocks) == {2: "2", 4: "4", 5: "5", 6: "6"}
    assert bad(blocks) == {3: "it is not CSV: a quote is not closed"}


def test_a_line_that_is_not_utf8_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    text = HEADER.encode() + b"a,b,2\na,b\xff,3\na,b,4\n"
    blocks = list(CsvFile(write(tmp_path, text), LONG).blocks(0, 0))
    assert values(blocks) == {2: "2", 4: "4"}
    assert bad(blocks) == {3: "it is not UTF-8 (byte 0xff at 4)"}


def test_other_columns_may_be_in_any_encoding(tmp_path: Path) -> None:
    text = b"time,signal,value,remark\n" + "a,b,2,蓄積\n".encode("shift_jis")
    assert values(list(CsvFile(write(tmp_path, text), LONG).blocks(0, 0))) == {2: "2"}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_spreadsheets_write_is_read(tmp_path: Path, end: str, mark: str) -> None:
    text = mark + end.join(["time, signal ,value", "a,b,2", "a,b,3", ""])
    blocks = list(CsvFile(write(tmp_path, text), LONG).blocks(0, 0))
    assert values(blocks) == {2: "2", 3: "3"}
    assert blocks[0].payload(1) == b"a,b,3"


def test_a_dead_letter_holds_the_line_as_it_stands(tmp_path: Path) -> None:
    blocks = list(CsvFile(write(tmp_path, 'time,note,signal,value\n\na,"x, y",b,3\n'), LONG).blocks(0, 0))
    assert blocks[0].payload(0) == b'a,"x, y",b,3'


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 64)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("compressed", [False, True])
def test_reading_goes_on_at_any_block_as_if_it_had_not_stopped(tmp_path: Path, compressed: bool) -> None:
    lines = [f"a,b,{n}" if n % 7 else "a,b" if n % 2 else "" for n in range(2, 100)]
    content = (HEADER + "\n".join(lines) + "\n").encode()
    path = write(tmp_path, gzip.compress(content) if compressed else content, "f.csv.gz" if compressed else "f.csv")
    file = CsvFile(path, LONG)
    blocks = list(file.blocks(0, 0))
    assert len(blocks) > 5
    assert values(blocks) == {n: str(n) for n in range(2, 100) if n % 7}
    assert set(bad(blocks)) == {n for n in range(2, 100) if n % 7 == 0 and n % 2}
    assert blocks[-1].position == len(content)
    assert blocks[-1].done == file.total == path.stat().st_size
    for k, block in enumerate(blocks, 1):
        rest = list(file.blocks(block.position, block.last_number))
        assert values(rest) == values(blocks[k:])
        assert bad(rest) == bad(blocks[k:])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{path} is empty"),
        (
            "time,signal,value\n".encode("utf-16"),
            "{path} is UTF-16, not UTF-8: save it as 'CSV UTF-8', or convert it with iconv",
        ),
        (
            "時刻,信号,値\n".encode("shift_jis"),
            "{path}: the header cannot be read: it is not UTF-8 (byte 0x8e at 1)",
        ),
        (b'time,"signal,value\n', "{path}: the header cannot be read: it is not CSV: a quote is not closed"),
    ],
)
def test_a_file_without_a_header_to_read_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(UsageError) as error:
        CsvFile(path, LONG)
    assert str(error.value) == message.format(path=path)


def test_a_file_without_lines_is_not_taken_for_csv(tmp_path: Path) -> None:
    path = write(tmp_path, b"a" * (2 << 20))
    with pytest.raises(DataError) as error:
        CsvFile(path, LONG)
    assert str(error.value) == f"{path}: line 1 has no end within 1,048,576 bytes: is this a CSV file?"


@pytest.mark.usefixtures("small_blocks")
def test_a_line_without_end_stops_the_reading_behind_what_was_read(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "a,b,2\n" * 20 + "x" * (2 << 20))
    blocks = CsvFile(path, LONG).blocks(0, 0)
    read: list[Rows] = []
    with pytest.raises(DataError, match="line 22 has no end within 1,048,576 bytes"):
        read.extend(blocks)


@pytest.mark.parametrize("harm", ["cut", "checksum", "inside"])
def test_a_damaged_gzip_file_is_an_error(tmp_path: Path, harm: str) -> None:
    whole = gzip.compress((HEADER + "a,b,2\n" * 1000).encode())
    damaged = {"cut": whole[:-12], "checksum": whole[:-8] + bytes(8), "inside": whole[:20] + b"\xff" * 9 + whole[29:]}
    path = write(tmp_path, damaged[harm])
    with pytest.raises(DataError, match=r"f\.csv is damaged"):
        list(CsvFile(path, LONG).blocks(0, 0))
