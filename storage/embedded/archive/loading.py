"""History straight into sealed files, without ever being rows."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from facility.batch import Samples
from storage.counters import CountKey, Entry, count
from storage.embedded.archive import manifest
from storage.embedded.archive.layout import day_of, day_start, month_of
from storage.embedded.archive.sealing import read_files
from storage.embedded.archive.swap import FileSwap
from storage.embedded.columns import Columns, overlay
from storage.embedded.row_reading import nth_row_time
from storage.embedded.rows import as_batch, insert
from storage.series import advance, series_of
from storage.store import Written
from storage.telemetry_db import transaction

_NOTHING: Final = Written(0, 0, 0)


class _RowsCameError(Exception):
    """Somebody wrote rows of the same days meanwhile."""


def load(swap: FileSwap, samples: Samples, source: str, before_ns: int) -> Written:
    """Store samples of one signal, those of UTC days that end at or before `before_ns` as sealed files.

    The others, and those of days of which there are rows, become rows. Each file is one transaction with its
    counts in the ledger, under `source`, as landing counts them: after a crash the same load goes on
    where it stopped, and what was there already is counted as rewritten.
    """
    done: list[Written] = []
    for piece in _months(Columns.of(samples), day_start(day_of(before_ns))):
        sealed = day_of(int(piece.time_ns[-1])) < day_of(before_ns)
        written = _load_sealed(swap, samples.signal, piece, source) if sealed else None
        done.append(written or _load_rows(swap, samples.signal, piece, source))
    return Written(
        sum((d.stored for d in done), 0),
        sum((d.rewritten for d in done), 0),
        sum((d.conflicts for d in done), 0),
    )


def _months(columns: Columns, end_ns: int) -> Iterator[Columns]:
    """Split columns into months, and at the instant up to which days are closed."""
    at = 0
    while at < len(columns):
        day = day_of(int(columns.time_ns[at]))
        year, month = month_of(day)
        next_month = day
        while month_of(next_month) == (year, month):
            next_month += 1
        until = day_start(next_month)
        if columns.time_ns[at] < end_ns < until:
            until = end_ns
        end = int(np.searchsorted(columns.time_ns, until))
        yield columns.take(slice(at, end))
        at = end


def _load_sealed(swap: FileSwap, signal: str, new: Columns, source: str) -> Written | None:
    """Seal samples of one month; None if there are rows of these days, over which they have to be laid."""
    connection = swap.connection
    first_day, last_day = day_of(int(new.time_ns[0])), day_of(int(new.time_ns[-1]))
    with transaction(connection):
        series_id, _ = series_of(connection, signal)
    days = (day_start(first_day), day_start(last_day + 1))
    if nth_row_time(connection, series_id, *days, 0) is not None:
        return None
    old = manifest.files_of_days(connection, series_id, first_day, last_day)
    before = read_files(swap.place, old)
    known = new.found_in(before.time_ns)
    again = new.take(known)
    conflicts = int(again.differs(before.take(np.searchsorted(before.time_ns, again.time_ns))).sum())
    written = Written(len(new), len(again), conflicts)

    def account() -> None:
        if nth_row_time(connection, series_id, *days, 0) is not None:
            raise _RowsCameError
        advance(connection, series_id, int(new.time_ns[-1]))
        _count(swap, signal, source, written)

    content = overlay(before, new)
    if content.same_as(before):
        with transaction(connection):
            _count(swap, signal, source, written)
        return written
    try:
        swap.replace(series_id, signal, old, content, account)
    except _RowsCameError:
        return None
    return written


def _load_rows(swap: FileSwap, signal: str, piece: Columns, source: str) -> Written:
    with transaction(swap.connection):
        written = insert(swap.connection, as_batch(swap.facility, signal, piece), swap.data_dir)
        total = _NOTHING
        for s in written:
            total = Written(s.stored, s.rewritten, s.conflicts)
        _count(swap, signal, source, total)
    return total


def _count(swap: FileSwap, signal: str, source: str, written: Written) -> None:
    counts: dict[CountKey, int] = {
        (source, signal, Entry.RECEIVED, ""): written.stored,
        (source, signal, Entry.STORED, ""): written.stored,
        (source, signal, Entry.REWRITTEN, ""): written.rewritten,
        (source, signal, Entry.CONFLICT, ""): written.conflicts,
    }
    count(swap.connection, counts)
