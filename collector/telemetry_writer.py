"""``telemetry.db`` and ``telemetry.mark`` as landing writes them: one transaction after the other."""

import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from collector.arrival import Arrival
from collector.changes import Changes
from facility.batch import Batch
from facility.errors import DiskError
from facility.signals import link_signal
from facility.source import SINCE_LAST_COMMIT, GapReport, Rejection
from facility.time import Clock
from storage.disk_reserve import Reserve
from storage.landing_table import Extent, landing_table
from storage.telemetry_db import StoreKind, dead_letters, gaps, open_writer, transaction
from storage.telemetry_db.commits import (
    Mark,
    keep_position,
    last_landed_ns,
    newest_commit,
    note_source,
    number_commit,
    used_bytes,
)
from storage.telemetry_db.counters import CountKey, Entry, count
from storage.telemetry_db.gaps import record_loss
from storage.telemetry_db.integrity import check_before_start
from storage.telemetry_db.mark import HighWaterMark
from storage.telemetry_db.outbox import Waiting

_LOG: Final = logging.getLogger(__name__)


class TelemetryWriter:
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
        self._table = landing_table(store_kind)
        self._clock = clock
        self._letters = letters
        self._changes = changes
        with ExitStack() as opened:
            self._reserve = Reserve(data_dir)
            try:
                self._connection = open_writer(data_dir, facility, store_kind, clock(), any_thread=True)
            except DiskError:
                # On a full disk what waits can still be forwarded, and that makes space.
                if not self._reserve.give_up():
                    raise
                self._connection = open_writer(data_dir, facility, store_kind, clock(), any_thread=True)
            opened.callback(self._connection.close)
            check_before_start(self._connection, store_kind)
            self._last = newest_commit(self._connection)
            self._mark = HighWaterMark(data_dir, self._last)
            opened.callback(self._mark.close)
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
        """Write arrivals, in their order, as one transaction; never into the reserve."""
        self._reserve.take()
        batches = [a.batch for a in arrivals if a.batch is not None]
        self._table.prepare_for(self._connection, self._data_dir, batches)
        with transaction(self._connection):
            stored, last = self._write(arrivals)
        self._last = last
        if self._changes is not None:
            for s in stored:
                self._changes.note(s.signal, s.first_ns, s.last_ns)

    def try_commit(self, arrival: Arrival) -> None:
        """Raise what `commit` of this arrival alone would raise; nothing is changed."""
        try:
            with transaction(self._connection):
                self._write([arrival])
                raise _TriedError
        except _TriedError:
            pass

    def _write(self, arrivals: Sequence[Arrival]) -> tuple[Sequence[Extent], Mark]:
        now = self._clock()
        counts: Counter[CountKey] = Counter()
        put = self._table.put(self._connection, self._data_dir, _by_source(arrivals), now)
        counts.update(put.counts)
        for arrival in arrivals:
            self._keep_rest(arrival, counts, now)
        self._keep_rejected(arrivals, counts)
        count(self._connection, counts)
        samples = self._last.samples + sum(a.samples for a in arrivals)
        return put.stored, number_commit(self._connection, now, samples)

    def confirm(self) -> None:
        """Move the high-water mark up to the last commit."""
        self._mark.advance(self._last)

    def used_bytes(self) -> int:
        """Return how much of the file is in use, free pages not counted."""
        return used_bytes(self._connection)

    def waiting(self) -> Waiting:
        """Return what waits to be forwarded."""
        return self._table.waiting(self._connection)

    def close(self) -> None:
        """Close both files."""
        self._opened.close()

    def _keep_rest(self, arrival: Arrival, counts: Counter[CountKey], now: int) -> None:
        source = arrival.source
        gaps.keep(self._connection, source, [known for gap in arrival.gaps if (known := self._since(source, gap))])
        if arrival.batch is not None and _has_data(source, arrival.batch):
            note_source(self._connection, source, now)
        for gap in arrival.gaps:
            counts[source, "", Entry.RECEIVED, ""] += gap.dropped
            counts[source, "", Entry.DROPPED, gap.reason] += gap.dropped
        dead_letters.delete(self._connection, arrival.replaces)
        if arrival.position is not None:
            keep_position(self._connection, arrival.position.key, arrival.position.state)

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
        start_ns = last_landed_ns(self._connection, source)
        return None if start_ns is None else replace(gap, start_ns=start_ns)

    def _record_loss(self, data_dir: Path) -> None:
        mark = self._mark.mark
        _LOG.error(
            "%s ends at commit %d, but commit %d was acknowledged: the disk has lost %d samples (ledger: lost, disk)",
            data_dir / "telemetry.db", self._last.commit, mark.commit, max(0, mark.samples - self._last.samples),
        )  # fmt: skip
        self._last = record_loss(self._connection, self._last, mark, self._clock())
        self.confirm()


class _TriedError(Exception):
    """Undoes what was tried."""


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
