"""Incidents, and the downtime that each system cost."""

from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from analytics.conditions import Kind
from analytics.figures import percentage
from analytics.pareto import downtime_by_system
from console.figures import AvailabilityReport
from console.output import local, table, title
from console.record import Noted
from console.rounding import percent, split_hours
from facility.incidents import Sharing
from facility.profile import Profile
from facility.time import format_time, to_s


def incident_list(profile: Profile, listed: Sequence[Noted]) -> list[RenderableType]:
    """Return the incidents, each with who recorded it and what is known."""
    heading = title(profile, "incidents 障害記録")
    if not listed:
        return [heading, "none"]
    rows = Table.grid(padding=(0, 2))
    rows.add_column(justify="right", no_wrap=True)
    rows.add_column()
    for noted in listed:
        rows.add_row(f"#{noted.incident.id}", _words(profile, noted))
    return [heading, rows]


def incident_document(profile: Profile, noted: Noted) -> dict[str, Any]:
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


def pareto(loaded: AvailabilityReport, sharing: Sharing) -> list[RenderableType]:
    """Return the downtime by system, largest first, adding up to the downtime of the period."""
    zone, part = loaded.profile.zone, loaded.part
    lines: list[RenderableType] = [
        title(loaded.profile, "downtime by system 系統別停止時間"),
        f"Period      {local(part.start_ns, zone, offset=True)} to {local(part.end_ns, zone, offset=True)}",
        f"Definition  {loaded.definition.id}, overlaps: {sharing.value}",
        "",
    ]
    found = shares(loaded, sharing)
    if not found:
        return [*lines, "No downtime in user time."]
    rows = table(order=["system", "downtime h", "%", "so far %"], right=["downtime h", "%", "so far %"])
    rounded = split_hours(found)
    whole, so_far = sum(found.values()), 0
    for system, ns in found.items():
        so_far += ns
        rows.add_row(system, f"{rounded[system]:,}", percent(percentage(ns, whole)), percent(percentage(so_far, whole)))
    rows.add_row("= no beam", f"{sum(rounded.values()):,}", "", "")
    return [*lines, rows]


def pareto_document(loaded: AvailabilityReport, sharing: Sharing) -> dict[str, Any]:
    """Return the same for programs, in seconds."""
    result = loaded.availability
    return {
        "facility": result.facility,
        "simulated": result.simulated,
        "definition": result.definition,
        "period": result.period.id,
        "sharing": sharing.value,
        "no_beam_s": to_s(result.accounts.no_beam),
        "systems": [{"system": system, "downtime_s": to_s(ns)} for system, ns in shares(loaded, sharing).items()],
    }


def _words(profile: Profile, noted: Noted) -> Text:
    incident, w, zone = noted.incident, noted.withdrawal, profile.zone
    plain = "not bold not strike"
    text = Text(f"{incident.system}, {incident.component}: {incident.title}", style="bold" if w is None else "strike")
    if incident.root_cause:
        text.append("  root cause", style=plain)
    text.append(
        f"\n{local(incident.start_ns, zone)} to {local(incident.end_ns, zone, offset=True)}, "
        f"by {incident.author} on {local(incident.recorded_at_ns, zone)}",
        style=plain,
    )
    for what, words in (("cause", incident.cause_text), ("resolution", incident.resolution)):
        if words:
            text.append(f"\n{what}: {words}", style=plain)
    if w is not None:
        how = "withdrawn" if w.replaced_by is None else f"replaced by #{w.replaced_by},"
        text.append(f"\n{how} by {w.author}, {local(w.recorded_at_ns, zone)}: {w.reason}", style=plain)
    return text
