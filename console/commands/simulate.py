"""``kado simulate``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from console.command import ConfigOption


class FileKind(StrEnum):
    """What ``--out`` writes."""

    PARQUET = "parquet"
    CSV = "csv"


def simulate(
    context: typer.Context,
    scenario: Annotated[str, typer.Option(help="A shipped one, or the path of your own .toml file.")] = "demo",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another history.")] = 1,
    start: Annotated[
        str | None, typer.Option("--from", help="First instant; without it the scenario's, or last month's.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="End; without it the scenario's, or now.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write files into this folder instead of the store.")] = None,
    kind: Annotated[FileKind, typer.Option("--format", help="Of the files that --out writes.")] = FileKind.PARQUET,
    live: Annotated[
        str | None,
        typer.Option(
            help="As time passes: published to mqtt://HOST:1883, or served at epics://127.0.0.1:5064, "
            "tango://127.0.0.1:10000/kado/sim/1 or http://127.0.0.1:8421."
        ),
    ] = None,
    speed: Annotated[float, typer.Option(min=0.001, help="With --live: from --from on so much faster, until now.")] = 1,
    config: ConfigOption = None,
) -> None:
    r"""Simulate a machine with faults: history at once, or live.

    Only into a facility whose profile says that it is simulated. The calendar goes into the journal, and what
    truly happened into an answer key for 'kado verify'; its path is printed.

    \b
    Examples:
      kado simulate --scenario demo --seed 1 --from 2026-09-01T00:00:00+09:00
      kado simulate --out year --format parquet --from 2025-04-01T00:00:00+09:00
      kado simulate --live mqtt://localhost:1883
      kado simulate --live epics://127.0.0.1 --scenario storm
    """
    from console.config import load_configuration
    from console.output import show
    from console.simulation import Order, run_simulation
    from facility.errors import UsageError

    if context.invoked_subcommand is not None:
        _refuse_options_of_the_group(context)
        return
    if out is not None and live is not None:
        raise UsageError("--out writes files and --live publishes: choose one of them")
    if speed != 1 and live is None:
        raise UsageError("--speed is for --live: history is made at once")
    order = Order(scenario, seed, start, end, out, kind.value, live, speed)
    show(*run_simulation(load_configuration(config), order))


def config_of_group(context: typer.Context) -> Path | None:
    """Return the configuration that stands before the name of a command below ``kado simulate``."""
    return None if context.parent is None else context.parent.params.get("config")


def _refuse_options_of_the_group(context: typer.Context) -> None:
    from facility.errors import UsageError

    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "")
        if given is not None and given.name == "COMMANDLINE" and parameter.name not in ("config", "debug"):
            raise UsageError(
                f"{parameter.opts[0]} is for 'kado simulate' itself and means nothing to "
                f"'kado simulate {context.invoked_subcommand}': leave it out"
            )
