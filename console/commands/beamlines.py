"""``kado beamlines``."""

from console.command import AsKnownOnOption, ConfigOption, DefinitionOption, Format, FormatOption, PeriodOption


def beamlines(
    period: PeriodOption,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Put each beamline's hours beside the machine's.

    The beamlines are those that the profile lists; a figure of one is never averaged into another.

    \b
    Example:
      kado beamlines --period 2026-10
    """
    from console.beamlines import load_beamlines
    from console.config import load_configuration
    from console.output import print_json, show
    from console.views.beamlines import beamline_table, beamlines_document

    found = load_beamlines(load_configuration(config), period, definition, as_known_on)
    if output is Format.JSON:
        print_json(beamlines_document(found))
    else:
        show(*beamline_table(found))
