"""Retention by signal: whole sealed files go as soon as all of them is old enough, and the rows before them."""

import logging
from dataclasses import dataclass
from typing import Final

from facility.errors import ArchiveError
from facility.sentence import Sentence
from facility.signals import link_signal
from facility.time import NS_PER_DAY, format_time
from storage.columns import FIRST_INT64, Columns
from storage.embedded.archive import manifest
from storage.embedded.archive.layout import day_of, day_start
from storage.embedded.archive.manifest import SealedFile
from storage.embedded.archive.sealing import read_files
from storage.embedded.archive.swap import FileSwap
from storage.embedded.deleting import KeepDays, delete_rows
from storage.embedded.row_checksums import add_entries, entries_between, negative
from storage.embedded.row_reading import nth_row_time, row_times
from storage.telemetry_db.counters import Entry, count

_LOG: Final = logging.getLogger(__name__)

_LINK: Final = link_signal("")


@dataclass(frozen=True, slots=True)
class Dropped:
    """What retention deleted of one signal."""

    signal: str
    before_ns: int
    """All that was stamped before this is gone."""
    samples: int


def apply_retention(swap: FileSwap, keep_days: KeepDays, now_ns: int) -> list[Dropped]:
    """Delete what is older than it has to be kept, signal by signal; log and return what went.

    Cheap: a sealed file is dropped as a whole when its newest sample is old enough, never rewritten, so up to a
    month more is kept than asked for. Days are counted from `now_ns` or, where the newest sample is more than a day
    older, from the day behind that: a clock that runs ahead deletes nothing. Links do not count as samples there,
    for they carry the same clock's stamps.

    Raises
    ------
    ArchiveError
        If some could not be deleted, naming all of it; the rest is.
    """
    swap.tidy()
    series: list[tuple[int, str, int | None]] = swap.connection.execute(
        "SELECT id, signal, newest_ns FROM series ORDER BY signal"
    ).fetchall()
    measured = [newest for _, signal, newest in series if newest is not None and not signal.endswith(_LINK)]
    reference_ns = min(now_ns, max(measured) + NS_PER_DAY) if measured else FIRST_INT64
    dropped: list[Dropped] = []
    problems: list[object] = []
    for series_id, signal, _ in series:
        days = keep_days(signal)
        if days is None:
            continue
        before_ns = _boundary(swap, series_id, day_start(day_of(reference_ns) - days))
        try:
            samples = _drop(swap, series_id, signal, before_ns)
        except ArchiveError as error:
            problems.append(error)
            continue
        if samples:
            dropped.append(Dropped(signal, before_ns, samples))
            _LOG.info("retention: deleted %d samples of %s from before %s", samples, signal, format_time(before_ns))
    if problems:
        raise ArchiveError(Sentence.joined(problems))
    return dropped


def _boundary(swap: FileSwap, series_id: int, before_ns: int) -> int:
    """Return an instant that cuts no file: a row must not go from over a sample that it has replaced."""
    cut = manifest.files_between(swap.connection, series_id, before_ns, before_ns, 1)
    return min([before_ns, *(day_start(file.name.first_day) for file in cut)])


def _drop(swap: FileSwap, series_id: int, signal: str, before_ns: int) -> int:
    samples = 0
    if manifest.last_file_before(swap.connection, series_id, before_ns) is not None:
        samples += delete_sealed(swap, series_id, signal, before_ns)
    if nth_row_time(swap.connection, series_id, FIRST_INT64, before_ns, 0) is not None:
        samples += delete_rows(swap.connection, signal, before_ns)
    return samples


def delete_sealed(swap: FileSwap, series_id: int, signal: str, before_ns: int) -> int:
    """Delete what sealed files hold before an instant, with the rows that lie over it; return how many samples.

    Files go as a whole; one that the instant cuts is sealed again without what was before it. Each file is one
    transaction with its count in the ledger.
    """
    files = manifest.files_between(swap.connection, series_id, FIRST_INT64, before_ns)
    return sum(_delete_from(swap, series_id, signal, file, before_ns) for file in files)


def _delete_from(swap: FileSwap, series_id: int, signal: str, file: SealedFile, before_ns: int) -> int:
    end_ns = min(before_ns, file.last_ns + 1)
    content: Columns | None = None
    above = len(row_times(swap.connection, series_id, file.first_ns, end_ns))
    if end_ns <= file.last_ns or above:
        content = read_files(swap.place, [file])
    gone = file.samples if content is None else len(content.between(file.first_ns, end_ns))
    deleted = gone

    def account() -> None:
        nonlocal deleted
        rows = row_times(swap.connection, series_id, file.first_ns, end_ns)
        if len(rows):
            held = content if content is not None else read_files(swap.place, [file])
            deleted = gone + len(rows) - int(held.found_in(rows).sum())
            gone_rows = entries_between(swap.connection, series_id, file.first_ns, end_ns)
            add_entries(swap.connection, [negative(gone_rows)])
            swap.connection.execute(
                "DELETE FROM sample WHERE series_id = ? AND time_ns >= ? AND time_ns < ?",
                (series_id, file.first_ns, end_ns),
            )
        count(swap.connection, {("", signal, Entry.DELETED, ""): deleted})

    left = Columns.empty() if content is None else content.between(end_ns, file.last_ns + 1)
    swap.replace(series_id, signal, [file], left, account)
    return deleted
