"""What of a period a person still has to look at: outages without a cause, gaps, sensor faults, exclusions."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from analytics.availability import ReportedEvent
from analytics.conditions import Kind
from analytics.gaps import Gap
from analytics.segments import Rule
from analytics.witness import CrossCheck, Verdict
from facility.corrections import Correction
from facility.period import Period
from facility.time import Clock, format_time, system_clock, to_s
from kado.config import Configuration
from kado.queries.availability import AvailabilityReport, awaiting_in
from kado.queries.corrections import RecordedCorrection, correction_document
from kado.queries.events import incidents_behind, review_of
from kado.queries.explanation import load_gaps
from kado.queries.identity import identity
from kado.queries.period_pieces import Progress
from kado.queries.record import load_record

LISTED: Final = 50
"""So many gaps are listed at most, the longest ones; the number of all is given."""
_REVIEWED: Final = (Rule.STATED_UNKNOWN, Rule.STATED_SENSOR_FAULT)
"""Unknown because a person said so."""


@dataclass(frozen=True, slots=True)
class AwaitingReview:
    """What awaits a person's review in a period."""

    report: AvailabilityReport
    exclusions: tuple[Correction, ...]
    """That a second person has not confirmed, those that touch the period."""
    exclusions_elsewhere: tuple[Correction, ...]
    """The same of other times."""
    outages: tuple[ReportedEvent, ...]
    """Without an incident that states a cause."""
    gaps: tuple[Gap, ...]
    """Unknown user time that nobody has spoken of, the longest first."""
    gaps_in_all: int
    sensor_faults: tuple[CrossCheck, ...]
    """Where the delivery signal says no beam and its witness says beam, and nobody has spoken of it."""

    def __len__(self) -> int:
        return (
            len(self.exclusions)
            + len(self.exclusions_elsewhere)
            + len(self.outages)
            + self.gaps_in_all
            + len(self.sensor_faults)
        )


def load_awaiting_review(
    configuration: Configuration,
    period: str | Period,
    *,
    clock: Clock = system_clock,
    progress: Progress | None = None,
) -> AwaitingReview:
    """Return what awaits review in a period, by the facility's own definition; raises what `load_gaps` raises."""
    report, gaps = load_gaps(configuration, period, None, None, clock=clock, progress=progress)
    spoken = gaps.take(np.flatnonzero(~gaps.segments.of_rules(*_REVIEWED, Rule.SENSOR_FAULT)))
    longest = sorted(spoken.longest(LISTED), key=lambda g: g.segment.start_ns - g.segment.end_ns)
    record = load_record(configuration)
    here = awaiting_in(record, report.part)
    said = [(a.correction.start_ns, a.correction.end_ns) for a in report.corrections]
    return AwaitingReview(
        report,
        here,
        tuple(c for c in record.awaiting if c not in here),
        tuple(r for r in report.availability.events if _lacks_a_cause(r, report)),
        tuple(longest),
        len(spoken),
        tuple(
            f
            for f in report.availability.sensor_faults
            if f.verdict is Verdict.CONTRADICTED
            and not any(start < f.stretch.end_ns and f.stretch.start_ns < end for start, end in said)
        ),
    )


def _lacks_a_cause(reported: ReportedEvent, report: AvailabilityReport) -> bool:
    if reported.event.kind is not Kind.NO_BEAM or reported.trip:
        return False
    return not any(i.cause_text for i in incidents_behind(reported, report))


def awaiting_document(found: AwaitingReview) -> dict[str, Any]:
    """Return the same for programs."""
    report = found.report
    profile, zone = report.profile, report.profile.zone
    return {
        **identity(profile, definition=report.definition.id, period=report.part),
        "as_known_on": format_time(report.as_known_on_ns, zone),
        "exclusions": [correction_document(profile, RecordedCorrection(c, awaiting=True)) for c in found.exclusions],
        "outages": [
            {
                "id": r.event.id(profile.id),
                "start": format_time(r.event.start_ns, zone),
                "end": format_time(r.event.end_ns, zone),
                "user_time_s": to_s(r.user_time_ns),
                "review": review_of(r),
            }
            for r in found.outages
        ],
        "gaps": [
            {
                "start": format_time(g.segment.start_ns, zone),
                "end": format_time(g.segment.end_ns, zone),
                "duration_s": to_s(g.segment.end_ns - g.segment.start_ns),
                "rule": g.segment.rule.name.lower(),
            }
            for g in found.gaps
        ],
        "gaps_in_all": found.gaps_in_all,
        "sensor_faults": [
            {"start": format_time(f.stretch.start_ns, zone), "end": format_time(f.stretch.end_ns, zone)}
            for f in found.sensor_faults
        ],
    }
