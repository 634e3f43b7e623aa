"""What waits to be forwarded to InfluxDB: blobs of line protocol, in the order of the transactions."""

import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import Batch
from facility.time import NS_PER_DAY, format_time
from storage.merging import conflicts, parts
from storage.telemetry_db.connection import decoding
from storage.telemetry_db.counters import CountKey, Entry
from storage.telemetry_db.series import advance, series_of

SourceCounts = tuple[tuple[str, str, int], ...]
"""Source, signal, number of samples."""

Rewritten = tuple[tuple[str, str, int, int], ...]
"""Source, signal, number of samples, day (since 1970, UTC)."""

MAX_BLOB_SAMPLES: Final = 100_000
"""Some 10 MB of lines."""

_COLUMNS: Final = "id, committed_ns, samples, first_ns, last_ns, counts, may_rewrite, rewritten, checksum, lines"


@dataclass(frozen=True, slots=True)
class Blob:
    """Samples of one transaction, as they are to be sent."""

    id: int
    committed_ns: int
    samples: int
    first_ns: int
    last_ns: int
    counts: SourceCounts
    """What it holds; adds up to `samples`."""
    may_rewrite: bool
    """Whether the server may hold some of it already: redelivery, late data."""
    rewritten: Rewritten | None
    """What the server held before the first attempt to send it; None until the server was asked."""
    checksum: int
    lines: bytes

    @property
    def intact(self) -> bool:
        """Whether the lines are those that landed."""
        return zlib.crc32(self.lines) == self.checksum

    def describe(self) -> str:
        """Name the blob for people."""
        span = f"{format_time(self.first_ns)} to {format_time(self.last_ns)}"
        return f"outbox blob {self.id} ({self.samples} samples, {span})"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the outbox holds; nothing with the embedded store."""

    samples: int = 0
    bytes: int = 0
    oldest_ns: int | None = None
    """When the oldest of it landed."""


def append(
    connection: sqlite3.Connection, arrived: Sequence[tuple[str, Batch]], committed_ns: int
) -> dict[CountKey, int]:
    """Append samples, each with its source, and return what the ledger has to count now.

    They become one blob, or more where one would be too large. Of samples of the same signal and time only the
    last waits; those before it count as stored and rewritten. Call inside a transaction.
    """
    # Arrow is heavy to import, and the embedded store has no outbox.
    from storage.influxdb.line_protocol import encode

    batch = Batch.concat([b for _, b in arrived])
    sources = [source for source, _ in arrived]
    source = np.repeat(np.arange(len(arrived)), [len(b) for _, b in arrived])
    counts: Counter[CountKey] = Counter()
    winners: list[NDArray[np.int64]] = []
    may_rewrite = False
    for part in parts(batch):
        series_id, newest = series_of(connection, part.signal)
        oldest_ns, newest_ns = (int(batch.time_ns[part.rows[i]]) for i in (0, -1))
        may_rewrite |= newest is not None and oldest_ns <= newest
        advance(connection, series_id, newest_ns)
        winners.append(part.last)
        for name, n in _by_source(sources, source[part.rows]):
            counts[name, part.signal, Entry.RECEIVED, ""] += n
        if bool(part.repeats.any()):
            # The sample that is replaced is the one that does not wait: it is counted, under its own source.
            replaced = part.rows[np.flatnonzero(part.repeats) - 1]
            for name, n in _by_source(sources, source[replaced]):
                counts[name, part.signal, Entry.STORED, ""] += n
                counts[name, part.signal, Entry.REWRITTEN, ""] += n
            differing = part.rows[np.flatnonzero(conflicts(batch, part)) - 1]
            for name, n in _by_source(sources, source[differing]):
                counts[name, part.signal, Entry.CONFLICT, ""] += n
    rows = np.concatenate(winners)
    for start in range(0, len(rows), MAX_BLOB_SAMPLES):
        piece = rows[start : start + MAX_BLOB_SAMPLES]
        blob = batch.take(piece)
        lines = encode(blob)
        row = {
            "committed_ns": committed_ns,
            "samples": len(blob),
            "first_ns": int(blob.time_ns.min()),
            "last_ns": int(blob.time_ns.max()),
            "counts": json.dumps(_waiting(sources, source[piece], blob)),
            "may_rewrite": may_rewrite,
            "checksum": zlib.crc32(lines),
            "lines": lines,
        }
        marks = ", ".join(f":{name}" for name in row)
        connection.execute(f"INSERT INTO outbox({', '.join(row)}) VALUES({marks})", row)
    return counts


def size(connection: sqlite3.Connection) -> Waiting:
    """Return how much waits."""
    query = "SELECT ifnull(sum(samples), 0), ifnull(sum(length(lines)), 0), min(committed_ns) FROM outbox"
    return Waiting(*connection.execute(query).fetchone())


def waiting_ids(connection: sqlite3.Connection) -> tuple[int, int] | None:
    """Return the ids of the first and the last blob that wait; None: nothing waits."""
    first, last = connection.execute("SELECT min(id), max(id) FROM outbox").fetchone()
    return None if first is None else (first, last)


def waiting(connection: sqlite3.Connection) -> SourceCounts:
    """Return how many samples of each source and signal wait."""
    total: Counter[tuple[str, str]] = Counter()
    with decoding(connection, "outbox"):
        for (counts,) in connection.execute("SELECT counts FROM outbox"):
            for source, signal, n in _counts(counts):
                total[source, signal] += n
    return tuple((source, signal, n) for (source, signal), n in total.items())


def next_group(connection: sqlite3.Connection, max_samples: int) -> list[Blob]:
    """Return the blobs that may be sent together next: the oldest, and what follows it up to `max_samples`.

    One that may rewrite something comes first or not at all: what the server holds of it can be asked only when
    everything before it was sent. One that is not `intact` comes alone.
    """
    group: list[Blob] = []
    query = f"SELECT {_COLUMNS} FROM outbox ORDER BY id"
    with decoding(connection, "outbox"), closing(connection.execute(query)) as rows:
        for row in rows:
            blob = _blob(row)
            room = max_samples - sum(b.samples for b in group)
            if group and (blob.samples > room or blob.may_rewrite or not blob.intact or not group[0].intact):
                break
            group.append(blob)
    return group


def newest(connection: sqlite3.Connection, since_ns: int, max_samples: int) -> list[Batch]:
    """Return the samples that landed last and have stamps from an instant on, in the order in which they landed.

    Whole blobs, the newest ones first, until `max_samples` are exceeded; a damaged one is left out.
    """
    # Arrow is heavy to import, and the embedded store has no outbox.
    from storage.influxdb.line_protocol import decode

    found: list[Batch] = []
    samples = 0
    query = f"SELECT {_COLUMNS} FROM outbox WHERE last_ns >= ? ORDER BY id DESC"
    with decoding(connection, "outbox"), closing(connection.execute(query, (since_ns,))) as rows:
        for row in rows:
            blob = _blob(row)
            samples += blob.samples
            if found and samples > max_samples:
                break
            if blob.intact:
                found.append(decode(blob.lines))
    return found[::-1]


def damaged(connection: sqlite3.Connection) -> Iterator[Blob]:
    """Yield every waiting blob whose lines are not those that landed."""
    with decoding(connection, "outbox"):
        for row in connection.execute(f"SELECT {_COLUMNS} FROM outbox ORDER BY id"):
            blob = _blob(row)
            if not blob.intact:
                yield blob


def _by_source(sources: Sequence[str], codes: NDArray[np.int64]) -> Iterator[tuple[str, int]]:
    for code, n in enumerate(np.bincount(codes, minlength=len(sources)).tolist()):
        if n:
            yield sources[code], n


def _waiting(sources: Sequence[str], codes: NDArray[np.int64], blob: Batch) -> list[tuple[str, str, int]]:
    keys, numbers = np.unique(codes * len(blob.signals) + blob.signal, return_counts=True)
    totals: Counter[tuple[str, str]] = Counter()
    for key, n in zip(keys, numbers, strict=True):
        code, signal = divmod(int(key), len(blob.signals))
        totals[sources[code], blob.signals[signal]] += int(n)
    return [(source, signal, n) for (source, signal), n in totals.items()]


def _blob(row: tuple[Any, ...]) -> Blob:
    number, committed_ns, samples, first_ns, last_ns, counts, may_rewrite, rewritten, checksum, lines = row
    return Blob(
        number, committed_ns, samples, first_ns, last_ns, _counts(counts), bool(may_rewrite),
        None if rewritten is None else _rewritten(rewritten, first_ns // NS_PER_DAY), checksum, lines,
    )  # fmt: skip


def _counts(text: str) -> SourceCounts:
    return tuple((source, signal, n) for source, signal, n in json.loads(text))


def _rewritten(text: str, first_day: int) -> Rewritten:
    # Until version 5 without the day.
    return tuple((source, signal, n, *(day or [first_day])) for source, signal, n, *day in json.loads(text))
