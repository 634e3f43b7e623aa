"""Landing in front of InfluxDB: samples wait in the outbox until the server has them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from facility.batch import Batch
from storage.landing_table import Put
from storage.telemetry_db import TelemetryConnection, outbox
from storage.telemetry_db.delivered import delivered_before


class OutboxTable:
    """Implements `storage.landing_table.LandingTable`."""

    def prepare(self) -> None:
        """Import what encodes line protocol: Arrow is heavy, and not needed to read a ledger."""
        from storage.influxdb.line_protocol import encode

        # Arrow looks for pandas when it makes its first array, which would take a second of the first transaction.
        encode(Batch.of_numbers("kado", "kado", [0], [0.0]))

    def prepare_for(self, connection: TelemetryConnection, data_dir: Path, batches: Sequence[Batch]) -> None:
        """Do nothing: all samples need the same."""

    def put(
        self, connection: TelemetryConnection, data_dir: Path, arrived: Sequence[tuple[str, Batch]], now_ns: int
    ) -> Put:
        """Append samples as blobs of line protocol."""
        return Put(outbox.append(connection, arrived, now_ns) if arrived else {}, ())

    def waiting(self, connection: TelemetryConnection) -> outbox.Waiting:
        """Return how much waits."""
        return outbox.size(connection)

    def waiting_by_source(self, connection: TelemetryConnection) -> outbox.SourceCounts:
        """Return how many samples of each source and signal wait."""
        return outbox.waiting(connection)

    def damaged(self, connection: TelemetryConnection) -> tuple[str, ...]:
        """Return every waiting blob whose lines are not those that landed, named."""
        return tuple(blob.describe() for blob in outbox.damaged(connection))

    def delivered_before(self, connection: TelemetryConnection, day: int) -> Mapping[str, int]:
        """Return how many samples of each signal the bucket was given that are stamped before a day."""
        return delivered_before(connection, day)
