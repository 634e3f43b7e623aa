"""What each series holds: the newest good sample, how long it holds, and where a lost link cut it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from analytics.alarms.feed import FactSample
from analytics.alarms.program import Program
from analytics.alarms.verdicts import History
from facility.alarms import SeriesSpec
from facility.batch import NO_WORD, Batch
from facility.quality import REASON_CLOCK, Quality
from facility.signals import LINK_HOLD_NS
from facility.time import MAX_NS, MIN_NS

NEVER: Final = MIN_NS
"""Stamp of a sample that there is not."""


class Sample(NamedTuple):
    """One sample on its way into the engine."""

    time_ns: int
    series: str
    value: float | str | None
    good: bool
    coverage_pct: float | None = None
    user_time_h: float | None = None


@dataclass(slots=True, eq=True)
class Holdings:
    """Columns with one entry a series, as in the program; copied before they are changed."""

    stamp: list[int]
    """Stamp of what is held: the newest good sample of a number, the newest of any quality of a state or fact."""
    value: list[float | str | None]
    ok: list[bool]
    """Whether what is held counts: not bad, not taken back."""
    good: list[int]
    """Stamp of the newest good sample."""
    older: list[int]
    """Stamp of the good sample before that."""
    newest: list[int]
    """Stamp of the newest sample of any quality."""
    due: list[int]
    """Next instant at which silence changes something."""
    history: dict[int, History] = field(default_factory=dict[int, History])
    """Good samples of the series that a rate is asked of."""
    minima: dict[int, tuple[float | None, float | None]] = field(
        default_factory=dict[int, tuple[float | None, float | None]]
    )
    """Coverage and user time that were stated with a figure."""
    heard: dict[str, int] = field(default_factory=dict[str, int])
    """Stamp of the newest word of each source's link."""
    cut: dict[str, int] = field(default_factory=dict[str, int])
    """Where the link of each source was last lost: holds that began before ended there."""

    @classmethod
    def empty(cls, count: int) -> "Holdings":
        """Return the holdings of series that never had a sample."""
        return cls(
            [NEVER] * count,
            [None] * count,
            [False] * count,
            [NEVER] * count,
            [NEVER] * count,
            [NEVER] * count,
            [MAX_NS] * count,
        )

    def copy(self) -> "Holdings":
        """Return holdings that may be changed without changing these."""
        return Holdings(
            self.stamp.copy(),
            self.value.copy(),
            self.ok.copy(),
            self.good.copy(),
            self.older.copy(),
            self.newest.copy(),
            self.due.copy(),
            self.history.copy(),
            self.minima.copy(),
            self.heard.copy(),
            self.cut.copy(),
        )

    def carried(self, old: Program, new: Program) -> "Holdings":
        """Return the same holdings in the order of other rules' program."""
        fresh = Holdings.empty(len(new.series))
        for name, i in old.series_index.items():
            k = new.series_index.get(name)
            if k is None:
                continue
            fresh.stamp[k], fresh.value[k], fresh.ok[k] = self.stamp[i], self.value[i], self.ok[i]
            fresh.good[k], fresh.older[k], fresh.newest[k] = self.good[i], self.older[i], self.newest[i]
            if k in new.windows:
                held = ((self.stamp[i], self.value[i]),) if self.ok[i] else ()
                fresh.history[k] = self.history.get(i, _numbers(held))
            if i in self.minima:
                fresh.minima[k] = self.minima[i]
        fresh.heard, fresh.cut = dict(self.heard), dict(self.cut)
        return fresh

    def holds(self, i: int, spec: SeriesSpec, now_ns: int) -> bool:
        """Whether a good sample holds at an instant."""
        stamp = self.stamp[i]
        if not self.ok[i] or (spec.hold_ns is not None and stamp + spec.hold_ns <= now_ns):
            return False
        return all(self.cut.get(source, NEVER) <= stamp for source in spec.sources)

    def take(self, i: int, spec: SeriesSpec, sample: Sample, window_ns: int | None) -> bool:
        """Take one sample; return whether it counts as newest (False: older than the newest of its series)."""
        if spec.link_of is not None:
            self._take_link(spec.link_of, sample)
        newest = self.good[i] if spec.kind == "number" else self.stamp[i]
        if sample.time_ns < newest:
            return False
        self.newest[i] = max(self.newest[i], sample.time_ns)
        if spec.kind == "number":
            self._take_number(i, sample)
        else:
            self._take_word(i, sample)
        if window_ns is not None:
            self._remember(i, sample, window_ns)
        return True

    def silent(self, now_ns: int) -> list[str]:
        """Cut the sources that were silent for too long; return those that were cut now."""
        lost: list[str] = []
        for source, heard in self.heard.items():
            end = heard + LINK_HOLD_NS
            if end <= now_ns and self.cut.get(source, NEVER) < end:
                self.cut[source] = end
                lost.append(source)
        return lost

    def set_back(self, now_ns: int) -> None:
        """Let stamps beyond an instant become it: the clock was put back."""
        for column in (self.stamp, self.good, self.older, self.newest):
            column[:] = [min(t, now_ns) for t in column]
        for i, history in self.history.items():
            kept = [(min(t, now_ns), v) for t, v in history]
            self.history[i] = tuple(p for k, p in enumerate(kept) if k + 1 == len(kept) or kept[k + 1][0] > p[0])
        for found in (self.heard, self.cut):
            found.update({source: min(t, now_ns) for source, t in found.items()})

    def _take_link(self, source: str, sample: Sample) -> None:
        heard = self.heard.get(source)
        if heard is not None and sample.time_ns < heard:
            return
        if heard is not None and sample.time_ns > heard + LINK_HOLD_NS:
            self.cut[source] = max(self.cut.get(source, NEVER), heard + LINK_HOLD_NS)
        self.heard[source] = sample.time_ns
        if sample.value == "down":
            self.cut[source] = max(self.cut.get(source, NEVER), sample.time_ns)

    def _take_number(self, i: int, sample: Sample) -> None:
        if not sample.good:
            if sample.time_ns == self.good[i] != NEVER:
                # A bad sample takes back the good one of the same stamp, and ends its hold.
                self.good[i] = self.stamp[i] = self.older[i]
                self.older[i], self.ok[i], self.value[i] = NEVER, False, None
            return
        if sample.time_ns > self.good[i]:
            self.older[i] = self.good[i]
        self.good[i] = self.stamp[i] = sample.time_ns
        self.value[i], self.ok[i] = sample.value, True

    def _take_word(self, i: int, sample: Sample) -> None:
        if sample.good:
            if sample.time_ns > self.good[i]:
                self.older[i] = self.good[i]
            self.good[i] = sample.time_ns
        elif sample.time_ns == self.good[i]:
            self.good[i], self.older[i] = self.older[i], NEVER
        self.stamp[i], self.value[i], self.ok[i] = sample.time_ns, sample.value, sample.good
        if sample.coverage_pct is not None or sample.user_time_h is not None:
            self.minima[i] = (sample.coverage_pct, sample.user_time_h)
        else:
            self.minima.pop(i, None)

    def _remember(self, i: int, sample: Sample, window_ns: int) -> None:
        history = self.history.get(i, ())
        same = bool(history) and history[-1][0] == sample.time_ns
        if same:
            history = history[:-1]
        if sample.good and isinstance(sample.value, float):
            history = (*history, (sample.time_ns, sample.value))
        elif not same:
            return
        # The newest may still be taken back; what the one before it needs is kept as well.
        oldest = (history[-2][0] if len(history) > 1 else sample.time_ns) - 2 * window_ns
        first = 0
        while first < len(history) and history[first][0] < oldest:
            first += 1
        self.history[i] = history[first:]


