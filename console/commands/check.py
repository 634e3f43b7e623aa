"""``kado check``."""

import typer

from console.command import ConfigOption, Format, FormatOption


def check(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Check the configuration and whether its parts are reachable.

    Ends with 0 if so, with 1 on a problem, with 3 if something cannot be reached. Starts nothing and changes
    nothing.

    \b
    Example:
      kado check
    """
    from console.checks import Outcome, run_checks
    from console.config import load_configuration
    from console.output import print_json, show, title
    from console.views.checks import checks_document, outcome_line
    from facility.time import system_clock

    configuration = load_configuration(config)
    found = run_checks(configuration, system_clock)
    outcomes: list[Outcome] = []
    if output is Format.JSON:
        outcomes += found
        print_json(checks_document(configuration.profile, outcomes))
    else:
        show(title(configuration.profile, "check"))
        for outcome in found:
            show(outcome_line(outcome))
            outcomes.append(outcome)
    # What cannot be reached comes last: it may be because of a problem.
    codes = {outcome.exit_code for outcome in outcomes}
    raise typer.Exit(next((code for code in (1, 3) if code in codes), 0))
