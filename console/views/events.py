"""Losses of beam: what was lost, what it asks for, and what was behind it."""

from datetime import tzinfo
from typing import Any

from rich.console import RenderableType

from analytics.availability import ReportedEvent
from analytics.conditions import Kind
from analytics.pareto import attached
from console.figures import AvailabilityReport
from console.output import local, offsets_of, table
from console.rounding import duration
from facility.incidents import Incident, Review
from facility.time import format_time, to_datetime, to_s


def event_table(loaded: AvailabilityReport, *, reviews: bool = False) -> list[RenderableType]:
    """Return the events of the period: no-beam, low-beam, distortions; with the review that each outage asks for."""
    result, zone = loaded.availability, loaded.profile.zone
    if not result.events:
        found = "no loss of beam and no distortion" if result.further else "no loss of beam"
        return [f"No events: {found} in user time."]
    offset = offsets_of((r.event.start_ns for r in result.events), zone)
    lost = "user time\nlost"
    order = ["event", f"start ({offset})", "end", "length", lost, *(["review"] if reviews else []), "note"]
    rows = table(order=order, right=["length", lost])
    for reported in result.events:
        e = reported.event
        rows.add_row(
            _kind(reported, loaded),
            local(e.start_ns, zone),
            "still open" if e.open else _end(e.start_ns, e.end_ns, zone),
            duration(e.duration_ns),
            duration(reported.user_time_ns),
            *([review_of(reported) or ""] if reviews else []),
            ", ".join([*_marks(reported), *_systems(reported, loaded)]),
        )
    return [rows]


def _kind(reported: ReportedEvent, loaded: AvailabilityReport) -> str:
    """Return what an event is; of a distortion, what its facility calls it in both languages."""
    names = {f.distortion.id: f.distortion.name for f in loaded.availability.further}
    name = names.get(reported.event.distortion or "")
    if name is None:
        return reported.event.kind.value.replace("_", " ")
    return name.en if name.en == name.ja else f"{name.en} {name.ja}"


def _end(start_ns: int, end_ns: int, zone: tzinfo) -> str:
    """Return the time of day at which an event ended, and how many days later that was."""
    days = (to_datetime(end_ns, zone).date() - to_datetime(start_ns, zone).date()).days
    return local(end_ns, zone)[11:] + (f" +{days} d" if days else "")


def _marks(reported: ReportedEvent) -> list[str]:
    e = reported.event
    marks = ["trip"] if reported.trip else []
    marks += ["carried over"] if reported.carried_over else []
    marks += [f"{e.parts} merged"] if e.parts > 1 else []
    return marks + ([f"{e.blocks} blocks"] if e.blocks > 1 else [])


def review_of(reported: ReportedEvent) -> str | None:
    """Return the review that an outage asks for; None for a low-beam."""
    return Review.of(reported.event.duration_ns).value if reported.event.kind is Kind.NO_BEAM else None


def _incidents(reported: ReportedEvent, loaded: AvailabilityReport) -> tuple[Incident, ...]:
    """Return what was behind an outage."""
    return attached(reported.event, loaded.incidents) if reported.event.kind is Kind.NO_BEAM else ()


def _systems(reported: ReportedEvent, loaded: AvailabilityReport) -> list[str]:
    return list(dict.fromkeys(i.system for i in _incidents(reported, loaded)))


def event_documents(loaded: AvailabilityReport) -> list[dict[str, Any]]:
    """Return the events for programs."""
    return [_event_document(r, loaded) for r in loaded.availability.events]


def _event_document(reported: ReportedEvent, loaded: AvailabilityReport) -> dict[str, Any]:
    e, zone = reported.event, loaded.profile.zone
    return {
        "id": e.id(loaded.profile.id),
        "kind": e.kind.value,
        "distortion": e.distortion,
        "start": format_time(e.start_ns, zone),
        "end": format_time(e.end_ns, zone),
        "duration_s": to_s(e.duration_ns),
        "user_time_s": to_s(reported.user_time_ns),
        "trip": reported.trip,
        "carried_over": reported.carried_over,
        "open": e.open,
        "review": review_of(reported),
        "incidents": [i.id for i in _incidents(reported, loaded)],
    }
