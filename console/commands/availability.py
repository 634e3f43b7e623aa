"""``kado availability``."""

from typing import Annotated

import typer

from console.command import AsKnownOnOption, ConfigOption, DefinitionOption, Format, FormatOption, PeriodOption


def availability(
    period: PeriodOption,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    digits: Annotated[int, typer.Option("--digits", min=0, max=6, help="Decimals of a percentage.")] = 1,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Say how available the beam was in a period, and how surely.

    \b
    Examples:
      kado availability --period 2026-10
      kado availability --period FY2026 --definition sls --format json
    """
    from console.config import load_configuration
    from console.figures import load_availability, with_budget
    from console.output import print_json, show
    from console.views.availability import report, report_document

    configuration = load_configuration(config)
    loaded = with_budget(configuration, load_availability(configuration, period, definition, as_known_on))
    if output is Format.JSON:
        print_json(report_document(loaded))
    else:
        show(*report(loaded, digits))
