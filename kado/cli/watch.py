"""``kado watch``."""

import asyncio
from typing import Annotated, Final

import typer

from facility.time import Clock, system_clock
from kado.cli.command import ConfigOption
from kado.config import Configuration, load_configuration
from kado.live.drawing import SECONDS_WITHOUT_TERMINAL, draw
from kado.live.stopping import stop_on_signals
from kado.live.watching import WatchedBeside, Watcher
from kado.output import terminal
from kado.service.store_thread import StoreThread

PATIENCE_S: Final = 5.0
"""So long an answer of the store is waited for; also when the screen is to end."""


def watch(
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, help="Stop after this time; without a terminal after 20 s.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    r"""Watch the beam live, beside the running service.

    Shows current, beam, event in progress, plan, figures of today, this month and this year, corrections in force
    and the ledger. It writes nothing, and the service does not notice it. Samples that came late are seen within a
    minute if they are of today, within ten minutes if they are older. Without a terminal it prints a line every two
    seconds.

    \b
    Examples:
      kado watch
      kado watch --seconds 60
    """
    configuration = load_configuration(config)
    on_terminal = terminal().is_terminal
    if seconds is None and not on_terminal:
        seconds = SECONDS_WITHOUT_TERMINAL
    asyncio.run(watch_beside(configuration, seconds, system_clock, on_terminal=on_terminal))


async def watch_beside(configuration: Configuration, seconds: float | None, clock: Clock, *, on_terminal: bool) -> None:
    """Draw the screen until it is stopped, or the time is over."""
    stop = stop_on_signals()
    if seconds is not None:
        asyncio.get_running_loop().call_later(seconds, stop.set)
    async with (
        StoreThread(configuration, "figures", patience_s=PATIENCE_S) as slow,
        StoreThread(configuration, "screen", patience_s=PATIENCE_S) as quick,
    ):
        watcher = await asyncio.to_thread(Watcher, configuration, WatchedBeside(configuration), clock)
        watching = asyncio.create_task(watcher.run(slow), name="figures")
        try:
            await draw(watcher, quick, stop, on_terminal=on_terminal)
        finally:
            watching.cancel()
