"""Samples out of the embedded store: a row replaces a sealed sample of the same time."""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from facility.batch import Samples
from facility.errors import ArchiveAwayError, ArchiveError
from facility.quality import TIME_REASONS, Quality
from storage.columns import LAST_INT64, Columns, concat, overlay
from storage.data_dir import DataDir
from storage.embedded.archive import manifest
from storage.embedded.archive.choice import place_of
from storage.embedded.archive.layout import day_of, day_start
from storage.embedded.archive.manifest import SealedFile
from storage.embedded.archive.place import Folder, MissingFileError
from storage.embedded.row_checksums import NEGATIVE_ZERO, changed_days
from storage.embedded.row_reading import nth_row_time, read_rows, row_times, series_id_of
from storage.minutes import MINUTE_NS, MinuteAggregates
from storage.store import Counted, LastValue, SeriesCount
from storage.telemetry_db import snapshot

_LOG: Final = logging.getLogger(__name__)

_PIECE: Final = 200_000
_PIECE_TO_SUM_UP: Final = 1_000_000
# So many files are looked at for one piece.
_FILES: Final = 16
_FILES_AT_ONCE: Final = 4
# Bytes beside the largest file: what is less is decoded sooner than a thread begins.
_WORTH_THREADS: Final = 1 << 18
T = TypeVar("T")
P = ParamSpec("P")

_NEWEST: Final = (
    "SELECT time_ns, value, word.text, quality FROM sample LEFT JOIN word ON word.id = state_id"
    " LEFT JOIN word AS reason ON reason.id = reason_id"
    " WHERE series_id = ? AND (reason.text IS NULL OR quality <> ? OR reason.text NOT IN (?, ?))"
    " ORDER BY time_ns DESC LIMIT 1"
)


