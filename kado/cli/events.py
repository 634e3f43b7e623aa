"""``kado events``."""

from datetime import tzinfo

from rich.console import RenderableType

from analytics.availability import ReportedEvent
from facility.time import to_datetime
from kado.cli.as_of import as_of
from kado.cli.command import (
    AsKnownOnOption,
    AsPublishedOnOption,
    ConfigOption,
    DefinitionOption,
    Format,
    FormatOption,
    PeriodOption,
)
from kado.cli.figure_notes import correction_table, warning_lines
from kado.config import load_configuration
from kado.language import marked, term, tr, trn, words
from kado.language.assertions import exclusion_note
from kado.output import changed_offset, facts, local, offsets_of, print_json, show, table, title
from kado.progress import progress_bar
from kado.queries.availability import AvailabilityReport, load_availability
from kado.queries.events import events_document, exclusions_of, incidents_behind, review_of
from kado.rounding import duration


def events(
    period: PeriodOption,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    as_published_on: AsPublishedOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List losses of beam and distortions in user time.

    \b
    Examples:
      kado events --period 2026-10
      kado events --period 2026-10 --format json
    """
    configuration, when = load_configuration(config), as_of(as_known_on, as_published_on)
    with progress_bar(tr("counting"), 1) as bar:
        loaded = load_availability(configuration, period, definition, when, progress=bar.advance_through)
    if output is Format.JSON:
        print_json(events_document(loaded))
    else:
        definition_name = f"{loaded.definition.id}: {words(loaded.definition.title)}"
        known_on = local(loaded.as_known_on_ns, loaded.profile.zone, offset=True)
        names = facts([("Period", period), ("Definition", definition_name), ("As known on", known_on)])
        show(
            title(loaded.profile, tr("events")),
            names,
            *warning_lines(loaded),
            *event_table(loaded, reviews=True),
            *alarm_table(loaded),
            *correction_table(loaded),
        )


def event_table(loaded: AvailabilityReport, *, reviews: bool = False) -> list[RenderableType]:
    """Return the events of the period: no-beam, low-beam, distortions; with the review that each outage asks for."""
    result, zone = loaded.availability, loaded.profile.zone
    if not result.events:
        if result.further:
            return [tr("No events: no loss of beam and no distortion in user time.")]
        return [tr("No events: no loss of beam in user time.")]
    offset = offsets_of((ns for r in result.events for ns in (r.event.start_ns, r.event.end_ns)), zone)
    lost, start = marked("user time\nlost"), tr("start ({offset})", offset=offset)
    order = ["event", start, "end", "length", lost, *(["review"] if reviews else []), "note"]
    rows = table(order=order, right=["length", lost])
    for reported in result.events:
        e = reported.event
        excluded = [exclusion_note(category) for category in exclusions_of(reported, loaded)]
        rows.add_row(
            _kind(reported, loaded),
            local(e.start_ns, zone),
            tr("still open") if e.open else _end(e.start_ns, e.end_ns, zone),
            duration(e.duration_ns),
            duration(reported.user_time_ns),
            *([term(review_of(reported) or "")] if reviews else []),
            ", ".join([*_marks(reported), *([] if reviews else excluded), *_systems(reported, loaded)]),
        )
        # Beside a review there is no room for it in 80 columns.
        for text in excluded if reviews else ():
            rows.add_row("", text, *[""] * (len(order) - 2))
    return [rows]


def alarm_table(loaded: AvailabilityReport) -> list[RenderableType]:
    """Return the alarms that were raised in the events of the period; nothing where none was."""
    zone = loaded.profile.zone
    found = [(r, alarm) for r in loaded.availability.events for alarm in loaded.alarms.in_event(r)]
    if not found:
        return []
    offset = offsets_of((alarm.first_ns for _, alarm in found), zone)
    first = tr("first ({offset})", offset=offset)
    order = ["event", "alarm raised in it", "priority", first, "times"]
    rows = table(order=[marked(heading) for heading in order], right=["times"])
    shown: ReportedEvent | None = None
    for reported, alarm in found:
        event = local(reported.event.start_ns, zone) if reported is not shown else ""
        first = _end(reported.event.start_ns, alarm.first_ns, zone)
        rows.add_row(event, words(alarm.title), term(alarm.priority.value), first, str(alarm.count))
        shown = reported
    return ["", rows]


def _kind(reported: ReportedEvent, loaded: AvailabilityReport) -> str:
    """Return what an event is: for a distortion the name that its facility gives it."""
    names = {f.distortion.id: f.distortion.name for f in loaded.availability.further}
    name = names.get(reported.event.distortion or "")
    return term(reported.event.kind.value) if name is None else words(name)


def _end(start_ns: int, end_ns: int, zone: tzinfo) -> str:
    """Return the time of day at which an event ended, and how many days later that was."""
    days = (to_datetime(end_ns, zone).date() - to_datetime(start_ns, zone).date()).days
    clock = local(end_ns, zone)[11:] + changed_offset(start_ns, end_ns, zone)
    return clock + (tr(" +{days} d", days=days) if days else "")


def _marks(reported: ReportedEvent) -> list[str]:
    e = reported.event
    marks = [term("trip")] if reported.trip else []
    marks += [tr("carried over")] if reported.carried_over else []
    marks += [trn("{n} outage", "{n} outages merged", e.parts)] if e.parts > 1 else []
    return marks + ([trn("{n} block", "{n} blocks", e.blocks)] if e.blocks > 1 else [])


def _systems(reported: ReportedEvent, loaded: AvailabilityReport) -> list[str]:
    return list(dict.fromkeys(i.system for i in incidents_behind(reported, loaded)))
