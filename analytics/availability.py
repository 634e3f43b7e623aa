"""The availability of a period, as it is reported: findings become counts, figures and events."""

from dataclasses import dataclass, field
from typing import Final

from analytics.accounts import Accounts
from analytics.conditions import Glitch
from analytics.distortions import FurtherFindings
from analytics.events import Event
from analytics.figures import Figures, compute, percentage
from analytics.findings import Findings
from analytics.mode import Mismatch
from analytics.witness import CrossCheck
from facility.definition import Definition
from facility.distortion import Distortion
from facility.errors import PeriodError, ProfileError
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.schedule import PLANNED_CATEGORIES, Plan
from facility.sentence import Sentence
from facility.time import format_second

PROVISIONAL_BELOW_PCT: Final = 99.0
"""Coverage below which a figure is provisional."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each the period counts: those whose first instant in user time lies in it; of known time."""

    failures: int
    trips: int
    low_beam: int
    """Low-beams, those that turned into no-beam left out."""
    other_distortions: int
    """Those of further signals that the definition counts, and that led into no failure, trip or low-beam."""
    distortions: int
    """Failures, trips, low-beams and other distortions."""
    glitches: int
    sensor_faults: int
    """Outages of the signal that its witness contradicts."""
    mode_mismatches: int | None
    """None where the machine's mode is not recorded."""


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """An event as one period sees it."""

    event: Event
    trip: bool
    user_time_ns: int
    """User time that it cost inside the period."""
    carried_over: bool
    """Counted as a failure of an earlier period."""


@dataclass(frozen=True, slots=True)
class FurtherSignal:
    """What one further signal shows for a period."""

    distortion: Distortion
    count: int
    """Distortions that the period counts."""
    excursions: tuple[Event, ...]
    """Those that the period would count, were they not too short."""
    beam_ns: int
    """Known user time with beam."""
    unknown_ns: int
    """The part of `beam_ns` in which the signal is not known; `count` is of the rest."""

    @property
    def coverage_pct(self) -> float | None:
        """Known part of the user time with beam; None if there is no known user time."""
        return percentage(self.beam_ns - self.unknown_ns, self.beam_ns)


@dataclass(frozen=True, slots=True)
class Availability:
    """The availability of one facility in one period, by one definition."""

    facility: str
    simulated: bool
    definition: str
    period: Period
    """The period as requested."""
    counted_until_ns: int
    """The period's end, or now where the period is not over yet."""
    provisional: bool
    """Coverage is below 99 %, the period is not over, or what follows it may still change it."""
    accounts: Accounts
    """Of the part of the period that is over."""
    figures: Figures
    counts: Counts
    events: tuple[ReportedEvent, ...]
    """No-beams, low-beams and further distortions in order of time."""
    further: tuple[FurtherSignal, ...]
    """Of each further signal that the definition counts distortions of."""
    glitches: tuple[Glitch, ...]
    sensor_faults: tuple[CrossCheck, ...]
    mismatches: tuple[Mismatch, ...]
    unknown: Intervals
    """Unknown user time."""
    unwitnessed: int
    """Outages without a witness sample: the delivery signal alone decided."""
    delivered_mwh: float | None = field(default=None, compare=False)
    """Energy delivered in known user time; None where the delivery signal is no power. A sum of floats, whose last
    digits depend on the pieces that a period was counted in."""


def conclude(findings: Findings, profile: Profile, definition: Definition, period: Period) -> Availability:
    """Count and divide what was found in all of `period` that is over."""
    part, user_time = findings.part, findings.user_time
    failures = [e for e in findings.failures if _counts_in(part, e)]
    counts = _count(findings)
    figures = compute(
        findings.accounts,
        failures,
        counts.distortions,
        definition.mtbf,
        lower=findings.lower,
        upper=findings.upper,
        user_time=user_time,
        no_beam=findings.no_beam,
        unknown=findings.unknown,
    )
    coverage = figures.coverage_pct
    # Without user time nothing can be missing.
    incomplete = coverage is not None and coverage < PROVISIONAL_BELOW_PCT
    return Availability(
        facility=profile.id,
        simulated=profile.simulated,
        definition=definition.id,
        period=period,
        counted_until_ns=part.end_ns,
        provisional=incomplete or part.end_ns < period.end_ns or not findings.settled,
        accounts=findings.accounts,
        figures=figures,
        counts=counts,
        events=_reported(findings),
        further=tuple(_further(part, f) for f in findings.further),
        glitches=findings.glitches,
        sensor_faults=findings.sensor_faults,
        mismatches=findings.mismatches or (),
        unknown=findings.unknown,
        unwitnessed=findings.unwitnessed,
        delivered_mwh=findings.energy_mwh,
    )


