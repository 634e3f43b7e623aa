"""Samples into rows of ``telemetry.db``, in bulk."""

import logging
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD, Batch
from facility.errors import ArchiveError
from storage.columns import CLOCK_TOLERANCE_NS, NO_ARRIVAL
from storage.embedded.archive import manifest
from storage.embedded.row_checksums import (
    NEGATIVE_ZERO,
    add_entries,
    entries_at,
    hash_rows,
    negative,
    sums_of,
)
from storage.merging import conflicts, parts
from storage.telemetry_db.series import advance, advance_all, series_of, word_ids

_LOG: Final = logging.getLogger(__name__)

_READS_SEALED: Final = "storage.embedded.archive.files"
"""The module that reads sealed files, by Arrow."""

# A statement with a hundred rows takes less than half the time of a hundred statements.
_AT_ONCE: Final = (100, 10, 1)
# So many rows exist as Python objects at one time.
_PIECE: Final = 20_000
# Up to so many new rows of a signal are written together with those of other signals.
_FEW: Final = 20

_SAME_KEY: Final = (
    "ON CONFLICT(series_id, time_ns) DO UPDATE SET value = excluded.value, state_id = excluded.state_id,"
    " quality = excluded.quality, reason_id = excluded.reason_id, arrival_ns = excluded.arrival_ns"
)
_WHERE_DIFFERENT: Final = (
    "WHERE value IS NOT excluded.value OR state_id IS NOT excluded.state_id"
    " OR quality <> excluded.quality OR reason_id IS NOT excluded.reason_id"
)
_WHERE_ARRIVED_OTHERWISE: Final = "WHERE arrival_ns IS NOT excluded.arrival_ns"


@dataclass(frozen=True, slots=True)
class SignalWritten:
    """What writing a batch did to one signal."""

    signal: str
    stored: int
    rewritten: int
    conflicts: int
    first_ns: int
    """Stamp of the oldest of them."""
    last_ns: int


def prepare_insert(connection: sqlite3.Connection, batches: Sequence[Batch], data_dir: Path) -> None:
    """Import what `insert` of these batches needs; call before the transaction, in which nobody else can write.

    Arrow takes up to a second to import. Samples of sealed days are rare, so it is imported for the first of them.
    """
    # np.unique imports it when it is first called.
    import_module("numpy.ma")
    if _READS_SEALED in sys.modules:
        return
    oldest = min((int(batch.time_ns.min()) for batch in batches if len(batch)), default=None)
    if oldest is not None and manifest.is_sealed_since(connection, oldest):
        import_module(_READS_SEALED)
        # An object store has a library of its own.
        from storage.embedded.archive.choice import place_of

        place_of(connection, data_dir)


def insert(
    connection: sqlite3.Connection, batch: Batch, data_dir: Path, clock_tolerance_ns: int = CLOCK_TOLERANCE_NS
) -> list[SignalWritten]:
    """Write a batch into `sample`, as if sample by sample in order of arrival; call inside a transaction.

    The counts are exact: a sample whose signal and time are already there, as a row, in a sealed file below
    `data_dir` or earlier in the batch, is rewritten; it is a conflict if value, state, quality or reason differ.
    """
    columns = _Columns(connection, batch, clock_tolerance_ns)
    written: list[SignalWritten] = []
    winners: list[NDArray[np.int64]] = []
    series = np.zeros(len(batch.signals), np.int64)
    replaced: list[NDArray[Any]] = []
    # Of thousands of signals a batch has a sample or two each: what is new goes into one statement for all of them.
    new_rows: list[NDArray[np.int64]] = []
    new_series: list[int] = []
    for part in parts(batch):
        series_id, newest = series_of(connection, part.signal)
        first = part.first
        times = batch.time_ns[first]
        # No stored row is newer than `newest`: later stamps need no lookup.
        known = 0 if newest is None else int(np.searchsorted(times, newest, side="right"))
        series[batch.signal[first[0]]] = series_id
        if known:
            replaced.append(negative(entries_at(connection, series_id, times[:known])))
            _thaw(connection, data_dir, series_id, times[:known])
        rewritten, differed = _insert_known(connection, columns, series_id, first[:known])
        if len(first) <= _FEW and not known and len(first) == len(part.rows):
            new_rows.append(first)
            winners.append(first)
            new_series.append(series_id)
            written.append(SignalWritten(part.signal, len(first), 0, 0, int(times[0]), int(times[-1])))
            continue
        _write(connection, columns, series_id, first[known:], "INSERT", "")
        repeated = int(part.repeats.sum())
        winners.append(part.last if repeated else first)
        if repeated:
            last = part.last
            _write(connection, columns, series_id, last[last != first], "INSERT", _SAME_KEY)
            rewritten += repeated
            differed += int(conflicts(batch, part).sum())
        advance(connection, series_id, int(times[-1]))
        written.append(SignalWritten(part.signal, len(part.rows), rewritten, differed, int(times[0]), int(times[-1])))
    if new_rows:
        _write_new(connection, columns, new_series, new_rows)
        newest_ns = [int(batch.time_ns[rows[-1]]) for rows in new_rows]
        advance_all(connection, zip(new_series, newest_ns, strict=True))
    if winners:
        _keep_sums(connection, columns, series, winners, replaced)
    return written