def samples_of(batches: Iterable[Batch], facts: Iterable[FactSample], program: Program) -> list[Sample]:
    """Return what came in as single samples, in order of arrival, without series that the facility does not have."""
    found: list[Sample] = []
    for batch in batches:
        found += _of_batch(batch, program)
    for fact in facts:
        if fact.series in program.series_index:
            value = float(fact.value) if isinstance(fact.value, int | float) else fact.value
            good = value is not None and (isinstance(value, str) or bool(np.isfinite(value)))
            found.append(Sample(fact.time_ns, fact.series, value, good, fact.coverage_pct, fact.user_time_h))
    return found


def _of_batch(batch: Batch, program: Program) -> list[Sample]:
    doubted = batch.quality == Quality.BAD
    if REASON_CLOCK in batch.words:
        clock = batch.words.index(REASON_CLOCK)
        doubted |= (batch.quality == Quality.UNCERTAIN) & (batch.reason == clock)
    known = program.series_index
    specs: list[SeriesSpec | None] = [program.series[known[s]] if s in known else None for s in batch.signals]
    found: list[Sample] = []
    rows: Iterable[tuple[int, int, float, int, bool]] = zip(
        batch.signal.tolist(),
        batch.time_ns.tolist(),
        batch.value.tolist(),
        batch.state.tolist(),
        doubted.tolist(),
        strict=True,
    )
    for signal, time_ns, number, state, bad in rows:
        spec = specs[signal]
        if spec is None:
            continue
        if state != NO_WORD:
            good = not bad and spec.kind != "number"
            found.append(Sample(time_ns, spec.name, batch.words[state], good))
        else:
            finite = number - number == 0.0
            good = not bad and finite and number <= spec.physical_max and spec.kind != "state"
            found.append(Sample(time_ns, spec.name, number if finite else None, good))
    return found


def _numbers(pairs: Iterable[tuple[int, float | str | None]]) -> History:
    return tuple((t, v) for t, v in pairs if isinstance(v, float))
