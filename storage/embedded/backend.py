"""The embedded store behind `storage.backend.StoreBackend`: everything lies in the data directory."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from facility.errors import ArchiveError, DiskError, UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, Clock
from storage.backends import EmbeddedOptions
from storage.data_dir import DataDir
from storage.disk_reserve import Reserve
from storage.embedded.archive.choice import reach_place
from storage.embedded.archive.provenance import provenance_of
from storage.embedded.maintenance.census import take_census, take_space
from storage.embedded.maintenance.growth import forecast, measure_growth
from storage.embedded.store import EmbeddedStore
from storage.embedded.translate_errors import translate_errors
from storage.inventory import Holdings, Outlook
from storage.provisioning import Setup, SetupRequest
from storage.telemetry_db import TelemetryConnection
from storage.upkeep import Downsampled, Progress, SignalProgress, Verified

_LOG: Final = logging.getLogger(__name__)


def _continue(_: object) -> None:
    """Never end the work."""


@dataclass(frozen=True, slots=True)
class EmbeddedBackend:
    """Implements `storage.backend.StoreBackend`; Arrow is loaded only where sealed files are read or written."""

    profile: Profile
    data_dir: Path
    options: EmbeddedOptions

    @property
    def kind(self) -> Literal["embedded"]:
        """Its name in ``kado.toml``."""
        return "embedded"

    @property
    def local(self) -> bool:
        """The samples lie in the data directory."""
        return True

    @property
    def title(self) -> str:
        """What it is, for people."""
        return self.kind

    @property
    def name(self) -> str:
        """Which one it is, for people."""
        return f"the embedded store in {self.data_dir.resolve()}"

    @property
    def place(self) -> tuple[str, ...]:
        """The data directory."""
        return (str(self.data_dir.resolve()),)

    @property
    def archive(self) -> str:
        """Folder or URI of the sealed files."""
        return str(DataDir(self.data_dir).archive) if self.options.archive is None else self.options.archive

    def open(self, *, patience_s: float | None = None) -> EmbeddedStore:
        """Open the store for reading; no server is waited for."""
        del patience_s
        return EmbeddedStore(self.data_dir, self.profile.id)

    def open_local(self, clock: Clock) -> EmbeddedStore:
        """Open the store for writing, which needs that no other kado runs."""
        with translate_errors(self.data_dir):
            return self._writable(clock)

    def open_delivery(self) -> None:
        """Return None: what has landed is stored."""

    def open_derived(self) -> None:
        """Return None: with this store Grafana reads the metrics of ``kado run``."""

    def oldest_kept_ns(self, now_ns: int) -> None:
        """Return None: retention deletes later, and refuses nothing."""

    def check(self) -> Sentence:
        """Return where it is, after reaching a place of sealed files that was chosen."""
        where = Sentence(
            "embedded, in {folder}; SQLite {version}", folder=self.data_dir, version=sqlite3.sqlite_version
        )
        if self.options.archive is None:
            return where
        root, in_use = reach_place(self.options.archive)
        if in_use:
            return Sentence("{where}; sealed files in {root}", where=where, root=root)
        return Sentence("{where}; sealed files in {root}, none there yet", where=where, root=root)

    def verify(self, connection: TelemetryConnection, *, deep: bool, progress: Progress) -> Verified:
        """Check every sealed file; see `maintenance.verifying.verify_files`."""
        from storage.embedded.maintenance.verifying import verify_files

        return verify_files(connection, self.data_dir, deep=deep, progress=progress)

    def take_inventory(self, connection: TelemetryConnection) -> Holdings:
        """Count rows and sealed samples."""
        census = tuple(take_census(connection))
        return Holdings(census, {one.signal: self.options.keep_days(one.signal) for one in census}, 0)

    def outlook(self, connection: TelemetryConnection, now_ns: int) -> Outlook:
        """Measure files and disks, and forecast."""
        space, growth = take_space(connection, self.data_dir), measure_growth(connection, now_ns)
        if growth is None or space.archive_free is None:
            return Outlook(space, growth, None)
        return Outlook(space, growth, forecast(space.by_signal, growth, self.options.keep_days, space.archive_free))

    def newest_sealed_ns(self, connection: TelemetryConnection) -> int | None:
        """Return when a file was last sealed; None: never."""
        (newest,) = connection.execute("SELECT max(sealed_ns) FROM archive_file").fetchone()
        return newest

    def seal_before_ns(self, now_ns: int) -> int:
        """Return the instant before which days are sealed."""
        return now_ns - self.options.seal_after_days * NS_PER_DAY

    def maintain(self, clock: Clock, go_on: Callable[..., None]) -> None:
        """Delete what is older than it is kept, seal past days, merge the files of past months.

        On a full disk it is tried once more with the reserve, because sealing and deleting free space.
        """
        try:
            self._maintain(clock, go_on)
        except (ArchiveError, DiskError) as error:
            if "full" not in str(error) and "No space" not in str(error):
                raise
            if not Reserve(self.data_dir).give_up():
                raise
            self._maintain(clock, go_on)

    def log_problem(self, problem: str) -> None:
        """Log what kept days from being sealed or deleted."""
        _LOG.error("some days could not be sealed, or not be deleted: %s", problem)

    def downsample(
        self,
        clock: Clock,
        *,
        signals: tuple[str, ...] = (),
        rebuild: bool = False,
        go_on: Callable[[], None] = lambda: None,
        progress: SignalProgress = lambda done, total, signal: None,
    ) -> Downsampled:
        """Raise `UsageError`: sealing aggregates already."""
        raise UsageError(
            Sentence("store.kind is 'embedded': its sealed days have their minutes beside them; nothing to do")
        )

    def set_up(self, request: SetupRequest) -> Setup:
        """Raise `UsageError`: there is no server."""
        raise UsageError(Sentence("the store is embedded: it needs no setting up, kado run makes it"))

    def _maintain(self, clock: Clock, go_on: Callable[..., None]) -> None:
        now_ns, problem = clock(), None
        with closing(self._writable(clock, hold_lock=False, at_step=go_on)) as store:
            if self.options.deletes:
                try:
                    store.retain(self.options.keep_days, now_ns)
                except ArchiveError as error:
                    # Days are sealed all the same.
                    problem = error
            sealed = store.seal(self.seal_before_ns(now_ns))
            store.merge_months(self.seal_before_ns(now_ns))
        if sealed.samples:
            _LOG.info("sealed %d samples into %d files", sealed.samples, sealed.files)
        if problem is not None:
            raise problem

    def _writable(
        self, clock: Clock, *, hold_lock: bool = True, at_step: Callable[..., None] = _continue
    ) -> EmbeddedStore:
        store = EmbeddedStore(
            self.data_dir,
            self.profile.id,
            read_only=False,
            hold_lock=hold_lock,
            archive=self.archive,
            clock=clock,
            at_step=at_step,
        )
        store.provenance = provenance_of(self.profile)
        return store
