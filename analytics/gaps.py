"""What unknown time could hide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from analytics.conditions import is_good
from analytics.events import find_events
from analytics.evidence import AppliedEvidence, Evidence, apply_evidence
from analytics.findings import grouping_of
from analytics.rules import Rules
from analytics.segments import Rule, Segment, Segments
from facility.corrections import BEAM_ASSERTIONS, Assertion, Correction
from facility.definition import Definition
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Plan
from facility.time import NS_PER_S

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

TRIED_AT_MOST: Final = 100
"""So many gaps of a stretch are tried by counting what is around them again; the longest ones."""
AROUND_NS: Final = 600 * NS_PER_S
"""At least so much around a gap is counted again; more where something is near that belongs to it."""

NOT_TRIED: Final = np.iinfo(np.int64).min
"""In a column: not computed."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One unknown interval of user time."""

    segment: Segment
    downtime_ns: int | None
    """By how much downtime would grow if there had been no beam in this interval alone; by merging, or where the
    beam came back only in part, that may be more than the interval itself. None: not computed, because there are too
    many gaps that depend on what is around them."""
    failures: int | None
    """By how much the number of failures would change."""


@dataclass(frozen=True, slots=True, eq=False)
class Gaps(Sequence[Gap]):
    """Gaps in order of time, as columns."""

    segments: Segments
    downtime_ns: Int64
    failures: Int64

    @classmethod
    def joined(cls, pieces: Sequence["Gaps"]) -> "Gaps":
        """Join the gaps of stretches that follow each other."""
        segments = [p.segments for p in pieces]
        none = np.empty(0, np.int64)
        return cls(
            Segments(
                np.concatenate([none, *(s.start_ns for s in segments)]),
                np.concatenate([none, *(s.end_ns for s in segments)]),
                np.concatenate([np.empty(0, np.int8), *(s.reason for s in segments)]),
            ),
            np.concatenate([none, *(p.downtime_ns for p in pieces)]),
            np.concatenate([none, *(p.failures for p in pieces)]),
        )

    def __len__(self) -> int:
        return len(self.segments)

    def __iter__(self) -> Iterator[Gap]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Gap: ...
    @overload
    def __getitem__(self, index: slice) -> "Gaps": ...
    def __getitem__(self, index: int | slice) -> "Gap | Gaps":
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        downtime, failures = int(self.downtime_ns[index]), int(self.failures[index])
        tried = downtime != NOT_TRIED
        return Gap(self.segments[index], downtime if tried else None, failures if tried else None)

    def take(self, which: Int64) -> "Gaps":
        """Return those at some places."""
        return Gaps(self.segments.take(which), self.downtime_ns[which], self.failures[which])

    def longest(self, count: int) -> "Gaps":
        """Return the longest, in order of time."""
        if len(self) <= count:
            return self
        return self.take(np.sort(np.argsort(-self.segments.length_ns, kind="stable")[:count]))


def find_gaps(
    segments: Segments,
    evidence: Evidence,
    applied: AppliedEvidence,
    profile: Profile,
    definition: Definition,
    plan: Plan,
    part: Period,
    *,
    at_most: int = TRIED_AT_MOST,
) -> Gaps:
    """List the unknown intervals among `segments`, each with what it could hide by itself.

    Their lengths add up to the account of unknown time. What they could hide does not add up to the distance of
    the bounds: two gaps that could each be an outage may be one outage together.

    A gap with steady beam on both sides and no outage near it hides what its own length says. All others are tried:
    what is around them is counted again, with no beam in that gap. No more than `at_most` of them are, the longest.
    """
    gaps = segments.of_account("unknown")
    downtime, failures, alone = _alone(gaps, evidence, applied, definition, plan)
    others = np.flatnonzero(~alone)
    downtime[others], failures[others] = NOT_TRIED, 0
    tried = others[np.argsort(-gaps.length_ns[others], kind="stable")[:at_most]]
    # Neither further signals nor the machine's mode move downtime or failures.
    evidence = replace(evidence, further={}, mode=None)
    around, user_time = _Around.of(evidence, applied, definition, plan), plan.user_time
    for i in tried.tolist():
        gap = gaps[int(i)]
        near = around.cut(evidence, gap)
        inside = Period(part.id, max(part.start_ns, near.start_ns), min(part.end_ns, near.end_ns))
        without_beam = replace(near, corrections=_with_stated_down(near.corrections, gap))
        now = _downtime(near, profile, definition, plan, user_time, inside)
        then = _downtime(without_beam, profile, definition, plan, user_time, inside)
        downtime[i], failures[i] = then[0] - now[0], then[1] - now[1]
    return Gaps(gaps, downtime, failures)


def _downtime(
    near: Evidence, profile: Profile, definition: Definition, plan: Plan, user_time: Intervals, inside: Period
) -> tuple[int, int]:
    """Return how long there was no beam in `inside`, ns, and how many failures begin there, as `examine` counts them.

    Accounts and everything else that `examine` finds take four times as long.
    """
    conditions = apply_evidence(near, profile, definition, plan).conditions()
    around = user_time.clip(near.start_ns, near.end_ns)
    events = find_events(conditions, around, grouping_of(near, definition, plan))
    failures = sum(inside.start_ns <= event.first_user_ns < inside.end_ns for event in events.failures)
    return events.no_beam_time.clip(inside.start_ns, inside.end_ns).total, failures


