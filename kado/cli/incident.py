"""``kado incident``: what was broken, and the downtime that each system cost."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from analytics.figures import percentage
from facility.errors import UsageError
from facility.incidents import Incident, Sharing
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import parse_time
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
from kado.language import marked, term, tr, words
from kado.output import facts, local, print_json, show, span, stretch, table, title
from kado.progress import progress_bar
from kado.queries.availability import AvailabilityReport, load_availability
from kado.queries.identity import identity
from kado.queries.incidents import (
    RecordedIncident,
    incident_document,
    incidents_document,
    load_incidents,
    pareto_document,
    shares,
)
from kado.rounding import percent, split_hours
from kado.service.recording import record_incident
from kado.service.recording import withdraw_incident as withdraw

_SHARING: Final = {
    Sharing.ROOT_CAUSE: marked("the root cause bears the whole event (root-cause)"),
    Sharing.EQUAL: marked("equal parts for the incidents of each instant (equal-share)"),
}


def add_incident(
    start: Annotated[str, typer.Option("--from", help="Start of the fault, ISO 8601 with an offset.")],
    end: Annotated[str, typer.Option("--to", help="End of the fault.")],
    system: Annotated[str, typer.Option("--system", help="System, such as rf or vacuum: lower case, digits and _.")],
    component: Annotated[str, typer.Option("--component", help="Component of the system.")],
    title: Annotated[str, typer.Option("--title", help="What happened, in one line.")],
    author: Annotated[str, typer.Option("--author", help="Author of the entry.")],
    root_cause: Annotated[
        bool, typer.Option("--root-cause", help="It caused the other incidents of the same outage.")
    ] = False,
    cause: Annotated[str, typer.Option("--cause", help="Why it happened.")] = "",
    resolution: Annotated[str, typer.Option("--resolution", help="What was done.")] = "",
    replaces: Annotated[
        int | None, typer.Option("--replaces", metavar="ID", help="The incident that this one replaces.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="With --replaces: the reason.")] = "",
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Record an incident; it belongs to the outages that it overlaps.

    Records are not edited: a corrected incident is recorded again and replaces the first.

    \b
    Example:
      kado incident add --system rf --component "klystron 2" --title arc \
        --from 2026-10-03T09:00:00+09:00 --to 2026-10-03T09:20:00+09:00 --author Sato
    """
    if reason and replaces is None:
        raise UsageError(Sentence("--reason belongs to --replaces: name the incident that this one stands in place of"))

    configuration = load_configuration(config)
    profile = configuration.profile
    new = Incident(
        id=0,
        start_ns=parse_time(start),
        end_ns=parse_time(end),
        system=system,
        component=component,
        title=title,
        author=author,
        recorded_at_ns=0,
        root_cause=root_cause,
        cause_text=cause,
        resolution=resolution,
    )
    recorded = record_incident(configuration, new, replaces=replaces, reason=reason)
    if output is Format.JSON:
        print_json({**identity(profile), **incident_document(profile, recorded)})
    else:
        show(*incident_list(profile, [recorded]))


