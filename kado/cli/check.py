"""``kado check``."""

import typer
from rich.text import Text

from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr
from kado.output import print_json, show, title
from kado.queries.checks import Outcome, checks_document, run_checks


def check(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Check the configuration, and whether its parts can be reached.

    Exit code 0: no problem; 1: a problem was found; 3: something cannot be reached. Starts nothing and changes
    nothing.

    \b
    Example:
      kado check
    """
    configuration = load_configuration(config)
    found = run_checks(configuration, system_clock)
    outcomes: list[Outcome] = []
    if output is Format.JSON:
        outcomes += found
        print_json(checks_document(configuration.profile, outcomes))
    else:
        show(title(configuration.profile, tr("check")))
        for outcome in found:
            show(outcome_line(outcome))
            outcomes.append(outcome)
    # What cannot be reached comes last: it may be because of a problem.
    codes = {outcome.exit_code for outcome in outcomes}
    raise typer.Exit(next((code for code in (1, 3) if code in codes), 0))


def outcome_line(outcome: Outcome) -> Text:
    """Return one check as a line."""
    state = tr("ok") if outcome.ok else tr("PROBLEM")
    line = Text(f"{state:<9}", style="green" if outcome.ok else "bold red", end="")
    return line.append(f"{outcome.what:<16} {outcome.detail}", style="default not bold")