@dataclass(frozen=True, slots=True)
class _Around:
    """Where evidence may be cut, so that what happens in a gap has no effect beyond."""

    sure: Int64
    """Stamps of samples at which no event can be running."""
    busy: Intervals
    """Outages with the merge gap around them, and what corrections, flags and the calendar have a say in."""

    @classmethod
    def of(cls, evidence: Evidence, applied: AppliedEvidence, definition: Definition, plan: Plan) -> "_Around":
        rules, near = applied.rules, definition.merge_gap_ns + 1
        good = is_good(applied.samples, rules.physical_max)
        enough = _surely_up(rules)
        conditions = applied.conditions()
        events = find_events(conditions, plan.user_time, grouping_of(evidence, definition, plan))
        found = conditions.no_beams.intervals | conditions.low_beams.intervals | events.in_events | plan.cancelled
        found |= Intervals.of((c.start_ns, c.end_ns) for c in evidence.corrections)
        found |= Intervals.of((o.start_ns, o.end_ns) for o in applied.flagged)
        busy = Intervals.from_arrays(found.start - near, found.end + near)
        return cls(applied.samples.time_ns[good & (applied.samples.value >= enough)], busy)

    def cut(self, evidence: Evidence, gap: Segment) -> Evidence:
        """Return the evidence around a gap, from a sample at which nothing is running to another one."""
        start, end = gap.start_ns - AROUND_NS, gap.end_ns + AROUND_NS
        free = self.sure[~self.busy.cover(self.sure)]
        first = int(np.searchsorted(free, start, side="right")) - 1
        last = int(np.searchsorted(free, end, side="left"))
        start = evidence.start_ns if first < 0 else max(int(free[first]), evidence.start_ns)
        end = evidence.end_ns if last >= len(free) else min(int(free[last]) + 1, evidence.end_ns)
        within = (evidence.cuts >= start) & (evidence.cuts < end)
        return replace(
            evidence,
            delivery=evidence.delivery.between(min(start, evidence.start_ns) if first < 0 else start, end),
            start_ns=start,
            end_ns=end,
            cuts=evidence.cuts[within],
        )


def _surely_up(rules: Rules) -> float:
    """Return a value at which no event is running, whatever limits of the window it began with."""
    return max(max(t.no_beam_ends, t.low_beam_ends, t.tolerance) for t in rules.thresholds)


def _alone(
    gaps: Segments, evidence: Evidence, applied: AppliedEvidence, definition: Definition, plan: Plan
) -> tuple[Int64, Int64, Bool]:
    """Return what each gap could hide where nothing around it matters, and for which gaps that is so.

    That is between two samples at which no event can be running and the end of any is reached, with no outage, no
    cancelled time and no correction or flag near enough to have a say.
    """
    rules, near = applied.rules, definition.merge_gap_ns
    good = is_good(applied.samples, rules.physical_max)
    times, values = applied.samples.time_ns[good], applied.samples.value[good]
    enough = _surely_up(rules)
    before = np.searchsorted(times, gaps.start_ns, side="right") - 1
    after = np.searchsorted(times, gaps.end_ns, side="left")
    inside = (before >= 0) & (after < len(times)) & (after == before + 1)
    alone = inside.copy()
    alone[inside] &= (values[before[inside]] >= enough) & (values[after[inside]] >= enough)
    alone &= ~gaps.of_rules(Rule.STATED_UNKNOWN, Rule.STATED_SENSOR_FAULT, Rule.SENSOR_FAULT, Rule.FLAG_UNKNOWN)
    grouping = grouping_of(evidence, definition, plan)
    events = find_events(applied.conditions(), plan.user_time, grouping)
    touchy = events.in_events | plan.cancelled | Intervals.of([*grouping.one_event, *grouping.separate])
    touchy |= evidence.asserted(*BEAM_ASSERTIONS)
    touchy |= Intervals.of((o.start_ns, o.end_ns) for o in applied.flagged)
    # Touching is near: what ends where a gap begins is one outage with it.
    alone &= ~touchy.touch(gaps.start_ns - near - 1, gaps.end_ns + near + 1)
    trip = gaps.length_ns < definition.trip_below_ns
    spared = trip & (not definition.trips_are_downtime)
    return np.where(spared, 0, gaps.length_ns), (~trip).astype(np.int64), alone


def _with_stated_down(corrections: Sequence[Correction], segment: Segment) -> list[Correction]:
    """Return the corrections with `segment` stated as down, other statements on the beam there removed."""
    start, end = segment.start_ns, segment.end_ns
    kept: list[Correction] = []
    for c in corrections:
        if c.assertion not in BEAM_ASSERTIONS:
            kept.append(c)
            continue
        pieces = [(c.start_ns, min(c.end_ns, start)), (max(c.start_ns, end), c.end_ns)]
        kept += [replace(c, start_ns=a, end_ns=b) for a, b in pieces if a < b]
    return [*kept, Correction(0, start, end, Assertion.DOWN, "kado", "what if", 0)]
