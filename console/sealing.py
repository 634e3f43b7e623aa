"""The service keeps its embedded store small: days that are over become sealed files."""

import asyncio
import logging
import sqlite3
import threading
from contextlib import closing, suppress
from typing import Final

from collector.slots import Slots
from console.config import Configuration, EmbeddedSettings
from facility.errors import ArchiveError
from facility.time import NS_PER_DAY, NS_PER_H, Clock
from storage.telemetry_db import open_writer

_LOG: Final = logging.getLogger(__name__)

EVERY_NS: Final = NS_PER_H


class Sealing:
    """Seals on the hour what is old enough, and once at the start.

    Contract: for the process that holds the directory's lock. It writes on a connection of its own beside the
    landing, in a thread, in short transactions. What cannot be sealed stays where it is, is logged when the
    reason changes, and is tried again.
    """

    def __init__(self, configuration: Configuration, settings: EmbeddedSettings, clock: Clock) -> None:
        self._configuration = configuration
        self._after_ns = settings.seal_after_days * NS_PER_DAY
        self._clock = clock
        self._slots = Slots(EVERY_NS, clock)
        self._problem = ""
        self._stopping = threading.Event()

    async def run(self) -> None:
        """Seal until cancelled; then end between two steps, which loses nothing."""
        while True:
            try:
                await self._seal_in_thread()
            except (ArchiveError, sqlite3.OperationalError) as error:
                if str(error) != self._problem:
                    _LOG.error("some days could not be sealed: %s", error)
                self._problem = str(error)
            else:
                self._problem = ""
            await self._slots.wait()

    async def _seal_in_thread(self) -> None:
        sealing = asyncio.ensure_future(asyncio.to_thread(self.seal))
        try:
            await asyncio.shield(sealing)
        except asyncio.CancelledError:
            # The directory's lock is given back next: nothing may write then.
            self._stopping.set()
            with suppress(_StoppedError):
                await sealing
            raise

    def seal(self) -> None:
        """Seal what is old enough, and merge the files of months that are over.

        Raises
        ------
        ArchiveError
            If something could not be sealed, naming it; the rest is.
        """
        # Arrow is heavy, and not needed to collect.
        from storage.embedded.archive.sealing import merge_months, seal
        from storage.embedded.archive.swap import FileSwap, Provenance

        profile, data_dir = self._configuration.profile, self._configuration.data_dir
        before_ns = self._clock() - self._after_ns
        units = {signal.id: signal.unit for signal in profile.signals if signal.unit}
        provenance = Provenance(simulated=profile.simulated, units=units)
        with closing(open_writer(data_dir, profile.id, "embedded", self._clock(), any_thread=True)) as connection:
            swap = FileSwap(connection, data_dir, profile.id, self._clock, provenance, self._go_on)
            sealed = seal(swap, before_ns)
            merge_months(swap, before_ns)
        if sealed.samples:
            _LOG.info("sealed %d samples into %d files", sealed.samples, sealed.files)

    def _go_on(self, _: object) -> None:
        if self._stopping.is_set():
            raise _StoppedError


class _StoppedError(Exception):
    """The service is ending."""
