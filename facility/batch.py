"""Samples as columns: `Batch` on the way in, `Samples` on the way out.

A sample is ``(facility, signal, time_ns, value, quality)``. Its value is a float64 or a state, a word of a
closed set. There is never one object a sample: both classes hold NumPy columns of equal length.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from facility.errors import DataError
from facility.quality import TIME_REASONS, Quality
from facility.sentence import Sentence

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
UInt8 = NDArray[np.uint8]
Float64 = NDArray[np.float64]

NO_WORD = -1
"""In a state or reason column: none."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Samples of one facility, signals mixed, in order of arrival.

    The same signal and time may occur more than once: the last one wins when it is stored.
    """

    facility: str
    signals: tuple[str, ...]
    """What the codes in `signal` stand for."""
    words: tuple[str, ...]
    """What the codes in `state` and `reason` stand for."""
    signal: Int32
    """(n,) index into `signals`."""
    time_ns: Int64
    """(n,) the source's stamp, UTC ns."""
    arrival_ns: Int64
    """(n,) when the collector got it, UTC ns."""
    value: Float64
    """(n,) NaN for a state, and where a bad sample has no number."""
    state: Int32
    """(n,) index into `words`, -1 for a number."""
    quality: UInt8
    """(n,) `Quality`."""
    reason: Int32
    """(n,) index into `words`, -1 for none: the source's own severity, or ``clock``."""

    def __post_init__(self) -> None:
        columns = {
            "signal": (self.signal, np.int32),
            "time_ns": (self.time_ns, np.int64),
            "arrival_ns": (self.arrival_ns, np.int64),
            "value": (self.value, np.float64),
            "state": (self.state, np.int32),
            "quality": (self.quality, np.uint8),
            "reason": (self.reason, np.int32),
        }
        _check_columns("batch", columns)

    @classmethod
    def build(
        cls,
        facility: str,
        signals: Sequence[str],
        signal: ArrayLike,
        time_ns: ArrayLike,
        *,
        arrival_ns: ArrayLike | None = None,
        value: ArrayLike | None = None,
        state: ArrayLike | None = None,
        quality: ArrayLike | None = None,
        reason: ArrayLike | None = None,
        words: Sequence[str] = (),
    ) -> Self:
        """Make a batch from whatever columns there are; the others get their neutral value.

        Without `arrival_ns` the samples arrived when they were stamped; without `value` they have no number;
        without `state`, `quality`, `reason` they are good numbers.
        """
        times = np.asarray(time_ns, dtype=np.int64)
        n = len(times)
        return cls(
            facility=facility,
            signals=tuple(signals),
            words=tuple(words),
            signal=np.asarray(signal, dtype=np.int32),
            time_ns=times,
            arrival_ns=times if arrival_ns is None else np.asarray(arrival_ns, dtype=np.int64),
            value=np.full(n, np.nan) if value is None else np.asarray(value, dtype=np.float64),
            state=np.full(n, NO_WORD, np.int32) if state is None else np.asarray(state, dtype=np.int32),
            quality=np.zeros(n, np.uint8) if quality is None else np.asarray(quality, dtype=np.uint8),
            reason=np.full(n, NO_WORD, np.int32) if reason is None else np.asarray(reason, dtype=np.int32),
        )

    @classmethod
    def of_numbers(
        cls,
        facility: str,
        signal: str,
        time_ns: ArrayLike,
        value: ArrayLike,
        quality: ArrayLike | None = None,
    ) -> Self:
        """Make a batch of one signal's numbers."""
        times = np.asarray(time_ns, dtype=np.int64)
        codes = np.zeros(len(times), np.int32)
        return cls.build(facility, [signal], codes, times, value=value, quality=quality)

    @classmethod
    def of_states(cls, facility: str, signal: str, time_ns: ArrayLike, words: Sequence[str]) -> Self:
        """Make a batch of one signal's states, one word for each time."""
        vocabulary = tuple(dict.fromkeys(words))
        codes = {word: i for i, word in enumerate(vocabulary)}
        times = np.asarray(time_ns, dtype=np.int64)
        state = [codes[word] for word in words]
        return cls.build(facility, [signal], np.zeros(len(times), np.int32), times, state=state, words=vocabulary)

    def __len__(self) -> int:
        return len(self.time_ns)

    def take(self, which: NDArray[np.bool_] | Int64) -> "Batch":
        """Return the samples that `which` selects (a mask or indices), with the same vocabularies."""
        return Batch(
            facility=self.facility,
            signals=self.signals,
            words=self.words,
            signal=self.signal[which],
            time_ns=self.time_ns[which],
            arrival_ns=self.arrival_ns[which],
            value=self.value[which],
            state=self.state[which],
            quality=self.quality[which],
            reason=self.reason[which],
        )

    def with_impossible_time(self) -> NDArray[np.bool_]:
        """Return for each sample whether its stamp cannot be true; see `facility.quality.TIME_REASONS`."""
        codes = [self.words.index(reason) for reason in TIME_REASONS if reason in self.words]
        if not codes:
            return np.zeros(len(self), np.bool_)
        return (self.quality == Quality.UNCERTAIN) & np.isin(self.reason, codes)

    def by_signal(self) -> Iterator[tuple[str, "Samples"]]:
        """Yield each signal that occurs, with its samples in order of time, the last of equal times winning."""
        counts = np.bincount(self.signal, minlength=len(self.signals))
        codes: list[int] = np.flatnonzero(counts).tolist()
        # Where the samples of a signal lie together, its columns are views of the batch's.
        together = bool(np.all(self.signal[1:] >= self.signal[:-1]))
        ends: list[int] = np.cumsum(counts).tolist()
        for code in codes:
            rows = slice(ends[code] - counts[code], ends[code]) if together else np.flatnonzero(self.signal == code)
            yield (
                self.signals[code],
                Samples.sorted(
                    self.facility,
                    self.signals[code],
                    self.time_ns[rows],
                    self.value[rows],
                    quality=self.quality[rows],
                    state=self.state[rows],
                    reason=self.reason[rows],
                    words=self.words,
                ),
            )

    @classmethod
    def concat(cls, batches: Sequence["Batch"]) -> "Batch":
        """Join batches of one facility, in the order given.

        Raises
        ------
        DataError
            If there is no batch, or they are of several facilities.
        """
        facilities = {b.facility for b in batches}
        if len(facilities) != 1:
            raise DataError(
                Sentence(
                    "batches of {facilities} cannot be joined: a batch has one facility", facilities=sorted(facilities)
                )
            )
        if len(batches) == 1:
            return batches[0]
        signals = tuple(dict.fromkeys(s for b in batches for s in b.signals))
        words = tuple(dict.fromkeys(w for b in batches for w in b.words))
        signal_code = {s: i for i, s in enumerate(signals)}
        word_code = {w: i for i, w in enumerate(words)}

        def recode(codes: Int32, names: Sequence[str], table: dict[str, int]) -> Int32:
            # The extra last entry makes index -1 (none) map to -1.
            return np.array([*(table[n] for n in names), NO_WORD], dtype=np.int32)[codes]

        return cls(
            facility=batches[0].facility,
            signals=signals,
            words=words,
            signal=np.concatenate([recode(b.signal, b.signals, signal_code) for b in batches]),
            time_ns=np.concatenate([b.time_ns for b in batches]),
            arrival_ns=np.concatenate([b.arrival_ns for b in batches]),
            value=np.concatenate([b.value for b in batches]),
            state=np.concatenate([recode(b.state, b.words, word_code) for b in batches]),
            quality=np.concatenate([b.quality for b in batches]),
            reason=np.concatenate([recode(b.reason, b.words, word_code) for b in batches]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples of one signal, strictly increasing in time."""

    facility: str
    signal: str
    time_ns: Int64
    """(n,) strictly increasing, UTC ns."""
    value: Float64
    """(n,) NaN for a state, and where a bad sample has no number."""
    quality: UInt8
    """(n,) `Quality`."""
    state: Int32 | None = None
    """(n,) index into `words`, -1 for a number; None if no sample is a state."""
    reason: Int32 | None = None
    """(n,) index into `words`, -1 for none; None if no sample has a reason."""
    words: tuple[str, ...] = ()
    """What the codes in `state` and `reason` stand for."""

    def __post_init__(self) -> None:
        columns: dict[str, tuple[NDArray[np.generic], type[np.generic]]] = {
            "time_ns": (self.time_ns, np.int64),
            "value": (self.value, np.float64),
            "quality": (self.quality, np.uint8),
        }
        if self.state is not None:
            columns["state"] = (self.state, np.int32)
        if self.reason is not None:
            columns["reason"] = (self.reason, np.int32)
        _check_columns(f"samples of {self.signal}", columns)
        if len(self.time_ns) > 1 and not bool(np.all(self.time_ns[1:] > self.time_ns[:-1])):
            raise DataError(
                Sentence(
                    "samples of {signal} are not strictly increasing in time: sort and merge them first",
                    signal=self.signal,
                )
            )

    @classmethod
    def sorted(
        cls,
        facility: str,
        signal: str,
        time_ns: ArrayLike,
        value: ArrayLike,
        *,
        quality: ArrayLike | None = None,
        state: ArrayLike | None = None,
        reason: ArrayLike | None = None,
        words: Sequence[str] = (),
    ) -> Self:
        """Make samples from columns in any order; of equal times the last one given wins."""
        times = np.asarray(time_ns, dtype=np.int64)
        n = len(times)
        order: Int64 | slice = slice(None)
        if n > 1 and not bool(np.all(times[1:] > times[:-1])):
            # A stable sort keeps arrival order among equal times; the last of each run is the one to keep.
            by_time = np.argsort(times, kind="stable")
            ordered = times[by_time]
            order = by_time[np.append(ordered[1:] != ordered[:-1], True)]

        def column(data: ArrayLike | None, kind: type[np.int32]) -> Int32 | None:
            if data is None:
                return None
            codes = np.asarray(data, dtype=kind)[order]
            return codes if bool(np.any(codes != NO_WORD)) else None

        return cls(
            facility,
            signal,
            times[order],
            np.asarray(value, dtype=np.float64)[order],
            (np.full(n, Quality.GOOD, np.uint8) if quality is None else np.asarray(quality, dtype=np.uint8))[order],
            column(state, np.int32),
            column(reason, np.int32),
            tuple(words),
        )

    @classmethod
    def joined(cls, pieces: Sequence["Samples"]) -> "Samples":
        """Join samples of one signal that follow each other in time.

        Raises
        ------
        DataError
            If there are no samples, they are of several signals, or they do not follow each other.
        """
        series = {(p.facility, p.signal) for p in pieces}
        if len(series) != 1:
            raise DataError(
                Sentence("samples of {series} cannot be joined: they must be of one signal", series=sorted(series))
            )
        if len(pieces) == 1:
            return pieces[0]
        words = tuple(dict.fromkeys(w for p in pieces for w in p.words))
        code = {w: i for i, w in enumerate(words)}

        def codes(column: Int32 | None, piece: "Samples") -> Int32:
            if column is None:
                return np.full(len(piece), NO_WORD, np.int32)
            return np.array([*(code[w] for w in piece.words), NO_WORD], dtype=np.int32)[column]

        has_state = any(p.state is not None for p in pieces)
        has_reason = any(p.reason is not None for p in pieces)
        return cls(
            pieces[0].facility,
            pieces[0].signal,
            np.concatenate([p.time_ns for p in pieces]),
            np.concatenate([p.value for p in pieces]),
            np.concatenate([p.quality for p in pieces]),
            np.concatenate([codes(p.state, p) for p in pieces]) if has_state else None,
            np.concatenate([codes(p.reason, p) for p in pieces]) if has_reason else None,
            words,
        )

    @classmethod
    def empty(cls, facility: str, signal: str) -> Self:
        """Return no samples."""
        return cls(facility, signal, np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint8))

    def __len__(self) -> int:
        return len(self.time_ns)

    def between(self, start_ns: int, end_ns: int) -> "Samples":
        """Return the samples stamped in ``[start_ns, end_ns)``, as views of the same arrays."""
        first, last = np.searchsorted(self.time_ns, [start_ns, end_ns], side="left").tolist()
        part = slice(first, last)
        return Samples(
            self.facility,
            self.signal,
            self.time_ns[part],
            self.value[part],
            self.quality[part],
            None if self.state is None else self.state[part],
            None if self.reason is None else self.reason[part],
            self.words,
        )

    def with_impossible_time(self, part: slice = slice(None)) -> NDArray[np.bool_]:
        """Return for each sample of `part` whether its stamp cannot be true; see `facility.quality.TIME_REASONS`."""
        codes = [self.words.index(reason) for reason in TIME_REASONS if reason in self.words]
        if self.reason is None or not codes:
            return np.zeros(len(self.quality[part]), np.bool_)
        return (self.quality[part] == Quality.UNCERTAIN) & np.isin(self.reason[part], codes)

    def state_words(self) -> list[str | None]:
        """Return each sample's state as its word, None where it is a number."""
        if self.state is None:
            return [None] * len(self)
        return [None if code == NO_WORD else self.words[code] for code in self.state.tolist()]

    def in_state(self, word: str) -> NDArray[np.bool_]:
        """Return for each sample whether its state is `word`, as `state_words` says it."""
        if self.state is None or word not in self.words:
            return np.zeros(len(self), np.bool_)
        return np.isin(self.state, [code for code, known in enumerate(self.words) if known == word])


def join_by_signal(batches: Sequence[Batch]) -> dict[str, Samples]:
    """Return the samples of each signal that occurs, as `Batch.by_signal` does of all these batches joined.

    Raises
    ------
    DataError
        If there is no batch, or they are of several facilities.
    """
    pieces: dict[str, list[Samples]] = {}
    for batch in batches:
        for name, samples in batch.by_signal():
            pieces.setdefault(name, []).append(samples)
    follow = all(a.time_ns[-1] < b.time_ns[0] for found in pieces.values() for a, b in pairwise(found))
    if not follow or len({b.facility for b in batches}) != 1:
        return dict(Batch.concat(batches).by_signal())
    in_order = dict.fromkeys(name for batch in batches for name in batch.signals)
    return {name: Samples.joined(pieces[name]) for name in in_order if name in pieces}


def _check_columns(what: str, columns: Mapping[str, tuple[NDArray[np.generic], type[np.generic]]]) -> None:
    length = len(columns["time_ns"][0])
    for name, (column, dtype) in columns.items():
        if column.ndim != 1 or column.dtype != dtype or len(column) != length:
            raise DataError(
                Sentence(
                    "{what}: column {name} is {dtype}{shape}, wanted {wanted}[{length}]",
                    what=what,
                    name=name,
                    dtype=column.dtype,
                    shape=list(column.shape),
                    wanted=np.dtype(dtype),
                    length=length,
                )
            )
