"""Which samples of a batch say something about the same signal and time."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from facility.batch import Batch

Int64 = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The samples of one signal in a batch."""

    signal: str
    rows: Int64
    """(n,) their places in the batch, in order of time; of equal times in order of arrival."""
    repeats: Mask
    """(n,) whether a row has the time of the one before it, which it replaces."""

    @property
    def first(self) -> Int64:
        """The row of each time that arrived first."""
        return self.rows[~self.repeats]

    @property
    def last(self) -> Int64:
        """The row of each time that arrived last: the one that wins."""
        return self.rows[np.append(~self.repeats[1:], True)]


def parts(batch: Batch) -> Iterator[Part]:
    """Take a batch apart by signal."""
    if not len(batch):
        return
    by_signal = np.argsort(batch.signal, kind="stable")
    codes = batch.signal[by_signal]
    bounds = [0, *(np.flatnonzero(codes[1:] != codes[:-1]) + 1).tolist(), len(codes)]
    for start, end in pairwise(bounds):
        rows = by_signal[start:end]
        times = batch.time_ns[rows]
        if not bool(np.all(times[1:] > times[:-1])):
            by_time = np.argsort(times, kind="stable")
            rows, times = rows[by_time], times[by_time]
        repeats = np.zeros(len(rows), np.bool_)
        repeats[1:] = times[1:] == times[:-1]
        yield Part(batch.signals[int(codes[start])], rows, repeats)


def conflicts(batch: Batch, part: Part) -> Mask:
    """Return which rows of a part replace a row of the batch that says something different; (n,)."""
    found = part.repeats.copy()
    later = np.flatnonzero(part.repeats)
    here, before = part.rows[later], part.rows[later - 1]
    # To the bit: -0.0 is not 0.0.
    same_value = (batch.value[here].view(np.int64) == batch.value[before].view(np.int64)) | (
        np.isnan(batch.value[here]) & np.isnan(batch.value[before])
    )
    found[later] = ~(
        same_value
        & (batch.state[here] == batch.state[before])
        & (batch.quality[here] == batch.quality[before])
        & (batch.reason[here] == batch.reason[before])
    )
    return found
