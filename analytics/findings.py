"""What is found in a stretch of time, before it is counted and divided.

Findings of stretches that follow each other join to those of the whole: days to a month, months to a year. That
is why they can be kept by day, and found again only where something was learned since.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from analytics.accounts import Accounts, Side, book
from analytics.bounds import bounding_cases, join_bounding_cases
from analytics.conditions import Conditions, Glitch, Stretch
from analytics.distortions import FurtherFindings, join_further, watch
from analytics.energy import POWER_UNIT, delivered_mwh
from analytics.events import Event, Grouping, find_events
from analytics.evidence import AppliedEvidence, Evidence, apply_evidence
from analytics.mode import Mismatch, find_mismatches, join_mismatches
from analytics.witness import CrossCheck, Verdict
from facility.corrections import Assertion
from facility.definition import Definition
from facility.interval import Intervals
from facility.period import Period
from facility.profile import Profile
from facility.schedule import Plan


@dataclass(frozen=True, slots=True)
class KnownRun:
    """Time up to the end of a stretch in which the beam was known without interruption.

    Unknown time that the rules book as no-beam, such as a short gap between two merged outages, does not interrupt it.
    """

    start_ns: int
    """Where it begins; the start of the window where it had begun before."""
    after_unknown: bool
    """Whether unknown time lies before it, or no sample at all."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found in `part`, by one definition."""

    part: Period
    settled: bool
    """Whether nothing that comes later can change them."""
    accounts: Accounts
    bounding_cases: tuple[Accounts, ...]
    """With unknown time filled in ways that may be the worst or the best."""
    failures: tuple[Event, ...]
    """Events whose user time touches `part`, whole, in order of time."""
    trips: tuple[Event, ...]
    low_beam: tuple[Event, ...]
    stretches: tuple[Stretch, ...]
    """No-beams and low-beams that touch `part`, in user time or not, in order of time."""
    known_until_ns: int | None
    """Where the last known time in `part` ends; None: nothing is known of it."""
    known_run: KnownRun | None
    """The last known time, from where it was known without interruption; it may begin before `part`."""
    glitches: tuple[Glitch, ...]
    """Those that begin in the user time of `part`, as do sensor faults."""
    sensor_faults: tuple[CrossCheck, ...]
    unwitnessed: int
    """Outages without a witness sample."""
    mismatches: tuple[Mismatch, ...] | None
    """None where the machine's mode is not recorded."""
    further: tuple[FurtherFindings, ...]
    """Of each further signal that the definition counts distortions of, in the profile's order."""
    user_time: Intervals
    """In `part`, as the two below."""
    no_beam: Intervals
    unknown: Intervals
    low_beam_time: Intervals
    """Delivered time that is booked as low-beam."""
    refill_beside: Intervals
    """Time of refill that the definition takes out of what was delivered."""
    energy_mwh: float | None
    """Delivered in known user time; None where the delivery signal is no power, and where bounds were left out."""

    def counted(self, events: Iterable[Event]) -> int:
        """Return how many of `events` have their first instant in user time inside `part`."""
        return sum(self.part.start_ns <= e.first_user_ns < self.part.end_ns for e in events)

    @property
    def lower(self) -> Accounts:
        """With least beam in unknown time."""
        return min(self.bounding_cases, key=_delivered)

    @property
    def upper(self) -> Accounts:
        """With most beam in unknown time."""
        return max(self.bounding_cases, key=_delivered)


def examine(
    evidence: Evidence,
    profile: Profile,
    definition: Definition,
    plan: Plan,
    part: Period,
    *,
    settled: bool = True,
    bounds: bool = True,
) -> Findings:
    """Find everything in `part`, which lies in the window of the evidence.

    Without `bounds`, in a third of the time, `lower` and `upper` are the accounts themselves, and energy is left out.

    Raises
    ------
    AccountsError
        If the accounts do not close.
    """
    applied = apply_evidence(evidence, profile, definition, plan)
    grouping = grouping_of(evidence, definition, plan)
    side = Side(evidence.refill, definition.refill_is_delivered, evidence.asserted(Assertion.EXCLUDED))

    def count(filled: Conditions) -> Accounts:
        return book(filled, find_events(filled, plan.user_time, grouping), plan, part, side)

    conditions = applied.conditions()
    events = find_events(conditions, plan.user_time, grouping)
    accounts = book(conditions, events, plan, part, side)
    cases = (accounts,)
    if bounds and conditions.known != evidence.span:
        cases = bounding_cases(applied, conditions.known, count)
    mismatches = None
    if evidence.mode is not None:
        mismatches = find_mismatches(evidence.mode, plan, None, part.start_ns, part.end_ns)
    user_time = plan.user_time.clip(part.start_ns, part.end_ns)
    no_beam = events.no_beam_time.clip(part.start_ns, part.end_ns)
    refill_beside = Intervals.empty() if definition.refill_is_delivered else evidence.refill
    watched = watch(evidence.further, profile, definition, conditions, events, plan.user_time)
    return Findings(
        part=part,
        settled=settled,
        accounts=accounts,
        bounding_cases=cases,
        failures=_touching(part, events.failures),
        trips=_touching(part, events.trips),
        low_beam=_touching(part, events.low_beam),
        stretches=_stretches(part, conditions),
        known_until_ns=int(known.end[-1]) if (known := conditions.known.clip(part.start_ns, part.end_ns)) else None,
        known_run=_known_run(conditions, events.no_beam_time, part),
        glitches=tuple(g for g in conditions.glitches if user_time.contains(g.start_ns)),
        sensor_faults=_cross_checks(applied, Verdict.CONTRADICTED, user_time),
        unwitnessed=len(_cross_checks(applied, Verdict.SILENT, user_time)),
        mismatches=mismatches,
        further=tuple(FurtherFindings.of(w, part) for w in watched),
        user_time=user_time,
        no_beam=no_beam,
        unknown=(user_time - conditions.known) - no_beam,
        low_beam_time=(events.low_beam_time - refill_beside).clip(part.start_ns, part.end_ns),
        refill_beside=(refill_beside & conditions.known & user_time) - no_beam,
        energy_mwh=delivered_mwh(applied, user_time) if bounds and profile.delivery.unit == POWER_UNIT else None,
    )


