"""Parquet files, read in pieces of their row groups.

Memory is bounded by `PIECE_BYTES`, whatever a file says: text is read as a dictionary, so that a value that occurs
thousands of times is there once, pieces have fewer rows where rows are long, and longer texts than any of kado's are
refused.
"""

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from collector.files.arrow import (
    ARROW_ERRORS,
    ArrowArray,
    cell_text,
    first_line,
    is_text,
    longest_text,
    pa,
    parquet,
)
from collector.files.forms.form import Form
from collector.files.layout import Layout
from collector.files.rows import Rows
from facility.errors import DataError, UsageError
from facility.sentence import Sentence
from facility.time import MAX_NS, MIN_NS

PIECE_ROWS = 1 << 18
"""Rows in one transaction."""
PIECE_BYTES = 64 << 20
"""In one piece, uncompressed."""
MAX_TEXT_BYTES = 4096
"""Of one text; a longer one is no time, signal, state, quality or reason."""
_INT96 = "INT96"


class ParquetFile:
    """A Parquet file with the same columns as a CSV file would have."""

    row_word = "row"
    form = Form("Parquet", row_word="row")

    def __init__(self, path: Path, layout: Layout) -> None:
        """Read and check the schema.

        Raises
        ------
        UsageError
            If it lacks a column, or one has a type that is no time, signal, value or quality.
        """
        self.path = path
        try:
            with parquet.ParquetFile(path) as file:
                schema = file.schema_arrow
                self.total = int(file.metadata.num_rows)
                """Rows."""
                metadata = file.metadata
                self._group_rows = [int(metadata.row_group(g).num_rows) for g in range(file.num_row_groups)]
                physical = {
                    metadata.schema.column(i).path: metadata.schema.column(i).physical_type
                    for i in range(len(metadata.schema))
                }
        except (*ARROW_ERRORS, OSError) as error:
            raise UsageError(
                Sentence(
                    "{path} is not a Parquet file that can be read: {first_line}",
                    path=path,
                    first_line=first_line(error),
                )
            ) from error
        if twice := sorted({name for name in schema.names if schema.names.count(name) > 1}):
            raise UsageError(
                Sentence(
                    "{path}: the column {twice!r} occurs twice: rename or remove one of them", path=path, twice=twice[0]
                )
            )
        self.columns = layout.columns(schema.names, str(path))
        self.names = list(schema.names)
        self._columns = {role: schema.names[i] for role, i in self.columns.items()}
        self.value_name = self._columns["value"]
        """Name of the column with the values."""
        for role, name in self._columns.items():
            _check_type(role, schema.field(name).type, layout, f"{path}: column {name!r}")
        self._texts = [name for name in self._columns.values() if is_text(schema.field(name).type)]
        self._int96 = physical.get(self._columns["time"]) == _INT96
        self._piece_rows = min([PIECE_ROWS, *(self._rows_of(metadata, g) for g in range(len(self._group_rows)))])

    def unit_in_cells(self, unit: str) -> bool:
        """Whether the values have their unit behind them: in Parquet they are numbers."""
        del unit
        return False

    def _rows_of(self, metadata: Any, group: int) -> int:
        """Return how many rows of a row group make a piece.

        Raises
        ------
        DataError
            If its texts are longer than any of kado's.
        """
        chunks = [metadata.row_group(group).column(i) for i in range(metadata.num_columns)]
        longest = 1
        for chunk in chunks:
            if chunk.path_in_schema in self._columns.values() and chunk.num_values:
                average = chunk.total_uncompressed_size // chunk.num_values
                if chunk.path_in_schema in self._texts and average > MAX_TEXT_BYTES:
                    raise DataError(
                        Sentence(
                            "{path}: column {path_in_schema!r} holds texts of {average:,} bytes on average, more "
                            "than the {max_text_bytes:,} that a time, signal, state or quality can have",
                            path=self.path,
                            path_in_schema=chunk.path_in_schema,
                            average=average,
                            max_text_bytes=MAX_TEXT_BYTES,
                        )
                    )
                longest += average
        return max(PIECE_BYTES // longest, 1)

    def blocks(self, position: int, last_number: int) -> Iterator[Rows]:
        """Yield the rows from the one after `position` on.

        Raises
        ------
        DataError
            If the file is damaged.
        """
        del last_number  # Rows are numbered from 1, so it is the position.
        first_group, before = 0, 0
        while first_group < len(self._group_rows) and before + self._group_rows[first_group] <= position:
            before += self._group_rows[first_group]
            first_group += 1
        groups = range(first_group, len(self._group_rows))
        try:
            with self._open() as file, self._open("us") as coarse:
                names = list(self._columns.values())
                pieces = file.iter_batches(self._piece_rows, row_groups=groups, columns=names)
                # INT96 times are read as nanoseconds, in which those outside 1678 to 2261 wrap around without a word.
                whole = (
                    coarse.iter_batches(
                        self._piece_rows, row_groups=groups, columns=names
                    )  # The same ones: or its pieces end elsewhere.
                    if self._int96
                    else repeat(None)
                )
                for piece, times in zip(pieces, whole, strict=False):
                    skip = min(max(position - before, 0), piece.num_rows)
                    before += piece.num_rows
                    if skip < piece.num_rows:
                        rest = None if times is None else times.column(self._columns["time"]).slice(skip)
                        yield self._rows(piece.slice(skip), before, rest)
        except (*ARROW_ERRORS, OSError) as error:
            raise DataError(
                Sentence(
                    "{path} is damaged after row {before}: {first_line}",
                    path=self.path,
                    before=before,
                    first_line=first_line(error),
                )
            ) from error

    def _open(self, int96_unit: str = "ns") -> Any:
        return parquet.ParquetFile(
            self.path,
            page_checksum_verification=True,
            read_dictionary=self._texts,
            coerce_int96_timestamp_unit=int96_unit,
        )

    def _rows(self, piece: Any, position: int, coarse: ArrowArray | None) -> Rows:
        columns: dict[str, ArrowArray] = {role: piece.column(name) for role, name in self._columns.items()}
        for name in self._texts:
            longest = longest_text(piece.column(name))
            if longest > MAX_TEXT_BYTES:
                raise DataError(
                    Sentence(
                        "{path}: column {name!r} holds a text of {longest:,} bytes before row {position:,}, "
                        "more than the {max_text_bytes:,} that a time, signal, state or quality can have",
                        path=self.path,
                        name=name,
                        longest=longest,
                        position=position + 1,
                        max_text_bytes=MAX_TEXT_BYTES,
                    )
                )
        out_of_range = None
        if coarse is not None:
            stamps = coarse.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
            out_of_range = (stamps > MAX_NS // 1000) | (stamps < MIN_NS // 1000)
        written = columns if coarse is None else columns | {"time": coarse}
        return Rows(
            out_of_range=out_of_range,
            coarse_time=coarse,
            number=np.arange(position - piece.num_rows + 1, position + 1, dtype=np.int64),
            time=columns["time"],
            value=columns["value"],
            signal=columns.get("signal"),
            quality=columns.get("quality"),
            reason=columns.get("reason"),
            arrival=columns.get("arrival"),
            payload=lambda row: _as_text(columns if out_of_range is None or not out_of_range[row] else written, row),
            bad=(),
            position=position,
            last_number=position,
            done=position,
        )


def _check_type(role: str, kind: Any, layout: Layout, where: str) -> None:
    types = pa.types
    integer = types.is_integer(kind) and kind != pa.uint64()
    match role:
        case "time" | "arrival":
            if types.is_timestamp(kind) and kind.tz is None and layout.assume_offset is None and not layout.time_zone:
                raise UsageError(
                    Sentence(
                        "{where} holds times without a zone: say which offset from UTC they are in with "
                        "--assume-offset, such as --assume-offset +09:00, or in which zone with --time-zone",
                        where=where,
                    )
                )
            right, wanted = (
                types.is_timestamp(kind) or integer or is_text(kind),
                Sentence("a timestamp, an integer (ns) or text"),
            )
        case "value":
            right, wanted = (
                types.is_floating(kind) or integer or is_text(kind),
                Sentence("a number, or text for states"),
            )
        case _:
            right, wanted = is_text(kind), Sentence("text")
    if not right:
        raise UsageError(Sentence("{where} is {kind}: it must be {wanted}", where=where, kind=kind, wanted=wanted))


def _as_text(columns: dict[str, ArrowArray], row: int) -> bytes:
    """Write a row down for a person who looks at dead letters."""
    cells = {role: cell_text(column, row) or "" for role, column in columns.items()}
    return ",".join(f"{role}={cell}" for role, cell in cells.items()).encode()
