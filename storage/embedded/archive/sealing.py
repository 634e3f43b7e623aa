"""Rows of days that are over become sealed files, and many files of a month one."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import numpy as np

from facility.errors import ArchiveAwayError, ArchiveError
from facility.sentence import Sentence
from storage.columns import FIRST_INT64, Columns, concat, overlay
from storage.data_dir import DataDir
from storage.embedded.archive import manifest
from storage.embedded.archive.files import read_samples
from storage.embedded.archive.layout import day_of, day_start, month_of
from storage.embedded.archive.manifest import SealedFile
from storage.embedded.archive.place import Place
from storage.embedded.archive.swap import MAX_SAMPLES, FileSwap, Step
from storage.embedded.row_checksums import add_entries, changed_days, entries_at, entries_between, negative
from storage.embedded.row_reading import nth_row_time, read_rows
from storage.telemetry_db import snapshot, transaction
from storage.upkeep import Sealed

_DELETE_AT_ONCE: Final = 50_000


def seal(swap: FileSwap, before_ns: int) -> Sealed:
    """Seal the rows of every UTC day that ends at or before an instant.

    Late rows of a day that is sealed already are merged into it, in a file of a new revision. Rows are deleted
    after the file counts, in pieces, and only those that are in the file to the bit: what came in
    meanwhile stays a row, which is read before what is sealed.

    Raises
    ------
    ArchiveError
        If something could not be sealed, naming all of it; the rest is sealed.
    ArchiveAwayError
        If the place cannot be reached; then nothing more is tried.
    """
    swap.tidy()
    done: list[Sealed] = []
    problems: list[object] = []
    series: list[tuple[int, str]] = swap.connection.execute("SELECT id, signal FROM series ORDER BY signal").fetchall()
    for series_id, signal in series:
        for days in _days_with_rows(swap, series_id, day_of(before_ns)):
            try:
                for run in _as_landed(swap, series_id, days, problems):
                    done.append(_seal_days(swap, series_id, signal, run))
            except ArchiveAwayError as error:
                raise ArchiveAwayError(Sentence.joined([*problems, error])) from error
            except ArchiveError as error:
                problems.append(error)
    if problems:
        raise ArchiveError(Sentence.joined(problems))
    return _total(done)


def merge_months(swap: FileSwap, before_ns: int) -> Sealed:
    """Merge the files of every month that ends at or before an instant, so that few are left.

    Raises
    ------
    ArchiveError
        If some could not be merged, naming all of them; the rest is merged.
    ArchiveAwayError
        If the place cannot be reached; then nothing more is tried.
    """
    swap.tidy()
    done: list[Sealed] = []
    problems: list[object] = []
    month_now = month_of(day_of(before_ns))
    key = _month_of_file
    for (series_id, signal, month), group in groupby(manifest.all_files(swap.connection), key):
        for files in _mergeable(list(group)) if month < month_now else ():
            try:
                content = read_files(swap.place, files)
                done.append(_sealed(swap.replace(series_id, signal, files, content)))
            except ArchiveAwayError as error:
                raise ArchiveAwayError(Sentence.joined([*problems, error])) from error
            except ArchiveError as error:
                problems.append(error)
    if problems:
        raise ArchiveError(Sentence.joined(problems))
    return _total(done)


def read_files(place: Place, files: Sequence[SealedFile]) -> Columns:
    """Return all that files hold, with arrivals."""
    return concat([read_samples(place, file, np.arange(len(file.groups)), arrival=True) for file in files])


def _days_with_rows(swap: FileSwap, series_id: int, before_day: int) -> Iterator[list[int]]:
    """Yield days that have rows, those of one month together as long as they are not too much at once."""
    days: list[int] = []
    samples = 0
    end = day_start(before_day)
    at: int | None = nth_row_time(swap.connection, series_id, FIRST_INT64, end, 0)
    while at is not None:
        day = day_of(at)
        query = "SELECT count(*) FROM sample WHERE series_id = ? AND time_ns >= ? AND time_ns < ?"
        (n,) = swap.connection.execute(query, (series_id, at, day_start(day + 1))).fetchone()
        if days and (month_of(day) != month_of(days[0]) or samples + n > MAX_SAMPLES):
            yield days
            days, samples = [], 0
        days.append(day)
        samples += n
        at = nth_row_time(swap.connection, series_id, day_start(day + 1), end, 0)
    if days:
        yield days


def _as_landed(swap: FileSwap, series_id: int, days: list[int], problems: list[object]) -> Iterator[list[int]]:
    """Yield runs of the days whose rows are what landed; of the others a problem is named, and they stay rows."""
    with snapshot(swap.connection):
        changed = {one.day: one for one in changed_days(swap.connection, series_id, (days[0], days[-1]))}
    for one in changed.values():
        problems.append(
            f"{DataDir(swap.data_dir).telemetry}: {one.describe()}: not sealed, and nothing was deleted. Restore the"
            " newest backup into another folder and compare; kado store verify --accept-rows lets them count as they"
            " are"
        )
    run: list[int] = []
    for day in days:
        if day in changed:
            if run:
                yield run
            run = []
        else:
            run.append(day)
    if run:
        yield run


def _seal_days(swap: FileSwap, series_id: int, signal: str, days: list[int]) -> Sealed:
    with snapshot(swap.connection):
        old = manifest.files_of_days(swap.connection, series_id, days[0], days[-1])
        start_ns, end_ns = day_start(days[0]), day_start(days[-1] + 1)
        rows = read_rows(swap.connection, series_id, start_ns, end_ns, arrival=True)
    before = read_files(swap.place, old)
    content = overlay(before, rows)
    done = Sealed()
    if not content.same_as(before):
        new = swap.replace(series_id, signal, old, content)
        done = _sealed(new)
    sealed = content.between(start_ns, end_ns)
    return Sealed(done.files, done.samples, done.bytes, _delete_rows(swap, series_id, sealed))


def _delete_rows(swap: FileSwap, series_id: int, sealed: Columns) -> int:
    """Delete the rows that say what was sealed; others have come in meanwhile and stay."""
    deleted = 0
    at, end_ns = int(sealed.time_ns[0]), int(sealed.time_ns[-1]) + 1
    while at < end_ns:
        with transaction(swap.connection):
            behind = nth_row_time(swap.connection, series_id, at, end_ns, _DELETE_AT_ONCE)
            until = end_ns if behind is None else behind
            rows = read_rows(swap.connection, series_id, at, until, arrival=True)
            known = rows.take(rows.found_in(sealed.time_ns))
            places = np.searchsorted(sealed.time_ns, known.time_ns)
            safe = known.take(known.identical(sealed.take(places)))
            if len(safe) == len(rows):
                span = (series_id, at, until)
                add_entries(swap.connection, [negative(entries_between(swap.connection, *span))])
                swap.connection.execute("DELETE FROM sample WHERE series_id = ? AND time_ns >= ? AND time_ns < ?", span)
            else:
                add_entries(swap.connection, [negative(entries_at(swap.connection, series_id, safe.time_ns))])
                keys = [(series_id, time) for time in safe.time_ns.tolist()]
                swap.connection.executemany("DELETE FROM sample WHERE series_id = ? AND time_ns = ?", keys)
        deleted += len(safe)
        at = until
        swap.at_step(Step.ROWS_DELETED)
    return deleted


def _month_of_file(file: SealedFile) -> tuple[int, str, tuple[int, int]]:
    return file.series_id, file.name.signal, month_of(file.name.first_day)


def _mergeable(files: list[SealedFile]) -> Iterator[list[SealedFile]]:
    """Yield neighbours that together are not too much for one file."""
    run: list[SealedFile] = []
    for file in [*files, None]:
        if file is None or sum(f.samples for f in run) + file.samples > MAX_SAMPLES:
            if len(run) > 1:
                yield run
            run = []
        if file is not None:
            run.append(file)


def _sealed(files: Sequence[SealedFile]) -> Sealed:
    return Sealed(len(files), sum(f.samples for f in files), sum(f.size for f in files))


def _total(done: Sequence[Sealed]) -> Sealed:
    return Sealed(
        sum(d.files for d in done),
        sum(d.samples for d in done),
        sum(d.bytes for d in done),
        sum(d.rows_deleted for d in done),
    )
