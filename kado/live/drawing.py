"""Draws the live screen until it is over: in place at a terminal, a line each two seconds without one."""

import asyncio
from contextlib import nullcontext, suppress
from typing import Final

from rich.live import Live

from kado.live.screen import line, screen
from kado.live.watching import Watcher
from kado.output import terminal
from kado.service.store_thread import StoreThread

SECONDS_WITHOUT_TERMINAL: Final = 20.0
DRAWN_EVERY_S: Final = 1.0
PRINTED_EVERY_S: Final = 2.0


async def draw(watcher: Watcher, thread: StoreThread, stop: asyncio.Event, *, on_terminal: bool) -> None:
    """Show what a watcher sees until `stop` is set."""
    live = Live(console=terminal(), auto_refresh=False) if on_terminal else None
    with live or nullcontext():
        while not stop.is_set():
            view = await watcher.view(thread)
            if live is not None:
                live.update(screen(view), refresh=True)
            else:
                print(line(view), flush=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAWN_EVERY_S if live else PRINTED_EVERY_S):
                    await stop.wait()
