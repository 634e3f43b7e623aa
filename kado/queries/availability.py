"""Computes the availability of a period from the store and the journal: reads it in pieces, counts, concludes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from analytics.availability import Availability, conclude
from analytics.cadence import Cadence, cadence_of, join_cadences
from analytics.effects import Counted, Effect
from analytics.evidence import AppliedEvidence, Evidence, apply_evidence
from analytics.findings import Findings, examine, join
from analytics.limits_age import AboveNominal, LimitWarning, above_nominal, limit_warnings
from facility.corrections import Confirmation, Correction
from facility.definition import Definition, load_definition
from facility.incidents import Incident
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.schedule import PLANNED_CATEGORIES, Plan, ScheduleVersion, dated_back
from facility.time import Clock, system_clock
from kado.config import Configuration
from kado.queries.event_alarms import NO_ALARMS, AlarmsRaised, load_alarms_raised
from kado.queries.evidence import Known
from kado.queries.late_samples import LateSamples, count_late_samples
from kado.queries.period_pieces import PeriodQuery, Progress, period_query, read_pieces
from kado.queries.record import AsOf, Record


@dataclass(frozen=True, slots=True)
class Examined:
    """A piece of a period with everything that decided on it."""

    findings: Findings
    evidence: Evidence
    applied: AppliedEvidence
    definition: Definition
    plan: Plan


@dataclass(frozen=True, slots=True)
class Budget:
    """How much downtime a year may still have."""

    year: str
    """Such as ``FY2026``."""
    target_pct: float
    left_h: float
    """At the end of the counted part of the period; below 0: the target was missed."""
    unknown_h: float
    """Unknown user time of the year so far; downtime hidden in it is not subtracted."""


@dataclass(frozen=True, slots=True)
class AppliedCorrection:
    """A correction in force, and what it changes in the period."""

    correction: Correction
    effect: Effect
    confirmation: Confirmation | None = None
    """By a second person, where one was needed."""


@dataclass(frozen=True, slots=True)
class WithoutBackDated:
    """The same period without a calendar version that was recorded after time that it changes."""

    version: ScheduleVersion
    availability: Availability | None
    """None: without it nothing is scheduled. Bounds are not computed."""


@dataclass(frozen=True, slots=True)
class AvailabilityReport:
    """An availability with the names it is printed with."""

    profile: Profile
    definition: Definition
    as_known_on_ns: int
    """What people published or recorded after this instant is left out."""
    availability: Availability
    plan: Plan
    refill: Intervals
    """Where the machine's mode said ``refill``."""
    incidents: tuple[Incident, ...]
    budget: Budget | None = None
    """None where there is none, or it was not asked for; see `with_budget`."""
    corrections: tuple[AppliedCorrection, ...] = ()
    """Those in force that touch the period, in order of start, each with what it changes."""
    without_back_dated: tuple[WithoutBackDated, ...] = ()
    """The figure without each calendar version that was recorded late and moves it."""
    cadence: Cadence | None = None
    """How often samples of the delivery signal come; None where that is not known."""
    limit_warnings: tuple[LimitWarning, ...] = ()
    """What speaks against the facility's limits."""
    look_around_cut: bool = False
    """Whether unknown time around the period, or an outage, was not followed to its end."""
    awaiting: tuple[Correction, ...] = ()
    """Exclusions that touch the period and do not count, because no second person has confirmed them."""
    late_samples: LateSamples | None = None
    """Samples that arrived after the date asked for; None: nobody asked for one."""
    as_of: AsOf | None = None
    """Which of the things that people recorded count; None: what was recorded by `as_known_on_ns`."""
    alarms: AlarmsRaised = NO_ALARMS
    """The alarms that were raised in the period, each event has its own."""

    @property
    def part(self) -> Period:
        """The part of the period that was counted."""
        period = self.availability.period
        return Period(period.id, period.start_ns, self.availability.counted_until_ns)


def load_availability(
    configuration: Configuration,
    period: str | Period,
    definition: str | None = None,
    as_known_on: str | AsOf | None = None,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
    look: Callable[[Examined], None] | None = None,
) -> AvailabilityReport:
    """Compute the availability of a period, a piece after the other: a year takes no more memory than a week.

    Parameters
    ----------
    period
        As people write it, or as it is.
    definition
        Its id; None: the facility's own.
    as_known_on
        ISO 8601: leave out what was recorded later; None: now.
    progress
        Called after each piece.
    look
        Given each piece with all that decided on it.

    Raises
    ------
    PeriodError
        If the period cannot be read, lies in the future, has no schedule, or ends before anything is known.
    DefinitionError
        If there is no such definition.
    """
    chosen = load_definition(definition or configuration.profile.definition, configuration.folder)
    query = period_query(configuration, period, chosen, as_known_on, clock)
    tally = Tally(query, chosen, query.plan(chosen))
    for piece, known in read_pieces(query, [chosen], progress):
        found = examine(known.evidence, query.profile, chosen, tally.plan, piece, settled=known.settled)
        tally.add(piece, known, found)
        if look is not None:
            look(tally.examined(known, found))
    return tally.report()


