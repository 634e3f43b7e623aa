"""Incidents, those withdrawn too, and the downtime that each system cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analytics.conditions import Kind
from analytics.pareto import downtime_by_system
from facility.incidents import Incident, IncidentWithdrawal, Sharing
from facility.profile import Profile
from facility.time import format_time, parse_time, to_s
from kado.config import Configuration
from kado.journal import has_journal, open_journal
from kado.queries.availability import AvailabilityReport
from kado.queries.identity import identity


@dataclass(frozen=True, slots=True)
class RecordedIncident:
    """An incident as the record shows it."""

    incident: Incident
    withdrawal: IncidentWithdrawal | None = None
    """None while it holds."""


def load_incidents(configuration: Configuration, as_known_on: str | None = None) -> list[RecordedIncident]:
    """Return all incidents with their withdrawals in the order recorded, as known on a date (ISO 8601)."""
    known_on_ns = None if as_known_on is None else parse_time(as_known_on)

    def known(recorded_at_ns: int) -> bool:
        return known_on_ns is None or recorded_at_ns <= known_on_ns

    if not has_journal(configuration):
        return []
    with open_journal(configuration) as journal:
        listed = journal.all_incidents()
    return [
        RecordedIncident(incident, withdrawal if withdrawal is not None and known(withdrawal.recorded_at_ns) else None)
        for incident, withdrawal in listed
        if known(incident.recorded_at_ns)
    ]


def incidents_document(profile: Profile, listed: Sequence[RecordedIncident]) -> dict[str, Any]:
    """Return the incidents for programs."""
    return {**identity(profile), "incidents": [incident_document(profile, noted) for noted in listed]}


def incident_document(profile: Profile, noted: RecordedIncident) -> dict[str, Any]:
    """Return one incident for programs."""
    incident, w, zone = noted.incident, noted.withdrawal, profile.zone
    return {
        "id": incident.id,
        "start": format_time(incident.start_ns, zone),
        "end": format_time(incident.end_ns, zone),
        "system": incident.system,
        "component": incident.component,
        "title": incident.title,
        "root_cause": incident.root_cause,
        "cause": incident.cause_text,
        "resolution": incident.resolution,
        "author": incident.author,
        "recorded_at": format_time(incident.recorded_at_ns, zone),
        "withdrawn": None
        if w is None
        else {
            "author": w.author,
            "reason": w.reason,
            "recorded_at": format_time(w.recorded_at_ns, zone),
            "replaced_by": w.replaced_by,
        },
    }


def shares(loaded: AvailabilityReport, sharing: Sharing) -> dict[str, int]:
    """Return the downtime of the period by system, in ns; its sum is the account `no_beam`."""
    counted = [
        r.event
        for r in loaded.availability.events
        if r.event.kind is Kind.NO_BEAM and (loaded.definition.trips_are_downtime or not r.trip)
    ]
    part = loaded.part
    return downtime_by_system(counted, loaded.incidents, sharing, part.start_ns, part.end_ns)


def pareto_document(loaded: AvailabilityReport, sharing: Sharing) -> dict[str, Any]:
    """Return the same for programs, in seconds."""
    result = loaded.availability
    return {
        **identity(loaded.profile, definition=result.definition, period=result.period),
        "sharing": sharing.value,
        "no_beam_s": to_s(result.accounts.no_beam),
        "systems": [{"system": system, "downtime_s": to_s(ns)} for system, ns in shares(loaded, sharing).items()],
    }
