"""From a limit that lies inside the noise to the few runs that a rule's delays let through.

A value that crosses its limit every other second makes millions of edges a year, and a rule with a delay of ten
seconds takes notice of next to none. Here the runs of one verdict are found chunk by chunk, and those that are shorter
than the delay of the phase that the rule is in are passed over by index, without a look at each. What is left goes to
the same engine as everything else. Exact for a rule of one limit or rate that neither inhibits nor is inhibited.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.alarms.edges import Event, Float64, Holds, Int64, chunks, good_of, rates_of
from facility.alarms import AlarmRule, LimitCondition, RateCondition, SeriesSpec
from facility.batch import Samples
from facility.interval import Intervals

Int8 = NDArray[np.int8]

BLOCK: Final = 1 << 20
"""So many samples are looked at together."""

_UNKNOWN, _FALSE, _TRUE, _AS_BEFORE = -1, 0, 1, -2


@dataclass(frozen=True, slots=True)
class Runs:
    """Stretches of one verdict, each until the next one starts, the last one until the end."""

    start: Int64
    verdict: Int8
    """-1 unknown, 0 false, 1 true."""
    value: Float64
    """Of the sample that the run begins with; NaN for unknown."""
    end_ns: int

    def length(self) -> Int64:
        """Return how long each run lasts, ns."""
        return np.diff(self.start, append=self.end_ns)

    def split(self, edges: Iterable[int]) -> "Runs":
        """Return the same runs, with those that an edge lies in cut there."""
        wanted = sorted({e for e in edges if self.start[0] < e < self.end_ns})
        at = np.searchsorted(self.start, wanted)
        new = [i for i, (k, e) in enumerate(zip(at.tolist(), wanted, strict=True)) if not self._starts(k, e)]
        inside, at = np.array(wanted, np.int64)[new], at[new]
        return Runs(
            np.insert(self.start, at, inside),
            np.insert(self.verdict, at, self.verdict[at - 1]),
            np.insert(self.value, at, self.value[at - 1]),
            self.end_ns,
        )

    def at(self, edges: Iterable[int]) -> list[int]:
        """Return the numbers of the runs that start at one of the edges."""
        wanted = sorted(edges)
        found = np.searchsorted(self.start, wanted).tolist()
        return [k for k, edge in zip(found, wanted, strict=True) if self._starts(k, edge)]

    def _starts(self, run: int, ns: int) -> bool:
        return run < len(self.start) and int(self.start[run]) == ns


def runs_of(
    pieces: Iterable[Samples],
    spec: SeriesSpec,
    cuts: Int64,
    condition: LimitCondition | RateCondition,
    start_ns: int,
    end_ns: int,
) -> Iterator[Runs]:
    """Yield the runs of a condition whose limits are numbers, block after block; a block begins with a new run.

    What came before `start_ns` was judged by nobody, so only the last good sample up to there counts.
    """
    holds = Holds(spec.hold_ns, cuts)
    block = _Block()
    memory = last = _FALSE
    first = True
    for times, numbers, known in _since(start_ns, _readings(pieces, spec, condition)):
        verdict, memory = _verdicts(numbers, known, condition, memory)
        broken = holds.breaks(times)
        full = block.samples >= BLOCK
        changed = np.empty(len(times), bool)
        changed[0] = first or full or verdict[0] != last
        np.not_equal(verdict[1:], verdict[:-1], out=changed[1:])
        changed[[i for i, _ in broken]] = True
        picked = np.flatnonzero(changed)
        # Where a hold has ended, an unknown run lies before the sample.
        ends = [(i, end) for i, end in broken if not (first and i == 0)]
        at = np.searchsorted(picked, [i for i, _ in ends])
        starts = np.insert(times[picked], at, [end for _, end in ends])
        if full:
            yield block.runs(int(starts[0]))
            block = _Block()
        block.add(starts, np.insert(verdict[picked], at, _UNKNOWN), np.insert(numbers[picked], at, np.nan), len(times))
        holds.last_ns, last, first = int(times[-1]), int(verdict[-1]), False
    ended = holds.end(end_ns)
    if ended is not None:
        block.add(np.array([ended], np.int64), np.array([_UNKNOWN], np.int8), np.array([np.nan]), 0)
    if block.starts:
        yield block.runs(end_ns)


@dataclass(slots=True)
class _Block:
    """Runs that are being gathered."""

    starts: list[Int64] = field(default_factory=list[Int64])
    verdicts: list[Int8] = field(default_factory=list[Int8])
    values: list[Float64] = field(default_factory=list[Float64])
    samples: int = 0

    def add(self, starts: Int64, verdicts: Int8, values: Float64, samples: int) -> None:
        self.starts.append(starts)
        self.verdicts.append(verdicts)
        self.values.append(values)
        self.samples += samples

    def runs(self, end_ns: int) -> Runs:
        return Runs(np.concatenate(self.starts), np.concatenate(self.verdicts), np.concatenate(self.values), end_ns)


def thinned_events(blocks: Iterable[Runs], rule: AlarmRule, armed: Intervals, start_ns: int) -> list[Event]:
    """Return the events that give the rule the same phases as all of them.

    Parameters
    ----------
    armed
        Where neither plan nor mode suppresses the rule; it begins again in each.
    start_ns
        Where the replay begins; what is before is one held value.
    """
    thinning = _Thinning(rule, armed, start_ns)
    return [event for runs in blocks for event in thinning.events(runs)]


@dataclass(slots=True)
class _Thinning:
    """Walks from one run that counts to the next."""

    rule: AlarmRule
    armed: Intervals
    start_ns: int
    phase: str = "idle"
    elapsed_ns: int = 0
    """How far the running delay had come before a hole, or the end of a block."""
    hole_ns: int = 0
    """How long the hole has lasted."""
    chattering: bool = False
    raises: list[int] = field(default_factory=list[int])
    runs: Runs = field(init=False)
    """The block at hand, and of it:"""
    kept: list[int] = field(default_factory=list[int])
    """Numbers of the runs whose own verdict the engine is shown."""
    active_from: list[tuple[int, bool]] = field(default_factory=list[tuple[int, bool]])
    """(run, whether the rule is active after it): between kept runs that is the verdict shown."""

    def events(self, block: Runs) -> list[Event]:
        """Walk over the runs of a block, and return what the engine is shown of them."""
        edges = [self.start_ns, *(t for span in self.armed for t in span)]
        runs = self.runs = block.split(edges)
        self.kept, self.active_from = [], []
        length, rule = runs.length(), self.rule
        true, false = runs.verdict == _TRUE, runs.verdict == _FALSE
        raising = np.flatnonzero(true & (length >= rule.on_delay_ns)).tolist()
        ending = np.flatnonzero(false & (length >= rule.off_delay_ns)).tolist()
        quiet_ns = max(rule.off_delay_ns, rule.chatter_within_ns)
        quiet = np.flatnonzero(false & (length >= quiet_ns)).tolist()
        for first, last in self._sections(runs.at(edges)):
            if not self._is_armed(int(runs.start[first])):
                self.phase, self.elapsed_ns, self.chattering = "idle", 0, False
                self.raises.clear()
                self.kept += [first, last - 1]
            elif runs.verdict[first] == _UNKNOWN:
                self.kept.append(first)
                self._hole(int(length[first:last].sum()))
            else:
                self._first(first, last, length)
                self._walk(first + 1, last, raising, ending, quiet)
        return self._shown()

    def _walk(self, i: int, last: int, raising: list[int], ending: list[int], quiet: list[int]) -> None:
        """Go from one run that is long enough to the next, to the end of a section."""
        while i < last:
            found = raising if self.phase == "idle" else quiet if self.chattering else ending
            k = bisect_left(found, i)
            if k < len(found) and found[k] < last:
                i = found[k]
                self.kept.append(i)
                if self.phase == "idle":
                    self._raise(int(self.runs.start[i]) + self.rule.on_delay_ns)
                else:
                    self._clear()
                i += 1
                continue
            self.kept.append(last - 1)
            if (self.runs.verdict[last - 1] == _TRUE) == (self.phase == "idle"):
                self.phase = "pending" if self.phase == "idle" else "clearing"
                self.elapsed_ns = int(self.runs.length()[last - 1])
            return

    def _sections(self, edges: list[int]) -> Iterator[tuple[int, int]]:
        """Yield (first run, behind the last) of stretches that are unknown, or known and armed alike."""
        unknown = self.runs.verdict == _UNKNOWN
        changes = np.flatnonzero(unknown[1:] != unknown[:-1]) + 1
        firsts = sorted({0, *edges, *changes.tolist(), len(self.runs.start)})
        yield from pairwise(firsts)

    def _is_armed(self, ns: int) -> bool:
        return ns >= self.start_ns and self.armed.contains(ns)

    def _first(self, first: int, last: int, length: Int64) -> None:
        """Take the first run of a section, for which a delay may have begun before a hole."""
        true, lasts, at = self.runs.verdict[first] == _TRUE, int(length[first]), int(self.runs.start[first])
        self.kept.append(first)
        self.hole_ns = 0
        only = last - first == 1
        if self.phase in ("idle", "pending"):
            done = self.elapsed_ns if self.phase == "pending" else 0
            left = self.rule.on_delay_ns - done
            self.phase = "idle"
            if true and lasts >= left:
                self._raise(at + left)
            elif true and only:
                self.phase, self.elapsed_ns = "pending", done + lasts
        else:
            done = self.elapsed_ns if self.phase == "clearing" else 0
            left = self._off_ns() - done
            self.phase = "active"
            if not true and lasts >= left:
                self._clear()
            elif not true and only:
                self.phase, self.elapsed_ns = "clearing", done + lasts
        self.active_from.append((first, self.phase == "active"))

    def _hole(self, lasts_ns: int) -> None:
        """Let a running delay lapse in a hole that is longer than the delay."""
        self.hole_ns += lasts_ns
        if self.phase == "pending" and self.hole_ns > self.rule.on_delay_ns:
            self.phase = "idle"
        elif self.phase == "clearing" and self.hole_ns > self._off_ns():
            self.phase = "active"

    def _off_ns(self) -> int:
        off_ns = self.rule.off_delay_ns
        return max(off_ns, self.rule.chatter_within_ns) if self.chattering else off_ns

    def _raise(self, ns: int) -> None:
        rule = self.rule
        self.phase = "active"
        self.raises = [t for t in self.raises if t > ns - rule.chatter_within_ns] + [ns]
        self.chattering |= 0 < rule.chatter_count <= len(self.raises)
        self.active_from.append((self.kept[-1], True))

    def _clear(self) -> None:
        self.phase = "idle"
        if self.chattering:
            self.chattering = False
            self.raises.clear()
        self.active_from.append((self.kept[-1], False))

    def _shown(self) -> list[Event]:
        """Return the kept runs, and behind each of them the verdict of the phase that it left."""
        runs, kept = self.runs, sorted(set(self.kept))
        events: list[Event] = []
        for i, following in zip(kept, [*kept[1:], len(runs.start)], strict=True):
            events.append(self._event(i))
            place = bisect_left(self.active_from, (i + 1, False)) - 1
            if i + 1 < following and place >= 0:
                # Runs alternate: this one is as the phase says, or the next one is.
                wanted = _TRUE if self.active_from[place][1] else _FALSE
                if runs.verdict[i] != wanted:
                    events.append(self._event(i + 1))
        return events

    def _event(self, run: int) -> Event:
        known = self.runs.verdict[run] != _UNKNOWN
        return int(self.runs.start[run]), float(self.runs.value[run]) if known else None


_Reading = tuple[Int64, Float64, NDArray[np.bool_] | None]


def _since(start_ns: int, readings: Iterable[_Reading]) -> Iterator[_Reading]:
    """Yield readings without those that another one follows by `start_ns`."""
    held: _Reading | None = None
    for times, numbers, known in readings:
        k = int(np.searchsorted(times, start_ns, side="right"))
        if k:
            held = times[k - 1 : k], numbers[k - 1 : k], None if known is None else known[k - 1 : k]
        if k < len(times):
            if held is not None:
                yield held
                held = None
            yield times[k:], numbers[k:], None if known is None else known[k:]
    if held is not None:
        yield held


def _readings(
    pieces: Iterable[Samples], spec: SeriesSpec, condition: LimitCondition | RateCondition
) -> Iterator[_Reading]:
    """Yield stamps, numbers to compare, and which of them are known (None: all) of the good samples."""
    if isinstance(condition, RateCondition):
        for times, slope, known in rates_of(pieces, spec, condition.window_ns):
            yield times, slope, known
        return
    for samples in chunks(pieces):
        good = good_of(samples, spec)
        times = samples.time_ns if good is None else samples.time_ns[good]
        if len(times):
            yield times, samples.value if good is None else samples.value[good], None


def _verdicts(
    numbers: Float64, known: NDArray[np.bool_] | None, condition: LimitCondition | RateCondition, memory: int
) -> tuple[Int8, int]:
    """Return the verdict of each number, and the last one that a deadband remembers."""
    above, below = condition.above, condition.below
    ends_below = above if condition.ends_below is None else condition.ends_below
    ends_above = below if condition.ends_above is None else condition.ends_above
    beyond, within = np.zeros(len(numbers), bool), np.ones(len(numbers), bool)
    for limit, end, sign in ((above, ends_below, 1.0), (below, ends_above, -1.0)):
        if isinstance(limit, float):
            beyond |= sign * numbers > sign * limit
        if isinstance(end, float):
            within &= sign * numbers <= sign * end
    code = np.where(beyond, _TRUE, np.where(within, _FALSE, _AS_BEFORE)).astype(np.int8)
    if known is not None:
        code[~known] = _AS_BEFORE
    place = np.where(code == _AS_BEFORE, -1, np.arange(len(code)))
    np.maximum.accumulate(place, out=place)
    verdict = np.where(place < 0, np.int8(memory), code[place]).astype(np.int8)
    memory = int(verdict[-1])
    if known is not None:
        verdict[~known] = _UNKNOWN
    return verdict, memory
