"""Seals days that are over and merges months: every hour beside the service, and by hand."""

import logging
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from facility.errors import ArchiveError, ConfigError, DamagedDataError, DiskError, UsageError
from facility.profile import Profile
from facility.time import NS_PER_DAY, Clock, format_time, parse_time
from kado.config import Configuration, EmbeddedSettings
from kado.queries.identity import identity
from kado.service.hourly import Hourly
from kado.stores import open_for_care, provenance_of
from storage.embedded.archive.choice import choose_place
from storage.embedded.archive.sealing import Sealed, merge_months, seal
from storage.embedded.archive.swap import FileSwap
from storage.embedded.care.retention import apply_retention
from storage.reserve import Reserve
from storage.telemetry_db import open_writer

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
        self._hourly = Hourly(clock, (ArchiveError, ConfigError, DamagedDataError, DiskError), self._tell)

    async def run(self) -> None:
        """Seal until cancelled; then end between two steps, which loses nothing."""
        await self._hourly.run(self._seal_with_reserve)

    def _seal_with_reserve(self) -> None:
        """Seal; on a full disk once more with the reserve, for sealing and deleting make space."""
        try:
            self.seal()
        except (ArchiveError, DiskError) as error:
            if "full" not in str(error) and "No space" not in str(error):
                raise
            if not Reserve(self._configuration.data_dir).give_up():
                raise
            self.seal()

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

    def _drop(self, swap: FileSwap, now_ns: int) -> ArchiveError | None:
        """Apply the rules of retention; what keeps one of them from it does not keep days from being sealed."""
        if self._retention.keep_days is None and not self._retention.signals:
            return None

        try:
            apply_retention(swap, self._retention.days, now_ns)
        except ArchiveError as error:
            return error
        return None

    def _tell(self, problem: str) -> None:
        _LOG.error("some days could not be sealed, or not be deleted: %s", problem)


@dataclass(frozen=True, slots=True)
class SealedBefore:
    """What was done up to when."""

    before_ns: int
    done: Sealed


def seal_before(configuration: Configuration, before: str | None, clock: Clock) -> SealedBefore:
    """Seal every day that ends at or before a time; None: ``store.seal_after_days`` ago.

    Raises
    ------
    LockedError
        If another process holds the data directory, naming its pid.
    UsageError
        If the store is InfluxDB, or the time lies in the future.
    ArchiveError
        If something could not be sealed, naming all of it; the rest is sealed.
    """
    before_ns = _before_ns(configuration, before, clock)
    with open_for_care(configuration, clock) as store:
        return SealedBefore(before_ns, store.seal(before_ns, provenance=provenance_of(configuration.profile)))


def compact_before(configuration: Configuration, before: str | None, clock: Clock) -> SealedBefore:
    """Merge the files of every month that ends at or before a time; else as `seal_before`."""
    before_ns = _before_ns(configuration, before, clock)
    with open_for_care(configuration, clock) as store:
        return SealedBefore(before_ns, store.merge_months(before_ns, provenance=provenance_of(configuration.profile)))


def _before_ns(configuration: Configuration, before: str | None, clock: Clock) -> int:
    now_ns = clock()
    if before is None:
        settings = configuration.store
        days = settings.seal_after_days if isinstance(settings, EmbeddedSettings) else 0
        return now_ns - days * NS_PER_DAY
    before_ns = parse_time(before)
    if before_ns > now_ns:
        raise UsageError(
            f"--before {before} lies in the future, it is {format_time(now_ns)}: days that are not over stay rows"
        )
    return before_ns


def sealed_document(profile: Profile, sealed: SealedBefore) -> dict[str, Any]:
    """Return the same for programs."""
    done = sealed.done
    return {
        **identity(profile),
        "before": format_time(sealed.before_ns, profile.zone),
        "files": done.files,
        "samples": done.samples,
        "bytes": done.bytes,
        "rows_deleted": done.rows_deleted,
    }
