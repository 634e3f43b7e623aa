"""Landing into the embedded store: samples become rows at once."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from facility.batch import Batch
from storage.embedded.row_writing import insert, prepare_insert
from storage.landing_table import Extent, Put
from storage.telemetry_db import TelemetryConnection
from storage.telemetry_db.counters import CountKey, Entry
from storage.telemetry_db.outbox import SourceCounts, Waiting


class RowTable:
    """Implements `storage.landing_table.LandingTable`: what has landed is stored, and nothing waits."""

    def prepare(self) -> None:
        """Do nothing: rows need no heavy library."""

    def prepare_for(self, connection: TelemetryConnection, data_dir: Path, batches: Sequence[Batch]) -> None:
        """Import what reads sealed files if some of the samples are of sealed days."""
        prepare_insert(connection, batches, data_dir)

    def put(
        self, connection: TelemetryConnection, data_dir: Path, arrived: Sequence[tuple[str, Batch]], now_ns: int
    ) -> Put:
        """Write samples as rows."""
        counts: Counter[CountKey] = Counter()
        stored: list[Extent] = []
        for source, batch in arrived:
            for s in insert(connection, batch, data_dir):
                stored.append(Extent(s.signal, s.first_ns, s.last_ns))
                counts[source, s.signal, Entry.RECEIVED, ""] += s.stored
                counts[source, s.signal, Entry.STORED, ""] += s.stored
                counts[source, s.signal, Entry.REWRITTEN, ""] += s.rewritten
                counts[source, s.signal, Entry.CONFLICT, ""] += s.conflicts
        return Put(counts, stored)

    def waiting(self, connection: TelemetryConnection) -> Waiting:
        """Return that nothing waits."""
        return Waiting()

    def waiting_by_source(self, connection: TelemetryConnection) -> SourceCounts:
        """Return that nothing waits."""
        return ()

    def damaged(self, connection: TelemetryConnection) -> tuple[str, ...]:
        """Return nothing: rows have checksums of their own."""
        return ()

    def delivered_before(self, connection: TelemetryConnection, day: int) -> dict[str, int]:
        """Return nothing: there is no server."""
        return {}
