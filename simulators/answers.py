"""From a machine's truth to its answer key."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from facility.alarms import AlarmRules, LimitCondition, SeriesTable
from facility.batch import Float64, Int64
from facility.definition import Definition
from facility.errors import AlarmRuleError, ScenarioError
from facility.interval import Intervals
from facility.limits import Limits
from facility.profile import Profile
from facility.schedule import Category, Plan
from facility.sentence import Sentence
from facility.time import NS_PER_S, format_time, to_ns, to_s
from simulators.alarm_watch import Raise, Watched, decided_by_truth, watch
from simulators.answer_key import (
    AnswerKey,
    BeamChange,
    KeyAccounts,
    KeyAlarms,
    KeyCounts,
    KeyEvent,
    KeyFault,
    KeyHidden,
    KeyMismatch,
    KeyPeriod,
    KeyRaise,
    KeySpan,
    PlannedTime,
)
from simulators.faults import Fault
from simulators.observer import Low, Observer, Seen
from simulators.scenario import Effect
from simulators.witness import Witness, disagreements

_TAKES_BEAM = (Effect.BEAM_DUMP, Effect.NO_INJECTION)
_HIDES_BEAM = (
    Effect.MONITOR_DROPOUT,
    Effect.MONITOR_SPIKE,
    Effect.LINK_OUTAGE,
    Effect.BROKER_OUTAGE,
    Effect.CLOCK_STEP,
)
_LIES = (Effect.MONITOR_FREEZE, Effect.MONITOR_DROPOUT, Effect.MONITOR_SPIKE, Effect.WITNESS_FAULT, Effect.CLOCK_STEP)


@dataclass(frozen=True, slots=True, eq=False)
class DayTruth:
    """The delivery signal of one day: what was, and what a working monitor marked good."""

    time_ns: Int64
    """(n,) every stamp of the day."""
    beam_ma: Float64
    """(n,) the true current."""
    good_ns: Int64
    """(m,) stamps of the good samples that arrived."""
    good_ma: Float64
    """(m,) what they say."""
    witness_ns: Int64 = field(default_factory=lambda: np.empty(0, np.int64))
    """(k,) stamps of the witness's good samples that arrived."""
    witness_value: Float64 = field(default_factory=lambda: np.empty(0))
    """(k,) what they say, in the witness's unit."""
    said: tuple[tuple[int, str | None], ...] = ()
    """(stamp, mode) as the machine said it."""


def answer(
    profile: Profile,
    definition: Definition,
    plan: Plan,
    faults: tuple[Fault, ...],
    days: Iterable[DayTruth],
    period: tuple[int, int],
    *,
    scenario: str,
    seed: int,
    links: tuple[tuple[int, str], ...] = (),
) -> AnswerKey:
    """Work out the answers of a period.

    Parameters
    ----------
    faults
        Those that touch the period, uncut.
    days
        Everything stamped in the period.
    links
        (instant, word) that the link to the machine reports in the period.

    Raises
    ------
    ScenarioError
        If the period begins before the profile's first limits.
    """
    start, end = period
    limits = _limits(profile, plan, start, end)
    causes = _Causes(faults, plan)
    good: list[tuple[Int64, Float64]] = []
    observed = _observe(profile, definition, plan, limits, _kept(days, good), start, end)
    books = _Books(observed.seen, plan.user_time.clip(start, end), definition.merge_gap_ns)
    books.close()
    user_time = books.user_time
    sensor_faults = [(a, b) for a, b in observed.contradictions if user_time.contains(a)]
    mismatches = None if profile.mode_signal is None else disagreements(observed.said, plan, start, end)
    changes = _changes(observed.truth, causes, start, end)
    stale_ns = profile.delivery.stale_after_ns or 0
    watched = Watched(start, end, plan, limits, stale_ns, links, good)
    return AnswerKey(
        facility=profile.id,
        scenario=scenario,
        seed=seed,
        definition=definition.id,
        period=KeyPeriod(start=start, end=end),
        planned=tuple(_planned(plan, start, end)),
        faults=tuple(key_fault(f) for f in faults),
        beam=tuple(changes),
        outages=tuple(_event(low, time, causes) for low, time in books.outages),
        low_beam=tuple(_event(low, time, causes) for low, time in books.low_beams),
        glitches=tuple(
            KeySpan(start=g.start_ns, end=g.end_ns, cause=causes.of(g.start_ns, g.end_ns, (Effect.MONITOR_GLITCH,)))
            for g in books.glitches
        ),
        unknown=tuple(KeySpan(start=a, end=b, cause=causes.of(a, b, _HIDES_BEAM)) for a, b in books.unknown),
        sensor_faults=tuple(KeySpan(start=a, end=b, cause=causes.of(a, b, _LIES)) for a, b in sensor_faults),
        mode_mismatches=tuple(
            KeyMismatch(start=m.start_ns, end=m.end_ns, planned=m.planned, said=m.said) for m in mismatches or ()
        ),
        hidden=tuple(_hidden(books, observed.truth, causes, definition.min_duration_ns)),
        energy_mwh=observed.energy_mwh,
        alarms=_alarms(profile, watched, causes, changes),
        accounts_s=KeyAccounts(
            user_time=to_s(books.user_time.total),
            delivered=to_s(books.delivered.total),
            no_beam=to_s(books.no_beam.total),
            unknown=to_s(books.unknown.total),
            low_beam=to_s(books.low_beam.total),
        ),
        counts=KeyCounts(
            failures=books.failures,
            low_beam=books.distortions,
            glitches=len(books.glitches),
            sensor_faults=len(sensor_faults),
            mode_mismatches=None if mismatches is None else len(mismatches),
        ),
    )