def grouping_of(evidence: Evidence, definition: Definition, plan: Plan) -> Grouping:
    """Return what makes several stretches without beam one event."""
    return Grouping(
        merge_gap_ns=definition.merge_gap_ns,
        trip_below_ns=definition.trip_below_ns,
        trips_are_downtime=definition.trips_are_downtime,
        cancelled=plan.cancelled,
        one_event=tuple(evidence.asserted(Assertion.ONE_EVENT)),
        separate=tuple(evidence.asserted(Assertion.SEPARATE)),
    )


def join(findings: Sequence[Findings], period_id: str) -> Findings:
    """Join findings of stretches that follow each other without a gap, at least one, into those of the whole.

    An event that touches several stretches was found whole in each; it is one.
    """
    first, last = findings[0], findings[-1]
    compared = [f.mismatches for f in findings if f.mismatches is not None]
    energies = [f.energy_mwh for f in findings if f.energy_mwh is not None]
    return Findings(
        part=Period(period_id, first.part.start_ns, last.part.end_ns),
        settled=all(f.settled for f in findings),
        accounts=Accounts.sum_of([f.accounts for f in findings]),
        bounding_cases=join_bounding_cases([f.bounding_cases for f in findings]),
        failures=_once(e for f in findings for e in f.failures),
        trips=_once(e for f in findings for e in f.trips),
        low_beam=_once(e for f in findings for e in f.low_beam),
        stretches=tuple({(s.kind, s.start_ns): s for f in findings for s in f.stretches}.values()),
        known_until_ns=max((f.known_until_ns for f in findings if f.known_until_ns is not None), default=None),
        known_run=_join_known_runs(findings),
        glitches=tuple(g for f in findings for g in f.glitches),
        sensor_faults=tuple(h for f in findings for h in f.sensor_faults),
        unwitnessed=sum(f.unwitnessed for f in findings),
        mismatches=join_mismatches(m for listed in compared for m in listed) if compared else None,
        further=join_further([f.further for f in findings]),
        user_time=_union(f.user_time for f in findings),
        no_beam=_union(f.no_beam for f in findings),
        unknown=_union(f.unknown for f in findings),
        low_beam_time=_union(f.low_beam_time for f in findings),
        refill_beside=_union(f.refill_beside for f in findings),
        energy_mwh=math.fsum(energies) if energies else None,
    )


def _touching(part: Period, events: Sequence[Event]) -> tuple[Event, ...]:
    return tuple(e for e in events if e.user_time.clip(part.start_ns, part.end_ns))


def _stretches(part: Period, conditions: Conditions) -> tuple[Stretch, ...]:
    found = [
        s for s in (*conditions.no_beam, *conditions.low_beam) if s.start_ns < part.end_ns and part.start_ns < s.end_ns
    ]
    return tuple(sorted(found, key=lambda s: (s.start_ns, s.kind.value)))


def _known_run(conditions: Conditions, no_beam_time: Intervals, part: Period) -> KnownRun | None:
    # A gap inside one outage that is shorter than the merge gap is no-beam, whatever the truth was.
    carried = no_beam_time & conditions.no_beams.intervals
    known = (conditions.known | carried).clip(conditions.start_ns, part.end_ns)
    if not known:
        return None
    start_ns = int(known.start[-1])
    return KnownRun(start_ns, start_ns > conditions.start_ns)


def _join_known_runs(findings: Sequence[Findings]) -> KnownRun | None:
    """Return the last run, followed back through the stretches before."""
    run = findings[-1].known_run
    for earlier in reversed(findings[:-1]):
        if run is None or run.after_unknown or earlier.known_until_ns != earlier.part.end_ns:
            break
        if earlier.known_run is None or run.start_ns > earlier.part.end_ns:
            break
        if earlier.known_run.start_ns <= run.start_ns:
            run = earlier.known_run
    return run


def _cross_checks(applied: AppliedEvidence, verdict: Verdict, user_time: Intervals) -> tuple[CrossCheck, ...]:
    return tuple(h for h in applied.cross_checks if h.verdict is verdict and user_time.contains(h.stretch.start_ns))


def _once(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return each event once, as the last stretch that it touches knows it: that one looked furthest ahead."""
    return tuple({(e.start_ns, e.first_user_ns): e for e in events}.values())


def _union(intervals: Iterable[Intervals]) -> Intervals:
    listed = list(intervals)
    return Intervals.from_arrays(np.concatenate([i.start for i in listed]), np.concatenate([i.end for i in listed]))


def _delivered(accounts: Accounts) -> int:
    return accounts.delivered
