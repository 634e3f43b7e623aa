"""What an honest observer must find in a current monitor's samples: the reference for an answer key.

A second reading of the accounting rules, written for clarity and on purpose without `analytics`, so that the
two check each other. It knows the samples of a period and nothing before or after it. Where limits change
within the few seconds in which a low run may still be a glitch, or where there is no sample at that instant,
the rules leave room, and so does this.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
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
        self._down: _Pending | None = None
        self._low: _Pending | None = None
        self._maybe_down: _Pending | None = None
        self._maybe_low: _Pending | None = None
        self._no_beam: list[Low] = []
        self._low_beam: list[Low] = []
        self._glitches: list[Low] = []
        self._unknown: list[tuple[int, int]] = []

    def see(self, times: Int64, values: Float64) -> None:
        """Take good samples: stamps in ns, strictly increasing, and numbers in the signal's unit."""
        for run in self._runs(times, values):
            self._take(run)

    def seen(self) -> Seen:
        """Close what is still running and return everything; call once."""
        end = self._end_ns
        last = self._last_ns
        known_to = self._start_ns if last is None else min(last + self._stale_after_ns, end)
        self._unknown.append((known_to, end))
        # Silence does not make a glitch.
        if self._maybe_down is not None:
            self._becomes_down(self._maybe_down)
        elif self._maybe_low is not None:
            self._low = self._maybe_low
            self._glitches += self._low.glitches
        if self._down is not None:
            self._no_beam.append(Low(self._down.first_ns, known_to))
        elif self._low is not None:
            self._low_beam.append(Low(self._low.first_ns, known_to))
        return Seen(tuple(self._no_beam), tuple(self._low_beam), tuple(self._glitches), Intervals.of(self._unknown))

    # -------------------------------------------------------------------- runs

    def _runs(self, times: Int64, values: Float64) -> Iterator[_Run]:
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
        firsts = np.flatnonzero(new)
        for first, following in pairwise([*firsts.tolist(), len(times)]):
            at = int(times[first])
            known_to = at
            if gap[first]:
                known_to = at - int(steps[first]) + self._stale_after_ns
                self._unknown.append((known_to, at))
            limits = self._limits[max(int(era[first]), 0)][1]
            yield _Run(float(values[first]), at, following - first, known_to, limits)
        self._last_ns = int(times[-1])

    def _restored(self, limits: Limits) -> float:
        return {
            EndLimit.NOMINAL: limits.nominal,
            EndLimit.RECOVERED: limits.recovered,
            EndLimit.MINIMUM: limits.minimum,
        }[self._definition.no_beam_ends_at]

    # ------------------------------------------------------------------- state

    def _take(self, run: _Run) -> None:
        if self._down is not None:
            if run.value < self._restored(self._down.limits):
                return
            self._no_beam.append(Low(self._down.first_ns, run.known_to_ns))
            self._down = None
        if run.value < run.limits.minimum:
            self._maybe_down = self._maybe_down or _Pending(run.first_ns, run.known_to_ns, run.limits)
            self._maybe_down.count += run.count
        elif (pending := self._maybe_down) is not None:
            self._maybe_down = None
            if self._is_glitch(pending, run.first_ns):
                found = self._glitches if self._maybe_low is None else self._maybe_low.glitches
                found.append(Low(pending.first_ns, run.first_ns))
            else:
                self._becomes_down(pending)
                if run.value < self._restored(pending.limits):
                    return
                self._no_beam.append(Low(pending.first_ns, run.known_to_ns))
                self._down = None
        self._take_low(run)

    def _take_low(self, run: _Run) -> None:
        if self._low is not None:
            if run.value >= max(self._restored(self._low.limits), self._low.limits.tolerance):
                self._low_beam.append(Low(self._low.first_ns, run.known_to_ns))
                self._low = None
            return
        if run.value < run.limits.tolerance:
            self._maybe_low = self._maybe_low or _Pending(run.first_ns, run.known_to_ns, run.limits)
            self._maybe_low.count += run.count
        elif (pending := self._maybe_low) is not None:
            self._maybe_low = None
            if self._is_glitch(pending, run.first_ns):
                self._glitches.append(Low(pending.first_ns, run.first_ns))
                return
            self._glitches += pending.glitches
            if run.value >= max(self._restored(pending.limits), pending.limits.tolerance):
                self._low_beam.append(Low(pending.first_ns, run.known_to_ns))
            else:
                self._low = pending

    def _is_glitch(self, pending: _Pending, good_ns: int) -> bool:
        too_short = good_ns - pending.first_ns < self._definition.min_duration_ns
        return too_short or pending.count < self._min_samples

    def _becomes_down(self, pending: _Pending) -> None:
        if self._maybe_low is not None:
            self._glitches += self._maybe_low.glitches
        low = self._low or self._maybe_low
        if low is not None and low.first_ns < pending.first_ns:
            self._low_beam.append(Low(low.first_ns, pending.known_to_ns, pending.first_ns))
        self._low = self._maybe_low = None
        self._down = pending