def _keep_sums(
    connection: sqlite3.Connection,
    columns: "_Columns",
    series: NDArray[np.int64],
    winners: list[NDArray[np.int64]],
    replaced: list[NDArray[Any]],
) -> None:
    """Write down what landed: the sums of the rows that won, signal by signal, less those that they have replaced."""
    batch = columns.batch
    rows = winners[0] if len(winners) == 1 else np.concatenate(winners)
    times = batch.time_ns[rows]
    codes = batch.signal[[of_one[0] for of_one in winners]]
    lengths = [len(of_one) for of_one in winners]
    landed = sums_of(series[codes], lengths, times, columns.hashes(rows, times))
    add_entries(connection, [landed, *replaced])


def _thaw(connection: sqlite3.Connection, data_dir: Path, series_id: int, times: NDArray[np.int64]) -> None:
    """Make rows of the sealed samples that have one of these stamps and no row yet, so that they are found."""
    for file in manifest.files_between(connection, series_id, int(times[0]), int(times[-1]) + 1):
        # Arrow is heavy, and late data for a sealed day is rare.
        from storage.embedded.archive.choice import place_of
        from storage.embedded.archive.files import read_samples

        first, last = file.groups["first_ns"], file.groups["last_ns"]
        touched = np.searchsorted(times, first) < np.searchsorted(times, last, side="right")
        try:
            sealed = read_samples(place_of(connection, data_dir), file, np.flatnonzero(touched), arrival=True)
        except ArchiveError as error:
            # What comes in is not refused because of it: it lies over whatever the file holds.
            _LOG.error("%s; late samples of %s are stored, and may be counted as new", error, file.name.signal)
            continue
        found = sealed.take(sealed.found_in(times))
        if len(found):
            batch = found.batch("", file.name.signal)
            columns = _Columns(connection, batch, 0)
            _write(connection, columns, series_id, np.arange(len(batch)), "INSERT OR IGNORE", "")


