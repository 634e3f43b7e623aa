"""Buckets for drawing out of InfluxDB: from minutes where they are valid, from samples elsewhere."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import Samples
from facility.time import NS_PER_DAY
from storage.influxdb.client import MissingBucketError
from storage.influxdb.minutes import Done, MinutesBucket
from storage.minutes import MINUTE_NS, MinuteAggregates

LEAST_RANGE_NS: Final = 2 * NS_PER_DAY
"""Shorter ranges are read sample by sample: asking what is done would take as long."""
LEAST_WIDTH_NS: Final = 4 * MINUTE_NS
"""In narrower buckets too many minutes are cut in two by an edge."""
STRETCH_COSTS: Final = 800
"""The samples of a minute by themselves cost as much as so many in one go: each is a statement of its own."""
SAMPLE_COSTS_S: Final = 2e-6
"""What a sample takes when many are read in one go and the server has nothing else to do: twice the measured."""

_TRIED = 16


class MinutesChangedError(Exception):
    """A day was written to while its minutes were read: begin again."""


class Summing:
    """Yields pieces for `storage.bucketing.bucketise`, in order of time.

    Minutes are taken of days whose mark is valid. The marks are read again at the end: what changed meanwhile
    raises `MinutesChangedError`. A minute that an edge cuts in two is read from its samples.

    Parameters
    ----------
    read
        Reads the samples of a signal in a range, piece by piece.
    read_stretches
        Reads the samples of a signal in several ranges that follow each other, as one.
    """

    def __init__(
        self,
        bucket: MinutesBucket,
        read: Callable[[str, int, int], Iterator[Samples]],
        read_stretches: Callable[[str, list[tuple[int, int]]], Samples],
    ) -> None:
        self._bucket = bucket
        self._read = read
        self._read_stretches = read_stretches

    def pieces(
        self, signal: str, start_ns: int, end_ns: int, edges: NDArray[np.int64]
    ) -> Iterator[Samples | MinuteAggregates]:
        """Yield what is stamped in ``[start_ns, end_ns)``, which `edges` cut into buckets."""
        first_day, last_day = start_ns // NS_PER_DAY, (end_ns - 1) // NS_PER_DAY
        valid = self._valid(signal, first_day, last_day)
        at = start_ns
        for run_first, run_last in _runs(valid):
            run_start = -(-max(start_ns, run_first * NS_PER_DAY) // MINUTE_NS) * MINUTE_NS
            run_end = min(end_ns, (run_last + 1) * NS_PER_DAY) // MINUTE_NS * MINUTE_NS
            if run_start >= run_end:
                continue
            yield from self._read(signal, at, run_start)
            for minutes in self._bucket.read(signal, run_start, run_end):
                yield from self._cut(signal, minutes, edges)
            at = run_end
        yield from self._read(signal, at, end_ns)
        if valid:
            now = self._valid(signal, first_day, last_day)
            if any(now.get(day) != done for day, done in valid.items()):
                raise MinutesChangedError

    def _cut(
        self, signal: str, minutes: MinuteAggregates, edges: NDArray[np.int64]
    ) -> Iterator[Samples | MinuteAggregates]:
        """Yield minutes, and the samples of those that an edge cuts in two."""
        inside = np.unique(edges[edges % MINUTE_NS != 0] // MINUTE_NS * MINUTE_NS)
        # A minute that is missing holds nothing that counts, also where an edge cuts it.
        places = np.flatnonzero(np.isin(minutes.start_ns, inside, assume_unique=True))
        starts: list[int] = minutes.start_ns[places].tolist()
        samples = self._of_minutes(signal, starts, int(minutes.count.sum()))
        if samples is None:
            yield from self._read(signal, int(minutes.start_ns[0]), int(minutes.start_ns[-1]) + MINUTE_NS)
            return
        at = 0
        for place, start in zip(places.tolist(), starts, strict=True):
            if at < place:
                yield minutes.take(slice(at, place))
            if len(here := samples.between(start, start + MINUTE_NS)):
                yield here
            at = place + 1
        if at < len(minutes):
            yield minutes.take(slice(at, None))

    def _of_minutes(self, signal: str, starts: list[int], rows: int) -> Samples | None:
        """Return the samples of single minutes; None if reading all `rows` around them would be faster."""
        if len(starts) * STRETCH_COSTS > rows:
            return None
        stretches = [(start, start + MINUTE_NS) for start in starts]
        begun = time.monotonic()
        samples = self._read_stretches(signal, stretches[:_TRIED])
        # What was written just now lies unsorted in the server's memory, and is gone through once for each statement.
        if len(stretches) / _TRIED * (time.monotonic() - begun) > rows * SAMPLE_COSTS_S:
            return None
        rest = self._read_stretches(signal, stretches[_TRIED:])
        return Samples.joined([samples, rest]) if len(rest) else samples

    def _valid(self, signal: str, first_day: int, last_day: int) -> dict[int, Done]:
        try:
            return self._bucket.marks(signal, first_day, last_day).valid()
        except MissingBucketError:
            return {}


def _runs(days: dict[int, Done]) -> Iterator[tuple[int, int]]:
    ordered = sorted(days)
    cuts = [0, *(i for i in range(1, len(ordered)) if ordered[i] != ordered[i - 1] + 1), len(ordered)]
    for start, end in pairwise(cuts):
        if start < end:
            yield ordered[start], ordered[end - 1]
