"""Rows of ``telemetry.db`` back into columns; call inside a transaction that sees one state of the file."""

import sqlite3
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD
from storage.columns import NO_ARRIVAL, Columns
from storage.embedded.row_checksums import NEGATIVE_ZERO

_NONE: Final = 0
# No word has this id.
_STATE: Final = f"ifnull(state_id, {_NONE})"
_REASON: Final = f"ifnull(reason_id, {_NONE})"
_ARRIVAL: Final = f"ifnull(arrival_ns, {NO_ARRIVAL})"
_WHERE: Final = "FROM sample WHERE series_id = ? AND time_ns >= ? AND time_ns < ?"


def series_id_of(connection: sqlite3.Connection, signal: str) -> int | None:
    """Return a signal's number; None if nothing of it was ever stored."""
    row = connection.execute("SELECT id FROM series WHERE signal = ?", (signal,)).fetchone()
    return None if row is None else row[0]


def row_times(connection: sqlite3.Connection, series_id: int, start_ns: int, end_ns: int) -> NDArray[np.int64]:
    """Return the stamps in ``[start_ns, end_ns)``, in order."""
    rows = connection.execute(f"SELECT time_ns {_WHERE} ORDER BY time_ns", (series_id, start_ns, end_ns))
    return np.array([time for (time,) in rows], np.int64)


def nth_row_time(connection: sqlite3.Connection, series_id: int, start_ns: int, end_ns: int, n: int) -> int | None:
    """Return the stamp of the row behind the first `n` in ``[start_ns, end_ns)``; None if there are not so many."""
    query = f"SELECT time_ns {_WHERE} ORDER BY time_ns LIMIT 1 OFFSET ?"
    row = connection.execute(query, (series_id, start_ns, end_ns, n)).fetchone()
    return None if row is None else row[0]


def read_rows(
    connection: sqlite3.Connection, series_id: int, start_ns: int, end_ns: int, *, arrival: bool = False
) -> Columns:
    """Return the rows stamped in ``[start_ns, end_ns)``, in order; arrivals only if asked for."""
    key = (series_id, start_ns, end_ns)
    # One look at what there is costs less than fetching columns that say nothing.
    count, numbers, worst, states, reasons, arrivals = connection.execute(
        "SELECT count(*), count(value), max(quality), count(state_id), count(reason_id),"
        f" {'count(arrival_ns)' if arrival else 0} {_WHERE}",
        key,
    ).fetchone()
    if not count:
        return Columns.empty()
    columns: dict[str, type[np.generic]] = {"time_ns": np.int64, "ifnull(value, 0.0)": np.float64}
    if numbers < count:
        columns["value IS NULL"] = np.bool_
    if worst:
        columns["quality"] = np.uint8
    if states:
        columns[_STATE] = np.int32
    if reasons:
        columns[_REASON] = np.int32
    if arrivals:
        columns[_ARRIVAL] = np.int64
    rows = connection.execute(f"SELECT {', '.join(columns)} {_WHERE} ORDER BY time_ns", key)
    table: NDArray[Any] = np.fromiter(rows, dtype=list(columns.items()), count=count)
    quality = np.zeros(count, np.uint8)
    negative_zero = np.zeros(0, np.bool_)
    if worst:
        quality[:] = table["quality"]
        negative_zero = quality & NEGATIVE_ZERO != 0
        quality &= ~np.uint8(NEGATIVE_ZERO)
    value: NDArray[np.float64] = table["ifnull(value, 0.0)"].copy()
    if numbers < count:
        value[table["value IS NULL"]] = np.nan
    if worst and bool(negative_zero.any()):
        value[negative_zero] = -0.0
    words: dict[int, str] = {}
    if states or reasons:
        words = dict(connection.execute("SELECT id, text FROM word ORDER BY id"))
    known = np.array(list(words), dtype=np.int32)

    def codes(column: str) -> NDArray[np.int32] | None:
        if column not in columns:
            return None
        ids = table[column]
        return np.where(ids == _NONE, NO_WORD, np.searchsorted(known, ids)).astype(np.int32)

    return Columns(
        table["time_ns"].copy(),
        value,
        quality,
        codes(_STATE),
        codes(_REASON),
        table[_ARRIVAL].copy() if arrivals else None,
        tuple(words.values()),
    )
