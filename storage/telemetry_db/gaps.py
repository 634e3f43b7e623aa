"""Stretches in which samples may be missing for good, as sources and kado itself reported them."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from facility.source import GapReport
from storage.telemetry_db.commits import Mark
from storage.telemetry_db.connection import decoding, transaction
from storage.telemetry_db.counters import Entry, count
from storage.telemetry_db.opening import open_reader


def keep(connection: sqlite3.Connection, source: str, gaps: Sequence[GapReport]) -> None:
    """Record gaps of a source; call inside a transaction."""
    connection.executemany(
        "INSERT INTO gap(source, start_ns, end_ns, reason, dropped) VALUES(?, ?, ?, ?, ?)",
        [(source, gap.start_ns, gap.end_ns, gap.reason, gap.dropped) for gap in gaps],
    )


def read_gaps(data_dir: Path) -> list[tuple[str, GapReport]]:
    """Return every gap with its source, in the order they were recorded; source '' is kado itself."""
    with closing(open_reader(data_dir)) as connection:
        rows = connection.execute("SELECT source, start_ns, end_ns, reason, dropped FROM gap ORDER BY id")
        return [(source, GapReport(*gap)) for source, *gap in rows]


LOST_BY_DISK: Final = "disk"
"""Cause of the ledger's entry `lost`, and reason of its gap."""


def record_loss(connection: sqlite3.Connection, newest: Mark, mark: Mark, now_ns: int) -> Mark:
    """Count and record that commits up to `mark` are gone behind `newest`; return the commit to go on from.

    The counts of the lost samples went with them, so they are counted as received once more, under no source.
    """
    lost = max(0, mark.samples - newest.samples)
    with decoding(connection, "meta"):
        (since,) = connection.execute(
            "SELECT coalesce((SELECT max(committed_ns) FROM landed), (SELECT value FROM meta WHERE key = 'created_ns'))"
        ).fetchone()
        # A clock that was put back must not make a gap that ends before it begins.
        start_ns = min(int(since), now_ns)
    with transaction(connection):
        keep(connection, "", [GapReport(start_ns, now_ns, LOST_BY_DISK, lost)])
        count(connection, {("", "", Entry.RECEIVED, ""): lost, ("", "", Entry.LOST, LOST_BY_DISK): lost})
        # Numbers go on behind the mark, so that the same loss is not found again.
        last = Mark(mark.commit + 1, max(mark.samples, newest.samples))
        connection.execute("DELETE FROM landed")
        connection.execute("INSERT INTO landed VALUES(?, ?, ?)", (last.commit, now_ns, last.samples))
    return last