def _kept(days: Iterable[DayTruth], good: list[tuple[Int64, Float64]]) -> Iterator[DayTruth]:
    """Pass days on, and keep their good samples."""
    for day in days:
        good.append((day.good_ns, day.good_ma))
        yield day


def _alarms(profile: Profile, watched: Watched, causes: "_Causes", beam: list[BeamChange]) -> KeyAlarms | None:
    """Return the raises of the shipped rules that the truth decides, each with the fault behind it."""
    sources = {name.removesuffix("_link"): [s.id for s in profile.signals] for name in ("ring_link", "linac_link")}
    try:
        rules = AlarmRules.shipped(profile.id, SeriesTable.of(profile, sources))
    except AlarmRuleError:
        return None
    chosen = decided_by_truth(rules, profile.delivery_signal)
    of_limits = {rule.id for rule in chosen if isinstance(rule.when, LimitCondition)}
    raised = watch(chosen, watched)
    return KeyAlarms(
        rules=rules.fingerprint,
        watched=tuple(rule.id for rule in chosen),
        raised=tuple(
            KeyRaise(alarm=r.alarm, time=r.time_ns, cause=causes.of_raise(r, beam, of_beam=r.alarm in of_limits))
            for r in raised
        ),
    )


@dataclass(frozen=True, slots=True)
class _Observed:
    """A period as its samples and as its truth show it."""

    seen: Seen
    truth: Seen
    contradictions: list[tuple[int, int]]
    """(start, end) where the witness saw beam and the delivery signal none."""
    said: list[tuple[int, str]]
    """(instant, mode) at each change of the mode that the machine reports."""
    energy_mwh: float | None


def _observe(
    profile: Profile,
    definition: Definition,
    plan: Plan,
    limits: list[tuple[int, Limits]],
    days: Iterable[DayTruth],
    start: int,
    end: int,
) -> _Observed:
    signal = profile.delivery
    observer = Observer(definition, signal.stale_after_ns or 0, signal.min_samples, limits, start, end)
    truth = Observer(definition, end - start, 1, limits, start, end)
    other = None if signal.witness is None else profile.signal(signal.witness)
    beam_above = None if other is None else other.beam_above
    highest = max(row.minimum for _, row in limits) if beam_above is None else beam_above
    witness = Witness(to_ns((0.0 if other is None else other.period_s) or 0.0), highest)
    said: list[tuple[int, str]] = []
    lowest = max(row.minimum for _, row in limits)
    user_time = plan.user_time.clip(start, end)
    energy = 0.0
    for day in days:
        low = day.good_ma < lowest
        around = day.good_ns[low & ~np.append(False, low[:-1])]
        observer.see(day.good_ns, day.good_ma, witness.see(day.witness_ns, day.witness_value, around))
        truth.see(day.time_ns, day.beam_ma)
        for instant, word in day.said:
            if word is not None and (not said or said[-1][1] != word):
                said.append((instant, word))
        if signal.unit == "kW":
            energy += sum(
                float(day.beam_ma[slice(*np.searchsorted(day.time_ns, [a, b]).tolist())].sum()) for a, b in user_time
            )
    contradictions = witness.contradictions(
        (low, _limits_at(limits, low.start_ns).minimum if beam_above is None else beam_above)
        for low in observer.seen().no_beam
    )
    return _Observed(
        observer.seen(Intervals.of(contradictions)) if contradictions else observer.seen(),
        truth.seen(),
        contradictions,
        said,
        energy * (signal.period_s or 1.0) / 3.6e6 if signal.unit == "kW" else None,
    )


