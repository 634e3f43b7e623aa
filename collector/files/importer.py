"""Import of one file: its rows into samples, each block in one transaction with the place where it ends.

What an interrupted import has committed stays, and the next run of the same import goes on behind it. A file
that was imported to its end is not read again unless that is asked for: it would be harmless (the same signal
and time is the same sample), and is useful when the store was changed since.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

from collector.arrival import Arrival, FilePosition
from collector.causes import Cause
from collector.files.csv_file import CsvFile
from collector.files.layout import Layout
from collector.files.parquet_file import ParquetFile
from collector.files.rejections import reject_rows
from collector.files.rows import Decoder
from collector.files.state import ImportState
from collector.files.summary import ImportProgress, ImportSummary
from collector.intake import Intake
from collector.landing import Landing
from facility.errors import DataError, UsageError
from facility.profile import Profile
from facility.source import Delivery
from facility.time import Clock, system_clock
from storage.telemetry_db import StoreKind, open_reader
from storage.telemetry_db.connection import decoding
from storage.telemetry_db.counters import Entry, total_of
from storage.telemetry_db.landed import position_of

IMPORT_SOURCE = "import"
"""The source that imported samples are counted for in the ledger."""

_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"


def import_file(
    path: Path,
    layout: Layout,
    profile: Profile,
    data_dir: Path,
    store_kind: StoreKind,
    *,
    clock: Clock = system_clock,
    again: bool = False,
    sources: Sequence[str] = (),
    progress: Callable[[ImportProgress], None] = lambda _: None,
) -> ImportSummary:
    """Import a CSV or Parquet file into a data directory.

    Parameters
    ----------
    path
        The file; what it is, is told from its content.
    again
        Read a file that was imported before once more, from its beginning.
    sources
        Ids of the configured sources: their links may be imported too.
    progress
        Called whenever a block of rows has become durable.

    Raises
    ------
    UsageError
        If the file, its columns, or the layout cannot be right; nothing was stored.
    DataError
        If the file cannot be read on. What was read is stored, and the same import goes on there.
    LockedError
        If another process, such as ``kado run``, writes in the directory.
    """
    layout.check(profile)
    file = _open(path, layout)
    opened = path.stat()
    key = _key(path, layout, profile)
    intake = Intake(profile, [IMPORT_SOURCE, *sources], clock)
    decoder = Decoder(profile, layout, sources)
    with (
        Landing.open(data_dir, profile.id, store_kind, clock) as landing,
        closing(open_reader(data_dir)) as committed,
    ):
        state = ImportState() if again else _saved_state(committed, key)
        if state.finished_ns is not None:
            return _summary(file, state, profile, finished_before_ns=state.finished_ns)
        resumed_after = state.last_number or None
        rewrites = _Rewrites(committed, state)

        def land(arrival: Arrival) -> None:
            state.store(arrival.batch)
            rewrites.count()
            landing.land_now(replace(arrival, position=FilePosition(key, state.to_json())))

        for rows in file.blocks(state.position, state.last_number):
            now = clock()
            batch, causes = decoder.decode(rows, now)
            state.read += len(rows) + len(rows.bad)
            rejected = reject_rows(rows, causes, path.name, now, state)
            state.position, state.last_number = rows.position, rows.last_number
            land(intake.check(IMPORT_SOURCE, Delivery(batch, rejected)))
            progress(ImportProgress(rows.done, file.total, state.read, state.read - state.stored))
        if not state.read:
            raise UsageError(f"{path} has no rows")
        closed = path.stat()
        if (opened.st_size, opened.st_mtime_ns) != (closed.st_size, closed.st_mtime_ns):
            raise DataError(f"{path} was changed while it was read: import it again when it is complete")
        state.finished_ns = clock()
        land(Arrival(IMPORT_SOURCE, None))
        return _summary(file, state, profile, resumed_after=resumed_after)


class _Rewrites:
    """Counts in an import's state what storing its samples has done to others, as the ledger says."""

    def __init__(self, committed: sqlite3.Connection, state: ImportState) -> None:
        self._committed = committed
        self._state = state
        self._before = state.rewritten - self._total(Entry.REWRITTEN), state.conflicts - self._total(Entry.CONFLICT)

    def count(self) -> None:
        self._state.rewritten = self._before[0] + self._total(Entry.REWRITTEN)
        self._state.conflicts = self._before[1] + self._total(Entry.CONFLICT)

    def _total(self, entry: Entry) -> int:
        return total_of(self._committed, IMPORT_SOURCE, entry)


def _saved_state(committed: sqlite3.Connection, key: str) -> ImportState:
    saved = position_of(committed, key)
    with decoding(committed, "import_file"):
        return ImportState() if saved is None else ImportState.from_json(saved)


def _open(path: Path, layout: Layout) -> CsvFile | ParquetFile:
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if head == _ZIP:
        raise UsageError(f"{path} is a ZIP archive or an Excel workbook: save its table as CSV (UTF-8) and import that")
    return ParquetFile(path, layout) if head == _PARQUET else CsvFile(path, layout)


def _key(path: Path, layout: Layout, profile: Profile) -> str:
    """Stand for the content, how it is read, and what it is checked against: a mended profile reads it anew."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    signals = [[s.id, s.type, s.words, s.unit] for s in profile.signals]
    digest.update(json.dumps([asdict(layout), signals]).encode())
    return digest.hexdigest()


def _summary(
    file: CsvFile | ParquetFile,
    state: ImportState,
    profile: Profile,
    *,
    resumed_after: int | None = None,
    finished_before_ns: int | None = None,
) -> ImportSummary:
    return ImportSummary(
        file=str(file.path),
        row_word=file.row_word,
        read=state.read,
        stored=state.stored,
        rewritten=state.rewritten,
        conflicts=state.conflicts,
        rejected=tuple(sorted(state.rejected.values(), key=lambda rows: -rows.count)),
        first_ns=state.first_ns,
        last_ns=state.last_ns,
        resumed_after=resumed_after,
        finished_before_ns=finished_before_ns,
        advice=None if state.stored else _advice(state, profile),
    )


def _advice(state: ImportState, profile: Profile) -> str | None:
    """Say what to do when nothing could be stored, by the most frequent cause."""
    match max(state.rejected.values(), key=lambda rows: rows.count).cause:
        case Cause.NAIVE_TIME:
            return "say which offset from UTC the times are in with --assume-offset, such as --assume-offset +09:00"
        case Cause.BAD_TIME:
            return (
                "write the times as ISO 8601 with an offset (2026-11-23T12:00:00.5+09:00) or as whole nanoseconds since"
                " 1970 (seconds times 1,000,000,000), or name another column with --time-column"
            )
        case Cause.UNKNOWN_SIGNAL:
            known = ", ".join(s.id for s in profile.signals)
            return f"name the signals as facility {profile.id} does ({known}), or describe yours in its profile"
        case Cause.WRONG_TYPE | Cause.UNKNOWN_STATE:
            return "name the column that holds the values with --value-column"
        case Cause.BAD_ROW:
            return "make the rows have the columns that the header names, separated by ','"
        case _:
            return None
