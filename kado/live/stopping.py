"""Ends what runs when it is asked to."""

import asyncio
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType


def stop_on_signals() -> asyncio.Event:
    """Return an event that SIGINT and SIGTERM set; call on a running loop of the main thread."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


@contextmanager
def stop_on_interrupt() -> Generator[threading.Event]:
    """Give an event that SIGINT sets, for a loop without asyncio in the main thread.

    A KeyboardInterrupt would be lost where Python may not raise it, as in a finalizer or a callback of SQLite.
    """
    stop = threading.Event()

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
