"""``kado demo``."""

import asyncio
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from facility.errors import PeriodError
from facility.period import month_of
from facility.time import NS_PER_S, Clock, system_clock, to_datetime
from kado.cli.availability import report
from kado.config import Configuration, load_configuration
from kado.language import tr
from kado.live.drawing import SECONDS_WITHOUT_TERMINAL, draw
from kado.live.stopping import stop_on_signals
from kado.live.watching import WatchedInside, Watcher
from kado.output import note, show, simulated_mark, terminal
from kado.page.opening import add_page
from kado.queries.availability import load_availability
from kado.queries.evidence import extent_of
from kado.service.application import open_application
from kado.service.simulated_history import fill_history
from kado.service.store_thread import StoreThread
from kado.stores import open_store
from kado.writers import make_landing
from simulators.machine import Machine
from simulators.scenario import load_scenario
from storage.data_dir import DataDir


def demo(
    data_dir: Annotated[
        Path, typer.Option(help="Folder for the data of the demonstration; used again the next time.")
    ] = Path(".demo"),
    seconds: Annotated[
        float | None,
        typer.Option(envvar="KADO_DEMO_SECONDS", min=0, help="Stop after this time; without a terminal after 20 s."),
    ] = None,
) -> None:
    r"""Run a demonstration with a simulated storage ring; needs no server.

    Back-fills the last and the current month, prints the availability of the last month, and then shows the
    machine live until Ctrl-C. Writes a kado.toml into its folder, so that all other commands work there too.

    \b
    Examples:
      kado demo
      kado availability --config .demo/kado.toml --period 2026-10
      kado simulate inject beam_dump --config .demo/kado.toml
    """
    run_demonstration(data_dir, seconds)


SCENARIO: Final = "demo"


SEED: Final = 1


CONFIGURATION: Final = """\
# The demonstration of kado: a simulated NanoTerasu. Everything here may be deleted; `kado demo` creates it again.
facility = "nanoterasu_sim"
data_dir = "."

[store]
kind = "embedded"

# The control room's page: open its address in a browser.
[page]

[[source]]
id = "ring"
kind = "simulator"
scenario = "demo"
seed = 1
"""


def run_demonstration(data_dir: Path, seconds: float | None, clock: Clock = system_clock) -> None:
    """Fill what is missing, print last month's availability, show the present until it is over."""
    configuration = load_configuration(configuration_file(data_dir))
    profile = configuration.profile
    machine = Machine(profile, load_scenario(SCENARIO), SEED)
    now_ns = clock() // NS_PER_S * NS_PER_S
    last_month = month_of(month_of(now_ns, profile.zone).start_ns - 1, profile.zone)
    begun = time.monotonic()
    start_ns = _first_missing(configuration, last_month.start_ns, clock)
    landed = fill_history(configuration, machine, start_ns, now_ns, clock)
    seconds_taken = time.monotonic() - begun
    filled = tr(
        "{n} samples back-filled in {time:.1f} s, data in {folder}",
        n=f"{landed:,}",
        time=seconds_taken,
        folder=data_dir,
    )
    note(f"{simulated_mark()}: {filled}")
    show("", *report(load_availability(configuration, last_month.id, clock=clock)), "")
    on_terminal = terminal().is_terminal
    if seconds is None and not on_terminal:
        seconds = SECONDS_WITHOUT_TERMINAL
    asyncio.run(_show_present(_continued(configuration, now_ns), seconds, clock, on_terminal=on_terminal))


def configuration_file(data_dir: Path) -> Path:
    """Return the demonstration's kado.toml, made where there is none."""
    path = data_dir / "kado.toml"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        path.write_text(CONFIGURATION, encoding="utf-8")
    return path


def _first_missing(configuration: Configuration, start_ns: int, clock: Clock) -> int:
    """Return the instant from which on samples are missing."""
    if not DataDir(configuration.data_dir).telemetry.exists():
        return start_ns
    # A file that an older kado wrote is brought up to date by the process that may write.
    make_landing(configuration, clock).close()
    with open_store(configuration) as store:
        try:
            return extent_of(store, configuration.profile)[1] + 1
        except PeriodError:
            return start_ns


def _continued(configuration: Configuration, from_ns: int) -> Configuration:
    """Return the configuration with its simulator starting where its history ends."""
    start = to_datetime(from_ns)
    sources = tuple(source.model_copy(update={"start": start}) for source in configuration.settings.source)
    return replace(configuration, settings=configuration.settings.model_copy(update={"source": sources}))


async def _show_present(
    configuration: Configuration, seconds: float | None, clock: Clock, *, on_terminal: bool
) -> None:
    stop = stop_on_signals()
    if seconds is not None:
        asyncio.get_running_loop().call_later(seconds, stop.set)
    async with (
        open_application(configuration, clock, random.Random()) as application,
        StoreThread(configuration, "figures") as slow,
        StoreThread(configuration, "screen") as quick,
        asyncio.TaskGroup() as tasks,
    ):
        if (address := add_page(application, clock, or_any_port=True)) is not None:
            note(tr("page: {address}", address=address))
        watched = WatchedInside(configuration, application)
        watcher = await asyncio.to_thread(Watcher, configuration, watched, clock)
        tasks.create_task(application.run(stop), name="application")
        watching = tasks.create_task(watcher.run(slow), name="figures")
        await draw(watcher, quick, stop, on_terminal=on_terminal)
        watching.cancel()
