"""Loads what a figure is computed from, and calls the pure functions that compute it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from analytics.availability import Availability, assess, check_schedule, conclude, counted_part
from analytics.energy import POWER_UNIT, delivered_mwh
from analytics.evidence import apply_evidence
from analytics.findings import Findings, examine, join
from facility.definition import Definition, load_definition
from facility.incidents import Incident
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Plan, resolve
from facility.time import NS_PER_DAY, Clock, parse_time, system_clock
from kado.config import Configuration
from kado.queries.evidence import Known, extent_of, load_evidence, nothing_known
from kado.queries.record import Record, load_record
from kado.stores import open_store

PIECE_NS: Final = 8 * NS_PER_DAY
"""Time that is looked at together."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much downtime a year may still have."""

    year: str
    """Such as ``FY2026``."""
    target_pct: float
    left_h: float
    """At the end of the counted part of the period; below 0: the target was missed."""
    unknown_h: float
    """User time of the year so far of which nothing is known: what of it was downtime is not taken off."""


@dataclass(frozen=True, slots=True)
class AvailabilityReport:
    """An availability with the names it is printed with."""

    profile: Profile
    definition: Definition
    as_known_on_ns: int
    """What was published or recorded by people later was left out."""
    availability: Availability
    plan: Plan
    refill: Intervals
    """Where the machine's mode said ``refill``."""
    incidents: tuple[Incident, ...]
    delivered_mwh: float | None = None
    """Energy delivered in known user time; None where the delivery signal is no power."""
    budget: Budget | None = None
    """None where there is none, or it was not asked for; see `with_budget`."""

    @property
    def part(self) -> Period:
        """The part of the period that was counted."""
        period = self.availability.period
        return Period(period.id, period.start_ns, self.availability.counted_until_ns)


@dataclass(frozen=True, slots=True)
class Basis:
    """All that a period's figures are computed from, but the definition."""

    profile: Profile
    record: Record
    as_known_on_ns: int
    period: Period
    part: Period
    """What of it is over."""
    known: Known
    extent: tuple[int, int]
    """Stamps of the delivery signal's first and last sample."""

    def check_known(self) -> None:
        """Refuse to go on where nothing at all is known of the period.

        Raises
        ------
        PeriodError
            Saying what the store holds.
        """
        if not self.known.anything:
            raise nothing_known(self.profile, self.part, self.extent)

    def plan(self, definition: Definition) -> Plan:
        """Return the calendar with the definition's notice."""
        return resolve(self.record.versions, notice_ns=definition.notice_ns)

    def report(self, definition: Definition) -> AvailabilityReport:
        """Return the availability by a definition, with the names it is printed with."""
        return AvailabilityReport(
            self.profile,
            definition,
            self.as_known_on_ns,
            self.assess(definition),
            self.plan(definition),
            self.known.evidence.refill,
            self.record.incidents,
        )

    def assess(self, definition: Definition) -> Availability:
        """Compute the availability by a definition."""
        plan = self.plan(definition)
        return assess(
            self.known.evidence, self.profile, definition, plan, self.period, self.part, settled=self.known.settled
        )


def load_availability(
    configuration: Configuration,
    period: str | Period,
    definition: str | None = None,
    as_known_on: str | None = None,
    *,
    clock: Clock = system_clock,
) -> AvailabilityReport:
    """Compute the availability of a period, a piece after the other: a year takes no more memory than a week.

    Parameters
    ----------
    period
        As people write it, or as it is.
    definition
        Its id; None: the facility's own.
    as_known_on
        ISO 8601: leave out what was published or recorded later; None: now.

    Raises
    ------
    PeriodError
        If the period is none, lies in the future, has no schedule, or no samples.
    DefinitionError
        If there is no such definition.
    """
    profile, now_ns = configuration.profile, clock()
    chosen = load_definition(definition or profile.definition, configuration.folder)
    known_on_ns = now_ns if as_known_on is None else parse_time(as_known_on)
    record = load_record(configuration, known_on_ns)
    plan = resolve(record.versions, notice_ns=chosen.notice_ns)
    if isinstance(period, str):
        period = profile.period(period, plan)
    part = counted_part(profile, period, now_ns)
    findings: list[Findings] = []
    refill, anything = Intervals.empty(), False
    energy = 0.0 if profile.delivery.unit == POWER_UNIT else None
    with open_store(configuration) as store:
        extent = extent_of(store, profile)
        check_schedule(profile, plan, part)
        for piece in pieces_of(part):
            known = load_evidence(
                configuration,
                store.read,
                extent,
                [chosen],
                piece,
                record.corrections,
                now_ns,
                plan.cancelled,
                look_around=has_user_time(plan, piece),
            )
            findings.append(examine(known.evidence, profile, chosen, plan, piece, settled=known.settled))
            refill |= known.evidence.refill.clip(piece.start_ns, piece.end_ns)
            anything = anything or known.anything
            if energy is not None:
                user_time = plan.user_time.clip(piece.start_ns, piece.end_ns)
                energy += delivered_mwh(apply_evidence(known.evidence, profile, chosen, plan), user_time)
    if not anything:
        raise nothing_known(profile, part, extent)
    availability = conclude(join(findings, period.id), profile, chosen, period)
    return AvailabilityReport(profile, chosen, known_on_ns, availability, plan, refill, record.incidents, energy)


def has_user_time(plan: Plan, part: Period) -> bool:
    """Whether anything in a stretch of time counts, by the calendar."""
    return bool(plan.user_time.clip(part.start_ns, part.end_ns))


def pieces_of(part: Period) -> list[Period]:
    """Return a stretch of time in pieces whose samples fit into little memory."""
    edges = [*range(part.start_ns, part.end_ns, PIECE_NS), part.end_ns]
    return [Period(part.id, start, end) for start, end in pairwise(edges)]


def load_basis(
    configuration: Configuration,
    period: str | Period,
    definitions: Sequence[Definition],
    as_known_on: str | None = None,
    *,
    clock: Clock = system_clock,
) -> Basis:
    """Read all that a period's figures by any of `definitions` depend on; see `load_availability`."""
    profile, now_ns = configuration.profile, clock()
    known_on_ns = now_ns if as_known_on is None else parse_time(as_known_on)
    record = load_record(configuration, known_on_ns)
    plans = [resolve(record.versions, notice_ns=d.notice_ns) for d in definitions]
    if isinstance(period, str):
        period = profile.period(period, plans[0])
    part = counted_part(profile, period, now_ns)
    with open_store(configuration) as store:
        extent = extent_of(store, profile)
        for plan in plans:
            check_schedule(profile, plan, part)
        cancelled = Intervals.of(span for plan in plans for span in plan.cancelled)
        known = load_evidence(
            configuration, store.read, extent, definitions, part, record.corrections, now_ns, cancelled
        )
    return Basis(profile, record, known_on_ns, period, part, known, extent)