def withdraw_incident(
    number: Annotated[int, typer.Argument(metavar="ID", help="Number of the incident, from 'kado incident list'.")],
    reason: Annotated[str, typer.Option("--reason", help="Reason, for later questions.")],
    author: Annotated[str, typer.Option("--author", help="Author of the entry.")],
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Withdraw an incident; it stays on record.

    \b
    Example:
      kado incident withdraw 3 --reason "another beamline's" --author Sato
    """
    configuration = load_configuration(config)
    profile = configuration.profile
    withdrawn = withdraw(configuration, number, author, reason)
    if output is Format.JSON:
        print_json({**identity(profile), **incident_document(profile, withdrawn)})
    else:
        show(*incident_list(profile, [withdrawn]))


def list_incidents(
    as_known_on: AsKnownOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List all incidents, including withdrawn ones.

    \b
    Example:
      kado incident list
    """
    configuration = load_configuration(config)
    profile = configuration.profile
    listed = load_incidents(configuration, as_known_on)
    if output is Format.JSON:
        print_json(incidents_document(profile, listed))
    else:
        show(*incident_list(profile, listed))


def downtime_pareto(
    period: PeriodOption,
    sharing: Annotated[
        Sharing, typer.Option("--sharing", help="How to share time in which several incidents overlap.")
    ] = Sharing.ROOT_CAUSE,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    as_published_on: AsPublishedOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Report the downtime of a period by system; the sum is exact.

    Time of an outage without an incident is recovery.

    \b
    Examples:
      kado incident pareto --period 2026-10
      kado incident pareto --period FY2026 --sharing equal-share
    """
    configuration, when = load_configuration(config), as_of(as_known_on, as_published_on)
    with progress_bar(tr("counting"), 1) as bar:
        loaded = load_availability(configuration, period, definition, when, progress=bar.advance_through)
    if output is Format.JSON:
        print_json(pareto_document(loaded, sharing))
    else:
        show(*pareto(loaded, sharing))


def incident_list(profile: Profile, listed: Sequence[RecordedIncident]) -> list[RenderableType]:
    """Return the incidents, each with who recorded it and what is known."""
    heading = title(profile, tr("incidents"))
    if not listed:
        return [heading, tr("none")]
    rows = Table.grid(padding=(0, 2))
    rows.add_column(justify="right", no_wrap=True, overflow="fold")
    rows.add_column(overflow="fold")
    for noted in listed:
        rows.add_row(f"#{noted.incident.id}", _words(profile, noted))
    return [heading, rows]


def pareto(loaded: AvailabilityReport, sharing: Sharing) -> list[RenderableType]:
    """Return the downtime by system, largest first, adding up to the downtime of the period."""
    zone, part = loaded.profile.zone, loaded.part
    lines: list[RenderableType] = [
        title(loaded.profile, tr("downtime by system")),
        facts(
            [
                ("Period", span(part.start_ns, part.end_ns, zone)),
                ("Definition", f"{loaded.definition.id}: {words(loaded.definition.title)}"),
                ("Overlaps", tr(_SHARING[sharing])),
            ]
        ),
        "",
    ]
    found = shares(loaded, sharing)
    if not found:
        return [*lines, tr("No downtime in user time.")]
    rows = table(order=["system", "downtime h", "%", "cumulative %"], right=["downtime h", "%", "cumulative %"])
    rounded = split_hours(found)
    whole, so_far = sum(found.values()), 0
    for system, ns in found.items():
        so_far += ns
        rows.add_row(system, f"{rounded[system]:,}", percent(percentage(ns, whole)), percent(percentage(so_far, whole)))
    rows.add_row(f"= {term('no_beam')}", f"{sum(rounded.values()):,}", "", "")
    return [*lines, rows]


def _words(profile: Profile, noted: RecordedIncident) -> Text:
    incident, w, zone = noted.incident, noted.withdrawal, profile.zone
    plain = "not bold not strike"
    text = Text(f"{incident.system}, {incident.component}: {incident.title}", style="bold" if w is None else "strike")
    if incident.root_cause:
        text.append(f"  {tr('root cause')}", style=plain)
    recorded = tr(
        "{interval}, recorded by {author} on {time}",
        interval=stretch(incident.start_ns, incident.end_ns, zone),
        author=incident.author,
        time=local(incident.recorded_at_ns, zone),
    )
    text.append(f"\n{recorded}", style=plain)
    if incident.cause_text:
        text.append("\n" + tr("cause: {cause}", cause=incident.cause_text), style=plain)
    if incident.resolution:
        text.append("\n" + tr("resolution: {resolution}", resolution=incident.resolution), style=plain)
    if w is not None:
        said = {"author": w.author, "time": local(w.recorded_at_ns, zone), "reason": w.reason}
        if w.replaced_by is None:
            how = tr("withdrawn by {author}, {time}: {reason}", **said)
        else:
            how = tr("replaced by #{number}, by {author}, {time}: {reason}", number=w.replaced_by, **said)
        text.append(f"\n{how}", style=plain)
    return text
