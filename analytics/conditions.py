"""Samples to conditions: when there was no beam, when it was low, and when that is unknown.

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
from analytics.stretches import Conditions, Glitch, Glitches, Kind, Stretch, Stretches
from facility.batch import Samples
from facility.interval import Intervals
from facility.quality import Quality
from facility.time import MAX_NS

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

CHUNK: Final = 1 << 15
"""Samples looked at together: small enough that a chunk's columns stay in the processor's cache."""


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
    stated: bool = False
    """Whether a person stated one of its samples: then it is no glitch, however short."""
    below_minimum: bool = False
    after_no_beam: bool = False
    """Whether a no-beam ended with its first sample."""
    glitches: list[Glitch] = field(default_factory=list[Glitch])
    """Runs below ``minimum`` inside this run below ``tolerance``."""


@dataclass(frozen=True, slots=True)
class Certainty:
    """Which samples are no measurements, so that the glitch rule does not apply to them as it does to others."""

    stated: Intervals = field(default_factory=Intervals.empty)
    """Where a person stated the beam: never a glitch."""
    by_flag: Intervals = field(default_factory=Intervals.empty)
    """Where a flag says it: never a glitch by the number of samples."""

    def of(self, ns: int, rules: Rules) -> tuple[int, bool]:
        """Return for how many samples the one at `ns` counts, and whether a person stated it."""
        stated = bool(self.stated) and self.stated.contains(ns)
        enough = stated or (bool(self.by_flag) and self.by_flag.contains(ns))
        return rules.min_samples if enough else 1, stated


@dataclass(frozen=True, slots=True, eq=False)
class _Holes:
    """Gaps before samples of one chunk."""

    index: Int64
    """Of the first sample after each, increasing."""
    hold_end: Int64
    """Where the hold before it ends, ns."""

    def __len__(self) -> int:
        return len(self.index)

    def known_before(self, i: int, ns: int) -> int:
        """Return the last known instant before sample `i`, which is stamped `ns`."""
        at = int(np.searchsorted(self.index, i, side="left"))
        return int(self.hold_end[at]) if at < len(self.index) and self.index[at] == i else ns


_NO_HOLES: Final = _Holes(np.empty(0, np.int64), np.empty(0, np.int64))


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
    certainty
        Where samples come from corrections and flags.
    silent
        Time in which a sample holds for no time at all, because the source of a change-driven signal is down.
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
        certainty: "Certainty | None" = None,
        silent: Intervals | None = None,
    ) -> None:
        self._rules = rules
        self._start_ns, self._end_ns = start_ns, end_ns
        self._cuts = np.empty(0, np.int64) if cuts is None else cuts
        self._fill = fill
        self._restarts = sorted(restarts)
        self._certainty = certainty or Certainty()
        self._silent = silent or Intervals.empty()
        # At or above this nothing low goes on, whatever limits it began with; below that everything is no-beam.
        self._surely_up = max(max(t.no_beam_ends, t.low_beam_ends, t.tolerance) for t in rules.thresholds)
        self._surely_down = min(t.minimum for t in rules.thresholds)
        self._state = _State.UP
        self._opened_ns = 0
        self._opened_with: Thresholds = rules.thresholds[0]
        self._tolerance_run: _Run | None = None
        self._minimum_run: _Run | None = None
        self._opened_after_no_beam = False
        self._ended_no_beam_ns: int | None = None
        self._stretches: list[Stretch] = []
        self._glitches: list[Glitch] = []
        # Of gaps between samples at full beam, filled with none: each is an outage or a glitch by itself.
        self._plain: list[tuple[Int64, Int64]] = []
        self._known_start: list[Int64] = []
        self._known_end: list[Int64] = []
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
            times, values = self._bounding_samples(known_until, self._end_ns)
            if self._last_ns is None:
                self._note_known(start_ns=known_until)
            self._walk(times, values, _NO_HOLES)
            self._remember(times, values)
            known_until = self._end_ns
        if self._last_ns is not None:
            self._rethink_until(self._end_ns)
            self._note_known(end_ns=known_until)
        self._settle_runs_at_end()
        if self._state is not _State.UP:
            self._close(known_until, still_open=True)
        known = Intervals.from_arrays(_joined(self._known_start), _joined(self._known_end))
        starts, ends = (_joined([plain[edge] for plain in self._plain]) for edge in (0, 1))
        glitch = self._is_short(starts, ends)
        none = np.empty(0, np.int64)
        return Conditions(
            self._start_ns,
            self._end_ns,
            known.clip(self._start_ns, self._end_ns),
            Stretches.of(Kind.NO_BEAM, self._stretches, starts[~glitch], ends[~glitch]),
            Stretches.of(Kind.LOW_BEAM, self._stretches, none, none),
            Glitches(tuple(self._glitches), starts[glitch], ends[glitch]),
        )

    # ------------------------------------------------------------------ holds

    def _take(self, times: Int64, values: Float64, lowest: np.floating | float) -> None:
        """Take good samples: find the gaps between them, fill those if asked to, walk the rest."""
        holes = self._holes(times)
        if len(holes) and self._fill is not None:
            times, values = self._with_bounding_samples(times, values, self._without_plain(times, values, holes))
            lowest = values.min()
            holes = _NO_HOLES
        if self._last_ns is None:
            self._note_known(start_ns=int(times[0]))
        later = holes.index > 0 if self._last_ns is None else np.ones(len(holes), bool)
        self._known_end.append(holes.hold_end[later])
        self._known_start.append(times[holes.index[later]])
        if not self._quiet(int(times[-1]), float(lowest)):
            self._walk(times, values, holes)
        self._remember(times, values)

    def _note_known(self, start_ns: int | None = None, end_ns: int | None = None) -> None:
        for edges, ns in ((self._known_start, start_ns), (self._known_end, end_ns)):
            if ns is not None:
                edges.append(np.array([ns], np.int64))

    def _quiet(self, last_ns: int, lowest: float) -> bool:
        """Whether nothing can happen up to `last_ns`: up, nothing pending, no limits change, all in tolerance."""
        rules = self._rules
        if self._state is not _State.UP or self._tolerance_run or self._minimum_run:
            return False
        following = self._piece + 1
        if following < len(rules.starts) and rules.starts[following] <= last_ns:
            return False
        return lowest >= rules.thresholds[self._piece].tolerance

    def _holes(self, times: Int64) -> "_Holes":
        """Return the gaps before samples, each with the end of the hold before it."""
        stale = self._rules.stale_after_ns
        ends = np.empty(len(times), np.int64)
        ends[1:] = times[1:] if stale is None else np.minimum(times[:-1] + stale, times[1:])
        if self._last_ns is None:
            ends[0] = min(self._start_ns, int(times[0])) if self._fill is not None else times[0]
        else:
            ends[0] = self._hold_end(int(times[0]))
        for cut in self._cuts_in(int(times[0]), int(times[-1])):
            i = int(np.searchsorted(times, cut, side="left"))
            # A sample stamped at the cut itself belongs to the time after it, and its hold is not cut.
            ends[i] = min(cut, int(ends[i]))
        if self._silent:
            mute = self._silent.cover(times[:-1])
            ends[1:][mute] = times[:-1][mute]
        index = np.flatnonzero(ends < times)
        return _Holes(index, ends[index])

    def _cuts_in(self, after_ns: int, before_ns: int) -> list[int]:
        """Return the cuts in ``(after_ns, before_ns)``."""
        if not len(self._cuts):
            return []
        first = np.searchsorted(self._cuts, after_ns, side="right")
        last = np.searchsorted(self._cuts, before_ns, side="left")
        return self._cuts[first:last].tolist()

    def _hold_end(self, until_ns: int) -> int:
        """Return where the newest good sample's hold ends, at most `until_ns`; without one, the window's start."""
        if self._last_ns is None:
            return min(self._start_ns, until_ns)
        if self._silent and self._silent.contains(self._last_ns):
            return min(self._last_ns, until_ns)
        end = until_ns
        if self._rules.stale_after_ns is not None:
            end = min(end, self._last_ns + self._rules.stale_after_ns)
        return min([end, *self._cuts_in(self._last_ns, end)])

    def _remember(self, times: Int64, values: Float64) -> None:
        self._last_ns = int(times[-1])
        self._last_value = float(values[-1])

    def _bounding_samples(self, start_ns: int, end_ns: int) -> tuple[Int64, Float64]:
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

    def _without_plain(self, times: Int64, values: Float64, holes: "_Holes") -> "_Holes":
        """Return the gaps that the automaton has to see filled; plain ones are decided here.

        Between two samples at full beam, nothing is running before the gap, and nothing goes on behind it: filled
        with full beam it is nothing, filled with no beam it is one outage or one glitch, whatever comes later.
        """
        fill = 0.0 if self._fill is None else self._fill
        before = np.concatenate([[self._last_value if self._last_ns is not None else np.nan], values[:-1]])
        plain = before[holes.index] >= self._surely_up
        if fill < self._surely_down:
            plain &= values[holes.index] >= self._surely_up
        elif fill < self._surely_up:
            return holes
        for ns in self._restarts:
            plain &= ~((holes.hold_end < ns) & (ns < times[holes.index]))
        if fill < self._surely_down:
            self._plain.append((holes.hold_end[plain], times[holes.index[plain]]))
        return _Holes(holes.index[~plain], holes.hold_end[~plain])

    def _is_short(self, starts: Int64, ends: Int64) -> Bool:
        """Return for each plain outage whether it is a glitch, by its length or by the samples that fit into it."""
        rules = self._rules
        samples = np.minimum(rules.min_samples, 1 + (ends - 1 - starts) // rules.sample_period_ns)
        return (ends - starts < rules.min_duration_ns) | (samples < rules.min_samples)

    def _with_bounding_samples(self, times: Int64, values: Float64, holes: "_Holes") -> tuple[Int64, Float64]:
        parts_t: list[Int64] = []
        parts_v: list[Float64] = []
        done = 0
        for i, hold_end in zip(holes.index.tolist(), holes.hold_end.tolist(), strict=True):
            fill_t, fill_v = self._bounding_samples(hold_end, int(times[i]))
            parts_t += [times[done:i], fill_t]
            parts_v += [values[done:i], fill_v]
            done = i
        return np.concatenate([*parts_t, times[done:]]), np.concatenate([*parts_v, values[done:]])

    # -------------------------------------------------------------- automaton

    def _walk(self, times: Int64, values: Float64, holes: "_Holes") -> None:
        """Drive the automaton over samples, jumping to the next one that matters."""
        while len(times) and self._restarts and self._restarts[0] <= times[-1]:
            # Restarts lie in filled time only: there are no holes then.
            i = int(np.searchsorted(times, self._restarts[0], side="left"))
            if i > 0:
                self._walk_on(times[:i], values[:i], _NO_HOLES)
                self._remember(times[:i], values[:i])
            self._restart(self._restarts.pop(0))
            times, values = times[i:], values[i:]
        self._walk_on(times, values, holes)

    def _walk_on(self, times: Int64, values: Float64, holes: "_Holes") -> None:
        n = len(times)
        i = 0
        while i < n:
            following = self._piece + 1
            change = self._rules.starts[following] if following < len(self._rules.starts) else MAX_NS
            stop = int(np.searchsorted(times, change, side="left"))
            while i < stop:
                i = self._next_that_matters(values, i, stop)
                if i < stop:
                    self._sample(int(times[i]), float(values[i]), holes.known_before(i, int(times[i])))
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
            self._end_no_beam(known_before_ns, ns)
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
            self._count(run, ns, low=low)
            if not self._may_be_glitch(run, ns):
                self._open_no_beam(run)
                if value < self._opened_with.no_beam_ends:
                    return
                self._end_no_beam(known_before_ns, ns)
            elif low:
                return
            else:
                self._glitch(Glitch(Kind.NO_BEAM, run.start_ns, ns))
                self._minimum_run = None
        if value < minimum:
            self._minimum_run = run = _Run(ns, minimum, known_before_ns, *self._certainty.of(ns, self._rules))
            if not self._may_be_glitch(run, ns):
                self._open_no_beam(run)

    def _compare_with_tolerance(self, ns: int, value: float, now: Thresholds, known_before_ns: int) -> None:
        run = self._tolerance_run
        if run is not None:
            low = value < run.limit
            self._count(run, ns, low=low)
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
            self._tolerance_run = run = _Run(
                ns,
                now.tolerance,
                known_before_ns,
                *self._certainty.of(ns, self._rules),
                below_minimum=value < now.minimum,
                after_no_beam=self._ended_no_beam_ns == ns,
            )
            if not self._may_be_glitch(run, ns):
                self._open_low_beam(run)

    def _may_be_glitch(self, run: _Run, ns: int) -> bool:
        """Whether a good sample at `ns` at or above the limit makes, or would make, the run a glitch."""
        if run.stated:
            return False
        return ns - run.start_ns < self._rules.min_duration_ns or run.count < self._rules.min_samples

    def _count(self, run: _Run, ns: int, *, low: bool) -> None:
        if low:
            count, stated = self._certainty.of(ns, self._rules)
            run.count += count
            run.stated |= stated

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
        self._opened_after_no_beam = run.after_no_beam

    def _open(self, state: _State, ns: int) -> None:
        self._state = state
        self._opened_ns = ns
        self._opened_with = self._rules.thresholds[self._rules.piece_at(ns)]

    def _close(self, end_ns: int, *, still_open: bool = False, became_no_beam: bool = False) -> None:
        kind = Kind.NO_BEAM if self._state is _State.DOWN else Kind.LOW_BEAM
        if end_ns > self._opened_ns or self._silent:
            tail = kind is Kind.LOW_BEAM and self._opened_after_no_beam
            self._stretches.append(Stretch(kind, self._opened_ns, end_ns, still_open, became_no_beam, tail))
        self._state = _State.UP

    def _end_no_beam(self, end_ns: int, ended_by_ns: int) -> None:
        self._close(end_ns)
        self._ended_no_beam_ns = ended_by_ns

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
    certainty: "Certainty | None" = None,
    silent: Intervals | None = None,
) -> Conditions:
    """Find the conditions of ``[start_ns, end_ns)`` in one go; see `Scanner`."""
    scanner = Scanner(
        rules, start_ns, end_ns, cuts=cuts, fill=fill, restarts=restarts, certainty=certainty, silent=silent
    )
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


def _joined(parts: list[Int64]) -> Int64:
    return np.concatenate([np.empty(0, np.int64), *parts])
