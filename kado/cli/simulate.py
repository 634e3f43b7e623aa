"""``kado simulate``."""

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.console import RenderableType

from facility.definition import load_definition
from facility.errors import UsageError
from facility.period import month_of
from facility.sentence import Sentence
from facility.time import Clock, from_datetime, parse_time, system_clock, to_datetime
from kado.cli.command import ConfigOption
from kado.config import DEFAULT_PATH, Configuration, configuration_of_profile, load_configuration
from kado.language import tr
from kado.language.sentences import in_words
from kado.live.simulation import LiveRun, simulate_live
from kado.output import local, show, span, title
from kado.service.history_overlap import other_history
from kado.service.simulated_files import export_history
from kado.service.simulated_history import fill_history
from simulators.machine import Machine
from simulators.scenario import Scenario, load_scenario

SIMULATED_FACILITY: Final = "nanoterasu_sim"


class FileKind(StrEnum):
    """What ``--out`` writes."""

    PARQUET = "parquet"
    CSV = "csv"


def simulate(
    context: typer.Context,
    scenario: Annotated[str, typer.Option(help="A shipped scenario, or the path of your own .toml file.")] = "demo",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random numbers; each seed gives another history.")] = 1,
    start: Annotated[
        str | None, typer.Option("--from", help="Start; default: that of the scenario, or of last month.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="End; default: that of the scenario, or now.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write files into this folder instead of the store.")] = None,
    kind: Annotated[
        FileKind, typer.Option("--format", help="Format of the files that --out writes.")
    ] = FileKind.PARQUET,
    live: Annotated[
        str | None,
        typer.Option(
            help="Live: publish to mqtt://HOST:1883, or serve at epics://127.0.0.1:5064, "
            "tango://127.0.0.1:10000/kado/sim/1 or http://127.0.0.1:8421."
        ),
    ] = None,
    facility: Annotated[
        str | None,
        typer.Option(help="With --out: a simulated profile, where there is no kado.toml; default: nanoterasu_sim."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write over samples of another history without asking.")] = False,
    speed: Annotated[float, typer.Option(min=0.001, help="With --live: speed factor from --from until now.")] = 1,
    config: ConfigOption = None,
) -> None:
    r"""Simulate a machine with faults: history at once, or live.

    Only for a facility that its profile marks as simulated. --out needs no kado.toml. Where the store holds samples
    of another history in that time, it asks first. Writes the calendar to the journal and the true
    events to an answer key for 'kado verify'; the path is printed.

    \b
    Examples:
      kado simulate --scenario demo --seed 1 --from 2026-09-01T00:00:00+09:00
      kado simulate --out year --facility nanoterasu_sim --from 2025-04-01T00:00:00+09:00
      kado simulate --live mqtt://localhost:1883
      kado simulate --live epics://127.0.0.1 --scenario storm
    """
    if context.invoked_subcommand is not None:
        _refuse_options_of_the_group(context)
        return
    if out is not None and live is not None:
        raise UsageError(Sentence("--out writes files and --live publishes: give one of them"))
    if speed != 1 and live is None:
        raise UsageError(Sentence("--speed needs --live: without it, history is made at once"))
    order = Order(scenario, seed, start, end, out, kind.value, live, speed, yes)
    show(*run_simulation(_configuration(config, facility, out), order))


def _configuration(config: Path | None, facility: str | None, out: Path | None) -> Configuration:
    """Return kado.toml; for files alone also one made up of a profile."""
    if facility is not None and (out is None or config is not None):
        raise UsageError(
            Sentence("--facility is for --out without a kado.toml: elsewhere the facility stands in kado.toml")
        )
    if facility is None and (out is None or config is not None or DEFAULT_PATH.is_file()):
        return load_configuration(config)
    return configuration_of_profile(facility or SIMULATED_FACILITY)


def config_of_group(context: typer.Context) -> Path | None:
    """Return the configuration that stands before the name of a command below ``kado simulate``."""
    return None if context.parent is None else context.parent.params.get("config")


def _refuse_options_of_the_group(context: typer.Context) -> None:

    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "")
        if given is not None and given.name == "COMMANDLINE" and parameter.name not in ("config", "debug"):
            raise UsageError(
                Sentence(
                    "{opts} is for 'kado simulate' itself and means nothing to 'kado simulate "
                    "{invoked_subcommand}': leave it out",
                    opts=parameter.opts[0],
                    invoked_subcommand=context.invoked_subcommand,
                )
            )


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for on the command line."""

    scenario: str
    seed: int
    start: str | None
    end: str | None
    out: Path | None
    kind: Literal["parquet", "csv"]
    live: str | None
    speed: float
    yes: bool = False
    """Whether samples of another history may be written over without asking."""


def run_simulation(configuration: Configuration, order: Order, clock: Clock = system_clock) -> list[RenderableType]:
    """Simulate as ordered and return what to say about it.

    Raises
    ------
    ScenarioError
        If the facility is a real one, or the scenario does not fit it.
    UsageError
        If the period is empty or reaches into the future.
    """
    machine = Machine(configuration.profile, load_scenario(order.scenario), order.seed)
    if order.live is not None:
        first_ns = clock() if order.start is None else parse_time(order.start)
        last_ns = None if order.end is None else parse_time(order.end)
        return simulate_live(configuration, machine, LiveRun(order.live, first_ns, last_ns, order.speed), clock)
    start_ns, end_ns = _period(configuration, machine.scenario, order, clock())
    if order.out is not None:
        files = export_history(machine, start_ns, end_ns, order.out, order.kind)
        key = order.out / "answer_key.json"
    else:
        _ask_before_mixing(configuration, machine, start_ns, end_ns, yes=order.yes)
        landed = fill_history(configuration, machine, start_ns, end_ns, clock)
        files = [tr("{n} samples stored in {folder}", n=f"{landed:,}", folder=configuration.data_dir)]
        key = _key_path(configuration, machine, start_ns, end_ns)
    _write_key(configuration, machine, start_ns, end_ns, key)
    return [*_heading(configuration, machine, start_ns, end_ns), *map(str, files), tr("answer key: {file}", file=key)]


def _ask_before_mixing(
    configuration: Configuration, machine: Machine, start_ns: int, end_ns: int, *, yes: bool
) -> None:
    """Ask at a terminal, refuse without one, where the store holds samples of another history.

    Raises
    ------
    UsageError
        If there is nobody to ask.
    """
    found = None if yes else other_history(configuration, machine, start_ns, end_ns)
    if found is None:
        return
    mixed = Sentence(
        "{folder} holds samples of another history from {start} on: both would be mixed",
        folder=configuration.data_dir,
        start=local(found[0], configuration.profile.zone, offset=True),
    )
    if not sys.stdin.isatty():
        raise UsageError(
            Sentence(
                "{mixed}; choose another data_dir in kado.toml, other times, or add --yes to write over them",
                mixed=mixed,
            )
        )
    if not typer.confirm(tr("{mixed}. Write over them?", mixed=in_words(mixed))):
        raise typer.Exit(1)


def _period(configuration: Configuration, scenario: Scenario, order: Order, now_ns: int) -> tuple[int, int]:
    zone = configuration.profile.zone
    span = scenario.period
    if order.start is not None:
        start_ns = parse_time(order.start)
    elif span is not None:
        start_ns = from_datetime(span.start)
    else:
        start_ns = month_of(month_of(now_ns, zone).start_ns - 1, zone).start_ns
    end_ns = now_ns if span is None else from_datetime(span.end)
    if order.end is not None:
        end_ns = parse_time(order.end)
    if end_ns <= start_ns:
        raise UsageError(
            Sentence(
                "nothing to simulate: --to {end} is not after --from {start}",
                end=local(end_ns, zone, offset=True),
                start=local(start_ns, zone, offset=True),
            )
        )
    if end_ns > now_ns:
        raise UsageError(
            Sentence("--to {end} lies in the future: history ends now", end=local(end_ns, zone, offset=True))
        )
    return start_ns, end_ns


def _key_path(configuration: Configuration, machine: Machine, start_ns: int, end_ns: int) -> Path:
    first, last = (to_datetime(ns, configuration.profile.zone).strftime("%Y%m%d") for ns in (start_ns, end_ns))
    name = f"{machine.scenario.id}-seed{machine.seed}-{first}-{last}.json"
    return configuration.data_dir / "answers" / name


def _write_key(configuration: Configuration, machine: Machine, start_ns: int, end_ns: int, path: Path) -> None:
    definition = load_definition(configuration.profile.definition, configuration.folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    machine.answer_key(start_ns, end_ns, definition).write(path)


def _heading(configuration: Configuration, machine: Machine, start_ns: int, end_ns: int) -> list[RenderableType]:
    what = tr("scenario {scenario}, seed {seed}", scenario=machine.scenario.id, seed=machine.seed)
    return [title(configuration.profile, what), span(start_ns, end_ns, configuration.profile.zone)]