def _limits_at(limits: list[tuple[int, Limits]], ns: int) -> Limits:
    return limits[max(bisect_right(limits, ns, key=lambda row: row[0]) - 1, 0)][1]


def key_fault(fault: Fault) -> KeyFault:
    """Return a fault as answer keys write it."""
    return KeyFault(
        start=fault.start_ns,
        end=fault.end_ns,
        cause=fault.cause,
        effect=fault.effect,
        reads=fault.reads,
        shift_s=to_s(fault.shift_ns),
    )


def _hidden(books: "_Books", truth: Seen, causes: "_Causes", at_least_ns: int) -> list[KeyHidden]:
    """Return known user time with the opposite result, without the few seconds that noise may explain."""
    down = Intervals.of((low.start_ns, low.end_ns) for low in truth.no_beam)
    wrong = [("no_beam", pair) for pair in books.delivered & down]
    wrong += [("beam", pair) for pair in books.no_beam - down]
    return [
        KeyHidden.model_validate({"start": a, "end": b, "truth": what, "cause": causes.of(a, b, _LIES)})
        for what, (a, b) in sorted(wrong, key=lambda row: row[1])
        if b - a >= at_least_ns
    ]


@dataclass(slots=True)
class _Books:
    """User time, shared out between delivered, no-beam and unknown."""

    seen: Seen
    user_time: Intervals
    merge_gap_ns: int
    no_beam: Intervals = field(default_factory=Intervals.empty)
    unknown: Intervals = field(default_factory=Intervals.empty)
    delivered: Intervals = field(default_factory=Intervals.empty)
    low_beam: Intervals = field(default_factory=Intervals.empty)
    outages: list[tuple[Low, Intervals]] = field(default_factory=list[tuple[Low, Intervals]])
    low_beams: list[tuple[Low, Intervals]] = field(default_factory=list[tuple[Low, Intervals]])
    glitches: list[Low] = field(default_factory=list[Low])
    failures: int = 0
    distortions: int = 0
    """Low-beams; one beside a no-beam that cost user time, before it or in its recovery, is part of that."""

    def close(self) -> None:
        """Book everything."""
        known = self.user_time - self.seen.unknown
        parts = [(low, Intervals.of([(low.start_ns, low.end_ns)]) & known) for low in self.seen.no_beam]
        self.outages = [(low, time) for low, time in parts if time]
        pieces = [(low, start, end) for low, time in self.outages for start, end in time]
        # What is so close that the definition counts it as one outage takes what lies between with it.
        between: list[tuple[int, int]] = []
        self.failures = len({id(low) for low, _, _ in pieces})
        for (low, _, end), (following, start, _) in pairwise(pieces):
            if start - end < self.merge_gap_ns and self._same_block(end, start):
                between.append((end, start))
                self.failures -= low is not following
        self.no_beam = Intervals.of([*((start, end) for _, start, end in pieces), *between])
        self.unknown = (self.user_time & self.seen.unknown) - self.no_beam
        self.delivered = self.user_time - self.no_beam - self.unknown
        low_beams = [(low, Intervals.of([(low.start_ns, low.end_ns)]) & self.delivered) for low in self.seen.low_beam]
        self.low_beams = [(low, time) for low, time in low_beams if time]
        self.low_beam = Intervals.of(pair for _, time in self.low_beams for pair in time)
        starts = {low.start_ns for low, _ in self.outages}
        self.distortions = sum(low.no_beam_ns not in starts and low.after_ns not in starts for low, _ in self.low_beams)
        self.glitches = [g for g in self.seen.glitches if self.user_time.contains(g.start_ns)]

    def _same_block(self, end_ns: int, start_ns: int) -> bool:
        return any(a < end_ns and start_ns < b for a, b in self.user_time)


