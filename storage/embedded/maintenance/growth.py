"""How fast the embedded store grows, from what was stamped in the last days, and when its disk will be full."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from facility.time import NS_PER_DAY, NS_PER_H
from storage.embedded.archive import manifest
from storage.embedded.archive.layout import day_of, day_start
from storage.embedded.deleting import KeepDays
from storage.inventory import HORIZON_YEARS, Forecast, Growth
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


YEAR_DAYS: Final = 365
# Whole files go, and a file holds up to a month.
_FILE_DAYS: Final = 31


def forecast(held: Mapping[str, int], growth: Growth, keep_days: KeepDays, free: int) -> Forecast | None:
    """Look ahead; None if nothing is known of how large samples become.

    Parameters
    ----------
    held
        Bytes of each signal's sealed files now.
    keep_days
        The rules of retention: a signal that has one stops growing when it is full.
    free
        Bytes of the disk that are free.

    Examples
    --------
    >>> found = forecast({"a": 50}, Growth({"a": 100.0}, {"a": 10.0}, 7.0), lambda _: None, 1000)
    >>> found.bytes_in_a_year, found.full_in_days
    (3700.0, 101)
    """
    if not growth.bytes:
        return None
    signals = sorted({*held, *growth.bytes})
    now = {signal: held.get(signal, 0) for signal in signals}
    rates = {signal: growth.bytes.get(signal, 0.0) for signal in signals}
    limits: dict[str, float] = {}
    for signal in signals:
        days = keep_days(signal)
        if days is not None:
            limits[signal] = max(float(now[signal]), rates[signal] * (days + _FILE_DAYS))

    def size_after(days: float) -> float:
        return sum(min(now[s] + rates[s] * days, limits.get(s, float("inf"))) for s in signals)

    limit = sum(now.values()) + free
    return Forecast(size_after(YEAR_DAYS), _first_day_over(size_after, limit))


def _first_day_over(size_after: Callable[[float], float], limit: float) -> int | None:
    """Return the first whole day after which there is more than `limit`; the size never shrinks."""
    low, high = 0, HORIZON_YEARS * YEAR_DAYS
    if size_after(high) <= limit:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size_after(middle) <= limit else (low, middle)
    return high
