"""Landing: arrivals become durable, in one transaction for all that is queued; only then they are acknowledged."""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from collector.arrival import Arrival
from collector.changes import Changes
from collector.failing_samples import without_culprits
from collector.landing_observer import LandingObserver
from collector.landing_status import LandingLimits, LandingState, LandingStatus
from collector.telemetry_writer import TelemetryWriter
from facility.errors import DamagedDataError, DataError, DiskError, UnreachableError
from facility.sentence import Sentence
from facility.time import Clock, system_clock
from storage.data_dir import DataDir, DirectoryLock
from storage.landing_table import landing_table
from storage.telemetry_db import StoreKind

_LOG: Final = logging.getLogger(__name__)

_REFRESH_S: Final = 1.0
# Error codes that one sample can cause (0: raised by Python, before SQLite); with any other the file is at fault.
_BY_THE_SAMPLE: Final = {
    0, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    arrival: Arrival
    done: Callable[[BaseException | None], None]
    samples: int
    """As handed over."""
    repaired: bool = False
    """Whether the samples that made the commit fail have been removed."""


class Landing:
    """The one writer of a data directory.

    Contract: `open`, then `land` from event loops and `land_now` from threads, in any number at once, then `close`.
    Both return when the arrival is durable: after a kill or a power cut it is there. Arrivals are taken in the order
    in which they were handed over, and never split. All that is queued when the writer is free goes into
    one transaction; samples on which that fails, for no reason of the disk, become dead letters. While the file is
    full, or the disk does not take it, nothing is acknowledged and nothing is given up: callers wait, which makes
    their sources lag. What is queued is bounded by the callers, since each waits. A call that is cancelled may still
    land. `close` lands what is queued if it can; it does not wait for anything to be forwarded.

    `open` and `close` wait for the disk: on an event loop, ``await asyncio.to_thread(...)`` them.
    """

    def __init__(
        self,
        data_dir: Path,
        facility: str,
        file: TelemetryWriter,
        lock: DirectoryLock,
        limits: LandingLimits,
        observer: LandingObserver | None = None,
    ) -> None:
        """Take over what `open` has opened."""
        self._path = DataDir(data_dir).telemetry
        self._facility = facility
        self._file = file
        self._lock = lock
        self._limits = limits
        self._observer = observer
        self._changed = threading.Condition()
        self._queue: deque[_Request] = deque()
        self._queued_samples = 0
        self._closing = False
        self._refresh_at = 0.0
        self._status = LandingStatus(LandingState.OPEN, "", 0, file.commits, 0, 0, 0, None, 0, limits.max_bytes)
        self._refresh()
        self._thread = threading.Thread(target=self._run, name="landing", daemon=True)
        self._thread.start()

    @classmethod
    def open(
        cls,
        data_dir: Path,
        facility: str,
        store_kind: StoreKind,
        clock: Clock = system_clock,
        *,
        limits: LandingLimits | None = None,
        changes: Changes | None = None,
        observer: LandingObserver | None = None,
    ) -> Self:
        """Lock the data directory and open its files, making what is missing.

        `changes` notes what is stored by landing it; what is forwarded is noted by the forwarder. `observer` gets
        everything that landed.

        Raises
        ------
        LockedError
            If another process holds the directory.
        ConfigError
            If it is another facility's or another store's, or cannot be written.
        FormatVersionError
            If its file is of a newer version.
        """
        limits = limits or LandingLimits()
        # Before there are threads, and not by the first sample.
        landing_table(store_kind).prepare()
        lock = DirectoryLock(data_dir)
        try:
            file = TelemetryWriter(data_dir, facility, store_kind, clock, limits.dead_letters, changes)
            return cls(data_dir, facility, file, lock, limits, observer)
        except BaseException:
            lock.release()
            raise

    async def land(self, arrival: Arrival) -> None:
        """Return once an arrival is durable.

        Raises
        ------
        DataError
            If it is of another facility.
        UnreachableError
            If the landing was closed before it could be landed: do not acknowledge it.
        """
        loop = asyncio.get_running_loop()
        durable: asyncio.Future[None] = loop.create_future()

        def resolve(error: BaseException | None) -> None:
            if durable.done():
                return
            if error is None:
                durable.set_result(None)
            else:
                durable.set_exception(error)

        def done(error: BaseException | None) -> None:
            # On a loop that is closed nothing waits any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(resolve, error)

        self._hand_over(_Request(arrival, done, arrival.samples))
        await durable

    def land_now(self, arrival: Arrival) -> None:
        """Do the same as `land`, blocking; for threads without an event loop."""
        durable: Future[None] = Future()

        def done(error: BaseException | None) -> None:
            if error is None:
                durable.set_result(None)
            else:
                durable.set_exception(error)

        self._hand_over(_Request(arrival, done, arrival.samples))
        durable.result()

    def status(self) -> LandingStatus:
        """Return how landing stands; does not wait."""
        with self._changed:
            return replace(self._status, queued_samples=self._queued_samples)

    def close(self) -> None:
        """Land what is queued, close the files and release the directory; harmless when done twice."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hand_over(self, request: _Request) -> None:
        batch = request.arrival.batch
        if batch is not None and batch.facility != self._facility:
            raise DataError(
                Sentence(
                    "samples of {facility!r} cannot land: {path} belongs to {owner!r}",
                    facility=batch.facility,
                    path=self._path,
                    owner=self._facility,
                )
            )
        with self._changed:
            if self._closing:
                raise self._closed_error([request])
            self._queue.append(request)
            self._queued_samples += request.arrival.samples
            self._changed.notify_all()

    # Everything below runs in the writer's thread.

    def _run(self) -> None:
        try:
            while group := self._take():
                self._land_group(group)
        finally:
            with self._changed:
                self._closing = True
                left = list(self._queue)
                self._queue.clear()
                self._status = replace(self._status, state=LandingState.CLOSED)
            self._finish(left, self._closed_error(left))
            self._file.close()

    def _take(self) -> list[_Request]:
        """Return what is queued, when there is some; nothing when the landing is closing."""
        while True:
            with self._changed:
                if not self._queue and not self._closing:
                    self._changed.wait(_REFRESH_S)
                group: list[_Request] = []
                room = self._limits.max_transaction_samples
                while self._queue and (not group or self._queue[0].arrival.samples <= room):
                    group.append(self._queue.popleft())
                    room -= group[-1].arrival.samples
                if group or self._closing:
                    return group
            self._refresh()

    def _land_group(self, group: list[_Request]) -> None:
        """Land a group of requests, however long it takes, and inform those who wait."""
        committed = False
        while True:
            started = time.monotonic()
            try:
                if not committed:
                    self._check_space()
                    self._file.commit([r.arrival for r in group])
                    committed = True
                self._file.confirm()
            except _FullError as error:
                self._trouble(LandingState.FULL, str(error))
            except Exception as error:
                if not _may_pass(error):
                    self._refuse(group, error)
                    return
                self._failing(error)
            else:
                self._finish(group, None)
                if self._observer is not None:
                    self._observer.landed([r.arrival for r in group], time.monotonic() - started)
                self._refresh()
                return
            if self._closes_before_retry(group):
                return

    def _failing(self, error: Exception) -> None:
        text = str(error) if isinstance(error, DiskError) else f"{self._path} cannot be written ({error})"
        text += "; sources wait"
        self._trouble(LandingState.FAILING, text)

    def _closes_before_retry(self, group: list[_Request]) -> bool:
        """Wait until the next attempt is due; whether the landing closes instead, and the group with it."""
        with self._changed:
            closing = self._changed.wait_for(lambda: self._closing, self._limits.retry_s)
        if closing:
            self._finish(group, self._closed_error(group))
        return closing

    def _refuse(self, group: list[_Request], error: Exception) -> None:
        """Find whose arrival cannot be landed; the others must not suffer for it."""
        if len(group) > 1:
            for request in group:
                self._land_group([request])
        elif group[0].repaired or _is_of_the_file(error):
            self._finish(group, error)
        else:
            self._repair(group[0], error)

    def _repair(self, request: _Request, error: Exception) -> None:
        """Land an arrival without the samples on which its commit fails; these become dead letters with it."""
        while True:
            try:
                arrival = without_culprits(request.arrival, self._fails, self._file.now())
            except Exception as problem:
                if not _may_pass(problem):
                    self._finish([request], problem)
                    return
                self._failing(problem)
            else:
                if arrival is None:
                    self._finish([request], error)
                else:
                    self._land_group([replace(request, arrival=arrival, repaired=True)])
                return
            if self._closes_before_retry([request]):
                return

    def _fails(self, arrival: Arrival) -> Exception | None:
        try:
            self._file.try_commit(arrival)
        except Exception as error:
            if _may_pass(error) or _is_of_the_file(error):
                raise
            return error
        return None

    def _check_space(self) -> None:
        used = self._file.used_bytes()
        if used >= self._limits.max_bytes:
            raise _FullError(
                f"{self._path} is full: {used} bytes are used of max_bytes = {self._limits.max_bytes};"
                " sources wait until some of it is forwarded or deleted"
            )

    def _trouble(self, state: LandingState, problem: str) -> None:
        if problem != self._status.problem:
            _LOG.error("%s", problem)
        with self._changed:
            self._status = replace(self._status, state=state, problem=problem, failures=self._status.failures + 1)

    def _finish(self, group: list[_Request], error: BaseException | None) -> None:
        with self._changed:
            self._queued_samples -= sum(r.samples for r in group)
            if error is None:
                self._status = replace(self._status, state=LandingState.OPEN, problem="", commits=self._file.commits)
        for request in group:
            request.done(error)

    def _refresh(self) -> None:
        """Update `status` from the file; the longer that takes, the less often."""
        started = time.monotonic()
        if started < self._refresh_at:
            return
        with suppress(DiskError, DamagedDataError):
            waiting = self._file.waiting()
            used = self._file.used_bytes()
            with self._changed:
                self._status = replace(
                    self._status,
                    waiting_samples=waiting.samples,
                    waiting_bytes=waiting.bytes,
                    oldest_waiting_ns=waiting.oldest_ns,
                    used_bytes=used,
                )
        took = time.monotonic() - started
        self._refresh_at = started + max(_REFRESH_S, 20 * took)

    def _closed_error(self, group: list[_Request]) -> UnreachableError:
        samples = sum(r.arrival.samples for r in group)
        return UnreachableError(
            Sentence(
                "the landing in {path} was closed with {samples} samples not landed: they are not "
                "acknowledged, and a source that can will deliver them again",
                path=self._path,
                samples=samples,
            )
        )


class _FullError(Exception):
    """As many bytes are used as may be."""


def _may_pass(error: Exception) -> bool:
    """Whether it may be over at the next attempt: no space, a disk that fails, another connection that writes."""
    return isinstance(error, OSError | DiskError)


def _is_of_the_file(error: Exception) -> bool:
    """Whether no sample is at fault: the file is damaged, or kado uses it wrongly."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BY_THE_SAMPLE
    return isinstance(error, DamagedDataError)
