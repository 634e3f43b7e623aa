"""Events of a period: losses of beam and distortions, with review, incidents, and alarms raised in them."""

from typing import Any

from analytics.availability import ReportedEvent
from analytics.conditions import Kind
from analytics.pareto import attached
from facility.corrections import Assertion, Exclusion
from facility.incidents import Incident, Review
from facility.time import format_time, to_s
from kado.queries.availability import AvailabilityReport
from kado.queries.event_alarms import raised_documents
from kado.queries.figure_notes import figure_notes_document
from kado.queries.identity import identity


def review_of(reported: ReportedEvent) -> str | None:
    """Return the review that an outage asks for, by the user time that it cost in all; None for a low-beam.

    An outage that began in a shutdown costs users nothing until their time begins.
    """
    return Review.of(reported.event.user_time.total).value if reported.event.kind is Kind.NO_BEAM else None


def incidents_behind(reported: ReportedEvent, loaded: AvailabilityReport) -> tuple[Incident, ...]:
    """Return what was behind an outage."""
    return attached(reported.event, loaded.incidents) if reported.event.kind is Kind.NO_BEAM else ()


def exclusions_of(reported: ReportedEvent, loaded: AvailabilityReport) -> list[Exclusion]:
    """Return the causes outside the facility that people state for an outage."""
    if reported.event.kind is not Kind.NO_BEAM:
        return []
    stated = (a.correction for a in loaded.corrections if a.correction.assertion is Assertion.EXCLUDED)
    found = [
        c.category for c in stated if c.category is not None and reported.event.user_time.clip(c.start_ns, c.end_ns)
    ]
    return list(dict.fromkeys(found))


def events_document(loaded: AvailabilityReport) -> dict[str, Any]:
    """Return the events of a period with the corrections that touch it, for programs."""
    result = loaded.availability
    return {
        **identity(loaded.profile, definition=result.definition, period=result.period),
        "events": event_documents(loaded),
        "corrections": figure_notes_document(loaded)["corrections"],
    }


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
        "notes": [f"excluded: {category.value}" for category in exclusions_of(reported, loaded)],
        "incidents": [i.id for i in incidents_behind(reported, loaded)],
        "alarms": raised_documents(loaded.alarms.in_event(reported), zone),
    }
