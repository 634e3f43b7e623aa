"""Rows of a file, column by column, and their way into samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from collector.causes import Cause
from collector.files.arrow import ArrowArray
from collector.files.decode import (
    FINE,
    CauseCodes,
    NumberRules,
    decode_numbers,
    decode_quality,
    decode_signals,
    decode_states,
    decode_words,
    foreign_words,
    mark,
    no_causes,
)
from collector.files.forms.form import PLAIN, Form
from collector.files.layout import Layout
from collector.files.times import TimeRules, decode_arrivals, decode_times
from facility.batch import Batch, Float64, Int32, Int64, UInt8
from facility.profile import Profile
from facility.quality import Quality
from facility.signals import LINK_WORDS, link_signal
from facility.time import EARLIEST_NS, LATEST_NS


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not even be cut into its columns."""

    number: int
    payload: bytes
    detail: str


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some rows that follow each other in a file; the columns are Arrow arrays of equal length."""

    number: Int64
    """(n,) where each row stands: its line in a CSV file (the header is line 1), its row in a Parquet file
    (from 1)."""
    time: ArrowArray
    value: ArrowArray
    signal: ArrowArray | None
    """None where the layout says which signal all rows are of."""
    quality: ArrowArray | None
    reason: ArrowArray | None
    arrival: ArrowArray | None
    """None where the file does not say when samples arrived: then they arrive now."""
    payload: Callable[[int], bytes]
    """Gives the row at an index as it stands in the file."""
    bad: tuple[BadRow, ...]
    """Rows between these that have no columns."""
    position: int
    """Where reading goes on after these rows: bytes of a CSV file, rows of a Parquet file."""
    last_number: int
    """Line or row before that position."""
    out_of_range: NDArray[np.bool_] | None = None
    """Which times lie outside the years that `time` can hold."""
    coarse_time: ArrowArray | None = None
    """The times in microseconds, in which also those are right; for messages."""
    done: int = 0
    """How far this is, in the unit of the file's `total`."""

    def __len__(self) -> int:
        return len(self.number)


class Decoder:
    """Turns rows into samples of one facility, by one layout; `sources` have links, which are signals too."""

    def __init__(self, profile: Profile, layout: Layout, sources: Sequence[str] = (), form: Form = PLAIN) -> None:
        zone = None if layout.time_zone is None else ZoneInfo(layout.time_zone)
        self.times = TimeRules(form.time_format, layout.assume_offset, zone, profile.zone, decimal=form.decimal)
        named = {layout.signal} if layout.signal is not None else {signal for _, signal in layout.names}
        unit = profile.signal(*named).unit if len(named) == 1 else None
        self._numbers = NumberRules(form.decimal, unit)
        self._facility = profile.id
        words_of = {s.id: s.words if s.type == "state" else None for s in profile.signals}
        words_of |= {link_signal(source): LINK_WORDS for source in sources}
        self._signals = tuple(words_of)
        # A Batch has one vocabulary; a signal may use its own words alone.
        self._words = tuple(dict.fromkeys(word for words in words_of.values() for word in words or ()))
        codes = {word: code for code, word in enumerate(self._words)}
        self._state_words = {
            code: {word: codes[word] for word in words}
            for code, words in enumerate(words_of.values())
            if words is not None
        }
        self._names = {name: code for code, name in enumerate(self._signals)}
        self._names |= {name: self._signals.index(signal) for name, signal in layout.names}
        self._one_signal = None if layout.signal is None else self._signals.index(layout.signal)

    def decode(self, rows: Rows, arrival_ns: int) -> tuple[Batch, CauseCodes]:
        """Return the samples among the rows, and for every row why it is not a sample (`FINE` if it is one)."""
        causes = no_causes(len(rows))
        stamps = decode_times(rows.time, self.times, causes)
        if rows.out_of_range is not None:
            mark(causes, rows.out_of_range, Cause.TIME_OUT_OF_RANGE)
        mark(causes, (stamps < EARLIEST_NS) | (stamps > LATEST_NS), Cause.TIME_OUT_OF_RANGE)
        if rows.signal is None:
            signal = np.full(len(rows), self._one_signal, np.int32)
        else:
            signal = decode_signals(rows.signal, self._names, causes)
        if rows.quality is None:
            quality = np.full(len(rows), Quality.GOOD, np.uint8)
        else:
            quality = decode_quality(rows.quality, causes)
        value, state = self._values(rows.value, signal, quality, causes)
        arrivals = np.full(len(rows), arrival_ns, np.int64)
        if rows.arrival is not None:
            arrivals = decode_arrivals(rows.arrival, self.times, stamps, causes)
        given = rows.reason if rows.reason is not None else foreign_words(rows.quality, quality)
        reason, words = (None, self._words) if given is None else decode_words(given, self._words)
        fine = causes == FINE
        batch = Batch.build(
            self._facility,
            self._signals,
            signal,
            stamps,
            arrival_ns=arrivals,
            value=value,
            state=state,
            quality=quality,
            reason=reason,
            words=words,
        )
        return batch if bool(fine.all()) else batch.take(fine), causes

    def _values(self, column: ArrowArray, signal: Int32, quality: UInt8, causes: CauseCodes) -> tuple[Float64, Int32]:
        present = {int(code) for code in np.flatnonzero(np.bincount(signal[signal >= 0]))}
        state_codes = sorted(present & self._state_words.keys())
        state = np.full(len(column), FINE, np.int32)
        if not state_codes:
            return decode_numbers(column, quality, causes, self._numbers), state
        value = np.full(len(column), np.nan)
        is_number = ~np.isin(signal, state_codes)
        groups = [(is_number, None)] + [(signal == code, self._state_words[code]) for code in state_codes]
        for where, words in groups:
            rows = np.flatnonzero(where)
            if not len(rows):
                continue
            part, part_causes = column.take(rows), causes[rows]
            if words is None:
                value[rows] = decode_numbers(part, quality[rows], part_causes, self._numbers)
            else:
                state[rows] = decode_states(part, words, quality[rows], part_causes)
            causes[rows] = part_causes
        return value, state
