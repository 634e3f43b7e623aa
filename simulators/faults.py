"""Faults of a simulated machine: when they begin, what they do, how long they last.

Every fault follows from the seed, its kind, and the days or month it begins in, so those of any stretch of
time can be listed without those before.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from facility.interval import Intervals
from facility.schedule import Category
from facility.time import NS_PER_DAY, from_datetime, local_midnight, to_datetime, to_ns
from simulators.calendar import Calendar
from simulators.scenario import Effect, FaultKind, Length, Repair
from simulators.seeds import stream

MS: Final = 1_000_000
CHUNK_NS: Final = 16 * NS_PER_DAY
"""Random faults that begin in a chunk of time, counted from 1970, are drawn together."""
MAX_DRAWN: Final = 1024
"""Chunks that are remembered."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that went wrong."""

    start_ns: int
    end_ns: int
    """When its cause was repaired."""
    cause: str
    effect: Effect
    reads: str = ""
    """What the instrument reads meanwhile; empty where the effect leaves no choice."""
    shift_ns: int = 0
    """How far the source's clock is ahead meanwhile."""


@dataclass(frozen=True, slots=True, eq=False)
class Interventions:
    """What people did to a machine, beside what its kinds of fault say."""

    injected: tuple[Fault, ...] = ()
    """Faults of their making."""
    repairs: dict[Effect, tuple[int, ...]] = field(default_factory=dict[Effect, tuple[int, ...]])
    """Increasing instants at which whatever has such an effect ends, the scenario's faults included."""

    @classmethod
    def of(cls, injected: Iterable[Fault], repairs: Iterable[tuple[int, Effect]]) -> "Interventions":
        """Sort repairs, given as (instant, effect), by effect and time."""
        by_effect: dict[Effect, tuple[int, ...]] = {}
        for ns, effect in sorted(repairs):
            by_effect[effect] = (*by_effect.get(effect, ()), ns)
        return cls(tuple(injected), by_effect)

    def ended(self, fault: Fault) -> Fault:
        """Return a fault as it was: up to its first repair, without any length where that came with its start."""
        instants = self.repairs.get(fault.effect, ())
        first = bisect_left(instants, fault.start_ns)
        if first < len(instants) and instants[first] < fault.end_ns:
            return replace(fault, end_ns=instants[first])
        return fault


@dataclass(slots=True)
class FaultProcess:
    """All faults of a machine, without end."""

    kinds: tuple[FaultKind, ...]
    seed: int
    calendar: Calendar
    interventions: Interventions = field(default_factory=Interventions)
    """Replaced as a whole, from any thread; who remembers what follows from it remembers it too, and compares."""
    _drawn: dict[tuple[str, int], tuple[Fault, ...]] = field(
        default_factory=dict[tuple[str, int], tuple[Fault, ...]], repr=False, compare=False
    )

    def between(self, start_ns: int, end_ns: int, effect: Effect | None = None) -> tuple[Fault, ...]:
        """Return the faults that touch ``[start_ns, end_ns)``, of one effect or all, uncut, in order of time."""
        interventions = self.interventions
        kinds = [kind for kind in self.kinds if effect in (None, kind.effect)]
        faults = [f for kind in kinds for f in self._of_kind(kind, start_ns, end_ns)]
        faults += [f for f in interventions.injected if effect in (None, f.effect)]
        if interventions.repairs:
            faults = [interventions.ended(f) for f in faults]
        return tuple(sorted(f for f in faults if f.start_ns < end_ns and f.end_ns > max(start_ns, f.start_ns)))

    def _of_kind(self, kind: FaultKind, start_ns: int, end_ns: int) -> list[Fault]:
        earliest = start_ns - to_ns(kind.length_s.max)
        if kind.per_month is not None:
            return self._at_random(kind, kind.per_month, earliest, end_ns)
        if kind.each_month is not None:
            return self._each_month(kind, kind.each_month, earliest, end_ns)
        return self._at(kind, earliest, end_ns)

    def _at_random(self, kind: FaultKind, per_month: float, start_ns: int, end_ns: int) -> list[Fault]:
        chunks = range(max(start_ns // CHUNK_NS, 0), (end_ns - 1) // CHUNK_NS + 1)
        return [f for chunk in chunks for f in self._chunk(kind, per_month, chunk)]

    def _chunk(self, kind: FaultKind, per_month: float, chunk: int) -> tuple[Fault, ...]:
        """Return the faults of a kind that begin in a chunk of time: a Poisson process."""
        drawn = self._drawn.get((kind.key, chunk))
        if drawn is None:
            rng = stream(self.seed, kind.key, chunk)
            number = int(rng.poisson(per_month / 30 * CHUNK_NS / NS_PER_DAY))
            starts = np.sort(rng.integers(0, CHUNK_NS // MS, number)) * MS + chunk * CHUNK_NS
            drawn = tuple(_fault(kind, start, rng) for start in starts.tolist())
            if len(self._drawn) >= MAX_DRAWN:
                self._drawn.clear()
            self._drawn[kind.key, chunk] = drawn
        return drawn

    def _each_month(self, kind: FaultKind, number: int, start_ns: int, end_ns: int) -> list[Fault]:
        zone = self.calendar.zone
        faults: list[Fault] = []
        month = to_datetime(start_ns, zone).date().replace(day=1)
        while (first := local_midnight(month, zone)) < end_ns:
            following = (month + timedelta(days=32)).replace(day=1)
            rng = stream(self.seed, kind.key, month.year, month.month)
            user_time = self._user_time(first, local_midnight(following, zone))
            if user_time:
                moments = np.sort(rng.integers(0, user_time.total // MS, number)) * MS
                faults += [_fault(kind, _within(user_time, moment), rng) for moment in moments.tolist()]
            month = following
        return faults

    def _user_time(self, start_ns: int, end_ns: int) -> Intervals:
        plan = self.calendar.plan(start_ns, end_ns)
        return plan.intervals(Category.USER, Category.RESERVE).clip(start_ns, end_ns)

    def _at(self, kind: FaultKind, start_ns: int, end_ns: int) -> list[Fault]:
        zone = self.calendar.zone
        first, last = to_datetime(start_ns, zone).date(), to_datetime(end_ns, zone).date()
        faults: list[Fault] = []
        for moment in kind.at or ():
            days = [moment.date()] if isinstance(moment, datetime) else _days(first, last)
            for day in days:
                when = moment if isinstance(moment, datetime) else datetime.combine(day, moment, zone)
                start = from_datetime(when)
                faults.append(_fault(kind, start, stream(self.seed, kind.key, start // MS)))
        return faults


def repairs_of(repairs: Iterable[Repair]) -> list[tuple[int, Effect]]:
    """Return (instant, effect) of every repair that a scenario lists."""
    return [(from_datetime(moment), repair.effect) for repair in repairs for moment in repair.at]


def _fault(kind: FaultKind, start_ns: int, rng: np.random.Generator) -> Fault:
    end_ns = start_ns + _length_ns(kind.length_s, rng)
    return Fault(start_ns, end_ns, kind.cause, kind.effect, kind.reading, to_ns(kind.shift_s or 0.0))


def _length_ns(length: Length, rng: np.random.Generator) -> int:
    seconds = length.median * length.spread ** float(rng.standard_normal())
    return round(min(max(seconds, length.min), length.max) * 1000) * MS


def _within(intervals: Intervals, offset_ns: int) -> int:
    """Return the instant that lies `offset_ns` into the intervals, laid end to end."""
    for start, end in intervals:
        if offset_ns < end - start:
            return start + offset_ns
        offset_ns -= end - start
    raise AssertionError("offset beyond the intervals")


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]
