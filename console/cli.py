"""The command line ``kado``: which commands there are."""

import typer

from console.command import command
from console.commands import (
    availability,
    beamlines,
    check,
    correct,
    definitions,
    demo,
    events,
    explain,
    fleet,
    import_samples,
    incident,
    init,
    inject,
    ledger,
    run,
    schedule,
    schema,
    simulate,
    status,
    store,
    target,
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
    "beamlines": beamlines.beamlines,
    "events": events.events,
    "gaps": explain.gaps,
    "explain": explain.explain,
    "target": target.target,
    "import": import_samples.import_samples,
    "verify": verify.verify,
    "ledger": ledger.ledger,
    "definitions": definitions.definitions,
    "schema": schema.schema,
    "demo": demo.demo,
}.items():
    app.command(name)(command(function))

simulate_app = typer.Typer(
    rich_markup_mode=None, invoke_without_command=True, subcommand_metavar="[inject [OPTIONS] [effect]]"
)
simulate_app.callback()(command(simulate.simulate))
simulate_app.command("inject")(command(inject.inject))
app.add_typer(simulate_app, name="simulate")

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

correct_app = typer.Typer(
    help="Say of a time what the samples do not say, or say wrongly 訂正.",
    epilog="Nothing is ever changed or deleted: a correction is withdrawn, and both stay on record.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
for name, function in {
    **{assertion.value: correct.asserting(assertion) for assertion in correct.HELP},
    "excluded": correct.excluded,
    "reduced": correct.reduced,
    "withdraw": correct.withdraw,
    "list": correct.list_corrections,
}.items():
    correct_app.command(name)(command(function))
app.add_typer(correct_app, name="correct")

incident_app = typer.Typer(
    help="Record what was broken; share downtime among systems 障害.",
    epilog="Example: kado incident pareto --period 2026-10",
    rich_markup_mode=None,
    no_args_is_help=True,
)
for name, function in {
    "add": incident.add_incident,
    "withdraw": incident.withdraw_incident,
    "list": incident.list_incidents,
    "pareto": incident.downtime_pareto,
}.items():
    incident_app.command(name)(command(function))
app.add_typer(incident_app, name="incident")
app.add_typer(store.app, name="store")
app.add_typer(fleet.app, name="fleet")


def main() -> None:
    """Run the command line."""
    app()
