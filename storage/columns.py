"""All that a store holds of one signal, as columns: samples with the arrivals that are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from facility.batch import NO_WORD, Batch, Samples
from facility.time import NS_PER_S

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Mask = NDArray[np.bool_]

FIRST_INT64: Final = -(2**63)
LAST_INT64: Final = 2**63 - 1
"""Stamps of all rows lie between, whatever they are."""
NO_ARRIVAL: Final = FIRST_INT64
"""In a column of arrivals: the sample arrived when it was stamped. No instant has this number."""
CLOCK_TOLERANCE_NS: Final = 2 * NS_PER_S
"""An arrival is kept only where it differs from the stamp by more than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns of equal length, in order of time unless something else is said."""

    time_ns: Int64
    value: NDArray[np.float64]
    """(n,) NaN where there is no number."""
    quality: NDArray[np.uint8]
    state: Int32 | None = None
    """(n,) index into `words`, -1 for none; None if no sample has one."""
    reason: Int32 | None = None
    arrival_ns: Int64 | None = None
    """(n,) `NO_ARRIVAL` for none; None if no sample has one."""
    words: tuple[str, ...] = ()

    @classmethod
    def empty(cls) -> Self:
        """Return no samples."""
        return cls(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint8))

    @classmethod
    def of(cls, samples: Samples, arrival_ns: Int64 | None = None) -> Self:
        """Take the columns of samples, as they are."""
        s = samples
        return cls(s.time_ns, s.value, s.quality, s.state, s.reason, arrival_ns, s.words)

    @classmethod
    def of_batch(cls, batch: Batch) -> Self:
        """Take the columns of a batch of one signal, in order of time; an arrival only where it is kept."""
        late = np.abs(batch.arrival_ns - batch.time_ns) > CLOCK_TOLERANCE_NS
        return cls(
            batch.time_ns,
            batch.value,
            batch.quality,
            batch.state if bool(np.any(batch.state != NO_WORD)) else None,
            batch.reason if bool(np.any(batch.reason != NO_WORD)) else None,
            np.where(late, batch.arrival_ns, NO_ARRIVAL) if bool(late.any()) else None,
            batch.words,
        )

    def batch(self, facility: str, signal: str) -> Batch:
        """Return them as they would come in; a sample without an arrival arrived when it was stamped."""
        arrivals = self.time_ns
        if self.arrival_ns is not None:
            arrivals = np.where(self.arrival_ns == NO_ARRIVAL, arrivals, self.arrival_ns)
        return Batch.build(
            facility,
            [signal],
            np.zeros(len(self), np.int32),
            self.time_ns,
            arrival_ns=arrivals,
            value=self.value,
            state=self.state,
            quality=self.quality,
            reason=self.reason,
            words=self.words,
        )

    def samples(self, facility: str, signal: str) -> Samples:
        """Return them without the arrivals."""
        return Samples(facility, signal, self.time_ns, self.value, self.quality, self.state, self.reason, self.words)

    def __len__(self) -> int:
        return len(self.time_ns)

    def take(self, which: "Mask | Int64 | slice") -> "Columns":
        """Return those that `which` selects."""
        return Columns(
            self.time_ns[which],
            self.value[which],
            self.quality[which],
            None if self.state is None else self.state[which],
            None if self.reason is None else self.reason[which],
            None if self.arrival_ns is None else self.arrival_ns[which],
            self.words,
        )

    def between(self, start_ns: int, end_ns: int) -> "Columns":
        """Return those stamped in ``[start_ns, end_ns)``, as views."""
        first, last = np.searchsorted(self.time_ns, [start_ns, end_ns]).tolist()
        return self.take(slice(first, last))

    def found_in(self, times: Int64) -> Mask:
        """Return which of the stamps are among `times`, which are in order; (n,)."""
        if not len(times):
            return np.zeros(len(self), np.bool_)
        at = np.minimum(np.searchsorted(times, self.time_ns), len(times) - 1)
        return times[at] == self.time_ns

    def differs(self, other: "Columns") -> Mask:
        """Return which samples say something else than those of `other` at the same place; arrivals say nothing."""
        same = (self.value.view(np.int64) == other.value.view(np.int64)) | (
            np.isnan(self.value) & np.isnan(other.value)
        )
        same &= self.quality == other.quality
        words = tuple(dict.fromkeys((*self.words, *other.words)))
        for ours, theirs in ((self.state, other.state), (self.reason, other.reason)):
            if ours is not None or theirs is not None:
                same &= _recoded(ours, self, words) == _recoded(theirs, other, words)
        return ~same

    def identical(self, other: "Columns") -> Mask:
        """Return which samples are those of `other` at the same place, to the bit and with their arrivals."""
        same = ~self.differs(other)
        same &= self.time_ns == other.time_ns
        if self.arrival_ns is not None or other.arrival_ns is not None:
            same &= _arrivals(self) == _arrivals(other)
        return same

    def same_as(self, other: "Columns") -> bool:
        """Say whether both are the same, to the bit."""
        if len(self) != len(other) or not np.array_equal(self.time_ns, other.time_ns):
            return False
        plain = all(c is None for of in (self, other) for c in (of.state, of.reason, of.arrival_ns))
        # Most are plain numbers, and equal: then no sample has to be looked at by itself.
        if plain and np.array_equal(self.value.view(np.int64), other.value.view(np.int64)):
            return np.array_equal(self.quality, other.quality)
        return bool(np.all(self.identical(other)))


def concat(pieces: Sequence[Columns]) -> Columns:
    """Join columns in the order given."""
    if not pieces:
        return Columns.empty()
    if len(pieces) == 1:
        return pieces[0]
    words = tuple(dict.fromkeys(word for piece in pieces for word in piece.words))
    has_state = any(p.state is not None for p in pieces)
    has_reason = any(p.reason is not None for p in pieces)
    has_arrival = any(p.arrival_ns is not None for p in pieces)
    return Columns(
        np.concatenate([p.time_ns for p in pieces]),
        np.concatenate([p.value for p in pieces]),
        np.concatenate([p.quality for p in pieces]),
        np.concatenate([_recoded(p.state, p, words) for p in pieces]) if has_state else None,
        np.concatenate([_recoded(p.reason, p, words) for p in pieces]) if has_reason else None,
        np.concatenate([_arrivals(p) for p in pieces]) if has_arrival else None,
        words,
    )


def overlay(under: Columns, over: Columns) -> Columns:
    """Merge two in order of time; at equal times that of `over` wins, in all its fields."""
    if not len(over) or not len(under):
        return over if len(over) else under
    if over.time_ns[0] > under.time_ns[-1]:
        return concat([under, over])
    if over.time_ns[-1] < under.time_ns[0]:
        return concat([over, under])
    both = concat([under, over])
    # A stable sort leaves those of `over` behind their equals.
    order = np.argsort(both.time_ns, kind="stable")
    times = both.time_ns[order]
    return both.take(order[np.append(times[1:] != times[:-1], True)])


def _recoded(codes: Int32 | None, of: Columns, words: tuple[str, ...]) -> Int32:
    if codes is None:
        return np.full(len(of), NO_WORD, np.int32)
    if of.words == words:
        return codes
    place = {word: i for i, word in enumerate(words)}
    return np.array([*(place[word] for word in of.words), NO_WORD], dtype=np.int32)[codes]


def _arrivals(of: Columns) -> Int64:
    return np.full(len(of), NO_ARRIVAL, np.int64) if of.arrival_ns is None else of.arrival_ns
