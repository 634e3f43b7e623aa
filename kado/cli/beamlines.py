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
from kado.output import local, print_json, show, table, title
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
    r"""Put each beamline's hours beside the machine's.

    The beamlines are those that the profile lists; a figure of one is never averaged into another.

    \b
    Example:
      kado beamlines --period 2026-10
    """
    found = load_beamlines(load_configuration(config), period, definition, as_of(as_known_on, as_published_on))
    if output is Format.JSON:
        print_json(beamlines_document(found))
    else:
        show(*beamline_table(found))


def beamline_table(found: BeamlineReport) -> list[RenderableType]:
    """Return each beamline's hours, the machine's in the first row."""
    loaded, zone = found.machine, found.machine.profile.zone
    heads = ["user h", "delivered h", "%", "open h", "open with beam h", "unknown h"]
    rows = table(order=["beamline", *heads], right=heads)
    accounts = loaded.availability.accounts
    share = percent(percentage(accounts.delivered, accounts.known))
    rows.add_row("the machine 加速器", hours(accounts.user_time), hours(accounts.delivered), share, "", "", "")
    for b in found.beamlines:
        m, s = b.machine, b.shutter
        share = percent(percentage(m.delivered, m.user_time - m.unknown))
        shutter = [NONE] * 3
        if s is not None:
            shutter = [hours(ns) for ns in (s.open, s.open_with_beam, s.unknown)]
        name = b.beamline.label.en if b.beamline.label else b.beamline.id
        rows.add_row(name, hours(m.user_time), hours(m.delivered), share, *shutter)
    period = f"{local(loaded.part.start_ns, zone, offset=True)} to {local(loaded.part.end_ns, zone, offset=True)}"
    return [
        title(loaded.profile, "beamlines ビームライン"),
        f"Period      {period}",
        f"Definition  {loaded.definition.id}: {loaded.definition.title.en}",
        "",
        rows,
        "",
        "user, delivered: of the machine, in each beamline's own user time; open, unknown: its shutter, in the same",
    ]


def hours(ns: int) -> str:
    """Return a time in hours with two decimals; these are parts of each other, not of a sum."""
    return f"{split_hours({'': ns})['']:,}"
