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
from kado.config import load_configuration
from kado.output import local, offsets_of, print_json, show, table, title
from kado.queries.events import event_documents, incidents_behind, review_of
from kado.queries.figures import AvailabilityReport, load_availability
from kado.queries.identity import identity
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
    loaded = load_availability(load_configuration(config), period, definition, as_of(as_known_on, as_published_on))
    if output is Format.JSON:
        result = loaded.availability
        print_json(
            {
                **identity(loaded.profile, definition=result.definition, period=result.period),
                "events": event_documents(loaded),
            }
        )
    else:
        heading = title(loaded.profile, "events ビーム停止・擾乱")
        names = f"Period      {period}\nDefinition  {loaded.definition.id}: {loaded.definition.title.en}"
        show(heading, names, *event_table(loaded, reviews=True))


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


def _systems(reported: ReportedEvent, loaded: AvailabilityReport) -> list[str]:
    return list(dict.fromkeys(i.system for i in incidents_behind(reported, loaded)))
