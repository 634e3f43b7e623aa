"""The embedded store: needs no server, reads beside the service that writes."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

from facility.batch import Batch, Samples
from facility.errors import DataError, UsageError
from facility.time import system_clock
from storage.bucketing import bucketise, check_bucket_count
from storage.counters import CountKey, Entry, count
from storage.data_dir import DirectoryLock
from storage.embedded.reading import RowReader
from storage.embedded.rows import insert
from storage.store import Buckets, LastValue, SeriesCount, Written
from storage.telemetry_db import open_reader, open_writer, transaction

_DELETE_AT_ONCE: Final = 50_000


class EmbeddedStore:
    """Telemetry of one facility in its data directory; implements `storage.store.TelemetryStore`.

    Contract: opened for reading it takes no lock and may live beside the service; opened for writing it holds
    the directory's lock until `close`. A batch is one transaction: after a crash it is there wholly or not at
    all, and what `write` returned for is there. What is written or deleted here is counted in the ledger, under
    no source. `read` sees one state of the file; `read_chunks` and `buckets` see one for each piece, so that they
    never hold back the log of the service.
    """

    def __init__(self, data_dir: Path, facility: str, *, read_only: bool = True) -> None:
        """Open the store; one that is opened for writing is made if there is none.

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
        self._data_dir = data_dir
        self._lock: DirectoryLock | None = None
        if read_only:
            self._connection = open_reader(data_dir, facility, "embedded")
        else:
            self._lock = DirectoryLock(data_dir)
            try:
                self._connection = open_writer(data_dir, facility, "embedded", system_clock())
            except BaseException:
                self._lock.release()
                raise
        self._rows = RowReader(self._connection, facility)

    @property
    def kind(self) -> Literal["embedded"]:
        """Which backend it is."""
        return "embedded"

    def write(self, batch: Batch) -> Written:
        """Write a batch; when this returns it is durable. Idempotent."""
        connection = self._writable()
        if batch.facility != self._facility:
            raise DataError(f"a batch of {batch.facility!r} was written to the store of {self._facility!r}")
        with transaction(connection):
            signals = insert(connection, batch)
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
        return self._rows.read(signal, start_ns, end_ns, hold=hold)

    def read_chunks(self, signal: str, start_ns: int, end_ns: int) -> Iterator[Samples]:
        """Yield the same samples in pieces that follow each other, with bounded memory."""
        return self._rows.chunks(signal, start_ns, end_ns)

    def last(self, signals: Sequence[str]) -> dict[str, LastValue]:
        """Return the newest sample of each signal that has one."""
        return self._rows.last(signals)

    def buckets(self, signal: str, start_ns: int, end_ns: int, count: int) -> Buckets:
        """Cut ``[start_ns, end_ns)`` into `count` equal buckets (at most 2,000); see `bucketise`."""
        check_bucket_count(signal, count)
        return bucketise(signal, self.read_chunks(signal, start_ns, end_ns), start_ns, end_ns, count)

    def series(self) -> list[SeriesCount]:
        """Count the rows themselves, signal by signal, in order of name."""
        return self._rows.series()

    def delete(self, signal: str, before_ns: int) -> int:
        """Delete what is stamped before an instant, in pieces, oldest first; return how many samples that were."""
        connection = self._writable()
        total = 0
        while deleted := self._delete_piece(connection, signal, before_ns):
            total += deleted
        return total

    def close(self) -> None:
        """Close the file and give back the lock; harmless when done twice."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def _writable(self) -> sqlite3.Connection:
        if self._lock is None:
            raise UsageError(f"the store in {self._data_dir} was opened for reading: open it with read_only=False")
        return self._connection

    def _delete_piece(self, connection: sqlite3.Connection, signal: str, before_ns: int) -> int:
        with transaction(connection):
            series = connection.execute("SELECT id FROM series WHERE signal = ?", (signal,)).fetchone()
            if series is None:
                return 0
            boundary = connection.execute(
                "SELECT time_ns FROM sample WHERE series_id = ? AND time_ns < ? ORDER BY time_ns LIMIT 1 OFFSET ?",
                (*series, before_ns, _DELETE_AT_ONCE),
            ).fetchone()
            until = before_ns if boundary is None else boundary[0]
            gone = connection.execute("DELETE FROM sample WHERE series_id = ? AND time_ns < ?", (*series, until))
            count(connection, {("", signal, Entry.DELETED, ""): gone.rowcount})
            return gone.rowcount
