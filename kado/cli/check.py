"""``kado check``."""

from collections.abc import Iterator

import typer
from rich.table import Table
from rich.text import Text

from facility.time import system_clock
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import Configuration, load_configuration
from kado.language import in_language, tr
from kado.output import print_json, show, title
from kado.queries.checks import Outcome, checks_document, run_checks
from kado.service.notification.reaching import target_checks


def check(config: ConfigOption = None, output: FormatOption = Format.TABLE) -> None:
    r"""Check the configuration, and whether its parts can be reached.

    Exit code 0: no problem; 1: a problem was found; 3: something cannot be reached. Starts nothing and changes
    nothing.

    \b
    Example:
      kado check
    """
    configuration = load_configuration(config)
    outcomes: list[Outcome] = []
    if output is Format.JSON:
        with in_language("en"):
            outcomes += _all_checks(configuration)
        print_json(checks_document(configuration.profile, outcomes))
    else:
        show(title(configuration.profile, tr("check")))
        for outcome in _all_checks(configuration):
            show(outcome_line(outcome))
            outcomes.append(outcome)
    # What cannot be reached comes last: it may be because of a problem.
    codes = {outcome.exit_code for outcome in outcomes}
    raise typer.Exit(next((code for code in (1, 3) if code in codes), 0))


def _all_checks(configuration: Configuration) -> Iterator[Outcome]:
    yield from run_checks(configuration, system_clock)
    yield from target_checks(configuration)


def outcome_line(outcome: Outcome) -> Table:
    """Return one check as a line; a long one goes on below itself."""
    line = Table.grid(padding=(0, 2, 0, 0))
    for width in (7, 16):
        line.add_column(min_width=width, no_wrap=True, overflow="fold")
    line.add_column(overflow="fold")
    state = Text(tr("ok"), style="green") if outcome.ok else Text(tr("PROBLEM"), style="bold red")
    if outcome.is_warning:
        state = Text(tr("WARNING"), style="yellow")
    line.add_row(state, outcome.what, outcome.detail)
    return line
