"""Sums up days of samples that are over, minute by minute, into the bucket of minutes."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from facility.batch import Samples
from facility.errors import UnreachableError
from facility.schema import FIELD_QUALITY, TELEMETRY
from facility.time import EARLIEST_NS, LATEST_NS, MAX_NS, MIN_NS, NS_PER_DAY, NS_PER_H, NS_PER_S, Clock
from storage.influxdb.client import InfluxClient
from storage.influxdb.minutes import DayMarks, MinutesBucket
from storage.influxdb.reading import condition, extent_of, literal, read_samples
from storage.minutes import MINUTE_NS, MinuteAggregates, minutes_of
from storage.upkeep import Downsampled

CLOSED_AFTER_NS: Final = NS_PER_H
"""So long after its end a day counts as over: clocks of several machines may differ by as much."""
SETTLED_AFTER_NS: Final = 300 * NS_PER_S
"""So long after a day was touched whatever came with the mark has arrived, or was given up."""

_DAYS_AT_ONCE: Final = 31


class Downsampler:
    """Keeps the minutes of one facility what its samples come to.

    Contract: may be stopped at any time, and may run in several processes at once, although that is wasted work. A
    day is marked as done only after its minutes are written, with the token that it bore before its samples were
    read: see `storage.influxdb.touching`.

    Parameters
    ----------
    samples, minutes
        The two buckets, with a token that may read the first one and write the second one.
    clock
        Decides which days are over.
    go_on
        Called between two steps; may raise.
    """

    def __init__(
        self,
        samples: InfluxClient,
        minutes: InfluxClient,
        facility: str,
        clock: Clock,
        go_on: Callable[[], None] = lambda: None,
    ) -> None:
        self._samples = samples
        self._minutes = minutes
        self._facility = facility
        self._bucket = MinutesBucket(samples, minutes, facility)
        self._clock = clock
        self._go_on = go_on

    def signals(self) -> list[str]:
        """Return the signals that there are, in order of name: of each one only the first sample is read.

        Raises
        ------
        UnreachableError, AuthorizationError
            If the server does not answer, or refuses us.
        """
        (rows,) = self._samples.query_json(
            f'SELECT first("{FIELD_QUALITY}") FROM "{TELEMETRY}" WHERE facility = {literal(self._facility)}'
            f" AND time >= {EARLIEST_NS} AND time <= {LATEST_NS} GROUP BY signal"
        )
        return sorted(str(row["signal"]) for row in rows)

    def run(
        self,
        signals: Sequence[str],
        *,
        rebuild: bool = False,
        progress: Callable[[int, int, str], None] = lambda done, total, signal: None,
    ) -> Downsampled:
        """Sum up every day that is over and was not yet, or was touched since; with `rebuild` all of them.

        Parameters
        ----------
        progress
            Called with the number of signals done, the total, and the next signal.

        Raises
        ------
        MissingBucketError
            If there is no bucket for minutes.
        UnreachableError, AuthorizationError
            If the server does not answer, or refuses us.
        """
        oldest_ns = max(self._oldest_ns(self._samples), self._oldest_ns(self._minutes))
        now = self._clock()
        last_day = (now - CLOSED_AFTER_NS) // NS_PER_DAY - 1
        days = minutes = waiting = 0
        for place, signal in enumerate(signals):
            progress(place, len(signals), signal)
            extent = extent_of(self._samples, self._facility, signal)
            if extent is None:
                continue
            first_ns, last_ns = extent
            # Of a day that has begun to expire not all samples are left.
            first = max(first_ns // NS_PER_DAY, -(-oldest_ns // NS_PER_DAY))
            last = min(last_ns // NS_PER_DAY, last_day)
            if first > last:
                continue
            marks = self._bucket.marks(signal, first, last)
            valid = {} if rebuild else marks.valid()
            wanted = [day for day in range(first, last + 1) if day not in valid]
            fresh = {d for d in wanted if d in marks.touched and marks.touched[d].at_ns > now - SETTLED_AFTER_NS}
            waiting += len(fresh)
            for run_first, run_last in _runs([day for day in wanted if day not in fresh]):
                self._go_on()
                minutes += self._sum_up(signal, run_first, run_last, marks)
                days += run_last - run_first + 1
        return Downsampled(len(signals), days, minutes, waiting)

    def _sum_up(self, signal: str, first_day: int, last_day: int, marks: DayMarks) -> int:
        days = range(first_day, last_day + 1)
        if any(day in marks.done for day in days):
            # From here on they are not used, and a minute whose samples are gone does not stay.
            self._bucket.forget(signal, first_day, last_day)
        which = condition(self._facility, signal, first_day * NS_PER_DAY, (last_day + 1) * NS_PER_DAY - 1)
        n = 0
        for found in _minutes(read_samples(self._samples, self._facility, signal, which)):
            self._bucket.write(signal, found)
            n += len(found)
        self._bucket.mark_done(signal, days, marks, made=secrets.randbits(62))
        return n

    def _oldest_ns(self, client: InfluxClient) -> int:
        try:
            retention_ns = client.bucket_info().retention_ns
        except UnreachableError as error:
            if error.retryable or client is self._minutes:
                raise
            # A token that may not look: then nothing is known to expire.
            return MIN_NS
        return MIN_NS if retention_ns is None else self._clock() - retention_ns


def _minutes(chunks: Iterator[Samples]) -> Iterator[MinuteAggregates]:
    """Sum up samples minute by minute; a minute may lie in two of the pieces, and is summed up once."""
    rest: Samples | None = None
    for chunk in chunks:
        samples = chunk if rest is None else Samples.joined([rest, chunk])
        whole_ns = int(samples.time_ns[-1]) // MINUTE_NS * MINUTE_NS
        rest = samples.between(whole_ns, MAX_NS)
        yield _sums(samples.between(MIN_NS, whole_ns))
    if rest is not None:
        yield _sums(rest)


def _sums(samples: Samples) -> MinuteAggregates:
    return minutes_of(samples.time_ns, samples.value, samples.quality)


def _runs(days: list[int]) -> Iterator[tuple[int, int]]:
    """Yield stretches of days that follow each other, a month at most."""
    cuts = [0, *(i for i in range(1, len(days)) if days[i] != days[i - 1] + 1), len(days)]
    for start, end in pairwise(cuts):
        for first in range(start, end, _DAYS_AT_ONCE):
            yield days[first], days[min(first + _DAYS_AT_ONCE, end) - 1]
