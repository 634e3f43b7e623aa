"""Settlement: what became of a blob, in the outbox, the ledger and the dead letters at once."""

import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from facility.source import GapReport, Rejection
from facility.time import NS_PER_DAY
from storage.telemetry_db import dead_letters, gaps
from storage.telemetry_db.connection import transaction
from storage.telemetry_db.counters import CountKey, Entry, count
from storage.telemetry_db.delivered import add_delivered
from storage.telemetry_db.outbox import Blob, Rewritten

BEYOND_RETENTION: Final = "beyond_retention"
"""Cause of a drop: older than the bucket keeps points."""
REFUSED: Final = "refused_by_store"
"""Cause of a rejection: a point that the server refuses, though it takes others."""
CORRUPT: Final = "corrupt_blob"
"""Cause of a loss: what waited on the disk is not what landed there."""

_SIGNAL: Final = re.compile(rb",signal=([^ ,]+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a blob; of its lines, those not named here are stored."""

    blob: Blob
    refused: Sequence[tuple[bytes, str]] = ()
    """Lines that the server does not take, with its words."""
    too_old: Sequence[bytes] = ()
    """Lines beyond the bucket's retention."""


def note_rewritten(
    connection: sqlite3.Connection, blob: Blob, points: Mapping[tuple[str, int], int], conflicts: Mapping[str, int]
) -> Rewritten:
    """Record and return what the server held of a blob; call once, before the first attempt to send it.

    Conflicts are counted at once: what they were is not known any more when the blob is settled.

    Parameters
    ----------
    points
        By signal and day (since 1970, UTC).
    conflicts
        By signal.
    """
    rewritten = tuple(_by_source_and_day(blob, points))
    with transaction(connection):
        connection.execute("UPDATE outbox SET rewritten = ? WHERE id = ?", (json.dumps(rewritten), blob.id))
        count(
            connection,
            {(source, signal, Entry.CONFLICT, ""): n for (source, signal), n in _by_source(blob, conflicts).items()},
        )
    return rewritten


def settle(connection: sqlite3.Connection, outcomes: Sequence[Outcome], now_ns: int) -> None:
    """Take blobs out of the outbox, and count what became of their samples."""
    counts: Counter[CountKey] = Counter()
    delivered: Counter[tuple[str, int]] = Counter()
    with transaction(connection):
        for outcome in outcomes:
            blob = outcome.blob
            connection.execute("DELETE FROM outbox WHERE id = ?", (blob.id,))
            refused = _by_source(blob, _by_signal(line for line, _ in outcome.refused))
            too_old = _by_source(blob, _by_signal(outcome.too_old))
            for source, signal, n in blob.counts:
                key = (source, signal)
                counts[source, signal, Entry.STORED, ""] += n - refused[key] - too_old[key]
                counts[source, signal, Entry.REJECTED, REFUSED] += refused[key]
                counts[source, signal, Entry.DROPPED, BEYOND_RETENTION] += too_old[key]
            delivered.update(_by_day(blob))
            delivered.subtract(map(_signal_and_day, [*outcome.too_old, *(line for line, _ in outcome.refused)]))
            for source, signal, n, day in blob.rewritten or ():
                counts[source, signal, Entry.REWRITTEN, ""] += n
                delivered[signal, day] -= n
            sources = {signal: source for source, signal, _ in blob.counts}
            for line, words in outcome.refused:
                signal = _signal(line)
                letter = Rejection(REFUSED, signal, line, words, now_ns)
                dead_letters.keep(connection, sources[signal], [letter])
        count(connection, counts)
        add_delivered(connection, delivered)


def set_aside(connection: sqlite3.Connection, blob: Blob, now_ns: int) -> None:
    """Take a blob that is not what landed out of the outbox; it becomes a dead letter, a gap and a loss."""
    by_source: Counter[str] = Counter()
    for source, _, n in blob.counts:
        by_source[source] += n
    with transaction(connection):
        connection.execute("DELETE FROM outbox WHERE id = ?", (blob.id,))
        for source, n in by_source.items():
            gaps.keep(connection, source, [GapReport(blob.first_ns, blob.last_ns + 1, CORRUPT, n)])
        letter = Rejection(CORRUPT, f"outbox/{blob.id}", blob.lines, blob.describe(), now_ns, blob.samples)
        dead_letters.keep(connection, next(iter(by_source), ""), [letter])
        count(connection, {(source, signal, Entry.LOST, CORRUPT): n for source, signal, n in blob.counts})


def _by_signal(lines: Iterable[bytes]) -> Counter[str]:
    return Counter(_signal(line) for line in lines)


def _signal(line: bytes) -> str:
    match = _SIGNAL.search(line)
    return "" if match is None else match[1].decode()


def _by_day(blob: Blob) -> Counter[tuple[str, int]]:
    """Return how many samples of each signal and day (since 1970, UTC) a blob holds."""
    first, last = blob.first_ns // NS_PER_DAY, blob.last_ns // NS_PER_DAY
    if first != last:
        return Counter(map(_signal_and_day, blob.lines.splitlines()))
    # Mostly all is of one day, and need not be taken apart to know that.
    found: Counter[tuple[str, int]] = Counter()
    for _, signal, n in blob.counts:
        found[signal, first] += n
    return found


def _signal_and_day(line: bytes) -> tuple[str, int]:
    return _signal(line), int(line[line.rindex(b" ") :]) // NS_PER_DAY


def _by_source_and_day(blob: Blob, points: Mapping[tuple[str, int], int]) -> Iterator[tuple[str, str, int, int]]:
    left = Counter({(source, signal): n for source, signal, n in blob.counts})
    for (signal, day), n in points.items():
        for source in [source for source, name in left if name == signal]:
            part = min(n, left[source, signal])
            left[source, signal] -= part
            n -= part
            if part:
                yield source, signal, part, day


def _by_source(blob: Blob, by_signal: Mapping[str, int]) -> Counter[tuple[str, str]]:
    """Share counts by signal out to sources; lines do not say theirs, so of two for one signal the first is taken."""
    shared: Counter[tuple[str, str]] = Counter()
    left = Counter(by_signal)
    for source, signal, n in blob.counts:
        part = min(n, left[signal])
        shared[source, signal] += part
        left[signal] -= part
    return shared
