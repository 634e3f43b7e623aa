"""From a machine's truth to its answer key."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from facility.batch import Float64, Int64
from facility.definition import Definition
from facility.errors import ScenarioError
from facility.interval import Intervals
from facility.limits import Limits
from facility.profile import Profile
from facility.schedule import Category, Plan
from facility.time import format_time, to_s
from simulators.answer_key import (
    AnswerKey,
    BeamChange,
    KeyAccounts,
    KeyCounts,
    KeyEvent,
    KeyFault,
    KeyPeriod,
    KeySpan,
    PlannedTime,
)
from simulators.faults import Fault
from simulators.observer import Low, Observer, Seen
from simulators.scenario import Effect

_TAKES_BEAM = (Effect.BEAM_DUMP, Effect.NO_INJECTION)
_HIDES_BEAM = (Effect.MONITOR_DROPOUT, Effect.LINK_OUTAGE)


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
) -> AnswerKey:
    """Work out the answers of a period.

    Parameters
    ----------
    faults
        Those that touch the period, uncut.
    days
        Everything stamped in the period.

    Raises
    ------
    ScenarioError
        If the period begins before the profile's first limits.
    """
    start, end = period
    limits = _limits(profile, plan, start, end)
    stale = profile.delivery.stale_after_ns or 0
    observer = Observer(definition, stale, profile.delivery.min_samples, limits, start, end)
    witness_of_all = Observer(definition, end - start, 1, limits, start, end)
    for day in days:
        observer.see(day.good_ns, day.good_ma)
        witness_of_all.see(day.time_ns, day.beam_ma)
    causes = _Causes(faults, plan)
    books = _Books(observer.seen(), plan.user_time.clip(start, end), definition.merge_gap_ns)
    books.close()
    return AnswerKey(
        facility=profile.id,
        scenario=scenario,
        seed=seed,
        definition=definition.id,
        period=KeyPeriod(start=start, end=end),
        planned=tuple(_planned(plan, start, end)),
        faults=tuple(KeyFault(start=f.start_ns, end=f.end_ns, cause=f.cause, effect=f.effect) for f in faults),
        beam=tuple(_changes(witness_of_all.seen(), causes, start, end)),
        outages=tuple(_event(low, time, causes) for low, time in books.outages),
        low_beam=tuple(_event(low, time, causes) for low, time in books.low_beams),
        glitches=tuple(
            KeySpan(start=g.start_ns, end=g.end_ns, cause=causes.of(g.start_ns, g.end_ns, (Effect.MONITOR_GLITCH,)))
            for g in books.glitches
        ),
        unknown=tuple(KeySpan(start=a, end=b, cause=causes.of(a, b, _HIDES_BEAM)) for a, b in books.unknown),
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
        ),
    )


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
    """Low-beams; one that turned into no-beam is part of that, if that cost user time."""

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
        self.distortions = sum(low.no_beam_ns not in starts for low, _ in self.low_beams)
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
                f"facility {profile.id} has no limits at {format_time(edge, profile.zone)}, so nothing can be said "
                "of its availability then: begin later"
            )
        if not rows or rows[-1][1] != limits:
            rows.append((edge, limits))
    return rows
