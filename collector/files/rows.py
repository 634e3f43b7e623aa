"""Rows of a file, column by column, and their way into samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from collector.causes import Cause
from collector.files.arrow import ArrowArray
from collector.files.decode import (
    FINE,
    CauseCodes,
    decode_arrivals,
    decode_numbers,
    decode_quality,
    decode_signals,
    decode_states,
    decode_times,
    decode_words,
    mark,
    no_causes,
)
from collector.files.layout import Layout
from collector.intake import EARLIEST_NS, LATEST_NS
from facility.batch import Batch, Float64, Int32, Int64, UInt8
from facility.profile import Profile
from facility.quality import Quality
from facility.signals import LINK_WORDS, link_signal


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
    done: int
    """How far this is, in the unit of the file's `total`."""

    def __len__(self) -> int:
        return len(self.number)


class Decoder:
    """Turns rows into samples of one facility, by one layout; `sources` have links, which are signals too."""

    def __init__(self, profile: Profile, layout: Layout, sources: Sequence[str] = ()) -> None:
        self._layout = layout
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
        self._one_signal = None if layout.signal is None else self._signals.index(layout.signal)

    def decode(self, rows: Rows, arrival_ns: int) -> tuple[Batch, CauseCodes]:
        """Return the samples among the rows, and for every row why it is none (`FINE` where it is one)."""
        causes = no_causes(len(rows))
        stamps = decode_times(rows.time, self._layout.assume_offset, causes)
        mark(causes, (stamps < EARLIEST_NS) | (stamps > LATEST_NS), Cause.TIME_OUT_OF_RANGE)
        if rows.signal is None:
            signal = np.full(len(rows), self._one_signal, np.int32)
        else:
            signal = decode_signals(rows.signal, self._signals, causes)
        if rows.quality is None:
            quality = np.full(len(rows), Quality.GOOD, np.uint8)
        else:
            quality = decode_quality(rows.quality, causes)
        value, state = self._values(rows.value, signal, quality, causes)
        arrivals = np.full(len(rows), arrival_ns, np.int64)
        if rows.arrival is not None:
            arrivals = decode_arrivals(rows.arrival, self._layout.assume_offset, stamps, causes)
        reason, words = (None, self._words) if rows.reason is None else decode_words(rows.reason, self._words)
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
            return decode_numbers(column, quality, causes), state
        value = np.full(len(column), np.nan)
        is_number = ~np.isin(signal, state_codes)
        groups = [(is_number, None)] + [(signal == code, self._state_words[code]) for code in state_codes]
        for where, words in groups:
            rows = np.flatnonzero(where)
            if not len(rows):
                continue
            part, part_causes = column.take(rows), causes[rows]
            if words is None:
                value[rows] = decode_numbers(part, quality[rows], part_causes)
            else:
                state[rows] = decode_states(part, words, quality[rows], part_causes)
            causes[rows] = part_causes
        return value, state
