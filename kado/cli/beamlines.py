"""``kado beamlines``."""

from rich.console import RenderableType

from analytics.figures import percentage
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
from kado.language import marked, tr, words
from kado.output import facts, print_json, show, span, table, title
from kado.progress import progress_bar
from kado.queries.beamlines import BeamlineReport, beamlines_document, load_beamlines
from kado.rounding import NONE, percent, split_hours


def beamlines(
    period: PeriodOption,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    as_published_on: AsPublishedOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Report user and shutter-open hours per beamline.

    The beamlines are those of the profile. The figures of beamlines are never averaged.

    \b
    Example:
      kado beamlines --period 2026-10
    """
    configuration, when = load_configuration(config), as_of(as_known_on, as_published_on)
    with progress_bar(tr("counting"), 1) as bar:
        found = load_beamlines(configuration, period, definition, when, progress=bar.advance_through)
    if output is Format.JSON:
        print_json(beamlines_document(found))
    else:
        show(*beamline_table(found))


def beamline_table(found: BeamlineReport) -> list[RenderableType]:
    """Return each beamline's hours, the machine's in the first row."""
    loaded, zone = found.machine, found.machine.profile.zone
    operating, ports = loaded.profile.operating_port_count, loaded.profile.port_count
    heads = [
        marked("user h"), marked("delivered h"), "%", marked("open h"), marked("open with beam h"), marked("unknown h"),
    ]  # fmt: skip
    rows = table(order=["beamline", *heads], right=heads)
    accounts = loaded.availability.accounts
    share = percent(percentage(accounts.delivered, accounts.known))
    rows.add_row(tr("accelerator"), hours(accounts.user_time), hours(accounts.delivered), share, "", "", "")
    for b in found.beamlines:
        m, s = b.machine, b.shutter
        share = percent(percentage(m.delivered, m.user_time - m.unknown))
        shutter = [NONE] * 3
        if s is not None:
            shutter = [hours(ns) for ns in (s.open, s.open_with_beam, s.unknown)]
        name = words(b.beamline.label) if b.beamline.label else b.beamline.id
        rows.add_row(name, hours(m.user_time), hours(m.delivered), share, *shutter)
    return [
        title(loaded.profile, tr("beamlines")),
        facts(
            [
                ("Period", span(loaded.part.start_ns, loaded.part.end_ns, zone)),
                ("Definition", f"{loaded.definition.id}: {words(loaded.definition.title)}"),
                *([("Ports", tr("{n} of {total} in operation", n=operating, total=ports))] if ports else []),
            ]
        ),
        "",
        rows,
        "",
        tr(
            "user, delivered: the accelerator during the user time of the beamline; open, unknown: its shutter during "
            "that time"
        ),
    ]


def hours(ns: int) -> str:
    """Return a time in hours with two decimals; these are parts of each other, not of a sum."""
    return f"{split_hours({'': ns})['']:,}"