class StoreReader:
    """Reads one facility; each call sees one state of the store, and so does each piece of `chunks`.

    Contract: manifest and rows are looked at in one short transaction, sealed files are read after it. A file
    that is replaced in between is not found, and then the look is taken again. No row group is read
    that the range does not touch, and no column that says nothing.
    """

    def __init__(self, connection: sqlite3.Connection, data_dir: Path, facility: str) -> None:
        self._connection = connection
        self._data_dir = data_dir
        self._facility = facility

    def read(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        """Return the samples stamped in ``[start_ns, end_ns)``; with `hold` from the last one before on."""

        def attempt() -> Samples:
            with snapshot(self._connection):
                series_id = series_id_of(self._connection, signal)
                if series_id is None:
                    return Samples.empty(self._facility, signal)
                begin = self._hold_begins(series_id, start_ns) if hold else start_ns
                files = manifest.files_between(self._connection, series_id, begin, end_ns)
                rows = read_rows(self._connection, series_id, begin, end_ns)
            found = self._merged(files, rows, begin, end_ns)
            if begin < start_ns:
                before = int(np.searchsorted(found.time_ns, start_ns)) - 1
                found = found.take(slice(max(0, before), None))
            return found.samples(self._facility, signal)

        return self._again_if_replaced(attempt)

    def chunks(self, signal: str, start_ns: int, end_ns: int, limit: int = _PIECE) -> Iterator[Samples]:
        """Yield the samples stamped in ``[start_ns, end_ns)`` in pieces; nothing is held between them."""
        while start_ns < end_ns:
            piece, start_ns = self._again_if_replaced(self._piece, signal, start_ns, end_ns, limit)
            if len(piece):
                yield piece.samples(self._facility, signal)

    def columns(self, signal: str, start_ns: int, end_ns: int, limit: int = _PIECE) -> Iterator[Columns]:
        """Yield the same with arrivals."""
        while start_ns < end_ns:
            piece, start_ns = self._again_if_replaced(self._piece, signal, start_ns, end_ns, limit, arrival=True)
            if len(piece):
                yield piece

    def to_sum_up(
        self, signal: str, start_ns: int, end_ns: int, edges: NDArray[np.int64]
    ) -> Iterator[Samples | MinuteAggregates]:
        """Yield what is stamped in ``[start_ns, end_ns)``, by the minute where no edge cuts a minute in two."""
        cuts = np.append(edges[(edges > start_ns) & (edges < end_ns)], [start_ns, end_ns])
        cut_days: set[int] = set((cuts[cuts % MINUTE_NS != 0] // (1440 * MINUTE_NS)).tolist())
        for first_ns, last_ns in self._whole_days(signal, start_ns, end_ns, cut_days):
            yield from self.chunks(signal, start_ns, first_ns, _PIECE_TO_SUM_UP)
            start_ns = min(last_ns, end_ns)
            found = self._again_if_replaced(self._minutes, signal, first_ns, start_ns)
            if found is None:
                yield from self.chunks(signal, first_ns, start_ns, _PIECE_TO_SUM_UP)
            elif len(found):
                yield found
        yield from self.chunks(signal, start_ns, end_ns, _PIECE_TO_SUM_UP)

    def last(self, signals: Sequence[str]) -> dict[str, LastValue]:
        """Return the newest sample of each signal that has one."""
        found = ((signal, self._again_if_replaced(self._last, signal)) for signal in signals)
        return {signal: newest for signal, newest in found if newest is not None}

    def series(self) -> list[SeriesCount]:
        """Count what rows and sealed files hold, in order of name; what is in both counts once."""
        return self._again_if_replaced(self._series)

    def counted(self) -> Counted:
        """Count rows and the samples of sealed files where they lie; compare rows with what landed."""

        def attempt() -> Counted:
            # Arrow is heavy, and only who verifies needs the files themselves.
            from storage.embedded.archive.files import count_files

            with snapshot(self._connection):
                files = manifest.all_files(self._connection)
                changed = [one.describe() for one in changed_days(self._connection)]
            sealed, lost, problems = count_files(place_of(self._connection, self._data_dir), files)
            with snapshot(self._connection):
                named = {file.id for file in manifest.all_files(self._connection)}
            if not lost <= named:
                return attempt()  # one of them was replaced meanwhile
            telemetry = DataDir(self._data_dir).telemetry
            return Counted(self._series(sealed, lost), [*problems, *(f"{telemetry}: {text}" for text in changed)])

        return self._again_if_replaced(attempt)

    def extent(self, signal: str) -> tuple[int, int] | None:
        """Return the stamps of a signal's first and last sample, from what the manifest and an index know."""
        with snapshot(self._connection):
            series_id = series_id_of(self._connection, signal)
            if series_id is None:
                return None
            found: list[int] = []
            for table, first, last in (("sample", "time_ns", "time_ns"), ("archive_file", "first_ns", "last_ns")):
                # Each end is one step in an index; min and max in one query would look at all of it.
                for column, order in ((first, last), (last, f"{last} DESC")):
                    query = f"SELECT {column} FROM {table} WHERE series_id = ? ORDER BY {order} LIMIT 1"
                    found += [time for (time,) in self._connection.execute(query, (series_id,))]
        return (min(found), max(found)) if found else None

    def _merged(
        self, files: list[SealedFile], rows: Columns, start_ns: int, end_ns: int, *, arrival: bool = False
    ) -> Columns:
        """Lay rows over what files hold in ``[start_ns, end_ns)``, file by file: late rows disturb one file only."""
        if not files:
            return rows
        # Arrow is heavy, and who touches no sealed file must not wait for it.
        from storage.embedded.archive.files import read_pieces

        place = place_of(self._connection, self._data_dir)

        def read(file: SealedFile) -> list[Columns]:
            return read_pieces(place, file, file.groups_between(start_ns, end_ns), arrival=arrival)

        sizes = sorted(int(file.groups["size"][file.groups_between(start_ns, end_ns)].sum()) for file in files)
        if sum(sizes[:-1]) > _WORTH_THREADS or (len(files) > 1 and not isinstance(place, Folder)):
            # Decoding goes on outside of Python, and so does waiting for a server.
            with ThreadPoolExecutor(_FILES_AT_ONCE, "archive") as pool:
                contents = list(pool.map(read, files))
        else:
            contents = [read(file) for file in files]
        pieces: list[Columns] = []
        at = start_ns
        for file, sealed in zip(files, contents, strict=True):
            pieces.append(rows.between(at, file.first_ns))
            at = min(file.last_ns + 1, end_ns)
            sealed = [piece.between(start_ns, end_ns) for piece in sealed]
            above = rows.between(max(start_ns, file.first_ns), at)
            pieces += [overlay(concat(sealed), above)] if len(above) else sealed
        pieces.append(rows.between(at, end_ns))
        return concat([piece for piece in pieces if len(piece)])

    def _piece(
        self, signal: str, start_ns: int, end_ns: int, limit: int, *, arrival: bool = False
    ) -> tuple[Columns, int]:
        with snapshot(self._connection):
            series_id = series_id_of(self._connection, signal)
            if series_id is None:
                return Columns.empty(), end_ns
            behind = nth_row_time(self._connection, series_id, start_ns, end_ns, limit)
            piece_end = end_ns if behind is None else behind
            files = manifest.files_between(self._connection, series_id, start_ns, piece_end, _FILES)
            if len(files) == _FILES:
                piece_end = min(piece_end, files[-1].last_ns + 1)
            piece_end = _end_of_groups(files, start_ns, piece_end, limit)
            files = [file for file in files if file.first_ns < piece_end]
            rows = read_rows(self._connection, series_id, start_ns, piece_end, arrival=arrival)
        return self._merged(files, rows, start_ns, piece_end, arrival=arrival), piece_end

    def _hold_begins(self, series_id: int, start_ns: int) -> int:
        """Return where to read from so that the last sample before `start_ns` is among what is read."""
        query = "SELECT max(time_ns) FROM sample WHERE series_id = ? AND time_ns < ?"
        (row,) = self._connection.execute(query, (series_id, start_ns)).fetchone()
        begins = [] if row is None else [row]
        file = manifest.last_file_before(self._connection, series_id, start_ns)
        if file is not None:
            group = file.groups[file.groups["first_ns"] < start_ns][-1]
            begins.append(int(group["last_ns"] if group["last_ns"] < start_ns else group["first_ns"]))
        return max(begins, default=start_ns)

    def _whole_days(self, signal: str, start_ns: int, end_ns: int, cut_days: set[int]) -> list[tuple[int, int]]:
        """Return runs of sealed days, each in one file, whose minutes can be used."""
        with snapshot(self._connection):
            series_id = series_id_of(self._connection, signal)
            files = [] if series_id is None else manifest.files_between(self._connection, series_id, start_ns, end_ns)
        runs: list[tuple[int, int]] = []
        for file in files:
            if not file.minutes_size:
                continue
            first, last = max(file.name.first_day, day_of(start_ns)), min(file.name.last_day, day_of(end_ns - 1))
            run_from = first
            for day in range(first, last + 2):
                if day in cut_days or day > last:
                    if run_from < day:
                        runs.append((max(start_ns, day_start(run_from)), day_start(day)))
                    run_from = day + 1
        return runs

    def _minutes(self, signal: str, start_ns: int, end_ns: int) -> MinuteAggregates | None:
        """Return the minutes of a run of days; None if its samples have to be looked at."""
        with snapshot(self._connection):
            series_id = series_id_of(self._connection, signal)
            if series_id is None or nth_row_time(self._connection, series_id, start_ns, end_ns, 0) is not None:
                return None
            files = manifest.files_between(self._connection, series_id, start_ns, end_ns)
        if len(files) != 1 or not files[0].minutes_size:
            return None
        from storage.embedded.archive.files import read_minutes

        place = place_of(self._connection, self._data_dir)
        try:
            return read_minutes(place, files[0]).between(start_ns, end_ns)
        except MissingFileError as error:
            if not place.holds(files[0].name.path("samples")):
                raise
            _LOG.warning("%s is missing: its samples are read instead", error.name)
        except ArchiveAwayError:
            raise
        except ArchiveError as error:
            _LOG.warning("%s: its samples are read instead", error)
        return None

    def _last(self, signal: str) -> LastValue | None:
        with snapshot(self._connection):
            series_id = series_id_of(self._connection, signal)
            if series_id is None:
                return None
            row = self._connection.execute(_NEWEST, (series_id, Quality.UNCERTAIN, *TIME_REASONS)).fetchone()
            file = manifest.last_file_before(self._connection, series_id, LAST_INT64)
        while file is not None and (row is None or row[0] < file.last_ns):
            # Mostly it is the file's last sample; all of it is read only where the stamp of that one cannot be true.
            for start_ns in (file.last_ns, file.first_ns):
                found = self._merged([file], Columns.empty(), start_ns, file.last_ns + 1).samples(
                    self._facility, signal
                )
                possible = np.flatnonzero(~found.with_impossible_time())
                if len(possible):
                    at = int(possible[-1])
                    if row is not None and row[0] >= found.time_ns[at]:
                        break
                    value, quality = float(found.value[at]), int(found.quality[at])
                    return LastValue(int(found.time_ns[at]), value, found.state_words()[at], quality)
            with snapshot(self._connection):
                file = manifest.last_file_before(self._connection, series_id, file.first_ns)
        if row is None:
            return None
        time_ns, value, state, quality = row
        if quality & NEGATIVE_ZERO:
            value, quality = -0.0, quality & ~NEGATIVE_ZERO
        return LastValue(time_ns, np.nan if value is None else value, state, quality)

    def _series(
        self, sealed_counts: list[SeriesCount] | None = None, lost: frozenset[int] = frozenset()
    ) -> list[SeriesCount]:
        """Count rows, and sealed samples by the manifest or as given; files `lost` are not read."""
        query = (
            "SELECT id, signal, n, first, last FROM series JOIN (SELECT series_id, count(*) AS n,"
            " min(time_ns) AS first, max(time_ns) AS last FROM sample GROUP BY series_id) ON series_id = id"
        )
        above: list[tuple[SealedFile, NDArray[np.int64]]] = []
        with snapshot(self._connection):
            found = manifest.count_samples(self._connection) if sealed_counts is None else sealed_counts
            counts = {count.signal: count for count in found}
            for series_id, signal, samples, first, last in self._connection.execute(query).fetchall():
                sealed = counts.get(signal)
                if sealed is None or sealed.first_ns is None or sealed.last_ns is None:
                    counts[signal] = SeriesCount(signal, samples, first, last)
                    continue
                ends = min(first, sealed.first_ns), max(last, sealed.last_ns)
                counts[signal] = SeriesCount(signal, sealed.samples + samples, *ends)
                for file in manifest.files_between(self._connection, series_id, first, last + 1):
                    times = row_times(self._connection, series_id, file.first_ns, file.last_ns + 1)
                    if len(times) and file.id not in lost:
                        above.append((file, times))
        for file, times in above:
            count = counts[file.name.signal]
            counts[count.signal] = replace(count, samples=count.samples - self._twice(file, times))
        return [counts[name] for name in sorted(counts)]

    def _twice(self, file: SealedFile, times: NDArray[np.int64]) -> int:
        sealed = self._merged([file], Columns.empty(), int(times[0]), int(times[-1]) + 1)
        return int(sealed.found_in(times).sum())

    def _again_if_replaced(self, attempt: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        missing: set[str] = set()
        while True:
            try:
                return attempt(*args, **kwargs)
            except MissingFileError as error:
                if error.name in missing:
                    raise
                missing.add(error.name)


def _end_of_groups(files: list[SealedFile], start_ns: int, end_ns: int, limit: int) -> int:
    """Return where a piece ends that takes whole row groups, as few as one and otherwise up to `limit` samples."""
    taken = 0
    for file in files:
        for i in file.groups_between(start_ns, end_ns).tolist():
            group = file.groups[i]
            taken += int(group["samples"])
            if taken > limit and taken > int(group["samples"]):
                return max(start_ns + 1, int(group["first_ns"]))
    return end_ns
