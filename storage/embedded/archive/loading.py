"""History straight into sealed files, without ever being rows."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from facility.batch import Samples
from storage.columns import Columns, overlay
from storage.embedded.archive import manifest
from storage.embedded.archive.layout import day_of, day_start, month_of
from storage.embedded.archive.sealing import read_files
from storage.embedded.archive.swap import Beginning, FileSwap
from storage.embedded.row_reading import nth_row_time
from storage.embedded.row_writing import insert
from storage.store import Written
from storage.telemetry_db import transaction
from storage.telemetry_db.counters import CountKey, Entry, count
from storage.telemetry_db.series import advance, series_of

# So many files are encoded at once, and so many are begun before the first of them is written and compared: enough
# to go on with while the next history is made.
_AT_ONCE: Final = 2
_FILES_AHEAD: Final = 32
_SAMPLES_AHEAD: Final = 10_000_000
_NOTHING: Final = Written(0, 0, 0)


class _RowsCameError(Exception):
    """Rows of the same days were written meanwhile."""


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Samples of one signal and month that are being encoded, to be sealed."""

    signal: str
    series_id: int
    new: Columns
    written: Written
    begun: Beginning | None
    """None if all of it is sealed already."""

    @property
    def days(self) -> tuple[int, int]:
        """Return the days that it touches."""
        return day_of(int(self.new.time_ns[0])), day_of(int(self.new.time_ns[-1]))


def load(swap: FileSwap, histories: Iterable[Samples], source: str, before_ns: int) -> Written:
    """Store samples, each history of one signal, those of UTC days that end at or before `before_ns` as sealed files.

    The others, and those of days that have rows already, become rows. Each file is one transaction with its
    counts in the ledger, under `source`, as landing counts them: after a crash the same load goes on
    where it stopped, and what was there already is counted as rewritten. All is stored in the order given. While
    one file is written and compared, the next ones are encoded, and the next history is made if `histories` makes it.
    """
    done: list[Written] = []
    waiting: deque[_Piece] = deque()
    with ThreadPoolExecutor(_AT_ONCE, "encoding") as pool:
        for samples in histories:
            for new in _months(Columns.of(samples), day_start(day_of(before_ns))):
                # The next file may replace samples of this one.
                while waiting and (_is_much(waiting, new) or _touch(waiting, samples.signal, new)):
                    done.append(_finish(swap, waiting.popleft(), source))
                sealed = day_of(int(new.time_ns[-1])) < day_of(before_ns)
                piece = _begin(swap, samples.signal, new, pool) if sealed else None
                if piece is not None:
                    waiting.append(piece)
                    continue
                # Who finds this finds all that came before it.
                while waiting:
                    done.append(_finish(swap, waiting.popleft(), source))
                done.append(_load_rows(swap, samples.signal, new, source))
        done += [_finish(swap, piece, source) for piece in waiting]
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


def _is_much(waiting: Sequence[_Piece], new: Columns) -> bool:
    samples = sum(len(piece.new) for piece in waiting) + len(new)
    return len(waiting) >= _FILES_AHEAD or (len(waiting) >= _AT_ONCE and samples > _SAMPLES_AHEAD)


def _touch(waiting: Iterable[_Piece], signal: str, new: Columns) -> bool:
    """Say whether one that waits is of the same signal and month."""
    month = month_of(day_of(int(new.time_ns[0])))
    return any(piece.signal == signal and month_of(piece.days[0]) == month for piece in waiting)


def _begin(swap: FileSwap, signal: str, new: Columns, pool: Executor) -> _Piece | None:
    """Let samples of one month be encoded; None if there are rows of these days, over which they have to be laid."""
    connection = swap.connection
    first_day, last_day = day_of(int(new.time_ns[0])), day_of(int(new.time_ns[-1]))
    with transaction(connection):
        series_id, _ = series_of(connection, signal)
    if nth_row_time(connection, series_id, day_start(first_day), day_start(last_day + 1), 0) is not None:
        return None
    old = manifest.files_of_days(connection, series_id, first_day, last_day)
    before = read_files(swap.place, old)
    known = new.found_in(before.time_ns)
    again = new.take(known) if len(before) else Columns.empty()
    conflicts = int(again.differs(before.take(np.searchsorted(before.time_ns, again.time_ns))).sum())
    content = overlay(before, new)
    begun = None if content.same_as(before) else swap.begin(signal, old, content, pool)
    return _Piece(signal, series_id, new, Written(len(new), len(again), conflicts), begun)


def _finish(swap: FileSwap, piece: _Piece, source: str) -> Written:
    """Seal what was encoded; rows, if some of these days have come in meanwhile."""
    connection = swap.connection
    first_day, last_day = piece.days

    def account() -> None:
        if nth_row_time(connection, piece.series_id, day_start(first_day), day_start(last_day + 1), 0) is not None:
            raise _RowsCameError
        advance(connection, piece.series_id, int(piece.new.time_ns[-1]))
        _count(swap, piece.signal, source, piece.written)

    if piece.begun is None:
        with transaction(connection):
            _count(swap, piece.signal, source, piece.written)
        return piece.written
    try:
        swap.end(piece.series_id, piece.begun, account)
    except _RowsCameError:
        return _load_rows(swap, piece.signal, piece.new, source)
    return piece.written


def _load_rows(swap: FileSwap, signal: str, piece: Columns, source: str) -> Written:
    with transaction(swap.connection):
        written = insert(swap.connection, piece.batch(swap.facility, signal), swap.data_dir)
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