class Tally:
    """Counts a period piece by piece, with everything that stands beside its figure."""

    def __init__(self, query: PeriodQuery, definition: Definition, plan: Plan) -> None:
        self.plan = plan
        self._query = query
        self._definition = definition
        self._late = back_dated(query, definition)
        self._corrections = corrections_in(query)
        self._effects: dict[int, list[Effect]] = {c.id: [] for c in self._corrections}
        self._findings: list[Findings] = []
        self._refill = Intervals.empty()
        self._cut = False
        self._above = AboveNominal()
        self._cadences: list[Cadence | None] = []

    def add(self, piece: Period, known: Known, found: Findings) -> None:
        """Take the next piece of the period, with what it was found from."""
        evidence, profile = known.evidence, self._query.profile
        self._findings.append(found)
        self._refill |= evidence.refill.clip(piece.start_ns, piece.end_ns)
        counted = Counted(evidence, profile, self._definition, self.plan, piece)
        for correction in self._corrections:
            self._effects[correction.id].append(counted.effect_of(correction))
        for version in self._late:
            version.count(evidence, piece)
        self._cut = self._cut or known.cut
        self._above += above_nominal(evidence.delivery, profile, piece)
        self._cadences.append(cadence_of(evidence.delivery.between(piece.start_ns, piece.end_ns), profile.delivery))

    def examined(self, known: Known, found: Findings) -> Examined:
        """Return a piece with everything that decided on it."""
        applied = apply_evidence(known.evidence, self._query.profile, self._definition, self.plan)
        return Examined(found, known.evidence, applied, self._definition, self.plan)

    def report(self) -> AvailabilityReport:
        """Return the period, once all of its pieces were added."""
        query, profile, chosen = self._query, self._query.profile, self._definition
        return AvailabilityReport(
            profile,
            chosen,
            query.as_known_on_ns,
            conclude(join(self._findings, query.period.id), profile, chosen, query.period),
            self.plan,
            self._refill,
            query.record.incidents,
            corrections=tuple(
                AppliedCorrection(c, Effect.sum_of(self._effects[c.id]), query.record.confirmations.get(c.id))
                for c in self._corrections
            ),
            awaiting=awaiting_in(query.record, query.part),
            without_back_dated=tuple(version.figure() for version in self._late),
            cadence=join_cadences(self._cadences),
            limit_warnings=limit_warnings(profile, self._above, query.part.end_ns),
            look_around_cut=self._cut,
            late_samples=count_late_samples(query.configuration, query.as_of, query.part),
            as_of=query.as_of,
            alarms=load_alarms_raised(
                query.configuration, query.part.start_ns, min(query.part.end_ns, query.as_known_on_ns)
            ),
        )


def corrections_in(query: PeriodQuery) -> tuple[Correction, ...]:
    """Return the corrections in force that touch the part of the period that is over."""
    part = query.part
    return tuple(c for c in query.record.corrections if c.start_ns < part.end_ns and part.start_ns < c.end_ns)


def awaiting_in(record: Record, part: Period) -> tuple[Correction, ...]:
    """Return the exclusions that await confirmation and touch a stretch of time."""
    return tuple(c for c in record.awaiting if c.start_ns < part.end_ns and part.start_ns < c.end_ns)


COUNTED_WITHOUT: Final = 4
"""For at most so many calendar versions that were recorded late the figure is computed without them, newest first."""


def back_dated(query: PeriodQuery, definition: Definition) -> list["BackDated"]:
    """Return the calendar versions that were recorded late and move something in the period."""
    late = sorted(dated_back(query.record.versions), key=lambda v: -v.known_from_ns)
    moving = [version for version in late if _differ(query, definition, version)]
    return [BackDated(query, definition, version) for version in moving[:COUNTED_WITHOUT]]


class BackDated:
    """Counts a period without one calendar version that was recorded late."""

    def __init__(self, query: PeriodQuery, definition: Definition, version: ScheduleVersion) -> None:
        self._query, self._definition, self._version = query, definition, version
        self._plan = query.plan(definition, [version])
        self._findings: list[Findings] = []
        self._scheduled = bool(self._plan.intervals(*PLANNED_CATEGORIES).clip(query.part.start_ns, query.part.end_ns))

    def count(self, evidence: Evidence, piece: Period) -> None:
        """Count a piece without it."""
        if self._scheduled:
            profile = self._query.profile
            self._findings.append(examine(evidence, profile, self._definition, self._plan, piece, bounds=False))

    def figure(self) -> WithoutBackDated:
        """Return the figure as it would be without it."""
        query = self._query
        if not self._findings:
            return WithoutBackDated(self._version, None)
        found = conclude(join(self._findings, query.period.id), query.profile, self._definition, query.period)
        return WithoutBackDated(self._version, found)


def _differ(query: PeriodQuery, definition: Definition, without: ScheduleVersion) -> bool:
    """Return whether the calendar of the period changes when a version is left out."""
    start, end = query.part.start_ns, query.part.end_ns
    a, b = query.plan(definition), query.plan(definition, [without])
    same = all(a.intervals(c).clip(start, end) == b.intervals(c).clip(start, end) for c in PLANNED_CATEGORIES)
    return not (same and a.cancelled.clip(start, end) == b.cancelled.clip(start, end))
