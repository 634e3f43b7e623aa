"""How fast the embedded store grows, from what was stamped in the last days; cheap enough for every look."""

import sqlite3
from collections import Counter
from typing import Final

from facility.time import NS_PER_DAY, NS_PER_H
from storage.embedded.archive import manifest
from storage.embedded.archive.layout import day_of, day_start
from storage.inventory import Growth
from storage.telemetry_db import snapshot

WINDOW_DAYS: Final = 7
_SHORTEST_NS: Final = NS_PER_H * 9 // 10
_ENOUGH: Final = 20_000


def measure_growth(connection: sqlite3.Connection, now_ns: int) -> Growth | None:
    """Look at the sealed ones of the last seven UTC days, or else at the rows of the last hour or the last 24.

    Days before the first sample are left out; other days without samples count, for they are part of how
    the store grows. Data of long ago that was imported lately does not count. None: nothing came in lately.
    """
    with snapshot(connection):
        return _of_sealed_days(connection, day_of(now_ns)) or _of_rows(connection, now_ns)


def _of_sealed_days(connection: sqlite3.Connection, today: int) -> Growth | None:
    from_day = today - WINDOW_DAYS
    ids: list[int] = [row[0] for row in connection.execute("SELECT id FROM series")]
    files = [
        file
        for series_id in ids
        for file in manifest.files_between(connection, series_id, day_start(from_day), day_start(today))
    ]
    sealed = [(file, file.groups[(file.groups["day"] >= from_day) & (file.groups["day"] < today)]) for file in files]
    sealed = [(file, groups) for file, groups in sealed if len(groups)]
    if not sealed:
        return None
    newest = max(int(groups["day"][-1]) for _, groups in sealed)
    days = newest - max(from_day, min(_first_days(connection, ids))) + 1
    samples: Counter[str] = Counter()
    size: dict[str, float] = {}
    for file, groups in sealed:
        inside, signal = int(groups["samples"].sum()), file.name.signal
        samples[signal] += inside
        size[signal] = size.get(signal, 0.0) + (file.size + file.minutes_size) * inside / file.samples
    return Growth({s: n / days for s, n in samples.items()}, {s: b / days for s, b in size.items()}, days)


def _first_days(connection: sqlite3.Connection, ids: list[int]) -> list[int]:
    """Return the first sealed day of each signal that has one; a step in an index each."""
    query = "SELECT first_day FROM archive_file WHERE series_id = ? ORDER BY last_ns LIMIT 1"
    return [row[0] for series_id in ids for row in connection.execute(query, (series_id,))]


def _of_rows(connection: sqlite3.Connection, now_ns: int) -> Growth | None:
    last_hour = _of_rows_since(connection, now_ns - NS_PER_H, now_ns)
    # Many rows say enough in an hour, and few are counted at once.
    if last_hour is not None and last_hour.samples_a_day * last_hour.days >= _ENOUGH:
        return last_hour
    return _of_rows_since(connection, now_ns - NS_PER_DAY, now_ns)


def _of_rows_since(connection: sqlite3.Connection, since_ns: int, now_ns: int) -> Growth | None:
    names: list[tuple[int, str]] = connection.execute("SELECT id, signal FROM series").fetchall()
    counted: dict[str, int] = {}
    first: list[int] = []
    for series_id, signal in names:
        n, oldest = connection.execute(
            "SELECT count(*), min(time_ns) FROM sample WHERE series_id = ? AND time_ns >= ? AND time_ns < ?",
            (series_id, since_ns, now_ns),
        ).fetchone()
        if n:
            counted[signal] = n
            first.append(oldest)
    if not counted or (length := now_ns - min(first)) < _SHORTEST_NS:
        return None
    days = length / NS_PER_DAY
    samples = {signal: n / days for signal, n in counted.items()}
    bytes_a_sample = _bytes_a_sample(connection)
    size = {} if bytes_a_sample is None else {signal: rate * bytes_a_sample for signal, rate in samples.items()}
    return Growth(samples, size, days)


def _bytes_a_sample(connection: sqlite3.Connection) -> float | None:
    size, samples = connection.execute("SELECT sum(size + minutes_size), sum(samples) FROM archive_file").fetchone()
    return size / samples if samples else None
