"""Samples to conditions: when there was no beam, when it was low, and when nobody knows.

The automaton of the beam state. It may be fed in pieces, of any length; where it is cut changes nothing.

State is *up*, *low* or *down*. Below ``minimum`` a run of samples starts that may turn out to be a glitch;
once it cannot be one any more, no-beam has begun with its first sample. The same holds for ``tolerance`` and
low-beam. An event keeps the limits that it opened with, and lives through gaps. A good sample holds until
the next one, at most ``stale_after``; beyond that time is unknown: neither beam nor downtime.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.rules import Rules, Thresholds
from facility.batch import Samples
from facility.interval import Intervals
from facility.quality import Quality
from facility.time import MAX_NS

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

CHUNK: Final = 1 << 15
"""Samples looked at together: small enough that a chunk's columns stay in the processor's cache."""


class Kind(Enum):
    """What the beam was, when it was not as it should be."""

    NO_BEAM = "no_beam"
    LOW_BEAM = "low_beam"
    DISTORTION = "distortion"
    """There, and disturbed: seen by a further signal, never by the delivery signal."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One no-beam or low-beam, holes of unknown time included."""

    kind: Kind
    start_ns: int
    """Stamp of the first low sample."""
    end_ns: int
    """Where it was over, or its last known instant before a gap in which it ended."""
    open: bool = False
    """Still running at the end of the samples."""
    became_no_beam: bool = False
    """A low-beam that turned into no-beam: one distortion, not two."""


