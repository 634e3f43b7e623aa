"""The counts of the ledger: written in the transaction of the data that they count."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from storage.telemetry_db.connection import decoding

CountKey = tuple[str, str, "Entry", str]
"""Source, signal (empty where none is known), entry, cause (empty for entries without one)."""


class Entry(StrEnum):
    """What became of samples. For every source: received = stored + waiting + rejected + dropped + lost."""

    RECEIVED = "received"
    STORED = "stored"
    """In the store, new or not."""
    REWRITTEN = "rewritten"
    """The part of `STORED` that replaced a sample of the same signal and time."""
    CONFLICT = "conflict"
    """The part of `REWRITTEN` that said something different from what was there."""
    REJECTED = "rejected"
    DROPPED = "dropped"
    LOST = "lost"
    """Acknowledged, and gone since: a disk that broke its promise."""
    DELETED = "deleted"
    """Stored, and deleted by retention."""


def count(connection: sqlite3.Connection, counts: Mapping[CountKey, int]) -> None:
    """Add `counts` to the ledger; call inside the transaction that writes what they count."""
    connection.executemany(
        "INSERT INTO ledger VALUES(?, ?, ?, ?, ?)"
        " ON CONFLICT(source, signal, entry, cause) DO UPDATE SET count = count + excluded.count",
        [(*key, n) for key, n in counts.items() if n],
    )


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One count, in samples."""

    source: str
    """Empty for what is not a source's: what the disk lost, retention deleted, or was written around the collector."""
    signal: str
    """Empty where none is known."""
    entry: Entry
    cause: str
    """Of what was rejected, dropped, lost; empty for the others."""
    count: int


def read_counts(connection: sqlite3.Connection) -> tuple[LedgerRow, ...]:
    """Return every count."""
    query = "SELECT source, signal, entry, cause, count FROM ledger"
    with decoding(connection, "ledger"):
        return tuple(
            LedgerRow(str(source), str(signal), Entry(entry), str(cause), int(n))
            for source, signal, entry, cause, n in connection.execute(query)
        )


def total_of(connection: sqlite3.Connection, source: str, entry: Entry) -> int:
    """Return one entry of a source, over all signals and causes."""
    query = "SELECT ifnull(sum(count), 0) FROM ledger WHERE source = ? AND entry = ?"
    return connection.execute(query, (source, entry)).fetchone()[0]
