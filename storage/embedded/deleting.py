"""Rows that are older than they have to be kept go, in pieces."""

import sqlite3
from collections.abc import Callable
from typing import Final

from storage.columns import FIRST_INT64
from storage.embedded.row_checksums import add_entries, entries_between, negative
from storage.embedded.row_reading import nth_row_time, series_id_of
from storage.telemetry_db import transaction
from storage.telemetry_db.counters import Entry, count

KeepDays = Callable[[str], int | None]
"""Returns for how many days a signal is kept; None: without limit."""

_AT_ONCE: Final = 50_000


def delete_rows(connection: sqlite3.Connection, signal: str, before_ns: int) -> int:
    """Delete a signal's rows stamped before an instant, oldest first; return how many that were.

    Each piece is one transaction with its count in the ledger, so others may write in between.
    """
    total = 0
    while deleted := _delete_piece(connection, signal, before_ns):
        total += deleted
    return total


def _delete_piece(connection: sqlite3.Connection, signal: str, before_ns: int) -> int:
    with transaction(connection):
        series_id = series_id_of(connection, signal)
        if series_id is None:
            return 0
        behind = nth_row_time(connection, series_id, FIRST_INT64, before_ns, _AT_ONCE)
        until = before_ns if behind is None else behind
        add_entries(connection, [negative(entries_between(connection, series_id, FIRST_INT64, until))])
        gone = connection.execute("DELETE FROM sample WHERE series_id = ? AND time_ns < ?", (series_id, until))
        count(connection, {("", signal, Entry.DELETED, ""): gone.rowcount})
        return gone.rowcount
