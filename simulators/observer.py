"""What an honest observer must find in a current monitor's samples: the reference for an answer key.

A second reading of the accounting rules, written for clarity and on purpose without `analytics`, so that the
two check each other. It knows the samples of a period and nothing before or after it. Where limits change
within the few seconds in which a low run may still be a glitch, or where there is no sample at that instant,
the rules leave room, and so does this.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from facility.batch import Float64, Int64
from facility.definition import Definition, EndLimit
from facility.interval import Intervals
from facility.limits import Limits


@dataclass(frozen=True, slots=True)
class Low:
    """A stretch of time in which the signal was too low, holes in it included."""

    start_ns: int
    """Stamp of the first low sample."""
    end_ns: int
    """Stamp of the sample that ended it; before a gap, where the last sample's hold ran out."""
    no_beam_ns: int | None = None
    """Start of the no-beam that a low-beam turned into."""
    after_ns: int | None = None
    """Start of the no-beam whose recovery a low-beam is the tail of."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the samples of a period show."""

    no_beam: tuple[Low, ...]
    low_beam: tuple[Low, ...]
    glitches: tuple[Low, ...]
    unknown: Intervals


@dataclass(frozen=True, slots=True)
class _Run:
    """Samples in a row on the same side of every limit, with the same limits in force and no gap between."""

    value: float
    """Of its first sample; any other one compares alike."""
    first_ns: int
    last_ns: int
    count: int
    known_to_ns: int
    """Where the hold of the sample before it ended; `first_ns` where no gap precedes."""
    limits: Limits


@dataclass(slots=True)
class _Pending:
    """A low run that may still be a glitch."""

    first_ns: int
    known_to_ns: int
    """Where the hold of the sample before it ended."""
    limits: Limits
    count: int = 0
    glitches: list[Low] = field(default_factory=list[Low])
    """Glitches below ``minimum`` in a run below ``tolerance``: part of it, should it be a glitch itself."""
    after_ns: int | None = None
    """For a run below ``tolerance`` that begins where a no-beam ends: start of that no-beam."""


class Observer:
    """Feed it the good samples of a period in order of time, then ask what was seen.

    Parameters
    ----------
    definition
        Whose rules to follow.
    stale_after_ns
        How long a sample holds.
    min_samples
        A low run of fewer samples is a glitch.
    limits
        (instant from which they hold, limits), in order of time.
    start_ns, end_ns
        The period.
    """

    def __init__(
        self,
        definition: Definition,
        stale_after_ns: int,
        min_samples: int,
        limits: list[tuple[int, Limits]],
        start_ns: int,
        end_ns: int,
    ) -> None:
        self._definition = definition
        self._stale_after_ns = stale_after_ns
        self._min_samples = max(min_samples, definition.min_samples)
        self._limits = limits
        self._levels = np.unique([[x.minimum, x.tolerance, self._restored(x)] for _, x in limits])
        self._start_ns, self._end_ns = start_ns, end_ns
        self._last_ns: int | None = None
        self._runs: list[_Run] = []

    def see(self, times: Int64, values: Float64, split_ns: Sequence[int] = ()) -> None:
        """Take good samples: stamps in ns, strictly increasing, and numbers in the signal's unit.

        At the instants of `split_ns`, increasing, time may become hidden or known again.
        """
        if not len(times):
            return
        before = self._start_ns - self._stale_after_ns if self._last_ns is None else self._last_ns
        steps = np.diff(times, prepend=before)
        gap = steps > self._stale_after_ns
        if self._last_ns is None:
            gap[0] = times[0] > self._start_ns
        # Position among the limits: how many of them the value reaches.
        place = np.searchsorted(self._levels, values, side="right")
        era = np.searchsorted(np.array([t for t, _ in self._limits]), times, side="right") - 1
        new = gap | (np.diff(place, prepend=-1) != 0) | (np.diff(era, prepend=-1) != 0)
        new[0] = True
        cuts = np.searchsorted(times, np.asarray(split_ns, np.int64))
        new[cuts[cuts < len(times)]] = True
        firsts = np.flatnonzero(new)
        for first, following in pairwise([*firsts.tolist(), len(times)]):
            at = int(times[first])
            known_to = at
            if gap[first]:
                known_to = at - int(steps[first]) + self._stale_after_ns
            limits = self._limits[max(int(era[first]), 0)][1]
            last = int(times[following - 1])
            self._runs.append(_Run(float(values[first]), at, last, following - first, known_to, limits))
        self._last_ns = int(times[-1])

    def seen(self, hidden: Intervals | None = None) -> Seen:
        """Return everything that was seen.

        Parameters
        ----------
        hidden
            Time without information from samples, from the first sample of a run on, to the end of what it began,
            or to an instant at which what was seen was split.
        """
        runs, known_to = self._without(hidden or Intervals.empty())
        watch = _Watch(self._definition, self._min_samples)
        for run in runs:
            watch.take(run)
        watch.finish(known_to)
        unknown = [(run.known_to_ns, run.first_ns) for run in runs if run.known_to_ns < run.first_ns]
        unknown.append((known_to, self._end_ns))
        return Seen(tuple(watch.no_beam), tuple(watch.low_beam), tuple(watch.glitches), Intervals.of(unknown))

    def _without(self, hidden: Intervals) -> tuple[list[_Run], int]:
        """Return the runs outside hidden time, and to when the last of them is known."""
        known_to = self._start_ns if self._last_ns is None else min(self._last_ns + self._stale_after_ns, self._end_ns)
        runs: list[_Run] = []
        rest = deque(self._runs)
        for start, end in hidden:
            while rest and rest[0].first_ns < start:
                runs.append(rest.popleft())
            covered: list[_Run] = []
            while rest and rest[0].first_ns < end:
                covered.append(rest.popleft())
            if not covered:
                continue
            known_before = covered[0].known_to_ns
            last = covered[-1]
            holds_to = min(last.last_ns + self._stale_after_ns, self._end_ns)
            if holds_to <= end:
                # Nothing is known until the next sample, if there is one.
                if rest:
                    rest.appendleft(replace(rest.popleft(), known_to_ns=known_before))
                else:
                    known_to = known_before
            elif rest and rest[0].first_ns == end:
                rest.appendleft(replace(rest.popleft(), known_to_ns=known_before))
            elif end < self._end_ns:
                # What was measured last still holds when time is known again.
                runs.append(_Run(last.value, end, end, 1, known_before, last.limits))
        runs.extend(rest)
        return runs, known_to

    def _restored(self, limits: Limits) -> float:
        return _restored(self._definition, limits)


