"""Stretches in which samples may be missing for good, as sources and kado itself reported them."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from facility.source import GapReport
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
