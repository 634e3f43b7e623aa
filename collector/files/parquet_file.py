"""Parquet files, read in pieces of their row groups."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from collector.files.arrow import ArrowArray, ArrowInvalid, as_text, is_text, pa, parquet
from collector.files.layout import Layout
from collector.files.rows import Rows
from facility.errors import DataError, UsageError

PIECE_ROWS = 1 << 18
"""Rows in one transaction."""


class ParquetFile:
    """A Parquet file with the same columns as a CSV file would have."""

    row_word = "row"

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
                self._group_rows = [int(file.metadata.row_group(g).num_rows) for g in range(file.num_row_groups)]
        except (ArrowInvalid, OSError) as error:
            raise UsageError(f"{path} is not a Parquet file that can be read: {error}") from error
        self._columns = {role: schema.names[i] for role, i in layout.columns(schema.names, str(path)).items()}
        for role, name in self._columns.items():
            _check_type(role, schema.field(name).type, layout, f"{path}: column {name!r}")

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
            with parquet.ParquetFile(self.path, page_checksum_verification=True) as file:
                pieces = file.iter_batches(PIECE_ROWS, row_groups=groups, columns=list(self._columns.values()))
                for piece in pieces:
                    skip = min(max(position - before, 0), piece.num_rows)
                    before += piece.num_rows
                    if skip < piece.num_rows:
                        yield self._rows(piece.slice(skip), before)
        except (ArrowInvalid, OSError) as error:
            raise DataError(f"{self.path} is damaged after row {before}: {error}") from error

    def _rows(self, piece: Any, position: int) -> Rows:
        columns: dict[str, ArrowArray] = {role: piece.column(name) for role, name in self._columns.items()}
        return Rows(
            number=np.arange(position - piece.num_rows + 1, position + 1, dtype=np.int64),
            time=columns["time"],
            value=columns["value"],
            signal=columns.get("signal"),
            quality=columns.get("quality"),
            reason=columns.get("reason"),
            arrival=columns.get("arrival"),
            payload=lambda row: _as_text(columns, row),
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
            if types.is_timestamp(kind) and kind.tz is None and layout.assume_offset is None:
                raise UsageError(
                    f"{where} holds times without a zone: say which offset from UTC they are in with --assume-offset,"
                    " such as --assume-offset +09:00"
                )
            right, wanted = types.is_timestamp(kind) or integer or is_text(kind), "a timestamp, an integer (ns) or text"
        case "value":
            right, wanted = types.is_floating(kind) or integer or is_text(kind), "a number, or text for states"
        case _:
            right, wanted = is_text(kind), "text"
    if not right:
        raise UsageError(f"{where} is {kind}: it must be {wanted}")


def _as_text(columns: dict[str, ArrowArray], row: int) -> bytes:
    """Write a row down for a person who looks at dead letters."""
    cells = {role: as_text(column.slice(row, 1))[0].as_py() or "" for role, column in columns.items()}
    return ",".join(f"{role}={cell}" for role, cell in cells.items()).encode()
