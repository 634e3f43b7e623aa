"""Checksums of rows: what landed of each signal and day, so that a row that has changed on the disk is noticed.

SQLite has no checksums of its own: a bit that flips in a value is read as another value. So each transaction writes
the sum of the hashes of its rows by signal and UTC day, in one entry of ``row_checksum_log``; from time to time the
log is added up into ``row_checksum``. A sum does not depend on the order of rows, so what is replaced or deleted is
subtracted, and the rows of a day can be compared with it at any time: before they are sealed, and by
``kado store verify``.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.time import NS_PER_DAY
from storage.columns import FIRST_INT64, LAST_INT64, NO_ARRIVAL

Int64 = NDArray[np.int64]
UInt64 = NDArray[np.uint64]

NEGATIVE_ZERO: Final = 4
"""In the column `quality`, added where the value is -0.0: SQLite itself stores it as 0."""

_MASK: Final = (1 << 62) - 1
"""Sums are kept in 62 bits: adding two of them never leaves the integers of SQLite."""

_FOLD_AT: Final = 256
"""So many entries the log holds before it is added up."""

_ENTRY: Final = np.dtype([("series", "<i8"), ("day", "<i8"), ("samples", "<i8"), ("checksum", "<u8")])
_RAW: Final = "sample.time_ns, sample.value, state_id, quality, reason_id, arrival_ns"
_AT_ONCE: Final = 50_000
_FACTORS: Final = tuple(
    np.uint64(factor)
    for factor in (
        0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F,
        0xE7037ED1A0B428DB,
    )
)  # fmt: skip
_SHIFTS: Final = (np.uint64(32), np.uint64(29))
_ALL_BITS: Final = (1 << 64) - 1
_NAN: Final = np.float64(np.nan).view(np.int64)


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """Rows of one signal and day that are not what landed."""

    series_id: int
    signal: str
    day: int
    """Days since 1970, UTC."""
    rows: int
    expected: int
    """How many landed, and were not replaced, sealed or deleted since."""

    def describe(self) -> str:
        """Name it for people."""
        date = np.datetime64(self.day, "D")
        if self.rows != self.expected:
            return f"its rows of {self.signal} of {date} (UTC) are {self.rows}, and {self.expected} landed"
        return f"its {self.rows} rows of {self.signal} of {date} (UTC) are not what landed: at least one has changed"


def hash_rows(
    time_ns: Int64, value: NDArray[np.float64], state_id: Any, quality: Any, reason_id: Any, arrival_ns: Any
) -> UInt64:
    """Return a hash for each row; (n,).

    Parameters
    ----------
    time_ns, value
        (n,) the bits of the value count, all NaN are the same.
    state_id, quality, reason_id, arrival_ns
        (n,), or one integer for all rows: 0 where there is no word, `NO_ARRIVAL` where there is no arrival.
    """
    bits = value.view(np.int64)
    missing = np.isnan(value)
    if bool(missing.any()):
        bits = np.where(missing, _NAN, bits)
    found = time_ns.view(np.uint64) * _FACTORS[0]
    part = np.empty_like(found)
    # Integers of Python for what is the same in all rows: one addition for all of it.
    constant = 0
    for column, factor in zip((bits, state_id, quality, reason_id, arrival_ns), _FACTORS[1:], strict=True):
        if isinstance(column, int):
            constant += column * int(factor)
        else:
            wide = np.asarray(column, np.int64).view(np.uint64)
            found += np.multiply(wide, factor, out=part)
    found += np.uint64(constant & _ALL_BITS)
    # Every step can be undone, so rows that differ in one column never have the same hash.
    found ^= np.right_shift(found, _SHIFTS[0], out=part)
    found *= _FACTORS[0]
    found ^= np.right_shift(found, _SHIFTS[1], out=part)
    found *= _FACTORS[1]
    found ^= np.right_shift(found, _SHIFTS[0], out=part)
    return found


def sums_of(series_id: Int64, lengths: Sequence[int], time_ns: Int64, hashes: UInt64) -> NDArray[Any]:
    """Return the entries of rows.

    Parameters
    ----------
    series_id, lengths
        (s,) of each series how many rows there are, at least one.
    time_ns, hashes
        (n,) the rows, series after series, those of one series in order of time.
    """
    samples = np.array(lengths, np.int64)
    starts = samples.cumsum() - samples
    day: Int64 | int = int(np.minimum.reduce(time_ns)) // NS_PER_DAY
    if int(np.maximum.reduce(time_ns)) // NS_PER_DAY != day:
        of_each = time_ns // NS_PER_DAY
        starts = np.union1d(starts, np.flatnonzero(of_each[1:] != of_each[:-1]) + 1)
        day = of_each[starts]
        series_id = np.repeat(series_id, lengths)[starts]
        samples = np.diff(starts, append=len(time_ns))
    # Filled as a plain table, in the order of `_ENTRY`: fields of a record take three times as long.
    table = np.empty((len(starts), 4), np.int64)
    table[:, 0], table[:, 1], table[:, 2] = series_id, day, samples
    table[:, 3] = np.add.reduceat(hashes, starts).view(np.int64)
    return table.view(_ENTRY)[:, 0]


def negative(entries: NDArray[Any]) -> NDArray[Any]:
    """Return entries that take away what these add."""
    taken = entries.copy()
    taken["samples"] = -entries["samples"]
    taken["checksum"] = -entries["checksum"]
    return taken


def add_entries(connection: sqlite3.Connection, entries: Sequence[NDArray[Any]]) -> None:
    """Write entries down; call inside the transaction that writes or deletes the rows."""
    some = [one for one in entries if len(one)]
    if not some:
        return
    content = np.concatenate(some).tobytes() if len(some) > 1 else some[0].tobytes()
    made = connection.execute("INSERT INTO row_checksum_log(entries) VALUES(?)", (content,))
    if (made.lastrowid or 0) >= _FOLD_AT:
        fold(connection)


def fold(connection: sqlite3.Connection) -> None:
    """Add up the log; call inside a transaction."""
    totals = _total(_logged(connection))
    connection.executemany(
        "INSERT INTO row_checksum VALUES(?, ?, ?, ?) ON CONFLICT(series_id, day) DO UPDATE SET"
        f" samples = samples + excluded.samples, checksum = (checksum + excluded.checksum) & {_MASK}",
        [(*key, *total) for key, total in totals.items()],
    )
    connection.execute("DELETE FROM row_checksum WHERE samples = 0 AND checksum = 0")
    connection.execute("DELETE FROM row_checksum_log")


def entries_between(connection: sqlite3.Connection, series_id: int, start_ns: int, end_ns: int) -> NDArray[Any]:
    """Return the entries of the rows that are stamped in ``[start_ns, end_ns)`` now."""
    query = f"SELECT {_RAW} FROM sample WHERE series_id = ? AND time_ns >= ? AND time_ns < ? ORDER BY sample.time_ns"
    return _entries(series_id, connection.execute(query, (series_id, start_ns, end_ns)).fetchall())


def entries_at(connection: sqlite3.Connection, series_id: int, times: Int64) -> NDArray[Any]:
    """Return the entries of the rows that have one of these stamps now."""
    # CROSS keeps the order: each stamp is looked up by the key. Otherwise all rows of the series are compared with all.
    query = f"SELECT {_RAW} FROM json_each(?) AS wanted CROSS JOIN sample ON series_id = ? AND time_ns = wanted.value"
    rows = connection.execute(query, (json.dumps(times.tolist()), series_id)).fetchall()
    return _entries(series_id, sorted(rows))


def expected_sums(connection: sqlite3.Connection) -> dict[tuple[int, int], tuple[int, int]]:
    """Return, for each series and day, how many rows there should be and the sum of their hashes."""
    totals: dict[tuple[int, int], tuple[int, int]] = {}
    query = "SELECT series_id, day, samples, checksum FROM row_checksum"
    stored = {(series, day): (n, checksum) for series, day, n, checksum in connection.execute(query)}
    logged = _total(_logged(connection))
    for key in {**stored, **logged}:
        (n, a), (m, b) = stored.get(key, (0, 0)), logged.get(key, (0, 0))
        totals[key] = n + m, (a + b) & _MASK
    return totals


def changed_days(
    connection: sqlite3.Connection, series_id: int | None = None, days: tuple[int, int] | None = None
) -> list[ChangedDay]:
    """Compare rows with what landed; of one series and of the days from the one to the other, or all.

    Call inside a `snapshot` or a transaction.
    """
    first, last = days or (-(2**62), 2**62)
    expected = {
        key: total
        for key, total in expected_sums(connection).items()
        if (series_id is None or key[0] == series_id) and first <= key[1] <= last
    }
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for entries in _all_entries(connection, series_id, days):
        for key, (n, checksum) in _total([entries]).items():
            m, before = found.get(key, (0, 0))
            found[key] = n + m, (checksum + before) & _MASK
    names = dict(connection.execute("SELECT id, signal FROM series").fetchall())
    return [
        ChangedDay(series, names.get(series, f"series {series}"), day, found.get((series, day), (0, 0))[0],
                   expected.get((series, day), (0, 0))[0])
        for series, day in sorted({**expected, **found})
        if expected.get((series, day), (0, 0)) != found.get((series, day), (0, 0))
    ]  # fmt: skip


def accept_rows(connection: sqlite3.Connection, changed: Iterable[ChangedDay]) -> None:
    """Let the rows of days count as they are now; call inside a transaction."""
    fold(connection)
    for one in changed:
        start_ns = one.day * NS_PER_DAY
        connection.execute("DELETE FROM row_checksum WHERE series_id = ? AND day = ?", (one.series_id, one.day))
        add_entries(connection, [entries_between(connection, one.series_id, start_ns, start_ns + NS_PER_DAY)])


def compute_all(connection: sqlite3.Connection) -> None:
    """Compute the sums of all rows, for a file of a version that had none; call inside a transaction."""
    for entries in _all_entries(connection, None, None):
        add_entries(connection, [entries])


def _all_entries(
    connection: sqlite3.Connection, series_id: int | None, days: tuple[int, int] | None
) -> Iterator[NDArray[Any]]:
    """Yield the entries of rows, piece by piece."""
    ids = [series_id] if series_id is not None else _series_with_rows(connection)
    start, end = (FIRST_INT64, LAST_INT64) if days is None else (days[0] * NS_PER_DAY, (days[1] + 1) * NS_PER_DAY - 1)
    query = f"SELECT {_RAW} FROM sample WHERE series_id = ? AND time_ns BETWEEN ? AND ? ORDER BY time_ns LIMIT ?"
    for one in ids:
        at = start
        while rows := connection.execute(query, (one, at, end, _AT_ONCE)).fetchall():
            yield _entries(one, rows)
            if len(rows) < _AT_ONCE or rows[-1][0] >= end:
                break
            at = rows[-1][0] + 1


def _series_with_rows(connection: sqlite3.Connection) -> list[int]:
    ids: list[int] = []
    at = FIRST_INT64
    query = "SELECT series_id FROM sample WHERE series_id > ? ORDER BY series_id LIMIT 1"
    while (row := connection.execute(query, (at,)).fetchone()) is not None:
        at = row[0]
        ids.append(at)
    return ids


def _entries(series_id: int, rows: list[tuple[Any, ...]]) -> NDArray[Any]:
    """Return the entries of rows as they come from the database, in order of time."""
    if not rows:
        return np.empty(0, _ENTRY)
    times, values, states, qualities, reasons, arrivals = zip(*rows, strict=True)
    try:
        value = np.array([np.nan if v is None else v for v in values], np.float64)
        quality = np.array(qualities, np.int64)
        state = np.array([0 if s is None else s for s in states], np.int64)
        reason = np.array([0 if r is None else r for r in reasons], np.int64)
        arrival = np.array([NO_ARRIVAL if a is None else a for a in arrivals], np.int64)
        time_ns = np.array(times, np.int64)
    except (ValueError, TypeError, OverflowError):
        # A value of a type that no column has: its row is not what landed, and the others are counted with it.
        rows = [row for row in rows if _is_possible(row)]
        good = _entries(series_id, rows)
        return good
    hashes = hash_rows(time_ns, value, state, quality, reason, arrival)
    return sums_of(np.array([series_id]), [len(rows)], time_ns, hashes)


def _is_possible(row: tuple[Any, ...]) -> bool:
    time_ns, value, *others = row
    return (
        isinstance(time_ns, int)
        and isinstance(value, float | int | None)
        and all(isinstance(other, int | None) for other in others)
        and others[1] is not None
    )


def _logged(connection: sqlite3.Connection) -> list[NDArray[Any]]:
    rows = connection.execute("SELECT entries FROM row_checksum_log").fetchall()
    # What is not a whole number of entries is damaged; then the sums will differ.
    return [np.frombuffer(content[: len(content) // _ENTRY.itemsize * _ENTRY.itemsize], _ENTRY) for (content,) in rows]


def _total(entries: Sequence[NDArray[Any]]) -> dict[tuple[int, int], tuple[int, int]]:
    """Add up entries; a series and day -> how many rows, and the sum of their hashes."""
    if not entries:
        return {}
    all_of = np.concatenate(entries)
    if not len(all_of):
        return {}
    all_of = all_of[np.lexsort((all_of["day"], all_of["series"]))]
    series, day = all_of["series"], all_of["day"]
    starts = np.flatnonzero(np.append(True, (series[1:] != series[:-1]) | (day[1:] != day[:-1])))
    samples = np.add.reduceat(all_of["samples"], starts).tolist()
    checksums = (np.add.reduceat(all_of["checksum"], starts) & np.uint64(_MASK)).tolist()
    keys = zip(series[starts].tolist(), day[starts].tolist(), strict=True)
    return dict(zip(keys, zip(samples, checksums, strict=True), strict=True))
