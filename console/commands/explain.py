"""``kado explain`` and ``kado gaps``."""

from typing import Annotated

import typer

from console.command import AsKnownOnOption, ConfigOption, DefinitionOption, Format, FormatOption, PeriodOption


def explain(
    period: Annotated[
        str | None, typer.Option("--period", "-p", help="Explain each interval of it, as in 'kado availability'.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="Explain this instant, ISO 8601 with an offset.")] = None,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    whole: Annotated[bool, typer.Option("--all", help="List every interval.")] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Say why each second is in its account, or what was known then.

    \b
    Examples:
      kado explain --period 2026-10
      kado explain --at 2026-10-03T09:10:00+09:00
    """
    from console.config import load_configuration
    from console.explaining import load_explanation, load_instant
    from console.output import print_json, show
    from console.views.explaining import explanation, explanation_document, instant, instant_document
    from facility.errors import UsageError

    configuration = load_configuration(config)
    if (period is None) == (at is None):
        raise UsageError("say what to explain: --period P, or an instant with --at TIME")
    if at is not None:
        then = load_instant(configuration, at, definition, as_known_on)
        if output is Format.JSON:
            print_json(instant_document(then))
        else:
            show(*instant(then))
        return
    found = load_explanation(configuration, str(period), definition, as_known_on)
    if output is Format.JSON:
        print_json(explanation_document(found))
    else:
        show(*explanation(found, whole=whole))


def gaps(
    period: PeriodOption,
    definition: DefinitionOption = None,
    as_known_on: AsKnownOnOption = None,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""List unknown user time: why it is unknown, what it could hide.

    \b
    Example:
      kado gaps --period 2026-10
    """
    from console.config import load_configuration
    from console.explaining import load_gaps
    from console.output import print_json, show
    from console.views.explaining import gap_table, gaps_document

    report, found = load_gaps(load_configuration(config), period, definition, as_known_on)
    if output is Format.JSON:
        print_json(gaps_document(report, found))
    else:
        show(*gap_table(report, found))