@dataclass(frozen=True, slots=True)
class Glitch:
    """A low run that was too short to be an event."""

    kind: Kind
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the delivery signal says about ``[start_ns, end_ns)``."""

    start_ns: int
    end_ns: int
    known: Intervals
    """Where a good sample holds, within the window."""
    no_beam: tuple[Stretch, ...]
    """In order of time; one that began before the window is listed from its own start."""
    low_beam: tuple[Stretch, ...]
    glitches: tuple[Glitch, ...]


class _State(Enum):
    UP = 0
    LOW = 1
    DOWN = 2


@dataclass(slots=True)
class _Run:
    """Samples below a limit, not yet known to be an event or a glitch."""

    start_ns: int
    limit: float
    """The limit in force at its first sample: the run keeps it, as the event keeps it that it may become."""
    known_before_ns: int
    """Last known instant before the run."""
    count: int = 1
    below_minimum: bool = False
    glitches: list[Glitch] = field(default_factory=list[Glitch])
    """Runs below ``minimum`` inside this run below ``tolerance``."""


class Scanner:
    """Finds the conditions of one delivery signal; `feed` samples in order of time, then `finish` once.

    Parameters
    ----------
    rules
        Limits and rules of the whole window.
    start_ns, end_ns
        The window that known time is clipped to. Samples stamped before it decide on the state at its start.
    cuts
        (n,) int64 ns, increasing: instants at which a running hold ends because the link was lost.
    fill
        None to leave unknown time unknown; else the value of the samples put in its place (for bounds).
    restarts
        Instants of filled time at which a running event ends and starts again with the limits then in force.
    """

    def __init__(
        self,
        rules: Rules,
        start_ns: int,
        end_ns: int,
        *,
        cuts: Int64 | None = None,
        fill: float | None = None,
        restarts: Collection[int] = (),
    ) -> None:
        self._rules = rules
        self._start_ns, self._end_ns = start_ns, end_ns
        self._cuts = np.empty(0, np.int64) if cuts is None else cuts
        self._fill = fill
        self._restarts = sorted(restarts)
        self._state = _State.UP
        self._opened_ns = 0
        self._opened_with: Thresholds = rules.thresholds[0]
        self._tolerance_run: _Run | None = None
        self._minimum_run: _Run | None = None
        self._stretches: list[Stretch] = []
        self._glitches: list[Glitch] = []
        self._known_start: list[int] = []
        self._known_end: list[int] = []
        # The newest good sample, and until when it holds if none follows; at first the edge of the window.
        self._last_ns: int | None = None
        self._last_value = np.nan
        self._piece = 0

    def feed(self, samples: Samples) -> None:
        """Take samples that follow those fed before; those stamped at or after the window's end are ignored."""
        count = int(np.searchsorted(samples.time_ns, self._end_ns, side="left"))
        for first in range(0, count, CHUNK):
            part = slice(first, min(first + CHUNK, count))
            times, values, quality = samples.time_ns[part], samples.value[part], samples.quality[part]
            low, high = values.min(), values.max()  # NaN where any is NaN, and then no comparison holds
            if quality.max() == Quality.GOOD and high <= self._rules.physical_max and low > -np.inf:
                self._take(times, values, low)
                continue
            good = is_good(samples, self._rules.physical_max, part)
            if good.any():
                kept = values[good]
                self._take(times[good], kept, kept.min())

    def finish(self) -> Conditions:
        """Close what is open at the end of the window and return everything."""
        known_until = self._hold_end(self._end_ns)
        if known_until < self._end_ns and self._fill is not None:
            times, values = self._filling(known_until, self._end_ns)
            if self._last_ns is None:
                self._known_start.append(known_until)
            self._walk(times, values, {})
            self._remember(times, values)
            known_until = self._end_ns
        if self._last_ns is not None:
            self._rethink_until(self._end_ns)
            self._known_end.append(known_until)
        self._settle_runs_at_end()
        if self._state is not _State.UP:
            self._close(known_until, still_open=True)
        known = Intervals.from_arrays(np.array(self._known_start, np.int64), np.array(self._known_end, np.int64))
        stretches = sorted(self._stretches, key=lambda s: s.start_ns)
        return Conditions(
            self._start_ns,
            self._end_ns,
            known.clip(self._start_ns, self._end_ns),
            tuple(s for s in stretches if s.kind is Kind.NO_BEAM),
            tuple(s for s in stretches if s.kind is Kind.LOW_BEAM),
            tuple(self._glitches),
        )

    # ------------------------------------------------------------------ holds

    def _take(self, times: Int64, values: Float64, lowest: np.floating | float) -> None:
        """Take good samples: find the gaps between them, fill those if asked to, walk the rest."""
        holes = self._holes(times)
        if holes and self._fill is not None:
            times, values = self._with_filling(times, values, holes)
            lowest = min(float(lowest), self._fill)
            holes = {}
        if self._last_ns is None:
            self._known_start.append(int(times[0]))
        for i, hold_end in holes.items():
            if self._last_ns is not None or i > 0:
                self._known_end.append(hold_end)
                self._known_start.append(int(times[i]))
        if not self._quiet(int(times[-1]), float(lowest)):
            self._walk(times, values, holes)
        self._remember(times, values)

    def _quiet(self, last_ns: int, lowest: float) -> bool:
        """Whether nothing can happen up to `last_ns`: up, nothing pending, no limits change, all in tolerance."""
        rules = self._rules
        if self._state is not _State.UP or self._tolerance_run or self._minimum_run:
            return False
        following = self._piece + 1
        if following < len(rules.starts) and rules.starts[following] <= last_ns:
            return False
        return lowest >= rules.thresholds[self._piece].tolerance

    def _holes(self, times: Int64) -> dict[int, int]:
        """Return {index of the first sample after a gap: end of the hold before it}."""
        stale = self._rules.stale_after_ns
        holes: dict[int, int] = {}
        if self._last_ns is None:
            if int(times[0]) > self._start_ns and self._fill is not None:
                holes[0] = self._start_ns
        elif (hold_end := self._hold_end(int(times[0]))) < times[0]:
            holes[0] = hold_end
        if stale is not None and len(times) > 1:
            steps = np.subtract(times[1:], times[:-1])
            if steps.max() > stale:
                for i in (np.flatnonzero(steps > stale) + 1).tolist():
                    holes[i] = int(times[i - 1]) + stale
        for cut in self._cuts_in(int(times[0]), int(times[-1])):
            i = int(np.searchsorted(times, cut, side="left"))
            # A sample stamped at the cut itself belongs to the time after it, and its hold is not cut.
            end = min(cut, holes.get(i, MAX_NS))
            if end < times[i]:
                holes[i] = end
        return dict(sorted(holes.items()))

    def _cuts_in(self, after_ns: int, before_ns: int) -> list[int]:
        """Return the cuts in ``(after_ns, before_ns)``."""
        if not len(self._cuts):
            return []
        first = np.searchsorted(self._cuts, after_ns, side="right")
        last = np.searchsorted(self._cuts, before_ns, side="left")
        return self._cuts[first:last].tolist()

    def _hold_end(self, until_ns: int) -> int:
        """Return where the newest good sample's hold ends, at most `until_ns`; the window's start if there is none."""
        if self._last_ns is None:
            return min(self._start_ns, until_ns)
        end = until_ns
        if self._rules.stale_after_ns is not None:
            end = min(end, self._last_ns + self._rules.stale_after_ns)
        return min([end, *self._cuts_in(self._last_ns, end)])

    def _remember(self, times: Int64, values: Float64) -> None:
        self._last_ns = int(times[-1])
        self._last_value = float(values[-1])

    def _filling(self, start_ns: int, end_ns: int) -> tuple[Int64, Float64]:
        """Return samples that stand for the unknown time ``[start_ns, end_ns)``: enough to be no glitch by number."""
        step = self._rules.sample_period_ns
        edges = [start_ns, *(ns for ns in self._restarts if start_ns < ns < end_ns), end_ns]
        parts: list[Int64] = []
        for start, end in pairwise(edges):
            fitting = 1 + (end - 1 - start) // step
            count = min(self._rules.min_samples, fitting)
            parts.append(start + step * np.arange(count, dtype=np.int64))
        times = np.concatenate(parts)
        return times, np.full(len(times), self._fill, np.float64)

    def _with_filling(self, times: Int64, values: Float64, holes: dict[int, int]) -> tuple[Int64, Float64]:
        parts_t: list[Int64] = []
        parts_v: list[Float64] = []
        done = 0
        for i, hold_end in holes.items():
            fill_t, fill_v = self._filling(hold_end, int(times[i]))
            parts_t += [times[done:i], fill_t]
            parts_v += [values[done:i], fill_v]
            done = i
        return np.concatenate([*parts_t, times[done:]]), np.concatenate([*parts_v, values[done:]])

    # -------------------------------------------------------------- automaton

    def _walk(self, times: Int64, values: Float64, holes: dict[int, int]) -> None:
        """Drive the automaton over samples, jumping to the next one that matters."""
        while len(times) and self._restarts and self._restarts[0] <= times[-1]:
            # Restarts lie in filled time only: there are no holes then.
            i = int(np.searchsorted(times, self._restarts[0], side="left"))
            if i > 0:
                self._walk_on(times[:i], values[:i], {})
                self._remember(times[:i], values[:i])
            self._restart(self._restarts.pop(0))
            times, values = times[i:], values[i:]
        self._walk_on(times, values, holes)

    def _walk_on(self, times: Int64, values: Float64, holes: dict[int, int]) -> None:
        n = len(times)
        i = 0
        while i < n:
            following = self._piece + 1
            change = self._rules.starts[following] if following < len(self._rules.starts) else MAX_NS
            stop = int(np.searchsorted(times, change, side="left"))
            while i < stop:
                i = self._next_that_matters(values, i, stop)
                if i < stop:
                    self._sample(int(times[i]), float(values[i]), holes.get(i, int(times[i])))
                    i += 1
            if i < n:
                # The limits change before sample i: the sample that holds there is looked at again.
                if i > 0:
                    self._remember(times[:i], values[:i])
                self._rethink_until(int(times[i]))

    def _restart(self, ns: int) -> None:
        self._rethink_until(ns)
        self._sample(ns, np.inf, ns)

    def _rethink_until(self, until_ns: int) -> None:
        """Step over the changes of limits up to `until_ns`, looking again at the sample that holds there."""
        rules = self._rules
        while self._piece + 1 < len(rules.starts) and rules.starts[self._piece + 1] <= until_ns:
            self._piece += 1
            change = rules.starts[self._piece]
            if self._last_ns is not None and self._last_ns < change < self._hold_end(until_ns):
                self._sample(change, self._last_value, change, held=True)

    def _next_that_matters(self, values: Float64, i: int, stop: int) -> int:
        now = self._rules.thresholds[self._piece]
        if self._state is _State.DOWN:
            ends = self._opened_with.no_beam_ends
            return _first(values, i, stop, lambda v: v >= ends)
        if self._minimum_run is not None:
            return i
        if self._state is _State.LOW:
            ends, minimum = self._opened_with.low_beam_ends, now.minimum
            return _first(values, i, stop, lambda v: (v >= ends) | (v < minimum))
        if self._tolerance_run is not None:
            return i
        tolerance = now.tolerance
        return _first(values, i, stop, lambda v: v < tolerance)

    def _sample(self, ns: int, value: float, known_before_ns: int, *, held: bool = False) -> None:
        """Take one good sample.

        `known_before_ns` is where the hold before it ended, `ns` if there is no gap. A sample that is `held` and
        looked at again under new limits may begin a run; it is no further sample of one.
        """
        now = self._rules.thresholds[self._piece]
        if self._state is _State.DOWN:
            if value < self._opened_with.no_beam_ends:
                return
            self._close(known_before_ns)
        if self._minimum_run is None or not held:
            self._compare_with_minimum(ns, value, now.minimum, known_before_ns)
        if self._state is _State.DOWN:
            return
        if self._state is _State.LOW:
            if value < self._opened_with.low_beam_ends:
                return
            self._close(known_before_ns)
        if self._tolerance_run is None or not held:
            self._compare_with_tolerance(ns, value, now, known_before_ns)

    def _compare_with_minimum(self, ns: int, value: float, minimum: float, known_before_ns: int) -> None:
        run = self._minimum_run
        if run is not None:
            low = value < run.limit
            run.count += low
            if not self._may_be_glitch(run, ns):
                self._open_no_beam(run)
                if value < self._opened_with.no_beam_ends:
                    return
                self._close(known_before_ns)
            elif low:
                return
            else:
                self._glitch(Glitch(Kind.NO_BEAM, run.start_ns, ns))
                self._minimum_run = None
        if value < minimum:
            self._minimum_run = run = _Run(ns, minimum, known_before_ns)
            if not self._may_be_glitch(run, ns):
                self._open_no_beam(run)

    def _compare_with_tolerance(self, ns: int, value: float, now: Thresholds, known_before_ns: int) -> None:
        run = self._tolerance_run
        if run is not None:
            low = value < run.limit
            run.count += low
            run.below_minimum |= value < now.minimum
            if not self._may_be_glitch(run, ns):
                self._open_low_beam(run)
                if value < self._opened_with.low_beam_ends:
                    return
                self._close(known_before_ns)
            elif low:
                return
            else:
                kind = Kind.NO_BEAM if run.below_minimum else Kind.LOW_BEAM
                self._glitches.append(Glitch(kind, run.start_ns, ns))
                self._tolerance_run = None
        if value < now.tolerance:
            below_minimum = value < now.minimum
            self._tolerance_run = run = _Run(ns, now.tolerance, known_before_ns, below_minimum=below_minimum)
            if not self._may_be_glitch(run, ns):
                self._open_low_beam(run)

    def _may_be_glitch(self, run: _Run, ns: int) -> bool:
        """Whether a good sample at `ns` at or above the limit makes, or would make, the run a glitch."""
        return ns - run.start_ns < self._rules.min_duration_ns or run.count < self._rules.min_samples

    def _glitch(self, glitch: Glitch) -> None:
        """Note a glitch below ``minimum``; inside an undecided run below ``tolerance`` it waits for that."""
        if self._tolerance_run is not None:
            self._tolerance_run.glitches.append(glitch)
        else:
            self._glitches.append(glitch)

    def _open_no_beam(self, run: _Run) -> None:
        if self._state is _State.UP and self._tolerance_run is not None:
            self._open_low_beam(self._tolerance_run)
        if self._state is _State.LOW:
            self._close(run.known_before_ns, became_no_beam=True)
        self._minimum_run = None
        self._open(_State.DOWN, run.start_ns)

    def _open_low_beam(self, run: _Run) -> None:
        self._glitches.extend(run.glitches)
        self._tolerance_run = None
        self._open(_State.LOW, run.start_ns)

    def _open(self, state: _State, ns: int) -> None:
        self._state = state
        self._opened_ns = ns
        self._opened_with = self._rules.thresholds[self._rules.piece_at(ns)]

    def _close(self, end_ns: int, *, still_open: bool = False, became_no_beam: bool = False) -> None:
        kind = Kind.NO_BEAM if self._state is _State.DOWN else Kind.LOW_BEAM
        if end_ns > self._opened_ns:
            self._stretches.append(Stretch(kind, self._opened_ns, end_ns, still_open, became_no_beam))
        self._state = _State.UP

    def _settle_runs_at_end(self) -> None:
        """Decide on runs that nothing ended: silence does not make a glitch, so they are events."""
        if self._minimum_run is not None:
            self._open_no_beam(self._minimum_run)
        elif self._tolerance_run is not None:
            self._open_low_beam(self._tolerance_run)


