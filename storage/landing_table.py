"""Where landed samples go in ``telemetry.db``: rows of the embedded store, or the outbox in front of a server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from facility.batch import Batch
from storage.telemetry_db import StoreKind, TelemetryConnection
from storage.telemetry_db.counters import CountKey
from storage.telemetry_db.outbox import SourceCounts, Waiting


@dataclass(frozen=True, slots=True)
class Extent:
    """From which to which stamp a signal was written."""

    signal: str
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class Put:
    """What `LandingTable.put` did."""

    counts: Mapping[CountKey, int]
    """What the ledger has to count now."""
    stored: Sequence[Extent]
    """What is in the store now; nothing while it waits for a server."""


class LandingTable(Protocol):
    """The table of one kind of store."""

    def prepare(self) -> None:
        """Import what `put` needs; call before there are threads."""
        ...

    def prepare_for(self, connection: TelemetryConnection, data_dir: Path, batches: Sequence[Batch]) -> None:
        """Import what `put` needs for these samples alone; call before the transaction, which others wait for."""
        ...

    def put(
        self, connection: TelemetryConnection, data_dir: Path, arrived: Sequence[tuple[str, Batch]], now_ns: int
    ) -> Put:
        """Write samples, each batch with its source, in their order; call inside a transaction."""
        ...

    def waiting(self, connection: TelemetryConnection) -> Waiting:
        """Return how much waits to be forwarded."""
        ...

    def waiting_by_source(self, connection: TelemetryConnection) -> SourceCounts:
        """Return how many samples of each source and signal wait."""
        ...

    def damaged(self, connection: TelemetryConnection) -> tuple[str, ...]:
        """Return what waits and is not what landed, named; reads all of it."""
        ...

    def delivered_before(self, connection: TelemetryConnection, day: int) -> Mapping[str, int]:
        """Return how many samples of each signal a server was given that are stamped before a day since 1970 (UTC)."""
        ...


def landing_table(kind: StoreKind) -> LandingTable:
    """Return the table of a kind of store; only that kind is imported."""
    if kind == "embedded":
        from storage.embedded.landing_table import RowTable

        return RowTable()
    from storage.influxdb.landing_table import OutboxTable

    return OutboxTable()
