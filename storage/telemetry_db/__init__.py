"""``telemetry.db``: its schema, the connections to it, and the SQL of each of its tables."""

from storage.telemetry_db.connection import TelemetryConnection, snapshot, transaction
from storage.telemetry_db.opening import open_reader, open_writer
from storage.telemetry_db.schema import VERSION, StoreKind

__all__ = [
    "VERSION",
    "StoreKind",
    "TelemetryConnection",
    "open_reader",
    "open_writer",
    "snapshot",
    "transaction",
]
