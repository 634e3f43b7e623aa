"""Documents to points of the derived series: pure functions, the names of `facility.schema`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from analytics.availability import ReportedEvent
from analytics.conditions import Kind
from analytics.findings import Findings
from analytics.pareto import attached
from facility.incidents import Incident
from facility.interval import Intervals
from facility.period import Period, month_of
from facility.profile import Profile
from facility.schedule import Category, Plan
from facility.schema import (
    FIELD_COMPLETE,
    FIELD_COUNTED_UNTIL,
    FIELD_ID,
    FIELD_SIMULATED,
    FIELD_TARGET,
)
from facility.time import NS_PER_S, to_s
from kado.queries.availability import AvailabilityReport
from kado.queries.availability_document import availability_document, tag_times
from storage.derived import Point, Value

NS_PER_MS: Final = 1_000_000
REPEAT_NS: Final = 600 * NS_PER_S
"""A state that lasts is written again this often, so that it is found in any range of a dashboard."""
NO_SYSTEM: Final = "none"


def figure_point(period: Period, report: AvailabilityReport, further: dict[str, float | None]) -> Point:
    """Return the figures of a period, as `kado availability` says them.

    Parameters
    ----------
    further
        Figures beside those of the document; None: does not exist.
    """
    document = availability_document(report)
    until_ns = report.availability.counted_until_ns
    numbers: dict[str, float | int | None] = {**document["figures"], **further}
    numbers |= {name: count for name, count in document["counts"].items() if not isinstance(count, dict)}
    numbers |= {f"{name}_s": float(seconds) for name, seconds in document["accounts_s"].items()}
    numbers[FIELD_TARGET] = report.profile.target_availability_pct
    fields: dict[str, Value] = {name: number for name, number in numbers.items() if number is not None}
    return Point(period.start_ns, (), fields | _about(period, report.profile, until_ns))


def empty_point(period: Period, profile: Profile, now_ns: int) -> Point:
    """Return the point of a period that has no figures: nothing is scheduled in it, or known of it."""
    return Point(period.start_ns, (), _about(period, profile, min(period.end_ns, now_ns)))


def _about(period: Period, profile: Profile, until_ns: int) -> dict[str, Value]:
    return {
        FIELD_ID: period.id,
        FIELD_COMPLETE: until_ns >= period.end_ns,
        FIELD_COUNTED_UNTIL: until_ns // NS_PER_MS,
        FIELD_SIMULATED: profile.simulated,
    }


def use_points(period: Period, report: AvailabilityReport) -> list[Point]:
    """Return the user time of each tag of the calendar."""
    until = report.availability.counted_until_ns // NS_PER_MS
    points: list[Point] = []
    for tag, time in tag_times(report).items():
        fields: dict[str, Value] = {
            "user_time_s": to_s(time.user_time),
            "no_beam_s": to_s(time.no_beam),
            "unknown_s": to_s(time.unknown),
            FIELD_COUNTED_UNTIL: until,
        }
        if report.definition.refill_is_delivered:
            fields["delivered_s"] = to_s(time.delivered)
        points.append(Point(period.start_ns, (("tag", tag),), fields))
    return points


def event_points(report: AvailabilityReport) -> list[Point]:
    """Return the no-beams and low-beams that a period counts, each at its first instant in user time."""
    return [
        _event_point(reported, report)
        for reported in report.availability.events
        if reported.event.kind is not Kind.DISTORTION and not reported.carried_over
    ]


def _event_point(reported: ReportedEvent, report: AvailabilityReport) -> Point:
    event, profile = reported.event, report.profile
    behind = attached(event, report.incidents) if event.kind is Kind.NO_BEAM else ()
    cause = next((i for i in behind if i.root_cause), behind[0]) if behind else None
    kind = "trip" if reported.trip else event.kind.value
    system = NO_SYSTEM if cause is None else cause.system
    fields: dict[str, Value] = {
        FIELD_ID: event.id(profile.id),
        "open": event.open,
        "end_ms": event.end_ns // NS_PER_MS,
        "duration_s": to_s(event.duration_ns),
        "user_time_s": to_s(event.user_time.total),
        "cause": "" if cause is None else cause.title,
        "text_en": _text(event.end_ns - event.start_ns, kind, cause, english=True),
        "text_ja": _text(event.end_ns - event.start_ns, kind, cause, english=False),
    }
    return Point(event.first_user_ns, (("kind", kind), ("system", system)), fields)


_KINDS: Final = {
    "no_beam": ("No beam", "ビーム停止"),
    "trip": ("Trip", "短時間停止"),
    "low_beam": ("Low beam", "低電流"),
}


def _text(length_ns: int, kind: str, cause: Incident | None, *, english: bool) -> str:
    en, ja = _KINDS[kind]
    minutes = length_ns / NS_PER_S / 60
    said = (
        "" if cause is None else f": {cause.system}, {cause.title}" if english else f"：{cause.system}、{cause.title}"
    )
    return f"{en}, {minutes:.1f} min{said}" if english else f"{ja}、{minutes:.1f} 分{said}"


def beam_state_points(findings: Findings, profile: Profile) -> list[Point]:
    """Return what the beam was, from the findings of a period by a definition."""
    return [
        Point(start_ns, (), {"state": state, "end_ms": end_ns // NS_PER_MS, **_limits(profile, start_ns)})
        for state, piece_start, piece_end in beam_states(findings)
        for start_ns, end_ns in _repeated(piece_start, piece_end)
    ]


def beam_states(findings: Findings) -> list[tuple[str, int, int]]:
    """Return the state of the beam over a period, piece by piece; unknown user time wins over all else."""
    part = findings.part
    whole = Intervals.of([(part.start_ns, part.end_ns)])
    unknown = findings.unknown
    found = {kind: Intervals.of(_spans(findings, kind)).clip(part.start_ns, part.end_ns) for kind in Kind}
    none = found[Kind.NO_BEAM] - unknown
    low = found[Kind.LOW_BEAM] - unknown - none
    seen = unknown | none | low
    up = findings.user_time - seen
    states = {"unknown": unknown, "none": none, "low": low, "up": up, "outside": whole - seen - up}
    return sorted(
        ((state, start, end) for state, spans in states.items() for start, end in spans), key=lambda piece: piece[1]
    )


def _spans(findings: Findings, kind: Kind) -> Iterable[tuple[int, int]]:
    return [(s.start_ns, s.end_ns) for s in findings.stretches if s.kind is kind and s.end_ns > s.start_ns]


def _limits(profile: Profile, ns: int) -> dict[str, Value]:
    limits = profile.limits.at(Category.USER, ns)
    if limits is None:
        return {}
    return {"nominal": limits.nominal, "tolerance": limits.tolerance, "minimum": limits.minimum}


def plan_points(plan: Plan, start_ns: int, end_ns: int) -> list[Point]:
    """Return the calendar over a stretch of time, with what is not planned in it."""
    points: list[Point] = []
    at = start_ns
    for block in sorted(plan.blocks, key=lambda b: b.start_ns):
        first, last = max(block.start_ns, start_ns), min(block.end_ns, end_ns)
        if first >= last:
            continue
        points += _planned(Category.UNSCHEDULED, at, first, {})
        details: dict[str, Value] = {
            "block_tags": ", ".join(block.tags),
            "run": block.run or "",
            "note": block.note,
        }
        points += _planned(block.category, first, last, details)
        at = last
    return [*points, *_planned(Category.UNSCHEDULED, at, end_ns, {})]


def _planned(category: Category, start_ns: int, end_ns: int, details: dict[str, Value]) -> list[Point]:
    return [
        Point(start, (), {"category": category.value, "end_ms": end // NS_PER_MS, **details})
        for start, end in _repeated(start_ns, end_ns)
    ]


def _repeated(start_ns: int, end_ns: int) -> Iterator[tuple[int, int]]:
    """Yield pieces of a stretch, cut at each ten minutes of the clock."""
    at = start_ns
    while at < end_ns:
        following = min(end_ns, (at // REPEAT_NS + 1) * REPEAT_NS)
        yield at, following
        at = following


def months_of(profile: Profile, start_ns: int, end_ns: int) -> Sequence[Period]:
    """Return the months that touch a stretch of time, newest first."""
    months: list[Period] = []
    at = end_ns - 1
    while at >= start_ns:
        months.append(month_of(at, profile.zone))
        at = months[-1].start_ns - 1
    return months
