"""CSV files: cut into blocks of whole lines, parsed by Arrow; line by line only where a line is not right.

A row is a line. Arrow alone would not do: it refuses a whole block for one row with too few or too many columns (or
leaves such rows out, if it is asked to), skips empty lines by default, and joins lines inside quotes, without
the number of the line; nor does it say where in the file a block ends, from where an interrupted import could go on.
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
from collector.files.forms.form import PLAIN, Form
from collector.files.forms.streams import MAX_LINE_BYTES, MadeStream, decoded, lines_of, pieces_of
from collector.files.last_line import NOT_WHOLE, ROWS_COMPARED, is_whole
from collector.files.layout import Layout
from collector.files.rows import BadRow, Rows
from facility.batch import Int64
from facility.errors import DataError, UsageError
from facility.sentence import Sentence

BLOCK_BYTES = 8 << 20
"""Read at once: some 200,000 rows, a few times as much memory, and one transaction."""
PREVIEW_BYTES = 64 << 10
"""Read to show what the first rows are."""
_PIECE_LINES = 1024
"""Lines in which one that is not right is looked for line by line."""
_GZIP = b"\x1f\x8b"
_GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class CsvFile:
    """A CSV file, or one whose form is turned into CSV, plain or gzip-compressed."""

    def __init__(self, path: Path, layout: Layout, form: Form = PLAIN) -> None:
        """Read and check the header.

        Raises
        ------
        UsageError
            If there is no header that can be read, or it lacks a column.
        DataError
            If it is compressed and damaged, or its first line has no end.
        """
        self.path = path
        self.form = form
        self.row_word = form.row_word
        self.total = path.stat().st_size
        """Bytes on disk."""
        with path.open("rb") as file:
            self._compressed = file.read(2) == _GZIP
        line, self._header_bytes = b"", 0
        with path.open("rb") as file:
            try:
                opened = self._open(file)
                for number in range(1, form.header_lines + 1):
                    line = _read_line(opened, path, number)
                    self._header_bytes += len(line)
            except _GZIP_ERRORS as error:
                raise DataError(Sentence("{path} is damaged: {error}", path=path, error=error)) from error
        self.names = list(form.header) if form.header is not None else _header(line, path, form.delimiter)
        self.columns = layout.columns(self.names, str(path))
        self.value_name = self.names[self.columns["value"]]
        """Name of the column with the values."""
        self.block_bytes = BLOCK_BYTES
        """Read at once."""

    def blocks(self, position: int, last_number: int) -> Iterator[Rows]:
        """Yield the rows from `position` on; 0 is the beginning.

        Raises
        ------
        DataError
            If the file cannot be read on: a compressed one that is damaged, a line without end.
        """
        if position == 0:
            position, last_number = self._header_bytes, self.form.header_lines
        with self.path.open("rb") as raw:
            file = self._open(raw)
            try:
                file.seek(position)
                while block := file.read(self.block_bytes):
                    if not block.endswith(b"\n"):
                        block += _read_line(file, self.path, last_number + 1 + block.count(b"\n"))
                    position += len(block)
                    lines = block.count(b"\n") + (not block.endswith(b"\n"))
                    yield self._rows(block, lines, last_number + 1, position, raw.tell())
                    last_number += lines
            except _GZIP_ERRORS as error:
                raise DataError(
                    Sentence(
                        "{path} is damaged after line {last_number}: {error}",
                        path=self.path,
                        last_number=last_number,
                        error=error,
                    )
                ) from error

    def unit_in_cells(self, unit: str) -> bool:
        """Whether the first value has its unit behind it."""
        whole, self.block_bytes = self.block_bytes, PREVIEW_BYTES
        try:
            rows = next(self.blocks(0, 0), None)
        finally:
            self.block_bytes = whole
        values = [] if rows is None else [v for v in rows.value.slice(0, 20).to_pylist() if v]
        return any(value.strip().endswith(unit) for value in values)

    def _open(self, raw: BinaryIO) -> BinaryIO:
        form = self.form
        file = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if self._compressed else raw
        if form.is_plain:
            return file
        if form.translate_stream is not None:
            made = form.translate_stream(file)
        else:
            pieces = pieces_of(file) if form.encoding == "utf-8" else decoded(file, form.encoding)
            made = pieces if form.translate is None else form.translate(lines_of(_without_mark(pieces)))
        return cast("BinaryIO", MadeStream(made))

    def _rows(self, block: bytes, lines: int, first: int, position: int, done: int) -> Rows:
        table, numbers, bad = self._cut(block, lines, first)
        if not block.endswith(b"\n") and len(numbers) and int(numbers[-1]) == first + lines - 1:
            table, numbers = self._without_cut_line(table, numbers, bad, block)
        columns: dict[str, ArrowArray] = {role: table[role].combine_chunks() for role in self.columns}
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

    def _without_cut_line(self, table: Any, numbers: Int64, bad: list[BadRow], block: bytes) -> tuple[Any, Int64]:
        """Reject the last line of the file, which has no line end, if it may be cut off."""
        line = block[block.rfind(b"\n") + 1 :]
        if self._is_whole(line, table):
            return table, numbers
        bad.append(BadRow(int(numbers[-1]), line, NOT_WHOLE))
        return table.slice(0, len(numbers) - 1), numbers[:-1]

    def _is_whole(self, line: bytes, table: Any) -> bool:
        """Whether the last line of the file, the last row of `table`, is whole."""
        if self.form.translate is not None:  # Programs whose files are translated end every line.
            return False
        if line.rstrip().endswith(b'"'):
            return True
        last = len(self.names) - 1
        role = next((role for role, place in self.columns.items() if place == last), None)
        if role is None:
            return True
        *others, cell = table[role].slice(max(table.num_rows - ROWS_COMPARED, 0)).to_pylist()
        return is_whole(role, cell or "", [other for other in others if other], decimal=self.form.decimal)

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
        return table.rename_columns(list(self.columns)) if table.num_rows == lines else None

    @cached_property
    def _options(self) -> dict[str, Any]:
        wanted = [str(index) for index in self.columns.values()]
        return {
            "read_options": arrow_csv.ReadOptions(column_names=[str(i) for i in range(len(self.names))]),
            "parse_options": arrow_csv.ParseOptions(ignore_empty_lines=False, delimiter=self.form.delimiter),
            "convert_options": arrow_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        }

    def _cut_lines(self, lines: Sequence[bytes], first: int) -> tuple[Any, Int64, list[BadRow]]:
        kept: list[int] = []
        cells: dict[str, list[str | None]] = {role: [] for role in self.columns}
        bad: list[BadRow] = []
        for number, line in enumerate(lines, first):
            if not line.strip():
                continue
            try:
                fields = _fields(line, self.form.delimiter)
                if len(fields) != len(self.names):
                    raise DataError(
                        Sentence(
                            "it has {count} columns, the header {columns}", count=len(fields), columns=len(self.names)
                        )
                    )
            except DataError as error:
                bad.append(BadRow(number, line, str(error)))
                continue
            kept.append(number)
            for role, index in self.columns.items():
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
        raise DataError(
            Sentence(
                "{path}: line {number} has no end within {max_line_bytes:,} bytes: is this a CSV file?",
                path=path,
                number=number,
                max_line_bytes=MAX_LINE_BYTES,
            )
        )
    return line


def _without_mark(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces, b"")
    yield first.removeprefix(b"\xef\xbb\xbf")
    yield from pieces


def _header(line: bytes, path: Path, delimiter: str) -> list[str]:
    if not line:
        raise UsageError(Sentence("{path} is empty", path=path))
    if line.startswith(_UTF16):
        raise UsageError(
            Sentence("{path} is UTF-16, not UTF-8: save it as 'CSV UTF-8', or convert it with iconv", path=path)
        )
    try:
        return [name.strip() for name in _fields(line.removeprefix(b"\xef\xbb\xbf"), delimiter)]
    except DataError as error:
        raise UsageError(Sentence("{path}: the header cannot be read: {error}", path=path, error=error)) from error


def _fields(line: bytes, delimiter: str) -> list[str]:
    try:
        text = io.StringIO(line.decode().rstrip("\r\n") + "\n", newline="")
        fields = next(csv.reader(text, delimiter=delimiter))
    except UnicodeDecodeError as error:
        raise DataError(
            Sentence("it is not UTF-8 (byte {line:#04x} at {start})", line=line[error.start], start=error.start + 1)
        ) from error
    except csv.Error as error:
        raise DataError(Sentence("it is not CSV: {error}", error=error)) from error
    if fields and fields[-1].endswith("\n"):
        raise DataError(Sentence("it is not CSV: a quote is not closed"))
    return fields