def counted_part(profile: Profile, period: Period, now_ns: int) -> Period:
    """Return what is over of a period.

    Raises
    ------
    PeriodError
        If it has not begun.
    """
    if period.start_ns >= now_ns:
        raise PeriodError(
            Sentence(
                "period {period} begins in the future, at {start}: it has no data yet",
                period=period.id,
                start=format_second(period.start_ns, profile.zone),
            )
        )
    return Period(period.id, period.start_ns, min(period.end_ns, now_ns))


def check_schedule(profile: Profile, plan: Plan, part: Period) -> None:
    """Refuse a period in which nothing is scheduled, or with user time that no limits apply to.

    Raises
    ------
    PeriodError, ProfileError
        Saying what to add.
    """
    if not plan.intervals(*PLANNED_CATEGORIES).clip(part.start_ns, part.end_ns):
        raise PeriodError(
            Sentence(
                "facility {facility} has no schedule for {period}, and only a schedule states the "
                "promised user time: import one with 'kado schedule import FILE'",
                facility=profile.id,
                period=part.id,
            )
        )
    for block in plan.blocks:
        start = max(block.start_ns, part.start_ns)
        inside = block.category.is_user_time and start < min(block.end_ns, part.end_ns)
        if inside and profile.limits.at(block.category, start) is None:
            raise ProfileError(
                Sentence(
                    "facility {facility} has user time from {start}, but no limits for {signal} at "
                    "that time: add a [[limits]] table that starts earlier",
                    facility=profile.id,
                    start=format_second(start, profile.zone),
                    signal=profile.delivery_signal,
                )
            )


def _counts_in(part: Period, event: Event) -> bool:
    return part.start_ns <= event.first_user_ns < part.end_ns


def _count(findings: Findings) -> Counts:
    failures, trips, low_beam = (
        sum(_counts_in(findings.part, e) for e in listed)
        for listed in (findings.failures, findings.trips, findings.low_beam)
    )
    other = sum(_further(findings.part, f).count for f in findings.further)
    return Counts(
        failures=failures,
        trips=trips,
        low_beam=low_beam,
        other_distortions=other,
        distortions=failures + trips + low_beam + other,
        glitches=len(findings.glitches),
        sensor_faults=len(findings.sensor_faults),
        mode_mismatches=None if findings.mismatches is None else len(findings.mismatches),
    )


def _further(part: Period, findings: FurtherFindings) -> FurtherSignal:
    return FurtherSignal(
        distortion=findings.distortion,
        count=sum(_counts_in(part, e) for e in findings.events),
        excursions=tuple(e for e in findings.excursions if _counts_in(part, e)),
        beam_ns=findings.beam_ns,
        unknown_ns=findings.unknown_ns,
    )


def _reported(findings: Findings) -> tuple[ReportedEvent, ...]:
    part = findings.part
    listed = [
        *((e, False) for e in findings.failures),
        *((e, True) for e in findings.trips),
        *((e, False) for e in findings.low_beam),
        *((e, False) for f in findings.further for e in f.events),
    ]
    reported = [
        ReportedEvent(e, trip, e.user_time.clip(part.start_ns, part.end_ns).total, e.first_user_ns < part.start_ns)
        for e, trip in listed
    ]
    return tuple(sorted(reported, key=lambda r: (r.event.start_ns, r.event.kind.value, r.event.distortion)))
