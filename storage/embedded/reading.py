"""Rows of ``telemetry.db`` back into samples."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD, Samples
from storage.store import LastValue, SeriesCount
from storage.telemetry_db import snapshot

_PIECE: Final = 200_000
_NONE: Final = 0
# No word has this id.
_STATE: Final = f"ifnull(state_id, {_NONE})"
_REASON: Final = f"ifnull(reason_id, {_NONE})"


class RowReader:
    """Reads the rows of one facility; each call sees one state of the file, and so does each piece of `chunks`."""

    def __init__(self, connection: sqlite3.Connection, facility: str) -> None:
        self._connection = connection
        self._facility = facility

    def read(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        """Return the samples stamped in ``[start_ns, end_ns)``; with `hold` from the last one before on."""
        with snapshot(self._connection):
            series_id = self._series_id(signal)
            if series_id is None:
                return Samples.empty(self._facility, signal)
            if hold:
                start_ns = self._last_before(series_id, start_ns)
            return self._samples(signal, series_id, start_ns, end_ns)

    def chunks(self, signal: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        """Yield the samples stamped in ``[start_ns, end_ns)`` in pieces; nothing is held between them."""
        while start_ns < end_ns:
            with snapshot(self._connection):
                series_id = self._series_id(signal)
                if series_id is None:
                    return
                piece_end = self._end_of_piece(series_id, start_ns, end_ns)
                piece = self._samples(signal, series_id, start_ns, piece_end)
            if len(piece):
                yield piece
            start_ns = piece_end

    def last(self, signals: Sequence[str]) -> dict[str, LastValue]:
        """Return the newest sample of each signal that has one."""
        query = (
            "SELECT time_ns, value, word.text, quality FROM sample LEFT JOIN word ON word.id = state_id"
            " WHERE series_id = (SELECT id FROM series WHERE signal = ?) ORDER BY time_ns DESC LIMIT 1"
        )
        found: dict[str, LastValue] = {}
        with snapshot(self._connection):
            for signal in signals:
                row = self._connection.execute(query, (signal,)).fetchone()
                if row is not None:
                    time_ns, value, state, quality = row
                    found[signal] = LastValue(time_ns, np.nan if value is None else value, state, quality)
        return found

    def series(self) -> list[SeriesCount]:
        """Count the rows of each signal that has any, in order of name."""
        query = (
            "SELECT signal, n, first, last FROM series JOIN (SELECT series_id, count(*) AS n, min(time_ns) AS first,"
            " max(time_ns) AS last FROM sample GROUP BY series_id) ON series_id = id ORDER BY signal"
        )
        return [SeriesCount(*row) for row in self._connection.execute(query)]

    def _series_id(self, signal: str) -> int | None:
        row = self._connection.execute("SELECT id FROM series WHERE signal = ?", (signal,)).fetchone()
        return None if row is None else row[0]

    def _last_before(self, series_id: int, start_ns: int) -> int:
        query = "SELECT max(time_ns) FROM sample WHERE series_id = ? AND time_ns < ?"
        (before,) = self._connection.execute(query, (series_id, start_ns)).fetchone()
        return start_ns if before is None else before

    def _end_of_piece(self, series_id: int, start_ns: int, end_ns: int) -> int:
        query = (
            "SELECT time_ns FROM sample WHERE series_id = ? AND time_ns >= ? AND time_ns < ?"
            " ORDER BY time_ns LIMIT 1 OFFSET ?"
        )
        row = self._connection.execute(query, (series_id, start_ns, end_ns, _PIECE)).fetchone()
        return end_ns if row is None else row[0]

    def _samples(self, signal: str, series_id: int, start_ns: int, end_ns: int) -> Samples:
        where = "FROM sample WHERE series_id = ? AND time_ns >= ? AND time_ns < ?"
        key = (series_id, start_ns, end_ns)
        # One look at what there is costs less than fetching columns that say nothing.
        count, numbers, worst, states, reasons = self._connection.execute(
            f"SELECT count(*), count(value), max(quality), count(state_id), count(reason_id) {where}", key
        ).fetchone()
        columns: dict[str, type[np.generic]] = {"time_ns": np.int64, "ifnull(value, 0.0)": np.float64}
        if numbers < count:
            columns["value IS NULL"] = np.bool_
        if worst:
            columns["quality"] = np.uint8
        if states:
            columns[_STATE] = np.int32
        if reasons:
            columns[_REASON] = np.int32
        rows = self._connection.execute(f"SELECT {', '.join(columns)} {where} ORDER BY time_ns", key)
        table: NDArray[Any] = np.fromiter(rows, dtype=list(columns.items()), count=count)
        quality = np.zeros(count, np.uint8)
        if worst:
            quality[:] = table["quality"]
        value: NDArray[np.float64] = table["ifnull(value, 0.0)"].copy()
        if numbers < count:
            value[table["value IS NULL"]] = np.nan
        words: dict[int, str] = dict(self._connection.execute("SELECT id, text FROM word ORDER BY id"))
        known = np.array(list(words), dtype=np.int32)

        def codes(column: str) -> NDArray[np.int32] | None:
            if column not in columns:
                return None
            ids = table[column]
            return np.where(ids == _NONE, NO_WORD, np.searchsorted(known, ids)).astype(np.int32)

        return Samples(
            self._facility,
            signal,
            table["time_ns"].copy(),
            value,
            quality,
            codes(_STATE),
            codes(_REASON),
            tuple(words.values()) if states or reasons else (),
        )
