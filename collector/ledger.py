"""What was received and what became of it, and whether the store agrees."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from storage.landing_table import landing_table
from storage.store import TelemetryStore
from storage.telemetry_db import StoreKind, open_reader, snapshot
from storage.telemetry_db.counters import Entry, LedgerRow, read_counts
from storage.telemetry_db.mark import describe_lost_tail, read_mark
from storage.telemetry_db.opening import facility_of, store_kind_of
from storage.telemetry_db.outbox import SourceCounts


@dataclass(frozen=True, slots=True)
class SourceTotals:
    """All counts of one source, in samples."""

    source: str
    received: int
    stored: int
    waiting: int
    """Durable here, to be forwarded."""
    rejected: int
    dropped: int
    lost: int
    """Acknowledged, and gone since: the disk broke its promise."""
    rewritten: int
    """Part of stored."""
    conflict: int
    """Part of rewritten."""

    @property
    def missing(self) -> int:
        """Received samples that the ledger does not account for; 0 if it balances."""
        return self.received - self.stored - self.waiting - self.rejected - self.dropped - self.lost


@dataclass(frozen=True, slots=True)
class Ledger:
    """One state of the counts of a data directory."""

    data_dir: Path
    facility: str
    store_kind: StoreKind
    rows: tuple[LedgerRow, ...]
    waiting: SourceCounts
    """Source, signal, number; from the outbox itself."""
    damaged: tuple[str, ...]
    """Blobs of the outbox that are not what landed, named; looked for only when asked."""
    expired: Mapping[str, int] = field(default_factory=dict[str, int])
    """Samples of each signal that the store's own retention may have deleted and that do not count as deleted yet;
    only when asked."""
    lost_tail: str = ""
    """What ``telemetry.mark`` says that ``telemetry.db`` lacks, for people; empty if nothing."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what is an error whatever the store holds: acknowledged samples that are lost, sums that differ."""
        found = [self.lost_tail] if self.lost_tail else []
        for t in self.sources():
            name = t.source or "(none)"
            if t.lost:
                found.append(
                    f"source {name}: {t.lost} acknowledged samples are lost: what the disk gave back was not what kado"
                    " had written; the gap is recorded (kado recorded-gaps). Import the time again if the source kept"
                    " it"
                )
            if t.missing:
                found.append(
                    f"source {name}: {t.received} received, but {t.stored} stored + {t.waiting} waiting"
                    f" + {t.rejected} rejected + {t.dropped} dropped + {t.lost} lost make {t.received - t.missing}"
                )
        return tuple(found)

    def sources(self) -> tuple[SourceTotals, ...]:
        """Return the totals of each source, in order of name."""
        totals: Counter[tuple[str, str]] = Counter()
        for row in self.rows:
            totals[row.source, row.entry] += row.count
        for source, _, n in self.waiting:
            totals[source, "waiting"] += n
        return tuple(
            SourceTotals(
                source=source,
                received=totals[source, Entry.RECEIVED],
                stored=totals[source, Entry.STORED],
                waiting=totals[source, "waiting"],
                rejected=totals[source, Entry.REJECTED],
                dropped=totals[source, Entry.DROPPED],
                lost=totals[source, Entry.LOST],
                rewritten=totals[source, Entry.REWRITTEN],
                conflict=totals[source, Entry.CONFLICT],
            )
            for source in sorted({source for source, _ in totals})
        )

    def total(self, entry: Entry) -> int:
        """Return the count of an entry over all sources, signals and causes."""
        return sum(row.count for row in self.rows if row.entry == entry)

    def held(self) -> dict[str, int]:
        """Return how many samples of each signal the store must hold: stored, not rewritten, not deleted."""
        signs = {Entry.STORED: 1, Entry.REWRITTEN: -1, Entry.DELETED: -1}
        held: Counter[str] = Counter()
        for row in self.rows:
            held[row.signal] += signs.get(row.entry, 0) * row.count
        return {signal: n for signal, n in held.items() if signal}

    def waiting_by_signal(self) -> Counter[str]:
        """Return how many samples of each signal wait in the outbox."""
        waiting: Counter[str] = Counter()
        for _, signal, n in self.waiting:
            waiting[signal] += n
        return waiting


def read_ledger(data_dir: Path, *, check_outbox: bool = False, whole_from_day: int | None = None) -> Ledger:
    """Read the ledger of a data directory, also while a service writes.

    With `check_outbox` every waiting blob is compared with its checksum, which reads them all. With `whole_from_day`,
    in days since 1970 (UTC), it says what may have expired: all that is stamped before.

    Raises
    ------
    ConfigError
        If nothing was collected there yet.
    FormatVersionError
        If the file is of another version.
    DamagedDataError
        If it is damaged.
    """
    mark = read_mark(data_dir)
    with closing(open_reader(data_dir)) as connection, snapshot(connection):
        kind = store_kind_of(connection)
        table = landing_table(kind)
        return Ledger(
            data_dir=data_dir,
            facility=facility_of(connection),
            store_kind=kind,
            rows=read_counts(connection),
            waiting=table.waiting_by_source(connection),
            damaged=table.damaged(connection) if check_outbox else (),
            expired={} if whole_from_day is None else table.delivered_before(connection, whole_from_day),
            lost_tail=describe_lost_tail(connection, data_dir, mark),
        )


def verify_ledger(ledger: Ledger, store: TelemetryStore) -> list[str]:
    """Compare the ledger with what the store itself holds; return every difference, named.

    The service may write meanwhile: the ledger is read once more after the store was counted, and what changed in
    between is no difference. Neither is a blob of the outbox that the store already has: it counts as stored when
    the store's answer has been recorded.
    """
    found = store.counted()
    counted = {s.signal: s.samples for s in found.series}
    after = read_ledger(ledger.data_dir, whole_from_day=found.whole_from_day)
    differences = [*after.problems, *found.problems]
    least, most, waiting = ledger.held(), after.held(), ledger.waiting_by_signal() | after.waiting_by_signal()
    since = ""
    if found.whole_from_day is not None:
        since = f" from {np.datetime64(found.whole_from_day, 'D')} on (UTC; what is before expires)"
    for signal in sorted({*least, *most, *counted}):
        n = counted.get(signal, 0)
        expired = after.expired.get(signal, 0)
        low, high = sorted((least.get(signal, 0) - expired, most.get(signal, 0) - expired))
        high += waiting[signal]
        if not low <= n <= high:
            should = f"{low}" if low == high else f"{low} to {high}"
            differences.append(
                f"signal {signal}: the ledger says {should} samples{since}, the {store.kind} store holds {n}"
            )
    differences += [f"{blob} is damaged: its lines do not match its checksum; it is kept" for blob in ledger.damaged]
    return differences
