"""``kado incident``: what was broken, and the downtime that each system cost."""

from typing import Annotated

import typer

from console.command import AsKnownOnOption, ConfigOption, DefinitionOption, Format, FormatOption, PeriodOption
from facility.incidents import Sharing


def add_incident(
    start: Annotated[str, typer.Option("--from", help="When it broke, ISO 8601 with an offset.")],
    end: Annotated[str, typer.Option("--to", help="When it was whole again.")],
    system: Annotated[str, typer.Option("--system", help="Such as rf or vacuum: lower case, digits and _.")],
    component: Annotated[str, typer.Option("--component", help="Which part of it.")],
    title: Annotated[str, typer.Option("--title", help="What happened, in a line.")],
    author: Annotated[str, typer.Option("--author", help="Who says so.")],
    root_cause: Annotated[
        bool, typer.Option("--root-cause", help="It caused the others that overlap the same outage.")
    ] = False,
    cause: Annotated[str, typer.Option("--cause", help="Why it happened.")] = "",
    resolution: Annotated[str, typer.Option("--resolution", help="What was done about it.")] = "",
    replaces: Annotated[
        int | None, typer.Option("--replaces", metavar="ID", help="An incident that this one stands in place of.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="With --replaces: why.")] = "",
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Record what was broken; it belongs to the outages that it overlaps.

    Nothing on record is edited: what turns out otherwise is recorded anew, in place of the first.

    \b
    Example:
      kado incident add --system rf --component "klystron 2" --title arc \
        --from 2026-10-03T09:00:00+09:00 --to 2026-10-03T09:20:00+09:00 --author Sato
    """
    from console.config import load_configuration
    from console.output import print_json, show
    from console.record import record_incident
    from console.views.incidents import incident_document, incident_list
    from facility.errors import UsageError
    from facility.incidents import Incident
    from facility.time import parse_time

    if reason and replaces is None:
        raise UsageError("--reason belongs to --replaces: name the incident that this one stands in place of")

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
        print_json({"facility": profile.id, "simulated": profile.simulated, **incident_document(profile, recorded)})
    else:
        show(*incident_list(profile, [recorded]))


def withdraw_incident(
    number: Annotated[int, typer.Argument(metavar="ID", help="The incident, as 'kado incident list' numbers it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever disputes it.")],
    author: Annotated[str, typer.Option("--author", help="Who says so.")],
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Take an incident back; it stays on record.

    \b
    Example:
      kado incident withdraw 3 --reason "another beamline's" --author Sato
    """
    from console.config import load_configuration
    from console.output import print_json, show
    from console.record import withdraw_incident as withdraw
    from console.views.incidents import incident_document, incident_list

    configuration = load_configuration(config)
    profile = configuration.profile
    withdrawn = withdraw(configuration, number, author, reason)
    if output is Format.JSON:
        print_json({"facility": profile.id, "simulated": profile.simulated, **incident_document(profile, withdrawn)})
    else:
        show(*incident_list(profile, [withdrawn]))


def list_incidents(
    as_known_on: AsKnownOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List all incidents, those withdrawn too.

    \b
    Example:
      kado incident list
    """
    from console.config import load_configuration
    from console.output import print_json, show
    from console.record import load_incidents
    from console.views.incidents import incident_document, incident_list

    configuration = load_configuration(config)
    profile = configuration.profile
    listed = load_incidents(configuration, as_known_on)
    if output is Format.JSON:
        print_json(
            {
                "facility": profile.id,
                "simulated": profile.simulated,
                "incidents": [incident_document(profile, i) for i in listed],
            }
        )
    else:
        show(*incident_list(profile, listed))


def downtime_pareto(
    period: PeriodOption,
    sharing: Annotated[
        Sharing, typer.Option("--sharing", help="Who bears time in which several incidents overlap.")
    ] = Sharing.ROOT_CAUSE,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Share the downtime of a period among systems; adds up exactly.

    Time of an outage that no incident covers is recovery.

    \b
    Examples:
      kado incident pareto --period 2026-10
      kado incident pareto --period FY2026 --sharing equal-share
    """
    from console.config import load_configuration
    from console.figures import load_availability
    from console.output import print_json, show
    from console.views.incidents import pareto, pareto_document

    loaded = load_availability(load_configuration(config), period, definition, as_known_on)
    if output is Format.JSON:
        print_json(pareto_document(loaded, sharing))
    else:
        show(*pareto(loaded, sharing))
