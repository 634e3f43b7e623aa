"""What landed: commits by number, the last one of each source, the position in each imported file."""

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from storage.data_dir import DataDir
from storage.telemetry_db.connection import decoding


@dataclass(frozen=True, slots=True)
class Mark:
    """One commit, and what had landed with it."""

    commit: int
    """Its number; 0 before the first."""
    samples: int
    """All samples landed up to and with it."""


def newest_commit(connection: sqlite3.Connection) -> Mark:
    """Return the last commit that ``telemetry.db`` knows."""
    with decoding(connection, "landed"):
        row = connection.execute("SELECT id, samples FROM landed ORDER BY id DESC LIMIT 1").fetchone()
        return Mark(0, 0) if row is None else Mark(int(row[0]), int(row[1]))


def number_commit(connection: sqlite3.Connection, now_ns: int, samples: int) -> Mark:
    """Give the open transaction its number; the row of the one before is deleted. `samples` landed with it."""
    made = connection.execute("INSERT INTO landed(committed_ns, samples) VALUES(?, ?)", (now_ns, samples))
    connection.execute("DELETE FROM landed WHERE id < ?", (made.lastrowid,))
    return Mark(int(made.lastrowid or 0), samples)


def note_source(connection: sqlite3.Connection, source: str, now_ns: int) -> None:
    """Remember that samples of a source land in the open transaction."""
    connection.execute("INSERT OR REPLACE INTO source VALUES(?, ?)", (source, now_ns))


def last_landed_ns(connection: sqlite3.Connection, source: str) -> int | None:
    """Return when samples of a source landed last; None if none ever did."""
    row = connection.execute("SELECT committed_ns FROM source WHERE id = ?", (source,)).fetchone()
    return None if row is None else row[0]


def keep_position(connection: sqlite3.Connection, key: str, state: str) -> None:
    """Remember how far the import of a file has come; call inside the transaction of what it covers."""
    connection.execute("INSERT OR REPLACE INTO import_file VALUES(?, ?)", (key, state))


def position_of(connection: sqlite3.Connection, key: str) -> str | None:
    """Return how far the import of a file has come; None if it never began."""
    row = connection.execute("SELECT state FROM import_file WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]


def shrink_log(connection: sqlite3.Connection, data_dir: Path) -> None:
    """Move the log of the file into it, where the disk has space for that; on a full disk the log stays."""
    telemetry = DataDir(data_dir).telemetry
    log = telemetry.with_name(telemetry.name + "-wal")
    if log.exists() and shutil.disk_usage(data_dir).free > log.stat().st_size:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def used_bytes(connection: sqlite3.Connection) -> int:
    """Return how much of the file is in use, free pages not counted."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
