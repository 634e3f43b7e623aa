"""What ``kado simulate`` does: a machine's history into the store or files, or its present."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import RenderableType

from console.config import Configuration
from console.history import fill_history
from console.output import local, title
from facility.definition import load_definition
from facility.errors import UsageError
from facility.period import month_of
from facility.time import Clock, from_datetime, parse_time, system_clock, to_datetime
from simulators.machine import Machine
from simulators.scenario import Scenario, load_scenario


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
        from console.live_simulation import LiveRun, simulate_live

        first_ns = clock() if order.start is None else parse_time(order.start)
        last_ns = None if order.end is None else parse_time(order.end)
        return simulate_live(configuration, machine, LiveRun(order.live, first_ns, last_ns, order.speed), clock)
    start_ns, end_ns = _period(configuration, machine.scenario, order, clock())
    if order.out is not None:
        from console.exporting import export_history

        files = export_history(machine, start_ns, end_ns, order.out, order.kind)
        key = order.out / "answer_key.json"
    else:
        landed = fill_history(configuration, machine, start_ns, end_ns, clock)
        files = [f"{landed:,} samples landed in {configuration.data_dir}"]
        key = _key_path(configuration, machine, start_ns, end_ns)
    _write_key(configuration, machine, start_ns, end_ns, key)
    return [*_heading(configuration, machine, start_ns, end_ns), *map(str, files), f"answer key: {key}"]


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
            f"nothing to simulate: --to {local(end_ns, zone, offset=True)} is not after --from "
            f"{local(start_ns, zone, offset=True)}"
        )
    if end_ns > now_ns:
        raise UsageError(f"--to {local(end_ns, zone, offset=True)} lies in the future: history ends now")
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
    zone = configuration.profile.zone
    period = f"{local(start_ns, zone, offset=True)} to {local(end_ns, zone, offset=True)}"
    return [title(configuration.profile, f"scenario {machine.scenario.id}, seed {machine.seed}"), period]
