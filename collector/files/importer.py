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
from collector.files.decode import CauseCodes
from collector.files.layout import Layout
from collector.files.opening import open_file, unit_notes
from collector.files.parquet_file import ParquetFile
from collector.files.rejections import MAX_TEXT, reject_rows
from collector.files.rows import Decoder, Rows
from collector.files.state import ImportState
from collector.files.summary import ImportProgress, ImportSummary
from collector.files.times import ClocksGoBackError
from collector.intake import Intake
from collector.landing import Landing
from facility.batch import Batch
from facility.errors import DataError, UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.source import Delivery
from facility.time import Clock, system_clock
from storage.telemetry_db import StoreKind, open_reader
from storage.telemetry_db.commits import position_of
from storage.telemetry_db.connection import decoding
from storage.telemetry_db.counters import Entry, total_of

IMPORT_SOURCE = "import"
"""The source that imported samples are counted for in the ledger."""


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
        The file; its form is recognised from its content.
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
    file, decoded = open_file(path, layout)
    notes = (*file.form.notes, *unit_notes(file, layout, profile))
    opened = path.stat()
    key = _key(path, layout, profile)
    intake = Intake(profile, [IMPORT_SOURCE, *sources], clock)
    decoder = Decoder(profile, decoded, sources, file.form)
    with (
        Landing.open(data_dir, profile.id, store_kind, clock) as landing,
        closing(open_reader(data_dir)) as committed,
    ):
        state = ImportState() if again else _saved_state(committed, key)
        if state.finished_ns is not None:
            return _summary(file, state, profile, notes, finished_before_ns=state.finished_ns)
        decoder.times.last_ns = state.last_stamp_ns
        resumed_after = state.last_number or None
        rewrites = _Rewrites(committed, state)

        def land(arrival: Arrival) -> None:
            state.store(arrival.batch)
            rewrites.count()
            landing.land_now(replace(arrival, position=FilePosition(key, state.to_json())))

        for rows in file.blocks(state.position, state.last_number):
            now = clock()
            batch, causes = _decode(decoder, rows, now, file)
            state.read += len(rows) + len(rows.bad)
            rejected = reject_rows(rows, causes, path.name, now, state)
            state.position, state.last_number = rows.position, rows.last_number
            state.last_stamp_ns = decoder.times.last_ns
            arrival = intake.check(IMPORT_SOURCE, Delivery(batch, rejected))
            for rejection in arrival.rejected[len(rejected) :]:
                state.reject_samples(Cause(rejection.cause), rejection.count, rejection.detail[:MAX_TEXT])
            land(arrival)
            progress(ImportProgress(rows.done, file.total, state.read, state.read - state.stored, rows.last_number))
        if not state.read:
            raise UsageError(Sentence("{path} has no rows", path=path))
        closed = path.stat()
        if (opened.st_size, opened.st_mtime_ns) != (closed.st_size, closed.st_mtime_ns):
            raise DataError(
                Sentence("{path} was changed while it was read: import it again when it is complete", path=path)
            )
        state.finished_ns = clock()
        land(Arrival(IMPORT_SOURCE, None))
        return _summary(file, state, profile, notes, resumed_after=resumed_after)


def _decode(decoder: Decoder, rows: Rows, now_ns: int, file: CsvFile | ParquetFile) -> tuple[Batch, CauseCodes]:
    try:
        return decoder.decode(rows, now_ns)
    except ClocksGoBackError as error:
        raise UsageError(
            Sentence(
                "{file}, {row_word} {number}: {error}",
                file=file.path,
                row_word=file.row_word,
                number=rows.number[error.row],
                error=error,
            )
        ) from error


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


def _key(path: Path, layout: Layout, profile: Profile) -> str:
    """Identify the content, how it is read and checked: after a correction of the profile it is read again."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    signals = [[s.id, s.type, s.words, s.unit] for s in profile.signals]
    digest.update(json.dumps([asdict(layout), signals]).encode())
    return digest.hexdigest()


def _summary(
    file: CsvFile | ParquetFile,
    state: ImportState,
    profile: Profile,
    notes: tuple[str, ...],
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
        doubted=state.doubted,
        rejected=tuple(sorted(state.rejected.values(), key=lambda rows: -rows.count)),
        first_ns=state.first_ns,
        last_ns=state.last_ns,
        resumed_after=resumed_after,
        finished_before_ns=finished_before_ns,
        form=file.form.describe(),
        notes=notes,
        advice=None if state.stored else _advice(state, profile),
    )


def _advice(state: ImportState, profile: Profile) -> str | None:
    """Say what to do when nothing could be stored, by the most frequent cause."""
    match max(state.rejected.values(), key=lambda rows: rows.count).cause:
        case Cause.NAIVE_TIME:
            return (
                "say which offset from UTC the times are in with --assume-offset, such as --assume-offset +09:00, or in"
                f" which zone with --time-zone, such as --time-zone {profile.time_zone}"
            )
        case Cause.BAD_TIME:
            return (
                "say how the times are written with --time-format (iso, s, ms, us, ns, excel, or a pattern such as"
                " '%d.%m.%Y %H:%M:%S'), or name another column with --time-column"
            )
        case Cause.UNKNOWN_SIGNAL:
            known = ", ".join(s.id for s in profile.signals)
            return (
                f"say which signals of facility {profile.id} ({known}) they are with --map NAME=SIGNAL, or describe"
                " yours in its profile"
            )
        case Cause.WRONG_TYPE | Cause.UNKNOWN_STATE:
            return (
                "see with --dry-run how the values are understood; --value-column names another column, --decimal ','"
                " a decimal comma, and values with another unit than the signal's have to be converted"
            )
        case Cause.BAD_ROW:
            return "make the rows have the columns that the header names, or say with --delimiter what separates them"
        case _:
            return None
