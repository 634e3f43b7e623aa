"""CSV files: cut into blocks of whole lines, parsed by Arrow; line by line only where a line is not right.

A row is a line. Arrow alone would not do: it skips or joins rows without saying which, so that neither line
numbers nor a place to go on from would be known.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from collector.files.arrow import ArrowArray, ArrowInvalid, pa
from collector.files.arrow import csv as arrow_csv
from collector.files.layout import Layout
from collector.files.rows import BadRow, Rows
from facility.batch import Int64
from facility.errors import DataError, UsageError

BLOCK_BYTES = 8 << 20
"""Read at once: some 200,000 rows, a few times as much memory, and one transaction."""
MAX_LINE_BYTES = 1 << 20
_PIECE_LINES = 1024
"""Lines in which one that is not right is looked for line by line."""
_GZIP = b"\x1f\x8b"
_GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class CsvFile:
    """A CSV file with a header, plain or gzip-compressed."""

    row_word = "line"

    def __init__(self, path: Path, layout: Layout) -> None:
        """Read and check the header.

        Raises
        ------
        UsageError
            If there is none that can be read, or it lacks a column.
        DataError
            If it is compressed and damaged, or its first line has no end.
        """
        self.path = path
        self.total = path.stat().st_size
        """Bytes on disk."""
        with path.open("rb") as file:
            self._compressed = file.read(2) == _GZIP
        with path.open("rb") as file:
            try:
                line = _read_line(self._open(file), path, 1)
            except _GZIP_ERRORS as error:
                raise DataError(f"{path} is damaged: {error}") from error
        self._header_bytes = len(line)
        self._names = _header(line, path)
        self._columns = layout.columns(self._names, str(path))

    def blocks(self, position: int, last_number: int) -> Iterator[Rows]:
        """Yield the rows from `position` on; 0 is the beginning.

        Raises
        ------
        DataError
            If the file cannot be read on: a compressed one that is damaged, a line without end.
        """
        if position == 0:
            position, last_number = self._header_bytes, 1
        with self.path.open("rb") as raw:
            file = self._open(raw)
            try:
                file.seek(position)
                while block := file.read(BLOCK_BYTES):
                    if not block.endswith(b"\n"):
                        block += _read_line(file, self.path, last_number + 1 + block.count(b"\n"))
                    position += len(block)
                    lines = block.count(b"\n") + (not block.endswith(b"\n"))
                    yield self._rows(block, lines, last_number + 1, position, raw.tell())
                    last_number += lines
            except _GZIP_ERRORS as error:
                raise DataError(f"{self.path} is damaged after line {last_number}: {error}") from error

    def _open(self, raw: BinaryIO) -> BinaryIO:
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if self._compressed else raw

    def _rows(self, block: bytes, lines: int, first: int, position: int, done: int) -> Rows:
        table, numbers, bad = self._cut(block, lines, first)
        columns: dict[str, ArrowArray] = {role: table[role].combine_chunks() for role in self._columns}
        source = _Lines(block, first)
        return Rows(
            number=numbers,
            time=columns["time"],
            value=columns["value"],
            signal=columns.get("signal"),
            quality=columns.get("quality"),
            reason=columns.get("reason"),
            arrival=columns.get("arrival"),
            payload=lambda row: source.line(int(numbers[row])),
            bad=tuple(bad),
            position=position,
            last_number=first + lines - 1,
            done=done,
        )

    def _cut(self, block: bytes, lines: int, first: int) -> tuple[Any, Int64, list[BadRow]]:
        table = self._parse(block, lines)
        if table is not None:
            return table, np.arange(first, first + lines, dtype=np.int64), []
        tables: list[Any] = []
        numbers: list[Int64] = []
        bad: list[BadRow] = []
        split = block.removesuffix(b"\n").split(b"\n")
        for start in range(0, lines, _PIECE_LINES):
            piece = split[start : start + _PIECE_LINES]
            table = self._parse(b"\n".join(piece) + b"\n", len(piece))
            if table is not None:
                kept = np.arange(first + start, first + start + len(piece), dtype=np.int64)
            else:
                table, kept, wrong = self._cut_lines(piece, first + start)
                bad += wrong
            tables.append(table)
            numbers.append(kept)
        return pa.concat_tables(tables), np.concatenate(numbers), bad

    def _parse(self, block: bytes, lines: int) -> Any:
        """Parse lines with Arrow; None unless each of them is exactly one row."""
        if block[:1] in b"\r\n" or b"\n\n" in block or b"\n\r\n" in block:
            return None
        if block[block.rfind(b"\n", 0, -1) + 1 :].count(b'"') % 2:  # A quote that is not closed.
            return None
        try:
            table = arrow_csv.read_csv(pa.BufferReader(block), **self._options)
        except ArrowInvalid:
            return None
        return table.rename_columns(list(self._columns)) if table.num_rows == lines else None

    @cached_property
    def _options(self) -> dict[str, Any]:
        wanted = [str(index) for index in self._columns.values()]
        return {
            "read_options": arrow_csv.ReadOptions(column_names=[str(i) for i in range(len(self._names))]),
            "parse_options": arrow_csv.ParseOptions(ignore_empty_lines=False),
            "convert_options": arrow_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        }

    def _cut_lines(self, lines: Sequence[bytes], first: int) -> tuple[Any, Int64, list[BadRow]]:
        kept: list[int] = []
        cells: dict[str, list[str | None]] = {role: [] for role in self._columns}
        bad: list[BadRow] = []
        for number, line in enumerate(lines, first):
            if not line.strip():
                continue
            try:
                fields = _fields(line)
                if len(fields) != len(self._names):
                    raise DataError(f"it has {len(fields)} columns, the header {len(self._names)}")
            except DataError as error:
                bad.append(BadRow(number, line, str(error)))
                continue
            kept.append(number)
            for role, index in self._columns.items():
                cells[role].append(fields[index] or None)
        table = pa.table({role: pa.array(values, pa.string()) for role, values in cells.items()})
        return table, np.array(kept, np.int64), bad


class _Lines:
    """The lines of a block, split when the first of them is asked for."""

    def __init__(self, block: bytes, first: int) -> None:
        self._block = block
        self._first = first

    @cached_property
    def _split(self) -> list[bytes]:
        return self._block.split(b"\n")

    def line(self, number: int) -> bytes:
        return self._split[number - self._first].rstrip(b"\r")


def _read_line(file: BinaryIO, path: Path, number: int) -> bytes:
    line = file.readline(MAX_LINE_BYTES)
    if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
        raise DataError(f"{path}: line {number} has no end within {MAX_LINE_BYTES:,} bytes: is this a CSV file?")
    return line


def _header(line: bytes, path: Path) -> list[str]:
    if not line:
        raise UsageError(f"{path} is empty")
    if line.startswith(_UTF16):
        raise UsageError(f"{path} is UTF-16, not UTF-8: save it as 'CSV UTF-8', or convert it with iconv")
    try:
        return [name.strip() for name in _fields(line.removeprefix(b"\xef\xbb\xbf"))]
    except DataError as error:
        raise UsageError(f"{path}: the header cannot be read: {error}") from error


def _fields(line: bytes) -> list[str]:
    try:
        fields = next(csv.reader(io.StringIO(line.decode().rstrip("\r\n") + "\n", newline="")))
    except UnicodeDecodeError as error:
        raise DataError(f"it is not UTF-8 (byte {line[error.start]:#04x} at {error.start + 1})") from error
    except csv.Error as error:
        raise DataError(f"it is not CSV: {error}") from error
    if fields and fields[-1].endswith("\n"):
        raise DataError("it is not CSV: a quote is not closed")
    return fields