class _Columns:
    """The columns of a batch as SQLite takes them; those with nothing to say are left to their default."""

    def __init__(self, connection: sqlite3.Connection, batch: Batch, clock_tolerance_ns: int) -> None:
        self.batch = batch
        self._late = np.abs(batch.arrival_ns - batch.time_ns) > clock_tolerance_ns
        codes: list[int] = np.union1d(batch.state, batch.reason).tolist()
        used = [code for code in codes if code != NO_WORD]
        self._worded = bool(used)
        self._word_ids = np.full(len(batch.words) + 1, None, dtype=object)
        self._word_ids[used] = word_ids(connection, [batch.words[code] for code in used])
        zero = (batch.value == 0.0) & np.signbit(batch.value)
        self._negative_zero = bool(zero.any())
        self._quality = batch.quality
        if self._negative_zero:
            self._quality = np.where(zero, batch.quality | NEGATIVE_ZERO, batch.quality)

    def hashes(self, rows: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return the hashes of rows as they are stored; `times` are theirs."""
        batch = self.batch
        value = batch.value[rows]
        return hash_rows(
            times,
            value + 0.0 if self._negative_zero else value,
            self._ids(batch.state, rows),
            self._quality[rows] if self._quality.any() else 0,
            self._ids(batch.reason, rows),
            np.where(self._late, batch.arrival_ns, NO_ARRIVAL)[rows] if self._late.any() else NO_ARRIVAL,
        )

    def _ids(self, codes: NDArray[np.int32], rows: NDArray[np.int64]) -> NDArray[np.int64] | int:
        if not self._worded:
            return 0
        ids = self._word_ids[codes[rows]]
        return np.where(ids == None, 0, ids).astype(np.int64)  # noqa: E711 - element by element

    def of(self, rows: NDArray[np.int64]) -> dict[str, list[Any]]:
        batch = self.batch
        # SQLite stores NaN as NULL.
        columns: dict[str, list[Any]] = {
            "time_ns": batch.time_ns[rows].tolist(),
            "value": batch.value[rows].tolist(),
        }
        quality = self._quality[rows]
        if bool(quality.any()):
            columns["quality"] = quality.tolist()
        for name, codes in (("state_id", batch.state[rows]), ("reason_id", batch.reason[rows])):
            if bool((codes != NO_WORD).any()):
                columns[name] = self._word_ids[codes].tolist()
        late = self._late[rows]
        if bool(late.any()):
            arrivals = batch.arrival_ns[rows].tolist()
            columns["arrival_ns"] = [a if kept else None for a, kept in zip(arrivals, late.tolist(), strict=True)]
        return columns


def _insert_known(
    connection: sqlite3.Connection, columns: _Columns, series_id: int, rows: NDArray[np.int64]
) -> tuple[int, int]:
    """Insert rows that may be there already; return how many were, and how many of those differed."""
    rewritten = len(rows) - _write(connection, columns, series_id, rows, "INSERT OR IGNORE", "")
    if not rewritten:
        return 0, 0
    differed = _write(connection, columns, series_id, rows, "INSERT", f"{_SAME_KEY} {_WHERE_DIFFERENT}")
    _write(connection, columns, series_id, rows, "INSERT", f"{_SAME_KEY} {_WHERE_ARRIVED_OTHERWISE}")
    return rewritten, differed


def _write(
    connection: sqlite3.Connection, columns: _Columns, series_id: int, rows: NDArray[np.int64], verb: str, clause: str
) -> int:
    """Run one statement over all rows; return how many rows it changed."""
    before = connection.total_changes
    for start in range(0, len(rows), _PIECE):
        piece = rows[start : start + _PIECE]
        data = columns.of(piece)
        values = chain.from_iterable(zip(*data.values(), strict=True))
        left = len(piece)
        for at_once in _AT_ONCE:
            statements, left = divmod(left, at_once)
            width = at_once * len(data)
            flat = islice(values, statements * width)
            statement = _statement(f"{verb} INTO sample(series_id, {', '.join(data)}) VALUES", len(data), at_once)
            connection.executemany(f"{statement} {clause}", zip(repeat(series_id), *[flat] * width, strict=False))
    return connection.total_changes - before


def _write_new(
    connection: sqlite3.Connection, columns: _Columns, series: list[int], rows: list[NDArray[np.int64]]
) -> None:
    """Insert rows of many signals; all of them are new."""
    data = columns.of(np.concatenate(rows))
    ids = np.repeat(np.array(series, np.int64), [len(of_one) for of_one in rows]).tolist()
    places = ", ".join(["?"] * (len(data) + 1))
    connection.executemany(
        f"INSERT INTO sample(series_id, {', '.join(data)}) VALUES({places})", zip(ids, *data.values(), strict=True)
    )


@lru_cache(maxsize=100)
def _statement(head: str, width: int, rows: int) -> str:
    row = f"(?1{', ?' * width})"
    return f"{head} {', '.join([row] * rows)}"
