"""Samples cut into equal pieces of time, for drawing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import Samples
from facility.errors import UsageError
from facility.quality import Quality
from facility.sentence import Sentence
from facility.time import NS_PER_H
from storage.minutes import MINUTE_NS, MinuteAggregates
from storage.store import Buckets

MAX_BUCKETS: Final = 2_000
WIDE_NS: Final = NS_PER_H
"""From this width on buckets are whole minutes wide."""


def check_bucket_count(signal: str, count: int) -> None:
    """Refuse a number of buckets that no drawing needs.

    Raises
    ------
    UsageError
        Unless `count` is 1 to 2,000.
    """
    if not 1 <= count <= MAX_BUCKETS:
        raise UsageError(
            Sentence(
                "{count} buckets of {signal} were asked for: 1 to {max_buckets} are possible; ask for fewer, or read()",
                count=count,
                signal=signal,
                max_buckets=MAX_BUCKETS,
            )
        )


def bucket_edges(start_ns: int, end_ns: int, count: int) -> NDArray[np.int64]:
    """Return where buckets begin, and the end of the last one; (count + 1,), those behind `end_ns` left out."""
    width = _width(start_ns, end_ns, count)
    n = min(count, max(0, -(-(end_ns - start_ns) // width)))
    return np.append(start_ns + np.arange(n, dtype=np.int64) * width, end_ns)


def bucketise(
    signal: str, pieces: Iterable[Samples | MinuteAggregates], start_ns: int, end_ns: int, count: int
) -> Buckets:
    """Cut ``[start_ns, end_ns)`` into at most `count` buckets of equal width; the last one may be shorter.

    The width is rounded up to whole ns, from an hour on to whole minutes: then, if the range begins with a minute,
    all can be drawn from minutes, and at most one in sixty buckets is missing from what was asked for.

    Samples that are bad, or not numbers, are passed over as if they were not there. A sample holds to the next
    one, at most to the end of its bucket and of the range; nothing holds into the next bucket.

    Parameters
    ----------
    signal
        Named in errors.
    pieces
        What is stamped in the range, in pieces that follow each other in time: samples, or minutes; no minute is
        cut by an edge of a bucket (`bucket_edges`), which give the same.
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
    sums = _Sums(start_ns, end_ns, _width(start_ns, end_ns, count), count)
    for piece in pieces:
        sums.add(_of_minutes(piece) if isinstance(piece, MinuteAggregates) else _of_samples(piece))
    return sums.buckets()


def _width(start_ns: int, end_ns: int, count: int) -> int:
    width = max(1, -(-(end_ns - start_ns) // count))
    return width if width < WIDE_NS else -(-width // MINUTE_NS) * MINUTE_NS


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """Samples or minutes alike: known from `start`, summed up until `covered`, holding `last` from there on."""

    start: NDArray[np.int64]
    covered: NDArray[np.int64]
    last: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    count: NDArray[np.int64] | None = None
    """None for samples: one each, with nothing summed up."""
    weighted: NDArray[np.float64] | None = None


def _of_samples(samples: Samples) -> _Spans:
    good = ~np.isnan(samples.value)
    good &= samples.quality <= Quality.UNCERTAIN
    times, values = samples.time_ns, samples.value
    if not bool(good.all()):
        times, values = times[good], values[good]
    return _Spans(times, times, values, values, values)


def _of_minutes(minutes: MinuteAggregates) -> _Spans:
    covered = minutes.start_ns + MINUTE_NS
    known = minutes.known_ns
    return _Spans(covered - known, covered, minutes.last, minutes.min, minutes.max, minutes.count, known * minutes.mean)


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
        # How long the newest value holds is known when the next one comes; until then it is held for the least time.
        self._open_from = start_ns
        self._open_bucket = -1

    def add(self, spans: _Spans) -> None:
        """Add what follows; each value holds to the next one or to the end of its bucket."""
        n = len(spans.start)
        if not n:
            return
        self._hold_until(int(spans.start[0]))
        first_bucket, last_bucket = ((int(spans.start[i]) - self._start) // self._width for i in (0, -1))
        edges = self._start + np.arange(first_bucket, last_bucket + 2, dtype=np.int64) * self._width
        cuts = np.append(np.searchsorted(spans.start, edges[:-1]), n)
        some = np.flatnonzero(np.diff(cuts))
        which, first, last = first_bucket + some, cuts[some], cuts[some + 1] - 1
        held = np.empty(n)
        np.subtract(spans.start[1:], spans.covered[:-1], out=held[:-1], casting="unsafe")
        held[last] = np.minimum(edges[some + 1], self._end) - spans.covered[last]
        # Of the newest one it is not known yet.
        held[-1] = 0.0
        self._weight[which] += np.add.reduceat(held, first)
        if spans.weighted is not None:
            self._weight[which] += np.add.reduceat(spans.covered - spans.start, first)
        held *= spans.last
        if spans.weighted is not None:
            held += spans.weighted
        self._weighted[which] += np.add.reduceat(held, first)
        self._count[which] += last - first + 1 if spans.count is None else np.add.reduceat(spans.count, first)
        self._min[which] = np.minimum(self._min[which], np.minimum.reduceat(spans.low, first))
        self._max[which] = np.maximum(self._max[which], np.maximum.reduceat(spans.high, first))
        self._last[which] = spans.last[last]
        self._open_from, self._open_bucket = int(spans.covered[-1]), last_bucket

    def buckets(self) -> Buckets:
        self._hold_until(self._end)
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

    def _hold_until(self, until_ns: int) -> None:
        if self._open_bucket < 0:
            return
        bucket = self._open_bucket
        bucket_end = min(self._start + (bucket + 1) * self._width, self._end)
        held = float(min(until_ns, bucket_end) - self._open_from)
        self._weight[bucket] += held
        self._weighted[bucket] += held * self._last[bucket]