class _Watch:
    """Follows the beam through runs in order of time."""

    def __init__(self, definition: Definition, min_samples: int) -> None:
        self._definition = definition
        self._min_samples = min_samples
        self._down: _Pending | None = None
        self._low: _Pending | None = None
        self._maybe_down: _Pending | None = None
        self._maybe_low: _Pending | None = None
        self.no_beam: list[Low] = []
        self.low_beam: list[Low] = []
        self.glitches: list[Low] = []

    def finish(self, known_to_ns: int) -> None:
        """Close what is still running where it was last known."""
        # Silence does not make a glitch.
        if self._maybe_down is not None:
            self._becomes_down(self._maybe_down)
        elif self._maybe_low is not None:
            self._low = self._maybe_low
            self.glitches += self._low.glitches
        if self._down is not None:
            self.no_beam.append(Low(self._down.first_ns, known_to_ns))
        elif self._low is not None:
            self.low_beam.append(Low(self._low.first_ns, known_to_ns, after_ns=self._low.after_ns))

    def take(self, run: _Run) -> None:
        """Take the next run."""
        ended: _Pending | None = None
        if self._down is not None:
            if run.value < _restored(self._definition, self._down.limits):
                return
            self.no_beam.append(Low(self._down.first_ns, run.known_to_ns))
            ended, self._down = self._down, None
        if run.value < run.limits.minimum:
            self._maybe_down = self._maybe_down or _Pending(run.first_ns, run.known_to_ns, run.limits)
            self._maybe_down.count += run.count
        elif (pending := self._maybe_down) is not None:
            self._maybe_down = None
            if self._is_glitch(pending, run.first_ns):
                found = self.glitches if self._maybe_low is None else self._maybe_low.glitches
                found.append(Low(pending.first_ns, run.first_ns))
            else:
                self._becomes_down(pending)
                if run.value < _restored(self._definition, pending.limits):
                    return
                self.no_beam.append(Low(pending.first_ns, run.known_to_ns))
                ended, self._down = pending, None
        self._take_low(run, None if ended is None else ended.first_ns)

    def _take_low(self, run: _Run, after_ns: int | None) -> None:
        """Compare a run with ``tolerance``; `after_ns` is the start of the no-beam that this run ended."""
        if self._low is not None:
            if run.value >= max(_restored(self._definition, self._low.limits), self._low.limits.tolerance):
                self.low_beam.append(Low(self._low.first_ns, run.known_to_ns, after_ns=self._low.after_ns))
                self._low = None
            return
        if run.value < run.limits.tolerance:
            self._maybe_low = self._maybe_low or _Pending(run.first_ns, run.known_to_ns, run.limits, after_ns=after_ns)
            self._maybe_low.count += run.count
        elif (pending := self._maybe_low) is not None:
            self._maybe_low = None
            if self._is_glitch(pending, run.first_ns):
                self.glitches.append(Low(pending.first_ns, run.first_ns))
                return
            self.glitches += pending.glitches
            if run.value >= max(_restored(self._definition, pending.limits), pending.limits.tolerance):
                self.low_beam.append(Low(pending.first_ns, run.known_to_ns, after_ns=pending.after_ns))
            else:
                self._low = pending

    def _is_glitch(self, pending: _Pending, good_ns: int) -> bool:
        too_short = good_ns - pending.first_ns < self._definition.min_duration_ns
        return too_short or pending.count < self._min_samples

    def _becomes_down(self, pending: _Pending) -> None:
        if self._maybe_low is not None:
            self.glitches += self._maybe_low.glitches
        low = self._low or self._maybe_low
        if low is not None and low.first_ns < pending.first_ns:
            self.low_beam.append(Low(low.first_ns, pending.known_to_ns, pending.first_ns, low.after_ns))
        self._low = self._maybe_low = None
        self._down = pending


def _restored(definition: Definition, limits: Limits) -> float:
    return {
        EndLimit.NOMINAL: limits.nominal,
        EndLimit.RECOVERED: limits.recovered,
        EndLimit.MINIMUM: limits.minimum,
    }[definition.no_beam_ends_at]
