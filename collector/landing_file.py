"""``telemetry.db`` and ``telemetry.mark`` as landing writes them: one transaction after the other."""

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from collector import dead_letters, gaps, outbox
from collector.arrival import Arrival
from collector.changes import Changes
from collector.mark import HighWaterMark, Mark
from facility.batch import Batch
from facility.signals import link_signal
from facility.source import SINCE_LAST_COMMIT, GapReport, Rejection
from facility.time import Clock
from storage.counters import CountKey, Entry, count
from storage.embedded.rows import SignalWritten, insert
from storage.telemetry_db import StoreKind, open_writer, transaction

_LOG: Final = logging.getLogger(__name__)

LOST_BY_DISK: Final = "disk"
"""Cause of the ledger's entry `lost`, and reason of its gap."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the outbox holds; nothing with the embedded store."""

    samples: int = 0
    bytes: int = 0
    oldest_ns: int | None = None
    """When the oldest of it landed."""


class LandingFile:
    """Arrivals onto the disk.

    Contract: for the holder of the directory's lock, one thread at a time. `commit` then `confirm`; only after both
    may anything of the arrivals be acknowledged. A commit holds whole arrivals, with everything that the ledger
    counts of them; after a crash each arrival is there wholly or not at all. If `commit` raises, nothing of it
    is there; if `confirm` raises, the commit stands and `confirm` is to be called again.
    """

    def __init__(
        self,
        data_dir: Path,
        facility: str,
        store_kind: StoreKind,
        clock: Clock,
        letters: dead_letters.DeadLetterLimits,
        changes: Changes | None = None,
    ) -> None:
        """Open or make both files; a tail that the disk has lost since is counted and recorded as a gap."""
        self._data_dir = data_dir
        self._kind: StoreKind = store_kind
        self._clock = clock
        self._letters = letters
        self._changes = changes
        with ExitStack() as opened:
            self._connection = open_writer(data_dir, facility, store_kind, clock(), any_thread=True)
            opened.callback(self._connection.close)
            self._mark = HighWaterMark(data_dir)
            opened.callback(self._mark.close)
            self._last = self._newest()
            if self._last.commit < self._mark.mark.commit:
                self._record_loss(data_dir)
            self._opened = opened.pop_all()

    @property
    def commits(self) -> int:
        """The number of the last commit."""
        return self._last.commit

    def now(self) -> int:
        """Return the instant now, by this file's clock."""
        return self._clock()

    def commit(self, arrivals: Sequence[Arrival]) -> None:
        """Write arrivals, in their order, as one transaction."""
        with transaction(self._connection):
            written, last = self._write(arrivals)
        self._last = last
        if self._changes is not None:
            for s in written:
                self._changes.note(s.signal, s.first_ns, s.last_ns)

    def rehearse(self, arrival: Arrival) -> None:
        """Raise what `commit` of this arrival alone would raise; nothing is changed."""
        try:
            with transaction(self._connection):
                self._write([arrival])
                raise _RehearsedError
        except _RehearsedError:
            pass

    def _write(self, arrivals: Sequence[Arrival]) -> tuple[list[SignalWritten], Mark]:
        now = self._clock()
        counts: Counter[CountKey] = Counter()
        written: list[SignalWritten] = []
        if self._kind == "embedded":
            written = self._insert_rows(arrivals, counts)
        else:
            self._append_blob(arrivals, counts, now)
        for arrival in arrivals:
            self._keep_rest(arrival, counts, now)
        self._keep_rejected(arrivals, counts)
        count(self._connection, counts)
        return written, self._number(now, sum(a.samples for a in arrivals))

    def confirm(self) -> None:
        """Move the high-water mark up to the last commit."""
        self._mark.advance(self._last)

    def used_bytes(self) -> int:
        """Return how much of the file is in use, free pages not counted."""
        pages, free, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def waiting(self) -> Waiting:
        """Return what waits to be forwarded."""
        if self._kind == "embedded":
            return Waiting()
        query = "SELECT ifnull(sum(samples), 0), ifnull(sum(length(lines)), 0), min(committed_ns) FROM outbox"
        return Waiting(*self._connection.execute(query).fetchone())

    def close(self) -> None:
        """Close both files."""
        self._opened.close()

    def _insert_rows(self, arrivals: Sequence[Arrival], counts: Counter[CountKey]) -> list[SignalWritten]:
        written: list[SignalWritten] = []
        for source, batch in _by_source(arrivals):
            for s in insert(self._connection, batch, self._data_dir):
                written.append(s)
                counts[source, s.signal, Entry.RECEIVED, ""] += s.stored
                counts[source, s.signal, Entry.STORED, ""] += s.stored
                counts[source, s.signal, Entry.REWRITTEN, ""] += s.rewritten
                counts[source, s.signal, Entry.CONFLICT, ""] += s.conflicts
        return written

    def _append_blob(self, arrivals: Sequence[Arrival], counts: Counter[CountKey], now: int) -> None:
        if arrived := _by_source(arrivals):
            counts.update(outbox.append(self._connection, arrived, now))

    def _keep_rest(self, arrival: Arrival, counts: Counter[CountKey], now: int) -> None:
        source = arrival.source
        gaps.keep(self._connection, source, [known for gap in arrival.gaps if (known := self._since(source, gap))])
        if arrival.batch is not None and _has_data(source, arrival.batch):
            self._connection.execute("INSERT OR REPLACE INTO source VALUES(?, ?)", (source, now))
        for gap in arrival.gaps:
            counts[source, "", Entry.RECEIVED, ""] += gap.dropped
            counts[source, "", Entry.DROPPED, gap.reason] += gap.dropped
        if arrival.position is not None:
            position = (arrival.position.key, arrival.position.state)
            self._connection.execute("INSERT OR REPLACE INTO import_file VALUES(?, ?)", position)

    def _keep_rejected(self, arrivals: Sequence[Arrival], counts: Counter[CountKey]) -> None:
        rejected: defaultdict[str, list[Rejection]] = defaultdict(list)
        for arrival in arrivals:
            rejected[arrival.source] += arrival.rejected
        for source, rejections in rejected.items():
            if rejections:
                dead_letters.keep(self._connection, source, rejections, self._letters)
            for rejection in rejections:
                counts[source, "", Entry.RECEIVED, ""] += rejection.count
                counts[source, "", Entry.REJECTED, rejection.cause] += rejection.count

    def _since(self, source: str, gap: GapReport) -> GapReport | None:
        """Put the instant of the source's last commit where the reader could not know the start."""
        if gap.start_ns != SINCE_LAST_COMMIT:
            return gap
        row = self._connection.execute("SELECT committed_ns FROM source WHERE id = ?", (source,)).fetchone()
        return None if row is None else replace(gap, start_ns=row[0])

    def _number(self, now: int, samples: int) -> Mark:
        """Give the transaction its number; it stays the only row."""
        total = self._last.samples + samples
        made = self._connection.execute("INSERT INTO landed(committed_ns, samples) VALUES(?, ?)", (now, total))
        self._connection.execute("DELETE FROM landed WHERE id < ?", (made.lastrowid,))
        return Mark(int(made.lastrowid or 0), total)

    def _newest(self) -> Mark:
        row = self._connection.execute("SELECT id, samples FROM landed ORDER BY id DESC LIMIT 1").fetchone()
        return Mark(0, 0) if row is None else Mark(*row)

    def _record_loss(self, data_dir: Path) -> None:
        mark, now = self._mark.mark, self._clock()
        lost = max(0, mark.samples - self._last.samples)
        (since,) = self._connection.execute(
            "SELECT coalesce((SELECT max(committed_ns) FROM landed), (SELECT value FROM meta WHERE key = 'created_ns'))"
        ).fetchone()
        _LOG.error(
            "%s ends at commit %d, but commit %d was acknowledged: the disk has lost %d samples (ledger: lost, disk)",
            data_dir / "telemetry.db", self._last.commit, mark.commit, lost,
        )  # fmt: skip
        with transaction(self._connection):
            gaps.keep(self._connection, "", [GapReport(int(since), now, LOST_BY_DISK, lost)])
            # Their own counts went with them, so they are counted as received once more, under no source.
            count(self._connection, {("", "", Entry.RECEIVED, ""): lost, ("", "", Entry.LOST, LOST_BY_DISK): lost})
            # Numbers go on behind the mark, so that the same loss is not found again.
            last = Mark(mark.commit + 1, max(mark.samples, self._last.samples))
            self._connection.execute("DELETE FROM landed")
            self._connection.execute("INSERT INTO landed VALUES(?, ?, ?)", (last.commit, now, last.samples))
        self._last = last
        self.confirm()


class _RehearsedError(Exception):
    """Undoes a rehearsal."""


def _has_data(source: str, batch: Batch) -> bool:
    link = link_signal(source)
    codes: list[int] = np.unique(batch.signal).tolist()
    return any(batch.signals[code] != link for code in codes)


def _by_source(arrivals: Sequence[Arrival]) -> list[tuple[str, Batch]]:
    """Return the samples in order of arrival, those of one source joined where they follow each other."""
    joined: list[tuple[str, list[Batch]]] = []
    for arrival in arrivals:
        if arrival.batch is None or not len(arrival.batch):
            continue
        if joined and joined[-1][0] == arrival.source:
            joined[-1][1].append(arrival.batch)
        else:
            joined.append((arrival.source, [arrival.batch]))
    return [(source, Batch.concat(batches)) for source, batches in joined]
