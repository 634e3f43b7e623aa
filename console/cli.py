"""The command line ``kado``: which commands there are."""

import typer

from console.command import command
from console.commands import (
    availability,
    check,
    definitions,
    demo,
    events,
    import_samples,
    init,
    ledger,
    run,
    schedule,
    schema,
    simulate,
    status,
    verify,
)

app = typer.Typer(
    name="kado",
    help="Watch a research facility's beam and say, with evidence, how available it was (稼働率).",
    epilog="First steps: kado init, kado check, kado run. Without a machine: kado demo.",
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for name, function in {
    "init": init.init,
    "check": check.check,
    "run": run.run,
    "status": status.status,
    "availability": availability.availability,
    "events": events.events,
    "import": import_samples.import_samples,
    "simulate": simulate.simulate,
    "verify": verify.verify,
    "ledger": ledger.ledger,
    "definitions": definitions.definitions,
    "schema": schema.schema,
    "demo": demo.demo,
}.items():
    app.command(name)(command(function))

schedule_app = typer.Typer(
    help="Import and show the operation calendar 運転計画.",
    epilog="Example: kado schedule import fy2026.csv",
    rich_markup_mode=None,
    no_args_is_help=True,
)
for name, function in {
    "import": schedule.import_schedule,
    "show": schedule.show_schedule,
    "diff": schedule.diff_schedule,
}.items():
    schedule_app.command(name)(command(function))
app.add_typer(schedule_app, name="schedule")


def main() -> None:
    """Run the command line."""
    app()
