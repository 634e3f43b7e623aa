"""Why each second is in the account that it is in."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analytics.availability import Availability
from analytics.conditions import Kind
from analytics.distortions import Standing, standing_at, watch
from analytics.events import Event, find_events
from analytics.evidence import AppliedEvidence, Evidence
from analytics.findings import grouping_of
from analytics.overrides import Override
from analytics.rules import Thresholds
from facility.batch import NO_WORD, Samples
from facility.corrections import Assertion, Correction
from facility.definition import Definition
from facility.distortion import Distortion
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.quality import Quality
from facility.schedule import PLANNED_CATEGORIES, Category, Plan, PlannedBlock


class Rule(StrEnum):
    """What put an interval into its account."""

    PLAN = "not user time: the schedule says so"
    DELIVERED = "a good sample within tolerance holds"
    LOW_BEAM = "below tolerance, not below minimum: delivered, and booked as low-beam"
    GLITCH = "a low run too short to be an event: delivered"
    TRIP = "an outage short enough to be a trip, whose time this definition does not count as downtime"
    STATED_UP = "a person's correction says the beam was up"
    REFILL = "the machine's mode says refill, and this definition takes refill out"
    BELOW = "below minimum, and not yet back at the limit at which an outage ends"
    MERGED = "between two outages closer than the merge gap"
    CANCELLED = "user time cancelled with too little notice"
    FLAGGED = "a flag that this definition asks for says no beam"
    STATED_DOWN = "a person's correction says there was no beam"
    STALE = "the last good sample is older than the signal holds"
    LINK = "the link to the source was lost, or its heartbeat stayed away"
    BAD = "only bad samples arrived"
    SENSOR_FAULT = "the signal says no beam, its witness says beam: a sensor fault until a person confirms"
    STATED_UNKNOWN = "a person's correction says that nothing is known"
    STATED_SENSOR_FAULT = "a person's correction says that the samples are bad"
    FLAG_UNKNOWN = "a flag that this definition asks for is not known"
    NO_SAMPLE = "no sample yet"


@dataclass(frozen=True, slots=True)
class Segment:
    """One interval of a period, in one account, for one reason."""

    start_ns: int
    end_ns: int
    account: str
    """A category of the plan, or ``delivered``, ``no_beam``, ``unknown``, ``refill``."""
    rule: Rule


@dataclass(frozen=True, slots=True)
class Held:
    """The newest sample of a signal at an instant."""

    time_ns: int
    value: float
    """NaN for a state."""
    state: str | None
    quality: Quality


@dataclass(frozen=True, slots=True)
class FurtherInstant:
    """A further signal at an instant, and what was decided."""

    distortion: Distortion
    sample: Held | None
    """The newest, good or not."""
    standing: Standing
    event: Event | None
    """The disturbance that was running; None where none was."""


@dataclass(frozen=True, slots=True)
class Instant:
    """What was known at an instant, and what was decided."""

    ns: int
    segment: Segment
    planned: PlannedBlock | None
    """None where nothing was planned."""
    sample: Held | None
    """The newest sample of the delivery signal, good or not."""
    witness: Held | None
    mode: str | None
    thresholds: Thresholds
    corrections: tuple[Correction, ...]
    further: tuple[FurtherInstant, ...] = ()
    """Of each further signal that the definition counts distortions of."""


def explain_period(
    availability: Availability, evidence: Evidence, applied: AppliedEvidence, definition: Definition, plan: Plan
) -> tuple[Segment, ...]:
    """Return for every interval of the period's counted part its account and the rule that put it there.

    The segments follow each other without gap or overlap, and add up to the accounts.
    """
    part = Period(availability.period.id, availability.period.start_ns, availability.counted_until_ns)
    whole = Intervals.of([(part.start_ns, part.end_ns)])
    segments: list[Segment] = []
    for category in Category:
        if category.is_user_time:
            continue
        unscheduled = category is Category.UNSCHEDULED
        time = whole - plan.intervals(*PLANNED_CATEGORIES) if unscheduled else plan.intervals(category)
        segments += [Segment(a, b, category.value, Rule.PLAN) for a, b in time.clip(part.start_ns, part.end_ns)]
    left = plan.user_time.clip(part.start_ns, part.end_ns)
    for account, rule, where in _reasons(availability, evidence, applied, definition, plan):
        time = left & where
        segments += [Segment(a, b, account, rule) for a, b in time]
        left = left - time
    return tuple(sorted(segments, key=lambda s: s.start_ns))


def explain_instant(
    ns: int, segments: tuple[Segment, ...], evidence: Evidence, applied: AppliedEvidence, plan: Plan
) -> Instant | None:
    """Return what was known at an instant and what was decided; None outside the period."""
    segment = next((s for s in segments if s.start_ns <= ns < s.end_ns), None)
    if segment is None:
        return None
    sample = held_at(evidence.delivery, ns)
    witness = held_at(evidence.witness, ns)
    mode = held_at(evidence.mode, ns)
    return Instant(
        ns=ns,
        segment=segment,
        planned=next((p for p in plan.planned if p.block.start_ns <= ns < p.block.end_ns), None),
        sample=sample,
        witness=witness,
        mode=None if mode is None else mode.state,
        thresholds=applied.rules.thresholds[applied.rules.piece_at(ns)],
        corrections=tuple(c for c in evidence.corrections if c.start_ns <= ns < c.end_ns),
    )


def explain_further(
    ns: int, evidence: Evidence, applied: AppliedEvidence, profile: Profile, definition: Definition, plan: Plan
) -> tuple[FurtherInstant, ...]:
    """Return the state of each further signal that the definition counts at an instant, and what was decided."""
    conditions = applied.conditions()
    events = find_events(conditions, plan.user_time, grouping_of(evidence, definition, plan))
    no_beam = Intervals.of((s.start_ns, s.end_ns) for s in conditions.no_beam) | events.in_events
    found: list[FurtherInstant] = []
    for watched in watch(evidence.further, profile, definition, conditions, events, plan.user_time):
        series = evidence.further.get(watched.distortion.signal)
        running = (d.event for d in watched.disturbances if d.event.start_ns <= ns < d.event.end_ns)
        found.append(
            FurtherInstant(
                watched.distortion,
                held_at(None if series is None else series.samples, ns),
                standing_at(ns, watched, no_beam),
                next(running, None),
            )
        )
    return tuple(found)


def held_at(samples: Samples | None, ns: int) -> Held | None:
    """Return the newest sample stamped at or before an instant."""
    i = -1 if samples is None else int(np.searchsorted(samples.time_ns, ns, side="right")) - 1
    if samples is None or i < 0:
        return None
    code = NO_WORD if samples.state is None else int(samples.state[i])
    state = None if code == NO_WORD else samples.words[code]
    return Held(int(samples.time_ns[i]), float(samples.value[i]), state, Quality(int(samples.quality[i])))


def _reasons(
    availability: Availability, evidence: Evidence, applied: AppliedEvidence, definition: Definition, plan: Plan
) -> list[tuple[str, Rule, Intervals]]:
    """Return (account, rule, where it applies); the first that applies wins, the last of an account takes the rest."""
    conditions = applied.conditions()
    stated = evidence.asserted
    outages = [r for r in availability.events if r.event.kind is Kind.NO_BEAM]
    counted = [r for r in outages if definition.trips_are_downtime or not r.trip]
    booked = Intervals.of(pair for r in counted for pair in r.event.user_time)
    trips = Intervals.of(pair for r in outages if r.trip for pair in r.event.user_time)
    below = Intervals.of((s.start_ns, s.end_ns) for s in conditions.no_beam) & conditions.known
    low = Intervals.of((s.start_ns, s.end_ns) for s in conditions.low_beam)
    glitches = Intervals.of((g.start_ns, g.end_ns) for g in availability.glitches)
    faults = Intervals.of((h.stretch.start_ns, h.fault_end_ns or 0) for h in availability.sensor_faults)
    flags = {what: Intervals.of((o.start_ns, o.end_ns) for o in applied.flagged if o.what is what) for what in Override}
    unknown = availability.unknown
    causes = _unknown_causes(unknown, evidence)
    return [
        ("unknown", Rule.STATED_UNKNOWN, unknown & stated(Assertion.UNKNOWN)),
        ("unknown", Rule.STATED_SENSOR_FAULT, unknown & stated(Assertion.SENSOR_FAULT)),
        ("unknown", Rule.SENSOR_FAULT, unknown & faults),
        ("unknown", Rule.FLAG_UNKNOWN, unknown & flags[Override.UNKNOWN]),
        ("unknown", Rule.BAD, causes[Rule.BAD]),
        ("unknown", Rule.LINK, causes[Rule.LINK]),
        ("unknown", Rule.NO_SAMPLE, causes[Rule.NO_SAMPLE]),
        ("unknown", Rule.STALE, unknown),
        ("no_beam", Rule.CANCELLED, booked & plan.cancelled),
        ("no_beam", Rule.STATED_DOWN, booked & stated(Assertion.DOWN)),
        ("no_beam", Rule.FLAGGED, booked & flags[Override.DOWN]),
        ("no_beam", Rule.BELOW, booked & below),
        ("no_beam", Rule.MERGED, booked),
        ("refill", Rule.REFILL, Intervals.empty() if definition.refill_is_delivered else evidence.refill),
        ("delivered", Rule.TRIP, trips),
        ("delivered", Rule.STATED_UP, stated(Assertion.UP)),
        ("delivered", Rule.GLITCH, glitches),
        ("delivered", Rule.LOW_BEAM, low),
        ("delivered", Rule.DELIVERED, evidence.span),
    ]


def _unknown_causes(unknown: Intervals, evidence: Evidence) -> dict[Rule, Intervals]:
    """Return the cause of unknown stretches that no correction covers: by what was, or was not, recorded in them."""
    found: dict[Rule, list[tuple[int, int]]] = {Rule.BAD: [], Rule.LINK: [], Rule.NO_SAMPLE: []}
    times = evidence.delivery.time_ns
    for start, end in unknown:
        first, last = np.searchsorted(times, [start, end], side="left").tolist()
        if last > first:
            found[Rule.BAD].append((start, end))
        elif first == 0:
            found[Rule.NO_SAMPLE].append((start, end))
        elif start in evidence.cuts:
            found[Rule.LINK].append((start, end))
    return {rule: Intervals.of(pairs) for rule, pairs in found.items()}
