"""Why each second is in the account that it is in, and why unknown time is unknown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.conditions import is_good
from analytics.distortions import Standing, standing_at, watch
from analytics.events import Event, find_events
from analytics.evidence import AppliedEvidence, Evidence
from analytics.findings import Findings, grouping_of
from analytics.overrides import Override
from analytics.rules import Rules, Thresholds
from analytics.segments import Reason, Rule, Segment, Segments
from facility.batch import NO_WORD, Samples
from facility.corrections import Assertion, Correction
from facility.definition import Definition
from facility.distortion import Distortion
from facility.interval import Intervals
from facility.profile import Profile
from facility.quality import Quality
from facility.schedule import PLANNED_CATEGORIES, Category, Plan, PlannedBlock
from facility.time import MAX_NS


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


def explain_part(findings: Findings, evidence: Evidence, applied: AppliedEvidence, plan: Plan) -> Segments:
    """Return for every interval of what was examined its account and the rule that put it there.

    The segments follow each other without gap or overlap. Those of each account add up to the account, and those
    booked as low-beam to the account of low-beam.
    """
    part = findings.part
    whole = Intervals.of([(part.start_ns, part.end_ns)])
    found: list[tuple[Reason, Intervals]] = []
    for category in Category:
        if category.is_user_time:
            continue
        unscheduled = category is Category.UNSCHEDULED
        time = whole - plan.intervals(*PLANNED_CATEGORIES) if unscheduled else plan.intervals(category)
        found.append(((category.value, Rule.PLAN), time.clip(part.start_ns, part.end_ns)))
    left = findings.user_time
    for reason, where in _reasons(findings, evidence, applied, plan):
        found.append((reason, left & where))
        left = left - where
    return Segments.of(found)


def explain_instant(
    ns: int, segments: Segments, evidence: Evidence, applied: AppliedEvidence, plan: Plan
) -> Instant | None:
    """Return what was known at an instant and what was decided; None outside the period."""
    segment = segments.at(ns)
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
    no_beam = conditions.no_beams.intervals | events.in_events
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
    findings: Findings, evidence: Evidence, applied: AppliedEvidence, plan: Plan
) -> list[tuple[Reason, Intervals]]:
    """Return (reason, where it applies); the first that applies wins, the last of an account takes the rest."""
    conditions = applied.conditions()
    stated = evidence.asserted
    faults = Intervals.of((h.stretch.start_ns, h.fault_end_ns or 0) for h in findings.sensor_faults)
    flags = {what: Intervals.of((o.start_ns, o.end_ns) for o in applied.flagged if o.what is what) for what in Override}
    below = conditions.no_beams.intervals & conditions.known
    glitches = Intervals.of((g.start_ns, g.end_ns) for g in findings.glitches)
    trips = Intervals.of(pair for trip in findings.trips for pair in trip.user_time)
    unknown, booked = findings.unknown, findings.no_beam
    causes = unknown_causes(evidence, applied.rules)
    return [
        (("unknown", Rule.STATED_UNKNOWN), unknown & stated(Assertion.UNKNOWN)),
        (("unknown", Rule.STATED_SENSOR_FAULT), unknown & stated(Assertion.SENSOR_FAULT)),
        (("unknown", Rule.SENSOR_FAULT), unknown & faults),
        (("unknown", Rule.FLAG_UNKNOWN), unknown & flags[Override.UNKNOWN]),
        *((("unknown", rule), unknown & where) for rule, where in causes.items()),
        (("unknown", Rule.STALE), unknown),
        (("no_beam", Rule.CANCELLED), booked & plan.cancelled),
        (("no_beam", Rule.STATED_DOWN), booked & stated(Assertion.DOWN)),
        (("no_beam", Rule.FLAGGED), booked & flags[Override.DOWN]),
        (("no_beam", Rule.BELOW), booked & below),
        (("no_beam", Rule.MERGED), booked),
        (("refill", Rule.REFILL), findings.refill_beside),
        (("delivered", Rule.TRIP), trips),
        (("delivered", Rule.LOW_BEAM), findings.low_beam_time),
        (("delivered", Rule.STATED_UP), stated(Assertion.UP)),
        (("delivered", Rule.GLITCH), glitches),
        (("delivered", Rule.DELIVERED), evidence.span),
    ]


Int64 = NDArray[np.int64]


def unknown_causes(evidence: Evidence, rules: Rules) -> dict[Rule, Intervals]:
    """Return where each cause would explain that the delivery signal is not known.

    A bad sample explains the time for which a good one in its place would hold, and no more: twenty minutes without
    samples and a bad one at their end are not "only bad samples". A lost link explains the time until it is up
    again, and until the next sample after that where it comes as soon as the signal holds. Before the first sample
    the reason is that there is none yet. What is left is stale: the last good sample is too old.
    """
    samples = evidence.delivery
    times, good = samples.time_ns, is_good(samples, rules.physical_max)
    bad = times[~good]
    return {
        Rule.BAD: Intervals.from_arrays(bad, _until(bad, times, evidence.cuts, rules.stale_after_ns)),
        Rule.LINK: _link(evidence, times[good], rules.stale_after_ns),
        Rule.NO_SAMPLE: Intervals.of([(evidence.start_ns, int(times[0]) if len(times) else evidence.end_ns)]),
    }


def _until(stamps: Int64, times: Int64, cuts: Int64, stale_ns: int | None) -> Int64:
    """Return where samples stamped at `stamps` cease to hold: at the next sample, when stale, or at a cut."""
    end = _following(times, stamps)
    if stale_ns is not None:
        end = np.minimum(end, stamps + stale_ns)
    return np.minimum(end, _following(cuts, stamps))


def _following(times: Int64, stamps: Int64) -> Int64:
    """Return the first of `times` after each stamp; the end of time if there is no later one."""
    return np.append(times, MAX_NS)[np.searchsorted(times, stamps, side="right")]


def _link(evidence: Evidence, good: Int64, stale_ns: int | None) -> Intervals:
    cuts, down = evidence.cuts, evidence.link_down
    last_good = np.searchsorted(good, cuts, side="left") - 1
    held = last_good >= 0
    cut_until = np.full(len(cuts), MAX_NS, np.int64)
    if stale_ns is not None:
        cut_until[held] = good[last_good[held]] + stale_ns
        cut_until[~held] = cuts[~held]
    cut_until = np.minimum(cut_until, _following(good, cuts - 1))
    soon = down.end if stale_ns is None else down.end + stale_ns
    back = _following(good, down.end - 1)
    until = np.where(back <= soon, back, down.end) if stale_ns is not None else back
    return Intervals.from_arrays(cuts, cut_until) | Intervals.from_arrays(down.start, until)
