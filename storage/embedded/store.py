"""The embedded store: needs no server, reads beside the service that writes."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from facility.batch import Batch, Samples
from facility.errors import DataError, UsageError
from facility.sentence import Sentence
from facility.time import Clock, system_clock
from storage.bucketing import bucket_edges, bucketise, check_bucket_count
from storage.data_dir import DirectoryLock
from storage.embedded.archive import manifest
from storage.embedded.archive.choice import choose_place
from storage.embedded.archive.provenance import Provenance
from storage.embedded.deleting import KeepDays, delete_rows
from storage.embedded.reading import StoreReader
from storage.embedded.row_checksums import accept_rows, changed_days
from storage.embedded.row_reading import series_id_of
from storage.embedded.row_writing import insert, prepare_insert
from storage.embedded.translate_errors import translate_errors
from storage.store import Buckets, Counted, LastValue, SeriesCount, Written
from storage.telemetry_db import open_reader, open_writer, transaction
from storage.telemetry_db.counters import CountKey, Entry, count
from storage.upkeep import Finding, Sealed

if TYPE_CHECKING:
    from storage.embedded.archive.swap import FileSwap, Step
    from storage.embedded.maintenance.retention import Dropped


class EmbeddedStore:
    """Telemetry of one facility in its data directory; implements `storage.store.TelemetryStore`.

    Contract: opened for reading it takes no lock and may live beside the service; opened for writing it holds the lock
    of the directory until `close`, unless its process holds it already. A batch is one transaction: after a crash it
    is there wholly or not at all, and what `write` returned for is there. What is written or deleted here is counted
    in the ledger, under no source. Sealing changes neither what is read nor what is counted, and readers may go on
    meanwhile. `read` sees one state of the store; `read_chunks` and `buckets` see one for each piece, so that they
    never hold back the log of the service.
    """

    def __init__(
        self,
        data_dir: Path,
        facility: str,
        *,
        read_only: bool = True,
        hold_lock: bool = True,
        archive: str | None = None,
        clock: Clock = system_clock,
        at_step: "Callable[[Step], None]" = lambda _: None,
    ) -> None:
        """Open the store; for writing it is made if it does not exist.

        Without `hold_lock` the process has to hold the lock of the directory already, as the service does beside its
        landing. `archive` is where sealed files are to lie from now on, a folder or a URI; it is looked at before the
        first one is written, and None leaves it as it is. `at_step` is called at each step on which sealed files come
        and go.

        Raises
        ------
        ConfigError
            If there is nothing to read, or the directory is another facility's or another store's.
        FormatVersionError
            If the file is of another version.
        LockedError
            If it is to be written and another process holds the directory.
        """
        self._facility = facility
        self._clock = clock
        self._at_step = at_step
        self._archive = archive
        self._data_dir = data_dir
        self._read_only = read_only
        self.provenance = Provenance()
        """What files that are sealed from now on say about the origin of their samples."""
        self._lock: DirectoryLock | None = None
        if read_only:
            self._connection = open_reader(data_dir, facility, "embedded")
        else:
            self._lock = DirectoryLock(data_dir) if hold_lock else None
            try:
                self._connection = open_writer(data_dir, facility, "embedded", clock())
            except BaseException:
                if self._lock is not None:
                    self._lock.release()
                raise
        try:
            if not read_only and manifest.leftovers(self._connection):
                self._swap().tidy()
        except BaseException:
            self.close()
            raise
        self._reader = StoreReader(self._connection, data_dir, facility)

    @property
    def kind(self) -> Literal["embedded"]:
        """Which backend it is."""
        return "embedded"

    def write(self, batch: Batch) -> Written:
        """Write a batch; when this returns it is durable. Idempotent."""
        connection = self._writable()
        if batch.facility != self._facility:
            raise DataError(
                Sentence(
                    "a batch of {facility!r} was written to the store of {owner!r}",
                    facility=batch.facility,
                    owner=self._facility,
                )
            )
        prepare_insert(connection, [batch], self._data_dir)
        with transaction(connection):
            signals = insert(connection, batch, self._data_dir)
            counts: dict[CountKey, int] = {}
            for s in signals:
                counts["", s.signal, Entry.RECEIVED, ""] = s.stored
                counts["", s.signal, Entry.STORED, ""] = s.stored
                counts["", s.signal, Entry.REWRITTEN, ""] = s.rewritten
                counts["", s.signal, Entry.CONFLICT, ""] = s.conflicts
            count(connection, counts)
        return Written(
            stored=sum(s.stored for s in signals),
            rewritten=sum(s.rewritten for s in signals),
            conflicts=sum(s.conflicts for s in signals),
        )

    def read(self, signal: str, start_ns: int, end_ns: int, *, hold: bool = False) -> Samples:
        """Return the samples stamped in ``[start_ns, end_ns)``; with `hold`, also the last one before."""
        return self._reader.read(signal, start_ns, end_ns, hold=hold)

    def read_chunks(self, signal: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        """Yield the same samples in pieces that follow each other, with bounded memory."""
        return self._reader.chunks(signal, start_ns, end_ns)

    def read_batches(self, signal: str, start_ns: int, end_ns: int) -> Iterator[Batch]:
        """Yield the same pieces with all that is kept, arrivals included."""
        for piece in self._reader.columns(signal, start_ns, end_ns):
            yield piece.batch(self._facility, signal)

    def last(self, signals: Sequence[str]) -> dict[str, LastValue]:
        """Return the newest sample of each signal that has one."""
        return self._reader.last(signals)

    def buckets(self, signal: str, start_ns: int, end_ns: int, count: int) -> Buckets:
        """Cut ``[start_ns, end_ns)`` into `count` equal buckets (at most 2,000); see `bucketise`."""
        check_bucket_count(signal, count)
        edges = bucket_edges(start_ns, end_ns, count)
        return bucketise(signal, self._reader.to_sum_up(signal, start_ns, end_ns, edges), start_ns, end_ns, count)

    def series(self) -> list[SeriesCount]:
        """Count rows and sealed samples themselves, signal by signal, in order of name."""
        return self._reader.series()

    def counted(self) -> Counted:
        """Count rows and the samples of sealed files where they lie; compare rows with what landed."""
        return self._reader.counted()

    def accept_rows(self) -> int:
        """Let rows that are not what landed count as they are; return of how many days and signals that was."""
        connection = self._writable()
        with transaction(connection):
            changed = changed_days(connection)
            accept_rows(connection, changed)
        return len(changed)

    def extent(self, signal: str) -> tuple[int, int] | None:
        """Return the stamps of a signal's first and last sample; None if it has no samples."""
        return self._reader.extent(signal)

    def delete(self, signal: str, before_ns: int) -> int:
        """Delete what is stamped before an instant, in pieces, oldest first; return how many samples that were."""
        connection = self._writable()
        total = self._delete_sealed(connection, signal, before_ns)
        return total + delete_rows(connection, signal, before_ns)

    def seal(self, before_ns: int) -> Sealed:
        """Seal the rows of every UTC day that ends at or before an instant; see `sealing.seal`."""
        from storage.embedded.archive.sealing import seal

        with translate_errors(self._data_dir):
            return seal(self._swap(), before_ns)

    def merge_months(self, before_ns: int) -> Sealed:
        """Merge the sealed files of every month that ends at or before an instant; see `sealing.merge_months`."""
        from storage.embedded.archive.sealing import merge_months

        with translate_errors(self._data_dir):
            return merge_months(self._swap(), before_ns)

    def retain(self, keep_days: KeepDays, now_ns: int) -> "list[Dropped]":
        """Delete what is older than it has to be kept; see `maintenance.retention.apply_retention`."""
        from storage.embedded.maintenance.retention import apply_retention

        with translate_errors(self._data_dir):
            return apply_retention(self._swap(), keep_days, now_ns)

    def rebuild_minutes(self, findings: Sequence[Finding]) -> int:
        """Compute wrong minutes of sealed files again; see `maintenance.verifying.rebuild_minutes`."""
        from storage.embedded.maintenance.verifying import rebuild_minutes

        with translate_errors(self._data_dir):
            return rebuild_minutes(self._swap(), findings)

    def load(self, samples: Samples, *, before_ns: int, source: str = "") -> Written:
        """Store history of one signal, days that end at or before `before_ns` straight as files; see `loading.load`."""
        return self.load_each([samples], before_ns=before_ns, source=source)

    def load_each(self, histories: Iterable[Samples], *, before_ns: int, source: str = "") -> Written:
        """Store histories that may still have to be made, one after the other, as `load` does; faster than singly."""
        from storage.embedded.archive.loading import load

        swap = self._swap()
        swap.tidy()
        return load(swap, map(self._checked, histories), source, before_ns)

    def close(self) -> None:
        """Close the file and give back the lock; harmless when done twice."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def _checked(self, samples: Samples) -> Samples:
        if samples.facility != self._facility:
            raise DataError(
                Sentence(
                    "samples of {facility!r} were loaded into the store of {owner!r}",
                    facility=samples.facility,
                    owner=self._facility,
                )
            )
        return samples

    def _writable(self) -> sqlite3.Connection:
        if self._read_only:
            raise UsageError(
                Sentence(
                    "the store in {data_dir} was opened for reading: open it with read_only=False",
                    data_dir=self._data_dir,
                )
            )
        return self._connection

    def _swap(self) -> "FileSwap":
        # Arrow is heavy, and who touches no sealed file must not wait for it.
        from storage.embedded.archive.swap import FileSwap

        connection = self._writable()
        if self._archive is not None:
            choose_place(connection, self._data_dir, self._facility, self._archive)
        return FileSwap(connection, self._data_dir, self._facility, self._clock, self.provenance, self._at_step)

    def _delete_sealed(self, connection: sqlite3.Connection, signal: str, before_ns: int) -> int:
        series_id = series_id_of(connection, signal)
        if series_id is None or manifest.last_file_before(connection, series_id, before_ns) is None:
            return 0
        from storage.embedded.maintenance.retention import delete_sealed

        swap = self._swap()
        swap.tidy()
        return delete_sealed(swap, series_id, signal, before_ns)
