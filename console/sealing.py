"""The service looks after its embedded store: what is old enough goes, days that are over become sealed files."""

import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from console.config import Configuration, EmbeddedSettings
from console.hourly import Hourly
from console.stores import provenance_of
from facility.errors import ArchiveError, ConfigError
from facility.time import NS_PER_DAY, Clock
from storage.telemetry_db import open_writer

if TYPE_CHECKING:
    from storage.embedded.archive.swap import FileSwap

_LOG: Final = logging.getLogger(__name__)


class Sealing:
    """Deletes on the hour what need not be kept, then seals what is old enough; and once at the start.

    Contract: for the process that holds the directory's lock. It writes on a connection of its own beside the
    landing, in a thread, in short transactions. What cannot be deleted or sealed stays where it is, is logged when
    the reason changes, and is tried again.
    """

    def __init__(self, configuration: Configuration, settings: EmbeddedSettings, clock: Clock) -> None:
        self._configuration = configuration
        self._after_ns = settings.seal_after_days * NS_PER_DAY
        self._retention = settings.retention
        self._clock = clock
        self._hourly = Hourly(clock, (ArchiveError, ConfigError, sqlite3.OperationalError), self._tell)

    async def run(self) -> None:
        """Seal until cancelled; then end between two steps, which loses nothing."""
        await self._hourly.run(self.seal)

    def seal(self) -> None:
        """Delete what is older than it has to be kept, seal what is old enough, merge the files of months over.

        Raises
        ------
        ArchiveError
            If something could not be deleted or sealed, naming it; the rest is.
        ConfigError
            If ``store.archive`` names a place that cannot be this store's.
        """
        # Arrow is heavy, and not needed to collect.
        from storage.embedded.archive.choice import choose_place
        from storage.embedded.archive.sealing import merge_months, seal
        from storage.embedded.archive.swap import FileSwap

        profile, data_dir = self._configuration.profile, self._configuration.data_dir
        now_ns = self._clock()
        before_ns = now_ns - self._after_ns
        with closing(open_writer(data_dir, profile.id, "embedded", now_ns, any_thread=True)) as connection:
            choose_place(connection, data_dir, profile.id, self._configuration.archive)
            swap = FileSwap(connection, data_dir, profile.id, self._clock, provenance_of(profile), self._hourly.go_on)
            problem = self._drop(swap, now_ns)
            sealed = seal(swap, before_ns)
            merge_months(swap, before_ns)
        if sealed.samples:
            _LOG.info("sealed %d samples into %d files", sealed.samples, sealed.files)
        if problem is not None:
            raise problem

    def _drop(self, swap: "FileSwap", now_ns: int) -> ArchiveError | None:
        """Apply the rules of retention; what keeps one of them from it does not keep days from being sealed."""
        if self._retention.keep_days is None and not self._retention.signals:
            return None
        from storage.embedded.care.retention import apply_retention

        try:
            apply_retention(swap, self._retention.days, now_ns)
        except ArchiveError as error:
            return error
        return None

    def _tell(self, problem: str) -> None:
        _LOG.error("some days could not be sealed, or not be deleted: %s", problem)
