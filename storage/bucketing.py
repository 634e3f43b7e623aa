"""Samples cut into equal pieces of time, for drawing."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import Samples
from facility.errors import UsageError
from facility.quality import Quality
from storage.store import Buckets

MAX_BUCKETS: Final = 2_000


def check_bucket_count(signal: str, count: int) -> None:
    """Refuse a number of buckets that no drawing needs.

    Raises
    ------
    UsageError
        Unless `count` is 1 to 2,000.
    """
    if not 1 <= count <= MAX_BUCKETS:
        raise UsageError(
            f"{count} buckets of {signal} were asked for: 1 to {MAX_BUCKETS} are possible; ask for fewer, or read()"
        )


def bucketise(signal: str, pieces: Iterable[Samples], start_ns: int, end_ns: int, count: int) -> Buckets:
    """Cut ``[start_ns, end_ns)`` into `count` buckets of equal width (rounded up to whole ns).

    Samples that are bad, or not numbers, are passed over as if they were not there. A sample holds to the next
    one, at most to the end of its bucket and of the range; nothing holds into the next bucket.

    Parameters
    ----------
    signal
        Named in errors.
    pieces
        Samples stamped in the range, in pieces that follow each other in time.
    start_ns, end_ns
        UTC ns.
    count
        1 to 2,000.

    Raises
    ------
    UsageError
        If `count` is out of range.

    Examples
    --------
    >>> samples = Samples.sorted("ring", "stored_current", [0, 9, 10], [100.0, 200.0, 50.0])
    >>> bucketise("stored_current", [samples], 0, 20, 2).mean.tolist()
    [110.0, 50.0]
    """
    check_bucket_count(signal, count)
    width = max(1, -(-(end_ns - start_ns) // count))
    sums = _Sums(start_ns, end_ns, width, count)
    open_time, open_value = np.empty(0, np.int64), np.empty(0)
    for piece in pieces:
        good = (piece.quality <= Quality.UNCERTAIN) & ~np.isnan(piece.value)
        times = np.concatenate([open_time, piece.time_ns[good]])
        values = np.concatenate([open_value, piece.value[good]])
        # How long the newest sample holds is known when the next one comes.
        sums.add(times[:-1], values[:-1], times[1:])
        open_time, open_value = times[-1:], values[-1:]
    sums.add(open_time, open_value, np.full(len(open_time), end_ns, np.int64))
    return sums.buckets()


class _Sums:
    def __init__(self, start_ns: int, end_ns: int, width_ns: int, count: int) -> None:
        self._start = start_ns
        self._end = end_ns
        self._width = width_ns
        self._count = np.zeros(count, np.int64)
        self._weight = np.zeros(count)
        self._weighted = np.zeros(count)
        self._min = np.full(count, np.inf)
        self._max = np.full(count, -np.inf)
        self._last = np.full(count, np.nan)

    def add(self, times: NDArray[np.int64], values: NDArray[np.float64], until: NDArray[np.int64]) -> None:
        """Add samples; each holds to `until` or to the end of its bucket."""
        if not len(times):
            return
        n = len(self._count)
        bucket = (times - self._start) // self._width
        bucket_end = np.minimum(self._start + (bucket + 1) * self._width, self._end)
        held = (np.minimum(until, bucket_end) - times).astype(np.float64)
        first = np.flatnonzero(np.append(True, bucket[1:] != bucket[:-1]))
        which = bucket[first]
        self._count += np.bincount(bucket, minlength=n)
        self._weight += np.bincount(bucket, held, n)
        self._weighted += np.bincount(bucket, held * values, n)
        self._min[which] = np.minimum(self._min[which], np.minimum.reduceat(values, first))
        self._max[which] = np.maximum(self._max[which], np.maximum.reduceat(values, first))
        self._last[which] = values[np.append(first[1:], len(values)) - 1]

    def buckets(self) -> Buckets:
        some = np.flatnonzero(self._count)
        low, high = self._min[some], self._max[some]
        return Buckets(
            start_ns=self._start + some * self._width,
            width_ns=self._width,
            count=self._count[some],
            # Rounding must not carry a mean out of what it is the mean of.
            mean=np.clip(self._weighted[some] / self._weight[some], low, high),
            min=low,
            max=high,
            last=self._last[some],
        )
