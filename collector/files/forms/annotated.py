"""Annotated CSV, as InfluxDB 2 and Flux answer queries: several tables, each with its own header.

References
----------
Annotated CSV, InfluxDB documentation: annotation rows begin with ``#``, the first column is theirs and empty in other
rows, an empty row or new annotations begin another table, and a header row names the columns of each.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.files.forms.form import Lines
from facility.errors import UsageError
from facility.sentence import Sentence

HEADER = ("time", "signal", "value")
_NOT_A_NAME = ("", "result", "table", "_start", "_stop", "_time", "_value")


def is_annotated(lines: Sequence[bytes]) -> bool:
    """Whether a file begins as annotated CSV does."""
    first = next((line for line in lines if line.strip()), b"")
    return first.startswith((b"#group,", b"#datatype,", b"#default,", b",result,table,"))


@dataclass(frozen=True, slots=True)
class _Table:
    time: int
    value: int
    names: tuple[tuple[str, int], ...]
    """What distinguishes its series, and in which column."""


def annotated(value_column: str | None) -> "_Translator":
    """Return what puts such lines into the columns of `HEADER`.

    Parameters
    ----------
    value_column
        Where fields were made columns (``pivot``): which one.
    """
    return _Translator(value_column or "_value")


class _Translator:
    def __init__(self, value_column: str) -> None:
        self._value_column = value_column

    def __call__(self, lines: Lines) -> Iterator[bytes]:
        table: _Table | None = None
        for line in lines:
            text = line.rstrip(b"\r\n")
            if not text or text.startswith(b"#"):
                table = None
                yield b"\n"
                continue
            cells = _cells(text)
            if table is None:
                table = self._table(cells)
                yield b"\n"
                continue
            end = b"\n" if line.endswith(b"\n") else b""
            yield (_row(cells, table) or _joined([text.decode(errors="replace")])) + end

    def _table(self, header: Sequence[str]) -> _Table:
        missing = [name for name in ("_time", self._value_column) if name not in header]
        if missing:
            raise UsageError(
                Sentence(
                    "a table of the annotated CSV has no column {missing!r}; it has {columns}",
                    missing=missing[0],
                    columns=", ".join(filter(None, header)),
                )
                if missing[0] == "_time"
                else Sentence(
                    "a table of the annotated CSV has no column {missing!r}; it has {columns}: name the one with the "
                    "values with --value-column",
                    missing=missing[0],
                    columns=", ".join(filter(None, header)),
                )
            )
        ordered = sorted((name for name in header if name not in (*_NOT_A_NAME, self._value_column)), key=_order)
        names = tuple((name, header.index(name)) for name in ordered)
        return _Table(header.index("_time"), header.index(self._value_column), names)


def _order(name: str) -> tuple[int, str]:
    return {"_measurement": 0, "_field": 1}.get(name, 2), name


def _cells(text: bytes) -> list[str]:
    line = text.decode(errors="replace")
    if '"' not in line:
        return line.split(",")
    try:
        return next(csv.reader(io.StringIO(line)))
    except (csv.Error, StopIteration):
        return [line]


def _row(cells: Sequence[str], table: _Table) -> bytes | None:
    if len(cells) <= max(table.time, table.value, *(place for _, place in table.names)):
        return None
    # As people write a series: measurement and field, then its tags.
    name = " ".join(cells[place] if key.startswith("_") else f"{key}={cells[place]}" for key, place in table.names)
    return _joined([cells[table.time], name or "_value", cells[table.value]])


def _joined(cells: Sequence[str]) -> bytes:
    quoted = (f'"{c.replace(chr(34), chr(34) * 2)}"' if "," in c or '"' in c else c for c in cells)
    return ",".join(quoted).encode(errors="replace")