def scan(
    samples: Samples,
    rules: Rules,
    start_ns: int,
    end_ns: int,
    *,
    cuts: Int64 | None = None,
    fill: float | None = None,
    restarts: Collection[int] = (),
) -> Conditions:
    """Find the conditions of ``[start_ns, end_ns)`` in one go; see `Scanner`."""
    scanner = Scanner(rules, start_ns, end_ns, cuts=cuts, fill=fill, restarts=restarts)
    scanner.feed(samples)
    return scanner.finish()


def is_good(samples: Samples, physical_max: float, part: slice = slice(None)) -> Bool:
    """Return for each sample whether it counts: a finite number that can be true, of sound quality and clock."""
    values, quality = samples.value[part], samples.quality[part]
    good = (values <= physical_max) & (values > -np.inf) & (quality != Quality.BAD)
    return good & ~samples.with_impossible_time(part)


def _first(values: Float64, start: int, stop: int, test: Callable[[Float64], Bool]) -> int:
    """Return the first index in ``[start, stop)`` at which `test` holds, else `stop`; looks further step by step."""
    width = 64
    while start < stop:
        end = min(start + width, stop)
        found = test(values[start:end])
        at = int(found.argmax())
        if found[at]:
            return start + at
        start, width = end, width * 8
    return stop
