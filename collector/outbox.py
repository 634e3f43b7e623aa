"""What waits to be forwarded to InfluxDB: one blob of line protocol for each transaction, in order."""

import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from facility.batch import Batch
from facility.time import format_time
from storage.counters import CountKey, Entry
from storage.merging import conflicts, parts
from storage.series import advance, series_of

SourceCounts = tuple[tuple[str, str, int], ...]
"""Source, signal, number of samples."""

_COLUMNS: Final = "id, committed_ns, samples, first_ns, last_ns, counts, may_rewrite, rewritten, checksum, lines"


@dataclass(frozen=True, slots=True)
class Blob:
    """The samples of one transaction, as they are to be sent."""

    id: int
    committed_ns: int
    samples: int
    first_ns: int
    last_ns: int
    counts: SourceCounts
    """What it holds; adds up to `samples`."""
    may_rewrite: bool
    """Whether the server may hold some of it already: redelivery, late data."""
    rewritten: SourceCounts | None
    """What the server held before the first attempt to send it; None as long as nobody asked."""
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


def append(
    connection: sqlite3.Connection, arrived: Sequence[tuple[str, Batch]], committed_ns: int
) -> dict[CountKey, int]:
    """Append samples as one blob, each with its source, and return what the ledger has to count now.

    Of samples of the same signal and time only the last waits in the blob; those before it count as stored and
    rewritten. Call inside a transaction.
    """
    # Arrow is heavy to import, and the embedded store has no outbox.
    from storage.influxdb.line_protocol import encode

    batch = Batch.concat([b for _, b in arrived])
    sources = [source for source, _ in arrived]
    source = np.repeat(np.arange(len(arrived)), [len(b) for _, b in arrived])
    counts: Counter[CountKey] = Counter()
    left: Counter[tuple[str, str]] = Counter()
    winners: list[NDArray[np.int64]] = []
    may_rewrite = False
    for part in parts(batch):
        series_id, newest = series_of(connection, part.signal)
        oldest_ns, newest_ns = (int(batch.time_ns[part.rows[i]]) for i in (0, -1))
        may_rewrite |= newest is not None and oldest_ns <= newest
        advance(connection, series_id, newest_ns)
        for name, n in _by_source(sources, source[part.rows]):
            counts[name, part.signal, Entry.RECEIVED, ""] += n
        winners.append(part.last)
        for name, n in _by_source(sources, source[part.last]):
            left[name, part.signal] += n
        if bool(part.repeats.any()):
            # The sample that is replaced is the one that does not wait: it is counted, under its own source.
            replaced = part.rows[np.flatnonzero(part.repeats) - 1]
            for name, n in _by_source(sources, source[replaced]):
                counts[name, part.signal, Entry.STORED, ""] += n
                counts[name, part.signal, Entry.REWRITTEN, ""] += n
            differing = part.rows[np.flatnonzero(conflicts(batch, part)) - 1]
            for name, n in _by_source(sources, source[differing]):
                counts[name, part.signal, Entry.CONFLICT, ""] += n
    merged = batch.take(np.concatenate(winners))
    lines = encode(merged)
    row = {
        "committed_ns": committed_ns,
        "samples": len(merged),
        "first_ns": int(merged.time_ns.min()),
        "last_ns": int(merged.time_ns.max()),
        "counts": json.dumps([[name, signal, n] for (name, signal), n in left.items()]),
        "may_rewrite": may_rewrite,
        "checksum": zlib.crc32(lines),
        "lines": lines,
    }
    marks = ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT INTO outbox({', '.join(row)}) VALUES({marks})", row)
    return counts


def oldest(connection: sqlite3.Connection) -> Blob | None:
    """Return the blob that is to be sent next; whether it is `intact` is for the caller to ask."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM outbox ORDER BY id LIMIT 1").fetchone()
    return None if row is None else _blob(row)


def waiting(connection: sqlite3.Connection) -> SourceCounts:
    """Return how many samples of each source and signal wait."""
    total: Counter[tuple[str, str]] = Counter()
    for (counts,) in connection.execute("SELECT counts FROM outbox"):
        for source, signal, n in _counts(counts):
            total[source, signal] += n
    return tuple((source, signal, n) for (source, signal), n in total.items())


def damaged(connection: sqlite3.Connection) -> Iterator[Blob]:
    """Yield every waiting blob whose lines are not those that landed."""
    for row in connection.execute(f"SELECT {_COLUMNS} FROM outbox ORDER BY id"):
        blob = _blob(row)
        if not blob.intact:
            yield blob


def _by_source(sources: Sequence[str], codes: NDArray[np.int64]) -> Iterator[tuple[str, int]]:
    for code, n in enumerate(np.bincount(codes, minlength=len(sources)).tolist()):
        if n:
            yield sources[code], n


def _blob(row: tuple[Any, ...]) -> Blob:
    number, committed_ns, samples, first_ns, last_ns, counts, may_rewrite, rewritten, checksum, lines = row
    return Blob(
        number, committed_ns, samples, first_ns, last_ns, _counts(counts), bool(may_rewrite),
        None if rewritten is None else _counts(rewritten), checksum, lines,
    )  # fmt: skip


def _counts(text: str) -> SourceCounts:
    return tuple((source, signal, n) for source, signal, n in json.loads(text))
