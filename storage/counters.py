"""The counts of the ledger, as they are written: in the transaction of the data they count."""

import sqlite3
from collections.abc import Mapping
from enum import StrEnum

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
