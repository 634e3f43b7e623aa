"""What the embedded store holds, in samples, files and bytes."""

import shutil
import sqlite3
from pathlib import Path

from storage.data_dir import DataDir
from storage.embedded.archive import manifest
from storage.embedded.archive.choice import place_of
from storage.inventory import SignalCensus, Space
from storage.telemetry_db import snapshot


def take_census(connection: sqlite3.Connection) -> list[SignalCensus]:
    """Count each signal that has samples, in order of name; looks at every row, and at no sealed file."""
    rows_query = "SELECT series_id, count(*), min(time_ns), max(time_ns) FROM sample GROUP BY series_id"
    sealed_query = (
        "SELECT series_id, sum(samples), count(*), sum(size), sum(minutes_size > 0), sum(minutes_size),"
        " min(first_ns), max(last_ns) FROM archive_file GROUP BY series_id"
    )
    with snapshot(connection):
        rows = {row[0]: row[1:] for row in connection.execute(rows_query)}
        sealed = {row[0]: row[1:] for row in connection.execute(sealed_query)}
        names: list[tuple[int, str]] = connection.execute("SELECT id, signal FROM series ORDER BY signal").fetchall()
    census: list[SignalCensus] = []
    for series_id, signal in names:
        if series_id not in rows and series_id not in sealed:
            continue
        count, *span = rows.get(series_id, (0,))
        samples, files, size, minute_files, minute_size, *ends = sealed.get(series_id, (0, 0, 0, 0, 0))
        times: list[int] = [*span, *ends]
        census.append(
            SignalCensus(
                signal, count, samples, files, size, minute_files, minute_size, min(times), max(times)
            )
        )  # fmt: skip
    return census


def take_space(connection: sqlite3.Connection, data_dir: Path) -> Space:
    """Measure files and disks; cheap."""
    places = DataDir(data_dir)
    with snapshot(connection):
        size, free = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "freelist_count"))
        has_archive = _has_archive(connection)
        leftovers = len(manifest.leftovers(connection)) if has_archive else 0
        root = place_of(connection, data_dir).root if has_archive else ""
    return Space(
        database=_size(places.telemetry),
        reusable=size * free,
        log=_size(places.telemetry.with_name(places.telemetry.name + "-wal")),
        journal=_size(places.journal),
        by_signal=_bytes_by_signal(connection) if has_archive else {},
        archive_root=root,
        free=shutil.disk_usage(data_dir).free,
        archive_free=None if not root or "://" in root else shutil.disk_usage(_existing(Path(root), data_dir)).free,
        leftovers=leftovers,
    )


def _bytes_by_signal(connection: sqlite3.Connection) -> dict[str, int]:
    query = "SELECT series_id, sum(size + minutes_size) FROM archive_file GROUP BY series_id"
    sizes = dict(connection.execute(query))
    names = connection.execute("SELECT id, signal FROM series ORDER BY signal")
    return {signal: sizes[series_id] for series_id, signal in names if series_id in sizes}


def _has_archive(connection: sqlite3.Connection) -> bool:
    # A data directory whose samples go to InfluxDB has none.
    query = "SELECT count(*) FROM sqlite_master WHERE name = 'archive_file'"
    return bool(connection.execute(query).fetchone()[0])


def _existing(root: Path, data_dir: Path) -> Path:
    """Return the folder, or the one that it will be made in."""
    return root if root.is_dir() else data_dir


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