@dataclass(frozen=True, slots=True)
class _Causes:
    """Finds what was to blame."""

    faults: tuple[Fault, ...]
    plan: Plan

    def of(self, start_ns: int, end_ns: int, effects: tuple[Effect, ...], otherwise: str = "noise") -> str:
        """Return the cause of the first fault of such effects that touches an interval."""
        for fault in self.faults:
            if fault.effect in effects and fault.start_ns < end_ns and fault.end_ns > start_ns:
                return fault.cause
        return otherwise

    def of_loss(self, start_ns: int, end_ns: int, in_user_time: Intervals | None = None) -> str:
        """Return what took the beam: what was broken when users should have had it, else what was before."""
        if in_user_time:
            cause = self.of(int(in_user_time.start[0]), int(in_user_time.end[-1]), _TAKES_BEAM, "")
            if cause:
                return cause
        elif self.plan.category_at(start_ns) in (Category.MAINTENANCE, Category.SHUTDOWN):
            return "planned"
        return self.of(start_ns, end_ns, _TAKES_BEAM, "planned")

    def of_raise(self, raised: Raise, beam: list[BeamChange], *, of_beam: bool) -> str:
        """Return the fault behind a raise; of beam that does not come back, what took it."""
        effects = (*_TAKES_BEAM, *_LIES, Effect.MONITOR_GLITCH) if of_beam else _HIDES_BEAM
        cause = self.of(raised.since_ns - NS_PER_S, raised.time_ns + 1, effects, "")
        if cause or not of_beam:
            return cause or "noise"
        before = bisect_right(beam, raised.time_ns, key=lambda change: change.time) - 1
        return beam[before].cause if before >= 0 and beam[before].state != "up" else "noise"


def _event(low: Low, time: Intervals, causes: _Causes) -> KeyEvent:
    return KeyEvent(
        start=low.start_ns,
        end=low.end_ns,
        user_time_s=to_s(time.total),
        cause=causes.of_loss(low.start_ns, low.end_ns, time),
    )


def _changes(seen: Seen, causes: _Causes, start_ns: int, end_ns: int) -> list[BeamChange]:
    """Turn true stretches without enough beam into changes of state."""
    changes: dict[int, BeamChange] = {start_ns: BeamChange(time=start_ns, state="up", cause="restored")}
    stretches = [*((low, "low") for low in seen.low_beam), *((low, "down") for low in seen.no_beam)]
    for low, state in sorted(stretches, key=lambda pair: pair[0].start_ns):
        cause = causes.of_loss(low.start_ns, low.end_ns)
        changes[low.start_ns] = BeamChange.model_validate({"time": low.start_ns, "state": state, "cause": cause})
        if low.end_ns < end_ns:
            changes[low.end_ns] = BeamChange(time=low.end_ns, state="up", cause="restored")
    return [changes[t] for t in sorted(changes)]


def _planned(plan: Plan, start_ns: int, end_ns: int) -> list[PlannedTime]:
    return [
        PlannedTime(start=max(b.start_ns, start_ns), end=min(b.end_ns, end_ns), category=b.category, run=b.run)
        for b in plan.blocks
        if b.start_ns < end_ns and b.end_ns > start_ns
    ]


def _limits(profile: Profile, plan: Plan, start_ns: int, end_ns: int) -> list[tuple[int, Limits]]:
    edges = {start_ns, *profile.limits.changes(start_ns, end_ns)}
    edges.update(b.start_ns for b in plan.blocks if start_ns < b.start_ns < end_ns)
    rows: list[tuple[int, Limits]] = []
    for edge in sorted(edges):
        limits = profile.limits.at(plan.category_at(edge), edge)
        if limits is None:
            raise ScenarioError(
                Sentence(
                    "facility {profile} has no limits at {edge}, so its availability then is unknown: begin later",
                    profile=profile.id,
                    edge=format_time(edge, profile.zone),
                )
            )
        if not rows or rows[-1][1] != limits:
            rows.append((edge, limits))
    return rows
