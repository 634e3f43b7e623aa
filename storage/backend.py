"""One store as it is configured: everything that differs between the embedded store and InfluxDB.

A configuration has one backend. All code that needs the store asks it: nothing outside this room tests the kind of a
store. `storage.backends` makes them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from facility.batch import Samples
from facility.sentence import Sentence
from facility.time import Clock
from storage.derived import DerivedSeries
from storage.inventory import Holdings, Outlook
from storage.provisioning import Setup, SetupRequest
from storage.store import TelemetryStore, Written
from storage.telemetry_db import StoreKind, TelemetryConnection
from storage.upkeep import Downsampled, Finding, Progress, Sealed, SignalProgress, Verified

if TYPE_CHECKING:
    from storage.influxdb.client import InfluxClient


class LocalStore(TelemetryStore, Protocol):
    """A store in the data directory itself, opened for writing while no kado runs there.

    Contract: it holds the lock of the directory until `close`.
    """

    def load_each(self, histories: Iterable[Samples], *, before_ns: int, source: str = "") -> Written:
        """Store histories, one after the other; days that end at or before `before_ns` straight as sealed files."""
        ...

    def seal(self, before_ns: int) -> Sealed:
        """Seal the rows of every UTC day that ends at or before an instant.

        Raises
        ------
        ArchiveError
            If something could not be sealed, naming all of it; the rest is sealed.
        """
        ...

    def merge_months(self, before_ns: int) -> Sealed:
        """Merge the sealed files of every month that ends at or before an instant; raises as `seal`."""
        ...

    def accept_rows(self) -> int:
        """Accept rows that are not what landed; return of how many days and signals that was."""
        ...

    def rebuild_minutes(self, findings: Sequence[Finding]) -> int:
        """Compute wrong minutes of sealed files again from their samples; return the number of files."""
        ...


class StoreBackend(Protocol):
    """The store of one configuration. Making a backend opens nothing and reads no secret."""

    @property
    def kind(self) -> StoreKind:
        """Its name in ``kado.toml``, in ``telemetry.db`` and in documents."""
        ...

    @property
    def local(self) -> bool:
        """Whether the samples lie in the data directory, so that no server is asked for them."""
        ...

    @property
    def title(self) -> str:
        """What it is, for people: its kind, with the bucket where it has one."""
        ...

    @property
    def name(self) -> str:
        """Which one it is, for people: with the folder, or the bucket and address."""
        ...

    @property
    def place(self) -> tuple[str, ...]:
        """Where the samples are: two backends of the same place are the same store."""
        ...

    def open(self, *, patience_s: float | None = None) -> TelemetryStore:
        """Open the store for reading, also while a service writes; the caller closes it.

        Parameters
        ----------
        patience_s
            So long each answer of a server is waited for at most; None: as the configuration and a query ask for.

        Raises
        ------
        ConfigError
            If nothing was collected yet, the data directory is another facility's, or there is no token.
        """
        ...

    def open_local(self, clock: Clock) -> LocalStore:
        """Open the store for writing, making it if there is none; the caller closes it.

        Raises
        ------
        UsageError
            If its samples are on a server.
        LockedError
            If another process holds the data directory, naming its pid.
        """
        ...

    def open_delivery(self) -> "InfluxClient | None":
        """Return a client of the server to which landed samples are forwarded; None if landing them is storing them.

        The caller closes it.

        Raises
        ------
        ConfigError
            If there is no token.
        """
        ...

    def open_derived(self) -> DerivedSeries | None:
        """Return the place of derived series; None if the store has none.

        The caller closes it; raises as `open_delivery`.
        """
        ...

    def oldest_kept_ns(self, now_ns: int) -> int | None:
        """Return the begin of the first whole UTC day that the store keeps; None: it keeps everything.

        Raises
        ------
        UnreachableError, AuthorizationError
            If a server does not answer, or refuses the token.
        """
        ...

    def check(self) -> Sentence:
        """Return what is there, for people, after trying that it can be read and written.

        Raises
        ------
        KadoError
            If it cannot.
        """
        ...

    def verify(self, connection: TelemetryConnection, *, deep: bool, progress: Progress) -> Verified:
        """Check what the store keeps in files beside ``telemetry.db``; nothing where a server keeps them.

        Raises
        ------
        ArchiveAwayError
            If the place of the files cannot be reached.
        DamagedDataError
            If ``telemetry.db`` is damaged.
        """
        ...

    def take_inventory(self, connection: TelemetryConnection) -> Holdings:
        """Count every signal; a server is asked.

        Raises
        ------
        UnreachableError, AuthorizationError
            If the server does not answer, or refuses the token.
        """
        ...

    def outlook(self, connection: TelemetryConnection, now_ns: int) -> Outlook:
        """Measure files and disks, and forecast; cheap, and no server is asked."""
        ...

    def newest_sealed_ns(self, connection: TelemetryConnection) -> int | None:
        """Return when a file was last sealed; None: never, or the store seals no files."""
        ...

    def seal_before_ns(self, now_ns: int) -> int:
        """Return the instant before which `maintain` seals days."""
        ...

    def maintain(self, clock: Clock, go_on: Callable[..., None]) -> None:
        """Do the hourly work of the service: retention, sealing and merging, or aggregation to minutes.

        For the process that holds the lock of the data directory, in a thread beside the landing. `go_on` is called
        between two steps, and may raise to end the work there without loss.

        Raises
        ------
        KadoError
            If some of it could not be done, naming it. Nothing is lost; it is to be tried again.
        """
        ...

    def log_problem(self, problem: str) -> None:
        """Log what kept `maintain` from its work."""
        ...

    def downsample(
        self,
        clock: Clock,
        *,
        signals: tuple[str, ...] = (),
        rebuild: bool = False,
        go_on: Callable[[], None] = lambda: None,
        progress: SignalProgress = lambda done, total, signal: None,
    ) -> Downsampled:
        """Aggregate past days to minutes: those that were not yet, or were written to since.

        Parameters
        ----------
        signals
            Only these; all where none is named.
        rebuild
            Whether days that are aggregated already are aggregated again.
        go_on
            Called between two steps; may raise.

        Raises
        ------
        UsageError
            If the store has its minutes in its sealed files, or has no such signal.
        UnreachableError, AuthorizationError
            If the server does not answer, refuses the token, or has no bucket for minutes.
        """
        ...

    def set_up(self, request: SetupRequest) -> Setup:
        """Make what the server needs: buckets, and a token for them if asked for.

        Raises
        ------
        UsageError
            If the store needs no server, or there is no file for the new token.
        ConfigError
            If there is no token to do it with, or the file of the new one cannot be written.
        UnreachableError, AuthorizationError
            If the server does not answer, lacks the organisation, or refuses the token.
        """
        ...
