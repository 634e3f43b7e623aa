"""What a bucket of InfluxDB was given, by signal and day, so that what its own retention deletes can be accounted for.

A bucket with a retention deletes by itself, without a report. Which samples it deletes follows from their stamps: so
each is counted by its day (UTC), and moves to the ledger's ``deleted`` once no bucket with that retention can hold it.
"""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from typing import Final

from storage.telemetry_db.connection import decoding, transaction
from storage.telemetry_db.counters import Entry, count

BY_BUCKET: Final = "bucket_retention"
"""Cause of a deletion: the bucket keeps samples no longer."""


def add_delivered(connection: sqlite3.Connection, samples: Mapping[tuple[str, int], int]) -> None:
    """Add what was delivered of each signal and day; call inside the transaction that counts it as stored."""
    connection.executemany(
        "INSERT INTO delivered VALUES(?, ?, ?)"
        " ON CONFLICT(signal, day) DO UPDATE SET samples = samples + excluded.samples",
        [(*key, n) for key, n in samples.items() if n],
    )


def delivered_before(connection: sqlite3.Connection, day: int) -> Counter[str]:
    """Return how many samples of each signal were delivered that are stamped before a day."""
    query = "SELECT signal, sum(samples) FROM delivered WHERE day < ? GROUP BY signal"
    with decoding(connection, "delivered"):
        return Counter({str(signal): int(n) for signal, n in connection.execute(query, (day,))})


def note_expired(connection: sqlite3.Connection, day: int) -> int:
    """Count what is stamped before a day as deleted by the bucket; return how many samples that are."""
    if connection.execute("SELECT 1 FROM delivered WHERE day < ? LIMIT 1", (day,)).fetchone() is None:
        return 0
    with transaction(connection):
        expired = delivered_before(connection, day)
        count(connection, {("", signal, Entry.DELETED, BY_BUCKET): n for signal, n in expired.items()})
        connection.execute("DELETE FROM delivered WHERE day < ?", (day,))
    return sum(expired.values())
